"""Answers to the exercises of chapter 7."""

import numpy as np


def prepare(space):
    """Set what exercise 2 asks of: images, and Figure 2's rows, each with a known share of wins."""
    rng = np.random.default_rng(0)
    image, off = rng.normal(size=(2, 40, 784)).astype(np.float32)
    times = np.where(np.arange(40) < 30, 0.5, 2.0).astype(np.float32)[:, None]
    space |= {"pixels": image, "lower": np.tile(np.arange(784) < 392, (40, 1))}
    space["drawings"] = {
        "a Gaussian": image + off,
        "BPC with masks, two sweeps": image + times * off,  # closer for 30 of 40
        "BPC, settled": image + off / times,  # for 10
    }


ERROR = "def fill_error(rho):\n    return "
CLOSER = """
def share_closer(one, other, image, visible):
    a = ((one - image) ** 2 * ~visible).sum(axis=1)
    b = ((other - image) ** 2 * ~visible).sum(axis=1)
    return 100 * np.mean(a < b)
"""
CONFIRM = """
def confirm(network, image, visible, turns):
    now = jnp.where(visible, image, 0.0)
    for _ in range(turns):
        label = bpc.one_hot(bpc.sweep_up(network, now)[0].argmax(axis=1))
        drawn = bpc.sweep_down(network, label)[-1]
        now = jnp.where(visible, image, drawn)
    return now
"""
SHARE = """
def by_share(network, image, label, shares, chance):
    found = []
    for share in shares:
        seen = jnp.where(chance >= share, image, 0.0)
        answers = np.asarray(bpc.sweep_up(network, seen)[0].argmax(axis=1))
        found.append(100 * np.mean(answers == label))
    return found
"""
COPIED = """
def share_copied(drawn, image, visible, known):
    far = (((image[:, None] - known) * visible[:, None]) ** 2).sum(axis=-1)
    rival = known[np.argmin(far, axis=1)]
    to_rival = (((drawn - rival) * ~visible) ** 2).sum(axis=1)
    to_own = (((drawn - image) * ~visible) ** 2).sum(axis=1)
    return 100 * np.mean(to_rival < to_own)
"""

ANSWERS = {
    "7.1": {
        "right": [
            ERROR + "np.sqrt(1 - rho**2)",
            "import math\ndef fill_error(correlation):\n    return math.sin(math.acos(correlation))",
            "def fill_error(rho):\n    return jnp.array([1 - rho * rho]) ** 0.5",
        ],
        "wrong": [
            ("root is missing", "def fill_error(rho):\n    return 1 - rho"),
            ("take its root", ERROR + "1 - rho**2"),
            ("rho's square", ERROR + "np.sqrt(1 - abs(rho))"),
            ("root is missing", ERROR + "1 - abs(rho)"),
            ("sign of rho", ERROR + "np.sqrt(1 - rho)"),
            ("own size", ERROR + "abs(rho)"),
            ("this is rho", ERROR + "rho"),
            ("of the rest", ERROR + "rho**2"),
            ("copying", ERROR + "np.sqrt(2 * (1 - rho))"),
            ("mean square of", ERROR + "2 - 2 * rho"),
            ("ignores", ERROR + "1.0"),
            ("added", ERROR + "np.sqrt(1 + rho**2)"),
            ("one over", ERROR + "(1 - rho**2) ** -0.5"),
            ("twice", ERROR + "np.sqrt(2 - 2 * rho**2)"),
            ("raised", ERROR + "np.sqrt(1 - r**2)"),
            ("text", ERROR + "f'{np.sqrt(1 - rho**2)}'"),
            ("printed", "def fill_error(rho):\n    print((1 - rho**2) ** 0.5)"),
        ],
    },
    "7.2": {
        "right": [
            CLOSER,
            "def share_closer(one, other, image, visible):\n"
            "    wins = 0\n"
            "    for a, b, x, seen in zip(one, other, image, visible):\n"
            "        wins += np.sum((a - x)[~seen] ** 2) < np.sum((b - x)[~seen] ** 2)\n"
            "    return 100 * wins / len(image)",
            CLOSER.replace("100 * np.mean(a < b)", "jnp.mean(jnp.where(a < b, 100.0, 0.0))"),
        ],
        "wrong": [
            (
                "adds over the images",
                "def share_closer(one, other, image, visible):\n"
                "    return 100 * np.mean(((one - image) ** 2 * ~visible).sum(axis=0) < ((other "
                "- image) ** 2 * ~visible).sum(axis=0))",
            ),
            ("this is a share", CLOSER.replace("100 * ", "")),
            ("count", CLOSER.replace("100 * np.mean", "np.sum")),
            ("exchange", CLOSER.replace("a < b", "a > b")),
            ("as far", CLOSER.replace("a < b", "a <= b")),
            ("visible pixels;", CLOSER.replace("~visible", "visible")),
            ("all pixels", CLOSER.replace(" * ~visible", "")),
            (
                "absolute",
                CLOSER.replace("((one - image) ** 2", "(abs(one - image)").replace(
                    "((other - image) ** 2", "(abs(other - image)"
                ),
            ),
            ("cancel", CLOSER.replace(" ** 2", "")),
            (
                "not images",
                CLOSER.replace(
                    "100 * np.mean(a < b)",
                    "100 * np.mean(((one - image) ** 2 < (other - image) ** 2)[~visible])",
                ),
            ),
            ("once for all", CLOSER.replace("np.mean(a < b)", "float(a.sum() < b.sum())")),
            ("worst pixel", CLOSER.replace(".sum(axis=1)", ".max(axis=1)")),
            (
                "take the image away",
                CLOSER.replace("(one - image)", "one").replace("(other - image)", "other"),
            ),
            (
                "how much closer",
                CLOSER.replace("100 * np.mean(a < b)", "100 * (1 - a.sum() / b.sum())"),
            ),
            ("raised", CLOSER.replace("~visible", "~seen")),
            ("shape", CLOSER.replace("100 * np.mean(a < b)", "100.0 * (a < b)")),
            ("none", CLOSER.replace("return", "share =")),
        ],
    },
    "7.3": {
        "right": [
            CONFIRM,
            CONFIRM.replace(
                "bpc.one_hot(bpc.sweep_up(network, now)[0].argmax(axis=1))",
                "jnp.eye(10)[bpc.classify(network, now)]",
            ),
            "def confirm(network, image, visible, turns):\n"
            "    now = image * visible\n"
            "    while turns:\n"
            "        answers = bpc.sweep_up(network, jnp.asarray(now))[0].argmax(axis=1)\n"
            "        drawn = bpc.generate(network, answers)\n"
            "        now = image * visible + drawn * (1 - visible)\n"
            "        turns -= 1\n"
            "    return now",
        ],
        "wrong": [
            (
                "made certain",
                CONFIRM.replace(
                    "bpc.one_hot(bpc.sweep_up(network, now)[0].argmax(axis=1))",
                    "bpc.sweep_up(network, now)[0]",
                ),
            ),
            (
                "hidden layer",
                CONFIRM.replace(
                    "        label = bpc.one_hot(bpc.sweep_up(network, now)[0].argmax(axis=1))\n",
                    "",
                ).replace(
                    "bpc.sweep_down(network, label)[-1]",
                    "network.f(2, bpc.sweep_up(network, now)[2])",
                ),
            ),
            ("too few", CONFIRM.replace("range(turns)", "range(turns - 1)")),
            ("too many", CONFIRM.replace("range(turns)", "range(turns + 1)")),
            ("only one turn counts", CONFIRM.replace("    return now", "        return now")),
            ("nothing was pasted", CONFIRM.replace("range(turns)", "range(0)")),
            ("the seen pixels are", CONFIRM.replace("return now", "return drawn")),
            ("shape", CONFIRM.replace("return now", "return label")),
            ("whole image", CONFIRM.replace("now = jnp.where(visible, image, 0.0)", "now = image")),
            ("start at 1", CONFIRM.replace("image, 0.0)", "image, 1.0)")),
            ("raised", CONFIRM.replace("(visible, image, drawn)", "(seen, image, drawn)")),
            ("shape", CONFIRM.replace("return now", "return now[0]")),
            ("none", CONFIRM.replace("return now", "now")),
        ],
    },
    "7.4": {
        "right": [
            SHARE,
            "def by_share(network, image, label, shares, chance):\n"
            "    seen = [jnp.where(chance < share, 0.0, image) for share in shares]\n"
            "    return [100 * float((bpc.classify(network, x) == label).mean()) for x in seen]",
            SHARE.replace("return found", "return np.array(found)"),
        ],
        "wrong": [
            ("these are shares", SHARE.replace("100 * ", "")),
            ("counts", SHARE.replace("100 * np.mean", "np.sum")),
            ("what is wrong", SHARE.replace("answers == label", "answers != label")),
            ("exchanged", SHARE.replace("chance >= share", "chance < share")),
            ("what is seen here", SHARE.replace("chance >= share", "chance >= 1 - share")),
            ("nothing is hidden", SHARE.replace("chance >= share", "chance >= 0")),
            ("at -1", SHARE.replace("image, 0.0", "image, -1.0")),
            ("at 1", SHARE.replace("image, 0.0", "image, 1.0")),
            ("first image's", SHARE.replace("chance >= share", "chance[0] >= share")),
            ("whole images", SHARE.replace("chance >= share", "chance[:, :1] >= share")),
            ("last share", SHARE.replace("return found", "return [found[-1]] * len(found)")),
            ("stronger", SHARE.replace("image, 0.0)", "image, 0.0) / (1 - share)")),
            ("shape", SHARE.replace("return found", "return found[0]")),
            ("raised", SHARE.replace("label)", "labels_)")),
        ],
    },
    "7.5": {
        "right": [
            COPIED,
            "def share_copied(drawn, image, visible, known):\n"
            "    copies = 0\n"
            "    for d, x, seen in zip(drawn, image, visible):\n"
            "        like = min(known, key=lambda row: np.sum((row - x)[seen] ** 2))\n"
            "        copies += np.linalg.norm((d - like)[~seen]) < np.linalg.norm((d - x)[~seen])\n"
            "    return copies / len(image) * 100",
            "def share_copied(drawn, image, visible, known):\n"
            "    m = jnp.asarray(visible, jnp.float32)\n"
            "    far = m @ (known**2).T - 2 * (m * image) @ known.T\n"
            "    like = jnp.asarray(known)[far.argmin(axis=1)]\n"
            "    gap = lambda other: ((1 - m) * (drawn - other) ** 2).sum(axis=1)\n"
            "    return 100 * (gap(like) < gap(image)).mean()",
        ],
        "wrong": [
            ("this is a share", COPIED.replace("100 * ", "")),
            ("this is a count", COPIED.replace("100 * np.mean", "1.0 * np.sum")),
            ("nearer to their own", COPIED.replace("to_rival < to_own", "to_rival > to_own")),
            ("by hidden pixels", COPIED.replace("* visible[", "* ~visible[")),
            ("by all pixels", COPIED.replace(" * visible[:, None]", "")),
            (
                "by what was drawn",
                COPIED.replace("image[:, None]", "drawn[:, None]").replace(
                    "* visible[", "* ~visible["
                ),
            ),
            (
                "whole drawing",
                COPIED.replace("image[:, None]", "drawn[:, None]").replace(
                    " * visible[:, None]", ""
                ),
            ),
            (
                "count as 0",
                COPIED.replace(
                    "image[:, None] - known) * visible[:, None]",
                    "(image * visible)[:, None] - known)",
                ),
            ),
            ("farthest", COPIED.replace("argmin", "argmax")),
            (
                "one known image",
                COPIED.replace(
                    "known[np.argmin(far, axis=1)]",
                    "known[np.argmin(((image.mean(axis=0) - known) ** 2).sum(axis=1))]",
                ),
            ),
            ("visible pixels are compared", COPIED.replace("~visible", "visible")),
            ("all pixels are compared", COPIED.replace(" * ~visible", "")),
            (
                "same place",
                COPIED.replace("np.argmin(far, axis=1)", "np.arange(len(image)) % len(known)"),
            ),
            ("known image is compared", COPIED.replace("(drawn - rival)", "(rival - image)")),
            ("nearer to the known image", COPIED.replace("(drawn - image)", "(rival - image)")),
            (
                "once for all",
                COPIED.replace("np.mean(to_rival < to_own)", "(to_rival.sum() < to_own.sum())"),
            ),
            ("raised", COPIED.replace("known[np", "train[np")),
            ("none", COPIED.replace("return", "share =")),
        ],
    },
}
