import jax
import jax.numpy as jnp
import numpy as np

import bpc_minimal as bpc


def prepare(space):
    """Train small samples of what the chapter trains: fewer and smaller batches."""
    rng, data = np.random.default_rng(0), bpc.mnist("validation")
    space |= {"data": data, "READING": [False] * 3 + [True]}
    space |= {"L": 3, "TRAINING": [True, False, False, True]}
    space["optimiser"] = space["optax"].adam(3e-3)
    space["images"], space["labels"] = jnp.asarray(data.images), jnp.asarray(data.labels)
    space["pixels"] = bpc.normalise(data.held_out_images[:250])
    space["truth"] = np.asarray(data.held_out_labels[:250])
    space["old_digits"] = space["first_fifty"]([*range(5)])
    space["new_digits"] = space["first_fifty"]([*range(5, 10)])
    drawn = [space["draw"](seed) for seed in range(5)]
    space["fresh"] = jax.tree.map(lambda *parts: np.stack(parts), *drawn)
    space["order"] = rng.integers(len(data.images), size=(5, 12, 5, 16))
    low, high = np.flatnonzero(data.labels < 5), np.flatnonzero(data.labels >= 5)
    batches = [rng.choice(digits, size=(5, 6, 5, 16)) for digits in (low, high)]
    remembered = {}

    def train_five(order, rule, step=space["train_step"], train=space["train_five"]):
        key = order.shape, order.tobytes(), rule, step
        if key not in remembered:
            remembered[key] = train(order, rule, step)
        return remembered[key]

    space["train_five"] = train_five
    space["shifted"] = train_five(np.concatenate(batches, axis=1), bpc.HYBRID)
    space["generative"] = train_five(space["order"], bpc.GENERATIVE)
    space["hybrids"] = train_five(space["order"], bpc.HYBRID)


COUNT = (
    "def multiplications(steps):\n"
    "    weights = sum(a * b for a, b in zip(SIZES[:-1], SIZES[1:]))\n"
    "    return "
)
RULE = "settled_rule = bpc.Rule(moves=(1, 0), teaches=(1, 1), start='image', amortiser_inputs='settled')\n"
TRAIN = (
    RULE
    + "networks_2 = train_five(order[:, :6], settled_rule)\n"
    + "settled_2 = accuracy(watch(after(networks_2, 300), pixels, 'guess', 10)[1], truth)[:, 0]\n"
)
FORGET = """
image_3, truth_3 = old_digits
remembered_3, drawn_back_3 = [], []
for age in (300, 600):
    guessed = accuracy(watch(after(shifted, age), image_3, "guess")[1], truth_3)
    blank = accuracy(watch(after(shifted, age), image_3, "blank")[1], truth_3)
    remembered_3.append(guessed[:, 0])
    drawn_back_3.append(blank[:, -1])
remembered_3 = np.stack(remembered_3, axis=1)
drawn_back_3 = np.stack(drawn_back_3, axis=1)
"""
MOVE = """
def moved_accuracy(network, images, labels, by):
    moved = np.zeros_like(images)
    moved[:, :, by:] = images[:, :, :28 - by]
    answers = bpc.sweep_up(network, bpc.normalise(moved))[0].argmax(axis=1)
    return 100 * np.mean(np.asarray(answers) == labels)
"""
LINE = "    moved[:, :, by:] = images[:, :, :28 - by]\n"
STEPS = """
def steps_to(energies, mark):
    below = energies < mark
    return np.where(below.any(axis=0), below.argmax(axis=0), len(energies) - 1)
"""
FOUND = "np.where(below.any(axis=0), below.argmax(axis=0), len(energies) - 1)"

ANSWERS = {
    "3.1": {
        "right": [
            COUNT + "weights * (1 + 2 * steps)",
            "def multiplications(steps):\n    return 54912 + steps * 109_824",
            "def multiplications(n):\n"
            "    total = 0\n"
            "    for l in range(len(SIZES) - 1):\n"
            "        total += SIZES[l] * SIZES[l + 1]\n"
            "        for _ in range(n):\n"
            "            total += 2 * SIZES[l] * SIZES[l + 1]\n"
            "    return np.array(total)",
        ],
        "wrong": [
            ("forgot the guess", COUNT + "weights * 2 * steps"),
            ("carried back", COUNT + "weights * (1 + steps)"),
            ("both the guess", COUNT + "weights * steps"),
            ("not two", COUNT + "weights * (2 + 2 * steps)"),
            ("not at each step", COUNT + "weights * 3 * steps"),
            ("not three", COUNT + "weights * (1 + 3 * steps)"),
            ("addition", COUNT + "2 * weights * (1 + 2 * steps)"),
            ("these are products", COUNT + "3 * (1 + 2 * steps)"),
            ("without the matrices", COUNT + "1 + 2 * steps"),
            ("last matrix is counted", COUNT + "64 * 784 * (1 + 2 * steps)"),
            ("first matrix is forgotten", COUNT + "(64 * 64 + 64 * 784) * (1 + 2 * steps)"),
            ("m plus n", COUNT + "(74 + 128 + 848) * (1 + 2 * steps)"),
            ("neurons", COUNT + "sum(SIZES) * (1 + 2 * steps)"),
            ("multiplied", COUNT + "10 * 64 * 64 * 784 * (1 + 2 * steps)"),
            ("a guess costs", COUNT + "weights"),
            ("batch of 32", COUNT + "32 * weights * (1 + 2 * steps)"),
            ("250 images", COUNT + "250 * weights * (1 + 2 * steps)"),
            ("five networks", COUNT + "5 * weights * (1 + 2 * steps)"),
            ("of 32 images", COUNT + "2 * 32 * weights * (1 + 2 * steps)"),
            ("back to it too", COUNT + "weights * (1 + 2 * steps) - 640 * steps"),
            ("from the image too", COUNT + "weights * (1 + 2 * steps) - 64 * 784 * steps"),
            ("not a quarter", COUNT + "weights * (0.5 + 2 * steps)"),
            ("other way round", COUNT + "weights * (2 + steps)"),
            ("not half of it", COUNT + "weights * (1 + steps / 2)"),
            ("no biases", COUNT + "(weights + sum(SIZES[1:])) * (1 + 2 * steps)"),
            ("too many", COUNT + "weights * (1 + 2 * (steps + 1))"),
            ("too few", COUNT + "weights * (1 + 2 * (steps - 1))"),
            ("not four", COUNT + "weights * (1 + 4 * steps)"),
            ("squared", COUNT + "weights * (1 + 2 * steps**2)"),
            ("first matrix is counted", COUNT + "640 * (1 + 2 * steps)"),
            ("last matrix is forgotten", COUNT + "(640 + 64 * 64) * (1 + 2 * steps)"),
            ("ignores steps", COUNT + "weights * 21"),
            ("none", COUNT + "None"),
            ("arguments", "def multiplications():\n    return 54912"),
            ("no function", "multiplications = 1_153_152"),
        ],
    },
    "3.2": {
        "right": [
            TRAIN,
            TRAIN + "settled_2 = [round(float(x), 1) for x in settled_2]",
            RULE
            + "settled_2 = []\n"
            + "for networks in [after(train_five(order[:, :6], settled_rule), 300)]:\n"
            + "    for seed in range(5):\n"
            + "        network = jax.tree.map(lambda w: w[seed], networks)\n"
            + "        found = bpc.sweep_up(network, pixels)[0].argmax(axis=1)\n"
            + "        settled_2.append(100 * np.mean(found == truth))",
        ],
        "wrong": [
            ("swept inputs: hand", TRAIN.replace(":6], settled_rule", ":6], bpc.HYBRID")),
            ("no amortiser", TRAIN.replace(":6], settled_rule", ":6], bpc.GENERATIVE")),
            ("after 600", TRAIN.replace(":6", ":12").replace("300", "600")),
            ("after 200", TRAIN.replace(":6", ":4").replace("300", "200")),
            ("after 50 ", TRAIN.replace("300", "50")),
            ("ten steps", TRAIN.replace("[:, 0]", "[:, 10]")),
            ("blank start", TRAIN.replace("'guess'", "'blank'").replace("[:, 0]", "[:, 10]")),
            ("share", TRAIN + "settled_2 = settled_2 / 100"),
            ("one number", TRAIN + "settled_2 = settled_2.mean()"),
            ("one number", TRAIN + "settled_2 = settled_2[0]"),
            ("not read", TRAIN + "settled_2 = 100 - settled_2"),
            ("shape", TRAIN.replace("[:, 0]", "")),
            ("learns from swept", TRAIN.replace("'settled'", "'swept'")),
            ("amortiser's errors move", TRAIN.replace("(1, 0)", "(1, 1)")),
            ("nothing moves", TRAIN.replace("(1, 0)", "(0, 0)")),
            ("does not learn", TRAIN.replace("(1, 1)", "(1, 0)")),
            ("generator does not", TRAIN.replace("(1, 1)", "(0, 1)")),
            ("starts from the guess", TRAIN.replace("'image'", "'label'")),
            ("type", TRAIN + "settled_rule = {}"),
            ("text", TRAIN + "settled_2 = '82.7 %'"),
            ("reverse", TRAIN + "settled_2 = settled_2[::-1]"),
            ("after 100 ", TRAIN.replace("300", "100")),
            ("after 150 ", TRAIN.replace("300", "150")),
            ("after 250 ", TRAIN.replace(":6", ":5").replace("300", "250")),
            ("after 600", TRAIN.replace(":6", ":12").replace("300", "600")),
            ("one number", TRAIN + "settled_2 = [settled_2.mean()]"),
            ("shape", TRAIN + "settled_2 = settled_2[:4]"),
            ("shape", TRAIN + "settled_2 = settled_2.mean(), settled_2.std()"),
            ("not those of HPC", TRAIN.replace("(1, 1)", "(1, 2)")),
        ],
    },
    "3.3": {
        "right": [
            FORGET,
            FORGET + "remembered_3, drawn_back_3 = remembered_3.tolist(), jnp.array(drawn_back_3)",
            """
networks_3 = [after(shifted, age) for age in (300, 600)]
remembered_3, drawn_back_3 = np.zeros((5, 2)), np.zeros((5, 2))
for seed in range(5):
    for age in range(2):
        network = jax.tree.map(lambda w: w[seed], networks_3[age])
        guessed = bpc.sweep_up(network, old_digits[0])[0].argmax(axis=1)
        remembered_3[seed, age] = 100 * np.mean(guessed == old_digits[1])
        blank = start_from(network, "blank", old_digits[0])
        ended = bpc.infer(network, blank, READING, bpc.GENERATIVE, 100, 1.0)
        drawn_back_3[seed, age] = 100 * np.mean(ended[0].argmax(axis=1) == old_digits[1])
""",
        ],
        "wrong": [
            ("two arrays", FORGET + "remembered_3, drawn_back_3 = drawn_back_3, remembered_3"),
            ("columns are", FORGET.replace("(300, 600)", "(600, 300)")),
            ("axes", FORGET.replace("axis=1)", "axis=0)")),
            (
                "share",
                FORGET + "remembered_3, drawn_back_3 = remembered_3 / 100, drawn_back_3 / 100",
            ),
            (
                "means",
                FORGET + "remembered_3, drawn_back_3 = remembered_3.mean(0), drawn_back_3.mean(0)",
            ),
            (
                "forgotten",
                FORGET + "remembered_3, drawn_back_3 = 100 - remembered_3, 100 - drawn_back_3",
            ),
            ("both columns are before", FORGET.replace("(300, 600)", "(300, 300)")),
            ("both columns are at the end", FORGET.replace("(300, 600)", "(600, 600)")),
            ("both arrays are of the sweep", FORGET.replace("blank[:, -1]", "guessed[:, 0]")),
            ("both arrays are settled", FORGET.replace("guessed[:, 0]", "blank[:, -1]")),
            ("from the guess", FORGET.replace("blank[:, -1]", "guessed[:, -1]")),
            ("read from the blank", FORGET.replace("guessed[:, 0]", "blank[:, 0]")),
            ("new digits", FORGET.replace("old_digits", "new_digits")),
            ("not 350", FORGET.replace("(300, 600)", "(350, 600)")),
            ("not 550", FORGET.replace("(300, 600)", "(300, 550)")),
            ("10 steps", FORGET.replace("blank[:, -1]", "blank[:, 10]")),
            ("text", FORGET + "remembered_3 = '92 %'"),
            ("not 100", FORGET.replace("(300, 600)", "(100, 600)")),
            ("not 200", FORGET.replace("(300, 600)", "(200, 600)")),
            ("not 400", FORGET.replace("(300, 600)", "(300, 400)")),
            ("not 500", FORGET.replace("(300, 600)", "(300, 500)")),
            ("30 steps", FORGET.replace("blank[:, -1]", "blank[:, 30]")),
            ("before any step", FORGET.replace("blank[:, -1]", "blank[:, 0]")),
            ("shape", FORGET + "remembered_3 = remembered_3[:, 0]"),
            ("shape", FORGET + "drawn_back_3 = drawn_back_3[0]"),
        ],
    },
    "3.4": {
        "right": [
            MOVE,
            MOVE.replace("zeros_like(images)", "zeros(images.shape, np.uint8)")
            .replace("return 100", "return [100")
            .replace("labels)", "labels)]"),
            """
def moved_accuracy(network, images, labels, pixels):
    right = 0
    for image, label in zip(images, labels):
        wide = np.hstack([np.zeros((28, pixels), np.uint8), image])[:, :28]
        right += int(bpc.sweep_up(network, bpc.normalise(wide[None]))[0][0].argmax()) == label
    return 100 * right / len(labels)
""",
        ],
        "wrong": [
            ("share", MOVE.replace("100 * ", "")),
            ("how many", MOVE.replace("100 * np.mean", "np.sum")),
            ("errors", MOVE.replace("== labels", "!= labels")),
            ("np.roll", MOVE.replace(LINE, "    moved = np.roll(images, by, axis=2)\n")),
            (
                "the left",
                MOVE.replace(LINE, "    moved[:, :, :28 - by] = images[:, :, by:]\n"),
            ),
            ("down;", MOVE.replace(LINE, "    moved[:, by:] = images[:, :28 - by]\n")),
            ("do not move", MOVE.replace("normalise(moved)", "normalise(images)")),
            ("white", MOVE.replace("zeros_like(images)", "full_like(images, 255)")),
            (
                "over 255",
                MOVE.replace("bpc.normalise(moved)", "moved.reshape(-1, 784).astype(float)"),
            ),
            ("over 255", MOVE.replace("bpc.normalise(moved)", "moved.reshape(-1, 784) / 255")),
            (
                "right or wrong",
                MOVE.replace("100 * np.mean(np.asarray(answers) == labels)", "answers == labels"),
            ),
            (
                "these are answers",
                MOVE.replace("100 * np.mean(np.asarray(answers) == labels)", "answers"),
            ),
            (
                "changed input",
                MOVE.replace("np.zeros_like(images)", "images").replace(
                    LINE, LINE + "    moved[:, :, :by] = 0\n"
                ),
            ),
            ("exchanged", MOVE.replace(LINE, "    moved = np.roll(images, by, axis=0)\n")),
            (
                "next",
                MOVE.replace(
                    LINE,
                    "    moved = np.roll(images.reshape(-1, 784), by, 1).reshape(-1, 28, 28)\n",
                ),
            ),
            (
                "too far",
                MOVE.replace(LINE, "    moved[:, :, by + 1:] = images[:, :, :27 - by]\n"),
            ),
            ("raised", MOVE.replace("28 - by", "28")),
            (
                "stay where they were",
                MOVE.replace(LINE, "    moved[:, :, :28 - by] = images[:, :, :28 - by]\n"),
            ),
            ("keeps what was there", MOVE.replace("np.zeros_like(images)", "images.copy()")),
            (
                "a pixel short",
                MOVE.replace("by:]", "max(by - 1, 0):]").replace("28 - by", "28 - max(by - 1, 0)"),
            ),
            (
                "twice as far",
                MOVE.replace("by:]", "2 * by:]").replace("28 - by", "28 - 2 * by"),
            ),
            (
                "left, and wrap",
                MOVE.replace(LINE, "    moved = np.roll(images, -by, axis=2)\n"),
            ),
            ("down, and wrap", MOVE.replace(LINE, "    moved = np.roll(images, by, axis=1)\n")),
            ("move up", MOVE.replace(LINE, "    moved[:, :28 - by] = images[:, by:]\n")),
            (
                "grey",
                MOVE.replace(
                    "bpc.normalise(moved)",
                    "jnp.where(jnp.arange(784) % 28 < by, 0.0, bpc.normalise(moved))",
                ),
            ),
            (
                "ten steps",
                MOVE.replace(
                    "    answers = bpc.sweep_up(network, bpc.normalise(moved))[0].argmax(axis=1)\n",
                    "    z = bpc.sweep_up(network, bpc.normalise(moved))\n"
                    "    clamped = [False] * (len(z) - 1) + [True]\n"
                    "    z = bpc.infer(network, z, clamped, bpc.GENERATIVE, 10, 1.0)\n"
                    "    answers = z[0].argmax(axis=1)\n",
                ),
            ),
            ("wrap", MOVE.replace(LINE, "    moved = np.roll(images, by)\n")),
            ("none", MOVE.replace("return ", "")),
            ("first layer", MOVE.replace("[0].argmax", "[-1].argmax")),
        ],
    },
    "3.5": {
        "right": [
            STEPS,
            """
def steps_to(energies, mark):
    found = []
    for path in np.asarray(energies).T:
        step = 0
        while step < len(path) - 1 and path[step] >= mark:
            step += 1
        found.append(step)
    return found
""",
            """
def steps_to(E, mark):
    numbers = jnp.arange(len(E))[:, None]
    return jnp.where(jnp.asarray(E) < mark, numbers, len(E) - 1).min(axis=0).astype(jnp.float32)
""",
        ],
        "wrong": [
            ("counts as 0", STEPS.replace(FOUND, "below.argmax(axis=0)")),
            ("another each time", STEPS.replace("< mark", "< 110")),
            (
                "last time that it comes",
                """
def steps_to(energies, mark):
    found = []
    for path in np.asarray(energies).T:
        at = [i for i in range(len(path)) if path[i] < mark and (i == 0 or path[i - 1] >= mark)]
        found.append(at[-1] if at else len(path) - 1)
    return found
""",
            ),
            ("too many everywhere", STEPS.replace(FOUND, FOUND + " + 1")),
            ("one too many:", STEPS.replace("len(energies) - 1", "len(energies)")),
            ("NaN", STEPS.replace("len(energies) - 1", "np.nan")),
            ("not -1", STEPS.replace("len(energies) - 1", "-1")),
            ("too few", STEPS.replace(FOUND, FOUND + " - 1")),
            ("steps above", STEPS.replace(FOUND, "(energies >= mark).sum(axis=0)")),
            ("without the last", STEPS.replace(FOUND, "(energies[:-1] > mark).sum(axis=0)")),
            ("steps below", STEPS.replace(FOUND, "below.sum(axis=0)")),
            ("first step above", STEPS.replace("energies < mark", "energies > mark")),
            ("mean over", STEPS.replace(FOUND, FOUND + ".mean()")),
            (
                "first step below is asked for, come",
                STEPS.replace(
                    FOUND,
                    "np.array([max((i + 1 for i, b in enumerate(c) if not b), default=0) "
                    "for c in below.T]).clip(0, len(energies) - 1)",
                ),
            ),
            (
                "one too many for who never",
                STEPS.replace(
                    FOUND,
                    "np.array([max((i + 1 for i, b in enumerate(c) if not b), default=0) for c in below.T])",
                ),
            ),
            ("row 0 counts too", STEPS.replace(FOUND, "np.maximum(" + FOUND + ", 1)")),
            (
                "begin one too low",
                STEPS.replace(
                    FOUND,
                    "np.where(below[1:].any(axis=0), below[1:].argmax(axis=0), len(energies) - 1)",
                ),
            ),
            ("who never gets there is not 0", STEPS.replace(FOUND, "below[1:].argmax(axis=0)")),
            (
                "all numbers are one too low",
                STEPS.replace("energies < mark", "energies[1:] < mark").replace(
                    "len(energies) - 1", "len(energies) - 2"
                ),
            ),
            (
                "but for who never",
                STEPS.replace("below.argmax(axis=0), len", "below.argmax(axis=0) + 1, len"),
            ),
            ("not 100", STEPS.replace("len(energies) - 1", "100")),
            ("first axis", STEPS.replace("len(energies) - 1", "energies.shape[1]")),
            ("nearest", STEPS.replace(FOUND, "np.abs(energies - mark).argmin(axis=0)")),
            (
                "at most all",
                STEPS.replace(FOUND, "(~below).sum(axis=0).clip(0, len(energies) - 1)"),
            ),
            ("not one less", STEPS.replace("len(energies) - 1", "len(energies) - 2")),
            (
                "last step below",
                STEPS.replace(FOUND, "len(energies) - 1 - below[::-1].argmax(axis=0)"),
            ),
            (
                "row 0 counts too",
                STEPS.replace(
                    FOUND,
                    "1 + np.where(below[1:].any(axis=0), below[1:].argmax(axis=0), len(energies) - 2)",
                ),
            ),
            ("along a step", STEPS.replace(FOUND, "below.argmax(axis=1)")),
            ("mean energy", STEPS.replace(FOUND, "np.argmax(energies.mean(axis=1) < mark)")),
            (
                "the energy there",
                STEPS.replace(FOUND, "energies[" + FOUND + ", np.arange(energies.shape[1])]"),
            ),
            ("whether it is", STEPS.replace(FOUND, "below")),
            ("ever", STEPS.replace(FOUND, "below.any(axis=0)")),
            ("lowest", STEPS.replace(FOUND, "energies.argmin(axis=0)")),
            (
                "no crossing is needed",
                STEPS.replace(
                    FOUND,
                    "np.where((comes := below[1:] & ~below[:-1]).any(axis=0), 1 + comes.argmax(axis=0), "
                    "len(energies) - 1)",
                ),
            ),
            ("first image", STEPS.replace(FOUND, "below.any(axis=1).argmax()")),
            ("last image", STEPS.replace(FOUND, "len(energies) - 1")),
            ("images below the mark", STEPS.replace(FOUND, "below.sum(axis=1)")),
            ("images above the mark", STEPS.replace(FOUND, "(~below).sum(axis=1)")),
            ("a share of the steps", STEPS.replace(FOUND, FOUND + " / (len(energies) - 1)")),
            ("that are left", STEPS.replace(FOUND, "len(energies) - 1 - " + FOUND)),
            ("finite", STEPS.replace("len(energies) - 1", "np.inf")),
            ("less row 0", STEPS.replace("len(energies) - 1", "energies.shape[1] - 1")),
            ("counts as 1", STEPS.replace(FOUND, "below.argmax(axis=0) + 1")),
            (
                "does counts as 0",
                STEPS.replace(FOUND, "np.where(below.any(axis=0), below.argmax(axis=0) + 1, 0)"),
            ),
            ("median", STEPS.replace(FOUND, "np.median(" + FOUND + ")")),
            ("sum over", STEPS.replace(FOUND, FOUND + ".sum()")),
            ("last image", STEPS.replace(FOUND, FOUND + ".max()")),
            (
                "not a share of the first",
                STEPS.replace("energies < mark", "energies < mark / 100 * energies[0]"),
            ),
            ("order", STEPS.replace("(energies, mark)", "(mark, energies)", 1)),
        ],
    },
}
