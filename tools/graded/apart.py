"""Keep what a student wrote apart from what judges it.

nbgrader runs a submission in one kernel, tests included: whoever writes over a function of NumPy there
passes all of them, and a loop without end ends the rest. Here the cells with points run in a kernel in
which no line of the student's ever ran (`autograde.GradeApart`), and each answer runs in a process of its
own (`Answers`), which is given inputs and gives results.
"""

import base64
import inspect
import json
import os
import pickle
import queue
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from bpc_minimal.checks.core import Waits, Wrong

ENDLESS = "it does not come to an end: is there a loop that goes on?"
FORGED = "it wrote where the judge reads, in place of giving an answer."
CLOCK = "not graded: the time by the clock was over, and not the processor's; grade it again."
CHILD = Path(__file__).with_name("child.py")
# All that an answer learns of the variables of whoever grades it.
VARIABLES = tuple("PATH HOME LANG LC_ TMP TEMP SYSTEMROOT JAX_ XLA_ TF_ OMP_".split())


class NotGraded(Wrong):
    """The clock ran out while an answer was at work: nothing is known of it."""


def waits(pid: int) -> bool:
    """Does a process wait for something, in all its threads, or would it go on if the machine let it?"""
    asleep = 0
    for _ in range(40):
        places = [*Path(f"/proc/{pid}/task").glob("*/stat")]
        try:
            states = {place.read_text().rpartition(")")[2].split()[0] for place in places}
        except OSError:
            return False
        asleep = asleep + 1 if states == {"S"} else 0  # on other systems nothing is known
        if asleep == 10 or not places:
            return bool(places)
        time.sleep(0.1)
    return False


class Other:
    """A value of a kind that is no answer; its class has the name that it had there."""


def read(value: Any) -> Any:
    """Read what a child said."""
    if isinstance(value, list):
        return [read(part) for part in value]
    if not isinstance(value, dict):
        return value
    if value["kind"] == "array":
        flat = np.frombuffer(base64.b64decode(value["data"]), np.dtype(value["type"]))
        return flat.reshape(value["shape"])
    if value["kind"] == "dict":
        return {read(k): read(v) for k, v in value["of"]}
    return ... if value["kind"] == "ellipsis" else type(value["type"], (Other,), {})()


@contextmanager
def understood() -> Iterator[None]:
    """Say of a line that no child of ours wrote what it is: an answer can find the pipe."""
    try:
        yield
    except (LookupError, TypeError, ValueError, AttributeError, RecursionError):
        raise Wrong(FORGED, "forged") from None


class Answers(Mapping[str, Any]):
    """The names that an answer makes, in a process of its own, where its functions are called.

    Args:
        cells: of the submission: `context`, `own` and, by exercise, `answers`.
        number: the exercise's.
        names: those that the answer shall make.
        seconds: to wait for all of it. A loop without end is noticed by the processor's time: see
            `child.limit`.
    """

    def __init__(self, cells: dict, number: str, names: list[str], seconds: float):
        self.job = {
            "context": cells["context"],
            "own": cells["own"],
            "answer": cells["answers"].get(number, ""),
            "names": names,
        }
        self.ends = time.monotonic() + seconds
        self.process: subprocess.Popen | None = None
        self.found: dict[str, Any] = {}

    def __enter__(self) -> "Answers":
        try:
            return self.begin()
        except BaseException:
            self.stop()  # nothing of it goes on
            raise

    def begin(self) -> "Answers":
        try:
            self.start()
            self.hear()
        except NotGraded:
            raise
        except Wrong:  # a cell of the student's own has no end: without them
            self.stop()
            self.job["own"] = []
            self.start()
            self.hear()
        for name, what in self.answer_of(self.hear()).items():
            with understood():
                value = "value" in what
                self.found[name] = read(what["value"]) if value else Function(self, name, what)
        return self

    def start(self) -> None:
        env = {k: v for k, v in os.environ.items() if k.startswith(VARIABLES)}
        self.folder = tempfile.TemporaryDirectory()
        env |= dict.fromkeys(("TMPDIR", "TEMP", "TMP"), self.folder.name)  # no other is open to it
        self.process = subprocess.Popen(
            [sys.executable, "-B", CHILD],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=self.folder.name,
            env=env,
        )
        self.lines: queue.Queue[bytes] = queue.Queue()
        threading.Thread(target=self.listen, args=(self.process, self.lines), daemon=True).start()
        self.send(self.job)

    @staticmethod
    def listen(process: subprocess.Popen, lines: queue.Queue) -> None:
        for line in process.stdout or ():
            lines.put(line)
        lines.put(b"")

    def send(self, what: Any) -> None:
        assert self.process and self.process.stdin
        try:
            pickle.dump(what, self.process.stdin)
            self.process.stdin.flush()
        except OSError:
            pass  # it has ended, which `hear` will say

    def hear(self) -> dict:
        assert self.process
        try:
            line = self.lines.get(timeout=max(self.ends - time.monotonic(), 0))
        except queue.Empty:
            if waits(self.process.pid):
                raise Wrong(ENDLESS, "endless") from None
            raise NotGraded(CLOCK, "not graded") from None
        if not line.endswith(b"\n"):
            out_of_time = self.process.wait() in (-9, -24)  # SIGKILL, SIGXCPU
            if out_of_time:
                raise Wrong(ENDLESS, "endless")
            raise Wrong("it ended Python itself.", "ended")
        with understood():
            said = json.loads(line)
            return said | {}  # an object of JSON

    def answer_of(self, said: dict) -> dict:
        if "error" not in said:
            return said
        if said["error"] == "NotImplementedError":
            raise Waits
        with understood():
            at = f", at line {said['line']} of its cell" if said["line"] else ""
            message = said["message"]
        raise Wrong(f"it stopped with {said['error']}: {message}{at}.", "raised")

    def stop(self) -> None:
        if self.process:
            self.process.kill()
            self.process.wait()
            self.folder.cleanup()

    def __exit__(self, *_: Any) -> None:
        self.stop()

    def __getitem__(self, name: str) -> Any:
        return self.found[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.found)

    def __len__(self) -> int:
        return len(self.found)


class Function:
    """A function of the student's, called where it is."""

    def __init__(self, home: Answers, name: str, what: dict):
        self.home, self.name, self.nothing = home, name, what["nothing"]
        if what["function"] is not None:
            kinds = list(inspect._ParameterKind)
            self.__signature__ = inspect.Signature(
                [
                    inspect.Parameter(
                        one, kinds[kind], default=default[0] if default else inspect._empty
                    )
                    for one, kind, *default in what["function"]
                ]
            )

    def __call__(self, *arguments: Any) -> Any:
        self.home.send((self.name, arguments))
        said = self.home.hear()
        if "error" in said and said["error"] != "NotImplementedError":
            with understood():
                at = f" (line {said['line']} of its cell)" if said["line"] else ""
                error = type(said["error"], (Exception,), {})(said["message"] + at)
            raise error
        said = self.home.answer_of(said)
        with understood():
            result = read(said["value"])
        return ... if result is None and self.nothing else result
