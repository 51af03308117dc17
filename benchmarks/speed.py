"""Time of one iteration of the `jpc` preset, against three other ways to run the same algorithm.

    calls     the jpc notebook's calls, each jitted by itself, in a Python loop fed by NumPy arrays
    notebook  the same calls, fed as the jpc notebook is: torchvision's DataLoader, transforms per image
    floor     what cannot be avoided: the matrix products at the speed that this machine reaches at
              these very shapes, and Adam's bytes at the speed at which it moves arrays of that size

All are measured in turn, round after round, so that a ratio compares neighbours in time.
"""

import statistics
import tempfile
import time
from functools import partial
from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax

from bpc_minimal import Data, Network, energy, mnist, normalise, one_hot, preset
from bpc_minimal.data import MNIST_FOLDER, SHA256
from bpc_minimal.learning import make_optimiser, make_state
from bpc_minimal.training import shuffled, train_epoch

JPC = preset("jpc")
B, SIZES, L = JPC.batch_size, JPC.sizes, len(JPC.sizes) - 1


def measure(
    rounds: int = 15, iterations: int = 300, names: tuple[str, ...] = ()
) -> dict[str, float]:
    """Give milliseconds an iteration of each way (medians), and ratios; of those named, or of all.

    `..._run` is the preset as it stands: 300 iterations and an evaluation on the test set after each
    100, also divided by the iterations. The others leave evaluations out.
    """
    data = mnist()
    train, test = numpy_batches(*data[:2]), numpy_batches(*data[2:])
    makers = {
        "scan": lambda: scan(data, iterations),
        "calls": lambda: python_loop(train, iterations),
        "floor": lambda: floor(iterations),
        "notebook": lambda: python_loop(loader_batches(train=True), iterations // 3),
        "scan_run": lambda: scan(data, iterations, evaluate=True),
        "calls_run": lambda: python_loop(train, iterations, test),
        "notebook_run": lambda: python_loop(
            loader_batches(train=True), iterations, loader_batches(train=False)
        ),
    }
    ways = {name: makers[name]() for name in names or makers}
    times = {name: [] for name in ways}
    for way in ways.values():
        way()  # compile
    for _ in range(rounds):
        for name, way in ways.items():
            times[name].append(way())

    def ratio(a: str, b: str) -> float:
        return statistics.median(x / y for x, y in zip(times[a], times[b], strict=True))

    found = {f"{name}_ms": statistics.median(t) for name, t in times.items()}
    for one, other in (
        ("calls", "scan"), ("notebook", "scan"), ("calls_run", "scan_run"),
        ("notebook_run", "scan_run"), ("scan", "floor"), ("calls", "floor"), ("notebook", "floor"),
    ):  # fmt: skip
        if one in ways and other in ways:
            found[f"{one}_over_{other}"] = ratio(one, other)
    return found | {"floor_mflop": sum(2e-6 * m * k * n for m, k, n, *_ in products())}


def scan(data: Data, iterations: int, evaluate: bool = False):
    """The package's own epoch; to leave the evaluation at its end out, that sees one batch."""
    seen = len(data.held_out_images) if evaluate else B
    held_out = (part[:seen] for part in data[2:])
    data = Data(*map(jnp.asarray, (*data[:2], *held_out)))
    length = 100 if evaluate else iterations

    def run() -> float:
        state = make_state(JPC, iterations)
        order = shuffled(state.key, 0, len(data.images))  # untimed, as in `python_loop`
        jax.block_until_ready((state, order))
        start = time.perf_counter()
        for _ in range(iterations // length):
            state, order, *record = train_epoch(state, order, data, JPC, iterations, length)
        jax.block_until_ready((state, record))
        return 1e3 * (time.perf_counter() - start) / iterations

    return run


def python_loop(batches, iterations: int, test_batches=None):
    """The jpc notebook's loop and calls: an `eqx.filter_jit` each, which also return what jpc's do.

    With `test_batches` it evaluates every 100 iterations, as that notebook does.
    """
    rate = JPC.step_size * B  # on the mean over the batch, as in jpc
    movers, learner = optax.sgd(rate), make_optimiser(JPC, iterations)

    @eqx.filter_jit
    def init_activities(layers, x):
        activities = []
        for i, layer in enumerate(layers):
            x = jax.vmap(layer)(x if i == 0 else jax.nn.relu(x))
            activities.append(x)
        return activities

    @eqx.filter_jit
    def mse(a, b):
        return 0.5 * jnp.mean((a - b) ** 2)

    @eqx.filter_jit
    def compute_accuracy(truth, predictions):
        return 100 * jnp.mean(jnp.argmax(truth, axis=1) == jnp.argmax(predictions, axis=1))

    def evaluate(amortiser):
        found = [
            compute_accuracy(label, init_activities(amortiser[::-1], image)[-1])
            for image, label in test_batches()
        ]
        return sum(found) / len(found)

    @eqx.filter_jit
    def update_activities(generator, amortiser, activities, optimiser, state, output, input):
        def mean_energy(free):
            network = Network(generator, amortiser, JPC.activation)
            return energy(network, [input, *free[:-1], output]).mean()

        value, gradient = jax.value_and_grad(mean_energy)(activities)
        updates, state = optimiser.update(gradient, state, activities)
        moved = eqx.apply_updates(activities, updates)
        return {"energy": value, "activities": moved, "grads": gradient, "opt_state": state}

    @eqx.filter_jit
    def update_weights(models, activities, optimisers, states, output, input):
        def mean_energy(models):
            return energy(
                Network(*models, JPC.activation), [input, *activities[:-1], output]
            ).mean()

        gradients = jax.grad(mean_energy)(models)
        pairs = [
            optimiser.update(gradient, state, model)
            for optimiser, gradient, state, model in zip(
                optimisers, gradients, states, models, strict=True
            )
        ]
        models = tuple(
            eqx.apply_updates(m, updates) for m, (updates, _) in zip(models, pairs, strict=True)
        )
        return {"models": models, "grads": gradients, "opt_states": [state for _, state in pairs]}

    def run() -> float:
        network = make_state(JPC, iterations).network
        models = network.generator, network.amortiser
        states = [learner.init(model) for model in models]
        feed = batches()
        image, label = next(feed)
        jax.block_until_ready(models)
        start = time.perf_counter()
        for iteration in range(1, iterations + 1):
            generator, amortiser = models
            amort_loss = mse(init_activities(amortiser[::-1], image)[-1], label)
            activities = init_activities(generator, label)
            gen_loss = mse(activities[-1], image)
            state = movers.init(activities)
            for _ in range(JPC.steps):
                result = update_activities(
                    generator, amortiser, activities, movers, state, image, label
                )
                activities, state = result["activities"], result["opt_state"]
            result = update_weights(models, activities, [learner] * 2, states, image, label)
            models, states = result["models"], result["opt_states"]
            if test_batches and iteration % 100 == 0:
                evaluate(models[1])
            image, label = next(feed)
        jax.block_until_ready((models, amort_loss, gen_loss))
        return 1e3 * (time.perf_counter() - start) / iterations

    return run


def numpy_batches(images, labels):
    """Batches out of arrays that were normalised beforehand: the fastest feed that NumPy has."""
    images, labels = np.asarray(normalise(images)), np.asarray(one_hot(labels))

    def batches():
        order = np.random.default_rng(0).permutation(len(images))
        for i in range(0, len(order) - B, B):
            yield images[order[i : i + B]], labels[order[i : i + B]]

    return batches


def loader_batches(train: bool):
    """Batches as the jpc notebook makes them, from the same files."""
    from torch import eye, flatten
    from torch.utils.data import DataLoader
    from torchvision import datasets, transforms

    class MNIST(datasets.MNIST):
        def __getitem__(self, index):
            image, label = super().__getitem__(index)
            return flatten(image), eye(10)[label]

    transform = transforms.Compose([transforms.ToTensor(), transforms.Normalize(0.1307, 0.3081)])
    with tempfile.TemporaryDirectory() as root:
        raw = Path(root) / "MNIST" / "raw"
        raw.mkdir(parents=True)
        for name in SHA256:
            (raw / name).write_bytes(idx_bytes(name))
        images = MNIST(root, train=train, transform=transform)
    loader = DataLoader(images, batch_size=B, shuffle=True, drop_last=True)

    def batches():
        for image, label in loader:
            yield image.numpy(), label.numpy()

    return batches


def idx_bytes(name: str) -> bytes:
    """Give a file of MNIST as it was before compression."""
    import gzip

    return gzip.decompress((MNIST_FOLDER / f"{name}.gz").read_bytes())


def products() -> list[tuple[int, int, int, str]]:
    """List the matrix products (m, k, n, kind) that an iteration of `jpc` cannot do without.

    Products that are the same in each step (of the clamped ends) count once, and those that depend on
    the label alone have ten rows. "nn" is A B, "nt" A B', "tn" A' B.
    """
    found = []
    n = SIZES
    for l in range(L):
        a, b = n[l], n[l + 1]
        found += [(10, a, b, "nt")]  # sweep down
        found += [(B, b, a, "nt")]  # sweep up; at the image, also every later g(z_L)
        found += [(a, B, b, "tn"), (b, B, a, "tn")]  # the gradients of the weights
    for l in range(1, L):  # first step: once a class, but for the image's error
        if l == L - 1:
            found += [(B, n[l + 1], n[l], "nn")]
        found += [(10, n[l], n[l - 1], "nt"), (10, n[l - 1], n[l], "nn")]
    for step in range(2, JPC.steps + 2):  # later steps, and the errors that teach
        for l in range(1, L):
            found += [(B, n[l], n[l + 1], "nt"), (B, n[l], n[l - 1], "nt")]  # predictions
            if step <= JPC.steps:
                found += [(B, n[l + 1], n[l], "nn"), (B, n[l - 1], n[l], "nn")]  # errors sent back
    return found


def floor(iterations: int):
    """Time each distinct product in a scan of its own, and the moving of Adam's bytes."""
    timed = [(count_of(p), product(*p, iterations)) for p in sorted(set(products()))]
    weights = 2 * sum(a * b for a, b in zip(SIZES, SIZES[1:], strict=False))

    @partial(jax.jit, donate_argnums=0)
    def move(arrays, gradient):  # reads four arrays and writes three, as Adam must
        def body(arrays, _):
            p, m, v = arrays
            return (p + gradient, m + gradient, v + gradient), None

        return jax.lax.scan(body, arrays, None, length=iterations)[0]

    def run() -> float:
        total = sum(count * once() for count, once in timed)
        arrays = tuple(jnp.full(weights, x) for x in (1.0, 2.0, 3.0))
        gradient = jnp.full(weights, 1e-3)
        jax.block_until_ready((arrays, gradient))
        start = time.perf_counter()
        jax.block_until_ready(move(arrays, gradient))
        return total + 1e3 * (time.perf_counter() - start) / iterations

    return run


def count_of(product_: tuple) -> int:
    """Say how often a product is needed in an iteration."""
    return products().count(product_)


def product(m: int, k: int, n: int, kind: str, iterations: int):
    """Time one product: milliseconds, from a scan that repeats it."""
    left = jnp.ones((k, m) if kind == "tn" else (m, k))
    right = jnp.ones((n, k) if kind == "nt" else (k, n))
    axes = (((0,) if kind == "tn" else (1,)), ((1,) if kind == "nt" else (0,)))

    @jax.jit
    def repeat(left, right):
        def body(left, _):  # each depends on the one before, so that none is left out
            result = jax.lax.dot_general(left, right, (axes, ((), ())))
            return left.at[0, 0].set(1e-9 * result[0, 0]), None

        return jax.lax.scan(body, left, None, length=iterations)[0]

    def run() -> float:
        start = time.perf_counter()
        repeat(left, right).block_until_ready()
        return 1e3 * (time.perf_counter() - start) / iterations

    return run


if __name__ == "__main__":
    for name, value in measure().items():
        print(f"{name:20} {value:.3f}")
