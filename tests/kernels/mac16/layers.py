"""Random layers for the ESP32's MAC16 kernels, lowered twice: what their tests on the host and in QEMU share."""

import dataclasses
from collections.abc import Callable, Iterable, Sequence

import numpy as np
from chips import kernel_for
from harness import Case, random_bytes

from kernels.packed_layers import packed_layer
from kernels.variants import ACTIVATIONS, OUTPUT_ZERO_POINTS, ZERO_POINTS, elements
from mcuq.ops.add import Add
from mcuq.ops.base import Op, Params
from mcuq.ops.conv2d import Conv2d
from mcuq.ops.depthwise_conv2d import DepthwiseConv2d
from mcuq.ops.fully_connected import FullyConnected
from mcuq.tensor import QConstant, QTensor

CHIP = "esp32"
LIMITS = (0, 200, 700, 1536, 4096, 1 << 20)  # what kernels get for scratch
OUTPUT_SCALES = (0.005, 0.02, 0.1, 0.6, 3.0, 60.0)  # of most outputs saturating to all alike
Lower = Callable[[str], Params]


def layer(
    rng: np.random.Generator,
    op: Op,
    x: QTensor,
    weights: np.ndarray,
    *,
    axis: int = 0,
    scale_out: float = 0.6,
    zero_point: int = 3,
    per_channel: bool = True,
    dead: bool = False,
) -> Lower:
    """Return what lowers a layer; with ``dead``, some filters are zeros with biases far beyond the proven sums."""
    channels = weights.shape[axis]
    weights = weights.astype(np.int8)
    scales = rng.uniform(0.002, 0.02, channels if per_channel else 1)
    biases = rng.integers(-3000, 3000, channels).astype(np.int32)
    if dead:
        np.moveaxis(weights, axis, 0)[::2] = 0
        biases[::2] = rng.choice([2**30, -(2**30), 12345, 0], len(biases[::2]))
        if per_channel:
            scales[::2] = rng.choice([1e-12, 3e-8, 0.01, 3.0], len(scales[::2]))
    k, b = QConstant(weights, scales, axis=axis), QConstant(biases, np.array([0.1]))
    y = QTensor(op.infer_shape(x.shape, weights.shape), scale_out, zero_point)
    return lambda chip: kernel_for(op, [x, k, b], y, chip)


def settings(rng: np.random.Generator) -> dict[str, object]:
    """Random quantization of an output."""
    return {
        "scale_out": float(rng.choice(OUTPUT_SCALES)),
        "zero_point": int(rng.choice(OUTPUT_ZERO_POINTS)),
        "per_channel": bool(rng.random() < 0.7),
        "dead": bool(rng.random() < 0.15),
    }


def random_weights(rng: np.random.Generator, *shape: int) -> np.ndarray:
    return rng.integers(-128, 128, shape) if rng.random() < 0.8 else rng.choice([-128, 127], shape)


def until_valid(make: Callable[[], Lower]) -> Lower:
    """Draw again while the window is larger than the padded image."""
    while True:
        try:
            return make()
        except ValueError:
            continue


def random_conv(rng: np.random.Generator) -> Lower:
    def make() -> Lower:
        image = (*(int(v) for v in rng.integers(1, 10, 2)), int(rng.choice([1, 2, 3, 4, 5, 6, 7, 8, 12, 15, 20])))
        window = (1, 1) if rng.random() < 0.3 else tuple(int(v) for v in rng.integers(1, 6, 2))
        stride = (1, 1) if rng.random() < 0.5 else tuple(int(v) for v in rng.integers(1, 5, 2))
        dilation = (int(rng.integers(1, 4)) if rng.random() < 0.3 else 1, 1)
        padding = tuple(int(v) for v in rng.integers(0, 4, 4)) if rng.random() < 0.7 else (0, 0, 0, 0)
        op = Conv2d(stride, dilation, padding, 1, str(rng.choice(ACTIVATIONS)))
        x = QTensor((1, *image), 0.05, int(rng.choice(ZERO_POINTS)))
        weights = random_weights(rng, int(rng.integers(1, 14)), *window, image[2])
        return layer(rng, op, x, weights, **settings(rng))

    return until_valid(make)


def random_depthwise(rng: np.random.Generator) -> Lower:
    def make() -> Lower:
        image = (*(int(v) for v in rng.integers(1, 12, 2)), int(rng.integers(2, 20)))
        kind = rng.random()
        window = (3, 3) if kind < 0.4 else tuple(int(v) for v in rng.integers(1, 4 if kind < 0.8 else 8, 2))
        stride = (int(rng.integers(1, 4)),) * 2 if rng.random() < 0.6 else tuple(int(v) for v in rng.integers(1, 4, 2))
        dilation = (int(rng.integers(1, 4)) if rng.random() < 0.2 else 1, 1)
        padding = tuple(int(v) for v in rng.integers(0, 2 + 2 * (rng.random() < 0.3), 4))
        op = DepthwiseConv2d(stride, dilation, padding, str(rng.choice(ACTIVATIONS)))
        x = QTensor((1, *image), 0.05, int(rng.choice(ZERO_POINTS)))
        return layer(rng, op, x, random_weights(rng, 1, *window, image[2]), axis=3, **settings(rng))

    return until_valid(make)


def random_connected(rng: np.random.Generator) -> Lower:
    batch, inputs = int(rng.choice([1, 1, 2, 2, 5])), int(rng.integers(1, 150))
    op = FullyConnected(batch > 1, str(rng.choice(ACTIVATIONS)))
    x = QTensor((batch, inputs), 0.05, int(rng.choice(ZERO_POINTS)))
    return layer(rng, op, x, random_weights(rng, int(rng.integers(1, 20)), inputs), **settings(rng))


def random_packed(rng: np.random.Generator) -> Lower:
    """Weights of 2 or 4 bits; some layers so large that a codebook's pairs take less flash than they do."""

    def make() -> Lower:
        form = {"bits": int(rng.choice([1, 2, 3, 4])), "codebooks": 0}
        if rng.random() < 0.6:
            form = {"bits": int(rng.choice([2, 4])), "codebooks": int(rng.choice([1, 3]))}
        options = form | {"zero_point": int(rng.choice(ZERO_POINTS)), "scale_out": float(rng.choice(OUTPUT_SCALES))}
        if rng.random() < 0.3:
            options["scales"] = rng.uniform(0.002, 0.02, 1)
        activation, kind = str(rng.choice(ACTIVATIONS)), rng.random()
        h, w, c = (int(v) for v in rng.integers(1, 8, 3))
        filters = int(rng.integers(1, 14))
        if rng.random() < 0.3:
            h, w, c, filters = 2, 2, int(rng.choice([52, 64])), 41
        if kind < 0.3:
            return packed_layer(
                rng, FullyConnected(False, activation), (h * w * c,), (filters, h * w * c), **options
            ).lower
        window = (1, 1) if kind < 0.4 else tuple(int(v) for v in rng.integers(1, 5, 2))
        stride, padding = (tuple(int(v) for v in rng.integers(low, 4, n)) for low, n in ((1, 2), (0, 4)))
        if kind < 0.5:
            op, shape = DepthwiseConv2d(stride, (1, 1), padding, activation), (1, *window, c)
        else:
            op, shape = Conv2d(stride, (1, 1), padding, 1, activation), (filters, *window, c)
        return packed_layer(rng, op, (h, w, c), shape, **options).lower

    return until_valid(make)


def addition(
    shape: tuple[int, ...],
    scales: tuple[float, float, float] = (0.05, 0.07, 0.1),
    zero_points: tuple[int, int, int] = (-7, 3, -128),
    activation: str = "none",
) -> Lower:
    x, y = (QTensor(shape, scale, zero) for scale, zero in zip(scales[:2], zero_points[:2], strict=True))
    return lambda chip: kernel_for(Add(activation), [x, y], QTensor(shape, scales[2], zero_points[2]), chip)


def random_addition(rng: np.random.Generator) -> Lower:
    scales = tuple(float(v) for v in np.exp(rng.uniform(np.log(0.002), np.log(2.0), 3)))
    zero_points = tuple(int(v) for v in rng.choice(ZERO_POINTS, 3))
    return addition((1, int(rng.integers(1024, 1400))), scales, zero_points, str(rng.choice(ACTIVATIONS)))


RANDOM = {
    "conv2d": random_conv,
    "depthwise_conv2d": random_depthwise,
    "fully_connected": random_connected,
    "add": random_addition,
    "packed": random_packed,
}


def varied(rng: np.random.Generator, params: Params) -> Params:
    """The same kernel with some other workspace, every third time beginning with the last row."""
    params = params.frugal(int(rng.choice(LIMITS)))
    return params.reversed() if hasattr(params, "reverse") and rng.random() < 1 / 3 else params


def random_cases(rng: np.random.Generator, make: Callable[[np.random.Generator], Lower], count: int) -> list[Case]:
    """That many cases of MAC16 kernels; a layer that they do not take is drawn again."""
    cases: list[Case] = []
    while len(cases) < count:
        lower = make(rng)
        params = lower(CHIP)
        if params.kernel.endswith("_mac16"):
            cases.append(case_of(rng, varied(rng, params), lower("generic")))
    return cases


def case_of(rng: np.random.Generator, params: Params, portable: Params, samples: int = 4) -> Case:
    """A case with random inputs, for which ``run`` is checked to be what the portable ``run`` is."""
    is_sum = hasattr(params, "elements")
    inputs = [random_inputs(rng, samples, params.elements if is_sum else elements(portable))]
    if is_sum:
        inputs.append(np.ascontiguousarray(random_inputs(rng, samples, params.elements)[::-1]))
    np.testing.assert_array_equal(params.run(*inputs), portable.run(*inputs), str(params))
    return Case(params, inputs)


def random_inputs(rng: np.random.Generator, samples: int, elements: int) -> np.ndarray:
    """Random int8 samples; of more than two, the first are all -128 and all 127."""
    return random_bytes(rng, samples + 2, elements)[2:] if samples <= 2 else random_bytes(rng, samples, elements)


def cases_of(rng: np.random.Generator, layers: Iterable[Lower]) -> list[Case]:
    return [case_of(rng, lower(CHIP), lower("generic")) for lower in layers]


def every_tiling(params: Params) -> list[Params]:
    """A convolution with every size of tile, dividing its rows or not."""
    h, w = params.output_h, params.output_w
    rows_share = params.kernel.startswith("conv2d") or (params.filter_h, params.filter_w, params.dilation_h) == (
        3,
        3,
        1,
    )
    sizes = [(1, pixels) for pixels in range(1, w + 1)]
    sizes += [(rows, w) for rows in range(2, h + 1) if rows_share]
    return [dataclasses.replace(params, tile_rows=r, tile_pixels=p) for r, p in sizes]


def kernels(cases: Sequence[Case]) -> set[str]:
    return {case.params.kernel for case in cases}
