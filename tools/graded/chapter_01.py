"""The graded exercises of chapter 1, the energy of a guess."""

import numpy as np

from bpc_minimal.checks.chapter_01 import chain_energies, relu
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
            "the errors are exchanged: that of the chart is the distance from the chart": precision
            ** 2
            / right,
            "at rest each precision times its error is equal, not times its square": precision
            * (right / precision) ** 2,
            "the chart's precision divides here; it multiplies the chart's error": right
            / precision**2,
            "this is the chart's share of the average": precision / (right + precision),
            "below stands the echo's error, not how far chart and echo are apart": precision
            * (rest - expected)
            / (seen - expected),
            "this is where the guess shall rest; a precision is asked for": rest,
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
    a, b = draw.of(4.0, 6.0, 8.0, 12.0), draw.of(1.4, 2.2, 3.0, 4.5)
    expected, seen = draw.between(1, 3), draw.between(1, 3)
    seen = round(seen + 0.5, 1) if abs(seen - expected) < 0.2 else seen
    p_1, p_2 = draw.of((1.5, 0.4), (0.7, 2.5), (1.8, 0.6), (0.5, 3.5))
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
        def at(z_1):
            return eval(code, {"np": np, "z_1": z_1}), eval(slope, {"np": np, "z_1": z_1})

        (f, df), (f_there, df_there) = at(z_1), at(expected)
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
            "you forgot the precision of e_1": e_1 - p_2 * e_2 * df,
            "you forgot the precision of e_2": p_1 * e_1 - e_2 * df,
            "this is divided by the precision of e_1: both errors keep their own": right / p_1,
            "this is divided by the precision of e_2: both errors keep their own": right / p_2,
            "divided by the precisions, as if they were variances: multiply": e_1 / p_1
            - e_2 / p_2 * df,
            "the precisions are squared": p_1**2 * e_1 - p_2**2 * e_2 * df,
            "half of e_1's part: the 2 of its square cancels the 1/2": p_1 / 2 * e_1
            - p_2 * e_2 * df,
            "half of e_2's part: the 2 of its square cancels the 1/2": p_1 * e_1
            - p_2 / 2 * e_2 * df,
            "e_1 is still squared: differentiating takes the power down": p_1 * e_1**2
            - p_2 * e_2 * df,
            "e_2 is still squared: differentiating takes the power down": p_1 * e_1
            - p_2 * e_2**2 * df,
            "both errors are still squared: differentiating takes the power down": p_1 * e_1**2
            - p_2 * e_2**2 * df,
            "e_1 is z_1 minus what is expected, not z_1 alone": p_1 * z_1 - p_2 * e_2 * df,
            "f takes the place of e_2: multiply f' by z_2 - f(z_1)": p_1 * e_1 - p_2 * f * df,
            "f' takes the place of e_2 times f'": p_1 * e_1 - p_2 * df,
            "f takes the place of f'": p_1 * e_1 - p_2 * e_2 * f,
            "f' is squared: the chain rule takes it once": p_1 * e_1 - p_2 * e_2 * df**2,
            "f' is taken where z_1 is expected; it belongs at z_1": p_1 * e_1
            - p_2 * e_2 * df_there,
            "f is taken where z_1 is expected; it belongs at z_1": p_1 * e_1
            - p_2 * (seen - f_there) * df_there,
            "f' lacks the factor before f": p_1 * e_1 - p_2 * e_2 * df / a,
            "f' lacks the inner derivative, one over the number by which z_1 is divided": p_1 * e_1
            - p_2 * e_2 * df * b,
            "the sign of e_1's part: it is z_1 minus what is expected": -p_1 * e_1 - p_2 * e_2 * df,
            "what is expected and what was observed are exchanged": p_1 * (z_1 - seen)
            - p_2 * (expected - f) * df,
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
        rtol=5e-5,
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
            "half of the last term: the 2 of the square cancels the 1/2": w
            + rate * (taught - bend - prior / 2),
            "twice the last term: it has a 1/2 before the square": w
            + rate * (taught - bend - 2 * prior),
            "this is the last term itself; its derivative is asked for": w
            + rate * (taught - bend - pull / 2 * (w - home) ** 2),
            "the last term pulls to 0 here; the weight is expected elsewhere": w
            + rate * (taught - bend - pull * w),
            "the last term counts once, not for each storm": w
            + rate * (taught - bend - prior * len(forecast)),
            "the last term counts once, whole: it is no mean over the storms": w
            + rate * (taught - bend - prior / len(forecast)),
            "twice the curvature's term: you forgot the 1/2 before log c": w
            + rate * (taught - 2 * bend - prior),
            "this is 1/2 log c itself; its derivative is asked for": w
            + rate * (taught - np.log(c) / 2 - prior),
            "you forgot the inner derivative of log c": w + rate * (taught - 0.5 / c - prior),
            "the inner derivative of log c lacks the precision": w
            + rate * (taught - w / c - prior),
            "the inner derivative of log c lacks w": w + rate * (taught - a_2 / c - prior),
            "the derivative of log c is 1 / c: divide": w + rate * (taught - a_2 * w - prior),
            "c is squared: the derivative of log c is 1 / c": w
            + rate * (taught - bend / c - prior),
            "c has the square of w": w + rate * (taught - a_2 * w / (a_1 + a_2 * w) - prior),
            "the curvature's term is summed over the storms; their mean is asked for": w
            + rate * (taught - bend * len(forecast) - prior),
            "the local rule lacks the precision of the count": w
            + rate * (taught / a_2 - bend - prior),
            "the rate is there twice": w + rate**2 * (taught - bend - prior),
            "this climbs: go against the derivative": w - rate * (taught - bend - prior),
            "this is the derivative; the new w is asked for": bend + prior - taught,
            "this is the change of w; the new w is asked for": right - w,
        }

    return Variant(
        rf"Storms have the energy $E = \frac{{{a_1}}}{{2}} (z_1 - z_0)^2 + \frac{{{a_2}}}{{2}} (z_2 - "
        rf"w z_1)^2$, with forecasts $z_0$ "
        "and counts $z_2$. Learn $w$ on the mean over the storms of $E^* + \\frac12 \\log c$, settled "
        "energy and curvature as in Exercise 1.3 of the book, plus "
        rf"$\frac{{{pull}}}{{2}} (w - {home})^2$ once: the weight, too, is expected somewhere. Write "
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
        cases=[(0.1, 6), (0.31, 3), *((x / (a + b * w**2), n) for x, n in ((1.6, 3), (0.5, 5)))],
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
            "e to the power of it would be right for steps that are infinitely short": np.exp(
                -c * step_size * steps
            ),
            "many steps are not one long step: each multiplies what the last has left": 1
            - step_size * c * steps,
            "this is the share that a step covers; what is left is 1 minus it": (step_size * c)
            ** steps,
            "the power is of the whole factor": 1 - (step_size * c) ** steps,
            "a step covers the curvature times its size, not its size over the curvature": (
                1 - step_size / c
            )
            ** steps,
            "the curvature is the second derivative: the 2 of the square has met the 1/2": (
                1 - 2 * step_size * c
            )
            ** steps,
            "the curvature counts half: it is the second derivative": (1 - step_size * c / 2)
            ** steps,
            "the precisions are not squared": (1 - step_size * (a**2 + b**2 * w**2)) ** steps,
            "the sign is turned: it is 1 minus what a step covers": (step_size * c - 1) ** steps,
            "this is turned round: the start as a multiple of the end": (1 - step_size * c)
            ** -steps,
            "this is the share of the energy, which goes with the square": (1 - step_size * c)
            ** (2 * steps),
            "the step size is squared": (1 - step_size**2 * c) ** steps,
            "in percent; a share is asked for": 100 * (1 - step_size * c) ** steps,
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
            "the first layer is no hidden layer: no tanh there": instead(first=True),
            "the hidden layers have no tanh": instead(act=lambda x: x),
            "the activation is tanh, not ReLU": instead(act=relu),
            "the weights learn from the swept activities; take the settled ones": instead(
                taught_by="swept"
            ),
            "only the last matrix learns; each one shall": instead(layers=slice(-1, None)),
            "only the first matrix learns; each one shall": instead(layers=slice(1)),
            "the gradient is summed over the examples; local_gradient gives their mean": instead(
                rate=rate * len(z_0)
            ),
            "the mean is taken twice: local_gradient gives it": instead(rate=rate / len(z_0)),
            "one step of inference too many": instead(settling=settling + 1),
            "one step of inference too few": instead(settling=settling - 1),
            "an energy for each example; their mean is asked for": instead(total=np.asarray),
            "an energy too few: one for each iteration": lambda: instead()()[:-1],
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
