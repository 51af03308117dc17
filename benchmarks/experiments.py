"""Run what the claims of book/claims.toml need, and store it: each section once, part by part.

    python benchmarks/experiments.py                 every part that is not stored yet
    python benchmarks/experiments.py landscapes      of the sections named
    python benchmarks/experiments.py two_tasks --part models, and no other of its parts
    python benchmarks/experiments.py --jobs 2        two sections at a time, each in a process of its own
    python benchmarks/experiments.py --list          what there is, and what is stored of it

A section is a module beside this one with a function `parts`, which names functions; each gives the results
of its part, in which a list holds one number a seed. A part is stored in bpc_minimal/measured as soon as it
is there, so that a run that was broken off goes on after it, with where and when it was measured. What is
stored is not measured again, as the test set is opened once a claim: whoever wants that deletes it.
"""

import argparse
import fcntl
import importlib
import json
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import run as benchmarks

ROOT = Path(__file__).resolve().parents[1]
CLAIMS = ROOT / "book" / "claims.toml"
STORED = ROOT / "bpc_minimal" / "measured"
SECTIONS = {
    "method": "Hand-derived updates against automatic gradients (chapter 4).",
    "landscapes": "The energy of XOR, of four models and two side by side (chapter 6).",
    "missing": "Images of which pixels are hidden, read and completed (chapter 7).",
    "two_tasks": "Reading and drawing by one network, what it costs, and how sure that is (chapter 8).",
    "unlabelled": "What is learnt without labels, and with a few (chapter 9).",
    "hybrid_again": "What is claimed of hybrid predictive coding, judged anew (chapter 3).",
    "open_ends": "Precisions that are learnt, and deep bidirectional networks (chapter 12).",
}
# Of chapters that are still to be written; a claim that asks for one is "not run yet".
TO_COME = ()


@cache
def protocol() -> dict[str, Any]:
    """Give what all claims share."""
    return tomllib.loads(CLAIMS.read_text("utf-8"))["protocol"]


def seeds(count: int) -> range:
    """Give the seeds that are reported: none that anything was chosen on."""
    first = protocol()["first_seed"]
    return range(first, first + count)


def choosing_seeds() -> list[int]:
    """Give the seeds on which settings are chosen."""
    return protocol()["choosing_seeds"]


def parts(section: str) -> dict[str, Callable[[], Any]]:
    """Give the parts of a section by their names."""
    return importlib.import_module(section).parts()


def kept(section: str, part: str, measure: Callable[[], Any]) -> Any:
    """Give the results of a part as they are stored, or measure them: what is stored is not run twice."""
    path = STORED / f"{section}.json"
    found = json.loads(path.read_text("utf-8"))["results"] if path.exists() else {}
    return found[part] if part in found else with_spread(measure())


def run(section: str, folder: Path = STORED, only: str | None = None) -> None:
    """Measure the parts of a section that are not stored, or one of them, and store each."""
    path = folder / f"{section}.json"
    kept = json.loads(path.read_text("utf-8")) if path.exists() else {"parts": {}, "results": {}}
    for name, measure in parts(section).items():
        if only not in (None, name):
            continue
        if name in kept["results"]:
            print(f"{section}, {name}: stored", flush=True)
            continue
        print(f"{section}, {name}: runs", flush=True)
        began = time.perf_counter()
        found, machine = with_spread(measure()), benchmarks.machine()
        with CLAIMS.open() as lock:  # other parts may run beside this one
            fcntl.flock(lock, fcntl.LOCK_EX)
            kept = json.loads(path.read_text("utf-8")) if path.exists() else kept
            kept["machine"] = machine
            kept["results"][name] = found
            kept["parts"][name] = {
                **{name: machine[name] for name in ("commit", "date", "processor", "cores", "jax")},
                "minutes": round((time.perf_counter() - began) / 60, 1),
                "first_seed": protocol()["first_seed"],
            }
            path.write_text(json.dumps(kept, indent=1) + "\n", "utf-8")


def run_beside(sections: Iterable[str], jobs: int) -> int:
    """Run so many sections at a time, each in a process; give the largest exit status."""

    def alone(section: str) -> int:
        return subprocess.run([sys.executable, __file__, section], check=False).returncode

    with ThreadPoolExecutor(jobs) as pool:
        return max(pool.map(alone, sections))


def with_spread(found: Any) -> Any:
    """Replace each list of numbers, one a seed, by them, their mean and their standard deviation."""
    if isinstance(found, dict):
        return {name: with_spread(value) for name, value in found.items()}
    if isinstance(found, str | int | bool) or found is None:
        return found
    numbers = [float(f"{x:.6g}") for x in np.ravel(np.asarray(found, float))]
    if np.ndim(found) == 0:
        return numbers[0]
    return {
        "mean": float(f"{np.mean(numbers):.6g}"),
        "sd": float(f"{np.std(numbers, ddof=1):.3g}"),
        "each": numbers,
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("sections", nargs="*", choices=[*SECTIONS, []], help="default: all")
    parser.add_argument("--part", help="the only part to run, of one section")
    parser.add_argument(
        "--jobs", type=int, default=1, help="sections that run side by side (default: 1)"
    )
    parser.add_argument("--list", action="store_true", help="say what there is, and run nothing")
    arguments = parser.parse_args()
    if arguments.part and (
        len(arguments.sections) != 1 or arguments.part not in parts(arguments.sections[0])
    ):
        parser.error(
            f"--part {arguments.part} given: a part of the one section named expected; see --list"
        )
    if arguments.jobs < 1:
        parser.error(f"--jobs {arguments.jobs} given: a whole number from 1 expected")
    if arguments.jobs > 1 and not (arguments.list or arguments.part):  # long ones stand last
        return run_beside(reversed(arguments.sections or [*SECTIONS]), arguments.jobs)
    for section in arguments.sections or SECTIONS:
        if not arguments.list:
            run(section, only=arguments.part)
            continue
        path = STORED / f"{section}.json"
        kept = json.loads(path.read_text("utf-8"))["results"] if path.exists() else {}
        print(f"{section:12} {SECTIONS[section]}")
        for name in parts(section):
            print(f"{'':12} {'stored' if name in kept else 'not yet'}: {name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
