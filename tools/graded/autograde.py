"""What takes the place of nbgrader's own execution of a submission: see `apart`."""

import json
import os
import tempfile
from pathlib import Path

from nbclient.exceptions import CellTimeoutError
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_notebook
from nbgrader.converters import Autograde
from nbgrader.preprocessors import Execute
from nbgrader.utils import is_grade, is_locked, is_solution
from traitlets import Integer

from .confine import able


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


# The judge's own beginning. It looks for the course's folder last, and nowhere where a student's file lies.
BEGIN = """import sys
sys.path[:] = [*filter(None, sys.path), {course!r}]
import graded
"""
ONES_OWN = 10  # seconds of a cell's that are left to the judge when an answer's are over
UNTIMELY = {"NotGraded", "CellTimeoutError", "KeyboardInterrupt"}
REPEAT = (
    "not graded, and no mark given: the time by the clock was over. Grade it again, with more time if the "
    "machine does much else: nbgrader autograde NAME --GradeApart.timeout={more}"
)
OPEN = (
    "Python alone keeps answers from your files here; Linux 6.2 or newer with libseccomp would hold them "
    "itself. Grade strangers in a container."
)


class NotGraded(Exception):
    """The judge could do nothing: nbgrader goes on with the next submission, and names this one."""


class GradeApart(Execute):
    """Execute the cells with points, and no others, in a kernel where no student's line has run."""

    timeout = Integer(120, allow_none=True).tag(config=True)

    def preprocess(self, nb: NotebookNode, resources: dict) -> tuple[NotebookNode, dict]:
        """Execute them; their outputs stand in the submission afterwards.

        Raises:
            NotGraded: if the clock ran out without an answer's fault, or the judge did not start.
        """
        if not able():
            self.log.warning(OPEN)
        graded = [cell for cell in nb.cells if is_grade(cell)]
        course = str(Path(__file__).resolve().parents[1])
        begin = new_code_cell(BEGIN.format(course=course))
        with tempfile.TemporaryDirectory() as folder:
            place = Path(folder) / "answers.json"
            place.write_text(json.dumps(answers(nb)), "utf-8")
            os.environ["GRADED_ANSWERS"] = str(place)  # the kernel inherits it
            seconds = max(self.timeout - ONES_OWN, 1) if self.timeout else 1e9
            os.environ["GRADED_SECONDS"] = str(seconds)
            there = {**resources, "metadata": {**resources.get("metadata", {}), "path": folder}}
            more = REPEAT.format(more=5 * (self.timeout or 120))
            try:
                super().preprocess(
                    new_notebook(cells=[begin, *graded], metadata=nb.metadata), there
                )
            except CellTimeoutError:
                raise NotGraded(more) from None
        errors = [
            (cell, out.ename)
            for cell in (begin, *graded)
            for out in cell.outputs
            if out.output_type == "error"
        ]
        if any(name in UNTIMELY for _, name in errors):
            raise NotGraded(more)
        if any(cell is begin for cell, _ in errors):
            raise NotGraded(f"the judge does not start: {begin.outputs[-1].evalue}")
        for cell in graded:  # a warning of a library is no mistake, and nbgrader takes it for one
            cell.outputs = [out for out in cell.outputs if out.get("name") != "stderr"]
        return nb, resources


# nbgrader's own list, with its first member exchanged.
PREPROCESSORS = [GradeApart, *Autograde.autograde_preprocessors.default()[1:]]
