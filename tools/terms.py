"""Which term of the glossary words mean: "clamped" is "clamp"."""

import re
from collections.abc import Mapping

import snowballstemmer

stem = snowballstemmer.stemmer("english").stemWords


def find_term(words: str, terms: Mapping[str, str]) -> str | None:
    """Find among terms, by their anchors, the one with all of the words, or the only one that begins so."""
    wanted = stem(words.lower().split())
    stems = {anchor: stem(term.lower().split()) for anchor, term in terms.items()}
    same = [anchor for anchor, term in stems.items() if term == wanted]
    longer = [anchor for anchor, term in stems.items() if term[: len(wanted)] == wanted]
    found = same or longer
    return found[0] if len(found) == 1 else None


def read_terms(glossary: str) -> dict[str, str]:
    """Read the terms of a glossary's Markdown, by the anchors that Sphinx gives them."""
    body = glossary.split(":::{glossary}\n")[1].split("\n:::")[0]
    lines = [line for line in body.splitlines() if line and not line.startswith(" ")]
    return {"term-" + re.sub(r"[^\w.]+", "-", line): line for line in lines}
