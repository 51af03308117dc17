"""The ladder of chapter 10, climbed again: the chapter's own cells, each time in a process of its own.

One run of the page says which rung gained most in that run. What several say is stored here, and the page
prints it beside its own.
"""

import json
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

CHAPTER = Path(__file__).resolve().parents[1] / "book" / "10_fast.ipynb"
RUNS = 7


def cells() -> str:
    """Give the chapter's code down to the cell that times the ways, without what only Colab runs."""
    code = []
    for cell in json.loads(CHAPTER.read_text("utf-8"))["cells"]:
        source = "".join(cell["source"])
        if cell["cell_type"] == "code" and "nbval-skip" not in cell["metadata"].get("tags", []):
            code.append(source)
            if "times = compare(ways)" in source:
                return "\n".join(code)
    raise ValueError(f"{CHAPTER.name} has no cell with `times = compare(ways)`")


def measure() -> dict[str, Any]:
    """Give what the chapter times, of so many runs.

    Returns:
        ms: of an iteration of each way of the ladder.
        gain: the time of the rung above over that of this one.
        first over last: the first rung's time over the last one's.
        all else: of an iteration of the compiled scan, the milliseconds that neither products nor Adam take.
    """
    code = f"{cells()}\nimport json\nprint(json.dumps([times, all_else]))"
    ms: dict[str, list[float]] = {}
    beyond = []
    for _ in range(RUNS):
        command = [sys.executable, "-c", code]
        printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        times, all_else = json.loads(printed.splitlines()[-1])
        beyond.append(all_else)
        for name, each in times.items():
            ms.setdefault(name, []).append(each)
        print("   ", {name: round(each, 2) for name, each in times.items()}, flush=True)
    gain = {
        way: [a / b for a, b in zip(ms[above], ms[way], strict=True)] for above, way in pairwise(ms)
    }
    first, last = (ms[name] for name in ([*ms][0], [*ms][-1]))
    whole = [a / b for a, b in zip(first, last, strict=True)]
    return {"ms": ms, "gain": gain, "first over last": whole, "all else": beyond}
