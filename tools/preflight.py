"""Look at what students handed in before it is graded: repair what is not as it was given out, or name it.

    python tools/preflight.py [FOLDER]      course, if none is named

Of each submission, FOLDER/submitted/STUDENT/NAME/NAME.ipynb with a NAME such as week-1, it mends what
nbgrader would stop at or pass over: cells that stand twice, that were deleted or changed, whose metadata
another program stripped, answers that stand in cells of the student's own, or a file by another name. Each
repair is named, and what was handed in stays in FOLDER/preflight. What it cannot mend it names, and ends with
an error.
"""

import argparse
import ast
import importlib.util
import json
import shutil
import sys
import uuid
import warnings
from collections.abc import Iterator
from pathlib import Path

import nbformat
from cell_code import bound
from editions import ROOT
from IPython.core.inputtransformer2 import TransformerManager
from nbformat import NotebookNode
from nbformat.warnings import DuplicateCellId


def id_of(cell: NotebookNode) -> str | None:
    """Give the name that a cell has for nbgrader."""
    marks = cell.metadata.get("nbgrader")
    found = marks.get("grade_id") if isinstance(marks, dict) else None
    return found if isinstance(found, str) else None


def made(code: str) -> set[str]:
    """Give the names that a cell makes; none if it is no code."""
    try:
        return {*bound(TransformerManager().transform_cell(code))}
    except (SyntaxError, ValueError, RecursionError):
        return set()


def asked_in(given: NotebookNode) -> set[str]:
    """Give the names that an answer's cell shall make."""
    if not given.metadata.nbgrader.solution:
        return set()
    if given.source.startswith("# Make "):
        return {*given.source.splitlines()[0].removeprefix("# Make ").rstrip(".").split(" and ")}
    names = [line for line in given.source.splitlines() if line.startswith("def ")]
    return {name for line in names for name in bound(line + " ...")}


def same_place(cell: NotebookNode, given: NotebookNode) -> bool:
    """Is this cell, which says nothing of itself, the one that was given out?"""
    if cell.get("id") == id_of(given):
        return True
    if cell.cell_type != given.cell_type:
        return False
    asked = asked_in(given)
    return cell.source == given.source or (bool(asked) and asked <= made(cell.source))


def empty(source: str, given: NotebookNode) -> bool:
    """Was an answer's cell left as it was given out, or emptied?"""

    def said(text: str) -> list[str]:
        lines = [line.partition("#")[0].strip() for line in text.splitlines()]
        return [line for line in lines if line not in ("", "...", "pass")]

    return said(source) in ([], said(given.source))


def absent(code: str) -> list[str]:
    """Give the packages that code imports and that are not here."""
    try:
        tree = ast.parse(TransformerManager().transform_cell(code))
    except (SyntaxError, ValueError, RecursionError):
        return []
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.append(node.module)
    packages = dict.fromkeys(name.partition(".")[0] for name in found)
    return [
        name for name in packages if name != "google" and importlib.util.find_spec(name) is None
    ]


def moved_up(handed_in: NotebookNode, released: NotebookNode) -> Iterator[str]:
    """Use what stands in a cell of the student's own where the answer's own was left as it was given out."""
    own = [c for c in handed_in.cells if id_of(c) is None and c.cell_type == "code"]
    places = {id_of(cell): at for at, cell in enumerate(handed_in.cells)}
    for given in released.cells:
        name, asked = id_of(given), asked_in(given)
        if not asked:
            continue
        cell = handed_in.cells[places[name]]
        makers = [other for other in own if asked & made(other.source)]
        shown = " and ".join(sorted(asked))
        if empty(cell.source, given):
            if asked <= {one for other in makers for one in made(other.source)}:
                last = [o for o in makers if asked <= made(o.source)][-1:] or makers
                cell.source = "\n\n".join(other.source for other in last)
                yield f"{name} was left as it was given out; {shown} from a cell of the student's own counts"
        elif any(other in handed_in.cells[places[name] :] for other in makers):
            yield f"{name} is answered, and a cell below makes {shown} again, which does not count: ask"


def put_back(cell: NotebookNode, given: NotebookNode) -> Iterator[str]:
    """Make of a cell of the kind, the marks and, but for answers, the text that were given out."""
    name = id_of(given)
    if cell.cell_type != given.cell_type:
        yield f"{name} had become {cell.cell_type}; it is {given.cell_type} again"
        cell.cell_type = given.cell_type
        for part in ("outputs", "execution_count", "attachments"):
            cell.pop(part, None)
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    marks = cell.metadata.get("nbgrader")
    if marks != given.metadata.nbgrader:
        if {*marks} > {"grade_id"}:  # one that was found again says that already
            yield f"{name} had other marks of nbgrader's; put back"
        cell.metadata["nbgrader"] = dict(given.metadata.nbgrader)
    if not given.metadata.nbgrader.solution and cell.source.split() != given.source.split():
        yield f"{name} was changed; put back"
        cell.source = given.source


def repair(handed_in: NotebookNode, released: NotebookNode) -> Iterator[str]:
    """Bring a submission into the form in which it was given out; say what was done."""
    given = {id_of(cell): cell for cell in released.cells}
    unnamed = [c for c in handed_in.cells if "nbgrader" in c.metadata and id_of(c) is None]
    for cell in unnamed:
        del cell.metadata["nbgrader"]
    for cell in handed_in.cells:
        if id_of(cell) is not None and id_of(cell) not in given:
            yield f"{id_of(cell)} belongs to another assignment; it counts as a cell of the student's own"
            del cell.metadata["nbgrader"]

    there = {id_of(cell) for cell in handed_in.cells}
    for name, cell in given.items():
        if name not in there:
            for other in handed_in.cells:
                if id_of(other) is None and same_place(other, cell):
                    other.metadata["nbgrader"] = {"grade_id": name}
                    yield f"{name} had lost what nbgrader knows it by; put back"
                    break
    for cell in unnamed:
        if id_of(cell) is None:
            yield "a cell was marked for nbgrader, without a name; it counts as a cell of the student's own"

    for name, cell in given.items():
        twice = [other for other in handed_in.cells if id_of(other) == name]
        if len(twice) > 1:
            answered = [other for other in twice if other.source != cell.source]
            kept = answered[-1] if answered and cell.metadata.nbgrader.solution else twice[0]
            for other in twice:
                if other is not kept:
                    handed_in.cells = [one for one in handed_in.cells if one is not other]
            differ = len({other.source for other in answered}) > 1
            yield f"{name} stands {len(twice)} times; " + (
                "the answers differ, and the last counts: ask" if differ else "one is kept"
            )

    after = -1
    for name, cell in given.items():
        at = [i for i, other in enumerate(handed_in.cells) if id_of(other) == name]
        if not at:
            handed_in.cells.insert(after + 1, nbformat.from_dict(cell))
            yield f"{name} was deleted; put back" + (
                ", without an answer" if cell.metadata.nbgrader.solution else ""
            )
            at = [after + 1]
        after = at[0]
        yield from put_back(handed_in.cells[after], cell)
    yield from moved_up(handed_in, released)
    for cell in handed_in.cells:
        free = id_of(cell) is None or given[id_of(cell)].metadata.nbgrader.solution
        if cell.cell_type == "code" and free and (missing := absent(cell.source)):
            where = id_of(cell) or "a cell of the student's own"
            yield f"{where} imports {' and '.join(missing)}, which is not here: nothing after that line runs"
    handed_in.metadata["kernelspec"] = released.metadata.kernelspec


def read(file: Path) -> NotebookNode:
    """Read a notebook; as Colab writes it, its cells have names that its version does not know."""
    raw = json.loads(file.read_text("utf-8"))
    if raw["nbformat"] == 4 and raw["nbformat_minor"] < 5:
        raw["nbformat_minor"] = 5
        for cell in raw["cells"]:
            cell.setdefault("id", uuid.uuid4().hex[:8])
    return nbformat.reads(json.dumps(raw), as_version=4)


def look_at(folder: Path, release: Path, kept: Path) -> tuple[list[str], str | None]:
    """Look at one submission; give what was done, and what is left for the lecturer to do."""
    if not (given := release / folder.name / f"{folder.name}.ipynb").is_file():
        return (
            [],
            f"no such assignment; there are {', '.join(sorted(p.name for p in release.iterdir()))}",
        )
    file, done = folder / given.name, []
    if not file.is_file():
        others = sorted(folder.glob("*.ipynb"))
        if len(others) != 1:
            names = ", ".join(other.name for other in others) or "nothing"
            return [], f"{file.name} is expected; here is {names}"
        shutil.copytree(folder, kept, dirs_exist_ok=True)
        others[0].rename(file)
        done.append(f"was called {others[0].name}; renamed")
    try:
        notebook = read(file)
    except Exception as error:
        return done, f"cannot be read: {str(error).splitlines()[0]}; ask for it again"
    before = file.read_text("utf-8")
    done += repair(notebook, nbformat.read(given, as_version=4))
    if nbformat.writes(notebook).rstrip() != before.rstrip():
        if not kept.exists():
            shutil.copytree(folder, kept)
        nbformat.write(notebook, file)
    return done, None


def main() -> int:
    warnings.simplefilter("ignore", DuplicateCellId)  # said below, in words of the course
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", nargs="?", type=Path, default=ROOT / "course")
    course = parser.parse_args().folder
    submitted = sorted(course.glob("submitted/*/*/"))
    if not submitted:
        print(
            f"nothing to look at; expected {course / 'submitted' / 'STUDENT' / 'week-1' / 'week-1.ipynb'}",
            file=sys.stderr,
        )
        return 1
    left = 0
    for folder in submitted:
        name = f"{folder.parent.name} {folder.name}"
        kept = course / "preflight" / folder.parent.name / folder.name
        done, problem = look_at(folder, course / "release", kept)
        for line in [*done, *([problem] if problem else [])] or ["in order"]:
            print(f"{name}: {line}")
        left += problem is not None
    if left:
        print(f"{left} cannot be graded as they are", file=sys.stderr)
    return 1 if left else 0


if __name__ == "__main__":
    sys.exit(main())
