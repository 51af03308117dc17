"""No verdict hangs on a clock: a busy machine is not a fault.

Chapters and tests are read, not run. What a clock said is followed through variables, containers, attributes,
functions and their arguments, and through code that another process runs, to an assertion, a raise, or a
condition of one. Times may be measured and shown.
"""

import ast
import textwrap
from pathlib import Path

import nbformat
import pytest
from IPython.core.inputtransformer2 import TransformerManager

ROOT = Path(__file__).resolve().parents[1]
FILES = sorted((ROOT / "book").glob("[0-9]*.ipynb")) + sorted((ROOT / "tests").glob("*.py"))

CLOCKS = {
    "time": "perf_counter perf_counter_ns monotonic monotonic_ns time time_ns process_time"
    " process_time_ns thread_time",
    "timeit": "timeit repeat default_timer",
    "datetime": "now utcnow today",
    "date": "today",
    "resource": "getrusage",
    "os": "times",
}
CLOCKS = {module: set(names.split()) for module, names in CLOCKS.items()}
# In a text that is handed to another Python; what that prints is then a clock's value.
SPOKEN = ("perf_counter(", "monotonic(", "process_time(", "time.time(", "total_seconds(", "timeit")
HARMLESS = {
    "len",
    "isinstance",
    "type",
    "print",
    "callable",
    "id",
}  # what they return tells no time
HOLDS = {"append", "add", "extend", "insert", "update", "setdefault"}  # what a container is given
LOOPS = ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp
FUNCTIONS = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda


NO, GIVEN, OWN = 0, 1, 2  # no clock's value; one that a function's caller gave it; one


class Flow:
    """What of a module holds a clock's value, found by passing over it until nothing new turns up."""

    def __init__(self, source: str):
        self.tree = ast.parse(source)
        self.aliases: dict[str, str] = {}  # a name to the clock that it is, as "module.function"
        self.functions: dict[str, ast.FunctionDef] = {}
        self.told: dict[tuple[int, str], int] = {}  # names, each in its scope
        self.attributes: set[str] = set()
        self.returns: dict[str, list[int]] = {}  # one, or one for each item of a tuple
        self.local: dict[int, set[str]] = {}
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                for name in node.names:
                    self.aliases[name.asname or name.name] = name.name
            elif isinstance(node, ast.ImportFrom):
                for name in node.names:
                    self.aliases[name.asname or name.name] = f"{node.module}.{name.name}"
            elif isinstance(node, ast.FunctionDef):
                self.functions[node.name] = node
            if isinstance(node, FUNCTIONS):
                self.local[id(node)] = locals_of(node)
            elif isinstance(node, LOOPS):
                targets = [n for loop in node.generators for n in ast.walk(loop.target)]
                self.local[id(node)] = {n.id for n in targets if isinstance(n, ast.Name)}
        size = -1
        while size != self.size():
            size = self.size()
            self.pass_over(self.tree, ())

    def size(self) -> int:
        return sum(self.told.values()) + len(self.attributes) + sum(map(sum, self.returns.values()))

    # -- expressions ----------------------------------------------------------------------------------------

    def tells(self, node: ast.AST | None, scope: tuple[int, ...]) -> int:
        """Say whether a clock's value is in an expression, and whose."""
        if node is None:
            return NO
        if isinstance(node, ast.Constant):
            spoken = isinstance(node.value, str) and any(word in node.value for word in SPOKEN)
            return OWN if spoken else NO
        if isinstance(node, ast.Name):
            returns = max(self.returns.get(node.id, [NO]))
            return max(self.told.get(self.place(node.id, scope), NO), returns)
        if isinstance(node, ast.Attribute):
            return OWN if node.attr in self.attributes else self.tells(node.value, scope)
        if isinstance(node, ast.Lambda):
            return self.tells(node.body, (*scope, id(node)))
        if isinstance(node, ast.Call):
            name = node.func.id if isinstance(node.func, ast.Name) else None
            if name in HARMLESS:
                return NO
            if isinstance(node.func, ast.Attribute) and node.func.attr == "keys":
                return NO
            self.hand_over(node, scope)
            if self.is_clock(node.func):
                return OWN
            if name in self.functions:  # what it returns by itself, or may make of what it is given
                given = [v for v in arguments_of(node) if not isinstance(v, ast.Lambda)]
                return max(
                    *self.returns.get(name, [NO]), NO, *(self.tells(v, scope) for v in given)
                )
        if isinstance(node, LOOPS):
            scope = (*scope, id(node))
            for loop in node.generators:
                self.assign(loop.target, loop.iter, scope, loop=True)
            value = node.value if isinstance(node, ast.DictComp) else node.elt
            return self.tells(value, scope)
        if isinstance(node, ast.NamedExpr):
            self.assign(node.target, node.value, scope)
        return max((self.tells(child, scope) for child in ast.iter_child_nodes(node)), default=NO)

    def is_clock(self, function: ast.expr) -> bool:
        text = ast.unparse(function)
        head, _, rest = text.partition(".")
        full = self.aliases.get(head, "" if rest else head) + (f".{rest}" if rest else "")
        module, _, name = full.rpartition(".")
        return (
            name in CLOCKS.get(module.rpartition(".")[2], ())
            and head in self.aliases
            or ("run_line_magic('time" in ast.unparse(function))
        )

    def place(self, name: str, scope: tuple[int, ...]) -> tuple[int, str]:
        inner = next((s for s in reversed(scope) if name in self.local.get(s, ())), 0)
        return inner, name

    # -- statements -----------------------------------------------------------------------------------------

    def assign(self, target: ast.AST, value: ast.expr, scope: tuple[int, ...], loop=False) -> None:
        """Let a target hold what a value holds, item by item where both have items."""
        if isinstance(target, ast.Tuple | ast.List):
            parts = self.items(value, len(target.elts), scope, loop)
            for part, tells in zip(target.elts, parts, strict=True):
                self.mark(part, scope, tells)
        else:
            self.mark(target, scope, self.tells(value, scope))

    def items(self, value: ast.expr, count: int, scope: tuple[int, ...], loop: bool) -> list[int]:
        """Say of each item that a value is unpacked into whether it holds a clock's value."""
        whole = self.tells(value, scope)
        if not loop and isinstance(value, ast.Tuple | ast.List) and len(value.elts) == count:
            return [self.tells(part, scope) for part in value.elts]
        if isinstance(value, ast.Call):
            name = value.func.id if isinstance(value.func, ast.Name) else ""
            if not loop and len(self.returns.get(name, [])) == count:
                return self.returns[name]
            if loop and name == "zip" and len(value.args) == count:
                return [self.tells(part, scope) for part in value.args]
            named = isinstance(value.func, ast.Attribute) and value.func.attr == "items"
            if loop and count == 2 and (named or name == "enumerate"):
                return [NO, whole]
        return [whole] * count

    def mark(self, target: ast.AST, scope: tuple[int, ...], tells: int) -> None:
        if tells == NO:
            return
        if isinstance(target, ast.Name):
            place = self.place(target.id, scope)
            self.told[place] = max(self.told.get(place, NO), tells)
        elif isinstance(target, ast.Attribute):
            self.attributes.add(target.attr)
        elif isinstance(target, ast.Subscript | ast.Starred):
            self.mark(target.value, scope, tells)
        elif isinstance(target, ast.Tuple | ast.List):
            for part in target.elts:
                self.mark(part, scope, tells)

    def hand_over(self, call: ast.Call, scope: tuple[int, ...]) -> None:
        """Let a function's parameters, or a container, hold what a call gives them."""
        if isinstance(call.func, ast.Attribute) and call.func.attr in HOLDS:
            for value in arguments_of(call):
                self.mark(call.func.value, scope, self.tells(value, scope))
        function = self.functions.get(call.func.id) if isinstance(call.func, ast.Name) else None
        if function is None:
            return
        names = [a.arg for a in (*function.args.posonlyargs, *function.args.args)]
        given = [*zip(names, call.args, strict=False)]
        given += [(k.arg, k.value) for k in call.keywords if k.arg]
        for name, value in given:
            if not isinstance(value, ast.Lambda) and self.tells(value, scope):
                self.told.setdefault((id(function), name), GIVEN)

    def pass_over(self, node: ast.AST, scope: tuple[int, ...]) -> None:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            inside = (*scope, id(node))
            for found in own_nodes(node):
                if isinstance(found, ast.Return | ast.Yield) and found.value is not None:
                    self.note_return(node.name, found.value, inside)
            scope = inside
        elif isinstance(node, ast.Assign):
            for target in node.targets:
                self.assign(target, node.value, scope)
        elif isinstance(node, ast.AnnAssign | ast.AugAssign) and node.value is not None:
            self.assign(node.target, node.value, scope)
        elif isinstance(node, ast.For | ast.AsyncFor):
            self.assign(node.target, node.iter, scope, loop=True)
        elif isinstance(node, ast.withitem) and node.optional_vars is not None:
            self.assign(node.optional_vars, node.context_expr, scope)
        elif isinstance(node, ast.Call | ast.NamedExpr):
            self.tells(node, scope)
        for child in ast.iter_child_nodes(node):
            self.pass_over(child, scope)

    def note_return(self, name: str, value: ast.expr, scope: tuple[int, ...]) -> None:
        parts = value.elts if isinstance(value, ast.Tuple) else [value]
        tells = [OWN * (self.tells(part, scope) == OWN) for part in parts]
        before = self.returns.get(name, tells)
        if len(before) != len(tells):  # now of one kind, now of another
            tells = [max(*tells, *before)]
        else:
            tells = [*map(max, before, tells)]
        if any(tells):
            self.returns[name] = tells

    # -- verdicts -------------------------------------------------------------------------------------------

    def verdicts(self) -> list[str]:
        """Name each line where a clock's value decides."""
        found: list[ast.AST] = []
        self.judge(self.tree, (), found)
        lines = sorted({(node.lineno, ast.unparse(node).split("\n")[0]) for node in found})
        return [f"line {number}: {text}" for number, text in lines]

    def judge(self, node: ast.AST, scope: tuple[int, ...], found: list[ast.AST]) -> None:
        if isinstance(node, FUNCTIONS | LOOPS):
            scope = (*scope, id(node))
        if isinstance(node, ast.Assert) and self.tells(node.test, scope):
            found.append(node)
        elif isinstance(node, ast.Raise) and self.tells(node.exc, scope):
            found.append(node)
        elif isinstance(node, ast.If | ast.While | ast.IfExp) and self.tells(node.test, scope):
            if any(is_verdict(inner) for inner in ast.walk(node)):
                found.append(node)
        elif isinstance(node, ast.Call) and is_verdict(node):
            if any(self.tells(value, scope) for value in arguments_of(node)):
                found.append(node)
        for child in ast.iter_child_nodes(node):
            self.judge(child, scope, found)


def arguments_of(call: ast.Call) -> list[ast.expr]:
    return [*call.args, *(k.value for k in call.keywords)]


def is_verdict(node: ast.AST) -> bool:
    """Whether a statement or a call can fail a test by what it is given."""
    if isinstance(node, ast.Call):
        name = ast.unparse(node.func).rpartition(".")[2]
        return name.startswith("assert") or name in ("fail", "exit")
    return isinstance(node, ast.Raise | ast.Assert)


def own_nodes(function: ast.AST):
    """Give the nodes of a function, without those of the functions in it."""
    for child in ast.iter_child_nodes(function):
        if not isinstance(child, FUNCTIONS):
            yield child
            yield from own_nodes(child)


def locals_of(function: ast.AST) -> set[str]:
    arguments = function.args
    names = {a.arg for a in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)}
    outer: set[str] = set()
    for node in own_nodes(function):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif isinstance(node, ast.Global | ast.Nonlocal):
            outer |= {*node.names}
    return names - outer


def source_of(path: Path) -> str:
    if path.suffix == ".py":
        return path.read_text("utf-8")
    cells = nbformat.read(path, as_version=4).cells
    transform = TransformerManager().transform_cell
    return "\n".join(transform(cell.source) for cell in cells if cell.cell_type == "code")


@pytest.mark.parametrize(
    "path", [path for path in FILES if path != Path(__file__)], ids=lambda path: path.name
)
def test_no_verdict_hangs_on_a_clock(path):
    assert not Flow(source_of(path)).verdicts(), "count operations, calls or bytes; show the time"


IMPORTS = """
import os, resource, subprocess, time, timeit
import time as t
from datetime import datetime
from time import perf_counter
"""
HANGS = {
    "directly": "assert time.perf_counter() < 3",
    "through a variable": "start = time.monotonic()\nwork()\nassert time.monotonic() - start < 3",
    "through a bare import": "start = perf_counter()\nassert perf_counter() - start < 3",
    "through an alias": "x = t.process_time()\ny = 2 * x\nassert y < 3",
    "through a function": """
        def seconds(f):
            start = time.perf_counter()
            f()
            return time.perf_counter() - start
        assert seconds(work) < 3
        """,
    "through a function of a function": """
        def once(f):
            start = time.perf_counter()
            return time.perf_counter() - start
        def least(f):
            return min(once(f) for _ in range(3))
        fast, slow = least(a), least(b)
        assert fast < slow
        """,
    "through a table": """
        times = {}
        for name in "ab":
            times[name] = time.perf_counter()
        assert times["a"] < times["b"]
        """,
    "through a list that grows": """
        times = []
        times.append(time.time())
        assert sorted(times)[0] > 3
        """,
    "through an attribute": "self.took = time.time()\nassert self.took < 3",
    "through a parameter": """
        def judge(took):
            assert took < 3
        judge(time.perf_counter())
        """,
    "through a function that is handed on": """
        def seconds(n):
            return time.perf_counter()
        assert min(map(seconds, range(3))) < 3
        """,
    "through unpacking": """
        def timed(f):
            return f(), time.perf_counter()
        value, took = timed(work)
        assert took < 3
        """,
    "through another process": """
        CODE = "import time; print(time.process_time())"
        out = subprocess.check_output(["python", "-c", CODE])
        assert float(out) < 3
        """,
    "through the day": "now = datetime.now()\nassert now.hour < 12",
    "through timeit": "assert timeit.timeit(work) < 3",
    "through a magic": "took = get_ipython().run_line_magic('timeit', '-o work()')\nassert took.best < 3",
    "through the use of the processor": "assert resource.getrusage(0).ru_utime < 3",
    "by a raise": "if time.time() - start > 3:\n    raise RuntimeError('slow')",
    "by a test's failure": "if time.time() > 3:\n    pytest.fail('slow')",
    "by a helper": "np.testing.assert_allclose(time.time(), 3)",
}
STANDS = {
    "shown": "start = time.time()\nprint(f'{time.time() - start:.1f} s')",
    "counted": "times = [time.time() for _ in range(3)]\nassert len(times) == 3",
    "beside": """
        start = time.perf_counter()
        result = work()
        took = time.perf_counter() - start
        print(took)
        assert result == 3
        """,
    "the value and not the time": """
        def timed(f):
            start = time.perf_counter()
            return f(), time.perf_counter() - start
        value, took = timed(work)
        assert value == 3
        """,
    "the name and not the time": """
        times = {"a": time.time()}
        for name, took in times.items():
            print(took)
            assert name in known
        """,
    "a variable called time": "time_axis = np.arange(3)\nassert time_axis[0] == 0",
    "another of the same name": """
        def f():
            took = time.time()
            print(took)
        def g():
            took = 3
            assert took == 3
        """,
    "drawn": "times = {'a': time.time()}\nfigures.bars(times, 'ms')\nassert work() == 3",
    "a pause": "time.sleep(1)\nassert work() == 3",
    "a seed": "rng = np.random.default_rng(0)\nassert rng.random() < 1",
    "a function that is timed": """
        def milliseconds(f):
            start = time.time()
            f()
            return time.time() - start
        print(milliseconds(work))
        assert work() == 3
        """,
    "a function that is also given a time": """
        def half(x):
            return x / 2
        print(half(time.time()))
        assert half(6) == 3
        """,
    "a wait": "while time.time() < 3 and not there():\n    time.sleep(1)\nassert there()",
    "a file's age, compared with another's": "assert a.stat().st_mtime < b.stat().st_mtime",
}


@pytest.mark.parametrize("code", HANGS.values(), ids=HANGS)
def test_a_verdict_by_the_clock_is_found(code):
    assert len(Flow(IMPORTS + textwrap.dedent(code)).verdicts()) >= 1


@pytest.mark.parametrize("code", STANDS.values(), ids=STANDS)
def test_what_only_measures_is_left_alone(code):
    assert Flow(IMPORTS + textwrap.dedent(code)).verdicts() == []
