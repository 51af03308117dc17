"""The exercises of chapter 11, when it goes wrong: a cure for each, and two more leaks."""

import functools

import jax
import jax.numpy as jnp
import numpy as np

import bpc_minimal as bpc
from bpc_minimal.checks.core import exercise

BOTH, READING = [True, False, False, True], [False, False, False, True]


@exercise(
    "same_settling(step, old, new)",
    goal="take a step from one batch size to another, where the energy is averaged",
    minutes=5,
    cases=[(12.8, 64, 512), (0.5, 64, 10), (3.0, 8, 20)],
    why="the mean divides each image's slope by the batch, so that the step has to grow with it.",
    hint="In a batch of B an image goes down its own slope by step / B: let that stay what it was.",
)
def exercise_1(step, old, new):
    """Keep the settling of an image where the batch changes."""
    return step * new / old, {
        "the wrong way round: a larger batch divides each slope by more": step * old / new,
        "the step must change: an image's slope has": float(step),
        "this is the step on an image's own energy, in the old batch": step / old,
        "this is the step on an image's own energy, in the new batch, if the step stayed": step
        / new,
        "the old batch is forgotten: its mean has divided already": step * new,
        "this is for a step that was made for the sum; it was made for the old batch's mean": step
        * old,
        "this is the factor; the step is asked for": new / old,
        "the slope goes with the batch, not with its square root": step * np.sqrt(new / old),
        "the slope goes with the batch, not with its square": step * (new / old) ** 2,
        "the batches multiply; they divide": step * new * old,
        "the batches' difference does not matter, their ratio does": step * (new - old),
        "the step does not grow by images, but by a factor": step + new - old,
        "rounded to whole batches: divide exactly": float(step * (new // old)),
    }


def choices(rng):
    """Draw accuracies where the run of the best look has not the best mean."""
    for _ in range(4):
        validation, test = rng.normal(97, 1, (5, 6)), rng.normal(96, 1, (5, 6))
        steady = (validation.max(axis=1).argmax() + rng.integers(1, 5)) % 5
        validation[steady] = validation.mean(axis=1).max() + rng.normal(0.2, 0.05, 6)
        yield validation, test


@exercise(
    "reported(validation, test)",
    goal="report an accuracy that no choice on the test set has raised",
    minutes=10,
    cases=choices,
    why="the validation images have chosen, so that the test images have only measured.",
    hint="Find the run and the look that the validation images like best, and say what the test images say.",
    rtol=1e-6,
)
def exercise_2(validation, test):
    """Choose on validation images, report on test images."""
    run, look = np.unravel_index(np.argmax(validation), validation.shape)
    steady, even = validation.mean(axis=1).argmax(), validation.mean(axis=0).argmax()
    liked = test.mean(axis=1).argmax()  # the run that the test images like best
    return test[run, look], {
        "this is the leak: the test images have chosen": test.max(),
        "these are the validation images' own words, which chose it: they flatter": validation.max(),
        "this chooses on test images and reports validation images: the other way round": validation[
            np.unravel_index(np.argmax(test), test.shape)
        ],
        "this is the mean of all; one network is to be chosen": test.mean(),
        "this is the last look of the last run: choose": test[-1, -1],
        "this is the mean of all runs at the look that is best on average: one network": test[
            :, even
        ].mean(),
        "this is the right run at its last look: a look is chosen too": test[run, -1],
        "this is the right look of the first run: a run is chosen too": test[0, look],
        "a run was chosen on validation images, its look on test images": test[run].max(),
        "a look was chosen on validation images, its run on test images": test[:, look].max(),
        "the run was chosen by its last look only": test[int(np.argmax(validation[:, -1])), -1],
        "a run was chosen by its mean, which is no network's (then the run's best look)": test[
            steady, validation[steady].argmax()
        ],
        "a run was chosen by its mean, which is no network's (then the run's last look)": test[
            steady, -1
        ],
        "a run was chosen by its mean, which is no network's (then the run's mean)": test[
            steady
        ].mean(),
        "a run was chosen by its mean; and its look by test images, a leak": test[steady].max(),
        "this is the mean of the chosen run's looks: one network, at one look": test[run].mean(),
        "a look was chosen by its mean over the runs: one network, of one run": test[
            validation[:, even].argmax(), even
        ],
        "a leak: the test images have chosen the run, by its mean (then its mean was reported)": test[
            liked
        ].mean(),
        "a leak: the test images have chosen the run, by its mean (then its best look)": test[
            liked, validation[liked].argmax()
        ],
        "a leak: the test images have chosen among the last looks": test[:, -1].max(),
        "a leak: the test images have chosen too, together with the validation images": test.flat[
            np.argmax(validation + test)
        ],
        "a leak: of each run's best look, the test images have chosen the run": max(
            test[i, row.argmax()] for i, row in enumerate(validation)
        ),
        "this is the worst on validation images": test[
            np.unravel_index(np.argmin(validation), validation.shape)
        ],
        "this is what the best of the test images gains over the chosen": test.max()
        - test[run, look],
        "this is the mean of each run's best on test images": test.max(axis=1).mean(),
        "each run has its look chosen, and then all are averaged; one is to be chosen": np.mean(
            [row[np.argmax(chosen)] for row, chosen in zip(test, validation, strict=True)]
        ),
    }


def settled(network, image, label, steps, step, clamped, alpha_gen=0.3, alpha_disc=1.0):
    """Settle from a sweep up with the label in its place."""
    z = [label, *bpc.sweep_up(network, image)[1:]]
    return bpc.infer(
        network, z, clamped, bpc.BIDIRECTIONAL, steps, step,
        alpha_gen=alpha_gen, alpha_disc=alpha_disc, step_rule="fixed",
    )  # fmt: skip


def small_problem(rng):
    """Draw networks of three different widths, images and labels."""
    for seed, steps in ((0, 3), (1, 5)):
        network = bpc.make_network(jax.random.PRNGKey(seed), (4, 6, 5, 8), use_bias=False)
        images, labels = (np.float32(rng.normal(size=(3, n))) for n in (8, 4))
        yield network, images, labels, steps, 0.1


@exercise(
    "settle_both(network, image, label, steps, step)",
    goal="find the clamp that a settling has lost",
    minutes=15,
    cases=small_problem,
    rtol=1e-4,
    why="both ends stay, and the hidden layers settle between them.",
    hint="Which layers does training clamp? Compare what you return with what you began with.",
)
def exercise_3(network, image, label, steps, step):
    """Mend a settling that clamps nothing."""
    given = network, image, label, steps, step
    label, image = jnp.asarray(label), jnp.asarray(image)
    right = settled(*given, BOTH)
    free = functools.cache(lambda: settled(*given, [False] * 4))
    swept = bpc.sweep_up(network, image)

    def in_turn():
        z = [label, *swept[1:]]
        for _ in range(steps):
            for l in (1, 2):
                z[l] = z[l] - step * bpc.activity_gradient(network, z, 0.3)[l]
        return z

    def uphill():
        z = [label, *swept[1:]]
        for _ in range(steps):
            dz = bpc.activity_gradient(network, z, 0.3)
            moved = [a + step * b for a, b in zip(z, dz, strict=True)]
            z = [label, *moved[1:-1], image]
        return z

    def from_below():
        z = [label, *bpc.sweep_down(network, label)[1:3], image]
        return bpc.infer(
            network, z, BOTH, bpc.BIDIRECTIONAL, steps, step, alpha_gen=0.3, step_rule="fixed"
        )

    return right, {
        "both ends are free, as in the broken one: clamp them": free,
        "the label still moves: clamp it too": lambda: settled(*given, READING),
        "the image still moves: clamp it too": lambda: settled(*given, [True, False, False, False]),
        "the ends are put back when all is over; meanwhile the hidden layers listened to others": lambda: [
            label,
            *free()[1:3],
            image,
        ],
        "only the label is put back, and when all is over": lambda: [label, *free()[1:]],
        "nothing has settled: the hidden layers are those of the sweep": [label, *swept[1:]],
        "the label is the swept one: put the true one in its place": lambda: settled(
            network, image, swept[0], steps, step, BOTH
        ),
        "it takes one step too few": lambda: settled(network, image, label, steps - 1, step, BOTH),
        "it takes one step too many": lambda: settled(network, image, label, steps + 1, step, BOTH),
        "it takes one step only: is the return inside the loop?": lambda: settled(
            network, image, label, 1, step, BOTH
        ),
        "the layers move one after the other; all move at once": in_turn,
        "it climbs: a step goes down the slope": uphill,
        "it starts from a sweep down: sweep up from the image": from_below,
        "alpha_gen is 1 here; keep 0.3": lambda: settled(*given, BOTH, alpha_gen=1.0),
        "alpha_gen and alpha_disc are 0.3 here; alpha_disc is 1": lambda: settled(
            *given, BOTH, alpha_disc=0.3
        ),
        "only the layer beside the image settles": lambda: settled(
            *given, [True, True, False, True]
        ),
        "only the layer beside the label settles": lambda: settled(
            *given, [True, False, True, True]
        ),
    }


@exercise(
    "energy_factor(step, c, steps)",
    goal="say from which step on inference diverges, and how fast",
    minutes=10,
    cases=[(0.1, 3.0, 4), (0.5, 5.0, 3), (1.2, 1.5, 7)],
    why="below 1 for steps below 2 / c; beyond it grows without end.",
    hint="One step takes c z times the step from z: what is z after it, and what is its energy?",
    rtol=1e-4,
)
def exercise_4(step, c, steps):
    """Follow the energy of one activity in a bowl."""
    s, n, rest = step, steps, 1 - step * c
    return rest ** (2 * n), {
        "this is z's own factor; the energy goes with its square": rest**n,
        "this is one step's: it repeats": rest**2,
        "this is the size of z's factor; the energy goes with its square": abs(rest) ** n,
        "steps of a length are not infinitely small: no exponential": np.exp(-2 * s * c * n),
        "an exponential is for infinitely small steps, and this one is z's": np.exp(-s * c * n),
        "the sign: a step goes down the slope": (1 + s * c) ** (2 * n),
        "the slope of c z^2 / 2 is c z, without the 1/2": (1 - s * c / 2) ** (2 * n),
        "the slope of c z^2 / 2 is c z, not 2 c z": (1 - 2 * s * c) ** (2 * n),
        "the curvature is missing": (1 - s) ** (2 * n),
        "the step is missing": (1 - c) ** (2 * n),
        "the steps do not add up: each takes a share of what is left": (1 - n * s * c) ** 2,
        "this is what is lost, not what is left": 1 - rest ** (2 * n),
        "one step too few": rest ** (2 * (n - 1)),
        "one step too many": rest ** (2 * (n + 1)),
        "this is the energy before over the energy after": rest ** (-2 * n),
        "this is the energy's fall in one step, to first order": 1 - 2 * s * c,
        "the curvature stays in: it is before and after": c * rest ** (2 * n),
        "the energy of z = 1; divide it by the energy before": c / 2 * rest ** (2 * n),
        "this is the energy's fall in all steps, to first order": 1 - 2 * s * c * n,
        "this is the logarithm": 2 * n * np.log(abs(rest)),
    }


def leaks(rng):
    """Draw untrained networks, and as many strengths."""
    for seed, strength in enumerate((0.35, 0.8, 0.6)):
        network = bpc.make_network(jax.random.PRNGKey(seed), (10, 12, 11, 30), use_bias=False)
        images = np.float32(2 * rng.normal(size=(1000, 30)))
        yield network, images, rng.integers(10, size=1000), strength


@exercise(
    "leaky(network, image, label, strength)",
    goal="measure how strong a leak must be before it shows",
    minutes=30,
    cases=leaks,
    rtol=0.01,
    atol=0.4,
    why="what the start knows of the label fades with each step, and eight steps leave a part of it.",
    hint="Sweep up, blend the label, settle 8 steps with the label free, and count in percent.",
)
def exercise_5(network, image, label, strength):
    """Let a part of the label into the start of inference."""
    label = np.asarray(label)
    swept, hot = bpc.sweep_up(network, jnp.asarray(image)), bpc.one_hot(label)

    def right_after(first, steps=8, alpha_gen=1e-3):
        z = bpc.infer(
            network, [first, *swept[1:]], READING, bpc.BIDIRECTIONAL, steps, 0.2,
            alpha_gen=alpha_gen, step_rule="fixed",
        )  # fmt: skip
        return 100 * float(np.mean(np.asarray(z[0].argmax(axis=1)) == label))

    blend = strength * hot + (1 - strength) * swept[0]
    right = right_after(blend)
    return right, {
        "this is a share: percent are asked for": right / 100,
        "this is what is wrong; what is right is asked for": 100 - right,
        "this is a count of images; percent are asked for": right * len(label) / 100,
        "the label has not settled: it is free, and there are 8 steps": lambda: right_after(
            blend, 0
        ),
        "the whole label leaks: blend it": lambda: right_after(hot),
        "nothing leaks: blend the label in": lambda: right_after(swept[0]),
        "the blend is the other way round: `strength` is the true label's share": lambda: (
            right_after((1 - strength) * hot + strength * swept[0])
        ),
        "the swept label is missing from the blend": lambda: right_after(strength * hot),
        "the swept label is there in full: its share is 1 - strength": lambda: right_after(
            strength * hot + swept[0]
        ),
        "the true label is there in full: its share is strength": lambda: right_after(
            hot + (1 - strength) * swept[0]
        ),
        "it takes 4 steps: `settle` is told how many, 8": lambda: right_after(blend, 4),
        "alpha_gen is 1 here: use the chapter's settle": lambda: right_after(blend, alpha_gen=1.0),
    }
