"""Chapter 5: the training loop."""

import sympy as sp

from exam import derivation, number, numbers, pick, question, says, show


@question(
    chapter=5,
    minutes=2,
    goal="count what a network has seen of its training set",
)
def seen(rng):
    batch = pick(rng, [32, 50, 100, 128, 256])
    iterations = pick(rng, [80, 100, 150, 200])
    answer = batch * iterations / 60_000
    return numbers(
        rng,
        rf"A network learns for {iterations} iterations from batches of {batch} images, drawn without repetition from MNIST's "
        "60,000. Which share of them has it seen?",
        answer,
        {
            says("5.1", "this is percent"): 100 * answer,
            "you counted iterations, not images: there are many to a batch": iterations / 60_000,
            "you counted one batch: there are many": batch / 60_000,
            says("5.1", "this is the number of images, not"): batch * iterations,
            says("5.1", "the wrong way round"): 1 / answer,
            says("5.1", "this is of the test set"): batch * iterations / 10_000,
            says("5.1", "this is of 70,000"): batch * iterations / 70_000,
            says("5.1", "this is what is not seen"): 1 - answer,
        },
        rf"${batch} \cdot {iterations} / 60\,000 = {show(answer)}$.",
        batch=batch, iterations=iterations,
    )  # fmt: skip


@question(
    chapter=5,
    minutes=3,
    goal="count the iterations of some passes over the data",
)
def passes(rng):
    batch = pick(rng, [64, 96, 128, 192, 256])
    epochs = pick(rng, range(2, 9))
    answer = 60_000 // batch * epochs
    return number(
        rf"{epochs} epochs over MNIST's 60,000 training images, in batches of {batch}; an incomplete batch at the end of an epoch "
        "is left out. How many iterations are these?",
        answer,
        rf"$\lfloor 60\,000 / {batch} \rfloor = {60_000 // batch}$ an epoch, so {answer}.",
        batch=batch, epochs=epochs,
    )  # fmt: skip


@question(
    chapter=5,
    minutes=4,
    goal="bound the curvature of a layer by the norms of its weights",
)
def bound(rng):
    v, w = pick(rng, [0.5, 1, 1.5, 2, 3, 4], 2)
    gen, disc = pick(rng, [0.001, 0.01, 0.1, 1], 2)
    answer = gen + disc + gen * v**2 + disc * w**2
    return numbers(
        rng,
        rf"In a hidden layer all $\alpha_\text{{gen}} = {gen}$ and $\alpha_\text{{disc}} = {disc}$. The weights that leave it have the "
        rf"spectral norms $\lVert V_l \rVert = {v}$ and $\lVert W_{{l-1}} \rVert = {w}$. Which bound does the book give for its curvature?",
        answer,
        {
            says("5.4", "the norms are squared"): gen + disc + gen * v + disc * w,
            says("5.4", "the layer's own errors are missing"): gen * v**2 + disc * w**2,
            says("5.4", "the amortiser's weights are missing"): gen + disc + gen * v**2,
            says("5.4", "the generator's weights are missing"): gen + disc + disc * w**2,
            says("5.4", "the norms are added before"): gen + disc + (gen * v + disc * w) ** 2,
            says("4.4", "you exchanged the precisions"): gen + disc + disc * v**2 + gen * w**2,
        },
        rf"$c_l = \alpha_\text{{gen}} + \alpha_\text{{disc}} + \alpha_\text{{gen}} \lVert V_l \rVert^2 + \alpha_\text{{disc}} "
        rf"\lVert W_{{l-1}} \rVert^2 = {show(answer)}$.",
        v=v, w=w, gen=gen, disc=disc,
    )  # fmt: skip


@question(chapter=5, minutes=3, goal="judge a step by the curvature it meets")
def relative(rng):
    curvatures = sorted(pick(rng, [2, 3, 5, 8, 12, 20, 30], 3))
    curvatures = pick(rng, curvatures, 3)
    size = pick(rng, [0.01, 0.02, 0.05, 0.1, 0.2])
    largest = max(curvatures)
    return numbers(
        rng,
        rf"A fixed step of {size} meets hidden layers whose curvatures are bounded by {curvatures[0]}, {curvatures[1]} and "
        rf"{curvatures[2]}. What is the relative step?",
        size * largest,
        {
            says("5.4", "this is the largest curvature"): largest,
            says("5.4", "this is one over it"): 1 / largest,
            says("5.4", "this is the step over the curvature"): size / largest,
            says("5.4", "this is of the layer that bends least"): size * min(curvatures),
            says("5.4", "this is the mean of the layers"): size * sum(curvatures) / 3,
            says("5.4", "this is the sum of the layers"): size * sum(curvatures),
            says("5.4", "half: up to 1"): size * largest / 2,
        },
        rf"The layer that bends most decides: ${size} \cdot {largest} = {show(size * largest)}$.",
        curvatures=curvatures, size=size,
    )  # fmt: skip


@question(
    chapter=5,
    minutes=3,
    goal="find the longest step that is safe for every layer",
)
def safe(rng):
    v, w = pick(rng, [1, 2, 3, 4, 5], 2)
    answer = 1 / (2 + v**2 + w**2)
    return number(
        rf"All precisions are 1. The weights that leave the layer that bends most have the spectral norms {v} and {w}. Up to which "
        "fixed step size is it guaranteed that no step raises the energy, as long as no unit switches on or off?",
        answer,
        rf"$c = 1 + 1 + {v}^2 + {w}^2 = {2 + v**2 + w**2}$. Layers that move together at most double what one of them meets, so the "
        rf"guarantee ends at $1/c = {show(answer)}$.",
        v=v, w=w,
    )  # fmt: skip


@question(
    chapter=5,
    minutes=4,
    goal="choose a precision that balances two errors of different size",
)
def balance(rng):
    pixel, label = (
        pick(rng, [0.1, 0.2, 0.25]),
        pick(rng, [0.15, 0.2, 0.3, 0.5]),
    )
    answer = 10 * label**2 / (784 * pixel**2)
    return number(
        rf"In a network the error of each of the 784 pixels has the size {pixel}, that of each of the ten label units {label}. The "
        r"label's errors have the precision 1. At which $\alpha_\text{gen}$ of the image's error are both parts of the energy equal?",
        answer,
        rf"$\frac{{\alpha}}{{2}} \cdot 784 \cdot {pixel}^2 = \frac{{1}}{{2}} \cdot 10 \cdot {label}^2$, so $\alpha = {show(answer)}$.",
        pixel=pixel, label=label,
    )  # fmt: skip


@question(
    chapter=5,
    minutes=8,
    goal="derive the curvature of a unit that is predicted twice and predicts twice",
)
def curvature(rng):
    z, a, b, x, y = sp.symbols("z a b x y")
    alphas = [sp.Rational(x) for x in pick(rng, [1, 2, 3, 4, 5], 4)]
    v, w = pick(rng, [2, 3, 4, 5], 2)
    errors = z - a, z - b, x - v * z, y - w * z
    energy = sum(alpha * e**2 for alpha, e in zip(alphas, errors, strict=True)) / 2
    answer = alphas[0] + alphas[1] + alphas[2] * v**2 + alphas[3] * w**2
    places = "z - a", "z - b", f"x - {v} z", f"y - {w} z"
    written = " + ".join(
        rf"\frac{{{alpha}}}{{2}} ({place})^2" for alpha, place in zip(alphas, places, strict=True)
    )
    return derivation(
        rf"An active hidden unit $z$ has the energy $E = {written}$. Derive its curvature and the place where it rests, and say "
        "beyond which step size it does not settle when it moves alone.",
        answer,
        rf"$\partial E/\partial z = {sp.latex(sp.expand(sp.diff(energy, z)))}$, so the curvature is {answer}, the rest lies at "
        rf"$z = {sp.latex(sp.expand(sp.solve(sp.diff(energy, z), z)[0]))}$, and the limit is $2/c = {sp.latex(2 / answer)}$.",
        energy=energy, by=z, twice=True,
    )  # fmt: skip
