"""The live figures of the chapters: their numbers are the package's, and each control does what it says.

A figure keeps its state and its method at `.live` of its element: that is what numbers are read from. What a
reader does is done: by mouse, by finger, by keys. Nothing waits for a time.
"""

import base64
import json
import random
import re
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from conftest import CHROMIUM, ROOT

import bpc_minimal as bpc
from bpc_minimal import measured
from bpc_minimal.curvature import curvatures, spectral_norms

if not CHROMIUM:
    pytest.skip(
        "Chromium is not installed (Debian: apt-get install chromium)", allow_module_level=True
    )
pytest.importorskip("playwright.sync_api", reason="pip install playwright")
from playwright.sync_api import expect  # noqa: E402
from test_page_live import (  # noqa: E402
    LOOKS,
    named_without_its_value,
    network_of,
    sliders_scroll_and_slide,
    stored,
)

sys.path.insert(0, str(ROOT / "tools"))
import live_figures  # noqa: E402
import pages_report  # noqa: E402
import sphinx_live  # noqa: E402

CHAPTERS = sorted(path.stem for path in (ROOT / "book").glob("[0-9]*.ipynb"))
FIGURES = {}  # name to its chapter, its number, and what figures.toml says
for chapter in CHAPTERS:
    for number, entry in sphinx_live.wanted(f"book/{chapter}").items():
        name = entry["name"]
        again = f"{name}, chapter {int(chapter[:2])}"  # where one stands a second time
        FIGURES[again if name in FIGURES else name] = chapter, number, entry
PATIENCE = 600_000  # milliseconds; only what fails waits so long
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

    def reset(self):
        """Have the figure as it was when it came."""
        self.root.evaluate(
            """root => { const { state } = root.live;
                root.first ??= structuredClone(state);
                const slider = root.querySelector('input');
                for (let n = 0; n < 2; n++) {
                    Object.assign(state, structuredClone(root.first));
                    for (const each of root.querySelectorAll('input')) each.value = state[each.name];
                    if (!n) slider.dispatchEvent(new Event('input'));
                } }"""
        )

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
        self.stroke(way, finger)

    def stroke(self, way, finger):
        """Go from place to place of the screen, pressed down."""
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


@pytest.fixture(scope="module")
def opened():
    """Chapters stay open, as loading takes longer than looking."""
    visits = {}
    yield visits
    for each in visits.values():
        each.context.close()


@pytest.fixture
def visit(browser, site, opened):
    """Open a chapter, from a disk or elsewhere, at a figure as it was at first; nothing may go wrong."""
    used = []

    def go(name, base=None, **options):
        key = name, base, *sorted((option, str(value)) for option, value in options.items())
        if key not in opened:
            opened[key] = Visit(browser, base or site.as_uri() + "/", name, **options)
            opened[key].wake()
        opened[key].reset()
        used.append(opened[key])
        return opened[key]

    yield go
    for each in used:
        wrong, each.wrong = each.wrong, []
        assert not wrong


# All of them ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", FIGURES)
def test_paper_and_a_browser_without_scripts_have_the_still_figure(name, browser, site):
    chapter, number, entry = FIGURES[name]
    reader = Visit(browser, site.as_uri() + "/", name)
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
    reader.context.close()
    assert not reader.wrong


@pytest.mark.parametrize("width, theme", [(390, "dark"), (1280, "light")])
@pytest.mark.parametrize("name", FIGURES)
def test_it_fits_the_screen_and_a_finger(name, width, theme, visit, server):
    reader = visit(name, server, color_scheme=theme, **(PHONE if width == 390 else {}))
    assert reader.page.evaluate("() => document.documentElement.scrollWidth") <= width
    least = 44 if width == 390 else 24
    sizes = reader.root.evaluate(
        """root => [...root.querySelectorAll('button, input, canvas[tabindex]')].map(e => {
            const b = e.getBoundingClientRect();
            return [e.outerHTML.slice(0, 80), b.width, b.height, b.left, b.right] })"""
    )
    assert sizes
    for what, wide, high, left, right in sizes:
        assert high >= least - 0.5 and wide >= least - 0.5, (what, wide, high)
        assert left >= 0 and right <= width, what
    assert not re.search("NaN|Infinity|undefined", reader.root.inner_text())


def test_a_caption_names_a_page_by_its_title():
    captions = (ROOT / "book/live/figures/figures.toml").read_text("utf-8").replace("\\\n", "")
    title = re.search("^# (.+)", (ROOT / "book/live.md").read_text("utf-8"), re.M)[1]
    links = re.findall(r'<a href="live\.html">(.+?)</a>', captions)
    assert len(links) == 2 and {*links} == {title}


UNITS = {" /km²": " per square kilometre", " km²": " square kilometres", " km": " kilometres"}


def spoken(words):
    """Say what stands beside a slider as a screen reader is to say it: units are words."""
    for unit, name in UNITS.items():
        if words.endswith(unit):
            return words.removesuffix(unit) + name
    return words


@pytest.mark.parametrize("name", FIGURES)
def test_ticks_are_written_in_one_way(name, visit):
    written = visit(name).root.locator("svg text").all_text_contents()
    assert written and not [words for words in written if re.search(r"-\d|\de", words)]


@pytest.mark.parametrize("name", FIGURES)
def test_sliders_have_names_words_and_keys(name, visit):
    reader = visit(name)
    assert "Try it." in reader.root.locator(".lf-try").inner_text()
    assert len(reader.root.locator(".bpc-panels[role=img]").get_attribute("aria-label")) > 40
    sliders = reader.root.locator("input[type=range]")
    for slider in sliders.all():
        named_without_its_value(slider)
        shown = slider.locator("xpath=..").locator("output")
        slider.press("Home")
        first = slider.get_attribute("aria-valuetext")
        assert first and spoken(shown.inner_text()) == first
        slider.press("ArrowRight")
        assert slider.get_attribute("aria-valuetext") != first == first.strip()
        assert spoken(shown.inner_text()) == slider.get_attribute("aria-valuetext")
        focus = slider.evaluate("e => getComputedStyle(e).outlineStyle")
        assert focus != "none"


@pytest.mark.parametrize("name", FIGURES)
def test_a_scroll_that_begins_on_a_slider_changes_nothing(name, visit):
    reader = visit(name, **PHONE)
    sliders_scroll_and_slide(reader, reader.root.locator("input[type=range]").all())


@pytest.mark.parametrize("name", FIGURES)
def test_a_screen_reader_hears_the_end_and_not_the_way(name, visit):
    reader = visit(name)
    reader.root.evaluate(
        """root => { window.heard = [];
            const status = root.querySelector('[role=status]');
            new MutationObserver(() => heard.push(status.textContent)).observe(status, {childList: true}) }"""
    )
    slider = reader.root.locator("input[type=range]").first
    for key in ("Home", "ArrowRight", "ArrowRight"):
        slider.press(key)
    reader.page.wait_for_function(  # a map may still sharpen
        "root => heard.length && heard.at(-1) == root.querySelector('.lf-says').textContent",
        arg=reader.root.element_handle(),
    )
    assert len(reader.page.evaluate("() => heard")) <= 3
    assert len(reader.says()) > 30


# What who listens has heard when the picture was last drawn anew.
LISTEN = """root => { window.heard = [];
    const status = root.querySelector('[role=status]'), b = root.querySelector('button[name=go]');
    new MutationObserver(() => heard.push([status.textContent, b.textContent]))
        .observe(status, {childList: true}) }"""


@pytest.mark.parametrize("name", ["springs", "chain", "bowl"])
def test_who_listens_does_not_wait_until_a_run_was_shown(name, visit):
    reader = visit(name, reduced_motion="no-preference")
    reader.root.evaluate(LISTEN)
    if name == "springs":
        reader.root.locator("input[name=z_0]").press("ArrowRight")
    else:
        reader.root.locator("button[name=go]").click()
    reader.page.wait_for_function("() => heard.length")
    said, shown = reader.page.evaluate("() => heard[0]")
    assert shown == "Pause", "while it runs"
    expect(reader.root.locator("button[name=go]")).not_to_have_text("Pause")
    if name == "springs":  # and what it heard then is what it came to
        assert said == reader.says() and "After 20 of 20 steps" in said
        return
    assert said == "It runs."
    expect(reader.root.locator("[role=status]")).to_have_text(reader.says())


@pytest.mark.parametrize("name", ["chain", "bowl"])
def test_a_fold_says_that_a_live_figure_is_in_it(name, visit):
    reader = visit(name)
    fold = reader.figure.locator("xpath=ancestor::details[1]")
    expect(fold.locator("> summary")).to_contain_text("live figure")


@pytest.mark.parametrize("width", [320, 390])
@pytest.mark.parametrize("name, control", {
    "springs": "button[name=go]", "chain": "button[name=one]", "bowl": "button[name=one]",
    "landscape": "[data-model=BPC]", "dial": "input", "hidden": "button[name=go]",
    "mixture": "button[name=go]",
}.items())  # fmt: skip
def test_on_a_phone_what_moves_and_what_moves_it_are_on_one_screen(name, control, width, visit):
    reader = visit(name, **PHONE | {"viewport": {"width": width, "height": 844}})
    span = reader.root.evaluate(
        """(root, control) => { // the figure at its first line: nothing sticks to the screen yet
            scrollBy(0, root.getBoundingClientRect().top - innerHeight / 4);
            const box = css => root.querySelector(css).getBoundingClientRect();
            return box(control).bottom - box(".lf-image, .bpc-panels > svg, .lf-three canvas").top }""",
        control,
    )
    assert 0 < span < 844 - 120, "beside the page's own bars"
    assert reader.page.evaluate("() => document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("width", [320, 390])
@pytest.mark.parametrize("name", ["hidden", "mixture"])
def test_on_a_phone_the_image_stays_in_sight_of_every_slider(name, width, visit):
    reader = visit(name, **PHONE | {"viewport": {"width": width, "height": 788}})
    last = reader.root.locator("input[type=range]").last
    last.evaluate("e => scrollBy(0, e.getBoundingClientRect().bottom - innerHeight + 60)")
    for image in reader.root.locator(".lf-image, .lf-three canvas").all():
        box = image.bounding_box()
        assert 0 < box["y"] and box["y"] + box["height"] < 788 / 2
        seen = "e => { const r = e.getBoundingClientRect(); return e === document.elementFromPoint("
        assert image.evaluate(f"{seen}(r.left + r.right) / 2, (r.top + r.bottom) / 2) }}")


@pytest.mark.slow
@pytest.mark.parametrize("name, seed", [(name, seed) for seed, name in enumerate(FIGURES)])
def test_random_gestures_leave_no_error_and_no_nan(name, seed, visit):
    reader, draw = visit(name, reduced_motion="no-preference"), random.Random(seed)
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
        elif what == "button" and buttons.count():
            buttons.nth(draw.randrange(buttons.count())).press(draw.choice(["Enter", " "]))
            if not reader.root.is_visible():  # the still figure was asked for: it comes back
                reader.figure.locator(".lf-invite").get_by_role("button").press("Enter")
        elif handles.count():
            reader.drag(
                draw.randrange(handles.count()), [draw.uniform(-50, 400), draw.uniform(-50, 350)]
            )
        if n % 10 == 0:
            shown = reader.root.evaluate("e => e.outerHTML")
            shown = re.sub(
                '<script.*?</script>|data:image/png[^"]*', "", shown
            )  # whose letters are chance
            assert not re.search("NaN|Infinity|undefined", shown)


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


@pytest.mark.parametrize(
    "tie", [(2, 3, 1, 2), (0, 6, 4, 4), (6, 0, 4, 4), (0, 6, 4, 0.25), (0, 4, 4, 4)]
)
def test_the_bowl_of_the_springs_is_on_its_axis(tie, visit):
    reader = visit("springs")
    reader.set(**dict(zip(("z_0", "z_2", "alpha_1", "alpha_2"), tie, strict=True)))
    panel = reader.root.locator(".bpc-panels > svg").first
    (curve,) = panel.evaluate(
        """svg => [...svg.querySelectorAll('path')]
            .map(path => path.getAttribute('d').match(/[\\d.]+ [\\d.]+/g) ?? [])
            .filter(points => points.length > 30)
            .map(points => points.map(point => point.split(' ').map(Number)))"""
    )
    heights = [y for _, y in curve]
    top = int(panel.locator("text").all_text_contents()[12])  # after title, kilometres, 0 and half
    assert min(heights) >= 22 and max(heights) <= 168.01
    floor = reader.live("live.energy(live.rest())")
    assert max(heights) == pytest.approx(168 - 146 * floor / top, abs=1)
    assert max(heights[0], heights[-1]) < max(heights) and min(heights) < max(heights) - 20


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


def test_where_it_begins_at_rest_no_step_is_said_to_swing(visit):
    reader = visit("springs")
    reader.press("flies off")
    assert "each swing is larger than the last" in reader.says()
    reader.set(z_0=6, z_2=6, first=6)
    assert "it began where the pulls cancel, and stays" in reader.says()
    assert "swing" not in reader.says() and reader.live("live.settle()[20]") == 6


def test_where_it_flies_off_picture_and_words_agree(visit):
    reader = visit("springs")
    texts = "svg => [...svg.querySelectorAll('text')].map(e => e.textContent)"
    bowl, way = reader.root.locator(".bpc-panels > svg").all()
    assert not [words for words in bowl.evaluate(texts) if "→" in words or "←" in words]
    for press in ("flies off", "One step", "One step"):
        reader.press(press)
        if press == "flies off":
            first = "e => { e.value = 5; e.dispatchEvent(new Event('input')) }"  # and not let go
            reader.root.locator("input[name=first]").evaluate(first)
            assert "After 0 of 20 steps" in reader.says()
            for _ in range(4):
                reader.press("One step")
        guess, energy = re.search(r"guess (\S+) km, energy (\S+),", reader.says()).groups()
        inside = -0.4 < float(guess.replace("−", "-")) < 6.4
        beside = [words for words in bowl.evaluate(texts) if "→" in words or "←" in words]
        assert beside == (
            [] if inside else [f"{guess} km →" if guess[0] != "−" else f"← {guess} km"]
        )
        assert (f"{guess} km" in way.evaluate(texts)) != inside
        high = [words for words in bowl.evaluate(texts) if "↑" in words]
        assert high == ([f"E = {energy} ↑"] if float(energy) > 20 else [])
    reader.press("flies off")
    assert "After 20 of 20 steps: guess 18.36 km, energy 369.95" in reader.says()
    assert {"18.36 km →", "E = 369.95 ↑"} <= {*bowl.evaluate(texts)}
    assert "18.36 km" in way.evaluate(texts)
    crossed = """svg => { const {height} = svg.viewBox.baseVal; // the lines are below 22 of it
        const all = [...svg.querySelectorAll('text')];
        const box = words => all.find(e => e.textContent == words).getBBox();
        const at = box('18.36 km'), title = box('step by step');
        return height != 300 || at.y + at.height > 22 || at.x < title.x + title.width }"""
    assert not way.evaluate(crossed)


@pytest.mark.parametrize("width", [320, 390])
def test_on_a_phone_the_springs_and_what_moves_them_are_on_one_screen(width, visit):
    """The bowl with its buttons; and the way with its words above the sliders, and the energy in a bar."""
    reader = visit("springs", **PHONE | {"viewport": {"width": width, "height": 844}})
    sliders = reader.root.locator("input").all()
    bar = reader.root.locator(".lf-bar")
    for first, parts in (
        (0, [*map(reader.root.locator, ("button[name=go]", "button[name=flies]"))]),
        (1, [reader.root.locator(".lf-says"), *sliders]),
    ):
        panel = reader.root.locator(".bpc-panels > svg").nth(first)
        panel.evaluate("e => scrollBy(0, e.getBoundingClientRect().top - 56)")
        header = reader.page.locator(".bd-header-article").bounding_box()
        top = bar.bounding_box()["y"]
        assert top + bar.bounding_box()["height"] <= 845
        for part in (panel, *parts):
            at = part.bounding_box()
            assert at["y"] >= header["y"] + header["height"] - 1 and at["y"] + at["height"] <= top
    assert reader.root.locator(".bpc-panels > svg").nth(1).bounding_box()["y"] < min(
        slider.bounding_box()["y"] for slider in sliders
    )
    reader.set(first=0)
    assert f"energy {float(reader.live('live.energy(live.settle()[live.state.at])')):.2f}" in (
        bar.inner_text().replace("\n", " ")
    )


def test_numbers_that_no_picture_has_room_for_are_words(visit):
    reader = visit("springs")
    reader.set(alpha_1=4, alpha_2=4, step_size=1)
    reader.press("Let go")
    assert reader.live("live.energy(live.settle()[20])") > 1e9
    assert (
        "After 20 of 20 steps, guess and energy are off the scale: the step is too long."
        in reader.says()
    )
    drawn = " ".join(reader.root.locator(".bpc-panels text").all_text_contents())
    assert "off the scale" in drawn and not re.search(r"\de\d", reader.says() + drawn)
    assert "off the scale" in reader.root.locator(".lf-bar").text_content()


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
    seen = {*reader.page.evaluate("() => seen")} - {"0"}
    assert seen == ({"20"} if motion == "reduce" else {str(t) for t in range(1, 21)})


@pytest.mark.parametrize("name", [name for name in FIGURES if name != "dial"])
def test_what_runs_is_paused(name, visit):
    """By the word that pauses everywhere; what is held is something else."""
    reader = visit(name, reduced_motion="no-preference")
    for go in reader.root.locator("button[name=go], button[name=grow]").all():
        before = go.inner_text()
        seen = go.evaluate(
            "e => { e.click(); const running = e.textContent; e.click(); return [running, e.textContent] }"
        )
        assert seen == ["Pause", before]


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


def test_its_panels_go_on_from_the_still_figures(visit):
    reader = visit("bowl")
    texts = "svg => [...svg.querySelectorAll('text')].map(e => e.textContent)"
    letters = [
        next(words for words in svg.evaluate(texts) if re.fullmatch("[a-z]", words))
        for svg in reader.root.locator(".bpc-panels > svg").all()
    ]
    caption = reader.figure.locator("figcaption").inner_text()
    assert letters == ["d", "e"] and "c: accuracy" in caption
    assert "Below (d, e)" in caption and "the dotted line in e" in caption
    named = reader.root.locator(".bpc-panels").get_attribute("aria-label")
    assert named.startswith("d: ") and " e: " in named


def test_each_control_of_the_bowl_changes_what_it_names(visit):
    reader = visit("bowl")
    seen = {reader.root.locator(".bpc-panels").inner_html()}
    for n, name in enumerate(("w", "step_size", "rate", "z_1", "z_2"), 1):
        slider = reader.root.locator(f"input[name={name}]")
        slider.press("ArrowLeft")
        assert reader.live(f"live.state.{name}") == float(slider.input_value())
        seen.add(reader.root.locator(".bpc-panels").inner_html())
        assert len(seen) == n + 1, f"{name} changes nothing that is seen"
    for name, counts, off in (("fixed", "step_size", "rate"), ("relative", "rate", "step_size")):
        reader.press(name)
        chosen = reader.root.get_by_role("button", name=name, exact=True)
        expect(chosen).to_have_attribute("aria-pressed", "true")
        for slider, words in ((counts, f"{reader.live(f'live.state.{counts}'):g}"), (off, "off")):
            slider = reader.root.locator(f"input[name={slider}]")
            assert slider.get_attribute("aria-valuetext").startswith(words)
            expect(slider.locator("xpath=../output")).to_contain_text(words)
            expect(slider).to_be_enabled()
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


def test_a_way_along_the_flat_direction_falls_however_long_the_step(visit):
    reader = visit("bowl")
    reader.press("relative")
    reader.set(w=3, rate=2.4, z_1=-3, z_2=-3)
    expect(reader.root.locator(".lf-says")).to_contain_text(
        "hardly anything is in the steep direction"
    )
    assert "and falls to" in reader.says() and "climbs" not in reader.says()


def test_weights_that_grow_take_a_fixed_step_past_the_curvature_and_a_relative_one_not(visit):
    reader = visit("bowl")
    task = reader.root.locator(".lf-try").inner_text()
    grow, follow = (reader.root.locator(f"button[name={name}]") for name in ("grow", "curvature"))
    assert f"Press {grow.inner_text()}:" in task and f"Then press {follow.inner_text()}:" in task
    assert "the energy in e climbs" in task and "it falls again" in task
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


# Hidden pixels that settle, and the dial ------------------------------------------------------------

DIAL = {-4: (1, 0), -2: (1, 1e-2), 0: (1, 1), 3: (1e-3, 1), 4: (0, 1)}  # precisions of e and of d


@pytest.mark.parametrize("dial", DIAL)
def test_hidden_pixels_settle_as_in_the_package(dial, visit):
    reader = visit("hidden")
    reader.set(dial=dial, at=20)
    data = live_figures.hidden()
    digits = np.frombuffer(base64.b64decode(data["images"]), np.uint8).reshape(10, 784)
    seen = np.isin(np.arange(784), data["seen"])
    network, (alpha_gen, alpha_disc) = network_of(stored("bidirectional")), DIAL[dial]
    image = jnp.where(seen, bpc.normalise(digits[8:9]), 0)
    precise = {"alpha_gen": alpha_gen, "alpha_disc": alpha_disc}
    path = bpc.infer(
        network, bpc.sweep_up(network, image), [False, False, False, seen], bpc.BIDIRECTIONAL, 20, 1.0,
        record=True, **precise,
    )  # fmt: skip
    found = reader.live("live.settle(20).z.map(z => [...z])")
    for ours, z in zip(found, path.trajectory, strict=True):
        theirs = np.asarray(z[-1, 0])
        assert np.abs(ours - theirs).max() <= 1e-5 * np.abs(theirs).max()
    energies = [each["e"] + each["d"] for each in reader.live("live.energies()")]
    np.testing.assert_allclose(energies, path.energies[:, 0], rtol=1e-5, atol=1e-6)
    assert f"Energy {energies[-1]:.1f}" in reader.says()
    if dial == 4:
        assert "all stays" in reader.says() and energies[-1] == energies[0]


def test_each_control_of_the_hidden_image_does_what_it_says(visit):
    reader = visit("hidden")
    assert "The sweep said 3" in reader.says()
    reader.press("Settle")
    assert "Step 200 of 200" in reader.says() and "the label says 8" in reader.says()
    assert "filled in says 8" in reader.says()
    reader.press("Back to the sweep")
    reader.press("One step")
    assert "Step 1 of 200" in reader.says()
    hidden = "784 - live.state.visible.reduce((sum, seen) => sum + seen, 0)"
    for name, count in (("half", 392), ("nothing", 0), ("4 of 5", 784 - 157)):
        reader.press(name)
        assert reader.live(hidden) == count and "Step 0 of" in reader.says()
        assert "a sweep over what is filled in says" not in reader.says(), "nothing is, yet"
        reader.press("One step")
        assert ("a sweep over what is filled in says" in reader.says()) == (count > 0)
        assert ("nothing is hidden" in reader.says()) == (count == 0)
    reader.press("4 of 5")
    reader.root.locator("input[name=dial]").press("End")
    reader.press("Settle")
    assert "nothing is filled in." in reader.says() and "a sweep over" not in reader.says()
    reader.press("nothing")
    for digit in (0, 1, 4, 7):
        reader.press(f"Take this {digit}")
        assert f"The sweep said {digit}" in reader.says()


def of_chapter_7():
    """Give the two networks that chapter 7's figure loads."""
    scripts = live_figures.MISSING.read_text("utf-8").split("] = ")[1:]
    fields = [json.loads(script.split("};")[0] + "}") for script in scripts]
    names = live_figures.missing()["networks"]
    return {name: network_of(each) for name, each in zip(names, fields, strict=True)}


def test_chapter_7_compares_its_two_networks_as_in_the_package(visit):
    reader, data = visit("hidden, chapter 7"), live_figures.missing()
    digits = np.frombuffer(base64.b64decode(data["images"]), np.uint8).reshape(10, 784)
    seen = np.arange(784) < 392
    image = jnp.where(seen, bpc.normalise(digits[:1]), 0)
    assert "sweeps a 7" in reader.root.locator(".lf-try").inner_text()
    answers = {}
    for name, network in of_chapter_7().items():
        choice = reader.root.get_by_role("button", name=data["networks"][name])
        choice.click()
        expect(choice).to_have_attribute("aria-pressed", "true")
        reader.press("Settle")
        swept = bpc.sweep_up(network, image)
        z = bpc.infer(
            network, swept, [False, False, False, seen], bpc.BIDIRECTIONAL, 200, 1.0,
            alpha_gen=1.0, alpha_disc=0.1,
        )  # fmt: skip
        found = reader.live("live.settle(200).z.map(z => [...z])")
        for ours, theirs in zip(found, z, strict=True):
            assert np.abs(ours - np.asarray(theirs[0])).max() <= 1e-3 * np.abs(theirs).max()
        answers[name] = [int(y[0].argmax()) for y in (swept, z)]
        answers[name].append(int(bpc.sweep_up(network, z[-1])[0].argmax()))
        sweep, label, again = answers[name]
        assert f"The network that {data['networks'][name]}. Step 200 of 200." in reader.says()
        assert f"The sweep said {sweep}; the label says {label}" in reader.says()
        assert f"filled in says {again}" in reader.says()
        differs = "That they differ is no fault: e moves the label to the mixture of digits"
        assert (differs in reader.says()) == (label != again)
    assert answers["masked"] == [0, 9, 0], "which is what is to be explained"
    assert answers["whole"][0] == 7 and answers["masked"][0] == 0


@pytest.mark.slow
def test_chapter_7s_networks_are_those_that_it_trains():
    for (name, network), kept in zip(
        live_figures.missing_networks().items(), of_chapter_7().values(), strict=True
    ):
        images = bpc.normalise(bpc.load_mnist("test")[0][:500])
        ours, theirs = (bpc.sweep_up(each, images)[0].argmax(1) for each in (network, kept))
        assert (ours == theirs).mean() > 0.97, name


@pytest.mark.parametrize("by", ["mouse", "finger"])
def test_pixels_are_hidden_and_shown_by_a_brush(by, visit):
    reader = visit("hidden", **(PHONE if by == "finger" else {}))
    hidden = "784 - live.state.visible.reduce((sum, seen) => sum + seen, 0)"
    reader.press("nothing")
    canvas = reader.root.locator(".lf-image")

    def brush():
        canvas.scroll_into_view_if_needed()
        box = canvas.bounding_box()
        way = [
            (box["x"] + s * box["width"], box["y"] + 0.5 * box["height"]) for s in (0.1, 0.5, 0.9)
        ]
        reader.stroke(way, by == "finger")

    brush()
    band = reader.live(hidden)
    assert 80 < band < 160, "a band from side to side, without gaps"
    reader.press("shows")
    brush()
    assert reader.live(hidden) == 0
    reader.press("hides")
    canvas.focus()
    for key in ("ArrowLeft", "ArrowUp", " "):
        reader.page.keyboard.press(key)
    assert 10 < reader.live(hidden) < 25


def test_arrows_say_where_the_brush_is_and_what_is_there(visit):
    reader = visit("hidden")
    reader.press("half")
    reader.root.locator(".lf-image").focus()
    said = reader.root.locator(".lf-status")
    for _ in range(9):  # to a corner, wherever it was
        reader.page.keyboard.press("ArrowRight")
        reader.page.keyboard.press("ArrowDown")
    expect(said).to_have_text("Row 27, column 27 of 28, hidden.")
    for _ in range(5):
        reader.page.keyboard.press("ArrowUp")
    expect(said).to_have_text("Row 12, column 27 of 28, seen.")
    assert "The sweep said" in reader.says(), "what is seen stays"


@pytest.mark.parametrize(
    "name, button, ends",
    [
        ("hidden", "Settle", "Step 200 of 200"),
        ("springs", "Let go", "After 20 of 20 steps"),
        ("chain", "Run", "After step 600"),
    ],
)
def test_there_is_no_step_after_the_last(name, button, ends, visit):
    reader = visit(name)
    one = reader.root.get_by_role("button", name="One step")
    expect(one).to_have_attribute("aria-disabled", "false")
    reader.press(button)
    expect(reader.root.locator(".lf-says")).to_contain_text(ends)
    expect(one).to_have_attribute("aria-disabled", "true")
    assert one.evaluate(LOOKS) == ["dashed", "not-allowed"]
    one.click(force=True)
    assert ends in reader.says()
    why = one.get_attribute("title")
    assert why.startswith("No step is left: ") and reader.says().startswith(why)
    expect(reader.root.locator(".lf-status")).to_have_text(why)


def test_bars_have_a_scale_and_no_colour_of_an_error(visit):
    for name in ("hidden", "mixture"):
        reader = visit(name)
        panel = reader.root.locator(".bpc-panels > svg").first
        assert {"0", "0.5", "1"} <= {*panel.locator("text").all_text_contents()}
        fills = panel.locator("rect[width='20']").evaluate_all("all => all.map(e => e.style.fill)")
        assert len(fills) == 10 and {*fills} == {"currentcolor"}


def test_the_still_figure_comes_back_and_the_live_one_as_it_was(visit):
    reader = visit("hidden")
    reader.press("half")
    before = reader.says()
    reader.press("Show the still figure")
    expect(reader.root).to_be_hidden()
    expect(reader.figure.locator("figcaption, .bpc-panels").first).to_be_visible()
    asking = reader.figure.locator(".lf-invite").get_by_role("button")
    expect(asking).to_be_focused()
    asking.click()
    expect(reader.root).to_be_visible()
    assert reader.says() == before


def test_the_network_is_asked_for_and_comes_once(browser, site, server):
    for base in (site.as_uri() + "/", server):
        reader = Visit(browser, base, "hidden")
        loaded = []
        reader.page.on(
            "request", lambda r, loaded=loaded: loaded.append(r.url.split("/")[-1].split("?")[0])
        )
        assert "It brings 0.5 MB." in reader.figure.locator(".lf-invite").text_content()
        reader.wake()
        assert loaded == ["network.js", "bidirectional.js"]
        focused = reader.page.evaluate("() => document.activeElement.textContent")
        assert focused == "Settle"
        reader.context.close()
        assert not reader.wrong


def test_a_network_that_does_not_come_is_named(browser, server):
    reader = Visit(browser, server, "hidden")
    reader.page.route("**/bidirectional.js*", lambda route: route.abort())
    asking = reader.figure.locator(".lf-invite")
    asking.get_by_role("button").click()
    expect(asking).to_contain_text("The network did not come: load the page again.")
    reader.page.unroute("**/bidirectional.js*")
    reader.wake()  # the next time it comes
    expect(reader.root).to_be_visible()
    reader.context.close()


# A mixture of labels --------------------------------------------------------------------------------

MIXTURES = [{4: 0.5, 9: 0.5}, {0: -0.3, 3: 0.7, 8: 0.45}, dict.fromkeys(range(10), 0.1)]


@pytest.mark.parametrize("mixture", MIXTURES, ids=range(3))
def test_a_mixture_draws_as_in_the_package(mixture, visit):
    reader = visit("mixture")
    label = np.array([mixture.get(k, 0.0) for k in range(10)], np.float32)
    reader.set(**{f"label_{k}": float(x) for k, x in enumerate(label.round(2))})
    network = network_of(stored("generative"))
    theirs = np.asarray(bpc.denormalise(bpc.sweep_down(network, label[None])[-1]))[0]
    ours = np.array(reader.live("[...live.drawn()]"))
    assert np.abs(ours - theirs).max() <= 1e-5 * np.abs(theirs).max()
    shown = reader.root.locator("canvas[data-name=drawn]").evaluate(
        "c => [...c.getContext('2d').getImageData(0, 0, 28, 28).data].filter((_, i) => i % 4 == 3)"
    )
    assert np.abs(np.array(shown) / 255 - np.clip(ours, 0, 1)).max() < 0.01
    largest = np.flatnonzero(label == label.max())
    words = {
        1: f"{label.max():.2f} of {largest[0]} is the largest part",
        2: f"{label.max():.2f} each of 4 and 9 are the largest parts",
        10: "All parts are alike, 0.10 each",
    }
    assert words[len(largest)] in reader.says()
    digit = np.frombuffer(base64.b64decode(live_figures.ten_digits()["images"]), np.uint8)[
        9 * 784 :
    ]
    missed = np.sqrt(np.mean((theirs - digit / 255) ** 2))
    assert f"misses this 9 by {missed:.3f}" in reader.says()


def test_it_reads_an_image_as_the_package_does(visit):
    reader = visit("mixture")
    reader.press("Show it this 7")
    assert "After 100 steps of reading" in reader.says()
    digits = np.frombuffer(base64.b64decode(live_figures.ten_digits()["images"]), np.uint8)
    network = network_of(stored("generative"))
    image = bpc.normalise(digits.reshape(10, 784)[7:8])
    start = [*bpc.sweep_down(network, jnp.full((1, 10), 0.1))[:-1], image]
    z = bpc.infer(network, start, [False, False, False, True], bpc.GENERATIVE, 100, 1.0)
    np.testing.assert_allclose(reader.live("live.label()"), np.asarray(z[0])[0], atol=1e-4)
    assert "of 7 is the largest part" in reader.says()
    reader.press("The right label")
    assert reader.live("live.label()") == [float(k == 7) for k in range(10)]
    reader.press("Nothing")
    assert not any(reader.live("live.label()"))
    assert "There is nothing of any digit" in reader.says() and "largest" not in reader.says()
    reader.press("Let it read")
    assert "After 100 steps of reading" in reader.says()


def test_a_mixture_that_draws_farther_than_the_right_label_says_why(visit):
    reader = visit("mixture")
    digits = np.frombuffer(base64.b64decode(live_figures.ten_digits()["images"]), np.uint8).reshape(
        10, 784
    )
    network = network_of(stored("generative"))
    start = [*bpc.sweep_down(network, jnp.full((10, 10), 0.1))[:-1], bpc.normalise(digits)]
    free = [False, False, False, True]
    label = bpc.infer(network, start, free, bpc.GENERATIVE, 100, 1.0)[0]
    drawn, right = (
        np.clip(bpc.denormalise(bpc.sweep_down(network, z)[-1]), 0, 1) for z in (label, jnp.eye(10))
    )
    missed, labelled = (
        np.sqrt(np.mean((each - digits / 255) ** 2, axis=1)) for each in (drawn, right)
    )
    farther = missed > labelled
    assert 0 < farther.sum() < 10 and np.abs(missed - labelled).min() > 1e-4, "both are seen"
    why = "Here the right label draws closer. Settling did not look for the closest drawing"
    for k in range(10):
        reader.press(f"Show it this {k}")
        assert (
            f"misses this {k} by {missed[k]:.3f}, and what the right label draws, by {labelled[k]:.3f}"
            in reader.says()
        )
        assert (why in reader.says()) == farther[k], k
    reader.press("The right label")
    assert why not in reader.says()
    reader.press("Nothing")  # which misses by more, and was not read
    assert why not in reader.says()


SENTENCE = re.compile(
    r"misses this (\d) by ([\d.]+), and what the right label draws, by ([\d.]+) \(root mean square\)\. (.+)"
)


def agrees(words):
    """Whether a sentence says of its own numbers which drawing is closer; gives what it says."""
    _, mixed, labelled, verdict = SENTENCE.search(words).groups()
    ours, theirs = float(mixed), float(labelled)
    nearer = "The two are as close." if ours == theirs else (
        f"Here the {'mixture' if ours < theirs else 'right label'} draws closer."
    )  # fmt: skip
    assert verdict.startswith(nearer), words
    assert ("Settling did not look for" in verdict) <= (ours > theirs)
    return nearer


def test_what_is_said_of_a_mixture_is_what_its_numbers_say(visit):
    reader, draw, said = visit("mixture"), np.random.default_rng(0), set()
    assert agrees(reader.says())
    for k in range(10):
        reader.press(f"Show it this {k}")
        said.add(agrees(reader.says()))
        for spread in (0, 0.05, 0.3, 0.6):  # around the right label, and far from it
            label = (np.arange(10) == k) + spread * draw.standard_normal(10)
            reader.root.evaluate(
                """(root, label) => label.forEach((x, k) => {
                    const slider = root.querySelector(`[name=label_${k}]`);
                    slider.value = x; slider.dispatchEvent(new Event('input')) })""",
                [*map(float, label)],
            )
            said.add(agrees(reader.says()))
            assert "Settling did not" not in reader.says(), "which was not read"
        reader.press("The right label")
        assert agrees(reader.says()) == "The two are as close."
    assert len(said) == 3


@pytest.mark.parametrize("by", ["mouse", "finger"])
def test_bars_of_the_mixture_are_pulled(by, visit):
    reader = visit("mixture", **(PHONE if by == "finger" else {}))
    for k, wanted in ((2, 0.8), (9, -0.2)):
        y = 170 - (wanted + 0.4) / 1.6 * 142
        reader.drag(k, [44 + (k + 0.5) * 29, y], by == "finger")
        assert reader.live(f"live.state.label_{k}") == pytest.approx(wanted)
    assert "0.80 of 2 is the largest part" in reader.says()


# A chain that settles -------------------------------------------------------------------------------


@pytest.mark.parametrize("step_size, tenths", [(0.1, 0), (0.2, -4), (0.06, -8)])
def test_the_chain_settles_as_in_the_package(step_size, tenths, visit, float64):
    reader = visit("chain")
    reader.set(step_size=step_size, tenths=tenths)
    data = live_figures.chain()
    sizes = (2, 8, 8, 8, 8, 10)
    network = bpc.make_network(jax.random.PRNGKey(0), sizes, "tanh", use_bias=False)
    leaves = [jnp.asarray(V) for V in data["generator"]]
    leaves += [jnp.asarray(g.weight, float) for g in network.amortiser]
    network = jax.tree.unflatten(jax.tree.structure(network), leaves)
    first, last = (jnp.asarray(data[name]) for name in ("expected", "observed"))
    z = [*bpc.sweep_down(network, first)[:-1], last]
    path = bpc.infer(
        network, z, [True, *[False] * 4, True], bpc.GENERATIVE, 600, step_size, step_rule="fixed",
        alpha_gen=(1, 1, 1, 1, 10 ** (tenths / 4)), record=True,
    )  # fmt: skip
    found = reader.live("live.paths()")
    for n, states in enumerate(found):
        for l, z_l in enumerate(path.trajectory):
            ours = np.array([z[l] for z in states])
            assert np.abs(ours - z_l[:, n]).max() <= 1e-5 * np.abs(z_l[:, n]).max()
    energies = np.mean(
        [reader.live(f"live.paths()[{n}].map(live.energy)") for n in range(5)], axis=0
    )
    np.testing.assert_allclose(energies, path.energies.mean(axis=1), rtol=1e-5)
    for l in range(1, 5):
        far = np.abs(path.trajectory[l][50] - path.trajectory[l][0]).max()
        assert reader.live(f"live.moved({l}, 50)") == pytest.approx(float(far), rel=1e-5)


def test_the_news_travels_a_layer_a_step(visit):
    reader = visit("chain")
    reader.press("Back to the sweep")
    for step in range(1, 5):
        reader.press("One step")
        assert f"After step {step}:" in reader.says()
        moved = [reader.live(f"live.moved({l}, {step}) > 0") for l in range(1, 5)]
        assert moved == [l >= 5 - step for l in range(1, 5)]
        assert reader.says().count("not at all") == 4 - step
    seen = {reader.root.locator(".bpc-panels").inner_html()}
    for n, name in enumerate(("step_size", "tenths", "place"), 1):
        reader.root.locator(f"input[name={name}]").press("ArrowLeft")
        seen.add(reader.root.locator(".bpc-panels").inner_html())
        assert len(seen) == n + 1, f"{name} changes nothing that is seen"
    reader.press("Run")
    assert "After step 600:" in reader.says()
    for step_size in (0.1, 0.3, 0.4):
        reader.set(step_size=step_size, tenths=0, place=31)
        last, before = (reader.live(f"live.paths()[0].at({n}).flat()") for n in (-1, -2))
        moves = np.abs(np.subtract(last, before)).max() > 0.01
        assert ("It swings and does not settle: the step is too long." in reader.says()) == moves
    assert moves


# The dial of trained networks -----------------------------------------------------------------------


def test_the_dial_tells_what_was_measured(visit):
    reader, kept = visit("dial"), measured.read("bidirectional")
    panels, slider = set(), reader.root.locator("input[name=place]")
    slider.press("Home")
    for ratio, found in kept["dial"].items():
        assert slider.get_attribute("aria-valuetext").replace(",", "").split(":")[0] == ratio
        words = reader.says()
        for what, digits in (("reads", 1), ("80 % hidden", 1), ("draws", 3)):
            mean, spread = found[what].mean(), found[what].std(ddof=1)
            assert f"{mean:.{digits}f} ± {spread:.{digits}f}" in words
            assert reader.live(f"live.dial['{ratio}']['{what}']") == pytest.approx([mean, spread])
        panels.add(reader.root.locator(".bpc-panels").inner_html())
        slider.press("ArrowRight")
    assert len(panels) == len(kept["dial"])
    for model in ("discPC", "HPC", "BPC", "control"):
        for what in ("reads", "draws"):
            mean = kept["models"][model][what].mean()
            assert reader.live(f"live.models.{model}.{what}[0]") == pytest.approx(mean)
    assert reader.live("live.models.genPC.reads[0]") == kept["whole"]["genPC"]["settled"].mean()


@pytest.mark.parametrize("by", ["mouse", "finger"])
def test_the_ring_of_the_dial_is_dragged(by, visit):
    reader = visit("dial", **(PHONE if by == "finger" else {}))
    reader.drag(0, [300, 180], by == "finger")
    assert float(reader.live("live.places[live.state.place]")) >= 1
    reader.drag(0, [190, 30], by == "finger")
    assert float(reader.live("live.places[live.state.place]")) < 0.003


# The landscape of chapter 6 ------------------------------------------------------------------------

CUTS = {
    "input": (1, 2),
    "label": (2, 1),
}  # in (x_1, x_2, y): what is held, and what is seen upwards
CUTS_SEEN = "label", "input"  # in the order of the table
MODELS = "discPC", "genPC", "side by side", "HPC", "BPC"


def landscape_parts(model):
    """Give the networks of a model as the page has them, each with its rule and its precisions."""
    empty = bpc.make_network(jax.random.PRNGKey(0), (1, 32, 2))
    leaves, structure = jax.tree.flatten(empty)
    for name in ("discPC", "genPC") if model == "side by side" else (model,):
        stored = live_figures.landscape()["networks"][name]
        flat = np.frombuffer(base64.b64decode(stored["weights"]), "<f4").astype(float)
        pieces = np.split(flat, np.cumsum([leaf.size for leaf in leaves])[:-1])
        shaped = [jnp.asarray(p.reshape(l.shape)) for p, l in zip(pieces, leaves, strict=True)]
        rule = {"discPC": bpc.DISCRIMINATIVE, "genPC": bpc.GENERATIVE, "HPC": bpc.HYBRID}
        gen, disc = stored["gen"], stored["disc"]
        yield jax.tree.unflatten(structure, shaped), rule.get(name, bpc.BIDIRECTIONAL), gen, disc


def settle_in_package(model, points, free, steps):
    """Settle the hidden layers, 300 steps; then what is free with them: point and energy after each step.

    Networks side by side share the point, and each of its curvatures adds to theirs.
    """
    parts, points, hidden = [*landscape_parts(model)], jnp.asarray(points, float), []
    for network, rule, gen, disc in parts:
        x, y = points[:, :2], points[:, 2:]
        swept = bpc.sweep_up(network, x) if rule.start == "image" else bpc.sweep_down(network, y)
        alphas = {"alpha_gen": gen or 1.0, "alpha_disc": disc or 1.0}  # a rule's 0 is in its moves
        z = bpc.infer(network, [y, swept[1], x], [True, False, True], rule, 300, 1.0, **alphas)
        hidden.append(z[1])

    def energies(hidden, points):
        return sum(
            bpc.energy(network, [points[:, 2:], z, points[:, :2]], gen, disc)
            for (network, _, gen, disc), z in zip(parts, hidden, strict=True)
        )

    bounds = [
        curvatures(network, (gen,) * 2, (disc,) * 2, spectral_norms(network))
        for network, _, gen, disc in parts
    ]
    label, _, image = (sum(bound[l] for bound in bounds) for l in range(3))
    ends = jnp.asarray(free) / jnp.stack([image, image, label])

    def step(state, _):
        hidden, points = state
        slopes, slope = jax.grad(lambda *s: energies(*s).sum(), argnums=(0, 1))(hidden, points)
        moved = [z - s / b[1] for z, s, b in zip(hidden, slopes, bounds, strict=True)]
        return (moved, points - ends * slope), (points, energies(hidden, points))

    return jax.lax.scan(step, (hidden, points), length=steps + 1)[1]


@pytest.mark.parametrize("cut", CUTS)
@pytest.mark.parametrize("model", MODELS)
def test_the_landscape_and_the_way_of_a_ball_are_the_packages(model, cut, visit, float64):
    reader, (held, up) = visit("landscape"), CUTS[cut]
    assert reader.live("live.state.cut") == "label", (
        "as the text does, it begins with the label held"
    )
    reader.press(model)
    reader.press({"input": "the input x2", "label": "the label y"}[cut])
    reader.set(held=-1, across=0.35, up=-1.7)
    map_ = np.array(reader.live("[...live.energies()]"))
    side = np.linspace(-2, 2, 61)
    points = np.full((61 * 61, 3), -1.0)
    points[:, 0], points[:, up] = (each.ravel() for each in np.meshgrid(side, side))
    some = np.random.default_rng(0).permutation(len(points))[:400]
    _, theirs = settle_in_package(model, points[some], [False] * 3, 0)
    np.testing.assert_allclose(map_[some], theirs[0], rtol=1e-5, atol=1e-12)
    start = np.full((1, 3), -1.0)
    start[0, 0], start[0, up] = 0.35, -1.7
    free = [axis != held for axis in range(3)]
    places = reader.live("live.PLACES")
    assert places[0] == 0 and places[-1] == live_figures.REST
    way, energies = settle_in_package(model, start, free, live_figures.REST)
    found = reader.live("live.way()")
    at = np.array([each["point"] for each in found])
    np.testing.assert_allclose(at, np.asarray(way)[places, 0], rtol=1e-5, atol=1e-5)
    ours = [each["E"] for each in found]
    np.testing.assert_allclose(ours, np.asarray(energies)[places, 0], rtol=1e-5, atol=1e-10)
    assert (at[:, held] == -1).all() and ours[-1] <= ours[0]


@pytest.mark.slow
def test_the_landscape_is_of_the_networks_that_chapter_6_trains():
    for name, (network, rule, alpha_gen) in live_figures.landscape_networks().items():
        ((kept, _, gen, disc),) = landscape_parts(name)
        assert (gen, disc) == (alpha_gen * rule.moves[0], rule.moves[1])
        points = np.random.default_rng(0).uniform(-2, 2, (200, 3)).astype(np.float32)
        of_each = []
        for each in (network, jax.tree.map(lambda w: w.astype(jnp.float32), kept)):
            y, x = jnp.asarray(points[:, 2:]), jnp.asarray(points[:, :2])
            swept = bpc.sweep_up(each, x) if rule.start == "image" else bpc.sweep_down(each, y)
            of_each.append(bpc.energy(each, [y, swept[1], x], gen, disc))
        # Another processor ends training elsewhere by rounding, not in another landscape.
        apart = np.abs(np.subtract(*of_each)) / np.median(of_each[1])
        assert np.median(apart) < 0.1, name


def test_balls_that_were_at_a_pair_and_went_on_are_told_of(visit):
    reader = visit("landscape")
    reader.press("the input x2")
    close = """at => live.balls().filter(({[at]: {point: [x, held, y]}}) =>
        Math.hypot(x - 1, y + 1) < 0.5 || Math.hypot(x + 1, y - 1) < 0.5).length"""
    for model in ("BPC", "discPC"):
        reader.press(model)
        reader.set(held=1)
        reader.press("25 balls")
        expect(reader.root.locator(".lf-says")).to_contain_text("After step 3,000")
        counts = [
            reader.live(f"({close})({at})") for at in range(reader.live("live.PLACES.length"))
        ]
        told = f"Of 25 balls {counts[-1]} {'is' if counts[-1] == 1 else 'are'} within 0.5 of one"
        assert told in reader.says()
        went_on = max(counts) > counts[-1] + 2
        assert went_on == (model == "BPC") == (f"; {max(counts)} were, after step" in reader.says())
        reader.press("25 balls")


def test_balls_come_to_rest_where_chapter_6_says(visit):
    reader = visit("landscape")
    reader.press("the label y")
    rests = {}
    for model in MODELS:
        reader.press(model)
        reader.press("25 balls")
        expect(reader.root.get_by_role("button", name="25 balls")).to_have_attribute(
            "aria-pressed", "true"
        )
        assert "After step 3,000" in reader.says() and f"{model}, y held at 1.0" in reader.says()
        points = np.array(reader.live("live.balls().map(each => each.at(-1).point)"))
        assert points.shape == (25, 3) and (points[:, 2] == 1).all()
        right = np.array([[-1, 1], [1, -1]])
        far = np.linalg.norm(points[:, None, :2] - right, axis=-1).min(axis=1)
        near = (far < 0.5).sum()
        assert (
            f"Of 25 balls {near} {'is' if near == 1 else 'are'} within 0.5 of one" in reader.says()
        )
        rests[model] = np.linalg.norm(points[:, :2], axis=1).mean(), far.mean()
        reader.press("25 balls")
        assert "Of 25 balls" not in reader.says()
    assert rests["genPC"][0] < 0.05 and rests["HPC"][0] < 0.05, "the mean of the class"
    assert rests["BPC"][1] < 0.3 and rests["side by side"][1] < 0.3, "a right input"


def test_a_ball_that_leaves_the_map_is_said_to_and_why(visit):
    """In HPC the map from the label has shrunk to nothing, so that nothing holds it."""
    reader = visit("landscape")
    reader.press("the input x2")
    reader.press("HPC")
    reader.set(across=0.4, up=1.6)
    reader.press("Let go")
    expect(reader.root.locator(".lf-says")).to_contain_text("It has left the map: in this network")
    y = reader.live("live.way().at(-1).point[2]")
    assert abs(y) > 2
    words = reader.root.locator(".lf-on-map text").all_text_contents()
    assert len(words) == 1 and f"{abs(y):.1f}" in words[0] and words[0][0] in "↑↓"
    boxes = [
        reader.root.locator(".bpc-panels text").filter(has_text=re.compile("^HPC$")).bounding_box(),
        reader.root.locator(".lf-on-map text").bounding_box(),
    ]
    assert boxes[0]["y"] + boxes[0]["height"] <= boxes[1]["y"] + 1, "the title is clear"
    reader.press("BPC")
    assert "left the map" not in reader.says()


@pytest.mark.parametrize("motion", ["no-preference", "reduce"])
def test_25_balls_go_on_from_model_to_model_and_their_counts_stand_side_by_side(motion, visit):
    reader = visit("landscape", reduced_motion=motion)
    reader.press("the label y")
    reader.press("25 balls")
    found = {}

    def counts(cut="label"):
        return {
            model: reader.root.locator(f"[data-cut={cut}] [data-count='{model}']").inner_text()
            for model in MODELS
        }

    for model in (*MODELS[1:], *MODELS[:1]):
        reader.press(model)
        expect(reader.root.locator(".lf-says")).to_contain_text(re.compile(
            f"^{model}, y held at 1.0. After step 3,000 .* Of 25 balls"
        ))  # fmt: skip
        found[model] = re.search(r"Of 25 balls (\d+) (?:is|are)", reader.says())[1]
        assert counts() == {m: found.get(m, "–") for m in MODELS} | (
            {} if model == "BPC" or "BPC" in found else {"BPC": counts()["BPC"]}
        )
    assert int(found["genPC"]) < int(found["BPC"]) and len(found) == 5
    reader.press("25 balls")
    assert counts() == found, "they stay"
    reader.press("the input x2")
    assert {*counts("input").values()} == {"–"}, "another ground has counts of its own"
    assert counts() == found, "and the others stay beside them"
    for model in MODELS:
        reader.press(model)
        reader.press("25 balls")
        expect(reader.root.locator(".lf-says")).to_contain_text(re.compile(
            f"^{model}, x₂ held at 1.0. After step 3,000 .* Of 25 balls"
        ))  # fmt: skip
        free = re.search(r"Of 25 balls (\d+) (?:is|are)", reader.says())[1]
        assert counts("input")[model] == free and counts() == found
        assert model != "BPC" or int(free) < int(found[model]), "with the label free they go on"
        reader.press("25 balls")
    reader.set(held=-1)
    assert {*counts().values(), *counts("input").values()} == {"–"}


def test_a_count_that_still_goes_on_is_said_to_be_so_far(visit):
    options = {"reduced_motion": "no-preference", "device_scale_factor": 2}
    reader = visit("landscape", **options)  # a page of its own, where nothing was counted yet
    assert "Hold the" not in reader.says() and "y held at 1.0" in reader.says()
    label, x_2 = (reader.root.locator(f"[data-cut={cut}] [data-count=BPC]") for cut in CUTS_SEEN)
    heard = reader.root.evaluate(
        """root => new Promise(done => { const found = [];
            const cell = root.querySelector('[data-cut=label] [data-count=BPC]');
            const words = root.querySelector('.lf-says');
            new MutationObserver(() => { found.push([cell.textContent, words.textContent]);
                if (!cell.textContent.includes('so far')) done(found) }).observe(cell, {childList: true});
            root.querySelector('button[name=many]').click() })"""
    )
    *way, (count, words) = heard
    assert len(way) > 3 and count.isdigit() and "so far" not in words
    assert all(re.fullmatch(r"\d+ so far", each) for each, _ in way)
    expect(label).to_have_text(count)
    expect(x_2).to_have_text("–")
    expect(reader.root.locator(".lf-says")).to_contain_text(
        f"Of 25 balls {count} are within 0.5 of one."
    )
    reader.press("Let go")
    reader.press("Pause")
    expect(label).to_have_text(re.compile(r"^\d+ so far$"))
    assert re.search(r"within 0\.5 of one so far", reader.says())


def test_words_and_panel_give_the_same_energy(visit):
    reader = visit("landscape")
    reader.press("side by side")
    reader.press("Let go")
    for key in ("End", "ArrowLeft", "Home"):
        reader.root.locator("input[name=place]").press(key)
        reader.live("live.energies()")
        expect(reader.root.locator("[role=status]")).to_contain_text(
            "its energy, over the median, is"
        )
        at = "live.way()[live.state.place].E"
        sorted_ = "[...live.energies()].sort((a, b) => a - b)"
        over = reader.live(f"{at} / {sorted_}[{(61 * 61) // 2}]")
        shown = reader.root.locator(".bpc-panels > svg").nth(1).locator("circle").last
        height = float(shown.get_attribute("cy"))
        assert np.log10(over) == pytest.approx(-3 + (250 - height) / 228 * 4, abs=0.02)
        said = "below 0.001" if over < 0.001 else f"{over:.{3 if over < 0.1 else 2}f}"
        expect(reader.root.locator(".lf-says")).to_contain_text(
            f"its energy, over the median, is {said}."
        )


def test_until_the_map_is_whole_no_energy_over_its_median_is_said(visit):
    reader = visit("landscape")
    said = reader.root.evaluate(
        """root => new Promise(done => { const words = root.querySelector('.lf-says'), found = [];
            const hear = () => found.push(/over the median, is (.*?)\\.(?: |$)/.exec(words.textContent)?.[1]
                ?? /; (its energy is said once .*?)\\./.exec(words.textContent)[1]);
            const whole = new MutationObserver(() => {
                hear(); if (/^[\\d.]+$/.test(found.at(-1))) done(found) });
            whole.observe(words, {childList: true});
            root.querySelector('[data-model=HPC]').click() })"""
    )
    assert said[0] == "its energy is said once the map is whole" and re.fullmatch(
        r"[\d.]+", said[-1]
    )
    whole = "[...live.energies()].sort((a, b) => a - b)[(61 * 61) >> 1]"
    over = reader.live(f"live.way()[live.state.place].E / {whole}")
    assert float(said[-1]) == pytest.approx(over, rel=0.01, abs=0.01), (
        "the first that is said holds"
    )


@pytest.mark.parametrize("width", [320, 390, 768, 1280])
def test_no_count_of_balls_stands_alone(width, visit):
    phone = PHONE if width < 500 else {}
    reader = visit("landscape", **phone | {"viewport": {"width": width, "height": 844}})
    rows = reader.root.evaluate(
        """root => { const rows = {};
            for (const e of root.querySelectorAll('[data-count]')) {
                const top = Math.round(e.getBoundingClientRect().top);
                rows[top] = (rows[top] ?? 0) + 1 }
            return Object.values(rows) }"""
    )
    assert rows == [5, 5]
    assert reader.page.evaluate("() => document.documentElement.scrollWidth") <= width


def test_each_control_of_the_landscape_changes_what_is_seen(visit):
    reader = visit("landscape")
    reader.press("the input x2")
    panels = reader.root.locator(".bpc-panels")

    def seen():
        reader.live("live.energies() && true")  # all of the map, whatever there was time for
        return panels.inner_html()

    views = [seen()]
    reader.press("Let go")
    assert "After step 3,000" in reader.says()
    views.append(seen())
    for name, key in (("place", "Home"), ("across", "Home"), ("up", "Home"), ("held", "End")):
        reader.root.locator(f"input[name={name}]").press(key)
        views.append(seen())
    assert "x₂ held at 2.0" in reader.says() and "right" not in reader.says(), "no pair is there"
    held = len(views) - 1
    for name in ("the label y", "the input x2", *MODELS[:4]):
        reader.press(name)
        expect(reader.root.get_by_role("button", name=name, exact=True)).to_have_attribute(
            "aria-pressed", "true"
        )
        views.append(seen())
    assert all(before != after for before, after in zip(views, views[1:], strict=False))
    assert views.pop(held + 2) == views[held], "by the label to the input again: as before"
    assert views.pop(2) == views[0], "the ball is back where it was"
    assert len(set(views)) == len(views)
    rings = reader.root.locator("svg").first.locator("circle[r='7'][cx]")
    assert rings.count() == 0
    reader.set(held=1)
    assert rings.count() == 2


@pytest.mark.parametrize("by", ["mouse", "finger"])
def test_the_ball_is_dragged_and_dropped_by_a_press(by, visit):
    finger = by == "finger"
    reader = visit("landscape", **(PHONE if finger else {}))
    place = "live.state.across + ',' + live.state.up"

    def at(a, b):
        return [40 + (a + 2) / 4 * 228, 250 - (b + 2) / 4 * 228]

    reader.drag(0, at(-1.25, 0.5), finger)
    assert reader.live(place) == "-1.25,0.5"
    assert "After step 3,000" in reader.says(), "let go, it rolls"
    reader.press("Let go")  # from where it was put, again
    assert reader.live(place) == "-1.25,0.5"
    reader.drag(0, [400, -60], finger)
    assert reader.live(place) == "2,2", "it stays on the map"
    picture = reader.root.locator(".lf-ground")
    picture.scroll_into_view_if_needed()
    box = picture.bounding_box()
    spot = {"x": box["width"] * 0.25, "y": box["height"] * 0.5}
    (picture.tap if finger else picture.click)(position=spot)
    assert [float(n) for n in reader.live(place).split(",")] == pytest.approx([-1, 0], abs=0.051)
    assert "After step 3,000" in reader.says()
    assert reader.page.evaluate("() => scrollX") == 0


def test_a_ball_rolls_step_by_step_and_the_map_sharpens(visit):
    reader = visit("landscape", reduced_motion="no-preference")
    reader.root.evaluate(
        """root => { window.places = [];
            new MutationObserver(() => places.push(root.live.state.place))
                .observe(root.querySelector('.lf-says'), {childList: true, characterData: true}) }"""
    )
    reader.press("Let go")
    expect(reader.root.locator(".lf-says")).to_contain_text("After step 3,000")
    places = reader.page.evaluate("() => places")
    assert len(set(places)) > 10 and places == sorted(places)
    pictures = reader.root.evaluate(
        """root => new Promise(done => { const found = [], picture = root.querySelector('image');
            new MutationObserver(() => { found.push(picture.getAttribute('href'));
                if (found.length == 3) done(found) }).observe(picture, {attributes: true});
            root.querySelector('[data-model=HPC]').click() })"""
    )
    assert len(set(pictures)) == 3


def test_an_empty_energy_says_why_and_the_end_offers_to_settle_again(visit):
    reader = visit("hidden")
    why = reader.root.locator("svg text", has_text="leaves none: there is nothing to settle")
    expect(why).to_have_count(0)
    reader.set(dial=4)
    expect(why).to_have_count(1)
    reader.set(dial=0)
    expect(why).to_have_count(0)
    reader.press("Settle")
    reader.press("Settle again")
    assert "Step 200 of 200" in reader.says()
