"""What a file of a user's may cost: every limit in one place. SECURITY.md lists them.

They are far above what runs on an ESP32, and far below what makes a workstation swap.
"""

from __future__ import annotations

MIB = 1 << 20

FILE_BYTES = 256 * MIB  # of a model or a data file, and of what it unpacks to
ARRAY_BYTES = 512 * MIB  # of one array of an .npz file; an .npy file is mapped, whatever its size
DESCRIPTION_BYTES = 64 * MIB  # of JSON and other text that describes a model
PAGE_BYTES = 16 * MIB  # of a report that is compared with another
TEXT_BYTES = MIB  # of a board file, a partition table, a journal's line
MEMBERS = 65_536  # of an archive
NAME_CHARACTERS = 200  # of a member of an archive
TEXT_CHARACTERS = 300  # of a file's text in a message

LOAD_SECONDS = 300.0  # for a framework to open a file, its import included; `--load-timeout`
LOOK_SECONDS = 5  # of computing, for a look into a file before a framework opens it
LOAD_BYTES = 1024 * MIB  # of memory of the process that does it: three times what a framework takes for itself,
LOAD_BYTES_EACH = 8  # and so much for every byte of the file
