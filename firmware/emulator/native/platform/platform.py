"""PlatformIO development platform of this computer; lies in a project's lib/mcuq.

Needs nothing from PlatformIO's registry: the compiler is the system's.
"""

import shutil
import subprocess

from platformio.exception import UserSideException
from platformio.public import PlatformBase

COMPILERS = (("cc", "c++"), ("gcc", "g++"), ("clang", "clang++"))
LIMIT_SECONDS = 600


class McuqnativePlatform(PlatformBase):
    """The name is what PlatformIO derives from platform.json."""

    @staticmethod
    def compilers():
        """Return the paths of a C and a C++ compiler, or say how to get them."""
        for names in COMPILERS:
            paths = [shutil.which(name) for name in names]
            if all(paths):
                return paths
        raise UserSideException("a C and a C++ compiler are missing: apt-get install g++ (or your system's)")

    def emulate(self, program, show):
        """Run a program; hand every line it prints to ``show``; return its status."""
        nothing = subprocess.DEVNULL
        done = subprocess.run([program], stdin=nothing, stdout=subprocess.PIPE, timeout=LIMIT_SECONDS, check=False)
        for line in done.stdout.decode(errors="replace").splitlines():
            show(line)
        return done.returncode
