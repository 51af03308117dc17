"""The index that the search page reads: sections, exercises, equations, figures, and the glossary's terms.

Sphinx's own search names whole pages, and shows what it found only where a server lets it fetch them.
This index holds sections with their texts, in a script that the search page loads, so that a search from
a disk shows as much. It gives no solution away: those are found by their number, and nothing of them is
shown.
"""

import json
import re
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.addnodes import desc
from sphinx.application import Sphinx

from .cells import SOLUTIONS, Exercise, Fold
from .glossary import PAGE, terms
from .references import caption_number, chapter_number

# What a reader may type, and what this book says instead. British and American spellings are not here:
# book/_static/search.js writes both alike.
SYNONYMS = {
    "adam": "optimiser",
    "autodiff": "grad",
    "autoencoder": "amortiser generator",
    "backpropagation": "backprop",
    "bpc": "bidirectional predictive coding",
    "citation": "cite",
    "classification": "classify",
    "dataset": "MNIST",
    "decoder": "generator",
    "demo": "live network",
    "discpc": "discriminative predictive coding",
    "download": "Colab notebook",
    "elbo": "free energy",
    "encoder": "amortiser",
    "epc": "errors coordinates",
    "epsilon": "error",
    "eq": "equation",
    "eqn": "equation",
    "equilibrium": "settle",
    "feedforward": "sweep",
    "fid": "Fréchet distance",
    "freeenergy": "free energy",
    "genpc": "generative predictive coding",
    "generalisation": "test accuracy",
    "generalise": "test accuracy",
    "hebbian": "local rule",
    "hessian": "curvature",
    "homework": "assignments",
    "hpc": "hybrid predictive coding",
    "initialisation": "draws",
    "inpainting": "completion",
    "jupyter": "Colab notebook",
    "kl": "free energy",
    "kullback": "free energy",
    "leibler": "free energy",
    "loss": "energy",
    "nonlinearity": "activation function",
    "occluded": "hidden pixels",
    "occlusion": "hidden pixels",
    "overfit": "test accuracy",
    "overfitting": "test accuracy",
    "pc": "predictive coding",
    "playground": "live network",
    "prerequisite": "what you need",
    "prerequisites": "what you need",
    "pytorch": "torch",
    "quiz": "exercises",
    "recognition": "amortiser",
    "relaxation": "settle",
    "relu": "activation function",
    "requirements": "what you need",
    "semi": "few labels",
    "sigmoid": "activation function",
    "speed": "fast",
    "tanh": "activation function",
    "teacher": "teach",
    "unsupervised": "without labels",
    "vae": "amortiser generator",
    "vaes": "amortiser generator",
}
FILE = "search-index.js"
LICENCE = "licence"  # where the welcome page says whose the text is: see _config.yml
GREEK = "alpha|beta|gamma|delta|epsilon|zeta|eta|theta|kappa|lambda|mu|nu|xi|pi|rho|sigma|tau|phi|psi|omega"
NOTATION = "book/notation"
LEAST = 25  # letters of a section that is worth finding; a bare heading is not


def entries(app: Sphinx, docname: str, doctree: nodes.document) -> list[dict[str, str]]:
    """Write a page's sections, each without those inside it, and a glossary's terms."""
    page = app.builder.get_target_uri(docname)
    found = []
    for section in doctree.findall(nodes.section):
        if not section["ids"] or any(isinstance(part, desc) for part in section):
            continue  # one that lists names of the package is found by them
        parent = path(section.parent)
        found.append(
            {
                "title": section[0].astext(),
                "in": parent,
                "url": f"{page}#{section['ids'][0]}" if parent else page,
                "text": text(section.children[1:]),
                "signs": " ".join(sorted(signs(section.children[1:]))),
            }
        )
    # A name of the package, with what its docstring says.
    for named in doctree.findall(desc):
        name, home = named[0], named.parent
        while not isinstance(home, nodes.section):
            home = home.parent
        if name["ids"]:
            title = f"API: {name['fullname']}"
            url = f"{page}#{name['ids'][0]}"
            found.append({"title": title, "in": path(home), "url": url, "text": text(named[1:])})
    if chapter_number(docname) is not None:
        found += parts(app, docname, doctree, page)
    if docname == NOTATION:
        found += rows(doctree, page)
    if docname == SOLUTIONS:
        found = [found[0]] + [
            {
                "title": entry["title"].replace("Exercise", "Solution"),
                "in": found[0]["title"],
                "url": entry["url"].replace("#exercise", "#solution"),
                "text": "",
            }
            for entry in found
            if entry["title"].startswith("Exercise ")
        ]
    if docname == PAGE:
        found = [entry for entry in found if not entry["in"]]
        found[0]["text"] = ""  # its terms follow, one by one
        title = found[0]["title"]
        for anchor, item in terms(doctree).items():
            url = f"{page}#{anchor}"
            found.append(
                {"title": item[0].astext(), "in": title, "url": url, "text": text(item[1:])}
            )
    return found


def path(section: nodes.Node) -> str:
    """Name a section with those around it, from the page's title on."""
    names: list[str] = []
    while isinstance(section, nodes.section):
        names.insert(0, section[0].astext())
        section = section.parent
    return " › ".join(names)


def symbols(cell: nodes.Node) -> list[str]:
    """Name the symbols of a cell as one types them: z_l, alpha_gen, e_l for $e_{l+1}$."""
    found = []
    for node in cell.findall(nodes.math):
        plain = re.sub(r"\\(?:text|mathrm)(?=\{)|\\(?=[a-z]+)|[{}]|\+1", "", node.astext())
        if re.fullmatch(r"[A-Za-z]+(_[A-Za-z]+)?", plain):
            found.append(plain)
    return found


def note_rows(app: Sphinx, doctree: nodes.document) -> None:
    """Let each row of the notation be led to."""
    if app.env.docname != NOTATION:
        return
    for row in doctree.findall(nodes.row):
        if isinstance(row.parent, nodes.tbody):
            name = f"symbol-{nodes.make_id(row[0].astext())}"
            taken = sum(other.startswith(name) for other in doctree.ids)
            name = f"{name}-{taken + 1}" if name in doctree.ids else name
            doctree.ids[name] = row
            row["ids"].append(name)


def rows(doctree: nodes.document, page: str) -> list[dict[str, Any]]:
    """Write each row of the notation's tables: its symbol, and what it means."""
    found = []
    for row in doctree.findall(nodes.row):
        if not row["ids"]:
            continue
        code, known = row[1].astext(), symbols(row[0])
        called = re.fullmatch(r"(\w+)(?:\[[^\]]*\]|\(.*\))?", code)
        section = row.parent
        while not isinstance(section, nodes.section):
            section = section.parent
        found.append(
            {
                "title": ", ".join(known) or (called[1] if called else text([row[0]]) or code),
                "in": path(section),
                "url": f"{page}#{row['ids'][0]}",
                "text": f"{text([row[-1]])}. In the code: {code}" if code else text([row[-1]]),
                "symbols": known + [name[0] for name in known if name[1:2] == "_"]
                or ([called[1]] if called else []),
            }
        )
    return found


def parts(app: Sphinx, docname: str, doctree: nodes.document, page: str) -> list[dict[str, str]]:
    """Write a chapter's exercises, equations and figures, by their numbers."""
    found = [
        (f"Exercise {box['number']}", box["ids"][0], text(box.children))
        for box in doctree.findall(Exercise)
    ]
    captions = {caption_number(node): node for node in doctree.findall(nodes.paragraph)}
    captions |= {caption_number(node): node for node in doctree.findall(nodes.caption)}
    for (kind, number), anchor in app.env.metadata[docname].get("anchors", {}).items():
        caption = captions.get(number) if kind == "figure" else None
        words = text(caption.children).partition(". ")[2] if caption is not None else ""
        found.append((f"{kind.capitalize()} {number}", anchor, words))
    chapter = next(iter(doctree.findall(nodes.title))).astext()
    return [
        {"title": title, "in": chapter, "url": f"{page}#{anchor}", "text": words}
        for title, anchor, words in found
    ]


# What a formula says without its layout.
READ = {
    "partial": "∂", "nabla": "∇", "sum": "Σ", "prod": "Π", "int": "∫", "cdot": "·", "times": "×", "odot": "⊙",
    "lVert": "‖", "rVert": "‖", "Vert": "‖", "lvert": "|", "rvert": "|", "langle": "⟨", "rangle": "⟩",
    "approx": "≈", "le": "≤", "leq": "≤", "ge": "≥", "geq": "≥", "ne": "≠", "neq": "≠", "ll": "≪", "gg": "≫",
    "pm": "±", "to": "→", "mapsto": "↦", "in": "∈", "infty": "∞", "propto": "∝", "sim": "∼", "mid": "|",
    "dots": "…", "ldots": "…", "cdots": "…", "log": "log ", "exp": "exp", "ln": "ln ", "max": "max ",
    "min": "min ", "tanh": "tanh ", "det": "det ", "top": "ᵀ", "prime": "′", "Delta": "Δ", "Sigma": "Σ",
    "quad": " ", "qquad": " ", "left": "", "right": "", "hat": "", "bar": "", "tilde": "", "bigl": "",
    "bigr": "", "Bigl": "", "Bigr": "", "mathcal": "", "sqrt": "√",
}  # fmt: skip
POWERS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


def formula(tex: str) -> str:
    """Write a formula in a line, as one would type alpha_gen or 1/2; one that cannot be is left out."""
    plain, group = re.sub(r"\\tag\{[^}]*\}|\\label\{[^}]*\}", "", tex), r"\{([^{}]*)\}"
    plain = re.sub(r"\\(?:text|math(?:rm|cal|bf|bb)|operatorname)(?=\{)", "", plain)
    plain = re.sub(r"\\[,;:! ]|(?<!\\)~", " ", plain).replace("{,}", ",").replace(r"\%", "%")
    plain = re.sub(r"\\[tdc]?frac(\d)(\d)", r"\1/\2", plain)
    while True:  # from the innermost group outwards
        before = plain
        plain = re.sub(rf"\\[tdc]?frac{group}{group}", fraction, plain)
        plain = re.sub(rf"\\sqrt{group}", r"√(\1)", plain)
        plain = re.sub(rf"([_^]){group}", below_or_above, plain)
        plain = re.sub(rf"(?<![_^}}])(?<!frac)(?<!sqrt){group}(?!\{{)", r"\1", plain)
        if plain == before:
            break
    plain = re.sub(r"\^\\?(?:star|ast)\b|\^\*", "*", plain)
    plain = re.sub(r"\\([A-Za-z]+)( ?)", sign, plain)
    plain = re.sub(r"\^([0-9ᵀ]+)", lambda power: power[1].translate(POWERS), plain)
    plain = re.sub(r" (?=[⟩‖])", "", plain)
    return "…" if re.search(r"[\\{}&]", plain) else " ".join(plain.split())


def fraction(match: re.Match[str]) -> str:
    above, under = (
        part if re.fullmatch(r"\\?\w+", part) else f"({part})" for part in match.groups()
    )
    return f"{above}/{under}"


def below_or_above(match: re.Match[str]) -> str:
    simple = re.fullmatch(r"\\?\w+", match[2])
    return f"{match[1]}{match[2]}" if simple else f"{match[1]}({match[2]})"


def sign(match: re.Match[str]) -> str:
    if re.fullmatch(GREEK, match[1]):
        return f"{match[1]}{match[2]}"
    name = READ.get(match[1])
    return match[0] if name is None else name if name in "∂∇Σ‖⟨√" else f"{name}{match[2]}"


SIGN = re.compile(rf"\\(partial|nabla|(?:{GREEK})(?![a-zA-Z]))|(?<![\\a-zA-Z])[a-zA-Z](?=_)")
BELOW = re.compile(r"_\{?(?:\\(?:text|mathrm)\{)?(\w+)")
OPERATORS = {"partial": "∂", "nabla": "∇"}


def signs(children: list[nodes.Node]) -> set[str]:
    """Give the signs of formulas, displayed or long ones too, that `text` leaves out: sigma, z_0, ∂."""
    found: set[str] = set()
    for node in children:
        if isinstance(node, nodes.math | nodes.math_block):
            tex = node.astext()
            for sign in SIGN.finditer(tex):
                name = sign[1] or sign[0]
                below = BELOW.match(tex, sign.end())
                found.add(OPERATORS.get(name) or (f"{name}_{below[1]}" if below else name))
        elif not is_elsewhere(node):
            found |= signs(node.children)
    return found


def is_elsewhere(node: nodes.Node) -> bool:
    """Whether something inside a section is found by itself, or not at all."""
    if isinstance(node, Fold):
        return bool({"solution", "check"} & {*node["classes"]})
    if isinstance(node, nodes.paragraph) and "exercise-links" in node["classes"]:
        return True
    return isinstance(
        node, nodes.section | desc | Exercise | nodes.raw | nodes.comment | nodes.target
    )


def text(children: list[nodes.Node]) -> str:
    """Join what can be read of some nodes; a section inside them is an entry of its own."""
    words: list[str] = []
    for node in children:
        if isinstance(node, nodes.Text):
            words.append(str(node))
        elif isinstance(node, nodes.math):
            words.append(formula(node.astext()))
        elif isinstance(node, nodes.math_block):
            words.append(f" {formula(node.astext())} ")
        elif is_elsewhere(node):
            continue
        elif isinstance(node, Fold):
            words += ["", text(node.children), ""]
        else:
            inside = text(node.children)
            words.append(inside if isinstance(node, nodes.Inline) else f" {inside} ")
    return " ".join("".join(words).split())


def collect(
    app: Sphinx, pagename: str, _template: str, _context: dict, doctree: nodes.document | None
) -> None:
    if doctree is not None:
        index = getattr(app, "section_index", {})
        index[pagename] = entries(app, pagename, doctree)
        app.section_index = index  # type: ignore[attr-defined]


def keeps(entry: dict[str, str]) -> bool:
    """Whether an entry is worth finding: a page, a section with a text, or what is known by its number."""
    numbered = re.match(r"(Equation|Figure|Exercise|Solution) \d", entry["title"])
    return bool(numbered) or "symbols" in entry or len(entry["text"]) >= LEAST or not entry["in"]


def licence(app: Sphinx) -> dict[str, str]:
    """Write what each page's foot says of its licence."""
    said = re.sub(r"<[^>]+>", "", app.builder.theme_options["extra_footer"])  # type: ignore[attr-defined]
    url = f"{app.builder.get_target_uri(app.config.root_doc)}#{LICENCE}"
    return {"title": "Licence", "in": "Welcome", "url": url, "text": " ".join(said.split())}


def write(app: Sphinx, exception: Exception | None) -> None:
    if exception or app.builder.format != "html":
        return
    index = getattr(app, "section_index", {})
    every = [entry for name in sorted(index) for entry in index[name]]
    pages = [entry for entry in every if keeps(entry)] + [licence(app)]
    data: dict[str, Any] = {"entries": pages, "synonyms": SYNONYMS}
    script = (
        f"const SEARCH_INDEX = {json.dumps(data, ensure_ascii=False, separators=(',', ':'))};\n"
    )
    (Path(app.outdir) / "_static" / FILE).write_text(script, "utf-8")


def setup(app: Sphinx) -> None:
    app.connect("doctree-read", note_rows)
    app.connect("html-page-context", collect)
    app.connect("build-finished", write)
