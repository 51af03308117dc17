"""Write an exam whose numbers come from a seed: Markdown, QTI for Canvas, XML for Moodle.

    python tools/write_exam.py SEED [--chapters 1 4] [--minutes 90] [--folder FOLDER]

Into a folder of dist/kit go `exam.md`, `solutions.md`, `qti.zip` (text2qti) and `moodle.xml` (moodle-tools);
none but `solutions.md` tells the seed, which is any text that nobody guesses. Without `--minutes` it holds
every question. The questions stand in book/teaching/exam.
"""

import argparse
import html
import re
import sys
from pathlib import Path

import markdown
import secret
from jinja2 import Environment, PackageLoader
from loguru import logger
from moodle_tools.questions.factory import create_question
from text2qti.config import Config
from text2qti.qti import QTI
from text2qti.quiz import Quiz

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "book" / "teaching"))
from exam import Question, exam, show  # noqa: E402

logger.disable("moodle_tools")  # which tells of every question
TITLE = "Bidirectional predictive coding"
FORMULA = re.compile(r"\$(.+?)\$")


def in_short(questions: list[Question]) -> str:
    minutes, points = (sum(getattr(q, name) for q in questions) for name in ("minutes", "points"))
    return f"{len(questions)} questions, {minutes} minutes, {points} points"


# -- Markdown -----------------------------------------------------------------------------------------------


def as_markdown(questions: list[Question], seed: str, solved: bool) -> str:
    """Write the exam to be printed; with what is right, why, and what each question is for."""
    lines = [f"# {TITLE}: {'solutions' if solved else 'exam'}", "", f"{in_short(questions)}."]
    lines += ["", f"Seed {seed}."] if solved else []
    for i, q in enumerate(questions, 1):
        lines += ["", f"## {i}. ({q.points} {'point' if q.points == 1 else 'points'})", "", q.text]
        lines += (
            ["", *(f"- {letter(k)}) {o.text}" for k, o in enumerate(q.options))]
            if q.options
            else []
        )
        if solved:
            lines += [
                "",
                f"**{answer(q)}** {q.solution}" if answer(q) else q.solution,
                "",
                *(f"- {letter(k)}) {o.why}" for k, o in enumerate(q.options) if not o.right),
                *([""] if q.options else []),
                f"*Question {q.name}, chapter {q.chapter}, {q.minutes} minutes. "
                f"Whoever answers it can {q.goal}.*",
            ]
    return "\n".join(lines) + "\n"


def letter(k: int) -> str:
    return "abcde"[k]


def answer(q: Question) -> str:
    """Say what is right, in a word."""
    if q.kind == "choice":
        return f"{letter(next(k for k, o in enumerate(q.options) if o.right))})"
    return f"${show(q.answer)}$." if q.kind == "number" else ""


# -- QTI ----------------------------------------------------------------------------------------------------


def as_text(questions: list[Question]) -> str:
    """Write the exam as text2qti reads it."""
    lines = [f"Quiz title: {TITLE}", f"Quiz description: {in_short(questions)}."]
    lines += ["show correct answers: false"]
    for i, q in enumerate(questions, 1):
        lines += [
            "",
            f"Title: {q.name}",
            f"Points: {q.points}",
            f"{i}. {q.text}",
            f"... {q.solution}",
        ]
        for k, o in enumerate(q.options):
            lines.append(f"{'*' if o.right else ''}{letter(k)}) {o.text}")
            lines += [f"... {o.why}"] if o.why else []
        if q.kind == "number":
            margin = f" +- {q.tolerance:.6g}" if q.tolerance else ""
            lines.append(f"= {q.answer:.10g}{margin}")
        elif q.kind == "derivation":
            lines.append("____")
    return "\n".join(lines) + "\n"


def as_qti(questions: list[Question]) -> bytes:
    """Write a package of QTI 1.2, as Canvas and others import it."""
    config = Config()
    config["latex_render_url"] = "/equation_images"  # of the server that imports it
    return QTI(Quiz(as_text(questions), config=config, source_name="exam")).zip_bytes()


# -- Moodle -------------------------------------------------------------------------------------------------


def as_html(text: str) -> str:
    """Turn Markdown into HTML with formulas as Moodle knows them."""
    formulas: list[str] = []

    def keep(found: re.Match[str]) -> str:
        formulas.append(rf"\({html.escape(found[1], quote=False)}\)")
        return f"@@{len(formulas) - 1}@@"

    made = markdown.markdown(FORMULA.sub(keep, text))
    return re.sub(r"@@(\d+)@@", lambda found: formulas[int(found[1])], made)


def as_moodle(questions: list[Question]) -> str:
    """Write a file that Moodle imports into its bank of questions."""
    env = Environment(
        loader=PackageLoader("moodle_tools.questions"), trim_blocks=True, lstrip_blocks=True,
        autoescape=False,
    )  # fmt: skip
    made = []
    for q in questions:
        about = {
            "question": as_html(q.text), "title": q.name, "grade": float(q.points),
            "category": f"{TITLE}/chapter {q.chapter}", "general_feedback": as_html(q.solution),
            "markdown": False, "table_styling": False,
        }  # fmt: skip
        if q.kind == "choice":
            options = [
                {"answer": as_html(o.text), "points": 100 * o.right, "feedback": as_html(o.why)}
                for o in q.options
            ]
            made.append(
                create_question("multiple_choice", answers=options, shuffle_answers=False, **about)
            )
        elif q.kind == "number":
            right = {"answer": f"{q.answer:.10g}", "points": 100, "tolerance": f"{q.tolerance:.6g}"}
            made.append(create_question("numerical", answers=[right], **about))
        else:
            asked = {"response_format": "editor", "text_response": {"required": True}}
            made.append(create_question("essay", grader_info=as_html(q.solution), **asked, **about))
    quiz = env.get_template("quiz.xml.j2")
    return quiz.render(questions=[one.to_xml(env) for one in made])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument(
        "seed", help=f"any text of {secret.LEAST} characters or more; keep it to yourself"
    )
    parser.add_argument("--chapters", type=int, nargs="*", default=[], help="all, if none is named")
    parser.add_argument("--minutes", type=int, help="how long it shall take at most")
    parser.add_argument("--folder", type=Path, help="where to write it (a new one in dist/kit)")
    given = parser.parse_args()
    try:
        seed = secret.kept(given.seed)
        questions = exam(secret.number_of(seed), given.chapters, given.minutes)
    except ValueError as error:
        print(f"no exam: {error}", file=sys.stderr)
        return 1
    folder = given.folder or ROOT / "dist" / "kit" / f"exam-{secret.short(seed)}"
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in {
        "exam.md": as_markdown(questions, seed, solved=False),
        "solutions.md": as_markdown(questions, seed, solved=True),
        "moodle.xml": as_moodle(questions),
    }.items():
        (folder / name).write_text(text, "utf-8", newline="\n")
    (folder / "qti.zip").write_bytes(as_qti(questions))
    print(f"{folder}: {in_short(questions)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
