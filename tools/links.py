"""Ask for every address outside the book that its pages name; say which do not answer.

python tools/links.py
"""

import re
import sys
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nbformat

ROOT = Path(__file__).resolve().parents[1]
ADDRESS = re.compile(r"https?://[^\s)>\"'`\]]+")
ANSWERS = {403, 405, 406, 418, 429}  # a site that refuses a program is there


def addresses() -> dict[str, str]:
    """Give each address with the first file that names it; the repository's own placeholder is none."""
    texts = {
        path: path.read_text("utf-8") for path in (*ROOT.glob("*.md"), *ROOT.glob("book/*.md"))
    }
    for path in ROOT.glob("book/*.ipynb"):
        cells = nbformat.read(path, as_version=4).cells
        texts[path] = "\n".join(c.source for c in cells if c.cell_type == "markdown")
    found: dict[str, str] = {}
    for path, text in texts.items():
        for address in ADDRESS.findall(text):
            if "OWNER/" not in address:
                found.setdefault(address.rstrip(".,;:*"), str(path.relative_to(ROOT)))
    return found


def problem(address: str) -> str | None:
    """Ask for an address; give what is wrong with it, if anything."""
    request = urllib.request.Request(address, headers={"User-Agent": "Mozilla/5.0 (link check)"})
    try:
        with urllib.request.urlopen(request, timeout=30):
            return None
    except urllib.error.HTTPError as error:
        return None if error.code in ANSWERS else f"status {error.code}"
    except (OSError, ValueError) as error:
        return str(error)


def main() -> int:
    found = addresses()
    with ThreadPoolExecutor(8) as pool:
        problems = dict(zip(found, pool.map(problem, found), strict=True))
    for address, wrong in problems.items():
        if wrong:
            print(f"{found[address]}: {address}: {wrong}")
    broken = sum(wrong is not None for wrong in problems.values())
    print(f"{len(found)} addresses, {broken} of them do not answer")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
