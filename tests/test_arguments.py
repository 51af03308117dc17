"""What callers may hand over: numbers and arrays of any kind, taken alike; wrong ones, named."""

import ast
import contextlib
import copy
import importlib
import inspect
import os
import pickle
import pkgutil
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from conftest import same_bits

import bpc_minimal as bpc
from bpc_minimal.arguments import FIELDS, LAYERS, TAKERS, ArgumentError, public, whole
from bpc_minimal.images import read_images
from bpc_minimal.network import ACTIVATIONS
from bpc_minimal.training import learn, shuffled

PACKAGE = Path(bpc.__file__).parent
SIZES = (10, 6, 784)
NETWORK = bpc.make_network(jax.random.PRNGKey(0), SIZES)
IMAGES = np.random.default_rng(0).normal(size=(3, 784)).astype(np.float32)
PUBLIC = [getattr(bpc, name) for name in bpc.__all__ if inspect.isfunction(getattr(bpc, name))]
BARE = {
    bpc.preset,
    bpc.load,
    bpc.pretrained,
    bpc.save,
}  # they read words and files


# One room -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("function", [f for f in PUBLIC if f not in BARE], ids=lambda f: f.__name__)
def test_every_public_function_is_taken_by_the_room(function):
    assert hasattr(function, "__wrapped__") and function.__doc__ == function.__wrapped__.__doc__
    assert set(inspect.signature(function).parameters) <= set(TAKERS)


def test_the_science_holds_no_checks():
    """No module that the compiled loop calls raises for an argument."""
    for name in ("energy", "curvature", "inference", "learning", "evaluation"):
        tree = ast.parse((PACKAGE / f"{name}.py").read_text("utf-8"))
        raised = [n.exc.func.id for n in ast.walk(tree) if isinstance(n, ast.Raise) and n.exc]
        assert "ValueError" not in raised and "TypeError" not in raised, name


def test_every_setting_has_a_taker():
    given = {name for name in bpc.Config.__dataclass_fields__}
    assert given == {*FIELDS, "alpha_gen", "alpha_disc", "name"}


def test_a_parameter_that_nothing_takes_is_found_when_the_package_is_imported():
    with pytest.raises(KeyError, match="colour"):
        public(lambda network, colour: None)


def test_an_error_knows_its_argument():
    with pytest.raises(ArgumentError) as error:
        bpc.classify(NETWORK, IMAGES, -1)
    assert error.value.name == "steps" and str(error.value) == f"steps{error.value.rest}"
    assert isinstance(error.value, ValueError)


def exceptions():
    """Every class of exception that a module of the package defines."""
    for found in pkgutil.walk_packages(bpc.__path__, "bpc_minimal."):
        if found.name.endswith("__main__"):
            continue
        for value in vars(importlib.import_module(found.name)).values():
            if isinstance(value, type) and issubclass(value, BaseException):
                if value.__module__ == found.name:
                    yield value


@pytest.mark.parametrize("kind", [*exceptions()], ids=lambda kind: kind.__name__)
def test_an_exception_goes_to_another_process_and_back_whole(kind):
    """What a process of a pool raises comes back pickled, or the pool waits for ever."""
    own = inspect.signature(kind).parameters.values() if "__init__" in vars(kind) else ()
    needed = [p for p in own if p.default is p.empty]
    words = [f"word {i}" for i, p in enumerate(needed) if p.kind is p.POSITIONAL_OR_KEYWORD]
    error = kind(*words, "another wording")
    error.add_note("(a note)")
    for made in (pickle.loads(pickle.dumps(error)), copy.copy(error), copy.deepcopy(error)):
        assert type(made) is kind and str(made) == str(error) and made.args == error.args
        assert vars(made) == vars(error)


@pytest.mark.parametrize("function", PUBLIC, ids=lambda f: f.__name__)
def test_a_public_function_is_pickled_by_its_name(function):
    assert pickle.loads(pickle.dumps(function)) is function


# Numbers --------------------------------------------------------------------------------------------

WHOLE = [2, np.int64(2), np.uint8(2), np.array(2), jnp.array(2)]
REAL = [0.5, np.float64(0.5), np.float32(0.5), np.array(0.5), jnp.array(0.5), np.float16(0.5)]


@pytest.mark.parametrize("steps", WHOLE, ids=repr)
def test_whole_numbers_of_any_kind_are_one(steps):
    wanted = bpc.classify(NETWORK, IMAGES, 2)
    assert (bpc.classify(NETWORK, IMAGES, steps) == wanted).all()
    config = bpc.Config(epochs=steps, seed=steps, batch_size=steps, sizes=(10, steps, 784))
    assert config == bpc.Config(epochs=2, seed=2, batch_size=2, sizes=(10, 2, 784))
    assert {type(n) for n in (config.epochs, config.seed, *config.sizes)} == {int}
    assert hash(config) == hash(bpc.Config.from_json(config.to_json()))


@pytest.mark.parametrize("rate", REAL, ids=repr)
def test_real_numbers_of_any_kind_are_one(rate):
    options = {"alpha_gen": rate, "alpha_disc": [rate, rate]}
    wanted = bpc.label_activities(NETWORK, IMAGES, 2, alpha_gen=0.5, alpha_disc=0.5)
    found = bpc.label_activities(NETWORK, IMAGES, np.int64(2), step_size=rate, **options)
    np.testing.assert_array_equal(found, wanted)
    config = bpc.Config(epochs=1, learning_rate=rate, weight_decay=rate, alpha_gen=rate)
    assert config == bpc.Config(epochs=1, learning_rate=0.5, weight_decay=0.5, alpha_gen=0.5)
    assert bpc.Rule(moves=(rate, 1)) == bpc.Rule(moves=(0.5, 1))


@pytest.mark.parametrize("flag", [np.bool_(True), True])
def test_flags_of_any_kind_are_one(flag):
    assert bpc.Config(epochs=1, use_bias=flag).use_bias is True
    assert (
        bpc.make_network(jax.random.PRNGKey(0), SIZES, use_bias=flag).generator[0].bias is not None
    )


def settle(**how):
    return bpc.infer(NETWORK, bpc.sweep_up(NETWORK, IMAGES), [False, False, True], **how)


@pytest.mark.parametrize(
    "wrong", [True, np.bool_(True), 1.0, "1", None, -1, 2**31, [1], np.ones(1), 10**400]
)
def test_what_is_no_whole_number_is_named(wrong):
    with pytest.raises(ValueError, match=r"steps=.* given, a whole number of 0 or more"):
        settle(steps=wrong)
    with pytest.raises(
        ValueError, match=r"iterations=.* given, a positive whole number|give one of"
    ):
        bpc.Config(iterations=wrong)


@pytest.mark.parametrize(
    "wrong", [10**400, 1e39, float("nan"), -1, "1", None, True, 1j, [1.0], 1e-300]
)
def test_what_is_no_positive_number_is_named(wrong):
    with pytest.raises(ValueError, match=r"step_size=.* given, a positive number"):
        settle(step_size=wrong)
    with pytest.raises(ValueError, match=r"pixel_std=.* given, a positive number"):
        bpc.Config(epochs=1, pixel_std=wrong)


def test_a_message_is_one_line_and_short():
    for wrong in ("x\n" * 1000, list(range(1000)), np.ones((50, 50)), b"\x1b[31m"):
        with pytest.raises(ValueError) as error:
            whole("steps", wrong)
        assert "\n" not in str(error.value) and len(str(error.value)) < 250
        assert "\x1b" not in str(error.value)


# Arrays ---------------------------------------------------------------------------------------------


class Silent:
    """What cannot even say what it is."""

    def __repr__(self):
        raise RuntimeError("no words")


class Foreign:
    """What only NumPy's protocol knows how to read."""

    def __init__(self, values):
        self.values = values

    def __array__(self, dtype=None, copy=None):
        return self.values


def kinds(values):
    return [
        values,
        jnp.asarray(values),
        values.tolist(),
        Foreign(values),
        values.astype(np.float64),
    ]


def test_activities_of_any_kind_are_one():
    wanted = bpc.classify(NETWORK, IMAGES, 3)
    for images in kinds(IMAGES):
        assert (bpc.classify(NETWORK, images, 3) == wanted).all()
    z = bpc.sweep_up(NETWORK, IMAGES)
    for activities in (
        z,
        tuple(z),
        [np.asarray(x) for x in z],
        [np.asarray(x).tolist() for x in z],
    ):
        np.testing.assert_array_equal(bpc.energy(NETWORK, activities), bpc.energy(NETWORK, z))


def test_torch_and_pictures_are_taken():
    torch = pytest.importorskip("torch")
    image = pytest.importorskip("PIL.Image")
    digits, labels = bpc.load_mnist("test")
    wanted = bpc.normalise(digits[:2])
    np.testing.assert_array_equal(bpc.normalise(torch.tensor(digits[:2])), wanted)
    np.testing.assert_array_equal(bpc.normalise([image.fromarray(d) for d in digits[:2]]), wanted)
    np.testing.assert_array_equal(bpc.normalise(digits[:2, ..., None]), wanted)
    np.testing.assert_array_equal(bpc.one_hot(torch.tensor(labels[:2])), bpc.one_hot(labels[:2]))
    np.testing.assert_array_equal(
        bpc.classify(NETWORK, torch.tensor(np.asarray(wanted))), bpc.classify(NETWORK, wanted)
    )
    with pytest.raises(ValueError, match="an array expected .*grad"):
        bpc.classify(NETWORK, torch.ones(2, 784, requires_grad=True))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: bpc.classify("net", IMAGES), "network='net' given, a Network expected"),
        (lambda: bpc.classify((NETWORK, None), IMAGES), "a Network expected.*fit"),
        (lambda: bpc.classify(SimpleNamespace(network=NETWORK), IMAGES), "its .network is one"),
        (lambda: bpc.classify(NETWORK, "x"), "an array of numbers expected"),
        (lambda: bpc.classify(NETWORK, [[1], [1, 2]]), "an array expected"),
        (lambda: bpc.classify(NETWORK, IMAGES[0]), r"float32 \(784,\) given"),
        (lambda: bpc.classify(NETWORK, None), "an array of numbers expected"),
        (lambda: bpc.infer(NETWORK, IMAGES, [True] * 3), "given, 3 expected"),
        (lambda: bpc.infer(NETWORK, None, [True] * 3), "None of activities given, 3 expected"),
        (lambda: bpc.energy(NETWORK, bpc.sweep_up(NETWORK, IMAGES), {}), "alpha_gen={} given"),
        (lambda: bpc.energy(NETWORK, bpc.sweep_up(NETWORK, IMAGES), [1, "2"]), "alpha_gen"),
        (lambda: bpc.energy(NETWORK, bpc.sweep_up(NETWORK, IMAGES), np.nan), "alpha_gen=nan given"),
        (lambda: bpc.make_network(3), r"key=3 given"),
        (lambda: bpc.make_network(np.zeros(4)), r"one key of jax.random expected"),
        (lambda: bpc.make_network(jax.random.PRNGKey(0), "10"), "two or more positive whole"),
        (lambda: bpc.make_network(jax.random.PRNGKey(0), (10, 0)), "two or more positive whole"),
        (lambda: bpc.fit(bpc.preset("fast"), 5), "data 5 given, four expected"),
        (lambda: bpc.fit(bpc.preset("fast"), on_epoch=3), "on_epoch=3 given, a function"),
        (lambda: bpc.train_step(3, IMAGES, [1], bpc.preset("fast"), 1), "what make_state returns"),
        (lambda: bpc.mnist("train"), "unknown held_out 'train'"),
        (lambda: bpc.load_dataset("mnist", 3), "root=3 given, a path expected"),
        (lambda: bpc.complete(NETWORK, IMAGES, None), "visible"),
        (lambda: bpc.one_hot([True]), "integers of shape"),
        (lambda: bpc.one_hot(np.array([1, 2], "m8[s]")), "an array of numbers expected"),
        (lambda: bpc.classify(NETWORK, IMAGES, Silent()), "steps=<Silent> given"),
        (lambda: bpc.classify(Silent(), IMAGES), "network=<Silent> given"),
        (lambda: bpc.Config(epochs=1, sizes=[1] * (LAYERS + 1)), f"of {LAYERS + 1} layers given"),
        (lambda: bpc.add_activation("true", jnp.sin, True), "steepness=True given"),
        (lambda: bpc.add_activation("relu", jnp.sin), "a new name expected"),
        (lambda: bpc.add_activation("flat", lambda z: 0.0 * z), "a slope of up to 0.0"),
        (lambda: bpc.add_activation("text", lambda z: "z"), "that jax.grad differentiates"),
        (lambda: bpc.add_activation("mean", lambda z: z - 0.5 * z.mean()), "each number by itself"),
        (lambda: bpc.add_activation(["a"], jnp.tanh), "a word expected"),
        (lambda: bpc.make_network(jax.random.PRNGKey(0), (2**31 - 1, 2**31 - 1)), "weights between two"),
        (lambda: bpc.make_network(jax.random.PRNGKey(0), {784, 10}), "two or more positive whole"),
        (lambda: bpc.generate(NETWORK, None), "an array of numbers expected"),
        (lambda: bpc.classify(NETWORK, IMAGES, 1, step_size=np.complex64(0.5 + 2j)), "step_size="),
        (lambda: bpc.classify(NETWORK, IMAGES, 1, step_size=[[1], [1, 2]]), "step_size="),
        (lambda: bpc.classify(NETWORK, IMAGES, jnp.array(True)), "steps="),
        (lambda: bpc.classify(NETWORK, IMAGES.astype(np.float64) * 1e300), "NaN or infinity"),
        (lambda: bpc.classify(NETWORK, np.ma.masked_array(IMAGES, IMAGES > 0)), "a mask"),
        (lambda: bpc.classify(NETWORK, list(np.ma.masked_array(IMAGES, IMAGES > 0))), "a mask"),
        (lambda: bpc.normalise([[np.ma.masked_array(IMAGES[0], IMAGES[0] > 0)]]), "a mask"),
        (lambda: bpc.preset("fats"), "choose one of jpc, .*; did you mean fast?"),
        (lambda: bpc.preset("fast", activation="Relu"), "; did you mean relu?"),
        (lambda: bpc.preset("fast", rule="hybird"), "a Rule expected: .*; did you mean HYBRID?"),
        (lambda: bpc.Config.from_json('{"rule": "hybird"}'), "; did you mean hybrid?"),
        (lambda: bpc.one_hot(np.eye(10)), r"expected; of one-hot rows, labels.argmax\(1\) makes"),
        (lambda: bpc.one_hot([[1], [2]]), r"expected; labels\[:, 0\] makes those"),
        (lambda: bpc.one_hot([1.0, 2.0]), r"labels.astype\(int\) makes those"),
        (lambda: bpc.one_hot(3), r"for a single label pass jnp.array\(\[label\]\)"),
        (lambda: bpc.evaluate(NETWORK, np.ones((5, 8, 8)), [0] * 5, bpc.preset("fast", sizes=SIZES)),
         r"\(N, 28, 28\) expected; sizes run from .*, here sizes=\(..., 64\)$"),
        (lambda: bpc.evaluate(NETWORK, np.ones((28, 28)), [0], bpc.preset("fast", sizes=SIZES)),
         r"expected; for a single image pass image\[None\]$"),
        (lambda: bpc.classify(NETWORK, IMAGES[0].reshape(28, 28)), r"of a single one, .reshape\(1, -1\)"),
        (lambda: bpc.complete(NETWORK, IMAGES, np.ones((28, 28), bool)), r"visible.ravel\(\)$"),
        (lambda: bpc.complete(NETWORK, IMAGES, np.ones((3, 28, 28), bool)), r"reshape\(len\(vis.*, -1\)$"),
        (lambda: bpc.complete(NETWORK, IMAGES, np.ones(784, int)), r"visible.astype\(bool\)"),
        (lambda: bpc.infer(NETWORK, bpc.sweep_up(NETWORK, IMAGES), [False, False, np.ones(784, int)]),
         r"clamped\[2\] is int.*: .astype\(bool\)"),
        (lambda: bpc.Rule(moves={1, 0}), "two weights of 0 or more"),
        (lambda: bpc.Config(epochs=1, rule=bpc.Rule), "a Rule expected"),
        (lambda: bpc.Config.from_json(None), "settings are not JSON"),
        (lambda: bpc.Config.from_json('{"seed": 1' + 5000 * "0" + "}"), "thousands of digits"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_named(call, message):
    with pytest.raises(ValueError, match=message) as error:
        call()
    assert "\n" not in str(error.value)


def test_a_state_and_settings_of_two_step_rules_do_not_mix():
    fixed = bpc.Config(sizes=SIZES, iterations=1, step_rule="fixed", step_size=0.01)
    images, labels = np.zeros((2, 784), np.uint8), np.zeros(2, int)
    for made, used in (
        (fixed, fixed.replace(step_rule="curvature")),
        (fixed.replace(step_rule="curvature"), fixed),
    ):
        with pytest.raises(ValueError, match="the state was made with another step_rule"):
            bpc.train_step(bpc.make_state(made, 1), images, labels, used, 1)


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("activation", "tanh"),
        ("use_bias", True),
        ("schedule", "constant"),
        ("weight_decay", 0.0),
    ],
)
def test_a_state_is_trained_with_the_settings_that_it_was_made_with(setting, value):
    made = bpc.Config(sizes=SIZES, iterations=4, batch_size=2)
    other = made.replace(**{setting: value})
    images, labels = np.zeros((2, 784), np.uint8), np.zeros(2, int)
    for one, two in ((made, other), (other, made)):
        state = bpc.make_state(one, 4)
        with pytest.raises(ValueError, match=f"with {setting}=.* was made with another {setting}"):
            bpc.train_step(state, images, labels, two, 4)
    bpc.train_step(state, images, labels, other.replace(learning_rate=0.1, seed=3), 4)


def test_memory_that_is_gone_is_named(digits):
    config = bpc.Config(sizes=SIZES, iterations=4, batch_size=8)
    kept = []
    bpc.fit(config.replace(evaluate_every=2), digits, on_epoch=kept.append)
    state = kept[0].state
    order = shuffled(state.key, 0, len(digits.images))
    learn(state, order, bpc.Data(*map(jnp.asarray, digits)), config, 4, 1, 1)
    network = state.network
    for call in (
        lambda: bpc.train_step(state, digits.images[:8], digits.labels[:8], config, 4),
        lambda: bpc.classify(network, IMAGES),
        lambda: bpc.generate(network, [1]),
        lambda: bpc.make_network(state.key, SIZES),
        lambda: bpc.fit(kept[0].config, digits, resume=kept[0]),
    ):
        with pytest.raises(ValueError, match="whose memory is gone: it was donated"):
            call()


def test_what_is_given_back_is_no_view_of_what_was_given():
    """JAX takes an aligned array of NumPy's as it is, and its owner may write into it later."""
    room = np.zeros(3 * 784 + 16, np.float32)
    start = -room.ctypes.data % 64 // 4
    images = room[start : start + 3 * 784].reshape(3, 784)
    swept = bpc.sweep_up(NETWORK, images)
    settled = bpc.infer(NETWORK, [*swept[:-1], images], [False, False, True], steps=0)
    images[:] = 7
    assert not np.any(swept[-1]) and not np.any(settled[-1])


def test_a_pace_that_is_no_number_is_named(digits):
    config = bpc.Config(sizes=SIZES, iterations=1, batch_size=8)
    with pytest.raises(ValueError, match="what pace gives=None given"):
        bpc.fit(config, digits, pace=lambda done: None)


def test_precisions_of_any_kind_are_one():
    z = bpc.sweep_up(NETWORK, IMAGES)
    for alpha in (np.array([1.0, 2.0]), jnp.array([1.0, 2.0]), range(1, 3), (1, 2)):
        np.testing.assert_array_equal(
            bpc.energy(NETWORK, z, alpha), bpc.energy(NETWORK, z, [1.0, 2.0])
        )


def test_a_network_made_by_hand_is_looked_at():
    odd = bpc.Network(NETWORK.generator, NETWORK.amortiser, "sinus")
    with pytest.raises(ValueError, match="unknown activation 'sinus'"):
        bpc.classify(odd, IMAGES)
    turned = bpc.Network(NETWORK.amortiser, NETWORK.generator, "relu")
    with pytest.raises(ValueError, match="network with weights"):
        bpc.classify(turned, IMAGES)


# Data of other shapes -------------------------------------------------------------------------------


def test_any_data_of_one_shape_are_learned():
    """Three classes of 5 by 4 pixels, as floats from 0 to 1, far from MNIST's."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, 600)
    images = np.clip(rng.random((3, 5, 4))[labels] + rng.normal(0, 0.1, (600, 5, 4)), 0, 1)
    data = images[:500], labels[:500], images[500:], labels[500:]
    config = bpc.preset("fast", sizes=(3, 16, 20), batch_size=20, epochs=4)
    network, history = bpc.fit(config, data)
    assert history.evaluations[-1]["accuracy"] > 95
    pixels = bpc.normalise(images[500:])
    assert np.mean(np.asarray(bpc.classify(network, pixels)) == labels[500:]) > 0.95
    same = bpc.fit(
        config, (images[:500].reshape(500, 20).tolist(), *map(list, data[1:2]), *data[2:])
    )
    assert same[1].evaluations == history.evaluations
    with pytest.raises(
        ValueError, match=r"sizes=\(3, 16, 20\) given.*without data, a run is on MNIST"
    ):
        bpc.fit(config)
    with pytest.raises(ValueError, match=r"\(N, ...\) with 20 numbers an image expected"):
        bpc.fit(config, (images[:, :4], labels, images, labels))


def test_pixels_of_another_range_ask_for_their_own_mean():
    images, labels = np.arange(80.0).reshape(4, 20), np.arange(4) % 3
    config = bpc.Config(epochs=1, sizes=(3, 20), batch_size=2)
    with pytest.raises(ValueError, match="floats from 0 to 79 given, 0 to 1 expected"):
        bpc.fit(config, (images, labels, images, labels))
    own = config.replace(pixel_mean=images.mean(), pixel_std=images.std())
    assert len(bpc.fit(own, (images, labels, images, labels))[1].evaluations) == 1


def test_an_activation_of_ones_own_is_one_function():
    bpc.add_activation("sine", jnp.sin)
    try:
        assert ACTIVATIONS["sine"].steepness == pytest.approx(1)
        network = bpc.make_network(jax.random.PRNGKey(0), SIZES, "sine")
        assert np.isfinite(bpc.classify(network, IMAGES, 3)).all()
        config = bpc.Config(epochs=1, activation="sine")
        assert bpc.Config.from_json(config.to_json()) == config
    finally:
        del ACTIVATIONS["sine"]
    with pytest.raises(ValueError, match="unknown activation 'sine'"):
        bpc.Config(epochs=1, activation="sine")


@pytest.mark.parametrize(
    "one", [1, 1.0, np.float32(1), np.int64(1), jnp.float32(1), np.array(1.0)], ids=repr
)
def test_an_activation_has_one_steepness_for_good(one):
    """Compiled code knows it by the name alone."""
    try:
        bpc.add_activation("arch", jnp.arctan, one)
        bpc.add_activation("arch", jnp.arctan, 1.0)
        assert type(ACTIVATIONS["arch"].steepness) is float
        for other in (300.0, 0.5):
            with pytest.raises(ValueError, match="1 expected, with which 'arch' is known"):
                bpc.add_activation("arch", jnp.arctan, other)
        assert ACTIVATIONS["arch"].steepness == 1
    finally:
        ACTIVATIONS.pop("arch", None)


def test_many_images_settle_a_chunk_at_a_time(monkeypatch):
    from bpc_minimal import evaluation

    images = np.tile(IMAGES, (3, 1))
    visible = np.random.default_rng(1).random(images.shape) < 0.5
    calls = [
        lambda: bpc.label_activities(NETWORK, images, 3),
        lambda: bpc.label_activities(NETWORK, images, 3, visible),
        lambda: bpc.generate(NETWORK, np.arange(9), 3),
        lambda: bpc.complete(NETWORK, images, visible, np.arange(9), 3),
    ]
    whole = [np.asarray(call()) for call in calls]
    sizes = []
    infer = evaluation.infer
    monkeypatch.setattr(evaluation, "CHUNK", 4)
    monkeypatch.setattr(
        evaluation, "infer", lambda n, z, *a, **k: sizes.append(len(z[0])) or infer(n, z, *a, **k)
    )
    for call, wanted in zip(calls, whole, strict=True):
        np.testing.assert_allclose(call(), wanted, atol=1e-5)
    assert sizes == [4, 4, 1] * 4


def test_hidden_pixels_are_free_when_a_label_is_asked_for():
    """With all seen it is the plain answer; what hidden pixels hold is not looked at."""
    seen = np.ones(784, bool)
    plain = bpc.label_activities(NETWORK, IMAGES)
    np.testing.assert_allclose(bpc.label_activities(NETWORK, IMAGES, 4, seen), plain, atol=1e-6)
    half = np.arange(784) < 392
    other = np.where(half, IMAGES, 7.0).astype(np.float32)
    found = bpc.label_activities(NETWORK, IMAGES, 4, half)
    np.testing.assert_array_equal(bpc.label_activities(NETWORK, other, 4, half), found)
    assert not np.allclose(found, plain, atol=1e-3)
    start = bpc.sweep_up(NETWORK, np.where(half, IMAGES, 0).astype(np.float32))
    settled = bpc.infer(NETWORK, start, [False, False, half], steps=4, step_size=1.0)
    by_hand = bpc.sweep_up(NETWORK, settled[-1])[0]  # once more, from the completed image
    np.testing.assert_allclose(found, by_hand, atol=1e-6)


# Images of another kind than the rest, or than they seem ---------------------------------------------


def of_digits(form=lambda images: images, held_out_form=lambda images: images):
    """The digits of MNIST, 60 and 30 of them, in other forms."""
    images, labels = bpc.load_mnist("test")
    return form(images[:60]), labels[:60], held_out_form(images[60:90]), labels[60:90]


SHORT = bpc.Config(sizes=(10, 5, 784), batch_size=20, iterations=1)
SIXTEENTHS = [lambda x: x // 16, lambda x: (x // 16).reshape(len(x), -1), lambda x: x // 4]


@pytest.mark.parametrize("form", SIXTEENTHS)
def test_bytes_on_another_scale_are_warned_of_where_they_are_given(form):
    images, labels, *held_out = of_digits(form, form)
    for call in (
        lambda: bpc.fit(SHORT, (images, labels, *held_out)),
        lambda: bpc.normalise(jnp.asarray(images)),
        lambda: bpc.class_means(images, labels % 5, 5),
        lambda: bpc.evaluate(NETWORK, images, labels, bpc.preset("fast", sizes=SIZES)),
    ):
        with pytest.warns(
            UserWarning, match=f"images of bytes up to {images.max()} given, wh"
        ) as found:
            call()
        assert len(found) == 1 and found[0].filename == __file__


def test_floats_divided_twice_are_warned_of_where_they_are_given():
    images, labels, *held_out = of_digits(lambda x: x / 255 / 255, lambda x: x / 255 / 255)
    for call in (
        lambda: bpc.fit(SHORT, (images, labels, *held_out)),
        lambda: bpc.normalise(images),
    ):
        with pytest.warns(UserWarning, match=r"images of floats up to 0.00392 given, wh") as found:
            call()
        assert len(found) == 1 and found[0].filename == __file__


READS = (
    lambda network, x: bpc.classify(network, x),
    lambda network, x: bpc.label_activities(network, x, 1, np.arange(x.shape[1]) < x.shape[1] // 2),
    lambda network, x: bpc.complete(network, x, np.arange(x.shape[1]) < x.shape[1] // 2, steps=1),
)


@pytest.mark.parametrize("scale", [1, 255])
def test_pixels_that_nobody_normalised_are_warned_of_where_they_are_given(scale):
    network, *_ = bpc.pretrained()
    raw = np.float32(bpc.load_mnist("test")[0][:3].reshape(-1, 784) / 255 * scale)
    for read in READS:
        with pytest.warns(
            UserWarning, match=f"pixels from 0 to {scale} given.* normalise"
        ) as found:
            read(network, raw)
        assert len(found) == 1 and found[0].filename == __file__
    with pytest.warns(UserWarning, match="draws them from -0.4"):
        bpc.classify(network, raw[:1])


def test_pixels_that_are_as_the_network_learned_them_are_not_warned_of(recwarn):
    config = bpc.preset("fast", sizes=(10, 60, 64), batch_size=32, epochs=3, training_images=960)

    def small(x):
        return x[:, 2:26, 2:26].reshape(-1, 8, 3, 8, 3).mean((2, 4)).reshape(-1, 64) / 255

    (images, labels), (others, truth) = bpc.load_mnist("train"), bpc.load_mnist("test")
    data = small(images[:1000]), labels[:1000], small(others[:200]), truth[:200]
    raw, _ = bpc.fit(config.replace(pixel_mean=0.0, pixel_std=1.0), data)  # its pixels are 0 to 1
    usual, _ = bpc.fit(config, data)
    for read in READS:
        read(raw, data[2])
        read(usual, bpc.normalise(data[2]))
    bpc.classify(usual, data[2][:1])  # too few numbers to tell
    bpc.classify(usual, np.zeros((5, 64)))
    jax.jit(bpc.classify)(usual, data[2])
    assert not [str(warning.message) for warning in recwarn]
    with pytest.warns(UserWarning, match="none below 0"):
        bpc.classify(usual, data[2])


def test_digits_as_they_are_are_not_warned_of(recwarn):
    for form in (lambda x: x, lambda x: x / 255, lambda x: x[..., None], lambda x: x[:5]):
        bpc.normalise(form(of_digits()[0]))
    for form in (lambda x: x.reshape(-1, 784), lambda x: x[:, None], lambda x: x[..., None]):
        bpc.fit(SHORT, of_digits(held_out_form=form))
        bpc.fit(SHORT, of_digits(form))
    bpc.normalise(np.zeros((20, 28, 28), np.uint8))
    assert not [str(warning.message) for warning in recwarn]


def transposed(images):
    return images.reshape(-1, 14, 56).swapaxes(1, 2)


@pytest.mark.parametrize(
    ("form", "held_out_form"),
    [
        (lambda x: x, lambda x: x / 255),
        (lambda x: x / 255, lambda x: x),
        (lambda x: x, lambda x: x.reshape(-1, 14, 56)),
        (transposed, lambda x: x.reshape(-1, 14, 56)),
        (lambda x: x.reshape(-1, 4, 14, 14), lambda x: x.reshape(-1, 14, 14, 4)),
        (lambda x: x[..., None], lambda x: x.reshape(-1, 14, 56)),
    ],
)
def test_training_and_held_out_images_are_of_one_kind(form, held_out_form):
    with pytest.raises(ArgumentError, match="both of one kind expected"):
        bpc.fit(SHORT, of_digits(form, held_out_form))


@pytest.mark.parametrize(
    ("config", "form", "held_out_form"),
    [
        (SHORT, lambda x: x / 255, lambda x: x / 255 / 16),
        (SHORT, lambda x: x, lambda x: x // 16),
        (SHORT, lambda x: x, lambda x: 255 - x),
        (SHORT.replace(pixel_mean=0, pixel_std=1), bpc.normalise, lambda x: x / 255),
        (SHORT.replace(pixel_mean=33, pixel_std=78), lambda x: 1.0 * x, lambda x: x / 255),
        (SHORT, lambda x: x / 255, lambda x: 0.0 * x),
    ],
)
def test_pixels_that_differ_beyond_doubt_are_warned_of(config, form, held_out_form):
    with pytest.warns(UserWarning, match="training images and of .* prepare both alike") as found:
        bpc.fit(config, of_digits(form, held_out_form))
    assert len(found) == 1 and found[0].filename == __file__


@pytest.mark.parametrize(("over", "fits"), [(1e-7, True), (1e-6, True), (1e-4, False)])
def test_pixels_may_leave_their_range_by_rounding_alone(over, fits, tmp_path):
    images = np.linspace(-over, 1 + over, 3 * 784).reshape(3, 28, 28)
    np.save(tmp_path / "x.npy", images)
    for take in (bpc.normalise, lambda _: read_images(tmp_path / "x.npy")):
        with contextlib.nullcontext() if fits else pytest.raises(ValueError, match="0 to 1"):
            take(images)


def test_of_no_images_there_is_nothing_to_learn_and_nothing_to_normalise():
    images, labels, *held_out = of_digits()
    with pytest.raises(ArgumentError, match="no training images given, one at least expected"):
        bpc.fit(SHORT, (images[:0], labels[:0], *held_out))
    assert bpc.normalise(images[:0]).shape == (0, 784)


def test_the_layers_of_a_network_are_counted():
    with pytest.raises(ArgumentError, match="1 layers of activities given, 3 expected") as found:
        bpc.energy(NETWORK, [IMAGES])
    assert found.value.rest == " of 1 layers given, 3 expected"


def test_labels_of_one_class_are_warned_of():
    images, labels, *held_out = of_digits(lambda x: x)
    with pytest.warns(UserWarning, match="labels of class 3 alone given") as found:
        bpc.fit(SHORT, (images, 0 * labels + 3, *held_out))
    assert len(found) == 1 and found[0].filename == __file__


# Numbers that float32 cannot calculate with ----------------------------------------------------------


@pytest.mark.parametrize("wrong", [6e37, 1e13, 1e-14, 1e-30, [1.0, 1e-13], np.float64(1e300)])
def test_precisions_have_a_range(wrong):
    z = bpc.sweep_up(NETWORK, IMAGES)
    for call in (
        lambda: bpc.energy(NETWORK, z, wrong),
        lambda: bpc.infer(NETWORK, z, [False] * 3, alpha_disc=wrong),
        lambda: bpc.Config(epochs=1, sizes=SIZES, alpha_gen=wrong),
        lambda: bpc.Rule(moves=(1.0, wrong)),
    ):
        with pytest.raises(ArgumentError, match=r"0, or 1e-12 to 1e\+12|0 or 1e-12 to 1e\+12"):
            call()


def test_numbers_that_are_cut_to_float32_cost_no_warning(recwarn):
    wide = jax.tree.map(lambda w: np.asarray(w, np.float64), NETWORK)
    images = IMAGES.astype(np.float64)
    np.testing.assert_array_equal(bpc.classify(wide, images, 3), bpc.classify(NETWORK, IMAGES, 3))
    z = bpc.sweep_up(wide, images)
    bpc.weight_gradient(wide, z, bpc.HYBRID, amortiser_inputs=z)
    bpc.evaluate(wide, np.zeros((3, 784), np.uint8), [1, 2, 3], bpc.preset("fast", sizes=SIZES))
    assert bpc.denormalise(np.array([1e300, -1e300])).tolist() == [1, 0]
    for call in (
        lambda: bpc.infer(NETWORK, z, [False] * 3, alpha_gen=np.float64(3e38)),
        lambda: bpc.infer(NETWORK, z, [False] * 3, step_size=1e300),
        lambda: bpc.classify(jax.tree.map(lambda w: w * 1e300, wide), images, 2),
        lambda: bpc.normalise(np.full((2, 4), 1e300), 0, 1),
    ):
        with pytest.raises((ValueError, FloatingPointError)):
            call()
    assert not [str(warning.message) for warning in recwarn]


# Tracers ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "call",
    [
        lambda: jax.jit(lambda x: bpc.class_means(x, np.array([0]), 1))(IMAGES[:1]),
        lambda: jax.jit(lambda y: bpc.class_means(IMAGES[:1], y, 1))(jnp.array([0])),
        lambda: jax.vmap(lambda x: bpc.class_means(x, np.array([0]), 1))(IMAGES[None, :1]),
        lambda: jax.jit(lambda x: bpc.fit(SHORT, (x, *of_digits()[1:])))(of_digits()[0]),
        lambda: jax.jit(lambda y: bpc.fit(SHORT, (*of_digits()[:3], y)))(of_digits()[3]),
        lambda: jax.jit(lambda: bpc.fit(SHORT, of_digits())[0])(),
    ],
)
def test_what_is_traced_where_values_are_needed_is_named(call):
    with pytest.raises(
        ArgumentError, match="traced by JAX .* values are needed: call this outside"
    ):
        call()


@pytest.mark.parametrize(
    "call",
    [
        lambda: jax.jit(bpc.one_hot)(np.array([1]), 3),
        lambda: jax.jit(lambda n: bpc.classify(NETWORK, IMAGES, n))(3),
        lambda: jax.jit(bpc.make_network)(jax.random.PRNGKey(0), (10, 784)),
        lambda: jax.jit(lambda f: settle(in_turn=f))(True),
        lambda: jax.jit(lambda n: bpc.Config(epochs=n))(3),
        lambda: jax.jit(lambda r: bpc.Config(epochs=1, learning_rate=r))(0.1),
        lambda: jax.jit(lambda a: bpc.Config(epochs=1, alpha_gen=(a, 1.0, 1.0)))(0.1),
    ],
)
def test_what_a_program_is_compiled_for_is_not_traced(call):
    with pytest.raises(ArgumentError, match="traced by JAX given, a plain value .*static_argnums"):
        call()


# Settings of JAX ------------------------------------------------------------------------------------

SETTINGS = {
    "x64": {"JAX_ENABLE_X64": "1"},
    "promotion": {"JAX_NUMPY_DTYPE_PROMOTION": "strict"},
    "ranks": {"JAX_NUMPY_RANK_PROMOTION": "raise"},
    "keys": {"JAX_ENABLE_CUSTOM_PRNG": "1"},
    "no jit": {"JAX_DISABLE_JIT": "1"},
    "leaks": {"JAX_CHECK_TRACER_LEAKS": "1"},
    "nans": {"JAX_DEBUG_NANS": "1"},
    "transfers": {"JAX_TRANSFER_GUARD": "disallow"},
    "old keys": {"JAX_LEGACY_PRNG_KEY": "error"},
}
PROGRAM = """
import jax, numpy as np, bpc_minimal as bpc
images, labels = bpc.load_mnist("validation")
data = bpc.Data(images[:40], labels[:40], images[40:60], labels[40:60])
checkpoints = []
config = bpc.Config(sizes=(10, 6, 784), iterations=2, batch_size=8, use_bias=True, evaluate_every=1)
network, history = bpc.fit(config, data, on_epoch=checkpoints.append)
bpc.fit(config, data, resume=checkpoints[0])
x = bpc.normalise(images[:3])
for rule in (bpc.GENERATIVE, bpc.DISCRIMINATIVE, bpc.HYBRID, bpc.BIDIRECTIONAL):
    bpc.classify(network, x, 2, rule=rule)
bpc.infer(network, bpc.sweep_up(network, x), [False, False, True], steps=0, record=True)
bpc.infer(network, bpc.sweep_down(network, bpc.one_hot([1, 2, 3])), [True, False, False], record=True)
bpc.complete(network, x, np.arange(784) < 392, [1, 2, 3], steps=2)
bpc.generate(network, [1, 2], 2)
bpc.evaluate(network, images[:9], labels[:9], config)
with jax.transfer_guard("allow"):  # a key is made of a number of Python's
    key = jax.random.key(0)
bpc.make_network(key)
print("all of it")
"""


def test_hidden_pixels_may_hold_nan_where_jax_stops_at_them():
    hidden, half = np.full((3, 784), np.nan, np.float32), np.arange(784) < 392
    infinite = jnp.full((3, 784), jnp.inf)
    with jax.debug_nans(True), jax.debug_infs(True):
        for images in (hidden, infinite, hidden.tolist()):
            unseen = np.zeros(784, bool)
            bpc.complete(NETWORK, images, unseen, steps=1)
            bpc.complete(NETWORK, images, np.zeros((3, 784), bool), [1, 2, 3], steps=1)
            bpc.label_activities(NETWORK, images, 1, unseen)
            with pytest.raises(ArgumentError, match="hold NaN or infinity"):
                bpc.complete(NETWORK, images, half, steps=1)


def test_nothing_is_nan_on_the_way_where_jax_stops_at_it_without_compiling_either():
    z = [jnp.ones((2, n)) for n in NETWORK.sizes]
    with jax.debug_nans(True), jax.disable_jit():
        bpc.infer(NETWORK, z, [True, False, False], steps=1)


def test_keys_of_the_old_kind_may_be_forbidden(digits, tmp_path):
    """They mean the caller's own."""
    config = bpc.Config(sizes=SIZES, iterations=1, batch_size=8)
    wanted = bpc.fit(config, digits)[0]
    kept = []
    with jax.legacy_prng_key("error"):
        found = bpc.fit(config, digits, on_epoch=kept.append)[0]
        bpc.save(tmp_path / "run.bpc", kept[0])
        loaded = bpc.load(tmp_path / "run.bpc").network
    assert same_bits(found, wanted) and same_bits(loaded, wanted)


@pytest.mark.slow
@pytest.mark.parametrize("setting", SETTINGS)
def test_settings_of_jax_change_nothing_that_works(setting):
    environment = os.environ | SETTINGS[setting] | {"PYTHONPATH": str(PACKAGE.parent)}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env=environment,
        capture_output=True,
        text=True,
        timeout=1_800,
    )
    assert done.returncode == 0 and done.stdout == "all of it\n", done.stderr[-2000:]


# What merely looks like it, or is not whole ---------------------------------------------------------

TINY = bpc.Config(iterations=4, evaluate_every=2, batch_size=8, sizes=(3, 8, 16))
FEW = np.random.default_rng(1).integers(0, 256, (24, 16)).astype(np.uint8)
OF_FEW = np.arange(24) % 3


def aligned(values):
    """Copy to where JAX would read NumPy's memory as it lies."""
    room = np.zeros(values.nbytes + 64, np.uint8)
    start = -room.ctypes.data % 64
    lies = room[start : start + values.nbytes].view(values.dtype).reshape(values.shape)
    lies[...] = values
    return lies


def floats(*shape):
    return aligned(np.random.default_rng(2).random(shape).astype(np.float32))


def few():
    network = bpc.make_network(jax.random.PRNGKey(0), TINY.sizes)
    given = jax.tree.map(lambda x: aligned(np.asarray(x)), network)
    state = jax.tree.map(lambda x: aligned(np.asarray(x)), bpc.make_state(TINY, 4))
    images, labels, seen = aligned(FEW), aligned(OF_FEW.astype(np.int32)), aligned(FEW[0] > 99)
    config, z = TINY, bpc.sweep_up(network, floats(24, 16))
    return [
        (bpc.train_step, "images", images, {"config": config}),
        (bpc.train_step, "labels", labels, {"config": config, "images": images}),
        (bpc.train_step, "state", state, {}),
        (bpc.normalise, "images", images, {"mean": 0.0, "std": 1.0}),
        (bpc.normalise, "images", floats(24, 16), {"mean": 0.0, "std": 1.0}),
        (bpc.denormalise, "pixels", floats(24, 16), {}),
        (bpc.one_hot, "labels", labels, {"classes": 3}),
        (bpc.sweep_up, "network", given, {}),
        (bpc.sweep_up, "images", floats(24, 16), {"network": network}),
        (bpc.make_network, "key", aligned(np.array([1, 2], np.uint32)), {}),
        (bpc.infer, "clamped", [True, aligned(FEW[:, :8] > 9), True], {"activities": z}),
        (bpc.complete, "visible", np.tile(seen, (24, 1)), {"images": FEW, "network": network}),
    ]


@pytest.mark.parametrize("i", range(12))
def test_what_is_read_later_is_no_view_of_what_was_given(i):
    """JAX reads NumPy's memory after a call has returned, and its owner may have filled it anew by then."""
    function, name, value, given = few()[i]
    taker = inspect.getclosurevars(function).nonlocals["takers"][name]
    taken = taker(name, value, given)
    for theirs in (x for x in jax.tree.leaves(value) if isinstance(x, np.ndarray)):
        for ours in jax.tree.leaves(taken):
            assert not np.shares_memory(np.asarray(ours), theirs)


def test_a_run_reads_its_data_before_its_caller_writes_into_them():
    data = (FEW, OF_FEW, FEW, OF_FEW)
    plain = bpc.fit(TINY, data)[1]
    theirs = tuple(map(aligned, data))
    spoilt = bpc.fit(TINY, theirs, on_epoch=lambda _: [part.fill(0) for part in theirs])[1]
    assert same_bits(spoilt, plain)


def test_what_merely_looks_like_one_is_none():
    z = bpc.sweep_up(NETWORK, IMAGES)
    fields = {"teaches": (1, 1), "start": "image", "amortiser_inputs": "settled"}
    for moves in ((1, 1), "ab"):
        rule = SimpleNamespace(moves=moves, **fields)
        for call in (
            lambda rule=rule: bpc.infer(NETWORK, z, [False] * 3, rule),
            lambda rule=rule: bpc.classify(NETWORK, IMAGES, rule=rule),
            lambda rule=rule: bpc.weight_gradient(NETWORK, z, rule),
            lambda rule=rule: bpc.Config(epochs=1, rule=rule),
        ):
            with pytest.raises(ArgumentError, match="rule=.* given, a Rule expected"):
                call()
    state, config = bpc.make_state(TINY, 4), SimpleNamespace(**vars(TINY), to_json=TINY.to_json)
    with pytest.raises(ArgumentError, match="a Config expected"):
        bpc.make_state(config, 4)
    with pytest.raises(ArgumentError, match="what make_state returns expected"):
        bpc.train_step(SimpleNamespace(**vars(state)), FEW, OF_FEW, TINY, 4)


def test_a_rule_is_of_plain_numbers():
    """What is compiled knows a rule by them."""
    for name in ("moves", "teaches"):
        with pytest.raises(ArgumentError, match=f"Rule {name} traced by JAX .* alpha_gen"):
            jax.jit(lambda m, name=name: bpc.Rule(**{name: (m, 1.0)}) and m)(0.5)
        with pytest.raises(ArgumentError, match=f"Rule {name} traced by JAX .* alpha_gen"):
            jax.jit(lambda m, name=name: bpc.Rule(**{name: m}) and m)(np.ones(2))


LINEAR = eqx.nn.Linear(3, 4, key=jax.random.PRNGKey(0))
BACK = eqx.nn.Linear(4, 3, key=jax.random.PRNGKey(1))


@pytest.mark.parametrize(
    "network",
    [
        bpc.Network((None,), (None,), "relu"),  # type: ignore[arg-type]
        bpc.Network(5, 5, "relu"),  # type: ignore[arg-type]
        bpc.Network((jnp.ones((4, 3)),), (jnp.ones((3, 4)),), "relu"),  # type: ignore[arg-type]
        bpc.Network((), (), "relu"),
        bpc.Network((eqx.tree_at(lambda m: m.bias, LINEAR, [1.0, 2.0]),), (BACK,), "relu"),
        bpc.Network((eqx.tree_at(lambda m: m.weight, LINEAR, [[1.0]]),), (BACK,), "relu"),
        bpc.Network((LINEAR,), (eqx.tree_at(lambda m: m.bias, BACK, jnp.ones(3, int)),), "relu"),
    ],
    ids=["none", "numbers", "arrays", "empty", "list of biases", "list of weights", "whole biases"],
)
def test_a_network_of_something_else_is_named(network):
    with pytest.raises(
        ArgumentError, match="network with weights .* linear maps of floats expected"
    ):
        bpc.sweep_up(network, np.ones((2, 4), np.float32))


@pytest.mark.parametrize("dtype", [">f4", ">f8", np.longdouble])
def test_floats_that_jax_does_not_know_are_turned_into_some(dtype):
    other = jax.tree.map(lambda x: np.asarray(x).astype(dtype), NETWORK)
    for ours, theirs in zip(
        bpc.sweep_up(other, IMAGES), bpc.sweep_up(NETWORK, IMAGES), strict=True
    ):
        np.testing.assert_allclose(ours, theirs, rtol=1e-6)
    for function in (bpc.denormalise, lambda x: bpc.normalise(x, 0, 1)):
        np.testing.assert_array_equal(function(IMAGES.astype(dtype)), function(IMAGES))


def test_a_key_is_of_as_many_numbers_as_jax_is_set_to():
    assert bpc.make_network(np.array([0, 1], ">u4"), (3, 4)).sizes == (3, 4)
    with jax.default_prng_impl("rbg"):
        key = jax.random.PRNGKey(0)
        assert key.shape == (4,) and bpc.make_network(key, (3, 4)).sizes == (3, 4)
    with pytest.raises(ArgumentError, match=r"uint32 \(4,\) given, .* uint32 \(2,\) as JAX is set"):
        bpc.make_network(key, (3, 4))


@pytest.fixture(scope="module")
def half():
    kept = []
    bpc.fit(TINY, (FEW, OF_FEW, FEW, OF_FEW), on_epoch=kept.append)
    return kept[0]


def changed(field, value):
    return lambda c: c._replace(state=eqx.tree_at(lambda s: getattr(s, field), c.state, value))


@pytest.mark.parametrize(
    "change",
    [
        lambda c: c._replace(config={"a": 1}),
        lambda c: c._replace(state="x"),
        lambda c: c._replace(state=None),
        lambda c: c._replace(history=None),
        lambda c: c._replace(history=(1, 2)),
        lambda c: c._replace(history=bpc.History({}, [])),
        lambda c: c._replace(data=None),
        lambda c: c._replace(state=bpc.make_state(TINY, 4)),
        changed("iteration", jnp.array(-1)),
        changed("iteration", jnp.array(9)),
        changed("iteration", jnp.array(2.0)),
        changed("norms", None),
        changed("optimiser", None),
        lambda c: changed("network", jax.tree.map(lambda x: x * jnp.nan, c.state.network))(c),
        lambda c: changed("network", jax.tree.map(jnp.float16, c.state.network))(c),
    ],
)  # fmt: skip
def test_a_run_goes_on_from_what_save_would_write(change, half, tmp_path):
    """`save` and `fit` look at a checkpoint in one place."""
    wrong = change(half)
    with pytest.raises(ValueError, match="could not be read again"):
        bpc.save(tmp_path / "wrong.bpc", wrong)
    with pytest.raises(ArgumentError, match="resume is not whole: .* pass what load"):
        bpc.fit(TINY, (FEW, OF_FEW, FEW, OF_FEW), resume=wrong)


def test_a_run_goes_on_from_its_beginning():
    kept, data = [], (FEW, OF_FEW, FEW, OF_FEW)
    plain = bpc.fit(TINY, data, on_epoch=kept.append)
    fresh = kept[0]._replace(state=bpc.make_state(TINY, 4), history=bpc.History({}, []))
    assert same_bits(bpc.fit(TINY, data, resume=fresh), plain)


# Activations of one's own ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "function, steepness, message",
    [
        (jnp.tanh, 0.01, "steepness=0.01 given, 1 or more expected: so steep is"),
        (lambda z: jnp.abs(z) * 2, 1.99, "2 or more expected"),
        (lambda z: jnp.sort(z.ravel()).reshape(z.shape), None, "of each number by itself"),
        (lambda z: jnp.flip(z) if z.ndim else z, None, "of each number by itself"),
        (lambda z: z.T, None, "of each number by itself"),
        (lambda z: z + 0.1 * jnp.tanh(z.mean()), None, "of each number by itself"),
        (jnp.sqrt, None, "finite from -50 to 50 expected: at -0.1 it gives nan"),
        (jnp.log1p, None, "finite from -50 to 50 expected: at -1 it gives -inf"),
    ],
)
def test_an_activation_that_breaks_the_law_is_refused(function, steepness, message):
    with pytest.raises(ArgumentError, match=message):
        bpc.add_activation("odd", function, steepness)
    assert "odd" not in ACTIVATIONS


# Images from files ----------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.int64, np.uint16, np.float16, np.float32, np.float64])
def test_whole_numbers_of_0_to_255_are_bytes_whatever_they_are_kept_as(dtype, tmp_path):
    images = np.array([[[0, 255], [128, 7]], [[0, 0], [1, 254]]])
    np.save(tmp_path / "x.npy", images.astype(dtype))
    found = read_images(tmp_path / "x.npy", 4)
    assert found.dtype == np.uint8
    np.testing.assert_array_equal(found, images)
    np.save(tmp_path / "x.npy", images[1:, :1].astype(dtype))  # all 0
    read_images(tmp_path / "x.npy", 2)


@pytest.mark.parametrize("dtype", [np.int64, np.float64])
def test_numbers_of_0_to_255_that_normalise_refuses_have_a_cure_that_helps(dtype):
    images = bpc.load_mnist("test")[0][:2].astype(dtype)
    with pytest.raises(ValueError, match="makes bytes|scales them") as error:
        bpc.normalise(images)
    cure = re.search(r": (images.*?) (?:makes|scales)", str(error.value))[1]
    wanted = bpc.normalise(images.astype(np.uint8))
    np.testing.assert_allclose(
        bpc.normalise(eval(cure, {"np": np, "images": images})), wanted, 1e-5
    )
    with pytest.raises(ValueError, match="images / 16 (makes floats|scales them)"):
        bpc.normalise(images * 16 // 255)
    with pytest.raises(ValueError) as error:
        bpc.normalise(images - 1)
    assert "bytes" not in str(error.value) and "/ 255" not in str(error.value)


@pytest.mark.parametrize(
    "images, message",
    [
        (np.zeros((10, 0), np.uint8), r"x.npy holds uint8 \(10, 0\), .*no image in it"),
        (np.zeros((10, 0), np.float32), r"x.npy holds float32 \(10, 0\)"),
        (np.full((2, 4), np.nan), "x.npy: images with NaN or infinity given"),
        (np.array([[0.0, np.inf]]), "x.npy: images with NaN or infinity given"),
        (np.array([[-9, 0]]), r"x.npy: .* np.interp\(images, \(-9, 0\), \(0, 1\)\)"),
        (np.array([[-9, -9]]), "x.npy: .* floats from 0 to 1$"),
        (np.array([[0, 999]]), r"x.npy: .* images / 999\)"),
        (np.array([[0.0, 16.0]]), r"x.npy: .* float64 from 0 to 16 given, .* images / 16\)"),
        (np.array([[0, 7.5]]), r"x.npy: .* images / images.max\(\)"),
        (np.array([[0, 127.5, 254]]), r"x.npy: .* images / 255\) makes those"),
        (np.array([[-1.0, 255.0]]), r"x.npy: .* float64 from -1 to 255 given, .*np.interp"),
    ],
)
def test_what_a_file_of_images_is_advised_helps(images, message, tmp_path):
    path = tmp_path / "x.npy"
    np.save(path, images)
    with pytest.raises(ValueError, match=message) as error:
        read_images(path, None)
    if "np.save" in str(error.value):
        code = str(error.value).split("np.save(path, ")[1].split(") makes")[0]
        np.save(path, eval(code, {"np": np, "images": images}))
        assert 0 <= read_images(path, None).min() <= read_images(path, None).max() <= 1


@pytest.mark.parametrize(
    "images",
    [
        np.zeros((28, 28), np.uint8),
        np.zeros((40, 30), np.uint8),
        np.zeros((5, 40, 30), np.uint8),
        np.zeros((5, 28, 28, 3), np.uint8),
        np.zeros((5, 28, 28, 4), np.float32),
    ],
    ids=lambda images: str(images.shape),
)
def test_images_of_another_shape_become_some_as_is_said(images, tmp_path):
    path = tmp_path / "x.npy"
    images[..., 10:25, 10:20] = 255  # some ink
    np.save(path, images)
    with pytest.raises(ValueError, match="one colour each; ") as error:
        read_images(path)
    code = re.search("(from bpc_minimal|np.save).*", str(error.value))[0]
    exec(code, {"np": np, "path": path, "images": images, "image": images})
    assert read_images(path).shape[1:] == (28, 28)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: bpc.classify(NETWORK, IMAGES, n_steps=3),
            "classify: .*'n_steps'; did you mean steps?",
        ),
        (lambda: bpc.classify(NETWORK), "classify: missing .*'images'; it takes network, images"),
        (
            lambda: bpc.fit(bpc.preset("fast"), 1, 2, 3, 4, 5, 6),
            "fit: too many .*; it takes config, data",
        ),
    ],
)
def test_arguments_that_a_function_has_not_are_told_with_its_name(call, message):
    with pytest.raises(TypeError, match=message):
        call()


@pytest.mark.parametrize("dtype", [jnp.int4, jnp.uint4, np.int8, np.uint8])
def test_labels_of_few_bits_name_any_number_of_classes(dtype):
    labels = jnp.array([1, 7], dtype)
    np.testing.assert_array_equal(bpc.one_hot(labels, 300).argmax(axis=1), [1, 7])
    with pytest.raises(ArgumentError, match=r"labels \[7\] given, 0 to 4 expected"):
        bpc.one_hot(labels, 5)


@pytest.mark.parametrize("value", [10**20, -(10**20)])
def test_integers_that_no_array_holds_are_shown(value):
    with pytest.raises(
        ArgumentError, match=rf"labels \[{value}\] given, integers of at most 64 bits"
    ):
        bpc.one_hot([value])


@pytest.mark.parametrize("dtype", [jnp.float16, jnp.bfloat16])
def test_half_precision_does_not_learn(dtype):
    state = bpc.make_state(TINY, 4)
    narrow = jax.tree.map(lambda x: x.astype(dtype), state.network)
    with pytest.raises(ArgumentError, match=r"state with b?float16 weights given, float32 or"):
        bpc.train_step(
            eqx.tree_at(lambda s: s.network, state, narrow), FEW[:1], OF_FEW[:1], TINY, 4
        )


def test_a_run_does_not_go_on_with_weights_that_were_changed_beside_their_norms(half):
    network = jax.tree.map(lambda x: x * 2, half.state.network)
    wrong = half._replace(state=eqx.tree_at(lambda s: s.network, half.state, network))
    with pytest.raises(ArgumentError, match="resume is not whole: .* norms are below the norms"):
        bpc.fit(TINY, (FEW, OF_FEW, FEW, OF_FEW), resume=wrong)
