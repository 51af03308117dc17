"""The decks are the chapters' own words and figures, legible from afar, and open without a connection."""

import itertools
import re
import subprocess
import sys
from pathlib import Path

import pytest
from filelock import FileLock

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tools"))
import slides  # noqa: E402
from pages import chapters  # noqa: E402

CHAPTERS = {
    path.stem: notebook
    for path, _, _, notebook in chapters()
    if any("slide" in cell.metadata.get("tags", []) for cell in notebook.cells)
}
LEGIBLE = 18  # pixels of a slide that is 720 high


@pytest.fixture(params=CHAPTERS)
def name(request):
    return request.param


@pytest.fixture(scope="session")
def decks(tmp_path_factory):
    """Write the decks once for all processes that test."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if base.name.startswith("popen") else base
    with FileLock(shared / "decks.lock"):
        if not (shared / "decks").exists():
            slides.write_decks(shared / "decks")
    return shared / "decks"


def made(name):
    return [*slides.slides(CHAPTERS[name])]


def words(text):
    """Leave the words: no addresses, no numbers of formulas."""
    return re.findall(r"\w+", re.sub(r"\]\([^)]*\)+|\(eq-\d+-\d+\)", " ", text))


# -- what is on the slides ----------------------------------------------------------------------------------


def test_every_chapter_has_a_deck():
    assert [*CHAPTERS] == [path.stem for path, *_ in chapters()]


def test_an_answer_is_more_than_a_word_and_a_broad_table_is_known():
    told = [
        "Hardly.",
        "The curves of both lie together until the noise is large, and then they part.",
    ]
    assert slides.short(told, 10) == "Hardly."
    assert slides.short(told, 10, least=slides.TOLD) == " ".join(told)
    for columns, kind in ((slides.BROAD, "short"), (slides.BROAD + 1, "broad")):
        table = f'<table class="table"><tr>{"<th>a</th>" * columns}</tr></table>'
        cell = slides.new_code_cell("", outputs=[slides.shown("text/html", table)])
        (made,) = slides.outputs(cell)
        assert f'class="{kind}"' in made.data["text/html"]


def test_a_deck_has_12_to_20_slides_from_a_question_to_what_one_now_knows(name):
    deck = [slide for slide, _ in made(name)]
    assert 12 <= len(deck) <= 20
    kinds = [slide.kind for slide in deck]
    assert kinds[0] == "title" and deck[0].line.rstrip("*").endswith("?")
    assert kinds[-1] == "list" and deck[-1].title == "What you now know"
    assert kinds.count("formula") >= 1 and kinds.count("question") >= 1
    assert all(len(notes.split()) > 10 for _, notes in made(name))


def test_slides_say_what_the_chapter_says(name):
    said = " ".join(words("\n".join(cell.source for cell in CHAPTERS[name].cells)))
    shown = "".join(str(cell.get("outputs", "")) for cell in CHAPTERS[name].cells)
    for slide, notes in made(name):
        texts = [slide.title, slide.line, slide.after, (slide.answer or ([], ""))[1]]
        for output in [*slide.shown, *(slide.answer or ([], ""))[0]]:
            texts.append(output.data.get("text/markdown", ""))
            for label in re.findall(r">([^<>\n]{3,})<", str(output.data)):
                assert label in shown
        for text in [*texts, *notes.split("\n\n")]:
            for sentence in slides.sentences(text):
                assert " ".join(words(sentence)) in said, sentence


def test_each_question_has_its_answer(name):
    """In words, which come with the last of its pictures: who reads 0.7 shall see 0.7."""
    deck = [slide for slide, _ in made(name)]
    for slide, *others in (deck[i:] for i, one in enumerate(deck) if one.kind == "question"):
        assert "**Predict" in slide.line
        seen, told = slide.answer
        assert not others or others[0].line != told  # not before all is seen
        if not told:
            bare = [*itertools.takewhile(lambda one: not one.line, others)]
            last = others[len(bare)]
            assert seen and last.title == slide.title and last.shown
            told = last.line
        assert len(told.split()) >= 3


def test_nothing_of_a_solution_is_on_a_slide():
    for notebook in CHAPTERS.values():
        for cell in notebook.cells:
            assert not {"slide", "solution"} <= {*cell.metadata.get("tags", [])}
            assert not ("slide" in cell.metadata.get("tags", []) and "answer_" in cell.source)


def test_a_figure_of_several_rows_is_shown_row_by_row():
    (cell,) = [c for c in CHAPTERS["01_energy"].cells if c.id == "c01-heart-run"]
    rows = slides.outputs(cell)
    assert len(rows) == 2
    whole = cell.outputs[0].data["image/svg+xml"]
    labels = [re.findall(r">([^<>]+)</text>", row.data["image/svg+xml"]) for row in rows]
    assert sum(labels, []) == re.findall(r">([^<>]+)</text>", whole)
    sizes = [re.search(r'viewBox="0 0 (\S+) (\S+)"', row.data["image/svg+xml"]) for row in rows]
    assert sum(float(size[2]) for size in sizes) == 540


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("One. Two? Three!", ["One.", "Two?", "Three!"]),
        ("**Sweep.** Start here. **Predict:** what?", ["**Sweep.**", "Start here.", "**Predict:** what?"]),
        ("It is $a. B$ and `c. D` here.", ["It is $a. B$ and `c. D` here."]),
        ("By Hinton et al. (1995), as said.", ["By Hinton et al. (1995), as said."]),
        ("About 0.5 of it.", ["About 0.5 of it."]),
    ],
)  # fmt: skip
def test_sentences(text, parts):
    assert slides.sentences(text) == parts


def test_a_cut_leaves_no_emphasis_open():
    assert slides.balanced("**a") == "**a**"
    assert slides.balanced("a*") == "a"
    assert slides.balanced("*a* $z_0^*$ `**`") == "*a* $z_0^*$ `**`"


# -- as they are projected ----------------------------------------------------------------------------------

SEEN = """() => {
  const page = Reveal.getCurrentSlide().querySelector('.page');
  const texts = [], boxes = [];
  for (const e of page.querySelectorAll('*')) {
    if (e.closest('aside')) continue;
    const box = e.getBoundingClientRect();
    // What is clipped is seen within its axes only, which have boxes of their own.
    const clipped = e.closest('defs, [clip-path]') || e.ownerSVGElement && e.querySelector('[clip-path]');
    if (box.width && !clipped) boxes.push([box.left, box.top, box.right, box.bottom]);
    const own = [...e.childNodes].some(n => n.nodeType == 3 && n.textContent.trim());
    const math = e.closest('math');
    if (!own && e != math || math && e != math) continue;
    const matrix = e.ownerSVGElement && e.getScreenCTM();
    const scale = matrix ? Math.hypot(matrix.a, matrix.b) : 1;
    const script = e.tagName == 'tspan' && parseFloat(getComputedStyle(e).fontSize) <
      0.8 * parseFloat(getComputedStyle(e.parentNode).fontSize);
    texts.push([e.textContent, scale * parseFloat(getComputedStyle(e).fontSize), script]);
  }
  const figures = [...page.querySelectorAll('figure svg.bpc-figure')].map(e => {
    const view = e.viewBox.baseVal;
    return e.getScreenCTM().a * Math.max(view.width, view.height);
  });
  const prose = [...page.querySelectorAll('.text, .said')].map(e => e.innerText).join(' ');
  return {texts, boxes, figures, prose, shown: page.innerText};
}"""
RAW = re.compile(r"\$|\*\*|`|:::|\]\(|\{[a-z]+\}|\(eq-|<[a-z]+|\\[a-z]{2,}")


def test_each_slide_fits_is_legible_and_asks_for_nothing(name, decks, browser):
    context = browser.new_context(offline=True, viewport={"width": 1280, "height": 720})
    tab = context.new_page()
    asked, failed = [], []
    tab.on("request", lambda request: asked.append(request.url))
    tab.on("console", lambda message: failed.append(message.text))
    tab.on("pageerror", lambda error: failed.append(str(error)))
    tab.goto((decks / f"{name}.html").as_uri())
    tab.wait_for_function("Reveal.isReady()")
    tab.evaluate("document.fonts.ready")
    count = tab.evaluate("Reveal.getTotalSlides()")
    assert count == len(made(name))
    for number in range(count):
        tab.evaluate(f"Reveal.slide({number}, 0, 99)")
        seen = tab.evaluate(SEEN)
        for left, top, right, bottom in seen["boxes"]:
            assert -1 < left and -1 < top and right < 1281 and bottom < 721, (number, seen["shown"])
        for text, size, script in seen["texts"]:
            assert size > (0.66 if script else 0.99) * LEGIBLE, (number, text, size)
        assert all(size > 500 for size in seen["figures"]), number
        assert 2 < len(seen["prose"].split()) <= 130, (number, seen["prose"])
        assert not RAW.search(seen["prose"]), (number, seen["prose"])
    notes = tab.locator("aside.notes").all_inner_texts()
    notes = tab.evaluate("[...document.querySelectorAll('aside.notes')].map(e => e.textContent)")
    assert len(notes) == count and all(len(text.split()) > 10 for text in notes)
    assert not [text for text in notes if re.search(r"\$|:::|\]\(|\(eq-", text)]
    context.close()
    assert failed == []
    inside = decks.as_uri()
    assert all(url.startswith((inside, "data:", "blob:")) for url in asked), asked


def test_the_answer_comes_with_the_next_key_and_the_notes_with_s(decks, browser):
    context = browser.new_context(offline=True, viewport={"width": 1280, "height": 720})
    tab = context.new_page()
    tab.goto((decks / "01_energy.html").as_uri())
    tab.wait_for_function("Reveal.isReady()")
    at = next(i for i, (slide, _) in enumerate(made("01_energy")) if slide.kind == "question")
    for _ in range(at):
        tab.keyboard.press("ArrowRight")
    answer = tab.locator("section.present .answer")
    assert tab.evaluate("Reveal.getIndices().h") == at
    assert answer.evaluate("e => getComputedStyle(e).visibility") == "hidden"
    tab.keyboard.press("ArrowRight")
    assert tab.evaluate("Reveal.getIndices().h") == at
    assert answer.evaluate("e => getComputedStyle(e).visibility") == "visible"
    tab.keyboard.press("ArrowRight")
    assert tab.evaluate("Reveal.getIndices().h") == at + 1
    tab.keyboard.press("ArrowLeft")
    with context.expect_page() as opened:
        tab.keyboard.press("s")
    words = made("01_energy")[at][1].split()[:3]
    opened.value.get_by_text(" ".join(words)).first.wait_for()
    context.close()


@pytest.mark.slow
def test_one_command_writes_and_prints_all(tmp_path):
    pypdf = pytest.importorskip("pypdf")
    (tmp_path / "00_gone.html").touch()
    tool = ROOT / "tools" / "slides.py"
    done = subprocess.run([sys.executable, tool, tmp_path], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert {path.stem for path in tmp_path.glob("*.html")} == {*CHAPTERS}
    assert "MIT" in (tmp_path / "reveal" / "LICENSE").read_text() or (
        "Permission is hereby granted" in (tmp_path / "reveal" / "LICENSE").read_text()
    )
    for name in CHAPTERS:
        pages = pypdf.PdfReader(tmp_path / f"{name}.pdf").pages
        deck = [slide for slide, _ in made(name)]
        assert len(pages) == len(deck) + sum(slide.kind == "question" for slide in deck)
        assert float(pages[0].mediabox.width) / float(pages[0].mediabox.height) == 16 / 9
        assert words(deck[0].title) == words(pages[0].extract_text())[: len(words(deck[0].title))]
