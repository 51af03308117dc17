"""What a reader's browser must find in every page: opened in Chromium, with the network closed."""

import ast
import builtins
import json
import re
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

import nbformat
import pytest
from conftest import CHROMIUM, ROOT

sys.path.insert(0, str(ROOT / "tools"))
import set_repository  # noqa: E402

PAGES = sorted(
    str(path.relative_to(ROOT).with_suffix(".html"))
    for pattern in ("*.md", "[0-9]*.ipynb", "teaching/*.md")
    for path in (ROOT / "book").glob(pattern)
)
CHAPTERS = [name for name in PAGES if name.split("/")[1][0].isdigit()]
SPECIAL = ["genindex.html", "search.html"]

if not CHROMIUM:
    pytest.skip(
        "Chromium is not installed (Debian: apt-get install chromium)", allow_module_level=True
    )
sync_api = pytest.importorskip("playwright.sync_api", reason="pip install playwright")
axe = pytest.importorskip(
    "axe_playwright_python.sync_playwright", reason="pip install axe-playwright-python"
)


def open_page(browser, site, name, theme: str | None = "light"):
    """Open a page in a fresh context; collect what goes wrong on the way."""
    context = browser.new_context(
        viewport={"width": 1280, "height": 900},
        offline=True,
        color_scheme=theme or "dark",
        reduced_motion="reduce",  # a new colour is there at once
    )
    context.set_default_timeout(600_000)  # a busy machine is not a fault
    if theme:  # as a reader chose it on an earlier visit
        context.add_init_script(
            f"localStorage.setItem('mode', '{theme}'); localStorage.setItem('theme', '{theme}')"
        )
    page, wrong = context.new_page(), []
    page.on(  # what a browser gives up because it goes to another page has not failed
        "requestfailed",
        lambda r: "ERR_ABORTED" in (r.failure or "") or wrong.append(f"failed: {r.url}"),
    )
    page.on(
        "request",
        lambda r: None if r.url.startswith(("file:", "data:", "blob:")) else wrong.append(r.url),
    )
    page.on("console", lambda m: wrong.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.goto((site / name).as_uri(), wait_until="load")
    if name == "index.html":  # it hands on at once, and a script must not run in between
        page.wait_for_url("**/book/intro.html")
    return page, wrong


@pytest.fixture
def visit(browser, site):
    """Open pages for one test alone."""
    pages = []

    def go(name, theme: str | None = "light"):
        page, wrong = open_page(browser, site, name, theme)
        pages.append(page)
        return page, wrong

    yield go
    for page in pages:
        page.context.close()


class Opened(NamedTuple):
    name: str
    page: sync_api.Page
    wrong: list[str]


@pytest.fixture(scope="module", params=[*PAGES, *SPECIAL])
def opened(request, browser, site):
    """A page that tests share, as opening takes longer than looking: they leave it as it was."""
    page, wrong = open_page(browser, site, request.param)
    yield Opened(request.param, page, wrong)
    page.context.close()


def test_every_page_was_rendered(site):
    assert {str(path.relative_to(site)) for path in (site / "book").rglob("*.html")} == set(PAGES)


def test_page_is_whole_without_a_network(opened):
    page = opened.page
    assert not opened.wrong
    assert page.title()
    unset = page.evaluate(
        """() => [...document.querySelectorAll('.math')]
            .filter(e => !e.querySelector('math') || e.querySelector('.temml-error'))
            .map(e => e.textContent.trim())"""
    )
    assert not unset, "formulas that are not typeset"
    images = page.evaluate(
        """async () => Promise.all([...document.querySelectorAll('main img')].map(async e => {
            e.loading = 'eager'; await e.decode().catch(() => null);
            return [e.src.slice(-60), e.alt, e.naturalWidth]}))"""
    )
    for source, alt, width in images:
        assert width > 0, f"{source} did not load"
        assert len(alt) >= 10, f"{source} has the alt text {alt!r}"


def test_equations_count_from_one_on_each_page(opened):
    shown = opened.page.eval_on_selector_all(".eqno", "all => all.map(e => e.textContent)")
    numbers = [int(re.match(r"\((\d+)\)", text).group(1)) for text in shown]
    assert numbers == [*range(1, len(numbers) + 1)]


def test_internal_links_lead_somewhere(opened, site):
    links = opened.page.evaluate("() => [...document.querySelectorAll('a[href]')].map(e => e.href)")
    for link in set(links):
        parts = urlsplit(link)
        if parts.scheme != "file":
            continue
        target = Path(unquote(parts.path))
        assert target.is_file(), f"{link} is no file of the book"
        assert target.is_relative_to(site)
        if parts.fragment and target.suffix == ".html":
            fragment = unquote(parts.fragment)
            text = target.read_text("utf-8")
            assert f'id="{fragment}"' in text, f"{link}: no such anchor"


def violations(page, rules, leave_out=(), further=()):
    """What axe finds against the rules, a line each.

    A chapter's code is thousands of coloured words in a score of colours, which axe looks at one by one.
    So only the first of each kind keeps its colour; the text, and all that other tests look at, stays.
    """
    page.evaluate(
        """() => {
            const seen = new Set();
            for (const e of document.querySelectorAll('.highlight span[class]')) {
                const around = e.closest('.cell_input, .cell_output, .admonition, article');
                const kind = e.className + ' in ' + around?.className;
                seen.has(kind) ? e.replaceWith(...e.childNodes) : seen.add(kind);
            }}"""
    )
    options = {"runOnly": rules, "rules": {rule: {"enabled": True} for rule in further}}
    found = axe.Axe().run(page, {"exclude": [[e] for e in leave_out]}, options)
    return [
        f"{v['id']} ({v['impact']}): {v['help']}: "
        + "; ".join(n["html"][:150] for n in v["nodes"][:4])
        for v in found.response["violations"]
    ]


def test_no_violation_of_accessibility(opened):
    rules = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
    further = ["region", "label-content-name-mismatch", "landmark-one-main", "landmark-unique"]
    assert not violations(opened.page, {"type": "tag", "values": rules}, further=further)


def test_text_stands_out_in_the_dark_too(opened):
    page, set_theme = opened.page, "theme => { document.documentElement.dataset.theme = theme }"
    page.evaluate(set_theme, "dark")
    # Formulas have the colour of the text around them.
    found = violations(page, {"type": "rule", "values": ["color-contrast"]}, ["math"])
    page.evaluate(set_theme, "light")
    assert not found


def test_no_ground_is_bright_in_the_dark(opened):
    page, set_theme = opened.page, "theme => { document.documentElement.dataset.theme = theme }"
    page.evaluate(set_theme, "dark")
    bright = page.evaluate(
        """() => [...document.querySelectorAll('article, article *:not(svg *)')].filter(e => {
            const [r, g, b, a = 1] = getComputedStyle(e).backgroundColor.match(/[0-9.]+/g).map(Number);
            const box = e.getBoundingClientRect();
            return a > 0.5 && (r + g + b) / 3 > 128 && box.width > 100 && box.height > 30;
        }).map(e => e.outerHTML.slice(0, 120))"""
    )
    page.evaluate(set_theme, "light")
    assert not bright


@pytest.mark.parametrize("phone", [320, 390])
def test_nothing_overflows_on_a_phone(opened, phone):
    page = opened.page
    page.set_viewport_size({"width": phone, "height": 900})
    wide = page.evaluate(
        """phone => {
            const scrolls = e => e && e !== document.body &&
                (['auto', 'scroll', 'hidden'].includes(getComputedStyle(e).overflowX)
                 || scrolls(e.parentElement));
            return [...document.querySelectorAll('main *')]
                .filter(e => e.getBoundingClientRect().right > phone + 1 && !scrolls(e))
                .map(e => e.outerHTML.slice(0, 120))}""",
        phone,
    )
    whole = page.evaluate("() => document.documentElement.scrollWidth")
    page.set_viewport_size({"width": 1280, "height": 900})
    assert not wide
    assert whole <= phone


def test_a_first_visit_follows_the_system_and_is_as_whole(visit):
    page, wrong = visit("book/intro.html", theme=None)
    assert page.evaluate("() => document.documentElement.dataset.theme") == "dark"
    assert not wrong
    assert page.locator("main figure svg").first.bounding_box()["y"] < 400, (
        "the result is not on the screen"
    )


def test_the_folder_opens_at_the_welcome_page(visit):
    page, wrong = visit("index.html")
    assert page.url.endswith("/book/intro.html") and not wrong


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_keyboard_reaches_all_and_shows_where_it_is(theme, visit):
    page, _ = visit("book/01_energy.html", theme)
    assert page.evaluate("() => document.documentElement.dataset.theme") == theme
    seen = []
    for _ in range(40):
        page.keyboard.press("Tab")
        seen.append(
            page.evaluate(
                """() => {
                const e = document.activeElement, s = getComputedStyle(e);
                const drawn = x => x != 'none' && !x.startsWith('rgba(0, 0, 0, 0)');
                return [(e.innerText || e.title || e.getAttribute('aria-label') || '').trim(),
                        s.outlineStyle != 'none' && s.outlineWidth != '0px' || drawn(s.boxShadow)]}"""
            )
        )
    assert seen[0][0] == "Skip to main content"
    names = [name for name, _ in seen]
    for wanted in ("Menu", "2 Generating digits", "Glossary", "Download this page"):
        assert wanted in names, names
    assert [name for name in names if name.startswith("Theme: ")], names
    assert not [name for name, shown in seen if not shown], "no sign of the focus"
    page.reload()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.evaluate("() => location.hash") == "#main-content"


@pytest.mark.parametrize("opened", CHAPTERS, indirect=True)
def test_a_chapter_offers_what_its_reader_may_do_next(opened, site):
    name, page, _ = opened
    stem, slug = Path(name).stem, "github.com/[^/]+/[^/]+"
    links = page.evaluate("() => [...document.querySelectorAll('a[href]')].map(e => e.href)")
    for wanted in (
        rf"https://colab\.research\.google\.com/github/[^/]+/[^/]+/blob/colab/{stem}\.ipynb",
        rf"https://{slug}/edit/main/book/{stem}\.ipynb",  # suggest an edit
        rf"https://{slug}/issues/new\?title=.*{stem}.*",  # report a problem
        rf"file://.*/_sources/book/{stem}\.ipynb",  # download
    ):
        assert any(re.fullmatch(wanted, link) for link in links), wanted
    # The badge, the button above the page, and the link of each exercise: all lead to the edition.
    into_colab = [link for link in links if "//colab." in link]
    assert len(into_colab) > 5 and len(set(into_colab)) == 1, set(into_colab)
    assert (site / "_sources" / "book" / f"{stem}.ipynb").is_file()
    assert page.locator(".prev-next-footer a").count() >= 1
    assert page.locator("button.copybtn").count() > 10
    assert page.locator("details.fold").count() > 3


def shown_code(page):
    """Give the code cells that a page holds, folded or not."""
    return page.eval_on_selector_all(
        "article .cell_input pre", "all => all.map(e => e.textContent.trim())"
    )


def test_the_mark_of_where_a_link_led_fades(browser, site):
    """Where less motion is asked for, nothing moves, and it stays."""
    for motion, name in (("no-preference", "seen"), ("reduce", "none")):
        context = browser.new_context(reduced_motion=motion)
        page = context.new_page()
        page.goto(f"{(site / 'book/notation.html').as_uri()}#symbol-z-l")
        style = "e => [getComputedStyle(e).animationName, getComputedStyle(e).outlineStyle]"
        assert page.locator("tr:target").evaluate(style) == [name, "solid"]
        context.close()


def test_the_welcome_page_lists_what_the_menu_lists(visit):
    page, _ = visit("book/intro.html")
    listed = page.locator("article section:has(> h2#what-is-here, > h2) li a, article li a")
    shown = {a.split("#")[0] for a in listed.evaluate_all("all => all.map(e => e.href)")}
    menu = page.locator("nav.bd-docs-nav a[href]").evaluate_all("all => all.map(e => e.href)")
    chapters = [a for a in menu if re.search(r"/\d\d_", a)]
    assert len(chapters) == len(CHAPTERS) and not {*chapters} - shown
    for name in ("solutions", "notation", "api", "glossary", "references", "status", "against"):
        assert any(a.endswith(f"/{name}.html") for a in shown), name
    page.set_viewport_size({"width": 390, "height": 844})
    lines = page.locator("article p").evaluate_all(
        "all => all.map(e => e.offsetHeight / parseFloat(getComputedStyle(e).lineHeight))"
    )
    assert max(lines) < 16


@pytest.mark.parametrize("opened", CHAPTERS, indirect=True)
def test_bars_are_named_by_a_noun(opened):
    names = opened.page.locator("details > summary").all_inner_texts()
    for name in (" ".join(name.split()) for name in names):
        said = name.removeprefix("Show ")
        sentence = r"(how|what|which|where|when|whether|who) (?!happens\b|is asserted of )"
        assert not re.match(sentence, said), name
        assert not re.match(r"(and|by|for|from|why|is|are|do|two springs show) ", said), name
        assert not said.endswith("?") or said.startswith("the "), name


@pytest.mark.parametrize("opened", CHAPTERS, indirect=True)
def test_bars_say_what_they_hold(opened):
    page = opened.page
    bars = page.locator("details > summary")
    names = [" ".join(name.split()) for name in bars.all_inner_texts()]
    assert names and len(set(names)) == len(names), names
    assert not [n for n in names if "code cell" in n or "content" in n or "{" in n], names
    session = page.context.new_cdp_session(page)
    tree = session.send("Accessibility.getFullAXTree")["nodes"]
    heard = [n["name"]["value"] for n in tree if n["role"]["value"] == "DisclosureTriangle"]
    assert sorted(heard) == sorted(names), "a screen reader hears another name than the bar shows"


NAMED = {
    "button",
    "link",
    "slider",
    "searchbox",
    "DisclosureTriangle",
    "dialog",
    "table",
    "navigation",
    "image",
}


def test_a_screen_reader_hears_what_each_control_is(opened):
    page = opened.page
    session = page.context.new_cdp_session(page)
    tree = session.send("Accessibility.getFullAXTree")["nodes"]
    heard = [
        (node["role"]["value"], node["name"]["value"].strip())
        for node in tree
        if not node["ignored"] and node["role"]["value"] in NAMED
    ]
    assert len(heard) > 20
    for role, name in heard:
        assert name, f"a {role} without a name"
        assert not re.search(r"[\ue000-\uf8ff]", name), (
            f"the name of a {role} holds an icon: {name!r}"
        )
    tables = [name for role, name in heard if role == "table"]
    if opened.name in PAGES:  # the index is set in tables that a screen reader leaves out
        assert len(tables) == len({*tables}) == page.locator("main table:visible").count()


@pytest.mark.parametrize("opened", PAGES, indirect=True)
def test_the_heads_of_a_table_say_what_they_are_the_head_of(opened):
    tables = opened.page.evaluate(
        """() => [...document.querySelectorAll('main table')].map(table => ({
            name: table.getAttribute('aria-label'),
            columns: [...table.querySelectorAll('thead tr > th')].map(e => e.scope),
            empty: [...table.querySelectorAll('thead tr > *')].filter(e =>
                (e.tagName == 'TH') == (e.textContent.trim() == '')).map(e => e.outerHTML),
            rows: [...table.querySelectorAll('tbody tr > :first-child')].map(e =>
                e.scope || e.getAttribute('role'))}))"""
    )
    for table in tables:
        assert table["columns"] and {*table["columns"]} == {"col"}, table
        assert not table["empty"], "an empty corner is a cell, and what has words is a head"
        assert {*table["rows"]} <= {"row", "rowheader"} and table["rows"], table


@pytest.mark.parametrize("opened", CHAPTERS, indirect=True)
def test_what_only_asserts_is_left_out_and_nothing_that_is_needed(opened):
    path = ROOT / Path(opened.name).with_suffix(".ipynb")
    cells = [cell for cell in nbformat.read(path, 4).cells if cell.cell_type == "code"]
    shown = shown_code(opened.page)
    for cell in cells:
        only = all(isinstance(node, ast.Assert) for node in parse(cell.source).body)
        if "hide-cell" in cell.metadata.get("tags", []) and only:
            assert cell.source.strip() not in shown
    makes, takes = set(dir(builtins)), set()
    for node in (n for code in shown for n in ast.walk(parse(code))):
        match node:
            case ast.Name(id=name, ctx=ast.Load()):
                takes.add(name)
            case ast.Name(id=name) | ast.arg(arg=name):
                makes.add(name)
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                makes.add(name)
            case ast.alias(name=name, asname=other):
                makes.add(other or name.split(".")[0])
            case ast.ExceptHandler(name=str(name)):
                makes.add(name)
    assert not takes - makes, "the page uses what it does not define"


@pytest.mark.parametrize("opened", CHAPTERS, indirect=True)
def test_what_a_reader_is_to_predict_waits_under_a_bar(opened):
    path = ROOT / Path(opened.name).with_suffix(".ipynb")
    cells = nbformat.read(path, 4).cells
    asked = [cell for cell in cells if "hide-output" in cell.metadata.get("tags", [])]
    outcomes = opened.page.locator("details.outcome")
    assert outcomes.count() == len(asked)
    said = [cell for cell in cells if "\n:class: dropdown\n" in cell.source]
    assert opened.page.locator("article .admonition.dropdown").count() == 0  # each went under a bar
    assert opened.page.locator("details.outcome > p:last-child, details.answer").count() >= len(
        said
    )
    for outcome in outcomes.all():
        output, summary = outcome.locator(".cell_output").first, outcome.locator("summary").first
        assert not output.is_visible()
        summary.click()
        assert output.is_visible()
        summary.click()
    for medium in ("print", "screen"):  # on paper nobody can look later
        opened.page.emulate_media(media=medium)
        state = "visible" if medium == "print" else "hidden"  # soon: the page hears of it
        for outcome in outcomes.all():
            outcome.locator(".cell_output").first.wait_for(state=state)


def parse(code: str) -> ast.Module:
    return ast.parse(re.sub(r"^(\s*)%.*", r"\1pass", code, flags=re.MULTILINE))


@pytest.mark.parametrize("opened", CHAPTERS, indirect=True)
def test_no_bar_stands_before_the_first_figure(opened):
    places = opened.page.evaluate(
        """() => [['article figure, article .cell_output img', 'article details.fold']].flat()
            .map(s => document.querySelector(s)?.getBoundingClientRect().top + scrollY)"""
    )
    figure, fold = places
    assert fold > figure
    assert fold > 900, "a bar stands on the first screen"


@pytest.mark.parametrize("opened", CHAPTERS, indirect=True)
def test_exercises_stand_in_boxes_and_give_nothing_away(opened, site):
    page, chapter = opened.page, int(Path(opened.name).name[:2])
    path = ROOT / Path(opened.name).with_suffix(".ipynb")
    cells = nbformat.read(path, 4).cells
    exercises = re.findall(r"^\*\*(\d) \(a ", "\n".join(c.source for c in cells), re.MULTILINE)
    boxes = page.locator(".exercise")
    assert boxes.evaluate_all("all => all.map(e => e.id)") == [
        f"exercise-{chapter}-{number}" for number in exercises
    ]
    solutions = (site / "book" / "solutions.html").read_text("utf-8")
    for number in exercises:
        assert f'id="solution-{chapter}-{number}"' in solutions
    secret = [c for c in cells if {"solution", "check"} & {*c.metadata.get("tags", [])}]
    outputs = [o.text.strip() for c in secret for o in c.get("outputs", []) if "text" in o]
    secret = [c for c in secret if "check" not in c.metadata["tags"]]  # a line that knows nothing
    visible = page.locator("article").inner_text()
    for given_away in [c.source for c in secret] + outputs:
        if len(given_away) < 20:  # "right" is said elsewhere too
            continue
        assert " ".join(given_away.split()) not in " ".join(visible.split())


@pytest.mark.parametrize("opened", [p for p in PAGES if p != "book/status.html"], indirect=True)
def test_words_that_name_an_equation_a_figure_or_a_chapter_are_links(opened):
    anchors = opened.page.evaluate(
        """() => [...document.querySelectorAll('article [id]')].map(e => e.id)"""
    )
    plain = opened.page.evaluate(
        """() => { const copy = document.querySelector('article').cloneNode(true);
            copy.querySelectorAll('a, pre, code, svg, h1, h2, h3, summary, .exercise-title')
                .forEach(e => e.replaceWith(' . '));
            return [...copy.querySelectorAll('p, li, td, dd, figcaption')].map(e => e.textContent) }"""
    )
    words = re.compile(r"\b(equation|figure|chapter)s?\s+(\d+)", re.IGNORECASE)
    here = re.match(r"book/0?(\d+)_", opened.name)
    for text in plain:
        for found in words.finditer(text):
            kind, number = found[1].lower(), found[2]
            own = re.match(r"\s*Figure \d+\.", text) and not text[: found.start()].strip()
            if kind == "chapter":
                missing = any(int(Path(name).name[:2]) == int(number) for name in CHAPTERS)
                missing = missing and not (here and here[1] == number)
            else:
                missing = not own and f"{kind}-{number}" in anchors
            assert not missing, f"{found[0]!r} is no link in {text.strip()[:90]!r}"


@pytest.mark.parametrize("opened", CHAPTERS, indirect=True)
def test_the_words_of_the_glossary_come_with_their_definitions(opened, site):
    glossary = (site / "book" / "glossary.html").read_text("utf-8")
    links = opened.page.evaluate(
        """() => [...document.querySelectorAll('article a[href*="glossary.html"]:not(.to-glossary)')].map(e =>
            [e.hash.slice(1), e.getAttribute('aria-describedby'), e.innerText])"""
    )
    for anchor, described, words in links:
        if words == "glossary":
            continue
        assert anchor.startswith("term-") and f'id="{anchor}"' in glossary, words
        box = opened.page.locator(f"#{described}")
        assert len(box.text_content()) > 20, words
        assert box.is_hidden()


@pytest.mark.parametrize("opened", CHAPTERS, indirect=True)
def test_a_formula_is_read_out_and_is_no_stop_of_the_keyboard(opened):
    page = opened.page
    assert page.locator("article .math math").count() == page.locator("article .math").count() > 5
    page.mouse.move(0, 0)  # a formula that the mouse of another test was left on is a stop
    page.wait_for_function(  # all fit a desktop, as soon as the page has heard of its width
        "() => !document.querySelector(\"article .math [tabindex='0']\")"
    )
    stops = page.locator("article :is(a, button, summary, input, [tabindex='0']):visible")
    assert not stops.evaluate_all("all => all.filter(e => e.closest('.math')).length")


@pytest.mark.parametrize("opened", [*CHAPTERS, "book/notation.html"], indirect=True)
def test_no_letter_of_a_formula_is_smaller_than_that_of_a_figure_may_be(opened):
    page = opened.page
    page.set_viewport_size({"width": 390, "height": 900})
    page.evaluate("() => new Promise(done => requestAnimationFrame(() => setTimeout(done, 100)))")
    small = page.evaluate(
        """() => [...document.querySelectorAll('article .math math :is(mi, mn, mo, mtext)')]
            .filter(e => e.textContent.trim())
            .map(e => [parseFloat(getComputedStyle(e).fontSize), e.closest('.math').dataset.tex])
            .filter(([size]) => size < 8.99)"""
    )
    page.set_viewport_size({"width": 1280, "height": 900})
    assert not small, "a fraction or an index inside an index: write it in one line"


@pytest.mark.parametrize("opened", CHAPTERS, indirect=True)
def test_a_chapter_s_first_screen_leads_to_its_exercises(opened):
    page = opened.page
    there = page.get_by_role("link", name="To the exercises", exact=True)
    box = there.bounding_box()
    assert box["y"] + box["height"] < 500
    section = page.locator(there.get_attribute("href"))
    assert section.locator(".exercise").count() == page.locator(".exercise").count() > 1
    back = section.get_by_role("link", name="Back to the beginning", exact=True)
    assert page.locator(f"section{back.get_attribute('href')} > h1").count() == 1


@pytest.mark.parametrize("width", [390, 768])
@pytest.mark.parametrize("opened", [*CHAPTERS, "book/notation.html"], indirect=True)
def test_equations_fit_and_keep_their_numbers(opened, width):
    page = opened.page
    page.set_viewport_size({"width": width, "height": 900})
    page.wait_for_function(
        """() => [...document.querySelectorAll('article div.math')].filter(b => b.offsetWidth)
            .every(b => { const f = b.querySelector('.formula'), n = b.querySelector('.eqno');
                const says = b.classList.contains('scrolls') && f.tabIndex == 0;
                const right = e => e ? e.getBoundingClientRect().right : 0;
                return (f.scrollWidth <= f.clientWidth * 1.01 || says)
                    && right(f) <= innerWidth && right(n) <= innerWidth
                    && parseFloat(getComputedStyle(f).fontSize) >= 11 })"""
    )
    page.set_viewport_size({"width": 1280, "height": 900})


@pytest.mark.parametrize("opened", ["book/04_bidirectional.html"], indirect=True)
def test_a_table_wider_than_a_phone_fades_where_it_goes_on(opened):
    page = opened.page
    page.set_viewport_size({"width": 320, "height": 900})
    table = ".pst-scrollable-table-container"  # code that is folded fades too, unseen
    boxes = page.locator(table)
    page.wait_for_selector(f"{table}.more-right")
    wide = "e => e.scrollWidth > e.clientWidth + 4 && e.scrollLeft == 0"
    for box in boxes.all():
        assert box.evaluate(wide) == ("more-right" in box.get_attribute("class"))
    box = page.locator(f"{table}.more-right").first
    box.evaluate("e => { e.scrollLeft = e.scrollWidth }")
    page.wait_for_selector(f"{table}.more-left:not(.more-right)")
    page.set_viewport_size({"width": 1280, "height": 900})


@pytest.mark.parametrize("opened", PAGES, indirect=True)
def test_lines_are_short_enough_to_read(opened):
    page = opened.page
    page.set_viewport_size({"width": 1920, "height": 1080})
    longest = page.evaluate(
        """() => Math.max(0, ...[...document.querySelectorAll('article p, article li')].map(e => {
            const range = document.createRange();
            range.selectNodeContents(e);
            const lines = new Set([...range.getClientRects()].map(r => Math.round(r.bottom / 12)));
            return e.querySelector('.math, p, code') || lines.size < 4 ? 0
                : e.innerText.length / lines.size }))"""
    )
    page.set_viewport_size({"width": 1280, "height": 900})
    assert longest < 80


@pytest.mark.parametrize("opened", ["book/01_energy.html"], indirect=True)
def test_a_third_level_heading_is_lighter_than_a_second(opened):
    size, weight = (
        [
            float(opened.page.locator(f"article {level}").first.evaluate(
                "(e, what) => parseFloat(getComputedStyle(e)[what])", what))
            for level in ("h2", "h3")
        ]
        for what in ("fontSize", "fontWeight")
    )  # fmt: skip
    assert size[0] > size[1] and weight[0] >= weight[1]


@pytest.mark.parametrize("opened", ["book/notation.html"], indirect=True)
def test_the_notation_can_be_read_on_a_phone(opened):
    page = opened.page
    page.set_viewport_size({"width": 390, "height": 844})
    meanings = page.locator("article td:last-child")
    widest = meanings.evaluate_all("all => all.map(e => e.getBoundingClientRect().right)")
    narrow = meanings.evaluate_all("all => all.map(e => e.getBoundingClientRect().width)")
    page.set_viewport_size({"width": 1280, "height": 900})
    assert len(widest) > 20 and max(widest) <= 390 and min(narrow) > 300


def test_titles_and_neighbours_carry_numbers(visit):
    page, _ = visit("book/08_two_tasks.html")
    assert page.title().startswith("8 Two tasks")
    assert page.locator("a.left-prev").inner_text().endswith("7 What is missing")
    assert page.locator("a.right-next").inner_text().endswith("9 Without labels")


@pytest.mark.parametrize("width", [1024, 1180, 1280])
def test_a_wide_screen_that_is_touched_has_no_button_that_does_nothing(width, browser, site):
    """What closes a dialog is shown in a dialog only."""
    context = browser.new_context(
        viewport={"width": width, "height": 800}, has_touch=True, is_mobile=True
    )
    page = context.new_page()
    page.goto((site / "book/03_hybrid.html").as_uri())
    ways_out = page.locator(".close-dialog")
    ways_out.last.wait_for(state="attached")
    assert page.evaluate("() => matchMedia('(hover: none)').matches")
    assert ways_out.count() == 2
    assert not [out for out in ways_out.all() if out.is_visible()]
    if width < 1200:  # there the contents are a dialog
        page.get_by_role("button", name="On this page").tap()
        out = page.get_by_role("dialog", name="On this page").get_by_role("button", name="Close")
        assert out.bounding_box()["height"] >= 44
        out.tap()
        out.wait_for(state="hidden")
    context.close()


def test_without_scripts_the_menu_ends_a_narrow_page_and_no_dead_button_is_shown(browser, site):
    context = browser.new_context(viewport={"width": 390, "height": 844}, java_script_enabled=False)
    page = context.new_page()
    page.goto((site / "book/01_energy.html").as_uri())
    assert page.locator("button:visible, input:visible").count() == 0
    link = page.locator(".bd-sidebar-primary").get_by_role("link", name="Glossary")
    assert link.is_visible()
    below = page.locator("article").bounding_box()
    assert link.bounding_box()["y"] > below["y"] + below["height"]
    to_it = page.get_by_role("link", name="Contents", exact=True)
    box = to_it.bounding_box()
    assert box["y"] < 100 and box["height"] >= 44
    to_it.click()
    page.wait_for_url("**#pst-primary-sidebar")
    assert page.locator("#pst-primary-sidebar").bounding_box()["y"] < 400
    link.click()
    page.wait_for_url("**/glossary.html")
    context.close()


def test_without_scripts_the_search_page_offers_what_works(browser, site):
    context = browser.new_context(viewport={"width": 390, "height": 844}, java_script_enabled=False)
    page = context.new_page()
    page.goto((site / "search.html").as_uri())
    assert page.locator("main noscript p").is_visible()
    assert page.locator("input:visible, button:visible").count() == 0
    page.locator("main noscript a[href$='glossary.html']").click()
    page.wait_for_url("**/glossary.html")
    context.close()


def test_with_scripts_nothing_leads_to_a_menu_that_is_not_there(visit):
    page, _ = visit("book/01_energy.html")
    assert not page.locator(".to-contents").is_visible()


def test_a_link_to_no_repository_says_what_is_to_do(visit):
    if not set_repository.current(ROOT).startswith("OWNER/"):
        pytest.skip("this book has its repository")
    page, wrong = visit("book/03_hybrid.html")
    dialog = page.get_by_role("dialog", name="No repository yet")
    page.get_by_role("button", name="Source repositories").click()
    links = ["article a:has(> img[src*=colab])", ".exercise-links a[href*=colab]"]
    links = [page.locator(link).first for link in links]
    for link in [*links, page.get_by_role("link", name="Suggest edit")]:
        link.focus()
        page.keyboard.press("Enter")
        dialog.wait_for()
        told = dialog.inner_text()
        instead = told.split("what works instead", 1)[1]  # for a reader, and first
        assert "download this chapter's notebook" in instead.split("make set-repository")[0]
        page.keyboard.press("Escape")
        dialog.wait_for(state="hidden")
    links[1].click()
    with page.expect_download() as download:
        dialog.get_by_role("button", name="Download the notebook").click()
    assert download.value.suggested_filename == "03_hybrid.ipynb"
    dialog.wait_for(state="hidden")
    links[1].click()
    dialog.get_by_role("button", name="Close").click()
    dialog.wait_for(state="hidden")
    assert len(page.context.pages) == 1 and page.url.endswith("03_hybrid.html") and not wrong


def test_code_becomes_no_address(site):
    for name in PAGES:
        text = (site / name).read_text("utf-8")
        found = re.findall(
            r'<a class="reference external" href="https?://([^"]+)">([^<]+)</a>', text
        )
        made = [shown for address, shown in found if address == shown and "/" not in shown]
        assert not made, f"{name}: {made}"


@pytest.mark.parametrize(
    "name", ["intro", "02_generating", "05_training_loop", "09_without_labels"]
)
def test_a_caption_leaves_half_a_line_below_its_picture(name, visit):
    page, _ = visit(f"book/{name}.html")
    page.set_viewport_size({"width": 390, "height": 844})
    gaps = page.evaluate(
        """() => [...document.querySelectorAll('article figure:has(> figcaption)')].map(figure => {
            const picture = figure.querySelector('.bpc-panels').getBoundingClientRect();
            const words = document.createRange();
            words.selectNodeContents(figure.querySelector('figcaption'));
            return words.getClientRects()[0].top - picture.bottom })"""
    )
    assert gaps and min(gaps) >= 12, gaps


def test_without_scripts_a_dark_system_sees_the_dark_theme(browser, site):
    seen = """() => [...document.querySelectorAll(':is(article, .bd-sidebar-primary) *:not(svg *, math *)')]
        .filter(e => e.checkVisibility() && !e.closest('.lf, .fold'))
        .map(e => { const s = getComputedStyle(e);
            return [e.tagName + '.' + e.className, s.color, s.backgroundColor, s.borderTopColor] })"""
    for name in ("book/03_hybrid.html", "book/api.html"):
        found = []
        for scripts in (True, False):
            context = browser.new_context(
                color_scheme="dark", java_script_enabled=scripts, reduced_motion="reduce"
            )
            page = context.new_page()
            page.goto((site / name).as_uri())
            page.locator("footer").last.wait_for()
            theme = page.locator("html").get_attribute("data-theme")
            assert theme == ("dark" if scripts else "light")
            found.append({tuple(colours) for colours in page.evaluate(seen)})
            context.close()
        with_scripts, without = found
        known = {tag.split(" more-")[0] for tag, *_ in with_scripts}
        strange = {e for e in without - with_scripts if e[0] in known}
        assert len(without) > 20 and not strange, sorted(strange)[:5]


SPELLINGS = [
    ("alpha_gen", "α_gen", "αgen"),
    ("z_0", "z0", "z₀"),
    ("exercise 1.2", "ex 1.2", "exercise1.2", "Ex. 1.2", "exercises 1.2"),
    ("figure 3", "fig3", "Fig. 3"),
    ("equation 3", "eq3", "Eqn. 3"),
    ("chapter 4", "ch 4", "chap. 4", "chapter4"),
    ("local minimum", "local minima"),
    ("generalise", "generalize", "generalises"),
    ("licence", "license"),
    ("sigma", "σ"),
    ("∂",),
    ("KL", "Kullback", "Leibler", "Kullback-Leibler"),
]


def test_a_search_finds_what_is_typed_as_the_book_prints_it(visit):
    page, _ = visit("search.html")
    field, results = page.locator(".bd-search-container input"), page.locator("#search-results")
    for ways in SPELLINGS:
        found = []
        for typed in ways:
            field.fill(typed)
            found.append(results.locator("> li > a").evaluate_all("all => all.map(e => e.href)"))
        assert found[0], ways
        assert all(other == found[0] for other in found), (ways, [*map(len, found)])


def test_the_licence_is_found_where_it_stands(visit):
    page, _ = visit("search.html")
    page.locator(".bd-search-container input").fill("licence")
    page.locator("#search-results a").first.click()
    page.wait_for_url("**/intro.html#licence")
    assert "CC BY 4.0" in page.locator("footer", has=page.locator("#licence")).last.inner_text()


def test_each_synonym_of_the_search_leads_to_words_of_the_book(site):
    script = (site / "_static" / "search-index.js").read_text("utf-8")
    index = json.loads(script.split("=", 1)[1].rstrip().rstrip(";"))
    text = " ".join(f"{e['title']} {e['text']}" for e in index["entries"]).lower()
    for typed, meant in index["synonyms"].items():
        for word in meant.lower().split():
            assert word in text, f"{typed} is said to mean {meant}, and the book has no {word}"


def test_what_is_typed_before_the_index_has_come_is_kept_and_searched(browser, site):
    context = browser.new_context()
    page, held = context.new_page(), []
    page.route(re.compile("search-index"), lambda route: held.append(route))
    page.goto(f"{(site / 'search.html').as_uri()}?q=amortiser", wait_until="commit")
    field, status = page.locator(".bd-search-container input"), page.get_by_role("status")
    page.wait_for_function("() => document.activeElement.matches('.bd-search-container input')")
    assert field.input_value() == "amortiser" and status.inner_text() == "Loading the index…"
    field.fill("glossary")
    assert status.inner_text() == "Loading the index…"
    page.wait_for_function("() => location.search == '?q=glossary'")
    held[0].continue_()
    page.locator("#search-results li").first.wait_for()
    assert field.input_value() == "glossary" and "found" in status.inner_text()
    context.close()


def test_an_index_that_does_not_come_is_told(browser, site):
    context = browser.new_context()
    page = context.new_page()
    page.route(re.compile("search-index"), lambda route: route.abort())
    page.goto(f"{(site / 'search.html').as_uri()}?q=amortiser")
    told = page.get_by_role("status").filter(has_text="did not come")
    told.wait_for()
    assert page.locator(".bd-search-container input").input_value() == "amortiser"
    context.close()


def first_results(page, typed, count=5):
    """Type a query; give the first results, each as its title, where it is, and what it shows."""
    page.locator(".bd-search-container input").fill(typed)
    results = page.locator("#search-results > li")
    return [results.nth(i).inner_text() for i in range(min(count, results.count()))]


def test_a_question_is_searched_by_the_words_that_tell(visit):
    page, _ = visit("search.html")
    assert first_results(page, "install")
    for typed in ("how do I install", "What does install?", "where can I install it"):
        assert first_results(page, typed) == first_results(page, "install"), typed
    status = page.get_by_role("status")
    found = first_results(
        page, "Fréchet licence spring"
    )  # each is in the book, and nowhere together
    assert found and "No section has all of these words" in status.inner_text()
    assert (
        all("without: " in one for one in found) and page.locator("#search-help").inner_text() == ""
    )
    assert first_results(page, "energy based model")


def test_a_symbol_leads_to_what_it_means(visit):
    page, _ = visit("search.html")
    for typed, told in (
        ("alpha_gen", "precision of the generative errors"),
        ("α_gen", "precision of the generative errors"),
        ("e_l", "generative error"),
        ("z", "activities of layer"),
        ("z_l", "activities of layer"),
        ("z_0", "activities of layer"),
        ("W_2", "weights of g_l"),
        ("gamma", "the step of layer"),
        ("E", "energy of each example"),
    ):
        found = first_results(page, typed, 2)
        told_first = [one for one in found if told in one]
        assert told_first and " in Notation › " in told_first[0], (typed, found)
    first_results(page, "alpha_disc")
    page.locator("#search-results a").first.click()
    page.wait_for_url("**/notation.html#symbol-*")
    row = page.locator("tr:target")
    assert "alpha_disc" in row.inner_text() and row.bounding_box()["y"] < 900


def test_a_result_says_which_chapter_it_is_in(visit):
    page, _ = visit("search.html")
    every = page.evaluate("() => SEARCH_INDEX.entries")
    pages = {entry["url"]: entry["title"] for entry in every if not entry["in"]}
    inside = [entry for entry in every if entry["in"] and re.search(r"/\d\d_\w+", entry["url"])]
    assert len(inside) > 300
    for entry in inside:
        assert entry["in"].split(" › ")[0] == pages[entry["url"].split("#")[0]], entry
    assert [entry for entry in inside if " › " in entry["in"]]


def test_the_exercises_of_a_chapter_come_first(visit):
    page, _ = visit("search.html")
    for typed in ("exercise 4", "exercises 4", "Exercises of chapter 4", "ex 4"):
        found = first_results(page, typed, 4)
        assert [one.split(" in ")[0] for one in found] == [f"Exercise 4.{i}" for i in (1, 2, 3, 4)]
    assert first_results(page, "solution 12", 1)[0].startswith("Solution 12.1 in ")


def test_a_search_knows_words_of_other_books_and_shows_formulas(visit):
    page, _ = visit("search.html")
    for typed in ("VAE", "overfitting", "ε"):
        assert first_results(page, typed), typed
    every = page.evaluate("() => SEARCH_INDEX.entries")
    texts = " ".join(entry["text"] for entry in every)
    assert "alpha_gen/2 Σ_(l=1)^L‖e_l‖²" in texts and "e_(l+1)" in texts
    assert not re.search(r"\\(frac|alpha|sum|lVert|text)\b", texts)
    assert texts.count("…") < 150


@pytest.mark.parametrize("opened", PAGES, indirect=True)
def test_print_shows_the_page_and_no_controls(opened):
    page = opened.page
    page.emulate_media(media="print")
    shown = page.evaluate(
        """() => [...document.querySelectorAll('.bd-sidebar-primary, .bd-sidebar-secondary, '
                + '.bd-header-article, .copybtn')]
            .filter(e => e.offsetParent).map(e => e.className)"""
    )
    title = page.locator("main h1:visible").count()
    page.emulate_media(media="screen")
    assert not shown and title


@pytest.mark.slow
def test_the_book_prints_as_one_pdf(site, tmp_path, monkeypatch):
    pypdf = pytest.importorskip("pypdf")
    monkeypatch.syspath_prepend(str(ROOT / "tools"))
    import pdf

    monkeypatch.setattr(pdf, "SITE", site)
    monkeypatch.setattr(sys, "argv", ["pdf.py", str(tmp_path / "book.pdf")])
    with ThreadPoolExecutor(1) as other:  # Playwright does not start twice in a thread
        assert other.submit(pdf.main).result() == 0
    reader = pypdf.PdfReader(tmp_path / "book.pdf")
    titles = [item.title for item in reader.outline]
    assert len(titles) == len(PAGES) - len(pdf.LOOKED_UP) and "1 The energy of a guess" in titles
    assert 5 * len(CHAPTERS) < len(reader.pages) < 150
    text = re.sub(r"\s", "", "".join(page.extract_text() for page in reader.pages))
    paths = sorted((ROOT / "book").glob("[0-9]*.ipynb"))
    sources = [cell.source for path in paths for cell in nbformat.read(path, 4).cells]
    written = re.sub(r"\s", "", "\n".join(sources))
    for path in paths:
        cells = nbformat.read(path, 4).cells
        told = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
        for cell in cells:
            tags = {*cell.metadata.get("tags", [])}
            if cell.cell_type != "code" or {"nbval-skip", "remove-cell"} & tags:
                continue
            lines = cell.source.splitlines()
            own = [line for line in lines if written.count(re.sub(r"\s", "", line)) == 1]
            line = max(own or lines, key=len)  # as a page may end within the cell
            times = text.count(re.sub(r"\s", "", line)) - told.count(line)
            if {"solution", "check"} & tags:
                assert times == 1, f"{path.stem}: {line!r} is printed {times} times"
            elif "hide-input" in tags or "hide-output" in tags:  # folded on the page, in print not
                assert times, f"{path.stem}: {line!r} is not printed"
    title = "3 The hybrid amortiser"
    (first,) = [item for item in reader.outline if item.title == title]
    opening = reader.pages[reader.get_destination_page_number(first)].extract_text()
    body, footer = opening.rsplit(title, 1)
    assert body.count(title) == 1 and "Contents" not in body and footer.rstrip().endswith("1")
    for page in reader.pages:
        for note in page.get("/Annots") or []:
            action = note.get_object().get("/A", {})
            assert "file:" not in str(action.get("/URI", "")), action
