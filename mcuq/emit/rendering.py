"""Templates to text."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

import jinja2

from mcuq.emit.c_source import float_text
from mcuq.resources import resource

Files = dict[str, bytes]


def render(template: str, context: Mapping[str, Any]) -> bytes:
    """Return a file of ``templates/`` filled in; what it names and ``context`` does not have is an error."""
    return _environment().get_template(template).render(context).encode()


def markdown(text: str) -> str:
    r"""Return a line of text in which Markdown and HTML read nothing else.

    >>> markdown("ESP32 (4 MB) <b>_x_ [y](z)")
    'ESP32 (4 MB) \\<b\\>\\_x\\_ \\[y\\](z)'
    """
    return re.sub(r"([\\`*_\[\]<>&|~$])", r"\\\1", text)


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(resource("templates")),
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,  # C and Markdown, not HTML
    )
    environment.filters["c_float"] = float_text
    environment.filters["markdown"] = markdown
    return environment
