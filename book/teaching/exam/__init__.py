"""Questions of an exam, whose numbers come from a seed; `make exam SEED=...` writes them.

A question is a function of a random generator. It draws what the text gives, computes the answer from that,
by the package, by sympy or by a line of arithmetic, and tells how one comes to it:

    @question(chapter=1, minutes=4, goal="say where a guess rests")
    def rest(rng):
        z_0, z_2 = pick(rng, range(1, 9), 2)
        return number(
            rf"The forecast says {z_0} km, the count {z_2} km, and both are trusted alike. Where is rest?",
            (z_0 + z_2) / 2,
            "Half-way: the pulls are equal.",
            z_0=z_0, z_2=z_2,
        )

What is wrong in a choice is what a mistake would give that the chapters' exercises know (`says`), so that the
feedback is theirs. The tests compute every answer a second way from what is `given`.
"""

import functools
import importlib
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import sympy
from bpc_minimal.checks.core import find

APART = 0.03  # two numbers in a choice differ by more than this share: nobody is to compare third digits
WRONG = 4  # options that are wrong, at most; three at least


@dataclass(frozen=True, kw_only=True)
class Option:
    """An option of a choice, and what is said of it."""

    text: str
    why: str
    right: bool = False


@dataclass(frozen=True, kw_only=True)
class Question:
    """A question with its numbers, as Markdown with formulas between dollars."""

    kind: str  # "number", "choice" or "derivation"
    text: str
    answer: Any  # a number, the text of the right option, or an expression of sympy
    solution: str
    given: Mapping[str, Any] = field(default_factory=dict)
    options: Sequence[Option] = ()
    value: float | None = None  # of the right option, where it is a number
    name: str = ""
    chapter: int = 0
    goal: str = ""
    minutes: int = 0

    @property
    def points(self) -> int:
        """Give a point for each two minutes."""
        return max(1, round(self.minutes / 2))

    @property
    def tolerance(self) -> float:
        """Say how far off a number may be: not at all, if it is counted."""
        return 0.0 if isinstance(self.answer, int) else 0.01 * abs(self.answer)


class Ambiguous(Exception):
    """Some mistakes give the right answer, or the same, with the numbers drawn: others must be drawn."""


Draw = Callable[[np.random.Generator], Question]
QUESTIONS: dict[str, tuple[Draw, dict[str, Any]]] = {}


def question(*, chapter: int, minutes: int, goal: str) -> Callable[[Draw], Draw]:
    """Take a function as a question. `goal` ends the sentence "whoever answers it can ..."."""

    def register(draw: Draw) -> Draw:
        name = f"{chapter:02d}-{draw.__name__.replace('_', '-')}"
        if name in QUESTIONS:
            raise ValueError(f"there are two questions {name}; give one another name")
        QUESTIONS[name] = (
            draw,
            {
                "name": name,
                "chapter": chapter,
                "minutes": minutes,
                "goal": goal,
            },
        )
        return draw

    return register


# -- what a question is made with ---------------------------------------------------------------------------


def pick(rng: np.random.Generator, values: Sequence[Any] | range, count: int = 1) -> Any:
    """Draw one value, or a list of several different ones."""
    drawn = [values[i] for i in rng.choice(len(values), count, replace=False)]
    return drawn[0] if count == 1 else drawn


def show(x: float, digits: int = 4) -> str:
    """Write a number with so many significant digits, and no more than it needs."""
    if isinstance(x, int) or float(x).is_integer() and abs(x) < 1e6:
        return f"{int(x):,}".replace(",", "\N{THIN SPACE}") if abs(x) > 9999 else str(int(x))
    if not 1e-4 <= abs(x) < 1e6:
        head, power = f"{x:.{digits - 1}e}".split("e")
        return rf"{float(head):g} \times 10^{{{int(power)}}}"
    return f"{x:.{digits}g}" if abs(x) < 10**digits else f"{x:.0f}"


def vector(xs: Iterable[float]) -> str:
    """Write numbers as a vector."""
    return "(" + ", ".join(show(x) for x in xs) + ")"


@functools.cache
def says(number: str, words: str) -> str:
    """Give what an exercise's check says of a mistake, by the words that it begins with."""
    found = [text for text in find(number).diagnoses if text.startswith(words)]
    if len(set(found)) != 1:
        raise ValueError(
            f"exercise {number} has {len(found)} mistakes that begin {words!r}; give one's beginning"
        )
    return found[0]


def number(text: str, answer: float, solution: str, **given: Any) -> Question:
    """Make a question whose answer is a number; whole numbers are exact.

    Raises:
        Ambiguous: the number is 0 or too near to it.
    """
    answer = answer if isinstance(answer, int) else float(answer)
    if abs(answer) < 0.005:  # whose third digit is lost in a system that keeps four decimals
        raise Ambiguous(text)
    asked = "" if isinstance(answer, int) else " Give three significant digits."
    return Question(
        kind="number",
        text=text + asked,
        answer=answer,
        solution=solution,
        given=given,
    )


def numbers(
    rng: np.random.Generator,
    text: str,
    right: float,
    mistakes: Mapping[str, float],
    solution: str,
    unit: str = "",
    **given: Any,
) -> Question:
    """Make a choice among numbers, shuffled; what is wrong is what a mistake gives.

    In order of size the right one would stand in the middle: mistakes err to both sides.

    Raises:
        Ambiguous: fewer than three mistakes give a number of their own.
    """
    kept: dict[str, float] = {}
    for why in rng.permutation([*mistakes]):
        x = mistakes[str(why)]
        others = [right, *kept.values()]
        if all(abs(x - o) > APART * max(abs(x), abs(o)) for o in others) and len(kept) < WRONG:
            kept[str(why)] = x
    if len(kept) < 3:
        raise Ambiguous(text)

    def option(x: float, why: str, right: bool = False) -> Option:
        return Option(text=f"${show(x)}$ {unit}".strip(), why=why, right=right)

    every = [option(right, "", True), *(option(x, why) for why, x in kept.items())]
    options = [every[i] for i in rng.permutation(len(every))]
    return Question(
        kind="choice", text=text, answer=every[0].text, solution=solution, given=given,
        options=options, value=float(right),
    )  # fmt: skip


def choice(
    rng: np.random.Generator,
    text: str,
    right: str,
    mistakes: Mapping[str, str],
    solution: str,
    **given: Any,
) -> Question:
    """Make a choice among texts, shuffled; `mistakes` gives what is said of each wrong one.

    Raises:
        Ambiguous: two options read the same.
    """
    options = [Option(text=right, why="", right=True)]
    options += [Option(text=wrong, why=why) for wrong, why in mistakes.items()]
    if len({option.text for option in options}) != len(options) or len(options) < 4:
        raise Ambiguous(text)
    shuffled = [options[i] for i in rng.permutation(len(options))]
    return Question(
        kind="choice",
        text=text,
        answer=right,
        solution=solution,
        given=given,
        options=shuffled,
    )


def derivation(text: str, answer: sympy.Expr, solution: str, **given: Any) -> Question:
    """Make a question that is answered on paper; its result is an expression."""
    return Question(
        kind="derivation",
        text=text,
        answer=answer,
        solution=solution,
        given=given,
    )


# -- an exam ------------------------------------------------------------------------------------------------


def drawn(name: str, seed: int) -> Question:
    """Draw a question. Its numbers depend on the seed and on its name, and on no other question."""
    draw, about = QUESTIONS[name]
    rng = np.random.default_rng([seed, zlib.crc32(name.encode())])
    for _ in range(200):
        try:
            return replace(draw(rng), **about)
        except Ambiguous:
            continue
    raise ValueError(f"question {name}: no numbers drawn make all its options differ; widen them")


def names() -> list[str]:
    """List the questions, chapter by chapter."""
    for path in sorted(Path(__file__).parent.glob("chapter_*.py")):
        importlib.import_module(f"exam.{path.stem}")
    return sorted(QUESTIONS, key=lambda name: int(name[:2]))


def exam(seed: int, chapters: Sequence[int] = (), minutes: int | None = None) -> list[Question]:
    """Draw an exam: all questions, or so many of some chapters as take so many minutes.

    Raises:
        ValueError: a seed that is no whole number from 0 on, a chapter without questions, too few minutes.
    """
    if not isinstance(seed, int) or seed < 0:
        raise ValueError(f"the seed is {seed!r}; give a whole number from 0 on, such as 2027")
    every = names()
    known = sorted({int(name[:2]) for name in every})
    for chapter in chapters:
        if chapter not in known:
            raise ValueError(f"chapter {chapter} has no questions; choose among {known}")
    questions = [drawn(name, seed) for name in every]
    questions = [q for q in questions if not chapters or q.chapter in chapters]
    return questions if minutes is None else fitting(questions, minutes, seed)


def fitting(questions: list[Question], minutes: int, seed: int) -> list[Question]:
    """Take one question of each chapter in turn, as the seed has it, while there is time."""
    rng = np.random.default_rng([seed, 0])
    piles: dict[int, list[Question]] = {}
    for i in rng.permutation(len(questions)):
        piles.setdefault(questions[i].chapter, []).append(questions[i])
    taken: list[Question] = []
    left = minutes
    while any(piles.values()):
        for pile in piles.values():
            if pile and (one := pile.pop()).minutes <= left:
                taken.append(one)
                left -= one.minutes
    if not taken:
        least = min(q.minutes for q in questions)
        raise ValueError(f"{minutes} minutes hold no question; give {least} at least")
    order = [q.name for q in questions]
    return sorted(taken, key=lambda q: order.index(q.name))
