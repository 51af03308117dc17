"""The command line: python -m bpc_minimal train|classify|generate|complete|info."""

import argparse
import contextlib
import ctypes
import importlib.metadata
import json
import re
import shlex
import signal
import sys
import threading
import time
import tokenize
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import jax
import numpy as np

from bpc_minimal import __version__
from bpc_minimal.checkpoint import load, save
from bpc_minimal.config import PRESETS, Config, preset
from bpc_minimal.data import SPLITS, denormalise, load_dataset, load_mnist, normalise
from bpc_minimal.evaluation import classify, complete, generate
from bpc_minimal.inference import RULES
from bpc_minimal.training import Checkpoint, Data, fit, mnist

FIRST = ("iteration", "gen_loss", "amort_loss", "accuracy")  # in each line of train --json
HIDDEN = {  # which pixels of 28 x 28 `complete` takes away
    "bottom": np.s_[14:, :],
    "top": np.s_[:14, :],
    "left": np.s_[:, :14],
    "right": np.s_[:, 14:],
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code: 0 done, 1 failed, 2 wrong usage, 130 interrupted."""
    arguments = _parser().parse_args(argv)
    # Where a terminal lacks the signs that digits are drawn with, others stand in for them.
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="replace")
    try:
        arguments.run(arguments)
    except (ValueError, OSError, ImportError, FloatingPointError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except (MemoryError, jax.errors.JaxRuntimeError) as error:
        print(
            f"error: not enough memory, or another failure of the device ({error}): use smaller sizes, a "
            "smaller batch_size or fewer images",
            file=sys.stderr,
        )
        return 1
    except KeyboardInterrupt as interrupt:
        print(f"interrupted{interrupt}", file=sys.stderr)
        return 130
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bpc_minimal",
        description="Train a bidirectional predictive coding network on MNIST, and use it.",
    )
    parser.add_argument("--version", action="version", version=f"bpc_minimal {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name, run, text):
        sub = commands.add_parser(name, help=text, description=text)
        sub.set_defaults(run=run)
        return sub

    train = command("train", _train, "train a network; write a checkpoint and figures")
    settings = train.add_mutually_exclusive_group()
    settings.add_argument(
        "--preset", choices=PRESETS, default="fast", help="settings (default: fast)"
    )
    settings.add_argument("--config", type=Path, help="settings from a JSON file instead")
    settings.add_argument(
        "--resume", type=Path, metavar="CHECKPOINT", help="go on from it, with its settings"
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
        default="mnist",
        help="mnist is in the package; the others are read through torchvision from --root",
    )
    train.add_argument("--root", type=Path, default=Path("data"), help="where other data are")
    train.add_argument("--download", action="store_true", help="fetch other data into --root")
    train.add_argument(
        "--held-out",
        choices=("test", "validation"),
        default="test",
        help="evaluate on the test set, or on the last 5,000 training images, left out of training",
    )
    train.add_argument(
        "--out", type=Path, help="folder of the results (default: runs/NAME, or the next free one)"
    )
    train.add_argument("--overwrite", action="store_true", help="replace what is in --out")
    train.add_argument(
        "--json",
        action="store_true",
        help="print one JSON object an evaluation; the settings go to stderr",
    )

    def uses_checkpoint(sub, steps):
        sub.add_argument("checkpoint", type=Path, help="written by train")
        sub.add_argument(
            "--steps", type=int, default=steps, help=f"of inference (default: {steps})"
        )
        sub.add_argument("--json", action="store_true", help="print JSON")

    def takes_images(sub):
        sub.add_argument("--images", type=Path, help="a .npy file, uint8 (N, 28, 28)")
        sub.add_argument("--split", choices=SPLITS, default="test", help="of MNIST (default: test)")
        sub.add_argument("--index", type=int, nargs="+", help="which images (default: all)")

    sub = command("classify", _classify, "name the digit in each image; by default the test set's")
    uses_checkpoint(sub, 0)
    takes_images(sub)
    sub = command("generate", _generate, "draw digits of the given labels; by default one of each")
    uses_checkpoint(sub, 0)
    sub.add_argument("--labels", type=int, nargs="+", default=list(range(10)))
    sub.add_argument("--out", type=Path, default=Path("generated.png"), help="the figure")
    sub = command("complete", _complete, "hide half of each image and fill it in; at most 100")
    uses_checkpoint(sub, 2000)
    takes_images(sub)
    sub.add_argument("--hide", choices=HIDDEN, default="bottom", help="which half")
    sub.add_argument("--out", type=Path, default=Path("completed.png"), help="the figure")
    sub = command("info", _info, "show versions and presets, or what a checkpoint holds")
    sub.add_argument("checkpoint", type=Path, nargs="?")
    sub.add_argument("--json", action="store_true", help="print JSON")
    return parser


def _train(arguments) -> None:
    from tqdm import tqdm

    _share_freed_memory()
    checkpoint = load(arguments.resume) if arguments.resume else None
    config = _config(arguments, checkpoint)
    data = _data(arguments)
    path = _place(arguments, config)
    total = config.total(config.training_images or len(data.images))
    if not arguments.json:
        print(
            f"{config.name}: {total:,} iterations of {config.batch_size}, results in {path.parent}"
        )
    print(config.to_json(), file=sys.stderr if arguments.json else sys.stdout)
    same_data = {"--data": arguments.data, "--root": str(arguments.root)}
    same_data = {} if arguments.data == "mnist" else same_data
    if arguments.held_out != "test":
        same_data["--held-out"] = arguments.held_out
    latest, started = checkpoint, time.perf_counter()
    done = int(checkpoint.state.iteration) if checkpoint else 0
    bar = tqdm(
        total=total, initial=done, unit="it", disable=arguments.json or not sys.stderr.isatty()
    )

    def on_epoch(checkpoint: Checkpoint) -> None:
        nonlocal latest
        save(path, checkpoint)
        latest = checkpoint
        last = checkpoint.history.evaluations[-1]
        record = {name: last[name] for name in FIRST} | last
        bar.update(int(record["iteration"]) - bar.n)
        if arguments.json:
            print(
                json.dumps(record | {"seconds": round(time.perf_counter() - started, 3)}),
                flush=True,
            )
        else:
            tqdm.write(
                f"iteration {record['iteration']:>6,}  gen_loss {record['gen_loss']:.4f}  "
                f"amort_loss {record['amort_loss']:.4f}  accuracy {record['accuracy']:.2f} %",
                file=sys.stdout,
            )

        if stop.is_set():
            raise KeyboardInterrupt(
                f"; iteration {record['iteration']:,} of {total:,} is kept. Go on with:\n"
                f"  python -m bpc_minimal train --resume {shlex.quote(str(path))}"
                + "".join(f" {name} {shlex.quote(value)}" for name, value in same_data.items())
            )

    stop = threading.Event()
    try:
        with bar, _until_interrupted(stop), ThreadPoolExecutor(1) as worker:
            worker.submit(fit, config, data, resume=checkpoint, on_epoch=on_epoch).result()
    finally:
        if not (arguments.out or arguments.resume):
            with contextlib.suppress(OSError):  # nothing was learned: its name is free again
                path.parent.rmdir()
    assert latest is not None
    if not path.exists():  # a run that had ended, resumed into another folder
        save(path, latest)
    del data  # its memory goes to the figures
    from bpc_minimal import figures

    drawn = denormalise(
        generate(latest.network, np.arange(10)), config.pixel_mean, config.pixel_std
    )
    figures.keep(figures.digits(drawn, range(10), in_unit_range=True), path.with_name("digits.png"))
    figures.keep(figures.training_curves(latest.history), path.with_name("training.png"))
    if not arguments.json:
        print(_as_text(drawn))
        print(f"{path}: weights and history; digits.png and training.png lie beside it")


def _share_freed_memory() -> None:
    """Let threads share what each frees; glibc would keep it for each, tens of MB while XLA compiles."""
    with contextlib.suppress(AttributeError, OSError, TypeError):  # where the C library is another
        ctypes.CDLL(None).mallopt(-8, 2)  # M_ARENA_MAX


@contextlib.contextmanager
def _until_interrupted(stop: threading.Event) -> Iterator[None]:
    """Let the first Ctrl-C only set `stop`, so that the compiled epoch ends and is kept.

    Training runs in another thread meanwhile: compiled code would hold the answer back until it ends.
    """

    def answer(*_) -> None:
        stop.set()
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        print(
            "interrupted: stopping after the next evaluation; Ctrl-C again ends at once without it",
            file=sys.stderr,
            flush=True,
        )

    before = signal.signal(signal.SIGINT, answer)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _classify(arguments) -> None:
    checkpoint = load(arguments.checkpoint)
    config = checkpoint.config
    images, labels = _images(arguments)
    found = classify(
        checkpoint.network, _pixels(checkpoint, images), arguments.steps, **config.inference()
    )
    found = np.asarray(found)
    accuracy = None if labels is None else round(100 * float(np.mean(found == labels)), 2)
    if arguments.json:
        print(json.dumps({"labels": found.tolist(), "accuracy": accuracy}))
        return
    if len(found) <= 100:
        print(" ".join(map(str, found)))
    if accuracy is not None:
        print(f"accuracy {accuracy:.2f} % of {len(found):,} images")
    elif len(found) > 100:
        print(f"{len(found):,} images, of 0 to 9: {np.bincount(found, minlength=10).tolist()}")


def _generate(arguments) -> None:
    from bpc_minimal import figures

    checkpoint = load(arguments.checkpoint)
    drawn = generate(
        checkpoint.network,
        np.array(arguments.labels),
        arguments.steps,
        **checkpoint.config.inference(),
    )
    drawn = denormalise(drawn, checkpoint.config.pixel_mean, checkpoint.config.pixel_std)
    figures.keep(figures.digits(drawn, arguments.labels, in_unit_range=True), arguments.out)
    print(json.dumps({"figure": str(arguments.out)}) if arguments.json else _as_text(drawn))
    if not arguments.json:
        print(arguments.out)


def _complete(arguments) -> None:
    from bpc_minimal import figures

    checkpoint = load(arguments.checkpoint)
    config = checkpoint.config
    if arguments.images is None and arguments.index is None:
        arguments.index = list(range(10))
    images, _ = _images(arguments)
    if len(images) > 100:
        raise ValueError(
            f"{len(images):,} images given, at most 100 expected, as each is drawn; choose some with "
            "--index"
        )
    seen = np.ones((28, 28), bool)
    seen[HIDDEN[arguments.hide]] = False
    pixels = _pixels(checkpoint, images)
    whole = complete(
        checkpoint.network, pixels, seen.ravel(), steps=arguments.steps, rule=config.rule
    )
    rows = [np.where(seen.ravel(), pixels, pixels.min()), whole, pixels]
    rows = [denormalise(row, config.pixel_mean, config.pixel_std) for row in rows]
    figures.keep(
        figures.digits(np.concatenate(rows), columns=len(images), in_unit_range=True), arguments.out
    )
    hidden = ~seen.ravel()
    rmse = float(np.sqrt(np.mean((np.asarray(rows[1]) - np.asarray(rows[2]))[:, hidden] ** 2)))
    if arguments.json:
        print(json.dumps({"figure": str(arguments.out), "rmse": round(rmse, 4)}))
    else:
        print(_as_text(rows[1]))
        print(f"{arguments.out}: seen, completed, true; hidden pixels differ by {rmse:.3f} (RMSE)")


def _info(arguments) -> None:
    if arguments.checkpoint:
        checkpoint = load(arguments.checkpoint)
        facts = {
            "settings": json.loads(checkpoint.config.to_json()),
            "iteration": int(checkpoint.state.iteration),
            "evaluations": checkpoint.history.evaluations,
        }
    else:
        names = ("jax", "jaxlib", "equinox", "optax", "numpy")
        facts = {
            "bpc_minimal": __version__,
            "python": sys.version.split()[0],
            **{name: importlib.metadata.version(name) for name in names},
            "devices": [str(device) for device in jax.devices()],
            "presets": {name: json.loads(config.to_json()) for name, config in PRESETS.items()},
        }
    if arguments.json:
        print(json.dumps(facts))
        return
    for name, value in facts.items():
        if isinstance(value, dict):
            print(f"{name}")
            for key, inner in value.items():
                print(f"  {key:18} {inner}")
        elif name == "evaluations":
            print("evaluations")
            for record in value:
                print("  " + "  ".join(f"{k} {v:.4g}" for k, v in record.items()))
        else:
            print(f"{name:20} {value}")


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
        changes["seed"] = arguments.seed
    try:
        if arguments.config:
            return Config.from_json(arguments.config.read_text("utf-8")).replace(**changes)
        return preset(arguments.preset).replace(**changes)
    except (TypeError, AttributeError) as error:
        raise ValueError(f"a setting is of the wrong kind: {error}") from error


def _value(name: str, text: str) -> Any:
    """Read a setting from the command line: JSON, numbers with commas, a rule's name, or a word."""
    if name == "name":
        return text
    if name == "rule":
        if text not in RULES:
            raise ValueError(f"unknown rule {text!r}; choose one of {', '.join(RULES)}")
        return RULES[text]
    try:
        value = json.loads(f"[{text}]" if "," in text and text[0] not in "[{" else text)
    except (json.JSONDecodeError, RecursionError):
        return {"None": None, "True": True, "False": False}.get(text, text)
    return tuple(value) if isinstance(value, list) else value


def _place(arguments, config: Config) -> Path:
    """Say where the checkpoint goes, and make its folder; never on top of another run unasked."""
    if arguments.resume and not arguments.out:
        return arguments.resume
    if arguments.out:
        folder = arguments.out
        there = folder / "checkpoint.bpc"
        own = arguments.resume and there.exists() and there.samefile(arguments.resume)
        if there.exists() and not (arguments.overwrite or own):
            raise ValueError(
                f"{folder} holds a run already: go on with --resume {folder}/checkpoint.bpc, replace "
                "it with --overwrite, or choose another --out"
            )
        folder.mkdir(parents=True, exist_ok=True)
        return folder / "checkpoint.bpc"
    name = re.sub(r"[^\w.-]+", "-", config.name).strip(".-") or "run"  # a name is not a path
    folder, i = Path("runs") / name, 1
    while True:
        try:
            folder.mkdir(parents=True)
            return folder / "checkpoint.bpc"
        except FileExistsError:  # another run's, which may have begun just now
            i += 1
            folder = Path("runs") / f"{name}-{i}"


def _data(arguments) -> Data:
    if arguments.data == "mnist":
        return mnist(arguments.held_out)
    train = "train" if arguments.held_out == "test" else "fit"
    return Data(
        *load_dataset(arguments.data, arguments.root, train, arguments.download),
        *load_dataset(arguments.data, arguments.root, arguments.held_out, arguments.download),
    )


def _images(arguments) -> tuple[np.ndarray, np.ndarray | None]:
    if arguments.images is None:
        images, labels = load_mnist(arguments.split)
    else:
        images, labels = _read_images(arguments.images), None
    if arguments.index is not None:
        if not all(-len(images) <= i < len(images) for i in arguments.index):
            raise ValueError(f"--index {arguments.index} given, 0 to {len(images) - 1} expected")
        images = images[arguments.index]
        labels = None if labels is None else labels[arguments.index]
    return images, labels


def _read_images(path: Path) -> np.ndarray:
    try:
        with open(path, "rb") as file:
            images = np.lib.format.read_array(file, allow_pickle=False)
    except (ValueError, MemoryError, tokenize.TokenError) as error:
        raise ValueError(
            f"{path} cannot be read as images ({error}); np.save(path, images) writes such a file"
        ) from error
    if images.ndim < 2 or not len(images):
        raise ValueError(f"{path} holds {images.dtype} {images.shape}, uint8 (N, 28, 28) expected")
    return images


def _pixels(checkpoint: Checkpoint, images: np.ndarray) -> np.ndarray:
    config = checkpoint.config
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
