"""What the guide for lecturers promises adds up, and names what is there."""

import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from bpc_minimal.checks.core import find

ROOT = Path(__file__).resolve().parents[1]
TEACHING = ROOT / "book" / "teaching"
PLANS, GUIDE, CHAPTERS = (
    (TEACHING / f"{name}.md").read_text("utf-8") for name in ("plans", "guide", "chapters")
)


def rows(heading):
    """Give the cells of the first table below a heading."""
    section = re.split(r"^## ", PLANS.split(f"## {heading}")[1], flags=re.MULTILINE)[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def test_what_is_made_of_the_checks_is_up_to_date():
    tool = [sys.executable, ROOT / "tools" / "guide.py", "--check"]
    done = subprocess.run(tool, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_each_chapter_has_goals_mistakes_questions_a_plan_and_its_rows_in_the_table():
    numbers = sorted(int(path.name[:2]) for path in (ROOT / "book").glob("[0-9]*.ipynb"))
    text, table = CHAPTERS.split("## Goals, exercises, questions")
    sections = re.split(r"^## Chapter (\d+), ", text, flags=re.MULTILINE)[1:]
    assert [int(n) for n in sections[::2]] == numbers
    for number, section in zip(sections[::2], sections[1::2], strict=True):
        for part in ("What goes wrong, and how to meet it", "Questions", "Code it live"):
            assert section.count(f"### {part}") == 1, (number, part)
        for mark in ("goals", "mistakes"):
            assert section.count(f"<!-- {mark}: {number} -->\n\n") == 1, (number, mark)
        asked = re.findall(rf"Question ({number}\.\d): ", section)
        assert len(asked) >= 4 and all(f"#exercise-{n.replace('.', '-')})" in table for n in asked)


def test_the_minutes_of_the_workshop_add_up():
    assert sum(int(minutes) for minutes, *_ in rows("A workshop of 120 minutes")) == 120


def test_each_day_of_the_module_has_its_minutes():
    days = {}
    for day, minutes, _ in rows("A module of one week"):
        days[day] = days.get(day, 0) + int(minutes)
    assert days == dict.fromkeys("12345", 90)


@pytest.mark.parametrize("heading", ["A workshop of 120 minutes", "A module of one week"])
def test_exercises_are_given_the_minutes_that_they_take(heading):
    for row in rows(heading):
        minutes = next(int(cell) for cell in reversed(row) if cell.isdigit())
        numbers = re.findall(r"\b\d\.\d\b", " ".join(re.findall(r"exercises? .*", " ".join(row))))
        if numbers and "groups" not in " ".join(row):
            assert sum(find(number).minutes for number in numbers) == minutes, row


def test_the_lecture_and_the_lab_of_a_week_have_90_minutes():
    for kind in ("Lecture", "Lab"):
        (text,) = re.findall(rf"\b{kind}: .*?(?=Lab: |\n\n)", PLANS, re.DOTALL)
        assert sum(map(int, re.findall(r"\((\d+)(?: minutes)?\)", text))) == 90


def test_live_coding_takes_what_its_heading_says():
    for minutes, plan in re.findall(
        r"### Code it live, (\d+) minutes\n(.*?)<!--", CHAPTERS, re.DOTALL
    ):
        assert sum(map(int, re.findall(r"\((\d+)\)\.", plan))) == int(minutes), plan


def test_the_workshop_names_sections_that_are_there():
    headings = {
        line.lstrip("# ")
        for path in (ROOT / "book").glob("[0-9]*.ipynb")
        for cell in nbformat.read(path, as_version=4).cells
        if cell.cell_type == "markdown"
        for line in cell.source.splitlines()
        if line.startswith("#")
    }
    for _, section, _ in rows("A workshop of 120 minutes"):
        if found := re.match(r"chapter \d: (.*)", section):
            assert {*found[1].split("; ")} <= headings, section


@pytest.mark.parametrize("tool", ["editions", "student_book", "guide", "preflight", "slides"])
def test_a_tool_that_is_asked_for_help_says_how_it_is_used_and_makes_nothing(tool, tmp_path):
    command = [sys.executable, ROOT / "tools" / f"{tool}.py", "--help"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    if tool == "slides" and "No module named" in done.stderr:
        pytest.skip("made in the kit's environment")
    assert done.returncode == 0 and done.stdout.startswith("usage: "), done.stderr
    assert not [*tmp_path.iterdir()]


def test_a_fork_gets_its_address_and_its_tag_before_anything_is_given_out():
    first, *_ = re.findall(r"```sh\n(.*?)```", GUIDE, re.DOTALL)
    version = re.findall(r'^version = "(.*)"', (ROOT / "pyproject.toml").read_text("utf-8"), re.M)[
        0
    ]
    order = ["make set-repository", f"git tag v{version}", f"git push origin v{version}"]
    places = [first.index(line) for line in [*order, "make editions", "make assignments"]]
    assert places == sorted(places)
    chapter = (ROOT / "book" / "01_energy.ipynb").read_text("utf-8")
    assert f"@v{version}" in chapter and "git push --tags" not in GUIDE


def test_the_commands_of_the_guide_are_there():
    makefile = (ROOT / "Makefile").read_text("utf-8")
    targets = re.findall(r"^([a-z][a-z0-9-]*):(?!=)", makefile, re.MULTILINE)
    blocks = "".join(re.findall(r"```sh\n(.*?)```", GUIDE, re.DOTALL))
    named = re.findall(r"^ *make ([\w-]+)", blocks, re.MULTILINE)
    assert {"editions", "assignments", "preflight", "set-repository"} <= {*named} <= {*targets}
    for folder in ("student", "instructor", "colab"):
        assert f"dist/kit/{folder}" in GUIDE
