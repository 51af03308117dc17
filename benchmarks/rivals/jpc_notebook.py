"""The way of jpc's notebook, where jpc itself is not to be had: its loop and its calls, by this package's
functions.

Its notebook on bidirectional networks calls compiled functions one by one from a Python loop. Here the same
calls are compiled one by one too, each an `eqx.filter_jit`, of this package's energy. It is not jpc, and
its row says so; it runs where `jpc_mnist.py` could not be installed. Settings are those of that file.
"""
# /// script
# requires-python = ">=3.11"
# dependencies = []
# [tool.arena]
# title = "the way of jpc's notebook (not jpc itself)"
# own = true
# instead_of = "jpc"
# batch = 64
# sizes = "10-300-300-784, both ways"
# method = "predictive coding"
# how = "calls of compiled functions from a Python loop, as that notebook makes them, ten epochs"
# source = "https://github.com/thebuckleylab/jpc/blob/main/examples/bidirectional_pc.ipynb"
# ///

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from protocol import MEAN, STD, batches, mnist, one_hot, report, rmse

from bpc_minimal import Network, energy, make_network

ACTIVITY_LR, PARAM_LR, BATCH_SIZE, DEPTH, N_EPOCHS = 5e-1, 1e-3, 64, 3, 10
ALPHA = (1e-3,) * DEPTH

train_images, train_labels = mnist("train")
test_images, test_labels = mnist("test")
train_images, test_images = (train_images - MEAN) / STD, (test_images - MEAN) / STD
train_labels = one_hot(train_labels)

network = make_network(jax.random.PRNGKey(0), (10, 300, 300, 784))
movers, learner = optax.sgd(ACTIVITY_LR), optax.adam(PARAM_LR)
states = [learner.init(part) for part in (network.generator, network.amortiser)]


@eqx.filter_jit
def sweep(layers, x):
    activities = []
    for i, layer in enumerate(layers):
        x = jax.vmap(layer)(x if i == 0 else jax.nn.relu(x))
        activities.append(x)
    return activities


@eqx.filter_jit
def mse_loss(a, b):
    return 0.5 * jnp.mean((a - b) ** 2)


def mean_energy(generator, amortiser, hidden, image, label):
    network = Network(generator, amortiser, "relu")
    return energy(network, [label, *hidden, image], alpha_gen=ALPHA).mean()


@eqx.filter_jit
def update_activities(generator, amortiser, hidden, state, image, label):
    gradient = jax.grad(mean_energy, argnums=2)(generator, amortiser, hidden, image, label)
    updates, state = movers.update(gradient, state, hidden)
    return eqx.apply_updates(hidden, updates), state


@eqx.filter_jit
def update_params(generator, amortiser, hidden, states, image, label):
    gradients = jax.grad(mean_energy, argnums=(0, 1))(generator, amortiser, hidden, image, label)
    found = [
        learner.update(*each)
        for each in zip(gradients, states, (generator, amortiser), strict=True)
    ]
    models = (generator, amortiser)
    models = [eqx.apply_updates(m, updates) for m, (updates, _) in zip(models, found, strict=True)]
    return models, [state for _, state in found]


if __name__ == "__main__":
    generator, amortiser = network.generator, network.amortiser
    iteration, random = 0, np.random.default_rng(0)
    for _ in range(N_EPOCHS):
        for image, label in batches(train_images, train_labels, BATCH_SIZE, random):
            *upwards, read = sweep(amortiser[::-1], image)
            amort_loss = mse_loss(read, label)
            gen_loss = mse_loss(sweep(generator, label)[-1], image)
            hidden = upwards[::-1]
            state = movers.init(hidden)
            for _ in range(DEPTH - 1):
                hidden, state = update_activities(generator, amortiser, hidden, state, image, label)
            (generator, amortiser), states = update_params(
                generator, amortiser, hidden, states, image, label
            )
            iteration += 1
            if iteration == 1:
                jax.block_until_ready((states, amort_loss, gen_loss))
                report(iteration)
        found = np.argmax(sweep(amortiser[::-1], test_images)[-1], axis=1)
        drawn = np.asarray(sweep(generator, np.eye(10, dtype=np.float32))[-1]) * STD + MEAN
        report(iteration, 100 * np.mean(found == test_labels), rmse=rmse(drawn))
