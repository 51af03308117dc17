"""Other arithmetic: float64, bfloat16, and devices that leave digits of float32 out of what they multiply.

A GPU rounds that to the 10 bits of TF32, a TPU to the 7 of bfloat16, unless a product asks for more. A
processor obeys no such wish, so that here each product rounds what goes into it, unless it asks for all.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from conftest import assert_close, random_activities, random_network

from bpc_minimal import (
    BIDIRECTIONAL,
    Config,
    energy,
    fit,
    infer,
    make_state,
    train_step,
    weight_gradient,
)
from bpc_minimal.curvature import spectral_norms

CONFIG = Config(
    sizes=(10, 24, 20, 784), activation="tanh", steps=2, batch_size=32, iterations=40,
    evaluate_every=40, learning_rate=1e-2, seed=3,
)  # fmt: skip
ENDS = [True, False, False, True]
WISHES = {10: "tensorfloat32", 7: "bfloat16"}  # by the bits that are kept


@pytest.fixture(params=WISHES)
def bits(request, monkeypatch):
    """Make products as a device does that keeps so many bits; those of the gradients too."""
    multiply = jnp.matmul

    @jax.custom_vjp
    def product(x, y):
        return multiply(*(jax.lax.reduce_precision(a, 8, request.param) for a in (x, y)))

    product.defvjp(
        lambda x, y: (product(x, y), (x, y)),
        lambda kept, g: (product(g, kept[1].T), product(kept[0].T, g)),
    )

    def matmul(x, y, precision=None):
        return multiply(x, y, precision=precision) if precision == "highest" else product(x, y)

    jax.clear_caches()
    monkeypatch.setattr(jnp, "matmul", matmul)
    yield request.param
    jax.clear_caches()


def of_everything(digits):
    """Norms, energies, settled activities and gradients of a network, and a run of a few iterations."""
    network, z = random_network(), random_activities(1)
    settled = infer(network, z, ENDS, steps=5, step_size=1.0)
    return (
        spectral_norms(network),
        energy(network, z),
        settled,
        weight_gradient(network, settled, BIDIRECTIONAL),
        fit(CONFIG.replace(iterations=8), digits)[1].losses,
    )


@pytest.fixture(scope="module")
def exact(digits):
    return of_everything(digits)


def test_a_device_that_leaves_digits_out_leaves_none_out_here(exact, bits, digits):
    assert_close(of_everything(digits), exact, 1e-5)


def test_without_these_digits_no_result_would_be_as_close(exact, bits, digits):
    """A reader's own wish for speed is obeyed, and costs what it costs; the norms are bounds all the same."""
    with jax.default_matmul_precision(WISHES[bits]):
        norms, *others = of_everything(digits)
    assert_close(norms, exact[0], 1e-5)
    for ours, theirs in zip(others, exact[1:], strict=True):
        with pytest.raises(AssertionError):
            assert_close(ours, theirs, 2.0**-bits / 30)


def test_with_fewer_digits_it_learns_all_the_same(bits, digits):
    with jax.default_matmul_precision(WISHES[bits]):
        fewer = fit(CONFIG, digits)[1].evaluations[-1]
    assert fewer["accuracy"] > 50  # chance is 10


def test_training_in_float64_is_that_in_float32_with_more_digits(digits, float64):
    double, single = make_state(CONFIG, 40), make_state(CONFIG, 40)
    single = jax.tree.map(lambda x: x.astype(np.float32) if x.dtype == float else x, single)
    for i in range(0, 320, 32):
        images, labels = digits.images[i : i + 32], digits.labels[i : i + 32]
        double, losses = train_step(double, images, labels, CONFIG, 40)
        single, rounded = train_step(single, images, labels, CONFIG, 40)
        assert_close(rounded, losses, 1e-5)
    assert {leaf.dtype.name for leaf in jax.tree.leaves(double.network)} == {"float64"}
    assert {leaf.dtype.name for leaf in jax.tree.leaves(single.network)} == {"float32"}
    assert_close(single.network, double.network, 1e-3)


def test_a_run_in_float64_learns(digits, float64):
    network, history = fit(CONFIG, digits)
    assert {leaf.dtype.name for leaf in jax.tree.leaves(network)} == {"float64"}
    assert history.evaluations[-1]["accuracy"] > 50


def test_in_bfloat16_gradients_point_alike_and_plain_steps_learn():
    """Of 8 bits; Adam needs more for its means of squares, so that `train_step` refuses such weights."""
    network, z = random_network(), random_activities(1)
    half, z16 = jax.tree.map(lambda x: x.astype(jnp.bfloat16), (network, z))

    def gradient(network, z):
        settled = infer(network, z, ENDS, steps=5, step_size=0.5)
        return weight_gradient(network, settled, BIDIRECTIONAL), energy(network, settled).mean()

    for ours, theirs in zip(*(map(jnp.ravel, jax.tree.leaves(gradient(*given)[0]))
                              for given in ((half, z16), (network, z))), strict=True):  # fmt: skip
        ours = ours.astype(np.float32)
        along = ours @ theirs / (jnp.linalg.norm(ours) * jnp.linalg.norm(theirs))
        assert along > 0.99
    energies = []
    for _ in range(30):
        steps, now = gradient(half, z16)
        energies.append(float(now))
        half = jax.tree.map(lambda w, g: w - 0.01 * g, half, steps)
    assert {leaf.dtype.name for leaf in jax.tree.leaves(half)} == {"bfloat16"}
    assert energies[-1] < 0.9 * energies[0]


def test_adam_is_not_given_bfloat16(digits):
    state = make_state(CONFIG, 40)
    half = jax.tree.map(lambda x: x.astype(jnp.bfloat16) if x.dtype == np.float32 else x, state)
    with pytest.raises(ValueError, match="float32 or float64 expected"):
        train_step(half, digits.images[:32], digits.labels[:32], CONFIG, 40)
