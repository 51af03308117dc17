"""What takes the place of nbgrader's own execution of a submission: see `apart`."""

import json
import os
import tempfile
from pathlib import Path

from nbformat import NotebookNode
from nbformat.v4 import new_notebook
from nbgrader.converters import Autograde
from nbgrader.preprocessors import Execute
from nbgrader.utils import is_grade, is_locked, is_solution
from traitlets import Integer


def answers(notebook: NotebookNode) -> dict:
    """Take a submission's code: what all exercises share, what the student added, and each answer."""
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    ids = {id(cell): cell.metadata.get("nbgrader", {}).get("grade_id", "") for cell in cells}
    free = [c for c in cells if not (is_locked(c) or is_grade(c) or is_solution(c))]
    return {
        "context": "\n".join(c.source for c in cells if ids[id(c)] == "context"),
        "own": [cell.source for cell in free],
        "answers": {
            ids[id(c)].removeprefix("answer-").replace("-", "."): c.source
            for c in cells
            if is_solution(c)
        },
    }


class GradeApart(Execute):
    """Execute the cells with points, and no others, in a kernel where no student's line has run."""

    timeout = Integer(120, allow_none=True).tag(config=True)

    def preprocess(self, nb: NotebookNode, resources: dict) -> tuple[NotebookNode, dict]:
        """Execute them; their outputs stand in the submission afterwards."""
        graded = [cell for cell in nb.cells if is_grade(cell)]
        with tempfile.TemporaryDirectory() as folder:
            place = Path(folder) / "answers.json"
            place.write_text(json.dumps(answers(nb)), "utf-8")
            os.environ["GRADED_ANSWERS"] = str(place)  # the kernel inherits it
            super().preprocess(new_notebook(cells=graded, metadata=nb.metadata), resources)
        for cell in graded:  # a warning of a library is no mistake, and nbgrader takes it for one
            cell.outputs = [out for out in cell.outputs if out.get("name") != "stderr"]
        return nb, resources


# nbgrader's own list, with its first member exchanged.
PREPROCESSORS = [GradeApart, *Autograde.autograde_preprocessors.default()[1:]]
