"""Whether updates derived by hand, each local, are the gradients of the energy: a part of what is claimed.

The formulas are those of chapter 4, Equations 4 and 5, written out for tanh; the gradients are JAX's.
"""

from typing import Any

import experiments
import jax
import jax.numpy as jnp
import numpy as np

import bpc_minimal as bpc

SIZES = (10, 20, 30, 40)


def parts():
    return {"activities": lambda: compare()[0], "weights": lambda: compare()[1]}


def compare() -> tuple[list[float], list[float]]:
    """Give the largest differences of activities' and of weights' gradients, one a seed."""
    found = [differences(seed) for seed in experiments.seeds(10)]
    return [activities for activities, _ in found], [weights for _, weights in found]


def differences(seed: int) -> tuple[float, float]:
    rng = np.random.default_rng(seed)
    network = bpc.make_network(jax.random.PRNGKey(seed), SIZES, "tanh", use_bias=False)
    z = [jnp.asarray(rng.normal(size=(8, n)), jnp.float32) for n in SIZES]
    gen, disc = (tuple(float(x) for x in np.exp(rng.normal(size=3))) for _ in range(2))
    moves, teaches = by_hand(network, z, gen, disc)
    energy = lambda network, z: bpc.energy(network, z, gen, disc).mean()  # noqa: E731
    of_weights, of_z = jax.grad(energy, argnums=(0, 1))(network, z)
    theirs = [m.weight for m in (*of_weights.generator, *of_weights.amortiser)]
    return farthest(moves, [8 * g for g in of_z]), farthest(teaches, theirs)


def by_hand(network, z, gen, disc) -> tuple[list[Any], list[Any]]:
    """Write the updates of all activities and of all weights, from errors and what is beside them."""
    L, V, W = len(z) - 1, network.generator, network.amortiser
    act = [z[0], *map(jnp.tanh, z[1:L]), z[L]]
    slope = [1.0, *(1 - jnp.tanh(x) ** 2 for x in z[1:L]), 1.0]
    e = [0.0 * z[0], *(gen[l] * (z[l + 1] - act[l] @ V[l].weight.T) for l in range(L))]
    d = [*(disc[l] * (z[l] - act[l + 1] @ W[l].weight.T) for l in range(L)), 0.0 * z[L]]
    moves = [
        e[l]
        + d[l]
        - slope[l]
        * (
            (e[l + 1] @ V[l].weight if l < L else 0.0)
            + (d[l - 1] @ W[l - 1].weight if l > 0 else 0.0)
        )
        for l in range(L + 1)
    ]
    examples = len(z[0])
    down = [-e[l + 1].T @ act[l] / examples for l in range(L)]
    up = [-d[l].T @ act[l + 1] / examples for l in range(L)]
    return moves, [*down, *up]


def farthest(ours: list[Any], theirs: list[Any]) -> float:
    """Give the largest difference, over the largest number of the same array."""
    return max(
        float(jnp.abs(a - b).max() / jnp.abs(b).max()) for a, b in zip(ours, theirs, strict=True)
    )
