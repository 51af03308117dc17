"""Whatever is given, the answer is right or an error says what was wrong: hypothesis looks for exceptions.

An error of the contract is a ValueError (FloatingPointError where numbers grow without bound, OSError for
files); anything else, such as a trace out of XLA, fails these tests, and so does a NaN that nobody mentions.
"""

import contextlib
import io
import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as nps

import bpc_minimal as bpc
from bpc_minimal.__main__ import main

SEEDED = settings(derandomize=True, deadline=None)
NETWORK = bpc.make_network(jax.random.PRNGKey(0), (10, 7, 784))
ODD = st.sampled_from(
    [float("nan"), float("inf"), -float("inf"), -1.0, "1", None, True, (), [1.0], {}]
)
SHAPES = nps.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=3)
ARRAYS = st.one_of(
    nps.arrays(st.sampled_from(["uint8", "int32", "float32", "float64", "bool", "U1"]), SHAPES),
    nps.arrays(
        st.sampled_from(["uint8", "float32", "int8"]),
        st.sampled_from(
            [(0, 784), (1, 784), (2, 784), (2, 28, 28), (784,), (0, 28, 28), (2, 10), (0, 10)]
        ),
        fill=st.just(1),
    ),
)


def is_finite(tree):
    return all(np.isfinite(np.asarray(x)).all() for x in jax.tree.leaves(tree))


@settings(SEEDED, max_examples=60)
@given(st.data())
def test_inference_is_finite_or_says_why_not(given):
    draw = given.draw
    depth = draw(st.integers(1, 12))
    sizes = (3, *(4,) * (depth - 1), 5)
    network = bpc.make_network(
        jax.random.PRNGKey(depth), sizes, draw(st.sampled_from(["relu", "tanh"]))
    )
    batch = draw(st.sampled_from([0, 2]))
    key = jax.random.PRNGKey(1)
    z = [np.asarray(jax.random.normal(key, (batch, n))) for n in sizes]
    poison = draw(
        st.sampled_from([None] * 6 + [np.nan, np.inf, "shape", "dtype", "layers", "batch"])
    )
    layer = draw(st.integers(0, depth))
    if poison == "shape":
        z[layer] = z[layer][:, 1:]
    elif poison == "dtype":
        z[layer] = z[layer].astype(np.int32)
    elif poison == "layers":
        z = z[1:]
    elif poison == "batch":
        z[layer] = np.concatenate([z[layer], np.ones((1, sizes[layer]), np.float32)])
    elif poison is not None and batch:
        z[layer] = z[layer].copy()
        z[layer][0, 0] = poison
    steps = draw(st.sampled_from([0, 1, 3, 3, 3, -1, 2.5, True]))
    size = draw(st.sampled_from([0.5, 1.0, 1.0, 1e4, 0.0, -1.0, np.nan, np.inf, "1"]))
    rule = draw(st.sampled_from(["curvature", "curvature", "fixed", "newton"]))
    alpha = draw(st.sampled_from([1.0, 0.0, 1e-6, (1.0,) * depth, (1.0,) * (depth + 1)]))
    clamped = [True] + [False] * (depth - 1) + [True]
    good = (
        (poison is None or (isinstance(poison, float) and not batch))
        and steps in (0, 1, 3) and steps is not True
        and size in (0.5, 1.0, 1e4) and rule != "newton" and alpha != (1.0,) * (depth + 1)
    )  # fmt: skip
    try:
        settled = bpc.infer(
            network, z, clamped, steps=steps, step_size=size, step_rule=rule, alpha_gen=alpha,
            in_turn=draw(st.booleans()),
        )  # fmt: skip
    except ValueError as error:
        assert not good, f"refused, but nothing is wrong: {error}"
        assert "given" in str(error) or "unknown" in str(error) or "NaN" in str(error)
    except FloatingPointError as error:
        assert size == 1e4 or not good
        assert "step" in str(error)
    else:
        assert good
        assert is_finite(settled)
        assert [x.shape for x in settled] == [(batch, n) for n in sizes]
        assert np.array_equal(settled[0], z[0])
        assert np.array_equal(settled[-1], z[-1])


@settings(SEEDED, max_examples=150)
@given(ARRAYS)
def test_any_array_is_used_rightly_or_refused(array):
    calls = {
        "normalise": lambda: bpc.normalise(array),
        "one_hot": lambda: bpc.one_hot(array),
        "class_means": lambda: bpc.class_means(array, array),
        "sweep_up": lambda: bpc.sweep_up(NETWORK, array),
        "sweep_down": lambda: bpc.sweep_down(NETWORK, array),
        "classify": lambda: bpc.classify(NETWORK, array),
        "generate": lambda: bpc.generate(NETWORK, array),
    }
    for name, call in calls.items():
        try:
            found = call()
        except ValueError as error:
            assert "given" in str(error) or "class" in str(error) or "NaN" in str(error), name
        else:
            assert is_finite(found), name


@settings(SEEDED, max_examples=40)
@given(ARRAYS, ARRAYS)
def test_completion_uses_any_mask_rightly_or_refuses_it(pixels, seen):
    try:
        found = bpc.complete(NETWORK, pixels, seen, steps=1)
    except ValueError as error:
        assert str(error)
    else:
        assert is_finite(found)
        assert found.shape == pixels.shape


FIELDS = st.sampled_from(list(json.loads(bpc.Config(epochs=1).to_json())))
VALUES = st.one_of(ODD, st.integers(-2, 3), st.floats(), st.text(max_size=3), st.just("curvature"))


@settings(SEEDED, max_examples=400)
@given(FIELDS, VALUES)
def test_any_setting_is_kept_or_refused(field, value):
    try:
        config = bpc.Config(epochs=1).replace(**{field: value})
    except ValueError as error:
        assert str(error)
    else:
        assert bpc.Config.from_json(config.to_json()) == config


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=4)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.one_of(FIELDS, st.text(max_size=4)), inner, max_size=3),
    ),
    max_leaves=6,
)


@settings(SEEDED, max_examples=300)
@given(st.one_of(JSON.map(json.dumps), st.text()))
def test_any_text_is_settings_or_is_refused(text):
    try:
        config = bpc.Config.from_json(text)
    except ValueError as error:
        assert str(error)
    else:
        assert isinstance(config, bpc.Config)


def ends_well(*arguments, codes=(0, 1, 2)):
    """Whether a command ends with one of these codes, and says in words what was wrong with it."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            code = main([*arguments])
        except SystemExit as end:  # argparse's own
            code = end.code
    said = err.getvalue().rstrip("\n").split("\n")
    assert code in codes, (code, said)
    if code == 1:
        assert len(said) == 1 and said[0].startswith("error: ") and len(said[0]) > 20, said
    elif code == 2:
        assert "error: " in err.getvalue(), said
    return True


def never_trains(*arguments):
    """Try a command that can never begin to train: its data are not there."""
    where = "--data", "kmnist", "--root", "/nonexistent"
    return ends_well("train", *where, *arguments, codes=(1, 2))


@settings(SEEDED, max_examples=150)
@given(
    FIELDS,
    st.one_of(VALUES.map(str), st.text(alphabet="0123456789.e-+,[]{}() ainf\"'", max_size=8)),
)
def test_any_argument_ends_in_one_line_that_says_what_was_wrong(field, value):
    for arguments in (("--set", f"{field}={value}"), ("--seed", value), ("--set", value)):
        assert never_trains(*arguments)


@settings(SEEDED, max_examples=60)
@given(content=st.one_of(st.binary(max_size=40), JSON.map(lambda x: json.dumps(x).encode())))
def test_any_file_of_settings_ends_in_one_line(content, tmp_path_factory):
    path = tmp_path_factory.getbasetemp() / "settings.json"
    path.write_bytes(content)
    assert never_trains("--config", str(path))


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    """A checkpoint of a small network, in an empty folder that commands may write to."""
    folder = tmp_path_factory.mktemp("commands")
    images, labels = bpc.load_mnist("validation")
    part = bpc.Data(images[:16], labels[:16], images[:8], labels[:8])
    path = folder / "checkpoint.bpc"
    bpc.fit(
        bpc.Config(sizes=(10, 6, 784), iterations=1, batch_size=4),
        part,
        on_epoch=lambda c: bpc.save(path, c),
    )
    np.save(folder / "images.npy", images[:3])
    (folder / "text.npy").write_text("no images")
    return path


WORDS = st.one_of(
    st.integers(-3, 12).map(str),
    st.sampled_from(
        ["", "nan", "1e3", "bottom", "left", "test", "-", "--json", "0x3", "images.npy"]
    ),
    st.text(max_size=4),
)
OPTIONS = st.sampled_from(
    [
        "--steps",
        "--labels",
        "--index",
        "--split",
        "--hide",
        "--images",
        "--json",
        "--out",
        "--speed",
    ]
)


@settings(SEEDED, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    command=st.sampled_from(["classify", "generate", "complete", "info"]),
    option=OPTIONS,
    words=st.lists(WORDS, max_size=3),
    there=st.booleans(),
)
def test_any_use_of_a_checkpoint_ends_in_results_or_words(
    checkpoint, monkeypatch, command, option, words, there
):
    monkeypatch.chdir(checkpoint.parent)
    monkeypatch.setenv("MPLBACKEND", "agg")
    few = (
        ["--index", "1", "2"] if command in ("classify", "complete") and option != "--index" else []
    )
    steps = ["--steps", "3"] if command == "complete" and option != "--steps" else []
    path = str(checkpoint) if there else "absent.bpc"
    assert ends_well(command, path, *steps, *few, option, *words)


@pytest.mark.parametrize("depth", range(1, 13))
def test_each_depth_sweeps_settles_and_learns(depth):
    sizes = (10, *(6,) * (depth - 1), 784)
    config = bpc.Config(sizes=sizes, iterations=2, batch_size=4, steps=2)
    images, labels = bpc.load_mnist("validation")
    part = bpc.Data(images[:16], labels[:16], images[:8], labels[:8])
    network, history = bpc.fit(config, part)
    assert is_finite(network)
    assert is_finite(history.losses)
    assert is_finite(bpc.generate(network, jnp.arange(10)))
