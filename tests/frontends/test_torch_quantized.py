"""Models that PyTorch's own flows quantized arrive losslessly: equal integers, scales and zero points."""

import copy
import warnings
from collections import Counter

import numpy as np
import pytest
from digit_nets import CALIBRATION, F, accuracy, digits, nn, torch, trained
from requirements import require

import mcuq
from mcuq.float_graph import FloatGraph
from mcuq.graph import Graph
from mcuq.ops.depthwise_conv2d import DepthwiseConv2d

require("torchao")
pytestmark = pytest.mark.filterwarnings("ignore")
FLOWS = ["pt2e", "pt2e qat", "fx", "fx qat"]


def quantized(net, flow, x, y):
    """Return the network quantized by a flow, calibrated or trained on these samples."""
    example = (x[:1],)
    if flow.startswith("pt2e"):
        from torchao.quantization.pt2e import quantize_pt2e as q
        from torchao.testing.pt2e._xnnpack_quantizer import XNNPACKQuantizer, get_symmetric_quantization_config

        is_qat = flow.endswith("qat")
        config = get_symmetric_quantization_config(is_per_channel=True, is_qat=is_qat)
        batch = torch.export.Dim("batch", min=1, max=1024)
        exported = torch.export.export(net, (x[:2],), dynamic_shapes=({0: batch},)).module()
        prepare = q.prepare_qat_pt2e if is_qat else q.prepare_pt2e
        prepared = prepare(exported, XNNPACKQuantizer().set_global(config))
        _feed(prepared, x, y, is_qat)
        return q.convert_pt2e(prepared)
    import torch.ao.quantization as ao
    from torch.ao.quantization import quantize_fx as fx

    if flow.endswith("qat"):
        prepared = fx.prepare_qat_fx(copy.deepcopy(net).train(), ao.get_default_qat_qconfig_mapping("fbgemm"), example)
    else:
        prepared = fx.prepare_fx(copy.deepcopy(net), ao.get_default_qconfig_mapping("fbgemm"), example)
    _feed(prepared, x, y, flow.endswith("qat"))
    return fx.convert_fx(prepared.eval() if flow.startswith("fx") else prepared)


def _feed(prepared, x, y, is_qat):
    if not is_qat:
        with torch.no_grad():
            prepared(x)
        return
    optimizer = torch.optim.SGD(prepared.parameters(), 1e-3)
    for part in torch.arange(len(x)).split(32):
        optimizer.zero_grad()
        F.cross_entropy(prepared(x[part]), y[part]).backward()
        optimizer.step()


def expected_weights(model):
    """Integers of every layer's weights, OIHW or OI."""
    if hasattr(model, "_frozen_param0"):
        state = [(name, t) for name, t in model.named_buffers() if name.startswith("_frozen_param")]
        return [t.numpy() for _, t in state]
    layers = [m for m in model.modules() if hasattr(m, "weight") and hasattr(m, "scale")]
    return [m.weight().int_repr().numpy() for m in layers]


def expected_activations(model):
    """(scale, zero point as int8) of every quantized activation."""
    found = set()
    for node in model.graph.nodes:
        if "quantize_per_tensor" in str(node.target) and "dequantize" not in str(node.target):
            scale, zero_point, *rest = (_number(model, argument) for argument in node.args[1:])
            is_uint8 = rest[-1] is torch.quint8 or rest[:1] == [0]
            found.add((float(np.float32(scale)), int(zero_point) - 128 * is_uint8))
    for module in model.modules():
        if hasattr(module, "scale") and hasattr(module, "zero_point") and hasattr(module, "weight"):
            found.add((float(np.float32(module.scale)), int(module.zero_point) - 128))
    return found


def _number(model, argument):
    value = getattr(model, argument.target) if isinstance(argument, torch.fx.Node) else argument
    return value.item() if isinstance(value, torch.Tensor) else value


def arrived(graph):
    """Weights and (scale, zero point) of activations that the graph holds."""
    constants = graph.constants
    layers = [node for node in graph.nodes if node.op.weights_axis is not None]
    weights = []
    for node in layers:
        values = constants[node.inputs[1]].values
        if isinstance(node.op, DepthwiseConv2d):
            values = values.transpose(3, 0, 1, 2)
        elif values.ndim == 4:
            values = values.transpose(0, 3, 1, 2)
        weights.append(values)
    tensors = graph.values if isinstance(graph, Graph) else graph.known
    return weights, {(float(np.float32(t.scale)), t.zero_point) for t in tensors.values()}


@pytest.mark.parametrize("flow", FLOWS)
@pytest.mark.parametrize("name", ["residual", pytest.param("mobilenet_v2", marks=pytest.mark.slow)])
def test_integers_scales_and_zero_points_arrive(name, flow):
    (x, y), (holdout, labels) = digits()
    net = trained(name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = quantized(net, flow, torch.from_numpy(x[:256]), torch.from_numpy(y[:256]))
    graph = mcuq.load(model, x[:1])

    weights, activations = arrived(graph)
    wanted = Counter(w.tobytes() for w in expected_weights(model))
    assert wanted == Counter(np.ascontiguousarray(w).tobytes() for w in weights)
    assert expected_activations(model) <= activations
    with torch.no_grad():
        theirs = model(torch.from_numpy(holdout)).numpy()
    integers = graph if isinstance(graph, Graph) else mcuq.quantize(graph, x[:CALIBRATION])
    ours = mcuq.simulate(mcuq.compile(integers), holdout)
    assert accuracy(ours, theirs.argmax(axis=1)) >= 0.99
    assert abs(accuracy(ours, labels) - accuracy(theirs, labels)) <= 0.01


def test_what_a_model_does_not_bring_along_is_calibrated():
    """Softmax behind the last quantized layer: the integers that arrived stay as they are."""
    (x, y), _ = digits()
    model = quantized(trained("cnn"), "pt2e", torch.from_numpy(x[:64]), torch.from_numpy(y[:64]))
    graph = mcuq.load(model, x[:1])

    integers = graph if isinstance(graph, Graph) else mcuq.quantize(graph, x[:CALIBRATION])

    def in_any_column_order(weights):  # images are flattened in another order here
        return Counter(np.sort(w.reshape(len(w), -1), axis=1).tobytes() for w in weights)

    assert in_any_column_order(expected_weights(model)) == in_any_column_order(arrived(integers)[0])
    if isinstance(graph, FloatGraph):
        known = {(t.scale, t.zero_point) for t in graph.known.values()}
        assert known <= {(t.scale, t.zero_point) for t in integers.values.values()}


def test_exporting_leaves_torch_as_it_was():
    assert isinstance(mcuq.load(nn.Sequential(nn.Linear(4, 2)), np.ones((1, 4), np.float32)), FloatGraph)
    assert not torch.is_inference_mode_enabled()
    assert torch.is_grad_enabled()
