"""Run a student's answer in a process of its own, and hand what it gives to the process that judges.

It reads pickles from its input, which the judge wrote, and writes JSON, so that nothing that a student
made is unpickled there. It knows fresh inputs, and no right answer.
"""

import base64
import builtins
import dis
import inspect
import json
import os
import pickle
import sys
from typing import Any

STARTS, ANSWERS = 30, 60  # seconds of processor time: for what comes before an answer, and for all
DOES_NOTHING = {"RESUME", "NOP", "LOAD_CONST", "RETURN_CONST", "RETURN_VALUE"}


class Shell:
    """What a cell's own lines for IPython find here: nothing is run."""

    def __getattr__(self, name: str) -> Any:
        return lambda *_, **__: None


def said(value: Any) -> Any:
    """Write a value as JSON: numbers, text, lists, arrays; of all else the name of its type."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if value is ...:
        return {"kind": "ellipsis"}
    if inspect.isgenerator(value) or isinstance(value, map | zip | filter | range):
        value = list(value)
    if isinstance(value, list | tuple):
        return [said(part) for part in value]
    if isinstance(value, dict):
        return {"kind": "dict", "of": [[said(k), said(v)] for k, v in value.items()]}
    import numpy as np

    array = np.asarray(value) if hasattr(value, "__array__") else np.empty(0, object)
    if array.dtype.kind in "biuf":
        data = base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()
        return {"kind": "array", "type": array.dtype.str, "shape": array.shape, "data": data}
    return {"kind": "other", "type": type(value).__name__}


def described(value: Any) -> Any:
    """Say of a name of the notebook what it is: a function is called from afar."""
    if not callable(value) or isinstance(value, type):
        return {"value": said(value)}
    try:
        arguments = [[p.name, int(p.kind)] + ([] if p.default is p.empty else [0])
                     for p in inspect.signature(value).parameters.values()]  # fmt: skip
    except (TypeError, ValueError):
        arguments = None
    inner = inspect.unwrap(value)
    nothing = (
        inspect.isfunction(inner)
        and {one.opname for one in dis.get_instructions(inner)} <= DOES_NOTHING
    )
    return {"function": arguments, "nothing": nothing}


def error_of(error: BaseException) -> dict:
    """Say which error an answer stopped with, and at which of its lines."""
    message = (str(error).strip().splitlines() or [""])[0]
    place, trace = None, error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == "<answer>":
            place = trace.tb_lineno
        trace = trace.tb_next
    return {"error": type(error).__name__, "message": message, "line": place}


def limit(seconds: int) -> None:
    """End this process after so much processor time: a busy machine is no loop without end."""
    try:
        import resource
    except ImportError:  # on Windows: the judge's own limit is left
        return
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, ANSWERS))


def main() -> None:
    limit(STARTS)
    to_judge = os.fdopen(os.dup(1), "w")
    from_judge = os.fdopen(os.dup(0), "rb")
    os.dup2(os.open(os.devnull, os.O_RDWR), 0)
    os.dup2(os.open(os.devnull, os.O_RDWR), 1)  # what a student prints goes nowhere
    sys.stdout, builtins.input = open(os.devnull, "w"), lambda *_: ""

    def tell(what: Any) -> None:
        to_judge.write(json.dumps(what) + "\n")
        to_judge.flush()

    from IPython.core.inputtransformer2 import TransformerManager

    space: dict[str, Any] = {"__name__": "__main__", "get_ipython": lambda: Shell()}

    def execute(code: str, name: str) -> None:
        exec(compile(TransformerManager().transform_cell(code), name, "exec"), space)

    job = pickle.load(from_judge)
    execute(job["context"], "<context>")
    for code in job["own"]:  # cells that the student added: what stops there is told by the answer
        try:
            execute(code, "<own>")
        except (Exception, SystemExit):
            continue
    limit(ANSWERS)
    tell({"ready": True})
    try:
        execute(job["answer"], "<answer>")
    except BaseException as error:
        return tell(error_of(error))
    tell({name: described(space[name]) for name in job["names"] if name in space})
    while True:
        try:
            name, arguments = pickle.load(from_judge)
        except EOFError:
            return
        try:
            tell({"value": said(space[name](*arguments))})
        except BaseException as error:
            tell(error_of(error))


if __name__ == "__main__":
    main()
