"""What the live figures of the chapters start from: data that a page carries, made as the book is built."""

import base64
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import live
import nbformat
import numpy as np

from bpc_minimal import measured

BOOK = Path(__file__).resolve().parents[1] / "book"


def ten_digits(places: Sequence[int] = range(10)) -> dict[str, Any]:
    """Ten digits of the test set, one of each, as the page to play with has them."""
    images, labels, _ = live.digits()
    chosen = [*places]
    return {
        "labels": labels[chosen].tolist(),
        "images": base64.b64encode(images[chosen].tobytes()).decode(),
    }


def hidden() -> dict[str, Any]:
    """The same, with the 8 of that page's first experiment, and the pixels that are seen there."""
    places = [live.HIDDEN_8 if digit == 8 else digit for digit in range(10)]
    return ten_digits(places) | {"seen": sorted(live.SEEN.tolist())}


def chain() -> dict[str, Any]:
    """The first of chapter 1's forty deep chains, and its five examples, drawn by the chapter's own cells."""
    names: dict[str, Any] = {"jax": jax, "jnp": jnp, "np": np}
    cells = {cell.id: cell.source for cell in nbformat.read(BOOK / "01_energy.ipynb", 4).cells}
    for cell in ("c01-80", "c01-89", "c01-95"):  # predict; the generator and its sweep; the problem
        exec(cells[cell], names)
    generator, z = names["draw_problem"](0)
    ends = {"expected": np.asarray(z[0]).tolist(), "observed": np.asarray(z[-1]).tolist()}
    return {"generator": [V.tolist() for V, _ in generator], **ends}


def dial() -> dict[str, Any]:
    """What was measured of five models, and of BPC along the dial: mean and deviation of five seeds."""
    stored = measured.read("bidirectional")

    def of_each(table: dict[str, Any], *what: str) -> dict[str, Any]:
        return {
            name: {key: [found[key].mean(), found[key].std(ddof=1)] for key in what}
            for name, found in table.items()
        }

    models = of_each(stored["models"], "reads", "draws")
    label = stored["whole"]["genPC"]["settled"]  # it has nothing to sweep up with
    models["genPC"]["reads"] = [label.mean(), label.std(ddof=1)]
    places = [*stored["dial"]]  # in this order, which a script would not keep
    found = of_each(stored["dial"], "reads", "draws", "80 % hidden")
    return {"models": models, "places": places, "dial": found}
