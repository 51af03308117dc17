"""The exercises of chapter 7, what is missing: what can be known of hidden pixels, and what is made up."""

import jax
import jax.numpy as jnp
import numpy as np

import bpc_minimal as bpc
from bpc_minimal.checks.core import exercise


@exercise(
    "fill_error(rho)",
    goal="say how far the best guess of a hidden pixel is off",
    minutes=10,
    cases=[(0.6,), (-0.3,), (0.9,), (0.1,)],
    why="the seen pixel explains the share rho^2 of the variance, and the rest stays unknown to any network.",
    hint="The best guess of b, given a, is rho a: what is the mean of (b - rho a)^2?",
    rtol=1e-4,
)
def exercise_1(rho):
    """Measure the error of the best guess of one pixel from another."""
    root = np.sqrt
    return root(1 - rho**2), {
        "this is the mean squared error: take its root": 1 - rho**2,
        "the share that is explained goes with rho's square": root(1 - abs(rho)),
        "the share that is explained goes with rho's square, and the root is missing": 1 - abs(rho),
        "the sign of rho does not matter: a guess can follow either": root(1 - rho),
        "the sign of rho does not matter, its square does, and the root is missing": 1 - rho,
        "this is the guess's own size, not its error": abs(rho),
        "this is rho; the error is asked for": rho,
        "this is the share that is explained; the error is of the rest": rho**2,
        "this is the error of copying the seen pixel; rho times it is better": root(2 * (1 - rho)),
        "this is the mean square of copying the seen pixel": 2 * (1 - rho),
        "this is the error of the mean, which ignores what is seen": 1.0,
        "this is the guess's variance added, not taken away": root(1 + rho**2),
        "this is one over it": 1 / root(1 - rho**2),
        "this is for noise of variance 1 on top": root(2 - rho**2),
        "this is twice: one pixel is hidden": root(2 * (1 - rho**2)),
    }


def two_drawings(rng):
    """Draw images, what is seen of them, and two completions that differ where they are seen, too."""
    for n in (30, 50, 70):
        image, one, other = (rng.normal(size=(n, 12)).astype(np.float32) for _ in range(3))
        one, other = image + one, image + 1.1 * other
        other[:3] = one[:3]  # neither is closer
        yield one, other, image, rng.random((n, 12)) < 0.5


def against_the_gaussian(share_closer, *, drawings, pixels, lower):
    """Say what the exercise asks of Figure 2, by the names of its rows."""
    image, gaussian = np.asarray(pixels), np.asarray(drawings["a Gaussian"])
    asked = "BPC with masks, two sweeps", "BPC, settled"
    found = [share_closer(np.asarray(drawings[name]), gaussian, image, lower) for name in asked]
    said = [f"{name}, for ≈ {float(x):.0f} %" for name, x in zip(asked, found, strict=True)]
    return (
        "each image is its own control, so that a few hard ones do not decide for all. "
        f"Closer than the Gaussian is {'; '.join(said)} of the images."
    )


@exercise(
    "share_closer(one, other, image, visible)",
    goal="compare two completions image by image",
    minutes=15,
    cases=two_drawings,
    why=against_the_gaussian,
    hint="For each image add up the squares of hidden pixels, for both; count where the first is smaller.",
    rtol=1e-4,
)
def exercise_2(one, other, image, visible):
    """Count the images that the first completes better."""
    hidden = ~visible

    def sums(drawn, where, power=2):
        return (np.abs(drawn - image) ** power * where).sum(axis=1)

    def share(first, second):
        return 100 * float(np.mean(first < second))

    a, b = sums(one, hidden), sums(other, hidden)
    each = ((one - image) ** 2 < (other - image) ** 2)[hidden]
    right = share(a, b)
    return right, {
        "this is a share: percent are asked for": right / 100,
        "this is a count: percent are asked for": right * len(image) / 100,
        "the other one is closer there: exchange them": share(b, a),
        "where both are as far, the first is not closer": 100 * float(np.mean(a <= b)),
        "these are the visible pixels; the hidden ones are asked for": share(
            sums(one, visible), sums(other, visible)
        ),
        "all pixels are counted; only hidden ones are asked for": share(
            sums(one, 1), sums(other, 1)
        ),
        "these are absolute differences; squares are asked for": share(
            sums(one, hidden, 1), sums(other, hidden, 1)
        ),
        "these differences cancel: square them": share(
            ((one - image) * hidden).sum(axis=1), ((other - image) * hidden).sum(axis=1)
        ),
        "these are pixels that are closer, not images": 100 * float(each.mean()),
        "this adds over the images; add over the pixels of each": 100
        * float(
            np.mean(
                ((one - image) ** 2 * hidden).sum(axis=0)
                < ((other - image) ** 2 * hidden).sum(axis=0)
            )
        ),
        "this decides once for all images: compare each": 100 * float(a.sum() < b.sum()),
        "this is the worst pixel of each image; add all of them up": share(
            ((one - image) ** 2 * hidden).max(axis=1), ((other - image) ** 2 * hidden).max(axis=1)
        ),
        "these are the drawings themselves; take the image away": share(
            (one**2 * hidden).sum(axis=1), (other**2 * hidden).sum(axis=1)
        ),
        "this is how much closer it is on average, not how often": float(
            100 * (1 - a.sum() / b.sum())
        ),
        "this compares one with the other, not with the image": 100
        * float(np.mean(((one - other) ** 2 * hidden).sum(axis=1) < 1)),
    }


def small_problem(rng):
    """Draw a network, images and what is seen of them."""
    for seed, turns in ((0, 3), (1, 4), (2, 2)):
        network = bpc.make_network(jax.random.PRNGKey(seed), (10, 8, 7, 30))
        yield (
            jax.tree.map(lambda w: 2.5 * w, network),
            np.float32(rng.normal(size=(40, 30))),
            rng.random((40, 30)) < 0.4,
            turns,
        )


def pasted(network, image, visible, turns, *, certain=True, layer=0, start=0.0):
    """Paste what the label draws into hidden pixels, turn after turn."""
    now = jnp.where(visible, image, start)
    for _ in range(turns):
        z = bpc.sweep_up(network, now)[layer]
        if layer == 0 and certain:
            z = bpc.one_hot(z.argmax(axis=1))
        drawn = z
        for l in range(layer, network.depth):
            drawn = network.f(l, drawn)
        now = jnp.where(visible, image, drawn)
    return now


@exercise(
    "confirm(network, image, visible, turns)",
    goal="break completion: let a network confirm its own first guess",
    minutes=20,
    cases=small_problem,
    why="each turn shows the network its own answer, so that a wrong one is confirmed too.",
    hint="A turn: sweep up, largest label unit 1 and the others 0, sweep down, paste into hidden pixels.",
    rtol=1e-3,
)
def exercise_3(network, image, visible, turns):
    """Confirm a guess by what it draws."""
    given = network, jnp.asarray(image), jnp.asarray(visible)
    right = pasted(*given, turns)
    seen = jnp.where(visible, image, 0.0)
    label = bpc.one_hot(bpc.sweep_up(network, right)[0].argmax(axis=1))
    whole = bpc.sweep_down(network, label)[-1]
    return right, {
        "the label is not made certain: 1 at the largest unit, 0 elsewhere": lambda: pasted(
            *given, turns, certain=False
        ),
        "it draws from the hidden layer beside the image; the label is asked for": lambda: pasted(
            *given, turns, layer=network.depth - 1
        ),
        "one turn too few": lambda: pasted(*given, turns - 1),
        "one turn too many": lambda: pasted(*given, turns + 1),
        "only one turn counts: is the sweep up in the loop, and of the pasted image?": lambda: (
            pasted(*given, 1)
        ),
        "nothing was pasted: this is what is seen": seen,
        "the seen pixels are the drawing's too: keep the image's": lambda: redrawn(*given, turns),
        "it pastes into the seen pixels; the hidden ones are missing": lambda: jnp.where(
            visible, whole, image
        ),
        "it starts from the whole image, which nobody has: hidden pixels start at 0": lambda: (
            pasted(*given, turns, start=given[1])
        ),
        "hidden pixels start at 1 here; at 0, the mean pixel": lambda: pasted(
            *given, turns, start=1.0
        ),
        "what it draws is added to the seen image, and fills visible pixels too": lambda: (
            seen + redrawn(*given, turns)
        ),
    }


def redrawn(network, image, visible, turns):
    """Draw the last turn without pasting it."""
    before = pasted(network, image, visible, turns - 1)
    label = bpc.one_hot(bpc.sweep_up(network, before)[0].argmax(axis=1))
    return bpc.sweep_down(network, label)[-1]


def readers(rng):
    """Draw networks that read, images, labels that they mostly give, and chances."""
    for seed in (0, 1):
        network = bpc.make_network(jax.random.PRNGKey(seed), (10, 12, 11, 30))
        images = np.float32(rng.normal(size=(800, 30)))
        labels = np.asarray(bpc.sweep_up(network, jnp.asarray(images))[0].argmax(axis=1))
        labels = np.where(rng.random(800) < 0.2, (labels + 1) % 10, labels)
        yield network, images, labels, [0.0, 0.3, 0.55, 0.9], rng.random((800, 30))


@exercise(
    "by_share(network, image, label, shares, chance)",
    goal="draw how accuracy falls with what is hidden",
    minutes=30,
    cases=readers,
    why="the same pixels go first for every network, so that the curves can be compared.",
    hint="For each share: see the pixels whose chance is at least the share, put the others at 0, sweep up.",
    rtol=0.01,
    atol=0.3,
)
def exercise_4(network, image, label, shares, chance):
    """Read by a sweep with more and more hidden."""
    image, count = jnp.asarray(image), len(label)

    def read(visible, fill=0.0):
        answers = bpc.sweep_up(network, jnp.where(visible, image, fill))[0].argmax(axis=1)
        return 100 * float(np.mean(np.asarray(answers) == label))

    right = [read(chance >= share) for share in shares]
    return right, {
        "these are shares: percent are asked for": [x / 100 for x in right],
        "these are counts: percent are asked for": [x * count / 100 for x in right],
        "this is what is wrong; what is right is asked for": [100 - x for x in right],
        "hidden and seen are exchanged": [read(chance < share) for share in shares],
        "the shares are what is seen here; they are what is hidden": [
            read(chance >= 1 - share) for share in shares
        ],
        "nothing is hidden": [read(chance >= 0) for _ in shares],
        "hidden pixels are at -1 here; at 0": [read(chance >= share, -1.0) for share in shares],
        "hidden pixels are at 1 here; at 0": [read(chance >= share, 1.0) for share in shares],
        "all images lose the first image's pixels": [read(chance[:1] >= share) for share in shares],
        "whole images are hidden, by the chance of their first pixel": [
            read(chance[:, :1] >= share) for share in shares
        ],
        "this is only what the network changes its mind about": [right[0] - x for x in right],
        "the last share is used for all": [right[-1]] * len(shares),
        "the seen pixels are made stronger to make up for the hidden ones": [
            100
            * float(
                np.mean(
                    np.asarray(
                        bpc.sweep_up(network, jnp.where(chance >= share, image, 0.0) / (1 - share))[
                            0
                        ].argmax(axis=1)
                    )
                    == label
                )
            )
            for share in shares
        ],
    }


def rememberers(rng):
    """Draw images, a mask for each, what is known besides, and completions between own and known halves."""
    for count, share in ((400, 0.4), (300, 0.6)):
        known = rng.normal(size=(80, 24)).astype(np.float32)
        image = np.float32(known[rng.integers(0, 80, count)] + 0.9 * rng.normal(size=(count, 24)))
        visible = rng.random((count, 24)) < 0.5
        visible[:, 0], visible[:, 1] = True, False
        model = known[rng.integers(0, 80, count)] * 0.3 + share * image
        yield (
            np.float32(model + 0.5 * rng.normal(size=(count, 24))), image, visible, known,
        )  # fmt: skip


@exercise(
    "share_copied(drawn, image, visible, known)",
    goal="ask of a completion whether it is a copy of a training image",
    minutes=20,
    cases=rememberers,
    why="a copy is nearer to what was copied; the best guess is no nearer to the one than to the other.",
    hint="For each image: which row of `known` is nearest in visible pixels? Compare hidden ones with it, "
    "and with the image's own.",
    rtol=1e-4,
    atol=0.05,
)
def exercise_5(drawn, image, visible, known):
    """Count the completions that are nearer to the nearest known image than to their own."""
    drawn, image, known = (np.asarray(x, float) for x in (drawn, image, known))
    ones = np.ones_like(visible)

    def gaps(one, other, where):
        return ((one - other) ** 2 * where).sum(axis=-1)

    def nearest(of, where, turn=1):
        return known[np.argmin(turn * gaps(of[:, None], known, where[:, None]), axis=1)]

    def share(rival, where=~visible):
        return 100 * float(np.mean(gaps(drawn, rival, where) < gaps(drawn, image, where)))

    rival = nearest(image, visible)
    one_for_all = known[np.argmin(gaps(image.mean(axis=0), known, 1.0))]
    right = share(rival)
    return right, {
        "this is a share: percent are asked for": right / 100,
        "this is a count: percent are asked for": right * len(image) / 100,
        "these are nearer to their own; the copies are asked for": 100 - right,
        "the nearest is found by hidden pixels, which nobody has: by visible ones": share(
            nearest(image, ~visible)
        ),
        "the nearest is found by all pixels; hidden ones nobody has": share(nearest(image, ones)),
        "the nearest is found by what was drawn; by what is visible": share(
            nearest(drawn, ~visible)
        ),
        "the nearest is found by the whole drawing; by what is visible": share(
            nearest(drawn, ones)
        ),
        "hidden pixels count as 0 in the image and not in `known`: leave them out of both": share(
            nearest(image * visible, ones)
        ),
        "this is the farthest; the nearest is asked for": share(nearest(image, visible, -1)),
        "visible pixels are compared; the hidden ones were drawn": share(rival, visible),
        "all pixels are compared; only the hidden ones were drawn": share(rival, ones),
        "one known image is the rival of all: each has its nearest": share(one_for_all),
        "each is compared with a known image in the same place, not with its nearest": share(
            known[np.arange(len(image)) % len(known)]
        ),
        "the known image is compared with the image; the drawing is asked about": 100
        * float(np.mean(gaps(rival, image, ~visible) < gaps(drawn, image, ~visible))),
        "which is nearer to the known image, the drawing or the image? Ask to which the drawing is": 100
        * float(np.mean(gaps(drawn, rival, ~visible) < gaps(image, rival, ~visible))),
        "this decides once for all images: compare each": 100
        * float(gaps(drawn, rival, ~visible).sum() < gaps(drawn, image, ~visible).sum()),
    }
