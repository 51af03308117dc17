"""The graded exercises of chapter 4, bidirectional errors."""

import jax
import jax.numpy as jnp
import numpy as np

from bpc_minimal import classify, make_network
from bpc_minimal.checks.chapter_04 import label_energies, two_times_three
from bpc_minimal.checks.core import exercise

from .variant import Draw, Variant


def errors(network, z):
    L = network.depth
    e = [z[l + 1] - network.f(l, z[l]) for l in range(L)]
    d = [z[l] - network.g(l, z[l + 1]) for l in range(L)]
    return [jnp.zeros_like(z[0]), *e], [*d, jnp.zeros_like(z[L])]


def some_network(draw, sizes, scale=1.0):
    key = jax.random.PRNGKey(int(draw.rng.integers(10**6)))
    network = make_network(key, sizes, use_bias=False)
    return jax.tree.map(lambda w: scale * w, network)


def some_states(draw):
    sizes = (4, 6, 5, 8)
    for batch in (5, 3, 4):
        z = [jnp.asarray(draw.normal(batch, n)) for n in sizes]
        gen, disc = (float(x) for x in draw.rng.uniform(0.3, 3, 2))
        yield some_network(draw, sizes), z, gen, disc


def variant_1(draw: Draw) -> Variant:
    p, c = draw.between(1.2, 2.8), draw.between(0.1, 0.6)

    @exercise(
        "label_gradient(network, z, alpha_gen, alpha_disc)",
        cases=[*some_states(draw)],
        why="three pulls: what is expected, what the layer below says, and the error that the "
        "label causes.",
        hint="Differentiate three terms by z_0: the new one, d_0, and e_1, in which V_0 z_0 "
        "stands with a minus.",
        without=("activity_gradient",),
    )
    def asked(network, z, alpha_gen, alpha_disc):
        e, d = errors(network, z)
        prior, own = p * (z[0] - c), d[0]
        passed = e[1] @ network.generator[0].weight
        right = prior + alpha_disc * own - alpha_gen * passed
        return right, {
            "the sign is wrong: this is the step, not the gradient": -right,
            "the sign of what e_1 sends back": prior + alpha_disc * own + alpha_gen * passed,
            "you forgot what is expected of the label": right - prior,
            "you forgot d_0, the label's own error": right - alpha_disc * own,
            "you forgot the error that the label causes": prior + alpha_disc * own,
            "you forgot the precisions of the errors": prior + own - passed,
            "you exchanged the precisions": prior + alpha_gen * own - alpha_disc * passed,
            "you forgot the precision of what is expected": right - prior + z[0] - c,
            "the label is not activated: no act' here": prior
            + alpha_disc * own
            - alpha_gen * (z[0] > 0) * passed,
            "the mean over the batch; each example has a gradient of its own": right.mean(axis=0),
        }

    return Variant(
        rf"Let the label be expected, too: $\frac{{{p}}}{{2}} \lVert z_0 - {c} \rVert^2$ is added to "
        rf"the energy of chapter 4. Write $\partial E / \partial z_0$ as "
        "`label_gradient(network, z, alpha_gen, alpha_disc)`. Use `errors`, and do not call "
        "`activity_gradient`.",
        "def label_gradient(network, z, alpha_gen, alpha_disc):\n    e, d = errors(network, z)\n"
        "    passed = e[1] @ network.generator[0].weight\n"
        f"    return {p} * (z[0] - {c}) + alpha_disc * d[0] - alpha_gen * passed",
        asked,
    )


def variant_2(draw: Draw) -> Variant:
    a, b = draw.between(0.002, 0.008, 3), draw.between(0.001, 0.009, 3)
    c, g = draw.between(0.6, 3.2), draw.between(0.6, 2.6)
    gen, disc = np.array([2 * a, 2 * a, 2 * b]), np.array([c, 2 * g, 2 * g])

    @exercise(
        "other_gen, other_disc",
        read=two_times_three,
        why="a term without its 1/2 counts double, so its precision is twice its factor.",
        hint="Write both energies for two hidden layers, six terms each, and compare them term by term.",
    )
    def asked():
        def pair(gen, disc):
            return [1e4 * np.asarray(gen), np.asarray(disc)]

        return pair(gen, disc), {
            "a term without its 1/2 counts double": pair([a, a, b], [c, g, g]),
            "the label's error has its 1/2 already, which halves nothing: its precision is its factor": (
                pair(gen, [c / 2, 2 * g, 2 * g])
            ),
            "in alpha_disc, a term without its 1/2 counts double": pair(gen, [c, g, g]),
            "in alpha_gen, a term without its 1/2 counts double": pair([a, a, b], disc),
            "the label's error has its 1/2 already": pair(gen, [2 * c, 2 * g, 2 * g]),
            "both are in the reverse order": pair(gen[::-1], disc[::-1]),
            "alpha_disc runs from the label, which is first": pair(gen, disc[::-1]),
            "alpha_gen ends at the image": pair(gen[::-1], disc),
            "you exchanged the two: alpha_gen is for e": pair(disc, gen),
            "without its 1/2 an error counts double, not half": pair(gen / 4, [c, g / 2, g / 2]),
            "this is the tutorial of the book's exercise": pair([1e-4, 1e-4, 2e-4], [2, 1, 1]),
        }

    return Variant(
        r"Another author's energy for two hidden layers is "
        rf"${a} (\lVert e_1 \rVert^2 + \lVert e_2 \rVert^2) + {b} \lVert e_3 \rVert^2 + "
        rf"\frac{{{c}}}{{2}} \lVert d_0 \rVert^2 + {g} (\lVert d_1 \rVert^2 + \lVert d_2 \rVert^2)$. "
        "Find `other_gen` and `other_disc`, three numbers each, for which `bpc.energy` is that energy "
        "(`alpha_gen` for the layers 1 to 3, `alpha_disc` for the layers 0 to 2).",
        f"other_gen = ({2 * a}, {2 * a}, {2 * b})\nother_disc = ({c}, {2 * g}, {2 * g})",
        asked,
    )


def variant_3(draw: Draw) -> Variant:
    alpha = draw.between(0.004, 0.04, 3)

    @exercise(
        "margin(network, image, steps)",
        cases=[
            (some_network(draw, (10, 14, 12, 20), 2.5), jnp.asarray(draw.normal(40, 20)), steps)
            for steps in (1, 8)
        ],
        why="the farther the best two labels are apart, the surer is the answer.",
        hint="For each label: sweep up, put the label in, settle with both ends clamped, note "
        "bpc.energy; then sort.",
        rtol=5e-3,
    )
    def asked(network, image, steps):
        def gap(*alphas, steps=steps, **options):
            energies = np.asarray(label_energies(network, image, steps, alphas, **options))
            return np.diff(np.sort(energies, axis=0)[:2], axis=0)[0]

        def ordered():
            energies = label_energies(network, image, steps, (alpha, alpha))
            return np.sort(np.asarray(energies), axis=0)

        def answers():
            return np.asarray(label_energies(network, image, steps, (alpha, alpha))).argmin(axis=0)

        free_label, free_image = [False, False, False, True], [True, False, False, False]
        return gap(alpha, alpha), {
            "this takes the book's precision": lambda: gap(1e-3, 1e-3),
            "the precision of the generative errors is 1 here": lambda: gap(1.0, 1.0),
            "the energy takes another precision than settling": lambda: gap(alpha, 1.0),
            "settling takes another precision than the energy": lambda: gap(1.0, alpha),
            "the label is free: clamp it": lambda: gap(alpha, alpha, clamped=free_label),
            "the image is free: clamp it too": lambda: gap(alpha, alpha, clamped=free_image),
            "nothing settles": lambda: gap(alpha, alpha, steps=0),
            "these are the answers of least energy, as in the book": answers,
            "this is the least energy; its distance to the second is asked for": lambda: ordered()[
                0
            ],
            "this is the gap between the least and the largest": lambda: (
                ordered()[-1] - ordered()[0]
            ),
            "the sign: second least minus least": lambda: ordered()[0] - ordered()[1],
        }

    return Variant(
        "How sure is an answer? For each of the ten labels: sweep up from the image, put the label in "
        "its place, clamp both ends, settle for `steps` steps of `bpc.infer`, and note `bpc.energy`, "
        f"both with `alpha_gen={alpha}`. Write `margin(network, image, steps)`: for each image the "
        f"second least of the ten energies minus the least.",
        "def margin(network, image, steps):\n    energies = []\n    for row in jnp.eye(10):\n"
        "        label = jnp.tile(row, (len(image), 1))\n"
        "        z = [label, *bpc.sweep_up(network, image)[1:]]\n"
        f"        z = bpc.infer(network, z, [True, False, False, True], steps=steps, alpha_gen={alpha})\n"
        f"        energies.append(bpc.energy(network, z, alpha_gen={alpha}))\n"
        "    ordered = jnp.sort(jnp.stack(energies), axis=0)\n    return ordered[1] - ordered[0]",
        asked,
    )


def variant_4(draw: Draw) -> Variant:
    share = round(draw.of(1, -1) * draw.between(0.1, 0.4, 2) % 1, 2)

    @exercise(
        "half_transported(network, z, alpha_gen, alpha_disc)",
        cases=[*some_states(draw)],
        why="between Equation 4 and the feedback of the other network, all shares are possible.",
        hint="Start from activity_gradient and mix two matrices: V_l with W_l.T, and W_(l-1) "
        "with V_(l-1).T.",
    )
    def asked(network, z, alpha_gen, alpha_disc):
        e, d = errors(network, z)
        V = [layer.weight for layer in network.generator]
        W = [layer.weight for layer in network.amortiser]

        def slopes(share_e=share, share_d=share, own=1.0, sign=1.0, slope=(1, 2)):
            found = []
            for l, z_l in enumerate(z):
                passed = jnp.zeros_like(z_l)
                if l < network.depth:
                    by_e = (1 - share_e) * V[l] + share_e * W[l].T
                    passed += alpha_gen * e[l + 1] @ by_e
                if l > 0:
                    by_d = (1 - share_d) * W[l - 1] + share_d * V[l - 1].T
                    passed += alpha_disc * d[l - 1] @ by_d
                passed = (z_l > 0) * passed if l in slope else passed
                found.append(own * (alpha_gen * e[l] + alpha_disc * d[l]) - sign * passed)
            return found

        right = slopes()
        return right, {
            "this is Equation 4 itself: nothing is mixed": slopes(0.0, 0.0),
            "this is the book's exercise: all of the other network": slopes(1.0, 1.0),
            "the shares are exchanged": slopes(1 - share, 1 - share),
            "d still goes back by the amortiser's own weights alone": slopes(share_d=0.0),
            "e still goes back by the generator's own weights alone": slopes(share_e=0.0),
            "you forgot act' of the hidden layers": slopes(slope=()),
            "at the two ends act is the identity, and act' is 1": slopes(slope=range(4)),
            "the sign of what is passed back is wrong": slopes(sign=-1.0),
            "you forgot the layer's own errors": slopes(own=0.0),
            "this is the step, with the sign of descent": [-s for s in right],
            "the two ends are missing": right[1:-1],
        }

    kept = round(1 - share, 2)
    return Variant(
        "Let a part of each error return through the *other* network's own weights: in Equation 4, "
        rf"$V_l^\top$ becomes ${kept}\, V_l^\top + {share}\, W_l$, and $W_{{l-1}}^\top$ becomes "
        rf"${kept}\, W_{{l-1}}^\top + {share}\, V_{{l-1}}$. Write "
        "`half_transported(network, z, alpha_gen, alpha_disc)`, with a list of arrays, one a layer, as "
        "`activity_gradient` returns it.",
        "def half_transported(network, z, alpha_gen, alpha_disc):\n"
        "    e, d = errors(network, z)\n    found = []\n    for l, z_l in enumerate(z):\n"
        "        passed = jnp.zeros_like(z_l)\n        if l < network.depth:\n"
        "            V, W = network.generator[l].weight, network.amortiser[l].weight\n"
        f"            passed += alpha_gen * e[l + 1] @ ({kept} * V + {share} * W.T)\n"
        "        if l > 0:\n"
        "            V, W = network.generator[l - 1].weight, network.amortiser[l - 1].weight\n"
        f"            passed += alpha_disc * d[l - 1] @ ({kept} * W + {share} * V.T)\n"
        "        own = alpha_gen * e[l] + alpha_disc * d[l]\n"
        "        found.append(own - act_slope(network, l, z_l) * passed)\n    return found",
        asked,
    )


def variant_5(draw: Draw) -> Variant:
    p = draw.between(0.3, 2.6)

    @exercise(
        "with_prior(rho, alpha_gen, alpha_disc)",
        cases=[(0.5, 1.0, 1.0), (0.8, 2.0, 0.5), (-0.6, 0.1, 3.0)],
        why="what is expected of a stands in the curvature and holds it back.",
        hint="Set the slope of E at a to zero, with the new term in it, solve for a, and divide "
        "by rho * b.",
    )
    def asked(rho, alpha_gen, alpha_disc):
        both, r = alpha_gen + alpha_disc, rho**2
        right = both / (alpha_disc + r * alpha_gen + p)
        return right, {
            "this is the book's pair: what is expected of a is forgotten": both
            / (alpha_disc + r * alpha_gen),
            "the prior pulls to 0: it stands below, not above": (both + p)
            / (alpha_disc + r * alpha_gen + p),
            "the prior is weighed by rho**2; it is a's own": both
            / (alpha_disc + r * (alpha_gen + p)),
            "half: the 2 of the square cancels the 1/2 of the prior": both
            / (alpha_disc + r * alpha_gen + p / 2),
            "you exchanged the precisions": both / (alpha_gen + r * alpha_disc + p),
            "this is the multiple of b; divide by rho": rho * right,
            "this is one over it": 1 / right,
            "the pull of e is weighed by rho twice": both / (alpha_disc + rho * alpha_gen + p),
            "this is for equal precisions": 2 / (1 + r + p),
        }

    return Variant(
        rf"The pair of Equation 9, once more, and now $a$ is expected at 0 with the precision {p}: "
        rf"$\frac{{{p}}}{{2}} a^2$ is added to its energy. At which multiple of $\rho b$ does $a$ "
        rf"settle? Write "
        "`with_prior(rho, alpha_gen, alpha_disc)`.",
        "def with_prior(rho, alpha_gen, alpha_disc):\n"
        f"    return (alpha_gen + alpha_disc) / (alpha_disc + alpha_gen * rho**2 + {p})",
        asked,
    )


def variant_6(draw: Draw) -> Variant:
    steps = draw.of(*range(30, 61, 3))
    side, words = draw.of(
        ("upper", "the uppermost `lines` of the 28 rows are"),
        ("left", "the `lines` leftmost of the 28 columns are"),
        ("right", "the `lines` rightmost of the 28 columns are"),
    )
    place = np.arange(784)

    def mask(side, lines):
        return {
            "upper": place >= 28 * lines,
            "lower": place < 28 * (28 - lines),
            "left": place % 28 >= lines,
            "right": place % 28 < 28 - lines,
        }[side]

    def some(lines):
        network = some_network(draw, (10, 12, 12, 784), 8.0)
        images = jnp.asarray(draw.normal(60, 784))
        answers = np.asarray(classify(network, images, steps, visible=mask(side, lines)))
        lucky = draw.rng.random(60) < 0.65
        return network, images, np.where(lucky, answers, (answers + 1) % 10), lines

    @exercise(
        "hidden_6(network, images, labels, lines)",
        cases=[some(lines) for lines in (9, 0, 17)],
        why="the hidden part was completed, and the share that is right is in percent.",
        hint="Pixel 28 * r + c is row r, column c; bpc.classify takes `visible` and the number of steps.",
    )
    def asked(network, images, labels, lines):
        def percent(visible, steps=steps):
            found = classify(network, images, steps, visible=visible)
            return 100 * float(np.mean(np.asarray(found) == labels))

        seen = mask(side, lines)
        sides = {
            "lower": "the lowest rows are hidden, as in the book",
            "upper": "the upper rows are hidden",
            "left": "columns are hidden, on the left",
            "right": "columns are hidden, on the right",
        }

        def of(other):
            return lambda: percent(mask(other, lines))

        table = {said: of(other) for other, said in sides.items() if other != side} | {
            "the mask is the wrong way round": lambda: percent(~seen),
            "one line too many is hidden": lambda: percent(mask(side, lines + 1)),
            "another number of steps is asked for": lambda: percent(seen, None),
            "this is the sweep's answer": lambda: percent(seen, 0),
            "this is a share; percent are asked for": lambda: percent(seen) / 100,
            "this is the percentage of errors": lambda: 100 - percent(seen),
        }
        return percent(seen), table

    code = {
        "upper": "np.arange(784) >= 28 * lines",
        "left": "np.arange(784) % 28 >= lines",
        "right": "np.arange(784) % 28 < 28 - lines",
    }[side]
    return Variant(
        f"A part of each image is covered: {words} hidden. Write `hidden_6(network, images, labels, "
        f"lines)`: the percentage of images that `bpc.classify` "
        f"reads right in {steps} steps; `lines` may be 0.",
        "def hidden_6(network, images, labels, lines):\n"
        f"    seen = {code}\n"
        f"    answers = np.asarray(bpc.classify(network, images, {steps}, visible=seen))\n"
        "    return 100 * np.mean(answers == labels)",
        asked,
    )
