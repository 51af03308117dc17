REST = "def at_rest(x, v, alpha, decay):\n    return "
NAMES = """
def names(read, margin):
    order = np.sort(read, axis=1)
    sure = order[:, -1] - order[:, -2] > margin
    return np.where(sure, read.argmax(axis=1), -1)
"""
RIGHT = """
def named_right(read, truth, margin):
    order = np.sort(read, axis=1)
    named = order[:, -1] - order[:, -2] > margin
    right = read.argmax(axis=1) == truth
    return 100 * named.mean(), 100 * right[named].mean()
"""
FADED = "def faded(w, noise, turns):\n    return "
COUNT = """
def fitted(top, label, asked, ridge):
    top, asked = (np.c_[x, np.ones(len(x))] for x in (top, asked))
    square = top.T @ top
    square = square + ridge * np.trace(square) / len(square) * np.eye(len(square))
    return asked @ np.linalg.solve(square, top.T @ np.eye(10)[label])

def by_count(top, label, asked, truth, counts, ridge):
    found = []
    for count in counts:
        answers = fitted(top[:count], label[:count], asked, ridge).argmax(axis=1)
        found.append(100 * np.mean(answers == truth))
    return found
"""
TOPS = """
def draw_tops(top, noise, wide):
    mean, C = np.mean(top, axis=0), np.cov(top, rowvar=False)
    L = np.linalg.cholesky(C)
    return mean + wide * noise @ L.T
"""
LEAD = "order[:, -1] - order[:, -2]"

ANSWERS = {
    "9.1": {
        "right": [
            REST + "alpha * v * x / (alpha * v**2 + decay)",
            REST + "x / (v + decay / (alpha * v))",
            "def at_rest(image, weight, precision, pull):\n"
            "    return jnp.linalg.solve(jnp.array([[precision * weight**2 + pull]]),"
            " jnp.array([precision * weight * image]))[0]",
        ],
        "wrong": [
            ("forgotten: this is where", REST + "x / v"),
            ("twice", REST + "alpha * v * x / (alpha * v + decay)"),
            ("missing above", REST + "v * x / (alpha * v**2 + decay)"),
            ("missing below", REST + "alpha * v * x / (v**2 + decay)"),
            ("precision is forgotten", REST + "v * x / (v**2 + decay)"),
            ("draws", REST + "alpha * v**2 * x / (alpha * v**2 + decay)"),
            ("goes through v", REST + "alpha * x / (alpha * v**2 + decay)"),
            ("v's square", REST + "alpha * v * x / (alpha + decay)"),
            ("wrong sign: it pulls", REST + "alpha * v * x / (alpha * v**2 - decay)"),
            ("at zero", REST + "alpha * v * x"),
            ("the sign is wrong", REST + "-alpha * v * x / (alpha * v**2 + decay)"),
            ("counts once", REST + "alpha * v * x / (alpha * v**2 + 2 * decay)"),
            ("the half goes", REST + "alpha * v * x / (alpha * v**2 + decay / 2)"),
            ("error that is left", REST + "x - alpha * v**2 * x / (alpha * v**2 + decay)"),
            ("holds it back", REST + "x / v - alpha * v * x / (alpha * v**2 + decay)"),
            ("raised", REST + "alpha * v * x / (alpha * v**2 + lam)"),
            ("printed", "def at_rest(x, v, alpha, decay):\n    print(x / v)"),
        ],
    },
    "9.2": {
        "right": [
            NAMES,
            "def names(read, margin):\n"
            "    found = []\n"
            "    for row in read:\n"
            "        second, first = sorted(row)[-2:]\n"
            "        found.append(int(np.argmax(row)) if first - second > margin else -1)\n"
            "    return found",
            "def names(read, margin):\n"
            "    (a, b), (best, _) = (part.T for part in jax.lax.top_k(jnp.asarray(read), 2))\n"
            "    return jnp.where(a > b + margin, best, -1)",
        ],
        "wrong": [
            (
                "last unit over",
                "def names(read, margin):\n"
                "    return np.where(read[:, -1] - read[:, -2] > margin, read.argmax(axis=1), -1)",
            ),
            (
                "first unit over",
                "def names(read, margin):\n"
                "    return np.where(read[:, 0] - read[:, 1] > margin, read.argmax(axis=1), -1)",
            ),
            ("how large", NAMES.replace(LEAD, "order[:, -1]")),
            (
                "softmax",
                NAMES.replace("np.sort(read, axis=1)", "np.sort(jax.nn.softmax(read), axis=1)"),
            ),
            ("exchanged", NAMES.replace("> margin", "<= margin")),
            ("just the margin", NAMES.replace("> margin", ">= margin")),
            (
                "every image",
                NAMES.replace("np.where(sure, read.argmax(axis=1), -1)", "read.argmax(axis=1)"),
            ),
            ("none is named", NAMES.replace("> margin", "> 99")),
            ("0 is a digit", NAMES.replace(", -1)\n", ", 0)\n")),
            ("which are named", NAMES.replace("np.where(sure, read.argmax(axis=1), -1)", "sure")),
            ("smallest unit; the largest names", NAMES.replace("argmax", "argmin")),
            ("mean of all", NAMES.replace(LEAD, "order[:, -1] - read.mean(axis=1)")),
            ("leads the smallest", NAMES.replace(LEAD, "order[:, -1] - order[:, 0]")),
            ("count from 0", NAMES.replace("read.argmax(axis=1)", "read.argmax(axis=1) + 1")),
            (
                "second largest unit",
                NAMES.replace("read.argmax(axis=1)", "np.argsort(read, axis=1)[:, -2]"),
            ),
            ("third", NAMES.replace("order[:, -2]", "order[:, -3]")),
            ("this is the lead", NAMES.replace("np.where(sure, read.argmax(axis=1), -1)", LEAD)),
            (
                "squares",
                NAMES.replace(
                    "np.sort(read, axis=1)", "np.sort(read, axis=1) * abs(np.sort(read, axis=1))"
                ).replace(LEAD, "abs(order[:, -1]) - abs(order[:, -2])"),
            ),
            ("raised", NAMES.replace("margin\n", "gap\n")),
            ("none", NAMES.replace("return", "found =")),
            (
                "shape",
                NAMES.replace(
                    "return np.where", "return np.where(sure, 0, 0)[:5] if 1 else np.where"
                ),
            ),
        ],
    },
    "9.3": {
        "right": [
            RIGHT,
            "def named_right(read, truth, margin):\n"
            "    named = right = 0\n"
            "    for row, label in zip(read, truth):\n"
            "        second, first = sorted(row)[-2:]\n"
            "        if first - second > margin:\n"
            "            named += 1\n"
            "            right += row.argmax() == label\n"
            "    return [100 * named / len(read), 100 * right / named]",
            RIGHT.replace(
                "return 100 * named.mean(), 100 * right[named].mean()",
                "return jnp.array([named.mean(), (right & named).sum() / named.sum()]) * 100",
            ),
        ],
        "wrong": [
            ("these are shares", RIGHT.replace("100 * ", "")),
            (
                "these are counts",
                RIGHT.replace(
                    "100 * named.mean(), 100 * right[named].mean()",
                    "float(named.sum()), float(right[named].sum())",
                ),
            ),
            ("of all images;", RIGHT.replace("right[named].mean()", "(right & named).mean()")),
            ("does not look", RIGHT.replace("right[named]", "right")),
            ("not named", RIGHT.replace("right[named]", "right[~named]")),
            (
                "exchanged",
                RIGHT.replace(
                    "100 * named.mean(), 100 * right[named].mean()",
                    "100 * right[named].mean(), 100 * named.mean()",
                ),
            ),
            ("first is what is not", RIGHT.replace("100 * named.mean()", "100 * (~named).mean()")),
            ("what is wrong", RIGHT.replace("== truth", "!= truth")),
            ("how large", RIGHT.replace(LEAD, "order[:, -1]")),
            ("every image", RIGHT.replace(LEAD + " > margin", "order[:, -1] > -9")),
            (
                "named and right",
                RIGHT.replace("100 * named.mean()", "100 * (named & right).mean()"),
            ),
            ("how many of the right", RIGHT.replace("right[named]", "named[right]")),
            ("leads the third", RIGHT.replace(LEAD, "order[:, -1] - order[:, -3]")),
            ("raised", RIGHT.replace("== truth", "== label")),
            ("none", RIGHT.replace("return", "found =")),
        ],
    },
    "9.4": {
        "right": [
            FADED + "w / (1 + noise**2) ** turns",
            "def faded(w, noise, turns):\n"
            "    for _ in range(turns):\n"
            "        w = w / (1 + noise**2)\n"
            "    return w",
            FADED + "w * jnp.exp(-turns * jnp.log1p(noise**2))",
        ],
        "wrong": [
            ("too few", FADED + "w / (1 + noise**2) ** (turns - 1)"),
            ("too many", FADED + "w / (1 + noise**2) ** (turns + 1)"),
            ("this is one turn", FADED + "w / (1 + noise**2)"),
            ("standard deviation", FADED + "w / (1 + noise) ** turns"),
            ("takes away", FADED + "w * (1 - noise**2) ** turns"),
            ("nothing fades", FADED + "w"),
            ("adds the turns", FADED + "w / (1 + turns * noise**2)"),
            ("root", FADED + "w / (1 + noise**2) ** (turns / 2)"),
            ("grows", FADED + "w * (1 + noise**2) ** turns"),
            ("what was lost", FADED + "w - w / (1 + noise**2) ** turns"),
            ("the share that is left", FADED + "1 / (1 + noise**2) ** turns"),
            ("small noise", FADED + "w * np.exp(-turns * noise**2)"),
            ("share that noise has", FADED + "w * (noise**2 / (1 + noise**2)) ** turns"),
            ("sign stays", FADED + "-w / (1 + noise**2) ** turns"),
            ("to a power", FADED + "w * (w / (1 + noise**2)) ** turns"),
            ("raised", FADED + "w / (1 + sigma**2) ** turns"),
            ("text", FADED + "f'{w / (1 + noise**2) ** turns}'"),
        ],
    },
    "9.5": {
        "right": [
            COUNT,
            COUNT.replace(
                "100 * np.mean(answers == truth)", "float((answers == truth).mean() * 100)"
            ).replace("np.eye(10)[label]", "np.asarray(bpc.one_hot(jnp.asarray(label)))"),
            COUNT[: COUNT.index("def by_count")]
            + "def by_count(top, label, asked, truth, counts, ridge):\n"
            "    reads = [fitted(top[:n], label[:n], asked, ridge).argmax(1) for n in counts]\n"
            "    return np.array([(read == truth).sum() / len(truth) * 100 for read in reads])",
        ],
        "wrong": [
            ("these are shares", COUNT.replace("100 * np", "np")),
            ("these are counts", COUNT.replace("100 * np.mean", "1.0 * np.sum")),
            ("what is wrong", COUNT.replace("answers == truth", "answers != truth")),
            ("from all rows", COUNT.replace("top[:count], label[:count]", "top, label")),
            ("last rows", COUNT.replace("[:count]", "[-count:]")),
            (
                "what it learnt from",
                COUNT.replace("label[:count], asked,", "label[:count], top[:count],").replace(
                    "== truth", "== label[:count]"
                ),
            ),
            (
                "all rows of `top`",
                COUNT.replace("label[:count], asked,", "label[:count], top,").replace(
                    "== truth", "== label"
                ),
            ),
            ("turned round", COUNT.replace("return found", "return found[::-1]")),
            ("last count", COUNT.replace("return found", "return [found[-1]] * len(found)")),
            ("first count", COUNT.replace("return found", "return [found[0]] * len(found)")),
            ("gains", COUNT.replace("return found", "return [x - found[0] for x in found]")),
            ("other rows", COUNT.replace("label[:count]", "label[-count:]")),
            (
                "without a constant",
                COUNT.replace(
                    "    top, asked = (np.c_[x, np.ones(len(x))] for x in (top, asked))\n", ""
                ),
            ),
            ("raised", COUNT.replace("== truth", "== labels")),
            ("none", COUNT.replace("return found", "found")),
        ],
    },
    "9.6": {
        "right": [
            TOPS,
            "def draw_tops(activities, normal, factor):\n"
            "    m = sum(activities) / len(activities)\n"
            "    C = (activities - m).T @ (activities - m) / len(activities)\n"
            "    L = np.linalg.cholesky(C)\n"
            "    return [m + factor * L @ xi for xi in normal]",
            "def draw_tops(top, noise, wide):\n"
            "    C = jnp.cov(jnp.asarray(top).T) * wide**2\n"
            "    L = jax.scipy.linalg.cholesky(C, lower=True)\n"
            "    return jnp.mean(top, axis=0) + jnp.einsum('ij,nj->ni', L, noise)",
        ],
        "wrong": [
            ("mean is forgotten", TOPS.replace("mean + wide", "wide")),
            (
                "mean is widened",
                TOPS.replace("mean + wide * noise @ L.T", "wide * (mean + noise @ L.T)"),
            ),
            (
                "not the variance",
                TOPS.replace("cholesky(C)", "cholesky(wide * C)").replace("wide * n", "n"),
            ),
            ("its square", TOPS.replace("wide * n", "wide**2 * n")),
            ("`wide` is forgotten", TOPS.replace("wide * n", "n")),
            ("divides by", TOPS.replace("wide * n", "1 / wide * n")),
            ("turned round", TOPS.replace("L.T", "L")),
            ("multiplies by the covariance", TOPS.replace("@ L.T", "@ C")),
            ("by itself: that", TOPS.replace("@ L.T", "* np.std(top, axis=0)")),
            ("by its variance", TOPS.replace("@ L.T", "* np.var(top, axis=0)")),
            ("one spread", TOPS.replace("@ L.T", "* np.trace(C / len(C)) ** 0.5")),
            ("as it is", TOPS.replace("@ L.T", "")),
            ("correlations", TOPS.replace("np.cov", "np.corrcoef")),
            (
                "is not taken away",
                TOPS.replace("np.cov(top, rowvar=False)", "top.T @ top / len(top)"),
            ),
            (
                "rows themselves",
                TOPS.replace("noise @ L.T", "(top[: len(noise)] - mean)"),
            ),
            ("moves rows", TOPS.replace("mean + wide", "top[: len(noise)] + wide")),
            ("nothing varies", TOPS.replace("wide * n", "0 * n")),
            ("mean of all numbers", TOPS.replace("np.mean(top, axis=0)", "np.mean(top)")),
            (
                "another root",
                TOPS.replace("L = np.linalg.cholesky(C)", "L = scipy.linalg.sqrtm(C)").replace(
                    "def ", "import scipy\n\n\ndef "
                ),
            ),
            ("raised", TOPS.replace(", rowvar=False", "")),
            ("none", TOPS.replace("return", "tops =")),
        ],
    },
}
