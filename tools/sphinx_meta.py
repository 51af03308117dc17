"""A Sphinx extension: what search engines, chats and lost readers get of the published pages.

The work is done by sphinxext-opengraph (a description and a card), sphinx-sitemap and sphinx-notfound-page
(404.html, with addresses that work from any depth, and here from a disk too). They are told here what follows
from the one address in _config.yml, `html: baseurl`, which tools/set_repository.py sets. The card is drawn by
tools/card.py.
"""

import html
import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.config import Config

LENGTH = 200
CARD = "_static/card.png"
CARD_ALT = "Ten digits drawn by one network, and digits whose hidden lower half it filled in"
LOST = """<h1>This page is not here</h1>
<p>It may have moved, or the address has a slip.<span id="meant" role="status"></span></p>
<form class="bd-search d-flex align-items-center mb-3 pst-js-only" action="{search}">
<i class="fa-solid fa-magnifying-glass"></i>
<input type="search" class="form-control" id="sought" name="q" placeholder="Search this book"
 aria-label="Search this book"/>
</form>
<p>The contents are on the left, on a phone behind the menu; or <a href="{home}">begin
at the welcome page</a>.</p>
<script>{script}</script>"""

# The field holds the last part of the address, and what is most like it among the contents is offered.
GUESS = """{
  const name = (address) => decodeURIComponent(address).split(/[?#]/)[0].replace(/\\/+$/, "").split("/").pop()
    .replace(/\\.\\w+$/, "").replace(/^\\d+_/, "").toLowerCase();
  const pairs = (word) => new Set([...word].map((letter, i) => letter + (word[i + 1] ?? "")));
  const alike = (a, b) => {
    const [ours, theirs] = [pairs(a), pairs(b)];
    return 2 * [...ours].filter((pair) => theirs.has(pair)).length / (ours.size + theirs.size);
  };
  const lost = name(location.pathname);
  const guess = () => {
    if (!lost || lost === "404") return;
    if (lost.length > 2) document.getElementById("sought").value = lost.replace(/[_-]+/g, " ");
    const links = [...document.querySelectorAll("nav.bd-docs-nav a[href]")];
    const all = links.map((link) => [alike(lost, name(link.href)), link]);
    const [likeness, best] = all.reduce((a, b) => (b[0] > a[0] ? b : a), [0]);
    if (likeness < 0.5) return;
    const link = document.createElement("a");
    link.href = best.href;
    link.textContent = best.textContent.trim();
    document.getElementById("meant").append(" Did you mean ", link, "?");
  };
  document.addEventListener("DOMContentLoaded", guess);
}"""

# A server shows 404.html at any depth, so that its addresses are seen from the book's folder there, or from
# the server's own where the book is published elsewhere than it says. On a disk it lies in that folder. What
# leads to a place on the same page must not leave it.
BASE = """<base href="{folder}">
    <script>
      const base = document.querySelector("base");
      if (location.protocol === "file:") base.remove();
      else if (!location.pathname.startsWith("{folder}")) base.href = "/";
      document.addEventListener("click", (event) => {{
        const link = event.target.closest("a[href^='#']");
        if (!link) return;
        event.preventDefault();
        location.hash = link.getAttribute("href");
      }});
    </script>"""


def set_addresses(_app: Sphinx, config: Config) -> None:
    """Tell each extension where the book is published."""
    address = config.html_baseurl
    path = urlsplit(address).path
    config.ogp_site_url = address
    config.ogp_image = address + CARD
    config.ogp_image_alt = CARD_ALT
    config.ogp_site_name = config.html_title
    config.ogp_custom_meta_tags = [
        '<meta property="og:image:width" content="1200" />',
        '<meta property="og:image:height" content="630" />',
        '<meta name="twitter:card" content="summary_large_image" />',
    ]
    config.notfound_urls_prefix = path
    config.notfound_context = {
        "title": "Page not found",
        "body": LOST.format(
            home=f"{path}book/intro.html", search=f"{path}search.html", script=GUESS
        ),
    }
    config.sitemap_url_scheme = "{link}"
    config.sitemap_excludes = ["404.html", "genindex.html", "search.html"]


def describe(
    app: Sphinx,
    pagename: str,
    _template: str,
    context: dict[str, Any],
    doctree: nodes.document | None,
) -> None:
    """Describe a page by its own words: its first paragraph that is one."""
    if doctree is None:
        return
    meta = dict(context.get("meta") or {})
    said = html.escape(meta.get("og:description") or description(doctree))
    context["meta"] = meta | {"og:description": said}
    context["metatags"] += f'<meta name="description" content="{said}" />\n'


def description(doctree: nodes.document) -> str:
    """Give the first sentences of a page, a badge or a title not counted, up to some length."""
    said: list[str] = []
    for paragraph in doctree.findall(nodes.paragraph):
        text = " ".join(paragraph.astext().split())
        if isinstance(paragraph.parent, nodes.section) and re.search(r"[.?!:]$", text):
            said.append(text)
        if sum(map(len, said)) > LENGTH / 2:
            break
    words = " ".join(said)
    if len(words) <= LENGTH:
        return words
    return words[: LENGTH - 1].rsplit(" ", 1)[0].rstrip(".,;:") + "…"


def open_from_a_disk(app: Sphinx, exception: Exception | None) -> None:
    """Let the page for lost readers have its style and its links from a disk too."""
    page = Path(app.outdir) / "404.html"
    if exception or not page.is_file():
        return
    text, folder = page.read_text("utf-8"), app.config.notfound_urls_prefix
    if "<base " not in text:
        text = re.sub(rf'\b(href|src|action)="{re.escape(folder)}(?!/)', r'\1="', text)
        text = text.replace("<head>", f"<head>\n    {BASE.format(folder=folder)}", 1)
        page.write_text(text, "utf-8")


def setup(app: Sphinx) -> dict[str, Any]:
    app.connect("config-inited", set_addresses)
    app.connect(
        "html-page-context", describe, priority=400
    )  # before sphinxext-opengraph, which asks for it
    app.connect("build-finished", open_from_a_disk, priority=950)  # after sphinx_weight
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
