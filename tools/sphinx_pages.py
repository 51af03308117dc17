"""A Sphinx extension: what this book's pages need beyond Jupyter Book.

- A notebook's pictures keep their alt text. Notebooks store it with the output, as
  `display(fig, metadata={"image/png": {"alt": ...}})` does, and myst-nb takes it from the cell only. A cell
  may draw several figures, each with its own.
- Thebe is left out: the book does not use it, and its scripts would name another site on every page.
"""

from typing import Any

from docutils import nodes
from myst_nb.core.render import MimeData, NbElementRenderer
from sphinx.application import Sphinx

render_image = NbElementRenderer.render_image


def render_image_with_alt(self: NbElementRenderer, data: MimeData) -> list[nodes.Element]:
    elements = render_image(self, data)
    metadata = data.output_metadata
    alt = metadata.get(data.mime_type, {}).get("alt") or metadata.get("alt")
    if alt:
        for element in elements:
            element["alt"] = alt
    return elements


def leave_thebe_out(app: Sphinx, _config: Any) -> None:
    for listeners in app.events.listeners.values():
        for listener in [*listeners]:
            if listener.handler.__module__ == "sphinx_thebe":
                app.disconnect(listener.id)
    app.registry.css_files[:] = [f for f in app.registry.css_files if "thebe" not in f[0]]


def setup(app: Sphinx) -> dict[str, Any]:
    NbElementRenderer.render_image = render_image_with_alt
    app.connect("config-inited", leave_thebe_out)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
