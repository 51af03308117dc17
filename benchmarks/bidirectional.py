"""What bidirectional learning buys, and what bidirectional inference: the figures of chapter 4.

Five models are trained on the same 55,000 images in the same order from the same weights, five seeds each:
the four of the book, and a control whose activities only d moves while both kinds of error teach. Then
images with hidden pixels are read, by a sweep and by settling. The precisions of that settling are chosen
on some validation images, for each model and each way by itself, and what is stored is measured on others.
"""

from functools import cache
from typing import Any

import jax
import numpy as np

import bpc_minimal as bpc

SEEDS, LONG_SEEDS = range(5), range(3)
STEPS = 200  # of settling at test time, at a rate of 1
CHOSEN_ON, REPORTED_ON = slice(0, 250), slice(2500, 3500)  # of the 5,000 validation images
CHOOSING_SEEDS = range(2)

# The network of chapter 4's first figure. Where one kind of error moves, only ratios of precisions count.
BPC = bpc.preset(
    "fast", sizes=(10, 128, 128, 784), alpha_gen=(3e-3, 3e-3, 3e-4),
    epochs=2, steps=4, in_turn=False,
)  # fmt: skip
CONTROL = bpc.Rule(moves=(0, 1), teaches=(1, 1))
MODELS = {
    "genPC": BPC.replace(rule=bpc.GENERATIVE, alpha_gen=(1.0, 1.0, 0.1)),
    "discPC": BPC.replace(rule=bpc.DISCRIMINATIVE),
    "HPC": BPC.replace(rule=bpc.HYBRID, alpha_gen=(1.0, 1.0, 0.1)),
    "BPC": BPC,
    "control": BPC.replace(rule=CONTROL),
}
# alpha_gen of the hidden layers over alpha_disc; that of the image is a tenth of it, as in figure 1.
DIAL = (1e4, 1e2, 1e0, 1e-1, 1e-2, 1e-3, 1e-4)

BY_E = [((1.0, 1.0, g), (0.0, 0.0, 0.0)) for g in (1.0, 0.1)]
BY_BOTH = [((1.0, 1.0, g), (c, c, c)) for g in (1.0, 0.1) for c in (1.0, 0.1, 0.01)]
BY_BOTH += [((3.0, 3.0, 1.0), (1.0, 1.0, 0.1)), ((1.0, 1.0, 1.0), (0.1, 1.0, 1.0))]
WAYS = {"e": BY_E, "both": BY_BOTH}  # d alone leaves a sweep as it is


def masks(count: int) -> dict[str, np.ndarray]:
    """Say which pixels are seen, by what is hidden: (count, 784) each, the same for all models."""
    order = np.random.default_rng(0).random((count, 784))
    seen = {f"{share} %": order >= share / 100 for share in (0, 50, 80, 90)}
    return seen | {"lower half": np.broadcast_to(np.arange(784) < 392, (count, 784))}


@cache
def trained(config: bpc.Config) -> tuple[bpc.Network, dict[str, float]]:
    """Train on all but the validation images; give the network and its last evaluation."""
    network, history = bpc.fit(config, data())
    return network, history.evaluations[-1]


@cache
def data() -> bpc.Data:
    """Load MNIST with the last 5,000 training images held out."""
    return bpc.mnist("validation")


def pixels(part: slice) -> tuple[jax.Array, np.ndarray]:
    """Give some validation images, normalised, and their labels."""
    held = data()
    return bpc.normalise(held.held_out_images[part]), held.held_out_labels[part]


def read(network, rule, precisions, image, label, seen) -> tuple[float, float]:
    """Settle with the hidden pixels and the label free; give the accuracy, in percent, of two answers.

    Returns:
        settled: of the label that settled.
        completed: of a sweep up from the completed image.
    """
    gen, disc = precisions
    start = bpc.sweep_up(network, image * seen)
    if rule == bpc.GENERATIVE:
        blank = np.full((len(image), 10), 0.1, np.float32)
        start = [*bpc.sweep_down(network, blank)[:-1], image * seen]
    clamped = [False] * network.depth + [seen]
    options = {"steps": STEPS, "step_size": 1.0, "alpha_gen": gen, "alpha_disc": disc}
    z = bpc.infer(network, start, clamped, **options)
    answers = z[0], bpc.sweep_up(network, z[-1])[0]
    settled, completed = (float(100 * np.mean(a.argmax(axis=1) == label)) for a in answers)
    return settled, completed


def swept(network, image, label, seen) -> float:
    """Give the accuracy of a sweep alone, hidden pixels at the mean pixel, 0."""
    found = bpc.sweep_up(network, image * seen)[0].argmax(axis=1)
    return float(100 * np.mean(found == label))


def choose(config: bpc.Config, way: str) -> dict[str, tuple]:
    """Give the precisions with the best mean accuracy over four masks, for each of `read`'s two answers."""
    image, label = pixels(CHOSEN_ON)
    hidden = [seen for name, seen in masks(len(image)).items() if name != "0 %"]
    scores = [
        np.mean(
            [
                read(trained(config.replace(seed=seed))[0], config.rule, each, image, label, seen)
                for seed in CHOOSING_SEEDS
                for seen in hidden
            ],
            axis=0,
        )
        for each in WAYS[way]
    ]
    best = np.argmax(scores, axis=0)
    return {name: WAYS[way][i] for name, i in zip(("settled", "completed"), best, strict=True)}


def of_model(name: str, config: bpc.Config) -> dict[str, Any]:
    """Measure one model: how it reads and draws, and how it reads what is partly hidden."""
    image, label = pixels(REPORTED_ON)
    runs = [trained(config.replace(seed=seed)) for seed in SEEDS]
    hidden = masks(len(image))
    found: dict[str, Any] = {
        "reads": [evaluation["accuracy"] for _, evaluation in runs],
        "draws": [evaluation["rmse"] for _, evaluation in runs],
        "draws, settled": [redrawn(network, config) for network, _ in runs],
    }
    if config.rule.teaches[1]:
        found["swept"] = {
            share: [swept(network, image, label, seen) for network, _ in runs]
            for share, seen in hidden.items()
        }
    if not config.rule.teaches[0]:
        return found  # by d alone a sweep stays as it is, and there is no generator to give an e
    for way in WAYS if config.rule.teaches[1] else ("e",):
        chosen, known = choose(config, way), {}
        for i, (answer, precisions) in enumerate(chosen.items()):
            if answer == "completed" and not config.rule.teaches[1]:
                continue
            if precisions not in known:
                known[precisions] = {
                    share: [
                        read(network, config.rule, precisions, image, label, seen)
                        for network, _ in runs
                    ]
                    for share, seen in hidden.items()
                }
            found[f"{answer} by {way}"] = {
                share: [both[i] for both in each] for share, each in known[precisions].items()
            } | {"precisions": str(precisions)}
            print("   ", name, way, answer, precisions, found[f"{answer} by {way}"], flush=True)
    return found


def redrawn(network: bpc.Network, config: bpc.Config) -> float:
    """Give the RMSE of drawings that settle, at the precisions of training, with the image free."""
    options = config.inference() | {"step_size": 1.0}
    drawn = bpc.denormalise(bpc.generate(network, np.arange(10), STEPS, **options))
    means = bpc.class_means(data().held_out_images, data().held_out_labels)
    return float(np.sqrt(np.mean((np.asarray(drawn) - means) ** 2)))


def dial() -> dict[str, Any]:
    """Turn the ratio of the precisions in training: the way from HPC by BPC to the control."""
    found = {}
    image, label = pixels(REPORTED_ON)
    seen = masks(len(image))["80 %"]
    for ratio in DIAL:
        larger = max(1.0, ratio)
        gen = tuple(ratio / larger * share for share in (1.0, 1.0, 0.1))
        config = BPC.replace(alpha_gen=gen, alpha_disc=1 / larger)
        runs = [trained(config.replace(seed=seed)) for seed in SEEDS]
        found[f"{ratio:g}"] = {
            "reads": [evaluation["accuracy"] for _, evaluation in runs],
            "draws": [evaluation["rmse"] for _, evaluation in runs],
            "80 % hidden": [
                read(network, BPC.rule, BY_BOTH[0], image, label, seen)[1] for network, _ in runs
            ],
        }
        print("   ", ratio, found[f"{ratio:g}"], flush=True)
    return found


def longer(chosen: dict[str, tuple]) -> dict[str, Any]:
    """Train four times as long: do the models keep their order?"""
    found = {}
    image, label = pixels(REPORTED_ON)
    seen = masks(len(image))["80 %"]
    for name, config in MODELS.items():
        config = config.replace(epochs=8)
        runs = [trained(config.replace(seed=seed)) for seed in LONG_SEEDS]
        found[name] = {
            "reads": [evaluation["accuracy"] for _, evaluation in runs],
            "draws": [evaluation["rmse"] for _, evaluation in runs],
        }
        if name in chosen:
            found[name]["80 % hidden"] = [
                read(network, config.rule, chosen[name], image, label, seen)[1]
                for network, _ in runs
            ]
        print("   ", name, found[name], flush=True)
    return found


def measure() -> dict[str, Any]:
    """Measure all of it; a list holds one number a seed."""
    means = [
        bpc.class_means(images, labels)
        for images, labels in (
            (data().images, data().labels),
            (data().held_out_images, data().held_out_labels),
        )
    ]
    models = {name: of_model(name, config) for name, config in MODELS.items()}
    both = {name: choose(MODELS[name], "both")["completed"] for name in ("HPC", "BPC", "control")}
    return {
        "settings": {name: config.to_json() for name, config in MODELS.items()},
        "class means of the training images": float(np.sqrt(np.mean((means[0] - means[1]) ** 2))),
        "models": models,
        "dial": dial(),
        "longer": longer(both),
    }
