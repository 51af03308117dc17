from functools import partial

import jax
import jax.numpy as jnp


def prepare(space):
    """Let the chapter's `settle_chain` be compiled once for all answers, not once a call."""
    energy = space["generative_energy"]

    @partial(jax.jit, static_argnames=("act", "steps"))
    def states_of(generator, z, alpha_gen, act, step_size, steps):
        def step(z, _):
            dz = jax.grad(lambda z: energy(generator, z, alpha_gen, act).sum())(z)
            free = [a - step_size * b for a, b in zip(z[1:-1], dz[1:-1], strict=True)]
            z = [z[0], *free, z[-1]]
            return z, z

        z = [jnp.asarray(part, jnp.float32) for part in z]
        return jax.lax.scan(step, z, None, length=steps)[1]

    def settle_chain(generator, z, *how):
        states = states_of(generator, z, *how)
        return [z, *([part[i] for part in states] for i in range(len(states[0])))]

    space["settle_chain"] = settle_chain


STORM = "def answer_2(z_1):\n    f = 10 * np.exp(-z_1 / 2)\n    e_1, e_2 = z_1 - z_0, heard - f\n    return "
STEP = (
    "def answer_3(w, forecast, count):\n"
    "    c = alpha_1 + alpha_2 * w**2\n"
    "    step = learn_step(w, forecast, count)\n"
    "    return "
)

# Right numbers, and not as the exercise asks.
BY_JAX = [
    "answer_2 = jax.grad(lambda z_1: guess_energy(z_1, z_0, heard, (1.0, 3.0), loudness))",
    "def answer_2(z_1):\n"
    "    def E(z):\n"
    "        return guess_energy(z, z_0, heard, (1.0, 3.0), loudness)\n"
    "    return jax.value_and_grad(E)(z_1)[1]",
    # by another name, or in another function
    "from jax import grad as g\n"
    "def answer_2(z_1):\n"
    "    return g(lambda z: guess_energy(z, z_0, heard, (1.0, 3.0), loudness))(z_1)",
    "slope = jax.jit(jax.grad(lambda z: guess_energy(z, z_0, heard, (1.0, 3.0), loudness)))\n"
    "def helper(z):\n"
    "    return slope(z)\n"
    "def answer_2(z_1):\n"
    "    return helper(z_1)",
    "def answer_2(z_1):\n"
    "    from jax import jacfwd as by\n"
    "    return by(lambda z: guess_energy(z, z_0, heard, (1.0, 3.0), loudness))(z_1)",
    "answer_2 = jax.vmap(jax.grad(lambda z: guess_energy(z, z_0, heard, (1.0, 3.0), loudness)))\n"
    "by_row, answer_2 = answer_2, lambda z_1: by_row(jnp.array([z_1]))[0]",
    "def answer_2(z_1):\n"
    "    return getattr(jax, 'grad')(lambda z: guess_energy(z, z_0, heard, (1.0, 3.0), loudness))(z_1)",
]
BY_LOOP = [
    "def answer_4(size, n):\n"
    "    path = settle_guess(lambda z: guess_slope(z, 2.0, 3.0, (1.0, 2.0)), 0.0, size, n)\n"
    "    rest = posterior_mean(2.0, 3.0, (1.0, 2.0))\n"
    "    return (path[-1] - rest) / (path[0] - rest)",
    "def answer_4(step_size, steps):\n"
    "    share = np.float64(1.0)\n"
    "    for _ in range(steps):\n"
    "        share *= 1 - step_size * sum(alpha_gen)\n"
    "    return [share]",
    "def helper(step_size, steps):\n"
    "    return math.prod([1 - step_size * sum(alpha_gen) for _ in range(steps)])\n"
    "import math\n"
    "def answer_4(step_size, steps):\n"
    "    return helper(step_size, steps)",
    "def answer_4(step_size, steps):\n"
    "    return jax.lax.fori_loop(0, steps, lambda _, x: x * (1 - 3 * step_size), 1.0)",
]

NOTE = "        energies.append(generative_energy(generator, settled, ones, jnp.tanh).mean())\n"
TRAIN = f"""
def train_chain(generator, z_0, z_L, iterations):
    energies, ones = [], (1.0,) * len(generator)
    for _ in range(iterations):
        z = sweep_chain(generator, z_0, jnp.tanh)
        z[-1] = z_L
        settled = settle_chain(generator, z, ones, jnp.tanh, 0.1, 20)[-1]
{NOTE}        gradient = local_gradient(generator, settled, ones, jnp.tanh)
        generator = [(V - 0.05 * dV, b) for (V, b), dV in zip(generator, gradient)]
    return energies
"""


def taught(where):
    """Teach only the matrices of which this is true."""
    learns = "[(V - 0.05 * dV, b) for (V, b), dV in zip(generator, gradient)]"
    assert learns in TRAIN
    these = f"[(V - 0.05 * dV * ({where}), b) for l, ((V, b), dV) in enumerate(zip(generator, gradient))]"
    return TRAIN.replace(learns, these)


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
            ("variance", "answer_1 = 0.11"),
            ("standard deviation", "answer_1 = 0.33"),
            ("standard deviation", "answer_1 = 1 / 3"),
            ("one over the standard deviation", "answer_1 = 3"),
            ("the count's share", "answer_1 = 0.9"),
            ("the forecast's share", "answer_1 = 0.1"),
            ("squared errors", "answer_1 = 81"),
            ("sum of both", "answer_1 = 10"),
            ("in kilometres", "answer_1 = 2.9"),
            ("sign", "answer_1 = -9"),
            ("short", "answer_1 = 8.998"),
            ("short", "answer_1 = 8.95"),
            ("more than needed", "answer_1 = 9.01"),
            ("more than needed", "answer_1 = 9.05"),
            ("more than needed", "answer_1 = 9.1"),
            ("computed", "answer_1 = 9.9"),
            ("computed", "answer_1 = 8.9"),
            ("computed", "answer_1 = 1 / 81"),
            ("computed", "answer_1 = 1.9"),
            ("computed", "answer_1 = 1 / 0.9"),
            ("computed", "answer_1 = 0.81"),
            ("computed", "answer_1 = 90"),
            ("alone is asked for", "answer_1 = (1.0, 9.0)"),
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
            "    return 1.0 * (z_1 - 2) + 15 * (2.5 - 10 * math.exp(-z_1 / 2)) * math.exp(-z_1 / 2)",
            "def answer_2(z_1):\n"
            "    pulls = []\n"
            "    for alpha, e, inner in ((1, z_1 - z_0, 1), (3, heard - loudness(z_1), loudness(z_1) / 2)):\n"
            "        pulls.append(alpha * e * inner)\n"
            "    return np.array([sum(pulls)])",
            "answer_2 = jax.jit(lambda z_1: z_1 - z_0 + 1.5 * (heard - loudness(z_1)) * loudness(z_1))",
        ],
        "wrong": [
            *(("forbidden", code) for code in BY_JAX),
            ("climbs", STORM + "-e_1 - 1.5 * e_2 * f"),
            ("make a plus", STORM + "e_1 - 1.5 * e_2 * f"),
            ("inner derivative", STORM + "e_1 - 3 * e_2"),
            ("e_2 falls", STORM + "e_1 + 3 * e_2"),
            ("−1/2 of the exponent", STORM + "e_1 - 3 * e_2 * f"),
            ("lacks the 1/2", STORM + "e_1 + 3 * e_2 * f"),
            ("not −1/2", STORM + "e_1 + 1.5 * e_2"),
            ("forgot the precision", STORM + "e_1 + 0.5 * e_2 * f"),
            ("exchanged", STORM + "3 * e_1 + 0.5 * e_2 * f"),
            ("half", STORM + "(e_1 + 1.5 * e_2 * f) / 2"),
            ("twice", STORM + "2 * (e_1 + 1.5 * e_2 * f)"),
            ("forgot e_1", STORM + "1.5 * e_2 * f"),
            ("forgot e_2", STORM + "e_1"),
            ("z_1 - z_0", STORM + "-e_1 + 1.5 * e_2 * f"),
            ("takes the count", STORM + "e_1 + 1.5 * (3.0 - f) * f"),
            ("this is the energy", STORM + "0.5 * e_1**2 + 1.5 * e_2**2"),
            ("−5 is its value at 0", STORM + "e_1 + 15 * e_2"),
            ("half of e_2's part", STORM + "e_1 + 0.75 * e_2 * f"),
            ("half of e_1's part", STORM + "e_1 / 2 + 1.5 * e_2 * f"),
            ("still squared", STORM + "e_1 + 1.5 * e_2**2 * f"),
            ("counted", STORM + "e_1 - 3 * (heard - z_1)"),
            ("−z_1/2 in the place", STORM + "e_1 + 1.5 * z_1 * e_2 * f"),
            ("not doubled", STORM + "e_1 + 15 * e_2 * np.exp(-z_1)"),
            ("factor −2", STORM + "e_1 + 6 * e_2 * f"),
            ("not multiplied", STORM + "e_1 * 1.5 * e_2 * f"),
            ("f lacks its 10", STORM.replace("10 * ", "") + "e_1 + 1.5 * e_2 * f"),
            ("at the forecast", STORM.replace("-z_1 / 2", "-z_0 / 2") + "e_1 + 1.5 * e_2 * f"),
            ("sign of the exponent", STORM.replace("-z_1 / 2", "z_1 / 2") + "e_1 - 1.5 * e_2 * f"),
            ("one of two minuses", STORM + "e_1 - 0.5 * e_2 * f"),
            ("counted storm; here", STORM + "alpha_gen[0] * e_1 + alpha_gen[1] * e_2 * f / 2"),
            ("not z_1 alone", STORM + "z_1 + 1.5 * e_2 * f"),
            ("lacks the 10", STORM + "e_1 + 0.15 * e_2 * f"),
            ("precision is squared", STORM + "e_1 + 4.5 * e_2 * f"),
            ("both errors have", STORM + "3 * e_1 + 1.5 * e_2 * f"),
            ("what was heard belongs", STORM + "z_1 - heard + 1.5 * e_2 * f"),
            ("this takes the count, z_2 = 3", STORM + "z_1 - z_2 + 1.5 * e_2 * f"),
            ("without f", STORM + "f - z_0 + 1.5 * e_2 * f"),
            ("e_2 takes the forecast", STORM + "e_1 + 1.5 * (z_0 - f) * f"),
            ("sign in its exponent", STORM + "e_1 + 15 * e_2 * np.exp(z_1 / 2)"),
            ("f'(z_1) is taken at", STORM + "e_1 + 1.5 * e_2 * loudness(z_0)"),
            ("takes it once", STORM + "e_1 + 3 * e_2 * (f / 2) ** 2"),
            ("e_1 is still squared", STORM + "e_1**2 + 1.5 * e_2 * f"),
            ("both errors are still", STORM + "e_1**2 + 1.5 * e_2**2 * f"),
            ("squared, and halved", STORM + "e_1 + 0.75 * e_2**2 * f"),
            ("as if 3 were a variance", STORM + "e_1 + e_2 * 0.5 * f / 3"),
            ("square root of the precision", STORM + "e_1 + 3**0.5 * e_2 * 0.5 * f"),
            ("shape", STORM + "np.array([e_1, e_2])"),
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
            ("nothing new", STEP + "step - 0.2 * alpha_2 * w / c / 500"),
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
            ("only at w = 3", STEP + "step - 0.2 * alpha_2 * w / 3"),
            ("c lacks alpha_1", STEP + "step - 0.2 / w"),
            ("not multiplied by it", STEP + "step - 0.2 * alpha_2 * w * c"),
            ("are exchanged", STEP + "step - 0.2 * alpha_1 * w / (alpha_2 + alpha_1 * w**2)"),
            (
                "of the kilometres",
                STEP + "step - 0.2 * alpha_gen[1] * w / (alpha_gen[0] + alpha_gen[1] * w**2)",
            ),
            ("not w**2", STEP + "step - 0.2 * alpha_2 * w**2 / c"),
            ("base 10", STEP + "step - 0.2 * alpha_2 * w / c / np.log(10)"),
            ("there twice", STEP + "step - 0.2 * 0.2 * alpha_2 * w / c"),
            ("two steps", STEP + "step + step - w - 0.2 * alpha_2 * w / c"),
            ("with the square", STEP + "step - 0.2 * alpha_2 * w / (alpha_1 + alpha_2 * w)"),
            ("c is squared", STEP + "step - 0.2 * alpha_2 * w / c**2"),
            ("half of c", STEP + "step - 0.2 * c / 2"),
            ("lacks w", STEP + "step - 0.2 * alpha_2 / c"),
            (
                "at the weight that the term",
                STEP + "learn_step(w - 0.2 * alpha_2 * w / c, forecast, count)",
            ),
            ("rate is missing", STEP + "step + alpha_2 * w / c"),
            ("under a root", STEP + "step - 0.2 * alpha_2 * w / c**0.5"),
            ("log c itself", STEP + "step - 0.2 * jnp.log(c)"),
            ("alpha_2, and the 1/2", STEP + "step - 0.2 * 2 * w / c"),
            ("lacks w, and the 1/2", STEP + "step - 0.2 * 2 * alpha_2 / c"),
            ("c lacks w**2", STEP + "step - 0.2 * alpha_2 * w / (alpha_1 + alpha_2)"),
            ("c lacks alpha_2", STEP + "step - 0.2 * alpha_2 * w / (alpha_1 + w**2)"),
            ("in c and in its", STEP + "step - 0.2 * w / (alpha_1 + w**2)"),
            ("w**2 goes with", STEP + "step - 0.2 * alpha_2 * w / (alpha_2 + alpha_1 * w**2)"),
            ("alpha_2 is not", STEP + "step - 0.2 * alpha_2**2 * w / (alpha_1 + (alpha_2 * w)**2)"),
            ("2 w, not 2", STEP + "step - 0.2 * alpha_2 / (alpha_1 + alpha_2 * w)"),
            ("shape", STEP + "jnp.array([step, c])"),
        ],
    },
    "1.4": {
        "right": [
            "def answer_4(step_size, steps):\n    return (1 - 3 * step_size) ** steps",
            "def answer_4(step_size, steps):\n    return np.power(1 - sum(alpha_gen) * step_size, steps)",
            "answer_4 = lambda size, n: np.prod(np.full(n, 1 - 3.0 * size))",
        ],
        "wrong": [
            *(("forbidden", code) for code in BY_LOOP),
            ("one step", "answer_4 = lambda step_size, steps: 1 - 3 * step_size"),
            ("do not add", "answer_4 = lambda step_size, steps: (1 - 3 * step_size) * steps"),
            ("count's alone", "answer_4 = lambda step_size, steps: (1 - 2 * step_size) ** steps"),
            ("forecast's alone", "answer_4 = lambda step_size, steps: (1 - step_size) ** steps"),
            ("mean", "answer_4 = lambda step_size, steps: (1 - 1.5 * step_size) ** steps"),
            (
                "those of the seconds",
                "answer_4 = lambda s, n: (1 - (alpha_1 + alpha_2) * s) ** n",
            ),
            ("sign is turned", "answer_4 = lambda s, n: (3 * s - 1) ** n"),
            ("sign is lost", "answer_4 = lambda step_size, steps: abs(1 - 3 * step_size) ** steps"),
            ("too few", "answer_4 = lambda step_size, steps: (1 - 3 * step_size) ** (steps - 1)"),
            ("too many", "answer_4 = lambda step_size, steps: (1 - 3 * step_size) ** (steps + 1)"),
            (
                "sign in the factor",
                "answer_4 = lambda step_size, steps: (1 + 3 * step_size) ** steps",
            ),
            ("a step covers", "answer_4 = lambda step_size, steps: (3 * step_size) ** steps"),
            ("is covered", "answer_4 = lambda step_size, steps: 1 - (1 - 3 * step_size) ** steps"),
            (
                "kilometres",
                "answer_4 = lambda step_size, steps: 8 / 3 * (1 - 3 * step_size) ** steps",
            ),
            ("energy", "answer_4 = lambda step_size, steps: (1 - 3 * step_size) ** (2 * steps)"),
            (
                "infinitely short",
                "answer_4 = lambda step_size, steps: np.exp(-3 * step_size * steps)",
            ),
            ("percent", "answer_4 = lambda step_size, steps: 100 * (1 - 3 * step_size) ** steps"),
            ("order", "answer_4 = lambda steps, step_size: (1 - 3 * step_size) ** steps"),
            ("not one long step", "answer_4 = lambda s, n: 1 - 3 * s * n"),
            ("over the curvature", "answer_4 = lambda s, n: (1 - s / 3) ** n"),
            ("number of steps", "answer_4 = lambda s, n: (1 - s) ** (3 * n)"),
            ("this is the change", "answer_4 = lambda s, n: (1 - 3 * s) ** n - 1"),
            ("turned round", "answer_4 = lambda s, n: (1 - 3 * s) ** -n"),
            ("with its own sign", "answer_4 = lambda s, n: -8 / 3 * (1 - 3 * s) ** n"),
            ("guess itself", "answer_4 = lambda s, n: 8 / 3 * (1 - (1 - 3 * s) ** n)"),
            ("count's alone", "answer_4 = lambda s, n: (1 - alpha_gen[0] * alpha_gen[1] * s) ** n"),
            ("sign is lost", "answer_4 = lambda s, n: np.abs((1 - 3 * s) ** n)"),
            ("ignores steps", "answer_4 = lambda s, n: (1 - 3 * s) ** 12"),
            ("rounded", "answer_4 = lambda s, n: round((1 - 3 * s) ** n, 3)"),
            ("printed", "def answer_4(step_size, steps):\n    print((1 - 3 * step_size) ** steps)"),
            (
                "guess itself",
                "answer_4 = lambda s, n: settle_guess(lambda z: 3 * z - 8, 0, s, n)[-1]",
            ),
            ("not of the step alone", "answer_4 = lambda s, n: 1 - 3 * s**n"),
            ("not the power of", "answer_4 = lambda s, n: 1 - (3 * s) ** n"),
            ("met the 1/2", "answer_4 = lambda s, n: (1 - 6 * s) ** n"),
            ("of their squares", "answer_4 = lambda s, n: (1 - 5 * s) ** n"),
            ("not squared", "answer_4 = lambda s, n: (1 - 9 * s) ** n"),
            ("size is squared", "answer_4 = lambda s, n: (1 - 3 * s**2) ** n"),
            ("logarithm", "answer_4 = lambda s, n: n * np.log(abs(1 - 3 * s))"),
            ("divides by 1 plus", "answer_4 = lambda s, n: 1 / (1 + 3 * s) ** n"),
            ("they are the power", "answer_4 = lambda s, n: 1 - 3 * s / n"),
            ("not the resting place", "answer_4 = lambda s, n: (1 - 8 / 3 * s) ** n"),
            ("shape", "answer_4 = lambda s, n: settle_guess(lambda z: 3 * z - 8, 0, s, n)"),
        ],
    },
    "1.5": {
        "right": [
            TRAIN,
            TRAIN.replace("    for _", "    generator = list(generator)\n    for _").replace(
                "return energies", "return jnp.array(energies)"
            ),
            """
def train_chain(generator, z_0, z_L, iterations):
    weights = [V for V, _ in generator]
    found = np.zeros(iterations)
    for i in range(iterations):
        now = [(V, b) for V, (_, b) in zip(weights, generator)]
        z = sweep_chain(now, z_0, jnp.tanh)
        z = [*z[:-1], z_L]
        ones = np.ones(len(now))
        for state in settle_chain(now, z, ones, jnp.tanh, 0.1, 20):
            pass
        slopes = jax.grad(
            lambda w: generative_energy(
                [(V, b) for V, (_, b) in zip(w, generator)], state, ones, jnp.tanh
            ).mean()
        )(weights)
        found[i] = generative_energy(now, state, ones, jnp.tanh).mean()
        weights = [V - 0.05 * s for V, s in zip(weights, slopes)]
    return tuple(found)
""",
        ],
        "wrong": [
            ("nothing settles", TRAIN.replace("0.1, 20)", "0.1, 0)")),
            ("climb", TRAIN.replace("V - 0.05", "V + 0.05")),
            ("never change", TRAIN.replace("        generator = [", "        unused = [")),
            ("before settling", TRAIN.replace("energy(generator, settled", "energy(generator, z")),
            (
                "after learning",
                TRAIN.replace(NOTE, "").replace(
                    "    return energies", NOTE + "    return energies"
                ),
            ),
            ("nothing is observed", TRAIN.replace("        z[-1] = z_L\n", "")),
            (
                "swept activities",
                TRAIN.replace("local_gradient(generator, settled", "local_gradient(generator, z"),
            ),
            ("no tanh", TRAIN.replace("jnp.tanh", "linear")),
            (
                "biases",
                TRAIN.replace("(V - 0.05 * dV, b)", "(V - 0.05 * dV, b + 0.05 * e.mean(axis=0))")
                .replace("zip(generator, gradient)", "zip(generator, gradient, errors)")
                .replace("(V, b), dV in", "(V, b), dV, e in")
                .replace(
                    "        generator = [",
                    "        errors = [settled[l + 1] - predict(generator, l, settled[l], jnp.tanh)\n"
                    "                  for l in range(len(generator))]\n"
                    "        generator = [",
                ),
            ),
            ("sum over", TRAIN.replace("mean()", "sum()")),
            ("for each example", TRAIN.replace(".mean()", "")),
            ("not 0.5", TRAIN.replace("V - 0.05", "V - 0.5")),
            ("not 0.2", TRAIN.replace("0.1, 20)", "0.2, 20)")),
            ("only the last matrix", taught("l == len(gradient) - 1")),
            ("only the first matrix", taught("l == 0")),
            ("the last matrix does not", taught("l < len(gradient) - 1")),
            ("not 0.1", TRAIN.replace("V - 0.05", "V - 0.1")),
            ("not 0.05", TRAIN.replace("0.1, 20)", "0.05, 20)")),
            ("not 10", TRAIN.replace("0.1, 20)", "0.1, 10)")),
            ("only the last", TRAIN.replace("return energies", "return energies[-1]")),
            ("too few", TRAIN.replace("range(iterations)", "range(iterations - 1)")),
            ("too many", TRAIN.replace("range(iterations)", "range(iterations + 1)")),
            ("not ReLU", TRAIN.replace("jnp.tanh", "jax.nn.relu")),
            ("summed over the examples", TRAIN.replace("V - 0.05 *", "V - 0.05 * len(z_0) *")),
            ("taken twice", TRAIN.replace("V - 0.05 *", "V - 0.05 / len(z_0) *")),
            ("not 0.01", TRAIN.replace("V - 0.05", "V - 0.01")),
            ("too many: 20", TRAIN.replace("0.1, 20)", "0.1, 21)")),
            ("too few: 20", TRAIN.replace("0.1, 20)", "0.1, 19)")),
            (
                "sweep again",
                TRAIN.replace(
                    "    for _", "    z = sweep_chain(generator, z_0, jnp.tanh)\n    for _"
                )
                .replace(
                    "        z = sweep_chain(generator, z_0, jnp.tanh)\n        z", "        z"
                )
                .replace("        settled =", "        settled = z ="),
            ),
            ("type", TRAIN.replace("return energies", "return energies, generator")),
            ("none", TRAIN.replace("return energies", "energies")),
            ("changed input", TRAIN.replace("        generator = [", "        generator[:] = [")),
            ("raised", TRAIN.replace("generator, settled", "generator, settled[0]")),
            ("printed", TRAIN.replace("return energies", "print(energies)")),
        ],
    },
}
