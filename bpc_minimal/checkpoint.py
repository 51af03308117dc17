"""Checkpoints: a run in one file that a killed process cannot spoil and that runs no code when read.

The file is a line of JSON (what it is, the settings, the evaluations, a digest), then the arrays as
Equinox writes them. It is written beside its place and renamed into it: there is always a whole one.
"""

import hashlib
import io
import json
import os
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import numpy as np

from bpc_minimal.config import Config
from bpc_minimal.learning import make_state
from bpc_minimal.training import Checkpoint, History

FORMAT = "bpc_minimal checkpoint 1"


def save(path: str | Path, checkpoint: Checkpoint) -> None:
    """Write a checkpoint; an older one at that path is replaced only by a whole new one.

    Args:
        path: of the file; its folder must exist.
        checkpoint: what `fit` hands to `on_epoch`.

    Raises:
        OSError: the folder is missing or read-only, or the disk is full. The older file is intact.
    """
    path = Path(path)
    arrays = io.BytesIO()
    eqx.tree_serialise_leaves(arrays, (checkpoint.state, checkpoint.history.losses))
    head = {
        "format": FORMAT,
        "config": json.loads(checkpoint.config.to_json()),
        "evaluations": checkpoint.history.evaluations,
        "losses": {k: len(v) for k, v in checkpoint.history.losses.items()},
        "sha256": hashlib.sha256(arrays.getbuffer(), usedforsecurity=False).hexdigest(),
    }
    aside = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        with open(aside, "wb") as file:
            file.write(json.dumps(head).encode() + b"\n" + arrays.getbuffer())
            file.flush()
            os.fsync(file.fileno())
        os.replace(aside, path)
    except OSError as error:
        aside.unlink(missing_ok=True)
        raise OSError(
            f"could not write the checkpoint {path}: {error}; choose a folder that exists, may be "
            "written to and has room. What was at that path is as it was"
        ) from error


def load(path: str | Path) -> Checkpoint:
    """Read a checkpoint.

    Returns:
        checkpoint: its `network` classifies and generates; `fit(checkpoint.config,
            resume=checkpoint)` goes on.

    Raises:
        OSError: the file is missing, cut short or altered.
        ValueError: it is no checkpoint of this package, or of settings that do not fit it.
    """
    path = Path(path)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise OSError(
            f"could not read the checkpoint {path}: {error}; "
            "`python -m bpc_minimal train --out FOLDER` writes FOLDER/checkpoint.bpc"
        ) from error
    head, arrays = _head(path, content)
    config = Config.from_json(json.dumps(head["config"]))
    if hashlib.sha256(arrays, usedforsecurity=False).hexdigest() != head["sha256"]:
        raise OSError(
            f"the checkpoint {path} is cut short or altered: its arrays ({len(arrays)} bytes) do not "
            "have the digest that was written with them; use an older one, or train again"
        )
    state = eqx.filter_eval_shape(make_state, config, 1)
    losses = {
        name: jax.ShapeDtypeStruct((count,), np.float32) for name, count in head["losses"].items()
    }
    try:
        state, losses = eqx.tree_deserialise_leaves(io.BytesIO(arrays), (state, losses))
    except (RuntimeError, ValueError, EOFError) as error:
        raise ValueError(
            f"the checkpoint {path} does not hold the arrays of its own settings: {error}"
        ) from error
    losses = {name: np.asarray(values) for name, values in losses.items()}
    return Checkpoint(config, state, History(losses, head["evaluations"]))


def _head(path: Path, content: bytes) -> tuple[dict[str, Any], memoryview]:
    line, newline, _ = content.partition(b"\n")
    try:
        head = json.loads(line)
        if head["format"] != FORMAT or not newline:
            raise KeyError("format")
        parts = {"config": dict, "evaluations": list, "losses": dict, "sha256": str}
        if not all(isinstance(head[name], kind) for name, kind in parts.items()):
            raise KeyError("parts")
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(
            f"{path} is no checkpoint of this version of bpc_minimal: its first line is not the head "
            f"of a file of format {FORMAT!r}"
        ) from error
    return head, memoryview(content)[len(line) + 1 :]
