"""What the generator of chapter 2 learns, reads, and where it comes to rest: longer than a chapter may take.

Five seeds, trained as chapter 2 trains them: 900 iterations of 32 images, Adam. Measured on validation
images, the first of the 5,000 that were held out; nothing was chosen on them but what the chapter says.
"""

from functools import cache, partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

import bpc_minimal as bpc

SEEDS, SIZES = range(5), (10, 128, 128, 784)
TRAINING, READING = [True, False, False, True], [False, False, False, True]
AGES, COUNTS = (300, 900, 2700), (1, 3, 10, 30, 100, 300, 1000, 3000)
STEPS = (0, 1, 2, 4, 16, 64)  # of inference, for each batch of training
READ, RESTED = 500, 100  # images
CHOOSING = slice(1000, 1300)  # the validation images that choose the precisions of reading
PRECISIONS = [(one, two, 1.0) for one in (1.0, 4.0, 16.0, 64.0) for two in (0.25, 1.0, 4.0)]
optimiser = optax.adam(1e-3)
infer = partial(bpc.infer, rule=bpc.GENERATIVE, step_size=1.0)


@cache
def data() -> tuple:
    """Give all but the validation images with their labels, then the validation images with theirs."""
    held = bpc.mnist("validation")
    pixels = bpc.normalise(held.held_out_images), np.asarray(held.held_out_labels)
    return jnp.asarray(held.images), jnp.asarray(held.labels), *pixels


@cache
def trained(seed: int, steps: int = 4, iterations: int = 900) -> list[bpc.Network]:
    """Train as chapter 2 does; give the network after each 300 iterations."""
    images, labels, *_ = data()

    def train_step(state, chosen):
        network, memory = state
        image, label = bpc.normalise(images[chosen]), bpc.one_hot(labels[chosen])
        z = [*bpc.sweep_down(network, label)[:-1], image]
        z = infer(network, z, TRAINING, steps=steps)
        gradient = bpc.weight_gradient(network, z, bpc.GENERATIVE)
        updates, memory = optimiser.update(gradient, memory)
        return (optax.apply_updates(network, updates), memory), None

    @jax.jit
    def train_300(state, order):
        return jax.lax.scan(train_step, state, order)[0]

    network = bpc.make_network(jax.random.PRNGKey(seed), SIZES, use_bias=False)
    rng, state, found = np.random.default_rng(seed), (network, optimiser.init(network)), []
    for order in rng.integers(len(images), size=(iterations // 300, 300, 32)):
        state = train_300(state, order)
        found.append(state[0])
    return found


def start_from(network, label, image):
    """Sweep down from a label, and put the image into the last layer."""
    return [*bpc.sweep_down(network, label)[:-1], image]


def undecided(count: int) -> jax.Array:
    """Give labels that are 1/10 everywhere."""
    return jnp.full((count, 10), 0.1)


def energy(network, z) -> np.ndarray:
    """Give the generative energy of each example."""
    return np.asarray(bpc.energy(network, z, alpha_disc=0.0))


def percent(right) -> float:
    """Give a share of what is true, in percent."""
    return float(100 * np.mean(np.asarray(right)))


def accuracies(network, counts=COUNTS, count: int = READ) -> list[float]:
    """Read from an undecided label; give the accuracy after each number of steps."""
    _, _, image, truth = data()
    z, done, found = start_from(network, undecided(count), image[:count]), 0, []
    for steps in counts:
        z, done = infer(network, z, READING, steps=steps - done), steps
        found.append(percent(z[0].argmax(axis=1) == truth[:count]))
    return found


def rmse(network) -> float:
    """Compare what a sweep down draws with the class means of the training images, pixels in [0, 1]."""
    drawn = bpc.denormalise(bpc.sweep_down(network, jnp.eye(10))[-1])
    images, labels, *_ = data()
    means = bpc.class_means(np.asarray(images), np.asarray(labels))
    return float(np.sqrt(np.mean((np.asarray(drawn) - means) ** 2)))


def of_steps() -> dict[str, Any]:
    """Train with more and with fewer steps a batch, from the same weights on the same batches."""
    found = {}
    _, _, image, truth = data()
    for steps in STEPS:
        networks = [trained(seed, steps)[-1] for seed in SEEDS]
        settled = [
            infer(network, start_from(network, bpc.one_hot(truth[:READ]), image[:READ]), TRAINING, steps=300)
            for network in networks
        ]  # fmt: skip
        found[str(steps)] = {
            "draws": [rmse(network) for network in networks],
            "energy": [float(energy(*each).mean()) for each in zip(networks, settled, strict=True)],
            "reads": [accuracies(network, (300,))[0] for network in networks],
        }
        print("   ", steps, found[str(steps)], flush=True)
    return found


def of_ages() -> dict[str, Any]:
    """Follow the reading of networks that have learned for longer and longer."""
    old = [trained(seed, iterations=max(AGES)) for seed in SEEDS]
    found = {}
    for age in AGES:
        networks = [each[age // 300 - 1] for each in old]
        each = np.array([accuracies(network) for network in networks])
        found[str(age)] = {
            "draws": [rmse(network) for network in networks],
            "reads": {str(n): each[:, i].tolist() for i, n in enumerate(COUNTS)},
        }
        print("   ", age, found[str(age)], flush=True)
    return found


def of_one_set(count: int = 1000, steps: int = 100) -> dict[str, Any]:
    """Read the same images with a free label, and by the energy of each clamped label, at each age."""
    _, _, image, truth = data()
    image, truth = image[:count], truth[:count]
    found: dict[str, Any] = {}
    for age in AGES:
        found[str(age)] = {"free label": [], "least energy of ten": []}
        for seed in SEEDS:
            network, E = trained(seed, iterations=max(AGES))[age // 300 - 1], []
            for label in jnp.eye(10):
                z = start_from(network, jnp.tile(label, (count, 1)), image)
                E.append(energy(network, infer(network, z, TRAINING, steps=steps)))
            right = percent(np.argmin(E, axis=0) == truth)
            found[str(age)]["least energy of ten"].append(right)
            found[str(age)]["free label"].append(accuracies(network, (1000,), count)[0])
        print("   ", age, found[str(age)], flush=True)
    return found


def free_label(network, alpha_gen, images: slice, steps: int) -> float:
    """Read with a free label, at these precisions."""
    _, _, image, truth = data()
    image, truth = image[images], truth[images]
    z = start_from(network, undecided(len(image)), image)
    z = infer(network, z, READING, steps=steps, alpha_gen=alpha_gen)
    return percent(z[0].argmax(axis=1) == truth)


def ten_labels(network, alpha_gen, images: slice, steps: int = 100) -> float:
    """Read by the energy of each clamped label, at these precisions."""
    _, _, image, truth = data()
    image, truth, E = image[images], truth[images], []
    for label in jnp.eye(10):
        z = start_from(network, jnp.tile(label, (len(image), 1)), image)
        z = infer(network, z, TRAINING, steps=steps, alpha_gen=alpha_gen)
        E.append(np.asarray(bpc.energy(network, z, alpha_gen, alpha_disc=0.0)))
    return percent(np.argmin(E, axis=0) == truth)


def of_precisions(count: int = 1000) -> dict[str, Any]:
    """Read at other precisions than those of learning: those that let a free label read other images best.

    One choice an age, by the mean of the seeds; then both ways to read the images of `of_one_set`.
    """
    found: dict[str, Any] = {}
    for age in AGES[1:]:
        networks = [trained(seed, iterations=max(AGES))[age // 300 - 1] for seed in SEEDS]
        tried = {}
        for alphas in PRECISIONS:
            name = " ".join(f"{alpha:g}" for alpha in alphas)
            tried[name] = [free_label(network, alphas, CHOOSING, 200) for network in networks]
            print("   ", age, name, tried[name], flush=True)
        best = PRECISIONS[int(np.mean([*tried.values()], axis=1).argmax())]
        found[str(age)] = {
            "precisions": " ".join(f"{alpha:g}" for alpha in best),
            "tried": tried,
            "free label": [free_label(each, best, slice(0, count), 1000) for each in networks],
            "least energy of ten": [ten_labels(each, best, slice(0, count)) for each in networks],
        }
        print("   ", age, found[str(age)], flush=True)
    return found


def of_starts(count: int = RESTED, age: int = 900) -> dict[str, Any]:
    """Settle from several starts, and ask whether they meet, which is lower, and what it says."""
    _, _, image, truth = data()
    image, truth = image[:count], truth[:count]
    keep: dict[str, list] = {}

    def note(name, value):
        keep.setdefault(name, []).append(float(value))

    for seed in SEEDS:
        network = trained(seed, iterations=age)[-1]
        right = start_from(network, bpc.one_hot(truth), image)
        clamped = infer(network, right, TRAINING, steps=1000)
        two = {"undecided": start_from(network, undecided(count), image), "the truth": clamped}
        before = {name: infer(network, z, READING, steps=4000) for name, z in two.items()}
        after = {name: infer(network, z, READING, steps=1000) for name, z in before.items()}
        for name in two:
            gone = np.linalg.norm(after[name][0] - before[name][0], axis=1)
            note(f"moved in the last 1,000 steps, from {name}", gone.mean())
            note(f"right, from {name}", percent(after[name][0].argmax(axis=1) == truth))
        low = {name: energy(network, z) for name, z in after.items()}
        apart = np.linalg.norm(after["undecided"][0] - after["the truth"][0], axis=1)
        note("distance between the two", apart.mean())
        note("farther than 0.1 apart", percent(apart > 0.1))
        far = apart > 0.1
        note("of these, lower from the truth", percent((low["the truth"] < low["undecided"])[far]))
        gap = np.abs(low["the truth"] - low["undecided"]) / low["undecided"]
        note("of these, the difference in energy", 100 * np.median(gap[far]))
        free = low["undecided"] < energy(network, clamped)
        note("undecided below the clamped truth", percent(free))
        gain = (energy(network, clamped) - low["undecided"]) / energy(network, clamped)
        note("energy saved by freeing the label", 100 * np.median(gain))

        ends, E = [], []
        for label in jnp.eye(10):
            z = start_from(network, jnp.tile(label, (count, 1)), image)
            z = infer(network, z, READING, steps=5000)
            ends.append(np.asarray(z[0]))
            E.append(energy(network, z))
        best = np.argmin(E, axis=0)
        answer = np.array(ends)[best, np.arange(count)].argmax(axis=1)
        note("right, the lowest of ten starts", percent(answer == truth))
        note(
            "resting places of ten starts",
            np.mean([places(np.array(ends)[:, i]) for i in range(count)]),
        )
        print("   ", seed, {name: each[-1] for name, each in keep.items()}, flush=True)
    return keep


def places(ends: np.ndarray, near: float = 0.1) -> int:
    """Count the labels that are farther than `near` from all that were counted before."""
    found: list[np.ndarray] = []
    for end in ends:
        if all(np.linalg.norm(end - each) > near for each in found):
            found.append(end)
    return len(found)


def classifier() -> np.ndarray:
    """Fit the chapter's linear classifier: the pixels and a 1, to ten numbers."""
    images, labels, *_ = data()
    x = with_one(bpc.normalise(images[:20_000]))
    return np.linalg.solve(
        x.T @ x + 10 * np.eye(785), x.T @ np.eye(10)[np.asarray(labels[:20_000])]
    )


def with_one(pixels) -> np.ndarray:
    """Put a 1 behind the pixels of each image."""
    return np.concatenate([np.asarray(pixels), np.ones((len(pixels), 1))], axis=1)


def of_guesses(counts=(100, 5000)) -> dict[str, Any]:
    """Start from a linear classifier's guess: what does settling keep of it, and what does it mend?"""
    _, _, image, truth = data()
    image, truth = image[:READ], truth[:READ]
    guess = (with_one(image) @ classifier()).argmax(axis=1)
    wrong, found = guess != truth, {"classifier": percent(guess == truth)}
    for steps in counts:
        answers = []
        for seed in SEEDS:
            z = start_from(trained(seed)[-1], bpc.one_hot(guess), image)
            answers.append(infer(trained(seed)[-1], z, READING, steps=steps)[0].argmax(axis=1))
        found[str(steps)] = {
            "right": [percent(a == truth) for a in answers],
            "wrong guesses kept": [percent((a == guess)[wrong]) for a in answers],
            "wrong guesses mended": [percent((a == truth)[wrong]) for a in answers],
            "right guesses kept": [percent((a == guess)[~wrong]) for a in answers],
        }
        print("   ", steps, found[str(steps)], flush=True)
    return found


def measure() -> dict[str, Any]:
    """Measure all of it; a list holds one number a seed."""
    return {
        "one set": of_one_set(),
        "precisions": of_precisions(),
        "starts": of_starts(),
        "old starts": of_starts(age=max(AGES)),
        "guesses": of_guesses(),
        "ages": of_ages(),
        "steps": of_steps(),
    }
