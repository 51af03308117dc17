"""The graded exercises of chapter 9, without labels."""

import numpy as np

from bpc_minimal.checks.chapter_09 import probed
from bpc_minimal.checks.core import exercise

from .variant import Draw, Variant


def variant_1(draw: Draw) -> Variant:
    b, m = draw.between(0.2, 0.9, 2), draw.of(-1, 1) * draw.between(0.4, 1.9)
    gap = f"s {'-' if m > 0 else '+'} {abs(m)}"

    @exercise(
        "expected_top(x, v, alpha, decay)",
        cases=[(1.5, 0.8, 2.0, 0.3), (-0.7, 1.6, 0.5, 0.1), (2.0, -0.4, 1.5, 0.9)],
        why="what the image says through v, less the bias, and what is expected are weighed.",
        hint="Differentiate by s, put the slope at zero, and solve for s: the bias stands with x.",
        rtol=1e-4,
    )
    def asked(x, v, alpha, decay):
        def rest(b=b, m=m, alpha=alpha, decay=decay):
            return (alpha * v * (x - b) + decay * m) / (alpha * v**2 + decay)

        right = rest()
        above, below = alpha * v * (x - b) + decay * m, alpha * v**2 + decay
        return right, {
            "this is the book's: no bias, and the decay pulls to 0": rest(0.0, 0.0),
            "you forgot the bias": rest(b=0.0),
            "the decay pulls to 0 here": rest(m=0.0),
            "the sign of the bias is wrong: it is drawn already": rest(b=-b),
            "the sign of what s is drawn to is wrong": rest(m=-m),
            "what s is drawn to is weighed by the decay": (above - decay * m + m) / below,
            "the bias is seen through v, as x is": (alpha * (v * x - b) + decay * m) / below,
            "this is where the error is zero": (x - b) / v,
            "you forgot the precision": rest(alpha=1.0),
            "the error goes through v twice, once in the pull and once in the curvature": above
            / (alpha * v + decay),
            "the decay counts once: differentiating takes the half away": rest(decay=2 * decay),
            "this is what the resting top draws; the top is asked for": v * right + b,
            "you forgot to divide by the curvature": above,
        }

    return Variant(
        r"One free number $s$ on top, one clamped pixel $x$ below, a bias, and a decay that draws $s$ "
        rf"elsewhere than to 0: $E = \frac{{\alpha}}{{2}} (x - v s - {b})^2 + "
        rf"\frac{{\lambda}}{{2}} ({gap})^2$. "
        "Write `expected_top(x, v, alpha, decay)`: where $s$ comes to rest; `decay` is $\\lambda$.",
        "def expected_top(x, v, alpha, decay):\n"
        f"    pulls = alpha * v * (x - {b}) + decay * {m}\n"
        "    return pulls / (alpha * v**2 + decay)",
        asked,
    )


def variant_2(draw: Draw) -> Variant:
    least = draw.between(0.45, 0.85, 3)

    @exercise(
        "named_or_why(read, margin)",
        cases=[(0.5 * draw.normal(900, 10), margin) for margin in (0.3, 0.15, 0.2)],
        why="silence and doubt are two reasons for no name, and are told apart.",
        hint="First ask how large the largest unit is; only where it is large, how far it leads.",
    )
    def asked(read, margin):
        order, best = np.sort(read, axis=1), read.argmax(axis=1)
        top, lead = order[:, -1], order[:, -1] - order[:, -2]

        def name(silent=top < least, sure=lead > margin, best=best, codes=(-2, -1)):
            return np.where(silent, codes[0], np.where(sure, best, codes[1]))

        right = name()
        return right, {
            "this is the book's: nothing is silent": name(False),
            "this asks for no lead": name(sure=True),
            "the two reasons are exchanged: -2 is silent, -1 in doubt": name(codes=(-1, -2)),
            "doubt is asked before silence here": np.where(
                lead > margin, np.where(top < least, -2, best), -1
            ),
            "both reasons have one code": name(codes=(-1, -1)),
            "silent where the second largest is small; the largest counts": name(
                order[:, -2] < least
            ),
            "silent where the lead is small": name(lead < least),
            "this leads the third; the second largest is asked for": name(
                sure=top - order[:, -3] > margin
            ),
            "the margin stands for how large, and the other number for the lead": name(
                top < margin, lead > least
            ),
            "digits count from 0": name(best=best + 1),
            "this is the second largest unit; the largest names": name(
                best=read.argsort(axis=1)[:, -2]
            ),
            "sure and unsure are exchanged": name(sure=lead <= margin),
            "silent and not are exchanged": name(top >= least),
        }

    return Variant(
        "Why is an image not named? Write `named_or_why(read, margin)` for rows of ten label units: "
        f"−2 where the largest unit is below {least} (it is silent); else −1 where the largest does not "
        "lead the second by more than the margin (it is in doubt); else the digit.",
        "def named_or_why(read, margin):\n    order = np.sort(read, axis=1)\n"
        "    sure = order[:, -1] - order[:, -2] > margin\n"
        "    named = np.where(sure, np.argmax(read, axis=1), -1)\n"
        f"    return np.where(order[:, -1] < {least}, -2, named)",
        asked,
    )


def variant_3(draw: Draw) -> Variant:
    wanted = draw.between(84, 97)
    margins = np.arange(0, 1.1, 0.005)  # each of them names some images of each digit

    def some(n):
        truth = draw.rng.integers(0, 10, n)
        return np.float32(np.eye(10)[truth] + 0.42 * draw.normal(n, 10)), truth, margins

    @exercise(
        "margin_for(read, truth, margins)",
        cases=[some(n) for n in (1500, 1200, 1800)],
        why="the margin is bought with silence: the surer it shall be, the fewer it names.",
        hint="Go through the margins: which share of what each names is right? Stop where it is enough.",
        rtol=1e-5,
    )
    def asked(read, truth, margins):
        order, right = np.sort(read, axis=1), read.argmax(axis=1) == truth
        lead = order[:, -1] - order[:, -2]

        def first(good, named=lambda m: lead > m):
            for margin in margins:
                if named(margin).any() and good(named(margin)):
                    return [float(margin), 100 * float(np.mean(named(margin)))]
            return [float(margins[-1]), 0.0]

        def believed(wanted):
            return lambda named: 100 * np.mean(right[named]) >= wanted

        a, b = first(believed(wanted))
        usual = next(m for m in margins if believed(95)(lead > m))
        return [a, b], {
            "the second is a share: percent are asked for": [a, b / 100],
            "the second is what is not named": [a, 100 - b],
            "the second is how many of the named are right; how many are named is asked for": [
                a,
                100 * float(np.mean(right[lead > a])),
            ],
            "the second is what is named and right; what is named is asked for": [
                a,
                100 * float(np.mean(right & (lead > a))),
            ],
            "the second counts images; percent are asked for": [a, b * len(truth) / 100],
            "the two are exchanged": [b, a],
            "this asks how large the largest unit is; how far it leads is asked for": first(
                believed(wanted), lambda m: order[:, -1] > m
            ),
            "this leads the third; the second largest is asked for": first(
                believed(wanted), lambda m: order[:, -1] - order[:, -3] > m
            ),
            "this is for 95 %": [float(usual), 100 * float(np.mean(lead > usual))],
            "this asks that so many be wrong": first(believed(100 - wanted)),
            "this is the last margin; the first that does is asked for": [
                float(margins[-1]),
                100 * float(np.mean(lead > margins[-1])),
            ],
            "one margin too far": [
                float(margins[int(np.searchsorted(margins, a)) + 1]),
                100 * float(np.mean(lead > margins[int(np.searchsorted(margins, a)) + 1])),
            ],
        }

    return Variant(
        f"Which margin makes a network worth believing? Of those that it names, {wanted} percent or more "
        "shall be right. Write `margin_for(read, truth, margins)`: the first of the `margins`, which "
        "rise, at which that is so, and the percentage of all images that are named with it. An image is "
        "named if its largest label unit leads the second by more than the margin.",
        "def margin_for(read, truth, margins):\n    order = np.sort(read, axis=1)\n"
        "    lead = order[:, -1] - order[:, -2]\n"
        "    right = np.argmax(read, axis=1) == truth\n"
        "    for margin in margins:\n        named = lead > margin\n"
        f"        if 100 * np.mean(right[named]) >= {wanted}:\n"
        "            return margin, 100 * np.mean(named)",
        asked,
    )


def variant_4(draw: Draw) -> Variant:
    share = round(draw.of(1, -1) * draw.between(0.1, 0.4, 2) % 1, 2)
    u = draw.between(1.2, 2.9)

    @exercise(
        "held_up(w, noise, turns)",
        cases=[(1.3, 0.5, 3), (-0.8, 0.9, 2), (2.0, 0.3, 4)],
        why="what is told anew at each turn fades no further than one turn can take it.",
        hint="Mix what is aimed at first; then one turn's fading; then repeat.",
        rtol=1e-4,
    )
    def asked(w, noise, turns):
        def after(share=share, u=u, turns=turns, kept=1 / (1 + noise**2), told_fades=True):
            now = w
            for _ in range(turns):
                own = now
                now = kept * ((1 - share) * own + share * u)
                if not told_fades:
                    now = (1 - share) * kept * own + share * u
            return now

        right = after()
        return right, {
            "nothing is told here, as in the book": after(0.0),
            "the shares are exchanged": after(1 - share),
            "all is told here": after(1.0),
            "what is told belongs to the aim, and fades with it": after(told_fades=False),
            "you forgot what it is told; only its own share is left": after(u=0.0),
            "noise is a standard deviation: its square is the variance": after(
                kept=1 / (1 + noise)
            ),
            "nothing fades here": after(kept=1.0),
            "one turn too few": after(turns=turns - 1),
            "one turn too many": after(turns=turns + 1),
            "this is one turn": after(turns=1),
            "this is where it ends after ever so many turns": after(turns=10_000),
            "the weight told is w": after(u=w),
            "this fades for all turns first, and is told once": (1 - share)
            * w
            / (1 + noise**2) ** turns
            + share * u,
        }

    own = round(1 - share, 2)
    return Variant(
        f"A network teaches itself and is told a little. At each turn it aims, for a clean $x$ of variance "
        f"1, at {own} times its own answer $w x$ plus {share} times the true answer ${u}\\,x$; then its "
        "weight becomes the one that best predicts this aim from $x$ plus noise of standard deviation "
        "`noise`. Write `held_up(w, noise, turns)`: the weight after so many turns, from the weight `w` on.",
        "def held_up(w, noise, turns):\n    for _ in range(turns):\n"
        f"        w = ({own} * w + {share} * {u}) / (1 + noise**2)\n    return w",
        asked,
    )


def variant_5(draw: Draw) -> Variant:
    digits = sorted(draw.some(4, *range(10)))
    ridge = draw.of(0.3, 0.5, 1.0, 2.0, 3.0)

    def some(counts):
        centres = draw.rng.normal(size=(10, 30))
        label, truth = draw.rng.integers(0, 10, 900), draw.rng.integers(0, 10, 1500)
        top, asked = (
            np.float32(centres[of] + 1.8 * draw.rng.normal(size=(len(of), 30)) + 0.5)
            for of in (label, truth)
        )
        return top, label, asked, truth, counts

    @exercise(
        "by_each(top, label, asked, truth, counts)",
        cases=[some(counts) for counts in ([3, 8, 25], [5, 10, 15, 20])],
        why="with as many of each digit, no digit is learnt better because it was met more often.",
        hint="Collect the first rows of each of the ten digits; the probe learns from all of those, and is "
        "asked of four.",
        rtol=0.01,
        atol=0.4,
    )
    def asked(top, label, asked, truth, counts):
        chosen = np.isin(truth, digits)

        def rows(n, of=range(10), last=False):
            each = [np.flatnonzero(label == digit) for digit in of]
            return np.concatenate([x[-n:] if last else x[:n] for x in each])

        def percent(rows=rows, chosen=chosen, ridge=ridge):
            found = []
            for n in counts:
                of = rows(n)
                answers = probed(top[of], label[of], asked, ridge)
                found.append(100 * float(np.mean((answers == truth)[chosen])))
            return found

        right = percent()
        return right, {
            "these are the first rows, whatever their digit": lambda: percent(lambda n: range(n)),
            "these are the first rows, ten times as many, whatever their digit": lambda: percent(
                lambda n: range(10 * n)
            ),
            "all digits are asked here": lambda: percent(chosen=slice(None)),
            "the other digits are asked here": lambda: percent(chosen=~chosen),
            "the probe learns from these digits alone": lambda: percent(lambda n: rows(n, digits)),
            "every probe learns from all rows": lambda: percent(lambda n: slice(None)),
            "these are the last rows of each digit": lambda: percent(lambda n: rows(n, last=True)),
            "a row of each digit too few": lambda: percent(lambda n: rows(n - 1)),
            "the probe takes its own small ridge here": lambda: percent(ridge=1e-3),
            "these are shares: percent are asked for": [x / 100 for x in right],
            "this is what is wrong; what is right is asked for": [100 - x for x in right],
            "the last count is used for all": [right[-1]] * len(right),
            "the order of the counts is turned round": right[::-1],
        }

    listed = ", ".join(map(str, digits[:-1])) + f" and {digits[-1]}"
    return Variant(
        "Let each digit have as many labels. Write `by_each(top, label, asked, truth, counts)`: for each "
        "count, the chapter's `probe` learns from the first so many rows of `top` *of each of the ten "
        f"digits* (`label` says which they are), with a ridge of {ridge}. Give the percentage that it "
        f"reads, among all ten, of those rows of `asked` whose labels in `truth` are {listed}.",
        "def by_each(top, label, asked, truth, counts):\n    found = []\n"
        f"    chosen = np.isin(truth, {digits})\n    for count in counts:\n"
        "        each = [np.flatnonzero(label == digit)[:count] for digit in range(10)]\n"
        "        rows = np.concatenate(each)\n"
        f"        answers = probe(top[rows], label[rows], asked, {ridge}).argmax(axis=1)\n"
        "        right = np.asarray(answers) == truth\n"
        "        found.append(100 * float(np.mean(right[chosen])))\n    return found",
        asked,
    )


def variant_6(draw: Draw) -> Variant:
    wide = draw.of(draw.between(0.4, 0.8, 2), draw.between(1.3, 2.6, 2))

    def some(count, units):
        label = draw.rng.permutation(np.arange(count) % 10)
        centres = 2.5 * draw.normal(10, units)
        top = centres[label] + draw.normal(count, units) @ draw.normal(units, units)
        return top, label, draw.rng.integers(0, 10, 12), draw.normal(12, units)

    @exercise(
        "tops_of(top, label, digits, noise)",
        cases=[some(600, 6), some(500, 5), some(800, 7)],
        why="a digit's mean says where, and what all digits share says how far around it.",
        hint="Take from each row the mean of its own digit first; the covariance is of what is left.",
        rtol=0.01,
    )
    def asked(top, label, digits, noise):
        top, noise = np.asarray(top, float), np.asarray(noise, float)
        means = np.stack([top[label == digit].mean(axis=0) for digit in range(10)])
        C, whole = np.cov(top - means[label], rowvar=False), np.cov(top, rowvar=False)
        L = np.linalg.cholesky(C)
        at, drawn = means[digits], noise @ L.T
        own = [np.linalg.cholesky(np.cov(top[label == d], rowvar=False)) for d in digits]
        return at + wide * drawn, {
            "this is the book's: one mean for all, and nothing is widened": top.mean(axis=0)
            + noise @ np.linalg.cholesky(whole).T,
            "this is the book's, widened: one mean for all": top.mean(axis=0)
            + wide * noise @ np.linalg.cholesky(whole).T,
            "the covariance is of all rows: take each digit's mean away first": at
            + wide * noise @ np.linalg.cholesky(whole).T,
            "each digit has a covariance of its own here; all share one": at
            + wide * np.stack([factor @ row for factor, row in zip(own, noise, strict=True)]),
            "the mean is that of all rows; each digit has its own": top.mean(axis=0) + wide * drawn,
            "the mean is forgotten": wide * drawn,
            "the spread is as it was: it is to be widened or narrowed": at + drawn,
            "the number multiplies the spread, not the variance": at + np.sqrt(wide) * drawn,
            "the number multiplies the spread once": at + wide**2 * drawn,
            "the mean is multiplied, too": wide * (at + drawn),
            "L is turned round": at + wide * noise @ L,
            "this multiplies by the covariance; its Cholesky factor is asked for": at
            + wide * noise @ C,
            "each unit is drawn by itself": at + wide * noise * np.sqrt(np.diag(C)),
            "these are the means, and nothing varies": at,
        }

    return Variant(
        "Draw tops of digits that are asked for. `label` holds the digit of each row of `top`. Write "
        "`tops_of(top, label, digits, noise)`: a top for each of the `digits`, from the row of standard "
        f"normal numbers that `noise` holds for it: the mean of the digit's rows, plus {wide} times $L$ "
        "times the row of `noise`. $L$ is the Cholesky factor (`np.linalg.cholesky`) of one covariance for "
        "all digits, that of the rows after each has lost the mean of its own digit.",
        "def tops_of(top, label, digits, noise):\n"
        "    means = [top[label == digit].mean(axis=0) for digit in range(10)]\n"
        "    means = np.stack(means)\n"
        "    L = np.linalg.cholesky(np.cov(top - means[label], rowvar=False))\n"
        f"    return means[digits] + {wide} * noise @ L.T",
        asked,
    )
