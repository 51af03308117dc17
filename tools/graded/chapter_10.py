"""The graded exercises of chapter 10, fast."""

from bpc_minimal.checks.core import exercise

from .variant import Draw, Variant


def variant_1(draw: Draw) -> Variant:
    def moved(weight, slope, memory):  # bytes a weight: what is right, and what is not
        right = 2 * weight + slope + 2 * memory
        return right, {
            "this is plain descent, as in the book: momentum is kept besides": 12,
            "momentum is read, too": right - memory,
            "nothing is written": weight + slope + memory,
            "nothing is read": weight + memory,
            "the gradient has bits of its own": 3 * weight + 2 * memory,
            "all are of the weights' size": 5 * weight,
            "all have 32 bits": 20,
            "these are bits; bytes are asked for": 8 * right,
            "the gradient is not written": right + slope,
            "the gradient is read, too": right - slope,
            "the weight is read, too: the step is added to it": right - weight,
        }

    weight, slope, memory = draw.some(3, 1, 2, 4, 8)
    while (found := moved(weight, slope, memory))[0] in found[1].values():
        weight, slope, memory = draw.some(3, 1, 2, 4, 8)
    right, wrong = found
    said: dict[int, str] = {}
    for mistake, each in wrong.items():  # of two that are the same number the first is told
        said.setdefault(each, mistake)

    @exercise(
        "momentum_bytes(weights)",
        cases=[(1_000,), (250_000,), (7,)],
        why="a weight, its gradient and its momentum are read; the weight and its momentum are written.",
        hint="List what is read and what is written for one weight, each with its own size.",
    )
    def asked(weights):
        return right * weights, {mistake: each * weights for each, mistake in said.items()}

    return Variant(
        f"Gradient descent with momentum keeps one running average a weight. A weight has {8 * weight} "
        f"bits, a gradient {8 * slope}, a momentum {8 * memory}. How many bytes does one update move, "
        "each array read once and, where it changes, written once? The gradient is there and is only "
        "read. Write `momentum_bytes(weights)`, for so many weights.",
        f"def momentum_bytes(weights):\n    return (2 * {weight} + {slope} + 2 * {memory}) * weights",
        asked,
    )


def variant_2(draw: Draw) -> Variant:
    given, stored, made = draw.some(3, 1, 2, 4, 8)

    @exercise(
        "batch_2(intensity, k, n)",
        cases=[(20.0, 300, 784), (8.0, 500, 400), (30.0, 784, 300)],
        why="smaller numbers move faster: the same intensity is reached with fewer images.",
        hint="Set 2 m k n equal to the intensity times all bytes moved, and solve for m.",
    )
    def asked(intensity, k, n):
        def solve(p, q, r):  # bytes of the inputs, of the weights, of the results
            return intensity * q * k * n / (2 * k * n - intensity * (p * k + r * n))

        return solve(given, stored, made), {
            "all have 4 bytes, as in the book": solve(4, 4, 4),
            "the weights have bytes of their own": solve(given, given, made),
            "the result has bytes of its own": solve(given, stored, given),
            "the sizes of inputs and results are exchanged": solve(made, stored, given),
            "the sizes of inputs and weights are exchanged": solve(stored, given, made),
            "a multiplication and an addition: two operations": intensity
            * stored
            * k
            * n
            / (k * n - intensity * (given * k + made * n)),
            "the inputs and results move, too": stored * intensity / 2,
        }

    return Variant(
        f"A product of $m \\times k$ by $k \\times n$ has inputs (the first) of {8 * given} bits, "
        f"weights (the second) of {8 * stored} and a result of {8 * made}. At which batch $m$ does its "
        f"intensity reach a given number of operations a byte? "
        "Write `batch_2(intensity, k, n)`: the exact number; each matrix is moved once.",
        "def batch_2(intensity, k, n):\n"
        f"    return intensity * {stored} * k * n / (2 * k * n - intensity * ({given} * k + {made} * n))",
        asked,
    )


def variant_3(draw: Draw) -> Variant:
    sizes = (10, draw.of(200, 240, 280), draw.of(120, 150, 180), 784)
    steps, batch = draw.of(3, 4, 6), draw.of(32, 96, 128)
    pairs = [a * b for a, b in zip(sizes[:-1], sizes[1:], strict=True)]
    right = pairs[-1] / sum(pairs)

    @exercise(
        "share_3",
        why="every pair of layers has the same products, so their sizes alone decide.",
        hint="Add the flops of the products in which 784 stands, and divide by those of all.",
    )
    def asked():
        book = [10 * 300, 300 * 300, 300 * 784]
        return right, {
            "this is what is left": 1 - right,
            "these are the sizes of the book": book[-1] / sum(book),
            "this is percent; a share is asked for": 100 * right,
            "this counts products, not their operations": 1 / 3,
            "this is the share of the units": 784 / sum(sizes),
            "this is the share of the hidden layers' product": pairs[1] / sum(pairs),
            "this is the number of operations, not a share": 2
            * batch
            * pairs[-1]
            * (4 * steps + 6),
            "the product with the label is left out": pairs[-1] / sum(pairs[1:]),
        }

    return Variant(
        f"Where is the work? Let `as_first_written` list the products of an iteration with the sizes "
        f"{sizes}, {steps} steps and batches of {batch}. Which share of their operations (`flops`) is "
        f"spent on products with the image's layer? "
        "Put it into `share_3`, between 0 and 1.",
        f"products = as_first_written({sizes}, {steps}, {batch})\n"
        "total = sum(flops(*shape) for _, *shape in products)\n"
        "share_3 = sum(flops(*shape) for _, *shape in products if 784 in shape) / total",
        asked,
    )


def variant_4(draw: Draw) -> Variant:
    hidden = round(draw.of(1, -1) * draw.between(0.1, 0.4, 2) % 1, 2)

    @exercise(
        "ring(devices, compute, exchange)",
        cases=[(1, 3.0, 1.0), (2, 3.0, 1.0), (5, 2.0, 0.7), (8, 10.0, 4.0)],
        why="a ring moves nearly twice the gradients however many share it, and what hides "
        "behind the arithmetic costs nothing.",
        hint="The time of D devices: a share of compute, and what is left of an exchange of 2 (D "
        "- 1) / D times `exchange`.",
    )
    def asked(devices, compute, exchange):
        D = devices

        def faster(moves, left=1 - hidden):
            return compute / (compute / D + left * moves * exchange)

        ring = 2 * (D - 1) / D
        right = faster(ring)
        return right, {
            "this is the book's exchange, which does not grow": faster(float(D > 1), 1.0),
            "nothing hides behind the arithmetic here": faster(ring, 1.0),
            "the hidden share counts, and the rest does not": faster(ring, hidden),
            "a ring moves them twice: scattered, and gathered again": faster(ring / 2),
            "a ring of D devices has D - 1 moves of a D-th each": faster(2 * (D - 1)),
            "one device exchanges nothing": faster(2.0),
            "the exchange is shared out like the arithmetic": compute
            / ((compute + (1 - hidden) * ring * exchange) / D),
            "this is the time, not how many times as fast": compute / right,
            "this is one over it": 1 / right,
            "nothing is exchanged": float(D),
        }

    return Variant(
        "Devices exchange their gradients around a ring: with $D$ of them that takes $2 (D - 1) / D$ "
        "times `exchange` (one device exchanges nothing). "
        f"Of that time, {hidden:.0%} is hidden behind the arithmetic and costs nothing. Write "
        f"`ring(devices, compute, exchange)`: how many times as fast as one device they are, if one "
        f"needs the time `compute` and they share the batch evenly.",
        "def ring(devices, compute, exchange):\n"
        "    moves = 2 * (devices - 1) / devices\n"
        f"    return compute / (compute / devices + {round(1 - hidden, 2)} * moves * exchange)",
        asked,
    )


def variant_5(draw: Draw) -> Variant:
    times, share = draw.of(4, 6, 8, 10), round(draw.of(1, -1) * draw.between(0.1, 0.4, 2) % 1, 2)

    @exercise(
        "two_roofs(intensity, peak, bandwidth)",
        cases=[(0.5, 100.0, 10.0), (40.0, 100.0, 10.0), (6.0, 80.0, 12.0), (2.0, 500.0, 30.0)],
        why="a byte from the cache takes less time, and the times add; the arithmetic is a roof "
        "above both.",
        hint="The time of one byte on average: some come from memory, some from the cache; then "
        "the lower of two roofs.",
    )
    def asked(intensity, peak, bandwidth):
        def roof(second):
            return min(peak, intensity / second)

        memory, cache = 1 / bandwidth, 1 / (times * bandwidth)
        right = roof((1 - share) * memory + share * cache)
        return right, {
            "this is the roof of the book: all from memory": roof(memory),
            "all from the cache": roof(cache),
            "the shares are exchanged": roof(share * memory + (1 - share) * cache),
            "the times add, not the bandwidths": roof(
                1 / ((1 - share) * bandwidth + share * times * bandwidth)
            ),
            "the peak is a roof, too": intensity / ((1 - share) * memory + share * cache),
            "the lower of the two, not the higher": max(
                peak, intensity / ((1 - share) * memory + share * cache)
            ),
            "a byte comes from memory or from the cache, not from both": roof(
                memory + share * cache
            ),
            "the cache takes less time, not more": roof(
                (1 - share) * memory + share * times * memory
            ),
            "the bytes of the cache alone": roof(share * cache),
            "these are the seconds; operations a second are asked for": intensity
            / roof((1 - share) * memory + share * cache),
            "what comes from memory alone": roof((1 - share) * memory),
        }

    return Variant(
        f"A cache in front of the memory is {times} times as fast. Of the bytes that a task moves, "
        f"{share:.0%} come from the cache, the rest from memory, one after the other. Write "
        f"`two_roofs(intensity, peak, bandwidth)`: the most operations a second, where the "
        "machine does `peak` operations and its memory moves `bandwidth` bytes a second.",
        "def two_roofs(intensity, peak, bandwidth):\n"
        f"    seconds = ({round(1 - share, 2)} + {share} / {times}) / bandwidth  # of a byte\n"
        "    return min(peak, intensity / seconds)",
        asked,
    )
