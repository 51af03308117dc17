"""What a chapter prints of the benchmarks is there, in the package, as the benchmarks stored it."""

import json
from importlib import resources

import numpy as np
import pytest

from bpc_minimal import measured

PATH = resources.files("bpc_minimal.measured") / "bidirectional.json"


def test_a_number_a_seed_is_an_array_of_them():
    stored = json.loads(PATH.read_text("utf-8"))["results"]["models"]["BPC"]["reads"]
    found = measured.read("bidirectional")["models"]["BPC"]["reads"]
    assert found.tolist() == stored["each"]
    assert found.mean() == pytest.approx(stored["mean"], abs=1e-3)
    assert found.std(ddof=1) == pytest.approx(stored["sd"], abs=1e-3)


def test_five_models_have_five_seeds_each():
    models = measured.read("bidirectional")["models"]
    assert [*models] == ["genPC", "discPC", "HPC", "BPC", "control"]
    for model in models.values():
        for found in (model["reads"], model["draws"]):
            assert found.shape == (5,) and np.isfinite(found).all()


def test_what_is_measured_twice_is_the_same_of_five_seeds():
    found = measured.read("generating")
    assert found["steps"]["4"]["draws"].shape == (5,)
    assert (found["steps"]["4"]["draws"] == found["ages"]["900"]["draws"]).all()
    assert (found["steps"]["4"]["reads"] == found["ages"]["900"]["reads"]["300"]).all()


def test_three_ways_to_learn_have_five_seeds_each_from_every_number_of_examples():
    found = measured.read("hybrid")["few"]
    assert [*found] == ["20", "100", "500", "all"]
    for ways in found.values():
        for way in ("generative, 30 steps", "hybrid, 10 steps", "alone"):
            assert {len(each) for each in ways[way].values()} == {5}
            assert {"20", "4800"} <= {*ways[way]}


def test_what_chapters_print_says_how_it_was_measured():
    assert {"processor", "jax", "date", "commit"} <= {
        *json.loads(PATH.read_text("utf-8"))["machine"]
    }


def test_another_section_is_named():
    known = "bidirectional, generating, hybrid"
    with pytest.raises(ValueError, match=f"'speed' given, one of {known} expected"):
        measured.read("speed")
