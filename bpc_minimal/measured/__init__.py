"""What takes too long to measure inside a chapter, as `benchmarks/run.py` stored it; Colab has it too."""

import json
from pathlib import Path
from typing import Any

import numpy as np


def read(section: str) -> dict[str, Any]:
    """Give the results of a section of the benchmarks; what has a number a seed is an array of them.

    Raises:
        ValueError: there is no such section.

    Example:
        >>> from bpc_minimal import measured
        >>> measured.read("bidirectional")["models"]["BPC"]["reads"].shape  # five seeds
        (5,)
    """
    folder = Path(__file__).parent
    known = sorted(path.stem for path in folder.glob("*.json"))
    if section not in known:
        raise ValueError(f"{section!r} given, one of {', '.join(known)} expected")
    return _arrays(json.loads((folder / f"{section}.json").read_text("utf-8"))["results"])


def _arrays(found: Any) -> Any:
    if isinstance(found, dict) and "each" in found:
        return np.array(found["each"])
    return {k: _arrays(v) for k, v in found.items()} if isinstance(found, dict) else found
