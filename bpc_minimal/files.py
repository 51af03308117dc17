"""Files: one way to write them, one owner to a folder, and nothing believed of what they say of themselves.

What is written here is whole or is not there: it goes to a name of its own in the same folder, to the disk,
and then takes its place at once. What is read here is measured before memory is taken for it.
"""

import contextlib
import errno
import importlib.metadata
import io
import json
import math
import os
import re
import secrets
import socket
import stat
import warnings
from datetime import datetime
from pathlib import Path
from typing import IO, Any, Self

import numpy as np

PART = re.compile(r"\.bpc-[0-9a-f]{16}\.part")  # a file on its way to its place
MADE_BY = "bpc_minimal"  # stands at the head of a picture that was drawn here
LOCK = ".bpc-owner"  # says who owns a folder; locked as long as somebody does
# What a file system answers that has no locks.
NO_LOCKS = {errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP, errno.ENOLCK, errno.EINVAL}
# Never through a link that somebody put there, never handed to a child, on Windows never as text.
PLAIN = sum(getattr(os, name, 0) for name in ("O_NOFOLLOW", "O_CLOEXEC", "O_BINARY", "O_NONBLOCK"))


class HeldError(OSError):
    """The folder belongs to a run that is under way."""


def shown(text: object) -> str:
    """Write out what a terminal would obey, or not show: control characters, turned text, lone surrogates."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in str(text))


def expanded(path: Any) -> Path:
    """Take a path as people write it, `~` too.

    Raises:
        ValueError: it is no path, or empty, or begins with `~` and the name of nobody.
    """
    if not isinstance(path, (str, os.PathLike)):
        raise ValueError(f"{type(path).__name__} given, the path of a file expected")
    text = os.fsdecode(path)
    if not text or "\0" in text:
        raise ValueError(f"the path {text!r} given, the name of a file expected")
    found = os.path.expanduser(text)
    if found.startswith("~"):
        whole = os.path.join(os.path.abspath(os.curdir), text)
        raise ValueError(
            f"the path {text!r} given, and {Path(text).parts[0]} is no home: a name that begins with ~ is "
            f"given by its whole path, {whole!r}"
        )
    return Path(found)


def reinstall() -> str:
    """Say how to install the package again: from the address that it was published with, if it was."""
    with contextlib.suppress(importlib.metadata.PackageNotFoundError):
        links = importlib.metadata.metadata("bpc-minimal").get_all("Project-URL") or []
        for name, _, address in (link.partition(", ") for link in links):
            if name == "Repository" and "/OWNER/" not in address:
                return f"install the package again: pip install --force-reinstall --no-deps git+{address}"
    return "install the package again from where you got it"


# Writing --------------------------------------------------------------------------------------------


def write(path: str | Path, *content: bytes | memoryview, what: str = "") -> None:
    """Write a file; what was at its path is replaced only by the whole of it.

    Links are followed and kept, and so are an older file's mode and, where that is allowed, its owner. Two
    writers at once leave the file of one of them. Left-overs of writers that were killed are cleared away.

    Args:
        path: of the file; its folder must exist.
        content: bytes, one part after the other.
        what: the file is, for the message: "the checkpoint", for example.

    Raises:
        ValueError: the path is none.
        OSError: the folder is missing or read-only, the disk full, or the file protected.
    """
    path = expanded(path)
    with _named(path, what):
        target, older = _target(path)
        if older is not None and not stat.S_ISREG(
            older.st_mode
        ):  # a pipe or a device stays what it is
            with open(target, "wb") as file:
                file.writelines(content)
            return
        _clear_left_overs(target.parent)
        descriptor, part = _new_part(target.parent, older)
        try:
            with open(descriptor, "wb") as file:
                file.writelines(content)
                file.flush()
                os.fsync(descriptor)
                if os.name == "nt":
                    file.close()  # Windows renames no open file
                os.replace(part, target)  # still locked, or it might be taken for a left-over
        finally:
            with contextlib.suppress(OSError):  # renamed it is no longer there
                part.unlink()
        _sync_folder(target.parent)


def check_writable(path: str | Path, what: str = "") -> None:
    """Raise, as `write` would, where a file could not be written; nothing is left there."""
    path = expanded(path)
    with _named(path, what):
        target, older = _target(path)
        if older is None or stat.S_ISREG(older.st_mode):
            descriptor, part = _new_part(target.parent, older)
            os.close(descriptor)
            part.unlink()


@contextlib.contextmanager
def _named(path: Path, what: str):
    """Let an error name the file that was asked for, and not the one on its way there."""
    try:
        yield
    except OSError as error:
        name = f"{what} {shown(path)}".strip()
        raise OSError(
            f"could not write {name}: {error.strerror or error}; choose a folder that exists, may be written "
            "to and has room, and a file that may be replaced. What was at that path is as it was"
        ) from error


def _target(path: Path) -> tuple[Path, os.stat_result | None]:
    """Follow links to where the file lies or will lie; give what is there."""
    try:
        older = os.stat(path)
    except FileNotFoundError:
        return Path(os.path.realpath(path)), None
    if stat.S_ISDIR(older.st_mode):
        raise IsADirectoryError(errno.EISDIR, "it is a folder")
    if not stat.S_ISREG(older.st_mode):
        return path, older
    if not os.access(path, os.W_OK):
        raise PermissionError(errno.EACCES, "the file there is protected against writing")
    return Path(os.path.realpath(path)), older


def _new_part(folder: Path, older: os.stat_result | None) -> tuple[int, Path]:
    """Open a file of a name that nobody has, locked for as long as it is open; as the older one's mode is."""
    while True:
        part = folder / f".bpc-{secrets.token_hex(8)}.part"
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | PLAIN
        descriptor = os.open(part, flags, 0o600 if older else 0o666)
        if _locked(descriptor) is not False and os.fstat(descriptor).st_nlink:
            break
        os.close(descriptor)  # taken for a left-over in the instant before it was locked
    if older is not None and hasattr(os, "fchown"):  # not on Windows
        with contextlib.suppress(
            OSError
        ):  # another owner's file may be replaced, but not given to him
            os.fchown(descriptor, older.st_uid, older.st_gid)
        with contextlib.suppress(OSError):  # nor have all file systems modes
            os.fchmod(descriptor, stat.S_IMODE(older.st_mode))
    return descriptor, part


def _clear_left_overs(folder: Path) -> None:
    """Remove what killed writers left: a living one's is locked."""
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for name in [entry.name for entry in entries if PART.fullmatch(entry.name)]:
            with contextlib.suppress(OSError):
                descriptor = os.open(folder / name, os.O_RDWR | PLAIN)
                try:
                    if stat.S_ISREG(os.fstat(descriptor).st_mode) and _locked(descriptor):
                        os.unlink(folder / name)
                finally:
                    os.close(descriptor)


def _sync_folder(folder: Path) -> None:
    """Let a new name outlive a loss of power, where folders can be opened."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _locked(descriptor: int) -> bool | None:
    """Lock an open file until it is closed; False: another holds it; None: there are no locks here."""
    from filelock import lock_descriptor  # takes longer to import than all else of this file

    try:
        return lock_descriptor(descriptor, blocking=False)
    except OSError as error:
        if error.errno in NO_LOCKS:
            return None
        raise


# Owning ---------------------------------------------------------------------------------------------


class Owned:
    """A folder that belongs to this run until it is released, or its process ends, however it ends.

    The system holds the lock: it knows of processes in other namespaces, of threads, and of the dead.
    """

    def __init__(self, folder: Path, made: bool = False):
        """Take the folder, and make it where it is missing.

        Args:
            folder: to own.
            made: whether it was made for this run just now.

        Raises:
            HeldError: another run owns it; the message says who.
            OSError: it cannot be made or written to.
        """
        self.folder = folder
        self._made = [folder] if made else []
        try:
            self._descriptor: int | None = self._take()
        except HeldError:
            raise
        except OSError as error:
            self._remove_made()
            name = shown(error.filename or folder)
            raise OSError(
                f"no run can be kept in {shown(folder)}: {name}: {error.strerror or error}; choose a folder "
                "that may be made and written to"
            ) from error

    def _take(self) -> int:
        while True:
            missing = [p for p in (self.folder, *self.folder.parents) if not os.path.lexists(p)]
            self._made = [*dict.fromkeys(self._made + missing)]
            for folder in reversed(missing):
                folder.mkdir(exist_ok=True)
            try:
                descriptor = os.open(self.folder / LOCK, os.O_RDWR | os.O_CREAT | PLAIN, 0o666)
            except FileNotFoundError:
                if os.path.lexists(self.folder):
                    raise  # a link that leads nowhere
                continue  # its last owner removed it just now
            try:
                self._check_own(descriptor)
                locked = _locked(descriptor)
                if locked is False:
                    raise HeldError(
                        f"{shown(self.folder)} belongs to a run that is under way: "
                        f"{_holder(descriptor)}; wait for its end, stop it, or choose another folder (--out)"
                    )
                if os.fstat(descriptor).st_nlink:
                    break
            except BaseException:
                os.close(descriptor)
                raise
            os.close(descriptor)  # its last owner removed it before this one locked it
        try:
            if locked is None:
                warnings.warn(
                    f"{shown(self.folder)} lies on a file system without locks: see to it that no second run "
                    "writes there",
                    stacklevel=4,
                )
            _clear_left_overs(self.folder)
            since = datetime.now().astimezone().strftime("%Y-%m-%d %H:%M:%S %z")
            words = f"process {os.getpid()} on {socket.gethostname()}, since {since}"
            self._check_own(descriptor)  # a last time, as it is written over now
            os.ftruncate(descriptor, 0)
            os.write(descriptor, words.encode())
        except (
            BaseException
        ):  # a full disk, for example; left open, it would lock out this process too
            with contextlib.suppress(OSError):
                os.unlink(self.folder / LOCK)
            os.close(descriptor)
            raise
        return descriptor

    def _check_own(self, descriptor: int) -> None:
        """Raise OSError where what lies at the owner's name is another's file too, or none: it stays so."""
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or status.st_nlink > 1:
            kind = "another file, too" if stat.S_ISREG(status.st_mode) else "no file"
            raise OSError(errno.EPERM, f"it is {kind}; remove it", self.folder / LOCK)

    def check(self) -> None:
        """Raise OSError if the folder was removed, or given to another run, behind this one's back."""
        with contextlib.suppress(OSError):
            assert self._descriptor is not None
            here, there = os.fstat(self._descriptor), os.lstat(self.folder / LOCK)
            if (here.st_dev, here.st_ino) == (there.st_dev, there.st_ino):
                return
        raise OSError(
            f"{shown(self.folder)} is no longer this run's: the folder or {LOCK} in it was removed while it "
            "was under way; nothing more is written there"
        )

    def release(self) -> None:
        """Give the folder up, and remove those that were made for it and stayed empty."""
        if self._descriptor is None:
            return
        with contextlib.suppress(OSError):
            self.check()
            os.unlink(self.folder / LOCK)  # before it is unlocked, or it might be the next owner's
        os.close(self._descriptor)
        self._descriptor = None
        self._remove_made()

    def _remove_made(self) -> None:
        for folder in self._made:
            with contextlib.suppress(OSError):
                folder.rmdir()

    def __enter__(self) -> Self:
        """Give the folder itself."""
        return self

    def __exit__(self, *_) -> None:
        """Release it."""
        self.release()


def is_abandoned(folder: Path) -> bool:
    """Whether a folder holds nothing but the marks of a run that was killed before it kept anything.

    So does one whose run has just begun: own it, and ask again.
    """
    try:
        names = os.listdir(folder)
    except OSError:  # no folder, or not ours to look into
        return False
    return LOCK in names and all(name == LOCK or PART.fullmatch(name) for name in names)


def _holder(descriptor: int) -> str:
    try:
        return shown(os.read(descriptor, 200).decode(errors="replace")) or "it has just begun"
    except OSError:  # Windows does not let another process read what is locked
        return "another process"


# Reading --------------------------------------------------------------------------------------------


def read_npy(path: str | Path, what: str = "an array") -> np.ndarray:
    """Read an array of numbers that `np.save` wrote, from a file or a pipe; no pickle is ever run.

    Args:
        path: of the file.
        what: it should be, for the message.

    Raises:
        ValueError: the file is no such array, or is cut short.
        OSError: the file is missing or cannot be read.
    """
    path = expanded(path)
    try:
        with open(path, "rb") as file:
            return read_array(file, _left(file))
    except ValueError as error:
        raise ValueError(f"{shown(path)} cannot be read as {what}: {error}") from error
    except OSError as error:
        raise OSError(f"could not read {shown(path)}: {error.strerror or error}") from error


def read_array(
    file: IO[bytes],
    left: int | None = None,
    *,
    shape: tuple[int, ...] | None = None,
    dtypes: tuple[Any, ...] | None = None,
    kinds: str = "buif",
) -> np.ndarray:
    """Read one array in NumPy's format from an open file; what is expected is compared with its head.

    Args:
        file: at the beginning of the array.
        left: bytes that are left in it, if that is known; no memory is taken for more.
        shape: that settings ask for, if they do.
        dtypes: one of which is expected, if they are known.
        kinds: of what it holds, as NumPy abbreviates them: by default numbers.

    Raises:
        ValueError: there is no array of numbers, another one than was expected, or not the whole of it.
    """
    begin = file.tell() if left is not None else 0
    found, fortran_order, dtype = _head(file, kinds)
    if shape is not None and found != shape:
        raise ValueError(f"an array of shape {found} found, the settings ask for {shape}")
    if dtypes is not None and dtype not in dtypes:
        expected = " or ".join(str(np.dtype(d)) for d in dtypes)
        raise ValueError(f"an array of {dtype} found, {expected} expected")
    size = math.prod(found) * dtype.itemsize
    if left is not None:
        left -= file.tell() - begin
        if size > left:
            raise ValueError(
                f"its head promises {dtype} {found}, {size:,} bytes, and {left:,} follow: it is cut "
                "short, or its head is wrong"
            )
    content = bytearray()
    while len(content) < size:  # in parts, as a pipe may promise more than it has
        part = file.read(min(size - len(content), 1 << 20))
        if not part:
            raise ValueError(f"{len(content):,} bytes found, {size:,} expected: it is cut short")
        content += part
    if not size:
        return np.zeros(found, dtype)
    array = np.frombuffer(content, dtype).reshape(found, order="F" if fortran_order else "C")
    return array.astype(dtype.newbyteorder("="), order="C", copy=False)


PICTURE = (
    ": `classify` and `complete` take it beside others, --images a.png b.png; of training images make an "
    "array first: np.save('x.npy', "
    "[np.asarray(PIL.Image.open(f).convert('L').resize((28, 28))) for f in files])"
)
OTHER_FILES = {
    b"\x89PNG": "a PNG picture" + PICTURE,
    b"\xff\xd8\xff": "a JPEG picture" + PICTURE,
    b"GIF8": "a GIF picture" + PICTURE,
    b"PK": "a .npz or another archive; np.save one array of it by itself",
    b"\x1f\x8b": "compressed by gzip; unpack it first",
    b"\x80": "a pickle, which could run anything; np.save the array in it",
    b"\0\0\x08": "in the format of MNIST's own files; np.save the array in it",
}


def _head(file: IO[bytes], kinds: str) -> tuple[tuple[int, ...], bool, np.dtype]:
    """Read the head of an array; NumPy's own words advise to allow pickles, so they are not passed on."""
    readers = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }
    begin = file.read(np.lib.format.MAGIC_LEN)
    for start, kind in OTHER_FILES.items():
        if begin.startswith(start):
            raise ValueError(f"it is {kind}")
    if begin[4:] == b"ftyp":  # HEIC, as telephones keep photos
        raise ValueError(
            "it is a photo or film of a kind that is not read here; save it as PNG or JPEG"
        )
    try:
        with warnings.catch_warnings(action="ignore"):
            version = np.lib.format.read_magic(io.BytesIO(begin))
            shape, fortran_order, dtype = readers[version](file)
            # NumPy takes True for a length, and a length that no memory has.
            good = all(type(n) is int and 0 <= n < 2**48 for n in shape) and len(shape) <= 32
            good = good and math.prod(shape) < 2**48
    except (
        Exception
    ) as error:  # whatever NumPy's parser, or Python's behind it, makes of foreign bytes
        text = re.fullmatch(rb"[-+\d.eE,; \t\r\n]+", begin)
        cure = "; it is text: np.save('x.npy', np.loadtxt(path, delimiter=','))" if text else ""
        raise ValueError(f"it does not begin as np.save begins{cure}") from error
    if not good:
        raise ValueError("the shape in its head is none that an array could have")
    if dtype.kind not in kinds:
        expected = "text" if kinds == "U" else "numbers"
        raise ValueError(f"it holds {shown(dtype)[:60]}, {expected} expected")
    return shape, fortran_order, dtype


def read_text(path: str | Path, limit: int = 1 << 20) -> bytes:
    """Read a short file of text, such as settings.

    Raises:
        OSError: the file is missing, cannot be read, or is longer than `limit`.
    """
    path = expanded(path)
    try:
        with open(path, "rb") as file:
            content = file.read(limit + 1)
    except OSError as error:
        raise OSError(f"could not read {shown(path)}: {error.strerror or error}") from error
    if len(content) > limit:
        raise OSError(f"{shown(path)} is longer than {limit:,} bytes: it holds something else")
    return content


def parse_json(text: str | bytes, what: str) -> Any:
    """Read JSON that others wrote; Python's own words advise to read longer numbers, and are left out.

    Raises:
        ValueError: it is none; `what` begins the message, such as "settings".
    """
    try:
        return json.loads(text)
    except (json.JSONDecodeError, UnicodeDecodeError, RecursionError, TypeError) as error:
        raise ValueError(f"{what} not JSON: {error}") from error
    except ValueError as error:
        raise ValueError(
            f"{what} not JSON: a number of thousands of digits, a shorter one expected"
        ) from error


def _left(file: IO[bytes]) -> int | None:
    """Count the bytes of an open file; None for a pipe, which nobody can know of."""
    status = os.fstat(file.fileno())
    return status.st_size - file.tell() if stat.S_ISREG(status.st_mode) else None
