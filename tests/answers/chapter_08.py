"""Answers to the exercises of chapter 8."""

STEP = (
    "def step_products(sizes):\n"
    "    maps = [a * b for a, b in zip(sizes, sizes[1:])]\n"
    "    down, up, both = sum(maps[1:]), sum(maps[:-1]), sum(maps)\n"
    "    return "
)
PAIRED = """
from scipy.stats import t as student
def paired_interval(a, b):
    d, n = a - b, len(a)
    half = student.ppf(0.975, n - 1) * d.std(ddof=1) / np.sqrt(n)
    return d.mean() - half, d.mean() + half
"""
HELD = """
from scipy.stats import t as student
def held(values, sets):
    inside = 0
    for row in sets:
        few, others = values[row], np.delete(values, row)
        half = student.ppf(0.975, len(few) - 1) * few.std(ddof=1) / np.sqrt(len(few))
        inside += abs(few.mean() - others.mean()) <= half
    return 100 * inside / len(sets)
"""
BEST = """
from itertools import combinations
def best_of(accuracies, k):
    return np.mean([max(few) for few in combinations(accuracies, k)])
"""
FRONT = """
def frontier(reads, draws):
    found = []
    for x, y in zip(reads, draws):
        as_good = (reads >= x) & (draws <= y)
        better = (reads > x) | (draws < y)
        found.append(not np.any(as_good & better))
    return np.array(found)
"""


def best(inner):
    return BEST.replace("np.mean([max(few) for few in combinations(accuracies, k)])", inner)


ANSWERS = {
    "8.1": {
        "right": [
            STEP + "2 * down + 2 * up",
            "def step_products(sizes):\n"
            "    count = 0\n"
            "    for l in range(len(sizes) - 1):\n"
            "        weights = sizes[l] * sizes[l + 1]\n"
            "        count += 2 * weights * (l > 0) + 2 * weights * (l + 2 < len(sizes))\n"
            "    return count",
            "def step_products(sizes):\n"
            "    n = jnp.array(sizes)\n"
            "    maps = n[1:] * n[:-1]\n"
            "    return 4 * maps.sum() - 2 * maps[0] - 2 * maps[-1]",
        ],
        "wrong": [
            (
                "squares of the sizes",
                "def step_products(sizes):\n    return sum(n * n for n in sizes)",
            ),
            ("twice as many", STEP + "down + up"),
            ("computed once", STEP + "4 * both"),
            ("sent back too", STEP + "2 * both"),
            ("one direction", STEP + "both"),
            ("genPC's", STEP + "2 * down"),
            ("discPC's", STEP + "2 * up"),
            ("ends' own", STEP + "2 * maps[0] + 2 * maps[-1]"),
            ("left out both ways", STEP + "4 * (both - maps[0] - maps[-1])"),
            ("additions", STEP + "4 * down + 4 * up"),
            ("units", STEP + "2 * sum(sizes[1:]) + 2 * sum(sizes[:-1])"),
            ("gradients", STEP + "2 * down + 2 * up + 2 * both"),
            ("to the label", STEP + "2 * both + 2 * up"),
            ("to the image", STEP + "2 * down + 2 * both"),
            ("raised", STEP + "2 * lower + 2 * up"),
            ("printed", STEP.replace("return ", "print(") + "2 * down + 2 * up)"),
        ],
    },
    "8.2": {
        "right": [
            PAIRED,
            "from scipy import stats\n"
            "def paired_interval(a, b):\n"
            "    return list(stats.ttest_rel(a, b).confidence_interval(0.95))",
            PAIRED.replace("a - b", "jnp.asarray(a) - jnp.asarray(b)"),
            "from scipy.stats import t as student\n"
            "def paired_interval(a, b):\n"
            "    d = [x - y for x, y in zip(a, b)]\n"
            "    n, mean = len(d), sum(d) / len(d)\n"
            "    variance = sum((x - mean) ** 2 for x in d) / (n - 1)\n"
            "    half = student.isf(0.025, n - 1) * (variance / n) ** 0.5\n"
            "    return np.array([mean - half, mean + half])",
        ],
        "wrong": [
            (
                "mean and the half width",
                "from scipy import stats\n"
                "def paired_interval(a, b):\n"
                "    d = a - b\n"
                "    return d.mean(), stats.t.ppf(0.975, len(d) - 1) * d.std(ddof=1) / len(d) ** "
                "0.5",
            ),
            (
                "not paired",
                "from scipy import stats\n"
                "def paired_interval(a, b):\n"
                "    return list(stats.ttest_ind(a, b).confidence_interval(0.95))",
            ),
            (
                "independent",
                PAIRED.replace("d.std(ddof=1)", "np.hypot(a.std(ddof=1), b.std(ddof=1))"),
            ),
            (
                "Welch",
                "from scipy import stats\n"
                "def paired_interval(a, b):\n"
                "    found = stats.ttest_ind(a, b, equal_var=False)\n"
                "    return list(found.confidence_interval(0.95))",
            ),
            ("five seeds", PAIRED.replace("student.ppf(0.975, n - 1)", "2.78")),
            ("1.96", PAIRED.replace("student.ppf(0.975, n - 1)", "1.96")),
            ("n degrees", PAIRED.replace("n - 1", "n")),
            ("90 %", PAIRED.replace("0.975", "0.95")),
            ("not of their mean", PAIRED.replace(" / np.sqrt(n)", "")),
            ("not by n", PAIRED.replace("np.sqrt(n)", "n")),
            ("ddof=1", PAIRED.replace("ddof=1", "")),
            ("without t", PAIRED.replace("student.ppf(0.975, n - 1) * ", "")),
            ("exchanged: a - b", PAIRED.replace("a - b", "b - a")),
            (
                "low, then high",
                PAIRED.replace(
                    "d.mean() - half, d.mean() + half", "d.mean() + half, d.mean() - half"
                ),
            ),
            ("no mean", PAIRED.replace("d.mean() - half, d.mean() + half", "-half, half")),
            ("a alone", PAIRED.replace("a - b", "a")),
            ("median", PAIRED.replace("d.mean()", "np.median(d)")),
            ("take its root", PAIRED.replace("d.std", "d.var")),
            ("shape", PAIRED.replace("return d.mean() - half, d.mean() + half", "return half")),
            ("raised", PAIRED.replace("len(a)", "length(a)")),
        ],
    },
    "8.3": {
        "right": [
            HELD,
            "from scipy.stats import t as student\n"
            "def held(values, sets):\n"
            "    few, n = values[sets], sets.shape[1]\n"
            "    others = (values.sum() - few.sum(axis=1)) / (len(values) - n)\n"
            "    half = student.ppf(0.975, n - 1) * few.std(axis=1, ddof=1) / n**0.5\n"
            "    return 100 * np.mean(np.abs(few.mean(axis=1) - others) <= half)",
            "from scipy import stats\n"
            "def held(values, sets):\n"
            "    def holds(row):\n"
            "        few = values[row]\n"
            "        rest = [v for i, v in enumerate(values) if i not in set(row.tolist())]\n"
            "        low, high = stats.t.interval(0.95, len(few) - 1, few.mean(), stats.sem(few))\n"
            "        return low <= np.mean(rest) <= high\n"
            "    return 100 * sum(map(holds, sets)) / len(sets)",
        ],
        "wrong": [
            ("share; a", HELD.replace("100 * ", "")),
            ("counts sets", HELD.replace("100 * inside / len(sets)", "inside")),
            ("miss", HELD.replace("<= half", "> half")),
            ("own values in it", HELD.replace("np.delete(values, row)", "values")),
            ("holds always", HELD.replace("np.delete(values, row)", "values[row]")),
            ("1.96", HELD.replace("student.ppf(0.975, len(few) - 1)", "1.96")),
            ("without t", HELD.replace("student.ppf(0.975, len(few) - 1) * ", "")),
            ("holds always", HELD.replace(" / np.sqrt(len(few))", "")),
            (
                "one standard deviation",
                HELD.replace("student.ppf(0.975, len(few) - 1) * ", "").replace(
                    " / np.sqrt(len(few))", ""
                ),
            ),
            ("there are in a set", HELD.replace("np.sqrt(len(few))", "np.sqrt(len(values))")),
            ("not by how many", HELD.replace("np.sqrt(len(few))", "len(few)")),
            ("ddof=1", HELD.replace("ddof=1", "")),
            ("90 %", HELD.replace("0.975", "0.95")),
            ("no set's own", HELD.replace("few.std", "values.std")),
            ("raised", HELD.replace("values[row]", "values[rows]")),
        ],
    },
    "8.4": {
        "right": [
            BEST,
            "from math import comb\n"
            "def best_of(accuracies, k):\n"
            "    n, ordered = len(accuracies), sorted(accuracies)\n"
            "    return sum(comb(i, k - 1) * a for i, a in enumerate(ordered)) / comb(n, k)",
            "import itertools\n"
            "def best_of(accuracies, k):\n"
            "    best = []\n"
            "    for few in itertools.permutations(range(len(accuracies)), k):\n"
            "        best.append(np.max(accuracies[np.array(few)]))\n"
            "    return np.array([np.mean(best)])",
        ],
        "wrong": [
            (
                "more than once",
                "import itertools\n"
                "def best_of(accuracies, k):\n"
                "    return np.mean([max(c) for c in "
                "itertools.combinations_with_replacement(accuracies, k)])",
            ),
            (
                "side by side",
                "def best_of(accuracies, k):\n"
                "    return np.mean([max(accuracies[i:i + k]) for i in range(len(accuracies) - k "
                "+ 1)])",
            ),
            (
                "blocks of k",
                "def best_of(accuracies, k):\n"
                "    return np.mean([max(accuracies[i:i + k]) for i in range(0, len(accuracies), "
                "k)])",
            ),
            ("honest", best("np.mean(accuracies)")),
            ("best of all runs; only", best("np.max(accuracies)")),
            ("first k", best("np.max(accuracies[:k])")),
            ("worst", BEST.replace("max(few)", "min(few)")),
            ("median of k", BEST.replace("max(few)", "np.median(few)")),
            ("k best", best("np.mean(np.sort(accuracies)[-k:])")),
            ("k-th best", best("np.sort(accuracies)[-k]")),
            (
                "more than once",
                BEST.replace("import combinations", "import product").replace(
                    "combinations(accuracies, k)", "product(accuracies, repeat=k)"
                ),
            ),
            ("tie", BEST.replace("combinations(accuracies", "combinations(set(accuracies)")),
            ("tie", BEST.replace("combinations(accuracies", "combinations(np.unique(accuracies)")),
            ("too few", BEST.replace("(accuracies, k)])", "(accuracies, k - 1)])")),
            ("too many", BEST.replace("(accuracies, k)])", "(accuracies, k + 1)])")),
            ("how much it rises", BEST.replace("k)])", "k)]) - np.mean(accuracies)")),
            ("sums over", BEST.replace("np.mean([", "sum([")),
            ("raised", BEST.replace("max(few)", "max(many)")),
            ("none", BEST.replace("return ", "best = ")),
        ],
    },
    "8.5": {
        "right": [
            FRONT,
            "def frontier(reads, draws):\n"
            "    r, d = jnp.asarray(reads), jnp.asarray(draws)\n"
            "    as_good = (r[None] >= r[:, None]) & (d[None] <= d[:, None])\n"
            "    better = (r[None] > r[:, None]) | (d[None] < d[:, None])\n"
            "    return ~jnp.any(as_good & better, axis=1)",
            "def frontier(reads, draws):\n"
            "    def beaten(i):\n"
            "        mine = -reads[i], draws[i]\n"
            "        for other in zip(-reads, draws):\n"
            "            if other != mine and other[0] <= mine[0] and other[1] <= mine[1]:\n"
            "                return True\n"
            "        return False\n"
            "    return [not beaten(i) for i in range(len(reads))]",
        ],
        "wrong": [
            (
                "two equal settings",
                "def frontier(reads, draws):\n"
                "    return [not any(reads[j] >= reads[i] and draws[j] <= draws[i] for j in "
                "range(len(reads)) if j != i) for i in range(len(reads))]",
            ),
            ("others are asked for", FRONT.replace("not np.any", "np.any")),
            (
                "lower is better",
                FRONT.replace("draws <= y", "draws >= y").replace("draws < y", "draws > y"),
            ),
            (
                "where it is higher",
                FRONT.replace("reads >= x", "reads <= x").replace("reads > x", "reads < x"),
            ),
            (
                "worst at both",
                FRONT.replace(">= x", "<= x")
                .replace("> x", "< x")
                .replace("draws <= y", "draws >= y")
                .replace("draws < y", "draws > y"),
            ),
            (
                "beats a setting, too",
                FRONT.replace("(reads > x) | (draws < y)", "(reads > x) & (draws < y)"),
            ),
            ("marks none", FRONT.replace("as_good & better", "as_good")),
            ("marks all", FRONT.replace("not np.any(as_good & better)", "True")),
            ("best reader", FRONT.replace("np.array(found)", "reads == reads.max()")),
            ("best drawer", FRONT.replace("np.array(found)", "draws == draws.min()")),
            (
                "two ends",
                FRONT.replace("np.array(found)", "(reads == reads.max()) | (draws == draws.min())"),
            ),
            ("marks none", FRONT.replace("as_good & better", "better")),
            (
                "better halves",
                FRONT.replace(
                    "np.array(found)",
                    "(reads >= np.median(reads)) & (draws <= np.median(draws))",
                ),
            ),
            ("where they are", FRONT.replace("np.array(found)", "np.flatnonzero(found)")),
            ("counts them", FRONT.replace("np.array(found)", "np.sum(found)")),
            ("raised", FRONT.replace("draws < y", "draw < y")),
        ],
    },
}
