"""The command line: python -m bpc_minimal train|classify|generate|complete|export|info.

What a command meets around it has rooms of its own: `files` (writing, owning a folder, reading), `images`
(what people bring), `process` (signals and streams). A command ends in its results or in one line of error.
"""

import argparse
import contextlib
import dataclasses
import difflib
import importlib.metadata
import itertools
import json
import math
import os
import re
import shlex
import shutil
import sys
import threading
import time
import traceback
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NoReturn

import jax
import numpy as np

from bpc_minimal import (
    PRESETS,
    ArgumentError,
    Checkpoint,
    Config,
    Data,
    __version__,
    browser,
    classify,
    complete,
    denormalise,
    fit,
    generate,
    load,
    load_dataset,
    load_mnist,
    mnist,
    preset,
    save,
)
from bpc_minimal.arguments import ALIKE, LARGEST, near, own_settings, take_data
from bpc_minimal.checkpoint import check_jax
from bpc_minimal.data import CLASSES, PIXELS, SPLITS, normalise
from bpc_minimal.devices import agreed, from_all, is_first, joined, together
from bpc_minimal.files import (
    MADE_BY,
    HeldError,
    Owned,
    check_writable,
    expanded,
    is_abandoned,
    parse_json,
    read_text,
    shown,
)
from bpc_minimal.images import (
    is_picture,
    oddity,
    off_centre,
    read_images,
    read_labels,
    read_pictures,
)
from bpc_minimal.inference import RULES
from bpc_minimal.process import Lasting, Stopped, Stopping, lasting_streams, share_freed_memory
from bpc_minimal.programs import keep_programs
from bpc_minimal.training import digest

EXAMPLE = "runs/fast/checkpoint.bpc"  # where the first run is
FIRST = ("iteration", "gen_loss", "amort_loss", "accuracy")  # in each line of train --json
PICTURES = ("digits.png", "training.png")  # beside a run's checkpoint
CHECKPOINT_MEANT = f"; it stands before the options: {EXAMPLE}, for example, which `train` leaves"
RESUMED = "; a run goes on with its own settings: leave those out, or train afresh without --resume"
COMMANDS = ("train", "classify", "generate", "complete", "export", "info")
CHUNK = 10_000  # images that are floats at a time
HIDDEN = {  # which pixels of 28 x 28 `complete` takes away
    "bottom": np.s_[14:, :],
    "top": np.s_[:14, :],
    "left": np.s_[:, :14],
    "right": np.s_[:, 14:],
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Returns:
        code: 0 done, 1 failed, 2 wrong usage; interrupted 130, by SIGTERM 143, by SIGHUP 129.
    """
    if argv is None:  # this process is the command line's own
        os.environ["MPLBACKEND"] = "agg"  # a notebook's need not exist here, nor a screen
        warnings.showwarning = lambda message, *_, **__: _warn(str(message))
        keep_programs()
    if threading.current_thread() is not threading.main_thread():
        return _run(argv, Stopping())  # signals and the process's streams are another's
    with lasting_streams() as (out, _):
        stopping = Stopping()
        try:
            with stopping.answered():
                return _run(argv, stopping, out)
        except Stopped as stopped:  # between two blocks
            return stopped.code


def _run(argv: Sequence[str] | None, stopping: Stopping, out: Lasting | None = None) -> int:
    """Run one command; what goes wrong is said in one line."""
    arguments = _parser().parse_args(argv)
    who = ""  # of several processes, those that do not write say which they are
    try:
        place = getattr(arguments, "distributed", None)
        with contextlib.nullcontext() if place is None else joined(place):
            if place is not None and not is_first():
                who = f"process {jax.process_index()}: "
            if "command" in arguments:
                check_jax()
            arguments.run(arguments, stopping)
            stopping.check()  # what was raised at once may have been lost
    except KeyboardInterrupt as interrupt:
        print(f"{who}interrupted{interrupt}", file=sys.stderr)
        return getattr(interrupt, "code", 130)
    except ArgumentError as error:
        given = vars(arguments).get(error.name) is not None
        option = "--" + error.name.replace("_", "-") if given else error.name
        words = f"{option}{error.rest}" if str(error).startswith(error.name) else str(error)
        print(f"{who}error: {shown(words)}", file=sys.stderr)
        return 1
    except Exception as error:
        print(f"{who}error: {_words(error)}", file=sys.stderr)
        return 1
    if out is not None:
        out.flush()
        if out.error is not None:  # a full disk is no reader who had enough
            keeps = arguments.run is _train  # what it is for lies in a folder
            kind = "warning" if keeps else "error"
            print(f"{kind}: what was to be printed is lost: {out.error.strerror}", file=sys.stderr)
            return 0 if keeps else 1
    return 0


def _words(error: Exception) -> str:
    """Give the words of an error, and of what was added to it on its way, in one line."""
    notes = [note for note in getattr(error, "__notes__", []) if note.startswith("(")]  # not JAX's
    lines = [str(error), *notes]
    words = shown(" ".join(" ".join(lines).split()))
    words = words if len(words) <= 2000 else f"{words[:1500]} ... {words[-400:]}"
    if isinstance(error, MemoryError) or "RESOURCE_EXHAUSTED" in words:
        less = "smaller sizes, a smaller batch_size or evaluate_every, or fewer images"
        return f"not enough memory ({words}): use {less}"
    if isinstance(error, OverflowError):
        return f"a number is too large ({words}): use a smaller one"
    if isinstance(error, (ValueError, OSError, ImportError, FloatingPointError)):
        return words
    settings = [f"{k}={v}" for k, v in os.environ.items() if k.startswith(("JAX_", "XLA_"))]
    set_ = f"; JAX is set with {shown(' '.join(settings))}" if settings else ""
    where = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} at {Path(where.filename).name}:{where.lineno}: {words}{set_}"


def _warn(text: str) -> None:
    print(f"warning: {shown(' '.join(text.split()))}", file=sys.stderr)


def _plain(text: str) -> str:
    """Escape the one control character that JSON leaves as it is."""
    return text.replace("\x7f", "\\u007f")


def _command() -> str:
    """Give the words that run this command line again: Python by its path, if `python` is another."""
    python, found = sys.executable or "python", shutil.which("python")
    if found and Path(found) == Path(python):
        return "python -m bpc_minimal"
    with contextlib.suppress(OSError, ValueError):
        python = str(Path(python).relative_to(Path.cwd()))
    return f"{shlex.quote(python)} -m bpc_minimal"


class _Parser(argparse.ArgumentParser):
    """Says what was probably meant, where a word is misspelt or stands in another's place."""

    def error(self, message: str) -> NoReturn:
        hints: list[tuple[str, Callable[[str], str]]] = [
            (
                r"argument --hide: invalid choice: '([^']*)'",
                lambda word: _half_meant(word, message),
            ),
            (r"(--resume: not allowed|not allowed with argument --resume)", lambda _: RESUMED),
            (r"(--(?:config|preset): not allowed)", lambda _: "; --set changes single settings"),
            (r"argument COMMAND: invalid choice: '([^']*)'", _command_meant),
            (r"invalid choice: '([^']*)' \(choose from .*\)", lambda word: _meant(word, message)),
            (r"unrecognized arguments: (.*)", lambda given: _option_meant(given, self)),
            (r"argument --(?:labels|index): invalid int value: '([^']*)'", _numbers_meant),
            (r"arguments are required: (checkpoint)", lambda _: CHECKPOINT_MEANT),
        ]
        for pattern, meant in hints:
            if found := re.search(pattern, message):
                message += meant(found[1])
                break
        words = [str(a.metavar or a.dest).upper() for a in self._actions if not a.option_strings]
        usage = " ".join([self.prog, *words, "[OPTIONS]"])
        self.exit(2, f"usage: {usage} (--help lists them)\n{self.prog}: error: {message}\n")


def _meant(word: str, choices: str) -> str:
    close = difflib.get_close_matches(
        word, re.findall(r"[\w-]+", choices.split("choose from")[-1]), 1, ALIKE
    )
    return f"; did you mean {close[0]}?" if close else ""


def _half_meant(word: str, choices: str) -> str:
    return _meant(word, choices) or "; in Python, bpc_minimal.complete hides any pixels"


def _command_meant(word: str) -> str:
    if word in PRESETS:
        return f"; the command comes first, its options follow: train --preset {word}"
    return _meant(word, " ".join(COMMANDS))


def _option_meant(given: str, parser: argparse.ArgumentParser) -> str:
    word = given.split(" ")[0]  # which may be empty
    names = [field.name for field in dataclasses.fields(Config)]
    name = word.partition("=")[0].strip("-").replace("-", "_")
    if name in PRESETS:
        return f"; did you mean --preset {name}?"
    if name in names:
        return f"; a setting is changed by --set {name}=VALUE"
    option, commands = word.partition("=")[0], _commands(parser)
    having = [c for c, one in commands.items() if option in one._option_string_actions]
    if having:
        return f"; {option} belongs to {' and '.join(having)}, and stands after the command"
    options = {o for one in (parser, *commands.values()) for o in one._option_string_actions}
    settings = {f"--{name.replace('_', '-')}": f"--set {name}=VALUE" for name in names}
    close = difflib.get_close_matches(option, sorted(options | set(settings)), 1, 0.75)
    meant = [one if one in options else settings[one] for one in close]
    return f"; did you mean {meant[0]}?" if meant else ""


def _commands(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    """Give the parsers of the commands, by their names."""
    parts = [a for a in parser._actions if isinstance(a, argparse._SubParsersAction)]
    return {name: one for part in parts for name, one in part.choices.items()}


def _numbers_meant(word: str) -> str:
    if "," in word:
        return f"; numbers are parted by spaces: {' '.join(word.replace(',', ' ').split())}"
    return "; a checkpoint stands before the options" if word.endswith(".bpc") else ""


def _parser() -> argparse.ArgumentParser:
    again = _command()
    parser = _Parser(
        prog="python -m bpc_minimal",
        description="Train a bidirectional predictive coding network on MNIST, and use it.",
        epilog=f"begin with:\n  {again} train\n  {again} generate {EXAMPLE}\n  {again} train --help",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"bpc_minimal {__version__}")
    parser.set_defaults(run=lambda *_: parser.print_help())
    commands = parser.add_subparsers(metavar="COMMAND")

    def command(name, run, text, example):
        sub = commands.add_parser(
            name,
            help=text,
            description=text,
            epilog=f"example:\n  {again} {name} {example}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        sub.set_defaults(run=run, command=name)
        return sub

    train = command(
        "train",
        _train,
        "train a network; write a checkpoint and figures",
        "--preset best --set epochs=5 --seed 1",
    )
    settings = train.add_mutually_exclusive_group()
    settings.add_argument(
        "--preset", choices=PRESETS, default="fast", help="settings (default: fast)"
    )
    settings.add_argument("--config", type=_path, help="settings from a JSON file instead")
    settings.add_argument(
        "--resume", type=_path, metavar="CHECKPOINT", help="go on from it, with its settings"
    )
    train.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="change a setting, such as epochs=5, alpha_gen=1e-3,1e-3,1e-4 or rule=hybrid",
    )
    train.add_argument("--seed", type=int, help="short for --set seed=SEED")
    train.add_argument(
        "--data",
        choices=("mnist", "fashion-mnist", "kmnist"),
        help="mnist (default) is in the package; the others are read through torchvision from --root",
    )
    train.add_argument("--root", type=_path, help="where other data are (default: data)")
    train.add_argument(
        "--images",
        type=_path,
        help="your own data instead: a .npy file, uint8 or floats from 0 to 1, (N, ...); a tenth of each "
        "class is held out of training, drawn alike each time. Units of the first and last layer follow it",
    )
    train.add_argument("--labels", type=_path, help="their classes: a .npy file, 0 and up, (N,)")
    train.add_argument("--download", action="store_true", help="fetch other data into --root")
    train.add_argument(
        "--held-out",
        choices=("test", "validation"),
        help="evaluate on the test set (default), or on the last 5,000 training images, left out of training",
    )
    train.add_argument(
        "--out", type=_path, help="folder of the results (default: runs/NAME, or the next free one)"
    )
    train.add_argument("--overwrite", action="store_true", help="replace what is in --out")
    train.add_argument(
        "--json",
        action="store_true",
        help="print one JSON object an evaluation; the settings go to stderr",
    )
    train.add_argument(
        "--distributed",
        nargs="*",
        metavar="HOST:PORT COUNT INDEX",
        help="be one of COUNT processes that train one network, on one machine or many: give each the same "
        "command with its own INDEX, 0 to COUNT - 1, and an address of the first, which prints and writes; "
        "under Slurm, Open MPI or Kubernetes and on TPUs, --distributed alone. They share each batch evenly",
    )

    def uses_checkpoint(sub, steps):
        sub.add_argument("checkpoint", type=_path, help="written by train")
        sub.add_argument(
            "--steps", type=int, default=steps, help=f"of inference (default: {steps})"
        )
        sub.add_argument("--json", action="store_true", help="print JSON")

    def takes_images(sub, shape, all_):
        sub.add_argument(
            "--images",
            type=_path,
            nargs="+",
            help="pictures of a digit each, PNG or JPEG of any size, which are made like MNIST's; or a .npy "
            f"file, {shape}: uint8, ink 255 on a ground of 0, or floats from 0 to 1",
        )
        sub.add_argument(
            "--invert",
            action="store_true",
            help="take 255 for the ground and 0 for ink in a .npy file; of pictures that is found out",
        )
        sub.add_argument("--split", choices=SPLITS, help="of MNIST (default: test)")
        sub.add_argument(
            "--index", type=int, nargs="+", help=f"which images (default: {all_}); -1 is the last"
        )

    figure = "the figure; a file that is there already is replaced, which is said"
    sub = command(
        "classify",
        _classify,
        "name the digit in each image; by default the test set's",
        f"{EXAMPLE} --index 0 1 2",
    )
    uses_checkpoint(sub, 0)
    takes_images(sub, "(N, ...) of as many pixels as the network has", "all")
    sub = command(
        "generate",
        _generate,
        "draw digits of the given labels; by default one of each",
        f"{EXAMPLE} --labels 3 1 4",
    )
    uses_checkpoint(sub, 0)
    sub.add_argument("--labels", type=int, nargs="+", help="which (default: one of each)")
    sub.add_argument("--out", type=_file, default=Path("generated.png"), help=figure)
    sub = command(
        "complete",
        _complete,
        "hide half of each image and fill it in; at most 100",
        f"{EXAMPLE} --hide left --index 0 1 2",
    )
    uses_checkpoint(sub, 2000)
    takes_images(sub, "(N, 28, 28)", "all of --images, or the first ten of MNIST")
    sub.add_argument("--hide", choices=HIDDEN, default="bottom", help="which half")
    sub.add_argument("--out", type=_file, default=Path("completed.png"), help=figure)
    sub = command(
        "export",
        _export,
        "write the weights as a script that a web page loads",
        f"{EXAMPLE} --out network.js",
    )
    sub.add_argument("checkpoint", type=_path, help="written by train")
    sub.add_argument(
        "--out",
        type=_file,
        default=Path("network.js"),
        help="the script, NAME.js; one that is there already is replaced, which is said",
    )
    sub.add_argument("--name", help="the page finds it as bpcNetworks[NAME] (default: the run's)")
    sub.add_argument(
        "--numbers",
        choices=browser.NUMBERS,
        default="float16",
        help="of the weights (default: float16, half as large)",
    )
    sub.add_argument("--json", action="store_true", help="print JSON")
    sub = command("info", _info, "show versions and presets, or what a checkpoint holds", EXAMPLE)
    sub.add_argument("checkpoint", type=_path, nargs="?")
    sub.add_argument("--json", action="store_true", help="print JSON")
    return parser


def _path(text: str) -> Path:
    """Take a path on the command line, where a shell leaves the ~ of --out=~/x as it is."""
    try:
        return expanded(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _file(text: str) -> Path:
    if text.endswith(("/", os.sep)):
        raise argparse.ArgumentTypeError(f"{text!r} is a folder; name a file in it")
    return _path(text)


def _train(arguments, stopping: Stopping) -> None:
    from tqdm import tqdm

    share_freed_memory()
    with contextlib.ExitStack() as until_its_end:
        with together():
            config, data, total, resumed = _prepare(arguments)
            if is_first():
                path, owned = _place(arguments, config, until_its_end)
            if resumed and arguments.resume.is_file():  # and no pipe, which can be read but once
                resumed = load(arguments.resume)  # as it is now that nobody else writes there
        if not is_first():
            _take_part(config, data, resumed, stopping)
            return
        done = int(resumed.state.iteration) if resumed else 0
        if not arguments.json:
            first = _first_folder(arguments, config)
            taken = not (arguments.out or resumed) and path.parent != first
            print(
                f"{shown(config.name)}: {total:,} iterations of {config.batch_size}, results in "
                f"{shown(path.parent)}" + (f", as {shown(first)} is taken" if taken else "")
            )
            if arguments.images:
                print(
                    f"{shown(arguments.images)}: {len(data.images):,} images to learn from, "
                    f"{len(data.held_out_images):,} held out, on which the accuracy is measured"
                )
            if changed := _changed(arguments, config) if not resumed else "":
                print(f"changed: {shown(changed)}")
            if done == total:
                print(f"all {total:,} are done; to train longer, begin a run with more epochs")
        else:
            print(_plain(config.to_json()), file=sys.stderr)
        sys.stdout.flush()
        latest, started = resumed, time.perf_counter()
        names = ("data", "root", "held_out", "images", "labels")
        own = {name: getattr(arguments, name) for name in names}  # which data they are
        own = {name: value for name, value in own.items() if value is not None}
        quiet = arguments.json or sys.stderr is None or not sys.stderr.isatty()
        bar = tqdm(total=total, initial=done, unit="it", disable=quiet, mininterval=0)

        def keep(checkpoint: Checkpoint) -> None:
            nonlocal latest
            for folder in owned:
                folder.check()
            # At first the pictures there are of another state, or of another run.
            with _pictures_aside(path) if latest is resumed else contextlib.nullcontext():
                save(path, checkpoint)
            latest = checkpoint

        def on_epoch(checkpoint: Checkpoint) -> None:
            keep(checkpoint)
            last = checkpoint.history.evaluations[-1]
            record = {name: last[name] for name in FIRST} | last
            bar.update(int(record["iteration"]) - bar.n)
            if arguments.json:
                seconds = round(time.perf_counter() - started, 3)
                print(json.dumps(record | {"seconds": seconds}), flush=True)
            else:
                tqdm.write(
                    f"iteration {record['iteration']:>6,}  gen_loss {record['gen_loss']:.4f}  "
                    f"amort_loss {record['amort_loss']:.4f}  accuracy {record['accuracy']:.2f} %",
                    file=sys.stdout,
                )
            if (told := _told_to_any(stopping)) is not None:
                raise agreed(
                    Stopped(
                        f"; iteration {record['iteration']:,} of {total:,} is kept. Go on with:\n"
                        f"  {_resume_command(path, **own)}",
                        told,
                    )
                )

        try:
            # In another thread, as compiled code would hold the answer to a signal back until it ends.
            with bar, stopping.waiting(until_its_end.close), ThreadPoolExecutor(1) as worker:
                alone = jax.process_count() == 1  # or the pace would have to be one for all
                pace = _pace(bar) if alone and not quiet else None
                worker.submit(
                    fit, config, data, resume=resumed, on_epoch=on_epoch, pace=pace
                ).result()
            if not path.exists():  # a run that had ended, resumed into another folder
                assert resumed is not None
                keep(resumed)
        except Exception as error:
            if latest is not resumed and latest is not None and path.exists():
                error.add_note(f"(iteration {int(latest.state.iteration):,} is safe in {path})")
            raise
        assert latest is not None
        del data  # its memory goes to the figures
        try:
            stopping.check()
            _draw_run(latest, path, arguments.json)
            stopping.check()
        except Stopped as stopped:
            raise Stopped(
                f"; the run has ended and is whole in {shown(path)}", stopped.number
            ) from stopped


def _prepare(arguments) -> tuple[Config, Data, int, Checkpoint | None]:
    """Read all that a run needs: settings, data, how many iterations, and what it goes on from."""
    resumed = (
        load(arguments.resume) if arguments.resume else None
    )  # what is wrong with it comes first
    config = _config(arguments, resumed)
    if resumed and not arguments.images and not _like_mnist(config):
        raise ValueError(
            f"{shown(arguments.resume)} is of a run on data of {config.sizes[0]} classes and "
            f"{config.sizes[-1]} pixels: go on with those that it began with, --images and --labels"
        )
    if getattr(jax.config, "jax_disable_jit", False):
        _warn(
            "JAX_DISABLE_JIT is set: nothing is compiled, so that training takes very long; unset it"
        )
    data = _data(arguments)
    for part in data:  # nobody else has them, so that `fit` need not copy them
        part.setflags(write=False)
    if arguments.images and not resumed and not any(c.startswith("sizes=") for c in arguments.set):
        classes = max(int(part.max()) for part in (data.labels, data.held_out_labels)) + 1
        ends = classes, math.prod(data.images.shape[1:])
        config = config.replace(sizes=(ends[0], *config.sizes[1:-1], ends[1]))
    total = config.total(config.training_images or len(data.images))
    if total > LARGEST:
        raise ValueError(
            f"{total:.4g} iterations asked for, at most {LARGEST:,} expected; use fewer epochs"
        )
    with warnings.catch_warnings():  # `fit` takes them again, and warns
        warnings.simplefilter("ignore")
        take_data("data", data, {"config": config})
    return config, data, total, resumed


def _settings(config: Config) -> dict[str, Any]:
    """Give all settings as JSON has them."""
    return json.loads(config.to_json())


def _changed(arguments, config: Config) -> str:
    """Name the settings that are otherwise than those of the preset, or than a file's defaults."""
    base = Config(epochs=1) if arguments.config else PRESETS[arguments.preset]
    changes = []
    for name, value in _settings(config).items():
        if value != _settings(base)[name] and value is not None:
            plain = isinstance(value, list)
            text = ",".join(map(str, value)) if plain else value
            changes.append(
                f"{name}={text if plain or isinstance(value, str) else json.dumps(value)}"
            )
    return ", ".join(changes)


def _take_part(config: Config, data: Data, resumed: Checkpoint | None, stopping: Stopping) -> None:
    """Train beside the first process, which prints and writes."""

    def on_epoch(_: Checkpoint) -> None:
        if (told := _told_to_any(stopping)) is not None:
            raise agreed(Stopped(number=told))

    with stopping.waiting(lambda: None), ThreadPoolExecutor(1) as worker:
        worker.submit(fit, config, data, resume=resumed, on_epoch=on_epoch).result()


def _told_to_any(stopping: Stopping) -> int | None:
    """Give the signal that came to this process, or to another of this run."""
    if jax.process_count() == 1:
        return stopping.told
    return max(from_all(stopping.told or 0)) or None


@contextlib.contextmanager
def _pictures_aside(path: Path) -> Iterator[None]:
    """Put pictures aside while a checkpoint takes the place of theirs: they go with it, or come back.

    Should the process be killed meanwhile, their names say that they are older, and the next run cleans them.
    """
    before, moved = _identity(path), []
    aside = {p: p.with_name(f".bpc-older-{p.name}") for p in _pictures(path)}
    for picture, older in aside.items():
        with contextlib.suppress(OSError):
            picture.replace(older)
            moved.append(picture)
    try:
        yield
    finally:
        replaced = _identity(path) != before
        for picture, older in aside.items():
            with contextlib.suppress(OSError):
                if replaced:
                    older.unlink()
                elif picture in moved:
                    older.replace(picture)


def _pictures(path: Path) -> list[Path]:
    """Name the pictures of a checkpoint: beside it, and after it where it has a name of its own."""
    own = "" if path.name == "checkpoint.bpc" else f"{path.stem}-"
    return [path.with_name(own + name) for name in PICTURES]


def _identity(path: Path) -> tuple[int, ...] | None:
    """Tell one file from the next at the same path."""
    with contextlib.suppress(OSError):
        status = path.stat()
        return status.st_dev, status.st_ino, status.st_mtime_ns
    return None


def _pace(bar) -> Callable[[int], int]:
    """Move a bar, and let training go on for about a quarter of a second at a time."""
    length, before = 0, -np.inf

    def pace(done: int) -> int:
        nonlocal length, before
        now = time.perf_counter()
        longer = 4 * length + 1  # than this a stretch never is, as the one before may have compiled
        length = max(1, min(longer, int(length * 0.25 / max(now - before, 1e-6))))
        before = now
        bar.update(done - bar.n)
        return length

    return pace


def _resume_command(
    path: Path,
    data: str = "mnist",
    root: Path | None = None,
    held_out: str = "test",
    images: Path | None = None,
    labels: Path | None = None,
) -> str:
    options: dict[str, Any] = {"--resume": path}
    if images:
        options |= {"--images": images, "--labels": labels}
    elif data != "mnist":
        options |= {"--data": data} | ({"--root": root} if root else {})
    if held_out != "test":
        options["--held-out"] = held_out
    words = [f"{_command()} train"]
    for name, value in options.items():
        joint = "=" if str(value).startswith("-") else " "  # or it would be taken for an option
        words.append(f"{name}{joint}{shown(shlex.quote(str(value)))}")
    return " ".join(words)


def _draw_run(checkpoint: Checkpoint, path: Path, quiet: bool) -> None:
    """Draw the pictures of a run that has ended; what cannot be drawn costs a warning, not the run."""
    config, there = checkpoint.config, []
    classes = range(config.sizes[0])
    drawn = denormalise(
        generate(checkpoint.network, np.array(classes)), config.pixel_mean, config.pixel_std
    )
    for picture in _pictures(path):
        try:
            from bpc_minimal import figures

            if picture.name.endswith("digits.png"):
                figure = figures.digits(drawn, classes, in_unit_range=True)
            else:
                figure = figures.training_curves(checkpoint.history)
            figures.keep(figure, picture)
            there.append(picture.name)
        except Exception as error:  # of matplotlib, its settings, its fonts, the disk
            _warn(f"{picture} was not drawn: {error} (the run is whole and safe in {path})")
    if not quiet:
        if config.sizes[-1] == PIXELS:
            print(_as_text(drawn))
        beside = f"; {' and '.join(there)} lie beside it" if there else ""
        print(f"{shown(path)}: weights and history{beside}")


def _classify(arguments, stopping: Stopping) -> None:
    checkpoint = load(arguments.checkpoint)
    images, labels = _images(arguments, checkpoint)
    options, parts = checkpoint.config.inference(), []
    for i in range(0, len(images), CHUNK):
        stopping.check()
        pixels = _pixels(checkpoint, images[i : i + CHUNK])
        parts.append(classify(checkpoint.network, pixels, arguments.steps, **options))
    found = np.concatenate(parts)
    accuracy = None if labels is None else round(100 * float(np.mean(found == labels)), 2)
    if arguments.json:
        print(json.dumps({"labels": found.tolist(), "accuracy": accuracy}))
        return
    if arguments.images and arguments.index is None and is_picture(arguments.images[0]):
        if len(found) <= 10:
            print(_as_text(images / 255))  # as the network saw them
        for path, digit in zip(arguments.images, found, strict=True):
            print(f"{shown(path)}: {digit}")
    elif len(found) <= 100:
        print(" ".join(map(str, found)))
    if accuracy is not None:
        print(f"accuracy {accuracy:.2f} % of {len(found):,} images")
    elif len(found) > 100:
        classes = checkpoint.config.sizes[0]
        counts = np.bincount(found, minlength=classes).tolist()
        print(f"{len(found):,} images, of 0 to {classes - 1}: {counts}")


def _generate(arguments, _: Stopping) -> None:
    from bpc_minimal import figures

    checkpoint = load(arguments.checkpoint)
    figures.check(arguments.out)
    classes = checkpoint.config.sizes[0]
    labels = arguments.labels or range(classes)
    if not all(0 <= label < classes for label in labels):
        raise ValueError(
            f"--labels {' '.join(map(str, labels))} given, 0 to {classes - 1} expected, which it has learned"
        )
    drawn = generate(
        checkpoint.network,
        np.array(labels),
        arguments.steps,
        **checkpoint.config.inference(),
    )
    drawn = denormalise(drawn, checkpoint.config.pixel_mean, checkpoint.config.pixel_std)
    replaced = os.path.isfile(arguments.out)
    figures.keep(figures.digits(drawn, labels, in_unit_range=True), arguments.out)
    if arguments.json:
        print(json.dumps({"figure": str(arguments.out), "replaced": replaced}))
        return
    if checkpoint.config.sizes[-1] == PIXELS:
        print(_as_text(drawn))
    print(_written(arguments.out, replaced))


def _complete(arguments, _: Stopping) -> None:
    from bpc_minimal import figures

    checkpoint = load(arguments.checkpoint)
    config = checkpoint.config
    if config.sizes[-1] != PIXELS:
        raise ValueError(
            f"the network takes images of {config.sizes[-1]} pixels, and halves of 28 by 28 are hidden here; "
            "in Python, bpc_minimal.complete takes any mask"
        )
    if arguments.images is None and arguments.index is None:
        arguments.index = list(range(10))
    images, _labels = _images(arguments, checkpoint)
    if len(images) > 100:
        raise ValueError(
            f"{len(images):,} images given, at most 100 expected, as each is drawn; choose some with "
            "--index"
        )
    figures.check(arguments.out)
    seen = np.ones((28, 28), bool)
    seen[HIDDEN[arguments.hide]] = False
    pixels = _pixels(checkpoint, images)
    whole = complete(
        checkpoint.network, pixels, seen.ravel(), steps=arguments.steps, rule=config.rule
    )
    rows = [np.where(seen.ravel(), pixels, pixels.min()), whole, pixels]
    rows = [denormalise(row, config.pixel_mean, config.pixel_std) for row in rows]
    replaced = os.path.isfile(arguments.out)
    figures.keep(
        figures.digits(np.concatenate(rows), columns=len(images), in_unit_range=True), arguments.out
    )
    hidden = ~seen.ravel()
    rmse = float(np.sqrt(np.mean((np.asarray(rows[1]) - np.asarray(rows[2]))[:, hidden] ** 2)))
    if arguments.json:
        facts = {"figure": str(arguments.out), "replaced": replaced, "rmse": round(rmse, 4)}
        print(json.dumps(facts))
    else:
        print(_as_text(rows[1]))
        print(
            f"{_written(arguments.out, replaced)}: seen, completed, true; hidden pixels differ by {rmse:.3f} "
            "(RMSE)"
        )


def _export(arguments, _: Stopping) -> None:
    if arguments.out.suffix != ".js":
        raise ValueError(
            f"--out {arguments.out} given, the name of a script expected, such as network.js"
        )
    checkpoint = load(arguments.checkpoint)
    name = checkpoint.config.name if arguments.name is None else arguments.name
    script = browser.as_script(checkpoint, name, provenance(checkpoint), arguments.numbers)
    replaced = os.path.isfile(arguments.out)
    size = browser.write(arguments.out, script)
    if arguments.json:
        facts = {"script": str(arguments.out), "replaced": replaced, "name": name, "bytes": size}
        print(json.dumps(facts))
    else:
        written = _written(arguments.out, replaced)
        print(f"{written}: {size:,} bytes, bpcNetworks[{shown(json.dumps(name))}]")


def _written(path: Path, replaced: bool) -> str:
    """Name what was written; what can be made again in a second is replaced unasked, which is said."""
    return f"{shown(path)} (replaced)" if replaced else shown(path)


def provenance(checkpoint: Checkpoint) -> str:
    """Say in one line which run made the weights: what ran, on what, how long, and how well it reads."""
    config, done = checkpoint.config, int(checkpoint.state.iteration)
    held_out, images = _mnist_of(checkpoint)
    data = (
        f"{images:,} images of MNIST, evaluated on the {held_out} set" if held_out else "own data"
    )
    reads = f"{checkpoint.history.evaluations[-1]['accuracy']:.2f} %" if done else "untrained"
    return (
        f"{config.name}, sizes {'-'.join(map(str, config.sizes))}, seed {config.seed}, {done:,} iterations "
        f"of {config.batch_size} on {data}: {reads}; bpc_minimal {__version__}, jax {jax.__version__}"
    )


def _info(arguments, _: Stopping) -> None:
    if arguments.checkpoint:
        checkpoint = load(arguments.checkpoint)
        done, evaluations = int(checkpoint.state.iteration), checkpoint.history.evaluations
        config, path = checkpoint.config, shown(shlex.quote(str(arguments.checkpoint)))
        held_out, images = _mnist_of(checkpoint)
        total = config.total(images) if images else config.iterations
        own = "" if held_out else " --images IMAGES.npy"
        count = f", {images:,} training images" if images else ""
        facts: dict[str, Any] = {
            "settings": _settings(config),
            "data": f"MNIST{count}, evaluated on the {held_out} set"
            if held_out
            else f"not MNIST's, or other images of it{count}",
            "iteration": done,
            "iterations": total,
            "evaluations": evaluations,
            "accuracy": evaluations[-1]["accuracy"] if evaluations else None,
            "go_on": [f"{_command()} generate {path}"],
        }
        if config.sizes[-1] == PIXELS:  # of which `complete` knows the halves
            facts["go_on"].append(f"{_command()} complete {path}{own}")
        facts["go_on"].append(f"{_command()} classify {path}{own}")
        if total is None or done < total:
            labels = "" if held_out else f"{own} --labels LABELS.npy"
            resume = _resume_command(arguments.checkpoint, held_out=held_out or "test")
            facts["go_on"].insert(0, resume + labels)
    else:
        names = ("jax", "jaxlib", "equinox", "optax", "numpy")
        facts = {
            "bpc_minimal": __version__,
            "python": sys.version.split()[0],
            **{name: importlib.metadata.version(name) for name in names},
            "devices": [str(device) for device in jax.devices()],
            "presets": {name: _settings(config) for name, config in PRESETS.items()},
        }
    if arguments.json:
        print(_plain(json.dumps(facts)))
        return
    for name, value in facts.items():
        if isinstance(value, dict):
            print(f"{name}")
            for key, inner in value.items():
                print(f"  {key:18} {shown(inner)}")
        elif name == "evaluations":
            print("evaluations")
            for record in value:
                print("  " + "  ".join(f"{shown(k)} {v:.4g}" for k, v in record.items()))
        elif name == "go_on":
            print("\n  ".join(["go on with", *value]))
        elif name == "accuracy" and value is not None:
            print(f"{name:20} {value:.2f} %")
        else:
            print(f"{name:20} {shown(value)}")


def _like_mnist(config: Config) -> bool:
    """Whether MNIST's images and labels fit a network."""
    return (config.sizes[0], config.sizes[-1]) == (CLASSES, PIXELS)


def _mnist_of(checkpoint: Checkpoint) -> tuple[str | None, int | None]:
    """Say which set of MNIST a run was evaluated on, if it was MNIST's; and on how many images it learns."""
    for held_out in ("test", "validation"):
        with contextlib.suppress(ValueError):  # it has fewer images than the run
            data = Data(*take_data("data", mnist(held_out), {"config": checkpoint.config}))
            if digest(data) == checkpoint.data:
                return held_out, len(data.images)
    return None, checkpoint.examples or checkpoint.config.training_images


def _config(arguments, checkpoint: Checkpoint | None) -> Config:
    if checkpoint is not None:
        if arguments.set or arguments.seed is not None:
            raise ValueError(
                "--resume goes on with the checkpoint's own settings; leave out --set and --seed, or "
                "train afresh with them"
            )
        return checkpoint.config
    changes = {}
    for change in arguments.set:
        name, equals, value = change.partition("=")
        if not equals:
            raise ValueError(f"--set {change} given, --set NAME=VALUE expected, such as epochs=5")
        changes[name] = _value(name, value)
    if arguments.seed is not None:
        if "seed" in changes:
            raise ValueError("--seed and --set seed given: leave out one of the two")
        changes["seed"] = arguments.seed
    source = arguments.config and read_text(arguments.config)
    try:
        if source is None:
            return preset(arguments.preset).replace(**changes)
        else:
            with _naming(arguments.config):
                try:
                    text = source.decode(json.detect_encoding(source))
                except UnicodeDecodeError as error:
                    raise ValueError("no text given, settings in JSON expected") from error
                settings = Config.from_json(text)
            return settings.replace(**changes)
    except (TypeError, AttributeError, OverflowError) as error:
        raise ValueError(f"a setting is of the wrong kind: {error}") from error


@contextlib.contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Let an error say which file it is about."""
    try:
        yield
    except (ValueError, TypeError, AttributeError, OverflowError, KeyError) as error:
        raise ValueError(f"{shown(path)}: {error}") from error


def _value(name: str, text: str) -> Any:
    """Read a setting from the command line: JSON, numbers with commas, a rule's name, or a word."""
    if name == "name":
        return text
    if name == "rule":
        if text not in RULES:
            raise ValueError(
                f"unknown rule {text!r}; choose one of {', '.join(RULES)}{near(text, RULES)}"
            )
        return RULES[text]
    try:
        value = parse_json(f"[{text}]" if "," in text and text[0] not in "[{" else text, "it is")
    except ValueError as error:
        if isinstance(error.__cause__, json.JSONDecodeError):
            return {"None": None, "True": True, "False": False}.get(text, text)
        raise ValueError(f"--set {name} with {len(text):,} characters given: {error}") from error
    return tuple(value) if isinstance(value, list) else value


def _place(
    arguments, config: Config, until_its_end: contextlib.ExitStack
) -> tuple[Path, list[Owned]]:
    """Say where the checkpoint goes, and own its folder; never on top of another run unasked."""
    if not arguments.out and not arguments.resume:
        free = until_its_end.enter_context(_next_free(_first_folder(arguments, config)))
        return free.folder / "checkpoint.bpc", [free]
    path = arguments.out / "checkpoint.bpc" if arguments.out else arguments.resume
    owned = [until_its_end.enter_context(Owned(path.parent))]
    real = Path(os.path.realpath(path)).parent  # the checkpoint may be a link into another folder
    if real != Path(os.path.realpath(path.parent)):
        owned.append(until_its_end.enter_context(Owned(real)))
    there = [p.name for p in (path, *_pictures(path)) if os.path.lexists(p)]
    own = arguments.resume and path.exists() and path.samefile(arguments.resume)
    if there and not (arguments.overwrite or own):
        what = "a run already" if path.name in there else f"a file {there[0]} already"
        go_on = f"go on with --resume {shown(path)}, " if path.name in there else ""
        raise ValueError(
            f"{shown(path.parent)} holds {what}: {go_on}replace it with --overwrite, or choose another --out"
        )
    if own and not arguments.overwrite:
        foreign = [p for p in _pictures(path) if os.path.lexists(p) and not _is_of_a_run(p)]
        if foreign:
            raise ValueError(
                f"{shown(foreign[0])} was drawn by no run, and this one draws its own there: move it, or "
                "replace it with --overwrite"
            )
    for file, what in ((path, "the checkpoint"), *((p, "the picture") for p in _pictures(path))):
        check_writable(file, what)
    return path, owned


def _is_of_a_run(picture: Path) -> bool:
    """Tell by what `figures.keep` writes at its head whether a picture is one of this package's."""
    with contextlib.suppress(OSError), picture.open("rb") as file:
        return picture.is_file() and MADE_BY.encode() in file.read(1000)
    return False


def _first_folder(arguments, config: Config) -> Path:
    """Name the folder of a run by its settings, and by its data where they are one's own: runs/NAME."""
    name = f"{config.name}-{arguments.images.stem}" if arguments.images else config.name
    name = re.sub(r"[^\w.-]+", "-", name).strip(".-")  # a name is not a path,
    return Path("runs") / (name.encode()[:100].decode(errors="ignore") or "run")  # and may be long


def _next_free(first: Path) -> Owned:
    """Own runs/NAME, or runs/NAME-2 and so on where that is another run's."""
    runs, name = first.parent, first.name
    try:
        runs.mkdir(exist_ok=True)
    except OSError as error:
        kind = (
            "is a link that leads nowhere"
            if runs.is_symlink()
            else f"cannot be made ({error.strerror})"
        )
        raise OSError(
            f"the folder {runs} for results {kind}; mend it, or name another folder with --out"
        ) from error
    for i in itertools.count(1):
        folder = runs / (name if i == 1 else f"{name}-{i}")
        try:
            folder.mkdir()
        except FileExistsError:
            if not is_abandoned(folder):
                continue
        try:
            owned = Owned(folder, made=True)
        except HeldError:  # by a run that began just now
            continue
        if is_abandoned(folder):  # still: nothing was kept there in between
            return owned
        owned.release()
    raise AssertionError("there are always more numbers")


def _data(arguments) -> Data:
    if (arguments.images is None) != (arguments.labels is None):
        raise ValueError("--images and --labels belong together: give both, or neither")
    if arguments.images:
        names = ("data", "root", "held_out", "download")
        beside = [f"--{n.replace('_', '-')}" for n in names if getattr(arguments, n)]
        if beside:
            raise ValueError(
                f"{', '.join(beside)} given beside --images, which are your own data, a tenth of them held "
                "out: leave out the one or the other"
            )
        images = read_images(arguments.images, None)
        if len(images) < 10:
            raise ValueError(
                f"{shown(arguments.images)} holds {len(images)} images, 10 or more expected, as a "
                "tenth is held out of training"
            )
        labels = read_labels(arguments.labels, len(images))
        out = _held_out(labels)
        _warn_of_absent(arguments.labels, labels, out)
        return Data(images[~out], labels[~out], images[out], labels[out])
    held_out = arguments.held_out or "test"
    if arguments.data in (None, "mnist"):
        if arguments.root or arguments.download:
            raise ValueError(
                "--root and --download are for --data fashion-mnist and kmnist; MNIST is in the package"
            )
        return mnist(held_out)
    train, root = "train" if held_out == "test" else "fit", arguments.root or Path("data")
    return Data(
        *load_dataset(arguments.data, root, train, arguments.download),
        *load_dataset(arguments.data, root, held_out, arguments.download),
    )


def _held_out(labels: np.ndarray) -> np.ndarray:
    """Choose a tenth of each class, at random and alike for the same labels, whatever order they come in."""
    order = np.random.RandomState(0).permutation(len(labels))  # whose numbers NumPy never changes
    order = order[np.argsort(labels[order], kind="stable")]
    out = np.zeros(len(labels), bool)
    out[order[9::10]] = True
    return out


def _warn_of_absent(path: Path, labels: np.ndarray, out: np.ndarray) -> None:
    """Warn of classes without an image: of all, of those that are learned, or of those held out."""
    classes = range(int(labels.max()) + 1)
    absent = sorted(set(classes) - set(labels.tolist()))
    if absent:
        begin = "do labels begin at 1? " if absent == [0] else ""
        _warn(
            f"{path}: no image of class {_few(absent)}: {begin}labels are 0 to {len(classes) - 1}, and each "
            "has a unit of the network"
        )
    for part, kind in ((~out, "learned"), (out, "held out")):
        lost = sorted(set(labels.tolist()) - set(labels[part].tolist()))
        if lost:
            _warn(f"{path}: no image of class {_few(lost)} is {kind}: there are too few of it")


def _few(numbers: list[int]) -> str:
    return ", ".join(map(str, numbers[:5])) + (", ..." if len(numbers) > 5 else "")


def _images(arguments, checkpoint: Checkpoint) -> tuple[np.ndarray, np.ndarray | None]:
    config = checkpoint.config
    if arguments.images is None:
        if not _like_mnist(config):
            raise ValueError(
                f"the network takes images of {config.sizes[-1]} pixels and {config.sizes[0]} classes, and "
                f"those of MNIST have {PIXELS} and {CLASSES}: pass your own with --images"
            )
        if _mnist_of(checkpoint)[0] is None:
            _warn(
                f"{arguments.checkpoint}: the network was trained on other data than MNIST, whose images it "
                "is given here; pass your own with --images"
            )
        images, labels = load_mnist(arguments.split or "test")
    elif arguments.split:
        raise ValueError("--split is of MNIST, and --images are your own: leave out one of the two")
    else:
        images, labels = _own_images(arguments, checkpoint), None
    if arguments.index is not None:
        if not all(-len(images) <= i < len(images) for i in arguments.index):
            raise ValueError(
                f"--index {arguments.index} given, 0 to {len(images) - 1} expected, or from the end "
                f"-1 to -{len(images)}"
            )
        images = images[arguments.index]
        labels = None if labels is None else labels[arguments.index]
    if arguments.invert:
        images = (255 if images.dtype == np.uint8 else 1) - images
    if arguments.images is not None:
        odd = oddity(images, checkpoint.network, config)
        if odd is None and _mnist_of(checkpoint)[0]:
            odd = off_centre(images)
        if odd:
            _warn(f"{arguments.images[0]}: {odd}")
    return images, labels


def _own_images(arguments, checkpoint: Checkpoint) -> np.ndarray:
    """Read an array of images, or pictures of a digit each."""
    paths, config = arguments.images, checkpoint.config
    pictures = [is_picture(path) for path in paths]
    if not any(pictures) and len(paths) == 1:
        return read_images(paths[0], config.sizes[-1])
    if not all(pictures):
        other = paths[pictures.index(False)]
        if not other.exists():
            raise OSError(f"could not read {shown(other)}: there is no such file")
        raise ValueError(
            f"{shown(other)} is no picture that is read here: --images takes pictures, PNG or JPEG, or one "
            ".npy file alone"
        )
    if arguments.invert:
        raise ValueError(
            "--invert is for a .npy file; what is ink in a picture is found out: leave it out"
        )
    if config.sizes[-1] != PIXELS:
        raise ValueError(
            f"pictures are made like MNIST's digits, of {PIXELS} pixels, and the network takes images of "
            f"{config.sizes[-1]}: prepare them as those that it was trained on, and pass a .npy file"
        )
    if _mnist_of(checkpoint)[0] is None:
        _warn(
            f"{arguments.checkpoint}: the network was trained on other data than MNIST, like whose digits "
            "pictures are made here"
        )
    return read_pictures(paths)


def _pixels(checkpoint: Checkpoint, images: np.ndarray) -> np.ndarray:
    config = checkpoint.config
    with own_settings():  # what there is to say of the images, `oddity` says
        return np.asarray(normalise(images, config.pixel_mean, config.pixel_std))


def _as_text(images, columns: int = 5) -> str:
    """Draw digits with characters, two rows of pixels (of 14 x 14) a line, five digits side by side."""
    small = np.asarray(images).reshape(-1, 14, 2, 14, 2).mean(axis=(2, 4))
    ink = {(False, False): " ", (True, False): "▀", (False, True): "▄", (True, True): "█"}
    lines = []
    for row in range(0, len(small), columns):
        dark = np.concatenate([*small[row : row + columns]], axis=1) > 0.35
        lines += [
            "".join(
                ink[bool(a), bool(b)] for a, b in zip(dark[i], dark[i + 1], strict=True)
            ).rstrip()
            for i in range(0, 14, 2)
        ]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
