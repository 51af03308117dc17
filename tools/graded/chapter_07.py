"""The graded exercises of chapter 7, what is missing."""

import jax
import jax.numpy as jnp
import numpy as np

import bpc_minimal as bpc
from bpc_minimal.checks.core import exercise

from .variant import Draw, Variant


def some_network(draw, sizes, scale=1.0, **options):
    key = jax.random.PRNGKey(int(draw.rng.integers(10**6)))
    return jax.tree.map(lambda w: scale * w, bpc.make_network(key, sizes, **options))


def variant_1(draw: Draw) -> Variant:
    s, noise = draw.between(1.3, 3.2), draw.between(0.3, 0.9, 2)

    @exercise(
        "noisy_fill(rho)",
        cases=[(0.6,), (-0.3,), (0.9,), (0.1,)],
        why="noise hides a part of what the seen pixel could tell, and the rest of the variance stays.",
        hint="What is seen has the variance 1 + noise**2: which share of what is hidden does it explain?",
        rtol=1e-4,
    )
    def asked(rho):
        def error(square):
            return np.sqrt(square)

        seen = 1 + noise**2
        right = s * error(1 - rho**2 / seen)
        return right, {
            "this is the book's: no noise, and a variance of 1": error(1 - rho**2),
            "you forgot the noise": s * error(1 - rho**2),
            "you forgot the hidden pixel's standard deviation": right / s,
            "this is the mean squared error: take its root": right**2,
            "the standard deviation of the hidden pixel is squared once too often": s * right,
            "noise is given as a standard deviation: its square is the variance": s
            * error(1 - rho**2 / (1 + noise)),
            "this guesses as if there were no noise; trust what is seen less": s
            * error(1 - rho**2 + rho**2 * noise**2),
            "the noise is on what is seen, not on what is hidden": error(
                s**2 * (1 - rho**2) + noise**2
            ),
            "this is the guess's own size, not its error": s * abs(rho) / error(seen),
            "this ignores what is seen": s,
            "the share that is explained goes with rho's square": s * error(1 - abs(rho) / seen),
        }

    return Variant(
        "Two pixels have mean 0 and the correlation $\\rho$. The first has the variance 1, and it is "
        f"seen with noise: an independent number of the standard deviation {noise} is added to it. The "
        f"second has the *standard deviation* {s} and is hidden. Write `noisy_fill(rho)`: the root of "
        "the mean squared error of the best guess of the hidden one.",
        f"def noisy_fill(rho):\n    return {s} * np.sqrt(1 - rho**2 / (1 + {noise}**2))",
        asked,
    )


def variant_2(draw: Draw) -> Variant:
    factor, least = draw.between(0.5, 0.94, 2), draw.of(5, 6, 7)

    def some(n):
        image, one, other = (draw.normal(n, 12) for _ in range(3))
        return image + one, image + 1.1 * other, image, draw.rng.random((n, 12)) < 0.5

    @exercise(
        "clearly_closer(one, other, image, visible)",
        cases=[some(n) for n in (90, 120, 150)],
        why="a hair's breadth does not count as a win, nor an image of which little is hidden.",
        hint="Sum the squares of hidden pixels, image by image; leave images out before you divide.",
        rtol=1e-4,
    )
    def asked(one, other, image, visible):
        hidden = ~visible
        enough = hidden.sum(axis=1) >= least

        def sums(drawn, where=hidden, power=2):
            return (np.abs(drawn - image) ** power * where).sum(axis=1)

        def share(factor=factor, chosen=enough, where=hidden, power=2):
            won = sums(one, where, power) < factor * sums(other, where, power)
            return 100 * float(np.mean(won[chosen]))

        a, b = sums(one), sums(other)
        right = share()
        return right, {
            "this is the book's: a smaller sum is not enough, and few images count": share(
                1.0, slice(None)
            ),
            "a smaller sum is not enough here": share(1.0),
            "images with little hidden do not count": share(chosen=slice(None)),
            "images with little hidden are no wins here; they shall not count at all": 100
            * float(np.mean((a < factor * b) & enough)),
            "one hidden pixel fewer is enough": share(chosen=hidden.sum(axis=1) > least),
            "this counts the seen pixels of an image; the hidden ones decide": share(
                chosen=visible.sum(axis=1) >= least
            ),
            "these sums are of seen pixels": share(where=visible),
            "these sums are of all pixels": share(where=True),
            "these are absolute differences; squares are asked for": share(power=1),
            "the factor is the other sum's, not the first's": 100
            * float(np.mean((factor * a < b)[enough])),
            "the factor is of sums of squares, not of their roots": share(factor**2),
            "`one` and `other` are exchanged": 100 * float(np.mean((b < factor * a)[enough])),
            "this is a share: percent are asked for": right / 100,
            "this is a count: percent are asked for": right * enough.sum() / 100,
            "these are the others": 100 - right,
        }

    return Variant(
        "A smaller error may be smaller by a hair. Write `clearly_closer(one, other, image, visible)`: "
        "the percentage of images of which the completion `one` has a sum of squared errors over the "
        f"hidden pixels that is smaller than {factor} times the sum of the completion `other`. Images "
        f"with fewer than {least} hidden pixels do not count at all, neither above nor below the "
        "fraction line. `visible` is true where a pixel is seen; all are NumPy arrays of images by pixels.",
        "def clearly_closer(one, other, image, visible):\n    hidden = ~visible\n"
        "    a, b = [((drawn - image) ** 2 * hidden).sum(axis=1) for drawn in (one, other)]\n"
        f"    enough = hidden.sum(axis=1) >= {least}\n"
        f"    return 100 * float(np.mean((a < {factor} * b)[enough]))",
        asked,
    )


def variant_3(draw: Draw) -> Variant:
    share = round(draw.of(1, -1) * draw.between(0.15, 0.4, 2) % 1, 2)
    start = draw.of(1, -1) * draw.between(0.3, 1.2)

    def some(turns):
        network = some_network(draw, (10, 8, 7, 30), 2.5)
        return network, draw.normal(40, 30), draw.rng.random((40, 30)) < 0.4, turns

    @exercise(
        "slowly_confirmed(network, image, visible, turns)",
        cases=[some(turns) for turns in (3, 4, 2)],
        why="each turn takes a step towards the drawing, and the drawing may change on the way.",
        hint="A turn: sweep up, make the label certain, sweep down; then mix, where pixels are hidden.",
    )
    def asked(network, image, visible, turns):
        def confirmed(
            share=share, start=start, turns=turns, certain=True, seen=visible, again=True
        ):
            first = now = jnp.where(visible, image, start)
            for _ in range(turns):
                label = bpc.sweep_up(network, now if again else first)[0]
                label = bpc.one_hot(label.argmax(axis=1)) if certain else label
                drawn = bpc.sweep_down(network, label)[-1]
                now = jnp.where(seen, image, share * drawn + (1 - share) * now)
            return now

        def after_all():  # the hidden pixels are mixed with where they began, not with where they are
            now = first = jnp.where(visible, image, start)
            for _ in range(turns):
                label = bpc.one_hot(bpc.sweep_up(network, now)[0].argmax(axis=1))
                drawn = bpc.sweep_down(network, label)[-1]
                now = jnp.where(visible, image, share * drawn + (1 - share) * first)
            return now

        return confirmed(), {
            "this is the book's: the whole drawing is pasted, from 0 on": lambda: confirmed(
                1.0, 0.0
            ),
            "the whole drawing is pasted; mix it": lambda: confirmed(1.0),
            "hidden pixels begin at 0 here": lambda: confirmed(start=0.0),
            "hidden pixels begin as they are, which nobody knows": lambda: confirmed(start=image),
            "the shares are exchanged": lambda: confirmed(1 - share),
            "the label is not made certain": lambda: confirmed(certain=False),
            "one turn too few": lambda: confirmed(turns=turns - 1),
            "one turn too many": lambda: confirmed(turns=turns + 1),
            "only one turn counts": lambda: confirmed(turns=1),
            "the seen pixels are mixed too: keep the image's": lambda: confirmed(seen=False),
            "seen and hidden pixels are exchanged": lambda: confirmed(seen=~visible),
            "each turn reads what there was before the first": lambda: confirmed(again=False),
            "the rest is what the pixels hold now, not what they began with": after_all,
        }

    kept = round(1 - share, 2)
    return Variant(
        "Let a network confirm itself slowly. "
        f"Begin with hidden pixels at `{start}`. In each turn sweep up, make the label certain (1 at its "
        "largest unit, 0 elsewhere), sweep down from it, and let each hidden pixel become "
        f"{share} times the drawing's plus {kept} times what it holds. Write "
        "`slowly_confirmed(network, image, visible, turns)`, which returns the images after so many turns.",
        "def slowly_confirmed(network, image, visible, turns):\n"
        f"    now = jnp.where(visible, image, {start})\n    for _ in range(turns):\n"
        "        label = bpc.one_hot(bpc.sweep_up(network, now)[0].argmax(axis=1))\n"
        "        drawn = bpc.sweep_down(network, label)[-1]\n"
        f"        now = jnp.where(visible, image, {share} * drawn + {kept} * now)\n"
        "    return now",
        asked,
    )


def variant_4(draw: Draw) -> Variant:
    fill, best = draw.of(1, -1) * draw.between(0.2, 0.9, 2), draw.of(2, 3)

    def some(shares):
        network = some_network(draw, (10, 12, 11, 30), use_bias=False)
        return network, draw.normal(1500, 30), shares, draw.rng.random((1500, 30))

    @exercise(
        "same_answers(network, image, shares, chance)",
        cases=[some([0.0, 0.3, 0.5, 0.8]), some([0.2, 0.4, 0.6, 0.7])],
        why="whether an answer stays needs no label: each image is compared with itself.",
        hint="First the answers to the whole images; then, share by share, are they still among the best?",
        rtol=1e-3,
        atol=0.15,
    )
    def asked(network, image, shares, chance):
        def sweep(seen, fill):
            return np.asarray(bpc.sweep_up(network, jnp.where(seen, image, fill))[0])

        whole = sweep(True, 0.0).argmax(axis=1)

        def stay(fill=fill, best=best, hidden=lambda s: chance >= 1 - s):
            found = []
            for share in shares:
                order = np.argsort(-sweep(~hidden(share), fill), axis=1)[:, :best]
                found.append(100 * float(np.mean((order == whole[:, None]).any(axis=1))))
            return found

        right = stay()
        return right, {
            "hidden pixels are at 0 here": lambda: stay(0.0),
            "hidden pixels have the wrong sign": lambda: stay(-fill),
            "only the first answer counts here": lambda: stay(best=1),
            "one answer too many counts": lambda: stay(best=best + 1),
            "as in the book, a small chance hides; here a large one does": lambda: stay(
                hidden=lambda s: chance < s
            ),
            "hidden and seen are exchanged": lambda: stay(hidden=lambda s: chance < 1 - s),
            "the shares are what is hidden, not what is seen": lambda: stay(
                hidden=lambda s: chance >= s
            ),
            "all images lose the first image's pixels": lambda: stay(
                hidden=lambda s: chance[:1] >= 1 - s
            ),
            "these are shares: percent are asked for": [x / 100 for x in right],
            "these are the answers that change": [100 - x for x in right],
            "the last share is used for all": [right[-1]] * len(right),
            "nothing is hidden": lambda: stay(hidden=lambda s: chance > 1),
        }

    words = {2: "two", 3: "three"}[best]
    return Variant(
        "How long does an answer stay, whether it is right or not? `chance` holds a number between 0 "
        "and 1 for each pixel of each image, and at the share `s` the pixels with a chance of at least "
        f"`1 - s` are hidden: they are put at `{fill}`. Write "
        "`same_answers(network, image, shares, chance)`: a list, for each share the percentage of images "
        "of which the sweep's answer to the whole image, its largest label unit, is still among the "
        f"{words} largest label units of the sweep from what is left.",
        "def same_answers(network, image, shares, chance):\n"
        "    whole = np.asarray(bpc.sweep_up(network, jnp.asarray(image))[0]).argmax(axis=1)\n"
        "    found = []\n    for share in shares:\n"
        f"        seen = jnp.where(chance >= 1 - share, {fill}, image)\n"
        f"        best = np.argsort(-np.asarray(bpc.sweep_up(network, seen)[0]), axis=1)[:, :{best}]\n"
        "        found.append(100 * float(np.mean((best == whole[:, None]).any(axis=1))))\n"
        "    return found",
        asked,
    )


def variant_5(draw: Draw) -> Variant:
    among, least = draw.of(3, 4, 5, 6, 7), draw.between(0.55, 0.95, 2)

    def some(count, share):
        known = draw.normal(80, 24)
        image = known[draw.rng.integers(0, 80, count)] + 0.9 * draw.normal(count, 24)
        visible = draw.rng.random((count, 24)) < 0.5
        drawn = share * image + 0.3 * known[draw.rng.integers(0, 80, count)]
        return drawn + 0.5 * draw.normal(count, 24), image, visible, known

    @exercise(
        "copied_from_any(drawn, image, visible, known)",
        cases=[some(600, 0.5), some(500, 0.65)],
        why="more rivals are harder to be farther from, and a copy has to be much nearer.",
        hint="Which rows of `known` are nearest in visible pixels? Take the hidden pixels of each, and the "
        "smallest of the gaps.",
        rtol=1e-4,
        atol=0.05,
    )
    def asked(drawn, image, visible, known):
        drawn, image, known = (np.asarray(x, float) for x in (drawn, image, known))

        def gaps(one, other, where):
            return ((one - other) ** 2 * where).sum(axis=-1)

        def share(among=among, least=least, by=visible, where=~visible, turn=1, last=np.min):
            far = turn * gaps(image[:, None], known, by[:, None])
            rivals = known[np.argsort(far, axis=1)[:, :among]]
            to_rival = last(gaps(drawn[:, None], rivals, where[:, None]), axis=1)
            return 100 * float(np.mean(to_rival < least * gaps(drawn, image, where)))

        right, ones = share(), np.ones_like(visible)
        return right, {
            "this is the book's: one rival, and nearer is enough": lambda: share(1, 1.0),
            "only the nearest is a rival here": lambda: share(1),
            "nearer is not enough: by a factor": lambda: share(least=1.0),
            "the factor is of the sums of squares, not of their roots": lambda: share(
                least=least**2
            ),
            "the factor is on the other side": lambda: share(least=1 / least),
            "one rival too few": lambda: share(among - 1),
            "one rival too many": lambda: share(among + 1),
            "nearest by hidden pixels, which nobody has": lambda: share(by=~visible),
            "nearest by all pixels": lambda: share(by=ones),
            "these are the farthest": lambda: share(turn=-1),
            "visible pixels are compared": lambda: share(where=visible),
            "all pixels are compared": lambda: share(where=ones),
            "nearer to all of them is more than is asked for: to any": lambda: share(last=np.max),
            "nearer on average; to any of them is asked for": lambda: share(last=np.mean),
            "this is a share: percent are asked for": right / 100,
            "these are no copies; the copies are asked for": 100 - right,
        }

    return Variant(
        "Is a completion a copy of one of several training images? Write "
        f"`copied_from_any(drawn, image, visible, known)`. The rivals of an image are the {among} rows of "
        "`known` that are nearest to it in visible pixels. It counts as copied if, over the hidden pixels, "
        f"its completion `drawn` has a sum of squared gaps to *any* of its rivals that is less than {least} "
        "times that to the image itself. Give the percentage of images that are copied.",
        "def copied_from_any(drawn, image, visible, known):\n    found = []\n"
        "    for d, x, seen in zip(drawn, image, visible, strict=True):\n"
        "        far = np.sum((known - x)[:, seen] ** 2, axis=1)\n"
        f"        rivals = known[np.argsort(far)[:{among}]]\n"
        "        gaps = np.sum((rivals - d)[:, ~seen] ** 2, axis=1)\n"
        f"        found.append(gaps.min() < {least} * np.sum((d - x)[~seen] ** 2))\n"
        "    return 100 * float(np.mean(found))",
        asked,
    )
