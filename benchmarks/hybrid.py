"""What an amortiser buys a generative network, and from how many examples: the figures of chapter 3.

Three models start from the same weights and see the same images in the same order, five seeds each: the
generative network, the hybrid one, and the hybrid's amortiser alone, trained by backprop on the label. They
learn from a few images, again and again, or from all, and are read on the way to 4,800 iterations. The
learning rate is chosen on some validation images, and what is stored is measured on others.
"""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

import bpc_minimal as bpc

SIZES, SEEDS, BATCH, CHUNK = (10, 64, 64, 784), 5, 32, 10
MARKS = (20, 50, 150, 300, 600, 1200, 2400, 4800)  # iterations
POOLS = {"20": 20, "100": 100, "500": 500, "all": None}
RATES = (3e-4, 1e-3, 3e-3)
CHOSEN_ON, REPORTED_ON, SETTLED_ON = slice(0, 500), slice(2500, 3500), slice(2500, 2750)
TRAINING, READING = [True, False, False, True], [False, False, False, True]
COUNTS = (0, 1, 2, 3, 5, 10, 20, 30, 50, 100)  # steps of inference
LONG = 1000  # steps after which we call it settled
RULES = {"generative": bpc.GENERATIVE, "hybrid": bpc.HYBRID, "alone": None}


def learn(network, image, label, rule):
    """Give the gradient of one batch: after inference, or where there is no rule, of the label's error."""
    if rule is None:
        return jax.grad(label_error)(network, image, label)
    swept = bpc.sweep_up(network, image)
    start = swept if rule.start == "image" else bpc.sweep_down(network, label)
    z = [label, *start[1:-1], image]
    z = bpc.infer(network, z, TRAINING, bpc.GENERATIVE, 4, 1.0)
    return bpc.weight_gradient(network, z, rule, amortiser_inputs=swept)


def label_error(network, image, label):
    """Give half the squared error of a sweep's label, the mean of a batch."""
    return 0.5 * ((label - bpc.sweep_up(network, image)[0]) ** 2).sum(axis=1).mean()


@partial(jax.jit, static_argnames=("rule", "rate"))
def train(states, order, images, labels, rule, rate):
    """Train all seeds for as many iterations as `order` (seed, iteration, image) has."""

    def iterate(state, chosen):
        network, memory = state
        image, label = bpc.normalise(images[chosen]), bpc.one_hot(labels[chosen])
        gradient = learn(network, image, label, rule)
        updates, memory = optax.adam(rate).update(gradient, memory)
        return (optax.apply_updates(network, updates), memory), None

    return jax.vmap(lambda state, order: jax.lax.scan(iterate, state, order)[0])(states, order)


@partial(jax.jit, static_argnames=("start", "steps"))
def watch(networks, pixels, start, steps):
    """Read images with the label free; give the energy and the answer, each (seed, step, image)."""

    def one(network):
        z = bpc.sweep_up(network, pixels)
        if start == "blank":
            undecided = jnp.full((len(pixels), 10), 0.1)
            z = [*bpc.sweep_down(network, undecided)[:-1], pixels]
        settled = bpc.infer(network, z, READING, bpc.GENERATIVE, steps, 1.0, record=True)
        return settled.energies, settled.trajectory[0].argmax(axis=-1)

    return jax.vmap(one)(networks)


def held(data: bpc.Data, part: slice) -> tuple[jax.Array, np.ndarray]:
    """Give some validation images, normalised, and their labels."""
    return bpc.normalise(data.held_out_images[part]), np.asarray(data.held_out_labels[part])


def percent(found: Any, label: np.ndarray) -> np.ndarray:
    """Give the accuracy of answers (seed, step, image), in percent."""
    return 100 * np.mean(np.asarray(found) == label, axis=-1)


def read(networks, model: str, pixels, label) -> dict[str, list[float]]:
    """Give the accuracy of each way to read with a model, from its own start."""
    if model == "alone":
        return {model: percent(watch(networks, pixels, "guess", 0)[1], label)[:, 0].tolist()}
    start, counts = ("guess", (0, 10)) if model == "hybrid" else ("blank", (10, 30))
    right = percent(watch(networks, pixels, start, counts[-1])[1], label)
    return {f"{model}, {count} steps": right[:, count].tolist() for count in counts}


def orders(pool: int | None, total: int, first: int = 0):
    """Draw which images come in each batch: (SEEDS, total, BATCH), the same for all models.

    A small pool is drawn for each seed, and the smaller is a part of the larger.

    Args:
        pool: how many images are learnt from; None is all.
        total: how many there are.
        first: the first of the seeds.
    """
    rng = np.random.default_rng(first)
    few = np.stack([rng.permutation(total)[:500] for _ in range(SEEDS)])
    shape = (SEEDS, MARKS[-1], BATCH)
    if pool is None:
        return rng.integers(total, size=shape)
    places = rng.integers(pool, size=shape).reshape(SEEDS, -1)
    return np.take_along_axis(few, places, axis=1).reshape(shape)


def fresh(seeds: range, optimiser: optax.GradientTransformation):
    """Draw a network a seed, with the optimiser's memory; all seeds in one array each."""
    networks = [bpc.make_network(jax.random.PRNGKey(seed), SIZES, use_bias=False) for seed in seeds]
    pairs = [(network, optimiser.init(network)) for network in networks]
    return jax.tree.map(lambda *parts: jnp.stack(parts), *pairs)


def trained(model: str, pool: int | None, rate: float, data: bpc.Data, seeds: range = range(SEEDS)):
    """Train; yield the networks at each mark."""
    states = fresh(seeds, optax.adam(rate))
    images, labels = jnp.asarray(data.images), jnp.asarray(data.labels)
    order = orders(pool, len(images), seeds[0])
    for i in range(0, MARKS[-1], CHUNK):
        states = train(states, order[:, i : i + CHUNK], images, labels, RULES[model], rate)
        if i + CHUNK in MARKS:
            yield i + CHUNK, states[0]


BEST = {"generative": "generative, 30 steps", "hybrid": "hybrid, 10 steps", "alone": "alone"}


def few(data: bpc.Data) -> tuple[dict[str, Any], dict[str, Any]]:
    """Train each model on each pool, at the rate that reads best at any mark.

    Returns:
        accuracies at each mark, and where a model should have stopped.
        each model's networks at the end, of all images.
    """
    found: dict[str, Any] = {pool: {} for pool in POOLS}
    last = {}
    for pool, size in POOLS.items():
        for model in RULES:
            runs = {rate: run(model, size, rate, data) for rate in RATES}
            best = max(RATES, key=lambda rate: max(runs[rate][0].values()))
            scores, table, last[model] = runs[best]
            stop = max(scores, key=scores.__getitem__)
            found[pool] |= table | {f"{model}, chosen": {"rate": best, "iterations": stop}}
            found[pool][f"{model}, stopped"] = table[BEST[model]][str(stop)]
            at_end = {way: np.mean(values[str(MARKS[-1])]) for way, values in table.items()}
            highest = {rate: max(runs[rate][0].values()) for rate in RATES}
            print("   ", pool, model, highest, best, stop, at_end, flush=True)
    return found, last  # the last pool is all images


def run(model: str, size: int | None, rate: float, data: bpc.Data):
    """Train once; give the mean accuracy on which is chosen at each mark, all others, and the end."""
    scores: dict[int, float] = {}
    table: dict[str, Any] = {}
    for mark, networks in trained(model, size, rate, data):
        for way, values in read(networks, model, *held(data, REPORTED_ON)).items():
            table.setdefault(way, {})[str(mark)] = values
        chosen = read(networks, model, *held(data, CHOSEN_ON))[BEST[model]]
        scores[mark] = float(np.mean(chosen))
    return scores, table, networks


def steps(networks: dict[str, Any], data: bpc.Data) -> dict[str, Any]:
    """Say what each start needs: accuracy after some steps, and how far it is from where it settles."""
    found: dict[str, Any] = {}
    pixels, label = held(data, REPORTED_ON)
    few_pixels, _ = held(data, SETTLED_ON)
    ways = {"generative, blank": "generative", "hybrid, blank": "hybrid", "hybrid, guess": "hybrid"}
    answers, ends = {}, {}
    for way, model in ways.items():
        start = way.split(", ")[1]
        answers[way] = np.asarray(watch(networks[model], pixels, start, COUNTS[-1])[1])
        right = percent(answers[way], label)
        found[way] = {"reads": {str(count): right[:, count].tolist() for count in COUNTS}}
        energies = np.asarray(watch(networks[model], few_pixels, start, LONG)[0])
        ends[way] = energies[:, -1]
        found[way]["energy"] = {
            str(count): energies[:, count].mean(axis=-1).tolist() for count in (*COUNTS, LONG)
        }
        for share in (0.01, 0.05, 0.1):
            above = energies > (1 + share) * energies[:, -1:]
            found[way][f"steps to {share:.0%}"] = above.sum(axis=1).mean(axis=-1).tolist()
    first, tenth = (answers["hybrid, guess"][:, count] for count in (0, 10))
    before, after = first == label, tenth == label
    for name, which in (
        ("changed", first != tenth), ("repaired", ~before & after), ("broken", before & ~after),
    ):  # fmt: skip
        found[name] = (100 * which.mean(axis=-1)).tolist()
    lower = ends["hybrid, guess"] < ends["hybrid, blank"] - 0.01 * ends["hybrid, blank"]
    higher = ends["hybrid, guess"] > ends["hybrid, blank"] + 0.01 * ends["hybrid, blank"]
    found["guess ends lower"] = (100 * lower.mean(axis=-1)).tolist()
    found["guess ends higher"] = (100 * higher.mean(axis=-1)).tolist()
    return found


def measure() -> dict[str, Any]:
    """Measure all of it; a list holds one number a seed."""
    data = bpc.mnist("validation")
    examples, networks = few(data)
    return {"few": examples, "steps": steps(networks, data)}
