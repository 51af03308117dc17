"""What bidirectional learning buys, and what bidirectional inference: the figures of chapter 4.

Five models are trained on the same 55,000 images in the same order from the same weights, five seeds each:
the four of the book, and a control whose activities only d moves while both kinds of error teach. Then
images with hidden pixels are read: by a sweep, by settling, and by a sweep after something that settles
nothing has filled them in. Every precision, width and ridge is chosen on some validation images, for each
model and each way by itself, and what is stored is measured on others.

A part of it that is stored is kept while the code in this file that it comes from is the same, docstrings
and comments aside; the file says at which commit each was measured. To measure all again, delete it.
`python benchmarks/bidirectional.py PART ...` measures the parts that it names, and keeps all others.
Networks, and parts of a run that was broken off, are kept in a temporary folder, by the package's code too.
"""

import ast
import hashlib
import inspect
import json
import sys
import tempfile
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from typing import Any

import jax
import numpy as np
import run as benchmarks
from scipy.ndimage import gaussian_filter

import bpc_minimal as bpc
from bpc_minimal.curvature import curvatures, spectral_norms

PACKAGE = Path(bpc.__file__).parent
STORED = PACKAGE / "measured" / "bidirectional.json"
METHOD = "config curvature energy inference learning network training".split()
SEEDS, CHOOSING_SEEDS = range(5), range(2)
STEPS = 200  # of settling at test time, at a rate of 1
CHOSEN_ON, REPORTED_ON = slice(0, 250), slice(2500, 3500)  # of the 5,000 validation images

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
BOTH_TEACH = "HPC", "BPC", "control"
# alpha_gen of the hidden layers over alpha_disc; that of the image is a tenth of it, as in figure 1.
DIAL = "10000", "100", "1", "0.1", "0.01", "0.003", "0.001", "0.0001"
# The ends: HPC with BPC's inputs of the amortiser; alpha_disc turned, as Adam's epsilon is not below all.
SETTLED_INPUTS = bpc.Rule(moves=(1, 0), teaches=(1, 1))
ENDS = {
    "HPC, amortiser on settled inputs": MODELS["HPC"].replace(rule=SETTLED_INPUTS),
    "BPC at 1e-6": BPC.replace(alpha_disc=3e3),
}

ONES = ((1.0, 1.0, 1.0), (1.0, 1.0, 1.0))
BY_E = [((1.0, 1.0, g), (0.0, 0.0, 0.0)) for g in (10.0, 1.0, 0.1, 0.01)]
BY_BOTH = [
    ((1.0, 1.0, g), (c, c, c)) for g in (1.0, 0.1) for c in (30.0, 10.0, 3.0, 1.0, 0.1, 0.01)
]
BY_BOTH += [((1.0, 1.0, 0.01), (c, c, c)) for c in (30.0, 10.0, 3.0, 1.0)]
BY_BOTH += [((3.0, 3.0, 1.0), (1.0, 1.0, 0.1)), ((1.0, 1.0, 1.0), (0.1, 1.0, 1.0))]
WAYS = {"e": BY_E, "both": BY_BOTH}  # d alone leaves a sweep as it is
SIGMAS, RIDGES = (0.5, 0.7, 1.0, 1.5, 2.0), (1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0)


# -- images and networks ------------------------------------------------------------------------------------


@cache
def data() -> bpc.Data:
    """Load MNIST with the last 5,000 training images held out."""
    return bpc.mnist("validation")


def pixels(part: slice) -> tuple[jax.Array, np.ndarray]:
    """Give some validation images, normalised, and their labels."""
    held = data()
    return bpc.normalise(held.held_out_images[part]), held.held_out_labels[part]


def masks(count: int) -> dict[str, np.ndarray]:
    """Say which pixels are seen, by what is hidden: (count, 784) each, the same for all models."""
    order = np.random.default_rng(0).random((count, 784))
    seen = {f"{share} %": order >= share / 100 for share in (0, 50, 80, 90)}
    return seen | {"lower half": np.broadcast_to(np.arange(784) < 392, (count, 784))}


def hiding(count: int) -> dict[str, np.ndarray]:
    """Give the masks that hide something."""
    return {what: seen for what, seen in masks(count).items() if what != "0 %"}


def in_between(what: str, ending: str) -> Path:
    """Name a file in the temporary folder, of this and of the package's code."""
    code = b"".join((PACKAGE / f"{module}.py").read_bytes() for module in METHOD)
    folder = Path(tempfile.gettempdir()) / "bpc-bidirectional"
    folder.mkdir(exist_ok=True)
    return folder / f"{digest(what.encode() + code)}.{ending}"


@cache
def trained(config: bpc.Config) -> tuple[bpc.Network, dict[str, float]]:
    """Train on all but the validation images, or load it; give the network and its last evaluation."""
    path = in_between(config.to_json(), "bpc")
    if not path.exists():
        checkpoints: list[bpc.Checkpoint] = []
        bpc.fit(config, data(), on_epoch=checkpoints.append)
        bpc.save(path, checkpoints[-1])  # whole or not at all: another run may be looking for it
    kept = bpc.load(path)
    return kept.network, kept.history.evaluations[-1]


def of_seeds(config: bpc.Config) -> list[bpc.Network]:
    """Give the networks of all seeds."""
    return [trained(config.replace(seed=seed))[0] for seed in SEEDS]


def evaluated(config: bpc.Config) -> dict[str, list[float]]:
    """Give how well the networks of all seeds read by a sweep, in percent, and draw: RMSE to class means."""
    runs = [trained(config.replace(seed=seed))[1] for seed in SEEDS]
    return {
        "reads": [run["accuracy"] for run in runs],
        "draws": [run["rmse"] for run in runs],
    }


# -- ways to read -------------------------------------------------------------------------------------------


def percent(answers, label) -> float:
    """Give the accuracy of activities of the label neurons."""
    return float(100 * np.mean(answers.argmax(axis=1) == label))


def swept(network, image, label) -> float:
    """Give the accuracy of a sweep alone."""
    return percent(bpc.sweep_up(network, image)[0], label)


def settled(network, rule, precisions, image, seen) -> list[jax.Array]:
    """Settle with the hidden pixels and the label free."""
    gen, disc = precisions
    start = bpc.sweep_up(network, image * seen)
    if rule == bpc.GENERATIVE:
        blank = np.full((len(image), 10), 0.1, np.float32)
        start = [*bpc.sweep_down(network, blank)[:-1], image * seen]
    clamped = [False] * network.depth + [seen]
    options = {"steps": STEPS, "step_size": 1.0, "alpha_gen": gen, "alpha_disc": disc}
    return bpc.infer(network, start, clamped, **options)


def read(network, rule, precisions, image, label, seen) -> tuple[float, float]:
    """Give the accuracy, in percent, of two answers after settling.

    Returns:
        settled: of the label that settled.
        completed: of a sweep up from the completed image.
    """
    z = settled(network, rule, precisions, image, seen)
    return percent(z[0], label), swept(network, z[-1], label)


@cache
def choose(config: bpc.Config, way: str, seen: tuple[str, ...]) -> dict[str, tuple]:
    """Give the precisions with the best mean accuracy over masks, for each of `read`'s two answers."""
    image, label = pixels(CHOSEN_ON)
    networks = [trained(config.replace(seed=seed))[0] for seed in CHOOSING_SEEDS]
    scores = [
        np.mean(
            [
                read(network, config.rule, each, image, label, masks(len(image))[what])
                for network in networks
                for what in seen
            ],
            axis=0,
        )
        for each in WAYS[way]
    ]
    best = np.argmax(scores, axis=0)
    return {name: WAYS[way][i] for name, i in zip(("settled", "completed"), best, strict=True)}


def blurred(image, seen, sigma: float) -> np.ndarray:
    """Fill hidden pixels with the mean of the seen ones around, weighed by a Gaussian; nothing is learnt."""
    square = [np.reshape(part, (-1, 28, 28)).astype(float) for part in (image * seen, seen)]
    total, weight = (gaussian_filter(part, (0, sigma, sigma), truncate=8.0) for part in square)
    mean = np.divide(total, weight, out=np.zeros_like(total), where=weight > 1e-6)
    return np.where(seen, image, mean.reshape(-1, 784))


@cache
def moments() -> tuple[np.ndarray, np.ndarray]:
    """Fit one Gaussian to the training images: mean and covariance of the normalised pixels."""
    image = np.asarray(bpc.normalise(data().images), float)
    return image.mean(axis=0), np.cov(image.T)


def expected(image, seen, ridge: float) -> np.ndarray:
    """Fill hidden pixels with their mean given the seen ones, of one Gaussian fitted to the training images.

    Args:
        image: normalised pixels.
        seen: True where a pixel is seen.
        ridge: what is added to each pixel's variance.
    """
    mean, covariance = moments()
    filled = np.where(seen, image, 0.0)
    for row, known in zip(filled, np.asarray(seen), strict=True):
        inner = covariance[np.ix_(known, known)] + ridge * np.eye(known.sum())
        weights = np.linalg.solve(inner, row[known] - mean[known])
        row[~known] = mean[~known] + covariance[np.ix_(~known, known)] @ weights
    return filled


COMPLETERS = {"blur": SIGMAS, "Gaussian": RIDGES}


@cache
def filled(name: str, chosen_on: bool, what: str, setting: float) -> np.ndarray:
    """Fill in the images for choosing, or those for reporting, without settling."""
    image, _ = pixels(CHOSEN_ON if chosen_on else REPORTED_ON)
    completer = blurred if name == "blur" else expected
    return completer(np.asarray(image), masks(len(image))[what], setting).astype(np.float32)


# -- parts: each gives the numbers of one row; a list has one a seed ----------------------------------------


def of_model(name: str) -> dict[str, Any]:
    """Measure how a model reads and draws, and reads what is partly hidden by a sweep."""
    config, (image, label) = MODELS[name], pixels(REPORTED_ON)
    networks = of_seeds(config)
    found: dict[str, Any] = evaluated(config)
    found["draws, settled"] = [redrawn(network, config) for network in networks]
    if config.rule.teaches[1]:
        found["swept"] = {  # hidden pixels at the mean pixel, 0
            what: [swept(network, image * seen, label) for network in networks]
            for what, seen in masks(len(image)).items()
        }
    return found


def redrawn(network: bpc.Network, config: bpc.Config) -> float:
    """Give the RMSE of drawings that settle, at the precisions of training, with the image free.

    As `bpc.evaluate` does it for a sweep: what leaves the range of pixels is not clipped.
    """
    options = config.inference() | {"step_size": 1.0}
    drawn = bpc.generate(network, np.arange(10), STEPS, **options)
    drawn = drawn * config.pixel_std + config.pixel_mean
    means = bpc.class_means(data().held_out_images, data().held_out_labels)
    return float(np.sqrt(np.mean((np.asarray(drawn) - means) ** 2)))


def hidden(name: str) -> dict[str, Any]:
    """Measure how a model that has a generator reads hidden pixels by settling."""
    config, (image, label) = MODELS[name], pixels(REPORTED_ON)
    networks, found = of_seeds(config), {}
    has_amortiser = config.rule.teaches[1]
    for way in WAYS if has_amortiser else ("e",):
        chosen, known = choose(config, way, tuple(hiding(1))), {}
        for i, (answer, precisions) in enumerate(chosen.items()):
            if answer == "completed" and not has_amortiser:
                continue
            if precisions not in known:
                known[precisions] = {
                    what: [
                        read(network, config.rule, precisions, image, label, seen)
                        for network in networks
                    ]
                    for what, seen in hiding(len(image)).items()
                }
            found[f"{answer} by {way}"] = {
                what: [both[i] for both in each] for what, each in known[precisions].items()
            } | {"precisions": str(precisions)}
    return found


def whole(name: str) -> dict[str, Any]:
    """Measure the label that settles with every pixel seen; its precisions are chosen for that alone."""
    config, (image, label) = MODELS[name], pixels(REPORTED_ON)
    precisions = choose(config, "both" if config.rule.teaches[1] else "e", ("0 %",))["settled"]
    seen = masks(len(image))["0 %"]
    answers = [
        read(network, config.rule, precisions, image, label, seen)[0]
        for network in of_seeds(config)
    ]
    return {"settled": answers, "precisions": str(precisions)}


def completed(name: str) -> dict[str, Any]:
    """Measure a sweep by a model's amortiser after something that settles nothing filled in the pixels."""
    return completed_by(MODELS[name])


def completed_by(config: bpc.Config) -> dict[str, Any]:
    """Choose a completer's setting for this model, and measure it."""
    label_chosen, label = pixels(CHOSEN_ON)[1], pixels(REPORTED_ON)[1]
    networks, found = of_seeds(config), {}
    for completer, settings in COMPLETERS.items():
        scores = [
            np.mean(
                [
                    swept(networks[seed], filled(completer, True, what, setting), label_chosen)
                    for seed in CHOOSING_SEEDS
                    for what in hiding(1)
                ]
            )
            for setting in settings
        ]
        best = settings[int(np.argmax(scores))]
        found[completer] = {
            what: [
                swept(network, filled(completer, False, what, best), label) for network in networks
            ]
            for what in hiding(1)
        } | {"setting": best}
    return found


def pasted(name: str) -> dict[str, Any]:
    """Measure reading by sweeps alone: up, down from a layer into the hidden pixels, and up again.

    The drawing starts from the label, or from the hidden layer beside the image; once, or ten times.
    """
    image, label = pixels(REPORTED_ON)
    seen = masks(len(image))["80 %"]
    found: dict[str, Any] = {}
    for network in of_seeds(MODELS[name]):
        last = network.depth - 1
        for layer, start in (("label", 0), ("hidden layer", last)):
            shown = image * seen
            for turn in range(1, 11):
                z = bpc.sweep_up(network, shown)[start]
                for l in range(start, network.depth):
                    z = network.f(l, z)
                shown = np.where(seen, image, z)
                if turn in (1, 10):
                    row = found.setdefault(f"from the {layer}, {turn}", [])
                    row.append(swept(network, shown, label))
    return found


def variances(name: str) -> dict[str, list[float]]:
    """Measure the inverse variance of each layer's error, in the states that training teaches from."""
    config, (image, label) = MODELS[name], pixels(REPORTED_ON)
    found: dict[str, list[float]] = {}
    clamped = [True, *[False] * (len(config.sizes) - 2), True]
    for network in of_seeds(config):
        z = [bpc.one_hot(label), *bpc.sweep_up(network, image)[1:]]
        z = bpc.infer(network, z, clamped, **config.inference(), steps=config.steps)
        e, d = bpc.errors(network, z)
        named = {f"e{l}": e[l] for l in range(1, len(e))} | {
            f"d{l}": d[l] for l in range(len(d) - 1)
        }
        for error, values in named.items():
            found.setdefault(error, []).append(float(1 / np.mean(np.square(values))))
    return found


def of_ratio(ratio: str) -> dict[str, Any]:
    """Turn the ratio of the precisions in training: the way from HPC by BPC to the control."""
    image, label = pixels(REPORTED_ON)
    seen = masks(len(image))["80 %"]
    larger = max(1.0, float(ratio))
    gen = tuple(float(ratio) / larger * share for share in (1.0, 1.0, 0.1))
    config = BPC.replace(alpha_gen=gen, alpha_disc=1 / larger)
    answers = [read(network, BPC.rule, ONES, image, label, seen)[1] for network in of_seeds(config)]
    return evaluated(config) | {"80 % hidden": answers}


def with_16_steps(name: str) -> dict[str, Any]:
    """Train with 16 steps of inference in place of 4: is a difference one of convergence?"""
    return evaluated(MODELS[name].replace(steps=16))


def end(name: str) -> dict[str, Any]:
    """Train what an end of the dial should be."""
    return evaluated(ENDS[name])


def longer(name: str) -> dict[str, Any]:
    """Train four times as long: do the models keep their order, and settling its gain?

    The precisions are those that were chosen for the networks of two epochs.
    """
    config, (image, label) = MODELS[name].replace(epochs=8), pixels(REPORTED_ON)
    precisions = choose(MODELS[name], "both", tuple(hiding(1)))["completed"]
    seen, networks = masks(len(image))["80 %"], of_seeds(config)
    answers = [
        read(network, config.rule, precisions, image, label, seen)[1] for network in networks
    ]
    otherwise = {name: each["80 %"] for name, each in completed_by(config).items()}
    return evaluated(config) | {
        "80 %, swept": [swept(network, image * seen, label) for network in networks],
        "80 %, settled": answers,
        "precisions": str(precisions),
        "80 %, completed": otherwise,
    }


@jax.jit
def settle_together(drawing, reading, gen, disc, image, seen) -> tuple[jax.Array, jax.Array]:
    """Let the sum of two energies descend: one label and one image, hidden layers for each network.

    It starts from discPC's sweep, and genPC's hidden layers from a blank label, as where it settles alone.
    """
    none = (0.0, 0.0, 0.0)
    of_drawing = curvatures(drawing, gen, none, spectral_norms(drawing))
    of_reading = curvatures(reading, none, disc, spectral_norms(reading))
    at_label, at_image = (of_drawing[l] + of_reading[l] for l in (0, -1))
    blank = jax.numpy.full((len(image), 10), 0.1)
    up, down = bpc.sweep_up(reading, image * seen), bpc.sweep_down(drawing, blank)

    def step(state, _):
        label, shown, inner, outer = state
        by_e = bpc.activity_gradient(drawing, [label, *inner, shown], gen, none)
        by_d = bpc.activity_gradient(reading, [label, *outer, shown], none, disc)
        label = label - (by_e[0] + by_d[0]) / at_label
        shown = jax.numpy.where(seen, image, shown - (by_e[-1] + by_d[-1]) / at_image)
        inner = [z - g / c for z, g, c in zip(inner, by_e[1:-1], of_drawing[1:-1], strict=True)]
        outer = [z - g / c for z, g, c in zip(outer, by_d[1:-1], of_reading[1:-1], strict=True)]
        return (label, shown, inner, outer), None

    start = up[0], image * seen, down[1:-1], up[1:-1]
    (label, shown, _, _), _ = jax.lax.scan(step, start, length=STEPS)
    return label, shown


def together(pair, precisions, image, seen) -> list[np.ndarray]:
    """Let both settle together, and discPC sweep up from the completed image: the label, and discPC's."""
    label, shown = settle_together(*pair, *precisions, image, seen)
    return [label, bpc.sweep_up(pair[1], shown)[0]]


# Networks that do all the jobs together: one, or a drawing and a reading one that share label and image. A
# slim pair has BPC's number of neurons, and so less than half of its weights; a wide one has as many weights.
SLIM = (10, 64, 64, 784)
RIVALS = {
    "BPC": (BPC,),
    "control": (MODELS["control"],),
    "wide pair": (MODELS["genPC"], MODELS["discPC"]),
    "slim pair": (MODELS["genPC"].replace(sizes=SLIM), MODELS["discPC"].replace(sizes=SLIM)),
}


def answers_of(networks, precisions, image, seen) -> list[np.ndarray]:
    """Let one network settle, or a pair together: the label, and a sweep's from the completed image."""
    if len(networks) == 2:
        return together(networks, precisions, image, seen)
    z = settled(networks[0], BPC.rule, precisions, image, seen)
    return [z[0], bpc.sweep_up(networks[0], z[-1])[0]]


def reads_holes(configs, precisions, images, seeds) -> dict[str, list[list[float]]]:
    """Give the accuracy of both answers, in percent, by what is hidden and by seed."""
    image, label = images
    rivals = [[trained(each.replace(seed=seed))[0] for each in configs] for seed in seeds]
    return {
        what: [
            [
                percent(np.asarray(each), label)
                for each in answers_of(rival, precisions, image, seen)
            ]
            for rival in rivals
        ]
        for what, seen in hiding(len(image)).items()
    }


def scores_of(configs, precisions) -> np.ndarray:
    """Give the mean of both answers' accuracies over masks, on the images for choosing."""
    found = reads_holes(configs, precisions, pixels(CHOSEN_ON), CHOOSING_SEEDS)
    return np.mean([*found.values()], axis=(0, 1))


def at_best_precisions(configs) -> dict[str, Any]:
    """Measure reading of whole images by a sweep, drawing, and both answers at precisions chosen for each."""
    found: dict[str, Any] = {
        "reads": evaluated(configs[-1])["reads"],
        "draws": evaluated(configs[0])["draws"],
    }
    scores = [scores_of(configs, each) for each in BY_BOTH]
    for i, best in enumerate(np.argmax(scores, axis=0)):
        read_by = reads_holes(configs, BY_BOTH[best], pixels(REPORTED_ON), SEEDS)
        found[("settled", "completed")[i]] = {
            what: [both[i] for both in each] for what, each in read_by.items()
        } | {"precisions": str(BY_BOTH[best])}
    return found


# What no rival chose for itself above: weight decay, and the length of training.
DECAYS, LENGTHS = (0.1, 0.3, 1.0, 3.0), (2, 8)
PROBES = [BY_BOTH[i] for i in (2, 3, 5, 11)]  # those chosen most often above
TRAININGS = {
    f"{name}, decay {decay}, {epochs} epochs": tuple(
        each.replace(weight_decay=decay, epochs=epochs) for each in RIVALS[name]
    )
    for name in RIVALS
    for decay in DECAYS
    for epochs in LENGTHS
}


def of_training(name: str) -> dict[str, float]:
    """Give how well a rival reads hidden pixels after one way to train it, on the images for choosing."""
    scores = [scores_of(TRAININGS[name], each) for each in PROBES]
    return dict(zip(("settled", "completed"), np.max(scores, axis=0).tolist(), strict=True))


TEST_IMAGES = 1_000  # the first of the test set


def tuned(name: str) -> dict[str, Any]:
    """Measure a rival after the training with which it reads hidden pixels best; on test images too."""
    scores = {
        training: max(once(of_training, training).values())
        for training in TRAININGS
        if training.startswith(f"{name},")
    }
    best = max(scores, key=lambda training: scores[training])
    configs = TRAININGS[best]
    found = {"training": best} | at_best_precisions(configs)
    test = bpc.mnist()
    images = (
        bpc.normalise(test.held_out_images[:TEST_IMAGES]),
        test.held_out_labels[:TEST_IMAGES],
    )
    for i, answer in enumerate(("settled", "completed")):
        chosen = ast.literal_eval(found[answer]["precisions"])
        read_by = reads_holes(configs, chosen, images, SEEDS)
        found[f"{answer}, test set"] = {
            what: [both[i] for both in each] for what, each in read_by.items()
        }
    return found


RANK = 64  # of what a second Gaussian knows of covariances: a fifth of BPC's weights


@cache
def thin_moments() -> tuple[np.ndarray, np.ndarray]:
    """Give mean and covariance of a Gaussian that varies along 64 directions, and along others by noise."""
    mean, covariance = moments()
    values, vectors = np.linalg.eigh(covariance)
    noise, top = values[:-RANK].mean(), vectors[:, -RANK:]
    return mean, noise * np.eye(784) + (top * (values[-RANK:] - noise)) @ top.T


@cache
def thinly_filled(chosen_on: bool, what: str) -> np.ndarray:
    """Fill hidden pixels with their mean given the seen ones, of that Gaussian; nothing is to be chosen."""
    image, _ = pixels(CHOSEN_ON if chosen_on else REPORTED_ON)
    mean, covariance = thin_moments()
    seen = masks(len(image))[what]
    done = np.where(seen, image, 0.0)
    for row, known in zip(done, np.asarray(seen), strict=True):
        weights = np.linalg.solve(covariance[np.ix_(known, known)], row[known] - mean[known])
        row[~known] = mean[~known] + covariance[np.ix_(~known, known)] @ weights
    return done.astype(np.float32)


def thin(name: str) -> dict[str, Any]:
    """Measure a sweep after a Gaussian of 51,000 numbers filled in the pixels, in place of 308,000."""
    label = pixels(REPORTED_ON)[1]
    return {
        what: [
            swept(network, thinly_filled(False, what), label) for network in of_seeds(MODELS[name])
        ]
        for what in hiding(1)
    }


# Of genPC's and HPC's precisions only ratios count: those of the layers 1, 2 and 3.
RATIOS = [(1.0, 1.0, 1.0), (1.0, 1.0, 0.1), (1.0, 1.0, 0.01), (1.0, 0.1, 0.1), (1.0, 0.1, 0.01)]


def at_ratio(ratio: str) -> dict[str, Any]:
    """Train HPC at another ratio of its layers' precisions: how much of its drawing is a matter of that?"""
    return evaluated(MODELS["HPC"].replace(alpha_gen=ast.literal_eval(ratio)))


# The Gaussian beside networks after the training that each chose: no number added to its variances is the
# least or the largest that is tried.
MORE_RIDGES = tuple(10.0**power for power in range(-7, 1))


def as_stored(name: str) -> dict[str, Any]:
    """Give what `tuned` stored of a rival."""
    return json.loads(STORED.read_text("utf-8"))["results"]["tuned"][name]


@cache
def test_pixels() -> tuple[jax.Array, np.ndarray]:
    """Give the test images that are read, normalised, and their labels."""
    test = bpc.mnist()
    images, labels = test.held_out_images[:TEST_IMAGES], test.held_out_labels[:TEST_IMAGES]
    return bpc.normalise(images), labels


@cache
def test_filled(what: str, ridge: float) -> np.ndarray:
    """Fill in the test images by the Gaussian."""
    image = np.asarray(test_pixels()[0])
    return expected(image, masks(len(image))[what], ridge).astype(np.float32)


def readers(name: str) -> list[bpc.Config]:
    """Give the trainings to choose from: BPC's own, with which it settles best, or all of discPC's."""
    if name == "BPC":
        return [TRAININGS[as_stored("BPC")["training"]][-1]]
    return [
        MODELS[name].replace(weight_decay=decay, epochs=epochs)
        for epochs in LENGTHS
        for decay in DECAYS
    ]


@cache
def best_after_gaussian(name: str) -> tuple[bpc.Config, float]:
    """Choose a training and a ridge by the holes that are read, on the images for choosing."""
    label = pixels(CHOSEN_ON)[1]
    scores = {}
    for config in readers(name):
        networks = [trained(config.replace(seed=seed))[0] for seed in CHOOSING_SEEDS]
        for ridge in MORE_RIDGES:
            scores[config, ridge] = np.mean(
                [
                    swept(network, filled("Gaussian", True, what, ridge), label)
                    for network in networks
                    for what in hiding(1)
                ]
            )
    return max(scores, key=lambda setting: scores[setting])


def after_gaussian(name: str) -> dict[str, Any]:
    """Measure a sweep after the Gaussian filled in the pixels, on test images too."""
    config, ridge = best_after_gaussian(name)
    networks = of_seeds(config)
    found: dict[str, Any] = {
        "training": f"decay {config.weight_decay}, {config.epochs} epochs",
        "setting": ridge,
        "reads": evaluated(config)["reads"],
    }
    for part, label, fill in (
        ("swept", pixels(REPORTED_ON)[1], lambda what: filled("Gaussian", False, what, ridge)),
        ("swept, test set", test_pixels()[1], lambda what: test_filled(what, ridge)),
    ):
        found[part] = {
            what: [swept(network, fill(what), label) for network in networks] for what in hiding(1)
        }
    return found


@cache
def right_on_test(name: str, what: str) -> np.ndarray:
    """Say which test images are read right, by seed: by the answer that reads more validation images."""
    image, label = test_pixels()
    seen = masks(len(image))[what]
    if name.startswith("Gaussian, "):
        config, ridge = best_after_gaussian(name.removeprefix("Gaussian, "))
        answers = [bpc.sweep_up(each, test_filled(what, ridge))[0] for each in of_seeds(config)]
    else:
        kept = as_stored(name)
        answer = max(("settled", "completed"), key=lambda each: kept[each][what]["mean"])
        precisions = ast.literal_eval(kept[answer]["precisions"])
        rivals = zip(*(of_seeds(config) for config in TRAININGS[kept["training"]]), strict=True)
        which = ("settled", "completed").index(answer)
        answers = [answers_of(rival, precisions, image, seen)[which] for rival in rivals]
    return np.array([np.asarray(each).argmax(axis=1) == label for each in answers])


def leads(name: str) -> dict[str, Any]:
    """Measure BPC's lead over a rival on test images, in points, and how uncertain seeds and images leave it.

    Both are drawn anew, with replacement: networks are paired by seeds, answers by images.
    """
    random, found = np.random.default_rng(0), {}
    for what in hiding(1):
        points = 100.0 * right_on_test("BPC", what) - 100.0 * right_on_test(name, what)
        again = [
            points[np.ix_(*(random.integers(n, size=n) for n in points.shape))].mean()
            for _ in range(2_000)
        ]
        found[what] = {
            "points": points.mean(axis=1).tolist(),
            "standard error": round(float(np.std(again)), 3),
        }
    return found


PARTS: dict[str, tuple[Callable[[str], dict[str, Any]], Iterable[str]]] = {
    "models": (of_model, MODELS),
    "completers": (completed, BOTH_TEACH),
    "pasted": (pasted, BOTH_TEACH),
    "variances": (variances, ("BPC", "control")),
    "ends": (end, ENDS),
    "16 steps": (with_16_steps, BOTH_TEACH),
    "whole": (whole, ("genPC", *BOTH_TEACH)),
    "hidden": (hidden, ("genPC", *BOTH_TEACH)),
    "dial": (of_ratio, DIAL),
    "longer": (longer, BOTH_TEACH),
    "trainings": (of_training, TRAININGS),
    "tuned": (tuned, RIVALS),
    "thin": (thin, BOTH_TEACH),
    "HPC's ratio": (at_ratio, [str(each) for each in RATIOS]),
    "after Gaussian": (after_gaussian, ("BPC", "discPC")),
    "leads": (leads, ("control", "wide pair", "slim pair", "Gaussian, BPC", "Gaussian, discPC")),
}


# -- what is stored is kept while its code is the same ------------------------------------------------------


def digest(content: bytes) -> str:
    """Name some bytes."""
    return hashlib.sha256(content).hexdigest()[:16]


def code_of(function: Callable) -> str:
    """Name the code of a function, and of all in this file that it uses: the same name, the same numbers."""
    found: dict[str, str] = {}
    waiting = [function.__name__]
    while waiting:
        name = waiting.pop()
        value = globals().get(name)
        if name in found or value is None or inspect.ismodule(value) or isinstance(value, Path):
            continue
        if not callable(value):
            found[name] = repr(value)
            continue
        if value.__module__ != __name__:
            continue  # of another file
        tree = ast.parse(inspect.getsource(inspect.unwrap(value)))
        (definition,) = tree.body
        if isinstance(definition, ast.FunctionDef) and ast.get_docstring(definition):
            del definition.body[0]
        found[name] = ast.unparse(tree)
        waiting += sorted({node.id for node in ast.walk(tree) if isinstance(node, ast.Name)})
    return digest(json.dumps(found, sort_keys=True).encode())


def once(function: Callable[[str], dict[str, Any]], name: str) -> dict[str, Any]:
    """Measure a part, unless a run that was broken off has."""
    path = in_between(f"{code_of(function)} {name}", "json")
    if not path.exists():
        path.write_text(json.dumps(function(name)))
    return json.loads(path.read_text())


def measure(only: Iterable[str] = ()) -> dict[str, Any]:
    """Measure what is not stored yet, or was measured by other code; with `only`, nothing but these parts."""
    before = json.loads(STORED.read_text("utf-8"))["results"] if STORED.exists() else {}
    commit = benchmarks.commit()
    means = [
        bpc.class_means(images, labels)
        for images, labels in (
            (data().images, data().labels),
            (data().held_out_images, data().held_out_labels),
        )
    ]
    found: dict[str, Any] = {
        "settings": {name: config.to_json() for name, config in MODELS.items()},
        "class means of the training images": float(np.sqrt(np.mean((means[0] - means[1]) ** 2))),
    }
    measured: dict[str, Any] = {}
    for part, (function, names) in PARTS.items():
        if only and part not in only and part not in before:
            continue
        code, found[part], measured[part] = code_of(function), {}, {}
        for name in names:
            last = before.get("measured", {}).get(part, {}).get(name)
            kept = last is not None and (last["code"] == code or (bool(only) and part not in only))
            found[part][name] = before[part][name] if kept else once(function, name)
            measured[part][name] = last if kept else {"commit": commit, "code": code}
            print("   ", part, name, "kept" if kept else found[part][name], flush=True)
    return found | {"measured": measured}


def main() -> None:
    """Measure the parts that are named, and store them beside the others."""
    parts = sys.argv[1:]
    if not parts or not {*parts} <= {*PARTS}:
        raise SystemExit(f"name parts to measure: {', '.join(PARTS)}")
    results = benchmarks._with_spread(measure(parts))
    content = json.dumps({"machine": benchmarks.machine(), "results": results}, indent=1)
    STORED.write_text(content + "\n")
    benchmarks.write_table()


if __name__ == "__main__":
    main()
