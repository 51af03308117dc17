"""The graded exercises of chapter 11, when it goes wrong."""

import jax
import jax.numpy as jnp
import numpy as np

import bpc_minimal as bpc
from bpc_minimal.checks.core import exercise

from .variant import Draw, Variant


def some_network(draw, sizes, **options):
    key = jax.random.PRNGKey(int(draw.rng.integers(10**6)))
    return bpc.make_network(key, sizes, **options)


def variant_1(draw: Draw) -> Variant:
    devices, weight = draw.of(2, 3, 4, 6, 8), draw.between(0.2, 0.8, 2)

    @exercise(
        "step_over_there(step, old, new)",
        cases=[(12.8, 64, 512), (0.5, 64, 96), (3.0, 8, 24)],
        why="a share's mean divides by fewer images, and the weight comes on top of it.",
        hint="What is an image's own slope divided by over here, and what is it multiplied by over there?",
    )
    def asked(step, old, new):
        right = step * new / (devices * old * weight)
        return right, {
            "this is the book's: one device, and no weight": step * new / old,
            "you forgot the weight of the energy": right * weight,
            "you forgot that each device averages over its own share": right * devices,
            "the weight makes the slope smaller: divide by it": right * weight**2,
            "a share is smaller than the batch: divide by the devices": right * devices**2,
            "the batches are the wrong way round": step * old / (devices * new * weight),
            "the new batch matters: a share's mean divides by its size": step
            / (devices * old * weight),
            "the old batch matters: its mean has divided already": step * new / (devices * weight),
            "the step must change: an image's slope has": float(step),
            "this is the step on an image's own energy, over here": step / old,
            "this is for one sum over all images, over there": step / (old * weight),
            "this is the factor; the step is asked for": right / step,
        }

    return Variant(
        "A library averages the energy over the batch; with batches of `old` images its step `step` "
        f"settles well. Another shares each batch of `new` images evenly among {devices} devices; each "
        f"averages over its own share, and its images settle on {weight} times that mean. Write "
        "`step_over_there(step, old, new)`: the step with which each image settles as before.",
        "def step_over_there(step, old, new):\n"
        f"    return step / old * (new / {devices}) / {weight}",
        asked,
    )


def variant_2(draw: Draw) -> Variant:
    patience, rise = draw.of(2, 3, 4), draw.between(0.05, 0.35, 2)

    def some():
        climb = 97 - 2 * 0.8 ** np.arange(40)
        return tuple(climb + 0.25 * draw.rng.normal(size=(12, 40)) for _ in range(2))

    @exercise(
        "stopped(validation, test)",
        cases=[some() for _ in range(3)],
        why="the validation images alone have stopped and chosen, so that the test images only measured.",
        hint="For one run: keep a look, count the looks since, stop, and give what the test says of it.",
        rtol=1e-6,
    )
    def asked(validation, test):
        def keep(run, patience=patience, rise=rise):  # the look that is kept, and the last one
            kept = 0
            for look in range(1, len(run)):
                if run[look] > run[kept] + rise:
                    kept = look
                elif look - kept >= patience:
                    return kept, look
            return kept, len(run) - 1

        def each(by=validation, of=test, which=0, **options):
            looks = [keep(run, **options)[which] for run in by]
            return np.array([row[look] for row, look in zip(of, looks, strict=True)])

        right = each()
        best = validation.argmax(axis=1)
        return right, {
            "a leak: the test images have stopped and chosen": each(test),
            "this is what the validation images say, who chose": each(of=validation),
            "this is the look at which it stopped; the best so far is kept": each(which=1),
            "nothing stops here: the best of all looks is kept": test[np.arange(len(test)), best],
            "a leak: this is the test's best look": test.max(axis=1),
            "any rise counts here; a larger one is asked for": each(rise=0.0),
            "it waits one look too few": each(patience=patience - 1),
            "it waits one look too many": each(patience=patience + 1),
            "the last look is kept": test[:, -1],
            "the first look is kept; a later one may take its place": test[:, 0],
            "these are the looks; what the test says at them is asked for": np.array(
                [keep(run)[0] for run in validation]
            ),
            "the mean over the runs is given; one number a run is asked for": right.mean(),
            "this is the run that the validation images like best; one number a run is asked for": right[
                each(of=validation).argmax()
            ],
        }

    return Variant(
        "Stop early, and without a leak. `validation` and `test` hold accuracies, an array of runs by "
        "looks. In each run, the first look is kept at first; a later one is kept instead if its "
        f"validation accuracy is more than {rise} points above that of the one kept. The run stops at the "
        f"first look that is {patience} looks after the one kept without taking its place, or at its last "
        "look. Write `stopped(validation, test)`: for each run the test accuracy of the look that is kept "
        "when it stops.",
        "def stopped(validation, test):\n    found = []\n"
        "    for seen, measured in zip(validation, test, strict=True):\n"
        "        kept = 0\n        for look in range(1, len(seen)):\n"
        f"            if seen[look] > seen[kept] + {rise}:\n                kept = look\n"
        f"            elif look - kept >= {patience}:\n                break\n"
        "        found.append(measured[kept])\n    return np.array(found)",
        asked,
    )


def variant_3(draw: Draw) -> Variant:
    gen, disc = draw.between(0.2, 0.8, 2), draw.between(1.2, 2.6)
    fill = draw.of(1, -1) * draw.between(0.3, 1.2)

    def some(steps, step):
        network = some_network(draw, (4, 6, 5, 8), use_bias=False)
        return network, draw.normal(4, 8), draw.rng.random((4, 8)) < 0.6, steps, step

    @exercise(
        "settle_hidden(network, image, visible, steps, step)",
        cases=[some(4, 0.08), some(6, 0.05)],
        rtol=1e-4,
        why="the seen pixels stay through all steps, so that the layers above listen to them alone.",
        hint="What do the hidden layers see after the first step? Compare the seen pixels with the image's.",
        without=("infer",),
    )
    def asked(network, image, visible, steps, step):
        def settled(
            seen=visible, fill=fill, label=False, steps=steps, gen=gen, disc=disc, in_turn=False,
            step=step, layers=(False, False),
        ):  # fmt: skip
            z = bpc.sweep_up(network, jnp.where(visible, image, fill))
            return bpc.infer(
                network, z, [label, *layers, seen], bpc.BIDIRECTIONAL, steps, step, alpha_gen=gen,
                alpha_disc=disc, step_rule="fixed", in_turn=in_turn,
            )  # fmt: skip

        def at_last():
            *above, pixels = settled(False)
            return [*above, jnp.where(visible, image, pixels)]

        def uphill():
            z = bpc.sweep_up(network, jnp.where(visible, image, fill))
            for _ in range(steps):
                dz = bpc.activity_gradient(network, z, gen, disc)
                z = [a + step * b for a, b in zip(z, dz, strict=True)]
                z[-1] = jnp.where(visible, image, z[-1])
            return z

        return settled(), {
            "the seen pixels are put back when all is over, as in the broken one": at_last,
            "the seen pixels move with the rest": lambda: settled(False),
            "no pixel moves: the hidden ones are free": lambda: settled(True),
            "seen and hidden pixels are exchanged where they are clamped": lambda: settled(
                ~visible
            ),
            "the label is clamped; it is free": lambda: settled(label=True),
            "hidden pixels begin at 0 here": lambda: settled(fill=0.0),
            "hidden pixels begin as they are: that is a leak": lambda: settled(fill=image),
            "the precisions are 1 here": lambda: settled(gen=1.0, disc=1.0),
            "alpha_disc is 1 here": lambda: settled(disc=1.0),
            "alpha_gen is 1 here": lambda: settled(gen=1.0),
            "the precisions are exchanged": lambda: settled(gen=disc, disc=gen),
            "it takes one step too few": lambda: settled(steps=steps - 1),
            "it takes one step too many": lambda: settled(steps=steps + 1),
            "it takes one step only: is the return inside the loop?": lambda: settled(steps=1),
            "the layers move one after the other; all move at once": lambda: settled(in_turn=True),
            "it climbs: a step goes down the slope": uphill,
            "only the pixels settle": lambda: settled(label=True, layers=(True, True)),
        }

    def code(inside, after):
        return (
            "def settle_hidden(network, image, visible, steps, step):\n"
            f"    z = bpc.sweep_up(network, jnp.where(visible, image, {fill}))\n"
            "    for _ in range(steps):\n"
            f"        dz = bpc.activity_gradient(network, z, alpha_gen={gen}, alpha_disc={disc})\n"
            f"        z = [a - step * b for a, b in zip(z, dz, strict=True)]\n{inside}{after}"
            "    return z"
        )

    put_back = "z[-1] = jnp.where(visible, image, z[-1])\n"
    return Variant(
        "The function below should complete images: the seen pixels are clamped, and all else is free, the "
        f"label too. Hidden pixels begin at `{fill}`. When it ends the seen pixels are the image's, to the "
        "last digit, and yet the layers above have listened to others. Find the mistake, and write "
        "`settle_hidden(network, image, visible, steps, step)` without it; do not call `bpc.infer`, "
        "which makes no such mistake.\n\n"
        f"```python\n{code('', '    ' + put_back)}\n```",
        code("        " + put_back, ""),
        asked,
    )


def variant_4(draw: Draw) -> Variant:
    q = draw.between(0.6, 0.95, 2)

    @exercise(
        "cooled_factor(step, c, steps)",
        cases=[(0.1, 3.0, 4), (0.5, 5.0, 3), (1.2, 1.5, 6), (0.9, 2.0, 1)],
        why="each step takes its own share of what is left, and too long a step becomes short enough.",
        hint="The t-th step is step * q**t long, from t = 0 on: multiply what each of them leaves of z.",
        rtol=1e-4,
    )
    def asked(step, c, steps):
        def left(start=0, steps=steps, power=2, q=q, by=1.0, sign=-1):
            rates = step * q ** np.arange(start, start + steps)
            return float(np.prod((1 + sign * by * rates * c) ** power))

        right = left()
        last = step * q ** (steps - 1)
        return right, {
            "this is the book's: the step stays": left(q=1.0),
            "this is z's own factor; the energy goes with its square": left(power=1),
            "the first step is not shortened yet": left(start=1),
            "one step too few": left(steps=steps - 1),
            "one step too many": left(steps=steps + 1),
            "every step has the last one's length": (1 - last * c) ** (2 * steps),
            "the steps do not add up: each takes a share of what is left": (
                1 - c * step * (1 - q**steps) / (1 - q)
            )
            ** 2,
            "the sign: a step goes down the slope": left(sign=1),
            "the slope of c z^2 / 2 is c z, without the 1/2": left(by=0.5),
            "the slope of c z^2 / 2 is c z, not 2 c z": left(by=2.0),
            "the steps are divided by the number; they are multiplied by it": left(q=1 / q),
            "this is what is lost, not what is left": 1 - right,
            "this is the energy before over the energy after": 1 / right,
            "the curvature stays in: it is before and after": c * right,
        }

    return Variant(
        "One activity lies in a bowl, $E = c z^2 / 2$, and descends. The first step is `step`, and after "
        f"each step it is multiplied by {q}. Write `cooled_factor(step, c, steps)`: the energy after so "
        "many steps, divided by the energy before.",
        "def cooled_factor(step, c, steps):\n    left = 1.0\n    for t in range(steps):\n"
        f"        left *= (1 - step * {q}**t * c) ** 2\n    return left",
        asked,
    )


def variant_5(draw: Draw) -> Variant:
    steps, other = draw.of(2, 3, 4, 5, 6, 10, 12), draw.of(2, 3, 4, 5, 6, 7, 8, 9)

    def some(strength):
        network = some_network(draw, (10, 12, 11, 30), use_bias=False)
        return network, 2 * draw.normal(1500, 30), draw.rng.integers(10, size=1500), strength

    @exercise(
        "depends(network, image, label, strength)",
        cases=[some(strength) for strength in (0.35, 0.6, 0.2)],
        why="an honest evaluation answers alike whatever labels it is handed: each change is a leak.",
        hint="The same start twice, with one label and with another in the blend; then compare the answers.",
        rtol=0.01,
        atol=0.4,
    )
    def asked(network, image, label, strength):
        free = [False, False, False, True]
        swept = bpc.sweep_up(network, jnp.asarray(image))

        def ends(label, steps=steps, alpha_gen=1e-3, own=1 - strength, share=strength):
            z = [share * bpc.one_hot(label) + own * swept[0], *swept[1:]]
            z = bpc.infer(
                network, z, free, bpc.BIDIRECTIONAL, steps, 0.2, alpha_gen=alpha_gen,
                step_rule="fixed",
            )  # fmt: skip
            return np.asarray(z[0].argmax(axis=1))

        def changed(shift=other, **options):
            return 100 * float(
                np.mean(ends(label, **options) != ends((label + shift) % 10, **options))
            )

        right = changed()
        return right, {
            "this is the book's: how many have the label that leaked": lambda: (
                100 * float(np.mean(ends(label) == label))
            ),
            "these are the images that answer with the label that leaked instead": lambda: (
                100 * float(np.mean(ends((label + other) % 10) == (label + other) % 10))
            ),
            "these are the answers that stay": 100 - right,
            "this is a share: percent are asked for": right / 100,
            "another label is asked for": lambda: changed(1),
            "the book's 8 steps are taken": lambda: changed(steps=8),
            "nothing settles": lambda: changed(steps=0),
            "one step too few": lambda: changed(steps=steps - 1),
            "one step too many": lambda: changed(steps=steps + 1),
            "the whole label leaks: blend it": lambda: changed(own=0.0, share=1.0),
            "the blend is the other way round: `strength` is the label's share": lambda: changed(
                own=strength, share=1 - strength
            ),
            "the swept label is missing from the blend": lambda: changed(own=0.0),
            "the swept label is there in full: its share is 1 - strength": lambda: changed(own=1.0),
            "alpha_gen is 1 here: use the chapter's settle": lambda: changed(alpha_gen=1.0),
            "this compares a leak with none": lambda: (
                100 * float(np.mean(ends(label) != ends(label, own=1.0, share=0.0)))
            ),
            "this is a count: percent are asked for": right * len(label) / 100,
        }

    return Variant(
        "A leak shows without a truth: hand the evaluation other labels. Inference starts from a blend, "
        "`strength` times a label (`bpc.one_hot`) plus `1 - strength` times the swept one, and takes "
        f"{steps} steps of the chapter's `settle` with the label free. Do it with `label`, and again with "
        f"`(label + {other}) % 10`. Write `depends(network, image, label, strength)`: the percentage of "
        "images whose largest label unit is another one the second time.",
        "def depends(network, image, label, strength):\n"
        "    swept, answers = bpc.sweep_up(network, image), []\n"
        f"    for given in (label, (label + {other}) % 10):\n"
        "        blend = strength * bpc.one_hot(given) + (1 - strength) * swept[0]\n"
        "        start = [blend, *swept[1:]]\n"
        f"        z = settle(network, start, [False, False, False, True], {steps})\n"
        "        answers.append(np.asarray(z[0].argmax(axis=1)))\n"
        "    return 100 * float(np.mean(answers[0] != answers[1]))",
        asked,
    )
