"""The page of the package: every public name stands on it, and the example of every function is run."""

import doctest
import gzip
import inspect
import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from conftest import ROOT

import bpc_minimal as bpc
from bpc_minimal.data import MNIST_FOLDER
from bpc_minimal.network import ACTIVATIONS

FUNCTIONS = [name for name in bpc.__all__ if inspect.isfunction(getattr(bpc, name))]
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
PAGE = (ROOT / "book" / "api.md").read_text("utf-8")
TAKEN = {"jax": jax, "jnp": jnp, "np": np, "bpc": bpc}  # for granted, as the page says


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Make the files that examples read: a set of torchvision's, here with MNIST's digits, and a run."""
    folder = tmp_path_factory.mktemp("examples")
    raw = folder / "data" / "FashionMNIST" / "raw"
    raw.mkdir(parents=True)
    for path in MNIST_FOLDER.glob("*.gz"):
        (raw / path.stem).write_bytes(gzip.decompress(path.read_bytes()))
    config = bpc.preset("fast", sizes=(10, 784), iterations=1)
    bpc.fit(config, on_epoch=lambda checkpoint: bpc.save(folder / "run.bpc", checkpoint))
    return folder


@pytest.fixture
def same_activations():
    kept = dict(ACTIVATIONS)
    yield
    ACTIVATIONS.clear()
    ACTIVATIONS.update(kept)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_an_example_gives_what_it_says(name, files, monkeypatch, same_activations):
    if name == "load_dataset":
        pytest.importorskip("torchvision")
    monkeypatch.chdir(files)
    text = inspect.getdoc(getattr(bpc, name))
    example = doctest.DocTestParser().get_doctest(text, dict(TAKEN), name, None, None)
    assert "\nExample:\n" in text and 1 <= len(example.examples) <= 3
    assert f"bpc.{name}(" in "".join(part.source for part in example.examples)
    said: list[str] = []
    runner = doctest.DocTestRunner(optionflags=FLAGS)
    runner.run(example, out=said.append)
    assert not runner.failures, "".join(said)


def test_the_page_names_what_is_public_and_nothing_twice():
    named = re.findall(r"^\.\. auto\w+:: ([\w.]+)", PAGE, re.MULTILINE)
    assert len(named) == len(set(named))
    assert {name.removeprefix("bpc_minimal.") for name in named if name.count(".") == 1} == set(
        bpc.__all__
    )


def test_a_type_with_a_name_is_that_of_the_source():
    types = re.findall(
        r"py:type:: (\w+)\n   :module: bpc_minimal\.(\w+)\n   :canonical: (.+)\n", PAGE
    )
    assert len(types) == PAGE.count("py:type::") > 3
    for name, module, written in types:
        source = (ROOT / "bpc_minimal" / f"{module}.py").read_text("utf-8")
        assert f"\n{name} = {written}\n" in source


def test_the_page_says_what_examples_take_for_granted():
    code = re.search(r"```python\n(.*?)```", PAGE, re.DOTALL)[1]
    names: dict[str, object] = {}
    exec(code, names)
    assert {name: names[name] for name in names if name != "__builtins__"} == TAKEN
