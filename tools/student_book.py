"""Render the book without solutions, for a class: pages, what they are made from, their search, a PDF.

    python tools/student_book.py [FOLDER]      dist/kit, if none is named

The pages come into FOLDER/student-book, and the PDF beside them where Chromium is installed. They are
made from a copy of the book in which no solution stands (`editions.STUDENT_PAGES`) and which leads to none:
it has no page of solutions, no part for lecturers, no button for Colab, and none for the repository.
"""

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import nbformat
import yaml
from editions import ROOT, STUDENT_PAGES, chapters, serialise, take
from pdf import CHROMIUM

COPIED = ("book/_static", "book/_templates", "book/live", "tools")
PAGE = "book/solutions"
TEACHING = "book/teaching/"  # what checks know, and answers to questions
LEADS_THERE = re.compile(r"\]\((?:teaching/|solutions\.md)")
BLOCK = re.compile(r"(\n(?=- )|\n\n+)")  # between two paragraphs, or two items of a list


def without_leads(text: str) -> str:
    """Leave out each paragraph and each item of a list that leads to a page which students do not get."""
    parts = [*BLOCK.split(text), ""]
    kept: list[str] = []
    for block, gap in zip(parts[::2], parts[1::2], strict=True):
        if not LEADS_THERE.search(block):
            kept += [block, gap]
        elif kept:  # what came before it may need the wider of both gaps
            kept[-1] = max(kept[-1], gap, key=len)
    return "".join(kept)


def write_sources(folder: Path) -> None:
    """Write what the pages are rendered from."""
    for name in COPIED:
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for page in (ROOT / "book").glob("*.md"):
        if page.stem != Path(PAGE).name:
            text = without_leads(page.read_text("utf-8"))
            (folder / "book" / page.name).write_text(text, "utf-8", newline="\n")
    for path, _, _, notebook in chapters():
        made = take(STUDENT_PAGES, path, notebook)
        nbformat.validate(made)
        (folder / "book" / path.name).write_text(serialise(made), "utf-8", newline="\n")

    contents = yaml.safe_load((ROOT / "_toc.yml").read_text("utf-8"))
    for part in contents["parts"]:
        files = [one["file"] for one in part["chapters"]]
        kept = [one for one in files if one != PAGE and not one.startswith(TEACHING)]
        part["chapters"] = [{"file": one} for one in kept]
    contents["parts"] = [part for part in contents["parts"] if part["chapters"]]
    (folder / "_toc.yml").write_text(yaml.safe_dump(contents), "utf-8")
    settings = yaml.safe_load((ROOT / "_config.yml").read_text("utf-8"))
    del settings["launch_buttons"]
    settings["html"] |= dict.fromkeys(
        ("use_repository_button", "use_issues_button", "use_edit_page_button"), False
    )
    (folder / "_config.yml").write_text(yaml.safe_dump(settings), "utf-8")


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", nargs="?", type=Path, default=ROOT / "dist" / "kit")
    target = parser.parse_args().folder.resolve()
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        write_sources(folder)
        tool = Path(sys.executable).with_name("jupyter-book")
        subprocess.run([tool, "build", ".", "--all", "-W", "--keep-going"], cwd=folder, check=True)
        if CHROMIUM:
            pdf = target / "student-book.pdf"
            subprocess.run([sys.executable, folder / "tools" / "pdf.py", pdf], check=True)
        else:
            print("no Chromium found: no PDF", file=sys.stderr)
        shutil.rmtree(target / "student-book", ignore_errors=True)
        shutil.copytree(folder / "_build" / "html", target / "student-book")
    print(f"{target / 'student-book'}: open index.html in a browser")
    return 0


if __name__ == "__main__":
    sys.exit(main())
