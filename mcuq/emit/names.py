"""The one gate for names that reach C: applied where text is made, so that no reader can forget it.

A name of a model's is that of a folder, of files, of a header and of a library too; the others are identifiers alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from mcuq.errors import MalformedModelError, UsageError
from mcuq.graph import C_KEYWORDS, MAX_NAME, identifier
from mcuq.plan import Plan, states
from mcuq.plan.tables import distinct_tables
from mcuq.reading import printable

NAME = re.compile(r"[a-z_][a-z0-9_]*")
TYPES = re.compile(r"__.*|u?int(_least|_fast|max|ptr)?\d*_t|(s?size|ptrdiff|w(char|int)|time|clock|off|max_align)_t")

CPP_KEYWORDS = frozenset(
    "alignas alignof and and_eq asm bitand bitor bool catch char8_t char16_t char32_t class co_await co_return "
    "co_yield compl concept const_cast consteval constexpr constinit decltype delete dynamic_cast explicit export "
    "false friend mutable namespace new noexcept not not_eq nullptr operator or or_eq private protected public "
    "reinterpret_cast requires static_assert static_cast template this thread_local throw true try typeid typename "
    "using virtual wchar_t xor xor_eq".split()
)
# What the generated code calls its own, and what an application has beside it.
OWN = frozenset(
    """
    arena arena_bytes own_arena state kept input output io scratch run reset place places index inputs outputs bytes
    has_begun input_bytes output_bytes vector_inputs vector_outputs ram_inputs ram_outputs real scaled q score call
    setup loop main app_main models turn stage push rows count source context
    """.split()
)
# Macros of GNU C, and what the C library declares that a compiler knows by itself.
LIBRARY = frozenset(
    """
    abort abs acos acosh asin asinh assert atan atan2 atanh atexit atof atoi atol bcmp bcopy bzero calloc cbrt ceil
    cos cosh erf erfc errno exit exp exp2 expm1 fabs fdim ffs floor fma fmax fmin fmod fprintf fputc fputs free
    frexp fscanf fwrite gamma getc gets hypot i386 ilogb index isalnum isalpha isblank iscntrl isdigit isgraph
    islower isprint ispunct isspace isupper isxdigit j0 j1 jn labs ldexp lgamma linux llabs llrint llround log log10
    log1p log2 logb lrint lround malloc memchr memcmp memcpy memmove memset modf nan nearbyint nextafter offsetof
    pow printf putc putchar puts rand realloc remainder remquo rindex rint round scalb scanf signal significand sin
    sinh snprintf sprintf sqrt sscanf strcasecmp strcat strchr strcmp strcpy strcspn strdup strlen strncat strncmp
    strncpy strpbrk strrchr strspn strstr strtol system tan tanh tgamma time tolower toupper trunc typeof
    typeof_unqual unix vprintf vsnprintf y0 y1 yn
    """.split()
)
# Headers are found by the folders that libraries add: <time.h> would be the model's.
C_HEADERS = frozenset(
    "assert complex ctype errno fenv float inttypes iso646 limits locale math setjmp signal stdalign stdarg stdatomic "
    "stdbit stdbool stdckdint stddef stdint stdio stdlib stdnoreturn string tgmath threads time uchar wchar "
    "wctype dirent fcntl pthread sched semaphore strings termios unistd".split()
)
CPP_HEADERS = frozenset(
    "algorithm any array atomic barrier bit bitset charconv chrono codecvt compare concepts condition_variable "
    "coroutine deque exception execution expected filesystem format forward_list fstream functional future generator "
    "initializer_list iomanip ios iosfwd iostream istream iterator latch list map mdspan memory memory_resource mutex "
    "numbers numeric optional ostream print queue random ranges ratio regex scoped_allocator set shared_mutex span "
    "spanstream sstream stack stacktrace stdexcept stop_token streambuf string_view strstream syncstream system_error "
    "thread tuple type_traits typeindex typeinfo unordered_map unordered_set utility valarray variant vector "
    "version".split()
)
WINDOWS_DEVICES = frozenset(["con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(10))])
# Libraries of Arduino-ESP32 and components of ESP-IDF, which one in lib/ of that name would replace.
FRAMEWORKS = frozenset(
    "app_trace app_update arduino bluetooth bootloader bootloader_support bt cmock console cxx driver eeprom efuse "
    "ethernet fatfs freertos fs hal heap http_parser idf_test ieee802154 json log lwip main mbedtls mqtt newlib "
    "nvs_flash nvs_sec_provider openthread partition_table perfmon preferences protobuf_c protocomm riscv rt sd "
    "sdkconfig sdmmc soc spi spi_flash spiffs tcp_transport touch_element ulp unity update usb vfs wear_levelling "
    "webserver wifi wifi_provisioning wire wpa_supplicant xtensa".split()
)
ANY = (
    (C_KEYWORDS | CPP_KEYWORDS, "a keyword of C or C++"),
    (OWN, "a name of the generated code"),
    (LIBRARY, "a name of the C library"),
)
OF_MODELS = (
    (C_HEADERS | CPP_HEADERS, "a header of C or C++"),
    (WINDOWS_DEVICES, "a device of Windows"),
    (FRAMEWORKS, "a library of Arduino or ESP-IDF"),
)
MODEL = "model"


def meaning(name: str, what: str = MODEL) -> str:
    """Return what a name means already, where it would name a model, a layer, ...; empty for one that is free.

    >>> meaning("time"), meaning("nul"), meaning("arena", "layer"), meaning("nul", "layer"), meaning("wake_word")
    ('a header of C or C++', 'a device of Windows', 'a name of the generated code', '', '')
    """
    if name == "mcuq" or name.startswith("mcuq_"):
        return "a name of mcuq's own"
    if TYPES.fullmatch(name):
        return "a name of the C library"
    if what == MODEL and name.startswith("esp_"):
        return "a library of Arduino or ESP-IDF"
    kinds = (*OF_MODELS, *ANY) if what == MODEL else ANY
    return next((kind for names, kind in kinds if name in names), "")


def c_name(name: str, what: str) -> str:
    """Return a name that C may have as it is.

    Args:
        name: of a layer, a constant, an input or an output, or made from one.
        what: it names; more names are taken for a "model".

    Raises:
        MalformedModelError: for any other text.
    """
    longest = MAX_NAME if what == MODEL else 2 * MAX_NAME  # a table is called by its layer and its member
    if not NAME.fullmatch(name) or len(name) > longest:
        raise MalformedModelError(f"the {what} {printable(name, 60)!r} is no lower-case C identifier; rename it")
    if found := meaning(name, what):
        raise MalformedModelError(f"the {what} {name!r} cannot be called so in C: it is {found}; rename it")
    return name


def model_name(name: str) -> str:
    """Return a model's name that a user gave or a file has.

    Raises:
        UsageError: for one that cannot be, with one that can.
    """
    if len(name) > MAX_NAME:
        raise UsageError(f"{printable(name, 60)!r} cannot name a model: at most {MAX_NAME} characters; use --name")
    free = identifier(name)
    if found := meaning(free.rstrip("_")) or meaning(free):
        free = f"{re.sub('^(mcuq|esp)(_|$)', '', free.strip('_')) or 'my'}_model"
        raise UsageError(f"{name!r} cannot name a model: it is {found}; give it another name: --name {free}")
    if free != name:
        raise UsageError(f"{name!r} cannot name a model: a lower-case C identifier is needed: --name {free}")
    return name


def prefixed(names: Iterable[str]) -> None:
    """Refuse names of inputs and outputs, which C has with a prefix, that are no identifiers.

    Raises:
        MalformedModelError: naming the first.
    """
    for name in names:
        c_name(f"input_{name}", "input or output")


def require_names(plan: Plan) -> None:
    """Refuse a model of which anything has a name that C cannot have; its own name aside, which the user can choose.

    Raises:
        MalformedModelError: naming the first.
    """
    prefixed([*plan.graph.inputs, *plan.graph.outputs])
    distinct(names_within(plan))


def names_within(plan: Plan) -> list[str]:
    """Return the names that C has for what is in a model: constants, tables and layers.

    Raises:
        MalformedModelError: for the first that C cannot have.
    """
    found = [(name, "constant") for name, buffer in plan.buffers.items() if buffer.region == "flash"]
    found += [(reset.initial, "constant") for reset in states.resets(plan) if reset.value is None]
    known: dict[tuple[str, bytes], str] = {}
    for step in plan.steps:
        tables = distinct_tables(step.name, step.params, known)
        found += [(table, "table") for _, table, is_new in tables if is_new]
        found.append((step.name, "layer"))
    return [c_name(name, what) for name, what in found]


def declared(model: str, arguments: Iterable[str]) -> list[str]:
    """Return what a model's header declares, and the parameters of its functions.

    Args:
        model: its name.
        arguments: what its inputs and outputs are called in C.
    """
    arguments = [*arguments]
    parts = "model run run_in run_io run_in_io io_t reset state state_t class_t class_names".split()
    parts += "begin push_rows finish run_rows pushed go_on".split()
    made = [f"{model}_{verb}_{argument}" for verb in ("quantize", "dequantize") for argument in arguments]
    return [*arguments, *(f"{model}_{part}" for part in (*parts, *arguments)), *made]


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
