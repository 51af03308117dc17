"""The page of the package, used: found by the search, followed by its links, copied from, held in a hand."""

import pytest
from test_pages import open_page

import bpc_minimal as bpc

API = "book/api.html"


@pytest.fixture(scope="module")
def page(browser, site):
    found, _ = open_page(browser, site, API)
    yield found
    found.context.close()


def test_every_public_name_has_its_place(page):
    ids = page.evaluate("() => [...document.querySelectorAll('article dt[id]')].map(e => e.id)")
    assert {f"bpc_minimal.{name}" for name in bpc.__all__} <= set(ids)
    shown = page.locator("article dt.sig").all_inner_texts()
    assert not [text for text in shown if "jaxtyping." in text or "collections.abc" in text]


@pytest.mark.parametrize(
    ("at", "name", "place"),
    [
        ("bpc_minimal.fit", "Config", "bpc_minimal.Config"),
        ("bpc_minimal.sweep_up", "Network", "bpc_minimal.Network"),
        ("bpc_minimal.infer", "Rule", "bpc_minimal.Rule"),
        ("bpc_minimal.energy", "Activities", "bpc_minimal.network.Activities"),
    ],
)
def test_a_type_leads_to_its_place(page, at, name, place):
    page.locator(f"dt[id='{at}'] a", has_text=name).first.click()
    assert page.evaluate("() => decodeURIComponent(location.hash.slice(1))") == place
    assert page.locator(f"[id='{place}']").is_visible()


def test_a_name_in_the_text_leads_to_its_place(page):
    page.locator("dd a", has_text="learning.train_step").first.click()
    assert page.evaluate("() => location.hash") == "#bpc_minimal.train_step"


def test_a_formula_stays_as_it_is_written(page):
    formula = page.locator("dt[id='bpc_minimal.weight_gradient'] + dd > .highlight-text")
    assert "<e_{l+1} act(z_l)^T>" in formula.inner_text()


@pytest.mark.parametrize("width", [390, 768, 1280])
def test_it_does_not_scroll_sideways(page, width):
    page.set_viewport_size({"width": width, "height": 844})
    wide = page.evaluate(
        """() => document.documentElement.scrollWidth > innerWidth ? ['the page'] :
            [...document.querySelectorAll('article :is(dt, p, li)')]
                .filter(e => e.getBoundingClientRect().right > innerWidth)
                .map(e => e.textContent.slice(0, 60))"""
    )
    page.set_viewport_size({"width": 1280, "height": 900})
    assert not wide


def test_an_example_is_copied_without_prompts_and_results(page):
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    block = page.locator("dt[id='bpc_minimal.one_hot'] + dd .doctest")
    block.hover()
    block.locator("button.copybtn").click()
    page.evaluate(
        "() => { document.body.append(document.createElement('textarea'));"
        " document.querySelector('textarea').focus() }"
    )
    page.keyboard.press("Control+V")
    assert page.locator("textarea").input_value() == "print(bpc.one_hot([2, 0], classes=3))"


@pytest.mark.parametrize(
    ("typed", "first"), [("make_network", "make_network"), ("stop_diverging", "Config")]
)
def test_the_search_finds_a_name(browser, site, typed, first):
    found, _ = open_page(browser, site, "search.html")
    field = found.locator(".bd-search-container input")
    field.fill(typed)
    # A chapter that speaks of it may come first.
    found.locator(f"#search-results li a[href*='{API.split('/')[-1]}']").first.click()
    found.wait_for_url(f"**/{API}#bpc_minimal.{first}")
    found.context.close()
