"""Measure the page that learns, in Chromium: how soon it is accurate, and whether the page still answers.

    make book && .venv/bin/python benchmarks/learning_page.py

Seconds are those of a clock, and beside them those of the processor that the whole page took, main thread and
worker together, which another program's work changes less. Writes benchmarks/results/learning_page.json.
"""

import argparse
import json
import os
import platform
import sys
from datetime import date
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tools"))
import pages_report  # noqa: E402

RESULT = ROOT / "benchmarks" / "results" / "learning_page.json"
LEVELS = (90, 96, 97)  # percent
PAINTED = "() => performance.getEntriesByName('first-contentful-paint')[0].startTime"
# Frames of the page, and of the lesson, with the time at which each was seen.
WATCH = """() => { window.watched = {gaps: [], frames: [], tasks: []};
    let last = performance.now();
    (function look(now) { watched.gaps.push(now - last); last = now; requestAnimationFrame(look) })(last);
    new PerformanceObserver(list => list.getEntries().forEach(e => watched.tasks.push(e.duration)))
        .observe({entryTypes: ['longtask']});
    const learn = document.getElementById('learn');
    new MutationObserver(() => watched.frames.push([performance.now(), Number(learn.dataset.iteration),
        Number(document.getElementById('learn-accuracy').value)]))
        .observe(learn, {attributes: true, attributeFilter: ['data-frames']}) }"""

# Settle in a network of the book's size, weights drawn here, all free: steps a second, the middle of 100.
SETTLE = """() => {
    const sizes = [10, 300, 300, 784], L = sizes.length - 1;
    const draw = (inputs, outputs) => ({inputs, outputs, norm: 2, bias: new Float32Array(outputs),
        W: Float32Array.from({length: inputs * outputs}, () => (Math.random() - 0.5) / Math.sqrt(inputs))});
    const pairs = sizes.slice(1).map((n, l) => [sizes[l], n]);
    const network = {sizes, L, activation: {of: z => z > 0 ? z : 0, slope: z => z > 0 ? 1 : 0},
        generator: pairs.map(([n, m]) => draw(n, m)), amortiser: pairs.map(([n, m]) => draw(m, n))};
    const alphas = bpc.precisions(network, bpc.RULES.bidirectional, 1, 1);
    const lengths = bpc.layerSteps(network, alphas, 1), took = [];
    let z = bpc.start(network, bpc.RULES.bidirectional, null, Float64Array.from({length: 784}, Math.random));
    for (let t = 0; t < 100; t++) { const began = performance.now(), found = bpc.errors(network, z);
        bpc.energy(found, alphas);
        z = bpc.descend(network, z, found, Array(L + 1).fill(false), alphas, lengths);
        took.push(performance.now() - began) }
    return 1000 / took.sort((a, b) => a - b)[50] }"""


def measure(site: Path, chromium: str) -> dict[str, Any]:
    with sync_playwright() as playwright, pages_report.served(site) as address:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        system = browser.new_browser_cdp_session()

        def processor() -> float:
            found = system.send("SystemInfo.getProcessInfo")["processInfo"]
            return sum(process["cpuTime"] for process in found if process["type"] == "renderer")

        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.goto(address + "book/live.html")
        page.locator("#live[data-state=still]").wait_for(timeout=120_000)
        painted = page.evaluate(PAINTED)
        steps = page.evaluate(SETTLE)
        page.evaluate(WATCH)
        began, spent = page.evaluate("() => performance.now()"), processor()
        page.locator("#learn-run").click()
        used: dict[int, float] = {}
        while page.locator("#learn").get_attribute("data-state") != "ended":
            page.wait_for_timeout(100)
            right = page.locator("#learn-accuracy").inner_text()
            for level in LEVELS:
                if right.isdigit() and int(right) >= 10 * level:
                    used.setdefault(level, processor() - spent)
        whole = processor() - spent
        seen = page.evaluate("() => watched")
        browser.close()
    reached = {
        f"{level} %": {
            "seconds": next(t for t, _, right in seen["frames"] if right >= 10 * level) - began,
            "processor": used[level] * 1000,
        }
        for level in LEVELS
    }
    reached["the end"] = {"seconds": seen["frames"][-1][0] - began, "processor": whole * 1000}
    gaps = sorted(seen["gaps"][2:])
    return {
        "first paint (ms)": round(painted),
        "steps of settling a second, 10-300-300-784": round(steps),
        "first frame after the press (ms)": round(seen["frames"][0][0] - began),
        "accuracy at the end (of 1,000)": seen["frames"][-1][2],
        "reached (s)": {
            name: {kind: round(ms / 1000, 1) for kind, ms in times.items()}
            for name, times in reached.items()
        },
        "frames shown": len(seen["frames"]),
        "longest gap between animation frames (ms)": round(gaps[-1]),
        "of 100 gaps, 99 are shorter than (ms)": round(
            sorted(seen["gaps"])[int(0.99 * len(seen["gaps"]))]
        ),  # fmt: skip
        "tasks of the page longer than 50 ms": [round(task) for task in seen["tasks"]],
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--site", type=Path, default=ROOT / "_build" / "html")
    parser.add_argument("--chromium", default="/usr/bin/chromium")
    arguments = parser.parse_args()
    if not (arguments.site / "book" / "live.html").exists():
        print(f"no book/live.html in {arguments.site}: run: make book", file=sys.stderr)
        return 1
    found = {
        "date": date.today().isoformat(),
        "machine": f"{platform.machine()}, {os.cpu_count()} threads",
        "load": round(os.getloadavg()[0], 1),
        **measure(arguments.site, arguments.chromium),
    }
    RESULT.write_text(json.dumps(found, indent=2) + "\n", "utf-8")
    print(json.dumps(found, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
