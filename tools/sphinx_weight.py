"""A Sphinx extension: what a page loads, made light after all pages are written.

Themes and extensions add their files to each page: 8 style sheets, 17 scripts, and 275 kB of fonts for 20
icons. Here the style sheets become one and the scripts one, in the order in which they stood; what acts
on nothing that the book has is left out; the fonts of icons are cut to the icons in use; pictures say their
size, so that nothing jumps, and load when they come near. Pages open from a disk as before.

What each page weighs, before and after: benchmarks/pages.md, by `make pages-report`.
"""

import base64
import hashlib
import io
import re
from os.path import relpath
from pathlib import Path
from typing import Any

import tinycss2
from fontTools import subset
from PIL import Image
from sphinx.application import Sphinx

STYLES, SCRIPTS = "all.css", "all.js"
DARK = "dark-without-scripts.css"
SHEET = re.compile(r'<link\b(?=[^>]*\brel="stylesheet")[^>]*\bhref="([^"]+)"[^>]*>\s*')
PRELOAD = re.compile(r'<link\b(?=[^>]*\brel="preload")(?=[^>]*\bas="script")[^>]*>\s*')
SCRIPT = re.compile(r'<script\b([^>]*)\bsrc="([^"]+)"([^>]*)></script>\s*')
PICTURE = re.compile(r"<img\b[^>]*>")
ICON = re.compile(r"\bfa-[a-z0-9-]+")
ICON_RULE = re.compile(r'((?:\.fa-[a-z0-9-]+:before,?)+)\{content:"([^"]+)"\}')
FONT_FACE = re.compile(r"@font-face\s*\{[^}]*\}")

# What a file acts on; where no page has it, the file is left out.
ACTS_ON = {
    "fontawesome.js": None,  # draws the icons a second time: 542 kB; its font is 3 kB once it is cut
    "sphinx-design.min.css": re.compile(r'class="[^"]*\bsd-'),
    "design-tabs.js": re.compile(r'class="[^"]*\bsd-tab-set'),
    "togglebutton.css": re.compile(r'class="(?:toggle|[^"]*\badmonition\b[^"]*\bdropdown)\b'),
    "togglebutton.js": re.compile(r'class="(?:toggle|[^"]*\badmonition\b[^"]*\bdropdown)\b'),
}
CSS = """
.bd-article img { height: auto; }
/* The icons as the left-out script drew them. */
.theme-switch-button .fa-lg, .search-button .fa-lg { font-size: 1em; line-height: 1; vertical-align: 0; }
.onthispage > i { padding: 0 !important; }
"""
SETTINGS = "documentation_options.js"  # so short that it goes into the page
OWN_PAGE = {"math.css"}  # on pages with a formula
# The theme waits for its script to ask whether the system is dark; until then code has no colours and other
# lines, and moves. Asked at once, the first picture is the right one. Where no script may ask, a page has the
# light theme, and over it, if the system is dark, a style sheet that is loaded only then.
# A page that may keep nothing (in a course's sandboxed frame) forgets the choice, and all else works.
# Nor does the theme's button wait: until the theme listens to it, a listener stands in, which book.js ends.
THEME = re.compile(r"document\.documentElement\.dataset\.mode = .*?(?=\s*</script>)", re.DOTALL)
ASK_AT_ONCE = """{
      for (const storage of ["localStorage", "sessionStorage"]) {
        try {
          window[storage];
        } catch {
          const none = { getItem: () => null, setItem() {}, removeItem() {} };
          Object.defineProperty(window, storage, { value: none });
        }
      }
      const chosen = document.documentElement.dataset;
      chosen.mode = localStorage.getItem("mode") || "auto";
      const system = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
      chosen.theme = chosen.mode === "auto" ? system : chosen.mode;
      const modes = ["auto", system === "dark" ? "light" : "dark", system];
      window.changeThemeEarly = (event) => {
        if (!event.target.closest(".theme-switch-button")) return;
        chosen.mode = modes[(modes.indexOf(chosen.mode) + 1) % 3];
        chosen.theme = chosen.mode === "auto" ? system : chosen.mode;
        localStorage.setItem("mode", chosen.mode);
      };
      document.addEventListener("click", window.changeThemeEarly);
    }"""
IN_THE_DARK = re.compile(r"\[data-theme(=[\"']?dark[\"']?)?\]")
# Sphinx, its theme and MyST write one each.
VIEWPORT = re.compile(r'<meta [^>]*name="viewport"[^>]*>\s*')
SEARCH = {"searchtools.js", "language_data.js", "searchindex.js"}


class Page:
    """A written page: its text, and the path from it to the root of the book."""

    def __init__(self, path: Path, site: Path) -> None:
        self.path, self.site = path, site
        self.text = path.read_text("utf-8")
        found = re.search(r'(?:href|src)="([^":]*?)_static/', self.text)
        self.root = found[1] if found else ""

    def file(self, address: str) -> Path | None:
        """Give the file of the book that an address names, if it names one."""
        if "://" in address:
            return None
        return self.site / address.split("?")[0].removeprefix(self.root)

    def sheets(self) -> list[Path]:
        files = [self.file(match[1]) for match in SHEET.finditer(self.text)]
        return [file for file in files if file and file.name not in OWN_PAGE]

    def scripts(self) -> list[Path]:
        """Give the scripts that may be put together: those that are told nothing by their own element."""
        found = []
        for before, address, after in SCRIPT.findall(self.text):
            file = self.file(address)
            if file and not re.search(r"\bdata-|\btype=", before + after):
                found.append(file)
        return found


def left_out(pages: list[Page]) -> set[str]:
    """Name the files that act on nothing that a page has."""
    return {
        name
        for name, pattern in ACTS_ON.items()
        if pattern is None or not any(pattern.search(page.text) for page in pages)
    }


def style(sheet: Path, site: Path) -> str:
    """Read a style sheet with those that it imports, its addresses as seen from _static."""
    text = sheet.read_text("utf-8").replace("/*# sourceMappingURL=", "/*# ")

    def imported(match: re.Match[str]) -> str:
        return style((sheet.parent / match[1]).resolve(), site)

    def moved(match: re.Match[str]) -> str:
        address = match[1].strip("\"'")
        if address.startswith(("data:", "#", "%23", "http")):
            return match[0]
        return f"url({Path(relpath(sheet.parent / address, site / '_static')).as_posix()})"

    text = re.sub(r"url\(([^()]+)\)", moved, text)
    return re.sub(r'@import\s+"([^"]+)";', imported, text)


def with_icons_in_use(text: str, used: set[str], site: Path) -> str:
    """Keep of Font Awesome's rules and fonts, in a style sheet, what draws the icons in use."""
    points: set[int] = set()

    def rule(match: re.Match[str]) -> str:
        names = set(re.findall(r"\.(fa-[a-z0-9-]+):before", match[1]))
        if not names & used:
            return ""
        points.add(int(match[2].lstrip("\\"), 16) if match[2][0] == "\\" else ord(match[2]))
        return match[0]

    def face(match: re.Match[str]) -> str:
        found = re.search(r"url\(([^()]*webfonts/fa-[^()]*\.woff2)\)", match[0])
        if not found:
            return match[0]
        font = cut(site / "_static" / found[1], points)
        if not font:
            return ""
        source = (
            f'src:url(data:font/woff2;base64,{base64.b64encode(font).decode()}) format("woff2")'
        )
        return re.sub(r"src:[^;}]*", lambda _: source, match[0])

    return FONT_FACE.sub(face, ICON_RULE.sub(rule, text))


def cut(font: Path, points: set[int]) -> bytes:
    """Cut a font to some characters; give nothing where it holds none of them."""
    options = subset.Options(flavor="woff2", hinting=False)
    whole = subset.load_font(str(font), options)
    if not points & set(whole.getBestCmap()):
        return b""
    cutter = subset.Subsetter(options)
    cutter.populate(unicodes=points)
    cutter.subset(whole)
    stored = io.BytesIO()
    subset.save_font(whole, stored, options)
    return stored.getvalue()


def size(file: Path) -> tuple[int, int] | None:
    """Read the width and height of a picture."""
    if file.suffix == ".svg":
        head = file.read_text("utf-8")[:2000]
        box = re.search(r'viewBox="[\d.-]+[ ,]+[\d.-]+[ ,]+([\d.]+)[ ,]+([\d.]+)"', head)
        sides = [
            re.search(rf'<svg[^>]*\s{side}="([\d.]+)(?:px)?"', head) for side in ("width", "height")
        ]
        if all(sides):
            return round(float(sides[0][1])), round(float(sides[1][1]))  # type: ignore[index]
        return (round(float(box[1])), round(float(box[2]))) if box else None
    with Image.open(file) as picture:
        return picture.size


def with_sizes(page: Page) -> str:
    """Give each picture of the article its size; all but the first load when they come near."""
    start, end = page.text.find("<article"), page.text.find("</article>")
    first = True

    def sized(match: re.Match[str]) -> str:
        nonlocal first
        tag, inside = match[0], start < match.start() < end
        source = re.search(r'\bsrc="([^"]+)"', tag)
        file = page.file(source[1]) if source and not source[1].startswith("data:") else None
        if "loading=" in tag or not file or not file.is_file():
            return tag
        logo, added = "logo__image" in tag, ""
        if (inside or logo) and "width=" not in tag and (sides := size(file)):
            added = f' width="{sides[0]}" height="{sides[1]}"'
        small = file.name.endswith("colab.svg")
        if not logo and not (inside and first):
            added += ' loading="lazy"'
        first = first and (small or not inside)
        return tag.replace("<img", f"<img{added}", 1)

    return PICTURE.sub(sized, page.text)


def lighten(app: Sphinx, exception: Exception | None) -> None:
    """Put together what all pages load, and have each page load that."""
    if exception or app.builder.format != "html":
        return
    site = Path(app.outdir)
    pages = [Page(path, site) for path in sorted(site.rglob("*.html"))]
    pages = [page for page in pages if "<head>" in page.text]
    fresh = [page for page in pages if page.sheets() and f"_static/{STYLES}" not in page.text]
    if not fresh:
        return
    out = left_out(pages)
    sheets = common([page.sheets() for page in fresh], out)
    # A script of the search is loaded where one searches, unless each page searches as one types.
    apart = set() if app.builder.theme_options.get("search_as_you_type") else SEARCH  # type: ignore[attr-defined]
    scripts = common([page.scripts() for page in fresh], out | apart | {SETTINGS})

    code = "".join(f";{file.read_text('utf-8')}\n" for file in scripts)
    code = re.sub(r"//# sourceMappingURL=.*", "", code)
    icons = {name for text in [code, *(page.text for page in pages)] for name in ICON.findall(text)}
    rules = "\n".join(style(file, site) for file in sheets)
    rules = with_icons_in_use(rules, icons, site) + CSS
    links = {}
    for name, text in ((STYLES, rules), (SCRIPTS, code), (DARK, of_the_dark(rules))):
        (site / "_static" / name).write_text(text, "utf-8")
        links[name] = f"_static/{name}?v={digest(text)}"
    settings = (site / "_static" / SETTINGS).read_text("utf-8")
    for page in fresh:
        page.text = with_sizes(page)
        page.text = rewritten(page, {*sheets, *scripts}, out, apart, links, settings)
        page.path.write_text(page.text, "utf-8")
    # What no page loads any more need not be published.
    for pattern in ("scripts/fontawesome.js*", "vendor/fontawesome/webfonts/*", "**/*.map"):
        for file in (site / "_static").glob(pattern):
            file.unlink()


def of_the_dark(rules: str) -> str:
    """Give the rules of the dark theme, and in their order those of any theme, as those of any theme."""
    return "".join(
        f"{IN_THE_DARK.sub('[data-theme]', selector)}{{{tinycss2.serialize(rule.content)}}}\n"
        for rule in tinycss2.parse_stylesheet(rules, skip_comments=True, skip_whitespace=True)
        if rule.type == "qualified-rule"
        and IN_THE_DARK.search(selector := tinycss2.serialize(rule.prelude))
    )


def digest(text: str) -> str:
    """Give a browser's cache a name for a text that changes with it."""
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def common(lists: list[list[Path]], out: set[str]) -> list[Path]:
    """Give what is in every list, in the order of the first, without what is left out."""
    shared = set(lists[0]).intersection(*lists)
    return [file for file in dict.fromkeys(lists[0]) if file in shared and file.name not in out]


def rewritten(
    page: Page,
    together: set[Path],
    out: set[str],
    apart: set[str],
    links: dict[str, str],
    settings: str,
) -> str:
    """Give a page that loads what was put together, and the rest after it, without waiting for scripts."""
    linked: set[str] = set()

    def once(name: str, tag: str) -> str:
        if name in linked:
            return ""
        linked.add(name)
        return tag.format(page.root + links[name]) + "\n"

    def sheet(match: re.Match[str]) -> str:
        file = page.file(match[1])
        if file in together:
            return once(STYLES, '<link rel="stylesheet" href="{}" />')
        if file and file.name in OWN_PAGE:
            return match[0].replace(
                match[1], f"{match[1].split('?')[0]}?v={digest(file.read_text('utf-8'))}"
            )
        return "" if file and file.name in out else match[0]

    def script(match: re.Match[str]) -> str:
        file = page.file(match[2])
        if file in together:
            return once(SCRIPTS, '<script defer src="{}"></script>')
        if file and file.name == SETTINGS:
            return f"<script>{settings}</script>\n"
        if file and (file.name in out or (file.name in apart and page.path.name != "search.html")):
            return ""
        return match[0] if "defer" in match[0] else match[0].replace("<script", "<script defer", 1)

    text = PRELOAD.sub("", THEME.sub(ASK_AT_ONCE, page.text, count=1))
    text = text.replace('data-theme="auto"', 'data-theme="light"', 1)
    if "togglebutton.js" in out:
        text = re.sub(r"<script>(?:let|var) toggle\w+ = .*?</script>\s*", "", text)
    dark = f'<link rel="stylesheet" media="(prefers-color-scheme: dark)" href="{page.root + links[DARK]}" />'
    text = SCRIPT.sub(script, SHEET.sub(sheet, text))
    for again in VIEWPORT.findall(text)[1:]:
        text = text.replace(again, "", 1)
    return text.replace("</head>", f"<noscript>{dark}</noscript>\n</head>", 1)


def setup(app: Sphinx) -> dict[str, Any]:
    # After those who write style sheets at the end.
    app.connect("build-finished", lighten, priority=900)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
