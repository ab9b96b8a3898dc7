"""What can go wrong, in the user's words: what, where, what to do. One line each, exit code 2."""

from __future__ import annotations


class McuqError(Exception):
    """Base of every error that the command line prints without a traceback."""

    def at(self, where: str) -> McuqError:
        """Return the same error naming the layer or file it happened in."""
        return type(self)(f"{where}: {self}")


class UsageError(McuqError):
    """An argument, a path or a data file is wrong."""


class MalformedModelError(McuqError):
    """The file is not the model it claims to be."""


class UnsupportedOperatorError(McuqError):
    """The model holds operators, or forms of them, that mcuq does not have; all are listed at once."""


class CannotQuantizeError(McuqError):
    """A float model where an integer one is needed, or integers that would overflow."""


class ClearNoError(McuqError):
    """The input is fine and the answer is no: exit status 1."""


class DoesNotFitError(ClearNoError):
    """The model needs more bytes than the board has; ``report`` says of which region, where it is known."""

    def __init__(self, message: str, report: object = None) -> None:
        super().__init__(message)
        self.report = report


class StaleFirmwareError(ClearNoError):
    """The firmware on the board was not built from this project."""


class ToolMissingError(McuqError):
    """A compiler, emulator or extra is not installed; the message says how to install it."""
