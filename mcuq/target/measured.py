"""What a board was measured to take for a model: a record that a project keeps, and that can be sent.

``mcuq verify --port`` writes it; ``boards/measured/*.json`` are records that joined the fit of cycles to instructions.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from mcuq.errors import UsageError
from mcuq.limits import DESCRIPTION_BYTES, MEMBERS
from mcuq.reading import content_of, gate
from mcuq.target.board import FLASH_MODES
from mcuq.target.chip import load_chip
from mcuq.target.sourced_toml import Table

FORMAT = 1
FILE = "measured.json"
DIGEST = r"[0-9a-f]{64}"


@dataclass(frozen=True)
class MeasuredLayer:
    """A layer: cycles on the board, and by estimate what they go to.

    ``instructions`` are the emulated chip's, ``bytes`` those of its tables, which the kernel reads from the first to
    the last ``sweeps`` times.
    """

    name: str
    kernel: str
    cycles: int
    instructions: int
    bytes: int
    sweeps: int


@dataclass(frozen=True)
class Measured:
    """An inference on a board.

    Attributes:
        board, chip, framework, sdk: what it was built for.
        revision: of the chip, as it says itself when it starts; "unknown" where it did not.
        mcuq, firmware: versions, of the command line and of what runs on the board.
        model, digest: name, and hash of the model.
        samples, mismatches: runs, and how many of them gave other bytes than the simulator.
        clock: of the CPU in Hz, cycles by time.
        cycles: the median of an inference.
        flash_mode, flash_frequency: as the board's file has them.
        constants, code: bytes that an inference reads from flash, as estimated.
        layers: in execution order; their cycles hold those of the hook behind each.
    """

    board: str
    chip: str
    framework: str
    sdk: str
    revision: str
    mcuq: str
    firmware: str
    model: str
    digest: str
    samples: int
    mismatches: int
    clock: int
    cycles: int
    flash_mode: str
    flash_frequency: int
    constants: int
    code: int
    layers: tuple[MeasuredLayer, ...]

    @property
    def milliseconds(self) -> float:
        """The median of an inference."""
        return 1000 * self.cycles / self.clock

    def is_of(self, digest: str, kernels: Sequence[tuple[str, str]]) -> bool:
        """Whether it was measured on this model with these kernels, layer by layer."""
        return self.digest == digest and [(s.name, s.kernel) for s in self.layers] == list(kernels)

    def dump(self) -> bytes:
        """Return the file's content."""
        return (json.dumps({"format": FORMAT, **asdict(self)}, indent=1) + "\n").encode()


def measured_path(project: Path, name: str) -> Path:
    """Return where a project keeps what was measured of one of its models."""
    return project / "lib" / name / FILE


def read_measured(path: Path) -> Measured:
    """Read a record, which may come from anybody.

    Raises:
        UsageError: it is damaged, of a newer mcuq, or says what cannot be.
    """
    content = content_of(path, DESCRIPTION_BYTES)
    with gate(path, "a record of mcuq verify", UsageError):
        plain = json.loads(content)
        if not isinstance(plain, dict):
            raise UsageError("a record is an object")
    return _record(Table(str(path), plain))


def _record(table: Table) -> Measured:
    if (known := table.number("format")) != FORMAT:
        table.fail(f"has format {known}, this mcuq reads {FORMAT}")
    layers = table.tables("layers")
    if not 0 < len(layers) <= MEMBERS:
        table.fail(f"holds {len(layers)} layers")
    found = Measured(
        board=table.word("board"),
        framework=table.word("framework"),
        sdk=table.word("sdk"),
        mcuq=table.word("mcuq"),
        firmware=table.word("firmware"),
        model=table.word("model"),
        samples=table.number("samples"),
        clock=table.number("clock"),
        cycles=table.number("cycles"),
        flash_frequency=table.number("flash_frequency"),
        constants=table.number("constants"),
        code=table.number("code"),
        chip=load_chip(table.word("chip"), table.where).id,
        revision=table.word("revision"),
        digest=table.word("digest", DIGEST),
        mismatches=_whole(table, "mismatches"),
        flash_mode=table.text("flash_mode", FLASH_MODES),
        layers=tuple(_layer(layer) for layer in layers),
    )
    table.close()
    if found.mismatches:
        table.fail(f"{found.mismatches} of {found.samples} results differed: what it took tells nothing")
    if not re.fullmatch(r"[A-Za-z_]\w{0,199}", found.model, re.ASCII):
        table.fail("model is no name of a model")
    return found


def _layer(table: Table) -> MeasuredLayer:
    found = MeasuredLayer(
        table.word("name"),
        table.word("kernel"),
        _whole(table, "cycles"),
        _whole(table, "instructions"),
        _whole(table, "bytes"),
        table.number("sweeps"),
    )
    table.close()
    return found


def _whole(table: Table, key: str) -> int:
    """Read a number that may be 0."""
    value: Any = table.values.get(key)
    if value == 0 and isinstance(value, int) and not isinstance(value, bool):
        table.values.pop(key)
        return 0
    return table.number(key)
