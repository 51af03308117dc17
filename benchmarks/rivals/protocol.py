"""What a rival needs of the arena: MNIST as arrays, and a line for each evaluation.

A rival is a script in a file of its own, run by the Python of its own environment. It learns as its own
documentation says, and calls `report` after each evaluation on the test images. It takes no times: the
arena stamps each line when it arrives, so that all that came before it counts, evaluations too.
"""

import json
import os
import sys
from pathlib import Path

import numpy as np

MEAN, STD = 0.1307, 0.3081  # of all pixels, as torchvision's examples have them
# Unpacked from the package by arena.py before any clock runs, in the layout that torchvision expects.
ROOT = Path(os.environ.get("ARENA_DATA", Path(__file__).parents[2] / ".venv-arena" / "data"))


def mnist(split: str) -> tuple[np.ndarray, np.ndarray]:
    """Read "train" or "test": pixels as float32 (N, 784) in [0, 1], labels as integers (N,)."""
    prefix = ROOT / "MNIST" / "raw" / {"train": "train", "test": "t10k"}[split]
    images = np.fromfile(f"{prefix}-images-idx3-ubyte", np.uint8, offset=16)
    labels = np.fromfile(f"{prefix}-labels-idx1-ubyte", np.uint8, offset=8)
    return images.reshape(-1, 784).astype(np.float32) / 255, labels.astype(np.int32)


def one_hot(labels: np.ndarray) -> np.ndarray:
    return np.eye(10, dtype=np.float32)[labels]


def batches(images, targets, size: int, random: np.random.Generator | None = None):
    """Give whole batches of an epoch: shuffled, if there is something to shuffle with."""
    order = np.arange(len(images)) if random is None else random.permutation(len(images))
    for start in range(0, len(order) - size + 1, size):
        chosen = order[start : start + size]
        yield images[chosen], targets[chosen]


def rmse(drawn: np.ndarray) -> float:
    """Compare ten drawings, pixels in [0, 1], with the means of the classes of the test images."""
    images, labels = mnist("test")
    means = np.stack([images[labels == digit].mean(axis=0) for digit in range(10)])
    return float(np.sqrt(np.mean((np.asarray(drawn).reshape(10, 784) - means) ** 2)))


_lines = sys.stdout  # a library's own progress goes to stderr, see `quiet`


def quiet() -> None:
    """Send what a library prints to stderr, so that stdout holds the lines of `report` alone."""
    global _lines
    _lines = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)


def report(iteration: int, accuracy: float | None = None, **more: float) -> None:
    """Say that so many iterations are done, and what was read right of the test images, in percent.

    Without an accuracy, the line says that the first iteration is done: all is imported and compiled then.
    """
    line = {"iteration": int(iteration)}
    if accuracy is not None:
        line["accuracy"] = round(float(accuracy), 4)
    line.update({name: float(value) for name, value in more.items()})
    print(json.dumps(line), file=_lines, flush=True)
