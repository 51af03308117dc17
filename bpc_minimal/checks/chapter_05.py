"""The exercises of chapter 5, the training loop."""

from functools import partial

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax

import bpc_minimal as bpc
from bpc_minimal.checks.core import Wrong, exercise, number_array
from bpc_minimal.training import shuffled


def images_of_share(share):
    """Say how many images another share is."""
    if not share > 0:
        return "a share is positive: images that were seen, divided by all."
    return (
        f"this share is {60_000 * float(share):,.0f} of the 60,000 images. Count the images that the "
        "iterations of `jpc` see."
    )


@exercise(
    "share_1",
    goal="count what a network has seen of its training set",
    minutes=5,
    why="300 batches of 64 are 19,200 of 60,000 images; `fast` takes three passes, 9.4 times as much.",
    hint=images_of_share,
    read=lambda share_1: float(number_array(share_1)),
    rtol=0.01,
)
def exercise_1():
    """Which share of the training set has `jpc` seen?"""
    return 0.32, {
        "this is percent: a share lies between 0 and 1": 32,
        "you counted iterations, not images: there are 64 to a batch": 300 / 60_000,
        "you counted one batch: there are 300": 64 / 60_000,
        "this is the number of images, not their share of 60,000": 19_200,
        "this is the number of iterations": 300,
        "the wrong way round: images seen, divided by all": 60_000 / 19_200,
        "this is of the test set: it has 10,000 images; the training set has 60,000": 1.92,
        "this is of 70,000 images; the training set has 60,000": 19_200 / 70_000,
        "this is of the 55,000 images that are left when 5,000 are held out; MNIST has 60,000": 19_200
        / 55_000,
        "this is what is not seen": 0.68,
        "these are the 40 iterations that are timed; `jpc` takes 300": 2560 / 60_000,
        "this is what `fast` sees; `jpc` is asked for": 3,
        "this is how many times more `fast` sees": 9.375,
        "the batches of `jpc` have 64 images, not 128": 0.64,
        "this is a pass in iterations": 60_000 / 64,
    }


def trained(network, images, labels):
    """Train by way 1 on batches of images, one after another."""
    jpc = bpc.preset("jpc")
    optimiser = optax.adam(jpc.learning_rate)

    def iterate(state, batch):
        network, memory = state
        image, label = bpc.normalise(batch[0]), bpc.one_hot(batch[1])
        z = bpc.sweep_down(network, label)
        z[-1] = image
        for _ in range(jpc.steps):
            slopes = bpc.activity_gradient(network, z)
            free = [a - jpc.step_size * b for a, b in zip(z[1:-1], slopes[1:-1], strict=True)]
            z = [z[0], *free, image]
        gradient = bpc.weight_gradient(network, z, bpc.BIDIRECTIONAL)
        updates, memory = optimiser.update(gradient, memory)
        return (optax.apply_updates(network, updates), memory), None

    start = network, optimiser.init(network)
    return jax.lax.scan(iterate, start, (images, labels))[0][0]


compiled = jax.jit(trained)


def apart(a, b):
    """Give the largest difference between two networks' weights."""
    pairs = zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True)
    return max(float(np.abs(np.subtract(x, y)).max()) for x, y in pairs)


def same_batches(network_2, *, jpc, data, results, ITERATIONS, BATCH):
    """Find the batches that these weights have learned from; 1 for the right ones."""
    if not isinstance(network_2, bpc.Network):
        raise Wrong("`network_2` is not a network: python_loop returns one.", "type")
    state = bpc.make_state(jpc, ITERATIONS)
    if [w.shape for w in jax.tree.leaves(network_2)] != [
        w.shape for w in jax.tree.leaves(state.network)
    ]:
        raise Wrong("`network_2` has other sizes than those of `jpc`.", "shape")
    images, labels = np.asarray(data.images), np.asarray(data.labels)

    def learned(chosen, network=state.network, rows=None):
        chosen = np.asarray(chosen)[: ITERATIONS * BATCH]
        chosen = chosen.reshape(ITERATIONS, BATCH) if rows is None else rows(chosen)
        return compiled(network, images[chosen], labels[chosen])

    its = np.asarray(shuffled(state.key, 0, len(images)))
    right = learned(its)
    near = 0.02 * apart(state.network, right)

    def is_near(network):
        return apart(network_2, network) < near

    if not all(np.isfinite(w).all() for w in jax.tree.leaves(network_2)):
        raise Wrong("`network_2` holds NaN: the training diverged.", "not finite")
    if is_near(right):
        package = [net for name, net in results.items() if name.startswith("4")]
        if any(apart(network_2, net) == 0 for net in package):
            raise Wrong("this is way 4's own network; let way 1 find the same.")
        return 1.0
    way_1 = next(net for name, net in results.items() if name.startswith("1"))
    other = bpc.make_state(jpc.replace(seed=jpc.seed + 1), ITERATIONS)
    explanations = {
        "these are the weights that it starts from: nothing was learned": lambda: state.network,
        "these are the weights of way 1 on its own order: let python_loop see another": lambda: (
            way_1
        ),
        "it goes on from way 1's weights: start from state.network": lambda: learned(its, way_1),
        "this is the order of the second pass, not of the first: shuffled(state.key, 0, ...)": lambda: (
            learned(shuffled(state.key, 1, len(images)))
        ),
        "this order was drawn from PRNGKey(0); take state.key": lambda: learned(
            shuffled(jax.random.PRNGKey(0), 0, len(images))
        ),
        "the images come in the data's own order: shuffle": lambda: learned(np.arange(len(images))),
        "the order is reversed": lambda: learned(its[::-1]),
        "the last images of the order are here; its first ones are asked for": lambda: learned(
            its[-ITERATIONS * BATCH :]
        ),
        "columns are the batches: reshape to (iterations, batch), rows of 64": lambda: learned(
            its, rows=lambda x: x.reshape(BATCH, ITERATIONS).T
        ),
        "these are 64 batches of 40 images; 40 batches of 64 are asked for": lambda: learned(
            its, rows=lambda x: x.reshape(BATCH, ITERATIONS)
        ),
        "the first batch is missing": lambda: learned(its[BATCH:]),
        "the indices are sorted: the order is lost": lambda: learned(
            np.sort(its[: ITERATIONS * BATCH])
        ),
        "only half of the iterations have run": lambda: learned(
            its, rows=lambda x: x.reshape(ITERATIONS, BATCH)[: ITERATIONS // 2]
        ),
        "it starts from other weights: take make_state's network": lambda: learned(
            its, other.network
        ),
        "the network and the order are another seed's": lambda: learned(
            shuffled(other.key, 0, len(images)), other.network
        ),
        "each batch is seen twice": lambda: learned(its, learned(its)),
    }
    for text, network in explanations.items():
        if is_near(network()):
            raise Wrong(text + ".", text)
    return 0.0


@exercise(
    "network_2",
    goal="show that two loops train the same network when they see the same batches",
    minutes=25,
    read=same_batches,
    why="the same batches from the same start give the same weights: only who drives the loop differs.",
    hint="Start from make_state's network; rows of 64 of shuffled(state.key, 0, len(images)); python_loop.",
)
def exercise_2():
    """Give way 1 the batches of way 4."""
    return 1.0, {}


def fresh_accuracy(config_3, *, test, presets):
    """Train with the reader's settings and a seed that they have not seen; 1 if it reads better."""
    if not isinstance(config_3, bpc.Config):
        raise Wrong("`config_3` is not a bpc.Config: make one, or change a preset.", "type")
    weighted = bpc.preset("jpc-weighted")
    for wrong, text in (
        (config_3.iterations != 300, "300 iterations are asked for, no more and no fewer"),
        (config_3.batch_size != 64, "batches of 64 are asked for"),
        (config_3.rule.moves[0] == 0, "in BPC the generative errors move the activities too"),
        (config_3.rule.moves[1] == 0, "in BPC the discriminative errors move the activities too"),
        (
            config_3.rule.moves[0] != config_3.rule.moves[1],
            "both kinds of error move alike in BPC: leave the rule, and change the precisions",
        ),
        (config_3.rule.teaches[0] == 0, "the generator does not learn, so it cannot draw"),
        (config_3.rule.teaches[1] == 0, "the amortiser does not learn, so it cannot read"),
        (config_3.alpha_gen == 0, "without generative errors this is no BPC: alpha_gen is above 0"),
        (config_3.training_images is not None, "it learns from fewer images; use all"),
        (
            config_3.replace(name=weighted.name, seed=0) == weighted,
            "these are jpc-weighted's own settings",
        ),
    ):
        if wrong:
            raise Wrong(f"`config_3`: {text}.")
    fresh = config_3.replace(seed=config_3.seed + 1000, evaluate_every=300)
    try:
        ours = bpc.fit(fresh, test)[1].evaluations[-1]["accuracy"]
    except FloatingPointError as error:
        raise Wrong(f"with a fresh seed, {error}.", "diverges") from None
    theirs = np.mean(presets["jpc-weighted"]["accuracy"])
    if not ours > theirs + 1:
        raise Wrong(
            f"with a fresh seed it reads ≈ {ours:.1f} %, and jpc-weighted ≈ {theirs:.1f} %; a point more is "
            "asked for. Try a smaller alpha_gen, a wider network, a higher rate of learning with a schedule.",
            "computed",
        )
    return float(ours)


@exercise(
    "config_3",
    goal="choose settings on held-out data, and test the choice once",
    minutes=60,
    read=lambda config_3, *, test, presets: (
        1.0 if fresh_accuracy(config_3, test=test, presets=presets) else 0.0
    ),
    why="with a seed that you have not seen it reads more than a point better than jpc-weighted.",
    hint="Choose on the validation images.",
)
def exercise_3():
    """Find better settings."""
    return 1.0, {}


def curvature_bounds(network):
    """Give the parts of Equation 3 of each hidden layer: 2, ||V_l||**2, ||W_(l-1)||**2."""
    V = [np.asarray(layer.weight) for layer in network.generator]
    W = [np.asarray(layer.weight) for layer in network.amortiser]
    return [(2.0, V[l], W[l - 1], V[l - 1], W[l]) for l in range(1, len(V))]


def _two_weights(network, V, W):
    return [network.generator[V].weight, network.amortiser[W].weight]


def some_networks(rng):
    """Draw networks with weights of different sizes."""
    for seed, sizes in ((1, (4, 6, 5, 8)), (2, (3, 5, 4, 6, 7)), (3, (4, 6, 5, 8))):
        network = bpc.make_network(jax.random.PRNGKey(seed), sizes, use_bias=False)
        network = jax.tree.map(lambda w: w * float(rng.uniform(0.5, 2.5)), network)
        yield network, float(rng.uniform(0.05, 0.5))
    # Where the largest terms are those of two layers, and where they are those of the clamped ends.
    for large_V, large_W in ((1, 1), (0, 2)):
        network = bpc.make_network(jax.random.PRNGKey(4), (4, 5, 6, 8), use_bias=False)
        network = eqx.tree_at(
            partial(_two_weights, V=large_V, W=large_W), network, replace_fn=lambda w: 5 * w
        )
        yield network, 0.2


@exercise(
    "relative_step(network, step_size)",
    goal="predict from the curvature which fixed step makes inference fail",
    minutes=25,
    cases=some_networks,
    why="up to 1 the energy cannot rise while no unit switches; far above, it does rise.",
    hint="For l = 1 to L - 1: 2 + ||V_l||**2 + ||W_(l-1)||**2; the largest of them, times the step.",
)
def exercise_4(network, step_size):
    """Write the relative step of a fixed step, and break inference with it."""
    parts = curvature_bounds(network)

    def norm(w):
        return np.linalg.norm(w, 2)

    c = np.array([two + norm(V) ** 2 + norm(W) ** 2 for two, V, W, *_ in parts])
    frobenius = [2 + np.sum(V**2) + np.sum(W**2) for _, V, W, *_ in parts]
    unsquared = [2 + norm(V) + norm(W) for _, V, W, *_ in parts]
    largest = [2 + np.abs(V).max() ** 2 + np.abs(W).max() ** 2 for _, V, W, *_ in parts]
    return step_size * c.max(), {
        "this is the largest curvature: multiply by the step": c.max(),
        "this is one over it: multiply by the step": 1 / (step_size * c.max()),
        "this is the step over the curvature: a relative step is their product": step_size
        / c.max(),
        "this is the longest step that cannot raise the energy; the step's share of it is asked for": 1
        / c.max(),
        "half: up to 1, not 0.5, the energy cannot rise": step_size * c.max() / 2,
        "this is of the layer that bends least; the one that bends most decides": step_size
        * c.min(),
        "this is the mean of the layers; the one that bends most decides": step_size * c.mean(),
        "this is the sum of the layers; the one that bends most decides": step_size * c.sum(),
        "this is for each layer; the one that bends most decides": step_size * c,
        "the largest of each term; take the largest sum of one layer": step_size
        * (
            2 + max(norm(V) ** 2 for _, V, *_ in parts) + max(norm(W) ** 2 for _, _, W, *_ in parts)
        ),
        "over the hidden layers only: the label and the image are clamped": step_size
        * max(c.max(), 1 + norm(parts[0][3]) ** 2, 1 + norm(parts[-1][4]) ** 2),
        "this is of the first hidden layer only; the one that bends most decides": step_size * c[0],
        "this is of the last hidden layer only; the one that bends most decides": step_size * c[-1],
        "the norm is that of all entries; the spectral norm is np.linalg.norm(w, 2)": step_size
        * max(frobenius),
        "the norms are squared in Equation 3": step_size * max(unsquared),
        "the norms are largest entries; the spectral norm is np.linalg.norm(w, 2)": step_size
        * max(largest),
        "the layer's own errors are missing: alpha_gen and alpha_disc, 1 and 1": step_size
        * (c - 2).max(),
        "one of the layer's own errors is missing: alpha_gen and alpha_disc, 1 and 1": step_size
        * (c - 1).max(),
        "the amortiser's weights are missing": step_size
        * max(2 + norm(V) ** 2 for _, V, *_ in parts),
        "the generator's weights are missing": step_size
        * max(2 + norm(W) ** 2 for _, _, W, *_ in parts),
        "these are the weights into layer l; those out of it send its errors back, V_l and W_(l-1)": step_size
        * max(2 + norm(V) ** 2 + norm(W) ** 2 for *_, V, W in parts),
        "V_l leaves layer l, V_(l-1) enters it": step_size
        * max(2 + norm(V) ** 2 + norm(W) ** 2 for _, _, W, V, _ in parts),
        "W_(l-1) leaves layer l, W_l enters it": step_size
        * max(2 + norm(V) ** 2 + norm(W) ** 2 for _, V, _, _, W in parts),
        "the norms are added before they are squared": step_size
        * max(2 + (norm(V) + norm(W)) ** 2 for _, V, W, *_ in parts),
    }


def some_readers(rng):
    """Draw networks and images, and labels of which about two thirds are what is read first."""
    for seed, alphas in ((1, (0.1, 1.0, 10.0)), (2, (0.01, 3.0))):
        network = bpc.make_network(jax.random.PRNGKey(seed), (10, 24, 24, 60), use_bias=False)
        network = jax.tree.map(lambda w: 2 * w, network)
        images = jnp.asarray(rng.normal(size=(250, 60)), jnp.float32)
        answers = np.asarray(bpc.classify(network, images, 10, alpha_gen=alphas[1]))
        yield (
            network,
            images,
            np.where(rng.random(250) < 0.7, answers, rng.integers(10, size=250)),
            alphas,
        )


@exercise(
    "reading_curve(network, images, labels, alphas)",
    goal="change a precision after training, and explain what reading loses",
    minutes=30,
    cases=some_readers,
    rtol=0,
    atol=0.5,  # one of 250 images
    why="the weights stay, and still the precision of the generative errors decides where a label settles.",
    hint="For each alpha: bpc.classify(network, images, 10, alpha_gen=alpha), compared with the labels.",
)
def exercise_5(network, images, labels, alphas):
    """Read with other precisions than those of training."""
    labels = np.asarray(labels)

    def reads(steps=10, alphas=alphas, **how):
        found = [bpc.classify(network, images, steps, alpha_gen=alpha, **how) for alpha in alphas]
        return [100 * float(np.mean(np.asarray(f) == labels)) for f in found]

    right = np.array(reads())
    return right, {
        "a share; percent is asked for": right / 100,
        "these are errors; the accuracy is asked for": 100 - right,
        "these are counts; percent is asked for": right * len(labels) / 100,
        "the best of them; one for each alpha is asked for": right.max(),
        "the mean of them; one for each alpha is asked for": right.mean(),
        "the first alpha only; one for each is asked for": right[0],
        "they are in the reverse order": right[::-1],
        "no alpha changes this: it is the sweep alone, or only the discriminative errors move": lambda: (
            reads(0)
        ),
        "settled for one step; 10 are asked for": lambda: reads(1),
        "settled for 20 steps; 10 are asked for": lambda: reads(20),
        "settled for 100 steps; 10 are asked for": lambda: reads(100),
        "alpha_gen is 1 throughout, or both precisions vary together: only their ratio matters": lambda: (
            reads(alphas=[1.0] * len(alphas))
        ),
        "this is alpha_disc; vary alpha_gen": lambda: [
            100
            * float(np.mean(np.asarray(bpc.classify(network, images, 10, alpha_disc=a)) == labels))
            for a in alphas
        ],
        "only the generative errors move: the rule is BIDIRECTIONAL": lambda: reads(
            rule=bpc.HYBRID
        ),
        "it starts from a label and only the generative errors move": lambda: reads(
            rule=bpc.GENERATIVE
        ),
        "the steps are whole curvatures; leave step_size as it is": lambda: reads(step_size=1.0),
        "these are answers; their accuracy is asked for": lambda: np.stack(
            [np.asarray(bpc.classify(network, images, 10, alpha_gen=a)) for a in alphas]
        ),
    }
