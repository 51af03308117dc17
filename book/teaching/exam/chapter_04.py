"""Chapter 4: bidirectional errors."""

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

GRID = {  # what moves, what teaches; amortiser's inputs
    "BPC": ("both errors", "both errors"),
    "discPC": ("only $d$", "only $d$"),
    "genPC": ("only $e$", "only $e$"),
    "HPC": ("only $e$", "both errors"),
    "the control": ("only $d$", "both errors"),
}


@question(chapter=4, minutes=2, goal="count the errors of a bidirectional network")
def counted(rng):
    hidden = pick(rng, range(2, 8))
    answer = 2 * (hidden + 1)
    return numbers(
        rng,
        rf"A bidirectional network has a label, {hidden} hidden layers and an image. How many layers' errors, $e_l$ and "
        "$d_l$ together, does its energy add up?",
        answer,
        {
            "the label has a $d$ and the image an $e$ too": 2 * hidden,
            "the label has no $e$ and the image no $d$": 2 * (hidden + 2),
            "each hidden layer has two": hidden + 2,
            "only one of the label and the image is counted": 2 * hidden + 1,
        },
        rf"Each of the {hidden} hidden layers has two, the label only $d_0$ and the image only $e_L$: "
        rf"$2 \cdot {hidden} + 2 = {answer}$.",
        hidden=hidden,
    )


@question(
    chapter=4,
    minutes=5,
    goal="compute the energy of a small bidirectional network",
)
def both_energies(rng):
    z_0, z_1, z_2 = pick(rng, [0.5, 1, 1.5, 2, 3], 3)
    v_0, v_1, w_0, w_1 = pick(rng, [0.25, 0.5, 1, 1.5, 2], 4)
    gen, disc = pick(rng, [0.1, 0.5, 1, 2, 4], 2)
    e_1, e_2, d_0, d_1 = (
        z_1 - v_0 * z_0,
        z_2 - v_1 * z_1,
        z_0 - w_0 * z_1,
        z_1 - w_1 * z_2,
    )
    answer = gen / 2 * (e_1**2 + e_2**2) + disc / 2 * (d_0**2 + d_1**2)
    return number(
        rf"A network has one unit a layer: label $z_0 = {z_0}$, hidden $z_1 = {z_1}$ (ReLU), image $z_2 = {z_2}$. The "
        rf"generator's weights are $V_0 = {v_0}$ and $V_1 = {v_1}$, the amortiser's $W_0 = {w_0}$ and $W_1 = {w_1}$; "
        rf"$\alpha_\text{{gen}} = {gen}$ and $\alpha_\text{{disc}} = {disc}$. What is the energy?",
        float(answer),
        rf"$e_1 = {show(e_1)}$, $e_2 = {show(e_2)}$, $d_0 = {show(d_0)}$, $d_1 = {show(d_1)}$, so "
        rf"$E = \frac{{{gen}}}{{2}} \cdot {show(e_1**2 + e_2**2)} + \frac{{{disc}}}{{2}} \cdot "
        rf"{show(d_0**2 + d_1**2)} = {show(answer)}$.",
        z=(z_0, z_1, z_2), v=(v_0, v_1), w=(w_0, w_1), gen=gen, disc=disc,
    )  # fmt: skip


@question(
    chapter=4,
    minutes=5,
    goal="put the four terms together that move a hidden unit",
)
def four_terms(rng):
    e, d, e_below, d_above = pick(rng, [-2, -1, 0.5, 1, 1.5, 3], 4)
    v, w = pick(rng, [-1, 0.5, 1.5, 2], 2)
    gen, disc = pick(rng, [0.1, 0.5, 1, 2], 2)
    passed = gen * v * e_below + disc * w * d_above
    answer = gen * e + disc * d - passed
    return numbers(
        rng,
        rf"An active hidden ReLU unit has the errors $e_l = {e}$ and $d_l = {d}$. It predicts one unit of layer $l + 1$ by "
        rf"$V = {v}$, whose error is $e_{{l+1}} = {e_below}$, and one of layer $l - 1$ by $W = {w}$, whose error is "
        rf"$d_{{l-1}} = {d_above}$; $\alpha_\text{{gen}} = {gen}$, $\alpha_\text{{disc}} = {disc}$. What is "
        r"$\partial E / \partial z_l$?",
        answer,
        {
            says("4.4", "the sign of what is passed back is wrong"): gen * e + disc * d + passed,
            says("4.4", "you forgot the layer's own errors"): -passed,
            says("4.4", "you forgot what e passes back"): gen * e + disc * d - disc * w * d_above,
            says("4.4", "you forgot what d passes back"): gen * e + disc * d - gen * v * e_below,
            says("4.4", "you forgot the precisions"): e + d - v * e_below - w * d_above,
            says("4.4", "you exchanged the precisions"):
                disc * e + gen * d - disc * v * e_below - gen * w * d_above,
            says("4.4", "nothing is passed back"): gen * e + disc * d,
            says("4.1", "this is the descent"): -answer,
        },
        rf"$\alpha_\text{{gen}} e_l + \alpha_\text{{disc}} d_l - (\alpha_\text{{gen}} V e_{{l+1}} + \alpha_\text{{disc}} W "
        rf"d_{{l-1}}) = {show(gen * e + disc * d)} - ({show(passed)}) = {show(answer)}$.",
        e=e, d=d, e_below=e_below, d_above=d_above, v=v, w=w, gen=gen, disc=disc,
    )  # fmt: skip


@question(
    chapter=4,
    minutes=2,
    goal="place a model in the grid of what moves and what teaches",
)
def grid(rng):
    model = pick(rng, [*GRID])
    moves, teaches = GRID[model]
    mistakes = {
        other: f"in {other}, {GRID[other][0]} moves and {GRID[other][1]} teaches".replace(
            "both errors moves", "both errors move"
        ).replace("both errors teaches", "both errors teach")
        for other in pick(rng, [name for name in GRID if name != model], 4)
    }
    asked = f"In a model {moves} may move the activities, and {teaches} may teach the weights. Which is it?"
    return choice(
        rng, asked, model, mistakes,
        f"The column is what moves ({moves}), the row what teaches ({teaches}): {model}.",
        model=model,
    )  # fmt: skip


@question(chapter=4, minutes=2, goal="say what a sweep leaves to settle")
def after_a_sweep(rng):
    up = bool(pick(rng, [0, 1]))
    zero, left = ("d", "e") if up else ("e", "d")
    still = "discPC" if up else "genPC"
    way, start = ("up", "from an image") if up else ("down", "from a label")
    return choice(
        rng,
        rf"A bidirectional network has just been swept {way}, {start}; the other end is free. Which errors are zero, and which of "
        "the models is at rest?",
        rf"all ${zero}$; {still} is at rest, BPC is not",
        {
            rf"all ${left}$; {still} is at rest, BPC is not": f"a sweep {way} sets each layer to its prediction, so ${zero}$ is zero",
            rf"all ${zero}$; BPC is at rest too": f"BPC is moved by ${left}$ as well, and that is not zero",
            "all errors; every model is at rest": "a sweep in one direction makes the other direction's errors",
            rf"all ${zero}$; no model is at rest": f"{still} is moved by ${zero}$ alone, and that is zero",
        },
        rf"A sweep {way} sets each layer to what it is predicted to be in this direction: every ${zero}$ is zero. "
        rf"{still}, which ${zero}$ alone moves, stays; BPC is moved by ${left}$ too.",
        up=up,
    )  # fmt: skip


@question(
    chapter=4,
    minutes=4,
    goal="compute where a pair of neurons settles that predict each other",
)
def pair_at_rest(rng):
    rho = pick(rng, [0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8])
    b = pick(rng, [1, 2, 3, 5])
    answer = 2 * rho * b / (1 + rho**2)
    return number(
        rf"Two Gaussian neurons $a$ and $b$ have variance 1 and the correlation {rho}, and each predicts the other by {rho} "
        rf"times itself; both precisions are equal. $b = {b}$ is clamped. Where does $a$ settle?",
        answer,
        rf"$E \propto (b - \rho a)^2 + (a - \rho b)^2$; the slope $a - \rho b - \rho (b - \rho a)$ is zero at "
        rf"$a = 2 \rho b / (1 + \rho^2) = {show(answer)}$, beyond the posterior mean {show(rho * b)}.",
        rho=rho, b=b,
    )  # fmt: skip


@question(
    chapter=4,
    minutes=5,
    goal="say what unequal precisions do to a pair of neurons",
)
def overshoot(rng):
    rho = pick(rng, [0.3, 0.4, 0.5, 0.6, 0.7, 0.8])
    gen, disc = pick(rng, [0.1, 0.25, 0.5, 1, 2, 4], 2)
    below = disc + gen * rho**2
    answer = (gen + disc) / below
    return numbers(
        rng,
        rf"Two Gaussian neurons with variance 1 and correlation $\rho = {rho}$ predict each other: $e = b - \rho a$ with the "
        rf"precision $\alpha_\text{{gen}} = {gen}$ and $d = a - \rho b$ with $\alpha_\text{{disc}} = {disc}$. $b$ is clamped and "
        r"$a$ settles. How many times the posterior mean $\rho b$ does it reach?",
        answer,
        {
            says("4.5", "this is for equal precisions"): 2 / (1 + rho**2),
            says("4.5", "you exchanged the precisions"): (gen + disc) / (gen + disc * rho**2),
            says("4.5", "this is the multiple of b"): rho * answer,
            says("4.5", "this is the posterior mean itself"): 1.0,
            says("4.5", "this is one over it"): 1 / answer,
            says("4.5", "e pulls too"): disc / below,
            says("4.5", "d pulls too"): gen / below,
            says("4.5", "above stands the sum of the precisions"): 2 / below,
            says("4.5", "this is the curvature"): below,
            says("4.5", "this is how far beyond"): answer - 1,
        },
        rf"$\alpha_\text{{disc}} (a - \rho b) = \alpha_\text{{gen}} \rho (b - \rho a)$ gives $a = \rho b\, "
        rf"(\alpha_\text{{gen}} + \alpha_\text{{disc}}) / (\alpha_\text{{disc}} + \alpha_\text{{gen}} \rho^2)$: "
        rf"${show(gen + disc)} / {show(below)} = {show(answer)}$ times.",
        rho=rho, gen=gen, disc=disc,
    )  # fmt: skip


@question(chapter=4, minutes=3, goal="write a local rule of the amortiser")
def amortiser_rule(rng):
    l = pick(rng, range(1, 5))
    alpha = pick(rng, [0.5, 2, 3, 5])
    return choice(
        rng,
        rf"In BPC the discriminative errors have the precision {alpha}. What is $\partial \langle E \rangle / \partial W_{l}$?",
        rf"$-{alpha} \langle d_{l}\, \mathrm{{act}}(z_{l + 1})^\top \rangle$",
        {
            rf"${alpha} \langle d_{l}\, \mathrm{{act}}(z_{l + 1})^\top \rangle$": "the sign is wrong: the prediction is subtracted in $d$",
            rf"$-{alpha} \langle d_{l + 1}\, \mathrm{{act}}(z_{l})^\top \rangle$":
                "the amortiser predicts upwards: $W_l$ leads from layer $l + 1$ to layer $l$",
            rf"$-{alpha} \langle e_{l + 1}\, \mathrm{{act}}(z_{l})^\top \rangle$": "this is the generator's rule",
            rf"$-\langle d_{l}\, \mathrm{{act}}(z_{l + 1})^\top \rangle$": says("4.1", "you forgot alpha_disc"),
        },
        rf"$W_{l}$ stands in $d_{l} = z_{l} - W_{l}\, \mathrm{{act}}(z_{l + 1})$ alone: minus the precision, times the error, "
        "times the activity that predicted.",
        l=l, alpha=alpha,
    )  # fmt: skip


@question(
    chapter=4,
    minutes=4,
    goal="translate another author's precisions into the book's",
)
def translated(rng):
    factor = pick(rng, [0.5, 1, 2])
    gen = pick(rng, [0.01, 0.03, 0.1, 0.3])
    written = gen if factor == 1 else rf"{factor} \cdot {gen}"
    answer = 2 * factor * gen
    return numbers(
        rng,
        rf"Another author writes a layer's generative error into the energy as ${written}\, \lVert e \rVert^2$. Which "
        r"precision is that in the book's energy, $\frac{\alpha}{2} \lVert e \rVert^2$?",
        answer,
        {
            says("4.2", "without its 1/2 an error counts double"): factor * gen / 2,
            "nothing is changed: the book's energy has a 1/2 of its own": factor * gen,
            says("4.2", "a factor of the energy stands beside the square, not inside it: 2"): 4 * factor * gen,
            says("4.2", "a factor of the energy stands beside the square, not inside it: no"):
                (2 * factor * gen) ** 0.5,
        },
        rf"$\alpha / 2 = {written}$, so $\alpha = {show(answer)}$.",
        factor=factor, gen=gen,
    )  # fmt: skip


@question(
    chapter=4,
    minutes=10,
    goal="derive where two neurons settle that predict each other",
)
def pair_derived(rng):
    a, b, rho = sp.symbols("a b rho")
    gen, disc = (sp.Rational(x) for x in pick(rng, [1, 2, 3, 4, 5], 2))
    energy = gen / 2 * (b - rho * a) ** 2 + disc / 2 * (a - rho * b) ** 2
    answer = rho * b * (gen + disc) / (disc + gen * rho**2)
    return derivation(
        rf"Two neurons predict each other: $E = \frac{{{gen}}}{{2}} (b - \rho a)^2 + \frac{{{disc}}}{{2}} (a - \rho b)^2$. $b$ is "
        r"clamped. Derive the slope of $E$ by $a$ and where $a$ settles. For which $\rho$ is that the posterior mean "
        r"$\rho b$ of two Gaussian neurons with variance 1?",
        answer,
        rf"$\partial E/\partial a = {disc} (a - \rho b) - {gen} \rho (b - \rho a)$, zero at $a = {sp.latex(answer)}$. That is "
        rf"$\rho b$ only where ${gen + disc} = {disc} + {gen} \rho^2$, at $\rho = \pm 1$ (or where $\rho b = 0$): the joint "
        "probability is counted twice.",
        energy=energy, by=a, solved=True,
    )  # fmt: skip
