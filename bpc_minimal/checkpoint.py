"""Checkpoints: a run in one file that a killed process cannot spoil and that runs no code when read.

The file is a line that names the format and the SHA-256 of all that follows; a line of JSON (the
settings, the evaluations, the SHA-256 and the number of the data, the lengths of the losses); then the arrays
as Equinox writes them. `files.write` puts it in its place whole. A digest only says that the file is as it
was written, not by whom: every field is checked again when it is read.
"""

import contextlib
import hashlib
import io
import json
import math
import re
import struct
import zipfile
import zlib
from pathlib import Path
from typing import IO, Any

import equinox as eqx
import jax
import numpy as np

from bpc_minimal.arguments import LARGEST, ArgumentError, Given, alive, own_settings, take_resume
from bpc_minimal.config import Config
from bpc_minimal.curvature import IN_TRAINING, SLACK, in_steps, spectral_norms
from bpc_minimal.divergence import MOST
from bpc_minimal.files import expanded, parse_json, read_array, reinstall, shown
from bpc_minimal.files import write as write_file
from bpc_minimal.learning import TrainState, make_state
from bpc_minimal.network import Network
from bpc_minimal.training import Checkpoint, History

FORMAT = "bpc_minimal checkpoint 1"
KINDS = {  # what else people have, by how it begins
    b"\x89PNG": "a PNG picture",
    b"\xff\xd8\xff": "a JPEG picture",
    b"%PDF": "a PDF",
    b"\x93NUMPY": "an array of NumPy's",
    b"PK\3\4": "a zip or .npz file (in Python, bpc_minimal.pretrained(path) reads that of `make best`)",
}
LOSSES = ("gen_loss", "amort_loss", "energy_before", "energy")  # as `train_step` gives them
HEAD = 1 << 26  # bytes of JSON at most: a quarter of a million evaluations
TEXT = 1 << 24  # bytes at most of a text in a file of `export`
# What JSON, the settings, NumPy's and zip's readers raise at files that are not what they seem.
UNREADABLE = (
    EOFError, ValueError, KeyError, TypeError, AttributeError, IndexError, RuntimeError, ArithmeticError,
    MemoryError, zipfile.BadZipFile, zlib.error, struct.error,
)  # fmt: skip
# |mu| <= ADAM sqrt(nu), by the inequality of Cauchy and Schwarz: with Optax's b1 = 0.9 and b2 = 0.999 the
# root of (1 - b1)^2 / (1 - b2) / (1 - b1^2 / b2) is 7.27.
ADAM = 7.4
PRETRAINED = Path(__file__).with_name("best.npz")  # `make best` makes it


class SettingError(ValueError):
    """The file is good; JAX is set so that it does not fit."""


@own_settings()
def save(path: str | Path, checkpoint: Checkpoint) -> None:
    """Write a checkpoint; an older one at that path is replaced only by a whole new one.

    Links are followed and an older file's mode is kept, as `files.write` says.

    Args:
        path: of the file; its folder must exist.
        checkpoint: what `fit` hands to `on_epoch`.

    Raises:
        ValueError: `checkpoint` is something else, or one that `load` would refuse; but for weights that
            were changed and not the bounds of their norms beside them, which `load` alone measures.
        OSError: the folder is missing or read-only, or the disk is full. The older file is intact.

    Example:
        >>> config = bpc.preset("fast", sizes=(10, 784), iterations=1)
        >>> keep = lambda checkpoint: bpc.save("run.bpc", checkpoint)
        >>> network, history = bpc.fit(config, on_epoch=keep)
    """
    if not isinstance(checkpoint, Checkpoint):
        raise ValueError(
            f"{type(checkpoint).__name__} given, a Checkpoint expected, as `fit` hands it to on_epoch"
        )
    try:
        body = _whole_body(checkpoint)
    except (SettingError, *UNREADABLE) as error:
        raise ValueError(
            f"a Checkpoint given that could not be read again: {_words(error)}; nothing was written; "
            "hand over what `fit` hands to on_epoch, as it is"
        ) from error
    write_file(path, f"{FORMAT} {_digest(body)}\n".encode(), body, what="the checkpoint")


def take_whole(name: str, value: Any, given: Given) -> Checkpoint | None:
    """Take a checkpoint to go on from, for `fit`: one that `save` would write, of the settings given."""
    if isinstance(value, Checkpoint):
        alive(name, value.state)
        try:
            _whole_body(value)
            _check_norms(value.state)
        except (SettingError, *UNREADABLE) as error:
            raise ArgumentError(
                name, f" is not whole: {_words(error)}; pass what load(path) gives, as it is"
            ) from error
    return take_resume(name, value, given)


def _whole_body(checkpoint: Checkpoint) -> bytes:
    """Give all of the file but its first line, once it was read back, which checks every field."""
    body = _body(checkpoint)
    _parse(io.BytesIO(body))
    return body


def _body(checkpoint: Checkpoint) -> bytes:
    """Give all of the file but its first line."""
    head = {
        "config": json.loads(checkpoint.config.to_json()),
        "evaluations": checkpoint.history.evaluations,
        "data": checkpoint.data,
        "examples": checkpoint.examples,
        "losses": {k: len(v) for k, v in checkpoint.history.losses.items()},
    }
    body = io.BytesIO()
    body.write(json.dumps(head).encode() + b"\n")
    state = jax.device_get(_with_plain_key(checkpoint.state))
    eqx.tree_serialise_leaves(body, (state, checkpoint.history.losses))
    return body.getvalue()


@own_settings()
def load(path: str | Path) -> Checkpoint:
    """Read a checkpoint.

    Numbers that were saved in float32 are float64 where JAX is told to use it, as in a fresh run there.

    Returns:
        checkpoint: its `network` classifies and generates; `fit(checkpoint.config,
            resume=checkpoint)` goes on.

    Raises:
        OSError: the file is missing, cut short or altered, or JAX does not start.
        ValueError: it is no checkpoint of this package, of settings that do not fit it, or of settings of JAX
            that are not those of now.

    Example:
        >>> checkpoint = bpc.load("run.bpc")
        >>> checkpoint.network.sizes, checkpoint.history.evaluations[-1]["iteration"]
        ((10, 784), 1)
    """
    path = expanded(path)
    check_jax()
    try:
        with open(path, "rb") as file:
            first = file.readline(200)
            format_, _, digest = first.rstrip(b"\n").rpartition(b" ")
            known = format_ == FORMAT.encode()
            if known:
                body = file if file.seekable() else io.BytesIO(file.read())  # a pipe
                begin = body.tell()
                found = hashlib.file_digest(body, lambda: hashlib.sha256(usedforsecurity=False))
                body.seek(begin)
                if digest == found.hexdigest().encode():
                    checkpoint = _parse(body)
                    _check_norms(checkpoint.state)
                    return checkpoint
    except OSError as error:
        inside = Path(path) / "checkpoint.bpc"
        help_ = (
            f"name the file in it, {shown(inside)}"
            if inside.is_file()
            else "`python -m bpc_minimal train --out FOLDER` writes FOLDER/checkpoint.bpc"
        )
        raise OSError(
            f"could not read the checkpoint {shown(path)}: {error.strerror or error}; {help_}"
        ) from error
    except SettingError as error:
        raise ValueError(f"the checkpoint {shown(path)} is whole, but {error}") from error
    except UNREADABLE as error:
        raise ValueError(
            f"the checkpoint {shown(path)} is not one of this version: {_words(error)}"
        ) from error
    if not known:
        raise ValueError(f"{shown(path)} is no checkpoint{_instead(first)}")
    raise OSError(
        f"the checkpoint {shown(path)} is cut short or altered: it does not have the digest that was "
        "written with it; use an older one, or train again"
    )


def _instead(first: bytes) -> str:
    """Say by its first line what a file is that is no checkpoint of this version, and what to do."""
    if version := re.match(rb"bpc_minimal checkpoint \d{1,9}(?= )", first):
        return (
            f" of this version of bpc_minimal: {version[0].decode()!r} found, {FORMAT!r} expected; install "
            "the version that wrote it, or train again"
        )
    kinds = [f"it is {kind}" for magic, kind in KINDS.items() if first.startswith(magic)]
    with contextlib.suppress(UnicodeDecodeError):
        begin = first.decode().strip()[:40]
        if begin.isprintable():
            kinds.append(f"it is text that begins with {begin!r}" if begin else "it holds no words")
    kinds.append("its first line names no format")
    return f": {kinds[0]}; `python -m bpc_minimal train` writes one"


def _parse(file: IO[bytes]) -> Checkpoint:
    """Read what `save` wrote, though perhaps by other hands or with other settings than this version has."""
    head = file.readline(HEAD)
    if not head.endswith(b"\n"):
        raise ValueError(f"its line of JSON has no end within {HEAD:,} bytes")
    parts = parse_json(head, "its line of JSON is")
    missing = [name for name in ("config", "losses", "evaluations", "data") if name not in parts]
    if missing:
        raise ValueError(f"its line of JSON has no {missing[0]!r}")
    config = Config.from_json(json.dumps(parts["config"]))
    lengths, evaluations, data = parts["losses"], parts["evaluations"], parts["data"]
    if not isinstance(lengths, dict) or not all(_whole(n) for n in lengths.values()):
        raise ValueError("its losses have no lengths")
    if not isinstance(data, str) or not re.fullmatch("([0-9a-f]{64})?", data):
        raise ValueError("its data are not named by a SHA-256")
    examples = parts.get("examples")  # older ones do not say
    if not (examples is None or _whole(examples) and config.batch_size <= examples <= LARGEST):
        raise ValueError(f"it is of {examples!r} training images")
    state = _read_state(file, config)
    _check_state(state)
    names = sorted(lengths)  # as JAX orders a dictionary
    losses = {k: _read_floats(file, f"losses {k!r}", (lengths[k],), np.float64) for k in names}
    if file.read(1):
        raise ValueError("more follows than its settings ask for")
    _check_history(losses, evaluations, int(state.iteration), config, examples)
    return Checkpoint(config, state, History(losses, evaluations), data, examples)


def _read_state(file: IO[bytes], config: Config) -> TrainState:
    """Read the arrays one by one, each against what the settings ask for before it takes memory."""
    begin = (
        file.tell()
    )  # the first weights tell of other settings, before seconds go to what these ask for
    _read_floats(file, "network.generator[0].weight", config.sizes[1::-1], np.float64)
    file.seek(begin)
    empty = eqx.filter_eval_shape(lambda: _with_plain_key(make_state(config, 1)))
    leaves, structure = jax.tree_util.tree_flatten_with_path(empty)
    arrays = []
    for path, leaf in leaves:
        name = jax.tree_util.keystr(path).lstrip(".")
        if jax.numpy.issubdtype(leaf.dtype, np.floating):
            array = _read_floats(file, name, leaf.shape, leaf.dtype).astype(leaf.dtype)
        else:
            try:
                array = read_array(file, dtypes=(leaf.dtype,))
            except ValueError as error:
                raise ValueError(f"{name}: {error}") from error
            if name == "key" and array.shape != leaf.shape:
                then = {2: "=threefry2x32", 4: "=rbg"}.get(array.size, "")
                raise SettingError(
                    f"it was saved with keys of {array.size} numbers, and JAX is set to keys of "
                    f"{math.prod(leaf.shape)}: set JAX_DEFAULT_PRNG_IMPL{then}, as it was then"
                )
            if array.shape != leaf.shape or array.dtype.kind == "i" and np.any(array < 0):
                raise ValueError(
                    f"{name}: {array.dtype} {array.shape} found, {leaf.shape} of 0 or more expected"
                )
        arrays.append(array)
    state = jax.tree.unflatten(structure, map(jax.device_put, arrays))
    typed = jax.eval_shape(
        jax.random.PRNGKey, 0
    ).dtype  # where JAX is set to keys of their own type
    if jax.numpy.issubdtype(typed, jax.dtypes.prng_key):
        state = eqx.tree_at(lambda s: s.key, state, jax.random.wrap_key_data(state.key))
    return state


def _check_state(state: TrainState) -> None:
    """Raise ValueError where what a run goes on with cannot be of a run: it would fail later, or silently."""
    done = int(state.iteration)
    leaves = jax.tree_util.tree_leaves_with_path(state.optimiser)
    parts = {jax.tree_util.keystr(path): np.asarray(leaf) for path, leaf in leaves}
    for name, values in parts.items():
        if name.endswith(".count") and int(values) != done:
            raise ValueError(f"optimiser{name}: {int(values)} found, {done} iterations are done")
        if ".nu" in name and not (np.all(values >= 0) and np.all(values <= MOST)):
            raise ValueError(
                f"optimiser{name}: {values.min():.3g} to {values.max():.3g} found, means of squares of 0 to "
                f"{MOST:g} expected"
            )
        if ".mu" in name:  # whatever the gradients were, as ADAM says
            reach = ADAM * np.sqrt(parts[name.replace(".mu", ".nu")].clip(0)) + 1e-15
            if not np.all(abs(values) <= reach):
                raise ValueError(f"optimiser{name}: means that are too large for those of squares")


def _check_norms(state: TrainState) -> None:
    """Raise ValueError where the bounds that a run goes on with are none, or could not have come about.

    Below the norms they would make its steps too long, and far above too short to move anything.
    `follow_norms` lets `now` grow from `measured` by the length of each update, and what was measured is a
    norm of Schatten's (of the eighth powers at least), which an update changes by no more than its length:

        norm <= now <= SLACK measured,    measured <= spectral_norm(W, IN_TRAINING) + (now - measured)

    The two maps that only the steps of the clamped ends are made of grow without being measured anew.
    """
    if state.norms is None:
        return
    closest = jax.jit(spectral_norms)(state.network)  # less than a percent above the norms
    loosest = jax.jit(lambda network: spectral_norms(network, IN_TRAINING))(state.network)
    needed = in_steps([True, *[False] * (state.network.depth - 1), True])
    parts = (closest, *state.norms, loosest, needed)
    for norm, now, measured, most, anew in zip(*map(jax.tree.leaves, parts), strict=True):
        norm, now, measured, most = (float(x) for x in (norm, now, measured, most))
        if not 0.99 * norm <= now:
            raise ValueError("its bounds of the weights' norms are below the norms")
        if not 0.99 * measured <= now or (anew and now > 1.01 * SLACK * measured):
            raise ValueError("its bounds of the weights' norms do not fit what was measured")
        if not 2 * measured - now <= 1.01 * most:
            raise ValueError("its bounds of the weights' norms are far above the norms")


def _read_floats(file: IO[bytes], name: str, shape: tuple[int, ...], dtype: Any) -> np.ndarray:
    """Read finite numbers of single or, where `dtype` has room for them, double precision."""
    try:
        array = read_array(file, shape=shape, dtypes=(np.float32, np.float64))
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from error
    if not np.isfinite(array).all():
        raise ValueError(f"{name}: it holds NaN or infinity")
    if array.dtype.itemsize > np.dtype(dtype).itemsize:
        raise SettingError(
            "it was saved in float64, and JAX is set to float32: set JAX_ENABLE_X64=1, as it was then"
        )
    return array


def _check_history(
    losses: Any, evaluations: Any, iteration: int, config: Config, examples: int | None = None
) -> None:
    """Raise ValueError unless this is the record of a run of so many iterations."""
    if set(losses) != set(LOSSES if iteration else ()):
        raise ValueError(
            f"losses {sorted(losses)} of {iteration} iterations found, {LOSSES} expected"
        )
    if any(len(values) != iteration for values in losses.values()):
        raise ValueError(f"its losses are not of {iteration} iterations, as its weights are")
    for name, values in losses.items():
        if not (np.all(values >= 0) and np.all(values <= MOST)):
            raise ValueError(
                f"losses {name!r} from {values.min():.3g} to {values.max():.3g} found, 0 to {MOST:g} expected"
            )
    total = config.iterations if examples is None else config.total(examples)
    if total is not None and iteration > total:
        raise ValueError(f"it stands at iteration {iteration} of {total}")
    needed = {"iteration", "gen_loss", "amort_loss", "accuracy"}
    if not isinstance(evaluations, list) or bool(evaluations) != bool(iteration):
        raise ValueError("its evaluations are not a list of those of its iterations")
    reached = 0
    for evaluation in evaluations:
        if not isinstance(evaluation, dict) or not needed <= set(evaluation):
            raise ValueError(f"an evaluation without {', '.join(sorted(needed))}")
        for name, value in evaluation.items():
            number = isinstance(value, (int, float)) and not isinstance(value, bool)
            if not number or not abs(value) < math.inf or abs(value) > 1e308:
                raise ValueError(f"an evaluation with {name}={value!r}, a finite number expected")
            most = 100.001 if name == "accuracy" else math.inf  # what rounding may add
            if name in (*LOSSES, "accuracy", "rmse", "relative_step") and not 0 <= value <= most:
                raise ValueError(
                    f"an evaluation with {name}={value!r}, 0 "
                    f"{'to 100' if name == 'accuracy' else 'or more'} expected"
                )
        if (
            not _whole(evaluation["iteration"])
            or not reached < evaluation["iteration"] <= iteration
        ):
            raise ValueError(
                f"an evaluation at iteration {evaluation['iteration']!r} after {reached}"
            )
        reached = evaluation["iteration"]
        for name, values in losses.items():
            if name in evaluation and not math.isclose(
                evaluation[name], values[reached - 1], rel_tol=1e-6
            ):
                raise ValueError(
                    f"an evaluation with {name}={evaluation[name]!r} at iteration {reached}, "
                    f"{values[reached - 1]:.6g} among the losses"
                )
    if reached != iteration:
        raise ValueError(
            f"its last evaluation is of iteration {reached}, its weights of {iteration}"
        )


def export(path: str | Path, checkpoint: Checkpoint, about: dict[str, str]) -> None:
    """Write weights and history small enough to travel with the package: weights in float16, no optimiser.

    Args:
        path: of the file, which ends in .npz.
        checkpoint: of a finished run.
        about: what made it: command, versions, seed.
    """
    arrays: dict[str, Any] = {
        "config": np.array(checkpoint.config.to_json()),
        "evaluations": np.array(json.dumps(checkpoint.history.evaluations)),
        "about": np.array(json.dumps(about)),
    }
    for i, weight in enumerate(jax.device_get(jax.tree.leaves(checkpoint.network))):
        arrays[f"weight_{i}"] = np.asarray(weight, np.float16)
    for name, values in checkpoint.history.losses.items():
        arrays[f"loss_{name}"] = values
    content = io.BytesIO()
    np.savez_compressed(content, **arrays)
    write_file(path, content.getbuffer())


@own_settings()
def pretrained(path: str | Path = PRETRAINED) -> tuple[Network, History, dict[str, str]]:
    """Read what `export` wrote, by default the run of the preset `best` that the package carries.

    Returns:
        network: its weights, rounded to float16 on the way.
        history: of the run.
        about: what made it; its "config" is the settings as JSON.

    Raises:
        OSError: the file is missing or no file of `export`, or JAX does not start.

    Example:
        >>> network, history, about = bpc.pretrained()
        >>> network.sizes, about["config"][:15]
        ((10, 512, 512, 784), '{"name": "best"')
    """
    path = expanded(path)
    check_jax()
    try:
        with zipfile.ZipFile(path) as file:
            text = {name: _read_text(file, name) for name in ("config", "evaluations", "about")}
            config = Config.from_json(text["config"])
            about = parse_json(text["about"], "what made it is")
            if not isinstance(about, dict) or not all(isinstance(v, str) for v in about.values()):
                raise ValueError("what made it is not told in words")
            evaluations = parse_json(text["evaluations"], "its evaluations are")
            empty = eqx.filter_eval_shape(make_state, config, 1).network
            leaves, structure = jax.tree.flatten(empty)
            arrays = []
            for i, leaf in enumerate(leaves):
                weight = _read_member(file, f"weight_{i}", leaf.shape, (np.float16,))
                arrays.append(jax.device_put(weight.astype(leaf.dtype)))
            done = evaluations[-1]["iteration"]
            if not _whole(done) or done >= 2**31:
                raise ValueError(f"its last evaluation is at iteration {done!r}")
            losses = {
                k: _read_member(file, f"loss_{k}", (done,), (np.float32, np.float64))
                for k in LOSSES
            }
            _check_history(losses, evaluations, done, config)
    except (OSError, *UNREADABLE) as error:
        own = Path(path) == PRETRAINED
        raise OSError(
            f"{shown(path)} holds no weights that `export` wrote ({_words(error)}); "
            + (reinstall() if own else "`pretrained()` reads the package's own")
        ) from error
    about["config"] = text["config"]
    return jax.tree.unflatten(structure, arrays), History(losses, evaluations), about


def _read_member(
    file: zipfile.ZipFile, name: str, shape: tuple[int, ...], dtypes: Any
) -> np.ndarray:
    """Read one array of a file of `export`: finite numbers, shaped as its settings ask."""
    with _open_member(file, name) as member:
        try:
            array = read_array(member, _size(file, name), shape=shape, dtypes=dtypes)
            if member.read(1):
                raise ValueError("more follows")
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from error
    if not np.isfinite(array).all():
        raise ValueError(f"{name}: it holds NaN or infinity")
    return array


def _read_text(file: zipfile.ZipFile, name: str) -> str:
    if _size(file, name) > TEXT:
        raise ValueError(f"{name}: {_size(file, name):,} bytes, a text expected")
    with _open_member(file, name) as member:
        text = str(read_array(member, _size(file, name), shape=(), kinds="U"))
        member.read()  # to its end, where its sum is checked
    return text


def _open_member(file: zipfile.ZipFile, name: str) -> IO[bytes]:
    if file.getinfo(f"{name}.npy").compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ValueError(f"{name}: packed in another way than NumPy does")
    return file.open(f"{name}.npy")


def _size(file: zipfile.ZipFile, name: str) -> int:
    return file.getinfo(f"{name}.npy").file_size


def check_jax() -> None:
    """Raise OSError that names the setting if JAX has no device to put weights on."""
    try:
        jax.devices()
    except Exception as error:  # whatever a plugin raises
        setting = getattr(jax.config, "jax_platforms", None)
        advice = "unset it or choose cpu" if setting else "JAX_PLATFORMS=cpu does without it"
        raise OSError(
            f"JAX does not start with JAX_PLATFORMS={setting or ''} ({_words(error)}); {advice}"
        ) from error


def _with_plain_key(state: TrainState) -> TrainState:
    """Give the key as numbers, also where JAX is set to keys of a type of their own."""
    return eqx.tree_at(lambda s: s.key, state, jax.random.key_data(state.key))


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _words(error: BaseException) -> str:
    """Give the words of an error in one short line."""
    words = shown(" ".join(str(error).split())) or type(error).__name__
    return words if len(words) <= 300 else f"{words[:200]} ... {words[-80:]}"


def _digest(body: bytes) -> str:
    return hashlib.sha256(body, usedforsecurity=False).hexdigest()
