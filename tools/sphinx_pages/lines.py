"""Lines of code that can go on below: on a phone nothing scrolls sideways, and nothing is cut off.

Each line is an element of its own that knows how far in it begins. Where it is wider than its box, `book.css`
lets it go on below, half a step further in: no line of Python begins there, so that none is taken for one.
Copied, a line is one line.
"""

import re
from collections.abc import Iterator
from typing import Any

from pygments.formatters import HtmlFormatter
from sphinx.application import Sphinx
from sphinx.highlighting import PygmentsBridge

TAG = re.compile(r"<[^>]*>")


class LinesThatGoOn(HtmlFormatter):
    """Sphinx's formatter, with an element around each line."""

    def wrap(self, source: Iterator[tuple[int, str]]) -> Iterator[tuple[int, str]]:
        return super().wrap(around_each(source))


def around_each(source: Iterator[tuple[int, str]]) -> Iterator[tuple[int, str]]:
    for is_code, line in source:
        text = TAG.sub("", line)
        indent = len(text) - len(text.lstrip(" "))
        told = f' style="--indent: {indent}"' if indent else ""
        yield is_code, f'<span class="line"{told}>{line.removesuffix(chr(10))}</span>\n'


def setup(_app: Sphinx) -> dict[str, Any]:
    PygmentsBridge.html_formatter = LinesThatGoOn
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
