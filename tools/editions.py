"""Make the editions of the chapters, notebooks for Colab and for Jupyter, from the chapters themselves.

    python tools/editions.py [FOLDER]      dist/kit, if none is named

- `colab`: for readers. A place to write stands under each exercise; the solutions come after the exercises,
  folded in. The workflow publishes this folder as the branch `colab`, to which the badges lead.
- `student`: the same without any solution.
- `instructor`: the solutions stand open in their places, with what each exercise is for, how long it takes,
  and which mistakes its check knows.

In all of them Markdown is plain (`plain`), what only asserts is out of sight, and the first cell installs
the package or stops with one sentence. All that is needed is listed in requirements-kit.txt.
"""

import argparse
import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import nbformat
import yaml
from cell_code import asserts, bound, sources
from execute_notebooks import serialise
from nbconvert.preprocessors import Preprocessor, TagRemovePreprocessor
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell
from pages import EXERCISE, chapters, minutes
from set_repository import COLAB, for_readers
from terms import find_term, read_terms

from bpc_minimal.checks.core import Exercise, find

ROOT = Path(__file__).resolve().parents[1]
BOOK = ROOT / "book"
FORM = '#@title {} {{ display-mode: "form" }}\n'
BADGE = re.compile(r"^\[!\[Open in Colab\].*\n\n?", re.MULTILINE)
PACKAGE = re.compile(r'pip install -q "(.*)"')
FIRST = """import os
import sys

if "google.colab" in sys.modules:
    %pip install -q "{package}"
    # GPUs and TPUs leave digits of a product out, unless asked for all.
    os.environ["JAX_DEFAULT_MATMUL_PRECISION"] = "highest"


class Stop(Exception):
    def _render_traceback_(self):
        return [str(self)]


try:
    import bpc_minimal
except ImportError:
    raise Stop(
        "The book's package is not here: run this in a cell, then this one again: "
        '%pip install "{package}"'
    ) from None
"""


class Part(NamedTuple):
    """An exercise among the cells of a chapter, from its statement to its check."""

    number: str
    level: str
    known: Exercise
    statement: NotebookNode
    solution: list[NotebookNode]
    check: NotebookNode


def tags(cell: NotebookNode) -> set[str]:
    return {*cell.metadata.get("tags", [])}


def parts(notebook: NotebookNode, chapter: int) -> list[Part]:
    """Find a chapter's exercises."""
    found: list[Part] = []
    statement, solution = None, list[NotebookNode]()
    for cell in notebook.cells:
        if cell.cell_type == "markdown" and EXERCISE.search(cell.source):
            statement, solution = cell, []
        elif statement is None:
            continue
        elif "check" not in tags(cell):
            solution.append(cell)  # and what is asserted of it
        else:
            start = re.match(r"\*\*(\d+) \((.*?)\)", statement.source)
            if start is None:
                raise ValueError(
                    f"chapter {chapter}: an exercise does not begin its cell: {statement.source!r}"
                )
            number = f"{chapter}.{start[1]}"
            found.append(Part(number, start[2], find(number), statement, solution, cell))
            statement = None
    return found


def place_of(part: Part) -> str:
    """Give the id of the cell in which an exercise is answered."""
    return f"answer-{part.number.replace('.', '-')}"


def solution_code(part: Part) -> str:
    """Join the code of a solution."""
    return "\n\n\n".join(cell.source for cell in part.solution if cell.cell_type == "code")


# -- Markdown without MyST ----------------------------------------------------------------------------------


def address() -> str:
    """Give the address of the published pages."""
    return yaml.safe_load((ROOT / "_config.yml").read_text("utf-8"))["html"]["baseurl"]


def plain(text: str) -> str:
    """Write MyST as Markdown that Colab, Jupyter and GitHub show alike.

    A number stands on its equation, a box is a quote, and links and pictures lead to the published pages.
    """
    text = re.sub(r"\s*\n\$\$ *\(eq-\d+-(\d+)\)", r" \\tag{\1}\n$$", text)
    text = re.sub(r"^:::\{\w+\} *(.*)\n((?:.*\n)*?):::$", quote, text, flags=re.MULTILINE)
    return re.sub(r"(!?)\[([^\[\]]*)\]\(([\w/-]+\.(?:md|ipynb|svg|png)(?:#[\w-]+)?)\)", lead, text)


def quote(box: re.Match[str]) -> str:
    lines = [f"**{box[1]}**", "", *box[2].rstrip().splitlines()]
    return "\n".join(f"> {line}".rstrip() for line in lines)


def lead(link: re.Match[str]) -> str:
    """Lead a relative link, or a picture, to the published pages."""
    picture, words, target = link.groups()
    page, _, anchor = target.partition("#")
    if picture:
        return f"![{words}]({address()}{page})"
    if page == "glossary.md" and not anchor:
        anchor = find_term(words, read_terms((BOOK / page).read_text("utf-8"))) or ""
    page = re.sub(r"\.(md|ipynb)$", ".html", page)
    return f"[{words}]({address()}book/{page}{'#' if anchor else ''}{anchor})"


# -- what is done to a notebook -----------------------------------------------------------------------------


class Step(Preprocessor):
    """Change a chapter's notebook in one way, as nbconvert's own preprocessors do."""

    def __init__(self, change: Callable[[NotebookNode, Path], None]):
        """Take the function that makes the change; it is given the notebook and the chapter's path."""
        super().__init__()
        self.change = change

    def preprocess(self, nb: NotebookNode, resources: dict) -> tuple[NotebookNode, dict]:
        """Change the notebook."""
        self.change(nb, resources["path"])
        return nb, resources


def chapter_of(path: Path) -> int:
    return int(path.name[:2])


def mark_solutions(notebook: NotebookNode, path: Path) -> None:
    """Tag all that stands between an exercise and its check: what is asserted of a solution is part of it."""
    for part in parts(notebook, chapter_of(path)):
        for cell in part.solution:
            cell.metadata.tags = sorted(tags(cell) | {"solution"})


def start_with_the_package(notebook: NotebookNode, _path: Path) -> None:
    """Let the first cell install the package, or stop with one sentence."""
    cell = next(cell for cell in notebook.cells if "nbval-skip" in tags(cell))
    (package,) = PACKAGE.findall(cell.source)
    fold(cell, "Run this first: it makes sure that the book's package is there")
    cell.source = cell.source.split("\n")[0] + "\n" + FIRST.format(package=package).rstrip()


def without_a_badge(notebook: NotebookNode, _path: Path) -> None:
    """Take away the badge, which leads to the reader's edition."""
    notebook.cells[0].source = BADGE.sub("", notebook.cells[0].source)


def lead_to_the_edition(notebook: NotebookNode, path: Path) -> None:
    """Let the badge lead to this edition."""
    notebook.cells[0].source = for_readers(notebook.cells[0].source)


def make_room(notebook: NotebookNode, path: Path) -> None:
    """Put a place to write, and how long it may take, under each exercise."""
    for part in parts(notebook, chapter_of(path)):
        part.statement.source += f"\n\n*About {part.known.minutes} minutes.*"
        cell = new_code_cell(part.known.stub, id=place_of(part))
        cell.metadata.tags = ["answer"]
        notebook.cells.insert(place(notebook, part.statement) + 1, cell)


def solutions_last(notebook: NotebookNode, path: Path) -> None:
    """Move the solutions behind the last exercise, folded."""
    found = parts(notebook, chapter_of(path))
    moved = [new_markdown_cell(
        "## Solutions\n\nTry first. Each is folded: a double click on a title opens its code. Run, it takes "
        "the place of your own answer.", id="solutions",
    )]  # fmt: skip
    for part in found:
        for cell in part.solution:
            notebook.cells.remove(cell)
            moved.append(cell)
            title = f"Solution of exercise {part.number}"
            if cell.cell_type == "code":
                fold(cell, title)
            else:
                cell.source = (
                    f"<details><summary>{title}, in words</summary>\n\n{cell.source}\n\n</details>"
                )
    at = place(notebook, found[-1].check) + 1
    notebook.cells[at:at] = moved


def place(notebook: NotebookNode, cell: NotebookNode) -> int:
    return next(i for i, other in enumerate(notebook.cells) if other is cell)


def only_asserts(cell: NotebookNode) -> bool:
    hidden = "hide-cell" in tags(cell) and "solution" not in tags(cell)
    return cell.cell_type == "code" and hidden and asserts(cell.source) and not cell.outputs


def assertions_last(notebook: NotebookNode, _path: Path) -> None:
    """Gather what only asserts in one folded cell, the last, where that changes nothing.

    An assertion stays where it is, folded too, if what it looks at is something else later on.
    """
    before = sources(code(notebook.cells))
    moved = {cell.id for cell in notebook.cells if only_asserts(cell)}
    stays = moved
    while stays:
        kept = [cell for cell in notebook.cells if cell.id not in moved]
        last = [cell for cell in notebook.cells if cell.id in moved]
        after = sources(code([*kept, *last]))
        stays = {cell.id for cell in last if after[cell.id] != before[cell.id]}
        stays |= moved & {maker for id, _ in code(kept) for maker in before[id].values()}
        moved -= stays
    if last:
        text = "\n\n\n".join(f"# {said_of(cell)}\n{cell.source}" for cell in last)
        gathered = new_code_cell(text, id="assertions")
        fold(gathered, "What this chapter asserts of its numbers")
        notebook.cells = [*kept, gathered]


def code(cells: list[NotebookNode]) -> list[tuple[str, str]]:
    return [(cell.id, cell.source) for cell in cells if cell.cell_type == "code"]


def said_of(cell: NotebookNode) -> str:
    """Give the name that a folded cell has on its page, without "Show"."""
    named = cell.metadata.get("mystnb", {}).get("code_prompt_show", "").removeprefix("Show ")
    made = bound(cell.source)
    named = named or (
        "what is asserted here"
        if asserts(cell.source)
        else f"the code behind {', '.join(made[:3])}"
    )
    return named[0].upper() + named[1:]


def fold(cell: NotebookNode, title: str) -> None:
    """Fold a cell: by a form in Colab, by its metadata in Jupyter."""
    cell.source = FORM.format(title) + cell.source
    cell.metadata.cellView = "form"
    cell.metadata.jupyter = {"source_hidden": True}


def fold_what_is_hidden(notebook: NotebookNode, _path: Path) -> None:
    """Fold what the page folds too."""
    for cell in notebook.cells:
        if tags(cell) & {"hide-cell", "hide-input"} and not tags(cell) & {"solution"}:
            fold(cell, said_of(cell))


def add_notes(notebook: NotebookNode, path: Path) -> None:
    """Say before all else what the chapter takes, and after each check what it knows."""
    found = parts(notebook, chapter_of(path))
    rows = [f"| {p.number} | {p.level} | {p.known.goal} | {p.known.minutes} |" for p in found]
    total = sum(part.known.minutes for part in found)
    lines = [
        "> **For the instructor**", "",
        f"Reading takes about {5 * round(minutes(notebook) / 5)} minutes, all exercises together {total}. "
        "Whoever solves one can",
        "", "| exercise | level | goal | minutes |", "|---|---|---|---|", *rows, "",
        "Every check also says when there is no answer yet, when it is of another kind or shape, takes other "
        "arguments, stops with an error, changes its input, or is off by a factor.",
    ]  # fmt: skip
    notes = [
        (1, new_markdown_cell("\n".join(lines).replace("\n", "\n> "), id="for-the-instructor"))
    ]
    for part in found:
        known = part.known
        said = [
            f"> **For the instructor: exercise {part.number}**, {known.minutes} minutes. "
            f"Whoever solves it can {known.goal}.", "", "What its check says of a wrong answer:", "",
            *(f"- {literal(mistake)}" for mistake in known.diagnoses),
        ]  # fmt: skip
        if isinstance(known.hint, str):
            said.append(f"- of any other: this is not it. {literal(known.hint)}")
        else:
            said.append("- of any other: what this answer computes, or would do.")
        cell = new_markdown_cell("\n".join(said).replace("\n", "\n> "))
        cell.id = f"notes-{part.number.replace('.', '-')}"
        notes.append((place(notebook, part.check) + 1, cell))
    for at, cell in reversed(notes):
        notebook.cells.insert(at, cell)


def literal(text: str) -> str:
    """Write a text so that Markdown takes none of it for its own."""
    return re.sub(r"([*$<\[\]\\])", r"\\\1", text)


def write_plainly(notebook: NotebookNode, _path: Path) -> None:
    """Leave no MyST in any cell of text."""
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = plain(cell.source)


# What a reader is to find out, or to predict first, is not there before they have run it.
BLANK = TagRemovePreprocessor(remove_all_outputs_tags={"check", "hide-output", "solution"})
NO_SOLUTIONS = TagRemovePreprocessor(remove_cell_tags={"solution"})
COMMON = [fold_what_is_hidden, start_with_the_package, write_plainly]
EDITIONS: dict[str, list[Preprocessor]] = {
    COLAB: [
        BLANK,
        *map(Step, [solutions_last, make_room, lead_to_the_edition, assertions_last, *COMMON]),
    ],
    "student": [
        BLANK,
        NO_SOLUTIONS,
        *map(Step, [make_room, without_a_badge, assertions_last, *COMMON]),
    ],
    "instructor": [*map(Step, [add_notes, without_a_badge, *COMMON])],
}


# The chapters of the pages that a class gets: MyST still, and what is to be predicted waits under its bar.
STUDENT_PAGES: list[Preprocessor] = [
    TagRemovePreprocessor(remove_all_outputs_tags={"check"}),
    NO_SOLUTIONS,
    *map(Step, [make_room, without_a_badge]),
]


def edition(name: str, path: Path, notebook: NotebookNode) -> NotebookNode:
    """Make an edition of a chapter."""
    return take(EDITIONS[name], path, notebook)


def take(steps: list[Preprocessor], path: Path, notebook: NotebookNode) -> NotebookNode:
    """Take a copy of a chapter through some steps."""
    made = nbformat.from_dict(notebook)
    mark_solutions(made, path)
    for step in steps:
        made, _ = step.preprocess(made, {"path": path})
    return made


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", nargs="?", type=Path, default=ROOT / "dist" / "kit")
    folder = parser.parse_args().folder
    for name in EDITIONS:
        shutil.rmtree(folder / name, ignore_errors=True)
        (folder / name).mkdir(parents=True)
        for path, _, _, notebook in chapters():
            text = serialise(edition(name, path, notebook))
            (folder / name / path.name).write_text(text, "utf-8", newline="\n")
        print(f"{folder / name}: {len([*(folder / name).iterdir()])} chapters")
    return 0


if __name__ == "__main__":
    sys.exit(main())
