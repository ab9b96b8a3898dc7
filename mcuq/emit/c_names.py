"""The gate for every name of a model that reaches C: applied where text is made, so that no reader can forget it."""

from __future__ import annotations

import re
from collections.abc import Iterable

from mcuq.errors import MalformedModelError
from mcuq.graph import C_KEYWORDS, MAX_NAME
from mcuq.reading import printable

NAME = re.compile(r"[a-z_][a-z0-9_]*")
TAKEN = re.compile(
    r"mcuq(_.*)?|__.*|u?int(_least|_fast|max|ptr)?\d*_t|(s?size|ptrdiff|w(char|int)|time|clock|off|max_align)_t"
)

# What the generated code calls its own, and what an application has beside it.
OWN = frozenset(
    """
    arena arena_bytes own_arena state kept input output scratch run reset place places index inputs outputs bytes
    has_begun input_bytes output_bytes vector_inputs vector_outputs ram_inputs ram_outputs real scaled q score call
    setup loop main app_main models
    """.split()
)
# Keywords of later C and of C++, macros of GNU C, and what the C library declares that a compiler knows by itself.
LIBRARY = frozenset(
    """
    alignas alignof and and_eq asm bitand bitor bool catch class compl concept const_cast constexpr decltype delete
    dynamic_cast explicit export false friend mutable namespace new noexcept not not_eq nullptr operator or or_eq
    private protected public reinterpret_cast requires static_assert static_cast template this thread_local throw true
    try typeid typename using virtual wchar_t xor xor_eq typeof typeof_unqual linux unix i386 errno assert offsetof
    abort abs acos acosh asin asinh assert atan atan2 atanh atexit atof atoi atol bcmp bcopy bzero calloc cbrt ceil
    cos cosh erf erfc exit exp exp2 expm1 fabs fdim ffs floor fma fmax fmin fmod fputc fputs fprintf free frexp fscanf
    fwrite gamma getc gets hypot ilogb index isalnum isalpha isblank iscntrl isdigit isgraph islower isprint ispunct
    isspace isupper isxdigit j0 j1 jn labs ldexp lgamma llabs llrint llround log log10 log1p log2 logb lrint lround
    malloc memchr memcmp memcpy memmove memset modf nan nearbyint nextafter pow printf putc putchar puts rand realloc
    remainder remquo rindex rint round scalb scanf signal significand sin sinh snprintf sprintf sqrt sscanf strcasecmp
    strcat strchr strcmp strcpy strcspn strdup strlen strncat strncmp strncpy strpbrk strrchr strspn strstr strtol
    system tan tanh tgamma time tolower toupper trunc vprintf vsnprintf y0 y1 yn
    """.split()
)

RESERVED = OWN | LIBRARY | C_KEYWORDS


def c_name(name: str, what: str) -> str:
    """Return a name that C may have as it is.

    Args:
        name: of a layer, a constant, an input or an output, or made from one.
        what: it names, for the error.

    Raises:
        MalformedModelError: for any other text.
    """
    if not NAME.fullmatch(name) or len(name) > 2 * MAX_NAME:
        raise MalformedModelError(f"the {what} {printable(name, 60)!r} is no lower-case C identifier; rename it")
    if name in RESERVED or TAKEN.fullmatch(name):
        raise MalformedModelError(f"the {what} {name!r} has a name that C or the generated code uses; rename it")
    return name


def prefixed(names: Iterable[str]) -> None:
    """Refuse names of inputs and outputs, which C has with a prefix, that are no identifiers.

    Raises:
        MalformedModelError: naming the first.
    """
    for name in names:
        c_name(f"input_{name}", "input or output")


def distinct(names: Iterable[str]) -> None:
    """Refuse names of which two are equal.

    Raises:
        MalformedModelError: naming the first.
    """
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise MalformedModelError(f"two things would be called {name!r} in C; rename the layer or the constant")
        seen.add(name)
