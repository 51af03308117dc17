"""Links out of words: "Equation 3", "Figures 1 and 2", "chapter 4"; and numbers in the chapters' titles.

An equation is known by its number, whether it has a label or a `\\tag`; a figure by its caption, a
paragraph that begins *Figure 4. ...*, and its anchor is `figure-4`; a chapter by its file's name. On a
page that speaks of several chapters, the words mean the chapter that the section's title names.
"""

import re
from collections.abc import Iterator
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.transforms import SphinxTransform

NAMED = re.compile(r"\b([Ee]quation|[Ff]igure|[Cc]hapter)s?\s+\d+(?:(?:,| and| or| to)\s+\d+)*")
NUMBER = re.compile(r"\d+")
CAPTION = re.compile(r"Figure (\d+)\.")
CHAPTER = re.compile(r"(?:.*/)?(\d\d)_\w+$")
TITLED = re.compile(r"(\d+) ")
AS_IT_IS = (
    nodes.title,
    nodes.reference,
    nodes.literal,
    nodes.literal_block,
    nodes.math,
    nodes.math_block,
    nodes.raw,
    nodes.comment,
)


def chapter_number(docname: str) -> int | None:
    """Give the number of a chapter by the name of its file, and nothing for another page."""
    found = CHAPTER.match(docname)
    return int(found[1]) if found else None


def caption_number(node: nodes.Node) -> int | None:
    """Give the number of the figure whose caption a paragraph is."""
    if not isinstance(node, nodes.paragraph | nodes.caption) or not node.children:
        return None
    found = CAPTION.match(" ".join(node.astext().split()))
    is_caption = isinstance(first_of(node), nodes.emphasis) or isinstance(node, nodes.caption)
    return int(found[1]) if found and is_caption else None


def first_of(node: nodes.Element) -> Any:
    """Give the first child that says something: the parser leaves empty texts before what is emphasised."""
    return next((child for child in node.children if child.astext()), None)


class NumberTitle(SphinxTransform):
    """Put a chapter's number before its title: in tabs, in Next and Previous, in what a search finds."""

    default_priority = 500

    def apply(self, **_: Any) -> None:
        number = chapter_number(self.env.docname)
        if number is not None:
            title = next(iter(self.document.findall(nodes.title)))
            title.insert(0, nodes.Text(f"{number} "))


def collect_anchors(app: Sphinx, doctree: nodes.document) -> None:
    """Remember where a page's equations and figures are, for the links on this page and on others."""
    anchors: dict[tuple[str, int], str] = {}
    for equation in doctree.findall(nodes.math_block):
        tag = re.search(r"\\tag\{(\d+)\}", equation.astext())
        number = int(tag[1]) if tag else equation.get("number")
        if number is not None:
            if not equation["ids"]:
                equation["ids"].append(f"equation-{number}")
            anchors["equation", number] = equation["ids"][0]
    for node in doctree.findall(nodes.Element):
        number = caption_number(node)
        if number is not None:
            anchors["figure", number] = f"figure-{number}"
    app.env.metadata[app.env.docname]["anchors"] = anchors


def give_figures_their_anchors(doctree: nodes.document) -> None:
    """Let a caption carry the anchor of a figure that has none."""
    known = {i for node in doctree.findall(nodes.Element) for i in node.get("ids", [])}
    for node in [*doctree.findall(nodes.Element)]:
        number = caption_number(node)
        if number is not None and f"figure-{number}" not in known:
            node["ids"].append(f"figure-{number}")
            known.add(f"figure-{number}")


def link_words(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Turn the words that name an equation, a figure or a chapter into links."""
    give_figures_their_anchors(doctree)
    join_texts(doctree)
    for text in [*doctree.findall(nodes.Text)]:
        if not any(isinstance(above, AS_IT_IS) for above in ancestors(text)):
            parts = linked(text, app, docname)
            if any(isinstance(part, nodes.reference) for part in parts):
                text.parent.replace(text, parts)


def linked(text: nodes.Text, app: Sphinx, docname: str) -> list[nodes.Node]:
    """Cut a text into words and links."""
    words, at, parts = str(text), 0, []
    own = CAPTION.match(" ".join(words.split())) if first_of(text.parent) is text else None
    for phrase in NAMED.finditer(words):
        if own and phrase.start() == 0:  # a caption does not point to itself
            continue
        for number in NUMBER.finditer(phrase[0]):
            uri = address(phrase[1].lower(), int(number[0]), text, app, docname)
            start = phrase.start() + (0 if at <= phrase.start() else number.start())
            end = phrase.start() + number.end()
            if uri and start >= at:
                parts.append(nodes.Text(words[at:start]))
                parts.append(nodes.reference("", words[start:end], refuri=uri, internal=True))
                at = end
    return [part for part in (*parts, nodes.Text(words[at:])) if part.astext()]


def address(kind: str, number: int, where: nodes.Node, app: Sphinx, docname: str) -> str | None:
    """Find what a phrase names: on this page, or in the chapter that the section is about."""
    env: BuildEnvironment = app.env
    chapters = {chapter_number(name): name for name in env.found_docs}
    if kind == "chapter":
        target, anchor = chapters.get(number), None
        if target == docname:
            return None
    else:
        about = next((n for n in titles_numbers(where) if n in chapters), None)
        target = docname if about is None else chapters[about]
        anchor = env.metadata[target].get("anchors", {}).get((kind, number))
        if anchor is None:
            return None
    if target is None:
        return None
    page = "" if target == docname else app.builder.get_relative_uri(docname, target)
    return page + (f"#{anchor}" if anchor else "")


def titles_numbers(node: nodes.Node) -> Iterator[int]:
    """Give the numbers that the titles of the sections around a node begin with, the inmost first."""
    for above in ancestors(node):
        if isinstance(above, nodes.section) and above.children:
            found = TITLED.match(above.children[0].astext())
            if found:
                yield int(found[1])


def ancestors(node: nodes.Node) -> Iterator[nodes.Element]:
    while node.parent is not None:
        node = node.parent
        yield node


def join_texts(doctree: nodes.document) -> None:
    """Join texts that follow one another: a line's end within a phrase is a text of its own."""
    for parent in [*doctree.findall(nodes.TextElement)]:
        if any(isinstance(child, nodes.Text) for child in parent.children[1:]):
            children: list[nodes.Node] = []
            for child in parent.children:
                if (
                    children
                    and isinstance(child, nodes.Text)
                    and isinstance(children[-1], nodes.Text)
                ):
                    child = nodes.Text(str(children.pop()) + str(child))
                children.append(child)
            parent.children = []
            parent.extend(children)


def setup(app: Sphinx) -> None:
    app.add_transform(NumberTitle)
    app.connect("doctree-read", collect_anchors)
    app.connect("doctree-resolved", link_words)
