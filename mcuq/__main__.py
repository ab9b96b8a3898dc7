"""``python -m mcuq``."""

import sys

from mcuq.cli import main

sys.exit(main())
