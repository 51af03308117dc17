"""What settling is for: `fast` with 0, 1, 2, 4 and 8 steps of inference before each step of learning.

With no step the activities are those of the sweep up. Seed by seed, all runs see the same batches from the
same weights; the layers move in turn, as in `fast`, or all at once. Measured on validation images.
"""

from typing import Any

import bpc_minimal as bpc

SEEDS, STEPS = range(5), (0, 1, 2, 4, 8)


def measure() -> dict[str, Any]:
    """Measure both ways to move; a list holds one number a seed."""
    data, found = bpc.mnist("validation"), {}
    for way, in_turn in (("in turn", True), ("all at once", False)):
        found[way] = {}
        for steps in STEPS:
            config = bpc.preset("fast", steps=steps, in_turn=in_turn)
            if steps == 0 and found.get("in turn", {}).get("0"):
                found[way]["0"] = found["in turn"]["0"]  # nothing moves: the same runs
                continue
            runs = [bpc.fit(config.replace(seed=seed), data)[1].evaluations[-1] for seed in SEEDS]
            found[way][str(steps)] = {
                "reads": [run["accuracy"] for run in runs],
                "draws": [run["rmse"] for run in runs],
            }
            print("   ", way, steps, found[way][str(steps)], flush=True)
    return {"settings": bpc.preset("fast").to_json()} | found
