"""Draw the welcome page's figure from a checkpoint of the `best` preset.

python -m bpc_minimal train --preset best --out runs/best
python tools/welcome_figure.py runs/best/checkpoint.bpc
"""

import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

import bpc_minimal as bpc

PLACE = Path(__file__).resolve().parents[1] / "book" / "_static" / "welcome.png"


def main(path: str) -> None:
    checkpoint = bpc.load(path)
    network, config = checkpoint.network, checkpoint.config
    images, labels = bpc.load_mnist("test")
    first = [int(np.flatnonzero(labels == digit)[0]) for digit in range(10)]
    pixels = np.asarray(bpc.normalise(images[first], config.pixel_mean, config.pixel_std))
    seen = np.arange(784) < 392
    completed = bpc.complete(network, pixels, seen)
    rows = {
        "drawn": bpc.generate(network, np.arange(10)),
        "seen": np.where(seen, pixels, pixels.min()),
        "filled in": completed,
        "true": pixels,
    }
    figure, axes = plt.subplots(4, 10, figsize=(10, 4.3), dpi=130)
    for i, (name, row) in enumerate(rows.items()):
        shown = bpc.denormalise(row, config.pixel_mean, config.pixel_std)
        for axis, image in zip(axes[i], np.asarray(shown), strict=True):
            axis.imshow(image.reshape(28, 28), cmap="gray_r", vmin=0, vmax=1)
            axis.set(xticks=[], yticks=[])
            axis.set_frame_on(False)
        axes[i, 0].set_ylabel(name, rotation=0, ha="right", va="center", fontsize=12)
    figure.subplots_adjust(wspace=0.04, hspace=0.08, left=0.08, right=0.995, top=0.99, bottom=0.01)
    figure.savefig(PLACE, facecolor="white", metadata={"Software": None})


if __name__ == "__main__":
    main(*sys.argv[1:])
