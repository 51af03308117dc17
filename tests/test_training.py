"""Laws of a run: what it repeats to the last bit, what it may not touch, and when it must stop."""

import contextlib
import itertools
import os
import subprocess
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from conftest import assert_close, same_bits

from bpc_minimal import Config, Data, fit, make_state, mnist, preset, save, train_step
from bpc_minimal.divergence import MOST
from bpc_minimal.training import shuffled

# Two passes of 20 iterations and 4 more. The third and the fifth epoch begin in one pass and end in
# the next, and the last is shorter than the others.
CONFIG = Config(
    sizes=(10, 24, 20, 784), activation="tanh", steps=2, batch_size=32, iterations=44,
    evaluate_every=8, learning_rate=1e-2, seed=3,
)  # fmt: skip
TOTAL, PER_PASS, EVERY = 44, 20, 8


class Run:
    """A run with all that it left: weights, history, and the checkpoint of every evaluation."""

    def __init__(self, config, data, **options):
        self.checkpoints = []
        self.network, self.history = fit(config, data, on_epoch=self.checkpoints.append, **options)


@pytest.fixture(scope="module")
def run(digits):
    return Run(CONFIG, digits)


@pytest.fixture(scope="module")
def by_pass(digits):
    return Run(CONFIG.replace(evaluate_every=None), digits)


def one_by_one(config, data, iterations):
    """Train as the book's Python loop does: shuffle, cut a batch, learn, and so on."""
    state, losses = make_state(config, TOTAL), []
    for i in range(iterations):
        if i % PER_PASS == 0:
            order = np.asarray(shuffled(state.key, i // PER_PASS, len(data.images)))
        start = i % PER_PASS * config.batch_size
        chosen = order[start : start + config.batch_size]
        images, labels = data.images[chosen], data.labels[chosen].astype(np.int32)
        state, new = train_step(state, images, labels, config.replace(name="", seed=0), TOTAL)
        losses.append(new)
    return state, {name: np.array([loss[name] for loss in losses]) for name in losses[0]}


# What a run repeats ---------------------------------------------------------------------------------


def test_the_same_seed_gives_the_same_bits(run, digits):
    again = Run(CONFIG, digits)
    assert same_bits(again.network, run.network)
    assert same_bits(again.history, run.history)


def test_a_name_changes_nothing_and_another_seed_everything(run, digits):
    assert same_bits(fit(CONFIG.replace(name="other"), digits)[0], run.network)
    other, history = fit(CONFIG.replace(seed=4), digits)
    for a, b in zip(jax.tree.leaves(other), jax.tree.leaves(run.network), strict=True):
        assert np.mean(a == b) < 0.01
    assert (history.losses["gen_loss"] != run.history.losses["gen_loss"]).mean() > 0.9


def test_the_compiled_scan_is_the_loop_over_single_steps(run, digits):
    state, losses = one_by_one(CONFIG, digits, TOTAL)
    assert_close(losses, run.history.losses, 1e-4)
    assert_close(state.network, run.network, 1e-4)


@pytest.mark.parametrize("lengths", [(1,), (3, 1, 1000), (1000,)])
def test_the_pace_of_a_run_changes_nothing(lengths, run, digits):
    asked, answers = [], itertools.cycle(lengths)

    def pace(done):
        asked.append(done)
        return next(answers)

    paced = Run(CONFIG, digits, pace=pace)
    assert same_bits(paced.network, run.network)
    assert same_bits(paced.history, run.history)
    assert asked[0] == 0 and (np.diff(asked) > 0).all() and (np.diff(asked) <= max(lengths)).all()


def test_how_often_a_run_is_evaluated_does_not_change_what_it_learns(run, by_pass):
    assert [e["iteration"] for e in by_pass.history.evaluations] == [20, 40, 44]
    assert_close(by_pass.history.losses, run.history.losses, 1e-4)
    assert_close(by_pass.network, run.network, 1e-4)


def test_a_pass_takes_every_example_once_and_each_pass_in_another_order():
    key = jax.random.PRNGKey(0)
    orders = [np.asarray(shuffled(key, epoch, 640)) for epoch in range(3)]
    for order in orders:
        assert sorted(order) == list(range(640))
    for a, b in ((0, 1), (1, 2), (0, 2)):
        assert np.mean(orders[a] == orders[b]) < 0.02
    assert (orders[1] == shuffled(key, 1, 640)).all()
    assert np.mean(orders[0] == shuffled(jax.random.PRNGKey(1), 0, 640)) < 0.02


def test_several_devices_train_the_same_weights(tmp_path, digits):
    """In a process of its own, as JAX counts its devices once: four that share one processor."""
    few = CONFIG.replace(iterations=16)
    np.savez(tmp_path / "digits.npz", **digits._asdict())
    program = f"""
import sys
import jax
import numpy as np
from bpc_minimal import Config, Data, fit
assert len(jax.devices()) == 4
data = Data(**np.load({str(tmp_path / "digits.npz")!r}))
config = Config.from_json({few.to_json()!r})
network, history = fit(config, data)
leaves = {{str(i): leaf for i, leaf in enumerate(jax.tree.leaves((network, history.losses)))}}
np.savez({str(tmp_path / "trained.npz")!r}, **leaves)
"""
    environment = dict(os.environ, PYTHONPATH=str(Path(__file__).parents[1]))
    flags = (
        f"{os.environ.get('XLA_FLAGS', '')} --xla_force_host_platform_device_count=4 "
        f"--xla_dump_to={tmp_path} --xla_dump_hlo_as_text --xla_dump_hlo_module_re=.*learn.*"
    )
    environment |= {"XLA_FLAGS": flags, "JAX_PLATFORMS": "cpu"}
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=environment,
        capture_output=True,
        text=True,
        timeout=1200,
    )
    assert done.returncode == 0, done.stderr
    (compiled,) = tmp_path.glob("*learn*after_optimizations.txt")
    assert (
        "all-reduce" in compiled.read_text()
    )  # the batch is split, and its gradients are added up
    network, history = fit(few, digits)
    trained = np.load(tmp_path / "trained.npz")
    assert_close(list(trained.values()), jax.tree.leaves((network, history.losses)), 1e-4)


# What a run records and hands out -------------------------------------------------------------------


def test_history_holds_every_iteration_and_every_evaluation(run):
    losses, evaluations = run.history
    assert set(losses) == {"gen_loss", "amort_loss", "energy_before", "energy"}
    for values in losses.values():
        assert values.shape == (TOTAL,) and values.dtype == np.float32
        assert np.isfinite(values).all()
    assert [e["iteration"] for e in evaluations] == [8, 16, 24, 32, 40, 44]
    for evaluation in evaluations:
        assert set(evaluation) == {"iteration", "accuracy", "rmse", "relative_step", *losses}
        for name, values in losses.items():
            assert evaluation[name] == values[evaluation["iteration"] - 1]
        assert 0 <= evaluation["accuracy"] <= 100 and 0 <= evaluation["rmse"] <= 1
        assert 0.5 * CONFIG.step_size < evaluation["relative_step"] <= CONFIG.step_size


def test_no_memory_is_taken_for_iterations_that_never_come(run, digits):
    """Four numbers an iteration; a run of a few asks for that few, however seldom it is evaluated."""
    rare = CONFIG.replace(evaluate_every=2**31 - 1)
    network, history = fit(rare, digits)
    assert same_bits(network, run.network) and len(history.evaluations) == 1


def test_what_a_run_hands_over_is_its_callers(run, digits):
    kept = []

    def spoil(checkpoint):
        kept.append(checkpoint)
        for earlier in kept:
            for evaluation in earlier.history.evaluations:
                evaluation["accuracy"] = evaluation["note"] = "spoilt"
            for losses in earlier.history.losses.values():
                losses[:] = np.nan

    _, history = fit(CONFIG, digits, on_epoch=spoil)
    assert history.evaluations == run.history.evaluations
    assert same_bits(history.losses, run.history.losses)


class Collector(list):
    """What collects, and can be called; empty, it counts as false."""

    def __init__(self, called):
        super().__init__()
        self.called = called

    def __call__(self, given):
        return self.called(given)


def test_what_counts_as_false_is_called_all_the_same(digits):
    images = np.array(digits.images[:64])  # which jax.numpy need not copy,
    aligned = np.frombuffer(bytearray(images.nbytes + 64), np.uint8)
    aligned = aligned[-aligned.ctypes.data % 64 :][: images.nbytes].reshape(images.shape)
    config, found, asked = CONFIG.replace(batch_size=32, iterations=8, evaluate_every=4), [], []

    def spoil(checkpoint):
        aligned[:] = 0  # and which its owner writes into

    for on_epoch in (spoil, Collector(spoil)):
        aligned[:] = images
        data = (aligned, digits.labels[:64], *digits[2:])
        found.append(fit(config, data, on_epoch=on_epoch)[1].losses)
    assert same_bits(*found)
    fit(config, digits, pace=Collector(lambda done: asked.append(done) or 1))
    assert asked == [*range(8)]
    for name in ("on_epoch", "pace"):
        with pytest.raises(ValueError, match=f"{name}=.* given, a function expected"):
            fit(config, digits, **{name: np.zeros(2)})


def test_checkpoints_are_the_run_so_far(run):
    assert len(run.checkpoints) == len(run.history.evaluations)
    for i, checkpoint in enumerate(run.checkpoints):
        done = run.history.evaluations[i]["iteration"]
        assert checkpoint.config == CONFIG and int(checkpoint.state.iteration) == done
        assert checkpoint.history.evaluations == run.history.evaluations[: i + 1]
        for name, values in run.history.losses.items():
            assert np.array_equal(checkpoint.history.losses[name], values[:done])
    assert same_bits(run.checkpoints[-1].network, run.network)
    assert not same_bits(run.checkpoints[-2].network, run.network)


@pytest.mark.parametrize("i", range(6))
def test_resumed_runs_end_in_the_same_bits(i, run, digits):
    resumed = Run(CONFIG, digits, resume=run.checkpoints[i])
    assert same_bits(resumed.network, run.network)
    assert same_bits(resumed.history, run.history)
    assert len(resumed.checkpoints) == len(run.checkpoints) - i - 1
    assert same_bits(
        [c.state for c in resumed.checkpoints], [c.state for c in run.checkpoints[i + 1 :]]
    )


def test_a_run_goes_on_with_its_own_data_only(run, digits):
    middle = run.checkpoints[0]
    for other in (
        digits._replace(images=255 - digits.images),
        digits._replace(held_out_labels=digits.held_out_labels[::-1]),
        digits._replace(images=digits.images[:600], labels=digits.labels[:600]),
    ):
        with pytest.raises(ValueError, match="of a run on other data.*--held-out"):
            fit(CONFIG, other, resume=middle)


def test_a_run_that_ends_in_numbers_without_bound_is_stopped(digits):
    """The last update is seen by no loss, but by the evaluation."""
    config = CONFIG.replace(iterations=1, learning_rate=1e30, schedule="constant")
    with pytest.raises(FloatingPointError, match="diverged at iteration 1 of 1 .*learning_rate"):
        fit(config, digits)


def test_resumed_runs_of_whole_passes_end_in_the_same_bits(by_pass, digits):
    for checkpoint in by_pass.checkpoints:
        resumed = fit(checkpoint.config, digits, resume=checkpoint)
        assert same_bits(resumed, (by_pass.network, by_pass.history))


def test_a_run_takes_nothing_from_its_caller(run, digits):
    """The compiled epoch gives its memory up, but never memory that someone else holds."""
    on_device = Data(*map(jnp.asarray, digits))
    middle = run.checkpoints[2]
    before = jax.tree.map(np.array, (digits, middle.state, middle.history))
    first = fit(CONFIG, on_device, resume=middle)
    assert same_bits((digits, middle.state, middle.history), before)  # deleted arrays would raise
    assert same_bits(on_device, digits)
    assert same_bits(fit(CONFIG, on_device, resume=middle), first)


def test_what_is_no_config_or_checkpoint_is_named(digits):
    with pytest.raises(ValueError, match="config='fast' given, a Config expected"):
        fit("fast", digits)
    with pytest.raises(ValueError, match=r"resume='x.bpc' given, .*load\(path\) reads one"):
        fit(CONFIG, digits, resume="x.bpc")
    with pytest.raises(ValueError, match="with 10 numbers an image expected"):
        fit(Config(epochs=1, sizes=(784, 300, 10)), digits)


def test_a_checkpoint_of_other_settings_is_refused(run, digits):
    message = r"run with learning_rate=0.01 \(now 0.1\), seed=3 \(now 4\); resume it with its own"
    with pytest.raises(ValueError, match=message):
        fit(CONFIG.replace(seed=4, learning_rate=0.1), digits, resume=run.checkpoints[0])


# That it learns, or says why not --------------------------------------------------------------------


@pytest.mark.parametrize("start", ["image", "label"])
def test_a_few_passes_teach_both_directions(start, run, digits):
    if start == "image":
        history = run.history
    else:  # as the notebook of jpc does, for a few iterations on few images
        history = fit(preset("jpc", iterations=40, evaluate_every=40), digits)[1]
    assert history.evaluations[-1]["accuracy"] > 50  # chance is 10
    for name in ("gen_loss", "amort_loss"):
        assert history.losses[name][-5:].mean() < 0.9 * history.losses[name][:5].mean()


@pytest.mark.parametrize("stop_diverging", [True, False])
def test_a_run_whose_weights_no_longer_move_says_so(stop_diverging, digits):
    """Adam's means of squares overflow before the losses do, and a step divided by them is none."""
    config = preset("fast", sizes=(10, 12, 784), iterations=20, evaluate_every=10, weight_decay=0.0)
    with pytest.raises(FloatingPointError, match=r"past 1e\+30, .* pixel_std \(1e-12\)"):
        fit(config.replace(pixel_std=1e-12, stop_diverging=stop_diverging), digits)


def test_whatever_fit_hands_over_can_be_kept(digits, tmp_path):
    config = preset("jpc", sizes=(10, 12, 784), step_size=3.0, steps=10, stop_diverging=False)
    kept = []
    with contextlib.suppress(FloatingPointError):
        fit(config.replace(iterations=40, evaluate_every=10), digits, on_epoch=kept.append)
    for checkpoint in kept:
        save(tmp_path / "run.bpc", checkpoint)


@pytest.mark.parametrize(
    ("changes", "cause"),
    [
        ({"step_size": 2.0}, "inference raised the energy .*step_rule='curvature'.* than 2 or"),
        (
            {"learning_rate": 1e20},
            r"the weights grew without bound: use step_rule='curvature', or lower .* from 1e\+20",
        ),
        (
            {"learning_rate": 1e20, "step_rule": "curvature", "step_size": 0.5},
            r"the weights grew without bound: lower .* from 1e\+20",
        ),
        ({"pixel_std": 2e-38}, r"no weight has moved yet.* pixel_std \(2e-38\)"),
        (
            {"step_size": 50.0, "steps": 20},
            "no weight has moved yet, and 20 steps .* step_rule='curvature'.* step_size than 50",
        ),
        (
            {"weight_decay": 1e38},
            r"takes learning_rate times weight_decay .* weight_decay from 1e\+38",
        ),
        (
            {"learning_rate": 1e10, "weight_decay": 0.1},
            r"takes learning_rate times .* the learning_rate from 1e\+10, or the weight_decay from 0\.1",
        ),
        (
            {"weight_decay": 1e9, "step_rule": "curvature", "step_size": 1.0},
            r"takes learning_rate times weight_decay .* weight_decay from 1e\+09",
        ),
    ],
    ids=[
        "step",
        "rate",
        "rate, by the curvature",
        "scale",
        "steps",
        "decay",
        "decay by the rate",
        "decay of finite energies",
    ],
)
def test_diverging_runs_stop_and_name_iteration_and_cause(changes, cause, digits):
    config = preset("jpc", iterations=20, evaluate_every=10, **changes)
    with pytest.raises(
        FloatingPointError, match=rf"diverged at iteration (\d+) of 20 .*{cause}"
    ) as e:
        fit(config, digits)
    iteration = int(str(e.value).split("iteration ")[1].split()[0])
    # Named is the first: all before it are as they should be.
    state = make_state(config, 20)
    order = np.asarray(shuffled(state.key, 0, 640))
    for i in range(iteration):
        chosen = order[64 * i : 64 * (i + 1)]
        images, labels = digits.images[chosen], digits.labels[chosen].astype(np.int32)
        state, losses = train_step(state, images, labels, config, 20)
        good = np.all(np.array([*losses.values()]) <= MOST)
        assert (good and losses["energy"] <= 1.001 * losses["energy_before"]) == (i < iteration - 1)


def test_overshooting_runs_may_go_on_when_asked_to(digits):
    """With the step that the notebook names, taken on each example's energy, not the batch's mean."""
    config = preset("jpc", step_size=0.5, iterations=10, evaluate_every=10, stop_diverging=False)
    network, history = fit(config, digits)
    assert (history.losses["energy"] > history.losses["energy_before"]).any()
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(network))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d[:2], "data of 2 parts given, four expected"),
        (lambda d: d._replace(images=d.images / 25), "training images of floats from 0 to 10.2 given"),
        (lambda d: d._replace(images=d.images.astype(int)), "training images of dtype int64 .*uint8"),
        (lambda d: d._replace(images=d.images[:, :27]), r"training images .*\(N, 28, 28\)"),
        (lambda d: d._replace(images=d.images[:0]), "no training images given, one at least"),
        (lambda d: d._replace(labels=d.labels[:-1]), "640 training images and 639 training labels"),
        (lambda d: d._replace(labels=d.labels + 1), r"labels \[10\] given, 0 to 9 expected"),
        (lambda d: d._replace(labels=d.labels / 1), "labels float64 .*integers"),
        (lambda d: d._replace(held_out_images=d.images[:, 0]), "held-out images of uint8"),
        (lambda d: d._replace(held_out_labels=d.labels), "256 held-out images and 640 held-out labels"),
        (lambda d: Data(d.images[:31], d.labels[:31], *d[2:]), "31 training images given.*=32"),
    ],
)  # fmt: skip
def test_wrong_data_are_named(change, message, digits):
    with pytest.raises(ValueError, match=message):
        fit(CONFIG, change(digits))


def test_more_images_than_there_are_cannot_be_asked_for(digits):
    with pytest.raises(ValueError, match="640 training images given; training_images=641"):
        fit(CONFIG.replace(training_images=641), digits)


def test_training_images_are_the_first(digits):
    config = CONFIG.replace(training_images=64, iterations=4, evaluate_every=4)
    few = Data(digits.images[:64], digits.labels[:64], *digits[2:])
    assert same_bits(fit(config, digits), fit(config, few))


def test_mnist_holds_out_what_is_asked_for():
    assert [len(part) for part in mnist("validation")] == [55_000, 55_000, 5_000, 5_000]
    with pytest.raises(
        ValueError, match="unknown held_out 'train'; choose one of test, validation"
    ):
        mnist("train")


def test_training_opens_no_connection():
    program = """
import socket
def refuse(*args, **kwargs):
    raise AssertionError("a socket was opened")
socket.create_connection = socket.getaddrinfo = refuse
socket.socket = type("socket", (socket.socket,), {"__init__": refuse})
import bpc_minimal as bpc
from bpc_minimal import figures
network, _ = bpc.fit(bpc.Config(sizes=(10, 4, 784), iterations=2), bpc.mnist("validation"))
bpc.pretrained()
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=1200)
