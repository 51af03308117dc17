"""The graded exercises of chapter 5, the training loop."""

import jax
import jax.numpy as jnp
import numpy as np

import bpc_minimal as bpc
from bpc_minimal.checks.core import Wrong, exercise
from bpc_minimal.training import shuffled

from .variant import Draw, Variant


def variant_1(draw: Draw) -> Variant:
    iterations, batch = draw.of(*range(250, 750, 50)), draw.of(32, 48, 80, 96)
    held_out = draw.of(4_000, 6_000, 8_000)
    whole = 60_000 - held_out
    seen = iterations * batch
    right = 1 - (1 - 1 / whole) ** seen

    @exercise(
        "share_1",
        why="each draw misses an image with the chance 1 - 1 / N, and all draws miss it with "
        "that to their number.",
        hint="The chance that one image is missed by every draw is a power; the rest is the share.",
        rtol=2e-3,
    )
    def asked():
        return right, {
            "this counts an image again each time that it is drawn": seen / whole,
            "this is what is never drawn": 1 - right,
            "the images that are held out are not drawn": 1 - (1 - 1 / 60_000) ** seen,
            "this is percent; a share is asked for": 100 * right,
            "this counts iterations; each draws a batch": 1 - (1 - 1 / whole) ** iterations,
            "this is of a pass in a shuffled order, of all images": seen / 60_000,
            "this is the number of images, not their share": right * whole,
            "this is the share of the book's exercise": 0.32,
        }

    return Variant(
        f"Of the 60,000 training images {held_out:,} are held out. A network learns for {iterations} "
        f"iterations of {batch} images, each drawn *with replacement* from the rest, as the notebook's "
        f"way 1 draws them. "
        "Which share of the rest is drawn at least once, on average? Put it into `share_1`, between 0 "
        "and 1.",
        f"share_1 = 1 - (1 - 1 / {whole}) ** {seen}",
        asked,
    )


def variant_2(draw: Draw) -> Variant:
    seed, epoch = int(draw.rng.integers(100, 1000)), draw.of(2, 3, 4, 5)
    N, batch, count = draw.of(700, 900, 1100), draw.of(12, 20, 24), draw.of(5, 7, 8)

    @exercise(
        "order_2",
        why="the order of a pass follows from the key and the pass alone, so anyone can have it again.",
        hint="make_state's key, then shuffled(key, pass, N); the first batches, a row each.",
        read=lambda order_2: np.asarray(order_2, float),
    )
    def asked():
        key = bpc.make_state(bpc.preset("jpc", seed=seed), 1).key

        def rows(key=key, epoch=epoch, first=0, N=N):
            its = np.asarray(shuffled(key, epoch, N))[first : first + count * batch]
            return its.reshape(count, batch).astype(float)

        right = rows()
        return right, {
            "this is the order of the first pass": rows(epoch=0),
            "this is the order of the pass before": rows(epoch=epoch - 1),
            "this is the order of the pass after": rows(epoch=epoch + 1),
            "the key is PRNGKey(seed); take that of make_state": rows(jax.random.PRNGKey(seed)),
            "the key is another seed's": rows(bpc.make_state(bpc.preset("jpc"), 1).key),
            "the first batch is missing": rows(first=batch),
            "columns are the batches; rows shall be": right.T,
            "columns are the batches, folded the other way": right.ravel().reshape(batch, count).T,
            "the rows are sorted: the order is lost": np.sort(right, axis=1),
            "the images come in the data's own order": np.arange(
                count * batch, dtype=float
            ).reshape(count, batch),
            "this is the order of 60,000 images": rows(N=60_000),
        }

    return Variant(
        f"Which images does a run see? Take the preset `jpc` with the seed {seed}. From the key of its "
        f"`bpc.make_state` give the first {count} batches of {batch} images in pass number {epoch} "
        f"(the first pass is 0) over {N} images, as `train` would: `order_2`, an array of indices with "
        f"a row for each batch.",
        "from bpc_minimal.training import shuffled\n\n"
        f'state = bpc.make_state(bpc.preset("jpc", seed={seed}), 1)\n'
        f"order_2 = np.asarray(shuffled(state.key, {epoch}, {N}))[: {count} * "
        f"{batch}].reshape({count}, {batch})",
        asked,
    )


FREE = {
    "alpha_gen",
    "alpha_disc",
    "step_size",
    "learning_rate",
    "schedule",
    "weight_decay",
    "in_turn",
}


def variant_3(draw: Draw) -> Variant:
    iterations, batch = draw.of(220, 240, 260), draw.of(48, 56, 72)
    hidden, steps = draw.of(150, 180, 210), draw.of(3, 4)
    fresh = int(draw.rng.integers(10_000, 100_000))

    def trained(settings: dict) -> float:
        weighted = bpc.preset("jpc-weighted")
        config = weighted.replace(
            sizes=(10, hidden, hidden, 784), iterations=iterations, batch_size=batch, seed=fresh,
            evaluate_every=iterations, **settings,
        )  # fmt: skip
        return bpc.fit(config, bpc.mnist("test"))[1].evaluations[-1]["accuracy"]

    def better(settings_3) -> float:
        if not isinstance(settings_3, dict):
            raise Wrong("`settings_3` is not a dictionary of settings.", "type")
        if "steps" not in settings_3 or settings_3["steps"] != steps:
            raise Wrong("another number of steps of inference is asked for.")
        if unknown := {*settings_3} - FREE - {"steps", "step_rule"}:
            raise Wrong(f"these are not to be chosen here: {', '.join(sorted(map(str, unknown)))}.")
        if not settings_3.get("alpha_gen", 1) or not settings_3.get("alpha_disc", 1):
            raise Wrong("with a precision of 0 this is no BPC.")
        try:
            ours = trained(settings_3)
        except FloatingPointError as error:
            raise Wrong(f"with a fresh seed, {error}.", "diverges") from None
        except (TypeError, ValueError) as error:
            raise Wrong(f"these settings cannot be trained with: {error}.", "refused") from None
        theirs = trained({})
        if ours <= theirs + 1:
            raise Wrong(
                f"with a fresh seed it reads ≈ {ours:.1f} %, and jpc-weighted ≈ {theirs:.1f} %; a "
                f"point more "
                "is asked for.",
                "computed",
            )
        return 1.0

    @exercise(
        "settings_3",
        why="chosen on held-out images, it reads more than a point better with a seed that you "
        "have not seen.",
        hint="Choose on the validation images, over three seeds or more.",
        read=better,
    )
    def asked():
        return 1.0, {}

    return Variant(
        f"Find settings that read at least a point better than `jpc-weighted`, both after {iterations} "
        f"iterations of {batch} images with the sizes (10, {hidden}, {hidden}, 784). Put what you "
        f"change into `settings_3`, a dictionary such as "
        f'`{{"steps": {steps}, "learning_rate": 1e-3}}`. Settle for exactly {steps} steps; besides, '
        f"you may choose `alpha_gen`, `alpha_disc` (both above 0), `step_size`, `step_rule`, "
        f"`learning_rate`, `schedule`, `weight_decay` and `in_turn`. "
        'Choose on `bpc.mnist("validation")`, over three seeds or more; the check trains once, with a '
        "seed of its own, and opens the test set.",
        f"settings_3 = "
        f'{{"steps": {steps}, "step_rule": "curvature", "alpha_gen": 1e-4, "step_size": 0.5,\n'
        '              "learning_rate": 2e-3, "schedule": "one-cycle"}',
        asked,
    )


def variant_4(draw: Draw) -> Variant:
    a, b = (draw.between(0.2, 0.9), draw.between(1.2, 3.2))

    def some(sizes):
        key = jax.random.PRNGKey(int(draw.rng.integers(10**6)))
        network = bpc.make_network(key, sizes, use_bias=False)
        scales = iter(draw.rng.uniform(0.4, 3, 99))
        network = jax.tree.map(lambda w: w * float(next(scales)), network)
        return network, float(draw.rng.uniform(0.05, 0.5))

    @exercise(
        "relative_4(network, step_size)",
        cases=[
            some(sizes) for sizes in ((4, 6, 5, 8), (3, 5, 4, 6, 7), (5, 9, 4, 6), (4, 5, 7, 8))
        ],
        why="each precision weighs its own errors: the layer's own and those that it sends on.",
        hint="A layer's own two errors give alpha_gen + alpha_disc; V_l carries e, W_(l-1) carries d.",
        without=("relative_step", "relative_steps", "curvatures", "layer_steps"),
    )
    def asked(network, step_size):
        norm = [
            (np.linalg.norm(V.weight, 2), np.linalg.norm(W.weight, 2))
            for V, W in zip(network.generator, network.amortiser, strict=True)
        ]
        pairs = [(norm[l][0], norm[l - 1][1]) for l in range(1, len(norm))]

        def bound(gen=a, disc=b, own=a + b, kind=max):
            return step_size * kind([own + gen * V**2 + disc * W**2 for V, W in pairs])

        right = bound()
        return right, {
            "this is for precisions of 1, as in the book": bound(1, 1, 2),
            "the layer's own errors have precisions too": bound(own=2),
            "the layer's own errors are missing": bound(own=0),
            "you exchanged the precisions": bound(b, a),
            "the precisions are squared": bound(a**2, b**2, a**2 + b**2),
            "the mean of the layers; the one that bends most decides": bound(kind=np.mean),
            "the layer that bends least; the one that bends most decides": bound(kind=min),
            "this is for each layer": bound(kind=np.array),
            "the norms are squared": step_size * max(a + b + a * V + b * W for V, W in pairs),
            "these are the weights into the layer; those out of it count": step_size
            * max(
                a + b + a * norm[l - 1][0] ** 2 + b * norm[l][1] ** 2 for l in range(1, len(norm))
            ),
            "multiply by the step": right / step_size,
            "this is the Frobenius norm; the largest singular value is asked for": step_size
            * max(
                a
                + b
                + a * np.linalg.norm(network.generator[l].weight) ** 2
                + b * np.linalg.norm(network.amortiser[l - 1].weight) ** 2
                for l in range(1, network.depth)
            ),
            "the sum of the layers; the one that bends most decides": bound(kind=np.sum),
        }

    return Variant(
        f"Write `relative_4(network, step_size)`: a fixed step times the largest curvature bound of "
        "the hidden layers, as in Exercise 5.4 of the book, but with the precisions "
        f"$\\alpha_\\text{{gen}} = {a}$ and $\\alpha_\\text{{disc}} = {b}$, "
        "the same at all layers. Derive first what becomes of Equation 3; do not call what "
        "`bpc_minimal.curvature` has for it.",
        "def relative_4(network, step_size):\n    bounds = []\n    for l in range(1, network.depth):\n"
        "        V, W = network.generator[l].weight, network.amortiser[l - 1].weight\n"
        f"        bounds.append({a} + {b} + {a} * np.linalg.norm(V, 2) ** 2 + {b} * np.linalg.norm(W, "
        f"2) ** 2)\n"
        "    return step_size * max(bounds)",
        asked,
    )


def variant_5(draw: Draw) -> Variant:
    alpha = draw.between(2, 6)

    def some(counts):
        key = jax.random.PRNGKey(int(draw.rng.integers(10**6)))
        network = bpc.make_network(key, (10, 24, 24, 60), use_bias=False)
        network = jax.tree.map(lambda w: 3 * w, network)
        images = jnp.asarray(draw.normal(200, 60))
        labels = np.asarray(bpc.classify(network, images, 3, alpha_gen=alpha))
        lucky = draw.rng.random(200) < 0.7
        return network, images, np.where(lucky, labels, (labels + 1) % 10), counts

    @exercise(
        "by_steps(network, images, labels, counts)",
        cases=[some(counts) for counts in ((0, 2, 6), (1, 4), (3, 9, 0))],
        why="the precision with which a network reads is another than that with which it "
        "learned, and so is the number of steps.",
        hint="bpc.classify takes the steps and alpha_gen; once for each of the counts.",
    )
    def asked(network, images, labels, counts):
        def curve(alpha=alpha, more=0):
            found = [
                np.asarray(bpc.classify(network, images, n + more, alpha_gen=alpha)) == labels
                for n in counts
            ]
            return [100 * float(np.mean(f)) for f in found]

        right = curve()
        return right, {
            "this reads with a precision of 1": lambda: curve(1.0),
            "this reads with the precision of jpc-weighted": lambda: curve(1e-3),
            "one step too many each time": lambda: curve(more=1),
            "shares; percent are asked for": [r / 100 for r in right],
            "this is the percentage of errors": [100 - r for r in right],
            "only the last is given": right[-1],
            "only the first is given": right[0],
            "the order of the counts is turned round": right[::-1],
            "the last count is used for all": [right[-1]] * len(right),
            "these are counts; percent are asked for": [r * len(labels) / 100 for r in right],
            "the mean of all is given; one each is asked for": float(np.mean(right)),
        }

    return Variant(
        f"Does it pay to settle for longer where the generative errors are trusted? Write "
        f"`by_steps(network, images, labels, counts)`: the accuracy in percent of `bpc.classify` with "
        f"`alpha_gen={alpha}`, "
        "once for each number of steps in `counts`, all else as it is.",
        "def by_steps(network, images, labels, counts):\n    found = []\n    for steps in counts:\n"
        f"        answers = np.asarray(bpc.classify(network, images, steps, alpha_gen={alpha}))\n"
        "        found.append(100 * float(np.mean(answers == labels)))\n    return found",
        asked,
    )
