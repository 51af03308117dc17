import jax

import bpc_minimal as bpc

# Arguments' defaults of the chapter's functions.
SIZES = (10, 12, 12, 784)
BEFORE = {
    "truth": None,
    "pixels": None,
    "wrong_labels": None,
    "trained": bpc.make_network(jax.random.PRNGKey(0), SIZES, use_bias=False),
}


STEP = "def same_settling(step, old, new):\n    return "
BEST = (
    "def reported(validation, test):\n"
    "    run, look = np.unravel_index(validation.argmax(), test.shape)\n"
    "    return "
)
STEADY = "def reported(validation, test):\n    run = validation.mean(axis=1).argmax()\n    return "
SETTLE = """
def settle_both(network, image, label, steps, step):
    z = bpc.sweep_up(network, image)
    z[0] = label
    for _ in range(steps):
        dz = bpc.activity_gradient(network, z, alpha_gen=0.3)
        z = [a - step * b for a, b in zip(z, dz)]
        z[0], z[-1] = label, image
    return z
"""
ENDS = "        z[0], z[-1] = label, image\n"
FACTOR = "def energy_factor(step, c, steps):\n    return "
LEAK = """
def leaky(network, image, label, strength):
    z = bpc.sweep_up(network, image)
    z[0] = strength * bpc.one_hot(label) + (1 - strength) * z[0]
    z = settle(network, z, [False, False, False, True], 8)
    return percent(z[0].argmax(axis=1), label)
"""
BLEND = "strength * bpc.one_hot(label) + (1 - strength) * z[0]"

ANSWERS = {
    "11.1": {
        "right": [
            STEP + "step * new / old",
            "def same_settling(step, old, new):\n    own = step / old\n    return np.array([own * new])",
            "import fractions\ndef same_settling(s, a, b):\n    return s * fractions.Fraction(b, a)",
        ],
        "wrong": [
            ("wrong way round", STEP + "step * old / new"),
            ("must change", STEP + "step"),
            ("own energy, in the old", STEP + "step / old"),
            ("own energy, in the new", STEP + "step / new"),
            ("forgotten", STEP + "step * new"),
            ("made for the sum", STEP + "step * old"),
            ("factor", STEP + "new / old"),
            ("square root", STEP + "step * np.sqrt(new / old)"),
            ("its square", STEP + "step * (new / old) ** 2"),
            ("multiply", STEP + "step * new * old"),
            ("difference", STEP + "step * (new - old)"),
            ("by images", STEP + "step + new - old"),
            ("whole batches", STEP + "step * (new // old)"),
            ("factor", STEP + "2 * step * new / old"),
            ("printed", "def same_settling(step, old, new):\n    print(step * new / old)"),
            ("no function", "same_settling = 102.4"),
        ],
    },
    "11.2": {
        "right": [
            BEST + "test[run, look]",
            "def reported(validation, test):\n    return test.ravel()[np.argmax(validation)]",
            "def reported(validation, test):\n"
            "    best = max((v, t) for vs, ts in zip(validation, test) for v, t in zip(vs, ts))\n"
            "    return best[1]",
            "def reported(validation, test):\n"
            "    return jnp.where(validation == validation.max(), test, 0).sum()",
        ],
        "wrong": [
            (
                "best on average",
                "def reported(validation, test):\n"
                "    return test.mean(axis=0)[validation.mean(axis=0).argmax()]",
            ),
            ("the leak", BEST + "test.max()"),
            ("flatter", BEST + "validation.max()"),
            ("other way round", BEST + "validation.ravel()[test.argmax()]"),
            ("mean of all", BEST + "test.mean()"),
            ("last look of the last run", BEST + "test[-1, -1]"),
            ("at its last look", BEST + "test[run, -1]"),
            ("of the first run", BEST + "test[0, look]"),
            ("its look on test", BEST + "test[run].max()"),
            ("its run on test", BEST + "test[:, look].max()"),
            ("by its last look only", BEST + "test[validation[:, -1].argmax(), -1]"),
            ("(then the run's best look)", STEADY + "test[run, validation[run].argmax()]"),
            ("(then the run's last look)", STEADY + "test[run, -1]"),
            ("(then the run's mean)", STEADY + "test[run].mean()"),
            ("by test images, a leak", STEADY + "test[run].max()"),
            ("mean of the chosen run's looks", BEST + "test[run].mean()"),
            (
                "by its mean over the runs",
                "def reported(validation, test):\n"
                "    look = np.mean(validation, axis=0).argmax()\n"
                "    return test[validation[:, look].argmax(), look]",
            ),
            ("by its mean (then its mean", BEST + "test.mean(axis=1).max()"),
            (
                "by its mean (then its best look",
                "def reported(validation, test):\n"
                "    run = test.mean(axis=1).argmax()\n"
                "    return test[run, validation[run].argmax()]",
            ),
            ("among the last looks", BEST + "test[:, -1].max()"),
            ("together with", BEST + "test.ravel()[(validation + test).argmax()]"),
            (
                "of each run's best look",
                BEST + "max(t[v.argmax()] for v, t in zip(validation, test))",
            ),
            ("worst", BEST + "test.ravel()[validation.argmin()]"),
            ("gains", BEST + "test.max() - test[run, look]"),
            ("each run's best", BEST + "test.max(axis=1).mean()"),
            (
                "then all are averaged",
                BEST + "np.mean([t[v.argmax()] for v, t in zip(validation, test)])",
            ),
            ("shape", BEST + "test[run]"),
            ("shape", BEST + "(run, look)"),
            ("raised", BEST + "test[run, look + 6]"),
        ],
    },
    "11.3": {
        "right": [
            SETTLE,
            SETTLE.replace("        z = [a", "        z[1:-1] = [a").replace(
                "zip(z, dz)]", "zip(z, dz)][1:-1]"
            ),
            "def settle_both(network, image, label, steps, step):\n"
            "    z = [label, *bpc.sweep_up(network, image)[1:]]\n"
            "    ends = [True, False, False, True]\n"
            "    return bpc.infer(network, z, ends, bpc.BIDIRECTIONAL, steps, step,\n"
            "        alpha_gen=0.3, step_rule='fixed')",
        ],
        "wrong": [
            ("both ends", SETTLE.replace(ENDS, "")),
            ("the label still", SETTLE.replace(ENDS, "        z[-1] = image\n")),
            ("the image still", SETTLE.replace(ENDS, "        z[0] = label\n")),
            (
                "when all is over; meanwhile",
                SETTLE.replace(ENDS, "").replace("return z", "return [label, *z[1:-1], image]"),
            ),
            (
                "only the label is put back",
                SETTLE.replace(ENDS, "").replace("return z", "return [label, *z[1:]]"),
            ),
            ("nothing has settled", SETTLE.replace("range(steps)", "range(0)")),
            ("swept one", SETTLE.replace("    z[0] = label\n    for", "    label = z[0]\n    for")),
            ("too few", SETTLE.replace("range(steps)", "range(1, steps)")),
            ("too many", SETTLE.replace("range(steps)", "range(steps + 1)")),
            ("inside the loop", SETTLE.replace("    return z", "        return z")),
            ("climbs", SETTLE.replace("a - step", "a + step")),
            (
                "sweep down",
                SETTLE.replace(
                    "bpc.sweep_up(network, image)", "bpc.sweep_down(network, label)"
                ).replace("    for", "    z[-1] = image\n    for"),
            ),
            ("alpha_gen is 1", SETTLE.replace("alpha_gen=0.3", "alpha_gen=1.0")),
            ("alpha_disc is 1", SETTLE.replace("alpha_gen=0.3", "0.3, 0.3")),
            ("shape", SETTLE.replace("return z", "return z[1:-1]")),
            ("shape", SETTLE.replace("return z", "return z[0]")),
            ("raised", SETTLE.replace("zip(z, dz)", "zip(z, dzs)")),
        ],
    },
    "11.4": {
        "right": [
            FACTOR + "(1 - step * c) ** (2 * steps)",
            "def energy_factor(step, c, steps):\n"
            "    z = 3.0\n"
            "    for _ in range(steps):\n"
            "        z -= step * c * z\n"
            "    return z**2 / 9",
            FACTOR + "jnp.power(jnp.abs(1 - step * c), 2.0 * steps)",
        ],
        "wrong": [
            (
                "in all steps",
                "def energy_factor(step, c, steps):\n    return 1 - 2 * step * c * steps",
            ),
            ("z's own", FACTOR + "(1 - step * c) ** steps"),
            ("one step's", FACTOR + "(1 - step * c) ** 2"),
            ("size of z's", FACTOR + "abs(1 - step * c) ** steps"),
            ("no exponential", FACTOR + "np.exp(-2 * step * c * steps)"),
            ("infinitely small steps, and", FACTOR + "np.exp(-step * c * steps)"),
            ("the sign", FACTOR + "(1 + step * c) ** (2 * steps)"),
            ("without the 1/2", FACTOR + "(1 - step * c / 2) ** (2 * steps)"),
            ("not 2 c z", FACTOR + "(1 - 2 * step * c) ** (2 * steps)"),
            ("curvature is missing", FACTOR + "(1 - step) ** (2 * steps)"),
            ("step is missing", FACTOR + "(1 - c) ** (2 * steps)"),
            ("add up", FACTOR + "(1 - steps * step * c) ** 2"),
            ("what is lost", FACTOR + "1 - (1 - step * c) ** (2 * steps)"),
            ("too few", FACTOR + "(1 - step * c) ** (2 * steps - 2)"),
            ("before over", FACTOR + "(1 - step * c) ** (-2 * steps)"),
            ("stays in", FACTOR + "c * (1 - step * c) ** (2 * steps)"),
            ("logarithm", FACTOR + "2 * steps * np.log(abs(1 - step * c))"),
            ("ignores steps", FACTOR + "abs(1 - step * c)"),
        ],
    },
    "11.5": {
        "right": [
            LEAK,
            LEAK.replace(
                "percent(z[0].argmax(axis=1), label)",
                "100 * (np.asarray(z[0]).argmax(1) == label).mean()",
            ),
            LEAK.replace(BLEND, "z[0] + strength * (np.eye(10)[label] - z[0])").replace(
                "z[0] = z[0]", "z[0] = z[0]"
            ),
        ],
        "wrong": [
            ("share", LEAK.replace("return percent", "return 0.01 * percent")),
            ("what is wrong", LEAK.replace("return percent", "return 100 - percent")),
            ("count", LEAK.replace("return percent", "return len(label) / 100 * percent")),
            ("not settled", LEAK.replace(", 8)", ", 0)")),
            ("not settled", LEAK.replace("[False, F", "[True, F")),
            ("whole label", LEAK.replace(BLEND, "bpc.one_hot(label)")),
            ("nothing leaks", LEAK.replace(BLEND, "z[0]")),
            (
                "other way round",
                LEAK.replace(BLEND, "(1 - strength) * bpc.one_hot(label) + strength * z[0]"),
            ),
            ("missing from the blend", LEAK.replace(BLEND, "strength * bpc.one_hot(label)")),
            (
                "swept label is there in full",
                LEAK.replace(BLEND, "strength * bpc.one_hot(label) + z[0]"),
            ),
            (
                "true label is there in full",
                LEAK.replace(BLEND, "bpc.one_hot(label) + (1 - strength) * z[0]"),
            ),
            ("4 steps", LEAK.replace(", 8)", ", 4)")),
            (
                "shape",
                LEAK.replace(
                    "percent(z[0].argmax(axis=1), label)",
                    "100 * (np.asarray(z[0]).argmax(1) == label)",
                ),
            ),
            (
                "text",
                LEAK.replace(
                    "return percent(z[0].argmax(axis=1), label)",
                    "return f'{percent(z[0].argmax(axis=1), label)} %'",
                ),
            ),
            ("raised", LEAK.replace("percent(z[0]", "percent(z_0")),
        ],
    },
}
