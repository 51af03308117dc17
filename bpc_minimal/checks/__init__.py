"""The checks of the exercises, one line in a notebook: `check("4.3", globals())`.

Unanswered, an exercise waits: the check prints a sentence and raises nothing. A right answer is told why it
is right. A wrong one raises `Wrong`, a short error without a traceback that says what this answer computes
instead; it never says the right answer. A function that the reader wrote is called on fresh inputs, on which
right and wrong answers differ.

Each chapter has a file of its own, `chapter_04.py`, with a function `exercise_3` for its third exercise;
`core` is what they share. The answers can be read there. That is accepted: whoever looks them up has to
understand them.
"""

from bpc_minimal.checks.core import Wrong, check, exercise

__all__ = ["Wrong", "check", "exercise"]
