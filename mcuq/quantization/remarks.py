"""What is odd about a calibration set: seen while it runs, said in a line each, never a reason to stop."""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from mcuq.errors import UsageError
from mcuq.float_graph import FloatGraph
from mcuq.quantization.samples import Batch
from mcuq.samples.judging import Tally
from mcuq.samples.task import Task, find_task
from mcuq.tensor import Array

FEW = 16  # samples
LARGE = 32.0  # root mean square of a first layer's answers: 0.15 to 7.4 in 19 trained models on their own samples


class Remarks:
    """Watches the samples of a calibration set, and what the float model makes of them."""

    def __init__(self, graph: FloatGraph) -> None:
        self.graph, self.samples, self.squares, self.elements = graph, 0, 0.0, 0
        weighted = (node for node in graph.nodes if node.op.weights_axis is not None)
        self.layer = next(weighted, None)
        self.seen: set[bytes] = set()
        self.tally: Tally | None = None
        self.truths: list[Array] = []
        self.unread = ""

    @property
    def wanted(self) -> frozenset[str]:
        """The activations to be told of."""
        return frozenset((self.graph.outputs[0], *(self.layer.outputs if self.layer else ())))

    def add(self, batch: Batch, values: Mapping[str, Array]) -> None:
        """Watch some samples, with the activations that are ``wanted``."""
        self.samples += len(batch)
        arrays = [x.reshape(len(x), -1) for x in batch.inputs.values()]
        self.seen.update(_digest(*(x[i] for x in arrays)) for i in range(len(batch)))
        if self.layer:
            x = values[self.layer.outputs[0]]
            self.squares, self.elements = (
                self.squares + float(np.square(x, dtype=np.float64).sum()),
                self.elements + x.size,
            )
        if batch.labels is not None and not self.unread:
            self._judge(values[self.graph.outputs[0]], batch.labels)

    def _judge(self, outputs: Array, labels: Array) -> None:
        try:
            task: Task | None = self.tally.task if self.tally else find_task(self.graph, labels)
            if task is None or task.kind == "reconstruction":
                return
            truth = task.truth(labels)
        except UsageError as error:
            self.unread, self.tally = str(error), None
            return
        self.tally = self.tally or Tally(task)
        self.tally.add(outputs.reshape(len(outputs), -1), truth)
        self.truths.append(truth)

    def lines(self) -> Iterator[str]:
        """Yield what is odd."""
        if self.samples < FEW:
            yield f"only {self.samples} samples calibrate: ranges of so few rarely hold; a hundred or so are wanted"
        if repeated := self.samples - len(self.seen):
            yield f"{repeated} of {self.samples} calibration samples repeat another one, and tell nothing new"
        yield from self._large()
        if self.unread:
            yield f"the calibration samples' {self.unread}; nothing was judged by them"
        if self.tally and self.tally.samples:
            yield from self._failing(self.tally, np.concatenate(self.truths))

    def _large(self) -> Iterator[str]:
        if not (self.layer and self.elements):
            return
        biases = self.graph.real(self.layer.inputs[2]) if len(self.layer.inputs) > 2 else np.zeros(1)
        usual = max(1.0, math.sqrt(float(np.square(biases, dtype=np.float64).mean())))
        found = math.sqrt(self.squares / self.elements)
        if found > LARGE * usual:
            yield (
                f"{self.layer.name}, the first layer, answers with values around {found:.3g}, far beyond what it was "
                "trained for; are the samples scaled as in training (0..255 instead of 0..1)?"
            )

    @staticmethod
    def _failing(tally: Tally, truth: Array) -> Iterator[str]:
        where = f"on the {tally.samples} labelled calibration samples"
        if tally.accuracy is not None:
            common = Counter[Any](truth.tolist()).most_common(1)[0][1]
            if tally.right <= common and tally.right < tally.samples / 2:
                yield f"the float model itself is right {where} in {tally.text} only; are they, and the labels, its?"
        elif tally.rmse is not None and tally.samples > 1 and tally.rmse >= float(truth.std()):
            yield (
                f"the float model itself is no better {where} than their mean: RMSE {tally.text}; "
                "are they, and the labels, its?"
            )


def _digest(*arrays: Array) -> bytes:
    """Return what equal samples have in common: the set itself may be too large to be kept."""
    sha = hashlib.blake2b(digest_size=16)
    for x in arrays:
        sha.update(x.tobytes())
    return sha.digest()
