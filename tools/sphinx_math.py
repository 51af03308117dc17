"""A Sphinx extension: formulas are set when the book is built, as MathML, which browsers draw by themselves.

Nothing is left to do in the page: no script, no wait, no jump; a screen reader gets the formula and not a
picture of it, it is no stop of the Tab key, and it prints. MathJax in the page cost 262 kB, ten fonts and ten
seconds on a slow phone. What other ways cost, and why not: benchmarks/attempts.md.

Temml turns TeX into MathML. It is JavaScript, kept in tools/temml as npm delivers it, and runs in mini-racer,
a V8 from PyPI, so that building the book needs no Node. STIX Two Math, cut to the characters that the
formulas use, travels within the style sheet, which only pages with a formula load: its text never jumps.
"""

import base64
import io
import re
import xml.etree.ElementTree as ET
from functools import cache
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

from docutils import nodes
from fontTools import subset
from py_mini_racer import JSEvalException, MiniRacer
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.util.math import get_node_equation_number

TEMML = Path(__file__).with_name("temml")
STYLE = "math.css"
# What a selection holds of formulas is copied as TeX, the whole of each; all else as it is.
COPY = """document.addEventListener('copy', event => {
  const chosen = getSelection(), part = document.createElement('div');
  const formula = node => (node.closest ? node : node.parentElement)?.closest('[data-tex]');
  for (let i = 0; i < chosen.rangeCount; i++) {
    const range = chosen.getRangeAt(i).cloneRange();
    const first = formula(range.startContainer), last = formula(range.endContainer);
    if (last) {
      const reached = document.createRange();
      reached.setStart(last.querySelector('math'), 0);
      reached.setEnd(range.endContainer, range.endOffset);
      // Three clicks on a paragraph reach to where the next begins, and choose nothing of that.
      if (first == last || String(reached)) range.setEndAfter(last);
      else range.setEndBefore(last);
    }
    if (first) range.setStartBefore(first);
    part.append(range.cloneContents());
  }
  if (!part.querySelector('[data-tex]')) return;
  event.clipboardData.setData('text/html', part.innerHTML);
  for (const formula of part.querySelectorAll('[data-tex]')) {
    const dollars = formula.tagName == 'DIV' ? '$$' : '$';
    const tex = document.createElement(formula.tagName);
    tex.textContent = dollars + formula.dataset.tex + dollars;
    formula.replaceWith(tex);
  }
  part.style.cssText = 'position: fixed; left: -9999px; width: 40em';
  document.body.append(part);
  event.clipboardData.setData('text/plain', part.innerText);
  part.remove();
  event.preventDefault();
});"""
FORMULA = re.compile(r"<math\b.*?</math>", re.DOTALL)
NUMBER = re.compile(r"\\tag\{([^{}]*)\}")
OPENING, CLOSING = set("([{⟨⌊⌈"), set(")]}⟩⌋⌉")
WIDE = {"1em", "2em"}  # quad and qquad
# Where a displayed formula may go on in the next line: before one of these, outside of all brackets.
BREAKS = set("=+−±←→≤≥<>≈⊙×·⋅")
ITALIC = {**dict(zip(range(ord("A"), ord("Z") + 1), range(0x1D434, 0x1D44E), strict=True)),
          **dict(zip(range(ord("a"), ord("z") + 1), range(0x1D44E, 0x1D468), strict=True)),
          **dict(zip(range(ord("α"), ord("ω") + 1), range(0x1D6FC, 0x1D715), strict=True)),
          ord("h"): 0x210E, ord("∂"): 0x1D715}  # fmt: skip

CSS = """
span.math { white-space: normal; }
div.math { display: flex; flex-direction: row-reverse; align-items: center; gap: 0.5rem; margin: 1.15em 0; }
div.math > .formula { flex: 1; min-width: 0; overflow: auto hidden; text-align: center; }
div.math > .eqno { float: none; flex: none; }
math { font-size: 1.1em; }
/* A line is full: on with the next, where the formula may be broken. */
math.display, math.display > mrow {
  display: flex; flex-wrap: wrap; justify-content: center; align-items: baseline; column-gap: 0; }
math.display { column-gap: 2em; width: 100%; }
math.display > mrow > mrow { flex: none; padding: 0.3ex 0; }
"""


@cache
def engine() -> MiniRacer:
    """Start a V8 that holds Temml."""
    v8 = MiniRacer()
    v8.eval((TEMML / "temml.min.js").read_text("utf-8"))
    return v8


@cache
def mathml(tex: str, display: bool = False) -> str:
    """Turn TeX into MathML; a displayed formula in pieces that a narrow screen puts below each other.

    Raises:
        ValueError: if Temml does not understand the formula.
    """
    options = {"displayMode": display, "throwOnError": True}
    try:
        formula = engine().call("temml.renderToString", tex, options)
    except JSEvalException as error:
        found = re.search(r"ParseError:\s*(.*)", str(error))
        raise ValueError(
            f"{found[1] if found else error} in the formula {tex!r}; "
            "what Temml understands: https://temml.org/docs/en/supported"
        ) from None
    return in_pieces(formula) if display else formula


def in_pieces(formula: str) -> str:
    """Divide a displayed formula at its wide spaces, and what stands between before its outer operators."""
    root = ET.fromstring(formula)
    if len(root) != 1 or root[0].tag != "mrow":
        return formula  # a table has its own lines
    row, depth = root[0], 0
    root.remove(row)
    root.set("class", "display")
    root.attrib.pop("style", None)
    group = ET.SubElement(root, "mrow")
    piece = ET.SubElement(group, "mrow")
    for child in row:
        if child.tag == "mspace" and child.get("width") in WIDE and not depth:
            group = ET.SubElement(root, "mrow")
            piece = ET.SubElement(group, "mrow")
            continue
        sign = operator(child)
        if child.tag == "mo" and sign in BREAKS and not depth and child.get("form") != "prefix":
            child.set("form", "infix")  # the first of a row would be a sign, with no space after it
            if sum(len(leaf.text or "") for leaf in piece.iter()) > 3:
                piece = ET.SubElement(group, "mrow")
        piece.append(child)
        depth += (sign in OPENING) - (sign in CLOSING)
    return ET.tostring(root, "unicode", short_empty_elements=False)


def operator(node: ET.Element) -> str:
    """Give the sign of an operator, of a bracket with an exponent too; of anything else, nothing."""
    while node.tag in ("msup", "msub", "msubsup") and len(node):
        node = node[0]
    return (node.text or "") if node.tag == "mo" else ""


def write(self: Any, node: nodes.Element, display: bool) -> str:
    """Give the MathML of a node; where it cannot be had, say so, and show the TeX."""
    tex = NUMBER.sub("", node.astext()).strip()
    try:
        return mathml(tex, display)
    except ValueError as error:
        logging.getLogger(__name__).warning(str(error), location=node)
        return f"<code>{self.encode(tex)}</code>"


def visit_math(self: Any, node: nodes.math) -> None:
    tag = self.starttag(node, "span", "", CLASS="math notranslate nohighlight", **tex_of(node))
    self.body.append(f"{tag}{write(self, node, False)}</span>")
    raise nodes.SkipNode


def visit_math_block(self: Any, node: nodes.math_block) -> None:
    self.body.append(
        self.starttag(node, "div", CLASS="math notranslate nohighlight", **tex_of(node))
    )
    number = get_node_equation_number(self, node) if node.get("number") else None
    tagged = NUMBER.search(node.astext())
    if number or tagged:
        self.body.append(f'<span class="eqno">({number or tagged and tagged[1]})')
        if number:
            self.add_permalink_ref(node, "Link to this equation")
        self.body.append("</span>")
    self.body.append(f'<div class="formula">{write(self, node, True)}</div></div>\n')
    raise nodes.SkipNode


def tex_of(node: nodes.Element) -> dict[str, str]:
    """Keep the TeX with the formula: it is what copying gives."""
    return {"data-tex": " ".join(node.astext().split())}


def font(characters: set[str]) -> bytes:
    """Cut STIX Two Math to some characters, with their sizes and italics, as woff2."""
    wanted = {ord(c) for c in characters}
    wanted |= {ITALIC[c] for c in wanted if c in ITALIC}
    options = subset.Options(
        flavor="woff2",
        layout_features=["*"],
        hinting=False,
        name_IDs=[0, 1, 2, 13, 14],  # the licence
    )
    with as_file(files("ziamath") / "fonts" / "STIXTwoMath-Regular.ttf") as path:
        whole = subset.load_font(str(path), options)
    missing = {c for c in characters if ord(c) not in whole.getBestCmap() and c > " "}
    if missing:
        raise ValueError(f"STIX Two Math has no {' '.join(sorted(missing))}, which a formula uses")
    cutter = subset.Subsetter(options)
    cutter.populate(unicodes=wanted)
    cutter.subset(whole)
    stored = io.BytesIO()
    subset.save_font(whole, stored, options)
    return stored.getvalue()


def characters_of(site: Path) -> set[str]:
    """Collect the characters of all formulas of all pages."""
    found = {"√"}  # a root draws it, and its text does not hold it
    for page in sorted(site.rglob("*.html")):
        for formula in FORMULA.findall(page.read_text("utf-8")):
            found.update("".join(ET.fromstring(formula.replace("&nbsp;", " ")).itertext()))
    return {c for c in found if c.isprintable()}


def style(site: Path) -> str:
    """Give the style sheet of a folder's formulas: Temml's, the font that its first rule names, and ours."""
    encoded = base64.b64encode(font(characters_of(site))).decode()
    rule = (
        "@font-face { font-family: STIX2; "
        f"src: url(data:font/woff2;base64,{encoded}) format('woff2'); }}"
    )
    text = (TEMML / "Temml.css").read_text("utf-8")
    return re.sub(r"@font-face\s*\{.*?\}", lambda _: rule, text, count=1, flags=re.DOTALL) + CSS


def write_style(app: Sphinx, exception: Exception | None) -> None:
    """Write the formulas' style sheet."""
    if not exception and app.builder.format == "html":
        site = Path(app.outdir)
        (site / "_static" / STYLE).write_text(style(site), "utf-8")


def add_style(app: Sphinx, pagename: str, _template: str, context: dict, _doctree: Any) -> None:
    """Load the style sheet and the copying where the page has a formula."""
    if 'class="math ' in context.get("body", ""):
        app.add_css_file(STYLE)
        app.add_js_file(None, body=COPY)


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_html_math_renderer("mathml", (visit_math, None), (visit_math_block, None))
    app.connect("html-page-context", add_style)
    app.connect("build-finished", write_style)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
