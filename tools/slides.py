"""Make a deck of slides of each chapter from its cells that are tagged `slide`: dist/kit/slides.

    python tools/slides.py [FOLDER]

No text is copied by hand. Of a tagged cell, its title, each displayed formula, each question to predict,
each list, each figure, each table and what it prints become slides: with the heading that each stands
under, and a line, which is the sentence before a formula and after it, or a figure's caption. What the
chapter shows and says after a question is there with the next key. All that it says around a slide is in
the speaker's notes: press S.

A deck is a file that opens without a server and asks for nothing outside its folder: reveal.js lies in it,
and formulas are MathML, as on the book's pages. Each is printed into a PDF too where Chromium is installed.
"""

import argparse
import copy
import html
import itertools
import re
import shutil
import sys
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

from jinja2 import pass_context
from nbconvert import SlidesExporter
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from pages import chapters
from sphinx_math import mathml, style

ROOT = Path(__file__).resolve().parents[1]
DECK = Path(__file__).with_name("deck")
REVEAL = ("dist/reset.css", "dist/reveal.css", "dist/reveal.js", "plugin/notes/notes.js", "LICENSE")
SVG = "http://www.w3.org/2000/svg"
TALL = 1.6  # a figure that is less wide than this times its height has its text beside it
LEAD, LINE, PROMPT, SAID, LIST = 30, 40, 60, 35, 120  # words at most, where sentences allow it
TOLD = 3  # words of an answer, at least: "Hardly." is none
BROAD = 6  # columns of a table that need its letters smaller
ROOM = 2  # how many times fewer, where a figure shares the slide

MATH = re.compile(r"\$\$(.+?)\$\$|\$(.+?)\$", re.DOTALL)
NUMBER = re.compile(r"\$\$ *\(eq-\d+-(\d+)\)")
PICTURE = re.compile(r"!\[[^\]]*\]\([^)]*\)")
LINK = re.compile(r"(?<!!)\[([^\[\]]*)\]\([^()\s]*(?:\([^()]*\)[^()\s]*)*\)")
SENTENCE = re.compile(
    r"(?<!\bal\.)(?<!e\.g\.)(?:(?<=[.?!])|(?<=[.?!]\*)|(?<=[.?!]\*\*))\s+(?=[A-Z0-9*`$(|α-ω∂])"
)
CAPTION = re.compile(r"\*(Figure \d+\.)(.*)\*", re.DOTALL)


class Item(NamedTuple):
    """A paragraph, formula, list or box of a cell of text, or a cell of code, in its place."""

    cell: NotebookNode
    text: str  # nothing for code
    heading: str


class Slide(NamedTuple):
    """What a slide shows, as Markdown and as outputs of cells; the answer comes with the next key."""

    title: str
    line: str
    shown: list[NotebookNode]
    after: str = ""
    answer: tuple[list[NotebookNode], str] | None = None
    kind: str = ""


# -- a chapter, item by item --------------------------------------------------------------------------------


def blocks(text: str) -> list[str]:
    """Divide Markdown at its empty lines, outside of formulas, boxes and details."""
    found: list[str] = []
    inside = False
    for part in re.split(r"\n\s*\n", re.sub(r"(?m)^(#.*)$", r"\1\n", text.strip())):
        if inside:
            found[-1] += "\n\n" + part
        else:
            found.append(part.strip())
        block = found[-1]
        inside = (
            len(re.findall(r"^:::", block, re.M)) % 2 == 1
            or block.count("<details") > block.count("</details")
            or len(re.findall(r"^\$\$", block, re.M)) % 2 == 1
        )
    return [block for block in found if block]


def items(notebook: NotebookNode) -> list[Item]:
    """List what a chapter says and runs, each with the heading that it stands under."""
    found, heading = [], ""
    for cell in notebook.cells:
        for block in blocks(cell.source) if cell.cell_type == "markdown" else [""]:
            if block.startswith("#"):
                heading = block.lstrip("# ")
            found.append(Item(cell, block, heading))
    return found


def tagged(item: Item) -> bool:
    return "slide" in item.cell.metadata.get("tags", [])


def is_heading(item: Item) -> bool:
    return item.text.startswith("#")


def is_prose(item: Item) -> bool:
    """Say whether a text is a paragraph: no formula, heading, list, table, box or caption."""
    return bool(item.text) and not re.match(r"\$\$|#|- |\||:::|<|\*Figure|\*Animation", item.text)


def outputs(cell: NotebookNode) -> list[NotebookNode]:
    """Give the figures and tables that a cell shows, a row of panels in each, or what it prints."""
    found = []
    for output in cell.get("outputs", []):
        data = output.get("data", {})
        if "image/svg+xml" in data:
            found += [shown("image/svg+xml", row) for row in rows(data["image/svg+xml"])]
        elif data.get("text/html", "").startswith("<table"):
            table = data["text/html"]
            size = "long" if table.count("<tr>") > 6 else "short"
            if table.partition("</tr>")[0].count("<th") > BROAD:
                size = "broad"
            found.append(shown("text/html", table.replace('class="table"', f'class="{size}"', 1)))
    printed = "".join(output.get("text", "") for output in cell.get("outputs", []))
    if printed and not found:
        found.append(shown("text/html", f"<pre>{html.escape(printed.rstrip())}</pre>"))
    return found


def shown(kind: str, text: str) -> NotebookNode:
    return new_output("display_data", {kind: text})


def rows(svg: str) -> list[str]:
    """Part a figure into the rows of its panels, so that each is large enough to be read from afar."""
    ET.register_namespace("", SVG)
    root = ET.fromstring(svg)
    panels = [child for child in root if child.tag == f"{{{SVG}}}svg"]
    heights = sorted({float(panel.get("y", 0)) for panel in panels})
    parted = []
    for top in heights or [0.0]:
        row = copy.deepcopy(root)
        if len(heights) > 1:
            for panel in row.findall(f"{{{SVG}}}svg"):
                if float(panel.get("y", 0)) != top:
                    row.remove(panel)
                panel.set("y", "0")
            kept = row.findall(f"{{{SVG}}}svg")
            width = max(float(p.get("x", 0)) + float(p.get("width", 0)) for p in kept)
            height = max(float(p.get("height", 0)) for p in kept)
            row.set("viewBox", f"0 0 {width:g} {height:g}")
        for size in ("width", "height"):
            row.attrib.pop(size, None)
        parted.append(ET.tostring(row, "unicode"))
    return parted


def is_tall(output: NotebookNode) -> bool:
    """Say whether a figure needs the height of the slide."""
    size = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', output.data.get("image/svg+xml", ""))
    return size is not None and float(size[1]) < TALL * float(size[2])


# -- what a slide says --------------------------------------------------------------------------------------


def sentences(text: str) -> list[str]:
    """Divide a paragraph; a dot in a formula, in code or in a link ends no sentence."""
    kept: list[str] = []

    def keep(match: re.Match[str]) -> str:
        kept.append(match[0])
        return f"${len(kept) - 1}$"

    text = re.sub(r"\$.+?\$|`.+?`", keep, " ".join(text.split()))
    return [
        re.sub(r"\$(\d+)\$", lambda m: kept[int(m[1])], part).strip()
        for part in SENTENCE.split(text)
        if part.strip()
    ]


def short(parts: list[str], words: int, last: bool = False, least: int = 0) -> str:
    """Join the first whole sentences, or the last, that come to so many words; `least` words at least."""
    step = -1 if last else 1
    taken = parts[::step][:1]
    for part in parts[::step][1:]:
        enough = len(" ".join(taken).split()) >= least
        if enough and len(" ".join([*taken, part]).split()) > words:
            break
        taken.append(part)
    while (
        len(taken) > 1 and not last and taken[-1].endswith(("?", ","))
    ):  # what follows is not here
        taken.pop()
    return balanced(" ".join(taken[::step]))


def balanced(text: str) -> str:
    """Close emphasis that a cut left open, and drop what opens nothing."""
    for mark in ("**", "*"):
        plain = re.sub(r"\$.+?\$|`.+?`", "", text)
        plain = plain if mark == "**" else plain.replace("**", "")
        if plain.count(mark) % 2:
            text = text.removesuffix(mark) if text.endswith(mark) else text + mark
    return text


def lead_in(before: list[Item]) -> str:
    """Give the sentence that leads to a formula or to a table."""
    if before and is_prose(before[-1]):
        parts = sentences(before[-1].text)
        return short([part for part in parts if not part.startswith("Equation")], LEAD, last=True)
    return ""


def body(text: str) -> str:
    """Give what stands in a box."""
    return re.sub(r"^:::.*\n(?::\w.*\n)*|\n:::$", "", text).strip()


def question(item: Item, before: list[Item], words: int) -> str:
    """Give what is to be predicted, with as much of what leads to it as fits."""
    parts = sentences(item.text)
    at = next(i for i, part in enumerate(parts) if "**Predict" in part)
    if not at and before and is_prose(before[-1]):
        parts = sentences(before[-1].text) + parts
        at = next(i for i, part in enumerate(parts) if "**Predict" in part)
    asked = " ".join(parts[at:])
    leads = [part for part in parts[:at] if not part[0].islower()]
    return short([*leads, asked], words, last=True)


def predicted(after: list[Item]) -> tuple[list[NotebookNode], str]:
    """Give what the chapter shows and says after a question."""
    ends = (k for k, item in enumerate(after) if is_heading(item) or "**Predict" in item.text)
    after = after[: next(ends, None)]
    waits = [item for item in after if "hide-output" in item.cell.metadata.get("tags", [])]
    box = next((item.text for item in after if item.text.startswith(":::")), "")
    prose = (" ".join(led) for o in after if is_prose(o) and (led := no_lead_in(o.text)))
    said = re.sub(r"^- ", "", re.split(r"\n\n|\n- ", body(box) if box else next(prose, ""))[0])
    seen = next((shown for item in waits or after if (shown := outputs(item.cell))), [])
    return seen, said


def no_lead_in(text: str) -> list[str]:
    """Give the sentences of a paragraph but the one that only leads to what comes next."""
    return [part for part in sentences(text) if not part.endswith(":")]


def slides(notebook: NotebookNode) -> Iterator[tuple[Slide, str]]:
    """Give a chapter's slides, each with its notes."""
    said = items(notebook)
    found = {i: [*made(said, i)] for i in range(len(said)) if tagged(said[i])}
    starts = [i for i in found if found[i]]
    if not starts:
        return
    first = [  # of each, where what is said before it begins: in its cell, under its heading
        next(
            k + 1
            for k in range(i - 1, -2, -1)
            if k < 0 or k in starts or is_heading(said[k]) or said[k].cell is not said[i].cell
        )
        for i in starts
    ]
    for i, begin, end in zip(starts, first, [*first[1:], len(said)], strict=True):
        texts = [said[k].text for k in range(begin, end)]
        heading = (k for k in range(i + 1 - begin, len(texts)) if texts[k].startswith("#"))
        spoken = [body(text) for text in texts[: next(heading, None)] if is_spoken(text)]
        for slide in found[i]:
            yield slide, "\n\n".join(spoken) or slide.line


def is_list(cell: NotebookNode, before: str) -> bool:
    """Say whether a list is what a cell is for: no formula, no question, no further reading."""
    other = "$$" in cell.source or "**Predict" in cell.source
    return not other and not before.startswith("**Further")


def portions(points: list[str]) -> Iterator[str]:
    """Divide a long list into what one slide can hold."""
    taken: list[str] = []
    for point in points:
        if taken and len(" ".join([*taken, point]).split()) > LIST:
            yield "\n".join(taken)
            taken = []
        taken.append(point)
    yield "\n".join(taken)


def is_spoken(text: str) -> bool:
    """Say whether a text is for the speaker: no heading, badge, or reading for later."""
    return bool(text) and not text.startswith(("#", "[![", "**Further"))


def made(said: list[Item], i: int) -> Iterator[Slide]:
    """Make the slides of one item."""
    item, before, after = said[i], said[:i], said[i + 1 :]
    if item.text.startswith("# "):
        bold = next((o.text for o in after[:3] if o.text.startswith("**")), "")
        yield Slide(item.heading, bold, [], kind="title")
    elif item.text.startswith("$$") and not before[-1].text.startswith("$$"):
        several = [item, *itertools.takewhile(lambda o: o.text.startswith("$$"), after)]
        rest = after[len(several) - 1]
        follows = is_prose(rest) and "**Predict" not in rest.text
        below = re.sub(":$", ".", short(sentences(rest.text), LINE)) if follows else ""
        formulas = [shown("text/markdown", one.text) for one in several]
        yield Slide(item.heading, lead_in(before), formulas, below, kind="formula")
    elif "**Predict" in item.text:
        seen, words = predicted(after)
        room = ROOM if any("image/svg+xml" in output.data for output in seen[:1]) else 1
        words = short(sentences(words), SAID // room, least=TOLD)
        asked = question(item, before, PROMPT // room)
        told = [*[""] * (len(seen) - 1), words]  # when all is seen
        yield Slide(item.heading, asked, [], answer=(seen[:1], told[0]), kind="question")
        for row, line in zip(seen[1:], told[1:], strict=True):
            yield Slide(item.heading, line, [row])
    elif item.text.startswith("- ") and is_list(item.cell, before[-1].text):
        for points in portions(re.split(r"\n(?=- )", item.text)):
            yield Slide(
                item.heading, lead_in(before), [shown("text/markdown", points)], kind="list"
            )
    elif not item.text:
        caption = next((o.text for o in after[:2] if CAPTION.match(o.text)), "")
        found = CAPTION.match(caption)
        line = short(sentences(found[2]), LINE) if found else lead_in(before)
        line = f"{found[1]} {line}" if found else line
        for output in outputs(item.cell):
            yield Slide(item.heading, line, [output])


# -- a deck -------------------------------------------------------------------------------------------------


class Deck(SlidesExporter):
    """Write slides as HTML, with formulas as MathML."""

    template_name = "deck"
    extra_template_basedirs = [str(DECK.parent)]

    @pass_context
    def markdown2html(self, context: Any, source: str) -> str:
        """Turn Markdown into HTML; nothing is a link, since a slide is for looking."""
        formulas: list[str] = []

        def keep(found: re.Match[str]) -> str:
            formulas.append(mathml((found[1] or found[2]).strip(), display=bool(found[1])))
            return f"@@{len(formulas) - 1}@@"

        plain = NUMBER.sub(r"$$ (\1)", LINK.sub(r"\1", PICTURE.sub("", source)))
        text = super().markdown2html(context, MATH.sub(keep, plain))
        return re.sub(r"@@(\d+)@@", lambda found: formulas[int(found[1])], text)


def deck(notebook: NotebookNode, number: int, title: str) -> str:
    """Write the slides of a chapter."""
    cells = []
    for slide, spoken in slides(notebook):
        tall = any(is_tall(output) for output in [*slide.shown, *(slide.answer or [[]])[0]])
        level = "#" if slide.kind == "title" else "##"
        text = new_markdown_cell(f"{level} {slide.title}\n\n{slide.line}")
        text.metadata = {"slideshow": {"slide_type": "slide"}}
        text.metadata.layout = " ".join(filter(None, [slide.kind, "tall" if tall else "wide"]))
        cells.append(text)
        if slide.shown:
            cells.append(new_code_cell("", outputs=slide.shown))
        if slide.after:
            cells.append(new_markdown_cell(slide.after))
        cell = new_markdown_cell(spoken)
        cell.metadata = {"slideshow": {"slide_type": "notes"}}
        cells.append(cell)
        if slide.answer:
            seen, words = slide.answer
            cell = new_code_cell(
                "", outputs=[*([shown("text/markdown", words)] if words else []), *seen]
            )
            cell.metadata = {"slideshow": {"slide_type": "fragment"}}
            cells.append(cell)
    made = new_notebook(cells=cells)
    text, _ = Deck().from_notebook_node(made, {"metadata": {"name": f"{number} {title}"}})
    return text


def print_decks(folder: Path) -> None:
    """Print each deck into a PDF beside it, a page a slide and one more for each answer."""
    from pdf import CHROMIUM
    from playwright.sync_api import sync_playwright

    if not CHROMIUM:
        print("no Chromium found: no PDF", file=sys.stderr)
        return
    with sync_playwright() as playwright:
        options = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=options)
        tab = browser.new_context(offline=True, color_scheme="light").new_page()
        tab.set_default_timeout(300_000)  # a busy machine is not a fault
        for page in sorted(folder.glob("*.html")):
            tab.goto(f"{page.as_uri()}?print-pdf")
            tab.wait_for_selector(".pdf-page", state="attached")
            tab.evaluate("document.fonts.ready")
            tab.pdf(path=page.with_suffix(".pdf"), prefer_css_page_size=True, print_background=True)
        browser.close()


def write_decks(folder: Path) -> None:
    """Write all decks, and what they need, into an empty folder."""
    (folder / "reveal").mkdir(parents=True)
    carrier = find_spec("sphinx_revealjs")  # a package of PyPI, checked against its digest
    assert carrier and carrier.submodule_search_locations
    place = Path(carrier.submodule_search_locations[0]) / "_static" / "revealjs"
    for name in REVEAL:
        shutil.copy(place / name, folder / "reveal")
    for path, number, title, notebook in chapters():
        if not any("slide" in cell.metadata.get("tags", []) for cell in notebook.cells):
            continue
        text = deck(notebook, number, title)
        (folder / f"{path.stem}.html").write_text(text, "utf-8", newline="\n")
    look = (DECK / "slides.css").read_text("utf-8")
    (folder / "reveal" / "slides.css").write_text(look + style(folder), "utf-8", newline="\n")


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", nargs="?", type=Path, default=ROOT / "dist" / "kit" / "slides")
    folder = parser.parse_args().folder.resolve()
    shutil.rmtree(folder, ignore_errors=True)
    write_decks(folder)
    print_decks(folder)
    print(f"{folder}: {len([*folder.glob('*.html')])} decks; open one in a browser")
    return 0


if __name__ == "__main__":
    sys.exit(main())
