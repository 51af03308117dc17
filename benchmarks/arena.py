"""Measure what one would install instead: each as a whole process, in turn, round after round.

    make arena                                        all rivals, three rounds; the page is made again
    make arena ARGS="--rounds 1 --only torch-loop"    a short look at those named, which stores nothing

A rival is a script in benchmarks/rivals, which says in its first lines what it needs (as PEP 723 has it)
and how it was written. Each has an environment of its own, .venv-arena/NAME, made from the package index
the first time. A clock starts with its process, and each line that it prints is stamped when it arrives. A
rival ends where its documentation ends, or at the limit; one that the limit stopped short of 98 % is not
run in later rounds, as it would be most of their time. What is not installed, fails, or reaches too little,
is stored as such.

Nothing but the standard library is imported here before the last process has ended, so that the peak of a
process's memory, which begins at that of its parent, is its own.
"""

import argparse
import ast
import gzip
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tools"))
from against import GOALS, final, reached, rivals, table  # noqa: E402

RIVALS = ROOT / "benchmarks" / "rivals"
RESULT = ROOT / "benchmarks" / "results" / "arena.json"
ENVIRONMENTS = ROOT / ".venv-arena"
DATA = ENVIRONMENTS / "data"
LIMIT = 100.0  # seconds, of each process; three rounds then take about 20 minutes on two cores


def unpack() -> None:
    """Lay MNIST out as torchvision expects it, from the package's own files."""
    raw = DATA / "MNIST" / "raw"
    raw.mkdir(parents=True, exist_ok=True)
    for packed in sorted((ROOT / "bpc_minimal" / "mnist").glob("*.gz")):
        if not (raw / packed.stem).is_file():
            (raw / f"{packed.stem}.part").write_bytes(gzip.decompress(packed.read_bytes()))
            (raw / f"{packed.stem}.part").replace(raw / packed.stem)


def install(name: str, head: dict[str, Any], source: str | None = None) -> tuple[Path, str | None]:
    """Make a rival's environment where it is not there yet; give its Python, and why there is none.

    Args:
        name: of the environment.
        head: what the rival's first lines say.
        source: a folder to install in place of its first dependency.
    """
    if head["arena"].get("own"):
        return Path(sys.executable), None
    folder = ENVIRONMENTS / head["arena"].get("environment", name)
    python = folder / ("Scripts" if os.name == "nt" else "bin") / "python"
    needs = [source or head["dependencies"][0], *head["dependencies"][1:]]
    stamp, wanted = folder / "installed.json", json.dumps([head["requires-python"], *needs])
    if python.exists() and stamp.is_file() and stamp.read_text("utf-8") == wanted:
        return python, None
    base = interpreter(head["requires-python"])
    if base is None:
        return python, f"needs Python {head['requires-python']}, which was not found"
    print(f"  {name}: installing {', '.join(needs)}", flush=True)
    shutil.rmtree(folder, ignore_errors=True)
    pip = "-m pip --quiet --disable-pip-version-check install".split()
    for command in ([base, "-m", "venv", str(folder)], [str(python), *pip, *needs]):
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            return python, f"could not be installed: {last_words(done.stderr)}"
    stamp.write_text(wanted, "utf-8")
    return python, None


def interpreter(requirement: str) -> str | None:
    """Find a Python: the one that runs this, or another of this machine that is new enough (">=3.12")."""
    least = tuple(map(int, re.findall(r"\d+", requirement)))
    if sys.version_info[: len(least)] >= least:
        return sys.executable
    found = [shutil.which(f"python3.{minor}") for minor in range(12, 16)]
    pyenv = sorted((Path.home() / ".pyenv" / "versions").glob("3.*/bin/python"))
    for path in filter(None, [os.environ.get("ARENA_PYTHON"), *found, *map(str, pyenv)]):
        asked = [path, "-c", f"import sys; sys.exit(sys.version_info < {least})"]
        if subprocess.run(asked, capture_output=True).returncode == 0:
            return path
    return None


def last_words(text: str) -> str:
    """Give the last error of what was written, in one line."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    errors = [line for line in lines if re.match(r"(ERROR|error|\w*Error)\b", line)]
    words = (errors or lines or ["it said nothing"])[-1].removeprefix("ERROR: ")
    return words if len(words) <= 200 else words[:199] + "…"


def versions(python: Path, head: dict[str, Any]) -> dict[str, str]:
    """Ask a Python what it is, and which versions it has of what matters."""
    names = head["arena"].get("versions") or [
        re.split(r"[ =<>@]", need)[0] for need in head["dependencies"][:1] or ["jax"]
    ]
    code = (
        "import importlib.metadata as m, json, platform; "
        f"print(json.dumps({{'python': platform.python_version()}} | {{n: m.version(n) for n in {names}}}))"
    )
    done = subprocess.run([str(python), "-c", code], capture_output=True, text=True)
    return json.loads(done.stdout) if done.returncode == 0 else {}


def warm(python: Path, head: dict[str, Any]) -> None:
    """Import once what a rival imports, so that nobody's first round compiles modules or has a cold disk."""
    tree = ast.parse(head["path"].read_text("utf-8"))
    wanted = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    wanted |= {
        a.name for node in ast.walk(tree) if isinstance(node, ast.Import) for a in node.names
    }
    if "command" in head["arena"]:  # this package's own, with all that it imports late
        wanted = {"bpc_minimal.__main__", "matplotlib.pyplot", "matplotlib.font_manager"}
    code = "\n".join(f"import {module}" for module in sorted(filter(None, wanted)))
    subprocess.run(
        [str(python), "-c", code], capture_output=True, cwd=ENVIRONMENTS,
        env=os.environ | {
            "PYTHONPATH": os.pathsep.join(map(str, (ROOT, ROOT / "benchmarks", RIVALS))),
            "MPLCONFIGDIR": str(ENVIRONMENTS / "matplotlib"),
        },
    )  # fmt: skip


def parse(line: str) -> dict[str, float] | None:
    """Read a line of a rival's: an object with an iteration, and numbers; None is something else."""
    try:
        found = json.loads(line)
    except ValueError:
        return None
    if not isinstance(found, dict) or not isinstance(found.get("iteration"), int):
        return None
    kept = {name: found[name] for name in ("iteration", "accuracy", "rmse") if name in found}
    return kept if all(isinstance(value, int | float) for value in kept.values()) else None


def command(name: str, head: dict[str, Any], python: Path, scratch: Path) -> list[str]:
    """Give the arguments that start a rival."""
    written = head["arena"].get("command")
    if not written:
        return [str(python), str(head["path"])]
    return [str(python), *(part.format(scratch=scratch, name=name) for part in written.split())]


def run(arguments: list[str], scratch: Path, limit: float = LIMIT) -> dict[str, Any]:
    """Run one process to its end or to the limit; give its stamped lines, its seconds and its memory."""
    environment = os.environ | {
        "ARENA_DATA": str(DATA),
        "PYTHONPATH": str(ROOT),
        "PYTHONUNBUFFERED": "1",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "XDG_CACHE_HOME": str(scratch / "cache"),  # where this package keeps compiled programs
        "MPLCONFIGDIR": str(ENVIRONMENTS / "matplotlib"),
    }
    lines: list[dict[str, float]] = []
    stopped = threading.Event()
    with tempfile.TemporaryFile("w+", errors="replace") as errors:
        began = time.perf_counter()
        process = subprocess.Popen(
            arguments, stdout=subprocess.PIPE, stderr=errors, text=True, env=environment,
            cwd=scratch, start_new_session=True,
        )  # fmt: skip

        def stop() -> None:
            stopped.set()
            _end(process)

        timer = threading.Timer(limit, stop)
        timer.start()
        try:
            for line in process.stdout or ():
                if (found := parse(line)) is not None:
                    lines.append({"seconds": round(time.perf_counter() - began, 3)} | found)
            _, status, used = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        finally:
            timer.cancel()
            _end(process)
        seconds = time.perf_counter() - began
        errors.seek(0)
        said = errors.read()
    ended = "limit" if stopped.is_set() else "error" if process.returncode else "end"
    result = {
        "lines": lines,
        "seconds": round(seconds, 3),
        # Of the largest of its processes; kilobytes on Linux, bytes on macOS.
        "peak_mb": round(used.ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)),
        "ended": ended,
    }
    return result | ({"why": last_words(said)} if ended == "error" else {})


def _end(process: subprocess.Popen) -> None:
    """End a process and all that it started."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        pass


def again(found: dict[str, Any]) -> bool:
    """Whether a rival is run once more: it ended by itself, or reached 98 % before it was stopped."""
    last = found["rounds"][-1] if found["rounds"] else None
    if found.get("failed") or (last and last["ended"] == "error"):
        return False
    return last is None or last["ended"] == "end" or reached(last, max(GOALS)) is not None


def measure(
    chosen: dict[str, dict[str, Any]], rounds: int, limit: float, sources: dict[str, str]
) -> dict[str, Any]:
    """Prepare all, then run all in turn; what fails stays, with its reason."""
    results: dict[str, Any] = {}
    pythons = {}
    for name, head in chosen.items():
        instead_of = head["arena"].get("instead_of")
        if instead_of in results and not results[instead_of].get("failed"):
            continue  # the library itself is here
        pythons[name], why = install(name, head, sources.get(name))
        results[name] = {"versions": {} if why else versions(pythons[name], head), "rounds": []}
        if sources.get(name):
            results[name]["from"] = "a copy of its repository"
        if why:
            results[name]["failed"] = why
            print(f"  {name}: {why}", flush=True)
    for name in results:
        if not results[name].get("failed"):
            warm(pythons[name], chosen[name])
    for turn in range(1, rounds + 1):
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            for name, found in results.items():
                if not again(found):
                    continue
                arguments = command(name, chosen[name], pythons[name], Path(folder))
                found["rounds"].append(run(arguments, Path(folder), limit) | {"round": turn})
                last = found["rounds"][-1]
                best, why = final(last), f" ({last['why']})" if "why" in last else ""
                read = "nothing read" if best is None else f"{best:.2f} %"
                print(f"  {turn} {name:22} {last['seconds']:6.1f} s  {read}{why}", flush=True)
    return results


def main() -> int:
    every = rivals()
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--limit", type=float, default=LIMIT, help="seconds, of each process")
    parser.add_argument(
        "--only", nargs="+", choices=[*every], metavar="NAME", help=", ".join(every)
    )
    parser.add_argument(
        "--source", nargs="+", default=[], metavar="NAME=FOLDER",
        help="install a rival from a folder, where its repository is not reached",
    )  # fmt: skip
    parser.add_argument("--note", help="what to know of this run: that other work ran beside it")
    arguments = parser.parse_args()
    sources = {
        name: str(Path(path).resolve())
        for name, path in (s.split("=", 1) for s in arguments.source)
    }
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what runs is ended, too
    unpack()
    load = os.getloadavg() if hasattr(os, "getloadavg") else (0.0,)
    chosen = {name: every[name] for name in arguments.only or every}
    results = measure(chosen, arguments.rounds, arguments.limit, sources)
    from run import machine  # JAX is imported here, after the last process

    stored = {
        "machine": machine(),
        "load_before": round(load[0], 1),
        "rounds": arguments.rounds,
        "limit": arguments.limit,
        **({"note": arguments.note} if arguments.note else {}),
        "results": results,
    }
    print("\n" + table(stored))
    if arguments.only:
        print("Some of the rivals: nothing is stored.")
        return 0
    RESULT.write_text(json.dumps(stored, indent=1) + "\n", "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
