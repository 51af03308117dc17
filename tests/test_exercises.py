"""Each check accepts what is right in any style, and says of each wrong answer what is wrong with it.

The answers stand in `answers`, a file a chapter, and are tried in a namespace that holds what the chapter
imports and defines: as the reader's cells would be.
"""

import ast
import functools
import importlib
import re
from pathlib import Path

import nbformat
import pytest
from IPython.core.inputtransformer2 import TransformerManager

from bpc_minimal.checks import Wrong, check
from bpc_minimal.checks.core import find

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
    """Execute a chapter's imports, definitions and plain numbers, and what its file of answers adds."""
    (path,) = BOOK.glob(f"{chapter:02d}_*.ipynb")
    kept = []
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type == "code" and not {"solution", "nbval-skip"} & {
            *cell.metadata.get("tags", [])
        }:
            tree = ast.parse(TransformerManager().transform_cell(cell.source))
            more = getattr(CHAPTERS[chapter], "KEPT", ())
            kept += [statement for statement in tree.body if is_kept(statement, more)]
    space = {"__name__": "__main__"}
    exec(compile(ast.Module(kept, []), path.name, "exec"), space)
    if hasattr(CHAPTERS[chapter], "prepare"):
        CHAPTERS[chapter].prepare(space)
    return space


def is_kept(statement, more=()):
    if isinstance(statement, ast.Assign):
        return ast.unparse(statement.targets[0]) in more or all(
            isinstance(node, ast.Constant | ast.Tuple | ast.BinOp | ast.Load | ast.operator)
            for node in ast.walk(statement.value)
        )
    return isinstance(statement, ast.FunctionDef | ast.ClassDef | ast.Import | ast.ImportFrom)


def attempt(number, code):
    """Run an answer as the reader's cell, and the check after it."""
    space = dict(namespace(int(number.split(".")[0])))
    exec(compile(code, "<answer>", "exec"), space)
    check(number, space)


@pytest.mark.parametrize(("number", "code"), RIGHT)
def test_a_right_answer_is_told_why(number, code, capsys):
    attempt(number, code)
    said = capsys.readouterr().out
    assert re.match(rf"Exercise {re.escape(number)} is right: .{{20,}}", said), said


@pytest.mark.parametrize(("number", "part", "code"), WRONG)
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
