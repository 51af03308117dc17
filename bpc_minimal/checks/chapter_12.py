"""The exercises of chapter 12, open ends: a precision, how it runs away, and what fades with depth."""

import jax
import jax.numpy as jnp
import numpy as np

import bpc_minimal as bpc
from bpc_minimal.checks.core import exercise


def batches(rng):
    """Draw errors, images by units, of several sizes."""
    for count, units, size, floor in ((7, 5, 0.8, 0.3), (6, 9, 0.3, 0.4), (8, 3, 2.0, 1.5)):
        yield 0.3 * size + size * rng.normal(size=(count, units)), floor


@exercise(
    "precision(error, floor)",
    goal="learn a precision from its errors",
    minutes=5,
    cases=batches,
    why="one over the mean square, and no larger than one over the floor.",
    hint="What is the mean of all squares? What is added to it, and what is then one over it?",
    rtol=1e-4,
)
def exercise_1(error, floor):
    """Take one over the mean square."""
    count, units = error.shape
    square = np.mean(error**2)
    return 1 / (square + floor), {
        "the floor is forgotten": 1 / square,
        "this is the variance; the precision is one over it": square + floor,
        "the floor is added to the precision; it belongs to the variance": 1 / square + floor,
        "these are sums: a variance is a mean, over images and units": 1
        / (np.sum(error**2) + floor),
        "this sums over the units; the normaliser counts each of them": 1
        / (np.sum(error**2) / count + floor),
        "this sums over the images; the mean is over both": 1 / (np.sum(error**2) / units + floor),
        "this is one over the error's size; its square is the variance": 1
        / (np.sqrt(square) + floor),
        "this is one over a standard deviation": 1 / np.sqrt(square + floor),
        "an error's mean is not taken away: a constant error is an error": 1
        / (np.var(error) + floor),
        "this is the square of the mean; the mean of the squares is asked for": 1
        / (np.mean(error) ** 2 + floor),
        "this is the mean size; squares are asked for": 1 / (np.mean(np.abs(error)) + floor),
        "this is the mean size, squared; the mean of the squares is asked for": 1
        / (np.mean(np.abs(error)) ** 2 + floor),
        "the half of the energy goes when it is differentiated": 1 / (square / 2 + floor),
        "the floor is a variance: its square is not taken": 1 / (square + floor**2),
        "the floor is taken away; it is added": 1 / (square - floor),
        "this takes the larger of the two; the floor is added": 1 / max(square, floor),
        "this is the mean of many precisions; one over the mean square is asked for": np.mean(
            1 / (np.mean(error**2, axis=0) + floor)
        ),
        "the sign is wrong": -1 / (square + floor),
    }


def repeated(turn, alpha, turns):
    """Turn so many times."""
    for _ in range(turns):
        alpha = turn(alpha)
    return alpha


@exercise(
    "after(alpha, gap, other, turns)",
    goal="make a learnt precision run away, and say where that begins",
    minutes=20,
    cases=[(0.7, 1.9, 2.5, 3), (0.3, 1.4, 1.5, 2), (1.1, 2.6, 0.9, 3)],
    why="the more it is trusted, the less it errs; only a large gap can hold it.",
    hint="Where do both pull alike? What is the error there, and what is one over its square?",
    rtol=1e-4,
)
def exercise_2(alpha, gap, other, turns):
    """Settle between two predictions, and trust one by its error."""

    def turn(alpha):
        return ((other + alpha) / (gap * other)) ** 2

    right = repeated(turn, alpha, turns)
    return right, {
        "one turn too few": repeated(turn, alpha, turns - 1),
        "one turn too many": repeated(turn, alpha, turns + 1),
        "this is one turn; each begins where the last one ended": turn(alpha),
        "nothing is learnt here": alpha,
        "the other precision is 1 here, as in Equation 2": repeated(
            lambda a: ((1 + a) / gap) ** 2, alpha, turns
        ),
        "the pull of the other prediction is missing above": repeated(
            lambda a: ((other + a) / gap) ** 2, alpha, turns
        ),
        "this is the error at the other prediction": repeated(
            lambda a: ((other + a) / (gap * a)) ** 2, alpha, turns
        ),
        "the error's square is asked for; this is one over its size": repeated(
            lambda a: (other + a) / (gap * other), alpha, turns
        ),
        "this is the variance; the precision is one over it": repeated(
            lambda a: (gap * other / (other + a)) ** 2, alpha, turns
        ),
        "nothing settles here: the error is the whole gap": repeated(
            lambda a: 1 / gap**2, alpha, turns
        ),
        "the number settles in the middle here, whatever the precisions are": repeated(
            lambda a: 4 / gap**2, alpha, turns
        ),
        "the variance that is left is added; that comes in the next exercise": repeated(
            lambda a: 1 / ((gap * other / (other + a)) ** 2 + 1 / (other + a)), alpha, turns
        ),
        "this is the error, not the precision": gap
        * other
        / (other + repeated(turn, alpha, turns - 1)),
        "this is the error, one turn on; the precision is asked for": gap * other / (other + right),
        "this adds one over the sum of precisions, which is the variance that is left": repeated(
            lambda a: turn(a) + 1 / (other + a), alpha, turns
        ),
        "the gap is squared once too often": repeated(
            lambda a: ((other + a) / (gap**2 * other)) ** 2, alpha, turns
        ),
        "the two precisions are exchanged at the beginning": repeated(turn, other, turns),
        "this starts at 1; it starts at `alpha`": repeated(turn, 1.0, turns),
        "weights of the two are standard deviations here; they are precisions": repeated(
            lambda a: ((np.sqrt(other) + np.sqrt(a)) / (gap * np.sqrt(other))) ** 2, alpha, turns
        ),
    }


@exercise(
    "at_rest(gap, other)",
    goal="find the precision that is right, by counting the variance that is left",
    minutes=15,
    cases=[(1.9, 2.5), (2.4, 1.5), (2.6, 0.9)],
    why="the variances of two predictions add up to the square of their gap.",
    hint="Put error = gap * other / (other + alpha) into Equation 3, and multiply by (other + alpha)**2.",
    rtol=1e-4,
)
def exercise_3(gap, other):
    """Take the other variance from the square of the gap."""
    right = 1 / (gap**2 - 1 / other)
    root = gap**2 * other * (gap**2 * other - 4)
    without = (gap**2 * other - 2 - np.sqrt(root)) / 2 * other
    return right, {
        "this is the variance; the precision is one over it": 1 / right,
        "the other precision is 1 here, as in Equation 3": 1 / (gap**2 - 1),
        "`other` is a precision: one over it is the variance": 1 / (gap**2 - other),
        "variances add up; they are not the gap's own": 1 / gap**2,
        "the gap is a difference: its square is the variance": 1 / (gap - 1 / other),
        "the other variance is taken away, not added": 1 / (gap**2 + 1 / other),
        "precisions do not add up; variances do": 1 / gap**2 - other,
        "precisions do not add up, and the sign is wrong": other - 1 / gap**2,
        "the sign is wrong": -right,
        "this is one over a standard deviation": 1 / np.sqrt(gap**2 - 1 / other),
        "standard deviations do not add up; variances do": 1 / (gap - 1 / np.sqrt(other)) ** 2,
        "this is what the hidden number is held by: both precisions": right + other,
        "this rests without the variance that is left": without,
        "this is what is left; where it rests is asked for": 1 / (other + right),
        "the gap is shared by two, and so is its square": 1 / (gap**2 / 2 - 1 / other),
        "this is the precision of the gap, times the other's": other / gap**2,
        "this is the share of the pull, not the precision": right / (other + right),
    }


@exercise(
    "signal(bound, layers)",
    goal="say what a draw of the weights leaves of a signal",
    minutes=10,
    cases=[(1.0, 8), (1.7, 5), (2.9, 3)],
    why="a third of the bound's square is the variance, and half of the units are silent.",
    hint="What is the variance of numbers within bound? Halve it, once a layer; take the root.",
    rtol=1e-4,
)
def exercise_4(bound, layers):
    """Multiply by what each layer leaves."""
    share = bound**2 / 6
    right = share ** (layers / 2)
    return right, {
        "this is the mean square; the size is its root": share**layers,
        "this is one layer; each takes its share of the last": share**0.5,
        "the ReLU is forgotten: half of the units are silent": (bound**2 / 3) ** (layers / 2),
        "this is the bound itself; the variance is a third of its square": (bound**2 / 2)
        ** (layers / 2),
        "the third is forgotten, and the half": bound**layers,
        "numbers within -bound and bound have a third of its square, not a twelfth": (bound**2 / 24)
        ** (layers / 2),
        "one layer too few": share ** ((layers - 1) / 2),
        "one layer too many": share ** ((layers + 1) / 2),
        "this is what is lost; what is left is asked for": 1 - right,
        "it is turned round: what was, over what is left": 1 / right,
        "layers multiply; this adds them up": layers * share**0.5,
        "the bound goes with its square": (bound / 6) ** (layers / 2),
        "the root is taken twice": share ** (layers / 4),
        "a third and a half are a sixth; this is their sum": (bound**2 * 5 / 6) ** (layers / 2),
        "this is the logarithm": np.log(right),
        "each layer leaves a twelfth of the bound's square here, not a sixth: the variance is a third, and "
        "a silent half leaves half of the square, not of the size": (bound**2 / 12) ** (layers / 2),
        "a ReLU does not double; it halves": (2 * bound**2 / 3) ** (layers / 2),
    }


def networks(rng):
    """Draw networks of three and of five layers of weights, images, labels, and a layer."""
    for sizes, l in (((10, 12, 9, 20), 1), ((10, 12, 9, 8, 7, 20), 3)):
        network = bpc.make_network(jax.random.PRNGKey(int(rng.integers(1000))), sizes)
        label = np.concatenate([np.arange(10), rng.integers(0, 10, 40)])
        rng.shuffle(label)
        yield network, jnp.asarray(np.float32(rng.normal(size=(50, 20)))), label, l


@exercise(
    "drawn_from(network, image, label, l)",
    goal="find the layer at which drawing goes astray",
    minutes=30,
    cases=networks,
    why="what is drawn from a layer owes nothing to the maps above it.",
    hint="Layer l of a sweep up, its mean over the images of each digit, then f from there to the image.",
    rtol=1e-3,
    atol=1e-4,
)
def exercise_5(network, image, label, l):
    """Sweep down from a layer's means."""
    L = network.depth

    def down(z, start, last=L):
        for k in range(start, last):
            z = network.f(k, z)
        return np.asarray(z)

    def by_class(x):
        return jnp.stack([x[label == digit].mean(axis=0) for digit in range(10)])

    swept = bpc.sweep_up(network, image)
    drawing = down(swept[l], l)
    return down(by_class(swept[l]), l), {
        "this begins at the label, and owes the images nothing": down(jnp.eye(10), 0),
        "each image is drawn, and then the mean is taken: average the layer itself": np.asarray(
            by_class(drawing)
        ),
        "one drawing for each image; one for each digit is asked for": drawing,
        "one layer too near to the image": down(by_class(swept[l + 1]), l + 1),
        "one layer too near to the label": down(by_class(swept[l - 1]), l - 1),
        "layers count from the label, 0, to the image": down(by_class(swept[L - l]), L - l),
        "these are the class means of the images": np.asarray(by_class(image)),
        "these are sums over a class; the mean is asked for": down(
            jnp.stack([swept[l][label == digit].sum(axis=0) for digit in range(10)]), l
        ),
        "this is the layer's mean, not yet drawn": np.asarray(by_class(swept[l])),
        "the last map is missing": down(by_class(swept[l]), l, L - 1),
        "this is the mean of all images, whatever their digit": down(
            jnp.tile(swept[l].mean(axis=0), (10, 1)), l
        ),
        "this is the first image of each digit; the mean is asked for": down(
            jnp.stack([swept[l][np.argmax(label == digit)] for digit in range(10)]), l
        ),
        "this is the median; the mean is asked for": down(
            jnp.stack([jnp.median(swept[l][label == digit], axis=0) for digit in range(10)]), l
        ),
        "these are means of rates; take them of the activities themselves": down(
            by_class(jax.nn.relu(swept[l])), l
        ),
        "the digits come in the reverse order": down(by_class(swept[l]), l)[::-1],
        "no activation: `network.f` takes it of hidden layers": linear(
            network, by_class(swept[l]), l
        ),
    }


def linear(network, z, start):
    """Draw without the activation."""
    for m in network.generator[start:]:
        z = z @ m.weight.T + m.bias
    return np.asarray(z)
