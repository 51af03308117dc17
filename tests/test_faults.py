"""What may break breaks cleanly: killed runs, full disks, locked folders, damaged and hostile files."""

import io
import multiprocessing
import os
import pickle
import random
import shutil
import subprocess
import sys
import time

import jax
import numpy as np
import pytest
from conftest import same_bits

from bpc_minimal import Config, data, fit, load, save
from bpc_minimal.__main__ import main
from bpc_minimal.checkpoint import _digest, export, pretrained

CONFIG = Config(
    sizes=(10, 8, 784), batch_size=16, iterations=120, evaluate_every=4, learning_rate=1e-3, seed=3
)
ROOT = hasattr(os, "geteuid") and os.geteuid() == 0
linux = pytest.mark.skipif(sys.platform != "linux", reason="needs Linux: forks, limits and mounts")


def train(path, part, began=None):
    """Train a small network, going on where the checkpoint stands; say when the first epoch is kept."""

    def keep(checkpoint):
        save(path, checkpoint)
        if began is not None:
            began.set()

    fit(CONFIG, part, resume=load(path) if os.path.exists(path) else None, on_epoch=keep)


@pytest.fixture(scope="module")
def part(digits):
    return type(digits)(*(np.asarray(x)[:64] for x in digits))


@pytest.fixture(scope="module")
def checkpoint(part, tmp_path_factory):
    """A finished run, unbroken."""
    path = tmp_path_factory.mktemp("unbroken") / "checkpoint.bpc"
    train(path, part)
    return load(path)


@pytest.fixture
def forks(monkeypatch, tmp_path):
    """Processes that begin with the package imported, and that compile nothing twice."""
    cache = {
        "JAX_COMPILATION_CACHE_DIR": str(tmp_path / "compiled"),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
        "PYTHONPATH": os.path.dirname(__file__),
    }
    for name, value in cache.items():
        monkeypatch.setenv(name, value)
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["test_faults"])
    return context


@linux
@pytest.mark.slow
def test_a_run_killed_fifty_times_ends_in_the_same_bits(forks, part, checkpoint, tmp_path):
    moment, kills, finished = random.Random(0), 0, 0
    first = forks.Process(target=train, args=(tmp_path / "first.bpc", part))  # fills the cache
    first.start()
    first.join()
    while kills < 50:
        path = tmp_path / f"{finished}.bpc"
        while True:
            began = forks.Event()
            process = forks.Process(target=train, args=(path, part, began))
            process.start()
            if moment.random() < 0.8:
                began.wait(60)
                time.sleep(moment.uniform(0, 0.3))
            else:
                time.sleep(moment.uniform(0, 2))
            process.kill()
            process.join()
            if path.exists():
                last = load(path)  # whole, whenever the kill came
                assert same_bits(
                    last.history.losses["energy"],
                    checkpoint.history.losses["energy"][: int(last.state.iteration)],
                )
            kills += process.exitcode == -9
            if process.exitcode == 0 or (path.exists() and int(last.state.iteration) == 120):
                break
            assert process.exitcode == -9
        finished += 1
        last = load(path)
        assert same_bits(last.state, checkpoint.state)
        assert same_bits(last.history.losses, checkpoint.history.losses)
        assert last.history.evaluations == checkpoint.history.evaluations
    assert finished >= 1


def train_by_command(folder):
    """The command line in a forked process, with pictures at its end."""
    main([
        "train", "--out", str(folder), "--overwrite", "--set", "sizes=10,8,784", "--set", "epochs=None",
        "--set", "iterations=40", "--set", "evaluate_every=10", "--set", "batch_size=16",
        "--set", "training_images=64", "--json",
    ])  # fmt: skip


@linux
@pytest.mark.slow
def test_a_command_killed_fifty_times_leaves_whole_files(forks, tmp_path):
    """At any moment: before the folder is owned, while a file is written, between checkpoint and pictures."""
    moment, folder, seen = random.Random(0), tmp_path / "run", set()
    first = forks.Process(target=train_by_command, args=(folder,))  # fills the cache
    first.start()
    first.join()
    assert first.exitcode == 0
    for kill in range(50):
        before = (folder / "checkpoint.bpc").stat().st_mtime_ns
        process = forks.Process(target=train_by_command, args=(folder,))
        process.start()
        if (
            kill % 2
        ):  # once the pictures of the run before are gone, so that those of this one are to come
            while process.is_alive() and (folder / "checkpoint.bpc").stat().st_mtime_ns == before:
                time.sleep(0.002)
        time.sleep(moment.uniform(0, 2))
        process.kill()
        process.join()
        aside = ".bpc-"  # as the names of what a killed run leaves begin
        found = {p.name for p in folder.iterdir() if not p.name.startswith(aside)}
        seen.add(frozenset(found))
        assert int(load(folder / "checkpoint.bpc").state.iteration) in (10, 20, 30, 40)
        for name in found - {"checkpoint.bpc"}:
            content = (folder / name).read_bytes()
            assert content.startswith(b"\x89PNG") and content.endswith(b"IEND\xaeB`\x82")
        if int(load(folder / "checkpoint.bpc").state.iteration) < 40:
            assert found == {"checkpoint.bpc"}  # no picture of another state
    assert frozenset({"checkpoint.bpc"}) in seen
    last = forks.Process(target=train_by_command, args=(folder,))
    last.start()
    last.join()
    assert last.exitcode == 0  # nobody holds the folder, and nothing is left of the dead
    assert sorted(os.listdir(folder)) == ["checkpoint.bpc", "digits.png", "training.png"]


def outcome(action, queue):
    """In a process of its own: what `action` raises, in words."""
    try:
        action()
        queue.put("nothing was raised")
    except OSError as error:
        queue.put(str(error))


def in_another_process(action):
    """Fork: JAX is not called there, beyond reading arrays that are in memory."""
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    process = context.Process(target=outcome, args=(action, queue))
    process.start()
    words = queue.get(timeout=1200)
    process.join()
    return words


@pytest.fixture
def on_host(checkpoint):
    """The checkpoint with its arrays as NumPy's, so that a forked process may write it."""
    return checkpoint._replace(state=jax.tree.map(np.asarray, checkpoint.state))


@linux
@pytest.mark.filterwarnings("ignore:.*fork.*")
def test_a_file_larger_than_allowed_is_an_error_and_the_older_one_stays(on_host, tmp_path):
    path = tmp_path / "checkpoint.bpc"
    path.write_bytes(b"older")

    def limited():
        import resource  # Windows has none

        resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))
        save(path, on_host)

    assert "could not write the checkpoint" in in_another_process(limited)
    assert [p.name for p in tmp_path.iterdir()] == ["checkpoint.bpc"]
    assert path.read_bytes() == b"older"


@linux
@pytest.mark.skipif(not ROOT, reason="only root may mount a small disk")
def test_a_full_disk_is_an_error_and_the_older_file_stays(checkpoint, tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)]
    if not shutil.which("mount") or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("this root may not mount")
    try:
        path = disk / "checkpoint.bpc"
        path.write_bytes(b"older")
        with pytest.raises(OSError, match=r"could not write.*No space left.*has room"):
            save(path, checkpoint)
        assert [p.name for p in disk.iterdir()] == ["checkpoint.bpc"]
        assert path.read_bytes() == b"older"
    finally:
        subprocess.run(["umount", str(disk)], check=True)


@linux
@pytest.mark.filterwarnings("ignore:.*fork.*")
def test_a_read_only_folder_is_an_error(on_host, tmp_path):
    folder = tmp_path / "locked"
    folder.mkdir()
    folder.chmod(0o555)
    for parent in (tmp_path, *tmp_path.parents[:3]):  # so that anybody may come as far as that
        if parent.stat().st_uid == os.geteuid() and parent != parent.parent:
            parent.chmod(parent.stat().st_mode | 0o111)

    def as_nobody():
        if ROOT:  # whom permissions do not hold
            os.setuid(65534)
        save(folder / "checkpoint.bpc", on_host)

    words = in_another_process(as_nobody)
    assert "could not write the checkpoint" in words
    assert "Permission denied" in words
    assert list(folder.iterdir()) == []


def mutated(content: bytes, chance: random.Random) -> bytes:
    """Damage a file in one of the ways in which files are damaged."""
    at = chance.randrange(len(content))
    upto = min(len(content), at + chance.choice((1, 4, 512)))
    return chance.choice(
        (
            lambda: content[:at],
            lambda: content[at + 1 :],
            lambda: (
                content[:at] + bytes([content[at] ^ 1 << chance.randrange(8)]) + content[at + 1 :]
            ),
            lambda: content[:at] + chance.randbytes(upto - at) + content[upto:],
            lambda: content[:at] + bytes(upto - at) + content[upto:],
            lambda: content[:at] + chance.randbytes(7) + content[at:],
            lambda: content[:at] + content[upto:],
            lambda: content + chance.randbytes(3),
        )
    )()


def test_damaged_checkpoints_are_refused(checkpoint, tmp_path):
    path, chance = tmp_path / "checkpoint.bpc", random.Random(1)
    save(path, checkpoint)
    content = path.read_bytes()
    for _ in range(150):
        damaged = mutated(content, chance)
        if damaged != content:
            path.write_bytes(damaged)
            with pytest.raises((OSError, ValueError), match=r"checkpoint\.bpc"):
                load(path)
            assert path.read_bytes() == damaged  # nothing is overwritten


def test_damaged_weights_are_refused_or_read_as_they_were(checkpoint, tmp_path):
    """A zip file has a few bytes that say nothing of what is in it, such as dates."""
    path, chance = tmp_path / "weights.npz", random.Random(2)
    export(path, checkpoint, {"command": "test"})
    content, whole = path.read_bytes(), pretrained(path)
    refused = 0
    for _ in range(150):
        path.write_bytes(mutated(content, chance))
        try:
            found = pretrained(path)
        except OSError as error:
            assert "weights.npz holds no weights" in str(error)
            refused += 1
        else:
            assert same_bits(found[:1], whole[:1])
            assert found[1].evaluations == whole[1].evaluations
    assert refused > 120


@pytest.mark.parametrize("name", ["t10k-labels-idx1-ubyte", "t10k-images-idx3-ubyte"])
def test_damaged_data_are_refused_or_read_as_they_were(name, tmp_path, monkeypatch):
    folder, chance = tmp_path / "mnist", random.Random(3)
    shutil.copytree(data.MNIST_FOLDER, folder)
    monkeypatch.setattr(data, "MNIST_FOLDER", folder)
    path = folder / f"{name}.gz"
    content, whole = path.read_bytes(), data._read_idx(name)
    refused = 0
    for _ in range(100):
        path.write_bytes(mutated(content, chance))
        try:
            found = data._read_idx(name)
        except OSError as error:
            assert name in str(error)
            assert "install the package again" in str(error)
            refused += 1
        else:
            assert same_bits(found, whole)
    assert refused > 80


class Bomb:
    """A pickle that leaves a trace if anybody runs it."""

    def __init__(self, marker):
        self.marker = str(marker)

    def __reduce__(self):
        return os.mkdir, (self.marker,)


def test_no_file_is_ever_run(checkpoint, tmp_path):
    """Not even one whose digest is right, or that hides a pickle in an array of objects."""
    marker, path = tmp_path / "was-run", tmp_path / "file"
    bomb = np.array([Bomb(marker)], dtype=object)
    array = io.BytesIO()
    np.save(array, bomb, allow_pickle=True)
    save(path, checkpoint)
    first, head, _ = path.read_bytes().split(b"\n", 2)
    for arrays in (array.getvalue(), pickle.dumps(bomb)):
        body = head + b"\n" + arrays
        format_ = first.rpartition(b" ")[0]
        path.write_bytes(format_ + b" " + _digest(body).encode() + b"\n" + body)
        with pytest.raises(ValueError, match="not one of this version"):
            load(path)
    for name in ("weight_0", "config", "evaluations", "loss_energy"):
        export(path.with_suffix(".npz"), checkpoint, {})
        parts = dict(np.load(path.with_suffix(".npz")))
        np.savez(path.with_suffix(".npz"), **parts | {name: bomb})
        with pytest.raises(OSError, match="holds no weights"):
            pretrained(path.with_suffix(".npz"))
    assert not marker.exists()
    pickle.loads(pickle.dumps(bomb))  # it would have worked
    assert marker.exists()
