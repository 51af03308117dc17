"""Time of an iteration in two processes of one thread each, of that in one process of one thread.

Both train a network of 10-1024-1024-784 on batches of 4,096, from the start of the processes on, which is not
timed. They are begun in turn, round after round, and each round gives a ratio; a busy machine spoils them.
"""

import os
import socket
import statistics
import subprocess
import sys
import time
from pathlib import Path

import jax

WIDTH, BATCH = 1024, 4096
ROOT = Path(__file__).resolve().parents[1]


def measure(rounds: int = 5, iterations: int = 6) -> dict[str, float]:
    """Give milliseconds an iteration (medians) of one process and of two, and the median of the ratios."""
    times: dict[int, list[float]] = {1: [], 2: []}
    for _ in range(rounds):
        for count, found in times.items():
            found.append(_run(count, iterations))
    ratios = [two / one for one, two in zip(*times.values(), strict=True)]
    return {
        "one_ms": statistics.median(times[1]),
        "two_ms": statistics.median(times[2]),
        "two_over_one": statistics.median(ratios),
        "least": min(ratios),
        "most": max(ratios),
    }


def _run(count: int, iterations: int) -> float:
    """Start processes of one thread; give the milliseconds an iteration of the slowest."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{one.getsockname()[1]}"
    environment = os.environ | {
        "XLA_FLAGS": f"{os.environ.get('XLA_FLAGS', '')} --xla_cpu_multi_thread_eigen=false",
        "PYTHONPATH": str(ROOT), "JAX_PLATFORMS": "cpu",
    }  # fmt: skip
    processes = [
        subprocess.Popen(
            [sys.executable, __file__, address, str(count), str(i), str(iterations)],
            env=environment, stdout=subprocess.PIPE, text=True,
        )
        for i in range(count)
    ]  # fmt: skip
    try:
        outputs = [process.communicate(timeout=1200)[0] for process in processes]
    finally:
        for process in processes:
            process.kill()
    return max(float(output.split()[-1]) for output in outputs)


def _iterate(address: str, count: int, index: int, iterations: int) -> float:
    """Be one of the processes: time the package's own loop, the fastest of three stretches."""
    # One thread: XLA makes as many as there are cores for it.
    cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    if len(cores) >= 2:
        os.sched_setaffinity(0, {cores[index]})
    if count > 1:
        jax.distributed.initialize(address, count, index)
    from bpc_minimal import Data, mnist, preset
    from bpc_minimal.devices import on_every_device, place
    from bpc_minimal.learning import make_state
    from bpc_minimal.training import learn, shuffled

    config = preset("fast", sizes=(10, WIDTH, WIDTH, 784), batch_size=BATCH, iterations=1000)
    data = mnist("validation")
    state = make_state(config, 1000)
    state, order = on_every_device((state, shuffled(state.key, 0, len(data.images))))
    data = Data(*map(place, data))
    found = []
    for _ in range(4):  # the first compiles
        start = time.perf_counter()
        state, order, losses = learn(state, order, data, config, 1000, iterations, iterations)
        jax.block_until_ready((state, losses))
        found.append(1e3 * (time.perf_counter() - start) / iterations)
    return min(found[1:])


if __name__ == "__main__":
    if len(sys.argv) > 1:
        address, *numbers = sys.argv[1:]
        print(_iterate(address, *map(int, numbers)))
    else:
        for name, value in measure().items():
            print(f"{name:20} {value:.3f}")
