"""Measure the package, print a table and store it with the machine's description.

    python benchmarks/run.py                  every section, about an hour on two cores
    python benchmarks/run.py speed accuracy   those named
    python benchmarks/run.py --list           what there is
    python benchmarks/run.py --guard          a few rounds: does the compiled loop keep its lead?

Each section writes benchmarks/results/SECTION.json, or bpc_minimal/measured/SECTION.json where a chapter
prints it. Ratios are formed within one run: seconds differ between machines, and between hours on one.
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

import backprop
import jax
import jax.numpy as jnp
import numpy as np

from bpc_minimal import (
    Config,
    Data,
    complete,
    figures,
    fit,
    generate,
    mnist,
    normalise,
    preset,
)
from bpc_minimal.config import PRESETS
from bpc_minimal.learning import make_state
from bpc_minimal.svg import as_svg
from bpc_minimal.training import shuffled, train_epoch

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results"
PRINTED = ROOT / "bpc_minimal" / "measured"  # what chapters print, in Colab too
READ_BY_CHAPTERS = (
    "bidirectional",
    "generating",
    "hybrid",
    "settling",
    "passes",
    "presets",
    "best",
    "best_backprop",
    "fast",
    "speed",
    "ladder",
)
FIGURE = Path(__file__).parents[1] / "book" / "_static" / "benchmarks.svg"
TABLE_HEAD = """# Benchmarks

Written by `make bench` from `results/` and, for what chapters print, `../bpc_minimal/measured/`, which hold
every number. Ratios were formed within one run. What was tried on the way, with its figures, stands in
[attempts.md](attempts.md).
"""

# What must be reached, and what is aimed at beyond: bounds from below and from above.
ANY = float("inf")
GOALS = {
    "accuracy, jpc": ((81.5, 84.5), None),
    "accuracy, jpc-weighted": ((93.5, ANY), None),
    "accuracy, quick": ((95.5, ANY), (96.5, ANY)),
    "speed, calls_over_scan": ((3, ANY), (4.5, ANY)),
    "speed, calls_run_over_scan_run": ((3, ANY), (4.5, ANY)),
    "speed, notebook_over_scan": ((7, ANY), (10, ANY)),
    "speed, notebook_run_over_scan_run": ((7, ANY), (10, ANY)),
    "speed, scan_over_floor": ((0, 1.7), (0, 1.2)),
    "processes, two_over_one": ((0, 0.65), (0, 0.55)),
    "fast, ratio": ((0, 3), (0, 1)),
    "fast, ratio to 98 %": ((0, 3), (0, 1)),
    "best, accuracy": ((98.2, ANY), (98.4, ANY)),
    "best, rmse": ((0, 0.024), (0, 0.018)),
    "stability, worst_below_best": ((0, 3), (0, 3)),
    **{f"longer, {name}": ((0, 3), None) for name in PRESETS},
    "footprint, train_mb": ((0, 400), None),
    "footprint, import_seconds": ((0, 0.2), None),
    "footprint, load_seconds": ((0, 1), None),
}

# The most accurate network after 300 iterations of 64; chosen on the last 5,000 training images.
QUICK = Config(
    name="quick", sizes=(10, 512, 512, 784), alpha_gen=1e-4, steps=2, step_size=0.5, iterations=300,
    learning_rate=2e-3, schedule="one-cycle",
)  # fmt: skip
# 10-256-784, one step, from the image, alpha_gen 1e-3, all else as in the jpc notebook.
JPC_HEAD = preset("jpc-weighted")


def speed() -> dict[str, Any]:
    """Time an iteration of `jpc` against other ways to run it, and against the floor."""
    import speed as ways

    return {name: round(value, 3) for name, value in ways.measure().items()}


def ladder() -> dict[str, Any]:
    """What each rung of chapter 10's ladder gains: the page's own cells, in so many processes."""
    import ladder as rungs

    return _with_spread(rungs.measure())


def bounds() -> dict[str, Any]:
    """Norms that runs follow: whether they are bounds, at every iteration, and their share of the time."""
    import bounds as norms

    return norms.measure()


def growth() -> dict[str, Any]:
    """Time of an iteration, of that of 10-300-300-784 with 4 steps and batches of 64."""
    import growth as settings

    return settings.measure()


def processes() -> dict[str, Any]:
    """Time of an iteration in two processes of a thread each, of that in one; width 1,024, batch 4,096."""
    import processes as ways

    return {name: round(value, 3) for name, value in ways.measure().items()}


def bidirectional() -> dict[str, Any]:
    """What bidirectional learning and inference each buy: five models, five seeds (chapter 4 prints it)."""
    import bidirectional as models

    return _with_spread(models.measure())


def generating() -> dict[str, Any]:
    """What the generator of chapter 2 draws and reads, and where it comes to rest, five seeds."""
    import generating as generator

    return _with_spread(generator.measure())


def hybrid() -> dict[str, Any]:
    """What an amortiser buys a generative network, and from how many examples (chapter 3 prints it)."""
    import hybrid as amortiser

    return _with_spread(amortiser.measure())


def settling() -> dict[str, Any]:
    """What settling is for: `fast` with 0 to 8 steps of inference, five seeds (chapter 5 prints it)."""
    import settling as steps

    return _with_spread(steps.measure())


def passes() -> dict[str, Any]:
    """`jpc` for five passes by its own step and by relative ones, five seeds (chapter 5 prints it).

    Accuracy on 5,000 held-out training images after each pass.
    """
    data, found = mnist("validation"), {}
    own = preset("jpc", epochs=5, evaluate_every=None, stop_diverging=False)
    relative = own.replace(step_rule="curvature", step_size=1.0)
    ways = {
        "fixed, its own": own,
        "relative, 1": relative,
        "relative, 1, alpha_gen 0.001": relative.replace(alpha_gen=1e-3),
    }
    for name, config in ways.items():
        runs = [fit(config.replace(seed=seed), data)[1].evaluations for seed in range(5)]
        found[name] = {
            str(i + 1): {
                what: [run[i][what] for run in runs] for what in ("accuracy", "relative_step")
            }
            for i in range(5)
        }
    return _with_spread(found)


def presets() -> dict[str, Any]:
    """Every preset and backprop on the test set: accuracy, RMSE, time of learning (chapter 5 prints it)."""
    import presets as ways

    return _with_spread(ways.measure())


def best_backprop() -> dict[str, Any]:
    """Backprop of the width and passes of `best` on the test set, three seeds (chapter 5 prints it)."""
    import presets as ways

    return _with_spread(ways.rival_of_best())


def milestones() -> dict[str, Any]:
    """Training time to an accuracy on 5,000 held-out training images, of that of `fast` to 98 %.

    A run ends where it reaches 98 %, so that "highest" is no more than that.
    """
    data, found = mnist("validation"), {}
    curves = {config.name: _curve(config, data) for config in (*PRESETS.values(), QUICK)}
    curves["backprop like fast"] = _backprop_curve(preset("fast"), data)
    unit = next(seconds for seconds, accuracy in curves["fast"] if accuracy >= 98)
    for name, curve in curves.items():
        found[name] = {"highest": round(max(accuracy for _, accuracy in curve), 2)}
        for goal in (90, 95, 97, 98):
            reached = [seconds for seconds, accuracy in curve if accuracy >= goal]
            found[name][f"to {goal} %"] = round(reached[0] / unit, 3) if reached else "not reached"
    return found | {"unit_seconds": round(unit, 2)}


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
    """Training time of `fast`, against backprop of the same size: of the whole run, and to 98 %.

    The time to 98 % on the test set is read off evaluations after every 20 iterations. They count too, and
    take longer than backprop's learning, which draws this ratio towards 1: the first says more.
    """
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
    reached: dict[str, list] = {"bpc": [], "backprop": []}
    for seed in range(3):
        for name, curve in (("bpc", _curve), ("backprop", _backprop_curve)):
            last = curve(config.replace(seed=seed), data)[-1]
            assert last[1] >= 98, f"{name} did not reach 98 % with seed {seed}"
            reached[name].append(last[0])
    for name, seconds in reached.items():
        found[name]["seconds to 98 %"] = _spread(seconds)
    found["ratio to 98 %"] = _spread(
        [a / b for a, b in zip(reached["bpc"], reached["backprop"], strict=True)]
    )
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


def longer() -> dict[str, Any]:
    """How far each preset ends below its own best, in points, when it runs for five epochs or more.

    `jpc` and `jpc-weighted` are made for 300 iterations, a third of one.
    """
    data, found = mnist("validation"), {}
    for name, config in PRESETS.items():
        if (config.epochs or 0) < 5:
            config = config.replace(epochs=5, evaluate_every=None)
        try:
            curve = [e["accuracy"] for e in fit(config, data)[1].evaluations]
            found[name] = round(max(curve) - curve[-1], 2)
            found[f"{name}, end"] = round(curve[-1], 2)
        except FloatingPointError as error:
            found[name] = float("inf")
            found[f"{name}, stopped"] = str(error)
    return found


def completion(images: int = 200) -> dict[str, Any]:
    """RMSE of hidden lower halves that `fast` fills in, of held-out images, pixels in [0, 1]; three seeds.

    By the precision of the image's generative errors, those of the hidden layers being 1, and by steps.
    "true class drawn" is the RMSE of a drawing of the true label in the hidden pixels' place.
    """
    data, config, rows = mnist("validation"), preset("fast"), {}
    pixels = normalise(data.held_out_images[:images], config.pixel_mean, config.pixel_std)
    hidden = np.arange(784) >= 392
    for seed in range(3):
        network, _ = fit(config.replace(seed=seed), data)
        filled = {"true class drawn": generate(network, data.held_out_labels[:images])}
        for alpha, steps in (
            (1.0, 500),
            (0.3, 500),
            (0.1, 500),
            (0.03, 500),
            (1.0, 2000),
            (0.1, 2000),
        ):
            precisions = (1.0,) * (network.depth - 1) + (alpha,)
            filled[f"alpha_gen of the image {alpha:g}, {steps} steps"] = complete(
                network, pixels, ~hidden, steps=steps, alpha_gen=precisions
            )
        for name, found in filled.items():
            off = (np.asarray(found) - np.asarray(pixels))[:, hidden] * config.pixel_std
            rows.setdefault(name, []).append(np.sqrt(np.mean(off**2)))
    return {name: _spread(values) for name, values in rows.items()}


def footprint() -> dict[str, Any]:
    """Memory of `train` (Linux) and time of imports, beyond importing JAX, in processes of their own.

    Megabytes are the most of three runs, of an epoch with the preset `fast`, which is `train` as it stands,
    and of others.
    """
    base = "import jax, equinox, optax; "
    # Not getrusage, whose peak begins at that of the process that started this one.
    peak = "; print(int(open('/proc/self/status').read().split('VmHWM:')[1].split()[0]) / 1024)"
    train = (
        "import sys, io, tempfile; from bpc_minimal.__main__ import main; sys.stdout = io.StringIO(); "
        "main(['train', '--preset', '{}', '--set', '{}', '--out', tempfile.mkdtemp()]); "
        "sys.stdout = sys.__stdout__"
    )
    clock = "import time; t = time.perf_counter(); {}; print(time.perf_counter() - t)"
    load = "from bpc_minimal import load_mnist; " + clock.format("load_mnist()")
    first = "import bpc_minimal as bpc; " + clock.format(
        "bpc.fit(bpc.preset('fast').replace(iterations=1), bpc.mnist())"
    )
    jax_mb = _process("import jax" + peak)
    train_mb = {
        name: round(max(_process(train.format(name, length) + peak) for _ in range(3)) - jax_mb)
        for name, length in (("fast", "epochs=1"), ("jpc", "iterations=300"), ("best", "epochs=1"))
    }
    return {
        "train_mb": train_mb["fast"],
        **{f"train_mb, {name}": mb for name, mb in train_mb.items() if name != "fast"},
        "import_seconds": round(
            min(_process(base + clock.format("import bpc_minimal")) for _ in range(3)), 3
        ),
        "load_seconds": round(min(_process(load) for _ in range(3)), 3),
        "first_iteration_seconds": round(_process(base + first), 2),
    }


SECTIONS = {
    f.__name__: f
    for f in (
        speed,
        ladder,
        bounds,
        growth,
        processes,
        bidirectional,
        generating,
        hybrid,
        settling,
        passes,
        presets,
        milestones,
        accuracy,
        fast,
        completion,
        footprint,
        best,
        best_backprop,
        longer,
        stability,
    )
}


def stored(section: str) -> Path:
    """Give the file of a section's results: in the package, where a chapter prints them."""
    return (PRINTED if section in READ_BY_CHAPTERS else RESULTS) / f"{section}.json"


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
    """Train by backprop as `fast` trains; the second time, everything is compiled."""
    first, second = (backprop.fit(config, data) for _ in range(2))
    return second | {"compile_seconds": first["seconds"] - second["seconds"]}


def _curve(config: Config, data, every: int = 20) -> list[tuple[float, float]]:
    """Train until 98 % or the end: seconds so far, evaluations included, and accuracy, again and again."""
    per_pass = len(data.images) // config.batch_size
    total = config.iterations or per_pass * (config.epochs or 1)
    arrays = Data(*map(jnp.asarray, data))

    def start():
        state = make_state(config, total)
        return state, shuffled(state.key, 0, len(data.images))

    jax.block_until_ready(train_epoch(*start(), arrays, config, total, every))  # compile
    curve, seconds = [(0.0, 0.0)], 0.0
    state, order = start()
    for _ in range(total // every):
        begin = time.perf_counter()
        state, order, _, evaluation = train_epoch(state, order, arrays, config, total, every)
        jax.block_until_ready(evaluation)
        seconds += time.perf_counter() - begin
        curve.append((seconds, float(evaluation["accuracy"])))
        if curve[-1][1] >= 98:
            break
    return curve


def _backprop_curve(config: Config, data, every: int = 20) -> list[tuple[float, float]]:
    """As `_curve`, for the upward network alone."""
    state, learn, evaluate, arrays = backprop.start(config, data)
    length = every * config.batch_size
    jax.block_until_ready(evaluate(learn(state, arrays, jnp.arange(length)), arrays))  # compile
    curve, seconds = [(0.0, 0.0)], 0.0
    for i in range(config.epochs or 1):
        order = shuffled(jax.random.PRNGKey(config.seed), i, len(data.images))
        for chosen in range(0, len(order) - length, length):
            begin = time.perf_counter()
            state = learn(state, arrays, order[chosen : chosen + length])
            accuracy = float(evaluate(state, arrays)["accuracy"])
            seconds += time.perf_counter() - begin
            curve.append((seconds, accuracy))
            if accuracy >= 98:
                return curve
    return curve


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


def _with_spread(found: Any) -> Any:
    """Replace each list of numbers, one a seed, by its mean and its spread."""
    if isinstance(found, dict):
        if "each" in found:
            return found  # was stored
        return {name: _with_spread(value) for name, value in found.items()}
    return _spread(found) if isinstance(found, list) else found


def machine() -> dict[str, Any]:
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
        "commit": commit(),
    }


def commit() -> str:
    """Name the commit that is measured; "-dirty" if it differs in more than what measuring stores."""

    def git(*arguments: str) -> str:
        command = ["git", *arguments]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True).stdout.strip()

    stored = (f":(exclude){folder.relative_to(ROOT)}" for folder in (RESULTS, PRINTED))
    changed = git("status", "--porcelain", "--untracked-files=no", "--", ".", *stored)
    return git("rev-parse", "--short", "HEAD") + ("-dirty" if changed else "")


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
    for path in sorted([*RESULTS.glob("*.json"), *PRINTED.glob("*.json")], key=lambda p: p.stem):
        if path.stem not in SECTIONS:
            continue  # of tools/mutate.py, which prints its own table
        stored = json.loads(path.read_text())
        machine = ", ".join(f"{k} {v}" for k, v in stored["machine"].items())
        description = (SECTIONS[path.stem].__doc__ or "").splitlines()[0]
        rows = _rows(stored["results"], path.stem)
        aims = any(len(row) > 2 for row in rows)
        lines += [f"## {path.stem}\n", f"{description} On {machine}.\n"]
        lines += ["| what | measured | must | aim | |" if aims else "| what | measured |"]
        lines += ["|---" * (5 if aims else 2) + "|"]
        lines += [f"| {' | '.join(row + [''] * (3 * aims + 2 - len(row)))} |" for row in rows] + [
            ""
        ]
    (RESULTS.parent / "README.md").write_text("\n".join(lines))


def draw_growth() -> None:
    """Draw the stored growth of the time of an iteration, for chapter 10."""
    stored = json.loads((RESULTS / "growth.json").read_text())["results"]
    panels, names = {}, []
    for kind, name in (
        ("width", "hidden units a layer"), ("depth", "weight layers each way"),
        ("batch", "images in a batch"), ("steps", "steps of inference"),
    ):  # fmt: skip
        points = {int(value): ratio for value, ratio in stored[kind].items() if value != "exponent"}
        title = f"{kind}: exponent {stored[kind]['exponent']}"
        panels[title] = {"": (list(points), list(points.values()))}
        names.append(name)
    figure = figures.curves(panels, names, ["ratio of times", "", "", ""], log="xy")
    FIGURE.write_text(as_svg(figure, "10.5") + "\n", "utf-8")


def _rows(found: dict[str, Any], section: str, prefix: str = "") -> list[list[str]]:
    """Give the cells of each row: what, measured, and where there are goals, those and whether reached."""
    rows = []
    for name, value in found.items():
        if name in ("settings", "measured"):
            continue  # a page of JSON, and what was measured at which commit
        if isinstance(value, dict) and "mean" in value:
            each, number = ", ".join(f"{v:.4g}" for v in value["each"]), value["mean"]
            rows.append([prefix + name, f"{number:.4g} ± {value['sd']:.2g} ({each})"])
        elif isinstance(value, dict) and _is_curve(value):
            points = (
                f"{key}: {each['mean']:.4g} ± {each['sd']:.2g}" for key, each in value.items()
            )
            rows.append([prefix + name, "; ".join(points)])
            continue
        elif isinstance(value, dict):
            rows += _rows(value, section, f"{prefix}{name}, ")
            continue
        elif isinstance(value, list):
            continue
        else:
            number = value
            rows.append([prefix + name, str(value)])
        if f"{section}, {prefix}{name}" in GOALS:
            must, aim = GOALS[f"{section}, {prefix}{name}"]
            reached = "aim reached" if aim and aim[0] <= number <= aim[1] else "reached"
            reached = reached if must[0] <= number <= must[1] else "**missed**"
            rows[-1] += [_words(must), _words(aim), reached]
    return rows


def _is_curve(value: dict[str, Any]) -> bool:
    """Whether these are numbers with their spread, one for each number: they fit one row."""
    return all(
        key.isdigit() and isinstance(each, dict) and "mean" in each for key, each in value.items()
    )


def _words(bounds: tuple[float, float] | None) -> str:
    if bounds is None:
        return ""
    low, high = bounds
    if high == ANY:
        return f"{low:g} or more"
    return f"{low:g} to {high:g}" if low else f"{high:g} or less"


SLACK = 1.5  # a shared machine is noisy, and another one has other ratios


def guard() -> int:
    """Compare a few rounds of `speed` with what is stored: ratios within one run, never seconds."""
    import speed as ways

    before = json.loads(stored("speed").read_text())["results"]
    found = ways.measure(rounds=3, iterations=150, names=("scan", "calls", "floor"))
    lost = 0
    for name, sign in (("scan_over_floor", 1), ("calls_over_scan", -1)):
        kept = (
            found[name] < SLACK * before[name] if sign > 0 else found[name] > before[name] / SLACK
        )
        lost += not kept
        verdict = (
            "kept"
            if kept
            else "lost: is the machine busy? run it again before you look for a cause"
        )
        print(f"{name}: {found[name]:.2f} now, {before[name]:.2f} stored, {verdict}")
    return lost


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("sections", nargs="*", choices=[*SECTIONS, []], help="default: all")
    parser.add_argument(
        "--list", action="store_true", help="say what there is, and measure nothing"
    )
    parser.add_argument(
        "--guard", action="store_true", help="does the compiled loop keep its lead?"
    )
    arguments = parser.parse_args()
    if arguments.list:
        for name, section in SECTIONS.items():
            print(f"{name:10} {(section.__doc__ or '').splitlines()[0]}")
        return 0
    if arguments.guard:
        return guard()
    RESULTS.mkdir(exist_ok=True)
    for name in arguments.sections or SECTIONS:
        found = SECTIONS[name]()
        _show(name, found)
        content = json.dumps({"machine": machine(), "results": found}, indent=1)
        stored(name).write_text(content + "\n")
    write_table()
    draw_growth()
    return 0


if __name__ == "__main__":
    sys.exit(main())
