"""The training loop, compiled whole: one `lax.scan` from an evaluation to the next, by default an epoch.

Nothing leaves it but its record.

Chapter 5 gets here step by step from a plain Python loop.
"""

import hashlib
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int, Integer, Num, PRNGKeyArray

from bpc_minimal.config import Config
from bpc_minimal.curvature import layer_steps, relative_step
from bpc_minimal.data import load_mnist
from bpc_minimal.devices import check_alike, from_first, on_every_device, own_copy, place
from bpc_minimal.divergence import check_converging
from bpc_minimal.evaluation import evaluate
from bpc_minimal.inference import weighed
from bpc_minimal.learning import TrainState, make_state, train_step
from bpc_minimal.network import Network


class Data(NamedTuple):
    """What a run trains on, and what it is evaluated on.

    Attributes:
        images: uint8, or floats from 0 to 1: (N, 28, 28), or (N, ...) with as many pixels as the settings
            have units in their last layer. Pixels of another range ask for their own `pixel_mean` and
            `pixel_std` in the settings, which are subtracted and divided by.
        labels: integers (N,).
        held_out_images: (M, ...) as the images, never trained on.
        held_out_labels: integers (M,).
    """

    images: Num[np.ndarray, "N ..."]
    labels: Integer[np.ndarray, " N"]
    held_out_images: Num[np.ndarray, "M ..."]
    held_out_labels: Integer[np.ndarray, " M"]


class History(NamedTuple):
    """The record of a run.

    Attributes:
        losses: for each iteration, float32 (iterations,): gen_loss, amort_loss, energy_before and
            energy, as `learning.train_step` gives them.
        evaluations: one dictionary an evaluation: iteration, the losses of its iteration, accuracy
            (percent) and rmse on the held-out images, and relative_step, as `curvature.relative_step`
            measures it on the steps that the next iteration takes.
    """

    losses: dict[str, np.ndarray]
    evaluations: list[dict[str, float]]


class Checkpoint(NamedTuple):
    """A run at an evaluation: enough to go on to the same end, bit for bit.

    Attributes:
        config: the settings.
        state: weights and all else that learning carries on.
        history: of the run so far.
        data: SHA-256 of the data, held-out ones too; a run goes on with the same only.
        examples: how many it trains on, which says how long it is; None in files of before it was kept.
    """

    config: Config
    state: TrainState
    history: History
    data: str
    examples: int | None = None

    @property
    def network(self) -> Network:
        """The weights at that moment."""
        return self.state.network


def mnist(held_out: str = "test") -> Data:
    """Load MNIST as `fit` takes it.

    Args:
        held_out: "test": train on all 60,000 images, evaluate on the test set; "validation": train
            on the first 55,000, evaluate on the other 5,000. Choose settings on "validation".

    Raises:
        ValueError: held_out is neither.

    Example:
        >>> data = bpc.mnist("validation")
        >>> data.images.shape, data.held_out_images.shape
        ((55000, 28, 28), (5000, 28, 28))
    """
    train = "train" if held_out == "test" else "fit"
    return Data(*load_mnist(train), *load_mnist(held_out))


def train_epoch(
    state: TrainState,
    order: Int[Array, " N"],
    data: Data,
    config: Config,
    total: int,
    length: int,
) -> tuple[TrainState, Int[Array, " N"], dict[str, Array], dict[str, Array]]:
    """Learn for `length` iterations in one compiled loop, then evaluate in another program: what `fit` does.

    Args:
        state: where training stands; its memory is given up and used again.
        order: of the examples in the pass over the data that is under way; given up too. As it ends,
            the next pass is shuffled.
        data: all of it, on the device, images as uint8.
        config: the settings.
        total: iterations of the whole run.
        length: iterations now.

    Returns:
        state, order: after the last iteration.
        losses: as `train_step` gives them, (length,) each.
        evaluation: as `evaluate` gives it, with `relative_step` as `relative_step` gives it.
    """
    state, order, losses = learn(state, order, data, config, total, length, length)
    return state, order, losses, measure(state, data, config)


@partial(jax.jit, static_argnames=("config", "total", "room"), donate_argnames=("state", "order"))
def learn(
    state: TrainState,
    order: Int[Array, " N"],
    data: Data,
    config: Config,
    total: int,
    length: Int[Array, ""] | int,
    room: int,
) -> tuple[TrainState, Int[Array, " N"], dict[str, Array]]:
    """Learn for `length` iterations, at most `room`, in one compiled loop that serves any length.

    Returns:
        state, order: after the last iteration, as in `train_epoch`.
        losses: as `train_step` gives them, (room,) each, of which the first `length` count.
    """
    N = len(data.labels)
    per_pass = N // config.batch_size

    def step(state, order):
        first = state.iteration % per_pass * config.batch_size
        chosen = jax.lax.dynamic_slice(order, (first,), (config.batch_size,))
        return train_step(state, data.images[chosen], data.labels[chosen], config, total)

    def iterate(i, carry):
        state, order, kept = carry
        state, losses = step(state, order)
        kept = {name: kept[name].at[i].set(value) for name, value in losses.items()}
        epoch, over = state.iteration // per_pass, state.iteration % per_pass == 0
        order = jax.lax.cond(over, lambda: shuffled(state.key, epoch, N), lambda: order)
        return state, order, kept

    shapes = jax.eval_shape(step, state, order)[1]
    kept = {name: jnp.zeros((room, *one.shape), one.dtype) for name, one in shapes.items()}
    return jax.lax.fori_loop(0, length, iterate, (state, order, kept))


@partial(jax.jit, static_argnames=("config",))
def measure(state: TrainState, data: Data, config: Config) -> dict[str, Array]:
    """Evaluate, as `evaluate` does, and measure the steps that the next iteration takes."""
    evaluation = evaluate(state.network, data.held_out_images, data.held_out_labels, config)
    gen, disc = weighed(config.rule.moves, config.alpha_gen, config.alpha_disc, state.network.depth)
    steps = layer_steps(state.network, gen, disc, config.step_size, state.norms and state.norms.now)
    return evaluation | {"relative_step": relative_step(state.network, gen, disc, steps)}


def shuffled(key: PRNGKeyArray, epoch: Int[Array, ""] | int, N: int) -> Int[Array, " N"]:
    """Draw the order of the N examples in one pass over them.

    Sorting random numbers of 32 bits takes half the time of `jax.random.permutation`, which sorts
    twice so that equal numbers cannot favour an order; here a tie keeps the data's own order.
    """
    return jnp.argsort(jax.random.bits(jax.random.fold_in(key, epoch), (N,)))


def fit(
    config: Config,
    data: Data | None = None,
    *,
    resume: Checkpoint | None = None,
    on_epoch: Callable[[Checkpoint], None] | None = None,
    pace: Callable[[int], int] | None = None,
) -> tuple[Network, History]:
    """Train a network.

    Args:
        config: the settings; `config.preset` looks them up by name.
        data: what to train and to evaluate on, by default all of MNIST and its test set.
        resume: go on from this checkpoint of a run with the same settings and data.
        on_epoch: called after each evaluation with a checkpoint that it may keep.
        pace: called between two evaluations too, with the iterations done; gives how many to do, one or
            more, before it is called again. Nothing that is learned depends on it.

    Returns:
        network: with the trained weights.
        history: losses of every iteration, and the evaluations.

    Raises:
        ValueError: `config` or `resume` is something else, data do not fit, or the checkpoint is of other
            settings or other data.
        FloatingPointError: the run diverged; the message names the iteration and the cause.

    Several processes (after `jax.distributed.initialize`) train one network where all call this with the
    same; each gets all of the result. `pace` must answer alike in each. Of images that are large, such as an
    array of bytes mapped from a file, each holds a share (`devices.place`).

    Example:
        >>> config = bpc.preset("fast", sizes=(10, 30, 784), iterations=20, evaluate_every=10)
        >>> network, history = bpc.fit(config)
        >>> [evaluation["iteration"] for evaluation in history.evaluations]
        [10, 20]
    """
    data = mnist() if data is None else Data(*data)
    per_pass = len(data.images) // config.batch_size
    total = config.total(len(data.images))
    done = 0 if resume is None else int(resume.state.iteration)
    few = Data(*(part[:: len(part) // 1000 + 1] for part in data))
    check_alike(settings=config.to_json(), data=digest(few), checkpoint=str(done))
    kept = resume is not None or on_epoch is not None
    digested = from_first(lambda: digest(data)) if kept else ""
    if resume is None:
        state, losses, evaluations = make_state(config, total), [], []
    else:
        if resume.data != digested:
            raise ValueError(
                "the checkpoint is of a run on other data, or with other images held out; pass those that "
                "it began with (on the command line: --data, --root and --held-out, or --images and "
                "--labels, as before)"
            )
        state = jax.tree.map(jnp.copy, resume.state)  # the epoch gives its memory up
        losses, evaluations = [resume.history.losses], [*resume.history.evaluations]
        losses = losses if evaluations else []  # of an untrained network there are none
    # Later orders are drawn inside the loop; this one, the first or that of the checkpoint, before it.
    order = shuffled(state.key, done // per_pass, len(data.images))
    # From here on, the data are the device's; the host's copy may go, if the caller needs it no more.
    state, order = on_every_device((state, order))
    data = Data(place(data.images, divided=True), *map(place, data[1:]))
    compiled = config.replace(name="", seed=0)  # on which nothing compiled depends
    every = min(
        config.evaluate_every or per_pass, total
    )  # memory is taken for the losses of so many

    while done < total:
        length = min(every - done % every, total - done)
        parts, left = [], length
        while left:
            now = min(pace(done + length - left), left) if pace is not None else left
            state, order, part = learn(state, order, data, compiled, total, now, every)
            parts.append({name: np.asarray(values)[:now] for name, values in part.items()})
            left -= now
        new = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
        evaluation = measure(state, data, compiled)
        check_converging(new, done, evaluation, state.optimiser, config, total)
        done += length
        losses.append(new)
        last = {name: values[-1] for name, values in new.items()} | evaluation
        evaluations.append({"iteration": done} | {name: float(x) for name, x in last.items()})
        if on_epoch is not None:
            copy = own_copy(jax.tree.map(jnp.copy, state))
            history = _history(losses, evaluations)
            on_epoch(Checkpoint(config, copy, history, digested, len(data.labels)))
    return own_copy(state.network), _history(losses, evaluations)


def _history(losses, evaluations) -> History:
    names = losses[0] if losses else ()
    joined = {name: np.concatenate([part[name] for part in losses]) for name in names}
    return History(joined, [{**evaluation} for evaluation in evaluations])


def digest(data: Data) -> str:
    """Give the SHA-256 of all data of a run, by which a checkpoint knows them."""
    found = hashlib.sha256(usedforsecurity=False)
    for part in data:
        found.update(repr((part.shape, part.dtype)).encode())
        found.update(np.ascontiguousarray(part).ravel())
    return found.hexdigest()
