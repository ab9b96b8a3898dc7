"""Attention and squeeze-and-excite as PyTorch and Keras write them: nothing is refused, and the integers are near."""

import importlib

import numpy as np
import pytest
from requirements import require_module

import mcuq

TOKENS, WIDTH, HEADS = 6, 8, 2
LEAST_DB = 25


def assert_near(graph, x, wanted):
    """The integers' outputs against the model's own, and what is left of the layers' kinds."""
    quantized = mcuq.quantize(graph, x)
    (name,) = quantized.outputs
    real = quantized.values[name].dequantize(np.asarray(mcuq.simulate(mcuq.compile(quantized), x)))
    noise = np.mean((real.reshape(wanted.shape) - wanted) ** 2)
    assert 10 * np.log10(np.mean(wanted**2) / noise) > LEAST_DB
    return [node.op.name for node in graph.nodes]


def in_torch(kind):
    torch = require_module("torch")
    require_module("onnxscript")  # that torch exports with

    class Net(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.attention = torch.nn.MultiheadAttention(WIDTH, HEADS, batch_first=True)
            self.qkv = torch.nn.Linear(WIDTH, 3 * WIDTH)

        def forward(self, x):
            if kind == "scaled dot product":
                parts = (part.unflatten(-1, (HEADS, -1)).transpose(1, 2) for part in self.qkv(x).chunk(3, dim=-1))
                y = torch.nn.functional.scaled_dot_product_attention(*parts, is_causal=True)
                return y.transpose(1, 2).flatten(2)
            mask = torch.nn.Transformer.generate_square_subsequent_mask(TOKENS)
            return self.attention(x, x, x, attn_mask=mask < 0 if "truths" in kind else mask)[0]

    torch.manual_seed(0)
    return Net().eval()


@pytest.mark.parametrize("kind", ["scaled dot product", "multi-head, minus infinity", "multi-head, truths"])
def test_causal_attention_of_torch(rng, kind):
    model = in_torch(kind)
    torch = require_module("torch")
    x = rng.normal(size=(50, TOKENS, WIDTH)).astype(np.float32)
    with torch.no_grad():
        wanted = model(torch.from_numpy(x)).numpy()
    kinds = assert_near(mcuq.load(model, x[:1]), x, wanted)
    assert kinds.count("matmul") == 2
    assert kinds.count("select") == kinds.count("softmax") == 1
    assert "mul" not in kinds


def test_causal_attention_of_keras(rng):
    keras = require_keras()
    keras.utils.set_random_seed(0)
    x = rng.normal(size=(50, TOKENS, WIDTH)).astype(np.float32)
    tokens = keras.Input((TOKENS, WIDTH))
    attention = keras.layers.MultiHeadAttention(HEADS, WIDTH // HEADS)
    model = keras.Model(tokens, attention(tokens, tokens, use_causal_mask=True))
    kinds = assert_near(mcuq.load(model), x, model.predict(x, verbose=0))
    assert kinds.count("matmul") == 2
    assert kinds.count("select") == kinds.count("softmax") == 1
    assert "mul" not in kinds


def test_squeeze_and_excite_of_keras(rng):
    """Dense layers on the mean, whose sigmoid weighs the channels."""
    keras = require_keras()
    keras.utils.set_random_seed(0)
    x = rng.normal(size=(50, 6, 6, 8)).astype(np.float32)
    image = keras.Input((6, 6, 8))
    hidden = keras.layers.Dense(4, "relu")(keras.layers.GlobalAveragePooling2D()(image))
    weights = keras.layers.Reshape((1, 1, 8))(keras.layers.Dense(8, "sigmoid")(hidden))
    model = keras.Model(image, keras.layers.Multiply()([image, weights]))
    kinds = assert_near(mcuq.load(model), x, model.predict(x, verbose=0))
    assert [kind for kind in kinds if kind != "reshape"] == ["mean", *["fully_connected"] * 2, "logistic", "mul"]


def require_keras():
    require_module("tensorflow")  # which brings it
    return importlib.import_module("keras")
