"""Gather the exercises and their solutions from the chapters on one page, book/solutions.md.

    python tools/solutions.py           write the page
    python tools/solutions.py --check   say whether it is up to date

An exercise is a Markdown cell that begins with its number and level, such as **2 (a cell).**; the cells
tagged `solution` that follow it, code or text, are its solution.
"""

import re
import sys
from pathlib import Path

import nbformat

BOOK = Path(__file__).resolve().parents[1] / "book"
PAGE = BOOK / "solutions.md"
EXERCISE = re.compile(r"^\*\*(\d+) \((?:a line|a cell|a project)\)\.\*\* ?", re.MULTILINE)
HEAD = """# Solutions

Each solution stands in its chapter too, folded in, and is run by the tests with it. Try first: the check
below each exercise tells you what is wrong with an answer.
"""


def page() -> str:
    """Write the page's text."""
    parts = [HEAD]
    for path in sorted(BOOK.glob("[0-9]*.ipynb")):
        cells = nbformat.read(path, as_version=4).cells
        chapter = int(path.name[:2])
        title = cells[0].source.splitlines()[0].removeprefix("# ")
        parts.append(f"## {chapter} {title}\n\n[To the chapter]({path.name})\n")
        for cell in cells:
            solves = "solution" in cell.metadata.get("tags", [])
            if cell.cell_type == "markdown" and not solves:
                for number, statement in exercises(cell.source):
                    parts.append(f"### {chapter}.{number}\n\n{statement}\n")
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
    if "--check" in sys.argv[1:]:
        if not PAGE.is_file() or PAGE.read_text("utf-8") != page():
            print("book/solutions.md is not what the chapters hold; run: make notebooks")
            return 1
        return 0
    PAGE.write_text(page(), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
