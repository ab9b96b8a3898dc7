"""Reports are compared like the models that they are of, and what a page says is not trusted."""

import json
from dataclasses import replace

import pytest
from float_nets import Builder, samples
from html_reading import Reading

import mcuq
from mcuq.errors import McuqError, UsageError
from mcuq.limits import PAGE_BYTES
from mcuq.loading import quantize_float
from mcuq.page.figures import CLOSING, OPENING, read_page
from mcuq.page.gathering import html

BOARD = "esp32dev"
NET = Builder((1, 6)).dense(8, "relu").dense(4).graph()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A model at 8 and at 4 bits, and a report of each."""
    folder = tmp_path_factory.mktemp("reports")
    for bits in (8, 4):
        file = folder / f"{bits}.mcuq"
        mcuq.save(quantize_float(NET, samples(NET, 20), {"bits": bits}).graph, file, reference=NET)
        mcuq.write_report(file, BOARD, folder / f"{bits}.html", instructions=False)
    return folder


def test_a_report_stands_for_its_model(folder):
    """Either side, or both; the board is the report's."""
    models = mcuq.compare(folder / "8.mcuq", folder / "4.mcuq", BOARD)
    for before, after in (("8.html", "4.html"), ("8.mcuq", "4.html"), ("8.html", "4.mcuq")):
        found = mcuq.compare(folder / before, folder / after)

        assert replace(found, names=models.names) == models
    assert [(c.before.bits, c.after.bits) for c in models.changed] == [(8, 4), (8, 4)]


def test_the_report_beside_a_project_is_one(run, folder, tmp_path):
    assert run("build", folder / "8.mcuq", "--board", BOARD, "--out", tmp_path / "p", "--name", "net")[0] == 0

    found = mcuq.compare(tmp_path / "p/lib/net/report.html", folder / "8.html")
    assert found.changed == ()
    assert all(change.difference == 0 for change in found.figures)


def test_the_command_line(run, folder):
    status, out, _ = run("compare", folder / "8.html", folder / "4.html", "--markdown", folder / "c.md")

    assert status == 0 and "int8 -> int4" in out
    assert "| int8 -> int4" in (folder / "c.md").read_text()


def test_what_only_one_side_knows_is_no_change(folder):
    """Instructions that only one report counted."""
    page = (folder / "8.html").read_text()
    text = page.partition(OPENING)[2].partition(CLOSING)[0]
    document = json.loads(text)
    for layer in document["layers"]:
        layer["instructions"] = 7
    (folder / "counted.html").write_text(page.replace(text, json.dumps(document)))

    assert {layer.instructions for layer in read_page(folder / "counted.html").layers.values()} == {7}
    assert mcuq.compare(folder / "8.html", folder / "counted.html").changed == ()
    (folder / "other.html").write_text(page.replace('"framework":"arduino ', '"framework":"other '))
    (note,) = mcuq.compare(folder / "8.html", folder / "other.html").notes
    assert note.startswith("frameworks differ") and note.endswith(read_page(folder / "other.html").framework)


def test_a_report_of_another_board_is_refused(folder):
    with pytest.raises(UsageError, match=r"8\.html: is of esp32dev, not of esp32-c3-devkitm-1"):
        mcuq.compare(folder / "8.html", folder / "4.mcuq", "esp32-c3-devkitm-1")


def test_no_text_ends_the_element(folder):
    """A name that HTML would read as an element is none in the page."""
    page = mcuq.write_report(folder / "8.mcuq", BOARD, folder / "hostile.html", instructions=False)
    named = replace(page.figures, model="</script><b>&", layers={"<!--": next(iter(page.figures.layers.values()))})
    (folder / "hostile.html").write_bytes(html(replace(page, figures=named)))

    assert [tag for tag, _ in Reading((folder / "hostile.html").read_text()).tags].count("script") == 1
    assert read_page(folder / "hostile.html") == named


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (OPENING, "<script>", "holds no figures"),
        ("mcuq/figures/1", "mcuq/figures/2", "holds 'mcuq/figures/2', this mcuq reads"),
        ('"board":"esp32dev"', '"board":3', "holds 3 for a text"),
        ('"macs":48', '"macs":"48"', "LayerFacts.macs is '48'"),
        ('"macs":48', '"macs":1e400', "LayerFacts.macs is inf"),
        ('"macs":48', f'"macs":{10**400}', "a number that is none of a model"),
        ('"macs":48', '"more":48', "missing 1 required positional argument: 'macs'"),
        ('"fits","unit":"","value":1.0', '"fits","unit":"","value":NaN', "a number that is none of a model"),
        ('"what":"flash"', '"what":"arena"', "a figure twice"),
        ('"figures":[', '"figures":[[', "damaged"),
        ('"layers":[', '"layers":' + "[" * 100_000, "damaged"),
        ('"layers":[', '"layers":["dense",', "damaged"),
    ],
)
def test_a_page_is_not_trusted(run, folder, old, new, said):
    """One line, whatever it holds."""
    page = (folder / "8.html").read_text()
    assert old in page
    (folder / "bad.html").write_text(page.replace(old, new, 1))

    status, out, err = run("compare", folder / "bad.html", folder / "8.html")
    assert (status, out, err.count("\n")) == (2, "", 1), err
    assert said in err and "bad.html: " in err


def test_a_large_page_is_not_read(folder):
    with (folder / "large.html").open("wb") as file:
        file.truncate(PAGE_BYTES + 1)
    with pytest.raises(McuqError, match=r"large\.html: has 16777217 bytes"):
        mcuq.compare(folder / "large.html", folder / "8.html")
    with pytest.raises(UsageError, match="no such file"):
        mcuq.compare(folder / "missing.html", folder / "8.html")
