"""A Sphinx extension: the page of the package, which autodoc and napoleon make of its docstrings.

They do the work. Here this package's docstrings are made theirs: types stand as the source writes them,
`Float[Array, "batch n_l"]` and not the path of its module; a name in backticks links to its place on the
page, whichever module it is named by; a formula, which is an indented paragraph, is verbatim.
"""

import ast
import inspect
import re
import sys
import textwrap
from typing import Any

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.environment import BuildEnvironment


def configure(_app: Sphinx, config: Config) -> None:
    # Several results are named, as arguments are; napoleon takes one, and its type.
    config.napoleon_custom_sections = [("Returns", "params_style"), ("Attributes", "params_style")]
    config.default_role = "py:obj"  # what backticks in a docstring are
    config.add_module_names = False
    config.python_maximum_signature_line_length = 60  # a longer one has a line for each argument
    config.copybutton_prompt_text = ">>> "  # an example is copied without prompts and results


def as_written(_app: Sphinx, what: str, _name: str, found: Any, *_: Any) -> tuple[str, str] | None:
    """Write a signature as the source does, with numbers for the names of constants."""
    found = inspect.unwrap(found)
    if what == "exception":  # which nobody makes
        return "", ""
    if not (inspect.isclass(found) or inspect.isroutine(found)):
        return None
    source: Any = ast.parse(textwrap.dedent(inspect.getsource(found))).body[0]
    for text in ast.walk(source):  # jaxtyping's single axes begin with a space, for linters
        if isinstance(text, ast.Constant) and isinstance(text.value, str):
            text.value = text.value.strip()
    if isinstance(source, ast.ClassDef):
        source = constructor(source)
    arguments: ast.arguments = source.args
    if arguments.args and arguments.args[0].arg in ("self", "cls"):
        del arguments.args[0]
    constants = vars(sys.modules[found.__module__])
    arguments.defaults = [as_number(default, constants) for default in arguments.defaults]
    returns = ast.unparse(source.returns) if source.returns else ""
    return f"({ast.unparse(arguments)})", returns


def constructor(source: ast.ClassDef) -> ast.FunctionDef:
    """Give the __init__ of a class, or the one that its fields make."""
    for part in source.body:
        if isinstance(part, ast.FunctionDef) and part.name == "__init__":
            part.returns = None
            return part
    fields: list[Any] = [part for part in source.body if isinstance(part, ast.AnnAssign)]
    init = ast.parse("def __init__(): ...").body[0]
    assert isinstance(init, ast.FunctionDef)
    init.args.args = [ast.arg(part.target.id, part.annotation) for part in fields]
    init.args.defaults = [
        part.value for part in fields if part.value and not isinstance(part.value, ast.Call)
    ]
    return init


def as_number(default: ast.expr, constants: dict[str, Any]) -> ast.expr:
    value = constants.get(default.id) if isinstance(default, ast.Name) else None
    return ast.Constant(value) if isinstance(value, int | float) else default


def formulas_verbatim(
    _app: Sphinx, what: str, _name: str, _found: Any, _options: Any, lines: list[str]
) -> None:
    """Take an indented paragraph as it is, where the one above is not indented."""
    if what == "data":  # whose docstring is that of its class
        lines.clear()
    for i in reversed(range(1, len(lines))):
        above = next((line for line in reversed(lines[:i]) if line), " ")
        if lines[i].startswith("    ") and not lines[i - 1] and not above.startswith(" "):
            lines[i:i] = [".. code-block:: text", ""]


def from_any_module(
    app: Sphinx, env: BuildEnvironment, node: pending_xref, shown: nodes.TextElement
) -> nodes.Element | None:
    """Lead `learning.train_step`, and the `Activities` in a type, to their places on the page."""
    if node.get("refdomain") != "py":
        return None
    domain: Any = env.get_domain("py")
    last = node["reftarget"].rpartition(".")[2]
    places = [place for place in domain.objects if place.rpartition(".")[2] == last]
    if len(places) != 1 or places[0] == node["reftarget"]:
        return None
    page = node.get("refdoc", env.docname)
    return domain.resolve_xref(env, page, app.builder, "obj", places[0], node, shown)


def arguments_in_lines(
    _app: Sphinx, _name: str, _template: str, context: dict[str, Any], _doctree: Any
) -> None:
    """Make divisions of the lines that Sphinx writes as a list of definitions without terms."""
    context["body"] = re.sub(
        r'<dl>\s*<dd><em class="sig-param">.*?</dl>',
        lambda lines: re.sub(r"<(/?)d[ld]>", r"<\1div>", lines[0]),
        context.get("body", ""),
        flags=re.DOTALL,
    )


def setup(app: Sphinx) -> dict[str, Any]:
    app.setup_extension("sphinx.ext.autodoc")
    app.setup_extension("sphinx.ext.napoleon")
    app.connect("config-inited", configure, priority=400)  # before napoleon reads it
    app.connect("autodoc-process-signature", as_written)
    app.connect("autodoc-process-docstring", formulas_verbatim, priority=400)  # before napoleon
    app.connect("html-page-context", arguments_in_lines)
    app.connect("missing-reference", from_any_module)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
