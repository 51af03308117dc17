"""The law of the default step: up to a rate of 1 a step cannot raise the energy while the active units stay.

It rests on norms that are bounded from above, for every network and at every moment of a run.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from conftest import SIZES, assert_close, random_activities, random_network, same_bits

from bpc_minimal import (
    BIDIRECTIONAL,
    DISCRIMINATIVE,
    GENERATIVE,
    HYBRID,
    Config,
    Rule,
    energy,
    infer,
    load_mnist,
    make_network,
    make_state,
    preset,
    sweep_down,
)
from bpc_minimal.curvature import (
    IN_TRAINING,
    SLACK,
    Norms,
    curvatures,
    follow_norms,
    layer_steps,
    relative_step,
    spectral_norm,
    spectral_norms,
    weights,
)
from bpc_minimal.learning import train_step
from bpc_minimal.network import ACTIVATIONS
from bpc_minimal.training import shuffled

GEN, DISC, NONE = (0.3, 0.02, 0.1), (1.0, 0.5, 2.0), (0.0,) * 3
RULES = (GENERATIVE, DISCRIMINATIVE, HYBRID, BIDIRECTIONAL, Rule(moves=(0.3, 0.7)))


def exact(W):
    return np.linalg.norm(np.asarray(W, np.float64), 2)


# Norms ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("squarings", range(7))
def test_norms_are_bounded_from_above_and_the_closer_the_more_squarings(squarings):
    """Fresh, flat, low in rank, dominated by one direction, tall, wide, tiny, huge."""
    rng = np.random.default_rng(0)
    one = rng.normal(size=(300, 1)) @ rng.normal(size=(1, 300))
    matrices = [
        *(layer.weight for layer in make_network(jax.random.PRNGKey(0)).generator),
        np.eye(300),
        one,
        one + rng.normal(size=(300, 300)),
        np.linalg.qr(rng.normal(size=(300, 300)))[0][:, :40],
        rng.normal(size=(1, 784)) * 1e-12,
        rng.normal(size=(784, 2)) * 1e12,
        rng.normal(size=(784, 2)) * 1e-30,
        np.full((4, 4), 8e37),
    ]
    for W in matrices:
        W = jnp.asarray(W, jnp.float32)
        found = float(spectral_norm(W, squarings))
        most = min(W.shape) ** (1 / 2 ** (squarings + 2))
        assert exact(W) <= found <= 1.001 * most * exact(W)


def test_half_precision_is_measured_in_float32():
    W = jax.random.normal(jax.random.PRNGKey(0), (40, 30))
    for dtype in (jnp.float16, jnp.bfloat16):
        narrow = W.astype(dtype)
        assert spectral_norm(narrow).dtype == jnp.float32
        assert exact(narrow.astype(jnp.float32)) <= spectral_norm(narrow)


def test_norms_of_nothing_are_nothing_and_scale_with_the_weights():
    network = random_network()
    norms = spectral_norms(network)
    for factor in (1e-6, 100.0):
        other = jax.tree.map(lambda w: factor * w, network)  # noqa: B023
        assert_close(jax.tree.map(lambda n: n / factor, spectral_norms(other)), norms)  # noqa: B023
    nothing = spectral_norms(jax.tree.map(jnp.zeros_like, network))
    assert max(jax.tree.leaves(nothing)) < 1e-30


# The energy -----------------------------------------------------------------------------------------


def try_networks(sizes, activation, rule, clamped, seed, count, steps):
    """Settle `count` random networks of one shape at a rate of 1; give what rose, step by step.

    Weights and precisions over four orders of magnitude; a rise counts where no unit of the example
    switched in that step.
    """
    L = len(sizes) - 1

    def one(key):
        key, size, gen, disc = jax.random.split(key, 4)
        network = make_network(key, sizes, activation)
        scale = 10 ** jax.random.uniform(size, (), minval=-1.0, maxval=1.5)
        network = jax.tree.map(lambda w: scale * w, network)
        alphas = [10 ** jax.random.uniform(k, (L,), minval=-4.0, maxval=1.0) for k in (gen, disc)]
        keys = jax.random.split(key, L + 1)
        z = [jax.random.normal(k, (2, n)) for k, n in zip(keys, sizes, strict=True)]
        settled = infer(
            network, z, clamped, rule, steps, 1.0,
            alpha_gen=[*alphas[0]], alpha_disc=[*alphas[1]], record=True,
        )  # fmt: skip
        active = [states > 0 for states in settled.trajectory[1:-1]]
        same = jnp.ones((steps, 2), bool)
        for states in active:
            same &= (states[1:] == states[:-1]).all(axis=-1)
        same |= activation == "linear"
        before, after = settled.energies[:-1], settled.energies[1:]
        rounding = 1e-5 * before + 1e-9 * settled.energies[0]  # of float32, at rest too
        rose = same & (after > before + rounding)
        norms = [
            (W, bound)
            for W, bound in zip(
                jax.tree.leaves(weights(network)),
                jax.tree.leaves(spectral_norms(network)),
                strict=True,
            )
        ]
        return rose.any(axis=0), settled.energies[-1] <= settled.energies[0], norms, same.mean()

    keys = jax.random.split(jax.random.PRNGKey(seed), count)
    rose, fell, norms, same = jax.jit(jax.vmap(one))(keys)
    for W, bound in norms:
        assert (np.linalg.norm(W, 2, axis=(1, 2)) <= bound * (1 + 1e-5)).all()
    return np.asarray(rose), np.asarray(fell), float(same.mean())


def some(seed):
    rng = np.random.default_rng(seed)
    depth = int(rng.integers(1, 5))
    sizes = tuple(int(n) for n in rng.integers(1, 40, depth + 1))
    activation = ("linear", "relu", "leaky_relu")[seed % 3]
    clamped = [bool(c) for c in rng.random(depth + 1) < 0.3]
    if all(clamped):
        clamped[0] = False
    return sizes, activation, RULES[seed % len(RULES)], clamped


@pytest.mark.parametrize("seed", range(3))
def test_no_step_at_a_rate_of_one_raises_the_energy(seed):
    rose, fell, same = try_networks(*some(seed), seed, count=4, steps=200)
    assert not rose.any() and fell.all() and same > 0.05


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(25))
def test_no_step_of_three_thousand_in_a_thousand_networks_raises_the_energy(seed):
    rose, _, same = try_networks(*some(seed), seed, count=40, steps=3000)
    assert not rose.any() and same > 0.05


def test_a_wide_linear_map_of_which_nothing_is_clamped():
    """Ten units and 784: bounds from below once let its energy grow from 34 to infinity."""
    network = make_network(jax.random.PRNGKey(0), (10, 784), "linear", False)
    z = [jax.random.normal(jax.random.PRNGKey(i), (5, n)) for i, n in enumerate((10, 784))]
    energies = infer(network, z, [False] * 2, GENERATIVE, 3000, 1.0, record=True).energies
    assert (np.diff(energies, axis=0) <= 0).all()
    assert (energies[-1] < 0.05 * energies[0]).all()


@pytest.mark.parametrize("activation", ["tanh", "gelu", "silu"])
def test_curved_activations_keep_the_law_near_rest(activation):
    """The bound leaves out act'' times the errors: small errors, as near a rest, cannot matter."""
    network = random_network(0, SIZES, activation)
    rest = sweep_down(network, random_activities(1)[0])
    keys = jax.random.split(jax.random.PRNGKey(2), len(rest))
    z = [r + 1e-2 * jax.random.normal(k, r.shape) for r, k in zip(rest, keys, strict=True)]
    settled = infer(network, z, [True, False, False, False], GENERATIVE, 500, 1.0, record=True)
    energies = np.asarray(settled.energies)
    assert (np.diff(energies, axis=0) <= 1e-5 * energies[:-1] + 1e-12).all()
    assert (energies[-1] < 0.1 * energies[0]).all()


def test_twice_the_bounded_curvature_holds_for_all_layers_together():
    """The Hessian, its layers scaled by their bounds, has no eigenvalue above 2."""
    network, z = random_network(0, (3, 4, 5, 6), "linear"), random_activities(1, (3, 4, 5, 6), 1)
    gen, disc = (0.3, 2.0, 0.1), (1.0, 0.5, 3.0)
    bounds = curvatures(network, gen, disc, spectral_norms(network))
    scale = jnp.concatenate(
        [jnp.full(n, 1 / jnp.sqrt(b)) for n, b in zip((3, 4, 5, 6), bounds, strict=True)]
    )
    split = np.cumsum((3, 4, 5))
    flat = jnp.concatenate(z, axis=1)[0]

    def energy_of_all(x):
        return energy(network, [part[None] for part in jnp.split(x, split)], gen, disc)[0]

    hessian = jax.jit(jax.hessian(energy_of_all))(flat)
    eigenvalues = np.linalg.eigvalsh(scale[:, None] * hessian * scale)
    assert 1.0 < eigenvalues.max() <= 2 + 1e-5
    for l, (a, b) in enumerate(zip([0, *split], [*split, len(flat)], strict=True)):
        assert np.linalg.eigvalsh(hessian[a:b, a:b]).max() <= bounds[l] * (1 + 1e-5)


@pytest.mark.parametrize(("gen", "disc"), [(GEN, NONE), (NONE, DISC)])
def test_curvature_of_one_kind_of_error_is_exact_in_a_linear_network(gen, disc):
    """With exact norms its bound is the largest eigenvalue of a layer's own block of the Hessian."""
    sizes = (3, 5, 4, 6)
    network, z = random_network(0, sizes, "linear"), random_activities(1, sizes, 1)
    bounds = curvatures(network, gen, disc, jax.tree.map(exact, weights(network)))

    def energy_of_layer(x, l):
        return energy(network, [*z[:l], x[None], *z[l + 1 :]], gen, disc)[0]

    for l in range(4):
        block = jax.jit(jax.hessian(energy_of_layer), static_argnums=1)(z[l][0], l)
        np.testing.assert_allclose(bounds[l], np.linalg.eigvalsh(block).max(), rtol=1e-4)


def test_a_steeper_activation_bends_the_energy_of_hidden_layers_more():
    linear, steep = (random_network(0, SIZES, name) for name in ("linear", "gelu"))
    norms = spectral_norms(linear)
    flat, curved = (curvatures(network, GEN, DISC, norms) for network in (linear, steep))
    own = [DISC[0], GEN[0] + DISC[1], GEN[1] + DISC[2], GEN[2]]
    for l in range(4):
        square = 1.0 if l in (0, 3) else ACTIVATIONS["gelu"].steepness ** 2
        assert float(curved[l] - own[l]) == pytest.approx(float(square * (flat[l] - own[l])), 1e-4)


def test_the_relative_step_is_measured():
    """Half the weights, another ratio for the same step; the rate at most for steps by the curvature."""
    network = random_network()
    half = jax.tree.map(lambda w: w / 2, network)
    a, b = (float(relative_step(n, GEN, DISC, [0.1] * 4)) for n in (network, half))
    bounds = curvatures(network, GEN, DISC, jax.tree.map(exact, weights(network)))
    assert 0 < b < a and max(bounds[1:-1]) / 10 * (1 - 1e-5) <= a < max(bounds[1:-1]) / 10 * 1.3
    steps = layer_steps(network, GEN, DISC, 0.7, spectral_norms(network, IN_TRAINING))
    assert 0.4 < float(relative_step(network, GEN, DISC, steps)) <= 0.7


def test_the_relative_step_is_that_of_hidden_layers():
    network = random_network()
    steps = [0.01] * 4
    asked = [50.0, *steps[1:-1], 50.0]  # ends that are clamped or free, as the task has it
    hidden, same = (float(relative_step(network, GEN, DISC, each)) for each in (steps, asked))
    assert hidden == same
    # Without hidden layers there are but the ends.
    pair = make_network(jax.random.PRNGKey(0), (3, 4))
    longer = [float(relative_step(pair, GEN[:1], DISC[:1], [0.01 * k] * 2)) for k in (1, 2)]
    assert_close(longer[1], 2 * longer[0])


# While weights learn --------------------------------------------------------------------------------


def test_norms_that_are_followed_stay_bounds_and_are_measured_when_they_grow():
    """Whatever is added: along the largest direction, at random, away from it, nothing, all at once."""
    network = random_network(0, (10, 30, 20, 784))
    measured = spectral_norms(network, IN_TRAINING)
    norms, anew = Norms(measured, measured), 0
    rng = np.random.default_rng(0)
    follow = jax.jit(lambda *given: follow_norms(*given, [False] * 4))
    for i in range(60):
        kind, size = i % 5, 10 ** rng.uniform(-3, 1)

        def added(W, kind=kind, size=size):
            if W.ndim < 2 or kind == 3:
                return jnp.zeros_like(W)
            u, s, v = np.linalg.svd(np.asarray(W), full_matrices=False)
            along = size * np.outer(u[:, 0], v[0])
            noise = size * rng.normal(size=W.shape) / np.sqrt(W.size)
            return jnp.asarray(
                {0: along, 1: noise, 2: -s[0] * along / size, 4: along + noise}[kind], W.dtype
            )

        updates = jax.tree.map(added, network)
        earlier, network = network, jax.tree.map(jnp.add, network, updates)
        before = norms
        norms = follow(norms, earlier, network)
        parts = (*norms, *before, weights(network), weights(updates))
        for now, was, earlier, base, W, U in zip(*map(jax.tree.leaves, parts), strict=True):
            assert exact(W) * (1 - 1e-5) <= now <= SLACK * was * (1 + 1e-5)
            grown = earlier + np.linalg.norm(U)
            if was != base:
                assert_close(now, spectral_norm(W, IN_TRAINING), 1e-5)
            if grown < SLACK * base * (1 - 1e-4):  # not measured where it need not be
                assert was == base
                assert_close(now, grown, 1e-4)
        anew += not same_bits(before.measured, norms.measured)
        if kind == 3:
            assert_close(before.now, norms.now, 1e-5)
    assert 5 < anew < 60


@pytest.mark.parametrize(
    "clamped",
    [
        [True, False, False, True],
        [True, False, False, jnp.ones((1, 8), bool)],  # pixel by pixel, a layer may move
        [False, True, True, False],
        [False, True],
        [True, True],
    ],
)
def test_norms_that_only_clamped_layers_ask_for_are_bounds_and_not_measured_anew(clamped):
    """What the steps of the others are made of is measured anew, and nothing else."""
    L = len(clamped) - 1
    network = random_network(0, (5, 6, 7, 8)[: L + 1])
    larger = jax.tree.map(lambda W: 3 * W, network)
    first = spectral_norms(network)
    norms = follow_norms(Norms(first, first), network, larger, clamped)
    fresh = spectral_norms(larger, IN_TRAINING)
    whole = [stays is True for stays in clamped]
    for kind, layers in (("generator", range(L)), ("amortiser", range(1, L + 1))):
        parts = (getattr(part, kind) for part in (weights(larger), *norms, first, fresh))
        for l, W, now, measured, once, anew in zip(layers, *parts, strict=True):
            assert exact(W) <= now * (1 + 1e-6)
            assert float(measured) == (once if whole[l] else pytest.approx(float(anew), 1e-5))
            assert whole[l] or now == measured
    ours, theirs = (
        layer_steps(larger, GEN[:L], DISC[:L], 1.0, each) for each in (norms.now, fresh)
    )
    for stays, our, their in zip(whole, ours, theirs, strict=True):
        assert stays or float(our) == pytest.approx(float(their), 1e-5)


@pytest.mark.parametrize(
    ("dtype", "at", "added"),
    [(jnp.float16, 1e-4, 2e-5), (jnp.float32, 1e-21, 1e-21), (jnp.bfloat16, 1e-25, 1e-24)],
)
def test_updates_whose_squares_vanish_do_not_escape_a_bound(dtype, at, added):
    network = make_network(jax.random.PRNGKey(0), (4, 4), use_bias=False)
    network = jax.tree.map(lambda W: jnp.full_like(W, at, dtype), network)
    norms = Norms(*[spectral_norms(network, IN_TRAINING)] * 2)
    for _ in range(12):
        moved = jax.tree.map(lambda W: W + jnp.asarray(added, dtype), network)
        norms, network = follow_norms(norms, network, moved, [False] * 2), moved
    for W, now in zip(*map(jax.tree.leaves, (weights(network), norms.now)), strict=True):
        assert exact(W) <= float(now)
        assert dtype != jnp.float16 or now < 1.5 * exact(W)  # float32 has room for its squares


def test_steps_of_a_map_without_weights_have_a_gradient():
    network = random_network()
    network = eqx.tree_at(lambda n: n.generator[1].weight, network, replace_fn=jnp.zeros_like)

    def after(network):
        z = infer(network, random_activities(1), [True, False, False, True], steps=2)
        return sum(jnp.sum(part**2) for part in z)

    assert all(np.isfinite(g).all() for g in jax.tree.leaves(jax.grad(after)(network)))


def test_updates_below_rounding_do_not_escape_a_bound():
    """Weights that round up by more than was added, coherently, for thousands of iterations."""
    network = make_network(jax.random.PRNGKey(0), (30, 30), use_bias=False)
    network = jax.tree.map(lambda W: jnp.full_like(W, 0.95), network)
    updates = jax.tree.map(lambda W: jnp.full_like(W, 4e-8), network)
    measured = spectral_norms(network, IN_TRAINING)

    def learn(_, carry):
        network, norms = carry
        moved = jax.tree.map(jnp.add, network, updates)
        return moved, follow_norms(norms, network, moved, [False] * 2)

    network, norms = jax.lax.fori_loop(0, 20_000, learn, (network, Norms(measured, measured)))
    for W, now in zip(*map(jax.tree.leaves, (weights(network), norms.now)), strict=True):
        assert exact(W) > 0.951 * 30 and exact(W) <= now


def holds(W, bound):
    """Whether bound^2 I - W W' has a Cholesky factor: exactly where the bound is one."""
    W = W if W.shape[0] < W.shape[1] else W.T
    gap = bound**2 * (1 + 1e-5) * jnp.eye(len(W)) - W @ W.T
    return jnp.isfinite(jnp.linalg.cholesky(gap)).all()


def train_and_compare(config, iterations):
    """Whether, after each iteration of a run, all bounds were bounds, and inference lowered the energy."""
    images, labels = (jnp.asarray(part) for part in load_mnist("fit"))
    total, size = config.total(len(images)), config.batch_size
    state = make_state(config, total)
    per_pass = len(images) // size

    @jax.jit
    def run(state):
        def iterate(state, _):
            order = shuffled(state.key, state.iteration // per_pass, len(images))
            chosen = jax.lax.dynamic_slice(order, (state.iteration % per_pass * size,), (size,))
            state, losses = train_step(
                state, images[chosen], labels[chosen].astype(jnp.int32), config, total
            )
            pairs = zip(
                jax.tree.leaves(weights(state.network)),
                jax.tree.leaves(state.norms.now),
                strict=True,
            )
            good = jnp.stack([holds(W, bound) for W, bound in pairs])
            return state, (good, losses["energy"] <= losses["energy_before"] * (1 + 1e-5))

        return jax.lax.scan(iterate, state, None, length=iterations)[1]

    return run(state)


def test_a_runs_bounds_are_bounds_at_every_iteration():
    config = Config(sizes=(10, 30, 30, 784), iterations=60, learning_rate=1e-2)
    good, lower = train_and_compare(config, 60)
    assert good.shape == (60, 6) and good.all() and lower.all()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("config", "iterations"),
    [
        (preset("fast"), 1287),
        (preset("best"), 300),
        (preset("best", sizes=(10, 2048, 2048, 784)), 12),
        (preset("fast", learning_rate=0.05), 100),
        (Config(epochs=1), 300),
    ],
    ids=["fast", "best", "wide", "quick", "default"],
)
def test_the_presets_bounds_are_bounds_at_every_iteration(config, iterations):
    """The whole of `best` is a section of the benchmarks: it takes minutes."""
    good, lower = train_and_compare(config, iterations)
    assert good.all() and lower.all()


@pytest.mark.parametrize("shape", [(10, 784), (784, 10), (30, 30)])
def test_a_norm_is_measured_on_the_smaller_side(shape):
    """Of 10 by 784 numbers a square of 784 would cost eighty times as much."""
    program = str(jax.make_jaxpr(spectral_norm)(jnp.ones(shape)))
    assert f"[{min(shape)},{min(shape)}]" in program
    assert min(shape) == max(shape) or f"[{max(shape)},{max(shape)}]" not in program


def test_a_bound_is_measured_anew_once_it_has_grown_by_two_fifths():
    """Closer to 1 it would be measured at every iteration, and a looser one costs settling its pace."""
    assert SLACK == 1.4
