"""A Sphinx extension: a chapter's pictures become figures of its page.

- A picture that `bpc_minimal.figures` drew, in a cell's output or in a file, is written into the page, so
  that it takes the page's colours and fonts; `book.css` has the colours of its lines for a dark page. Each of
  its panels is a picture of its own there, and a narrow page puts them below each other.
- The paragraph "*Figure 3. ...*" that follows, with or without a folded cell between, becomes the caption,
  and the figure gets the address `#figure-3`.
- An image in a picture becomes a WebP, which weighs half; one on a white ground, such as one of MNIST, is
  marked, so that a dark page can turn it over.
- Captions count from 1 on each page, and Sphinx adds no number of its own.
- Where a cell's code is folded, or the cell is tagged `figure-first`, the code stands below its figure.
"""

import base64
import io
import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
from docutils import nodes
from myst_nb.core.render import MimeData, NbElementRenderer
from PIL import Image
from sphinx.application import Sphinx
from sphinx.transforms import SphinxTransform
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util import logging

from bpc_minimal.figures import PALETTE

SVG = "{http://www.w3.org/2000/svg}svg"
OURS = 'class="bpc-figure"'
CAPTION = re.compile(r"Figure (\d+)\.")
LOG = logging.getLogger(__name__)


def unfold(svg: str, alt: str = "") -> str:
    """Write a picture for a page: what it says as a whole, and its panels one by one."""
    whole = ElementTree.fromstring(svg)
    panels = [panel for panel in whole if panel.tag == SVG]
    ElementTree.register_namespace("", SVG[1:-4])
    for panel in panels:
        for place in ("x", "y", "version"):
            panel.attrib.pop(place, None)
        panel.set("aria-hidden", "true")
        for image in panel.iter(f"{SVG[:-3]}image"):
            address, on_white = packed(image.get("href", ""))
            image.set("href", address)
            if on_white:
                image.set("class", "bpc-on-white")
    page = ElementTree.Element("div", {"class": "bpc-panels", "role": "img"})
    page.set("aria-label", alt or whole.get("aria-label", ""))
    page.extend(panels)
    if len(panels) > 1:
        page.set("class", "bpc-panels bpc-several")
    text = ElementTree.tostring(page, encoding="unicode")
    for name, colour in PALETTE.items():
        text = re.sub(colour, f"var(--bpc-{name}, {colour})", text, flags=re.IGNORECASE)
    # HTML knows the namespace of an SVG by its name.
    return re.sub(r'(</?)ns\d+:| xmlns(?::\w+)?="[^"]*"', r"\1", text)


def packed(address: str) -> tuple[str, bool]:
    """Pack an image that an SVG holds in half the bytes, its pixels as they are; and say if it is on white.

    It is where it has no hole, and is grey or has white in it.
    """
    smaller = io.BytesIO()
    with Image.open(io.BytesIO(base64.b64decode(address.partition("base64,")[2]))) as image:
        image.save(smaller, "WEBP", lossless=True, quality=100, method=5)
        pixels = np.asarray(image.convert("RGBA")).reshape(-1, 4).astype(int)
    colours = pixels[:, :3]
    grey = np.ptp(colours, axis=1).max() < 3
    on_white = pixels[:, 3].min() == 255 and bool(grey or colours.min(axis=1).max() > 240)
    return f"data:image/webp;base64,{base64.b64encode(smaller.getvalue()).decode()}", on_white


def figure(content: str) -> nodes.figure:
    return nodes.figure("", nodes.raw("", content, format="html"), classes=["bpc-figure"])


class MakeFigures(SphinxTransform):
    """Write pictures into the page, and give each its caption."""

    default_priority = 600  # after the parser's own, before pictures are collected

    def apply(self, **_: Any) -> None:
        for image in [*self.document.findall(nodes.image)]:
            self.write_in(image)
        last: nodes.figure | None = None
        for node in [*self.document.findall(nodes.Element)]:
            if isinstance(node, nodes.figure) and "bpc-figure" in node["classes"]:
                last = node
            elif isinstance(node, nodes.paragraph) and (caption := self.caption(node)):
                if last is None:
                    LOG.warning("no figure above %r", caption[0], location=node)
                else:
                    self.join(last, node, caption)
                last = None

    @staticmethod
    def caption(paragraph: nodes.paragraph) -> re.Match[str] | None:
        """Match the caption that a paragraph is: it begins with words that are emphasised."""
        while paragraph.children and not paragraph[0].astext():  # the parser leaves empty texts
            paragraph.pop(0)
        if paragraph.children and isinstance(paragraph[0], nodes.emphasis):
            return CAPTION.match(paragraph.astext())
        return None

    def write_in(self, image: nodes.image) -> None:
        file = Path(self.env.doc2path(self.env.docname)).parent / image["uri"]
        if file.suffix != ".svg" or not file.is_file():
            return
        svg = file.read_text("utf-8")
        if OURS not in svg:
            return
        self.env.note_dependency(str(file))
        picture = figure(unfold(svg, image.get("alt", "")))
        around = image.parent
        if isinstance(around, nodes.figure):
            around["classes"].append("bpc-figure")
            image.replace_self(picture.children)
        elif isinstance(around, nodes.paragraph) and len(around) == 1:
            around.replace_self(picture)

    def join(self, picture: nodes.figure, paragraph: nodes.paragraph, match: re.Match) -> None:
        """Make the paragraph the picture's caption."""
        words: list[Any] = [*paragraph.children[0].children, *paragraph.children[1:]]
        words[0] = nodes.Text(words[0].astext().removeprefix(match[0]))
        caption = nodes.caption("", "", nodes.strong("", match[0]), *words)
        caption.source, caption.line = paragraph.source, paragraph.line
        picture.append(caption)
        name = f"figure-{match[1]}"
        picture["ids"].append(name)
        slugs = self.env.metadata[self.env.docname].setdefault("myst_slugs", {})
        slugs[name] = (caption.line, name, match[0])  # where other pages' links look
        self.document.note_explicit_target(picture)
        paragraph.parent.remove(paragraph)


class FiguresFirst(SphinxPostTransform):
    """Put a cell's code below its figure, where the code is folded or the cell asks for it."""

    default_priority = 300  # after MyST-NB has folded the code
    formats = ("html",)

    def run(self, **_: Any) -> None:
        for cell in self.document.findall(nodes.container):
            classes = cell["classes"]
            if cell.get("nb_element") != "cell_code" or len(cell) < 2:
                continue
            asked = "tag_figure-first" in classes or "tag_hide-input" in classes
            if asked and any("bpc-figure" in f["classes"] for f in cell[-1].findall(nodes.figure)):
                cell.append(cell.pop(0))
                classes.append("bpc-figure-first")


def leave_numbers_out(_app: Sphinx, config: Any) -> None:
    config["numfig"] = (
        False  # Jupyter Book's extension for LaTeX turns it on, whatever the book says
    )


def setup(app: Sphinx) -> dict[str, Any]:
    render_image = NbElementRenderer.render_image

    def render(self: NbElementRenderer, data: MimeData) -> list[nodes.Element]:
        if data.mime_type == "image/svg+xml" and OURS in data.string:
            return [figure(unfold(data.string))]
        return render_image(self, data)

    NbElementRenderer.render_image = render
    app.connect("config-inited", leave_numbers_out, priority=900)
    app.add_transform(MakeFigures)
    app.add_post_transform(FiguresFirst)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
