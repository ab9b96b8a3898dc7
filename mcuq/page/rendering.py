"""Templates to HTML: numbers as people read them, every text escaped."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import jinja2
from markupsafe import Markup

from mcuq.page.layout import path_of
from mcuq.resources import resource


def render(template: str, context: Mapping[str, Any]) -> str:
    """Return a template of ``templates/report`` filled in; what it names and ``context`` does not have is an error."""
    return _environment().get_template(template).render(context)


def fragment(template: str, context: Mapping[str, Any]) -> str:
    """Return a template filled in, for a notebook: the page's style holds within it alone."""
    style = render("style.css.j2", {"root": ":scope"})
    return f'<div class="mcuq"><style>@scope {{ {style} }}</style>{render(template, context)}</div>'


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(resource("templates") / "report"),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=True,
    )
    environment.filters |= {
        "thousands": lambda number: f"{number:,}",
        "percent": percent,
        "shape": lambda shape: " × ".join(map(str, shape)),
        "real": real,
        "short": short,
        "bars": bars,
        "path": path_of,
        "breakable": breakable,
        "decibels": lambda value: "" if value is None else f"{value:.1f}",
    }
    return environment


def percent(share: float, digits: int = 1) -> str:
    """Return a share as people read it; not quite nothing, and not quite all, are said so.

    >>> percent(0.5), percent(0.00001), percent(0.99999), percent(0.0)
    ('50.0 %', '< 0.1 %', '> 99.9 %', '0 %')
    """
    least = 10.0**-digits
    if share in {0.0, 1.0}:
        return f"{100 * share:.0f} %"
    if 100 * share < least:
        return f"< {least:.{digits}f} %"
    return f"> {100 - least:.{digits}f} %" if 100 * share > 100 - least else f"{100 * share:.{digits}f} %"


def real(value: float) -> str:
    """Return a real number in four digits.

    >>> real(0.012345), real(-3.0), real(1234567.0)
    ('0.01235', '-3', '1.235e+06')
    """
    return f"{value:.4g}"


def short(text: str, most: int) -> str:
    """Return a text that is no longer; its middle is left out.

    >>> short("functional_1_conv2d_BiasAdd", 14)
    'functio…iasAdd'
    """
    if len(text) <= most:
        return text
    return f"{text[: most - most // 2]}…{text[len(text) - most // 2 + 1 :]}"


def breakable(name: str) -> Markup:
    """Return a name as HTML that may be broken behind its underscores.

    >>> str(breakable("a_<b"))
    'a_<wbr>&lt;b'
    """
    return Markup("_<wbr>").join(name.split("_"))  # which escapes the parts


def bars(counts: Sequence[int], height: int = 100) -> str:
    """Return the outline of a histogram as an SVG path, one wide per bar; areas go by the root, so that tails are seen.

    >>> bars([0, 4, 1], 100)
    'M0 100V100h1V0h1V50h1V100Z'
    """
    most = max(counts, default=0) or 1
    tops = [height - round(height * math.sqrt(count / most)) for count in counts]
    return f"M0 {height}" + "".join(f"V{top}h1" for top in tops) + f"V{height}Z"
