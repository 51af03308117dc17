"""A Sphinx extension: what runs in the reader's browser, beside the pages that load it.

book/live holds classic scripts, their style and the weights they read; a page takes them in with raw HTML,
whose addresses begin with ../_static/live/. Here they are copied there, and each address gets a mark of its
file's content, so that a browser's cache never mixes two versions.
"""

import hashlib
import re
import shutil
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

FOLDER = Path("_static") / "live"
ADDRESS = re.compile(r'(?<=")(\.\./_static/live/([\w/-]+\.(?:js|css)))(?=")')


def copy(app: Sphinx, exception: Exception | None) -> None:
    """Copy the scripts, and mark the addresses of each page that loads some."""
    if exception or app.builder.format != "html":
        return
    source, out = Path(app.srcdir) / "book" / "live", Path(app.outdir)
    shutil.copytree(
        source, out / FOLDER, ignore=shutil.ignore_patterns("*.html"), dirs_exist_ok=True
    )

    def marked(match: re.Match[str]) -> str:
        content = (out / FOLDER / match[2]).read_bytes()
        return f"{match[1]}?v={hashlib.sha256(content).hexdigest()[:8]}"

    for page in (out / "book").glob("*.html"):
        text = page.read_text("utf-8")
        if ADDRESS.search(text):
            page.write_text(ADDRESS.sub(marked, text), "utf-8")


def setup(app: Sphinx) -> dict[str, Any]:
    app.connect("build-finished", copy, priority=800)  # before sphinx_weight looks at the pages
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
