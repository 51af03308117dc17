"""What the live figures of the chapters start from: data that a page carries, made as the book is built.

    python tools/live_figures.py      train chapter 6's four networks and chapter 7's two, and keep them

What takes training is kept beside the figures, in landscape.json and missing.js, which name what made it.
"""

import base64
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import live
import matplotlib as mpl
import nbformat
import numpy as np

import bpc_minimal as bpc
from bpc_minimal import browser, measured
from bpc_minimal.curvature import spectral_norms

BOOK = Path(__file__).resolve().parents[1] / "book"
SETTLED, REST = 300, 3000  # steps in chapter 6, of the hidden layer alone and of what is set free
MISSING = BOOK / "live" / "figures" / "missing.js"
LANDSCAPE = BOOK / "live" / "figures" / "landscape.json"


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


def missing() -> dict[str, Any]:
    """The same, of chapter 7: its two networks to compare, and where its figure begins."""
    networks = {"whole": "learned from whole images", "masked": "met masks"}
    return hidden() | {"networks": networks, "digit": 0, "hides": "lower", "dial": -1}


def missing_networks() -> dict[str, bpc.Network]:
    """Train the two networks of chapter 7's first figure by its own cell."""
    names: dict[str, Any] = {}
    training, _ = cells_of("07_what_is_missing")["c07-02"].split("\n\nnetworks = {")
    exec(training, names)
    learn, rule = names["learn"], names["bidirectional"]
    return {"whole": learn(rule, hide=False), "masked": learn(rule, hide=True)}


def keep_missing() -> None:
    """Write the networks of chapter 7's figure as a script, which the page loads when it is asked for."""
    run = f"the first cell of chapter 7; bpc_minimal {bpc.__version__}, jax {jax.__version__}"
    usual = bpc.preset("fast")
    settings = {"pixel_mean": usual.pixel_mean, "pixel_std": usual.pixel_std}
    scripts = [
        browser.script_of(network, name, run, settings=settings)
        for name, network in missing_networks().items()
    ]
    browser.write(MISSING, "".join(scripts))


def cells_of(chapter: str) -> dict[str, str]:
    """Read the cells of a chapter, by their names."""
    return {cell.id: cell.source for cell in nbformat.read(BOOK / f"{chapter}.ipynb", 4).cells}


def chain() -> dict[str, Any]:
    """The first of chapter 1's forty deep chains, and its five examples, drawn by the chapter's own cells."""
    names: dict[str, Any] = {"jax": jax, "jnp": jnp, "np": np}
    cells = cells_of("01_energy")
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


def landscape() -> dict[str, Any]:
    """Chapter 6's networks, as they were kept, and the colours of its maps."""
    colours = mpl.colormaps["viridis"](np.linspace(0, 1, 32), bytes=True)[:, :3]
    kept: dict[str, Any] = json.loads(LANDSCAPE.read_text("utf-8"))
    return kept | {"colours": base64.b64encode(colours.tobytes()).decode()}


def landscape_networks() -> dict[str, tuple[bpc.Network, bpc.Rule, float]]:
    """Train chapter 6's four networks by its own cell; of each the rule and alpha_gen too."""
    names: dict[str, Any] = {}
    training, _ = cells_of("06_landscapes")["c06-02"].split("\n\n\ndef energies")
    exec(training, names)
    return {
        name: (network, names["RULES"][name], names["alpha"][name])
        for name, network in names["trained"].items()
    }


def keep_landscape() -> None:
    """Write the networks of chapter 6's figure: weights, layer by layer, and the norms that a step needs."""
    networks = landscape_networks()

    def kept(network: bpc.Network, rule: bpc.Rule, alpha_gen: float) -> dict[str, Any]:
        weights = np.concatenate([np.ravel(leaf) for leaf in jax.tree.leaves(network)])
        return {
            "start": rule.start,
            "gen": rule.moves[0] * alpha_gen,
            "disc": rule.moves[1],
            "norms": jax.tree.map(float, spectral_norms(network)),
            "weights": base64.b64encode(weights.astype("<f4").tobytes()).decode(),
        }

    fields = {
        "run": f"the first cell of chapter 6, seed 10; bpc_minimal {bpc.__version__}, jax {jax.__version__}",
        "settled": SETTLED,
        "rest": REST,
        "networks": {name: kept(*each) for name, each in networks.items()},
    }
    LANDSCAPE.write_text(json.dumps(fields, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    keep_landscape()
    keep_missing()
