"""Figures of the book and of the command line, so that a chapter's cells hold the method alone.

Colours are of Okabe and Ito's palette, which colour-blind readers can tell apart; each figure brings
its own light ground, so that it reads the same on a dark page.
"""

import contextlib
import hashlib
import html
import io
import re
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from cycler import cycler
from jaxtyping import Array, Float, Int
from matplotlib.animation import FuncAnimation
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Circle, Rectangle
from matplotlib.ticker import LogLocator

from bpc_minimal.data import denormalise
from bpc_minimal.files import check_writable, shown
from bpc_minimal.files import write as write_file
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
    "axes.prop_cycle": cycler(color=[BLUE, ORANGE, GREEN, RED, PURPLE, SKY]),
    "font.size": 10,
    "legend.frameon": False,
}


_ONE_AT_A_TIME = threading.RLock()  # matplotlib's settings are one for all threads


@contextlib.contextmanager
def _style(**changes: Any) -> Iterator[None]:
    """Draw with matplotlib's own settings and `STYLE`, whatever style, TeX or file of settings a user has."""
    settings: Any = {k: v for k, v in matplotlib.rcParamsDefault.items() if "backend" not in k}
    with _ONE_AT_A_TIME, matplotlib.rc_context(settings | STYLE | changes):
        yield


def _subplots(
    rows: int = 1, columns: int = 1, *, squeeze: bool = True, sharex: bool = False, **look: Any
):
    """Make a figure with axes, as pyplot does, but on a canvas of its own that no screen is needed for."""
    figure = Figure(**look)
    FigureCanvasAgg(figure)
    return figure, figure.subplots(rows, columns, squeeze=squeeze, sharex=sharex)


def show(figure: Figure, alt: str) -> None:
    """Display a figure in a notebook with a text that says what it shows."""
    from IPython.display import Image, display

    png = io.BytesIO()
    with _style():
        figure.savefig(png, format="png", bbox_inches="tight", metadata={"Software": None})
    display(Image(png.getvalue(), alt=alt), metadata={"image/png": {"alt": alt}})


def keep(figure: Figure, path: str | Path) -> None:
    """Write a figure to a file, in the format that its name ends with; PNG where it has no ending.

    Raises:
        ValueError: the ending is none of a picture's.
        OSError: the file cannot be written; an older one is as it was.
    """
    content = io.BytesIO()
    with _style():
        figure.savefig(content, format=_format(path), bbox_inches="tight")
    write_file(path, content.getbuffer(), what="the figure")


def check(path: str | Path) -> None:
    """Raise, as `keep` would, where a figure could not be kept."""
    _format(path)
    check_writable(path, "the figure")


def _format(path: str | Path) -> str:
    name = Path(path).suffix.lstrip(".").lower() or "png"
    known = sorted(FigureCanvasAgg.get_supported_filetypes())
    if name not in known:
        raise ValueError(
            f"{shown(path)} ends in .{shown(name)}; a picture ends in one of: {', '.join(known)}"
        )
    return name


def digits(
    images: Float[Array, "n 784"],
    labels: Sequence[object] | None = None,
    *,
    columns: int = 10,
    in_unit_range: bool = False,
) -> Figure:
    """Draw images in a grid, ink dark on white, each with its label below.

    Args:
        images: normalised pixels, or pixels in [0, 1] where `in_unit_range`.
        labels: one an image, or none.
        columns: of the grid.
        in_unit_range: whether pixels are in [0, 1] already.
    """
    pixels = np.asarray(images if in_unit_range else denormalise(images)).reshape(-1, 28, 28)
    if not len(pixels) or columns < 1:
        raise ValueError(
            f"{len(pixels)} images in {columns} columns given, one or more of each expected"
        )
    columns = min(columns, len(pixels))
    rows = -(-len(pixels) // columns)
    with _style():
        figure, axes = _subplots(rows, columns, figsize=(0.8 * columns, rows), squeeze=False)
        _digits(axes.flat, pixels, labels)
        figure.subplots_adjust(wspace=0.06, hspace=0.3 if labels is not None else 0.06)
    return figure


def training_curves(history: History) -> Figure:
    """Draw the losses of each iteration, smoothed, and the accuracy at each evaluation."""
    losses, evaluations = history.losses, history.evaluations
    with _style():
        figure, axes = _subplots(1, 3, figsize=(9.5, 2.7), layout="constrained")
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


def confusion(found: Int[Array, " N"], labels: Int[Array, " N"]) -> Figure:
    """Draw how many images of each digit (a row) were taken for each digit (a column)."""
    counts = np.zeros((10, 10), int)
    np.add.at(counts, (np.asarray(labels), np.asarray(found)), 1)
    wrong = np.where(np.eye(10, dtype=bool), 0, counts)
    with _style():
        figure, axis = _subplots(figsize=(4.6, 4.2), layout="constrained")
        axis.imshow(wrong, cmap="Oranges", vmin=0, vmax=max(1, wrong.max()) * 1.4)
        for (row, column), count in np.ndenumerate(counts):
            if count:
                bold = "bold" if row == column else "normal"
                axis.text(column, row, count, ha="center", va="center", fontsize=8, weight=bold)
        axis.set(xticks=range(10), yticks=range(10), xlabel="answer", ylabel="true label")
    return figure


def receptive_fields(weights: Float[Array, "units 784"], count: int = 40) -> Figure:
    """Draw the first `count` rows of a weight matrix as images, red for positive, blue for negative."""
    fields = np.asarray(weights)[:count].reshape(-1, 28, 28)
    rows = -(-len(fields) // 10)
    with _style():
        figure, axes = _subplots(rows, 10, figsize=(8, 0.8 * rows))
        for axis, field in zip(axes.flat, fields, strict=False):
            axis.imshow(field, cmap="RdBu_r", vmin=-abs(field).max(), vmax=abs(field).max())
        for axis in axes.flat:
            axis.axis("off")
        figure.subplots_adjust(wspace=0.06, hspace=0.06)
    return figure


def bars(values: Mapping[str, float], unit: str, title: str = "") -> Figure:
    """Draw one horizontal bar for each name, the first at the top, with its value beside it."""
    names = [*values][::-1]
    with _style():
        figure, axis = _subplots(figsize=(7, 0.45 * len(names) + 0.8), layout="constrained")
        drawn = axis.barh(names, [values[name] for name in names], color=BLUE)
        axis.bar_label(drawn, fmt=f"%.3g {unit}", padding=4)
        axis.set(title=title, xticks=[])
        axis.spines["bottom"].set_visible(False)
        axis.margins(x=0.18)
    return figure


def curves(
    panels: Mapping[str, Mapping[str, tuple[Array, Array]]],
    xlabel: str | Sequence[str] = "",
    ylabel: str | Sequence[str] = "",
    *,
    levels: Mapping[str, float] | None = None,
    log: str | Sequence[str] = "",
    legend: bool = True,
) -> Figure:
    """Draw lines, one panel a title, side by side.

    Args:
        panels: for each title the lines of its panel, a name to its points (x, y).
        xlabel: one for all panels, or one a panel.
        ylabel: one for all panels, or one a panel.
        levels: dashed horizontal lines in every panel, a name to its height.
        log: "x", "y" or "xy" for logarithmic axes; one for all panels, or one a panel.
        legend: whether a panel with several lines names them.
    """
    each = [[x] * len(panels) if isinstance(x, str) else x for x in (xlabel, ylabel, log)]
    with _style():
        figure, axes = _subplots(
            1,
            len(panels),
            figsize=(max(5.2, min(3.4 * len(panels), 9.5)), 2.8),
            squeeze=False,
            layout="constrained",
        )
        rows = zip(axes[0], panels.items(), *each, strict=True)
        for axis, (title, lines), x_name, y_name, scale in rows:
            for dash, (name, (x, y)) in enumerate(lines.items()):
                axis.plot(x, y, ["-", "--", "-.", ":"][dash % 4], label=name, linewidth=1.8)
            for dash, (name, level) in enumerate((levels or {}).items()):
                style = {"linestyle": (0, (5 - 2 * dash, 3)), "color": "0.35", "linewidth": 1.1}
                axis.axhline(level, label=name, **style)
            axis.set(title=title, xlabel=x_name, ylabel=y_name)
            for letter, side in (("x", axis.xaxis), ("y", axis.yaxis)):
                if letter in scale:
                    axis.set(**{f"{letter}scale": "log"})
                    low, high = side.get_view_interval()
                    side.set_major_locator(LogLocator(subs=(1, 2, 5) if high < 80 * low else (1,)))
                    side.set_major_formatter("{x:g}")
                    side.set_minor_formatter("")
            if legend and len(lines) + len(levels or {}) > 1:
                axis.legend(fontsize=9)
    return figure


def settling(energy_of: Callable[[Array], Array], guesses: Sequence[float]) -> Figure:
    """Draw a guess that rolls down its energy, and the same guess against the steps of inference.

    Args:
        energy_of: the energy of an array of guesses.
        guesses: where the guess was before the first step and after each.
    """
    figure, draw = _settling(energy_of, guesses, still=True)
    draw(len(guesses) - 1)
    return figure


def settling_player(energy_of: Callable[[Array], Array], guesses: Sequence[float], alt: str) -> Any:
    """Animate `settling`, a frame a step, as a player that runs in the page without a server.

    Args:
        energy_of: the energy of an array of guesses.
        guesses: where the guess was before the first step and after each.
        alt: what the animation shows, for those who do not see it.
    """
    figure, draw = _settling(energy_of, guesses, still=False)
    figure.draw_without_rendering()  # lays it out, once for all frames
    figure.set_layout_engine("none")
    return player(FuncAnimation(figure, draw, frames=len(guesses)), alt)


def player(animation: FuncAnimation, alt: str) -> Any:
    """Turn an animation into a player that needs no server and asks nobody for a font of icons."""
    from IPython.display import HTML

    with _style(**{"savefig.dpi": 72, "figure.dpi": 72}):
        page = animation.to_jshtml(fps=4, embed_frames=True, default_mode="once")
    page = re.sub(r"<link[^>]*>", "", page)
    for icon, sign in PLAYER_SIGNS.items():
        page = page.replace(f'<i class="fa {icon}"></i>', sign)
    page = page.replace("<img id=", f'<img style="max-width: 100%" alt="{html.escape(alt)}" id=')
    page = page.replace('type="range"', 'type="range" aria-label="Step"')
    drawn = re.findall(r"_anim_img(\w+)", page)[0]  # another one at each call, by chance
    return HTML(page.replace(drawn, hashlib.sha256(alt.encode()).hexdigest()[:32]))


PLAYER_SIGNS = {
    "fa-minus": "−",
    "fa-fast-backward": "|«",
    "fa-step-backward": "‹",
    "fa-play fa-flip-horizontal": "◀",
    "fa-pause": "||",
    "fa-play": "▶",
    "fa-step-forward": "›",
    "fa-fast-forward": "»|",
    "fa-plus": "+",
}


def springs(
    rows: Mapping[str, tuple[float, float, float]], stiffness: tuple[float, float], unit: str = ""
) -> Figure:
    """Draw a guess between two springs, one to what was expected and one to what was seen.

    Args:
        rows: for each title what was expected, the guess, and what was seen.
        stiffness: of the two springs; it is drawn as the number of windings and the line's width.
        unit: of the three numbers.
    """
    with _style():
        figure, axes = _subplots(
            len(rows), 1, figsize=(6.4, 1.45 * len(rows)), sharex=True, layout="constrained"
        )
        pairs = zip(np.atleast_1d(axes), rows.items(), strict=True)
        for axis, (title, (expected, guess, seen)) in pairs:
            ends = ((expected, BLUE, 0.45, stiffness[0]), (seen, ORANGE, -0.45, stiffness[1]))
            for end, colour, y, k in ends:
                axis.plot(*_spring(end, guess, y), color=colour, linewidth=0.9 + 0.7 * k)
                axis.plot([end, end], [y - 0.3, y + 0.3], color=colour, linewidth=5)
            axis.plot([guess, guess], [-0.6, 0.6], color="0.25", linewidth=2)
            axis.plot(guess, 0, "o", color=GREEN, markersize=15, zorder=3)
            axis.text(expected, 0.9, "expected $z_0$", color=BLUE, ha="center", fontsize=9)
            axis.text(seen, -1.25, "seen $z_2$", color="#8A5F00", ha="center", fontsize=9)
            axis.text(guess, 0.9, "guess $z_1$", color="#00694C", ha="center", fontsize=9)
            axis.set(ylim=(-1.5, 1.35), yticks=[])
            axis.set_title(title, loc="left", fontsize=10)
            axis.spines["left"].set_visible(False)
        axis.set_xlabel(unit)
        axis.margins(x=0.12)
    return figure


def generative_circuit(L: int = 2) -> Figure:
    """Draw the value neurons z_0..z_L, the error neurons e_1..e_L, and who excites whom."""
    with _style():
        figure, axis = _subplots(figsize=(2.5 * L + 1.6, 1.9), layout="constrained")
        for l in range(L + 1):
            _neuron(axis, 2.6 * l, f"$z_{l}$", SKY, "circle")
        for l in range(L):
            above, error, below = 2.6 * l, 2.6 * l + 1.3, 2.6 * l + 2.6
            _neuron(axis, error, f"$e_{l + 1}$", ORANGE, "square")
            _arrow(axis, above, error, -0.5, RED, rf"$-f_{l}$")
            _arrow(axis, below, error, 0.5, BLUE, "$+$")
            if l > 0:
                _arrow(axis, error, above, -0.5, BLUE, rf"$+\alpha_{l + 1} f_{l}'$")
            if l < L - 1:
                _arrow(axis, error, below, 0.5, RED, rf"$-\alpha_{l + 1}$")
        axis.text(0, -0.55, "clamped", ha="center", va="top", fontsize=9)
        axis.text(2.6 * L, -0.55, "clamped", ha="center", va="top", fontsize=9)
        axis.set(xlim=(-0.7, 2.6 * L + 0.7), ylim=(-0.95, 0.85), aspect="equal")
        axis.axis("off")
    return figure


def digit_rows(
    rows: Mapping[str, Float[Array, "n 784"]],
    labels: Mapping[str, Sequence[object]] | None = None,
) -> Figure:
    """Draw one row of images for each name, the name at its left, dark ink on white.

    Args:
        rows: normalised pixels of each row.
        labels: for some of the rows, what stands below each image.
    """
    columns = max(len(images) for images in rows.values())
    below = labels or {}
    with _style():
        figure, axes = _subplots(
            len(rows),
            columns,
            figsize=(0.78 * columns + 0.8, 0.78 * len(rows) * (1.25 if below else 1.05)),
            squeeze=False,
        )
        for line, (name, images) in zip(axes, rows.items(), strict=True):
            pixels = np.asarray(denormalise(images)).reshape(-1, 28, 28)
            _digits(line, pixels, below.get(name))
            line[0].set_ylabel(name, rotation=0, ha="right", va="center", labelpad=6)
        figure.subplots_adjust(wspace=0.06, hspace=0.32 if below else 0.06)
    return figure


def spread_curves(
    x: Sequence[float],
    panels: Mapping[str, Mapping[str, Float[Array, "runs points"]]],
    xlabel: str,
    *,
    log_x: bool = False,
    log_y: Sequence[str] = (),
) -> Figure:
    """Draw a panel for each title, and in it a line for each name: the mean of the runs.

    Args:
        x: one number for each point.
        panels: title to name to values, a row for each run; a band shows one standard deviation.
        xlabel: what x is.
        log_x: whether the x axis is logarithmic.
        log_y: titles of the panels whose y axis is logarithmic.
    """
    markers = ("o", "s", "^", "D")
    with _style():
        figure, axes = _subplots(
            1, len(panels), figsize=(4.1 * len(panels), 3), layout="constrained", squeeze=False
        )
        for axis, (title, lines) in zip(axes[0], panels.items(), strict=True):
            for i, (name, values) in enumerate(lines.items()):
                mean, spread = np.mean(values, axis=0), np.std(values, axis=0)
                (line,) = axis.plot(x, mean, marker=markers[i % 4], markersize=5, label=name)
                if len(values) > 1:
                    axis.fill_between(
                        x, mean - spread, mean + spread, color=line.get_color(), alpha=0.2
                    )
            axis.set(title=title, xlabel=xlabel)
            if log_x:
                axis.set_xscale("log")
            if title in log_y:
                axis.set_yscale("log")
            if len(lines) > 1:
                axis.legend()
    return figure


def bidirectional_circuit() -> Figure:
    """Draw the value and error neurons of a bidirectional network with one hidden layer.

    Each layer l has value neurons z_l (circles), generative error neurons e_l (left) and discriminative ones
    d_l (right). An arrow head excites, a bar inhibits; the sign stands beside each line too.
    """
    places = {
        "z_0": (0, 4.4), "z_1": (0, 2.2), "z_2": (0, 0),
        "e_1": (-3, 2.2), "e_2": (-3, 0), "d_0": (3, 4.4), "d_1": (3, 2.2),
    }  # fmt: skip
    fills = {"z": "#D6E9F5", "e": "#FBE3B5", "d": "#CDEBDF"}
    links = [  # from, to, its sign, its weights
        ("z_1", "e_1", 1, ""), ("e_1", "z_1", -1, ""), ("z_2", "e_2", 1, ""), ("e_2", "z_2", -1, ""),
        ("z_0", "d_0", 1, ""), ("d_0", "z_0", -1, ""), ("z_1", "d_1", 1, ""), ("d_1", "z_1", -1, ""),
        ("z_0", "e_1", -1, "V_0"), ("e_1", "z_0", 1, "V_0^\\top"),
        ("z_1", "e_2", -1, "V_1"), ("e_2", "z_1", 1, "V_1^\\top"),
        ("z_1", "d_0", -1, "W_0"), ("d_0", "z_1", 1, "W_0^\\top"),
        ("z_2", "d_1", -1, "W_1"), ("d_1", "z_2", 1, "W_1^\\top"),
    ]  # fmt: skip
    radius, apart = 0.42, 0.13
    with _style():
        figure, axis = _subplots(figsize=(7.6, 5.6), layout="constrained")
        for name, place in places.items():
            look = {
                "facecolor": fills[name[0]],
                "edgecolor": "black",
                "linewidth": 3 if name == "z_1" else 1.2,
            }
            corner = (place[0] - 0.8 * radius, place[1] - 0.8 * radius)
            axis.add_patch(
                Circle(place, radius, **look)
                if name[0] == "z"
                else Rectangle(corner, 1.6 * radius, 1.6 * radius, **look)
            )
            axis.text(*place, f"${name}$", ha="center", va="center", fontsize=15)
        for start, end, sign, weights in links:
            _link(
                axis, np.array(places[start]), np.array(places[end]), radius, apart, sign, weights
            )
        for x, text in ((-3, "generative\nerrors"), (0, "values"), (3, "discriminative\nerrors")):
            axis.text(x, 5.35, text, ha="center", va="center", fontsize=11)
        for name, text in (("z_0", "label"), ("z_1", "hidden"), ("z_2", "image")):
            axis.text(
                -4.6, places[name][1], text, ha="center", va="center", fontsize=11, color="0.3"
            )
        for sign, y, text in ((1, -0.98, "excites"), (-1, -1.38, "inhibits")):
            _link(axis, np.array((-1.9, y)), np.array((-0.3, y)), 0, 0, sign, None)
            axis.text(-0.05, y, text, ha="left", va="center", fontsize=11)
        axis.set(xlim=(-5.1, 3.9), ylim=(-1.65, 5.75), aspect="equal")
        axis.axis("off")
    return figure


def roofline(points: Mapping[str, tuple[float, float]], peak: float, bandwidth: float) -> Figure:
    """Draw speed against intensity, under the two roofs that a machine sets.

    Args:
        points: name to (intensity in flops a byte, speed in 1e9 flops a second).
        peak: the flat roof, 1e9 flops a second.
        bandwidth: the slope of the other, 1e9 bytes a second.
    """
    with _style():
        figure, axis = _subplots(figsize=(6.4, 3.6), layout="constrained")
        low = min(x for x, _ in points.values()) / 2
        high = max(max(x for x, _ in points.values()), peak / bandwidth) * 3
        x = np.geomspace(low, high, 100)
        axis.plot(x, np.minimum(peak, bandwidth * x), color="0.35", linewidth=1.8)
        for i, (name, (intensity, speed)) in enumerate(points.items()):
            axis.plot(intensity, speed, "os^Dv<>P"[i % 8], markersize=8, label=name)
        axis.set(xscale="log", yscale="log", ylabel="10⁹ flops/s")
        axis.set_xlabel("intensity: flops for each byte moved")
        axis.legend(fontsize=9, loc="lower right")
    return figure


def _digits(axes, images: np.ndarray, labels: Sequence[object] | None) -> None:
    """Draw an image on each axis, its label below; axes without an image stay empty."""
    for i, axis in enumerate(axes):
        axis.set(xticks=[], yticks=[])
        axis.set_frame_on(False)
        if i < len(images):
            axis.imshow(images[i], cmap="gray_r", vmin=0, vmax=1)
            if labels is not None:
                axis.set_xlabel(str(labels[i]), fontsize=9, labelpad=2)


def _smooth(values: np.ndarray, points: int = 200) -> tuple[np.ndarray, np.ndarray]:
    """Average a long row of numbers over windows, so that at most `points` remain."""
    window = -(-len(values) // points)
    whole = len(values) // window * window
    return np.arange(window, whole + 1, window), values[:whole].reshape(-1, window).mean(axis=1)


def _settling(energy_of, guesses, still):
    """Lay out `settling`; give the figure and a function that draws the state after a step."""
    path, steps = np.asarray(guesses, float), np.arange(len(guesses))
    reach = 0.25 * (path.max() - path.min())
    z = np.linspace(path.min() - reach, path.max() + 2 * reach, 200)
    with _style():
        figure, (left, right) = _subplots(1, 2, figsize=(7.4, 2.7), layout="constrained")
    left.plot(z, energy_of(z), color="0.35", linewidth=1.5)
    left.set(title="energy of a guess", xlabel="guess $z_1$", ylabel="$E$")
    right.axhline(path[-1], color="0.35", linestyle=(0, (4, 3)), linewidth=1)
    right.set(title="the guess, step by step", xlabel="step of inference", ylabel="guess $z_1$")
    right.set(xlim=(-0.5, steps[-1] + 0.5), ylim=(z[0], z[-1]))
    if still:
        left.plot(path, energy_of(path), "o", color=GREEN, markersize=6, alpha=0.35)
    (ball,) = left.plot([], [], "o", color=GREEN, markersize=11)
    (line,) = right.plot([], [], "o-", color=GREEN, markersize=4)

    def draw(step):
        ball.set_data(path[step : step + 1], energy_of(path[step : step + 1]))
        line.set_data(steps[: step + 1], path[: step + 1])
        return ball, line

    return figure, draw


def _spring(start: float, end: float, y: float, windings: int = 9) -> tuple[np.ndarray, np.ndarray]:
    """Give the points of a zigzag from start to end."""
    x = np.linspace(start, end, 2 * windings + 2)
    zigzag = np.where(np.arange(len(x)) % 2, 0.16, -0.16)
    zigzag[[0, -1]] = 0
    return x, y + zigzag


def _neuron(axis, x: float, name: str, colour: str, shape: str) -> None:
    kind = {"circle": Circle((x, 0), 0.36), "square": Rectangle((x - 0.3, -0.3), 0.6, 0.6)}
    patch = kind[shape]
    patch.set(facecolor=colour, edgecolor="0.2", zorder=3)
    axis.add_patch(patch)
    axis.text(x, 0, name, ha="center", va="center", fontsize=14, zorder=4)


def _arrow(axis, start: float, end: float, bend: float, colour: str, name: str) -> None:
    """Draw a bent arrow between two neurons and its name above or below it."""
    axis.annotate(
        "",
        (end, 0),
        (start, 0),
        arrowprops={
            "arrowstyle": "-|>" if colour == BLUE else "-[,widthB=0.4,lengthB=0.1",
            "connectionstyle": f"arc3,rad={bend}",
            "color": colour,
            "linewidth": 1.8,
            "shrinkA": 27,
            "shrinkB": 27 if colour == BLUE else 33,
        },
    )
    up = np.sign(bend) * np.sign(start - end)  # matplotlib bends to the right of the way
    axis.text((start + end) / 2, 0.62 * up, name, color=colour, ha="center", va="center")


def _link(axis, start, end, radius, apart, sign, weights) -> None:
    """Draw one connection, moved to its right so that its way back has room, with its sign."""
    along = (end - start) / np.linalg.norm(end - start)
    right = np.array((along[1], -along[0])) * apart
    a, b = start + along * (radius + 0.03) + right, end - along * (radius + 0.05) + right
    colour = BLUE if sign > 0 else RED
    style = "-|>,head_width=0.28,head_length=0.5" if sign > 0 else "-[,widthB=0.45,lengthB=0"
    axis.annotate(
        "",
        xy=b,
        xytext=a,
        arrowprops={
            "arrowstyle": style, "color": colour, "linewidth": 1.8, "shrinkA": 0, "shrinkB": 0,
            "mutation_scale": 14,
        },
    )  # fmt: skip
    if weights is None:
        return
    text = ("+" if sign > 0 else "\u2212") + (f" ${weights}$" if weights else "")
    axis.text(
        *(a + 0.5 * (b - a) + right * (2.6 if weights else 1.6)),
        text,
        ha="center",
        va="center",
        fontsize=11 if weights else 12,
        color=colour,
    )
