"""Where arrays lie: on the devices of this process, or of several processes that train one network together.

Every device holds all weights and settles its share of each batch; XLA adds up what the gradients need.
Several processes run the same program on the same data, so that each has the whole result; the first of them
speaks and writes. Chapter 10 counts when that pays.
"""

import atexit
import contextlib
import hashlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import jax
import numpy as np
from jax.experimental import multihost_utils
from jax.sharding import Mesh, NamedSharding, PartitionSpec
from jaxtyping import Array

from bpc_minimal.process import STOPS, Lasting

# Bytes: of more images a device holds its share, and a batch is looked up through all of them.
LARGE = 2**28
LOST = (
    "another process of this run ended or cannot be reached, and this one ends with it: see what that one "
    "said, and go on with --resume, with any number of processes"
)
PATIENCE = 300  # seconds in which all processes of a run must have begun
SOON = 2.0  # seconds after which one is told what is waited for
# What carries sums between processes: an error that names one is of another process.
CARRIERS = ("Gloo", "NCCL", "oordination")
# XLA ends a process at once when the first one is gone, with a page of its own stack: what it writes is read
# by this small process, which says a sentence instead, unless a last byte of 0 tells that all is said.
LISTENER = """
import sys
text = sys.stdin.buffer.read()
if not text.endswith(b"\\0"):
    lost = b"distributed service detected fatal errors" in text or b"CoordinationService" in text
    sys.stderr.buffer.write(sys.argv[1].encode() if lost else text)
"""


def split_over_devices(batch: Array) -> Array:
    """Split a batch over all devices, where there are several and they divide it evenly.

    The weights stay whole on each; XLA adds the sums between devices that the gradients then need.
    """
    devices = jax.device_count()
    if devices == 1 or len(batch) % devices:
        return batch
    return jax.lax.with_sharding_constraint(batch, _over_devices("batch"))


def on_every_device(tree: Any) -> Any:
    """Place a whole copy of each array on every device; batches are split over them later."""
    return jax.device_put(tree, _over_devices())


def place(array: np.ndarray, divided: bool = False) -> Array:
    """Place what every process can read on every device: all of it, or where it is `LARGE`, a share on each.

    The first axis is divided, the last share filled up with zeros. Each process reads what its devices get.
    """
    shares = jax.device_count() if divided and array.nbytes > LARGE else 1
    if shares == jax.process_count() == 1:
        return on_every_device(array)
    each = -(-len(array) // shares)

    def read(index):
        rows = np.asarray(array[index])
        missing = len(range(*index[0].indices(each * shares))) - len(rows)
        return np.pad(rows, [(0, missing)] + [(0, 0)] * (rows.ndim - 1)) if missing else rows

    placed = _over_devices("batch") if shares > 1 else _over_devices()
    return jax.make_array_from_callback((each * shares, *array.shape[1:]), placed, read)


def own_copy(tree: Any) -> Any:
    """Give this process's copy of what lies on every device, with which it can go on alone."""
    if jax.process_count() == 1:
        return tree
    return jax.tree.map(lambda x: x.addressable_data(0), tree)


def _over_devices(*axes: str) -> NamedSharding:
    return NamedSharding(Mesh(np.array(jax.devices()), ("batch",)), PartitionSpec(*axes))


# Several processes ----------------------------------------------------------------------------------


def is_first() -> bool:
    """Whether this process speaks and writes for all."""
    return jax.process_index() == 0


def from_all(number: int) -> list[int]:
    """Give each process the whole number of 32 bits that each gives."""
    return multihost_utils.process_allgather(np.array([number], np.int32)).ravel().tolist()


def from_first(digest: Callable[[], str]) -> str:
    """Give each process the digest, in hexadecimal digits, that the first one makes."""
    if jax.process_count() == 1:
        return digest()
    made = bytes.fromhex(digest()) if is_first() else bytes(32)
    return bytes(
        np.asarray(multihost_utils.broadcast_one_to_all(np.frombuffer(made, np.uint8)))
    ).hex()


def check_alike(**given: str) -> None:
    """Raise ValueError, in each process, unless all were given the same."""
    if jax.process_count() == 1:
        return
    digests = [hashlib.sha256(text.encode()).digest()[:4] for text in given.values()]
    all_of_them = multihost_utils.process_allgather(np.frombuffer(b"".join(digests), np.int32))
    for name, numbers in zip(given, all_of_them.T, strict=True):
        if len(set(numbers.tolist())) > 1:
            other = int(np.argmax(numbers != numbers[0]))
            raise agreed(
                ValueError(
                    f"process {other} was started with other {name} than process 0: start all with one "
                    "command, on the same files"
                )
            )


def agreed(error: Any) -> Any:
    """Mark an error that every process raises, so that none needs to be told."""
    error.agreed = True
    return error


@contextlib.contextmanager
def together() -> Iterator[None]:
    """Wait at the end of this block for all processes; where it fails in one, all raise."""
    try:
        yield
    except BaseException as error:
        if jax.process_count() > 1:
            from_all(1)
            agreed(error)
        raise
    if jax.process_count() > 1:
        failed = [i for i, fails in enumerate(from_all(0)) if fails]
        if failed:
            raise agreed(OSError(f"process {failed[0]} could not begin, and says why; none does"))


class ApartError(OSError):
    """The processes of a run did not find each other."""


@contextlib.contextmanager
def joined(place: Sequence[str]) -> Iterator[None]:
    """Be one of several processes in this block; where another one is lost, end with a sentence.

    Args:
        place: the address HOST:PORT of the first process, how many there are, and which this is, from 0 on;
            or nothing where JAX finds that in its environment (Slurm, Open MPI, Kubernetes, TPUs).

    Raises:
        ValueError: the place is none.
        OSError: the processes did not find each other, or one was lost.
    """
    found, said, stderr = _place(place), os.dup(2), sys.stderr
    words = [sys.executable, "-ISc", LISTENER, f"error: {LOST}\n"]
    listener = subprocess.Popen(words, stdin=subprocess.PIPE, start_new_session=True)
    assert listener.stdin is not None
    os.dup2(listener.stdin.fileno(), 2)
    listener.stdin.close()
    sys.stderr = Lasting(os.fdopen(os.dup(said), "w", buffering=1))
    try:
        _find_each_other(found)
        for number in STOPS.values():  # which JAX answers now, and Python did
            if threading.current_thread() is threading.main_thread():
                signal.signal(number, signal.getsignal(number))
        _meet_quietly()
        yield
    except BaseException as error:
        if not (hasattr(error, "agreed") or isinstance(error, FloatingPointError)):
            atexit.register(_leave, getattr(error, "code", 1))
        met = not isinstance(error, ApartError)
        if met and isinstance(error, Exception) and any(name in str(error) for name in CARRIERS):
            raise OSError(f"{LOST} ({_line(error)})") from error
        raise
    finally:
        os.write(2, b"\0")
        if (
            sys.exc_info()[0] is None
        ):  # else the process ends, and what XLA says until then is not heard
            sys.stderr = stderr
            os.dup2(said, 2)


def _place(place: Sequence[str]) -> list[Any]:
    if not place:
        return []
    try:
        address, count, index = place
        numbers = int(count), int(index)
        good = 0 <= numbers[1] < numbers[0] and address.rpartition(":")[2].isdecimal()
    except ValueError:
        good = False
    if not good:
        raise ValueError(
            f"--distributed {' '.join(place)} given, HOST:PORT COUNT INDEX expected, such as 10.0.0.1:9000 2 "
            "0 for the first of two processes and 10.0.0.1:9000 2 1 for the other; or nothing under Slurm, "
            "Open MPI, Kubernetes or on TPUs"
        )
    return [address, *numbers]


def _find_each_other(found: list[Any]) -> None:
    """Begin JAX's own meeting of all processes, in another thread: it would keep Ctrl-C waiting.

    The others first wait for the first one to answer, as JAX does not tell why it waits.
    """
    minutes = f"up to {PATIENCE / 60:g} minutes"
    address, count, index = found or ("", 0, 0)
    if index:
        _wait_for_answer(address, minutes)
    ended: list[Exception | None] = []

    def begin():
        try:
            # XLA ends the process when its own patience ends, so that this one's ends first.
            patience: Any = {"initialization_timeout": PATIENCE + 60}
            jax.distributed.initialize(*found, **patience)
            ended.append(None)
        except Exception as error:
            ended.append(error)

    thread = threading.Thread(target=begin, daemon=True)
    thread.start()
    thread.join(SOON)
    if thread.is_alive():
        others = "the other process" if count == 2 else "the other processes"
        print(
            f"waiting for {others}{f' at {address}' if address else ''} ({minutes})",
            file=sys.stderr,
        )
    until = time.monotonic() + PATIENCE
    while thread.is_alive():
        if time.monotonic() > until:
            each = f"with its own INDEX of 0 to {count - 1}" if count else "by the same scheduler"
            raise ApartError(
                f"not all processes came within {minutes[6:]}: is each started, {each}?"
            )
        thread.join(0.2)  # and is interrupted
    if (error := ended[0]) is None:
        return
    raise ApartError(
        f"the processes did not find each other by {address or 'what JAX finds in its environment'} "
        f"({_line(error)}): start all of them, with the same address HOST:PORT of the first one, where the "
        "port is free"
    ) from error


def _wait_for_answer(address: str, minutes: str) -> None:
    """Wait until the first process listens at its address, and say so where it does not yet."""
    host, _, port = address.rpartition(":")
    until, said = time.monotonic() + PATIENCE, False
    while True:
        try:
            socket.create_connection((host.strip("[]"), int(port)), 5).close()
            return
        except (OSError, OverflowError, UnicodeError) as error:
            if isinstance(error, OverflowError) or time.monotonic() > until:
                raise ApartError(
                    f"{address} did not answer ({_line(error)}): is process 0 started, is the port right?"
                ) from error
        if not said:
            print(f"waiting for process 0 at {address} ({minutes})", file=sys.stderr)
            said = True
        time.sleep(0.2)


def _meet_quietly() -> None:
    """Connect to all others; where Gloo says on stdout that it is connected, nobody listens."""
    stdout = os.dup(1)
    with open(os.devnull, "w") as nowhere:
        os.dup2(nowhere.fileno(), 1)
    try:
        from_all(0)
    finally:
        os.dup2(stdout, 1)
        os.close(stdout)


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]


def _leave(code: int) -> None:
    """End at once, before JAX waits for processes that do not come; they notice."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError, AttributeError):
            stream.flush()
    os._exit(code)
