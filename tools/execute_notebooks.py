"""Execute the chapters from top to bottom, each in its own kernel and folder; store their outputs.

    python tools/execute_notebooks.py                  every chapter, book/*.ipynb
    python tools/execute_notebooks.py book/05_*.ipynb  those named
    python tools/execute_notebooks.py --check          execute nothing; say which are not normalised

A notebook that raises is left as it was. Cells tagged `nbval-skip` (the installation in Colab) are
not executed and keep no count and no output. Normalising drops what differs between two runs or two
editors (times, the kernel's name, the state of the page), so that a diff shows what a reader would
notice.

The seconds stored are of processor time, what the kernel and all its threads computed, so that a busy
machine makes no chapter longer. What a chapter and the page of the build status say of time comes from
them alone (`tools/pages.py`).
"""

import argparse
import os
import platform
import sys
import time
from pathlib import Path

import jax
import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbformat import NotebookNode

ROOT = Path(__file__).resolve().parents[1]
SKIP = "nbval-skip"
MEANT = (
    120  # seconds of processor time that a chapter is meant to take: both of two cores for a minute
)
TIMEOUT = 600  # seconds that one cell may take
# XLA complains of a busy machine, which no page should show; JAX has set a lower level when it was imported.
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
VOLATILE = {"execution", "collapsed", "scrolled", "autoscroll", "ExecuteTime", "colab", "outputId"}
VOLATILE |= {"id", "vscode", "trusted"}


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("notebooks", nargs="*", type=Path, help="default: book/*.ipynb")
    parser.add_argument("--check", action="store_true", help="only say which are not normalised")
    arguments = parser.parse_args()
    paths = arguments.notebooks or sorted((ROOT / "book").glob("*.ipynb"))
    for path in paths:
        if not path.is_file():
            parser.error(f"no notebook {path}")

    if arguments.check:
        stale = [path for path in paths if serialise(read(path)) != path.read_text("utf-8")]
        for path in stale:
            print(f"{shown(path)} is not normalised; run: make notebooks", file=sys.stderr)
        return 1 if stale else 0

    failures = 0
    for path in paths:
        try:
            seconds = execute(path)
        except RuntimeError as error:
            print(f"{shown(path)}: {error}; the file is unchanged", file=sys.stderr)
            failures += 1
        else:
            print(f"{shown(path)}: {seconds:.0f} s of processor time")
            if seconds > MEANT:
                print(
                    f"  warning: {MEANT} s are meant; is the chapter too long?",
                    file=sys.stderr,
                )
    return 1 if failures else 0


def execute(path: Path) -> float:
    """Run a notebook and write it back; give its seconds of processor time, its kernel's start included."""
    notebook = read(path)
    for cell in code_cells(notebook):
        cell.execution_count, cell.outputs = None, []
    reached = 0

    def note(cell: NotebookNode, cell_index: int) -> None:
        nonlocal reached
        reached = cell_index + 1

    def where() -> str:
        return f"cell {reached} of {len(notebook.cells)}"

    client = NotebookClient(
        notebook,
        kernel_name="python3",
        timeout=TIMEOUT,
        skip_cells_with_tag=SKIP,
        record_timing=False,
        coalesce_streams=True,
        resources={"metadata": {"path": str(path.resolve().parent)}},
        on_cell_execute=note,
    )
    start, computed = time.monotonic(), children()
    try:
        client.execute()
    except CellExecutionError as error:
        raise RuntimeError(f"{where()} raised {error.ename}: {error.evalue}") from error
    except CellTimeoutError as error:
        raise RuntimeError(f"{where()} took more than {TIMEOUT} s") from error
    except DeadKernelError as error:
        raise RuntimeError(f"{where()} ended its kernel (out of memory?)") from error
    # Windows does not count what another process computed.
    seconds = children() - computed or time.monotonic() - start
    notebook.metadata.bpc = {
        "seconds": round(seconds),
        "python": platform.python_version(),
        "jax": jax.__version__,
        "processor": processor(),
    }
    aside = path.with_suffix(".ipynb.tmp")
    aside.write_text(serialise(notebook), "utf-8")
    os.replace(aside, path)
    return seconds


def children() -> float:
    """The processor time of the kernels that have ended, of all their threads."""
    times = os.times()
    return times.children_user + times.children_system


def read(path: Path) -> NotebookNode:
    return nbformat.read(path, as_version=4)


def serialise(notebook: NotebookNode) -> str:
    """Give a notebook's normalised text."""
    notebook = nbformat.from_dict(notebook)
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    if "bpc" in notebook.metadata:
        metadata["bpc"] = notebook.metadata.bpc
    notebook.metadata = nbformat.from_dict(metadata)
    used: set[str] = set()
    for number, cell in enumerate(notebook.cells, 1):
        cell.id = cell.get("id") or f"cell-{number}"
        if cell.id in used:  # a copied cell keeps its twin's
            cell.id = f"{cell.id}-{number}"[-64:]
        used.add(cell.id)
        for key in VOLATILE & set(cell.metadata):
            del cell.metadata[key]
    for cell in code_cells(notebook):
        if SKIP in cell.metadata.get("tags", []):
            cell.execution_count, cell.outputs = None, []
        for output in cell.outputs:
            output.pop("transient", None)
    nbformat.validate(notebook)
    return nbformat.writes(notebook).rstrip("\n") + "\n"


def code_cells(notebook: NotebookNode) -> list[NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
        return f"{names[0]}, {os.cpu_count()} threads"
    except (OSError, IndexError):
        return f"{platform.processor() or platform.machine()}, {os.cpu_count()} threads"


def shown(path: Path) -> Path:
    resolved = path.resolve()
    return resolved.relative_to(ROOT) if resolved.is_relative_to(ROOT) else path


if __name__ == "__main__":
    sys.exit(main())
