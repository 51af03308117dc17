"""The digits: MNIST from the package itself, its relatives through torchvision, pixels as floats.

Chapter 5 builds the training loop on it. Images stay uint8, a byte a pixel, until `normalise` turns
a batch of them into the float32 activities of the image layer; it runs inside the compiled loop.

Nothing here imports torch or opens a connection, except `load_dataset`, which says so.
"""

import gzip
import hashlib
import math
import zlib
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float32, Integer, Num, UInt8

from bpc_minimal.files import expanded, reinstall, shown

MNIST_FOLDER = Path(__file__).parent / "mnist"
MEAN, STD = 0.1307, 0.3081  # of all pixels of the training images, scaled to [0, 1]
PIXELS = 28 * 28
CLASSES = 10

# Which file ("train" or "t10k") holds a split, and which of its rows.
SPLITS = {
    "train": ("train", slice(None)),
    "test": ("t10k", slice(None)),
    "fit": ("train", slice(0, 55_000)),
    "validation": ("train", slice(55_000, 60_000)),
}

# SHA-256 of the uncompressed files. Hashing the training images takes 25 ms (MD5 58 ms) on a
# processor that has instructions for SHA; decompressing them takes 140 ms.
SHA256 = {
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}

IDX_BYTES = 50_000_000  # more than any of the four files has

# What torchvision keeps in a data set's folder; it reads none before all four are there.
IDX_FILES = [
    f"{prefix}-{kind}-ubyte"
    for prefix in ("train", "t10k")
    for kind in ("images-idx3", "labels-idx1")
]

# torchvision's class for each data set, and an address of its files that is read over https, which not
# all of torchvision's own are. torchvision checks the MD5 of what arrives.
DATASETS = {
    "mnist": ("MNIST", "https://ossci-datasets.s3.amazonaws.com/mnist/"),
    "fashion-mnist": (
        "FashionMNIST",
        "https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion/",
    ),
    "kmnist": ("KMNIST", "https://codh.rois.ac.jp/kmnist/dataset/kmnist/"),
}

AnyArray = Array | np.ndarray
Images = UInt8[np.ndarray, "N 28 28"]
Labels = UInt8[np.ndarray, " N"]


def load_mnist(split: str = "train") -> tuple[Images, Labels]:
    """Read MNIST from the copy that the package carries.

    Args:
        split: "train" (60,000 images), "test" (10,000), "fit" (the first 55,000 of train) or
            "validation" (the last 5,000 of train; every choice of a setting is made on these).

    Returns:
        images: uint8 (N, 28, 28), 0 is the background and 255 is full ink.
        labels: uint8 (N,), 0 to 9.

    Raises:
        ValueError: the split is not one of the four.
        OSError: a file is missing, cut short, or differs from the original by its SHA-256.

    Example:
        >>> images, labels = bpc.load_mnist("test")
        >>> images.shape, labels[:5].tolist()
        ((10000, 28, 28), [7, 2, 1, 0, 4])

    Source: LeCun, Bottou, Bengio and Haffner (1998), https://doi.org/10.1109/5.726791
    """
    prefix, rows = SPLITS[split]
    images = _read_idx(f"{prefix}-images-idx3-ubyte")
    labels = _read_idx(f"{prefix}-labels-idx1-ubyte")
    return images[rows], labels[rows]


def load_dataset(
    name: str, root: str | Path, split: str = "train", download: bool = False
) -> tuple[Images, Labels]:
    """Read a data set of MNIST's shape through torchvision.

    Args:
        name: "mnist", "fashion-mnist" or "kmnist".
        root: the folder that torchvision keeps data sets in; files lie in root/CLASS/raw.
        split: as in `load_mnist`.
        download: fetch absent files over https from the address in `DATASETS`; torchvision checks
            the MD5 of what arrives. Without it, no connection is opened.

    Returns:
        images: uint8 (N, 28, 28), as `load_mnist` gives them.
        labels: uint8 (N,).

    Raises:
        ValueError: the name or the split is unknown, or the files are too short for the split.
        ImportError: torchvision is not installed.
        OSError: the files are absent, unreadable, not of MNIST's shape, or could not be fetched.

    Example:
        >>> images, labels = bpc.load_dataset("fashion-mnist", "data", download=True)
        >>> images.shape
        (60000, 28, 28)
    """
    prefix, rows = SPLITS[split]
    try:
        from torchvision import datasets
    except ImportError as error:
        raise ImportError(
            f"{name} is read through torchvision, which could not be imported ({error}); install "
            "it with: pip install torchvision. MNIST needs no torchvision: load_mnist()"
        ) from error
    kind, address = DATASETS[name]
    root = expanded(root)
    folder = root / kind / "raw"
    for file in IDX_FILES:  # before torchvision takes memory for what a head promises
        if fault := _idx_fault(folder / file):
            raise OSError(
                f"no readable {name} files in {folder}: {fault}; remove it, and fetch it again with "
                "download=True (--download)"
            )
    # Read over https only, and never the older files that torch would have to unpickle. The subclass has
    # the name of its class, as torchvision names the folder after it.
    changes = {"mirrors": [address], "_check_legacy_exist": lambda self: False}
    try:
        data = type(kind, (getattr(datasets, kind),), changes)(
            str(root), train=prefix == "train", download=download
        )
    except Exception as error:  # whatever torchvision makes of what lies there, or of what arrives
        cause = " ".join(str(error).split())  # torchvision's message has several lines
        absent = [file for file in IDX_FILES if not (folder / file).exists()]
        if not absent:
            advice = "the files are whole and could not be taken; see the cause"
        elif download:
            advice = "the download failed: check the connection, or put the files there by hand"
        else:
            advice = (
                f"{', '.join(absent)} absent; pass download=True (--download) to fetch what is absent, or "
                "put it there by hand"
            )
        raise OSError(f"no readable {name} files in {folder} ({cause}); {advice}") from error
    images, labels = data.data.numpy(), data.targets.numpy()
    if images.dtype != np.uint8 or images.shape != (len(labels), 28, 28) or labels.max() >= CLASSES:
        raise OSError(
            f"the {name} files in {folder} hold images {images.dtype} {images.shape} and "
            f"{len(labels)} labels, uint8 (N, 28, 28) and N labels of 0 to {CLASSES - 1} expected; "
            "remove them, and fetch them again with download=True (--download)"
        )
    if not len(images[rows]):
        raise ValueError(
            f"the {len(images):,} {prefix} images of {name} in {folder} leave none for the split "
            f"{split!r}; choose another split"
        )
    return images[rows], labels.astype(np.uint8)[rows]


def normalise(
    images: Num[AnyArray, "batch ..."], mean: float = MEAN, std: float = STD
) -> Float32[Array, "batch pixels"]:
    """Turn pixels into activities of the image layer: (pixel - mean) / std, pixels from 0 to 1.

    Bytes, 0 to 255, are divided by 255 first; floats from 0 to 1 are taken as they are. With the defaults,
    ink is 2.82 and background -0.42. Works inside `jax.jit`.

    Args:
        images: uint8 or floats, (batch, 28, 28) or any other shape from the batch on; it is flattened.
        mean: of the pixels.
        std: their standard deviation.

    Raises:
        ValueError: the images are neither bytes nor floats from 0 to 1 (those of another range are taken with
            a std of 1 or more), or not of shape (batch, ...), the mean is not finite, or the standard
            deviation is not positive.

    Example:
        >>> print(bpc.normalise(np.array([[0, 255]], np.uint8)).round(2))
        [[-0.42  2.82]]
    """
    pixels = jnp.asarray(images)
    scale = 255 if pixels.dtype == jnp.uint8 else 1
    pixels = pixels.reshape(len(pixels), math.prod(pixels.shape[1:])).astype(jnp.float32)
    return (pixels / scale - mean) / std


def denormalise(
    pixels: Float32[AnyArray, "*batch pixels"], mean: float = MEAN, std: float = STD
) -> Float32[Array, "*batch pixels"]:
    """Undo `normalise`: activities of the image layer -> pixels, clipped to [0, 1].

    Raises:
        ValueError: the pixels are not floats.

    Example:
        >>> print(bpc.denormalise(jnp.array([-0.42, 2.82, 9.0])).round(2))
        [0. 1. 1.]
    """
    return jnp.clip(jnp.asarray(pixels) * std + mean, 0, 1)


def one_hot(
    labels: Integer[AnyArray, " batch"], classes: int = CLASSES
) -> Float32[Array, "batch k"]:
    """Turn labels into activities of the label layer: 1 at the label, 0 elsewhere.

    Works inside `jax.jit`, where a label's value cannot be checked: one out of range gives zeros.

    Raises:
        ValueError: the labels are not integers, not of shape (batch,), or not in 0..classes-1.

    Example:
        >>> print(bpc.one_hot([2, 0], classes=3))
        [[0. 0. 1.]
         [1. 0. 0.]]
    """
    return jax.nn.one_hot(jnp.asarray(labels), classes, dtype=jnp.float32)


def class_means(
    images: Num[AnyArray, "N ..."], labels: Integer[AnyArray, " N"], classes: int = CLASSES
) -> Float32[np.ndarray, "classes pixels"]:
    """Average the images of each class, pixels in [0, 1].

    The target of a network that has learned what a label stands for, and no more.

    Raises:
        ValueError: shapes or dtypes are wrong, the counts differ, or a class has no image.

    Example:
        >>> bpc.class_means(*bpc.load_mnist("test")).shape
        (10, 784)
    """
    pixels, labels = np.reshape(np.asarray(images), (len(images), -1)), np.asarray(labels)
    scale = 255 if pixels.dtype == np.uint8 else 1
    means = [pixels[labels == c].mean(axis=0, dtype=np.float64) / scale for c in range(classes)]
    return np.stack(means).astype(np.float32)


def _idx_fault(path: Path) -> str | None:
    """Say what is wrong with a file that should be IDX: a head that fits the bytes behind it."""
    try:
        with open(path, "rb") as file:
            head = file.read(16)
            size = file.seek(0, 2)
    except FileNotFoundError:
        return None
    except OSError as error:
        return f"{shown(path)} cannot be read ({error.strerror})"
    if head[:2] == b"\x1f\x8b":
        return f"{shown(path)} is still packed by gzip, in spite of its name"
    if head.lstrip()[:1] == b"<":
        return f"{shown(path)} is a web page, as a failed download leaves"
    axes = 3 if "images" in path.name else 1
    if head[:4] != bytes([0, 0, 8, axes]):
        return f"{shown(path)} does not begin as an IDX file of bytes with {axes} axes"
    lengths = [int.from_bytes(head[i : i + 4], "big") for i in range(4, 4 + 4 * axes, 4)]
    promised = 4 + 4 * axes + math.prod(lengths)
    if size != promised:
        return f"{shown(path)} has {size:,} bytes where its head promises {promised:,}: it is cut or altered"
    return None


def _read_idx(name: str) -> np.ndarray:
    """Read one IDX file: a head with the number of axes and their lengths, then the bytes."""
    path = MNIST_FOLDER / f"{name}.gz"
    advice = reinstall()
    try:
        with gzip.open(path) as file:
            content = file.read(IDX_BYTES)  # and no more, whatever somebody put there
    except FileNotFoundError as error:
        raise FileNotFoundError(f"{path} is missing; {advice}") from error
    except (OSError, EOFError, zlib.error) as error:
        raise OSError(f"{path} is not a whole gzip file ({error}); {advice}") from error
    found = hashlib.sha256(content, usedforsecurity=False).hexdigest()
    if found != SHA256[name]:
        raise OSError(
            f"{path} differs from the original: SHA-256 {SHA256[name]} expected, {found} found; "
            f"{advice}"
        )
    axes = content[3]
    head = 4 + 4 * axes
    room = np.empty(len(content) - head + 64, np.uint8)
    start = -room.ctypes.data % 64  # JAX does not copy an array that is aligned to 64 bytes
    values = room[start : start + len(content) - head]
    values[:] = np.frombuffer(content, np.uint8, offset=head)
    return values.reshape(np.frombuffer(content, ">u4", axes, offset=4))
