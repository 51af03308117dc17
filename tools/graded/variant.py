"""What a graded exercise is made of, and how its numbers follow from the lecturer's seed.

A file `chapter_04.py` holds a function `variant_3` for each exercise 4.3 of the book: other numbers, and a
question that its solution in the book does not answer. It is given a `Draw` and returns a `Variant`.
"""

import hashlib
import importlib
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeVar

import numpy as np

from bpc_minimal.checks.core import Exercise, find

WEEKS = (1, 2, 3, 4, 5, 10)  # the chapters of the unit of six weeks, one a week
FURTHER = (6, 7, 8, 9, 11, 12)  # the chapters that are graded besides, for whoever teaches them
ASSIGNMENTS = {f"week-{week}": chapter for week, chapter in enumerate(WEEKS, 1)} | {
    f"chapter-{chapter:02d}": chapter for chapter in FURTHER
}
Choice = TypeVar("Choice")


class Draw:
    """Numbers that follow from a seed and an exercise, and from nothing else."""

    def __init__(self, seed: str, number: str):
        digest = hashlib.sha256(f"{seed} {number}".encode()).digest()
        self.rng = np.random.default_rng(int.from_bytes(digest[:8], "big"))

    def of(self, *choices: Choice) -> Choice:
        """Choose one."""
        return choices[int(self.rng.integers(len(choices)))]

    def between(self, low: float, high: float, digits: int = 1) -> float:
        """Choose a number of so many decimals."""
        return round(float(self.rng.uniform(low, high)), digits)

    def some(self, count: int, *choices: Choice) -> list[Choice]:
        """Choose several, all different, in any order."""
        return [choices[i] for i in self.rng.permutation(len(choices))[:count]]

    def normal(self, *shape: int) -> np.ndarray:
        """Draw standard normal numbers, as JAX would keep them."""
        return self.rng.normal(size=shape).astype(np.float32)


@dataclass(frozen=True)
class Variant:
    """A graded exercise.

    Attributes:
        statement: what is asked, in Markdown.
        solution: the reference's code; it names what an answer may use of the chapter.
        exercise: what is right, and which mistakes are known, as in `bpc_minimal.checks`.
    """

    statement: str
    solution: str
    exercise: Exercise


@cache
def variant(number: str, seed: str) -> Variant:
    """Make the variant of an exercise of the book."""
    chapter, one = number.split(".")
    module = importlib.import_module(f"graded.chapter_{int(chapter):02d}")
    return getattr(module, f"variant_{one}")(Draw(seed, number))


def points(number: str) -> int:
    """Give what an exercise counts: a point for each five minutes that it takes."""
    return find(number).minutes // 5


def tex(value: Any) -> str:
    """Write a number for a formula."""
    return f"{value:g}"
