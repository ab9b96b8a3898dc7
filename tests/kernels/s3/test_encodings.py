"""A decoder, from the table of words, reads every vector instruction back from linked code as the sources have it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from requirements import require

from mcuq.emit.library import kernel_folders
from mcuq.engines.emulator import compile_emulated
from mcuq.resources import resource

sys.path.insert(0, str(Path(__file__).parents[3] / "tools"))

KERNELS = resource("firmware") / "kernels" / "s3"
CORES = {  # of which file one function is called, so that the linker keeps all of its section
    "mcuq_s3_bytes_asm.S": "mcuq_s3_fill",
    "mcuq_s3_depthwise_asm.S": "mcuq_s3_depthwise_long",
    "mcuq_s3_depthwise_packed_asm.S": "mcuq_s3_depthwise_packed",
    "mcuq_s3_dot_asm.S": "mcuq_s3_dot_all",
    "mcuq_s3_line_asm.S": "mcuq_s3_line",
    "mcuq_s3_max_asm.S": "mcuq_s3_max_all",
    "mcuq_s3_packed_asm.S": "mcuq_s3_packed_all",
    "mcuq_s3_pixel_sums_asm.S": "mcuq_s3_pixel_sums",
    "mcuq_s3_pool_asm.S": "mcuq_s3_pool_average",
    "mcuq_s3_product_asm.S": "mcuq_s3_product",
    "mcuq_s3_sum_asm.S": "mcuq_s3_sum",
    "mcuq_s3_window_asm.S": "mcuq_s3_window_long",
}


def decoded(code: bytes) -> list[str]:
    """Return the vector instructions of a function; of others only the length is known."""
    import s3_words

    words, found, at = s3_words.read(), [], 0
    while at + 2 <= len(code):
        low = code[at] & 15
        length = 4 if low >= 14 else 2 if low >= 8 else 3
        number = int.from_bytes(code[at : at + length], "little")
        found += [text for word in words if word.bits == 8 * length and (text := _operands(word, number)) is not None]
        at += length
    return found


def _operands(word, number: int) -> str | None:
    """Return an instruction as text, or None where the number is another one."""
    values, position = {}, word.bits
    for piece in word.pieces:
        position -= piece.width
        bits = number >> position & (1 << piece.width) - 1
        if not piece.letter:
            if bits != piece.fixed:
                return None
            continue
        values[piece.letter] = values.get(piece.letter, 0) | bits << piece.low
    return f"{word.name} {','.join(_shown(word, letter, values[letter]) for letter in word.operands)}".strip()


def _shown(word, letter: str, value: int) -> str:
    if letter in "ad":
        return f"a{value}"
    if letter == "n":
        return str(value)
    if letter != "i":
        return f"q{value}"
    sign = 0 if word.unit in {1, 2} else value >> word.width("i") - 1 << word.width("i")
    return str((value - sign) * word.unit)


def saying(folder: Path) -> Path:
    """Write the macros so that they say in a section of its own what they were given."""
    text = (KERNELS / "mcuq_s3_asm.h").read_text("utf-8")
    for name, operands in re.findall(r"\.macro +((?:ee|rur|wur|mv|ld|st)\.\S+) *(.*)\n", text):
        told = ",".join(f"\\{letter.strip()}" for letter in operands.split(",") if letter.strip())
        macro = f"    .macro  {name} {operands}".rstrip() + "\n"
        said = f'    .pushsection .said\n    .ascii "{name} {told}|"\n    .popsection\n'
        assert macro in text, name
        text = text.replace(macro, macro + said)
    (folder / "mcuq_s3_asm.h").write_text(text)
    return folder


def test_every_word_of_the_linked_cores_is_read_back(tmp_path: Path) -> None:
    require("xtensa-lx106-elf-gcc")
    assert {path.name for path in KERNELS.glob("*_asm.S")} == set(CORES)
    calls = "".join(f"void {name}(void);\n" for name in CORES.values())
    calls += f"int main(void) {{ {' '.join(f'{name}();' for name in CORES.values())} return 0; }}\n"
    (tmp_path / "main.c").write_text(calls)
    for core in CORES:  # here, so that the header beside them is the one that says
        (tmp_path / core).write_text((KERNELS / core).read_text("utf-8"))
    for header in KERNELS.glob("*_asm.h"):
        (tmp_path / header.name).write_text(header.read_text("utf-8"))
    include = [saying(tmp_path), *kernel_folders(), resource("firmware") / "app"]
    elf = tmp_path / "cores.elf"
    sources = [tmp_path / "main.c", *(tmp_path / core for core in CORES)]
    compile_emulated("s3", sources, ["-O2", *(f"-I{folder}" for folder in include)], elf)

    said = section(elf, ".said").decode().split("|")[:-1]
    read = [text for function in functions(elf) for text in decoded(function)]
    assert len(said) > 500
    assert read == [line.strip() for line in said]


def section(elf: Path, name: str) -> bytes:
    binary = elf.with_suffix(name)
    command = ["xtensa-lx106-elf-objcopy", "-O", "binary", f"--only-section={name}"]
    subprocess.run([*command, "--set-section-flags", f"{name}=alloc,load,contents", str(elf), str(binary)], check=True)
    return binary.read_bytes()


def functions(elf: Path) -> list[bytes]:
    """Return the code of the cores, in the order of their addresses."""
    text = section(elf, ".text")
    symbols, headers = output("nm", "-nS", elf), output("objdump", "-h", elf)
    start = int(re.search(r" \.text +\w+ +(\w+)", headers).group(1), 16)
    found = re.findall(r"^(\w+) (\w+) T (mcuq_s3_\w+)$", symbols, re.MULTILINE)
    names = re.compile(
        "mcuq_s3_(copy|fill|line|pack|pixel_sums|product|sum|(depthwise|window)_(short|long)|depthwise_packed|(dot|max|packed)_all|pool_(average|max))"
    )
    places = [(int(at, 16) - start, int(size, 16)) for at, size, name in found if names.fullmatch(name)]
    return [text[at : at + size] for at, size in places]


def output(tool: str, option: str, elf: Path) -> str:
    command = [f"xtensa-lx106-elf-{tool}", option, str(elf)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout
