"""Images as people bring them to the command line: arrays, and pictures that are made like MNIST's digits."""

import math
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path

import jax
import numpy as np
from jaxtyping import Num, UInt8

from bpc_minimal.arguments import DARK, ROUNDING, scaled
from bpc_minimal.config import Config
from bpc_minimal.data import PIXELS, Images, Labels, normalise
from bpc_minimal.evaluation import label_activities
from bpc_minimal.files import read_npy, shown
from bpc_minimal.network import Network

BOX = 20  # pixels: the longer side of a digit of MNIST, in the middle of 28
WORKED = (
    400  # pixels: a larger picture is made as small as that first, which takes dust and grain away
)
PALE = 0.1  # of the largest pixel: what differs less from its ground is paper, and no ink
FAINT = 0.3  # of the darkest ink: what is paler does not count for where a digit ends
# Pixels. The centre of mass of no image of MNIST is further than 1.42 from the middle, and none is smaller
# than 14: these lie as far beyond as a network trained on MNIST begins to misread.
FAR, SMALL = 3.0, 12
FORMATS = {b"\x89PNG": "PNG", b"\xff\xd8\xff": "JPEG", b"GIF8": "GIF", b"RIFF": "WEBP"}
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


def is_picture(path: str | Path) -> bool:
    """Whether a file begins as a picture does; a pipe, which can be read but once, is taken for an array."""
    path = Path(path)
    if not path.is_file():
        return False
    with path.open("rb") as file:
        begin = file.read(8)
    return any(begin.startswith(magic) for magic in FORMATS)


def read_pictures(paths: Sequence[str | Path]) -> Images:
    """Read pictures of one digit each, and make them like MNIST's: `like_mnist`.

    Raises:
        ValueError: a file is no picture, too large a one, or shows nothing; the message names it.
        OSError: it cannot be read.
    """
    images = []
    for path in paths:
        try:
            images.append(like_mnist(_read_grey(path)))
        except ValueError as error:
            raise ValueError(f"{shown(path)}: {error}") from error
    return np.stack(images)


def _read_grey(path: str | Path) -> UInt8[np.ndarray, "height width"]:
    """Read a picture as a person sees it: turned as the camera was held, on a ground of its own."""
    from PIL import Image, ImageOps  # of matplotlib's needs; no other command waits for it

    try:
        with warnings.catch_warnings(action="error"), open(path, "rb") as file:
            with Image.open(file, formats=tuple(FORMATS.values())) as opened:
                picture = ImageOps.exif_transpose(opened)
            if picture.mode.startswith(("I", "F")):  # of more than bytes, which `convert` would cut
                deep = np.asarray(picture, np.float64)
                return (255 * (deep - deep.min()) / max(np.ptp(deep), 1)).astype(np.uint8)
            seen = np.asarray(picture.convert("RGBA").convert("LA"), np.float64)
    except OSError as error:
        if error.strerror:
            raise OSError(f"could not read {shown(path)}: {error.strerror}") from error
        raise ValueError("no whole picture, a PNG or JPEG file expected") from error
    except Exception as error:  # whatever Pillow makes of foreign bytes
        raise ValueError(
            f"it cannot be read as a picture: {' '.join(str(error).split())}"
        ) from error
    grey, opaque = seen[..., 0], seen[..., 1] / 255
    dark = np.average(grey, weights=opaque) < 128 if opaque.any() else False
    return np.round(opaque * grey + (1 - opaque) * (255 if dark else 0)).astype(np.uint8)


def like_mnist(picture: Num[np.ndarray, "height width"]) -> UInt8[np.ndarray, "28 28"]:
    """Make a picture of one digit like MNIST's: its ink fits 20 by 20, its centre of mass is in the middle.

    What the border shows is the ground, which may grow darker across the picture, as a photo's does; dark ink
    on a bright ground becomes bright ink on 0. The proportions stay as they are. `book/live/drawing.js` does
    the same with drawn lines.

    Args:
        picture: bytes, or numbers of any range, one colour; of any size.

    Raises:
        ValueError: it is no such picture, or shows nothing.
    """
    from PIL import Image

    given = np.asarray(picture)
    if given.ndim != 2 or min(given.shape) < 3 or given.dtype.kind not in "buif":
        raise ValueError(f"{given.dtype} {given.shape} given, one picture (height, width) expected")

    def resized(image, width, height):
        drawn = Image.fromarray(image.astype(np.float32))
        drawn = drawn.resize((width, height), Image.Resampling.BILINEAR)
        return np.asarray(drawn, np.float64)

    if not np.isfinite(given).all():
        raise ValueError("NaN or infinity in it, finite pixels expected")
    grey = given.astype(np.float64)
    shrink = min(1, WORKED / max(given.shape))
    if shrink < 1:
        height, width = (max(3, round(shrink * n)) for n in given.shape)
        grey = resized(grey, width, height)
    apart = grey - _ground(grey)
    ink = np.maximum(-apart if -apart.min() > apart.max() else apart, 0)
    if ink.max() <= PALE * max(np.abs(given).max(), 1e-12):
        raise ValueError("no ink in it, one digit on an even ground expected")
    ink = np.minimum(ink / np.quantile(ink[ink > ink.max() / 2], 0.5), 1)
    ink = np.where(ink > PALE, ink, 0)
    rows, columns = (np.flatnonzero((ink > FAINT).any(axis)) for axis in (1, 0))
    ink = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    scale = BOX / max(ink.shape)
    height, width = (max(1, round(scale * n)) for n in ink.shape)
    small = resized(ink, width, height)
    small = np.minimum(small / np.quantile(small[small >= small.max() / 2], 0.75), 1)
    places = []
    for axis, n in ((1, height), (0, width)):
        middle = small.sum(axis) @ np.arange(0.5, n) / small.sum()
        places.append(min(max(round(14 - middle), 0), 28 - n))
    top, left = places
    made = np.zeros((28, 28), np.uint8)
    made[top : top + height, left : left + width] = np.round(255 * small)
    return made


def _ground(grey: np.ndarray) -> np.ndarray:
    """Draw the plane on which most of a picture's border lies: paper is darker at one end of a photo."""
    height, width = grey.shape
    y, x = np.mgrid[0:height, 0:width]
    edge = np.ones(grey.shape, bool)
    wide = max(1, min(height, width) // 30)
    edge[wide:-wide, wide:-wide] = False
    across = np.stack([np.ones(grey.size), x.ravel() / width, y.ravel() / height], 1)
    at, seen = across[edge.ravel()], grey[edge]
    near = np.abs(seen - np.median(seen)) <= max(2 * np.std(seen), 1e-9)
    for _ in range(3):  # without what does not lie on it, such as ink that leaves the picture
        plane = np.linalg.lstsq(at[near], seen[near], rcond=None)[0]
        off = np.abs(seen - at @ plane)
        near = off <= max(3 * np.median(off), 1e-9)
    return (across @ plane).reshape(grey.shape)


def off_centre(images: Images) -> str | None:
    """Say how many digits lie further aside, or are smaller, than any of MNIST's; None where none does."""
    ink = images.reshape(-1, 28, 28).astype(np.float64)
    mass, at = np.maximum(ink.sum(axis=(1, 2)), 1e-12), np.arange(0.5, 28)
    x, y = (ink.sum(axis=axis) @ at / mass - 14 for axis in (1, 2))
    full = ink.max(axis=(1, 2), initial=0) > 0
    far = full & (np.hypot(x, y) > FAR)
    strong = ink > ink.max(axis=(1, 2), keepdims=True) / 4
    small = full & (np.max([_span(strong.any(axis)) for axis in (1, 2)], axis=0) < SMALL)
    odd = far | small
    if not odd.any():
        return None
    kinds = " or ".join(
        word for word, some in (("far off the middle", far), ("far smaller", small)) if some.any()
    )
    which = "image" if len(ink) == 1 else f"{odd.sum():,} of {len(ink):,} images"
    return (
        f"{which} {kinds}, as no digit of MNIST is: bpc_minimal.images.like_mnist(image) puts one right, "
        "and picture files are put right as they are read"
    )


def _span(any_ink: np.ndarray) -> np.ndarray:
    """Count the pixels from the first to the last with ink, in each row; where there is none, 28."""
    n = any_ink.shape[1]
    return n - any_ink[:, ::-1].argmax(axis=1) - any_ink.argmax(axis=1)


def _cure(images: np.ndarray, pixels: int) -> str:
    """Say how images of another shape become some of so many pixels, where it can be known."""
    shape = images.shape
    if math.prod(shape) == pixels:
        return "; for a single one: np.save(path, image[None])"
    if shape[-1] in (3, 4) and math.prod(shape[1:-1]) == pixels:
        kind = f".astype(np.{images.dtype})" if images.dtype.kind in "ui" else ""
        return f"; of colours take the mean: np.save(path, images[..., :3].mean(-1){kind})"
    if len(shape) in (2, 3) and pixels == PIXELS:
        whole = "[like_mnist(image)]" if len(shape) == 2 else "[like_mnist(x) for x in images]"
        single = "for a single digit of another size" if len(shape) == 2 else "of digits"
        return (
            "; picture files are taken as they are (--images digit.png); "
            f"{single}: from bpc_minimal.images import like_mnist; np.save(path, {whole})"
        )
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
