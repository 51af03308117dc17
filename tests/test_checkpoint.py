"""Laws of checkpoints: what is loaded is what was saved, to the bit, or nothing is."""

import hashlib
import json
import os
import pickle

import equinox as eqx
import jax
import numpy as np
import pytest
from conftest import assert_close, same_bits

from bpc_minimal import Config, evaluate, fit, load, load_mnist, preset, pretrained, save
from bpc_minimal.checkpoint import ADAM, FORMAT, PRETRAINED, _body, export
from bpc_minimal.curvature import IN_TRAINING, spectral_norms
from bpc_minimal.training import History

CONFIG = Config(sizes=(10, 8, 784), batch_size=64, iterations=12, evaluate_every=5, steps=2)


@pytest.fixture(scope="module")
def checkpoints(digits):
    kept = []
    fit(CONFIG, digits, on_epoch=kept.append)
    return kept


@pytest.fixture
def saved(checkpoints, tmp_path):
    path = tmp_path / "checkpoint.bpc"
    save(path, checkpoints[-1])
    return path


def test_what_is_loaded_is_what_was_saved(checkpoints, saved):
    found = load(saved)
    assert found.config == CONFIG
    assert same_bits(found.state, checkpoints[-1].state)
    assert same_bits(found.history.losses, checkpoints[-1].history.losses)
    assert found.history.evaluations == checkpoints[-1].history.evaluations


def test_a_resumed_run_ends_as_an_unbroken_one(checkpoints, digits, tmp_path):
    unbroken = fit(CONFIG, digits)
    for i, checkpoint in enumerate(checkpoints[:-1]):
        save(tmp_path / f"{i}.bpc", checkpoint)
        network, history = fit(CONFIG, digits, resume=load(tmp_path / f"{i}.bpc"))
        assert same_bits(network, unbroken[0])
        assert same_bits(history.losses, unbroken[1].losses)
        assert history.evaluations == unbroken[1].evaluations


def test_a_file_cut_short_is_refused(saved):
    content = saved.read_bytes()
    for length in (0, 1, 50, 400, len(content) // 2, len(content) - 1):
        saved.write_bytes(content[:length])
        with pytest.raises((OSError, ValueError), match=r"checkpoint\.bpc"):
            load(saved)


def test_any_flipped_bit_is_noticed(saved):
    content = saved.read_bytes()
    rng = np.random.default_rng(0)
    head = content.index(b"\n")
    places = [*rng.integers(0, head + 1, 40), *rng.integers(head, len(content), 40)]
    for place in places:
        bad = bytearray(content)
        bad[place] ^= 1 << int(rng.integers(8))
        saved.write_bytes(bad)
        with pytest.raises((OSError, ValueError), match=r"checkpoint\.bpc"):
            load(saved)


def resealed(content, change):
    """A checkpoint whose line of JSON was changed by someone who knows to renew the digest."""
    first, head, arrays = content.split(b"\n", 2)
    body = change(head) + b"\n" + arrays
    digest = hashlib.sha256(body).hexdigest().encode()
    return first.rpartition(b" ")[0] + b" " + digest + b"\n" + body


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda head: head.replace(b"[10, 8, 784]", b"[10, 9, 784]"), "expected|shape"),
        (lambda head: head.replace(b"[10, 8, 784]", b"[10, 8, 8, 784]"), "not one of this version"),
        (lambda head: head.replace(b"[10, 8, 784]", b"[784]"), "two or more"),
        (lambda head: head.replace(b'"use_bias": false', b'"use_bias": true'), "this version"),
        (lambda head: head.replace(b'"relu"', b'"rule"'), "unknown activation 'rule'"),
        (lambda head: head.replace(b'"seed"', b'"sead"'), "unknown setting sead"),
        (lambda head: head.replace(b'"gen_loss": 12', b'"gen_loss": 13'), "this version"),
        (lambda head: head.replace(b'"gen_loss": 12', b'"gen_loss": "x"'), "this version"),
        (lambda head: head.replace(b'"config"', b'"confic"'), "line of JSON has no 'config'"),
        (lambda head: head.replace(b'"losses"', b'"lozzes"'), "line of JSON has no 'losses'"),
        (lambda head: head[:-1], "this version"),
        (lambda head: b"[" * 100_000, "this version"),
        (lambda head: b"\xff\xfe" + head, "this version"),
        (lambda head: b"3", "this version"),
        (lambda head: head.replace(b'"accuracy": ', b'"accuracy": -3'), "accuracy=-3.*0 to 100"),
        (lambda head: head.replace(b'"accuracy": ', b'"accuracy": 9'), "accuracy=9.*0 to 100"),
        (lambda head: head.replace(b'"rmse": ', b'"rmse": -'), "rmse=-.*0 or more"),
        (lambda head: head.replace(b'"energy": ', b'"energy": -', 1), "energy=-.*0 or more"),
        (lambda head: head.replace(b'"examples": 640', b'"examples": 6'), "of 6 training images"),
        (lambda head: head.replace(b'"examples": 640', b'"examples": true'), "of True training"),
        (lambda head: head.replace(b'"iterations": 12', b'"epochs": 1'), "iteration 12 of 10"),
        (
            lambda head: head.replace(b'"gen_loss": 0', b'"gen_loss": 10'),
            "gen_loss=10.*among the lo",
        ),
        (lambda head: head.replace(b"640", b"1" * 5000), "its line of JSON is not JSON: a number"),
        (
            lambda head: head.replace(b'"rmse"', b'"x": ' + b"1" * 5000 + b', "rmse"'),
            "a number of thousands",
        ),
    ],
)
def test_altered_settings_are_refused(saved, change, message):
    content = saved.read_bytes()
    assert resealed(content, lambda head: head) == content
    bad = resealed(content, change)
    assert bad != content
    saved.write_bytes(bad)
    with pytest.raises(ValueError, match=rf"checkpoint\.bpc (?s:.*)({message})") as error:
        load(saved)
    assert "set_int_max" not in str(error.value)


def scaled(of, factor):
    """A change of one kind of a checkpoint's arrays."""
    return lambda state: eqx.tree_at(of, state, jax.tree.map(lambda x: x * factor, of(state)))


def put(of, value):
    """A change of one number of a checkpoint's arrays."""
    return lambda state: eqx.tree_at(of, state, of(state).at[0, 0].set(value))


def first(kind):
    return lambda state: getattr(state.optimiser[0], kind).generator[0].weight


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (scaled(lambda s: s.norms.now, 10.0), "do not fit what was measured"),
        (scaled(lambda s: s.norms.now, 1e18), "do not fit what was measured"),
        (scaled(lambda s: s.norms.now, 0.1), "below the norms"),
        (scaled(lambda s: s.norms.measured, 10.0), "do not fit what was measured"),
        (scaled(lambda s: s.norms.measured, 0.1), "do not fit what was measured"),
        (scaled(lambda s: s.norms.measured, 0.0), "do not fit what was measured"),
        (scaled(lambda s: s.norms.measured, -1.0), "do not fit what was measured"),
        (scaled(lambda s: s.norms, 10.0), "far above the norms"),
        (scaled(lambda s: s.norms, 1e18), "far above the norms"),
        (put(first("nu"), -1e-9), "squares"),
        (put(first("nu"), 3.4e38), "means of squares of 0 to 1e\\+30 expected"),
        (put(first("mu"), 3.4e38), "too large for those of squares"),
        (put(first("mu"), -1.0), "too large for those of squares"),
        (put(first("mu"), np.nan), "NaN or infinity"),
        (put(first("nu"), np.inf), "NaN or infinity"),
    ],
)
def test_arrays_that_no_run_has_are_refused(checkpoints, tmp_path, monkeypatch, change, message):
    monkeypatch.setattr("bpc_minimal.checkpoint._whole_body", _body)  # `save` takes anything
    save(tmp_path / "run.bpc", checkpoints[-1]._replace(state=change(checkpoints[-1].state)))
    monkeypatch.undo()
    with pytest.raises(ValueError, match=rf"run\.bpc (?s:.*){message}"):
        load(tmp_path / "run.bpc")


@pytest.mark.parametrize("value", [-1.0, 3.4e38, np.nan])
def test_losses_that_no_run_has_are_refused(checkpoints, tmp_path, monkeypatch, value):
    history = checkpoints[-1].history
    losses = history.losses | {"energy": np.where(np.arange(12) == 3, value, 1).astype(np.float32)}
    monkeypatch.setattr("bpc_minimal.checkpoint._whole_body", _body)
    save(tmp_path / "run.bpc", checkpoints[-1]._replace(history=history._replace(losses=losses)))
    monkeypatch.undo()
    with pytest.raises(ValueError, match="losses 'energy'.*(0 to 1e.30 expected|NaN)"):
        load(tmp_path / "run.bpc")


@pytest.mark.parametrize(
    "changes",
    [
        {"learning_rate": 1e-4},
        {"learning_rate": 0.3, "schedule": "constant", "stop_diverging": False},
        {"weight_decay": 30.0, "learning_rate": 0.02, "schedule": "constant"},
        {"weight_decay": 0.0, "use_bias": True, "sizes": (10, 40, 784), "learning_rate": 0.05},
    ],
    ids=str,
)
def test_checkpoints_of_any_run_are_taken(digits, tmp_path, changes):
    """Weights that grow, shrink and stay: at every iteration what a run carries is what it could carry."""
    config = CONFIG.replace(**{"iterations": 60, "evaluate_every": 3} | changes)
    taken = []

    def keep(checkpoint):
        save(tmp_path / "run.bpc", checkpoint)
        state = load(tmp_path / "run.bpc").state
        loosest = spectral_norms(state.network, IN_TRAINING)
        parts = map(jax.tree.leaves, (*state.norms, loosest))
        shares = [(2 * m - n) / b for n, m, b in zip(*parts, strict=True)]
        nu = jax.tree.leaves(state.optimiser[0].nu)
        pairs = zip(jax.tree.leaves(state.optimiser[0].mu), nu, strict=True)
        mean = max(float(np.max(abs(m) / np.sqrt(n + 1e-30))) for m, n in pairs)
        taken.append((float(max(shares)), mean))

    fit(config, digits, on_epoch=keep)
    assert len(taken) == 20
    assert max(share for share, _ in taken) <= 1.001 and max(mean for _, mean in taken) < ADAM


def test_what_adam_can_reach_is_what_its_inequality_says():
    """Gradients that grow by b2 / b1 an iteration reach it."""
    mu = nu = 0.0
    for t in range(2_000):
        gradient = (0.999 / 0.9) ** (t - 2_000)
        mu, nu = 0.9 * mu + 0.1 * gradient, 0.999 * nu + 0.001 * gradient**2
    assert 0.97 * ADAM < mu / np.sqrt(nu) < 0.99 * ADAM


def test_settings_of_many_layers_are_refused_before_they_are_worked_out(saved, monkeypatch):
    """Weights of so many layers take minutes to think of; the first array tells that they are another's."""
    content = saved.read_bytes()
    monkeypatch.setattr("bpc_minimal.checkpoint.make_state", None)  # that is asked for nothing
    for layers, message in ((400, "400 layers given"), (60, r"\(8, 10\) found")):
        sizes = json.dumps([1] * layers).encode()
        saved.write_bytes(resealed(content, lambda head, s=sizes: head.replace(b"[10, 8, 784]", s)))
        with pytest.raises(ValueError, match=message):
            load(saved)


def test_a_checkpoint_knows_how_many_images_it_learns_and_an_older_one_does_not(saved):
    assert load(saved).examples == 640
    older = resealed(saved.read_bytes(), lambda head: head.replace(b'"examples": 640, ', b""))
    saved.write_bytes(older)
    found = load(saved)
    assert found.examples is None
    save(saved, found)
    assert load(saved).examples is None


class Touch:
    """What a hostile pickle would do."""

    def __reduce__(self):
        return os.mkdir, ("was-run",)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", ": it holds no words"),
        (b"\n", ": it holds no words"),
        (b"hello\n", ": it is text that begins with 'hello'; .* train` writes one"),
        (b"\xff\xfe\n", ": its first line names no format"),
        (b'{"format": 3}\nx', ": it is text that"),
        (b"\x89PNG\r\n\x1a\n", ": it is a PNG picture; "),
        (b"PK\3\4", r": it is a zip or .npz file .*pretrained\(path\)"),
        (
            FORMAT[:-1].encode() + b"2 " + b"0" * 64 + b"\n",
            "of this version .* checkpoint 2' found, .* checkpoint 1' expected; install the version",
        ),
    ],
    ids=["empty", "newline", "text", "bytes", "json", "png", "npz", "newer"],
)
def test_foreign_files_are_refused(content, words, tmp_path):
    path = tmp_path / "foreign"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=f"foreign is no checkpoint ?{words}") as error:
        load(path)
    assert "\n" not in str(error.value)


def test_no_pickle_is_run(saved, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    head = saved.read_bytes().partition(b"\n")[0]
    for content in (pickle.dumps(Touch()), head + b"\n" + pickle.dumps(Touch())):
        saved.write_bytes(content)
        with pytest.raises((OSError, ValueError)):
            load(saved)
    assert not (tmp_path / "was-run").exists()


def test_what_is_no_checkpoint_is_not_saved(checkpoints, tmp_path):
    with pytest.raises(ValueError, match="Network given, a Checkpoint expected"):
        save(tmp_path / "file", checkpoints[-1].network)
    assert not list(tmp_path.iterdir())


CHANGES = {
    "no digest of the data": {"data": None},
    "no state": {"state": None},
    "no history": {"history": None},
    "other sizes": {"config": CONFIG.replace(sizes=(10, 5, 784))},
    "an empty history": {"history": History({}, [])},
    "no number of JSON": {"history": lambda h: [e | {"rmse": np.float32(1)} for e in h]},
    "NaN": {"history": lambda h: [e | {"rmse": np.nan} for e in h]},
}


@pytest.mark.parametrize("changes", CHANGES.values(), ids=CHANGES)
def test_what_could_not_be_read_again_is_not_saved(checkpoints, saved, changes):
    before = saved.read_bytes()
    if callable(changes.get("history")):
        history = checkpoints[-1].history
        evaluations = changes["history"](history.evaluations)
        changes = {"history": history._replace(evaluations=evaluations)}
    with pytest.raises(ValueError, match="could not be read again: .*; nothing was written"):
        save(saved, checkpoints[-1]._replace(**changes))
    assert saved.read_bytes() == before


def test_a_run_in_float64_is_loaded_as_it_was_saved(float64, digits, tmp_path):
    path, kept = tmp_path / "checkpoint.bpc", []
    fit(CONFIG, digits, on_epoch=kept.append)
    save(path, kept[-1])
    found, losses = load(path), kept[-1].history.losses
    assert same_bits((found.state, found.history.losses), (kept[-1].state, losses))
    assert found.history.losses["energy"].dtype == losses["energy"].dtype


def test_missing_files_and_folders_are_named(checkpoints, tmp_path):
    with pytest.raises(OSError, match="could not read the checkpoint .*absent"):
        load(tmp_path / "absent")
    with pytest.raises(OSError, match="could not write the checkpoint .*nowhere"):
        save(tmp_path / "nowhere" / "x.bpc", checkpoints[0])
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="could not write"):
        save(tmp_path / "file" / "x.bpc", checkpoints[0])


@pytest.mark.parametrize("broken", ["replace", "fsync"])
def test_an_interrupted_write_leaves_the_older_file(checkpoints, saved, monkeypatch, broken):
    before = saved.read_bytes()

    def full(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, broken, full)
    with pytest.raises(OSError, match="No space left.*as it was"):
        save(saved, checkpoints[0])
    assert saved.read_bytes() == before
    assert [p.name for p in saved.parent.iterdir()] == [saved.name]


def test_what_is_exported_is_read_back_in_half_precision(checkpoints, tmp_path):
    export(tmp_path / "small.npz", checkpoints[-1], {"command": "a", "seed": "0"})
    network, history, about = pretrained(tmp_path / "small.npz")
    trained = checkpoints[-1].network
    assert_close(network, trained, 1e-3)
    assert not same_bits(network, trained)
    assert network.sizes == trained.sizes and network.activation == trained.activation
    assert same_bits(history.losses, checkpoints[-1].history.losses)
    assert history.evaluations == checkpoints[-1].history.evaluations
    assert Config.from_json(about.pop("config")) == CONFIG
    assert about == {"command": "a", "seed": "0"}


@pytest.mark.parametrize("content", [None, b"", b"PK", pickle.dumps({"weight_0": 1})])
def test_no_file_of_weights_is_an_os_error(content, tmp_path):
    path = tmp_path / "small.npz"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(OSError, match=r"small\.npz holds no weights"):
        pretrained(path)


def test_the_package_carries_a_run_of_best():
    network, history, about = pretrained()
    config = Config.from_json(about["config"])
    assert config == preset("best", seed=int(about["seed"]))
    assert PRETRAINED.stat().st_size < 3e6
    assert len(history.losses["energy"]) == config.epochs * (60_000 // config.batch_size)
    assert f"--preset best --set seed={config.seed}" in about["command"]
    found = evaluate(network, *load_mnist("test"), config)
    last = history.evaluations[-1]
    assert (
        abs(float(found["accuracy"]) - last["accuracy"]) < 0.05
    )  # rounding to 16 bits is harmless
    assert abs(float(found["rmse"]) - last["rmse"]) < 1e-4
    assert last["accuracy"] > 98.3 and last["rmse"] < 0.0185


@pytest.mark.parametrize("name", ["about", "evaluations", "config"])
def test_numbers_of_thousands_of_digits_are_named_in_own_words(checkpoints, tmp_path, name):
    path = tmp_path / "weights.npz"
    export(path, checkpoints[-1], {"command": "x"})
    parts = dict(np.load(path))
    text = str(parts[name]).replace(": ", ": " + "1" * 5000 + ", ", 1)
    np.savez(path, **parts | {name: np.array(text)})
    with pytest.raises(OSError, match="a number of thousands of digits") as error:
        pretrained(path)
    assert "set_int_max" not in str(error.value)


def test_weights_of_another_shape_are_refused(checkpoints, tmp_path):
    path = tmp_path / "weights.npz"
    export(path, checkpoints[-1], {})
    parts = dict(np.load(path))
    np.savez(path, **parts | {"weight_0": parts["weight_0"][:-1]})
    with pytest.raises(OSError, match="the settings ask for"):
        pretrained(path)


def test_a_checkpoint_knows_its_data(checkpoints, saved, digits):
    assert load(saved).data == checkpoints[-1].data
    assert len(checkpoints[-1].data) == 64
