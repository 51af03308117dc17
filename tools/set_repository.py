"""Set the repository's address everywhere it stands: configuration, chapters, citation file, README.

The address of the published pages, which GitHub derives from it, follows.

    python tools/set_repository.py https://github.com/USER/NAME

The address that _config.yml holds is the one that is replaced, so it can be set again.
"""

import argparse
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ADDRESS = re.compile(r"https://github\.com/([A-Za-z0-9][A-Za-z0-9-]*/[A-Za-z0-9._-]*[A-Za-z0-9_-])")
COLAB = "colab"  # the branch that holds the editions for Colab
FILES = (
    "_config.yml",
    "CITATION.cff",
    "pyproject.toml",
    "*.md",
    "book/*.md",
    "book/*.ipynb",
    "book/teaching/*.md",
)


def files(root: Path) -> list[Path]:
    """List the files that may hold the address."""
    return [path for pattern in FILES for path in sorted(root.glob(pattern))]


def current(root: Path) -> str:
    """Read the repository's owner and name from _config.yml."""
    found = re.search(
        rf"^  url: {ADDRESS.pattern}$", (root / "_config.yml").read_text("utf-8"), re.M
    )
    if not found:
        raise ValueError("_config.yml has no line `  url: https://github.com/USER/NAME`")
    return found.group(1)


def pages(slug: str) -> str:
    """Give the address at which GitHub Pages publishes a repository (USER/NAME)."""
    owner, name = slug.split("/")
    host = f"{owner}.github.io"
    return f"https://{host}/" if name.lower() == host.lower() else f"https://{host}/{name}/"


def for_readers(address: str) -> str:
    """Lead an address of a chapter in Colab to the reader's edition, which the workflow publishes."""
    return re.sub(r"(//colab\..*)/blob/main/book/(?=\d)", rf"\g<1>/blob/{COLAB}/", address)


def replace(root: Path, new: str) -> list[Path]:
    """Put `new` (USER/NAME) where the present owner and name stand; give the files changed."""
    before = current(root)
    old = re.compile(rf"(github\.com/|github/){re.escape(before)}(?![\w-]|\.\w)(?!\.git)")
    changed = []
    for path in files(root):
        text = path.read_text("utf-8")
        replaced = old.sub(rf"\g<1>{new}", text).replace(pages(before), pages(new))
        if replaced != text:
            path.write_text(replaced, "utf-8", newline="\n")
            changed.append(path)
    return changed


def tag_of(root: Path) -> str:
    """Give the tag from which the first cells install the package: that of its version."""
    text = (root / "pyproject.toml").read_text("utf-8")
    return "v" + re.findall(r'^version = "(.*)"$', text, re.M)[0]


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("url", help="https://github.com/USER/NAME")
    given = parser.parse_args().url.removesuffix("/").removesuffix(".git")
    match = ADDRESS.fullmatch(given)
    if not match:
        parser.error(
            f"{given!r} given, an address such as https://github.com/USER/NAME expected; "
            "make takes it as: make set-repository URL=https://github.com/USER/NAME"
        )
    for path in replace(ROOT, match.group(1)):
        print(path.relative_to(ROOT))
    tag = tag_of(ROOT)
    known = subprocess.run(
        ["git", "tag", "--list", tag], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if not known.stdout.strip():
        print(
            f"chapters and assignments install the package from the tag {tag}, which is not here; when this "
            f"is committed: git tag {tag} && git push origin {tag}"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
