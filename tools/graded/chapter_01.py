"""The graded exercises of chapter 1, the energy of a guess."""

import numpy as np

from bpc_minimal.checks.chapter_01 import chain_energies
from bpc_minimal.checks.core import exercise
from bpc_minimal.checks.without import DERIVATIVES

from .variant import Draw, Variant, tex


def variant_1(draw: Draw) -> Variant:
    expected, precision = draw.of(12, 15, 18, 21, 24), draw.between(1.1, 2.9)
    seen = expected + draw.of(4, 5, 7, 8)
    rest = round(seen - draw.of(0.3, 0.4, 0.6, 0.7), 1)
    right = precision * (rest - expected) / (seen - rest)

    @exercise(
        "precision_1",
        why="at rest both pull equally: precision times error is the same.",
        hint="At rest each precision times its error is the same; solve for the echo's.",
        rtol=5e-3,
    )
    def asked():
        return right, {
            "this is the variance; the precision is one over it": 1 / right,
            "this is the standard deviation; the precision is one over its square": right**-0.5,
            "this is one over the standard deviation; the precision is its square": right**0.5,
            "the chart's own precision is forgotten": right / precision,
            "this is the ratio of both precisions, the other way round": precision / right,
            "this is the sum of both precisions": right + precision,
            "this is the echo's share of the average": right / (right + precision),
            "the sign: both errors are positive at rest": -right,
            "this is the storm of the book; here are other numbers": 9.0,
        }

    return Variant(
        f"A chart says that the sea is {expected} m deep here; that expectation has the precision "
        f"{precision}. An echo says {seen} m. "
        f"Which precision must the echo have, so that the guess of the depth settles at {rest} m? "
        "Put it into `precision_1`; two decimals are enough.",
        f"precision_1 = {precision} * ({rest} - {expected}) / ({seen} - {rest})",
        asked,
    )


def variant_2(draw: Draw) -> Variant:
    a, b = draw.of(4.0, 6.0, 8.0, 12.0), draw.of(1.5, 2.5, 3.0, 4.0)
    expected, seen = draw.between(1, 3), draw.between(1, 3)
    p_1, p_2 = draw.of((1.5, 0.4), (0.7, 2.5), (2.0, 0.6), (0.5, 3.5))
    formula, code, slope = draw.of(
        (
            rf"{tex(a)}\, e^{{-z_1 / {tex(b)}}}",
            f"{a} * np.exp(-z_1 / {b})",
            f"-{a / b} * np.exp(-z_1 / {b})",
        ),
        (
            rf"{tex(a)} / (1 + z_1 / {tex(b)})",
            f"{a} / (1 + z_1 / {b})",
            f"-{a / b} / (1 + z_1 / {b}) ** 2",
        ),
        (
            rf"{tex(a)} \tanh(z_1 / {tex(b)})",
            f"{a} * np.tanh(z_1 / {b})",
            f"{a / b} / np.cosh(z_1 / {b}) ** 2",
        ),
    )

    @exercise(
        "slope_2(z_1)",
        cases=[(float(z),) for z in draw.rng.uniform(0.3, 4, 3)],
        why="the error of layer 1 times its precision, minus that of layer 2 times its own and f'.",
        hint="Differentiate both squares by z_1; e_2 is z_2 - f(z_1), and its derivative is -f'(z_1).",
        without=DERIVATIVES,
    )
    def asked(z_1):
        f, df = eval(code, {"np": np, "z_1": z_1}), eval(slope, {"np": np, "z_1": z_1})
        e_1, e_2 = z_1 - expected, seen - f
        right = p_1 * e_1 - p_2 * e_2 * df
        return right, {
            "the sign is wrong: this is the pull, not the slope": -right,
            "the sign of the second part: e_2 falls where f rises": p_1 * e_1 + p_2 * e_2 * df,
            "you forgot f'(z_1), the inner derivative": p_1 * e_1 - p_2 * e_2,
            "you forgot the precisions": e_1 - e_2 * df,
            "you exchanged the precisions": p_2 * e_1 - p_1 * e_2 * df,
            "you forgot e_1: what is expected pulls too": -p_2 * e_2 * df,
            "you forgot e_2: what is seen pulls too": p_1 * e_1,
            "half: the 2 of the square cancels the 1/2 of the energy": right / 2,
            "twice: you forgot the 1/2 of the energy": 2 * right,
            "e_2 is z_2 - f(z_1), not z_2 - z_1": p_1 * e_1 - p_2 * (seen - z_1) * df,
            "this is the energy; its derivative is asked for": p_1 / 2 * e_1**2 + p_2 / 2 * e_2**2,
        }

    return Variant(
        rf"A guess $z_1$ has the energy $E = \frac{{{p_1}}}{{2}} (z_1 - {expected})^2 + "
        rf"\frac{{{p_2}}}{{2}} (z_2 - f(z_1))^2$, "
        rf"where $f(z_1) = {formula}$ and $z_2 = {seen}$ was observed. Write its slope by hand, as "
        rf"`slope_2(z_1)`: use no `jax.grad`, and nothing else of JAX that differentiates.",
        f"def slope_2(z_1):\n    e_1, e_2 = z_1 - {expected}, {seen} - {code}\n    df = {slope}\n"
        f"    return {p_1} * e_1 - {p_2} * e_2 * df",
        asked,
    )


def variant_3(draw: Draw) -> Variant:
    a_1, a_2 = (draw.between(0.6, 2.0), draw.between(0.2, 0.5))
    rate, pull, home = draw.of(0.05, 0.1, 0.15), draw.between(0.3, 1.5), draw.between(0.5, 2.5)

    def some(n):
        forecast = draw.rng.uniform(1, 4, n)
        return float(draw.rng.uniform(1, 3)), forecast, 2 * forecast + draw.rng.normal(size=n)

    @exercise(
        "new_weight(w, forecast, count)",
        cases=[some(n) for n in (30, 50, 20)],
        why="errors at rest teach, the curvature pushes w down, and what is expected of w pulls it home.",
        hint="Settle in closed form, then subtract the rate times the derivative of each of the "
        "three terms.",
    )
    def asked(w, forecast, count):
        c = a_1 + a_2 * w**2
        z = (a_1 * forecast + a_2 * w * count) / c
        taught, bend, prior = np.mean(a_2 * (count - w * z) * z), a_2 * w / c, pull * (w - home)
        unsettled = np.mean(a_2 * (count - w * forecast) * forecast)
        right = w + rate * (taught - bend - prior)
        return right, {
            "you forgot the curvature's term": w + rate * (taught - prior),
            "you forgot what is expected of the weight": w + rate * (taught - bend),
            "this is the local rule alone": w + rate * taught,
            "the sign of the curvature's term: it pushes w down": w
            + rate * (taught + bend - prior),
            "the sign of the last term: it pulls w to where it is expected": w
            + rate * (taught - bend + prior),
            "the sign of the local rule: against the gradient": w - rate * (taught + bend + prior),
            "half of the curvature's term: the derivative of w**2 brings a 2": w
            + rate * (taught - bend / 2 - prior),
            "the guesses have not settled: they are the forecasts": w
            + rate * (unsettled - bend - prior),
            "the sum over the storms; their mean is asked for": w
            + rate * (taught * len(forecast) - bend - prior),
            "without the rate": w + taught - bend - prior,
            "this is the change of w; the new w is asked for": right - w,
        }

    return Variant(
        rf"Storms have the energy $E = \frac{{{a_1}}}{{2}} (z_1 - z_0)^2 + \frac{{{a_2}}}{{2}} (z_2 - "
        rf"w z_1)^2$, with forecasts $z_0$ "
        "and counts $z_2$. Learn $w$ on the mean over the storms of $E^* + \\frac12 \\log c$, settled "
        "energy and curvature as in "
        rf"Exercise 1.3 of the book, plus $\frac{{{pull}}}{{2}} (w - {home})^2$ once: the weight, too, is "
        "expected somewhere. Write "
        f"`new_weight(w, forecast, count)`: the weight after one step of gradient descent with the "
        f"rate {rate}.",
        "def new_weight(w, forecast, count):\n"
        f"    c = {a_1} + {a_2} * w**2\n"
        f"    z_1 = ({a_1} * forecast + {a_2} * w * count) / c\n"
        f"    taught = np.mean({a_2} * (count - w * z_1) * z_1)\n"
        f"    return w + {rate} * (taught - {a_2} * w / c - {pull} * (w - {home}))",
        asked,
    )


def variant_4(draw: Draw) -> Variant:
    a, b, w = draw.between(0.4, 1.4), draw.between(0.2, 0.9), draw.between(1.3, 2.7)

    @exercise(
        "left_4(step_size, steps)",
        cases=[(0.1, 6), (0.31, 3), (1.6 / (a + b * w**2), 3), (0.2, 11)],
        why="each step multiplies the distance by 1 - step_size times the curvature.",
        hint="The curvature is the second derivative of E by z_1; the weight enters it squared.",
    )
    def asked(step_size, steps):
        c = a + b * w**2
        right = (1 - step_size * c) ** steps
        return right, {
            "this is the curvature of the book's storm": (1 - 3 * step_size) ** steps,
            "the weight enters the curvature squared": (1 - step_size * (a + b * w)) ** steps,
            "the weight belongs to the curvature": (1 - step_size * (a + b)) ** steps,
            "the forecast bends the energy too": (1 - step_size * b * w**2) ** steps,
            "the count bends the energy too": (1 - step_size * a) ** steps,
            "the steps multiply, they do not add": (1 - step_size * c) * steps,
            "this is one step": 1 - step_size * c,
            "the sign is lost: past the resting place it is negative": abs(right),
            "this is the share that is covered; what is left is asked for": 1 - right,
            "one step too many": (1 - step_size * c) ** (steps + 1),
            "one step too few": (1 - step_size * c) ** (steps - 1),
            "a step goes against the slope": (1 + step_size * c) ** steps,
        }

    return Variant(
        rf"A guess settles by gradient descent on $E = \frac{{{a}}}{{2}} (z_1 - z_0)^2 + "
        rf"\frac{{{b}}}{{2}} (z_2 - {w} z_1)^2$. Which share of its "
        "first distance from rest is left after some steps of one size (below 0: on the other side)? "
        "Write it as a line of algebra, "
        "`left_4(step_size, steps)`.",
        f"def left_4(step_size, steps):\n    return (1 - step_size * ({a} + {b} * {w} ** 2)) ** steps",
        asked,
    )


def variant_5(draw: Draw) -> Variant:
    settling, size, rate = draw.of(8, 12, 16), draw.of(0.06, 0.08, 0.15), draw.of(0.02, 0.08, 0.12)
    note, words = draw.of(
        ("settled", "note the mean energy where they have settled"),
        ("start", "note the mean energy before they settle"),
        ("learned", "note the mean energy of the settled activities after the matrices have moved"),
    )

    def some(sizes, iterations):
        pairs = zip(sizes[1:], sizes[:-1], strict=True)
        chain = [(draw.normal(n, m) / np.sqrt(m), 0.1 * draw.normal(n)) for n, m in pairs]
        return chain, draw.normal(5, sizes[0]), draw.normal(5, sizes[-1]), iterations

    @exercise(
        "taught_5(generator, z_0, z_L, iterations)",
        cases=[some((2, 5, 3), 3), some((3, 4, 4, 2), 4)],
        why="the chain was swept, settled and taught as it was asked.",
        hint="In each iteration: sweep_chain, put z_L in, settle_chain, local_gradient; note the "
        "energy where asked.",
    )
    def asked(generator, z_0, z_L, iterations):
        how = {"settling": settling, "size": size, "rate": rate, "note": note}

        def instead(**other):
            return lambda: chain_energies(generator, z_0, z_L, iterations, **(how | other))

        noted = {
            "start": "the energy is noted before settling",
            "settled": "the energy is noted after settling, before learning",
            "learned": "the energy is noted after learning",
        }
        return instead()(), {
            **{said: instead(note=one) for one, said in noted.items() if one != note},
            "these are the numbers of the book's exercise": instead(
                settling=20, size=0.1, rate=0.05, note="settled"
            ),
            "nothing settles": instead(settling=0),
            "the weights climb: learning goes against the gradient": instead(rate=-rate),
            "the weights never change": instead(rate=0),
            "the last layer holds the sweep, not z_L": instead(observe=False),
            "each iteration goes on from the settled state of the last; sweep again": instead(
                sweep_again=False
            ),
            "the biases learn too; they shall stay": instead(biases=True),
            "the sum over the examples; their mean is asked for": instead(total=np.sum),
            "only the last energy; one for each iteration is asked for": lambda: instead()()[-1],
        }

    energy = (
        "        found.append(float(generative_energy(generator, {}, ones, jnp.tanh).mean()))\n"
    )
    lines = {
        "start": energy.format("z"),
        "settled": energy.format("settled"),
        "learned": energy.format("settled"),
    }
    return Variant(
        f"Teach a chain. In each iteration: sweep, put the observation in, let the hidden layers "
        f"settle for {settling} steps of {size}, and let "
        f"each matrix take a step of {rate} against `local_gradient`; {words}. The biases stay, all "
        f"precisions are 1, and the activation is "
        "`jnp.tanh`. Write `taught_5(generator, z_0, z_L, iterations)`, which returns the energies, "
        "one an iteration, and leaves `generator` as it was.",
        "def taught_5(generator, z_0, z_L, iterations):\n"
        "    ones, found = (1.0,) * len(generator), []\n"
        "    for _ in range(iterations):\n"
        "        z = [*sweep_chain(generator, z_0, jnp.tanh)[:-1], z_L]\n"
        f"{lines['start'] if note == 'start' else ''}"
        f"        settled = settle_chain(generator, z, ones, jnp.tanh, {size}, {settling})[-1]\n"
        f"{lines['settled'] if note == 'settled' else ''}"
        "        gradient = local_gradient(generator, settled, ones, jnp.tanh)\n"
        "        pairs = zip(generator, gradient, strict=True)\n"
        f"        generator = [(V - {rate} * dV, b) for (V, b), dV in pairs]\n"
        f"{lines['learned'] if note == 'learned' else ''}"
        "    return found",
        asked,
    )
