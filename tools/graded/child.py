"""Run a student's answer in a process of its own, and hand what it gives to the process that judges.

It reads pickles from its input, which the judge wrote, and writes JSON, so that nothing that a student
made is unpickled there. It knows fresh inputs, and no right answer: those of the course are out of its reach,
and it writes nowhere but into a folder of its own. Linux itself sees to that (`confine`), and Python, which
says it in words (`guard`). On other systems Python alone does: that is a lock and no prison, and who grades
strangers there does so in a container.
"""

import base64
import builtins
import ctypes  # noqa: F401  (before it is out of reach)
import dis
import importlib.util
import inspect
import json
import os
import pickle
import stat
import subprocess  # noqa: F401  (before it is disarmed)
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from confine import confine  # type: ignore[import-not-found]

STARTS, ANSWERS = 30, 60  # seconds of processor time: for what comes before an answer, and for all
MEMORY, FILES = 4 << 30, 1 << 28  # bytes: of all that an answer holds, and of a file that it writes
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

    if not hasattr(value, "__array__") and hasattr(value, "__float__"):
        try:
            return float(value)  # a fraction, a decimal number, a number of SymPy's
        except Exception:
            return {"kind": "other", "type": type(value).__name__}
    array = np.asarray(value) if hasattr(value, "__array__") else np.empty(0, object)
    if array.dtype.kind == "O" and array.size:  # an array of such numbers
        try:
            array = array.astype(float)
        except Exception:
            return {"kind": "other", "type": type(value).__name__}
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
    """End this process after so much processor time: a busy machine is no loop without end.

    What it asks for beyond its memory it does not get: then there is a MemoryError.
    """
    try:
        import resource
    except ImportError:  # on Windows: the judge's own limit is left
        return
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, ANSWERS))
    for what, most in ((resource.RLIMIT_DATA, MEMORY), (resource.RLIMIT_FSIZE, FILES)):
        resource.setrlimit(what, (most, most))


REFUSED = frozenset(
    "cpython.PyInterpreterState_New gc.get_objects gc.get_referents gc.get_referrers os.chdir os.exec "
    "os.fchdir os.fork os.forkpty os.kill os.killpg os.link os.posix_spawn os.spawn os.startfile os.symlink "
    "os.system pty.spawn resource.prlimit signal.pthread_kill socket.bind socket.connect socket.sendmsg "
    "socket.sendto sqlite3.connect subprocess.Popen sys._current_frames sys._current_exceptions".split()
)
OF_CTYPES = frozenset(  # those of its events that reach no memory of another's, and NumPy's arrays raise
    "ctypes.addressof ctypes.cdata/buffer ctypes.create_string_buffer ctypes.create_unicode_buffer "
    "ctypes.get_errno ctypes.set_errno".split()
)
READS = frozenset(
    "os.getxattr os.listdir os.listmounts os.listvolumes os.listxattr os.scandir".split()
)
WRITES = frozenset(
    "os.chflags os.chmod os.chown os.lchflags os.lchmod os.mkdir os.remove os.removexattr os.rename os.rmdir "
    "os.setxattr os.truncate os.utime".split()
)
# Compiled modules that open files, or run programs, and tell nobody.
DOORS = frozenset(
    "_cffi_backend _curses _dbm _gdbm _interpreters _posixshmem _posixsubprocess _testcapi "
    "_testinternalcapi _tkinter _xxsubinterpreters posix readline syslog zmq".split()
)
UNTOLD = "chroot mkfifo mknod pidfd_open setns unshare".split()  # of `os`: these raise no event
OUT = "out of reach of an answer"
OTHERS = f"other processes, folders and machines are {OUT}"


def refuse(*_: Any, **__: Any) -> Any:
    raise PermissionError(OTHERS)


def known(*paths: Any) -> frozenset:
    """Give the numbers by which files are known, whatever they are called, of those that are there."""
    found = [os.stat(path) for path in paths if path and os.path.exists(path)]
    return frozenset((one.st_dev, one.st_ino) for one in found)


def disarm() -> None:
    """Take away what reaches files and processes without an event."""
    for name in sys.builtin_module_names:  # none is made anew afterwards
        try:
            importlib.import_module(name)
        except Exception:
            continue
    system = sys.modules.get("posix") or sys.modules.get("nt")
    for name in UNTOLD:
        for kind in (os.supports_dir_fd, os.supports_fd, os.supports_follow_symlinks):
            kind.discard(getattr(os, name, None))
        for module in (os, system):
            if hasattr(module, name):
                setattr(module, name, refuse)
    others = {"_posixsubprocess": "fork_exec", "subprocess": "_fork_exec", "_imp": "create_builtin"}
    for place, name in others.items():
        if hasattr(sys.modules.get(place), name):
            setattr(sys.modules[place], name, refuse)
    sys.dont_write_bytecode = True


def package() -> str:
    """Give the folder of the book's package, which Python finds from then on without looking for it."""
    spec = importlib.util.find_spec("bpc_minimal")
    return spec.submodule_search_locations[0] if spec and spec.submodule_search_locations else ""


def libraries(course: Path) -> Iterator[str]:
    """Name what an answer may read: Python, its packages, fonts; of the book's package all but its checks."""
    yield from (sys.prefix, sys.base_prefix, sys.exec_prefix, sys.base_exec_prefix)
    for path in map(os.path.realpath, filter(None, sys.path)):
        of_the_book = (
            os.path.isdir(os.path.join(path, "bpc_minimal")) and "site-packages" not in path
        )
        if not of_the_book and path not in map(os.path.realpath, (course, *course.parents)):
            yield path
    with os.scandir(package() or os.curdir) as parts:
        yield from (one.path for one in parts if one.name != "checks")
    fonts = (".cache/matplotlib", ".config/matplotlib", ".matplotlib", ".fonts", "Library/Fonts")
    yield from (os.path.join(os.path.expanduser("~"), one) for one in fonts)


def guard(course: Path) -> None:
    """Refuse from now on, for good, the files of the course, other processes, and the network.

    An answer writes into its own folder, the one that it runs in, and nowhere else. It reads neither the
    course nor the folders of others for a moment, nor what the user keeps at home, but for Python and its
    packages. Where a path leads is found by going up from its folder, each known by its number; for that
    nothing is used that an answer could write over.
    """
    home = os.path.expanduser("~")
    own, courses, null = known("."), known(course), known(os.devnull)
    root = known("/", os.path.splitdrive(home)[0] + "/")
    closed = courses | (known(home, "..") - root)
    checks = [name for name in sys.modules if name.startswith("bpc_minimal.checks")]
    for name in ("bpc_minimal.checks", *checks):  # they hold answers to the book's own exercises
        sys.modules[name] = None  # type: ignore[assignment]
    closed |= known(os.path.join(package(), "checks"))
    read = known(*libraries(course), package()) - closed - own - root
    kept = known(course, *course.rglob("*"))
    proc = os.stat("/proc").st_dev if os.path.exists("/proc") else None  # where processes are files
    writing = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
    disarm()

    def hook(
        event, args, refused=REFUSED, of_ctypes=OF_CTYPES, reads=READS, writes=WRITES, doors=DOORS,
        kept=kept, closed=closed, own=own, read=read, null=null, proc=proc, writing=writing,
        look=os.stat, is_folder=stat.S_ISDIR, starts=str.startswith, kind=type, text=str, raw=bytes,
        number=int, gone=(FileNotFoundError, NotADirectoryError), fault=(OSError, ValueError), size=len,
        no=PermissionError, not_there=ImportError, windows=os.name == "nt", levels=tuple(range(99)),
        processes=OTHERS, files=f"the files of the course are {OUT}",
        elsewhere=f"what is not in an answer's own folder is {OUT}",
    ):  # fmt: skip
        if event in refused or (starts(event, "ctypes.") and event not in of_ctypes):
            raise no(processes)
        write = event in writes
        if event == "open":
            path, mode, flags = args
            write = kind(flags) is not number or flags & writing != 0
            write = write or (kind(mode) is text and mode not in ("r", "rb", "rt"))
            paths = (path,)
        elif event == "import":
            name, path = args[:2]
            if kind(name) is not text or name.rpartition(".")[2] in doors or name in doors:
                raise not_there(processes)
            if path is None:
                return
            paths = (path,)
        elif write:
            paths = args[:2] if event == "os.rename" else args[:1]
        elif event in reads:
            paths = args[:1]
        else:
            return
        for path in paths:
            if kind(path) is number:
                continue
            if path is None:
                path = "."
            if kind(path) is raw:
                path = path.decode("utf-8", "surrogateescape")
            if kind(path) is not text:
                raise no(elsewhere)
            if windows:
                path = path.replace("\\", "/")
            if "\0" in path:
                return  # which Python refuses anyhow
            try:
                found = look(path)
            except fault:
                folder = False
            else:
                folder, here = is_folder(found.st_mode), (found.st_dev, found.st_ino)
                if here in kept or found.st_dev == proc:
                    raise no(files)
                if here in null and event == "open":
                    continue
            last = path.rpartition("/")[2]
            place = path
            if last not in ("", ".", "..") and not (folder and (event == "open" or not write)):
                place = path[: size(path) - size(last)] or "."
            before, where, up = None, None, place
            for level in levels:
                try:
                    found = look(up)
                except gone:
                    if level or "/../" in "/" + path + "/":
                        raise no(elsewhere) from None
                    break  # there is no such folder, as whoever asked is told next
                except fault:
                    raise no(elsewhere) from None
                at = found.st_dev, found.st_ino
                if found.st_dev == proc or at in closed:
                    raise no(files)
                if at in own:
                    where = "own"
                    break
                if at in read and not write:
                    where = "library"
                    break
                if at == before:
                    break
                before, up = at, up + "/.."
            else:
                raise no(elsewhere)
            if before is None and where is None:  # no such folder
                continue
            if event == "import":
                if where == "own":
                    raise not_there(elsewhere)
            elif where != "own" and (write or (folder and event == "open")):
                raise no(elsewhere)

    sys.addaudithook(hook)


def main() -> None:
    limit(STARTS)
    sys.path.pop(0)  # the folder of this file, where the right answers are
    course = Path(__file__).resolve().parents[1]
    confine(reads=libraries(course), closed=str(course), lists=[package()], writes=["."])
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
    guard(course)
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
