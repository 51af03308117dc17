"""Laws of one training step: it is sweep, settle, learn, whichever shortcut computes it."""

import dataclasses
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from conftest import assert_close

from bpc_minimal import (
    BIDIRECTIONAL,
    DISCRIMINATIVE,
    GENERATIVE,
    HYBRID,
    Config,
    energy,
    infer,
    make_state,
    normalise,
    one_hot,
    sweep_down,
    sweep_up,
    train_step,
    weight_gradient,
)
from bpc_minimal.learning import make_optimiser

BASE = Config(
    sizes=(10, 12, 11, 784), activation="tanh", use_bias=True, alpha_gen=(0.3, 0.1, 0.01),
    alpha_disc=(0.5, 1.0, 0.2), steps=3, batch_size=16, iterations=10,
)  # fmt: skip
FIXED = BASE.replace(step_rule="fixed", step_size=0.01)
FROM_LABEL = dataclasses.replace(BIDIRECTIONAL, start="label")


@partial(jax.jit, static_argnames="config")
def plain_step(state, images, labels, config):
    """Compute a training step as the book writes it, with nothing looked up or left out."""
    network = state.network
    image, label = normalise(images), one_hot(labels)
    z = sweep_up(network, image) if config.rule.start == "image" else sweep_down(network, label)
    z = [label, *z[1:-1], image]
    options = {"alpha_gen": config.alpha_gen, "alpha_disc": config.alpha_disc}
    ends = [True, *[False] * (network.depth - 1), True]
    settled = infer(
        network, z, ends, config.rule, config.steps, config.step_size,
        step_rule=config.step_rule, in_turn=config.in_turn, **options,
    )  # fmt: skip
    gradient = weight_gradient(
        network, settled, config.rule, **options, amortiser_inputs=sweep_up(network, image)
    )
    updates, optimiser = make_optimiser(config, 10).update(gradient, state.optimiser, network)
    gen, disc = config.rule.moves
    precisions = [gen * a for a in config.alpha_gen], [disc * a for a in config.alpha_disc]
    losses = {
        "gen_loss": 0.5 * jnp.mean((sweep_down(network, label)[-1] - image) ** 2),
        "amort_loss": 0.5 * jnp.mean((sweep_up(network, image)[0] - label) ** 2),
        "energy_before": energy(network, z, *precisions).mean(),
        "energy": energy(network, settled, *precisions).mean(),
    }
    return optimiser, optax.apply_updates(network, updates), gradient, losses


def shallow(config, *hidden):
    L = len(hidden) + 1
    return config.replace(sizes=(10, *hidden, 784), alpha_gen=(0.3,) * L, alpha_disc=(0.5,) * L)


@pytest.mark.parametrize(
    "config",
    [
        FIXED.replace(rule=FROM_LABEL),
        FIXED.replace(rule=GENERATIVE),
        FIXED.replace(rule=HYBRID),
        FIXED.replace(rule=dataclasses.replace(DISCRIMINATIVE, start="label")),
        BASE,
        BASE.replace(rule=FROM_LABEL, weight_decay=0.0),
        BASE.replace(rule=dataclasses.replace(GENERATIVE, start="image"), use_bias=False),
        BASE.replace(rule=DISCRIMINATIVE, activation="relu"),
        BASE.replace(in_turn=True),
        FIXED.replace(rule=FROM_LABEL, in_turn=True),
        shallow(FIXED.replace(rule=FROM_LABEL, steps=1), 12),
        shallow(FIXED.replace(rule=FROM_LABEL)),
    ],
    ids=range(12),
)
def test_a_step_is_sweep_settle_learn(config, digits):
    state = make_state(config, 10)
    images, labels = digits.images[:16], digits.labels[:16].astype(np.int32)
    optimiser, network, gradient, plain_losses = plain_step(state, images, labels, config)
    after, losses = train_step(state, images, labels, config, 10)
    assert_close(after.optimiser, optimiser)
    for g, ours, plain in zip(
        *map(jax.tree.leaves, (gradient, after.network, network)), strict=True
    ):
        # Adam's first step is a gradient's sign, even where that is rounding: do not look there.
        clear = (jnp.abs(g) > 1e-3 * jnp.abs(g).max()) | (jnp.abs(g).max() == 0)
        assert clear.mean() > 0.5
        np.testing.assert_allclose(ours[clear], plain[clear], rtol=0, atol=1e-6)
    assert int(after.iteration) == 1
    assert_close(losses, plain_losses, 1e-4)


def trained(config, digits, order=slice(None), steps=5):
    state = make_state(config, 10)
    for i in range(steps):
        batch = slice(16 * i, 16 * i + 16)
        images, labels = digits.images[batch][order], digits.labels[batch][order].astype(np.int32)
        state, _ = train_step(state, images, labels, config, 10)
    return state.network


def test_without_generative_errors_bidirectional_trains_as_discriminative(digits):
    ours = trained(FIXED.replace(alpha_gen=0.0), digits)
    assert_close(ours, trained(FIXED.replace(rule=DISCRIMINATIVE), digits), 1e-4)


def test_without_discriminative_errors_bidirectional_trains_as_generative(digits):
    ours = trained(FIXED.replace(rule=FROM_LABEL, alpha_disc=0.0), digits)
    assert_close(ours, trained(FIXED.replace(rule=GENERATIVE), digits), 1e-4)


def test_the_order_within_a_batch_does_not_matter(digits):
    order = np.random.default_rng(0).permutation(16)
    assert_close(trained(FIXED, digits, steps=2), trained(FIXED, digits, order, 2), 5e-3)
