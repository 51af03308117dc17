"""Lines of code that can go on below: on a phone nothing scrolls sideways, and nothing is cut off.

Each line is an element of its own that knows how far in it begins. Where it is wider than its box, `book.css`
lets it go on below, half a step further in: no line of Python begins there, so that none is taken for one.
A long name goes on after a dot, a bracket, a comma or an underscore where it can.
Copied, a line is one line.
"""

import re
from collections.abc import Iterator
from typing import Any

from pygments.formatters import HtmlFormatter
from sphinx.application import Sphinx
from sphinx.highlighting import PygmentsBridge

TAG = re.compile(r"<[^>]*>")
LONG = 30  # letters; a shorter line fits


class LinesThatGoOn(HtmlFormatter):
    """Sphinx's formatter, with an element around each line."""

    def wrap(self, source: Iterator[tuple[int, str]]) -> Iterator[tuple[int, str]]:
        return super().wrap(around_each(source))


def around_each(source: Iterator[tuple[int, str]]) -> Iterator[tuple[int, str]]:
    for is_code, line in source:
        text = TAG.sub("", line)
        indent = len(text) - len(text.lstrip(" "))
        told = f' style="--indent: {indent}"' if indent else ""
        if len(text) > LONG:
            line = "".join(
                part if TAG.fullmatch(part) else may_go_on(part)
                for part in re.split(r"(<[^>]*>)", line)
            )
        yield is_code, f'<span class="line"{told}>{line.removesuffix(chr(10))}</span>\n'


def may_go_on(token: str) -> str:
    """Let a token of code go on below after some of its signs; a number is one."""
    if token[:1].isdigit():
        return token
    token = re.sub(r"(?<=\w)_(?=[A-Za-z])", "_<wbr>", token)
    return f"{token}<wbr>" if re.fullmatch(r"[^\w\s&;]*[.(,]", token) else token


def setup(_app: Sphinx) -> dict[str, Any]:
    PygmentsBridge.html_formatter = LinesThatGoOn
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
