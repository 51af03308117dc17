"""The process around a command: it may be told to stop, its streams may close, its threads share memory.

Nothing here knows of networks, and nothing here imports JAX: it is there before JAX is.
"""

import contextlib
import ctypes
import errno
import importlib.util
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

# Ctrl-C; what `kill`, a batch system or a shutdown sends; what a terminal sends as it closes.
STOPS = {
    name: getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
}
AT_LEAST = 1.0  # seconds: `timeout`, systemd and terminals send two signals at once, and mean one


class Stopped(KeyboardInterrupt):
    """The process was told to stop.

    Attributes:
        number: of the signal.
        code: that a process ends with, which was told so.
    """

    def __init__(self, words: str = "", number: int = signal.SIGINT):
        """Say what is to be said after "interrupted"."""
        super().__init__(words)
        self.number, self.code = number, 128 + number


class Stopping:
    """Answers signals: at once with `Stopped`, and while `waiting` by remembering that they came.

    They are remembered at once too: what is raised while Python collects garbage, or in a `__del__`, is
    printed and forgotten there, so that `check` raises it again.

    Attributes:
        told: the first signal that came, or None.
    """

    def __init__(self) -> None:
        """Nothing was told yet."""
        self.told: int | None = None
        self._waiting = False
        self._at_once: Callable[[], None] = lambda: None
        self._when = 0.0

    @contextlib.contextmanager
    def answered(self) -> Iterator[None]:
        """Answer signals in this block, except those that are ignored, under nohup for example.

        Only the main thread can; in another one signals stay as they are.
        """
        before: dict[int, Any] = {}
        if threading.current_thread() is threading.main_thread():
            for number in STOPS.values():
                if signal.getsignal(number) not in (signal.SIG_IGN, None):
                    before[number] = signal.signal(number, self._answer)
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def check(self) -> None:
        """Raise `Stopped` if a signal came."""
        if self.told is not None:
            raise Stopped(number=self.told)

    @contextlib.contextmanager
    def waiting(self, at_once: Callable[[], None]) -> Iterator[None]:
        """Only remember the first signal in this block, as work is under way that is worth its end.

        Another one ends the process at once, after `at_once` has tidied up.
        """
        self.check()
        self._at_once, self._waiting = at_once, True
        try:
            yield
        finally:
            self._waiting = False

    def _answer(self, number: int, frame: Any) -> None:
        if not self._waiting:
            self.told = self.told or number
            raise Stopped("", number)
        now = time.monotonic()
        if self.told is None:
            self.told, self._when = number, now
            print(
                "interrupted: stopping after the next evaluation; Ctrl-C again ends at once without it",
                file=sys.stderr,
                flush=True,
            )
        elif number == signal.SIGINT or now > self._when + AT_LEAST:
            self._at_once()
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)


def begin_quietly() -> None:
    """Let Ctrl-C end a command without a traceback while it still imports JAX, or say that JAX is missing.

    Elsewhere, where this package is a library, nothing is changed. `Stopping` answers later.
    """
    words = sys.orig_argv
    name = Path(sys.argv[0]).stem if sys.argv else ""
    module = name == "-m" and any(
        w in ("bpc_minimal", "-mbpc_minimal", "bpc_minimal.__main__") for w in words
    )
    if not (module or name == "bpc-minimal"):
        return
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    if importlib.util.find_spec("jax") is None:
        own = ".venv\\Scripts\\python" if os.name == "nt" else ".venv/bin/python"
        raise SystemExit(
            f"error: {sys.executable} has no jax, without which nothing runs: {own} -m bpc_minimal has it, "
            "once `make train` has set it up"
        )


class Lasting:
    """A stream of text that may close: what cannot be written is dropped, and the command goes on.

    Attributes:
        error: what the stream failed with, unless its reader had simply gone.
    """

    def __init__(self, stream: Any):
        """Wrap a stream, or None where it was closed before the process began."""
        self._stream = stream
        self.error: OSError | None = None

    def write(self, text: str) -> int:
        """Write, if that is still possible."""
        self._try("write", text)
        return len(text)

    def flush(self) -> None:
        """Flush, if that is still possible."""
        self._try("flush")

    def _try(self, action: str, *arguments: Any) -> None:
        if self._stream is None:  # it was closed before the process began
            return
        try:
            getattr(self._stream, action)(*arguments)
        except BlockingIOError:  # a slow terminal that does not wait: some text is lost
            pass
        except (OSError, ValueError) as error:  # gone, full, or closed
            if not isinstance(error, UnicodeError):
                self._give_up(error)

    def _give_up(self, error: OSError | ValueError) -> None:
        codes = (errno.EPIPE, errno.EIO, errno.EBADF)
        if isinstance(error, OSError) and error.errno not in codes:
            self.error = error  # the disk is full, for example; else its reader has simply gone
        with contextlib.suppress(OSError, ValueError, AttributeError):
            number = self._stream.fileno()
            if number in (1, 2):  # Python will try again to write the rest as it ends
                nothing = os.open(os.devnull, os.O_WRONLY)
                os.dup2(nothing, number)
                os.close(nothing)
        self._stream = None

    def isatty(self) -> bool:
        """Whether a person reads along."""
        return self._stream is not None and not self._stream.closed and self._stream.isatty()

    def __getattr__(self, name: str) -> Any:
        """Be the stream in all else."""
        return getattr(self._stream, name)


@contextlib.contextmanager
def lasting_streams() -> Iterator[tuple[Lasting, Lasting]]:
    """Put `Lasting` streams in the place of stdout and stderr for this block."""
    for number in (0, 1, 2):  # closed, its number would go to the next file that is opened
        try:
            os.fstat(number)
        except OSError:
            with contextlib.suppress(OSError):
                os.open(os.devnull, os.O_RDWR)
    stdout, before = sys.stdout, getattr(sys.stdout, "errors", None)
    # Where a terminal lacks the signs that digits are drawn with, others stand in for them.
    _set_errors(stdout, "replace")
    out, err = Lasting(stdout), Lasting(sys.stderr)
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            yield out, err
        finally:
            out.flush()
            err.flush()
            _set_errors(stdout, before)


def _set_errors(stream: Any, errors: str | None) -> None:
    """Say what a stream does with signs that it lacks, where it can be told."""
    with contextlib.suppress(AttributeError, ValueError, OSError):
        stream.reconfigure(errors=errors)


def share_freed_memory() -> None:
    """Let threads share what each frees; glibc would keep it for each, tens of MB while XLA compiles."""
    with contextlib.suppress(AttributeError, OSError, TypeError):  # where the C library is another
        ctypes.CDLL(None).mallopt(-8, 2)  # M_ARENA_MAX


begin_quietly()  # as the package's first import
