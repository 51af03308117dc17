"""Laws of files: what is written is whole or not there, a folder has one owner, what is read is measured.

`bpc_minimal/files.py` needs no JAX, so that the processes that are started here begin in an instant.
"""

import contextlib
import errno
import gzip
import os
import pickle
import random
import re
import shutil
import stat
import struct
import subprocess
import sys
import threading
import time
import warnings
from pathlib import Path

import filelock
import numpy as np
import pytest
from PIL import Image

from bpc_minimal import files
from bpc_minimal.files import (
    LOCK,
    HeldError,
    Owned,
    check_writable,
    expanded,
    is_abandoned,
    read_npy,
    shown,
    write,
)

posix = pytest.mark.skipif(os.name == "nt", reason="links, modes and signals of POSIX")
LOAD = f"""
import importlib.util, os, sys, time
spec = importlib.util.spec_from_file_location("files", {str(files.__file__)!r})
files = importlib.util.module_from_spec(spec)
spec.loader.exec_module(files)
"""


def start(program, *arguments, before=()):
    """Run lines of Python, with `files` loaded, in a process of its own."""
    command = [*before, sys.executable, "-c", LOAD + program, *map(str, arguments)]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, bufsize=1
    )


def names(folder):
    return sorted(os.listdir(folder))


# Writing --------------------------------------------------------------------------------------------


def test_what_is_written_is_there_and_nothing_else(tmp_path):
    write(tmp_path / "a", b"one", memoryview(b"two"))
    write(str(tmp_path / "a"), b"three")
    assert (tmp_path / "a").read_bytes() == b"three"
    long = tmp_path / ("x" * 250)
    write(long, b"long")  # the name on its way there is no longer than that
    assert long.read_bytes() == b"long"
    assert len(names(tmp_path)) == 2


@posix
def test_links_and_modes_are_kept(tmp_path):
    there = tmp_path / "there"
    there.mkdir()
    (tmp_path / "link").symlink_to("there/file")
    (tmp_path / "again").symlink_to("link")
    write(tmp_path / "again", b"first")  # it led nowhere yet
    assert (there / "file").read_bytes() == b"first"
    mask = os.umask(0)
    os.umask(mask)
    assert stat.S_IMODE((there / "file").stat().st_mode) == 0o666 & ~mask
    for mode in (0o600, 0o640, 0o755, 0o444 if os.geteuid() == 0 else 0o644):
        (there / "file").chmod(mode)
        write(tmp_path / "link", b"next")
        assert stat.S_IMODE((there / "file").stat().st_mode) == mode
    assert os.readlink(tmp_path / "link") == "there/file" and (tmp_path / "again").is_symlink()
    assert (there / "file").read_bytes() == b"next"
    assert names(there) == ["file"] and names(tmp_path) == ["again", "link", "there"]


@posix
@pytest.mark.skipif(os.name != "nt" and os.geteuid() == 0, reason="nothing is protected from root")
def test_a_protected_file_is_not_replaced(tmp_path):
    (tmp_path / "file").write_bytes(b"mine")
    (tmp_path / "file").chmod(0o444)
    with pytest.raises(OSError, match="could not write .*file: .*protected"):
        write(tmp_path / "file", b"yours")
    assert (tmp_path / "file").read_bytes() == b"mine"


@posix
def test_what_cannot_be_written_is_named_before_and_after(tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_bytes(b"")
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "nowhere").symlink_to("absent/file")
    places = ("folder", "absent/file", "file/x", "loop", "nowhere", "y" * 300)
    for place in places:
        for attempt in (
            lambda p: check_writable(p, "the thing"),
            lambda p: write(p, b"", what="the thing"),
        ):
            with pytest.raises(OSError, match=f"could not write the thing .*{place[:9]}"):
                attempt(tmp_path / place)
    for place in ("", "a\0b", None, 3, ["x"]):
        for attempt in (check_writable, write):
            with pytest.raises(ValueError, match="expected"):
                attempt(place)
    check_writable(tmp_path / "new")
    assert names(tmp_path) == ["file", "folder", "loop", "nowhere"]


@posix
def test_pipes_and_devices_stay_what_they_are(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read = []
    thread = threading.Thread(target=lambda: read.append(pipe.read_bytes()))
    thread.start()
    write(pipe, b"through")
    thread.join()
    assert read == [b"through"] and stat.S_ISFIFO(pipe.stat().st_mode)
    (tmp_path / "null").symlink_to(os.devnull)
    write(tmp_path / "null", b"away")
    assert stat.S_ISCHR(os.stat(os.devnull).st_mode) and (tmp_path / "null").is_symlink()


@posix
def test_left_overs_of_the_dead_are_cleared_and_nothing_else(tmp_path, monkeypatch):
    dead, living = tmp_path / f".bpc-{'0' * 16}.part", tmp_path / f".bpc-{'1' * 16}.part"
    dead.write_bytes(b"torn")
    living.write_bytes(b"on its way")
    victim = tmp_path / "victim"
    victim.write_bytes(b"precious")
    planted = tmp_path / f".bpc-{'2' * 16}.part"
    planted.symlink_to(victim)
    os.mkfifo(tmp_path / f".bpc-{'3' * 16}.part")
    mine = [tmp_path / "checkpoint.part", tmp_path / ".bpc-mine.part"]
    for path in mine:
        path.write_bytes(b"")
    # The next name that is drawn is planted; the one after it is free.
    drawn = iter(["2" * 16, "4" * 16])
    monkeypatch.setattr(files.secrets, "token_hex", lambda n: next(drawn))
    with open(living, "r+b") as file:
        assert filelock.lock_descriptor(file.fileno(), blocking=False)
        with pytest.raises(OSError, match="could not write"):
            write(tmp_path / "file", b"planted")
        write(tmp_path / "file", b"free")
    assert victim.read_bytes() == b"precious"
    assert not dead.exists() and living.exists() and planted.is_symlink()
    assert all(path.exists() for path in mine)


def test_threads_that_write_one_file_leave_a_whole_one(tmp_path):
    path, torn = tmp_path / "file", []
    contents = [bytes([i]) * 200_000 for i in range(4)]

    def work(content):
        for _ in range(40):
            write(path, content)
            if path.read_bytes() not in contents:
                torn.append(path)

    threads = [threading.Thread(target=work, args=(c,)) for c in contents]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not torn and names(tmp_path) == ["file"]


@posix
@pytest.mark.parametrize("kills", [5, pytest.param(50, marks=pytest.mark.slow)])
def test_a_writer_killed_at_any_moment_leaves_a_whole_file(tmp_path, kills):
    program = """
print("begun", flush=True)
i = 0
while True:
    i = (i + 1) % 250
    files.write(sys.argv[1], bytes([i]) * 3_000_000)
"""
    path, moment, left = tmp_path / "file", random.Random(0), 0
    write(path, b"\0" * 3_000_000)
    for _ in range(kills):
        process = start(program, path)
        process.stdout.readline()
        time.sleep(moment.uniform(0, 0.05))
        process.kill()
        process.communicate()
        content = path.read_bytes()
        assert len(content) == 3_000_000 and len(set(content)) == 1
        left += len(names(tmp_path)) - 1
    write(path, b"last")
    assert names(tmp_path) == ["file"]
    assert kills < 50 or left  # some were killed on the way


@pytest.mark.parametrize("broken", ["fsync", "replace"])
def test_whatever_fails_leaves_the_older_file(tmp_path, monkeypatch, broken):
    write(tmp_path / "file", b"older")

    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, broken, full)
    with pytest.raises(OSError, match="could not write .*file: No space left.*as it was"):
        write(tmp_path / "file", b"newer")
    assert (tmp_path / "file").read_bytes() == b"older" and names(tmp_path) == ["file"]


# Owning ---------------------------------------------------------------------------------------------

HOLD = """
owned = files.Owned(files.Path(sys.argv[1]))
print(os.getpid(), flush=True)
sys.stdin.read()
"""
TRY = """
try:
    files.Owned(files.Path(sys.argv[1])).release()
    print("owned")
except files.HeldError as error:
    print(error)
"""


def held_by(*before, folder):
    """A process that owns a folder, once it does."""
    command = [*before, sys.executable, "-c", LOAD + HOLD, str(folder)]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    number = process.stdout.readline().strip()
    return process, number


def test_a_folder_has_one_owner_until_its_process_ends(tmp_path):
    process, number = held_by(folder=tmp_path / "run")
    try:
        with pytest.raises(
            HeldError, match=rf"run belongs to .*process {number} on \S+, since 20\d\d-"
        ):
            Owned(tmp_path / "run")
        out, err = start(TRY, tmp_path / "run").communicate()
        assert f"process {number} on" in out, err
    finally:
        process.kill()
        process.communicate()
    with Owned(tmp_path / "run"):  # the system released it
        pass
    assert names(tmp_path / "run") == []


def test_a_folder_has_one_owner_among_threads(tmp_path):
    won, begin, end = [], threading.Barrier(8), threading.Barrier(8)

    def claim():
        begin.wait()
        with contextlib.suppress(HeldError):
            won.append(Owned(tmp_path / "run"))
        end.wait()

    threads = [threading.Thread(target=claim) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (owned,) = won
    owned.release()
    owned.release()  # once is enough
    # Empty, and gone if the owner made it: one that was refused may have made it a moment earlier.
    assert not (tmp_path / "run").exists() or names(tmp_path / "run") == []


@posix
def test_a_folder_has_one_owner_among_namespaces(tmp_path):
    """Where every run is process 1, as in containers that share a disk."""
    apart = ("unshare", "--pid", "--fork", "--mount-proc")
    if (
        not shutil.which("unshare")
        or subprocess.run([*apart, "true"], capture_output=True).returncode
    ):
        pytest.skip("this user may not make namespaces")
    process, number = held_by(*apart, folder=tmp_path)
    try:
        assert int(number) < 5
        out, err = start(TRY, tmp_path, before=apart).communicate()
        assert f"process {number} on" in out, err
        for _ in range(2):  # and the files of two that have one number do not meet
            write(tmp_path / "file", b"whole")
    finally:
        process.communicate("")
    out, err = start(TRY, tmp_path, before=apart).communicate()
    assert out == "owned\n", err


@posix
def test_an_owner_notices_that_it_is_none_any_more(tmp_path):
    first = Owned(tmp_path / "run")
    first.check()
    (tmp_path / "run" / LOCK).unlink()
    with pytest.raises(OSError, match="run is no longer this run's"):
        first.check()
    second = Owned(tmp_path / "run")
    with pytest.raises(OSError, match="no longer"):
        first.check()
    first.release()
    second.check()  # the lock that the first one leaves alone is the second's
    shutil.rmtree(tmp_path / "run")
    with pytest.raises(OSError, match="no longer"):
        second.check()
    second.release()


@posix
def test_what_cannot_be_owned_is_named(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    (tmp_path / "nowhere").symlink_to("absent")
    (tmp_path / "planted").mkdir()
    (tmp_path / "planted" / LOCK).symlink_to(tmp_path / "file")
    for place in (
        "file",
        "file/run",
        "nowhere",
        "nowhere/run",
        "planted",
        "z" * 300,
        "new/" + "z" * 300,
    ):
        with pytest.raises(OSError, match="no run can be kept in"):
            Owned(tmp_path / place)
    assert (tmp_path / "file").read_bytes() == b""
    assert names(tmp_path) == ["file", "nowhere", "planted"]


@pytest.mark.parametrize("failing", ["write", "ftruncate"])
def test_a_folder_that_could_not_be_taken_is_free(tmp_path, monkeypatch, failing):
    """A disk that is full, and has room again a moment later: the same process takes it then."""

    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    for folder, left in ((tmp_path / "new", False), (tmp_path, True)):
        with monkeypatch.context() as patch:
            patch.setattr(os, failing, full)
            with pytest.raises(OSError, match="No space left on device"):
                Owned(folder)
        assert folder.exists() == left
        with Owned(folder):
            assert names(folder) == [LOCK]
        assert folder.exists() == left


@posix
@pytest.mark.parametrize("kind", ["hard link", "pipe", "folder"])
def test_an_owner_name_that_is_anothers_is_left_alone(tmp_path, kind):
    folder, victim = tmp_path / "run", tmp_path / "victim"
    folder.mkdir()
    victim.write_text("precious")
    make = {
        "hard link": lambda path: os.link(victim, path),
        "pipe": os.mkfifo,
        "folder": os.mkdir,
    }[kind]
    make(folder / LOCK)
    before = os.lstat(folder / LOCK)
    for _ in range(2):
        with pytest.raises(OSError, match=r"no run can be kept in .*bpc-owner"):
            Owned(folder)
    assert os.lstat(folder / LOCK)[:6] == before[:6] and victim.read_text() == "precious"
    (folder / LOCK).rmdir() if kind == "folder" else (folder / LOCK).unlink()
    with Owned(folder):
        pass
    assert victim.read_text() == "precious"


def test_where_there_are_no_locks_a_run_goes_on_with_a_warning(tmp_path, monkeypatch):
    def none(*_, **__):
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))

    monkeypatch.setattr(filelock, "lock_descriptor", none)
    (tmp_path / f".bpc-{'0' * 16}.part").write_bytes(b"whose?")
    with pytest.warns(UserWarning, match="without locks"), Owned(tmp_path):
        write(tmp_path / "file", b"written")
    assert names(tmp_path) == [f".bpc-{'0' * 16}.part", "file"]


def test_a_folder_that_a_killed_run_left_empty_is_abandoned(tmp_path):
    process, _ = held_by(folder=tmp_path / "run")
    process.kill()
    process.communicate()
    assert is_abandoned(tmp_path / "run")
    (tmp_path / "run" / f".bpc-{'a' * 16}.part").write_bytes(b"")
    assert is_abandoned(tmp_path / "run")
    with Owned(tmp_path / "run", made=True):
        pass
    assert names(tmp_path) == []
    for name in ("run", "other"):
        (tmp_path / name).mkdir()
        assert not is_abandoned(tmp_path / name)  # somebody's, though empty
    (tmp_path / "run" / LOCK).write_bytes(b"")
    (tmp_path / "run" / "notes").write_bytes(b"")
    assert not is_abandoned(tmp_path / "run")
    assert not is_abandoned(tmp_path / "absent")


# Reading --------------------------------------------------------------------------------------------


def npy(head, body=b"", version=b"\1\0", length=None):
    head = head if isinstance(head, bytes) else head.encode()
    size = len(head) if length is None else length
    return (
        b"\x93NUMPY" + version + size.to_bytes(2 if version[0] == 1 else 4, "little") + head + body
    )


def described(shape, descr="'|u1'", order="False", **options):
    return npy(f"{{'descr': {descr}, 'fortran_order': {order}, 'shape': {shape}, }}\n", **options)


HOSTILE = {
    "empty": b"",
    "text": b"hello\n",
    "booleans": described("(True, 28, 28)", body=bytes(784)),
    "negative": described("(-1, 28, 28)", body=bytes(784)),
    "2**64": described(f"({2**64}, 28, 28)"),
    "overflow": described(f"({2**62}, 4)"),
    "zero times much": described(f"(0, {2**63})"),
    "petabytes": described(f"({2**50},)"),
    "terabyte": described(f"({2**40},)", body=b"x"),
    "one too many": described("(3,)", body=b"xx"),
    "floats": described("(1.0, 2)", body=b"xx"),
    "no tuple": described("3", body=b"xxx"),
    "list": described("[3]", body=b"xxx"),
    "deep": described("(" + "1," * 70 + ")", body=b"x"),
    "over-long": npy("{" + " " * 20_000 + "'descr': '|u1'}\n"),
    "longer than the file": npy("{'descr'", length=60_000),
    "gigabytes of head": npy("{", version=b"\2\0", length=2**32 - 1),
    "nested": npy("(" * 5_000 + "\n"),
    "expression": npy("__import__('os').mkdir('was-run')\n"),
    "keys": npy("{'descr': '|u1', 'shape': (1,)}\n", body=b"x"),
    "text array": described("(1,)", "'<U4'", body=bytes(16)),
    "objects": described("(1,)", "'|O'", body=b"\x80\x04N."),
    "record": described("(1,)", "[('a', '<i4')]", body=bytes(4)),
    "dates": described("(1,)", "'<M8[s]'", body=bytes(8)),
    "complex": described("(1,)", "'<c8'", body=bytes(8)),
    "void": described("(1,)", "'|V8'", body=bytes(8)),
    "no type": described("(1,)", "'nonsense'", body=bytes(8)),
    "older Python": described("(3L,)", body=b"x"),
    "not text": npy(b"\xff\xfe{}\n", version=b"\3\0"),
    "version": npy("{}", version=b"\7\0"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_head_is_refused_in_one_line(name, tmp_path):
    path = tmp_path / "images.npy"
    path.write_bytes(HOSTILE[name])
    with warnings.catch_warnings(action="error"), pytest.raises(ValueError) as refused:
        read_npy(path)
    words = str(refused.value)
    assert "images.npy cannot be read as an array" in words
    assert "\n" not in words and "pickle" not in words and "max_header_size" not in words
    assert len(words) < 400 and not os.path.exists("was-run")


KNOWN = {
    "a PNG picture": lambda path: Image.new("L", (28, 28)).save(path, "PNG"),
    "a JPEG picture": lambda path: Image.new("L", (28, 28)).save(path, "JPEG"),
    "a GIF picture": lambda path: Image.new("L", (28, 28)).save(path, "GIF"),
    "a .npz": lambda path: np.savez(open(path, "wb"), np.zeros(3)),
    "compressed by gzip": lambda path: gzip.open(path, "w").write(b"x"),
    "text": lambda path: path.write_text("0.5,1,0,0\n1,2,3,4\n"),
    "a pickle": lambda path: pickle.dump(np.zeros(3), open(path, "wb")),
    "MNIST's own": lambda path: path.write_bytes(
        struct.pack(">IIII", 0x803, 1, 28, 28) + bytes(784)
    ),
}


@pytest.mark.parametrize("kind", KNOWN)
def test_a_file_of_another_kind_is_named_and_what_to_do(kind, tmp_path):
    KNOWN[kind](tmp_path / "images.npy")
    with pytest.raises(
        ValueError, match=rf"images\.npy cannot be read as images: it .*{kind}.*"
    ) as refused:
        read_npy(tmp_path / "images.npy", "images")
    assert re.search("np.save|unpack", str(refused.value))


@posix
def test_arrays_are_read_as_they_were_saved(tmp_path):
    rng = np.random.default_rng(0)
    arrays = [
        rng.integers(0, 256, (5, 28, 28), np.uint8),
        np.asfortranarray(rng.normal(size=(4, 3))),
        rng.normal(size=7).astype(">f4"),
        np.array(3.5),
        np.zeros((0, 28, 28), np.uint8),
        np.array([True, False]),
    ]
    for array in arrays:
        np.save(tmp_path / "a.npy", array)
        found = read_npy(tmp_path / "a.npy")
        assert found.dtype == array.dtype.newbyteorder("=") and found.shape == array.shape
        assert np.array_equal(found, array)
        pipe = subprocess.Popen(["cat", tmp_path / "a.npy"], stdout=subprocess.PIPE)
        assert np.array_equal(read_npy(f"/dev/fd/{pipe.stdout.fileno()}"), array)
        pipe.communicate()


@posix
def test_no_memory_is_taken_for_what_a_file_only_promises(tmp_path):
    """A pipe that promises a terabyte, a file of a terabyte that is a hole, an endless device."""
    import resource

    def limited():
        resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))

    (tmp_path / "head.npy").write_bytes(HOSTILE["terabyte"])
    with open(tmp_path / "hole.npy", "wb") as file:
        file.truncate(1 << 40)
    program = """
for path in sys.argv[1:]:
    try:
        files.read_npy(path)
    except (ValueError, OSError) as error:
        print(error)
"""
    command = f"cat {tmp_path}/head.npy | {sys.executable} -c '{LOAD + program}' /dev/stdin "
    command = command.replace(f"'{files.__file__}'", f'"{files.__file__}"')
    out = subprocess.run(
        ["bash", "-c", command + f"{tmp_path}/hole.npy /dev/zero {tmp_path}/head.npy"],
        capture_output=True,
        text=True,
        preexec_fn=limited,
        env=dict(os.environ, OPENBLAS_NUM_THREADS="1"),
    )
    assert len(out.stdout.splitlines()) == 4, out.stderr
    assert "cut short" in out.stdout and out.returncode == 0


# Names ----------------------------------------------------------------------------------------------


def test_nothing_that_a_terminal_obeys_is_shown():
    text = "a\x1b]0;title\x07\x1b[31m\r\n\t\x00\x7f\x9b\u202e\u2066\udc80é 数字"
    assert shown(text) == (r"a\x1b]0;title\x07\x1b[31m\r\n\t\x00\x7f\x9b\u202e\u2066\udc80é 数字")
    assert shown(text).isprintable()
    assert shown(Path("plain name.bpc")) == "plain name.bpc"


def test_the_home_is_found(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert expanded("~/x") == tmp_path / "x"
    assert expanded(Path("~") / "x") == tmp_path / "x"
    assert expanded("a~/~") == Path("a~/~")


@pytest.mark.skipif(os.name == "nt", reason="Windows takes any name for a user's")
@pytest.mark.parametrize("path", ["~nobodyx/x", "~nobodyx", Path("~nobodyx/x")])
def test_a_home_of_nobody_is_no_folder(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match="~nobodyx is no home: .* by its whole path") as error:
        files.write(path, b"x")
    whole = str(error.value).rpartition(", ")[2].strip("'")
    assert whole.startswith(str(tmp_path)) and expanded(whole) == Path(whole)
    assert not os.listdir()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"a": 1' + 5000 * "0" + "}", "not JSON: a number of thousands of digits"),
        ("[" * 100_000, "not JSON: maximum recursion"),
        (b"\xff\xfe\x00", "not JSON: "),
        ("{", "not JSON: Expecting"),
        (None, "not JSON: "),
    ],
)
def test_what_is_not_json_is_said_in_own_words(text, words):
    with pytest.raises(ValueError, match=f"the head is {words}") as error:
        files.parse_json(text, "the head is")
    assert "set_int_max" not in str(error.value)


def test_json_is_read_in_one_place():
    for path in Path(files.__file__).parent.glob("*.py"):
        reads = re.findall(r"json\.loads?\((?![\w.]+\.to_json)", path.read_text("utf-8"))
        allowed = {"files.py": 1}.get(path.name, 0)
        assert len(reads) == allowed, path.name


def test_the_advice_to_install_again_names_no_package_that_nobody_holds(monkeypatch):
    from email.message import Message

    for address, advice in (
        ("https://github.com/OWNER/bpc-book", "from where you got it"),
        ("https://github.com/some-one/book", "git+https://github.com/some-one/book"),
    ):
        message = Message()
        message["Project-URL"] = f"Repository, {address}"
        monkeypatch.setattr(files.importlib.metadata, "metadata", lambda name, m=message: m)
        assert files.reinstall().endswith(advice)
    for path in Path(files.__file__).parent.glob("*.py"):
        assert "install bpc" not in path.read_text("utf-8").replace("--no-deps ", "")
