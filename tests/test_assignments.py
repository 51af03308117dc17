"""What a class is graded by: other numbers for each seed, and no points for what is not an answer."""

import ast
import copy
import importlib
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import numpy as np
import pytest

from bpc_minimal.checks.core import SEED as CHECKED
from bpc_minimal.checks.core import Waits, Wrong, alike, find, judge, size

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tools"))
import assignments  # noqa: E402
import graded.apart  # noqa: E402
import preflight  # noqa: E402
from editions import chapters, parts, solution_code  # noqa: E402
from graded.apart import Answers  # noqa: E402
from graded.confine import able, around  # noqa: E402
from graded.variant import ASSIGNMENTS, WEEKS, points, variant  # noqa: E402

BOOK = {n: (path, title, notebook) for path, n, title, notebook in chapters()}
CHAPTERS = {n: BOOK[n] for n in ASSIGNMENTS.values()}
LATER: set[int] = set()  # chapters of the book whose exercises have no graded variants yet
PARTS = {part.number: part for chapter in CHAPTERS for part in parts(CHAPTERS[chapter][2], chapter)}
SEED, OTHER = "a first seed", "a second seed"
OPEN = "5.3"  # a search for settings: what is right for one seed may be right for another, and it trains
CLOSED = [number for number in PARTS if number != OPEN]
BIN = ROOT / ".venv-kit" / "bin"


def space_of(number, code):
    """Run code as a student's cell, after what the assignment shows of the chapter."""
    space = {"__name__": "__main__"}
    notebook = CHAPTERS[int(number.split(".")[0])][2]
    exec(assignments.context(notebook, [code]), space)
    exec(code, space)
    return space


def verdict(number, space, seed=SEED):
    try:
        judge(variant(number, seed).exercise, space)
    except Waits:
        return "waits"
    except Wrong as wrong:
        return wrong.key
    return "right"


# -- the exercises ------------------------------------------------------------------------------------------


def test_every_chapter_is_graded_but_those_that_are_named():
    assert len({*ASSIGNMENTS.values()}) == len(ASSIGNMENTS)
    assert {*BOOK} - LATER == {*ASSIGNMENTS.values()}
    files = (ROOT / "tools" / "graded").glob("chapter_*.py")
    assert {int(file.stem[-2:]) for file in files} == {*ASSIGNMENTS.values()}
    assert [ASSIGNMENTS[f"week-{week}"] for week in range(1, 7)] == [*WEEKS]
    assert all(n in WEEKS or name == f"chapter-{n:02d}" for name, n in ASSIGNMENTS.items())


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_every_exercise_of_a_graded_chapter_has_a_variant_and_no_other_is_there(chapter):
    known = importlib.import_module(f"bpc_minimal.checks.chapter_{chapter:02d}")
    graded = importlib.import_module(f"graded.chapter_{chapter:02d}")

    def numbers(module, kind):
        found = [re.fullmatch(rf"{kind}_(\d+)", name) for name in vars(module)]
        return sorted(int(one[1]) for one in found if one)

    asked = sorted(int(n.split(".")[1]) for n in PARTS if n.startswith(f"{chapter}."))
    assert numbers(graded, "variant") == numbers(known, "exercise") == asked


@pytest.mark.parametrize("number", CLOSED)
def test_the_reference_is_right_and_that_of_another_seed_is_not(number):
    assert verdict(number, space_of(number, variant(number, SEED).solution)) == "right"
    others = space_of(number, variant(number, OTHER).solution)
    assert verdict(number, others) not in ("right", "waits")
    assert variant(number, SEED).statement != variant(number, OTHER).statement


@pytest.mark.slow
def test_the_search_for_settings_trains_and_compares():
    space = space_of(OPEN, variant(OPEN, SEED).solution)
    assert verdict(OPEN, space) == "right"
    (steps,) = {space["settings_3"]["steps"]}
    assert verdict(OPEN, {"settings_3": {"steps": steps}}) == "computed"
    for wrong in ({"steps": steps + 1}, {"steps": steps, "iterations": 9999}, {}, 3):
        assert verdict(OPEN, {"settings_3": wrong}) not in ("right", "waits")


def function(code, name):
    """Take one function out of a solution."""
    made = [node for node in ast.parse(code).body if getattr(node, "name", "") == name]
    return ast.unparse(made[0])


@pytest.mark.parametrize("number", CLOSED)
def test_the_books_own_solution_gets_nothing(number):
    known, asked = find(number), variant(number, SEED).exercise
    if known.parameters is None:
        space = {name: 0.5 for name in asked.names}
    else:
        space = space_of(number, function(solution_code(PARTS[number]), known.names[0]))
        space[asked.names[0]] = space[known.names[0]]
    assert verdict(number, space) not in ("right", "waits")


@pytest.mark.parametrize("number", CLOSED)
def test_no_mistake_of_a_table_is_right(number):
    exercise = variant(number, SEED).exercise
    cases = list(exercise.cases)
    found = [exercise.answers(*case) for case in cases]
    assert len(found[0][1]) >= 6
    for mistake in found[0][1]:
        values = [table[mistake] for _, table in found]
        values = [value() if callable(value) else value for value in values]
        same = [
            alike(value, right, exercise.rtol, exercise.atol, size(right))
            for value, (right, _) in zip(values, found, strict=True)
        ]
        assert not all(same), mistake


def told(number, seed):
    """Give the right answer and all mistakes of an exercise's table, each of all its cases."""
    exercise = variant(number, seed).exercise
    found = [exercise.answers(*case) for case in exercise.cases]
    scales = [size(right) for right, _ in found]
    values = {"right": [right for right, _ in found]}
    for mistake in found[0][1]:
        made = [table[mistake] for _, table in found]
        values[mistake] = [value() if callable(value) else value for value in made]
    return exercise, scales, values


@pytest.mark.parametrize("number", CLOSED)
def test_half_as_many_mistakes_are_known_as_the_book_knows(number):
    known = variant(number, SEED).exercise
    table = known.answers(*[*known.cases][0])[1]
    assert 2 * len(table) >= len(find(number).diagnoses)


@pytest.mark.parametrize("seed", [SEED, OTHER])
@pytest.mark.parametrize("number", CLOSED)
def test_each_known_mistake_is_recognised_and_is_no_other(number, seed):
    """As `compare` asks: first whether it is right, then the mistakes in order."""
    exercise, scales, values = told(number, seed)
    for mistake, answers in values.items():
        for one, others in values.items():
            most = np.inf if one == "right" else 0.1
            same = [
                alike(a, b, exercise.rtol, exercise.atol, scale, most)
                for a, b, scale in zip(answers, others, scales, strict=True)
            ]
            if all(same):
                break
        assert one == mistake


NAMED = {  # what a lecturer tried, and found nameless
    ("1.1", "the errors are exchanged"): lambda code: (
        f"{code}\nprecision_1 = "
        + re.sub(r"\((.*?)\) / \((.*?)\)", r"(\2) / (\1)", code.partition("= ")[2])
    ),
    ("1.2", "the precision of e_1"): lambda code: re.sub(r"return [\d.]+ \* ", "return ", code),
    ("1.2", "the precision of e_2"): lambda code: re.sub(r"- [\d.]+ \* e_2", "- e_2", code),
    ("1.3", "half of the last term"): lambda code: code.replace("/ c - ", "/ c - 0.5 * "),
    ("1.4", "infinitely short"): lambda code: re.sub(
        r"return \(1 - step_size \* (\(.*\))\) \*\* steps",
        r"return np.exp(-step_size * \1 * steps)",
        code,
    ),
    ("2.1", "twice what is expected"): lambda code: code.replace("return ", "return 2 * "),
    ("2.4", "from the sweep's drawing"): lambda code: re.sub(
        r"seen, image, [\d.]+\)", "seen, image, sweep_down(generator, label)[-1])", code
    ),
    ("2.5", "here they are the answers"): lambda code: code.replace(
        "(np.asarray(truth), np.asarray(found))", "(np.asarray(found), np.asarray(truth))"
    ),
    ("3.4", "np.roll"): lambda code: re.sub(
        r"    moved\[.*\n",
        "    moved = np.roll(images, "
        + ("-by" if "by:]\n" in code else "by")
        + (", 2)\n" if "[:, :, " in code else ", 1)\n"),
        code,
    ),
    ("4.2", "halves nothing"): lambda code: (
        code + "\nother_disc = (other_disc[0] / 2, *other_disc[1:])"
    ),
}


@pytest.mark.parametrize("seed", [SEED, OTHER])
@pytest.mark.parametrize(("number", "part"), NAMED)
def test_what_a_lecturer_tried_is_named(number, part, seed):
    code = variant(number, seed).solution
    wrong = NAMED[number, part](code)
    assert wrong != code and part in verdict(number, space_of(number, wrong), seed)


@pytest.mark.parametrize("number", PARTS)
def test_what_students_begin_with_waits(number):
    made = re.sub(
        r" *### BEGIN SOLUTION.*### END SOLUTION",
        f"    {assignments.STUB}",
        assignments.answer_cell(number, SEED),
        flags=re.DOTALL,
    )
    space = {}
    exec(re.sub(r"^# Make .*\n +", "", made), space)
    assert verdict(number, space) == "waits"


# -- what an exercise forbids -------------------------------------------------------------------------------

FORBIDS = re.compile(
    r"[^.:;,]*\b(do not|don't|use no|without|by hand|never use|must not|shall not|avoid)\b[^.:;,]*",
    re.IGNORECASE,
)
# What sounds like it and forbids nothing; and what the numbers of an answer tell.
HARMLESS = {
    "6.5": "do not count",
    "7.2": "do not count",
    "9.4": "teach itself without label and without generator",
    "10.1": "without Adam",
    "11.2": "without a leak|without taking its place",
    "11.3": r"without it(?!\w)",
    "11.5": "without a truth",
}


def asked_of(number):
    """Give both texts of an exercise, each with what its check knows of it."""
    yield "book", PARTS[number].statement.source, find(number)
    made = variant(number, SEED)
    yield "graded", made.statement, made.exercise


@pytest.mark.parametrize("number", PARTS)
def test_what_a_text_forbids_is_looked_for(number):
    for where, text, exercise in asked_of(number):
        text = re.sub(r"\s+", " ", re.sub(r"```.*?```", "", text, flags=re.DOTALL))
        found = [one[0] for one in FORBIDS.finditer(text)]
        if number in HARMLESS:
            found = [one for one in found if not re.search(HARMLESS[number], one)]
        assert bool(found) == bool(exercise.without), f"{where}: {found}, {exercise.without}"
    if number in HARMLESS:
        texts = " ".join(re.sub(r"\s+", " ", text) for _, text, _ in asked_of(number))
        assert re.search(HARMLESS[number], texts), "strike it from HARMLESS"


def job(number, answer, own=()):
    """Judge an answer in a process of its own, after what its assignment shows of the chapter."""
    made = variant(number, SEED)
    notebook = CHAPTERS[int(number.split(".")[0])][2]
    context = assignments.context(notebook, [made.solution])
    cells = {"context": context, "own": list(own), "answers": {number: answer}}
    with Answers(cells, number, made.exercise.names, 36000) as names:
        return verdict(number, names)


def forbidden():
    """Give right answers that use what their exercise forbids: (exercise, answer, cells of one's own)."""
    parts = r"z_1 - (.*?), (.*?) - (.*)\n.*\n +return (.*?) \* e_1 - (.*?) \*"
    at, seen, f, p_1, p_2 = re.search(parts, variant("1.2", SEED).solution).groups()
    f = f.replace("np.", "jax.numpy.")
    energy = (
        "import jax\ndef E(z_1):\n"
        f"    return {p_1} / 2 * (z_1 - {at}) ** 2 + {p_2} / 2 * ({seen} - {f}) ** 2"
    )
    take = "def slope_2(z_1):\n    return {}(E)(z_1)"
    yield "1.2", f"{energy}\n{take.format('jax.grad')}", ()
    yield "1.2", f"{energy}\nfrom jax import grad as g\n{take.format('g')}", ()
    yield "1.2", f"{energy}\nslope_2 = jax.jit(jax.grad(E))", ()
    yield "1.2", "def slope_2(z_1):\n    return helper(z_1)", (f"{energy}\nhelper = jax.grad(E)",)
    yield (
        "1.2",
        f"{energy}\ndef slope_2(z):\n    from jax import jacfwd as g\n    return g(E)(z)",
        (),
    )
    solution = variant("4.1", SEED).solution
    prior = re.search(r"return (.*?) \+ alpha_disc", solution)[1]
    first = solution.splitlines()[0]
    call = f"{first}\n    return {prior} + {{}}(network, z, alpha_gen, alpha_disc)[0]"
    yield "4.1", call.format("bpc.activity_gradient"), ()
    yield "4.1", "from bpc_minimal import activity_gradient as a\n" + call.format("a"), ()
    yield "4.1", call.format("a"), ("a = bpc.energy and bpc.activity_gradient",)
    yield "4.1", call.format("getattr(bpc, 'activity_gradient')"), ()
    a, b = re.search(r"append\((.*?) \+ (.*?) \+", variant("5.4", SEED).solution).groups()
    yield "5.4", (
        "def relative_4(network, step_size):\n    from bpc_minimal import curvature\n    L = network.depth\n"
        f"    return curvature.relative_step(network, [{a}] * L, [{b}] * L, [step_size] * (L + 1))"
    ), ()  # fmt: skip
    at, gen, disc = re.search(
        r"image, ([-\d.]+)\)\).*alpha_gen=([\d.]+), alpha_disc=([\d.]+)\)",
        variant("11.3", SEED).solution,
        re.DOTALL,
    ).groups()
    yield "11.3", (
        "def settle_hidden(network, image, visible, steps, step):\n"
        f"    z = bpc.sweep_up(network, jnp.where(visible, image, {at}))\n"
        "    return bpc.infer(network, z, [False, False, False, visible], bpc.BIDIRECTIONAL, steps, step,\n"
        f"                     alpha_gen={gen}, alpha_disc={disc}, step_rule='fixed')"
    ), ()  # fmt: skip


@pytest.mark.parametrize(("number", "answer", "own"), [*forbidden()])
def test_a_right_answer_that_uses_what_is_forbidden_gets_nothing(number, answer, own):
    assert job(number, answer, own) == "forbidden"


def test_every_graded_exercise_that_forbids_is_tried():
    tried = {number for number, *_ in forbidden()}
    assert tried == {number for number in PARTS if variant(number, SEED).exercise.without}


def test_a_forbidden_name_that_only_checks_an_answer_costs_nothing():
    right = variant("1.2", SEED).solution
    looks = "import jax\nprint(jax.grad(jax.numpy.sin)(1.0), jax.grad(slope_2))"
    assert (
        job("1.2", f"{right}\n{looks}", ["from jax import grad\ngrad(lambda x: x)(1.0)"]) == "right"
    )
    own_name = right.replace("df", "grad")
    assert "grad" in own_name and job("1.2", own_name) == "right"


def test_every_margin_that_is_asked_of_names_images_of_each_digit():
    """So that whoever divides by their number need not ask what to give if there are none."""
    inputs = [
        (read, truth, margin)
        for read, truth, margin in find("9.3").cases(np.random.default_rng(CHECKED))
    ]
    for seed in range(20):
        for read, truth, margins in variant("9.3", f"seed {seed}").exercise.cases:
            inputs.append((read, truth, margins[-1]))
    for read, truth, margin in inputs:
        order = np.sort(read, axis=1)
        named = order[:, -1] - order[:, -2] > margin
        assert {*truth[named]} == {*range(10)} == {*read.argmax(axis=1)[named]}


def test_runs_that_tie_are_different_runs():
    drawn = find("8.4").cases(np.random.default_rng(CHECKED))
    for cases in (drawn, variant("8.4", SEED).exercise.cases):
        assert all(len({*accuracies}) < len(accuracies) for accuracies, _ in cases)
    solution = variant("8.4", SEED).solution
    by_set = solution.replace("combinations(accuracies", "combinations(set(accuracies)")
    assert by_set != solution and "tie" in verdict("8.4", space_of("8.4", by_set))


@pytest.mark.parametrize("number", PARTS)
def test_a_statement_that_names_an_exercise_says_that_it_is_the_books(number):
    """An assignment's exercises have the numbers of the book's: one would refer to itself."""
    text = re.sub(r"\s+", " ", variant(number, SEED).statement)
    for named in re.finditer(r"\b[Ee]xercises? (\d+\.\d+)( of the book\b)?", text):
        assert named[2], text


# -- the notebooks ------------------------------------------------------------------------------------------


@pytest.fixture(scope="module", params=CHAPTERS)
def source(request):
    path, title, notebook = CHAPTERS[request.param]
    return request.param, assignments.assignment("week-1", path, title, notebook, SEED)


def test_every_exercise_of_the_chapter_is_there_with_points_on_its_last_check(source):
    chapter, notebook = source
    nbformat.validate(notebook)
    marks = [cell.metadata.nbgrader for cell in notebook.cells]
    assert len({mark.grade_id for mark in marks}) == len(marks)
    assert {mark.schema_version for mark in marks} == {3}
    numbers = [number for number in PARTS if number.startswith(f"{chapter}.")]
    graded = {mark.grade_id: mark.points for mark in marks if mark.grade}
    assert graded == {f"points-{n.replace('.', '-')}": points(n) for n in numbers}
    assert all(5 * points(n) == find(n).minutes for n in numbers)
    for number in numbers:
        place = number.replace(".", "-")
        ids = [mark.grade_id for mark in marks if mark.grade_id.endswith(f"-{place}")]
        assert ids == [f"{what}-{place}" for what in ("text", "answer", "form", "points")]
    assert [mark.grade_id for mark in marks if not mark.locked] == [
        f"answer-{n.replace('.', '-')}" for n in numbers
    ]


def test_a_notebook_holds_no_more_of_the_chapter_than_is_needed(source):
    _, notebook = source
    (code,) = [cell.source for cell in notebook.cells if cell.id == "context"]
    assert not re.search(r"\bfigures\b|bpc\.(fit|mnist|load_mnist)\(|\btime\b", code), code
    made = {line.split("(")[0] for line in re.findall(r"^def (.*)", code, re.MULTILINE)}
    used = code + "".join(c.source for c in notebook.cells if c.id.startswith("answer"))
    assert all(len(re.findall(rf"\b{name}\b", used)) > 1 for name in made)


def test_hidden_tests_say_no_number_and_no_time(source):
    for cell in source[1].cells:
        if cell.metadata.nbgrader.grade:
            hidden = cell.source.split("### BEGIN HIDDEN TESTS\n")[1].splitlines()
            assert hidden[:2] == ["from graded import grade", ""] and hidden[2].startswith("grade(")
    assert not re.search(r"perf_count|time[i]t", "".join(cell.source for cell in source[1].cells))


def test_a_course_keeps_its_seed(tmp_path):
    names = assignments.write_course(SEED, tmp_path)
    assert names == [*ASSIGNMENTS] and len(names) == 6 + 6
    for name, chapter in ASSIGNMENTS.items():
        head = nbformat.read(tmp_path / "source" / name / f"{name}.ipynb", as_version=4).cells[0]
        kind = "Week" if chapter in WEEKS else "Chapter"
        number = [*ASSIGNMENTS].index(name) + 1 if chapter in WEEKS else chapter
        assert head.source.startswith(f"# {kind} {number}: {CHAPTERS[chapter][1]}\n")
        assert f"chapter {chapter}" in head.source
    assert assignments.write_course(SEED, tmp_path) == names
    with pytest.raises(ValueError, match="another seed"):
        assignments.write_course(OTHER, tmp_path)
    ignored = subprocess.run(["git", "check-ignore", "course/graded/seed.txt"], cwd=ROOT)
    assert ignored.returncode == 0, "a seed may be committed"


# -- an answer runs apart -----------------------------------------------------------------------------------

RIGHT = variant("1.2", SEED).solution
CHEATS = {
    "all that compares says yes": "import numpy as np\nnp.allclose = lambda *a, **k: True",
    "the judge is another": "import bpc_minimal.checks.core as core\ncore.judge = lambda *a: 'fine'",
    "the tests are another": "import sys, types\nsys.modules['graded'] = types.SimpleNamespace(grade=print)",
    "the answers are read": "import graded\nraise SystemExit",
}


def apart(answer, own=()):
    cells = {"context": "import numpy as np", "own": list(own), "answers": {"1.2": answer}}
    with Answers(cells, "1.2", ["slope_2"], 36000) as names:
        return verdict("1.2", names)


def test_an_answer_is_called_where_it_is():
    assert apart(RIGHT) == apart(RIGHT, ["1 / 0", "helper = 1"]) == "right"
    assert apart("%matplotlib inline\n" + RIGHT) == "right"
    assert apart("def slope_2(z_1):\n    return helper", ["helper = 2.0"]) == "ignores z_1"
    assert apart("def slope_2(z_1):\n    ...  # your answer") == apart("") == "waits"
    assert apart("def slope_2(z_1):\n    import os\n    os._exit(0)") == "ended"
    assert apart("def slope_2(z):\n    return z[0]") == "raised"


@pytest.mark.parametrize("cheat", CHEATS)
def test_whoever_writes_over_the_judge_wins_nothing(cheat):
    wrong = "def slope_2(z_1):\n    return z_1"
    try:
        found = apart(f"{wrong}\n{CHEATS[cheat]}", [CHEATS[cheat]])
    except Wrong as stopped:
        found = stopped.key
    assert found not in ("right", "waits")


WAYS = {
    "an import": "sys.path.insert(0, course)\nfrom graded.variant import variant as told",
    "its address": "told = open(seed).read()",
    "a link": "os.symlink(seed, 'mine')\ntold = open('mine').read()",
    "a folder": "fd = os.open(os.path.dirname(course), 0)\n"
    "told = open(os.open(seed[len(course) - len(os.path.basename(course)):], 0, dir_fd=fd)).read()",
    "a listing": "told = os.listdir(course)",
    "another process": "told = subprocess.check_output(['cat', seed])",
    "a process that runs": "told = open(f'/proc/{os.getppid()}/environ').read()",
    "a library": "import ctypes\ntold = ctypes.CDLL(None).system(b'true')",
    "the lock": "import builtins, gc\nbuiltins.PermissionError = os.stat = None\n"
    "gc.get_objects()\ntold = open(seed).read()",
    "another machine": "import socket\ntold = socket.create_connection(('127.0.0.1', 9))",
    "a deletion": "told = os.remove(seed)",
}
# These are tried one after another by one answer; `late` is a neighbour's, handed in while it runs.
MORE_WAYS = {
    "a new file": "told = open(course + '/sitecustomize.py', 'w')",
    "a new file by a path": "told = pathlib.Path(course, 'graded', 'evil.py').write_text('1')",
    "a new file by its number": "told = os.open(course + '/evil.py', os.O_CREAT | os.O_WRONLY)",
    "a new file by bytes": "told = open(os.fsencode(course + '/graded/evil.py'), 'xb')",
    "a new file from here": "told = open(os.path.relpath(course) + '/evil.pth', 'w')",
    "a new file in a new folder": "told = os.makedirs(course + '/numpy')",
    "a raw file": "told = io.FileIO(pathlib.Path(seed)).read()",
    "a raw new file": "told = io.FileIO(pathlib.Path(course, 'evil.py'), 'w')",
    "a path of one's own": "class P:\n    def __fspath__(self): return seed\ntold = io.FileIO(P()).read()",
    "two paths in one": "class P:\n    def __fspath__(self):\n        now = ways.pop()\n        return now\n"
    "ways = ['harmless', seed] * 3\nopen('harmless', 'w').close()\ntold = io.FileIO(P(), 'w')",
    "a path that lies": "class S(str):\n    def rpartition(self, *_): return '', '', 'harmless'\n"
    "told = os.remove(S(late))",
    "a later file, read": "told = open(late).read()",
    "a later file, removed": "told = os.remove(late)",
    "a later file, renamed": "told = os.rename(late, 'mine')",
    "a later file, replaced": "open('mine', 'w').close()\ntold = os.replace('mine', late)",
    "a later file, linked": "told = os.link(late, 'mine')",
    "a later file, by a link": "os.symlink(os.path.dirname(late), 'mine')\n"
    "told = open('mine/' + os.path.basename(late)).read()",
    "a later file, copied": "told = shutil.copy(late, 'mine')",
    "a later file, copied over": "open('mine', 'w').close()\ntold = shutil.copy('mine', late)",
    "a later file, moved": "told = shutil.move(late, 'mine')",
    "a later file, by a path": "told = pathlib.Path(late).read_text()",
    "a later file, cut": "told = os.truncate(late, 0)",
    "a later file, closed": "told = os.chmod(late, 0)",
    "a later file, listed": "told = os.listdir(os.path.dirname(late))",
    "a tree": "told = shutil.rmtree(course + '/submitted')",
    "itself": "told = open('/proc/self/environ').read()",
    "the root of itself": "told = open('/proc/self/root' + seed).read()",
    "what is left open": "told = os.listdir('/dev/fd')",
    "a place of packages": "told = open(np.__file__, 'r+')",
    "a place of the user's": "told = os.makedirs(os.path.expanduser('~/.ipython/startup'))",
    "a file of the user's": "told = open(os.path.expanduser('~/.bash_history')).read()",
    "files of others for a moment": "told = os.listdir('..')",
    "a long way round": "told = open(course + '/graded' * 0 + '/.' * 1900 + '/evil.py', 'w')",
    "a pipe with a name": "told = os.mkfifo(course + '/evil.py')",
    "a process without its event": "import _posixsubprocess\ntold = _posixsubprocess.fork_exec()",
    "a process of Python's own": "import multiprocessing\n"
    "told = multiprocessing.get_context('spawn').Process(target=print).start()",
    "a second interpreter": "import _xxsubinterpreters\ntold = _xxsubinterpreters.create()",
    "code of the machine": "path = os.path.abspath('evil.so')\nopen(path, 'wb').close()\n"
    "from importlib import machinery as m\nloader = m.ExtensionFileLoader('evil', path)\n"
    "told = loader.create_module(m.ModuleSpec('evil', loader, origin=path))",
    "a line to the judge": "import zmq\ntold = zmq.Context()",
    "a history": "import readline\nreadline.read_history_file(seed)\ntold = readline.get_history_item(1)",
    "a history, written": "import readline\ntold = readline.write_history_file(course + '/evil.py')",
    "another language": "import tkinter\ntold = tkinter.Tcl().eval('exec cat ' + seed)",
    "a database": "import sqlite3\n"
    "told = sqlite3.connect(course + '/gradebook.db').execute('create table t(x)')",
    "memory of others": "from multiprocessing import shared_memory\n"
    "told = shared_memory.SharedMemory('evil', True, 9)",
    "a log": "import syslog\ntold = syslog.syslog('hello')",
    "the answers of the package": "from bpc_minimal.checks.chapter_01 import chain_energies as told",
    "their text": "import bpc_minimal\n"
    "told = pathlib.Path(bpc_minimal.__file__).with_name('checks').joinpath('chapter_01.py').read_text()",
    "the tools": "told = open(os.path.join(root, 'tools', 'graded', 'chapter_01.py')).read()",
    "their names": "told = os.listdir(os.path.join(root, 'tools'))",
}
REFUSALS = "out of reach", "not permitted", "Permission denied", "is not a package"
# What Linux lets an answer do, if Python lets it, and what leads nowhere: it asks for what is its own.
FOR_NOTHING = {
    "itself",
    "what is left open",
    "a line to the judge",
    "a second interpreter",
    "a library",
}
FOR_NOTHING |= {"a log", "a later file, closed"}  # done in vain


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    folder = tmp_path_factory.mktemp("written")
    assignments.write_course(SEED, folder)
    (folder / "submitted" / "amy").mkdir(parents=True)
    return folder


@pytest.mark.parametrize("way", WAYS)
def test_what_is_the_lecturers_is_out_of_reach_of_an_answer(way, written, monkeypatch):
    monkeypatch.setattr(graded.apart, "CHILD", written / "graded" / "child.py")
    monkeypatch.setenv("SECRET_TOKEN", SEED)
    seed = written / "graded" / "seed.txt"
    start = f"import os, subprocess, sys\ncourse, seed = {str(written)!r}, {str(seed)!r}\n"
    with pytest.raises(Wrong) as found:
        apart(f"{start}{WAYS[way]}\nraise ValueError(told)")
    said = str(found.value)
    assert found.value.key == "raised" and SEED not in said
    refused = any(words in said for words in REFUSALS)
    assert refused or (way == "an import" and "ModuleNotFoundError" in said)
    assert seed.is_file()
    with pytest.raises(Wrong) as found:
        apart("import os\nraise ValueError([*os.environ.values()])")
    assert SEED not in str(found.value)


TRY_ALL = """
import io, os, pathlib, shutil, site, sys, tempfile, traceback
said = {}
for way, code in ways.items():
    try:
        space = {"np": np, "course": course, "seed": seed, "late": late, "root": root}
        exec("import io, os, pathlib, shutil, site, sys, tempfile\\n" + code, space)
        said[way] = "done: " + str(space.get("told"))
    except BaseException as error:
        said[way] = f"{type(error).__name__}: {error}"
"""


def tried(ways, course, monkeypatch):
    """Let one answer try several things; give what came of each."""
    late = course / "submitted" / "amy" / "late.txt"
    monkeypatch.setattr(graded.apart, "CHILD", course / "graded" / "child.py")
    hear = Answers.hear

    def hand_in(self):
        said = hear(self)
        if said == {"ready": True}:
            late.write_text(SEED)
        return said

    monkeypatch.setattr(Answers, "hear", hand_in)
    seed = course / "graded" / "seed.txt"
    places = (*map(str, (course, seed, late, ROOT)),)
    known = f"ways, course, seed, late, root = {ways!r}, *{places!r}"
    wait = "import time\nwhile not os.path.exists(late):\n    time.sleep(0.1)"
    answer = f"import os\n{known}\n{wait}\n{TRY_ALL}"
    cells = {"context": "import numpy as np", "own": [], "answers": {"1.2": answer}}
    before = sorted(map(str, course.rglob("*")))
    with Answers(cells, "1.2", ["said"], 36000) as names:
        said = names["said"]
    changed = {*map(str, course.rglob("*"))} ^ {*before, str(late)}
    whole = late.is_file() and late.stat().st_mode & 0o400
    whole = whole and late.read_text() == seed.read_text().strip() == SEED
    shutil.rmtree(late.parent, ignore_errors=True)
    late.parent.mkdir()
    return said, whole and not changed


def test_no_other_way_leads_there(written, monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".bash_history").write_text(SEED)
    said, whole = tried(MORE_WAYS, written, monkeypatch)
    assert {w: told for w, told in said.items() if not any(r in told for r in REFUSALS)} == {}
    assert {*said} == {*MORE_WAYS} and SEED not in str(said) and whole
    assert [*tmp_path.iterdir()] == [tmp_path / ".bash_history"]


@pytest.mark.skipif(not able(), reason="this system has no Landlock, or no libseccomp")
def test_linux_holds_an_answer_that_python_does_not(written, monkeypatch, tmp_path):
    course = shutil.copytree(written, tmp_path / "course")
    child = course / "graded" / "child.py"
    child.write_text(child.read_text().replace("    guard(course)\n", ""))
    assert "    guard(" not in child.read_text()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / ".bash_history").write_text(SEED)
    ways = {k: v for k, v in (WAYS | MORE_WAYS).items() if k != "the answers of the package"}
    said, whole = tried(ways, course, monkeypatch)
    assert {way for way, told in said.items() if told.startswith("done")} <= FOR_NOTHING
    assert {*said} == {*ways} and SEED not in str(said) and whole
    assert [*(tmp_path / "home").iterdir()] == [tmp_path / "home" / ".bash_history"]


def test_a_course_inside_what_may_be_read_is_closed_all_the_same(tmp_path):
    """Such as one in the folder of the environment that grades it."""
    for name in ("lib/numpy", "teaching/course/graded", "teaching/other"):
        (tmp_path / name).mkdir(parents=True)
    course = tmp_path / "teaching" / "course"
    open_ = {*around(str(tmp_path), str(course))}
    assert open_ == {str(tmp_path / "lib"), str(tmp_path / "teaching" / "other")}
    assert [*around(str(course), str(course))] == []
    assert [*around(str(tmp_path / "lib"), str(course))] == [str(tmp_path / "lib")]


@pytest.mark.parametrize("code", ["x = [0]\nwhile True: x *= 2", "x = np.empty(2**30)"])
def test_an_answer_that_takes_all_memory_is_told(code):
    with pytest.raises(Wrong, match="MemoryError") as found:
        apart(code)
    assert found.value.key == "raised"


LINES = {
    "no line of ours": ["", "what?"],
    "no object": ["4", "[1]", "null", '"ready"', "[" * 99999],
    "half an object": ['{"error": "NameError"}', '{"slope_2": {}}', '{"slope_2": 4}', '{"error": 4}'],
    "no array": [
        '{"slope_2": {"value": {"kind": "array", "type": "O", "shape": [1], "data": "AAAAAAAAAAA="}}}',
        '{"slope_2": {"value": {"kind": "array", "type": "<f8", "shape": [9], "data": ""}}}',
        '{"slope_2": {"value": {"kind": "dict", "of": [[[1], 2]]}}}',
    ],
    "no function": ['{"slope_2": {"function": [["z_1", 99]], "nothing": false}}'],
    "no call": ['{"slope_2": {"function": [["z_1", 1]], "nothing": false}}\n{"value": {"kind": 4}}',
                '{"slope_2": {"function": null, "nothing": false}}\n{"error": 4, "line": 0, "message": ""}'],
}  # fmt: skip


@pytest.mark.parametrize(
    "line", [pytest.param(x, id=f"{k} {x[:40]}") for k in LINES for x in LINES[k]]
)
def test_who_writes_where_the_judge_reads_is_named(line):
    write = f"import os\nfor fd in range(3, 9):\n    try:\n        os.write(fd, {line.encode()!r} + b'\\n')"
    try:
        key = apart(f"{write}\n    except OSError:\n        pass\n{RIGHT}")
    except Wrong as wrong:  # before there is an answer
        key = wrong.key
    assert key == "forged"


@pytest.mark.parametrize(
    ("code", "key"), [("while True: pass", "not graded"), ("time.sleep(9999)", "endless")]
)
def test_an_answer_for_which_the_clock_was_too_short_is_not_judged(code, key):
    answer = f"import time\ndef slope_2(z_1):\n    {code}"
    cells = {"context": "import numpy as np", "own": [], "answers": {"1.2": answer}}
    with Answers(cells, "1.2", ["slope_2"], 36000) as names:
        names.ends = 0  # a busy machine's clock
        assert verdict("1.2", names) == key


FREE = {
    "a file": "open('mine', 'w').write('1')\nassert open('mine').read() == '1'\nos.remove('mine')",
    "a path": "pathlib.Path('a/b').mkdir(parents=True)\np = pathlib.Path('a/b/c')\np.write_text('1')\n"
    "p.rename('a/d')\nassert [*pathlib.Path('a').glob('*')]\nshutil.rmtree(pathlib.Path('a'))",
    "folders for a moment": "with tempfile.TemporaryDirectory() as one:\n    os.makedirs(one + '/a/b/c')\n"
    "    shutil.copy(np.__file__, one + '/a/b')\nassert not os.path.exists(one)",
    "a file for a moment": "with tempfile.NamedTemporaryFile('w') as f:\n    f.write('1')",
    "a path of the system's": "with tempfile.TemporaryDirectory() as one:\n    p = pathlib.Path(one) / 'x'\n"
    "    p.mkdir()\n    p.chmod(0o700)\n    os.rmdir(p)\n    os.open(p.parent, os.O_RDONLY)",
    "what is not there": "try:\n    open('nowhere/mine', 'w')\nexcept FileNotFoundError:\n    pass",
    "numbers": "np.save('mine', np.arange(3))\nassert np.load('mine.npy').sum() == 3\n"
    "np.savetxt(pathlib.Path('x'), [1.0])\nnp.arange(3).tofile(pathlib.Path('y'))",
    "jax": "import jax\nassert jax.jit(lambda x: 2 * x)(1.0) == 2.0\njax.grad(jax.numpy.sin)(0.0)",
    "the package": "import jax\nimport bpc_minimal as bpc\nbpc.make_network(jax.random.key(0), (3, 2))",
    "its images": "import bpc_minimal as bpc\nbpc.load_mnist()",
    "a figure": "import matplotlib\nmatplotlib.use('agg')\nimport matplotlib.pyplot as plt\n"
    "plt.plot([1, 2])\nplt.title('$x_1$')\nplt.savefig('mine.png')\nplt.savefig(pathlib.Path('mine.svg'))",
    "nothing": "open(os.devnull, 'w').write('1')",
    "its own module": "open('mine.py', 'w').write('x = 1')\nsys.path.insert(0, os.getcwd())\nimport mine",
    "a worker": "from concurrent.futures import ThreadPoolExecutor\n[*ThreadPoolExecutor(2).map(abs, [1])]",
    "many libraries": "import asyncio, csv, decimal, html, json, logging, sqlite3, statistics, zipfile",
}


def test_an_answer_may_use_what_a_notebook_uses_and_files_of_its_own(written, monkeypatch):
    said, whole = tried(FREE, written, monkeypatch)
    assert {way: told for way, told in said.items() if told != "done: None"} == {}
    assert {*said} == {*FREE} and whole
    assert apart(RIGHT) == "right"


# -- before grading -----------------------------------------------------------------------------------------


def released(week=1):
    """Give a notebook as students get it."""
    made = assignments.assignment(f"week-{week}", *CHAPTERS[WEEKS[week - 1]], SEED)
    for cell in made.cells:
        cell.source = re.sub(
            r"### BEGIN SOLUTION.*### END SOLUTION", assignments.STUB, cell.source, flags=re.DOTALL
        )
        cell.source = re.sub(r"### BEGIN HIDDEN.*", "", cell.source, flags=re.DOTALL)
    return made


def by_id(notebook):
    return {preflight.id_of(cell): cell for cell in notebook.cells}


def answered(notebook, seed=SEED):
    for name, cell in by_id(notebook).items():
        if name.startswith("answer-"):
            number = name.removeprefix("answer-").replace("-", ".")
            cell.source = variant(number, seed).solution
    return notebook


def spoilt():
    """Give a submission with all that befalls one: cells twice, gone, stripped, of another assignment."""
    notebook = answered(released())
    cells = by_id(notebook)
    empty = copy.deepcopy(by_id(released())["answer-1-2"])
    twice = [copy.deepcopy(cells["text-1-3"]), copy.deepcopy(cells["points-1-3"]), empty]
    gone = ("points-1-4", "answer-1-5", "head")
    for name in ("answer-1-1", "points-1-1"):
        del cells[name].metadata["nbgrader"]
        cells[name].id = "x" + name
    stranger = nbformat.v4.new_code_cell("1")
    stranger.metadata.nbgrader = {**cells["answer-1-1"].get("metadata"), "grade_id": "week-9"}
    notebook.cells = [c for c in notebook.cells if preflight.id_of(c) not in gone]
    notebook.cells += [*twice, stranger]
    return notebook


def test_preflight_repairs_what_it_can_and_says_so():
    notebook, whole = spoilt(), released()
    said = list(preflight.repair(notebook, whole))
    assert [preflight.id_of(c) for c in notebook.cells if preflight.id_of(c)] == [
        preflight.id_of(c) for c in whole.cells
    ]
    now, theirs = by_id(notebook), by_id(answered(released()))
    for name, cell in by_id(whole).items():
        assert now[name].metadata.nbgrader == cell.metadata.nbgrader
        if name.startswith("answer-"):
            lost = name == "answer-1-5"
            assert now[name].source == (cell if lost else theirs[name]).source
    told = "\n".join(said)
    for name in ("answer-1-1", "points-1-1", "text-1-3", "answer-1-2", "points-1-4", "week-9"):
        assert name in told
    assert "answer-1-5 was deleted; put back, without an answer" in said
    assert list(preflight.repair(notebook, whole)) == []


def above_and_below():
    """Give a submission whose answers stand in cells of the student's own below what was given out."""
    notebook = released()
    for number in ("1.1", "1.2", "1.5"):
        at = [preflight.id_of(c) for c in notebook.cells].index(f"form-{number.replace('.', '-')}")
        cell = nbformat.v4.new_code_cell("%matplotlib inline\n" + variant(number, SEED).solution)
        notebook.cells.insert(at + 1, cell)
    by_id(notebook)["answer-1-1"].source = "# I have put it below\n"
    return notebook


def test_an_answer_in_a_cell_below_what_was_given_out_counts_and_is_named():
    notebook, whole = above_and_below(), released()
    said = list(preflight.repair(notebook, whole))
    for number, name in (("1.1", "precision_1"), ("1.2", "slope_2"), ("1.5", "taught_5")):
        place = f"answer-{number.replace('.', '-')}"
        assert variant(number, SEED).solution in by_id(notebook)[place].source
        assert any(line.startswith(f"{place} was left") and name in line for line in said)
    assert len(said) == 3 and list(preflight.repair(notebook, whole)) != said
    assert by_id(notebook)["answer-1-3"].source == by_id(whole)["answer-1-3"].source
    two = assignments.assignment("week-4", *CHAPTERS[4], SEED)
    for cell in two.cells:
        cell.source = re.sub(r"###.*###[^\n]*", "...", cell.source, flags=re.DOTALL)
    parted = copy.deepcopy(two)  # an answer of two names, each in a cell of its own
    parted.cells += map(nbformat.v4.new_code_cell, variant("4.2", SEED).solution.split("\n"))
    (line,) = preflight.repair(parted, two)
    assert "other_disc and other_gen" in line
    assert by_id(parted)["answer-4-2"].source.split() == variant("4.2", SEED).solution.split()


def test_an_answer_given_twice_is_named_and_the_one_in_its_own_cell_counts():
    notebook, whole = answered(released()), released()
    notebook.cells.append(nbformat.v4.new_code_cell("def slope_2(z_1):\n    return z_1"))
    (line,) = preflight.repair(notebook, whole)
    assert line.startswith("answer-1-2 is answered") and "slope_2" in line
    assert by_id(notebook)["answer-1-2"].source == variant("1.2", SEED).solution


CHANGED = {
    "grade without a name": lambda cells, nb: nb.cells.append(
        nbformat.v4.new_code_cell("1", metadata={"nbgrader": {"grade": True, "points": 9}})
    ),
    "no marks at all": lambda cells, nb: nb.cells.append(
        nbformat.v4.new_code_cell("1", metadata={"nbgrader": None})
    ),
    "a name that is none": lambda cells, nb: nb.cells.append(
        nbformat.v4.new_code_cell("1", metadata={"nbgrader": {"grade_id": ["answer-1-1"]}})
    ),
    "its name alone lost": lambda cells, nb: cells["points-1-1"].metadata.nbgrader.pop("grade_id"),
    "an answer in Markdown": lambda cells, nb: cells["answer-1-1"].update(cell_type="markdown"),
    "a check that is raw": lambda cells, nb: cells["points-1-1"].update(cell_type="raw"),
    "a text that is code": lambda cells, nb: cells["text-1-1"].update(cell_type="code"),
    "more points": lambda cells, nb: cells["points-1-1"].metadata.nbgrader.update(points=100),
    "another check": lambda cells, nb: cells["points-1-1"].update(source="pass"),
    "another context": lambda cells, nb: cells["context"].update(source="import numpy as np"),
    "an unlocked cell": lambda cells, nb: cells["context"].metadata.nbgrader.update(locked=False),
}


@pytest.mark.parametrize("change", CHANGED)
def test_each_repair_is_named(change):
    notebook, whole = answered(released()), released()
    assert list(preflight.repair(copy.deepcopy(notebook), whole)) == []
    CHANGED[change](by_id(notebook), notebook)
    said = list(preflight.repair(notebook, whole))
    assert len(said) == 1 and len(said[0]) > 20
    for name, cell in by_id(notebook).items():
        if name is not None:
            given = by_id(whole)[name]
            assert (cell.cell_type, cell.metadata.nbgrader) == (
                given.cell_type,
                given.metadata.nbgrader,
            )
            assert name.startswith("answer-") or cell.source == given.source
        else:
            assert "nbgrader" not in cell.metadata
    nbformat.validate(notebook)
    assert list(preflight.repair(notebook, whole)) == []


def test_a_package_that_is_not_there_is_named_before_it_costs_points():
    notebook, whole = answered(released()), released()
    cell = by_id(notebook)["answer-1-1"]
    cell.source = "import nowhere.at_all as n, scipy\nfrom jax import numpy\n" + cell.source
    assert [line for line in preflight.repair(notebook, whole)] == [
        "answer-1-1 imports nowhere, which is not here: nothing after that line runs"
    ]
    head = by_id(whole)["head"].source
    assert all(f"`{package}`" in head for package in assignments.THERE)
    listed = (ROOT / "requirements-kit.txt").read_text("utf-8")
    for package in assignments.THERE:
        assert package == "bpc_minimal" or re.search(rf"^{package}==", listed, re.MULTILINE)
    assert not re.search(r"^pandas==", listed, re.MULTILINE), "the head says that it is not there"


@pytest.mark.parametrize("seed", ["7", "secret", "eleven char"])
def test_a_seed_that_is_guessed_is_refused(seed, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["assignments.py", seed, str(tmp_path)])
    with pytest.raises(SystemExit):
        assignments.main()
    said = capsys.readouterr().err
    assert repr(seed) in said and f"{len(seed)} characters" in said and "12 or more" in said
    assert 'python -c "import secrets; print(secrets.token_hex(8))"' in said
    assert [*tmp_path.iterdir()] == []


def test_preflight_mends_what_colab_writes_so_that_nobody_calls_it_invalid(tmp_path):
    handed_in = tmp_path / "submitted" / "amy" / "week-1" / "week-1.ipynb"
    given = tmp_path / "release" / "week-1" / "week-1.ipynb"
    for path, notebook in ((handed_in, answered(released())), (given, released())):
        path.parent.mkdir(parents=True)
        nbformat.write(notebook, path)
    raw = json.loads(handed_in.read_text("utf-8")) | {"nbformat_minor": 0}
    handed_in.write_text(json.dumps(raw))
    tool = [sys.executable, ROOT / "tools" / "preflight.py", tmp_path]
    done = subprocess.run(tool, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "amy week-1: in order\n", "")
    nbformat.validate(json.loads(handed_in.read_text("utf-8")))
    assert (tmp_path / "preflight" / "amy" / "week-1" / "week-1.ipynb").is_file()


def test_assignments_that_install_from_nobody_are_named(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["assignments.py", SEED, str(tmp_path)])
    monkeypatch.setattr(assignments, "write_course", lambda seed, folder: [])
    monkeypatch.setattr(assignments, "release", lambda folder, names: None)
    for owner, warned in (("OWNER/bpc-book", True), ("amy/bpc-book", False)):
        monkeypatch.setattr(assignments.set_repository, "current", lambda root, owner=owner: owner)
        assert assignments.main() == 0
        assert ("make set-repository" in capsys.readouterr().err) == warned


def test_preflight_names_what_it_cannot_repair(tmp_path):
    for name in ("amy", "ben", "cem", "dot"):
        (tmp_path / "submitted" / name / ("week-8" if name == "dot" else "week-1")).mkdir(
            parents=True
        )
    (tmp_path / "release" / "week-1").mkdir(parents=True)
    nbformat.write(released(), tmp_path / "release" / "week-1" / "week-1.ipynb")
    amy, ben, *_ = sorted((tmp_path / "submitted").glob("*/week-1"))
    nbformat.write(spoilt(), amy / "week-1 (2).ipynb")
    (ben / "week-1.ipynb").write_text("{")
    tool = [sys.executable, ROOT / "tools" / "preflight.py", tmp_path]
    done = subprocess.run(tool, capture_output=True, text=True)
    assert done.returncode == 1 and done.stderr == "3 cannot be graded as they are\n"
    assert "amy week-1: was called week-1 (2).ipynb; renamed" in done.stdout
    assert "ben week-1: cannot be read" in done.stdout
    assert "cem week-1: week-1.ipynb is expected; here is nothing" in done.stdout
    assert "dot week-8: no such assignment; there are week-1" in done.stdout
    kept = tmp_path / "preflight" / "amy" / "week-1" / "week-1 (2).ipynb"
    assert kept.is_file() and (amy / "week-1.ipynb").read_text() != kept.read_text()


# -- nbgrader's own commands --------------------------------------------------------------------------------


def tampered(notebook):
    """Change all that is locked, and let each answer write over what might judge it."""
    answered(notebook, OTHER)
    for name, cell in by_id(notebook).items():
        if name.startswith("points-"):
            cell.source, cell.metadata.nbgrader.points = "pass", 100
        elif name.startswith("answer-"):
            cell.source += "\n\n" + "\n".join(list(CHEATS.values())[:3])
    by_id(notebook)["context"].source = "import numpy as np\nnp.allclose = lambda *a, **k: True"
    return notebook


def endless(notebook):
    answered(notebook)
    cells = by_id(notebook)
    cells["answer-1-2"].source = "def slope_2(z_1):\n    while True:\n        pass"
    return notebook


SUBMISSIONS = {
    "reference": answered,
    "empty": lambda notebook: notebook,
    "another-seed": lambda notebook: answered(notebook, OTHER),
    "tampered": tampered,
    "endless": endless,
}


JUDGE = """
import json, sys
sys.path.insert(0, sys.argv[1])
from graded.autograde import GradeApart
from nbformat.v4 import new_code_cell, new_notebook
about = {"schema_version": 3, "locked": True, "solution": False, "task": False}
marks = {"context": {"grade": False}, "points-1-2": {"grade": True, "points": 1},
         "answer-1-2": {"grade": False, "solution": True, "locked": False}}
sources = {"context": "import numpy as np", "answer-1-2": sys.argv[3],
           "points-1-2": 'from graded import grade\\n\\ngrade("1.2")'}
cells = [new_code_cell(text, metadata={"nbgrader": {**about, **marks[name], "grade_id": name}})
         for name, text in sources.items()]
kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
nb = new_notebook(cells=cells, metadata={"kernelspec": kernel})
GradeApart(timeout=int(sys.argv[4])).preprocess(nb, {"metadata": {"path": sys.argv[2]}})
print(json.dumps(nb.cells[-1].outputs))
"""


@pytest.mark.slow
def test_the_judge_runs_where_nothing_of_a_students_lies(written, tmp_path):
    """A file that is handed in beside the notebook is not imported in the place of the judge's own."""
    if not (BIN / "nbgrader").exists():
        pytest.skip("the kit's environment is not there: make .venv-kit/installed")
    for name in ("graded", "numpy", "bpc_minimal", "sitecustomize", "json"):
        (tmp_path / f"{name}.py").write_text("grade = lambda number: print('planted')\n")
    (written / "sitecustomize.py").write_text("print('planted')")

    def judged(answer, timeout):
        command = [BIN / "python", "-c", JUDGE, written, tmp_path, answer, str(timeout)]
        env = {k: v for k, v in os.environ.items() if k not in ("XLA_FLAGS", "PYTHONPATH")}
        return subprocess.run(command, capture_output=True, text=True, env=env)

    done = judged(RIGHT, 36000)
    (written / "sitecustomize.py").unlink()
    assert done.returncode == 0, done.stderr
    assert "Exercise 1.2 is right" in done.stdout and "planted" not in done.stdout
    done = judged(RIGHT, 1)  # so that no mark is given where the clock ran out
    assert done.returncode and "not graded" in done.stderr and "--GradeApart.timeout" in done.stderr


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """Make a course, hand in, and let nbgrader grade it; give the folder and the scores."""
    if not (BIN / "nbgrader").exists():
        pytest.skip("the kit's environment is not there: make .venv-kit/installed")
    folder = tmp_path_factory.mktemp("course")
    environment = {k: v for k, v in os.environ.items() if k not in ("XLA_FLAGS", "PYTHONPATH")}

    def do(*command):
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, env=environment)
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]

    do(BIN / "python", ROOT / "tools" / "assignments.py", SEED, folder)
    names = sorted(path.name for path in (folder / "release").iterdir())
    assert names == sorted(ASSIGNMENTS)

    def hand_in(student, name, notebook):
        file = folder / "submitted" / student / name / f"{name}.ipynb"
        file.parent.mkdir(parents=True)
        nbformat.write(notebook, file)

    for name in names:
        given = nbformat.read(folder / "release" / name / f"{name}.ipynb", as_version=4)
        hand_in("reference", name, answered(copy.deepcopy(given)))
        if name.startswith("chapter-"):
            hand_in("another-seed", name, answered(copy.deepcopy(given), OTHER))
        if name == "week-1":
            for student, change in SUBMISSIONS.items():
                if student != "reference":
                    hand_in(student, name, change(copy.deepcopy(given)))
            hand_in("spoilt", name, spoilt())
    do(BIN / "python", ROOT / "tools" / "preflight.py", folder)
    for name in names:
        do(BIN / "nbgrader", "autograde", name, "--GradeApart.timeout=36000")
    do(BIN / "nbgrader", "generate_feedback", "week-1")
    do(BIN / "nbgrader", "export", "--to=grades.csv")
    rows = [line.split(",") for line in (folder / "grades.csv").read_text().splitlines()]
    table = [dict(zip(rows[0], row, strict=True)) for row in rows[1:]]
    return folder, {
        (row["student_id"], row["assignment"]): (float(row["score"]), float(row["max_score"]))
        for row in table
    }


@pytest.mark.slow
@pytest.mark.parametrize("name", ASSIGNMENTS)
def test_the_reference_gets_full_marks_in_all_assignments(course, name):
    whole = sum(points(n) for n in PARTS if n.startswith(f"{ASSIGNMENTS[name]}."))
    assert course[1]["reference", name] == (whole, whole)


@pytest.mark.slow
@pytest.mark.parametrize("name", [n for n in ASSIGNMENTS if n.startswith("chapter-")])
def test_the_reference_of_another_seed_gets_nothing_in_a_further_chapter(course, name):
    assert course[1]["another-seed", name][0] == 0


@pytest.mark.slow
def test_empty_tampered_and_shortcut_answers_get_nothing(course):
    for student in ("empty", "another-seed", "tampered"):
        assert course[1][student, "week-1"][0] == 0, student


@pytest.mark.slow
def test_a_loop_without_end_loses_one_exercise_only(course):
    score, whole = course[1]["endless", "week-1"]
    assert score == whole - points("1.2")


@pytest.mark.slow
def test_what_preflight_repaired_is_graded(course):
    score, whole = course[1]["spoilt", "week-1"]
    assert score == whole - points("1.5")  # whose answer was deleted


@pytest.mark.slow
def test_students_see_no_solution_and_feedback_only_the_diagnosis(course):
    folder, _ = course
    for file in (folder / "release").glob("*/*.ipynb"):
        text = file.read_text("utf-8")
        assert "SOLUTION" not in text and "HIDDEN" not in text and "graded import" not in text
        for cell in nbformat.reads(text, as_version=4).cells:
            name = cell.metadata.nbgrader.grade_id
            if name.startswith("answer-"):
                solution = variant(name[7:].replace("-", "."), SEED).solution
                assert solution not in text and assignments.STUB in cell.source
    said = (folder / "feedback" / "another-seed" / "week-1" / "week-1.html").read_text("utf-8")
    assert "Exercise 1.1: " in said and "most recent call last" not in said
    for secret in (SEED, str(folder), "seed.txt", variant("1.1", SEED).solution):
        assert secret not in said
    endless = (folder / "feedback" / "endless" / "week-1" / "week-1.html").read_text("utf-8")
    assert "is there a loop that goes on?" in endless
