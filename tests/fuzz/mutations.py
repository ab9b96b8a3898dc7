"""Mutations of bytes, texts, JSON and zip archives. Everything depends on the generator alone."""

import io
import json
import warnings
import zipfile
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

Rng = np.random.Generator
Mutation = Callable[[bytes, Rng], bytes]

INTEGERS = (0, 1, 2, 3, 4, 7, 8, 15, 127, 128, 255, 256, 65_535, 65_536, 1 << 20, 1 << 26, (1 << 30) - 1, 1 << 30)
INTEGERS += ((1 << 31) - 1, 1 << 31, (1 << 32) - 1, 1 << 32, 1 << 62, (1 << 63) - 1, 1 << 64, 10**30)
INTEGERS += (-1, -2, -128, -129, -(1 << 16), -(1 << 31), -(1 << 63), -(10**30))
FLOATS = (0.0, -0.0, -1.0, 0.5, 1e-45, 1e-30, 1e-15, 1e-7, 1e7, 1e15, 1e20, 3e38, 1e300, np.inf, -np.inf, np.nan)
TEXTS = (
    "",
    "a",
    "int8",
    "float32",
    "../../x",
    "/etc/passwd",
    "x" * 300,
    "\x1b[2J\n",
    "\u202ex",
    "\ud800",
    "a\0b",
    "1" * 5000,
)
TEXTS += ("__class__", "exec(1)", "9**9**9", "None", "int", "a b", "é", "${HOME}", "%s", "{{x}}")
DEEP = 2_000


def pick(rng: Rng, choices: Any) -> Any:
    """One of a sequence, as the Python object that it is."""
    return choices[int(rng.integers(len(choices)))]


def one_of(*mutations: Mutation) -> Mutation:
    """A mutation that is one of some; repeated ones are likelier."""
    return lambda data, rng: pick(rng, mutations)(data, rng)


def number_near(value: float, rng: Rng) -> float:
    """Another number: near this one, or at the edge of some type."""
    if isinstance(value, bool):
        return not value
    near = [value + 1, value - 1, value * 2, -value, value * 10, value // 2 if isinstance(value, int) else value / 2]
    if isinstance(value, float):
        return pick(rng, near if rng.random() < 0.5 else FLOATS)
    return pick(rng, near if rng.random() < 0.5 else INTEGERS)


# --- bytes ---------------------------------------------------------------------------------------------------------


def flipped(data: bytes, rng: Rng) -> bytes:
    array = np.frombuffer(data, np.uint8).copy()
    if array.size:
        array[rng.integers(0, array.size, rng.integers(1, 9))] ^= np.uint8(1 << int(rng.integers(8)))
    return array.tobytes()


def overwritten(data: bytes, rng: Rng) -> bytes:
    """Write an interesting word over four bytes."""
    at = int(rng.integers(0, max(1, len(data) - 3)))
    word = (pick(rng, INTEGERS) & 0xFFFFFFFF).to_bytes(4, pick(rng, ("little", "big")))
    return data[:at] + word[: len(data) - at] + data[at + 4 :]


def cut(data: bytes, rng: Rng) -> bytes:
    return data[: int(rng.integers(0, len(data) + 1))]


def spliced(data: bytes, rng: Rng) -> bytes:
    """Insert, remove or repeat some bytes."""
    at, size = int(rng.integers(0, len(data) + 1)), int(rng.integers(1, 40))
    start = int(rng.integers(0, len(data) + 1))
    inserted = (b"", rng.bytes(size), data[start : start + size])[int(rng.integers(3))]
    return data[:at] + inserted + data[at + (0 if inserted else size) :]


any_bytes = one_of(flipped, flipped, overwritten, cut, spliced)


# --- text ----------------------------------------------------------------------------------------------------------


def any_text(data: bytes, rng: Rng) -> bytes:
    """Change a text by its words: numbers and quoted texts become others, lines go, come twice or change places."""
    lines = data.decode("utf-8", "replace").split("\n")
    for _ in range(int(rng.integers(1, 4))):
        i, j = (int(k) for k in rng.integers(0, len(lines), 2))
        kind = rng.integers(0, 8)
        if kind < 4:
            lines[i] = _changed_word(lines[i], rng)
        elif kind == 4:
            del lines[i]
        elif kind == 5:
            lines.insert(i, lines[j])
        elif kind == 6:
            lines[i], lines[j] = lines[j], lines[i]
        else:
            return any_bytes("\n".join(lines).encode("utf-8", "surrogatepass"), rng)
        lines = lines or [""]
    return "\n".join(lines).encode("utf-8", "surrogatepass" if rng.random() < 0.1 else "replace")


def _changed_word(line: str, rng: Rng) -> str:
    import re

    words = list(re.finditer(r'-?\d[\d._]*|"[^"]*"|true|false|\w+', line))
    if not words:
        return line
    word = pick(rng, words)
    text = word.group()
    if text[0] == '"':
        new = pick(rng, (json.dumps(pick(rng, TEXTS)), str(pick(rng, INTEGERS)), "[]", "{}", f"[{text}, {text}]"))
    elif text.lstrip("-").isdecimal() and len(text) < 100:
        new = str(pick(rng, (number_near(int(text), rng), pick(rng, FLOATS), '"x"', "[]", text * 20)))
    else:
        new = pick(rng, (str(pick(rng, INTEGERS)), pick(rng, TEXTS), text.upper(), text[1:], '""', "true", "{}"))
    return line[: word.start()] + new + line[word.end() :]


# --- JSON ----------------------------------------------------------------------------------------------------------


def any_json(data: bytes, rng: Rng) -> bytes:
    """Change members of a JSON text, at any depth."""
    if rng.random() < 0.05:
        return one_of(any_text, any_bytes, _nested)(data, rng)
    try:
        tree = json.loads(data)
        for _ in range(int(pick(rng, (1, 1, 1, 2, 3)))):
            edit_tree(tree, rng)
        return json.dumps(tree).encode("utf-8", "surrogatepass")
    except (ValueError, RecursionError):  # it has been mutated before
        return any_bytes(data, rng)


def _nested(data: bytes, rng: Rng) -> bytes:
    return pick(rng, (b"[" * DEEP, b'{"a":' * DEEP + b"1" + b"}" * DEEP, b"[" * DEEP + data + b"]" * DEEP))


def edit_tree(tree: Any, rng: Rng) -> None:
    """Change one member of nested dicts and lists, in place."""
    places = list(_places(tree))
    if not places:
        return
    owner, key = pick(rng, places)
    kind = rng.integers(0, 10)
    if kind < 5:
        owner[key] = _other_value(owner[key], rng)
    elif kind < 7:
        other, name = pick(rng, places)
        owner[key] = json.loads(json.dumps(other[name]))  # a copy, so that the tree stays one
    elif kind == 7:
        del owner[key]
    elif isinstance(owner, list):
        owner.insert(key, json.loads(json.dumps(owner[key])))
    else:
        owner[pick(rng, TEXTS)] = owner.pop(key)


def _places(tree: Any) -> Any:
    items = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for key, value in items:
        yield tree, key
        yield from _places(value)


def _other_value(value: Any, rng: Rng) -> Any:
    if isinstance(value, int | float) and rng.random() < 0.8:
        return number_near(value, rng)
    if isinstance(value, str) and rng.random() < 0.5:
        return pick(rng, TEXTS)
    return pick(
        rng, (None, [], {}, True, pick(rng, INTEGERS), pick(rng, FLOATS), pick(rng, TEXTS), [value], {"a": value})
    )


# --- zip -----------------------------------------------------------------------------------------------------------


def in_zip(members: Mapping[str, Mutation], method: int = zipfile.ZIP_STORED) -> Mutation:
    """Change an archive: mostly a member, by its name's end, sometimes the archive itself."""

    def mutant(data: bytes, rng: Rng) -> bytes:
        with zipfile.ZipFile(io.BytesIO(data)) as file:
            content = {info.filename: file.read(info) for info in file.infolist()}
        if rng.random() < 0.2:
            return _other_archive(data, content, rng, method)
        known = [name for name in content if any(name.endswith(end) for end in members)]
        for _ in range(int(pick(rng, (1, 1, 2)))):
            name = pick(rng, known)
            mutation = next(mutation for end, mutation in members.items() if name.endswith(end))
            content[name] = mutation(content[name], rng)
        return zipped(list(content.items()), method)

    return mutant


def _other_archive(data: bytes, content: Mapping[str, bytes], rng: Rng, method: int) -> bytes:
    items, name = list(content.items()), pick(rng, list(content))
    other = pick(rng, (name.upper(), f"../{name}", f"/{name}", "x" * 300, "", f"x/{name}", name.swapcase(), "\u202e"))
    kind = rng.integers(0, 10)
    if kind == 0:
        items = [item for item in items if item[0] != name]
    elif kind == 1:
        items.append((name, pick(rng, items)[1]))
    elif kind == 2:
        items = [(other if item[0] == name else item[0], item[1]) for item in items]
    elif kind == 3:
        items.append((other, data))  # an archive in an archive
    elif kind == 4:
        method = pick(rng, (zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA, zipfile.ZIP_DEFLATED))
    elif kind == 5:
        return _changed_header(data, rng)
    elif kind == 6:
        return any_bytes(zipped(items, zipfile.ZIP_DEFLATED), rng)
    elif kind == 7:
        items.append((other, bytes(1 << 20)))
        method = zipfile.ZIP_DEFLATED
    else:
        return any_bytes(data, rng)
    return zipped(items, method)


def _changed_header(data: bytes, rng: Rng) -> bytes:
    """Change a field of one entry of the directory: flags, method, sizes, offset."""
    at = data.find(b"PK\x01\x02", int(rng.integers(0, len(data))))
    if at < 0:
        return any_bytes(data, rng)
    field, size = pick(rng, ((8, 2), (10, 2), (16, 4), (20, 4), (24, 4), (28, 2), (30, 2), (42, 4)))
    value = (pick(rng, INTEGERS) & ((1 << 8 * size) - 1)).to_bytes(size, "little")
    return data[: at + field] + value + data[at + field + size :]


def zipped(items: list[tuple[str, bytes]], method: int = zipfile.ZIP_STORED) -> bytes:
    """An archive of these members, without dates; names may be there twice."""
    target = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(target, "w") as file:
        warnings.simplefilter("ignore")
        for name, content in items:
            info = zipfile.ZipInfo(name or "x", (1980, 1, 1, 0, 0, 0))
            file.writestr(info, content, method)
    return target.getvalue()


# --- arrays --------------------------------------------------------------------------------------------------------


def any_npy(data: bytes, rng: Rng) -> bytes:
    """Change an ``.npy`` file: the header as text, the values, or any byte."""
    kind = rng.integers(0, 4)
    start = data.find(b"\n") + 1
    if kind == 0 or not start:
        return any_bytes(data, rng)
    if kind == 1:
        return data[:start] + any_bytes(data[start:], rng)
    text = _changed_header_text(data[10:start].decode("latin1").strip(), rng)
    padded = text.ljust(117 if len(text) < 117 else len(text) + 1)[:60_000] + "\n"
    return data[:8] + len(padded).to_bytes(2, "little") + padded.encode("latin1", "replace") + data[start:]


def _changed_header_text(text: str, rng: Rng) -> str:
    kinds = ("'|O'", "'<f8'", "'<i8'", "'|b1'", "'<U4'", "'<c8'", "'<M8[s]'", "'>f4'", "'<f2'", "'|V4'", "'<f16'")
    if rng.random() < 0.4:
        old = text[text.find("'descr': ") + 9 : text.find(",")]
        return text.replace(old, pick(rng, (*kinds, "[('a', '<f4')]", "('<f4', (2,))", "None", "()")), 1)
    return _changed_word(text, rng)
