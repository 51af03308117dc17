"""Tables that a screen reader can tell apart: a name, and heads that say what they are the head of.

Markdown knows neither captions nor scopes. A table is named by its section and by its columns, whether
Markdown made it or a cell's output. An empty corner is the head of nothing.
"""

import re
from html import escape, unescape
from typing import Any

from sphinx.application import Sphinx

PART = re.compile(r"<h[1-6]\b.*?</h[1-6]>|<table\b.*?</table>", re.DOTALL)
HEADERLINK = re.compile(r'<a class="headerlink".*?</a>', re.DOTALL)
HEAD = re.compile(r"<th\b.*?</th>", re.DOTALL)
TAG = re.compile(r"<[^>]+>")


def name_tables(
    _app: Sphinx, _page: str, _template: str, context: dict[str, Any], _doctree: Any
) -> None:
    """Name the tables of a page, one after the other."""
    section, names = "", [""]

    def name(match: re.Match[str]) -> str:
        nonlocal section
        part = match[0]
        if part.startswith("<h"):
            section = words(HEADERLINK.sub("", part))
            return part
        head, body = part.partition("</thead>")[::2]
        columns = [title for title in map(words, HEAD.findall(head)) if title]
        label = f"{section}: {', '.join(columns)}"
        names.append(label)
        if names.count(label) > 1:
            label += f" ({names.count(label)})"
        head = head.replace("<table", f'<table aria-label="{escape(label)}"', 1)
        head = head.replace('<th class="head"', '<th scope="col" class="head"')
        head = re.sub(r"<th\b([^>]*)>((?:\s|</?p>)*)</th>", r"<td>\2</td>", head)
        body = re.sub(r"(<tr[^>]*>\s*)<td", r'\1<td role="rowheader"', body)
        return f"{head}</thead>{body}"

    context["body"] = PART.sub(name, context.get("body", ""))


def words(html: str) -> str:
    return " ".join(unescape(TAG.sub("", html)).split())


def setup(app: Sphinx) -> None:
    app.connect("html-page-context", name_tables, priority=600)
