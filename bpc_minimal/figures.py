"""Figures of the book and of the command line, so that a chapter's cells hold the method alone.

Colours are of Okabe and Ito's palette, which colour-blind readers can tell apart; each figure brings
its own light ground, so that it reads the same on a dark page.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from jaxtyping import Array, Float, Int
from matplotlib.figure import Figure

from bpc_minimal.data import denormalise
from bpc_minimal.training import History

BLUE, ORANGE, GREEN, RED, PURPLE, SKY = (
    "#0072B2",
    "#E69F00",
    "#009E73",
    "#D55E00",
    "#CC79A7",
    "#56B4E9",
)
STYLE = {
    "figure.dpi": 110,
    "figure.facecolor": "white",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.prop_cycle": plt.cycler(color=[BLUE, ORANGE, GREEN, RED, PURPLE, SKY]),
    "font.size": 10,
    "legend.frameon": False,
}


def show(figure: Figure, alt: str) -> None:
    """Display a figure in a notebook with a text that says what it shows, and close it."""
    import io

    from IPython.display import Image, display

    png = io.BytesIO()
    figure.savefig(png, format="png", bbox_inches="tight", metadata={"Software": None})
    plt.close(figure)
    display(Image(png.getvalue(), alt=alt), metadata={"image/png": {"alt": alt}})


def keep(figure: Figure, path: str | Path) -> None:
    """Write a figure to a file, in the format that the file's name ends with, and close it."""
    try:
        figure.savefig(path, bbox_inches="tight")
    finally:
        plt.close(figure)


def digits(
    images: Float[Array, "n 784"],
    labels: Sequence[object] | None = None,
    *,
    columns: int = 10,
    scale: float = 0.8,
    in_unit_range: bool = False,
) -> Figure:
    """Draw images in a grid, ink dark on white, each with its label below.

    Args:
        images: normalised pixels, or pixels in [0, 1] where `in_unit_range`.
        labels: one an image, or none.
        columns: of the grid.
        scale: inches of a digit.
        in_unit_range: whether pixels are in [0, 1] already.
    """
    pixels = np.asarray(images if in_unit_range else denormalise(images)).reshape(-1, 28, 28)
    columns = min(columns, len(pixels))
    rows = -(-len(pixels) // columns)
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(
            rows, columns, figsize=(columns * scale, rows * scale * 1.25), squeeze=False
        )
        for i, axis in enumerate(axes.flat):
            axis.set(xticks=[], yticks=[])
            axis.set_frame_on(False)
            if i < len(pixels):
                axis.imshow(pixels[i], cmap="gray_r", vmin=0, vmax=1)
                if labels is not None:
                    axis.set_xlabel(str(labels[i]), fontsize=9, labelpad=2)
        figure.subplots_adjust(wspace=0.06, hspace=0.3 if labels is not None else 0.06)
    return figure


def training_curves(history: History) -> Figure:
    """Draw the losses of each iteration, smoothed, and the accuracy at each evaluation."""
    losses, evaluations = history.losses, history.evaluations
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(1, 3, figsize=(9.5, 2.7), layout="constrained")
        axes[0].plot(*_smooth(losses["gen_loss"]), color=BLUE)
        axes[0].set(title="gen_loss: the drawn image's error", xlabel="iteration", ylim=(0, None))
        axes[1].plot(*_smooth(losses["energy_before"]), color=ORANGE, label="before inference")
        axes[1].plot(*_smooth(losses["energy"]), color=GREEN, label="after inference")
        axes[1].set(title="energy of a batch", xlabel="iteration", yscale="log")
        axes[1].legend()
        axes[2].plot(
            [e["iteration"] for e in evaluations],
            [e["accuracy"] for e in evaluations],
            "o-",
            color=RED,
            markersize=4,
        )
        axes[2].set(title="accuracy, held-out images (%)", xlabel="iteration")
    return figure


def confusion(found: Int[Array, " N"], labels: Int[Array, " N"], classes: int = 10) -> Figure:
    """Draw how many images of each class (a row) were taken for each class (a column)."""
    counts = np.zeros((classes, classes), int)
    np.add.at(counts, (np.asarray(labels), np.asarray(found)), 1)
    wrong = np.where(np.eye(classes, dtype=bool), 0, counts)
    with plt.rc_context(STYLE):
        figure, axis = plt.subplots(figsize=(4.6, 4.2), layout="constrained")
        axis.imshow(wrong, cmap="Oranges", vmin=0, vmax=max(1, wrong.max()) * 1.4)
        for (row, column), count in np.ndenumerate(counts):
            if count:
                bold = "bold" if row == column else "normal"
                axis.text(column, row, count, ha="center", va="center", fontsize=8, weight=bold)
        axis.set(xticks=range(classes), yticks=range(classes), xlabel="answer", ylabel="true label")
    return figure


def receptive_fields(
    weights: Float[Array, "units 784"], count: int = 40, columns: int = 10
) -> Figure:
    """Draw the first `count` rows of a weight matrix as images, red for positive, blue for negative."""
    fields = np.asarray(weights)[:count].reshape(-1, 28, 28)
    rows = -(-len(fields) // columns)
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(rows, columns, figsize=(0.8 * columns, 0.8 * rows))
        for axis, field in zip(axes.flat, fields, strict=False):
            axis.imshow(field, cmap="RdBu_r", vmin=-abs(field).max(), vmax=abs(field).max())
        for axis in axes.flat:
            axis.axis("off")
        figure.subplots_adjust(wspace=0.06, hspace=0.06)
    return figure


def bars(values: Mapping[str, float], unit: str, title: str = "") -> Figure:
    """Draw one horizontal bar for each name, the first at the top, with its value beside it."""
    names = [*values][::-1]
    with plt.rc_context(STYLE):
        figure, axis = plt.subplots(figsize=(7, 0.45 * len(names) + 0.8), layout="constrained")
        drawn = axis.barh(names, [values[name] for name in names], color=BLUE)
        axis.bar_label(drawn, fmt=f"%.3g {unit}", padding=4)
        axis.set(title=title, xticks=[])
        axis.spines["bottom"].set_visible(False)
        axis.margins(x=0.18)
    return figure


def _smooth(values: np.ndarray, points: int = 200) -> tuple[np.ndarray, np.ndarray]:
    """Average a long row of numbers over windows, so that at most `points` remain."""
    window = -(-len(values) // points)
    whole = len(values) // window * window
    return np.arange(window, whole + 1, window), values[:whole].reshape(-1, window).mean(axis=1)
