import jax.numpy as jnp
import numpy as np

import bpc_minimal as bpc
from bpc_minimal import training


def prepare(space):
    """Set a small run: few iterations, few images, and a bar that is low."""
    data = bpc.mnist("test")
    jpc = bpc.preset("jpc").replace(sizes=(10, 20, 20, 784))
    space |= {"jpc": jpc, "ITERATIONS": 6, "BATCH": 16, "shuffled": training.shuffled}
    space["data"] = space["test"] = bpc.Data(*(part[:1000] for part in data))
    space["presets"] = {"jpc-weighted": {"accuracy": np.array([70.0])}}
    space["optimiser"] = space["optax"].adam(jpc.learning_rate)
    few = space["data"]
    state = bpc.make_state(jpc, 6)
    space["order"] = np.random.default_rng(0).permutation(1000)[:96].reshape(6, 16)
    space["start"], space["images"] = state.network, jnp.asarray(few.images)
    space["pixels"] = np.asarray(bpc.normalise(few.images))
    space["targets"] = np.asarray(bpc.one_hot(few.labels))
    for part, name in (("settle", "settle"), ("learn", "learn")):
        space[f"compiled_{part}"] = space["jax"].jit(space[name])
    space["compiled_sweep"] = space["jax"].jit(bpc.sweep_down)
    its = np.asarray(training.shuffled(state.key, 0, 1000))[:96].reshape(6, 16)
    space["order_4"] = its

    def python_loop(network, optimiser_state, order=None):
        for chosen in space["order"] if order is None else order:
            z = space["compiled_sweep"](network, space["targets"][chosen])
            z[-1] = space["pixels"][chosen]
            for _ in range(jpc.steps):
                z = space["compiled_settle"](network, z)
            network, optimiser_state = space["compiled_learn"](network, optimiser_state, z)
        return network

    space["python_loop"] = python_loop
    package = space["jax"].tree.map(
        lambda w: w + 1e-7, python_loop(state.network, space["optimiser"].init(state.network), its)
    )
    by_parts = python_loop(state.network, space["optimiser"].init(state.network))
    space["results"] = {"1 a call for each part": by_parts, "4 the package's loop": package}


# The reader's way 1 reads the name `order`; here it is handed over.
LOOP = """
state = bpc.make_state(jpc, ITERATIONS)
mine = np.asarray(shuffled(state.key, 0, len(images)))[: ITERATIONS * BATCH]
mine = mine.reshape(ITERATIONS, BATCH)
network_2 = python_loop(state.network, optimiser.init(state.network), mine)
"""
CONFIG = (
    "config_3 = bpc.Config(sizes=(10, 64, 784), alpha_gen=1e-4, steps=2, step_size=0.5,\n"
    "    iterations=300, learning_rate=2e-3, schedule='one-cycle')\n"
)
STEP = """
def relative_step(network, step_size):
    c = []
    for l in range(1, network.depth):
        V, W = network.generator[l].weight, network.amortiser[l - 1].weight
        c.append(2 + np.linalg.norm(V, 2) ** 2 + np.linalg.norm(W, 2) ** 2)
    return step_size * max(c)
"""
CURVE = """
def reading_curve(network, images, labels, alphas):
    found = []
    for alpha in alphas:
        answers = bpc.classify(network, images, 10, alpha_gen=alpha)
        found.append(100 * np.mean(np.asarray(answers) == labels))
    return found
"""

ANSWERS = {
    "5.1": {
        "right": [
            "share_1 = 0.32",
            "share_1 = jnp.float32(300 * 64 / 60_000)",
            "from fractions import Fraction\nshare_1 = Fraction(19_200, 60_000)",
            "share_1 = np.array([300 * 64]) / 60_000",
        ],
        "wrong": [
            ("percent", "share_1 = 32"),
            ("text", "share_1 = '32%'"),
            ("iterations, not", "share_1 = 300 / 60_000"),
            ("one batch", "share_1 = 64 / 60_000"),
            ("number of images", "share_1 = 19_200"),
            ("wrong way round", "share_1 = 60_000 / 19_200"),
            ("test set", "share_1 = 1.92"),
            ("70,000", "share_1 = 19_200 / 70_000"),
            ("55,000", "share_1 = 19_200 / 55_000"),
            ("not seen", "share_1 = 0.68"),
            ("are timed", "share_1 = 40 * 64 / 60_000"),
            ("`fast`", "share_1 = 3"),
            ("number of iterations", "share_1 = 300"),
            ("computed", "share_1 = 0.5"),
            ("computed", "share_1 = -0.32"),
            ("finite", "share_1 = float('inf')"),
            ("type", "share_1 = (0.32, 9.4)"),
        ],
    },
    "5.2": {
        "right": [
            LOOP,
            LOOP.replace("[: ITERATIONS * BATCH]", "").replace(
                ".reshape(ITERATIONS, BATCH)", "[: ITERATIONS * BATCH].reshape(-1, BATCH)"
            ),
            LOOP.replace(
                "state.network, optimiser.init(state.network), mine",
                "start, optimiser.init(start), mine.tolist()",
            ),
            LOOP.replace("np.asarray(", "jnp.array("),
        ],
        "wrong": [
            ("nothing was learned", "network_2 = start"),
            ("way 1 on its own", LOOP.replace(", mine)", ")")),
            ("way 4's own", "network_2 = results['4 the package\\'s loop']"),
            ("way 1 on its own", "network_2 = results['1 a call for each part']"),
            ("second pass", LOOP.replace("key, 0", "key, 1")),
            ("PRNGKey(0)", LOOP.replace("state.key", "jax.random.PRNGKey(0)")),
            (
                "own order: shuffle",
                LOOP.replace(
                    "np.asarray(shuffled(state.key, 0, len(images)))", "np.arange(len(images))"
                ),
            ),
            ("reversed", LOOP.replace("len(images)))", "len(images)))[::-1]")),
            ("columns", LOOP.replace("reshape(ITERATIONS, BATCH)", "reshape(BATCH, ITERATIONS).T")),
            (
                "64 batches of 40",
                LOOP.replace("reshape(ITERATIONS, BATCH)", "reshape(BATCH, ITERATIONS)"),
            ),
            (
                "first batch",
                LOOP.replace("[: ITERATIONS * BATCH]", "[BATCH : ITERATIONS * BATCH + BATCH]"),
            ),
            ("half", LOOP.replace(", mine)", ", mine[:3])")),
            (
                "other weights",
                LOOP.replace(
                    "network_2 = python_loop(state.network",
                    "network_2 = python_loop(bpc.make_state(jpc.replace(seed=1), 6).network",
                ),
            ),
            ("another seed's", LOOP.replace("make_state(jpc,", "make_state(jpc.replace(seed=1),")),
            (
                "goes on",
                LOOP.replace(
                    "network_2 = python_loop(state.network",
                    "network_2 = python_loop(results['1 a call for each part']",
                ),
            ),
            (
                "sorted",
                LOOP.replace(
                    "[: ITERATIONS * BATCH]", "[: ITERATIONS * BATCH]\nmine = np.sort(mine)"
                ),
            ),
            ("type", LOOP + "network_2 = mine"),
            (
                "shape",
                "network_2 = bpc.make_network(jax.random.PRNGKey(0), (10, 8, 784), use_bias=False)",
            ),
        ],
    },
    "5.3": {
        "right": [
            CONFIG,
            "config_3 = bpc.preset('fast', iterations=300, batch_size=64, sizes=(10, 64, 784))",
            CONFIG + "config_3 = config_3.replace(alpha_gen=3e-4, steps=1, schedule='cosine')",
        ],
        "wrong": [
            ("300 iterations", CONFIG.replace("=300", "=301")),
            ("300 iterations", CONFIG.replace("iterations=300", "epochs=1")),
            ("batches of 64", CONFIG + "config_3 = config_3.replace(batch_size=128)"),
            ("discriminative errors move", CONFIG + "config_3 = config_3.replace(rule=bpc.HYBRID)"),
            (
                "generative errors move",
                CONFIG + "config_3 = config_3.replace(rule=bpc.DISCRIMINATIVE)",
            ),
            (
                "move alike",
                CONFIG
                + "config_3 = config_3.replace(rule=bpc.Rule(moves=(1e-9, 1), teaches=(1, 1)))",
            ),
            (
                "does not learn",
                CONFIG + "config_3 = config_3.replace(rule=bpc.Rule(teaches=(0, 1)))",
            ),
            (
                "amortiser does not",
                CONFIG + "config_3 = config_3.replace(rule=bpc.Rule(teaches=(1, 0)))",
            ),
            ("no BPC", CONFIG.replace("1e-4", "0.0")),
            ("own settings", "config_3 = bpc.preset('jpc-weighted', iterations=300)"),
            ("own settings", "config_3 = bpc.preset('jpc-weighted', seed=3)"),
            ("fewer images", CONFIG + "config_3 = config_3.replace(training_images=500)"),
            ("computed", CONFIG.replace("2e-3", "1e-6")),
            ("type", "config_3 = {'alpha_gen': 1e-4}"),
            ("text", "config_3 = 'best'"),
            ("function", "config_3 = bpc.preset"),
        ],
    },
    "5.4": {
        "right": [
            STEP,
            "def relative_step(network, step_size):\n"
            "    L = len(network.generator)\n"
            "    out = lambda l: (network.generator[l].weight, network.amortiser[l - 1].weight)\n"
            "    squares = [[jnp.linalg.eigvalsh(w.T @ w).max() for w in out(l)] for l in range(1, L)]\n"
            "    return (2 + jnp.array(squares).sum(axis=1)).max() * step_size",
            "def relative_step(net, size):\n"
            "    worst = 0.0\n"
            "    for generator, amortiser in zip(net.generator[1:], net.amortiser[:-1]):\n"
            "        stretch = [np.linalg.svd(np.float64(w.weight))[1][0] for w in (generator, amortiser)]\n"
            "        worst = max(worst, size * (1 + 1 + stretch[0] ** 2 + stretch[1] ** 2))\n"
            "    return [worst]",
        ],
        "wrong": [
            (
                "largest of each term",
                "def relative_step(network, step_size):\n"
                "    norms = lambda part: [np.linalg.norm(layer.weight, 2) ** 2 for layer in part]\n"
                "    V, W = norms(network.generator), norms(network.amortiser)\n"
                "    return step_size * (2 + max(V[1:]) + max(W[:-1]))",
            ),
            (
                "hidden layers only",
                "def relative_step(network, step_size):\n"
                "    norms = lambda part: [np.linalg.norm(layer.weight, 2) ** 2 for layer in part]\n"
                "    V, W = norms(network.generator), norms(network.amortiser)\n"
                "    hidden = [2 + v + w for v, w in zip(V[1:], W[:-1])]\n"
                "    return step_size * max(1 + V[0], *hidden, 1 + W[-1])",
            ),
            ("multiply by the step", STEP.replace("step_size * max(c)", "max(c)")),
            ("over the curvature", STEP.replace("step_size * max(c)", "step_size / max(c)")),
            ("longest step", STEP.replace("step_size * max(c)", "1 / max(c)")),
            ("half", STEP.replace("step_size * max(c)", "step_size * max(c) / 2")),
            ("bends least", STEP.replace("max(c)", "min(c)")),
            ("mean of the layers", STEP.replace("max(c)", "np.mean(c)")),
            ("sum of the layers", STEP.replace("max(c)", "sum(c)")),
            ("for each layer", STEP.replace("max(c)", "np.array(c)")),
            ("all entries", STEP.replace(", 2)", ")")),
            ("squared in", STEP.replace(" ** 2", "")),
            (
                "largest entries",
                STEP.replace("np.linalg.norm(V, 2)", "np.abs(V).max()").replace(
                    "np.linalg.norm(W, 2)", "np.abs(W).max()"
                ),
            ),
            ("own errors are missing", STEP.replace("(2 + ", "(")),
            ("one of the layer's", STEP.replace("(2 + ", "(1 + ")),
            ("amortiser's weights", STEP.replace(" + np.linalg.norm(W, 2) ** 2", "")),
            ("generator's weights", STEP.replace(" + np.linalg.norm(V, 2) ** 2", "")),
            (
                "weights into",
                STEP.replace("generator[l]", "generator[l - 1]").replace(
                    "amortiser[l - 1]", "amortiser[l]"
                ),
            ),
            ("W_l enters", STEP.replace("amortiser[l - 1]", "amortiser[l]")),
            ("V_(l-1) enters", STEP.replace("generator[l]", "generator[l - 1]")),
            ("order", STEP.replace("(network, step_size)", "(step_size, network)", 1)),
            ("raised", STEP.replace(".weight,", ".V,")),
        ],
    },
    "5.5": {
        "right": [
            CURVE,
            "def reading_curve(network, images, labels, alphas):\n"
            "    settle = lambda a: bpc.label_activities(network, images, 10, alpha_gen=a)\n"
            "    found = [settle(a).argmax(axis=1) for a in alphas]\n"
            "    return 100 * (jnp.stack(found) == jnp.asarray(labels)).mean(axis=1)",
            "def reading_curve(network, images, labels, alphas):\n"
            "    how = {'rule': bpc.BIDIRECTIONAL, 'steps': 10}\n"
            "    right = np.zeros(len(alphas))\n"
            "    for i in range(len(alphas)):\n"
            "        for a, b in zip(bpc.classify(network, images, alpha_gen=alphas[i], **how), labels):\n"
            "            right[i] += 100 * float(a == b) / len(labels)\n"
            "    return tuple(right)",
        ],
        "wrong": [
            ("share", CURVE.replace("100 * ", "")),
            ("errors", CURVE.replace("== labels", "!= labels")),
            ("counts", CURVE.replace("100 * np.mean", "np.sum")),
            ("best", CURVE.replace("return found", "return max(found)")),
            ("mean of", CURVE.replace("return found", "return np.mean(found)")),
            ("reverse", CURVE.replace("return found", "return found[::-1]")),
            ("sweep alone", CURVE.replace("images, 10", "images, 0")),
            ("one step", CURVE.replace("images, 10", "images, 1")),
            ("100 steps", CURVE.replace("images, 10", "images, 100")),
            ("throughout", CURVE.replace("alpha_gen=alpha", "alpha_gen=1.0")),
            ("alpha_disc; vary", CURVE.replace("alpha_gen=alpha", "alpha_disc=alpha")),
            ("together", CURVE.replace("alpha_gen=alpha", "alpha_gen=alpha, alpha_disc=alpha")),
            (
                "only the generative",
                CURVE.replace("alpha_gen=alpha", "alpha_gen=alpha, rule=bpc.HYBRID"),
            ),
            (
                "answers",
                CURVE.replace(
                    "100 * np.mean(np.asarray(answers) == labels)", "np.asarray(answers)"
                ),
            ),
            ("first alpha", CURVE.replace("    return found", "        return found[0]")),
            ("type", CURVE.replace("return found", "return dict(zip(alphas, found))")),
            ("raised", CURVE.replace("alpha_gen=alpha", "alpha=alpha")),
        ],
    },
}
