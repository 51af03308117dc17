"""Write what the page that learns loads: its settings, and the digits that it carries.

    python tools/learn.py

Writes book/live/lessons.js, the settings of a run for each rule, and book/live/training.js: the first 20,000
training images and every tenth image of the test set, in 16 greys, which take two thirds of the room of 256.
The settings were chosen on the last 5,000 training images (benchmarks/attempts.md).
"""

import base64
import json
import zlib
from pathlib import Path

import numpy as np

import bpc_minimal as bpc
from bpc_minimal import browser

FOLDER = Path(__file__).resolve().parents[1] / "book" / "live"
IMAGES, EVERY = 20_000, 10
GREY = 17  # 0, 17, ..., 255
BPC = bpc.preset("fast", name="bidirectional", sizes=(10, 128, 128, 784), batch_size=64, epochs=6)
BY_E = {"alpha_gen": (1.0, 1.0, 0.1), "steps": 4}  # where e alone moves, as in chapter 4
CONFIGS = {
    "bidirectional": BPC,
    "hybrid": BPC.replace(name="hybrid", rule=bpc.HYBRID, **BY_E),
    "generative": BPC.replace(name="generative", rule=bpc.GENERATIVE, classify_steps=50, **BY_E),
    "discriminative": BPC.replace(name="discriminative", rule=bpc.DISCRIMINATIVE),
}


def data() -> bpc.Data:
    """Give the digits of the page: what it trains on, and what it is tested on."""
    images, labels = bpc.load_mnist("train")
    test_images, test_labels = bpc.load_mnist("test")
    return bpc.Data(
        in_greys(images[:IMAGES]),
        labels[:IMAGES],
        in_greys(test_images[::EVERY]),
        test_labels[::EVERY],
    )


def in_greys(images: np.ndarray) -> np.ndarray:
    """Round the bytes of images to 16 greys."""
    return np.rint(images / GREY).astype(np.uint8) * GREY


def as_training() -> str:
    """Write the digits as a classic script: streams of zlib in base64, two pixels a byte."""
    digits = data()

    def pixels(images: np.ndarray) -> str:
        greys = images.reshape(len(images), -1) // GREY
        packed = greys[:, 0::2] << 4 | greys[:, 1::2]
        return base64.b64encode(zlib.compress(packed.tobytes(), 9)).decode()

    def bytes_of(labels: np.ndarray) -> str:
        return base64.b64encode(labels.astype(np.uint8).tobytes()).decode()

    fields = {
        "images": pixels(digits.images),
        "labels": bytes_of(digits.labels),
        "test_images": pixels(digits.held_out_images),
        "test_labels": bytes_of(digits.held_out_labels),
    }
    lines = ",\n".join(f'{json.dumps(key)}: "{value}"' for key, value in fields.items())
    return (
        f"// MNIST's first {IMAGES:,} training images and every tenth of its test images, in 16 greys, two\n"
        "// pixels a byte: written by tools/learn.py. lesson.js unpacks them.\n"
        f"globalThis.bpcTraining = {{\n{lines}\n}};\n"
    )


def as_lessons() -> str:
    """Write the settings of a run for each rule, as the package's Config has them."""
    lines = ",\n".join(f'"{name}": {config.to_json()}' for name, config in CONFIGS.items())
    return (
        "// Settings of the runs on the page that learns, as in the package: written by tools/learn.py.\n"
        f"globalThis.bpcLessons = {{\n{lines}\n}};\n"
    )


def main() -> None:
    browser.write(FOLDER / "lessons.js", as_lessons())
    size = browser.write(FOLDER / "training.js", as_training())
    print(f"training.js: {size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
