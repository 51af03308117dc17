"""Time a newcomer's first commands in a fresh clone; write what they print and take into the README.

    python tools/first_minutes.py          train, book and test, most of an hour
    python tools/first_minutes.py train    one of them; the rows of the others stay

What is committed is measured. Keep the machine quiet meanwhile; each row says what others had of
the processors while the command ran.
"""

import argparse
import datetime
import os
import platform
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil
from execute_notebooks import processor

ROOT = Path(__file__).resolve().parents[1]
README = ROOT / "README.md"
SETS_UP = {"train": ".venv/trains", "book": ".venv/installed", "test": ".venv/installed"}
WIDTH = 92  # of the output shown; the line of settings is longer


def region(name: str) -> re.Pattern[str]:
    """Match a part of the README that this tool writes, from a comment that names it to one that ends it."""
    return re.compile(
        rf"(?<=<!-- {name}: tools/first_minutes.py -->\n).*?(?=<!-- end -->)", re.DOTALL
    )


def put(text: str, name: str, new: str) -> str:
    """Write a part of the README anew."""
    if not region(name).search(text):
        raise ValueError(f"README.md has no `<!-- {name}: tools/first_minutes.py -->` with an end")
    return region(name).sub(lambda _: new, text, count=1)


def make(target: str, clone: Path) -> tuple[float, str]:
    """Run a target as a newcomer would; give its seconds and what it printed."""
    variables = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "MAKEFLAGS")}
    start, printed = time.perf_counter(), ""
    with subprocess.Popen(
        ["make", target], cwd=clone, env=variables, stdout=subprocess.PIPE, text=True
    ) as running:
        for line in running.stdout or ():
            printed += line
            print(line, end="", flush=True)
    if running.returncode:
        raise SystemExit(f"make {target} failed, so that the README stays as it is")
    return time.perf_counter() - start, printed


def used() -> tuple[float, float, float]:
    """Give seconds: the clock's, all processors' at work, and those of this tool's own finished children."""
    at_work, own = psutil.cpu_times(), os.times()
    idle = at_work.idle + getattr(at_work, "iowait", 0.0)
    return time.perf_counter(), sum(at_work[:8]) - idle, own.children_user + own.children_system


def beside(start: tuple[float, float, float]) -> str:
    """Say what others had of the processors since `start`."""
    clock, at_work, own = (now - then for now, then in zip(used(), start, strict=True))
    others = (at_work - own) / clock
    return "nothing" if others < 0.1 else f"{others:.1f} of {os.cpu_count()} processors' work"


def megabytes(folder: Path) -> float:
    """Give what a folder takes on the disk."""
    return sum(path.lstat().st_blocks for path in folder.rglob("*")) * 512 / 1e6


def duration(seconds: float) -> str:
    """Say how long, as one would."""
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"


def rows(text: str) -> dict[str, str]:
    """Read the table's rows, by command."""
    found = region("times").search(text)
    return (
        {}
        if not found
        else dict(re.findall(r"^(\| `make (?:\w+)` \|)(.*)$", found[0], re.MULTILINE))
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("commands", nargs="*", default=list(SETS_UP), metavar="train|book|test")
    commands = parser.parse_args().commands
    if unknown := set(commands) - set(SETS_UP):
        parser.error(f"{', '.join(unknown)} given; choose of {', '.join(SETS_UP)}")
    measured, output = {}, None
    with tempfile.TemporaryDirectory() as folder:
        clone = Path(folder) / "bpc-book"
        subprocess.run(["git", "clone", "--quiet", ROOT, clone], check=True)
        for command in (c for c in SETS_UP if c in commands):
            seconds, _ = make(SETS_UP[command], clone)
            size, start = megabytes(clone / ".venv"), used()
            took, printed = make(command, clone)
            busy = beside(start)
            again = "" if command == "test" else f" {duration(make(command, clone)[0])}"
            ready = f"{size / 1000:.1f} GB in {duration(seconds)}" if seconds > 1 else "the same"
            measured[f"| `make {command}` |"] = f" {ready} | {duration(took)} |{again} | {busy} |"
            if command == "train":
                lines = [
                    x[:WIDTH].rstrip() + " ..." * (len(x) > WIDTH) for x in printed.splitlines()
                ]
                output = "```text\n" + "\n".join(lines) + "\n```\n"
    text = README.read_text("utf-8")  # as it stands an hour later
    if output:
        text = put(text, "output", output)
    when = f"{datetime.date.today():%B %Y}"
    text = put(
        text,
        "times",
        "| command | `.venv`, once | the command itself | again | beside it ran |\n|---|---|---|---|---|\n"
        + "".join(f"{start}{rest}\n" for start, rest in (rows(text) | measured).items())
        + f"\nMeasured in {when} on {processor()}, Python {platform.python_version()}; "
        "how fast files come depends on the connection.\n",
    )
    README.write_text(text, "utf-8", newline="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
