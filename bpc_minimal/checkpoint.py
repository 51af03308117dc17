"""Checkpoints: a run in one file that a killed process cannot spoil and that runs no code when read.

The file is a line that names the format and the SHA-256 of all that follows; a line of JSON (the
settings, the evaluations, the SHA-256 of the data, the lengths of the losses); then the arrays as
Equinox writes them. It is written beside its place and renamed into it: there is always a whole one.
"""

import contextlib
import hashlib
import io
import json
import os
import zipfile
import zlib
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from bpc_minimal.config import Config
from bpc_minimal.learning import make_state
from bpc_minimal.network import Network
from bpc_minimal.training import Checkpoint, History

FORMAT = "bpc_minimal checkpoint 1"
# What NumPy and zipfile raise at files that are not what they seem.
UNREADABLE = (
    OSError, EOFError, ValueError, KeyError, TypeError, RuntimeError, MemoryError,
    zipfile.BadZipFile, zlib.error,
)  # fmt: skip
PRETRAINED = Path(__file__).with_name("best.npz")  # `make best` makes it


def save(path: str | Path, checkpoint: Checkpoint) -> None:
    """Write a checkpoint; an older one at that path is replaced only by a whole new one.

    Args:
        path: of the file; its folder must exist.
        checkpoint: what `fit` hands to `on_epoch`.

    Raises:
        ValueError: `checkpoint` is something else.
        OSError: the folder is missing or read-only, or the disk is full. The older file is intact.
    """
    if not isinstance(checkpoint, Checkpoint):
        raise ValueError(
            f"{type(checkpoint).__name__} given, a Checkpoint expected, as `fit` hands it to on_epoch"
        )
    path = Path(path)
    arrays = io.BytesIO()
    eqx.tree_serialise_leaves(arrays, (checkpoint.state, checkpoint.history.losses))
    head = {
        "config": json.loads(checkpoint.config.to_json()),
        "evaluations": checkpoint.history.evaluations,
        "data": checkpoint.data,
        "losses": {k: len(v) for k, v in checkpoint.history.losses.items()},
    }
    parts: tuple[bytes, memoryview] = (json.dumps(head).encode() + b"\n", arrays.getbuffer())
    aside = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        with open(aside, "wb") as file:
            file.writelines([f"{FORMAT} {_digest(*parts)}\n".encode(), *parts])
            file.flush()
            os.fsync(file.fileno())
        os.replace(aside, path)
    except OSError as error:
        raise OSError(
            f"could not write the checkpoint {path}: {error}; choose a folder that exists, may be "
            "written to and has room. What was at that path is as it was"
        ) from error
    finally:
        with contextlib.suppress(OSError):  # renamed it is no longer there
            aside.unlink()


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
    named, _, body = content.partition(b"\n")
    format_, _, digest = named.rpartition(b" ")
    if format_ != FORMAT.encode():
        raise ValueError(
            f"{path} is no checkpoint of this version of bpc_minimal: its first line does not name the "
            f"format {FORMAT!r}"
        )
    if digest != _digest(body).encode():
        raise OSError(
            f"the checkpoint {path} is cut short or altered: its {len(content):,} bytes do not have the "
            "digest that was written with them; use an older one, or train again"
        )
    try:  # what `save` wrote, though perhaps with other settings than this version has
        head, _, arrays = body.partition(b"\n")
        parts = json.loads(head)
        config = Config.from_json(json.dumps(parts["config"]))
        state = eqx.filter_eval_shape(make_state, config, 1)
        real = jnp.result_type(float)  # float64 where JAX was told so, as when it was saved
        losses = {k: jax.ShapeDtypeStruct((n,), real) for k, n in parts["losses"].items()}
        state, losses = eqx.tree_deserialise_leaves(io.BytesIO(arrays), (state, losses))
        history = History({k: np.asarray(v) for k, v in losses.items()}, parts["evaluations"])
        return Checkpoint(config, state, history, str(parts["data"]))
    except (ValueError, RuntimeError, EOFError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"the checkpoint {path} is not one of this version: {error}") from error


def export(path: str | Path, checkpoint: Checkpoint, about: dict[str, str]) -> None:
    """Write weights and history small enough to travel with the package: weights in float16, no optimiser.

    Args:
        path: of the file, which ends in .npz.
        checkpoint: of a finished run.
        about: what made it: command, versions, seed.
    """
    arrays: dict[str, Any] = {
        "config": np.array(checkpoint.config.to_json()),
        "evaluations": np.array(json.dumps(checkpoint.history.evaluations)),
        "about": np.array(json.dumps(about)),
    }
    for i, weight in enumerate(jax.tree.leaves(checkpoint.network)):
        arrays[f"weight_{i}"] = np.asarray(weight, np.float16)
    for name, values in checkpoint.history.losses.items():
        arrays[f"loss_{name}"] = values
    np.savez_compressed(path, **arrays)


def pretrained(path: str | Path = PRETRAINED) -> tuple[Network, History, dict[str, str]]:
    """Read what `export` wrote, by default the run of the preset `best` that the package carries.

    Returns:
        network: its weights, rounded to float16 on the way.
        history: of the run.
        about: what made it; its "config" is the settings as JSON.

    Raises:
        OSError: the file is missing or no file of `export`.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            parts = {name: file[name] for name in file.files}
        config = Config.from_json(str(parts["config"]))
        empty = eqx.filter_eval_shape(make_state, config, 1).network
        leaves, structure = jax.tree.flatten(empty)
        weights = [jnp.asarray(parts[f"weight_{i}"], leaf.dtype) for i, leaf in enumerate(leaves)]
        for weight, leaf in zip(weights, leaves, strict=True):
            if weight.shape != leaf.shape:
                raise ValueError(f"weights {weight.shape}, the settings ask for {leaf.shape}")
        losses = {k.removeprefix("loss_"): v for k, v in parts.items() if k.startswith("loss_")}
        about = {**json.loads(str(parts["about"])), "config": str(parts["config"])}
        history = History(losses, json.loads(str(parts["evaluations"])))
    except UNREADABLE as error:
        raise OSError(
            f"{path} holds no weights that `export` wrote ({error}); for the package's own, install "
            "it again: pip install --force-reinstall --no-deps bpc-minimal"
        ) from error
    return jax.tree.unflatten(structure, weights), history, about


def _digest(*parts: bytes | memoryview) -> str:
    digest = hashlib.sha256(usedforsecurity=False)
    for part in parts:
        digest.update(part)
    return digest.hexdigest()
