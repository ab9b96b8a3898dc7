"""Build for the emulated chip: start-up code and port lie beside this folder, the models in the project's lib/.

A project whose sources are for another chip leaves them out (`build_src_filter = -<*>`): then the main function is
mcuq's, which runs every model's self-test. In `pio test` it is the test's, as always.
"""

from pathlib import Path

from SCons.Script import COMMAND_LINE_TARGETS, Default, DefaultEnvironment

env = DefaultEnvironment()
platform = env.PioPlatform()
runtime = Path(platform.get_dir()).parent
libraries = Path(env.GetProjectConfig().get("platformio", "lib_dir"))
generated = Path(env.subst("$BUILD_DIR")) / "generated"

PREFIX = "riscv64-unknown-elf-"
CHIP = ["-march=rv32imc", "-mabi=ilp32", "--specs=picolibc.specs"]


def write_main():
    """Write a main function for the project's models: mcuq_main.c with the list that it includes.

    The models' headers stand in the source too, where PlatformIO's library finder looks for them.
    """
    names = sorted(
        p.parents[1].name for p in libraries.glob("*/src/*_model.c") if p.stem == f"{p.parents[1].name}_model"
    )
    if not names:
        print(f"Error: no model in {libraries}; `mcuq build` writes one there")
        env.Exit(1)
    headers = "".join(f'#include "{name}.h"\n' for name in names)
    write("mcuq_models.h", f"{headers}#define MCUQ_MODELS {', '.join(f'&{name}_model' for name in names)}\n")
    write("main.c", f'{headers}#include "mcuq_main.c"\n')


def write(name, text):
    """Write a generated file, unless it is the same: nothing is compiled again then."""
    path = generated / name
    if not path.is_file() or path.read_text() != text:
        generated.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def execute(target, source, env):
    """Run the firmware and print what it prints; fail unless every model's self-test passes."""
    verdicts = []

    def show(line):
        print(line, flush=True)
        verdicts.extend(word for word in ("PASS", "FAIL") if line.startswith(f"mcuq: {word} "))

    status = platform.emulate(str(source[0]), show)
    if status == 0 and (not verdicts or "FAIL" in verdicts):
        status = 1
    return status


env.Replace(
    CC=platform.tool(f"{PREFIX}gcc"),
    CXX=platform.tool(f"{PREFIX}g++"),
    AS=platform.tool(f"{PREFIX}gcc"),
    AR=platform.tool(f"{PREFIX}ar"),
    RANLIB=platform.tool(f"{PREFIX}ranlib"),
    LINK=platform.tool(f"{PREFIX}gcc"),
    PROGNAME="firmware",
    PROGSUFFIX=".elf",
)
env.Append(
    ASFLAGS=CHIP,
    ASPPFLAGS=["-x", "assembler-with-cpp"],
    CCFLAGS=[*CHIP, "-O2", "-ffunction-sections", "-fdata-sections"],
    CXXFLAGS=["-fno-exceptions", "-fno-rtti"],
    CPPDEFINES=[("MCUQ_CHIP", '\\"rv32imc (emulated)\\"')],
    CPPPATH=[str(runtime), str(generated), str(libraries / "mcuq" / "src")],
    LINKFLAGS=[*CHIP, "-nostartfiles", "-Wl,--gc-sections", "-T", str(runtime / "rv32" / "link.ld")],
)

if "__test" not in COMMAND_LINE_TARGETS and not env.MatchSourceFiles("$PROJECT_SRC_DIR", env.get("SRC_FILTER")):
    write_main()
    env.Replace(PROJECT_SRC_DIR=str(generated), SRC_FILTER=["+<main.c>"])

parts = [f"+<mcuq_{part}.c>" for part in ("arena", "fault", "stack")]
env.BuildSources("$BUILD_DIR/emulator", str(runtime), [*parts, "+<rv32/>"])
program = env.BuildProgram()
env.AddPlatformTarget("exec", program, env.VerboseAction(execute, "Running $SOURCE in QEMU"), "Execute")
Default(program)
