"""The exercises of chapter 3, the hybrid amortiser."""

import jax
import jax.numpy as jnp
import numpy as np

import bpc_minimal as bpc
from bpc_minimal.checks.core import Wrong, exercise, number_array


@exercise(
    "multiplications(steps)",
    goal="count what a sweep and a step of settling cost",
    minutes=10,
    cases=[(10,), (0,), (3,), (25,)],
    why="one product a matrix for the guess, two a matrix for each step: what it predicts, and the way back.",
    hint="Count products of each matrix with a vector, then multiply by the entries of all matrices.",
)
def exercise_1(steps, *, SIZES):
    """Count the multiplications of reading one image."""
    pairs = list(zip(SIZES[:-1], SIZES[1:], strict=True))
    weights = sum(a * b for a, b in pairs)
    right = weights * (1 + 2 * steps)
    return right, {
        "you forgot the guess: one sweep before the steps": weights * 2 * steps,
        "you forgot that errors are carried back: two products a step, not one": weights
        * (1 + steps),
        "you forgot both the guess and the way back": weights * steps,
        "the guess is one product for each matrix, not two": weights * (2 + 2 * steps),
        "the guess is taken once, not at each step": weights * 3 * steps,
        "a step has two products for each matrix, not three": weights * (1 + 3 * steps),
        "a step has two products for each matrix, not four": weights * (1 + 4 * steps),
        "each multiplication counts once; its addition is not asked for": 2 * right,
        "this is of a batch of 32; one image is asked for": 32 * right,
        "this is of 250 images; one is asked for": 250 * right,
        "this is of five networks; one is asked for": 5 * right,
        "these are additions and multiplications of 32 images; one image's multiplications are asked for": 64
        * right,
        "the label is free, so errors are carried back to it too": right
        - pairs[0][0] * pairs[0][1] * steps,
        "errors are carried back from the image too: its matrix has two products a step": right
        - pairs[-1][0] * pairs[-1][1] * steps,
        "the guess costs a product with each matrix, half of a step's two, not a quarter": weights
        * (0.5 + 2 * steps),
        "a step costs two products with each matrix, the guess one, not the other way round": weights
        * (2 + steps),
        "a step costs twice what the guess costs, not half of it": weights * (1 + 0.5 * steps),
        "there are no biases here": (weights + sum(SIZES[1:])) * (1 + 2 * steps),
        "one step too many": weights * (3 + 2 * steps),
        "one step too few": weights * (2 * steps - 1),
        "the additions are not asked for, and the guess is missing": 4 * weights * steps,
        "these are products; each has as many multiplications as its matrix entries": len(pairs)
        * (1 + 2 * steps),
        "this is without the matrices' sizes: multiply by their entries": 1 + 2 * steps,
        "only the last matrix is counted; sum over all": pairs[-1][0]
        * pairs[-1][1]
        * (1 + 2 * steps),
        "only the first matrix is counted; sum over all": pairs[0][0]
        * pairs[0][1]
        * (1 + 2 * steps),
        "the first matrix is forgotten": (weights - pairs[0][0] * pairs[0][1]) * (1 + 2 * steps),
        "the last matrix is forgotten": (weights - pairs[-1][0] * pairs[-1][1]) * (1 + 2 * steps),
        "the entries of a matrix are m times n, not m plus n": sum(map(sum, pairs))
        * (1 + 2 * steps),
        "these are neurons; a matrix has m times n entries": sum(SIZES) * (1 + 2 * steps),
        "the sizes of all layers are multiplied; sum over the matrices": int(np.prod(SIZES))
        * (1 + 2 * steps),
        "the steps are squared": weights * (1 + 2 * steps**2),
        "each step counts the guess too": weights * (1 + 2) * max(steps, 1),
        "this is what a guess costs; the steps come on top, in products with every weight": weights,
    }


def accuracies(settled_rule, settled_2):
    """Look at the rule first: it says why the numbers are what they are."""
    if not isinstance(settled_rule, bpc.Rule):
        raise Wrong("`settled_rule` is not a bpc.Rule: make one with bpc.Rule(...).", "type")
    moves, teaches = settled_rule.moves, settled_rule.teaches
    for wrong, text in (
        (settled_rule.amortiser_inputs != "settled", "its amortiser learns from swept inputs"),
        (moves[1] != 0, "in HPC the amortiser's errors move nothing: `moves` is (1, 0)"),
        (moves[0] == 0, "nothing moves: inference descends the generative errors"),
        (teaches[1] == 0, "the amortiser does not learn: both networks do"),
        (teaches[0] == 0, "the generator does not learn: both networks do"),
        (settled_rule.start != "image", "HPC starts from the guess: `start` is 'image'"),
        ((*moves, *teaches) != (1, 0, 1, 1), "its weights are not those of HPC, 0 or 1"),
    ):
        if wrong:
            raise Wrong(f"`settled_rule`: {text}.")
    return number_array(settled_2)


def compared(settled_rule, settled_2, *, hybrids, watch, after, accuracy, pixels, truth):
    """Say what the inputs change."""
    swept = sweeps(after(hybrids, 300), watch, accuracy, pixels, truth)
    both = ("settled", number_array(settled_2)), ("swept", swept)
    ours = [f"≈ {x.mean():.1f} ± {x.std(ddof=1):.1f} % from {name} inputs" for name, x in both]
    return f"the sweep reads {' and '.join(ours)} (mean and spread of five seeds)."


def sweeps(networks, watch, accuracy, pixels, truth, *, start="guess", steps=0):
    """Give what five networks read after some steps, one number a seed."""
    return np.asarray(accuracy(watch(networks, pixels, start, steps)[1], truth))[:, -1]


@exercise(
    "settled_rule, settled_2",
    goal="change what the amortiser learns from, and judge the difference by its spread",
    minutes=40,
    read=accuracies,
    why=compared,
    hint="Train with settled_rule on order[:, :6], and let the sweep read: watch(..., pixels, 'guess', 0).",
    rtol=0,
    atol=0.9,  # two of 250 images
)
def exercise_2(*, train_five, watch, after, accuracy, order, pixels, truth, hybrids, generative):
    """Let the amortiser learn from settled inputs."""
    rule = bpc.Rule(moves=(1, 0), teaches=(1, 1), start="image", amortiser_inputs="settled")
    networks = train_five(order[:, :6], rule)
    right = sweeps(after(networks, 300), watch, accuracy, pixels, truth)

    def instead(networks=networks, iterations=300, **how):
        return lambda: sweeps(after(networks, iterations), watch, accuracy, pixels, truth, **how)

    def longer():  # train on: only where nothing that is at hand explains the answer
        return sweeps(after(train_five(order, rule), 600), watch, accuracy, pixels, truth)

    return right, {
        "a share; percent is asked for": right / 100,
        "this is one number, the mean or one seed's; one a seed is asked for": right.mean(),
        "this is one number, the first seed's; one a seed is asked for": right[0],
        "this is what is not read; the accuracy is asked for": 100 - right,
        "the seeds are in the reverse order": right[::-1],
        "these networks learned from swept inputs: hand settled_rule to train_five": instead(
            hybrids
        ),
        "these networks have no amortiser that learned: hand settled_rule to train_five": instead(
            generative
        ),
        "read after ten steps; the sweep alone is asked for": instead(steps=10),
        "read from the blank start; the sweep is the guess": instead(start="blank", steps=10),
        **{
            f"this is after {n} iterations; 300 are asked for": instead(iterations=n)
            for n in (50, 100, 150, 200, 250)
        },
        "this is after 600 iterations of learning from swept inputs": instead(hybrids, 600),
        "this is after 600 iterations; 300 are asked for": longer,
    }


def forgotten(watch, after, accuracy, shifted, digits, *, ages=(300, 600), step=-1, start="blank"):
    """Give the percentages that the shifted networks read, one row a seed, one column an age."""
    image, truth = digits
    found = [watch(after(shifted, age), image, start)[1] for age in ages]
    return np.stack([np.asarray(accuracy(f, truth))[:, step] for f in found], axis=1)


def by_both(remembered_3, drawn_back_3):
    """Stack both arrays."""
    shapes = number_array(remembered_3).shape, number_array(drawn_back_3).shape
    if shapes[0] != shapes[1]:
        raise Wrong(
            f"the arrays have the shapes {shapes[0]} and {shapes[1]}; both have a row for each seed "
            "and a column for each age.",
            "shape",
        )
    return number_array([number_array(remembered_3), number_array(drawn_back_3)])


def what_is_left(remembered_3, drawn_back_3):
    """Say which network has forgotten."""
    sweep, settling = (number_array(x).mean(axis=0) for x in (remembered_3, drawn_back_3))
    return (
        f"of the old digits the sweep reads ≈ {sweep[0]:.0f} %, then ≈ {sweep[1]:.0f} %; settling from a "
        f"blank start ≈ {settling[0]:.0f} %, then ≈ {settling[1]:.0f} %. The generator's weights from "
        "labels that no longer come rest."
    )


@exercise(
    "remembered_3, drawn_back_3",
    goal="find which of two networks has forgotten, by an experiment that tells them apart",
    minutes=40,
    read=by_both,
    why=what_is_left,
    hint="Compare the answers that watch gives, at step 0 from 'guess' and at step 100 from 'blank'.",
    rtol=0,
    atol=2.1,  # one of 50 images
)
def exercise_3(*, watch, after, accuracy, shifted, old_digits, new_digits):
    """Ask which of the two networks has forgotten the old digits."""

    def reads(digits=old_digits, **how):
        return forgotten(watch, after, accuracy, shifted, digits, **how)

    sweep, settling = reads(step=0, start="guess"), reads()
    right = np.stack([sweep, settling])

    def both(**how):
        return lambda: np.stack([reads(**{"step": 0, "start": "guess", **how}), reads(**how)])

    other_steps = {
        f"settled for {step} steps; 100 are asked for": (
            lambda step=step: np.stack([sweep, reads(step=step)])
        )
        for step in (1, 10, 30)
    }
    return right, {
        "the two arrays are exchanged: remembered_3 is the sweep's": right[::-1],
        "the columns are exchanged: before the shift comes first": right[:, :, ::-1],
        "the axes are exchanged: a row for each seed": right.swapaxes(1, 2),
        "a share; percent is asked for": right / 100,
        "the means of the seeds; a row for each seed is asked for": right.mean(axis=1),
        "this is what is forgotten; what is still read is asked for": 100 - right,
        "both columns are before the shift; the second is after 600 iterations": np.stack(
            [sweep, settling]
        )[:, :, [0, 0]],
        "both columns are at the end; the first is after 300 iterations": np.stack(
            [sweep, settling]
        )[:, :, [1, 1]],
        "both arrays are of the sweep; drawn_back_3 settles": np.stack([sweep, sweep]),
        "both arrays are settled; remembered_3 is of the sweep alone": np.stack(
            [settling, settling]
        ),
        "drawn_back_3 settles from the guess; the start is blank": lambda: np.stack(
            [sweep, reads(start="guess")]
        ),
        "remembered_3 is read from the blank start, before any step": lambda: np.stack(
            [reads(step=0), settling]
        ),
        "drawn_back_3 is the blank start itself, before any step": lambda: np.stack(
            [sweep, reads(step=0)]
        ),
        "these are the new digits; the old ones are old_digits": both(digits=new_digits),
        **{
            f"before the shift is after 300 iterations, not {n}": both(ages=(n, 600))
            for n in (350, 250, 200, 150, 100, 50)
        },
        **{
            f"the end is after 600 iterations, not {n}": both(ages=(300, n))
            for n in (550, 500, 450, 400, 350)
        },
        **other_steps,
    }


def moved_accuracy(network, images, labels, by, *, fill=0, scale=bpc.normalise, move=None):
    """Read images that moved to the right, in percent."""
    images = np.asarray(images)
    moved = np.full_like(images, fill)
    moved[:, :, by:] = images[:, :, : 28 - by]
    if move is not None:
        moved = move(images)
    answers = bpc.sweep_up(network, jnp.asarray(scale(moved)))[0].argmax(axis=1)
    return 100 * float(np.mean(np.asarray(answers) == np.asarray(labels)))


def some_digits(rng):
    """Draw a network and images, and labels of which it reads about two thirds."""
    for seed, by in ((3, 2), (4, 5), (5, 0), (6, 8)):
        network = bpc.make_network(jax.random.PRNGKey(seed), (10, 24, 784), use_bias=False)
        images = rng.integers(0, 256, size=(150, 28, 28)).astype(np.uint8)
        right = np.zeros_like(images)
        right[:, :, by:] = images[:, :, : 28 - by]
        answers = bpc.sweep_up(network, bpc.normalise(right))[0].argmax(axis=1)
        labels = np.where(rng.random(150) < 0.6, answers, rng.integers(10, size=150))
        yield network, images, labels, by


def shift(images, by, axis, way=1):
    """Move images along an axis, with a black margin."""
    moved = np.roll(images, way * by, axis=axis)
    edge = [slice(None)] * 3
    edge[axis] = slice(0, by) if way > 0 else slice(28 - by, 28)
    moved[tuple(edge)] = 0
    return moved


@exercise(
    "moved_accuracy(network, images, labels, by)",
    goal="measure how a guess fails on images that were shifted",
    minutes=25,
    cases=some_digits,
    rtol=0,
    atol=0.7,  # one of 150 images
    why="each weight of the amortiser belongs to one pixel, so a digit that moved is another image to it.",
    hint="Copy images[:, :, :28 - by] to [:, :, by:] of zeros, then normalise and sweep up; "
    "with :-by nothing is copied where by is 0.",
)
def exercise_4(network, images, labels, by):
    """Break the guess: move the digits."""
    right = moved_accuracy(network, images, labels, by)

    def instead(**how):
        return lambda: moved_accuracy(network, images, labels, by, **how)

    def settled():
        z = bpc.sweep_up(network, bpc.normalise(shift(images, by, 2)))
        z = bpc.infer(network, z, [False, False, True], bpc.GENERATIVE, 10, 1.0)
        return 100 * float(np.mean(np.asarray(z[0].argmax(axis=1)) == labels))

    return right, {
        "a share; percent is asked for": right / 100,
        "this is how many are read rightly; percent is asked for": round(right * len(labels) / 100),
        "this is the share of errors; the accuracy is asked for": 100 - right,
        "what leaves on the right comes back on the left: np.roll wraps; fill with 0": instead(
            move=lambda x: np.roll(x, by, axis=2)
        ),
        "they move to the left; the right is asked for": instead(
            move=lambda x: shift(x, by, 2, -1)
        ),
        "they move to the left, and wrap": instead(move=lambda x: np.roll(x, -by, axis=2)),
        "they move down; columns are the last axis": instead(move=lambda x: shift(x, by, 1)),
        "they move down, and wrap; columns are the last axis": instead(
            move=lambda x: np.roll(x, by, axis=1)
        ),
        "they move up; columns are the last axis": instead(move=lambda x: shift(x, by, 1, -1)),
        "they wrap, from one row into the next: move them as 28 by 28": instead(
            move=lambda x: np.roll(x.reshape(-1, 784), by, axis=1).reshape(-1, 28, 28)
        ),
        "the images are exchanged, not moved: the first axis counts them": instead(
            move=lambda x: np.roll(x, by, axis=0)
        ),
        "they do not move at all": instead(move=lambda x: x),
        "the margin is white; black is 0": instead(fill=255),
        "the margin is grey: fill with 0 before you normalise": lambda: moved_accuracy(
            network,
            images,
            labels,
            by,
            scale=lambda x: np.where(
                np.arange(784) % 28 < by, 0.0, np.asarray(bpc.normalise(x)).reshape(-1, 784)
            ),
        ),
        "bytes, or bytes over 255, are not what it was trained on: use bpc.normalise": instead(
            scale=lambda x: np.float32(x.reshape(-1, 784)) / 255
        ),
        "a pixel too far": instead(move=lambda x: shift(x, by + 1, 2)),
        "they stay where they were, and lose their right margin": instead(
            move=lambda x: np.where(np.arange(28) < 28 - by, x, 0).astype(x.dtype)
        ),
        "the left margin keeps what was there: fill it with 0": instead(
            move=lambda x: np.concatenate([x[:, :, :by], x[:, :, : 28 - by]], axis=2)
        ),
        "a pixel short": instead(move=lambda x: shift(x, max(by - 1, 0), 2)),
        "twice as far": instead(move=lambda x: shift(x, 2 * by, 2)),
        "ten steps settle it; the guess alone is asked for": settled,
        "these are right or wrong; their percentage is asked for": lambda: np.asarray(
            bpc.sweep_up(network, bpc.normalise(shift(images, by, 2)))[0].argmax(axis=1) == labels
        ),
        "these are answers; the percentage of right ones is asked for": lambda: np.asarray(
            bpc.sweep_up(network, bpc.normalise(shift(images, by, 2)))[0].argmax(axis=1)
        ),
        "next to none is right: a sweep ends at the image, and the label is its first layer, [0]": (
            lambda: (
                100.0
                * np.mean(
                    np.asarray(
                        bpc.sweep_up(network, bpc.normalise(shift(images, by, 2)))[-1].argmax(
                            axis=1
                        )
                    )
                    == labels
                )
            )
        ),
    }


def some_energies(rng):
    """Draw energies that fall, now and then rise, and pass a mark or do not."""
    for steps, images in ((12, 9), (20, 7)):
        energies = 100 - np.cumsum(rng.uniform(-3, 9, size=(steps + 1, images)), axis=0)
        energies[:, 0], energies[:, 1] = 200.0, 10.0  # never below the mark, and always
        energies[:4, 2], energies[4:, 2] = (90, 60, 90, 60), 90.0  # below it and up again
        yield energies, 75.0


@exercise(
    "steps_to(energies, mark)",
    goal="measure how many steps of settling a start saves",
    minutes=15,
    cases=some_energies,
    why="row 0 is before any step, and who never gets there has taken every step.",
    hint="Ask where energies < mark for the first time, and treat the columns where it never is apart.",
)
def exercise_5(energies, mark):
    """Count the steps until the energy is below a mark."""
    below = energies < mark
    steps, first, never = len(energies) - 1, below.argmax(axis=0), ~below.any(axis=0)
    right = np.where(never, steps, first)
    last = steps - below[::-1].argmax(axis=0)
    total = energies.mean(axis=1) < mark
    above = steps - (~below)[::-1].argmax(axis=0)  # the last row that is not below
    stays = np.where(below.all(axis=0), 0, above + 1)
    late = below[1:].argmax(axis=0)
    # The last row that is below where the one before it was not.
    crossings = below & ~np.vstack([np.zeros_like(below[:1]), below[:-1]])
    last_crossing = steps - crossings[::-1].argmax(axis=0)
    at_110 = energies < 110
    comes_down = crossings[1:].any(axis=0), 1 + crossings[1:].argmax(axis=0)
    every, one = below.all(axis=1), below.any(axis=1)
    return right, {
        "this is the last time that it comes below the mark; the first is asked for": np.where(
            never, steps, last_crossing
        ),
        "110 was the mark of one image; the mark is an argument, another each time": np.where(
            at_110.any(axis=0), at_110.argmax(axis=0), steps
        ),
        "from this step on it stays below; the first step below is asked for, come what may": np.where(
            stays > steps, steps, stays
        ),
        "from this step on it stays below, and one too many for who never does": stays,
        "row 0 counts too: what is below the mark before any step needs none": np.where(
            never, steps, np.maximum(right, 1)
        ),
        "row 0 is left out, so the numbers begin one too low": np.where(never, steps, late),
        "row 0 is left out, so the numbers begin one too low; and who never gets there is not 0": late,
        "row 0 is left out, so all numbers are one too low": np.where(never, steps - 1, late),
        "who never gets there has taken every step, not one less": np.where(
            never, steps - 1, first
        ),
        "one too many, but for who never gets there: row 0 is before any step": np.where(
            never, steps, first + 1
        ),
        "who never gets there has taken all its own steps, not 100": np.where(never, 100, first),
        "who never gets there has taken every step; the steps are the first axis": np.where(
            never, energies.shape[1], first
        ),
        "this is where the energy is nearest to the mark; the first below it is asked for": np.abs(
            energies - mark
        ).argmin(axis=0),
        "these are the steps above the mark, at most all; an energy may rise again": np.minimum(
            (~below).sum(axis=0), steps
        ),
        "who never gets there counts as 0; it has taken every step": first,
        "row 0 is before any step: one too many everywhere": right + 1,
        "who never gets there counts one too many: row 0 is before any step": np.where(
            never, steps + 1, first
        ),
        "who never gets there has taken every step; NaN is no count": np.where(
            never, np.nan, first
        ),
        "who never gets there has taken every step, not -1": np.where(never, -1, first),
        "one too few everywhere": right - 1,
        "these are the steps above the mark; an energy may rise again after it was below": (
            ~below
        ).sum(axis=0),
        "these are the steps above the mark, without the last row": (~below)[:-1].sum(axis=0),
        "these are the steps below the mark": below.sum(axis=0),
        "this is the last step below the mark; the first is asked for": np.where(
            never, steps, last
        ),
        "this is the last step below the mark, and 0 for never": np.where(never, 0, last),
        "this is the first step above the mark; below it is asked for": np.where(
            below.all(axis=0), steps, (~below).argmax(axis=0)
        ),
        "this is the first step above the mark; below it is asked for, and never is not 0": (
            ~below
        ).argmax(axis=0),
        "this is the mean over the images; a number for each is asked for": right.mean(),
        "this looks along a step; each column is an image": below.argmax(axis=1),
        "this is when the mean energy is below; each image has its own": np.argmax(total),
        "this is the energy there; the number of the step is asked for": energies[
            right, np.arange(energies.shape[1])
        ],
        "this says whether it is below; the number of the step is asked for": below,
        "this says whether it ever is below; the number of the step is asked for": below.any(
            axis=0
        ),
        "who is below the mark at the start has taken no step; no crossing is needed": np.where(
            comes_down[0], comes_down[1], steps
        ),
        "this is when the first image is there; each has its own": one.argmax(),
        "this is when the last image is there; each has its own": (
            every.argmax() if every.any() else steps
        ),
        "these are the images below the mark at each step; count for each image": below.sum(axis=1),
        "these are the images above the mark at each step; count for each image": (~below).sum(
            axis=1
        ),
        "this is a share of the steps; their number is asked for": right / steps,
        "these are the steps that are left; those taken are asked for": steps - right,
        "who never gets there has taken every step; the steps are the first axis, less row 0": np.where(
            never, energies.shape[1] - 1, first
        ),
        "one too many, and who never gets there counts as 1": first + 1,
        "one too many where it gets there, and who never does counts as 0": np.where(
            never, 0, first + 1
        ),
        "this is the median over the images; a number for each is asked for": np.median(right),
        "this is the sum over the images; a number for each is asked for": right.sum(),
        "the mark is an energy, not a share of the first one": np.where(
            (energies < mark / 100 * energies[0]).any(axis=0),
            (energies < mark / 100 * energies[0]).argmax(axis=0),
            steps,
        ),
        "this is where the energy is lowest; the first below the mark is asked for": energies.argmin(
            axis=0
        ),
    }
