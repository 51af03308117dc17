"""Images as people bring them to the command line: read from a file, checked, and looked at for mistakes."""

import math
from collections.abc import Callable
from pathlib import Path

import jax
import numpy as np

from bpc_minimal.arguments import DARK, ROUNDING, scaled
from bpc_minimal.config import Config
from bpc_minimal.data import PIXELS, Images, Labels, normalise
from bpc_minimal.evaluation import label_activities
from bpc_minimal.files import read_npy, shown
from bpc_minimal.network import Network

ENOUGH = 10  # images that tell a turned data set from an odd digit
SAMPLE = 200
TURNS: dict[str, Callable[[np.ndarray], np.ndarray]] = {  # how to undo each
    "transposed": lambda x: x.swapaxes(1, 2),
    "mirrored": lambda x: x[:, :, ::-1],
    "upside down": lambda x: x[:, ::-1],
    "turned by half": lambda x: x[:, ::-1, ::-1],
    "turned to the left": lambda x: np.rot90(x, -1, (1, 2)),
    "turned to the right": lambda x: np.rot90(x, 1, (1, 2)),
}


def read_images(path: str | Path, pixels: int | None = PIXELS) -> Images:
    """Read images that `np.save` wrote: uint8 (N, 28, 28), or (N, ...) of `pixels` each, of any if None.

    Whole numbers from 0 to 255 of another type, integers or floats, are bytes too, but for floats that end
    at 64 or below, which are of another scale; floats from 0 to 1 stay.

    Raises:
        ValueError: the file holds no such images; the message says how to make some.
        OSError: it cannot be read.
    """
    images, name = read_npy(path, "images"), shown(path)
    if images.ndim < 2 or not images.size:
        raise ValueError(
            f"{name} holds {images.dtype} {images.shape}, and no image in it: (N, 28, 28) expected, or "
            "(N, height, width) of another size"
        )
    if pixels is not None and math.prod(images.shape[1:]) != pixels:
        wanted = "(N, 28, 28)" if pixels == PIXELS else f"(N, ...) of {pixels} pixels each"
        raise ValueError(
            f"{name}: images of shape {images.shape} given, {wanted} expected, one colour each"
            + _cure(images, pixels)
        )
    if (
        images.dtype.kind == "f"
        and np.isfinite(images).all()
        and -ROUNDING <= images.min() <= images.max() <= 1 + ROUNDING
    ):
        return images.astype(np.float32)
    low, high = images.min(), images.max()
    if not np.isfinite(images).all():
        raise ValueError(f"{name}: images with NaN or infinity given, finite pixels expected")
    whole = images.dtype.kind in "ui" or (
        images.dtype.kind == "f" and (images == images.round()).all() and not 1 < high <= DARK
    )
    if not whole or low < 0 or high > 255:
        if cure := scaled(images):
            advice = f": np.save(path, {cure}) makes those"
        elif low < high:
            advice = (
                f": np.save(path, np.interp(images, ({low:.4g}, {high:.4g}), (0, 1))) makes those, if "
                f"{low:.4g} is ground and {high:.4g} is ink"
            )
        else:
            advice = ""
        raise ValueError(
            f"{name}: images of {images.dtype} from {low:.4g} to {high:.4g} given, uint8 expected, 0 for the "
            f"ground to 255 for ink, or floats from 0 to 1{advice}"
        )
    return images.astype(np.uint8, copy=False)


def _cure(images: np.ndarray, pixels: int) -> str:
    """Say how images of another shape become some of so many pixels, where it can be known."""
    shape = images.shape
    if math.prod(shape) == pixels:
        return "; for a single one: np.save(path, image[None])"
    if shape[-1] in (3, 4) and math.prod(shape[1:-1]) == pixels:
        kind = f".astype(np.{images.dtype})" if images.dtype.kind in "ui" else ""
        return f"; of colours take the mean: np.save(path, images[..., :3].mean(-1){kind})"
    if len(shape) in (2, 3) and pixels == PIXELS:
        small = "np.asarray(Image.fromarray(image).resize((28, 28)))"
        whole = f"{small}[None]" if len(shape) == 2 else f"[{small} for image in images]"
        single = "for a single one of another size" if len(shape) == 2 else "of another size"
        return f"; {single}: from PIL import Image; np.save(path, {whole})"
    return ""


def read_labels(path: str | Path, count: int) -> Labels:
    """Read the labels of `count` images that `np.save` wrote.

    Raises:
        ValueError: the file does not hold one whole number of 0 or more, and below their count, for each.
        OSError: it cannot be read.
    """
    labels, name = read_npy(path, "labels"), shown(path)
    if labels.shape != (count,) or labels.dtype.kind not in "ui":
        raise ValueError(
            f"{name} holds {labels.dtype} {labels.shape}, whole numbers ({count},) expected, one an image"
        )
    wrong = np.unique(labels[(labels < 0) | (labels >= count)])
    if wrong.size:
        raise ValueError(f"{name} holds labels {wrong[:5].tolist()}, 0 to {count - 1} expected")
    return labels.astype(np.int32)


def oddity(images: Images, network: Network, config: Config) -> str | None:
    """Say what looks wrong with images beyond doubt, or give None.

    A bright ground and a low highest value are seen in the pixels. That images are turned is known by the
    network: its label layer is far nearer to some label's pattern once they are turned back (with the preset
    `fast` a squared distance of 0.05, and 0.25 or more for digits in any other position).
    """
    highest, ink = images.max(initial=0), 255 if images.dtype == np.uint8 else 1
    if 0 < highest <= DARK / 255 * ink:
        return (
            f"their highest value is {highest:.3g}, and ink is {ink}: np.save(path, images / {highest:.3g}) "
            "makes floats from 0 to 1"
        )
    if network.sizes[-1] != PIXELS:
        return None
    images = images[:SAMPLE].reshape(-1, 28, 28)
    if images.dtype != np.uint8:
        images = np.round(255 * images).astype(np.uint8)
    edge = np.ones((28, 28), bool)
    edge[2:-2, 2:-2] = False
    if np.median(images[:, edge]) > 127:
        return "their ground is bright, and ink is 255 on 0: --invert turns them over"
    if len(images) < ENOUGH:
        return None
    doubts = {name: _doubt(back(images), network, config) for name, back in TURNS.items()}
    best = min(doubts, key=doubts.__getitem__)
    if doubts[best] < min(0.2, _doubt(images, network, config) / 3):
        return f"the network reads them far better as if they were {best}: turn them back"
    return None


def _doubt(images: np.ndarray, network: Network, config: Config) -> float:
    """Measure how far the label layer is from the nearest label's pattern; the mean of the squares."""
    pixels = normalise(np.ascontiguousarray(images), config.pixel_mean, config.pixel_std)
    found = jax.device_get(label_activities(network, pixels))
    nearest = np.eye(found.shape[1])[found.argmax(axis=1)]
    return float(np.mean(np.sum((found - nearest) ** 2, axis=1)))
