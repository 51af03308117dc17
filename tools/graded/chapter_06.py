"""The graded exercises of chapter 6, landscapes."""

import jax
import jax.numpy as jnp
import numpy as np

import bpc_minimal as bpc
from bpc_minimal.checks.core import exercise
from bpc_minimal.energy import energy

from .variant import Draw, Variant

ENDS = [True, False, True]


def some_network(draw, sizes):
    key = jax.random.PRNGKey(int(draw.rng.integers(10**6)))
    return jax.tree.map(lambda w: 2 * w, bpc.make_network(key, sizes))


def some_ends(draw, batch, units):
    return jnp.asarray(draw.rng.uniform(-2, 2, (batch, units)), jnp.float32)


def variant_1(draw: Draw) -> Variant:
    a, b = draw.between(0.2, 0.8, 3), draw.between(1.2, 3.2)

    @exercise(
        "unsettled(network, y, x)",
        cases=[
            (some_network(draw, (3, 9, 2)), some_ends(draw, n, 3), some_ends(draw, n, 2))
            for n in (7, 4)
        ],
        why="the sweep leaves no error but the label's, which has its own precision.",
        hint="Which of the two d's is zero after a sweep, and what is the other?",
    )
    def asked(network, y, x):
        up = network.amortiser
        swept = bpc.sweep_up(network, x)
        d = y - swept[0]
        squares = jnp.sum(d**2, axis=1)
        z = [y, swept[1], x]
        right = a / 2 * squares

        def alone(hidden, c):
            return a / 2 * jnp.sum((y - hidden @ up[0].weight.T - c) ** 2, axis=1)

        def settled():
            now = bpc.infer(network, z, ENDS, bpc.DISCRIMINATIVE, 300, 1.0, alpha_disc=(a, b))
            return energy(network, now, 0.0, (a, b))

        return right, {
            "you forgot the 1/2 of the energy": 2 * right,
            "you forgot the label's precision": squares / 2,
            "this is the hidden layer's precision; the label's own error is left": b / 2 * squares,
            "the hidden layer has settled here: nothing settles": settled,
            "e is counted too; discPC has d alone": energy(network, z, 1.0, (a, b)),
            "this is the error's length; the energy goes with its square": a
            / 2
            * jnp.sqrt(squares),
            "the mean over the units of the label; the energy is a sum": right / y.shape[1],
            "the sum over all pairs; one energy a pair is asked for": right.sum(),
            "the mean over all pairs; one energy a pair is asked for": right.mean(),
            "this is the energy at discPC's own answer; the label is another": jnp.zeros(len(x)),
            "you forgot the label's bias": alone(jax.nn.relu(swept[1]), 0.0),
            "you forgot the ReLU of the hidden layer": alone(swept[1], up[0].bias),
        }

    return Variant(
        f"discPC's energy has the precision {a} at the label and {b} at the hidden layer. Sweep up "
        "from the inputs `x`, then put the labels `y` in the place of the swept ones; nothing "
        "settles. Write `unsettled(network, y, x)`: discPC's energy there, one a pair (a row of `y` "
        "and of `x`). The network has one hidden layer, and the label may have several units.",
        "def unsettled(network, y, x):\n    d = y - bpc.sweep_up(network, x)[0]\n"
        f"    return {a} / 2 * jnp.sum(d**2, axis=1)",
        asked,
    )


def variant_2(draw: Draw) -> Variant:
    factor, least = draw.between(1.3, 2.9, 2), draw.of(2, 3, 4)

    def some(shape, scale):
        spread = 0.5 + draw.rng.exponential(size=shape)
        energies = scale * spread * draw.rng.exponential(size=(shape[0], 1))
        return energies, scale * draw.rng.uniform(0.1, 0.4, 5)

    @exercise(
        "several_low(energies, valid)",
        cases=[some((1000, 11), 1.0), some((800, 16), 3.0)],
        why="an input that is content with several labels has not been told which is right.",
        hint="One bar for all; then how many labels of each row are below it; then the share of rows.",
    )
    def asked(energies, valid):
        E, top = energies, valid.max()

        def low(bar=factor * top):
            return E <= bar

        def percent(of, least=least):
            return 100 * np.mean(of.sum(axis=1) >= least)

        right = percent(low())
        return right, {
            "one low label is not enough here": percent(low(), 1),
            "more than so many; so many are enough": percent(low(), least + 1),
            "exactly so many labels; more are as good": 100 * np.mean(low().sum(axis=1) == least),
            "the highest valid pair sets the bar, not the lowest": percent(
                low(factor * valid.min())
            ),
            "the highest valid pair sets the bar, not their mean": percent(
                low(factor * valid.mean())
            ),
            "you forgot the factor": percent(low(top)),
            "this is the bar of the book's exercise": percent(low(top + 0.1 * np.median(E))),
            "the bar is divided by the factor; it is multiplied": percent(low(top / factor)),
            "this is a share; a percentage is asked for": right / 100,
            "this counts inputs; a percentage is asked for": right * len(E) / 100,
            "this is the percentage of pairs; an input counts once": 100 * np.mean(low()),
            "this asks which labels have low inputs: rows are inputs": percent(low().T),
            "this is the percentage of the others": 100 - right,
        }

    count = {2: "two", 3: "three", 4: "four"}[least]
    return Variant(
        "How many answers is a network content with? `energies` has a row for each input and a column "
        "for each label of a grid, and `valid` holds the energies of the valid pairs. A label is low "
        f"for an input if its energy is at most {factor} times the highest valid pair's. Write "
        "`several_low(energies, valid)`: the percentage of inputs that have "
        f"at least {count} low labels.",
        "def several_low(energies, valid):\n"
        f"    low = energies <= {factor} * np.max(valid)\n"
        f"    return 100 * np.mean(np.sum(low, axis=1) >= {least})",
        asked,
    )


def variant_3(draw: Draw) -> Variant:
    p, m = draw.between(0.3, 2.8), draw.of(-1, 1) * draw.between(0.4, 1.9)
    gap = f"x {'-' if m > 0 else '+'} {abs(m)}"

    @exercise(
        "expected_input(y, v, w, alpha_gen, alpha_disc)",
        cases=[(1.0, 0.8, 0.9, 0.1, 1.0), (-0.7, 2.0, 0.3, 1.5, 0.4), (2.0, -0.5, 1.4, 0.7, 3.0)],
        why="three springs hold the input, and each pulls as its curvature weighs.",
        hint="Set the slope of the whole energy by x to zero: three terms, and the new one is p (x - m).",
    )
    def asked(y, v, w, alpha_gen, alpha_disc):
        g, d = alpha_gen, alpha_disc

        def rest(g=g, d=d, p=p, m=m):
            return (y * (g * v + d * w) + p * m) / (g + d * w**2 + p)

        pulls, curvature = y * (g * v + d * w) + p * m, g + d * w**2 + p
        return rest(), {
            "this is the book's: what is expected of the input is forgotten": rest(p=0.0),
            "what is expected pulls to 0 here": rest(m=0.0),
            "the expectation pulls, and bends the energy too: its precision stands below": pulls
            / (curvature - p),
            "the precision of what is expected is missing above": (pulls - p * m + m) / curvature,
            "half: the 2 of the square cancels the 1/2 of what is expected": rest(p=p / 2),
            "you exchanged the precisions": rest(d, g),
            "this is for equal precisions of e and d": rest(1.0, 1.0),
            "the sign of what is expected is wrong": rest(m=-m),
            "d is pulled through w twice: w**2 in the curvature": pulls / (g + d * w + p),
            "this is where d is zero": y / w,
            "this is what the generator draws": y * v,
            "you forgot to divide by the curvature": pulls,
            "what is expected is not seen through the label": y
            * (g * v + d * w + p * m)
            / curvature,
        }

    return Variant(
        rf"Equation 2 once more, and now the input is expected at ${m}$ with the precision {p}: "
        rf"$\frac{{{p}}}{{2}} ({gap})^2$ is added to the energy. The label is clamped at $y$. Where "
        "does the input come to rest? Write `expected_input(y, v, w, alpha_gen, alpha_disc)`.",
        "def expected_input(y, v, w, alpha_gen, alpha_disc):\n"
        f"    pulls = y * (alpha_gen * v + alpha_disc * w) + {p} * {m}\n"
        f"    return pulls / (alpha_gen + alpha_disc * w**2 + {p})",
        asked,
    )


def variant_4(draw: Draw) -> Variant:
    alpha = draw.between(0.05, 0.6, 2)

    def some(batch):
        two = [some_network(draw, (1, 9, 2)) for _ in range(2)]
        return *two, some_ends(draw, batch, 1), some_ends(draw, batch, 2)

    @exercise(
        "cost_of_sharing(disc, gen, y, x)",
        cases=[some(6), some(5)],
        why="apart, each hidden layer pleases one network; what a single one cannot please is the cost.",
        hint="Three settled energies: the joint network's, discPC's of `disc`, and genPC's of `gen`.",
        rtol=5e-3,
    )
    def asked(disc, gen, y, x):
        both = bpc.Network(gen.generator, disc.amortiser, "relu")
        swapped = bpc.Network(disc.generator, gen.amortiser, "relu")

        def settled(network, rule=bpc.BIDIRECTIONAL, steps=300, alpha=alpha, of=None, ends=ENDS):
            up = rule.start == "image"
            own = (bpc.sweep_up(network, x) if up else bpc.sweep_down(network, y))[1]
            swept = bpc.sweep_down(network, jnp.linspace(-2, 2, 9)[:, None])[1]
            starts = [own, own + 1, *(jnp.broadcast_to(hidden, own.shape) for hidden in swept)]
            e, d = rule.moves

            def descended(hidden):
                z = [y, hidden, x]
                z = bpc.infer(network, z, ends, rule, steps, 1.0, alpha_gen=alpha)
                return energy(network, z, e * (of or alpha), 1.0 * d)

            # The lowest of the chapter's eleven descents; whoever settles less takes the sweep alone.
            return jnp.stack([*map(descended, starts if steps == 300 else [own])]).min(axis=0)

        def cost(joint=both, **options):
            by_d = settled(disc, bpc.DISCRIMINATIVE, **options)
            return settled(joint, **options) - by_d - settled(gen, bpc.GENERATIVE, **options)

        def by_d():
            return settled(disc, bpc.DISCRIMINATIVE)

        def by_e():
            return settled(gen, bpc.GENERATIVE)

        return cost(), {
            "this is the shared energy; what it costs more than apart is asked for": lambda: (
                settled(both)
            ),
            "this is the energy apart; what sharing costs more is asked for": lambda: (
                by_d() + by_e()
            ),
            "the sign: shared minus apart": lambda: -cost(),
            "the networks are exchanged in the joint one": lambda: cost(swapped),
            "all precisions are 1 here": lambda: cost(alpha=1.0),
            "the energy takes another precision than settling": lambda: cost(of=1.0),
            "nothing settles": lambda: cost(steps=0),
            "8 steps are too few: 300 are asked for": lambda: cost(steps=8),
            "`gen` alone is missing from what is taken away": lambda: settled(both) - by_d(),
            "`disc` alone is missing from what is taken away": lambda: settled(both) - by_e(),
            "each network alone is BPC here; `disc` has d alone, and `gen` e alone": lambda: (
                settled(both) - settled(disc) - settled(gen)
            ),
            "this is how many times as high; the difference is asked for": lambda: (
                settled(both) / (by_d() + by_e())
            ),
            "this is the mean of all pairs; one number a pair is asked for": lambda: cost().mean(),
        }

    return Variant(
        "What does sharing a hidden layer cost? `disc` gives its discriminative errors, with the "
        f"precision 1, and `gen` its generative errors, with the precision {alpha}; label and input are "
        "clamped. *Apart*, discPC settles in `disc` and genPC in `gen`, a hidden layer each, and their "
        "energies add. *Shared*, a single $z_1$ has the errors of both. All settle as "
        "in the chapter's `settled`, which stands above for your use; a joint network is made by "
        '`bpc.Network(gen.generator, disc.amortiser, "relu")`. '
        "Write `cost_of_sharing(disc, gen, y, x)`: the shared energy minus the energy apart, one number "
        "a pair.",
        "def cost_of_sharing(disc, gen, y, x):\n"
        '    both = bpc.Network(gen.generator, disc.amortiser, "relu")\n'
        f"    shared = settled(both, bpc.BIDIRECTIONAL, {alpha}, y, x)\n"
        f"    by_d = settled(disc, bpc.DISCRIMINATIVE, {alpha}, y, x)\n"
        f"    by_e = settled(gen, bpc.GENERATIVE, {alpha}, y, x)\n"
        "    return shared - by_d - by_e",
        asked,
    )


def variant_5(draw: Draw) -> Variant:
    r = draw.of(2, 3)
    margin = round(draw.between(0.2, 0.8, 2) * (4 - r), 2)

    @exercise(
        "clear_pits(energies)",
        cases=[(draw.rng.uniform(0, 40, shape),) for shape in ((50, 70), (64, 48))],
        why="a pit that is lower by a margin, and far around, is no ripple of the grid.",
        hint="Compare the inside of the map with its shifted copies, all but the one that is not shifted.",
        rtol=1e-6,
    )
    def asked(energies):
        E = energies
        square = [(i, j) for i in range(-r, r + 1) for j in range(-r, r + 1) if (i, j) != (0, 0)]

        def lower(moves=square, margin=margin, r=r, E=E, sign=1):
            n, m = E.shape
            inner = sign * E[r : n - r, r : m - r]
            others = [sign * E[r + i : n - r + i, r + j : m - r + j] for i, j in moves]
            return np.all([inner + margin < other for other in others], axis=0)

        right = lower().sum()
        wrapped = np.all([margin + E < np.roll(E, move, (0, 1)) for move in square], axis=0)
        return right, {
            "these are the hills": lower(sign=-1).sum(),
            "you forgot the margin": lower(margin=0.0).sum(),
            "these are lower than the eight beside them; look further": lower(
                [(i, j) for i, j in square if max(abs(i), abs(j)) == 1]
            ).sum(),
            "these have only points of their own row and column around them": lower(
                [(i, j) for i, j in square if i * j == 0]
            ).sum(),
            "these have a disc of points around them; a square is asked for": lower(
                [(i, j) for i, j in square if i**2 + j**2 <= r**2]
            ).sum(),
            "this looks at the border of the square alone, not inside it": lower(
                [(i, j) for i, j in square if max(abs(i), abs(j)) == r]
            ).sum(),
            "those near the border count here too": lower(
                E=np.pad(E, r, constant_values=np.inf)
            ).sum(),
            "the map has edges: `np.roll` joins the last row to the first": wrapped.sum(),
            "the margin has the wrong sign: these may be a little higher": lower(
                margin=-margin
            ).sum(),
            "one too far: do you look a row and a column further?": lower(
                [(i, j) for i in range(-r - 1, r + 2) for j in range(-r - 1, r + 2) if i or j],
                r=r + 1,
            ).sum(),
            "this is the share of points; their number is asked for": right / E.size,
            "this says where they are; their number is asked for": lower().astype(float),
        }

    return Variant(
        f"Count *clear* pits. Write `clear_pits(energies)`: how many points of a map, an array of "
        f"numbers, lie lower by more than {margin} than every other point at most {r} rows and at most "
        f"{r} columns away. Points nearer than {r} rows or columns to the border, so that some of these "
        "are missing, do not count.",
        "def clear_pits(energies):\n    n, m = energies.shape\n"
        f"    inner, clear = energies[{r} : n - {r}, {r} : m - {r}], True\n"
        f"    for i in range({2 * r + 1}):\n        for j in range({2 * r + 1}):\n"
        f"            if (i, j) != ({r}, {r}):\n"
        f"                other = energies[i : n - {2 * r} + i, j : m - {2 * r} + j]\n"
        f"                clear = clear & (inner + {margin} < other)\n"
        "    return int(np.sum(clear))",
        asked,
    )
