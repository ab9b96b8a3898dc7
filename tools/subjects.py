"""Check the subjects of the commits since this project asked something of them: ``git log`` is read by people.

``python tools/subjects.py [SINCE]`` names each commit after SINCE whose subject breaks a rule, and then ends with 1.
"""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
SINCE = "b64035eb5a5d1bccc9c59bb8077163968b47a8bf"
LONGEST = 72
UNFINISHED = re.compile(r"\bwork in progress\b|\bWIP\b|^(fixup|squash|amend)!", re.IGNORECASE)


def faults(subject: str, parents: int = 1) -> list[str]:
    """Return what is wrong with a commit of this subject and so many parents."""
    found = []
    if len(subject) > LONGEST:
        found.append(f"{len(subject)} characters, at most {LONGEST}")
    if UNFINISHED.search(subject):
        found.append("says that it is unfinished")
    if parents > 1 or subject.startswith("Merge "):
        found.append("is a merge; rebase instead")
    return found


def git(*arguments: str, folder: Path) -> str:
    """Return what a git command prints."""
    return subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=True).stdout


def check(folder: Path, since: str) -> int:
    """Print the commits after ``since`` that break a rule; return the exit status."""
    try:
        git("rev-parse", "--verify", "--quiet", f"{since}^{{commit}}", folder=folder)
    except (OSError, subprocess.CalledProcessError):
        print(f"subjects of commits: not checked, this folder has no git history with {since[:7]}")
        return 0
    lines = git("log", "--format=%h%x09%p%x09%s", f"{since}..HEAD", folder=folder).splitlines()
    wrong = 0
    for commit, parents, subject in (line.split("\t", 2) for line in lines):
        for fault in faults(subject, len(parents.split())):
            wrong += 1
            print(f"{commit} {subject!r}: {fault}", file=sys.stderr)
    print(f"subjects of commits: {len(lines)} since {since[:7]}, {wrong} faults")
    return int(wrong > 0)


def main() -> int:
    """Check this checkout; return the exit status."""
    return check(ROOT, sys.argv[1] if len(sys.argv) > 1 else SINCE)


if __name__ == "__main__":
    sys.exit(main())
