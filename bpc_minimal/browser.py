"""Weights for a browser: a trained network as one classic script, which a page loads from a disk too.

A page opened from `file:` may not fetch data and may not load modules, but any `<script>`. So the file is a
script that adds the network to the object `bpcNetworks`, under its name; `book/live/network.js` reads it, and
the book's page on the network is made of four of them (`make live`).
"""

import base64
import json
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import numpy as np

from bpc_minimal.curvature import spectral_norms
from bpc_minimal.files import shown
from bpc_minimal.files import write as write_file
from bpc_minimal.network import Network
from bpc_minimal.training import Checkpoint

NUMBERS = ("float16", "float32")  # as little-endian bytes in base64


def rounded(network: Network, numbers: str = "float16") -> Network:
    """Give the network as a page will have it: weights rounded to the numbers of the file, then as before.

    Raises:
        ValueError: a weight is too large for these numbers.
    """

    def through(weight: Any) -> Any:
        with np.errstate(over="ignore"):
            small = np.asarray(weight).astype(numbers)
        if not np.isfinite(small).all():
            raise ValueError(
                f"the largest weight, {np.abs(weight).max():g}, does not fit into {numbers}: export "
                "with --numbers float32, or train with more weight decay"
            )
        return jax.numpy.asarray(small.astype(weight.dtype))

    return jax.tree.map(through, network)


def as_script(checkpoint: Checkpoint, name: str, run: str, numbers: str = "float16") -> str:
    """Write a network as a classic script: weights, the norms that a step of inference needs, what made it.

    Args:
        checkpoint: of a run.
        name: the page finds the network as `bpcNetworks[name]`.
        run: what made the weights, in one line.
        numbers: of the weights, one of `NUMBERS`.

    Raises:
        ValueError: a weight is too large for these numbers.
    """
    evaluations = checkpoint.history.evaluations
    return script_of(
        checkpoint.network,
        name,
        run,
        numbers,
        settings=json.loads(checkpoint.config.to_json()),
        evaluation=evaluations[-1] if evaluations else None,
    )


def script_of(network: Network, name: str, run: str, numbers: str = "float16", **more: Any) -> str:
    """Write a network that comes from no run of the package, as `as_script` does; `more` stands in it too.

    Raises:
        ValueError: a weight is too large for these numbers.
    """
    network = rounded(network, numbers)
    norms = jax.tree.map(float, spectral_norms(network))

    def encoded(weight: Any) -> str:
        small = np.asarray(weight, np.dtype(numbers).newbyteorder("<"))
        return base64.b64encode(small.tobytes()).decode()

    def maps(direction: tuple[eqx.nn.Linear, ...], norms: tuple[float, ...]) -> list[dict]:
        return [
            {
                "norm": norm,
                "bias": None if linear.bias is None else encoded(linear.bias),
                "weight": encoded(linear.weight),
            }
            for linear, norm in zip(direction, norms, strict=True)
        ]

    fields = {
        "run": run,
        **more,
        "numbers": numbers,
        "sizes": network.sizes,
        "activation": network.activation,
        "generator": maps(network.generator, norms.generator),
        "amortiser": maps(network.amortiser, norms.amortiser),
    }
    lines = ",\n".join(f"{json.dumps(key)}: {json.dumps(value)}" for key, value in fields.items())
    return (
        "// Weights of a predictive coding network, written by `python -m bpc_minimal export`.\n"
        f"// Run: {shown(run)}\n"
        f"(globalThis.bpcNetworks ??= {{}})[{json.dumps(name)}] = {{\n{lines}\n}};\n"
    )


def write(path: str | Path, script: str) -> int:
    """Write the script whole, and give its size in bytes.

    Raises:
        OSError: the folder is missing or read-only, or the disk is full. An older file is intact.
    """
    content = script.encode()
    write_file(path, content, what="the script")
    return len(content)
