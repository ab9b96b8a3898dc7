"""PlatformIO development platform of mcuq's emulated RV32IMC chip; lies in a project's lib/mcuq.

Needs nothing from PlatformIO's registry: the compiler and QEMU are the system's.
"""

import shutil
import subprocess
import threading

from platformio.exception import UserSideException
from platformio.public import PlatformBase

INSTALL = "apt-get install gcc-riscv64-unknown-elf picolibc-riscv64-unknown-elf qemu-system-misc"
QEMU = (
    *("qemu-system-riscv32", "-M", "virt", "-bios", "none", "-display", "none", "-monitor", "none", "-serial", "stdio"),
    *("-semihosting-config", "enable=on,target=native", "-icount", "shift=0"),
)
BOOTED = b"\xa5\x4d\x81"  # the frame that ends the self-test (mcuq_frame.h): from here on the firmware waits
LIMIT_SECONDS = 600


class McuqPlatform(PlatformBase):
    """The name is what PlatformIO derives from platform.json."""

    @staticmethod
    def tool(name):
        """Return the path of a system program, or say how to get it."""
        path = shutil.which(name)
        if path is None:
            raise UserSideException(f"{name} is missing: {INSTALL} (or your system's counterparts)")
        return path

    def emulate(self, program, show):
        """Run a program until it ends or serves requests; hand every line it prints to ``show``.

        Returns:
            0, or the status of a program that gave up.
        """
        command = [self.tool(QEMU[0]), *QEMU[1:], "-kernel", program]
        with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as process:
            limit = threading.Timer(LIMIT_SECONDS, process.kill)
            limit.start()
            try:
                if _show_lines(process.stdout, show):
                    return 0
                return process.wait()
            finally:
                limit.cancel()
                process.kill()


def _show_lines(stream, show):
    """Show whole lines; return whether the firmware serves requests now (else it has ended)."""
    rest = b""
    while data := stream.read1():
        text, booted, _ = (rest + data).partition(BOOTED)
        *lines, rest = text.split(b"\n")
        for line in lines:
            show(line.decode(errors="replace").rstrip("\r"))
        if booted:
            return True
    if rest:
        show(rest.decode(errors="replace"))
    return False
