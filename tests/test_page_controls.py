"""What a reader taps, clicks and types on the pages: used in Chromium, and seen to do what it should.

On a phone, a tablet, a small window and a desktop, in both themes, from a disk and from a server. A page is
shared by the tests of one such reader, as loading takes longer than looking; a test leaves it as it was.
"""

import functools
import http.server
import re
import threading
from pathlib import Path

import pytest
from conftest import CHROMIUM, ROOT

if not CHROMIUM:
    pytest.skip(
        "Chromium is not installed (Debian: apt-get install chromium)", allow_module_level=True
    )
pytest.importorskip("playwright.sync_api", reason="pip install playwright")
from playwright.sync_api import expect  # noqa: E402

WIDTHS, THEMES, PLACES = (390, 768, 980, 1280), ("light", "dark"), ("disk", "server")
READERS = [(width, theme, place) for place in PLACES for theme in THEMES for width in WIDTHS]
CHAPTER = "book/03_hybrid.html"
PATIENCE = 600_000  # milliseconds; a busy machine is not a fault, and only what fails waits so long
expect.set_options(timeout=PATIENCE)
OTHER = {"light": "dark", "dark": "light"}
IN_VIEW = """e => { const r = e.getBoundingClientRect();
    return r.top < innerHeight && r.bottom > 0 && r.left < innerWidth && r.right > 0 }"""


@pytest.fixture(scope="module")
def server(site):
    """Serve the rendered book on this machine."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    handler = functools.partial(Quiet, directory=str(site))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}/"
        running.shutdown()


class Reader:
    """Somebody with a screen, a theme, and fingers or a mouse."""

    def __init__(self, browser, base, width, theme):
        self.base, self.width, self.theme = base, width, theme
        self.touch = width < 900
        self.context = browser.new_context(
            viewport={"width": width, "height": 844 if width == 390 else 900},
            has_touch=self.touch,
            is_mobile=width == 390,
            color_scheme=theme,
            reduced_motion="reduce",
            accept_downloads=True,
        )
        self.context.set_default_timeout(PATIENCE)
        self.page, self.wrong = self.context.new_page(), []
        self.page.on("pageerror", lambda error: self.wrong.append(str(error)))
        self.page.on("console", lambda m: m.type == "error" and self.wrong.append(m.text))
        self.page.on("request", self.stays_here)

    def stays_here(self, request):
        if not request.url.startswith((self.base, "data:", "blob:")):
            self.wrong.append(f"asks for {request.url}")

    def go(self, name):
        """Open a page where it is not open yet, at its top."""
        if self.page.url.split("#")[0] != self.base + name:
            self.page.goto(self.base + name)
        elif "#" in self.page.url:
            self.page.evaluate("() => history.replaceState(null, '', location.pathname)")
        self.page.evaluate("() => scrollTo(0, 0)")
        return self.page

    def press(self, locator):
        """Tap or click what is on the screen."""
        locator.scroll_into_view_if_needed()
        locator.tap() if self.touch else locator.click()

    def lands_on(self, locator):
        """Wait until something is on the screen."""
        expect(locator).to_be_attached()
        handle = locator.element_handle()
        self.page.wait_for_function(IN_VIEW, arg=handle)


@pytest.fixture(scope="module", params=READERS, ids=lambda p: "-".join(map(str, p)) if p else None)
def reader(request, browser, site, server):
    width, theme, place = request.param
    base = site.as_uri() + "/" if place == "disk" else server
    reader = Reader(browser, base, width, theme)
    yield reader
    reader.context.close()


@pytest.fixture(autouse=True)
def nothing_goes_wrong(reader):
    yield
    wrong, reader.wrong = reader.wrong, []
    assert not wrong


def test_the_menu_opens_and_closes(reader):
    page = reader.go(CHAPTER)
    button = page.get_by_role("button", name="Menu", exact=True)
    menu = page.get_by_role("navigation", name="Main")
    if reader.width >= 960:
        expect(menu).to_be_visible()
        text = page.locator("article").bounding_box()
        reader.press(button)
        expect(menu).to_be_hidden()
        expect(button).to_have_attribute("aria-expanded", "false")
        assert page.locator("article").bounding_box()["x"] < text["x"]
        reader.press(button)
        expect(menu).to_be_visible()
        expect(button).to_have_attribute("aria-expanded", "true")
    else:
        expect(menu).to_be_hidden()
        reader.press(button)
        expect(menu).to_be_visible()
        reader.lands_on(menu.get_by_role("link", name="4 Bidirectional errors"))
        page.keyboard.press("Escape")
        expect(menu).to_be_hidden()
        expect(button).to_be_focused()
        reader.press(button)
        reader.press(page.get_by_role("dialog", name="Menu").get_by_role("button", name="Close"))
        expect(menu).to_be_hidden()
        expect(button).to_be_focused()
        reader.press(button)
    reader.press(menu.get_by_role("link", name="Glossary"))
    page.wait_for_url("**/glossary.html")


def test_the_opened_menu_shows_where_one_is(reader):
    page = reader.go("book/glossary.html")  # far down in the menu
    if reader.width < 960:
        reader.press(page.get_by_role("button", name="Menu", exact=True))
    menu = page.get_by_role("navigation", name="Main")
    reader.lands_on(menu.get_by_role("link", name="Glossary"))
    if reader.width < 960:
        logo = page.get_by_role("dialog", name="Menu").locator(".navbar-brand")
        assert logo.bounding_box()["height"] < 100
        page.keyboard.press("Escape")
        expect(menu).to_be_hidden()


def test_who_folds_the_menu_can_still_search_and_figures_stay_on_the_text(reader):
    page = reader.go(CHAPTER)
    if reader.width < 960:  # the menu is a dialog there
        return
    button = page.get_by_role("button", name="Menu", exact=True)
    search = page.locator(".bd-header-article button.search-button")
    reader.press(button)
    expect(search).to_be_visible()
    middle = "e => { const r = e.getBoundingClientRect(); return (r.left + r.right) / 2 }"
    column = page.locator(".bd-article-container").evaluate(middle)
    text = page.locator("article").bounding_box()
    assert abs(text["x"] + text["width"] / 2 - column) < 2, "the text stands in the middle"
    for figure in page.locator("article .bpc-panels").all():
        box = figure.bounding_box()
        assert box["x"] >= text["x"] and box["x"] + box["width"] <= text["x"] + text["width"] + 1
    reader.press(search)
    field = page.get_by_role("searchbox").and_(page.locator("dialog input"))
    expect(field).to_be_focused()
    page.keyboard.press("Escape")
    expect(field).to_be_hidden()


@pytest.mark.parametrize("name", ["book/12_open_ends.html", "book/live.html", "book/glossary.html"])
def test_a_page_opened_by_its_address_has_a_search_on_its_first_screen(reader, name):
    page = reader.go(name)
    button = page.locator(".bd-header-article button.search-button")
    page.wait_for_timeout(300)  # the theme scrolls the menu to the page
    box = button.bounding_box()
    assert 0 <= box["y"] and box["y"] + box["height"] < page.viewport_size["height"]
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    assert button.evaluate("(e, [x, y]) => e.contains(document.elementFromPoint(x, y))", [x, y])


def test_a_slash_searches(reader):
    page = reader.go(CHAPTER)
    page.keyboard.press("/")
    field = page.get_by_role("searchbox").and_(page.locator("dialog input"))
    expect(field).to_be_focused()
    field.type("and/or")
    expect(field).to_have_value("and/or")
    page.keyboard.press("Enter")
    page.wait_for_url("**/search.html?q=and%2For")
    field = page.locator(".bd-search-container input")
    field.evaluate("e => e.blur()")
    page.keyboard.press("/")
    expect(field).to_be_focused()
    expect(field).to_have_value("and/or")


def test_the_search_says_that_it_waits_for_enter(reader):
    page = reader.go(CHAPTER)
    if reader.width < 960:
        reader.press(page.locator(".bd-header-article button.search-button"))
    else:
        page.keyboard.press("Control+K")
    field = page.get_by_role("searchbox").and_(page.locator("dialog input"))
    expect(field).to_be_focused()
    said = field.get_attribute("placeholder")
    assert ("then Enter" in said) == (reader.width > 600)  # a phone's own keyboard has a key for it
    room = field.evaluate(
        """e => { const s = getComputedStyle(e), pen = document.createElement('canvas').getContext('2d');
            pen.font = s.font;
            return e.clientWidth - parseFloat(s.paddingLeft) - parseFloat(s.paddingRight)
                - pen.measureText(e.placeholder).width }"""
    )
    assert room > 0, f"{said!r} is cut off"
    page.keyboard.type("amortiser")
    page.keyboard.press("Enter")
    page.wait_for_url("**/search.html?q=amortiser")
    expect(page.locator("#search-results li").first).to_be_visible()
    there = page.locator(".bd-search-container input")  # there it finds while one types
    assert there.get_attribute("placeholder") == "Search this book"


def test_the_contents_lead_to_their_section(reader):
    page = reader.go(CHAPTER)
    contents = page.locator("#pst-page-toc-nav")
    if reader.width < 1200:
        expect(contents).to_be_hidden()
        reader.press(page.get_by_role("button", name="On this page"))
    expect(contents).to_be_visible()
    reader.press(contents.get_by_role("link", name="Exercises"))
    if reader.width < 1200:
        expect(contents).to_be_hidden()
    reader.lands_on(page.get_by_role("heading", name="Exercises"))


def test_the_contents_mark_the_section_that_is_read(reader):
    page = reader.go(CHAPTER)
    marked = page.locator("#pst-page-toc-nav a[aria-current]")

    def is_marked(section):
        expect(marked).to_have_count(1)
        expect(marked).to_have_attribute("href", f"#{section}")

    headings = (
        """() => [...document.querySelectorAll('#pst-page-toc-nav a')].map(a => a.hash.slice(1))"""
    )
    sections = page.evaluate(headings)
    within = """anchor => [...document.querySelectorAll('section')].filter(
        s => s.contains(document.getElementById(anchor))).at(-1).id"""
    for anchor in ("figure-3", "exercise-3-2", "figure-2"):  # jumps into the middle of a section
        page.evaluate("anchor => { location.hash = anchor }", anchor)
        is_marked(page.evaluate(within, anchor))
    page.evaluate("() => scrollTo(0, document.body.scrollHeight)")
    expect(marked).to_have_attribute("href", re.compile("|".join(sections[-2:])))
    if reader.width >= 1200:
        seen = """e => { const p = e.closest('.bd-sidebar-secondary').getBoundingClientRect(),
            r = e.getBoundingClientRect(); return r.top >= p.top && r.bottom <= p.bottom + 1 }"""
        page.wait_for_function(seen, arg=marked.element_handle())


def test_the_skip_link_leads_past_the_buttons_too(reader):
    if reader.touch:
        pytest.skip("there is no keyboard")
    page = reader.go(CHAPTER)
    page.evaluate("() => { document.activeElement.blur(); scrollTo(0, 0) }")
    page.locator("#pst-skip-link a").focus()
    page.keyboard.press("Enter")
    page.wait_for_function("() => document.activeElement.matches('.bd-article')")
    page.keyboard.press("Tab")
    assert page.evaluate("() => document.activeElement.closest('.bd-article') !== null")


def test_what_a_check_says_is_not_cut_off(reader):
    page = reader.go("book/solutions.html")
    cut = """() => [...document.querySelectorAll('.highlight-text pre')]
        .filter(e => e.scrollWidth > e.clientWidth + 1).length"""
    assert page.locator(".highlight-text pre").count() > 20 and page.evaluate(cut) == 0


def test_the_theme_changes_and_stays_changed(reader):
    page = reader.go(CHAPTER)
    root, button = page.locator("html"), page.get_by_role("button", name="Theme: ")
    colour = "() => getComputedStyle(document.body).backgroundColor"
    changed = f"before => ({colour})() !== before"
    expect(root).to_have_attribute("data-theme", reader.theme)
    before = page.evaluate(colour)
    expect(button).to_have_accessible_name("Theme: auto")
    reader.press(button)
    expect(root).to_have_attribute("data-theme", OTHER[reader.theme])
    expect(button).to_have_accessible_name(f"Theme: {OTHER[reader.theme]}")
    page.wait_for_function(changed, arg=before)
    page.wait_for_timeout(1000)  # what a page stores reaches its next process a moment later
    page.reload()
    expect(root).to_have_attribute("data-theme", OTHER[reader.theme])
    reader.press(button)
    expect(root).to_have_attribute("data-theme", reader.theme)
    reader.press(button)  # and back to what the system says
    expect(root).to_have_attribute("data-mode", "auto")


def test_the_theme_changes_before_the_scripts_have_come(reader):
    page, held = reader.context.new_page(), []
    page.route("**/_static/all.js*", lambda route: held.append(route))
    page.goto(reader.base + CHAPTER, wait_until="commit")
    root, button = page.locator("html"), page.locator(".theme-switch-button:visible")
    expect(root).to_have_attribute("data-theme", reader.theme)
    reader.press(button)
    expect(root).to_have_attribute("data-theme", OTHER[reader.theme])
    assert len(held) == 1
    held[0].continue_()
    expect(button).to_have_accessible_name(f"Theme: {OTHER[reader.theme]}")
    expect(root).to_have_attribute("data-theme", OTHER[reader.theme])
    reader.press(button)  # and the theme's own listener alone goes on from there
    expect(root).to_have_attribute("data-mode", reader.theme)
    reader.press(button)
    expect(root).to_have_attribute("data-mode", "auto")
    page.close()


@pytest.mark.parametrize("name", [CHAPTER, "book/10_fast.html"])
def test_a_chapter_leads_to_its_exercises_and_back(reader, name):
    page = reader.go(name)
    reader.press(page.get_by_role("link", name="To the exercises", exact=True))
    page.wait_for_url("**#exercises")
    reader.lands_on(page.get_by_role("heading", name="Exercises").first)
    back = page.get_by_role("link", name="Back to the beginning", exact=True)
    reader.lands_on(back)
    reader.press(back)
    reader.lands_on(page.locator("article h1").first)
    assert page.evaluate("() => scrollY") < 200


def test_a_search_finds_sections_and_terms_and_shows_where(reader):
    page = reader.go(CHAPTER)
    reader.press(page.locator("button.search-button__button:visible").first)
    page.get_by_role("searchbox").and_(page.locator("dialog input")).type("amortizer")
    page.keyboard.press("Enter")
    page.wait_for_url("**/search.html?q=amortizer")
    results = page.locator("#search-results li")
    expect(results.first).to_contain_text("amortiser in Glossary")
    expect(results.first).to_contain_text("predict upwards")
    field = page.locator(".bd-search-container input")
    for typed, found in (
        ("sigmoid", "activation function"),
        ("normalize", "normalise"),
        ("local rules", "4 Bidirectional errors"),
        ("backpropagation", "backprop"),
        ("weight_gradient", "2 Generating digits"),
        ("back-propagation", "backprop"),
        ("α", "alpha"),
        ("ELBO", "free energy"),
        ("Hessian", "curvature"),
        ('"predictive coding"', "predictive coding"),
        ("how to cite", "How to cite"),
        ("citation", "How to cite"),
        ("prerequisites", "What you need"),
        ("occlusion", "7 What is missing"),
    ):
        field.fill(typed)
        expect(results.filter(has_text=re.compile(found, re.I)).first).to_be_visible()
    for typed, found in (("XOR", "in 6 Landscapes"), ("hPC", "in Glossary")):
        field.fill(typed)  # what explains it before what judges it
        expect(results.first).to_contain_text(re.compile(found))
    field.fill('"coding predictive"')
    expect(results).to_have_count(0)
    field.fill("xyzzy")
    expect(page.get_by_role("status")).to_contain_text("Nothing found for “xyzzy”")
    assert page.get_by_role("heading", name="Search").bounding_box()["x"] >= 12
    expect(page.locator("#search-help")).to_be_empty()
    expect(page.get_by_role("link", name="notation", exact=True)).to_be_visible()
    field.fill("amortizer")
    reader.press(results.first.get_by_role("link"))
    page.wait_for_url("**/glossary.html#term-amortiser")
    reader.lands_on(page.locator("#term-amortiser"))


def test_a_search_that_finds_much_shows_the_rest_when_asked(reader):
    page = reader.go("search.html")
    results = page.locator("#search-results li > a")
    page.locator(".bd-search-container input").fill("network")
    status = page.get_by_role("status")
    expect(status).to_contain_text("the best 40 are shown")
    found = int(re.match(r"\d+", status.inner_text())[0])
    expect(results).to_have_count(40)
    reader.press(page.get_by_role("button", name=f"Show the other {found - 40}"))
    expect(results).to_have_count(found)
    expect(results.nth(40)).to_be_focused()
    expect(status).to_have_text(f"{found} sections found.")
    expect(page.get_by_role("button", name=re.compile("Show the other"))).to_have_count(0)


def test_a_search_helps_who_types_nothing_or_misspells(reader):
    page = reader.go("search.html")
    results, help = page.locator("#search-results li"), page.locator("#search-help")
    field = page.locator(".bd-search-container input")
    field.fill("")
    expect(results).to_have_count(0)
    expect(help).to_contain_text("Type a word")
    reader.press(help.get_by_role("link", name="exercise 1.2"))
    expect(field).to_have_value("exercise 1.2")
    expect(results.first).to_contain_text("Exercise 1.2 in 1 ")
    expect(help).to_be_empty()
    for typed, meant in (
        ("amortzer", "amortiser"),
        ("bidirectinal eror", "bidirectional error"),
        ("alpha_gne", "alpha_gen"),
        ("generator xyzzy", "generator"),
    ):
        field.fill(typed)
        expect(results).to_have_count(0)
        expect(help).to_contain_text("Did you mean")
        reader.press(help.get_by_role("link", name=meant, exact=True))
        expect(field).to_have_value(meant)
        expect(results.first).to_be_visible()
        assert "q=" + meant.split()[0] in page.url
    field.fill("")


def test_a_search_leads_to_what_has_a_number_and_gives_no_solution_away(reader):
    page = reader.go("search.html")
    results = page.locator("#search-results li")
    field = page.locator(".bd-search-container input")
    for typed, title, address in (
        ("exercise 1.2", "Exercise 1.2 in 1 ", "01_energy.html#exercise-1-2"),
        ("exercise 2.1", "Exercise 2.1 in 2 ", "02_generating.html#exercise-2-1"),
        ("solution 1.2", "Solution 1.2 in Solutions", "solutions.html#solution-1-2"),
        ("equation 3", "Equation 3 in 1 ", "01_energy.html#"),
        ("figure 1", "Figure 1 in 1 ", "01_energy.html#figure-1"),
        ("eq. 3", "Equation 3 in 1 ", "01_energy.html#"),
        ("fig 1", "Figure 1 in 1 ", "01_energy.html#figure-1"),
        ("figure 4.2", "Figure 2 in 4 ", "04_bidirectional.html#figure-2"),
        ("fig 2 of chapter 4", "Figure 2 in 4 ", "04_bidirectional.html#figure-2"),
        ("chapter 4 figure 2", "Figure 2 in 4 ", "04_bidirectional.html#figure-2"),
        ("eq 4.3", "Equation 3 in 4 ", "04_bidirectional.html#equation-eq-04-3"),
        ("infer(", "API: infer", "api.html#bpc_minimal.infer"),
        ("Chapter 4", "4 Bidirectional errors", "04_bidirectional.html"),
    ):
        field.fill(typed)
        expect(results.first).to_contain_text(title)
        assert address in results.first.get_by_role("link").get_attribute("href")
    field.fill("exercise 3.2")
    expect(results.first).not_to_contain_text("among all solutions")  # but what it asks
    for typed, meant in (
        ("freeenergy", "free energy"),
        ("playground", "network"),
        ("quiz", "xercise"),
    ):
        field.fill(typed)
        expect(results.first).to_contain_text(meant)
    every = page.evaluate("() => SEARCH_INDEX.entries")
    solutions = [entry for entry in every if "solutions.html#" in entry["url"]]
    assert solutions and not any(entry["text"] for entry in solutions)
    chapters = [entry["text"] for entry in every if re.search(r"book/\d\d_", entry["url"])]
    assert not [text for text in chapters if "answer_1 = 9.0" in text or "lVert" in text]


def test_a_button_that_a_key_pressed_keeps_the_focus(reader):
    """Else the next Tab would begin at the top, and the theme could be changed but once."""
    page = reader.go(CHAPTER)
    copy = page.locator("article div.cell_input:visible button.copybtn").first
    theme = page.locator(".theme-switch-button:visible").first
    for button in (copy, theme):
        for key in ("Enter", "Space"):
            button.focus()
            page.keyboard.press(key)
            page.wait_for_timeout(50)  # the scripts that let the focus go have run
            expect(button).to_be_focused()
    theme.focus()
    page.keyboard.press("Enter")  # the third of three: as it was
    if reader.width == 1280:
        search = page.locator(".search-button-field:visible").first
        search.focus()
        page.keyboard.press("Enter")
        expect(page.locator("#pst-search-dialog")).to_be_visible()
        page.keyboard.press("Escape")
        expect(page.locator("#pst-search-dialog")).to_be_hidden()
        expect(search).to_be_focused()


def test_where_a_page_may_keep_nothing_all_else_works(reader):
    """A course's site may show it in a frame that has no storage."""
    if reader.base.startswith("file:"):
        pytest.skip("the frame is that of a site")
    page = reader.context.new_page()
    wrong = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.goto(f"{reader.base}search.html")
    page.set_content(
        f'<iframe sandbox="allow-scripts" width="{reader.width}" height="800"'
        f' src="{reader.base}{CHAPTER}"></iframe>'
    )
    frame = page.frame_locator("iframe")
    root = frame.locator("html")
    expect(root).to_have_attribute("data-theme", reader.theme)
    frame.locator(".theme-switch-button:visible").first.click()
    expect(root).to_have_attribute("data-theme", OTHER[reader.theme])
    expect(frame.locator("a[aria-describedby]").first).to_be_attached()
    page.close()
    assert not wrong


def test_full_screen_is_offered_where_there_is_one(reader):
    page = reader.go(CHAPTER)
    button = page.locator(".btn-fullscreen-button").first
    expect(button).to_be_visible()
    without = reader.context.new_page()
    without.add_init_script(
        "Object.defineProperty(document, 'fullscreenEnabled', {get: () => false})"
    )
    without.goto(reader.base + CHAPTER)
    expect(without.locator(".btn-fullscreen-button").first).to_be_hidden()
    without.close()


def test_code_is_copied(reader):
    page = reader.go(CHAPTER)
    cell = page.locator("article div.cell_input:visible").first
    code = cell.locator("pre").inner_text().strip()
    cell.scroll_into_view_if_needed()
    if not reader.touch:
        cell.hover()
    button = cell.locator("button.copybtn")
    expect(button).not_to_have_css("opacity", "0")
    reader.press(button)
    expect(button).to_have_class(re.compile("success"))
    expect(page.locator("[aria-live]", has_text="Copied")).to_have_count(1)
    page.evaluate(
        """() => { const e = document.body.appendChild(document.createElement('textarea'));
            e.id = 'paste-here'; e.focus({preventScroll: true}) }"""
    )
    page.keyboard.press("Control+V")
    pasted = page.evaluate(
        "() => { const e = document.getElementById('paste-here'); e.remove(); return e.value }"
    )
    assert pasted.strip() == code


def test_the_button_that_copies_covers_no_code(reader):
    page = reader.go(CHAPTER)
    covered = page.evaluate(
        """() => [...document.querySelectorAll('article div.highlight:has(> button.copybtn)')]
            .filter(e => e.checkVisibility()).filter(e => {
                const b = e.querySelector('button').getBoundingClientRect();
                const range = document.createRange();
                range.selectNodeContents(e.querySelector('pre'));
                return [...range.getClientRects()].some(r => r.width && r.right > b.left
                    && r.left < b.right && r.bottom > b.top && r.top < b.bottom);
            }).map(e => e.innerText.slice(0, 60))"""
    )
    if reader.touch:  # elsewhere it shows where the mouse is, and moves away with it
        assert not covered


def test_the_button_that_copies_takes_no_row_and_numbers_stay_whole(reader):
    page = reader.go(CHAPTER)
    above = page.evaluate(
        """() => [...document.querySelectorAll('article .cell_input pre')].filter(e => e.checkVisibility())
            .map(e => e.querySelector('.line').getBoundingClientRect().top - e.getBoundingClientRect().top)"""
    )
    assert above and max(above) < 24
    for name in (CHAPTER, "book/solutions.html"):
        page = reader.go(name)
        cut = page.evaluate(
            """() => [...document.querySelectorAll('article pre :is(.mf, .mi)')]
                .filter(e => e.checkVisibility() && e.getClientRects().length > 1).map(e => e.textContent)"""
        )
        assert not cut, f"{name}: {cut}"


def test_a_name_of_the_code_goes_on_after_a_sign(reader):
    page = reader.go("book/solutions.html")
    # Where a row of code ends within a word: the letter before.
    ends = page.evaluate(
        """() => [...document.querySelectorAll('article .highlight-python pre .line')].flatMap(line => {
            const found = [], range = document.createRange();
            const walk = document.createTreeWalker(line, NodeFilter.SHOW_TEXT);
            let before = null, bottom = null;
            while (walk.nextNode()) {
                const text = walk.currentNode;
                for (let i = 0; i < text.length; i++) {
                    range.setStart(text, i); range.setEnd(text, i + 1);
                    const box = range.getBoundingClientRect(), letter = text.data[i];
                    if (!box.width) { before = letter; continue; }
                    if (bottom !== null && box.top > bottom - 2 && /\\w/.test(letter)) found.push(before);
                    bottom = box.bottom; before = letter;
                }
            }
            return found })"""
    )
    if reader.width == 390:
        assert len(ends) > 20
    within = [letter for letter in ends if re.match(r"[A-Za-z0-9]", letter)]
    assert not within, within


@pytest.mark.parametrize(
    "name",
    ["book/03_hybrid.html", "book/solutions.html", "book/teaching/chapters.html", "search.html"],
)
def test_what_is_touched_is_large_enough(reader, name):
    """44 pixels for what a page is used with; 24 for a link in a line of text, and for all else."""
    page = reader.go(name)
    sizes = page.evaluate(
        """() => [...document.querySelectorAll('main :is(a[href], button, input, summary)')]
            .filter(e => e.checkVisibility({opacityProperty: true}) && !e.matches('.headerlink'))
            .map(e => {
                const around = e.closest('p, li, td, th, dd, figcaption, footer');
                const boxes = [...e.getClientRects()].map(r => [r.width, r.height]);
                return {what: e.outerHTML.slice(0, 90), boxes,
                    prime: !!e.closest('.bd-header-article, .exercise-links, .prev-next-footer')
                        || e.matches('summary, input') || e.querySelector('img') !== null,
                    footer: !!e.closest('footer, .bd-footer-content')}})"""
    )
    assert len(sizes) > 5
    for size in sizes:
        least = 44 if size["prime"] and reader.touch else 24
        if size["footer"]:
            continue
        wide, high = (max(sides) for sides in zip(*size["boxes"], strict=True))
        assert high >= least - 0.5 and wide >= min(least, 24) - 0.5, size


def test_code_goes_on_below_and_nothing_of_it_scrolls(reader):
    page = reader.go("book/solutions.html")
    assert page.locator("article pre .line").count() > 100
    wide = """() => [...document.querySelectorAll('article pre')]
        .filter(e => e.scrollWidth > e.clientWidth + 1).map(e => e.innerText.slice(0, 60))"""
    assert not page.evaluate(wide)
    # Of each line of several rows: how far in it begins, and its first row and the others, in letters.
    found = page.evaluate(
        """() => [...document.querySelectorAll('article pre .line')].map(e => {
            const style = getComputedStyle(e), letter = parseFloat(style.fontSize) * 0.602;
            const rows = e.getBoundingClientRect().height / parseFloat(style.fontSize) / 1.2;
            const indent = e.textContent.length - e.textContent.trimStart().length;
            const below = parseFloat(style.paddingLeft), first = below + parseFloat(style.textIndent);
            return [rows, indent, first / letter, below / letter] }).filter(([rows]) => rows > 1.6)"""
    )
    if reader.width == 390:
        assert len(found) > 20, "code of 78 columns is wider than a phone"
    for _, indent, first, below in found:
        assert abs(first) < 0.01 and below == pytest.approx(indent + 2, rel=0.05)


def test_code_that_is_chosen_and_copied_is_the_code(reader):
    page = reader.go("book/solutions.html")
    pre = page.locator("article .highlight-python pre").nth(2)
    code = pre.text_content()
    assert code.count("\n") > 2
    pre.evaluate("e => getSelection().selectAllChildren(e)")
    page.keyboard.press("Control+C")
    page.evaluate(
        """() => { const e = document.body.appendChild(document.createElement('textarea'));
            e.id = 'paste-here'; e.focus({preventScroll: true}) }"""
    )
    page.keyboard.press("Control+V")
    pasted = page.evaluate(
        "() => { const e = document.getElementById('paste-here'); e.remove(); return e.value }"
    )
    assert pasted.strip() == code.strip()


def test_a_table_that_goes_on_to_the_right_fades_and_scrolls(reader):
    page = reader.go("book/04_bidirectional.html")
    page.wait_for_function("() => document.fonts.status == 'loaded'")
    wide = "e => e.scrollWidth > e.clientWidth + 4"
    tables = page.locator("article .text_html:has(table)").all()
    boxes = [box for box in tables if box.is_visible()]
    found = [box for box in boxes if box.evaluate(wide)]
    if reader.width == 390:
        assert found
    for box in boxes:
        if box not in found:
            expect(box).not_to_have_class(re.compile("more-"))
    for box in found[:2]:
        expect(box).to_have_class(re.compile("more-right"))
        expect(box).not_to_have_class(re.compile("more-left"))
        assert box.evaluate("e => getComputedStyle(e).maskImage") != "none"
        box.focus()
        for _ in range(20):  # a key that comes while the page still moves is lost
            page.keyboard.press("ArrowRight")
            page.wait_for_timeout(250)
            if box.evaluate("e => e.scrollLeft > 4"):
                break
        expect(box).to_have_class(re.compile("more-left"))
        page.keyboard.press("End")
        for _ in range(40):
            page.keyboard.press("ArrowRight")
        expect(box).not_to_have_class(re.compile("more-right"))
        box.evaluate("e => { e.scrollLeft = 0 }")


def test_back_to_top(reader):
    page = reader.go(CHAPTER)
    button = page.get_by_role("button", name="Back to top")
    expect(button).to_be_hidden()
    page.mouse.move(reader.width / 2, 400)  # over the article: a menu scrolls by itself
    page.mouse.wheel(0, 3000)
    page.wait_for_function("() => scrollY > 2000")
    page.mouse.wheel(0, -300)
    page.wait_for_function("() => scrollY < 2900")
    if (
        not 768 <= reader.width < 1200
    ):  # it would hide a line, or the contents stand beside the text
        expect(button).to_be_hidden()
        return
    expect(button).to_be_visible()
    reader.press(button)
    page.wait_for_function("() => scrollY == 0")


def test_the_download_is_the_notebook(reader):
    page = reader.go(CHAPTER)
    reader.press(page.get_by_role("button", name="Download this page"))
    with page.expect_download() as download:
        reader.press(page.locator("a.btn-download-source-button"))
    assert download.value.suggested_filename == "03_hybrid.ipynb"
    assert Path(download.value.path()).read_bytes() == (ROOT / "book/03_hybrid.ipynb").read_bytes()
    assert len(reader.context.pages) == 1, "a tab was opened"
    page.mouse.click(5, 300)
    expect(page.locator("a.btn-download-source-button")).to_be_hidden()


def test_what_is_launched_elsewhere_is_offered(reader):
    page = reader.go(CHAPTER)
    for button, link in (
        ("Launch interactive content", "Colab"),
        ("Source repositories", "Suggest edit"),
    ):
        reader.press(page.get_by_role("button", name=button))
        expect(page.locator(".dropdown-menu.show").get_by_role("link", name=link)).to_be_visible()
        page.keyboard.press("Escape")
        page.mouse.move(5, 300)
        expect(page.locator(".dropdown-menu:visible")).to_have_count(0)


def test_full_screen_and_back(reader):
    page = reader.go(CHAPTER)
    full = "wanted => !!document.fullscreenElement == wanted"
    button = page.locator("button.btn-fullscreen-button")
    name = page.locator(".tooltip:visible")
    if not reader.touch:
        button.hover()
        expect(name).to_have_count(1)
    reader.press(button)
    page.wait_for_function(full, arg=True)
    expect(name).to_have_count(0)  # it would hang over what is shown
    reader.press(button)
    page.wait_for_function(full, arg=False)


def test_a_fold_opens_and_closes(reader):
    page = reader.go(CHAPTER)
    fold = page.locator("details.fold:not(.exercise *)").first
    bar, code = fold.locator("summary"), fold.locator("pre").first
    expect(code).to_be_hidden()
    expect(bar).to_have_text(re.compile("^Show the code of Figure 1"), use_inner_text=True)
    reader.press(bar)
    expect(code).to_be_visible()
    expect(bar).to_have_text(re.compile("^Hide the code of Figure 1"), use_inner_text=True)
    bar.focus()
    page.keyboard.press("Enter")
    expect(code).to_be_hidden()


def test_an_exercise_and_its_solution_lead_to_each_other(reader):
    page = reader.go(CHAPTER)
    box = page.locator("#exercise-3-2")
    expect(box.get_by_text("axes: seed")).to_be_hidden()
    reader.press(box.locator("#solution-3-2 > summary"))
    expect(box.get_by_text("settled_rule = bpc.Rule(").first).to_be_visible()
    expect(box.get_by_text("With it, the check prints:")).to_be_visible()
    reader.press(box.get_by_role("link", name="Solution 3.2 among all solutions"))
    page.wait_for_url("**/solutions.html#solution-3-2")
    entry = page.locator("section", has=page.get_by_role("heading", name="Exercise 3.2")).last
    reader.lands_on(entry.get_by_role("heading").first)
    reader.press(entry.get_by_role("link", name="Back to exercise 3.2"))
    page.wait_for_url(f"**/{CHAPTER}#exercise-3-2")
    reader.lands_on(box)


def test_an_address_unfolds_what_it_names(reader):
    page = reader.go(CHAPTER)
    solution = page.locator("#solution-3-1")
    expect(solution).not_to_have_attribute("open", "")
    page.evaluate("() => { location.hash = '#solution-3-1' }")
    expect(solution).to_have_attribute("open", "")
    reader.lands_on(solution)


def test_next_and_previous_are_the_neighbours(reader):
    page = reader.go(CHAPTER)
    reader.press(
        page.get_by_role("link", name="4 Bidirectional errors").and_(page.locator("a.right-next"))
    )
    page.wait_for_url("**/04_bidirectional.html")
    expect(page.get_by_role("heading", level=1)).to_contain_text("4 Bidirectional errors")
    reader.press(page.locator("a.left-prev"))
    page.wait_for_url(f"**/{CHAPTER}")
    expect(page).to_have_title(re.compile("^3 The hybrid amortiser"))


def test_equations_figures_and_chapters_are_links(reader):
    page = reader.go(CHAPTER)
    for words in ("Equation 2", "Figure 6"):
        reader.press(page.locator("article").get_by_role("link", name=words, exact=True).first)
        anchor = re.search("#(.*)", page.url)[1]
        target = page.locator(f"[id='{anchor}']")
        reader.lands_on(target)
        number = words.split()[1]
        if words.startswith("Equation"):
            expect(target.locator(".eqno")).to_contain_text(f"({number})")
        else:
            assert anchor == f"figure-{number}"
            expect(target).to_contain_text(f"Figure {number}.")
    reader.press(
        page.locator("article").get_by_role("link", name=re.compile("[Cc]hapter 2$")).first
    )
    page.wait_for_url("**/02_generating.html")


def test_a_word_of_the_glossary_shows_its_definition_and_leads_to_it(reader):
    page = reader.go(CHAPTER)
    word = page.locator("a.term").first
    term = re.search("#(.*)", word.get_attribute("href"))[1]
    definition = page.locator(f"#definition-of-{term}")
    expect(definition).to_be_hidden()
    word.scroll_into_view_if_needed()
    if reader.touch:
        word.tap()
        expect(definition).to_be_visible()
        assert CHAPTER in page.url
        there = definition.get_by_role("link", name="Glossary")
        assert there.get_attribute("href") == word.get_attribute("href")
        page.touchscreen.tap(5, 300)
        expect(definition).to_be_hidden()
        word.tap()
    else:
        word.hover()
        expect(definition).to_be_visible()
        definition.hover()  # it stays while one reads it
        expect(definition).to_be_visible()
        page.mouse.move(0, 0)
        expect(definition).to_be_hidden()
        word.focus()
    expect(definition).to_be_visible()
    box = definition.bounding_box()
    assert box["x"] >= 0 and box["x"] + box["width"] <= reader.width
    page.keyboard.press("Escape")
    expect(definition).to_be_hidden()
    if reader.touch:
        word.tap()
        expect(definition).to_be_visible()
    reader.press(word)
    page.wait_for_url(f"**/glossary.html#{term}")
    reader.lands_on(page.locator(f"[id='{term}']"))


def test_paper_is_light_and_leaves_out_what_is_folded(reader):
    page = reader.go(CHAPTER)
    folds = page.locator("details.fold")
    opened = folds.first
    opened.evaluate("e => { e.open = true }")
    page.emulate_media(media="print")
    expect(page.locator("html")).to_have_attribute("data-theme", "light")
    expect(opened.locator("pre").first).to_be_visible()
    expect(folds.last).to_be_hidden()
    expect(page.locator("h1:visible")).to_have_count(1)
    expect(page.get_by_text("Solution 3.2 among all solutions")).to_be_visible()  # where it is
    expect(page.locator("nav:visible, #jb-print-toc:visible, button:visible")).to_have_count(0)
    page.emulate_media(media="screen")
    expect(page.locator("html")).to_have_attribute("data-theme", reader.theme)
    opened.evaluate("e => { e.open = false }")
