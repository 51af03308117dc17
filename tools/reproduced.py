"""Make the page "What reproduced": of what was claimed, book/claims.toml, and of what was measured since.

No verdict is typed: each is its claim's condition, evaluated over the stored results. `tools/pages.py`
writes the page.
"""

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
from scipy.stats import t as student

ROOT = Path(__file__).resolve().parents[1]
BOOK, STORED = ROOT / "book", ROOT / "bpc_minimal" / "measured"
SOURCES = {
    "paper": "the paper",
    "note": "the paper, as a reading note reports it",
    "jpc": "jpc",
    "tutorial": "the first author's notebook",
    "hpc": "the paper on hybrid predictive coding",
    "forum": "the paper's reviewers",
    "book": "this book",
}
# Of a claim, and of a question, to which the expected answer is our own.
VERDICTS = {
    "claim": {"reproduced": "reproduced", "partly": "partly reproduced", "not": "not reproduced"},
    "question": {"reproduced": "as expected", "partly": "partly as expected", "not": "otherwise"},
}
VERDICTS["open"] = VERDICTS["question"]
NOT_RUN = "not run yet"
FIGURE = re.compile(r"""figures\.show\(.*["']\d+\.(\d+)["']""", re.DOTALL)
HEAD = """# What reproduced

What is claimed of bidirectional predictive coding, what its reviewers asked and what this book asked itself:
each with what we expected to see and the condition for saying so, written before it was run, and with what
was then measured here. No verdict is typed by anybody: this page is made, by `tools/reproduced.py`, of
`book/claims.toml` and of the stored results, which `make experiments` measures.

Numbers are the mean and the standard deviation over seeds. A condition asks for the mean, or for `low` and
`high`, the ends of the 95 % interval of the mean (Student's); a difference or a ratio is formed seed by seed.
A claim that does not hold here may hold at another scale: these are small networks, on MNIST or less.
"""

PROVENANCE = """## Where the numbers come from

Seeds from {first} on are reported; settings were chosen with others. A commit that ends in `-dirty` is the
one that was checked out when some file, not always one that counts, differed from it.

| part | measured on | commit | minutes | with |
|---|---|---|---|---|
"""


def half(x: np.ndarray) -> float:
    """Give half the width of the 95 % interval of the mean."""
    n = len(x)
    return float(student.ppf(0.975, n - 1) * np.std(x, ddof=1) / np.sqrt(n))


FUNCTIONS = {
    "mean": lambda x: float(np.mean(x)),
    "sd": lambda x: float(np.std(x, ddof=1)),
    "half": half,
    "low": lambda x: float(np.mean(x)) - half(x),
    "high": lambda x: float(np.mean(x)) + half(x),
    "abs": abs,
    "min": min,
    "max": max,
}


def protocol() -> dict[str, Any]:
    """Read what is claimed, and what all claims share."""
    return tomllib.loads((BOOK / "claims.toml").read_text("utf-8"))


def results(section: str) -> dict[str, Any]:
    """Read what is stored of a section; nothing, if it was not run."""
    path = STORED / f"{section}.json"
    return json.loads(path.read_text("utf-8")) if path.exists() else {"results": {}, "parts": {}}


def values(claim: dict[str, Any], found: dict[str, Any]) -> dict[str, Any] | None:
    """Look a claim's values up in a section's results: each an array of seeds, or one number.

    Returns:
        values by name; None if one of them is not there yet.

    Raises:
        ValueError: there are fewer seeds than the claim asks for, or a number is none.
    """
    taken: dict[str, Any] = {}
    for name, place in claim["values"].items():
        value: Any = found
        for key in place.split("/"):
            if not isinstance(value, dict) or key not in value:
                return None
            value = value[key]
        if isinstance(value, dict):
            value = np.array(value["each"], float)
            if len(value) < claim["seeds"]:
                raise ValueError(
                    f"{claim['id']}: {len(value)} seeds are stored of {place}, "
                    f"{claim['seeds']} expected; delete that part and measure it again"
                )
        if np.isnan(value).any():
            raise ValueError(f"{claim['id']}: {place} holds NaN; numbers expected")
        taken[name] = value
    return taken


def holds(condition: str, taken: dict[str, Any]) -> bool:
    """Evaluate a condition over values by name."""
    names = {"__builtins__": {}, **FUNCTIONS, **taken}
    return bool(eval(compile(condition, "<condition>", "eval"), names))


def judge(claim: dict[str, Any], taken: dict[str, Any] | None) -> str:
    """Give the verdict: "reproduced", "partly", "not", or that it was not run yet."""
    if taken is None:
        return NOT_RUN
    for verdict in ("reproduced", "partly"):
        if holds(claim[verdict], taken):
            return verdict
    return "not"


def said(claim: dict[str, Any], verdict: str) -> str:
    """Give the words of a verdict."""
    return VERDICTS[claim["kind"]].get(verdict, verdict)


def number(value: Any) -> str:
    """Write a mean with its spread, or one number, to the digits that count."""
    if np.ndim(value) == 0:
        return f"{value:.4g}"
    mean, sd = np.mean(value), np.std(value, ddof=1)
    if not np.isfinite(mean):
        return "without bound"
    if sd and abs(mean) < 1e-3:
        return f"{mean:.2g} ± {sd:.2g}"
    digits = 0 if sd == 0 else max(0, 1 - int(np.floor(np.log10(sd))))
    digits = min(digits, 4) if sd else (0 if mean == round(mean) else 3)
    return f"{mean:.{digits}f} ± {sd:.{digits}f}".replace("-", "−")


def shown(chapter: int, claim: str) -> str:
    """Name the cell whose metadata names the claim, by its figure or its section; empty if none does."""
    for path in BOOK.glob(f"{chapter:02d}_*.ipynb"):
        section = ""
        for cell in nbformat.read(path, as_version=4).cells:
            if cell.cell_type == "markdown":
                section = [section, *re.findall(r"^## (.*)$", cell.source, re.MULTILINE)][-1]
            if claim not in cell.metadata.get("claims", []):
                continue
            figure = FIGURE.search(cell.source) if cell.cell_type == "code" else None
            if figure:
                return f"[chapter {chapter}, Figure {figure[1]}]({path.name}#figure-{figure[1]})"
            return f"[chapter {chapter}]({path.name}), *{section}*"
    return ""


def page() -> str:
    """Write the page."""
    claims = protocol()["claim"]
    judged = []
    for claim in claims:
        taken = values(claim, results(claim["section"])["results"])
        judged.append((claim, taken, judge(claim, taken)))
    rows = [
        f"| [{claim['id']}](#{claim['id']}) | {claim['says']} | {said(claim, verdict)} |\n"
        for claim, _, verdict in judged
    ]
    run = [verdict for *_, verdict in judged if verdict != NOT_RUN]
    parts = [HEAD, f"{len(run)} of {len(judged)} have been run.\n"]
    parts.append("| | what | verdict |\n|---|---|---|\n" + "".join(rows))
    for claim, taken, verdict in judged:
        parts.append(entry(claim, taken, verdict))
    parts.append(provenance([claim["section"] for claim in claims]))
    return "\n".join(parts)


def entry(claim: dict[str, Any], taken: dict[str, Any] | None, verdict: str) -> str:
    """Write what there is to say of one claim."""
    lines = {
        "Source": sources(claim),
        "Expected": claim["expected"],
        "How": f"{claim['measured']} {claim['data'][0].upper()}{claim['data'][1:]}; "
        f"{claim['seeds']} seeds.",
        "Condition": f"`{' '.join(claim['reproduced'].split())}`",
        "Partly, if": f"`{' '.join(claim['partly'].split())}`",
    }
    if taken is not None:
        lines["Measured"] = "; ".join(
            f"{name.replace('_', ' ')} {number(value)}" for name, value in taken.items()
        )
    if cell := shown(claim["chapter"], claim["id"]):
        lines["Shown in"] = cell
    table = "".join(f"| {name} | {text} |\n" for name, text in lines.items())
    heading = claim["says"] if claim["says"].endswith("?") else f"Claimed: {claim['says']}"
    return (
        f"({claim['id']})=\n## {heading}\n\nThe claim `{claim['id']}`.\n\n"
        f"| | {said(claim, verdict)} |\n|---|---|\n{table}"
    )


def sources(claim: dict[str, Any]) -> str:
    return " and ".join(SOURCES[name.strip()] for name in claim["source"].split(","))


def provenance(sections: list[str]) -> str:
    """Say when, by which code and on what each section's parts were measured."""
    rows = []
    for section in dict.fromkeys(sections):
        found = results(section)
        for name, part in found["parts"].items():
            # a part says it itself, where a section had several machines
            where = found["machine"] | part
            cores = f"{where['cores']} core{'s' * (where['cores'] > 1)}"
            rows.append(
                f"| {section}, {name} | {part['date']} | {part['commit']} | {part['minutes']} | "
                f"jax {where['jax']}, {where['processor']}, {cores} |\n"
            )
    return PROVENANCE.format(first=protocol()["protocol"]["first_seed"]) + "".join(rows)
