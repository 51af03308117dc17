"""Divergence: when a run has lost its way, and what to change so that the next one keeps it."""

from collections.abc import Mapping

import jax
import jax.numpy as jnp
import numpy as np
import optax

from bpc_minimal.config import Config

MOST = 1e30  # of losses and of Adam's means: a run with a larger one is past learning


def check_converging(
    losses: Mapping[str, np.ndarray],
    done: int,
    evaluation: Mapping[str, float],
    optimiser: optax.OptState,
    config: Config,
    total: int,
) -> None:
    """Raise where inference raised the energy, or a number is past what a run can learn with, and be kept.

    Args:
        losses: of the iterations after `done`, as `train_step` gives them.
        done: iterations before these.
        evaluation: after them.
        optimiser: its state after them.
        config: the settings.
        total: iterations of the whole run.

    Raises:
        FloatingPointError: the run diverged; the message names the first iteration, the cause and the cure.
    """
    good = np.all([np.abs(values) <= MOST for values in losses.values()], axis=0)  # NaN is not
    if config.stop_diverging:
        good &= losses["energy"] <= losses["energy_before"] * 1.001 + 1e-6  # rounding's share
    unread = good.all() and [n for n, x in evaluation.items() if not np.isfinite(x)] == ["accuracy"]
    frozen = good.all() and not all(
        bool(jnp.all(jnp.abs(x) <= MOST)) for x in jax.tree.leaves(optimiser)
    )
    good[-1] &= all(map(np.isfinite, evaluation.values())) and not frozen  # of its last weights
    if good.all():
        return
    iteration = done + int(np.argmin(good)) + 1
    found = {name: float(values[iteration - done - 1]) for name, values in losses.items()}
    fine = {name: abs(value) <= MOST for name, value in found.items()}
    ratio = float(evaluation["relative_step"])
    other_rule = "" if config.step_rule == "curvature" else "use step_rule='curvature', or "
    if unread and config.classify_steps:
        cause = (
            f"inference diverged as it classified held-out images, for {config.classify_steps} steps with "
            f"the label free: {other_rule}choose a smaller step_size than {config.step_size:g}"
        )
    elif fine["energy"] and found["energy"] > found["energy_before"] and np.isfinite(ratio):
        cause = (
            "inference raised the energy instead of lowering it; at the next evaluation its steps measure "
            f"{ratio:.3g} times the longest that cannot raise it: {other_rule}choose a "
            f"smaller step_size than {config.step_size:g} or a lower learning_rate than "
            f"{config.learning_rate:g}, as the limit falls while the weights grow"
        )
    elif iteration == 1 and fine["energy_before"] and not fine["energy"]:
        cause = (
            f"no weight has moved yet, and {config.steps} steps took the energy beyond all numbers: "
            f"{other_rule}choose a smaller step_size than {config.step_size:g}"
        )
    elif iteration == 1 and not all(fine.values()):
        cause = (
            "no weight has moved yet, so pixels or precisions are too large for squares: choose another "
            f"pixel_mean ({config.pixel_mean:g}) and pixel_std ({config.pixel_std:g}), or smaller precisions"
        )
    elif (taken := config.learning_rate * config.weight_decay) > 1:
        cause = (
            f"an iteration takes learning_rate times weight_decay of each weight, {taken:g}, less than 1 "
            f"expected: lower the learning_rate from {config.learning_rate:g}, or the weight_decay from "
            f"{config.weight_decay:g}"
        )
    elif frozen:
        cause = (
            f"Adam's means of squared gradients are past {MOST:g}, so that weights no longer move: choose "
            f"another pixel_mean ({config.pixel_mean:g}) and pixel_std ({config.pixel_std:g}), or smaller "
            "precisions"
        )
    else:
        cause = (
            f"the weights grew without bound: {other_rule}lower the learning_rate from "
            f"{config.learning_rate:g}"
        )
    values = ", ".join(f"{name} {value:.3g}" for name, value in found.items())
    raise FloatingPointError(
        f"training diverged at iteration {iteration} of {total} ({values}): {cause}"
    )
