"""The exercises of chapter 4, bidirectional errors."""

import jax
import jax.numpy as jnp
import numpy as np

from bpc_minimal import (
    DISCRIMINATIVE,
    HYBRID,
    Network,
    activity_gradient,
    classify,
    errors,
    infer,
    make_network,
    sweep_down,
    sweep_up,
)
from bpc_minimal.checks.core import Wrong, exercise
from bpc_minimal.energy import energy

ALPHA = 1e-3  # alpha_gen of exercise 3
TRAINING = [True, False, False, True]


def some_networks(rng, sizes=(6, 6, 6, 6), images=5):
    """Draw networks without biases, and activities, of layers of one width: a transpose fits as well."""
    for seed, alphas in enumerate(((0.3, 2.0), (1.7, 0.4))):
        network = make_network(jax.random.PRNGKey(seed + 7), sizes, use_bias=False)
        z = [jnp.asarray(rng.normal(size=(images, n)), jnp.float32) for n in sizes]
        yield network, z, *alphas


@exercise(
    "image_gradient(network, z, alpha_gen, alpha_disc)",
    goal="read one layer's slope off the energy, at the end of the network",
    minutes=10,
    cases=some_networks,
    why="the image's own error pulls it, and so does the error d of the layer that it predicts.",
    hint="Take Equation 4 for l = L and strike what would reach past the end of the network.",
    without=("activity_gradient",),
)
def exercise_1(network, z, alpha_gen, alpha_disc):
    """Write the slope of the energy at the image."""
    e, d = errors(network, z)
    W, V = network.amortiser[-1].weight, network.generator[-1].weight
    own, passed = alpha_gen * e[-1], alpha_disc * d[-2] @ W
    whole = activity_gradient(network, z, alpha_gen, alpha_disc)
    return own - passed, {
        "the matrix is the wrong way round: errors go back by the transpose": own
        - alpha_disc * d[-2] @ W.T,
        "the sign of what is passed back is wrong: what predicts is pulled the other way": own
        + passed,
        "the image predicts too, as the amortiser's input: the error that it causes is d[-2]": own,
        "you forgot the image's own error, e[-1]": -passed,
        "e[-2] belongs to the hidden layer beside the image; the image's own is e[-1]": alpha_gen
        * e[-2]
        - passed,
        "you forgot the precisions": own / alpha_gen - passed / alpha_disc,
        "you forgot alpha_gen": own / alpha_gen - passed,
        "you forgot alpha_disc": own - passed / alpha_disc,
        "you exchanged the precisions": own / alpha_gen * alpha_disc
        - passed / alpha_disc * alpha_gen,
        "no act' here: at the image act is the identity": own - (z[-1] > 0) * passed,
        "this is the descent: its sign is that of a step, and the slope has the other": passed
        - own,
        "this is the slope at the label": whole[0],
        "this is the slope at the hidden layer beside the image": whole[-2],
        "these are the generator's weights; d goes back by the amortiser's": own
        - alpha_disc * d[-2] @ V.T,
        "this passes the image's own error e back; the error that the image causes is d[-2]": own
        - alpha_disc * e[-1] @ W,
        "these are the weights of another layer; the image's own map is the last": own
        - alpha_disc * d[-2] @ network.amortiser[-2].weight,
        "this is the wrong layer's d: the image predicts the hidden layer beside it": own
        - alpha_disc * d[-3] @ W,
        "half: the 2 of the square cancels the 1/2 of the energy": (own - passed) / 2,
    }


def two_times_three(gen, disc):
    """Take three numbers each, the small ones in units of 10^-4."""
    pair = [np.asarray(gen, float), np.asarray(disc, float)]
    if any(part.shape != (3,) for part in pair):
        raise Wrong("three numbers each are expected, one a layer.", "shape")
    if (pair[0] <= 0).any() or (pair[1] <= 0).any():
        raise Wrong("a precision is positive.", "positive")
    return [pair[0] * 1e4, pair[1]]


@exercise(
    "tutorial_gen, tutorial_disc",
    goal="translate another author's precisions into the book's",
    minutes=15,
    read=two_times_three,
    why="an error without its 1/2 counts double, so its precision is twice as large in ours.",
    hint="Write both energies for two hidden layers, six terms each, and compare them term by term.",
)
def exercise_2():
    """Find the precisions that make our energy the tutorial's."""
    gen, disc = np.array([1.0, 1.0, 2.0]), np.array([2.0, 1.0, 1.0])
    even = np.ones(3)
    return [gen, disc], {
        "without its 1/2 an error counts double, not half": [np.array([1, 1, 0.5]), 1 / disc],
        "you forgot the image's error: it lacks the 1/2 too": [even, disc],
        "you forgot the label's error: it lacks the 1/2 too": [gen, even],
        "nothing is changed: the two outer errors lack their 1/2": [even, even],
        "alpha_gen has no number for the label: its first is of the first hidden layer": [
            np.array([2, 1, 2.0]),
            disc,
        ],
        "alpha_disc has no number for the image: its last is of the last hidden layer": [
            gen,
            np.array([2, 1, 2.0]),
        ],
        "of each list only one end is an outer error: the label's d and the image's e": [
            np.array([2, 1, 2.0]),
            np.array([2, 1, 2.0]),
        ],
        "our energy has its 1/2 already: this halves every term once more": [gen / 2, disc / 2],
        "alpha_disc runs from the label, which is first": [gen, disc[::-1]],
        "alpha_gen runs to the image, which is last": [gen[::-1], disc],
        "both are in the reverse order: alpha_gen ends at the image, alpha_disc begins at the label": [
            gen[::-1],
            disc[::-1],
        ],
        "alpha_down weighs the generative errors": [gen * 1e4, disc * 1e-4],
        "you exchanged the two: alpha_gen is for e": [disc * 1e4, gen * 1e-4],
        "the hidden errors keep their 1/2": [2 * even, 2 * even],
        "it is the other way round: the hidden errors keep their 1/2": [
            np.array([2, 2, 1.0]),
            np.array([1, 2, 2.0]),
        ],
        "a factor of the energy stands beside the square, not inside it: 2, not 4": [
            np.array([1, 1, 4.0]),
            np.array([4, 1, 1.0]),
        ],
        "a factor of the energy stands beside the square, not inside it: no root": [
            np.sqrt(gen),
            np.sqrt(disc),
        ],
    }


def untrained(rng):
    """Draw networks whose labels settle to clearly different energies; in the last, e counts."""
    for seed, steps, larger in ((3, 1, 1), (4, 10, 1), (4, 10, 30)):
        network = make_network(jax.random.PRNGKey(seed), (10, 14, 12, 20), use_bias=False)
        network = jax.tree.map(lambda w: 2.5 * w, network)
        generator = jax.tree.map(lambda w, times=larger: times * w, network.generator)
        network = Network(generator, network.amortiser, network.activation)
        yield network, jnp.asarray(rng.normal(size=(60, 20)), jnp.float32), steps


def label_energies(
    network, image, steps, alphas=(ALPHA, ALPHA), clamped=None, start=None, **options
):
    """Settle with each label in its place; the energy of every image, a row a label."""
    found = []
    for row in jnp.eye(10):
        label = jnp.tile(row, (len(image), 1))
        z = start(network, image, label) if start else [label, *sweep_up(network, image)[1:]]
        z = infer(network, z, clamped or TRAINING, steps=steps, alpha_gen=alphas[0], **options)
        found.append(energy(network, z, alphas[1]))
    return jnp.stack(found)


@exercise(
    "least_energy(network, image, steps)",
    goal="classify by comparing energies, and say how that differs from a sweep",
    minutes=25,
    cases=untrained,
    why="each label was tried, settled and weighed, and the least energy answers.",
    hint="For each label: sweep up, put the label in, settle with both ends clamped, and note bpc.energy.",
)
def exercise_3(network, image, steps):
    """Classify by the label of least energy after settling."""

    def answers(*alphas, **options):
        return lambda: label_energies(
            network, image, steps, alphas or (ALPHA, ALPHA), **options
        ).argmin(0)

    def down(network, image, label):
        return [*sweep_down(network, label)[:-1], image]

    def zero(network, image, label):
        hidden = [jnp.zeros((len(image), n)) for n in network.sizes[1:-1]]
        return [label, *hidden, image]

    right = label_energies(network, image, steps)
    return right.argmin(0), {
        "this is the label of most energy": right.argmax(0),
        "alpha_gen / alpha_disc is 1e-3 in settling and in the energy, not 1": answers(1.0, 1.0),
        "alpha_gen / alpha_disc is 1e-3 in settling too": answers(1.0, ALPHA),
        "alpha_gen / alpha_disc is 1e-3 in the energy too": answers(ALPHA, 1.0),
        "the label is free: clamp it, or it moves to where it likes": answers(
            clamped=[False, False, False, True]
        ),
        "the image is free: clamp it too": answers(clamped=[True, False, False, False]),
        "this starts from a sweep down; a sweep up from the image is asked for": answers(
            start=down
        ),
        "the hidden layers start at zero; a sweep up from the image is asked for": answers(
            start=zero
        ),
        "this is the sweep's answer: put each label in, and compare energies": classify(
            network, image
        ),
        "this lets the label settle: put each label in, and compare energies": lambda: classify(
            network, image, steps, alpha_gen=ALPHA
        ),
        "nothing settles: take `steps` steps before the energies are compared": lambda: (
            label_energies(network, image, 0).argmin(0)
        ),
        "these are energies, one a label; the label of the least is asked for": right,
        "these are energies; the labels that have them are asked for": right.min(0),
        "this is one answer for all images: compare the ten energies of each": right.sum(
            1
        ).argmin(),
        "this answers for each label which image has least: compare along the labels": right.argmin(
            1
        ),
        "this counts the labels from 1": right.argmin(0) + 1,
        "it takes e alone to settle; both errors move": answers(rule=HYBRID),
        "it takes d alone to settle; both errors move": answers(rule=DISCRIMINATIVE),
    }


@exercise(
    "untransported(network, z, alpha_gen, alpha_disc)",
    goal="replace weight transport, and measure what is lost without it",
    minutes=40,
    cases=some_networks,
    why="no connection needs to know the weights of another; but this is no longer the slope of an energy.",
    hint="Start from activity_gradient and change two matrices: e returns through W, d through V.",
)
def exercise_4(network, z, alpha_gen, alpha_disc):
    """Break Equation 4: errors return through the other network's weights."""
    e, d = errors(network, z)
    V = [layer.weight for layer in network.generator]
    W = [layer.weight for layer in network.amortiser]

    def slopes(by_e, by_d, own=1.0, sign=1.0, slope=(1, 2), gen=alpha_gen, disc=alpha_disc):
        found = []
        for l, z_l in enumerate(z):
            passed = jnp.zeros_like(z_l)
            if l < network.depth and by_e is not None:
                passed += gen * e[l + 1] @ by_e[l]
            if l > 0 and by_d is not None:
                passed += disc * d[l - 1] @ by_d[l - 1]
            passed = (z_l > 0) * passed if l in slope else passed
            found.append(own * (gen * e[l] + disc * d[l]) - sign * passed)
        return found

    V_t, W_t = [v.T for v in V], [w.T for w in W]
    right = slopes(W_t, V_t)
    return right, {
        "this is Equation 4 itself: nothing is broken": slopes(V, W),
        "e still goes back by the generator's own weights": slopes(V, V_t),
        "d still goes back by the amortiser's own weights": slopes(W_t, W),
        "the matrices are the wrong way round: W leads from layer l + 1 to l as `e @ W.T`": slopes(
            W, V
        ),
        "the own weights are only turned round; the other network's are asked for": slopes(
            V_t, W_t
        ),
        "you forgot act' of the hidden layers": slopes(W_t, V_t, slope=()),
        "at the two ends act is the identity, and act' is 1": slopes(W_t, V_t, slope=range(4)),
        "the sign of what is passed back is wrong": slopes(W_t, V_t, sign=-1.0),
        "the sign of what d passes back is wrong": slopes(W_t, [-v for v in V_t]),
        "the sign of what e passes back is wrong": slopes([-w for w in W_t], V_t),
        "you forgot the layer's own errors": slopes(W_t, V_t, own=0.0),
        "this is what is passed back alone, with its sign turned": slopes(
            W_t, V_t, own=0.0, sign=-1.0
        ),
        "you forgot what e passes back": slopes(None, V_t),
        "you forgot what d passes back": slopes(W_t, None),
        "nothing is passed back: only a layer's own errors are left": slopes(None, None),
        "you forgot the precisions": slopes(W_t, V_t, gen=1.0, disc=1.0),
        "you exchanged the precisions": slopes(W_t, V_t, gen=alpha_disc, disc=alpha_gen),
        "this is the descent, with the sign of a step; the broken slope is asked for": [
            -s for s in right
        ],
        "the two ends are missing: one array a layer, from the label to the image": right[1:-1],
    }


@exercise(
    "overshoot(rho, alpha_gen, alpha_disc)",
    goal="say what each precision means, from a pair of neurons solved by hand",
    minutes=15,
    cases=[(0.5, 1.0, 1.0), (0.8, 2.0, 0.5), (-0.6, 0.1, 3.0)],
    why="at alpha_gen = 0 it is 1, the posterior mean; the larger alpha_gen, the nearer to 1 / rho**2.",
    hint="Set the slope of E at a to zero, solve for a, and divide by rho * b. "
    "Check: with equal precisions it must be Equation 9's 2 / (1 + rho**2).",
)
def exercise_5(rho, alpha_gen, alpha_disc):
    """Say where the pair settles with any two precisions, as a multiple of the posterior mean."""
    both, r = alpha_gen + alpha_disc, rho**2
    right = both / (alpha_disc + r * alpha_gen)
    return right, {
        "this is for equal precisions; put alpha_gen and alpha_disc into it": 2 / (1 + r),
        "you exchanged the precisions: e's own prediction carries the rho": both
        / (alpha_gen + r * alpha_disc),
        "this is the multiple of b; divide by rho": rho * right,
        "the pull of e is weighed by rho twice: rho**2, not rho": both
        / (alpha_disc + rho * alpha_gen),
        "this is the posterior mean itself, which is reached at alpha_gen = 0 only": right / right,
        "this is the answer at alpha_disc = 0: d bends the energy too, and its own term has no rho": both
        / (both * r),
        "this is one over it": 1 / right,
        "e pulls too: its alpha_gen belongs above": alpha_disc / (alpha_disc + r * alpha_gen),
        "d pulls too: its alpha_disc belongs above": alpha_gen / (alpha_disc + r * alpha_gen),
        "above stands the sum of the precisions, not 2": 2 / (alpha_disc + r * alpha_gen),
        "this is the curvature, what stands below": alpha_disc + r * alpha_gen,
        "this is how far beyond the posterior mean; the multiple is 1 more": right - 1,
        "the sign below is wrong: both errors bend the energy upwards": both
        / (alpha_disc - r * alpha_gen),
        "above, alpha_gen needs no rho: the multiple of rho * b is asked for": (
            rho * alpha_gen + alpha_disc
        )
        / (alpha_disc + r * alpha_gen),
    }


def hidden_below(rng):
    """Draw small untrained networks, images, and labels of which about two in three are read so."""
    for seed, rows in ((1, 9), (2, 20), (3, 0)):
        network = make_network(jax.random.PRNGKey(seed), (10, 12, 12, 784), use_bias=False)
        network = jax.tree.map(lambda w: 8 * w, network)  # it settles slowly: 200 steps differ
        images = jnp.asarray(rng.normal(size=(90, 784)), jnp.float32)
        below = jnp.arange(784) < 28 * (28 - rows)
        answers = np.asarray(classify(network, images, visible=below))
        lucky = rng.random(90) < 0.65
        yield network, images, np.where(lucky, answers, (answers + 1) % 10), rows


@exercise(
    "accuracy_below(network, images, labels, rows)",
    goal="measure where inference pays, against the same network without it",
    minutes=45,
    cases=hidden_below,
    why="the lowest rows were hidden, the rest was completed, and the share that is right is in percent.",
    hint="Row r of the picture is the pixels 28 * r to 28 * r + 27; bpc.classify takes `visible`.",
)
def exercise_6(network, images, labels, rows):
    """Give the accuracy with the lowest rows of each image hidden."""
    place = np.arange(784)

    def percent(visible, **options):
        found = classify(network, images, visible=visible, **options)
        return float(100 * np.mean(np.asarray(found) == labels))

    below = place < 28 * (28 - rows)

    def settled_label():
        z = sweep_up(network, images * below)
        z = infer(network, z, [False, False, False, below], steps=400, step_size=1.0)
        return float(100 * np.mean(np.asarray(z[0].argmax(1)) == labels))

    right = percent(below)
    return right, {
        "this is a share; a percentage is asked for": right / 100,
        "this is the percentage of errors": 100 - right,
        "this counts images; a percentage is asked for": right * len(labels) / 100,
        "the mask is the wrong way round: `visible` is True where a pixel is seen": lambda: percent(
            ~below
        ),
        "the upper rows are hidden; the lowest were asked for": lambda: percent(place >= 28 * rows),
        "columns are hidden, on the right: row r is the pixels from 28 * r on": lambda: percent(
            place % 28 < 28 - rows
        ),
        "columns are hidden, on the left: row r is the pixels from 28 * r on": lambda: percent(
            place % 28 >= rows
        ),
        "`rows` pixels are hidden, not rows of 28": lambda: percent(place < 784 - rows),
        "one row too many is hidden": lambda: percent(place < 28 * (27 - rows)),
        "one row too few is hidden": lambda: percent(place < 28 * (29 - rows)),
        "with `rows` 0, `[-rows:]` is everything, and all is hidden; count from the top: 28 - rows": lambda: (
            percent(below if rows else place < 0)
        ),
        "these are 200 steps; leave `steps` to bpc.classify, whose default is another": lambda: (
            percent(below, steps=200)
        ),
        "the lowest rows are all that is left: hide `rows`, do not keep them": lambda: percent(
            place < 28 * rows
        ),
        "this is the sweep's answer: pass `visible`, and let the hidden pixels settle": lambda: (
            percent(below, steps=0)
        ),
        "nothing is hidden: pass `visible` to bpc.classify": lambda: float(
            100 * np.mean(np.asarray(classify(network, images)) == labels)
        ),
        "this reads the label that settled; bpc.classify sweeps the completed image once more": (
            settled_label
        ),
    }
