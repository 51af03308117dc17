"""Measure the rendered pages as a reader's browser gets them, cold: weight, speed, and what Lighthouse says.

    make pages-report                             every page
    python tools/pages_report.py book/01_energy   those named; what is stored of the others stays
    python tools/pages_report.py --no-lighthouse  without the part that takes a minute a chapter

Serves _build/html with gzip, as GitHub Pages does, and opens each page in Chromium. The phone is Chromium's
own emulation: 1.6 Mbit/s, 150 ms to the server, a processor four times slower. Writes
benchmarks/results/pages.json and the table benchmarks/pages.md. Lighthouse comes from npm, into
_build/lighthouse. No test asserts a time from here: the machine has its share in it.
"""

import argparse
import gzip
import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path
from threading import Thread
from typing import Any

from playwright.sync_api import Browser, sync_playwright

ROOT = Path(__file__).resolve().parents[1]
SITE = ROOT / "_build" / "html"
RESULT = ROOT / "benchmarks" / "results" / "pages.json"
TABLE = ROOT / "benchmarks" / "pages.md"
LIGHTHOUSE = ROOT / "_build" / "lighthouse"
LIGHTHOUSE_VERSION = "13.5.0"
CATEGORIES = ("performance", "accessibility", "best-practices", "seo")
CHROMIUM = (
    shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
)
OPTIONS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
TEXT = (".html", ".css", ".js", ".svg", ".json", ".xml", ".txt", ".ipynb", ".ttf")

MBIT = 1_000_000 / 8
LINE = {
    "offline": False,
    "latency": 150,
    "downloadThroughput": 1.6 * MBIT,
    "uploadThroughput": 0.75 * MBIT,
}
SLOWER = 4

# Runs before the page's own scripts. The formulas are there when each holds what the browser lays out:
# MathML, or what MathJax made.
WATCH = """
window.seen = {shift: 0, shifted: [], formulas: null, largest: null};
new PerformanceObserver(list => {
    for (const entry of list.getEntries()) if (!entry.hadRecentInput) {
        seen.shift += entry.value;
        for (const s of entry.sources) seen.shifted.push(s.node?.outerHTML?.slice(0, 80));
    }
}).observe({type: 'layout-shift', buffered: true});
new PerformanceObserver(list => {
    for (const entry of list.getEntries()) seen.largest = entry.startTime;
}).observe({type: 'largest-contentful-paint', buffered: true});
(function look() {
    const all = [...document.querySelectorAll('.math')];
    const set = e => (e.querySelector('math, mjx-container')?.getBoundingClientRect().width ?? 0) > 0;
    if (document.readyState != 'loading' && all.filter(e => e.offsetParent).every(set))
        seen.formulas = performance.now();
    else requestAnimationFrame(look);
})();
"""
SCROLL = """async () => {
    for (let y = 0; y < document.body.scrollHeight; y += innerHeight / 2) {
        window.scrollTo({top: y, behavior: 'instant'});
        await new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)));
    }
}"""


class Handler(SimpleHTTPRequestHandler):
    """Serve files as GitHub Pages does: text with gzip, ten minutes in the cache, its own 404."""

    protocol_version = "HTTP/1.1"

    def send_head(self) -> BytesIO:
        path = Path(self.translate_path(self.path))
        if path.is_dir():
            path /= "index.html"
        found = path.is_file()
        if not found:
            path = Path(self.directory) / "404.html"
        body = path.read_bytes() if path.is_file() else b"not found"
        self.send_response(200 if found else 404)
        self.send_header("Content-Type", self.guess_type(str(path)))
        self.send_header("Cache-Control", "max-age=600")
        if path.suffix in TEXT and "gzip" in self.headers.get("Accept-Encoding", ""):
            body = gzip.compress(body)
            self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        return BytesIO(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def served(site: Path) -> Iterator[str]:
    """Serve a folder on a free port of this machine; give its address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(site)))
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()


def weigh(browser: Browser, address: str) -> dict[str, Any]:
    """Give what one page transfers, in bytes and requests, when read to its end with an empty cache."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    tools = context.new_cdp_session(page)
    tools.send("Network.enable")
    asked: dict[str, dict[str, Any]] = {}

    def answered(event: dict[str, Any]) -> None:
        url, kind = event["response"]["url"], event["type"].lower()
        asked.setdefault(event["requestId"], {}).update(url=url, kind=kind)

    def finished(event: dict[str, Any]) -> None:
        asked.setdefault(event["requestId"], {})["bytes"] = event["encodedDataLength"]

    def failed(event: dict[str, Any]) -> None:
        asked.setdefault(event["requestId"], {})["bytes"] = 0

    tools.on("Network.responseReceived", answered)
    tools.on("Network.loadingFinished", finished)
    tools.on("Network.loadingFailed", failed)
    page.goto(address, wait_until="networkidle")
    page.evaluate(SCROLL)
    known = -1  # what is not asked for at once, such as weights, is waited for too
    while known != len(asked) or not all("bytes" in r for r in asked.values()):
        known = len(asked)
        page.wait_for_timeout(1000)
    context.close()
    sent = [r for r in asked.values() if r.get("url", "").startswith("http")]
    kinds: dict[str, int] = {}
    for r in sent:
        kinds[r["kind"]] = kinds.get(r["kind"], 0) + int(r.get("bytes", 0))
    return {
        "kB": round(sum(kinds.values()) / 1000, 1),
        "requests": len(sent),
        "kB of": {kind: round(n / 1000, 1) for kind, n in sorted(kinds.items())},
        "files": {
            r["url"].split("?")[0].split("/", 3)[3]: round(r.get("bytes", 0) / 1000, 1)
            for r in sorted(sent, key=lambda r: -r.get("bytes", 0))
        },
    }


def hurry(browser: Browser, address: str) -> dict[str, Any]:
    """Time one page on a slow phone, in seconds, and add up how far what stood there moved."""
    context = browser.new_context(
        viewport={"width": 390, "height": 844}, device_scale_factor=2, is_mobile=True
    )
    context.add_init_script(WATCH)
    page = context.new_page()
    tools = context.new_cdp_session(page)
    tools.send("Network.enable")
    tools.send("Network.emulateNetworkConditions", LINE)
    tools.send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
    page.goto(address, wait_until="load", timeout=120_000)
    page.wait_for_function("() => seen.formulas !== null", timeout=120_000)
    page.evaluate(SCROLL)
    page.wait_for_load_state("networkidle", timeout=120_000)
    found = page.evaluate(
        """() => ({...seen, load: performance.timing.loadEventEnd - performance.timing.navigationStart,
            paint: performance.getEntriesByName('first-contentful-paint')[0]?.startTime})"""
    )
    context.close()
    return {
        "first paint": round(found["paint"] / 1000, 2),
        "formulas": round(found["formulas"] / 1000, 2),
        "loaded": round(found["load"] / 1000, 2),
        "shift": round(found["shift"], 4),
        "shifted": sorted({node for node in found["shifted"] if node})[:8],
    }


def install_lighthouse() -> Path:
    """Have npm install Lighthouse where nothing else is; give its program."""
    program = LIGHTHOUSE / "node_modules" / ".bin" / "lighthouse"
    if not program.is_file():
        if not shutil.which("npm"):
            raise FileNotFoundError(
                "npm is not installed (Debian: apt-get install npm), and Lighthouse comes from there; "
                "or leave it out: --no-lighthouse"
            )
        LIGHTHOUSE.mkdir(parents=True, exist_ok=True)
        subprocess.run(
            ["npm", "install", "--no-audit", "--no-fund", "--silent",
             "--prefix", LIGHTHOUSE, f"lighthouse@{LIGHTHOUSE_VERSION}"],
            check=True,
        )  # fmt: skip
    return program


def audit(program: Path, address: str) -> dict[str, Any]:
    """Ask Lighthouse three times about one page on a desktop; keep the median score of performance.

    Gives scores out of 100, and what keeps the page from them.
    """
    runs = sorted((ask(program, address) for _ in range(3)), key=lambda run: run["performance"])
    return runs[1] | {"performance, each": [run["performance"] for run in runs]}


def ask(program: Path, address: str) -> dict[str, Any]:
    """Run Lighthouse once; on a busy machine Chromium may not answer it, and it is asked again."""
    for _ in range(3):
        found = subprocess.run(
            [program, address, "--preset=desktop", "--output=json", "--quiet",
             f"--only-categories={','.join(CATEGORIES)}",
             "--chrome-flags=--headless=new --no-sandbox --disable-gpu"],
            capture_output=True, text=True, env=os.environ | {"CHROME_PATH": str(CHROMIUM)},
        )  # fmt: skip
        if not found.returncode:
            break
    else:
        raise OSError(f"Lighthouse gave no report of {address}: {found.stderr[-500:]}")
    report = json.loads(found.stdout)
    audits, named = report["audits"], {}
    for category in CATEGORIES:
        for entry in report["categories"][category]["auditRefs"]:
            seen = audits[entry["id"]]
            judged = entry["weight"] and seen["scoreDisplayMode"] in ("binary", "numeric")
            if judged and (seen["score"] or 0) < 0.9:
                named[entry["id"]] = seen["title"]
    scores = {name: round(100 * (report["categories"][name]["score"] or 0)) for name in CATEGORIES}
    return scores | {"named": named}


def names(site: Path) -> list[str]:
    """Name the pages in the order of their files, the chapters first."""
    pages = sorted(path.relative_to(site).with_suffix("") for path in site.glob("book/**/*.html"))
    return sorted(map(str, pages), key=lambda name: not is_chapter(name))


def is_chapter(name: str) -> bool:
    return name.split("/")[1][0].isdigit()


def table(stored: dict[str, Any]) -> str:
    """Write what was measured as a page of Markdown."""
    machine = ", ".join(f"{k} {v}" for k, v in stored["machine"].items())
    lines = [
        "# The pages, as a browser gets them\n",
        "Written by `make pages-report` from `results/pages.json`. kB as transferred with gzip, and\n"
        "requests, of a page read to its end with an empty cache. Seconds on a phone that Chromium\n"
        "emulates: 1.6 Mbit/s, 150 ms to the server, a processor four times slower. Shift: the sum of all\n"
        "layout shifts there, scrolled to the end. The last four are Lighthouse's on a desktop, of 100, the\n"
        "median of three runs.\n",
        f"On {machine}.\n",
        "| page | kB | requests | first paint | formulas set | loaded | shift | performance | accessibility "
        "| best practices | SEO |",
        "|---" * 11 + "|",
    ]
    for name, row in stored["results"].items():
        phone, scores = row.get("phone", {}), row.get("lighthouse", {})
        cells = [row["kB"], row["requests"]]
        cells += [phone.get(key, "") for key in ("first paint", "formulas", "loaded", "shift")]
        cells += [scores.get(key, "") for key in CATEGORIES]
        lines.append(f"| {name.removeprefix('book/')} | {' | '.join(map(str, cells))} |")
    wrong = {f"{title} (`{key}`)" for row in stored["results"].values()
             for key, title in row.get("lighthouse", {}).get("named", {}).items()}  # fmt: skip
    if wrong:
        lines += ["", "Lighthouse names:", "", *(f"- {title}" for title in sorted(wrong))]
    return "\n".join(lines) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("pages", nargs="*", help="such as book/01_energy; default: all")
    parser.add_argument("--site", type=Path, default=SITE, help="the rendered book")
    parser.add_argument("--no-lighthouse", action="store_true", help="leave Lighthouse out")
    parser.add_argument("--no-store", action="store_true", help="print, and write no file")
    arguments = parser.parse_args()
    pages = arguments.pages or names(arguments.site)
    missing = [name for name in pages if not (arguments.site / f"{name}.html").is_file()]
    if missing or not pages or not CHROMIUM:
        reason = "no Chromium found (Debian: apt-get install chromium)"
        if missing or not pages:
            reason = f"{arguments.site} holds no {(missing or ['book'])[0]}.html; run: make book"
        print(f"cannot measure the pages: {reason}", file=sys.stderr)
        return 1
    program = None if arguments.no_lighthouse else install_lighthouse()
    results: dict[str, Any] = {}
    if arguments.pages and RESULT.is_file():
        results = json.loads(RESULT.read_text("utf-8"))["results"]
    with served(arguments.site) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=OPTIONS)
        version = browser.version
        for name in pages:
            found = weigh(browser, f"{address}{name}.html")
            found["phone"] = hurry(browser, f"{address}{name}.html")
            if program and is_chapter(name):
                found["lighthouse"] = audit(program, f"{address}{name}.html")
            results[name] = found
            print(name, {k: v for k, v in found.items() if k != "files"}, flush=True)
        browser.close()
    stored = {
        "machine": {
            "system": platform.system(),
            "cores": os.cpu_count(),
            "chromium": version,
            "lighthouse": LIGHTHOUSE_VERSION if program else "left out",
            "date": date.today().isoformat(),
            "commit": subprocess.run(
                ["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True
            ).stdout.strip(),
        },
        "results": {name: results[name] for name in names(arguments.site) if name in results},
    }
    if not arguments.no_store:
        RESULT.write_text(json.dumps(stored, indent=1) + "\n", "utf-8")
        TABLE.write_text(table(stored), "utf-8")
    print(table(stored))
    return 0


if __name__ == "__main__":
    sys.exit(main())
