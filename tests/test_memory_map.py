"""The text map says what is live, where the peak is and what to shrink."""

from models import small_graph

from mcuq.plan.builder import build_plan
from mcuq.report.memory import memory
from mcuq.report.memory_map import WIDTH, memory_map


def test_rows_marks_and_peak(rng):
    """conv2d_1 reads conv2d_0, which the addition needs again; the addition writes over an operand."""
    plan = build_plan(small_graph(rng))
    drawn = memory_map(plan)

    assert [row.step for row in drawn.rows] == ["conv2d_0", "conv2d_1", "add_2", "logistic_3"]
    assert [row.bytes for row in drawn.rows] == [120, 240, 240, 120]
    assert drawn.rows[0].bar.count("o") == WIDTH // 2
    assert drawn.rows[1].bar.count("o") == drawn.rows[1].bar.count("i") == WIDTH // 2
    assert drawn.rows[2].bar.count("x") == WIDTH // 2
    assert (drawn.arena, drawn.bound, drawn.peak) == (240, 240, "conv2d_1")
    assert dict(drawn.largest) == {"conv2d_0": 120, "conv2d_1": 120}


def test_report_names_arena_bound_gap_and_what_to_shrink(rng):
    lines = memory(build_plan(small_graph(rng))).lines

    assert "arena 240 bytes (lower bound 240, gap 0); 450 with input and output" in lines
    assert "peak during conv2d_1; shrink conv2d_0 first (1 x 6 x 5 x 4, 120 bytes)" in lines
