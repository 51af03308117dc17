"""The arena: what a rival says, what the harness makes of it, and the page that is made of what is stored.

Nothing is installed here and no rival is run: small scripts stand in for them.
"""

import ast
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tools"), str(ROOT / "benchmarks")]
import against  # noqa: E402
import arena  # noqa: E402

RIVALS = against.rivals()
rivals = pytest.mark.parametrize("name", RIVALS)
PROTOCOL = "import sys; sys.path.insert(0, {!r}); from protocol import *; ".format(
    str(ROOT / "benchmarks" / "rivals")
)


def process(code, tmp_path, limit=60.0):
    return arena.run([sys.executable, "-c", PROTOCOL + code], tmp_path, limit)


@pytest.fixture(scope="module", autouse=True)
def unpacked(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(arena, "DATA", tmp_path_factory.mktemp("data"))
        arena.unpack()
        yield arena.DATA


def stamped(*lines, seconds=20.0, turn=1, ended="end", **more):
    """Make a run of lines (seconds, iteration, accuracy)."""
    names = ("seconds", "iteration", "accuracy", "rmse")
    lines = [dict(zip(names, line, strict=False)) for line in lines]
    return {
        "lines": lines, "seconds": seconds, "peak_mb": 500, "ended": ended, "round": turn
    } | more  # fmt: skip


def stored():
    """Make a result with what can happen: reached, read and drawn, cut off, broken, not installed."""
    machine = {"processor": "a processor", "cores": 2, "system": "Linux", "date": "2026-11-28"}
    own = [
        stamped((4.0, 468, 97.1, 0.09), (5.0, 936, 98.1, 0.07), turn=1),
        stamped((8.0, 468, 97.1, 0.09), (10.0, 936, 98.1, 0.07), turn=2),
        stamped((4.0, 468, 97.1, 0.09), (5.0, 936, 98.3, 0.07), turn=3),
    ]
    torch = [
        stamped((9.0, 938, 96.9), (15.0, 1876, 98.0), turn=1),
        stamped((18.0, 938, 96.9), (40.0, 1876, 98.1), turn=2),
        stamped((9.0, 938, 96.9), (25.0, 1876, 98.2), turn=3),
    ]
    slow = stamped(
        (30.0, 1), (60.0, 240, 95.5), (90.0, 480, 97.2), (115.0, 720, 96.8), ended="limit"
    )
    return {
        "machine": machine | {"commit": "abc1234"},
        "load_before": 0.1,
        "rounds": 3,
        "limit": 120.0,
        "results": {
            "own": {"versions": {"python": "3.11.7", "jax": "0.10.2"}, "rounds": own},
            "torch-loop": {"versions": {"torch": "2.14.1"}, "rounds": torch},
            "fabricpc": {"versions": {"fabricpc": "0.6.0"}, "rounds": [slow]},
            "pcx": {
                "versions": {},
                "rounds": [stamped(ended="error", why="ValueError: no such thing")],
            },
            "ngclearn": {
                "versions": {}, "rounds": [], "failed": "could not be installed: No matching numpy"
            },
            "pydeepity": {"versions": {}, "rounds": [stamped(ended="limit")]},
            "jpc": {"versions": {}, "from": "a copy of its repository", "rounds": [slow]},
        },
    }  # fmt: skip


def rows(text):
    """Read the rows of the tables of a text, by their first cells."""
    cells = [[c.strip(" *") for c in line.split("|")[1:-1]] for line in text.splitlines()]
    found = {}
    for row in cells:
        if row:
            found.setdefault(row[0], []).append(row[1:])
    return found


@rivals
def test_a_rival_says_all_that_it_must(name):
    head = RIVALS[name]
    about = head["arena"]
    assert {"title", "batch", "sizes", "method", "how", "source"} <= {*about}
    assert about["method"] in ("predictive coding", "backprop")
    assert re.fullmatch(r">=3\.\d+", head["requires-python"])
    if about.get("own"):
        assert head["dependencies"] == []
    for need in head["dependencies"]:  # pinned, so that the same is measured again
        assert re.fullmatch(r"[\w-]+==[\w.]+|[\w-]+ @ git\+https://\S+@[0-9a-f]{40}", need), need
    text = head["path"].read_text("utf-8")
    assert len(ast.get_docstring(ast.parse(text)) or "") > 60
    if about["source"].startswith("https://"):
        site = about["source"].split("/")[2]
        assert site in (ast.get_docstring(ast.parse(text)) or "") or "instead_of" in about
    else:
        assert (ROOT / about["source"]).is_file()


@rivals
def test_a_rival_takes_no_time_itself_and_opens_no_connection(name):
    text = RIVALS[name]["path"].read_text("utf-8")
    assert not re.search(r"import time|perf_counter|download=True|urllib|requests\.", text)
    assert "report(" in text or "run(" in text or RIVALS[name]["arena"].get("command")


def test_those_who_share_an_environment_need_the_same():
    shared = {}
    for name, head in RIVALS.items():
        folder = head["arena"].get("environment", name)
        needs = head["requires-python"], head["dependencies"]
        assert shared.setdefault(folder, needs) == needs


def test_the_rivals_that_were_asked_for_are_there_and_this_package_is_first():
    wanted = "fabricpc pcx ngclearn pydeepity torch-pc sklearn-mlp torch-loop jpc jpc-notebook"
    wanted += " backprop-classifier backprop-twice own own-again"
    assert {*wanted.split()} == {*RIVALS}
    assert [*RIVALS][:2] == ["own", "own-again"]
    assert [*RIVALS].index("jpc") < [*RIVALS].index("jpc-notebook")  # which runs in its place


def test_a_head_that_is_missing_is_named(tmp_path):
    (tmp_path / "rival.py").write_text('"""Nothing."""\n')
    with pytest.raises(ValueError, match=r"rival.py has no lines"):
        against.head(tmp_path / "rival.py")


@pytest.mark.parametrize(
    "line, expected",
    [
        ('{"iteration": 3, "accuracy": 97.5}', {"iteration": 3, "accuracy": 97.5}),
        ('{"iteration": 1}', {"iteration": 1}),
        ('{"iteration": 3, "accuracy": 97.5, "rmse": 0.1, "energy": 2}', None),
        ('{"iteration": "3"}', None),
        ('{"iteration": 3, "accuracy": "much"}', None),
        ('{"name": "fast"}', None),
        ("[1, 2]", None),
        ("3", None),
        ("Epoch 1/20 ━━━━", None),
        ("", None),
    ],
)
def test_a_line_is_of_the_protocol_or_something_else(line, expected):
    if "energy" in line:  # further numbers are left out
        expected = {"iteration": 3, "accuracy": 97.5, "rmse": 0.1}
    assert arena.parse(line) == expected


def test_lines_are_stamped_in_order_and_the_rest_is_left_out(tmp_path):
    found = process("print('hello'); report(1); report(5, 97.123456, rmse=0.5)", tmp_path)
    assert [{**line, "seconds": 0} for line in found["lines"]] == [
        {"seconds": 0, "iteration": 1},
        {"seconds": 0, "iteration": 5, "accuracy": 97.1235, "rmse": 0.5},
    ]
    stamps = [line["seconds"] for line in found["lines"]]
    assert stamps == sorted(stamps) and found["ended"] == "end" and "why" not in found


def test_what_a_library_prints_stays_out_of_the_lines(tmp_path):
    code = "import os; quiet(); print('{\"iteration\": 9}'); os.write(1, b'noise'); report(2, 50)"
    found = process(code, tmp_path)
    assert [line["iteration"] for line in found["lines"]] == [2]


def test_an_error_is_stored_with_its_last_words(tmp_path):
    found = process("report(1); raise ValueError('no such thing')", tmp_path)
    assert found["ended"] == "error" and found["why"] == "ValueError: no such thing"
    assert len(found["lines"]) == 1
    assert not arena.again({"rounds": [found]})


def test_the_limit_ends_a_process(tmp_path):
    found = process("time = __import__('time'); time.sleep(600)", tmp_path, limit=0.5)
    assert found["ended"] == "limit" and found["lines"] == [] and "why" not in found


def test_what_a_process_started_ends_with_it():
    code = (
        "import subprocess, sys, time; wait = [sys.executable, '-c', 'import time; time.sleep(600)']; "
        "subprocess.Popen(wait); print('started', flush=True); time.sleep(600)"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    assert parent.stdout.readline() == "started\n"
    arena._end(parent)
    parent.communicate(timeout=1200)  # returns where nobody holds the other end any more


def test_memory_is_the_process_own(tmp_path):
    # In a process of its own, as `make arena` is: a peak begins at that of the parent, which is small there.
    code = (
        "import sys; from pathlib import Path; import arena; "
        "assert not {'jax', 'numpy'} & {*sys.modules}; "
        "allocate = 'x = bytes({} * 2**20); y = bytearray(x); print(len(y))'; "
        "runs = [arena.run([sys.executable, '-c', allocate.format(n)], Path('.')) for n in (1, 100)]; "
        "print(*(run['peak_mb'] for run in runs))"
    )
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT / "benchmarks")},
    )  # fmt: skip
    less, more = map(int, found.stdout.split())
    assert less < 60 and 80 < more - less < 220, found.stderr


def test_who_runs_again():
    slow, good = stamped((9.0, 5, 97.9), ended="limit"), stamped((9.0, 5, 98.0), ended="limit")
    assert arena.again({"rounds": []})
    assert arena.again({"rounds": [good]}) and arena.again({"rounds": [stamped((9.0, 5, 90.0))]})
    assert not arena.again({"rounds": [slow]})
    assert not arena.again({"rounds": [], "failed": "could not be installed: why"})


def test_mnist_is_that_of_the_package(unpacked, tmp_path):
    from bpc_minimal import class_means, load_mnist

    code = (
        "x, y = mnist('test'); means = np.stack([x[y == d].mean(0) for d in range(10)]); "
        "report(1, 0, rmse=rmse(means)); np.savez('found', x=x, y=y, means=means); "
        "b = [*batches(x, one_hot(y), 3000)]; report(len(b), 100 * sum(map(len, (p for p, _ in b))))"
    )
    lines = process(code, tmp_path)["lines"]
    found = np.load(tmp_path / "found.npz")
    images, labels = load_mnist("test")
    np.testing.assert_array_equal(found["y"], labels)
    np.testing.assert_allclose(found["x"] * 255, images.reshape(-1, 784), atol=1e-4)
    np.testing.assert_allclose(found["means"], class_means(images, labels), atol=1e-5)
    assert lines[0]["rmse"] == pytest.approx(0, abs=1e-6)
    assert (lines[1]["iteration"], lines[1]["accuracy"]) == (3, 900_000)


def test_an_environment_that_cannot_be_made_gives_its_reason(tmp_path, monkeypatch):
    monkeypatch.setattr(arena, "ENVIRONMENTS", tmp_path)
    head = {"arena": {}, "requires-python": ">=3.99", "dependencies": ["nothing==1"]}
    _, why = arena.install("nothing", head)
    assert why == "needs Python >=3.99, which was not found"
    asked = []

    def refuse(command, **_):
        asked.append(command)
        failed = "pip" in command
        words = (
            "WARNING: x\nERROR: No matching distribution found for nothing==1\n" if failed else ""
        )
        return subprocess.CompletedProcess(command, int(failed), "", words)

    monkeypatch.setattr(subprocess, "run", refuse)
    _, why = arena.install("nothing", head | {"requires-python": ">=3.11"}, source="a folder")
    assert why == "could not be installed: No matching distribution found for nothing==1"
    assert asked[-1][-1] == "a folder"  # in place of the first dependency
    assert not (tmp_path / "nothing" / "installed.json").exists()


def test_an_environment_is_made_once(tmp_path, monkeypatch):
    monkeypatch.setattr(arena, "ENVIRONMENTS", tmp_path)
    head = {
        "arena": {"environment": "shared"},
        "requires-python": ">=3.11",
        "dependencies": ["a==1"],
    }
    made = []

    def make(command, **_):
        made.append(command)
        python = tmp_path / "shared" / "bin" / "python"
        python.parent.mkdir(parents=True, exist_ok=True)
        python.touch()
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(subprocess, "run", make)
    assert [arena.install(name, head)[1] for name in ("one", "other")] == [None, None]
    assert len(made) == 2  # venv and pip
    arena.install("one", head | {"dependencies": ["a==2"]})
    assert len(made) == 4


def test_all_run_in_turn_and_the_fallback_only_where_it_is_needed(monkeypatch):
    order = []
    monkeypatch.setattr(arena, "warm", lambda *_: None)
    monkeypatch.setattr(arena, "versions", lambda *_: {})
    monkeypatch.setattr(
        arena, "run", lambda a, *_: order.append(Path(a[1]).stem) or stamped((9.0, 5, 98.5))
    )
    chosen = {name: RIVALS[name] for name in ("backprop-twice", "jpc", "jpc-notebook")}
    monkeypatch.setattr(arena, "install", lambda name, *_: (Path("python"), None))
    found = arena.measure(chosen, 2, 60.0, {"jpc": "a folder"})
    assert order == ["backprop_twice", "jpc_mnist"] * 2 and "jpc-notebook" not in found
    assert found["jpc"]["from"] == "a copy of its repository"
    assert [run["round"] for run in found["jpc"]["rounds"]] == [1, 2]
    order.clear()
    monkeypatch.setattr(
        arena, "install", lambda name, *_: (Path("python"), "no" if name == "jpc" else None)
    )
    found = arena.measure(chosen, 1, 60.0, {})
    assert order == ["backprop_twice", "jpc_notebook"]
    assert found["jpc"] == {"versions": {}, "rounds": [], "failed": "no"}


def test_what_a_rival_imports_is_imported_once_before_the_rounds(monkeypatch):
    codes = []
    monkeypatch.setattr(
        subprocess, "run", lambda command, **_: codes.append(command[2].split("\n"))
    )
    arena.warm(Path("python"), RIVALS["torch-loop"])
    arena.warm(Path("python"), RIVALS["own"])
    assert {"import torch", "import torchvision.transforms", "import protocol"} <= {*codes[0]}
    assert "import bpc_minimal.__main__" in codes[1]


def test_the_command_of_this_package_writes_into_the_round_s_own_folder(tmp_path):
    for name in against.FIRST:
        words = arena.command(name, RIVALS[name], Path("python"), tmp_path)
        assert words[:4] == ["python", "-m", "bpc_minimal", "train"]
        assert words[-2:] == ["--out", f"{tmp_path}/{name}"] and "--json" in words
    words = arena.command("jpc", RIVALS["jpc"], Path("python"), tmp_path)
    assert words == ["python", str(RIVALS["jpc"]["path"])]


def test_ratios_are_formed_within_a_round_and_the_median_is_shown():
    results = stored()["results"]
    assert against.ratio(results["torch-loop"], results["own"], 98) == 4  # of 3, 4 and 5
    assert against.ratio(results["own"], results["own"], 98) == 1
    assert against.ratio(results["fabricpc"], results["own"], 98) is None
    assert against.ratio(results["fabricpc"], {}, 97) is None


def test_what_a_run_is_reduced_to():
    slow = stored()["results"]["fabricpc"]["rounds"][0]
    assert against.reached(slow, 97) == 90 and against.reached(slow, 98) is None
    assert against.final(slow) == 96.8 and against.final(slow, "rmse") is None
    assert against.first_iteration(slow) == 30
    assert against.an_iteration(slow) == pytest.approx(1e3 * 85 / 719)
    own = stored()["results"]["own"]["rounds"][0]
    assert against.first_iteration(own) is None
    assert against.an_iteration(own) == pytest.approx(1e3 * 1 / 468)
    assert against.an_iteration(stamped((1.0, 5, 90.0))) is None
    assert against.middle([1, None, 3]) == 2 and against.middle([1, None]) is None


def test_the_tables_show_what_was_measured_and_leave_empty_what_was_not():
    found = rows(against.table(stored()))
    assert found["this package"][0] == ["1.0", "4.0 s", "5.0 s", "98.10 %", "0.070"]
    assert found["PyTorch, its tutorial's loop"][0] == ["4.0", "25.0 s", "25.0 s", "98.10 %", ""]
    assert found["FabricPC"][0] == ["", "90.0 s", "", "96.80 %", ""]
    batch, pace, images, first, memory = found["FabricPC"][1]
    assert (batch, pace, first, memory) == ("200", "118.22", "30.0 s", "500 MB")
    assert images == "1.7 thousand"
    assert "ngc-learn" not in found  # it has nothing to show: it stands among what failed


def test_what_failed_is_said_with_its_reason():
    said = "\n".join(against.failures(stored()))
    assert "ngc-learn could not be installed: No matching numpy." in said
    assert "PCX stopped with an error: ValueError: no such thing." in said
    assert "FabricPC did not reach 98 % within 120 s; the most that it read was 97.20 %." in said
    assert "Deepity did not reach 97 % and 98 % within 120 s, and read nothing." in said
    assert "this package" not in said and "PyTorch" not in said


def test_the_page_is_made_of_what_is_stored(tmp_path, monkeypatch):
    monkeypatch.setattr(against, "RESULT", tmp_path / "arena.json")
    assert "make arena" in against.page() and "still to be measured" in against.page()
    (tmp_path / "arena.json").write_text(
        json.dumps(stored() | {"note": "Other work ran beside it."})
    )
    page = against.page()
    for words in (
        "a processor, 2 cores, Linux, 2026-11-28, commit abc1234; 3 rounds, with a load of 0.1",
        "**Other work ran beside it.**",
        "fabricpc 0.6.0",
        "from a copy of its repository",
        "## What failed",
        "graphs of any shape",
    ):
        assert words in page
    assert "still to be measured" not in page
    assert "`" + "make arena" + "`" in page
    one = stored() | {"rounds": 1}
    one["results"] = {"own": one["results"]["own"]}
    (tmp_path / "arena.json").write_text(json.dumps(one))
    assert "; one round, with" in against.page() and "Nothing: all were installed" in against.page()


def test_the_page_of_the_book_is_the_one_that_is_made():
    assert (ROOT / "book" / "against.md").read_text("utf-8") == against.page()


def test_a_short_look_stores_nothing_and_a_whole_one_stores_all(tmp_path, monkeypatch, capsys):
    result = stored()
    run = type(sys)("run")
    run.machine = lambda: result["machine"]
    monkeypatch.setitem(sys.modules, "run", run)
    monkeypatch.setattr(arena, "RESULT", tmp_path / "arena.json")
    asked = []
    monkeypatch.setattr(arena, "measure", lambda *a: asked.append(a) or result["results"])
    monkeypatch.setattr(sys, "argv", ["arena.py", "--rounds", "1", "--only", "torch-loop"])
    assert arena.main() == 0 and not arena.RESULT.exists()
    assert "nothing is stored" in capsys.readouterr().out
    assert [*asked[0][0]] == ["torch-loop"] and asked[0][1] == 1
    monkeypatch.setattr(sys, "argv", ["arena.py", "--note", "Busy.", "--source", "jpc=here"])
    assert arena.main() == 0
    kept = json.loads(arena.RESULT.read_text())
    assert kept["results"] == result["results"] and kept["note"] == "Busy." and kept["rounds"] == 3
    assert [*asked[1][0]] == [*RIVALS] and asked[1][3] == {"jpc": str(Path("here").resolve())}
