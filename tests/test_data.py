"""What must stay true of the digits: the right ones, offline, and never silently wrong."""

import gzip
import os
import re
import shutil
import struct
import subprocess
import sys
import threading
import urllib.request
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import bpc_minimal as bpc
from bpc_minimal import data

HISTOGRAMS = {
    "train": [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949],
    "test": [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009],
}


@pytest.fixture(scope="module")
def train():
    return bpc.load_mnist("train")


@pytest.fixture(scope="module")
def test():
    return bpc.load_mnist("test")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Give a copy of the package's files that a test may spoil."""
    copy = shutil.copytree(data.MNIST_FOLDER, tmp_path / "mnist")
    monkeypatch.setattr(data, "MNIST_FOLDER", copy)
    return copy


# load_mnist ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "split, count", [("train", 60_000), ("test", 10_000), ("fit", 55_000), ("validation", 5_000)]
)
def test_shapes_and_types(split, count):
    images, labels = bpc.load_mnist(split)
    assert images.shape == (count, 28, 28) and images.dtype == np.uint8
    assert labels.shape == (count,) and labels.dtype == np.uint8
    assert images.min() == 0 and images.max() == 255


@pytest.mark.parametrize("split", HISTOGRAMS)
def test_label_counts_are_mnists(split):
    assert np.bincount(bpc.load_mnist(split)[1]).tolist() == HISTOGRAMS[split]


def test_fit_and_validation_make_up_train(train):
    fit, validation = bpc.load_mnist("fit"), bpc.load_mnist("validation")
    for whole, head, tail in zip(train, fit, validation, strict=True):
        np.testing.assert_array_equal(np.concatenate([head, tail]), whole)


def test_mean_and_deviation_are_those_of_the_training_pixels(train):
    pixels = train[0] / np.float32(255)
    assert abs(pixels.mean(dtype=np.float64) - data.MEAN) < 1e-4
    assert abs(pixels.std(dtype=np.float64) - data.STD) < 1e-4


def test_arrays_may_be_written_to(test):
    images, labels = bpc.load_mnist("test")
    images[0], labels[0] = 0, 0
    assert bpc.load_mnist("test")[1][0] == test[1][0] == 7


def test_torchvision_reads_the_same_digits(tmp_path, train, test):
    pytest.importorskip("torchvision")
    raw = tmp_path / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for path in data.MNIST_FOLDER.glob("*.gz"):
        (raw / path.stem).write_bytes(gzip.decompress(path.read_bytes()))
    for split, expected in [("train", train), ("test", test)]:
        for found, array in zip(bpc.load_dataset("mnist", tmp_path, split), expected, strict=True):
            assert found.dtype == np.uint8
            np.testing.assert_array_equal(found, array)
    validation = bpc.load_dataset("mnist", tmp_path, "validation")
    np.testing.assert_array_equal(validation[0], train[0][55_000:])


def test_load_needs_no_torch_and_no_network():
    program = """
import socket, sys
def refuse(*args, **kwargs):
    raise AssertionError("a socket was opened")
socket.create_connection = socket.getaddrinfo = refuse
socket.socket = type("socket", (socket.socket,), {"__init__": refuse})
from bpc_minimal.data import load_mnist
assert load_mnist("test")[0].shape == (10_000, 28, 28)
assert not {name for name in sys.modules if name.split(".")[0] in ("torch", "torchvision")}
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=1200)


@pytest.mark.parametrize("split", ["dev", "", "Train", None, 3])
def test_unknown_split_names_the_choices(split):
    with pytest.raises(ValueError, match="train, test, fit, validation") as error:
        bpc.load_mnist(split)
    assert repr(split) in str(error.value)


def test_missing_file_is_named(folder):
    (folder / "t10k-labels-idx1-ubyte.gz").unlink()
    with pytest.raises(OSError, match=r"t10k-labels-idx1-ubyte\.gz is missing; install"):
        bpc.load_mnist("test")


@pytest.mark.parametrize("keep", [0, 5, 1000, -1])
def test_truncated_file_is_named(folder, keep):
    path = folder / "t10k-images-idx3-ubyte.gz"
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(OSError, match=r"t10k-images-idx3-ubyte\.gz .*install"):
        bpc.load_mnist("test")


@pytest.mark.parametrize("place", [0, 3000])
def test_corrupted_gzip_is_named(folder, place):
    path = folder / "t10k-images-idx3-ubyte.gz"
    content = bytearray(path.read_bytes())
    content[place] ^= 0xFF
    path.write_bytes(content)
    with pytest.raises(OSError, match=r"t10k-images-idx3-ubyte\.gz .*install"):
        bpc.load_mnist("test")


def test_a_single_changed_pixel_is_noticed(folder):
    path = folder / "t10k-images-idx3-ubyte.gz"
    content = bytearray(gzip.decompress(path.read_bytes()))
    content[-1] ^= 1
    path.write_bytes(gzip.compress(bytes(content), 1))
    with pytest.raises(OSError, match="SHA-256 0fa7898d.* expected, .* found; install"):
        bpc.load_mnist("test")


# load_dataset -------------------------------------------------------------------------------------


@pytest.fixture
def closed_proxy(monkeypatch):
    """Send every connection to a port that nobody listens on, whether or not there is a network."""
    for name in ("http_proxy", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
        monkeypatch.setenv(name.upper(), "http://127.0.0.1:9")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(urllib.request, "_opener", None)  # it keeps the proxies of its first use


@pytest.mark.parametrize("name", ["mnist", "fashion-mnist", "kmnist"])
def test_absent_files_say_how_to_get_them(tmp_path, name):
    pytest.importorskip("torchvision")
    with pytest.raises(OSError, match=f"no readable {name} files in .*download=True"):
        bpc.load_dataset(name, tmp_path)
    assert not os.listdir(tmp_path)


@pytest.mark.parametrize("name", ["mnist", "fashion-mnist", "kmnist"])
def test_failed_download_says_so(tmp_path, name, closed_proxy):
    pytest.importorskip("torchvision")
    with pytest.raises(OSError, match=f"no readable {name} files in .*the download failed"):
        bpc.load_dataset(name, tmp_path, download=True)


@pytest.mark.parametrize("name", ["mnist", "fashion-mnist", "kmnist"])
def test_downloads_ask_over_https_alone(tmp_path, name, closed_proxy):
    pytest.importorskip("torchvision")
    with pytest.raises(OSError) as error:
        bpc.load_dataset(name, tmp_path, download=True)
    tried = re.findall(r"Tried (\S+),", str(error.value))
    assert tried == [data.DATASETS[name][1]]
    assert tried[0].startswith("https://")


class Silent(SimpleHTTPRequestHandler):
    """A server of files that logs nothing."""

    def log_message(self, *_):
        pass


def test_a_download_is_checked_by_its_digest(tmp_path, monkeypatch):
    """What arrives from a server that answers with other files is refused by its MD5."""
    pytest.importorskip("torchvision")
    served = tmp_path / "served"
    served.mkdir()
    for stem in ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1"):
        (served / f"{stem}-ubyte.gz").write_bytes(gzip.compress(b"not the file"))
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Silent, directory=served))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}/"
    monkeypatch.setitem(data.DATASETS, "kmnist", ("KMNIST", address))
    for name in ("http_proxy", "HTTP_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(urllib.request, "_opener", None)
    try:
        with pytest.raises(OSError, match="File not found or corrupted"):
            bpc.load_dataset("kmnist", tmp_path, download=True)
    finally:
        server.shutdown()


def idx(array):
    head = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">u4").tobytes()
    return head + array.tobytes()


@pytest.mark.parametrize(
    "images, labels",
    [
        (np.zeros((4, 27, 28), np.uint8), np.zeros(4, np.uint8)),
        (np.zeros((4, 28, 28), np.uint8), np.zeros(3, np.uint8)),
        (np.zeros((4, 28, 28), np.uint8), np.full(4, 10, np.uint8)),
    ],
)
def test_files_of_another_shape_are_refused(tmp_path, images, labels):
    pytest.importorskip("torchvision")
    raw = tmp_path / "FashionMNIST" / "raw"
    raw.mkdir(parents=True)
    for prefix in ("train", "t10k"):
        (raw / f"{prefix}-images-idx3-ubyte").write_bytes(idx(images))
        (raw / f"{prefix}-labels-idx1-ubyte").write_bytes(idx(labels))
    with pytest.raises(OSError, match="uint8 .N, 28, 28. and N labels of 0 to 9 expected"):
        bpc.load_dataset("fashion-mnist", tmp_path)


def test_no_older_file_of_torchs_is_unpickled(tmp_path):
    torch = pytest.importorskip("torch")
    pytest.importorskip("torchvision")
    processed = tmp_path / "KMNIST" / "processed"
    processed.mkdir(parents=True)
    for name in ("training.pt", "test.pt"):
        torch.save((torch.zeros(1, 28, 28, dtype=torch.uint8), torch.zeros(1)), processed / name)
    with pytest.raises(OSError, match="no readable kmnist files"):
        bpc.load_dataset("kmnist", tmp_path)


def test_damaged_files_are_reported(tmp_path):
    pytest.importorskip("torchvision")
    raw = tmp_path / "FashionMNIST" / "raw"
    raw.mkdir(parents=True)
    for stem in ("images-idx3", "labels-idx1"):
        for prefix in ("train", "t10k"):
            (raw / f"{prefix}-{stem}-ubyte").write_bytes(b"not an IDX file at all")
    with pytest.raises(OSError, match="no readable fashion-mnist files"):
        bpc.load_dataset("fashion-mnist", tmp_path)


def test_files_too_short_for_a_split_are_an_error(tmp_path):
    pytest.importorskip("torchvision")
    raw = tmp_path / "FashionMNIST" / "raw"
    raw.mkdir(parents=True)
    for prefix in ("train", "t10k"):
        images = b"\0\0\x08\x03" + struct.pack(">3I", 5, 28, 28) + bytes(5 * 784)
        (raw / f"{prefix}-images-idx3-ubyte").write_bytes(images)
        (raw / f"{prefix}-labels-idx1-ubyte").write_bytes(b"\0\0\x08\x01\0\0\0\x05" + bytes(5))
    assert len(bpc.load_dataset("fashion-mnist", tmp_path)[0]) == 5
    with pytest.raises(
        ValueError, match="the 5 train images .* leave none for the split 'validation'"
    ):
        bpc.load_dataset("fashion-mnist", tmp_path, "validation")


def test_unknown_data_set_names_the_choices(tmp_path):
    with pytest.raises(ValueError, match="unknown data set 'cifar'.*mnist, fashion-mnist, kmnist"):
        bpc.load_dataset("cifar", tmp_path)
    with pytest.raises(ValueError, match="unknown split 'dev'"):
        bpc.load_dataset("mnist", tmp_path, "dev")


def test_missing_torchvision_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "torchvision", None)
    with pytest.raises(ImportError, match="pip install torchvision"):
        bpc.load_dataset("kmnist", tmp_path)


# normalise, denormalise, one_hot, class_means -----------------------------------------------------


def test_normalise_is_torchvisions_to_float(test):
    images = test[0][:64]
    expected = (images.reshape(64, 784) / 255 - 0.1307) / 0.3081
    pixels = bpc.normalise(images)
    assert pixels.shape == (64, 784) and pixels.dtype == jnp.float32
    np.testing.assert_allclose(pixels, expected, atol=1e-6)
    np.testing.assert_array_equal(pixels, bpc.normalise(images.reshape(64, 784)))


def test_normalise_works_inside_jit(test):
    images = jnp.asarray(test[0][:8])
    np.testing.assert_allclose(jax.jit(bpc.normalise)(images), bpc.normalise(images), atol=1e-6)


@given(mean=st.floats(-1, 2), std=st.floats(0.05, 10))
def test_denormalise_undoes_normalise(mean, std):
    images = np.resize(np.arange(256, dtype=np.uint8), (2, 784))
    pixels = bpc.denormalise(bpc.normalise(images, mean, std), mean, std)
    np.testing.assert_allclose(pixels, images / 255, atol=1e-5)


def test_denormalise_stays_between_0_and_1():
    pixels = bpc.denormalise(jnp.linspace(-100, 100, 784)[None])
    assert pixels.min() == 0 and pixels.max() == 1


@pytest.mark.parametrize(
    "images, message",
    [
        (np.full((2, 28, 28), 1.5), r"floats from 1.5 to 1.5 given, 0 to 1 expected"),
        (np.full((2, 784), -0.4, np.float32), r"from -0.4 to -0.4 given.*normalised already"),
        (np.full((2, 784), np.nan), "NaN or infinity"),
        (np.zeros((2, 784), np.int64), "int64 given, uint8 expected"),
        (np.zeros((28, 28), np.uint8), r"\(28, 28\) given.*pass image\[None\]"),
        (np.uint8(3), r"uint8 \(\) given"),
        ([[1, 2]], "int64 given, uint8 expected"),
        ("images", "an array of numbers expected"),
    ],
)
def test_normalise_refuses(images, message):
    with pytest.raises(ValueError, match=message):
        bpc.normalise(images)


def test_numbers_that_are_none_and_pixels_that_are_bytes_are_refused():
    images = np.zeros((2, 784), np.uint8)
    for mean in (np.nan, np.inf):
        with pytest.raises(ValueError, match=f"mean={mean} given, a finite number expected"):
            bpc.normalise(images, mean)
    for std in (np.nan, np.inf, -1.0):
        with pytest.raises(ValueError, match=f"std={std} given, a positive number expected"):
            bpc.normalise(images, std=std)
    with pytest.raises(ValueError, match=r"pixels uint8 \(2, 784\) given, floats expected"):
        bpc.denormalise(images)
    assert bpc.normalise(list(images)).shape == (2, 784)  # a list as NumPy reads it


def test_normalise_refuses_inside_jit_and_a_deviation_of_zero():
    with pytest.raises(ValueError, match="int32 given, uint8 expected"):
        jax.jit(bpc.normalise)(jnp.zeros((2, 784), jnp.int32))
    with pytest.raises(ValueError, match="std=0.0 given"):
        bpc.normalise(np.zeros((2, 784), np.uint8), std=0.0)


@given(labels=st.lists(st.integers(0, 9), max_size=20))
def test_one_hot_has_its_one_at_the_label(labels):
    labels = np.array(labels, np.uint8)
    rows = bpc.one_hot(labels)
    assert rows.shape == (len(labels), 10) and rows.dtype == jnp.float32
    np.testing.assert_array_equal(rows, np.eye(10)[labels])


def test_one_hot_works_inside_jit():
    labels = jnp.array([3, 0, 9], jnp.uint8)
    np.testing.assert_array_equal(jax.jit(bpc.one_hot)(labels), bpc.one_hot(labels))


@pytest.mark.parametrize(
    "labels, message",
    [
        (np.array([0, 10]), r"labels \[10\] given, 0 to 9 expected"),
        (np.array([-1, 3]), r"labels \[-1\] given"),
        (np.array([0.0, 1.0]), "float64 .* given, integers"),
        (np.array([True]), "bool .* given, integers"),
        (np.array([[1]]), r"\(1, 1\) given, integers of shape \(batch,\)"),
        (3, r"\(\) given, integers"),
    ],
)
def test_one_hot_refuses(labels, message):
    with pytest.raises(ValueError, match=message):
        bpc.one_hot(labels)


def test_one_hot_takes_another_number_of_classes():
    assert bpc.one_hot(np.array([11]), classes=12).shape == (1, 12)


def test_class_means_are_the_averages(train):
    images, labels = train
    means = bpc.class_means(images, labels)
    assert means.shape == (10, 784) and means.dtype == np.float32
    assert means.min() >= 0 and means.max() <= 1
    ink = np.array([images[labels == c].sum(dtype=np.int64) for c in range(10)]) / 255
    np.testing.assert_allclose(means.sum(axis=1) * np.bincount(labels), ink, rtol=1e-5)


@pytest.mark.filterwarnings("error")
def test_class_means_of_many_floats_are_not_rounded_again_and_again():
    images = np.full((400_000, 1), 0.1, np.float32)
    for form in (images, images.astype(np.float16), jax.numpy.asarray(images)):
        wanted = float(form[0, 0])
        found = bpc.class_means(form, np.zeros(len(images), int), 1)
        assert found.dtype == np.float32 and abs(found[0, 0] - wanted) < 1e-7


def test_class_means_refuse():
    images, labels = np.zeros((10, 28, 28), np.uint8), np.arange(10, dtype=np.uint8)
    with pytest.raises(ValueError, match="10 images and 9 labels given"):
        bpc.class_means(images, labels[:9])
    with pytest.raises(ValueError, match=r"no image of class \[9\] given"):
        bpc.class_means(images[:9], labels[:9])
    with pytest.raises(ValueError, match="int64 given, uint8"):
        bpc.class_means(images.astype(int), labels)
    with pytest.raises(ValueError, match=r"labels \[12\] given"):
        bpc.class_means(images, np.where(labels == 9, 12, labels))
