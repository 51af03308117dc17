"""A Sphinx extension: what runs in the reader's browser, beside the pages that load it.

book/live holds classic scripts, their style and the weights they read; a page takes them in with raw HTML,
whose addresses begin with ../_static/live/. Here they are copied there, and each address gets a mark of its
file's content, so that a browser's cache never mixes two versions.

A chapter's still figures become live ones on its page, as book/live/figures/figures.toml says: the notebook
knows nothing of it, and paper, Colab and a browser without scripts keep the still ones.
"""

import gzip
import hashlib
import json
import re
import shutil
import tomllib
from pathlib import Path
from typing import Any

import live_figures
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util import logging

FOLDER = Path("_static") / "live"
ADDRESS = re.compile(r'(?<=")(\.\./_static/live/([\w/-]+\.(?:js|css)))(?=")')
FIGURES = Path(__file__).resolve().parents[1] / "book" / "live" / "figures"
WHEN = {"at once": ["lf-now"], "beside": ["lf-now", "lf-beside"], "asked": []}
LOG = logging.getLogger(__name__)


def wanted(docname: str) -> dict[str, dict[str, Any]]:
    """Read which figures of a page become live: "figure-4" to its entry in figures.toml."""
    every = tomllib.loads((FIGURES / "figures.toml").read_text("utf-8"))
    split = {tuple(number.split(".")): entry for number, entry in every.items()}
    chapter = re.match(r"book/0*(\d+)_", docname)
    return {f"figure-{n}": entry for (c, n), entry in split.items() if chapter and c == chapter[1]}


def page_of(entry: dict[str, Any], first: bool) -> str:
    """Write a live figure for a page; the first of a page brings what all share."""
    name, folder = entry["name"], "../_static/live/figures"
    content = (FIGURES / f"{name}.html").read_text("utf-8")
    if "try" in entry:  # another than where the figure stands first
        task = f'<p class="lf-try"><strong>Try it.</strong> {entry["try"]}</p>'
        content = re.sub('<p class="lf-try">.*?</p>', lambda _: task, content)
    if "data" in entry:
        found = json.dumps(getattr(live_figures, entry["data"])(), separators=(",", ":"))
        content += f'<script type="application/json">{found}</script>\n'
    loads, weight = entry.get("loads", []), 0
    for script in loads:
        weight += len(gzip.compress((FIGURES.parent / script).read_bytes()))
        content += f'<data hidden value="../_static/live/{script}"></data>\n'
    scripts = [*(["figure"] if first else []), *entry.get("scripts", []), name]
    shared = (
        f'<link rel="stylesheet" href="{folder}/figures.css" />\n'
        '<script>document.documentElement.classList.add("live-on")</script>\n'
    )
    tags = "".join(f'<script src="{folder}/{script}.js"></script>\n' for script in scripts)
    live = f'<div class="lf" data-figure="{name}">\n{content}</div>\n'
    invite = (
        f'<p class="lf-invite"><button type="button" class="lf-prime">{entry["invite"]}</button>'
        f'<span role="status">It brings {weight / 1e6:.1f} MB.</span></p>\n'
        if "invite" in entry
        else ""
    )
    return f"{shared if first else ''}{live}{invite}{tags}"


class MakeLive(SphinxPostTransform):
    """Put each live figure beside the still one that it stands for."""

    default_priority = 310  # after figures have their captions and their places
    formats = ("html",)

    def run(self, **_: Any) -> None:
        entries = wanted(self.env.docname)
        if not entries:
            return
        self.env.note_dependency(str(FIGURES / "figures.toml"))
        found = {name: f for f in self.document.findall(nodes.figure) for name in f["ids"]}
        for first, (name, entry) in zip([True] + [False] * 99, entries.items(), strict=False):
            if name not in found:
                LOG.warning("no %s that could become live", name, location=self.env.docname)
                continue
            self.make_live(found[name], entry, first)

    @staticmethod
    def make_live(figure: nodes.figure, entry: dict[str, Any], first: bool) -> None:
        figure["classes"] += WHEN[entry["when"]]
        caption = next(figure.findall(nodes.caption))
        figure.insert(figure.index(caption), nodes.raw("", page_of(entry, first), format="html"))
        if "caption" in entry:
            number, *still = caption.children
            if entry["when"] != "beside":
                caption.children = []
                caption += [number, nodes.inline("", "", *still, classes=["lf-still"])]
            words = f'<span class="lf-caption"> {entry["caption"]}</span>'
            caption += nodes.raw("", words, format="html")


def copy(app: Sphinx, exception: Exception | None) -> None:
    """Copy the scripts, and mark the addresses of each page that loads some."""
    if exception or app.builder.format != "html":
        return
    source, out = Path(app.srcdir) / "book" / "live", Path(app.outdir)
    shutil.copytree(
        source,
        out / FOLDER,
        ignore=shutil.ignore_patterns("*.html", "*.toml", "*.json"),
        dirs_exist_ok=True,
    )

    def marked(match: re.Match[str]) -> str:
        content = (out / FOLDER / match[2]).read_bytes()
        return f"{match[1]}?v={hashlib.sha256(content).hexdigest()[:8]}"

    for page in (out / "book").glob("*.html"):
        text = page.read_text("utf-8")
        if ADDRESS.search(text):
            page.write_text(ADDRESS.sub(marked, text), "utf-8")


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_post_transform(MakeLive)
    app.connect("build-finished", copy, priority=800)  # before sphinx_weight looks at the pages
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
