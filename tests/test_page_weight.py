"""What a page of the book weighs, what it says of itself, and that its formulas and icons need nothing more.

Bytes and requests are counted; seconds are not, as the machine has its share in them: `make pages-report`.
"""

import base64
import io
import json
import re
import sys
import xml.etree.ElementTree as ET

import pytest
import yaml
from conftest import ROOT

fontTools = pytest.importorskip("fontTools.ttLib", reason="pip install fonttools brotli")
pytest.importorskip("py_mini_racer", reason="pip install mini-racer")

from test_pages import CHAPTERS, PAGES, SPECIAL  # noqa: E402

sys.path.insert(0, str(ROOT / "tools"))
import pages_report  # noqa: E402
import set_repository  # noqa: E402
import sphinx_math  # noqa: E402

BASE = yaml.safe_load((ROOT / "_config.yml").read_text("utf-8"))["html"]["baseurl"]


@pytest.fixture(scope="module")
def address(site):
    with pages_report.served(site) as found:
        yield found


@pytest.fixture
def page(browser):
    context = browser.new_context(viewport={"width": 1280, "height": 900}, reduced_motion="reduce")
    yield context.new_page()
    context.close()


def texts(site):
    return {name: (site / name).read_text("utf-8") for name in PAGES}


# Weight


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_light(name, address, browser, site):
    found = pages_report.weigh(browser, address + name)
    formulas = "<math" in (site / name).read_text("utf-8")
    digits = 100 if name == "book/live.html" else 0  # to play with: the weights come when touched
    assert found["kB"] < (1000 if formulas else 500) + digits, found["files"]
    assert not any("/weights/" in file for file in found["files"])
    assert found["requests"] <= 25, found["files"]
    loaded = " ".join(found["files"])
    assert "mathjax" not in loaded.lower() and "fontawesome" not in loaded
    assert ("math.css" in loaded) == formulas, "what draws formulas is loaded where there are some"
    assert "searchindex.js" not in loaded, "the index is for the page that searches"


def test_a_picture_in_a_page_is_packed_well(site):
    from PIL import Image

    text = (site / "book" / "06_landscapes.html").read_text("utf-8")
    found = [base64.b64decode(p) for p in re.findall(r"data:image/webp;base64,([^\"]+)", text)]
    assert len(found) > 5
    smallest = 0
    for packed in found:
        again = io.BytesIO()
        with Image.open(io.BytesIO(packed)) as image:
            image.save(again, "WEBP", lossless=True, quality=100, method=5)
        smallest += len(again.getvalue())
    assert sum(map(len, found)) <= 1.01 * smallest


def test_pictures_say_their_size_and_wait(site, page):
    for name in PAGES:
        page.goto((site / name).as_uri())
        pictures = page.evaluate(
            """async () => Promise.all([...document.querySelectorAll('article img[src]')]
                .filter(e => !e.src.startsWith('data:')).map(async (e, i) => {
                    const waits = e.loading == 'lazy';
                    e.loading = 'eager';
                    await e.decode();
                    const said = e.getAttribute('width') / e.getAttribute('height');
                    const drawn = e.naturalWidth / e.naturalHeight;
                    return [e.src.slice(-50), said, drawn, waits,
                            e.getBoundingClientRect().top > 3 * innerHeight]}))"""
        )
        for source, said, drawn, waits, below in pictures:
            assert said == pytest.approx(drawn, rel=0.02), f"{name}: {source} will jump"
            assert waits or not below, f"{name}: {source} is far below and loads at once"


PLACES = """() => [...document.querySelectorAll('article *, .prev-next-footer')]
    .filter(e => !e.closest('svg, math, output, .definitions, .live-status') && e.checkVisibility())
    .map(e => { const box = e.getBoundingClientRect(); return [e, box.top + scrollY] })"""


ON_A_DESK = ["book/01_energy.html", "book/live.html"]


@pytest.mark.parametrize(
    ("name", "width"), [*((name, 390) for name in PAGES), *((name, 1280) for name in ON_A_DESK)]
)
def test_nothing_moves_when_the_scripts_come(name, width, address, page):
    """However late they are: they are held back until the page has been looked at."""
    held, looked = [], False
    page.set_viewport_size({"width": width, "height": 844})
    page.route(re.compile(r"\.js(\?|$)"), lambda r: r.continue_() if looked else held.append(r))
    page.goto(address + name, wait_until="commit")
    page.locator("footer.bd-footer-content, footer").last.wait_for(state="attached")
    page.evaluate("() => document.fonts.ready.then(() => {})")
    before = page.evaluate_handle(PLACES)
    looked = True
    for route in held:
        route.continue_()
    page.wait_for_load_state("networkidle")
    moved = page.evaluate(
        """before => before.filter(([e]) => e.isConnected && e.checkVisibility())
            .map(([e, top]) =>
                [e.outerHTML.slice(0, 90), e.getBoundingClientRect().top + scrollY - top])
            .filter(([, down]) => Math.abs(down) > 4)""",
        before,
    )
    assert not moved, moved[:4]


# Icons


def fonts_in(style: str) -> dict[str, set[int]]:
    """Read the characters of each font that a style sheet carries, by family and weight."""
    found: dict[str, set[int]] = {}
    for face in re.findall(r"@font-face\s*\{[^}]*\}", style):
        family = re.search(r"font-family:\s*([^;]+)", face)[1].replace("\\", "").strip()
        weight = (re.search(r"font-weight:\s*(\d+)", face) or ["", ""])[1]
        encoded = re.search(r"base64,([A-Za-z0-9+/=]+)", face)[1]
        font = fontTools.TTFont(io.BytesIO(base64.b64decode(encoded)))
        found[f"{family} {weight}".strip()] = set(font.getBestCmap())
    return found


@pytest.mark.parametrize("name", [*PAGES, *SPECIAL])
def test_every_icon_is_in_the_cut_fonts(name, site, page):
    fonts = fonts_in((site / "_static" / "all.css").read_text("utf-8"))
    page.goto((site / name).as_uri())
    icons = page.evaluate(
        """() => [...document.querySelectorAll('i[class*="fa-"], span[class*="fa-"]')].map(e => {
            const s = getComputedStyle(e, '::before');
            return [e.className, s.content, s.fontFamily.replaceAll('"', ''), s.fontWeight]})"""
    )
    assert len(icons) > 5
    for names, content, family, weight in icons:
        sign = content.strip('"')
        assert len(sign) == 1, f"{names} draws {content}"
        assert ord(sign) in fonts[f"{family} {weight}"], f"{names} is not in {family} {weight}"


# Formulas


def test_formulas_need_no_script(browser, site):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    for name, text in texts(site).items():
        if "<math" not in text:
            continue
        page.goto((site / name).as_uri())
        for block in page.locator("article div.math math:visible").all():
            box = block.bounding_box()
            assert box["width"] > 20 and box["height"] > 10
    context.close()


def test_the_font_of_formulas_has_every_character(site):
    (characters,) = fonts_in((site / "_static" / "math.css").read_text("utf-8")).values()
    used = sphinx_math.characters_of(site)
    assert {"α", "∂", "√"} <= used
    assert {ord(c) for c in used if c > " "} <= characters


@pytest.mark.parametrize("name", [*CHAPTERS, "book/notation.html"])
def test_displayed_formulas_fit_a_phone(name, site, page):
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto((site / name).as_uri())
    wide = page.evaluate(
        """() => [...document.querySelectorAll('article div.math math')]
            .filter(e => [e, ...e.querySelectorAll('*')].some(part => {
                const box = part.getBoundingClientRect();
                return box.width && (box.right > innerWidth || box.left < 0) }))
            .map(e => e.closest('[data-tex]').dataset.tex)"""
    )
    assert not wide


def copied(page, choose: str) -> str:
    """Choose a part of the page by a script, copy it by the keyboard, and give what is pasted elsewhere."""
    page.evaluate(f"() => {{ const chosen = getSelection(); chosen.removeAllRanges(); {choose} }}")
    page.keyboard.press("Control+C")
    page.evaluate(
        "() => { document.body.append(document.createElement('textarea'));"
        " document.querySelector('textarea').focus() }"
    )
    page.keyboard.press("Control+V")
    return page.evaluate(
        "() => { const e = document.querySelector('textarea'); e.remove(); return e.value }"
    )


def test_copying_gives_tex(site, page):
    page.goto((site / "book/glossary.html").as_uri())
    pasted = copied(
        page, "chosen.selectAllChildren(document.querySelector('dd .math').closest('p'))"
    )
    assert "$z_0, \\dots, z_L$" in pasted and "values" in pasted


def test_a_formula_that_is_clicked_or_chosen_in_part_is_copied_whole(site, page):
    page.goto((site / "book/01_energy.html").as_uri())
    shown = page.locator("article div.math").nth(1)
    tex = shown.get_attribute("data-tex")
    for choose in (
        "chosen.selectAllChildren(shown)",
        "chosen.selectAllChildren(shown.querySelector('math'))",
        "chosen.selectAllChildren(shown.querySelector('mi'))",
        "chosen.setBaseAndExtent(shown.querySelector('mi'), 0, [...shown.querySelectorAll('mi')].pop(), 1)",
    ):
        found = "const shown = document.querySelectorAll('article div.math')[1]; "
        assert copied(page, found + choose).strip() == f"$${tex}$$", choose
    shown.locator("mi").first.click(click_count=3)
    page.keyboard.press("Control+C")
    page.evaluate("() => document.body.append(document.createElement('textarea'))")
    page.locator("textarea").focus()
    page.keyboard.press("Control+V")
    assert page.locator("textarea").input_value().strip() == f"$${tex}$$"


def test_what_a_selection_only_reaches_is_not_copied(site, page):
    """Three clicks on a paragraph choose it up to where the next thing begins."""
    page.goto((site / "book/01_energy.html").as_uri())
    pasted = copied(
        page,
        """const next = [...document.querySelectorAll('article p + div.math')][0];
        chosen.setBaseAndExtent(next.previousElementSibling, 0, next.querySelector('math'), 0)""",
    )
    text = page.locator("article p:has(+ div.math)").first
    tex = text.locator("+ div.math").get_attribute("data-tex")
    assert pasted.strip() and tex not in pasted


def pieces(tex):
    """Give the text of each piece of a displayed formula, group by group."""
    root = ET.fromstring(sphinx_math.mathml(tex, True))
    return [["".join(piece.itertext()) for piece in group] for group in root]


def test_a_displayed_formula_may_break_outside_of_brackets_only():
    assert pieces(r"E = abc + d, \qquad c = d") == [["E=abc", "+d,"], ["c=d"]]
    (group,) = pieces(r"f(x + y) = (a - b)^2 + \left( c + d \right)")
    assert group == ["f(x+y)", "=(a−b)2", "+(c+d)"]
    assert len(pieces(r"E = \frac12 e^2, \qquad e = z - f(z)")) == 2
    assert "".join(map("".join, pieces("x = -y"))) == "x=−y"


def test_a_formula_that_is_none_is_named():
    with pytest.raises(
        ValueError, match=r"^Unsupported function name: \\bogus .*the formula .*temml.org"
    ):
        sphinx_math.mathml(r"\bogus{x}")
    with pytest.raises(ValueError, match="STIX Two Math has no 漢"):
        sphinx_math.font({"漢"})


# What a page says of itself


def metas(text):
    found = re.findall(r'<meta (?:name|property)="([^"]+)" content="([^"]*)"', text)
    return dict(found)


def test_each_page_has_a_description_of_its_own(site):
    said = {name: metas(text)["description"] for name, text in texts(site).items()}
    assert len(set(said.values())) == len(PAGES)
    for name, text in said.items():
        assert 40 < len(text) <= 220, f"{name}: {text}"
    assert said["book/01_energy.html"].startswith("You expected one thing and you see another.")


def test_each_page_has_a_card_and_a_canonical_address(site):
    from PIL import Image

    for name, text in texts(site).items():
        found = metas(text)
        assert re.search(r'<link rel="canonical" href="([^"]+)"', text)[1] == BASE + name
        assert found["og:url"] == BASE + name and found["og:description"] == found["description"]
        assert found["twitter:card"] == "summary_large_image"
        assert text.count('name="viewport"') == 1
        card = site / found["og:image"].removeprefix(BASE)
        with Image.open(card) as picture:
            assert picture.size == (1200, 630)


def test_the_sitemap_names_the_pages_and_no_others(site):
    root = ET.parse(site / "sitemap.xml").getroot()
    named = [loc.text for loc in root.iter("{http://www.sitemaps.org/schemas/sitemap/0.9}loc")]
    assert sorted(named) == sorted(BASE + name for name in PAGES)


def given_up(request) -> bool:
    """What a browser gives up because it goes to another page has not failed."""
    return "ERR_ABORTED" in (request.failure or "")


def test_a_lost_reader_is_led_back_from_any_depth(site, page, tmp_path):
    folder = BASE.split("/", 3)[3].rstrip("/")  # the pages are published below it
    (tmp_path / folder).symlink_to(site)
    (tmp_path / "404.html").symlink_to(site / "404.html")
    with pages_report.served(tmp_path) as address:
        failed = []
        page.on("requestfailed", lambda r: given_up(r) or failed.append(r.url))
        page.on("response", lambda r: failed.append(r.url) if r.status >= 400 else None)
        lost = f"{address}{folder}/book/no/such/page.html"
        answer = page.goto(lost)
        assert answer.status == 404 and failed == [lost]
        assert page.evaluate("() => document.styleSheets.length") >= 1
        page.get_by_role("link", name="begin at the welcome page").click()
        page.wait_for_url(f"**/{folder}/book/intro.html")
        page.go_back()
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")  # skips to the main content, on this page
        assert page.url == f"{lost}#main-content"
        page.get_by_role("link", name="Glossary").click()
        page.wait_for_url(f"**/{folder}/book/glossary.html")
        assert failed.count(lost) == len(failed)


def test_a_lost_reader_of_a_copy_is_led_back_too(site, page):
    """Published elsewhere than its address says, such as a preview, the book is at the server's root."""
    with pages_report.served(site) as address:
        page.goto(f"{address}book/no/such/page.html")
        style = "() => getComputedStyle(document.body).fontFamily"
        assert page.evaluate(style).startswith("system-ui")
        page.get_by_role("link", name="Glossary").click()
        page.wait_for_url(f"{address}book/glossary.html")


def test_a_lost_reader_is_offered_what_the_address_may_have_meant(site, page, tmp_path):
    folder = BASE.split("/", 3)[3].rstrip("/")
    (tmp_path / folder).symlink_to(site)
    (tmp_path / "404.html").symlink_to(site / "404.html")
    with pages_report.served(tmp_path) as address:
        page.goto(f"{address}{folder}/glosary.html")
        page.get_by_role("status").get_by_role("link", name="Glossary").click()
        page.wait_for_url(f"**/{folder}/book/glossary.html")
        page.goto(f"{address}{folder}/book/04_free-energy.html")
        field = page.locator("article input[type=search]")
        assert field.input_value() == "free energy"
        assert "1 The energy of a guess" in page.get_by_role("status").inner_text()
        field.press("Enter")
        page.wait_for_url(f"**/{folder}/search.html?q=free+energy")
        page.goto(f"{address}{folder}/book/y.html")
        assert field.input_value() == "", "a letter is no word"
        page.goto(f"{address}{folder}/book/xyzzy.html")
        assert field.input_value() == "xyzzy"
        assert not page.get_by_role("status").inner_text().strip(), "nothing is like it"


def test_the_page_for_lost_readers_works_from_a_disk(site, page):
    failed = []
    # Before the page's first script has run, a browser guesses what will be needed, from a server's folder.
    here = site.as_uri()
    page.on(
        "requestfailed", lambda r: given_up(r) or not r.url.startswith(here) or failed.append(r.url)
    )
    page.goto((site / "404.html").as_uri())
    assert page.evaluate("() => getComputedStyle(document.body).fontFamily").startswith("system-ui")
    logo = page.locator("img.logo__image:visible")
    assert logo.evaluate("e => e.decode().then(() => e.naturalWidth)") > 0
    for name, target in (("begin at the welcome page", "intro"), ("Glossary", "glossary")):
        page.get_by_role("link", name=name).click()
        page.wait_for_url((site / f"book/{target}.html").as_uri())
        page.go_back()
    assert not failed


# Addresses, and the report


def test_the_pages_address_follows_from_the_repositorys():
    assert set_repository.pages("Some-One/a.book") == "https://Some-One.github.io/a.book/"
    assert set_repository.pages("me/Me.github.io") == "https://me.github.io/"
    assert BASE == set_repository.pages(set_repository.current(ROOT))


def test_setting_the_address_sets_that_of_the_pages(tmp_path):
    config = tmp_path / "_config.yml"
    config.write_text((ROOT / "_config.yml").read_text("utf-8"))
    for slug in ("some-one/a.book", "me/me.github.io", "other/bpc"):
        set_repository.replace(tmp_path, slug)
        found = yaml.safe_load(config.read_text("utf-8"))
        assert found["html"]["baseurl"] == set_repository.pages(slug)
        assert found["repository"]["url"].endswith(slug)


def test_the_stored_table_is_that_of_the_stored_report():
    stored = json.loads(pages_report.RESULT.read_text("utf-8"))
    assert pages_report.TABLE.read_text("utf-8") == pages_report.table(stored)


def test_a_report_of_nothing_says_what_to_do(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["pages_report.py", "--site", str(tmp_path)])
    assert pages_report.main() == 1
    assert "run: make book" in capsys.readouterr().err
