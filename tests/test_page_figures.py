"""What a reader sees of a figure in a page: measured in Chromium, on a phone and on a desk."""

import base64
import io
import itertools
import re
import sys

import numpy as np
import pytest
from conftest import ROOT
from PIL import Image
from test_pages import CHAPTERS, open_page

sys.path.insert(0, str(ROOT / "tools"))
sphinx_figures = pytest.importorskip("sphinx_figures", reason="pip install jupyter-book")

WITH_FIGURES = ["book/intro.html", *CHAPTERS]
SMALLEST = 9  # pixels, of text on a phone

# Each text of each figure: its size and place as the screen shows it, and its panel's place.
# (Of a still figure that is live on the screen, the live one is seen.)
SEEN = "[...document.querySelectorAll('.bpc-panels > svg')].filter(e => e.checkVisibility())"
TEXTS = (
    f"() => {SEEN}.flatMap(svg => {{"
    + """
    const box = e => { const b = e.getBoundingClientRect(); return [b.left, b.top, b.right, b.bottom] };
    const scale = svg.getBoundingClientRect().width / svg.viewBox.baseVal.width;
    return [...svg.querySelectorAll('text')].map(text => ({
        words: text.textContent, panel: box(svg), box: box(text), figure: text.closest('figure')?.id,
        colour: getComputedStyle(text).fill, own: text.closest('[style*="fill:"]') !== null,
        turned: text.closest('[transform*="rotate"]') !== null,
        slanted: text.closest('[transform*="rotate(-45"]') !== null,
        size: scale * Math.min(...[text, ...text.querySelectorAll('tspan')]
            .filter(e => e.children.length == 0).map(e => parseFloat(getComputedStyle(e).fontSize))),
    }))})"""
)


@pytest.fixture(scope="module", params=WITH_FIGURES)
def page(request, browser, site):
    page, wrong = open_page(browser, site, request.param)
    yield page
    page.context.close()
    assert not wrong


@pytest.fixture(params=[390, 1280])
def width(request, page):
    page.set_viewport_size({"width": request.param, "height": 900})
    yield request.param
    page.set_viewport_size({"width": 1280, "height": 900})


def test_text_is_large_enough_and_stays_in_its_panel(page, width):
    texts = page.evaluate(TEXTS)
    assert texts
    for text in texts:
        where = f"{text['words']!r} of {text['figure']} at {width} pixels"
        assert text["size"] >= SMALLEST - 0.01, f"{where}: {text['size']:.1f} pixels"
        (left, top, right, bottom), panel = text["box"], text["panel"]
        assert left > panel[0] - 2 and top > panel[1] - 2, where
        assert right < panel[2] + 2 and bottom < panel[3] + 2, where


def test_no_text_lies_on_another(page, width):
    texts = [text for text in page.evaluate(TEXTS) if text["words"].strip()]
    for _, panel in itertools.groupby(texts, key=lambda text: text["panel"]):
        for one, other in itertools.combinations(panel, 2):
            a, b = one["box"], other["box"]
            across = min(a[2], b[2]) - max(a[0], b[0])
            down = min(a[3], b[3]) - max(a[1], b[1])
            # Boxes are higher than their letters, and a formula's is no tighter.
            on = across > 3 and down > 0.45 * min(a[3] - a[1], b[3] - b[1])
            if one["slanted"] and other["slanted"]:  # their lines rise side by side, so far apart:
                apart = abs(a[0] + a[2] + a[1] + a[3] - b[0] - b[2] - b[1] - b[3]) / 2**1.5
                on = on and apart < 0.7 * min(one["size"], other["size"])
            assert not on, f"{one['words']!r} and {other['words']!r} of {one['figure']}"


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_ink_is_that_of_the_page(page, theme):
    page.evaluate("theme => { document.documentElement.dataset.theme = theme }", theme)
    ink = page.evaluate("() => getComputedStyle(document.querySelector('main p')).color")
    grounds = page.evaluate(
        """() => [...document.querySelectorAll('.bpc-panels, .bpc-panels > svg, figure.bpc-figure')]
            .map(e => getComputedStyle(e).backgroundColor)"""
    )
    texts = page.evaluate(TEXTS)
    page.evaluate("() => { document.documentElement.dataset.theme = 'light' }")
    assert {text["colour"] for text in texts if not text["own"]} <= {ink}
    assert {*grounds} == {"rgba(0, 0, 0, 0)"}


# The colours of what is drawn and written in each figure, with how much of the ground shines through; what
# lies on a coloured map is edged against that instead.
COLOURS = (
    f"() => {SEEN}.flatMap(svg =>"
    + """
    [...svg.querySelectorAll('path, use, text, tspan, line, rect, circle')]
        .filter(e => !e.closest('defs, clipPath, .lf-on-map') && !e.closest('[style*="display: none"]'))
        .flatMap(e => {
            const s = getComputedStyle(e);
            let alpha = 1;
            for (let a = e; a !== svg; a = a.parentElement) alpha *= getComputedStyle(a).opacity;
            const text = ['text', 'tspan'].includes(e.tagName);
            return [['fill', s.fill, s.fillOpacity], ['stroke', s.stroke, s.strokeOpacity]]
                .filter(([, colour]) => colour.startsWith('rgb'))
                .map(([part, colour, own]) => ({part, text, alpha: alpha * own,
                    colour: colour.match(/[\\d.]+/g).slice(0, 3).map(Number),
                    what: (text ? e.textContent : e.closest('figure')?.id)}));
        }))"""
)


def contrast(one, other):
    def luminance(colour):
        parts = [c / 255 for c in colour]
        linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2] + 0.05

    dark, light = sorted(map(luminance, (one, other)))
    return light / dark


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_lines_marks_and_words_stand_out_from_the_page(page, theme):
    page.evaluate("theme => { document.documentElement.dataset.theme = theme }", theme)
    ground = page.evaluate("() => getComputedStyle(document.body).backgroundColor")
    ground = [float(c) for c in re.findall(r"[\d.]+", ground)[:3]]
    found = page.evaluate(COLOURS)
    page.evaluate("() => { document.documentElement.dataset.theme = 'light' }")
    if page.url.endswith("intro.html"):  # images without lines
        return
    assert len(found) > 40
    for part in found:
        if part["alpha"] < 0.3:  # a band beside its line
            continue
        shown = [
            part["alpha"] * c + (1 - part["alpha"]) * g
            for c, g in zip(part["colour"], ground, strict=True)
        ]
        least = 4.5 if part["text"] else 3
        assert contrast(shown, ground) >= least, f"{part} on {ground} in the {theme}"


def test_images_on_white_are_dark_in_the_dark_and_others_keep_their_colours(page):
    kinds = {".bpc-on-white": [], ":not(.bpc-on-white)": []}
    for kind, found in kinds.items():
        shown = page.locator(f".bpc-panels image{kind}:visible")
        for theme in ("light", "dark") if shown.count() else ():
            page.evaluate("theme => { document.documentElement.dataset.theme = theme }", theme)
            picture = Image.open(io.BytesIO(shown.first.screenshot())).convert("RGB")
            pixels = np.asarray(picture.crop((3, 3, picture.width - 3, picture.height - 3)))
            found.append(pixels.astype(float).mean(axis=2))
    page.evaluate("() => { document.documentElement.dataset.theme = 'light' }")
    for light, dark in [kinds[".bpc-on-white"]] if kinds[".bpc-on-white"] else []:
        assert np.median(light) > 200 and np.median(dark) < 60, "not turned over"
    for light, dark in [kinds[":not(.bpc-on-white)"]] if "06_" in page.url else []:
        assert np.median(abs(light - dark)) < 30


def test_an_image_keeps_its_pixels_and_is_known_by_its_ground():
    from matplotlib import colormaps

    digit, map_ = np.linspace(1, 0, 64).reshape(8, 8), np.linspace(0, 1, 64).reshape(8, 8)
    hole = colormaps["gray"](digit)
    hole[0, 0, 3] = 0
    for pixels, expected in (
        (colormaps["gray"](digit), True),
        (colormaps["RdBu_r"](map_), True),
        (colormaps["viridis"](map_), False),
        (hole, False),
    ):
        stored = io.BytesIO()
        pixels = (255 * pixels).astype(np.uint8)
        Image.fromarray(pixels, "RGBA").save(stored, "PNG")
        address = f"data:image/png;base64,{base64.b64encode(stored.getvalue()).decode()}"
        smaller, on_white = sphinx_figures.packed(address)
        assert on_white == expected
        with Image.open(io.BytesIO(base64.b64decode(smaller.partition("base64,")[2]))) as image:
            seen = np.asarray(image.convert("RGBA"))
        np.testing.assert_array_equal(seen[pixels[..., 3] > 0], pixels[pixels[..., 3] > 0])


def test_each_figure_is_a_figure_with_its_text_its_caption_and_its_address(page):
    figures = page.evaluate(
        """() => [...document.querySelectorAll('figure.bpc-figure')].map(e => ({
            id: e.id, caption: e.querySelector('figcaption')?.textContent.trim(),
            answers: e.closest('.solution') !== null,
            alt: e.querySelector('[role=img]')?.getAttribute('aria-label'),
            hidden: [...e.querySelectorAll('svg')].every(s => s.getAttribute('aria-hidden') == 'true'),
            sized: [...e.querySelectorAll('svg')].every(s => s.getAttribute('width') > 0
                                                             && s.getAttribute('height') > 0)}))"""
    )
    assert figures
    for figure in figures:
        assert len(figure["alt"]) > 10 and figure["hidden"] and figure["sized"], figure
        if figure["answers"]:
            continue  # the exercise says what a solution draws
        assert figure["caption"], figure
        if page.url.endswith("intro.html"):
            continue
        number = re.match(r"Figure (\d+)\.", figure["caption"])[1]
        assert figure["id"] == f"figure-{number}"
    numbers = [f["id"] for f in figures if f["id"].startswith("figure-")]
    assert numbers == [f"figure-{n}" for n in range(1, len(numbers) + 1)] or len(figures) == 1
    left = page.locator("main p > em:first-child").all_inner_texts()
    assert not [text for text in left if re.match(r"Figure \d+\.", text)]


def test_no_identifier_is_given_twice(page):
    names = page.evaluate("() => [...document.querySelectorAll('figure [id]')].map(e => e.id)")
    assert len(names) == len({*names})


def test_panels_share_the_width_and_stand_below_each_other_on_a_phone(page, width):
    rows = page.evaluate(
        """() => [...document.querySelectorAll('.bpc-panels')]
            .filter(e => !e.closest('.solution') && e.checkVisibility()).map(e =>
            [...e.children].map(s => s.getBoundingClientRect()).map(b => [b.left, b.top, b.width]))"""
    )
    single = {round(panels[0][2]) for panels in rows if len(panels) == 1}
    several = {round(wide) for panels in rows if len(panels) > 1 for _, _, wide in panels}
    assert len(single) <= 1 and len(several) <= 1
    for panels in rows:
        columns = len({round(left) for left, _, _ in panels[:2]})
        assert columns == (1 if width == 390 else min(2, len(panels)))


@pytest.mark.parametrize("page", CHAPTERS, indirect=True)
def test_a_chapter_opens_with_its_figure_and_no_bar(page):
    page.set_viewport_size({"width": 1280, "height": 900})
    figure = page.locator("figure.bpc-figure").first.bounding_box()
    panels = page.locator(".bpc-panels:visible").first.bounding_box()
    bar = page.locator("main details").first
    assert panels["y"] + panels["height"] < 900, "the first figure is below the fold"
    assert bar.bounding_box()["y"] > figure["y"], "a folded bar stands before the first figure"
