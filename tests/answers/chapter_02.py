import jax
import jax.numpy as jnp
import numpy as np

import bpc_minimal as bpc


def prepare(space):
    """Set what exercise 3 starts from: five small networks, and a classifier's weights."""
    made = [
        bpc.make_network(jax.random.PRNGKey(seed), (10, 16, 16, 784), use_bias=False)
        for seed in range(5)
    ]
    data = bpc.mnist("validation")
    X = space["with_one"](data.images[:2000])
    Y = np.eye(10)[data.labels[:2000]]
    space |= {
        "old": jax.tree.map(lambda *w: jnp.stack(w), *made),
        "data": data,
        "classifier": np.linalg.solve(X.T @ X + 10 * np.eye(785), X.T @ Y),
        "truth": np.asarray(data.held_out_labels[:400]),
        "pixels": bpc.normalise(data.held_out_images[:400]),
        "undecided": jnp.full((400, 10), 0.1),
        "READING": [False, False, False, True],
    }
    space["read"] = jax.jit(space["read"], static_argnums=2)


SLOPE = (
    "def image_slope(generator, z):\n    V, below, image = generator[-1], z[-2], z[-1]\n    return "
)
BIAS = "def bias_gradient(generator, z):\n    e = generative_errors(generator, z)\n    return "
LABELS = """
guess = (with_one(data.held_out_images[:100]) @ classifier).argmax(axis=1)
start = np.eye(10)[guess]
labels_3 = []
for seed in range(5):
    network = jax.tree.map(lambda w: w[seed], old)
    z = start_from(network, jnp.asarray(start, jnp.float32), pixels[:100])
    labels_3.append(read(network, z, 100)[0])
"""
READ = """
def read_from(generator, image, level, steps):
    z = [jnp.full((len(image), V.shape[1]), level) for V in generator] + [image]
    for _ in range(steps):
        dz = activity_gradient(generator, z)
        z = [z_l - 0.03 * dz_l for z_l, dz_l in zip(z[:-1], dz[:-1])] + [image]
    return z[0]
"""
TABLE = """
def confusion(found, truth):
    counts = np.zeros((10, 10))
    for t, f in zip(truth, found):
        counts[t, f] += 1
    return 100 * counts / counts.sum(axis=1, keepdims=True)
"""
RETURN = "100 * counts / counts.sum(axis=1, keepdims=True)"

ANSWERS = {
    "2.1": {
        "right": [
            SLOPE + "image - jnp.maximum(below, 0) @ V.T",
            "def image_slope(generator, z):\n    return generative_errors(generator, z)[-1]",
            "def image_slope(generator, z):\n    return activity_gradient(generator, z)[-1].tolist()",
            "def image_slope(V, z):\n"
            "    total = lambda image: generative_energy(V, [*z[:-1], image]).sum()\n"
            "    return np.asarray(jax.grad(total)(z[-1]), np.float64)",
        ],
        "wrong": [
            ("pull", SLOPE + "predict(generator, len(generator) - 1, below) - image"),
            ("twice", SLOPE + "2 * generative_errors(generator, z)[-1]"),
            ("half", SLOPE + "0.5 * generative_errors(generator, z)[-1]"),
            ("image itself", SLOPE + "image"),
            ("prediction", SLOPE + "predict(generator, len(generator) - 1, below)"),
            ("no activation", SLOPE + "image - below @ V.T"),
            ("before the weights", SLOPE + "image - jax.nn.relu(below @ V.T)"),
            ("not activated", SLOPE + "jax.nn.relu(image) - jax.nn.relu(below) @ V.T"),
            ("act' here", SLOPE + "(image > 0) * generative_errors(generator, z)[-1]"),
            ("sent back", SLOPE + "-1.0 * (below > 0) * (generative_errors(generator, z)[-1] @ V)"),
            ("mean over", SLOPE + "generative_errors(generator, z)[-1].mean(axis=0)"),
            (
                "energy",
                SLOPE + "0.5 * (generative_errors(generator, z)[-1] ** 2).sum(axis=1)",
            ),
            ("layer before", SLOPE + "generative_errors(generator, z)[-2]"),
            ("all errors", SLOPE + "generative_errors(generator, z)[1:]"),
            ("raised", SLOPE + "image - below @ V"),
            (
                "order",
                "def image_slope(z, generator):\n    return generative_errors(generator, z)[-1]",
            ),
            ("divided by the batch", SLOPE + "generative_errors(generator, z)[-1] / len(image)"),
            ("none", "def image_slope(generator, z):\n    slope = z[-1]"),
            ("not added", SLOPE + "image + predict(generator, len(generator) - 1, below)"),
            ("square is gone", SLOPE + "generative_errors(generator, z)[-1] ** 2"),
            ("sign is lost", SLOPE + "abs(generative_errors(generator, z)[-1])"),
            ("not tanh", SLOPE + "image - jnp.tanh(below) @ V.T"),
            ("over the pixels", SLOPE + "generative_errors(generator, z)[-1].mean(axis=1)"),
            ("sum over the pixels", SLOPE + "generative_errors(generator, z)[-1].sum(axis=1)"),
            ("sum over the batch", SLOPE + "generative_errors(generator, z)[-1].sum(axis=0)"),
            ("of each pixel", SLOPE + "generative_errors(generator, z)[-1] ** 2 / 2"),
            ("only the sign", SLOPE + "jnp.sign(generative_errors(generator, z)[-1])"),
            ("below zero counts", SLOPE + "jax.nn.relu(generative_errors(generator, z)[-1])"),
            ("sweeps down", SLOPE + "image - sweep_down(generator, z[0])[-1]"),
            ("only the first example", SLOPE + "generative_errors(generator, z)[-1][0]"),
            (
                "without act', and sent back",
                SLOPE + "-1.0 * (generative_errors(generator, z)[-1] @ V)",
            ),
            ("shape", SLOPE + "generative_errors(generator, z)[-1].T"),
            ("shape", SLOPE + "activity_gradient(generator, z)[-2]"),
            ("shape", SLOPE + "generative_errors(generator, z)[-1].mean()"),
            (
                "changed input",
                "def image_slope(generator, z):\n"
                "    z[-1] = z[-1] - predict(generator, len(generator) - 1, z[-2])\n"
                "    return z[-1]",
            ),
        ],
    },
    "2.2": {
        "right": [
            BIAS + "[-e_l.mean(axis=0) for e_l in e[1:]]",
            "def bias_gradient(generator, z):\n"
            "    found = []\n"
            "    for l, V in enumerate(generator):\n"
            "        e = np.asarray(z[l + 1] - predict(generator, l, z[l]), np.float64)\n"
            "        found.append((-np.ones(len(e)) @ e / len(e)).tolist())\n"
            "    return found",
            "def bias_gradient(generator, z):\n"
            "    def energy(b):\n"
            "        e = [z[l + 1] - predict(generator, l, z[l]) - b[l] for l in range(len(b))]\n"
            "        return 0.5 * sum((x**2).sum(axis=1) for x in e).mean()\n"
            "    return tuple(jax.grad(energy)([jnp.zeros(len(V)) for V in generator]))",
        ],
        "wrong": [
            ("makes the error smaller", BIAS + "[e_l.mean(axis=0) for e_l in e[1:]]"),
            ("sum over the batch, not", BIAS + "[-e_l.sum(axis=0) for e_l in e[1:]]"),
            ("wrong sign", BIAS + "[e_l.sum(axis=0) for e_l in e[1:]]"),
            ("half", BIAS + "[-0.5 * e_l.mean(axis=0) for e_l in e[1:]]"),
            ("twice", BIAS + "[-2 * e_l.mean(axis=0) for e_l in e[1:]]"),
            ("example has one", BIAS + "[-e_l for e_l in e[1:]]"),
            ("example has one", BIAS + "e[1:]"),
            ("number of layers", BIAS + "[-e_l.sum(axis=0) / len(z) for e_l in e[1:]]"),
            ("over the units", BIAS + "[-e_l.mean(axis=1) for e_l in e[1:]]"),
            ("units, too", BIAS + "[-e_l.mean() for e_l in e[1:]]"),
            ("gradient of the weights", BIAS + "weight_gradient(generator, z)"),
            ("one too many", BIAS + "[-e_l.mean(axis=0) for e_l in e]"),
            ("layer l;", BIAS + "[-e_l.mean(axis=0) for e_l in e[:-1]]"),
            ("reverse", BIAS + "[-e_l.mean(axis=0) for e_l in e[1:]][::-1]"),
            ("one vector", BIAS + "jnp.concatenate([-e_l.mean(axis=0) for e_l in e[1:]])"),
            ("only the last", BIAS + "-e[-1].mean(axis=0)"),
            (
                "act' has no place",
                BIAS + "[-(a * (b > 0)).mean(axis=0) for a, b in zip(e[1:], z[1:])]",
            ),
            (
                "activations are missing",
                BIAS + "[-(z[l + 1] - z[l] @ V.T).mean(axis=0) for l, V in enumerate(generator)]",
            ),
            ("type", BIAS + "{l: -e_l.mean(axis=0) for l, e_l in enumerate(e[1:])}"),
            ("none", BIAS + "e.reverse()"),
            ("units, too", BIAS + "[-e_l.sum() for e_l in e[1:]]"),
            ("mean is taken twice", BIAS + "[-e_l.mean(axis=0) / len(e_l) for e_l in e[1:]]"),
            ("squared", BIAS + "[-(e_l**2).mean(axis=0) for e_l in e[1:]]"),
            ("energies", BIAS + "[0.5 * (e_l**2).mean(axis=0) for e_l in e[1:]]"),
            (
                "by the activities;",
                BIAS + "[g.mean(axis=0) for g in activity_gradient(generator, z)[1:]]",
            ),
            (
                "by the activities, turned",
                BIAS + "[-g.mean(axis=0) for g in activity_gradient(generator, z)[1:]]",
            ),
            ("only the first example", BIAS + "[-e_l[0] for e_l in e[1:]]"),
            ("sent back", BIAS + "[-(e_l @ V).mean(axis=0) for e_l, V in zip(e[1:], generator)]"),
            (
                "are activities",
                BIAS + "[-act(l, z_l).mean(axis=0) for l, z_l in enumerate(z[:-1])]",
            ),
            ("image's is missing", BIAS + "[-e_l.mean(axis=0) for e_l in e[1:-1]]"),
            ("l = 0 is missing", BIAS + "[-e_l.mean(axis=0) for e_l in e[2:]]"),
            ("sign of an error", BIAS + "[-abs(e_l).mean(axis=0) for e_l in e[1:]]"),
            (
                "mean of act(z)",
                BIAS + "[-e_l.mean(axis=0) * act(l, z[l]).mean() for l, e_l in enumerate(e[1:])]",
            ),
            ("shape", BIAS + "[-e_l.mean(axis=0, keepdims=True) for e_l in e[1:]]"),
        ],
    },
    "2.3": {
        "right": [
            LABELS,
            LABELS + "labels_3 = np.array(labels_3, np.float64)",
            "guess = (with_one(data.held_out_images[:100]) @ classifier).argmax(axis=1)\n"
            "def read_guess(network):\n"
            "    start = start_from(network, bpc.one_hot(guess), pixels[:100])\n"
            "    return read(network, start, 100)[0]\n"
            "labels_3 = jax.jit(jax.vmap(read_guess))(old)",
            LABELS + "labels_3 = [x.tolist() for x in labels_3]",
        ],
        "wrong": [
            (
                "guess itself",
                LABELS + "labels_3 = np.stack([start] * 4 + [start + 1e-9])",
            ),
            ("guess itself", LABELS + "labels_3 = start"),
            ("computed", LABELS + "labels_3 = np.stack([labels_3[0]] * 5)"),
            ("undecided", LABELS.replace("np.eye(10)[guess]", "np.full((100, 10), 0.1)")),
            ("from zero", LABELS.replace("np.eye(10)[guess]", "np.zeros((100, 10))")),
            ("true labels", LABELS.replace("np.eye(10)[guess]", "np.eye(10)[truth[:100]]")),
            (
                "ten numbers; make",
                LABELS.replace(
                    "np.eye(10)[guess]", "with_one(data.held_out_images[:100]) @ classifier"
                ),
            ),
            ("these are answers", LABELS + "labels_3 = np.array(labels_3).argmax(axis=2)"),
            ("one seed", LABELS + "labels_3 = labels_3[0]"),
            ("mean of the seeds", LABELS + "labels_3 = np.mean(labels_3, axis=0)"),
            ("axes", LABELS + "labels_3 = np.array(labels_3).swapaxes(0, 1)"),
            ("computed", LABELS.replace("100)[0]", "95)[0]")),
            ("computed", LABELS.replace("100)[0]", "10)[0]")),
            ("shape", LABELS + "labels_3 = labels_3[:3]"),
            ("computed", LABELS.replace("100)[0]", "50)[0]")),
            ("computed", LABELS.replace("100)[0]", "99)[0]")),
            ("computed", LABELS.replace("100)[0]", "200)[0]")),
            (
                "undecided sweep",
                LABELS.replace(
                    "    labels_3.append",
                    "    z = [z[0], *start_from(network, "
                    "jnp.full((100, 10), 0.1), pixels[:100])[1:]]\n    labels_3.append",
                ),
            ),
            (
                "the hidden layers from the guess",
                LABELS.replace(
                    "    labels_3.append",
                    "    z[0] = jnp.full((100, 10), 0.1)\n    labels_3.append",
                ),
            ),
            ("shape", LABELS + "labels_3 = np.array(labels_3).max(axis=2, keepdims=True)"),
            ("guess itself", LABELS + "labels_3 = np.stack([start] * 5)"),
            ("computed", LABELS.replace("w[seed], old", "w[0], old")),
            ("text", "labels_3 = 'no'"),
        ],
    },
    "2.4": {
        "right": [
            READ,
            """
def read_from(generator, image, level, steps):
    V = [np.asarray(v, np.float64) for v in generator]
    x = np.asarray(image, np.float64)
    z = [np.ones((len(x), v.shape[1])) * level for v in V]
    for _ in range(steps):
        full, slopes = [*z, x], []
        for l in range(len(V)):
            ahead = full[l + 1] - (full[l] if l == 0 else np.maximum(full[l], 0)) @ V[l].T
            rate = full[l - 1] if l == 1 else np.maximum(full[l - 1], 0)
            own = 0 if l == 0 else full[l] - rate @ V[l - 1].T
            back = ahead @ V[l]
            slopes.append(own - (back if l == 0 else back * (full[l] > 0)))
        z = [a - 0.03 * b for a, b in zip(z, slopes)]
    return z[0].tolist()
""",
            """
def read_from(generator, image, level, steps):
    free = [jnp.full((len(image), V.shape[1]), level) for V in generator]
    slope = jax.jit(jax.grad(lambda free: generative_energy(generator, [*free, image]).sum()))
    while steps:
        free = jax.tree.map(lambda a, b: a - 0.03 * b, free, slope(free))
        steps -= 1
    return free[0]
""",
        ],
        "wrong": [
            (
                "never moves",
                READ.replace("z = [z_l", "z = [z[0]] + [z_l").replace(
                    "z[:-1], dz[:-1]", "z[1:-1], dz[1:-1]"
                ),
            ),
            ("image moves too", READ.replace("z[:-1], dz[:-1])] + [image]", "z, dz)]")),
            (
                "from a sweep",
                READ.replace(
                    "    for _", "    z = [*sweep_down(generator, z[0])[:-1], image]\n    for _"
                ),
            ),
            (
                "the label first",
                READ.replace(
                    READ[READ.index("        dz =") : READ.index("    return")],
                    "        for l in range(len(generator)):\n"
                    "            z[l] = z[l] - 0.03 * activity_gradient(generator, z)[l]\n",
                ),
            ),
            (
                "the label last",
                READ.replace(
                    READ[READ.index("        dz =") : READ.index("    return")],
                    "        for l in reversed(range(len(generator))):\n"
                    "            z[l] = z[l] - 0.03 * activity_gradient(generator, z)[l]\n",
                ),
            ),
            (
                "act' is missing",
                READ.replace(
                    "        dz = activity_gradient(generator, z)\n",
                    "        e = generative_errors(generator, z)\n"
                    "        dz = [e[l] - e[l + 1] @ V for l, V in enumerate(generator)] + [e[-1]]\n",
                ),
            ),
            (
                "label starts at 0.1",
                READ.replace("    for _", "    z[0] = jnp.full(z[0].shape, 0.1)\n    for _"),
            ),
            ("label starts at 0 ", READ.replace("    for _", "    z[0] = 0 * z[0]\n    for _")),
            (
                "hidden layers start at 0",
                READ.replace("    for _", "    z[1:-1] = [0 * h for h in z[1:-1]]\n    for _"),
            ),
            ("not 0.003", READ.replace("0.03", "0.003")),
            ("twice as many", READ.replace("range(steps)", "range(2 * steps)")),
            ("may be below 0", READ.replace("return z[0]", "return jax.nn.relu(z[0])")),
            ("add to 1", READ.replace("return z[0]", "return jax.nn.softmax(z[0])")),
            ("not 0.06", READ.replace("0.03", "0.06")),
            ("not 0.1", READ.replace("0.03", "0.1")),
            ("largest numbers", READ.replace("return z[0]", "return z[0].max(axis=1)")),
            (
                "hidden layers are clamped",
                READ.replace(
                    "z = [z_l - 0.03 * dz_l for z_l, dz_l in zip(z[:-1], dz[:-1])] + [image]",
                    "z = [z[0] - 0.03 * dz[0], *z[1:]]",
                ),
            ),
            ("climbs", READ.replace("- 0.03", "+ 0.03")),
            ("not 0.3", READ.replace("0.03", "0.3")),
            ("not 0.01", READ.replace("0.03", "0.01")),
            ("not 1", READ.replace("0.03", "1.0")),
            ("averaged over the batch", READ.replace("0.03", "0.03 / len(image)")),
            ("too few", READ.replace("range(steps)", "range(steps - 1)")),
            ("too many", READ.replace("range(steps)", "range(steps + 1)")),
            ("never moves", READ.replace("range(steps)", "range(0)")),
            ("0.1 whatever", READ.replace("1]), level", "1]), 0.1")),
            ("0 whatever", READ.replace("1]), level", "1]), 0.0")),
            ("answers", READ.replace("return z[0]", "return z[0].argmax(axis=1)")),
            ("all layers", READ.replace("return z[0]", "return z")),
            ("is the image", READ.replace("return z[0]", "return z[-1]")),
            ("first hidden", READ.replace("return z[0]", "return z[1]")),
            ("none", READ.replace("return z[0]", "return")),
            ("only one step", READ.replace("    return", "        return")),
        ],
    },
    "2.5": {
        "right": [
            TABLE,
            "def confusion(found, truth):\n"
            "    pairs = jnp.eye(10)[np.asarray(truth)].T @ jnp.eye(10)[np.asarray(found)]\n"
            "    return 100 * pairs / pairs.sum(axis=1)[:, None]",
            "def confusion(found, truth):\n"
            "    rows = []\n"
            "    for digit in range(10):\n"
            "        its = [f for f, t in zip(found, truth) if t == digit]\n"
            "        rows.append([100 * its.count(k) / len(its) for k in range(10)])\n"
            "    return rows",
        ],
        "wrong": [
            (
                "exchanged: the true",
                TABLE.replace("[t, f]", "[f, t]")
                .replace("axis=1", "axis=0")
                .replace(RETURN.replace("axis=1", "axis=0"), "100 * counts / counts.sum(axis=0)"),
            ),
            ("counts; in percent", TABLE.replace(RETURN, "counts")),
            ("counts, with", TABLE.replace(RETURN, "counts.T")),
            ("a share; percent", TABLE.replace("100 * ", "")),
            (
                "a share, with",
                TABLE.replace(RETURN, "(counts / counts.sum(axis=1, keepdims=True)).T"),
            ),
            ("of the columns; the images", TABLE.replace("axis=1", "axis=0")),
            ("of all images", TABLE.replace(RETURN, "100 * counts / len(truth)")),
            ("another's sum", TABLE.replace(RETURN, "100 * counts / counts.sum(axis=1)")),
            ("shares that are right", TABLE.replace(RETURN, "np.diag(" + RETURN + ")")),
            ("only the diagonal", TABLE.replace(RETURN, "np.eye(10) * (" + RETURN + ")")),
            ("counts once", TABLE.replace("+= 1", "= 1")),
            ("accuracy", "def confusion(found, truth):\n    return 100 * np.mean(found == truth)"),
            ("left out", TABLE.replace(RETURN, "(1 - np.eye(10)) * (" + RETURN + ")")),
            ("order", TABLE.replace("(found, truth)", "(truth, found)", 1)),
            ("raised", TABLE.replace("[t, f]", "[t][f][0]")),
            (
                "printed",
                TABLE.replace("return ", "print(").replace("keepdims=True)", "keepdims=True))"),
            ),
            ("type", TABLE.replace(RETURN, "{t: f for t, f in zip(truth, found)}")),
            ("row's largest", TABLE.replace(".sum(", ".max(")),
            (
                "row's mistakes",
                TABLE.replace("    return", "    counts *= 1 - np.eye(10)\n    return").replace(
                    "counts.sum(axis=1, keepdims=True)", "counts.sum(axis=1, keepdims=True).clip(1)"
                ),
            ),
            ("share of all", TABLE.replace(RETURN, "counts / counts.sum()")),
            ("begin at 1", TABLE.replace("np.zeros", "np.ones")),
            ("row's mean", TABLE.replace(".sum(", ".mean(")),
            ("divided by ten", TABLE.replace(RETURN, "10 * counts")),
            ("answers are counted", TABLE.replace(RETURN, "100 * counts.sum(axis=0) / len(truth)")),
            (
                "its row adds to 100",
                TABLE.replace("+= 1", "= 1"),
            ),
            (
                "with the answers in rows",
                TABLE.replace(RETURN, "(100 * counts / counts.sum(axis=0)).T"),
            ),
            ("exchanged", TABLE.replace(RETURN, "counts.T")),
            ("rounded", TABLE.replace(RETURN, "np.round(" + RETURN + ")")),
            ("reverse", TABLE.replace(RETURN, "(" + RETURN + ")[::-1]")),
            ("none", TABLE.replace("return ", "counts = ")),
        ],
    },
}
