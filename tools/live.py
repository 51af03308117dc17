"""Train the networks of the page book/live.md, one for each rule, and write what the page loads.

    python tools/live.py                   train first, some minutes on two cores
    python tools/live.py --keep FOLDER     and keep the checkpoints there, or take those that are there

Writes book/live/weights/RULE.js, as `python -m bpc_minimal export` does; book/live/digits.js, a hundred
digits of the test set; book/live/first.js, what the page shows before any weights; and book/_static/live.svg,
the still figure. The settings were chosen on the last
5,000 training images (benchmarks/attempts.md), which these runs leave out.
"""

import argparse
import base64
import gzip
import json
from pathlib import Path

import numpy as np

import bpc_minimal as bpc
from bpc_minimal import browser, figures
from bpc_minimal.__main__ import provenance
from bpc_minimal.svg import as_svg

BOOK = Path(__file__).resolve().parents[1] / "book"
FOLDER = BOOK / "live"
FIGURE = BOOK / "_static" / "live.svg"
ALT = "An 8 of which four of five pixels are hidden, as it settles: they fill in, and the answer turns to 8"
BPC = bpc.preset("best", name="live-bidirectional", sizes=(10, 128, 128, 784), epochs=10)
BY_E = {"alpha_gen": (1.0, 1.0, 0.1), "epochs": 6}  # where e alone moves, as in chapter 4
CONFIGS = {
    "bidirectional": BPC,
    "hybrid": BPC.replace(name="live-hybrid", rule=bpc.HYBRID, **BY_E),
    "generative": BPC.replace(
        name="live-generative", rule=bpc.GENERATIVE, classify_steps=50, **BY_E
    ),
    "discriminative": BPC.replace(name="live-discriminative", rule=bpc.DISCRIMINATIVE, epochs=6),
}
EACH = 10  # test images of each digit
SEEN = np.random.default_rng(1).permutation(784)[:157]  # where four of five pixels are hidden
HIDDEN_8, STEPS = 58, (0, 5, 20, 80, 400)  # of the still figure: the page's first experiment


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--keep", type=Path, help="folder of checkpoints")
    keep = parser.parse_args().keep
    total = 0
    for name, config in CONFIGS.items():
        checkpoint = trained(config, keep)
        script = browser.as_script(checkpoint, name, provenance(checkpoint))
        browser.write(FOLDER / "weights" / f"{name}.js", script)
        packed = len(gzip.compress(script.encode()))
        total += packed
        print(f"{name}: {packed / 1000:,.0f} kB gzipped; {provenance(checkpoint)}")
        if name == "bidirectional":
            network = browser.rounded(checkpoint.network)
            draw(network)
            browser.write(FOLDER / "first.js", first(network))
    print(f"together: {total / 1e6:.2f} MB gzipped")
    write_digits()


def trained(config: bpc.Config, keep: Path | None) -> bpc.Checkpoint:
    """Train with the validation images left out, or read what was trained before."""
    path = keep and keep / f"{config.name}.bpc"
    if path and path.exists():
        return bpc.load(path)
    kept: list[bpc.Checkpoint] = []
    bpc.fit(config, bpc.mnist("validation"), on_epoch=kept.append)
    if path:
        bpc.save(path, kept[-1])
    return kept[-1]


def digits() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Give the first ten test images of each digit, in rounds of one of each; their labels and places."""
    images, labels = bpc.load_mnist("test")
    rounds = np.array([np.flatnonzero(labels == digit)[:EACH] for digit in range(10)]).T.ravel()
    return images[rounds], labels[rounds], rounds


def write_digits() -> None:
    """Write the digits that the page carries, a byte a pixel."""
    images, labels, rounds = digits()
    fields = {
        "labels": labels.tolist(),
        "index": rounds.tolist(),
        "seen": sorted(SEEN.tolist()),
        "images": base64.b64encode(images.tobytes()).decode(),
    }
    lines = ",\n".join(f"{json.dumps(key)}: {json.dumps(value)}" for key, value in fields.items())
    script = (
        "// MNIST's test images, the first ten of each digit, a byte a pixel, with their places in the test\n"
        "// set, and the pixels that stay where four of five are hidden: written by tools/live.py.\n"
        f"globalThis.bpcDigits = {{\n{lines}\n}};\n"
    )
    browser.write(FOLDER / "digits.js", script)


def first(network: bpc.Network) -> str:
    """Write the sweep of the first experiment, and which units differ most: seen before the weights come."""
    z, _ = swept(network)
    e = bpc.errors(network, z)[0]  # of the layers below the label; after a sweep up d is 0
    apart = [
        np.var(layer, axis=0) for layer in bpc.sweep_up(network, bpc.normalise(digits()[0][:30]))
    ]

    def packed(layers: list) -> list[str]:
        return [base64.b64encode(np.asarray(x, "<f4").tobytes()).decode() for x in layers]

    fields = {
        "sizes": network.sizes,
        "settings": {"pixel_mean": BPC.pixel_mean, "pixel_std": BPC.pixel_std},
        "units": {l: np.argsort(-apart[l], kind="stable")[:8].tolist() for l in (1, 2)},
        "z": packed(z),
        "e": packed(e),
    }
    lines = ",\n".join(f"{json.dumps(key)}: {json.dumps(value)}" for key, value in fields.items())
    return (
        "// What a sweep finds of the first experiment: seen until the weights come, a hundred times as\n"
        "// many numbers. Written by tools/live.py.\n"
        f"globalThis.bpcFirst = {{\n{lines}\n}};\n"
    )


def swept(network: bpc.Network) -> tuple[list, np.ndarray]:
    """Sweep up over the first experiment, an 8 with four of five pixels hidden; and say which are seen."""
    image = bpc.normalise(digits()[0][HIDDEN_8 : HIDDEN_8 + 1])
    seen = np.isin(np.arange(784), SEEN)
    return bpc.sweep_up(network, np.where(seen, image, 0)), seen


def draw(network: bpc.Network) -> None:
    """Draw the still figure, which paper has in place of the network: the first experiment."""
    start, seen = swept(network)
    clamped = [False] * network.depth + [seen]
    path = bpc.infer(network, start, clamped, steps=STEPS[-1], step_size=1.0, record=True)
    at = np.array(STEPS)
    rows = {"BPC: both errors move": (path.trajectory[-1][at, 0], path.trajectory[0][at, 0])}
    figure = figures.frames(rows, ["sweep", *(str(step) for step in STEPS[1:])])
    FIGURE.write_text(as_svg(figure, ALT) + "\n", "utf-8")


if __name__ == "__main__":
    main()
