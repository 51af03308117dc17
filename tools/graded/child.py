"""Run a student's answer in a process of its own, and hand what it gives to the process that judges.

It reads pickles from its input, which the judge wrote, and writes JSON, so that nothing that a student
made is unpickled there. It knows fresh inputs, and no right answer: those of the course are out of its reach
(`guard`). That is a lock and no prison; who grades strangers does so in a container.
"""

import base64
import builtins
import ctypes  # noqa: F401  (before it is out of reach)
import dis
import inspect
import json
import os
import pickle
import stat
import sys
from pathlib import Path
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


REFUSED = frozenset(
    "ctypes.call_function ctypes.dlopen ctypes.dlsym gc.get_objects gc.get_referents gc.get_referrers "
    "os.chdir os.exec os.fchdir os.fork os.forkpty os.kill os.killpg os.posix_spawn os.spawn os.startfile "
    "os.system pty.spawn signal.pthread_kill socket.connect socket.sendmsg socket.sendto sqlite3.connect "
    "subprocess.Popen".split()
)


def guard(course: Path) -> None:
    """Refuse from now on, for good, the files of the course, other processes, and the network.

    A file is known by its number, whatever leads to it, and nothing is used that an answer could write over.
    """
    there = [path.stat() for path in (course, *course.rglob("*")) if path.exists()]
    kept = frozenset((one.st_dev, one.st_ino) for one in there)
    proc = os.stat("/proc").st_dev if os.path.exists("/proc") else None  # where processes are files
    own = os.stat(".").st_dev, os.stat(".").st_ino

    def hook(
        event, args, refused=REFUSED, kept=kept, proc=proc, own=own, look=os.stat, is_folder=stat.S_ISDIR,
        starts=str.startswith, is_a=isinstance, text=(str, bytes), gone=OSError, no=PermissionError,
    ):  # fmt: skip
        if event in refused:
            raise no("other processes, folders and machines are out of reach of an answer")
        if not (event == "open" or starts(event, "os.")) or not args or not is_a(args[0], text):
            return
        try:
            found = look(args[0])
        except gone:
            return
        number = found.st_dev, found.st_ino
        folder = (
            event == "open" and is_folder(found.st_mode) and number != own
        )  # a way past its name
        if number in kept or found.st_dev == proc or folder:
            raise no("the files of the course are out of reach of an answer")

    sys.addaudithook(hook)


def main() -> None:
    limit(STARTS)
    sys.path.pop(0)  # the folder of this file, where the right answers are
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
    guard(Path(__file__).resolve().parents[1])
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
