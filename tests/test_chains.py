"""The planner's chains: less memory for a few instructions, an amount of memory that is met, or what is missing."""

import dataclasses
import json

import numpy as np
import pytest
from channel_graphs import Builder
from strip_graphs import Net

from mcuq import archive, loading, pipeline
from mcuq.archive import Archive
from mcuq.errors import DoesNotFitError
from mcuq.fit.chains import SLOWEST, needed
from mcuq.fit.footprint import tables_bytes
from mcuq.fit.rereads import PER_BYTE_AGAIN, burden
from mcuq.fit.strip_costs import instructions_of
from mcuq.graph import Graph
from mcuq.ops.add import Add
from mcuq.ops.mean import Mean
from mcuq.target.setup import Setup
from mcuq.tensor import QTensor
from mcuq.verification import simulate_on

BOARD = "esp32-c3-devkitm-1"


@pytest.fixture
def graph() -> Graph:
    """An image of 32 x 24 x 4 through layers of 16 channels with shortcuts, then a mean over all pixels."""
    net = Net(np.random.default_rng(5))
    net.b.values["x"] = QTensor((1, 32, 24, 4), 0.05, net.zero_point)
    y = net.conv("x", 16, same=True)
    for _ in range(2):
        y = net.add(Add("relu"), y, net.conv(net.conv(y, depthwise=True, same=True), 16, same=True))
    return net.graph(net.add(Mean((1, 2)), y))


def test_the_default_on_a_board_is_five_percent(graph):
    assert pipeline.compile(graph, BOARD).strips.chains == pipeline.compile(graph, BOARD, slower=5).strips.chains != ()
    assert pipeline.compile(graph, BOARD, slower=0).strips.chains == ()
    assert pipeline.compile(graph).strips.chains == ()


def test_a_record_from_before_strips_means_none():
    plain = dataclasses.asdict(Setup())
    assert Setup.restored(plain).percent == Setup().percent == 5
    del plain["slower"]
    assert Setup.restored(plain).percent == 0
    assert Setup.restored(plain).updated({"slower": 3}).percent == 3


def test_speed_is_no_place_for_strips_unless_both_are_asked_for(graph):
    spans = [pipeline.compile(graph, BOARD, speed=True, slower=n).strips.spans for n in (None, 5)]
    assert not spans[0]
    assert spans[1]


def test_more_instructions_buy_less_memory(graph):
    totals = [needed(pipeline.compile(graph, BOARD, io_in_arena=None, slower=n)) for n in (0, 5, 100)]
    assert totals[0] > 1.9 * totals[1] > 2.2 * totals[2]


def test_never_more_memory_than_without_chains():
    net = Net(np.random.default_rng(5))
    net.b.values["x"] = QTensor((1, 3, 4, 4), 0.05, net.zero_point)
    graph = net.graph(net.conv(net.conv("x", 16, same=True), 4, same=True))
    whole, chained = (pipeline.compile(graph, BOARD, io_in_arena=None, slower=n) for n in (0, 100))
    assert needed(chained) <= needed(whole)


def test_an_amount_of_memory_is_met_or_what_is_missing_is_said(graph):
    whole = needed(pipeline.compile(graph, BOARD, io_in_arena=None, slower=0))
    assert pipeline.compile(graph, BOARD, io_in_arena=None, ram=whole).strips.chains == ()
    plan = pipeline.compile(graph, BOARD, io_in_arena=None, ram=whole // 2)
    assert plan.strips.chains
    assert needed(plan) <= whole // 2
    with pytest.raises(
        DoesNotFitError, match=r"needs at least [\d,]+ bytes of RAM, of 100; layer \w+ decides"
    ) as short:
        pipeline.compile(graph, BOARD, io_in_arena=None, ram=100)
    least = int(str(short.value).split("at least ")[1].split(" ")[0].replace(",", ""))
    assert needed(pipeline.compile(graph, BOARD, io_in_arena=None, ram=least)) == least
    with pytest.raises(DoesNotFitError):
        pipeline.compile(graph, BOARD, io_in_arena=None, ram=least - 1)


def test_the_host_runs_what_was_chosen(graph):
    whole, plan = (pipeline.compile(graph, BOARD, io_in_arena=None, slower=n) for n in (0, 5))
    x = np.random.default_rng(0).integers(-128, 128, (3, 1, 32, 24, 4)).astype(np.int8)
    (name,) = graph.outputs
    expected = pipeline.simulate(whole, x)
    np.testing.assert_array_equal(simulate_on("host", plan, {"x": x}).outputs[name].reshape(expected.shape), expected)


def test_options_of_the_command_line(graph, run, tmp_path):
    model = tmp_path / "model.mcuq"
    model.write_bytes(archive.dump(Archive(graph)))
    status, out, _ = run("check", model, "--board", BOARD)
    assert status == 0
    whole = needed(pipeline.compile(graph, BOARD, io_in_arena=None, slower=0))
    assert f"in strips of a few rows: conv2d_0 to mean_7; {whole:,} bytes without (--slower 0)\n" in out
    assert "in strips" not in run("check", model, "--board", BOARD, "--slower", "0%")[1]
    assert "bytes without (no --ram and --slower 0)" in run("check", model, "--board", BOARD, "--ram", "16K")[1]
    status, _, err = run("check", model, "--board", BOARD, "--ram", "1K")
    assert status == 1
    assert "bytes of RAM, of 1,024; layer" in err


def test_a_project_keeps_its_strips(graph, run, tmp_path):
    """Built, recorded, and verified with the C compiler of this computer, layer by layer."""
    model, project = tmp_path / "model.mcuq", tmp_path / "project"
    model.write_bytes(archive.dump(Archive(graph)))
    assert run("build", model, "--board", BOARD, "--out", project, "--slower", "4%")[0] == 0
    status, out, _ = run("build", model, "--board", BOARD, "--out", project)
    assert status == 0
    assert "--slower 4" in out
    assert "nothing changed" in out
    assert run("verify", project)[0] == 0


def test_the_default_leaves_chains_that_would_take_far_longer(shared):
    """MicroNet's 138 KB of weights, in strips of one row on the S3: fewer instructions and 3.7 times the time."""
    graph = loading.load(shared / "models/wild/ml_examples_kws_micronet_m_tflite_c1fe.tflite")
    whole, plan = (pipeline.compile(graph, "esp32-s3-devkitc-1", io_in_arena=None, slower=n) for n in (0, 5))
    assert needed(plan) < needed(whole) / 2
    assert burden(plan) <= SLOWEST * burden(whole)
    smallest = pipeline.compile(graph, "esp32-s3-devkitc-1", io_in_arena=None, ram=needed(plan) - 1024)
    assert burden(smallest) > SLOWEST * burden(whole)


def test_weights_that_strips_read_from_flash_again_count_and_are_said(shared, run):
    """ResNet-8's 78 KB of weights are more than any cache holds: strips cost more time than instructions."""
    model = shared / "models/mlperf/ic_resnet8_int8.tflite"
    graph = loading.load(model)
    whole, plan = (pipeline.compile(graph, "esp32dev", io_in_arena=None, slower=n) for n in (0, 5))
    assert burden(whole) == instructions_of(whole)
    read = [sum(tables_bytes(step.params) for step in p.steps) for p in (whole, plan)]
    assert burden(plan) == pytest.approx(instructions_of(plan) + PER_BYTE_AGAIN * (read[1] - read[0]), rel=0.01)
    status, out, _ = run("check", model, "--board", "esp32dev")
    assert status == 0
    assert " bytes and estimated 114 ± 17 % ms without (--slower 0): strips read weights from flash again\n" in out


def test_smaller_amounts_of_memory_with_their_price(graph, run, tmp_path):
    """What ``check`` says is what ``--ram`` gives: each amount is met, one byte less than the last is not."""
    model = tmp_path / "model.mcuq"
    model.write_bytes(archive.dump(Archive(graph)))
    _, text, _ = run("check", model, "--board", BOARD, "--slower", "0")
    found = json.loads(run("check", model, "--board", BOARD, "--slower", "0", "--json")[1])
    amounts = [budget["ram"] for budget in found["smaller"]]
    assert found["chains"] is None
    assert sorted(amounts, reverse=True) == amounts
    assert f"also fits in {amounts[0]:,} bytes for " in text
    whole = pipeline.compile(graph, BOARD, io_in_arena=None, slower=0)
    for budget in found["smaller"]:
        plan = pipeline.compile(graph, BOARD, io_in_arena=None, ram=budget["ram"])
        assert needed(plan) <= budget["ram"]
        assert instructions_of(plan) / instructions_of(whole) == pytest.approx(budget["instructions"], abs=1e-4)
    assert run("check", model, "--board", BOARD, "--ram", amounts[-1] - 1)[0] == 1
    chains = json.loads(run("check", model, "--board", BOARD, "--json")[1])["chains"]
    assert chains["without"]["total_bytes"] == needed(whole)
    assert chains["layers"] == ["conv2d_0 to mean_7"]
    assert not chains["without"]["is_slow"]


@pytest.fixture
def vectors() -> Graph:
    """600 inputs through fully connected layers of 40 outputs and 600."""
    builder = Builder(np.random.default_rng(3), (1, 600), -3)
    return builder.graph(builder.dense(builder.dense("x", 40), 600))


def test_less_scratch_where_memory_counts(vectors):
    """600 inputs are 1,200 bytes of scratch on MAC16; a part of them at a time takes less, to the byte."""
    whole = pipeline.compile(vectors, "esp32dev", io_in_arena=True, slower=0)
    assert needed(whole) == 1800
    for ram in (1799, 1400, 900):
        plan = pipeline.compile(vectors, "esp32dev", io_in_arena=True, ram=ram)
        assert needed(plan) <= ram
        assert plan.strips.chains == ()
    with pytest.raises(DoesNotFitError) as short:
        pipeline.compile(vectors, "esp32dev", io_in_arena=True, ram=100)
    least = int(str(short.value).split("at least ")[1].split(" ")[0].replace(",", ""))
    assert needed(pipeline.compile(vectors, "esp32dev", io_in_arena=True, ram=least)) == least < 800
    with pytest.raises(DoesNotFitError, match="layer fully_connected_"):
        pipeline.compile(vectors, "esp32dev", io_in_arena=True, ram=least - 1)


def test_the_host_runs_parts_of_vectors(vectors):
    whole, plan = (pipeline.compile(vectors, "esp32dev", io_in_arena=True, **o) for o in ({"slower": 0}, {"ram": 1000}))
    assert plan.steps[0].params.kernel == "fully_connected_s8_parts_mac16"
    x = np.random.default_rng(0).integers(-128, 128, (3, 1, 600)).astype(np.int8)
    (name,) = vectors.outputs
    expected = pipeline.simulate(whole, x)
    np.testing.assert_array_equal(pipeline.simulate(plan, x), expected)
    np.testing.assert_array_equal(simulate_on("host", plan, {"x": x}).outputs[name].reshape(expected.shape), expected)


def test_less_scratch_within_the_default_where_it_saves_enough():
    """1,900 inputs are 3,800 bytes of scratch; parts of them are enough, for less than 5 % more instructions."""
    builder = Builder(np.random.default_rng(3), (1, 1900), -3)
    graph = builder.graph(builder.dense("x", 30))
    graph.constants["w_0"].values[...] //= 8  # so that MAC16 holds the sums
    whole, plan = (pipeline.compile(graph, "esp32dev", io_in_arena=None, slower=n) for n in (0, 5))
    assert needed(plan) <= needed(whole) - 1024
    assert instructions_of(plan) <= 1.05 * instructions_of(whole)


def test_additions_in_strips_have_tables_in_flash_and_no_scratch():
    """On MAC16 strips of a few rows would fill tables of 2 KB at every call; one pair in flash serves all of them."""
    net = Net(np.random.default_rng(5))
    net.b.values["x"] = QTensor((1, 24, 16, 48), 0.05, net.zero_point)
    graph = net.graph(net.add(Mean((1, 2)), net.add(Add("relu"), "x", net.conv("x", depthwise=True, same=True))))
    plan = pipeline.compile(graph, "esp32dev", io_in_arena=None, slower=30)
    additions = [step for step in plan.steps if step.params.kernel == "add_s8_tables_mac16"]
    assert len(additions) > 1
    assert {step.scratch for step in additions} == {""}
    assert len({step.params.table_a.tobytes() for step in additions}) == 1
    x = np.random.default_rng(0).integers(-128, 128, (2, 1, 24, 16, 48)).astype(np.int8)
    expected = pipeline.simulate(pipeline.compile(graph, "esp32dev", slower=0), x)
    (name,) = graph.outputs
    np.testing.assert_array_equal(simulate_on("host", plan, {"x": x}).outputs[name].reshape(expected.shape), expected)
