"""Without labels: what is learnt of images that nobody named, and what a few names add (chapter 9).

The top layer has 40 units. Of an image without a label all of them are free and decay to 0; of one that has
a label, the first ten are clamped to it. A model is a rule with its precisions, chosen on validation images
(benchmarks/attempts.md).

Where only a few images have labels, BPC also names others itself: an image whose whole is read with the two
largest label units far apart is learnt as if it had that label, moved by up to two pixels, while the
amortiser sees only a part of it. The rival, the amortiser alone by backprop, has the labelled images; and,
as a control that no claim asks for, the same moves and masks, and then BPC's iterations, batches and schedule
as well. Other controls take the generator, the names, or all that helps away.

Samples are images after inference with noise, the label clamped. Two separate networks, a discPC and a genPC,
share label, top and image, and have hidden layers of their own.
"""

from collections.abc import Callable, Iterable, Iterator
from functools import cache, partial
from typing import Any, NamedTuple

import equinox as eqx
import experiments
import jax
import jax.numpy as jnp
import numpy as np
import optax
from bidirectional import in_between

import bpc_minimal as bpc
from bpc_minimal.curvature import curvatures, follow_norms, layer_steps, spectral_norms
from bpc_minimal.energy import energy
from bpc_minimal.inference import weighed
from bpc_minimal.learning import make_optimiser, make_state
from bpc_minimal.training import shuffled

TOP, CLASSES = 40, 10
BUDGET = bpc.preset("best", sizes=(TOP, 256, 256, 784), epochs=5, weight_decay=0.1)
STEPS = 50  # of settling at test time


class Model(NamedTuple):
    """What moves, what teaches, how strongly, and for how long."""

    rule: bpc.Rule
    gen: tuple[float, ...]
    disc: tuple[float, ...]
    decay: float = 0.01
    steps: int = 4
    learning_rate: float = 2e-3


class Help(NamedTuple):
    """How images without labels are named, and how all are shown."""

    margin: float = 0.6  # between the two largest label units of an image that is named; inf: none
    start: float = 0.3  # the share of training after which it is
    moves: int = 2  # pixels
    whole: float = 0.25  # the share of images that the amortiser sees whole; of others 30 to 90 %


ONES = (1.0, 1.0, 1.0)
PLAIN = {
    "genPC": Model(bpc.GENERATIVE, ONES, ONES, steps=8, learning_rate=1e-3),
    "HPC": Model(bpc.HYBRID, ONES, ONES, steps=8, learning_rate=1e-3),
    "BPC": Model(bpc.BIDIRECTIONAL, ONES, ONES, steps=8, learning_rate=1e-3),
}
MIXED = {
    "HPC": Model(bpc.HYBRID, ONES, ONES),
    "BPC": Model(bpc.BIDIRECTIONAL, (1e-2, 1e-2, 1e-3), (0.1, 1.0, 1.0)),
}
WAY = {"HPC": "swept", "BPC": "settled"}  # which read more validation images
FEW = Model(bpc.BIDIRECTIONAL, (1e-4, 1e-4, 3e-5), (0.06, 1.0, 1.0), decay=0.0, steps=2)
RATES = 1e-3, 2e-3, 4e-3  # of the amortiser alone, trained as long as BPC

# What samples: all images of its training have labels. Temperatures and precisions are chosen for each.
DRAWERS = MIXED | {
    "genPC": Model(bpc.GENERATIVE, ONES, ONES),
    "discPC": Model(bpc.DISCRIMINATIVE, ONES, ONES),
}
SAMPLERS = {"BPC": ["BPC"], "HPC": ["HPC"], "genPC": ["genPC"], "two networks": ["genPC", "discPC"]}
SAMPLES, SAMPLING, RATE = 2000, 200, 0.5
HEATS = [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0]
TRIED = [("ones", heat) for heat in HEATS]  # twelve each; BPC's own are not ones
TRIED_OF_BPC = [(which, heat) for which in ("own", "ones") for heat in HEATS[::2]]


@cache
def data() -> bpc.Data:
    """Load MNIST with the last 5,000 training images held out."""
    return bpc.mnist("validation")


def pixels(images: Any) -> jax.Array:
    return bpc.normalise(images.reshape(len(images), -1))


def labelled(count: int, seed: int) -> np.ndarray:
    """Draw which images have labels, as many of each class; all, if as many as there are."""
    labels = data().labels
    if count >= len(labels):
        return np.arange(len(labels))
    rng = np.random.default_rng(seed)
    each = (np.flatnonzero(labels == digit) for digit in range(CLASSES))
    return np.concatenate([rng.permutation(of)[: count // CLASSES] for of in each])


# -- inference -----------------------------------------------------------------------------------------------


def total(network, z, seen, gen, disc, decay):
    """Add the decay of the top to an energy whose amortiser sees `seen`."""
    pull = 0.5 * decay * jnp.sum(z[0] ** 2, axis=1)
    return energy(network, z, gen, disc, [*z[:-1], seen]) + pull


def settle(network, model: Model, image, seen, label, known, norms, steps: int):
    """Settle with the image clamped, and the label where it is known; give z_0..z_L."""
    L = network.depth
    gen, disc = weighed(model.rule.moves, model.gen, model.disc, L)
    sizes = layer_steps(network, gen, disc, 1.0, norms)[:L]

    def clamp(z):
        top = jnp.where(known, label, z[0][:, :CLASSES])
        return [jnp.concatenate([top, z[0][:, CLASSES:]], axis=1), *z[1:]]

    def step(z, _):
        slopes = jax.grad(
            lambda z: total(network, [*z, image], seen, gen, disc, model.decay).sum()
        )(z)
        return clamp([a - s * b for a, b, s in zip(z, slopes, sizes, strict=True)]), None

    if model.rule.start == "image":
        start = bpc.sweep_up(network, seen)[:L]
    else:  # the prior: a top of zeros, but for a label
        start = bpc.sweep_down(network, clamp([jnp.zeros((len(image), TOP))])[0])[:L]
    z = jax.lax.scan(step, clamp(start), length=steps, unroll=min(steps, 8))[0]
    return [*z, image]


@partial(jax.jit, static_argnums=1)
def settled(network, model: Model, image):
    """Settle images whose whole top is free."""
    nothing = jnp.zeros((len(image), CLASSES)), jnp.zeros((len(image), 1), bool)
    return settle(network, model, image, image, *nothing, spectral_norms(network), STEPS)


# -- learning ------------------------------------------------------------------------------------------------


def show(key, image, help: Help):
    """Move images by a few pixels, and choose what the amortiser sees of each."""
    by, kind, share, pixel = jax.random.split(key, 4)
    count = len(image)
    steps = jax.random.randint(by, (count, 2), -help.moves, help.moves + 1)
    moved = jax.vmap(lambda x, to: jnp.roll(x, to, (0, 1)))(image.reshape(-1, 28, 28), steps)
    moved = moved.reshape(count, -1)
    seen = jax.random.uniform(share, (count, 1), minval=0.3, maxval=0.9)
    whole = jax.random.uniform(kind, (count, 1)) < help.whole
    return moved, jnp.where(whole | (jax.random.uniform(pixel, image.shape) < seen), moved, 0.0)


def learn(model: Model, seed: int, given: np.ndarray, help: Help | None = None) -> bpc.Network:
    """Learn from all training images, of which those `given` have labels; an epoch a compiled scan.

    Where only some have, up to 100 of them stand beside the 128 images of every batch.
    """
    images, labels = (jnp.asarray(part) for part in data()[:2])
    N, batch = len(images), BUDGET.batch_size
    all_given, beside = len(given) == N, 0 if len(given) in (0, N) else 100
    total_iterations = BUDGET.total(N)
    config = BUDGET.replace(seed=seed, learning_rate=model.learning_rate)
    state = make_state(config, total_iterations)
    optimiser = make_optimiser(config, total_iterations)
    L = len(BUDGET.sizes) - 1
    teaches = weighed(model.rule.teaches, model.gen, model.disc, L)

    def iterate(carry, chosen):
        network, memory, norms, key, done = carry
        key, now = jax.random.split(key)
        image, label = pixels(images[chosen]), bpc.one_hot(labels[chosen], CLASSES)
        known = jnp.full((len(chosen), 1), all_given) | (jnp.arange(len(chosen)) < beside)[:, None]
        seen = image
        if help:  # name what the network is sure of, then learn it from a part
            read = bpc.sweep_up(network, image)[0][:, :CLASSES]
            two = jax.lax.top_k(read, 2)[0]
            sure = (two[:, :1] - two[:, 1:] > help.margin) & (done > help.start * total_iterations)
            label = jnp.where(known, label, bpc.one_hot(read.argmax(axis=1), CLASSES))
            known = known | sure
            image, seen = show(now, image, help)
        z = settle(network, model, image, seen, label, known, norms.now, model.steps)
        inputs = z
        if model.rule.amortiser_inputs == "swept":
            inputs = bpc.sweep_up(network, seen)
        inputs = [*inputs[:-1], seen]
        gradient = jax.grad(lambda n: energy(n, z, *teaches, inputs).mean())(network)
        updates, memory = optimiser.update(gradient, memory, network)
        moved = optax.apply_updates(network, updates)
        norms = follow_norms(norms, network, moved, [False] * (L + 1))
        return (moved, memory, norms, key, done + 1), None

    @jax.jit
    def epoch(carry, order):
        return jax.lax.scan(iterate, carry, order)[0]

    rng = np.random.default_rng(seed)
    carry = state.network, state.optimiser, state.norms, jax.random.PRNGKey(seed), 0
    for number in range(BUDGET.epochs or 0):
        order = np.asarray(shuffled(state.key, number, N))[: N // batch * batch]
        order = order.reshape(-1, batch)
        if beside:
            order = np.hstack([given[rng.integers(0, len(given), (len(order), beside))], order])
        carry = epoch(carry, order)
    return carry[0]


def by_backprop(
    seed: int,
    given: np.ndarray,
    help: Help | None,
    optimiser: optax.GradientTransformation,
    batches: Iterable[np.ndarray],
) -> Iterator[bpc.Network]:
    """Train the amortiser alone by backprop on what has labels; give it after each stretch of batches."""
    images, labels = pixels(data().images[given]), bpc.one_hot(data().labels[given], CLASSES)

    def iterate(carry, chosen):
        network, memory, key = carry
        key, now = jax.random.split(key)
        image, label = images[chosen], labels[chosen]
        seen = show(now, image, help)[1] if help else image

        def loss(network):
            read = bpc.sweep_up(network, seen)[0][:, :CLASSES]
            return 0.5 * jnp.mean(jnp.sum((read - label) ** 2, axis=1))

        updates, memory = optimiser.update(jax.grad(loss)(network), memory, network)
        return (optax.apply_updates(network, updates), memory, key), None

    stretch = jax.jit(lambda carry, order: jax.lax.scan(iterate, carry, order)[0])
    network = make_state(BUDGET.replace(seed=seed), 1).network
    carry = network, optimiser.init(network), jax.random.PRNGKey(seed)
    for order in batches:
        carry = stretch(carry, order)
        yield carry[0]


def alone(seed: int, given: np.ndarray, help: Help | None = None) -> float:
    """Train the amortiser alone by backprop on what has labels, and stop where validation says."""
    few = len(given) <= 1000
    length, every = (600, 50) if few else (BUDGET.total(len(given)), 429)
    rng, size = np.random.default_rng(seed), (every, BUDGET.batch_size)
    batches = (rng.integers(0, len(given), size) for _ in range(length // every))
    networks = by_backprop(seed, given, help, optax.adamw(1e-3, weight_decay=0.1), batches)
    return reads(max(networks, key=lambda network: reads(network, "validation")), held_out())


def at_length(rate: float, seed: int, given: np.ndarray, help: Help | None) -> bpc.Network:
    """Train the amortiser alone as BPC trains with few labels: iterations, batches and schedule are its."""
    iterations, beside = BUDGET.total(len(data().labels)), 100
    rng, size = np.random.default_rng(seed), (iterations, BUDGET.batch_size + beside)
    optimiser = make_optimiser(BUDGET.replace(learning_rate=rate), iterations)
    return next(by_backprop(seed, given, help, optimiser, [rng.integers(0, len(given), size)]))


# -- measures ------------------------------------------------------------------------------------------------


def held_out() -> str:
    """Say which images are reported on; chosen on are others."""
    return "test"


def percent(tops: Any, labels: np.ndarray) -> float:
    return 100 * float(np.mean(np.asarray(tops)[:, :CLASSES].argmax(axis=1) == labels))


def reads(network: bpc.Network, images: str) -> float:
    """Read by a sweep."""
    shown, labels = bpc.load_mnist(images)
    return percent(bpc.sweep_up(network, pixels(shown))[0], labels)


def rmse(network: bpc.Network, top, images) -> float:
    """Draw from the top layer, and compare with the images, over [0, 1]."""
    drawn = np.clip(bpc.denormalise(bpc.sweep_down(network, top)[-1]), 0, 1)
    return float(np.sqrt(np.mean((drawn - bpc.denormalise(images)) ** 2)))


def probe(learns: Any, labels: np.ndarray, asked: Any, truth: np.ndarray) -> float:
    """Read activities by least squares, with a ridge of a thousandth of their variance."""
    learns, asked = np.asarray(learns, float), np.asarray(asked, float)
    mean = learns.mean(axis=0)
    learns, asked = learns - mean, asked - mean
    square = learns.T @ learns
    ridge = 1e-3 * np.trace(square) / len(square) * np.eye(len(square))
    targets = np.eye(CLASSES)[labels]
    weights = np.linalg.solve(square + ridge, learns.T @ (targets - targets.mean(axis=0)))
    return 100 * float(np.mean((asked @ weights + targets.mean(axis=0)).argmax(axis=1) == truth))


def measure(network: bpc.Network, model: Model) -> dict[str, float]:
    """Measure a network on images that nothing was trained or chosen on."""
    shown, truth = bpc.load_mnist(held_out())
    image = pixels(shown)
    top = settled(network, model, image)[0]
    learnt = settled(network, model, pixels(data().images[:5000]))[0]
    return {
        "rmse": rmse(network, top, image),
        "probe": probe(learnt, data().labels[:5000], top, truth),
        "settled": percent(top, truth),
        "swept": reads(network, held_out()),
    }


# -- samples -------------------------------------------------------------------------------------------------


def drawer(name: str, seed: int) -> bpc.Network:
    """Train a network that draws, on labelled images, or load it."""
    path = in_between(f"unlabelled {name} {DRAWERS[name]} {seed} {BUDGET.to_json()}", "eqx")
    if not path.exists():
        network = learn(DRAWERS[name], seed, labelled(len(data().labels), 0))
        eqx.tree_serialise_leaves(path, network)
    like = make_state(BUDGET.replace(seed=seed), 1).network
    return eqx.tree_deserialise_leaves(path, like)


@partial(jax.jit, static_argnums=(1, 2, 3))
def sample(networks, own: tuple, temperature: float, count: int, key):
    """Let images settle in noise, the labels clamped, a tenth of each; give them.

    Networks share top and image. Noise moves the hidden layers and what is free of the top; the image follows
    without, as noise of its pixels would be most of what there is to see.

        z <- z - step dE/dz + sqrt(2 step temperature) noise

    Args:
        networks: a list of those that pull on top and image.
        own: for each its precisions, alpha_gen and alpha_disc.
        temperature: of the noise.
        count: of images.
        key: of the noise.
    """
    L = networks[0].depth
    label = bpc.one_hot(jnp.arange(count) * CLASSES // count, CLASSES)
    top = jnp.hstack([label, jnp.zeros((count, TOP - CLASSES))])
    z = [top, *[bpc.sweep_down(n, top)[1:L] for n in networks], bpc.sweep_down(networks[0], top)[L]]
    bounds = [
        curvatures(n, *alphas, spectral_norms(n)) for n, alphas in zip(networks, own, strict=True)
    ]
    ends = [RATE / sum(bound[l] for bound in bounds) for l in (0, L)]
    steps = [ends[0], *[[RATE / b for b in bound[1:L]] for bound in bounds], ends[1]]

    def total(z):
        parts = [
            energy(n, [z[0], *hidden, z[-1]], *alphas)
            for n, hidden, alphas in zip(networks, z[1:-1], own, strict=True)
        ]
        return (sum(parts) + 0.5 * MIXED["BPC"].decay * jnp.sum(z[0] ** 2, axis=1)).sum()

    def step(z, key):
        slopes = jax.grad(total)(z)
        flat, shape = jax.tree.flatten(z)
        keys = jax.tree.unflatten(shape, jax.random.split(key, len(flat)))

        def move(x, slope, size, key):
            return (
                x
                - size * slope
                + jnp.sqrt(2 * size * temperature) * jax.random.normal(key, x.shape)
            )

        *moved, _ = jax.tree.map(move, z, slopes, steps, keys)
        moved[0] = jnp.hstack([label, moved[0][:, CLASSES:]])
        return [*moved, z[-1] - steps[-1] * slopes[-1]], None

    return jax.lax.scan(step, z, jax.random.split(key, SAMPLING))[0][-1]


@cache
def classifier() -> bpc.Network:
    """Train a classifier by backprop, whose last hidden layer sees samples; the same for all."""
    images, labels = (jnp.asarray(part) for part in data()[:2])
    config = bpc.preset("best", sizes=(CLASSES, 256, 256, 784), epochs=5, learning_rate=1e-3)
    total_iterations = config.total(len(images))
    state, optimiser = (
        make_state(config, total_iterations),
        make_optimiser(config, total_iterations),
    )

    def iterate(carry, chosen):
        network, memory = carry
        image, label = pixels(images[chosen]), labels[chosen]

        def loss(network):
            read = bpc.sweep_up(network, image)[0]
            return optax.softmax_cross_entropy_with_integer_labels(read, label).mean()

        updates, memory = optimiser.update(jax.grad(loss)(network), memory, network)
        return (optax.apply_updates(network, updates), memory), None

    rng, N = np.random.default_rng(0), len(images) // config.batch_size * config.batch_size
    order = np.concatenate([rng.permutation(len(images))[:N] for _ in range(config.epochs or 0)])
    order = order.reshape(-1, config.batch_size)
    carry = state.network, state.optimiser
    return jax.jit(lambda c: jax.lax.scan(iterate, c, order)[0])(carry)[0]


def seen(image) -> np.ndarray:
    """Give the classifier's last hidden layer, before which pixels are clipped to what pixels can be."""
    image = bpc.normalise(bpc.denormalise(image))
    network = classifier()
    return np.asarray(network.act(1, bpc.sweep_up(network, image)[1]), float)


def frechet(ours: np.ndarray, theirs: np.ndarray) -> float:
    """Give the Fréchet distance between two clouds, each taken for a Gaussian."""
    C, D = np.cov(ours.T), np.cov(theirs.T)
    values, axes = np.linalg.eigh(C)
    root = axes * np.sqrt(np.maximum(values, 0)) @ axes.T
    shared = np.sqrt(np.maximum(np.linalg.eigvalsh(root @ D @ root), 0)).sum()
    gap = ours.mean(axis=0) - theirs.mean(axis=0)
    return float(gap @ gap + np.trace(C) + np.trace(D) - 2 * shared)


def precisions(way: str, which: str) -> tuple:
    """Give each network of a way of sampling its precisions: its own, or ones, where its rule moves."""
    models = [DRAWERS[name] for name in SAMPLERS[way]]
    return tuple(
        weighed(m.rule.moves, *((m.gen, m.disc) if which == "own" else (ONES, ONES)), len(ONES))
        for m in models
    )


def distance(way: str, seed: int, which: str, temperature: float, images: str) -> float:
    networks = [drawer(name, seed) for name in SAMPLERS[way]]
    key = jax.random.PRNGKey(seed)
    drawn = sample(networks, precisions(way, which), temperature, SAMPLES, key)
    return frechet(seen(drawn), seen(pixels(bpc.load_mnist(images)[0])))


def sampling() -> dict[str, Any]:
    """Choose precisions and temperature of each way to sample, on validation images."""
    found: dict[str, Any] = {}
    for way in SAMPLERS:
        tried = {}
        for which, heat in TRIED_OF_BPC if way == "BPC" else TRIED:
            each = [
                distance(way, s, which, heat, "validation") for s in experiments.choosing_seeds()
            ]
            tried[f"{which}, {heat}"] = each
        found[way] = {"tried": tried, "chosen": min(tried, key=lambda name: np.mean(tried[name]))}
    return found


def samples() -> dict[str, Any]:
    """Measure how far samples are from test images, beside what is no sample."""
    chosen = experiments.kept("unlabelled", "sampling", sampling)

    def of(way: str, seed: int) -> float:
        which, heat = chosen[way]["chosen"].split(", ")
        return distance(way, seed, which, float(heat), held_out())

    found: dict[str, Any] = {
        way: [of(way, seed) for seed in experiments.seeds(5)] for way in SAMPLERS
    }
    images, labels = data()[:2]
    test = seen(pixels(bpc.load_mnist(held_out())[0]))
    means = np.repeat(
        bpc.class_means(images, labels).reshape(CLASSES, -1), SAMPLES // CLASSES, axis=0
    )
    found["training images"] = frechet(seen(pixels(images[:SAMPLES])), test)
    found["class means"] = frechet(seen(bpc.normalise(means)), test)
    return found


# -- parts ---------------------------------------------------------------------------------------------------


def over_seeds(of: Callable[[int], dict[str, float]]) -> dict[str, list[float]]:
    found = [of(seed) for seed in experiments.seeds(5)]
    return {name: [each[name] for each in found] for name in found[0]}


def plain() -> dict[str, Any]:
    """Learn without any label."""
    nobody = labelled(0, 0)

    def of(model: Model, seed: int) -> dict[str, float]:
        found = measure(learn(model, seed, nobody), model)
        return {name: found[name] for name in ("rmse", "probe")}

    return {name: over_seeds(partial(of, model)) for name, model in PLAIN.items()}


def mixed() -> dict[str, Any]:
    """Learn with the label as a part of the top, of every image."""
    everybody = labelled(len(data().labels), 0)

    def of(name: str, seed: int) -> dict[str, float]:
        found = measure(learn(MIXED[name], seed, everybody), MIXED[name])
        return found | {"reads": found[WAY[name]]}

    return {name: over_seeds(partial(of, name)) for name in MIXED}


def few(*counts: int) -> dict[str, Any]:
    """Learn from a few labelled images, and from all others without their labels."""

    def of(count: int, seed: int) -> dict[str, float]:
        given = labelled(count, seed)
        return {
            "BPC": reads(learn(FEW, seed, given, Help()), held_out()),
            "alone": alone(seed, given),
            "alone, moved and masked": alone(seed, given, Help()),
        }

    return {str(count): over_seeds(partial(of, count)) for count in counts}


def controls() -> dict[str, Any]:
    """Take from BPC, with 100 labels, its generator, its names, or all that helps."""
    ways = {
        "no generator": (FEW._replace(rule=bpc.DISCRIMINATIVE), Help()),
        "no names": (FEW, Help(margin=float("inf"))),
        "no help": (FEW, None),
    }

    def of(model: Model, help: Help | None, seed: int) -> dict[str, float]:
        return {"reads": reads(learn(model, seed, labelled(100, seed), help), held_out())}

    return {way: over_seeds(partial(of, *how)) for way, how in ways.items()}


def matched() -> dict[str, Any]:
    """Give the amortiser alone, with 100 labels, what BPC has of iterations, batches and schedule.

    Its rate of learning is chosen of three, as it reads moved and masked.
    """

    def of(rate: float, seed: int, images: str, help: Help | None) -> float:
        return reads(at_length(rate, seed, labelled(100, seed), help), images)

    choosing = experiments.choosing_seeds()
    tried = {r: [of(r, s, "validation", Help()) for s in choosing] for r in RATES}
    rate = max(RATES, key=lambda r: np.mean(tried[r]))

    def ways(seed: int) -> dict[str, float]:
        return {
            "alone, moved and masked": of(rate, seed, held_out(), Help()),
            "alone": of(rate, seed, held_out(), None),
        }

    tries = {str(r): found for r, found in tried.items()}
    return {"tried": tries, "rate": rate, "100": over_seeds(ways)}


def floor() -> dict[str, Any]:
    """Probe what has learnt nothing, and principal components, as many as the top has units."""
    learns, asked = pixels(data().images[:5000]), pixels(bpc.load_mnist(held_out())[0])
    labels, truth = data().labels[:5000], bpc.load_mnist(held_out())[1]
    mean = learns.mean(axis=0)
    axes = jnp.linalg.svd(learns - mean, full_matrices=False)[2][:TOP]
    tops = [(x - mean) @ axes.T for x in (learns, asked)]
    drawn = bpc.denormalise(mean + tops[1] @ axes)
    gap = drawn - bpc.denormalise(asked)

    def untrained(seed: int) -> dict[str, float]:
        network = make_state(BUDGET.replace(seed=seed), 1).network
        swept = [bpc.sweep_up(network, x)[0] for x in (learns, asked)]
        return {"probe": probe(swept[0], labels, swept[1], truth)}

    return {
        "pixels": {"probe": probe(learns, labels, asked, truth)},
        "principal components": {
            "rmse": float(np.sqrt(np.mean(gap**2))),
            "probe": probe(tops[0], labels, tops[1], truth),
        },
        "untrained": over_seeds(untrained),
    }


def parts() -> dict[str, Callable[[], Any]]:
    return {
        "few": partial(few, 100),
        "plain": plain,
        "mixed": mixed,
        "ten": partial(few, 10),
        "thousand": partial(few, 1000),
        "all": partial(few, 55_000),
        "controls": controls,
        "matched": matched,
        "floor": floor,
        "sampling": sampling,
        "samples": samples,
    }
