"""The graded exercises of chapter 12, open ends."""

import jax
import jax.numpy as jnp
import numpy as np

import bpc_minimal as bpc
from bpc_minimal.checks.chapter_12 import repeated
from bpc_minimal.checks.core import exercise

from .variant import Draw, Variant


def variant_1(draw: Draw) -> Variant:
    memory, floor = draw.between(0.05, 0.35, 2), draw.between(0.2, 0.9, 2)

    def some(count, units, size):
        error = 0.3 * size + size * draw.rng.normal(size=(count, units))
        return error, size**2 * draw.rng.uniform(0.4, 2.5, units)

    @exercise(
        "precisions(error, variance)",
        cases=[some(7, 5, 0.8), some(6, 9, 0.4), some(8, 3, 1.6)],
        why="each unit's variance moves by a share towards what the batch says of it; one over it follows.",
        hint="First what the batch says of each unit's variance, then the running mean, then one over it.",
        rtol=1e-4,
    )
    def asked(error, variance):
        square = np.mean(error**2, axis=0)

        def after(found=square, floor=floor, memory=memory, kept=1 - memory):
            return 1 / (kept * variance + memory * (found + floor))

        right = after()
        return right, {
            "this is the book's, with the running mean for a floor: let the batch move it": 1
            / (np.mean(error**2) + variance),
            "the mean is over all units; a unit has a mean square of its own": after(
                np.mean(error**2)
            ),
            "the floor is forgotten: add it to the mean square": after(floor=0.0),
            "the floor is added to what is remembered; only a share of it comes with each batch": 1
            / (1 / after(floor=0.0) + floor),
            "the two shares are exchanged: this remembers little": after(
                memory=1 - memory, kept=memory
            ),
            "nothing is remembered: this is what the batch alone says": after(memory=1.0, kept=0.0),
            "this is the precision before the batch, which has still to move it": 1 / variance,
            "nothing is forgotten here: what is remembered gives up as large a share": after(
                kept=1.0
            ),
            "this is the variance; the precision is one over it": 1 / right,
            "this is the running mean of precisions; that of variances is asked for": (1 - memory)
            / variance
            + memory / (square + floor),
            "an error's mean is taken away, but a constant error is an error": after(
                np.var(error, axis=0)
            ),
            "this takes the square of the mean; the mean of the squares is asked for": after(
                np.mean(error, axis=0) ** 2
            ),
            "these are sums over the images; a variance is a mean": after(np.sum(error**2, axis=0)),
            "this takes the error's mean size; squares are asked for": after(
                np.mean(np.abs(error), axis=0)
            ),
            "this takes the root of the mean square, which is a variance as it is": after(
                np.sqrt(square)
            ),
            "this is one over a standard deviation: leave the root out": np.sqrt(right),
            "the half of the energy is kept; it goes with the normaliser's": after(square / 2),
        }

    return Variant(
        "A precision for each unit. `variance` holds the running mean of each unit's variance, and a batch "
        f"moves it: a share of {memory} is forgotten, and as large a share of what the batch says takes its "
        "place. That is the mean over the images of the unit's squared errors, plus a floor of "
        f"{floor}. `error` holds the errors of the batch, images by units. Write "
        "`precisions(error, variance)`: the precision of each unit after the batch.",
        "def precisions(error, variance):\n"
        f"    found = np.mean(error**2, axis=0) + {floor}\n"
        f"    return 1 / (variance + {memory} * (found - variance))",
        asked,
    )


def variant_2(draw: Draw) -> Variant:
    p, q = draw.some(2, *(n / 10 for n in range(6, 26) if n != 10))
    floor = draw.between(0.1, 0.4, 2)

    @exercise(
        "among(alpha, a, b, turns)",
        cases=[(0.7, 1.9, 2.6, 3), (0.3, 2.4, 1.2, 2), (1.1, 0.8, 2.7, 3)],
        why="the three hold the number by their precisions, and how far it is from 0 tells one of them anew.",
        hint="Where do the three pulls add up to 0? That number is the error of the prediction at 0.",
        rtol=1e-4,
    )
    def asked(alpha, a, b, turns):
        def turned(error, turns=turns, floor=floor, left=0.0):
            def turn(now):
                return 1 / (error(now) ** 2 + floor + left / (now + p + q))

            return repeated(turn, alpha, turns)

        def settled(now, p=p, q=q):
            return (p * a + q * b) / (now + p + q)

        def bare(formula):
            return repeated(lambda now: formula(settled(now)), alpha, turns)

        right = turned(settled)
        return right, {
            "this is the book's, which takes `b` for a precision: here it is a prediction": repeated(
                lambda now: ((b + now) / (a * b)) ** 2, alpha, turns
            ),
            "it takes one turn too few: count from the first": turned(settled, turns - 1),
            "it takes one turn too many: stop after the last": turned(settled, turns + 1),
            "this is one turn; each begins where the last one ended": turned(settled, 1),
            "nothing is learnt: `alpha` has to change at each turn": alpha,
            "the floor is forgotten: add it to the squared error": turned(settled, floor=0.0),
            "the floor is added to the precision; it belongs to the variance": bare(
                lambda error: 1 / error**2 + floor
            ),
            "this is the variance; the precision is one over it": bare(
                lambda error: error**2 + floor
            ),
            "this takes the size of the error; its square is asked for": bare(
                lambda error: 1 / (abs(error) + floor)
            ),
            "the two precisions that stay are exchanged: look which belongs to `a`": turned(
                lambda now: settled(now, q, p)
            ),
            "the precisions that stay are 1, as in Equation 2; here they are given": turned(
                lambda now: settled(now, 1.0, 1.0)
            ),
            "the number settles in the middle of the three, whatever their precisions: weigh them": turned(
                lambda now: (a + b) / 3
            ),
            "the prediction at 0 does not pull: `alpha` is missing where the number settles": turned(
                lambda now: settled(0.0)
            ),
            "this weighs by standard deviations; precisions are what pulls": turned(
                lambda now: (p**0.5 * a + q**0.5 * b) / (now**0.5 + p**0.5 + q**0.5)
            ),
            "this is the error at `a`; that of the prediction at 0 is asked for": turned(
                lambda now: settled(now) - a
            ),
            "this adds the variance that is left, as Equation 3 does; Equation 2 leaves it out": turned(
                settled, left=1.0
            ),
            "this is the last error; the precision that it gives is asked for": settled(
                turned(settled, turns - 1)
            ),
        }

    return Variant(
        "Break it between three. A hidden number settles among three predictions. The one at 0 has the "
        rf"precision $\alpha$, which is learnt; the one at `a` has {p}, and the one at `b` has {q}, and "
        "these two stay. The number settles where the three pulls, each a precision times a distance, add "
        r"up to 0. Then $\alpha$ becomes one over the variance of its own error, which is the squared "
        rf"error plus a floor of {floor}. Write `among(alpha, a, b, turns)`: $\alpha$ after so many turns.",
        "def among(alpha, a, b, turns):\n    for _ in range(turns):\n"
        f"        error = ({p} * a + {q} * b) / (alpha + {p} + {q})\n"
        f"        alpha = 1 / (error**2 + {floor})\n    return alpha",
        asked,
    )


def variant_3(draw: Draw) -> Variant:
    share = round(draw.of(1, -1) * draw.between(0.15, 0.4, 3) % 1, 3)

    @exercise(
        "rests_at(gap, other)",
        cases=[(2.1, 1.1), (2.2, 1.4), (2.4, 0.9)],
        why="what is left is counted in part, so that it rests between the best guess and the right answer.",
        hint="Multiply by alpha and by (other + alpha)**2: a quadratic equation is left, of two solutions.",
        rtol=1e-4,
    )
    def asked(gap, other):
        def rest(share=share, gap=gap, other=other, more=0.0):
            half = (gap**2 * other**2 + share * other + more) / 2 - other
            return other**2 / (half + np.sqrt(half**2 - (1 - share) * other**2))

        right, pull = rest(), gap**2 * other + share - 1
        return right, {
            "this is the book's: all that is left is counted; only a share is": rest(1.0),
            "nothing that is left is counted, as in Equation 2: a share is": rest(0.0),
            "this counts the other share of what is left: exchange the two": rest(1 - share),
            "this is the second solution, from which it runs away: take the smaller": other**2
            / ((1 - share) * right),
            "what is left is divided by the share; it is multiplied by it": rest(1 / share),
            "the share is squared; it multiplies a variance already": rest(share**2),
            "this weighs the squared error; what is left takes the share": 1
            / (share * gap**2 - 1 / other),
            "what is left is squared; it is a variance already": rest(0.0, more=share),
            "the other precision is 1 here, as in Equation 3: it is `other`": rest(other=1.0),
            "the whole gap is the error here; the number settles between the two": (
                np.sqrt(pull**2 + 4 * gap**2 * other) - pull
            )
            / (2 * gap**2),
            "this is the variance; the precision is one over it": 1 / right,
            "this is one over a standard deviation: leave the root out": np.sqrt(right),
            "the sign is wrong: a precision is positive": -right,
            "this is what the number is held by, both precisions; `alpha` alone is asked for": right
            + other,
            "this is the variance that is left; the precision at rest is asked for": 1
            / (other + right),
            "this is the error at rest; the precision there is asked for": gap
            * other
            / (other + right),
            "this is one over the gap's square: the other prediction errs, too": 1 / gap**2,
        }

    return Variant(
        "Mend it in part. A hidden number settles between two predictions, `gap` apart. One has the "
        r"precision `other`, which stays, the other $\alpha$, which is learnt: as in Equation 3, but only a "
        f"share of {share} of the variance that is left is counted, so that a turn is "
        rf"$\frac{{1}}{{\alpha}} \leftarrow \text{{error}}^2 + \frac{{{share}}}{{\text{{other}} + \alpha}}$. "
        r"For a large gap there are two $\alpha$ that a turn does not change. Write `rests_at(gap, other)`: "
        "the smaller one, where it rests.",
        "def rests_at(gap, other):\n"
        f"    half = other - (gap**2 * other**2 + {share} * other) / 2\n"
        f"    root = np.sqrt(half**2 - (1 - {share}) * other**2)\n"
        f"    return (-half - root) / (1 - {share})",
        asked,
    )


def variant_4(draw: Draw) -> Variant:
    leak = draw.between(0.1, 0.45, 2)
    up = round(0.5 + draw.of(1, -1) * draw.between(0.05, 0.15, 2), 2)
    low = round(1 - up, 2)

    @exercise(
        "layers_until(bound, share)",
        cases=[(1.0, 0.01), (1.5, 0.2), (3.4, 5.0)],
        why="each layer takes the same share, so that the number of layers is a ratio of two logarithms.",
        hint="What is left of the mean square in one layer? Then solve for the power that makes it share**2.",
        rtol=1e-4,
    )
    def asked(bound, share):
        def layers(square):
            return np.log(share) / (0.5 * np.log(square))

        third, passes = bound**2 / 3, up + low * leak**2
        right = layers(third * passes)
        return right, {
            "this is for a ReLU, as in the book: what leaks counts, too": layers(third * up),
            "all passes whole here; what is negative is made smaller": layers(third),
            "the leak is not squared; a mean square is": layers(third * (up + low * leak)),
            "this lets all units do both: some are positive, and the others leak": layers(
                third * (1 + leak**2)
            ),
            "half are positive here, as in the book: look how many are": layers(
                third * (1 + leak**2) / 2
            ),
            "the leak is on the wrong side: it is for what is negative": layers(
                third * (low + up * leak**2)
            ),
            "what leaks is taken away; it is added": layers(third * (up - low * leak**2)),
            "only what is negative passes here: what is positive passes whole": layers(
                third * low * leak**2
            ),
            "the variance of the weights is the bound's square here: it is a third of it": layers(
                bound**2 * passes
            ),
            "numbers within -bound and bound have a third of its square, not a twelfth": layers(
                bound**2 / 12 * passes
            ),
            "this takes the bound without its square, which the variance goes with": layers(
                bound / 3 * passes
            ),
            "this asks when the mean square is at the share; the size is its root": right / 2,
            "the root is taken twice: a share of the size is one of the mean square, squared": right
            * 2,
            "this is what so many layers leave; how many layers is asked for": (third * passes)
            ** (share / 2),
            "the sign is wrong: both logarithms have the same one": -right,
            "it is turned round: the logarithm of the share is above": 1 / right,
            "this is one layer too many: what it was has passed through none": right + 1,
        }

    return Variant(
        "How deep may a network be? Weights lie evenly within `bound` $/ \\sqrt{n}$, and each layer has $n$ "
        f"units. Of their mean square a share of {up} is in what is positive, and {low} in what is "
        "negative. Instead of a ReLU they have a leaky one: what is positive passes, and what is negative "
        f"is multiplied by {leak}. Write `layers_until(bound, share)`: after how many layers the size of "
        "the activities, a root of a mean square, is `share` times what it was; the number need not be "
        "whole.",
        "def layers_until(bound, share):\n"
        f"    square = bound**2 / 3 * ({up} + {low} * {leak}**2)\n"
        "    return np.log(share) / (0.5 * np.log(square))",
        asked,
    )


def variant_5(draw: Draw) -> Variant:
    share = round(draw.of(1, -1) * draw.between(0.1, 0.4, 2) % 1, 2)
    rest, digits = round(1 - share, 2), sorted(draw.some(4, *range(10)))

    def some(sizes, l):
        network = bpc.make_network(jax.random.PRNGKey(int(draw.rng.integers(10**6))), sizes)
        label = draw.rng.permutation(np.concatenate([np.arange(10), draw.rng.integers(0, 10, 40)]))
        image = 1.5 * draw.normal(10, sizes[-1])[label] + draw.normal(50, sizes[-1])
        # as drawn they leave too little of a signal
        return jax.tree.map(lambda w: 2.4 * w, network), jnp.asarray(image), label, l

    @exercise(
        "astray(network, image, label, l)",
        cases=[some((10, 12, 9, 20), 1), some((10, 12, 9, 8, 7, 20), 3)],
        why="what the two sweeps say of a layer is mixed there, and the maps below it draw the mixture.",
        hint="The layer's mean, mixed with the label's sweep; then f to the image; then how far it is off.",
        rtol=1e-3,
    )
    def asked(network, image, label, l):
        L = network.depth

        def mean(x, of=digits):
            return np.stack([np.asarray(x)[label == digit].mean(axis=0) for digit in of])

        def down(z, start):
            for k in range(start, L):
                z = network.f(k, z)
            return np.asarray(z)

        swept = [np.asarray(z) for z in bpc.sweep_up(network, image)]
        told = [np.asarray(z) for z in bpc.sweep_down(network, jnp.eye(10))]
        named = [z[digits] for z in told]

        def blend(x, y, share=share):
            return share * x + (1 - share) * y

        def off(drawing, wanted=None, of=np.square, to=np.sqrt):
            gap = drawing - (mean(image) if wanted is None else wanted)
            return to(of(gap).mean(axis=1))

        def begun(at=l, share=share, mean=mean):
            return down(blend(mean(swept[at]), named[at], share), at)

        drawing = begun()

        def each():
            return off(mean(down(blend(swept[l], told[l][label]), l)))

        def over_images():
            gaps = [swept[L][label == digit] - z for digit, z in zip(digits, drawing, strict=True)]
            return np.array([np.sqrt(np.mean(np.square(gap))) for gap in gaps])

        right = off(drawing)
        return right, {
            "these are the drawings; how far each is off is asked for": drawing,
            "nothing comes from the label, as in the book: mix its sweep in": off(begun(share=1.0)),
            "nothing comes from the images: mix the layer's mean in": off(begun(share=0.0)),
            "the two shares are exchanged: look which is that of the mean": off(
                begun(share=1 - share)
            ),
            "this mixes two drawings; mix the layer, and draw that": off(
                blend(down(mean(swept[l]), l), named[L])
            ),
            "this begins one layer too near to the image: begin at layer l": off(begun(l + 1)),
            "this begins one layer too near to the label: begin at layer l": off(begun(l - 1)),
            "layers count from the label, 0, to the image; here they are counted back": off(
                begun(L - l)
            ),
            "this draws each image and then takes the mean: average the layer": each,
            "this is the mean of the layer over all images; take those of the digit": off(
                begun(mean=lambda x: np.tile(x.mean(axis=0), (len(digits), 1)))
            ),
            "these are means of rates; take them of the activities": off(
                begun(mean=lambda x: mean(np.maximum(x, 0)))
            ),
            "this is the mean square; its root is asked for": off(drawing, to=np.asarray),
            "this is the mean size of what is off; squares are asked for": off(
                drawing, of=np.abs, to=np.asarray
            ),
            "this is a sum over the pixels under the root; a mean is asked for": off(drawing)
            * np.sqrt(image.shape[1]),
            "this compares with each image of the digit; with their mean is asked for": over_images,
            "this is the RMSE of all these drawings; one for each digit is asked for": np.sqrt(
                np.mean(right**2)
            ),
            "this is how far all ten are off; only some digits are asked for": off(
                down(blend(mean(swept[l], range(10)), told[l]), l), mean(image, range(10))
            ),
        }

    listed = ", ".join(map(str, digits[:-1])) + f" and {digits[-1]}"
    return Variant(
        "Whose fault is a bad drawing? Sweep up from the images and take the mean of layer `l` over the "
        f"images of a digit; sweep down from the digit's label, and take layer `l` of that. Mix {share} of "
        f"the mean with {rest} of the other, and sweep down from this mixture to the image. Write "
        f"`astray(network, image, label, l)`: for each of the digits {listed}, the RMSE over the pixels "
        "between what is drawn and the mean of its images. `label` holds the digits of all images.",
        "def astray(network, image, label, l):\n"
        "    def mean(x):\n"
        f"        return jnp.stack([x[label == digit].mean(axis=0) for digit in {digits}])\n\n"
        f"    told = bpc.sweep_down(network, jnp.eye(10))[l][jnp.array({digits})]\n"
        f"    z = {share} * mean(bpc.sweep_up(network, image)[l]) + {rest} * told\n"
        "    for k in range(l, network.depth):\n        z = network.f(k, z)\n"
        "    return jnp.sqrt(jnp.mean((z - mean(image)) ** 2, axis=1))",
        asked,
    )
