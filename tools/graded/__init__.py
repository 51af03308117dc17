"""The graded exercises: a folder that stays with the lecturer, from which the hidden tests import.

A hidden test is two lines, `from graded import grade` and `grade("4.3")`. It prints why an answer is
right, or raises what is wrong with it in one sentence: no right answer, no number of the test. What it
judges are answers as `apart.GradeApart` found them in a submission; a student's code runs in a process of
its own.
"""

import json
import os
from pathlib import Path

from bpc_minimal.checks.core import Waits, Wrong, judge, quietly

from .apart import Answers
from .variant import points, variant

__all__ = ["grade", "points", "variant"]

SEED = Path(__file__).with_name("seed.txt")  # written by tools/assignments.py
SECONDS = float(os.environ.get("GRADED_SECONDS", 110))  # follows nbgrader's limit: see `autograde`


def grade(number: str) -> None:
    """Judge the answer to an exercise, in the submission that is being graded.

    Raises:
        Wrong: if it is not right, or not there.
        NotGraded: if nothing can be said of it, as the clock ran out.
    """
    exercise = variant(number, SEED.read_text("utf-8").strip()).exercise
    cells = json.loads(Path(os.environ["GRADED_ANSWERS"]).read_text("utf-8"))
    try:
        with quietly(), Answers(cells, number, exercise.names, SECONDS) as names:
            said = judge(exercise, names)
    except Waits:
        raise Wrong(f"Exercise {number}: there is no answer.", "none") from None
    except Wrong as wrong:
        raise type(wrong)(f"Exercise {number}: {wrong}", wrong.key) from None
    print(f"Exercise {number} is right: {said}")
