"""What a reader's browser must find in every page: opened in Chromium, with the network closed."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

import pytest
from filelock import FileLock

ROOT = Path(__file__).resolve().parents[1]
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome") or shutil.which("chrome")
PAGES = sorted(
    str(path.relative_to(ROOT).with_suffix(".html"))
    for pattern in ("*.md", "[0-9]*.ipynb")
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


@pytest.fixture(scope="session")
def site(tmp_path_factory):
    """Render the book, with warnings as errors, once for all processes that test."""
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    out = shared / "site"
    with FileLock(shared / "site.lock"):
        if not out.exists():
            tool = Path(sys.executable).with_name("jupyter-book")
            command = [tool, "build", ".", "--all", "-W", "--keep-going", "--path-output", out]
            found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
            if found.returncode:
                out.rename(shared / "site-failed")
            assert found.returncode == 0, found.stdout[-3000:] + found.stderr[-3000:]
    return out / "_build" / "html"


@pytest.fixture(scope="session")
def browser():
    with sync_api.sync_playwright() as playwright:
        options = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=options)
        yield browser
        browser.close()


def open_page(browser, site, name, theme: str | None = "light"):
    """Open a page in a fresh context; collect what goes wrong on the way."""
    context = browser.new_context(
        viewport={"width": 1280, "height": 900},
        offline=True,
        color_scheme=theme or "dark",
        reduced_motion="reduce",  # a new colour is there at once
    )
    if theme:  # as a reader chose it on an earlier visit
        context.add_init_script(
            f"localStorage.setItem('mode', '{theme}'); localStorage.setItem('theme', '{theme}')"
        )
    page, wrong = context.new_page(), []
    page.on("requestfailed", lambda request: wrong.append(f"failed: {request.url}"))
    page.on(
        "request",
        lambda r: None if r.url.startswith(("file:", "data:", "blob:")) else wrong.append(r.url),
    )
    page.on("console", lambda m: wrong.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.goto((site / name).as_uri(), wait_until="load")
    if name == "index.html":  # it hands on at once, and a script must not run in between
        page.wait_for_url("**/book/intro.html")
    page.evaluate("() => window.MathJax && MathJax.startup && MathJax.startup.promise")
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
    assert {str(path.relative_to(site)) for path in (site / "book").glob("*.html")} == set(PAGES)


def test_page_is_whole_without_a_network(opened):
    page = opened.page
    assert not opened.wrong
    assert page.title()
    unset = page.evaluate(
        """() => [...document.querySelectorAll('.math')]
            .filter(e => !e.querySelector('mjx-container') || e.querySelector('mjx-merror'))
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


def violations(page, rules, leave_out=()):
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
    found = axe.Axe().run(page, {"exclude": [[e] for e in leave_out]}, {"runOnly": rules})
    return [
        f"{v['id']} ({v['impact']}): {v['help']}: "
        + "; ".join(n["html"][:150] for n in v["nodes"][:4])
        for v in found.response["violations"]
    ]


def test_no_violation_of_accessibility(opened):
    rules = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
    assert not violations(opened.page, {"type": "tag", "values": rules})


def test_text_stands_out_in_the_dark_too(opened):
    page, set_theme = opened.page, "theme => { document.documentElement.dataset.theme = theme }"
    page.evaluate(set_theme, "dark")
    # Formulas have the colour of the text around them.
    found = violations(page, {"type": "rule", "values": ["color-contrast"]}, ["mjx-container"])
    page.evaluate(set_theme, "light")
    assert not found


def test_nothing_overflows_on_a_phone(opened):
    page = opened.page
    page.set_viewport_size({"width": 390, "height": 900})
    wide = page.evaluate(
        """() => {
            const scrolls = e => e && e !== document.body &&
                (['auto', 'scroll', 'hidden'].includes(getComputedStyle(e).overflowX)
                 || scrolls(e.parentElement));
            return [...document.querySelectorAll('main *')]
                .filter(e => e.getBoundingClientRect().right > 391 && !scrolls(e))
                .map(e => e.outerHTML.slice(0, 120))}"""
    )
    whole = page.evaluate("() => document.documentElement.scrollWidth")
    page.set_viewport_size({"width": 1280, "height": 900})
    assert not wide
    assert whole <= 390


def test_a_first_visit_follows_the_system_and_is_as_whole(visit):
    page, wrong = visit("book/intro.html", theme=None)
    assert page.evaluate("() => document.documentElement.dataset.theme") == "dark"
    assert not wrong
    assert page.locator("main img").first.bounding_box()["y"] < 400, (
        "the result is not on the screen"
    )


def test_the_folder_opens_at_the_welcome_page(visit):
    page, wrong = visit("index.html")
    assert page.url.endswith("/book/intro.html") and not wrong


def test_a_search_finds_pages_without_a_network(visit):
    page, wrong = visit("book/intro.html")
    page.keyboard.press("Control+k")
    page.keyboard.type("amortiser")
    page.keyboard.press("Enter")
    page.wait_for_selector("#search-results li a")
    page.wait_for_function("() => document.body.innerText.includes('Search finished')")
    found = page.locator("#search-results li a").all_inner_texts()
    assert {"Glossary", "The hybrid amortiser"} <= set(found)
    assert not wrong


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
    for wanted in ("2 Generating digits", "Glossary", "Download this page", "Color mode"):
        assert wanted in names, names
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
        rf"https://colab\.research\.google\.com/github/.*/book/{stem}\.ipynb",
        rf"https://{slug}/edit/main/book/{stem}\.ipynb",  # suggest an edit
        rf"https://{slug}/issues/new\?title=.*{stem}.*",  # report a problem
        rf"file://.*/_sources/book/{stem}\.ipynb",  # download
    ):
        assert any(re.fullmatch(wanted, link) for link in links), wanted
    assert (site / "_sources" / "book" / f"{stem}.ipynb").is_file()
    assert page.locator(".prev-next-footer a").count() >= 1
    assert page.locator("button.copybtn").count() > 10
    assert page.locator("details.hide, .cell.tag_hide-cell, .cell.tag_hide-input").count() > 3


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
    assert pdf.main() == 0
    reader = pypdf.PdfReader(tmp_path / "book.pdf")
    titles = [item.title for item in reader.outline]
    assert len(titles) == len(PAGES) and "The energy of a guess" in titles
    assert len(reader.pages) > 5 * len(CHAPTERS)
    for page in reader.pages:
        for note in page.get("/Annots") or []:
            action = note.get_object().get("/A", {})
            assert "file:" not in str(action.get("/URI", "")), action
