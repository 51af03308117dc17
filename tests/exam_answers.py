"""The answers of the exam, each computed a second way: by the package, a simulation, or a search."""

import itertools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from scipy.optimize import brentq, minimize_scalar
from scipy.stats import norm
from sklearn.metrics import confusion_matrix

import bpc_minimal as bpc


def least(energy):
    """Find where an energy is least."""
    return float(minimize_scalar(energy, bracket=(-1, 1), tol=1e-12).x)


def slope(energy, x, h=1e-5):
    return (energy(x + h) - energy(x - h)) / (2 * h)


def curvature(energy, x=0.0, h=1.0):
    """Take the second difference, which is exact for a parabola."""
    return (energy(x + h) - 2 * energy(x) + energy(x - h)) / h**2


def relu(x):
    return np.maximum(x, 0)


# -- chapter 1 ----------------------------------------------------------------------------------------------


def storm(z_0, z_2, a_1, a_2, w=1.0):
    """Give the energy from the logarithms of the two Gaussians."""

    def energy(z_1):
        forecast, count = norm(z_0, a_1**-0.5), norm(w * z_1, a_2**-0.5)
        top = forecast.logpdf(z_0) + norm(0, a_2**-0.5).logpdf(0)
        return top - forecast.logpdf(z_1) - count.logpdf(z_2)

    return energy


def share_left(a_1, a_2, size, steps):
    energy, z = storm(0.0, 0.0, a_1, a_2), 1.0
    for _ in range(steps):
        z -= size * slope(energy, z)
    return z


def sureness(v_1, v_2):
    x = np.linspace(-30, 30, 200_001)
    p = norm(0, v_1**0.5).pdf(x) * norm(1, v_2**0.5).pdf(x)
    mean = (p * x).sum() / p.sum()
    return (p * (x - mean) ** 2).sum() / p.sum()


def learning(z_0, z_2, a_2, w, rate):
    z_1 = least(storm(z_0, z_2, 1.0, a_2, w))
    return w - rate * slope(lambda v: storm(z_0, z_2, 1.0, a_2, v)(z_1), w)


def news(depth, layer):
    """Let a chain of ones settle, and look at which step a layer moves."""
    z = np.ones(depth + 1)
    z[-1] = 2.0
    for step in itertools.count(1):
        e = np.diff(z)
        z[1:-1] -= 0.1 * (e[:-1] - e[1:])
        if z[layer] != 1.0:
            return step


def slope_with_a_factor(a_1, a_2, w):
    """Read the factors of e_1 and e_2 off the slope of the energy."""

    def at(e_1, e_2):  # where z_1 = 1
        z_0, z_2 = 1 - e_1, e_2 + w
        return slope(lambda z: a_1 / 2 * (z - z_0) ** 2 + a_2 / 2 * (z_2 - w * z) ** 2, 1.0)

    return f"${round(at(1, 0))} e_1 - {-round(at(0, 1))} e_2$"


# -- chapters 2 and 3 ---------------------------------------------------------------------------------------


def hidden_slope(z, predicted, v, e):
    pixels = np.add(e, np.multiply(v, relu(z)))

    def energy(x):
        return ((x - predicted) ** 2 + np.sum((pixels - np.multiply(v, relu(x))) ** 2)) / 2

    return slope(energy, z)


def weight_slope(e, z):
    pixels = np.array(e) + 0.7 * relu(z)
    return slope(lambda v: np.mean((pixels - v * relu(z)) ** 2) / 2, 0.7)


def sweeps(steps):
    """Count the products with one matrix of the package's kind of iteration."""
    sweep, errors, sent_back, gradient = 1, 1, 1, 1
    return sweep + sum(errors + sent_back for _ in range(steps)) + errors + gradient


def bias_rule(l):
    """Find by JAX of which layer's errors the slope of a bias is minus the mean."""
    network = bpc.make_network(jax.random.PRNGKey(0), (3,) * (l + 3))
    rng = np.random.default_rng(0)
    z = [jnp.array(rng.normal(size=(4, 3)), jnp.float32) for _ in range(l + 3)]
    gradient = jax.grad(lambda n: bpc.energy(n, z, 1.0, 0.0).mean())(network).generator[l].bias
    for layer in range(1, l + 3):
        e = (z[layer] - network.f(layer - 1, z[layer - 1])).mean(axis=0)
        for sign, shown in ((1, ""), (-1, "-")):
            if np.allclose(gradient, sign * e, atol=1e-5):
                return rf"${shown}\langle e_{layer} \rangle$"


def confusion(wrong, row, column):
    true, answers = np.ones(500), np.ones(500)
    true[:row], answers[:wrong] = 0, 2
    answers[row : row + column - wrong] = 2
    return 100 * confusion_matrix(true, answers, labels=[0, 1, 2], normalize="true")[0, 2]


def learns_from(l):
    """Ask the package which inputs and targets give the gradient of HPC's amortiser."""
    sizes = (3,) * (l + 2)
    network = bpc.make_network(jax.random.PRNGKey(1), sizes)
    rng = np.random.default_rng(0)
    swept, settled = (
        [jnp.array(rng.normal(size=(4, 3)), jnp.float32) for _ in sizes] for _ in range(2)
    )
    asked = bpc.weight_gradient(network, settled, bpc.HYBRID, amortiser_inputs=swept)
    states = {"swept": swept, "settled": settled}
    for source, target in itertools.product(states, states):
        d = states[target][l] - network.g(l, states[source][l + 1])
        if np.allclose(asked.amortiser[l].bias, -d.mean(axis=0), atol=1e-5):
            return f"input: the {source} layer {l + 1}; target: the {target} layer {l}"


def second_thoughts(images, right, repaired, broken):
    is_right = np.arange(images) < images * right / 100
    is_right[:broken] = False
    is_right[-repaired:] = True
    return 100 * is_right.mean()


def multiplications(sizes, steps):
    network = bpc.make_network(jax.random.PRNGKey(0), sizes)
    guess = sum(layer.weight.size for layer in network.amortiser)
    step = 2 * sum(layer.weight.size for layer in network.generator)
    return (guess + steps * step) / 1e6


# -- chapters 4, 5 and 10 -----------------------------------------------------------------------------------


def both_energies(z, v, w, gen, disc):
    network = bpc.make_network(jax.random.PRNGKey(0), (1, 1, 1), use_bias=False)
    weights = [jnp.array([[x]], jnp.float32) for x in (*v, *w)]
    network = eqx.tree_at(
        lambda n: [layer.weight for layer in (*n.generator, *n.amortiser)], network, weights
    )
    return float(bpc.energy(network, [jnp.array([[x]], jnp.float32) for x in z], gen, disc)[0])


def four_terms(e, d, e_below, d_above, v, w, gen, disc):
    def energy(z):  # around z = 1
        own = gen * (z - 1 + e) ** 2 + disc * (z - 1 + d) ** 2
        others = gen * (e_below - v * (z - 1)) ** 2 + disc * (d_above - w * (z - 1)) ** 2
        return (own + others) / 2

    return slope(energy, 1.0)


def grid(model):
    rules = {"genPC": bpc.GENERATIVE, "discPC": bpc.DISCRIMINATIVE, "HPC": bpc.HYBRID}
    rules |= {"BPC": bpc.BIDIRECTIONAL, "the control": bpc.Rule(moves=(0, 1), teaches=(1, 1))}
    (name,) = (n for n, r in rules.items() if (r.moves, r.teaches) == places(rules[model]))
    return name


def places(rule):
    return rule.moves, rule.teaches


def after_a_sweep(up):
    network = bpc.make_network(jax.random.PRNGKey(0), (3, 4, 4, 3))
    end = jnp.array([[1.0, -2.0, 3.0]])
    z = bpc.sweep_up(network, end) if up else bpc.sweep_down(network, end)
    parts = {"e": bpc.energy(network, z, 1.0, 0.0), "d": bpc.energy(network, z, 0.0, 1.0)}
    (zero,) = (name for name, part in parts.items() if abs(float(part[0])) < 1e-9)
    still = {"e": "genPC", "d": "discPC"}[zero]
    return f"all ${zero}$; {still} is at rest, BPC is not"


def pair(rho, b, gen, disc):
    return least(lambda a: gen / 2 * (b - rho * a) ** 2 + disc / 2 * (a - rho * b) ** 2)


def amortiser_rule(l, alpha):
    return rf"$-{alpha} \langle d_{l}\, \mathrm{{act}}(z_{l + 1})^\top \rangle$"


def bound(v, w, gen, disc):
    """Take the largest eigenvalue of the curvature where all directions are stretched alike."""
    network = bpc.make_network(jax.random.PRNGKey(0), (4, 4, 4), use_bias=False)
    weights = [jnp.eye(4) * x for x in (1.0, v, w, 1.0)]
    network = eqx.tree_at(
        lambda n: [layer.weight for layer in (*n.generator, *n.amortiser)], network, weights
    )

    def energy(z):
        return bpc.energy(network, [jnp.ones((1, 4)), z[None], jnp.ones((1, 4))], gen, disc)[0]

    return float(np.linalg.eigvalsh(jax.hessian(energy)(jnp.ones(4)))[-1])


def seen(batch, iterations):
    order = np.random.default_rng(0).permutation(60_000)
    batches = [order[i * batch : (i + 1) * batch] for i in range(iterations)]
    return len({*np.concatenate(batches).tolist()}) / 60_000


def passes(batch, epochs):
    return epochs * sum(1 for at in range(0, 60_000, batch) if at + batch <= 60_000)


def product(m, k, n):
    compiled = jax.jit(jnp.dot).lower(jnp.ones((m, k)), jnp.ones((k, n))).compile()
    cost = compiled.cost_analysis()
    return (cost[0] if isinstance(cost, list) else cost)["flops"] / 1e6


def intensity(m, k, n):
    a, b = np.ones((m, k), np.float32), np.ones((k, n), np.float32)
    return m * n * (k + k) / (a.nbytes + b.nbytes + (a @ b).nbytes)


def adam_bytes(m, n):
    weight = np.ones((m, n), np.float32)
    return sum(weight.nbytes for _ in ("g", "m", "v", "w", "m", "v", "w")) / 1e6


def share_that_pays(devices, exchange, each):
    """Try one batch after the other."""
    for share in itertools.count(1):
        if share * each + 1000 * exchange < share * devices * each - 1e-9:
            return share


def batch_for(k, n, wanted):
    return next(m for m in itertools.count(1) if intensity_of(m, k, n) >= wanted)


def intensity_of(m, k, n):
    return 2 * m * k * n / (4 * (m * k + k * n + m * n))


ANSWERS = {
    "01-rest": lambda **g: least(storm(**g)),
    "01-precision-wanted": lambda z_0, z_2, a_1, target: brentq(
        lambda a_2: slope(storm(z_0, z_2, a_1, a_2), target), 1e-3, 1e3
    ),
    "01-energy": lambda z_1, **g: storm(**g)(z_1),
    "01-slope-with-a-factor": slope_with_a_factor,
    "01-longest-step": lambda a_1, a_2, w: 2 / curvature(storm(1, 2, a_1, a_2, w)),
    "01-share-left": share_left,
    "01-precision": lambda deviation: curvature(lambda x: -norm(0, deviation).logpdf(x)),
    "01-sureness": sureness,
    "01-learning": learning,
    "01-news": news,
    "02-pixel-error": lambda z, v, x: float(x - jax.nn.relu(jnp.array(z)) @ jnp.array(v)),
    "02-hidden-slope": hidden_slope,
    "02-weight-slope": weight_slope,
    "02-sweeps": sweeps,
    "02-stable-step": lambda v: 2 / curvature(lambda z: (z**2 + np.sum((1 - z * np.array(v)) ** 2)) / 2),
    "02-bias-rule": bias_rule,
    "02-confusion": confusion,
    "03-guess-error": lambda w, swept, settled: settled - float(jax.nn.relu(jnp.array(swept)) @ jnp.array(w)),
    "03-guess-slope": lambda settled, swept, target, w: slope(lambda x: (target - x * swept) ** 2 / 2, w),
    "03-learns-from": learns_from,
    "03-gap": lambda start, rested: 100 * (start / rested) - 100,
    "03-second-thoughts": second_thoughts,
    "03-multiplications": multiplications,
    "04-counted": lambda hidden: 2 * bpc.make_network(jax.random.PRNGKey(0), (2,) * (hidden + 2)).depth,
    "04-both-energies": both_energies,
    "04-four-terms": four_terms,
    "04-grid": grid,
    "04-after-a-sweep": after_a_sweep,
    "04-pair-at-rest": lambda rho, b: pair(rho, b, 1.0, 1.0),
    "04-overshoot": lambda rho, gen, disc: pair(rho, 1.0, gen, disc) / rho,
    "04-amortiser-rule": amortiser_rule,
    "04-translated": lambda factor, gen: brentq(lambda a: a / 2 * 9 - factor * gen * 9, 0, 99),
    "05-seen": seen,
    "05-passes": passes,
    "05-bound": bound,
    "05-relative": lambda curvatures, size: float(np.max(np.multiply(curvatures, size))),
    "05-safe": lambda v, w: 1 / bound(v, w, 1.0, 1.0),
    "05-balance": lambda pixel, label: brentq(
        lambda a: a * np.sum(np.full(784, pixel) ** 2) - np.sum(np.full(10, label) ** 2), 0, 99
    ),
    "10-product": product,
    "10-intensity": intensity,
    "10-attainable": lambda peak, bandwidth, intensity: 1 / max(1 / peak, 1 / (bandwidth * intensity)),
    "10-adam-bytes": adam_bytes,
    "10-speed-up": lambda devices, compute, exchange: brentq(
        lambda s: s * (compute / devices + exchange) - compute, 0, 99
    ),
    "10-share-that-pays": share_that_pays,
    "10-batch-for": batch_for,
}  # fmt: skip
