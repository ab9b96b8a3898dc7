"""Completion of the command line in a shell: a script, made of the parser's own verbs, options and choices."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mcuq.cli.verb import Verbs


@dataclass(frozen=True)
class Option:
    """An option by its names, and what may follow it: words, files, anything, or (``takes`` false) nothing."""

    names: tuple[str, ...]
    help: str
    takes: bool
    words: tuple[str, ...]
    files: bool


@dataclass(frozen=True)
class Verb:
    """A verb, its options, and whether its arguments are files; else they are ``words``."""

    name: str
    help: str
    options: tuple[Option, ...]
    files: bool
    words: tuple[str, ...]


def verbs_of(verbs: Verbs, values: Mapping[str, Sequence[str]]) -> list[Verb]:
    """Return what a parser's verbs take; ``values`` are words that options of these destinations take."""
    helps = {choice.dest: choice.help or "" for choice in verbs._choices_actions}
    found = []
    for name, verb in verbs.choices.items():
        places = [action for action in verb._actions if not action.option_strings]
        options = tuple(_option(action, values) for action in verb._actions if action.option_strings)
        words = tuple(str(word) for place in places for word in place.choices or ())
        found.append(Verb(name, helps.get(name, ""), options, any(p.type is Path for p in places), words))
    return found


def _option(action: argparse.Action, values: Mapping[str, Sequence[str]]) -> Option:
    words = tuple(str(word) for word in action.choices or values.get(action.dest, ()))
    takes = action.nargs != 0
    files = takes and (action.type is Path or action.dest in {"board", "partition", "classes"})
    return Option(tuple(action.option_strings), (action.help or "").replace("%%", "%"), takes, words, files)


def bash(program: str, verbs: Sequence[Verb]) -> str:
    """Return a script for bash 4 or newer."""
    lines = [
        f"_{program}() {{",
        "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} verb= words= files= word",
        '    for word in "${COMP_WORDS[@]:1:COMP_CWORD - 1}"; do',
        "        if [[ $word != -* ]]; then verb=$word; break; fi",
        "    done",
        '    case "$verb $prev" in',
        *(f"        {pattern}) {said};;" for pattern, said in _bash_values(verbs)),
        "        *)",
        "            case $verb in",
        f'                "") words="{" ".join([*(v.name for v in verbs), "--help", "--version"])}";;',
        *(f"                {verb.name}) {_bash_verb(verb)};;" for verb in verbs),
        "            esac;;",
        "    esac",
        '    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur"; [[ -z $files ]] || compgen -f -- "$cur")',
        "    if [[ $files ]]; then compopt -o filenames 2>/dev/null; fi",
        "}",
        f"complete -F _{program} {program}",
    ]
    return "\n".join(lines)


def _bash_verb(verb: Verb) -> str:
    words = " ".join([*verb.words, *(name for option in verb.options for name in option.names)])
    files = "1" if verb.files else ""
    return f'if [[ $cur == -* || -z "{files}" ]]; then words="{words}"; else files={files}; fi'


def _bash_values(verbs: Sequence[Verb]) -> Iterator[tuple[str, str]]:
    for verb in verbs:
        for option in verb.options:
            if option.takes:
                pattern = "|".join(f'"{verb.name} {name}"' for name in option.names)
                yield pattern, f'words="{" ".join(option.words)}"; files={"1" if option.files else ""}'


def zsh(program: str, verbs: Sequence[Verb]) -> str:
    """Return a script for zsh."""
    lines = [f"#compdef {program}", f"_{program}() {{", "    local -a verbs", "    verbs=("]
    lines += [f"        {_quoted(f'{v.name}:{v.help}')}" for v in verbs]
    lines += ["    )", "    if (( CURRENT == 2 )); then _describe verb verbs; return; fi", "    case $words[2] in"]
    for verb in verbs:
        lines.append(f"        {verb.name}) shift words; (( CURRENT-- )); _arguments -s \\")
        lines += [f"            {_quoted(spec)} \\" for option in verb.options for spec in _zsh_option(option)]
        rest = "*:file:_files" if verb.files else f"*:word:({' '.join(verb.words)})" if verb.words else "*: :"
        lines.append(f"            {_quoted(rest)};;")
    lines += ["    esac", "}", f"compdef _{program} {program}"]
    return "\n".join(lines)


def _zsh_option(option: Option) -> Iterator[str]:
    text = option.help.translate({ord(c): f"\\{c}" for c in "[]:\\"})
    words = f"({' '.join(option.words)})"
    value = "_alternative 'words:word:" + words + "' 'files:file:_files'" if option.files else words
    action = "_files" if option.files and not option.words else value if option.words else " "
    for name in option.names:
        yield f"*{name}[{text}]" + (f":value:{action}" if option.takes else "")


def fish(program: str, verbs: Sequence[Verb]) -> str:
    """Return a script for fish."""
    names = " ".join(verb.name for verb in verbs)
    first, lines = f"not __fish_seen_subcommand_from {names}", [f"complete -c {program} -f"]
    for verb in verbs:
        seen = f"complete -c {program} -n {_quoted(f'__fish_seen_subcommand_from {verb.name}')}"
        lines.append(f"complete -c {program} -n {_quoted(first)} -a {verb.name} -d {_quoted(verb.help)}")
        lines += [f"{seen} -F"] if verb.files else []
        lines += [f"{seen} -a {_quoted(' '.join(verb.words))}"] if verb.words else []
        lines += [f"{seen} {_fish_option(option)}" for option in verb.options]
    return "\n".join(lines)


def _fish_option(option: Option) -> str:
    names = " ".join(f"-l {n[2:]}" if n.startswith("--") else f"-s {n[1:]}" for n in option.names)
    value = (" -r -F" if option.files else " -x") if option.takes else ""
    words = f" -a {_quoted(' '.join(option.words))}" if option.words else ""
    return f"{names}{value}{words} -d {_quoted(option.help)}"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "’") + "'"


SHELLS: Mapping[str, Callable[[str, Sequence[Verb]], str]] = {"bash": bash, "zsh": zsh, "fish": fish}
