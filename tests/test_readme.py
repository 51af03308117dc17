"""What the README tells a newcomer to type works, and what it shows is what is printed."""

import contextlib
import importlib
import io
import re
import shlex
import sys
from pathlib import Path

import pytest
from PIL import Image, ImageDraw

from bpc_minimal.__main__ import main

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tools"))
import first_minutes  # noqa: E402

README = (ROOT / "README.md").read_text("utf-8")
BLOCKS = re.findall(r"^```sh\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
COMMANDS = [
    re.split(r"\s#\s", line)[0].strip() for block in BLOCKS for line in block.splitlines()
] + re.findall(r"`((?:make|(?:\.venv/bin/)?python|jupyter-book) [^`]*)`", README)
SHORT = ("--set", "iterations=6", "--set", "evaluate_every=2", "--set", "sizes=10,12,784")


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Train as the README does, but for moments only; give the folder and what was printed."""
    folder, printed = tmp_path_factory.mktemp("first"), io.StringIO()
    with contextlib.chdir(folder), contextlib.redirect_stdout(printed):
        assert main(["train", *SHORT]) == 0
        picture = Image.new("L", (300, 200), 255)
        ImageDraw.Draw(picture).line([(40, 30), (90, 30), (60, 110)], fill=0, width=6)
        picture.save("digit.png")  # a seven
    return folder, printed.getvalue()


def words(text):
    """Leave the words: no numbers, no drawn digits, and no line that the README cuts."""
    lines = text.replace("\\", "/").splitlines()  # of paths on Windows
    lines = [line for line in lines if re.search(r"\w", line) and len(line) <= first_minutes.WIDTH]
    return [re.sub(r"[\d.,]+", "N", re.sub(r"\s+", " ", line.strip())) for line in lines]


def test_the_output_shown_is_what_train_prints(trained):
    shown = first_minutes.region("output").search(README)
    assert shown and shown[0].startswith("```text\n")
    command, *lines = shown[0].removeprefix("```text\n").removesuffix("```\n").splitlines()
    assert command.strip() == ".venv/bin/python -m bpc_minimal train"
    printed = [line for line in trained[1].splitlines() if not line.startswith("changed: ")]
    assert words("\n".join(lines)) == words("\n".join(printed))
    assert any("█" in line for line in lines)


def test_every_make_target_named_exists():
    targets = re.findall(r"^([a-z][a-z0-9-]*):(?!=)", (ROOT / "Makefile").read_text(), re.MULTILINE)
    named = [shlex.split(command)[1] for command in COMMANDS if command.startswith("make ")]
    assert named and set(named) <= set(targets)


def test_every_file_named_exists():
    for command in COMMANDS:
        for word in shlex.split(command):
            if re.fullmatch(r"[\w./-]+\.(py|txt|cfg)", word):
                assert (ROOT / word).is_file(), command


LINES = [c for c in COMMANDS if re.search(r"python -m bpc_minimal (?!train)", c)]


@pytest.mark.parametrize("line", LINES)
def test_what_follows_training_works(line, trained, monkeypatch, capsys):
    monkeypatch.chdir(trained[0])
    assert main(shlex.split(line)[3:]) == 0
    assert capsys.readouterr().out


def test_what_is_drawn_stands_above_the_answer_of_ones_own_digit(trained, monkeypatch, capsys):
    monkeypatch.chdir(trained[0])
    (line,) = [line for line in LINES if "--images" in line]
    assert main(shlex.split(line)[3:]) == 0
    out = capsys.readouterr().out
    assert "█" in out and re.fullmatch(r"digit\.png: \d", out.splitlines()[-1])


def test_what_hangs_on_what_in_the_method_is_there():
    text = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    table = text.partition("## Change the method")[2].partition("\n## ")[0]
    tests, names = (
        set(re.findall(r"`(test_\w+\.py)`", table)),
        re.findall(r"`(\w+)\.(?!js|c\b)(\w+)`", table),
    )
    assert (
        {"test_curvature.py", "test_laws.py"} <= tests <= {p.name for p in ROOT.glob("tests/*.py")}
    )
    own = [pair for pair in names if (ROOT / "bpc_minimal" / f"{pair[0]}.py").exists()]
    assert ("config", "PRESETS") in own
    assert all(hasattr(importlib.import_module(f"bpc_minimal.{m}"), name) for m, name in own)


def test_each_part_of_a_tests_name_that_the_method_names_is_one():
    text = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    table = text.partition("## Change the method")[2].partition("\n## ")[0]
    named = re.findall(r"`(test_\w+\.py)` \(([^)]*)\)", table)
    assert len(named) > 5
    for file, parts in named:
        tests = re.findall(r"^def (test_\w+)", (ROOT / "tests" / file).read_text("utf-8"), re.M)
        for part in re.findall(r"`(\w+)`", parts):
            assert any(part in name for name in tests), (file, part)


def test_three_doors_with_one_command_each_stand_first():
    top = README[: README.index("\n## ")]
    doors = re.findall(r"^\| \*\*(\w+)\*\* \| `(make [^`]+)` \|", top, re.MULTILINE)
    assert [door for door, _ in doors] == ["read", "teach", "build"]


def test_times_measured_stand_in_the_order_of_the_commands():
    rows = first_minutes.rows(README)
    named = [re.findall(r"`make (\w+)`", row)[0] for row in rows]
    assert named and named == [command for command in first_minutes.SETS_UP if command in named]
    assert all(
        re.fullmatch(
            r" [^|]+ \| \d+ (s|min) \|( \d+ (s|min))? \| (nothing|[\d.]+ of \d+ processors' work) \|",
            rest,
        )
        for rest in rows.values()
    )


MNIST, DIGITS = re.findall(r"^```python\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


@pytest.mark.slow
def test_the_lines_of_python_work(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    exec(compile(MNIST.replace("# where it was stopped: ", ""), "README.md", "exec"), {})
    assert {path.name for path in tmp_path.iterdir()} == {"run.bpc", "digits.png"}
    *evaluated, last = capsys.readouterr().out.splitlines()
    assert len(evaluated) == 3 and float(evaluated[-1]) > 97
    assert all(float(x) > 0.97 for x in re.findall(r"[\d.]+", last)), last


def test_python_is_that_of_the_environment_until_it_is_activated():
    before = README.partition("### Without make")[0]
    for line in re.findall(r"[^`\n]*python -m [^`\n]*", before):
        assert re.search(r"\.venv/bin/python -m", line), line


def test_data_of_another_shape_are_read_as_well_as_the_words_say(capsys):
    pytest.importorskip("sklearn")
    exec(compile(DIGITS, "README.md", "exec"), {})
    assert float(capsys.readouterr().out) > 97
