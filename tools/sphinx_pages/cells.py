"""A chapter's cells as its page shows them: exercises in boxes, folded code under bars, assertions left out.

- A paragraph that begins **2 (a cell).** starts the box of an exercise. A cell tagged `check` that follows
  is its last line; cells tagged `solution` are folded into it. What a check prints of a right answer gives
  that away, so it stands with the solution.
- Cells tagged `hide-cell` or `hide-input` are folded. Those that follow one another share a bar, which
  stands below the figure that they draw, and says so; a cell's `mystnb: code_prompt_show` says it
  otherwise. In a chapter's opening, folded code comes last: the first screen is for the question and the
  figure.
- What a cell tagged `hide-output` prints or draws is folded: the reader is to predict it first. The caption
  of a figure goes with it, and so does a box with the class `dropdown` that follows: what to say of it.
  With `hide-input` too, the code has a bar of its own.
- Beside the badge at a chapter's beginning stands a link to its exercises, and above the exercises one back.
- Cells tagged `hide-cell` that assert, print nothing and make nothing that is used later stay in the
  notebook.
"""

import re
from collections.abc import Iterable
from html import escape
from typing import Any

from cell_code import asserts, bound, needs
from docutils import nodes
from myst_nb.sphinx_ import SphinxNbRenderer
from sphinx.application import Sphinx
from sphinx.transforms.post_transforms import SphinxPostTransform

from .references import caption_number, chapter_number, first_of

EXERCISE = re.compile(r"(\d+) \((a line|a cell|a project)\)\.$")
SOLUTIONS = "book/solutions"
NAMELESS = "Show code cell"  # how myst-nb calls every cell

render_markdown = SphinxNbRenderer.render_nb_cell_markdown


def render_markdown_with_tags(self: SphinxNbRenderer, token: Any) -> None:
    """Render a cell of text; what a tagged one holds remembers its tags."""
    parent, before = self.current_node, len(self.current_node.children)
    render_markdown(self, token)
    tags = token.meta.get("metadata", {}).get("tags", [])
    for node in parent.children[before:] if tags else ():
        node["cell_tags"] = tags


class Fold(nodes.General, nodes.Element):
    """What is folded in under a bar; its `title` begins with "Show", and says "Hide" once open."""


class Exercise(nodes.General, nodes.Element):
    """The box of an exercise, with its `number` and `level`."""


def visit_fold(self: Any, node: Fold) -> None:
    verb, _, rest = node["title"].partition(" ")
    name = escape(node["title"])
    if verb == "Show":
        name = f'<span class="when-closed">Show</span><span class="when-open">Hide</span> {escape(rest)}'
    self.body.append(self.starttag(node, "details", CLASS="fold") + f"<summary>{name}</summary>\n")


def depart_fold(self: Any, _node: Fold) -> None:
    self.body.append("</details>\n")


def visit_exercise(self: Any, node: Exercise) -> None:
    name = f"{node['ids'][0]}-title"
    self.body.append(
        self.starttag(node, "div", CLASS="exercise", role="group", **{"aria-labelledby": name})
        + f'<p class="exercise-title" id="{name}" role="heading" aria-level="3">'
        f"Exercise {node['number']} · Your turn <span>{node['level']}</span></p>\n"
    )


def depart_exercise(self: Any, _node: Exercise) -> None:
    self.body.append("</div>\n")


class ArrangeCells(SphinxPostTransform):
    """Arrange a chapter's cells; after the outputs were chosen, and before myst-nb would fold."""

    default_priority = 190
    formats = ("html",)

    def run(self, **_: Any) -> None:
        chapter = chapter_number(self.env.docname)
        if chapter is None:
            return
        for cell in left_out([n for n in self.document.findall(nodes.container) if is_cell(n)]):
            cell.parent.remove(cell)
        for section in [*self.document.findall(nodes.section)]:
            box_exercises(section, chapter)
            rest = section.children
            section.children = []
            section.extend(fold(rest, opening=isinstance(section.parent, nodes.document)))
        for box in self.document.findall(Exercise):
            self.fill(box)
        link_exercises(self.document)

    def fill(self, box: Exercise) -> None:
        """Fold the solution into an exercise's box, and link it to the page of solutions."""
        number, anchor = box["number"], box["number"].replace(".", "-")
        parts: dict[str, list[nodes.Node]] = {"statement": [], "solution": []}
        printed: list[nodes.Node] = []
        for node in box.children:
            kind = "solution" if "solution" in tags(node) else "statement"
            if is_cell(node) and "check" in tags(node):
                outputs = [part for part in node.children if "cell_output" in part["classes"]]
                for part in outputs:
                    node.remove(part)
                    printed.append(shell(node, [part]))
            if kind == "solution":
                node.attributes.pop("hide_mode", None)
            parts[kind].append(node)
        there = self.app.builder.get_relative_uri(self.env.docname, SOLUTIONS)
        among_others = nodes.paragraph(classes=["exercise-links"])
        among_others += nodes.reference(
            "",
            f"Solution {number} among all solutions",
            refuri=f"{there}#solution-{anchor}",
            internal=True,
        )
        if printed:
            printed.insert(0, nodes.paragraph("", "With it, the check prints:"))
        box.children = []
        box.extend(fold(parts["statement"]))
        colab = next((r for r in self.document.findall(nodes.reference) if is_colab(r)), None)
        if colab is not None:  # a page has no place to write an answer
            box += nodes.paragraph(
                "",
                "",
                nodes.reference("", "Answer it in Colab", refuri=colab["refuri"], internal=False),
                classes=["exercise-links"],
            )
        if parts["solution"]:
            title = f"Show the solution of exercise {number}"
            content = [*parts["solution"], *printed]
            box += folded(title, content, ids=[f"solution-{anchor}"], classes=["solution"])
            box += among_others


def link_exercises(document: nodes.document) -> None:
    """Lead from a chapter's badge to the section of its exercises, and from there back to the beginning."""
    box, badge = (
        next(iter(document.findall(Exercise)), None),
        next((link for link in document.findall(nodes.reference) if is_colab(link)), None),
    )
    if box is None or badge is None:
        return
    exercises, beginning = box.parent, badge.parent.parent
    badge.parent.append(jump(exercises, "To the exercises"))
    back = nodes.paragraph("", "", jump(beginning, "Back to the beginning"), classes=["jumps"])
    exercises.insert(1, back)  # below its title
    badge.parent["classes"].append("jumps")


def jump(section: nodes.Node, words: str) -> nodes.raw:
    """Make a link that no search finds and no outline holds."""
    link = f'<a class="jump" href="#{section["ids"][0]}">{words}</a>'
    return nodes.raw("", link, format="html")


def is_colab(link: nodes.reference) -> bool:
    return link.get("refuri", "").startswith("https://colab.")


def box_exercises(section: nodes.section, chapter: int) -> None:
    """Put each exercise, from its first paragraph to the next one's, into a box of its own."""
    rest, box = section.children, None
    section.children = []
    for node in rest:
        start = exercise_start(node)
        if start:
            number, level = start
            box = Exercise(number=f"{chapter}.{number}", level=level)
            box["ids"].append(f"exercise-{chapter}-{number}")
            node.remove(first_of(node))
            node.replace(first_of(node), nodes.Text(str(first_of(node)).lstrip()))
            section += box
        elif isinstance(node, nodes.section):
            box = None
        (box if box is not None else section).append(node)


def exercise_start(node: nodes.Node) -> tuple[str, str] | None:
    """Give an exercise's number and level, if a paragraph starts one."""
    if isinstance(node, nodes.paragraph) and isinstance(first_of(node), nodes.strong):
        found = EXERCISE.match(first_of(node).astext())
        return (found[1], found[2]) if found else None
    return None


def fold(children: Iterable[nodes.Node], opening: bool = False) -> list[nodes.Node]:
    """Fold the hidden cells among a section's children, those that follow one another under one bar."""
    shown: list[nodes.Node] = []
    waiting: list[nodes.container] = []
    drawn: list[int] = []  # the figures that the waiting cells drew
    left = [*children]
    for at, node in enumerate(left):
        number = figure_number(node)
        mode = node.get("hide_mode") if is_cell(node) else None
        if isinstance(node, nodes.admonition) and "dropdown" in node["classes"] and not waiting:
            title, *answer = node.children
            if not (shown and "outcome" in shown[-1].get("classes", ())):
                shown.append(folded(name_of(title.astext()), [], classes=["answer"]))
            shown[-1].extend(answer)
        elif mode in ("output", "input+output"):
            outcome = taken_out(node, mode)
            if mode != "output":
                waiting.append(node)
            if waiting:
                shown.append(bar(waiting, drawn, left[at:]))
                waiting, drawn = [], []
            shown += [outcome] if mode != "output" else [node, outcome]
        elif mode:
            code, outputs = take_apart(node)
            waiting.append(code)
            shown.extend(outputs)
            drawn += [n for part in outputs if (n := figure_number(part))]
        elif number is not None and waiting and not drawn and follows_its_figure(shown):
            drawn.append(number)
            shown.append(node)
        else:
            if waiting and (not opening or isinstance(node, nodes.section)):
                shown.append(bar(waiting, drawn, left[at:]))
                waiting, drawn = [], []
            shown.append(node)
    if waiting:
        shown.append(bar(waiting, drawn, []))
    return shown


def name_of(title: str) -> str:
    """Name the bar of a box by the box's title, so that it is "Show" and what is shown."""
    told = f"{title[0].lower()}{title[1:]}"
    if title.endswith("?"):
        return f"Show the answer: {told}"
    if re.match(r"(And|By|For|From|In|On|With) ", title):
        return f"Show the note: {told}"
    if re.match(r"(What (is|are|was|were)|Why|When) ", title):
        return f"Show the note on {told}"
    return f"Show {told}"


def taken_out(cell: nodes.container, mode: str) -> Fold:
    """Take from a cell what comes of it, and fold that."""
    del cell["hide_mode"]
    outputs = [part for part in cell.children if "cell_output" in part["classes"]]
    for part in outputs:
        cell.remove(part)
    drawn = [n for part in outputs if (n := figure_number(part)) is not None]
    _, of, what = cell["prompt_show"].partition("Show the code of ")
    what = figure_names(drawn) if drawn else what if of else ""
    title = "Show what happens" + (f": {what}" if what else "")
    if mode == "output" and not cell["prompt_show"].startswith(NAMELESS):
        title = cell["prompt_show"]
    return folded(title, [shell(cell, outputs)], classes=["outcome"])


def take_apart(cell: nodes.container) -> tuple[nodes.container, list[nodes.container]]:
    """Part a hidden cell into what is folded, and what is shown where it stood."""
    mode = cell.attributes.pop("hide_mode")
    outputs = [part for part in cell.children if "cell_output" in part["classes"]]
    if mode != "input" or not outputs:
        return cell, []
    for part in outputs:
        cell.remove(part)
    return cell, [shell(cell, outputs)]


def shell(cell: nodes.container, parts: list[nodes.Node]) -> nodes.container:
    """Make a cell that holds some parts of another."""
    new = nodes.container(nb_element="cell_code", classes=[*cell["classes"]])
    new["cell_metadata"] = cell.get("cell_metadata", {})
    new.extend(parts)
    return new


def bar(cells: list[nodes.container], figures: list[int], ahead: list[nodes.Node]) -> nodes.Element:
    """Fold cells under a bar that says what they hold."""
    named = [c["prompt_show"] for c in cells if not c["prompt_show"].startswith(NAMELESS)]
    upcoming = next((n for node in ahead if (n := figure_number(node)) is not None), None)
    made = [name for cell in cells for name in bound(source(cell))]
    if named:
        title = named[-1]
    elif figures:
        title = f"Show the code of {figure_names(figures)}"
    elif upcoming is not None:
        title = f"Show what Figure {upcoming} is made from"
    elif made:
        title = f"Show the code behind {', '.join(made[:3])}{', …' if made[3:] else ''}"
    else:
        title = f"Show what is calculated here: {source(cells[0]).splitlines()[0]}"
    return folded(title, cells)


def figure_names(numbers: list[int]) -> str:
    words = [str(n) for n in sorted(set(numbers))]
    return ("Figures " if len(words) > 1 else "Figure ") + " and ".join(words)


def folded(
    title: str, content: Iterable[nodes.Node], ids: Iterable[str] = (), classes: Iterable[str] = ()
) -> Fold:
    element = Fold(title=title)
    element["ids"].extend(ids)
    element["classes"].extend(classes)
    element.extend(content)
    return element


def figure_number(node: nodes.Node) -> int | None:
    """Give the number of a figure that a node is, holds, or is the caption of."""
    for part in node.findall(nodes.Element):
        number = caption_number(part)
        if number is not None:
            return number
    return None


def follows_its_figure(shown: list[nodes.Node]) -> bool:
    """Whether the last thing shown is a picture."""
    return bool(shown) and any(shown[-1].findall(lambda n: isinstance(n, nodes.image | nodes.raw)))


def is_cell(node: nodes.Node) -> bool:
    return isinstance(node, nodes.container) and node.get("nb_element") == "cell_code"


def tags(node: nodes.Node) -> list[str]:
    if is_cell(node):
        return node.get("cell_metadata", {}).get("tags", [])
    return node.get("cell_tags", []) if isinstance(node, nodes.Element) else []


def source(cell: nodes.container) -> str:
    code = next(iter(cell.findall(nodes.literal_block)), None)
    return code.astext() if code is not None else ""


def left_out(cells: list[nodes.container]) -> list[nodes.container]:
    """Choose, from the last cell to the first, those that only assert: nothing kept needs what they make."""
    needed: set[str] = set()
    chosen = []
    for cell in reversed(cells):
        code = source(cell)
        made, used = bound(code), needs(code)
        printed = any("cell_output" in part["classes"] for part in cell.children)
        hidden = "hide-cell" in tags(cell) and not {"solution", "check"} & {*tags(cell)}
        if hidden and not printed and asserts(code) and not needed & {*made}:
            chosen.append(cell)
        else:
            needed = (needed - {*made}) | used
    return chosen


def note_exercises(app: Sphinx, doctree: nodes.document) -> None:
    """Let other pages link to a chapter's exercises by Markdown, as `01_energy.ipynb#exercise-1-2`."""
    chapter = chapter_number(app.env.docname)
    if chapter is None:
        return
    slugs = app.env.metadata[app.env.docname].setdefault("myst_slugs", {})
    for paragraph in doctree.findall(nodes.paragraph):
        start = exercise_start(paragraph)
        if start:
            anchor = f"exercise-{chapter}-{start[0]}"
            slugs[anchor] = (paragraph.line, anchor, f"Exercise {chapter}.{start[0]}")


def setup(app: Sphinx) -> None:
    SphinxNbRenderer.render_nb_cell_markdown = render_markdown_with_tags
    app.add_node(Fold, html=(visit_fold, depart_fold))
    app.add_node(Exercise, html=(visit_exercise, depart_exercise))
    app.add_post_transform(ArrangeCells)
    app.connect("doctree-read", note_exercises)
