"""Layout: the algebra of orders in memory, against numpy's transpose and reshape."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from mcuq.passes.frame import whole_axes
from mcuq.passes.layout import Layout, plain, stored_transposed

SHAPES = st.lists(st.sampled_from([1, 2, 3, 4, 6]), min_size=1, max_size=4).map(tuple)


def _steps(draw: st.DrawFn, stored: np.ndarray, layout: Layout) -> tuple[np.ndarray, Layout]:
    """Transpose and reshape an array, and its layout along with it."""
    value = stored
    for _ in range(draw(st.integers(0, 3))):
        axes = draw(st.permutations(range(value.ndim)))
        turned = layout.transposed(value.shape, axes)
        assume(turned is not None)
        assert turned is not None
        value, layout = value.transpose(axes), turned
        at = draw(st.integers(0, value.ndim))
        if at < value.ndim and value.shape[at] % 2 == 0:
            value = value.reshape(*value.shape[:at], 2, value.shape[at] // 2, *value.shape[at + 1 :])
        elif at + 1 < value.ndim:
            value = value.reshape(*value.shape[:at], value.shape[at] * value.shape[at + 1], *value.shape[at + 2 :])
    return value, layout


@settings(max_examples=200, deadline=None, derandomize=True)
@given(SHAPES, st.data())
def test_views_follow_numpy(shape: tuple[int, ...], data: st.DataObject) -> None:
    stored = np.arange(math.prod(shape)).reshape(shape)
    value, layout = data.draw(st.composite(_steps)(stored, plain(shape)))
    np.testing.assert_array_equal(stored.ravel()[layout.indices()], value.ravel())
    np.testing.assert_array_equal(layout.arranged(value), stored.ravel())
    assert layout.is_plain == np.array_equal(value.ravel(), stored.ravel())
    axes = whole_axes(layout, value.shape, shape)
    if axes is not None:
        np.testing.assert_array_equal(stored.transpose(axes), value)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(SHAPES, st.data())
def test_one_stored_order_seen_from_another(shape: tuple[int, ...], data: st.DataObject) -> None:
    value = np.arange(math.prod(shape)).reshape(shape)
    first, second = (data.draw(st.permutations(range(len(shape)))) for _ in range(2))
    own, wanted = stored_transposed(shape, first), stored_transposed(shape, second)
    seen = own.seen_from(wanted)
    assert seen is not None or not (own.is_plain or wanted.is_plain)
    if seen is not None:
        moved = value.transpose(first).ravel()[seen.indices()]
        np.testing.assert_array_equal(moved, value.transpose(second).ravel())


def test_dimensions_that_cross() -> None:
    turned = stored_transposed((2, 3), (1, 0))
    assert turned.transposed((3, 2), (1, 0)) is None
    assert turned.atoms((3, 2), (3, 2)) is None
    assert turned.seen_from(stored_transposed((3, 2), (1, 0))) is None
