"""What is the method once more, and faster: nothing here is needed to understand it.

Chapter 10 counts what it saves. Whoever changes the energy or inference changes it too, or takes it out of
`learning.train_step`.
"""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from bpc_minimal.curvature import Steps
from bpc_minimal.energy import energy
from bpc_minimal.inference import descend
from bpc_minimal.network import Activities, Network


def descend_from_labels(
    network: Network,
    classes: Activities,
    labels: Int[Array, " batch"],
    image: Float[Array, "batch n_L"],
    gen: Sequence[float],
    disc: Sequence[float],
    step_sizes: Steps,
) -> tuple[Activities, Float[Array, " batch"]]:
    """Take the first step of inference after a sweep down, once a class where that is enough.

    The same as `descend` from the swept activities with the image put in. After a sweep down the only
    generative error is the image's, and it and the discriminative error beside it are all that differ
    from one image of a class to the next: the others are computed for `classes`, the sweep of each of
    the n_0 labels, and looked up. What that saves was measured (benchmarks/attempts.md).

    Returns:
        activities after the step, and the energy before it.
    """
    L = network.depth
    others = (0.0,) * L, (*disc[:-1], 0.0)
    clamped = [True] + [False] * (L - 1) + [True]
    moved = [rows[labels] for rows in descend(network, classes, clamped, *others, step_sizes)]
    before = energy(network, classes, *others)[labels]

    last = classes[L - 1][labels]
    e, d = image - classes[L][labels], last - network.g(L - 1, image)
    before += 0.5 * (gen[-1] * jnp.sum(e**2, axis=1) + disc[-1] * jnp.sum(d**2, axis=1))
    if L > 1:
        _, send_back = jax.vjp(lambda z: network.f(L - 1, z), last)
        moved[L - 1] -= step_sizes[L - 1] * (disc[-1] * d - gen[-1] * send_back(e)[0])
    return [*moved[:L], image], before
