"""Laws of one training step: it is sweep, settle, learn, whichever shortcut computes it."""

import dataclasses

import jax.numpy as jnp
import numpy as np
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


def plain_step(state, images, labels, config):
    """Compute a training step as the book writes it, with nothing looked up or left out."""
    network = state.network
    image, label = normalise(images), one_hot(labels)
    z = sweep_up(network, image) if config.rule.start == "image" else sweep_down(network, label)
    z = [label, *z[1:-1], image]
    options = {"alpha_gen": config.alpha_gen, "alpha_disc": config.alpha_disc}
    settled = infer(
        network, z, [True, False, False, True], config.rule, config.steps, config.step_size,
        step_rule=config.step_rule, **options,
    )  # fmt: skip
    gradient = weight_gradient(
        network, settled, config.rule, **options, amortiser_inputs=sweep_up(network, image)
    )
    _, optimiser = make_optimiser(config, 10).update(gradient, state.optimiser, network)
    return optimiser, z, settled


@pytest.mark.parametrize(
    "config",
    [
        FIXED,
        FIXED.replace(rule=FROM_LABEL),
        FIXED.replace(rule=FROM_LABEL, steps=1),
        FIXED.replace(rule=GENERATIVE),
        FIXED.replace(rule=HYBRID),
        FIXED.replace(rule=DISCRIMINATIVE, activation="relu"),
        BASE.replace(rule=FROM_LABEL, weight_decay=0.0),
        BASE,
    ],
    ids=range(8),
)
def test_a_step_is_sweep_settle_learn(config, digits):
    state = make_state(config, 10)
    images, labels = digits.images[:16], digits.labels[:16].astype(np.int32)
    optimiser, start, settled = plain_step(state, images, labels, config)
    after, losses = train_step(state, images, labels, config, 10)
    # The moments, not the weights: Adam's first step is a gradient's sign, even where that is rounding.
    assert_close(after.optimiser, optimiser)
    assert int(after.iteration) == 1
    gen, disc = config.rule.moves
    precisions = ([gen * a for a in config.alpha_gen], [disc * a for a in config.alpha_disc])
    assert_close(losses["energy_before"], energy(state.network, start, *precisions).mean())
    assert_close(losses["energy"], energy(state.network, settled, *precisions).mean(), 1e-4)
    image, label = start[-1], start[0]
    drawn, found = sweep_down(state.network, label)[-1], sweep_up(state.network, image)[0]
    assert_close(losses["gen_loss"], 0.5 * jnp.mean((drawn - image) ** 2))
    assert_close(losses["amort_loss"], 0.5 * jnp.mean((found - label) ** 2))


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
