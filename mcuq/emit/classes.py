"""What a model's outputs stand for, as its header says it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from mcuq.emit.names import MODEL, c_name
from mcuq.errors import UsageError
from mcuq.graph import MAX_NAME, Graph, identifier
from mcuq.samples.classes import told_apart


@dataclass(frozen=True)
class Named:
    """A class: its constant in C, and its name as a literal."""

    constant: str
    literal: str


def named(graph: Graph, classes: Sequence[str]) -> list[Named]:
    """Return the classes of a model in the order of its outputs; nothing where they have no names.

    Raises:
        UsageError: for more or fewer names than classes that the model tells apart.
    """
    outputs = (1, *graph.values[graph.outputs[0]].shape)[-1]
    if classes and len(classes) != told_apart(outputs):
        raise UsageError(
            f"{graph.name}: {len(classes)} classes are named, the model tells {told_apart(outputs)} apart; "
            "give as many, in the order of the outputs: --classes A,B,..."
        )
    words = [identifier(name, "class").strip("_")[:MAX_NAME] or "class" for name in classes]
    often = Counter(words)
    words = [word if often[word] == 1 else f"{word}_{i}" for i, word in enumerate(words)]
    constants = [f"{c_name(graph.name, MODEL)}_class_{word}".upper() for word in words]
    if len(set(constants)) < len(constants):
        constants = [f"{graph.name}_class_{i}".upper() for i in range(len(classes))]
    return [Named(constant, literal(name)) for constant, name in zip(constants, classes, strict=True)]


def literal(text: str) -> str:
    r"""Return a text as a string literal of C, UTF-8, whatever the compiler takes its source for.

    >>> print(literal('caf\u00e9 "1"'))
    "caf\303\251 \"1\""
    """
    plain = {byte: chr(byte) for byte in range(0x20, 0x7F)} | {0x22: '\\"', 0x5C: "\\\\", 0x3F: "\\?"}
    return '"' + "".join(plain.get(byte, f"\\{byte:03o}") for byte in text.encode()) + '"'
