"""The exercises of chapter 10, fast: counts of operations and bytes, never times."""

import math

import jax
import numpy as np

import bpc_minimal as bpc
from bpc_minimal.checks.core import exercise, number_array


@exercise(
    "sgd_bytes(weights)",
    goal="count the bytes that a step of an optimiser moves",
    minutes=5,
    cases=[(1000,), (77,), (656_400,)],
    rtol=1e-6,
    why="it reads each weight and its gradient and writes the weight: no running averages.",
    hint="List what it must read and what it must write for each weight, and count bytes.",
)
def exercise_1(weights):
    """Count the bytes of plain gradient descent."""
    return 12 * weights, {
        "these are numbers, not bytes: a 32-bit number has four": 3 * weights,
        "these are bits: a byte has eight": 96 * weights,
        "this is Adam's count: plain descent keeps no running averages": 28 * weights,
        "something is forgotten: the gradient is read, the weight is read and written": 8 * weights,
        "only one of the numbers: the gradient is read, the weight is read and written": 4
        * weights,
        "nothing else is kept: a number too many for each weight": 16 * weights,
        "this is with one running average: plain descent keeps none": 20 * weights,
        "the numbers have 32 bits, four bytes, not eight": 24 * weights,
        "the numbers have 32 bits, four bytes, not two": 6 * weights,
        "in kilobytes; bytes are asked for": 12 * weights / 1000,
        "in kilobytes of 1,024; bytes are asked for": 12 * weights / 1024,
        "in megabytes; bytes are asked for": 12 * weights / 1e6,
        "this is the share of Adam's bytes": 3 / 7,
    }


def rounded_up(m, intensity, k, n):
    """Take the smallest whole batch for the exact one."""
    m = float(number_array(m))
    exact = exact_batch(intensity, k, n)
    return exact if m == math.ceil(exact) else m


def exact_batch(intensity, k, n, *, operations=2, size=4, left_out=0, sign=-1):
    """Solve operations * m k n = intensity * size * (m k + k n + m n) for m."""
    kept = operations * k * n + sign * size * intensity * (k + n - left_out)
    return size * intensity * k * n / kept


def reached(batches):
    """Say that another batch reaches another intensity."""
    if not np.isfinite(batches) or batches <= 0:
        return "a batch is positive: check the sign of the terms that hold m."
    m, k, n = batches, 300, 784
    found = 2 * m * k * n / (4 * (m * k + k * n + m * n))
    return f"for 20 flops a byte, 300 and 784 it gives {m:.4g}, and such a batch does {found:.4g}."


@exercise(
    "batch_for(intensity, k, n)",
    goal="find the batch from which a product is bound by arithmetic",
    minutes=15,
    cases=[(20, 300, 784), (5, 64, 100), (2.5, 300, 300)],
    read=rounded_up,
    why="with smaller batches the weights are read for too few images.",
    hint=lambda *batches: reached(batches[0]),
    rtol=1e-4,
)
def exercise_2(intensity, k, n):
    """Find the batch that reaches an intensity."""
    case = intensity, k, n
    right, itself = exact_batch(*case), intensity * k + k * n + intensity * n
    exact = {
        "too large: the flops have a factor of 2": exact_batch(*case, operations=1),
        "these are flops a number; a number has four bytes": exact_batch(*case, size=1),
        "the flops have a factor of 2, and a number four bytes": exact_batch(*case, size=2),
        "the sign of what holds m: bring it to the side of the flops": exact_batch(*case, sign=1),
        "the result is written too: m n is missing": exact_batch(*case, left_out=n),
        "the input is read too: m k is missing": exact_batch(*case, left_out=k),
    }
    return right, {
        "just below: the intensity is reached from the next whole number on": float(
            math.floor(right)
        ),
        "one more than is needed": float(math.ceil(right) + 1),
        **exact,
        "input and result are missing: they grow with m": 2.0 * intensity,
        "this is the intensity of that batch; the batch is asked for": intensity
        * k
        * n
        / (2 * itself),
        "the weights are missing: k n": 2 * intensity * (k + n) / (k * n),
        "this is one over the batch": 1 / right,
        **{f"{text} (and it is rounded up)": math.ceil(m) for text, m in exact.items()},
    }


def counted(config):
    """Count the operations of a step of training, by XLA, as the chapter does."""
    images, labels = np.zeros((64, 28, 28), np.uint8), np.zeros(64, np.int32)
    state = bpc.make_state(config, 60)
    step = jax.jit(lambda state: bpc.train_step(state, images, labels, config, 60))
    counts = step.lower(state).compile().cost_analysis() or {}
    return counts["flops"] / 1e6


@exercise(
    "ratio_3",
    goal="compare two ways of inference by counted operations, and say where time differs",
    minutes=40,
    why="in turn the large products of the image's layer are six, two steps all at once need eight.",
    hint="Count `fast` with step_rule='fixed', and the same with in_turn=False and steps=2, "
    "both with package_operations.",
    rtol=6e-3,
)
def exercise_3():
    """Compare the operations of layers that move in turn with two steps all at once."""
    fast = bpc.preset("fast", step_rule="fixed")
    turn, twice = counted(fast), counted(fast.replace(in_turn=False, steps=2))
    right = turn / twice

    def other(a, b):
        return lambda: (
            (turn if a is None else counted(fast.replace(**a))) / counted(fast.replace(**b))
        )

    return right, {
        "the norms are counted, which are seldom measured: take step_rule='fixed' for both": lambda: (
            counted(bpc.preset("fast")) / counted(bpc.preset("fast", in_turn=False, steps=2))
        ),
        "the wrong way round: in turn over all at once": 1 / right,
        "this is what is spared, not the ratio": 1 - right,
        "this is what two steps need more, not the ratio": 1 / right - 1,
        "a ratio, not percent": 100 * right,
        "this is what is spared, in percent; a ratio is asked for": 100 * (1 - right),
        "these are millions of operations: divide them": turn,
        "these are millions of operations of two steps: divide them": twice,
        "this is how many operations are spared: divide": twice - turn,
        "these are the large products, 6 of 8; XLA counts all operations": 6 / 8,
        "these are steps; XLA counts operations": 1 / 2,
        "both are of one step, or both of two: all at once takes two steps, in turn one": 1.0,
        "three steps are counted; all at once takes two": other(
            None, {"in_turn": False, "steps": 3}
        ),
        "four steps are counted; all at once takes two": other(
            None, {"in_turn": False, "steps": 4}
        ),
        "all at once has no step: it takes two": other(None, {"in_turn": False, "steps": 0}),
    }


@exercise(
    "speed_up(devices, compute, exchange)",
    goal="predict from which time of exchange on more devices do not pay",
    minutes=30,
    cases=[(2, 0.1, 0.5), (4, 10.0, 0.5), (1, 3.0, 0.7), (8, 2.0, 0.1)],
    why="the exchange does not shrink with the devices: where it is longer than what they spare, two are "
    "slower than one.",
    hint="One device takes `compute`; D devices take compute / D and the exchange. Divide.",
)
def exercise_4(devices, compute, exchange):
    """Break the gain of more devices."""
    D, alone = devices, devices == 1
    wait = 0 if alone else exchange
    right = compute / (compute / D + wait)
    return right, {
        "one device exchanges with nobody": compute / (compute / D + exchange),
        "this is the time; how many times faster is asked for": compute / D + wait,
        "this is one over it: how many times faster is asked for": 1 / right,
        "the exchange is missing": float(D),
        "the exchange is not shared: it takes as long for any number of devices": compute
        / (compute / D + wait / D),
        "each device computes its share of the batch only: divide by the devices": compute
        / (compute + wait),
        "the ring's share, 2 (D - 1) / D: here the exchange takes as long for any number": compute
        / (compute / D + wait * 2 * (D - 1) / D),
        "the exchange grows with the devices here; it shall not": compute
        / (compute / D + wait * D),
        "the exchange grows with the other devices here; it shall not": compute
        / (compute / D + wait * (D - 1)),
        "this is what is gained, not how many times faster": right - 1,
        "this is the gain for each device": right / D,
        "this is the time that is spared": compute - compute / D - wait,
        "one device does not wait for the exchange either": (compute + wait) / (compute / D + wait),
        "in percent; how many times faster is asked for": 100 * right,
        "the exchange happens while they compute: here it comes after": compute
        / max(compute / D, wait),
        "the exchange is taken away, not added": compute / (compute / D - wait),
        "never below 1: but it can be slower": max(right, 1.0),
        "compute and exchange are exchanged": exchange / (exchange / D + (0 if alone else compute)),
    }


@exercise(
    "attainable(intensity, peak, bandwidth)",
    goal="write the roofline as one line of code",
    minutes=5,
    cases=[(0.5, 300.0, 31.0), (24.0, 300.0, 31.0), (9.0, 300.0, 31.0), (40.0, 8100.0, 320.0)],
    why="the lower of two roofs: what memory can feed, and what arithmetic can do.",
    hint="Memory feeds bandwidth bytes a second, each with `intensity` operations; arithmetic does `peak`.",
)
def exercise_5(intensity, peak, bandwidth):
    """Write the roofline."""
    slope = intensity * bandwidth
    return min(slope, peak), {
        "this is the slope alone: arithmetic has a limit too": slope,
        "this is the flat roof alone: memory has a limit too": peak,
        "the higher of the two roofs; the lower one limits": max(slope, peak),
        "both together cannot be reached: the lower one limits": slope + peak,
        "the two roofs do not average: there is a corner": 1 / (1 / slope + 1 / peak),
        "the slope is intensity times bandwidth, not over it": min(peak, bandwidth / intensity),
        "the slope is intensity times bandwidth: bytes a second times operations a byte": min(
            peak, intensity / bandwidth
        ),
        "the slope goes through the bandwidth, not through the peak": min(peak, intensity * peak),
        "this is where the roof becomes flat": peak / bandwidth,
        "a share of the peak; operations a second are asked for": min(slope, peak) / peak,
        "a share of the peak in percent; operations a second are asked for": 100
        * min(slope, peak)
        / peak,
        "this says whether memory limits": float(slope < peak),
        "this is the least of three; bandwidth itself is no speed of arithmetic": min(
            slope, peak, bandwidth
        ),
        "the mean of the two roofs; the lower one limits": (slope + peak) / 2,
        "a byte is not four numbers: the intensity counts bytes already": min(4 * slope, peak),
        "a number has four bytes, but the intensity counts bytes already": min(slope / 4, peak),
        "the roof is flat from peak / bandwidth on, not from 1 on": slope
        if intensity < 1
        else peak,
    }
