"""Write locks/sbom.cdx.json: the bill of materials (CycloneDX 1.6) of what comes with mcuq, from its lock.

``python tools/sbom.py`` writes it, ``--check`` ends with 1 if it is stale. It says nothing but what mcuq itself and
locks/users.txt say: no date, no serial number, so that the same lock gives the same bytes. Of the frameworks,
which are not locked, it names nothing. ``scope`` is "required" for what mcuq always brings, "optional" for the rest.
"""

import json
import re
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
LOCK = ROOT / "locks" / "users.txt"
SBOM = ROOT / "locks" / "sbom.cdx.json"
PIN = re.compile(r"([a-z0-9][a-z0-9.-]*)==([^\s;\\]+)")
HASH = re.compile(r"\s+--hash=sha256:([0-9a-f]{64})")
SAYS_NOTHING = re.compile(r"#|\s*(# via)?$|\s+#(?: via)?\s+-c ")  # remarks, and locks that others are bound to
VIA = re.compile(r"\s+#(?: via)?\s+([a-z0-9][a-z0-9.-]*)")
VERSION = re.compile(r'^__version__ = "(.+)"$', re.MULTILINE)
NAME = re.compile(r"[A-Za-z0-9._-]+")
OURS = "mcuq"


@dataclass
class Pin:
    """One package of a lock.

    Attributes:
        name: normalized.
        version: the only one.
        hashes: SHA-256 of the files that may be installed.
        via: the packages that ask for it, mcuq among them.
    """

    name: str
    version: str
    hashes: list[str] = field(default_factory=list)
    via: set[str] = field(default_factory=set)


def pins(lock: str) -> dict[str, Pin]:
    """Read the text of a lock as ``uv pip compile`` writes it.

    Raises:
        ValueError: for a line of another form, a package without hashes, or one that nobody asks for.
    """
    found: dict[str, Pin] = {}
    for line in lock.splitlines():
        if SAYS_NOTHING.match(line):
            continue
        if match := PIN.match(line):
            pin = found.setdefault(match[1], Pin(match[1], match[2]))
        elif match := HASH.match(line):
            pin.hashes.append(match[1])
        elif match := VIA.match(line):
            pin.via.add(match[1])
        else:
            raise ValueError(f"not a line of a lock: {line!r}")
    for pin in found.values():
        if not (pin.hashes and pin.via):
            raise ValueError(f"{pin.name} has no {'hashes' if pin.via else 'reason'}")
    return found


def closure(found: dict[str, Pin], names: set[str]) -> set[str]:
    """Return the packages that these names bring, through others too."""
    new = {pin.name for pin in found.values() if pin.via & names} - names
    return closure(found, names | new) if new else names


def bill(lock: str, version: str, core: set[str]) -> dict[str, Any]:
    """Return the bill of materials as CycloneDX has it.

    Args:
        lock: text of the lock of what users install.
        version: mcuq's own.
        core: the packages that mcuq asks for without any extra.
    """
    found = dict(sorted(pins(lock).items()))
    core = closure(found, core)
    ours = {"type": "application", "bom-ref": OURS, "name": OURS, "version": version}
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "component": {
                **ours,
                "licenses": [{"license": {"id": "Apache-2.0"}}],
                "purl": f"pkg:pypi/{OURS}@{version}",
            }
        },
        "components": [component(pin, pin.name in core) for pin in found.values()],
        "dependencies": [{"ref": name, "dependsOn": depends} for name, depends in graph(found)],
    }


def component(pin: Pin, required: bool) -> dict[str, Any]:
    """Return one package as CycloneDX has it."""
    return {
        "type": "library",
        "bom-ref": pin.name,
        "name": pin.name,
        "version": pin.version,
        "scope": "required" if required else "optional",
        "hashes": [{"alg": "SHA-256", "content": content} for content in pin.hashes],
        "purl": f"pkg:pypi/{pin.name}@{pin.version}",
    }


def graph(found: dict[str, Pin]) -> Iterator[tuple[str, list[str]]]:
    """Yield every package, mcuq first, with what it asks for."""
    for name in (OURS, *found):
        yield name, [other for other, pin in found.items() if name in pin.via]


def text() -> str:
    """Return what the file must hold."""
    version = VERSION.search((ROOT / "mcuq" / "__init__.py").read_text("utf-8"))
    assert version, "mcuq/__init__.py has no __version__"
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    core = {match[0].lower().replace("_", "-") for line in project["dependencies"] if (match := NAME.match(line))}
    return json.dumps(bill(LOCK.read_text("utf-8"), version[1], core), indent=1) + "\n"


def main() -> int:
    """Write or check; return the exit status."""
    if "--check" not in sys.argv[1:]:
        SBOM.write_text(text(), "utf-8")
        return 0
    if SBOM.is_file() and SBOM.read_text("utf-8") == text():
        return 0
    print(f"{SBOM.relative_to(ROOT)} is stale: python tools/sbom.py", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
