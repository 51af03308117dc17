import functools

import bpc_minimal as bpc
from bpc_minimal.checks import chapter_10

BEFORE = {"jpc": bpc.preset("jpc")}  # an argument's default


def prepare(space):
    """Count a step's operations once for all answers."""
    chapter_10.counted = functools.cache(chapter_10.counted)
    space["package_operations"] = chapter_10.counted


BYTES = "def sgd_bytes(weights):\n    return "
BATCH = "def batch_for(intensity, k, n):\n    i = intensity\n    return "
RATIO = """
fast = bpc.preset("fast", step_rule="fixed")
at_once = fast.replace(in_turn=False, steps=2)
a, b = package_operations(fast), package_operations(at_once)
ratio_3 = """
SPEED = "def speed_up(devices, compute, exchange):\n    wait = exchange if devices > 1 else 0\n    return "
ROOF = "def attainable(intensity, peak, bandwidth):\n    return "

ANSWERS = {
    "10.1": {
        "right": [
            BYTES + "3 * 4 * weights",
            BYTES + "np.array([12]) * weights",
            "def sgd_bytes(count):\n"
            "    total = 0\n"
            "    for what in ('read weight', 'read gradient', 'write weight'):\n"
            "        total += count * np.dtype(np.float32).itemsize\n"
            "    return total",
        ],
        "wrong": [
            ("not bytes", BYTES + "3 * weights"),
            ("bits", BYTES + "3 * 32 * weights"),
            ("Adam's", BYTES + "7 * 4 * weights"),
            ("forgotten", BYTES + "2 * 4 * weights"),
            ("only one", BYTES + "4 * weights"),
            ("too many", BYTES + "4 * 4 * weights"),
            ("running average", BYTES + "5 * 4 * weights"),
            ("not eight", BYTES + "3 * 8 * weights"),
            ("not two", BYTES + "3 * 2 * weights"),
            ("kilobytes", BYTES + "12 * weights / 1e3"),
            ("megabytes", BYTES + "12 * weights / 1e6"),
            ("share", BYTES + "12 * weights / (28 * weights)"),
            ("ignores weights", BYTES + "12 * 656_400"),
            ("text", BYTES + "f'{12 * weights} bytes'"),
            ("printed", "def sgd_bytes(weights):\n    print(12 * weights)"),
            ("no function", "sgd_bytes = 12_000"),
        ],
    },
    "10.2": {
        "right": [
            BATCH + "4 * i * k * n / (2 * k * n - 4 * i * (k + n))",
            "import math\ndef batch_for(i, k, n):\n"
            "    return math.ceil(4 * i * k * n / (2 * k * n - 4 * i * (k + n)))",
            "def batch_for(intensity, k, n):\n"
            "    m = 1\n"
            "    while flops(m, k, n) / moved_bytes(m, k, n) < intensity:\n"
            "        m += 1\n"
            "    return m",
            BATCH + "np.float64(1) / (1 / (2 * i) - 1 / k - 1 / n)",
        ],
        "wrong": [
            ("factor of 2", BATCH + "4 * i * k * n / (k * n - 4 * i * (k + n))"),
            ("flops a number", BATCH + "i * k * n / (2 * k * n - i * (k + n))"),
            ("sign", BATCH + "4 * i * k * n / (2 * k * n + 4 * i * (k + n))"),
            ("m n is missing", BATCH + "4 * i * k * n / (2 * k * n - 4 * i * k)"),
            ("m k is missing", BATCH + "4 * i * k * n / (2 * k * n - 4 * i * n)"),
            ("grow with m", BATCH + "2 * i"),
            ("intensity of that batch", BATCH + "flops(i, k, n) / moved_bytes(i, k, n)"),
            ("just below", BATCH + "int(4 * i * k * n / (2 * k * n - 4 * i * (k + n)))"),
            ("needed", BATCH + "np.ceil(4 * i * k * n / (2 * k * n - 4 * i * (k + n))) + 1"),
            ("one over", BATCH + "(2 * k * n - 4 * i * (k + n)) / (4 * i * k * n)"),
            ("rounded up", BATCH + "np.ceil(4 * i * k * n / (2 * k * n + 4 * i * (k + n)))"),
            ("ignores", BATCH + "-1"),
            ("computed", BATCH + "3.7 * i + k * n / 100"),
            ("computed", BATCH + "-i * k / n"),
            ("ignores", BATCH + "64"),
            ("order", "def batch_for(k, n, intensity):\n    return 4 * k * n"),
            ("raised", BATCH + "4 * i / (m - 1)"),
            ("text", BATCH + "'49'"),
        ],
    },
    "10.3": {
        "right": [
            RATIO + "a / b",
            RATIO + "round(a / b, 2)",
            RATIO + "jnp.array([a]) / b",
            "counts = []\nfor turn, steps in ((True, 1), (False, 2)):\n"
            "    config = bpc.preset('fast', step_rule='fixed', in_turn=turn, steps=steps)\n"
            "    counts.append(package_operations(config))\n"
            "ratio_3 = np.divide(*counts)",
        ],
        "wrong": [
            ("seldom measured", RATIO.replace(', step_rule="fixed"', "") + "a / b"),
            ("wrong way", RATIO + "b / a"),
            ("what is spared, not", RATIO + "1 - a / b"),
            ("need more", RATIO + "b / a - 1"),
            ("not percent", RATIO + "100 * a / b"),
            ("in percent", RATIO + "100 * (1 - a / b)"),
            ("millions", RATIO + "a"),
            ("of two steps: divide", RATIO + "b"),
            ("are spared: divide", RATIO + "b - a"),
            ("6 of 8", "ratio_3 = 6 / 8"),
            ("these are steps", "ratio_3 = 0.5"),
            ("both", RATIO.replace("steps=2", "steps=1") + "a / b"),
            ("three steps", RATIO.replace("steps=2", "steps=3") + "a / b"),
            ("text", "ratio_3 = '0.89'"),
            ("function", "ratio_3 = lambda: 0.89"),
        ],
    },
    "10.4": {
        "right": [
            SPEED + "compute / (compute / devices + wait)",
            "def speed_up(D, compute, exchange):\n"
            "    times = {1: compute}\n"
            "    times.setdefault(D, compute / D + exchange)\n"
            "    return times[1] / times[D]",
            SPEED + "1 / np.array([1 / devices + wait / compute])",
        ],
        "wrong": [
            ("nobody", SPEED + "compute / (compute / devices + exchange)"),
            (
                "the ring's share",
                SPEED + "compute / (compute / devices + wait * 2 * (devices - 1) / devices)",
            ),
            ("this is the time;", SPEED + "compute / devices + wait"),
            ("one over", SPEED + "(compute / devices + wait) / compute"),
            ("missing", SPEED + "devices"),
            ("not shared", SPEED + "compute / ((compute + wait) / devices)"),
            ("share of the batch", SPEED + "compute / (compute + wait)"),
            ("grows with the devices", SPEED + "compute / (compute / devices + devices * wait)"),
            ("other devices", SPEED + "compute / (compute / devices + (devices - 1) * wait)"),
            ("what is gained", SPEED + "compute / (compute / devices + wait) - 1"),
            ("for each device", SPEED + "compute / (compute / devices + wait) / devices"),
            ("spared", SPEED + "compute - (compute / devices + wait)"),
            ("does not wait", SPEED + "(compute + wait) / (compute / devices + wait)"),
            ("percent", SPEED + "100 * compute / (compute / devices + wait)"),
            ("while they compute", SPEED + "compute / max(compute / devices, wait)"),
            ("taken away", SPEED + "compute / (compute / devices - wait)"),
            ("never below", SPEED + "max(1, compute / (compute / devices + wait))"),
            ("raised", SPEED + "compute / (compute / devices + waiting)"),
        ],
    },
    "10.5": {
        "right": [
            ROOF + "min(peak, intensity * bandwidth)",
            ROOF + "jnp.minimum(jnp.array([peak]), intensity * bandwidth)",
            "def attainable(x, roof, slope):\n"
            "    if x < roof / slope:\n"
            "        return x * slope\n"
            "    return roof",
        ],
        "wrong": [
            ("slope alone", ROOF + "intensity * bandwidth"),
            ("flat roof alone", ROOF + "peak"),
            ("higher of", ROOF + "max(peak, intensity * bandwidth)"),
            ("together", ROOF + "peak + intensity * bandwidth"),
            ("corner", ROOF + "1 / (1 / peak + 1 / (intensity * bandwidth))"),
            ("not over it", ROOF + "min(peak, bandwidth / intensity)"),
            ("operations a byte", ROOF + "min(peak, intensity / bandwidth)"),
            ("through the peak", ROOF + "min(peak, intensity * peak)"),
            ("becomes flat", ROOF + "peak / bandwidth"),
            ("share of the peak;", ROOF + "min(peak, intensity * bandwidth) / peak"),
            ("least of three", ROOF + "min(peak, intensity * bandwidth, bandwidth)"),
            ("mean", ROOF + "(peak + intensity * bandwidth) / 2"),
            ("four numbers", ROOF + "min(peak, 4 * intensity * bandwidth)"),
            ("from 1 on", ROOF + "peak if intensity >= 1 else intensity * bandwidth"),
            (
                "order",
                "def attainable(peak, bandwidth, intensity):\n    return min(peak, intensity * bandwidth)",
            ),
            ("none", "def attainable(i, p, b):\n    roof = min(p, i * b)"),
        ],
    },
}
