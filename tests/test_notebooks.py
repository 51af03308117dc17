"""What must stay true of every chapter, as a notebook that a reader opens."""

import ast
import base64
import json
import re
import tomllib
import warnings
from pathlib import Path
from xml.etree import ElementTree

import nbformat
import pytest
from IPython.core.inputtransformer2 import TransformerManager

BOOK = Path(__file__).resolve().parents[1] / "book"
CHAPTERS = sorted(BOOK.glob("*.ipynb"))
SKIP = "nbval-skip"
PICTURES = ("image/svg+xml", "image/png")
NUMBERED = re.compile(r"^\*Figure (\d+)\.", re.MULTILINE)
# A path from the top of a disk, three names deep or more; an address has a letter, : or / before it.
FOLDER = re.compile(r"(?<![\w:/.<])/(?:[A-Za-z_.][\w.+-]*/){2,}[\w.+-]+|\b[A-Z]:\\+\w+")


@pytest.fixture(params=CHAPTERS, ids=lambda path: path.stem, scope="module")
def path(request):
    return request.param


@pytest.fixture(scope="module")
def notebook(path):
    return nbformat.read(path, as_version=4)


def tags(cell):
    return cell.metadata.get("tags", [])


def code_cells(notebook, skipped=False):
    return [c for c in notebook.cells if c.cell_type == "code" and (skipped or SKIP not in tags(c))]


def pictures(notebook):
    for number, cell in enumerate(notebook.cells, 1):
        for output in cell.get("outputs", []):
            for kind in PICTURES:
                if kind in output.get("data", {}):
                    yield number, output, kind


def test_there_is_a_chapter():
    assert CHAPTERS


def test_notebook_is_valid(notebook):
    nbformat.validate(notebook)


def test_executed_from_top_to_bottom(notebook):
    # nbval passes a cell without a count unseen.
    counts = [cell.execution_count for cell in code_cells(notebook)]
    assert counts == list(range(1, len(counts) + 1)), "execute it again: make notebooks"


def test_skipped_cells_have_no_output(notebook):
    for cell in code_cells(notebook, skipped=True):
        if SKIP in tags(cell):
            assert cell.execution_count is None and not cell.outputs


def test_no_warnings_and_no_errors(notebook):
    for number, cell in enumerate(notebook.cells, 1):
        for output in cell.get("outputs", []):
            assert output.get("name") != "stderr", f"cell {number} writes to stderr: {output.text}"
            if output.output_type == "error":
                assert "raises-exception" in tags(cell), f"cell {number} raises {output.ename}"


def test_every_figure_has_alt_text(notebook):
    for number, output, kind in pictures(notebook):
        alt = output.metadata.get(kind, {}).get("alt", "")
        assert len(alt) >= 10, f"the picture of cell {number} has no alt text: {alt!r}"


def test_pictures_are_pictures(notebook):
    for number, output, kind in pictures(notebook):
        content = output.data[kind]
        if kind == "image/png":
            assert base64.b64decode(content).startswith(b"\x89PNG"), f"cell {number}"
        else:
            root = ElementTree.fromstring(content)
            assert root.get("aria-label") == output.metadata[kind]["alt"], f"cell {number}"


def test_figures_count_from_one_and_each_has_its_text_and_its_caption(path, notebook):
    """A cell shows a figure by its number, the number of the caption that follows; see figures.toml.

    What a solution draws has no number: it is what a reader may draw, and says in its cell what it shows.
    """
    chapter = int(path.name[:2])
    kept = tomllib.loads((BOOK.parent / "bpc_minimal" / "figures.toml").read_text("utf-8"))
    texts = {f"{chapter}.{number}": text for number, text in kept[str(chapter)].items()}
    captions, shown, waiting = [], {}, None
    for cell in notebook.cells:
        if cell.cell_type == "code" and not {SKIP, "solution"} & {*tags(cell)}:
            for call in calls(cell.source, "figures.show"):
                waiting = ast.literal_eval(call.args[1])
                (shown[waiting],) = (o.metadata[kind]["alt"] for _, o, kind in pictures_of(cell))
        elif cell.cell_type == "markdown":
            for number in NUMBERED.findall(cell.source):
                captions.append(f"{chapter}.{number}")
                drawn = re.findall(r"!\[(.+)\]", cell.source)
                if waiting is None and drawn:  # a stored picture, made elsewhere
                    (shown[captions[-1]],) = drawn
                else:
                    assert waiting == captions[-1], "the caption's number and the figure's"
                waiting = None
    assert captions == [f"{chapter}.{i}" for i in range(1, len(captions) + 1)]
    assert shown == texts


def pictures_of(cell):
    return [found for found in pictures(nbformat.from_dict({"cells": [cell]}))]


def calls(source, name):
    tree = ast.parse(TransformerManager().transform_cell(source))
    return [n for n in ast.walk(tree) if isinstance(n, ast.Call) and ast.unparse(n.func) == name]


def test_few_outputs_are_left_uncompared(notebook):
    cells = code_cells(notebook)
    ignored = [cell for cell in cells if "nbval-ignore-output" in tags(cell)]
    assert len(ignored) <= max(1, len(cells) // 10)


def test_file_is_small(path):
    assert path.stat().st_size < 4e6


def test_prose_reads_in_colab(notebook):
    for number, cell in enumerate(notebook.cells, 1):
        if cell.cell_type == "markdown":
            role = re.search(r"\{[a-z][a-z0-9:+_-]*\}`", cell.source)
            assert not role, f"cell {number} has the role {role.group()}; use a Markdown link"
            fence = re.search(r"^[ >]*(```+|~~~+)\{.*", cell.source, re.MULTILINE)
            assert not fence, f"cell {number}: {fence.group()}; use a colon fence"


def test_equations_count_from_one_and_the_prose_names_each(path, notebook):
    prose = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    labels = re.findall(r"^\$\$ *\((.+)\)$", prose, re.MULTILINE)  # what Colab shows of the number
    numbers = [*range(1, len(labels) + 1)]
    assert labels == [f"eq-{path.name[:2]}-{n}" for n in numbers]
    named = re.findall(r"\b[Ee]quations? (\d+)(?: (?:and|to) (\d+))?", prose)
    assert {int(n) for pair in named for n in pair if n} == {*numbers}


def test_first_code_cell_installs_in_colab_only(notebook):
    cell = code_cells(notebook, skipped=True)[0]
    assert SKIP in tags(cell)
    assert "pip install" in cell.source
    tree = ast.parse(TransformerManager().transform_cell(cell.source))
    for statement in tree.body:
        if not isinstance(statement, ast.Import | ast.ImportFrom):
            assert isinstance(statement, ast.If) and not statement.orelse
            assert "google.colab" in ast.unparse(statement.test)


def test_outputs_name_no_folder_of_the_machine_that_ran_them(notebook):
    # An output's pictures are base64, which may hold anything.
    for number, cell in enumerate(notebook.cells, 1):
        for output in cell.get("outputs", []):
            text = json.dumps({key: value for key, value in output.items() if key != "data"})
            for kind, value in output.get("data", {}).items():
                if not kind.startswith("image/") or kind == "image/svg+xml":
                    text += re.sub(r"base64,[A-Za-z0-9+/=\\\s]+", "", str(value))
            found = FOLDER.search(text)
            assert not found, f"cell {number} prints {found.group()}"


def test_says_how_it_was_run(path, notebook):
    record = notebook.metadata.bpc
    assert set(record) == {"seconds", "python", "jax", "processor"}
    if record["seconds"] > 120:  # of processor time; a slower machine is not a fault
        warnings.warn(f"{path.name} took {record['seconds']} s, 120 are meant", stacklevel=1)


def test_says_how_long_it_takes_as_its_record_does(path, notebook, monkeypatch):
    monkeypatch.syspath_prepend(str(BOOK.parent / "tools"))
    import pages

    lines = [c.source for c in notebook.cells if pages.TIMES.search(c.source)]
    assert len(lines) == 1 and pages.times(notebook) in lines[0], "run: make notebooks"
    row = next(
        line for line in (BOOK / "status.md").read_text("utf-8").splitlines() if path.name in line
    )
    assert f"| {notebook.metadata.bpc.seconds} |" in row
    longer = nbformat.from_dict(notebook)
    longer.metadata.bpc.seconds = 600
    assert "Running:* about 8 minutes" in pages.times(longer)


def test_folded_cells_have_names(notebook):
    for number, cell in enumerate(notebook.cells, 1):
        if {*tags(cell)} - {"slide"} == {"hide-input"}:
            name = cell.metadata.get("mystnb", {}).get("code_prompt_show", "")
            assert re.fullmatch(r"Show .{5,60}", name), f"cell {number}: {name!r}"


def test_a_fold_that_names_a_figure_names_its_own(notebook):
    for cell in code_cells(notebook):
        named = re.search(
            r"the code of Figure (\d+)$",
            str(cell.metadata.get("mystnb", {}).get("code_prompt_show")),
        )
        shown = re.findall(r'"\d+\.(\d+)"\s*\)', cell.source)
        if named and shown:
            assert named[1] in shown, cell.id


def test_no_text_of_a_figure_is_raw_tex(notebook):
    for number, output, kind in pictures(notebook):
        if kind == "image/svg+xml":
            whole = ElementTree.fromstring("".join(output["data"][kind]))
            assert not [t for t in whole.itertext() if "\\" in t], number


def test_outputs_run_no_code_from_elsewhere(notebook):
    """No output is a script, or names an address to fetch one from."""
    for number, cell in enumerate(notebook.cells, 1):
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            assert not {kind for kind in data if "javascript" in kind}, f"cell {number}"
            html = "".join(data.get("text/html", ""))
            found = re.findall(
                r"""(?:src|href|data|action)\s*=\s*["']?\s*(?:https?:)?//[^"'\s>]+""", html
            )
            found += re.findall(
                r"<iframe|<object|<embed|import\s*\(|fetch\s*\(|XMLHttpRequest", html
            )
            assert not found, f"cell {number}: {found[:3]}"


def test_each_exercise_has_a_solution_and_a_check_of_one_line(path, notebook):
    """There are four or more, one is a project whose solution draws, and one breaks something."""
    chapter, found = int(path.name[:2]), {}
    for cell in notebook.cells:
        if starts := re.findall(r"^\*\*(\d+) \(a (?:line|cell|project)\)\.\*\*", cell.source, re.M):
            (number,) = starts
            found[int(number)] = cells = []
        elif cell.source.startswith("## "):
            cells = []
        if found:
            cells.append(cell)
    assert [*found] == [*range(1, len(found) + 1)] and len(found) >= 4
    for number, (_, *rest) in found.items():
        assert "solution" in tags(rest[0]), f"exercise {number} has no solution"
        assert tags(rest[-1]) == ["check"], f"exercise {number} has no check"
        assert rest[-1].source == f'check("{chapter}.{number}", globals())'
        (said,) = rest[-1].outputs
        assert said.text.startswith(f"Exercise {chapter}.{number} is right: ")
    projects = [rest for first, *rest in found.values() if "(a project)" in first.source]
    assert any("figures.show" in cell.source for rest in projects for cell in rest)
    assert any("Break" in first.source or "break" in first.source for first, *_ in found.values())
