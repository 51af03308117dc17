"""Laws of one training step: it is sweep, settle, learn, whichever shortcut computes it."""

import dataclasses
import os
import subprocess
import sys
from functools import partial
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from conftest import assert_close, same_bits

from bpc_minimal import (
    BIDIRECTIONAL,
    DISCRIMINATIVE,
    GENERATIVE,
    HYBRID,
    Config,
    energy,
    make_state,
    normalise,
    one_hot,
    sweep_down,
    sweep_up,
    train_step,
    weight_gradient,
)
from bpc_minimal.curvature import layer_steps, spectral_norms
from bpc_minimal.inference import descend
from bpc_minimal.learning import UNROLLED, make_optimiser, split_over_devices

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
    gen, disc = config.rule.moves
    precisions = [gen * a for a in config.alpha_gen], [disc * a for a in config.alpha_disc]
    norms = state.norms.now if config.step_rule == "curvature" else None
    settled = z
    for _ in range(config.steps):
        sizes = layer_steps(network, *precisions, config.step_size, norms)
        settled = descend(network, settled, ends, *precisions, sizes, config.in_turn)
    gradient = weight_gradient(
        network, settled, config.rule, **options, amortiser_inputs=sweep_up(network, image)
    )
    updates, optimiser = make_optimiser(config, 10).update(gradient, state.optimiser, network)
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
        BASE.replace(steps=UNROLLED + 1),
    ],
    ids=range(13),
)
def test_a_step_is_sweep_settle_learn(config, digits):
    state = make_state(config, 10)
    images, labels = digits.images[:16], digits.labels[:16].astype(np.int32)
    optimiser, network, gradient, plain_losses = plain_step(state, images, labels, config)
    after, losses = train_step(state, images, labels, config, 10)
    assert_close(after.optimiser, optimiser)
    trees = jax.tree.map(np.asarray, (gradient, after.network, network))
    for g, ours, plain in zip(*map(jax.tree.leaves, trees), strict=True):
        # Adam's first step is a gradient's sign, even where that is rounding: do not look there.
        clear = (np.abs(g) > 1e-3 * np.abs(g).max()) | (np.abs(g).max() == 0)
        assert clear.mean() > 0.5
        np.testing.assert_allclose(ours[clear], plain[clear], rtol=0, atol=1e-6)
    assert int(after.iteration) == 1
    assert_close(losses, plain_losses, 1e-4)


def test_many_steps_are_taken_in_a_loop_that_compiles_as_one():
    """A program of many steps is as long as one of many more."""
    images, labels = np.zeros((16, 784), np.uint8), np.arange(16) % 10

    def length(steps):
        config = BASE.replace(steps=steps)
        program = jax.jit(lambda state: train_step(state, images, labels, config, 10))
        return len(program.lower(make_state(config, 10)).as_text())

    assert abs(length(1000) - length(UNROLLED + 1)) < 20


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


def rates(config, total):
    """Adam's step is the rate where the gradient never changes."""
    optimiser, weight = make_optimiser(config, total), jnp.ones(1)
    state, found = optimiser.init(weight), []
    for _ in range(total + 1):
        update, state = optimiser.update(jnp.ones(1), state, weight)
        found.append(-float(update[0]))
    return np.array(found)


def test_schedules_are_what_their_names_say():
    config, n = BASE.replace(learning_rate=0.5, weight_decay=0.0), 20
    constant, cosine, cycle = (
        rates(config.replace(schedule=name), n) for name in ("constant", "cosine", "one-cycle")
    )
    np.testing.assert_allclose(constant, 0.5, rtol=1e-4)
    np.testing.assert_allclose(cosine, 0.25 * (1 + np.cos(np.pi * np.arange(n + 1) / n)), atol=1e-4)
    assert cycle.argmax() == n // 5 and cycle.max() == pytest.approx(0.5, rel=1e-4)
    assert (np.diff(cycle[: n // 5 + 1]) > 0).all() and (np.diff(cycle[n // 5 :]) < 0).all()
    assert cycle[-1] < 1e-4


def test_weight_decay_adds_its_share_of_the_weight():
    config = BASE.replace(learning_rate=0.5, schedule="constant")
    for decay in (0.0, 0.2, 1.0):
        found = rates(config.replace(weight_decay=decay), 1)
        np.testing.assert_allclose(found, 0.5 * (1 + decay), rtol=1e-4)


def test_a_state_begins_at_nothing_and_two_seeds_share_nothing():
    state, other = (make_state(BASE.replace(seed=seed), 10) for seed in (0, 1))
    assert int(state.iteration) == 0 and state.iteration.dtype == jnp.int32
    assert (state.key != other.key).any()
    for a, b in zip(*map(jax.tree.leaves, (state.network, other.network)), strict=True):
        assert (a != b).all()
    assert_close(state.norms.now, spectral_norms(state.network), 1e-6)
    assert same_bits(state.norms.now, state.norms.measured)
    assert make_state(FIXED, 10).norms is None


def test_one_device_keeps_a_batch_whole():
    batch = jnp.zeros((4, 3))
    if len(jax.devices()) == 1:
        assert split_over_devices(batch) is batch


def test_several_devices_split_a_batch_that_they_divide():
    """In a process of its own, as JAX counts its devices once."""
    program = """
import jax, jax.numpy as jnp
from bpc_minimal.learning import split_over_devices
assert len(jax.devices()) == 4
for rows, each in ((8, 2), (4, 1), (6, 6), (2, 2)):
    batch = jnp.arange(3.0 * rows).reshape(rows, 3)
    split = split_over_devices(batch)
    assert (split == batch).all()
    assert {piece.data.shape for piece in split.addressable_shards} == {(each, 3)}, rows
"""
    flags = os.environ.get("XLA_FLAGS", "") + " --xla_force_host_platform_device_count=4"
    environment = os.environ | {
        "XLA_FLAGS": flags, "JAX_PLATFORMS": "cpu", "PYTHONPATH": str(Path(__file__).parents[1]),
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=environment,
        capture_output=True,
        text=True,
        timeout=1_800,
    )
    assert done.returncode == 0, done.stderr


def test_a_rule_that_learns_from_a_sweep_must_be_given_it(digits):
    state = make_state(Config(iterations=1), 1)
    activities = sweep_up(state.network, normalise(digits.images[:4]))
    with pytest.raises(ValueError, match="no amortiser_inputs given.*sweep_up"):
        weight_gradient(state.network, activities, HYBRID)
    weight_gradient(state.network, activities, dataclasses.replace(HYBRID, teaches=(1, 0)))


def test_wrong_arguments_of_learning_are_named(digits):
    config = Config(iterations=1)
    state = make_state(config, 1)
    activities = sweep_up(state.network, normalise(digits.images[:4]))
    with pytest.raises(ValueError, match="4 images and 3 labels given"):
        train_step(state, digits.images[:4], digits.labels[:3], config, 1)
    for wrong in (-1, 10):
        labels = np.full(4, wrong)
        with pytest.raises(ValueError, match=rf"labels \[{wrong}\] given, 0 to 9 expected"):
            train_step(state, digits.images[:4], labels, config, 1)
    with pytest.raises(ValueError, match=r"settings for sizes \(10, 784\) given with a network of"):
        train_step(state, *digits[:2], config.replace(sizes=(10, 784)), 1)
    with pytest.raises(ValueError, match="config='fast' given, a Config expected: preset"):
        make_state("fast", 1)
    with pytest.raises(ValueError, match="rule='hybrid' given, a Rule expected"):
        weight_gradient(state.network, activities, "hybrid")


# Digits of float32 ----------------------------------------------------------------------------------


@pytest.mark.parametrize("rule", [GENERATIVE, HYBRID, DISCRIMINATIVE, BIDIRECTIONAL])
def test_every_product_asks_for_all_digits_of_float32(digits, rule):
    # A GPU rounds what it multiplies to 10 bits, a TPU to 7, unless each product asks for more.
    config = BASE.replace(rule=rule)
    state = make_state(config, total=10)

    def products():
        def iterate(state):
            return train_step(state, digits.images[:8], digits.labels[:8], config, total=10)[0]

        text = jax.jit(iterate).lower(state).as_text()
        return [line for line in text.splitlines() if "stablehlo.dot_general" in line]

    assert len(products()) > 6
    assert all("[HIGHEST, HIGHEST]" in line for line in products())
    with jax.default_matmul_precision("tensorfloat32"):  # a reader's own wish is obeyed
        assert not any("HIGHEST" in line for line in products() if "tensor<8x" in line)
