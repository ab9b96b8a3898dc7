"""Hooks of ``mkdocs.yml``: the first page is README.md, the API's is made of the public names, links lead somewhere.

A link from ``docs/`` to another file of the repository has no page here: it becomes an address where MCUQ_REPOSITORY
says where the repository is (``https://github.com/OWNER/mcuq``), the file's name otherwise.
"""

import ast
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
LINK = re.compile(r"\[(?P<text>[^\]]+)\]\((?P<to>[^)\s]+)\)")
FIRST = "index.md"


def on_files(files: Any, config: Any) -> Any:
    """Add the pages that are made here."""
    from mkdocs.structure.files import File

    files.append(File.generated(config, FIRST, content=readme((ROOT / "README.md").read_text("utf-8"))))
    files.append(File.generated(config, "api.md", content=api((ROOT / "mcuq/__init__.py").read_text("utf-8"))))
    return files


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Turn links that leave ``docs/`` into addresses or names."""
    return LINK.sub(_elsewhere, markdown)


def readme(text: str) -> str:
    """Return README.md as a page: its links are from the repository's root, those of the pages from ``docs/``."""
    return LINK.sub(_from_root, text)


def api(source: str) -> str:
    """Return the page of the public names, module by module, as ``mcuq/__init__.py`` says where each lives."""
    lines = ["# Python", "", "What `import mcuq` gives; nothing else is promised to stay."]
    for module, names in _homes(source):
        lines += ["", f"## {module}"]
        lines += [line for name in names for line in ("", f"::: {module}.{name}")]
    return "\n".join(lines) + "\n"


def _homes(source: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    for node in ast.parse(source).body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id == "_HOMES":
            yield from ast.literal_eval(node.value).items()


def _from_root(found: re.Match[str]) -> str:
    to = found["to"]
    if re.match(r"[a-z]+:|#", to):
        return found[0]
    inside = to.removeprefix("docs/")
    return f"[{found['text']}]({inside if inside != to else f'../{to}'})"


def _elsewhere(found: re.Match[str]) -> str:
    to = found["to"]
    if not to.startswith("../"):
        return found[0]
    path, _, anchor = to.removeprefix("../").partition("#")
    if path == "README.md":
        return f"[{found['text']}]({FIRST}{'#' + anchor if anchor else ''})"
    where = os.environ.get("MCUQ_REPOSITORY", "").rstrip("/")
    return f"[{found['text']}]({where}/blob/main/{path})" if where else f"{found['text']} (`{path}`)"
