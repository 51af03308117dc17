"""Test the tests: change one operator or number of the package at a time, and see whether they notice.

    make mutants                           a seeded sample of each module's mutants, about an hour
    python tools/mutate.py --sample 0      all of them: some hours
    python tools/mutate.py --again         go on; and try those that survived with the tests of now

Works on a copy of the repository. Writes benchmarks/results/mutation.json and prints it as a table.
"""

import argparse
import json
import os
import platform
import random
import shlex
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
RESULT = ROOT / "benchmarks" / "results" / "mutation.json"
# For each module the files of tests that reach it; the one that kills most comes first.
MODULES = {
    "energy": ("energy", "laws", "inference", "learning"),
    "inference": ("inference", "laws", "learning", "energy"),
    "learning": ("learning", "laws", "energy"),
    "shortcuts": ("laws", "learning"),
    "curvature": ("curvature", "inference", "learning"),
    "arguments": ("arguments", "inference", "learning"),
}
# Left out before sampling, by cosmic-ray's own filter:
EXCLUDED = [
    "core/ReplaceBinaryOperator_BitOr_.*",  # here | stands in annotations alone
    "core/ReplaceBinaryOperator_.*_(RShift|LShift|BitOr|BitAnd|BitXor)",  # TypeError on floats: too easy
    "core/ReplaceComparisonOperator_(Eq_Is|NotEq_IsNot)$",  # the same for small numbers and for words
]
# Unoptimised, and compiled once for all mutants that leave a function as it is.
ENVIRONMENT = {
    "PYTHONDONTWRITEBYTECODE": "1",
    "XLA_FLAGS": "--xla_backend_optimization_level=0 --xla_cpu_use_fusion_emitters=false",
    "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
    "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
}
CONFIGURATION = """[cosmic-ray]
module-path = "bpc_minimal/{module}.py"
excluded-modules = []
test-command = "{command}"
timeout = 1800.0 # counts as killed, so it must not come from a busy machine
[cosmic-ray.distributor]
name = "local"
[cosmic-ray.filters.operators-filter]
exclude-operators = {excluded}
"""
LEFT_OUT = "job_id IN (SELECT job_id FROM work_results WHERE worker_outcome = 'SKIPPED')"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "bpc-mutation")
    parser.add_argument("--sample", type=int, default=52, help="mutants a module; 0 is all")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--again", action="store_true")
    arguments = parser.parse_args()
    folder = arguments.folder
    for name in ("bpc_minimal", "tests"):
        shutil.rmtree(folder / name, ignore_errors=True)
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", folder)
    environment = os.environ | ENVIRONMENT | {"JAX_COMPILATION_CACHE_DIR": str(folder / "cache")}

    def run(*command: str) -> None:
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        subprocess.run(command, cwd=folder, env=environment | {"PATH": path}, check=True)

    tests = {
        module: [sys.executable, "-m", "pytest", "-x", "-q", "--tb=line", "-p", "no:cacheprovider"]
        + [f"tests/test_{name}.py" for name in names]
        for module, names in MODULES.items()
    }
    run(*tests["inference"])  # they pass, and what they compile is kept
    for module in MODULES:
        text = CONFIGURATION.format(
            module=module, command=shlex.join(tests[module]), excluded=json.dumps(EXCLUDED)
        )
        (folder / f"{module}.toml").write_text(text)
        known = arguments.again and (folder / f"{module}.sqlite").exists()
        if not known:
            run("cosmic-ray", "init", f"{module}.toml", f"{module}.sqlite", "--force")
            run("cr-filter-operators", f"{module}.sqlite", f"{module}.toml")
        with sqlite3.connect(folder / f"{module}.sqlite") as session:
            if known:
                session.execute("DELETE FROM work_results WHERE test_outcome = 'SURVIVED'")
            elif arguments.sample:
                _leave_sample(session, arguments.sample, arguments.seed)
        run("cosmic-ray", "exec", f"{module}.toml", f"{module}.sqlite")
    report: dict[str, Any] = {
        "command": f"python tools/mutate.py --sample {arguments.sample}",
        "versions": {name: version(name) for name in ("cosmic-ray", "jax", "equinox", "optax")}
        | {"python": platform.python_version()},
        "seed": arguments.seed,
        "excluded_operators": EXCLUDED,
        "modules": {module: _count(folder / f"{module}.sqlite") for module in MODULES},
    }
    RESULT.write_text(json.dumps(report, indent=1) + "\n")
    print(f"{'module':10} {'mutants':>7} {'tried':>6} {'killed':>6} {'share':>6}")
    for module, found in report["modules"].items():
        print(
            f"{module:10} {found['mutants']:7} {found['tried']:6} {found['killed']:6} "
            f"{found['killed'] / found['tried']:6.1%}"
        )
    for module, found in report["modules"].items():
        for survivor in found["survivors"]:
            print(
                f"\n{module}.py:{survivor['line']}  {survivor['operator']}",
                *survivor["change"],
                sep="\n",
            )


def _leave_sample(session: sqlite3.Connection, size: int, seed: int) -> None:
    """Mark all but a random sample as skipped; the same seed takes the same mutants."""
    rows = session.execute(
        f"SELECT job_id FROM mutation_specs WHERE NOT {LEFT_OUT} "
        "ORDER BY start_pos_row, start_pos_col, operator_name, operator_args, occurrence"
    ).fetchall()
    others = random.Random(seed).sample(rows, max(0, len(rows) - size))
    session.executemany(
        "INSERT INTO work_results (job_id, worker_outcome, output) VALUES (?, 'SKIPPED', 'sampling')",
        others,
    )


def _count(path: Path) -> dict[str, Any]:
    """Count a session's mutants: all that were not filtered, those tried, those killed."""
    with sqlite3.connect(path) as session:
        outcomes = session.execute(
            "SELECT start_pos_row, operator_name, test_outcome, work_results.output, diff "
            "FROM mutation_specs JOIN work_results USING (job_id) "
            "WHERE work_results.output IS NOT 'Filtered operator' ORDER BY start_pos_row"
        ).fetchall()
    tried = [row for row in outcomes if row[2] is not None]
    return {
        "mutants": len(outcomes),
        "tried": len(tried),
        "killed": sum(row[2] != "SURVIVED" for row in tried),
        "timeouts": sum(row[3] == "timeout" for row in tried),
        "survivors": [
            {
                "line": line,
                "operator": operator.removeprefix("core/"),
                "change": [
                    c for c in diff.splitlines() if c[:1] in "+-" and c[:3] not in ("+++", "---")
                ],
            }
            for line, operator, outcome, _, diff in tried
            if outcome == "SURVIVED"
        ],
    }


if __name__ == "__main__":
    main()
