"""Print the rendered book, page after page, into one PDF: dist/bpc-book.pdf by default.

    make book && python tools/pdf.py [FILE]

It needs Chromium (Debian: apt-get install chromium). The book without solutions is printed with its pages, by
tools/student_book.py.
"""

import io
import shutil
import sys
from pathlib import Path

import yaml
from playwright.sync_api import sync_playwright
from pypdf import PdfReader, PdfWriter

ROOT = Path(__file__).resolve().parents[1]
SITE = ROOT / "_build" / "html"
CHROMIUM = (
    shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
)
# Nobody unfolds anything on paper. The solutions have a page of their own in the book.
UNFOLD = "() => document.querySelectorAll('details:not(.solution)').forEach(e => e.open = true)"
# On the page of solutions, what is asked is said once more; on paper one turns to the chapter.
UNASKED = """() => document.querySelectorAll('#solutions p > a[href*="#exercise-"]').forEach(e => {
    let one = e.parentElement
    while (one && !/^H[1-6]$/.test(one.tagName)) {
        const before = one.previousElementSibling
        one.remove()
        one = before
    }
})"""
# What unfolds fades in, and is printed before it is there. Paper is nearer to the eye than a screen: all is
# set closer, what the page folds smallest, and that, solutions and the glossary in two columns. Code may go
# on overleaf (kept whole, it leaves a third empty).
PAPER = """
*, ::before, ::after { animation: none !important; transition: none !important; }
:is(.bd-article, .bd-article-container) { max-width: none !important; margin: 0 !important; }
.bd-article { font-size: 16px; padding: 0 !important; }
.bd-article :is(p, li, dd, td, th, figcaption) { line-height: 1.34; }
.bd-article :is(p, ul, ol, dl, figcaption, div.math, blockquote) { max-width: none !important; }
.bd-article :is(p, ul, ol, dl, table, .admonition, .exercise) { margin-bottom: 0.55em; }
.bd-article h1 { font-size: 28px; margin: 0 0 0.5em; }
.bd-article h2 { font-size: 22px; margin: 1em 0 0.4em; }
.bd-article :is(h3, h4) { font-size: 18px; margin: 0.8em 0 0.3em; }
.bd-article :is(h2, h3, h4) { break-after: avoid; }
.bd-article :is(.cell, .cell_input, .cell_output, figure) { margin: 0.3em 0 !important; padding-block: 0; }
.bd-article pre { font-size: 11.5px; line-height: 1.2; padding: 0.4em 0.8em; orphans: 3; widows: 3; }
.bd-article :is(details.fold .cell_input, #solutions) pre { font-size: 10px; }
:is(details.fold .cell_input pre, #solutions > section, #glossary > dl) { columns: 2; column-gap: 1.5em; }
#solutions :is(p, li) { font-size: 14px; }
.bd-article table { font-size: 14px; }
.bd-article table :is(td, th) { padding: 0.1em 0.6em !important; }
.bd-article figure svg { max-height: 260px; }
.bpc-panels { gap: 0.25rem; }
.bpc-panels > svg { flex-basis: 220px; max-width: 300px; }
.bpc-several > svg { max-width: calc(33% - 0.25rem); }
.bd-article dl.py { font-size: 14px; }
/* What scrolls, or lies in a flexible box, is never parted. */
.bd-article pre { overflow: visible !important; }
.bd-article :is(.cell_input, .highlight, [class*="highlight-"]) { display: block !important; }
.bd-article :is(.cell_input, .cell_output:not(:has(figure)), .highlight, [class*="highlight-"], pre,
  .admonition, .exercise) { break-inside: auto !important; }
"""
SCALE = 0.635  # of the screen's sizes: letters of 7.6 points
# A link to another page would lead to a file of the machine that printed it.
UNLINK = """() => document.querySelectorAll('a[href]').forEach(e => {
    if (e.protocol == 'file:' && e.pathname != location.pathname) e.removeAttribute('href')})"""
# Each page of the book is printed by itself and counts its sheets from 1: its title stands beside the number.
FOOTER = (
    '<div style="font-size:8px;width:100%;text-align:center;color:#555">'
    '<span class="title"></span> · <span class="pageNumber"></span></div>'
)


# On the screen: printed, these would be a third of the whole; and nothing moves on paper.
LOOKED_UP = {"book/api", "book/reproduced", "book/against", "book/status", "book/live"}
LOOKED_UP |= {f"book/teaching/{name}" for name in ("guide", "plans", "chapters")}


def pages() -> list[str]:
    """List the book's pages in the order of its contents, without those that nobody reads on paper."""
    contents = yaml.safe_load((ROOT / "_toc.yml").read_text("utf-8"))
    chapters = [chapter["file"] for part in contents["parts"] for chapter in part["chapters"]]
    return [contents["root"], *(file for file in chapters if file not in LOOKED_UP)]


def main() -> int:
    target = Path(sys.argv[1]) if sys.argv[1:] else ROOT / "dist" / "bpc-book.pdf"
    missing = [page for page in pages() if not (SITE / f"{page}.html").is_file()]
    if missing or not CHROMIUM:
        reason = f"{missing[0]} is not rendered: run make book" if missing else "no Chromium found"
        print(f"cannot print the book: {reason}", file=sys.stderr)
        return 1
    writer = PdfWriter()
    with sync_playwright() as playwright:
        options = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=options)
        tab = browser.new_context(offline=True, color_scheme="light").new_page()
        tab.set_default_timeout(300_000)  # a busy machine is not a fault
        for page in pages():
            tab.goto((SITE / f"{page}.html").as_uri())
            tab.add_style_tag(content=PAPER)
            tab.evaluate(UNFOLD)
            tab.evaluate(UNASKED)
            tab.evaluate(UNLINK)
            printed = tab.pdf(
                format="A4",
                print_background=True,
                scale=SCALE,
                display_header_footer=True,
                header_template="<span></span>",
                footer_template=FOOTER,
                margin={"top": "10mm", "bottom": "11mm", "left": "12mm", "right": "12mm"},
            )
            title = tab.evaluate("() => document.querySelector('h1').firstChild.textContent")
            writer.append(io.BytesIO(printed), outline_item=title.strip())
        browser.close()
    writer.add_metadata({"/Title": "Bidirectional predictive coding"})
    target.parent.mkdir(parents=True, exist_ok=True)
    writer.write(target)
    print(f"{target}: {len(PdfReader(target).pages)} pages")
    return 0


if __name__ == "__main__":
    sys.exit(main())
