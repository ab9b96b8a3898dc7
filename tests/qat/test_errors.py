"""What users get wrong, in one line each."""

import pytest
from requirements import require_module

torch = require_module("torch")

from mcuq import qat  # noqa: E402
from mcuq.errors import UsageError  # noqa: E402
from mcuq.qat import Bits  # noqa: E402

nn = torch.nn


def net():
    return nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(16, 2))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"weights": 1}, "1 is no number of bits per weight for lsq; choose one of 2, 3, 4, 5, 6, 7, 8"),
        ({"weights": 9}, "9 is no number of bits per weight"),
        ({"weights": 0}, "0 is no number of bits per weight"),
        ({"weights": 2.0}, "2.0 is no number of bits per weight"),
        ({"weights": 2, "method": "binary"}, "2 is no number of bits per weight for binary"),
        ({"weights": 3, "method": "kmeans"}, "3 is no number of bits per weight for kmeans; choose one of 2, 4"),
        ({"activations": 1}, "1 is no number of bits per activation for lsq"),
        ({"activations": 9}, "9 is no number of bits per activation"),
        ({"weights": 1, "activations": 8, "method": "xnor"}, "8 is no number of bits per activation for xnor"),
        ({"method": "dorefa"}, "'dorefa' is no method"),
        ({"span": "half"}, "'half' is no span"),
        ({"per": "network"}, "'network' is no granularity"),
        ({"backward": "none"}, "'none' is no backward pass"),
        ({"codebook_channels": 2}, "codebook_channels is for kmeans; lsq has no codebook"),
        ({"weights": 2, "method": "kmeans", "codebook_channels": -1}, "-1 channels cannot share a codebook"),
    ],
)
def test_bits_out_of_range(arguments, words):
    with pytest.raises(UsageError) as error:
        Bits(**arguments)
    assert words in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ({"conv*": Bits(2)}, "'conv*' names no layer; the model has 0, 3"),
        ({"*": Bits(2), "4": Bits(8)}, "'4' names no layer"),
        ({"1": Bits(2)}, "'1' names no layer"),
        ({}, "the spec is empty"),
        ({"0": 2}, "'0' stands for 2"),
        (
            {"*": Bits(4, method="kmeans", codebook_channels=1)},
            "0: a codebook of 16 is larger than the 9 weights it is for",
        ),
        ({"0": Bits(4, method="kmeans", codebook_channels=3)}, "0: a codebook of 16 is larger than the 9 weights"),
    ],
)
def test_a_bad_spec_changes_nothing(spec, words):
    model = net()
    with pytest.raises(UsageError) as error:
        qat.prepare(model, spec)
    assert words in str(error.value) and "\n" not in str(error.value)
    assert type(model[0]) is nn.Conv2d and type(model[3]) is nn.Linear


def test_models_that_cannot_be_prepared():
    with pytest.raises(UsageError, match="prepared already"):
        qat.prepare(qat.prepare(net(), {"0": Bits(2)}), {"3": Bits(2)})
    with pytest.raises(UsageError, match="single layer"):
        qat.prepare(nn.Linear(2, 2), Bits(2))
    with pytest.raises(UsageError, match="names no layer; the model has none to prepare"):
        qat.prepare(nn.Sequential(nn.ReLU()), Bits(2))


@pytest.mark.parametrize(
    "bits", [Bits(2), Bits(2, 8), Bits(8, 8, "minmax"), Bits(1, 1, "xnor"), Bits(2, None, "kmeans")]
)
def test_an_untrained_model(bits):
    model = qat.prepare(net(), {"0": bits})
    for verb in (qat.integers, qat.plain, lambda m: m.eval()(torch.zeros(1, 1, 4, 4))):
        with pytest.raises(UsageError, match="0: its steps are not initialized; train"):
            verb(model)
    for verb in (qat.integers, qat.plain):
        with pytest.raises(UsageError, match="no prepared layers"):
            verb(net())


def test_the_first_pattern_decides():
    model = qat.prepare(net(), {"3": Bits(8), "*": Bits(2)})
    assert (model[0].bits.weights, model[3].bits.weights) == (2, 8)


def test_a_layer_used_twice_is_wrapped_once():
    layer = nn.Linear(3, 3)
    model = qat.prepare(nn.Sequential(layer, nn.ReLU(), layer), Bits(2))
    assert model[0] is model[2]
    model(torch.randn(2, 3))
    copy = qat.plain(model)
    assert copy[0] is copy[2] and type(copy[0]) is nn.Linear and len(qat.integers(model)) == 1


def test_clip_bounds_binary_weights_only():
    model = qat.prepare(net(), {"0": Bits(1, method="binary"), "3": Bits(2)})
    with torch.no_grad():
        for layer in (model[0].layer, model[3].layer):
            layer.weight.fill_(1.5)
    qat.clip_(model)
    assert model[0].layer.weight.max() == 1 and model[3].layer.weight.max() == 1.5
