"""Inference: the activities that are not clamped descend the energy.

One function, `infer`, serves training, classification, generation and completion: they differ in
what is clamped. A `Rule` tells four models of predictive coding apart. Chapters 1 to 4 build it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from bpc_minimal.arguments import take_fields_of_rule
from bpc_minimal.curvature import StepRule, Steps, layer_steps, relative_steps, spectral_norms
from bpc_minimal.energy import Precision, activity_gradient, by_layer, energy
from bpc_minimal.network import Activities, Network, sweep_down, sweep_up

Clamp = bool | Bool[Array, "batch n_l"]


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
        """Take the fields, as all arguments are taken."""
        take_fields_of_rule(self)


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
            curvature (`curvature.curvatures`), and up to a rate of 1 a step cannot raise the energy while
            the active units stay the same. With "fixed", the step itself, for every layer.
        alpha_gen: precision of the generative errors, as in `energy`.
        alpha_disc: precision of the discriminative errors.
        step_rule: "curvature" or "fixed".
        in_turn: whether the layers move one after the other, from the label to the image, each seeing
            where the last one went; or, as in the papers, all at once.
        record: whether to return every state, not only the last.

    Returns:
        activities: z_0..z_L, or with `record` a `Settled`. An example's result does not depend on its
            batch.

    Raises:
        ValueError: an argument does not fit; the message says which, and what would.
        FloatingPointError: the activities grew without bound, and the message names the step; or the
            network's weights are not finite.

    Example:
        >>> network, start = bpc.pretrained()[0], [jnp.ones((1, n)) for n in (10, 512, 512, 784)]
        >>> settled = bpc.infer(network, start, [True, False, False, False], steps=5, record=True)
        >>> bool((jnp.diff(settled.energies, axis=0) <= 0).all())  # no step raised the energy
        True
    """
    gen, disc = weighed(rule.moves, alpha_gen, alpha_disc, network.depth)
    run = partial(
        settle, network, list(activities), clamped, gen, disc, steps, step_size, step_rule, in_turn
    )
    last, path = run(("energies", "trajectory") if record else ())
    check_settled(
        network, last, clamped, lambda: run(("energies",))[1]["energies"], gen, disc, step_size,
        step_rule,
    )  # fmt: skip
    return Settled(last, **path) if record else last


@eqx.filter_jit
def settle(
    network: Network,
    activities: Activities,
    clamped: Sequence[Clamp],
    gen: Sequence[float],
    disc: Sequence[float],
    steps: int,
    step_size: float,
    step_rule: StepRule,
    in_turn: bool,
    recorded: Sequence[Literal["energies", "trajectory"]] = (),
) -> tuple[Activities, dict[str, Any]]:
    """Run `infer` in one compiled loop, whose arguments these are, except two kinds.

    `gen` and `disc` are the precisions, weighed by the rule: L numbers each, of the errors e_1..e_L and
    d_0..d_{L-1}, as `weighed` gives them. `recorded` names what is kept at each step.

    Returns:
        activities: z_0..z_L at the end.
        path: what was recorded, by name, at steps + 1 moments, the first before any step.
    """
    norms = spectral_norms(network) if step_rule == "curvature" and steps else None
    step_sizes = layer_steps(network, gen, disc, step_size, norms)

    def look(z):  # what is not recorded, jit leaves out
        found = {"energies": energy(network, z, gen, disc), "trajectory": z}
        return {name: found[name] for name in recorded}

    def body(z, _):
        z = descend(network, z, clamped, gen, disc, step_sizes, in_turn)
        return z, look(z)

    first = jax.tree.map(lambda x: x[None], look(activities))
    if steps == 0:
        return activities, first
    last, path = jax.lax.scan(body, activities, None, length=steps)
    return last, jax.tree.map(lambda a, b: jnp.concatenate([a, b]), first, path)


def descend(
    network: Network,
    activities: Activities,
    clamped: Sequence[Clamp],
    gen: Sequence[float],
    disc: Sequence[float],
    step_sizes: Steps,
    in_turn: bool = False,
) -> Activities:
    """Take one step of inference, of the given size at each layer; clamped values stay.

    `gen` and `disc` are weighed precisions, as in `settle`; `step_sizes` are L + 1, of `layer_steps`.

    In turn, one step carries what the label says to every layer, where all at once takes a step a
    layer: with a layer's step at 1 / `curvatures`, none can raise the energy while the active units
    stay the same.
    """
    layers = range(len(activities))
    for moving in [[l] for l in layers] if in_turn else [layers]:
        gradient = activity_gradient(network, activities, gen, disc)
        activities = [
            descend_layer(z, gradient[l], clamped[l], step_sizes[l]) if l in moving else z
            for l, z in enumerate(activities)
        ]
    return activities


def descend_layer(
    z: Float[Array, "batch n_l"],
    gradient: Float[Array, "batch n_l"],
    stays: Clamp,
    step: Float[Array, ""] | float,
) -> Float[Array, "batch n_l"]:
    """Move one layer against its gradient, where it is not clamped.

    `shortcuts.descend_from_labels` does the same once: change both.
    """
    if stays is True:
        return z
    moved = z - (step * gradient).astype(z.dtype)
    return moved if stays is False else jnp.where(stays, z, moved)


def start_activities(
    network: Network,
    rule: Rule,
    labels: Float[Array, "batch n_0"] | None,
    images: Float[Array, "batch n_L"] | None,
) -> Activities:
    """Sweep from the end that the rule names, or from the other if only that is there: z_0..z_L.

    The ends that are given stand in the result as given. With a rule that starts from the label and
    no label, the sweep starts from the mean of all labels: each unit 1 / n_0.
    """
    if images is not None and (rule.start == "image" or (labels is None and rule.teaches[1] > 0)):
        activities = sweep_up(network, images)
    elif labels is not None:
        activities = sweep_down(network, labels)
    else:
        n = network.sizes[0]
        activities = sweep_down(network, jnp.full((len(images), n), 1 / n, network.dtype))  # type: ignore[arg-type]
    if labels is not None:
        activities[0] = labels
    if images is not None:
        activities[-1] = images
    return activities


def weighed(
    weights: tuple[float, float], alpha_gen: Precision, alpha_disc: Precision, L: int
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Multiply each precision by the rule's weight for its kind of error; without it, it is exactly 0.

    Args:
        weights: `rule.moves` in inference, `rule.teaches` in learning: of e, then of d.
        alpha_gen: as in `energy`.
        alpha_disc: as in `energy`.
        L: how many precisions there are of each kind.

    Returns:
        gen: L numbers, of the errors e_1..e_L.
        disc: L numbers, of the errors d_0..d_{L-1}. By these two names they are handed on everywhere.
    """
    gen, disc = (
        tuple(weight * alpha if weight else 0.0 for alpha in by_layer(alphas, L))
        for weight, alphas in zip(weights, (alpha_gen, alpha_disc), strict=True)
    )
    return gen, disc


def check_settled(
    network: Network,
    activities: Activities,
    clamped: Sequence[Clamp],
    energies: Callable[[], Float[Array, "times batch"]],
    gen: Sequence[float],
    disc: Sequence[float],
    step_size: float,
    step_rule: StepRule,
) -> None:
    """Raise FloatingPointError, with its cause, if settled activities are not finite.

    Those of a function that JAX traces are not known yet, and pass. `energies` settles once more, to find
    the step at which it happened; all else is as in `settle`.
    """
    if all(isinstance(z, jax.core.Tracer) or np.isfinite(z).all() for z in activities):
        return
    if not all(np.isfinite(weight).all() for weight in jax.tree.leaves(network)):
        raise FloatingPointError(
            "the network's weights hold NaN or infinity, so nothing can settle: take a checkpoint "
            "from before its training diverged"
        )
    found = energies()
    first = int(jnp.argmin(jnp.isfinite(found).all(axis=1)))
    norms = spectral_norms(network) if step_rule == "curvature" else None
    steps = layer_steps(network, gen, disc, step_size, norms)
    free = [stays is not True for stays in clamped]
    ratios = np.where(free, relative_steps(network, gen, disc, steps), 0)
    worst = int(np.argmax(ratios))  # NaN, if there is one
    if first == 0 or np.isnan(ratios[worst]):
        raise FloatingPointError(
            "the energy or a step is not finite where inference starts: activities, weights or "
            "precisions are too large for their squares, smaller ones expected, or step_size is too small"
        )
    advice = "" if step_rule == "curvature" else "step_rule='curvature' with "
    raise FloatingPointError(
        f"inference diverged at step {first} of {len(found) - 1}: the energy is no longer finite. A step "
        f"of {step_size:g} ({step_rule}) is {ratios[worst]:.3g} times the longest that cannot raise it at "
        f"layer {worst}, 0 being the label: use {advice}a step_size of at most 1"
    )
