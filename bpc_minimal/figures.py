"""Figures of the book and of the command line, so that a chapter's cells hold the method alone.

A figure is made for a phone and grows on a wide screen: each of its panels is `WIDTH` pixels wide and its
text `TEXT` pixels high. `show` stores it as one SVG, in which text is text. Drawn by itself it has a light
ground; inside a page of the book it takes the page's colours and fonts, and its panels fold into rows.

Colours are near Okabe and Ito's palette, which colour-blind readers can tell apart, and dark enough for text
on a white ground. A dark page of the book puts light ones of the same hue in their place
(`book/_static/book.css`).
"""

import html
import io
import itertools
import math
import string
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from cycler import cycler
from jaxtyping import Array, Float, Int
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Circle, Rectangle
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

from bpc_minimal.data import denormalise
from bpc_minimal.files import MADE_BY, check_writable, shown
from bpc_minimal.files import write as write_file
from bpc_minimal.svg import INK, alt_text, as_svg, only
from bpc_minimal.training import History

PALETTE = {  # on white; sky is for lines alone, which need less contrast than text
    "blue": "#005FA3",
    "red": "#C25100",
    "green": "#00805B",
    "purple": "#B04F8C",
    "ochre": "#5C4A00",
    "sky": "#3590C8",
}
BLUE, RED, GREEN, PURPLE, OCHRE, SKY = PALETTE.values()
WIDTH, HEIGHT, TEXT, LEGEND = 340, 230, 13, 20  # pixels: of a panel, of text, of a row of names
STYLE = {
    "figure.dpi": 160,
    "figure.facecolor": "white",
    "axes.facecolor": "none",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.prop_cycle": cycler(color=[*PALETTE.values()]),
    "axes.titlesize": TEXT,
    "font.family": "DejaVu Sans",  # it comes with matplotlib, and is wide: other fonts have room
    "font.size": TEXT,
    "image.interpolation": "none",  # pixels as they are
    "legend.fontsize": TEXT,
    "legend.frameon": False,
    "legend.handlelength": 1.8,
    **dict.fromkeys(
        ("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color"), INK
    ),
}
FAINT = {"color": INK, "alpha": 0.65}  # what is beside the data


def show(figure: Figure, alt: str) -> None:
    """Display a figure in a notebook with a text that says what it shows.

    Args:
        figure: its subfigures, if it has any, are panels that a narrow page puts below each other.
        alt: the text, or the number of a figure of this book, such as "4.2" (chapter 4, figure 2), whose
            text the package holds in `figures.toml`.

    Raises:
        ValueError: a number that is no figure's.
    """
    from IPython.display import display

    alt = alt_text(alt)
    picture = as_svg(figure, alt)
    data = {"image/svg+xml": picture, "text/plain": alt}
    display(data, raw=True, metadata={"image/svg+xml": {"alt": alt}})


def table(
    rows: Sequence[Sequence[object]], columns: Sequence[str], digits: int | Sequence[int] = 3
) -> None:
    """Display a table in a notebook; the first column names the rows.

    Args:
        rows: of cells. A row of numbers, such as one a seed, is shown as "≈ mean ± standard deviation".
        columns: their names.
        digits: after the point, of numbers that are not whole; one for all columns, or one a column.

    Raises:
        ValueError: a row of another length.
    """
    from IPython.display import display

    for row in rows:
        if len(row) != len(columns):
            raise ValueError(f"a row of {len(row)} cells given, {len(columns)} expected: {row}")
    each = [digits] * len(columns) if isinstance(digits, int) else digits
    cells = [[_cell(*cell) for cell in zip(row, each, strict=True)] for row in rows]
    # Without padding, which would depend on numbers that differ between processors.
    lines = [[*columns], ["---"] * len(columns), *cells]
    head = "".join(f'<th scope="col">{html.escape(name)}</th>' for name in columns)
    body = "".join(
        f'<tr><th scope="row">{html.escape(row[0])}</th>'
        + "".join(f"<td>{html.escape(cell)}</td>" for cell in row[1:])
        + "</tr>\n"
        for row in cells
    )
    page = f'<table class="table">\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}</tbody></table>'
    text = "\n".join("| " + " | ".join(line) + " |" for line in lines)
    display({"text/html": page, "text/plain": text}, raw=True)


def keep(figure: Figure, path: str | Path) -> None:
    """Write a figure to a file, in the format that its name ends with; PNG where it has no ending.

    A PNG says at its head that it was made by this package, so that a run replaces its own pictures alone.

    Raises:
        ValueError: the ending is none of a picture's.
        OSError: the file cannot be written; an older one is as it was.
    """
    content, kind = io.BytesIO(), _format(path)
    says = {"Software": MADE_BY} if kind == "png" else None
    try:
        with only(STYLE):
            figure.savefig(content, format=kind, bbox_inches="tight", metadata=says)
    except Exception as error:  # of matplotlib, and of LaTeX, which .pgf asks for
        raise ValueError(f"{shown(path)}: matplotlib draws no .{kind} here: {error}") from error
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
    pixels = _squares(images if in_unit_range else denormalise(images))
    if not len(pixels) or columns < 1:
        raise ValueError(
            f"{len(pixels)} images in {columns} columns given, one or more of each expected"
        )
    columns = min(columns, len(pixels))
    starts = range(0, len(pixels), columns)
    rows = [(None, pixels[i : i + columns], labels and labels[i : i + columns]) for i in starts]
    return _tiles(rows, columns)


def _squares(images: Any) -> np.ndarray:
    """Give flat images their two sides: as square as their number of pixels allows."""
    pixels = np.asarray(images)
    n = pixels.shape[-1] if pixels.ndim == 2 else math.prod(pixels.shape[1:])
    rows = next(d for d in range(math.isqrt(n), 0, -1) if n % d == 0)
    return pixels.reshape(len(pixels), rows, n // rows)


BEFORE_AFTER = ("before inference", "after inference")


def training_curves(history: History) -> Figure:
    """Draw the losses of each iteration, smoothed, and the accuracy at each evaluation."""
    losses, evaluations = history.losses, history.evaluations
    with only(STYLE):
        rows = _legend_rows([BEFORE_AFTER])
        figure, axes = _panels(3, HEIGHT + rows * LEGEND)
        axes[0].plot(*_smooth(losses["gen_loss"]), color=BLUE)
        axes[0].set(title="gen_loss: the drawn image's error", xlabel="iteration", ylim=(0, None))
        axes[1].plot(*_smooth(losses["energy_before"]), color=RED, label=BEFORE_AFTER[0])
        axes[1].plot(*_smooth(losses["energy"]), "--", color=GREEN, label=BEFORE_AFTER[1])
        axes[1].set(title="energy of a batch", xlabel="iteration", yscale="log")
        _log_ticks(axes[1].yaxis)
        axes[2].plot(
            [e["iteration"] for e in evaluations],
            [e["accuracy"] for e in evaluations],
            "o-",
            color=PURPLE,
            markersize=4,
        )
        axes[2].set(title="accuracy, held-out images (%)", xlabel="iteration")
        _legends(axes, rows)
    return figure


def confusion(found: Int[Array, " N"], labels: Int[Array, " N"]) -> Figure:
    """Draw how many images of each digit (a row) were taken for each digit (a column)."""
    counts = np.zeros((10, 10), int)
    np.add.at(counts, (np.asarray(labels), np.asarray(found)), 1)
    wrong = np.where(np.eye(10, dtype=bool), 0, counts)
    # From nothing to half of the colour, so that a number can be read on it in either theme.
    tint = LinearSegmentedColormap.from_list("tint", [RED + "00", RED + "90"])
    with only(STYLE):
        figure, (axis,) = _panels(1, 340)
        axis.imshow(wrong, cmap=tint, vmin=0, vmax=max(1, wrong.max()))
        for (row, column), count in np.ndenumerate(counts):
            if count:
                bold = "bold" if row == column else "normal"
                axis.text(column, row, count, ha="center", va="center", fontsize=10, weight=bold)
        axis.set(xticks=range(10), yticks=range(10), xlabel="answer", ylabel="true label")
    return figure


def receptive_fields(weights: Float[Array, "units 784"], count: int = 40) -> Figure:
    """Draw the first `count` rows of a weight matrix as images, red for positive, blue for negative."""
    fields = np.asarray(weights)[:count].reshape(-1, 28, 28)
    reach = np.abs(fields).max(axis=(1, 2))
    rows = [(None, fields[i : i + 10], None) for i in range(0, len(fields), 10)]
    figure = _tiles(rows, 10, "RdBu_r")
    for axis, most in zip(figure.axes, reach, strict=True):
        axis.images[0].set_clim(-most, most)
    return figure


def bars(values: Mapping[str, float], unit: str, title: str = "") -> Figure:
    """Draw one horizontal bar for each name, the first at the top, with its value beside it."""
    names = [*values][::-1]
    with only(STYLE):
        figure, (axis,) = _panels(1, 38 * len(names) + 34)
        drawn = axis.barh(names, [values[name] for name in names], height=0.4, color=BLUE)
        axis.bar_label(drawn, fmt=f"%.3g {unit}", padding=4)
        for y, name in enumerate(names):  # above its bar, where a phone has room for it
            axis.text(0, y + 0.26, name, va="bottom")
        axis.set(title=title, xticks=[], yticks=[], ylim=(-0.5, len(names) - 0.2))
        axis.spines[["bottom", "left"]].set_visible(False)
        axis.margins(x=0.25)
    return figure


def stacked_bars(values: Mapping[str, Mapping[str, float]], unit: str, title: str = "") -> Figure:
    """Draw a horizontal bar for each name, made of named parts, with the whole beside it.

    Args:
        values: a bar's name to its parts, each a name to its length; a part has one colour in all bars.
        unit: of the lengths.
        title: of the figure.
    """
    names = [*values][::-1]
    parts = [*dict.fromkeys(part for name in values for part in values[name])]
    with only(STYLE):
        figure, (axis,) = _panels(1, 42 * len(names) + 34 + 20 * len(parts))
        end = np.zeros(len(names))
        for part in parts:
            length = np.array([values[name].get(part, 0.0) for name in names])
            axis.barh(names, length, left=end, height=0.42, label=part)
            end += length
        for y, (name, whole) in enumerate(zip(names, end, strict=True)):
            axis.text(0, y + 0.27, name, va="bottom")
            axis.text(whole, y, f" {whole:.3g} {unit}", va="center")
        axis.set(title=title, xticks=[], yticks=[], ylim=(-0.5, len(names) - 0.1))
        axis.spines[["bottom", "left"]].set_visible(False)
        axis.margins(x=0.22)
        axis.figure.legend(loc="outside lower left")
    return figure


def curves(
    panels: Mapping[str, Mapping[str, tuple[Array, Array]]],
    xlabel: str | Sequence[str] = "",
    ylabel: str | Sequence[str] = "",
    *,
    levels: Mapping[str, float] | None = None,
    log: str | Sequence[str] = "",
    legend: bool = True,
    frame: bool = True,
) -> Figure:
    """Draw lines, one panel a title.

    Args:
        panels: for each title the lines of its panel, a name to its points (x, y).
        xlabel: one for all panels, or one a panel.
        ylabel: one for all panels, or one a panel.
        levels: dashed horizontal lines in every panel, a name to its height.
        log: "x", "y" or "xy" for logarithmic axes; one for all panels, or one a panel.
        legend: whether a panel with several lines names them.
        frame: whether there are axes; without them lines are a drawing, on one scale both ways.
    """
    each = [[x] * len(panels) if isinstance(x, str) else x for x in (xlabel, ylabel, log)]
    with only(STYLE):
        names = [[*lines, *(levels or {})] for lines in panels.values()] if legend else []
        rows = _legend_rows(names)
        figure, axes = _panels(len(panels), HEIGHT + rows * LEGEND)
        for axis, (title, lines), x_name, y_name, scale in zip(
            axes, panels.items(), *each, strict=True
        ):
            for dash, (name, (x, y)) in enumerate(lines.items()):
                axis.plot(x, y, ["-", "--", "-.", ":"][dash % 4], label=name, linewidth=1.8)
            for dash, (name, level) in enumerate((levels or {}).items()):
                style = {"linestyle": (0, (5 - 2 * dash, 3)), "linewidth": 1.1, **FAINT}
                axis.axhline(level, label=name, **style)
            axis.set(title=title, xlabel=x_name, ylabel=y_name)
            _whole_ticks(axis, [x for x, _ in lines.values()])
            for letter, side in (("x", axis.xaxis), ("y", axis.yaxis)):
                if letter in scale:
                    axis.set(**{f"{letter}scale": "log"})
                    _log_ticks(side)
            if not frame:
                axis.set(aspect="equal")
                axis.axis("off")
        _legends(axes, rows)
    return figure


def settling(energy_of: Callable[[Array], Array], guesses: Sequence[float]) -> Figure:
    """Draw a guess that rolls down its energy, and the same guess against the steps of inference.

    Args:
        energy_of: the energy of an array of guesses.
        guesses: where the guess was before the first step and after each.
    """
    path, steps = np.asarray(guesses, float), np.arange(len(guesses))
    reach = 0.25 * (path.max() - path.min())
    z = np.linspace(path.min() - reach, path.max() + 2 * reach, 200)
    with only(STYLE):
        figure, (left, right) = _panels(2)
        left.plot(z, energy_of(z), linewidth=1.5, **FAINT)
        left.set(title="energy of a guess", xlabel="guess $z_1$", ylabel="$E$")
        right.axhline(path[-1], linestyle=(0, (4, 3)), linewidth=1, **FAINT)
        right.set(title="the guess, step by step", xlabel="step of inference", ylabel="guess $z_1$")
        right.set(xlim=(-0.5, steps[-1] + 0.5), ylim=(z[0], z[-1]))
        _whole_ticks(right, [steps])
        left.plot(path, energy_of(path), "o", color=GREEN, markersize=6, fillstyle="none")
        left.plot(path[-1], energy_of(path[-1]), "o", color=GREEN, markersize=11)
        right.plot(steps, path, "o-", color=GREEN, markersize=4)
    return figure


def springs(
    rows: Mapping[str, tuple[float, float, float]], stiffness: tuple[float, float], unit: str = ""
) -> Figure:
    """Draw a guess between two springs, one to what was expected and one to what was seen.

    Args:
        rows: for each title what was expected, the guess, and what was seen.
        stiffness: of the two springs; it is drawn as the number of windings and the line's width.
        unit: of the three numbers.
    """
    with only(STYLE):
        figure = _figure(WIDTH, 125 * len(rows) + 30)
        axes = figure.subplots(len(rows), 1, sharex=True, squeeze=False)[:, 0]
        for axis, (title, (expected, guess, seen)) in zip(axes, rows.items(), strict=True):
            ends = ((expected, BLUE, 0.45, stiffness[0]), (seen, OCHRE, -0.45, stiffness[1]))
            for end, colour, y, k in ends:
                axis.plot(*_spring(end, guess, y), color=colour, linewidth=0.9 + 0.7 * k)
                axis.plot([end, end], [y - 0.3, y + 0.3], color=colour, linewidth=5)
            axis.plot([guess, guess], [-0.6, 0.6], linewidth=2, **FAINT)
            axis.plot(guess, 0, "o", color=GREEN, markersize=15, zorder=3)
            axis.text(expected, 0.9, "expected $z_0$", color=BLUE, ha="center")
            axis.text(seen, -1.35, "seen $z_2$", color=OCHRE, ha="center")
            axis.text(guess, 0.9, "guess $z_1$", color=GREEN, ha="center")
            axis.set(ylim=(-1.6, 1.5), yticks=[])
            axis.set_title(title, loc="left")
            axis.spines["left"].set_visible(False)
        axis.set_xlabel(unit)
        axis.margins(x=0.2)
    return figure


def generative_circuit(L: int = 2) -> Figure:
    """Draw the value neurons z_0..z_L, the error neurons e_1..e_L, and who excites whom."""
    with only(STYLE):
        figure, (axis,) = _panels(1, 105, width=WIDTH * (2.6 * L + 1.4) / 6.6)
        for l in range(L + 1):
            _neuron(axis, 2.6 * l, f"$z_{l}$", SKY, "circle")
        for l in range(L):
            above, error, below = 2.6 * l, 2.6 * l + 1.3, 2.6 * l + 2.6
            _neuron(axis, error, f"$e_{l + 1}$", OCHRE, "square")
            _arrow(axis, above, error, -0.5, RED, rf"$-f_{l}$")
            _arrow(axis, below, error, 0.5, BLUE, "$+$")
            if l > 0:
                _arrow(axis, error, above, -0.5, BLUE, rf"$+\alpha_{l + 1} f_{l}'$")
            if l < L - 1:
                _arrow(axis, error, below, 0.5, RED, rf"$-\alpha_{l + 1}$")
        axis.text(0, -0.5, "clamped", ha="center", va="top")
        axis.text(2.6 * L, -0.5, "clamped", ha="center", va="top")
        axis.set(xlim=(-0.75, 2.6 * L + 0.75), ylim=(-0.95, 0.95), aspect="equal")
        axis.axis("off")
    return figure


def digit_rows(
    rows: Mapping[str, Float[Array, "n 784"]],
    labels: Mapping[str, Sequence[object]] | None = None,
    *,
    in_unit_range: bool = False,
) -> Figure:
    """Draw one row of images for each name, the name above it, dark ink on white.

    Args:
        rows: normalised pixels of each row, or pixels in [0, 1] where `in_unit_range`.
        labels: for some of the rows, what stands below each image.
        in_unit_range: whether pixels are in [0, 1] already.
    """
    lines = []
    for name, images in rows.items():
        pixels = _squares(images if in_unit_range else denormalise(images))
        lines.append((name, pixels, labels.get(name) if labels else None))
    return _tiles(lines, max(len(images) for images in rows.values()))


def spread_curves(
    x: Sequence[float],
    panels: Mapping[str, Mapping[str, Float[Array, "runs points"]]],
    xlabel: str,
    *,
    ylabel: str | Sequence[str] = "",
    log_x: bool = False,
    log_y: Sequence[str] = (),
    within: tuple[float, float] | None = None,
    levels: Mapping[str, Mapping[str, float]] | None = None,
) -> Figure:
    """Draw a panel for each title, and in it a line for each name: the mean of the runs.

    Args:
        x: one number for each point.
        panels: title to name to values, a row for each run; a band shows one standard deviation.
        xlabel: what x is.
        ylabel: one for all panels, or one a panel.
        log_x: whether the x axis is logarithmic.
        log_y: titles of the panels whose y axis is logarithmic.
        within: what y can be, such as 0 to 100 %; bands end there.
        levels: title to dashed horizontal lines, a name to its height.
    """
    markers = ("o", "s", "^", "D", "v")
    with only(STYLE):
        flat = levels or {}
        rows = _legend_rows([[*lines, *flat.get(title, ())] for title, lines in panels.items()])
        figure, axes = _panels(len(panels), HEIGHT + rows * LEGEND)
        each = [ylabel] * len(panels) if isinstance(ylabel, str) else ylabel
        looks = _looks(panels.values())
        for axis, (title, lines), y_name in zip(axes, panels.items(), each, strict=True):
            for name, values in lines.items():
                i = looks[name]
                mean = np.mean(values, axis=0)
                spread = np.std(values, axis=0, ddof=len(values) > 1)
                look = {"color": _colour(i), "marker": markers[i % 5], "markersize": 5}
                axis.plot(x, mean, label=name, ls="--" if i >= len(PALETTE) else "-", **look)
                if len(values) > 1:
                    band = np.clip([mean - spread, mean + spread], *(within or (-np.inf, np.inf)))
                    axis.fill_between(x, *band, color=_colour(i), alpha=0.2)
            for dash, (name, level) in enumerate(flat.get(title, {}).items()):
                style = {"linestyle": (0, (5 - 2 * dash, 3)), "linewidth": 1.1, **FAINT}
                axis.axhline(level, label=name, **style)
            axis.set(title=title, xlabel=xlabel, ylabel=y_name)
            _whole_ticks(axis, [x])
            if log_x:
                axis.set_xscale("log")
                _log_ticks(axis.xaxis)
            if title in log_y:
                axis.set_yscale("log")
                _log_ticks(axis.yaxis)
        _legends(axes, rows)
        if ylabel and isinstance(ylabel, str):  # one quantity, and so one range
            limits = np.array([axis.get_ylim() for axis in axes])
            for axis in axes:
                axis.set_ylim(limits[:, 0].min(), limits[:, 1].max())
    return figure


def maps(
    panels: Mapping[str, Float[Array, "rows columns"]],
    side: Float[Array, " columns"],
    xlabel: str,
    ylabel: str,
    *,
    pairs: Sequence[tuple[float, float]] = (),
    rests: Mapping[str, Float[Array, "n 2"]] | None = None,
    surface: bool = False,
) -> Figure:
    """Draw energies over a square, each over the median of its own: dark where they are low.

    Args:
        panels: a title to energies, 0 or more; a row holds those of one y, from the lowest on.
        side: x of the columns and y of the rows.
        xlabel: what x is.
        ylabel: what y is.
        pairs: points that get a ring.
        rests: a title to points that get a dot.
        surface: whether the energies are heights too, cut at ten times the median.
    """
    low, high = -3, 1  # powers of ten
    ticks = {power: _plain(10.0**power, 0) for power in range(low, high + 1)}
    with only(STYLE | {"figure.dpi": 100}):  # what is smooth needs no more, and a page loads five
        figure = _figure(len(panels) * WIDTH, 300)
        parts = figure.subfigures(1, len(panels), squeeze=False, wspace=0)[0]
        letters = string.ascii_lowercase if len(panels) > 1 else ""
        for part, (title, energies) in zip(parts, panels.items(), strict=True):
            found = np.asarray(energies, float)
            power = np.log10(np.maximum(found / np.median(found), 1e-9)).clip(low, high)
            axis = part.subplots(subplot_kw={"projection": "3d"} if surface else {})
            colours = {"cmap": "viridis", "vmin": low, "vmax": high}
            if surface:
                drawn = axis.plot_surface(
                    *np.meshgrid(side, side),
                    power,
                    rasterized=True,
                    rcount=99,
                    ccount=99,
                    **colours,
                )
                axis.set(zlim=(low, high), zticks=[], box_aspect=(1, 1, 0.8))
                axis.xaxis.labelpad = axis.yaxis.labelpad = 9
                axis.view_init(elev=52, azim=-60)
                axis.grid(False)
                for pane in (axis.xaxis, axis.yaxis, axis.zaxis):
                    pane.set_pane_color((0, 0, 0, 0))
                    pane.line.set_color(INK)
            else:
                box = (side[0], side[-1]) * 2
                drawn = axis.imshow(
                    power, origin="lower", extent=box, interpolation="bilinear", **colours
                )
                ring = {"facecolor": "none", "edgecolor": "white", "linewidth": 1.6, "s": 70}
                axis.scatter(*np.reshape(pairs, (-1, 2)).T, rasterized=True, **ring)
                if rests and title in rests:
                    dot = {"color": "#ff7f50", "s": 9, "linewidth": 0}
                    axis.scatter(*np.asarray(rests[title]).T, rasterized=True, **dot)
                axis.set(xlim=box[:2], ylim=box[:2])
            at = [-2, 2] if surface else [-2, -1, 0, 1, 2]
            axis.set(title=title, xlabel=xlabel, ylabel=ylabel, xticks=at, yticks=at)
            bar = part.colorbar(
                drawn, ax=axis, shrink=0.8, ticks=[*ticks], pad=0.12 * surface + 0.03
            )
            bar.ax.set_yticklabels(ticks.values())
            bar.solids.set_rasterized(True)
            bar.outline.set_edgecolor(INK)
            if letters:
                part.text(0.02, 0.93, letters[[*panels].index(title)], weight="bold")
    return figure


def bidirectional_circuit() -> Figure:
    """Draw the value and error neurons of a bidirectional network with one hidden layer.

    Each layer l has value neurons z_l (circles), generative error neurons e_l (left) and discriminative ones
    d_l (right). An arrow head excites, a bar inhibits; the sign stands beside each line too.
    """
    places = {**GENERATIVE_HALF, "d_0": (3, 6), "d_1": (3, 3)}
    links = [*GENERATIVE_LINKS,
        ("z_0", "d_0", 1, ""), ("d_0", "z_0", -1, ""), ("z_1", "d_1", 1, ""), ("d_1", "z_1", -1, ""),
        ("z_1", "d_0", -1, "W_0"), ("d_0", "z_1", 1, "W_0^\\top"),
        ("z_2", "d_1", -1, "W_1"), ("d_1", "z_2", 1, "W_1^\\top"),
    ]  # fmt: skip
    heads = {-3: "generative\nerrors", 0: "values", 3: "discriminative\nerrors"}
    ends = {(-3, 6): "label", (3, 0): "image"}
    return _circuit(places, links, heads, ends, (-4.3, 4.3), thick="z_1")


def hybrid_circuit() -> Figure:
    """Draw a hybrid network with one hidden layer: as `bidirectional_circuit`, but d moves nothing.

    On the right stands the amortiser's sweep, whose values the discriminative errors compare with those that
    settled.
    """
    places = {
        **GENERATIVE_HALF, "d_0": (2.7, 6), "d_1": (2.7, 3),
        "ẑ_0": (5.4, 6), "ẑ_1": (5.4, 3),
    }  # fmt: skip
    links = [*GENERATIVE_LINKS,
        ("z_0", "d_0", 1, ""), ("z_1", "d_1", 1, ""),
        ("ẑ_0", "d_0", -1, ""), ("ẑ_1", "d_1", -1, ""),
        ("z_2", "ẑ_1", 1, "W_1"), ("ẑ_1", "ẑ_0", 1, "W_0"),
    ]  # fmt: skip
    heads = {-3: "generative\nerrors", 0: "values", 2.7: "amortiser's\nerrors", 5.4: "sweep"}
    ends = {(-3, 6): "label", (1.6, -0.4): "image"}
    return _circuit(places, links, heads, ends, (-4.0, 6.4))


GENERATIVE_HALF = {"z_0": (0, 6), "z_1": (0, 3), "z_2": (0, 0), "e_1": (-3, 3), "e_2": (-3, 0)}
GENERATIVE_LINKS = [  # from, to, its sign, its weights
    ("z_1", "e_1", 1, ""), ("e_1", "z_1", -1, ""), ("z_2", "e_2", 1, ""), ("e_2", "z_2", -1, ""),
    ("z_0", "e_1", -1, "V_0"), ("e_1", "z_0", 1, "V_0^\\top"),
    ("z_1", "e_2", -1, "V_1"), ("e_2", "z_1", 1, "V_1^\\top"),
]  # fmt: skip


def _circuit(
    places: Mapping[str, tuple[float, float]],
    links: Sequence[tuple[str, str, int, str]],
    heads: Mapping[float, str],
    ends: Mapping[tuple[float, float], str],
    xlim: tuple[float, float],
    thick: str = "",
) -> Figure:
    """Draw neurons at their places, values as circles and errors as squares, and who acts on whom."""
    colours = {"z": SKY, "e": OCHRE, "d": GREEN, "ẑ": PURPLE}
    radius, apart = 0.48, 0.14
    with only(STYLE):
        figure, (axis,) = _panels(1, 395 * 8.6 / (xlim[1] - xlim[0]))
        for name, place in places.items():
            look = {
                "facecolor": "none",
                "edgecolor": colours[name[0]],
                "linewidth": 4 if name == thick else 2,
            }
            corner = (place[0] - 0.85 * radius, place[1] - 0.85 * radius)
            axis.add_patch(
                Rectangle(corner, 1.7 * radius, 1.7 * radius, **look)
                if name[0] in "ed"
                else Circle(place, radius, **look)
            )
            axis.text(*place, f"${name}$", ha="center", va="center", fontsize=16)
        for start, end, sign, weights in links:
            side = apart if weights else -apart  # so that no bar ends on another line
            _link(axis, np.array(places[start]), np.array(places[end]), radius, side, sign, weights)
        for x, text in heads.items():
            axis.text(x, 7.15, text, ha="center", va="center")
        for place, text in ends.items():
            axis.text(*place, text, ha="center", va="center", alpha=0.75)
        for sign, x, text in ((1, -3.6, "excites"), (-1, 0.3, "inhibits")):
            _link(axis, np.array((x, -1.15)), np.array((x + 1.3, -1.15)), 0, 0, sign, None)
            axis.text(x + 1.55, -1.15, text, ha="left", va="center")
        axis.set(xlim=xlim, ylim=(-1.5, 7.75), aspect="equal")
        axis.axis("off")
    return figure


def roofline(points: Mapping[str, tuple[float, float]], peak: float, bandwidth: float) -> Figure:
    """Draw speed against intensity, under the two roofs that a machine sets.

    Args:
        points: name to (intensity in flops a byte, speed in 1e9 flops a second).
        peak: the flat roof, 1e9 flops a second.
        bandwidth: the slope of the other, 1e9 bytes a second.
    """
    with only(STYLE):
        figure, (axis,) = _panels(1, HEIGHT + 20 * len(points))
        low = min(x for x, _ in points.values()) / 2
        high = max(max(x for x, _ in points.values()), peak / bandwidth) * 3
        x = np.geomspace(low, high, 100)
        axis.plot(x, np.minimum(peak, bandwidth * x), linewidth=1.8, **FAINT)
        for i, (name, (intensity, speed)) in enumerate(points.items()):
            axis.plot(intensity, speed, "os^Dv<>P"[i % 8], markersize=8, label=name)
        axis.set(xscale="log", yscale="log", ylabel="10⁹ flops/s")
        _log_ticks(axis.xaxis)
        _log_ticks(axis.yaxis)
        axis.set_xlabel("intensity: flops for each byte moved")
        axis.figure.legend(loc="outside lower left")
    return figure


def frames(
    rows: Mapping[str, tuple[Float[Array, "times 784"], Float[Array, "times labels"]]],
    times: Sequence[str],
) -> Figure:
    """Draw images as they settle, below each its label's activities as bars, and the label that is largest.

    A line marks 0, a dotted one 1; a row's first bars have both numbers. Below the bars every third label is
    named, 0, 3, 6, 9. Bars that are all alike say nothing.

    Args:
        rows: for each name its normalised images, one a time, and the activities of its label layer; NaN
            where an image has none.
        times: what stands above the images.
    """
    pitch, line, tall, digit = WIDTH / len(times), 1.5 * TEXT, 34, TEXT - 3
    height = 2 * line + pitch + tall + digit + line
    total = top = height * len(rows)
    with only(STYLE):
        figure = _figure(WIDTH, total)
        figure.set_layout_engine("none")

        def axes(left: float, low: float, wide: float, high: float) -> Any:
            axis = figure.add_axes((left / WIDTH, low / total, wide / WIDTH, high / total))
            axis.set(xticks=[], yticks=[])
            axis.set_frame_on(False)
            return axis

        reach = max(np.nanmax(np.abs(np.asarray(labels))) for _, labels in rows.values())
        reach = max(1.0, reach)  # so that the 1 is in sight
        for name, (images, labels) in rows.items():
            figure.text(1 / WIDTH, (top - 0.72 * line) / total, name, weight="bold")
            y = top - 2 * line - pitch
            pixels, scale = _squares(denormalise(images)), (0, 1)
            for i, (image, activities) in enumerate(zip(pixels, np.asarray(labels), strict=True)):
                picture = axes(i * pitch + 2, y, pitch - 4, pitch)
                picture.imshow(image, cmap="gray_r", vmin=0, vmax=1)
                picture.set_title(times[i], fontsize=TEXT - 2, pad=3)
                if np.isnan(activities).any():
                    continue
                best = int(activities.argmax())
                alike = np.ptp(activities) < 1e-6
                bars = axes(i * pitch + 11, y - tall, pitch - 13, tall - 3)
                colours = [SKY if alike or c != best else RED for c in range(len(activities))]
                bars.bar(range(len(activities)), activities, color=colours, width=0.75)
                bars.axhline(0, linewidth=0.8, **FAINT)
                bars.axhline(1, linewidth=0.8, linestyle=":", **FAINT)
                bars.set(ylim=(-0.35 * reach, 1.05 * reach), yticks=scale)
                bars.tick_params(axis="y", length=0, pad=1, labelsize=TEXT - 2)
                bars.set_xticks(range(0, len(activities), 3))
                bars.tick_params(axis="x", length=0, pad=0, labelsize=digit)
                scale = ()
                said = "all alike" if alike else f"says {best}"
                bars.set_xlabel(said, labelpad=1, fontsize=TEXT - 1)
            top -= height
    return figure


def plane(
    points: Mapping[str, tuple[Float[Array, " runs"], Float[Array, " runs"]]],
    path: Mapping[str, tuple[Float[Array, " runs"], Float[Array, " runs"]]],
    xlabel: str,
    ylabel: str,
    path_name: str,
) -> Figure:
    """Draw named points in a plane, and a path through others; a bar shows one standard deviation.

    Args:
        points: name to what each run measured, across and up. Smaller is better across, and to the right.
        path: the same, in order, each named beside it.
        xlabel: what is measured across, on a logarithmic axis.
        ylabel: what is measured up.
        path_name: of the legend.
    """
    with only(STYLE):
        figure, (axis,) = _panels(1, HEIGHT + 150)
        across, up = np.array([np.mean(pair, axis=1) for pair in path.values()]).T
        axis.plot(across, up, ".-", linewidth=1.5, markersize=7, label=path_name, **FAINT)
        for name, x, y in zip(path, across, up, strict=True):
            axis.annotate(name, (x, y), (5, 3), textcoords="offset points", fontsize=TEXT - 2,
                          rotation=45, rotation_mode="anchor")  # fmt: skip
        for i, (name, pair) in enumerate(points.items()):
            (x, y), (dx, dy) = np.mean(pair, axis=1), np.std(pair, axis=1, ddof=1)
            axis.errorbar(x, y, dy, dx, fmt="os^Dv"[i % 5], color=_colour(i), markersize=8,
                          capsize=3, label=name, zorder=3)  # fmt: skip
        axis.set(xscale="log", xlabel=xlabel, ylabel=ylabel)
        axis.invert_xaxis()
        _log_ticks(axis.xaxis)
        axis.figure.legend(loc="outside lower left", ncols=3)
    return figure


def _cell(value: object, digits: int) -> str:
    numbers = np.asarray(value)
    if numbers.dtype.kind != "f":
        return str(value)
    if numbers.ndim:
        spread = numbers.std(ddof=len(numbers) > 1)
        return f"≈ {numbers.mean():.{digits}f} ± {spread:.{digits}f}".replace("-", "−")
    return f"{float(numbers):.{digits}f}".replace("-", "−")


def _figure(width: float, height: float) -> Figure:
    """Make an empty figure of this size in CSS pixels, of which an SVG of matplotlib has 72 an inch."""
    figure = Figure(figsize=(width / 72, height / 72), layout="constrained")
    FigureCanvasAgg(figure)  # of its own, that no screen is needed for
    return figure


def _panels(count: int, height: float = HEIGHT, width: float = WIDTH) -> tuple[Figure, list[Any]]:
    """Make a figure of panels, an axis in each; several have letters, for the caption to name them."""
    figure = _figure(count * width, height)
    parts = figure.subfigures(1, count, squeeze=False, wspace=0)[0]
    axes = [part.subplots() for part in parts]
    for axis, letter in zip(axes, string.ascii_lowercase if count > 1 else "", strict=False):
        axis.set_title(letter, loc="left", weight="bold")
    return figure, axes


def _legends(axes: Sequence[Any], rows: int) -> None:
    """Name several lines below their panel, where no data are; all panels keep the same rows free."""
    for axis in axes if rows else ():
        handles, names = axis.get_legend_handles_labels()
        if len(names) < 2:
            handles, names = [], []
        columns = _legend_columns(names)
        empty = columns * rows - len(names)
        handles += [Line2D([], [], linestyle="none")] * empty
        axis.figure.legend(handles, names + [""] * empty, loc="outside lower left", ncols=columns)


def _legend_columns(names: Sequence[str]) -> int:
    """How many names fit beside each other, each with a piece of its line."""
    longest = max((len(name.replace("$", "")) for name in names), default=0)
    return max(1, min(len(names), int(WIDTH / (TEXT * (3.8 + 0.62 * longest)))))


def _legend_rows(panels: Sequence[Sequence[str]]) -> int:
    """How many rows of names a figure's panels need, none where each has one line."""
    named = [[name for name in names if name] for names in panels]
    return max((-(-len(n) // _legend_columns(n)) for n in named if len(n) > 1), default=0)


def _colour(i: int) -> str:
    """Give the i-th colour, whichever style is in force where it is drawn."""
    colours = STYLE["axes.prop_cycle"].by_key()["color"]  # type: ignore[attr-defined]
    return colours[i % len(colours)]


def _looks(panels: Iterable[Iterable[str]]) -> dict[str, int]:
    """Number the names: the same in every panel, and no colour twice in one, as far as they last.

    Where there are more names than colours, those of another panel come again, with dashes.
    """
    panels, n = [[*names] for names in panels], len(PALETTE)
    found: dict[str, int] = {}
    for name in dict.fromkeys(name for names in panels for name in names):
        beside = {
            found[other] % n
            for names in panels
            if name in names
            for other in names
            if other in found
        }
        free = (i for i in itertools.count() if i not in found.values())
        found[name] = next(i for i in free if i % n not in beside or len(beside) == n)
    return found


def _whole_ticks(axis: Any, points: Sequence[Any]) -> None:
    """Count in whole numbers what comes in whole numbers, such as steps."""
    if all(np.asarray(x).dtype.kind in "iu" for x in points):
        axis.xaxis.set_major_locator(MaxNLocator(6, integer=True))


def _log_ticks(side: Any) -> None:
    """Label a logarithmic axis with plain numbers throughout, or with powers of ten throughout."""
    low, high = side.get_view_interval()
    plain = low > 5e-3 and high < 5e4
    side.set_major_locator(LogLocator(subs=(1, 2, 5) if high < 80 * low else (1,)))
    side.set_minor_formatter(NullFormatter())
    side.set_major_formatter(FuncFormatter(_plain if plain else _power))


def _plain(number: float, _place: int) -> str:
    return f"{number:g}"


def _power(number: float, _place: int) -> str:
    power = int(np.floor(np.log10(number) + 1e-9))
    first = round(number / 10.0**power)
    raised = str(power).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
    return f"10{raised}" if first == 1 else f"{first}·10{raised}"


def _tiles(
    rows: Sequence[tuple[str | None, np.ndarray, Sequence[object] | None]],
    columns: int,
    cmap: str = "gray_r",
) -> Figure:
    """Draw rows of images, each with a name above or none, and a label below each image or none."""
    pitch, line = WIDTH / columns, 1.5 * TEXT
    heights = [
        pitch + line * (name is not None) + line * (below is not None) for name, _, below in rows
    ]
    total = top = sum(heights)
    with only(STYLE):
        figure = _figure(WIDTH, total)
        figure.set_layout_engine("none")
        for (name, images, below), height in zip(rows, heights, strict=True):
            y = top - pitch - line * (name is not None)
            if name is not None:
                figure.text(1 / WIDTH, (top - 0.72 * line) / total, name)
            for i, image in enumerate(images):
                box = (i * pitch + 1, y + 1, pitch - 2, pitch - 2)
                left, low, wide, high = (
                    side / whole for side, whole in zip(box, (WIDTH, total) * 2, strict=True)
                )
                axis = figure.add_axes((left, low, wide, high))
                axis.imshow(image, cmap=cmap, vmin=0, vmax=1)
                axis.set(xticks=[], yticks=[])
                axis.set_frame_on(False)
                if below is not None:
                    axis.set_xlabel(str(below[i]), labelpad=3)
            top -= height
    return figure


def _smooth(values: np.ndarray, points: int = 200) -> tuple[np.ndarray, np.ndarray]:
    """Average a long row of numbers over windows, so that at most `points` remain."""
    window = -(-len(values) // points)
    whole = len(values) // window * window
    return np.arange(window, whole + 1, window), values[:whole].reshape(-1, window).mean(axis=1)


def _spring(start: float, end: float, y: float, windings: int = 9) -> tuple[np.ndarray, np.ndarray]:
    """Give the points of a zigzag from start to end."""
    x = np.linspace(start, end, 2 * windings + 2)
    zigzag = np.where(np.arange(len(x)) % 2, 0.16, -0.16)
    zigzag[[0, -1]] = 0
    return x, y + zigzag


def _neuron(axis, x: float, name: str, colour: str, shape: str) -> None:
    kind = {"circle": Circle((x, 0), 0.36), "square": Rectangle((x - 0.3, -0.3), 0.6, 0.6)}
    patch = kind[shape]
    patch.set(facecolor="none", edgecolor=colour, linewidth=2, zorder=3)
    axis.add_patch(patch)
    axis.text(x, 0, name, ha="center", va="center", fontsize=16, zorder=4)


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
            "shrinkA": 20,
            "shrinkB": 20 if colour == BLUE else 25,
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
        *(a + 0.5 * (b - a) + right * (5.2 if weights else 1.7)),
        text,
        ha="center",
        va="center",
        color=colour,
    )
