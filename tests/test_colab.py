"""A rehearsal of Colab: a folder with one notebook and nothing else, its first cell really run.

Each edition is run from its first cell to its last as it comes, with nothing answered, and then once more
from the first exercise on with everything answered.

Colab has JAX, NumPy and Matplotlib of its own; here they are those of the oldest JAX that is supported, in
a fresh environment. A stand-in for `google.colab` is imported before the notebook starts, as Colab does, and
git finds the repository's address in this checkout.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tools"))
import editions  # noqa: E402
import set_repository  # noqa: E402

CHAPTERS = {
    path.stem: (path, number, notebook) for path, number, _, notebook in editions.chapters()
}
THEIRS = ("jax", "jaxlib", "numpy", "matplotlib")  # what the first cell must leave alone
pytestmark = pytest.mark.slow


def run(*command, **options):
    found = subprocess.run(command, capture_output=True, text=True, **options)
    assert found.returncode == 0, found.stdout[-2000:] + found.stderr[-3000:]
    return found.stdout


@pytest.fixture(scope="module")
def colab(tmp_path_factory):
    """Make the environment; give its Python and the variables to run it with."""
    place = tmp_path_factory.mktemp("colab")
    released = place / "released"
    tracked = run("git", "ls-files", "--cached", "--others", "--exclude-standard", cwd=ROOT)
    for name in tracked.splitlines():
        if (ROOT / name).is_file() and name.startswith(
            ("bpc_minimal/", "pyproject", "LICENSE", "README")
        ):
            (released / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, released / name)
    who = ("-c", "user.name=a", "-c", "user.email=a@example.org")
    run("git", "init", "-q", cwd=released)
    run("git", "add", "-A", cwd=released)
    run("git", *who, "commit", "-q", "-m", "release", cwd=released)
    version = run(
        sys.executable, "-c", "import bpc_minimal; print(bpc_minimal.__version__)"
    ).strip()
    run("git", "tag", f"v{version}", cwd=released)

    run(sys.executable, "-m", "venv", place / "env")
    python = place / "env" / "bin" / "python"
    oldest = "jax==0.7.2", "jaxlib==0.7.2", "numpy", "matplotlib", "ipykernel", "nbclient"
    run(python, "-m", "pip", "install", "-q", "--disable-pip-version-check", *oldest)
    stand_in = place / "google" / "colab"
    stand_in.mkdir(parents=True)
    (stand_in / "__init__.py").write_text('"""Stands in for the module that Colab imports."""\n')
    (stand_in / "output.py").touch()  # some libraries import it where they see Colab
    startup = place / "ipython" / "profile_default" / "startup"
    startup.mkdir(parents=True)
    (startup / "00-colab.py").write_text("import google.colab\n")
    variables = os.environ | {
        "PATH": f"{python.parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(place),
        "IPYTHONDIR": str(place / "ipython"),
        "JUPYTER_PATH": str(place / "env" / "share" / "jupyter"),
        "GIT_CONFIG_COUNT": "2",
        "GIT_CONFIG_KEY_0": f"url.{released.as_uri()}.insteadOf",
        "GIT_CONFIG_VALUE_0": f"https://github.com/{set_repository.current(ROOT)}",
        "GIT_CONFIG_KEY_1": "protocol.file.allow",
        "GIT_CONFIG_VALUE_1": "always",
    }
    return python, variables


def versions(python):
    lines = run(python, "-m", "pip", "list", "--format=freeze").splitlines()
    return dict(line.split("==") for line in lines)


@pytest.mark.parametrize("chapter", CHAPTERS)
@pytest.mark.parametrize("name", editions.EDITIONS)
def test_an_edition_runs_in_colab(name, chapter, colab, tmp_path):
    python, variables = colab
    subprocess.run(
        [python, "-m", "pip", "uninstall", "-q", "-y", "bpc-minimal"], capture_output=True
    )
    before = versions(python)
    assert "bpc-minimal" not in before
    path, number, notebook = CHAPTERS[chapter]
    file = tmp_path / path.name
    file.write_text(editions.serialise(editions.edition(name, path, notebook)), "utf-8")
    parts = editions.parts(notebook, number)
    answers = {editions.place_of(part): editions.solution_code(part) for part in parts}
    (tmp_path / "answers.json").write_text(json.dumps({} if name == "instructor" else answers))
    command = (python, ROOT / "tests" / "run_all.py", file.name, "answers.json")
    passes = run(*command, cwd=tmp_path, env=variables).splitlines()
    for said, text in zip(map(json.loads, passes), ("waits for your", "is right: "), strict=False):
        text = "is right: " if name == "instructor" else text
        assert len(said) == len(parts)
        for line in said.values():
            assert text in line, line
    assert len(passes) == (1 if name == "instructor" else 2)
    after = versions(python)
    assert "bpc-minimal" in after, "the first cell installed nothing"
    assert {name: after[name] for name in THEIRS} == {name: before[name] for name in THEIRS}
