STORM = "def answer_2(z_1):\n    f = 10 * np.exp(-z_1 / 2)\n    e_1, e_2 = z_1 - z_0, heard - f\n    return "
STEP = (
    "def answer_3(w, forecast, count):\n"
    "    c = alpha_1 + alpha_2 * w**2\n"
    "    step = learn_step(w, forecast, count)\n"
    "    return "
)

ANSWERS = {
    "1.1": {
        "right": [
            "answer_1 = 9",
            "answer_1 = np.array([0.9 / 0.1])",
            "answer_1 = jnp.float32(9.0)",
            "answer_1 = 9.003",
            "from fractions import Fraction\nanswer_1 = Fraction(9, 10) / Fraction(1, 10)",
            "answer_1 = (2.9 - z_0) / (3.0 - 2.9)",
        ],
        "wrong": [
            ("variance", "answer_1 = 1 / 9"),
            ("variance", "answer_1 = 0.1111"),
            ("standard deviation", "answer_1 = 1 / 3"),
            ("one over the standard deviation", "answer_1 = 3"),
            ("the count's share", "answer_1 = 0.9"),
            ("the forecast's share", "answer_1 = 0.1"),
            ("squared errors", "answer_1 = 81"),
            ("sum of both", "answer_1 = 10"),
            ("in kilometres", "answer_1 = 2.9"),
            ("sign", "answer_1 = -9"),
            ("short", "answer_1 = 8.998"),
            ("computed", "answer_1 = 9.9"),
            ("computed", "answer_1 = 2.0"),
            ("computed", "answer_1 = 4.5"),
            ("computed", "answer_1 = 18"),
            ("computed", "answer_1 = 0"),
            ("text", "answer_1 = '9'"),
            ("finite", "answer_1 = float('nan')"),
            ("function", "def answer_1():\n    return 9"),
        ],
    },
    "1.2": {
        "right": [
            STORM + "e_1 + 1.5 * e_2 * f",
            "def answer_2(z):\n    return (z - z_0) - 3.0 * (heard - loudness(z)) * (-0.5 * loudness(z))",
            "import math\n"
            "def answer_2(z_1):\n"
            "    return 1.0 * (z_1 - 2) + 15 * (2 - 10 * math.exp(-z_1 / 2)) * math.exp(-z_1 / 2)",
            "def answer_2(z_1):\n"
            "    pulls = []\n"
            "    for alpha, e, inner in ((1, z_1 - z_0, 1), (3, heard - loudness(z_1), loudness(z_1) / 2)):\n"
            "        pulls.append(alpha * e * inner)\n"
            "    return np.array([sum(pulls)])",
            "answer_2 = jax.jit(lambda z_1: z_1 - z_0 + 1.5 * (heard - loudness(z_1)) * loudness(z_1))",
        ],
        "wrong": [
            ("climbs", STORM + "-e_1 - 1.5 * e_2 * f"),
            ("make a plus", STORM + "e_1 - 1.5 * e_2 * f"),
            ("inner derivative", STORM + "e_1 - 3 * e_2"),
            ("e_2 falls", STORM + "e_1 + 3 * e_2"),
            ("-1/2 of the exponent", STORM + "e_1 - 3 * e_2 * f"),
            ("lacks the 1/2", STORM + "e_1 + 3 * e_2 * f"),
            ("not -1/2", STORM + "e_1 + 1.5 * e_2"),
            ("forgot the precision", STORM + "e_1 + 0.5 * e_2 * f"),
            ("exchanged", STORM + "3 * e_1 + 0.5 * e_2 * f"),
            ("half", STORM + "(e_1 + 1.5 * e_2 * f) / 2"),
            ("twice", STORM + "2 * (e_1 + 1.5 * e_2 * f)"),
            ("forgot e_1", STORM + "1.5 * e_2 * f"),
            ("forgot e_2", STORM + "e_1"),
            ("z_1 - z_0", STORM + "-e_1 + 1.5 * e_2 * f"),
            ("z_2 is 2", STORM + "e_1 + 1.5 * (3.0 - f) * f"),
            ("this is the energy", STORM + "0.5 * e_1**2 + 1.5 * e_2**2"),
            ("counted", STORM + "e_1 - 3 * (heard - z_1)"),
            ("ignores z_1", "def answer_2(z_1):\n    z_1 = 1.0\n    return z_1 - loudness(z_1)"),
            ("raised", STORM + "e_1 + e_3"),
            ("printed", "def answer_2(z_1):\n    print(z_1 - z_0)"),
            ("none", "def answer_2(z_1):\n    slope = z_1 - z_0"),
            ("arguments", "def answer_2(z_1, z_2):\n    return z_1 - z_2"),
            ("no function", "answer_2 = 3.0"),
            ("function", "def answer_2(z_1):\n    return jax.grad(heard_energy)"),
            ("text", STORM + "str(e_1)"),
        ],
    },
    "1.3": {
        "right": [
            STEP + "step - 0.2 * alpha_2 * w / c",
            "def answer_3(w, z_0s, z_2s):\n"
            "    half_log = lambda w: 0.5 * jnp.log(alpha_1 + alpha_2 * w**2)\n"
            "    return learn_step(w, z_0s, z_2s) - 0.2 * jax.grad(half_log)(w)",
            "def answer_3(w, forecast, count):\n"
            "    new = 0.0\n"
            "    for _ in forecast:\n"
            "        new += alpha_2 * w / (alpha_1 + alpha_2 * w**2)\n"
            "    return float(learn_step(w, forecast, count)) - 0.2 * new / len(forecast)",
        ],
        "wrong": [
            ("nothing new", STEP + "step"),
            ("push w down", STEP + "step + 0.2 * alpha_2 * w / c"),
            ("half", STEP + "step - 0.1 * alpha_2 * w / c"),
            ("twice", STEP + "step - 0.4 * alpha_2 * w / c"),
            ("inner derivative", STEP + "step - 0.2 * 0.5 / c"),
            ("lacks alpha_2", STEP + "step - 0.2 * w / c"),
            ("1 / c: divide", STEP + "step - 0.2 * alpha_2 * w"),
            ("term itself", STEP + "step - 0.2 * 0.5 * jnp.log(c)"),
            ("without the rate", STEP + "step - alpha_2 * w / c"),
            ("divided by the storms", STEP + "step - 0.2 * alpha_2 * w / c / len(forecast)"),
            ("summed", STEP + "step - 0.2 * alpha_2 * w / c * len(forecast)"),
            (
                "at the weight that learn_step gives",
                STEP + "step - 0.2 * alpha_2 * step / (alpha_1 + alpha_2 * step**2)",
            ),
            ("change of w", STEP + "step - 0.2 * alpha_2 * w / c - w"),
            ("term alone", STEP + "w - 0.2 * alpha_2 * w / c"),
            ("derivative of the term", STEP + "alpha_2 * w / c"),
            ("c lacks alpha_1", STEP + "step - 0.2 / w"),
            ("shape", STEP + "jnp.array([step, c])"),
        ],
    },
}
