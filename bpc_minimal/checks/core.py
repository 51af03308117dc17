"""What the checks of all chapters share: how an answer is taken, called, compared and named.

An exercise is a function with the arguments of the function that the reader writes, one set of them a case;
where the reader makes a value, it has none. It returns the right answer and a table of mistakes, each with
what it would have given:

    @exercise(
        "slope(z, z_0)",
        goal="derive a slope from an energy",
        minutes=5,
        cases=lambda rng: [(z, z_0) for z, z_0 in rng.normal(size=(2, 2))],
        why="the energy rises with the distance from z_0.",
        hint="Differentiate (z - z_0)**2 / 2 by z.",
    )
    def exercise_7(z, z_0):
        return z - z_0, {
            "the sign is wrong: this is the pull, not the slope": z_0 - z,
            "z_0 is forgotten": z,
        }

A mistake that takes long to compute may be a function without arguments: it is called only if the answer is
not right. Arguments after a `*` are taken from the reader's notebook by their names, here and in `cases`,
`read` and `why`.
"""

import ast
import contextlib
import dis
import importlib
import inspect
import io
import linecache
import re
import textwrap
import traceback
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import equinox as eqx
import jax
import numpy as np

from bpc_minimal.checks.without import LOOP, used

SEED = 2026  # of the fresh inputs
DOES_NOTHING = {"RESUME", "NOP", "LOAD_CONST", "RETURN_CONST", "RETURN_VALUE"}


class Wrong(Exception):
    """An answer is not right; shown in a notebook as one message, without a traceback.

    Attributes:
        key: which mistake it is: its text in the exercise's table, or a word for one that any exercise
            can meet ("shape", "raised", ...), or "unknown".
    """

    def __init__(self, text: str, key: str | None = None):
        """Take what is wrong with the answer."""
        super().__init__(text)
        self.key = key or text

    def _render_traceback_(self) -> list[str]:
        """Say how IPython shows it."""
        return [str(self)]


class Waits(Exception):
    """There is no answer yet."""


@dataclass(frozen=True)
class Exercise:
    """An exercise: see `exercise` for what its fields are."""

    answers: Callable
    asks: str
    cases: Callable | Iterable[tuple]
    why: str | Callable
    hint: str | Callable
    read: Callable | None
    rtol: float
    atol: float | None
    goal: str
    minutes: int
    without: tuple[str, ...]

    @property
    def names(self) -> list[str]:
        """The names that the reader's answer has."""
        return re.findall(r"(\w+)(?:\(.*?\))?", self.asks)

    @property
    def parameters(self) -> list[str] | None:
        """The names of the arguments of the reader's function; None if the answer is no function."""
        found = re.fullmatch(r"\w+\((.*)\)", self.asks)
        return re.split(r",\s*", found[1]) if found else None

    @property
    def stub(self) -> str:
        """The code that the reader begins with: the function without its body, or the names."""
        if self.parameters is None:
            return "\n".join(f"{name} = ..." for name in self.names)
        return f"def {self.asks}:\n    ..."

    @property
    def diagnoses(self) -> list[str]:
        """The mistakes that it knows, in the words of its messages; "…" is what depends on the answer."""
        functions = [self.answers, self.read] if self.read else [self.answers]
        if self.read:  # and those that it calls
            own = self.read.__globals__
            called = [own.get(name) for name in self.read.__code__.co_names]
            functions += [f for f in called if inspect.isfunction(f) and f.__globals__ is own]
        found = [said for f in functions if f.__name__ != "<lambda>" for said in told(f)]
        whole = [said for said in found if " " in said and not said.endswith("….")]
        return [*dict.fromkeys(whole)]


def told(function: Callable) -> Iterator[str]:
    """Give what a function may tell a reader: the keys of its tables, and what it raises `Wrong` with."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(function))).body[0]
    for node in ast.walk(tree):
        if isinstance(node, ast.Dict):
            yield from (text(key) for key in node.keys if key)
        elif isinstance(node, ast.Call) and ast.unparse(node.func) == "Wrong":
            if not isinstance(node.args[0], ast.BinOp):
                yield text(node.args[0])
        elif isinstance(node, ast.For) and "Wrong(" in ast.unparse(node):
            # a table of what may be wrong, each with its text
            parts = [node for node in ast.walk(node.iter) if isinstance(node, ast.Tuple)]
            yield from (
                text(pair.elts[1]) for pair in parts if isinstance(pair.elts[1], ast.Constant)
            )


def text(node: ast.expr) -> str:
    """Give the text that an expression makes, as far as it is written there."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(text(part) for part in node.values)
    return "…"


def exercise(
    asks: str,
    *,
    why: str | Callable,
    hint: str | Callable,
    cases: Callable | Iterable[tuple] = ((),),
    read: Callable | None = None,
    rtol: float = 1e-3,
    atol: float | None = None,
    goal: str = "",
    minutes: int = 0,
    without: tuple[str, ...] = (),
) -> Callable[[Callable], Exercise]:
    """Make an exercise of a function that returns the right answer and the table of mistakes.

    Args:
        asks: what the reader makes: "slope(z, z_0)", or a value, "share_1", or two, "gen, disc".
        why: why it is right; a function, if something measured belongs to it, is given the answer.
        hint: what to say of a mistake that is not in the table, a sentence; or a function that is given
            what was compared, one a case, and says what this answer would do.
        cases: the arguments of each call; a function is given a random generator to draw them with.
        read: makes of the reader's value, or values, what is compared; it may raise `Wrong`. Of a function
            it is given what that returned, and the arguments of the call.
        rtol: the share by which each number may be off.
        atol: by how much besides; a hundredth of that share of the largest number, if it is not given.
        goal: what a reader who has solved it can do: "... and say where a guess rests".
        minutes: how long that takes who has read the chapter.
        without: what the answer must not use, as its text says: names, or `LOOP`; see `without.used`.
    """
    return lambda answers: Exercise(
        answers, asks, cases, why, hint, read, rtol, atol, goal, minutes, without
    )


def check(number: str, names: Mapping[str, Any]) -> None:
    """Check an answer: print one sentence, or raise `Wrong`.

    Args:
        number: the exercise's, chapter and number, such as "4.3".
        names: those of the notebook: `globals()`.

    Raises:
        Wrong: if the answer is not right.
        ValueError: if there is no such exercise.

    Example:
        >>> check("1.1", {})
        Exercise 1.1 waits for your `answer_1`.
    """
    __tracebackhide__ = True  # pytest shows the error where the check was called
    found = find(str(number))
    try:
        with quietly():
            said = judge(found, names)
    except Waits as waits:
        print(f"Exercise {number} waits for your {waits}.")
    except Wrong as wrong:
        raise Wrong(f"Exercise {number}: {wrong}", wrong.key) from None
    else:
        print(f"Exercise {number} is right: {said}")


def find(number: str) -> Exercise:
    """Find an exercise by its number."""
    parts = re.fullmatch(r"(\d+)\.(\d+)", number)
    try:
        chapter = importlib.import_module(f"bpc_minimal.checks.chapter_{int(parts[1]):02d}")  # type: ignore[index]
        return getattr(chapter, f"exercise_{parts[2]}")  # type: ignore[index]
    except (TypeError, ModuleNotFoundError, AttributeError) as error:
        raise ValueError(
            f'there is no exercise {number!r}; a check is called as check("4.3", globals())'
        ) from error


def judge(exercise: Exercise, names: Mapping[str, Any]) -> str:
    """Say why the answer is right, or raise what is wrong with it."""
    missing = [n for n in exercise.names if names.get(n) is None or names[n] is ...]
    if missing:
        raise Waits(f"`{exercise.asks}`" if exercise.parameters else listed(missing))
    values = [names[name] for name in exercise.names]
    if exercise.parameters is None:
        cases: list[tuple] = [()]
        answers = [take_value(exercise, values, names)]
    else:
        made = exercise.cases
        if callable(made):
            made = given(made, names)(np.random.default_rng(SEED))
        cases = list(made)
        check_arguments(exercise, values[0])
        results = [take_result(exercise, values[0], case) for case in cases]
        answers = [read(exercise, names, r, *case) for r, case in zip(results, cases, strict=True)]
    compare(exercise, values[0], cases, answers, names)
    if found := used(values[0], names, exercise.names[0], exercise.without):
        what = found if found == LOOP else f"`{found}`"
        raise Wrong(
            f"the numbers are right, but {what} does the work; write it without.", "forbidden"
        )
    if isinstance(exercise.why, str):
        return exercise.why
    return given(exercise.why, names)(*values)


# -- the reader's answer is taken ---------------------------------------------------------------------------


def take_value(exercise: Exercise, values: list, names: Mapping[str, Any]) -> Any:
    """Take a value that the reader made, or several."""
    for name, value in zip(exercise.names, values, strict=True):
        if inspect.isfunction(value):
            raise Wrong(f"`{name}` is a function; put what it returns there: call it.", "function")
        if isinstance(value, str):
            raise Wrong(
                f"`{name}` is the text {value!r}; leave out the quotes and any unit.", "text"
            )
    if exercise.read is None:
        return values if len(values) > 1 else values[0]
    return read(exercise, names, *values)


def read(exercise: Exercise, names: Mapping[str, Any], value: Any, *others: Any) -> Any:
    """Make of an answer what is compared; what cannot be read is compared as it is, and so refused."""
    if exercise.read is None:
        return value
    try:
        return given(exercise.read, names)(value, *others)
    except Wrong:
        raise
    except Exception as error:
        if exercise.parameters is not None:
            return value
        kinds = " and ".join(described(one) for one in (value, *others))
        raise Wrong(f"{kinds} given, which cannot be read: {error}.", "type") from None


def check_arguments(exercise: Exercise, function: Any) -> None:
    """Refuse what cannot be called as the exercise asks."""
    name, expected = exercise.names[0], exercise.parameters or []
    if not callable(function):
        kind = described(function)
        raise Wrong(
            f"`{name}` is {kind}; a function is expected: `{exercise.asks}`.", "no function"
        )
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # of something compiled: the call will tell
        return
    own = list(signature.parameters)
    try:
        signature.bind(*expected)
    except TypeError:
        text = f"it takes ({', '.join(own)}); `{exercise.asks}` is expected."
        raise Wrong(text, "arguments") from None
    same_names = [n for n in own if n in expected]
    if same_names != [n for n in expected if n in own]:
        text = f"it takes ({', '.join(own)}), in another order than `{exercise.asks}`."
        raise Wrong(text, "order of arguments")


def take_result(exercise: Exercise, function: Callable, case: tuple) -> Any:
    """Call the reader's function, on copies that it may spoil."""
    arguments, said = copied(case), io.StringIO()
    try:
        with contextlib.redirect_stdout(said):
            result = function(*arguments)
            if inspect.isgenerator(result) or isinstance(result, map | zip | filter):
                result = list(result)
    except (NotImplementedError, Waits):
        raise Waits(f"`{exercise.asks}`") from None
    except Wrong:  # from where a graded answer runs
        raise
    except Exception as error:
        raise Wrong(stopped(exercise, function, error), "raised") from None
    if result is ... or (result is None and does_nothing(function)):
        raise Waits(f"`{exercise.asks}`")
    if result is None and said.getvalue():
        raise Wrong("it prints its answer; `return` it, so that it can be used.", "printed")
    if result is None:
        raise Wrong("it returns nothing: is there a `return` on every way through it?", "none")
    if not unchanged(arguments, case):
        text = "it changes its input, which the next line of a notebook still needs; change a copy."
        raise Wrong(text, "changed input")
    return result


def does_nothing(function: Any) -> bool:
    """Is this the function that the exercise begins with: `...`, or `pass`, or only a docstring?"""
    function = inspect.unwrap(function)
    if not inspect.isfunction(function):
        return False
    return {instruction.opname for instruction in dis.get_instructions(function)} <= DOES_NOTHING


def stopped(exercise: Exercise, function: Any, error: Exception) -> str:
    """Say which error the reader's function raised, and at which of its lines."""
    message = (str(error).strip().splitlines() or [""])[0]
    text = f"your `{exercise.names[0]}` stopped with {type(error).__name__}: {message}"
    code = getattr(inspect.unwrap(function), "__code__", None)
    file = getattr(code, "co_filename", None)
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if frame.filename == file:
            line = (frame.line or linecache.getline(frame.filename, frame.lineno or 0)).strip()
            return f"{text}\n    at its line {frame.lineno}" + (f": {line}" if line else "")
    return text


def copied(x: Any) -> Any:
    """Copy lists and NumPy's arrays; all else of a case cannot be changed."""
    if isinstance(x, list | tuple):
        return type(x)(copied(part) for part in x)
    return x.copy() if isinstance(x, np.ndarray) else x


def unchanged(now: Any, before: Any) -> bool:
    """Is what the reader's function was given still what it was?"""
    if isinstance(before, list | tuple):
        return len(now) == len(before) and all(map(unchanged, now, before))
    if isinstance(before, np.ndarray):
        return np.array_equal(now, before)
    return now is before


def given(function: Callable, names: Mapping[str, Any]) -> Callable:
    """Give a function what it takes by name from the notebook: its arguments after a `*`."""
    parameters = inspect.signature(function).parameters.values()
    wanted = [p.name for p in parameters if p.kind is p.KEYWORD_ONLY]
    missing = [name for name in wanted if name not in names]
    if missing:
        raise Wrong(f"run the cells above first: {listed(missing)} is not there.", "cells not run")
    return lambda *arguments: function(*arguments, **{name: names[name] for name in wanted})


# -- the answer is compared ---------------------------------------------------------------------------------


def compare(
    exercise: Exercise, function: Any, cases: list[tuple], answers: list, names: Mapping[str, Any]
) -> None:
    """Raise `Wrong` with the mistake that explains all answers, unless they are right."""
    found = [given(exercise.answers, names)(*case) for case in cases]
    rights, tables = [right for right, _ in found], [table for _, table in found]

    scales = [size(right) for right in rights]

    def fits(
        values: Iterable, most: float = np.inf
    ) -> bool:  # a value is made only if those before fit
        for answer, value, scale in zip(answers, values, scales, strict=True):
            made = value() if callable(value) else value
            if not alike(answer, made, exercise.rtol, exercise.atol, scale, most):
                return False
        return True

    if fits(rights):
        return
    for mistake in tables[0]:
        if fits([table[mistake] for table in tables], most=0.1):
            raise Wrong(mistake.rstrip(".") + ".", mistake)
    for answer, right in zip(answers, rights, strict=True):
        refuse_kind(answer, right)
    if exercise.parameters is not None:
        refuse_unsteady(exercise, function, cases, answers, rights, given(exercise.answers, names))
        refuse_rounded(answers, rights)
        refuse_factor(answers, rights, exercise.rtol)
    if callable(exercise.hint):
        raise Wrong(given(exercise.hint, names)(*answers), "computed")
    raise Wrong(f"this is not it. {exercise.hint}", "unknown")


def leaves(x: Any) -> list[np.ndarray]:
    """Take an answer apart into arrays: one, or those of a list, or those of a network."""
    if isinstance(x, eqx.Module):
        return [np.asarray(leaf) for leaf in jax.tree.leaves(eqx.filter(x, eqx.is_array))]
    try:
        return [number_array(x)]
    except (TypeError, ValueError):
        if isinstance(x, list | tuple) and any(np.ndim(part) or len(x) > 1 for part in x):
            return [leaf for part in x for leaf in leaves(part)]
        raise


def number_array(x: Any) -> np.ndarray:
    """Take anything that is numbers: lists, tuples, fractions, arrays of NumPy and JAX."""
    array = np.asarray(x)
    if array.dtype.kind in "USc":
        raise TypeError("not numbers")
    array = array.astype(float)
    return array.reshape(()) if array.size == 1 and array.ndim == 1 else array


def size(x: Any) -> float:
    """Give the largest number of an answer."""
    return max((float(np.abs(leaf).max(initial=0.0)) for leaf in leaves(x)), default=0.0)


def alike(
    answer: Any,
    right: Any,
    rtol: float,
    atol: float | None = None,
    scale: float = 0.0,
    most: float = np.inf,
) -> bool:
    """Are two answers the same numbers in the same shape, up to rounding? See `exercise`.

    `most` is the largest share of what it is compared with that `atol` may be: a percentage within 0.7 of
    another is the same, and 0 is not the same as a share of 0.6.
    """
    try:
        ours, theirs = leaves(answer), leaves(right)
    except (TypeError, ValueError):
        return False
    if atol is None:
        atol = 0.01 * rtol * max(scale, size(right))
    elif theirs and size(right):
        atol = min(atol, most * size(right))
    shapes = [a.shape for a in ours] == [b.shape for b in theirs]
    return shapes and all(
        map(partial(np.allclose, rtol=rtol, atol=atol, equal_nan=True), ours, theirs)
    )


def refuse_kind(answer: Any, right: Any) -> None:
    """Name an answer that is not of the right kind: text, truth values, shapes, NaN."""
    if callable(answer) and not isinstance(answer, eqx.Module):
        raise Wrong("it gives a function; call that, and give what it returns.", "function")
    if isinstance(answer, dict | set | bool):
        raise Wrong(f"it is {described(answer)}; {expected(right)} is expected.", "type")
    try:
        ours, theirs = leaves(answer), leaves(right)
    except (TypeError, ValueError):
        kind = described(answer)
        if isinstance(answer, str):
            kind, key = f"the text {answer!r}", "text"
        elif "NoneType" in repr([type(part) for part in np.ravel(np.asarray(answer, object))]):
            kind, key = f"{kind} with None in it", "none"
        else:
            key = "type"
        raise Wrong(f"it is {kind}; {expected(right)} is expected.", key) from None
    if any(np.isnan(a).any() or np.isinf(a).any() for a in ours):
        raise Wrong("it holds NaN or infinity: look for a division by zero.", "not finite")
    if np.asarray(ours[0]).dtype != float and not isinstance(answer, eqx.Module):
        raise Wrong(f"it is {described(answer)}; {expected(right)} is expected.", "type")
    shapes, wanted = [a.shape for a in ours], [b.shape for b in theirs]
    if shapes == wanted:
        return
    if len(shapes) != len(wanted):
        text = f"it has {counted(len(shapes))}; {counted(len(wanted))} expected."
    elif shapes == [shape[::-1] for shape in wanted]:
        text = f"its shape is {shown(shapes)}, transposed: {shown(wanted)} is expected."
    elif shapes == wanted[::-1]:
        text = f"its parts come in the reverse order: shapes {shown(shapes)}."
    else:
        text = f"its shape is {shown(shapes)}; {shown(wanted)} is expected."
    raise Wrong(text, "shape")


def refuse_unsteady(
    exercise: Exercise,
    function: Callable,
    cases: list[tuple],
    answers: list,
    rights: list,
    right_of: Callable,
) -> None:
    """Name a function that forgets one of its arguments, or gives two answers to one question."""
    if not alike(take_result(exercise, function, cases[0]), answers[0], exercise.rtol):
        text = "it gives two answers to one question: it draws at random, or keeps something."
        raise Wrong(text, "unsteady")
    for i, name in enumerate(exercise.parameters or []):
        for case in cases[1:]:
            other = (*cases[0][:i], case[i], *cases[0][i + 1 :])
            try:
                now = take_result(exercise, function, other)
                matters = not alike(right_of(*other)[0], rights[0], exercise.rtol)
            except Exception:  # the arguments of two cases need not fit one another
                continue
            if matters and alike(now, answers[0], 1e-9):
                text = f"it gives the same whatever `{name}` is; use the argument of this name."
                raise Wrong(text, f"ignores {name}")
            break


def refuse_rounded(answers: list, rights: list) -> None:
    """Name an answer that is the right one with fewer decimals."""
    ours, theirs = ([leaf for x in xs for leaf in leaves(x)] for xs in (answers, rights))
    ways: dict[str, Callable] = {
        "rounded": np.round,
        "rounded down": np.floor,
        "rounded up": np.ceil,
    }
    for decimals in range(4):
        for how, to_whole in ways.items():
            whole = [to_whole(b * 10**decimals) / 10**decimals for b in theirs]
            if len({*np.concatenate([each.ravel() for each in whole]).tolist()}) < 2:
                continue  # 0 for all that is small is no rounding
            if all(alike(a, b, 1e-6) for a, b in zip(ours, whole, strict=True)):
                raise Wrong(f"it is {how}; give the number as it comes out.", "rounded")


def refuse_factor(answers: list, rights: list, rtol: float) -> None:
    """Name an answer that is the right one times a number, or in reverse."""
    ours, theirs = ([leaf for x in xs for leaf in leaves(x)] for xs in (answers, rights))
    a, b = (np.concatenate([leaf.ravel() for leaf in side]) for side in (ours, theirs))
    factor = (a @ b) / (b @ b) if b.any() else 0.0
    if (
        len(a) > 1
        and factor
        and all(alike(x, factor * y, rtol) for x, y in zip(ours, theirs, strict=True))
    ):
        known = {
            -1: "the wrong sign, everywhere",
            2: "twice too large",
            0.5: "half of what it should be",
        }
        known |= {-2: "twice too large, with the wrong sign", -0.5: "half, with the wrong sign"}
        near = next(
            (text for value, text in known.items() if np.isclose(factor, value, rtol)), None
        )
        how = "too large" if abs(factor) > 1 else "too small"
        text = near or f"{how} by the same factor everywhere"
        raise Wrong(f"it is {text}.", "sign" if np.isclose(factor, -1, rtol) else "factor")
    if all(alike(backwards(x), y, rtol) for x, y in zip(answers, rights, strict=True)):
        raise Wrong("it is in the reverse order.", "reversed")


def backwards(x: Any) -> Any:
    """Turn a list or an array round; what has no order stays as it is."""
    return x[::-1] if isinstance(x, list | tuple) or (hasattr(x, "ndim") and x.ndim) else x


# -- words --------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def quietly():
    """Keep warnings about a reader's wrong numbers to ourselves: the error will say more."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        yield


def listed(names: list[str]) -> str:
    """List names in a sentence."""
    return " and ".join(f"`{name}`" for name in names)


def counted(n: int) -> str:
    """Count parts."""
    return "one part" if n == 1 else f"{n} parts"


def shown(shapes: list[tuple]) -> str:
    """Show shapes."""
    return ", ".join(str(shape) if shape else "a single number" for shape in shapes)


def described(x: Any) -> str:
    """Say what something is, in a word."""
    names = {str: "text", bool: "a truth value", int: "a number", float: "a number"}
    kind = type(x)
    return names.get(
        kind, f"{'an' if kind.__name__[0].lower() in 'aeiou' else 'a'} {kind.__name__}"
    )


def expected(right: Any) -> str:
    """Say what would have been right, without saying it."""
    if isinstance(right, eqx.Module):
        return "a network"
    shapes = [leaf.shape for leaf in leaves(right)]
    if shapes == [()]:
        return "a number"
    return (
        f"an array of shape {shapes[0]}" if len(shapes) == 1 else f"a list of {len(shapes)} arrays"
    )
