"""Backprop in JAX: the classifier alone, as `fast` trains, in one compiled loop (benchmarks/backprop.py)."""
# /// script
# requires-python = ">=3.11"
# dependencies = []
# [tool.arena]
# title = "backprop, a classifier"
# own = true
# batch = 128
# sizes = "784-300-300-10"
# method = "backprop"
# how = "`benchmarks/backprop.py`: the sizes, batches, epochs and decay of `fast`, one compiled loop in JAX"
# source = "benchmarks/backprop.py"
# ///

import sys
from pathlib import Path

import jax
from protocol import report

from bpc_minimal import mnist, preset
from bpc_minimal.training import shuffled


def run(decoder: bool = False) -> None:
    """Train as `backprop.fit` does, and say after each epoch what is reached."""
    sys.path.insert(0, str(Path(__file__).parents[1]))
    import backprop

    data, config = mnist(), preset("fast")
    state, learn, evaluate, arrays = backprop.start(config, data, decoder)
    for epoch in range(config.epochs or 1):
        order = shuffled(jax.random.PRNGKey(config.seed), epoch, len(data.images))
        state = learn(state, arrays, order)
        found = {name: float(value) for name, value in evaluate(state, arrays).items()}
        report((epoch + 1) * (len(order) // config.batch_size), **found)


if __name__ == "__main__":
    run()
