"""PyTorch networks, trained on digits, through the door to the integers of the simulator."""

import copy
import io
import zipfile

import numpy as np
import pytest
from digit_nets import CALIBRATION, NETS, accuracy, digits, nn, torch, trained

import mcuq
from mcuq import float_run
from mcuq.errors import MalformedModelError, UnsupportedOperatorError, UsageError
from mcuq.ops.transpose import Transpose
from mcuq.tensor import QConstant

POINT = 0.01
SCHEMES = {
    "affine": ({}, 1),
    "scale": ({"scheme": "scale"}, 2),
    "fixed-point": ({"scheme": "fixed-point"}, 2),
    "dynamic fixed-point": ({"scheme": "fixed-point", "weights": "layer"}, 2),
}


@pytest.mark.parametrize("name", NETS)
def test_digits(name):
    """The integer simulator's accuracy against PyTorch's own, on samples that neither training nor calibration saw."""
    net = trained(name)
    (x, _), (holdout, labels) = digits()
    with torch.no_grad():
        expected = net(torch.from_numpy(holdout)).numpy()
    graph = mcuq.load(net, x[:1])

    outputs = float_run.run(graph, {graph.inputs[0]: _in_layout(graph, holdout)})
    assert np.allclose(next(iter(outputs.values())).reshape(expected.shape), expected, atol=1e-4)
    assert not any(isinstance(node.op, Transpose) for node in graph.nodes)
    for scheme, (options, points) in SCHEMES.items():
        integers = mcuq.simulate(mcuq.compile(mcuq.quantize(graph, x[:CALIBRATION], **options)), holdout)
        lost = accuracy(expected, labels) - accuracy(integers, labels)
        assert lost <= points * POINT + 1e-9, f"{scheme} loses {100 * lost:.2f} points"


def _in_layout(graph, x):
    axes = graph.layouts.get(graph.inputs[0], (0, 1, 2, 3))
    return x[:, np.newaxis].transpose(0, *(1 + a for a in axes))


def test_the_module_is_left_as_it_was():
    net = NETS["cnn"]().train()
    net[0].eval()
    before = {name: value.clone() for name, value in net.state_dict().items()}

    mcuq.load(net, np.zeros((4, 1, 8, 8), np.float32))

    assert net.training and not net[0].training and net[1].training
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())


def test_a_pt2_file_is_the_module(tmp_path):
    net, x = NETS["residual"]().eval(), torch.rand(1, 1, 8, 8)
    torch.export.save(torch.export.export(net, (x,)), tmp_path / "Net 1.pt2")

    graph = mcuq.load(tmp_path / "Net 1.pt2")

    with torch.no_grad():
        expected = net(x).numpy()
    outputs = float_run.run(graph, {graph.inputs[0]: _in_layout(graph, x.numpy())})
    assert graph.name == "net_1"
    assert np.allclose(next(iter(outputs.values())).reshape(expected.shape), expected, atol=1e-5)


class Evil:
    ran = False

    def __reduce__(self):
        return (_run, ())


def _run():
    Evil.ran = True


@pytest.mark.parametrize("suffix", [".pt", ".pth"])
def test_a_pickled_module_is_not_opened(tmp_path, suffix):
    torch.save(Evil(), tmp_path / f"net{suffix}")

    with pytest.raises(UsageError, match=r"torch\.export\.save"):
        mcuq.load(tmp_path / f"net{suffix}")
    assert not Evil.ran


def test_pickles_inside_a_pt2_file_are_not_opened(tmp_path):
    """Sample inputs: torch.export.load falls back to a full unpickling of them; the program needs none."""
    path, x = tmp_path / "net.pt2", torch.rand(1, 1, 8, 8)
    torch.export.save(torch.export.export(NETS["mlp"]().eval(), (x,)), path)
    pickled = io.BytesIO()
    torch.save(Evil(), pickled)
    _rewrite(path, {"sample_inputs": lambda _: pickled.getvalue()})

    assert mcuq.load(path).inputs == ("input",)
    assert not Evil.ran


def test_pickled_weights_in_a_pt2_file_are_refused(tmp_path):
    path, x = tmp_path / "net.pt2", torch.rand(1, 1, 8, 8)
    torch.export.save(torch.export.export(NETS["mlp"]().eval(), (x,)), path)
    _rewrite(path, {"model_weights_config": lambda old: old.replace(b'"use_pickle": false', b'"use_pickle": true')})

    with pytest.raises(MalformedModelError, match="pickled objects"):
        mcuq.load(path)


@pytest.mark.parametrize("target", ["os.system", "torch.ops.loader.run", "builtins.eval"])
def test_calls_in_a_pt2_file_are_operators(tmp_path, target):
    path, x = tmp_path / "net.pt2", torch.rand(1, 1, 8, 8)
    torch.export.save(torch.export.export(NETS["mlp"]().eval(), (x,)), path)
    _rewrite(path, {"models/model.json": lambda old: old.replace(b"torch.ops.aten.relu.default", target.encode())})

    with pytest.raises(MalformedModelError, match="no operator"):
        mcuq.load(path)


@pytest.mark.parametrize("content", [b"", b"PK", b"no zip at all"])
def test_other_files_are_no_pt2(tmp_path, content):
    (tmp_path / "net.pt2").write_bytes(content)

    with pytest.raises(MalformedModelError, match=r"net\.pt2: damaged"):
        mcuq.load(tmp_path / "net.pt2")


def _rewrite(path, edits):
    """Replace members of a zip whose names hold these texts."""
    with zipfile.ZipFile(path) as file:
        members = {info.filename: file.read(info) for info in file.infolist()}
    with zipfile.ZipFile(path, "w") as file:
        for name, content in members.items():
            edit = next((edit for text, edit in edits.items() if text in name), lambda old: old)
            file.writestr(name, edit(content))


def test_a_module_needs_an_example():
    with pytest.raises(UsageError, match="example"):
        mcuq.load(NETS["mlp"]())


def test_what_torch_cannot_export_is_one_line():
    class Branching(nn.Module):
        def forward(self, x):
            return x if x.sum() > 0 else -x

    with pytest.raises(UnsupportedOperatorError, match="torch cannot export branching") as caught:
        mcuq.load(Branching(), np.ones((1, 4), np.float32))
    assert "\n" not in str(caught.value)


def test_dynamically_quantized_weights_are_kept():
    """torch.ao.quantization.quantize_dynamic: the same integers and scales; activations get static ranges."""
    net = trained("mlp")
    (x, _), (holdout, labels) = digits()
    dynamic = torch.ao.quantization.quantize_dynamic(copy.deepcopy(net), {nn.Linear}, dtype=torch.qint8)
    graph = mcuq.load(dynamic, x[:1])

    arrived = [c for c in graph.constants.values() if isinstance(c, QConstant)]
    expected = [m.weight() for m in dynamic if hasattr(m, "weight")]
    assert len(arrived) == len(expected) == 3
    for constant, weight in zip(arrived, expected, strict=True):
        assert np.array_equal(constant.values, weight.int_repr().numpy())
        assert constant.scale == weight.q_scale()
    with pytest.warns(UserWarning, match="static ranges"):
        quantized = mcuq.quantize(graph, x[:CALIBRATION])
    integers = mcuq.simulate(mcuq.compile(quantized), holdout)
    with torch.no_grad():
        assert accuracy(dynamic(torch.from_numpy(holdout)), labels) - accuracy(integers, labels) <= POINT
