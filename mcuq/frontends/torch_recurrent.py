"""What PyTorch's exporter would unroll: a simple recurrent layer becomes ONNX's RNN, as LSTM and GRU become theirs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any


def translations() -> Mapping[Any, Callable[..., Any]]:
    """Return the exporter's ``custom_translation_table``."""
    import torch

    return {torch.ops.aten.rnn_tanh.input: _rnn_tanh}


def _rnn_tanh(  # noqa: PLR0917
    x: Any,
    hx: Any,
    params: Sequence[Any],
    has_biases: bool,
    num_layers: int,
    dropout: float,
    train: bool,
    bidirectional: bool,
    batch_first: bool,
) -> tuple[Any, Any]:
    """Translate ``aten::rnn_tanh.input``; the names are the exporter's."""
    from onnxscript.onnx_opset import opset18 as op

    directions, each = 1 + bidirectional, 4 if has_biases else 2
    sequence, last = op.Transpose(x, perm=[1, 0, 2]) if batch_first else x, []
    for layer in range(num_layers):
        own = [params[each * (layer * directions + d) :][:each] for d in range(directions)]
        weights, recurrent, *biases = (
            op.Concat(*(op.Unsqueeze(part[k], [0]) for part in own), axis=0) for k in range(each)
        )
        rows, end = op.RNN(
            sequence,
            weights,
            recurrent,
            op.Concat(*biases, axis=1) if has_biases else None,
            None,
            op.Slice(hx, [layer * directions], [(layer + 1) * directions], [0]),
            direction="bidirectional" if bidirectional else "forward",
            hidden_size=hx.shape[2],
        )
        sequence = op.Reshape(op.Transpose(rows, perm=[0, 2, 1, 3]), [0, 0, -1])
        last.append(end)
    output = op.Transpose(sequence, perm=[1, 0, 2]) if batch_first else sequence
    return output, op.Concat(*last, axis=0) if num_layers > 1 else last[0]
