"""Numerical laws of the whole, in float64 where rounding would hide a mistake: hand-written gradients,
first-order descent, splitting, symmetry, and that no transformation of JAX changes a result.
"""

import dataclasses
import os
import subprocess
import sys
from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from conftest import assert_close, random_activities, random_network, same_bits

from bpc_minimal import (
    BIDIRECTIONAL,
    DISCRIMINATIVE,
    GENERATIVE,
    HYBRID,
    Config,
    activity_gradient,
    energy,
    infer,
    make_state,
    sweep_down,
    sweep_up,
    train_step,
    weight_gradient,
)
from bpc_minimal.inference import descend
from bpc_minimal.learning import descend_from_labels

SIZES, L = (4, 7, 6, 5), 3
GEN, DISC = (0.3, 0.02, 0.1), (1.0, 0.5, 2.0)
ENDS = [True, False, False, True]
FREE_LABEL = [False, False, False, True]
CLAMPS = {"train": ENDS, "classify": FREE_LABEL, "generate": [True, False, False, False]}
RULES = {
    "generative": GENERATIVE,
    "discriminative": DISCRIMINATIVE,
    "hybrid": HYBRID,
    "bidirectional": BIDIRECTIONAL,
}
SLOPES = {
    "linear": lambda z: np.ones_like(z),
    "relu": lambda z: (z > 0) * 1.0,
    "leaky_relu": lambda z: np.where(z > 0, 1.0, 0.01),
    "tanh": lambda z: 1 - np.tanh(z) ** 2,
    "silu": lambda z: (1 + z * (1 - 1 / (1 + np.exp(-z)))) / (1 + np.exp(-z)),
}
TRAINING = Config(
    sizes=(10, 8, 7, 784), activation="tanh", use_bias=True, alpha_gen=GEN, alpha_disc=DISC,
    steps=3, step_size=0.01, step_rule="fixed", batch_size=16, iterations=10,
)  # fmt: skip
CURVED = {"step_rule": "curvature", "step_size": 0.5}


def setting(key=0, sizes=SIZES, activation="tanh", batch=6):
    """A network and activities, all of them float64 where that is on."""
    made = random_network(key, sizes, activation), random_activities(key + 1, sizes, batch)
    return jax.tree.map(lambda x: x.astype(float), made)


def swap_units(network, orders):
    """Renumber the units of every layer: row and column of all weights that touch it."""

    def swapped(layer, inputs, outputs):
        weight, bias = layer.weight[outputs][:, inputs], layer.bias[outputs]
        return eqx.tree_at(lambda l: (l.weight, l.bias), layer, (weight, bias))

    pairs = list(zip(orders[:-1], orders[1:], strict=True))
    return type(network)(
        tuple(swapped(m, a, b) for m, (a, b) in zip(network.generator, pairs, strict=True)),
        tuple(swapped(m, b, a) for m, (a, b) in zip(network.amortiser, pairs, strict=True)),
        network.activation,
    )


# Gradients ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("activation", SLOPES)
def test_gradients_by_hand_equal_autodiff_to_1e_10(activation, float64):
    """The formulas of the docstrings in NumPy, which knows nothing of autodiff."""
    network, z = setting(0, activation=activation)
    V, W = ([np.asarray(m.weight) for m in maps] for maps in (network.generator, network.amortiser))
    b, c = ([np.asarray(m.bias) for m in maps] for maps in (network.generator, network.amortiser))
    rate = [np.asarray(network.act(l, z[l])) for l in range(L + 1)]
    z_ = [np.asarray(x) for x in z]
    ge = [GEN[l] * (z_[l + 1] - rate[l] @ V[l].T - b[l]) for l in range(L)]  # weighed errors
    de = [DISC[l] * (z_[l] - rate[l + 1] @ W[l].T - c[l]) for l in range(L)]
    activities = []
    for l in range(L + 1):
        own = (ge[l - 1] if l > 0 else 0) + (de[l] if l < L else 0)
        back = (ge[l] @ V[l] if l < L else 0) + (de[l - 1] @ W[l - 1] if l > 0 else 0)
        activities.append(own - (1 if l in (0, L) else SLOPES[activation](z_[l])) * back)
    batch = len(z_[0])
    weights = type(network)(
        tuple(
            eqx.tree_at(
                lambda m: (m.weight, m.bias), m, (-ge[l].T @ rate[l] / batch, -ge[l].mean(0))
            )
            for l, m in enumerate(network.generator)
        ),
        tuple(
            eqx.tree_at(
                lambda m: (m.weight, m.bias), m, (-de[l].T @ rate[l + 1] / batch, -de[l].mean(0))
            )
            for l, m in enumerate(network.amortiser)
        ),
        activation,
    )
    ours = activity_gradient(network, z, GEN, DISC)
    assert {x.dtype.name for x in ours} == {"float64"}
    assert_close(ours, activities, 1e-10)
    assert_close(weight_gradient(network, z, BIDIRECTIONAL, GEN, DISC), weights, 1e-10)


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
@pytest.mark.parametrize("clamped", CLAMPS.values(), ids=CLAMPS)
def test_energy_falls_by_the_step_times_the_squared_gradient(rule, clamped, float64):
    """To first order: what is left is of the order of the step, squared."""
    network, z = setting(2)
    gen, disc = [rule.moves[0] * a for a in GEN], [rule.moves[1] * a for a in DISC]
    step = 1e-6
    settled = infer(
        network, z, clamped, rule, 1, step,
        alpha_gen=GEN, alpha_disc=DISC, step_rule="fixed", record=True,
    )  # fmt: skip
    before, after = settled.energies
    gradient = activity_gradient(network, z, gen, disc)
    squares = sum((g**2).sum(1) for g, stays in zip(gradient, clamped, strict=True) if not stays)
    np.testing.assert_allclose(before, energy(network, z, gen, disc), rtol=1e-12)
    np.testing.assert_allclose((before - after) / step, squares, rtol=1e-4)
    assert (squares > 0).all()


# Batches and units ----------------------------------------------------------------------------------


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_the_gradient_of_a_batch_is_the_mean_over_its_parts(rule, float64):
    network, z = setting(3)
    swept = sweep_up(network, z[-1])

    def of(part):
        return weight_gradient(
            network, [x[part] for x in z], rule, GEN, DISC, [x[part] for x in swept]
        )

    halves = jax.tree.map(lambda a, b: (a + b) / 2, of(slice(3)), of(slice(3, 6)))
    assert_close(of(slice(6)), halves, 1e-12)
    assert_close(of(np.array([3, 1, 5, 0, 2, 4])), of(slice(6)), 1e-12)


@pytest.mark.parametrize("in_turn", [False, True])
@pytest.mark.parametrize("clamped", CLAMPS.values(), ids=CLAMPS)
def test_renumbered_units_settle_alike(clamped, in_turn, float64):
    network, z = setting(4)
    rng = np.random.default_rng(0)
    orders = [rng.permutation(n) for n in SIZES]
    options = {"steps": 20, "step_size": 0.02, "step_rule": "fixed", "in_turn": in_turn}
    settled = infer(network, z, clamped, **options)
    moved = [x[:, order] for x, order in zip(z, orders, strict=True)]
    ours = infer(swap_units(network, orders), moved, clamped, **options)
    assert_close(ours, [x[:, order] for x, order in zip(settled, orders, strict=True)], 1e-10)


def training_state(config=TRAINING, seed=0):
    """A state in which every float is of 64 bits, where they are on."""
    state = make_state(config.replace(seed=seed), 10)
    wide = lambda x: x.astype(float) if jnp.issubdtype(x.dtype, jnp.floating) else x  # noqa: E731
    return jax.tree.map(wide, state)


def batches(digits, n=1, size=16):
    images, labels = digits.images[: n * size], digits.labels[: n * size].astype(np.int32)
    return images.reshape(n, size, 28, 28), labels.reshape(n, size)


def test_renumbered_hidden_units_learn_alike(digits, float64):
    state = training_state()
    rng = np.random.default_rng(0)
    orders = [slice(None), rng.permutation(8), rng.permutation(7), slice(None)]
    other = eqx.tree_at(lambda s: s.network, state, swap_units(state.network, orders))
    for images, labels in zip(*batches(digits, 3), strict=True):
        state, losses = train_step(state, images, labels, TRAINING, 10)
        other, same = train_step(other, images, labels, TRAINING, 10)
        assert_close(same, losses, 1e-10)
    assert_close(other.network, swap_units(state.network, orders), 1e-8)


@pytest.mark.parametrize("sizes", [SIZES, (4, 7, 5), (4, 5)], ids=str)
def test_the_first_step_from_the_labels_may_be_looked_up(sizes, float64):
    """A table of classes gives the same step as each example by itself, and the same energy."""
    network, z = setting(6, sizes)
    L = len(sizes) - 1
    gen, disc, step = GEN[:L], DISC[:L], [0.1, 0.02, 0.03, 0.5][: L + 1]
    labels = jnp.array([3, 0, 3, 1, 2, 0])
    classes = sweep_down(network, jnp.eye(sizes[0]))
    swept = [*[rows[labels] for rows in classes[:-1]], z[-1]]
    clamped = [True, *[False] * (L - 1), True]
    moved, before = descend_from_labels(network, classes, labels, z[-1], gen, disc, step)
    assert_close(moved, descend(network, swept, clamped, gen, disc, step), 1e-12)
    assert_close(before, energy(network, swept, gen, disc), 1e-12)


# What JAX does to a function ------------------------------------------------------------------------


@pytest.mark.parametrize("options", [{}, CURVED, {"in_turn": True}], ids=str)
def test_settling_does_not_depend_on_jit_vmap_or_scan(options, float64):
    network, z = setting(7)
    options = {"step_size": 0.02, "step_rule": "fixed", "alpha_gen": GEN} | options

    def settle(z, steps=6):
        return infer(network, z, FREE_LABEL, BIDIRECTIONAL, steps, **options)

    plain = settle(z)
    with jax.disable_jit():
        assert_close(settle(z), plain, 1e-12)
    assert_close(jax.jit(settle)(z), plain, 1e-12)
    each = jax.vmap(lambda z: settle([x[None] for x in z]))(z)
    assert_close([x[:, 0] for x in each], plain, 1e-12)
    assert_close(settle(settle(z, 2), 4), plain, 1e-12)  # six steps are two and then four
    scanned, _ = jax.lax.scan(lambda z, _: (settle(z, 1), None), z, None, length=6)
    assert_close(scanned, plain, 1e-12)


@pytest.mark.parametrize(
    "changes",
    [{"rule": dataclasses.replace(BIDIRECTIONAL, start="label")}, CURVED],
    ids=["label", "curvature"],
)
def test_learning_does_not_depend_on_jit_vmap_or_scan(changes, digits, float64):
    # Pixels are float32 whatever JAX is set to: zeros and ones are those that it rounds nowhere.
    config = TRAINING.replace(**changes, pixel_mean=0.0, pixel_std=1.0)
    images, labels = batches(digits, 3)
    images = 255 * (images > 127).astype(np.uint8)
    networks, last = [], []
    for seed in range(2):
        state = training_state(config, seed)
        for x, y in zip(images, labels, strict=True):
            state, losses = train_step(state, x, y, config, 10)
        networks.append(state.network)
        last.append(losses)

    def run(state):
        def step(state, batch):
            return train_step(state, *batch, config, 10)

        state, losses = jax.lax.scan(step, state, (images, labels))
        return state.network, jax.tree.map(lambda x: x[-1], losses)

    stack = lambda *arrays: jnp.stack(arrays)  # noqa: E731
    seeds = jax.tree.map(stack, training_state(config, 0), training_state(config, 1))
    together = jax.vmap(run)(seeds)
    assert_close(together, jax.tree.map(stack, *zip(networks, last, strict=True)), 1e-12)
    state = training_state(config)
    with jax.disable_jit():
        after, losses = train_step(state, images[0], labels[0], config, 10)
    compiled = train_step(state, images[0], labels[0], config, 10)
    assert_close((losses, after.network), (compiled[1], compiled[0].network), 1e-12)


# What a run repeats elsewhere -----------------------------------------------------------------------

# Iterations 1, 5 and 10 of `recorded` with the newest JAX, Equinox and Optax; `make test-oldest`
# holds the oldest ones to the same numbers.
RECORD = {
    "gen_loss": [0.493845, 0.472777, 0.4594],
    "amort_loss": [0.057548, 0.04607, 0.045546],
    "energy_before": [0.61676, 0.500423, 0.495169],
    "energy": [0.555291, 0.455864, 0.448251],
}


def recorded(images, labels):
    config = Config(sizes=(10, 24, 20, 784), steps=3, iterations=10, use_bias=True)
    state, losses = make_state(config, 10), []
    for i in range(10):
        part = slice(64 * i, 64 * i + 64)
        state, new = train_step(state, images[part], labels[part].astype(np.int32), config, 10)
        losses.append(new)
    return state.network, {name: [float(new[name]) for new in losses] for name in losses[0]}


def test_all_supported_versions_learn_alike(digits):
    _, losses = recorded(*digits[:2])
    for name, values in RECORD.items():
        assert [losses[name][i] for i in (0, 4, 9)] == pytest.approx(values, rel=1e-4)


def test_another_process_gives_the_same_bits(digits, tmp_path):
    program = """
import sys, jax, numpy as np
from bpc_minimal import load_mnist
from test_laws import recorded
images, labels = load_mnist("train")
np.savez(sys.argv[1], *jax.tree.leaves(recorded(images[:640], labels[:640])))
"""
    here = Path(__file__).parent
    environment = os.environ | {"PYTHONPATH": f"{here.parent}{os.pathsep}{here}"}
    command = [sys.executable, "-c", program, str(tmp_path / "trained.npz")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=1_800)
    assert done.returncode == 0, done.stderr
    with np.load(tmp_path / "trained.npz") as trained:
        assert same_bits(list(trained.values()), jax.tree.leaves(recorded(*digits[:2])))
