"""Chapter 10: fast."""

import math

import sympy as sp

from exam import derivation, number, numbers, pick, question, says, show


@question(chapter=10, minutes=2, goal="count the operations of a product")
def product(rng):
    m, k, n = (
        pick(rng, [32, 64, 128, 256]),
        pick(rng, [100, 200, 300, 500]),
        pick(rng, [10, 150, 784]),
    )
    answer = 2 * m * k * n / 1e6
    return numbers(
        rng,
        rf"How many floating-point operations has the product of a ${m} \times {k}$ and a ${k} \times {n}$ matrix, in millions?",
        answer,
        {
            "each multiplication comes with an addition: twice as many": answer / 2,
            "two operations an entry, not four": 2 * answer,
            "these are the entries that are read and written": (m * k + k * n + m * n) / 1e6,
            "this is of one row: there are as many as the batch has examples": answer / m,
        },
        rf"$2 m k n = 2 \cdot {m} \cdot {k} \cdot {n} = {show(answer)}$ million.",
        unit="million",
        m=m, k=k, n=n,
    )  # fmt: skip


@question(chapter=10, minutes=4, goal="compute the intensity of a product")
def intensity(rng):
    m = pick(rng, [16, 32, 64, 128, 256])
    k, n = pick(rng, [100, 200, 300, 500, 784], 2)
    answer = 2 * m * k * n / (4 * (m * k + k * n + m * n))
    return number(
        rf"The product of a ${m} \times {k}$ and a ${k} \times {n}$ matrix of 32-bit numbers reads both once and writes its result "
        "once. What is its intensity, in operations a byte?",
        answer,
        rf"$2mkn = {2 * m * k * n}$ operations, $4(mk + kn + mn) = {4 * (m * k + k * n + m * n)}$ bytes: ${show(answer)}$.",
        m=m, k=k, n=n,
    )  # fmt: skip


@question(chapter=10, minutes=3, goal="read off the roofline what limits a task")
def attainable(rng):
    peak = pick(rng, [200, 400, 800, 1000])
    bandwidth = pick(rng, [20, 25, 40, 50])
    intensity = pick(rng, [0.5, 1, 2, 4, 60, 80])
    slope = intensity * bandwidth
    answer = min(peak, slope)
    return numbers(
        rng,
        rf"A machine does at most {peak} billion operations a second and moves at most {bandwidth} billion bytes a second. How fast can a "
        rf"task of {intensity} operations a byte be at best, in billion operations a second?",
        answer,
        {
            says("10.5", "this is the slope alone"): slope,
            says("10.5", "this is the flat roof alone"): peak,
            says("10.5", "the higher of the two roofs"): max(peak, slope),
            says("10.5", "both together cannot"): peak + slope,
            says("10.5", "the two roofs do not average"): peak * slope / (peak + slope),
            says("10.5", "the slope is intensity times bandwidth, not"): min(peak, bandwidth / intensity),
            says("10.5", "the mean of the two roofs"): (peak + slope) / 2,
            says("10.5", "this is where the roof becomes flat"): peak / bandwidth,
            says("10.5", "a byte is not four numbers"): min(peak, 4 * slope),
        },
        rf"The lower roof limits: $\min({peak}, {intensity} \cdot {bandwidth}) = {show(answer)}$.",
        peak=peak, bandwidth=bandwidth, intensity=intensity,
    )  # fmt: skip


@question(
    chapter=10,
    minutes=3,
    goal="count the bytes that a step of an optimiser moves",
)
def adam_bytes(rng):
    m, n = pick(rng, [100, 200, 300, 400]), pick(rng, [300, 500, 784])
    weights = m * n
    answer = 7 * 4 * weights / 1e6
    return numbers(
        rng,
        rf"Adam keeps two running averages for each weight. It reads the gradient, both averages and the weight, and writes the averages "
        rf"and the weight. How many megabytes (10⁶ bytes) does a step move for a matrix of ${m} \times {n}$ 32-bit weights?",
        answer,
        {
            says("10.1", "these are numbers, not bytes"): answer / 4,
            says("10.1", "these are bits"): 8 * answer,
            "this is the count of plain descent, which keeps no running averages": 12 * weights / 1e6,
            "what is written is forgotten: three numbers a weight": 16 * weights / 1e6,
            "the gradient is read, not written": 32 * weights / 1e6,
            says("10.1", "the numbers have 32 bits, four bytes, not eight"): 2 * answer,
        },
        rf"Four numbers are read and three written: $7 \cdot 4 \cdot {m} \cdot {n} = {show(answer)} \cdot 10^6$ bytes.",
        unit="MB",
        m=m, n=n,
    )  # fmt: skip


@question(chapter=10, minutes=3, goal="say how much several devices gain")
def speed_up(rng):
    devices = pick(rng, [2, 4, 8])
    compute, exchange = pick(rng, [2, 3, 4, 5]), pick(rng, [0.2, 0.5, 1, 1.5])
    answer = compute / (compute / devices + exchange)
    return numbers(
        rng,
        rf"One device needs {compute} ms for an iteration. {devices} devices share the batch evenly and then exchange gradients, which takes "
        rf"{exchange} ms. How many times as fast are they?",
        answer,
        {
            says("10.4", "this is the time;"): compute / devices + exchange,
            says("10.4", "this is one over it"): 1 / answer,
            says("10.4", "the exchange is missing"): devices,
            says("10.4", "the exchange is not shared"): compute / ((compute + exchange) / devices),
            says("10.4", "each device computes its share"): compute / (compute + exchange),
            says("10.4", "the exchange grows with the other devices"):
                compute / (compute / devices + (devices - 1) * exchange),
            says("10.4", "this is what is gained"): answer - 1,
        },
        rf"${compute} / ({compute}/{devices} + {exchange}) = {show(answer)}$.",
        devices=devices, compute=compute, exchange=exchange,
    )  # fmt: skip


@question(chapter=10, minutes=4, goal="work out from which batch more devices pay")
def share_that_pays(rng):
    devices = pick(rng, [2, 3, 4, 8])
    exchange = pick(rng, [0.3, 0.7, 1.1, 1.9])
    each = pick(rng, [7, 11, 13, 17, 23])
    limit = exchange * 1000 / ((devices - 1) * each)
    answer = math.floor(limit) + 1
    return number(
        rf"An image costs a device {each} µs, and the exchange of gradients takes {exchange} ms. What is the least whole number of images a "
        rf"device with which {devices} devices, sharing a batch evenly, are faster than one device with the whole batch?",
        answer,
        rf"$B t > B t / D + x$ means $B/D > x / ((D - 1)\, t) = {exchange * 1000:g} / ({devices - 1} \cdot {each}) = {show(limit)}$: "
        rf"{answer} images.",
        devices=devices, exchange=exchange, each=each,
    )  # fmt: skip


@question(
    chapter=10,
    minutes=6,
    goal="derive from which time of exchange on more devices are slower than one",
)
def exchange_that_costs_all(rng):
    c, x = sp.symbols("c x", positive=True)
    devices = sp.Integer(int(pick(rng, [2, 3, 4, 5, 8, 10])))
    answer = c * (1 - 1 / devices)
    return derivation(
        rf"One device needs the time $c$ for an iteration. {devices} devices share the batch evenly and then exchange gradients, which "
        "takes the time $x$. Derive how many times as fast they are, and from which $x$ on they are slower than one.",
        answer,
        rf"$c / (c/{devices} + x)$ times. That is 1 at $x = c - c/{devices} = {sp.latex(answer)}$, and less beyond.",
        energy=c / (c / devices + x) - 1, by=x, solved=True, root=True,
    )  # fmt: skip


@question(
    chapter=10,
    minutes=5,
    goal="find the batch from which a product is bound by arithmetic",
)
def batch_for(rng):
    k, n = pick(rng, [200, 300, 500, 784], 2)
    wanted = pick(rng, [5, 8, 10, 16, 20])
    limit = 4 * wanted * k * n / (2 * k * n - 4 * wanted * (k + n))
    answer = math.ceil(limit)
    return number(
        rf"A machine's roofline becomes flat at {wanted} operations a byte. What is the least batch $m$ with which the product of an "
        rf"$m \times {k}$ and a ${k} \times {n}$ matrix of 32-bit numbers, each read or written once, reaches that?",
        answer,
        rf"$2mkn \ge {wanted} \cdot 4\,(mk + kn + mn)$ solved for $m$: $m \ge {show(limit)}$, so {answer}.",
        k=k, n=n, wanted=wanted,
    )  # fmt: skip
