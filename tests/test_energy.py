"""Laws of the network and of the energy: what its gradients are, and that examples are independent."""

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
    activity_gradient,
    energy,
    errors,
    make_network,
    sweep_down,
    sweep_up,
    weight_gradient,
)
from bpc_minimal.network import ACTIVATIONS

GEN, DISC = (0.3, 0.02, 0.1), (1.0, 0.5, 2.0)
L = len(SIZES) - 1


@pytest.fixture(autouse=True)
def all_digits():
    """What is multiplied by hand here keeps the digits that a GPU would leave out, as the package does."""
    with jax.default_matmul_precision("highest"):
        yield


def slope(network, l, z):
    """act'(z), element by element; 1 at the two ends."""
    if l in (0, L):
        return jnp.ones_like(z)
    return jax.vmap(jax.vmap(jax.grad(ACTIVATIONS[network.activation].function)))(z)


@pytest.mark.parametrize(
    ("activation", "use_bias"),
    [
        ("tanh", True),
        ("relu", True),
        ("gelu", True),
        ("silu", False),
        ("leaky_relu", True),
        ("linear", False),
    ],
)
def test_energy_is_half_the_weighed_sum_of_squares(activation, use_bias):
    network, z = random_network(0, SIZES, activation, use_bias), random_activities(1)
    act = ACTIVATIONS[activation].function
    expected = np.zeros(len(z[0]))
    for i in range(len(z[0])):  # one example, one layer, one unit at a time
        for l in range(L):
            up, down = network.generator[l], network.amortiser[l]
            rate = z[l][i] if l == 0 else act(z[l][i])
            rate_above = z[l + 1][i] if l + 1 == L else act(z[l + 1][i])
            e = z[l + 1][i] - up.weight @ rate - (up.bias if use_bias else 0)
            d = z[l][i] - down.weight @ rate_above - (down.bias if use_bias else 0)
            expected[i] += 0.5 * GEN[l] * sum(e**2) + 0.5 * DISC[l] * sum(d**2)
    np.testing.assert_allclose(energy(network, z, GEN, DISC), expected, rtol=1e-5)


@pytest.mark.parametrize("activation", ["tanh", "relu", "gelu"])
def test_activity_gradient_by_hand_equals_autodiff(activation):
    network, z = random_network(2, SIZES, activation), random_activities(3)
    e, d = errors(network, z)
    gen, disc = (0.0, *GEN), (*DISC, 0.0)  # as gen[l], disc[l] of layer l
    by_hand = []
    for l in range(L + 1):
        back = jnp.zeros_like(z[l])
        if l < L:
            back += gen[l + 1] * e[l + 1] @ network.generator[l].weight
        if l > 0:
            back += disc[l - 1] * d[l - 1] @ network.amortiser[l - 1].weight
        by_hand.append(gen[l] * e[l] + disc[l] * d[l] - slope(network, l, z[l]) * back)
    assert_close(by_hand, jax.grad(lambda z: energy(network, z, GEN, DISC).sum())(z))
    assert_close(activity_gradient(network, z, GEN, DISC), by_hand)


@pytest.mark.parametrize("activation", ["tanh", "relu", "gelu"])
def test_weight_gradient_is_local_error_times_activity(activation):
    network, z = random_network(4, SIZES, activation), random_activities(5)
    e, d = errors(network, z)
    gradient = weight_gradient(network, z, BIDIRECTIONAL, GEN, DISC)
    rate, batch = [network.act(l, z[l]) for l in range(L + 1)], len(z[0])
    for l in range(L):
        assert_close(gradient.generator[l].weight, -GEN[l] * e[l + 1].T @ rate[l] / batch)
        assert_close(gradient.amortiser[l].weight, -DISC[l] * d[l].T @ rate[l + 1] / batch)
        assert_close(gradient.generator[l].bias, -GEN[l] * e[l + 1].mean(0))
        assert_close(gradient.amortiser[l].bias, -DISC[l] * d[l].mean(0))


def test_hybrid_amortiser_learns_from_the_sweep():
    network, z = random_network(6), random_activities(7)
    swept = sweep_up(network, z[-1])
    gradient = weight_gradient(network, z, HYBRID, GEN, DISC, swept)
    for l in range(L):
        d = z[l] - network.g(l, swept[l + 1])
        by_hand = -DISC[l] * d.T @ network.act(l + 1, swept[l + 1]) / len(d)
        assert_close(gradient.amortiser[l].weight, by_hand)
    # The generator learns from the settled values, as in generative PC.
    assert_close(gradient.generator, weight_gradient(network, z, GENERATIVE, GEN, DISC).generator)


@pytest.mark.parametrize(
    ("rule", "idle"), [(GENERATIVE, "amortiser"), (DISCRIMINATIVE, "generator")]
)
def test_errors_that_do_not_teach_leave_their_weights_alone(rule, idle):
    network, z = random_network(), random_activities(1)
    gradient = weight_gradient(network, z, rule, GEN, DISC)
    assert all((leaf == 0).all() for leaf in jax.tree.leaves(getattr(gradient, idle)))


def test_sweeps_leave_no_error_of_their_own():
    network, z = random_network(), random_activities(1)
    e, _ = errors(network, sweep_down(network, z[0]))
    _, d = errors(network, sweep_up(network, z[-1]))
    for error in (*e, *d):
        assert (error == 0).all()


def test_first_error_is_zero_where_nothing_predicts():
    network, z = random_network(), random_activities(1)
    e, d = errors(network, z)
    assert (e[0] == 0).all() and (d[-1] == 0).all()
    assert len(e) == len(d) == L + 1


def test_energy_of_an_example_does_not_depend_on_its_batch():
    network, z = random_network(), random_activities(1, batch=6)
    whole = energy(network, z)
    np.testing.assert_allclose(whole[2:4], energy(network, [x[2:4] for x in z]), rtol=1e-6)
    order = jnp.array([3, 1, 5, 0, 2, 4])
    np.testing.assert_allclose(whole[order], energy(network, [x[order] for x in z]), rtol=1e-6)


def test_energy_does_not_change_when_hidden_units_swap_places():
    network, z = random_network(), random_activities(1)
    order = jax.random.permutation(jax.random.PRNGKey(0), SIZES[1])
    leaves = lambda n: (  # noqa: E731
        n.generator[0].weight, n.generator[0].bias, n.generator[1].weight,
        n.amortiser[0].weight, n.amortiser[1].weight, n.amortiser[1].bias,
    )  # fmt: skip
    import equinox as eqx

    a, b, c, p, q, r = leaves(network)
    swapped = eqx.tree_at(
        leaves, network, (a[order], b[order], c[:, order], p[:, order], q[order], r[order])
    )
    moved = [z[0], z[1][:, order], *z[2:]]
    np.testing.assert_allclose(energy(network, z), energy(swapped, moved), rtol=1e-5)


def test_precision_of_zero_leaves_its_error_out():
    network, z = random_network(), random_activities(1)
    z[1] = z[1].at[:].set(1e30)  # its square overflows, where it is looked at
    assert jnp.isfinite(energy(network, z, (0, 0, 1.0), (0, 0, 1.0))).all()
    assert not jnp.isfinite(energy(network, z)).all()


def test_one_precision_is_the_same_for_each_layer():
    network, z = random_network(), random_activities(1)
    assert (energy(network, z, 0.1, 2.0) == energy(network, z, (0.1,) * L, (2.0,) * L)).all()


def test_precisions_may_be_arrays_and_traced():
    network, z = random_network(), random_activities(1)
    expected = energy(network, z, GEN, 2.0)
    assert_close(energy(network, z, jnp.array(GEN), jnp.array(2.0)), expected, 1e-6)
    traced = jax.jit(lambda gen, disc: energy(network, z, gen, disc))
    assert_close(traced(jnp.array(GEN), 2.0), expected, 1e-6)
    with pytest.raises(ValueError, match="alpha_disc of 2 numbers given, 3 expected"):
        energy(network, z, 1.0, jnp.ones(2))


@pytest.mark.parametrize("use_bias", [True, False])
def test_a_new_network_is_drawn_to_the_bit_as_equinox_draws(use_bias):
    key, sizes = jax.random.PRNGKey(3), (3, 9, 4)
    keys, ends = jax.random.split(key, 4), [(3, 9), (9, 4), (9, 3), (4, 9)]
    expected = [eqx.nn.Linear(*shape, use_bias, key=k) for shape, k in zip(ends, keys, strict=True)]
    network = make_network(key, sizes, use_bias=use_bias)
    assert same_bits((network.generator, network.amortiser), expected)
    compiled = eqx.filter_jit(lambda key: make_network(key, sizes, use_bias=use_bias))(key)
    assert_close(compiled, network, 1e-7)


def test_depth_of_one_has_no_hidden_layer():
    network = make_network(jax.random.PRNGKey(0), (10, 784))
    z = random_activities(0, (10, 784))
    assert energy(network, z).shape == (5,)
    assert network.depth == 1 and network.sizes == (10, 784)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda z: z[:-1], "3 layers of activities given, 4 expected"),
        (lambda z: z[::-1], r"layer 0 \(the label\), floats of shape \(batch, 10\) expected"),
        (lambda z: [z[0][:3], *z[1:]], "each layer must have the same batch"),
        (lambda z: [*z[:-1], z[-1].astype(int)], "normalise"),
        (lambda z: [jnp.argmax(z[0], 1), *z[1:]], "one_hot"),
        (lambda z: [z[0], z[1].at[0, 0].set(jnp.nan), *z[2:]], "NaN or infinity"),
        (lambda z: ["label", *z[1:]], "an array of numbers expected"),
    ],
)
def test_wrong_activities_are_named(change, message):
    network, z = random_network(), random_activities(1)
    for function in (energy, errors):
        with pytest.raises(ValueError, match=message):
            function(network, change(z))
        with pytest.raises(ValueError, match=message):
            function(network, z, amortiser_inputs=change(z))


def test_what_the_amortiser_sees_is_of_as_many_examples():
    network, z = random_network(), random_activities(1)
    few = [z_l[:1] for z_l in z]
    with pytest.raises(ValueError, match="amortiser_inputs for 1 examples given, 5 expected"):
        energy(network, z, amortiser_inputs=few)
    with pytest.raises(ValueError, match="amortiser_inputs for 5 examples given, 1 expected"):
        energy(network, few, amortiser_inputs=z)
    with pytest.raises(ValueError, match="0 layers of activities given, 4 expected"):
        energy(network, z, amortiser_inputs=[])


def test_wrong_number_of_precisions_is_named():
    with pytest.raises(ValueError, match="alpha_gen of 2 numbers given, 3 expected"):
        energy(random_network(), random_activities(1), (1.0, 1.0))


def test_a_number_is_no_key_and_a_word_no_choice():
    with pytest.raises(ValueError, match=r"key=3 given, .*jax.random.PRNGKey\(0\)"):
        make_network(3)
    with pytest.raises(ValueError, match="use_bias='no' given, True or False expected"):
        make_network(jax.random.PRNGKey(0), use_bias="no")


@pytest.mark.parametrize("sizes", [(10,), (), (10, 0, 784), (10, 2.5, 784), (10, -1)])
def test_wrong_sizes_are_named(sizes):
    with pytest.raises(ValueError, match="two or more positive whole numbers expected"):
        make_network(jax.random.PRNGKey(0), sizes)


def test_unknown_activation_is_named_with_the_choices():
    with pytest.raises(ValueError, match="unknown activation 'rleu'; choose one of linear, relu"):
        make_network(jax.random.PRNGKey(0), activation="rleu")


def test_labels_and_images_cannot_be_mistaken_in_a_sweep():
    network = random_network()
    with pytest.raises(ValueError, match="one_hot"):
        sweep_down(network, jnp.zeros((2, 784)))
    with pytest.raises(ValueError, match="normalise"):
        sweep_up(network, jnp.zeros((2, 28, 28)))


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_a_gradient_of_no_numbers_is_refused(wrong):
    network, z = random_network(), random_activities(1)
    z[1] = z[1].at[0, 0].set(wrong)
    with pytest.raises(ValueError, match="NaN or infinity"):
        activity_gradient(network, z)
    with pytest.raises(ValueError, match=r"int32 .* given as activities of layer 1"):
        activity_gradient(network, [z[0], jnp.ones(z[1].shape, jnp.int32), *z[2:]])


@pytest.mark.filterwarnings("error")
def test_numpys_float64_is_taken_as_it_comes():
    network, z = random_network(0), random_activities(1)
    as_numpy = [np.asarray(z_l, np.float64) for z_l in z]
    assert_close(energy(network, as_numpy), energy(network, z))
