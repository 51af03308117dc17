"""Train the preset `best`, store it in the package, and draw the welcome page's figure from it.

    python tools/best.py                      train first, some minutes on two cores
    python tools/best.py FOLDER/checkpoint.bpc   take a run of `python -m bpc_minimal train --preset best`
    python tools/best.py --figure             only draw, from the network that is stored

Writes bpc_minimal/best.npz (weights in float16, history, what made them), which chapter 5 reads, and
book/_static/welcome.svg.
"""

import platform
import sys
from pathlib import Path

import jax
import numpy as np

import bpc_minimal as bpc
from bpc_minimal import figures
from bpc_minimal.checkpoint import PRETRAINED, export, pretrained
from bpc_minimal.svg import as_svg

FIGURE = Path(__file__).resolve().parents[1] / "book" / "_static" / "welcome.svg"
ALT = "Ten digits drawn by one network, and below them digits whose hidden lower half it filled in"


def main(*paths: str) -> None:
    if paths == ("--figure",):
        draw(pretrained()[0], bpc.preset("best"))
        return
    if paths:
        checkpoint = bpc.load(paths[0])
    else:
        kept: list[bpc.Checkpoint] = []
        bpc.fit(bpc.preset("best"), on_epoch=kept.append)
        checkpoint = kept[-1]
    config = checkpoint.config
    about = {
        "command": f"python -m bpc_minimal train --preset {config.name} --set seed={config.seed}",
        "versions": f"bpc_minimal {bpc.__version__}, jax {jax.__version__}, "
        f"Python {platform.python_version()}",
        "seed": str(config.seed),
    }
    export(PRETRAINED, checkpoint, about)
    network, history, _ = pretrained()
    draw(network, config)
    print(f"{PRETRAINED}: {PRETRAINED.stat().st_size / 1e6:.1f} MB, {history.evaluations[-1]}")


def draw(network: bpc.Network, config: bpc.Config) -> None:
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
    shown = {
        name: bpc.denormalise(row, config.pixel_mean, config.pixel_std)
        for name, row in rows.items()
    }
    figure = figures.digit_rows(shown, in_unit_range=True)
    FIGURE.write_text(as_svg(figure, ALT) + "\n", "utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
