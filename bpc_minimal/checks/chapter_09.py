"""The exercises of chapter 9, without labels: what decays, is named, fades, and is drawn."""

import jax.numpy as jnp
import numpy as np

import bpc_minimal as bpc
from bpc_minimal.checks.core import exercise


@exercise(
    "at_rest(x, v, alpha, decay)",
    goal="say how far a decay holds a free top back",
    minutes=10,
    cases=[(1.5, 0.8, 2.0, 0.3), (-0.7, 1.6, 0.5, 0.1), (2.0, -0.4, 1.5, 0.9)],
    why="the pull of the image and the pull of the decay are equal there.",
    hint="Differentiate by s, put the slope at zero, and solve for s.",
    rtol=1e-4,
)
def exercise_1(x, v, alpha, decay):
    """Rest where the image pulls as much as the decay."""
    right = alpha * v * x / (alpha * v**2 + decay)
    return right, {
        "the decay is forgotten: this is where the error is zero": x / v,
        "the error goes through v twice, once in the pull and once in the curvature": alpha
        * v
        * x
        / (alpha * v + decay),
        "the precision is missing above: it weighs the pull, too": v * x / (alpha * v**2 + decay),
        "the precision is missing below: it weighs the curvature, too": alpha
        * v
        * x
        / (v**2 + decay),
        "the precision is forgotten": v * x / (v**2 + decay),
        "this is what the resting top draws; the top is asked for": v * right,
        "the pull of the image goes through v": alpha * x / (alpha * v**2 + decay),
        "the curvature of the image's error goes with v's square": alpha * v * x / (alpha + decay),
        "the decay has the wrong sign: it pulls to zero": alpha * v * x / (alpha * v**2 - decay),
        "this is the pull at zero, not where it rests": alpha * v * x,
        "the sign is wrong": -right,
        "the decay counts once: differentiating takes the half away": alpha
        * v
        * x
        / (alpha * v**2 + 2 * decay),
        "the half goes when the decay is differentiated": alpha
        * v
        * x
        / (alpha * v**2 + decay / 2),
        "this is the error that is left; the top is asked for": x - v * right,
        "this is how far the decay holds it back; where it rests is asked for": x / v - right,
    }


def answers_of(rng):
    """Draw label units, as many as an image has, and margins."""
    for margin, size in ((0.3, 0.4), (0.5, 0.4), (0.15, 0.4), (0.3, 1.5)):
        yield np.float32(size * rng.normal(size=(200, 10))), margin
    yield np.float32(np.round(3 * rng.normal(size=(200, 10))) / 4), 0.5  # some lead by just that


@exercise(
    "names(read, margin)",
    goal="let a network name what it is sure of",
    minutes=10,
    cases=answers_of,
    why="what is named is learnt as if it were true, so that the doubtful is left alone.",
    hint="Sort each row: how far is the last number above the one before?",
)
def exercise_2(read, margin):
    """Name each row whose largest unit leads by more than a margin."""
    order, best = np.sort(read, axis=1), read.argmax(axis=1)
    lead = order[:, -1] - order[:, -2]
    right = np.where(lead > margin, best, -1)
    share = np.exp(order) / np.exp(order).sum(axis=1, keepdims=True)
    return right, {
        "this is the lead after a softmax; that of the units themselves is asked for": np.where(
            share[:, -1] - share[:, -2] > margin, best, -1
        ),
        "this asks how large the largest unit is; how far it leads is asked for": np.where(
            order[:, -1] > margin, best, -1
        ),
        "sure and unsure are exchanged": np.where(lead > margin, -1, best),
        "every image is named here, the doubtful too": best,
        "who leads by just the margin does not lead by more": np.where(lead >= margin, best, -1),
        "none is named": np.full(len(read), -1),
        "an unsure image is -1; 0 is a digit": np.where(lead > margin, best, 0),
        "this says which are named, not what": lead > margin,
        "this is the smallest unit; the largest names": np.where(
            lead > margin, read.argmin(axis=1), -1
        ),
        "this leads the mean of all units; the second largest is asked for": np.where(
            order[:, -1] - read.mean(axis=1) > margin, best, -1
        ),
        "this leads the smallest unit; the second largest is asked for": np.where(
            order[:, -1] - order[:, 0] > margin, best, -1
        ),
        "digits count from 0": np.where(lead > margin, best + 1, -1),
        "this is the second largest unit; the largest names": np.where(
            lead > margin, read.argsort(axis=1)[:, -2], -1
        ),
        "this is the lead of the first unit over the next: sort the row": np.where(
            read[:, 0] - read[:, 1] > margin, best, -1
        ),
        "this is the lead of the last unit over the one before: sort the row": np.where(
            read[:, -1] - read[:, -2] > margin, best, -1
        ),
        "this leads the third; the second largest is asked for": np.where(
            order[:, -1] - order[:, -3] > margin, best, -1
        ),
        "this is the lead; a digit is asked for": lead,
        "this compares squares; the units themselves are asked for": np.where(
            order[:, -1] ** 2 - order[:, -2] ** 2 > margin, best, -1
        ),
    }


def readings(rng):
    """Draw label units of which the right one is mostly large, labels and margins."""
    for margin in (0.3, 0.6):
        truth = rng.integers(0, 10, 300)
        yield np.float32(np.eye(10)[truth] + 0.45 * rng.normal(size=(300, 10))), truth, margin


@exercise(
    "named_right(read, truth, margin)",
    goal="measure whether a network may be believed",
    minutes=15,
    cases=readings,
    why="a larger margin names fewer, and errs less where it does: both numbers are needed.",
    hint="Which rows lead by more than the margin? Count them; then count the right ones among them.",
    rtol=1e-4,
)
def exercise_3(read, truth, margin):
    """Count what is named, and what of that is right."""

    def pair(named, right):
        return [100 * float(np.mean(named)), 100 * float(np.mean(right[named]))]

    order, right = np.sort(read, axis=1), read.argmax(axis=1) == truth
    named = order[:, -1] - order[:, -2] > margin
    a, b = pair(named, right)
    return [a, b], {
        "these are shares: percent are asked for": [a / 100, b / 100],
        "these are counts: percent are asked for": [
            float(named.sum()),
            float((named & right).sum()),
        ],
        "the second is of all images; of the named ones is asked for": [
            a,
            100 * float(np.mean(named & right)),
        ],
        "the second does not look at what is named": [a, 100 * float(np.mean(right))],
        "the second is of those that are not named": [a, 100 * float(np.mean(right[~named]))],
        "the two are exchanged": [b, a],
        "the first is what is not named": [100 - a, b],
        "the second is what is wrong; what is right is asked for": [a, 100 - b],
        "this asks how large the largest unit is; how far it leads is asked for": pair(
            order[:, -1] > margin, right
        ),
        "this names every image": [100.0, 100 * float(np.mean(right))],
        "the first is what is named and right; what is named is asked for": [
            100 * float(np.mean(named & right)),
            b,
        ],
        "this is how many of the right ones are named": [
            a,
            100 * float(np.mean(named[right])),
        ],
        "this leads the third; the second largest is asked for": pair(
            order[:, -1] - order[:, -3] > margin, right
        ),
    }


@exercise(
    "faded(w, noise, turns)",
    goal="break learning: let a network learn from its own noisy sight",
    minutes=15,
    cases=[(1.3, 0.5, 4), (-0.8, 0.9, 3), (2.0, 0.3, 7)],
    why="each turn explains a share of its own answer, and the next turn a share of that.",
    hint="What is the best weight from x + noise to w x? The mean of their product over that of a square.",
    rtol=1e-4,
)
def exercise_4(w, noise, turns):
    """Fade as a teacher who learns from himself."""
    kept = 1 / (1 + noise**2)
    right = w * kept**turns
    return right, {
        "one turn too few": w * kept ** (turns - 1),
        "one turn too many": w * kept ** (turns + 1),
        "this is one turn; each fades the last": w * kept,
        "noise is a standard deviation: its square is the variance": w / (1 + noise) ** turns,
        "this takes away the noise's variance; it divides": w * (1 - noise**2) ** turns,
        "nothing fades here": w,
        "each turn multiplies; this adds the turns up": w / (1 + turns * noise**2),
        "this is the root; the best weight is the signal's variance over the whole": w
        * kept ** (turns / 2),
        "it grows here; noise makes the best weight smaller": w / kept**turns,
        "this is what was lost; what is left is asked for": w - right,
        "this is the share that is left; the weight is asked for": kept**turns,
        "this is for small noise only": w * np.exp(-turns * noise**2),
        "this is the share that noise has, not that of x": w * (1 - kept) ** turns,
        "the sign stays": -right,
        "the weight itself is faded, not raised to a power": w ** (turns + 1) * kept**turns,
    }


def tops(rng):
    """Draw activities that tell classes apart a little, and counts."""
    centres = rng.normal(size=(10, 30))
    for counts in ([30, 60, 200], [40, 80, 150, 300]):
        label, truth = rng.integers(0, 10, 900), rng.integers(0, 10, 400)
        top, asked = (
            np.float32(centres[of] + 2.0 * rng.normal(size=(len(of), 30)) + 0.5)
            for of in (label, truth)
        )
        yield top, label, asked, truth, counts, 1e-2


def probed(top, label, asked, ridge):
    """Give the answers of the chapter's probe."""
    top, asked = (np.c_[np.asarray(x, float), np.ones(len(x))] for x in (top, asked))
    square = top.T @ top
    square += ridge * np.trace(square) / len(square) * np.eye(len(square))
    return (asked @ np.linalg.solve(square, top.T @ np.eye(10)[label])).argmax(axis=1)


@exercise(
    "by_count(top, label, asked, truth, counts, ridge)",
    goal="draw what a representation saves of labels",
    minutes=30,
    cases=tops,
    why="a probe is only as good as its ridge: give each its own before you compare.",
    hint="For each count, let the probe learn from the first so many rows, and ask it all of `asked`.",
    rtol=0.01,
    atol=0.4,
)
def exercise_5(top, label, asked, truth, counts, ridge):
    """Read with probes that learn from more and more labels."""

    def percent(answers, labels):
        return 100 * float(np.mean(answers == labels))

    def each(rows):
        return [percent(probed(top[rows(n)], label[rows(n)], asked, ridge), truth) for n in counts]

    right = each(slice)
    return right, {
        "these are shares: percent are asked for": [x / 100 for x in right],
        "these are counts: percent are asked for": [x * len(truth) / 100 for x in right],
        "this is what is wrong; what is right is asked for": [100 - x for x in right],
        "every probe learns from all rows; each from its own count": each(lambda n: slice(None)),
        "these are the last rows; the first are asked for": each(lambda n: slice(-n, None)),
        "the probe reads what it learnt from; `asked` is what it did not see": [
            percent(probed(top[:n], label[:n], top[:n], ridge), label[:n]) for n in counts
        ],
        "this reads all rows of `top`; `asked` is what it did not see": [
            percent(probed(top[:n], label[:n], top, ridge), label) for n in counts
        ],
        "the order of the counts is turned round": right[::-1],
        "the last count is used for all": [right[-1]] * len(counts),
        "the first count is used for all": [right[0]] * len(counts),
        "this is only what each count gains over the first": [x - right[0] for x in right],
        "the labels are those of other rows: take the first of both": [
            percent(probed(top[:n], label[-n:], asked, ridge), truth) for n in counts
        ],
        "these are activities without a constant: the chapter's probe adds a column of ones": [
            percent(without_constant(top[:n], label[:n], asked, ridge), truth) for n in counts
        ],
    }


def without_constant(top, label, asked, ridge):
    """Leave the column of ones out."""
    square = top.T @ top
    square = square + ridge * np.trace(square) / len(square) * np.eye(len(square))
    weights = np.linalg.solve(square, top.T @ np.asarray(bpc.one_hot(jnp.asarray(label))))
    return (asked @ weights).argmax(axis=1)


def crowds(rng):
    """Draw activities that vary together around a mean, standard normal noise, and how far to widen."""
    for count, units, wide in ((2000, 6, 1.5), (1500, 5, 0.6), (2500, 7, 2.2)):
        mixed = rng.normal(size=(count, units)) @ rng.normal(size=(units, units))
        top = np.float32(1.5 * rng.normal(size=units) + mixed)
        yield top, np.float32(rng.normal(size=(12, units))), wide


@exercise(
    "draw_tops(top, noise, wide)",
    goal="draw images from a top that nobody labelled, and say what a wrong spread does to them",
    minutes=20,
    cases=crowds,
    why="around the mean, units vary together as the rows do, only so many times as far.",
    hint="A row is the mean of the rows of `top`, plus `wide` times L times a row of `noise`.",
    rtol=0.01,
    atol=0.01,
)
def exercise_6(top, noise, wide):
    """Draw from a Gaussian that is fitted to rows, and widened."""
    top, noise = np.asarray(top, float), np.asarray(noise, float)
    mean, C = top.mean(axis=0), np.cov(top, rowvar=False)
    L, deviation = np.linalg.cholesky(C), np.sqrt(np.diag(C))
    values, axes = np.linalg.eigh(C)
    drawn, some = noise @ L.T, top[: len(noise)]
    return mean + wide * drawn, {
        "the mean is forgotten": wide * drawn,
        "the mean is widened, too: only what varies around it should be": wide * (mean + drawn),
        "`wide` multiplies the spread, not the variance": mean + np.sqrt(wide) * drawn,
        "`wide` multiplies the spread once; this has its square": mean + wide**2 * drawn,
        "`wide` is forgotten": mean + drawn,
        "this divides by `wide`": mean + drawn / wide,
        "L is turned round: rows of noise are multiplied by its transpose": mean + wide * noise @ L,
        "this multiplies by the covariance; its Cholesky factor is asked for": mean
        + wide * noise @ C,
        "each unit is drawn by itself: that they vary together is forgotten": mean
        + wide * noise * deviation,
        "each unit is multiplied by its variance, and drawn by itself": mean
        + wide * noise * deviation**2,
        "all units have one spread, and are drawn by themselves": mean
        + wide * noise * np.sqrt(np.mean(deviation**2)),
        "the noise goes in as it is: the spread of the rows is asked for": mean + wide * noise,
        "this is the factor of the correlations, not of the covariance": mean
        + wide * noise @ np.linalg.cholesky(np.corrcoef(top, rowvar=False)).T,
        "the mean is not taken away before products are averaged": mean
        + wide * noise @ np.linalg.cholesky(top.T @ top / len(top)).T,
        "these are the rows themselves, widened: new ones are asked for": mean
        + wide * (some - mean),
        "this moves rows of `top`; new ones begin at the mean": some + wide * drawn,
        "nothing varies: this is the mean, again and again": np.tile(mean, (len(noise), 1)),
        "this is the mean of all numbers; each unit has its own": top.mean() + wide * drawn,
        "this is a Gaussian as wide, from another root of the covariance; so that it can be compared, "
        "take `np.linalg.cholesky`": mean + wide * noise @ (axes * np.sqrt(values)) @ axes.T,
    }
