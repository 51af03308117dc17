"""Several processes that train one network: real ones, on this machine, with a free port between them.

How long one takes is no part of a verdict; one that hangs is killed, and fails its test.
"""

import json
import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import jax
import numpy as np
import pytest
from conftest import assert_close, same_bits

from bpc_minimal import ArgumentError, devices, load
from bpc_minimal.__main__ import main
from bpc_minimal.arguments import check_divisible

ROOT = Path(__file__).resolve().parents[1]
LONGEST = 500  # seconds; a busy machine takes a tenth of it
SETTINGS = {
    "name": "small", "sizes": [10, 24, 20, 784], "activation": "tanh", "steps": 2, "batch_size": 32,
    "iterations": 24, "evaluate_every": 8, "learning_rate": 1e-2, "pixel_mean": 0, "pixel_std": 1,
}  # fmt: skip
LOST = "error: another process of this run ended or cannot be reached, and this one ends with it: "


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


@pytest.fixture
def start(tmp_path):
    """Start Python processes with a thread each; whatever becomes of the test, none of them stays."""
    started = []
    environment = os.environ | {
        "PYTHONPATH": str(ROOT), "JAX_PLATFORMS": "cpu", "TF_CPP_MIN_LOG_LEVEL": "3",
        "XLA_FLAGS": f"{os.environ.get('XLA_FLAGS', '')} --xla_cpu_multi_thread_eigen=false",
    }  # fmt: skip

    def begin(*words):
        environment["JAX_ENABLE_X64"] = str(int(jax.config.jax_enable_x64))
        process = subprocess.Popen(
            [sys.executable, *map(str, words)], env=environment, cwd=tmp_path, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        started.append(process)
        return process

    yield begin
    for process in started:
        process.kill()
        process.communicate()


WAITS = re.compile(
    r"waiting for (process 0|the other process(es)?) at 127\.0\.0\.1:\d+ \(up to [\d.]+ minutes\)\n"
)


def ends(processes):
    """Wait for all: the code that each ends with, and what it printed, but for whom it waited."""
    found = [(*process.communicate(timeout=LONGEST), process.returncode) for process in processes]
    return [(code, out, WAITS.sub("", error, count=2)) for out, error, code in found]


@pytest.fixture
def train(start, digits, tmp_path):
    """Give a function that begins COUNT processes of one run."""
    ink = np.uint8(255) * (
        digits.images > 127
    )  # 0 and 1 once they are floats: nothing is rounded there
    np.save(tmp_path / "images.npy", ink)
    np.save(tmp_path / "labels.npy", digits.labels)
    own = ["--images", "images.npy", "--labels", "labels.npy", "--json"]

    def begin(count, *options, differing=((),) * 9, **changes):
        (tmp_path / "settings.json").write_text(json.dumps(SETTINGS | changes))
        if "--resume" not in options:
            options = ("--config", "settings.json", *options)
        at = f"127.0.0.1:{free_port()}"
        return [
            start(
                "-m", "bpc_minimal", "train", *own, *options, *more, "--distributed", at, count, i
            )
            for i, more in zip(range(count), differing, strict=False)
        ]

    return begin


@pytest.fixture
def alone(start):
    """Give a function that trains in one process, on the same files."""

    def run(*options):
        own = ["--images", "images.npy", "--labels", "labels.npy", "--json"]
        ((code, _, error),) = ends([start("-m", "bpc_minimal", "train", *own, *options)])
        assert code == 0, error

    return run


@pytest.mark.parametrize("count", [2, pytest.param(4, marks=pytest.mark.slow)])
def test_several_processes_train_the_weights_of_one(count, train, alone, tmp_path, float64):
    """Sums over the batch are added in another order, no more. The first process alone prints and writes."""
    (code, out, error), *others = ends(train(count, "--out", "several"))
    assert code == 0, error
    assert [json.loads(line)["iteration"] for line in out.splitlines()] == [8, 16, 24]
    assert error.count("\n") == 1 and json.loads(error)["name"] == "small"
    assert others == [(0, "", "")] * (count - 1)
    assert {path.name for path in (tmp_path / "several").iterdir()} == {
        "checkpoint.bpc", "digits.png", "training.png",
    }  # fmt: skip
    alone("--config", "settings.json", "--out", "one")
    several, one = (load(tmp_path / name / "checkpoint.bpc") for name in ("several", "one"))
    assert several.data == one.data and several.examples == one.examples
    assert_close(several.state, one.state, 1e-10)
    assert_close(several.history.losses, one.history.losses, 1e-10)


STOPPED = """
import contextlib
import sys
from bpc_minimal import __main__ as commands

def keep(path, checkpoint, save=commands.save):
    save("first.bpc", checkpoint)
    sys.exit()

commands.save = keep
own = ["--images", "images.npy", "--labels", "labels.npy", "--json"]
with contextlib.suppress(SystemExit):
    commands.main(["train", *own, "--config", "settings.json", "--out", "stopped"])
"""


def test_a_run_of_one_process_goes_on_in_two(start, train, alone, tmp_path, float64):
    train(0)
    alone("--config", "settings.json", "--out", "one")
    one = load(tmp_path / "one" / "checkpoint.bpc")
    (tmp_path / "stop.py").write_text(STOPPED)
    ((code, _, error),) = ends([start("stop.py")])
    assert code == 0, error
    for code, _, error in ends(train(2, "--resume", "first.bpc", "--out", "two")):
        assert code == 0, error
    two = load(tmp_path / "two" / "checkpoint.bpc")
    assert_close(two.state, one.state, 1e-10)
    assert_close(two.history.losses, one.history.losses, 1e-10)


def test_a_stopped_run_of_two_processes_goes_on_in_one(train, alone, tmp_path):
    """Whichever process is told to stop, all end after the same evaluation."""
    processes = train(2, "--out", "run", iterations=1600)
    processes[0].stdout.readline()
    processes[1].send_signal(signal.SIGTERM)
    (code, _, error), (other_code, other_out, other_error) = ends(processes)
    assert (code, other_code, other_out) == (143, 143, "")
    assert re.search(
        r"interrupted; iteration [\d,]+ of 1,600 is kept. Go on with:\n.*--resume", error
    )
    assert "Traceback" not in error + other_error
    stopped = load(tmp_path / "run" / "checkpoint.bpc")
    done = int(stopped.state.iteration)
    assert 0 < done < 1600
    alone("--resume", "run/checkpoint.bpc")
    ended = load(tmp_path / "run" / "checkpoint.bpc")
    assert int(ended.state.iteration) == 1600
    for name, values in stopped.history.losses.items():
        assert same_bits(ended.history.losses[name][:done], values)


@pytest.mark.parametrize("victim", [0, 1])
def test_a_killed_process_ends_the_others_with_a_sentence(victim, train, tmp_path):
    processes = train(2, "--out", "run", iterations=1_000_000)
    processes[0].stdout.readline()
    processes[victim].kill()
    code, _, error = ends(processes)[1 - victim]
    last = error.splitlines()[-1]
    assert code in (1, -signal.SIGABRT) and LOST in last and "--resume" in last, error
    assert "Traceback" not in error and "Check failure" not in error
    assert int(load(tmp_path / "run" / "checkpoint.bpc").state.iteration) >= 8


def test_a_process_that_cannot_begin_ends_all(train):
    first, other = ends(train(2, "--out", "run", differing=((), ("--root", "data"))))
    assert first[0] == other[0] == 1
    assert first[2] == "error: process 1 could not begin, and says why; none does\n"
    assert other[2].startswith("process 1: error: --root given beside --images")


def test_processes_of_different_settings_say_so(train):
    differing = ((), ("--seed", "7"))
    for who, (code, _, error) in zip(
        ("", "process 1: "), ends(train(2, differing=differing)), strict=True
    ):
        assert code == 1
        assert f"{who}error: process 1 was started with other settings than process 0" in error


@pytest.mark.skipif(os.name == "nt", reason="Windows sends no such signals")
@pytest.mark.parametrize("index", [0, 1])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_process_that_waits_for_another_says_so_and_ends_when_it_is_told(number, index, start):
    words = (
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)",
        "import sys",
    )
    words += ("from bpc_minimal.__main__ import main", "sys.exit(main())")
    at = f"127.0.0.1:{free_port()}"
    process = start("-c", "; ".join(words), "train", "--distributed", at, 2, index)
    who = "process 0" if index else "the other process"
    assert process.stderr.readline() == f"waiting for {who} at {at} (up to 5 minutes)\n"
    process.send_signal(number)
    ((code, out, error),) = ends([process])
    assert (code, out, error) == (128 + number, "", "interrupted\n")


@pytest.mark.parametrize(
    ("index", "words"),
    [
        (
            0,
            "not all processes came within 0.05 minutes: is each started, with its own INDEX of 0 to 1?",
        ),
        (
            1,
            "did not answer ([Errno 111] Connection refused): is process 0 started, is the port right?",
        ),
    ],
)
def test_a_process_that_waited_in_vain_asks_for_the_others(index, words, start):
    program = "import sys; from bpc_minimal import __main__, devices; devices.PATIENCE = 3; "
    program += "sys.exit(__main__.main())"
    at = f"127.0.0.1:{free_port()}"
    ((code, out, error),) = ends([start("-c", program, "train", "--distributed", at, 2, index)])
    assert (code, out) == (1, "")
    assert re.sub(r"Errno \d+", "Errno 111", error) == f"error: {f'{at} ' * index}{words}\n"


SHARES = """
import sys
import jax
import numpy as np
from bpc_minimal import Config, Data, devices, fit
address, count, index = sys.argv[1:]
jax.distributed.initialize(address, int(count), int(index))
digits = np.load("digits.npz")
read = []

class Read(np.ndarray):
    def __getitem__(self, rows):
        read.append((rows[0].start, rows[0].stop))
        return super().__getitem__(rows)

data = Data(**{name: digits[name] for name in digits})._replace(images=digits["images"][:637])
data = data._replace(labels=data.labels[:637])
config = Config.from_json(open("settings.json").read())
whole = fit(config, data)
devices.LARGE = 0
placed = devices.place(data.images.view(Read), divided=True)
assert placed.shape == (2 * 319, 28, 28) and placed.addressable_shards[0].data.shape == (319, 28, 28)
assert read == [(319 * int(index), 319 * int(index) + 319)], read  # by this process
shared = fit(config, data)
for a, b in zip(*map(jax.tree.leaves, (whole, shared)), strict=True):
    assert np.allclose(a, b, rtol=0, atol=1e-6), np.abs(a - b).max()
np.savez(f"trained-{index}.npz", *jax.tree.leaves((shared[0], shared[1].losses)))
"""


def test_shares_of_the_images_give_the_weights_of_all_of_them(start, digits, tmp_path, float64):
    """A batch is looked up through all shares, each of which its own process alone has read."""
    np.savez(tmp_path / "digits.npz", **digits._asdict())
    (tmp_path / "settings.json").write_text(json.dumps(SETTINGS))
    at = f"127.0.0.1:{free_port()}"
    for code, _, error in ends([start("-c", SHARES, at, 2, i) for i in range(2)]):
        assert code == 0, error
    first, other = (np.load(tmp_path / f"trained-{i}.npz") for i in range(2))
    assert same_bits(list(first.values()), list(other.values()))


@pytest.mark.parametrize(
    "place", [["x"], ["h:1", "2"], ["h:1", "2", "2"], ["h", "2", "0"], ["h:1", "b", "0"]]
)
def test_a_place_that_is_none_is_refused(place, capsys):
    assert main(["train", "--distributed", *place]) == 1
    error = capsys.readouterr().err
    assert f"--distributed {' '.join(place)} given, HOST:PORT COUNT INDEX expected" in error


def test_a_batch_that_processes_cannot_share_evenly_is_refused(monkeypatch):
    check_divisible(33)
    monkeypatch.setattr(jax, "process_count", lambda: 3)
    monkeypatch.setattr(jax, "device_count", lambda: 6)
    check_divisible(36)
    with pytest.raises(
        ArgumentError,
        match="batch_size=33 given to 6 devices of 3 processes, a multiple of 6 .* 36;",
    ):
        check_divisible(33)


def test_images_are_whole_where_they_are_few_or_there_is_one_device(monkeypatch):
    monkeypatch.setattr(devices, "LARGE", 0)
    images = np.arange(24).reshape(6, 2, 2)
    assert same_bits(devices.place(images, divided=True), images)
