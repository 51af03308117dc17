"""The index that the search page reads: the text of every section, and every term of the glossary.

Sphinx's own search names whole pages, and shows what it found only where a server lets it fetch them.
This index holds sections with their texts, in a script that the search page loads, so that a search from
a disk shows as much.
"""

import json
import re
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.addnodes import desc
from sphinx.application import Sphinx

from .cells import Fold
from .glossary import PAGE, terms

# What a reader may type, and what this book says instead. British and American spellings are not here:
# book/_static/search.js writes both alike.
SYNONYMS = {
    "adam": "optimiser",
    "autodiff": "grad",
    "autoencoder": "amortiser generator",
    "backpropagation": "backprop",
    "bpc": "bidirectional predictive coding",
    "classification": "classify",
    "decoder": "generator",
    "dataset": "MNIST",
    "encoder": "amortiser",
    "equilibrium": "settle",
    "feedforward": "sweep",
    "hebbian": "local rule",
    "inpainting": "completion",
    "loss": "energy",
    "nonlinearity": "activation function",
    "pc": "predictive coding",
    "recognition": "amortiser",
    "relaxation": "settle",
    "relu": "activation function",
    "sigmoid": "activation function",
    "speed": "fast",
    "tanh": "activation function",
}
FILE = "search-index.js"
LEAST = 25  # letters of a section that is worth finding; a bare heading is not


def entries(app: Sphinx, docname: str, doctree: nodes.document) -> list[dict[str, str]]:
    """Write a page's sections, each without those inside it, and a glossary's terms."""
    page = app.builder.get_target_uri(docname)
    found = []
    for section in doctree.findall(nodes.section):
        if not section["ids"] or any(isinstance(part, desc) for part in section):
            continue  # one that lists names of the package is found by them
        above = section.parent
        parent = above[0].astext() if isinstance(above, nodes.section) else ""
        found.append(
            {
                "title": section[0].astext(),
                "in": parent,
                "url": f"{page}#{section['ids'][0]}" if parent else page,
                "text": text(section.children[1:]),
            }
        )
    # A name of the package, with what its docstring says.
    for named in doctree.findall(desc):
        name, home = named[0], named.parent
        while not isinstance(home, nodes.section):
            home = home.parent
        if name["ids"]:
            title = f"API: {name['fullname']}"
            url = f"{page}#{name['ids'][0]}"
            found.append(
                {"title": title, "in": home[0].astext(), "url": url, "text": text(named[1:])}
            )
    if docname == PAGE:
        found = [entry for entry in found if not entry["in"]]
        found[0]["text"] = ""  # its terms follow, one by one
        title = found[0]["title"]
        for anchor, item in terms(doctree).items():
            url = f"{page}#{anchor}"
            found.append(
                {"title": item[0].astext(), "in": title, "url": url, "text": text(item[1:])}
            )
    return found


def text(children: list[nodes.Node]) -> str:
    """Join what can be read of some nodes; a section inside them is an entry of its own."""
    words: list[str] = []
    for node in children:
        if isinstance(node, nodes.Text):
            words.append(str(node))
        elif isinstance(node, nodes.math):  # as the code spells it: alpha_gen
            words.append(re.sub(r"\\text|[\\{}]", "", node.astext()))
        elif isinstance(node, Fold):
            words += ["", text(node.children), ""]
        elif not isinstance(
            node,
            nodes.section | desc | nodes.math_block | nodes.raw | nodes.comment | nodes.target,
        ):
            inside = text(node.children)
            words.append(inside if isinstance(node, nodes.Inline) else f" {inside} ")
    return " ".join("".join(words).split())


def collect(
    app: Sphinx, pagename: str, _template: str, _context: dict, doctree: nodes.document | None
) -> None:
    if doctree is not None:
        index = getattr(app, "section_index", {})
        index[pagename] = entries(app, pagename, doctree)
        app.section_index = index  # type: ignore[attr-defined]


def write(app: Sphinx, exception: Exception | None) -> None:
    if exception or app.builder.format != "html":
        return
    index = getattr(app, "section_index", {})
    every = [entry for name in sorted(index) for entry in index[name]]
    pages = [entry for entry in every if len(entry["text"]) >= LEAST or not entry["in"]]
    data: dict[str, Any] = {"entries": pages, "synonyms": SYNONYMS}
    script = (
        f"const SEARCH_INDEX = {json.dumps(data, ensure_ascii=False, separators=(',', ':'))};\n"
    )
    (Path(app.outdir) / "_static" / FILE).write_text(script, "utf-8")


def setup(app: Sphinx) -> None:
    app.connect("html-page-context", collect)
    app.connect("build-finished", write)
