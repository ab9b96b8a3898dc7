"""The page as people see it, in Chromium: nothing overlaps, nothing is cut off, at any width, and nothing complains."""

from pathlib import Path

import numpy as np
import pytest
from browser import browser
from float_nets import Builder, samples

import mcuq
from mcuq.cli import main
from mcuq.loading import quantize_float

BOARD = "esp32dev"
EXAMPLE = Path(__file__).parents[1] / "examples/digits"
DIGITS, HOLDOUT = EXAMPLE / "digits.tflite", EXAMPLE / "holdout.npz"
WIDTHS = (380, 800, 1400)
PAPER = 718  # 190 mm at 96 dots per inch
BYTES, SECONDS = 1_500_000, 5

# Texts that reach out of what shows them, and texts that lie over each other; a scroll box shows what it holds.
LOOK = """(() => {
  const found = [], seen = [], page = document.documentElement;
  if (page.scrollWidth > page.clientWidth) found.push(`the page is ${page.scrollWidth} wide`);
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node; node = walker.nextNode();) {
    const parent = node.parentElement, text = node.data.trim();
    if (!text || parent.closest('title, style, details:not([open]) > :not(summary)')) continue;
    if (getComputedStyle(parent).visibility === 'hidden' || !parent.getClientRects().length) continue;
    const range = document.createRange(), scrolled = parent.closest('.scroll');
    range.selectNodeContents(node);
    for (const r of range.getClientRects()) {
      if (r.width < 1 || r.height < 1) continue;
      const box = parent.closest('svg') ? parent.parentElement.querySelector('rect') : null;
      const outer = box ? box.getBoundingClientRect() : scrolled ? null : page.getBoundingClientRect();
      if (outer && (r.left < outer.left - 1 || r.right > outer.right + 1)) found.push(`cut off: ${text}`);
      seen.push([r.left + 1, r.top + r.height / 5, r.right - 1, r.bottom - r.height / 5, text, scrolled]);
    }
  }
  seen.sort((a, b) => a[1] - b[1]);
  for (let i = 0; i < seen.length; i++)
    for (let k = i + 1; k < seen.length && seen[k][1] < seen[i][3]; k++)
      if (seen[k][5] === seen[i][5] && seen[k][0] < seen[i][2] && seen[i][0] < seen[k][2] && seen[k][3] > seen[i][1])
        found.push(`${seen[i][4]} lies over ${seen[k][4]}`);
  return {found: found.slice(0, 10), texts: seen.length};
})()"""


@pytest.fixture(scope="module")
def chromium(tmp_path_factory):
    with browser(tmp_path_factory.mktemp("profile")) as found:
        yield found


def deep_net(layers: int):
    """Many layers, one behind the other."""
    builder = Builder((1, 6, 6, 4))
    for _ in range(layers - 1):
        builder.conv(4, 1, "relu")
    return builder.dense(3).graph()


def kws(shared, folder):
    kept = np.load(shared / "data/kws01.npz")
    labels = next(kept[name] for name in ("Y", "labels") if name in kept.files)
    names = "down go left no off on right stop up yes silence unknown".split()
    np.savez(folder / "d.npz", X=kept["X"][:200], Y=labels[:200], class_names=np.array(names))
    return shared / "models/mlperf/kws_dscnn_int8.tflite", {"data": folder / "d.npz", "samples": "stored"}


def vww(shared, _):
    return shared / "models/mlperf/vww_mbv1_025_int8.tflite", {}


def digits(_, folder):
    """With its float model."""
    quantize = ["quantize", EXAMPLE / "digits_float.tflite", "--calibration", EXAMPLE / "calibration.npz"]
    assert main([*map(str, quantize), "--out", str(folder / "digits.mcuq")]) == 0
    return folder / "digits.mcuq", {"data": HOLDOUT}


def deep(_, folder):
    net = deep_net(300)
    x = samples(net, 4)
    mcuq.save(quantize_float(net, x, {}).graph, folder / "deep.mcuq", reference=net)
    np.savez(folder / "x.npz", X=x)
    return folder / "deep.mcuq", {"data": folder / "x.npz"}


# What must be there: a selector, how many of it at the least, a text that one of them has.
SHOWN = {
    "#verdict": (1, "esp32dev"),
    "[data-fact=arena-bytes]": (1, "bytes"),
    "[data-fact=macs]": (1, "multiply-accumulates"),
    "#fit .region svg rect title": (5, "empty arduino application"),
    "#fit .region .what": (5, "app partition"),
    "#arena svg rect title": (2, "bytes at"),
    "#arena svg .column": (1, ""),
    "#arena .used": (1, ""),
    "#layers tbody tr": (10, "_s8"),
    "#layers tbody small": (10, "MAC16"),
    "#layers svg.thin": (20, ""),
    "#values figure svg path": (10, ""),
    "#values figure": (5, "weights"),
    "#graph svg g": (10, "int8"),
    "#graph svg path": (10, ""),
    "#origin pre": (1, "mcuq report"),
    "#origin dd": (3, mcuq.__version__),
}
MORE = {
    kws: {"[data-fact=accuracy]": (1, "200 samples"), ".confusion td": (144, ""), "#accuracy tbody tr": (4, "AUC")},
    vww: {"#arena svg .scratch": (5, "scratch of"), "#accuracy .absent": (1, "--data")},
    digits: {
        "[data-fact=accuracy]": (1, "540 samples"),
        ".confusion td": (100, ""),
        "#noise tbody tr": (10, "dB"),
        "#accuracy th": (4, "difference"),
    },
    deep: {"#layers tbody tr": (300, ""), "#noise tbody tr": (300, "dB"), "#graph svg g": (302, "")},
}


@pytest.mark.parametrize("model", [kws, vww, digits, deep])
def test_a_page_at_every_width(chromium, request, tmp_path, model):
    shared = request.getfixturevalue("shared") if model in {kws, vww} else None
    path, options = model(shared, tmp_path)
    out = tmp_path / "report.html"
    mcuq.write_report(path, BOARD, out, instructions=False, **options)
    assert out.stat().st_size < BYTES

    for width in WIDTHS:
        before = chromium.busy()
        chromium.show(out, width, dark=width == WIDTHS[0])
        assert chromium.busy() - before < SECONDS
        found = chromium.evaluate(LOOK)
        assert found["texts"] > 100 and found["found"] == [], (width, found["found"])
    for selector, (least, text) in {**SHOWN, **MORE[model]}.items():
        texts = chromium.evaluate(f"[...document.querySelectorAll({selector!r})].map(e => e.textContent)")
        assert len(texts) >= least and any(text in t for t in texts), (selector, texts[:3])
    assert chromium.complaints == []


@pytest.mark.parametrize(
    ("planted", "said"),
    [
        ("<p style='position:absolute;top:0'>over</p><p style='position:absolute;top:2px'>it</p>", "over"),
        ("<p style='width:2000px'>wide</p>", "wide"),
        ("<p style='position:absolute;left:-20px'>gone to the left</p>", "cut off"),
    ],
)
def test_what_is_ugly_is_found(chromium, tmp_path, planted, said):
    (tmp_path / "p.html").write_text(f"<!DOCTYPE html><body>{planted}</body>")
    chromium.show(tmp_path / "p.html", 380)

    found = chromium.evaluate(LOOK)["found"]
    assert found and said in found[0]


def test_a_page_on_paper(chromium, tmp_path):
    """As wide as a sheet of A4 between its margins; totals are not repeated on every sheet."""
    mcuq.write_report(DIGITS, BOARD, tmp_path / "r.html", instructions=False, data=HOLDOUT)
    chromium.show(tmp_path / "r.html", PAPER, media="print")

    assert chromium.evaluate(LOOK)["found"] == []
    assert chromium.evaluate("getComputedStyle(document.querySelector('tfoot')).display") == "table-row-group"


def test_light_and_dark_and_paper_differ(chromium, tmp_path):
    mcuq.write_report(DIGITS, BOARD, tmp_path / "r.html", instructions=False)
    colours = {}
    for name, options in {"light": {}, "dark": {"dark": True}, "paper": {"media": "print"}}.items():
        chromium.show(tmp_path / "r.html", **options)
        ask = "[getComputedStyle(document.body).backgroundColor, getComputedStyle(document.body).color]"
        colours[name] = chromium.evaluate(ask)
        shown = chromium.evaluate("getComputedStyle(document.querySelector('nav')).display")
        assert (shown == "none") == (name == "paper")
    assert colours["light"] != colours["dark"] and colours["paper"] == ["rgb(255, 255, 255)", "rgb(0, 0, 0)"]


def test_a_complaint_is_heard(chromium, tmp_path):
    (tmp_path / "p.html").write_text("<!DOCTYPE html><script>console.error('x'); fetch('http://127.0.0.1:9/')</script>")
    before = len(chromium.complaints)
    chromium.show(tmp_path / "p.html")
    chromium.evaluate("new Promise(done => setTimeout(done, 200))")

    heard = [str(complaint) for complaint in chromium.complaints[before:]]
    del chromium.complaints[before:]
    assert any("127.0.0.1" in text for text in heard) and len(heard) >= 2
