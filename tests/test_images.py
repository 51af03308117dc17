"""A digit of one's own: wherever it lies in a picture, and whatever its size, it is read as MNIST's are."""

import io
import json

import numpy as np
import pytest
from PIL import Image

from bpc_minimal import Config, Data, classify, fit, load_mnist, mnist, normalise, pretrained, save
from bpc_minimal.__main__ import main
from bpc_minimal.images import FAR, like_mnist, off_centre, read_pictures

DIGITS = load_mnist("test")[0][:100]


def drawn(digit, k, scale, shape=(280, 280)):
    """Draw a digit so many times as large on a dark ground, somewhere that depends on `k`."""
    side = 28 * scale
    large = np.asarray(Image.fromarray(digit).resize((side, side), Image.Resampling.BICUBIC))
    top, left = np.random.default_rng(k).integers(0, np.array(shape) - side + 1)
    ground = np.zeros(shape, np.uint8)
    ground[top : top + side, left : left + side] = large
    return ground


def photo(digit, k):
    """Take a photo of it: grey paper that is darker at one side, grain, dark ink, no square."""
    ink = drawn(digit, k, 10, (300, 500)) / 255
    y, x = np.mgrid[0:300, 0:500]
    paper = 210 - 0.15 * x - 0.05 * y + np.random.default_rng(k).normal(0, 5, ink.shape)
    return np.clip(paper * (1 - ink) + 60 * ink, 0, 255).astype(np.uint8)


WAYS = {
    "as it is": lambda digit, k: digit,
    "ten times as large": lambda digit, k: drawn(digit, k, 10),
    "aside": lambda digit, k: drawn(digit, k, 5),
    "aside, dark on bright": lambda digit, k: 255 - drawn(digit, k, 5),
    "small, dark on bright": lambda digit, k: 255 - drawn(digit, k, 3),
    "not in a square": lambda digit, k: 255 - drawn(digit, k, 5, (150, 700)),
    "in floats": lambda digit, k: 1 - drawn(digit, k, 5) / 255,
    "a photo": photo,
}


@pytest.fixture(scope="module")
def network():
    return pretrained()[0]


@pytest.fixture(scope="module")
def answers(network):
    return np.asarray(classify(network, normalise(DIGITS)))


@pytest.mark.parametrize("way", WAYS)
def test_a_digit_in_a_picture_is_read_as_the_one_of_mnist(way, network, answers):
    made = np.stack([like_mnist(WAYS[way](digit, k)) for k, digit in enumerate(DIGITS)])
    assert made.dtype == np.uint8 and made.shape == DIGITS.shape
    assert np.mean(np.asarray(classify(network, normalise(made))) == answers) >= 0.95


def test_what_is_made_lies_as_in_mnist():
    for k, digit in enumerate(DIGITS[:20]):
        made = like_mnist(255 - drawn(digit, k, 4))
        rows, columns = (np.flatnonzero(made.any(axis)) for axis in (1, 0))
        assert max(np.ptp(rows), np.ptp(columns)) + 1 in (19, 20)
        y, x = (made.sum(axis) @ np.arange(0.5, 28) / made.sum() for axis in (1, 0))
        assert abs(y - 14) <= 1 and abs(x - 14) <= 1


@pytest.mark.parametrize(
    ("picture", "words"),
    [
        (np.full((280, 280), 255, np.uint8), "no ink in it"),
        (np.zeros((28, 28)), "no ink in it"),
        (np.random.default_rng(0).normal(200, 3, (99, 99)), "no ink in it"),
        (np.zeros((28, 28, 3), np.uint8), "one picture (height, width) expected"),
        (np.zeros((2, 28)), "one picture (height, width) expected"),
        (np.full((28, 28), np.nan), "finite"),
    ],
)
def test_a_picture_without_a_digit_is_refused(picture, words):
    with pytest.raises(ValueError) as refused:
        like_mnist(picture)
    assert words in str(refused.value)


def kept(picture, path, **options):
    picture.save(path, **options)
    return path


def test_pictures_are_read_as_a_person_sees_them(network, answers, tmp_path):
    """A JPEG, a palette, 16 bits, a transparent ground under dark or bright ink, a camera held upright."""
    ink = [drawn(digit, k, 6) for k, digit in enumerate(DIGITS[:20])]
    upright = Image.Exif()
    upright[0x0112] = 6  # turn it to the right to see it

    def transparent(x, grey):
        flat = np.full_like(x, grey)
        return Image.fromarray(np.stack([flat, flat, flat, x], -1), "RGBA")

    ways = {
        "a.jpg": lambda x, path: kept(Image.fromarray(255 - x), path),
        "b.png": lambda x, path: kept(Image.fromarray(255 - x).convert("P"), path),
        "c.png": lambda x, path: kept(Image.fromarray(x.astype(np.uint16) * 257), path),
        "d.png": lambda x, path: kept(transparent(x, 0), path),
        "e.png": lambda x, path: kept(transparent(x, 255), path),
        "f.jpg": lambda x, path: kept(Image.fromarray(np.rot90(255 - x)), path, exif=upright),
    }
    for name, keep in ways.items():
        paths = [keep(x, tmp_path / f"{k}{name}") for k, x in enumerate(ink)]
        found = np.asarray(classify(network, normalise(read_pictures(paths))))
        assert np.mean(found == answers[:20]) >= 0.95, name


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    """A run on MNIST, of moments."""
    path = tmp_path_factory.mktemp("trained") / "checkpoint.bpc"
    config = Config(sizes=(10, 60, 784), iterations=200, batch_size=64, steps=1, step_size=1.0)
    fit(config, mnist("test"), on_epoch=lambda c: save(path, c))
    return str(path)


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MPLBACKEND", "agg")


def said(capsys, *words):
    code = main([*map(str, words)])
    out, error = capsys.readouterr()
    assert "Traceback" not in error and error.count("\n") <= 1
    return code, out, error


def test_pictures_stand_on_the_command_line(checkpoint, capsys):
    for k, digit in enumerate(DIGITS[:3]):
        Image.fromarray(255 - drawn(digit, k, 5)).save(f"{k}.png")
    expected = read_pictures(["0.png", "1.png", "2.png"])
    np.save("made.npy", expected)
    _, out, _ = said(capsys, "classify", checkpoint, "--images", "made.npy", "--json")
    wanted = json.loads(out)["labels"]
    names = ["0.png", "1.png", "2.png"]
    code, out, error = said(capsys, "classify", checkpoint, "--images", *names, "--json")
    assert (code, json.loads(out)["labels"], error) == (0, wanted, "")
    code, out, error = said(capsys, "classify", checkpoint, "--images", *names)
    lines = out.splitlines()
    assert lines[-3:] == [f"{k}.png: {digit}" for k, digit in enumerate(wanted)] and error == ""
    assert any("█" in line for line in lines[:-3])  # what the network saw
    code, out, error = said(
        capsys, "complete", checkpoint, "--images", *names, "--steps", 2, "--json"
    )
    assert code == 0 and error == ""


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("--images blank.png", "blank.png: no ink in it"),
        ("--images torn.png", "torn.png: "),
        ("--images dot.png", "dot.png: uint8 (1, 1) given"),
        ("--images made.npy digit.png", "made.npy is no picture that is read here"),
        ("--images digit.png nowhere.png", "could not read nowhere.png"),
        ("--images digit.png --invert", "--invert is for a .npy file"),
        ("--images photo.heic", "save it as PNG or JPEG"),
        ("--images bomb.png", "bomb.png: it cannot be read as a picture"),
    ],
)
def test_pictures_that_cannot_be_read_are_named(words, says, checkpoint, capsys):
    Image.new("L", (100, 100), 255).save("blank.png")
    Image.new("L", (1, 1)).save("dot.png")
    Image.fromarray(255 - drawn(DIGITS[0], 0, 5)).save("digit.png")
    whole = io.BytesIO()
    Image.fromarray(255 - drawn(DIGITS[0], 0, 5)).save(whole, "PNG")
    with open("torn.png", "wb") as file:
        file.write(whole.getvalue()[:400])
    with open("photo.heic", "wb") as file:
        file.write(b"\0\0\0\x18ftypheic" + bytes(50))
    Image.new("1", (14_000, 14_000)).save("bomb.png")
    np.save("made.npy", DIGITS[:1])
    code, out, error = said(capsys, "classify", checkpoint, *words.split())
    assert code == 1 and out == "" and error.startswith("error: ") and says in error, error


def test_pictures_are_no_images_of_another_network(capsys):
    rng = np.random.default_rng(0)
    images, labels = rng.integers(0, 255, (40, 6, 6), np.uint8), np.arange(40) % 4
    data = Data(images, labels, images, labels)
    fit(
        Config(sizes=(4, 5, 36), iterations=1, batch_size=4), data,
        on_epoch=lambda c: save("six.bpc", c),
    )  # fmt: skip
    Image.fromarray(drawn(DIGITS[0], 0, 5)).save("digit.png")
    code, _, error = said(capsys, "classify", "six.bpc", "--images", "digit.png")
    assert code == 1 and "pictures are made like MNIST's digits, of 784 pixels" in error


def test_no_image_of_mnist_is_called_odd():
    for split in ("train", "test"):
        assert off_centre(load_mnist(split)[0]) is None


def test_arrays_of_digits_that_lie_aside_or_are_small_are_warned_of(checkpoint, capsys):
    for words, images in {
        "image far off the middle": np.roll(DIGITS[:1], 4, 2),
        "2 of 3 images far off the middle": np.concatenate(
            [DIGITS[:1], np.roll(DIGITS[:2], (-3, 3), (1, 2))]
        ),
        "2 of 2 images far smaller, as no digit of MNIST is": np.pad(
            DIGITS[:2, ::2, ::2], ((0, 0), (7, 7), (7, 7))
        ),
    }.items():
        np.save("x.npy", images)
        code, out, error = said(capsys, "classify", checkpoint, "--images", "x.npy")
        assert code == 0 and out and error.startswith("warning: x.npy: ") and words in error
        made = np.stack([like_mnist(image) for image in images])  # which the words advise
        assert off_centre(made) is None
    assert off_centre(np.roll(DIGITS, int(FAR) - 2, 1)) is None
