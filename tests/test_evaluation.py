"""Laws of what a trained network does: each answer is a sweep or an inference with its own clamps."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from conftest import SIZES, assert_close, random_network

from bpc_minimal import (
    BIDIRECTIONAL,
    DISCRIMINATIVE,
    GENERATIVE,
    HYBRID,
    Config,
    classify,
    complete,
    evaluate,
    fit,
    generate,
    infer,
    label_activities,
    load_mnist,
    make_network,
    mnist,
    normalise,
    one_hot,
    pretrained,
    sweep_down,
    sweep_up,
)

RULES = [BIDIRECTIONAL, GENERATIVE, DISCRIMINATIVE, HYBRID]
OPTIONS = {"alpha_gen": (0.1, 0.3, 0.2), "alpha_disc": 0.5, "step_size": 0.2}
FREE_LABEL = [False, False, False, True]
LABELS = np.array([3, 0, 9, 3, 5, 1])
LEFT = np.arange(784) % 28 < 14


@pytest.fixture(scope="module")
def network():
    return random_network(3)


@pytest.fixture(scope="module")
def pixels(digits):
    return jnp.asarray(normalise(digits.images[:6]))


def from_mean_label(network, images):
    start = sweep_down(network, jnp.full((len(images), 10), 0.1))
    return [*start[:-1], images]


def test_a_swept_answer_is_the_amortisers(network, pixels):
    for rule in (BIDIRECTIONAL, DISCRIMINATIVE, HYBRID):
        swept = sweep_up(network, pixels)[0]
        assert_close(label_activities(network, pixels, rule=rule), swept, 0)
        assert (classify(network, pixels, rule=rule) == swept.argmax(axis=1)).all()


@pytest.mark.parametrize("rule", [BIDIRECTIONAL, HYBRID])
def test_a_settled_answer_is_inference_with_the_label_free(network, pixels, rule):
    settled = infer(network, sweep_up(network, pixels), FREE_LABEL, rule, 5, **OPTIONS)[0]
    assert_close(label_activities(network, pixels, 5, rule=rule, **OPTIONS), settled, 0)
    found = classify(network, pixels, 5, rule=rule, **OPTIONS)
    assert found.shape == (6,)
    assert (found == settled.argmax(axis=1)).all()


def test_inference_changes_answers_of_the_bidirectional_rule(network, digits):
    """Otherwise the laws above would hold for a classify that never infers."""
    images = normalise(digits.images[:256])
    swept, settled = classify(network, images), classify(network, images, 50)
    assert 0 < (swept != settled).mean()


def test_the_generative_rule_answers_from_the_mean_label(network, pixels):
    start = from_mean_label(network, pixels)
    assert_close(label_activities(network, pixels, rule=GENERATIVE), start[0], 0)
    settled = infer(network, start, FREE_LABEL, GENERATIVE, 7, **OPTIONS)[0]
    assert_close(label_activities(network, pixels, 7, rule=GENERATIVE, **OPTIONS), settled, 0)
    assert (
        classify(network, pixels, 7, rule=GENERATIVE, **OPTIONS) == settled.argmax(axis=1)
    ).all()


def test_the_generative_rule_does_not_look_at_the_amortiser(network, pixels):
    other = random_network(4)
    mixed = type(network)(network.generator, other.amortiser, network.activation)
    for n in (0, 7):
        ours = label_activities(network, pixels, n, rule=GENERATIVE)
        assert_close(label_activities(mixed, pixels, n, rule=GENERATIVE), ours, 0)


def test_a_swept_drawing_is_the_generators(network):
    swept = sweep_down(network, one_hot(LABELS))[-1]
    assert_close(generate(network, LABELS), swept, 0)
    for rule in RULES:
        assert_close(generate(network, LABELS, rule=rule), swept, 0)


@pytest.mark.parametrize("rule", [BIDIRECTIONAL, DISCRIMINATIVE])
def test_a_settled_drawing_is_inference_with_the_image_free(network, rule):
    start = sweep_down(network, one_hot(LABELS))
    settled = infer(network, start, [True, False, False, False], rule, 5, **OPTIONS)[-1]
    assert_close(generate(network, LABELS, 5, rule=rule, **OPTIONS), settled, 0)


def test_one_label_always_gives_one_image(network):
    drawn = generate(network, LABELS, 5)
    assert_close(drawn[0], drawn[3], 1e-6)
    assert float(jnp.abs(drawn[0] - drawn[1]).max()) > 1e-2


@pytest.mark.parametrize("rule", [BIDIRECTIONAL, GENERATIVE])
def test_a_drawing_without_discriminative_errors_stays_as_swept(network, rule):
    """The swept activities have no generative error: there the generative energy is at its least."""
    drawn = generate(network, LABELS, 5, rule=rule, alpha_disc=0.0)
    assert_close(drawn, sweep_down(network, one_hot(LABELS))[-1])


@pytest.mark.parametrize(
    ("rule", "labels"), [(BIDIRECTIONAL, None), (BIDIRECTIONAL, LABELS), (GENERATIVE, None)]
)
def test_completion_keeps_the_seen_and_ignores_the_hidden(network, pixels, rule, labels):
    rng = np.random.default_rng(0)
    visible = LEFT if labels is None else rng.random(pixels.shape) < 0.5
    whole = complete(network, pixels, visible, labels, 5, rule=rule)
    seen = np.broadcast_to(visible, pixels.shape)
    assert (np.asarray(whole)[seen] == np.asarray(pixels)[seen]).all()
    for hidden in (0.0, np.nan, np.inf, rng.normal(size=pixels.shape)):
        other = np.where(seen, pixels, hidden).astype(np.float32)
        assert_close(complete(network, other, visible, labels, 5, rule=rule), whole, 0)


def test_completion_is_inference_with_the_seen_clamped(network, pixels):
    start = jnp.where(LEFT, pixels, 0.0)
    clamped = [False, False, False, LEFT]
    settled = infer(network, sweep_up(network, start), clamped, steps=5, **OPTIONS)[-1]
    assert_close(complete(network, pixels, LEFT, steps=5, **OPTIONS), settled, 0)
    activities = [one_hot(LABELS), *sweep_up(network, start)[1:]]
    settled = infer(network, activities, [True, *clamped[1:]], steps=5, **OPTIONS)[-1]
    assert_close(complete(network, pixels, LEFT, LABELS, 5, **OPTIONS), settled, 0)


def test_completion_weighs_the_images_errors_less_unless_told_otherwise(network, pixels):
    told = {"alpha_gen": (1.0, 1.0, 0.1), "alpha_disc": 0.1}
    plain = complete(network, pixels, LEFT, steps=5)
    assert_close(plain, complete(network, pixels, LEFT, steps=5, **told), 0)
    other = complete(network, pixels, LEFT, steps=5, alpha_gen=1.0)
    assert float(jnp.abs(plain - other).max()) > 1e-3


@pytest.mark.parametrize("rule", [BIDIRECTIONAL, HYBRID])
def test_what_is_partly_hidden_is_completed_and_then_swept(network, pixels, rule):
    each = np.random.default_rng(0).random(pixels.shape) < 0.3
    for visible in (LEFT, each):
        whole = complete(network, pixels, visible, steps=5, rule=rule, **OPTIONS)
        found = label_activities(network, pixels, 5, visible, rule=rule, **OPTIONS)
        assert_close(found, sweep_up(network, whole)[0])
        answers = classify(network, pixels, 5, visible, rule=rule, **OPTIONS)
        assert (answers == found.argmax(axis=1)).all()


def test_without_an_amortiser_the_answer_is_the_label_that_settled(network, pixels):
    start = from_mean_label(network, jnp.where(LEFT, pixels, 0.0))
    settled = infer(network, start, [*FREE_LABEL[:3], LEFT], GENERATIVE, 5, **OPTIONS)[0]
    found = label_activities(network, pixels, 5, LEFT, rule=GENERATIVE, **OPTIONS)
    assert_close(found, settled, 0)


def test_whole_images_lose_nothing_to_a_mask(network, pixels):
    swept = sweep_up(network, pixels)[0]
    assert_close(label_activities(network, pixels, 20, np.ones(784, bool)), swept, 0)


def test_how_long_a_label_settles_unless_told(network, pixels):
    told = {"steps": 400, "step_size": 1.0}
    plain = label_activities(network, pixels, visible=LEFT)
    assert_close(plain, label_activities(network, pixels, visible=LEFT, **told), 0)
    swept = label_activities(network, pixels, 0, LEFT)
    assert_close(swept, sweep_up(network, jnp.where(LEFT, pixels, 0.0))[0], 0)
    assert float(jnp.abs(plain - swept).max()) > 1e-2
    seen = label_activities(network, pixels, 5, **OPTIONS | {"step_size": 0.5})
    assert_close(
        label_activities(network, pixels, 5, alpha_gen=OPTIONS["alpha_gen"], alpha_disc=0.5),
        seen,
        0,
    )


def test_reading_ignores_the_hidden(network, pixels):
    whole = label_activities(network, pixels, 5, LEFT)
    for hidden in (0.0, np.nan, np.inf):
        other = np.where(LEFT, pixels, hidden).astype(np.float32)
        assert_close(label_activities(network, other, 5, LEFT), whole, 0)


def test_settling_reads_what_a_sweep_cannot():
    """The packaged network, four fifths of the pixels hidden: what chapter 4 opens with."""
    network, images = pretrained()[0], normalise(mnist("validation").held_out_images[:100])
    visible = np.random.default_rng(0).random(images.shape) >= 0.8
    labels = mnist("validation").held_out_labels[:100]
    swept, settled = (classify(network, images, n, visible) == labels for n in (0, None))
    assert swept.mean() < 0.75 and settled.mean() > 0.8
    assert settled.mean() > swept.mean() + 0.15


def test_completion_depends_on_the_label_that_is_given(network, pixels):
    ones, twos = (complete(network, pixels, LEFT, np.full(6, c), 20) for c in (1, 2))
    assert (jnp.abs(ones - twos)[:, ~LEFT].max(axis=1) > 1e-3).all()
    assert_close(ones[:, LEFT], twos[:, LEFT], 0)


def test_completion_with_all_seen_is_the_image_and_with_the_label_alone_a_drawing(network, pixels):
    assert_close(complete(network, pixels, np.ones(784, bool), steps=5), pixels, 0)
    options = {"rule": GENERATIVE, "steps": 3, **OPTIONS}
    drawn = complete(network, pixels, np.zeros(784, bool), LABELS, **options)
    start = [*sweep_down(network, one_hot(LABELS))[:-1], jnp.zeros_like(pixels)]
    settled = infer(network, start, [True, False, False, False], **options)
    assert_close(drawn, settled[-1], 0)


def test_results_do_not_depend_on_the_batch(network, pixels):
    steps = 5
    each = np.random.default_rng(0).random(pixels.shape) < 0.5
    calls = [
        lambda i: label_activities(network, pixels[i], steps),
        lambda i: generate(network, LABELS[i], steps),
        lambda i: complete(network, pixels[i], each[i], LABELS[i], steps),
    ]
    order = np.array([4, 2, 0, 5, 1, 3])
    for call in calls:
        whole = call(np.arange(6))
        assert_close(call(order), whole[order], 1e-5)
        assert_close(call(order[:1]), whole[order[:1]], 1e-5)


@pytest.mark.parametrize("steps", [0, 3])
def test_evaluation_is_what_numpy_counts(network, digits, steps):
    config = Config(epochs=1, sizes=SIZES, classify_steps=steps, pixel_mean=0.2, pixel_std=0.4)
    images, labels = digits.held_out_images, digits.held_out_labels
    found = evaluate(network, images, labels, config)
    pixels = images.reshape(-1, 784) / np.float32(255)
    options = {"alpha_gen": config.alpha_gen, "alpha_disc": config.alpha_disc}
    answers = np.asarray(classify(network, jnp.asarray((pixels - 0.2) / 0.4), steps, **options))
    assert found["accuracy"] == pytest.approx(100 * np.mean(answers == labels), abs=0.4)
    drawn = np.asarray(generate(network, np.arange(10))) * 0.4 + 0.2
    means = np.stack([pixels[labels == c].mean(axis=0) for c in range(10)])
    assert found["rmse"] == pytest.approx(np.sqrt(np.mean((drawn - means) ** 2)), rel=1e-4)


def test_evaluation_leaves_classes_without_images_out(network, digits):
    config = Config(epochs=1, sizes=SIZES)
    kept = np.isin(digits.labels, (2, 7))
    images, labels = digits.images[kept], digits.labels[kept]
    drawn = np.asarray(generate(network, np.array([2, 7]))) * config.pixel_std + config.pixel_mean
    means = np.stack([images[labels == c].reshape(-1, 784).mean(axis=0) / 255 for c in (2, 7)])
    found = evaluate(network, images, labels, config)
    assert found["rmse"] == pytest.approx(np.sqrt(np.mean((drawn - means) ** 2)), rel=1e-4)


def test_evaluation_is_the_same_inside_jit_and_in_any_order(network, digits):
    config = Config(epochs=1, sizes=SIZES)
    images, labels = digits.held_out_images, digits.held_out_labels
    found = evaluate(network, images, labels, config)
    inside = jax.jit(lambda x, y: evaluate(network, x, y, config))(images, labels)
    assert_close(inside, found, 1e-5)
    assert_close(evaluate(network, images[::-1], labels[::-1], config), found, 1e-5)


def test_means_of_many_floats_are_not_rounded_again_and_again():
    network = jax.tree.map(jnp.zeros_like, make_network(jax.random.PRNGKey(0), (1, 1)))
    images, labels = np.full((400_000, 1), 0.1, np.float32), np.zeros(400_000, int)
    config = Config(sizes=(1, 1), iterations=1, pixel_mean=0.0, pixel_std=1.0)
    assert abs(float(evaluate(network, images, labels, config)["rmse"]) - 0.1) < 1e-7


def test_bytes_past_what_32_bits_hold_are_summed_as_floats(monkeypatch):
    from bpc_minimal import evaluation

    assert evaluation.COUNTED * 255 < 2**31 <= (evaluation.COUNTED + 1) * 255
    network = jax.tree.map(jnp.zeros_like, make_network(jax.random.PRNGKey(0), (1, 3)))
    images, labels = np.full((90_001, 3), 253, np.uint8), np.zeros(90_001, int)  # more than 2 ** 24
    images[-1] = 0
    config = Config(sizes=(1, 3), iterations=1, pixel_mean=0.0, pixel_std=1.0)
    for counted in (90_001, 90_000):
        monkeypatch.setattr(evaluation, "COUNTED", counted)
        found = evaluate(network, images, labels, config)["rmse"]
        assert float(found) == pytest.approx(90_000 / 90_001 * 253 / 255, rel=2e-7)
        jaxpr = jax.make_jaxpr(lambda x: evaluate(network, x, labels, config))(images)
        assert ("i32[1,3]" in str(jaxpr)) == (counted == 90_001)


DIVERGING = Config(
    sizes=(3, 100, 16), iterations=2, batch_size=10, step_rule="fixed", step_size=0.025, steps=2,
    alpha_gen=1e-4, alpha_disc=(100.0, 1.0), classify_steps=400,
)  # fmt: skip  # the label's step alone is too long, and in training the label stays
SEEN = np.random.default_rng(0).random((20, 16)).astype(np.float32), np.arange(20) % 3


def test_no_accuracy_is_made_of_numbers_that_are_none():
    """`argmax` would find the first class."""
    network = make_network(jax.random.PRNGKey(0), DIVERGING.sizes)
    options = DIVERGING.inference()
    said = []
    for call in (
        lambda: classify(network, normalise(SEEN[0][:1]), DIVERGING.classify_steps, **options),
        lambda: evaluate(network, *SEEN, DIVERGING),
    ):
        with pytest.raises(FloatingPointError, match="diverged at step .* at layer 0,") as error:
            call()
        said.append(str(error.value))
    assert said[0] == said[1] and "is 2.5" in said[0]
    inside = jax.jit(lambda x: evaluate(network, x, SEEN[1], DIVERGING))(SEEN[0])
    assert np.isnan(inside["accuracy"]) and np.isfinite(inside["rmse"])
    for going_on in (DIVERGING, DIVERGING.replace(stop_diverging=False)):
        with pytest.raises(
            FloatingPointError, match="classified held-out .* 400 steps .* step_size"
        ):
            fit(going_on, (*SEEN, *SEEN))


def test_no_rmse_is_made_of_numbers_that_are_none():
    network = make_network(jax.random.PRNGKey(0), (3, 8, 8, 16))
    huge = eqx.tree_at(
        lambda n: n.generator, network, jax.tree.map(lambda w: 1e30 * w, network.generator)
    )
    config = Config(sizes=network.sizes, iterations=1)
    with pytest.raises(FloatingPointError, match="too large for their squares"):
        evaluate(huge, *SEEN, config)


def test_labels_as_bytes_count_past_255(network):
    config = Config(epochs=1, sizes=SIZES)
    images, labels = load_mnist("test")
    kept = labels < 1  # 980 zeros
    as_bytes, as_numbers = (
        evaluate(network, images[kept], labels[kept].astype(t), config)
        for t in (np.uint8, np.int32)
    )
    assert_close(as_bytes, as_numbers)


def test_a_perfect_network_is_perfect():
    """Of one linear map each way, whose drawings are the images and whose answers are the labels."""
    images = np.zeros((10, 28, 28), np.uint8)
    images.reshape(10, 784)[np.arange(10), np.arange(10)] = 255
    network = random_network(0, (10, 784), "linear", use_bias=False)
    config = Config(epochs=1, sizes=(10, 784), pixel_mean=0.0, pixel_std=1.0)
    weight = jnp.eye(784, 10)
    network = jax.tree.map(lambda w: weight if w.shape == weight.shape else weight.T, network)
    found = evaluate(network, images, np.arange(10), config)
    assert found["accuracy"] == 100
    assert found["rmse"] == 0


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda n, x: classify(n, np.zeros((2, 784), np.uint8)), r"uint8 \(2, 784\).*normalise"),
        (lambda n, x: classify(n, np.zeros((2, 28, 28), np.uint8)), "uint8.*normalise"),
        (lambda n, x: classify(n, x[0]), r"\(784,\) given.*\(batch, 784\)"),
        (lambda n, x: classify(n, x.at[1, 2].set(jnp.nan)), "NaN or infinity"),
        (lambda n, x: classify(n, x, -1), "steps=-1 given"),
        (lambda n, x: classify(n, x, 3, alpha_gen=(1.0, 2.0)), "alpha_gen of 2 numbers given, 3"),
        (lambda n, x: generate(n, np.array([3, 11])), r"labels \[11\] given, 0 to 9 expected"),
        (lambda n, x: generate(n, np.array([-1])), r"labels \[-1\] given, 0 to 9 expected"),
        (lambda n, x: generate(n, np.array([1.0])), "integers of shape"),
        (lambda n, x: generate(n, 3), r"jnp.array\(\[label\]\)"),
        (lambda n, x: complete(n, x, LEFT.astype(int)), "visible of dtype int.*booleans expected"),
        (lambda n, x: complete(n, x, LEFT[:783]), r"visible of shape \(783,\).*\(784,\)"),
        (lambda n, x: complete(n, x, np.ones((5, 784), bool)), r"visible of shape \(5, 784\)"),
        (lambda n, x: complete(n, x, LEFT, np.full(6, 10)), r"labels \[10\] given"),
        (lambda n, x: complete(n, x, LEFT, np.full(5, 1)), "6 images and 5 labels given"),
        (lambda n, x: complete(n, np.zeros((6, 784), np.uint8), LEFT), "uint8.*normalise"),
        (lambda n, x: complete(n, np.zeros((6, 28, 28), np.uint8), LEFT), "normalise"),
        (lambda n, x: complete(n, x.at[0, 0].set(jnp.inf), LEFT), "NaN or infinity"),
        (lambda n, x: classify(n, x.at[0, 783].set(jnp.nan), 3), "NaN or infinity"),
        (lambda n, x: classify(n, x.at[0, 0].set(jnp.nan), 3, LEFT), "NaN or infinity"),
        (lambda n, x: evaluate(n, x, LABELS, Config(epochs=1, sizes=SIZES)), "0 to 1 expected"),
        (
            lambda n, x: evaluate(
                n, np.zeros((6, 28, 28), np.uint8), LABELS[:5], Config(epochs=1, sizes=SIZES)
            ),
            "6 images and 5 labels given",
        ),
        (
            lambda n, x: evaluate(
                n, np.zeros((6, 28, 28), np.uint8), LABELS + 9, Config(epochs=1, sizes=SIZES)
            ),
            r"labels .* given, 0 to 9 expected",
        ),
        (
            lambda n, x: evaluate(n, np.zeros((6, 28, 28), np.uint8), LABELS, Config(epochs=1)),
            r"settings for sizes \(10, 300, 300, 784\) given with a network of",
        ),
        (
            lambda n, x: evaluate(
                jax.tree.map(lambda w: w * jnp.nan, n), np.zeros((6, 28, 28), np.uint8), LABELS,
                Config(epochs=1, sizes=SIZES),
            ),
            "the network's weights hold NaN or infinity",
        ),
    ],
)  # fmt: skip
def test_wrong_arguments_are_named(network, pixels, call, message):
    with pytest.raises(ValueError, match=message):
        call(network, pixels)
