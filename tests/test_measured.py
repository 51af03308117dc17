"""What a chapter prints of the benchmarks is there, in the package, as the benchmarks stored it."""

import json
from importlib import resources

import numpy as np
import pytest

import bpc_minimal as bpc
from bpc_minimal import measured

FOLDER = resources.files("bpc_minimal.measured")
PATH = FOLDER / "bidirectional.json"


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


def test_steps_of_settling_have_five_seeds_each_in_both_ways():
    found = measured.read("settling")
    for way in ("in turn", "all at once"):
        assert [*found[way]] == ["0", "1", "2", "4", "8"]
        for runs in found[way].values():
            assert runs["reads"].shape == runs["draws"].shape == (5,)
    same = [found[way]["0"]["reads"].tolist() for way in ("in turn", "all at once")]
    assert same[0] == same[1]  # nothing moves, whichever way


def test_every_preset_and_both_rivals_are_compared():
    found, best = measured.read("presets"), measured.read("best")
    rivals = {"backprop, a classifier", "backprop, a classifier and a decoder"}
    assert {*bpc.PRESETS} | rivals <= {*found}
    for name, runs in found.items():
        reads = best if name == "best" else runs
        assert (reads["accuracy"] <= 100).all() and len(reads["accuracy"]) == (
            3 if name == "best" else 5
        )
        assert ("rmse" in reads) == (name != "backprop, a classifier")
        assert len(runs["ms"]) == 3 and (runs["ms"] > 0).all()
    assert found["fast"]["iterations"] == 3 * (60_000 // 128)
    assert found["tutorial"]["iterations"] == 10 * (10_000 // 500)


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.json")), ids=lambda path: path.stem)
def test_what_chapters_print_says_how_it_was_measured(path):
    assert {"processor", "cores", "jax", "date"} <= {
        *json.loads(path.read_text("utf-8"))["machine"]
    }


def test_another_section_is_named():
    known = ", ".join(sorted(path.name.removesuffix(".json") for path in FOLDER.glob("*.json")))
    with pytest.raises(ValueError, match=f"'slow' given, one of {known} expected"):
        measured.read("slow")
