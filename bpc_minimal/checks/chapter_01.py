"""The exercises of chapter 1, the energy of a guess: storms, and a chain of layers."""

import math

import numpy as np

from bpc_minimal.checks.core import Wrong, exercise, number_array

Z_0, HEARD = 2.0, 2.0  # the forecast, and how loud the thunder was
ALPHA_1, ALPHA_2, RATE = 1.0, 2.0 / 9.0, 0.2  # of the storms that the rule learns from


def two_decimals_from_9(precision):
    """Take what is right to two decimals and does not rest short of 2.9 km as 9."""
    x = float(number_array(precision))
    if 8.95 <= x < 9 - 1e-4:
        raise Wrong("with this the guess rests a little short of 2.9 km, and it shall not.")
    return 9.0 if 9 - 1e-4 <= x < 9.0051 else x


def where_it_rests(x):
    """Say where the guess rests with another precision."""
    if x <= 0:
        return "a precision is one over a variance, and so it is positive."
    rests = (Z_0 + 3 * x) / (1 + x)
    return f"with this the guess rests at {rests:.4g} km: put it into Equation 5 and solve for alpha_2."


@exercise(
    "answer_1",
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
    cases=[(0.5,), (1.7,), (4.0,)],
    why="it is what jax.grad finds: the error of layer 1, minus 3 times that of layer 2 times f'.",
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
        "f'(z_1) lacks the -1/2 of the exponent": e_1 - 3 * e_2 * f,
        "f'(z_1) lacks the 1/2 of the exponent": e_1 + 3 * e_2 * f,
        "f'(z_1) is -1/2 times f(z_1), not -1/2": e_1 + 1.5 * e_2,
        "f'(z_1) lacks the 10 of f": e_1 + 0.15 * e_2 * f,
        "you forgot the precision of e_2": e_1 + 0.5 * e_2 * f,
        "you exchanged the precisions": 3 * e_1 + 0.5 * e_2 * f,
        "both errors have the precision 3; that of e_1 is 1": 3 * right + 0 - 3 * e_2 * f,
        "the precision is squared": e_1 + 4.5 * e_2 * f,
        "half: the 2 of the square cancels the 1/2 of the energy": right / 2,
        "twice: you forgot the 1/2 of the energy": right * 2,
        "you forgot e_1: the forecast pulls too": 1.5 * e_2 * f,
        "you forgot e_2: the thunder pulls too": e_1,
        "e_1 is z_1 - z_0, not z_0 - z_1": -e_1 + 1.5 * e_2 * f,
        "e_2 is z_2 - z_1 only if f hands on its input: here it is z_2 - f(z_1)": e_1
        + 1.5 * (HEARD - z_1) * f,
        "this is the slope of the storm that was counted: put f into the error": e_1
        - 3 * (HEARD - z_1),
        "this storm was heard: z_2 is 2, not the count's 3": e_1 + 1.5 * (3 - f) * f,
        "f takes the place of the error: multiply f' by z_2 - f(z_1)": e_1 + 1.5 * f * f,
        "f'(z_1) takes the place of e_2 times f'(z_1)": e_1 + 1.5 * f,
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
        "this is learn_step: nothing new": plain,
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
        "c lacks alpha_1": plain - RATE / w,
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
    }
