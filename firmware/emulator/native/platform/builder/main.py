"""Build for this computer: the port lies beside this folder, the models in the project's lib/.

As with the emulated chip, a project whose sources are for a board gets mcuq's main function, a test its own.
"""

from pathlib import Path

from SCons.Script import COMMAND_LINE_TARGETS, Default, DefaultEnvironment

env = DefaultEnvironment()
platform = env.PioPlatform()
runtime = Path(platform.get_dir()).parent
libraries = Path(env.GetProjectConfig().get("platformio", "lib_dir"))
generated = Path(env.subst("$BUILD_DIR")) / "generated"


def write(name, text):
    """Write a generated file, unless it is the same: nothing is compiled again then."""
    path = generated / name
    if not path.is_file() or path.read_text() != text:
        generated.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def execute(target, source, env):
    """Run the program and print what it prints; fail unless every model's self-test passes."""
    return platform.emulate(str(source[0]), lambda line: print(line, flush=True))


names = sorted(p.parents[1].name for p in libraries.glob("*/src/*_model.c") if p.stem == f"{p.parents[1].name}_model")
if not names:
    print(f"Error: no model in {libraries}; `mcuq build` writes one there")
    env.Exit(1)
headers = "".join(f'#include "{name}.h"\n' for name in names)
write("mcuq_models.h", f"{headers}#define MCUQ_MODELS {', '.join(f'&{name}_model' for name in names)}\n")

cc, cxx = platform.compilers()
env.Replace(CC=cc, CXX=cxx, AS=cc, LINK=cxx, AR="ar", RANLIB="ranlib", PROGNAME="firmware", PROGSUFFIX=".elf")
env.Append(
    ASPPFLAGS=["-x", "assembler-with-cpp"],
    CCFLAGS=["-O1"],
    CPPPATH=[str(runtime), str(generated), str(libraries / "mcuq" / "src")],
)

if "__test" in COMMAND_LINE_TARGETS or env.MatchSourceFiles("$PROJECT_SRC_DIR", env.get("SRC_FILTER")):
    env.Append(CPPDEFINES=["MCUQ_NO_MAIN"])
    env.BuildSources("$BUILD_DIR/native", str(runtime), ["+<mcuq_native.c>"])
else:  # the models' headers stand in the source, where PlatformIO's library finder looks for them
    write("main.c", f'{headers}#include "mcuq_native.c"\n')
    env.Replace(PROJECT_SRC_DIR=str(generated), SRC_FILTER=["+<main.c>"])
program = env.BuildProgram()
env.AddPlatformTarget("exec", program, env.VerboseAction(execute, "Running $SOURCE"), "Execute")
Default(program)
