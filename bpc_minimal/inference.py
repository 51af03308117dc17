"""Inference: the activities that are not clamped descend the energy.

One function, `infer`, serves training, classification, generation and completion: they differ in
what is clamped. A `Rule` tells four models of predictive coding apart. Chapters 1 to 4 build it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from bpc_minimal.data import describe
from bpc_minimal.energy import (
    Precision,
    activity_gradient,
    by_layer,
    check_activities,
    energy,
)
from bpc_minimal.network import (
    ACTIVATIONS,
    Activities,
    Network,
    is_nonnegative,
    sweep_down,
    sweep_up,
)

Clamp = bool | Bool[Array, "*batch n_l"]
StepRule = Literal["curvature", "fixed"]


@dataclass(frozen=True)
class Rule:
    """What makes a model of predictive coding: which errors act, and where inference starts.

    Attributes:
        moves: weights of the generative and the discriminative errors in inference.
        teaches: their weights in learning.
        start: "image", a sweep up from it, or "label", a sweep down; where the one named is
            missing, a sweep from the other.
        amortiser_inputs: what the amortiser learns from: "settled" activities, or the values of
            its own sweep, "swept".
    """

    moves: tuple[float, float] = (1.0, 1.0)
    teaches: tuple[float, float] = (1.0, 1.0)
    start: Literal["image", "label"] = "image"
    amortiser_inputs: Literal["settled", "swept"] = "settled"

    def __post_init__(self):
        """Raise ValueError where a field is none of its choices."""
        for name in ("moves", "teaches"):
            pair = getattr(self, name)
            listed = isinstance(pair, (tuple, list)) and len(pair) == 2
            if not listed or not all(isinstance(w, (int, float)) and 0 <= w < np.inf for w in pair):
                raise ValueError(
                    f"Rule {name}={pair!r} given, two weights of 0 or more expected: "
                    "of the generative and of the discriminative errors"
                )
            object.__setattr__(self, name, tuple(pair))
        for name, choices in (
            ("start", ("image", "label")),
            ("amortiser_inputs", ("settled", "swept")),
        ):
            if getattr(self, name) not in choices:
                raise ValueError(
                    f"Rule {name}={getattr(self, name)!r} given; choose one of {choices}"
                )


GENERATIVE = Rule(moves=(1, 0), teaches=(1, 0), start="label")
DISCRIMINATIVE = Rule(moves=(0, 1), teaches=(0, 1), start="image")
HYBRID = Rule(moves=(1, 0), teaches=(1, 1), start="image", amortiser_inputs="swept")
BIDIRECTIONAL = Rule(moves=(1, 1), teaches=(1, 1), start="image")
RULES = {
    "generative": GENERATIVE,
    "discriminative": DISCRIMINATIVE,
    "hybrid": HYBRID,
    "bidirectional": BIDIRECTIONAL,
}


class PerMap(NamedTuple):
    """An array for each linear map, such as its squared spectral norm."""

    generator: tuple[Float[Array, "..."], ...]
    amortiser: tuple[Float[Array, "..."], ...]


class Settled(NamedTuple):
    """What `infer` returns when asked to record: every state that it passed through.

    Attributes:
        activities: z_0..z_L at the end.
        energies: (steps + 1, batch), the first before any step.
        trajectory: z_0..z_L, each (steps + 1, batch, n_l).
    """

    activities: Activities
    energies: Float[Array, "times batch"]
    trajectory: list[Float[Array, "times batch _"]]


def infer(
    network: Network,
    activities: Activities,
    clamped: Sequence[Clamp],
    rule: Rule = BIDIRECTIONAL,
    steps: int = 8,
    step_size: float = 0.5,
    *,
    alpha_gen: Precision = 1.0,
    alpha_disc: Precision = 1.0,
    step_rule: StepRule = "curvature",
    in_turn: bool = False,
    record: bool = False,
) -> Any:
    """Let the free activities descend the energy: z_l <- z_l - step_l dE/dz_l.

    Args:
        network: the network that predicts.
        activities: z_0..z_L, where inference starts.
        clamped: for each layer True (it stays), False (it moves), or a boolean array that
            broadcasts to (batch, n_l), True where a unit stays: pixel by pixel.
        rule: which errors move the activities.
        steps: how many, 0 or more.
        step_size: with step_rule "curvature", a rate: each layer's step is rate / the bound of its
            curvature (`curvatures`), and up to a rate of 1 a step cannot raise the energy while
            the active units stay the same. With "fixed", the step itself, for every layer.
        alpha_gen: precision of the generative errors, as in `energy`.
        alpha_disc: precision of the discriminative errors.
        step_rule: "curvature" or "fixed".
        in_turn: whether the layers move one after the other, from the label to the image, each seeing
            where the last one went; or, as in the papers, all at once.
        record: whether to return every state, not only the last.

    Returns:
        activities, or with `record` a `Settled`. An example's result does not depend on its batch.

    Raises:
        ValueError: an argument does not fit; the message says which, and what would.
        FloatingPointError: the activities grew without bound, and the message names the step; or the
            network's weights are not finite.
    """
    check_rule(rule)
    check_activities(network, activities)
    clamped = _check_clamps(clamped, activities)
    check_steps(steps, step_size, step_rule)
    if not isinstance(in_turn, bool):
        raise ValueError(f"in_turn={in_turn!r} given, True or False expected")
    gen, disc = weighed(network, rule.moves, alpha_gen, alpha_disc)
    if steps == 0 and not record:
        return list(activities)

    run = partial(
        _infer_compiled, network, list(activities), clamped, gen, disc, steps, step_size, step_rule, in_turn
    )  # fmt: skip
    last, path = run(("energies", "trajectory") if record else ())
    if not all(isinstance(z, jax.core.Tracer) or np.isfinite(z).all() for z in last):
        energies = run(("energies",))[1]["energies"]
        _explain_divergence(network, energies, step_size, step_rule)
    return Settled(last, **path) if record else last


@eqx.filter_jit
def _infer_compiled(
    network, activities, clamped, gen, disc, steps, step_size, step_rule, in_turn, recorded
):
    step_sizes = layer_steps(network, gen, disc, step_size, step_rule, spectral_norms(network))

    def look(z):  # what is not recorded, jit leaves out
        found = {"energies": energy(network, z, gen, disc), "trajectory": z}
        return {name: found[name] for name in recorded}

    def body(z, _):
        z = descend(network, z, clamped, gen, disc, step_sizes, in_turn)
        return z, look(z)

    last, path = jax.lax.scan(body, activities, None, length=steps)
    return last, jax.tree.map(
        lambda first, later: jnp.concatenate([first[None], later]), look(activities), path
    )


def _explain_divergence(network, energies, step_size, step_rule):
    if not all(np.isfinite(weight).all() for weight in jax.tree.leaves(network)):
        raise FloatingPointError(
            "the network's weights hold NaN or infinity, so nothing can settle: take a checkpoint "
            "from before its training diverged"
        )
    first = int(jnp.argmin(jnp.isfinite(energies).all(axis=1)))
    advice = "" if step_rule == "curvature" else "step_rule='curvature' with "
    raise FloatingPointError(
        f"inference diverged at step {first} of {len(energies) - 1}: the energy is no longer finite. "
        f"A step of {step_size:g} ({step_rule}) is too long for the curvature of the energy: use "
        f"{advice}a step_size of at most 1"
    )


def descend(
    network: Network,
    activities: Activities,
    clamped: Sequence[Clamp],
    gen: Sequence[float],
    disc: Sequence[float],
    step_sizes: Sequence[Float[Array, ""] | float],
    in_turn: bool = False,
) -> Activities:
    """Take one step of inference, of the given size at each layer; clamped values stay.

    In turn, one step carries what the label says to every layer, where all at once takes a step a
    layer: with a layer's step at 1 / `curvatures`, none can raise the energy while the active units
    stay the same.
    """
    if not in_turn:
        gradient = activity_gradient(network, activities, gen, disc)
        return descend_by(activities, gradient, clamped, step_sizes)
    for l, stays in enumerate(clamped):
        others_stay: list[Clamp] = [True] * len(clamped)
        others_stay[l] = stays
        if stays is not True:
            gradient = activity_gradient(network, activities, gen, disc)
            activities = descend_by(activities, gradient, others_stay, step_sizes)
    return activities


def descend_by(
    activities: Activities,
    gradient: Activities,
    clamped: Sequence[Clamp],
    step_sizes: Sequence[Float[Array, ""] | float],
) -> Activities:
    """Move the free activities against a gradient; clamped values stay."""
    moved = []
    for z, dz, size, stays in zip(activities, gradient, step_sizes, clamped, strict=True):
        if stays is True:
            moved.append(z)
        elif stays is False:
            moved.append(z - (size * dz).astype(z.dtype))
        else:
            moved.append(jnp.where(stays, z, z - (size * dz).astype(z.dtype)))
    return moved


def curvatures(
    network: Network, gen: Sequence[float], disc: Sequence[float], norms: PerMap
) -> list[Float[Array, ""] | float]:
    """Bound the curvature of the energy along each layer's activities.

    bound_l = alpha_gen_l + alpha_disc_l + s^2 (alpha_gen_{l+1} |V_l|^2 + alpha_disc_{l-1} |W_{l-1}|^2)

    with |V| a spectral norm and s the steepest slope of the activation (1 at the two ends). Layers
    settle together and pull on their neighbours, which at most doubles the curvature that one
    meets: steps of 1 / bound_l are the longest that cannot raise the energy, whatever the activities.
    That is exact for activations of straight pieces, such as relu, while the active units stay the same. It
    is the Gauss-Newton part of the second derivative: of curved ones, such as tanh, the term with
    act'' times the errors is left out.

    Measured: with steps of 0.02 to 0.5 over the bound, alpha_gen 1 to 1e-5 and 2 to 6 weight layers, none
    of 90 runs of five epochs ended more than 1.8 points below its own best. Deep networks with precise
    generative errors do not collapse but learn little: 6 weight layers with an alpha_gen of 0.01 or more
    ended at 45 to 74 %, with 1e-5 at 89 to 97 % (benchmarks/results/stability.json). Chapter 5 shows a
    fixed step fail.
    """
    L, steepness = network.depth, ACTIVATIONS[network.activation].steepness
    bounds = []
    for l in range(L + 1):
        s = 1.0 if l in (0, L) else steepness
        own = (gen[l - 1] if l > 0 else 0.0) + (disc[l] if l < L else 0.0)
        above = gen[l] * norms.generator[l] if l < L else 0.0
        below = disc[l - 1] * norms.amortiser[l - 1] if l > 0 else 0.0
        bounds.append(own + s**2 * (above + below))
    return bounds


def layer_steps(
    network: Network,
    gen: Sequence[float],
    disc: Sequence[float],
    step_size: float,
    step_rule: StepRule,
    norms: PerMap | None,
) -> list[Float[Array, ""] | float]:
    """Give each layer its step: `step_size` itself, or divided by the bound of its curvature."""
    if step_rule == "fixed":
        return [step_size] * (network.depth + 1)
    assert norms is not None
    bounds = curvatures(network, gen, disc, norms)
    return [step_size / jnp.maximum(bound, 1e-12) for bound in bounds]


def power_iteration(network: Network, vectors: PerMap) -> tuple[PerMap, PerMap]:
    """Sharpen the estimate of every spectral norm by one product with W and one with W'.

    Args:
        network: the network whose linear maps are measured.
        vectors: for each map a vector (inputs,) of length 1, from the last call.

    Returns:
        norms: the squared spectral norms, from below; exact once the vectors have converged.
        vectors: closer to the direction that each map stretches most.
    """

    def once(layer, v):
        stretched = layer.weight.T @ (layer.weight @ v)
        norm = jnp.linalg.norm(stretched)
        return norm, stretched / jnp.maximum(norm, 1e-30)

    def each(layers, direction):
        return tuple(zip(*map(once, layers, direction), strict=True))

    norms, new = zip(
        each(network.generator, vectors.generator),
        each(network.amortiser, vectors.amortiser),
        strict=True,
    )
    return PerMap(*norms), PerMap(*new)


def spectral_norms(network: Network, iterations: int = 30) -> PerMap:
    """Measure the squared spectral norm of every linear map by one or more power iterations.

    From a fixed start and from below, never above: of fresh networks of 10, 300, 300 and 784 units, 30
    iterations leave it up to 5 % short (300 by 300, where the largest singular values lie closest), 100 up
    to 1 %.

    Raises:
        ValueError: not one iteration.
    """
    if iterations < 1:
        raise ValueError(f"iterations={iterations} given, 1 or more expected")
    return converged_vectors(network, iterations)[0]


@partial(jax.jit, static_argnames="iterations")
def converged_vectors(network: Network, iterations: int = 30) -> tuple[PerMap, PerMap]:
    """Run `power_iteration` as often from vectors without a pattern; returns norms and vectors."""

    def start(layers):
        waves = (jnp.cos(jnp.arange(l.in_features, dtype=l.weight.dtype)) for l in layers)
        return tuple(wave / jnp.linalg.norm(wave) for wave in waves)

    vectors = PerMap(start(network.generator), start(network.amortiser))
    unknown = jax.tree.map(lambda v: jnp.zeros((), v.dtype), vectors)
    return jax.lax.fori_loop(
        0, iterations, lambda _, state: power_iteration(network, state[1]), (unknown, vectors)
    )


def start_activities(
    network: Network,
    rule: Rule,
    labels: Float[Array, "batch n_0"] | None,
    images: Float[Array, "batch n_L"] | None,
) -> Activities:
    """Sweep from the end that the rule names, or from the other if only that is there.

    The ends that are given stand in the result as given. With a rule that starts from the label and
    no label, the sweep starts from the mean of all labels: each unit 1 / n_0.
    """
    check_rule(rule)
    if images is not None and (rule.start == "image" or (labels is None and rule.teaches[1] > 0)):
        activities = sweep_up(network, images)
    else:
        if labels is None:
            n = network.sizes[0]
            activities = sweep_down(network, jnp.full((len(images), n), 1 / n))  # type: ignore[arg-type]
        else:
            activities = sweep_down(network, labels)
    if labels is not None:
        activities[0] = labels
    if images is not None:
        activities[-1] = images
    return activities


def check_rule(rule: Any) -> None:
    """Raise ValueError unless this is a `Rule`."""
    if not isinstance(rule, Rule):
        raise ValueError(
            f"rule={rule!r} given, a Rule expected: GENERATIVE, DISCRIMINATIVE, HYBRID, BIDIRECTIONAL "
            "or one of your own"
        )


def check_steps(steps: int, step_size: float, step_rule: str) -> None:
    """Raise ValueError unless these describe an inference that can run."""
    if not isinstance(steps, int) or isinstance(steps, bool) or steps < 0:
        raise ValueError(f"steps={steps!r} given, a whole number of 0 or more expected")
    traced = isinstance(step_size, jax.core.Tracer)
    if not is_nonnegative(step_size) or (not traced and step_size == 0):
        raise ValueError(f"step_size={step_size!r} given, a positive finite number expected")
    if step_rule not in ("curvature", "fixed"):
        raise ValueError(f"unknown step_rule {step_rule!r}; choose one of curvature, fixed")


def weighed(network, weights, alpha_gen, alpha_disc):
    """Multiply each precision by the rule's weight for its kind of error; without it, it is exactly 0."""
    gen = by_layer("alpha_gen", alpha_gen, network.depth)
    disc = by_layer("alpha_disc", alpha_disc, network.depth)
    return tuple(
        tuple(w * a if w else 0.0 for a in alphas)
        for w, alphas in zip(weights, (gen, disc), strict=True)
    )


def _check_clamps(clamped, activities):
    if not isinstance(clamped, Sequence) or len(clamped) != len(activities):
        given = (
            f"names {len(clamped)} layers" if isinstance(clamped, Sequence) else f"is {clamped!r}"
        )
        raise ValueError(
            f"clamped {given}, {len(activities)} expected: True, False or a boolean array for each layer "
            "from the label to the image"
        )
    checked: list[Clamp] = []
    for l, (stays, z) in enumerate(zip(clamped, activities, strict=True)):
        if isinstance(stays, bool):
            checked.append(stays)
            continue
        shape, dtype = describe(stays)
        fits = len(shape) <= 2 and all(
            a in (1, b) for a, b in zip(shape[::-1], z.shape[::-1], strict=False)
        )
        if dtype != jnp.bool_ or not fits:
            raise ValueError(
                f"clamped[{l}] is {dtype} {shape}; True, False or a boolean array that broadcasts "
                f"to {z.shape} expected"
            )
        checked.append(jnp.asarray(stays))
    return checked
