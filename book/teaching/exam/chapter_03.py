"""Chapter 3: the hybrid amortiser."""

import numpy as np
import sympy as sp

from exam import (
    choice,
    derivation,
    number,
    numbers,
    pick,
    question,
    says,
    show,
    vector,
)


@question(chapter=3, minutes=3, goal="compute an amortiser's error")
def guess_error(rng):
    w = pick(rng, [-2, -1, 0.5, 1, 1.5, 2], 2)
    swept = [pick(rng, [0.5, 1, 2]), -pick(rng, [0.5, 1, 2])]
    settled = pick(rng, [0.25, 0.75, 1.25, 2.5])
    guessed = float(np.dot(w, np.maximum(swept, 0)))
    return number(
        rf"A unit settled at $z^* = {settled}$. The amortiser guesses it from two ReLU units below, whose swept "
        rf"activities are $\hat z = {vector(swept)}$, with the weights $W = {vector(w)}$. What is its error $d$?",
        settled - guessed,
        rf"$d = z^* - W\, \mathrm{{act}}(\hat z) = {settled} - ({show(guessed)}) = {show(settled - guessed)}$.",
        w=w, swept=swept, settled=settled,
    )  # fmt: skip


@question(
    chapter=3,
    minutes=5,
    goal="apply the amortiser's local rule to the inputs that it learns from",
)
def guess_slope(rng):
    settled, swept = pick(rng, [0.5, 1, 1.5, 2, 3], 2)
    target, w = pick(rng, [0.5, 1, 2, 4]), pick(rng, [0.5, 0.75, 1.5])
    answer = -(target - w * swept) * swept
    return numbers(
        rng,
        rf"A unit settled at {target}. The unit below it was {swept} in the sweep, {settled} when it had settled, and "
        rf"is joined to it by the amortiser's weight {w}. What is the slope $\partial A/\partial W$ of HPC's "
        r"amortiser, $A = \frac{1}{2} d^2$?",
        answer,
        {
            "the amortiser of HPC learns from swept inputs, not from settled ones": -(target - w * settled) * settled,
            "error and activity belong to one sweep: here one of the two is settled": -(target - w * swept) * settled,
            "the sign is wrong: this is the way that the weight shall go": -answer,
            says("2.1", "twice: you forgot the 1/2"): 2 * answer,
            "this is minus the error: multiply it by the activity that guessed": -(target - w * swept),
        },
        rf"$d = {target} - {w} \cdot {swept} = {show(target - w * swept)}$, and the slope is minus the error times the "
        rf"activity of the neuron that guessed: ${show(answer)}$.",
        settled=settled, swept=swept, target=target, w=w,
    )  # fmt: skip


@question(chapter=3, minutes=3, goal="say what an amortiser learns from, and why")
def learns_from(rng):
    l = pick(rng, range(0, 5))
    return choice(
        rng,
        rf"In HPC the amortiser $g_{l}$ learns from pairs of an input and a target. Which?",
        rf"input: the swept layer {l + 1}; target: the settled layer {l}",
        {
            rf"input: the settled layer {l + 1}; target: the settled layer {l}":
                "settled inputs are not what it gets when it reads: then the sweep is all there is",
            rf"input: the swept layer {l + 1}; target: the swept layer {l}":
                "the swept layer is its own guess: the error would be zero, and nothing would be learned",
            rf"input: the settled layer {l}; target: the settled layer {l + 1}":
                "this is what the generator learns from",
            rf"input: the swept layer {l}; target: the settled layer {l + 1}":
                "the amortiser predicts upwards, from the image to the label",
        },
        rf"It learns to say where layer {l} will settle, from what it will have then: layer {l + 1} of its own sweep.",
        l=l,
    )  # fmt: skip


@question(chapter=3, minutes=2, goal="compute the gap of a guess")
def gap(rng):
    rested = pick(rng, range(80, 140, 5))
    above = pick(rng, [3, 4, 6, 8, 9, 12])
    start = rested + above
    return numbers(
        rng,
        rf"The energy of a guess is {start}; a hundred steps later it is {rested}. How large is the amortisation gap, in "
        "percent of the energy after a hundred steps?",
        100 * above / rested,
        {
            "this is the difference of the energies; in percent of the second is asked for": above,
            says("3.2", "a share; percent is asked for"): above / rested,
            "this is what is left, not what is above it": 100 * rested / start,
            "this is the ratio of the two energies in percent; the gap is what is above 100": 100
            * start
            / rested,
        },
        rf"$100 \cdot ({start} - {rested}) / {rested} = {show(100 * above / rested)}$ %.",
        unit="%",
        start=start,
        rested=rested,
    )


@question(chapter=3, minutes=2, goal="reckon what settling does to an accuracy")
def second_thoughts(rng):
    images = pick(rng, [500, 800, 1000, 2000])
    right = pick(rng, range(70, 95))
    repaired, broken = pick(rng, range(5, 60), 2)
    answer = right + 100 * (repaired - broken) / images
    return number(
        rf"A guess reads {right} % of {images} images rightly. Ten steps of settling change some answers: {repaired} "
        rf"wrong ones become right, and {broken} right ones wrong. What is the accuracy after settling, in percent?",
        float(answer),
        rf"${right} + 100 \cdot ({repaired} - {broken}) / {images} = {show(answer)}$ %. Answers that stay wrong do not "
        "count.",
        images=images, right=right, repaired=repaired, broken=broken,
    )  # fmt: skip


@question(
    chapter=3,
    minutes=4,
    goal="count what a sweep and a step of settling cost",
)
def multiplications(rng):
    sizes = (10, pick(rng, [100, 200, 300]), pick(rng, [100, 200, 300]), 784)
    steps = pick(rng, range(3, 20))
    entries = sum(m * n for m, n in zip(sizes, sizes[1:], strict=False))
    return numbers(
        rng,
        rf"A hybrid network with layers of {', '.join(map(str, sizes))} units reads an image by a sweep up and {steps} "
        "steps of settling; a step predicts each layer once and sends each error back once. How many multiplications "
        "are in its products of matrices, in millions?",
        (1 + 2 * steps) * entries / 1e6,
        {
            says("3.1", "you forgot the guess: one sweep"): 2 * steps * entries / 1e6,
            says("3.1", "you forgot that errors are carried back"): (1 + steps) * entries / 1e6,
            says("3.1", "the guess is taken once"): 3 * steps * entries / 1e6,
            says("3.1", "only the last matrix is counted"): (1 + 2 * steps) * sizes[2] * 784 / 1e6,
            says("3.1", "the first matrix is forgotten"):
                (1 + 2 * steps) * (entries - 10 * sizes[1]) / 1e6,
            says("3.1", "a step has two products for each matrix, not four"): (1 + 4 * steps) * entries / 1e6,
            says("3.1", "this is what a guess costs"): entries / 1e6,
        },
        rf"The matrices have {show(entries)} entries together, one multiplication each. One sweep and {steps} steps of "
        rf"two products: $(1 + 2 \cdot {steps}) \cdot {entries} = {show((1 + 2 * steps) * entries / 1e6)}$ million.",
        sizes=sizes, steps=steps,
    )  # fmt: skip


@question(
    chapter=3,
    minutes=8,
    goal="derive an amortiser's rule and the weight at which it rests",
)
def best_guess(rng):
    W = sp.symbols("W")
    swept = [sp.Rational(x) for x in pick(rng, [1, 2, 3, 4], 3)]
    settled = [sp.Rational(x) for x in pick(rng, [-1, 1, 2, 3, 5], 3)]
    loss = sum((t - W * a) ** 2 for t, a in zip(settled, swept, strict=True)) / 6
    answer = sp.expand(sp.diff(loss, W))
    best = sp.solve(answer, W)[0]
    return derivation(
        rf"One weight $W$ guesses a unit from another. In three examples the activity that guesses is {vector(map(int, swept))}, "
        rf"and the unit settled at {vector(map(int, settled))}. Write $A(W) = \langle \frac{{1}}{{2}} d^2 \rangle$, derive "
        r"$dA/dW$, and say where learning comes to rest. Why does no derivative run through the settling?",
        answer,
        rf"$dA/dW = -\langle d\, \mathrm{{act}} \rangle = {sp.latex(answer)}$, zero at $W = {sp.latex(best)}$: the line of "
        "least squares through 0. What settled counts as given, as a target does; so the rule stays local.",
        energy=loss, by=W,
    )  # fmt: skip
