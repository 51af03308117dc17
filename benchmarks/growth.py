"""How the time of an iteration grows: with width, depth, batch size and steps of inference.

All settings are measured in turn, round after round, each as a ratio to the base network beside it, at the
lesser of its times before and after. An exponent p says that the time grows as the setting to the power p;
it is fitted to the larger half of the settings, where fixed costs no longer count.
"""

import statistics
import time

import jax
import jax.numpy as jnp
import numpy as np

from bpc_minimal import Config, Data, mnist
from bpc_minimal.learning import make_state
from bpc_minimal.training import train_epoch

BASE = Config(name="base", iterations=1000)
SETTINGS = {
    "width": {n: BASE.replace(sizes=(10, n, n, 784)) for n in (256, 512, 1024, 2048, 4096)},
    "depth": {L: BASE.replace(sizes=(10, *(256,) * (L - 1), 784)) for L in (2, 4, 8, 16)},
    "batch": {B: BASE.replace(batch_size=B) for B in (16, 64, 256, 1024, 4096)},
    "steps": {T: BASE.replace(steps=T) for T in (1, 2, 4, 8, 16, 32)},
}


def measure(rounds: int = 5, seconds: float = 0.4) -> dict[str, dict]:
    """Give for each kind of setting the ratios to the base network, and the fitted exponent."""
    data = mnist("validation")
    base = timer(BASE, data, seconds)
    found: dict[str, dict] = {"base_ms": {}}
    base_times = []
    for kind, settings in SETTINGS.items():
        ratios = {}
        for value, config in settings.items():
            run, pairs = timer(config, data, seconds), []
            for _ in range(
                rounds
            ):  # the base network before and after: the lesser is less disturbed
                before, time_, after = base(), run(), base()
                base_times.append(min(before, after))
                pairs.append(time_ / base_times[-1])
            ratios[value] = statistics.median(pairs)
        half = list(ratios)[len(ratios) // 2 :]
        slope = np.polyfit(np.log(half), np.log([ratios[v] for v in half]), 1)[0]
        found[kind] = {str(value): round(ratio, 3) for value, ratio in ratios.items()}
        found[kind]["exponent"] = round(float(slope), 2)
        print("   ", kind, found[kind], flush=True)
    found["base_ms"] = {"median": round(statistics.median(base_times), 3)}
    return found


def timer(config: Config, data: Data, seconds: float):
    """Compile, and give a function that times an iteration of `config` (milliseconds)."""
    seen = [
        part[: config.batch_size] for part in data[2:]
    ]  # so that evaluations cost next to nothing
    arrays = Data(*map(jnp.asarray, (*data[:2], *seen)))
    length = 5

    def run(calls: int) -> float:
        state, order = make_state(config, 1000), jnp.arange(len(arrays.images))
        jax.block_until_ready(state)
        start = time.perf_counter()
        for _ in range(calls):
            state, order, *record = train_epoch(state, order, arrays, config, 1000, length)
        jax.block_until_ready((state, record))
        return 1e3 * (time.perf_counter() - start) / (calls * length)

    run(1)  # compile
    calls = max(2, round(1e3 * seconds / (length * run(1))))
    return lambda: run(calls)


if __name__ == "__main__":
    measure()
