"""Answers to the exercises of chapter 6."""

ZERO = "def zero_label(network, x):\n    {}"
WEIGHTS = (
    "relu, g = jax.nn.relu, network.amortiser\n"
    "    W, c = [m.weight for m in g], [m.bias for m in g]\n    "
)
LOW = "def low_share(energies, valid):\n    bar = {bar}\n    lowest = {lowest}\n    return {answer}"
REST = "def input_at_rest(y, v, w, alpha_gen, alpha_disc):\n    g, d = alpha_gen, alpha_disc\n    return "
ONE = (
    "def one_hidden(disc, gen, y, x):\n"
    "    both = bpc.Network({made}, 'relu')\n"
    "    z = [y, {start}, x]\n"
    "    z = bpc.infer(both, z, {clamped}, steps={steps}, step_size={rate})\n"
    "    return {answer}"
)
PITS = (
    "def pits(energies):\n"
    "    E = np.asarray(energies)\n"
    "    found = 0\n"
    "    for i in {rows}:\n"
    "        for j in {columns}:\n"
    "            others = [{around}]\n"
    "            found += all({lower} for other in others)\n"
    "    return {answer}"
)
EIGHT = "E[i + a, j + b] for a in (-1, 0, 1) for b in (-1, 0, 1) if (a, b) != (0, 0)"


def low(
    bar="np.max(valid) + 0.1 * np.median(energies)",
    lowest="np.min(energies, axis=1)",
    answer="100 * np.mean(lowest <= bar)",
):
    return LOW.format(bar=bar, lowest=lowest, answer=answer)


def one(
    made="gen.generator, disc.amortiser",
    start="bpc.sweep_up(disc, x)[1]",
    clamped="[True, False, True]",
    steps=300,
    rate=1.0,
    answer="bpc.energy(both, z)",
):
    return ONE.format(
        made=made, start=start, clamped=clamped, steps=steps, rate=rate, answer=answer
    )


def pits(
    rows="range(1, len(E) - 1)",
    columns="range(1, E.shape[1] - 1)",
    around=EIGHT,
    lower="E[i, j] < other",
    answer="found",
):
    return PITS.format(rows=rows, columns=columns, around=around, lower=lower, answer=answer)


ANSWERS = {
    "6.1": {
        "right": [
            ZERO.format("return bpc.sweep_up(network, x)[0]"),
            ZERO.format(WEIGHTS + "return relu(x @ W[1].T + c[1]) @ W[0].T + c[0]"),
            ZERO.format("return network.g(0, network.g(1, x))"),
            ZERO.format("return [[float(v)] for v in bpc.sweep_up(network, x)[0][:, 0]]"),
        ],
        "wrong": [
            ("hidden layer; one", ZERO.format("return bpc.sweep_up(network, x)[1]")),
            ("rate", ZERO.format("return jax.nn.relu(bpc.sweep_up(network, x)[1])")),
            ("these are the inputs", ZERO.format("return bpc.sweep_up(network, x)[-1]")),
            ("sign is turned", ZERO.format("return -bpc.sweep_up(network, x)[0]")),
            ("maps end at 2", ZERO.format("return jnp.clip(bpc.sweep_up(network, x)[0], -2, 2)")),
            ("this is the class", ZERO.format("return jnp.sign(bpc.sweep_up(network, x)[0])")),
            (
                "forgot the ReLU",
                ZERO.format(WEIGHTS + "return (x @ W[1].T + c[1]) @ W[0].T + c[0]"),
            ),
            ("label is no hidden", ZERO.format("return jax.nn.relu(bpc.sweep_up(network, x)[0])")),
            (
                "inputs are no hidden",
                ZERO.format("return bpc.sweep_up(network, jax.nn.relu(x))[0]"),
            ),
            ("forgot the biases", ZERO.format(WEIGHTS + "return relu(x @ W[1].T) @ W[0].T")),
            (
                "label's bias",
                ZERO.format("return bpc.sweep_up(network, x)[0] - network.amortiser[0].bias"),
            ),
            (
                "hidden layer's bias",
                ZERO.format(WEIGHTS + "return relu(x @ W[1].T) @ W[0].T + c[0]"),
            ),
            (
                "mean of all answers",
                ZERO.format("return jnp.ones((len(x), 1)) * bpc.sweep_up(network, x)[0].mean()"),
            ),
            (
                "generator's weights",
                ZERO.format(
                    "V = [m.weight for m in network.generator]\n"
                    "    return jax.nn.relu(x @ V[1]) @ V[0]"
                ),
            ),
            (
                "both errors",
                ZERO.format(
                    "z = bpc.sweep_up(network, x)\n"
                    "    return bpc.infer(network, z, [False, False, True], steps=50)[0]"
                ),
            ),
            (
                "settles with e",
                ZERO.format(
                    "z, free = bpc.sweep_up(network, x), [False, False, True]\n"
                    "    return bpc.infer(network, z, free, bpc.GENERATIVE, 50)[0]"
                ),
            ),
            (
                "forbidden",
                ZERO.format(
                    "z, free = bpc.sweep_up(network, x), [False, False, True]\n"
                    "    return bpc.infer(network, z, free, bpc.DISCRIMINATIVE, 50)[0]"
                ),
            ),
            ("a number for each", ZERO.format("return bpc.sweep_up(network, x)[0][:, 0]")),
            ("raised", ZERO.format("return bpc.sweep_up(x)[0]")),
        ],
    },
    "6.2": {
        "right": [
            low(),
            "def low_share(energies, valid):\n"
            "    bar = max(valid) + np.median(energies) / 10\n"
            "    low = 0\n"
            "    for row in energies:\n"
            "        low += any(E <= bar for E in row)\n"
            "    return 100 * low / len(energies)",
            "def low_share(energies, valid):\n"
            "    E = jnp.asarray(energies)\n"
            "    bar = jnp.max(jnp.asarray(valid)) + 0.1 * jnp.median(E)\n"
            "    return 100 * (E <= bar).any(axis=1).mean()",
        ],
        "wrong": [
            (
                "tenth is of the median alone",
                "def low_share(energies, valid):\n"
                "    return 100 * np.mean(energies.min(axis=1) <= 0.1 * (np.max(valid) + "
                "np.median(energies)))",
            ),
            ("a percentage is asked", low(answer="np.mean(lowest <= bar)")),
            ("counts inputs", low(answer="np.sum(lowest <= bar)")),
            ("not low", low(answer="100 * np.mean(lowest > bar)")),
            ("share of pairs", low(lowest="energies")),
            ("every label", low(lowest="energies.max(axis=1)")),
            ("mean over labels", low(lowest="energies.mean(axis=1)")),
            ("rows are inputs", low(lowest="energies.min(axis=0)")),
            ("not the lowest", low(bar="np.min(valid) + 0.1 * np.median(energies)")),
            ("not their mean", low(bar="np.mean(valid) + 0.1 * np.median(energies)")),
            ("not their sum", low(bar="np.sum(valid) + 0.1 * np.median(energies)")),
            ("forgot the tenth", low(bar="np.max(valid)")),
            ("larger of the two", low(bar="max(np.max(valid), 0.1 * np.median(energies))")),
            ("below each", low(bar="min(np.max(valid), 0.1 * np.median(energies))")),
            (
                "below each",
                low(
                    answer="100 * np.mean((lowest <= np.max(valid))"
                    " & (lowest <= 0.1 * np.median(energies)))"
                ),
            ),
            ("rounded", low(answer="round(100 * np.mean(lowest <= bar))")),
            ("rounded", low(answer="round(100 * float(np.mean(lowest <= bar)), 1)")),
            ("not all of it", low(bar="np.max(valid) + np.median(energies)")),
            ("a hundredth", low(bar="np.max(valid) + 0.01 * np.median(energies)")),
            ("not the mean", low(bar="np.max(valid) + 0.1 * np.mean(energies)")),
            ("lowest ones", low(bar="np.max(valid) + 0.1 * np.median(energies.min(axis=1))")),
            ("valid ones", low(bar="1.1 * np.median(valid)")),
            ("median is of `energies`", low(bar="np.max(valid) + 0.1 * np.median(valid)")),
            ("forgot the valid", low(bar="0.1 * np.median(energies)")),
            ("taken off", low(bar="np.max(valid) - 0.1 * np.median(energies)")),
            ("none", low().replace("return ", "found = ")),
        ],
    },
    "6.3": {
        "right": [
            REST + "y * (g * v + d * w) / (g + d * w**2)",
            "def input_at_rest(y, v, w, alpha_gen, alpha_disc):\n"
            "    drawn, read = v * y, y / w\n"
            "    weights = alpha_gen, alpha_disc * w * w\n"
            "    return np.average([drawn, read], weights=weights)",
            "def input_at_rest(y, v, w, alpha_gen, alpha_disc):\n"
            "    slope = jax.grad(lambda x: pair_energy(x, y, v, w, alpha_gen, alpha_disc))\n"
            "    return -slope(0.0) / (slope(1.0) - slope(0.0))",
        ],
        "wrong": [
            ("what the generator draws", REST + "v * y"),
            ("where d is zero", REST + "y / w"),
            ("answer's label", REST + "w * y"),
            ("exchanged", REST + "y * (d * v + g * w) / (d + g * w**2)"),
            ("forgot the label", REST + "(g * v + d * w) / (g + d * w**2)"),
            ("divide by the curvature", REST + "y * (g * v + d * w)"),
            ("this is the curvature", REST + "g + d * w**2"),
            ("turned over", REST + "y * (g + d * w**2) / (g * v + d * w)"),
            ("w twice", REST + "y * (g * v + d * w) / (g + d * w)"),
            ("has no w", REST + "y * (g * v + d * w) / (g + d)"),
            ("once, not squared", REST + "y * (g * v + d * w**2) / (g + d * w**2)"),
            ("has its w", REST + "y * (g * v + d) / (g + d * w**2)"),
            ("sign of d's pull", REST + "y * (g * v - d * w) / (g + d * w**2)"),
            ("sign in the curvature", REST + "y * (g * v + d * w) / (g - d * w**2)"),
            ("e pulls too: alpha_gen", REST + "y * d * w / (g + d * w**2)"),
            ("d pulls too", REST + "y * g * v / (g + d * w**2)"),
            ("equal precisions", REST + "y * (v + w) / (1 + w**2)"),
            ("weigh them", REST + "y * (v + 1 / w) / 2"),
            ("weigh y / w", REST + "y * (g * v + d / w) / (g + d)"),
            ("label rests", REST + "y * (g * v + d * w) / (g * v**2 + d)"),
            ("both signs of d", REST + "y * (g * v - d * w) / (g - d * w**2)"),
            ("slope at x = 0", REST + "-y * (g * v + d * w)"),
        ],
    },
    "6.4": {
        "right": [
            one(),
            "def one_hidden(disc, gen, y, x):\n"
            "    both = bpc.Network(generator=gen.generator, amortiser=disc.amortiser, "
            "activation=disc.activation)\n"
            "    z = bpc.sweep_up(both, x)\n"
            "    z[0] = y\n"
            "    run = bpc.infer(both, z, [True, False, True], bpc.BIDIRECTIONAL, 300, 1.0, record=True)\n"
            "    return run.energies[-1]",
            "import equinox as eqx\n"
            "def one_hidden(disc, gen, y, x):\n"
            "    both = eqx.tree_at(lambda n: n.generator, disc, gen.generator)\n"
            "    z = bpc.infer(both, [y, disc.g(1, x), x], [True, False, True], steps=300, step_size=1.0)\n"
            "    e, d = bpc.errors(both, z)\n"
            "    return sum((part**2).sum(axis=1) / 2 for part in (*e, *d))",
        ],
        "wrong": [
            ("exchanged", one(made="disc.generator, gen.amortiser")),
            ("whole energy of `disc`", one(made="disc.generator, disc.amortiser")),
            ("whole energy of `gen`", one(made="gen.generator, gen.amortiser")),
            ("nothing settles", one(steps=0)),
            ("8 steps", one(steps=8, rate=0.5)),
            ("label is free", one(clamped="[False, False, True]")),
            ("input is free", one(clamped="[True, False, False]")),
            ("everything is free", one(clamped="[False, False, False]")),
            ("only e is counted", one(answer="bpc.energy(both, z, 1.0, 0.0)")),
            ("half of it", one(answer="bpc.energy(both, z) / 2")),
            ("mean of all pairs", one(answer="bpc.energy(both, z).mean()")),
            ("sum of all pairs", one(answer="bpc.energy(both, z).sum()")),
            (
                "discPC alone",
                "def one_hidden(disc, gen, y, x):\n"
                "    z = [y, bpc.sweep_up(disc, x)[1], x]\n"
                "    z = bpc.infer(disc, z, [True, False, True], bpc.DISCRIMINATIVE, 300, 1.0)\n"
                "    return bpc.energy(disc, z, 0.0, 1.0)",
            ),
            ("raised", one(made="gen.generators, disc.amortiser")),
        ],
    },
    "6.5": {
        "right": [
            pits(),
            "def pits(energies):\n"
            "    E = np.asarray(energies)\n"
            "    n, m = E.shape\n"
            "    inner = E[1:-1, 1:-1]\n"
            "    low = np.ones(inner.shape, bool)\n"
            "    for i in (0, 1, 2):\n"
            "        for j in (0, 1, 2):\n"
            "            if (i, j) != (1, 1):\n"
            "                low &= inner < E[i : n - 2 + i, j : m - 2 + j]\n"
            "    return int(low.sum())",
            "from scipy.ndimage import minimum_filter\n"
            "def pits(energies):\n"
            "    around = np.ones((3, 3))\n"
            "    around[1, 1] = 0\n"
            "    low = np.asarray(energies) < minimum_filter(energies, footprint=around)\n"
            "    return low[1:-1, 1:-1].sum()",
        ],
        "wrong": [
            ("hills", pits(lower="E[i, j] > other")),
            ("four neighbours", pits(around="E[i - 1, j], E[i + 1, j], E[i, j - 1], E[i, j + 1]")),
            ("corners alone", pits(around="E[i + a, j + b] for a in (-1, 1) for b in (-1, 1)")),
            (
                "border count",
                pits(
                    rows="range(len(E))",
                    columns="range(E.shape[1])",
                    around="E[a, b] for a in range(max(i - 1, 0), min(i + 2, len(E))) "
                    "for b in range(max(j - 1, 0), min(j + 2, E.shape[1])) if (a, b) != (i, j)",
                ),
            ),
            (
                "np.roll",
                "def pits(energies):\n"
                "    E = np.asarray(energies)\n"
                "    moves = [(a, b) for a in (-1, 0, 1) for b in (-1, 0, 1) if (a, b) != (0, 0)]\n"
                "    return np.all([E < np.roll(E, move, (0, 1)) for move in moves], axis=0).sum()",
            ),
            ("not as low", pits(lower="E[i, j] <= other")),
            ("rows alone", pits(around="E[i, j - 1], E[i, j + 1]")),
            ("columns alone", pits(around="E[i - 1, j], E[i + 1, j]")),
            ("one side", pits(around="E[i + 1, j], E[i, j + 1]")),
            ("below the mean", pits(answer="np.sum(E < E.mean())")),
            ("lowest energy of all", pits(answer="np.sum(E == E.min())")),
            ("share of points", pits(answer="found / E.size")),
            ("percentage of points", pits(answer="100 * found / E.size")),
            ("one too many", pits(answer="found + 1")),
            ("none", pits(answer="None")),
        ],
    },
}
