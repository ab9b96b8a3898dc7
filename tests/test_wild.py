"""tools/wild.py: every model of a folder is tried, and the share that is taken is told."""

from tflite_builder import ModelBuilder

from tools import wild


def model(code: str) -> bytes:
    builder = ModelBuilder()
    x, y = (builder.tensor((1, 4), scale=0.1, zero_point=0) for _ in range(2))
    builder.op(code, [x], [y])
    return builder.finish([x], [y])


def test_a_folder_of_models(tmp_path, capsys):
    (tmp_path / "a.tflite").write_bytes(model("RELU"))
    (tmp_path / "b.tflite").write_bytes(model("DILATE"))
    (tmp_path / "readme.txt").write_text("no model")

    assert wild.main([str(tmp_path)]) == 1

    first, second, share = capsys.readouterr().out.splitlines()
    assert first.split() == ["a.tflite", "1", "yes", "yes", "equal", "equal"]
    assert second.startswith("b.tflite") and "mcuq has no DILATE" in second
    assert share == "1 of 2 taken (50.0 %)"
