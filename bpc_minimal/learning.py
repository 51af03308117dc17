"""Learning: after inference, one step down the same energy, this time on the weights.

Each weight's gradient is local: the error of one layer times the activity of the layer that predicted
it. Chapters 1 to 4 derive that; a test holds it against the autodiff used here.
"""

from functools import partial

import equinox as eqx
import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, Int, Num, PRNGKeyArray

from bpc_minimal.config import Config
from bpc_minimal.curvature import Norms, first_norms, follow_norms, layer_steps
from bpc_minimal.data import normalise, one_hot
from bpc_minimal.devices import split_over_devices
from bpc_minimal.energy import Precision, energy
from bpc_minimal.inference import Rule, descend, weighed
from bpc_minimal.network import Activities, Network, make_network, sweep_down, sweep_up
from bpc_minimal.shortcuts import descend_from_labels

UNROLLED = 32  # steps of inference at most, or compiling takes minutes


class TrainState(eqx.Module):
    """All that a run carries from one iteration to the next.

    Attributes:
        network: its weights.
        optimiser: Optax's state.
        norms: bounds of the weights' spectral norms, which the steps of inference need; None where
            the step is fixed.
        key: draws the order of the examples.
        iteration: how many are done.
    """

    network: Network
    optimiser: optax.OptState
    norms: Norms | None
    key: PRNGKeyArray
    iteration: Int[Array, ""]


def make_state(config: Config, total: int) -> TrainState:
    """Draw the network of a configuration, with a fresh optimiser for `total` iterations.

    Raises:
        ValueError: `config` is no `Config`.

    Example:
        >>> state = bpc.make_state(bpc.preset("fast"), total=1000)
        >>> state.network.sizes, int(state.iteration)
        ((10, 300, 300, 784), 0)
    """
    weights, key = jax.random.split(jax.random.PRNGKey(config.seed))
    network = make_network(weights, config.sizes, config.activation, config.use_bias)
    return TrainState(
        network=network,
        optimiser=jax.jit(make_optimiser(config, total).init)(network),  # one program to compile
        norms=jax.jit(first_norms)(network) if config.step_rule == "curvature" else None,
        key=key,
        iteration=jnp.array(0, jnp.int32),
    )


def make_optimiser(config: Config, total: int) -> optax.GradientTransformation:
    """Build Adam, or AdamW where there is weight decay, with the schedule over `total` iterations."""
    rate = {
        "constant": lambda: config.learning_rate,
        "cosine": lambda: optax.cosine_decay_schedule(config.learning_rate, total),
        "one-cycle": lambda: optax.cosine_onecycle_schedule(
            total, config.learning_rate, pct_start=0.2
        ),
    }[config.schedule]()
    if config.weight_decay == 0:
        return optax.adam(rate)
    return optax.adamw(rate, weight_decay=config.weight_decay)


def weight_gradient(
    network: Network,
    activities: Activities,
    rule: Rule,
    alpha_gen: Precision = 1.0,
    alpha_disc: Precision = 1.0,
    amortiser_inputs: Activities | None = None,
) -> Network:
    """Give the gradient of the mean energy by every weight, of the errors that the rule teaches with.

    By hand, with <> the mean over the batch:

        dE/dV_l = -alpha_gen_{l+1}  <e_{l+1} act(z_l)^T>
        dE/dW_l = -alpha_disc_l     <d_l act(z_{l+1})^T>

    Args:
        network: the network that predicts.
        activities: z_0..z_L, settled.
        rule: which errors teach, and what the amortiser learns from.
        alpha_gen: precision of the generative errors, as in `energy`.
        alpha_disc: precision of the discriminative errors.
        amortiser_inputs: the activities of `sweep_up`, which a rule with `amortiser_inputs="swept"`
            learns from, such as `HYBRID`; other rules leave them aside.

    Returns:
        gradient: a `Network` whose arrays are the gradients.

    Raises:
        ValueError: the rule learns from a sweep and none is given, or an argument does not fit.

    Example:
        >>> network = bpc.make_network(jax.random.PRNGKey(0), (10, 30, 784))
        >>> activities = bpc.sweep_down(network, bpc.one_hot([3, 8]))
        >>> bpc.weight_gradient(network, activities, bpc.BIDIRECTIONAL).amortiser[0].weight.shape
        (10, 30)
    """
    gen, disc = weighed(rule.teaches, alpha_gen, alpha_disc, network.depth)
    swept = amortiser_inputs if rule.amortiser_inputs == "swept" else None
    # A network is a tree of arrays, so that the derivative by it is one too, of the same shape.
    return jax.grad(lambda n: energy(n, activities, gen, disc, swept).mean())(network)


@partial(jax.jit, static_argnames=("config", "total"))
def train_step(
    state: TrainState,
    images: Num[Array, "batch ..."],
    labels: Int[Array, " batch"],
    config: Config,
    total: int,
) -> tuple[TrainState, dict[str, Float[Array, ""]]]:
    """Learn from one batch: sweep, settle with both ends clamped, then move the weights.

    Args:
        state: from `make_state` or an earlier step.
        images: uint8, or floats from 0 to 1, of sizes[-1] pixels; they are normalised here.
        labels: 0 to n_0 - 1.
        config: the settings.
        total: iterations of the whole run, which the schedule of the learning rate needs.

    Returns:
        state: after the step.
        losses: gen_loss and amort_loss, half the mean squared error of a sweep down and of one up
            before the step; energy_before and energy, the batch's mean before inference and after.

    Raises:
        ValueError: images or labels do not fit, or the settings are of another network.

    Example:
        >>> config, (images, labels) = bpc.preset("fast"), bpc.load_mnist("train")
        >>> state = bpc.make_state(config, total=1000)
        >>> state, losses = bpc.train_step(state, images[:128], labels[:128], config, total=1000)
    """
    network, rule, L = state.network, config.rule, len(config.sizes) - 1
    image = split_over_devices(normalise(images, config.pixel_mean, config.pixel_std))
    label = split_over_devices(one_hot(labels, config.sizes[0]))
    image, label = image.astype(network.dtype), label.astype(network.dtype)
    gen, disc = weighed(rule.moves, config.alpha_gen, config.alpha_disc, L)
    # With a fixed step there are no norms: `state.norms and ...` is then None.
    step_sizes = layer_steps(network, gen, disc, config.step_size, state.norms and state.norms.now)

    classes = sweep_down(network, jnp.eye(config.sizes[0], dtype=network.dtype))  # all it can give
    swept_up = sweep_up(network, image)
    gen_loss = 0.5 * jnp.mean((classes[L][labels] - image) ** 2)
    amort_loss = 0.5 * jnp.mean((swept_up[0] - label) ** 2)

    clamped = [True] + [False] * (L - 1) + [True]
    if rule.start == "image" or config.in_turn:
        swept = swept_up if rule.start == "image" else [z[labels] for z in classes]
        activities, steps = [label, *swept[1:L], image], config.steps
        before = energy(network, activities, gen, disc)
    else:
        # The same as above and a step, but faster.
        activities, before = descend_from_labels(
            network, classes, labels, image, gen, disc, step_sizes
        )
        steps = config.steps - 1

    def one_step(_, z):
        return descend(network, z, clamped, gen, disc, step_sizes, config.in_turn)

    # A few steps are unrolled, so that XLA computes what does not change only once.
    activities = jax.lax.fori_loop(0, steps, one_step, activities, unroll=steps <= UNROLLED)

    gradient = weight_gradient(
        network, activities, rule, config.alpha_gen, config.alpha_disc, swept_up
    )
    optimiser = make_optimiser(config, total)
    updates, optimiser_state = optimiser.update(gradient, state.optimiser, network)
    losses = {
        "gen_loss": gen_loss,
        "amort_loss": amort_loss,
        "energy_before": before.mean(),
        "energy": energy(network, activities, gen, disc).mean(),
    }
    network, iteration = optax.apply_updates(network, updates), state.iteration + 1
    norms = state.norms and follow_norms(state.norms, state.network, network, clamped)
    return TrainState(network, optimiser_state, norms, state.key, iteration), losses
