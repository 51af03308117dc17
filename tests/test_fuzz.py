"""Whatever a file says of itself, it is read or refused in one line: well-formed files with wrong fields.

Their digests are right, as those of someone who knows the format would be: only the checks are in the way.
"""

import copy
import hashlib
import io
import json
import math
import zipfile

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bpc_minimal import (
    Config,
    Data,
    classify,
    denormalise,
    fit,
    generate,
    load,
    normalise,
    pretrained,
    save,
)
from bpc_minimal.checkpoint import export
from bpc_minimal.files import read_npy

CONFIG = Config(sizes=(10, 3, 784), batch_size=16, iterations=4, evaluate_every=2)

# Fast tests try a few hundred; slow ones 10,000.
FEW = settings(
    max_examples=150, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck)
)
MANY = settings(FEW, max_examples=5_000, derandomize=False)
effort = pytest.mark.parametrize(
    "effort", [FEW, pytest.param(MANY, marks=pytest.mark.slow)], ids=["few", "many"]
)

numbers = st.one_of(
    st.sampled_from([0, 1, -1, 2, 12, 2**31 - 1, 2**31, 2**63, 2**64, 10**400, -(10**400)]),
    st.sampled_from([0.5, -0.0, 1e-300, 1e38, 1e39, 1e308, math.nan, math.inf, -math.inf]),
)
words = st.one_of(
    st.sampled_from(["", "relu", "\x1b[2J", "\0", "\ud800", "../../x", "1", "a" * 3_000]),
    st.text(max_size=6),
)
values = st.recursive(
    st.one_of(st.none(), st.booleans(), numbers, words),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(words, inner, max_size=3)),
    max_leaves=6,
)


def places(tree, path=()):
    """Every place in a tree of dictionaries and lists."""
    yield path
    if isinstance(tree, (dict, list)):
        for key in tree if isinstance(tree, dict) else range(len(tree)):
            yield from places(tree[key], (*path, key))


@st.composite
def changed(draw, tree):
    """A tree with one to three of its places changed, removed or doubled."""
    tree = copy.deepcopy(tree)
    for _ in range(draw(st.integers(1, 3))):
        path = draw(st.sampled_from([*places(tree)]))
        if not path:
            if draw(st.integers(0, 20)) == 0:
                return draw(values)
            continue
        at = tree
        for key in path[:-1]:
            at = at[key]
        kind = draw(st.sampled_from(["value", "value", "number", "remove", "add"]))
        if kind == "remove":
            del at[path[-1]]
        elif kind == "add" and isinstance(at, dict):
            at[draw(words)] = draw(values)
        elif kind == "add":
            at.append(draw(values))
        else:
            at[path[-1]] = draw(numbers if kind == "number" else values)
    return tree


@st.composite
def changed_array(draw, array):
    """An array of another type, shape or length, or with numbers that none should have."""
    kind = draw(st.sampled_from(["same", "type", "shape", "number", "length", "order"]))
    if kind == "type":
        types = ["f2", "f4", "f8", ">f4", "i4", "i8", "u1", "?", "c8", "U3", "M8[s]", "V4"]
        with np.errstate(all="ignore"):
            return np.zeros(array.shape, draw(st.sampled_from(types)))
    if kind == "shape":
        return array.reshape(draw(st.sampled_from([(-1,), (1, *array.shape), (*array.shape, 1)])))
    odd = {"f": [-5, 1e30, math.nan, math.inf], "i": [-5, 7, 2**31 - 1], "u": [0, 2**32 - 1]}
    if kind == "number" and array.size and array.dtype.kind in odd:
        array = array.copy()
        place = draw(st.integers(0, array.size - 1))
        with np.errstate(over="ignore"):  # 1e30 is no float16
            array.reshape(-1)[place] = draw(st.sampled_from(odd[array.dtype.kind]))
        return array
    if kind == "length":
        return (
            np.resize(array, (draw(st.integers(0, 5)), *array.shape[1:])) if array.ndim else array
        )
    return np.asfortranarray(array)


def one_line(error):
    """An error that says something, for a terminal, briefly."""
    text = str(error)
    assert text and text.isprintable() and len(text) < 1_000, repr(text)
    assert "allow_pickle" not in text and "max_header_size" not in text
    return True


def usable(network, config):
    """What is loaded can be used."""
    blank = normalise(np.zeros((2, 28, 28), np.uint8))
    assert np.isfinite(np.asarray(generate(network, np.arange(2)))).all()
    assert classify(network, blank).shape == (2,)


@pytest.fixture(scope="module")
def parts(digits, tmp_path_factory):
    """A checkpoint's head and arrays, and the folder to write others to."""
    small = Data(*(np.asarray(x)[:32] for x in digits))
    kept = []
    fit(CONFIG, small, on_epoch=kept.append)
    folder = tmp_path_factory.mktemp("fuzz")
    save(folder / "good.bpc", kept[-1])
    first, head, body = (folder / "good.bpc").read_bytes().split(b"\n", 2)
    file, arrays = io.BytesIO(body), []
    while file.tell() < len(body):
        arrays.append(np.load(file))
    export(folder / "good.npz", kept[-1], {"command": "test"})
    return folder, first.rpartition(b" ")[0], json.loads(head), arrays, kept[-1]


def sealed(format_, head, arrays):
    body = io.BytesIO()
    body.write(json.dumps(head).encode() + b"\n")
    for array in arrays:
        np.save(body, array)
    content = body.getvalue()
    return format_ + b" " + hashlib.sha256(content).hexdigest().encode() + b"\n" + content


@effort
def test_checkpoints_with_right_digests_are_read_or_refused(parts, effort):
    folder, format_, head, arrays, good = parts
    path = folder / "fuzz.bpc"
    path.write_bytes(sealed(format_, head, arrays))
    load(path)  # unchanged it is good
    count = {"loaded": 0, "refused": 0}

    @effort
    @given(st.data())
    def attempt(data):
        new_head, new_arrays = head, arrays
        if data.draw(st.booleans()):
            new_head = data.draw(changed(head))
        else:
            i = data.draw(st.integers(0, len(arrays) - 1))
            new_arrays = [*arrays[:i], data.draw(changed_array(arrays[i])), *arrays[i + 1 :]]
            if data.draw(st.integers(0, 9)) == 0:
                new_arrays = new_arrays[: data.draw(st.integers(0, len(arrays)))]
        path.write_bytes(sealed(format_, new_head, new_arrays))
        try:
            found = load(path)
        except (ValueError, OSError) as error:
            count["refused"] += one_line(error) and "fuzz.bpc" in str(error)
            return
        count["loaded"] += 1
        assert all(np.isfinite(values).all() for values in found.history.losses.values())
        assert [e["iteration"] for e in found.history.evaluations][-1] == int(found.state.iteration)
        save(folder / "again.bpc", found)  # what is read can be written, and read again
        assert load(folder / "again.bpc").config == found.config
        if found.config.sizes == CONFIG.sizes and count["loaded"] % 10 == 0:
            usable(found.network, found.config)

    attempt()
    assert count["refused"] > effort.max_examples / 4 and count["loaded"]


@effort
def test_settings_are_read_or_refused(parts, effort):
    good = json.loads(CONFIG.to_json())

    @settings(effort, max_examples=effort.max_examples // 2)
    @given(changed(good))
    def attempt(settings_):
        try:
            config = Config.from_json(json.dumps(settings_))
        except (ValueError, OSError) as error:
            assert str(error)
        else:
            assert Config.from_json(config.to_json()) == config

    attempt()


@effort
def test_files_of_weights_are_read_or_refused(parts, effort):
    folder = parts[0]
    path = folder / "fuzz.npz"
    with np.load(folder / "good.npz") as file:
        good = dict(file)
    texts = {name: json.loads(str(good[name])) for name in ("config", "evaluations", "about")}
    arrays = [name for name in good if name not in texts]

    @settings(effort, max_examples=effort.max_examples // 3)
    @given(st.data())
    def attempt(data):
        new = dict(good)
        if data.draw(st.booleans()):
            name = data.draw(st.sampled_from(sorted(texts)))
            text = json.dumps(data.draw(changed(texts[name])))
            new[name] = np.array(data.draw(st.sampled_from([text, text, text[:-1], ""])))
        else:
            name = data.draw(st.sampled_from([*arrays, "config"]))
            new[name] = data.draw(changed_array(new[name]))
        if data.draw(st.integers(0, 9)) == 0:
            del new[data.draw(st.sampled_from(sorted(new)))]
        np.savez_compressed(path, **new)
        try:
            network, history, about = pretrained(path)
        except OSError as error:
            assert one_line(error) and "fuzz.npz" in str(error)
        else:
            assert all(isinstance(text, str) for text in about.values())
            assert np.isfinite(np.asarray(denormalise(generate(network, np.arange(2))))).all()

    attempt()


def test_members_larger_than_settings_ask_for_are_refused(parts):
    """A zip file of a few kilobytes whose member would be a quarter of a gigabyte."""
    folder = parts[0]
    with np.load(folder / "good.npz") as file:
        good = dict(file)
    for name in ("weight_0", "loss_energy", "config"):
        np.savez(folder / "bomb.npz", **{k: v for k, v in good.items() if k != name})
        with zipfile.ZipFile(folder / "bomb.npz", "a", zipfile.ZIP_DEFLATED) as file:
            head = io.BytesIO()
            np.lib.format.write_array_header_1_0(
                head, {"descr": "<f4", "fortran_order": False, "shape": (1 << 26,)}
            )
            with file.open(f"{name}.npy", "w", force_zip64=True) as member:
                member.write(head.getvalue())
                for _ in range(1 << 8):
                    member.write(bytes(1 << 20))
        with pytest.raises(OSError, match=rf"bomb\.npz holds no weights .*{name}"):
            pretrained(folder / "bomb.npz")


@effort
def test_heads_of_arrays_are_read_or_refused(tmp_path, effort):
    path = tmp_path / "fuzz.npy"
    lengths = st.one_of(st.integers(-2, 4), numbers, st.booleans(), st.none(), words)
    shapes = st.one_of(
        st.lists(lengths, max_size=5).map(tuple), lengths, st.lists(lengths, max_size=3)
    )
    types = st.one_of(
        st.sampled_from(["|u1", "<f4", ">f8", "|b1", "|O", "<U3", "<c16", "<M8[s]", "|V3", "<i8"]),
        words,
    )

    @settings(effort, max_examples=effort.max_examples // 2)
    @given(
        types, shapes, st.one_of(st.booleans(), values), st.binary(max_size=80), st.integers(1, 3)
    )
    def attempt(descr, shape, order, body, version):
        head = (
            repr({"descr": descr, "fortran_order": order, "shape": shape}).encode(errors="replace")
            + b"\n"
        )
        length = (
            len(head).to_bytes(2 if version == 1 else 4, "little")
            if version > 1 or len(head) < 65536
            else b"\xff\xff"
        )
        path.write_bytes(b"\x93NUMPY" + bytes([version, 0]) + length + head + body)
        try:
            array = read_npy(path)
        except ValueError as error:
            assert one_line(error)
        else:
            assert array.nbytes <= len(body) and array.dtype.kind in "buif"

    attempt()
