"""Draw the card that chats and networks show beside a link to the book: book/_static/card.png.

    python tools/card.py

The welcome page's picture under the book's title, 1200 by 630 pixels. It needs Chromium. Draw it again when
that picture or the title has changed.
"""

import io
import sys
from pathlib import Path

import yaml
from pages_report import CHROMIUM, OPTIONS, ROOT
from PIL import Image
from playwright.sync_api import sync_playwright

STATIC = ROOT / "book" / "_static"
CARD = STATIC / "card.png"
PAGE = """<!doctype html><meta charset="utf-8"><style>
body {{ margin: 0; box-sizing: border-box; width: 1200px; height: 630px; padding: 48px 64px; display: flex;
       flex-direction: column; justify-content: space-between; align-items: center; background: white;
       font: 46px/1.2 "DejaVu Sans", sans-serif; color: #1f2d3d; }}
header {{ display: flex; align-items: center; gap: 28px; font-weight: bold; }}
header img {{ height: 64px; }}
main img {{ width: 1000px; max-height: 380px; object-fit: contain; }}
p {{ margin: 0; font-size: 30px; }}
</style>
<header><img src="{logo}"> {title}</header><main><img src="{picture}"></main>
<p>One network, two directions: it reads a digit, and it draws one.</p>"""


def main() -> int:
    picture = next(
        path for path in sorted(STATIC.glob("welcome*")) if path.suffix in (".svg", ".png")
    )
    title = yaml.safe_load((ROOT / "_config.yml").read_text("utf-8"))["title"]
    source = STATIC / "card.html"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=OPTIONS)
        page = browser.new_page(viewport={"width": 1200, "height": 630})
        text = PAGE.format(logo="logo.svg", title=title, picture=picture.name)
        source.write_text(text, "utf-8")
        try:
            page.goto(source.as_uri())
            drawn = page.screenshot()
        finally:
            source.unlink()
            browser.close()
    Image.open(io.BytesIO(drawn)).convert("RGB").quantize(64, dither=Image.Dither.NONE).save(
        CARD, optimize=True
    )
    print(f"{Path(CARD).relative_to(ROOT)}: {CARD.stat().st_size / 1000:.0f} kB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
