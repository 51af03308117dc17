"""What is claimed of hybrid predictive coding, judged: chapter 3's networks with other seeds, on test images.

The networks, the batches and the rates are those of `hybrid.py`, which chose the rates on validation
images. When a model of 100 examples should have stopped is chosen here, each seed by itself, on the first
500 validation images, of which no label is learnt. A linear classifier of the pixels, fitted by least squares
to the same examples, is read beside them; its weight decay is chosen on the same 500 images.
"""

import json
from collections.abc import Callable
from functools import cache
from typing import Any

import experiments
import hybrid
import jax
import jax.numpy as jnp
import numpy as np
import optax

import bpc_minimal as bpc

SEEDS = 5
EARLY, LATE, AFTER = 50, 2400, 10  # iterations, of digits 0-4 and after the shift
NEAR = 1.05  # times the energy where it settles
DECAYS = (1, 10, 100, 1000, 10_000)  # of the linear classifier's weights


@cache
def data() -> bpc.Data:
    """Load MNIST with the last 5,000 training images held out."""
    return bpc.mnist("validation")


@cache
def test() -> tuple[jax.Array, np.ndarray]:
    """Give the test images, normalised, and their labels."""
    images, labels = bpc.load_mnist("test")
    return bpc.normalise(images.reshape(len(images), -1)), labels


def rate(pool: str, model: str) -> float:
    """Look up the rate that chapter 3 learns with."""
    stored = json.loads((experiments.STORED / "hybrid.json").read_text("utf-8"))["results"]
    return stored["few"][pool][f"{model}, chosen"]["rate"]


def learnt(model: str, pool: str):
    """Train the seeds that are reported; yield iterations and networks."""
    size, seeds = hybrid.POOLS[pool], experiments.seeds(SEEDS)
    return hybrid.trained(model, size, rate(pool, model), data(), seeds)


def steps() -> dict[str, Any]:
    """Count what is read after some steps, each model from its own start, after learning from all images."""
    image, label = test()[0][:1000], test()[1][:1000]
    found = {}
    for model, start in (("generative", "blank"), ("hybrid", "guess")):
        *_, (_, networks) = learnt(model, "all")
        answers = hybrid.watch(networks, image, start, hybrid.COUNTS[-1])[1]
        right = hybrid.percent(answers, label)
        found[model] = {str(count): right[:, count].tolist() for count in hybrid.COUNTS}
    return found


def few() -> dict[str, Any]:
    """Learn from 100 examples; each seed stops where it read most validation images."""
    image, label = test()[0][:1000], test()[1][:1000]
    found: dict[str, Any] = {}
    for model in hybrid.RULES:
        way, chosen, reported, marks = hybrid.BEST[model], [], [], []
        for mark, networks in learnt(model, "100"):
            marks.append(mark)
            chosen.append(hybrid.read(networks, model, *hybrid.held(data(), hybrid.CHOSEN_ON))[way])
            reported.append(hybrid.read(networks, model, image, label)[way])
        stops = np.argmax(chosen, axis=0)
        found[model] = [reported[stop][seed] for seed, stop in enumerate(stops)]
        found[f"{model}, iterations"] = [marks[stop] for stop in stops]
    return {"100": found}


def needed(networks, image) -> list[float]:
    """Count the steps until the energy is near where it settles, with the label free."""
    energies = np.asarray(hybrid.watch(networks, image, "guess", hybrid.LONG)[0])
    return (energies > NEAR * energies[:, -1:]).sum(axis=1).mean(axis=-1).tolist()


def shift() -> dict[str, Any]:
    """Learn digits 0-4, then 5-9; count the steps of inference on test images of those that are learnt."""
    seeds, model = experiments.seeds(SEEDS), "hybrid"
    images, labels = (jnp.asarray(part) for part in data()[:2])
    rng = np.random.default_rng(seeds[0])
    shape = (SEEDS, LATE, hybrid.BATCH)
    low = rng.choice(np.flatnonzero(data().labels < 5), size=shape)
    high = rng.choice(np.flatnonzero(data().labels >= 5), size=(SEEDS, AFTER, hybrid.BATCH))
    stages = {
        "early": (low[:, :EARLY], True),
        "late": (low[:, EARLY:], True),
        "shifted": (high, False),
    }
    image, label = test()
    step, found = rate("all", model), {}
    states = hybrid.fresh(seeds, optax.adam(step))
    for name, (order, first_half) in stages.items():
        for i in range(0, order.shape[1], hybrid.CHUNK):
            now = order[:, i : i + hybrid.CHUNK]
            states = hybrid.train(states, now, images, labels, hybrid.RULES[model], step)
        shown = image[(label < 5) == first_half][:500]
        found[name] = needed(states[0], shown)
    return found


def linear() -> dict[str, Any]:
    """Read the same test images by ten weighted sums of the pixels, fitted to the same examples."""
    places = hybrid.orders(100, len(data().images), experiments.seeds(SEEDS)[0])
    pools = [np.unique(each) for each in places]  # each seed's hundred images
    return {"100": [read_linearly(pool) for pool in pools], "all": read_linearly(slice(None))}


def read_linearly(pool) -> float:
    """Fit to some images, with the decay that reads validation images best; read test images."""
    X, Y = with_one(bpc.normalise(data().images[pool])), np.eye(10)[data().labels[pool]]
    products, sums = X.T @ X, X.T @ Y
    image, label = hybrid.held(data(), hybrid.CHOSEN_ON)
    fits = [np.linalg.solve(products + decay * np.eye(785), sums) for decay in DECAYS]
    scores = [np.mean((with_one(image) @ fit).argmax(axis=1) == label) for fit in fits]
    answers = (with_one(test()[0][:1000]) @ fits[int(np.argmax(scores))]).argmax(axis=1)
    return float(100 * np.mean(answers == test()[1][:1000]))


def with_one(pixels) -> np.ndarray:
    """Put a 1 behind the pixels of each image."""
    return np.concatenate([np.asarray(pixels), np.ones((len(pixels), 1), np.float32)], axis=1)


def parts() -> dict[str, Callable[[], Any]]:
    return {"steps": steps, "few": few, "shift": shift, "linear": linear}
