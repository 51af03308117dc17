"""The presets, and backprop of the size of `fast`: how each reads and draws, and the time of its iterations.

Reading and drawing are measured on the test set, five seeds each, all settings as they stand; `best`, whose
run takes minutes, has a section of its own. Iterations are timed a few at a time, of all ways in turn, round
after round: the least of a way's times is one that nothing else disturbed.
"""

import itertools
import time
from collections.abc import Callable
from typing import Any

import backprop
import jax
import jax.numpy as jnp
import numpy as np

import bpc_minimal as bpc
from bpc_minimal.training import Data, learn, shuffled

SEEDS, REPEATS, ROUNDS, ITERATIONS = range(5), 3, 12, 20
BEST_SEEDS = range(3)  # as many as `best` itself has
# Of backprop beside `best`, whose own are 2e-3 and 0.5.
RATES, DECAYS = (1e-3, 2e-3, 4e-3), (0.1, 0.5)
FAST = bpc.preset("fast")
PRESETS = [bpc.preset(name) for name in bpc.PRESETS]
PRESETS += [bpc.preset("jpc-weighted", name="jpc-weighted, alpha_gen 1", alpha_gen=1.0)]
RIVALS = {"backprop, a classifier": False, "backprop, a classifier and a decoder": True}


def trained(config: bpc.Config, data: bpc.Data) -> dict[str, float]:
    """Train and measure; with the accuracy at each evaluation where the published run prints it."""
    evaluations = bpc.fit(config, data)[1].evaluations
    each = {f"after {e['iteration']}": e["accuracy"] for e in evaluations if config.iterations}
    return {name: evaluations[-1][name] for name in ("accuracy", "rmse")} | each


def iterations(config: bpc.Config, data: bpc.Data) -> int:
    """Count those of a whole run."""
    return config.total(config.training_images or len(data.images))


def loop(config: bpc.Config, data: Data) -> Callable[[], float]:
    """Give a function that times a few iterations of the package's loop, each time from the first on."""
    total, order = iterations(config, data), np.arange(len(data.images), dtype=np.int32)
    state = bpc.make_state(config, total)

    def run():
        given = jax.block_until_ready((jax.tree.map(jnp.copy, state), jnp.asarray(order)))
        began = time.perf_counter()
        jax.block_until_ready(learn(*given, data, config, total, ITERATIONS, ITERATIONS))
        return time.perf_counter() - began

    return run


def loop_of_backprop(decoder: bool, data: Data, config: bpc.Config = FAST) -> Callable[[], float]:
    """Give the same for backprop, of a preset's size."""
    state, step, _, arrays = backprop.start(config, data, decoder)
    order = shuffled(jax.random.PRNGKey(0), 0, len(data.images))[: ITERATIONS * config.batch_size]

    def run():
        began = time.perf_counter()
        jax.block_until_ready(step(state, arrays, order))
        return time.perf_counter() - began

    return run


def milliseconds(data: bpc.Data) -> dict[str, list[float]]:
    """Time an iteration of every way: the least of some rounds, several times."""
    device = Data(*(jnp.asarray(part) for part in data))
    ways = {config.name: loop(config, device) for config in PRESETS}
    ways |= {name: loop_of_backprop(decoder, device) for name, decoder in RIVALS.items()}
    return least(ways)


def least(ways: dict[str, Callable[[], float]]) -> dict[str, list[float]]:
    """Time some ways in turn, several times; give the milliseconds of an iteration."""
    for way in ways.values():
        way()  # compile
    found: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(REPEATS):
        rounds = [{name: way() for name, way in ways.items()} for _ in range(ROUNDS)]
        for name, times in found.items():
            times.append(1e3 / ITERATIONS * min(each[name] for each in rounds))
    return found


def measure() -> dict[str, Any]:
    """Measure all; a list holds one number a seed, or a repeat of the times."""
    data = bpc.mnist("test")
    times = milliseconds(data)
    found: dict[str, Any] = {}
    for config in PRESETS:
        runs = [trained(config.replace(seed=seed), data) for seed in SEEDS if config.name != "best"]
        found[config.name] = {what: [run[what] for run in runs] for what in (runs or [{}])[0]}
        found[config.name]["iterations"] = iterations(config, data)
        print("   ", config.name, found[config.name], times[config.name], flush=True)
    for name, decoder in RIVALS.items():
        fits = [backprop.fit(FAST.replace(seed=seed), data, decoder) for seed in SEEDS]
        found[name] = {what: [run[what] for run in fits] for what in fits[0] if what != "seconds"}
        found[name]["iterations"] = iterations(FAST, data)
        print("   ", name, found[name], times[name], flush=True)
    for name, each in times.items():
        seconds = [1e-3 * ms * found[name]["iterations"] for ms in each]
        of_fast = [a / b for a, b in zip(each, times["fast"], strict=True)]
        found[name] |= {"ms": each, "seconds of learning": seconds, "ms, of fast's": of_fast}
    return found


def rival_of_best() -> dict[str, Any]:
    """Train backprop of the width, batches and passes of `best`: a classifier, without biases.

    Its rate and its decay are chosen on validation images. A decoder is not trained: that of the size of
    `fast` draws as closely as the training images allow.
    """
    best, held_out, tried = bpc.preset("best"), bpc.mnist("validation"), {}
    for setting in itertools.product(RATES, DECAYS):
        config = best.replace(**dict(zip(("learning_rate", "weight_decay"), setting, strict=True)))
        tried[setting] = backprop.fit(config, held_out)["accuracy"], config
        print("   ", setting, tried[setting][0], flush=True)
    (rate, decay), (_, config) = max(tried.items(), key=lambda each: each[1][0])
    data = bpc.mnist("test")
    fits = [backprop.fit(config.replace(seed=seed), data) for seed in BEST_SEEDS]
    found: dict[str, Any] = {
        "validation accuracy": {f"rate {r:g}, decay {d:g}": tried[r, d][0] for r, d in tried},
        "rate": rate,
        "decay": decay,
        "accuracy": [run["accuracy"] for run in fits],
        "iterations": iterations(best, data),
    }
    device = Data(*(jnp.asarray(part) for part in data))
    ways = {"fast": loop(FAST, device), "best": loop(best, device)}
    times = least(ways | {"backprop": loop_of_backprop(False, device, best)})
    found["seconds of learning"] = [1e-3 * ms * found["iterations"] for ms in times["backprop"]]
    for name in ("fast", "best"):
        pairs = zip(times["backprop"], times[name], strict=True)
        found[f"ms, of {name}'s"] = [a / b for a, b in pairs]
    return found
