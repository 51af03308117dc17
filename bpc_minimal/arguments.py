"""Taking arguments: what callers may hand over, checked once and turned into what the inside uses.

`bpc_minimal.energy` is `public(energy)`: each argument is taken by the function that TAKERS names for its
parameter, then the function of that name in its module runs, which checks nothing. So the science reads
without checks, and the compiled loop runs without them. Numbers may be Python's, NumPy's or JAX's; arrays
NumPy's, JAX's, torch's, lists or pictures. A tracer has no value yet: its shape and dtype are taken alone.
"""

import contextlib
import dataclasses
import difflib
import functools
import inspect
import math
import operator
import reprlib
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any, ParamSpec, TypeVar

import jax
import jax.numpy as jnp
import numpy as np

from bpc_minimal.data import CLASSES, DATASETS, PIXELS, SPLITS, load_mnist
from bpc_minimal.files import expanded
from bpc_minimal.network import ACTIVATIONS, Network, steepest, sweep_down

P = ParamSpec("P")
R = TypeVar("R")
Given = Mapping[str, Any]  # the arguments of a call, those before this one already taken
NONE: Given = MappingProxyType({})
LARGEST = 2**31 - 1  # of the integers that compiled loops count with
LAYERS = 64  # the time to compile grows with their square, and takes minutes beyond
TINIEST, HUGEST = (float(x) for x in (np.finfo(np.float32).tiny, np.finfo(np.float32).max))
LEAST, MOST = 1e-12, 1e12  # of precisions, so that float32 has room for their products
# Bytes up to this at most, in so many images, are of another scale than 0 to 255.
DARK, SEVERAL = 64, 10
ENOUGH = 100  # numbers that would not all be 0 or more if they were normalised
ALIKE = 0.7  # of two words: with less nobody can tell what was meant
ROUNDING = 1e-5  # by which pixels that were scaled or resized may leave 0 to 1


class ArgumentError(ValueError):
    """Says which argument was wrong, what was given, what was expected and what to do.

    Attributes:
        name: of the argument, so that the command line can speak of its option.
        rest: the message after the name.
    """

    def __init__(self, name: str, rest: str, whole: str | None = None):
        """Join the name and the rest; `whole` is another wording of both."""
        super().__init__(whole or f"{name}{rest}")
        self.name, self.rest = name, rest

    def __reduce__(self) -> Any:
        """Say how it is made again, in another process for example: from three words, not one."""
        return type(self), (self.name, self.rest, str(self)), self.__dict__


@contextlib.contextmanager
def own_settings() -> Iterator[None]:
    """Set JAX aside from what its user forbids: who forbids means their own code, and not Optax's or ours."""
    with (
        jax.transfer_guard("allow"),
        jax.numpy_dtype_promotion("standard"),
        jax.numpy_rank_promotion("allow"),
        jax.legacy_prng_key("allow"),
    ):
        yield


def public(function: Callable[P, R], **own: Callable[..., Any]) -> Callable[P, R]:
    """Make the form of a function that callers meet: its arguments are taken, then it runs.

    Args:
        function: of one of the modules.
        **own: takers for parameters that mean something else here than elsewhere.
    """
    signature = inspect.signature(function)
    takers = {name: own.get(name) or TAKERS[name] for name in signature.parameters}

    @functools.wraps(function)
    def taken(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            bound = signature.bind(*args, **kwargs)
        except TypeError as error:
            raise TypeError(f"{function.__name__}: {error}; {_meant(str(error), takers)}") from None
        bound.apply_defaults()
        given = bound.arguments
        with own_settings():
            for name, taker in takers.items():
                given[name] = taker(name, given[name], given)
            return function(*bound.args, **bound.kwargs)

    taken.__module__ = __package__  # where this form of it is found, by pickle too
    return taken


def _meant(error: str, names: Iterable[str]) -> str:
    """Say which parameter was probably meant, or which there are."""
    word = error.split("'")[-2] if "unexpected keyword" in error else ""
    close = difflib.get_close_matches(word, names, 1, ALIKE)
    return f"did you mean {close[0]}?" if close else f"it takes {', '.join(names)}"


def near(word: Any, names: Iterable[str]) -> str:
    """Ask whether the name was meant that is spelt much like a word, whatever its case."""
    folded = {name.lower(): name for name in names}
    close = (
        difflib.get_close_matches(word.lower(), folded, 1, ALIKE) if isinstance(word, str) else []
    )
    return f"; did you mean {folded[close[0]]}?" if close else ""


# Numbers --------------------------------------------------------------------------------------------


def shown(value: Any) -> str:
    """Write what was given, on one line and not too long."""
    try:
        text = reprlib.repr(value) if isinstance(value, (str, bytes, int)) else repr(value)
    except Exception:  # whatever an object of another package raises
        text = f"<{type(value).__name__}>"
    text = " ".join(text.split())
    return text if len(text) <= 120 else f"{text[:117]}..."


def whole(name: str, value: Any, given: Given = NONE, least: int = 0, most: int = LARGEST) -> int:
    """Take a whole number of `least` to `most`; `True` is none."""
    wanted = "a positive whole number" if least == 1 else f"a whole number of {least} or more"
    if most != LARGEST:
        wanted = f"a whole number of {least} to {most:,}"
    static(name, value)
    try:
        number = None if _is_flag(value) else operator.index(value)
    except (TypeError, RuntimeError):
        number = None
    if number is not None and number > most == LARGEST:
        wanted += f", and at most {most:,}"
    if number is None or not least <= number <= most:
        raise ArgumentError(name, f"={shown(value)} given, {wanted} expected")
    return number


def number(
    name: str, value: Any, given: Given = NONE, least: float = -HUGEST, above: float | None = None
) -> Any:
    """Take a real number that float32 can hold, of `least` or more, or larger than `above`; or a tracer."""
    if isinstance(value, jax.core.Tracer) and value.shape == () and _is_real(value.dtype):
        return value
    wanted = "a finite number" if least < 0 else f"a number of {least:g} or more"
    if above is not None:
        wanted = "a positive number" if above == 0 else f"a number above {above:g}"
    real = math.nan
    text = isinstance(value, (str, bytes)) or (
        isinstance(value, np.ndarray) and value.dtype.kind in "USO"
    )
    if not text and not _is_flag(value):
        try:
            real = math.nan if np.ndim(value) or np.iscomplexobj(value) else float(value)
        except OverflowError:  # a whole number of more than 308 digits
            real = HUGEST * 2
        except (TypeError, ValueError, RuntimeError):
            pass
    low = real < least or (above is not None and real <= above)
    if math.isfinite(real) and real > HUGEST:
        wanted += f" and of at most {HUGEST:.3g}"
    elif above == 0 and 0 < real < TINIEST:
        wanted += f", of {TINIEST:.3g} or more,"
    elif math.isfinite(real) and not low:
        return real
    raise ArgumentError(name, f"={shown(value)} given, {wanted} expected")


def is_a(value: Any, name: str) -> bool:
    """Whether a value is of one of the package's own classes, of modules that import this one."""
    return f"{__package__}.{name}" in {f"{c.__module__}.{c.__name__}" for c in type(value).__mro__}


def static(name: str, value: Any) -> None:
    """Raise where JAX traces what a program is compiled for."""
    if isinstance(value, jax.core.Tracer):
        raise ArgumentError(
            name,
            " traced by JAX given, a plain value expected: name it in static_argnums or static_argnames of "
            "jax.jit",
        )


def concrete(name: str, *parts: Any) -> None:
    """Raise where JAX traces what is looked at, or what is used again and again, outside of compiled code."""
    if any(isinstance(part, jax.core.Tracer) for part in parts):
        raise ArgumentError(
            name, " traced by JAX given, and their values are needed: call this outside of jax.jit"
        )


def flag(name: str, value: Any, given: Given = NONE) -> bool:
    """Take True or False, NumPy's too."""
    static(name, value)
    if not isinstance(value, (bool, np.bool_)):
        raise ArgumentError(name, f"={shown(value)} given, True or False expected")
    return bool(value)


def choice(
    name: str, value: Any, given: Given = NONE, *, of: Iterable[str], what: str | None = None
) -> str:
    """Take one of several words."""
    if not isinstance(value, str) or value not in list(of):
        choices = f"; choose one of {', '.join(of)}" + near(value, of)
        raise ArgumentError(
            name,
            f"={shown(value)} given{choices}",
            f"unknown {what or name} {shown(value)}{choices}",
        )
    return value


def weight(name: str, value: Any) -> Any:
    """Take what errors are weighed by: 0, or a number with which float32 can still calculate."""
    taken = number(name, value, least=0)
    if not (isinstance(taken, jax.core.Tracer) or taken == 0 or LEAST <= taken <= MOST):
        raise ArgumentError(name, f"={shown(value)} given, 0 or {LEAST:g} to {MOST:g} expected")
    return taken


def precisions(name: str, value: Any, given: Given = NONE, L: int | None = None) -> tuple[Any, ...]:
    """Take a precision for each of L layers: one number for all, or L of them."""
    network = given.get("network")
    L = given["network"].depth if L is None else L
    several = isinstance(value, (list, tuple, range)) or getattr(value, "ndim", 0) != 0
    each = tuple(value) if several else (value,) * L
    if len(each) != L:
        raise ArgumentError(
            name,
            f" of {len(each)} numbers given, {L} expected: one for each linear map, or one number for all",
        )
    try:
        taken = [weight(name, a) for a in each]
    except ArgumentError:
        raise ArgumentError(
            name,
            f"={shown(value)} given, finite numbers of 0 or more expected: 0, or {LEAST:g} to {MOST:g}; "
            "activities settle by the ratios of precisions, so that all may be scaled alike",
        ) from None
    dtype = None if network is None else network.dtype
    return tuple(a.astype(dtype) if isinstance(a, jax.core.Tracer) else a for a in taken)


def pair(name: str, value: Any) -> tuple[float, float]:
    """Take a rule's two weights, of the generative and of the discriminative errors."""
    try:
        first, second = _in_order(value)
    except (TypeError, ValueError):
        first = second = None
    if any(isinstance(part, jax.core.Tracer) for part in (value, first, second)):
        rest = (
            " traced by JAX given, plain numbers expected, as compiled code knows a rule by them: weigh the "
            "errors by alpha_gen and alpha_disc, which may be traced"
        )
        raise ArgumentError(name, rest, f"Rule {name}{rest}")
    try:
        first, second = weight(name, first), weight(name, second)
    except (TypeError, ValueError):
        rest = (
            f"={shown(value)} given, two weights of 0 or more expected, 0 or {LEAST:g} to {MOST:g}: of the "
            "generative and of the discriminative errors"
        )
        raise ArgumentError(name, rest, f"Rule {name}{rest}") from None
    return first, second


# Arrays ---------------------------------------------------------------------------------------------


def array(name: str, value: Any) -> Any:
    """Take an array of numbers or booleans: NumPy's, JAX's, torch's, a list, a picture, or a tracer."""
    taken: Any = value
    parts = jax.tree.leaves(value) if isinstance(value, (list, tuple)) else (value,)
    if any(isinstance(part, np.ma.MaskedArray) for part in parts):
        raise ArgumentError(name, " with a mask given, an array without one expected: .filled(0)")
    if isinstance(value, jax.Array):
        alive(name, value)
    if not isinstance(value, (jax.Array, np.ndarray)):  # a tracer is a jax.Array
        try:
            taken = np.asarray(value)
        except Exception as error:  # whatever an object of another package raises
            raise ArgumentError(
                name, f" of {type(value).__name__} given, an array expected ({_line(error)})"
            ) from error
    if taken.dtype == object and taken.size and all(isinstance(one, int) for one in taken.flat):
        raise ArgumentError(name, f" {shown(value)} given, integers of at most 64 bits expected")
    number_ = jnp.issubdtype(taken.dtype, np.number) and taken.dtype.kind != "m"  # a time is none
    if not (number_ or taken.dtype == np.bool_):
        raise ArgumentError(
            name, f" {taken.dtype} {taken.shape} given, an array of numbers expected"
        )
    return native(taken)


def native(x: Any) -> Any:
    """Give NumPy's numbers as JAX knows them: bytes in this machine's order, and 64 bits at most."""
    if not isinstance(x, np.ndarray):
        return x
    dtype = np.dtype(np.float64) if x.dtype == np.longdouble else x.dtype
    with np.errstate(over="ignore"):  # whoever needs finite numbers looks for it
        return x.astype(dtype.newbyteorder("="), copy=False)


def own(x: Any) -> Any:
    """Copy what is NumPy's: JAX may read it after a call has returned, when its owner writes into it."""
    return np.array(x) if isinstance(x, np.ndarray) else x


def alive(name: str, value: Any) -> Any:
    """Take what is an array of JAX's, or made of some, unless the memory of one was given away."""
    for leaf in jax.tree.leaves(value):
        if isinstance(leaf, jax.Array) and not isinstance(leaf, jax.core.Tracer):
            if leaf.is_deleted():
                raise ArgumentError(
                    name,
                    " given whose memory is gone: it was donated or deleted; pass a copy of it",
                )
    return value


def layer(network: Any, l: int, value: Any, finite: bool = True) -> Any:
    """Take activities of layer l: real numbers (batch, n_l), in the dtype of the network's weights."""
    L, n = network.depth, network.sizes[l]
    name = {0: "label", L: "image"}.get(l, "hidden")
    help_ = {"label": "; one_hot(labels) makes them", "image": "; normalise(images) makes them"}
    wanted = f"floats of shape (batch, {n}) expected" + help_.get(name, "")
    z = array(f"activities of layer {l} (the {name})", value)
    if z.shape != (1, n) and math.prod(z.shape) == n:
        wanted += "; of a single one, .reshape(1, -1) makes a batch"
    if z.ndim != 2 or z.shape[1] != n or not jnp.issubdtype(z.dtype, jnp.floating):
        raise ArgumentError(
            "activities",
            f" of layer {l}: {z.dtype} {z.shape}; {wanted}",
            f"{z.dtype} {z.shape} given as activities of layer {l} (the {name}), {wanted}",
        )
    with np.errstate(over="ignore"):  # it is looked for next
        # By NumPy a copy of what its owner may change, as clamped layers are given back.
        taken = z.astype(network.dtype)
    if finite and not _finite(taken):
        raise ArgumentError(
            "activities",
            f" of layer {l} hold NaN or infinity",
            f"activities of layer {l} (the {name}) hold NaN or infinity; finite numbers expected: "
            "look for a division by zero in what made them, or a training run that diverged",
        )
    return jnp.asarray(taken)


def take_activities(name: str, value: Any, given: Given) -> list[Any]:
    """Take z_0..z_L, each (batch, n_l), of one batch."""
    network = given["network"]
    if not isinstance(value, (list, tuple)) or len(value) != network.depth + 1:
        found = f"{len(value)} layers" if isinstance(value, (list, tuple)) else shown(value)
        raise ArgumentError(
            name,
            f" of {found} given, {network.depth + 1} expected",
            f"{found} of activities given, {network.depth + 1} expected, from the label to the image, "
            "as sweep_up and sweep_down return them",
        )
    taken = [layer(network, l, z) for l, z in enumerate(value)]
    if len({len(z) for z in taken}) > 1:
        raise ArgumentError(
            name,
            " of unequal batches given",
            f"activities for {[len(z) for z in taken]} examples given; each layer must have the same "
            "batch",
        )
    return taken


def take_amortiser_inputs(name: str, value: Any, given: Given) -> list[Any] | None:
    """Take what the amortiser sees: activities of the same batch, or nothing."""
    rule = given.get("rule")
    if value is None:
        if rule is not None and rule.amortiser_inputs == "swept" and rule.teaches[1]:
            raise ArgumentError(
                "amortiser_inputs",
                " missing",
                "no amortiser_inputs given, but the rule's amortiser learns from its own sweep: pass "
                "amortiser_inputs=sweep_up(network, images)",
            )
        return None
    taken = take_activities("amortiser_inputs", value, given)
    batch = len(given["activities"][0])
    if len(taken[0]) != batch:
        raise ArgumentError(
            "amortiser_inputs",
            f" for {len(taken[0])} examples given, {batch} expected, as many as "
            "the activities have",
        )
    return taken


def take_clamped(name: str, value: Any, given: Given) -> list[Any]:
    """Take for each layer True, False, or booleans that broadcast to its activities."""
    activities = given["activities"]
    if not isinstance(value, (list, tuple)) or len(value) != len(activities):
        found = (
            f"names {len(value)} layers"
            if isinstance(value, (list, tuple))
            else f"is {shown(value)}"
        )
        raise ArgumentError(
            "clamped",
            f" {found}, {len(activities)} expected: True, False or a boolean array for each "
            "layer from the label to the image",
        )
    taken: list[Any] = []
    for l, (stays, z) in enumerate(zip(value, activities, strict=True)):
        if isinstance(stays, (bool, np.bool_)):
            taken.append(bool(stays))
            continue
        stays = array(f"clamped[{l}]", stays)
        fits = stays.ndim <= 2 and all(
            a in (1, b) for a, b in zip(stays.shape[::-1], z.shape[::-1], strict=False)
        )
        if stays.dtype != np.bool_ or not fits:
            raise ArgumentError(
                "clamped",
                f"[{l}] is {stays.dtype} {stays.shape}; True, False or a boolean array that "
                f"broadcasts to {z.shape} expected"
                + (": .astype(bool) makes one of 0 and 1" if fits else ""),
            )
        taken.append(jnp.broadcast_to(jnp.asarray(own(stays)), z.shape))
    return taken


def class_labels(value: Any, classes: int) -> Any:
    """Take labels: integers (batch,) of 0 to classes - 1."""
    labels = array("labels", value)
    if labels.ndim != 1 or not jnp.issubdtype(labels.dtype, jnp.integer):
        help_ = ""
        if labels.ndim == 0:
            help_ = "; for a single label pass jnp.array([label])"
        elif labels.ndim == 2:
            column = labels.shape[1] == 1
            help_ = (
                f"; {'labels[:, 0]' if column else 'of one-hot rows, labels.argmax(1)'} makes those"
            )
        elif labels.ndim == 1 and _is_float(labels):
            help_ = "; of whole numbers, labels.astype(int) makes those"
        raise ArgumentError(
            "labels",
            f" {labels.dtype} {labels.shape} given, integers of shape (batch,) expected{help_}",
        )
    if not isinstance(labels, jax.core.Tracer):
        values = np.asarray(labels)
        if values.dtype.itemsize < 4:  # which may have no room for the number of classes
            values = values.astype(np.int32)
        wrong = np.unique(values[(values < 0) | (values >= classes)])
        if wrong.size:
            raise ArgumentError(
                "labels",
                f" {wrong[:5].tolist()} given, 0 to {classes - 1} expected; for data with "
                "another number of classes, sizes[0] or classes= says how many",
            )
    return labels.astype(np.int32)


def raw_images(
    value: Any, pixels: int | None, mean: float, std: float, kind: str = "", some: bool = False
) -> Any:
    """Take images as a data set holds them: bytes, or floats that `mean` and `std` are for.

    Shape (N, ...), `pixels` numbers each; of any size if it is None. Not flattened, not normalised; floats
    of NumPy are copied, bytes are not.
    """
    kind = f"{kind} images".lstrip()
    images = array(kind, value)
    per = math.prod(images.shape[1:])
    if some and images.ndim and not len(images):
        raise ArgumentError("images", f": no {kind}", f"no {kind} given, one at least expected")
    if pixels is None and images.shape == (28, 28):  # far more often one image than 28 of 28 pixels
        raise ArgumentError(
            "images",
            " of shape (28, 28) given",
            "an image of shape (28, 28) given, (batch, ...) expected; for a single image pass image[None]",
        )
    wanted = "(N, 28, 28)" if pixels == 784 else f"(N, ...) with {pixels} numbers an image"
    if images.ndim < 2 or not per or (pixels is not None and per != pixels):
        wanted = "(N, ...)" if pixels is None else wanted
        if images.ndim < 2 or math.prod(images.shape) == pixels:
            help_ = "; for a single image pass image[None]"
        else:
            help_ = (
                f"; sizes run from the label to the pixels of the image, here sizes=(..., {per})"
            )
        raise ArgumentError(
            "images",
            f" of shape {images.shape} given",
            f"{kind} of {images.dtype} {images.shape} given, {wanted} expected{help_}",
        )
    if images.dtype == np.uint8:
        seen = not isinstance(images, jax.core.Tracer) and len(images) >= SEVERAL
        highest = int(np.max(images)) if seen and kind != "held-out images" else 0
        if 0 < highest <= DARK:
            warnings.warn(
                f"{kind} of bytes up to {highest} given, where ink is 255: images / {highest} makes floats "
                "from 0 to 1",
                stacklevel=4,  # where the public function is called
            )
        return images
    cure = scaled(images)
    if not jnp.issubdtype(images.dtype, jnp.floating):
        raise ArgumentError(
            "images",
            f" of {images.dtype} given",
            f"{kind} of dtype {images.dtype} given, uint8 expected, 0 to 255, or floats from 0 to 1"
            + (": images.astype(np.uint8) makes bytes" if cure == "images / 255" else "")
            + (f": {cure} makes floats" if cure not in ("", "images / 255") else ""),
        )
    if not isinstance(images, jax.core.Tracer) and len(images):
        low, high = float(np.min(images)), float(np.max(images))
        if not (math.isfinite(low) and math.isfinite(high)):
            raise ArgumentError("images", " hold NaN or infinity; finite pixels expected")
        if std < 1 and (low < -ROUNDING or high > 1 + ROUNDING):
            raise ArgumentError(
                "images",
                f" from {low:g} to {high:g} given",
                f"{kind} of floats from {low:.4g} to {high:.4g} given, 0 to 1 expected with a mean of "
                f"{mean:g} and a standard deviation of {std:g}: "
                + (f"{cure} scales them" if cure else "scale them")
                + ", or give those of these pixels "
                "(0 and 1 leave pixels as they are, such as those that are normalised already)",
            )
        dark = kind != "held-out images" and std < 1 and len(images) >= SEVERAL
        if dark and 0 < high <= DARK / 255:
            warnings.warn(
                f"{kind} of floats up to {high:.3g} given, where ink is 1: images / {high:.3g}, unless they "
                "are meant to be as pale",
                stacklevel=4,
            )
    with np.errstate(over="ignore"):  # it is looked for next
        images = images.astype(np.float32)
    if not _finite(images):
        raise ArgumentError("images", " hold numbers that float32 cannot; smaller ones expected")
    return images


def scaled(images: Any) -> str:
    """Say what makes numbers from 0 to 1 of pixels on another scale, or nothing where some are below 0."""
    if isinstance(images, jax.core.Tracer) or images.dtype.kind not in "uif" or not images.size:
        return ""
    low, high = float(np.min(images)), float(np.max(images))
    if not 0 <= low <= high < math.inf or not high:
        return ""
    if DARK < high <= 255:
        return "images / 255"
    return f"images / {high:.0f}" if high.is_integer() and high < 1e6 else "images / images.max()"


def own_bytes(images: Any) -> Any:
    """Copy bytes, as `own` does; `raw_images` has copied floats already."""
    return own(images) if images.dtype == np.uint8 else images


def same_length(images: Any, labels: Any, kind: str = "") -> None:
    """Raise unless there is one label an image."""
    if len(images) != len(labels):
        kind = f"{kind} ".lstrip()
        raise ArgumentError(
            "labels",
            f": {len(labels)} for {len(images)} images",
            f"{len(images)} {kind}images and {len(labels)} {kind}labels given; pass one label each",
        )


# By the name of the parameter -----------------------------------------------------------------------


def take_network(name: str, value: Any, given: Given) -> Any:
    """Take a `Network` whose weights fit together."""
    if not isinstance(value, Network):
        holds = isinstance(getattr(value, "network", None), Network)
        raise ArgumentError(
            "network",
            f"={shown(value)} given, a Network expected: "
            + (
                "its .network is one"
                if holds
                else "make_network(key), pretrained()[0] or fit(config)[0]"
            ),
        )
    choice("activation", value.activation, of=ACTIVATIONS)
    maps = value.generator, value.amortiser
    shapes: list[Any] = [
        [_shape_of_linear(layer) for layer in layers] if isinstance(layers, (tuple, list)) else None
        for layers in maps
    ]
    good = all(shapes) and not any(shape is None for part in shapes for shape in part)
    chained = good and all(a[0] == b[1] for a, b in zip(shapes[0][:-1], shapes[0][1:], strict=True))
    if not chained or shapes[1] != [s[::-1] for s in shapes[0]]:
        raise ArgumentError(
            "network",
            f" with weights {shown(shapes)} given, linear maps of floats expected, generator[l] of "
            "(n_{l+1}, n_l) and amortiser[l] of (n_l, n_{l+1}), each with a bias of its outputs or None: "
            "make_network makes them",
        )
    alive(name, value)
    with np.errstate(over="ignore"):
        return jax.tree.map(
            lambda x: jnp.asarray(own(native(x))) if isinstance(x, np.ndarray) else x, value
        )


def _shape_of_linear(layer: Any) -> tuple[int, ...] | None:
    """Give the shape of a linear map's weights, or None if it is no such map."""
    weight: Any = getattr(layer, "weight", None)
    bias: Any = getattr(layer, "bias", ...)
    arrays = [x for x in (weight, bias) if x is not None]
    if not all(isinstance(x, (jax.Array, np.ndarray)) and _is_float(x) for x in arrays):
        return None
    fits = weight is not None and weight.ndim == 2
    fits = fits and (bias is None or bias.shape == weight.shape[:1])
    return weight.shape if fits else None


def finite_network(name: str, value: Any, given: Given) -> Any:
    """Take a `Network` whose weights are finite: of a run that did not diverge."""
    network = take_network(name, value, given)
    if not all(_finite(weight) for weight in jax.tree.leaves(network)):
        raise ArgumentError(
            "network",
            "",
            "the network's weights hold NaN or infinity; take a checkpoint from before its training "
            "diverged",
        )
    return network


def take_key(name: str, value: Any, given: Given) -> Any:
    """Take a key of jax.random, of the old kind or the new."""
    if not isinstance(value, (jax.Array, np.ndarray)):
        raise ArgumentError(
            "key", f"={shown(value)} given, a key of jax.random expected: jax.random.PRNGKey(0)"
        )
    value = native(value)
    new = jnp.issubdtype(value.dtype, jax.dtypes.prng_key)
    numbers = () if new else _numbers_of_a_key()
    if value.shape != numbers or not (new or value.dtype == np.uint32):
        raise ArgumentError(
            "key",
            f" {value.dtype} {value.shape} given, one key of jax.random expected: "
            f"jax.random.PRNGKey(0), or uint32 {_numbers_of_a_key()} as JAX is set",
        )
    return alive(name, own(value))


def _numbers_of_a_key() -> tuple[int, ...]:
    """Give the shape of a key as plain numbers, which jax_default_prng_impl decides."""
    return jax.eval_shape(lambda: jax.random.key_data(jax.random.key(0))).shape


def take_sizes(name: str, value: Any, given: Given) -> tuple[int, ...]:
    """Take the units of two layers or more."""
    for n in (value, *(value if isinstance(value, (list, tuple)) else ())):
        static(name, n)
    try:
        sizes = tuple(whole("sizes", n, least=1) for n in _in_order(value))
    except (TypeError, ArgumentError):
        sizes = ()
    if len(sizes) < 2 or isinstance(value, str):
        raise ArgumentError(
            "sizes",
            f"={shown(value)} given, two or more positive whole numbers expected, from the label "
            "to the image, such as (10, 300, 300, 784)",
        )
    if len(sizes) > LAYERS:
        raise ArgumentError(
            "sizes",
            f" of {len(sizes):,} layers given, at most {LAYERS} expected: each is compiled by itself",
        )
    if max(a * b for a, b in zip(sizes[:-1], sizes[1:], strict=True)) > LARGEST:
        raise ArgumentError(
            name, f"={shown(value)} given, at most {LARGEST:,} weights between two layers expected"
        )
    return sizes


def take_rule(name: str, value: Any, given: Given) -> Any:
    """Take a `Rule`."""
    if not is_a(value, "inference.Rule"):
        raise ArgumentError(
            "rule",
            f"={shown(value)} given, a Rule expected: GENERATIVE, DISCRIMINATIVE, HYBRID, "
            "BIDIRECTIONAL or one of your own, such as Rule(moves=(0.3, 0.7))"
            + near(value, ("GENERATIVE", "DISCRIMINATIVE", "HYBRID", "BIDIRECTIONAL")),
        )
    return value


def take_images(name: str, value: Any, given: Given) -> Any:
    """Take activities of the image layer: normalised pixels."""
    return layer(given["network"], given["network"].depth, value)


def take_labels(name: str, value: Any, given: Given) -> Any:
    """Take numbers of classes, as many as the network or the caller has."""
    if "network" in given:
        labels = class_labels(value, given["network"].sizes[0])
        if "images" in given:
            same_length(given["images"], labels)
        return labels
    return class_labels(value, whole("classes", given["classes"], least=1))


def label_layer(name: str, value: Any, given: Given) -> Any:
    """Take activities of the label layer."""
    return layer(given["network"], 0, value)


def take_or_none(name: str, value: Any, given: Given) -> Any:
    """Take what is usual for this name, or None where the function has a value of its own."""
    return None if value is None else TAKERS[name](name, value, given)


def images_or_hidden(name: str, value: Any, given: Given) -> Any:
    """Take pixels, of which what is hidden may hold anything; warn where nobody normalised them."""
    take = take_images if given["visible"] is None else hidden_images
    taken = take(name, value, given)
    if doubt := _not_normalised(given["network"], taken):
        warnings.warn(doubt, stacklevel=3)  # where the public function is called
    return taken


def _not_normalised(network: Network, images: Any) -> str | None:
    """Say that pixels were forgotten to be normalised, if the network's own drawings say so, or give None.

    Normalised pixels are below 0 where they are below the mean. If none of many is, the network's drawings
    tell whether it learned from such pixels (`pixel_mean` may be 0), or from others: then a fifth of what it
    draws is clearly below 0.
    """
    parts = (images, *jax.tree.leaves(network))
    if any(isinstance(part, jax.core.Tracer) for part in parts) or images.size < ENOUGH:
        return None
    pixels = np.asarray(images)
    low, high = float(pixels.min()), float(pixels.max())
    if low < 0 or high <= 0:
        return None
    drawn = np.asarray(sweep_down(network, jnp.eye(network.sizes[0], dtype=network.dtype))[-1])
    if np.mean(drawn < -0.2 * drawn.std()) <= 0.2:
        return None
    return (
        f"pixels from {low:.3g} to {high:.3g} given, none below 0, to a network that draws them from "
        f"{drawn.min():.2g} to {drawn.max():.2g}: normalise(images) makes those that it knows"
    )


def hidden_images(name: str, value: Any, given: Given) -> Any:
    """Take pixels of which some are hidden: what those hold may be anything, NaN too.

    It is cleared by NumPy, as JAX may be set to stop at NaN.
    """
    images, seen = array("images", value), array("visible", given["visible"])
    clear = seen.dtype == np.bool_ and seen.shape in (images.shape[1:], images.shape)
    clear = clear and not any(isinstance(part, jax.core.Tracer) for part in (images, seen))
    if clear:
        value = np.where(seen, images, np.zeros((), images.dtype))
    return layer(given["network"], given["network"].depth, value, finite=clear)


def take_visible(name: str, value: Any, given: Given) -> Any:
    """Take which pixels are seen, or None for all."""
    return None if value is None else seen_pixels(name, value, given)


def seen_pixels(name: str, value: Any, given: Given) -> Any:
    """Take which pixels are seen: True for them, for all images alike or for each."""
    visible, images, n = array("visible", value), given["images"], given["network"].sizes[-1]
    if visible.dtype != np.bool_:
        raise ArgumentError(
            "visible",
            f" of dtype {visible.dtype} given, booleans expected, True where a pixel is seen: "
            "visible.astype(bool), if it is 1 there and 0 elsewhere",
        )
    if visible.shape not in ((n,), images.shape):
        alike = visible.size == n and "visible.ravel()"
        flat = alike or (visible.size == images.size and "visible.reshape(len(visible), -1)")
        raise ArgumentError(
            "visible",
            f" of shape {visible.shape} given, ({n},) or the images' own shape {images.shape} "
            "expected" + (f": {flat}" if flat else ""),
        )
    return jnp.broadcast_to(jnp.asarray(own(visible)), images.shape)


def take_pixels(name: str, value: Any, given: Given) -> Any:
    """Take floats of any shape."""
    pixels = array("pixels", value)
    if not jnp.issubdtype(pixels.dtype, jnp.floating):
        raise ArgumentError(
            "pixels",
            f" {pixels.dtype} {pixels.shape} given, floats expected, as generate or normalise "
            "return them",
        )
    with np.errstate(over="ignore"):  # to infinity, which is clipped
        return jnp.asarray(own(pixels))


def images_to_normalise(name: str, value: Any, given: Given) -> Any:
    """Take bytes, or floats from 0 to 1."""
    std = given["std"]
    traced = isinstance(std, jax.core.Tracer) or isinstance(given["mean"], jax.core.Tracer)
    mean, std = (
        (0.0, 1.0) if traced else (number("mean", given["mean"]), number("std", std, above=0))
    )
    return own_bytes(raw_images(value, None, mean, std))


def images_of_classes(name: str, value: Any, given: Given) -> Any:
    """Take images to average: bytes, or floats as they are."""
    concrete(name, value)
    return raw_images(value, None, 0, 1)


def labels_of_all_classes(name: str, value: Any, given: Given) -> Any:
    """Take labels, one an image, of which each class has one."""
    concrete(name, value)
    classes = whole("classes", given["classes"], least=1)
    labels = class_labels(value, classes)
    same_length(given["images"], labels)
    absent = sorted(set(range(classes)) - set(np.unique(labels).tolist()))
    if absent:
        raise ArgumentError(
            "labels",
            f" without {absent} given",
            f"no image of class {absent} given; pass images of all {classes} classes",
        )
    return labels


def take_config(name: str, value: Any, given: Given) -> Any:
    """Take a `Config`, of the network that is given."""
    if not is_a(value, "config.Config"):
        raise ArgumentError(
            "config", f"={shown(value)} given, a Config expected: preset('fast'), for example"
        )
    state = given.get("state")
    network = state.network if state is not None else given.get("network")
    for setting, fits in () if state is None else _fits(state, value).items():
        if not fits:
            raise ArgumentError(
                "config",
                f" with {setting}={getattr(value, setting)!r} given, the state was made with another "
                f"{setting}; pass the settings that it was made with",
            )
    if network is not None and value.sizes != network.sizes:
        raise ArgumentError(
            "config",
            f" for sizes {value.sizes} given",
            f"settings for sizes {value.sizes} given with a network of {network.sizes}; pass the "
            "settings that it was made with",
        )
    return value


def _fits(state: Any, config: Any) -> dict[str, bool]:
    """Compare the settings that a state shows with those that are given.

    Optax keeps a state for each part of an optimiser: the last is the learning rate's, which counts
    iterations where there is a schedule; that of weight decay stands before it.
    """
    network = state.network
    parts = state.optimiser if isinstance(state.optimiser, tuple) else ()
    return {
        "activation": network.activation == config.activation,
        "use_bias": all((m.bias is not None) == config.use_bias for m in network.generator),
        "step_rule": (state.norms is None) == (config.step_rule == "fixed"),
        "schedule": any("count" in getattr(part, "_fields", ()) for part in parts[1:])
        == (config.schedule != "constant"),
        "weight_decay": (len(parts) == 3) == (config.weight_decay != 0),
    }


def take_state(name: str, value: Any, given: Given) -> Any:
    """Take a `TrainState`."""
    if not is_a(value, "learning.TrainState"):
        raise ArgumentError("state", f"={shown(value)} given, what make_state returns expected")
    take_network("state", value.network, {})
    if value.network.dtype not in (np.float32, np.float64):
        raise ArgumentError(
            "state",
            f" with {value.network.dtype} weights given, float32 or float64 expected: Adam's means of "
            "squares vanish in fewer digits",
        )
    return jax.tree.map(lambda x: own(native(x)), alive(name, value))


def images_of_config(name: str, value: Any, given: Given) -> Any:
    """Take images as a data set holds them, of as many pixels as the settings say."""
    config = take_config("config", given["config"], given)
    return raw_images(value, config.sizes[-1], config.pixel_mean, config.pixel_std, some=True)


def batch_of_config(name: str, value: Any, given: Given) -> Any:
    """Take images as `images_of_config` does, for a function that returns before they are read."""
    return own_bytes(images_of_config(name, value, given))


def labels_of_config(name: str, value: Any, given: Given) -> Any:
    """Take one label an image."""
    labels = class_labels(value, given["config"].sizes[0])
    same_length(given["images"], labels)
    return labels


def take_data(name: str, value: Any, given: Given) -> list[np.ndarray]:
    """Take what a run trains on, cut to as many images as the settings ask for, and is evaluated on.

    Bytes that their owner may write into while the run goes on, as `on_epoch` may, are copied.
    """
    config = given["config"]
    calls = any(given.get(name) is not None for name in ("on_epoch", "pace"))
    shared = value is not None and calls
    if value is None:
        if (config.sizes[0], config.sizes[-1]) != (CLASSES, PIXELS):
            raise ArgumentError(
                "sizes",
                f"={config.sizes} given, ({CLASSES}, ..., {PIXELS}) expected, from the label to the {PIXELS} "
                "pixels of an image: without data, a run is on MNIST",
            )
        value = (*load_mnist("train"), *load_mnist("test"))
    if not isinstance(value, (list, tuple)) or len(value) != 4:
        found = f"of {len(value)} parts" if isinstance(value, (list, tuple)) else shown(value)
        raise ArgumentError(
            "data",
            f" {found} given, four expected: images, labels, held-out images and held-out "
            "labels, such as mnist() returns",
        )
    concrete(name, jnp.zeros(()), *value)
    taken: list[np.ndarray] = []
    for kind, images, labels in (("training", *value[:2]), ("held-out", *value[2:])):
        images = raw_images(
            images, config.sizes[-1], config.pixel_mean, config.pixel_std, kind, True
        )
        labels = class_labels(labels, config.sizes[0])
        same_length(images, labels, kind)
        if shared and isinstance(images, np.ndarray) and images.flags.writeable:
            images = own_bytes(images)
        taken += [np.asarray(images), np.asarray(labels)]
    like_each_other(taken[0], taken[2])
    wanted = config.training_images or len(taken[0])
    if wanted > len(taken[0]) or config.batch_size > wanted:
        raise ArgumentError(
            "data",
            f" of {len(taken[0])} training images given",
            f"{len(taken[0])} training images given; training_images={config.training_images} and "
            f"batch_size={config.batch_size} need more",
        )
    taken[:2] = taken[0][:wanted], taken[1][:wanted]
    check_divisible(config.batch_size)
    classes = np.unique(taken[1])
    if len(classes) == 1:
        warnings.warn(
            f"training labels of class {classes[0]} alone given: there is nothing to tell apart, and an "
            "accuracy says nothing",
            stacklevel=3,  # where `fit` is called
        )
    return taken


def check_divisible(batch_size: int) -> None:
    """Raise where several processes cannot share a batch evenly; several devices of one leave it whole."""
    devices, processes = jax.device_count(), jax.process_count()
    if processes > 1 and batch_size % devices:
        raise ArgumentError(
            "batch_size",
            f"={batch_size} given to {devices} devices of {processes} processes, a multiple of {devices} "
            f"expected, such as {-(-batch_size // devices) * devices}; or start another number of processes",
        )


def like_each_other(images: np.ndarray, held_out: np.ndarray) -> None:
    """Raise where held-out images are not laid out as the training images; warn where their pixels differ."""
    shapes = [[n for n in part.shape[1:] if n > 1] for part in (images, held_out)]
    if images.dtype != held_out.dtype or (shapes[0] != shapes[1] and min(map(len, shapes)) > 1):
        found = [f"{part.dtype} {part.shape}" for part in (images, held_out)]
        raise ArgumentError(
            "data",
            f" of training images {found[0]} and held-out images {found[1]} given, both of one kind "
            "expected: both bytes or both floats, and of one shape",
        )
    samples = [part[:: len(part) // 1000 + 1] for part in (images, held_out)]
    (mean, std), (other_mean, other_std) = [(x.mean(), x.std()) for x in map(np.float64, samples)]
    narrow, wide = sorted((std, other_std))
    if len(held_out) >= SEVERAL and (wide > 2 * narrow or abs(mean - other_mean) > wide):
        warnings.warn(
            f"pixels of {mean:.3g} ± {std:.3g} in the training images and of {other_mean:.3g} ± "
            f"{other_std:.3g} in the held-out images given: prepare both alike",
            stacklevel=4,  # where `fit` is called
        )


def take_resume(name: str, value: Any, given: Given) -> Any:
    """Take a `Checkpoint` of the same settings to go on from, or None."""
    if value is None:
        return None
    if not is_a(value, "training.Checkpoint"):
        raise ArgumentError(
            "resume", f"={shown(value)} given, a Checkpoint expected: load(path) reads one"
        )
    alive(name, value.state)
    here, there = (dataclasses.asdict(c) for c in (given["config"], value.config))
    differing = [f"{k}={there[k]} (now {here[k]})" for k in here if here[k] != there[k]]
    if differing:
        raise ArgumentError(
            "resume",
            "",
            f"the checkpoint is of a run with {', '.join(differing)}; resume it with its own settings "
            "(checkpoint.config), or start afresh",
        )
    return value


def take_activation(name: str, value: Any, given: Given = NONE) -> str:
    """Take the name of an activation that there is."""
    try:
        return choice(name, value, of=ACTIVATIONS)
    except ArgumentError as error:
        more = "; in Python, add_activation adds one of your own"
        raise ArgumentError(name, error.rest + more, str(error) + more) from None


def new_activation(name: str, value: Any, given: Given) -> str:
    """Take the name of an activation that is added: a new one, or that of the same function."""
    if not isinstance(value, str) or not value:
        raise ArgumentError(name, f"={shown(value)} given, a word expected")
    if value in ACTIVATIONS and ACTIVATIONS[value].function is not given["function"]:
        rest = "given, a new name expected: there is such an activation"
        raise ArgumentError(name, f"={shown(value)} {rest}")
    return value


def take_activation_function(name: str, value: Any, given: Given) -> Any:
    """Take a function of each number by itself, that JAX can differentiate."""
    mixed = np.random.RandomState(0).permutation(1001).reshape(7, 143)  # as sorting leaves no batch
    points = jnp.asarray(np.linspace(-50, 50, 1001)[mixed])  # the same on every processor
    try:
        steepest(value)
        found, apart = value(points), jax.vmap(jax.vmap(value))(points)
        alone = found.shape == apart.shape
        alone = alone and bool(jnp.allclose(found, apart, rtol=1e-4, atol=1e-5, equal_nan=True))
    except Exception as error:  # whatever another's function raises
        raise ArgumentError(
            name,
            f"={shown(value)} given, one of a number that jax.grad differentiates expected: "
            f"{_line(error)[:200]}",
        ) from error
    wrong = np.asarray(~jnp.isfinite(apart))
    if wrong.any():
        at = min(np.asarray(points)[wrong], key=abs)
        raise ArgumentError(
            name,
            f"={shown(value)} given, one that is finite from -50 to 50 expected: at {at:.3g} it gives "
            f"{float(value(jnp.asarray(at))):g}",
        )
    if not alone:
        raise ArgumentError(
            name,
            f"={shown(value)} given, one of each number by itself expected: its values depend on what stands "
            "beside them",
        )
    return value


def take_steepness(name: str, value: Any, given: Given) -> float:
    """Take the steepest slope of an activation, or look for it; compiled code knows one for each name."""
    activation, found = given["name"], steepest(given["function"])
    taken = found if value is None else number(name, value, above=0)
    if not (0 < taken and found < math.inf):
        raise ArgumentError(
            name,
            "",
            f"activation {activation!r} with a slope of up to {found} given, a finite slope "
            "above 0 expected",
        )
    if activation in ACTIVATIONS and taken != ACTIVATIONS[activation].steepness:
        raise ArgumentError(
            name,
            f"={taken:g} given, {ACTIVATIONS[activation].steepness:g} expected, with which {activation!r} "
            "is known; choose a new name for another one",
        )
    if taken < found * (1 - 1e-4):  # rounding's share
        raise ArgumentError(
            name,
            f"={taken:g} given, {found:.6g} or more expected: so steep is {activation!r} between -50 and 50, "
            "and with less a step could raise the energy",
        )
    return taken


def take_function(name: str, value: Any, given: Given) -> Any:
    """Take what is called while a run goes on, or None."""
    if value is not None and not callable(value):
        raise ArgumentError(name, f"={shown(value)} given, a function expected")
    return value


def path(name: str, value: Any, given: Given = NONE) -> Path:
    """Take a path, ~ being the home."""
    try:
        return expanded(value)
    except ValueError as error:
        raise ArgumentError(name, f"={shown(value)} given, a path expected: {error}") from error


def take_pace(name: str, value: Any, given: Given) -> Any:
    """Take what says how many iterations come next, or None; its answers are taken as they come."""
    take_function(name, value, given)
    if value is None:
        return None
    return lambda done: whole("what pace gives", value(done), least=1)


TAKERS: dict[str, Callable[..., Any]] = {
    "activation": take_activation,
    "activities": take_activities,
    "alpha_disc": precisions,
    "alpha_gen": precisions,
    "amortiser_inputs": take_amortiser_inputs,
    "clamped": take_clamped,
    "classes": partial(whole, least=1),
    "config": take_config,
    "data": take_data,
    "download": flag,
    "function": take_activation_function,
    "held_out": partial(choice, of=("test", "validation")),
    "images": take_images,
    "in_turn": flag,
    "key": take_key,
    "labels": take_labels,
    "mean": number,
    "name": partial(choice, of=DATASETS, what="data set"),
    "network": take_network,
    "on_epoch": take_function,
    "pace": take_pace,
    "pixels": take_pixels,
    "record": flag,
    "resume": take_resume,
    "root": path,
    "rule": take_rule,
    "sizes": take_sizes,
    "split": partial(choice, of=SPLITS),
    "state": take_state,
    "std": partial(number, above=0),
    "steepness": take_steepness,
    "step_rule": partial(choice, of=("curvature", "fixed")),
    "step_size": partial(number, above=0),
    "steps": whole,
    "total": partial(whole, least=1),
    "use_bias": flag,
    "visible": take_visible,
}

# The fields of a `Config`. What may be left out is None.
FIELDS: dict[str, Callable[..., Any]] = {
    **{name: TAKERS[name] for name in ("activation", "in_turn", "rule", "step_rule", "step_size")},
    **{name: TAKERS[name] for name in ("sizes", "steps", "use_bias")},
    **{name: partial(whole, least=1) for name in ("batch_size", "epochs", "evaluate_every")},
    **{name: partial(whole, least=1) for name in ("iterations", "training_images")},
    "classify_steps": whole,
    "learning_rate": partial(number, above=0),
    "pixel_mean": number,
    "pixel_std": partial(number, above=0),
    "schedule": partial(choice, of=("constant", "cosine", "one-cycle")),
    "seed": partial(whole, most=2**32 - 1),
    "stop_diverging": flag,
    "weight_decay": partial(number, least=0),
}


def take_fields_of_config(config: Any) -> None:
    """Take the fields of a `Config`, in place, and what they ask of each other."""
    optional = ("epochs", "iterations", "evaluate_every", "training_images")
    for name, taker in FIELDS.items():
        value = getattr(config, name)
        static(name, value)
        if not (value is None and name in optional):
            object.__setattr__(config, name, taker(name, value, NONE))
    for name in ("alpha_gen", "alpha_disc"):  # kept as what JSON and jit can hold
        alpha = getattr(config, name)
        each = precisions(name, alpha, L=len(config.sizes) - 1)
        for one in each:
            static(name, one)
        object.__setattr__(config, name, each if np.ndim(alpha) else each[0])
    if not isinstance(config.name, str):
        raise ArgumentError("name", f"={shown(config.name)} given, text expected")
    if (config.epochs is None) == (config.iterations is None):
        raise ArgumentError(
            "epochs",
            f"={config.epochs} and iterations={config.iterations} given; give one of the two",
        )
    taught = zip(config.rule.teaches, (config.alpha_gen, config.alpha_disc), strict=True)
    if not any(share and np.any(alpha) for share, alpha in taught):
        raise ArgumentError(
            "alpha_gen",
            f"={shown(config.alpha_gen)} and alpha_disc={shown(config.alpha_disc)} given with a rule that "
            f"teaches by {config.rule.teaches}: no error would teach a weight; one of 1e-4, for example, "
            "expected where the rule has a weight above 0",
        )
    if config.rule.start == "label" and config.steps == 0:
        raise ArgumentError(
            "steps", "=0 given with a rule that starts from the label; 1 or more expected"
        )


def take_fields_of_rule(rule: Any) -> None:
    """Take the fields of a `Rule`, in place."""
    for name in ("moves", "teaches"):
        object.__setattr__(rule, name, pair(name, getattr(rule, name)))
    choice("start", rule.start, of=("image", "label"))
    choice("amortiser_inputs", rule.amortiser_inputs, of=("settled", "swept"))


def _in_order(value: Any) -> Any:
    """Give a sequence; what has no order, or is text, is a TypeError."""
    if isinstance(value, (list, tuple, range, np.ndarray, jax.Array)):
        return value
    raise TypeError


def _is_flag(value: Any) -> bool:
    return isinstance(value, (bool, np.bool_)) or "bool" in str(getattr(value, "dtype", ""))


def _is_float(x: Any) -> bool:
    return jnp.issubdtype(x.dtype, jnp.floating)


def _is_real(dtype: Any) -> bool:
    return jnp.issubdtype(dtype, np.number) and not jnp.issubdtype(dtype, np.complexfloating)


def _finite(x: Any) -> bool:
    return isinstance(x, jax.core.Tracer) or bool(np.isfinite(np.asarray(x)).all())


def _line(error: BaseException) -> str:
    return " ".join(str(error).split())
