"""Compile book/live/kernels.c, the hot loops of the page that learns, into a script that a browser loads.

    make kernels                      write book/live/kernels.js anew
    python tools/kernels.py --check   say whether it is what the source gives, and write nothing

The compiler is Zig's C compiler, from PyPI; `.venv-zig` holds it, at the version and with the digest that
requirements-zig.txt names, since another version gives other bytes.
"""

import argparse
import base64
import hashlib
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "book" / "live" / "kernels.c"
SCRIPT = SOURCE.with_suffix(".js")
ZIG = ROOT / ".venv-zig" / "bin" / "python"
# Products and sums stay two roundings each, as in JavaScript: browsers' SIMD has no fused one that all share.
FLAGS = (
    "-target wasm32-freestanding -mcpu=generic+simd128 -O3 -ffp-contract=off -Wall -Werror "
    "-nostdlib -Wl,--no-entry -Wl,--strip-all -Wl,--export=__heap_base"
).split()


def compiled() -> bytes:
    """Compile the source.

    Raises:
        RuntimeError: the compiler is not there, or has something to say.
    """
    if not ZIG.exists():
        raise RuntimeError("the compiler is not here: run `make .venv-zig/installed`")
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "kernels.wasm"
        # From its own folder, so that no path of this machine comes into the file.
        command = [str(ZIG), "-m", "ziglang", "cc", *FLAGS, "-o", str(out), SOURCE.name]
        done = subprocess.run(command, cwd=SOURCE.parent, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"{SOURCE.name} does not compile:\n{done.stderr}")
        return out.read_bytes()


def as_script(binary: bytes) -> str:
    """Write the binary as a classic script that names its source."""
    return (
        "// kernels.c for WebAssembly: written by `make kernels`.\n"
        f"// Source: SHA-256 {digest()}\n"
        f'globalThis.bpcKernels = "{base64.b64encode(binary).decode()}";\n'
    )


def digest() -> str:
    """Give the SHA-256 of the source."""
    return hashlib.sha256(SOURCE.read_bytes()).hexdigest()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="compare, and write nothing")
    try:
        script = as_script(compiled())
    except RuntimeError as error:
        print(error, file=sys.stderr)
        return 1
    if not parser.parse_args().check:
        SCRIPT.write_text(script, "utf-8")
    elif SCRIPT.read_text("utf-8") != script:
        print(f"{SCRIPT.name} is not what {SOURCE.name} gives: run `make kernels`", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
