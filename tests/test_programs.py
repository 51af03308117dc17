"""What is compiled is kept: the second command has the same weights, and compiles nothing."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from bpc_minimal import load

SMALL = ["--set", "sizes=10,12,784", "--set", "iterations=20", "--set", "evaluate_every=10"]


def start(cache: Path, out: Path, **settings: str) -> subprocess.Popen:
    """Start a small run with a cache folder of its own."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("JAX_")}
    environment |= {"JAX_ENABLE_COMPILATION_CACHE": "true", "XDG_CACHE_HOME": str(cache)} | settings
    environment.setdefault(
        "MPLCONFIGDIR", str(out.parent / "matplotlib")
    )  # it lies there otherwise
    command = [sys.executable, "-m", "bpc_minimal", "train", *SMALL, "--json", "--out", str(out)]
    return subprocess.Popen(command, env=environment, text=True, stdout=-1, stderr=-1)


def finish(process: subprocess.Popen) -> None:
    """Wait for its end; nothing but the settings stands on stderr."""
    _, err = process.communicate()
    assert process.returncode == 0, err
    assert len(err.splitlines()) == 1 and err.startswith("{"), err


def weights(out: Path) -> str:
    """Give the digest of a run's weights."""
    found = hashlib.sha256()
    for layer in (*(net := load(out / "checkpoint.bpc").network).generator, *net.amortiser):
        found.update(np.asarray(layer.weight))
    return found.hexdigest()


def kept(cache: Path) -> dict[str, bytes]:
    """Read what is kept."""
    return {path.name: path.read_bytes() for path in cache.rglob("*-cache")}


@pytest.mark.skipif(sys.platform != "linux", reason="caches are elsewhere")
def test_a_second_command_compiles_nothing_and_gives_the_same_bits(tmp_path):
    cache = tmp_path / "a user's cache"
    together = [start(cache, tmp_path / name) for name in ("1", "2")]  # they share it
    for process in together:
        finish(process)
    first = kept(cache)
    assert len(first) > 3
    finish(start(cache, tmp_path / "3"))
    assert kept(cache) == first
    for path in cache.rglob("*-cache"):  # a disk was full, a process was killed
        path.write_bytes(path.read_bytes()[:100])
    next(cache.rglob("*-atime")).unlink()
    finish(start(cache, tmp_path / "4"))
    finish(start(cache, tmp_path / "5", JAX_ENABLE_COMPILATION_CACHE="false"))
    assert len({weights(tmp_path / name) for name in "12345"}) == 1


@pytest.mark.skipif(sys.platform != "linux", reason="caches are elsewhere")
def test_it_is_left_off_where_one_says_so_or_nothing_can_be_written(tmp_path):
    off, own, no_folder = tmp_path / "off", tmp_path / "own", tmp_path / "a file"
    no_folder.write_text("")
    processes = [
        start(off, tmp_path / "1", JAX_ENABLE_COMPILATION_CACHE="false"),
        start(off, tmp_path / "2", JAX_COMPILATION_CACHE_DIR=str(own)),
    ]
    for process in processes:
        finish(process)
    finish(start(no_folder, tmp_path / "3"))
    assert not list(off.rglob("*-cache")) and own.is_dir() and no_folder.read_text() == ""
