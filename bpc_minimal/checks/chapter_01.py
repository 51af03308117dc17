"""The exercises of chapter 1, the energy of a guess: storms, and a chain of layers."""

import math

import numpy as np

from bpc_minimal.checks.core import Wrong, exercise, number_array
from bpc_minimal.checks.without import DERIVATIVES, LOOP

Z_0, HEARD = 2.0, 2.5  # the forecast, and how loud the thunder was
ALPHA_1, ALPHA_2, RATE = 1.0, 2.0 / 9.0, 0.2  # of the storms that the rule learns from


def two_decimals_from_9(precision):
    """Take what is right to two decimals and does not rest short of 2.9 km as 9."""
    given = number_array(precision)
    if given.ndim:
        raise Wrong(f"these are {given.size} numbers; the count's precision alone is asked for.")
    x = float(given)
    for mistake in (1 / 9, 1 / 3):  # to two decimals, too
        if abs(x - mistake) < 0.005:
            return mistake
    if 8.95 <= x < 9 - 1e-4:
        raise Wrong("with this the guess rests a little short of 2.9 km, and it shall not.")
    if 9.0051 <= x <= 9.1:
        raise Wrong(
            "with this the guess rests a little beyond 2.9 km: it is a little more than needed, and the "
            "least that is enough is asked for, to two decimals."
        )
    return 9.0 if 9 - 1e-4 <= x < 9.0051 else x


def where_it_rests(x):
    """Say where the guess rests with another precision."""
    if x <= 0:
        return "a precision is one over a variance, and so it is positive."
    rests = (Z_0 + 3 * x) / (1 + x)
    return f"with this the guess rests at {rests:.4g} km: put it into Equation 5 and solve for alpha_2."


@exercise(
    "answer_1",
    goal="weigh two sources by their precisions and say where a guess rests",
    minutes=5,
    why="the forecast pulls with 1 times 0.9 km, the count with this times 0.1 km: equally.",
    hint=where_it_rests,
    read=two_decimals_from_9,
)
def exercise_1():
    """Which precision of the count lets the guess settle at 2.9 km?"""
    return 9.0, {
        "this is the variance; the precision is one over it": 1 / 9,
        "this is the standard deviation; the precision is one over its square": 1 / 3,
        "this is one over the standard deviation; the precision is its square": 3.0,
        "this is the count's share of the average; divide it by the forecast's share": 0.9,
        "this is the forecast's share of the average; the count's is the other": 0.1,
        "this is the ratio of the squared errors; at rest alpha times the error is equal": 81.0,
        "this is the sum of both precisions; the forecast's 1 is part of it": 10.0,
        "this is where the guess shall rest, in kilometres; a precision is asked for": 2.9,
        "the sign: both errors are positive at 2.9 km, and so is their ratio": -9.0,
    }


@exercise(
    "answer_2(z_1)",
    goal="write the slope of an energy whose generator is not linear",
    minutes=15,
    cases=[(0.5,), (1.7,), (4.0,)],
    why="it is what jax.grad finds: the error of layer 1, minus 3 times that of layer 2 times f'.",
    without=DERIVATIVES,
    hint="Start from Equation 3: the error of layer 2 is now z_2 - f(z_1), and its derivative is -f'(z_1).",
)
def exercise_2(z_1):
    """Write the slope of the loud storm's energy."""
    f = 10 * math.exp(-z_1 / 2)
    e_1, e_2 = z_1 - Z_0, HEARD - f
    right = e_1 + 1.5 * e_2 * f
    return right, {
        "the sign is wrong: this is the pull, and descent with it climbs": -right,
        "one minus is from e_2, another from f': they make a plus": e_1 - 1.5 * e_2 * f,
        "you forgot f'(z_1), the inner derivative": e_1 - 3 * e_2,
        "you forgot f'(z_1), and e_2 falls when f rises": e_1 + 3 * e_2,
        "f'(z_1) lacks the −1/2 of the exponent": e_1 - 3 * e_2 * f,
        "f'(z_1) lacks the 1/2 of the exponent": e_1 + 3 * e_2 * f,
        "f'(z_1) is −1/2 times f(z_1), not −1/2": e_1 + 1.5 * e_2,
        "f'(z_1) lacks the 10 of f": e_1 + 0.15 * e_2 * f,
        "f'(z_1) lacks the exponential: −5 is its value at 0 alone": e_1 + 15 * e_2,
        "f'(z_1) has −z_1/2 in the place of −1/2: the exponent is differentiated, not copied": e_1
        + 1.5 * z_1 * e_2 * f,
        "f'(z_1) keeps the exponent of f, −z_1/2; it is not doubled": e_1
        + 15 * e_2 * math.exp(-z_1),
        "f'(z_1) has the factor −2 in the place of −1/2": e_1 + 6 * e_2 * f,
        "the two parts are added, not multiplied": e_1 * 1.5 * e_2 * f,
        "f lacks its 10": e_1 + 0.15 * (HEARD - f / 10) * f,
        "f is taken at the forecast; it belongs at z_1": e_1
        + 15 * math.exp(-Z_0 / 2) * (HEARD - 10 * math.exp(-Z_0 / 2)),
        "the sign of the exponent is lost: thunder fades with the distance": e_1
        - 15 * math.exp(z_1 / 2) * (HEARD - 10 * math.exp(z_1 / 2)),
        "half of e_2's part: the 2 of its square cancels the 1/2 of the energy": e_1
        + 0.75 * e_2 * f,
        "half of e_1's part: the 2 of its square cancels the 1/2 of the energy": 0.5 * e_1
        + 1.5 * e_2 * f,
        "e_2 is still squared: differentiating takes the power down to 1": e_1 + 1.5 * e_2**2 * f,
        "you forgot the precision of e_2": e_1 + 0.5 * e_2 * f,
        "one of two minuses is lost, and the precision of e_2": e_1 - 0.5 * e_2 * f,
        "these are the precisions of the counted storm; here that of e_2 is 3": e_1 + e_2 * f,
        "you exchanged the precisions": 3 * e_1 + 0.5 * e_2 * f,
        "both errors have the precision 3; that of e_1 is 1": 3 * right + 0 - 3 * e_2 * f,
        "the precision is squared": e_1 + 4.5 * e_2 * f,
        "half: the 2 of the square cancels the 1/2 of the energy": right / 2,
        "twice: you forgot the 1/2 of the energy": right * 2,
        "you forgot e_1: the forecast pulls too": 1.5 * e_2 * f,
        "you forgot e_2: the thunder pulls too": e_1,
        "e_1 is z_1 - z_0, not z_0 - z_1": -e_1 + 1.5 * e_2 * f,
        "e_1 is z_1 - z_0, not z_1 alone": z_1 + 1.5 * e_2 * f,
        "e_2 is z_2 - z_1 only if f hands on its input: here it is z_2 - f(z_1)": e_1
        + 1.5 * (HEARD - z_1) * f,
        "this is the slope of the storm that was counted: put f into the error": e_1
        - 3 * (HEARD - z_1),
        "this takes the count, z_2 = 3; what was heard is 2.5, `heard` in the code": e_1
        + 1.5 * (3 - f) * f,
        "f takes the place of the error: multiply f' by z_2 - f(z_1)": e_1 + 1.5 * f * f,
        "f'(z_1) takes the place of e_2 times f'(z_1)": e_1 + 1.5 * f,
        "e_1 is z_1 - z_0, the forecast; what was heard belongs to e_2": z_1
        - HEARD
        + 1.5 * e_2 * f,
        "e_1 is z_1 - z_0, the forecast; this takes the count, z_2 = 3": z_1 - 3 + 1.5 * e_2 * f,
        "e_1 is z_1 - z_0, without f: only the loudness is predicted by f": f - Z_0 + 1.5 * e_2 * f,
        "e_2 takes the forecast, z_0 = 2; what was heard is 2.5, `heard` in the code": e_1
        + 1.5 * (Z_0 - f) * f,
        "f'(z_1) lost the sign in its exponent: thunder fades with the distance": e_1
        + 15 * e_2 * math.exp(z_1 / 2),
        "f'(z_1) is taken at the forecast; it belongs at z_1": e_1 + 15 * e_2 * math.exp(-Z_0 / 2),
        "f'(z_1) is squared: the chain rule takes it once": e_1 + 0.75 * e_2 * f**2,
        "e_1 is still squared: differentiating takes the power down to 1": e_1**2 + 1.5 * e_2 * f,
        "both errors are still squared: differentiating takes the power down to 1": e_1**2
        + 1.5 * e_2**2 * f,
        "e_2 is still squared, and halved: the 2 of the power cancels the 1/2": e_1
        + 0.75 * e_2**2 * f,
        "divided by the precision, as if 3 were a variance: multiply by it": e_1 + e_2 * f / 6,
        "this multiplies by the square root of the precision; multiply by 3": e_1
        + 0.5 * math.sqrt(3) * e_2 * f,
        "this is the energy; its derivative is asked for": 0.5 * e_1**2 + 1.5 * e_2**2,
    }


def settled_storms(w, forecast, count):
    """Give the settled guesses of many storms, as `learn_step` settles them, and their errors."""
    z_1 = np.asarray(forecast, float)
    for _ in range(20):
        z_1 = z_1 - 0.2 * (ALPHA_1 * (z_1 - forecast) - ALPHA_2 * w * (count - w * z_1))
    return z_1, count - w * z_1


def some_storms(rng):
    """Draw a weight, forecasts and counts, of two numbers of storms."""
    for storms in (40, 25, 60):
        forecast = rng.uniform(1, 5, storms)
        count = 3 * (forecast + rng.normal(size=storms)) + rng.normal(size=storms)
        yield float(rng.uniform(1, 4)), forecast, count


@exercise(
    "answer_3(w, forecast, count)",
    goal="say what the local rule leaves out, and whether what is missing is local",
    minutes=40,
    cases=some_storms,
    rtol=2e-4,
    why="each storm adds half the logarithm of the curvature, and its derivative is alpha_2 w / c.",
    hint="Take learn_step, and subtract the rate times the derivative of 1/2 log c by w.",
)
def exercise_3(w, forecast, count):
    """Give the local rule the curvature that it forgot."""

    def step(w):
        z_1, e_2 = settled_storms(w, forecast, count)
        return w + RATE * np.mean(ALPHA_2 * e_2 * z_1)

    def term(w):
        return ALPHA_2 * w / (ALPHA_1 + ALPHA_2 * w**2)

    n, plain, new = len(forecast), step(w), term(w)
    c = ALPHA_1 + ALPHA_2 * w**2
    return plain - RATE * new, {
        "this is learn_step: nothing new, or next to nothing, if the term is divided by 500": plain,
        "the sign is wrong: the term must push w down": plain + RATE * new,
        "half: the derivative of w**2 brings a 2": plain - RATE * new / 2,
        "twice: you forgot the 1/2 before log c": plain - 2 * RATE * new,
        "you forgot the inner derivative, 2 alpha_2 w": plain - RATE * 0.5 / c,
        "you forgot the inner derivative, and the 1/2": plain - RATE / c,
        "the inner derivative lacks alpha_2": plain - RATE * w / c,
        "the inner derivative lacks w": plain - RATE * ALPHA_2 / c,
        "the derivative of log c is 1 / c: divide": plain - RATE * ALPHA_2 * w,
        "this is the term itself, 1/2 log c; its derivative is asked for": plain
        - RATE * 0.5 * np.log(c),
        "this is half of c, without the logarithm": plain - RATE * 0.5 * c,
        "c is squared: the derivative of log c is 1 / c": plain - RATE * ALPHA_2 * w / c**2,
        "c is 3 only at w = 3: it changes while w learns": plain - RATE * ALPHA_2 * w / 3,
        "c lacks alpha_1": plain - RATE / w,
        "the term is divided by c, not multiplied by it": plain - RATE * ALPHA_2 * w * c,
        "alpha_1 and alpha_2 are exchanged in c": plain
        - RATE * ALPHA_1 * w / (ALPHA_2 + ALPHA_1 * w**2),
        "these are the precisions of the kilometres, alpha_gen; here they are alpha_1 and alpha_2": plain
        - RATE * 2 * w / (1 + 2 * w**2),
        "the derivative of w**2 is 2 w, not w**2": plain - RATE * ALPHA_2 * w**2 / c,
        "the logarithm is the natural one, not that of base 10": plain - RATE * new / math.log(10),
        "the rate is there twice: multiply the term by 0.2 once": plain - RATE**2 * new,
        "two steps of learn_step; one is asked for": 2 * plain - w - RATE * new,
        "c is alpha_1 + alpha_2 w**2, with the square": plain
        - RATE * ALPHA_2 * w / (ALPHA_1 + ALPHA_2 * w),
        "without the rate: multiply the term by 0.2": plain - new,
        "the term is divided by the storms: each has it, so their mean is the term": plain
        - RATE * new / n,
        "the term is summed over the storms; their mean is asked for": plain - RATE * new * n,
        "the term is taken at the weight that learn_step gives; both belong to the same w": plain
        - RATE * term(plain),
        "learn_step is taken at the weight that the term gives; both belong to the same w": step(
            w - RATE * new
        ),
        "this is the change of w; the new w is asked for": plain - RATE * new - w,
        "this is the term alone: learn_step belongs to it": w - RATE * new,
        "this is the derivative of the term; a step of learning is asked for": new,
        "the sign is wrong, and the rate is missing: subtract 0.2 times the term": plain + new,
        "c is under a root: the derivative of log c is 1 / c": plain
        - RATE * ALPHA_2 * w / np.sqrt(c),
        "this is log c itself, without the 1/2; its derivative is asked for": plain
        - RATE * np.log(c),
        "the inner derivative lacks alpha_2, and the 1/2 before log c is forgotten": plain
        - RATE * 2 * w / c,
        "the inner derivative lacks w, and the 1/2 before log c is forgotten": plain
        - RATE * 2 * ALPHA_2 / c,
        "c lacks w**2: the curvature depends on the weight": plain
        - RATE * ALPHA_2 * w / (ALPHA_1 + ALPHA_2),
        "c lacks alpha_2": plain - RATE * ALPHA_2 * w / (ALPHA_1 + w**2),
        "alpha_2 is missing, in c and in its derivative": plain - RATE * w / (ALPHA_1 + w**2),
        "in c, w**2 goes with alpha_2, not with alpha_1": plain
        - RATE * ALPHA_2 * w / (ALPHA_2 + ALPHA_1 * w**2),
        "in c, w is squared and alpha_2 is not": plain
        - RATE * ALPHA_2**2 * w / (ALPHA_1 + (ALPHA_2 * w) ** 2),
        "the derivative of w**2 is 2 w, not 2": plain - RATE * ALPHA_2 / (ALPHA_1 + ALPHA_2 * w),
    }


@exercise(
    "answer_4(step_size, steps)",
    goal="predict when and how fast inference diverges, from its step and the curvature",
    minutes=15,
    cases=[(0.1, 20), (0.6, 5), (0.7, 12), (0.4, 3), (0.2, 7)],
    why="each step multiplies the distance by 1 - 3 step_size; past 2/3 that is a growing swing.",
    without=(LOOP,),
    hint="One step multiplies the distance by 1 - step_size * c, with the curvature c of the storm.",
)
def exercise_4(step_size, steps):
    """How far from rest is the guess after some steps, as a share of where it began?"""
    factor = 1 - 3 * step_size
    return factor**steps, {
        "this is of one step; each of the steps multiplies again": factor,
        "the steps multiply, they do not add: a power": factor * steps,
        "many steps are not one long step: each multiplies what the last has left": 1
        - 3 * step_size * steps,
        "a step covers the curvature times its size, not its size over the curvature": (
            1 - step_size / 3
        )
        ** steps,
        "the curvature multiplies the step, not the number of steps": (1 - step_size)
        ** (3 * steps),
        "this is the change; what is left is asked for": factor**steps - 1,
        "this is turned round: the start as a multiple of the end": factor ** (-steps),
        "the curvature is the sum of both precisions, not the count's alone": (1 - 2 * step_size)
        ** steps,
        "the curvature is the sum of both precisions, not the forecast's alone": (1 - step_size)
        ** steps,
        "the curvature is that of the storm in kilometres, sum(alpha_gen); "
        "by now alpha_1 and alpha_2 are those of the seconds": (1 - (ALPHA_1 + ALPHA_2) * step_size)
        ** steps,
        "the curvature is the sum of both precisions, not their mean": (1 - 1.5 * step_size)
        ** steps,
        "the sign is lost: past the resting place it is negative": abs(factor) ** steps,
        "the sign is turned: it is 1 minus what a step covers, not that minus 1": (-factor)
        ** steps,
        "one step too few": factor ** (steps - 1),
        "one step too many": factor ** (steps + 1),
        "the sign in the factor: a step goes against the slope": (1 + 3 * step_size) ** steps,
        "this is the share of the way that a step covers; what is left is 1 minus it": (
            3 * step_size
        )
        ** steps,
        "this is the share of the way that is covered; what is left is asked for": 1
        - factor**steps,
        "this is in kilometres; a share of the first distance is asked for": 8 / 3 * factor**steps,
        "this is in kilometres; a share of the first distance, with its own sign, is asked for": -8
        / 3
        * factor**steps,
        "this is the guess itself; its distance from rest, as a share, is asked for": 8
        / 3
        * (1 - factor**steps),
        "this is the share of the energy, which goes with the square": factor ** (2 * steps),
        "e to the power of it would be right for steps that are infinitely short": math.exp(
            -3 * step_size * steps
        ),
        "the power is of the whole factor, not of the step alone": 1 - 3 * step_size**steps,
        "the power is of the whole factor: 1 minus a power is not the power of 1 minus it": 1
        - (3 * step_size) ** steps,
        "the curvature is the second derivative, 3: the 2 of the square has met the 1/2": (
            1 - 6 * step_size
        )
        ** steps,
        "the curvature is the sum of the precisions, not of their squares": (1 - 5 * step_size)
        ** steps,
        "the curvature is not squared: a step covers 3 times its size": (1 - 9 * step_size)
        ** steps,
        "the step size is squared; a step covers 3 times its size": (1 - 3 * step_size**2) ** steps,
        "this is its logarithm": steps * math.log(abs(factor)),
        "this divides by 1 plus what a step covers; a step multiplies by 1 minus it": (
            1 + 3 * step_size
        )
        ** -steps,
        "the steps divide what a step covers; they are the power": 1 - 3 * step_size / steps,
        "the curvature is 3, not the resting place, 8/3": (1 - 8 / 3 * step_size) ** steps,
        "in percent; a share is asked for": 100 * factor**steps,
    }


def relu(x):
    """Keep what is above 0."""
    return np.maximum(x, 0)


SLOPES = {np.tanh: lambda x: 1 - np.tanh(x) ** 2, relu: lambda x: 1.0 * (x > 0)}


def chain_energies(
    generator,
    z_0,
    z_L,
    iterations,
    *,
    settling=20,
    size=0.1,
    rate=0.05,
    act=np.tanh,
    first=False,
    observe=True,
    sweep_again=True,
    note="settled",
    taught_by="settled",
    biases=False,
    layers=slice(None),
    total=np.mean,
):
    """Teach a chain as exercise 5 asks, or as students do instead; the energies of all iterations."""
    V = [np.array(v, float) for v, _ in generator]
    b = [np.array(bias, float) for _, bias in generator]
    L, noted = len(V), []
    z: list[np.ndarray] = []
    z_0, z_L = np.asarray(z_0, float), np.asarray(z_L, float)

    def activity(l):
        return z[l] if l == 0 and not first else act(z[l])

    def errors():
        return [z[l + 1] - activity(l) @ V[l].T - b[l] for l in range(L)]

    def energy():
        return total(sum(0.5 * (e**2).sum(axis=1) for e in errors()))

    for i in range(iterations):
        if i == 0 or sweep_again:
            z[:] = [z_0]
            for l in range(L):
                z.append(activity(l) @ V[l].T + b[l])
            if observe:
                z[-1] = z_L
        swept, at_start = list(z), energy()
        for _ in range(settling):
            e = errors()
            slope = SLOPES.get(act, np.ones_like)
            moved = [e[l - 1] - slope(z[l]) * (e[l] @ V[l]) for l in range(1, L)]
            z[1:L] = [z[l] - size * moved[l - 1] for l in range(1, L)]
        settled = energy()
        if taught_by == "swept":
            z[:], kept = swept, list(z)
        steps = [rate * e.T @ activity(l) / len(z_0) for l, e in enumerate(errors())]
        shifts = [rate * e.mean(axis=0) for e in errors()]
        if taught_by == "swept":
            z[:] = kept
        learns = range(L)[layers]
        V = [
            v + step if l in learns else v for l, (v, step) in enumerate(zip(V, steps, strict=True))
        ]
        if biases:
            b = [old + shift for old, shift in zip(b, shifts, strict=True)]
        noted.append({"settled": settled, "start": at_start, "learned": energy()}[note])
    return np.array(noted)


def some_chains(rng):
    """Draw chains of two and three matrices, with inputs and outputs."""
    for sizes, iterations in (((2, 5, 3), 3), ((3, 4, 4, 2), 4)):
        pairs = zip(sizes[1:], sizes[:-1], strict=True)
        generator = [
            (rng.normal(size=(n, m)) / np.sqrt(m), 0.1 * rng.normal(size=n)) for n, m in pairs
        ]
        yield generator, rng.normal(size=(6, sizes[0])), rng.normal(size=(6, sizes[-1])), iterations


@exercise(
    "train_chain(generator, z_0, z_L, iterations)",
    goal="train a chain with settling and local steps alone",
    minutes=45,
    cases=some_chains,
    why="the settled energy falls from one iteration to the next: local steps, and all layers learn.",
    hint="In each iteration: sweep_chain, put z_L in, settle_chain, note the mean energy, local_gradient.",
)
def exercise_5(generator, z_0, z_L, iterations):
    """Teach a chain by sweep, settle, learn; give the settled energy of each iteration."""

    def instead(**how):
        return lambda: chain_energies(generator, z_0, z_L, iterations, **how)

    return instead()(), {
        "nothing settles: this is without the 20 steps": instead(settling=0),
        "the weights climb: learning goes against the gradient": instead(rate=-0.05),
        "the weights never change: put what they become into the next iteration": instead(rate=0),
        "noted before settling; the settled energy is asked for": instead(note="start"),
        "noted after learning; note it before the weights move": instead(note="learned"),
        "the last layer holds the sweep, not z_L: nothing is observed, and every error is 0": instead(
            observe=False
        ),
        "the weights learn from the swept activities; take the settled ones": instead(
            taught_by="swept"
        ),
        "each iteration goes on from the settled state of the last; sweep again": instead(
            sweep_again=False
        ),
        "the hidden layers have no tanh": instead(act=lambda x: x),
        "the first layer is no hidden layer: no tanh there": instead(first=True),
        "the activation is tanh, not ReLU": instead(act=relu),
        "the biases learn too; they shall stay": instead(biases=True),
        "the gradient is summed over the examples; local_gradient gives their mean": instead(
            rate=0.05 * len(z_0)
        ),
        "the mean is taken twice: local_gradient gives the mean over the examples": instead(
            rate=0.05 / len(z_0)
        ),
        "the rate of learning is 0.05, not 0.01": instead(rate=0.01),
        "the sum over the examples; their mean is asked for": instead(total=np.sum),
        "an energy for each example; their mean is asked for": instead(total=np.asarray),
        "only the last matrix learns; each one shall": instead(layers=slice(-1, None)),
        "only the first matrix learns; each one shall": instead(layers=slice(1)),
        "the last matrix does not learn; each one shall": instead(layers=slice(-1)),
        "the rate of learning is 0.05, not 0.1": instead(rate=0.1),
        "the rate of learning is 0.05, not 0.5": instead(rate=0.5),
        "the step of inference is 0.1, not 0.05": instead(size=0.05),
        "the step of inference is 0.1, not 0.2": instead(size=0.2),
        "20 steps settle, not 10": instead(settling=10),
        "one step of inference too many: 20 settle": instead(settling=21),
        "one step of inference too few: 20 settle": instead(settling=19),
        "only the last energy; one for each iteration is asked for": lambda: instead()()[-1],
        "an energy too many: one for each iteration": lambda: chain_energies(
            generator, z_0, z_L, iterations + 1
        ),
        "an energy too few: one for each iteration": lambda: instead()()[:-1],
    }
