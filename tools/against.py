"""Make the page "Against others", of what benchmarks/arena.py stored and of what the rivals' files say.

`tools/pages.py` writes the page. Nobody types a number of it: ratios are formed within a round, and what
is shown is the median over rounds.
"""

import json
import re
import statistics
import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
RIVALS = ROOT / "benchmarks" / "rivals"
RESULT = ROOT / "benchmarks" / "results" / "arena.json"
GOALS = (97, 98)  # percent of the test images
FIRST = ("own", "own-again")  # in each round
HEAD = re.compile(r"^# /// script\n(.*?)^# ///$", re.MULTILINE | re.DOTALL)
Run = dict[str, Any]

INTRO = """# Against others

What one would install instead of this package, each run as its own documentation says, on the same MNIST, in
the same sizes where it allows: from the command to the result. `make arena` measures it, and this page is
made of what that stored.

A clock starts with each process, so that imports, compilation, reading the data and evaluating count, for
all alike. A rival says what it reads right of the test images after each pass, and the time is that at which
its line arrives. All run in turn, one after the other, round after round: a ratio compares two processes of
one round, and what is shown is the median over rounds. Environments are made before, so that downloads do
not count. What was run stands in `benchmarks/rivals`, a file each.
"""
NOT_YET = """*This is still to be measured: `make arena` does it, and fills in the tables.*
"""
READING = """The second column is the time to 98 %, divided by that of this package in the same round, in its
first run, with nothing compiled. Networks that only read do half of what this one does: the row "backprop
twice" learns both, side by side. RMSE is that of ten drawings against the means of the classes, pixels
between 0 and 1. An empty place: not reached, or not done.
"""
COSTS = """Iterations have different batches, so images in a second stand beside; both hold the evaluations
between the first line and the last. The first iteration, where a rival says when it is done, has imports,
data and compilation in it. Memory is the most that one process of it had.
"""


def head(path: Path) -> dict[str, Any]:
    """Read what a rival's file says of itself: PEP 723, with a table of the arena's own."""
    found = HEAD.search(path.read_text("utf-8"))
    if found is None:
        raise ValueError(f"{path.name} has no lines # /// script ... # /// (PEP 723)")
    read = tomllib.loads(re.sub(r"^# ?", "", found[1], flags=re.MULTILINE))
    return read | {"arena": read["tool"]["arena"], "path": path}


def rivals() -> dict[str, dict[str, Any]]:
    """Give all rivals by their names, this package first."""
    paths = [path for path in RIVALS.glob("*.py") if path.stem != "protocol"]
    found = {path.stem.removesuffix("_mnist").replace("_", "-"): head(path) for path in paths}
    return {name: found[name] for name in sorted(found, key=lambda n: (n not in FIRST, n))}


def reached(run: Run, goal: float) -> float | None:
    """Give the seconds after which a run first read so many percent right."""
    for line in run["lines"]:
        if line.get("accuracy", 0) >= goal:
            return line["seconds"]
    return None


def final(run: Run, what: str = "accuracy") -> float | None:
    """Give what the last evaluation of a run said."""
    said = [line[what] for line in run["lines"] if what in line]
    return said[-1] if said else None


def an_iteration(run: Run) -> float | None:
    """Give the milliseconds of an iteration, between the first line of a run and its last."""
    if len(run["lines"]) < 2:
        return None
    first, last = run["lines"][0], run["lines"][-1]
    iterations = last["iteration"] - first["iteration"]
    return 1e3 * (last["seconds"] - first["seconds"]) / iterations if iterations > 0 else None


def first_iteration(run: Run) -> float | None:
    """Give the seconds to the end of the first iteration, where the run said so."""
    line = run["lines"][0] if run["lines"] else {}
    return line["seconds"] if line.get("iteration") == 1 else None


def middle(values) -> float | None:
    """Give the median of those that are there, if more than half are."""
    values = list(values)
    there = [value for value in values if value is not None]
    return statistics.median(there) if 2 * len(there) > len(values) else None


def ratio(found: dict[str, Any], own: dict[str, Any], goal: float) -> float | None:
    """Give a rival's time to a goal over that of this package, round by round, and of those the median."""
    ours = {run["round"]: reached(run, goal) for run in own.get("rounds", ())}
    quotients = []
    for run in found["rounds"]:
        theirs, base = reached(run, goal), ours.get(run["round"])
        quotients.append(theirs / base if theirs and base else None)
    return middle(quotients)


def table(stored: dict[str, Any]) -> str:
    """Make both tables: how long it takes to what, and what an iteration costs."""
    every, results = rivals(), stored["results"]
    own = results.get("own", {})
    times = [
        f"| | 98 %, of this package's time | {' | '.join(f'to {g} %' for g in GOALS)} | read | RMSE |"
    ]
    times += ["|---|" + "---|" * (len(GOALS) + 3)]
    costs = ["| | batch | ms an iteration | images a second | first iteration after | memory |"]
    costs += ["|---" * 6 + "|"]
    for name, found in results.items():
        if not found["rounds"]:
            continue
        about, runs = every[name]["arena"], found["rounds"]
        name_of = f"**{about['title']}**" if name in FIRST else about["title"]
        to = [_said(middle(reached(run, goal) for run in runs), "{:.1f} s") for goal in GOALS]
        read = _said(middle(final(run) for run in runs), "{:.2f} %")
        drawn = _said(middle(final(run, "rmse") for run in runs), "{:.3f}")
        quotient = _said(ratio(found, own, max(GOALS)), "{:.1f}")
        times.append(f"| {name_of} | {quotient} | {' | '.join(to)} | {read} | {drawn} |")
        pace = middle(an_iteration(run) for run in runs)
        images = about["batch"] / pace if pace else None  # thousands a second
        first = _said(middle(first_iteration(run) for run in runs), "{:.1f} s")
        memory = _said(middle(run["peak_mb"] for run in runs), "{:,.0f} MB")
        each = f"{_said(pace, '{:.2f}')} | {_said(images, '{:.1f} thousand')}"
        costs.append(f"| {name_of} | {about['batch']} | {each} | {first} | {memory} |")
    return "\n".join(times) + f"\n\n{READING}\n" + "\n".join(costs) + f"\n\n{COSTS}"


def _said(value: float | None, form: str) -> str:
    return "" if value is None else form.format(value)


def failures(stored: dict[str, Any]) -> list[str]:
    """Say of each rival that was not installed, failed, or did not reach a goal, why."""
    every, said = rivals(), []
    for name, found in stored["results"].items():
        title = every[name]["arena"]["title"]
        if found.get("failed"):
            said.append(f"{title} {found['failed']}.")
            continue
        runs = found["rounds"]
        broken = [run for run in runs if run["ended"] == "error"]
        if broken:
            said.append(f"{title} stopped with an error: {broken[-1]['why']}.")
        missed = [goal for goal in GOALS if middle(reached(run, goal) for run in runs) is None]
        best = max(
            (line.get("accuracy", 0.0) for run in runs for line in run["lines"]), default=0.0
        )
        if missed and not broken:
            cut = any(run["ended"] == "limit" for run in runs)
            within = f"within {stored['limit']:.0f} s" if cut else "by its end"
            goals = " and ".join(f"{goal} %" for goal in missed)
            what = f"; the most that it read was {best:.2f} %" if best else ", and read nothing"
            said.append(f"{title} did not reach {goals} {within}{what}.")
    return said


def versions(stored: dict[str, Any], name: str) -> str:
    found = stored["results"].get(name, {})
    said = ", ".join(f"{what} {which}" for what, which in found.get("versions", {}).items())
    return said + (f", from {found['from']}" if found.get("from") else "")


def page() -> str:
    """Write the page."""
    every = rivals()
    stored = json.loads(RESULT.read_text("utf-8")) if RESULT.is_file() else None
    parts = [INTRO]
    if stored is None:
        parts.append(NOT_YET)
    else:
        machine = stored["machine"]
        where = (
            f"{machine['processor']}, {machine['cores']} cores, {machine['system']}, "
            f"{machine['date']}, commit {machine['commit']}"
        )
        rounds = "one round" if stored["rounds"] == 1 else f"{stored['rounds']} rounds"
        note = f" **{stored['note']}**" if stored.get("note") else ""
        parts.append(
            f"Measured on {where}; {rounds}, with a load of {stored['load_before']} when they began, and at "
            f"most {stored['limit']:.0f} s a process.{note}\n"
        )
        parts += ["## How long it takes, and what an iteration costs\n", table(stored)]
        parts.append("## What failed\n")
        said = failures(stored)
        if said:
            parts.append("\n".join(f"- {line}" for line in said) + "\n")
            parts.append("One that the limit stopped short of 98 % was run in one round.\n")
        else:
            parts.append("Nothing: all were installed, and all reached both.\n")
    parts.append("## How each was run\n")
    rows = ["| | network | how | versions |", "|---|---|---|---|"]
    for name, rival in every.items():
        about = rival["arena"]
        if stored is not None and name not in stored["results"]:
            continue
        names = about.get("versions") or [re.split("[=@ ]", n)[0] for n in rival["dependencies"]]
        needs = [n for n in rival["dependencies"] if re.split("[=@ ]", n)[0] in names]
        pinned = ", ".join(n.split(" @ ")[0].replace("==", " ") for n in needs)
        with_what = versions(stored, name) if stored else pinned or "of this book"
        rows.append(
            f"| {_linked(about)} | {about['sizes']}; {about['method']} | {about['how']} | {with_what} |"
        )
    parts += ["\n".join(rows) + "\n", "## What they do that this package does not\n"]
    more = [
        f"- {rival['arena']['title']}: {'; '.join(rival['arena']['more'])}.\n"
        for rival in every.values()
        if rival["arena"].get("more")
    ]
    parts.append("".join(more))
    return "\n".join(parts)


def _linked(about: dict[str, Any]) -> str:
    source = about["source"]
    return f"[{about['title']}]({source})" if source.startswith("https:") else about["title"]
