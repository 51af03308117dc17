"""The live figures of the chapters: their numbers are the package's, and each control does what it says.

A figure keeps its state and its method at `.live` of its element: that is what numbers are read from. What a
reader does is done: by mouse, by finger, by keys. Nothing waits for a time.
"""

import random
import re
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from conftest import CHROMIUM, ROOT

import bpc_minimal as bpc
from bpc_minimal.curvature import curvatures, spectral_norms

if not CHROMIUM:
    pytest.skip(
        "Chromium is not installed (Debian: apt-get install chromium)", allow_module_level=True
    )
pytest.importorskip("playwright.sync_api", reason="pip install playwright")
from playwright.sync_api import expect  # noqa: E402

sys.path.insert(0, str(ROOT / "tools"))
import pages_report  # noqa: E402
import sphinx_live  # noqa: E402

CHAPTERS = sorted(path.stem for path in (ROOT / "book").glob("[0-9]*.ipynb"))
FIGURES = {  # name to its chapter, its number, and what figures.toml says
    entry["name"]: (chapter, number, entry)
    for chapter in CHAPTERS
    for number, entry in sphinx_live.wanted(f"book/{chapter}").items()
}
PATIENCE = 120_000  # milliseconds; only what fails waits so long
expect.set_options(timeout=PATIENCE)
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}


@pytest.fixture(scope="module")
def server(site):
    with pages_report.served(site) as address:
        yield address


class Visit:
    """Somebody who has a chapter open and looks at one of its live figures."""

    def __init__(self, browser, base, name, **options):
        chapter, number, self.entry = FIGURES[name]
        desk = {"viewport": {"width": 1280, "height": 900}, "reduced_motion": "reduce"}
        self.context = browser.new_context(**desk | options)
        self.page, self.wrong, self.base = self.context.new_page(), [], base
        self.page.on("pageerror", lambda error: self.wrong.append(str(error)))
        self.page.on("console", lambda m: m.type == "error" and self.wrong.append(m.text))
        self.page.on("request", self.stays_here)
        self.page.goto(f"{base}book/{chapter}.html")
        self.figure = self.page.locator(f"#{number}")
        self.root = self.figure.locator(".lf")
        if self.figure.locator("xpath=ancestor::details").count():
            self.figure.evaluate("e => { e.closest('details').open = true }")

    def stays_here(self, request):
        if not request.url.startswith((self.base, "data:", "blob:")):
            self.wrong.append(f"asks for {request.url}")

    def wake(self):
        """Ask for a figure that comes when it is asked for."""
        if self.entry["when"] == "asked":
            self.figure.locator(".lf-invite").get_by_role("button").click()
            expect(self.root).to_have_attribute("data-state", "ready")

    def live(self, code, *given):
        """Ask the figure: `code` is of `live`, and of `given` where there is some."""
        return self.root.evaluate(
            f"(root, given) => {{ const live = root.live; return {code} }}", [*given]
        )

    def set(self, **values):
        """Move sliders to what is given."""
        for name, value in values.items():
            self.root.locator(f"input[name={name}]").fill(f"{value:g}")

    def press(self, name):
        self.root.get_by_role("button", name=name, exact=True).click()

    def says(self):
        return self.root.locator(".lf-says").inner_text()

    def drag(self, handle, to, finger=False):
        """Drag a handle to a place of its panel: by mouse, or by a finger."""
        grip = self.root.locator(".lf-handle").nth(handle)
        grip.scroll_into_view_if_needed()
        start = grip.evaluate("e => { const m = e.getScreenCTM(); return [m.e, m.f] }")
        end = grip.evaluate(
            """(e, [x, y]) => { const to = e.ownerSVGElement.getScreenCTM();
                const at = new DOMPoint(x, y).matrixTransform(to);
                return [at.x, at.y] }""",
            to,
        )
        way = [np.add(start, share * np.subtract(end, start)) for share in np.linspace(0, 1, 6)]
        if finger:
            fingers = self.context.new_cdp_session(self.page)
            for i, (x, y) in enumerate(way):
                kind = "touchMove" if i else "touchStart"
                spot = {"x": float(x), "y": float(y)}
                fingers.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [spot]})
            fingers.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
            return
        self.page.mouse.move(*way[0])
        self.page.mouse.down()
        for spot in way[1:]:
            self.page.mouse.move(*spot)
        self.page.mouse.up()


@pytest.fixture
def visit(browser, site):
    """Open a chapter from a disk, or from elsewhere; nothing may go wrong on it."""
    opened = []

    def go(name, base=None, **options):
        visit = Visit(browser, base or site.as_uri() + "/", name, **options)
        opened.append(visit)
        return visit

    yield go
    for each in opened:
        each.context.close()
        assert not each.wrong


# All of them ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", FIGURES)
def test_paper_and_a_browser_without_scripts_have_the_still_figure(name, visit, browser, site):
    reader = visit(name)
    chapter, number, entry = FIGURES[name]
    still = reader.figure.locator("> .bpc-panels")
    assert still.is_visible() == (entry["when"] != "at once")
    assert reader.root.is_visible() == (entry["when"] != "asked")
    on_screen = reader.figure.locator("figcaption").inner_text()
    reader.page.emulate_media(media="print")
    expect(still).to_be_visible()
    expect(reader.root).to_be_hidden()
    printed = reader.figure.locator("figcaption").inner_text()
    assert (printed != on_screen) == (entry["when"] != "asked" and "caption" in entry)
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto((site / f"book/{chapter}.html").as_uri())
    figure = page.locator(f"#{number}")
    figure.evaluate(
        "e => { for (let f = e; f = f.parentElement?.closest('details');) f.open = true }"
    )
    expect(figure.locator("> .bpc-panels")).to_be_visible()
    assert figure.locator("button:visible, input:visible, .lf:visible").count() == 0
    assert figure.locator("figcaption").inner_text() == printed
    context.close()


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("name", FIGURES)
def test_it_fits_the_screen_and_a_finger(name, width, theme, visit, server):
    reader = visit(name, server, color_scheme=theme, **(PHONE if width == 390 else {}))
    reader.wake()
    assert reader.page.evaluate("() => document.documentElement.scrollWidth") <= width
    least = 44 if width == 390 else 24
    sizes = reader.root.evaluate(
        """root => [...root.querySelectorAll('button, input, canvas[tabindex]')].map(e => {
            const b = e.getBoundingClientRect();
            return [e.outerHTML.slice(0, 80), b.width, b.height, b.left, b.right] })"""
    )
    assert len(sizes) > 3
    for what, wide, high, left, right in sizes:
        assert high >= least - 0.5 and wide >= least - 0.5, (what, wide, high)
        assert left >= 0 and right <= width, what
    assert not re.search("NaN|Infinity|undefined", reader.root.inner_text())


@pytest.mark.parametrize("name", FIGURES)
def test_sliders_have_names_words_and_keys(name, visit):
    reader = visit(name)
    reader.wake()
    assert "Try it." in reader.root.locator(".lf-try").inner_text()
    assert len(reader.root.locator("[role=img]").first.get_attribute("aria-label")) > 40
    sliders = reader.root.locator("input[type=range]")
    for slider in sliders.all():
        expect(slider).to_have_accessible_name(re.compile(".{3}"))
        shown = slider.locator("xpath=..").locator("output")
        slider.press("Home")
        first = slider.get_attribute("aria-valuetext")
        assert first and shown.inner_text() == first
        slider.press("ArrowRight")
        assert slider.get_attribute("aria-valuetext") != first == first.strip()
        assert shown.inner_text() == slider.get_attribute("aria-valuetext")
        focus = slider.evaluate("e => getComputedStyle(e).outlineStyle")
        assert focus != "none"


@pytest.mark.parametrize("name", FIGURES)
def test_a_screen_reader_hears_the_end_and_not_the_way(name, visit):
    reader = visit(name)
    reader.wake()
    reader.root.evaluate(
        """root => { window.heard = [];
            const status = root.querySelector('[role=status]');
            new MutationObserver(() => heard.push(status.textContent)).observe(status, {childList: true}) }"""
    )
    slider = reader.root.locator("input[type=range]").first
    for key in ("Home", "ArrowRight", "ArrowRight"):
        slider.press(key)
    status = reader.root.locator("[role=status]")
    expect(status).to_have_text(reader.says())
    assert len(reader.page.evaluate("() => heard")) <= 3
    assert len(reader.says()) > 30


@pytest.mark.parametrize("name, seed", [(name, seed) for seed, name in enumerate(FIGURES)])
def test_random_gestures_leave_no_error_and_no_nan(name, seed, visit):
    reader, draw = visit(name, reduced_motion="no-preference"), random.Random(seed)
    reader.wake()
    sliders, buttons = (
        reader.root.locator("input[type=range]"),
        reader.root.locator("button:enabled"),
    )
    handles = reader.root.locator(".lf-handle")
    for n in range(120):
        what = draw.choice(["slider", "button", "handle"])
        if what == "slider":
            key = draw.choice(["Home", "End", "ArrowLeft", "ArrowRight", "PageUp", "PageDown"])
            sliders.nth(draw.randrange(sliders.count())).press(key)
        elif what == "button":
            buttons.nth(draw.randrange(buttons.count())).press(draw.choice(["Enter", " "]))
        elif handles.count():
            reader.drag(
                draw.randrange(handles.count()), [draw.uniform(-50, 400), draw.uniform(-50, 350)]
            )
        if n % 10 == 0:
            shown = reader.root.evaluate("e => e.outerHTML")
            assert not re.search("NaN|Infinity|undefined", re.sub("<script.*?</script>", "", shown))


# Two springs ----------------------------------------------------------------------------------------

STORMS = [  # z_0, z_2, alpha_1, alpha_2, first, step_size
    (2, 3, 1, 2, 5, 0.1),
    (0.5, 5.5, 0.25, 4, 6, 0.3),
    (6, 0, 4, 0.25, 0, 0.47),
    (3, 3, 1.5, 1.5, 2.4, 0.65),
    (2, 3, 1, 2, 0, 0.7),
]
NAMES = "z_0", "z_2", "alpha_1", "alpha_2", "first", "step_size"


@pytest.mark.parametrize("storm", STORMS)
def test_springs_settle_as_the_package_does(storm, visit, float64):
    reader, given = visit("springs"), dict(zip(NAMES, storm, strict=True))
    reader.set(**given)
    found = reader.live("[live.settle, z => z, live.energy, live.slope].map((f, i) => "
                        "i ? live.settle().map(f) : [live.rest()])")  # fmt: skip
    ones = bpc.make_network(jax.random.PRNGKey(0), (1, 1, 1), "linear", use_bias=False)
    ones = jax.tree.map(lambda w: jnp.ones_like(w, float), ones)
    z = [jnp.full((1, 1), float(given[name])) for name in ("z_0", "first", "z_2")]
    alphas = {"alpha_gen": (given["alpha_1"], given["alpha_2"])}
    path = bpc.infer(
        ones, z, [True, False, True], bpc.GENERATIVE, 20, given["step_size"],
        step_rule="fixed", record=True, **alphas,
    )  # fmt: skip
    guesses = path.trajectory[1][:, 0, 0]
    slopes = [
        bpc.activity_gradient(ones, [z[0], jnp.full((1, 1), g), z[2]], alpha_disc=0.0, **alphas)[1]
        for g in guesses
    ]
    mean = np.average([given["z_0"], given["z_2"]], weights=[given["alpha_1"], given["alpha_2"]])
    theirs = [[mean], guesses, path.energies[:, 0], np.ravel(slopes)]
    for ours, package in zip(found, theirs, strict=True):
        np.testing.assert_allclose(ours, package, rtol=1e-5, atol=1e-9)


def test_each_slider_of_the_springs_changes_what_it_names(visit):
    reader = visit("springs")
    seen = {reader.root.locator(".bpc-panels").inner_html()}
    for n, name in enumerate(NAMES, 1):
        slider = reader.root.locator(f"input[name={name}]")
        slider.press("ArrowRight")
        assert reader.live(f"live.state.{name}") == float(slider.input_value())
        seen.add(reader.root.locator(".bpc-panels").inner_html())
        assert len(seen) == n + 1, f"{name} changes nothing that is seen"
    reader.set(z_0=2, z_2=3, alpha_1=1, alpha_2=3, first=0)
    assert "The pulls cancel at 2.75 km." in reader.says()


@pytest.mark.parametrize("by", ["mouse", "finger"])
def test_the_springs_are_dragged(by, visit):
    finger = by == "finger"
    reader = visit("springs", **(PHONE if finger else {}))
    z_0, z_2, ball, marker = range(4)
    x = "x => 36 + (x + 0.4) / 6.8 * 298"
    for handle, name, wanted in ((z_0, "z_0", 1.0), (z_2, "z_2", 4.5), (ball, "first", 6.0)):
        reader.drag(handle, [reader.page.evaluate(f"({x})({wanted})"), 215], finger)
        assert reader.live(f"live.state.{name}") == pytest.approx(wanted)
        assert reader.root.locator(f"input[name={name}]").input_value() == f"{wanted:g}"
    assert "After 20 of 20 steps" in reader.says(), "let go, it settles"
    reader.drag(marker, [36 + 0.9 * 298, 283], finger)
    assert reader.live("live.state.step_size") == pytest.approx(0.9)
    assert "each swing is larger" in reader.says()
    assert reader.page.evaluate("() => scrollX") == 0


def test_the_regimes_of_the_step(visit):
    reader = visit("springs")
    energies, away = "live.settle().map(live.energy)", "live.settle().map(z => z - live.rest())"
    for alpha in (1, 3):  # whatever the curvature is
        reader.set(alpha_1=alpha, first=5)
        c = alpha + 2
        for name, factor in (
            ("creeps", 0.7),
            ("arrives", 0),
            ("swings", -0.8),
            ("flies off", -1.1),
        ):
            reader.press(name)
            assert reader.live("live.state.step_size") == pytest.approx((1 - factor) / c)
            E, left = np.array(reader.live(energies)), np.array(reader.live(away))
            np.testing.assert_allclose(left[1:4], factor * left[:3], atol=1e-9)
            assert (np.diff(E) > 0).all() if name == "flies off" else E[-1] < E[0]
            chosen = reader.root.get_by_role("button", name=name, exact=True)
            expect(chosen).to_have_attribute("aria-pressed", "true")


@pytest.mark.parametrize("motion", ["no-preference", "reduce"])
def test_the_ball_moves_when_it_is_let_go_unless_less_motion_is_wanted(motion, visit):
    reader = visit("springs", reduced_motion=motion)
    assert "After 0 of 20 steps" in reader.says(), "nothing moves by itself"
    reader.root.evaluate(
        """root => { window.seen = [];
            const says = root.querySelector('.lf-says');
            new MutationObserver(() => seen.push(says.textContent.match(/[0-9]+/)[0]))
                .observe(says, {childList: true}) }"""
    )
    reader.press("Let go")
    expect(reader.root.locator(".lf-says")).to_contain_text("After 20 of 20 steps")
    seen = {*reader.page.evaluate("() => seen")}
    assert seen == ({"20"} if motion == "reduce" else {str(t) for t in range(1, 21)})


def test_the_ball_is_held_and_moved_step_by_step(visit):
    reader = visit("springs", reduced_motion="no-preference")
    go = reader.root.locator("button[name=go]")
    go.evaluate("e => { e.click(); e.click() }")
    expect(go).to_have_text("Let go")
    at = reader.live("live.state.at")
    assert at < 20
    reader.press("One step")
    assert f"After {at + 1} of 20 steps" in reader.says()


# A step past the curvature --------------------------------------------------------------------------

BOWLS = [  # w, fixed step or None, relative step or None, z_1, z_2
    (0.5, 0.34, None, 2.6, 1.8),
    (1.05, 0.34, None, -3, 2),
    (1.4, None, 1.0, 2, -2),
    (2.5, None, 1.4, 0.3, 1.1),
]


def chain_of_ones(w):
    network = bpc.make_network(jax.random.PRNGKey(0), (1, 1, 1, 1), "linear", use_bias=False)
    return jax.tree.map(lambda weight: jnp.full_like(weight, w, float), network)


@pytest.mark.parametrize("bowl", BOWLS)
def test_the_bowl_is_the_packages_energy(bowl, visit, float64):
    w, fixed, rate, z_1, z_2 = bowl
    reader = visit("bowl")
    reader.set(w=w, z_1=z_1, z_2=z_2, **({"rate": rate} if rate else {"step_size": fixed}))
    network = chain_of_ones(w)
    step = rate / (2 + 2 * w**2) if rate else fixed
    z = [jnp.full((1, 1), float(x)) for x in (1, z_1, z_2, 1)]
    clamped = [True, False, False, True]
    path = bpc.infer(network, z, clamped, steps=20, step_size=step, step_rule="fixed", record=True)
    found = reader.live(
        "[live.settle(), live.settle().map(live.energy), live.bound(), live.curvatures()]"
    )
    ours = np.array(found[0])
    for l in (1, 2):
        np.testing.assert_allclose(
            ours[:, l - 1], path.trajectory[l][:, 0, 0], rtol=1e-5, atol=1e-9
        )
    np.testing.assert_allclose(found[1], path.energies[:, 0], rtol=1e-5)

    def energy_of(hidden):
        states = [z[0], hidden[None, :1], hidden[None, 1:], z[3]]
        return bpc.energy(network, states)[0]

    H = np.asarray(jax.hessian(energy_of)(jnp.zeros(2)))
    assert [found[3]["flat"], found[3]["steep"]] == pytest.approx(np.linalg.eigvalsh(H), rel=1e-5)
    lowest = np.linalg.solve(H, -np.asarray(jax.grad(energy_of)(jnp.zeros(2))))
    np.testing.assert_allclose(reader.live("live.rest()"), lowest, rtol=1e-5)
    above = reader.live("live.settle().map(z => live.parts(z).sum)")
    np.testing.assert_allclose(
        above, np.array(found[1]) - energy_of(jnp.asarray(lowest)), rtol=1e-5, atol=1e-9
    )
    bounds = curvatures(network, [1.0] * 4, [1.0] * 4, spectral_norms(network))
    assert found[2] == pytest.approx(
        float(bounds[1]), rel=1e-3
    )  # the package's has room for rounding


def test_each_control_of_the_bowl_changes_what_it_names(visit):
    reader = visit("bowl")
    seen = {reader.root.locator(".bpc-panels").inner_html()}
    for n, name in enumerate(("w", "step_size", "rate", "z_1", "z_2"), 1):
        slider = reader.root.locator(f"input[name={name}]")
        slider.press("ArrowLeft")
        assert reader.live(f"live.state.{name}") == float(slider.input_value())
        seen.add(reader.root.locator(".bpc-panels").inner_html())
        assert len(seen) == n + 1, f"{name} changes nothing that is seen"
    for name in ("fixed", "relative"):
        reader.press(name)
        chosen = reader.root.get_by_role("button", name=name, exact=True)
        expect(chosen).to_have_attribute("aria-pressed", "true")
    reader.set(step_size=0.3)
    assert reader.live("live.state.rule") == "fixed", "whoever moves a step chooses its rule"
    for _ in range(2):
        reader.press("One step")
    assert reader.live("live.state.at") == 1
    reader.press("Settle")
    assert reader.live("live.state.at") == 20


@pytest.mark.parametrize("by", ["mouse", "finger"])
def test_the_start_in_the_bowl_is_dragged(by, visit):
    reader = visit("bowl", **(PHONE if by == "finger" else {}))
    reader.drag(0, [40 + (-2 + 3.2) / 6.4 * 294, 258 - (1 + 3.2) / 6.4 * 236], by == "finger")
    assert reader.live("[live.state.z_1, live.state.z_2]") == pytest.approx([-2, 1])
    assert reader.live("live.state.at") == 20, "let go, it settles"


def test_weights_that_grow_take_a_fixed_step_past_the_curvature_and_a_relative_one_not(visit):
    reader = visit("bowl")
    assert "it cannot climb" in reader.says()
    reader.press("Let the weights grow")
    assert "past 2, so it climbs in the steep direction" in reader.says()
    E = reader.live("live.settle().map(live.energy)")
    assert E[-1] > E[0]
    reader.press("relative")
    assert "it cannot climb" in reader.says()
    for w in (0.2, 1, 2, 3):  # up to 1 it falls, whatever the weights
        reader.set(w=w, rate=1)
        assert (np.diff(reader.live("live.settle().map(live.energy)")) <= 1e-12).all()
    reader.set(w=1, rate=1.3)
    assert "past 1, and it falls still" in reader.says()
    reader.set(rate=1.4)  # a fall first: the flat direction's
    parts = reader.live("live.settle().map(live.parts)")
    sums = [each["sum"] for each in parts]
    assert sums[1] < sums[0] and sums[-1] > sums[1]
    assert (np.diff([each["steep"] for each in parts]) > 0).all()
    assert (np.diff([each["flat"] for each in parts]) < 0).all()
