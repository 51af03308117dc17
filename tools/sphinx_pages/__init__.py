"""A Sphinx extension: what this book's pages need beyond Jupyter Book.

The chapters are plain Markdown, so that Colab shows them as they are; what only a page can do is made
here.

- `references` turns "Equation 3", "Figure 4" and "chapter 2" into links, and numbers the chapters'
  titles.
- `cells` puts exercises into boxes, folds code under bars that say what it is, and leaves out what only
  asserts.
- `glossary` leads a link to its term, and hands the term's definition to the page that uses it.
- `lines` lets a long line of code go on below where the screen is narrow.
- `tables` names the tables.
- `search` writes the index that the search page reads.
- Here: a picture's alt text, which notebooks store with the output, as `display(fig,
  metadata={"image/png": {"alt": ...}})` does, and myst-nb takes from the cell only; and no Thebe, which
  the book does not use, and whose scripts would name another site on every page; and each page's source
  once more as a script, since from a disk a browser lets the download button read nothing else; and every way
  into Colab leads to the reader's edition (`editions.py`).
"""

import json
from pathlib import Path
from typing import Any

from docutils import nodes
from myst_nb.core.render import MimeData, NbElementRenderer
from set_repository import for_readers
from sphinx.application import Sphinx

from . import cells, glossary, lines, references, search, tables

render_image = NbElementRenderer.render_image


def render_image_with_alt(self: NbElementRenderer, data: MimeData) -> list[nodes.Element]:
    elements = render_image(self, data)
    metadata = data.output_metadata
    alt = metadata.get(data.mime_type, {}).get("alt") or metadata.get("alt")
    if alt:
        for element in elements:
            element["alt"] = alt
    return elements


def leave_thebe_out(app: Sphinx, _config: Any) -> None:
    for listeners in app.events.listeners.values():
        for listener in [*listeners]:
            if listener.handler.__module__ == "sphinx_thebe":
                app.disconnect(listener.id)
    app.registry.css_files[:] = [f for f in app.registry.css_files if "thebe" not in f[0]]


def name_the_welcome_page(
    app: Sphinx, pagename: str, _template: str, context: dict, _doctree: Any
) -> None:
    """Call it so in the menu, where the book's title stands above; and let its tab name the book once."""
    context["root_title"] = "Welcome"
    if pagename == app.config.root_doc:
        context["docstitle"] = ""


def lead_links_to_colab(_app: Sphinx, doctree: nodes.document, _docname: str) -> None:
    """Let what opens a chapter in Colab open the reader's edition: there is room for answers."""
    for link in doctree.findall(nodes.reference):
        if "refuri" in link:
            link["refuri"] = for_readers(link["refuri"])


def lead_buttons_to_colab(
    _app: Sphinx, _page: str, _template: str, context: dict, _doctree: Any
) -> None:
    """Do the same for the theme's own button."""
    for group in context.get("header_buttons", []):
        for button in group.get("buttons", []):
            if "url" in button:
                button["url"] = for_readers(button["url"])


def write_downloads(app: Sphinx, exception: Exception | None) -> None:
    """Write each page's source as a script that downloads it: see `book.js`."""
    if exception or app.builder.format != "html":
        return
    for docname in app.env.found_docs:
        source = Path(app.env.doc2path(docname))
        target = Path(app.outdir) / "_sources" / f"{docname}{source.suffix}.js"
        if target.with_suffix("").is_file():
            arguments = f"{json.dumps(source.name)}, {json.dumps(source.read_text('utf-8'))}"
            target.write_text(f"download({arguments});\n", "utf-8")


def setup(app: Sphinx) -> dict[str, Any]:
    NbElementRenderer.render_image = render_image_with_alt
    app.connect("config-inited", leave_thebe_out)
    app.connect("html-page-context", name_the_welcome_page, priority=900)
    app.connect("doctree-resolved", lead_links_to_colab)
    app.connect("html-page-context", lead_buttons_to_colab, priority=900)
    app.connect("build-finished", write_downloads)
    for part in (references, cells, glossary, lines, search, tables):
        part.setup(app)
    return {"version": "2", "parallel_read_safe": True, "parallel_write_safe": True}
