"""Compiled programs are kept from one command to the next, in the user's cache folder.

XLA takes a good part of a short run to compile what trains. JAX can keep what was compiled; here it is told
where. A library leaves that to those who use it, so that only the command line asks for it.
"""

import contextlib
import hashlib
import os
import platform
import warnings
from pathlib import Path

import jax
import platformdirs

LARGEST = 200 * 1024**2  # bytes in all; what was not used for longest goes first


def keep_programs(folder: Path | None = None) -> Path | None:
    """Keep what is compiled from now on, and use what was kept.

    What is kept gives the same bits. Two processes may share it. What cannot be read, because a process was
    killed as it wrote or a disk was full, is compiled again.

    Args:
        folder: which, by default the user's own for caches.

    Returns:
        folder: for this processor; None where the user told JAX of a folder, or to keep nothing
            (JAX_ENABLE_COMPILATION_CACHE=false), or where nothing can be written.
    """
    named: str | None = jax.config.jax_compilation_cache_dir  # type: ignore[attr-defined]
    wanted: bool = jax.config.jax_enable_compilation_cache  # type: ignore[attr-defined]
    if named or not wanted:
        return None
    folder = (folder or platformdirs.user_cache_path("bpc_minimal")) / f"programs-{_processor()}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        kept = {path.name for path in folder.iterdir()}
    except (OSError, RuntimeError):  # no home, or one that is read alone
        return None
    if not os.access(folder, os.W_OK):
        return None
    for name in kept:  # a process was killed between the two files of an entry
        if name.endswith("-cache") and name.removesuffix("-cache") + "-atime" not in kept:
            with contextlib.suppress(OSError):
                (folder / name).unlink()
    for name, value in {
        "compilation_cache_dir": str(folder),
        "compilation_cache_max_size": LARGEST,
        "persistent_cache_min_compile_time_secs": 0,  # programs are few, and starts are many
        "persistent_cache_min_entry_size_bytes": -1,
    }.items():
        jax.config.update(f"jax_{name}", value)
    # It goes on without, and says so at each program.
    warnings.filterwarnings("ignore", "Error (reading|writing) persistent compilation cache")
    return folder


def _processor() -> str:
    """Name the processor: code that was compiled for one may be none for another."""
    words = [platform.machine(), platform.processor()]
    with contextlib.suppress(OSError, StopIteration):
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        words += [next(x for x in lines if x.startswith(name)) for name in ("model name", "flags")]
    return hashlib.sha256("\n".join(words).encode()).hexdigest()[:12]
