"""Write what the guide for lecturers says of the exercises: goals, minutes, points, what their checks know.

    python tools/guide.py           fill the marked parts of book/teaching
    python tools/guide.py --check   say whether they are up to date

A part begins with a comment such as `<!-- mistakes: 4 -->` and ends with `<!-- end -->`; all else is written
by hand.
"""

import argparse
import re
import sys
from collections.abc import Callable

from editions import BOOK, literal, parts
from graded.variant import ASSIGNMENTS, FURTHER, WEEKS, points
from pages import chapters, minutes

PART = re.compile(r"(<!-- (\w+)(?:: (\d+))? -->\n).*?(<!-- end -->)", re.DOTALL)
SECTION = re.compile(r"<!-- goals: (\d+) -->")
QUESTION = re.compile(r"^<details><summary>Question ([\d.]+): (.*)</summary>$", re.MULTILINE)
FOUND = {n: parts(notebook, n) for _, n, _, notebook in chapters()}
TEACHING = BOOK / "teaching"


def link(number: str) -> str:
    """Lead to an exercise."""
    chapter, one = number.split(".")
    (path,) = (path for path, n, *_ in chapters() if n == int(chapter))
    return f"[{number}](../{path.name}#exercise-{chapter}-{one})"


def goals(chapter: int) -> str:
    """Say what each exercise of a chapter is for."""
    graded = chapter in ASSIGNMENTS.values()
    rows = [
        f"| {link(p.number)} | {p.level} | {p.known.minutes} | "
        f"{f'{points(p.number)} | ' if graded else ''}{p.known.goal} |\n"
        for p in FOUND[chapter]
    ]
    head = f"| exercise | level | minutes | {'points | ' if graded else ''}who solves it can |\n"
    return f"\n{head}|---|---|---|---|{'---|' if graded else ''}\n{''.join(rows)}\n"


def with_code(said: str) -> str:
    """Write what a check says, its dotted names as code: they are no addresses."""
    return re.sub(
        r"(?<![\w.`])[a-z_]{2,}(?:\.[a-z_]+)+(?:\([^()]*\))?(?![\w`])", r"`\g<0>`", literal(said)
    )


def mistakes(chapter: int) -> str:
    """List what the checks of a chapter say of wrong answers."""
    boxes = []
    for part in FOUND[chapter]:
        lines = "".join(f"- {with_code(said)}\n" for said in part.known.diagnoses)
        title = f"What the check of exercise {part.number} knows"
        boxes.append(f"<details><summary>{title}</summary>\n\n{lines}\n</details>\n")
    return "\n" + "\n".join(boxes) + "\n"


def taken(chapter: int) -> str:
    """Say how long a chapter and its assignment take a student: the cells of a row."""
    ((path, title, notebook),) = (
        (path, title, notebook) for path, n, title, notebook in chapters() if n == chapter
    )
    reading = 5 * round(minutes(notebook) / 5)
    working = sum(part.known.minutes for part in FOUND[chapter])
    total = sum(points(part.number) for part in FOUND[chapter])
    return f"[{chapter} {title}](../{path.name}) | {reading} | {working} | {total} |\n"


HEAD = "chapter | reading (minutes) | assignment (minutes) | points |\n|---|---|---|---|---|\n"


def unit() -> str:
    """Say how long each week of the unit takes a student."""
    rows = [f"| {week} | {taken(chapter)}" for week, chapter in enumerate(WEEKS, 1)]
    return f"\n| week | {HEAD}{''.join(rows)}\n"


def further() -> str:
    """Say how long the assignments take that belong to no week."""
    rows = [f"| `{name}` | {taken(n)}" for name, n in ASSIGNMENTS.items() if n in FURTHER]
    return f"\n| assignment | {HEAD}{''.join(rows)}\n"


def table() -> str:
    """Put goal, exercise and question side by side."""
    text = (TEACHING / "chapters.md").read_text("utf-8")
    asked = dict(QUESTION.findall(text))
    sections = [int(n) for n in SECTION.findall(text)]
    numbers = [part.number for n in sections for part in FOUND[n]]
    if sections != [*FOUND]:
        odd = sorted({*sections} ^ {*FOUND}) or "their order"
        raise ValueError(
            f"book/teaching/chapters.md: a section for each chapter is expected; {odd}"
        )
    if [*asked] != numbers:
        odd = sorted({*asked} ^ {*numbers}) or "their order"
        raise ValueError(
            f"book/teaching/chapters.md: a question for each exercise is expected; {odd}"
        )
    rows = [
        f"| {p.known.goal} | {link(p.number)} | {asked[p.number]} |\n"
        for n in sections
        for p in FOUND[n]
    ]
    return f"\n| goal | exercise | question |\n|---|---|---|\n{''.join(rows)}\n"


KINDS: dict[str, Callable[..., str]] = {
    "goals": goals, "mistakes": mistakes, "unit": unit, "further": further, "table": table,
}  # fmt: skip


def filled(text: str) -> str:
    """Fill the marked parts of a page."""

    def part(found: re.Match[str]) -> str:
        given = [int(found[3])] if found[3] else []
        return found[1] + KINDS[found[2]](*given) + found[4]

    return PART.sub(part, text)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true", help="only say whether they are up to date")
    check, stale = parser.parse_args().check, 0
    for page in sorted(TEACHING.glob("*.md")):
        text = page.read_text("utf-8")
        if (made := filled(text)) == text:
            continue
        if check:
            print(f"{page.name} is not what the checks hold; run: make notebooks", file=sys.stderr)
            stale += 1
        else:
            page.write_text(made, "utf-8", newline="\n")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
