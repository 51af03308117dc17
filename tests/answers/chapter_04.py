"""Answers to the exercises of chapter 4, right ones and wrong ones."""

KEPT = "TRAINING GENERATIVE DISCRIMINATIVE HYBRID BIDIRECTIONAL CONTROL".split()

IMAGE = (
    "def image_gradient(network, z, alpha_gen, alpha_disc):\n"
    "    e, d = errors(network, z)\n"
    "    W, V = network.amortiser[-1].weight, network.generator[-1].weight\n"
    "    return "
)
LEAST = (
    "def least_energy(network, image, steps):\n"
    "    energies = []\n"
    "    for row in jnp.eye(10):\n"
    "        label = jnp.tile(row, (len(image), 1))\n"
    "        states = {start}\n"
    "        states = bpc.infer(network, states, {clamped}, steps={steps}, {settle})\n"
    "        energies.append(bpc.energy(network, states, {weigh}))\n"
    "    energies = jnp.stack(energies)\n"
    "    return {answer}"
)


def least(
    start="[label, *bpc.sweep_up(network, image)[1:]]",
    clamped="TRAINING",
    steps="steps",
    settle="alpha_gen=1e-3",
    weigh="alpha_gen=1e-3",
    answer="energies.argmin(axis=0)",
):
    """Fill in the usual answer, with one part changed."""
    return LEAST.format(**locals())


BROKEN = (
    "def untransported(network, z, alpha_gen, alpha_disc):\n"
    "    e, d = errors(network, z)\n"
    "    V = [layer.weight for layer in network.generator]\n"
    "    W = [layer.weight for layer in network.amortiser]\n"
    "    broken = []\n"
    "    for l, z_l in enumerate(z):\n"
    "        passed = jnp.zeros_like(z_l)\n"
    "        if l < network.depth:\n"
    "            passed += {by_e}\n"
    "        if l > 0:\n"
    "            passed += {by_d}\n"
    "        own = {own}\n"
    "        broken.append({total})\n"
    "    return {result}"
)


def broken(
    by_e="alpha_gen * e[l + 1] @ W[l].T",
    by_d="alpha_disc * d[l - 1] @ V[l - 1].T",
    own="alpha_gen * e[l] + alpha_disc * d[l]",
    total="own - act_slope(network, l, z_l) * passed",
    result="broken",
):
    """Fill in the usual answer, with one part changed."""
    return BROKEN.format(**locals())


PAIR = "def overshoot(rho, alpha_gen, alpha_disc):\n    return "
BELOW = (
    "def accuracy_below(network, images, labels, rows):\n"
    "    place = np.arange(784)\n"
    "    answers = np.asarray({read})\n"
    "    return {share}"
)


def below(seen="place < 28 * (28 - rows)", read=None, share="100 * np.mean(answers == labels)"):
    """Fill in the usual answer, with one part changed."""
    read = read or f"bpc.classify(network, images, visible={seen})"
    return BELOW.format(read=read, share=share)


ANSWERS = {
    "4.1": {
        "right": [
            IMAGE + "alpha_gen * e[-1] - alpha_disc * d[-2] @ W",
            "def image_gradient(network, z, alpha_gen, alpha_disc):\n"
            "    def of_image(image):\n"
            "        return energy(network, [*z[:-1], image], alpha_gen, alpha_disc).sum()\n"
            "    return jax.grad(of_image)(z[-1])",
            "def image_gradient(net, activities, gen, disc):\n"
            "    e, d = bpc.errors(net, activities)\n"
            "    W = np.asarray(net.amortiser[-1].weight, float)\n"
            "    pairs = zip(np.asarray(e[-1]), np.asarray(d[-2]))\n"
            "    rows = [gen * e_L - disc * W.T @ d_l for e_L, d_l in pairs]\n"
            "    return rows",
            "image_gradient = jax.jit(lambda network, z, alpha_gen, alpha_disc: alpha_gen * "
            "(z[-1] - network.f(2, z[2])) - alpha_disc * (z[2] - network.g(2, z[3])) @ "
            "network.amortiser[2].weight)",
        ],
        "wrong": [
            ("wrong way round", IMAGE + "alpha_gen * e[-1] - alpha_disc * d[-2] @ W.T"),
            (
                "weights of another layer",
                IMAGE + "alpha_gen * e[-1] - alpha_disc * d[-2] @ network.amortiser[-2].weight",
            ),
            ("sign of what is passed", IMAGE + "alpha_gen * e[-1] + alpha_disc * d[-2] @ W"),
            ("image predicts too", IMAGE + "alpha_gen * e[-1]"),
            ("image predicts too", IMAGE + "alpha_gen * e[-1] - alpha_disc * d[-1] @ W"),
            ("image predicts too", IMAGE + "alpha_gen * e[-1] + alpha_disc * d[-1]"),
            ("own error", IMAGE + "-alpha_disc * d[-2] @ W"),
            ("forgot the precisions", IMAGE + "e[-1] - d[-2] @ W"),
            ("forgot alpha_gen", IMAGE + "e[-1] - alpha_disc * d[-2] @ W"),
            ("forgot alpha_disc", IMAGE + "alpha_gen * e[-1] - d[-2] @ W"),
            ("exchanged", IMAGE + "alpha_disc * e[-1] - alpha_gen * d[-2] @ W"),
            ("no act'", IMAGE + "alpha_gen * e[-1] - (z[-1] > 0) * (alpha_disc * d[-2] @ W)"),
            ("descent", IMAGE + "alpha_disc * d[-2] @ W - alpha_gen * e[-1]"),
            ("at the label", IMAGE + "activity_gradient(network, z, alpha_gen, alpha_disc)[0]"),
            ("forbidden", IMAGE + "activity_gradient(network, z, alpha_gen, alpha_disc)[-1]"),
            (
                "forbidden",
                "def image_gradient(network, z, alpha_gen, alpha_disc):\n"
                "    def all_of_them():\n"
                "        return bpc.activity_gradient(network, z, alpha_gen, alpha_disc)\n"
                "    return all_of_them()[-1]",
            ),
            (
                "beside the image",
                IMAGE + "activity_gradient(network, z, alpha_gen, alpha_disc)[-2]",
            ),
            ("generator's weights", IMAGE + "alpha_gen * e[-1] - alpha_disc * d[-2] @ V.T"),
            ("own error e back", IMAGE + "alpha_gen * e[-1] - alpha_disc * e[-1] @ W"),
            ("wrong layer's d", IMAGE + "alpha_gen * e[-1] - alpha_disc * d[-3] @ W"),
            ("e[-2] belongs", IMAGE + "alpha_gen * e[-2] - alpha_disc * d[-2] @ W"),
            ("half", IMAGE + "(alpha_gen * e[-1] - alpha_disc * d[-2] @ W) / 2"),
            ("factor", IMAGE + "2 * (alpha_gen * e[-1] - alpha_disc * d[-2] @ W)"),
            ("shape", IMAGE + "(alpha_gen * e[-1] - alpha_disc * d[-2] @ W).sum(axis=0)"),
            ("raised", IMAGE + "alpha_gen * e[-1] - alpha_disc * d[-2] @ U"),
            ("none", IMAGE.replace("    return ", "    found = ") + "alpha_gen * e[-1]"),
        ],
    },  # fmt: skip
    "4.2": {
        "right": [
            "tutorial_gen, tutorial_disc = (1e-4, 1e-4, 2e-4), (2, 1, 1)",
            "tutorial_gen = np.array([1, 1, 2]) * 1e-4\ntutorial_disc = [2.0, 1, 1]",
            "alpha_up, alpha_down = 1.0, 1e-4\n"
            "tutorial_gen = [alpha_down * (2 if l == 3 else 1) for l in (1, 2, 3)]\n"
            "tutorial_disc = jnp.array([2 * alpha_up, alpha_up, alpha_up])",
        ],
        "wrong": [
            (
                "only one end",
                "tutorial_gen, tutorial_disc = (2e-4, 1e-4, 2e-4), (2.0, 1.0, 2.0)",
            ),
            ("not half", "tutorial_gen, tutorial_disc = (1e-4, 1e-4, 5e-5), (0.5, 1, 1)"),
            ("image's error", "tutorial_gen, tutorial_disc = (1e-4, 1e-4, 1e-4), (2, 1, 1)"),
            ("label's error", "tutorial_gen, tutorial_disc = (1e-4, 1e-4, 2e-4), (1, 1, 1)"),
            ("nothing is changed", "tutorial_gen, tutorial_disc = (1e-4, 1e-4, 1e-4), (1, 1, 1)"),
            (
                "no number for the label",
                "tutorial_gen, tutorial_disc = (2e-4, 1e-4, 2e-4), (2, 1, 1)",
            ),
            (
                "no number for the image",
                "tutorial_gen, tutorial_disc = (1e-4, 1e-4, 2e-4), (2, 1, 2)",
            ),
            (
                "halves every term",
                "tutorial_gen, tutorial_disc = (5e-5, 5e-5, 1e-4), (1, 0.5, 0.5)",
            ),
            ("from the label", "tutorial_gen, tutorial_disc = (1e-4, 1e-4, 2e-4), (1, 1, 2)"),
            ("to the image", "tutorial_gen, tutorial_disc = (2e-4, 1e-4, 1e-4), (2, 1, 1)"),
            (
                "both are in the reverse",
                "tutorial_gen, tutorial_disc = (2e-4, 1e-4, 1e-4), (1, 1, 2)",
            ),
            ("alpha_down", "tutorial_gen, tutorial_disc = (1, 1, 2), (2e-4, 1e-4, 1e-4)"),
            ("exchanged", "tutorial_gen, tutorial_disc = (2, 1, 1), (1e-4, 1e-4, 2e-4)"),
            ("keep their 1/2", "tutorial_gen, tutorial_disc = (2e-4, 2e-4, 2e-4), (2, 2, 2)"),
            ("other way round", "tutorial_gen, tutorial_disc = (2e-4, 2e-4, 1e-4), (1, 2, 2)"),
            ("2, not 4", "tutorial_gen, tutorial_disc = (1e-4, 1e-4, 4e-4), (4, 1, 1)"),
            (
                "no root",
                "tutorial_gen = (1e-4, 1e-4, 2**0.5 * 1e-4)\ntutorial_disc = (2**0.5, 1, 1)",
            ),
            ("shape", "tutorial_gen, tutorial_disc = 1e-4, 1.0"),
            ("shape", "tutorial_gen, tutorial_disc = (1e-4, 2e-4), (2, 1)"),
            ("positive", "tutorial_gen, tutorial_disc = (0, 0, 2e-4), (2, 1, 1)"),
            ("text", "tutorial_gen, tutorial_disc = '1e-4, 1e-4, 2e-4', (2, 1, 1)"),
        ],
    },
    "4.3": {
        "right": [
            least(),
            "def least_energy(network, image, steps):\n"
            "    best = np.full(len(image), np.inf)\n"
            "    answer = np.zeros(len(image), int)\n"
            "    for digit in range(10):\n"
            "        label = np.zeros((len(image), 10), np.float32)\n"
            "        label[:, digit] = 1\n"
            "        states = bpc.sweep_up(network, image)\n"
            "        states[0] = jnp.asarray(label)\n"
            "        states = bpc.infer(network, states, TRAINING, steps=steps, alpha_gen=1e-3)\n"
            "        now = np.asarray(bpc.energy(network, states, 1e-3, 1.0))\n"
            "        answer[now < best] = digit\n"
            "        best = np.minimum(best, now)\n"
            "    return answer.tolist()",
            "def least_energy(network, image, steps=10):\n"
            "    def of(row):\n"
            "        states = [jnp.tile(row, (len(image), 1)), *bpc.sweep_up(network, image)[1:]]\n"
            "        rule = bpc.BIDIRECTIONAL\n"
            "        states = bpc.infer(network, states, TRAINING, rule, steps, alpha_gen=1e-3)\n"
            "        return energy(network, states, alpha_gen=1e-3)\n"
            "    return np.argmin([of(row) for row in jnp.eye(10)], axis=0)",
        ],
        "wrong": [
            ("most energy", least(answer="energies.argmax(axis=0)")),
            ("in settling and in the energy", least(settle="alpha_gen=1.0", weigh="alpha_gen=1.0")),
            ("in settling too", least(settle="alpha_gen=1.0")),
            ("in the energy too", least(weigh="alpha_gen=1.0")),
            ("label is free", least(clamped="[False, False, False, True]")),
            ("image is free", least(clamped="[True, False, False, False]")),
            ("sweep down", least(start="[*bpc.sweep_down(network, label)[:-1], image]")),
            (
                "start at zero",
                least(
                    start="[label, *(jnp.zeros((len(image), n)) for n in network.sizes[1:-1]), image]"
                ),
            ),
            ("nothing settles", least(steps="0")),
            (
                "sweep's answer",
                "def least_energy(network, image, steps):\n    return bpc.classify(network, image)",
            ),
            (
                "lets the label settle",
                "def least_energy(network, image, steps):\n"
                "    return bpc.classify(network, image, steps, alpha_gen=1e-3)",
            ),
            ("these are energies, one a label", least(answer="energies")),
            ("these are energies; the labels", least(answer="energies.min(axis=0)")),
            ("one answer for all", least(answer="energies.sum(axis=1).argmin()")),
            ("along the labels", least(answer="energies.argmin(axis=1)")),
            ("from 1", least(answer="1 + energies.argmin(axis=0)")),
            ("e alone", least(settle="alpha_gen=1e-3, rule=bpc.HYBRID")),
            ("d alone", least(settle="alpha_gen=1e-3, rule=bpc.DISCRIMINATIVE")),
            ("ignores steps", least(steps="10")),
            ("type", least(answer="None").replace("return None", "return {'answer': 3}")),
            ("raised", least(clamped="[True, True]")),
        ],
    },
    "4.4": {
        "right": [
            broken(),
            "def untransported(network, z, alpha_gen, alpha_disc):\n"
            "    e, d = bpc.errors(network, z)\n"
            "    L = network.depth\n"
            "    W, V = ([m.weight for m in maps] for maps in (network.amortiser, network.generator))\n"
            "    up = [alpha_gen * jnp.dot(e[l + 1], W[l].T) for l in range(L)] + [0]\n"
            "    down = [0] + [alpha_disc * (V[l] @ d[l].T).T for l in range(L)]\n"
            "    on = [1, *((z_l > 0).astype(float) for z_l in z[1:-1]), 1]\n"
            "    own = [alpha_gen * e[l] + alpha_disc * d[l] for l in range(L + 1)]\n"
            "    return [a - on_l * (u + d_l) for a, on_l, u, d_l in zip(own, on, up, down)]",
            "def untransported(network, z, alpha_gen, alpha_disc):\n"
            "    e, d = errors(network, z)\n"
            "    found = []\n"
            "    for l in range(4):\n"
            "        value = np.asarray(alpha_gen * e[l] + alpha_disc * d[l], float)\n"
            "        gate = np.asarray(act_slope(network, l, z[l]))\n"
            "        if l < 3:\n"
            "            value = value - gate * alpha_gen * np.einsum("
            "'bj,ij->bi', e[l + 1], network.amortiser[l].weight)\n"
            "        if l > 0:\n"
            "            value = value - gate * alpha_disc * np.einsum("
            "'bj,ij->bi', d[l - 1], network.generator[l - 1].weight)\n"
            "        found.append(value)\n"
            "    return tuple(found)",
        ],
        "wrong": [
            (
                "Equation 4 itself",
                "def untransported(network, z, alpha_gen, alpha_disc):\n"
                "    return activity_gradient(network, z, alpha_gen, alpha_disc)",
            ),
            ("e still goes back", broken(by_e="alpha_gen * e[l + 1] @ V[l]")),
            ("d still goes back", broken(by_d="alpha_disc * d[l - 1] @ W[l - 1]")),
            (
                "wrong way round",
                broken(by_e="alpha_gen * e[l + 1] @ W[l]", by_d="alpha_disc * d[l - 1] @ V[l - 1]"),
            ),
            (
                "only turned round",
                broken(
                    by_e="alpha_gen * e[l + 1] @ V[l].T", by_d="alpha_disc * d[l - 1] @ W[l - 1].T"
                ),
            ),
            ("act'", broken(total="own - passed")),
            ("sign of what is passed", broken(total="own + act_slope(network, l, z_l) * passed")),
            ("what d passes back", broken(by_d="-alpha_disc * d[l - 1] @ V[l - 1].T")),
            ("what e passes back", broken(by_e="-alpha_gen * e[l + 1] @ W[l].T")),
            ("two ends act", broken(total="own - (z_l > 0) * passed")),
            ("layer's own errors", broken(total="-act_slope(network, l, z_l) * passed")),
            ("passed back alone", broken(total="act_slope(network, l, z_l) * passed")),
            ("what e passes", broken(by_e="0")),
            ("what d passes", broken(by_d="0")),
            ("nothing is passed", broken(total="own")),
            (
                "forgot the precisions",
                broken(by_e="e[l + 1] @ W[l].T", by_d="d[l - 1] @ V[l - 1].T", own="e[l] + d[l]"),
            ),
            (
                "exchanged",
                broken(
                    by_e="alpha_disc * e[l + 1] @ W[l].T",
                    by_d="alpha_gen * d[l - 1] @ V[l - 1].T",
                    own="alpha_disc * e[l] + alpha_gen * d[l]",
                ),
            ),
            ("descent", broken(total="act_slope(network, l, z_l) * passed - own")),
            ("two ends", broken(result="broken[1:-1]")),
            ("shape", broken(result="broken[:2]")),
            ("raised", broken(by_e="alpha_gen * e[l + 2] @ W[l].T")),
            ("type", broken(result="'broken'").replace("return 'broken'", "return {'broken': 1}")),
        ],
    },  # fmt: skip
    "4.5": {
        "right": [
            PAIR + "(alpha_gen + alpha_disc) / (alpha_disc + alpha_gen * rho**2)",
            "def overshoot(rho, alpha_gen, alpha_disc):\n"
            "    share = np.float64(alpha_gen) / alpha_disc\n"
            "    return np.array([(1 + share) / (1 + share * rho * rho)])",
            "def overshoot(rho, gen, disc):\n"
            "    b, a = 1.0, 0.0\n"
            "    for _ in range(3000):\n"
            "        a -= 0.1 * (disc * (a - rho * b) - gen * rho * (b - rho * a))\n"
            "    return a / (rho * b)",
            "overshoot = lambda rho, alpha_gen, alpha_disc: float(jnp.linalg.solve("
            "jnp.array([[alpha_disc + alpha_gen * rho**2]]), jnp.array([alpha_gen + alpha_disc]))[0])",
        ],
        "wrong": [
            ("equal precisions", PAIR + "2 / (1 + rho**2)"),
            ("exchanged", PAIR + "(alpha_gen + alpha_disc) / (alpha_gen + alpha_disc * rho**2)"),
            (
                "multiple of b",
                PAIR + "rho * (alpha_gen + alpha_disc) / (alpha_disc + alpha_gen * rho**2)",
            ),
            ("rho twice", PAIR + "(alpha_gen + alpha_disc) / (alpha_disc + alpha_gen * rho)"),
            ("posterior mean itself", PAIR + "1.0"),
            ("at alpha_disc = 0", PAIR + "1 / rho**2"),
            ("one over", PAIR + "(alpha_disc + alpha_gen * rho**2) / (alpha_gen + alpha_disc)"),
            ("alpha_gen belongs", PAIR + "alpha_disc / (alpha_disc + alpha_gen * rho**2)"),
            ("alpha_disc belongs", PAIR + "alpha_gen / (alpha_disc + alpha_gen * rho**2)"),
            ("not 2", PAIR + "2 / (alpha_disc + alpha_gen * rho**2)"),
            ("curvature", PAIR + "alpha_disc + alpha_gen * rho**2"),
            ("1 more", PAIR + "(alpha_gen + alpha_disc) / (alpha_disc + alpha_gen * rho**2) - 1"),
            ("sign below", PAIR + "(alpha_gen + alpha_disc) / (alpha_disc - alpha_gen * rho**2)"),
            (
                "needs no rho",
                PAIR + "(rho * alpha_gen + alpha_disc) / (alpha_disc + alpha_gen * rho**2)",
            ),
            ("factor", PAIR + "2 * (alpha_gen + alpha_disc) / (alpha_disc + alpha_gen * rho**2)"),
            ("arguments", "def overshoot(rho):\n    return 2 / (1 + rho**2)"),
            ("raised", PAIR + "(alpha_gen + alpha_disc) / (alpha_disc + alpha_gen * r**2)"),
        ],
    },
    "4.6": {
        "right": [
            below(),
            "def accuracy_below(network, images, labels, rows):\n"
            "    seen = np.ones((28, 28), bool)\n"
            "    seen[28 - rows:] = False\n"
            "    answers = bpc.classify(network, images, visible=seen.ravel())\n"
            "    return jnp.mean(answers == jnp.asarray(labels)) * 100",
            "def accuracy_below(network, images, labels, rows):\n"
            "    seen = np.ones(np.shape(images), bool)\n"
            "    for row in range(28 - rows, 28):\n"
            "        seen[:, 28 * row:28 * row + 28] = False\n"
            "    count = 0\n"
            "    for answer, label in zip(bpc.classify(network, images, visible=seen), labels):\n"
            "        count += int(answer) == int(label)\n"
            "    return 100 * count / len(labels)",
        ],
        "wrong": [
            ("share", below(share="np.mean(answers == labels)")),
            ("of errors", below(share="100 * np.mean(answers != labels)")),
            ("counts images", below(share="np.sum(answers == labels)")),
            ("True where", below(seen="place >= 28 * (28 - rows)")),
            ("upper rows", below(seen="place >= 28 * rows")),
            ("on the right", below(seen="place % 28 < 28 - rows")),
            ("on the left", below(seen="place % 28 >= rows")),
            ("not rows of 28", below(seen="place < 784 - rows")),
            ("too many", below(seen="place < 28 * (27 - rows)")),
            ("too few", below(seen="place < 28 * (29 - rows)")),
            (
                "`[-rows:]` is everything",
                "def accuracy_below(network, images, labels, rows):\n"
                "    seen = np.ones((28, 28), bool)\n"
                "    seen[-rows:] = False\n"
                "    answers = bpc.classify(network, images, visible=seen.ravel())\n"
                "    return 100 * np.mean(np.asarray(answers) == labels)",
            ),
            (
                "200 steps",
                below(read="bpc.classify(network, images, 200, place < 28 * (28 - rows))"),
            ),
            ("all that is left", below(seen="place < 28 * rows")),
            (
                "sweep's answer",
                below(read="bpc.classify(network, images, 0, visible=place < 28 * (28 - rows))"),
            ),
            ("nothing is hidden", below(read="bpc.classify(network, images)")),
            (
                "sweep's answer",
                below(read="bpc.classify(network, images * (place < 28 * (28 - rows)))"),
            ),
            (
                "label that settled",
                below(
                    read="bpc.infer(network, bpc.sweep_up(network, images * (place < 28 * (28 - rows))), "
                    "[False, False, False, place < 28 * (28 - rows)], steps=400, step_size=1.0)[0]"
                    ".argmax(axis=1)"
                ),
            ),
            ("raised", below(seen="place[:100] < 28 * (28 - rows)")),
            ("shape", below(share="100 * (answers == labels)")),
        ],
    },  # fmt: skip
}
