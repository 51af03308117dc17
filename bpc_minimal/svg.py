"""Matplotlib's figures as SVG that fits every page.

Text is text, in the font and the colour of what is around it, and a formula keeps together in any font.
A picture stands alone on a light ground, in Jupyter and in Colab; a page of the book takes its panels out,
so that they have the page's ground, ink and width (`tools/sphinx_figures.py`).
"""

import contextlib
import io
import re
import threading
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import matplotlib
from matplotlib.figure import Figure

INK = "#1a1a1a"  # of text and axes; in a page it is the page's own
SVG = "http://www.w3.org/2000/svg"
# As it is drawn by itself: dark ink on white. A page of the book takes the panels out and says otherwise.
ALONE = f"color: {INK.upper()}; background: #fff; font-family: system-ui, sans-serif"


_ONE_AT_A_TIME = threading.RLock()  # matplotlib's settings are one for all threads


@contextlib.contextmanager
def only(changes: dict[str, Any]) -> Iterator[None]:
    """Draw with matplotlib's own settings and these, whatever style, TeX or file of settings a user has."""
    settings: Any = {k: v for k, v in matplotlib.rcParamsDefault.items() if "backend" not in k}
    with _ONE_AT_A_TIME, matplotlib.rc_context(settings | changes):
        yield


def as_svg(figure: Figure, alt: str) -> str:
    """Write a figure as one SVG: its panels, each an SVG of its own, in rows of two.

    The same figure gives the same text. Its identifiers hold a digest of `alt`, so that two figures of a page
    have none in common.
    """
    alt = alt_text(alt)
    whole = ElementTree.Element(
        f"{{{SVG}}}svg", {"role": "img", "aria-label": alt, "style": ALONE, "class": "bpc-figure"}
    )
    parts: list[Any] = [*figure.subfigs] or [figure]
    for i, part in enumerate(parts):
        panel = _panel(figure, part, f"{alt} {i}")
        width, height = float(panel.get("width", 0)), float(panel.get("height", 0))
        panel.set("x", f"{i % 2 * width:g}")
        panel.set("y", f"{i // 2 * height:g}")
        whole.append(panel)
    columns, lines = min(2, len(parts)), -(-len(parts) // 2)
    whole.set("width", f"{columns * width:g}")
    whole.set("height", f"{lines * height:g}")
    whole.set("viewBox", f"0 0 {columns * width:g} {lines * height:g}")
    ElementTree.register_namespace("", SVG)
    return ElementTree.tostring(whole, encoding="unicode").replace(INK, "currentColor")


@cache
def _texts() -> dict[str, dict[str, str]]:
    return tomllib.loads(Path(__file__).with_name("figures.toml").read_text("utf-8"))


def alt_text(text: str) -> str:
    """Give the text of a numbered figure, or the text as it is."""
    chapter, dot, number = text.partition(".")
    if not (dot and chapter.isdigit() and number.isdigit()):
        return text
    try:
        return _texts()[chapter][number]
    except KeyError:
        raise ValueError(
            f"{text!r} given, the number of a figure of this book, or a text of your own, expected; "
            "such numbers stand in bpc_minimal/figures.toml"
        ) from None


def _panel(figure: Figure, part: Any, salt: str) -> ElementTree.Element:
    """Draw one part of a figure as an SVG whose text flows in the reader's own font."""
    others = [other for other in figure.subfigs if other is not part]
    file = io.StringIO()
    settings: dict[str, Any] = {
        "svg.fonttype": "none",
        "svg.hashsalt": salt,
        "svg.image_inline": True,
    }
    for other in others:
        other.set_visible(False)
    with only(settings):
        box = part.bbox.transformed(figure.dpi_scale_trans.inverted())
        nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
        figure.savefig(file, format="svg", bbox_inches=box, facecolor="none", metadata=nothing)
    for other in others:
        other.set_visible(True)

    keep_comments = ElementTree.XMLParser(target=ElementTree.TreeBuilder(insert_comments=True))
    panel = ElementTree.fromstring(file.getvalue(), keep_comments)
    for size in ("width", "height"):
        panel.set(size, panel.get(size, "").removesuffix("pt"))
    panel.set("stroke-linejoin", "round")
    for parent in [*panel.iter()]:
        for child in [*parent]:
            unseen = child.tag == f"{{{SVG}}}path" and child.get("style") == "fill: none"
            if unseen or child.tag == f"{{{SVG}}}style":
                parent.remove(child)
            elif child.tag is ElementTree.Comment:  # the source of the formula that follows
                _flow(parent[[*parent].index(child) + 1], child.text or "")
                parent.remove(child)
    for element in panel.iter():
        for key, value in [*element.items()]:
            if key.endswith("}href"):
                element.set("href", element.attrib.pop(key).replace("\n", ""))
            elif key == "transform" and value.startswith("rotate(-0 "):
                del element.attrib[key]
            else:
                value = re.sub(r"font-family: [^;]*(; |$)", "", " ".join(value.split()))
                element.set(key, re.sub(r"\d+\.\d{3,}", lambda n: f"{float(n[0]):.2f}", value))
        element.tail = None
        if element.text and not element.text.strip():
            element.text = None
    used = set(re.findall(r"#([mpi]\w+)", ElementTree.tostring(panel, encoding="unicode")))
    for element in panel.iter():
        if element.get("id") not in used:
            element.attrib.pop("id", None)
    return panel


NAMES = "alpha beta gamma delta epsilon zeta eta theta lambda mu nu xi pi rho sigma tau phi chi psi omega"
GREEK = {
    f"\\{name}": letter for name, letter in zip(NAMES.split(), "αβγδεζηθλμνξπρστφχψω", strict=True)
}
SIGNS = {r"\top": "⊤", r"\langle": "⟨", r"\rangle": "⟩", "-": "−", "'": "′"} | GREEK
FORMULA = re.compile(r"(\\mathrm\{\w+\}|\\[a-z]+|[^\\])")


def _flow(group: ElementTree.Element, source: str) -> None:
    """Write the text of a formula anew, so that it keeps together in any font.

    Matplotlib gives each letter the place that it has in Matplotlib's own font. Here a run of letters, a
    subscript or a superscript follows the last, and the whole is centred where it was.
    """
    (text,) = group
    size = max(float(found) for part in text for found in _sizes(part))
    middle = max(float(part.get("x", "0").split()[-1]) for part in text) / 2 + 0.3 * size
    for part in [*text]:
        text.remove(part)
    text.set("style", f"font-size: {size:g}px; text-anchor: middle")
    text.set("x", f"{middle:g}")
    lowered = 0.0

    def add(letters: str, italic: bool, shift: float) -> None:
        nonlocal lowered
        small = 0.72 * size if shift else size
        style = f"font-size: {small:g}px" + ("; font-style: italic" if italic else "")
        run = ElementTree.SubElement(text, f"{{{SVG}}}tspan", {"style": style})
        if shift != lowered:
            run.set("dy", f"{(shift - lowered) * size:g}")
        run.text, lowered = letters, shift

    for i, run in enumerate(source.strip().split("$")):
        if i % 2 == 0:
            if run:
                add(run, False, 0)
            continue
        shift = 0.0
        for token in FORMULA.findall(run):
            if token in "_^":
                shift = 0.2 if token == "_" else -0.4
            elif token.strip():
                letters = re.sub(r"\\mathrm\{(\w+)\}", r"\1", SIGNS.get(token, token))
                if letters.startswith("\\"):
                    raise ValueError(
                        f"{token} given in the text of a figure, one of {', '.join(SIGNS)} expected; "
                        "bpc_minimal/svg.py says how each is written"
                    )
                add(letters, token in GREEK or (len(token) == 1 and token.isalpha()), shift)
                shift = 0.0


def _sizes(part: ElementTree.Element) -> list[str]:
    return re.findall(r"font-size: ([\d.]+)px", part.get("style", ""))
