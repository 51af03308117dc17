"""A figure shows the numbers that it is given."""

import os

import matplotlib.pyplot as plt
import numpy as np
import pytest
from conftest import assert_close

from bpc_minimal import History, figures, normalise


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
    assert [axis.get_xlabel() for axis in figure.axes] == ["x", "y", "z", "", "", ""]
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
        assert len(axis.get_legend().get_texts()) == len(lines) + 1
    assert [axis.get_xscale() for axis in figure.axes] == ["log", "linear"]
    runs = np.random.default_rng(0).normal(size=(6, 4)) ** 2
    panels = {"A": {"many": runs, "one": runs[:1]}, "B": {"many": 2 * runs}}
    figure = figures.spread_curves(x, panels, "x", log_x=True, log_y=["B"])
    assert_close([line.get_ydata() for line in figure.axes[0].lines], [runs.mean(0), runs[0]])
    (band,) = figure.axes[0].collections  # of one run there is no spread
    heights = band.get_paths()[0].vertices[:, 1]
    spread = (runs.mean(0) + runs.std(0)).max(), (runs.mean(0) - runs.std(0)).min()
    assert_close([heights.max(), heights.min()], list(spread))
    assert [axis.get_yscale() for axis in figure.axes] == ["linear", "log"]


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
    assert words(axis) == ["3.5 ms", "2 ms"]


def test_drawn_settling_is_the_path_and_its_player_asks_nobody(drawn):
    guesses = [3.0, 2.0, 1.5]
    left, right = figures.settling(np.square, guesses).axes
    assert right.lines[-1].get_ydata().tolist() == guesses
    assert [*left.lines[-1].get_data()] == [[1.5], [1.5**2]]  # the ball, where it came to rest
    pages = [figures.settling_player(np.square, guesses, "A ball rolls.").data for _ in range(2)]
    assert pages[0] == pages[1]
    assert 'alt="A ball rolls."' in pages[0] and "<link" not in pages[0]
    assert "http" not in pages[0].replace("http://www.w3.org", "")


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
    figure = figures.springs({"start": (1.0, 1.0, 5.0), "end": (1.0, 3.0, 5.0)}, (1, 2), "m")
    for axis, guess in zip(figure.axes, (1.0, 3.0), strict=True):
        assert axis.lines[-1].get_xdata() == [guess]


def test_a_drawn_figure_is_shown_with_its_text_and_closed(monkeypatch):
    shown = []
    monkeypatch.setattr("IPython.display.display", lambda image, metadata: shown.append(metadata))
    figures.show(figures.bars({"a": 1.0}, "ms"), "One bar.")
    assert shown == [{"image/png": {"alt": "One bar."}}]
    assert not plt.get_fignums()


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
