"""Links to the glossary: each leads to its term, and its page carries the term's definition.

In a notebook such a link is `[errors](glossary.md)`, which Colab follows too. The words of the link say
which term is meant, whatever their ending: "clamped" is the term "clamp". The definitions come with the
page, hidden, and `book.js` shows them where the link is; nothing is fetched, so that it works from a
disk.
"""

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util import logging
from terms import find_term, stem

PAGE = "book/glossary"
logger = logging.getLogger(__name__)


def terms(glossary: nodes.document) -> dict[str, nodes.definition_list_item]:
    """Give the glossary's entries by their anchors."""
    items = glossary.findall(nodes.definition_list_item)
    return {item[0]["ids"][0]: item for item in items if item[0]["ids"]}


def note_terms(app: Sphinx, doctree: nodes.document) -> None:
    """Let Markdown link to `glossary.md#term-energy` too."""
    if app.env.docname == PAGE:
        slugs = app.env.metadata[PAGE].setdefault("myst_slugs", {})
        for anchor, item in terms(doctree).items():
            slugs[anchor] = (item.line, anchor, item[0].astext())


def lead_to_terms(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Lead each link to the glossary to the term that its words mean."""
    if docname == PAGE or PAGE not in app.env.found_docs:
        return
    top = app.builder.get_relative_uri(docname, PAGE)
    entries = {a: item[0].astext() for a, item in terms(app.env.get_doctree(PAGE)).items()}
    for link in doctree.findall(nodes.reference):
        page, _, anchor = link.get("refuri", "").partition("#")
        words = " ".join(link.astext().split())
        if page != top or stem([words.lower()]) == stem(["glossary"]):
            continue
        anchor = anchor or find_term(words, entries) or ""
        if anchor not in entries:
            logger.warning(
                "the glossary has no term %r: link to one with glossary.md#term-...",
                words,
                location=link,
            )
            continue
        link["refuri"] = f"{top}#{anchor}"
        link["classes"].append("term")


def carry_definitions(
    app: Sphinx, pagename: str, _template: str, context: dict, doctree: nodes.document | None
) -> None:
    """Put the definitions of the terms that a page links to at its end, hidden."""
    if doctree is None or pagename == PAGE:
        return
    used = {
        link["refuri"].partition("#")[2]
        for link in doctree.findall(nodes.reference)
        if "term" in link["classes"]
    }
    if used:
        entries = terms(app.env.get_doctree(PAGE))
        parts = [definition(app, pagename, anchor, entries[anchor]) for anchor in sorted(used)]
        context["body"] += f'<div class="definitions">\n{"".join(parts)}</div>\n'


def definition(app: Sphinx, docname: str, anchor: str, entry: nodes.definition_list_item) -> str:
    """Write one definition as HTML."""
    render = app.builder.render_partial  # type: ignore[attr-defined]
    content = [render(node)["fragment"] for node in entry[1].children]
    name = nodes.unescape(entry[0].astext())
    there = app.builder.get_relative_uri(docname, PAGE)
    return (
        f'<div class="definition" id="definition-of-{anchor}" role="tooltip" hidden>'
        f"<strong>{name}</strong>{''.join(content)}"
        f'<p><a class="to-glossary" href="{there}#{anchor}">Glossary</a></p></div>\n'
    )


def setup(app: Sphinx) -> None:
    app.connect("doctree-read", note_terms)
    app.connect("doctree-resolved", lead_to_terms)
    app.connect("html-page-context", carry_definitions)
