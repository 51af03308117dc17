"""The graded exercises of chapter 2, generating digits."""

import numpy as np

from bpc_minimal.checks.chapter_02 import act, errors
from bpc_minimal.checks.core import exercise

from .variant import Draw, Variant

SIZES = (10, 9, 7, 12)


def some_generator(draw, sizes=SIZES):
    pairs = zip(sizes[1:], sizes[:-1], strict=True)
    return [draw.normal(n, m) / np.float32(np.sqrt(m)) for n, m in pairs]


def some_activities(draw):
    return [(some_generator(draw), [draw.normal(b, n) for n in SIZES]) for b in (5, 3, 4)]


def settled(generator, z, free, size, steps, seen=None):
    """Move the free layers by Equation 5, all at once; of the image, what is not seen."""
    generator, z = (
        [np.asarray(V, float) for V in generator],
        [np.asarray(part, float) for part in z],
    )
    for _ in range(steps):
        e = [np.zeros_like(z[0]), *errors(generator, z)]
        moved = list(z)
        for l in free:
            back = (z[l] > 0 if l else 1) * (e[l + 1] @ generator[l]) if l < len(generator) else 0
            moved[l] = z[l] - size * (e[l] - back)
        if seen is not None:
            moved[-1] = np.where(seen, z[-1], moved[-1])
        z = moved
    return z


def swept(generator, label):
    z = [np.asarray(label, float)]
    for l, V in enumerate(generator):
        z.append(act(l, z[l]) @ V.T)
    return z


def variant_1(draw: Draw) -> Variant:
    p, c = draw.between(1.2, 2.8), draw.between(0.1, 0.6)

    @exercise(
        "label_slope(generator, z)",
        cases=some_activities(draw),
        why="what is expected of the label pulls it, and so does the error that it causes below.",
        hint="Differentiate both terms by z_0: the new one, and e_1, in which V_0 z_0 stands "
        "with a minus.",
    )
    def asked(generator, z):
        e_1, own = errors(generator, z)[0], p * (z[0] - c)
        passed = e_1 @ generator[0]
        right = own - passed
        return right, {
            "the sign is wrong: this is the pull, not the slope": -right,
            "the sign of what e_1 sends back: it falls where the label rises": own + passed,
            "you forgot what is expected of the label": -passed,
            "you forgot the error that the label causes": own,
            "you forgot the precision of what is expected": z[0] - c - passed,
            "you forgot where the label is expected": p * z[0] - passed,
            "the label is not activated: no act' here": own - (z[0] > 0) * passed,
            "twice: you forgot the 1/2 of the energy": 2 * right,
            "the mean over the batch; each example has a slope of its own": right.mean(axis=0),
            "the precision belongs to what is expected alone": p * (z[0] - c - passed),
            "twice what is expected: you forgot its 1/2": 2 * own - passed,
            "half of what is expected: the 2 of the square cancels the 1/2": own / 2 - passed,
            "what is expected pulls the wrong way": -own - passed,
            "the distance from what is expected is z_0 minus it": p * (z[0] + c) - passed,
            "what is expected is still squared": p * (z[0] - c) ** 2 - passed,
            "the errors are not activated: no ReLU of e_1": own - act(1, e_1) @ generator[0],
            "the sum over the batch; each example has a slope of its own": right.sum(axis=0),
            "the sum over the label's numbers; each has a slope": right.sum(axis=1),
        }

    return Variant(
        "In chapter 2 nothing predicts the label. Let something do so: each of its ten numbers is "
        "expected at "
        rf"{c}, with the precision {p}, so that $\frac{{{p}}}{{2}} \lVert z_0 - {c} \rVert^2$ is added "
        rf"to each example's energy. Write "
        r"$\partial E / \partial z_0$ as `label_slope(generator, z)`, a row an example.",
        "def label_slope(generator, z):\n    e_1 = generative_errors(generator, z)[1]\n"
        f"    return {p} * (z[0] - {c}) - e_1 @ generator[0]",
        asked,
    )


def variant_2(draw: Draw) -> Variant:
    s = draw.between(1.2, 2.4, 2)

    @exercise(
        "gain_gradient(generator, z)",
        cases=some_activities(draw),
        why="the local rule once more: an error times what it sees, here the drive of its own layer.",
        hint="Put the gain into e_{l+1}, differentiate its square, and take the mean over the examples.",
    )
    def asked(generator, z):
        drive = [act(l, z[l]) @ V.T for l, V in enumerate(generator)]
        e = [z[l + 1] - s * drive[l] for l in range(len(drive))]
        plain = [z[l + 1] - drive[l] for l in range(len(drive))]

        def gradient(e, drive=drive):
            return [-(a * b).sum(axis=1).mean() for a, b in zip(e, drive, strict=True)]

        right = np.array(gradient(e))
        return right, {
            "the sign is wrong: a gain that grows takes from the error": -right,
            "the gain stands in the error too: e is z - s V act(z)": np.array(gradient(plain)),
            "the gain stands outside the drive: its derivative is V act(z)": s * right,
            "the sum over the batch, not its mean": len(z[0]) * right,
            "the mean over the units; their sum is asked for": right
            / np.array([d.shape[1] for d in drive]),
            "half: the 2 of the square cancels the 1/2 of the energy": right / 2,
            "they come in the reverse order: l = 0 is first": right[::-1],
            "twice: the 2 of the square cancels the 1/2 of the energy": 2 * right,
            "the errors are summed without what they see, the drive": np.array(
                gradient(e, [np.ones_like(d) for d in drive])
            ),
            "this is the drive without the error": np.array(gradient([np.ones_like(x) for x in e])),
            "this is the energy of each layer; its derivative is asked for": np.array(
                [(x**2).sum(axis=1).mean() / 2 for x in e]
            ),
            "the drive is squared: the chain rule takes it once": np.array(
                gradient(e, [d**2 for d in drive])
            ),
            "the error is squared: differentiating takes the power down": np.array(
                gradient([x**2 for x in e])
            ),
            "the label is no hidden layer: no ReLU there": np.array(
                gradient(
                    [z[1] - s * np.maximum(z[0], 0) @ generator[0].T, *e[1:]],
                    [np.maximum(z[0], 0) @ generator[0].T, *drive[1:]],
                )
            ),
            "this divides by the gain: the drive stands alone": right / s,
            "the layers are summed; a number for each is asked for": right.sum(),
            "the first layer is missing: l = 0 has a gain, too": right[1:],
            "the last layer is missing: the image is predicted, too": right[:-1],
            "a number for each example; their mean is asked for": [
                -(a * b).sum(axis=1) for a, b in zip(e, drive, strict=True)
            ],
            "a gain belongs to a layer: one number each": [
                -(a * b).mean(axis=0) for a, b in zip(e, drive, strict=True)
            ],
            "the activations are missing before the weights": np.array(
                gradient(e, [z[l] @ V.T for l, V in enumerate(generator)])
            ),
        }

    return Variant(
        rf"Give each layer a gain $s_l$, one number: $f_l(z_l) = s_l V_l\,\mathrm{{act}}(z_l)$. Derive "
        rf"$\partial E / \partial s_l$, averaged over "
        f"the batch, and write `gain_gradient(generator, z)`: a number for each $l$, at $s_l = {s}$.",
        "def gain_gradient(generator, z):\n    found = []\n    for l in range(len(generator)):\n"
        f"        drive = predict(generator, l, z[l])\n        e = z[l + 1] - {s} * drive\n"
        "        found.append(-(e * drive).sum(axis=1).mean())\n    return found",
        asked,
    )


def variant_3(draw: Draw) -> Variant:
    high, low = draw.between(0.7, 0.95, 2), draw.between(0.02, 0.09, 2)
    steps, size = draw.of(9, 11, 12, 14), draw.between(0.12, 0.2, 2)

    @exercise(
        "read_guess(generator, image, guess)",
        cases=[
            (some_generator(draw), draw.normal(b, 12), draw.rng.integers(10, size=b))
            for b in (5, 3, 6)
        ],
        why="a start from a guess, swept down, then read; where it ends it mostly began.",
        hint="Make the label, sweep it down, put the image in, and move all but the image by Equation 5.",
        rtol=2e-3,
    )
    def asked(generator, image, guess):
        def read(high=high, low=low, steps=steps, size=size, sweep=True):
            z = swept(generator, low + (high - low) * np.eye(10)[guess])
            z = z if sweep else [z[0], *(np.zeros_like(part) for part in z[1:])]
            return settled(generator, [*z[:-1], image], (0, 1, 2), size, steps)[0]

        return read(), {
            "the label is where it started: it is clamped, or nothing has settled": read(steps=0),
            "the start is one-hot, 1 and 0": read(1.0, 0.0),
            "the image moves too; clamp it": settled(
                generator,
                [*swept(generator, low + (high - low) * np.eye(10)[guess])[:-1], image],
                (0, 1, 2, 3),
                size,
                steps,
            )[0],
            "the hidden layers start at zero; sweep down": read(sweep=False),
            "this climbs: go against the slope": read(size=-size),
            "one step too many": read(steps=steps + 1),
            "one step too few": read(steps=steps - 1),
            "the numbers of the guess are exchanged": read(low, high),
            "these are answers; the ten numbers of each label are asked for": read().argmax(axis=1),
        }

    return Variant(
        f"Start from a guess. `guess` holds one digit an image. Make of it a label of {high} at that "
        f"digit and {low} at the nine others, sweep it down, put the "
        f"image in, and take {steps} steps of {size} by Equation 5 of chapter 2, with the image "
        f"clamped and the label free. Write "
        "`read_guess(generator, image, guess)`, which returns the ten numbers of each label.",
        "def read_guess(generator, image, guess):\n"
        f"    label = {low} + {round(high - low, 4)} * jax.nn.one_hot(guess, 10)\n"
        "    z = [*sweep_down(generator, label)[:-1], image]\n"
        f"    for _ in range({steps}):\n"
        "        dz = activity_gradient(generator, z)\n"
        f"        z = [*(a - {size} * b for a, b in zip(z[:-1], dz[:-1], strict=True)), image]\n"
        "    return z[0]",
        asked,
    )


def variant_4(draw: Draw) -> Variant:
    start, size = draw.between(0.2, 0.8), draw.between(0.12, 0.2, 2)

    @exercise(
        "complete_4(generator, label, image, seen, steps)",
        cases=[
            (
                some_generator(draw),
                np.eye(10, dtype=np.float32)[draw.rng.integers(10, size=b)],
                draw.normal(b, 12),
                draw.rng.random((b, 12)) < 0.5,
                steps,
            )
            for b, steps in ((4, 7), (3, 4), (5, 30))
        ],
        why="what is not seen moves to where the hidden layers expect it, and they move towards what is.",
        hint="Sweep the label down for the hidden layers; then move them and the unseen pixels "
        "by Equation 5.",
        rtol=2e-3,
    )
    def asked(generator, label, image, seen, steps):
        def fill(start=start, size=size, steps=steps, free=(1, 2, 3), seen=seen, kept=True):
            z = swept(generator, label)
            given = np.where(seen, image, start)
            return settled(generator, [*z[:-1], given], free, size, steps, seen if kept else None)[
                -1
            ]

        return fill(), {
            "nothing moves: this is the start": fill(steps=0),
            "the hidden layers stay; they are free": fill(free=(3,)),
            "the pixels that are seen move too; they stay": fill(kept=False),
            "the mask is the wrong way round: `seen` is True where a pixel is given": fill(
                seen=~seen
            ),
            "the unseen pixels start elsewhere": fill(start=0.0),
            "the unseen pixels start at what they hide": settled(
                generator, [*swept(generator, label)[:-1], image], (1, 2, 3), size, steps, seen
            )[-1],
            "this climbs: go against the slope": fill(size=-size),
            "one step too many": fill(steps=steps + 1),
            "this is the sweep's drawing; let it settle": swept(generator, label)[-1],
            "this is the sweep's drawing with the seen pixels put in; let it settle": np.where(
                seen, image, swept(generator, label)[-1]
            ),
            "the unseen pixels start from the sweep's drawing": settled(
                generator,
                [*(z := swept(generator, label))[:-1], np.where(seen, image, z[-1])],
                (1, 2, 3),
                size,
                steps,
                seen,
            )[-1],
            "the hidden layers start at zero; sweep down": settled(
                generator,
                [label, *map(np.zeros_like, z[1:-1]), np.where(seen, image, start)],
                (1, 2, 3),
                size,
                steps,
                seen,
            )[-1],
            "the label is free; it is clamped": fill(free=(0, 1, 2, 3)),
            "the seen pixels are put back when all is over; they stay all the while": np.where(
                seen, image, fill(kept=False)
            ),
            "only one step is taken": fill(steps=1),
            "the layer after the label stays; it is free": fill(free=(2, 3)),
            "this is the image itself; what is not seen is asked for": image,
        }

    return Variant(
        f"Complete an image whose digit is known. The label is clamped; the hidden layers start from a "
        f"sweep down. Where `seen` (of the image's shape) is True, the image is "
        f"given and stays; all other pixels start at {start}. Take `steps` steps of {size} by Equation "
        f"5 of chapter 2, all that is free at once, and write "
        "`complete_4(generator, label, image, seen, steps)`, which returns the images.",
        "def complete_4(generator, label, image, seen, steps):\n"
        f"    given = jnp.where(seen, image, {start})\n"
        "    z = [*sweep_down(generator, label)[:-1], given]\n"
        "    for _ in range(steps):\n"
        "        dz = activity_gradient(generator, z)\n"
        f"        moved = [a - {size} * b for a, b in zip(z, dz, strict=True)]\n"
        "        z = [label, *moved[1:-1], jnp.where(seen, image, moved[-1])]\n"
        "    return z[-1]",
        asked,
    )


def variant_5(draw: Draw) -> Variant:
    more = draw.between(1.2, 4.0)

    def some(n):
        truth = np.concatenate([np.arange(10), draw.rng.integers(10, size=n)])
        found = np.where(
            draw.rng.random(len(truth)) < 0.5, truth, draw.rng.integers(10, size=len(truth))
        )
        return found, truth

    @exercise(
        "trust(found, truth)",
        cases=[some(n) for n in (60, 45, 80)],
        why="each column says what an answer is worth, and adds to 100.",
        hint="Count the pairs of true digit and answer, add the number to every count, divide "
        "each column by its sum.",
    )
    def asked(found, truth):
        counts = np.zeros((10, 10))
        np.add.at(counts, (truth, found), 1)

        def percent(counts, axis=0):
            return 100 * counts / counts.sum(axis=axis, keepdims=True)

        right = percent(counts + more)
        return right, {
            "rows add to 100, as in the book; the columns shall": percent(counts + more, 1),
            "this is the book's table of mistakes": percent(counts, 1),
            "nothing is added to the counts": percent(counts),
            "one is added to the counts, another number is asked for": percent(counts + 1),
            "these are shares; percent are asked for": right / 100,
            "these are counts; percent are asked for": counts + more,
            "rows and columns are exchanged": right.T,
            "rows are the true digits; here they are the answers": percent(counts.T + more),
            "the number is added to the counts, and so it is in each column's sum": 100
            * (counts + more)
            / counts.sum(axis=0),
            "the number is added to the counts, not to their sum alone": 100
            * counts
            / (counts + more).sum(axis=0),
            "these are the right answers alone; all hundred numbers are asked for": np.diag(right),
            "divide by the sum of a column, not by its largest number": 100
            * (counts + more)
            / (counts + more).max(axis=0),
            "the number is added to percent; add it to the counts": percent(counts) + more,
            "all hundred numbers add to 100; each column shall": 100
            * (counts + more)
            / (counts + more).sum(),
        }

    return Variant(
        "How far can an answer be trusted? Write `trust(found, truth)`: a table of ten rows, the true "
        "digits, and ten columns, the answers, in percent of its "
        f"*column*. So that no column is empty, add {more} to each of the hundred counts first.",
        "def trust(found, truth):\n"
        f"    counts = np.full((10, 10), {more})\n"
        "    np.add.at(counts, (np.asarray(truth), np.asarray(found)), 1)\n"
        "    return 100 * counts / counts.sum(axis=0, keepdims=True)",
        asked,
    )
