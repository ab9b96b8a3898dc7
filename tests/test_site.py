"""The site's pages that are made: README.md as the first, the API of the public names, links that lead somewhere."""

import re
import sys
from pathlib import Path

import mcuq

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tools"))
import pages  # noqa: E402


def test_every_page_of_docs_is_in_the_navigation():
    listed = set(re.findall(r"(\w+\.md)$", (ROOT / "mkdocs.yml").read_text(), re.MULTILINE))
    assert listed == {path.name for path in (ROOT / "docs").glob("*.md")} | {"index.md", "api.md"}


def test_the_api_is_that_of_the_package():
    page = pages.api((ROOT / "mcuq/__init__.py").read_text())
    assert sorted(re.findall(r"^::: [\w.]+\.(\w+)$", page, re.MULTILINE)) == sorted(mcuq.__all__)


def test_links_of_the_readme_start_at_the_root():
    text = "[a](docs/fit.md#x) [b](examples/digits) [c](https://x.org/docs/y) [d](#a-session)"
    assert pages.readme(text) == "[a](fit.md#x) [b](../examples/digits) [c](https://x.org/docs/y) [d](#a-session)"


def test_links_out_of_docs_are_addresses_or_names(monkeypatch):
    text = "[boards](../boards/chips) [here](fit.md) [start](../README.md#a-session)"
    monkeypatch.delenv("MCUQ_REPOSITORY", raising=False)
    assert pages.on_page_markdown(text) == "boards (`boards/chips`) [here](fit.md) [start](index.md#a-session)"
    monkeypatch.setenv("MCUQ_REPOSITORY", "https://github.com/me/mcuq/")
    assert pages.on_page_markdown(text).startswith("[boards](https://github.com/me/mcuq/blob/main/boards/chips) ")
