"""Make the graded assignments of six weeks and of further chapters, for nbgrader, with numbers from a seed.

    python tools/assignments.py SEED [FOLDER]      course, if none is named; git ignores that folder

SEED is any text of 12 characters or more that students do not know. An assignment is a chapter's exercises
in other words and numbers (`tools/graded`), with no more of the chapter than they need: `week-1` to `week-6`
are those of a unit of six weeks, `chapter-06` and so on those of the chapters besides. FOLDER becomes a
course as nbgrader knows one: `source` with the reference's answers, `release` for the students, and `graded`,
from which the hidden tests import; none of these but `release` leaves the lecturer's machine. The guide
(book/teaching) says what comes next.
"""

import argparse
import ast
import shutil
import sys
from pathlib import Path

import secret
import set_repository
from cell_code import sources
from editions import FIRST, PACKAGE, ROOT, address, chapters, parts, tags
from graded.variant import ASSIGNMENTS, points, variant
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, writes
from traitlets.config.loader import PyFileConfigLoader

GRADED = Path(__file__).with_name("graded")
COMMON = ("bpc", "jax", "jnp", "np")  # whatever an answer needs, these are there
STUB = "...  # your answer"
THERE = "numpy scipy jax equinox optax matplotlib bpc_minimal".split()  # of the kit's environment
SETTINGS = f'''"""The settings of nbgrader for this course; its commands are run in this folder."""

import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
os.environ["PATH"] = os.path.dirname(sys.executable) + os.pathsep + os.environ["PATH"]  # for alembic
os.environ["JAX_PLATFORMS"] = "cpu"
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

from graded.autograde import PREPROCESSORS  # noqa: E402

c = get_config()  # noqa: F821
c.CourseDirectory.course_id = "bpc"
c.CourseDirectory.root = HERE
c.ClearSolutions.code_stub = {{"python": "{STUB}"}}
c.Autograde.autograde_preprocessors = PREPROCESSORS
c.GradeApart.startup_timeout = 600  # seconds until a kernel is there: a class is graded on a busy machine too
'''
HEAD = """# {name}: {title}

These exercises are variants of those of [chapter {chapter}]({page}); read it first. Write each answer into
its cell, and put all that it needs there, or into cells of your own above it. Move, copy or delete no cell
that is here already. Where it is graded there are these packages, and Python's own: {there}. Colab has more:
an answer that imports pandas, say, stops there. What an exercise forbids is looked for. No answer is graded
by how long it takes, as long as it comes to an end. Whether an answer is right you learn when it has been
graded: then a sentence says what a wrong one computes.

| exercise | minutes, about | points |
|---|---|---|
{rows}"""


def statements(notebook: NotebookNode) -> list[tuple[str, str]]:
    """Take the code of a chapter apart into statements, in order, without solutions and checks."""
    found: list[tuple[str, str]] = []
    for cell in notebook.cells:
        if cell.cell_type != "code" or tags(cell) & {"solution", "check", "nbval-skip"}:
            continue
        lines = cell.source.splitlines()
        for node in ast.parse(cell.source).body:
            first = min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", ()))])
            text = "\n".join(lines[first - 1 : node.end_lineno])
            found.append((f"{len(found):04d}", text))
    return found


def context(notebook: NotebookNode, wanted: list[str]) -> str:
    """Give the part of a chapter that some code needs, and what all answers may use."""
    cells = [*statements(notebook), ("wanted", "\n\n".join([*wanted, ", ".join(COMMON)]))]
    code, makers = dict(cells), sources(cells)
    chosen, waiting = set(), [*makers["wanted"].values()]
    while waiting:
        one = waiting.pop()
        if one not in chosen:
            chosen.add(one)
            waiting += makers[one].values()
    kinds = {one: type(ast.parse(code[one]).body[0]) for one in sorted(chosen)}
    imports = [code[one] for one, kind in kinds.items() if kind in (ast.Import, ast.ImportFrom)]
    others = [code[one] for one, kind in kinds.items() if kind not in (ast.Import, ast.ImportFrom)]
    return "\n\n\n".join(["# What is needed of the chapter.\n" + "\n".join(imports), *others])


def marked(cell: NotebookNode, grade_id: str, kind: str, points: int | None = None) -> NotebookNode:
    """Mark a cell for nbgrader, schema 3: "shown", "answer" or "graded"."""
    cell.id = grade_id
    cell.metadata.nbgrader = {
        "schema_version": 3,
        "grade_id": grade_id,
        "locked": kind != "answer",
        "solution": kind == "answer",
        "grade": kind == "graded",
        "task": False,
    } | ({"points": points} if points is not None else {})
    return cell


def answer_cell(number: str, seed: str) -> str:
    """Write the cell with the reference's answer, of which students get the first line and `...`."""
    made = variant(number, seed)
    if made.exercise.parameters is None:
        names = " and ".join(made.exercise.names)
        return f"# Make {names}.\n### BEGIN SOLUTION\n{made.solution}\n### END SOLUTION"
    first, _, body = made.solution.partition("\n")
    return f"{first}\n    ### BEGIN SOLUTION\n{body}\n    ### END SOLUTION"


def form_cell(number: str, seed: str) -> str:
    """Write the check that students see: has the answer the form that is asked for?"""
    exercise = variant(number, seed).exercise
    if exercise.parameters is None:
        shown = ", ".join(f'"{name}"' for name in exercise.names)
        return (
            f"# Is it there?\nfor name in [{shown}]:\n"
            '    print(name, "=", globals().get(name, "not there yet"))'
        )
    return (
        "# Does it take what is asked for?\nimport inspect\n\n"
        f"assert [*inspect.signature({exercise.names[0]}).parameters] == {exercise.parameters}".replace(
            "'", '"'
        )
    )


def assignment(
    name: str, path: Path, title: str, notebook: NotebookNode, seed: str
) -> NotebookNode:
    """Make the source of an assignment, "week-1": nbgrader makes of it what students get."""
    found = parts(notebook, int(path.name[:2]))
    kind, number = name.split("-")
    rows = "\n".join(f"| {p.number} | {p.known.minutes} | {points(p.number)} |" for p in found)
    head = HEAD.format(
        name=f"{kind.capitalize()} {int(number)}",
        title=title,
        chapter=int(path.name[:2]),
        page=f"{address()}book/{path.stem}.html",
        rows=rows,
        there=", ".join(f"`{one}`" for one in THERE),
    )
    (package,) = {name for cell in notebook.cells for name in PACKAGE.findall(cell.source)}
    needed = [variant(part.number, seed).solution for part in found]
    cells = [
        marked(new_markdown_cell(head), "head", "shown"),
        marked(new_code_cell(FIRST.format(package=package).rstrip()), "package", "shown"),
        marked(new_code_cell(context(notebook, needed)), "context", "shown"),
    ]
    for part in found:
        number, place = part.number, part.number.replace(".", "-")
        count = "1 point" if points(number) == 1 else f"{points(number)} points"
        text = f"## Exercise {number} ({count})\n\n{variant(number, seed).statement}"
        tests = f'from graded import grade\n\ngrade("{number}")'
        hidden = f"### BEGIN HIDDEN TESTS\n{tests}\n### END HIDDEN TESTS"
        cells += [
            marked(new_markdown_cell(text), f"text-{place}", "shown"),
            marked(new_code_cell(answer_cell(number, seed)), f"answer-{place}", "answer"),
            marked(new_code_cell(form_cell(number, seed)), f"form-{place}", "shown"),
            marked(
                new_code_cell(f"# Exercise {number} is graded here.\n{hidden}"),
                f"points-{place}",
                "graded",
                points(number),
            ),
        ]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return new_notebook(
        cells=cells, metadata={"kernelspec": kernel, "language_info": {"name": "python"}}
    )


def write_course(seed: str, folder: Path) -> list[str]:
    """Write the sources, the tests and the settings; give the assignments' names."""
    place = folder / "graded" / "seed.txt"
    if place.is_file() and place.read_text("utf-8").strip() != seed:
        raise ValueError(
            f"{folder} holds a course that was made with another seed, and perhaps what students handed in; "
            "give that seed again, or another folder: make assignments SEED=... COURSE=FOLDER"
        )
    shutil.copytree(
        GRADED, folder / "graded", dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__")
    )
    place.write_text(seed + "\n", "utf-8")
    (folder / "nbgrader_config.py").write_text(SETTINGS, "utf-8")
    found = {chapter: (path, title, notebook) for path, chapter, title, notebook in chapters()}
    for name, chapter in ASSIGNMENTS.items():
        target = folder / "source" / name / f"{name}.ipynb"
        target.parent.mkdir(parents=True, exist_ok=True)
        made = assignment(name, *found[chapter], seed)
        target.write_text(writes(made) + "\n", "utf-8", newline="\n")
    return [*ASSIGNMENTS]


def release(folder: Path, names: list[str]) -> None:
    """Let nbgrader make of each source what students get: `nbgrader generate_assignment NAME`."""
    from nbgrader.apps import NbGraderAPI

    config = PyFileConfigLoader("nbgrader_config.py", path=str(folder)).load_config()
    api = NbGraderAPI(config=config)
    for count, name in enumerate(names, 1):
        print(f"{name} ({count} of {len(names)})", flush=True)
        done = api.generate_assignment(name, force=True, create=True)
        if not done["success"]:
            raise RuntimeError(f"nbgrader made no assignment of {name}:\n{done['log']}")


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "seed", help=f"any text of {secret.LEAST} characters or more that students do not know"
    )
    parser.add_argument("folder", nargs="?", type=Path, default=ROOT / "course")
    given = parser.parse_args()
    try:
        seed = secret.kept(given.seed)
    except ValueError as error:
        parser.error(f"{error}; then: make assignments SEED=...")
    if set_repository.current(ROOT).startswith("OWNER/"):
        print(
            "the first cells of these assignments install from OWNER/..., which is nobody's: before you give "
            "one out, run make set-repository URL=https://github.com/USER/NAME, and this again",
            file=sys.stderr,
        )
    try:
        names = write_course(seed, given.folder.resolve())
    except ValueError as error:
        parser.error(str(error))
    release(given.folder.resolve(), names)
    print(f"{given.folder / 'release'}: {len(names)} assignments for students, a folder each")
    return 0


if __name__ == "__main__":
    sys.exit(main())
