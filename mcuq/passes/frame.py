"""Where the dimensions of a value lie in the tensor that is stored for it, and what a layer along them becomes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from mcuq.ops.base import Op
from mcuq.ops.concatenation import Concatenation
from mcuq.ops.pad import Pad
from mcuq.ops.reduction import ReduceOp
from mcuq.ops.slice import Slice
from mcuq.passes.layout import Atom, Layout, layout
from mcuq.tensor import Shape


@dataclass(frozen=True)
class Frame:
    """A value that others are brought in line with.

    Attributes:
        atoms: of the value, in its order.
        shape: of the value.
        stored: shape of the tensor stored for it.
    """

    atoms: tuple[Atom, ...]
    shape: Shape
    stored: Shape

    def axis(self, dim: int) -> int | None:
        """Return the stored dimension that is dimension ``dim`` of the value, and nothing else; None: there is none."""
        own = [atom for atom in self.atoms if atom.axis == dim]
        found = {atom.stored_axis for atom in own}
        places = [atom.place for atom in own]
        shared = any(atom.axis != dim and atom.stored_axis in found for atom in self.atoms)
        return None if len(found) != 1 or shared or places != sorted(places) else found.pop()

    def axes(self, dims: Sequence[int]) -> dict[int, int] | None:
        """Return the stored dimensions of these; a dimension of one element may be any of that size, the last first."""
        found = {dim: self.axis(dim) for dim in dims if self.shape[dim] > 1}
        single = [axis for axis, size in enumerate(self.stored) if size == 1 and axis]
        found |= {dim: single.pop() if single else None for dim in dims if self.shape[dim] == 1}
        sure = {dim: axis for dim, axis in found.items() if axis is not None}
        return sure if len(sure) == len(found) else None


def frame(view: Layout, shape: Shape, stored: Shape) -> Frame | None:
    """Return where a value's dimensions lie; None where they lie across the stored ones."""
    atoms = view.atoms(shape, stored)
    return None if atoms is None else Frame(tuple(atoms), shape, stored)


def whole_axes(view: Layout, shape: Shape, stored: Shape) -> tuple[int, ...] | None:
    """Return the axes with which the stored tensor's transpose is the value; None where dimensions must be split."""
    found = frame(view, shape, stored)
    if found is None or len(shape) != len(stored):
        return None
    axes = {dim: found.axis(dim) for dim, size in enumerate(shape) if size > 1}
    single = iter([axis for axis, size in enumerate(stored) if size == 1])
    order = [axes[dim] if size > 1 else next(single, None) for dim, size in enumerate(shape)]
    return tuple(axis for axis in order if axis is not None) if None not in order else None


# Broadcasting: operands that have some of the dimensions.


def broadcasting(found: Frame, operands: Sequence[Shape]) -> Frame:
    """Return a frame in which every operand has every stored dimension whole or not at all."""
    for shape in operands:
        has = present(found, shape)
        kept, lost = ({a.stored_axis for a in found.atoms if (a in has) is which} for which in (True, False))
        if kept & lost:
            in_memory = sorted(found.atoms, key=lambda atom: atom.place)
            atoms = (atom._replace(stored_axis=1 + atom.place) for atom in found.atoms)
            return Frame(tuple(atoms), found.shape, (1, *(atom.size for atom in in_memory)))
    return found


def present(found: Frame, shape: Shape) -> list[Atom]:
    """Return the atoms that an operand of this shape has; along the others it is repeated."""
    padded = (1,) * (len(found.shape) - len(shape)) + shape
    return [atom for atom in found.atoms if padded[atom.axis] > 1]


def repeated_layout(found: Frame, shape: Shape) -> Layout:
    """Return the layout that an operand must have."""
    return layout([(atom.size, (atom.place,)) for atom in present(found, shape)])


def repeated_shape(found: Frame, shape: Shape) -> Shape:
    """Return the stored shape that an operand must have."""
    axes = {atom.stored_axis for atom in present(found, shape)}
    return tuple(size if axis in axes else 1 for axis, size in enumerate(found.stored))


# Layers along some dimensions, whose sizes they change.


def affected(op: Op, shape: Shape) -> list[int]:
    """Return the dimensions of its operand that a layer works along."""
    rank = len(shape)
    if isinstance(op, Concatenation):
        return [op.axis % rank]
    if isinstance(op, ReduceOp):
        return sorted({axis % rank for axis in op.axes if shape[axis] > 1})
    if isinstance(op, Pad):
        return [dim for dim in range(rank) if op.before[dim] or op.after[dim]]
    assert isinstance(op, Slice)
    stride = op.stride or (1,) * rank
    return [dim for dim, size in enumerate(shape) if size > 1 and (op.size[dim], stride[dim]) != (size, 1)]


def moved(op: Op, stored: Shape, axes: dict[int, int]) -> Op:
    """Return the layer along the stored dimensions that ``axes`` gives for its own."""
    if isinstance(op, Concatenation):
        return replace(op, axis=next(iter(axes.values())))
    if isinstance(op, ReduceOp):
        return replace(op, axes=tuple(sorted(axes.values())), keep_dims=True)
    if isinstance(op, Pad):
        return replace(
            op, before=_spread(op.before, (0,) * len(stored), axes), after=_spread(op.after, (0,) * len(stored), axes)
        )
    assert isinstance(op, Slice)
    return Slice(
        begin=_spread(op.begin, (0,) * len(stored), axes),
        size=_spread(op.size, stored, axes),
        stride=_spread(op.stride, (1,) * len(stored), axes) if op.stride else (),
    )


def _spread(per_dim: Sequence[int], others: Sequence[int], axes: dict[int, int]) -> tuple[int, ...]:
    result = list(others)
    for dim, axis in axes.items():
        result[axis] = per_dim[dim]
    return tuple(result)


def resized_layout(found: Frame, axes: dict[int, int], sizes: Shape) -> Layout:
    """Return the layout of a value that has other sizes in the dimensions of ``axes``."""
    kept = [((atom.axis, i), atom.size, (atom.stored_axis, atom.place)) for i, atom in enumerate(found.atoms)]
    others = [entry for entry in kept if entry[0][0] not in axes]
    changed = [((dim, 0), sizes[dim], (axis, 0)) for dim, axis in axes.items()]
    return layout([(size, key) for _, size, key in sorted([*others, *changed])])


def resized_shape(found: Frame, axes: dict[int, int], sizes: Shape) -> Shape:
    """Return the stored shape of such a value."""
    return _spread(sizes, found.stored, axes)


def resized(op: Op, shape: Shape, output: Shape, dims: Sequence[int]) -> Shape:
    """Return the output's sizes in the operand's dimensions: a reduction may have dropped some."""
    if not isinstance(op, ReduceOp):
        return output
    assert math.prod(output) == math.prod(size for dim, size in enumerate(shape) if dim not in dims)
    return tuple(1 if dim in dims else size for dim, size in enumerate(shape))
