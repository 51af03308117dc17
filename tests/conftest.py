"""Small networks and small data that the laws are tested on, in float32 as in training."""

import contextlib
import ctypes
import gc
import os
import shutil
import subprocess
import sys
from pathlib import Path

if "JAX_COMPILATION_CACHE_DIR" not in os.environ:  # a test leaves nothing in its user's folders
    os.environ.setdefault("JAX_ENABLE_COMPILATION_CACHE", "false")

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from filelock import FileLock
from hypothesis import settings

from bpc_minimal import Data, load_mnist, make_network, one_hot

# The time of one example says how busy the machine is, and that compilation comes first.
settings.register_profile("no deadline", deadline=None)
settings.load_profile("no deadline")

SIZES = (10, 7, 6, 784)
ROOT = Path(__file__).resolve().parents[1]
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome") or shutil.which("chrome")


def pytest_xdist_auto_num_workers():
    """One more process than cores: some tests wait, for a browser or for another process."""
    return (os.cpu_count() or 1) + 1


def pytest_collection_modifyitems(items):
    """Try what uses Chromium once more where it fails: a busy machine loses a key, and never a fault.

    Each second try is counted in the last line of `make test`, and named above it.
    """
    for item in items:
        if "browser" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.flaky(reruns=1))


@pytest.fixture(scope="module", autouse=True)
def forgotten():
    """Let go of what a file compiled: kept, it is gigabytes at the end, in each process that tests."""
    yield
    jax.clear_caches()
    gc.collect()
    with contextlib.suppress(AttributeError, OSError, TypeError):  # where the C library is another
        ctypes.CDLL(None).malloc_trim(0)  # glibc keeps what was freed


@pytest.fixture(scope="session")
def digits():
    """The first 640 training images and the first 256 test images of MNIST."""
    images, labels = load_mnist("train")
    held_out_images, held_out_labels = load_mnist("test")
    return Data(images[:640], labels[:640], held_out_images[:256], held_out_labels[:256])


@pytest.fixture(scope="session")
def site(tmp_path_factory):
    """Render the book, with warnings as errors, once for all processes that test."""
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    out = shared / "site"
    with FileLock(shared / "site.lock"):
        if not out.exists():
            tool = Path(sys.executable).with_name("jupyter-book")
            command = [tool, "build", ".", "--all", "-W", "--keep-going", "--path-output", out]
            found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
            if found.returncode:
                out.rename(shared / "site-failed")
            assert found.returncode == 0, found.stdout[-3000:] + found.stderr[-3000:]
    return out / "_build" / "html"


@pytest.fixture(scope="session")
def browser():
    """Start Chromium, once a process: Playwright does not start twice in one."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="pip install playwright")
    with sync_api.sync_playwright() as playwright:
        options = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=options)
        new_context = browser.new_context

        def patient(**options):
            context = new_context(**options)
            context.set_default_timeout(600_000)  # a busy machine is not a fault
            return context

        browser.new_context = patient
        yield browser
        browser.close()


@pytest.fixture
def float64():
    """Float64 for one test; `jax.enable_x64` is `jax.experimental.enable_x64` in the oldest JAX."""
    if hasattr(jax, "enable_x64"):
        context = jax.enable_x64(True)
    else:
        from jax.experimental import enable_x64

        context = enable_x64()
    with context:
        yield


def random_activities(key, sizes=SIZES, batch=5):
    """Activities as training meets them: a one-hot label, hidden noise, pixels of unit scale."""
    keys = jax.random.split(jax.random.PRNGKey(key), len(sizes))
    hidden = [jax.random.normal(k, (batch, n)) for k, n in zip(keys[1:], sizes[1:], strict=True)]
    return [one_hot(jnp.arange(batch) % sizes[0], sizes[0]), *hidden]


def random_network(key=0, sizes=SIZES, activation="tanh", use_bias=True):
    """A network with weights large enough that every term of the energy counts."""
    network = make_network(jax.random.PRNGKey(key), sizes, activation, use_bias)
    return jax.tree.map(lambda w: 1.5 * w, network)


def wide(tree):
    """Turn all arrays into float64, where that is on: a law that rounding might hide."""
    return jax.tree.map(lambda x: x.astype(float), tree)


def assert_close(ours, theirs, tolerance=1e-5):
    """Compare two trees of arrays, relative to the largest number of each array."""
    for a, b in zip(jax.tree.leaves(ours), jax.tree.leaves(theirs), strict=True):
        scale = max(1.0, float(np.abs(np.asarray(b)).max()))
        np.testing.assert_allclose(a, b, atol=tolerance * scale, rtol=0)


def same_bits(ours, theirs):
    """Whether two trees of arrays agree to the last bit."""
    pairs = zip(jax.tree.leaves(ours), jax.tree.leaves(theirs), strict=True)
    return all(np.array_equal(np.asarray(a), np.asarray(b)) for a, b in pairs)
