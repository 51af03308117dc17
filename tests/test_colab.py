"""A rehearsal of Colab: a folder with one notebook and nothing else, its first cell really run.

Colab has JAX, NumPy and Matplotlib of its own; here they are those of the oldest JAX that is supported, in
a fresh environment. A stand-in for `google.colab` is imported before the notebook starts, as Colab does, and
git finds the repository's address in this checkout.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tools"))
import set_repository  # noqa: E402

CHAPTERS = sorted((ROOT / "book").glob("[0-9]*.ipynb"))
THEIRS = ("jax", "jaxlib", "numpy", "matplotlib")  # what the first cell must leave alone
RUN = """
import sys, nbclient, nbformat
notebook = nbformat.read(sys.argv[1], as_version=4)
nbclient.NotebookClient(notebook, kernel_name="python3", timeout=600).execute()
"""

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


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda path: path.stem)
def test_chapter_runs_in_colab(chapter, colab, tmp_path):
    python, variables = colab
    subprocess.run(
        [python, "-m", "pip", "uninstall", "-q", "-y", "bpc-minimal"], capture_output=True
    )
    before = versions(python)
    assert "bpc-minimal" not in before
    shutil.copy(chapter, tmp_path)
    run(python, "-c", RUN, chapter.name, cwd=tmp_path, env=variables)
    after = versions(python)
    assert "bpc-minimal" in after, "the first cell installed nothing"
    assert {name: after[name] for name in THEIRS} == {name: before[name] for name in THEIRS}
