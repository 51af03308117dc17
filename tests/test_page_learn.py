"""The part of the page that learns: its numbers are the package's, and all that one can do with it is done.

Nothing here waits for a time: the page says in `data-state` and `data-iteration` how far it is. The same seed
gives the same bits in every browser, so that what is learned can be asserted after so many batches.
"""

import base64
import gzip
import json
import random
import re
import sys
import zlib

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from conftest import CHROMIUM, ROOT

import bpc_minimal as bpc
from bpc_minimal.learning import make_state, train_step

if not CHROMIUM:
    pytest.skip(
        "Chromium is not installed (Debian: apt-get install chromium)", allow_module_level=True
    )
pytest.importorskip("playwright.sync_api", reason="pip install playwright")
from playwright.sync_api import expect  # noqa: E402
from test_page_live import LIVE, PAGE, Visit, draw_with_mouse  # noqa: E402

sys.path.insert(0, str(ROOT / "tools"))
import kernels  # noqa: E402
import learn  # noqa: E402
import pages_report  # noqa: E402

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
MOVES = {"reduced_motion": "no-preference"}
PASS = learn.IMAGES // learn.BPC.batch_size  # batches
ODD = re.compile("NaN|Infinity|undefined|null")
ITERATIONS = 50


def script(name):
    return (LIVE / f"{name}.js").read_text("utf-8")


def encoded(array):
    return base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()


# The files ------------------------------------------------------------------------------------------


def test_the_settings_and_the_digits_are_what_their_tool_writes():
    assert script("lessons") == learn.as_lessons()
    fields = json.loads(script("training").split("globalThis.bpcTraining = ", 1)[1].rstrip()[:-1])
    data = learn.data()
    for name, images, labels in (
        ("", data.images, data.labels),
        ("test_", data.held_out_images, data.held_out_labels),
    ):
        packed = np.frombuffer(zlib.decompress(base64.b64decode(fields[f"{name}images"])), np.uint8)
        greys = np.stack([packed >> 4, packed & 15], axis=1).ravel() * learn.GREY
        np.testing.assert_array_equal(greys, images.ravel())
        assert base64.b64decode(fields[f"{name}labels"]) == labels.astype(np.uint8).tobytes()
    assert len(data.images) == 20_000 and len(data.held_out_images) == 1_000
    whole, _ = bpc.load_mnist("train")
    assert np.abs(data.images.astype(int) - whole[:20_000]).max() <= learn.GREY // 2


def test_all_data_of_the_page_are_light_and_those_to_learn_from_come_when_asked():
    files = [*LIVE.glob("*.js"), *LIVE.glob("weights/*.js")]  # figures are of the chapters
    packed = {path.stem: len(gzip.compress(path.read_bytes())) for path in files}
    assert packed["training"] < 3_000_000
    assert sum(packed.values()) < 4_000_000
    page = (LIVE / "learn.html").read_text("utf-8")
    assert re.findall(r'src="[^"]*/(\w+)\.js"', page) == ["lessons", "learning", "learn"]
    assert packed["lessons"] + packed["learning"] + packed["learn"] < 18_000


def test_the_compiled_loops_name_their_source():
    assert f"// Source: SHA-256 {kernels.digest()}\n" in script("kernels"), "run: make kernels"


@pytest.mark.slow
def test_the_compiled_loops_are_what_the_source_gives():
    assert kernels.as_script(kernels.compiled()) == script("kernels")


def test_a_compiler_that_is_not_there_or_complains_says_so(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["kernels.py", "--check"])
    monkeypatch.setattr(kernels, "ZIG", tmp_path / "python")
    assert kernels.main() == 1
    assert "run `make .venv-zig/installed`" in capsys.readouterr().err
    (tmp_path / "python").write_text("#!/bin/sh\necho no such flag >&2\nexit 1\n")
    (tmp_path / "python").chmod(0o755)
    assert kernels.main() == 1
    assert "kernels.c does not compile:\nno such flag" in capsys.readouterr().err


# The numbers ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def engine(browser):
    """A page for the numbers alone, with both sets of loops and the page's test images."""
    context = browser.new_context()
    page, wrong = context.new_page(), []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    for name in ("learning", "lesson", "kernels", "lessons"):
        page.add_script_tag(content=script(name))
    page.evaluate(
        """async () => { globalThis.learning = makeLearning();
            globalThis.decoded = text => Uint8Array.from(atob(text), c => c.charCodeAt(0));
            globalThis.floats = text => new Float32Array(decoded(text).buffer);
            globalThis.encoded = ({buffer, byteOffset, byteLength}) => {
                const bytes = new Uint8Array(buffer, byteOffset, byteLength);
                let text = ''; for (let i = 0; i < bytes.length; i += 32768)
                    text += String.fromCharCode(...bytes.subarray(i, i + 32768));
                return btoa(text) };
            globalThis.loops = async name =>
                name == 'plain' ? learning.plain : learning.compiled(decoded(bpcKernels)) }"""
    )
    yield page
    context.close()
    assert not wrong


# Train and give all weights, one after the other, and the energies.
TRAIN = """async ({settings, total, loops: name, weights, images, labels, orders}) => {
    const learner = learning.makeLearner(settings, total, await loops(name));
    if (weights) { const all = floats(weights); let at = 0;
        learner.load(learner.weights().map(w => all.subarray(at, at += w.length))) }
    const pixels = decoded(images), numbers = decoded(labels), found = [], energies = [];
    const order = new Uint32Array(decoded(orders).buffer), n = settings.batch_size;
    for (let from = 0; from < order.length; from += n) {
        const {before, after} = learner.learn(pixels, numbers, order.subarray(from, from + n));
        energies.push(before.e + before.d, after.e + after.d) }
    for (const w of learner.weights()) found.push(...w);
    globalThis.learner = learner;
    return {weights: encoded(Float32Array.from(found)), energies} }"""


def trained(engine, config, total, loops, data, order, weights=None):
    """Train in the page; give the weights of each map, and the energies before and after inference."""
    images, labels = data
    found = engine.evaluate(
        TRAIN,
        {
            "settings": json.loads(config.to_json()), "total": total, "loops": loops,
            "weights": None if weights is None else encoded(np.concatenate(weights)),
            "images": encoded(images), "labels": encoded(labels.astype(np.uint8)),
            "orders": encoded(order.astype(np.uint32)),
        },
    )  # fmt: skip
    sizes = np.array([a * b for a, b in zip(config.sizes[:-1], config.sizes[1:], strict=True)] * 2)
    flat = np.frombuffer(base64.b64decode(found["weights"]), np.float32)
    return np.split(flat, sizes.cumsum()[:-1]), np.array(found["energies"]).reshape(-1, 2)


def weights_of(network):
    return [np.asarray(m.weight).ravel() for m in (*network.generator, *network.amortiser)]


ALL_AT_ONCE = {
    "in_turn": False,
    "steps": 3,
    "alpha_gen": (1e-2, 1e-3, 1e-4),
}
SETTINGS = learn.CONFIGS | {"all at once": learn.BPC.replace(**ALL_AT_ONCE)}


@pytest.mark.parametrize("name", SETTINGS)
def test_weights_are_those_of_the_package(name, engine):
    config, total = SETTINGS[name], PASS * learn.BPC.epochs
    images, labels = bpc.load_mnist("train")
    data = images[:2_000], labels[:2_000]
    order = np.random.default_rng(0).integers(0, 2_000, (ITERATIONS, config.batch_size))
    state = make_state(config, total)
    start, energies, after = weights_of(state.network), [], {}
    for iteration, batch in enumerate(order, start=1):
        state, losses = train_step(state, data[0][batch], data[1][batch], config, total)
        energies.append([float(losses["energy_before"]), float(losses["energy"])])
        after[iteration] = weights_of(state.network)
    # Rounding grows: a unit near 0 is cut off by relu here and not there. Compiled as a user does, 1e-5 holds
    # to the end; the fast tests compile the package unoptimised.
    for iterations, apart in ((10, 1e-4), (ITERATIONS, 1e-3)):
        ours, found = trained(engine, config, total, "compiled", data, order[:iterations], start)
        for W, theirs in zip(ours, after[iterations], strict=True):
            assert np.linalg.norm(W - theirs) <= apart * np.linalg.norm(theirs), iterations
        np.testing.assert_allclose(found, np.array(energies[:iterations]), rtol=apart)
    pairs = zip(ours, start, strict=True)
    assert max(np.linalg.norm(W - first) / np.linalg.norm(first) for W, first in pairs) > 0.02


@pytest.mark.parametrize("name", SETTINGS)
def test_both_sets_of_loops_give_the_same_bits(name, engine):
    config = SETTINGS[name].replace(sizes=(10, 21, 30, 784), batch_size=7)
    data = [part[:100] for part in bpc.load_mnist("train")]
    order = np.random.default_rng(1).integers(0, 100, (9, 7))
    (plain, by_plain), (fast, by_fast) = (
        trained(engine, config, 20, loops, data, order) for loops in ("plain", "compiled")
    )
    for one, other in zip(plain, fast, strict=True):
        np.testing.assert_array_equal(one.view(np.uint32), other.view(np.uint32))
    np.testing.assert_array_equal(by_plain, by_fast)
    assert np.isfinite(by_plain).all()


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("m, k, n", [(1, 1, 1), (4, 3, 8), (5, 7, 23), (13, 64, 10), (6, 2, 9)])
def test_the_product_is_that_of_numpy(m, k, n, turned, engine):
    draw = np.random.default_rng(m)
    A, B = draw.normal(size=(m, k)).astype(np.float32), draw.normal(size=(k, n)).astype(np.float32)
    found = [
        engine.evaluate(
            """async ({name, A, B, m, k, n, turned}) => { const l = await loops(name);
                const put = text => { const a = floats(text), b = l.floats(a.length); b.set(a); return b };
                const C = l.floats(m * n);
                l.multiply(put(A), put(B), C, m, k, n, ...(turned ? [1, m] : [k, 1]));
                return encoded(C) }""",
            {"name": name, "A": encoded(A.T if turned else A), "B": encoded(B),
             "m": m, "k": k, "n": n, "turned": turned},
        )
        for name in ("plain", "compiled")
    ]  # fmt: skip
    assert found[0] == found[1]
    C = np.frombuffer(base64.b64decode(found[0]), np.float32).reshape(m, n)
    np.testing.assert_allclose(C, A @ B, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", ["bidirectional", "generative"])
def test_what_is_read_and_drawn_is_what_the_package_finds(name, engine):
    config, data = learn.CONFIGS[name], learn.data()
    some = data.images[:3_840], data.labels[:3_840]
    weights, _ = trained(engine, config, 200, "compiled", some, np.arange(3_840))
    network = make_state(config, 1).network
    leaves, structure = jax.tree.flatten(network)
    shaped = [jnp.asarray(W.reshape(leaf.shape)) for W, leaf in zip(weights, leaves, strict=True)]
    network = jax.tree.unflatten(structure, shaped)
    count = 1_000 if name == "bidirectional" else 100
    images = bpc.normalise(data.held_out_images[:count])
    theirs = bpc.classify(network, images, config.classify_steps, **config.inference())
    ours, drawn = engine.evaluate(
        "([images, n]) => [learner.classify(decoded(images), n), encoded(learner.draw())]",
        [encoded(data.held_out_images[:count]), count],
    )
    labels = data.held_out_labels[:count]
    right = [int((np.asarray(found) == labels).sum()) for found in (ours, theirs)]
    assert abs(right[0] - right[1]) <= 1 and right[0] > 0.5 * count
    expected = bpc.denormalise(bpc.sweep_down(network, jnp.eye(10))[-1])
    drawn = np.frombuffer(base64.b64decode(drawn), np.uint8).reshape(10, 784)
    assert np.abs(drawn - np.clip(255 * np.asarray(expected), 0, 255)).max() <= 0.51


def test_the_learning_rate_is_that_of_optax(engine):
    import optax

    moments = [0, 1, 99, 100, 101, 499, 500]
    rates = engine.evaluate(
        """moments => { const settings = {schedule: 'one-cycle', learning_rate: 0.002};
            return moments.map(i => learning.rateAt(settings, i, 500)) }""",
        moments,
    )
    theirs = optax.cosine_onecycle_schedule(500, 0.002, pct_start=0.2)
    assert rates == pytest.approx([float(theirs(i)) for i in moments], rel=1e-5, abs=1e-9)
    constant = "() => learning.rateAt({schedule: 'constant', learning_rate: 0.002}, 7, 500)"
    assert engine.evaluate(constant) == 0.002


def test_an_order_holds_every_example_once_and_seeds_differ(engine):
    orders = engine.evaluate(
        "() => [0, 1, 0].map(seed => [...learning.shuffled(1000, learning.random(seed))])"
    )
    assert all(sorted(order) == list(range(1000)) for order in orders)
    assert orders[0] == orders[2] != orders[1]
    assert abs(np.corrcoef(orders[0], range(1000))[0, 1]) < 0.1


# The page -------------------------------------------------------------------------------------------

# Counts what a frame costs the page, and the frames that the worker may send.
COUNT = """() => {
    window.counted = {pixels: 0, lines: 0, seen: 0, frames: []};
    const drawn = CanvasRenderingContext2D.prototype, {putImageData, lineTo} = drawn;
    drawn.putImageData = function (image, ...rest) {
        counted.pixels += image.data.length / 4; putImageData.call(this, image, ...rest) };
    drawn.lineTo = function (...place) { counted.lines += 1; lineTo.apply(this, place) };
    const post = Worker.prototype.postMessage;
    Worker.prototype.postMessage = function (message, ...rest) {
        if (message.type == 'seen') { counted.seen += 1; counted.frames.push([counted.pixels, counted.lines]);
            counted.pixels = counted.lines = 0 }
        post.call(this, message, ...rest) } }"""


class Lesson(Visit):
    """The page, with a reader at the part that learns."""

    def __init__(self, browser, base, **options):
        super().__init__(browser, base, PAGE, **options)
        self.learn = self.page.locator("#learn")

    def button(self, name):  # a text, or a pattern
        return self.learn.get_by_role("button", name=name, exact=True)

    def radio(self, name):
        return self.learn.get_by_role("radio", name=name, exact=True)

    def reach(self, state):
        expect(self.learn).to_have_attribute("data-state", state)

    def told(self, name):
        return self.page.locator(f"#learn-{name}").inner_text()

    @property
    def iteration(self):
        return int(self.learn.get_attribute("data-iteration"))

    def learn_for(self, iterations):
        """Wait until so many batches are learned."""
        self.page.wait_for_function(
            "n => { const {state, iteration} = document.getElementById('learn').dataset;"
            " return iteration >= n || ['diverged', 'ended', 'failed'].includes(state) }",
            arg=iterations,
            timeout=500_000,
        )

    def pause(self):
        self.button("Pause").click()
        self.reach("paused")

    def start(self):
        """Begin, paused, at random weights."""
        self.button("Start over").click()
        self.reach("paused")
        assert self.iteration == 0


@pytest.fixture(scope="module")
def server(site):
    with pages_report.served(site) as address:
        yield address


@pytest.fixture
def visit(browser, site):
    """Open the page from a disk, or from elsewhere; nothing may go wrong on it."""
    opened = []

    def go(base=None, **options):
        lesson = Lesson(browser, base or site.as_uri() + "/", **options)
        opened.append(lesson)
        return lesson

    yield go
    for each in opened:
        assert not ODD.search(each.learn.inner_text())
        each.context.close()
        assert not each.wrong


def likeness(lesson, digit):
    """Correlate what the network draws of a label with the mean image of its class."""
    canvas = lesson.page.locator("#learn-drawn canvas").nth(digit)
    alpha = canvas.evaluate(
        """c => [...c.getContext('2d').getImageData(0, 0, 28, 28).data].filter((_, i) => i % 4 == 3)"""
    )
    means = bpc.class_means(*bpc.load_mnist("test"))
    return np.corrcoef(alpha, np.asarray(means)[digit])[0, 1]


@pytest.mark.parametrize("place", ["disk", "server"])
def test_it_learns_while_the_reader_watches(place, visit, server):
    lesson = visit(server if place == "server" else None, **MOVES)
    assert lesson.page.evaluate("() => typeof bpcTraining") == "undefined"  # nothing came yet
    lesson.still()  # the network above, whose drawing is not to be counted
    lesson.page.evaluate(COUNT)
    lesson.button("Train (loads 2 MB)").click()
    lesson.learn_for(PASS // 2)
    lesson.pause()
    assert int(lesson.told("accuracy")) > 870 and lesson.iteration < PASS * learn.BPC.epochs
    assert np.median([likeness(lesson, digit) for digit in range(10)]) > 0.7
    assert float(lesson.told("E")) < float(lesson.told("before"))
    frames = lesson.page.evaluate("() => counted")
    messages = int(lesson.learn.get_attribute("data-messages"))
    assert 0 <= messages - frames["seen"] <= 1, "a frame comes once the last one is drawn"
    # What a frame costs does not grow with the speed of learning.
    pixels, lines = np.array(frames["frames"]).max(axis=0)
    assert pixels <= 2 * 20 * 784 and lines <= 2 * (4 * 144 + 49 + 40)


def test_a_pass_from_the_fixed_seed_reaches_its_accuracy_and_says_so(visit):
    lesson = visit()  # with less motion
    lesson.button("Train (loads 2 MB)").click()
    status = lesson.page.locator("#learn-status")
    expect(status).to_contain_text(
        "Learning, in WebAssembly. Shown after each pass, as you ask for less motion."
    )
    lesson.page.wait_for_function(  # what counts moves on between, and nothing else
        "n => /batch (\\d+) of/.exec(document.getElementById('learn-at').value)[1] % n", arg=PASS
    )
    expect(status).to_contain_text(
        "As it should be: starts from random weights. Learning, in WebAssembly. After one pass:",
        timeout=500_000,
    )
    right = int(re.search(r"After one pass: (\d+) of 1,000", status.inner_text())[1])
    assert right >= 915
    # It moved when it began, when it ran, and at the end of the pass.
    assert int(lesson.learn.get_attribute("data-messages")) <= 3 + (lesson.iteration // PASS - 1)
    assert lesson.iteration % PASS == 0
    lesson.pause()


# The ink of the ten drawings.
TILES = """() => [...document.querySelectorAll('#learn-drawn canvas')].map(
    c => [...c.getContext('2d').getImageData(0, 0, 28, 28).data].filter((_, i) => i % 4 == 3))"""
# Keep what is shown after so many batches: the images read rightly, and the ten drawings.
KEEP = f"""asked => {{ window.kept = []; const tiles = {TILES};
    new MutationObserver(() => {{
        if (Number(learn.dataset.iteration) != asked[kept.length]) return;
        kept.push([document.getElementById('learn-accuracy').value, tiles()]) }})
        .observe(learn, {{attributes: true, attributeFilter: ['data-iteration']}}) }}"""


@pytest.mark.slow
def test_the_whole_run_ends_as_its_text_says(visit):
    lesson = visit(**MOVES)
    lesson.radio("4").check()  # batches a frame: so that half a pass is one
    lesson.page.evaluate(KEEP, [PASS // 2, PASS, PASS * learn.BPC.epochs])
    lesson.button("Train (loads 2 MB)").click()
    lesson.learn_for(39)
    first = float(lesson.told("E-e")), float(lesson.told("E-d"))
    lesson.learn_for(PASS)
    lesson.radio("full").check()
    lesson.learn_for(PASS * learn.BPC.epochs)
    lesson.reach("ended")
    assert lesson.iteration == PASS * learn.BPC.epochs
    told = lesson.told("told")
    assert "some nine in ten after half a pass" in told and "97 in a hundred" in told
    means = np.asarray(bpc.class_means(*bpc.load_mnist("test")))
    kept = lesson.page.evaluate("() => kept")
    half, one, six = (
        (int(right), np.mean([np.corrcoef(*pair)[0, 1] for pair in zip(tiles, means, strict=True)]))
        for right, tiles in kept
    )
    assert "Reading was ahead" in told and round(half[0], -2) == 900
    assert "after one pass the drawings had their shapes, and were pale" in told
    assert half[1] < six[1] - 0.05 and one[1] > six[1] - 0.03 and six[0] > one[0] + 30
    ink = [np.mean([max(tile) for tile in tiles]) for _, tiles in kept]  # of the darkest pixel
    assert ink[1] < 0.75 * ink[2], "pale after a pass"
    right = int(lesson.told("accuracy"))
    assert round(right, -1) == 970
    assert f"{right} of 1,000 test images are read rightly" in lesson.told("status")
    assert float(lesson.told("E-e")) < first[0] and float(lesson.told("E-d")) < first[1]
    assert min(likeness(lesson, digit) for digit in range(10)) > 0.8
    wrong = lesson.page.locator("#learn-wrong span").all_inner_texts()
    assert len([words for words in wrong if re.fullmatch(r"\d as \d", words)]) == min(
        10, 1000 - right
    )
    assert_its_end(lesson)


def assert_its_end(lesson):
    """After an end: there is no batch left, which is said; to train again is another run, and so called."""
    at = lesson.iteration
    shown = [lesson.told(name) for name in ("accuracy", "E", "at")]
    button = lesson.button("One batch")
    expect(button).to_have_attribute("aria-disabled", "true")
    button.focus()
    lesson.page.keyboard.press("Enter")
    button.click(force=True)
    expect(button).to_be_focused()
    frames = "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
    lesson.page.evaluate(frames)
    assert lesson.iteration == at
    assert shown == [lesson.told(name) for name in ("accuracy", "E", "at")]
    why = "The run is over: Start over goes back to its beginning."
    assert lesson.told("status") == button.get_attribute("title") == why
    expect(lesson.page.locator(".live-why").filter(visible=True)).to_have_text(why)
    offered = lesson.page.locator("#learn-offer").is_visible()
    lesson.button("Again" if offered else "Train again").click()
    lesson.reach("running")
    assert lesson.iteration < at
    lesson.pause()
    lesson.button("Start over").click()
    lesson.reach("paused")
    assert lesson.iteration == 0
    lesson.button("One batch").click()
    expect(lesson.learn).to_have_attribute("data-iteration", "1")


def test_it_pauses_takes_one_batch_and_starts_over(visit):
    lesson = visit(**MOVES)
    lesson.start()
    assert "None yet" not in lesson.told("status") and float(lesson.told("accuracy")) < 300
    noise = likeness(lesson, 0)
    for n in (1, 2, 3):
        lesson.button("One batch").click()
        expect(lesson.learn).to_have_attribute("data-iteration", str(n))
        lesson.reach("paused")
    energies = [lesson.told(name) for name in ("E", "E-e", "E-d", "before")]
    lesson.button("Train").click()
    lesson.learn_for(20)
    lesson.pause()
    at = lesson.iteration
    lesson.button("One batch").click()
    expect(lesson.learn).to_have_attribute("data-iteration", str(at + 1))
    expect(lesson.page.locator("#learn-at")).to_have_text(
        f"pass 1 of 6, batch {at + 1} of {6 * PASS}"
    )
    lesson.button("Start over").click()
    expect(lesson.learn).to_have_attribute("data-iteration", "0")
    lesson.reach("paused")
    assert likeness(lesson, 0) == pytest.approx(noise)  # the same seed
    for n in (1, 2, 3):
        lesson.button("One batch").click()
        expect(lesson.learn).to_have_attribute("data-iteration", str(n))
    assert energies == [lesson.told(name) for name in ("E", "E-e", "E-d", "before")]


@pytest.mark.parametrize("speed, batches", [("1", 1), ("4", 4)])
def test_the_speed_is_so_many_batches_a_frame(speed, batches, visit):
    lesson = visit(**MOVES)
    lesson.radio(speed).check()
    lesson.start()
    lesson.page.evaluate(
        """() => { window.steps = []; new MutationObserver(() => steps.push(Number(learn.dataset.iteration)))
            .observe(learn, {attributes: true, attributeFilter: ['data-iteration']}) }"""
    )
    lesson.button("Train").click()
    lesson.learn_for(24)
    lesson.pause()
    steps = np.unique(lesson.page.evaluate("() => steps"))  # the last is where it was paused
    assert set(np.diff(steps[:-1])) == {batches}


# Runs of one pass, to see an end soon.
SHORT = "() => { for (const rule in bpcLessons) bpcLessons[rule].epochs = 1 }"


def test_what_was_read_is_named_for_who_cannot_see_the_drawings(visit):
    lesson = visit(**MOVES)
    group, tiles = lesson.page.locator("#learn-drawn"), lesson.page.locator("#learn-drawn canvas")

    def names():
        return tiles.evaluate_all("all => all.map(e => e.ariaLabel)")

    assert names() == [f"Drawing of {k}: not measured yet" for k in range(10)]
    lesson.page.evaluate(
        """() => { window.named = 0; new MutationObserver(() => { named += 1 })
                .observe(document.querySelector('#learn-drawn canvas'), {attributeFilter: ['aria-label']});
            window.said = []; const status = document.getElementById('learn-status');
            new MutationObserver(() => said.push(status.textContent)).observe(status, {childList: true}) }"""
    )
    lesson.button("Train (loads 2 MB)").click()
    lesson.learn_for(PASS)
    lesson.pause()
    frames = int(lesson.learn.get_attribute("data-frames"))
    measured = lesson.iteration // (PASS // 8) + 1
    assert lesson.page.evaluate("() => named") <= measured + 2 < frames, "not at every frame"
    said = re.compile(
        r"Drawing of (\d): the network reads it as (\d); likeness to the mean (\d), (-?[\d.]+) of 1"
    )
    found = [said.fullmatch(name).groups() for name in names()]
    assert [int(label) for label, _, mean, _ in found if label == mean] == [*range(10)]
    asked = lesson.page.evaluate(TILES)
    data = learn.data()
    means = [data.images[data.labels == k].mean(axis=0).ravel() for k in range(10)]
    for (_, _, _, like), tile, mean in zip(found, asked, means, strict=True):
        assert float(like) == pytest.approx(np.corrcoef(tile, mean)[0, 1], abs=0.02)
    own = sum(label == read for label, read, *_ in found)
    assert own >= 8
    assert group.get_attribute("aria-label") == (
        "Ten images, one drawn by a sweep down from each label. "
        f"At batch {lesson.iteration} the network reads {own} of them as their label"
    )
    after = re.search(
        r"After one pass: \d+ of 1,000 read rightly, and (\d+) of its own ten drawings",
        lesson.page.evaluate("() => said.join(' ')"),
    )
    assert 8 <= int(after[1]) <= 10
    lesson.button("Start over").click()
    lesson.reach("paused")
    assert all("reads it as" in name for name in names())  # of noise
    assert "At batch 0 the network reads" in group.get_attribute("aria-label")


# What if --------------------------------------------------------------------------------------------


def ask(lesson, name):
    """Set a what-if up, read what it asks, and train."""
    lesson.button(name).click()
    expect(lesson.button(name)).to_have_attribute("aria-pressed", "true")
    asked = lesson.told("told")
    assert "Make a guess, then press Train." in asked
    lesson.button(re.compile(r"^Train")).click()
    return asked


def what_if(lesson, name, iterations):
    ask(lesson, f"What if: {name}")
    lesson.learn_for(iterations)
    lesson.pause()


WHAT_IFS = {
    "As it should be": "As it should be",
    "What if: no settling": "No settling",
    "What if: wrong order": "Wrong order",
    "What if: step too long": "Step too long",
}


@pytest.mark.parametrize("name", WHAT_IFS)
def test_a_what_if_is_announced_by_its_name_and_by_what_it_starts_from(name, visit):
    lesson = visit(**MOVES)
    lesson.start()
    lesson.page.evaluate(
        """() => { window.said = []; const status = document.getElementById('learn-status');
            new MutationObserver(() => said.push(status.textContent)).observe(status, {childList: true}) }"""
    )
    asked = ask(lesson, name)
    lesson.learn_for(5)
    said = lesson.page.evaluate("() => said")
    assert said[0] == f"{WHAT_IFS[name]}: starts from random weights."
    assert re.search(r"random weights\. \d+ of 1,000 read rightly\. Press Train\.$", said[1])
    assert all(words.startswith(f"{WHAT_IFS[name]}: ") for words in said)
    assert "rom random weights" in asked or "the same random weights" in asked


@pytest.mark.parametrize("name", WHAT_IFS)
def test_a_what_if_asks_and_waits_for_train(name, visit):
    lesson = visit(**MOVES)
    lesson.button(name).click()
    assert "Make a guess, then press Train." in lesson.told("told")
    assert lesson.page.evaluate("() => typeof bpcTraining") == "undefined", "nothing was loaded"
    lesson.button("Train (loads 2 MB)").click()
    lesson.learn_for(3)
    lesson.button(name).click()  # while it trains: from the beginning, and it waits
    lesson.reach("paused")
    expect(lesson.learn).to_have_attribute("data-iteration", "0")
    assert lesson.told("status").endswith("Press Train.")


def test_one_batch_is_one_from_the_first_press_on(visit):
    lesson = visit()
    for count in (1, 2):
        lesson.button("One batch").click()
        expect(lesson.learn).to_have_attribute("data-iteration", str(count))
        lesson.reach("paused")
    assert "paused after batch 2 of" in lesson.told("status") and lesson.told("E") != "–"


def test_before_it_is_pressed_random_weights_draw_noise_and_nothing_is_measured(visit):
    lesson = visit()
    shown = """() => [...document.querySelectorAll('#learn-drawn canvas')].map(c =>
        [...c.getContext('2d').getImageData(0, 0, 28, 28).data].filter((_, i) => i % 4 == 3))"""
    asleep = np.array(lesson.page.evaluate(shown))
    assert (asleep.std(axis=1) > 10).all(), "ten pictures of noise, none of which looks empty"
    assert np.ptp(asleep) > 150
    raised = lesson.page.locator("#learn-raised")
    expect(raised).to_be_visible()
    expect(raised).to_have_text(", contrast raised")
    assert lesson.told("accuracy") == lesson.told("wrong-count") == "–"
    assert lesson.told("measured") == "not measured yet"
    assert lesson.page.evaluate("() => typeof bpcTraining") == "undefined"
    lesson.start()  # the same weights, in the worker
    grey = np.diff(np.unique(asleep)).max()  # between two that are one apart before they are raised
    assert np.abs(np.array(lesson.page.evaluate(shown)) - asleep).max() <= grey
    assert 50 <= int(lesson.told("accuracy")) <= 200  # as chance does
    assert lesson.told("measured") == "last measured at batch 0"
    assert int(lesson.told("accuracy")) < 250


def test_the_accuracy_says_when_it_was_measured_and_charts_are_named_with_it(visit):
    lesson = visit(**MOVES)
    lesson.button("Train (loads 2 MB)").click()
    lesson.learn_for(60)
    lesson.pause()
    at = int(re.fullmatch(r"last measured at batch (\d+)", lesson.told("measured"))[1])
    assert 0 < at <= lesson.iteration
    name = lesson.page.locator("#learn-accuracy-chart").get_attribute("aria-label")
    assert f"{int(lesson.told('accuracy')) / 10:.1f} % at batch {at}" in name
    name = lesson.page.locator("#learn-energy-chart").get_attribute("aria-label")
    assert f"at batch {lesson.iteration}: {lesson.told('before')} before settling" in name


def test_charts_are_named_by_the_run_that_is_shown(visit):
    lesson = visit(**MOVES)
    lesson.button("Train (loads 2 MB)").click()
    lesson.learn_for(60)
    lesson.radio("genPC").check()  # which measures what it reads after each pass, a long while on
    named = """least => learn.dataset.iteration >= least && ['accuracy', 'energy'].map(name =>
        document.getElementById(`learn-${name}-chart`).getAttribute('aria-label'))"""
    for least in (0, 14):
        accuracy, energy = lesson.page.wait_for_function(named, arg=least).json_value()
        assert accuracy.endswith(": measured after each pass")
    assert int(re.search(r"at batch (\d+): [\d.]+ before settling", energy)[1]) >= 13
    assert lesson.learn.get_attribute("data-state") == "running"


def test_what_if_nothing_settles(visit):
    lesson = visit(**MOVES)
    what_if(lesson, "no settling", PASS)
    assert 500 < int(lesson.told("accuracy")) < 850
    assert lesson.told("E") == lesson.told("before")


@pytest.mark.slow
@pytest.mark.parametrize(
    "name, says, low, high",
    [
        ("no settling", "Without settling it reads {} of 1,000", 500, 850),
        ("wrong order", "What is read stayed near one in ten", 50, 200),
    ],
)
def test_what_if_ends_as_its_text_says(name, says, low, high, visit):
    lesson = visit(**MOVES)
    if name == "wrong order":  # and the right run beside it
        ask(lesson, "As it should be")
        lesson.learn_for(PASS * learn.BPC.epochs)
        lesson.reach("ended")
        right = float(lesson.told("E"))
    asked = ask(lesson, f"What if: {name}")
    lesson.learn_for(PASS * learn.BPC.epochs)
    lesson.reach("ended")
    told = lesson.told("told")
    says = says.format(lesson.told("accuracy"))
    assert says in told and says not in asked and low < int(lesson.told("accuracy")) < high
    likes = [likeness(lesson, digit) for digit in range(10)]
    if name == "no settling":
        assert "to draw it has learned all the same" in told and min(likes) > 0.8
    else:
        assert "the energy fell all the same" in told
        assert float(lesson.told("E")) < float(lesson.told("before"))
        assert "it ends at many times as much" in told
        assert float(lesson.told("E")) > 5 * right
        like = np.corrcoef(np.asarray(lesson.page.evaluate(TILES), float))
        assert like.min() > 0.9, "ten drawings, one smudge"


def test_without_settling_only_the_last_map_learns_to_read(engine):
    config = learn.BPC.replace(steps=0, weight_decay=0.0)
    data = [part[:640] for part in bpc.load_mnist("train")]
    start = weights_of(make_state(config, 20).network)
    order = np.arange(640)
    after, _ = trained(engine, config, 20, "compiled", data, order, start)
    L = len(config.sizes) - 1
    moved = [np.abs(W - first).max() for W, first in zip(after, start, strict=True)]
    assert moved[L] > 1e-3 and max(moved[L + 1 :]) == 0, "the amortiser's maps, the label's first"


def test_what_if_the_order_is_wrong(visit):
    lesson = visit(**MOVES)
    what_if(lesson, "wrong order", 20)
    first = float(lesson.told("E"))
    lesson.button("Train").click()
    lesson.learn_for(PASS // 2)
    lesson.pause()
    assert int(lesson.told("accuracy")) < 200
    assert float(lesson.told("E")) < float(lesson.told("before"))
    assert np.isfinite(first)


def test_what_if_the_step_is_too_long(visit):
    lesson = visit(**MOVES)
    ask(lesson, "What if: step too long")
    lesson.reach("diverged")
    told = lesson.told("told")
    assert "Settling raised the energy, far above the dashed line" in told
    assert float(lesson.told("before")) < 1e5, "which the settled energy has left"
    assert "Within a hundred batches, before it read better than chance" in told
    name = lesson.page.locator("#learn-accuracy-chart").get_attribute("aria-label")
    assert all(float(share) < 15 for share in re.findall(r"([\d.]+) % at", name))
    assert lesson.told("wrong-count") == "–"
    assert not lesson.page.locator("#learn-wrong").inner_text().strip(), "nothing is read"
    inked = """() => [...document.querySelectorAll('#learn-wrong canvas')].some(c =>
        c.getContext('2d').getImageData(0, 0, 28, 28).data.some(byte => byte))"""
    assert not lesson.page.evaluate(inked)
    assert lesson.iteration < 100 and lesson.told("accuracy") == "–"
    assert lesson.told("measured") == f"it blew up at batch {lesson.iteration}"
    assert (
        f"Step too long: the run diverged at batch {lesson.iteration}: too long steps of settling raised"
        " the energy off the scale, to more than a million times what it was at first."
    ) in lesson.told("status")
    assert lesson.told("E") == "off the scale"
    name = lesson.page.locator("#learn-energy-chart").get_attribute("aria-label")
    assert "before settling, off the scale after" in name and not re.search(r"\de\d", name)
    assert "lifted the dashed line too" in told and float(lesson.told("before")) > 5
    assert_its_end(lesson)
    ask(lesson, "As it should be")  # and all is well
    lesson.learn_for(PASS // 4)
    lesson.pause()
    assert int(lesson.told("accuracy")) > 700
    assert "As it should be: paused after batch" in lesson.told("status")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["HPC", "genPC", "discPC"])
def test_other_rules_end_as_the_page_says(name, visit):
    lesson = visit(**MOVES)
    lesson.radio(name).check()
    lesson.button("Train (loads 2 MB)").click()
    lesson.learn_for(PASS * learn.BPC.epochs)
    lesson.reach("ended")
    right, drawn = (
        int(lesson.told("accuracy")),
        np.median([likeness(lesson, digit) for digit in range(10)]),
    )
    told = lesson.told("told")
    assert f"{right} of 1,000" in told
    if name == "discPC":
        assert "alone discPC has learned to read" in told and right > 900
        assert "Its drawings stayed noise" in told and abs(drawn) < 0.3
    else:
        assert f"alone {name} has learned to draw" in told and drawn > 0.8
        assert "BPC" in told and "ends near 970" in told and 500 < right < 960


ANSWERS = re.compile("learned to|stay(ed)? noise|reads? worse|fewer than|ends? (below|near|at)")


@pytest.mark.parametrize("name", ["HPC", "genPC", "discPC"])
def test_another_rule_asks_first_and_answers_once_it_has_ended(name, visit):
    lesson = visit(**MOVES)
    article = lesson.page.locator("#train-one-from-nothing")
    assert not ANSWERS.search(article.inner_text())
    lesson.page.evaluate(SHORT)
    lesson.radio(name).check()
    asked = lesson.told("told")
    assert asked.endswith("Make a guess, then press Train.") and asked.count("?") == 1
    assert not ANSWERS.search(article.inner_text())
    lesson.button("Train (loads 2 MB)").click()
    lesson.reach("ended")
    assert f"{lesson.told('accuracy')} of 1,000" in lesson.told("told")
    assert "guess" not in lesson.told("told")


def slide(lesson, name, value):
    """Move a slider with the keyboard to what it says."""
    slider = lesson.page.locator(f"#learn-{name}")
    slider.focus()
    lesson.page.keyboard.press("Home")
    for _ in range(20):
        if slider.get_attribute("aria-valuetext") == value:
            return
        lesson.page.keyboard.press("ArrowRight")
    raise AssertionError(f"{name} has no {value}")


def test_a_run_that_diverges_says_so_in_words(visit):
    lesson = visit(**MOVES)
    lesson.start()
    slide(lesson, "rate", "10")
    slide(lesson, "steps", "8")
    lesson.button("Train").click()
    lesson.reach("diverged")
    status = lesson.told("status")
    assert (
        f"Your own settings, BPC: the run diverged at batch {lesson.iteration}: too long steps"
        in status
    )
    assert "Press Set step to 1, and it trains anew." in status
    slide(lesson, "rate", "1")
    assert lesson.told("status").endswith("learns with step 1, steps 8 once you start over.")
    lesson.button("Start over").click()
    lesson.reach("paused")
    lesson.button("One batch").click()
    expect(lesson.learn).to_have_attribute("data-iteration", "1")
    assert float(lesson.told("E")) < float(lesson.told("before"))


@pytest.mark.parametrize("phone", [False, True])
def test_a_step_that_is_mended_is_said_to_have_passed_the_place(phone, visit):
    lesson = visit(**(PHONE if phone else {}), **MOVES)
    ask(lesson, "What if: step too long")
    lesson.reach("diverged")
    fault = lesson.iteration
    assert "Press Set step to 1, and it trains anew." in lesson.told("status")
    assert "Set the step to 1, which trains anew at once" in lesson.told("told")
    offer = lesson.button("Set step to 1")
    if phone:
        expect(offer).to_be_in_viewport(ratio=0.99)
        lesson.radio("4").check()
        offer.tap()  # at once, as in the network above
        lesson.reach("running")
        expect(lesson.button("Pause")).to_be_focused()
        assert "Your own settings, BPC: starts from random weights" in lesson.told("status")
    else:  # its slider is in sight too
        expect(offer).to_be_visible()
        slide(lesson, "rate", "1")
        assert "learns with step 1 once you start over." in lesson.told("status")
        expect(offer).to_be_hidden()
        lesson.button("Start over").click()
        lesson.reach("paused")
        lesson.radio("4").check()
        lesson.button("Train").click()
    expect(offer).to_be_hidden()
    expect(lesson.page.locator("#learn-rate")).to_have_attribute("aria-valuetext", "1")
    told = lesson.page.locator("#learn-told .live-now")
    lesson.learn_for(fault + PASS // 4)
    lesson.pause()
    words = lesson.told("told")
    found = re.fullmatch(
        rf"With a step of 1 it has passed batch {fault}, where it had diverged: settling lowers the"
        r" energy, from ([\d.]+) to ([\d.]+), and at batch (\d+) it reads (\d+) of 1,000\.",
        words,
    )
    before, after, at, right = map(float, found.groups())
    assert fault < at <= lesson.iteration and after < before and right > 500
    name = lesson.page.locator("#learn-accuracy-chart").get_attribute("aria-label")
    assert f"{right / 10:.1f} % at batch {at:.0f}" in name
    lesson.button("What if: no settling").click()  # another experiment, without that word
    lesson.reach("paused")
    expect(told).not_to_contain_text("it had diverged")


def test_ones_own_run_ends_with_what_was_measured(visit):
    lesson = visit(**MOVES)
    lesson.page.evaluate(SHORT)
    lesson.radio("HPC").check()
    lesson.radio("BPC").check()
    lesson.start()
    first = lesson.told("accuracy")
    slide(lesson, "steps", "2")
    lesson.button("Train").click()
    lesson.reach("ended")
    group = lesson.page.locator("#learn-drawn").get_attribute("aria-label")
    own = re.search(r"the network reads (\d+) of them", group)[1]
    assert lesson.told("of") == "mean of 13 batches"
    assert lesson.told("told") == (
        f"Your own experiment. It reads {lesson.told('accuracy')} of 1,000, from {first} at first, and {own}"
        " of its own ten drawings. At its end settling lowers the energy, from"
        f" {lesson.told('before')} to {lesson.told('E')}."
    )
    end = lesson.told("E")
    chart = lesson.page.locator("#learn-energy-chart").get_attribute("aria-label")
    assert f"{end} after" in chart
    lesson.button("What if: no settling").click()  # and it stays that number, beside the next
    expect(lesson.page.locator("#learn-kept")).to_contain_text(f"energy {end} at its end.")


@pytest.mark.parametrize("width", [320, 390, 1280])
@pytest.mark.parametrize(
    "name, came",
    [("What if: step too long", "blow up"), ("discPC", "to read"), ("HPC", "both")],
)
def test_a_guess_is_taken_and_answered(name, came, width, visit):
    phone = {"has_touch": True, "is_mobile": True} if width < 500 else {}
    lesson = visit(viewport={"width": width, "height": 844}, **MOVES, **phone)
    lesson.page.evaluate(SHORT)
    status, choices = (
        lesson.page.locator("#learn-status"),
        lesson.page.locator("#learn-guess button"),
    )
    guesses = ["right", "wrong"] if width == 390 else ["right"]
    for guess in guesses:
        lesson.button("As it should be").click()
        (lesson.button if name.startswith("What") else lesson.radio)(name).click()
        if lesson.learn.get_attribute("data-state") != "asleep":
            lesson.reach("paused")
        words = choices.all_inner_texts()
        assert len({*words}) == 3 and came in words
        said = came if guess == "right" else next(each for each in words if each != came)
        choice = lesson.page.locator("#learn-guess").get_by_role("button", name=said, exact=True)
        choice.focus()
        lesson.page.keyboard.press("Enter")
        expect(choice).to_have_attribute("aria-pressed", "true")
        expect(status).to_have_text(f"You say: {said}. Press Train.")
        lesson.page.keyboard.press("Tab")
        train = lesson.button(re.compile("^Train"))
        expect(train).to_be_focused()
        assert all(
            box.bounding_box()["x"] + box.bounding_box()["width"] <= width for box in choices.all()
        )
        train.click()
        lesson.learn_for(3)
        expect(choices.first).to_have_attribute("aria-disabled", "true")
        lesson.page.wait_for_function("() => ['ended', 'diverged'].includes(learn.dataset.state)")
        expect(lesson.page.locator("#learn-guessed")).to_have_text(
            f"You said: {said}. " + ("Right." if said == came else f"It was: {came}.")
        )
        assert choices.filter(visible=True).count() == 0


def test_what_is_asked_for_agrees_with_what_the_button_does(visit):
    lesson = visit(**MOVES)
    asks = lesson.page.locator("#learn-told .live-now .live-ask")
    for name in WHAT_IFS:
        lesson.button(name).click()
        expect(asks).to_have_text("Make a guess, then press Train.")
        lesson.button(re.compile("^Train")).click()
        expect(asks).to_have_text("It trains; Pause stops it.")
        lesson.pause()
        expect(asks).to_have_text("It is paused; Train goes on.")


@pytest.mark.parametrize("width", [320, 390, 768, 1280])
def test_a_button_offers_a_shorter_step_where_a_run_has_diverged(width, visit):
    phone = {"has_touch": True, "is_mobile": True} if width < 500 else {}
    lesson = visit(viewport={"width": width, "height": 844}, **MOVES, **phone)
    ask(lesson, "What if: step too long")
    lesson.reach("diverged")
    offer = lesson.learn.locator(".live-offer").filter(visible=True)
    expect(offer).to_have_text("Set step to 1")
    for name in ("run", "once", "back"):  # beside what is always there
        expect(lesson.page.locator(f"#learn-{name}")).to_be_visible()
    assert lesson.page.evaluate("() => document.documentElement.scrollWidth") <= width
    cut = "() => [...document.querySelectorAll('.learn-bar button')].some(e => e.scrollWidth > e.clientWidth)"
    assert not lesson.page.evaluate(cut)
    offer.click()
    expect(lesson.page.locator("#learn-run")).to_be_focused()
    lesson.reach("running")
    assert lesson.page.locator("#learn-rate").get_attribute("aria-valuetext") == "1"


def test_beside_an_earlier_run_the_axes_stay(visit):
    lesson = visit(**MOVES)
    ask(lesson, "As it should be")
    lesson.learn_for(PASS + 40)
    lesson.pause()
    theme = iter(["dark", "light"] * 2)
    _, before, *_ = lesson.page.evaluate(DRAWN, ["learn-energy-chart", next(theme)])
    lesson.button("As it should be").click()
    lesson.reach("paused")
    lesson.button("Train").click()
    lesson.learn_for(30)
    lesson.pause()
    expect(lesson.page.locator("#learn-kept")).to_contain_text("Dotted, on the same axes: ")
    _, now, *_ = lesson.page.evaluate(DRAWN, ["learn-energy-chart", next(theme)])
    assert now == before and f"batch {PASS * learn.BPC.epochs}" in now


def test_what_is_soon_over_fills_the_charts(visit):
    lesson = visit(**MOVES)
    ask(lesson, "What if: step too long")
    lesson.reach("diverged")
    for chart in ("accuracy", "energy"):
        lines, words, wide, high = lesson.page.evaluate(
            DRAWN, [f"learn-{chart}-chart", "dark" if chart == "energy" else "light"]
        )
        assert "batch 100" in words
        x = [x for x, _ in lines]
        assert max(x) - min(x) > 0.5 * wide, chart
    lesson.button("As it should be").click()
    lesson.button("Train").click()
    for least, last in ((50, 100), (101, PASS), (PASS + 1, PASS * learn.BPC.epochs)):
        lesson.learn_for(least)
        lesson.pause()
        if lesson.iteration <= last:
            _, words, *_ = lesson.page.evaluate(
                DRAWN, ["learn-energy-chart", ["dark", "light"][least % 2]]
            )
            assert f"batch {last}" in words
        lesson.button("Train").click()
    lesson.pause()


# What a chart is drawn of: the ends of its lines that are not level, and what is written.
DRAWN = """([id, theme]) => { const lines = [], words = [], P = CanvasRenderingContext2D.prototype;
    const {lineTo, fillText, beginPath, stroke} = P; let points = [];
    P.beginPath = function () { points = []; beginPath.call(this) };
    P.lineTo = function (...place) {
        if (this.canvas.id == id) points.push(place); lineTo.apply(this, place) };
    P.stroke = function () { if (points.length > 2) lines.push(...points); stroke.call(this) };
    P.fillText = function (text, ...place) {
        if (this.canvas.id == id) words.push(text); fillText.call(this, text, ...place) };
    document.documentElement.dataset.theme = theme;
    const {clientWidth, clientHeight} = document.getElementById(id);
    return new Promise(done => requestAnimationFrame(() => setTimeout(() => {
        Object.assign(P, {lineTo, fillText, beginPath, stroke});
        done([lines, words, clientWidth, clientHeight]) }))) }"""


def test_a_run_whose_numbers_are_none_any_more_says_so(visit):
    lesson = visit()
    lesson.page.evaluate("() => { bpcLessons.hybrid.step_size = 1e30 }")
    lesson.radio("HPC").check()
    lesson.button("Train (loads 2 MB)").click()
    lesson.reach("diverged")
    assert "too long steps of settling raised the energy past all numbers." in lesson.told("status")
    assert lesson.told("E") == "–"


def test_a_setting_that_changes_in_the_middle_says_from_where_it_holds(visit):
    lesson = visit(**MOVES)
    what_if(lesson, "no settling", 20)
    at = lesson.iteration
    slide(lesson, "steps", "4")
    status = lesson.page.locator("#learn-status")
    expect(status).to_contain_text("It goes on with steps 4.")
    slide(lesson, "alpha-gen", "0.001")
    expect(status).to_contain_text("It goes on with steps 4, α gen 0.001.")
    lesson.button("Train").click()
    lesson.learn_for(at + 20)
    expected = f"Your own settings, BPC: goes on from batch {at} with steps 4, α gen 0.001."
    assert lesson.told("status").startswith(expected)
    slide(lesson, "steps", "2")  # while it runs
    expect(status).to_contain_text(re.compile(r"from batch \d+ with steps 2, α gen 0.001\."))
    assert int(re.search(r"from batch (\d+)", lesson.told("status"))[1]) > at
    lesson.pause()
    lesson.button("Start over").click()
    lesson.button("Train").click()
    expect(status).to_contain_text("BPC: starts from random weights. Learning")


def test_after_a_pause_it_is_said_to_go_on(visit):
    lesson = visit(**MOVES)
    lesson.start()
    lesson.button("Train").click()
    status = lesson.page.locator("#learn-status")
    expect(status).to_contain_text("As it should be: starts from random weights. Learning")
    lesson.learn_for(10)
    lesson.pause()
    at = lesson.iteration
    lesson.button("Train").click()
    expect(status).to_contain_text(f"As it should be: goes on from batch {at}. Learning")
    lesson.pause()
    lesson.start()
    lesson.button("Train").click()
    expect(status).to_contain_text("As it should be: starts from random weights.")
    lesson.pause()


def test_an_energy_that_settling_raised_is_said_to_be_at_once(visit):
    lesson = visit(**MOVES)
    lesson.start()
    slide(lesson, "rate", "10")
    slide(lesson, "steps", "4")
    raises = "Settling raises the energy: its steps are too long."
    assert raises not in lesson.told("status")
    for n in (1, 2, 3):
        lesson.button("One batch").click()
        expect(lesson.learn).to_have_attribute("data-iteration", str(n))
        lesson.reach("paused")
        shown = lesson.told("E")
        assert shown == "off the scale" or float(shown) > float(lesson.told("before"))
        assert raises in lesson.told("status")
    slide(lesson, "rate", "1")  # and is said of it no more
    expect(lesson.page.locator("#learn-status")).to_contain_text("It goes on with step 1")
    lesson.button("One batch").click()
    expect(lesson.learn).to_have_attribute("data-iteration", "4")
    assert float(lesson.told("E")) < float(lesson.told("before"))
    assert raises not in lesson.told("status")


def test_a_setting_is_said_to_hold_once_the_worker_holds_it(visit):
    lesson = visit(**MOVES)
    what_if(lesson, "no settling", 5)
    slide(lesson, "steps", "4")
    lesson.button("Train").click()
    status = lesson.page.locator("#learn-status")
    expect(status).to_contain_text(re.compile(r"from batch \d+ with steps 4\."))
    lesson.page.evaluate("""() => { const {postMessage} = Worker.prototype, held = [];
        Worker.prototype.postMessage = function (message) {
            message.type === 'change' ? held.push([this, message]) : postMessage.call(this, message) };
        globalThis.release = () => {
            for (const [worker, message] of held) postMessage.call(worker, message) } }""")
    slide(lesson, "steps", "2")
    at = lesson.iteration
    lesson.learn_for(at + 3)
    assert "with steps 4." in lesson.told("status")
    lesson.page.evaluate("() => release()")
    expect(status).to_contain_text(re.compile(r"from batch \d+ with steps 2\."))
    assert int(re.search(r"from batch (\d+)", lesson.told("status"))[1]) >= at + 3


def test_weights_that_a_setting_has_spoilt_have_a_word(visit):
    lesson = visit(**MOVES)
    lesson.start()
    slide(lesson, "rate", "10")
    slide(lesson, "steps", "4")
    status = lesson.page.locator("#learn-status")

    def learn_batches(count):
        for n in range(lesson.iteration + 1, lesson.iteration + count + 1):
            lesson.button("One batch").click()
            expect(lesson.learn).to_have_attribute("data-iteration", str(n))
            lesson.reach("paused")

    learn_batches(14)
    raises = "Settling raises the energy: its steps are too long."
    assert raises in lesson.told("status")
    slide(lesson, "rate", "1")
    expect(status).to_contain_text("It goes on with step 1, steps 4.")
    for batches in (12, 3):  # the first measuring has batches of before in its mean
        spoilt = "What it learned while settling raised the energy stays until you start over."
        expect(status).to_contain_text(spoilt)
        assert raises not in lesson.told("status")
        learn_batches(batches)
    lesson.button("Start over").click()
    expect(status).not_to_contain_text("What it learned")


def test_the_wrong_order_stays_with_ones_own_settings_and_is_named(visit):
    lesson = visit(**MOVES)
    what_if(lesson, "wrong order", 5)
    slide(lesson, "steps", "2")
    expect(lesson.page.locator("#learn-status")).to_contain_text(
        "Your own settings, BPC, in the wrong order: paused after batch"
    )


def test_precisions_and_steps_hold_from_the_next_batch_on(visit):
    lesson = visit()
    lesson.start()
    expect(lesson.button("As it should be")).to_have_attribute("aria-pressed", "true")
    slide(lesson, "steps", "0")
    expect(lesson.button("As it should be")).to_have_attribute("aria-pressed", "false")
    assert "holds from the next batch on" in lesson.told("told")
    energies = {}
    for n, alpha in enumerate(("0.0001", "0.001", "0.01"), start=1):
        slide(lesson, "alpha-gen", alpha)
        lesson.button("One batch").click()
        expect(lesson.learn).to_have_attribute("data-iteration", str(n))
        energies[alpha] = float(lesson.told("E-e"))
        assert lesson.told("E") == lesson.told("before")
    assert energies["0.001"] == pytest.approx(10 * energies["0.0001"], rel=0.2)
    assert energies["0.01"] == pytest.approx(100 * energies["0.0001"], rel=0.2)


@pytest.mark.parametrize(
    "name, rule, moves",
    [
        ("HPC", "hybrid", "e"),
        ("genPC", "generative", "e"),
        ("discPC", "discriminative", "d"),
        ("BPC", "bidirectional", "ed"),
    ],
)
def test_another_rule_starts_over_with_its_settings(name, rule, moves, visit):
    lesson = visit()
    lesson.start()
    lesson.button("One batch").click()
    expect(lesson.learn).to_have_attribute("data-iteration", "1")
    lesson.radio("discPC" if name == "HPC" else "HPC").check()
    lesson.radio(name).check()
    expect(lesson.learn).to_have_attribute("data-iteration", "0")
    lesson.reach("paused")
    lesson.button("One batch").click()
    expect(lesson.learn).to_have_attribute("data-iteration", "1")
    for error in "ed":
        told = lesson.told(f"E-{error}")
        assert (told == "off") == (error not in moves)
        assert told == "off" or float(told) > 0
        slider = lesson.page.locator(f"#learn-alpha-{'gen' if error == 'e' else 'disc'}")
        assert slider.is_enabled() == (error in moves)
        assert (slider.get_attribute("aria-valuetext") == "off") == (error not in moves)
    settings = name if name != "BPC" else "As it should be"
    assert lesson.told("status").startswith(f"{settings}: paused after batch 1 of")
    if name != "BPC":
        assert "Another rule, from random weights, with settings of its own" in lesson.told("told")
    if name == "genPC":  # it has to settle to read
        assert lesson.told("accuracy") == "–"
        for where in ("measured", "wrong-count", "status"):
            assert "measured after each pass" in lesson.told(where)
    config = learn.CONFIGS[rule]
    assert config.rule.moves == tuple(float(error in moves) for error in "ed")
    steps = lesson.page.locator("#learn-steps").get_attribute("aria-valuetext")
    assert steps == str(config.steps)


# Keyboard, fingers, screen readers, what does not come ----------------------------------------------


def test_a_keyboard_trains_and_pauses(visit):
    lesson = visit(**MOVES)
    page, keys = lesson.page, lesson.page.keyboard
    reached = {}
    page.locator("button[data-what-if]").first.focus()
    for _ in range(20):
        focused = page.evaluate(
            """() => { const e = document.activeElement, s = getComputedStyle(e);
                return [e.id || e.textContent || e.value, s.outlineStyle != 'none'
                    || (e.type == 'radio' && getComputedStyle(e.parentElement).outlineStyle != 'none')] }"""
        )
        reached[focused[0]] = focused[1]
        if focused[0] == "learn-steps":
            break
        keys.press("Tab")
    for wanted in "run once back alpha-gen alpha-disc rate steps".split():
        assert reached[f"learn-{wanted}"], f"{wanted} is not reached, or shows no focus"
    assert reached["0"] and reached["bidirectional"] and reached["As it should be"]
    page.locator("button[data-what-if]").first.focus()
    for _ in range(2):  # the four buttons are one stop, and arrows move
        keys.press("ArrowRight")
    expect(lesson.button("What if: wrong order")).to_be_focused()
    page.locator("#learn-run").focus()
    place = page.evaluate("() => scrollY")
    keys.press("Enter")
    expect(page.locator("#learn-run")).to_be_focused()
    keys.press(" ")  # while it loads, this does nothing
    lesson.reach("running")
    keys.press(" ")
    lesson.reach("paused")
    expect(page.locator("#learn-run")).to_be_focused()
    page.locator("#learn-back").focus()
    place = page.evaluate("() => scrollY")
    keys.press("Enter")
    lesson.reach("paused")
    expect(page.locator("#learn-back")).to_be_focused()
    keys.press(" ")
    assert page.evaluate("() => scrollY") == place, "no key scrolls the page"
    lesson.reach("paused")
    page.locator("[name=learn-rule]:checked").focus()
    keys.press("ArrowRight")
    expect(lesson.radio("HPC")).to_be_checked()
    expect(lesson.learn).to_have_attribute("data-iteration", "0")


def test_a_finger_trains_and_pauses(visit):
    lesson = visit(**PHONE, **MOVES)
    lesson.button("Train (loads 2 MB)").tap()
    lesson.learn_for(10)
    lesson.button("Pause").tap()
    lesson.reach("paused")
    lesson.button("What if: no settling").tap()
    lesson.reach("paused")
    lesson.button("Train").tap()
    lesson.reach("running")
    lesson.radio("1").locator("..").tap()
    expect(lesson.radio("1")).to_be_checked()
    lesson.button("Pause").tap()
    lesson.reach("paused")
    assert lesson.page.evaluate("() => scrollX") == 0


@pytest.mark.parametrize("width, height", [(390, 844), (320, 568)])
def test_on_a_phone_what_trains_and_what_came_of_it_are_in_sight_everywhere(width, height, visit):
    lesson = visit(**PHONE | {"viewport": {"width": width, "height": height}}, **MOVES)
    bar = lesson.page.locator(".learn-bar")
    places = ("[data-what-if=usual]", "#learn-drawn", "#learn-energy-chart", "#learn-steps")

    def in_sight():
        for place in places:
            lesson.page.locator(place).evaluate(
                "e => e.scrollIntoView({block: 'center', behavior: 'instant'})"
            )
            expect(lesson.page.locator(place)).to_be_in_viewport(ratio=0.99)
            for name in ("run", "once", "back", "accuracy", "at"):
                expect(lesson.page.locator(f"#learn-{name}")).to_be_in_viewport(ratio=0.99)
            free = """([e, bar]) => e.getBoundingClientRect().bottom <= bar.getBoundingClientRect().top"""
            both = [lesson.page.locator(place).element_handle(), bar.element_handle()]
            assert lesson.page.evaluate(free, both), place
        whole = """all => all.every(e => e.scrollWidth <= e.clientWidth
            && e.getBoundingClientRect().right <= innerWidth)"""
        assert bar.locator("button").evaluate_all(whole)
        assert bar.bounding_box()["height"] < 110

    in_sight()
    lesson.button("Train (loads 2 MB)").tap()
    lesson.learn_for(60)
    lesson.button("Pause").tap()
    lesson.reach("paused")
    in_sight()
    assert "batch" in lesson.told("at") and int(lesson.told("accuracy")) > 100
    lesson.page.evaluate("() => scrollTo(0, 0)")
    expect(lesson.page.locator("#learn-run")).not_to_be_in_viewport()


@pytest.mark.parametrize("width, least", [(390, 44), (320, 44), (1280, 24)])
def test_what_is_touched_is_large_enough_and_does_not_move(width, least, visit):
    lesson = visit(
        **(PHONE | {"viewport": {"width": width, "height": 844}} if width < 1000 else {})
    )
    sizes = lesson.page.evaluate(
        """() => [...learn.querySelectorAll('button, label, input[type=range], canvas')].filter(
            e => e.checkVisibility()).map(e => {
            const b = e.getBoundingClientRect();
            return [e.outerHTML.slice(0, 80), b.width, b.height, b.left, b.right]})"""
    )
    assert len(sizes) > 30
    for what, wide, high, left, right in sizes:
        assert high >= least - 0.5 or "canvas" in what, (what, wide, high)
        assert wide >= 24 - 0.5 and left >= 0 and right <= width, what
    top = """() => document.getElementById('learn-steps').getBoundingClientRect().top
        - learn.getBoundingClientRect().top"""
    before = lesson.page.evaluate(top)
    lesson.start()
    lesson.button("One batch").click()
    expect(lesson.learn).to_have_attribute("data-iteration", "1")
    assert lesson.page.evaluate(top) == pytest.approx(before, abs=1)


def test_a_screen_reader_finds_everything_named(visit):
    lesson = visit()
    named = lesson.learn.locator("canvas, button, input, progress").evaluate_all(
        "all => all.map(e => e.ariaLabel || e.textContent || e.closest('label')?.textContent || e.ariaHidden)"
    )
    assert len(named) > 35 and all(named)
    assert lesson.page.locator("#learn-status").get_attribute("role") == "status"


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_what_is_drawn_takes_the_colours_of_the_theme(theme, visit):
    lesson = visit(color_scheme=theme)
    lesson.start()
    for shown in (theme, {"light": "dark", "dark": "light"}[theme]):
        lesson.page.evaluate("t => { document.documentElement.dataset.theme = t }", shown)
        found = lesson.page.evaluate(
            """() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => {
                const canvas = document.querySelector('#learn-wrong canvas');
                const {data} = canvas.getContext('2d').getImageData(0, 0, 28, 28);
                const dark = [...data.keys()].find(i => i % 4 == 3 && data[i] == 255);
                done([[...data.slice(dark - 3, dark)],
                    getComputedStyle(learn).color.match(/\\d+/g).map(Number)]) })))"""
        )
        assert found[0] == found[1]


# The contrast of an element's words with what is behind them, which a canvas mixes.
CONTRAST = """e => {
    const context = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
    const grounds = [];
    for (let p = e; p; p = p.parentElement) grounds.unshift(getComputedStyle(p).backgroundColor);
    const mix = colours => { for (const c of colours) { context.fillStyle = c; context.fillRect(0, 0, 1, 1) }
        const [r, g, b] = [...context.getImageData(0, 0, 1, 1).data].map(x =>
            (x /= 255) <= 0.04045 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4);
        return 0.2126 * r + 0.7152 * g + 0.0722 * b + 0.05 };
    const both = [mix(grounds), mix([...grounds, getComputedStyle(e).color])];
    return Math.max(...both) / Math.min(...both) }"""


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_what_loads_says_so_and_is_legible(theme, browser, server):
    lesson = Lesson(browser, server, color_scheme=theme)
    held = []
    lesson.page.route("**/training.js", lambda route: held.append(route))
    lesson.button("Train (loads 2 MB)").click()
    loading = lesson.button("Loading 2 MB")
    expect(loading).to_be_focused()
    expect(loading).to_have_attribute("aria-disabled", "true")
    for name in ("Loading 2 MB", "One batch", "Start over"):
        assert lesson.button(name).evaluate(CONTRAST) >= 4.5, name
    lesson.button("What if: wrong order").click()
    assert lesson.told("status").startswith("Loading 2 MB")
    lesson.page.wait_for_timeout(0)  # so that the held route is heard of
    held[0].continue_()
    lesson.reach("paused")
    expect(lesson.page.locator("#learn-status")).to_contain_text("Wrong order: random weights.")
    lesson.context.close()
    assert not lesson.wrong


def test_digits_that_do_not_come_are_named_and_asked_for_again(browser, server):
    lesson = Lesson(browser, server)
    lesson.page.route("**/training.js", lambda route: route.abort())
    lesson.button("Train (loads 2 MB)").click()
    lesson.reach("failed")
    assert "The digits did not come: press Train to try again." in lesson.told("status")
    lesson.page.unroute("**/training.js")
    lesson.button("Train (loads 2 MB)").click()
    lesson.reach("running")
    lesson.context.close()


def test_without_webassembly_it_learns_in_javascript(visit, server):
    lesson = visit(server)
    answer = {"body": 'globalThis.bpcKernels = "AAAA";', "content_type": "text/javascript"}
    lesson.page.route("**/kernels.js", lambda route: route.fulfill(**answer))
    lesson.start()
    lesson.button("One batch").click()
    expect(lesson.learn).to_have_attribute("data-iteration", "1")
    lesson.button("Train").click()
    expect(lesson.page.locator("#learn-status")).to_contain_text("Learning, in JavaScript.")
    lesson.pause()


def test_haste_while_it_trains_leaves_what_was_asked_for_last(visit):
    lesson = visit(**MOVES)
    page = lesson.page
    lesson.button("Train (loads 2 MB)").dblclick()
    lesson.button("What if: step too long").dblclick()  # before the digits are there
    lesson.button("As it should be").dblclick()
    lesson.reach("paused")
    lesson.button("Train").click()
    lesson.learn_for(5)
    for width in (390, 1280, 320, 900):
        page.set_viewport_size({"width": width, "height": 800})
        lesson.page.locator("#learn-run").dblclick()
    for name in ("HPC", "discPC", "genPC", "BPC", "discPC"):
        lesson.radio(name).check()
    page.locator("#learn-run").evaluate("e => { for (let n = 0; n < 7; n++) e.click() }")
    lesson.button("Start over").dblclick()
    lesson.reach("paused")
    expect(lesson.learn).to_have_attribute("data-iteration", "0")
    lesson.button("One batch").click()
    expect(lesson.learn).to_have_attribute("data-iteration", "1")
    expect(lesson.radio("discPC")).to_be_checked()
    assert lesson.told("E-e") == "off" and float(lesson.told("E-d")) > 0


def test_a_setting_that_moves_while_the_loops_compile_holds_in_the_run(engine):
    """Between `begin` and its first batch a worker waits for WebAssembly, and hears the page."""
    draw = np.random.default_rng(0)
    images = encoded(np.frombuffer(zlib.compress(draw.bytes(256 * 392)), np.uint8))
    labels = encoded(draw.integers(0, 10, 256).astype(np.uint8))
    moved, given, without = engine.evaluate(
        """async digits => {
            const last = async (steps, changes) => {
                let arrive; const loops = new Promise(go => { arrive = go }), frames = [];
                const lesson = makeLesson({...learning, compiled: () => loops}, message => {
                    frames.push(message);
                    if (message.type == 'frame') setTimeout(() => lesson({type: 'seen', run: 1})) });
                await lesson({type: 'digits', kernels: 'AA==', digits});
                const settings = {...structuredClone(bpcLessons.bidirectional), steps};
                const begun = lesson({type: 'begin', settings, run: 1, pace: 0, running: false});
                if (changes) await lesson({type: 'change', changes, names: [], pace: 0});
                arrive(learning.plain);
                await begun;
                await lesson({type: 'run', iterations: 1});
                while (frames.at(-1).iteration === 0) await new Promise(go => setTimeout(go, 5));
                return frames.at(-1).last };
            return [await last(1, {steps: 8}), await last(8), await last(1)] }""",
        {"images": images, "labels": labels, "test_images": images, "test_labels": labels},
    )
    assert moved == given != without


def test_who_comes_back_while_it_trains_can_train_again(visit):
    lesson = visit(**MOVES)
    lesson.radio("HPC").check()
    lesson.button("Train (loads 2 MB)").click()
    lesson.learn_for(5)
    lesson.page.goto(lesson.base + "book/intro.html")
    lesson.page.go_back()
    rule = "() => document.querySelector('[name=learn-rule]:checked').value"
    assert lesson.page.evaluate(rule) in ("bidirectional", "hybrid")  # anew, or as it was left
    lesson.page.locator("#learn-run").wait_for()
    if lesson.learn.get_attribute("data-state") == "asleep":
        assert lesson.page.evaluate(rule) == "bidirectional"
        lesson.button("Train (loads 2 MB)").click()
    lesson.learn_for(10)
    lesson.pause()


def test_what_charts_are_scaled_by_stands_beside_their_lines(visit):
    lesson = visit(**MOVES)
    lesson.button("Train (loads 2 MB)").click()
    lesson.learn_for(40)
    lesson.pause()
    found = lesson.page.evaluate(
        """() => { const found = {lines: {}, words: {}}, drawn = CanvasRenderingContext2D.prototype;
            const {fillText, lineTo} = drawn;
            drawn.lineTo = function (x, y) { const {id} = this.canvas;
                found.lines[id] = Math.max(found.lines[id] ?? 0, x); lineTo.call(this, x, y) };
            drawn.fillText = function (words, x, y) { const {id} = this.canvas;
                if (this.textAlign == 'right') found.words[id] = Math.min(found.words[id] ?? Infinity,
                    x - this.measureText(words).width);
                fillText.call(this, words, x, y) };
            document.documentElement.dataset.theme = 'dark';
            return new Promise(done => requestAnimationFrame(() => setTimeout(() => {
                Object.assign(drawn, {fillText, lineTo}); done(found) }))) }"""
    )
    for chart in ("learn-accuracy-chart", "learn-energy-chart"):
        assert found["lines"][chart] < found["words"][chart], chart
    parts = lesson.page.locator("#learn .live-title, #learn .live-parts > span")
    marks = parts.filter(has=lesson.page.locator(".live-mark")).all_inner_texts()
    assert [words.split()[0] for words in marks] == ["Energy", "from", "from", "before"]


def test_two_tabs_learn_the_same_beside_each_other(visit):
    lessons = [visit(**MOVES), visit(**MOVES)]
    for lesson in lessons:
        lesson.button("Train (loads 2 MB)").click()
    for lesson in lessons:
        lesson.learn_for(PASS // 8)
        lesson.pause()
    least = max(lesson.iteration for lesson in lessons)
    for lesson in lessons:
        while lesson.iteration < least:
            at = lesson.iteration
            lesson.button("One batch").click()
            expect(lesson.learn).to_have_attribute("data-iteration", str(at + 1))
            lesson.reach("paused")
    one, other = ([each.told(name) for name in ("E", "E-e", "E-d")] for each in lessons)
    assert one == other


def gestures(lesson, seed, count, selector):
    """Do what comes to mind: press, slide, choose and draw, in any order; look for what is no number."""
    draw, page = random.Random(seed), lesson.page
    buttons, sliders = page.locator(f"{selector} button"), page.locator(f"{selector} input")
    pads = [name for name in ("pad", "image") if selector == ".live"]
    for n in range(count):
        what = draw.choice(["button", "button", "input", *pads])
        if what in pads:
            spots = [(draw.random(), draw.random()) for _ in range(draw.randrange(1, 4))]
            draw_with_mouse(lesson, spots, what)
        elif what == "button":
            button = buttons.nth(draw.randrange(buttons.count()))
            button.evaluate("e => { e.focus({preventScroll: true}) }")
            page.keyboard.press(draw.choice(["Enter", " "]))
        else:
            sliders.nth(draw.randrange(sliders.count())).focus()
            page.keyboard.press(draw.choice(["Home", "End", "ArrowLeft", "ArrowRight", "PageUp"]))
        if n % 10 == 0:
            shown = page.locator(selector).all_inner_texts()
            assert not ODD.search(" ".join(shown)), shown
    assert lesson.learn.get_attribute("data-state") != "failed"
    assert lesson.learn.get_attribute("data-iteration"), "it has learned something"


def test_a_hundred_random_gestures_leave_no_error_and_no_nan(visit):
    gestures(visit(**MOVES), 0, 100, "#learn")


@pytest.mark.slow
@pytest.mark.parametrize("options, seed", [(MOVES, 1), ({}, 2)], ids=["moves", "less motion"])
def test_hundreds_of_random_gestures_leave_no_error_and_no_nan(options, seed, visit):
    gestures(visit(**options), seed, 300, ".live")


# What readers asked for -----------------------------------------------------------------------------

DOTTED = """() => { const found = {}, drawn = CanvasRenderingContext2D.prototype;
    const {stroke, lineTo, beginPath} = drawn;
    let count = 0;
    drawn.beginPath = function () { count = 0; beginPath.call(this) };
    drawn.lineTo = function (...place) { count += 1; lineTo.apply(this, place) };
    drawn.stroke = function () { if (String(this.getLineDash()) == '1,4')
        (found[this.canvas.id] ??= []).push(count); stroke.call(this) };
    const {dataset} = document.documentElement;
    dataset.theme = dataset.theme == 'dark' ? 'light' : 'dark';
    return new Promise(done => requestAnimationFrame(() => setTimeout(() => {
        Object.assign(drawn, {stroke, lineTo, beginPath}); done(found) }))) }"""


def test_an_earlier_run_stays_as_a_dotted_line(visit):
    lesson = visit(**MOVES)
    kept = lesson.page.locator("#learn-kept")
    expect(kept).to_be_hidden()
    assert lesson.page.evaluate(DOTTED) == {}
    ask(lesson, "As it should be")
    lesson.learn_for(PASS // 2)
    lesson.pause()
    right, energy = lesson.told("accuracy"), float(lesson.told("E"))
    assert lesson.page.evaluate(DOTTED) == {}
    for name in ("What if: wrong order", "What if: no settling"):  # the right run beside each
        lesson.button(name).click()
        lesson.reach("paused")
        expect(kept).to_contain_text(f"an earlier run, As it should be: {right} of 1,000 at batch")
        lesson.button("Train").click()
        lesson.learn_for(PASS // 2)
        lesson.pause()
        drawn = lesson.page.evaluate(DOTTED)
        assert {*drawn} == {"learn-accuracy-chart", "learn-energy-chart"}
        assert all(max(counts) > 2 for counts in drawn.values())
        if "order" in name:
            assert float(lesson.told("E")) > 2 * energy
    lesson.button("As it should be").click()
    lesson.reach("paused")
    expect(kept).to_contain_text("an earlier run, No settling:")


def besides(lesson, what):
    return lesson.learn.locator(f"[data-beside={what}]").text_content()


@pytest.mark.slow
def test_what_settling_is_worth_is_said_as_this_page_measured_it(visit):
    lesson = visit(**MOVES)
    ask(lesson, "What if: no settling")
    lesson.learn_for(PASS * learn.BPC.epochs)
    lesson.reach("ended")
    assert "train As it should be" in besides(lesson, "right"), "none was measured yet"
    ask(lesson, "As it should be")
    lesson.learn_for(PASS * learn.BPC.epochs)
    lesson.reach("ended")
    right = lesson.told("accuracy")
    ask(lesson, "What if: no settling")
    lesson.learn_for(PASS * learn.BPC.epochs)
    lesson.reach("ended")
    assert f"With settling, your run As it should be ended at {right}" in lesson.told("told")
    assert int(right) > int(lesson.told("accuracy"))


@pytest.mark.parametrize("rule, off", [("BPC", ""), ("HPC", "d"), ("discPC", "e")])
def test_the_part_of_an_energy_that_does_not_count_is_struck_out(rule, off, visit):
    lesson = visit()
    lesson.radio(rule).check()
    for kind in "ed":
        place = lesson.learn.locator(f"[data-kind={kind}]")
        struck = place.evaluate("e => getComputedStyle(e).textDecorationLine == 'line-through'")
        assert struck == (kind == off) == place.text_content().endswith(" does not count")


def test_charts_their_key_and_sliders_are_on_one_screen_while_it_trains(visit):
    lesson = visit(viewport={"width": 1280, "height": 900}, **MOVES)
    lesson.page.goto(lesson.page.url + "#train-one-from-nothing")
    heading = lesson.page.locator("#train-one-from-nothing > h2")
    for _ in range(2):  # the second time with the note about the first, dotted
        lesson.button("As it should be").click()
        lesson.button(re.compile("^Train")).click()
        lesson.learn_for(30)
        lesson.pause()
        heading.evaluate("e => e.scrollIntoView({behavior: 'instant'})")
        top = heading.bounding_box()["y"]
        places = [
            "accuracy-chart",
            "energy-chart",
            "kept",
            "before",
            "of",
            "run",
            "alpha-gen",
            "steps",
        ]
        for name in places:
            box = lesson.page.locator(f"#learn-{name}").bounding_box()
            assert top < box["y"] and box["y"] + box["height"] <= 900, name
    assert "an earlier run" in lesson.told("kept")


@pytest.mark.parametrize("motion", ["reduce", "no-preference"])
def test_the_mark_of_a_heading_that_was_linked_to_fades(motion, visit):
    lesson = visit(reduced_motion=motion)
    lesson.page.goto(lesson.page.url + "#train-one-from-nothing")
    heading = lesson.page.locator("#train-one-from-nothing > h2")
    look = "e => [e.matches(':target > *'), getComputedStyle(e).animationName]"
    fades = "none" if motion == "reduce" else "bpc-arrived"
    assert heading.evaluate(look) == [True, fades]
    expect(heading).to_have_css("background-color", "rgba(0, 0, 0, 0)")


def test_the_step_that_is_offered_looks_primary_and_follows_train(visit):
    lesson = visit(**MOVES)
    run, offer = lesson.page.locator("#learn-run"), lesson.page.locator("#learn-offer")
    look = "e => getComputedStyle(e).backgroundColor"
    primary = run.evaluate(look)
    ask(lesson, "What if: step too long")
    lesson.reach("diverged")
    assert offer.evaluate(look) == primary != run.evaluate(look)
    assert offer.evaluate("e => e.scrollWidth <= e.clientWidth"), "it is not cut"
    run.focus()
    lesson.page.keyboard.press("Tab")
    expect(offer).to_be_focused()
