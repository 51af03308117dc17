"""Laws of inference: the energy falls, what is clamped stays, examples are independent."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from conftest import SIZES, assert_close, random_activities, random_network, same_bits, wide

from bpc_minimal import (
    BIDIRECTIONAL,
    DISCRIMINATIVE,
    GENERATIVE,
    HYBRID,
    Rule,
    activity_gradient,
    energy,
    infer,
    sweep_down,
    sweep_up,
)
from bpc_minimal.inference import start_activities

ENDS = [True, False, False, True]
FREE = {
    "train": ENDS,
    "classify": [False, False, False, True],
    "generate": [True, False, False, False],
    "nothing clamped": [False] * 4,
}


@pytest.mark.parametrize(
    ("clamped", "activation", "rule"),
    [
        *((clamped, "tanh", BIDIRECTIONAL) for clamped in FREE.values()),
        *((ENDS, activation, BIDIRECTIONAL) for activation in ("linear", "relu", "gelu")),
        *((FREE["classify"], "tanh", rule) for rule in (GENERATIVE, DISCRIMINATIVE, HYBRID)),
    ],
)
def test_energy_never_rises_for_small_steps(clamped, activation, rule):
    network, z = random_network(0, SIZES, activation), random_activities(1)
    settled = infer(network, z, clamped, rule, 30, 0.1, alpha_gen=0.1, record=True)
    rises = np.diff(np.asarray(settled.energies), axis=0)
    assert (rises <= 1e-5 * settled.energies[:-1]).all()
    assert (settled.energies[-1] < settled.energies[0]).all()


@pytest.mark.parametrize("clamped", FREE.values(), ids=FREE)
def test_rate_of_one_cannot_overshoot_in_a_linear_network(clamped):
    network, z = random_network(0, SIZES, "linear"), random_activities(1)
    settled = infer(network, z, clamped, steps=50, step_size=1.0, record=True)
    assert (np.diff(np.asarray(settled.energies), axis=0) <= 1e-5 * settled.energies[:-1]).all()


@pytest.mark.parametrize("clamped", FREE.values(), ids=FREE)
def test_in_turn_a_rate_near_two_cannot_raise_the_energy(clamped):
    network, z = random_network(0, SIZES, "linear"), random_activities(1)
    options = {"steps": 50, "step_size": 1.9, "record": True}
    energies = np.asarray(infer(network, z, clamped, in_turn=True, **options).energies)
    assert (np.diff(energies, axis=0) <= 1e-5 * energies[:-1]).all()


def test_all_at_once_a_rate_near_two_raises_the_energy():
    """Neighbours that move together overshoot together."""
    network, z = random_network(0, SIZES, "linear"), random_activities(1)
    energies = infer(network, z, [False] * 4, steps=50, step_size=1.9, record=True).energies
    assert (np.diff(np.asarray(energies), axis=0) > 0).any()


def test_in_turn_each_layer_sees_where_the_last_one_went():
    network, z = random_network(), random_activities(1)
    options = {"steps": 1, "step_size": 0.01, "step_rule": "fixed"}
    first = infer(network, z, [True, False, True, True], **options)
    second = infer(network, first, [True, True, False, True], **options)
    assert_close(infer(network, z, ENDS, in_turn=True, **options), second)
    with pytest.raises(AssertionError):
        assert_close(infer(network, z, ENDS, **options), second)


def test_in_turn_one_step_carries_the_label_to_every_layer():
    network, z = random_network(), random_activities(1)
    other = [z[0][::-1], *z[1:]]
    for in_turn, reached in ((True, [True, True]), (False, [True, False])):
        a, b = (infer(network, start, ENDS, steps=1, in_turn=in_turn) for start in (z, other))
        moved = [float(jnp.abs(x - y).max()) > 1e-6 for x, y in zip(a[1:3], b[1:3], strict=True)]
        assert moved == reached


@pytest.mark.parametrize("in_turn", [False, True])
def test_steps_relative_to_the_curvature_do_not_depend_on_the_unit_of_energy(in_turn):
    network, z = random_network(), random_activities(1)
    settled = infer(network, z, ENDS, alpha_gen=0.1, in_turn=in_turn)
    for unit in (1e-4, 1e3):
        other = infer(network, z, ENDS, alpha_gen=0.1 * unit, alpha_disc=unit, in_turn=in_turn)
        assert_close(other, settled, 1e-5)


def test_without_errors_nothing_moves():
    network, z = random_network(), random_activities(1)
    for step_rule in ("curvature", "fixed"):
        still = infer(network, z, ENDS, alpha_gen=0.0, alpha_disc=0.0, step_rule=step_rule)
        assert same_bits(still, z)


def test_settled_activities_have_no_gradient_left():
    network, z = random_network(0, SIZES, "linear"), random_activities(1)
    settled = infer(network, z, ENDS, steps=3000, step_size=1.0)
    gradient = activity_gradient(network, settled)
    assert max(float(jnp.abs(g).max()) for g in gradient[1:-1]) < 1e-3


def test_clamped_layers_never_move():
    network, z = random_network(), random_activities(1)
    for clamped in FREE.values():
        path = infer(network, z, clamped, steps=5, record=True).trajectory
        for stays, start, states in zip(clamped, z, path, strict=True):
            moved = (states != start).any()
            assert moved != stays


def test_clamped_pixels_never_move_and_free_ones_do():
    network, z = random_network(), random_activities(1)
    rng = np.random.default_rng(0)
    each = rng.random(z[-1].shape) < 0.5  # other pixels for each image
    for visible in (each, each[0]):  # or the same for all
        settled = infer(network, z, [False, False, False, visible], steps=5)
        stays = np.broadcast_to(visible, z[-1].shape)
        assert (np.asarray(settled[-1])[stays] == np.asarray(z[-1])[stays]).all()
        assert (np.asarray(settled[-1])[~stays] != np.asarray(z[-1])[~stays]).mean() > 0.99


@pytest.mark.parametrize("step_rule", ["curvature", "fixed"])
def test_results_do_not_depend_on_the_batch(step_rule):
    network, z = random_network(), random_activities(1, batch=6)
    options = {"steps": 10, "step_size": 0.005, "step_rule": step_rule}
    whole = infer(network, z, ENDS, **options)
    alone = [infer(network, [x[i : i + 1] for x in z], ENDS, **options) for i in range(6)]
    assert_close(whole, [jnp.concatenate(parts) for parts in zip(*alone, strict=True)], 1e-6)
    order = jnp.array([3, 1, 5, 0, 2, 4])
    assert_close(
        [x[order] for x in whole], infer(network, [x[order] for x in z], ENDS, **options), 1e-6
    )


def test_one_step_is_the_gradient_times_the_step():
    network, z = random_network(), random_activities(1)
    gradient = activity_gradient(network, z, 0.1)
    by_hand = [a if c else a - 0.03 * g for a, g, c in zip(z, gradient, ENDS, strict=True)]
    one = infer(network, z, ENDS, steps=1, step_size=0.03, step_rule="fixed", alpha_gen=0.1)
    assert_close(one, by_hand, 1e-6)


def test_without_generative_errors_bidirectional_is_discriminative():
    network, z = random_network(), random_activities(1)
    ours = infer(network, z, ENDS, BIDIRECTIONAL, alpha_gen=0.0)
    assert_close(ours, infer(network, z, ENDS, DISCRIMINATIVE, alpha_gen=0.7), 1e-6)


def test_without_discriminative_errors_bidirectional_is_generative_and_hybrid():
    network, z = random_network(), random_activities(1)
    ours = infer(network, z, ENDS, BIDIRECTIONAL, alpha_disc=0.0)
    assert_close(ours, infer(network, z, ENDS, GENERATIVE, alpha_disc=0.7), 1e-6)
    assert_close(ours, infer(network, z, ENDS, HYBRID, alpha_disc=0.7), 1e-6)


def test_free_label_settles_elsewhere_in_bidirectional_but_not_in_discriminative():
    network, z = random_network(), random_activities(1)
    swept = sweep_up(network, z[-1])
    clamped = FREE["classify"]
    assert_close(infer(network, swept, clamped, DISCRIMINATIVE, 20), swept, 1e-6)
    moved = infer(network, swept, clamped, BIDIRECTIONAL, 20)
    assert float(jnp.abs(moved[0] - swept[0]).max()) > 1e-3


def test_no_steps_change_nothing():
    network, z = random_network(), random_activities(1)
    assert all((a == b).all() for a, b in zip(infer(network, z, ENDS, steps=0), z, strict=True))
    settled = infer(network, z, ENDS, steps=0, record=True)
    assert settled.energies.shape == (1, 5)


def test_record_ends_where_inference_ends():
    network, z = random_network(), random_activities(1)
    settled = infer(network, z, ENDS, steps=7, alpha_gen=0.1, record=True)
    assert_close(settled.activities, infer(network, z, ENDS, steps=7, alpha_gen=0.1), 1e-6)
    assert_close([states[-1] for states in settled.trajectory], settled.activities, 0)
    assert settled.energies.shape == (8, 5)
    for i in range(8):
        state = [states[i] for states in settled.trajectory]
        assert_close(settled.energies[i], energy(network, state, 0.1))
    assert same_bits([states[0] for states in settled.trajectory], z)


def test_eight_steps_of_half_a_rate_unless_told_otherwise():
    network, z = random_network(), random_activities(1)
    assert same_bits(infer(network, z, ENDS), infer(network, z, ENDS, BIDIRECTIONAL, 8, 0.5))


@pytest.mark.parametrize("step_rule", ["curvature", "fixed"])
def test_the_step_may_be_traced(step_rule, float64):
    network, z = wide((random_network(), random_activities(1)))
    options = {"steps": 3, "step_rule": step_rule}
    traced = jax.jit(lambda size: infer(network, z, ENDS, step_size=size, **options))
    for size in (0.01, 0.02):
        assert_close(traced(size), infer(network, z, ENDS, step_size=size, **options), 1e-12)


def test_infer_is_the_same_inside_jit(float64):
    network, z = wide((random_network(), random_activities(1)))
    inside = jax.jit(lambda n, z: infer(n, z, ENDS, steps=4))(network, z)
    assert_close(inside, infer(network, z, ENDS, steps=4), 1e-12)


def test_activities_may_be_constants_inside_jit_and_vmap():
    z = random_activities(1)
    networks = [random_network(key) for key in range(2)]
    together = jax.tree.map(lambda *arrays: jnp.stack(arrays), *networks)
    found = jax.jit(jax.vmap(lambda network: infer(network, z, ENDS)))(together)
    for i, network in enumerate(networks):
        assert_close([part[i] for part in found], infer(network, z, ENDS))


def test_a_rule_in_a_line_is_between_its_neighbours():
    """Half the generative errors' weight is the same as half their precision."""
    network, z = random_network(), random_activities(1)
    half = Rule(moves=(0.5, 1.0), teaches=(0.5, 1.0))
    assert_close(
        infer(network, z, ENDS, half, alpha_gen=0.4),
        infer(network, z, ENDS, BIDIRECTIONAL, alpha_gen=0.2),
        1e-6,
    )


def test_the_four_models_differ_in_these_choices_alone():
    """Which errors move, which teach, where inference starts, what the amortiser sees."""
    assert BIDIRECTIONAL == Rule() == Rule((1, 1), (1, 1), "image", "settled")
    assert GENERATIVE == Rule((1, 0), (1, 0), "label", "settled")
    assert DISCRIMINATIVE == Rule((0, 1), (0, 1), "image", "settled")
    assert HYBRID == Rule((1, 0), (1, 1), "image", "swept")
    assert {Rule([0.5, 1])} == {Rule((0.5, 1.0))}  # compiled functions are looked up by their rule


@pytest.mark.parametrize("rule", ["hybrid", None, (1, 0)])
def test_what_is_no_rule_is_named(rule):
    network, z = random_network(), random_activities(1)
    with pytest.raises(ValueError, match="a Rule expected: GENERATIVE, DISCRIMINATIVE"):
        infer(network, z, ENDS, rule)


@pytest.mark.parametrize("pair", [5, (1,), (1, -1), (np.inf, 1), ("1", 1), "11"])
@pytest.mark.parametrize("name", ["moves", "teaches"])
def test_weights_that_are_none_are_refused(name, pair):
    with pytest.raises(ValueError, match=f"Rule {name}=.* given, two weights of 0 or more"):
        Rule(**{name: pair})


@pytest.mark.parametrize("dtype", [jnp.float16, jnp.bfloat16])
def test_half_precision_stays_half_precision(dtype):
    narrow = jax.tree.map(lambda x: x.astype(dtype), (random_network(), random_activities(1)))
    settled = infer(*narrow, ENDS, steps=3)
    assert {z.dtype for z in settled} == {jnp.dtype(dtype)}
    assert all(np.isfinite(np.asarray(z, np.float32)).all() for z in settled)


@pytest.mark.parametrize("rule", [BIDIRECTIONAL, GENERATIVE, DISCRIMINATIVE, HYBRID])
def test_start_keeps_the_given_ends(rule):
    network, z = random_network(), random_activities(1)
    for labels, images in ((z[0], z[-1]), (None, z[-1]), (z[0], None)):
        start = start_activities(network, rule, labels, images)
        assert [x.shape for x in start] == [x.shape for x in z]
        if labels is not None:
            assert (start[0] == labels).all()
        if images is not None:
            assert (start[-1] == images).all()


def test_start_is_the_sweep_that_the_rule_names_or_the_one_there_is():
    network, z = random_network(), random_activities(1)
    label, image = z[0], z[-1]
    up, down = sweep_up(network, image), sweep_down(network, label)
    mean = sweep_down(network, jnp.full((len(image), 10), 0.1))
    from_label = Rule(start="label")
    for rule, labels, images, swept in (
        (BIDIRECTIONAL, label, image, up),
        (BIDIRECTIONAL, None, image, up),
        (BIDIRECTIONAL, label, None, down),
        (from_label, label, image, down),
        (from_label, label, None, down),
        (from_label, None, image, up),
        (Rule(teaches=(1, 0.5), start="label"), None, image, up),
        (GENERATIVE, None, image, mean),  # whose amortiser learns nothing
        (Rule(teaches=(1, 0), start="image"), None, image, up),
    ):
        start = start_activities(network, rule, labels, images)
        assert_close(start[1:-1], swept[1:-1], 0)


def test_divergence_names_its_first_step():
    network, z = random_network(), random_activities(1)
    options = {"step_size": 50.0, "step_rule": "fixed"}
    message = r"diverged at step (\d+) of 200.*curvature"
    for record in (False, True):
        with pytest.raises(FloatingPointError, match=message) as error:
            infer(network, z, ENDS, steps=200, record=record, **options)
        step = int(re.search(message, str(error.value))[1])
        assert step > 1
        infer(network, z, ENDS, steps=step - 1, record=True, **options)  # is still finite


def test_divergence_names_its_cause():
    network, z = random_network(), random_activities(1)
    with pytest.raises(FloatingPointError, match="use a step_size of at most 1$"):
        infer(network, z, ENDS, steps=200, step_size=50.0)
    broken = jax.tree.map(lambda w: w * jnp.nan, network)
    with pytest.raises(FloatingPointError, match="the network's weights hold NaN or infinity"):
        infer(broken, z, ENDS, steps=2)


def test_divergence_names_the_worst_of_the_layers_that_move():
    network = jax.tree.map(lambda w: w * 0.01, random_network())
    options = {"alpha_disc": (100.0, 1.0, 1.0), "step_size": 50.0, "step_rule": "fixed"}
    named = []
    for clamped in (ENDS, [False, False, False, True]):
        with pytest.raises(FloatingPointError, match="at layer") as error:
            infer(network, random_activities(1), clamped, steps=200, **options)
        named.append(int(re.search(r"at layer (\d)", str(error.value))[1]))
    assert named[0] in (1, 2) and named[1] == 0  # the label's curvature is the highest


def test_activities_too_large_to_start_from_are_named():
    z = [x * 1e25 for x in random_activities(1)]
    with pytest.raises(FloatingPointError, match="not finite where inference starts: activities"):
        infer(random_network(), z, ENDS, steps=200, step_size=50.0, step_rule="fixed")


@pytest.mark.parametrize(
    ("scale", "alpha"), [(1e19, 1.0), (1e18, 100.0), (1e13, 1e12), (1.2e13, 1e12)]
)
def test_weights_too_large_to_move_anything_are_named(scale, alpha):
    """The bound of the curvature would overflow, or each step be 0 as less than float32 holds."""
    network = jax.tree.map(lambda w: w * scale, random_network(use_bias=False))
    still = [jax.numpy.zeros_like(x) for x in random_activities(1)]
    with pytest.raises(FloatingPointError, match="weights or precisions are too large"):
        infer(network, still, [False, False, False, True], alpha_gen=alpha)


def test_a_rate_too_small_to_move_anything_is_named():
    with pytest.raises(FloatingPointError, match="too small"):
        infer(random_network(), random_activities(1), ENDS, step_size=2e-38)


@pytest.mark.parametrize("rule", [GENERATIVE, BIDIRECTIONAL])
@pytest.mark.parametrize("unit", [1e-12, 1e-7, 1e11])
def test_layers_settle_by_the_ratios_of_precisions_to_the_ends_of_their_range(rule, unit):
    network, z = random_network(), random_activities(1)
    settled, other = (
        infer(network, z, [False] * 4, rule, 10, alpha_gen=a, alpha_disc=a) for a in (1.0, unit)
    )
    assert_close(other, settled, 1e-4)
    assert not same_bits(other, z)


def test_traced_precisions_have_no_floor():
    network, z = random_network(), random_activities(1)

    def run(alpha):
        return infer(network, z, [False] * 4, GENERATIVE, 10, alpha_gen=alpha)

    for unit in (1e-14, 1e-28):
        assert_close(jax.jit(run)(unit), run(1.0), 1e-4)
    assert all(np.isnan(x).all() for x in jax.jit(run)(6e37))


@pytest.mark.parametrize("in_turn", [False, True])
def test_clamps_are_whatever_broadcasts(in_turn):
    network, z = random_network(), random_activities(1)
    whole = np.random.default_rng(0).random(z[-1].shape) < 0.5
    for part in (whole[0], whole[:1], whole[:, :1], whole[:1, :1], np.array(True), np.array(False)):
        each = np.broadcast_to(part, z[-1].shape)
        settled, same = (
            infer(network, z, [False, False, False, clamp], steps=2, in_turn=in_turn)
            for clamp in (part, each)
        )
        assert_close(settled, same, 1e-6)
        assert ((settled[-1] == z[-1]) | ~each).all() and (settled[1] != z[1]).any()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"steps": -1}, "steps=-1 given"),
        ({"steps": True}, "steps=True given"),
        ({"step_size": float("inf")}, "step_size=inf given"),
        ({"step_size": -0.5}, "step_size=-0.5 given"),
        ({"clamped": [True, False, False, np.ones((4, 784), bool)]}, r"bool \(4, 784\)"),
        ({"clamped": [True, False, False, np.ones((1, 5, 784), bool)]}, r"bool \(1, 5, 784\)"),
        ({"clamped": [True, False, False, np.ones(())]}, r"clamped\[3\] is float"),
        ({"steps": 1.5}, "steps=1.5 given"),
        ({"step_size": 0.0}, "step_size=0.0 given, a positive number"),
        ({"step_size": float("nan")}, "step_size=nan given"),
        ({"step_rule": "armijo"}, "unknown step_rule 'armijo'; choose one of"),
        ({"clamped": [True, False]}, "clamped names 2 layers, 4 expected"),
        ({"clamped": True}, "clamped is True, 4 expected"),
        ({"in_turn": "no"}, "in_turn='no' given, True or False expected"),
        ({"clamped": [True, False, False, np.ones(3, bool)]}, r"clamped\[3\] is bool \(3,\)"),
        ({"clamped": [True, False, False, np.ones(784)]}, r"clamped\[3\] is float"),
        ({"alpha_gen": (1.0, 2.0)}, "alpha_gen of 2 numbers given, 3 expected"),
    ],
)
def test_wrong_arguments_are_named(options, message):
    network, z = random_network(), random_activities(1)
    with pytest.raises(ValueError, match=message):
        infer(network, z, **{"clamped": ENDS, **options})


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"moves": (1, -1)}, "two weights of 0 or more"),
        ({"teaches": (1,)}, "two weights of 0 or more"),
        ({"teaches": (1, 1, 1)}, "two weights of 0 or more"),
        ({"moves": (1, "1")}, "two weights of 0 or more"),
        ({"start": "middle"}, "choose one of"),
        ({"amortiser_inputs": "raw"}, "choose one of"),
    ],
)
def test_wrong_rules_are_named(fields, message):
    with pytest.raises(ValueError, match=message):
        Rule(**fields)


def test_a_rule_is_bidirectional_unless_told_otherwise():
    assert Rule() == BIDIRECTIONAL
