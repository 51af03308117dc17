"""What a chapter builds and what the package holds stay the same.

Every function and class that a chapter defines stands in CHAPTERS: with the law that holds it against the
package, or among those that the package does not have. A definition in neither fails, and so does an entry
that no chapter has any more.
"""

import ast
import functools
from pathlib import Path

import jax
import jax.numpy as jnp
import nbformat
import numpy as np
import optax
import pytest
from conftest import assert_close, random_activities, random_network
from IPython.core.inputtransformer2 import TransformerManager

import bpc_minimal as bpc

BOOK = Path(__file__).resolve().parents[1] / "book"
SIZES = (10, 7, 6, 784)
ENDS = [True, False, False, True]


# -- chapter 1: plain lists of (V, b), only the generative direction ----------------------------------------


def as_generator(network):
    return [(layer.weight, layer.bias) for layer in network.generator]


def in_chapter_1():
    network, z = random_network(0, SIZES, "tanh"), random_activities(1)
    return network, as_generator(network), z, (0.3, 2.0, 0.7)


def predicts(chapter):
    network, generator, z, _ = in_chapter_1()
    for l in range(network.depth):
        assert_close(chapter["predict"](generator, l, z[l], jnp.tanh), network.f(l, z[l]))


def generative_energy(chapter):
    network, generator, z, alpha_gen = in_chapter_1()
    ours = chapter["generative_energy"](generator, z, alpha_gen, jnp.tanh)
    assert_close(ours, bpc.energy(network, z, alpha_gen, alpha_disc=0.0))


def settle_chain(chapter):
    network, generator, z, alpha_gen = in_chapter_1()
    states = chapter["settle_chain"](generator, z, alpha_gen, jnp.tanh, 0.01, 5)
    options = {"alpha_gen": alpha_gen, "step_rule": "fixed"}
    assert_close(states[-1], bpc.infer(network, z, ENDS, bpc.GENERATIVE, 5, 0.01, **options))


def sweep_chain(chapter):
    network, generator, z, _ = in_chapter_1()
    assert_close(chapter["sweep_chain"](generator, z[0], jnp.tanh), bpc.sweep_down(network, z[0]))


def local_gradient(chapter):
    network, generator, z, alpha_gen = in_chapter_1()
    theirs = bpc.weight_gradient(network, z, bpc.GENERATIVE, alpha_gen)
    ours = chapter["local_gradient"](generator, z, alpha_gen, jnp.tanh)
    assert_close(ours, [layer.weight for layer in theirs.generator])


# -- chapter 2: a list of matrices, ReLU, precision 1 -------------------------------------------------------


def in_chapter_2():
    network = random_network(0, SIZES, "relu", use_bias=False)
    return network, [layer.weight for layer in network.generator], random_activities(1)


def chapter_2(name, law):
    """Make a law of a chapter's function: the same as the package's on that list of matrices."""

    def check(chapter):
        network, generator, z = in_chapter_2()
        assert_close(chapter[name](generator, *law[0](z)), law[1](network, z))

    return check


IN_CHAPTER_2 = {
    "sweep_down": (lambda z: (z[0],), lambda network, z: bpc.sweep_down(network, z[0])),
    "generative_errors": (lambda z: (z,), lambda network, z: bpc.errors(network, z)[0]),
    "generative_energy": (
        lambda z: (z,),
        lambda network, z: bpc.energy(network, z, alpha_disc=0.0),
    ),
    "activity_gradient": (
        lambda z: (z,),
        lambda network, z: bpc.activity_gradient(network, z, alpha_disc=0.0),
    ),
    "weight_gradient": (
        lambda z: (z,),
        lambda network, z: [
            layer.weight for layer in bpc.weight_gradient(network, z, bpc.GENERATIVE).generator
        ],
    ),
}


def predicts_in_chapter_2(chapter):
    network, generator, z = in_chapter_2()
    for l in range(network.depth):
        assert_close(chapter["predict"](generator, l, z[l]), network.f(l, z[l]))


def settles_in_chapter_2(chapter):
    network, generator, z = in_chapter_2()
    ours = chapter["settle"](generator, z, 0.01, 5)[-1]
    assert_close(ours, bpc.infer(network, z, ENDS, bpc.GENERATIVE, 5, 0.01, step_rule="fixed"))


# -- chapter 3: the amortiser as a list of matrices ---------------------------------------------------------


def in_chapter_3():
    network, _, z = in_chapter_2()
    amortiser = [layer.weight for layer in network.amortiser]
    return network, amortiser, z, bpc.sweep_up(network, random_activities(2)[-1])


def guesses(chapter):
    network, amortiser, z, _ = in_chapter_3()
    for l in range(network.depth):
        assert_close(chapter["guess"](amortiser, l, z[l + 1]), network.g(l, z[l + 1]))


def sweep_up(chapter):
    network, amortiser, z, _ = in_chapter_3()
    assert_close(chapter["sweep_up"](amortiser, z[-1]), bpc.sweep_up(network, z[-1]))


def amortiser_errors(chapter):
    network, amortiser, z, swept = in_chapter_3()
    ours = chapter["amortiser_errors"](amortiser, z, swept)
    assert_close(ours, bpc.errors(network, z, swept)[1][: network.depth])


def amortiser_gradient(chapter):
    network, amortiser, z, swept = in_chapter_3()
    theirs = bpc.weight_gradient(network, z, bpc.HYBRID, amortiser_inputs=swept)
    ours = chapter["amortiser_gradient"](amortiser, z, swept)
    assert_close(ours, [layer.weight for layer in theirs.amortiser])


def hybrid_train_step(chapter):
    for rule in (bpc.GENERATIVE, bpc.HYBRID):
        config = bpc.Config(
            rule=rule, sizes=chapter["SIZES"], iterations=300, alpha_gen=1.0, steps=4, step_size=1.0,
            use_bias=False, schedule="constant", weight_decay=0.0, learning_rate=1e-3,
        )  # fmt: skip
        state = bpc.make_state(config, 300)
        start = (state.network, chapter["optimiser"].init(state.network))
        images, labels = (np.asarray(chapter[name][:64]) for name in ("images", "labels"))
        ours, _ = chapter["train_step"](start, bpc.normalise(images), bpc.one_hot(labels), rule)
        theirs, _ = bpc.train_step(state, images, labels, config, 300)
        same_after_adam(ours, theirs.network)


# -- chapter 4: both directions, on the package's Network ---------------------------------------------------


def in_chapter_4():
    network = random_network(0, SIZES, "relu", use_bias=False)
    return network, random_activities(1), bpc.sweep_up(network, random_activities(1)[-1])


RULES = ("GENERATIVE", "DISCRIMINATIVE", "HYBRID", "BIDIRECTIONAL")


def errors(chapter):
    network, z, swept = in_chapter_4()
    assert_close(chapter["errors"](network, z), bpc.errors(network, z))
    assert_close(chapter["errors"](network, z, swept), bpc.errors(network, z, swept))


def energy(chapter):
    network, z, swept = in_chapter_4()
    ours, theirs = (f(network, z, 0.3, 2.0, swept) for f in (chapter["energy"], bpc.energy))
    assert_close(ours, theirs)


def activity_gradient(chapter):
    network, z, _ = in_chapter_4()
    ours = chapter["activity_gradient"](network, z, 0.3, 2.0)
    assert_close(ours, bpc.activity_gradient(network, z, 0.3, 2.0))


def rule(chapter):
    for name in RULES:
        ours, theirs = chapter[name], getattr(bpc, name)
        for field in ("moves", "teaches", "start", "amortiser_inputs"):
            assert getattr(ours, field) == getattr(theirs, field), f"{name}.{field}"
    ours, theirs = chapter["Rule"](), bpc.Rule()
    assert tuple(ours) == (theirs.moves, theirs.teaches, theirs.start, theirs.amortiser_inputs)


def infer(chapter):
    network, z, _ = in_chapter_4()
    for name in RULES:
        options = {"alpha_gen": 0.3, "alpha_disc": 2.0}
        ours = chapter["infer"](network, z, ENDS, chapter[name], 5, 0.01, **options)
        theirs = bpc.infer(
            network, z, ENDS, getattr(bpc, name), 5, 0.01, step_rule="fixed", **options
        )
        assert_close(ours, theirs)


def weight_gradient(chapter):
    network, z, swept = in_chapter_4()
    for name in RULES:
        dV, dW = chapter["weight_gradient"](network, z, chapter[name], 0.3, 2.0, swept)
        theirs = bpc.weight_gradient(network, z, getattr(bpc, name), 0.3, 2.0, swept)
        assert_close(dV, [layer.weight for layer in theirs.generator])
        assert_close(dW, [layer.weight for layer in theirs.amortiser])


# -- chapter 5: an iteration of the jpc preset --------------------------------------------------------------


def train_step(chapter):
    config = chapter["jpc"]
    state = bpc.make_state(config, 300)
    images, labels = (part[:64] for part in bpc.load_mnist())
    labels = labels.astype(np.int32)
    image, label = bpc.normalise(images), bpc.one_hot(labels)
    start = optax.adam(config.learning_rate).init(state.network)
    ours, _ = chapter["train_step"](state.network, start, image, label)
    theirs, _ = bpc.train_step(state, images, labels, config, 300)
    same_after_adam(ours, theirs.network)


def same_after_adam(ours, theirs):
    moved = jax.tree.map(lambda a, b: jnp.abs(a - b), ours, theirs)
    # Adam's first step is a gradient's sign, even where that is rounding: so few may differ.
    assert max(float((m > 1e-5).mean()) for m in jax.tree.leaves(moved)) < 0.01


# -- chapter 10: the same iteration, written to be fast -----------------------------------------------------


def in_chapter_10(chapter):
    config, (images, labels) = chapter["jpc"], (part[:64] for part in bpc.load_mnist())
    state = bpc.make_state(config, 300)
    image, label = bpc.normalise(images), bpc.one_hot(labels.astype(np.int32))
    return config, state, (images, labels.astype(np.int32)), (image, label)


def fast_settle(chapter):
    config, state, _, (image, label) = in_chapter_10(chapter)
    z = [*bpc.sweep_down(state.network, label)[:-1], image]
    given = {"steps": 1, "step_size": config.step_size, "step_rule": "fixed"}
    assert_close(chapter["settle"](state.network, z), bpc.infer(state.network, z, ENDS, **given))


def losses(chapter):
    config, state, raw, (image, label) = in_chapter_10(chapter)
    _, theirs = bpc.train_step(state, *raw, config, 300)
    ours = chapter["losses"](state.network, image, label)
    assert_close(list(ours), [theirs["gen_loss"], theirs["amort_loss"]])


def fast_iterate(name):
    def check(chapter):
        config, state, raw, (image, label) = in_chapter_10(chapter)
        theirs, _ = bpc.train_step(state, *raw, config, 300)
        start = state.network, chapter["optimiser"].init(state.network)
        (ours, _), _ = chapter[name](start, image, label)
        same_after_adam(ours, theirs.network)

    return check


CHAPTERS = {
    "01_energy": {
        "predict": predicts,
        "generative_energy": generative_energy,
        "settle_chain": settle_chain,
        "sweep_chain": sweep_chain,
        "local_gradient": local_gradient,
    },
    "02_generating": {
        **{name: chapter_2(name, law) for name, law in IN_CHAPTER_2.items()},
        "act": predicts_in_chapter_2,
        "predict": predicts_in_chapter_2,
        "act_slope": chapter_2("activity_gradient", IN_CHAPTER_2["activity_gradient"]),
        "settle": settles_in_chapter_2,
    },
    "03_hybrid": {
        "act": guesses,
        "guess": guesses,
        "sweep_up": sweep_up,
        "amortiser_errors": amortiser_errors,
        "amortiser_gradient": amortiser_gradient,
        "train_step": hybrid_train_step,
    },
    "04_bidirectional": {
        "errors": errors,
        "energy": energy,
        "activity_gradient": activity_gradient,
        "local_rules": weight_gradient,
        "Rule": rule,
        "infer": infer,
        "weight_gradient": weight_gradient,
    },
    "05_training_loop": {"settle": train_step, "learn": train_step, "train_step": train_step},
    "10_fast": {
        "settle": fast_settle,
        "losses": losses,
        "learn": fast_iterate("iterate"),
        "adam": fast_iterate("iterate"),
        **{name: fast_iterate(name) for name in ("iterate", "iterate_rolled")},
    },
}

# What the package does not have: one neuron, plots' data, measurements, other ways to do the same.
OWN = {
    "01_energy": """
        bowl gaussian joint guess_energy guess_slope settle_guess storm_energy storm_slope posterior_mean
        loudness heard_energy energy_in_seconds learn_step scatter draw_readings learn_weights least_squares
        energy_of settle_storm settled_slope draw_storms settled_energy total_least_squares circuit_step
        run_circuit linear solve_chain draw_generator draw_problem stack settle_deep moved carried_back
        output_loss compare settled_sweep both_steps learn_chain slope_left same
        largest_error""",
    "02_generating": """
        largest_difference draw_activities norms energy_by_layer explain train_step iterate train_300 train
        begin pick miss draw rmse start_from sample read watch accuracy read_twice all_errors
        curvature energy_at curvatures_of_eight steepest_over_flattest in_own_steps energy_of with_one
        ends_of resized rest_energy way_gone""",
    "03_hybrid": """
        loss draw train_fifty train_five after start_from watch accuracy read guess_and_gap loss_alone
        label_at_rest step_alone read_few first_fifty steps_above steps_to_rest with_one read_linearly""",
    "04_bidirectional": """
        watch right act_slope farthest mean_energy read_hidden expected settled_by pasted paired against_share
        lead better_answer with_error by_labels near wait
        spread settled_pair settled_hidden last_gradient last_update hidden_layers""",
    "05_training_loop": """
        keep reads gradient_of label_error cosine by_backprop
        three_times python_loop one_call_each compiled_scan scan package run operations
        package_step distance note bend""",
    "06_landscapes": """
        start learn settled once energies pair_energy flatness over case pulls at_rest curvature rolled""",
    "07_what_is_missing": """
        draw_masks seen_energy bidirectional backprop autoencoder learn watch percent swept settled expected
        by_gaussian nearest at_precisions imagine generative
        far""",
    "08_two_tasks": """
        both weighed_energy lengths settle of_rule pc_gradient backprop_gradient learn trained label_settled
        percent reads image_settled draws over_seeds show_stored floors interval products traced""",
    "09_without_labels": """
        top_energy settle show named learn top_of probe chosen_ridge percent rmse by_backprop redrawing alone
        reads naming sample judged width cloud distance settled_with ends""",
    "10_fast": """
        once compare milliseconds package_loop from_python flops as_first_written needed counts operations
        package_operations moved_bytes multiply timed_product repeated pass_over is_large transform prepare
        look_up half_mse python_loop one_call_each scan gap compiled_step compiling share_that_pays pod
        threshold split not_compiled""",
    "11_when_it_goes_wrong": """
        Run percent reads one_cycle optimiser from_settled iterations learn settle honest starts_from_label
        clamps_label drawing_error learn_all tell changed follows one_answer_a_label as_they_came own_sweep
        hidden_apart last_eighth falls_to generative_slope terms lost_minus rises growth slope_error
        label_uphill averaged left lost_in_batch from_sweep weight_error relative
        over_curvature share_of_e constant answers way last_way still_changes reads_all Parts check_up examine
        shown from_below""",
    "12_open_ends": """
        Way batches make_optimiser settle squares left keep_lengths learn drawn size turn turned turn_both
        end_of reads rmse draws settle_deep layers_of backprop_slopes by_layer learn_deep ways_of show_ways
        fading_of plain shares reached""",
}

# Names that the definitions above use, and that a chapter assigns.
USED = {
    "03_hybrid": set("SIZES L data images labels optimiser TRAINING ENOUGH".split()),
    "04_bidirectional": set(RULES),
    "05_training_loop": {"jpc", "optimiser"},
    "10_fast": {"jpc", "optimiser"},
}
CHECKED = sorted(BOOK.glob("[0-9]*.ipynb"))


def statements(path):
    """Give the chapter's statements, those of solutions left out."""
    for cell in nbformat.read(path, as_version=4).cells:
        tags = cell.metadata.get("tags", [])
        if cell.cell_type == "code" and not {"solution", "nbval-skip"} & set(tags):
            yield from ast.parse(TransformerManager().transform_cell(cell.source)).body


def is_definition(statement):
    return isinstance(statement, ast.FunctionDef | ast.ClassDef)


@functools.cache
def built(path):
    """Execute what a chapter imports and defines, and what `USED` names; nothing else of it."""
    kept, used = [], USED.get(path.stem, set())
    for statement in statements(path):
        targets = statement.targets if isinstance(statement, ast.Assign) else []
        names = {n.id for target in targets for n in ast.walk(target) if isinstance(n, ast.Name)}
        if (
            is_definition(statement)
            or isinstance(statement, ast.Import | ast.ImportFrom)
            or names & used
        ):
            kept.append(statement)
    space = {"__name__": path.stem}
    exec(compile(ast.Module(kept, []), path.name, "exec"), space)
    return space


@pytest.mark.parametrize("path", CHECKED, ids=lambda path: path.stem)
def test_every_definition_is_accounted_for(path):
    defined = {statement.name for statement in statements(path) if is_definition(statement)}
    compared, own = set(CHAPTERS.get(path.stem, {})), set(OWN.get(path.stem, "").split())
    assert not compared & own
    assert defined == compared | own, "bring CHAPTERS and OWN of this file up to date"


@pytest.mark.parametrize(
    ("path", "name"),
    [(path, name) for path in CHECKED for name in CHAPTERS.get(path.stem, {})],
    ids=lambda part: getattr(part, "stem", part),
)
def test_chapter_and_package_agree(path, name):
    CHAPTERS[path.stem][name](built(path))
