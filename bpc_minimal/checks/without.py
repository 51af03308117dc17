"""What an answer must not use, looked for in what it is made of: see `without` of `core.exercise`.

In a notebook an answer is a function, whose code is read, and that of the reader's functions that it calls.
A graded answer runs in another process, and its cells are read. Whoever hides a name well is not found.
"""

import ast
import dis
import functools
import inspect
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

LOOP = "a loop"  # in place of a name: `for`, `while`, and what JAX has for them
DERIVATIVES = tuple(
    f"jax.{name}"
    for name in "grad value_and_grad jacfwd jacrev jacobian hessian jvp vjp linearize".split()
)
BY_ATTRIBUTE = {"LOAD_ATTR", "LOAD_METHOD", "IMPORT_FROM"}
BY_NAME = {"LOAD_GLOBAL", "LOAD_NAME"}
LOOPS_OF_JAX = {"fori_loop", "while_loop", "scan"}
LOOPS = ast.For | ast.While | ast.comprehension


def used(answer: Any, names: Mapping[str, Any], name: str, forbidden: Iterable[str]) -> str | None:
    """Give the first of what is forbidden that an answer uses.

    Args:
        answer: the reader's function, or what stands for one of another process.
        names: those of the notebook; of a graded answer they have `job`, the cells that made them.
        name: the answer's own.
        forbidden: names, or `LOOP`. "jax.grad" is JAX's alone; one without a module is anybody's.
    """
    if not (asked := list(forbidden)):
        return None
    cells = getattr(names, "job", None)
    there = {*(in_functions(answer) if cells is None else in_cells(cells, name))}
    for one in asked:
        module, _, last = one.rpartition(".")
        ways = {one, f"any.{last}"} | (set() if module else {f"own.{last}"})
        if one == LOOP:
            ways |= {f"{where}.{loop}" for where in ("jax", "any") for loop in LOOPS_OF_JAX}
        if ways & there:
            return last
    return None


# -- of a function that is here -----------------------------------------------------------------------------


def in_functions(answer: Any) -> Iterator[str]:
    """Give what a function uses, and what those of the reader's use that it calls.

    A name that is looked up is given as it is; "any.grad" is an attribute, or a name that is not there yet;
    "jax.grad" is that function of JAX, whatever it is called, and "own.errors" one that is not of JAX.
    """
    readers = getattr(inspect.unwrap(answer), "__globals__", None)
    todo, seen = [answer], list[Any]()
    while todo:
        part = todo.pop()
        if any(part is other for other in seen):
            continue
        seen.append(part)
        if isinstance(part, functools.partial):
            todo += [part.func, *part.args, *part.keywords.values()]
            continue
        part = getattr(part, "__func__", part)  # of a method
        of_jax = str(getattr(part, "__module__", "")).partition(".")[0] == "jax"
        yield f"{'jax' if of_jax else 'own'}.{getattr(part, '__name__', '')}"
        if hasattr(part, "__wrapped__"):
            todo.append(part.__wrapped__)
        if not inspect.isfunction(part):
            continue
        todo += [cell.cell_contents for cell in part.__closure__ or () if has_value(cell)]
        todo += part.__defaults__ or ()
        todo = [value for value in todo if callable(value)]
        space = part.__globals__
        if str(space.get("__name__")).partition(".")[0] == "jax":  # made by JAX: jax.grad(f)
            yield f"jax.{part.__code__.co_qualname.partition('.')[0]}"
        elif space is readers or space.get("__name__") == "__main__":
            yield from in_code(part.__code__, space, todo)


def has_value(cell: Any) -> bool:
    """Is there anything in a cell of a closure?"""
    try:
        cell.cell_contents  # noqa: B018
    except ValueError:
        return False
    return True


def in_code(code: Any, space: Mapping[str, Any], todo: list) -> Iterator[str]:
    """Give the names that code takes from elsewhere, and note what they stand for."""
    for one in dis.get_instructions(code):
        if one.opname == "FOR_ITER" or "JUMP_BACKWARD" in one.opname:
            yield LOOP
        elif one.opname in BY_ATTRIBUTE:
            yield f"any.{one.argval}"
        elif one.opname in BY_NAME:
            if one.argval not in space:  # made when it is called, or not at all
                yield f"any.{one.argval}"
            elif callable(space[one.argval]):
                yield one.argval
                todo.append(space[one.argval])
    for const in code.co_consts:
        if inspect.iscode(const):
            yield from in_code(const, space, todo)
        elif isinstance(const, str) and const.isidentifier():  # getattr(jax, "grad")
            yield f"any.{const}"


# -- of an answer whose cells are here ----------------------------------------------------------------------


def in_cells(cells: Mapping[str, Any], name: str) -> Iterator[str]:
    """Give what an answer uses, and what those of its cells use that it needs."""
    own = [*cells.get("own", ()), cells.get("answer", "")]
    makers: dict[str, list[tuple[ast.AST, bool]]] = {}
    for cell in [cells.get("context", ""), *own]:
        for statement in statements(parsed(cell)):
            for made in bound(statement):
                makers.setdefault(made, []).append((statement, cell in own))
    todo, seen = [name], set[str]()
    while todo:
        wanted = todo.pop()
        if wanted in seen:
            continue
        seen.add(wanted)
        for maker, is_own in makers.get(wanted, ()):
            if not is_own:
                yield wanted
            yield from in_statement(maker, makers, todo)


def in_statement(statement: ast.AST, makers: Mapping[str, Any], todo: list) -> Iterator[str]:
    """Give the names that a statement takes from elsewhere, and note those that cells have made."""
    inside = local(statement)
    for node in ast.walk(statement):
        if isinstance(node, LOOPS):
            yield LOOP
        elif isinstance(node, ast.Attribute):
            yield f"any.{node.attr}"
        elif isinstance(node, ast.ImportFrom):
            yield from (f"any.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield f"any.{node.value}"
        elif isinstance(node, ast.Name) and node.id not in inside:
            if node.id in makers:
                todo.append(node.id)
            elif isinstance(node.ctx, ast.Load):
                yield f"any.{node.id}"


def parsed(cell: str) -> list[ast.stmt]:
    """Read a cell; one that cannot be read makes nothing."""
    from IPython.core.inputtransformer2 import TransformerManager

    try:
        return ast.parse(TransformerManager().transform_cell(cell)).body
    except (SyntaxError, ValueError, RecursionError):
        return []


def statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Give all statements outside functions and classes."""
    for statement in body:
        yield statement
        if not isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            for part in ("body", "orelse", "finalbody"):
                yield from statements(getattr(statement, part, []))
            for handler in getattr(statement, "handlers", []):
                yield from statements(handler.body)


def bound(statement: ast.stmt) -> set[str]:
    """Give the names that a statement makes."""
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return {statement.name}
    if isinstance(statement, ast.Import | ast.ImportFrom):
        return {(alias.asname or alias.name).partition(".")[0] for alias in statement.names}
    nodes = ast.walk(statement)
    return {n.id for n in nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}


def local(statement: ast.AST) -> set[str]:
    """Give the names that functions in a statement make for themselves."""
    found: set[str] = set()
    for function in ast.walk(statement):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            found |= {node.arg for node in ast.walk(function.args) if isinstance(node, ast.arg)}
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            for node in ast.walk(function):
                if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                    found.add(node.id)
                elif node is not function and isinstance(node, ast.FunctionDef):
                    found.add(node.name)
                elif isinstance(node, ast.Import | ast.ImportFrom):
                    found |= bound(node)
    return found
