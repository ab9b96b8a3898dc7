"""Templates to text."""

from __future__ import annotations

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
    return environment
