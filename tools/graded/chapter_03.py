"""The graded exercises of chapter 3, the hybrid amortiser."""

import jax
import numpy as np

import bpc_minimal as bpc
from bpc_minimal.checks.core import exercise

from .variant import Draw, Variant


def variant_1(draw: Draw) -> Variant:
    sizes = (10, draw.of(120, 160, 240), draw.of(90, 150, 200), 784)
    sweeps, words = draw.of(
        (1, "It begins with one sweep up."),
        (2, "It begins with one sweep up, and ends with another."),
    )

    @exercise(
        "multiplications_1(steps)",
        cases=[(0,), (1,), (4,), (25,)],
        why="one product a matrix for each sweep; in a step each of the two networks takes two.",
        hint="Count the products of one pair of layers in one step: there are two networks.",
    )
    def asked(steps):
        each = [a * b for a, b in zip(sizes[:-1], sizes[1:], strict=True)]
        weights = sum(each)

        def count(sweep, step, weights=weights):
            return weights * (sweep + step * steps)

        return count(sweeps, 4), {
            "this counts one network's products in a step; both move the layers": count(sweeps, 2),
            "a step carries every error back, too": count(sweeps, 1),
            "the sweeps are forgotten": count(0, 4),
            "another number of sweeps is asked for": count(3 - sweeps, 4),
            "a sweep up takes the amortiser alone": count(4 * sweeps, 4),
            "these are the sizes of the chapter": count(sweeps, 4, 10 * 64 + 64 * 64 + 64 * 784),
            "this is the count of the book's exercise": count(1, 2, 10 * 64 + 64 * 64 + 64 * 784),
            "these are units, not multiplications": count(sweeps, 4, sum(sizes)),
            "both networks carry errors back, and both predict: four products in a step": count(
                sweeps, 3
            ),
            "the sweeps are forgotten, and one network's products": count(0, 2),
            "additions are counted too; multiplications are asked for": 2 * count(sweeps, 4),
            "a sweep is made before and after all steps, not in each": weights
            * (sweeps + 4)
            * steps,
            "this is one step, with the sweeps": weights * (sweeps + 4),
            "one step too many": weights * (sweeps + 4 * (steps + 1)),
            "one step too few": weights * (sweeps + 4 * (steps - 1)),
            "the matrix between the label and its neighbour is left out": count(
                sweeps, 4, sum(each[1:])
            ),
            "the matrix at the image is left out": count(sweeps, 4, sum(each[:-1])),
            "a matrix has as many entries as both its layers' units multiplied, not a layer's squared": (
                count(sweeps, 4, sum(n**2 for n in sizes))
            ),
        }

    return Variant(
        f"Count multiplications again. A network of the sizes {sizes} reads one image, and both of its "
        f"networks move every layer: in each step both predict "
        f"(one product for each of their matrices), and both carry their errors back (one more each). "
        f"{words} Write "
        "`multiplications_1(steps)` for reading one image with that many steps, all sweeps included; a "
        "product of a matrix of $m$ by $n$ with a vector costs $m n$.",
        "def multiplications_1(steps):\n"
        f"    sizes = {sizes}\n"
        "    weights = sum(a * b for a, b in zip(sizes[:-1], sizes[1:], strict=True))\n"
        f"    return weights * ({sweeps} + 4 * steps)",
        asked,
    )


SIZES = (10, 64, 64, 784)


def act(l, z_l):
    return z_l if l in (0, 3) else np.maximum(z_l, 0)


def variant_2(draw: Draw) -> Variant:
    share = round(draw.of(1, -1) * draw.between(0.1, 0.4, 2) % 1, 2)

    def some(batch):
        pairs = zip(SIZES[:-1], SIZES[1:], strict=True)
        amortiser = [draw.normal(n, m) / np.float32(np.sqrt(m)) for n, m in pairs]
        return amortiser, *([draw.normal(batch, n) for n in SIZES] for _ in range(2))

    @exercise(
        "mixed_gradient(amortiser, z, swept)",
        cases=[some(b) for b in (4, 3, 5)],
        why="the error and the rate that it sees are those of the same mixed input.",
        hint="Mix the layer below first; then the chapter's rule, with the mixed input in the "
        "error and in the rate.",
    )
    def asked(amortiser, z, swept):
        def gradient(share=share, mean=True, sign=-1, active=True, rate_of=None):
            found = []
            for l, W in enumerate(amortiser):
                x = share * z[l + 1] + (1 - share) * swept[l + 1]
                seen = act(l + 1, x) if active else x
                rate = {None: seen, "swept": act(l + 1, swept[l + 1])}[rate_of]
                d = z[l] - seen @ W.T
                found.append(sign * d.T @ rate / (len(d) if mean else 1))
            return found

        return gradient(), {
            "this learns from swept inputs, as the chapter does": gradient(0.0),
            "this learns from settled inputs": gradient(1.0),
            "the shares are exchanged": gradient(1 - share),
            "the two count the same here; the shares are others": gradient(0.5),
            "the sign is wrong: this is the step, not the gradient": gradient(sign=1),
            "the sum over the batch, not its mean": gradient(mean=False),
            "twice: you forgot the 1/2 of the energy": gradient(sign=-2),
            "the hidden layers are not activated": gradient(active=False),
            "the rates are mixed here; mix the inputs before the activation": [
                -(z[l] - mixed @ W.T).T @ mixed / len(mixed)
                for l, W in enumerate(amortiser)
                for mixed in [share * act(l + 1, z[l + 1]) + (1 - share) * act(l + 1, swept[l + 1])]
            ],
            "the mean over the units, too; over the batch alone": [
                part / W.shape[0] for part, W in zip(gradient(), amortiser, strict=True)
            ],
            "the rate is that of the swept input; error and rate see the same": gradient(
                rate_of="swept"
            ),
        }

    return Variant(
        rf"What if the amortiser learned from inputs between the two? Let the input from below be "
        rf"$x_{{l+1}} = {share}\, z_{{l+1}} + {round(1 - share, 2)}\, z^\text{{swept}}_{{l+1}}$, "
        r"settled and swept mixed before the activation, and $d_l = z_l - W_l\,\mathrm{act}(x_{l+1})$. "
        r"Write `mixed_gradient(amortiser, z, swept)`: "
        r"the gradient of $\frac12 \sum_l \lVert d_l \rVert^2$, averaged over the batch, by each "
        r"matrix, as `amortiser_gradient` gives it.",
        "def mixed_gradient(amortiser, z, swept):\n    gradient = []\n    for l in range(L):\n"
        f"        x = {share} * z[l + 1] + {round(1 - share, 2)} * swept[l + 1]\n"
        "        d = z[l] - guess(amortiser, l, x)\n"
        "        gradient.append(-d.T @ act(l + 1, x) / len(d))\n    return gradient",
        asked,
    )


def variant_3(draw: Draw) -> Variant:
    old = sorted(draw.some(4, *range(10)))

    def some(n):
        truth = np.concatenate([np.arange(10), draw.rng.integers(10, size=n)])
        noise = draw.rng.integers(10, size=(2, len(truth)))
        before = np.where(draw.rng.random(len(truth)) < 0.8, truth, noise[0])
        before[:10] = truth[:10]
        after = np.where(draw.rng.random(len(truth)) < 0.4, truth, noise[1])
        return before, after, truth

    @exercise(
        "forgotten(before, after, truth)",
        cases=[some(n) for n in (90, 70, 50)],
        why="of what was known, the share that is known no more: what is learned anew does not hide it.",
        hint="Choose the images of those digits that were right before; of these, how many are "
        "wrong after?",
    )
    def asked(before, after, truth):
        was, now, chosen = before == truth, after == truth, np.isin(truth, old)

        def percent(what, of):
            return 100 * np.mean(what[of])

        right = percent(~now, was & chosen)
        return right, {
            "this is of all digits": percent(~now, was),
            "this is of the other digits": percent(~now, was & ~chosen),
            "of all their images; only of those that were right before": percent(
                was & ~now, chosen
            ),
            "this is what is kept": percent(now, was & chosen),
            "this is the fall of the accuracy: what is learned anew hides what is forgotten": percent(
                was, chosen
            )
            - percent(now, chosen),
            "a share; percent are asked for": right / 100,
            "these are wrong after, whatever they were before": percent(~now, chosen),
            "before and after are exchanged": percent(~was, now & chosen),
        }

    return Variant(
        f"What has been forgotten? A network gave the answers `before`, and later `after`, to images "
        f"whose digits are `truth`. Of the images of the digits {old[0]}, {old[1]}, {old[2]} and "
        f"{old[3]} "
        "that it read right before, how many percent does it read wrong after? Write "
        "`forgotten(before, after, truth)`.",
        "def forgotten(before, after, truth):\n"
        f"    known = (before == truth) & np.isin(truth, {old})\n"
        "    return 100 * np.mean((after != truth)[known])",
        asked,
    )


def variant_4(draw: Draw) -> Variant:
    axis, sign, words = draw.of((2, -1, "to the left"), (1, 1, "downwards"), (1, -1, "upwards"))
    first, fill = draw.of(2, 3), draw.of(*range(20, 240, 5))

    def some(by):
        key = jax.random.PRNGKey(int(draw.rng.integers(10**6)))
        network = bpc.make_network(key, (10, 12, 12, 784), use_bias=False)
        network = jax.tree.map(lambda w: 3 * w, network)
        images = draw.rng.integers(256, size=(200, 28, 28)).astype(np.uint8)
        images *= draw.rng.random(images.shape) < 0.26  # as dark on average as digits are
        moved = shift(images, axis, sign, by, fill)
        order = np.argsort(-np.asarray(bpc.sweep_up(network, bpc.normalise(moved))[0]), axis=1)
        lucky = draw.rng.integers(0, 5, size=200)
        return network, images, order[np.arange(200), lucky], by

    def shift(images, axis, sign, by, fill):
        moved = np.full_like(images, fill)
        kept = [slice(None)] * 3
        goes = list(kept)
        goes[axis] = slice(by, None) if sign > 0 else slice(None, 28 - by)
        kept[axis] = slice(None, 28 - by) if sign > 0 else slice(by, None)
        moved[tuple(goes)] = images[tuple(kept)]
        return moved

    @exercise(
        "moved_4(network, images, labels, by)",
        cases=[some(p) for p in (3, 0, 6)],
        why="the images were moved, and an answer counts that is among the best.",
        hint="Move the bytes, normalise, sweep up, and look whether the label is among the "
        "largest numbers.",
    )
    def asked(network, images, labels, by):
        def percent(axis=axis, sign=sign, first=first, by=by, fill=fill):
            moved = shift(images, axis, sign, by, fill)
            order = np.argsort(-np.asarray(bpc.sweep_up(network, bpc.normalise(moved))[0]), axis=1)
            return 100 * float(np.mean((order[:, :first] == labels[:, None]).any(axis=1)))

        def of(moved):
            order = np.argsort(-np.asarray(bpc.sweep_up(network, bpc.normalise(moved))[0]), axis=1)
            return 100 * float(np.mean((order[:, :first] == labels[:, None]).any(axis=1)))

        def over_itself():
            where = shift(np.zeros_like(images), axis, sign, by, 1) == 1
            return np.where(where, images, shift(images, axis, sign, by, 0))

        return percent(), {
            "the image has an edge: `np.roll` brings back on one side what leaves on the other": of(
                np.roll(images, sign * by, axis)
            ),
            "what was there stays where nothing is left; a byte is asked for": of(over_itself()),
            "one pixel too far": percent(by=by + 1),
            "twice as far": percent(by=2 * by),
            "this counts images; percent are asked for": percent() * len(labels) / 100,
            "this is the book's exercise: to the right, and the first answer alone": percent(
                2, 1, 1, fill=0
            ),
            "0 stands where nothing is left; another number is asked for": percent(fill=0),
            "only the first answer counts here": percent(first=1),
            "one answer too many counts": percent(first=first + 1),
            "the images move the other way": percent(sign=-sign),
            "rows and columns are exchanged": percent(axis=3 - axis),
            "nothing moves": percent(by=0),
            "this is a share; percent are asked for": percent() / 100,
            "this is the percentage of errors": 100 - percent(),
        }

    code = {
        (2, -1): "moved[:, :, : 28 - by] = images[:, :, by:]",
        (1, 1): "moved[:, by:] = images[:, : 28 - by]",
        (1, -1): "moved[:, : 28 - by] = images[:, by:]",
    }[axis, sign]
    return Variant(
        f"Move images (bytes, 28 by 28) {words} by `by` pixels, with bytes of {fill} where nothing "
        f"is left, and let the sweep read them. Count an image as right if its label is among the "
        f"{first} largest of its ten numbers. Write `moved_4(network, images, labels, by)`, in "
        f"percent; `by` may be 0.",
        f"def moved_4(network, images, labels, by):\n    moved = np.full_like(images, {fill})\n"
        f"    {code}\n"
        "    found = np.asarray(bpc.sweep_up(network, bpc.normalise(moved))[0])\n"
        f"    best = np.argsort(-found, axis=1)[:, :{first}]\n"
        "    return 100 * np.mean((best == np.asarray(labels)[:, None]).any(axis=1))",
        asked,
    )


def variant_5(draw: Draw) -> Variant:
    share = draw.between(0.55, 0.95, 2)

    def some(steps, images):
        falls = draw.rng.exponential(size=(steps, images)) * 0.8 ** np.arange(steps)[:, None]
        start = falls.sum(axis=0) + draw.rng.uniform(2, 5, images)
        return (np.concatenate([start[None], start - np.cumsum(falls, axis=0)]).astype(np.float32),)

    @exercise(
        "steps_for(energies)",
        cases=[some(12, 7), some(20, 5), some(9, 8)],
        why="measured by its own fall, an image whose energy ends high is not counted as slow.",
        hint="The whole fall is row 0 minus the last row; look for the first row at which that "
        "share of it is done.",
    )
    def asked(energies):
        fall = energies[0] - energies
        whole = fall[-1]
        right = (fall >= share * whole).argmax(axis=0)
        images, falls = np.arange(len(right)), -np.diff(energies, axis=0)
        return right, {
            "one answer for all images: each has its own": (
                fall.mean(axis=1) >= share * whole.mean()
            ).argmax(),
            "each image has its own fall; this is a share of the largest": (
                fall >= share * whole.max()
            ).argmax(axis=0),
            "each image has its own fall; this is a share of their mean": (
                fall >= share * whole.mean()
            ).argmax(axis=0),
            "this is a share of the first energy, not of what it falls": (
                energies <= share * energies[0]
            ).argmax(axis=0),
            "the whole fall goes to the last row; this ends a row before": (
                fall >= share * fall[-2]
            ).argmax(axis=0),
            "all of the fall; a share of it is asked for": np.full_like(right, len(fall) - 1),
            "this is the step that falls most": falls.argmax(axis=0) + 1,
            "these are the steps that are left; those that were taken are asked for": len(fall)
            - 1
            - right,
            "this counts the rows where it is done; the first of them is asked for": len(fall)
            - right,
            "this is a share of the steps; their number is asked for": right / (len(fall) - 1),
            "this is the energy there; the number of the step is asked for": energies[
                right, images
            ],
            "this is the fall there; the number of the step is asked for": fall[right, images],
            "this says where it is done; the first such step is asked for": (
                fall >= share * whole
            ).astype(float),
            "the first axis is the step; this goes along the images": (
                energies[:, :1] - energies >= share * (energies[:, :1] - energies[:, -1:])
            ).argmax(axis=1),
            "the slowest image alone; one number an image": right.max(),
            "the order of the images is lost": np.sort(right),
            "the fastest image alone; one number an image": right.min(),
            "all images' steps together; one number an image": right.sum(),
            "the share that is left, and not that is done": (fall >= (1 - share) * whole).argmax(
                axis=0
            ),
            "one too many: row 0 is before any step": right + 1,
            "this counts from the energy 0; the fall ends at the last row": (
                energies <= (1 - share) * energies[0]
            ).argmax(axis=0),
            "this is a mark on the energy, not on its fall": (
                energies <= energies[-1] / share
            ).argmax(axis=0),
            "the mean over the images; one number an image": right.mean(),
            "one too few: this counts the rows above, without row 0": (fall < share * whole).sum(
                axis=0
            )
            - 1,
        }

    return Variant(
        "How many steps does settling take, measured by what it gains? The first axis of `energies` is "
        "the step, the second the image; row 0 is before any step, and energies only fall. Write "
        f"`steps_for(energies)`: for each image the number of the first step after which at least "
        f"{share} of its whole fall, from row 0 to the last row, is done.",
        "def steps_for(energies):\n    fall = energies[0] - energies\n"
        f"    return (fall >= {share} * fall[-1]).argmax(axis=0)",
        asked,
    )
