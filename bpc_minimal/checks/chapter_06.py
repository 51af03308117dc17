"""The exercises of chapter 6, landscapes."""

import jax
import jax.numpy as jnp
import numpy as np

from bpc_minimal import (
    BIDIRECTIONAL,
    DISCRIMINATIVE,
    GENERATIVE,
    Network,
    infer,
    make_network,
    sweep_down,
    sweep_up,
)
from bpc_minimal.checks.core import exercise
from bpc_minimal.energy import energy

ENDS = [True, False, True]


def some_inputs(rng):
    """Draw networks with biases, and inputs."""
    for seed in (3, 4):
        network = make_network(jax.random.PRNGKey(seed), (1, 9, 2))
        # So large that some labels lie outside of the box of the chapter's maps.
        network = jax.tree.map(lambda w: 4 * w, network)
        yield network, jnp.asarray(rng.uniform(-2, 2, (7, 2)), jnp.float32)


@exercise(
    "zero_label(network, x)",
    goal="say where the energy of an amortiser alone is zero, without settling it",
    minutes=5,
    cases=some_inputs,
    why="a sweep up makes each layer what is predicted of it, so that every d is zero.",
    hint="Which label makes d_0 zero, if the hidden layer makes d_1 zero?",
    without=("infer", "settled"),
)
def exercise_1(network, x):
    """Give the label of zero energy."""
    up, down = network.amortiser, network.generator
    W, V = [m.weight for m in up], [m.weight for m in down]
    c, relu = [m.bias for m in up], jax.nn.relu
    hidden = x @ W[1].T + c[1]
    right = relu(hidden) @ W[0].T + c[0]

    def settled(rule):
        return lambda: infer(network, sweep_up(network, x), [False, False, True], rule, 50)[0]

    return right, {
        "this is the hidden layer; one layer further up is the label": hidden,
        "this is the hidden layer's rate; one layer further up is the label": relu(hidden),
        "these are the inputs; the label is what a sweep up from them ends in": x,
        "the sign is turned": -right,
        "this is the class; the energy is zero at the number itself": jnp.sign(right),
        "the maps end at 2, labels do not: leave them as they are": jnp.clip(right, -2, 2),
        "you forgot the ReLU of the hidden layer": hidden @ W[0].T + c[0],
        "the label is no hidden layer: no ReLU there": relu(right),
        "the inputs are no hidden layer: no ReLU there": relu(relu(x) @ W[1].T + c[1]) @ W[0].T
        + c[0],
        "you forgot the biases": relu(x @ W[1].T) @ W[0].T,
        "you forgot the label's bias": right - c[0],
        "you forgot the hidden layer's bias": relu(x @ W[1].T) @ W[0].T + c[0],
        "this is the mean of all answers: each input has its own": jnp.broadcast_to(
            right.mean(axis=0), right.shape
        ),
        "these are the generator's weights, turned round; discPC has only an amortiser": relu(
            x @ V[1]
        )
        @ V[0],
        "this settles with both errors; discPC has d alone, and needs no settling": settled(
            BIDIRECTIONAL
        ),
        "this settles with e; discPC has d alone, and needs no settling": settled(GENERATIVE),
        "a number for each input is asked for: shape (batch, 1)": right[:, 0],
    }


def some_energies(rng):
    """Draw energies of inputs (rows) and labels (columns), and of four valid pairs."""
    for shape, scale, low in (((1000, 11), 1.0, 1.0), ((800, 16), 3.0, 1.0), ((900, 12), 1.0, 0.1)):
        spread = 0.5 + rng.exponential(size=shape)
        valid = low * scale * rng.uniform(0.1, 0.4, 4)
        yield scale * spread * rng.exponential(size=(shape[0], 1)), valid


@exercise(
    "low_share(energies, valid)",
    goal="turn a picture into a number that no colour scale can change",
    minutes=15,
    cases=some_energies,
    why="an input counts if its best label is as low as a valid pair, give or take a tenth of the median.",
    hint="First the bar, one number; then the lowest energy of each row; then the share of rows below it.",
)
def exercise_2(energies, valid):
    """Give the share of inputs with a low label, in percent."""
    E, median = energies, np.median(energies)
    bar = valid.max() + 0.1 * median
    lowest = E.min(axis=1)

    def share(bar, of=lowest):
        return 100 * np.mean(of <= bar)

    right = share(bar)
    return right, {
        "this is a share; a percentage is asked for": right / 100,
        "this counts inputs; a percentage is asked for": np.sum(lowest <= bar),
        "this is the percentage of those that are not low": 100 - right,
        "this is the share of pairs; an input counts once, if some label is low": share(bar, E),
        "this asks for every label to be low; one is enough": share(bar, E.max(axis=1)),
        "this takes the mean over labels; the lowest counts": share(bar, E.mean(axis=1)),
        "this asks which labels have a low input: rows are inputs": share(bar, E.min(axis=0)),
        "the highest valid pair sets the bar, not the lowest": share(valid.min() + 0.1 * median),
        "the highest valid pair sets the bar, not their mean": share(valid.mean() + 0.1 * median),
        "the highest valid pair sets the bar, not their sum": share(valid.sum() + 0.1 * median),
        "the tenth is of the median alone; the highest pair counts in full": share(
            0.1 * (valid.max() + median)
        ),
        "you forgot the tenth of the median": share(valid.max()),
        "a tenth of the median, not all of it": share(valid.max() + median),
        "a hundredth is too little: a tenth of the median": share(valid.max() + 0.01 * median),
        "the median of all energies, not the mean": share(valid.max() + 0.1 * E.mean()),
        "the median of all energies, not of the lowest ones": share(
            valid.max() + 0.1 * np.median(lowest)
        ),
        "the median of all energies, not of the valid ones": share(1.1 * np.median(valid)),
        "the median is of `energies`; `valid` gives the highest pair": share(
            valid.max() + 0.1 * np.median(valid)
        ),
        "you forgot the valid pairs: the tenth comes on top of the highest": share(0.1 * median),
        "the tenth comes on top of the highest pair; this takes the larger of the two": share(
            max(valid.max(), 0.1 * median)
        ),
        "the bar is the highest pair plus the tenth; this asks to be below each of the two": share(
            min(valid.max(), 0.1 * median)
        ),
        "the tenth is taken off; it is added": share(valid.max() - 0.1 * median),
    }


@exercise(
    "input_at_rest(y, v, w, alpha_gen, alpha_disc)",
    goal="say what each precision pulls an input to, with the label clamped",
    minutes=15,
    cases=[(1.0, 0.8, 0.9, 0.1, 1.0), (-0.7, 2.0, 0.3, 1.5, 0.4), (2.0, -0.5, 1.4, 0.7, 3.0)],
    why="it is the mean of v y and y / w, weighed by alpha_gen and alpha_disc w^2.",
    hint="Set the slope of Equation 2 by x to zero: alpha_gen (x - v y) - alpha_disc w (y - w x) = 0.",
)
def exercise_3(y, v, w, alpha_gen, alpha_disc):
    """Say where the input rests."""
    g, d = alpha_gen, alpha_disc
    pulls, curvature = g * v + d * w, g + d * w**2
    return y * pulls / curvature, {
        "this is what the generator draws, where alpha_disc is 0": v * y,
        "this is where d is zero; e pulls too": y / w,
        "this is the answer's label, not the input": w * y,
        "you exchanged the precisions": y * (d * v + g * w) / (d + g * w**2),
        "you forgot the label, y": pulls / curvature,
        "you forgot to divide by the curvature": y * pulls,
        "this is the curvature": curvature,
        "it is turned over: the curvature stands below": y * curvature / pulls,
        "d is pulled through w twice: w**2 in the curvature": y * pulls / (g + d * w),
        "the curvature has no w: d's is alpha_disc w**2": y * pulls / (g + d),
        "w stands in the pull once, not squared": y * (g * v + d * w**2) / curvature,
        "the pull of d has its w": y * (g * v + d) / curvature,
        "the sign of d's pull is wrong: a larger x makes d smaller": y
        * (g * v - d * w)
        / curvature,
        "the sign in the curvature is wrong: both errors bend it upwards": y
        * pulls
        / (g - d * w**2),
        "both signs of d are wrong: it pulls to y / w, and bends the energy upwards": y
        * (g * v - d * w)
        / (g - d * w**2),
        "e pulls too: alpha_gen v belongs above": y * d * w / curvature,
        "d pulls too: alpha_disc w belongs above": y * g * v / curvature,
        "this is for equal precisions": y * (v + w) / (1 + w**2),
        "this is the mean of v y and y / w; weigh them": y * (v + 1 / w) / 2,
        "weigh y / w by alpha_disc w**2, which is its curvature": y * (g * v + d / w) / (g + d),
        "this is where the label rests, with the input clamped": y * pulls / (g * v**2 + d),
        "this is the slope at x = 0": -y * pulls,
    }


def pairs_of_networks(rng):
    """Draw two networks each, and pairs."""
    for seed in (5, 6):
        two = [make_network(jax.random.PRNGKey(seed + 10 * i), (1, 9, 2)) for i in (0, 1)]
        disc, gen = (jax.tree.map(lambda w: 2 * w, network) for network in two)
        pairs = jnp.asarray(rng.uniform(-2, 2, (6, 3)), jnp.float32)
        yield disc, gen, pairs[:, :1], pairs[:, 1:]


@exercise(
    "one_hidden(disc, gen, y, x)",
    goal="take two networks apart, join them in another way, and say why that costs",
    minutes=25,
    cases=pairs_of_networks,
    rtol=2e-3,
    why="one hidden layer has to please both, and the energy of its best compromise is what is left.",
    hint="Make the joint network, put the sweep's hidden layer between y and x, settle with both ends "
    "clamped, and give bpc.energy.",
)
def exercise_4(disc, gen, y, x):
    """Give the settled energy of a generator and an amortiser with one hidden layer."""
    both = Network(gen.generator, disc.amortiser, "relu")
    swapped = Network(disc.generator, gen.amortiser, "relu")

    def settled(network=both, start=None, clamped=ENDS, steps=300, rate=1.0, gen=1.0, disc_=1.0):
        hidden = sweep_up(disc, x)[1] if start is None else start
        z = infer(network, [y, hidden, x], clamped, steps=steps, step_size=rate, alpha_gen=gen)
        return energy(network, z, gen, disc_)

    def alone(network, rule):
        up = sweep_up(network, x)[1] if rule == DISCRIMINATIVE else sweep_down(network, y)[1]
        z = infer(network, [y, up, x], ENDS, rule, 300, 1.0)
        return energy(network, z, *rule.moves)

    right = settled()
    return right, {
        "the networks are exchanged: the generator is that of `gen`": lambda: settled(swapped),
        "this is the whole energy of `disc`": lambda: settled(disc),
        "this is the whole energy of `gen`": lambda: settled(gen),
        "this is discPC alone": lambda: alone(disc, DISCRIMINATIVE),
        "this is genPC alone": lambda: alone(gen, GENERATIVE),
        "this is side by side: each network has a hidden layer of its own": lambda: (
            alone(disc, DISCRIMINATIVE) + alone(gen, GENERATIVE)
        ),
        "nothing settles: this is the energy of the sweep": lambda: settled(steps=0),
        "8 steps are too few: 300 are asked for": lambda: settled(steps=8, rate=0.5),
        "the label is free: clamp it": lambda: settled(clamped=[False, False, True]),
        "the input is free: clamp it": lambda: settled(clamped=[True, False, False]),
        "everything is free: clamp both ends": lambda: settled(clamped=[False] * 3),
        "only e is counted in the energy; d belongs to it": lambda: settled(disc_=0.0),
        "this is half of it: the energy has its 1/2 already": lambda: settled() / 2,
        "this is the mean of all pairs; one energy a pair is asked for": lambda: settled().mean(),
        "this is the sum of all pairs; one energy a pair is asked for": lambda: settled().sum(),
    }


def some_maps(rng):
    """Draw maps with several pits, of which some share their depth, some lie at the border."""
    for n, m in ((9, 12), (14, 10)):
        yield (rng.integers(0, 40, (n, m)).astype(float),)


def lower(E, moves, wrap=False, compare=np.less):
    """Say which points are lower than those around, the border left out unless it is wrapped."""
    if wrap:
        return np.all([compare(E, np.roll(E, move, (0, 1))) for move in moves], axis=0)
    n, m = E.shape
    inner = E[1:-1, 1:-1]
    others = [E[1 + i : n - 1 + i, 1 + j : m - 1 + j] for i, j in moves]
    return np.all([compare(inner, other) for other in others], axis=0)


CROSS = [(-1, 0), (1, 0), (0, -1), (0, 1)]
CORNERS = [(-1, -1), (-1, 1), (1, -1), (1, 1)]


@exercise(
    "pits(energies)",
    goal="count what a landscape has, and watch one pit become two",
    minutes=30,
    cases=some_maps,
    why="each lies lower than all eight around it, and none at the border was counted.",
    hint="Compare the inside of the map with eight shifted copies of it, and count where all are higher.",
)
def exercise_5(energies):
    """Count the pits of a map."""
    E, eight = np.asarray(energies), CROSS + CORNERS
    padded = np.pad(E, 1, constant_values=np.inf)
    right = np.sum(lower(E, eight))
    return right, {
        "these are the hills; pits are lower than what is around": np.sum(
            lower(E, eight, compare=np.greater)
        ),
        "these have four neighbours, without the corners; eight are asked for": np.sum(
            lower(E, CROSS)
        ),
        "these have the four corners alone; eight neighbours are asked for": np.sum(
            lower(E, CORNERS)
        ),
        "those at the border count here too": np.sum(lower(padded, eight)),
        "the map has edges: `np.roll` joins the last row to the first": np.sum(
            lower(E, eight, wrap=True)
        ),
        "a pit is lower than all around, not as low": np.sum(
            lower(E, eight, compare=np.less_equal)
        ),
        "this looks along the rows alone": np.sum(lower(E, [(0, -1), (0, 1)])),
        "this looks along the columns alone": np.sum(lower(E, [(-1, 0), (1, 0)])),
        "this looks to one side, in the rows and in the columns": np.sum(
            lower(E, [(1, 0), (0, 1)])
        ),
        "these are the points below the mean": np.sum(E < E.mean()),
        "these are the points at the lowest energy of all": np.sum(E == E.min()),
        "this is the share of points; their number is asked for": right / E.size,
        "this is the percentage of points; their number is asked for": 100 * right / E.size,
        "this says where they are; their number is asked for": lower(E, eight).astype(float),
        "one too many: do you count from 1?": right + 1,
    }
