"""A board's serial port, or anything else that pyserial has a URL for (``socket://host:port``)."""

from __future__ import annotations

import errno

from mcuq.engines.byte_stream import LineClosedError
from mcuq.errors import UsageError

BAUD = 115200
CHUNK = 4096
TAKEN = (errno.EAGAIN, errno.EBUSY)  # of a port that another program has locked


class SerialLine:
    """A serial port, 8N1."""

    def __init__(self, url: str, baud: int = BAUD) -> None:
        """Open the port.

        Args:
            url: ``/dev/ttyUSB0``, ``COM3``, ``socket://host:port``, ...
            baud: bits per second.

        Raises:
            UsageError: it cannot be opened.
        """
        import serial

        self._failures = (serial.SerialException, OSError, *_of_terminals())
        self.bytes_per_second = baud / 10
        try:
            self._port = serial.serial_for_url(url, baudrate=baud, timeout=1, write_timeout=60, exclusive=True)
        except (*self._failures, ValueError) as error:
            raise UsageError(f"{url}: cannot open ({_reason(error)}); {_ports()}") from None

    def write(self, data: bytes) -> None:
        """See :meth:`Line.write`."""
        try:
            for start in range(0, len(data), CHUNK):
                self._port.write(data[start : start + CHUNK])
            self._port.flush()
        except self._failures as error:
            raise LineClosedError(f"the serial port is gone ({_reason(error)})") from None

    def read(self, timeout: float) -> bytes:
        """See :meth:`Line.read`."""
        try:
            self._port.timeout = timeout
            first: bytes = self._port.read(1)
            if not first:
                return b""
            self._port.timeout = 0
            rest: bytes = self._port.read(CHUNK)
        except self._failures as error:
            raise LineClosedError(f"the serial port is gone ({_reason(error)})") from None
        return first + rest

    def close(self) -> None:
        """See :meth:`Line.close`."""
        self._port.close()


def _of_terminals() -> tuple[type[Exception], ...]:
    """Return what a port that has gone raises when it is asked to send what is left; nothing on Windows."""
    try:
        import termios
    except ImportError:
        return ()
    return (termios.error,)


def _reason(error: Exception) -> str:
    said = str(error).splitlines()[0] if str(error) else type(error).__name__
    if getattr(error, "errno", None) in TAKEN or "PermissionError" in said:  # the latter of Windows
        return "another program, such as a serial monitor, has it open"
    if "multiple access" in said:
        return "unplugged, or another program reads from it"
    return said


def _ports() -> str:
    from serial.tools import list_ports

    found = sorted(port.device for port in list_ports.comports())
    return f"ports here: {', '.join(found)}" if found else "no serial port is connected here"
