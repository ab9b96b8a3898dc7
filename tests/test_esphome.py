"""ESPHome's component ``mcuq``: configurations, what is generated, and what its sensors publish."""

import re
import subprocess
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from esphome_builds import (
    HEAD,
    dense_graph,
    esphome,
    flags_of,
    generated,
    program,
    run,
    said_of,
    write_model,
    written,
)
from models import multi_border_graph, remembering_graph, small_graph
from requirements import ESPHOME, require, require_tool
from test_frameworks import STUBS

import mcuq
from mcuq import pipeline
from mcuq.errors import McuqError
from mcuq.verbs.esphome import embedded_sources, families, read_embedded

ROOT = Path(__file__).parents[1]
DIGITS = ROOT / "examples/digits/digits.tflite"
AIR = ("good", "fair", 'not "fair"', "caf\u00e9")
SAMPLES = 16
UNREADY = 3  # the sample that a lambda says not to have

MODELS = f"""
mcuq:
  - id: air
    model: air.mcuq
    sensors: [a, b, c]
    update_interval: never
  - id: digits
    model: digits.tflite
    update_interval: never
    lambda: |-
      for (int i = 0; i < input.size(); i++)
        input.set(i, pixels[sample][i]);
      input.set(input.size(), 1.0f); // which is refused
      return sample != {UNREADY};
  - id: door
    model: door.mcuq
    update_interval: never
    lambda: |-
      memcpy(input.data(), integers[sample], input.size());
      return true;
  - id: echo
    model: echo.mcuq
    update_interval: never
    lambda: |-
      memcpy(input.data(), steps[sample], input.size());
      return true;
"""
HERE = "sensor:\n  - {platform: template, id: a}\n  - {platform: template, id: b}\n  - {platform: template, id: c}\n"
BOOT = f"""
  includes: [samples.h]
  on_boot:
    priority: -100
    then:
      - lambda: |-
          id(a).publish_state(1.0f);
          id(b).publish_state(NAN);
          id(air).update(); // c has no value yet, b has none again: it does not run
          for (sample = 0; sample < {SAMPLES}; sample++) {{
            id(a).publish_state(readings[sample][0]);
            id(b).publish_state(readings[sample][1]);
            id(c).publish_state(readings[sample][2]);
            id(air).update();
            id(digits).update();
            id(door).update();
            id(echo).update();
          }}
          fflush(stdout);
          exit(0);
"""


@pytest.fixture
def folder(tmp_path) -> Path:
    """A folder with models: four classes with names, ten without, one output for no or yes, one that remembers."""
    rng = np.random.default_rng(1)
    write_model(tmp_path / "air.mcuq", dense_graph(rng, "any", 3, 4), AIR)
    write_model(tmp_path / "door.mcuq", dense_graph(rng, "any", 5, 1), ("shut", "open"))
    write_model(tmp_path / "echo.mcuq", remembering_graph(rng))
    (tmp_path / "digits.tflite").write_bytes(DIGITS.read_bytes())
    return tmp_path


def prints(model: str, outputs: Sequence[int | str]) -> tuple[str, str]:
    """YAML of sensors for elements of an output, by number or class, and of a text sensor: they print what they get."""
    head = f"  - platform: mcuq\n    mcuq_id: {model}\n    name: {model}"
    said = [
        f"{head}_{i}\n    output: {output!r}\n    on_value:\n      - lambda: 'printf(\"{model} {i} %a\\n\", x);'\n"
        for i, output in enumerate(outputs)
    ]
    return "".join(said), f"{head}_class\n    on_value:\n      - lambda: 'printf(\"{model} is %s\\n\", x.c_str());'\n"


def table(ctype: str, name: str, x: np.ndarray) -> str:
    """Samples as C++ has them, real values exactly."""
    rows = (", ".join(float(v).hex() if x.dtype.kind == "f" else str(v) for v in row) for row in x)
    return f"static const {ctype} {name}[{len(x)}][{x.shape[1]}] = {{{', '.join(f'{{{row}}}' for row in rows)}}};\n"


def simulated(path: Path, x: np.ndarray, names: Sequence[str] = ()) -> list[list[str]]:
    """What the component shall print for every sample, by the simulator; from 0.5 on one output says yes."""
    plan = pipeline.compile(mcuq.load(path))
    integers = pipeline.simulate(plan, x, samples="stored" if x.dtype.kind == "i" else None)
    real = plan.graph.values[plan.graph.outputs[0]].dequantize(integers).reshape(len(x), -1)
    found = real.argmax(axis=1) if real.shape[1] > 1 else (real[:, 0] >= 0.5).astype(int)
    model = path.stem
    return [
        [f"{model} {i} {float(v).hex()}" for i, v in enumerate(row)]
        + [f"{model} is {said}" for said in names[which : which + 1]]
        for row, which in zip(real, found, strict=True)
    ]


def lines(text: str) -> list[tuple[str, float | str]]:
    """Lines that were printed, numbers by their value: 0x1p-1 is 0x1.0000000000000p-1."""
    split = [line.rpartition(" ") for line in text.splitlines()]
    return [(what, float.fromhex(last) if what[-1:].isdigit() else last) for what, _, last in split]


def test_sensors_publish_what_the_simulator_computes(folder, rng):
    """Four models in one firmware: input from sensors, from a lambda's real values and from its integers."""
    readings = rng.normal(0, 3, (SAMPLES, 3)).astype(np.float32)
    readings[0], readings[1] = (3e38, -3e38, 0.025), (0.075, -0.025, -0.075)  # saturated; ties
    pixels = rng.uniform(-0.2, 1.2, (SAMPLES, 64)).astype(np.float32)
    integers = rng.integers(-128, 128, (SAMPLES, 5), dtype=np.int8)
    steps = rng.integers(-128, 128, (SAMPLES, 15), dtype=np.int8)
    tables = [table("float", "readings", readings), table("float", "pixels", pixels)]
    tables += [table("int8_t", "integers", integers), table("int8_t", "steps", steps)]
    (folder / "samples.h").write_text("".join(["static int sample;\n", *tables]))
    sensors, texts = zip(prints("air", AIR), prints("digits", range(10)), prints("door", range(1)), strict=True)
    sensors += prints("echo", range(15))[:1]
    (folder / "device.yaml").write_text(
        HEAD.replace("{name: device}", f"\n  name: device{BOOT}")
        + f"host:\n{MODELS}{HERE}{''.join(sensors)}text_sensor:\n{''.join(texts)}"
    )
    esphome("config", str(folder / "device.yaml"))

    (folder / "objects").mkdir()
    built = program(generated(folder / "device.yaml"), folder / "objects")
    said = subprocess.run([str(built)], capture_output=True, text=True, check=True, timeout=60).stdout

    air = simulated(folder / "air.mcuq", readings, AIR)
    digits = simulated(folder / "digits.tflite", pixels.reshape(-1, 8, 8, 1), "0123456789")
    door = simulated(folder / "door.mcuq", integers, ("shut", "open"))
    echo = simulated(folder / "echo.mcuq", steps.reshape(-1, 1, 3, 5))
    digits[UNREADY] = []
    expected = [line for sample in zip(air, digits, door, echo, strict=True) for model in sample for line in model]
    assert lines(said) == lines("\n".join(expected))
    assert len({line for line in expected if " is " in line}) > 6


SMALL = """
mcuq:
  - {id: air, model: air.mcuq, sensors: [a, b, c]}
  - {id: door, model: door.mcuq, lambda: "return true;"}
"""
OURS = re.compile(r"^\S*/(?:components/mcuq|mcuq_models)/\S+ warning: .*$", re.MULTILINE)
BOARDS = {"esp32s3": "esp32-s3-devkitc-1", "esp32c3": "esp32-c3-devkitm-1"}


@pytest.mark.parametrize("chip", BOARDS)
def test_code_for_a_chip_compiles_without_a_warning(folder, chip):
    """C++ against ESPHome's own headers and stubs of ESP-IDF's; C by a compiler for the chip, where there is one."""
    sensors, texts = zip(prints("air", range(4)), prints("door", range(1)), strict=True)
    text = f"{HEAD}esp32: {{board: {BOARDS[chip]}, framework: {{type: esp-idf}}}}\n{SMALL}{HERE}{''.join(sensors)}"
    text += f"text_sensor:\n{''.join(texts)}"
    (path,) = written(folder, {"device": text})
    sources = generated(path)

    stubs = [f"-isystem{STUBS / name}" for name in ("esphome", "espidf")]
    common = [*flags_of(sources), "-DSTUB_IDF_MAJOR=5", *stubs, f"-I{sources}", "-fsyntax-only"]
    strict = ["-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-Wold-style-cast", "-Wcast-align"]
    require_tool("g++")
    for source in (sources / "main.cpp", sources / "esphome/components/mcuq/model.cpp"):
        warnings = run(["g++", "-std=gnu++20", *common, *strict, str(source)])
        assert OURS.findall(warnings) == []
    compiler = ["gcc"]
    if chip == "esp32c3":
        require("picolibc")
        compiler = ["riscv64-unknown-elf-gcc", "-march=rv32imc", "-mabi=ilp32", "--specs=picolibc.specs"]
    for source in sorted((sources / "mcuq_models").glob("*.c")):
        assert run([*compiler, "-std=gnu17", "-Wall", "-Wextra", "-Werror", *common, str(source)]) == ""


def test_assembly_only_where_it_is_compiled(folder):
    """ESPHome's own build by ESP-IDF compiles C and C++ alone."""
    assert families("esp32s3", assembly=True)[:2] == ("s3", "mac16")
    assert families("esp32s3", assembly=False) == families("esp32", assembly=False) == ("tuned", "packed")
    assert families("esp32c3", assembly=False) == families("esp32c3", assembly=True)
    assert families("esp32h21", assembly=True) == families("", assembly=True)
    assert any(
        name.endswith(".S") for name in embedded_sources([read_embedded(DIGITS, "digits")], "esp32", assembly=True)
    )
    text = f"{HEAD}esp32: {{board: esp32dev, toolchain: esp-idf, framework: {{type: esp-idf}}}}\n{SMALL}{HERE}"
    (path,) = written(folder, {"device": text.replace("door.mcuq", "digits.tflite")})
    assert {path.suffix for path in (generated(path) / "mcuq_models").iterdir()} == {".c", ".h"}


RIGHT = f"""{HEAD}host:
{SMALL}{HERE}  - {{platform: mcuq, mcuq_id: air, output: 1, name: one}}
text_sensor:
  - {{platform: mcuq, mcuq_id: air, name: which}}
"""
# What is wrong: the part of YAML, what stands there instead, and what ESPHome says below it.
WRONG = {
    "a sensor short": ("[a, b, c]", "[a, b]", "the model's input has 3 elements, 2 sensors are given."),
    "both kinds of input": ("[a, b, c]", "[a, b, c], lambda: return true;", "Cannot specify more than one of"),
    "no such element": ("output: 1", "output: 4", "the model's output has the elements 0 to 3; there is no 4."),
    "no such class": ("output: 1", "output: bad", "the model has no class 'bad'; it has: good, fair, not \"fair\", "),
    "no class": (
        "id: air, output: 1",
        "id: door, output: open",
        "the model has no class 'open'; it has: none.",
    ),
    "no model": (
        "air.mcuq",
        "samples.npz",
        "samples.npz: mcuq reads .h5, .keras, .onnx, .pt2, .tflite and .mcuq files",
    ),
    "a damaged model": ("air.mcuq", "damaged.mcuq", "damaged.mcuq: damaged, or not a .mcuq file"),
    "two inputs": ("air.mcuq", "multi.mcuq", "multi.mcuq: has 2 inputs and 2 outputs; the component runs models with "),
    "no vector": (
        "air.mcuq, sensors: [a, b, c]",
        "image.mcuq, lambda: return true;",
        "the model's output is no vector of",
    ),
    "a name of C's": ("id: door", "id: time", "'time' cannot name a model in C: it is a header of C or C++; choose"),
    "another chip": ("host:", "esp8266: {board: d1_mini}", "This feature is only available on ['esp32', 'host']"),
}


def test_what_cannot_be_is_said_in_a_line(folder, rng):
    (folder / "samples.npz").write_bytes((ROOT / "examples/digits/holdout.npz").read_bytes())
    (folder / "damaged.mcuq").write_bytes((folder / "air.mcuq").read_bytes()[:-30])
    write_model(folder / "multi.mcuq", multi_border_graph(rng))
    write_model(folder / "image.mcuq", small_graph(rng))
    texts = {str(i): RIGHT.replace(old, new, 1) for i, (old, new, _) in enumerate(WRONG.values())}
    assert RIGHT not in texts.values()
    said = said_of(written(folder, {"right": RIGHT} | texts))
    assert said[0] == (True, "")
    for (what, (_, _, wanted)), (valid, text) in zip(WRONG.items(), said[1:], strict=True):
        assert not valid and wanted in text, (what, text)


@pytest.mark.parametrize(
    ("how", "wanted"),
    [
        ("without mcuq", "the component needs mcuq where ESPHome runs ("),
        ("another mcuq", "the mcuq that is installed where ESPHome runs is another than this component's"),
    ],
)
def test_how_to_get_mcuq_is_said(folder, how, wanted):
    ((valid, text),) = said_of(written(folder, {"right": RIGHT}), how)
    assert not valid and wanted in text and f": {ESPHOME / 'python'} -m pip install CHECKOUT" in text


def test_a_float_model_is_none_yet(shared):
    with pytest.raises(
        McuqError, match=r"float model; make integers of it first: mcuq quantize ad01_float.tflite --cal"
    ):
        read_embedded(shared / "models/mlperf/ad01_float.tflite", "odd")


def test_files_of_one_folder_have_different_names(folder):
    """``air_tables`` has a header where ``air`` has its tables."""
    models = [read_embedded(folder / "air.mcuq", name) for name in ("air", "air_tables")]
    with pytest.raises(McuqError, match=r"^two models have a file air_tables\.h each, which cannot lie in one folder"):
        embedded_sources(models, "esp32", assembly=True)


SHOWN = re.findall(r"^```yaml\n(.*?)^```", (ROOT / "docs/esphome.md").read_text("utf-8"), re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("shown", SHOWN, ids=["sensors", "lambda"])
def test_what_the_paper_shows_is_generated(tmp_path, rng, shown):
    """In a folder beside a checkout."""
    (tmp_path / "mcuq").symlink_to(ROOT)
    home = tmp_path / "home"
    home.mkdir()
    write_model(home / "air.mcuq", dense_graph(rng, "any", 3, 4), ("good", "fair", "bad", "ugly"))
    write_model(home / "washing.mcuq", dense_graph(rng, "any", 32, 4))
    (path,) = written(home, {"shown": shown})
    write_model(home / "door.mcuq", dense_graph(rng, "any", 5, 1), ("shut", "open"))
    (name,) = re.findall(r"^  name: (\w+)$", shown, re.MULTILINE)
    assert list((generated(path, name) / "mcuq_models").glob("*_functions.h"))
