"""Each check accepts what is right in any style, and says of each wrong answer what is wrong with it.

The answers stand in `answers`, a file a chapter, and are tried in a namespace that holds what the chapter
imports and defines: as the reader's cells would be.
"""

import ast
import functools
import importlib
import inspect
import itertools
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import numpy as np
import pytest
from IPython.core.inputtransformer2 import TransformerManager
from nbclient import NotebookClient

from bpc_minimal.checks import Wrong, check
from bpc_minimal.checks.core import SEED, alike, find, given, size
from bpc_minimal.checks.without import used

BOOK = Path(__file__).resolve().parents[1] / "book"
CHAPTERS = {
    int(path.stem[-2:]): importlib.import_module(f"answers.{path.stem}")
    for path in sorted(Path(__file__).with_name("answers").glob("chapter_*.py"))
}
ANSWERS = {
    number: kinds for chapter in CHAPTERS.values() for number, kinds in chapter.ANSWERS.items()
}
RIGHT = [(number, code) for number, kinds in ANSWERS.items() for code in kinds["right"]]
WRONG = [(number, *pair) for number, kinds in ANSWERS.items() for pair in kinds["wrong"]]


@functools.cache
def namespace(chapter):
    """Execute a chapter's imports, definitions and plain numbers, and what its file of answers adds.

    That file may name more to keep (KEPT), what must be there before (BEFORE), and `prepare` the rest.
    """
    (path,) = BOOK.glob(f"{chapter:02d}_*.ipynb")
    kept = []
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type == "code" and not {"solution", "nbval-skip"} & {
            *cell.metadata.get("tags", [])
        }:
            tree = ast.parse(TransformerManager().transform_cell(cell.source))
            more = getattr(CHAPTERS[chapter], "KEPT", ())
            kept += [statement for statement in tree.body if is_kept(statement, more)]
    space = {"__name__": "__main__", **getattr(CHAPTERS[chapter], "BEFORE", {})}
    exec(compile(ast.Module(kept, []), path.name, "exec"), space)
    if hasattr(CHAPTERS[chapter], "prepare"):
        CHAPTERS[chapter].prepare(space)
    return space


def is_kept(statement, more=()):
    if isinstance(statement, ast.Assign):
        (target,) = statement.targets
        named = not isinstance(target, ast.Subscript)
        return ast.unparse(target) in more or all(
            named
            and isinstance(node, ast.Constant | ast.Tuple | ast.BinOp | ast.Load | ast.operator)
            for node in ast.walk(statement.value)
        )
    return isinstance(statement, ast.FunctionDef | ast.ClassDef | ast.Import | ast.ImportFrom)


def attempt(number, code):
    """Run an answer as the reader's cell, and the check after it."""
    space = dict(namespace(int(number.split(".")[0])))
    exec(compile(code, "<answer>", "exec"), space)
    check(number, space)


@pytest.mark.parametrize(("number", "code"), RIGHT, ids=[pair[0] for pair in RIGHT])
def test_a_right_answer_is_told_why(number, code, capsys):
    attempt(number, code)
    said = capsys.readouterr().out
    assert re.match(rf"Exercise {re.escape(number)} is right: .{{20,}}", said), said


def forbids(number, answer, space=None):
    """Run an answer, and ask for what it uses of what its exercise forbids."""
    space = {**namespace(int(number.split(".")[0])), **(space or {})}
    exec(compile(answer, "<answer>", "exec"), space)
    exercise = find(number)
    return used(space[exercise.names[0]], space, exercise.names[0], exercise.without)


def test_what_is_no_use_of_a_forbidden_name_is_let_pass():
    """A name of one's own, what only checks the answer, and what the answer does not call."""
    slope = "def answer_2(z_1):\n    grad = z_1 - z_0\n    return grad"
    check_by_jax = (
        "\nassert jax.grad(lambda z: z**2 / 2)(2.0) == 2.0\ncheck_slope = jax.grad(jnp.sin)"
    )
    for answer in (slope, slope + check_by_jax):
        assert forbids("1.2", answer) is None
    assert (
        forbids("1.4", "def answer_4(a, b):\n    return (1 - 3 * a) ** b\nfor _ in (1, 2): ...")
        is None
    )
    assert forbids("1.2", "def answer_2(z_1):\n    return jax.grad(jnp.sin)(z_1)") == "grad"


def test_who_is_closer_than_the_gaussian_is_told_of_the_rows_that_are_asked_for(capsys):
    """Its file of answers makes Figure 2's rows, the first closer for 30 of 40 images, the second for 10."""
    for code in ANSWERS["7.2"]["right"]:
        attempt("7.2", code)
        said = capsys.readouterr().out
        assert "BPC with masks, two sweeps, for ≈ 75 %; BPC, settled, for ≈ 25 %" in said, said


@pytest.mark.parametrize(
    ("number", "part", "code"), WRONG, ids=[f"{number} {part}" for number, part, _ in WRONG]
)
def test_a_wrong_answer_is_named(number, part, code):
    with pytest.raises(Wrong) as raised:
        attempt(number, code)
    assert part in raised.value.key, f"{raised.value.key}: {raised.value}"
    assert str(raised.value).startswith(f"Exercise {number}: ")


@pytest.mark.parametrize("number", ANSWERS)
def test_the_table_of_answers_is_long_enough_and_nearly_all_are_named(number):
    right, wrong = ANSWERS[number]["right"], ANSWERS[number]["wrong"]
    assert len(set(right)) >= 3 and len({code for _, code in wrong}) >= 10
    named = [part for part, _ in wrong if part != "unknown"]
    assert len(named) >= 0.95 * len(wrong)


@pytest.mark.parametrize("number", ANSWERS)
def test_an_exercise_waits_for_its_answer(number, capsys):
    asks, names = find(number).asks, find(number).names
    space = namespace(int(number.split(".")[0]))
    assert not {*names} & {*space}, "the chapter uses the name for something else"
    empty = [{}, dict.fromkeys(names), dict.fromkeys(names, ...)]
    if find(number).parameters is not None:
        arguments = asks.removeprefix(names[0])
        for body in ("...", "pass", "'''Say what.'''", "raise NotImplementedError", "return ..."):
            made = {}
            exec(f"def {names[0]}{arguments}:\n    {body}", made)
            empty.append(made)
    for answer in empty:
        check(number, {**space, **answer})
        said = capsys.readouterr().out
        assert said.startswith(f"Exercise {number} waits for your `{names[0]}"), said


SECRET = {"1.1": r"(?<![\d.])9(\.0*)?\b", "5.1": r"\b0?\.32\b|\b19,?200\b", "10.3": r"\b0?\.89"}


@pytest.mark.parametrize("number", SECRET)
def test_no_message_gives_a_value_away(number):
    for _, code in ANSWERS[number]["wrong"]:
        with pytest.raises(Wrong) as raised:
            attempt(number, code)
        said = re.sub(r"the text '.*?'", "", str(raised.value))  # without what the reader typed
        assert not re.search(SECRET[number], said), said


# Those whose mistakes need nothing that a chapter computes.
ALONE = [n for n in ANSWERS if not inspect.getfullargspec(find(n).answers).kwonlyargs]


@pytest.mark.parametrize("number", ALONE)
def test_each_mistake_is_one_and_is_told_from_the_others(number):
    exercise = find(number)
    cases = exercise.cases
    if callable(cases):
        cases = given(cases, namespace(int(number.split(".")[0])))(np.random.default_rng(SEED))
    cases = list(cases)
    found = [exercise.answers(*case) for case in cases]
    scales = [size(right) for right, _ in found]
    values = {"right": [right for right, _ in found]}
    for mistake in found[0][1]:
        values[mistake] = [v() if callable(v := table[mistake]) else v for _, table in found]
    for (one, a), (other, b) in itertools.combinations(values.items(), 2):
        most = np.inf if one == "right" else 0.1  # as `compare` asks; of two, the first is found
        same = [
            alike(y, x, exercise.rtol, exercise.atol, s, most)
            for x, y, s in zip(a, b, scales, strict=True)
        ]
        assert not all(same), f"{one!r} is {other!r}"


def test_what_is_no_exercise_is_an_error():
    for number in ("1.99", "99.1", "one", "4.3.1"):
        with pytest.raises(ValueError, match="no exercise"):
            check(number, {})


CELLS = {
    'check("1.1", globals())': "Exercise 1.1 waits for your `answer_1`.",
    'answer_1 = 9\ncheck("1.1", globals())': "Exercise 1.1 is right: ",
    'answer_1 = 1 / 9\ncheck("1.1", globals())': "Exercise 1.1: this is the variance",
    'def answer_2(z_1):\n    return z_1[0]\ncheck("1.2", globals())': "Exercise 1.2: your `answer_2` stopped "
    "with TypeError: 'float' object is not subscriptable\n    at its line 2: return z_1[0]",
}


@pytest.mark.slow
def test_a_notebook_shows_one_message_and_no_traceback():
    code = ["from bpc_minimal.checks import check", *CELLS]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in code])
    NotebookClient(notebook, allow_errors=True, kernel_name="python3").execute()
    for cell, said in zip(notebook.cells[1:], CELLS.values(), strict=True):
        (output,) = cell.outputs
        shown = output.text if output.output_type == "stream" else "\n".join(output.traceback)
        assert shown.startswith(said)
        assert "Traceback" not in shown and len(shown) < 300


def test_a_wrong_answer_is_refused_without_assertions_too():
    program = "from bpc_minimal.checks import check\nanswer_1 = 3.0\ncheck('1.1', globals())"
    done = subprocess.run([sys.executable, "-O", "-c", program], capture_output=True, text=True)
    assert (
        done.returncode == 1
        and "Exercise 1.1: this is one over the standard deviation" in done.stderr
    )
