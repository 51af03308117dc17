"""Make what is determined by the chapters' notebooks, and by what was measured of the claims.

    python tools/pages.py           write book/solutions.md, book/status.md, book/reproduced.md,
                                    book/against.md and each chapter's line of times
    python tools/pages.py --check   say which is not up to date

An exercise is a Markdown cell that begins with its number and level, such as **2 (a cell).**; the cells
tagged `solution` that follow it, code or text, are its solution. What a chapter ran on, and how long, stands
in its notebook's metadata; how long it takes to read follows from what there is to read. What reproduced is
judged by `reproduced.py`, and what others take is set out by `against.py`.
"""

import re
import sys
from pathlib import Path

import against
import nbformat
import reproduced
from execute_notebooks import serialise
from nbformat import NotebookNode

BOOK = Path(__file__).resolve().parents[1] / "book"
EXERCISE = re.compile(r"^\*\*(\d+) \((?:a line|a cell|a project)\)\.\*\* ?", re.MULTILINE)
SOLUTIONS = """# Solutions

Each solution stands in its chapter too, folded in, and is run by the tests with it. Try first: the check
below each exercise tells you what is wrong with an answer.
"""


STATUS = """# Build status

Each chapter was executed from top to bottom to make the outputs that its page shows, and every change to
the project runs it again and compares. This is what the stored outputs were made with. Seconds are of
processor time, all threads together, the start of the kernel and all compilation included: whoever has one
core waits so long, and with two between half as long and as long. A chapter is meant to take 120 at most.

| chapter | seconds | Python | JAX | processor |
|---|---|---|---|---|
"""


TIMES = re.compile(r"^\*Reading:\* .*$", re.MULTILINE)
HIDDEN = {"solution", "check", "hide-cell", "hide-input", "nbval-skip"}


def chapters():
    """Give each chapter's path, number, title and notebook, in order."""
    for path in sorted(BOOK.glob("[0-9]*.ipynb")):
        notebook = nbformat.read(path, as_version=4)
        title = notebook.cells[0].source.splitlines()[0].removeprefix("# ")
        yield path, int(path.name[:2]), title, notebook


def status() -> str:
    """Write the page that says what made the stored outputs."""
    rows = []
    for path, chapter, title, notebook in chapters():
        made = notebook.metadata.bpc
        rows.append(
            f"| [{chapter} {title}]({path.name}) | {made.seconds} | {made.python} | {made.jax} | "
            f"{made.processor} |\n"
        )
    total = sum(notebook.metadata.bpc.seconds for *_, notebook in chapters())
    return STATUS + "".join(rows) + f"\nAll chapters: {total} seconds.\n"


def times(notebook: NotebookNode) -> str:
    """Write the line that says how long a chapter takes."""
    reading = 5 * round(minutes(notebook) / 5)
    # Two cores take between half of the processor time and all of it.
    running = 0.75 * notebook.metadata.bpc.seconds / 60
    said = (
        "half a minute"
        if running < 0.6
        else "a minute"
        if running < 1.5
        else f"{running:.0f} minutes"
    )
    return f"*Reading:* {reading} minutes. *Running:* about {said} on two CPU cores."


def minutes(notebook: NotebookNode) -> float:
    """Estimate how long one reads: 200 words and 10 lines of code a minute."""
    words = lines = 0
    for cell in notebook.cells:
        if HIDDEN & {*cell.metadata.get("tags", [])}:
            continue
        if cell.cell_type == "code":
            lines += sum(1 for line in cell.source.splitlines() if line.strip())
        else:
            prose = re.sub(r"\$\$.*?\$\$", "", cell.source, flags=re.DOTALL)
            words += len(re.findall(r"[^\W\d_]{2,}", prose))
    return words / 200 + lines / 10


def with_times(notebook: NotebookNode) -> str:
    """Give a chapter's file with that line as it should be."""
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = TIMES.sub(times(notebook), cell.source)
    return serialise(notebook)


def solutions() -> str:
    """Write the page of exercises with their solutions."""
    parts = [SOLUTIONS]
    for path, chapter, title, notebook in chapters():
        parts.append(f"## {chapter} {title}\n\n[To chapter {chapter}]({path.name})\n")
        for cell in notebook.cells:
            solves, checks = (tag in cell.metadata.get("tags", []) for tag in ("solution", "check"))
            if cell.cell_type == "markdown" and not solves:
                for number, statement in exercises(cell.source):
                    parts.append(
                        f"(solution-{chapter}-{number})=\n### Exercise {chapter}.{number}\n\n{statement}\n\n"
                        f"[Back to exercise {chapter}.{number}]({path.name}#exercise-{chapter}-{number})\n"
                    )
            elif solves and cell.cell_type == "code":
                parts.append(f"```python\n{cell.source}\n```\n")
            elif solves:
                parts.append(cell.source + "\n")
            elif checks and (printed := "".join(o.get("text", "") for o in cell.outputs)):
                parts.append(f"With it, the check prints:\n\n```text\n{printed.strip()}\n```\n")
    return "\n".join(parts)


def exercises(source: str) -> list[tuple[str, str]]:
    """Cut a Markdown cell into its exercises: number, statement."""
    _, *parts = EXERCISE.split(source)  # number, statement, number, statement, ...
    ends = (re.split(r"^## ", text, flags=re.MULTILINE)[0].strip() for text in parts[1::2])
    return list(zip(parts[::2], ends, strict=True))


def main() -> int:
    stale = []
    made = [("solutions.md", solutions()), ("status.md", status())]
    made += [("reproduced.md", reproduced.page()), ("against.md", against.page())]
    made += [(path.name, with_times(notebook)) for path, *_, notebook in chapters()]
    for name, text in made:
        page = BOOK / name
        if "--check" not in sys.argv[1:]:
            page.write_text(text, "utf-8", newline="\n")
        elif not page.is_file() or page.read_text("utf-8") != text:
            stale.append(name)
    for name in stale:
        print(
            f"book/{name} is not what the chapters and what is measured hold; run: make notebooks",
            file=sys.stderr,
        )
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
