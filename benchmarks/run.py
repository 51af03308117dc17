"""Measure the package, print a table and store it with the machine's description.

    python benchmarks/run.py                  every section, about an hour on two cores
    python benchmarks/run.py speed accuracy   those named
    python benchmarks/run.py --list           what there is

Each section writes benchmarks/results/SECTION.json. Ratios are formed within one run: seconds differ
between machines, and between hours on a shared one.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from datetime import date
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from bpc_minimal import Config, fit, mnist, normalise, preset
from bpc_minimal.config import PRESETS
from bpc_minimal.training import shuffled

RESULTS = Path(__file__).parent / "results"
TABLE_HEAD = """# Benchmarks

Written by `make bench` from `results/`, which holds every number. Ratios were formed within one run. What was
tried on the way, with its figures, stands in [attempts.md](attempts.md).
"""

# The most accurate network after 300 iterations of 64; chosen on the last 5,000 training images.
QUICK = Config(
    name="quick", sizes=(10, 512, 512, 784), alpha_gen=1e-4, steps=2, step_size=0.5, iterations=300,
    learning_rate=2e-3, schedule="one-cycle",
)  # fmt: skip
# 10-256-784, one step, from the image, alpha_gen 1e-3, all else as in the jpc notebook.
JPC_HEAD = preset("jpc-weighted")


def speed() -> dict[str, Any]:
    """Time an iteration of `jpc` against other ways to run it, and against the floor."""
    sys.path.insert(0, str(Path(__file__).parent))
    import speed as ways

    return {name: round(value, 3) for name, value in ways.measure().items()}


def accuracy() -> dict[str, Any]:
    """Test accuracy after 300 iterations, five seeds each."""
    data, found = mnist(), {}
    for config in (preset("jpc"), JPC_HEAD, QUICK):
        runs = [
            fit(config.replace(seed=seed), data)[1].evaluations[-1]["accuracy"] for seed in range(5)
        ]
        found[config.name] = _spread(runs)
    return found


def fast() -> dict[str, Any]:
    """Training time of `fast` to 98 % on the test set, against backprop of the same size."""
    data, config = mnist(), preset("fast")
    rows: dict[str, list] = {"bpc": [], "backprop": []}
    for seed in range(3):
        for name, way in (("bpc", _timed_fit), ("backprop", _timed_backprop)):
            rows[name].append(way(config.replace(seed=seed), data))
    found: dict[str, Any] = {
        name: {
            "seconds": _spread([run["seconds"] for run in runs]),
            "compile_seconds": round(runs[0]["compile_seconds"], 2),  # later seeds find it compiled
            "accuracy": _spread([run["accuracy"] for run in runs]),
        }
        for name, runs in rows.items()
    }
    pairs = zip(rows["bpc"], rows["backprop"], strict=True)
    found["ratio"] = _spread([a["seconds"] / b["seconds"] for a, b in pairs])
    return found


def best() -> dict[str, Any]:
    """Accuracy and RMSE of `best` on the test set, three seeds."""
    data = mnist()
    runs, seconds = [], []
    for seed in range(3):
        start = time.perf_counter()
        runs.append(fit(preset("best", seed=seed), data)[1].evaluations[-1])
        seconds.append(time.perf_counter() - start)
    return {name: _spread([run[name] for run in runs]) for name in ("accuracy", "rmse")} | {
        "seconds": _spread(seconds)
    }


def stability() -> dict[str, Any]:
    """How far a run ends below its own best: each preset, and five epochs at many settings."""
    data = mnist("validation")
    settings = [({"preset": name}, config) for name, config in PRESETS.items()]
    for depth in (2, 3, 4, 5, 6):
        for alpha_gen in (1.0, 1e-1, 1e-2, 1e-3, 1e-4, 1e-5):
            for rate in (0.02, 0.1, 0.5):
                config = Config(
                    sizes=(10, *(300,) * (depth - 1), 784), alpha_gen=alpha_gen, step_size=rate,
                    batch_size=128, epochs=5,
                )  # fmt: skip
                settings.append(({"depth": depth, "alpha_gen": alpha_gen, "rate": rate}, config))
    rows = []
    for row, config in settings:
        try:
            curve = [e["accuracy"] for e in fit(config, data)[1].evaluations]
            row["accuracy"] = [round(a, 2) for a in curve]
            row["below_best"] = round(max(curve) - curve[-1], 2)
        except FloatingPointError as error:
            row["stopped"] = str(error)
        rows.append(row)
        print("   ", json.dumps(row), flush=True)
    ended = [row["below_best"] for row in rows if "below_best" in row]
    return {
        "settings": len(rows),
        "stopped": len(rows) - len(ended),
        "worst_below_best": max(ended),
        "rows": rows,
    }


def footprint() -> dict[str, Any]:
    """Memory of `train` (Linux) and time of imports, beyond importing JAX, in processes of their own."""
    base = "import jax, equinox, optax; "
    # Not getrusage, whose peak begins at that of the process that started this one.
    peak = "; print(int(open('/proc/self/status').read().split('VmHWM:')[1].split()[0]) / 1024)"
    train = (
        "import sys, io, tempfile; from bpc_minimal.__main__ import main; sys.stdout = io.StringIO(); "
        "main(['train', '--set', 'epochs=1', '--out', tempfile.mkdtemp()]); sys.stdout = sys.__stdout__"
    )
    clock = "import time; t = time.perf_counter(); {}; print(time.perf_counter() - t)"
    load = "from bpc_minimal import load_mnist; " + clock.format("load_mnist()")
    return {
        "train_mb": round(_process(base + train + peak) - _process(base + "jax.devices()" + peak)),
        "import_seconds": round(
            min(_process(base + clock.format("import bpc_minimal")) for _ in range(3)), 3
        ),
        "load_seconds": round(min(_process(load) for _ in range(3)), 3),
    }


SECTIONS = {f.__name__: f for f in (speed, accuracy, fast, footprint, best, stability)}


def _timed_fit(config: Config, data) -> dict[str, float]:
    """Train; the time of the epochs after the first compilation, and what that added."""
    times = []
    for _ in range(2):  # the second time, everything is compiled
        start = time.perf_counter()
        history = fit(config, data)[1]
        times.append(time.perf_counter() - start)
    return {
        "seconds": times[1],
        "compile_seconds": times[0] - times[1],
        "accuracy": history.evaluations[-1]["accuracy"],
    }


def _timed_backprop(config: Config, data) -> dict[str, float]:
    """Train 784-300-300-10 by backprop as `fast` trains: its batches, schedule, epochs, evaluations."""
    sizes = config.sizes[::-1]
    per_pass = len(data.images) // config.batch_size
    total = per_pass * (config.epochs or 1)
    rate = optax.cosine_onecycle_schedule(total, 2 * config.learning_rate, pct_start=0.2)
    optimiser = optax.adamw(rate, weight_decay=config.weight_decay)

    def predict(weights, x):
        for i, w in enumerate(weights):
            x = (x if i == 0 else jax.nn.relu(x)) @ w
        return x

    def loss(weights, x, y):
        return 0.5 * jnp.mean(jnp.sum((predict(weights, x) - jax.nn.one_hot(y, 10)) ** 2, axis=1))

    @jax.jit
    def epoch(weights, state, images, labels, held_out, truth, order):
        def iterate(carry, chosen):
            weights, state = carry
            gradient = jax.grad(loss)(weights, normalise(images[chosen]), labels[chosen])
            updates, state = optimiser.update(gradient, state, weights)
            return (optax.apply_updates(weights, updates), state), None

        order = order[: per_pass * config.batch_size].reshape(per_pass, config.batch_size)
        (weights, state), _ = jax.lax.scan(iterate, (weights, state), order)
        found = jnp.argmax(predict(weights, normalise(held_out)), axis=1)
        return weights, state, 100 * jnp.mean(found == truth)

    times = []
    for _ in range(2):
        start = time.perf_counter()
        key = jax.random.PRNGKey(config.seed)
        keys = jax.random.split(key, len(sizes))
        weights = [
            jax.random.uniform(k, (a, b), minval=-1, maxval=1) / np.sqrt(a)
            for k, a, b in zip(keys, sizes, sizes[1:], strict=False)
        ]
        state, arrays = optimiser.init(weights), [jnp.asarray(part) for part in data]
        for i in range(config.epochs or 1):
            order = shuffled(key, i, len(data.images))
            weights, state, share = epoch(weights, state, *arrays, order)
        share = float(share)
        times.append(time.perf_counter() - start)
    return {"seconds": times[1], "compile_seconds": times[0] - times[1], "accuracy": share}


def _process(code: str) -> float:
    return float(
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        ).stdout
    )


def _spread(values) -> dict[str, Any]:
    values = [round(float(v), 4) for v in values]
    return {
        "mean": round(float(np.mean(values)), 4),
        "sd": round(float(np.std(values, ddof=1)), 4),
        "each": values,
    }


def _machine() -> dict[str, Any]:
    processor = platform.processor() or platform.machine()
    if Path("/proc/cpuinfo").exists():
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        names = [line.split(":")[1].strip() for line in lines if line.startswith("model name")]
        processor = names[0] if names else processor
    return {
        "processor": processor,
        "cores": len(os.sched_getaffinity(0))
        if hasattr(os, "sched_getaffinity")
        else os.cpu_count(),
        "system": platform.system(),
        "python": platform.python_version(),
        "jax": jax.__version__,
        "date": date.today().isoformat(),
    }


def _show(section: str, found: dict[str, Any], indent: str = "  ") -> None:
    print(f"{indent[2:]}{section}")
    for name, value in found.items():
        if isinstance(value, dict) and "mean" in value:
            print(f"{indent}{name:24} {value['mean']:.4g} ± {value['sd']:.2g}   {value['each']}")
        elif isinstance(value, dict):
            _show(name, value, indent + "  ")
        elif not isinstance(value, list):
            print(f"{indent}{name:24} {value}")


def write_table() -> None:
    """Write benchmarks/README.md from all that is stored."""
    lines = [TABLE_HEAD]
    for path in sorted(RESULTS.glob("*.json")):
        stored = json.loads(path.read_text())
        machine = ", ".join(f"{k} {v}" for k, v in stored["machine"].items())
        description = (SECTIONS[path.stem].__doc__ or "").splitlines()[0]
        lines += [f"## {path.stem}\n", f"{description} On {machine}.\n", "| what | measured |"]
        lines += ["|---|---|", *_rows(stored["results"]), ""]
    (RESULTS.parent / "README.md").write_text("\n".join(lines))


def _rows(found: dict[str, Any], prefix: str = "") -> list[str]:
    rows = []
    for name, value in found.items():
        if isinstance(value, dict) and "mean" in value:
            each = ", ".join(f"{v:.4g}" for v in value["each"])
            rows.append(f"| {prefix}{name} | {value['mean']:.4g} ± {value['sd']:.2g} ({each}) |")
        elif isinstance(value, dict):
            rows += _rows(value, f"{prefix}{name}, ")
        elif not isinstance(value, list):
            rows.append(f"| {prefix}{name} | {value} |")
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("sections", nargs="*", choices=[*SECTIONS, []], help="default: all")
    parser.add_argument(
        "--list", action="store_true", help="say what there is, and measure nothing"
    )
    arguments = parser.parse_args()
    if arguments.list:
        for name, section in SECTIONS.items():
            print(f"{name:10} {(section.__doc__ or '').splitlines()[0]}")
        return
    RESULTS.mkdir(exist_ok=True)
    for name in arguments.sections or SECTIONS:
        found = SECTIONS[name]()
        _show(name, found)
        content = json.dumps({"machine": _machine(), "results": found}, indent=1)
        (RESULTS / f"{name}.json").write_text(content + "\n")
    write_table()


if __name__ == "__main__":
    main()
