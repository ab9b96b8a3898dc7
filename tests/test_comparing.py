"""Two models side by side: the figures are those of the other verbs, and every change of a layer is said."""

import json

import numpy as np
import pytest
from float_nets import Builder, samples
from requirements import require

import mcuq
from mcuq.errors import UsageError
from mcuq.float_run import run as run_float
from mcuq.loading import quantize_float
from mcuq.report.comparing import markdown

BOARD = "esp32-c3-devkitm-1"


@pytest.fixture
def models(tmp_path):
    """A net at 8 bits, at 4 bits, and with another layer; labelled samples."""
    small = Builder((1, 6)).dense(8, "relu").dense(4).graph()
    large = Builder((1, 6)).dense(8, "relu").dense(8, "relu").dense(4).graph()
    x = samples(small, 100)
    labels = run_float(small, {"x": x})[small.outputs[0]].reshape(100, 4).argmax(axis=1)
    np.savez(tmp_path / "d.npz", X=x, Y=labels)
    for name, graph, options in (("8", small, {}), ("4", small, {"bits": 4}), ("large", large, {})):
        mcuq.save(quantize_float(graph, x, options).graph, tmp_path / f"{name}.mcuq", reference=graph)
    return tmp_path


def figures(found) -> dict[str, tuple]:
    return {change.what: (change.before, change.after) for change in found.figures}


def test_figures_are_those_of_the_other_verbs(run, models):
    files = [models / f"{name}.mcuq" for name in ("8", "4")]
    found = figures(mcuq.compare(*files, BOARD, data=models / "d.npz"))
    fits = [json.loads(run("check", file, "--board", BOARD, "--json")[1]) for file in files]
    judged = [json.loads(run("evaluate", file, "--data", models / "d.npz", "--json")[1]) for file in files]
    inspected = [json.loads(run("inspect", file, "--json")[1]) for file in files]

    assert found["arena"] == tuple(fit["arena_bytes"] for fit in fits)
    assert found["accuracy"] == tuple(100 * e["integer_accuracy"] for e in judged)
    assert found["accuracy of the float model"] == (100.0, 100.0)
    assert found["multiply-accumulates"] == tuple(i["macs"] for i in inspected)
    assert found["parameters"] == tuple(i["parameters"] for i in inspected)
    assert found["flash"][0] != found["flash"][1]


def test_milliseconds_are_called_what_they_are(run, models):
    """A range on a chip that was measured too little, an estimate with its error on the ESP32."""
    file = models / "8.mcuq"
    unproved = figures(mcuq.compare(file, models / "large.mcuq", BOARD))
    estimated = mcuq.compare(file, models / "large.mcuq", "esp32dev")
    (time,) = json.loads(run("check", file, "--board", "esp32dev", "--json")[1])["times"]
    known = figures(estimated)

    assert unproved["inference, unproved, from"][0] < unproved["inference, unproved, to"][0]
    assert known["inference, estimated"][0] == pytest.approx(time["milliseconds"], abs=1e-4)
    assert known["error of the estimate"][0] == pytest.approx(100 * time["error"], abs=0.01)
    assert known["inference, estimated"][1] > known["inference, estimated"][0]
    assert all(layer.after.microseconds > 0 for layer in estimated.layers if layer.after)


def test_layers_that_change(models):
    found = mcuq.compare(models / "8.mcuq", models / "4.mcuq", BOARD)

    assert [(c.before.bits, c.after.bits) for c in found.changed] == [(8, 4), (8, 4)]
    assert "| int8 -> int4, about " in markdown(found)
    assert mcuq.compare(models / "8.mcuq", models / "8.mcuq", BOARD).changed == ()


def test_a_layer_more(models):
    found = mcuq.compare(models / "8.mcuq", models / "large.mcuq", BOARD)
    back = mcuq.compare(models / "large.mcuq", models / "8.mcuq", BOARD)
    (new,) = [layer for layer in found.layers if layer.before is None]

    assert new.after.macs in (32, 64)
    assert f"| {new.name} | new: fully_connected" in markdown(found)
    assert [layer.name for layer in back.layers if layer.after is None] == [new.name]


def test_instructions_are_those_of_every_layer(models):
    require("picolibc", "qemu-system-riscv32")
    found = mcuq.compare(models / "8.mcuq", models / "large.mcuq", BOARD, instructions=True)
    before, after = figures(found)["instructions"]

    assert after > before > 300
    assert sum(layer.after.instructions for layer in found.layers if layer.after) == after


def test_the_command_line(run, models):
    arguments = ("compare", models / "8.mcuq", models / "4.mcuq", "--board", BOARD)
    status, out, _ = run(*arguments, "--markdown", models / "c.md")
    data = json.loads(run(*arguments, "--json")[1])

    assert status == 0
    assert "int8 -> int4" in out
    assert (models / "c.md").read_text().startswith(f"{models / '8.mcuq'} and {models / '4.mcuq'} on {BOARD}\n")
    assert [figure["what"] for figure in data["figures"]][:2] == ["arena", "arena, input and output"]


def test_what_cannot_be_compared(run, models):
    with pytest.raises(UsageError, match="a board is needed"):
        mcuq.compare(models / "8.mcuq", models / "4.mcuq")
    for name in ("one", "two"):
        command = ("build", models / "8.mcuq", "--board", BOARD, "--out", models / "p", "--name", name)
        assert run(*command)[0] == 0
    with pytest.raises(UsageError, match="holds 2 models"):
        mcuq.compare(models / "p", models / "4.mcuq")
    assert mcuq.compare(models / "p/one.mcuq", models / "8.mcuq").board == BOARD
