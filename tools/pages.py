"""Make the pages that the chapters' notebooks determine: the solutions, and the build status.

    python tools/pages.py           write book/solutions.md and book/status.md
    python tools/pages.py --check   say which is not up to date

An exercise is a Markdown cell that begins with its number and level, such as **2 (a cell).**; the cells
tagged `solution` that follow it, code or text, are its solution. What a chapter ran on stands in its
notebook's metadata.
"""

import re
import sys
from pathlib import Path

import nbformat

BOOK = Path(__file__).resolve().parents[1] / "book"
EXERCISE = re.compile(r"^\*\*(\d+) \((?:a line|a cell|a project)\)\.\*\* ?", re.MULTILINE)
SOLUTIONS = """# Solutions

Each solution stands in its chapter too, folded in, and is run by the tests with it. Try first: the check
below each exercise tells you what is wrong with an answer.
"""


STATUS = """# Build status

Each chapter was executed from top to bottom to make the outputs that its page shows, and every change to
the project runs it again and compares. This is what the stored outputs were made with. Seconds include the
start of the kernel and all compilation; a chapter is meant to take 60 on two cores that do nothing else.

| chapter | seconds | Python | JAX | processor |
|---|---|---|---|---|
"""


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


def solutions() -> str:
    """Write the page of exercises with their solutions."""
    parts = [SOLUTIONS]
    for path, chapter, title, notebook in chapters():
        parts.append(f"## {chapter} {title}\n\n[To the chapter]({path.name})\n")
        for cell in notebook.cells:
            solves = "solution" in cell.metadata.get("tags", [])
            if cell.cell_type == "markdown" and not solves:
                for number, statement in exercises(cell.source):
                    parts.append(
                        f"(solution-{chapter}-{number})=\n### Exercise {chapter}.{number}\n\n{statement}\n\n"
                        f"[Back to the exercise]({path.name}#exercise-{chapter}-{number})\n"
                    )
            elif solves and cell.cell_type == "code":
                parts.append(f"```python\n{cell.source}\n```\n")
            elif solves:
                parts.append(cell.source + "\n")
    return "\n".join(parts)


def exercises(source: str) -> list[tuple[str, str]]:
    """Cut a Markdown cell into its exercises: number, statement."""
    _, *parts = EXERCISE.split(source)  # number, statement, number, statement, ...
    ends = (re.split(r"^## ", text, flags=re.MULTILINE)[0].strip() for text in parts[1::2])
    return list(zip(parts[::2], ends, strict=True))


def main() -> int:
    stale = []
    for name, text in (("solutions.md", solutions()), ("status.md", status())):
        page = BOOK / name
        if "--check" not in sys.argv[1:]:
            page.write_text(text, "utf-8", newline="\n")
        elif not page.is_file() or page.read_text("utf-8") != text:
            stale.append(name)
    for name in stale:
        print(f"book/{name} is not what the chapters hold; run: make notebooks", file=sys.stderr)
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
