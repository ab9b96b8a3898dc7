"""Convolutions of one group with random weights, lowered for a chip: what the tests of several families share."""

from kernels.variants import ACTIVATIONS, OUTPUT_SCALES, OUTPUT_ZERO_POINTS, ZERO_POINTS, layer
from mcuq.ops.conv2d import Conv2d
from mcuq.ops.window import same_padding
from mcuq.tensor import QTensor


def conv(rng, image, filters, window, op=None, x_zero_point=-7, **options):
    x = QTensor((1, *image), 0.05, x_zero_point)
    weights = rng.integers(-127, 128, (filters, *window, image[2] // (op.groups if op else 1)))
    return layer(rng, op or Conv2d(), x, weights, **options)


# input; filters; window; stride; dilation; padding: None is SAME. Several from bugs of other toolkits.
SHAPES = [
    ((49, 10, 1), 8, (10, 4), (2, 2), (1, 1), None),
    ((6, 6, 3), 8, (3, 3), (2, 2), (1, 1), None),  # stride 2, SAME, even input: padding 0 and 1
    ((6, 6, 4), 5, (3, 3), (2, 2), (1, 1), (0, 1, 0, 1)),
    ((5, 4, 3), 2, (3, 3), (1, 1), (1, 1), None),
    ((1, 9, 2), 4, (1, 5), (1, 2), (1, 1), (0, 0, 0, 0)),
    ((9, 9, 2), 3, (3, 3), (1, 1), (2, 3), None),
    ((2, 2, 1), 1, (7, 7), (1, 1), (1, 1), None),
    ((8, 8, 5), 7, (1, 1), (2, 2), (1, 1), (0, 0, 0, 0)),
    ((7, 3, 6), 12, (2, 4), (1, 1), (1, 1), (3, 2, 2, 3)),
    ((4, 3, 2), 3, (2, 2), (2, 1), (1, 1), (4, 5, 4, 5)),  # whole windows in the padding
    ((5, 5, 57), 6, (3, 3), (1, 1), (1, 1), None),  # one pair at a time
]


def shaped(rng, shape, activation="none", groups=1):
    image, filters, window, stride, dilation, padding = shape
    padding = same_padding(image[:2], window, stride, dilation) if padding is None else padding
    return image, filters, window, Conv2d(stride, dilation, padding, groups, activation)


def random_layer(rng):
    while True:
        image = (*(int(v) for v in rng.integers(1, 10, 2)), int(rng.choice([1, 2, 3, 4, 6, 8, 15, 32])))
        window = (1, 1) if rng.random() < 0.3 else tuple(int(v) for v in rng.integers(1, 6, 2))
        stride, dilation = (tuple(int(v) for v in rng.integers(1, most, 2)) for most in (4, 3))
        padding = tuple(int(v) for v in rng.integers(0, 4, 4)) if rng.random() < 0.7 else (0, 0, 0, 0)
        if rng.random() < 0.5:
            stride = dilation = (1, 1)
        op = Conv2d(stride, dilation, padding, 1, str(rng.choice(ACTIVATIONS)))
        try:
            return conv(
                rng,
                image,
                int(rng.integers(1, 20)),
                window,
                op,
                int(rng.choice(ZERO_POINTS)),
                scale_out=float(rng.choice(OUTPUT_SCALES[1:])),
                zero_point=int(rng.choice(OUTPUT_ZERO_POINTS)),
                per_channel=bool(rng.random() < 0.7),
            )
        except ValueError:
            continue  # the window is larger than the padded image
