"""Settings: the presets are the recipes they claim to be, and a wrong value is named."""

import json

import jax.numpy as jnp
import numpy as np
import pytest

from bpc_minimal import (
    BIDIRECTIONAL,
    DISCRIMINATIVE,
    GENERATIVE,
    HYBRID,
    PRESETS,
    ArgumentError,
    Config,
    Rule,
    preset,
)


def test_jpc_is_the_notebook_to_the_letter():
    jpc = preset("jpc")
    assert jpc.sizes == (10, 300, 300, 784) and jpc.activation == "relu" and not jpc.use_bias
    assert (jpc.step_size, jpc.step_rule, jpc.steps) == (0.5 / 64, "fixed", 2)
    assert jpc.rule == Rule(moves=(1, 1), teaches=(1, 1), start="label")
    assert (jpc.alpha_gen, jpc.alpha_disc) == (1.0, 1.0)
    assert (jpc.learning_rate, jpc.weight_decay, jpc.schedule) == (1e-3, 0.0, "constant")
    assert (jpc.batch_size, jpc.iterations, jpc.evaluate_every) == (64, 300, 100)
    assert (jpc.pixel_mean, jpc.pixel_std) == (0.1307, 0.3081)
    assert jpc.training_images is None and jpc.classify_steps == 0


def test_jpc_weighted_is_its_later_variant():
    weighted = preset("jpc-weighted")
    assert weighted.sizes == (10, 256, 784) and weighted.steps == 1
    assert weighted.rule == BIDIRECTIONAL and weighted.alpha_gen == 1e-3


def test_tutorial_weighs_the_outputs_as_its_notebook_does():
    """Its errors at the two outputs lack the 1/2 of the hidden ones, which twice the precision undoes."""
    tutorial = preset("tutorial")
    assert tutorial.sizes == (10, 256, 256, 784) and tutorial.use_bias
    assert tutorial.alpha_gen == (1e-4, 1e-4, 2e-4) and tutorial.alpha_disc == (2.0, 1.0, 1.0)
    assert (tutorial.step_size, tutorial.step_rule, tutorial.steps) == (0.01, "fixed", 20)
    assert (tutorial.learning_rate, tutorial.weight_decay) == (1e-2, 0.0)
    assert (tutorial.batch_size, tutorial.epochs, tutorial.training_images) == (500, 10, 10_000)
    assert (tutorial.pixel_mean, tutorial.pixel_std) == (0.0, 1.0)


def test_a_preset_may_be_given_another_name():
    assert preset("fast", name="mine") == preset("fast").replace(name="mine")


def test_a_run_is_as_long_as_its_settings_say():
    assert Config(iterations=7).total(1000) == 7
    assert Config(epochs=3, batch_size=64).total(130) == 3 * 2


@pytest.mark.parametrize(
    "config",
    [
        *PRESETS.values(),
        Config(epochs=2, alpha_gen=(1, 2.0, 0), rule=Rule((0.5, 1), (1, 0)), seed=7),
        Config(iterations=5, rule=HYBRID),
    ],
    ids=lambda config: config.name,
)
def test_settings_survive_json(config):
    assert Config.from_json(config.to_json()) == config
    assert hash(Config.from_json(config.to_json())) == hash(config)


def test_epochs_and_iterations_replace_each_other():
    assert preset("jpc", epochs=2).iterations is None
    assert preset("fast", iterations=2).epochs is None


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("sizes", (10,), "sizes=.*two or more"),
        ("sizes", 784, "sizes=784 given"),
        ("sizes", (10, 0, 784), "sizes=.*positive whole numbers"),
        ("activation", "sin", "unknown activation 'sin'; choose one of"),
        ("use_bias", 1, "use_bias=1 given, True or False"),
        ("rule", "hybrid", "rule='hybrid' given, a Rule"),
        ("alpha_gen", (1.0, 1.0), "alpha_gen of 2 numbers given, 3 expected"),
        ("alpha_gen", -1.0, "alpha_gen=.*numbers of 0 or more"),
        ("alpha_disc", float("nan"), "alpha_disc=.*numbers of 0 or more"),
        ("steps", -1, "steps=-1 given"),
        ("steps", True, "steps=True given"),
        ("step_size", 0.0, "step_size=0.0 given, a positive"),
        ("step_size", "long", "step_size='long' given, a positive"),
        ("step_size", float("inf"), "step_size=inf given, a positive"),
        ("step_rule", "adaptive", "unknown step_rule"),
        ("batch_size", 0, "batch_size=0 given, a positive whole number"),
        ("batch_size", None, "batch_size=None given"),
        ("epochs", 1.5, "epochs=1.5 given"),
        ("iterations", -3, "iterations=-3 given"),
        ("evaluate_every", 0, "evaluate_every=0 given"),
        ("classify_steps", -2, "classify_steps=-2 given"),
        ("classify_steps", 0.5, "classify_steps=0.5 given"),
        ("learning_rate", -1e-3, "learning_rate=-0.001 given"),
        ("learning_rate", 0, "learning_rate=0 given"),
        ("learning_rate", "fast", "learning_rate='fast' given"),
        ("schedule", "step", "unknown schedule 'step'; choose one of"),
        ("weight_decay", float("inf"), "weight_decay=inf given"),
        ("training_images", -5, "training_images=-5 given"),
        ("pixel_std", 0.0, "pixel_std=0.0 given"),
        ("pixel_mean", None, "pixel_mean=None given"),
        ("seed", -1, "seed=-1 given"),
        ("seed", 2**32, "seed=4294967296 given, a whole number"),
        ("stop_diverging", "no", "stop_diverging='no' given"),
        ("activation", ["relu"], r"unknown activation \['relu'\]"),
        ("sizes", 784, "sizes=784 given"),
        ("schedule", ["step"], r"unknown schedule \['step'\]"),
        ("alpha_gen", 1j, "alpha_gen=1j given"),
        ("alpha_gen", True, "alpha_gen=True given"),
        ("rule", "hybrid", "rule='hybrid' given, a Rule expected"),
        ("velocity", 1, "unknown setting velocity; settings are name, sizes"),
    ],
)
def test_a_wrong_setting_is_named(field, value, message):
    with pytest.raises(ValueError, match=message):
        preset("fast", **{field: value})


def test_no_word_is_guessed_that_is_spelt_otherwise():
    with pytest.raises(ValueError, match="unknown activation 'sine'") as error:
        preset("fast", activation="sine")
    assert "did you mean" not in str(error.value) and "add_activation" in str(error.value)


@pytest.mark.parametrize(
    "changes",
    [
        {"alpha_gen": 0, "alpha_disc": 0},
        {"alpha_gen": (0, 0, 0), "alpha_disc": 0.0},
        {"alpha_gen": 0, "rule": GENERATIVE},
        {"alpha_disc": 0, "rule": DISCRIMINATIVE},
        {"rule": Rule(teaches=(0, 0))},
    ],
    ids=str,
)
def test_settings_under_which_nothing_would_learn_are_refused(changes):
    with pytest.raises(ValueError, match="no error would teach a weight"):
        preset("fast", **changes)
    for alpha_gen, alpha_disc in ((0, 1), (1, 0), ((0, 0, 1e-4), 0)):
        preset("fast", alpha_gen=alpha_gen, alpha_disc=alpha_disc)


def test_a_rule_from_the_label_needs_a_step():
    with pytest.raises(ValueError, match="steps=0 given with a rule that starts from the label"):
        preset("jpc", steps=0)


def test_one_length_is_wanted():
    for lengths in ({}, {"epochs": 1, "iterations": 1}):
        with pytest.raises(ValueError, match="give one of the two"):
            Config(**lengths)


def test_unknown_preset_is_named_with_the_choices():
    with pytest.raises(ValueError, match="unknown preset 'beste'; choose one of jpc, jpc-weighted"):
        preset("beste")


@pytest.mark.parametrize("text", ["", "[1]", "{", '{"rule": {"speed": 1}}', '{"sped": 1}', "3"])
def test_settings_that_are_none_are_refused(text):
    with pytest.raises(ValueError, match="settings|setting|rule"):
        Config.from_json(text)


def test_absent_settings_take_their_defaults():
    assert Config.from_json(json.dumps({"iterations": 3})) == Config(iterations=3)


def test_settings_may_name_a_rule():
    assert Config.from_json('{"epochs": 1, "rule": "hybrid"}') == Config(epochs=1, rule=HYBRID)
    for wrong in ('"hybird"', "null", "5", '["hybrid"]', '{"move": [1, 0]}'):
        with pytest.raises(ArgumentError, match="rule=.* given, one of generative, .* expected"):
            Config.from_json(f'{{"epochs": 1, "rule": {wrong}}}')
    with pytest.raises(ArgumentError, match="unknown setting nope; settings are"):
        preset("fast", nope=1)


@pytest.mark.parametrize("array", [np.array, jnp.array, list])
def test_precisions_may_be_arrays_and_are_kept_as_numbers(array):
    config = Config(epochs=1, alpha_gen=array([1, 2, 3]), alpha_disc=np.float32(0.5))
    assert config.alpha_gen == (1.0, 2.0, 3.0) and config.alpha_disc == 0.5
    assert Config.from_json(config.to_json()) == config
    assert hash(config) == hash(Config.from_json(config.to_json()))


def test_a_config_gives_what_inference_needs():
    config = preset("best")
    options = config.inference()
    assert options.pop("rule") is BIDIRECTIONAL
    assert options == {
        "alpha_gen": config.alpha_gen,
        "alpha_disc": config.alpha_disc,
        "step_size": config.step_size,
        "step_rule": "curvature",
    }
