"""Chapter 2: generating digits."""

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


@question(
    chapter=2,
    minutes=3,
    goal="compute a prediction and its error, with the activation in its place",
)
def pixel_error(rng):
    z = [pick(rng, [0.5, 1, 1.5, 2]), -pick(rng, [0.5, 1, 1.5, 2])]
    v = pick(rng, [-2, -1.5, 0.5, 1, 1.5, 2], 2)
    x = pick(rng, [0, 0.5, 1])
    relu = np.maximum(z, 0)
    answer = float(x - np.dot(v, relu))
    return numbers(
        rng,
        rf"Two hidden ReLU units have the activities $z = {vector(z)}$ and predict a pixel by $V \mathrm{{act}}(z)$ "
        rf"with $V = {vector(v)}$. The pixel is {x}. What is its error $e$?",
        answer,
        {
            says("2.1", "the sign is wrong"): -answer,
            says("2.1", "no activation before the weights"): float(x - np.dot(v, z)),
            says("2.1", "the activation comes before the weights"): float(x - max(np.dot(v, z), 0)),
            says("2.1", "this is the image itself"): float(x),
            says("2.1", "this is the prediction"): float(np.dot(v, relu)),
            says("2.1", "twice: you forgot the 1/2"): 2 * answer,
        },
        rf"$\mathrm{{act}}(z) = {vector(relu)}$, so the prediction is ${show(float(np.dot(v, relu)))}$ and "
        rf"$e = {x} - ({show(float(np.dot(v, relu)))}) = {show(answer)}$.",
        z=z, v=v, x=x,
    )  # fmt: skip


@question(chapter=2, minutes=5, goal="derive what moves a hidden unit")
def hidden_slope(rng):
    z = pick(rng, [-1.5, -0.5, 0.5, 1, 2])
    predicted = pick(rng, [-1, 0, 0.25, 1.5])
    v = pick(rng, [-2, -1, 0.5, 1.5, 3], 2)
    e = pick(rng, [-1, -0.5, 0.5, 1, 2], 2)
    sent = float(np.dot(v, e))
    answer = float(z - predicted - (z > 0) * sent)
    return number(
        rf"A hidden ReLU unit has the activity $z = {z}$ and is predicted to be ${predicted}$. It predicts two "
        rf"pixels with the weights $V = {vector(v)}$, and their errors are $e = {vector(e)}$. All precisions are 1. "
        r"What is the slope $\partial E / \partial z$?",
        answer,
        rf"$\partial E/\partial z = e_l - \mathrm{{act}}'(z)\, V^\top e_{{l+1}}$ with $e_l = {show(z - predicted)}$, "
        rf"$V^\top e = {show(sent)}$ and $\mathrm{{act}}'({z}) = {int(z > 0)}$: ${show(answer)}$."
        + ("" if z > 0 else " A silent unit caused nothing."),
        z=z, predicted=predicted, v=v, e=e,
    )  # fmt: skip


@question(
    chapter=2,
    minutes=4,
    goal="compute the local gradient of a weight over a batch",
)
def weight_slope(rng):
    e = pick(rng, [-2, -1, 0.5, 1, 1.5, 3], 3)
    z = [*pick(rng, [0.5, 1, 2, 3], 2), -pick(rng, [0.5, 1, 2])]
    relu = np.maximum(z, 0)
    answer = float(-np.mean(np.multiply(e, relu)))
    return numbers(
        rng,
        rf"Three examples give a pixel the errors $e = {vector(e)}$ where a hidden ReLU unit has the activities "
        rf"$z = {vector(z)}$. All precisions are 1. What is the slope of the mean energy "
        r"$\partial \langle E \rangle / \partial V$ of the weight between them?",
        answer,
        {
            "the sign is wrong: this is the way that the weight shall go": -answer,
            says("2.2", "this is the sum over the batch, with"): float(-3 * answer),
            says("2.2", "half: the 2 of the square"): answer / 2,
            "the activity is missing: an error times an activity": float(-np.mean(e)),
            says("2.1", "no activation before the weights"): float(-np.mean(np.multiply(e, z))),
        },
        rf"$-\langle e\, \mathrm{{act}}(z) \rangle$ with $\mathrm{{act}}(z) = {vector(relu)}$: ${show(answer)}$.",
        e=e, z=z,
    )  # fmt: skip


@question(chapter=2, minutes=3, goal="count what an iteration of learning costs")
def sweeps(rng):
    steps = pick(rng, range(3, 40))
    return numbers(
        rng,
        rf"One sweep is one product with each matrix. How many sweeps does an iteration cost that sweeps down, takes "
        rf"{steps} steps of inference (errors, then errors sent back by the transposes), computes the errors once more "
        "and takes the gradient of the weights (one product with each)?",
        3 + 2 * steps,
        {
            "you forgot the sweep, the last errors and the gradient": 2 * steps,
            says("3.1", "you forgot that errors are carried back"): 3 + steps,
            says("3.1", "a step has two products for each matrix, not three"): 3 + 3 * steps,
            says("3.1", "a step has two products for each matrix, not four"): 3 + 4 * steps,
        },
        rf"One for the sweep, two a step, one for the last errors and one for the gradient: "
        rf"$1 + 2 \cdot {steps} + 1 + 1 = {3 + 2 * steps}$.",
        steps=steps,
    )


@question(
    chapter=2,
    minutes=4,
    goal="find the longest step of a hidden unit from its weights",
)
def stable_step(rng):
    v = pick(rng, [0.5, 1, 1.5, 2, 2.5, 3], 3)
    c = 1 + float(np.sum(np.square(v)))
    return number(
        rf"A hidden unit is active and predicts three pixels with the weights {vector(v)}; all precisions are 1, and "
        "all other units are held. From which step size on does it move away from its rest, further at each step?",
        2 / c,
        rf"The energy along the unit bends by its own error, 1, and by those of the pixels, $\sum v^2 = "
        rf"{show(c - 1)}$: $c = {show(c)}$. A step multiplies the distance by $1 - \gamma c$, so the limit is "
        rf"$2/c = {show(2 / c)}$.",
        v=v,
    )


@question(chapter=2, minutes=4, goal="derive a local rule for a bias")
def bias_rule(rng):
    l = pick(rng, range(0, 4))
    return choice(
        rng,
        rf"Let the generator have biases, $f_l(z_l) = V_l\, \mathrm{{act}}(z_l) + b_l$, and all precisions be 1. "
        rf"What is $\partial \langle E \rangle / \partial b_{l}$?",
        rf"$-\langle e_{l + 1} \rangle$",
        {
            rf"$\langle e_{l + 1} \rangle$": says("2.2", "the sign is wrong: a bias that grows"),
            rf"$-\langle e_{l} \rangle$": says("2.2", "the errors of layer l;"),
            rf"$-\langle e_{l + 1}\, \mathrm{{act}}(z_{l})^\top \rangle$":
                says("2.2", "this is the gradient of the weights"),
            rf"$-\langle \mathrm{{act}}'(z_{l}) \odot e_{l + 1} \rangle$":
                says("2.2", "act' has no place here"),
        },
        rf"$b_{l}$ stands in $e_{l + 1} = z_{l + 1} - V_{l}\, \mathrm{{act}}(z_{l}) - b_{l}$ and nowhere else; its "
        rf"derivative there is $-1$. So the slope is $-\langle e_{l + 1} \rangle$: a weight from a unit that always "
        "says 1.",
        l=l,
    )  # fmt: skip


@question(chapter=2, minutes=3, goal="read a table of confusion")
def confusion(rng):
    digit, other = pick(rng, range(10), 2)
    wrong = pick(rng, range(4, 30))
    row = pick(rng, [40, 45, 50, 55, 60])
    column = pick(rng, [65, 70, 75, 80])
    return numbers(
        rng,
        rf"Of 500 images {row} show the digit {digit}. The network calls {wrong} of these {other}; in all, it answers "
        rf"{other} to {column} images. What stands in the row {digit} and the column {other} of the table, in percent "
        "of the row?",
        100 * wrong / row,
        {
            says("2.5", "counts; in percent"): wrong,
            says("2.5", "a share; percent"): wrong / row,
            says("2.5", "in percent of the columns; the images"): 100 * wrong / column,
            says("2.5", "in percent of all images"): wrong / 5,
        },
        rf"A row is the images of a true digit: $100 \cdot {wrong} / {row} = {show(100 * wrong / row)}$ %.",
        unit="%",
        wrong=wrong, row=row, column=column,
    )  # fmt: skip


@question(
    chapter=2,
    minutes=8,
    goal="derive what moves a unit whose activation is another one",
)
def another_activation(rng):
    z, m, x = sp.symbols("z m x")
    v = pick(rng, [2, 3, 4, 5])
    act = pick(rng, [sp.tanh(z), sp.log(1 + sp.exp(z)), 1 / (1 + sp.exp(-z)), z**3])
    energy = (z - m) ** 2 / 2 + (x - v * act) ** 2 / 2
    slope = sp.simplify(sp.diff(act, z))
    answer = (z - m) - v * (x - v * act) * slope
    return derivation(
        rf"A hidden unit $z$ is predicted to be $m$ and predicts a pixel $x$ by ${v}\, \mathrm{{act}}(z)$ with "
        rf"$\mathrm{{act}}(z) = {sp.latex(act)}$. All precisions are 1. Derive $\partial E / \partial z$, and say "
        "each term in words.",
        answer,
        rf"$\partial E / \partial z = (z - m) - {v}\, \mathrm{{act}}'(z)\, (x - {v}\, \mathrm{{act}}(z))$ with "
        rf"$\mathrm{{act}}'(z) = {sp.latex(slope)}$: be what you are predicted to be, unless changing would improve "
        "what you predict.",
        energy=energy, by=z,
    )  # fmt: skip
