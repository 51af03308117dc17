"""How long a step of inference may be: the curvature of the energy, bounded from above.

A step of 1 / curvature is the longest that cannot raise the energy. Along a layer's activities the curvature
is made of precisions and of the squared norms of the weights around the layer; norms grow while weights
learn, so that a training run keeps a bound of them up to date. Chapter 5 shows what a fixed step does.
"""

import math
from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from bpc_minimal.network import ACTIVATIONS, Network

StepRule = Literal["curvature", "fixed"]
Steps = Sequence[Float[Array, ""] | float]

SQUARINGS = 5  # a bound is then less than a percent above the norm
IN_TRAINING = 1  # cheaper, and the steps a little shorter
SLACK = 1.4  # times what was measured: a bound that has grown beyond it is measured anew


class PerMap(NamedTuple):
    """A value for each linear map, such as its spectral norm."""

    generator: tuple[Any, ...]
    amortiser: tuple[Any, ...]


def curvatures(
    network: Network, gen: Sequence[float], disc: Sequence[float], norms: PerMap
) -> list[Float[Array, ""] | float]:
    """Bound the curvature of the energy along each layer's activities.

        bound_l = alpha_gen_l + alpha_disc_l
                  + s^2 (alpha_gen_{l+1} |V_l|^2 + alpha_disc_{l-1} |W_{l-1}|^2)

    with `|V|` a spectral norm and s the steepest slope of the activation (1 at the two ends). Layers
    settle together and pull on their neighbours, which at most doubles the curvature that one
    meets: steps of 1 / bound_l cannot raise the energy, whatever the activities. That is exact for
    activations of straight pieces, such as relu, while the active units stay the same. It
    is the Gauss-Newton part of the second derivative: of curved ones, such as tanh, the term with
    act'' times the errors is left out.
    """
    L, steepness = network.depth, ACTIVATIONS[network.activation].steepness
    bounds: list[Float[Array, ""] | float] = []
    for l in range(L + 1):
        s = 1.0 if l in (0, L) else steepness
        own = (gen[l - 1] if l > 0 else 0.0) + (disc[l] if l < L else 0.0)
        above = gen[l] * norms.generator[l] ** 2 if l < L else 0.0
        below = disc[l - 1] * norms.amortiser[l - 1] ** 2 if l > 0 else 0.0
        bounds.append(own + s**2 * (above + below))
    return bounds


def layer_steps(
    network: Network,
    gen: Sequence[float],
    disc: Sequence[float],
    step_size: float,
    norms: PerMap | None,
) -> Steps:
    """Give each layer its step: `step_size` / the bound of its curvature, or without norms itself.

    Where nothing pulls on a layer that its numbers could hold, the bound is 0, and no step moves it. Where a
    step is too small for its numbers it is infinite or NaN, and not 0, which would move nothing.
    """
    if norms is None:
        return [step_size] * (network.depth + 1)
    bounds = curvatures(network, gen, disc, norms)
    steps = [step_size / jnp.where(c == 0, 1.0, c) for c in bounds]
    # Divided by True, a step stays as it is; by False, it is infinite, and whoever looks says so.
    return [step / (step >= jnp.finfo(step.dtype).tiny) for step in steps]


def relative_step(
    network: Network, gen: Sequence[float], disc: Sequence[float], steps: Steps
) -> Float[Array, ""]:
    """Compare steps with the longest that cannot raise the energy; the largest ratio of a hidden layer.

    Up to 1 inference cannot raise the energy, above 1 it may: a bound of the curvature says no more.
    Without hidden layers the ratio is that of the two ends.
    """
    ratios = relative_steps(network, gen, disc, steps)
    return jnp.max(ratios[1:-1] if len(ratios) > 2 else ratios)


def relative_steps(
    network: Network, gen: Sequence[float], disc: Sequence[float], steps: Steps
) -> Float[Array, " layers"]:
    """Compare each layer's step with the longest that cannot raise the energy."""
    bounds = curvatures(network, gen, disc, spectral_norms(network))
    return jnp.stack([jnp.asarray(step * bound) for step, bound in zip(steps, bounds, strict=True)])


def spectral_norms(network: Network, squarings: int = SQUARINGS) -> PerMap:
    """Bound the spectral norm `|W|` of every linear map from above, by `spectral_norm`.

    Args:
        network: whose linear maps are measured.
        squarings: the more, the closer.
    """
    return jax.tree.map(lambda W: spectral_norm(W, squarings), weights(network))


def spectral_norm(
    W: Float[Array, "outputs inputs"], squarings: int = SQUARINGS
) -> Float[Array, ""]:
    """Bound the spectral norm |W| from above, by squaring a matrix of products.

    The largest eigenvalue of G = W W' is |W|^2, and no eigenvalue exceeds the root of the sum of all squares
    of a matrix, |G|_F. Squaring k times makes that close:

        |W|^2  <=  |G^(2^k)|_F^(1 / 2^k)  <=  |W|^2 n^(1 / 2^(k + 1)),    n the smaller side of W

    What rounding may take away is added. For fresh maps of 300 by 300 and 300 by 784 the bound is half a
    percent above the norm with k = 5 and half as large again with k = 1; for trained ones, in which few
    directions count, it is exact and 0 to 30 percent above.
    """
    W = W.astype(jnp.promote_types(W.dtype, jnp.float32))
    W = W.T if W.shape[0] > W.shape[1] else W
    tiny = jnp.finfo(W.dtype).tiny
    scale = jnp.sqrt(jnp.maximum(jnp.abs(W).max(), tiny))
    W = (
        W * (1 / scale) * (1 / scale)
    )  # or squares of large weights would overflow, of small ones vanish
    G, log = jnp.matmul(W, W.T, precision="highest"), 0.0
    for k in range(squarings):
        length = _length(G)
        G, log = G / length, log + jnp.log(length) / 2**k
        G = jnp.matmul(G, G, precision="highest")
    log += jnp.log(_length(G)) / 2**squarings
    return scale * (scale * jnp.exp(log / 2) * (1 + 1e-4))


class Norms(NamedTuple):
    """Bounds of the spectral norms of weights that learn: now, and when each was last measured."""

    now: PerMap
    measured: PerMap


def first_norms(network: Network) -> Norms:
    """Measure the norms of a network that is about to learn."""
    measured = spectral_norms(network)
    return Norms(measured, measured)


def follow_norms(norms: Norms, before: Network, after: Network, clamped: Sequence[object]) -> Norms:
    """Keep bounds of the norms after an iteration of learning.

    A norm grows by no more than the length of what was added to the weights,

        |W + U|  <=  |W| + |U|  <=  |W| + root of the sum of all squares of U

    and a bound that grows beyond 1.4 times what was measured is measured anew; not if the step of a
    clamped layer alone is made of it. U is what the weights differ by: what rounding took is in it.

    Args:
        norms: of the weights before the iteration.
        before: the network then.
        after: and now.
        clamped: for each layer True where all of it stays in inference, as in `infer`.
    """
    parts = (*norms, weights(before), weights(after), in_steps(clamped))
    followed = []
    for now, measured, was, W, needed in zip(*map(jax.tree.leaves, parts), strict=True):
        rounding = 1 + jnp.finfo(W.dtype).eps * math.sqrt(min(W.shape))  # of length and sum
        grown = rounding * (now + _length(W - was))
        if needed:
            far = grown > SLACK * measured
            grown = jax.lax.cond(
                far, lambda W, _: spectral_norm(W, IN_TRAINING), lambda _, grown: grown, W, grown
            )
            measured = jnp.where(far, grown, measured)
        followed.append((grown, measured))
    structure = jax.tree.structure(norms.now)
    return Norms(*(jax.tree.unflatten(structure, part) for part in zip(*followed, strict=True)))


def in_steps(clamped: Sequence[object]) -> PerMap:
    """Tell which norms the steps of layers that move are made of: of z_l those of V_l and W_{l-1}."""
    moves = tuple(stays is not True for stays in clamped)
    return PerMap(moves[:-1], moves[1:])


def weights(network: Network) -> PerMap:
    """Give the weight matrix of every linear map."""
    return PerMap(
        *(tuple(m.weight for m in maps) for maps in (network.generator, network.amortiser))
    )


def _length(x: Float[Array, "..."]) -> Float[Array, ""]:
    """Take the root of the sum of all squares; as a product with itself, it takes a tenth of the time.

    What vanishes when it is squared is added: no number of x has more than the root of the smallest one.
    """
    x = x.astype(jnp.promote_types(x.dtype, jnp.float32))
    return jnp.sqrt(jnp.vdot(x, x, precision="highest") + x.size * jnp.finfo(x.dtype).tiny)
