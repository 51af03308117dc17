"""Two tasks, one network: how well each model reads and draws, its cost, and how sure that is (chapter 8).

All models have 10-256-256-784 units with biases, start each seed from the same weights, see the first 55,000
training images in the same order, five times, in batches of 128, and learn by AdamW; what else they differ
in is chosen from the grids below. Of a model's settings whose validation accuracy is within 0.5 points of its
best, the one that draws best is taken. Backprop is two networks, one each way, each chosen by its own task.

Networks are kept in a temporary folder, by the package's code too, so that the parts share them.
"""

from collections.abc import Callable, Iterator
from functools import cache, partial
from statistics import median
from time import perf_counter
from typing import Any

import equinox as eqx
import experiments
import jax
import jax.numpy as jnp
import numpy as np
import optax
from bidirectional import data, in_between, trained
from scipy.stats import t as student
from sklearn.datasets import load_digits

import bpc_minimal as bpc
from bpc_minimal.learning import make_optimiser, make_state
from bpc_minimal.training import learn, shuffled

BUDGET = bpc.preset("best", sizes=(10, 256, 256, 784), epochs=5)
SEEDS = 5
# Three settings each. Where e alone moves, only ratios of alpha_gen count.
RATES = [
    {"learning_rate": rate, "weight_decay": decay}
    for rate, decay in ((2e-3, 0.1), (2e-3, 0.5), (1e-3, 0.1))
]
BY_E = [
    {"alpha_gen": gen, "alpha_disc": 1.0, "learning_rate": rate, "weight_decay": 0.1}
    for gen, rate in (((1.0, 1.0, 0.1), 2e-3), (1.0, 2e-3), ((1.0, 1.0, 0.1), 1e-3))
]
GRID: dict[str, list[dict[str, Any]]] = {
    "BPC": [
        {"alpha_gen": gen, "alpha_disc": disc, "weight_decay": decay}
        for gen, disc, decay in (
            ((3e-4, 3e-4, 1e-4), (0.06, 1.0, 1.0), 0.5),
            ((3e-4, 3e-4, 1e-4), (0.06, 1.0, 1.0), 0.1),
            ((1e-3, 1e-3, 1e-4), (0.1, 1.0, 1.0), 0.5),
        )
    ],
    "discPC": [{"rule": bpc.DISCRIMINATIVE, "alpha_disc": 1.0} | each for each in RATES],
    "HPC": [{"rule": bpc.HYBRID} | each for each in BY_E],
    "genPC": [{"rule": bpc.GENERATIVE} | each for each in BY_E],
    "backprop": RATES,
}
READING = (10, 30, 100, 300)  # steps of genPC's label, at a rate of 1
DRAWING = (10, 30, 100, 300, 1000, 3000)  # steps of discPC's image
ALPHAS = (1.0, 0.1, 0.01, 0.001, 1e-4, 1e-5)
LABEL_FREE = (0, 1, 2, 5, 10, 20, 50, 100)
REACHES, EVERY = 97.0, 50  # percent of the validation images, asked so often


def parts() -> dict[str, Callable[[], Any]]:
    return {
        "settings": settings,
        "models": models,
        "label free": label_free,
        "cost": cost,
        "coverage": coverage,
        "digits": on_digits,
        "alpha": alpha,
        "alpha of others": alpha_of_others,
        "steps": partial(by_steps, (1, 4, 8, 16), in_turn=False),
        "in turn": partial(by_steps, (1, 4, 8), in_turn=True),
    }


# -- backprop -----------------------------------------------------------------------------------------------


def learn_by_backprop(
    config: bpc.Config, rates: tuple[float, float], found: bpc.Data, every: int
) -> Iterator[bpc.Network]:
    """Learn both directions of a network by backprop, apart; give it after each `every` iterations.

    Args:
        config: its settings.
        rates: of learning, of the generator and of the amortiser.
        found: the data.
        every: iterations; what is left at the end of a pass is learnt too.
    """
    images, labels = jnp.asarray(found.images), jnp.asarray(found.labels)
    total = config.total(len(images))
    state = make_state(config, total)
    ways = [make_optimiser(config.replace(learning_rate=rate), total) for rate in rates]

    def loss(network, image, label):
        read, drawn = bpc.sweep_up(network, image)[0], bpc.sweep_down(network, label)[-1]
        errors = read - label, drawn - image
        return 0.5 * sum(jnp.mean(jnp.sum(error**2, axis=1)) for error in errors)

    def iterate(carry, chosen):
        network, memories = carry
        image = bpc.normalise(images[chosen].reshape(len(chosen), -1))
        gradient = jax.grad(loss)(network, image, bpc.one_hot(labels[chosen]))
        maps = [(network.generator, gradient.generator), (network.amortiser, gradient.amortiser)]
        moved = [
            way.update(slope, memory, weights)
            for way, memory, (weights, slope) in zip(ways, memories, maps, strict=True)
        ]
        learnt = [
            optax.apply_updates(weights, updates)
            for (weights, _), (updates, _) in zip(maps, moved, strict=True)
        ]
        return (bpc.Network(*learnt, network.activation), [memory for _, memory in moved]), None

    go = jax.jit(lambda carry, order: jax.lax.scan(iterate, carry, order)[0])
    network = state.network
    carry = (
        network,
        [ways[0].init(network.generator), ways[1].init(network.amortiser)],
    )
    for number in range(config.epochs or 0):
        order = np.asarray(shuffled(state.key, number, len(images)))
        order = order[: len(order) // config.batch_size * config.batch_size]
        order = order.reshape(-1, config.batch_size)
        for first in range(0, len(order), every):
            carry = go(carry, order[first : first + every])
            yield carry[0]


@cache
def backprop(changes: tuple[tuple[str, Any], ...], seed: int) -> bpc.Network:
    """Train both directions with the same settings, or load them."""
    config = BUDGET.replace(seed=seed, **dict(changes))
    path = in_between("backprop" + config.to_json(), "eqx")
    network = make_state(config, 1).network
    if not path.exists():
        *_, network = learn_by_backprop(config, (config.learning_rate,) * 2, data(), 10_000)
        eqx.tree_serialise_leaves(path, network)
    return eqx.tree_deserialise_leaves(path, network)


# -- reading and drawing ------------------------------------------------------------------------------------


@cache
def held_out(name: str) -> tuple[np.ndarray, np.ndarray]:
    """Give images and labels: "validation", or "test" at the end."""
    return bpc.load_mnist(name)


def pixels(images: np.ndarray) -> jax.Array:
    return bpc.normalise(images.reshape(len(images), -1))


def percent(activities, labels) -> float:
    return 100 * float(np.mean(np.asarray(activities.argmax(axis=1)) == labels))


def far(drawn, images: np.ndarray, labels: np.ndarray) -> float:
    """Give the RMSE of a drawing of each label to its class's mean, over pixels in [0, 1]."""
    means = bpc.class_means(images, labels).reshape(10, -1)
    return float(np.sqrt(np.mean((np.asarray(bpc.denormalise(drawn)) - means) ** 2)))


def moving(config: bpc.Config, **changes: Any) -> dict[str, Any]:
    return config.inference() | {"step_size": 1.0} | changes


def labels_at(
    network: bpc.Network, image: jax.Array, at: tuple[int, ...], config: bpc.Config, **changes: Any
) -> list[jax.Array]:
    """Let the label settle with the image clamped; give it after each number of steps."""
    rule, found, done = config.rule, [], 0
    blank = jnp.full((len(image), 10), 0.1)
    z = bpc.sweep_up(network, image) if rule.teaches[1] else bpc.sweep_down(network, blank)
    z[-1] = image
    clamped = [False] * network.depth + [True]
    for steps in at:
        z = bpc.infer(network, z, clamped, steps=steps - done, **moving(config, **changes))
        found.append(z[0])
        done = steps
    return found


def drawn_at(network: bpc.Network, at: tuple[int, ...], config: bpc.Config) -> list[jax.Array]:
    """Let the image settle with the label clamped, from the mean pixel."""
    z = bpc.sweep_up(network, jnp.zeros((10, network.sizes[-1])))
    z[0], found, done = jnp.eye(10), [], 0
    clamped = [True] + [False] * network.depth
    for steps in at:
        z = bpc.infer(network, z, clamped, steps=steps - done, **moving(config))
        found.append(z[-1])
        done = steps
    return found


def measure(
    name: str,
    networks: tuple[bpc.Network, bpc.Network],
    config: bpc.Config,
    images: np.ndarray,
    labels: np.ndarray,
    steps: int | None = None,
) -> dict[str, float]:
    """Measure how a model reads and draws.

    Args:
        name: of the model.
        networks: the one that reads and the one that draws; the same, but of backprop.
        config: its settings.
        images: as a data set holds them.
        labels: of the images.
        steps: of settling, of genPC's label or of discPC's image.
    """
    reads, draws = networks
    found, image = {}, pixels(images)
    if name == "genPC":
        settled = labels_at(reads, image[:1000], (steps or 0,), config)[0]
        found["reads 1000"] = percent(settled, labels[:1000])
    else:
        swept = bpc.sweep_up(reads, image)[0]
        found["reads"] = percent(swept, labels)
        found["reads 1000"] = percent(swept[:1000], labels[:1000])
    if name == "discPC":
        drawn = drawn_at(draws, (steps or 0,), config)[0]
    else:
        drawn = bpc.sweep_down(draws, jnp.eye(10))[-1]
    return found | {"draws": far(drawn, images, labels)}


# -- choosing -----------------------------------------------------------------------------------------------


def network_of(name: str, changes: dict[str, Any], seed: int) -> bpc.Network:
    if name == "backprop":
        return backprop(tuple(changes.items()), seed)
    return trained(BUDGET.replace(seed=seed, **changes))[0]


@cache
def scored(name: str) -> list[dict[str, Any]]:
    """Score each setting of a model's grid on validation images, after as many steps as suit it best."""
    images, labels = held_out("validation")
    found = []
    for changes in GRID[name]:
        config = BUDGET.replace(**changes)
        networks = [network_of(name, changes, s) for s in experiments.choosing_seeds()]
        if name == "genPC":
            settled = [labels_at(n, pixels(images[:1000]), READING, config) for n in networks]
            reads = np.mean([[percent(z, labels[:1000]) for z in each] for each in settled], axis=0)
            steps = READING[int(reads.argmax())]
        elif name == "discPC":
            drawn = [drawn_at(network, DRAWING, config) for network in networks]
            draws = np.mean([[far(x, images, labels) for x in each] for each in drawn], axis=0)
            steps = DRAWING[int(draws.argmin())]
        else:
            steps = None
        each = [measure(name, (n, n), config, images, labels, steps) for n in networks]
        found.append(
            {
                "changes": changes,
                "steps": steps,
                "reads": [one.get("reads", one["reads 1000"]) for one in each],
                "draws": [one["draws"] for one in each],
            }
        )
    return found


def take(name: str) -> dict[str, dict[str, Any]]:
    """Choose a model's setting: of those within half a point of the best, the one that draws best.

    Backprop has two, the classifier's and the decoder's, each chosen by its own task.
    """
    every = scored(name)
    best = max(np.mean(each["reads"]) for each in every)
    if name == "backprop":
        classifier = max(every, key=lambda each: np.mean(each["reads"]))
        return {"reads": classifier, "draws": min(every, key=lambda each: np.mean(each["draws"]))}
    good = [each for each in every if np.mean(each["reads"]) >= best - 0.5]
    return {"both": min(good, key=lambda each: np.mean(each["draws"]))}


@cache
def chosen(name: str, task: str = "reads") -> dict[str, Any]:
    """Give what was chosen, from the stored settings if they are: what changes, and steps.

    Args:
        name: of the model.
        task: "reads" or "draws", of backprop; the others have one setting for both.
    """
    found = experiments.kept("two_tasks", "settings", settings)[name]
    words = found["chosen"]["both" if "both" in found["chosen"] else task]
    changes = next(each for each in GRID[name] if written(each) == words)
    return {"changes": changes, "steps": found["tried"][words]["steps"]}


def chosen_ways() -> tuple[dict[str, Any], dict[str, Any]]:
    """Give backprop's two, the classifier's setting and the decoder's."""
    return chosen("backprop", "reads"), chosen("backprop", "draws")


def setting(name: str) -> bpc.Config:
    """Give a model's chosen settings."""
    return BUDGET.replace(**chosen(name)["changes"])


def model(name: str, seed: int) -> tuple[bpc.Network, bpc.Network]:
    """Train a model with its chosen settings; give the network that reads and the one that draws."""
    if name == "backprop":
        reads, draws = (network_of(name, each["changes"], seed) for each in chosen_ways())
        return reads, draws
    network = network_of(name, chosen(name)["changes"], seed)
    return network, network


def written(changes: dict[str, Any]) -> str:
    """Write a setting in words; the rule is the model's name."""
    return ", ".join(f"{name} {value}" for name, value in changes.items() if name != "rule")


def settings() -> dict[str, Any]:
    """Give what was tried, on the choosing seeds, and what was chosen."""
    found: dict[str, Any] = {}
    for name in GRID:
        tried = {
            written(each["changes"]): {key: each[key] for key in ("steps", "reads", "draws")}
            for each in scored(name)
        }
        found[name] = {
            "chosen": {task: written(each["changes"]) for task, each in take(name).items()},
            "tried": tried,
        }
    return found


# -- parts --------------------------------------------------------------------------------------------------


def by_seed(found: list[dict[str, float]]) -> dict[str, list[float]]:
    """Turn one dictionary a seed into one list a measure."""
    return {key: [each[key] for each in found] for key in found[0]}


def models() -> dict[str, Any]:
    """Measure all models on the test set."""
    images, labels = held_out("test")
    found = {}
    for name in GRID:
        steps = chosen(name)["steps"]
        each = [
            measure(name, model(name, seed), setting(name), images, labels, steps)
            for seed in experiments.seeds(SEEDS)
        ]
        found[name] = by_seed(each)
        print(name, *(f"{key} {np.mean(value):.4f}" for key, value in found[name].items()))
    return found


def label_free() -> dict[str, Any]:
    """Measure what settling does to an answer: image clamped, label free, 1,000 test images."""
    images, labels = held_out("test")
    image, found = pixels(images[:1000]), {}
    ones = {"alpha_gen": 1.0, "alpha_disc": 1.0}
    for name in ("BPC", "BPC, precisions 1", "discPC", "HPC", "genPC"):
        known, changes, each = name.split(",")[0], ones if "," in name else {}, []
        for seed in experiments.seeds(SEEDS):
            network = model(known, seed)[0]
            settled = labels_at(network, image, LABEL_FREE, setting(known), **changes)
            answers = [percent(z, labels[:1000]) for z in settled]
            each.append(dict(zip(map(str, LABEL_FREE), answers, strict=True)))
        found[name] = by_seed(each)
    return found


def dial(name: str, values: tuple[float, ...], count: int) -> dict[str, Any]:
    """Measure a model at each alpha_gen, one for all layers, with alpha_disc 1."""
    images, labels = held_out("test")
    found = {}
    for value in values:
        changes = chosen(name)["changes"] | {"alpha_gen": value, "alpha_disc": 1.0}
        config, steps = BUDGET.replace(**changes), chosen(name)["steps"]
        each = []
        for seed in experiments.seeds(count):
            network = network_of(name, changes, seed)
            each.append(measure(name, (network, network), config, images, labels, steps))
        found[f"{value:g}"] = by_seed(each)
        print(name, f"{value:g}", {key: np.mean(x) for key, x in found[f"{value:g}"].items()})
    return found


def alpha() -> dict[str, Any]:
    return dial("BPC", ALPHAS, SEEDS)


def alpha_of_others() -> dict[str, Any]:
    """Measure the ends of the dial for models that only one kind of error moves; two seeds."""
    return {name: dial(name, (1.0, 1e-5), 2) for name in ("discPC", "HPC", "genPC")}


def by_steps(counts: tuple[int, ...], in_turn: bool) -> dict[str, Any]:
    """Measure BPC after training with so many steps."""
    images, labels = held_out("test")
    found = {}
    for count in counts:
        changes = chosen("BPC")["changes"] | {"steps": count, "in_turn": in_turn}
        config = BUDGET.replace(**changes)
        each = []
        for seed in experiments.seeds(SEEDS):
            network = network_of("BPC", changes, seed)
            each.append(measure("BPC", (network, network), config, images, labels))
        found[str(count)] = by_seed(each)
        print(count, in_turn, {key: np.mean(x) for key, x in found[str(count)].items()})
    return found


# -- cost ---------------------------------------------------------------------------------------------------


def products(name: str, sizes: tuple[int, ...], steps: int) -> int:
    """Count the products of two numbers that an iteration takes for an image, nothing computed twice.

    A linear map between two layers takes as many as it has weights, and so does sending an error back through
    it, and so does its gradient. Both ends are clamped: what they predict is computed once, and no error is
    sent to them. Layers in turn take as many as layers all at once.
    """
    maps = [a * b for a, b in zip(sizes[:-1], sizes[1:], strict=True)]
    all_maps, label, image = sum(maps), maps[0], maps[-1]
    down = all_maps - label  # predictions that hidden layers send down, and errors that come back
    up = all_maps - image
    if name == "backprop":  # the classifier: forward, back to the hidden layers, gradients
        return 3 * all_maps - image
    if name == "decoder":
        return 3 * all_maps - label
    if name == "backprop twice":
        return products("backprop", sizes, 0) + products("decoder", sizes, 0)
    sweep = all_maps - label  # up; it gives the hidden layers and the first of their predictions
    e = label + (steps + 1) * down + steps * down  # what z predicts at each state, what comes back
    d = label + steps * up + steps * up
    return {
        "BPC": sweep + e + d + 2 * all_maps,
        "discPC": sweep + d + all_maps,
        "HPC": sweep + label + e + 2 * all_maps,  # its amortiser learns from the whole sweep
        "genPC": all_maps + 2 * steps * down + all_maps,  # the sweep down predicts all once
    }[name]


class Reached(Exception):
    """Raised to end a run."""


def iterations_to(config: bpc.Config) -> float:
    """Count the iterations until a network first reads enough validation images; infinite if never."""
    reached = [np.inf]

    def look(checkpoint):
        last = checkpoint.history.evaluations[-1]
        if last["accuracy"] >= REACHES:
            reached[0] = last["iteration"]
            raise Reached

    try:
        bpc.fit(config.replace(evaluate_every=EVERY), data(), on_epoch=look)
    except Reached:
        pass
    return reached[0]


def iterations_by_backprop(seed: int) -> float:
    """Count those of the classifier; the decoder learns beside it."""
    images, labels = held_out("validation")
    classifier, decoder = (BUDGET.replace(**each["changes"]) for each in chosen_ways())
    rates = decoder.learning_rate, classifier.learning_rate
    done, per_pass = 0, len(data().images) // BUDGET.batch_size
    for network in learn_by_backprop(classifier.replace(seed=seed), rates, data(), EVERY):
        done += min(EVERY, per_pass - done % per_pass)
        if percent(bpc.sweep_up(network, pixels(images))[0], labels) >= REACHES:
            return done
    return np.inf


def cost() -> dict[str, Any]:
    """Count what each model takes to read 97 %, and measure the milliseconds of an iteration."""
    in_turn = setting("BPC").replace(steps=1, in_turn=True)
    runs = {"BPC": setting("BPC"), "BPC, one step in turn": in_turn, "discPC": setting("discPC")}
    found: dict[str, Any] = {}
    for name, config in runs.items():
        one = products(name.split(",")[0], config.sizes, config.steps)
        found[name] = {
            "iterations": [
                iterations_to(config.replace(seed=seed)) for seed in experiments.seeds(SEEDS)
            ],
            "products of an image": one,
        }
    many = [iterations_by_backprop(seed) for seed in experiments.seeds(SEEDS)]
    for name in ("backprop", "backprop twice"):
        found[name] = {
            "iterations": many,
            "products of an image": products(name, BUDGET.sizes, 0),
        }
    for each in found.values():
        one = each["products of an image"] * BUDGET.batch_size
        each["products"] = [one * count for count in each["iterations"]]
    for name, each in milliseconds(runs).items():
        found[name]["ms"] = each
    for name in ("HPC", "genPC"):  # which do not get there
        steps = setting(name).steps
        found[name] = {"products of an image": products(name, BUDGET.sizes, steps)}
    return found


def milliseconds(runs: dict[str, bpc.Config], rounds: int = 7) -> dict[str, float]:
    """Measure the median time of an iteration, of EVERY iterations at a time, the models taking turns."""
    images = bpc.Data(*(jnp.asarray(part) for part in data()))
    total = BUDGET.total(len(images.images))
    order = shuffled(jax.random.PRNGKey(0), 0, len(images.images))
    by_backprop = learn_by_backprop(BUDGET, (2e-3, 2e-3), data(), EVERY)

    def by_pc(config):
        state = jax.tree.map(jnp.copy, make_state(config, total))
        return learn(state, jnp.copy(order), images, config, total, EVERY, EVERY)

    ways = {name: partial(by_pc, config) for name, config in runs.items()}
    ways["backprop twice"] = lambda: next(by_backprop)
    spent: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds + 1):  # the first compiles
        for name, way in ways.items():
            began = perf_counter()
            jax.block_until_ready(way())
            spent[name].append(perf_counter() - began)
    return {name: 1000 * median(each[1:]) / EVERY for name, each in spent.items()}


# -- what error bars mean, and another data set -------------------------------------------------------------


def covered(values: np.ndarray, sets: int = 2000, size: int = 5) -> float:
    """Give the percentage of sets of five whose 95 % interval holds the mean of the others."""
    rng = np.random.default_rng(0)
    wide = student.ppf(0.975, size - 1) / np.sqrt(size)
    held = []
    for _ in range(sets):
        order = rng.permutation(len(values))
        few, others = values[order[:size]], values[order[size:]]
        held.append(abs(few.mean() - others.mean()) <= wide * few.std(ddof=1))
    return 100 * float(np.mean(held))


def coverage() -> dict[str, Any]:
    """Train 40 small networks of two models, and ask what intervals of five hold."""
    images, labels = held_out("test")
    few = bpc.Data(data().images[:10_000], data().labels[:10_000], images, labels)
    reads: dict[str, list[float]] = {"BPC": [], "discPC": []}
    for name, found in reads.items():
        for seed in experiments.seeds(40):
            config = setting(name).replace(sizes=(10, 64, 64, 784), epochs=1, seed=seed)
            found.append(bpc.fit(config, few)[1].evaluations[-1]["accuracy"])
    by_name = {name: np.array(found) for name, found in reads.items()}
    by_name["difference"] = by_name["BPC"] - by_name["discPC"]
    return {name: covered(values) for name, values in by_name.items()} | {"seeds": reads}


def on_digits() -> dict[str, Any]:
    """Train all on scikit-learn's 8 by 8 digits, as chosen on MNIST; each fifth is held out."""
    digits = load_digits()
    images, labels = np.float32(digits.images / 16), digits.target
    fifth = np.arange(len(labels)) % 5 == 0
    found, small = {}, {"sizes": (10, 100, 100, 64), "batch_size": 32, "epochs": 20}
    split = bpc.Data(images[~fifth], labels[~fifth], images[fifth], labels[fifth])
    for name in GRID:
        each = []
        for seed in experiments.seeds(SEEDS):
            if name == "backprop":
                ways = [BUDGET.replace(**way["changes"]) for way in chosen_ways()]
                config = ways[0].replace(seed=seed, **small)
                rates = ways[1].learning_rate, ways[0].learning_rate
                *_, network = learn_by_backprop(config, rates, split, 10_000)
            else:
                config = setting(name).replace(seed=seed, **small)
                network = bpc.fit(config, split)[0]
            two, steps = (network, network), chosen(name)["steps"]
            each.append(measure(name, two, config, images[fifth], labels[fifth], steps))
        found[name] = by_seed(each)
        print(name, {key: np.mean(value) for key, value in found[name].items()})
    return found
