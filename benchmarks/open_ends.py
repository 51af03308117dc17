"""Two open ends: precisions that are learnt while training, and deep bidirectional networks (chapter 12).

Precisions. Each of six errors keeps the mean of its own squares, and its precision is the inverse. That is
descent on the energy with the term of the Gaussian's normaliser, -n / 2 log alpha an error:

    d/dv (|err|^2 / 2v + n / 2 log v) = 0   where   v = |err|^2 / n

Networks are of the sizes, epochs and batches of the preset `best`; no alpha is set by hand, in any way.

Deep networks have 8 or 16 hidden layers of 128 and see the first 20,000 training images four times. A way is
how the weights are drawn and how the layers settle; backprop on the same network, both directions, has the
same draws.

Ways are chosen on the 5,000 validation images with the choosing seeds; what was tried before stands in
benchmarks/attempts.md. Networks are kept in a temporary folder, by this file's and the package's code, so
that the parts share them: the parts named `precisions` and `deep` take what the others have left there.
"""

import json
import math
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Any, NamedTuple

import equinox as eqx
import experiments
import jax
import jax.numpy as jnp
import numpy as np
import optax
from bidirectional import data, in_between
from two_tasks import by_seed, far, held_out, percent, pixels

import bpc_minimal as bpc
from bpc_minimal.curvature import first_norms, follow_norms, layer_steps
from bpc_minimal.energy import energy
from bpc_minimal.inference import descend
from bpc_minimal.learning import make_optimiser, make_state
from bpc_minimal.training import shuffled

SEEDS = 5
SMALLEST = 1e-12  # of a variance: its inverse is the largest precision that the package takes


# -- learning ------------------------------------------------------------------------------------------------


def learn(
    config: bpc.Config,
    network: bpc.Network,
    slope: Callable[..., Any],
    kept: Any = None,
    after: Callable[[bpc.Network], bpc.Network] = lambda network: network,
    on_epoch: Callable[[bpc.Network, Any], None] = lambda *_: None,
) -> bpc.Network:
    """Learn by a rule of one's own, a pass over the images at a time compiled.

    Args:
        config: its lengths and rates.
        network: where it starts.
        slope: (network, norms, kept, image, label) to the gradient of the weights and what is kept then.
        kept: what the rule keeps from one iteration to the next, besides weights.
        after: what becomes of the weights after an iteration.
        on_epoch: is shown the network and what is kept, after each pass.
    """
    count = config.training_images or len(data().images)
    images, labels = (jnp.asarray(part[:count]) for part in data()[:2])
    optimiser = make_optimiser(config, config.total(count))
    key = make_state(config, 1).key

    def iterate(carry, chosen):
        network, memory, norms, kept = carry
        image, label = pixels(images[chosen]), bpc.one_hot(labels[chosen])
        gradient, kept = slope(network, norms.now, kept, image, label)
        updates, memory = optimiser.update(gradient, memory, network)
        moved = after(optax.apply_updates(network, updates))
        norms = follow_norms(norms, network, moved, [False] * len(network.sizes))
        return (moved, memory, norms, kept), None

    epoch = jax.jit(lambda carry, order: jax.lax.scan(iterate, carry, order)[0])
    carry = network, optimiser.init(network), first_norms(network), kept
    for number in range(config.epochs or 0):
        order = np.asarray(shuffled(key, number, count))
        order = order[: count // config.batch_size * config.batch_size]
        carry = epoch(carry, order.reshape(-1, config.batch_size))
        on_epoch(carry[0], carry[3])
    return carry[0]


def measure(network: bpc.Network, images: str) -> dict[str, float]:
    """Read by a sweep up, and draw by a sweep down."""
    shown, labels = held_out(images)
    drawn = bpc.sweep_down(network, jnp.eye(10))[-1]
    return {
        "reads": percent(bpc.sweep_up(network, pixels(shown))[0], labels),
        "draws": far(drawn, shown, labels),
    }


def once(
    name: str, like: bpc.Network, make: Callable[[], tuple[bpc.Network, Any]]
) -> tuple[bpc.Network, Any]:
    """Load a network, and what was seen while it learnt; or make and keep them."""
    name += Path(__file__).read_text("utf-8")
    weights, seen = in_between(name, "eqx"), in_between(name, "json")
    if not seen.exists():
        network, found = make()
        eqx.tree_serialise_leaves(weights, network)
        seen.write_text(json.dumps(found), "utf-8")
    return eqx.tree_deserialise_leaves(weights, like), json.loads(seen.read_text("utf-8"))


# -- precisions that are learnt ------------------------------------------------------------------------------


class Learnt(NamedTuple):
    """How precisions are learnt.

    Attributes:
        which: "all" errors', or those of the "ends": of the label and of the image. The rest stay at 1.
        floor: variance that is added to what is measured: what an error is never trusted beyond.
        unit: whether each row of the amortiser's hidden maps keeps the length that it was drawn with.
        spread: whether the variance that the posterior has left, of a settled layer, is added.
        relative: whether hidden errors are measured against the variance of their layer's activities.
        layer: whether a layer counts as one error, however many units it has: the term is - 1 / 2 log alpha,
            and a variance is that of the whole layer.
        swept: whether errors are measured before the layers settle, where they cannot agree to be small; the
            hidden discriminative ones are 0 there, so that their variance is the floor.
    """

    which: str = "all"
    floor: float = 0.0
    unit: bool = False
    spread: bool = False
    relative: bool = False
    layer: bool = False
    swept: bool = False


BEST = bpc.preset("best")
TRIED_FOR = 5  # epochs, when ways are compared
MEMORY = 0.01  # what an iteration counts for in a variance
LEARNT = {
    "free": Learnt(),
    "lengths kept": Learnt(unit=True),
    "a layer, one error": Learnt(layer=True),
    "posterior": Learnt(spread=True),
    "relative": Learnt(relative=True, floor=1e-4),
    "before settling": Learnt(swept=True, floor=1e-3),
    **{f"floor {floor:g}": Learnt(floor=floor) for floor in (1e-2, 1e-3, 1e-4)},
    "ends": Learnt("ends"),
}
# generative from the first hidden layer to the image, discriminative from the label on
ERRORS = ("e1", "e2", "e3", "d0", "d1", "d2")


def inverse_variances(variances: jax.Array) -> tuple[tuple, tuple]:
    """Give alpha_gen and alpha_disc."""
    alphas = 1 / jnp.maximum(variances, SMALLEST)
    return tuple(alphas[:3]), tuple(alphas[3:])


def by_learnt(way: Learnt, network, norms, variances, image, label):
    """Settle, teach, and let each error's variance follow its squares."""
    gen, disc = inverse_variances(variances)
    sizes = layer_steps(network, gen, disc, 1.0, norms)
    z = [label, *bpc.sweep_up(network, image)[1:-1], image]
    clamped = [True, False, False, True]
    e, d = bpc.errors(network, z)
    for _ in range(BEST.steps):
        z = descend(network, z, clamped, gen, disc, sizes)
    gradient = jax.grad(lambda n: energy(n, z, gen, disc).mean())(network)
    if not way.swept:
        e, d = bpc.errors(network, z)
    squares = jnp.stack([jnp.mean(error**2) for error in (*e[1:], *d[:-1])])
    if way.spread:
        squares += left(network, gen, disc)
    if way.relative:
        activity = [jnp.mean(jnp.var(x, axis=0)) for x in z[1:3]]
        squares /= jnp.stack([*activity, 1.0, 1.0, *activity])
    if way.layer:
        n = network.sizes
        squares *= jnp.array([*n[1:], *n[:-1]])
    learns = jnp.array([way.which == "all" or name in ("e3", "d0") for name in ERRORS])
    moved = variances + MEMORY * (squares + way.floor - variances)
    return gradient, jnp.where(learns, moved, variances)


def left(network, gen, disc) -> jax.Array:
    """Give the variance that each error has left when its layers have settled, as if units were apart.

    Of a hidden unit it is one over its curvature; an error takes that of its own layer, and through the
    weights that of the layer which predicts it.
    """

    def per_input(maps):  # the mean square of what a unit sends
        return [jnp.sum(m.weight**2, axis=0).mean() for m in maps]

    V, W = per_input(network.generator), per_input(network.amortiser)
    # act' is 1 for about half of the units
    one = 1 / (gen[0] + disc[1] + 0.5 * (gen[1] * V[1] + disc[0] * W[0]))
    two = 1 / (gen[1] + disc[2] + 0.5 * (gen[2] * V[2] + disc[1] * W[1]))
    n = network.sizes
    return jnp.stack([
        one,
        two + 0.5 * one * V[1] * n[1] / n[2],
        0.5 * two * V[2] * n[2] / n[3],
        0.5 * one * W[0] * n[1] / n[0],
        one + 0.5 * two * W[1] * n[2] / n[1],
        two,
    ])  # fmt: skip


def keep_lengths(drawn: bpc.Network, network: bpc.Network) -> bpc.Network:
    """Give each row of the amortiser's maps to hidden layers the length that it was drawn with."""
    maps = list(network.amortiser)
    for l in range(1, network.depth):
        first, now = (jnp.linalg.norm(n.amortiser[l].weight, axis=1) for n in (drawn, network))
        scale = (first / now)[:, None]
        maps[l] = eqx.tree_at(lambda m: m.weight, maps[l], maps[l].weight * scale)
    return eqx.tree_at(lambda n: n.amortiser, network, tuple(maps))


@cache
def with_precisions(name: str, seed: int, epochs: int) -> tuple[bpc.Network, dict[str, Any]]:
    """Train one network in one way; give it, and its precisions and activities by the pass."""
    way, config = LEARNT[name], BEST.replace(seed=seed, epochs=epochs)
    drawn = make_state(config, 1).network
    some = pixels(held_out("validation")[0][:500])

    def make():
        path: dict[str, list[float]] = {}

        def look(network, variances):
            seen = dict(zip(ERRORS, np.asarray(1 / np.maximum(variances, SMALLEST)), strict=True))
            for l, z in enumerate(bpc.sweep_up(network, some)[1:3], 1):
                seen[f"h{l}"] = jnp.sqrt(jnp.mean(z**2))
            seen |= measure(network, "validation")
            for what, value in seen.items():
                path.setdefault(what, []).append(float(value))

        after = partial(keep_lengths, drawn) if way.unit else lambda network: network
        slope = partial(by_learnt, way)
        return learn(config, drawn, slope, jnp.ones(len(ERRORS)), after, look), path

    return once(f"precisions {name} {config.to_json()}", drawn, make)


def try_precisions(name: str) -> dict[str, Any]:
    """Train with the choosing seeds; give what is seen on the way, on validation images."""
    runs = [with_precisions(name, seed, TRIED_FOR)[1] for seed in experiments.choosing_seeds()]
    last = {what: [run[what][-1] for run in runs] for what in runs[0]}
    passes = {str(n + 1): {what: runs[0][what][n] for what in runs[0]} for n in range(TRIED_FOR)}
    return {"last": last, "first seed by pass": passes}


def take_precisions() -> str:
    """Choose a way: of those that read within half a point of the best, the one that draws best."""
    found = {}
    for name in LEARNT:
        part = f"precisions, {name}"
        last = experiments.kept("open_ends", part, partial(try_precisions, name))["last"]
        found[name] = {
            what: float(np.nan_to_num(last[what]["mean"], nan=0.0 if what == "reads" else 9.0))
            for what in ("reads", "draws")
        }
    best = max(each["reads"] for each in found.values())
    good = [name for name in found if found[name]["reads"] >= best - 0.5]
    return min(good, key=lambda name: found[name]["draws"])


def train_precisions(number: int) -> dict[str, Any]:
    """Train one of the reported networks, with the way that is taken; by the pass, on validation images."""
    seed, name = experiments.seeds(SEEDS)[number], take_precisions()
    path = with_precisions(name, seed, BEST.epochs or 0)[1]
    return {"way": name} | {
        what: {str(n + 1): value for n, value in enumerate(each)} for what, each in path.items()
    }


def precisions() -> dict[str, Any]:
    """Measure the way that is taken on the test set."""
    name = take_precisions()
    runs = [with_precisions(name, seed, BEST.epochs or 0) for seed in experiments.seeds(SEEDS)]
    found: dict[str, Any] = by_seed([measure(network, "test") for network, _ in runs])
    found["at the end"] = {what: [path[what][-1] for _, path in runs] for what in ERRORS}
    return {"way": name} | found


# -- deep networks -------------------------------------------------------------------------------------------


class Deep(NamedTuple):
    """How a deep network is drawn, and how it learns.

    Attributes:
        draw: "default", within 1 / sqrt(inputs); "scaled", so that signals keep their size; "identity", the
            square maps nearly so.
        by: what settles: "activities", all at once or "in turn"; "errors"; or nothing, "backprop".
        steps: of inference.
        gen: alpha_gen of all layers.
        label: alpha_disc of the label; of the others it is 1.
        learning_rate: at its highest.
    """

    draw: str
    by: str
    steps: int = 1
    gen: float = 1e-4
    label: float = 1.0
    learning_rate: float = 2e-3


DEPTHS = (8, 16)
WIDTH = 128
RATE = 0.5
DRAWS = ("default", "scaled", "identity")
DEEP = {
    f"{draw}, {words}": way._replace(draw=draw)
    for draw in DRAWS
    for words, way in {
        "in turn, 1": Deep("", "in turn"),
        "in turn, 4": Deep("", "in turn", 4),
        "at once, 16": Deep("", "activities", 16),
        "errors, 4": Deep("", "errors", 4, label=0.01),
    }.items()
}
DEEP["identity, errors, 1"] = Deep("identity", "errors", label=0.01)
DEEP["identity, errors, label 0.06"] = Deep("identity", "errors", 4, label=0.06)
DEEP["identity, errors, alpha_gen 0.001"] = Deep("identity", "errors", 4, 1e-3, 0.01)
# Not to be chosen among: in turn, with the label's precision of the ways in errors.
SAME_LABEL = {
    f"{draw}, in turn, {steps}, label 0.01": Deep(draw, "in turn", steps, label=0.01)
    for draw, steps in (("default", 1), ("scaled", 1), ("identity", 1), ("identity", 4))
}
BACKPROP = {f"{draw}, backprop": Deep(draw, "backprop") for draw in DRAWS}


def deep_config(way: Deep, hidden: int, seed: int) -> bpc.Config:
    return bpc.preset(
        "fast",
        sizes=(10, *[WIDTH] * hidden, 784),
        training_images=20_000,
        epochs=4,
        learning_rate=way.learning_rate,
        seed=seed,
    )


def drawn(config: bpc.Config, draw: str) -> bpc.Network:
    """Draw a network whose signals keep their size: of relu, twice the variance, and of the ends once."""
    network = make_state(config, 1).network
    if draw == "default":
        return network

    def scale(maps, first: int):
        for l, m in enumerate(maps):
            W = m.weight * math.sqrt(3 if l == first else 6)
            if draw == "identity" and W.shape[0] == W.shape[1]:
                W = jnp.eye(len(W)) + W / network.depth
            yield eqx.tree_at(lambda m: m.weight, m, W)

    maps = scale(network.generator, 0), scale(network.amortiser, network.depth - 1)
    return eqx.tree_at(
        lambda n: (n.generator, n.amortiser), network, tuple(tuple(each) for each in maps)
    )


def settle_deep(way: Deep, network, norms, image, label):
    """Settle with both ends clamped; give z_0..z_L, and what d is where it is what settled."""
    L = network.depth
    gen, disc = (way.gen,) * L, (way.label, *[1.0] * (L - 1))
    start = [label, *bpc.sweep_up(network, image)[1:L], image]
    if way.by == "errors":
        # z_l = g_l(z_{l+1}) + d_l: a change of d_l reaches the label in one step, through the sweep
        def layers(d):
            z = [image]
            for l in reversed(range(1, L)):
                z.insert(0, network.g(l, z[0]) + d[l - 1])
            return [label, *z]

        def total(d):
            z = layers(d)
            e, now = bpc.errors(network, z)
            ends = way.label * jnp.sum(now[0] ** 2) + way.gen * sum(jnp.sum(x**2) for x in e)
            return 0.5 * (ends + sum(jnp.sum(x**2) for x in d))

        d = [jnp.zeros_like(z) for z in start[1:L]]
        for _ in range(way.steps):
            d = [x - RATE * s for x, s in zip(d, jax.grad(total)(d), strict=True)]
        z = layers(d)
        return z, [label - network.g(0, z[1]), *d]
    z, sizes = start, layer_steps(network, gen, disc, 1.0, norms)
    clamped = [True, *[False] * (L - 1), True]
    for _ in range(way.steps):
        z = descend(network, z, clamped, gen, disc, sizes, way.by == "in turn")
    return z, bpc.errors(network, z)[1][:-1]


def by_deep(way: Deep, network, norms, kept, image, label):
    """Give the gradient of the weights; errors that are smaller than the rounding of activities survive."""
    if way.by == "backprop":

        def loss(network):
            ends = (
                bpc.sweep_up(network, image)[0] - label,
                bpc.sweep_down(network, label)[-1] - image,
            )
            return 0.5 * sum(jnp.mean(jnp.sum(error**2, axis=1)) for error in ends)

        return jax.grad(loss)(network), kept
    z, d = settle_deep(way, network, norms, image, label)

    def taught(n):
        e, now = bpc.errors(n, z)
        again = [
            x + here - jax.lax.stop_gradient(here) for x, here in zip(d, now[:-1], strict=True)
        ]
        weights = way.label, *[1.0] * (network.depth - 1)
        total = sum(w * jnp.sum(x**2) for w, x in zip(weights, again, strict=True))
        return 0.5 * (total + way.gen * sum(jnp.sum(x**2) for x in e)) / len(image)

    return jax.grad(taught)(network), kept


def sizes_by_layer(way: Deep, network, image, label) -> dict[str, Any]:
    """Measure activities and errors, or backprop's slopes, in each layer: roots of mean squares."""

    def size(x):
        return float(jnp.sqrt(jnp.mean(x**2)))

    swept = bpc.sweep_up(network, image)
    found = {"z": [size(x) for x in swept]}
    if way.by == "backprop":

        def loss(shifts):  # what is added to each layer of the sweep
            z = image
            for l in reversed(range(network.depth)):
                z = network.g(l, z) + shifts[l]
            return 0.5 * jnp.sum((z - label) ** 2)

        return found | {
            "d": [size(x) for x in jax.grad(loss)([jnp.zeros_like(x) for x in swept[:-1]])]
        }
    z, d = settle_deep(way, network, first_norms(network).now, image, label)
    e = bpc.errors(network, z)[0][1:]
    return found | {"d": [size(x) for x in d], "e": [size(x) for x in e]}


@cache
def deep_network(name: str, hidden: int, seed: int) -> tuple[bpc.Network, dict[str, Any]]:
    """Train one deep network in one way, or load it; with the sizes of its errors before and after."""
    way = (DEEP | SAME_LABEL | BACKPROP)[name]
    config = deep_config(way, hidden, seed)
    first = drawn(config, way.draw)
    shown, labels = (part[:500] for part in data()[:2])
    some = pixels(shown), bpc.one_hot(labels)

    def make():
        network = learn(config, first, partial(by_deep, way))
        when = {"drawn": first, "learnt": network}
        return network, {what: sizes_by_layer(way, each, *some) for what, each in when.items()}

    return once(f"deep {way} {config.to_json()}", first, make)


def try_deep(hidden: int, name: str) -> dict[str, Any]:
    """Train with the choosing seeds; give how they read and draw, and the first one's errors by layer."""
    runs = [deep_network(name, hidden, seed) for seed in experiments.choosing_seeds()]
    found: dict[str, Any] = by_seed([measure(network, "validation") for network, _ in runs])
    layers = {
        when: {
            what: {str(l): value for l, value in enumerate(values, what == "e")}
            for what, values in each.items()
        }
        for when, each in runs[0][1].items()
    }
    return found | {"sizes": layers}


def take_deep(hidden: int, among: dict[str, Deep]) -> str:
    """Choose the way that reads most."""

    def reads(name):
        found = experiments.kept("open_ends", f"{hidden}, {name}", partial(try_deep, hidden, name))
        return found["reads"]["mean"]

    return max(among, key=reads)


def deep() -> dict[str, Any]:
    """Measure what was chosen, of BPC and of backprop, on the test set."""
    found: dict[str, Any] = {}
    for hidden in DEPTHS:
        of = found[str(hidden)] = {}
        for model, among in (("BPC", DEEP), ("backprop", BACKPROP)):
            name = take_deep(hidden, among)
            runs = [
                measure(deep_network(name, hidden, seed)[0], "test")
                for seed in experiments.seeds(SEEDS)
            ]
            of[model] = [run["reads"] for run in runs]
            of[f"{model}, draws"] = [run["draws"] for run in runs]
            of[f"{model}, way"] = name
    return found


def parts() -> dict[str, Callable[[], Any]]:
    """Give first what is tried, then what is reported of it."""
    found: dict[str, Callable[[], Any]] = {}
    for hidden in DEPTHS:
        for name in DEEP | SAME_LABEL | BACKPROP:
            found[f"{hidden}, {name}"] = partial(try_deep, hidden, name)
    found |= {f"precisions, {name}": partial(try_precisions, name) for name in LEARNT}
    found |= {f"precisions, network {n}": partial(train_precisions, n) for n in range(SEEDS)}
    return found | {"deep": deep, "precisions": precisions}
