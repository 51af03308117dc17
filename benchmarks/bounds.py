"""The bounds of spectral norms that a run keeps: whether they are bounds, how close, and what they cost.

    python benchmarks/run.py bounds

Each preset that steps by the curvature is trained to its end, and after each iteration every bound is held
against its matrix: bound^2 I - W W' has a Cholesky factor exactly where the bound is one. The cost is a
whole run with the norms followed over one with the norms left as they are, in turn; and the same of the first
pass, in which weights grow fastest.
"""

import time

import jax
import jax.numpy as jnp
import numpy as np

from bpc_minimal import learning, mnist, preset
from bpc_minimal.curvature import spectral_norms, weights
from bpc_minimal.learning import make_state, train_step
from bpc_minimal.training import Data, learn, shuffled

ROUNDS = 7
CHECKED = (
    preset("fast"),
    preset("best"),
    preset("best", sizes=(10, 2048, 2048, 784), iterations=40),
)


def measure(rounds: int = ROUNDS) -> dict[str, dict[str, float]]:
    """Check each run, and time a pass of each preset; give shares of iterations and of time."""
    data = mnist("validation")
    data = Data(*(jnp.asarray(part if part.ndim > 1 else part.astype(np.int32)) for part in data))
    found = {}
    for config in CHECKED:
        name = config.name if config.sizes[1] < 2048 else "10-2048-2048-784"
        found[name] = _check(config, data)
        if name in ("fast", "best"):
            per_pass = len(data.images) // config.batch_size
            some = rounds if name == "fast" else min(rounds, 3)  # a run of `best` takes minutes
            found[name] |= {
                "share_of_time": _cost(config, data, config.total(len(data.images)), some),
                "share_of_time_in_the_first_pass": _cost(config, data, per_pass, rounds),
            }
    return found


def _check(config, data) -> dict[str, float]:
    total, size = config.total(len(data.images)), config.batch_size
    per_pass = len(data.images) // size

    def holds(W, bound):
        W = W if W.shape[0] < W.shape[1] else W.T
        gap = (bound * (1 + 1e-5)) ** 2 * jnp.eye(len(W)) - W @ W.T
        return jnp.isfinite(jnp.linalg.cholesky(gap)).all()

    def iterate(carry, _):
        state, order = carry
        chosen = jax.lax.dynamic_slice(order, (state.iteration % per_pass * size,), (size,))
        before = state.norms.measured
        state, losses = train_step(state, data.images[chosen], data.labels[chosen], config, total)
        epoch = state.iteration // per_pass
        order = jax.lax.cond(
            state.iteration % per_pass == 0,
            lambda: shuffled(state.key, epoch, len(data.images)),
            lambda: order,
        )
        pairs = zip(*map(jax.tree.leaves, (weights(state.network), state.norms.now)), strict=True)
        good = jnp.stack([holds(W, bound) for W, bound in pairs]).all()
        same = jax.tree.map(jnp.equal, before, state.norms.measured)
        anew = 1 - jnp.mean(jnp.stack(jax.tree.leaves(same)))
        lower = losses["energy"] <= losses["energy_before"] * (1 + 1e-5)
        return (state, order), (good, anew, lower)

    state = make_state(config, total)
    order = shuffled(state.key, 0, len(data.images))
    run = jax.jit(lambda carry: jax.lax.scan(iterate, carry, None, length=total))
    (state, _), (good, anew, lower) = jax.block_until_ready(run((state, order)))
    ratios = jax.tree.map(jnp.divide, state.norms.now, spectral_norms(state.network))
    ratios = ratios.generator[1:] + ratios.amortiser[:-1]  # those that a step is made of
    return {
        "iterations": total,
        "bounds_held": float(jnp.mean(good)),
        "energy_fell": float(jnp.mean(lower)),
        "measured_anew": round(float(jnp.mean(anew)), 4),
        "largest_ratio_at_the_end": round(float(max(ratios)), 3),
    }


def _cost(config, data, length: int, rounds: int) -> float:
    total = config.total(len(data.images))

    def timed(name, follow):
        here, learning.follow_norms = learning.follow_norms, follow
        try:
            given = config.replace(name=name)  # a program of its own
            state = make_state(given, total)
            order = shuffled(state.key, 0, len(data.images))

            def run():
                start = [jax.tree.map(jnp.copy, part) for part in (state, order)]
                begun = time.perf_counter()
                jax.block_until_ready(learn(*start, data, given, total, length, length))
                return time.perf_counter() - begun

            run()
            return run
        finally:
            learning.follow_norms = here

    followed = timed("followed", learning.follow_norms)
    left = timed("left", lambda norms, *_: norms)
    shares = []
    for _ in range(rounds):
        shares.append(1 - left() / followed())
    return round(float(np.median(shares)), 3)
