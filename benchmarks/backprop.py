"""Backprop as a preset trains: its sizes, batches, schedule, epochs, decay, and evaluations.

A classifier, which is the upward network alone, or a classifier and a decoder, side by side: two networks
that share nothing but the batch. One BPC does what both do, so that they are the fair rival.
"""

import time
from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
import optax

from bpc_minimal import Config, class_means, normalise, one_hot
from bpc_minimal.training import shuffled


def predict(weights, x):
    """Pass x through the layers, ReLU in between."""
    for i, w in enumerate(weights):
        x = (x if i == 0 else jax.nn.relu(x)) @ w
    return x


@cache
def steps(config: Config, total: int, decoder: bool):
    """Compile training on the squared error, and evaluation, which gives accuracy and RMSE."""
    if config.schedule == "cosine":  # as `best` has it
        rate = optax.cosine_decay_schedule(config.learning_rate, total)
    else:  # twice the rate of `fast`: chosen on validation images, as attempts.md says
        rate = optax.cosine_onecycle_schedule(total, 2 * config.learning_rate, pct_start=0.2)
    optimiser = optax.adamw(rate, weight_decay=config.weight_decay)

    def loss(networks, x, y):
        pairs = ((x, y), (y, x)) if decoder else ((x, y),)
        errors = [
            predict(weights, given) - wanted
            for weights, (given, wanted) in zip(networks, pairs, strict=True)
        ]
        return sum(0.5 * jnp.mean(jnp.sum(error**2, axis=1)) for error in errors)

    @jax.jit
    def learn(state, arrays, order):
        def iterate(carry, chosen):
            networks, state = carry
            x, y = normalise(arrays[0][chosen]), one_hot(arrays[1][chosen])
            gradient = jax.grad(loss)(networks, x, y)
            updates, state = optimiser.update(gradient, state, networks)
            return (optax.apply_updates(networks, updates), state), None

        whole = len(order) // config.batch_size * config.batch_size
        return jax.lax.scan(iterate, state, order[:whole].reshape(-1, config.batch_size))[0]

    @jax.jit
    def evaluate(state, arrays):
        networks, _ = state
        found = jnp.argmax(predict(networks[0], normalise(arrays[2])), axis=1)
        result = {"accuracy": 100 * jnp.mean(found == arrays[3])}
        if decoder:
            drawn = predict(networks[1], jnp.eye(10)) * config.pixel_std + config.pixel_mean
            result["rmse"] = jnp.sqrt(jnp.mean((drawn - arrays[4]) ** 2))
        return result

    return optimiser, learn, evaluate


def start(config: Config, data, decoder: bool = False):
    """Draw the network or the two; give the state, two compiled functions and the data."""
    total = len(data.images) // config.batch_size * (config.epochs or 1)
    optimiser, learn, evaluate = steps(config.replace(seed=0), total, decoder)
    networks = []
    for i, sizes in enumerate((config.sizes[::-1], config.sizes)[: 1 + decoder]):
        keys = jax.random.split(jax.random.PRNGKey(config.seed + 1000 * i), len(sizes))
        networks.append(
            [
                jax.random.uniform(k, (a, b), minval=-1, maxval=1) / np.sqrt(a)
                for k, a, b in zip(keys, sizes, sizes[1:], strict=False)
            ]
        )
    arrays = [jnp.asarray(part) for part in (*data, class_means(*data[2:]))]
    return (networks, optimiser.init(networks)), learn, evaluate, arrays


def fit(config: Config, data, decoder: bool = False) -> dict[str, float]:
    """Train; give the last evaluation, and the seconds of it all."""
    began = time.perf_counter()
    state, learn, evaluate, arrays = start(config, data, decoder)
    for i in range(config.epochs or 1):
        order = shuffled(jax.random.PRNGKey(config.seed), i, len(data.images))
        state = learn(state, arrays, order)
        found = {name: float(value) for name, value in evaluate(state, arrays).items()}
    return found | {"seconds": time.perf_counter() - began}
