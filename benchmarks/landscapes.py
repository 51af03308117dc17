"""The energy of XOR, chapter 6: where four models, and two side by side, are low, and where they rest.

Inputs (+-1, +-1), a label of +1 where they differ and -1 where not, a hidden layer. An energy is settled when
the hidden layer is at rest; the box is every number of a pair from -2 to 2. "Side by side" are a discPC and a
genPC that were trained apart and share input and label: their energies add.

All models start from the same weights, see the four pairs at once and learn alike; of BPC alpha_gen is
chosen, with alpha_disc 1, by what it is trained for: its label must follow from each input, and an input
from each label. No measure of a landscape is chosen on.

What was asked later, once those were stored: where what is set free comes to in 640,000 steps, in place of
10,000; the share that is low, for seven bars in place of one; alpha_gen of side by side, chosen as BPC's is;
two hidden layers in place of one; and a label of its own for each input, y + x_1 / 2. And, as it was claimed
that one hidden layer cannot hold the four pairs: a network that does, written down and not trained.
"""

from functools import cache, partial
from typing import Any, NamedTuple

import experiments
import jax
import jax.numpy as jnp
import numpy as np
import optax
import scipy.optimize
from jax.flatten_util import ravel_pytree

import bpc_minimal as bpc
from bpc_minimal.curvature import layer_steps, spectral_norms
from bpc_minimal.inference import weighed

INPUTS = np.array([[-1, -1], [-1, 1], [1, -1], [1, 1]], np.float32)
LABELS = np.array([[-1], [1], [1], [-1]], np.float32)
PAIRS = np.concatenate([INPUTS, LABELS], axis=1)
OWN_LABELS = LABELS + INPUTS[:, :1] / 2
HIDDEN, ITERATIONS, RATE, TRAINING_STEPS = 32, 3000, 1e-2, 16
SEEDS = 10
SIDE = np.linspace(-2, 2, 21, dtype=np.float32)
SETTLED, AT_REST = 300, 10_000  # steps: of the hidden layer alone, and where all is free
LOOKS = tuple(AT_REST * 2**i for i in range(7))  # steps at which what was set free is looked at
ALPHAS = (1.0, 0.3, 0.1, 0.03, 0.01, 0.003, 0.001)
CASES = {
    "XOR, one layer": {"layers": 1, "own": False},
    "XOR, two layers": {"layers": 2, "own": False},
    "own labels, one layer": {"layers": 1, "own": True},
    "own labels, two layers": {"layers": 2, "own": True},
}
BARS = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0)  # of the median, above the highest valid pair
RULES = {
    "discPC": bpc.DISCRIMINATIVE,
    "genPC": bpc.GENERATIVE,
    "HPC": bpc.HYBRID,
    "BPC": bpc.BIDIRECTIONAL,
}
ENDS = [True, False, True]


class Part(NamedTuple):
    """A network with the precisions that move it; a model is one, or two that share both ends."""

    network: bpc.Network
    rule: bpc.Rule
    gen: tuple[float, ...]
    disc: tuple[float, ...]


def parts():
    models = (*RULES, "side by side")
    return {
        "settings": settings,
        **{name: partial(of_model, name) for name in models},
        "dial": dial,
        "low": low,
        **{
            f"{name}, {case}": partial(of_case, name, case)
            for case in CASES
            for name in (models if "XOR" in case else ("side by side", "BPC"))
        },
        "written down": written_down,
    }


# -- training -----------------------------------------------------------------------------------------------


def begin(network: bpc.Network, rule: bpc.Rule, label, inputs) -> list[jax.Array]:
    """Sweep from the end that the rule names, both ends given."""
    image = rule.start == "image"
    swept = bpc.sweep_up(network, inputs) if image else bpc.sweep_down(network, label)
    return [label, *swept[1:-1], inputs]


@partial(jax.jit, static_argnames="rule")
def learn(network: bpc.Network, rule: bpc.Rule, alpha_gen, labels) -> bpc.Network:
    """Train on the four pairs."""
    optimiser = optax.adam(optax.cosine_decay_schedule(RATE, ITERATIONS))
    depth = network.depth
    gen, disc = weighed(rule.moves, (alpha_gen,) * depth, (1.0,) * depth, depth)
    teaching = weighed(rule.teaches, (alpha_gen,) * depth, (1.0,) * depth, depth)

    def iterate(state, _):
        network, memory = state
        swept = bpc.sweep_up(network, jnp.asarray(INPUTS))
        z = begin(network, rule, labels, jnp.asarray(INPUTS))
        z = descend([(network, gen, disc)], z[0], [z[1:-1]], z[-1], ENDS, TRAINING_STEPS)
        z = [z[0], *z[1][0], z[2]]
        below = swept if rule.amortiser_inputs == "swept" else None
        gradient = jax.grad(lambda n: bpc.energy(n, z, *teaching, below).mean())(network)
        updates, memory = optimiser.update(gradient, memory)
        return (optax.apply_updates(network, updates), memory), None

    first = (network, optimiser.init(network))
    return jax.lax.scan(iterate, first, length=ITERATIONS)[0][0]


@cache
def trained(name: str, alpha_gen: float, seed: int, layers: int = 1, own: bool = False) -> Part:
    """Draw a network by its seed and train it as one of the models."""
    rule, labels = RULES[name], jnp.asarray(OWN_LABELS if own else LABELS)
    network = bpc.make_network(jax.random.PRNGKey(seed), (1, *[HIDDEN] * layers, 2))
    network = learn(network, rule, alpha_gen, labels)
    return Part(network, rule, *weighed(rule.moves, alpha_gen, 1.0, network.depth))


# -- settling -----------------------------------------------------------------------------------------------


def descend(networks, label, hidden, inputs, clamped, steps: int):
    """Let label, hidden layers and inputs descend the sum of the energies, where they are not clamped."""

    def energy(label, hidden, inputs):
        return sum(
            bpc.energy(network, [label, *h, inputs], gen, disc).sum()
            for (network, gen, disc), h in zip(networks, hidden, strict=True)
        )

    lengths = [
        layer_steps(network, gen, disc, 1.0, spectral_norms(network))
        for network, gen, disc in networks
    ]
    # Curvatures add, so a shared end takes the step whose inverse is the sum of the inverses.
    ends = [1 / sum(1 / step[l] for step in lengths) for l in (0, -1)]

    def body(state, _):
        label, hidden, inputs = state
        slope = jax.grad(energy, argnums=(0, 1, 2))(*state)
        label = label if clamped[0] else label - ends[0] * slope[0]
        hidden = [
            [h_l - step_l * s_l for h_l, s_l, step_l in zip(h, s, step[1:-1], strict=True)]
            for h, s, step in zip(hidden, slope[1], lengths, strict=True)
        ]
        inputs = inputs if clamped[2] else inputs - ends[1] * slope[2]
        return (label, hidden, inputs), None

    return jax.lax.scan(body, (label, list(hidden), inputs), length=steps)[0]


@partial(jax.jit, static_argnames=("rules", "free", "steps"))
def settle(networks, rules, label, inputs, free: str, steps: int):
    """Settle from where the rules start; give label and inputs, and the energy, one a pair.

    Args:
        networks: with their precisions, as in `descend`.
        rules: one a network.
        label: (pairs, 1).
        inputs: (pairs, 2).
        free: "hidden", "inputs" (and hidden) or "all".
        steps: how many.
    """
    clamped = [free != "all", False, free == "hidden"]
    hidden = [
        begin(network, rule, label, inputs)[1:-1]
        for (network, *_), rule in zip(networks, rules, strict=True)
    ]
    label, hidden, inputs = descend(networks, label, hidden, inputs, clamped, steps)
    energies = sum(
        bpc.energy(network, [label, *h, inputs], gen, disc)
        for (network, gen, disc), h in zip(networks, hidden, strict=True)
    )
    return label, inputs, energies


def settled(model: list[Part], pairs: np.ndarray, free: str, steps: int):
    """Settle pairs (x_1, x_2, y); give where they are, and the energy there."""
    networks = [(part.network, part.gen, part.disc) for part in model]
    pairs = np.asarray(pairs, np.float32)
    label, inputs, energies = settle(
        networks, tuple(part.rule for part in model), pairs[:, 2:], pairs[:, :2], free, steps
    )
    return np.concatenate([inputs, label], axis=1), np.asarray(energies)


# -- measures -----------------------------------------------------------------------------------------------


def landscape(model: list[Part]) -> dict[str, float]:
    """Measure one model, of one seed; shares are percent."""
    rng = np.random.default_rng(0)  # the same starts for all
    box = np.stack(np.meshgrid(SIDE, SIDE, SIDE, indexing="ij"), axis=-1)
    energies = settled(model, box.reshape(-1, 3), "hidden", SETTLED)[1].reshape(box.shape[:3])
    median = np.median(energies)
    valid = settled(model, PAIRS, "hidden", SETTLED)[1]
    off_data = distance(box[:, :, 0, :2], INPUTS) > 0.5 - 1e-6
    low = energies.min(axis=2) <= valid.max() + 0.1 * median

    starts = rng.uniform(-2, 2, (200, 3))
    before, _ = settled(model, starts, "all", AT_REST - 1000)
    rests, _ = settled(model, starts, "all", AT_REST)
    stays, _ = settled(model, PAIRS, "all", AT_REST)
    return {
        "low off data": share(low[off_data]),
        "rests": share(distance(rests, PAIRS) < 0.5),
        "still moves": share(np.linalg.norm(rests - before, axis=1) > 0.01),
        "length at rest": float(np.median(np.linalg.norm(rests, axis=1))),
        "stays": share(distance(stays, PAIRS) < 0.5),
        "rise": rise(model, LABELS, median),
        **own_tasks(model),
    }


def rise(model: list[Part], labels: np.ndarray, median: float) -> float:
    """Measure the least rise at 0.5 from a valid pair, in percent of the median; of the four the mean."""
    pairs = np.concatenate([INPUTS, labels], axis=1)
    valid = settled(model, pairs, "hidden", SETTLED)[1]
    rng = np.random.default_rng(0)
    rng.uniform(size=(200, 3))  # the starts
    ways = rng.normal(size=(200, 3))
    around = 0.5 * ways / np.linalg.norm(ways, axis=1, keepdims=True)
    least = [
        settled(model, pair + around, "hidden", SETTLED)[1].min() - own
        for pair, own in zip(pairs, valid, strict=True)
    ]
    return 100 * float(np.mean(least) / median)


def low_by_bar(model: list[Part], labels: np.ndarray) -> dict[str, Any]:
    """Measure the share of inputs that are low, for each of `BARS`, and what else needs the box."""
    box = np.stack(np.meshgrid(SIDE, SIDE, SIDE, indexing="ij"), axis=-1)
    energies = settled(model, box.reshape(-1, 3), "hidden", SETTLED)[1].reshape(box.shape[:3])
    valid = settled(model, np.concatenate([INPUTS, labels], axis=1), "hidden", SETTLED)[1].max()
    lowest = energies.min(axis=2)[distance(box[:, :, 0, :2], INPUTS) > 0.5 - 1e-6]
    median = float(np.median(energies))
    return {
        "low": {f"{bar:g}": share(lowest <= valid + bar * median) for bar in BARS},
        "rise": rise(model, labels, median),
        "valid over median": 100 * float(valid / median),
    }


def course(model: list[Part], labels: np.ndarray) -> dict[str, Any]:
    """Set starts in the box and the valid pairs free, and look where they are after more and more steps.

    A step may be a millionth of what has been gone, so that this is done with 64 bits. "still moves" is the
    share that moves more than 0.01 between the last two looks, which is half of all steps.
    """
    valid = np.concatenate([INPUTS, labels], axis=1).astype(float)
    pairs = np.concatenate([valid, np.random.default_rng(0).uniform(-2, 2, (100, 3))])
    found: dict[str, Any] = {"rests": {}, "stays": {}}
    with jax.enable_x64(True):
        networks = [
            (jax.tree.map(lambda w: w.astype(jnp.float64), part.network), part.gen, part.disc)
            for part in model
        ]
        label, inputs = jnp.asarray(pairs[:, 2:]), jnp.asarray(pairs[:, :2])
        hidden = [
            begin(network, part.rule, label, inputs)[1:-1]
            for (network, *_), part in zip(networks, model, strict=True)
        ]
        state, moved = (label, hidden, inputs), pairs + np.inf
        go = jax.jit(
            lambda state, steps: descend(networks, *state, [False] * 3, steps), static_argnums=1
        )
        for steps, before in zip(LOOKS, (0, *LOOKS), strict=False):
            if np.abs(moved).max() > 1e-6:  # else all have come to rest
                state = go(state, steps - before)
                here = np.concatenate([state[2], state[0]], axis=1)
                moved, pairs = here - pairs, here
            near = distance(pairs, valid) < 0.5
            found["stays"][str(steps)], found["rests"][str(steps)] = (
                share(near[:4]),
                share(near[4:]),
            )
    return found | {"still moves": share(np.linalg.norm(moved, axis=1)[4:] > 0.01)}


def written_down(alpha_gen: float = 0.01) -> dict[str, Any]:
    """Write down a BPC of six hidden units of which all four pairs are minima, and adjust it.

    Units 1 and 2 bend where x_1 is a half and minus a half, so that their difference is x_1 within limits,
    and 3 and 4 say the same of x_2; from both the generator draws. Units 5 and 6 are those that read XOR. The
    label says almost nothing to them. Then weights and hidden layer are moved until nothing pulls at a pair.
    """
    one, reads = 0.2, 0.15  # how large the units are that draw, and those that read
    toward = one * np.array([[2, 0], [2, 0], [0, 2], [0, 2]])
    W_1 = np.concatenate([toward, reads * np.array([[1, 1], [-1, -1]])])
    c_1 = np.array([one, -one, one, -one, -reads, -reads])
    draw = 1.3 / one * np.array([1, -1])
    V_1 = np.zeros((2, 6))
    V_1[0, :2] = V_1[1, 2:4] = draw
    W_0 = np.array([[0, 0, 0, 0, -2 / reads, -2 / reads]])
    drawn = {
        "V_0": np.zeros((6, 1)), "b_0": np.zeros(6), "V_1": V_1, "b_1": np.full(2, -1.3),
        "W_0": W_0, "c_0": np.ones(1), "W_1": W_1, "c_1": c_1,
    }  # fmt: skip
    with jax.enable_x64(True):
        inputs, labels = jnp.asarray(INPUTS, float), jnp.asarray(LABELS, float)
        drawn = {name: jnp.asarray(value, float) for name, value in drawn.items()}

        def energy(w, y, z, x):
            rate = jax.nn.relu(z)
            e = z - y @ w["V_0"].T - w["b_0"], x - rate @ w["V_1"].T - w["b_1"]
            d = y - rate @ w["W_0"].T - w["c_0"], z - x @ w["W_1"].T - w["c_1"]
            halves = [0.5 * sum(jnp.sum(each**2) for each in errors) for errors in (e, d)]
            return alpha_gen * halves[0] + halves[1]

        def pulls(w, z):
            return jax.grad(energy, (1, 2, 3))(w, labels, z, inputs)

        origin, whole = ravel_pytree((drawn, inputs @ drawn["W_1"].T + drawn["c_1"]))

        @jax.jit
        @jax.value_and_grad
        def cost(v, hold):
            squares = sum(jnp.sum(pull**2) for pull in pulls(*whole(v)))
            return 1e4 * squares + hold * jnp.sum((v - origin) ** 2)

        def both(v, hold):
            return [np.asarray(part) for part in cost(jnp.asarray(v), hold)]

        now = np.asarray(origin)
        options = {"maxiter": 20_000, "maxfun": 40_000, "ftol": 1e-30, "gtol": 1e-14}
        for hold in (1e-4, 1e-6, 0.0):  # less and less to what was written down
            found = scipy.optimize.minimize(
                both, now, hold, jac=True, method="L-BFGS-B", options=options
            )
            now = found.x
        weights, hidden = whole(jnp.asarray(now))

        def alone(v, i):
            return energy(weights, v[None, :1], v[None, 1:7], v[None, 7:])

        curved = [
            jnp.linalg.eigvalsh(jax.hessian(alone)(jnp.concatenate(each), i))[0]
            for i, each in enumerate(zip(labels, hidden, inputs, strict=True))
        ]
        pull = max(float(jnp.abs(each).max()) for each in pulls(weights, hidden))
    like, of_numbers = ravel_pytree(bpc.make_network(jax.random.PRNGKey(0), (1, 6, 2)))
    order = ("V_0", "b_0", "V_1", "b_1", "W_0", "c_0", "W_1", "c_1")  # as a network's leaves stand
    numbers = np.concatenate([np.ravel(weights[name]) for name in order]).astype(np.float32)
    network = of_numbers(jnp.asarray(numbers, like.dtype))
    model = [Part(network, bpc.BIDIRECTIONAL, (alpha_gen,) * 2, (1.0,) * 2)]
    return {
        "alpha_gen": alpha_gen,
        "weights": numbers,
        "largest pull": pull,
        "least curvature": [float(each) for each in curved],
        "read error": float(np.abs(bpc.sweep_up(network, jnp.asarray(INPUTS))[0] - LABELS).max()),
        **course(model, LABELS),
    }


def own_tasks(model: list[Part], labels: np.ndarray = LABELS) -> dict[str, float]:
    """Measure what a model is trained for: the largest error of a label read; where drawn inputs rest.

    Of two side by side, discPC reads, and both settle the input.
    """
    rng = np.random.default_rng(1)
    read = bpc.sweep_up(model[0].network, jnp.asarray(INPUTS))[0]
    to_mean, to_data = [], []
    for label in np.unique(labels)[::-1]:
        own = INPUTS[labels[:, 0] == label]
        starts = np.concatenate([rng.uniform(-2, 2, (100, 2)), np.full((100, 1), label)], axis=1)
        rests = settled(model, starts, "inputs", AT_REST)[0][:, :2]
        to_mean.append(np.linalg.norm(rests - own.mean(axis=0), axis=1).mean())
        to_data.append(distance(rests, own).mean())
    return {
        "read error": float(np.abs(read - labels).max()),
        "to mean": float(np.mean(to_mean)),
        "to data": float(np.mean(to_data)),
    }


def distance(points: np.ndarray, of: np.ndarray) -> np.ndarray:
    """Give the distance of each point from the nearest of some others."""
    return np.linalg.norm(points[..., None, :] - of, axis=-1).min(axis=-1)


def share(found: np.ndarray) -> float:
    return 100 * float(np.mean(found))


# -- parts --------------------------------------------------------------------------------------------------


@cache
def chosen(
    name: str = "BPC", layers: int = 1, own: bool = False
) -> tuple[float, dict[str, list[float]]]:
    """Choose alpha_gen by a model's own two tasks; give it, and what each scored, one a choosing seed."""
    scores = {}
    for alpha in ALPHAS:
        models = (model_of(name, s, alpha, layers, own) for s in experiments.choosing_seeds())
        found = [own_tasks(model, OWN_LABELS if own else LABELS) for model in models]
        scores[f"{alpha:g}"] = [each["read error"] + each["to data"] for each in found]
    return float(min(scores, key=lambda alpha: np.mean(scores[alpha]))), scores


def settings() -> dict[str, Any]:
    alpha, scores = chosen()
    return {
        "alpha_gen of BPC": alpha,
        "read error + to data": scores,
        "hidden": HIDDEN,
        "iterations": ITERATIONS,
        "learning rate": RATE,
        "steps": TRAINING_STEPS,
    }


def model_of(
    name: str, seed: int, alpha: float = 1.0, layers: int = 1, own: bool = False
) -> list[Part]:
    """Train a model; alpha is BPC's alpha_gen, and that of the sum of energies of two side by side."""
    if name == "BPC":
        return [trained(name, alpha, seed, layers, own)]
    if name != "side by side":
        return [trained(name, 1.0, seed, layers, own)]
    gen = trained("genPC", 1.0, seed, layers, own)
    weighed_gen = gen._replace(gen=tuple(alpha * precision for precision in gen.gen))
    return [trained("discPC", 1.0, seed, layers, own), weighed_gen]


def models_of(name: str, alpha: float | None = None, **kind: Any) -> list[list[Part]]:
    """Train a model by each of the seeds that are reported."""
    alpha = (chosen()[0] if name == "BPC" else 1.0) if alpha is None else alpha
    return [model_of(name, seed, alpha, **kind) for seed in experiments.seeds(SEEDS)]


def over_seeds(found: list[dict[str, Any]]) -> dict[str, Any]:
    """Turn a dictionary for each seed into one of lists."""
    first = found[0]
    return {
        key: over_seeds([each[key] for each in found])
        if isinstance(first[key], dict)
        else [each[key] for each in found]
        for key in first
    }


def of_model(name: str) -> dict[str, list[float]]:
    """Measure a model, one number a seed."""
    return over_seeds([landscape(model) for model in models_of(name)])


def dial() -> dict[str, dict[str, list[float]]]:
    """Measure BPC at every alpha_gen of the grid: what the choice hides."""
    return {
        f"{alpha:g}": over_seeds([landscape(model) for model in models_of("BPC", alpha)])
        for alpha in ALPHAS
    }


def low() -> dict[str, dict[str, list[float]]]:
    """Measure the share that is low for each bar, of the models that the claims are of."""
    return {
        name: over_seeds([low_by_bar(model, LABELS) for model in models_of(name)])["low"]
        for name in (*RULES, "side by side")
    }


def of_case(name: str, case: str) -> dict[str, Any]:
    """Measure a model of one or two hidden layers, with XOR's labels or an own one for each input."""
    kind = CASES[case]
    labels = OWN_LABELS if kind["own"] else LABELS
    dialled = name in ("BPC", "side by side")
    alpha, scores = chosen(name, **kind) if dialled else (1.0, {})
    found = [
        course(model, labels) | own_tasks(model, labels) | low_by_bar(model, labels)
        for model in models_of(name, alpha, **kind)
    ]
    return {"alpha_gen": alpha, "read error + to data": scores, **over_seeds(found)}
