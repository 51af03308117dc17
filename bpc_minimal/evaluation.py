"""What a trained network can do: classify, generate, complete, each by a sweep or by inference.

Labels are numbers, 0 to n_0 - 1; images are normalised pixels (`data.normalise`), except that
`evaluate` takes the bytes of a data set. Chapters 2 to 5 use them.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, Num

from bpc_minimal.config import Config
from bpc_minimal.curvature import StepRule
from bpc_minimal.data import normalise, one_hot
from bpc_minimal.energy import Precision
from bpc_minimal.inference import BIDIRECTIONAL, Rule, infer, start_activities
from bpc_minimal.network import Network, sweep_down, sweep_up

CHUNK = 1_000  # images that settle, or that `evaluate` holds as floats, at a time
COUNTED = (2**31 - 1) // 255  # images at most, whose bytes a sum of 32 bits can hold
STEPS, STEP_SIZE = (
    (0, 400),
    (0.5, 1.0),
)  # of a label: where all pixels are seen, where some are hidden


def label_activities(
    network: Network,
    images: Float[Array, "batch n_L"],
    steps: int | None = None,
    visible: Bool[Array, "*batch n_L"] | None = None,
    *,
    rule: Rule = BIDIRECTIONAL,
    alpha_gen: Precision = 1.0,
    alpha_disc: Precision = 1.0,
    step_size: float | None = None,
    step_rule: StepRule = "curvature",
) -> Float[Array, "batch n_0"]:
    """Give the label layer's activities with the image clamped, or what is seen of it, and the label free.

    Hidden pixels start at 0, the mean pixel, and settle with the label; then the amortiser sweeps up once
    more, from the completed image. For that the precisions are no longer those of training, under which
    hidden pixels would hardly move: both are 1, for all masks alike. That, 400 steps at a rate of 1 and the
    last sweep were chosen on validation images (benchmarks/attempts.md). With nothing hidden the
    last sweep is the first, so that whole images lose nothing.

    Args:
        network: a trained network.
        images: normalised pixels; what hidden ones hold is not looked at.
        steps: of inference after the sweep that the rule starts from; 0 is the sweep alone, and so is None
            where all pixels are seen; with `visible` None is 400. A rule
            that starts from the label and teaches no amortiser, such as `GENERATIVE`, has nothing to
            sweep up with: its labels start equal, it needs steps to tell them apart, and its answer is
            the label that settled.
        visible: True where a pixel is seen, as in `complete`; None if all are.
        rule: which errors move the activities.
        alpha_gen: as in `infer`, which takes the other arguments too.
        alpha_disc: as in `infer`.
        step_size: as in `infer`; None is 0.5, and 1 with `visible`.
        step_rule: as in `infer`.

    Raises:
        ValueError: an argument does not fit, as in `infer`.
        FloatingPointError: inference diverged.

    Example:
        >>> network, *_ = bpc.pretrained()
        >>> images, labels = bpc.load_mnist("test")
        >>> bpc.label_activities(network, bpc.normalise(images[:5])).shape
        (5, 10)
    """
    partly = visible is not None
    steps = STEPS[partly] if steps is None else steps
    step_size = STEP_SIZE[partly] if step_size is None else step_size

    def settled(images, visible):
        activities = start_activities(network, rule, None, images)
        clamped = [False] * network.depth + [visible if partly else True]
        activities = infer(
            network, activities, clamped, rule, steps, step_size,
            alpha_gen=alpha_gen, alpha_disc=alpha_disc, step_rule=step_rule,
        )  # fmt: skip
        if partly and rule.teaches[1] > 0:
            activities = sweep_up(network, activities[-1])
        return activities[0]

    images = images if visible is None else jnp.where(visible, images, 0.0)
    return _in_chunks(settled, images, visible)


def classify(
    network: Network,
    images: Float[Array, "batch n_L"],
    steps: int | None = None,
    visible: Bool[Array, "*batch n_L"] | None = None,
    *,
    rule: Rule = BIDIRECTIONAL,
    alpha_gen: Precision = 1.0,
    alpha_disc: Precision = 1.0,
    step_size: float | None = None,
    step_rule: StepRule = "curvature",
) -> Int[Array, " batch"]:
    """Name the class of each image: the most active unit of `label_activities`.

    Args:
        network: a trained network.
        images: pixels that `normalise` made; a warning says where it seems to be forgotten: none of 100
            numbers or more is below 0, and many are in what the network draws. What hidden ones hold is not
            looked at.
        steps: of inference with the label free; 0 is the amortiser's sweep alone, and so is None where all
            pixels are seen; with `visible` None is 400.
        visible: as in `label_activities`, which says how an image is read that is partly hidden.
        rule: as in `label_activities`.
        alpha_gen: as in `infer`, which takes the other arguments too.
        alpha_disc: as in `infer`.
        step_size: as in `label_activities`.
        step_rule: as in `infer`.

    Returns:
        labels: 0 to n_0 - 1.

    Raises:
        ValueError: an argument does not fit, as in `infer`.
        FloatingPointError: inference diverged.

    Example:
        >>> network, *_ = bpc.pretrained()
        >>> images, labels = bpc.load_mnist("test")
        >>> bpc.classify(network, bpc.normalise(images[:5])).tolist()
        [7, 2, 1, 0, 4]
    """
    found = label_activities(
        network, images, steps, visible, rule=rule,
        alpha_gen=alpha_gen, alpha_disc=alpha_disc, step_size=step_size, step_rule=step_rule,
    )  # fmt: skip
    return jnp.argmax(found, axis=1)


def generate(
    network: Network,
    labels: Int[Array, " batch"],
    steps: int = 0,
    *,
    rule: Rule = BIDIRECTIONAL,
    alpha_gen: Precision = 1.0,
    alpha_disc: Precision = 1.0,
    step_size: float = 0.5,
    step_rule: StepRule = "curvature",
) -> Float[Array, "batch n_L"]:
    """Draw an image of each label: normalised pixels, for `data.denormalise`.

    Args:
        network: a trained network.
        labels: 0 to n_0 - 1. One label always gives one image: the network's mean of its class.
        steps: of inference with the image free; 0 is the generator's sweep alone.
        rule: which errors move the activities.
        alpha_gen: as in `infer`, which takes the other arguments too.
        alpha_disc: as in `infer`.
        step_size: as in `infer`.
        step_rule: as in `infer`.

    Raises:
        ValueError: a label is out of range, or an argument does not fit, as in `infer`.
        FloatingPointError: inference diverged.

    Example:
        >>> network, *_ = bpc.pretrained()
        >>> bpc.denormalise(bpc.generate(network, [3, 1, 4])).reshape(-1, 28, 28).shape
        (3, 28, 28)
    """

    def settled(labels):
        label = one_hot(labels, network.sizes[0]).astype(network.dtype)
        return infer(
            network, sweep_down(network, label), [True] + [False] * network.depth, rule, steps,
            step_size, alpha_gen=alpha_gen, alpha_disc=alpha_disc, step_rule=step_rule,
        )[-1]  # fmt: skip

    return _in_chunks(settled, labels)


def complete(
    network: Network,
    images: Float[Array, "batch n_L"],
    visible: Bool[Array, "*batch n_L"],
    labels: Int[Array, " batch"] | None = None,
    steps: int = 2000,
    *,
    alpha_gen: Precision | None = None,
    alpha_disc: Precision = 0.1,
    step_size: float = 1.0,
    rule: Rule = BIDIRECTIONAL,
    step_rule: StepRule = "curvature",
) -> Float[Array, "batch n_L"]:
    """Fill in hidden pixels: the visible ones are clamped, the others and the label settle.

    A pixel settles as fast as its own error is precise, so the small `alpha_gen` that training needs
    would leave hidden pixels where they start. Unless told otherwise this weighs the generative errors of
    the hidden layers by 1, that of the image by 0.1, so that the layer beside it may take longer steps,
    and the discriminative ones by 0.1. On the lower halves of 200 held-out images, with three networks of
    the preset `fast`, the RMSE was 0.227 after 500 steps and 0.218 after 2,000; with 1 for the image,
    0.231 and 0.223; of the drawing of the true class, 0.240 (benchmarks/results/completion.json).

    Args:
        network: a trained network.
        images: normalised pixels; what hidden ones hold is not looked at, they start at 0.
        visible: True where a pixel is seen; (n_L,) for all images alike or (batch, n_L).
        labels: clamps the label too, where it is known.
        steps: of inference; a quarter of them gives a paler image.
        alpha_gen: as in `infer`, which takes the other arguments too.
        alpha_disc: as in `infer`.
        step_size: as in `infer`.
        rule: as in `infer`.
        step_rule: as in `infer`.

    Returns:
        images: normalised pixels; the visible ones are as they were.

    Raises:
        ValueError: an argument does not fit, as in `infer`.
        FloatingPointError: inference diverged.

    Example:
        >>> network, images = bpc.pretrained()[0], bpc.normalise(bpc.load_mnist("test")[0][:5])
        >>> upper = np.arange(784) < 392
        >>> bpc.complete(network, images, visible=upper, steps=20).shape
        (5, 784)
    """
    if alpha_gen is None:
        alpha_gen = (1.0,) * (network.depth - 1) + (0.1,)

    def settled(images, visible, labels):
        known = labels is not None
        label = one_hot(labels, network.sizes[0]).astype(network.dtype) if known else None
        activities = start_activities(network, rule, label, images)
        clamped = [known] + [False] * (network.depth - 1) + [visible]
        return infer(
            network, activities, clamped, rule, steps, step_size,
            alpha_gen=alpha_gen, alpha_disc=alpha_disc, step_rule=step_rule,
        )[-1]  # fmt: skip

    return _in_chunks(settled, jnp.where(visible, images, 0.0), visible, labels)


def evaluate(
    network: Network, images: Num[Array, "N ..."], labels: Int[Array, " N"], config: Config
) -> dict[str, Float[Array, ""]]:
    """Measure how well one network classifies and draws.

    Args:
        network: a trained network.
        images: as a data set holds them: uint8, or floats from 0 to 1, of n_L pixels.
        labels: 0 to n_0 - 1.
        config: the run's settings; its `classify_steps` of inference come before an answer.

    Returns:
        accuracy: percent of the images whose label `classify` finds.
        rmse: root of the mean squared difference, over pixels in [0, 1], between the digit that a
            sweep from each label draws and the mean image of that label. Works inside `jax.jit`.

    Raises:
        ValueError: images or labels do not fit, the settings are of another network, or the network's
            weights are not finite.
        FloatingPointError: inference diverged; inside `jax.jit` the accuracy is NaN then.

    Example:
        >>> network, (images, labels) = bpc.pretrained()[0], bpc.load_mnist("test")
        >>> measured = bpc.evaluate(network, images, labels, bpc.preset("best"))
        >>> print(f"{measured['accuracy']:.1f} %, RMSE {measured['rmse']:.3f}")
        98.5 %, RMSE 0.018
    """
    n = network.sizes[0]

    def is_right(example):
        image, label = example
        pixels = normalise(image[None], config.pixel_mean, config.pixel_std).astype(network.dtype)
        options = config.inference()
        found = label_activities(network, pixels, config.classify_steps, **options)[0]
        # The largest of numbers that are none would be the first.
        return jnp.where(jnp.isfinite(found).all(), found.argmax() == label, jnp.nan)

    def add(carry, example):  # one by one, as all of them as floats would be four times as large
        (sums, lost), (image, label) = carry, example
        if lost is None:  # of bytes, which are added without rounding
            return (sums.at[label].add(image.astype(sums.dtype)), lost), None
        image = image.astype(sums.dtype) - lost[label]  # what rounding added before, as Kahan does
        grown = sums[label] + image
        return (sums.at[label].set(grown), lost.at[label].set(grown - sums[label] - image)), None

    images = jnp.asarray(images).reshape(len(images), -1)
    labels = jnp.asarray(labels)
    scale, dtype = (255, jnp.float32) if images.dtype == jnp.uint8 else (1, images.dtype)
    exact = images.dtype == jnp.uint8 and len(images) <= COUNTED
    right = jax.lax.map(is_right, (images, labels), batch_size=CHUNK)
    counts = jnp.bincount(labels, length=n)
    none = jnp.zeros((n, network.sizes[-1]), jnp.int32 if exact else dtype)
    (sums, _), _ = jax.lax.scan(add, (none, None if exact else none), (images, labels))
    means = sums / (scale * jnp.maximum(counts, 1).astype(none.dtype)[:, None])
    drawn = sweep_down(network, jnp.eye(n, dtype=network.dtype))[-1]
    squares = jnp.mean((drawn * config.pixel_std + config.pixel_mean - means) ** 2, axis=1)
    rmse = jnp.sqrt(jnp.sum(squares * (counts > 0)) / jnp.sum(counts > 0))
    if not isinstance(rmse, jax.core.Tracer):
        lost = np.isnan(right)  # which waits: from here on the caller may write into the images
        if lost.any():  # outside of compiled code, the first of them says why
            is_right((images[lost][0], labels[lost][0]))
        if np.isnan(rmse):
            generate(network, jnp.arange(n))
    return {"accuracy": 100 * jnp.mean(right), "rmse": rmse}


def _in_chunks(settled: Callable[..., Array], *parts: Array | None) -> Array:
    """Settle a batch of any length a chunk at a time, so that memory does not grow with it."""
    first = parts[0]
    assert first is not None
    found = [
        settled(*(None if part is None else part[i : i + CHUNK] for part in parts))
        for i in range(0, max(len(first), 1), CHUNK)
    ]
    return found[0] if len(found) == 1 else jnp.concatenate(found)
