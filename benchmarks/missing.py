"""What is missing: reading and completing images of which pixels are hidden (chapter 7).

Masks are drawn once, the same for all models and seeds. A model that settles has its hidden pixels free, and
the answer is that of a sweep from the completed image, or, of genPC, which has no sweep, the label that
settled. One that does not settle sees them at the mean pixel, which read more of the validation images than
the background did. `way_to_read` says which of the two. Beside both stands a control that was told no
class: one Gaussian, fitted to the training images, fills in the hidden pixels, and a sweep reads.

"With masks" means that the model met masks in training. In BPC only one thing changes: the amortiser sees
what a random mask leaves of the image, while the generator is still taught the whole. "discPC and a
generator" is the control of chapter 4, in which only d moves and both teach; "two of half the width" are a
discPC that reads and a genPC that draws, which share nothing.
"""

from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Any

import bidirectional
import equinox as eqx
import experiments
import jax
import jax.numpy as jnp
import numpy as np
import optax

import bpc_minimal as bpc
from bpc_minimal.curvature import follow_norms, layer_steps, spectral_norms
from bpc_minimal.energy import energy
from bpc_minimal.inference import weighed
from bpc_minimal.learning import make_optimiser, make_state
from bpc_minimal.training import shuffled

BUDGET = bpc.preset(  # the protocol's; benchmarks/attempts.md has what else was tried
    "best", sizes=(10, 256, 256, 784), alpha_gen=(1e-4, 1e-4, 3e-5), epochs=5, weight_decay=0.1
)
LARGE = BUDGET.replace(sizes=(10, 512, 512, 784), epochs=20)
HALF_AS_WIDE = BUDGET.replace(sizes=(10, 128, 128, 784))
BY_E = {"alpha_gen": (1.0, 1.0, 0.1)}  # where one kind of error moves, only its own ratios count
CONFIGS = {
    "BPC": BUDGET,
    "discPC": BUDGET.replace(rule=bpc.DISCRIMINATIVE),
    "genPC": BUDGET.replace(rule=bpc.GENERATIVE, **BY_E),
    "HPC": BUDGET.replace(rule=bpc.HYBRID, **BY_E),
    "discPC and a generator": BUDGET.replace(rule=bidirectional.CONTROL),
    "two of half the width": HALF_AS_WIDE.replace(rule=bpc.DISCRIMINATIVE),
    "the other of the two": HALF_AS_WIDE.replace(rule=bpc.GENERATIVE, **BY_E),
}
# Precision of the d's while hidden pixels settle; that of the e's is 1 (benchmarks/attempts.md).
SETTLES = {
    "BPC": 0.03,
    "BPC with masks": 0.03,
    "large": 0.03,
    "genPC": 0.0,
    "HPC": 0.0,
    "discPC and a generator": 0.0,
}
RIDGE = 1e-3  # of the Gaussian
ROWS, COLUMNS = np.arange(784) // 28, np.arange(784) % 28
HALVES = {"lower half": ROWS < 14, "upper half": ROWS >= 14,
          "right half": COLUMNS < 14, "left half": COLUMNS >= 14}  # fmt: skip
SHARES = (0, 50, 80, 90)  # percent hidden
WHOLE, AT_RANDOM = (
    0.25,
    0.45,
)  # shares of a batch that learns with masks; the rest has a half hidden
STEPS = 100  # of settling at test time, at a rate of 1
STEPS_OF_GENPC = 400  # its label starts from nothing


# -- images and masks ----------------------------------------------------------------------------------------


@cache
def data() -> bpc.Data:
    """Load MNIST with the last 5,000 training images held out."""
    return bpc.mnist("validation")


@cache
def asked(held_out: str) -> tuple[jax.Array, np.ndarray]:
    """Give 1,000 images that nothing was trained on, and their labels: "validation", or "test" at the end."""
    images, labels = bpc.load_mnist(held_out)
    return bpc.normalise(images[:1000].reshape(1000, -1)), labels[:1000]


@cache
def masks() -> dict[str, np.ndarray]:
    """Draw what is visible of each image, by name; the same pixels for every model."""
    rng = np.random.default_rng(7)
    at_random = {f"{share} %": rng.random((1000, 784)) >= share / 100 for share in SHARES}
    corners = rng.integers(0, 15, (2, 1000, 1))  # of blocks of 14 by 14
    sides = zip((ROWS, COLUMNS), corners, strict=True)
    inside = [(side >= corner) & (side < corner + 14) for side, corner in sides]
    halves = {name: np.tile(half, (1000, 1)) for name, half in HALVES.items()}
    return at_random | halves | {"block": ~(inside[0] & inside[1])}


def draw_masks(key: jax.Array, count: int) -> jax.Array:
    """Draw masks to learn with: none, 40 to 95 % of the pixels at random, or a half (the lower half as often
    as the three others together)."""
    kind, share, pixel, half = jax.random.split(key, 4)
    kind = jax.random.uniform(kind, (count, 1))
    seen = jax.random.uniform(share, (count, 1), minval=0.05, maxval=0.6)
    at_random = jax.random.uniform(pixel, (count, 784)) < seen
    halves = jnp.stack([*HALVES.values()])
    half = halves[jnp.array([0, 0, 0, 1, 2, 3])[jax.random.randint(half, (count,), 0, 6)]]
    return (kind < WHOLE) | jnp.where(kind < WHOLE + AT_RANDOM, at_random, half)


# -- learning ------------------------------------------------------------------------------------------------


def seen_energy(network, z, seen, gen, disc):
    """Give the energy of activities whose amortiser sees other pixels than the generator is asked for."""
    return energy(network, z, gen, disc, [*z[:-1], seen])


def learn(config: bpc.Config, loss: Callable, seed: int) -> bpc.Network:
    """Learn by gradients that `loss(network, image, seen, label, steps)` gives, an epoch a compiled scan."""
    images, labels = (jnp.asarray(part) for part in data()[:2])
    rows = len(images) // config.batch_size * config.batch_size
    total = config.total(len(images))
    state, optimiser = make_state(config.replace(seed=seed), total), make_optimiser(config, total)

    def iterate(carry, chosen):
        network, memory, norms, key = carry
        key, now = jax.random.split(key)
        image = bpc.normalise(images[chosen].reshape(len(chosen), -1))
        seen = jnp.where(draw_masks(now, len(chosen)), image, 0.0)
        label = bpc.one_hot(labels[chosen])
        gradient = loss(network, image, seen, label, norms)
        updates, memory = optimiser.update(gradient, memory, network)
        moved = optax.apply_updates(network, updates)
        norms = follow_norms(norms, network, moved, [False] * len(config.sizes))
        return (moved, memory, norms, key), None

    @jax.jit
    def epoch(carry, order):
        return jax.lax.scan(iterate, carry, order)[0]

    carry = state.network, state.optimiser, state.norms, jax.random.PRNGKey(seed)
    for number in range(config.epochs or 0):
        order = np.asarray(shuffled(state.key, number, len(images)))[:rows]
        carry = epoch(carry, order.reshape(-1, config.batch_size))
    return carry[0]


def bpc_gradient(config: bpc.Config) -> Callable:
    """Give BPC's gradient: settle with both ends clamped, then differentiate by the weights."""
    L = len(config.sizes) - 1
    moves = weighed(config.rule.moves, config.alpha_gen, config.alpha_disc, L)
    teaches = weighed(config.rule.teaches, config.alpha_gen, config.alpha_disc, L)

    def gradient(network, image, seen, label, norms):
        steps = layer_steps(network, *moves, config.step_size, norms.now)[1:L]
        hidden = bpc.sweep_up(network, seen)[1:L]
        for _ in range(config.steps):
            slopes = jax.grad(
                lambda h: seen_energy(network, [label, *h, image], seen, *moves).sum()
            )(hidden)
            hidden = [h - s * dh for h, dh, s in zip(hidden, slopes, steps, strict=True)]
        z = [label, *hidden, image]
        return jax.grad(lambda n: seen_energy(n, z, seen, *teaches).mean())(network)

    return gradient


def backprop_gradient(network, image, seen, label, norms):
    """Give the gradient of half the squared error of a sweep up, by backprop; no generator learns."""

    def loss(network):
        return 0.5 * jnp.mean(jnp.sum((bpc.sweep_up(network, seen)[0] - label) ** 2, axis=1))

    return jax.grad(loss)(network)


@cache
def trained(name: str, seed: int) -> bpc.Network:
    """Train a model, or load it: parts share networks, by the code of this file and the package."""
    path = bidirectional.in_between(f"{name} {seed} {Path(__file__).read_text('utf-8')}", "eqx")
    config = CONFIGS.get(name, LARGE if name == "large" else BUDGET)
    if not path.exists():
        eqx.tree_serialise_leaves(path, train(name, config, seed))
    return eqx.tree_deserialise_leaves(path, make_state(config, 1).network)


def train(name: str, config: bpc.Config, seed: int) -> bpc.Network:
    """Train one of the models."""
    if name in ("BPC with masks", "large"):
        return learn(config, bpc_gradient(config), seed)
    if name == "backprop with masks":
        return learn(config, backprop_gradient, seed)
    if name == "backprop":

        def whole(network, image, seen, *others):
            return backprop_gradient(network, image, image, *others)

        return learn(config, whole, seed)
    return bpc.fit(config.replace(seed=seed), data())[0]


# -- reading -------------------------------------------------------------------------------------------------


def percent(activities, labels) -> float:
    return 100 * float(np.mean(np.asarray(activities.argmax(axis=1)) == labels))


@cache
def by_gaussian(mask: str, held_out: str, ridge: float = RIDGE) -> jax.Array:
    """Fill in the hidden pixels without a network, or load what another part has filled in."""
    code = Path(__file__).read_text("utf-8")
    path = bidirectional.in_between(f"Gaussian {mask} {held_out} {ridge} {code}", "npy")
    if not path.exists():
        filled = bidirectional.expected(np.asarray(asked(held_out)[0]), masks()[mask], ridge)
        np.save(path, filled.astype(np.float32))
    return jnp.asarray(np.load(path))


def settled(name: str, network: bpc.Network, mask: str, held_out: str, **options) -> float:
    """Read with the label and the hidden pixels free; `options` are for choosing."""
    images, labels = asked(held_out)
    generative = name == "genPC"
    rule, steps = (bpc.GENERATIVE, STEPS_OF_GENPC) if generative else (bpc.BIDIRECTIONAL, STEPS)
    options = {"rule": rule, "alpha_gen": 1.0, "alpha_disc": SETTLES[name]} | options
    label = bpc.label_activities(network, images, steps, masks()[mask], **options)
    return percent(label, labels)


def answers(name: str, network: bpc.Network, mask: str, held_out: str) -> dict[str, float]:
    """Read one mask in every way that the model has."""
    (images, labels), visible = asked(held_out), masks()[mask]
    if name == "genPC":
        return {"settled": settled(name, network, mask, held_out)}
    at_mean = jnp.where(visible, images, 0.0)
    dark = jnp.where(visible, images, bpc.normalise(np.zeros((1, 784), np.uint8)))
    read = {
        "swept": percent(bpc.sweep_up(network, at_mean)[0], labels),
        "background": percent(bpc.sweep_up(network, dark)[0], labels),
        "Gaussian": percent(bpc.sweep_up(network, by_gaussian(mask, held_out))[0], labels),
    }
    if name in SETTLES and visible.all():
        read["settled"] = read["swept"]  # nothing to complete
    elif name in SETTLES:
        read["settled"] = settled(name, network, mask, held_out)
    return read


@partial(jax.jit, static_argnames="steps")
def with_eyes_on_the_visible(network, images, visible, steps=30):
    """Settle with an amortiser that sees visible pixels only; hidden ones are what the generator says."""
    L, seen = network.depth, jnp.where(visible, images, 0.0)
    precisions = (0.3,) * L, (1.0,) * L
    sizes = layer_steps(network, *precisions, 1.0, spectral_norms(network))[:L]

    def total(z):
        drawn = jax.lax.stop_gradient(network.f(L - 1, z[-1]))  # a hidden pixel has no error
        return seen_energy(
            network, [*z, jnp.where(visible, images, drawn)], seen, *precisions
        ).sum()

    def body(z, _):
        return [a - s * b for a, b, s in zip(z, jax.grad(total)(z), sizes, strict=True)], None

    z = jax.lax.scan(body, bpc.sweep_up(network, seen)[:L], length=steps)[0]
    return jnp.where(visible, images, network.f(L - 1, z[-1]))


def hidden_rmse(drawn, mask: str, held_out: str) -> float:
    """Compare hidden pixels, over [0, 1]."""
    drawn, images = (np.clip(bpc.denormalise(x), 0, 1) for x in (drawn, asked(held_out)[0]))
    return float(np.sqrt(np.mean((drawn - images)[~masks()[mask]] ** 2)))


def pasted(network: bpc.Network, images, visible, drawer: bpc.Network | None = None) -> jax.Array:
    """Complete without settling: read by a sweep up, draw that label by a sweep down, and paste it in."""
    label = bpc.sweep_up(network, jnp.where(visible, images, 0.0))[0].argmax(axis=1)
    drawn = bpc.generate(drawer or network, np.asarray(label))
    return jnp.where(visible, images, drawn)


def completed(held_out: str = "test") -> dict[str, Any]:
    """Complete lower halves, one list a way: RMSE over the hidden pixels."""
    images, labels = asked(held_out)
    mask = "lower half"
    visible, found = masks()[mask], {}
    for seed in experiments.seeds(5):
        of = {name: trained(name, seed) for name in [*CONFIGS, "BPC with masks"]}
        options = {"visible": visible, "steps": 500}
        reader, drawer = of["two of half the width"], of["the other of the two"]
        drawn = {
            "BPC": bpc.complete(of["BPC"], images, **options),
            "BPC with masks": with_eyes_on_the_visible(of["BPC with masks"], images, visible),
            "true class drawn": bpc.generate(of["BPC"], labels),
            "genPC": bpc.complete(of["genPC"], images, rule=bpc.GENERATIVE, **options),
            "HPC": bpc.complete(of["HPC"], images, alpha_disc=0.0, **options),
            "discPC and a generator": pasted(of["discPC and a generator"], images, visible),
            "two of half the width": pasted(reader, images, visible, drawer),
            "Gaussian": by_gaussian(mask, held_out),
        }
        for name, image in drawn.items():
            found.setdefault(name, []).append(hidden_rmse(image, mask, held_out))
    return {mask: found}


def way_to_read(name: str, mask: str) -> str:
    """Say which way read more of the validation images (benchmarks/attempts.md); of blocks, as of halves."""
    met_masks = name in ("BPC with masks", "large")
    in_one_piece = mask in HALVES or mask == "block"
    return "settled" if name in SETTLES and not (met_masks and in_one_piece) else "swept"


def measure(name: str, held_out: str = "test") -> dict[str, Any]:
    """Give the accuracy of each mask by the way that the model reads in, and of all ways that it has."""
    networks = [trained(name, seed) for seed in experiments.seeds(5)]
    best: dict[str, list[float]] = {}
    by_way: dict[str, Any] = {}
    for mask in masks():
        each = [answers(name, network, mask, held_out) for network in networks]
        for way in each[0]:
            by_way.setdefault(way, {})[mask] = [found[way] for found in each]
        best[mask] = by_way[way_to_read(name, mask)][mask]
    return best | {"ways": by_way}


def large(held_out: str = "test") -> dict[str, Any]:
    """Train one large network with masks, for longer, and read everything with it; one seed."""
    network = trained("large", experiments.seeds(1)[0])
    images, _ = asked(held_out)
    found: dict[str, Any] = {
        mask: answers("large", network, mask, held_out)[way_to_read("large", mask)]
        for mask in masks()
    }
    whole, labels = bpc.load_mnist(held_out)
    swept = bpc.sweep_up(network, bpc.normalise(whole.reshape(len(whole), -1)))[0]
    drawn = with_eyes_on_the_visible(network, images, masks()["lower half"])
    found["whole set, swept"] = percent(swept, labels)
    found["lower half, RMSE"] = hidden_rmse(drawn, "lower half", held_out)
    return found


MODELS = ("BPC with masks", "backprop with masks", "BPC", "discPC", "backprop", "genPC", "HPC",
          "discPC and a generator", "two of half the width")  # fmt: skip


def parts() -> dict[str, Callable[[], Any]]:
    of_models = {name: partial(measure, name) for name in MODELS}
    return of_models | {"completed": completed, "large": large}
