PRECISION = "def precision(error, floor):\n    return "
AFTER = """
def after(alpha, gap, other, turns):
    for _ in range(turns):
        error = gap * other / (other + alpha)
        alpha = 1 / error**2
    return alpha
"""
REST = "def at_rest(gap, other):\n    return "
SIGNAL = "def signal(bound, layers):\n    return "
DRAWN = """
def drawn_from(network, image, label, l):
    z = bpc.sweep_up(network, image)[l]
    z = jnp.stack([z[label == digit].mean(axis=0) for digit in range(10)])
    for k in range(l, network.depth):
        z = network.f(k, z)
    return z
"""
MEANS = "jnp.stack([z[label == digit].mean(axis=0) for digit in range(10)])"

ANSWERS = {
    "12.1": {
        "right": [
            PRECISION + "1 / (np.mean(error**2) + floor)",
            "def precision(error, floor):\n"
            "    total = count = 0\n"
            "    for row in error:\n"
            "        for x in row:\n"
            "            total, count = total + x * x, count + 1\n"
            "    return count / (total + count * floor)",
            PRECISION + "1 / (jnp.linalg.norm(jnp.asarray(error)) ** 2 / error.size + floor)",
        ],
        "wrong": [
            (
                "mean size, squared",
                "def precision(error, floor):\n    return 1 / (np.mean(np.abs(error)) ** 2 + floor)",
            ),
            ("floor is forgotten", PRECISION + "1 / np.mean(error**2)"),
            ("this is the variance", PRECISION + "np.mean(error**2) + floor"),
            ("added to the precision", PRECISION + "1 / np.mean(error**2) + floor"),
            ("these are sums", PRECISION + "1 / (np.sum(error**2) + floor)"),
            (
                "sums over the units",
                PRECISION + "1 / (np.sum(error**2, axis=1).mean() + floor)",
            ),
            (
                "sums over the images",
                PRECISION + "1 / (np.sum(error**2, axis=0).mean() + floor)",
            ),
            ("error's size", PRECISION + "1 / (np.sqrt(np.mean(error**2)) + floor)"),
            ("standard deviation", PRECISION + "1 / np.sqrt(np.mean(error**2) + floor)"),
            ("constant error", PRECISION + "1 / (error.var() + floor)"),
            ("square of the mean", PRECISION + "1 / (error.mean() ** 2 + floor)"),
            ("mean size", PRECISION + "1 / (abs(error).mean() + floor)"),
            ("half of the energy", PRECISION + "1 / (np.mean(error**2) / 2 + floor)"),
            ("its square is not taken", PRECISION + "1 / (np.mean(error**2) + floor**2)"),
            ("taken away", PRECISION + "1 / (np.mean(error**2) - floor)"),
            ("larger of the two", PRECISION + "1 / max(np.mean(error**2), floor)"),
            (
                "many precisions",
                PRECISION + "np.mean(1 / (np.mean(error**2, axis=0) + floor))",
            ),
            ("sign", PRECISION + "-1 / (np.mean(error**2) + floor)"),
            ("shape", PRECISION + "1 / (np.mean(error**2, axis=0) + floor)"),
            ("raised", PRECISION + "1 / (np.mean(errors**2) + floor)"),
        ],
    },
    "12.2": {
        "right": [
            AFTER,
            "def after(alpha, gap, other, turns):\n"
            "    if turns == 0:\n"
            "        return alpha\n"
            "    return after(((other + alpha) / (gap * other)) ** 2, gap, other, turns - 1)",
            "def after(alpha, gap, other, turns):\n"
            "    a, b = 0.0, gap\n"
            "    for _ in range(turns):\n"
            "        rest = jnp.average(jnp.array([a, b]), weights=jnp.array([other, alpha]))\n"
            "        alpha = 1 / (b - rest) ** 2\n"
            "    return alpha",
        ],
        "wrong": [
            (
                "one turn on",
                "def after(alpha, gap, other, turns):\n"
                "    for _ in range(turns):\n"
                "        alpha = ((other + alpha) / (gap * other)) ** 2\n"
                "    return gap * other / (other + alpha)",
            ),
            (
                "one over the sum of precisions",
                "def after(alpha, gap, other, turns):\n"
                "    for _ in range(turns):\n"
                "        alpha = 1 / (gap * other / (other + alpha)) ** 2 + 1 / (other + alpha)\n"
                "    return alpha",
            ),
            ("too few", AFTER.replace("range(turns)", "range(turns - 1)")),
            ("too many", AFTER.replace("range(turns)", "range(turns + 1)")),
            ("this is one turn", AFTER.replace("range(turns)", "range(1)")),
            ("nothing is learnt", AFTER.replace("alpha = 1", "precision = 1")),
            ("is 1 here", AFTER.replace("gap * other / (other", "gap / (1")),
            ("missing above", AFTER.replace("gap * other", "gap")),
            ("at the other prediction", AFTER.replace("gap * other", "gap * alpha")),
            ("over its size", AFTER.replace("error**2", "error")),
            ("this is the variance", AFTER.replace("1 / error**2", "error**2")),
            ("whole gap", AFTER.replace("gap * other / (other + alpha)", "gap")),
            ("in the middle", AFTER.replace("gap * other / (other + alpha)", "gap / 2")),
            (
                "next exercise",
                AFTER.replace("1 / error**2", "1 / (error**2 + 1 / (other + alpha))"),
            ),
            ("the error, not the precision", AFTER.replace("return alpha", "return error")),
            ("once too often", AFTER.replace("gap * other", "gap**2 * other")),
            (
                "exchanged at the beginning",
                AFTER.replace("    for _", "    alpha = other\n    for _", 1),
            ),
            ("starts at 1", AFTER.replace("    for _", "    alpha = 1.0\n    for _", 1)),
            (
                "standard deviations here",
                AFTER.replace(
                    "gap * other / (other + alpha)",
                    "gap * other**0.5 / (other**0.5 + alpha**0.5)",
                ),
            ),
            ("raised", AFTER.replace("gap *", "Gap *")),
            ("none", AFTER.replace("return alpha", "alpha")),
        ],
    },
    "12.3": {
        "right": [
            REST + "1 / (gap**2 - 1 / other)",
            REST + "other / (other * gap**2 - 1)",
            "def at_rest(gap, other):\n"
            "    alpha = 1.0\n"
            "    for _ in range(20000):\n"
            "        error = gap * other / (other + alpha)\n"
            "        alpha = 1 / (error**2 + 1 / (other + alpha))\n"
            "    return alpha",
        ],
        "wrong": [
            ("this is the variance", REST + "gap**2 - 1 / other"),
            ("is 1 here", REST + "1 / (gap**2 - 1)"),
            ("`other` is a precision", REST + "1 / (gap**2 - other)"),
            ("not the gap's own", REST + "1 / gap**2"),
            ("gap is a difference", REST + "1 / (gap - 1 / other)"),
            ("taken away, not added", REST + "1 / (gap**2 + 1 / other)"),
            ("precisions do not add up; variances", REST + "1 / gap**2 - other"),
            ("and the sign is wrong", REST + "other - 1 / gap**2"),
            ("the sign is wrong", REST + "1 / (1 / other - gap**2)"),
            ("standard deviation", REST + "1 / np.sqrt(gap**2 - 1 / other)"),
            ("standard deviations do not", REST + "1 / (gap - 1 / np.sqrt(other)) ** 2"),
            ("both precisions", REST + "other + 1 / (gap**2 - 1 / other)"),
            (
                "without the variance",
                "def at_rest(gap, other):\n"
                "    alpha = 0.1\n"
                "    for _ in range(2000):\n"
                "        alpha = ((other + alpha) / (gap * other)) ** 2\n"
                "    return alpha",
            ),
            ("this is what is left", REST + "1 / (other + 1 / (gap**2 - 1 / other))"),
            ("shared by two", REST + "1 / (gap**2 / 2 - 1 / other)"),
            ("times the other's", REST + "other / gap**2"),
            ("share of the pull", REST + "1 / (1 + other * (gap**2 - 1 / other))"),
            ("raised", REST + "1 / (gap**2 - 1 / alpha)"),
            ("printed", "def at_rest(gap, other):\n    print(gap**2)"),
        ],
    },
    "12.4": {
        "right": [
            SIGNAL + "(bound**2 / 6) ** (layers / 2)",
            "def signal(bound, layers):\n"
            "    square = 1.0\n"
            "    for _ in range(layers):\n"
            "        square = square * bound**2 / 3 / 2\n"
            "    return square**0.5",
            SIGNAL + "jnp.exp(layers * (jnp.log(bound) - 0.5 * jnp.log(6.0)))",
        ],
        "wrong": [
            ("mean square", SIGNAL + "(bound**2 / 6) ** layers"),
            ("this is one layer", SIGNAL + "bound / 6**0.5"),
            ("ReLU is forgotten", SIGNAL + "(bound**2 / 3) ** (layers / 2)"),
            ("bound itself", SIGNAL + "(bound**2 / 2) ** (layers / 2)"),
            ("third is forgotten", SIGNAL + "bound**layers"),
            ("a twelfth of the bound's square", SIGNAL + "(bound**2 / 12) ** (layers / 2)"),
            ("not a twelfth", SIGNAL + "(bound**2 / 12 / 2) ** (layers / 2)"),
            ("too few", SIGNAL + "(bound**2 / 6) ** ((layers - 1) / 2)"),
            ("too many", SIGNAL + "(bound**2 / 6) ** ((layers + 1) / 2)"),
            ("what is lost", SIGNAL + "1 - (bound**2 / 6) ** (layers / 2)"),
            ("turned round", SIGNAL + "(6 / bound**2) ** (layers / 2)"),
            ("adds them up", SIGNAL + "layers * (bound**2 / 6) ** 0.5"),
            ("goes with its square", SIGNAL + "(bound / 6) ** (layers / 2)"),
            ("root is taken twice", SIGNAL + "(bound**2 / 6) ** (layers / 4)"),
            ("their sum", SIGNAL + "(bound**2 * (1 / 3 + 1 / 2)) ** (layers / 2)"),
            ("logarithm", SIGNAL + "layers / 2 * np.log(bound**2 / 6)"),
            ("not of the size", SIGNAL + "(bound / 3**0.5 / 2) ** layers"),
            ("it halves", SIGNAL + "(bound**2 / 3 * 2) ** (layers / 2)"),
            ("raised", SIGNAL + "(width**2 / 6) ** (layers / 2)"),
            ("none", "def signal(bound, layers):\n    found = (bound**2 / 6) ** (layers / 2)"),
        ],
    },
    "12.5": {
        "right": [
            DRAWN,
            DRAWN.replace(MEANS, "(bpc.one_hot(label) / bpc.one_hot(label).sum(axis=0)).T @ z"),
            "def drawn_from(network, image, label, l):\n"
            "    swept, found = np.asarray(bpc.sweep_up(network, image)[l]), []\n"
            "    for digit in range(10):\n"
            "        rows = [row for row, name in zip(swept, label) if name == digit]\n"
            "        z = jnp.asarray(sum(rows) / len(rows))[None]\n"
            "        for k in range(l, network.depth):\n"
            "            z = network.f(k, z)\n"
            "        found.append(z[0])\n"
            "    return found",
        ],
        "wrong": [
            (
                "begins at the label",
                DRAWN.replace(MEANS, "jnp.eye(10)").replace("range(l,", "range(0,"),
            ),
            (
                "average the layer itself",
                DRAWN.replace("    z = " + MEANS + "\n", "").replace("return z", "return " + MEANS),
            ),
            ("one drawing for each image", DRAWN.replace("    z = " + MEANS + "\n", "")),
            (
                "near to the image",
                DRAWN.replace("image)[l]", "image)[l + 1]").replace("range(l,", "range(l + 1,"),
            ),
            (
                "near to the label",
                DRAWN.replace("image)[l]", "image)[l - 1]").replace("range(l,", "range(l - 1,"),
            ),
            (
                "count from the label",
                DRAWN.replace("    z = bpc", "    l = network.depth - l\n    z = bpc"),
            ),
            (
                "class means of the images",
                DRAWN.replace("bpc.sweep_up(network, image)[l]", "image").replace(
                    "range(l,", "range(9,"
                ),
            ),
            ("sums over a class", DRAWN.replace("mean(axis=0)", "sum(axis=0)")),
            ("not yet drawn", DRAWN.replace("range(l,", "range(9,")),
            ("last map is missing", DRAWN.replace("network.depth", "network.depth - 1")),
            (
                "owes the images nothing",
                DRAWN.replace(
                    "bpc.sweep_up(network, image)", "bpc.sweep_down(network, bpc.one_hot(label))"
                ),
            ),
            ("whatever their digit", DRAWN.replace("z[label == digit]", "z")),
            (
                "first image of each digit",
                DRAWN.replace("z[label == digit].mean(axis=0)", "z[label == digit][0]"),
            ),
            (
                "median",
                DRAWN.replace(
                    "z[label == digit].mean(axis=0)", "jnp.median(z[label == digit], axis=0)"
                ),
            ),
            ("means of rates", DRAWN.replace("image)[l]\n", "image)[l]\n    z = jax.nn.relu(z)\n")),
            ("reverse order", DRAWN.replace("return z", "return z[::-1]")),
            (
                "no activation",
                DRAWN.replace(
                    "network.f(k, z)",
                    "z @ network.generator[k].weight.T + network.generator[k].bias",
                ),
            ),
            ("raised", DRAWN.replace("network.depth", "network.layers")),
            ("none", DRAWN.replace("return z", "z")),
        ],
    },
}
