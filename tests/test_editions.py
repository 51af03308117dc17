"""What readers, students and instructors open is made from the chapters, whole, and leaks nothing."""

import ast
import copy
import functools
import html
import importlib
import inspect
import json
import os
import re
import subprocess
import sys
import zlib
from pathlib import Path

import nbformat
import numpy as np
import pytest

from bpc_minimal.checks.core import find

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tools"))
import editions  # noqa: E402
import student_book  # noqa: E402
from cell_code import bound, needs, sources  # noqa: E402
from execute_notebooks import serialise  # noqa: E402

CHAPTERS = {path.stem: (path, notebook) for path, _, _, notebook in editions.chapters()}


@pytest.fixture(params=CHAPTERS)
def chapter(request):
    path, notebook = CHAPTERS[request.param]
    notebook = copy.deepcopy(notebook)
    editions.mark_solutions(notebook, path)
    return path, notebook


@pytest.fixture(params=editions.EDITIONS)
def name(request):
    return request.param


def made(name, chapter):
    """Give an edition as it is read from its file."""
    return nbformat.reads(written(name, chapter[0].stem), as_version=4)


@functools.cache
def written(name, stem):
    return serialise(editions.edition(name, *CHAPTERS[stem]))


def number_of(chapter):
    return int(chapter[0].name[:2])


def texts(notebook):
    return [cell.source for cell in notebook.cells if cell.cell_type == "markdown"]


def code(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


# -- every exercise is whole --------------------------------------------------------------------------------


def lacks(notebook, number, answers):
    """Say what the exercises of a chapter lack."""
    parts = {part.number: part for part in editions.parts(notebook, number)}
    begun = [found for text in texts(notebook) for found in editions.EXERCISE.findall(text)]
    missing = []
    for exercise in (f"{number}.{one}" for one in begun):
        if exercise not in parts:
            missing.append(f"{exercise}: check")
            continue
        part, known = parts[exercise], parts[exercise].known
        statement = editions.EXERCISE.sub("", part.statement.source)
        has = {
            "statement": len(statement.split()) > 8 and all(n in statement for n in known.names),
            "solution": {*known.names} <= {*bound(editions.solution_code(part))},
            "check": part.check.source == f'check("{exercise}", globals())',
            "answers": bool(answers.get(exercise)),
            "goal": len(known.goal.split()) > 4
            and known.goal[0].islower()
            and known.goal[-1] != ".",
            "minutes": known.minutes in range(5, 61, 5),
        }
        missing += [f"{exercise}: {what}" for what, there in has.items() if not there]
    return missing


def answers_of(chapter):
    return importlib.import_module(f"answers.chapter_{number_of(chapter):02d}").ANSWERS


def test_each_exercise_has_all_that_belongs_to_it(chapter):
    assert lacks(chapter[1], number_of(chapter), answers_of(chapter)) == []


@pytest.mark.parametrize("what", ["statement", "solution", "check", "answers", "goal", "minutes"])
def test_a_chapter_is_refused_whose_exercise_lacks_a_part(what, monkeypatch):
    path, notebook = CHAPTERS["04_bidirectional"]
    notebook, answers = copy.deepcopy(notebook), dict(answers_of((path, notebook)))
    part = editions.parts(notebook, 4)[2]
    if what == "statement":
        part.statement.source = "**3 (a cell).** Do it."
    elif what == "answers":
        del answers["4.3"]
    elif what in ("goal", "minutes"):
        empty = {"goal": "", "minutes": 0}[what]
        spoilt = type(part.known)(**{**vars(part.known), what: empty})
        monkeypatch.setattr(editions, "find", lambda n: spoilt if n == "4.3" else find(n))
    else:
        gone = part.solution if what == "solution" else [part.check]
        notebook.cells = [cell for cell in notebook.cells if all(cell is not g for g in gone)]
    assert f"4.3: {what}" in lacks(notebook, 4, answers)


def test_a_stub_keeps_the_signature_of_the_solution(chapter):
    student = made("student", chapter)
    stubs = {c.id: c.source for c in student.cells if "answer" in c.metadata.get("tags", [])}
    found = editions.parts(chapter[1], number_of(chapter))
    assert len(stubs) == len(found) >= 4
    for part in found:
        stub, solution = stubs[editions.place_of(part)], editions.solution_code(part)
        assert bound(stub) == part.known.names
        wrote = {f.name: f for f in ast.walk(ast.parse(solution)) if isinstance(f, ast.FunctionDef)}
        for function in ast.parse(stub).body:
            if isinstance(function, ast.FunctionDef):
                assert ast.unparse(function.args) == ast.unparse(wrote[function.name].args)
                assert ast.unparse(function.body) == "..."


# -- nothing is lost, and nothing is raw --------------------------------------------------------------------

RAW = {
    "a fence": r"^[ >]*(:::|```+\{|~~~+\{)",
    "a role": r"\{[a-z][a-z0-9:+_-]*\}`",
    "a label": r"^\([\w-]+\)=$|\(eq-\d+-\d+\)",
    "a comment or a break": r"^(%|\+\+\+)",
    "a relative link": r"\]\((?!https?://|#)",
    "a relative picture": r"<img|src=",
}


def raw(text):
    """Say what of a text only MyST understands, or only a neighbouring file makes work."""
    without_code = re.sub(r"`[^`\n]+`", "`code`", text)
    return [
        what
        for what, pattern in RAW.items()
        if re.search(pattern, without_code if "relative" in what else text, re.MULTILINE)
    ]


def test_no_edition_holds_raw_myst(name, chapter):
    for text in texts(made(name, chapter)):
        assert raw(text) == [], text


@pytest.mark.parametrize(
    ("text", "what"),
    [
        (":::{note}\nA box", "a fence"),
        ("> ```{figure} a.svg", "a fence"),
        ("see {ref}`there`", "a role"),
        ("(there)=\n## Here", "a label"),
        ("$$\nE\n$$ (eq-01-2)", "a label"),
        ("% a comment", "a comment or a break"),
        ("[there](02_generating.ipynb)", "a relative link"),
        ("![there](_static/logo.svg)", "a relative link"),
        ('<img src="logo.svg">', "a relative picture"),
    ],
)
def test_raw_myst_is_known(text, what):
    assert raw(text) == [what]


def test_boxes_equations_links_and_pictures_are_plain_markdown():
    page = editions.address()
    assert page.startswith("https://") and page.endswith("/")
    assert editions.plain("$$\nE = e^2\n$$ (eq-04-3)\n\nmore") == "$$\nE = e^2 \\tag{3}\n$$\n\nmore"
    box = ":::{admonition} A box\nIts text\n\n- a point\n:::\n\nafter"
    assert editions.plain(box) == "> **A box**\n>\n> Its text\n>\n> - a point\n\nafter"
    assert editions.plain("[clamped](glossary.md)") == (
        f"[clamped]({page}book/glossary.html#term-clamp)"
    )
    assert editions.plain("[a](01_energy.ipynb#exercise-1-2)") == (
        f"[a]({page}book/01_energy.html#exercise-1-2)"
    )
    assert editions.plain("![b](_static/b.svg)") == f"![b]({page}_static/b.svg)"
    assert editions.plain("[c](https://x.org/a.md)") == "[c](https://x.org/a.md)"


def test_equations_keep_their_numbers(name, chapter):
    text = "\n".join(texts(chapter[1]))
    tagged = re.findall(r"\\tag\{(\d+)\}\n\$\$$", "\n".join(texts(made(name, chapter))), re.M)
    assert tagged == re.findall(r"^\$\$ \(eq-\d+-(\d+)\)$", text, re.M) and tagged


def test_links_and_pictures_lead_to_what_is_published(chapter, site):
    page = editions.address()
    for text in texts(made("colab", chapter)):
        for address in re.findall(rf"\]\({re.escape(page)}([^)]*)\)", text):
            file, _, anchor = address.partition("#")
            assert (site / file).is_file(), address
            if anchor:
                assert f'id="{anchor}"' in (site / file).read_text("utf-8"), address


def test_every_cell_finds_its_names_where_the_chapter_makes_them(name, chapter):
    """Moved cells see what they saw; only what an answer makes may come from elsewhere."""
    cells = [cell for cell in code(chapter[1]) if "check" not in cell.metadata.get("tags", [])]
    edition = made(name, chapter)
    gathered = [cell for cell in edition.cells if cell.id == "assertions"]
    here = []
    for cell in code(edition):
        if cell.id == "assertions":  # taken apart again
            moved = [c for c in cells if c.source in cell.source and c.id not in dict(here)]
            here += [(c.id, c.source) for c in moved]
        else:
            here.append((cell.id, cell.source))
    before, after = sources(editions.code(cells)), sources(here)
    ours = {c.id for c in cells if "solution" in c.metadata.get("tags", [])}
    for cell in cells:
        if cell.id in after and cell.id not in ours:
            assert after[cell.id] == before[cell.id], cell.source
    gone = {c.id for c in cells} - {*after}
    assert gone == (ours if name == "student" else set())
    assert len(gathered) == (name != "instructor")


def test_no_cell_but_a_check_needs_what_an_answer_makes(chapter):
    """So that a chapter runs to its end with nothing answered."""
    answered = set()
    for part in editions.parts(chapter[1], number_of(chapter)):
        answered |= {
            name
            for cell in part.solution
            if cell.cell_type == "code"
            for name in bound(cell.source)
        }
    student = made("student", chapter)
    others = [cell for cell in code(student) if "answer" not in cell.metadata.get("tags", [])]
    elsewhere = {name for cell in others for name in bound(cell.source)}
    for cell in others:
        assert not needs(cell.source) & (answered - elsewhere), cell.source


def test_assertions_are_out_of_sight(name, chapter):
    for cell in code(made(name, chapter)):
        hidden = cell.metadata.get("cellView") == "form"
        assert hidden == cell.metadata.get("jupyter", {}).get("source_hidden", False)
        assert hidden == bool(re.match(r"#@title .+ \{ display-mode: \"form\" \}\n", cell.source))
        if {"hide-cell", "hide-input"} & {*cell.metadata.get("tags", [])}:
            assert hidden or (name == "instructor" and "solution" in cell.metadata.tags)


def test_what_is_to_be_predicted_is_not_there_yet(chapter):
    for name in ("colab", "student"):
        for cell in code(made(name, chapter)):
            if {"hide-output", "check", "solution", "answer"} & {*cell.metadata.get("tags", [])}:
                assert not cell.outputs and cell.execution_count is None


def test_solutions_come_last_and_folded_for_readers(chapter):
    cells = made("colab", chapter).cells
    last_check = max(i for i, cell in enumerate(cells) if "check" in cell.metadata.get("tags", []))
    solutions = [i for i, cell in enumerate(cells) if "solution" in cell.metadata.get("tags", [])]
    assert solutions == [*range(last_check + 2, last_check + 2 + len(solutions))]
    for i in solutions:
        folded = cells[i].metadata.get("cellView") == "form" or cells[i].source.startswith(
            "<details>"
        )
        assert folded


def test_the_instructor_reads_every_diagnosis_goal_and_minute(chapter):
    edition = made("instructor", chapter)
    notes = {c.id: c.source.replace("\\", "") for c in edition.cells if c.cell_type == "markdown"}
    for part in editions.parts(chapter[1], number_of(chapter)):
        note = notes[f"notes-{part.number.replace('.', '-')}"]
        for text in (*part.known.diagnoses, part.known.goal, f"{part.known.minutes} minutes"):
            assert text in note
        assert f"| {part.number} |" in notes["for-the-instructor"]
        named = [
            said for said, _ in answers_of(chapter)[part.number]["wrong"] if len(said.split()) > 3
        ]
        assert all(any(said in text for text in part.known.diagnoses) for said in named), named


def test_the_diagnoses_are_those_of_the_tables():
    for number in ("1.2", "4.1", "10.4"):
        exercise = find(number)
        cases = exercise.cases
        case = next(iter(cases(np.random.default_rng(0)) if callable(cases) else cases))
        assert {*exercise.answers(*case)[1]} <= {*exercise.diagnoses}
        assert not inspect.getfullargspec(exercise.answers).kwonlyargs


def test_the_instructors_outputs_are_the_chapters(chapter):
    pairs = zip(code(made("instructor", chapter)), code(chapter[1]), strict=True)
    for ours, theirs in pairs:
        assert (ours.outputs, ours.execution_count) == (theirs.outputs, theirs.execution_count)


@pytest.mark.slow
def test_the_instructors_outputs_are_what_a_fresh_run_prints(chapter, tmp_path):
    file = tmp_path / chapter[0].name
    file.write_text(written("instructor", chapter[0].stem), "utf-8")
    options = ["--nbval", "--nbval-current-env", "--nbval-sanitize-with"]
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options]
    done = subprocess.run(
        [*command, ROOT / "book" / "sanitize.cfg", file.name],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
    )
    assert done.returncode == 0, done.stdout[-3000:]
    assert f"{len(code(chapter[1])) - 1} passed" in done.stdout, done.stdout[-300:]


# -- the student's edition leaks nothing --------------------------------------------------------------------


def squeezed(text):
    """Leave out what two ways of writing the same may differ in."""
    return re.sub(r"[\s\"'\\]", "", text)


def strings(value):
    """Give every text that some JSON holds."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for part in value.values() if isinstance(value, dict) else value:
            yield from strings(part)


def parts_of(source):
    """Give the expressions and the lines of a solution that are long enough to be known again."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.stmt | ast.expr) and not hasattr(node, "body"):
            written = squeezed(ast.get_source_segment(source, node))
            if len(written) >= 16:
                yield written


def others(notebook):
    """Give what cells that are no solution say and show."""
    for cell in notebook.cells:
        if "solution" not in (tags := cell.metadata.get("tags", [])):
            yield cell.source
            yield from strings([] if "check" in tags else cell.get("outputs", []))


def secrets(chapter):
    """Give what only solutions hold: expressions, sentences, what they print, what pictures show."""
    known = squeezed(" ".join(others(chapter[1])))
    found = set()
    for cell in chapter[1].cells:
        tags = {*cell.metadata.get("tags", [])}
        if "solution" in tags and cell.cell_type == "markdown":
            found |= {squeezed(s) for s in re.split(r"(?<=[.:?])\s", cell.source) if len(s) > 25}
        elif "solution" in tags:
            found |= {*parts_of(cell.source)}
        for output in cell.get("outputs", []) if {"solution", "check"} & tags else ():
            lines = [line for line in output.get("text", "").splitlines() if len(line) > 8]
            alts = [kind["alt"] for kind in output.get("metadata", {}).values() if "alt" in kind]
            found |= {squeezed(line) for line in (*lines, *alts)}
    return {secret for secret in found if secret not in known}


def leaks(text, chapter):
    text = squeezed(text)
    return [secret for secret in secrets(chapter) if secret in text]


def test_the_student_gets_no_part_of_a_solution(chapter):
    assert len(secrets(chapter)) > 20
    notebook = made("student", chapter)
    assert leaks(" ".join(strings(notebook)), chapter) == []
    assert not [cell for cell in notebook.cells if "solution" in cell.metadata.get("tags", [])]
    assert "colab.research.google.com" not in "".join(texts(notebook)), "there the solutions are"


def test_the_scan_finds_what_leaks(chapter):
    """The reader's edition has all solutions, and of their outputs none; the instructor's has both."""
    of_reader = {*leaks(" ".join(strings(made("colab", chapter))), chapter)}
    of_instructor = {*leaks(" ".join(strings(made("instructor", chapter))), chapter)}
    assert len(of_reader) > 15 and of_reader < of_instructor == secrets(chapter)


def test_the_students_pages_lead_only_to_pages_that_they_get(tmp_path):
    student_book.write_sources(tmp_path)
    pages = {path.name: path.read_text("utf-8") for path in (tmp_path / "book").glob("*.md")}
    notebooks = (nbformat.read(path, as_version=4) for path in (tmp_path / "book").glob("*.ipynb"))
    read = [*pages.values(), *(text for notebook in notebooks for text in texts(notebook))]
    led = {link for text in read for link in re.findall(r"\]\(([\w/.]+\.(?:md|ipynb))", text)}
    assert len(led) > 15 and not [link for link in led if not (tmp_path / "book" / link).is_file()]
    assert "Notation" in pages["intro.md"] and "Solutions" not in pages["intro.md"]


@pytest.mark.parametrize(
    "text, left",
    [
        ("One.\n\nA [guide](teaching/guide.md) is there.\n\nTwo.\n", "One.\n\nTwo.\n"),
        ("- [Solutions](solutions.md)\n  of all.\n- Notation\n", "- Notation\n"),
        ("- one\n- [two](solutions.md)\n\nThree.\n", "- one\n\nThree.\n"),
    ],
)  # fmt: skip
def test_what_leads_to_solutions_goes_and_nothing_else(text, left):
    assert student_book.without_leads(text) == left


@pytest.mark.slow
def test_the_students_pages_search_sources_and_pdf_leak_nothing(tmp_path):
    tool = ROOT / "tools" / "student_book.py"
    done = subprocess.run([sys.executable, tool, tmp_path], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    read = {path: page_text(path) for path in tmp_path.rglob("*") if readable(path)}
    names = {path.name for path in read}
    assert {"04_bidirectional.html", "04_bidirectional.ipynb", "search-index.js"} <= names
    assert not [name for name in names if "solutions" in name]
    hidden = secrets_of_the_book()
    assert len(hidden) > 300
    for file, text in read.items():
        found = [secret for secret in hidden if secret in text]
        assert not found, f"{file.relative_to(tmp_path)}: {found[:3]}"
    page = tmp_path / "student-book" / "book" / "04_bidirectional.html"
    shown = page.read_text("utf-8")
    assert "colab.research.google.com" not in shown and "/edit/main/" not in shown
    assert shown.count('class="exercise"') == 6 and squeezed("image_gradient(network") in read[page]


def secrets_of_the_book():
    """Give what only solutions hold, and no other chapter, page or docstring."""
    found, elsewhere = set(), []
    for path, notebook in CHAPTERS.values():
        notebook = copy.deepcopy(notebook)
        editions.mark_solutions(notebook, path)
        found |= secrets((path, notebook))
        elsewhere += others(notebook)
    pages = [page for page in (ROOT / "book").glob("*.md") if page.stem != "solutions"]
    scripts = (ROOT / "book" / "live").rglob("*.js")
    files = [*pages, *scripts, *(ROOT / "bpc_minimal").glob("*.py")]
    known = squeezed(" ".join([*elsewhere, *(file.read_text("utf-8") for file in files)]))
    return {secret for secret in found if secret not in known}


PICTURES = {".png", ".woff", ".woff2", ".ttf", ".eot", ".ico", ".mo", ".wasm", ".bin", ".gz"}  # fmt: skip


def readable(path):
    return path.is_file() and path.suffix not in PICTURES


def page_text(path):
    """Read what a file of the pages says, however it is written."""
    if path.suffix == ".pdf":
        pages = pytest.importorskip("pypdf").PdfReader(path).pages
        return squeezed(" ".join(page.extract_text() for page in pages))
    text = path.read_text("utf-8", errors="replace")
    if path.suffix == ".inv":  # lines of text, and then the same compressed
        text += zlib.decompress(path.read_bytes().split(b"zlib.\n")[1]).decode()
    if path.suffix == ".html":  # alt text and labels are attributes
        attributes = " ".join(re.findall(r'="([^"]{12,})"', text))
        text = f"{re.sub(r'<[^>]+>', '', text)} {attributes}"
    return squeezed(html.unescape(text.replace("\\n", "\n")))


# -- the first cell -----------------------------------------------------------------------------------------

STOPS = """
import sys, json
sys.modules["bpc_minimal"] = None  # as if it were not installed
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
shell.run_cell(json.load(sys.stdin))
"""


@pytest.mark.parametrize("name", editions.EDITIONS)
def test_the_first_cell_stops_with_one_sentence(name):
    cell = next(
        cell for cell in made(name, CHAPTERS["01_energy"]).cells if cell.cell_type == "code"
    )
    done = subprocess.run(
        [sys.executable, "-c", STOPS], input=json.dumps(cell.source), capture_output=True, text=True
    )
    (said,) = (done.stdout + done.stderr).strip().splitlines()
    assert said.startswith("The book's package is not here: ") and "%pip install" in said


# -- the commands -------------------------------------------------------------------------------------------


def test_one_command_writes_all(tmp_path):
    tool = ROOT / "tools" / "editions.py"
    stale = tmp_path / "student" / "00_gone.ipynb"
    stale.parent.mkdir()
    stale.touch()
    subprocess.run([sys.executable, tool, tmp_path], check=True, capture_output=True)
    for name in editions.EDITIONS:
        files = {path.stem: path for path in (tmp_path / name).iterdir()}
        assert {*files} == {*CHAPTERS}
        for stem, path in files.items():
            nbformat.validate(nbformat.read(path, as_version=4))
            assert path.read_text("utf-8") == written(name, stem)


def test_the_light_environment_has_no_torch():
    listed = (ROOT / "requirements-kit.txt").read_text("utf-8")
    names = set(re.findall(r"^([\w.-]+)==", listed, re.MULTILINE))
    assert {"nbconvert", "nbformat", "jax"} <= names
    assert not [name for name in names if name.startswith(("torch", "nvidia", "jupyter-book"))]
