"""The description of a program in a ``.pt2`` file, read field by field: what is not known to be harmless is refused.

torch turns names into Python source that it runs, evaluates expressions, imports what a tree of arguments names and
looks up operators by path. So every text must be of the form that its field takes, and is written anew.
"""

from __future__ import annotations

import json
import keyword
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from mcuq.errors import MalformedModelError
from mcuq.reading import json_of, printable

MAX_DEPTH = 40
MAX_INT = 1 << 63

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,199}")
PATH = re.compile(r"[A-Za-z0-9_]+(\.[A-Za-z0-9_]+)*|")
FIELD = re.compile(r"[a-z_]{1,40}")
VERSION = re.compile(r"[\w.+<= -]{1,60}", re.ASCII)
DEVICE = re.compile(r"[a-z]{1,12}")
FILE = re.compile(r"(weight|tensor)_\d{1,6}")
OPERATOR = re.compile(
    r"torch\.ops\.(aten|quantized_decomposed|torchao)\.((?!_?_)\w+|_\w+)(\.[A-Za-z]\w*)?|_operator\.getitem"
)
WITH_FILES = re.compile(r"torch\.ops\.aten\.(from_file|save|load|warn|_print|set_data)(\..*)?")
MODE = re.compile(r"[a-z_0-9]{0,20}|[a-zA-Z., ]{0,60}->[a-zA-Z. ]{0,20}")  # a mode, or an equation of einsum

SYMBOL = r"[su]\d{1,4}"
NUMBER = r"-?\d{1,18}"
ASSUMED = r"(, (positive|integer|nonnegative|nonzero)=(True|False)){0,4}"
TERM = rf"({NUMBER}|{SYMBOL}|Symbol\('{SYMBOL}'{ASSUMED}\)|Integer\({NUMBER}\))"
COMPARISON = r"(Eq|Ne|Lt|Le|Gt|Ge|Equality|Unequality|StrictLessThan|LessThan|StrictGreaterThan|GreaterThan)"
EXPRESSION = re.compile(rf"{TERM}|{TERM} (<|<=|>|>=|==|!=) {TERM}|{COMPARISON}\({TERM}, {TERM}\)|True|False")

DROPPED: Mapping[str, Any] = {"metadata": {}, "guards_code": [], "treespec_namedtuple_fields": {}}
CODE = ("as_custom_obj", "custom_obj", "as_operator", "as_graph", "token", "custom_obj_values")
TREES = ("builtins.tuple", "builtins.list", "builtins.dict")


@dataclass(frozen=True)
class Payloads:
    """A description of tensors: its text, and the elements of each file's largest tensor."""

    text: bytes
    tensors: Mapping[str, int]


def program(document: Any) -> bytes:
    """Return the description of a program, written anew.

    Raises:
        MalformedModelError: naming the first field that is not as torch.export.save writes it.
    """
    if not isinstance(document, dict):
        raise MalformedModelError("its program is no description")
    return json.dumps(_cleaned(document, "program", 0)).encode()


def payloads(document: Any) -> Payloads:
    """Return the description of weights or constants, written anew.

    Raises:
        MalformedModelError: as :func:`program`, and for what is pickled.
    """
    cleaned = _cleaned(document, "payloads", 0)
    entries = cleaned.get("config") if isinstance(cleaned, dict) else None
    if not isinstance(entries, dict) or not all(isinstance(e, dict) for e in entries.values()):
        raise MalformedModelError("its tensors are not described")
    tensors: dict[str, int] = {}
    for entry in entries.values():
        name, meta = entry.get("path_name"), entry.get("tensor_meta")
        if entry.get("use_pickle") is not False or not isinstance(meta, dict):
            raise MalformedModelError("holds pickled objects, which can run code; mcuq does not open them")
        if not isinstance(name, str):
            raise MalformedModelError("describes a tensor without a file")
        tensors[name] = max(_elements(meta.get("sizes")), tensors.get(name, 0))
    return Payloads(json.dumps(cleaned).encode(), tensors)


def _elements(sizes: Any) -> int:
    """Return the elements of a tensor of known size."""
    elements = 1
    for size in sizes if isinstance(sizes, list) else (None,):
        number = size.get("as_int") if isinstance(size, dict) else None
        if not isinstance(number, int) or number < 0:
            raise MalformedModelError("describes a tensor without a size")
        elements *= number
    return elements


def _cleaned(value: Any, field: str, depth: int) -> Any:
    """Return a value with its texts checked by the field they are in."""
    if depth > MAX_DEPTH:
        raise MalformedModelError("its program is nested too deeply")
    if isinstance(value, dict):
        return _fields(value, field, depth)
    if isinstance(value, list):
        return [_cleaned(item, field, depth + 1) for item in value]
    if isinstance(value, str):
        return _text(value, field)
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > MAX_INT:
        raise MalformedModelError(f"its {field} is a number of more than 64 bits")
    return value


def _fields(value: Mapping[str, Any], field: str, depth: int) -> dict[str, Any]:
    """Clean an object: its keys are names where the field is a map, else fields."""
    keys = MAPS.get(field, FIELD)
    cleaned: dict[str, Any] = {}
    for key, item in value.items():
        if not keys.fullmatch(key):
            raise MalformedModelError(f"its {field} holds {printable(key, 60)!r}")
        if keys is FIELD and key in CODE and item:
            raise MalformedModelError(f"holds a {key}: code or an object of another program, which mcuq does not open")
        if keys is FIELD and key in DROPPED:
            cleaned[key] = DROPPED[key]
        else:
            cleaned[key] = _cleaned(item, key if keys is FIELD else "", depth + 1)
    return cleaned


def _text(text: str, field: str) -> str:
    rule = TEXTS.get(field)
    if rule is None:
        raise MalformedModelError(f"its field {field or 'of a map'} is the text {printable(text, 60)!r}")
    return rule(text, field)


def _matching(pattern: re.Pattern[str]) -> Callable[[str, str], str]:
    def check(text: str, field: str) -> str:
        if not pattern.fullmatch(text):
            raise MalformedModelError(f"its {field} is {printable(text, 60)!r}")
        return text

    return check


def _name(text: str, field: str) -> str:
    if keyword.iskeyword(text) or (text and not NAME.fullmatch(text)):
        raise MalformedModelError(f"its {field} is {printable(text, 60)!r}, which is no name")
    return text


def _operator(text: str, _: str) -> str:
    if not OPERATOR.fullmatch(text) or WITH_FILES.fullmatch(text):
        raise MalformedModelError(f"calls {printable(text, 60)!r}, which is no operator of torch's own on tensors")
    return text


def _expression(text: str, _: str) -> str:
    if not EXPRESSION.fullmatch(text):
        raise MalformedModelError(f"holds the expression {printable(text, 60)!r}; export with static shapes")
    return text


def _tree(text: str, field: str) -> str:
    """Return how arguments are nested: tuples, lists and dictionaries, whose types torch would import by name."""
    document = json_of(text.encode())
    if not isinstance(document, list) or len(document) != 2 or document[0] != 1:
        raise MalformedModelError(f"its {field} is no tree of arguments")
    return json.dumps([1, _branch(document[1], 0)])


def _branch(tree: Any, depth: int) -> dict[str, Any]:
    if not isinstance(tree, dict) or depth > MAX_DEPTH:
        raise MalformedModelError("its arguments are no tree")
    kind, context, children = tree.get("type"), tree.get("context"), tree.get("children_spec")
    if (kind is not None and kind not in TREES) or not isinstance(children, list):
        raise MalformedModelError(f"its arguments are a {printable(kind, 60)}; tuples, lists and dictionaries are read")
    if context is not None:
        keys = json_of(str(context).encode())
        if keys is not None and not (isinstance(keys, list) and all(isinstance(k, str | int) for k in keys)):
            raise MalformedModelError("its arguments have keys that are no names")
        context = json.dumps(keys)
    return {"type": kind, "context": context, "children_spec": [_branch(child, depth + 1) for child in children]}


MAPS: Mapping[str, re.Pattern[str]] = {
    "tensor_values": NAME,
    "sym_int_values": NAME,
    "sym_bool_values": NAME,
    "sym_float_values": NAME,
    "as_string_to_argument": NAME,
    "range_constraints": re.compile(SYMBOL),
    "opset_version": NAME,
    "config": PATH,
}
TEXTS: Mapping[str, Callable[[str, str], str]] = {
    **dict.fromkeys(("name", "as_name", "forward_arg_names", "verifiers"), _name),
    **dict.fromkeys(("parameter_name", "buffer_name", "tensor_constant_name", "fqn"), _matching(PATH)),
    **dict.fromkeys(("in_spec", "out_spec"), _tree),
    **dict.fromkeys(("as_string", "as_strings"), _matching(MODE)),
    "user_input_name": _name,
    "target": _operator,
    "expr_str": _expression,
    "path_name": _matching(FILE),
    "torch_version": _matching(VERSION),
    "type": _matching(DEVICE),
}
