"""The exercises of chapter 2, generating digits: a list of matrices, ReLU, precision 1."""

import jax
import jax.numpy as jnp
import numpy as np

import bpc_minimal as bpc
from bpc_minimal.checks.core import Wrong, exercise


def act(l, z_l):
    """Activate a layer, as the chapter does."""
    return z_l if l == 0 else np.maximum(z_l, 0)


def errors(generator, z):
    """Give e_1 to e_L."""
    return [z[l + 1] - act(l, z[l]) @ V.T for l, V in enumerate(generator)]


def swept_down(generator, label):
    """Give the image that a sweep down from a label ends with."""
    z = label
    for l, V in enumerate(generator):
        z = act(l, z) @ V.T
    return z


def some_generator(rng, SIZES):
    """Draw matrices of the chapter's sizes, which an answer may take for granted."""
    pairs = zip(SIZES[1:], SIZES[:-1], strict=True)
    return [jnp.asarray(rng.normal(size=(n, m)) / np.sqrt(m), jnp.float32) for n, m in pairs]


def some_activities(rng, *, SIZES):
    """Draw networks, and activities of batches of two sizes."""
    for batch in (5, 3, 3):
        z = [jnp.asarray(rng.normal(size=(batch, n)), jnp.float32) for n in SIZES]
        yield some_generator(rng, SIZES), z


@exercise(
    "image_slope(generator, z)",
    goal="derive what moves a layer that nothing clamps",
    minutes=5,
    cases=some_activities,
    why="nothing follows the image, so only its own error is left.",
    hint="Start from Equation 3 with l = L: which of its terms is missing?",
)
def exercise_1(generator, z):
    """Write the slope of the energy by the image."""
    z = [np.asarray(part) for part in z]
    V, e = np.asarray(generator[-1]), errors(map(np.asarray, generator), z)[-1]
    active = np.maximum(z[-2], 0)
    return e, {
        "the sign is wrong: this is the pull, not the slope": -e,
        "twice: you forgot the 1/2 of the energy": 2 * e,
        "half: the 2 of the square cancels the 1/2 of the energy": e / 2,
        "this is the image itself: subtract what is predicted of it": z[-1],
        "this is the prediction: subtract it from the image": active @ V.T,
        "the prediction is subtracted from the image, not added to it": z[-1] + active @ V.T,
        "the square is gone once it is differentiated": e**2,
        "the sign is lost: an error has one": np.abs(e),
        "the activation of this chapter is ReLU, not tanh": z[-1] - np.tanh(z[-2]) @ V.T,
        "the mean over the pixels; each pixel has a slope of its own": e.mean(axis=1),
        "the sum over the pixels; each pixel has a slope of its own": e.sum(axis=1),
        "only the first example; each has a slope of its own": e[0],
        "this is the energy of each pixel; its derivative is asked for": 0.5 * e**2,
        "only the sign of the error; its size counts": np.sign(e),
        "an error that is below zero counts too": np.maximum(e, 0),
        "this sweeps down from the label; the error is of the activities in z": lambda: (
            z[-1] - swept_down(map(np.asarray, generator), z[0])
        ),
        "no activation before the weights: f is V act(z)": z[-1] - z[-2] @ V.T,
        "the activation comes before the weights, not after them": z[-1]
        - np.maximum(z[-2] @ V.T, 0),
        "the image is not activated": np.maximum(z[-1], 0) - active @ V.T,
        "no act' here: nothing follows the image": (z[-1] > 0) * e,
        "sent back through V, this is what the layer before feels": -((z[-2] > 0) * (e @ V)),
        "without act', and sent back, this is what the layer before feels": -(e @ V),
        "this is the mean over the batch; each example has a slope of its own": e.mean(axis=0),
        "divided by the batch; inference moves each example on its own energy": e / len(e),
        "this is the energy; its derivative is asked for": 0.5 * (e**2).sum(axis=1),
        "this is the error of the layer before the image": errors(
            map(np.asarray, generator[:-1]), z[:-1]
        )[-1],
        "the sum over the batch; each example has a slope of its own": e.sum(axis=0),
        "all errors are given; only that of the image is asked for": lambda: errors(
            map(np.asarray, generator), z
        ),
    }


@exercise(
    "bias_gradient(generator, z)",
    goal="derive a local rule for a parameter that the chapter has not",
    minutes=15,
    cases=some_activities,
    why="the local rule, with an activity of 1.",
    hint="The activity that a bias sees is 1: put that into Equation 4.",
)
def exercise_2(generator, z):
    """Write the gradient of the mean energy by the biases."""
    z, generator = [np.asarray(part) for part in z], [np.asarray(V) for V in generator]
    e, batch = errors(generator, z), len(z[0])
    right = [-e_l.mean(axis=0) for e_l in e]
    activities = [act(l, z[l]) for l in range(len(generator))]
    own = [np.zeros_like(z[0]), *e]
    felt = [(l, (z[l] > 0) * (e[l] @ generator[l])) for l in range(1, len(generator))]
    felt.append((len(generator), np.zeros_like(z[-1])))
    return right, {
        "the sign is wrong: a bias that grows makes the error smaller": [-r for r in right],
        "this is the sum over the batch, not its mean": [batch * r for r in right],
        "this is the sum over the batch, with the wrong sign": [-batch * r for r in right],
        "divided by the number of layers; the mean is over the examples": [
            batch / len(z) * r for r in right
        ],
        "half: the 2 of the square cancels the 1/2 of the energy": [r / 2 for r in right],
        "twice: you forgot the 1/2 of the energy": [2 * r for r in right],
        "an example has one each; the mean over the batch is asked for": [-e_l for e_l in e],
        "an example has one each; the mean over the batch is asked for, and its sign is minus": e,
        "the mean is over the units; a bias belongs to a unit: average over the batch": [
            -e_l.mean(axis=1) for e_l in e
        ],
        "the mean is over the units, too; a bias is a number a unit": [-e_l.mean() for e_l in e],
        "the sum is over the units, too; a bias is a number a unit": [-e_l.sum() for e_l in e],
        "the mean is taken twice: divide by the batch once": [r / batch for r in right],
        "the errors are squared; once differentiated they are not": [
            -(e_l**2).mean(axis=0) for e_l in e
        ],
        "these are energies; their derivative is asked for": [
            0.5 * (e_l**2).mean(axis=0) for e_l in e
        ],
        "the errors are sent back through V; a bias stands in its own layer's error": [
            -(e_l @ V).mean(axis=0) for e_l, V in zip(e, generator, strict=True)
        ],
        "these are slopes by the activities; a bias stands in one error only": [
            (own[l] - back).mean(axis=0) for l, back in felt
        ],
        "these are slopes by the activities, turned; a bias stands in one error only": [
            (back - own[l]).mean(axis=0) for l, back in felt
        ],
        "only the first example; the mean over the batch is asked for": [-e_l[0] for e_l in e],
        "these are activities; a bias sees an activity of 1, and the error": [
            -a.mean(axis=0) for a in activities
        ],
        "the image's is missing: there is one for each l": right[:-1],
        "that of l = 0 is missing: there is one for each l": right[1:],
        "the sign of an error is lost": [-np.abs(e_l).mean(axis=0) for e_l in e],
        "this is the gradient of the weights; the activity of a bias is 1": [
            -e_l.T @ a / batch for e_l, a in zip(e, activities, strict=True)
        ],
        "a bias sees no activity but 1: leave the mean of act(z) out": [
            -e_l.mean(axis=0) * a.mean() for e_l, a in zip(e, activities, strict=True)
        ],
        "one too many: e_0 is zero and belongs to no bias": [-e_l.mean(axis=0) for e_l in own],
        "the errors of layer l; b_l stands in the error of layer l + 1": [
            -e_l.mean(axis=0) for e_l in own[:-1]
        ],
        "they come in the reverse order: l = 0 is first": right[::-1],
        "act' has no place here: the bias is added after the activation": [
            -(e_l * (z_l > 0)).mean(axis=0) for e_l, z_l in zip(e, z[1:], strict=True)
        ],
        "one vector of all biases; a list with a vector for each l is asked for": np.concatenate(
            right
        ),
        "only the last bias; a list with a vector for each l is asked for": right[-1],
        "the activations are missing before the weights: use generative_errors": [
            -(z[l + 1] - z[l] @ V.T).mean(axis=0) for l, V in enumerate(generator)
        ],
    }


@jax.jit
def settle_labels(networks, image, label, swept):
    """Start from labels, sweep down (from others, perhaps), and let each network read for 100 steps."""

    def one(network):
        z = [label, *bpc.sweep_down(network, swept)[1:-1], image]
        return bpc.infer(network, z, [False, False, False, True], bpc.GENERATIVE, 100, 1.0)[0]

    return jax.vmap(one)(networks)


def kept(labels_3, *, classifier, data, truth):
    """Say what settling does with the classifier's answers."""
    guess = first_guess(data, classifier).argmax(axis=1)
    wrong = guess != truth[: len(guess)]
    same = np.asarray(labels_3).argmax(axis=2) == guess
    of_wrong, of_right = (100 * np.mean(same[:, which]) for which in (wrong, ~wrong))
    return (
        f"settling keeps ≈ {of_wrong:.0f} % of the {wrong.sum()} wrong guesses and ≈ {of_right:.0f} % of "
        "the right ones: in 100 steps inference hardly moves away from its start."
    )


@jax.jit
def labels_after_each_step(networks, image, label):
    """Give the first network's labels after 0 to 200 steps."""
    network = jax.tree.map(lambda w: w[0], networks)
    z = [*bpc.sweep_down(network, label)[:-1], image]
    clamped = [False, False, False, True]
    return bpc.infer(network, z, clamped, bpc.GENERATIVE, 200, 1.0, record=True).trajectory[0]


def nearest_steps(labels_3, *, old, classifier, data):
    """Name another number of steps, or one seed in the place of all, where that is all."""
    if np.allclose(labels_3, np.asarray(labels_3)[:1]):
        return "all five seeds are the same; use each of the five networks in `old`."
    guess = jnp.eye(10)[first_guess(data, classifier).argmax(axis=1)]
    after = labels_after_each_step(old, bpc.normalise(data.held_out_images[:100]), guess)
    off = np.abs(np.asarray(after) - np.asarray(labels_3)[0]).max(axis=(1, 2))
    if off.min() < 2e-3 and off.argmin() != 100:
        return f"this is after {off.argmin()} steps; 100 are asked for."
    how = "One-hot guesses, start_from, read for 100 steps, for each network in `old`; ten numbers each."
    raise Wrong(f"this is not it. {how}", "unknown")


def first_guess(data, classifier):
    """Give the linear classifier's ten numbers for the first 100 held-out images."""
    pixels = np.asarray(bpc.normalise(data.held_out_images[:100]))
    return np.concatenate([pixels, np.ones((len(pixels), 1))], axis=1) @ classifier


@exercise(
    "labels_3",
    goal="separate what settling finds from what its start has given",
    minutes=30,
    why=kept,
    hint=nearest_steps,
    rtol=2e-3,
    atol=2e-3,
)
def exercise_3(*, old, classifier, data, truth):
    """Let inference start from a classifier's guess."""
    scores = first_guess(data, classifier)
    image, guess = bpc.normalise(data.held_out_images[:100]), scores.argmax(axis=1)

    def settled(label, swept=None):
        label = jnp.asarray(label, jnp.float32)
        above = label if swept is None else jnp.asarray(swept, jnp.float32)
        return np.asarray(settle_labels(old, image, label, above))

    def instead(label):
        return lambda: settled(label)

    one_hot = np.eye(10)[guess]
    right = settled(one_hot)
    return right, {
        "this is the guess itself, not settled": np.broadcast_to(one_hot, right.shape),
        "this is the guess itself, not settled; and only once": one_hot,
        "this started undecided; start from the classifier's guess": instead(
            np.full((100, 10), 0.1)
        ),
        "this started from zero; start from the classifier's guess": instead(np.zeros((100, 10))),
        "this started from the true labels; start from the classifier's guess": instead(
            np.eye(10)[truth[:100]]
        ),
        "this started from the classifier's ten numbers; make its guess one-hot": instead(scores),
        "this started from 0.1 and the guess; one-hot is 1 and 0": instead(0.1 + 0.9 * one_hot),
        "the hidden layers started from an undecided sweep; sweep down from the guess": lambda: (
            settled(one_hot, np.full((100, 10), 0.1))
        ),
        "the label started undecided, the hidden layers from the guess; both start from it": lambda: (
            settled(np.full((100, 10), 0.1), one_hot)
        ),
        "these are answers; keep the ten numbers of each label": right.argmax(axis=2),
        "one seed is here; five are asked for": right[0],
        "the mean of the seeds is here; five are asked for": right.mean(axis=0),
        "the axes are exchanged: seed, image, label": right.swapaxes(0, 1),
    }


def read_from(
    generator,
    image,
    level,
    steps,
    *,
    size=0.03,
    free=("label", "hidden"),
    swept=False,
    in_turn="",
    label=None,
    hidden=None,
    act_slope=True,
):
    """Read as exercise 4 asks, or as students do instead; all layers at the end."""
    V = [np.asarray(v, float) for v in generator]
    image, L = np.asarray(image, float), len(V)
    levels = [level if label is None else label] + (L - 1) * [level if hidden is None else hidden]
    z = [np.full((len(image), v.shape[1]), float(x)) for v, x in zip(V, levels, strict=True)]
    z.append(image)
    for l in range(1, L) if swept else ():
        z[l] = act(l - 1, z[l - 1]) @ V[l - 1].T
    moving = [*([0] if "label" in free else []), *(range(1, L) if "hidden" in free else [])]
    moving += [L] if "image" in free else []

    def slope(l):
        e = [np.zeros_like(z[0]), *errors(V, z)]
        if l == L:
            return e[L]
        return e[l] - (z[l] > 0 if l and act_slope else 1) * (e[l + 1] @ V[l])

    for _ in range(steps):
        if in_turn:
            for l in moving if in_turn == "down" else moving[::-1]:
                z[l] = z[l] - size * slope(l)
        else:
            moved = {l: z[l] - size * slope(l) for l in moving}
            z = [moved.get(l, z[l]) for l in range(L + 1)]
    return z


def some_images(rng, *, SIZES):
    """Draw networks, images and levels; 0 is among them."""
    for level, steps in ((0.1, 7), (0.5, 4), (0.0, 9)):
        images = jnp.asarray(rng.normal(size=(5, SIZES[-1])), jnp.float32)
        yield some_generator(rng, SIZES), images, level, steps


@exercise(
    "read_from(generator, image, level, steps)",
    goal="show that where inference ends depends on where it starts, and why ReLU can hold it at zero",
    minutes=20,
    cases=some_images,
    why="at level 0 the label never moves: act'(0) is 0, so no hidden layer hears of the image's error.",
    hint="Equation 5, for l = 0 too, with the slopes of activity_gradient; only the image is clamped.",
)
def exercise_4(generator, image, level, steps):
    """Break reading: start with every free layer at one number."""
    how = generator, image, level, steps

    def instead(**other):
        return lambda: read_from(*how, **other)[0]

    return instead()(), {
        "the label never moves: it is clamped, or no step is taken": instead(free=("hidden",)),
        "the hidden layers are clamped; they are free as well": instead(free=("label",)),
        "the image moves too; clamp it": instead(free=("label", "hidden", "image")),
        "the hidden layers start from a sweep; start them at `level`": instead(swept=True),
        "this climbs: go against the slope": instead(size=-0.03),
        "the layers move one after the other, the label first; each sees where its neighbours were": instead(
            in_turn="down"
        ),
        "the layers move one after the other, the label last; each sees where its neighbours were": instead(
            in_turn="up"
        ),
        "act' is missing: a unit at 0 or below sends nothing back": instead(act_slope=False),
        "the label starts at 0.1 whatever `level` is; the hidden layers do start there": instead(
            label=0.1
        ),
        "the label starts at 0 whatever `level` is; the hidden layers do start there": instead(
            label=0.0
        ),
        "the hidden layers start at 0; they start at `level`, too": instead(hidden=0.0),
        "the step is 0.03, not 0.06: the energy has a 1/2": instead(size=0.06),
        "the step is 0.03, not 0.3": instead(size=0.3),
        "the step is 0.03, not 1": instead(size=1.0),
        "the step is 0.03, not 0.01": instead(size=0.01),
        "the step is 0.03, not 0.1": instead(size=0.1),
        "the steps are averaged over the batch; each example moves on its own": instead(
            size=0.03 / len(image)
        ),
        "the step is 0.03, not 0.003": instead(size=0.003),
        "twice as many steps": lambda: read_from(generator, image, level, 2 * steps)[0],
        "a label's numbers may be below 0: leave them": lambda: np.maximum(instead()(), 0),
        "these are made to add to 1; the label's numbers as they are": lambda: (
            np.exp(instead()()) / np.exp(instead()()).sum(axis=1, keepdims=True)
        ),
        "one step too few": lambda: read_from(generator, image, level, max(steps - 1, 0))[0],
        "one step too many": lambda: read_from(generator, image, level, steps + 1)[0],
        "only one step is taken": lambda: read_from(generator, image, level, 1)[0],
        "it starts at 0.1 whatever `level` is": lambda: read_from(generator, image, 0.1, steps)[0],
        "it starts at 0 whatever `level` is": lambda: read_from(generator, image, 0.0, steps)[0],
        "these are answers; the label's numbers are asked for": lambda: instead()().argmax(axis=1),
        "these are all layers; only the label's numbers are asked for": lambda: read_from(*how),
        "these are the largest numbers; all of the label's are asked for": lambda: instead()().max(
            axis=1
        ),
        "this is the first hidden layer; the label is layer 0": lambda: read_from(*how)[1],
        "this is the image; the label is layer 0": lambda: read_from(*how)[-1],
    }


def some_answers(rng):
    """Draw true digits, each at least once, and answers of which some are wrong."""
    for count in (60, 45):
        truth = np.concatenate([np.arange(10), rng.integers(10, size=count)])
        found = np.where(rng.random(len(truth)) < 0.5, truth, rng.integers(10, size=len(truth)))
        yield found, truth


@exercise(
    "confusion(found, truth)",
    goal="look at a network's mistakes, and not at its accuracy alone",
    minutes=25,
    cases=some_answers,
    why="each row says what became of one digit's images, and adds to 100.",
    hint="Count the pairs of true digit and answer, then divide each row by its sum.",
)
def exercise_5(found, truth):
    """Count which digits are taken for which."""
    counts = np.zeros((10, 10))
    np.add.at(counts, (truth, found), 1)
    rows, columns = counts.sum(axis=1, keepdims=True), counts.sum(axis=0, keepdims=True)
    right = 100 * counts / rows
    off = right * (1 - np.eye(10))
    once = np.zeros((10, 10))
    once[truth, found] = 1
    return right, {
        "rows and columns are exchanged: the true digit is the row": right.T,
        "counts; in percent of the row is asked for": counts,
        "counts, with rows and columns exchanged": counts.T,
        "a share; percent is asked for": right / 100,
        "a share, with rows and columns exchanged": right.T / 100,
        "in percent of the columns; the images of a true digit are a row": 100 * counts / columns,
        "in percent of the columns, with the answers in rows": (100 * counts / columns).T,
        "in percent of all images; divide each row by its own sum": 100 * counts / counts.sum(),
        "divided by ten: the rows do not hold ten images each": 100 * counts / 10,
        "a share of all images; percent of each row is asked for": counts / counts.sum(),
        "the counts begin at 1; begin at 0": 100 * (counts + 1) / (rows + 10),
        "divided by the row's mean; divide by its sum": 1000 * counts / rows,
        "in percent of the row's largest; divide by its sum": 100
        * counts
        / counts.max(axis=1, keepdims=True),
        "in percent of the row's mistakes; of all its images is asked for": 100
        * counts
        * (1 - np.eye(10))
        / np.maximum((counts * (1 - np.eye(10))).sum(axis=1, keepdims=True), 1),
        "each row is divided by another's sum: keep the sums as a column": 100
        * counts
        / rows[:, 0],
        "only the diagonal: what of the wrong answers?": right * np.eye(10),
        "only the shares that are right, as ten numbers; a table is asked for": np.diag(right),
        "the diagonal is left out: right answers count too": off,
        "each pair counts once, however often it comes: np.add.at counts again": once,
        "each pair counts once, however often it comes, and in percent": 100 * once,
        "each pair counts once; its row adds to 100, but np.add.at would count again": 100
        * once
        / once.sum(axis=1, keepdims=True),
        "this is the accuracy; a table is asked for": 100 * np.mean(found == truth),
        "the answers are counted, whatever the true digit is": 100
        * np.bincount(found, minlength=10)
        / len(found),
    }
