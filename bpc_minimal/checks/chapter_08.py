"""The exercises of chapter 8, two tasks and one network: costs, intervals, and who is better at both."""

from itertools import combinations, combinations_with_replacement

import numpy as np
from scipy.stats import t as student

from bpc_minimal.checks.core import exercise


@exercise(
    "step_products(sizes)",
    goal="count what one step of inference costs, from the sizes alone",
    minutes=10,
    cases=[((10, 256, 256, 784),), ((5, 7, 11, 13, 17),), ((3, 40, 9),)],
    why="maps below the label go down and back, maps above the image go up and back: both ends are clamped.",
    hint="Add a * b of neighbours. Leave out what a clamped end predicts, and what comes back to it.",
    rtol=1e-9,
)
def exercise_1(sizes):
    """Count the products of a step, both ends clamped."""
    maps = [a * b for a, b in zip(sizes[:-1], sizes[1:], strict=True)]
    total, label, image = sum(maps), maps[0], maps[-1]
    down, up = total - label, total - image
    return 2 * down + 2 * up, {
        "errors go back through the maps too: twice as many": down + up,
        "both ends are clamped: what they predict is computed once, not at each step": 4 * total,
        "both ends are clamped, and errors are sent back too": 2 * total,
        "these are the maps of one direction": total,
        "these are genPC's: the d's cost as well": 2 * down,
        "these are discPC's: the e's cost as well": 2 * up,
        "only the ends' own maps are counted: it is the others that cost": 2 * label + 2 * image,
        "an end's map is left out both ways: the label's is needed on the way up, the image's down": 4
        * (total - label - image),
        "label and image are exchanged for both ways: this counts an end's map twice too many": 3
        * total
        - label
        - image,
        "these are multiplications and additions; products are asked for": 4 * down + 4 * up,
        "these are squares of the sizes; multiply neighbours": sum(n * n for n in sizes),
        "these are units, not weights: multiply neighbours": 2 * sum(sizes[1:])
        + 2 * sum(sizes[:-1]),
        "this adds the learning: gradients are no part of a step of inference": 2 * down
        + 2 * up
        + 2 * total,
        "down, errors come back to the hidden layers alone; they are sent to the label here": 2
        * total
        + 2 * up,
        "up, errors come back to the hidden layers alone; they are sent to the image here": 2 * down
        + 2 * total,
    }


def two_runs(rng):
    """Draw accuracies of two models, seed by seed."""
    for n, apart in ((5, 0.3), (8, -0.2), (4, 0.1)):
        common = rng.normal(97, 0.5, n)
        yield common + apart + rng.normal(0, 0.1, n), common + rng.normal(0, 0.1, n)


@exercise(
    "paired_interval(a, b)",
    goal="give the interval of a difference, seed by seed",
    minutes=15,
    cases=two_runs,
    why="what a seed does to both models alike falls out of the difference.",
    hint="Take the differences, their mean, and stats.t.ppf(0.975, n - 1) times their sd over sqrt(n).",
    rtol=1e-4,
    atol=1e-4,
)
def exercise_2(a, b):
    """Give both ends of the 95 % interval of the mean difference."""
    d, n = a - b, len(a)
    t, root = student.ppf(0.975, n - 1), np.sqrt(n)

    def ends(half, mean=None):
        mean = d.mean() if mean is None else mean
        return np.array([mean - half, mean + half])

    sd = d.std(ddof=1)
    both = np.sqrt(a.var(ddof=1) + b.var(ddof=1))
    welch = (n - 1) * both**4 / (a.var(ddof=1) ** 2 + b.var(ddof=1) ** 2)  # degrees of freedom
    pooled = student.ppf(0.975, 2 * n - 2) * both / root
    return ends(t * sd / root), {
        "the seeds are not paired: take differences first, then their spread": ends(pooled),
        "the spreads are added as if a and b were independent": ends(t * both / root),
        "this is Welch's interval of two groups; the seeds are pairs": ends(
            student.ppf(0.975, welch) * both / root
        ),
        "2.78 is Student's t of five seeds: for n seeds it has n - 1 degrees of freedom": ends(
            2.78 * sd / root
        ),
        "this is 1.96, for many seeds; for few it is Student's t": ends(1.96 * sd / root),
        "this is Student's t for n degrees of freedom: n - 1": ends(
            student.ppf(0.975, n) * sd / root
        ),
        "this is a 90 % interval: 2.5 % lie beyond each end": ends(
            student.ppf(0.95, n - 1) * sd / root
        ),
        "this is the spread of seeds, not of their mean: over sqrt(n)": ends(t * sd),
        "divide by sqrt(n), not by n": ends(t * sd / n),
        "the sd of a sample divides by n - 1: ddof=1": ends(t * d.std() / root),
        "this is one standard error, without t": ends(sd / root),
        "this is one standard deviation of the seeds": ends(sd),
        "a and b are exchanged: a - b is asked for": -ends(t * sd / root)[::-1],
        "the ends are exchanged: low, then high": ends(t * sd / root)[::-1],
        "this is half its width, with no mean": ends(t * sd / root, 0.0),
        "these are the mean and the half width; both ends are asked for": np.array(
            [d.mean(), t * sd / root]
        ),
        "this is the interval of a alone": ends(t * a.std(ddof=1) / root, a.mean()),
        "the median is not the mean": ends(t * sd / root, np.median(d)),
        "the variance is not the standard deviation: take its root": ends(t * sd**2 / root),
    }


def some_seeds(rng):
    """Draw accuracies of many seeds, and sets of some of them."""
    for n, size in ((12, 5), (15, 4)):
        sets = np.array([rng.permutation(n)[:size] for _ in range(400)])
        yield rng.normal(96, 0.3, n), sets


@exercise(
    "held(values, sets)",
    goal="ask of error bars whether they hold what they promise",
    minutes=25,
    cases=some_seeds,
    why="each set is judged by seeds that it has not seen.",
    hint="For each row of `sets`: the mean and half width of those values, and the mean of all the others.",
    rtol=1e-6,
    atol=0.02,
)
def exercise_3(values, sets):
    """Give the percentage of sets whose interval holds the mean of the others."""
    size = sets.shape[1]
    t = student.ppf(0.975, size - 1)

    own = t / np.sqrt(size)

    def share(wide=own, ddof=1, of="others", centre=np.mean):
        inside = []
        for row in sets:
            few = values[row]
            rest = {"others": np.delete(values, row), "all": values, "own": few}[of]
            inside.append(abs(centre(few) - rest.mean()) <= wide * few.std(ddof=ddof))
        return 100 * np.mean(inside)

    right = share()
    return right, {
        "this is a share; a percentage is asked for": right / 100,
        "this counts sets; a percentage is asked for": right * len(sets) / 100,
        "these are the sets that miss": 100 - right,
        "the mean of all has the set's own values in it: take the others": share(of="all"),
        "this holds always: take the mean of the others, and divide the sd by a root": share(
            of="own"
        ),
        "this is 1.96, for many seeds; for few it is Student's t": share(1.96 / np.sqrt(size)),
        "this is one standard error, without t": share(1 / np.sqrt(size)),
        "this is one standard deviation": share(1.0),
        "divide by the root of how many there are in a set": share(t / np.sqrt(len(values))),
        "divide by the root of how many, not by how many": share(t / size),
        "the sd of a sample divides by n - 1: ddof=1": share(ddof=0),
        "this is a 90 % interval: 2.5 % lie beyond each end": share(
            student.ppf(0.95, size - 1) / np.sqrt(size)
        ),
        "a set of all values' spread is no set's own": 100
        * np.mean(
            [
                abs(values[row].mean() - np.delete(values, row).mean())
                <= t / np.sqrt(size) * values.std(ddof=1)
                for row in sets
            ]
        ),
    }


def some_runs(rng):
    """Draw accuracies, two of them as good as each other, and how many of them are tried."""
    for n, k in ((7, 3), (6, 2), (8, 5)):
        runs = rng.normal(97, 0.4, n)
        runs[-2:] = runs.max() + 0.1
        yield runs, k


@exercise(
    "best_of(accuracies, k)",
    goal="break a comparison: report the best of several runs",
    minutes=20,
    cases=some_runs,
    why="nothing was learnt by that, and the number rose: each model needs as many tries, or none.",
    hint="Go through all choices of k different runs with itertools.combinations, and average their best.",
    rtol=1e-7,
    atol=1e-3,
)
def exercise_4(accuracies, k):
    """Give the mean, over all choices of k runs, of the best one."""
    a = np.asarray(accuracies)
    ordered = np.sort(a)
    right = np.mean([max(few) for few in combinations(a, k)])
    n = len(a)
    again = np.diff((np.arange(n + 1) / n) ** k) @ ordered
    repeated = [max(few) for few in combinations_with_replacement(a, k)]
    return right, {
        "this is the mean of all runs, what an honest report says": a.mean(),
        "this is the best of all runs; only k are tried": a.max(),
        "this is the best of the first k; take all choices of k": a[:k].max(),
        "this is the worst of k": np.mean([min(few) for few in combinations(a, k)]),
        "this is the median of k": np.mean([np.median(few) for few in combinations(a, k)]),
        "this is the mean of the k best runs": ordered[-k:].mean(),
        "this is the k-th best run": ordered[-k],
        "this draws a run more than once: the k runs are different ones": again,
        "choices with a run more than once: the k runs are different ones": np.mean(repeated),
        "these are runs that stand side by side; take all choices of k": np.mean(
            [a[i : i + k].max() for i in range(n - k + 1)]
        ),
        "these are blocks of k runs; take all choices of k": np.mean(
            [a[i : i + k].max() for i in range(0, n, k)]
        ),
        "two runs that tie are two runs: a set keeps one of them": np.mean(
            [max(few) for few in combinations(sorted({*a.tolist()}), k)]
        ),
        "one run too few is tried": np.mean([max(few) for few in combinations(a, k - 1)]),
        "one run too many is tried": np.mean([max(few) for few in combinations(a, k + 1)]),
        "this is how much it rises; the accuracy itself is asked for": right - a.mean(),
        "this sums over the choices; their mean is asked for": right
        * len([*combinations(range(n), k)]),
    }


def some_settings(rng):
    """Draw how settings read and draw, some of them alike."""
    for n in (30, 45):
        reads = np.round(rng.uniform(85, 98, n), 1)
        draws = np.round(0.02 + 0.002 * (reads - 85) + rng.uniform(0, 0.03, n), 3)
        reads, draws = np.append(reads, reads[:4]), np.append(draws, draws[:4] + 0.001)
        best = reads.argmax()  # and once more: of two that are equal none beats the other
        best = np.flatnonzero(reads == reads[best])[draws[reads == reads[best]].argmin()]
        yield np.append(reads, reads[best]), np.append(draws, draws[best])


def unbeaten(reads, draws, better):
    """Mark each setting that no other one beats."""
    return np.array(
        [
            not any(better(r, d, reads[i], draws[i]) for r, d in zip(reads, draws, strict=True))
            for i in range(len(reads))
        ]
    ).astype(float)


@exercise(
    "frontier(reads, draws)",
    goal="say which settings of a network with two tasks are worth a look",
    minutes=30,
    cases=some_settings,
    why="no other setting reads as well and draws as well, and does one of them better.",
    hint="One is beaten if another reads at least as well, draws at least as well, and is not the same.",
)
def exercise_5(reads, draws):
    """Mark the settings that are not beaten at both tasks: high accuracy, low RMSE."""
    right = unbeaten(reads, draws, lambda r, d, x, y: r >= x and d <= y and (r > x or d < y))
    return right, {
        "these are the settings that are beaten; the others are asked for": 1 - right,
        "a high RMSE is a bad drawing: lower is better": unbeaten(
            reads, draws, lambda r, d, x, y: r >= x and d >= y and (r > x or d > y)
        ),
        "accuracy is better where it is higher": unbeaten(
            reads, draws, lambda r, d, x, y: r <= x and d <= y and (r < x or d < y)
        ),
        "of two equal settings none beats the other: it has to be better at one": np.array(
            [
                not any(
                    reads[j] >= reads[i] and draws[j] <= draws[i]
                    for j in range(len(reads))
                    if j != i
                )
                for i in range(len(reads))
            ]
        ).astype(float),
        "these are worst at both": unbeaten(
            reads, draws, lambda r, d, x, y: r <= x and d >= y and (r < x or d > y)
        ),
        "one as good at one task and better at the other beats a setting, too": unbeaten(
            reads, draws, lambda r, d, x, y: r > x and d < y
        ),
        "this marks none: nobody beats itself, and being worse at one task is not enough": np.zeros(
            len(reads)
        ),
        "this marks all": np.ones(len(reads)),
        "this marks the best reader alone": (reads == reads.max()).astype(float),
        "this marks the best drawer alone": (draws == draws.min()).astype(float),
        "this marks the two ends alone; some in between are unbeaten": (
            (reads == reads.max()) | (draws == draws.min())
        ).astype(float),
        "these are the better halves; compare settings with each other": (
            (reads >= np.median(reads)) & (draws <= np.median(draws))
        ).astype(float),
        "this says where they are; a True or False for each setting is asked for": np.flatnonzero(
            right
        ),
        "this counts them; a True or False for each setting is asked for": right.sum(),
    }
