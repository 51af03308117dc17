"""Run a notebook in a kernel as a reader does, from its first cell to its last; print what its checks say.

    python run_all.py NOTEBOOK ANSWERS

Then once more from the first exercise on, in the same kernel, with the answers that a file holds by cell ids.
It needs nothing but nbclient, so that it runs where Colab is rehearsed.
"""

import json
import sys

import nbformat
from nbclient import NotebookClient


def main() -> None:
    notebook = nbformat.read(sys.argv[1], as_version=4)
    cells = notebook.cells
    client = NotebookClient(notebook, kernel_name="python3", timeout=1800)
    passes = [range(len(cells))]
    with open(sys.argv[2], encoding="utf-8") as file:
        answers = json.load(file)
    if answers:
        passes.append(range(min(i for i, c in enumerate(cells) if c.id in answers), len(cells)))
    with client.setup_kernel():
        for again, indices in enumerate(passes):
            said = {}
            for index in indices:
                cell = cells[index]
                if again:
                    cell.source = answers.get(cell.id, cell.source)
                client.execute_cell(cell, index)
                if "check" in cell.metadata.get("tags", []):
                    said[cell.source] = "".join(output.get("text", "") for output in cell.outputs)
            print(json.dumps(said))


if __name__ == "__main__":
    main()
