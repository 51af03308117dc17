"""Chapter 1: the energy of a guess."""

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
)

STORM = (
    r"A storm is forecast at $z_0 = {z_0}$ km with the precision $\alpha_1 = {a_1}$, and your count says "
    r"$z_2 = {z_2}$ km with the precision $\alpha_2 = {a_2}$ (both in 1/km²). The generator hands the guess on "
    r"as it is. "
)


def times(x):
    """Write a factor before a symbol."""
    return "" if x == 1 else show(x)


def storm(rng):
    z_0, z_2 = pick(rng, range(1, 10), 2)
    a_1, a_2 = pick(rng, [0.5, 1, 1.5, 2, 3, 4, 5], 2)
    return {"z_0": z_0, "z_2": z_2, "a_1": a_1, "a_2": a_2}


@question(
    chapter=1,
    minutes=3,
    goal="weigh two sources by their precisions and say where a guess rests",
)
def rest(rng):
    g = storm(rng)
    z_0, z_2, a_1, a_2 = g.values()
    answer = (a_1 * z_0 + a_2 * z_2) / (a_1 + a_2)
    return number(
        STORM.format(**g) + "At how many kilometres does the guess come to rest?",
        float(answer),
        rf"At rest the pulls are equal, $\alpha_1 (z_1 - z_0) = \alpha_2 (z_2 - z_1)$, so "
        rf"$z_1^* = (\alpha_1 z_0 + \alpha_2 z_2) / (\alpha_1 + \alpha_2) = "
        rf"({a_1} \cdot {z_0} + {a_2} \cdot {z_2}) / {show(a_1 + a_2)} = {show(answer)}$ km.",
        **g,
    )


@question(
    chapter=1,
    minutes=4,
    goal="find the precision that lets a guess rest at a place",
)
def precision_wanted(rng):
    z_0 = pick(rng, range(1, 5))
    z_2 = z_0 + pick(rng, [2, 4, 5])
    share = pick(rng, [0.6, 0.7, 0.8, 0.9])
    a_1 = pick(rng, [0.5, 1, 2, 3])
    target = round(z_0 + share * (z_2 - z_0), 2)
    answer = a_1 * (target - z_0) / (z_2 - target)
    asked = (
        rf"A storm is forecast at $z_0 = {z_0}$ km with the precision $\alpha_1 = {a_1}$; your count says "
        rf"$z_2 = {z_2}$ km. Which precision $\alpha_2$ of the count lets the guess rest at {target} km?"
    )
    mistakes = {
        says("1.1", "this is the variance"): 1 / answer,
        says("1.1", "this is the standard deviation"): answer**-0.5,
        says("1.1", "this is one over the standard deviation"): answer**0.5,
        says("1.1", "this is the count's share"): share,
        says("1.1", "this is the ratio of the squared errors"): a_1 * (share / (1 - share)) ** 2,
        "this is the sum of both precisions; the forecast's is part of it": answer + a_1,
        says("1.1", "this is where the guess shall rest"): target,
    }
    return numbers(
        rng, asked, answer, mistakes,
        rf"At rest $\alpha_1 (z_1 - z_0) = \alpha_2 (z_2 - z_1)$, so "
        rf"$\alpha_2 = {a_1} \cdot {show(target - z_0)} / {show(z_2 - target)} = {show(answer)}$.",
        z_0=z_0, z_2=z_2, a_1=a_1, target=target,
    )  # fmt: skip


@question(
    chapter=1,
    minutes=3,
    goal="compute the energy of a guess from its errors and their precisions",
)
def energy(rng):
    g = storm(rng)
    z_0, z_2, a_1, a_2 = g.values()
    z_1 = pick(rng, [z for z in range(1, 10) if z not in (z_0, z_2)])
    e_1, e_2 = z_1 - z_0, z_2 - z_1
    answer = a_1 * e_1**2 / 2 + a_2 * e_2**2 / 2
    return numbers(
        rng,
        STORM.format(**g) + rf"What is the energy of the guess $z_1 = {z_1}$ km?",
        answer,
        {
            says("1.2", "twice: you forgot the 1/2"): 2 * answer,
            says("1.2", "half: the 2 of the square"): answer / 2,
            says("1.2", "you exchanged the precisions"): a_2 * e_1**2 / 2 + a_1 * e_2**2 / 2,
            says("1.2", "you forgot the precision of e_2"): a_1 * e_1**2 / 2 + e_2**2 / 2,
            says("1.2", "you forgot e_1"): a_2 * e_2**2 / 2,
            says("1.2", "you forgot e_2"): a_1 * e_1**2 / 2,
            says("1.2", "the precision is squared"): a_1**2 * e_1**2 / 2 + a_2**2 * e_2**2 / 2,
        },
        rf"$e_1 = {e_1}$ and $e_2 = {e_2}$, so $E = \frac{{{a_1}}}{{2}} \cdot {e_1**2} + "
        rf"\frac{{{a_2}}}{{2}} \cdot {e_2**2} = {show(answer)}$.",
        z_1=z_1,
        **g,
    )


@question(
    chapter=1,
    minutes=4,
    goal="derive the slope of an energy whose generator is a factor",
)
def slope_with_a_factor(rng):
    a_1, a_2, w = pick(rng, [2, 3, 4, 5, 7], 3)
    k = a_2 * w
    return choice(
        rng,
        rf"The energy is $E = \frac{{{a_1}}}{{2}} e_1^2 + \frac{{{a_2}}}{{2}} e_2^2$ with $e_1 = z_1 - z_0$ and "
        rf"$e_2 = z_2 - {w} z_1$. What is $dE/dz_1$?",
        rf"${a_1} e_1 - {k} e_2$",
        {
            rf"$-{a_1} e_1 + {k} e_2$": says("1.2", "the sign is wrong: this is the pull"),
            rf"${a_1} e_1 - {a_2} e_2$": says("1.2", "this is the slope of the storm that was counted"),
            rf"${k} e_1 - {a_1} e_2$": says("1.2", "you exchanged the precisions"),
            rf"${2 * a_1} e_1 - {2 * k} e_2$": says("1.2", "twice: you forgot the 1/2"),
        },
        rf"$de_1/dz_1 = 1$ and $de_2/dz_1 = -{w}$, so $dE/dz_1 = {a_1} e_1 - {a_2} \cdot {w}\, e_2$.",
        a_1=a_1, a_2=a_2, w=w,
    )  # fmt: skip


@question(
    chapter=1,
    minutes=3,
    goal="say from the curvature how long a step of inference may be",
)
def longest_step(rng):
    (a_1, a_2), w = pick(rng, [1, 2, 3, 4, 5], 2), pick(rng, [2, 3, 4, 5])
    c = a_1 + a_2 * w**2
    return number(
        rf"The energy of a guess is $E = \frac{{{a_1}}}{{2}} (z_1 - z_0)^2 + \frac{{{a_2}}}{{2}} "
        rf"(z_2 - {w} z_1)^2$. Beyond which step size does inference no longer settle?",
        2 / c,
        rf"The curvature is $c = {a_1} + {a_2} \cdot {w}^2 = {c}$. A step multiplies the distance from rest by "
        rf"$1 - \gamma c$, which is smaller than 1 in size below $\gamma = 2/c = {show(2 / c)}$.",
        a_1=a_1, a_2=a_2, w=w,
    )  # fmt: skip


@question(
    chapter=1,
    minutes=4,
    goal="predict how far from rest a guess is after some steps",
)
def share_left(rng):
    a_1, a_2 = pick(rng, [1, 1.5, 2, 2.5, 3], 2)
    c = a_1 + a_2
    size = pick(rng, [0.05, 0.1, 0.15])
    steps = pick(rng, range(2, 6))
    factor = 1 - size * c
    return numbers(
        rng,
        rf"A guess settles between a forecast with the precision {a_1} and a count with the precision {a_2}, by "
        rf"steps of size {size}. How many times as far from rest as at its start is it after {steps} steps?",
        factor**steps,
        {
            says("1.4", "this is of one step"): factor,
            says("1.4", "the steps multiply, they do not add"): 1 - steps * size * c,
            says("1.4", "the curvature is the sum of both precisions, not the count's"):
                (1 - size * a_2) ** steps,
            says("1.4", "the curvature is the sum of both precisions, not their mean"):
                (1 - size * c / 2) ** steps,
            says("1.4", "one step too few"): factor ** (steps - 1),
            says("1.4", "one step too many"): factor ** (steps + 1),
            says("1.4", "this is the share of the energy"): factor ** (2 * steps),
            says("1.4", "this is the share of the way that is covered"): 1 - factor**steps,
        },
        rf"The curvature is {show(c)}; each step multiplies the distance by $1 - {size} \cdot {show(c)} = "
        rf"{show(factor)}$, and ${show(factor)}^{steps} = {show(factor**steps)}$.",
        a_1=a_1, a_2=a_2, size=size, steps=steps,
    )  # fmt: skip


@question(chapter=1, minutes=2, goal="turn a scatter into a precision")
def precision(rng):
    deviation = pick(rng, [0.2, 0.25, 0.4, 0.5, 2, 2.5, 4, 5])
    answer = 1 / deviation**2
    return numbers(
        rng,
        rf"A count of seconds scatters around the truth with a standard deviation of {deviation} s. "
        "What is its precision, in 1/s²?",
        answer,
        {
            says("1.1", "this is the variance"): deviation**2,
            says("1.1", "this is the standard deviation"): deviation,
            says("1.1", "this is one over the standard deviation"): 1 / deviation,
            says("1.2", "half: the 2 of the square"): answer / 2,
        },
        rf"The variance is ${deviation}^2 = {show(deviation**2)}$, and the precision one over it, "
        rf"${show(answer)}$.",
        deviation=deviation,
    )


@question(
    chapter=1,
    minutes=2,
    goal="say how sure one is after two sources are weighed",
)
def sureness(rng):
    v_1, v_2 = pick(rng, [0.25, 0.5, 1, 2, 4], 2)
    answer = 1 / (1 / v_1 + 1 / v_2)
    return number(
        rf"A forecast has the variance {v_1} km², a count the variance {v_2} km². What is the variance of the "
        "posterior, in km²?",
        float(answer),
        rf"Precisions add: $1/{v_1} + 1/{v_2} = {show(1 / answer)}$, the curvature of the energy. The variance is "
        rf"one over it, ${show(answer)}$ km².",
        v_1=v_1, v_2=v_2,
    )  # fmt: skip


@question(
    chapter=1,
    minutes=6,
    goal="take a step of the local rule, with the guess at rest",
)
def learning(rng):
    z_0, z_2 = pick(rng, range(1, 5)), pick(rng, range(6, 13))
    a_2, w, rate = (
        pick(rng, [0.5, 1, 2]),
        pick(rng, [1, 1.5, 2]),
        pick(rng, [0.05, 0.1, 0.2]),
    )
    z_1 = (z_0 + a_2 * w * z_2) / (1 + a_2 * w**2)
    e_2 = z_2 - w * z_1
    answer = w + rate * a_2 * e_2 * z_1
    return number(
        rf"You expect a distance of $z_0 = {z_0}$ km (precision 1) and count $z_2 = {z_2}$ s (precision "
        rf"{a_2}), which you predict as $w z_1$ with $w = {w}$ s/km. The guess settles, then the weight takes one "
        rf"step of the local rule with the learning rate {rate}. What is the new weight?",
        float(answer),
        rf"At rest $z_1 = (z_0 + \alpha_2 w z_2)/(1 + \alpha_2 w^2) = {show(z_1)}$, so $e_2 = {show(e_2)}$. Then "
        rf"$w \leftarrow w + \eta\, \alpha_2 e_2 z_1 = {w} + {rate} \cdot {a_2} \cdot {show(e_2)} \cdot "
        rf"{show(z_1)} = {show(answer)}$.",
        z_0=z_0, z_2=z_2, a_2=a_2, w=w, rate=rate,
    )  # fmt: skip


@question(
    chapter=1,
    minutes=3,
    goal="say when news of an observation reaches a layer of a chain",
)
def news(rng):
    depth = pick(rng, range(5, 10))
    layer = pick(rng, range(1, depth - 2))
    answer = depth - layer
    return numbers(
        rng,
        rf"A chain has {depth} matrices, from layer 0, which is clamped, to layer {depth}, the observation. A sweep "
        rf"down has set all layers, then the observation is put in. At which step of inference does layer {layer} "
        "first move?",
        answer,
        {
            says("1.4", "one step too few"): answer - 1,
            says("1.4", "one step too many"): answer + 1,
            "this counts from the label; the news comes from the observation": layer,
            "news travels one layer a step, not through all layers at once": 1,
            "this is the number of matrices: the layers above move earlier": depth,
        },
        rf"At first only $e_{{{depth}}}$ is not zero, so layer {depth - 1} moves at step 1, and each layer sees its "
        rf"neighbours only: layer {layer} moves at step ${depth} - {layer} = {answer}$.",
        depth=depth, layer=layer,
    )  # fmt: skip


@question(
    chapter=1,
    minutes=8,
    goal="derive the slope of an energy whose generator is not linear",
)
def slope_of_a_bent_generator(rng):
    z_0, z_1, z_2 = sp.symbols("z_0 z_1 z_2")
    a_1, a_2 = pick(rng, [1, 2, 3, 4], 2)
    k, m = pick(rng, [2, 3, 5], 2)
    f = pick(
        rng,
        [k * sp.exp(-z_1 / m), k * sp.tanh(z_1) + m, k * z_1**2 + m * z_1],
    )
    energy = sp.Rational(a_1, 2) * (z_1 - z_0) ** 2 + sp.Rational(a_2, 2) * (z_2 - f) ** 2
    slope = sp.diff(f, z_1)
    answer = a_1 * (z_1 - z_0) - a_2 * (z_2 - f) * slope
    return derivation(
        rf"A guess $z_1$ predicts an observation as $f(z_1) = {sp.latex(f)}$. The forecast has the precision "
        rf"{a_1}, the observation {a_2}. Write the energy, and derive its slope $dE/dz_1$ by hand.",
        answer,
        rf"$E = \frac{{{a_1}}}{{2}} (z_1 - z_0)^2 + \frac{{{a_2}}}{{2}} (z_2 - f(z_1))^2$. The second error falls "
        rf"when $f$ rises: $dE/dz_1 = {times(a_1)} e_1 - {times(a_2)} e_2 f'(z_1)$ with $e_1 = z_1 - z_0$, $e_2 = z_2 - f(z_1)$ "
        rf"and $f'(z_1) = {sp.latex(slope)}$.",
        energy=energy, by=z_1,
    )  # fmt: skip


@question(
    chapter=1,
    minutes=8,
    goal="derive what the local rule leaves out of the marginal likelihood",
)
def forgotten_term(rng):
    w = sp.symbols("w")
    a_1, a_2 = (sp.Rational(x) for x in pick(rng, [1, 2, 3, 5], 2))
    c = a_1 + a_2 * w**2
    answer = a_2 * w / c
    return derivation(
        r"Minus the logarithm of the marginal likelihood of one storm is $E^*(w) + \frac{1}{2} \log c(w)$ and a "
        rf"constant, with the curvature $c(w) = {sp.latex(c)}$. Derive the slope of the second term, and say which "
        "way it pushes the weight.",
        answer,
        rf"$\frac{{d}}{{dw}} \frac{{1}}{{2}} \log c = \frac{{1}}{{2}} \frac{{c'(w)}}{{c(w)}} = {sp.latex(answer)}$. "
        "It has the sign of $w$, so descent on it makes the weight smaller: the local rule, which leaves it out, "
        "ends too far from 0.",
        energy=sp.log(c) / 2, by=w,
    )  # fmt: skip
