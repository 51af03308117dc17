"""Print the rendered book, page after page, into one PDF: dist/bpc-book.pdf by default.

    make book && python tools/pdf.py [FILE]

It needs Chromium (Debian: apt-get install chromium).
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
# A link to another page would lead to a file of the machine that printed it.
UNLINK = """() => document.querySelectorAll('a[href]').forEach(e => {
    if (e.protocol == 'file:' && e.pathname != location.pathname) e.removeAttribute('href')})"""
# Each page of the book is printed by itself and counts its sheets from 1: its title stands beside the number.
FOOTER = (
    '<div style="font-size:8px;width:100%;text-align:center;color:#555">'
    '<span class="title"></span> · <span class="pageNumber"></span></div>'
)


def pages() -> list[str]:
    """List the book's pages in the order of its contents."""
    contents = yaml.safe_load((ROOT / "_toc.yml").read_text("utf-8"))
    chapters = [chapter["file"] for part in contents["parts"] for chapter in part["chapters"]]
    return [contents["root"], *chapters]


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
            tab.evaluate(UNFOLD)
            tab.evaluate(UNLINK)
            printed = tab.pdf(
                format="A4",
                print_background=True,
                display_header_footer=True,
                header_template="<span></span>",
                footer_template=FOOTER,
                margin={"top": "16mm", "bottom": "16mm", "left": "16mm", "right": "16mm"},
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
