"""Laws of the command line: what it prints, what it leaves, and that no mistake ends in a traceback."""

import base64
import contextlib
import io
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import threading
import time
import warnings
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import jax
import numpy as np
import pytest
from conftest import same_bits

from bpc_minimal import (
    BIDIRECTIONAL,
    HYBRID,
    PRESETS,
    Checkpoint,
    Config,
    History,
    TrainState,
    __main__,
    classify,
    complete,
    denormalise,
    fit,
    load,
    load_mnist,
    make_state,
    mnist,
    normalise,
    pretrained,
    save,
)
from bpc_minimal.__main__ import main
from bpc_minimal.curvature import first_norms
from bpc_minimal.process import Stopping

ROOT = Path(__file__).parents[1]
PNG = b"\x89PNG\r\n\x1a\n"
SETTINGS = {
    "sizes": "10,12,784", "training_images": 320, "batch_size": 64, "iterations": 12,
    "evaluate_every": 5, "steps": 2, "learning_rate": 0.01, "name": "tiny",
}  # fmt: skip


def sets(**changes):
    """The settings of a tiny run as arguments."""
    return [x for name, value in (SETTINGS | changes).items() for x in ("--set", f"{name}={value}")]


def run(*arguments):
    """Call the command line in this process; gives its exit code."""
    try:
        return main([str(a) for a in arguments])
    except SystemExit as end:  # argparse's own
        return end.code


def start(*arguments, cwd, stderr=subprocess.PIPE):
    """Start the command line in a process of its own."""
    environment = dict(os.environ, PYTHONPATH=str(ROOT), PYTHONUNBUFFERED="1", MPLBACKEND="agg")
    return subprocess.Popen(
        [sys.executable, "-m", "bpc_minimal", *map(str, arguments)],
        cwd=cwd,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=stderr,
        text=True,
        preexec_fn=heed_ctrl_c if os.name != "nt" else None,
    )


def heed_ctrl_c():
    """Heed Ctrl-C, also where the tests run in the background of a shell, which ignores it."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    """Let each test begin in an empty folder, without a screen."""
    heed_ctrl_c()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MPLBACKEND", "agg")


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """The folder of one finished run; tests read it and leave it alone."""
    folder = tmp_path_factory.mktemp("done") / "run"
    assert run("train", *sets(), "--out", folder, "--json") == 0
    return folder


@pytest.fixture
def checkpoint(done):
    return done / "checkpoint.bpc"


# train ----------------------------------------------------------------------------------------------


def test_train_prints_one_object_an_evaluation_and_leaves_its_results(tmp_path, capsys):
    assert run("train", *sets(), "--json") == 0
    out, err = capsys.readouterr()
    records = [json.loads(line) for line in out.splitlines()]
    assert [r["iteration"] for r in records] == [5, 10, 12]
    assert all(isinstance(r.pop("seconds"), float) for r in records)
    for record in records:
        assert [*record][:4] == ["iteration", "gen_loss", "amort_loss", "accuracy"]
        assert all(isinstance(value, (int, float)) for value in record.values())
        assert 0 <= record["accuracy"] <= 100
    folder = tmp_path / "runs" / "tiny"
    files = {p.name for p in folder.iterdir()}
    assert files == {"checkpoint.bpc", "digits.png", "training.png"}
    for name in ("digits.png", "training.png"):
        assert (folder / name).read_bytes().startswith(PNG)
    kept = load(folder / "checkpoint.bpc")
    assert kept.history.evaluations == records
    assert kept.config.sizes == (10, 12, 784) and kept.config.iterations == 12
    (settings,) = err.splitlines()  # beside the objects, so that a run never goes without them
    assert Config.from_json(settings) == kept.config


def test_train_in_words_says_what_it_does_and_where_it_went(tmp_path, capsys):
    assert run("train", *sets()) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith(f"tiny: 12 iterations of 64, results in {Path('runs/tiny')}")
    evaluations = [line for line in lines if line.startswith("iteration ")]
    assert [int(line.split()[1]) for line in evaluations] == [5, 10, 12]
    for line in evaluations:
        assert line.split()[2::2] == ["gen_loss", "amort_loss", "accuracy", "%"]
    assert lines[-1].startswith(f"{Path('runs/tiny/checkpoint.bpc')}: weights and history")


def test_progress_is_shown_in_a_terminal(tmp_path):
    pty = pytest.importorskip("pty", reason="Windows has no pseudo-terminal")
    ours, theirs = pty.openpty()
    pytest.importorskip("termios").tcsetwinsize(theirs, (24, 80))  # a new one is of no width
    process = start("train", *sets(), cwd=tmp_path, stderr=theirs)
    os.close(theirs)
    late = threading.Timer(1_800, process.kill)
    late.start()
    seen = b""
    try:
        with contextlib.suppress(OSError):  # how Linux says that the other end is closed
            while part := os.read(ours, 4096):
                seen += part
        out, _ = process.communicate(timeout=1_800)
    finally:
        late.cancel()
        process.kill()
        os.close(ours)
    assert process.returncode == 0, seen
    assert b"0/12 [" in seen and b"12/12 [" in seen
    assert "12/12" not in out


def test_the_bar_moves_often_whatever_an_iteration_takes(monkeypatch):
    clock, moved = [0.0], []
    monkeypatch.setattr(time, "perf_counter", lambda: clock[0])
    for seconds in (0.0001, 0.01, 0.3):
        bar = SimpleNamespace(n=0, update=lambda more: moved.append((clock[0], more)))
        pace, done = __main__._pace(bar), 0
        moved.clear()
        for stretch in range(30):
            length = pace(done)
            done += length
            clock[0] += length * seconds + 5 * (stretch == 0)  # the first compiles
        gaps = np.diff([when for when, _ in moved])
        assert (gaps[1:] <= max(0.25, seconds) + 1e-9).all() and gaps[-1] > 0.2, seconds


def test_no_progress_is_shown_in_a_pipe(tmp_path):
    process = start("train", *sets(), cwd=tmp_path)
    out, err = process.communicate(timeout=1_800)
    assert process.returncode == 0, err
    assert "/12" not in out + err and "it/s" not in out + err


def test_runs_never_land_on_another_unasked(tmp_path, done, capsys):
    (tmp_path / "runs" / "tiny").mkdir(parents=True)
    short = sets(iterations=5)
    assert run("train", *short, "--json") == 0
    assert run("train", *short, "--json") == 0
    assert sorted(os.listdir("runs")) == ["tiny", "tiny-2", "tiny-3"]
    first = (tmp_path / "runs" / "tiny-2" / "checkpoint.bpc").read_bytes()
    assert run("train", *short, "--out", "runs/tiny-2", "--seed", 1) == 1
    assert f"error: {Path('runs/tiny-2')} holds a run already" in capsys.readouterr().err
    other = done / "checkpoint.bpc"
    assert run("train", "--resume", other, "--out", "runs/tiny-2") == 1
    assert f"error: {Path('runs/tiny-2')} holds a run already" in capsys.readouterr().err
    assert (tmp_path / "runs" / "tiny-2" / "checkpoint.bpc").read_bytes() == first
    assert run("train", *short, "--out", "runs/tiny-2", "--seed", 1, "--overwrite") == 0
    assert load("runs/tiny-2/checkpoint.bpc").config.seed == 1


def test_a_run_that_learned_nothing_leaves_no_folder():
    assert run("train", *sets(batch_size=321)) == 1
    assert run("train", *sets(sizes="10,12,783")) == 1
    assert run("train", *sets(step_rule="fixed", step_size=1e4)) == 1  # it diverges at once
    assert os.listdir("runs") == []


def test_settings_come_from_preset_file_and_changes(tmp_path):
    def config(*arguments):
        return __main__._config(__main__._parser().parse_args(["train", *arguments]), None)

    assert config() == PRESETS["fast"]
    assert config("--preset", "jpc") == PRESETS["jpc"]
    (tmp_path / "settings.json").write_text(PRESETS["best"].replace(seed=5).to_json())
    assert config("--config", "settings.json") == PRESETS["best"].replace(seed=5)
    assert config("--config", "settings.json", "--seed", "6") == PRESETS["best"].replace(seed=6)
    (tmp_path / "few.json").write_text('{"epochs": 2, "sizes": [10, 784]}')
    assert config("--config", "few.json") == Config(epochs=2, sizes=(10, 784))
    changes = {
        "alpha_gen=1e-3,1e-2,1": {"alpha_gen": (1e-3, 1e-2, 1)},
        "alpha_gen=[1e-3, 1e-2, 1]": {"alpha_gen": (1e-3, 1e-2, 1)},
        "alpha_disc=0.5": {"alpha_disc": 0.5},
        "use_bias=true": {"use_bias": True},
        "use_bias=True": {"use_bias": True},
        "rule=hybrid": {"rule": HYBRID},
        "rule=bidirectional": {"rule": BIDIRECTIONAL},
        "activation=tanh": {"activation": "tanh"},
        "iterations=7": {"iterations": 7, "epochs": None},
        "evaluate_every=None": {"evaluate_every": None},
        "name=7": {"name": "7"},
    }
    for text, expected in changes.items():
        assert config("--set", text) == PRESETS["fast"].replace(**expected)


@pytest.mark.skipif(os.name == "nt", reason="on Windows this would end the process")
def test_a_resumed_run_ends_as_an_unbroken_one(done, monkeypatch, capsys):
    """Ctrl-C while the first checkpoint is written: the run ends at an evaluation, and goes on there."""
    write, answered = __main__.save, threading.Event()
    answer = Stopping._answer
    monkeypatch.setattr(
        Stopping, "_answer", lambda self, *arguments: (answer(self, *arguments), answered.set())
    )

    def interrupting(path, checkpoint):
        write(path, checkpoint)
        if len(checkpoint.history.evaluations) == 1:
            os.kill(os.getpid(), signal.SIGINT)
            assert answered.wait(600)  # the main thread may be slow

    before = signal.getsignal(signal.SIGINT)
    monkeypatch.setattr(__main__, "save", interrupting)
    long = sets(iterations=12, evaluate_every=1)
    assert run("train", *long, "--json", "--out", "two parts", "--held-out", "validation") == 130
    assert signal.getsignal(signal.SIGINT) is before
    out, err = capsys.readouterr()
    stopped = load("two parts/checkpoint.bpc")
    reached = int(stopped.state.iteration)
    assert reached == len(out.splitlines()) < 12
    assert f"interrupted; iteration {reached} of 12 is kept. Go on with:" in err
    command = err.splitlines()[-1]
    there = shlex.quote(str(Path("two parts/checkpoint.bpc")))
    assert command.endswith(f"-m bpc_minimal train --resume {there} --held-out validation")
    monkeypatch.setattr(__main__, "save", write)
    resume = ("train", "--resume", "two parts/checkpoint.bpc", "--held-out", "validation")
    assert run(*resume, "--json") == 0
    records = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [r["iteration"] for r in records] == [*range(reached + 1, 13)]
    assert run("train", *long, "--json", "--out", "whole", "--held-out", "validation") == 0
    whole, parts = load("whole/checkpoint.bpc"), load("two parts/checkpoint.bpc")
    assert same_bits(parts.state, whole.state)
    assert same_bits(parts.history, whole.history)
    # Nothing is left to do for a run that has ended.
    capsys.readouterr()
    assert run(*resume, "--json") == 0
    assert capsys.readouterr().out == ""
    assert same_bits(load("two parts/checkpoint.bpc"), whole)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes with a name")
def test_a_resumed_run_may_come_through_a_pipe(done, checkpoint, monkeypatch):
    """Which can be read but once: whoever reads it again waits for ever."""
    read = []

    def once(path):
        read.append(path)
        assert len(read) == 1
        return load(path)

    monkeypatch.setattr(__main__, "load", once)
    os.mkfifo("pipe.bpc")
    write = partial(Path("pipe.bpc").absolute().write_bytes, checkpoint.read_bytes())
    threading.Thread(target=write, daemon=True).start()
    assert run("train", "--resume", "pipe.bpc", "--out", "piped") == 0
    assert int(load("piped/checkpoint.bpc").state.iteration) == 12


def test_a_resumed_run_may_go_on_in_another_folder(done, checkpoint):
    before = checkpoint.read_bytes()
    assert run("train", "--resume", checkpoint, "--out", "other", "--json") == 0
    assert {"digits.png", "training.png"} <= set(os.listdir("other"))
    assert checkpoint.read_bytes() == before
    assert run("train", "--resume", checkpoint, "--out", done, "--json") == 0  # its own place


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGINT for another process")
def test_interrupting_keeps_what_was_learned(tmp_path):
    """The true Ctrl-C, to a process in the middle of a run that would take hours."""
    process = start("train", "--json", *sets(iterations=10**7, evaluate_every=20), cwd=tmp_path)
    try:
        first = json.loads(process.stdout.readline())
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=1_800)
    finally:
        process.kill()
    assert process.returncode == 130, err
    assert "Traceback" not in err
    assert "interrupted: stopping after the next evaluation" in err
    last = json.loads(out.splitlines()[-1]) if out else first
    assert f"iteration {last['iteration']:,} of 10,000,000 is kept. Go on with:" in err
    assert err.splitlines()[-1].endswith("train --resume runs/tiny/checkpoint.bpc")
    kept = load(tmp_path / "runs" / "tiny" / "checkpoint.bpc")
    assert int(kept.state.iteration) == last["iteration"] >= first["iteration"]
    assert os.listdir(tmp_path / "runs" / "tiny") == ["checkpoint.bpc"]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGINT for another process")
def test_interrupting_twice_ends_at_once(tmp_path):
    """In an epoch of hours, which the first Ctrl-C waits for."""
    arguments = sets(iterations=10**7, evaluate_every=10**7)
    process = start("train", *arguments, cwd=tmp_path)
    try:
        assert process.stdout.readline().startswith("tiny: 10,000,000 iterations")
        time.sleep(1)  # in its first milliseconds one Ctrl-C is enough
        process.send_signal(signal.SIGINT)
        assert process.stderr.readline().startswith("interrupted: stopping after the next")
        process.send_signal(signal.SIGINT)
        process.wait(timeout=1_800)
    finally:
        process.kill()
    assert process.returncode == -signal.SIGINT


def test_a_diverging_run_says_why(capsys):
    assert run("train", *sets(step_rule="fixed", step_size=1e4)) == 1
    err = capsys.readouterr().err
    assert err.startswith("error: training diverged at iteration ") and "curvature" in err


# classify, generate, complete, info -----------------------------------------------------------------


def test_classify_gives_the_answers_of_the_network(checkpoint, capsys, tmp_path):
    network, (images, labels) = load(checkpoint).network, load_mnist("test")
    answers = np.asarray(classify(network, normalise(images)))
    accuracy = 100 * np.mean(answers == labels)
    assert run("classify", checkpoint, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["labels"] == answers.tolist()
    assert found["accuracy"] == pytest.approx(accuracy, abs=0.005)
    assert run("classify", checkpoint, "--index", 3, -1, 8) == 0
    assert capsys.readouterr().out.split("\n")[0] == " ".join(map(str, answers[[3, -1, 8]]))
    assert run("classify", checkpoint) == 0
    assert capsys.readouterr().out == f"accuracy {accuracy:.2f} % of 10,000 images\n"
    np.save(tmp_path / "mine.npy", images[:150])
    assert run("classify", checkpoint, "--images", "mine.npy", "--json") == 0
    assert json.loads(capsys.readouterr().out) == {
        "labels": answers[:150].tolist(),
        "accuracy": None,
    }
    assert run("classify", checkpoint, "--images", "mine.npy") == 0
    counts = np.bincount(answers[:150], minlength=10).tolist()
    assert capsys.readouterr().out == f"150 images, of 0 to 9: {counts}\n"


def test_classify_settles_with_the_runs_own_settings(checkpoint, capsys):
    kept, (images, _) = load(checkpoint), load_mnist("validation")
    c = kept.config
    answers = classify(
        kept.network, normalise(images[:40]), 30, rule=c.rule, alpha_gen=c.alpha_gen,
        alpha_disc=c.alpha_disc, step_size=c.step_size, step_rule=c.step_rule,
    )  # fmt: skip
    few = ("--split", "validation", "--index", *range(40))
    assert run("classify", checkpoint, "--steps", 30, *few, "--json") == 0
    assert json.loads(capsys.readouterr().out)["labels"] == np.asarray(answers).tolist()


def test_generate_draws_a_figure(checkpoint, capsys, tmp_path):
    assert run("generate", checkpoint) == 0
    out = capsys.readouterr().out.splitlines()
    assert out[-1] == "generated.png" and len(out) == 1 + 2 * 7  # two rows of five, as characters
    assert (tmp_path / "generated.png").read_bytes().startswith(PNG)
    assert (
        run("generate", checkpoint, "--labels", 3, 3, "--steps", 2, "--out", "x.svg", "--json") == 0
    )
    assert json.loads(capsys.readouterr().out) == {"figure": "x.svg", "replaced": False}
    assert "<svg" in (tmp_path / "x.svg").read_text("utf-8")


def test_a_file_that_is_replaced_is_told_of(checkpoint, capsys):
    commands = {
        "x.png": ("generate", checkpoint, "--labels", 3),
        "y.png": ("complete", checkpoint, "--index", 0, "--steps", 1),
        "z.js": ("export", checkpoint),
    }
    for name, command in commands.items():
        for replaced in (False, True):
            assert run(*command, "--out", name) == 0
            last = capsys.readouterr().out.splitlines()[-1]
            assert last.startswith(f"{name} (replaced)" if replaced else name), last
            assert replaced or "replaced" not in last
        assert run(*command, "--out", name, "--json") == 0
        assert json.loads(capsys.readouterr().out)["replaced"] is True
        assert run(command[0], "--help") == 0
        assert "that is there already is replaced" in " ".join(capsys.readouterr().out.split())


def test_characters_show_the_ink():
    blank, full = np.zeros((1, 28, 28)), np.ones((1, 28, 28))
    assert __main__._as_text(blank).strip() == ""
    assert __main__._as_text(full) == "\n".join(["█" * 14] * 7)
    upper = blank.copy()
    upper[:, :2] = 1
    assert __main__._as_text(upper).splitlines()[0] == "▀" * 14


@pytest.mark.parametrize("hide", ["top", "bottom", "left", "right"])
def test_complete_measures_the_hidden_half(checkpoint, hide, capsys, tmp_path):
    kept, pixels = load(checkpoint), normalise(load_mnist("test")[0][[4, 2]])
    row, column = np.indices((28, 28))
    hidden = {"top": row < 14, "bottom": row > 13, "left": column < 14, "right": column > 13}[hide]
    whole = complete(kept.network, pixels, ~hidden.ravel(), steps=20)
    error = np.asarray(denormalise(whole) - denormalise(pixels))[:, hidden.ravel()]
    arguments = ("--index", 4, 2, "--hide", hide, "--steps", 20)
    assert run("complete", checkpoint, *arguments, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["figure"] == "completed.png"
    assert found["rmse"] == pytest.approx(float(np.sqrt(np.mean(error**2))), abs=1e-4)
    assert (tmp_path / "completed.png").read_bytes().startswith(PNG)
    if hide == "top":
        assert run("complete", checkpoint, *arguments, "--out", "c.pdf") == 0
        last = capsys.readouterr().out.splitlines()[-1]
        assert last.startswith("c.pdf: seen, completed, true; hidden pixels differ by ")
        assert float(last.split()[-2]) == pytest.approx(found["rmse"], abs=6e-4)


@pytest.mark.parametrize("numbers", ["float16", "float32"])
def test_export_writes_a_script_that_holds_the_network(numbers, checkpoint, capsys, tmp_path):
    assert run("export", checkpoint, "--numbers", numbers, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    text = (tmp_path / "network.js").read_text("utf-8")
    facts = {"script": "network.js", "replaced": False, "name": "tiny", "bytes": len(text)}
    assert found == facts
    assert text.splitlines()[1].startswith(
        "// Run: tiny, sizes 10-12-784, seed 0, 12 iterations of 64"
    )
    fields = json.loads(text.split('["tiny"] = ')[1].rstrip().removesuffix(";"))
    kept = load(checkpoint)
    assert fields["run"] in text.splitlines()[1]
    assert Config.from_json(json.dumps(fields["settings"])) == kept.config
    assert fields["evaluation"] == kept.history.evaluations[-1]
    for way in ("generator", "amortiser"):
        for linear, stored in zip(getattr(kept.network, way), fields[way], strict=True):
            weight = np.frombuffer(base64.b64decode(stored["weight"]), np.dtype(numbers))
            np.testing.assert_array_equal(weight, np.asarray(linear.weight, numbers).ravel())
            norm = np.linalg.norm(np.asarray(linear.weight, numbers).astype(float), 2)
            assert norm <= stored["norm"] <= 1.01 * norm


@pytest.mark.parametrize("count", [1, 9])
def test_too_few_images_are_named_before_their_labels(count, capsys):
    np.save("x.npy", np.zeros((count, 28, 28), np.uint8))
    np.save("y.npy", np.full(count, 9))
    assert run("train", "--images", "x.npy", "--labels", "y.npy") == 1
    assert f"x.npy holds {count} images, 10 or more expected" in capsys.readouterr().err


def test_export_of_what_has_not_learnt_has_no_evaluation(checkpoint, tmp_path):
    fresh = make_state(load(checkpoint).config, 12)
    save("fresh.bpc", Checkpoint(load(checkpoint).config, fresh, History({}, []), ""))
    assert run("export", "fresh.bpc") == 0
    assert '"evaluation": null' in (tmp_path / "network.js").read_text("utf-8")


def test_export_names_weights_that_do_not_fit(checkpoint, capsys, tmp_path):
    kept = load(checkpoint)
    network = jax.tree.map(lambda w: 1e6 + w, kept.network)
    state = kept.state.__class__(
        **vars(kept.state) | {"network": network, "norms": first_norms(network)}
    )
    save("large.bpc", kept._replace(state=state))
    assert run("export", "large.bpc") == 1
    err = capsys.readouterr().err
    assert err.startswith(
        "error: the largest weight, 1e+06, does not fit into float16: export with"
    )
    assert not (tmp_path / "network.js").exists()
    assert run("export", "large.bpc", "--numbers", "float32", "--name", "it's large") == 0
    assert '["it\'s large"] = {' in (tmp_path / "network.js").read_text("utf-8")


def test_info_shows_versions_presets_and_what_a_checkpoint_holds(checkpoint, capsys):
    kept = load(checkpoint)
    assert run("info", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert {
        name: Config.from_json(json.dumps(c)) for name, c in found["presets"].items()
    } == PRESETS
    assert found["jax"] and found["devices"]
    assert run("info", checkpoint, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert Config.from_json(json.dumps(found["settings"])) == kept.config
    assert found["iteration"] == 12
    assert found["evaluations"] == kept.history.evaluations
    for arguments in ((), (checkpoint,)):
        assert run("info", *arguments) == 0
        assert "alpha_gen" in capsys.readouterr().out


def test_info_of_a_checkpoint_shows_accuracy_data_and_how_to_go_on(checkpoint, capsys):
    assert run("info", checkpoint, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["accuracy"] == load(checkpoint).history.evaluations[-1]["accuracy"]
    assert found["data"] == "MNIST, 320 training images, evaluated on the test set"
    assert found["iterations"] == found["iteration"] == 12
    assert [line.split()[3] for line in found["go_on"]] == ["generate", "complete", "classify"]
    for line in found["go_on"]:
        few = ("--index", 0) if "complete" in line else ()
        assert run(*shlex.split(line)[3:], *few) == 0
    capsys.readouterr()
    assert run("info", checkpoint) == 0
    out = capsys.readouterr().out
    assert f"{found['accuracy']:.2f} %" in out and found["data"] in out
    assert all(line in out for line in found["go_on"])


@pytest.mark.parametrize("held_out", ["test", "validation"])
def test_info_of_an_unfinished_run_says_how_to_resume_it(held_out, checkpoint, capsys):
    kept = []
    fit(load(checkpoint).config, mnist(held_out), on_epoch=kept.append)
    save("a b.bpc", kept[0])
    assert run("info", "a b.bpc", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["iteration"], found["iterations"]) == (5, 12)
    assert run(*shlex.split(found["go_on"][0])[3:], "--json") == 0
    assert same_bits(load("a b.bpc").network, kept[-1].network)


def test_info_of_a_run_on_other_data_does_not_guess(checkpoint, capsys):
    other = load(checkpoint)._replace(data="0" * 64)
    save("other.bpc", other)
    assert run("info", "other.bpc") == 0
    assert "not MNIST's" in capsys.readouterr().out


# Data of one's own ----------------------------------------------------------------------------------

OWN = ("train", "--images", "x.npy", "--labels", "y.npy", "--out", "own")


def own_data(labels, pixels=(6, 6)):
    """Write images of classes that are told apart by where their ink is, and their labels."""
    labels = np.asarray(labels)
    images = np.random.default_rng(0).integers(0, 60, (len(labels), *pixels), dtype=np.uint8)
    flat = images.reshape(len(labels), -1)
    flat[np.arange(len(labels)), labels % flat.shape[1]] = 255
    np.save("x.npy", images)
    np.save("y.npy", labels)
    return images, labels


@pytest.fixture
def brief(monkeypatch):
    """Own data as `fit` is given them, without a run."""
    given = []

    def stop(config, data, **_):
        given.append((config, data))
        raise ValueError("enough")

    monkeypatch.setattr(__main__, "fit", stop)
    return given


@pytest.mark.parametrize("order", ["in turn", "in blocks", "shuffled"])
def test_a_tenth_of_each_class_is_held_out_whatever_their_order(order, brief, capsys):
    labels = np.arange(300) % 10
    labels = np.sort(labels) if order == "in blocks" else labels
    labels = np.random.default_rng(1).permutation(labels) if order == "shuffled" else labels
    images, _ = own_data(labels)
    for _ in range(2):
        assert run(*OWN, *sets(sizes="10,4,36", training_images=200)) == 1
    assert "warning" not in capsys.readouterr().err
    (_, data), (_, again) = brief
    assert all(np.array_equal(a, b) for a, b in zip(data, again, strict=True))
    assert np.bincount(data.held_out_labels).tolist() == [3] * 10
    assert np.bincount(data.labels).tolist() == [27] * 10
    together = np.concatenate([data.images, data.held_out_images])
    assert sorted(x.tobytes() for x in together) == sorted(x.tobytes() for x in images)


@pytest.mark.parametrize(
    ("labels", "words", "classes"),
    [
        (np.arange(200) % 10 + 1, "no image of class 0: do labels begin at 1? labels are 0 to", 11),
        (np.arange(200) % 2 * 7, "no image of class 1, 2, 3, 4, 5, ...: labels are 0 to 7", 8),
        (np.arange(200) // 199, "no image of class 1 is learned: there are too few of it", 2),
        (np.arange(195) // 194, "no image of class 1 is held out: there are too few of it", 2),
        (np.arange(200) % 2, "", 2),
    ],
)
def test_classes_without_images_are_warned_of(labels, words, classes, brief, capsys):
    own_data(labels)
    assert run(*OWN) == 1
    err = capsys.readouterr().err
    assert (words in err) if words else "warning" not in err
    assert brief[0][0].sizes == (classes, 300, 300, 36)


@pytest.mark.parametrize(
    "beside",
    [("--held-out", "validation"), ("--data", "kmnist"), ("--root", "data"), ("--download",)],
    ids=" ".join,
)
def test_what_own_data_leave_aside_is_refused(beside, brief, capsys):
    own_data(np.arange(20) % 2)
    assert run(*OWN, *beside) == 1
    assert f"{beside[0]} given beside --images" in capsys.readouterr().err and not brief


def test_a_run_on_own_data_knows_how_long_it_is_and_what_can_be_done_with_it(capsys):
    own_data(np.arange(100) % 4)
    wanted = ("sizes=4,5,36", "batch_size=16", "epochs=2")
    assert run(*OWN, *(x for text in wanted for x in ("--set", text)), "--json") == 0
    capsys.readouterr()
    path = "own/checkpoint.bpc"
    assert run("info", path, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["iteration"], found["iterations"]) == (10, 10)
    assert found["data"] == "not MNIST's, or other images of it, 90 training images"
    assert [line.split()[3] for line in found["go_on"]] == ["generate", "classify"]
    for line in found["go_on"]:
        assert run(*shlex.split(line.replace("IMAGES", "x"))[3:]) == 0
    for verb in ("classify", "complete"):
        assert run(verb, path) == 1
    assert "error: the network takes images of 36 pixels and 4 classes" in capsys.readouterr().err
    # An unfinished one goes on with its data, and says so where they are missing.
    kept = []
    data = __main__._data(__main__._parser().parse_args(OWN))
    fit(load(path).config.replace(evaluate_every=3), data, on_epoch=kept.append)
    save(path, kept[0])
    assert run("train", "--resume", path) == 1
    assert "of 4 classes and 36 pixels: go on with" in capsys.readouterr().err
    assert run("info", path, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["iteration"], found["iterations"]) == (3, 10)
    resume = found["go_on"][0].replace("IMAGES", "x").replace("LABELS", "y")
    assert run(*shlex.split(resume)[3:], "--json") == 0
    assert same_bits(load(path).network, kept[-1].network)
    # One of before the number was kept does not guess.
    save(path, kept[0]._replace(examples=None))
    assert run("info", path, "--json") == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["iterations"] is None


def test_images_of_mnist_are_no_test_set_of_another_network(checkpoint, capsys):
    save("other.bpc", load(checkpoint)._replace(data="0" * 64))
    for command in (("classify", "--index", 0), ("complete", "--index", 0, "--steps", 1)):
        for path, warned in ((checkpoint, False), ("other.bpc", True)):
            assert run(command[0], path, *command[1:]) == 0
            assert ("trained on other data than MNIST" in capsys.readouterr().err) == warned
    np.save("x.npy", load_mnist("test")[0][:2])
    assert run("classify", "other.bpc", "--images", "x.npy") == 0
    assert capsys.readouterr().err == ""


def test_a_run_on_own_data_is_named_by_them_and_says_how_many_are_held_out(tmp_path, capsys):
    own_data(np.arange(100) % 4)
    small = sets(
        sizes="10,4,36", training_images="null", iterations=1, evaluate_every=1, name="fast"
    )
    own = ("train", "--images", "x.npy", "--labels", "y.npy", *small)
    for folder, taken in (("runs/fast-x", ""), ("runs/fast-x-2", ", as runs/fast-x is taken")):
        assert run(*own) == 0
        out = capsys.readouterr().out.replace("\\", "/")
        assert out.startswith(f"fast: 1 iterations of 64, results in {folder}{taken}\n")
        assert (
            "\nx.npy: 90 images to learn from, 10 held out, on which the accuracy is measured\n"
            in out
        )
        assert (tmp_path / folder / "checkpoint.bpc").exists()


def test_what_is_otherwise_than_the_preset_is_told_and_no_more(capsys):
    assert run("train", *sets(rule="hybrid", iterations=1, evaluate_every=1)) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "tiny: 1 iterations of 64, results in " + str(Path("runs/tiny"))
    assert lines[1].startswith("changed: name=tiny, sizes=10,12,784, rule={")
    assert "steps=2" in lines[1] and "learning_rate=0.01" in lines[1]
    assert "activation" not in lines[1] and "seed" not in lines[1]
    assert lines[2].startswith("iteration ")
    assert (
        run("train", "--set", "iterations=1", "--set", "training_images=128", "--out", "plain") == 0
    )
    assert capsys.readouterr().out.splitlines()[1] == "changed: iterations=1, training_images=128"


@pytest.mark.parametrize("command", ["train", "generate", "classify", "complete"])
def test_a_wrong_use_ends_in_two_lines(command, capsys):
    assert run("--fly") == 2
    assert capsys.readouterr().err.startswith("usage: python -m bpc_minimal COMMAND [OPTIONS]")
    assert run(command, "--steps", "--seed") == 2
    usage, error = capsys.readouterr().err.splitlines()
    assert usage.startswith(f"usage: python -m bpc_minimal {command} ")
    assert (
        usage.endswith("[OPTIONS] (--help lists them)") and len(usage) < 100 and "error: " in error
    )


def test_a_python_without_jax_is_told_of_the_environment():
    found = subprocess.run(
        [sys.executable, "-S", "-m", "bpc_minimal", "train"],
        cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True,
    )  # fmt: skip
    assert found.returncode == 1 and found.stdout == "" and "Traceback" not in found.stderr
    assert "has no jax" in found.stderr and "-m bpc_minimal has it" in found.stderr
    assert "make train" in found.stderr and found.stderr.count("\n") == 1


# Help -----------------------------------------------------------------------------------------------


def test_alone_it_says_what_can_be_done(capsys):
    assert run() == 0
    out = capsys.readouterr().out
    for command in ("train", "classify", "generate", "complete", "export", "info"):
        assert f"\n    {command} " in out
    assert "begin with:" in out


@pytest.mark.parametrize("command", ["train", "classify", "generate", "complete", "export", "info"])
def test_each_help_has_an_example_that_works(command, done, capsys):
    shutil.copytree(done, "runs/fast")
    assert run(command, "--help") == 0
    example = capsys.readouterr().out.split("example:\n")[1]
    words = shlex.split(example)[1:]
    assert words[:3] == ["-m", "bpc_minimal", command]
    short = sets(sizes="10,12,12,784", iterations="None") if command == "train" else ()
    assert run(*words[2:], *short) == 0


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("classify", ("(N, ...) of as many pixels", "or floats from 0 to 1", "(default: all);")),
        (
            "complete",
            ("(N, 28, 28): uint8,", "(default: all of --images, or the first ten of MNIST)"),
        ),
    ],
)
def test_help_says_which_images_are_taken(command, words, capsys):
    with pytest.raises(SystemExit):
        main([command, "--help"])
    shown = " ".join(capsys.readouterr().out.split())
    assert all(word in shown for word in words)


def test_commands_shown_run_with_this_python(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))  # no python there
    assert shlex.split(__main__._command())[0] == sys.executable
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent))
    assert __main__._command() == "python -m bpc_minimal"
    monkeypatch.setattr(sys, "executable", str(Path.cwd() / "my venv" / "python"))
    assert shlex.split(__main__._command())[0] == str(Path("my venv") / "python")


# Mistakes -------------------------------------------------------------------------------------------


@pytest.fixture
def files(tmp_path, checkpoint):
    """Files that are not what they should be, by name, in the test's folder."""
    (tmp_path / "text.txt").write_text("hello\n")
    (tmp_path / "list.json").write_text("[1, 2]")
    (tmp_path / "bytes.json").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "folder").mkdir()
    (tmp_path / "half.bpc").write_bytes(checkpoint.read_bytes()[:-9])
    np.save(tmp_path / "floats.npy", np.full((2, 28, 28), 1.5))
    np.save(tmp_path / "wide.npy", np.zeros((2, 32, 32), np.uint8))
    np.save(tmp_path / "true.npy", np.ones((2, 28, 28), bool))
    np.save(tmp_path / "rgb.npy", np.zeros((2, 28, 28, 3), np.uint8))
    np.save(tmp_path / "large.npy", np.full((2, 28, 28), 256))
    (tmp_path / "deep.json").write_text("[" * 9000)
    (tmp_path / "huge.json").write_text('{"learning_rate": 1' + 400 * "0" + "}")
    (tmp_path / "folder" / "taken.png").write_bytes(b"")
    head = b"{'descr': '|u1', 'fortran_order': False, 'shape': (100000000, 28, 28)}"
    (tmp_path / "huge.npy").write_bytes(b"\x93NUMPY\x01\x00" + bytes([len(head), 0]) + head)
    np.save(tmp_path / "one.npy", np.zeros(784, np.uint8))
    np.save(tmp_path / "none.npy", np.zeros((0, 28, 28), np.uint8))
    np.save(tmp_path / "objects.npy", np.array([{}, {}]), allow_pickle=True)
    np.savez(tmp_path / "several.npz", np.zeros((2, 28, 28), np.uint8))
    (tmp_path / "empty.npy").write_bytes(b"")
    head = b"{'descr': '|u1', 'fortran_order': False, 'shape': (2, 28, 28"
    (tmp_path / "torn.npy").write_bytes(b"\x93NUMPY\x01\x00" + bytes([len(head), 0]) + head)


@pytest.mark.parametrize(
    ("command", "code", "message"),
    [
        ("fly", 2, "invalid choice: 'fly'"),
        ("train --preset beste", 2, "did you mean best?"),
        ("trian", 2, "did you mean train?"),
        ("--preset fast train", 2, "options follow: train --preset fast"),
        ("train fast", 2, "did you mean --preset fast?"),
        ("classify CHECKPOINT --imges x.npy", 2, "did you mean --images?"),
        ("train --epochs 5", 2, "a setting is changed by --set epochs=VALUE"),
        ("classify CHECKPOINT --hide bottom", 2, "; --hide belongs to complete, and stands after"),
        ("info CHECKPOINT --labels=3", 2, "; --labels belongs to train and generate, and"),
        ("generate", 2, "it stands before the options: runs/fast/checkpoint.bpc, for example"),
        ("classify --index 0 CHECKPOINT", 2, "a checkpoint stands before the options"),
        ("classify --images true.npy CHECKPOINT", 2, "checkpoint; it stands before the options"),
        (
            "train --resume CHECKPOINT --preset best",
            2,
            "a run goes on with its own settings: leave",
        ),
        ("train --config x.json --preset best", 2, "--set changes single settings"),
        ("complete CHECKPOINT --hide middle", 2, "bpc_minimal.complete hides any pixels"),
        ("complete CHECKPOINT --hide botom", 2, "did you mean bottom?"),
        ("train --epoch 5", 2, "; did you mean --set epochs=VALUE?"),
        ("train --learning-rat=1", 2, "; did you mean --set learning_rate=VALUE?"),
        ("train --learning-rate=1", 2, "a setting is changed by --set learning_rate=VALUE"),
        ("train --set epoch=5", 1, "unknown setting epoch; did you mean epochs? settings are"),
        ("generate --labels 3 1 CHECKPOINT", 2, "a checkpoint stands before the options"),
        ("generate CHECKPOINT --labels 3,1", 2, "numbers are parted by spaces: 3 1"),
        ("train --seed one", 2, "invalid int value: 'one'"),
        ("train --seed -1", 1, "seed=-1 given"),
        ("train --set velocity=1", 1, "unknown setting velocity; settings are name, sizes"),
        ("train --out ~nobodyx/x", 2, "~nobodyx is no home"),
        ("info ~nobodyx/x", 2, "~nobodyx is no home"),
        ("train --set epochs=" + "1" * 5000, 1, "not JSON: a number of thousands of digits"),
        ("train --set alpha_gen=1e-13", 1, "0, or 1e-12 to 1e+12"),
        ("train --set epochs", 1, "--set epochs given, --set NAME=VALUE expected"),
        ("train --set epochs=", 1, "epochs='' given"),
        ("train --set steps=-1", 1, "steps=-1 given"),
        ("train --set sizes=10", 1, "sizes=10 given"),
        ("train --set sizes=784,300,10", 1, "sizes run from the label to the pixels"),
        ("train --set step_size=long", 1, "step_size='long' given"),
        ("train --set activation=[1]", 1, "unknown activation"),
        ("train --set alpha_gen=1,1", 1, "alpha_gen of 2 numbers given, 3 expected"),
        ("train --set learning_rate=1e400", 1, "learning_rate=inf given"),
        ("train --set rule=deep", 1, "unknown rule 'deep'; choose one of generative"),
        ("train --set batch_size=70000", 1, "60000 training images given"),
        ("train --config nowhere.json", 1, "nowhere.json"),
        ("train --config folder", 1, "folder"),
        ("train --config text.txt", 1, "settings are not JSON"),
        ("train --config list.json", 1, "settings are list"),
        ("train --config bytes.json", 1, "bytes.json: no text given, settings in JSON expected"),
        ("train --resume nowhere.bpc", 1, "could not read the checkpoint nowhere.bpc"),
        ("train --resume text.txt", 1, "text.txt is no checkpoint"),
        ("train --resume half.bpc", 1, "half.bpc is cut short or altered"),
        ("train --resume CHECKPOINT --set epochs=5", 1, "leave out --set and --seed"),
        ("train --resume CHECKPOINT --seed 0", 1, "leave out --set and --seed"),
        ("train --resume CHECKPOINT --preset jpc", 2, "not allowed with argument"),
        ("train --config list.json --preset jpc", 2, "not allowed with argument"),
        ("train --out text.txt", 1, "text.txt"),
        ("classify nowhere.bpc", 1, "could not read the checkpoint nowhere.bpc"),
        ("classify folder", 1, "could not read the checkpoint folder"),
        ("classify FOLDER", 1, "name the file in it, "),
        ("classify half.bpc", 1, "half.bpc is cut short or altered"),
        ("classify CHECKPOINT --steps -1", 1, "steps=-1 given"),
        ("classify CHECKPOINT --steps few", 2, "invalid int value: 'few'"),
        ("classify CHECKPOINT --index 10000", 1, "--index [10000] given, 0 to 9999 expected"),
        ("classify CHECKPOINT --split dev", 2, "invalid choice: 'dev'"),
        ("classify CHECKPOINT --images nowhere.npy", 1, "nowhere.npy"),
        ("classify CHECKPOINT --images text.txt", 1, "text.txt cannot be read as images"),
        ("classify CHECKPOINT --images empty.npy", 1, "empty.npy cannot be read as images"),
        ("classify CHECKPOINT --images torn.npy", 1, "torn.npy cannot be read as images"),
        ("classify CHECKPOINT --images several.npz", 1, "several.npz cannot be read as images"),
        ("classify CHECKPOINT --images objects.npy", 1, "objects.npy cannot be read as images"),
        ("classify CHECKPOINT --images floats.npy", 1, "or floats from 0 to 1"),
        ("classify CHECKPOINT --images wide.npy", 1, "(2, 32, 32) given"),
        ("classify CHECKPOINT --images one.npy", 1, "one.npy holds uint8 (784,)"),
        ("classify CHECKPOINT --images none.npy", 1, "none.npy holds uint8 (0, 28, 28)"),
        ("generate CHECKPOINT --labels 3 10", 1, "--labels 3 10 given, 0 to 9 expected"),
        ("generate CHECKPOINT --labels", 2, "expected at least one argument"),
        ("generate CHECKPOINT --out nowhere/x.png", 1, "nowhere"),
        ("generate CHECKPOINT --out x.text", 1, "text"),
        ("complete CHECKPOINT --hide middle", 2, "invalid choice: 'middle'"),
        ("complete CHECKPOINT --index 3 -10001", 1, "0 to 9999 expected"),
        ("complete CHECKPOINT --steps -5", 1, "steps=-5 given"),
        ("export nowhere.bpc", 1, "could not read the checkpoint nowhere.bpc"),
        ("export half.bpc", 1, "half.bpc is cut short or altered"),
        ("export CHECKPOINT --out x.json", 1, "--out x.json given, the name of a script expected"),
        ("export CHECKPOINT --out nowhere/x.js", 1, "could not write the script nowhere/x.js"),
        ("export CHECKPOINT --out folder/", 2, "'folder/' is a folder; name a file in it"),
        ("export CHECKPOINT --numbers int3", 2, "invalid choice: 'int3'"),
        ("info text.txt", 1, "text.txt is no checkpoint"),
        ("info /dev/zero", 1, "/dev/zero is no checkpoint"),
        ("train --set learning_rate=1" + 400 * "0", 1, "of at most 3.4"),
        ("train --set learning_rate=1" + 9000 * "0", 1, "9,001 characters given"),
        ("train --set sizes=" + 9000 * "[", 1, "9,000 characters given"),
        (
            "train --set iterations=3000000000",
            1,
            "iterations=3000000000 given, a positive whole number, and at most 2,147",
        ),
        ("train --set epochs=2147483647", 1, "iterations asked for, at most 2,147,483,647"),
        ("train --set steps=99999999999999999999999", 1, "steps="),
        ("train --out=", 2, "the name of a file expected"),
        ("train --config deep.json", 1, "deep.json: settings are not JSON"),
        ("train --config huge.json", 1, "huge.json"),
        (
            "classify CHECKPOINT --steps 3000000000",
            1,
            "--steps=3000000000 given, a whole number of 0 or more, and at most",
        ),
        ("classify CHECKPOINT --index -99999999999999999999", 1, "given, "),
        ("classify CHECKPOINT --images huge.npy", 1, "huge.npy cannot be read as images"),
        (
            "classify CHECKPOINT --images rgb.npy",
            1,
            "rgb.npy: images of shape (2, 28, 28, 3) given",
        ),
        (
            "classify CHECKPOINT --images large.npy",
            1,
            "int64 from 256 to 256 given, uint8 expected",
        ),
        (
            "generate CHECKPOINT --labels 3000000000",
            1,
            "--labels 3000000000 given, 0 to 9 expected",
        ),
        (
            "generate CHECKPOINT --out folder",
            1,
            "could not write the figure folder: it is a folder",
        ),
        ("generate CHECKPOINT --out folder/", 2, "'folder/' is a folder; name a file in it"),
        (
            "generate CHECKPOINT --out text.txt/x.png",
            1,
            "could not write the figure text.txt/x.png",
        ),
        ("generate CHECKPOINT --out " + "x" * 256 + ".png", 1, "File name too long"),
        ("train --out " + "x" * 256, 1, "File name too long"),
        ("train --set name=x --out folder/taken.png/run", 1, "no run can be kept in"),
    ],
)
def test_a_mistake_is_named_without_a_traceback(command, code, message, files, checkpoint, capsys):
    there = {"CHECKPOINT": str(checkpoint), "FOLDER": str(checkpoint.parent)}
    arguments = [there.get(x, x) for x in command.split()]
    before = checkpoint.read_bytes()
    assert run(*arguments) == code
    out, err = capsys.readouterr()
    assert out == "" or arguments[0] == "train"
    last = err.splitlines()[-1]
    assert last.startswith("error: ") if code == 1 else ": error: " in last
    assert message in err
    assert "Traceback" not in err
    assert checkpoint.read_bytes() == before


@pytest.mark.parametrize("setting", ["sizes=10,300,783", "batch_size=70000"])
def test_nothing_is_announced_of_a_run_whose_settings_do_not_fit_its_data(setting, capsys):
    assert run("train", "--set", setting) == 1
    assert capsys.readouterr().out == "" and not Path("runs").exists()


def test_other_data_need_torchvision(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "torchvision", None)
    assert run("train", "--data", "kmnist") == 1
    assert "error: kmnist is read through torchvision" in capsys.readouterr().err
    assert os.listdir() == []


def test_a_mistake_in_a_process_of_its_own(tmp_path):
    process = start("classify", "nowhere.bpc", cwd=tmp_path)
    out, err = process.communicate(timeout=1_800)
    assert (process.returncode, out) == (1, "")
    assert err.startswith("error: could not read the checkpoint nowhere.bpc")
    assert len(err.splitlines()) == 1


# What happens around a run ------------------------------------------------------------------------


LONG = sets(iterations=10**7, evaluate_every=20)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals")
@pytest.mark.parametrize("name, code", [("SIGTERM", 143), ("SIGHUP", 129)])
def test_a_run_has_one_owner_and_answers_other_signals_as_ctrl_c(tmp_path, name, code, capsys):
    if signal.getsignal(getattr(signal, name)) == signal.SIG_IGN:
        pytest.skip(f"{name} is ignored here, as under nohup, and so it is by a run")
    process = start("train", "--json", *LONG, "--out", "run", cwd=tmp_path)
    try:
        first = json.loads(process.stdout.readline())
        for others in (
            ["--out", "run", *LONG],
            ["--out", "run", "--overwrite"],
            ["--resume", "run/checkpoint.bpc"],
        ):
            assert run("train", *others) == 1
            err = capsys.readouterr().err
            assert err.startswith("error: run belongs to a run that is under way: process "), err
            assert f"process {process.pid} on " in err and len(err.splitlines()) == 1
        process.send_signal(getattr(signal, name))
        process.send_signal(getattr(signal, name))  # as `timeout` and terminals do
        out, err = process.communicate(timeout=1_800)
    finally:
        process.kill()
    assert process.returncode == code, err
    assert "Traceback" not in err and "interrupted: stopping after the next evaluation" in err
    last = json.loads(out.splitlines()[-1]) if out else first
    assert f"iteration {last['iteration']:,} of 10,000,000 is kept. Go on with:" in err
    assert int(load("run/checkpoint.bpc").state.iteration) == last["iteration"]
    assert os.listdir("run") == ["checkpoint.bpc"]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals")
def test_ignored_signals_stay_ignored(tmp_path):
    """Under nohup, or in the background of a shell without job control."""
    program = (
        "import os, signal, sys\n"
        "signal.signal(signal.SIGHUP, signal.SIG_IGN); signal.signal(signal.SIGINT, signal.SIG_IGN)\n"
        "os.execv(sys.executable, [sys.executable, '-m', 'bpc_minimal', 'train', *sys.argv[1:]])"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program, "--json", *LONG],
        cwd=tmp_path, env=dict(os.environ, PYTHONPATH=str(ROOT)), text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    try:
        process.stdout.readline()
        for number in (signal.SIGHUP, signal.SIGINT):
            process.send_signal(number)
        for _ in range(50):  # evaluations, far more than one
            assert process.stdout.readline()
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=1_800)
    finally:
        process.kill()
    assert process.returncode == 143, err


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGINT for another process")
def test_ctrl_c_before_anything_was_learned_leaves_nothing(tmp_path):
    process = start("train", *sets(iterations=10**7, evaluate_every=10**7), cwd=tmp_path)
    try:
        process.stdout.readline()
        while not (tmp_path / "runs" / "tiny").exists():
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        process.stderr.readline()
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=1_800)
    finally:
        process.kill()
    # The first signal may come before training begins, and then it is enough.
    assert process.returncode in (130, -signal.SIGINT) and "Traceback" not in err
    assert os.listdir(tmp_path / "runs") == []


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGINT for another process")
def test_ctrl_c_while_jax_is_imported_leaves_no_traceback(tmp_path):
    """An import that never ends stands for JAX's."""
    (tmp_path / "jax.py").write_text(
        "import time\nprint('importing', flush=True)\ntime.sleep(3600)\n"
    )
    environment = dict(os.environ, PYTHONPATH=os.pathsep.join([str(tmp_path), str(ROOT)]))
    process = subprocess.Popen(
        [sys.executable, "-m", "bpc_minimal", "train"],
        cwd=tmp_path, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        preexec_fn=heed_ctrl_c,
    )  # fmt: skip
    try:
        assert process.stdout.readline() == "importing\n"
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=1_800)
    finally:
        process.kill()
    assert process.returncode == -signal.SIGINT and err == ""


@pytest.mark.skipif(os.name == "nt", reason="a shell of POSIX")
def test_streams_that_are_closed_or_full_cost_no_run(tmp_path, checkpoint):
    """In one shell: a closed stderr, no streams at all, a reader who leaves, a full disk."""
    command = f"{shlex.quote(sys.executable)} -m bpc_minimal"
    train = f"{command} train {shlex.join(sets())} --out"
    lines = (
        f"{train} a 2>&-; echo $?",
        f"{train} b <&- >&- 2>&-; echo $?",
        f"{train} c --json | head -1 >/dev/null; echo ${{PIPESTATUS[0]}}",
        f"{command} info {checkpoint} | head -1; echo ${{PIPESTATUS[0]}}",
        f"{command} info {checkpoint} >/dev/full; echo $?",
    )
    found = subprocess.run(
        ["bash", "-c", "\n".join(lines)],
        cwd=tmp_path, env=dict(os.environ, PYTHONPATH=str(ROOT)), capture_output=True, text=True,
    )  # fmt: skip
    codes = [line for line in found.stdout.splitlines() if line.isdigit()]
    assert codes == ["0", "0", "0", "0", "1"], found
    assert "settings" in found.stdout
    for folder in "abc":
        assert len(os.listdir(folder)) == 3
        assert int(load(f"{folder}/checkpoint.bpc").state.iteration) == 12
    settings, error = found.stderr.splitlines()
    assert Config.from_json(settings).name == "tiny"
    assert error == "error: what was to be printed is lost: No space left on device"


@pytest.mark.skipif(os.name == "nt", reason="on Windows this would end the process")
@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_signal_that_python_loses_is_heard(moment, monkeypatch, capsys):
    """What is raised in a __del__ goes no further."""

    class Last:
        def __del__(self):
            os.kill(os.getpid(), signal.SIGTERM)

    lost = []
    monkeypatch.setattr(sys, "unraisablehook", lambda raised: lost.append(raised.exc_type.__name__))
    name = "_place" if moment == "before" else "_draw_run"
    function = getattr(__main__, name)

    def losing(*arguments):
        Last()
        return function(*arguments)

    monkeypatch.setattr(__main__, name, losing)
    assert run("train", *sets(), "--out", "lost") == 143
    assert lost == ["Stopped"]
    assert "interrupted" in capsys.readouterr().err
    assert os.path.exists("lost/checkpoint.bpc") == (moment == "after")
    monkeypatch.setattr(__main__, "load_mnist", lambda split: (Last(), load_mnist(split))[1])
    monkeypatch.setattr(__main__, "_mnist_of", lambda checkpoint: ("test", 1))
    if moment == "after":
        assert run("classify", "lost/checkpoint.bpc") == 143
        assert capsys.readouterr().out == ""


def test_the_streams_are_as_they_were():
    """A library's caller keeps what its own stream does with signs that it lacks."""
    stream = io.TextIOWrapper(io.BytesIO(), "ascii", errors="strict")
    with contextlib.redirect_stdout(stream):
        assert run("info") == 0
        assert sys.stdout is stream and stream.errors == "strict"


def test_a_run_in_a_thread_needs_no_signals(capsys):
    codes = []
    thread = threading.Thread(target=lambda: codes.append(run("train", *sets(), "--json")))
    thread.start()
    thread.join()
    assert codes == [0] and len(os.listdir("runs/tiny")) == 3


def test_two_threads_do_not_share_a_folder(capsys):
    codes = []
    threads = [
        threading.Thread(
            target=lambda: codes.append(run("train", *sets(), "--json", "--out", "run"))
        )
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(codes) == [0, 1]
    assert "error: run " in capsys.readouterr().err
    load("run/checkpoint.bpc")


def test_pictures_that_fail_cost_a_warning(done, checkpoint, monkeypatch, capsys):
    from bpc_minimal import figures

    def broken(*_, **__):
        raise RuntimeError("no font\nat all")

    monkeypatch.setattr(figures, "digits", broken)
    assert run("train", "--resume", checkpoint, "--out", "copied") == 0
    out, err = capsys.readouterr()
    (warning,) = err.splitlines()
    assert warning.startswith(
        f"warning: {Path('copied/digits.png')} was not drawn: no font at all (the run is"
    )
    assert f"safe in {Path('copied/checkpoint.bpc')})" in warning
    assert out.splitlines()[-1].endswith("weights and history; training.png lie beside it")
    assert sorted(os.listdir("copied")) == ["checkpoint.bpc", "training.png"]


def test_no_older_picture_stays_beside_a_newer_run(done, monkeypatch, capsys):
    shutil.copytree(done, "run")
    write = __main__.save

    def killed(path, checkpoint):
        write(path, checkpoint)
        raise OSError("the power is gone")

    monkeypatch.setattr(__main__, "save", killed)
    assert run("train", *sets(), "--seed", 1, "--out", "run", "--overwrite") == 1
    assert os.listdir("run") == ["checkpoint.bpc"]
    monkeypatch.setattr(__main__, "save", lambda *_: 1 / 0)  # before anything is kept
    shutil.rmtree("run")
    shutil.copytree(done, "run")
    assert run("train", *sets(step_rule="fixed", step_size=1e4), "--out", "run", "--overwrite") == 1
    assert sorted(os.listdir("run")) == ["checkpoint.bpc", "digits.png", "training.png"]


def test_pictures_of_a_run_that_could_not_be_replaced_stay(done, monkeypatch, capsys):
    from bpc_minimal import files

    shutil.copytree(done, "run")
    Path("run/older-digits.png").write_bytes(b"mine")
    before = {p.name: p.read_bytes() for p in Path("run").iterdir()}
    Path("run/.bpc-older-digits.png").write_bytes(b"of a run that was killed")

    def full(*_):
        aside.append(sorted(n for n in os.listdir("run") if not n.endswith((".part", "-owner"))))
        raise OSError(27, "File too large")

    aside = []
    with monkeypatch.context() as patch:
        patch.setattr(files.os, "fsync", full)
        assert run("train", *sets(), "--seed", 1, "--out", "run", "--overwrite") == 1
    assert "What was at that path is as it was" in capsys.readouterr().err
    hidden = [".bpc-older-digits.png", ".bpc-older-training.png"]
    assert aside == [[*hidden, "checkpoint.bpc", "older-digits.png"]]
    assert {p.name: p.read_bytes() for p in Path("run").iterdir()} == before
    Path("run/.bpc-older-digits.png").write_bytes(b"of a run that was killed")
    assert run("train", *sets(), "--seed", 1, "--out", "run", "--overwrite") == 0
    there = ["checkpoint.bpc", "digits.png", "older-digits.png", "training.png"]
    assert sorted(os.listdir("run")) == there
    assert Path("run/older-digits.png").read_bytes() == b"mine"


def test_a_run_that_is_not_compiled_is_warned_of(capsys):
    small = ("--set", "sizes=10,3,784", "--set", "iterations=1", "--set", "batch_size=8")
    small += ("--set", "training_images=8", "--held-out", "validation")
    with jax.disable_jit():
        assert run("train", "--preset", "fast", *small, "--out", "run", "--json") == 0
    assert "warning: JAX_DISABLE_JIT is set" in capsys.readouterr().err


def test_pictures_of_a_checkpoint_with_a_name_of_its_own_have_it_too(done, capsys):
    Path("run").mkdir()
    shutil.copy(done / "checkpoint.bpc", "run/mine.bpc")
    for name in ("digits.png", "training.png"):
        Path("run", name).write_bytes(b"mine")
    assert run("train", "--resume", "run/mine.bpc") == 0
    there = ["digits.png", "mine-digits.png", "mine-training.png", "mine.bpc", "training.png"]
    assert sorted(os.listdir("run")) == there
    assert Path("run/digits.png").read_bytes() == Path("run/training.png").read_bytes() == b"mine"
    assert "mine-digits.png and mine-training.png lie beside it" in capsys.readouterr().out


@pytest.mark.parametrize("there", [True, False])
def test_an_error_says_what_is_safe(there, monkeypatch, capsys):
    write = __main__.save

    def full(path, checkpoint):
        if len(checkpoint.history.evaluations) > 1:
            if not there:  # somebody has deleted it
                path.unlink()
            raise OSError(f"could not write the checkpoint {path}: No space left on device")
        write(path, checkpoint)

    monkeypatch.setattr(__main__, "save", full)
    assert run("train", *sets(), "--json", "--out", "run") == 1
    err = capsys.readouterr().err.splitlines()[-1]
    assert err.startswith("error: could not write the checkpoint run")
    assert err.endswith(f"(iteration 5 is safe in {Path('run/checkpoint.bpc')})") == there
    assert ("safe" in err) == there
    assert not there or int(load("run/checkpoint.bpc").state.iteration) == 5


@pytest.mark.skipif(os.name == "nt", reason="links")
def test_a_link_that_leads_nowhere_is_named(tmp_path, capsys):
    (tmp_path / "runs").symlink_to("/nonexistent/scratch")
    assert run("train", *sets()) == 1
    assert (
        "error: the folder runs for results is a link that leads nowhere" in capsys.readouterr().err
    )
    (tmp_path / "runs").unlink()
    (tmp_path / "runs").write_text("")
    assert run("train", *sets()) == 1
    assert "error: the folder runs for results cannot be made" in capsys.readouterr().err


@pytest.mark.skipif(os.name == "nt", reason="links")
def test_a_checkpoint_behind_a_link_belongs_to_its_folder_too(tmp_path, checkpoint, capsys):
    from bpc_minimal.files import Owned

    (tmp_path / "true").mkdir()
    (tmp_path / "here").mkdir()
    shutil.copy(checkpoint, "true/checkpoint.bpc")
    Path("here/link.bpc").symlink_to("../true/checkpoint.bpc")
    with Owned(tmp_path / "true"):
        assert run("train", "--resume", "here/link.bpc") == 1
    assert "true belongs to a run that is under way" in capsys.readouterr().err
    assert run("train", "--resume", "here/link.bpc") == 0
    assert Path("here/link.bpc").is_symlink() and os.listdir("true") == ["checkpoint.bpc"]


def test_foreign_pictures_are_not_overwritten(tmp_path, capsys):
    Path("digits.png").write_bytes(b"mine")
    assert run("train", *sets(), "--out", ".") == 1
    assert "error: . holds a file digits.png already" in capsys.readouterr().err
    assert Path("digits.png").read_bytes() == b"mine" and os.listdir() == ["digits.png"]


@pytest.mark.parametrize("whole", [True, False])
def test_a_run_that_goes_on_replaces_its_own_pictures_alone(whole, done, capsys):
    shutil.copytree(done, "run")
    Path("run/digits.png").write_bytes(b"mine" if whole else b"")
    before = {p.name: p.read_bytes() for p in Path("run").iterdir()}
    assert run("train", "--resume", "run/checkpoint.bpc") == 1
    drawn_by = (
        f"error: {Path('run/digits.png')} was drawn by no run, and this one draws its own there"
    )
    assert drawn_by in capsys.readouterr().err
    assert {p.name: p.read_bytes() for p in Path("run").iterdir()} == before
    assert run("train", "--resume", "run/checkpoint.bpc", "--overwrite") == 0
    assert run("train", "--resume", "run/checkpoint.bpc") == 0  # both are its own again


@pytest.mark.parametrize("name", ["digits.png", "training.png"])
def test_a_folder_with_the_name_of_a_picture_is_named_before_the_run(name, done, capsys):
    shutil.copytree(done, "run")
    Path("run", name).unlink()
    Path("run", name).mkdir()
    Path("run", name, "mine.txt").write_text("mine")
    assert run("train", *sets(), "--out", "run", "--overwrite") == 1
    assert (
        f"could not write the picture {Path('run', name)}: it is a folder"
        in capsys.readouterr().err
    )
    assert Path("run", name, "mine.txt").read_text() == "mine"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--seed", 1, "--set", "seed=2"), "--seed and --set seed given"),
        (("--root", "there"), "--root and --download are for --data fashion-mnist and kmnist"),
        (("--download",), "--root and --download are for --data fashion-mnist and kmnist"),
    ],
)
def test_an_option_that_would_do_nothing_is_refused(options, message, capsys):
    assert run("train", *sets(), *options) == 1
    assert f"error: {message}" in capsys.readouterr().err and not os.listdir()


@pytest.mark.parametrize("label", [10, -1])
def test_a_label_that_the_network_never_learned_is_named(label, checkpoint, capsys):
    assert run("generate", checkpoint, "--labels", 3, label) == 1
    assert f"error: --labels 3 {label} given, 0 to 9 expected" in capsys.readouterr().err


def test_settings_that_are_no_text_are_named(capsys):
    Path("c.json").write_bytes(b"\xff\xfe\xfa\x00\x80")
    assert run("train", "--config", "c.json") == 1
    assert "error: c.json: no text given, settings in JSON expected" in capsys.readouterr().err


def test_images_of_ones_own_have_no_split(checkpoint, capsys):
    np.save("x.npy", np.zeros((3, 28, 28), np.uint8))
    assert run("classify", checkpoint, "--images", "x.npy", "--split", "validation") == 1
    assert "error: --split is of MNIST" in capsys.readouterr().err


def test_a_name_after_a_killed_run_is_free_again(tmp_path, capsys):
    from bpc_minimal.files import LOCK

    (tmp_path / "runs" / "tiny").mkdir(parents=True)
    (tmp_path / "runs" / "tiny" / LOCK).write_text("process 1 on elsewhere")
    assert run("train", *sets(), "--json") == 0
    assert os.listdir("runs") == ["tiny"]


def test_paths_are_taken_as_people_write_them(tmp_path, checkpoint, monkeypatch, capsys):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("USERPROFILE", str(tmp_path / "home"))
    (tmp_path / "home").mkdir()
    assert run("train", "--resume", checkpoint, "--out=~/x", "--json") == 0
    assert (tmp_path / "home" / "x" / "checkpoint.bpc").exists()
    assert run("info", "~/x/checkpoint.bpc") == 0
    assert run("train", "--resume", checkpoint, "--out=-y", "--json") == 0
    assert run("generate", checkpoint, "--out", "drawing", "--json") == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["figure"] == "drawing"
    assert Path("drawing").read_bytes().startswith(PNG)
    assert run("generate", checkpoint, "--out", "x" * 246 + ".PNG") == 0
    assert sorted(os.listdir()) == ["-y", "drawing", "home", "x" * 246 + ".PNG"]
    options = ["train", "--resume=-y/checkpoint.bpc", "--data", "kmnist", "--root=-z"]
    arguments = __main__._parser().parse_args(options)
    command = __main__._resume_command(arguments.resume, arguments.data, arguments.root)
    assert shlex.split(command)[3:] == [
        "train", "--resume=-y/checkpoint.bpc", "--data", "kmnist", "--root=-z",
    ]  # fmt: skip


def test_settings_are_read_in_any_unicode(tmp_path, capsys):
    text = Config(epochs=2, name="größe").to_json()
    arguments = ["train", "--config", "settings.json"]
    for encoding in ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32"):
        Path("settings.json").write_bytes(text.encode(encoding))
        assert __main__._config(__main__._parser().parse_args(arguments), None).name == "größe"


@pytest.mark.skipif(os.name == "nt", reason="Windows has no /dev/stdin")
def test_images_come_from_a_pipe_with_an_axis_of_colours_or_inverted(checkpoint, capsys, tmp_path):
    images = load_mnist("test")[0][:20]
    assert run("classify", checkpoint, "--index", *range(20), "--json") == 0
    expected = json.loads(capsys.readouterr().out)["labels"]
    np.save("given.npy", images)
    pipe = subprocess.Popen(["cat", "given.npy"], stdout=subprocess.PIPE)
    forms = {
        f"/dev/fd/{pipe.stdout.fileno()}": None,
        "last.npy": images[..., None],
        "first.npy": images[:, None],
        "flat.npy": images.reshape(20, 784),
        "wide.npy": images.astype(np.int64),
        "order.npy": np.asfortranarray(images),
    }
    for name, form in forms.items():
        if form is not None:
            np.save(name, form)
        assert run("classify", checkpoint, "--images", name, "--json") == 0
        out, err = capsys.readouterr()
        assert json.loads(out)["labels"] == expected and err == "", name
    pipe.communicate()
    np.save("inverted.npy", 255 - images)
    assert run("classify", checkpoint, "--images", "inverted.npy", "--invert", "--json") == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["labels"] == expected and err == ""


@pytest.fixture(scope="module")
def best(tmp_path_factory):
    """The network that the package carries, as a checkpoint."""
    network, history, about = pretrained()
    config = Config.from_json(about["config"])
    state = make_state(config, len(history.losses["energy"]))
    done = jax.numpy.int32(history.evaluations[-1]["iteration"])
    counted = jax.tree_util.tree_map_with_path(
        lambda path, leaf: done if jax.tree_util.keystr(path).endswith(".count") else leaf,
        state.optimiser,
    )
    state = TrainState(network, counted, first_norms(network), state.key, done)
    path = tmp_path_factory.mktemp("best") / "checkpoint.bpc"
    save(path, Checkpoint(config, state, history, ""))
    return path


@pytest.mark.filterwarnings("error")
def test_images_that_look_wrong_beyond_doubt_are_warned_of(best, capsys):
    images = load_mnist("test")[0][:50]
    forms = {
        "": images,
        "--invert": 255 - images,
        "highest value is 1,": images // 128,
        "highest value is 15, and ink is 255: np.save(path, images / 15)": images // 16,
        "highest value is 0.00392, and ink is 1: np.save(path, images / 0.00392)": images
        / 255
        / 255,
        "transposed": images.swapaxes(1, 2),
        "mirrored": images[:, :, ::-1],
        "upside down": images[:, ::-1],
        "turned by half": images[:, ::-1, ::-1],
        "turned to the left": np.rot90(images, 1, (1, 2)),
        "turned to the right": np.rot90(images, -1, (1, 2)),
    }
    for words, form in forms.items():
        np.save("images.npy", form)
        assert run("classify", best, "--images", "images.npy") == 0
        err = capsys.readouterr().err
        assert err.startswith("warning: images.npy: ") and words in err if words else err == "", (
            words,
            err,
        )


def test_bytes_on_another_scale_are_warned_of_in_one_line(monkeypatch, capsys):
    images, labels = own_data(np.arange(60) % 3)
    np.save("x.npy", images // 15)
    words = ["train", *OWN[1:], "--set", "iterations=1", "--set", "batch_size=8", "--overwrite"]
    monkeypatch.setattr(warnings, "showwarning", warnings.showwarning)  # and put back
    monkeypatch.setattr(__main__, "keep_programs", lambda: None)  # not for all that follows
    monkeypatch.setattr(sys, "argv", ["bpc_minimal", *words])
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        assert main() == 0
    (line,) = (line for line in capsys.readouterr().err.splitlines() if "{" not in line)
    assert line.startswith("warning: training images of bytes up to 17 given, where ink is 255: ")
    monkeypatch.setattr(sys, "argv", "- classify own/checkpoint.bpc --images x.npy".split())
    assert main() == 0
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("warning: x.npy: their highest value is 17, and ink is 255: np.save(")


def test_control_characters_of_a_checkpoint_are_escaped(checkpoint, capsys):
    kept = load(checkpoint)
    hostile = "\x1b]0;owned\x07\x1b[2J\x9b31m\x7f\u202e\nerror: x\r"
    config = kept.config.replace(name=hostile)
    save("hostile.bpc", kept._replace(config=config))
    capsys.readouterr()
    for arguments in (
        ("info", "hostile.bpc"),
        ("info", "hostile.bpc", "--json"),
        ("train", "--resume", "hostile.bpc", "--out", "a"),
        ("train", "--resume", "hostile.bpc", "--out", "b", "--json"),
        ("info", "\x1b[2J\n.bpc"),
        ("train", "--set", f"activation={hostile}"),
        ("train", "--set", f"{hostile}=1"),
        ("generate", "hostile.bpc", "--out", f"{hostile}.x\x1b"),
        ("classify", "hostile.bpc", "--images", "\x1b[2J"),
    ):
        run(*arguments)
        out, err = capsys.readouterr()
        for line in (out + err).split("\n"):
            assert line.isprintable(), (arguments, line)


# What an import costs -------------------------------------------------------------------------------


def test_importing_the_package_brings_nothing_that_is_slow_to_import():
    program = """
import sys
import bpc_minimal
print(sorted({name.partition(".")[0] for name in sys.modules}))
"""
    modules = subprocess.run(
        [sys.executable, "-c", program],
        env=dict(os.environ, PYTHONPATH=str(ROOT)),
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    for heavy in ("matplotlib", "torch", "torchvision", "tqdm", "IPython"):
        assert f"'{heavy}'" not in modules


def test_a_finished_run_goes_to_another_folder_whole(done, checkpoint):
    assert run("train", "--resume", checkpoint, "--out", "copied", "--json") == 0
    assert same_bits(load("copied/checkpoint.bpc").state, load(checkpoint).state)


def test_who_resumes_a_finished_run_hears_that_it_is_done(done, checkpoint, capsys):
    assert run("train", "--resume", checkpoint, "--out", "copied") == 0
    assert "are done; to train longer, begin a run with more epochs" in capsys.readouterr().out


def test_a_run_is_resumed_with_its_own_data_only(done, checkpoint, capsys):
    assert run("train", "--resume", checkpoint, "--held-out", "validation") == 1
    assert "of a run on other data" in capsys.readouterr().err


@pytest.mark.parametrize(
    "name, folder", [("../x", "x"), ("a b/c", "a-b-c"), ("", "run"), ("..", "run")]
)
def test_a_name_is_no_path(name, folder):
    assert run("train", *sets(name=name), "--json") == 0
    assert Path("runs", folder, "checkpoint.bpc").is_file()


def test_all_settings_of_a_run_are_kept_where_info_shows_them(capsys):
    assert run("train", *sets()) == 0
    assert capsys.readouterr().out.splitlines()[1].startswith("changed: name=tiny, ")
    assert run("info", Path("runs/tiny/checkpoint.bpc"), "--json") == 0
    settings = json.loads(capsys.readouterr().out)["settings"]
    kept = load(Path("runs/tiny/checkpoint.bpc")).config
    assert Config.from_json(json.dumps(settings)) == kept and kept.name == "tiny"


def test_too_many_images_to_draw_are_refused(done, checkpoint, capsys, tmp_path):
    np.save(tmp_path / "many.npy", load_mnist("test")[0][:101])
    assert run("complete", checkpoint, "--images", tmp_path / "many.npy") == 1
    assert "101 images given, at most 100 expected" in capsys.readouterr().err


def test_a_network_too_large_is_an_error_in_one_line(capsys):
    assert run("train", *sets(sizes="10,1000000000,784")) == 1
    err = capsys.readouterr().err
    assert (
        err.startswith("error: ")
        and "at most 2,147,483,647 weights between two layers" in err
        and "Traceback" not in err
    )


@pytest.mark.parametrize(
    "words", [["info"], ["train", *sets(), "--out", "run"]], ids=["info", "train"]
)
def test_a_jax_that_does_not_start_is_named(words, tmp_path):
    environment = os.environ | {"JAX_PLATFORMS": "nothing", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "bpc_minimal", *map(str, words)]
    found = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True)
    (line,) = found.stderr.splitlines()
    assert found.returncode == 1 and line.startswith(
        "error: JAX does not start with JAX_PLATFORMS=nothing"
    )
    assert line.endswith("; unset it or choose cpu") and not (tmp_path / "run").exists()
