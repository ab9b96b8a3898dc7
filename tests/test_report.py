"""The page says what the other verbs say as JSON, and what was not given; the same inputs give the same bytes."""

import json

import numpy as np
import pytest
from float_nets import Builder, samples
from html_reading import Reading, number
from strip_graphs import Net

import mcuq
from mcuq.fit import footprint
from mcuq.float_run import run as run_float
from mcuq.loading import quantize_float
from mcuq.ops.mean import Mean
from mcuq.page.arena import arena_of, labels
from mcuq.page.layout import GAP, HEIGHT, ROW, WIDTH, layout
from mcuq.page.values import values
from mcuq.tensor import QTensor

BOARD = "esp32dev"
NET = Builder((1, 12, 12, 3)).conv(8, 3, "relu").conv(8, 1, "relu").dense(4).graph()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A quantized model with its float model, and labelled samples."""
    folder = tmp_path_factory.mktemp("report")
    x = samples(NET, 60)
    labels = run_float(NET, {"x": x})[NET.outputs[0]].reshape(60, 4).argmax(axis=1)
    np.savez(folder / "d.npz", X=x, Y=labels, class_names=np.array(["ant", "bee", "<b>", "dog"]))
    mcuq.save(quantize_float(NET, x, {}).graph, folder / "m.mcuq", reference=NET)
    return folder


@pytest.fixture(scope="module")
def page(folder):
    mcuq.write_report(folder / "m.mcuq", BOARD, folder / "r.html", data=folder / "d.npz", instructions=False)
    return (folder / "r.html").read_text("utf-8")


def test_numbers_are_those_of_the_other_verbs(run, folder, page):
    """One by one: check, inspect and evaluate as JSON against what a reader sees."""
    said = Reading(page)
    fit = json.loads(run("check", folder / "m.mcuq", "--board", BOARD, "--json")[1])
    inspected = json.loads(run("inspect", folder / "m.mcuq", "--json")[1])
    judged = json.loads(run("evaluate", folder / "m.mcuq", "--data", folder / "d.npz", "--json")[1])

    assert number(said.facts["arena-bytes"]) == fit["arena_bytes"]
    assert number(said.facts["macs"]) == inspected["macs"]
    assert number(said.facts["parameters"]) == inspected["parameters"]
    assert number(said.facts["accuracy"]) == pytest.approx(100 * judged["integer_accuracy"], abs=0.005)

    assert list(said.regions) == [region["region"] for region in fit["regions"]]
    for region in fit["regions"]:
        texts = " ".join(said.regions[region["region"]])
        assert f"{region['needed']:,} of {region['available']:,} bytes, {region['free']:,} free" in texts
        assert all(f"{what} {size:,}" in texts for what, size in region["breakdown"].items())

    layers = [row for row in said.rows["layers"][1:] if row[0] != "all layers"]
    assert [row[0] for row in layers] == [layer["name"] for layer in inspected["layers"]]
    assert [row[1] for row in layers] == [" × ".join(map(str, layer["shape"])) for layer in inspected["layers"]]
    found = [int(seen["data-macs"]) for tag, seen in said.tags if tag == "tr" and "data-macs" in seen]
    assert found == [layer["macs"] for layer in inspected["layers"]]
    (time,) = fit["times"]
    by_layer = {step["layer"]: step["instructions"] for step in time["layers"]}
    assert [number(row[4]) for row in layers] == [by_layer.get(row[0], 0) for row in layers]
    assert number(said.facts["instructions"]) == time["instructions"]
    assert number(said.facts["milliseconds"]) == pytest.approx(time["milliseconds"], rel=0.01)
    assert time["text"] in said.text("layers")

    noise = {row[0].split()[0]: row for row in said.rows["noise"][1:]}
    assert set(noise) == {layer["name"] for layer in judged["layers"]}
    for layer in judged["layers"]:
        own, output, weights, clipped = noise[layer["name"]][1:]
        assert own == (f"{layer['own_sqnr']:.1f} dB" if layer["own_sqnr"] is not None else "exact")
        assert output == (f"{layer['output_sqnr']:.1f}" if layer["output_sqnr"] is not None else "–")
        assert weights == (f"{layer['weights_sqnr']:.1f}" if layer["weights_sqnr"] is not None else "–")
        assert number(clipped.removeprefix("< ")) == pytest.approx(100 * layer["clipped"], abs=0.0101)
    assert next(iter(noise)) == judged["look_at_first"]

    figures = {row[0]: row[1:] for row in said.rows["accuracy"]}
    for column, model in enumerate(("float", "integers")):
        accuracy = judged[model]["accuracy"]
        assert (
            figures["accuracy"][column] == f"{100 * accuracy['value']:.2f} % ± {100 * accuracy['standard_error']:.2f}"
        )
        area = judged[model]["auc"]
        assert figures["AUC"][column] == f"{area['value']:.4f} ± {area['standard_error']:.4f}"
    confusion = said.rows["accuracy"][-4:]
    assert [[int(cell) for cell in row[1:]] for row in confusion] == judged["integers"]["classes"]["confusion"]


def test_texts_of_the_users_are_escaped(page):
    assert "<b> 2" in [row[0] for row in Reading(page).rows["accuracy"]]
    assert ">&lt;b&gt;" in page and '="<b>' not in page


def test_it_needs_nothing_else_and_tells_no_path(page, folder):
    """Nothing to execute, no address but those of the page itself."""
    tags = Reading(page).tags

    assert [found["type"] for tag, found in tags if tag == "script"] == ["application/json"]
    links = [value for _, found in tags for key, value in found.items() if key in {"href", "src", "xlink:href"}]
    assert all(link.startswith(("#", "data:")) for link in links)
    assert str(folder) not in page and "url(" not in page and "@import" not in page


def test_same_inputs_same_bytes(folder, page):
    mcuq.write_report(folder / "m.mcuq", BOARD, folder / "again.html", data=folder / "d.npz", instructions=False)

    assert (folder / "again.html").read_text("utf-8") == page


def test_what_was_not_given_is_said(folder):
    mcuq.write_report(folder / "m.mcuq", BOARD, folder / "bare.html", instructions=False)
    said = Reading((folder / "bare.html").read_text("utf-8"))

    assert "No samples were given" in said.text("accuracy")
    assert "No samples were given" in said.text("noise")
    assert "outputs of layers are not known" in said.text("values")
    assert "Instructions were not counted" in said.text("layers")


def test_build_writes_one_beside_the_project(run, folder, tmp_path):
    """The same bytes again, without what only measuring tells."""
    status, out, _ = run("build", folder / "m.mcuq", "--board", BOARD, "--out", tmp_path / "p", "--json")
    built = (tmp_path / "p/lib/net/report.html").read_text("utf-8")

    assert status == 0 and "lib/net/report.html" in json.loads(out)["changed"]
    assert "when a model is built" in Reading(built).text("layers")
    assert run("build", folder / "m.mcuq", "--board", BOARD, "--out", tmp_path / "p")[0] == 0
    assert (tmp_path / "p/lib/net/report.html").read_text("utf-8") == built
    assert str(tmp_path) not in built


def test_a_model_that_does_not_fit_is_said_to(tmp_path):
    big = Builder((1, 128, 128, 3)).conv(16, 3, "relu").conv(16, 3, "relu").graph()
    mcuq.save(quantize_float(big, samples(big, 2), {}).graph, tmp_path / "big.mcuq")
    page = mcuq.write_report(tmp_path / "big.mcuq", BOARD, tmp_path / "r.html", instructions=False)
    said = (tmp_path / "r.html").read_text("utf-8")

    assert not page.fit.fits
    assert "does not fit esp32dev" in said and page.fit.shortfall.split(",")[0] in said


def test_flash_of_layers_is_that_of_the_plan(folder):
    """But for what the linker adds between objects."""
    plan = mcuq.compile(mcuq.load(folder / "m.mcuq"), BOARD)

    by_step = footprint.constants_by_step(plan)
    assert sum(by_step.values()) == sum(footprint.constant_objects(plan).values()) > 0
    assert set(by_step) == {step.name for step in plan.steps}


def test_histograms_count_every_value(folder):
    graph = mcuq.load(folder / "m.mcuq")
    x = np.load(folder / "d.npz")["X"]
    integers = graph.values["x"].quantize(x[:8])
    found = values(graph, {"x": integers})

    for v, node in zip(found, (node for node in graph.nodes if node.op.name != "reshape"), strict=True):
        assert v.outputs and sum(v.outputs.counts) == 8 * graph.values[node.outputs[0]].elements
        if v.weights:
            weights = graph.constants[node.inputs[1]]
            assert sum(v.weights.counts) == weights.elements
            assert (v.weights.first, v.weights.last) == (weights.real().min(), weights.real().max())


def test_the_arena_in_use_is_never_more_than_the_arena(folder):
    arena = arena_of(mcuq.compile(mcuq.load(folder / "m.mcuq"), BOARD))

    assert max(arena.used) == arena.used[arena.peak] <= arena.bytes
    assert {box.end for box in arena.boxes} <= {*range(arena.bytes + 1)}
    assert sum(box.bytes for box in arena.at_peak) >= arena.used[arena.peak]


def test_strips_of_a_chain_are_one_box():
    """However many steps they take."""
    net = Net(np.random.default_rng(5))
    net.b.values["x"] = QTensor((1, 32, 24, 4), 0.05, net.zero_point)
    y = net.conv("x", 16, same=True)
    plan = mcuq.compile(net.graph(net.add(Mean((1, 2)), net.conv(y, depthwise=True, same=True))), BOARD, slower=100)
    assert plan.strips.turns
    arena = arena_of(plan)

    (chain,) = arena.chains
    assert arena.steps[chain.first : chain.last + 1]
    rows = [box.name for box in arena.boxes if box.kind == "rows"]
    assert rows and len(arena.boxes) < len(plan.buffers) / 2
    assert all(box.first >= 0 and box.last < len(arena.steps) for box in arena.boxes)
    assert len({label.text for label in labels(arena)}) <= len(arena.boxes)


def test_boxes_of_a_graph_do_not_overlap():
    """Branches, a line that passes many rows, and a box that nothing leads to."""
    names = [*"abcdefgh", "late"]
    edges = [("a", "b"), ("a", "c"), ("b", "d"), ("c", "d"), ("d", "e"), ("a", "e"), ("e", "f"), ("e", "g"), ("e", "h")]
    edges += [("late", "f"), ("f", "h")]
    found = layout(names, edges)

    places = sorted(found.boxes.values())
    for x, y in places:
        assert 0 <= x <= found.width - WIDTH and 0 <= y <= found.height - HEIGHT and (y - places[0][1]) % ROW == 0
    beside = [(a, b) for a in places for b in places if a < b and a[1] == b[1]]
    assert beside and all(b[0] - a[0] >= WIDTH + GAP - 1 for a, b in beside)
    assert all(found.boxes[b][1] > found.boxes[a][1] for a, b in edges)
    assert found.boxes["late"][1] == found.boxes["f"][1] - ROW
    passing = next(line for line in found.lines if len(line) > 2)
    boxes = [found.boxes[name] for name in names]
    assert not any(x <= px <= x + WIDTH and y <= py <= y + HEIGHT for px, py in passing[1:-1] for x, y in boxes)


def test_a_notebook_shows_what_the_page_does(folder):
    shown = mcuq.evaluate(folder / "m.mcuq", folder / "d.npz")._repr_html_()

    said = Reading(shown)
    assert "accuracy" in said.text("") and "Noise, layer by layer" in said.text("")
    assert "@scope" in shown and "--ink" in shown


def test_report_wants_a_board(run, folder):
    status, _, err = run("report", folder / "m.mcuq", "--out", folder / "no.html")

    assert status == 2 and "--board" in err and not (folder / "no.html").exists()
