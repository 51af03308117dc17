"""The graded exercises of chapter 8, two tasks and one network."""

from itertools import combinations

import numpy as np
from scipy.stats import t as student

from bpc_minimal.checks.core import exercise

from .variant import Draw, Variant, tex


def variant_1(draw: Draw) -> Variant:
    steps, reading = draw.of(*range(3, 41)), draw.of(True, False)

    @exercise(
        "task_products(sizes)",
        cases=[((10, 256, 256, 784),), ((5, 7, 11, 13, 17),), ((3, 40, 9),)],
        why="one end moves, so that it predicts anew at each step and listens to an error; the other rests.",
        hint="Ask of each map, both ways: does its input move? Then it predicts, and an error comes back.",
        rtol=1e-9,
    )
    def asked(sizes):
        maps = [a * b for a, b in zip(sizes[:-1], sizes[1:], strict=True)]
        total, label, image = sum(maps), maps[0], maps[-1]
        down, up = total - label, total - image
        free_label, free_image = 2 * total + 2 * up, 2 * down + 2 * total

        def count(step, sweep=1, steps=steps):
            return sweep * total + steps * step

        step, other = (free_label, free_image)[:: 1 if reading else -1]
        return count(step), {
            "both ends are clamped here, as in the book; one is free": count(2 * down + 2 * up),
            "both ends are free here; one is clamped": count(4 * total),
            "the other end is clamped here": count(other),
            "you forgot the sweep": count(step, 0),
            "two sweeps are counted": count(step, 2),
            "each step sweeps here": count(step + total, 0),
            "this is one step": count(step, steps=1),
            "this is one step, without the sweep": step,
            "errors go back through the maps too": count(step / 2),
            "the errors of the free end come back too": count(
                2 * down + 2 * up + (label if reading else image)
            ),
            "one network alone predicts here; both do": count(2 * total),
            "these are multiplications and additions; products are asked for": 2 * count(step),
            "one step too many": count(step, steps=steps + 1),
        }

    kind, clamped, start = (
        ("Reading", "the image clamped and the label free", "up from the image")
        if reading
        else ("Drawing", "the label clamped and the image free", "down from the label")
    )
    down, up = ("sum(maps)", "sum(maps[:-1])") if reading else ("sum(maps[1:])", "sum(maps)")
    return Variant(
        f"{kind} is one sweep {start}, then {steps} steps of BPC's inference with {clamped}. What the "
        "clamped end predicts is known from the sweep and stays. In a step, each map whose input moves "
        "predicts anew and carries an error back to it. Write "
        "`task_products(sizes)`: all products of this for one image, from the units of each layer, label "
        "first. A map between layers of $a$ and $b$ units takes $a b$ products, in either direction.",
        "def task_products(sizes):\n"
        "    maps = [a * b for a, b in zip(sizes[:-1], sizes[1:], strict=True)]\n"
        f"    down, up = {down}, {up}\n"
        f"    return sum(maps) + {steps} * (2 * down + 2 * up)",
        asked,
    )


def variant_2(draw: Draw) -> Variant:
    level = draw.of(*(n / 2 for n in range(120, 199) if n != 190))

    def some(n, apart):
        common = draw.rng.uniform(0.08, 0.13, n)
        b = common + draw.rng.normal(0, 0.003, n)
        return (1 - apart) * common + draw.rng.normal(0, 0.003, n), b

    @exercise(
        "gain_interval(a, b)",
        cases=[some(5, 0.1), some(8, -0.05), some(4, 0.2)],
        why="each seed gives its own gain, and few seeds a wide interval.",
        hint="First the gain of each seed; then their mean and sd, and a t that leaves as much at both ends.",
        rtol=1e-6,
        atol=1e-6,
    )
    def asked(a, b):
        gains, n = 100 * (b - a) / b, len(a)
        tail, root = 1 - (1 - level / 100) / 2, np.sqrt(len(a))

        def ends(half, mean=None):
            mean = gains.mean() if mean is None else mean
            return np.array([mean - half, mean + half])

        def usual(of, ddof=1, tail=tail, more=1):
            return ends(student.ppf(tail, n - more) * of.std(ddof=ddof) / root, of.mean())

        right = usual(gains)
        half = right[1] - gains.mean()
        return right, {
            "this is the difference of the errors; it is to be divided by b's, seed by seed": usual(
                a - b
            ),
            "these are 95 %": usual(gains, tail=0.975),
            "all that is left out lies beyond one end here; half of it lies beyond each": usual(
                gains, tail=level / 100
            ),
            "this is Student's t for n degrees of freedom: n - 1": usual(gains, more=0),
            "this is for many seeds: for few it is Student's t": ends(
                student.ppf(tail, 10**7) * gains.std(ddof=1) / root
            ),
            "the sd of a sample divides by n - 1: ddof=1": usual(gains, 0),
            "this is the spread of seeds, not of their mean: over sqrt(n)": ends(half * root),
            "these are shares: percent are asked for": right / 100,
            "the sign: a smaller error of a is a gain": -right[::-1],
            "the gain is a share of a's error; of b's is asked for": usual(100 * (b - a) / a),
            "the gain is a share of the mean of b; of each seed's own is asked for": usual(
                100 * (b - a) / b.mean()
            ),
            "the seeds are not paired: a gain a seed first": ends(
                student.ppf(tail, 2 * n - 2)
                * 100
                * np.sqrt(a.var(ddof=1) + b.var(ddof=1))
                / b.mean()
                / root
            ),
            "the ends are exchanged: low, then high": right[::-1],
            "this is half its width, with no mean": ends(half, 0.0),
        }

    beyond = round(1 - (1 - level / 100) / 2, 5)
    return Variant(
        "By how much is one model's drawing nearer, in percent? `a` and `b` hold the errors (RMSE) of two "
        "models, a number a seed, the same seeds in both. The gain of a seed is $100\\,(b - a) / b$. Write "
        f"`gain_interval(a, b)`: both ends, low first, of the {tex(level)} % interval of the mean gain, "
        "by Student's $t$.",
        "def gain_interval(a, b):\n    from scipy.stats import t\n\n"
        "    gains = 100 * (b - a) / b\n"
        f"    half = t.ppf({beyond}, len(a) - 1) * gains.std(ddof=1) / np.sqrt(len(a))\n"
        "    return gains.mean() - half, gains.mean() + half",
        asked,
    )


def variant_3(draw: Draw) -> Variant:
    level = draw.of(*(n / 2 for n in range(140, 199) if n != 190))

    def some(n, size):
        sets = np.array([draw.rng.permutation(n)[:size] for _ in range(1500)])
        return draw.rng.normal(96, 0.3, n), sets

    @exercise(
        "next_run(values, sets)",
        cases=[some(14, 5), some(18, 6)],
        why="a single run strays as far as the seeds do, so that its interval is far wider than a mean's.",
        hint="The mean of the few is unsure, and the new run strays besides: 1 / n and 1 add under the root.",
        rtol=1e-6,
        atol=0.02,
    )
    def asked(values, sets):
        n = sets.shape[1] - 1

        def quantile(level, n=n):
            return student.ppf(1 - (1 - level / 100) / 2, n - 1)

        def share(wide, ddof=1, few=values[sets[:, :-1]], new=values[sets[:, -1]]):
            gap = np.abs(few.mean(axis=1) - new)
            return 100 * np.mean(gap <= wide * few.std(axis=1, ddof=ddof))

        t, root = quantile(level), np.sqrt(1 + 1 / n)
        right = share(t * root)
        whole = values[sets]
        many = np.sqrt(1 + 1 / (n + 1))
        return right, {
            "this is the interval of a mean, as in the book: a single run strays besides": share(
                t / np.sqrt(n)
            ),
            "the mean of the few is unsure, too: 1 + 1 / n": share(t),
            "this is a 95 % interval": share(quantile(95) * root),
            "all that is left out lies beyond one end here; half of it lies beyond each": share(
                student.ppf(level / 100, n - 1) * root
            ),
            "this is for many seeds: for few it is Student's t": share(
                quantile(level, 10**7) * root
            ),
            "without t: this is one standard deviation": share(root),
            "the sd of a sample divides by n - 1: ddof=1": share(t * root, 0),
            "the new run is among the few here": share(quantile(level, n + 1) * many, few=whole),
            "the first index is the new run here; the last is": share(
                t * root, few=values[sets[:, 1:]], new=values[sets[:, 0]]
            ),
            "the root is missing: 1 + 1 / n is a variance": share(t * root**2),
            "this asks for the mean of all": share(t * root, new=values.mean()),
            "this is a share; a percentage is asked for": right / 100,
            "these are the rows that miss": 100 - right,
            "this counts rows; a percentage is asked for": right * len(sets) / 100,
        }

    beyond = round(1 - (1 - level / 100) / 2, 5)
    return Variant(
        "Where will the next run be? An interval of a *mean* does not say. For a single new value it is "
        r"$\bar x \pm t\, s \sqrt{1 + 1 / n}$, with the mean $\bar x$ and the standard deviation $s$ of the "
        f"$n$ values that are there, and Student's $t$ for {tex(level)} %. `values` has a number a seed; in "
        "each row of `sets` the last index is the new run, and the others are those that are there. Write "
        "`next_run(values, sets)`: the percentage of rows whose interval holds the new run.",
        "def next_run(values, sets):\n    from scipy.stats import t\n\n"
        "    few, new = values[sets[:, :-1]], values[sets[:, -1]]\n    n = few.shape[1]\n"
        f"    half = t.ppf({beyond}, n - 1) * few.std(axis=1, ddof=1) * np.sqrt(1 + 1 / n)\n"
        "    return 100 * np.mean(np.abs(few.mean(axis=1) - new) <= half)",
        asked,
    )


def variant_4(draw: Draw) -> Variant:
    times = draw.between(0.2, 1.6, 2)

    def runs(n):  # two of them are as good as each other
        found = draw.rng.normal(97, 0.4, n)
        found[-2:] = found.max() + 0.1
        return found

    @exercise(
        "left_over(accuracies, k)",
        cases=[(runs(n), k) for n, k in ((7, 3), (6, 2), (8, 5))],
        why="what the best of several gains by luck goes with the spread, and so does what is taken off.",
        hint="For each choice: its best minus so many of its own standard deviations; then the mean, "
        "less that of all runs.",
        rtol=1e-6,
        atol=1e-6,
    )
    def asked(accuracies, k):
        a = np.asarray(accuracies)

        def mean(of=max, times=times, ddof=1, k=k):
            few = [np.array(c) for c in combinations(a, k)]
            return np.mean([of(c) - times * c.std(ddof=ddof) for c in few])

        honest = a.mean()
        right = mean() - honest
        return right, {
            "this is what is reported; what it says too much is asked for": mean(),
            "nothing is taken off here, as in the book": mean(times=0.0) - honest,
            "nothing is taken off here, and this is what is reported": mean(times=0.0),
            "one standard deviation is taken off here": mean(times=1.0) - honest,
            "the sd of a sample divides by k - 1: ddof=1": mean(ddof=0) - honest,
            "this takes off the sd of all runs; those of the k are known": mean(times=0.0)
            - times * a.std(ddof=1)
            - honest,
            "two runs that tie are two runs: a set keeps one of them": np.mean(
                [max(c) - times * np.std(c, ddof=1) for c in combinations(sorted({*a.tolist()}), k)]
            )
            - honest,
            "the standard deviations are added; they are taken off": mean(times=-times) - honest,
            "this is the mean of the k; the best is reported": mean(np.mean) - honest,
            "this is the worst of the k; the best is reported": mean(min) - honest,
            "the sign: what is reported minus the mean of all": -right,
            "this compares with the best of all runs; with their mean is asked for": mean()
            - a.max(),
            "these are the first k runs; take all choices": a[:k].max()
            - times * a[:k].std(ddof=1)
            - honest,
            "this takes the variance off": np.mean(
                [max(c) - times * np.var(c, ddof=1) for c in combinations(a, k)]
            )
            - honest,
        }

    return Variant(
        f"A cautious report: of `k` runs it gives the best, minus {times} times the standard deviation of "
        "these `k` (`ddof=1`). How much does it still say too much? Write `left_over(accuracies, k)`: the "
        "mean of what is reported over all choices of `k` different runs out of those in `accuracies`, "
        "minus the mean of all runs.",
        "def left_over(accuracies, k):\n    from itertools import combinations\n\n"
        f"    found = [max(c) - {times} * np.std(c, ddof=1) for c in combinations(accuracies, k)]\n"
        "    return np.mean(found) - np.mean(accuracies)",
        asked,
    )


def variant_5(draw: Draw) -> Variant:
    r = draw.of(*range(15, 80, 10)) / 100
    d = draw.of(*range(15, 66, 10)) / 10_000

    def some(n):
        reads = np.round(draw.rng.uniform(94, 97, n), 1)
        draws = np.round(0.02 + 0.003 * (reads - 94) + draw.rng.exponential(0.004, n), 3)
        return reads, draws

    def unbeaten(reads, draws, better):
        x, y = reads[:, None], draws[:, None]  # of the one that may be beaten
        return (~better(reads - x, y - draws).any(axis=1)).astype(float)

    @exercise(
        "worth_a_look(reads, draws)",
        cases=[some(n) for n in (150, 130, 170)],
        why="a difference that no reader would notice does not throw a setting out.",
        hint="Three comparisons of each pair: as good at reading, as good at drawing, clearly better at one.",
    )
    def asked(reads, draws):
        def kept(better):
            return unbeaten(reads, draws, better)

        def usual(r=r, d=d):
            return kept(lambda x, y: (x >= 0) & (y >= 0) & ((x > r) | (y > d)))

        right = usual()
        return right, {
            "this is the book's: any difference beats": usual(0.0, 0.0),
            "a small difference in reading is not enough": usual(r=0.0),
            "a small difference in drawing is not enough": usual(d=0.0),
            "clearly better at one of the two is enough": kept(
                lambda x, y: (x >= 0) & (y >= 0) & (x > r) & (y > d)
            ),
            "as good means as good: no tolerance there": kept(
                lambda x, y: (x >= -r) & (y >= -d) & ((x > r) | (y > d))
            ),
            "whoever is clearly better at one must be as good at the other": kept(
                lambda x, y: (x > r) | (y > d)
            ),
            "a high RMSE is a bad drawing: lower is better": kept(
                lambda x, y: (x >= 0) & (y <= 0) & ((x > r) | (y < -d))
            ),
            "accuracy is better where it is higher": kept(
                lambda x, y: (x <= 0) & (y >= 0) & ((x < -r) | (y > d))
            ),
            "these are the settings that are beaten": 1 - right,
            "this counts them; a True or False for each setting is asked for": right.sum(),
            "this says where they are; a True or False for each setting is asked for": np.flatnonzero(
                right
            ),
            "this marks all": np.ones(len(reads)),
        }

    return Variant(
        "Two settings may differ by less than anyone would notice. Let one setting beat another if it "
        "reads at least as well (higher) and draws at least as well (lower), and either reads better by "
        f"more than {r} points or draws better by more than {tex(d)}. Write `worth_a_look(reads, draws)`: "
        "True for each setting that no other one beats. Both are NumPy arrays, a number a setting.",
        "def worth_a_look(reads, draws):\n"
        "    more = reads - reads[:, None]  # row: who may be beaten; column: by whom\n"
        "    nearer = draws[:, None] - draws\n"
        f"    clearly = (more > {r}) | (nearer > {tex(d)})\n"
        "    return ~((more >= 0) & (nearer >= 0) & clearly).any(axis=1)",
        asked,
    )
