"""The network: a generator that runs from the label to the image, and an amortiser that runs back.

    label            hidden                       image
     z_0  --f_0-->    z_1    --f_1-->  ...  -->    z_L      generator, top-down: weights V_0..V_{L-1}
     z_0  <--g_0--    z_1    <--g_1--  ...  <--    z_L      amortiser, bottom-up: weights W_0..W_{L-1}
     n_0              n_1                          n_L      units: `sizes`, such as (10, 300, 300, 784)

Layers are counted from the label, layer 0, to the image, layer L. Activities are a list z_0..z_L in
that order, whichever way they were computed. Chapter 2 builds the generator, chapter 3 the amortiser.
"""

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray


class Activation(NamedTuple):
    """A function of one unit, and the most that its slope reaches (inference needs it for its step)."""

    function: Callable[[Array], Array]
    steepness: float


ACTIVATIONS = {
    "linear": Activation(lambda z: z, 1.0),
    "relu": Activation(jax.nn.relu, 1.0),
    "leaky_relu": Activation(jax.nn.leaky_relu, 1.0),
    "tanh": Activation(jnp.tanh, 1.0),
    "gelu": Activation(jax.nn.gelu, 1.13),
    "silu": Activation(jax.nn.silu, 1.1),
}

Activities = list[Float[Array, "batch _"]]


def add_activation(
    name: str, function: Callable[[Array], Array], steepness: float | None = None
) -> None:
    """Add an activation of your own, which `make_network` and `Config` then know by its name.

    Args:
        name: a new one; the same function may be added again, with the same steepness.
        function: of each number by itself, that JAX can differentiate.
        steepness: its steepest slope, up or down, which inference needs for its step. If it is left out it
            is looked for at 100,001 points from -50 to 50: give it where the slope is steeper elsewhere.

    Raises:
        ValueError: the name is taken by another function or steepness, which compiled code remembers by it,
            or the function is no such one.

    Example:
        >>> bpc.add_activation("softplus", jax.nn.softplus)
        >>> bpc.preset("fast", activation="softplus").activation
        'softplus'
    """
    steepness = steepest(function) if steepness is None else steepness
    ACTIVATIONS[name] = Activation(function, steepness)


def steepest(function: Callable[[Array], Array]) -> float:
    """Look for the steepest slope of an activation, up or down, from -50 to 50."""
    slopes = jax.vmap(jax.grad(function))(jnp.linspace(-50.0, 50.0, 100_001))
    return float(jnp.max(jnp.abs(slopes)))


class Network(eqx.Module):
    """Both directions between the same layers.

    Attributes:
        generator: L linear maps; generator[l] predicts z_{l+1} from z_l.
        amortiser: L linear maps; amortiser[l] predicts z_l from z_{l+1}.
        activation: a name in `ACTIVATIONS`, applied to hidden activities before a linear map.
    """

    generator: tuple[eqx.nn.Linear, ...]
    amortiser: tuple[eqx.nn.Linear, ...]
    activation: str = eqx.field(static=True)

    @property
    def sizes(self) -> tuple[int, ...]:
        """Units of each layer, from the label n_0 to the image n_L."""
        inputs = tuple(layer.weight.shape[1] for layer in self.generator)
        return (*inputs, self.generator[-1].weight.shape[0])

    @property
    def dtype(self) -> Any:
        """Of the weights, and so of all activities."""
        return self.generator[0].weight.dtype

    @property
    def depth(self) -> int:
        """L, the number of linear maps each way; there are L + 1 layers."""
        return len(self.generator)

    def act(self, l: int, z: Float[Array, "batch n_l"]) -> Float[Array, "batch n_l"]:
        """Firing rates of layer l: the activation, or z itself at the label and at the image."""
        return z if l in (0, self.depth) else ACTIVATIONS[self.activation].function(z)

    def f(self, l: int, z: Float[Array, "batch n_l"]) -> Float[Array, "batch n_{l+1}"]:
        """Predict z_{l+1} from z_l, top-down: f_l(z_l) = V_l act(z_l) + b_l."""
        return _linear(self.generator[l], self.act(l, z))

    def g(self, l: int, z: Float[Array, "batch n_{l+1}"]) -> Float[Array, "batch n_l"]:
        """Predict z_l from z_{l+1}, bottom-up: g_l(z_{l+1}) = W_l act(z_{l+1}) + c_l."""
        return _linear(self.amortiser[l], self.act(l + 1, z))


def make_network(
    key: PRNGKeyArray,
    sizes: Sequence[int] = (10, 300, 300, 784),
    activation: str = "relu",
    use_bias: bool = True,
) -> Network:
    """Draw a new network; weights and biases are uniform within 1 / sqrt(inputs), as in Equinox.

    Args:
        key: a key of `jax.random`.
        sizes: units of each layer, from the label to the image; two layers or more.
        activation: a name in `ACTIVATIONS`.
        use_bias: whether each linear map adds a bias.

    Raises:
        ValueError: the key is none, sizes are not two or more positive whole numbers, the activation is
            unknown, or use_bias is neither True nor False.

    Example:
        >>> network = bpc.make_network(jax.random.PRNGKey(0), sizes=(10, 30, 784))
        >>> network.sizes, network.depth
        ((10, 30, 784), 2)
    """
    L = len(sizes) - 1
    largest = max(a * b for a, b in zip(sizes[:-1], sizes[1:], strict=True))
    draw = partial(_draw_linear, use_bias=use_bias, length=largest)
    keys = jax.random.split(key, 2 * L)
    return Network(
        generator=tuple(draw(keys[l], sizes[l], sizes[l + 1]) for l in range(L)),
        amortiser=tuple(draw(keys[L + l], sizes[l + 1], sizes[l]) for l in range(L)),
        activation=activation,
    )


def sweep_down(network: Network, labels: Float[Array, "batch n_0"]) -> Activities:
    """Predict every layer from the label: z_{l+1} = f_l(z_l). Only the generator is used.

    Raises:
        ValueError: the labels are not floats of shape (batch, n_0); `one_hot` makes them so.

    Example:
        >>> network, *_ = bpc.pretrained()
        >>> [z.shape for z in bpc.sweep_down(network, bpc.one_hot([3, 8]))]
        [(2, 10), (2, 512), (2, 512), (2, 784)]
    """
    activities = [labels]
    for l in range(network.depth):
        activities.append(network.f(l, activities[-1]))
    return activities


def sweep_up(network: Network, images: Float[Array, "batch n_L"]) -> Activities:
    """Predict every layer from the image: z_l = g_l(z_{l+1}). Only the amortiser is used.

    Returns:
        activities: from the label, z_0, to the image, z_L, although the sweep ran the other way.

    Raises:
        ValueError: the images are not floats of shape (batch, n_L); `normalise` makes them so.

    Example:
        >>> network, *_ = bpc.pretrained()
        >>> images, labels = bpc.load_mnist("test")
        >>> bpc.sweep_up(network, bpc.normalise(images[:5]))[0].argmax(axis=1).tolist()
        [7, 2, 1, 0, 4]
    """
    activities = [images]
    for l in reversed(range(network.depth)):
        activities.insert(0, network.g(l, activities[0]))
    return activities


def _draw_linear(
    key: PRNGKeyArray, inputs: int, outputs: int, use_bias: bool, length: int
) -> eqx.nn.Linear:
    """Draw what `equinox.nn.Linear` draws with this key, out of `length` numbers at a time.

    A draw of each new length is a program to compile, which takes as long as hundreds of iterations: so
    all layers draw the same length, and cut it. The first of JAX's random numbers do not depend on how
    many are drawn.
    """
    layer = eqx.filter_eval_shape(eqx.nn.Linear, inputs, outputs, use_bias, key=key)
    keys = jax.random.split(key)

    def draw(key: PRNGKeyArray, like: jax.ShapeDtypeStruct) -> Array:
        bound = 1 / math.sqrt(inputs)
        drawn = jax.random.uniform(key, (length,), like.dtype, -bound, bound)
        return drawn[: like.size].reshape(like.shape)

    layer = eqx.tree_at(lambda m: m.weight, layer, draw(keys[0], layer.weight))
    return eqx.tree_at(lambda m: m.bias, layer, draw(keys[1], layer.bias)) if use_bias else layer


def _linear(layer: eqx.nn.Linear, x: Float[Array, "batch inputs"]) -> Float[Array, "batch outputs"]:
    # GPUs and TPUs leave digits of float32 out, unless they are asked for: no law holds to more than is left.
    asked = jax.config.jax_default_matmul_precision  # type: ignore[attr-defined]
    y = jnp.matmul(x, layer.weight.T, precision=None if asked else "highest")
    return y if layer.bias is None else y + layer.bias[None]
