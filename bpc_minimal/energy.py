"""The energy: a sum of squared prediction errors, from above and from below.

Chapter 1 builds it for one neuron, chapter 2 for the generator, chapter 4 for both directions. All
that follows, settling and learning, is descent on this one function.
"""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from bpc_minimal.network import Activities, Network

Precision = float | Sequence[float]


def errors(
    network: Network, activities: Activities, amortiser_inputs: Activities | None = None
) -> tuple[Activities, Activities]:
    """Subtract from each layer what the layer above, and the layer below, predict of it.

    Args:
        network: the network that predicts.
        activities: z_0..z_L.
        amortiser_inputs: what the amortiser sees, by default the activities themselves.

    Returns:
        e: e[l] = z_l - f_{l-1}(z_{l-1}), the generative errors; nothing predicts the label from
            above, so e[0] is zero.
        d: d[l] = z_l - g_l(z_{l+1}), the discriminative errors; nothing predicts the image from
            below, so d[L] is zero.

    Raises:
        ValueError: shapes or dtypes do not fit the network, or the batches differ.

    Example:
        >>> network = bpc.make_network(jax.random.PRNGKey(0), (10, 30, 784))
        >>> e, d = bpc.errors(network, bpc.sweep_down(network, bpc.one_hot([3])))
        >>> [float(abs(error).max()) for error in e]  # each layer is what the one above predicts
        [0.0, 0.0, 0.0]
    """
    z, L = activities, network.depth
    below = z if amortiser_inputs is None else amortiser_inputs
    e = [jnp.zeros_like(z[0])] + [z[l] - network.f(l - 1, z[l - 1]) for l in range(1, L + 1)]
    d = [z[l] - network.g(l, below[l + 1]) for l in range(L)] + [jnp.zeros_like(z[L])]
    return e, d


def energy(
    network: Network,
    activities: Activities,
    alpha_gen: Precision = 1.0,
    alpha_disc: Precision = 1.0,
    amortiser_inputs: Activities | None = None,
) -> Float[Array, " batch"]:
    """Weigh and add the squared errors, one energy an example.

        E = sum_{l=1..L} alpha_gen_l / 2 |e_l|^2
          + sum_{l=0..L-1} alpha_disc_l / 2 |d_l|^2

    What else counts on the square, should you change it: CONTRIBUTING.md, "Change the method".

    Args:
        network: the network that predicts.
        activities: z_0..z_L, each (batch, n_l).
        alpha_gen: the precision of the generative errors: a number, or L numbers, for the layers 1
            to L. A precision of exactly 0 leaves its error out; others are 1e-12 to 1e12.
        alpha_disc: the precision of the discriminative errors: a number, or L numbers, for the
            layers 0 to L - 1.
        amortiser_inputs: as in `errors`.

    Raises:
        ValueError: shapes or dtypes do not fit the network, or there are not L precisions.

    Example:
        >>> network = bpc.make_network(jax.random.PRNGKey(0), (10, 30, 784))
        >>> activities = bpc.sweep_down(network, bpc.one_hot([3, 8]))
        >>> bpc.energy(network, activities, alpha_gen=1.0, alpha_disc=0.1).shape
        (2,)

    Source: Oliviers, Tang and Bogacz (2025), https://arxiv.org/abs/2505.23415
    """
    precisions = (*by_layer(alpha_gen, network.depth), *by_layer(alpha_disc, network.depth))
    e, d = errors(network, activities, amortiser_inputs)
    label, *_ = activities
    total = jnp.zeros(len(label), network.dtype)
    for alpha, error in zip(precisions, (*e[1:], *d[:-1]), strict=True):
        if isinstance(alpha, (int, float)) and not alpha:
            continue  # not even computed; of a number that JAX traces the value is not known, so it counts
        total += 0.5 * alpha * jnp.sum(error**2, axis=1)
    return total


def activity_gradient(
    network: Network,
    activities: Activities,
    alpha_gen: Precision = 1.0,
    alpha_disc: Precision = 1.0,
) -> Activities:
    """Differentiate the energy by each activity: dE/dz_l, (batch, n_l), for l = 0..L.

    By hand, with * for the product of each pair of elements:

        dE/dz_l = alpha_gen_l e_l + alpha_disc_l d_l
                  - act'(z_l) * (alpha_gen_{l+1} V_l^T e_{l+1}
                                 + alpha_disc_{l-1} W_{l-1}^T d_{l-1})

    Chapter 4 derives it, and a test holds the two together; here autodiff does it, as fast. What
    a caller does not use, jit leaves out.

    Raises:
        ValueError: as in `energy`.

    Example:
        >>> network = bpc.make_network(jax.random.PRNGKey(0), (10, 30, 784))
        >>> activities = bpc.sweep_down(network, bpc.one_hot([3, 8]))
        >>> [g.shape for g in bpc.activity_gradient(network, activities)]
        [(2, 10), (2, 30), (2, 784)]
    """
    return jax.grad(lambda z: energy(network, z, alpha_gen, alpha_disc).sum())(list(activities))


def by_layer(alpha: Precision, L: int) -> tuple[float, ...]:
    """Spread a precision over L layers, unless there are L of them already."""
    return tuple(alpha) if isinstance(alpha, Sequence) else (alpha,) * L
