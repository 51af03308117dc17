"""A figure shows the numbers that it is given, as a picture that fits every page."""

import base64
import io
import os
import re
from itertools import combinations
from xml.etree import ElementTree

import matplotlib.pyplot as plt
import numpy as np
import pytest
from conftest import ROOT, assert_close
from PIL import Image

from bpc_minimal import History, figures, normalise, svg

SVG = f"{{{svg.SVG}}}"


@pytest.fixture
def drawn():
    """What a test draws is closed at its end."""
    yield
    plt.close("all")


def pictures(figure):
    return [np.asarray(axis.images[0].get_array()) for axis in figure.axes if axis.images]


def words(axis):
    return [text.get_text() for text in axis.texts]


def test_drawn_digits_and_fields_are_their_pixels(digits, drawn):
    pixels = digits.images[:5] / 255
    images = np.asarray(normalise(digits.images[:5]))
    for figure in (
        figures.digits(images, labels=range(5), columns=3),
        figures.digits(pixels, in_unit_range=True),
        figures.digit_rows({"a": images[:3], "b": images[3:]}, {"a": "xyz"}),
    ):
        assert_close(pictures(figure), list(pixels), 1e-6)
    assert [axis.get_xlabel() for axis in figure.axes] == ["x", "y", "z", "", ""]
    weights = np.random.default_rng(0).normal(size=(12, 784))
    figure = figures.receptive_fields(weights, 11)
    assert_close(pictures(figure), list(weights[:11].reshape(-1, 28, 28)), 0)
    for axis in figure.axes[:11]:  # white is zero
        low, high = axis.images[0].get_clim()
        assert -low == high == abs(axis.images[0].get_array()).max()


def test_drawn_curves_are_their_points(drawn):
    x, y = np.arange(1.0, 5), np.arange(1.0, 5) ** 2
    panels = {"A": {"one": (x, y), "two": (x, 2 * y)}, "B": {"one": (x, 3 * y)}}
    figure = figures.curves(panels, "x", ("a", "b"), levels={"floor": 0.5}, log=("xy", ""))
    for axis, (title, lines) in zip(figure.axes, panels.items(), strict=True):
        assert axis.get_title() == title
        for line, (name, points) in zip(axis.lines, lines.items(), strict=False):
            assert line.get_label() == name
            assert_close(line.get_data(), points, 0)
        assert_close(axis.lines[-1].get_ydata(), [0.5, 0.5], 0)
        (legend,) = axis.figure.legends  # below the panel, where no data are
        assert [text.get_text() for text in legend.get_texts() if text.get_text()] == [
            *lines,
            "floor",
        ]
        assert not axis.get_legend()
    figure.canvas.draw()
    axes = [axis.get_window_extent() for axis in figure.axes]
    for legend, axis in ((axis.figure.legends[0], axis) for axis in figure.axes):
        assert legend.get_window_extent().y1 < axis.get_tightbbox().y0 + 1
    assert axes[0].y0 == axes[1].y0, "panels stand on one line"
    assert [axis.get_xscale() for axis in figure.axes] == ["log", "linear"]
    (axis,) = figures.curves({"": {"one": (x, y)}}, frame=False).axes
    assert not axis.axison and axis.get_aspect() == 1
    runs = np.random.default_rng(0).normal(size=(6, 4)) ** 2
    panels = {"A": {"many": runs, "one": runs[:1]}, "B": {"many": 2 * runs}}
    figure = figures.spread_curves(x, panels, "x", log_x=True, log_y=["B"])
    assert_close([line.get_ydata() for line in figure.axes[0].lines], [runs.mean(0), runs[0]])
    (band,) = figure.axes[0].collections  # of one run there is no spread
    heights = band.get_paths()[0].vertices[:, 1]
    sd = runs.std(0, ddof=1)
    spread = (runs.mean(0) + sd).max(), (runs.mean(0) - sd).min()
    assert_close([heights.max(), heights.min()], list(spread))
    assert [axis.get_yscale() for axis in figure.axes] == ["linear", "log"]
    panels = {"A": {"a": runs, "b": runs}, "B": {"b": 9 * runs}}
    first, second = figures.spread_curves(x, panels, "x", ylabel="y").axes
    assert first.lines[1].get_color() == second.lines[0].get_color()  # of one name
    assert first.lines[1].get_marker() == second.lines[0].get_marker()
    assert first.get_ylim() == second.get_ylim()
    panels = {"A": dict.fromkeys("abcd", runs[:1]), "B": dict.fromkeys("aefg", runs[:1])}
    first, second = figures.spread_curves(x, panels, "x").axes
    looks = [
        [(line.get_color(), line.get_linestyle()) for line in axis.lines]
        for axis in (first, second)
    ]
    assert len({*looks[0], *looks[1]}) == 7, "more names than colours: dashes tell them apart"
    assert all(len(dict(panel)) == 4 for panel in looks), "no colour twice in a panel"
    levels = {"B": {"as good": 3.0}}
    first, second = figures.spread_curves(x, panels, "x", levels=levels).axes
    assert len(first.lines) == 4 and len(second.lines) == 5
    assert_close(second.lines[-1].get_ydata(), [3.0, 3.0])
    (legend,) = second.figure.legends
    assert "as good" in [text.get_text() for text in legend.texts]


def test_drawn_frames_are_their_images_and_say_their_largest_label(digits, drawn):
    images = normalise(digits.images[:4])
    labels = np.random.default_rng(0).normal(size=(4, 10))
    rows = {"a": (images[:2], labels[:2]), "b": (images[2:], labels[2:])}
    axes = figures.frames(rows, ("first", "second")).axes
    shown = [np.asarray(axis.images[0].get_array()) for axis in axes[::2]]
    assert_close(shown, list(digits.images[:4] / 255), 1e-6)
    for bars, activities in zip(axes[1::2], labels, strict=True):
        assert_close(np.array([bar.get_height() for bar in bars.patches]), activities)
        assert bars.get_xlabel() == f"says {activities.argmax()}"
        assert [text.get_text() for text in bars.get_xticklabels()] == ["0", "3", "6", "9"]
        assert list(bars.get_xticks()) == [0, 3, 6, 9]  # below their bars
    assert [axis.get_title() for axis in axes[::2]] == ["first", "second"] * 2
    assert len({axis.get_ylim() for axis in axes[1::2]}) == 1  # bars of all rows compare
    assert [len(axis.get_yticks()) for axis in axes[1::2]] == [
        2,
        0,
    ] * 2  # a scale at the first of a row


def test_bars_of_a_label_that_is_undecided_name_no_digit(digits):
    images, labels = normalise(digits.images[:2]), np.stack([np.full(10, 0.1), np.eye(10)[3]])
    *_, first, _, second = figures.frames({"a": (images, labels)}, ("start", "end")).axes
    assert [first.get_xlabel(), second.get_xlabel()] == ["all alike", "says 3"]
    assert {bar.get_facecolor() for bar in first.patches} < {
        bar.get_facecolor() for bar in second.patches
    }
    assert first.get_ylim()[1] > 1 and list(first.get_yticks()) == [0, 1]


def test_a_plane_has_its_points_with_their_spread_and_its_path(drawn):
    rng = np.random.default_rng(0)
    points = {name: (rng.random(5) + 0.1, rng.random(5)) for name in "ab"}
    path = {name: (rng.random(5) + 0.1, rng.random(5)) for name in ("1", "2", "3")}
    (axis,) = figures.plane(points, path, "rmse", "accuracy", "path").axes
    means = np.array([np.mean(pair, axis=1) for pair in path.values()])
    assert_close(axis.lines[0].get_xydata(), means)
    assert {*words(axis)} == {*path}
    for bars, pair in zip(axis.containers, points.values(), strict=True):
        assert_close(bars[0].get_xydata()[0], np.mean(pair, axis=1))
        reach = np.ptp(bars[2][1].get_segments()[0], axis=0)[1]
        assert reach == pytest.approx(2 * np.std(pair[1], ddof=1), rel=1e-6)
    left, right = axis.get_xlim()
    assert left > right  # the smaller, the better, and to the right


def test_drawn_maps_are_their_energies_over_the_median(drawn):
    energies = np.array([[0.0, 1.0, 2.0], [4.0, 8.0, 16.0], [0.02, 4.0, 4e5]])  # a median of 4
    for surface in (False, True):
        figure = figures.maps({"a": energies}, np.linspace(-2, 2, 3), "x", "y", surface=surface)
        axis = figure.axes[0]
        powers = np.log10(np.clip(energies / 4, 1e-3, 10))
        if surface:
            assert axis.get_zlim() == (-3, 1) and axis.collections
        else:
            assert_close(axis.images[0].get_array(), powers, 1e-6)
            assert axis.images[0].origin == "lower"
        assert (axis.get_title(), axis.get_xlabel(), axis.get_ylabel()) == ("a", "x", "y")


@pytest.mark.parametrize("iterations", [40, 1001])
def test_drawn_training_is_the_history(iterations, drawn):
    values = np.random.default_rng(0).random((3, iterations))
    losses = dict(zip(("gen_loss", "energy_before", "energy"), values, strict=True))
    evaluations = [{"iteration": 20, "accuracy": 91.0}, {"iteration": 40, "accuracy": 95.0}]
    figure = figures.training_curves(History(losses, evaluations))
    lines = [line for axis in figure.axes for line in axis.lines]
    for line, row in zip(lines, values, strict=False):
        ends, means = line.get_data()  # means of windows, each drawn where its window ends
        assert len(ends) == len(means) <= 200
        assert_close(np.diff(ends, prepend=0) @ means, row[: ends[-1]].sum())
    assert_close([*lines[-1].get_data()], [np.array([20, 40]), np.array([91.0, 95.0])], 0)


def test_drawn_counts_and_bars_are_their_values(drawn):
    found, labels = np.array([0, 1, 1, 2]), np.array([0, 1, 2, 2])
    axis = figures.confusion(found, labels).axes[0]
    counts = {text.get_position(): text.get_text() for text in axis.texts}  # (answer, label)
    assert counts == {(0, 0): "1", (1, 1): "1", (1, 2): "1", (2, 2): "1"}
    assert axis.images[0].get_array().sum() == 1  # colour is for mistakes alone
    axis = figures.bars({"a": 2.0, "b": 3.5}, "ms").axes[0]
    assert [bar.get_width() for bar in axis.patches] == [3.5, 2.0]  # from below to the first, above
    assert words(axis) == ["3.5 ms", "2 ms", "b", "a"]


def test_drawn_settling_is_the_path(drawn):
    guesses = [3.0, 2.0, 1.5]
    left, right = figures.settling(np.square, guesses).axes
    assert right.lines[-1].get_ydata().tolist() == guesses
    assert [*left.lines[-1].get_data()] == [[1.5], [1.5**2]]  # the ball, where it came to rest


def test_drawn_circuits_name_every_neuron_and_sign(drawn):
    """An error neuron is excited by what it measures, and inhibited by what predicts that."""
    axis = figures.generative_circuit(3).axes[0]
    names = [f"$z_{l}$" for l in range(4)] + [f"$e_{l}$" for l in range(1, 4)]
    assert {*names} <= {*words(axis)} and words(axis).count("$+$") == 3
    axis = figures.bidirectional_circuit().axes[0]
    assert {"$z_0$", "$z_1$", "$z_2$", "$e_1$", "$e_2$", "$d_0$", "$d_1$"} <= {*words(axis)}
    for weights in (
        "V_0",
        "V_1",
        "W_0",
        "W_1",
    ):  # there inhibits, back through its transpose excites
        assert {f"\u2212 ${weights}$", f"+ ${weights}^\\top$"} <= {*words(axis)}
    axis = figures.hybrid_circuit().axes[0]
    assert {"$ẑ_0$", "$ẑ_1$", "$d_0$", "$d_1$", "+ $W_0$", "+ $W_1$"} <= {*words(axis)}
    assert not any("W" in word and "top" in word for word in words(axis))  # no d moves a value
    figure = figures.springs({"start": (1.0, 1.0, 5.0), "end": (1.0, 3.0, 5.0)}, (1, 2), "m")
    for axis, guess in zip(figure.axes, (1.0, 3.0), strict=True):
        assert axis.lines[-1].get_xdata() == [guess]


@pytest.fixture
def shown(monkeypatch):
    """What is displayed: its data, and its metadata where it has any."""
    found = []

    def display(data, raw, metadata=None):
        found.append((data, metadata))

    monkeypatch.setattr("IPython.display.display", display)
    return found


def test_a_drawn_figure_is_shown_with_its_text_and_closed(shown):
    figures.show(figures.bars({"a": 1.0}, "ms"), "One bar.")
    ((data, metadata),) = shown
    assert metadata == {"image/svg+xml": {"alt": "One bar."}} and data["text/plain"] == "One bar."
    root = ElementTree.fromstring(data["image/svg+xml"])
    assert (root.get("role"), root.get("aria-label")) == ("img", "One bar.")
    assert not plt.get_fignums()


def test_a_figure_of_the_book_is_shown_with_its_text_by_its_number(shown):
    figures.show(figures.bars({"a": 1.0}, "ms"), "4.2")
    assert shown[0][0]["text/plain"].startswith("Circuit with three rows")
    for number in ("4.99", "99.1"):
        with pytest.raises(ValueError, match=f"'{number}' given, the number of a figure"):
            figures.show(figures.bars({"a": 1.0}, "ms"), number)
    assert not plt.get_fignums()


def several():
    """A figure of each kind, by its name."""
    x, random = np.arange(1, 6), np.random.default_rng(0)
    images, runs = random.random((20, 784)), random.random((5, 5)) + 0.1
    labelled = {"α": {f"step {i}": (x, x**i) for i in range(4)}, "b": {"": (x, x)}}
    losses = {name: x / 7 for name in ("gen_loss", "energy_before", "energy")}
    evaluations = [{"iteration": i, "accuracy": 90.0 + i} for i in (1, 2)]
    return {
        "digits": figures.digits(images, range(20), in_unit_range=True),
        "digit_rows": figures.digit_rows(
            {"seen": images[:10], "drawn": images[10:]}, {"seen": "0123456789"}
        ),
        "training_curves": figures.training_curves(History(losses, evaluations)),
        "confusion": figures.confusion(random.integers(0, 10, 300), random.integers(0, 10, 300)),
        "receptive_fields": figures.receptive_fields(images - 0.5, 20),
        "bars": figures.bars({"one call an iteration": 1.5, "one scan": 0.5}, "ms", "Time"),
        "stacked_bars": figures.stacked_bars(
            {"one": {"a": 1.0, "b": 2.0}, "two": {"b": 1.0}}, "ms", "Time"
        ),
        "curves": figures.curves(
            labelled, r"$\alpha_\mathrm{gen}$", "guess $z_1$ (km)", log=("xy", "")
        ),
        "spread_curves": figures.spread_curves(x, {"rmse": {"sweep": runs}}, "steps", log_x=True),
        "frames": figures.frames(
            {"a": (images[:3], np.vstack([np.full((1, 10), np.nan), np.eye(10)[:2]]))},
            ("", "0", "5"),
        ),
        "plane": figures.plane(
            {"a": (runs[:, 0], runs[:, 1])}, {"1": runs[:, :2].T}, "rmse", "accuracy", "path"
        ),
        "maps": figures.maps(
            {"a": images[0].reshape(28, 28), "b": images[1].reshape(28, 28)},
            np.linspace(-2, 2, 28),
            "input",
            "label",
            pairs=[(-1, 1)],
            rests={"b": runs[:, :2]},
        ),
        "settling": figures.settling(np.square, [3.0, 2.0, 1.5]),
        "springs": figures.springs(
            {"start": (1.0, 1.0, 5.0), "end": (1.0, 3.0, 5.0)}, (1, 2), "km"
        ),
        "generative_circuit": figures.generative_circuit(2),
        "bidirectional_circuit": figures.bidirectional_circuit(),
        "hybrid_circuit": figures.hybrid_circuit(),
        "roofline": figures.roofline({"Adam": (0.5, 20.0), "product": (20.0, 100.0)}, 160, 80),
    }


@pytest.fixture(scope="module")
def drawings():
    """Each kind of figure, as two SVGs with two texts."""
    found = {}
    for name, figure in several().items():
        found[name] = svg.as_svg(figure, f"One {name}."), svg.as_svg(figure, f"Two {name}.")
    plt.close("all")
    return found


def test_every_kind_of_figure_is_drawn_here(drawings):
    made = {
        name
        for name, value in vars(figures).items()
        if callable(value) and getattr(value, "__annotations__", {}).get("return") is figures.Figure
        if not name.startswith("_")
    }
    assert made == {*drawings}


def test_a_drawing_is_the_same_each_time(drawings):
    again = several()
    assert {name: svg.as_svg(again[name], f"One {name}.") for name in drawings} == {
        name: one for name, (one, _) in drawings.items()
    }
    plt.close("all")


def test_drawings_of_a_page_share_no_identifier(drawings):
    texts = [text for pair in drawings.values() for text in pair]
    names = [{*re.findall(r'\bid="([^"]+)"', text)} for text in texts]
    for one, other in combinations(names, 2):
        assert not one & other
    for text, own in zip(texts, names, strict=True):
        assert {*re.findall(r"(?:url\(|href=\")#([\w-]+)", text)} == own


def test_ink_is_the_pages_own_and_text_is_text(drawings):
    for one, _ in drawings.values():
        root = ElementTree.fromstring(one)
        assert svg.INK not in one and "font-family" not in one.replace(svg.ALONE, "")
        ours = {colour.lower() for colour in figures.PALETTE.values()}
        allowed = ours | {"none", "currentcolor"}
        used = re.findall(r"(?:fill|stroke): ([^;\"]+)", one)
        assert {colour.lower() for colour in used if not colour.startswith("url")} <= allowed
        for words in root.iter(f"{SVG}text"):
            assert "".join(words.itertext()).strip()
        assert not [*root.iter(f"{SVG}style")]  # which would act on the whole page


def test_a_formula_is_one_text_whose_parts_follow_each_other(drawings):
    root = ElementTree.fromstring(drawings["curves"][0])
    texts = ["".join(words.itertext()) for words in root.iter(f"{SVG}text")]
    assert texts.count("αgen") == 2 and texts.count("guess z1 (km)") == 2
    axis = next(w for w in root.iter(f"{SVG}text") if "".join(w.itertext()) == "guess z1 (km)")
    before, z, one, after = axis
    assert "italic" in z.get("style") and "italic" not in before.get("style")
    assert float(one.get("dy")) > 0 and float(one.get("dy")) + float(after.get("dy")) == 0
    assert not any(part.get("x") for part in axis)


def test_a_sign_that_cannot_be_written_is_named(drawn):
    figure = figures.curves({"": {"": ([0, 1], [0, 1])}}, r"$\langle E^* \rangle_\omega$", "y")
    texts = [
        "".join(t.itertext())
        for t in ElementTree.fromstring(svg.as_svg(figure, "x")).iter(f"{SVG}text")
    ]
    assert "⟨E*⟩ω" in texts
    figure = figures.curves({"": {"": ([0, 1], [0, 1])}}, r"$\aleph_0$", "y")
    with pytest.raises(ValueError, match=r"\\aleph given in the text of a figure, one of"):
        svg.as_svg(figure, "x")


def test_text_is_large_enough_for_a_phone(drawings):
    """A panel is as wide as a phone's column, 328 pixels or more; the browser's measure is in test_pages."""
    for one, _ in drawings.values():
        root = ElementTree.fromstring(one)
        assert {panel.get("width") for panel in root} == {f"{figures.WIDTH}"}
        sizes = [float(size) for size in re.findall(r"font-size: ([\d.]+)px", one)]
        assert min(sizes, default=99) * 328 / figures.WIDTH >= 9


def test_pixels_stay_as_they_are(drawings):
    root = ElementTree.fromstring(drawings["digits"][0])
    images = [*root.iter(f"{SVG}image")]
    assert len(images) == 20
    for image in images:
        assert "pixelated" in image.get("style")
        png = base64.b64decode(image.get("href").removeprefix("data:image/png;base64,"))
        assert Image.open(io.BytesIO(png)).size == (28, 28)


def linear(colour):
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    return np.array([c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in parts])


def contrast(*colours):
    dark, light = sorted(linear(c) @ (0.2126, 0.7152, 0.0722) + 0.05 for c in colours)
    return light / dark


# What who sees no red or no green makes of linear light: Machado, Oliveira and Fernandes (2009), severity 1.
SIGHTS = {
    "all": np.eye(3),
    "no red": np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
    "no green": np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ]
    ),
}


def lab(colour, sight):
    """Give a colour's place in CIELAB, in which distances are about as large as they look."""
    to_xyz = [[0.4339, 0.3762, 0.1899], [0.2126, 0.7152, 0.0722], [0.0178, 0.1095, 0.8730]]
    xyz = to_xyz @ np.clip(SIGHTS[sight] @ linear(colour), 0, 1)
    x, y, z = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def palette(theme):
    """The colours on white, which the package draws with, or those that a dark page has instead."""
    if theme == "light":
        return figures.PALETTE
    style = (ROOT / "book" / "_static" / "book.css").read_text("utf-8")
    found = dict(re.findall(r"--bpc-(\w+): (#\w{6})", style))
    assert [*found] == [*figures.PALETTE]
    return found


@pytest.mark.parametrize(("theme", "ground"), [("light", "#ffffff"), ("dark", "#121212")])
def test_colours_stand_out_from_the_ground_and_from_each_other(theme, ground):
    colours = palette(theme)
    for name, colour in colours.items():
        assert contrast(colour, ground) >= (3 if name == "sky" else 4.5), name
    for sight in SIGHTS:
        for one, other in combinations(colours, 2):
            apart = np.linalg.norm(lab(colours[one], sight) - lab(colours[other], sight))
            assert apart > 12, f"{one} and {other} to eyes that see {sight}"


@pytest.mark.parametrize(
    ("low", "high"),
    [(1e-6, 1), (1e-4, 1), (1e-3, 1e3), (0.1, 50), (1, 1000), (3, 20), (2e-3, 6e-2)],
)
def test_a_logarithmic_axis_does_not_mix_two_ways_to_write_a_number(low, high, drawn):
    x = np.geomspace(low, high, 5)
    axis = figures.curves({"": {"": (x, x)}}, log="xy").axes[0]
    axis.figure.canvas.draw()
    labels = [label.get_text() for label in axis.get_xticklabels() if label.get_text()]
    plain, raised = r"\d+(\.\d+)?", r"([25]·)?10⁻?[⁰¹²³⁴⁵⁶⁷⁸⁹]+"
    assert len(labels) >= 2
    assert any(all(re.fullmatch(way, label) for label in labels) for way in (plain, raised)), labels


def test_a_table_is_shown_with_its_numbers(shown):
    rows = [("a", 1.23456, np.array([1.0, 3.0])), ("b & c", -2.0, np.float32(4)), ("d", 5, "≈ 6")]
    figures.table(rows, ("name", "one", "many"), digits=(0, 2, 1))
    ((data, _),) = shown
    lines = data["text/plain"].splitlines()
    assert lines[0] == "| name | one | many |"
    assert lines[2:] == ["| a | 1.23 | ≈ 2.0 ± 1.4 |", "| b & c | −2.00 | 4.0 |", "| d | 5 | ≈ 6 |"]
    page = ElementTree.fromstring(data["text/html"])
    cells = [[*row.itertext()] for row in page.iter("tr")]
    assert [" | ".join(row) for row in cells] == [
        line.strip("| ") for i, line in enumerate(lines) if i != 1
    ]
    with pytest.raises(ValueError, match="a row of 2 cells given, 3 expected"):
        figures.table([("a", 1)], ("name", "one", "many"))


def test_a_table_writes_a_minus_for_what_is_below_zero(shown):
    figures.table([("a", -1.5, np.array([-3.0, -1.0]))], ("", "one", "of two"), digits=1)
    ((data, _),) = shown
    assert data["text/plain"].splitlines()[-1] == "| a | −1.5 | ≈ −2.0 ± 1.4 |"


def test_a_figure_is_the_same_whatever_settings_a_user_has(digits, drawn, tmp_path):
    def keep(name):
        figures.keep(
            figures.digits(digits.images[:3] / 255, "abc", in_unit_range=True), tmp_path / name
        )
        figures.keep(
            figures.curves({"$x$": {"a": (np.arange(3), np.arange(3))}}, "x"), tmp_path / f"c{name}"
        )
        return [(tmp_path / f"{prefix}{name}").read_bytes() for prefix in ("", "c")]

    plain = keep("a.png")
    theirs = {
        "text.usetex": True,  # and there is no LaTeX
        "savefig.transparent": True, "savefig.dpi": 300, "savefig.format": "pdf", "figure.dpi": 50,
        "font.family": "fantasy", "axes.grid": True, "image.cmap": "hot", "figure.autolayout": True,
        "backend": "template", "interactive": True, "axes.facecolor": "black",
    }  # fmt: skip
    with plt.style.context(["dark_background", theirs]), plt.rc_context(theirs):
        before = dict(plt.rcParams)
        assert keep("b.png") == plain
        assert dict(plt.rcParams) == before
    assert not plt.get_fignums()


def test_a_kind_of_picture_that_needs_latex_is_named_where_there_is_none(
    drawn, tmp_path, monkeypatch
):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(ValueError, match=r"a.pgf: matplotlib draws no .pgf here: "):
        figures.keep(figures.curves({"": {"": ([0, 1], [0, 1])}}, "x", "y"), tmp_path / "a.pgf")
    assert not [*tmp_path.iterdir()]


def test_a_picture_is_whole_or_as_it_was(digits, drawn, tmp_path, monkeypatch):
    path = tmp_path / "a.png"
    path.write_bytes(b"older")

    def full(*_):
        raise OSError(28, "No space left on device")

    figure = figures.digits(digits.images[:1] / 255, in_unit_range=True)
    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="could not write the figure .*a.png: No space left"):
            figures.keep(figure, path)
    assert path.read_bytes() == b"older" and os.listdir(tmp_path) == ["a.png"]
    with pytest.raises(ValueError, match="ends in .text; a picture ends in one of"):
        figures.keep(figure, tmp_path / "a.text")
    figures.keep(figure, tmp_path / "bare")
    assert (tmp_path / "bare").read_bytes().startswith(b"\x89PNG")


def test_of_nothing_there_is_no_figure():
    for images, columns in ((np.zeros((0, 784)), 10), (np.zeros((2, 784)), 0)):
        with pytest.raises(ValueError, match="one or more of each expected"):
            figures.digits(images, in_unit_range=True, columns=columns)
