"""What must stay true of the files around the package: one version, one set of bounds."""

import ast
import configparser
import hashlib
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tools"))
import set_repository  # noqa: E402

LISTS = (
    "constraints.txt",
    "constraints-train.txt",
    "constraints-audit.txt",
    "constraints-zig.txt",
    "requirements-kit.txt",
)
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]


def read(name):
    return (ROOT / name).read_text("utf-8")


def requirements(name):
    """Give what a file asks for, by name, where this Python on this system takes it."""
    lines = [
        re.split(r"(?:^|\s)(?:#|--hash)", line)[0].rstrip(" \\") for line in read(name).splitlines()
    ]
    listed = [Requirement(line) for line in lines if line.strip()]
    return {canonicalize_name(r.name): r for r in listed if not r.marker or r.marker.evaluate()}


def digests(name):
    """Give what a list of exact versions allows: the digests of each of its lines."""
    lines = read(name).replace("\\\n", " ").splitlines()
    return {
        line.split(" --hash=")[0].strip(): set(re.findall(r"--hash=(\S+)", line))
        for line in lines
        if not line.startswith("#")
    }


def test_one_version_everywhere():
    newest = re.search(r"^## \[(\d[^\]]*)\]", read("CHANGELOG.md"), re.MULTILINE)
    assert newest, "the changelog has no version"
    assert yaml.safe_load(read("CITATION.cff"))["version"] == PROJECT["version"]
    assert newest.group(1) == PROJECT["version"]


def test_package_says_the_same_version():
    bpc_minimal = pytest.importorskip("bpc_minimal")
    assert getattr(bpc_minimal, "__version__", PROJECT["version"]) == PROJECT["version"]


# The order in which a newcomer reads the package; a file imports only from those before it.
ORDER = (
    "process programs files data devices network arguments energy curvature inference shortcuts config "
    "learning evaluation divergence training checkpoint browser svg figures images"
).split()


def test_the_package_is_imported_in_one_direction():
    files = {path.stem: path for path in (ROOT / "bpc_minimal").glob("*.py")}
    assert set(files) == {*ORDER, "__init__", "__main__"}
    for place, name in enumerate(ORDER):
        imported = re.findall(r"^\s*from bpc_minimal\.?(\w*) import", files[name].read_text(), re.M)
        assert set(imported) <= set(ORDER[:place]), name


def test_the_science_is_read_in_an_hour():
    """At most 600 lines of code; docstrings, comments and empty lines do not count."""
    count = 0
    for name in ("network", "energy", "inference", "learning", "training"):
        text = read(f"bpc_minimal/{name}.py")
        code = {
            i for i, line in enumerate(text.splitlines(), 1) if line.strip(" ")[:1] not in ("", "#")
        }
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):  # a docstring
                code -= set(range(node.lineno, (node.end_lineno or 0) + 1))
        count += len(code)
    assert 400 < count <= 600, count


def test_every_page_of_the_contents_exists():
    contents = yaml.safe_load(read("_toc.yml"))
    files = [contents["root"]]
    for part in contents["parts"]:
        files += [chapter["file"] for chapter in part["chapters"]]
    for file in files:
        assert any((ROOT / f"{file}{end}").is_file() for end in (".md", ".ipynb")), file
    assert len(files) == len(set(files))


def test_every_chapter_is_in_the_contents():
    contents = read("_toc.yml")
    for path in (ROOT / "book").glob("*.ipynb"):
        assert f"book/{path.stem}" in contents


def test_requirements_name_what_the_book_needs():
    needed = "jax jaxlib equinox optax jupyter-book matplotlib torchvision nbval".split()
    assert set(needed) <= set(requirements("requirements.txt"))


def test_requirements_hold_the_packages_own():
    listed = requirements("requirements.txt")
    for line in PROJECT["dependencies"]:
        own = Requirement(line)
        assert listed[canonicalize_name(own.name)].specifier == own.specifier, own.name


def test_package_has_lower_bounds_only():
    # An installation into Colab must not replace what is there.
    for line in PROJECT["dependencies"]:
        assert re.fullmatch(r"[A-Za-z0-9_-]+>=[0-9.]+", line), line


def test_constraints_satisfy_the_requirements():
    exact = requirements("constraints.txt")
    for name, wanted in requirements("requirements.txt").items():
        (pin,) = exact[name].specifier
        assert pin.operator == "==", name
        assert wanted.specifier.contains(Version(pin.version), prereleases=True), name


def test_nothing_pins_the_project_itself():
    assert canonicalize_name(PROJECT["name"]) not in requirements("constraints.txt")


@pytest.mark.parametrize("name", LISTS)
def test_every_exact_version_names_the_digests_of_its_files(name):
    for line, allowed in digests(name).items():
        assert re.fullmatch(r"[\w.-]+==[\w.]+( ; .+)?", line), line
        assert allowed and all(re.fullmatch(r"sha256:[0-9a-f]{64}", one) for one in allowed), line


def test_what_only_trains_is_a_part_of_the_whole_and_a_small_one():
    whole, part = digests("constraints.txt"), digests("constraints-train.txt")
    assert part.items() <= whole.items()
    exact = requirements("constraints-train.txt")
    for line in PROJECT["dependencies"]:
        own = Requirement(line)
        (pin,) = exact[canonicalize_name(own.name)].specifier
        assert own.specifier.contains(pin.version), line
    assert not {"torch", "torchvision", "jupyter-book"} & set(exact)


def test_a_file_with_another_digest_is_refused(tmp_path):
    """The list as it stands takes a file that is here; with a digit of the digest changed it does not."""
    wheel = tmp_path / "tiny-1-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as file:
        file.writestr("tiny.py", "")
        file.writestr(
            "tiny-1.dist-info/METADATA", "Metadata-Version: 2.1\nName: tiny\nVersion: 1\n"
        )
        file.writestr("tiny-1.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        file.writestr("tiny-1.dist-info/RECORD", "")
    options = re.search(r"^LOCKED := \$\(PIP\) (.*) -r$", read("Makefile"), re.MULTILINE)
    assert options
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    other = digest[:-1] + ("0" if digest[-1] != "0" else "1")
    for given, expected in ((digest, 0), (other, 1)):
        (tmp_path / "list.txt").write_text(f"tiny==1 --hash=sha256:{given}\n")
        found = subprocess.run(
            [sys.executable, "-m", "pip", "install", "--dry-run", "--no-index", "--find-links"]
            + [str(tmp_path), *options.group(1).split(), "-r", str(tmp_path / "list.txt")],
            capture_output=True,
            text=True,
        )
        assert found.returncode == expected, found.stdout + found.stderr


WORKFLOWS = {
    path.name: yaml.safe_load(path.read_text("utf-8"))
    for path in sorted((ROOT / ".github" / "workflows").glob("*.yml"))
}


@pytest.mark.parametrize("name", WORKFLOWS)
def test_rights_are_given_by_job_and_never_to_code_of_the_repository(name):
    workflow = WORKFLOWS[name]
    events = set(workflow[True])  # YAML reads `on` as a truth
    assert events <= {"push", "pull_request", "schedule", "workflow_dispatch"}
    assert workflow["permissions"] == {}
    for job in workflow["jobs"].values():
        used = [step["uses"].split("@")[0] for step in job["steps"] if "uses" in step]
        if "write" in job["permissions"].values():
            assert "actions/checkout" not in used
            if "pull_request" in events:
                assert job["if"] == "github.event_name == 'push' && github.ref == 'refs/heads/main'"
        else:
            assert job["permissions"] == {"contents": "read"}
        for step in job["steps"]:
            if step.get("uses", "").startswith("actions/checkout@"):
                assert step["with"]["persist-credentials"] is False


def test_a_pushed_change_and_the_monday_run_do_not_wait_for_each_other():
    assert "github.event_name" in WORKFLOWS["tests.yml"]["concurrency"]["group"]


def test_actions_are_named_by_digest_with_their_version_beside_it():
    version = {}
    for name in WORKFLOWS:
        for line in re.findall(r"uses: *(.*)", read(f".github/workflows/{name}")):
            found = re.fullmatch(r"([\w/-]+@[0-9a-f]{40}) # (v\d+\.\d+\.\d+)", line)
            assert found, line
            action = found.group(1).split("@")[0]
            assert version.setdefault(action, found.groups()) == found.groups(), line


@pytest.mark.skipif(not shutil.which("make"), reason="make is not installed")
def test_help_lists_every_target():
    makefile = read("Makefile")
    (line,) = re.findall(r"^\.PHONY: (.*)", makefile, re.MULTILINE)
    rules = re.findall(r"^([a-z][a-z0-9-]*):(?!=)", makefile, re.MULTILINE)
    text = subprocess.run(
        ["make", "--no-print-directory", "help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert set(line.split()) == set(rules) == set(re.findall(r"make (\S+) +\S", text))


@pytest.mark.skipif(not shutil.which("make"), reason="make is not installed")
@pytest.mark.parametrize(
    ("target", "installs"),
    [
        ("help", []),
        ("set-repository", []),
        ("audit", ["constraints-audit.txt"]),
        ("kernels", ["constraints-zig.txt"]),
        ("train", ["constraints-train.txt", "."]),
        ("editions", ["requirements-kit.txt", "."]),
        ("slides", ["requirements-kit.txt", "."]),
        ("assignments", ["requirements-kit.txt", "."]),
        ("preflight", ["requirements-kit.txt", "."]),
        ("exam", ["requirements-kit.txt", "."]),
        ("book", ["constraints-train.txt", ".", "constraints.txt"]),
    ],
)
def test_a_target_sets_up_no_more_than_it_needs(target, installs, tmp_path):
    for name in ("Makefile", "pyproject.toml", *LISTS):
        shutil.copy(ROOT / name, tmp_path)
    planned = subprocess.run(
        ["make", "-n", target], cwd=tmp_path, capture_output=True, text=True, check=True
    ).stdout
    lines = [line for line in planned.splitlines() if " install " in line]
    assert [line.split()[-1] for line in lines] == installs
    assert all("--no-deps" in line for line in lines)
    assert all("--require-hashes" in line for line in lines if line.split()[-1] != ".")


def test_sanitising_blanks_the_number_and_no_more():
    sanitize = configparser.RawConfigParser()
    sanitize.read(ROOT / "book" / "sanitize.cfg", "utf-8")
    rule = sanitize["approximate"]

    def clean(text):
        return re.sub(rule["regex"], rule["replace"], text)

    assert clean("accuracy ≈ 98.2 %, next") == clean("accuracy ≈ 97.93 %, next")
    assert clean("≈ 1.5e-05") == clean("≈ -2") == clean("≈ 60,000") == clean("≈ 3.1 ± 0.2")
    assert clean("≈ 3 ms a step") == clean("≈ 4 ms a step")
    assert clean("≈ 3 steps") == f"{rule['replace']} steps"
    assert clean("≈ 3, then 4.") == f"{rule['replace']}, then 4."
    assert clean("accuracy ≈ nan %") == "accuracy ≈ nan %"
    assert clean("exactly 98.2 %") == "exactly 98.2 %"


def test_wheel_carries_mnist(tmp_path):
    pytest.importorskip("setuptools", minversion="77")
    source = tmp_path / "source"
    source.mkdir()
    for name in ("pyproject.toml", "LICENSE"):
        shutil.copy(ROOT / name, source)
    (source / "README.md").write_text(read("README.md") if (ROOT / "README.md").exists() else "")
    shutil.copytree(
        ROOT / "bpc_minimal",
        source / "bpc_minimal",
        ignore=shutil.ignore_patterns("__pycache__"),
    )
    options = ["--no-deps", "--no-build-isolation", "--quiet", "--disable-pip-version-check"]
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", str(source), *options, "-w", str(tmp_path)],
        check=True,
    )
    (wheel,) = tmp_path.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    files = ["README.md"]
    for prefix in ("train", "t10k"):
        files += [f"{prefix}-images-idx3-ubyte.gz", f"{prefix}-labels-idx1-ubyte.gz"]
    assert {f"bpc_minimal/mnist/{file}" for file in files} <= names
    assert {"bpc_minimal/data.py", "bpc_minimal/py.typed"} <= names
    assert not [name for name in names if name.startswith(("tests", "tools", "book"))]


def test_one_address_everywhere():
    slug = set_repository.current(ROOT)
    found = set()
    for path in set_repository.files(ROOT):
        text = path.read_text("utf-8")
        found |= set(re.findall(r"github\.com/([\w.-]+/[\w.-]*bpc-book[\w-]*)", text))
        found |= set(re.findall(r"colab\.research\.google\.com/github/([\w-]+/[\w-]+)", text))
    assert found == {slug}
    assert yaml.safe_load(read("_config.yml"))["repository"]["url"].endswith(slug)
    assert yaml.safe_load(read("CITATION.cff"))["repository-code"].endswith(slug)
    for path in (ROOT / "book").glob("[0-9]*.ipynb"):
        text = path.read_text("utf-8")
        assert f"github.com/{slug}@v{PROJECT['version']}" in text, path.name
        badge = f"colab.research.google.com/github/{slug}/blob/main/book/{path.name}"
        edition = f"colab.research.google.com/github/{slug}/blob/colab/{path.name}"
        assert set_repository.for_readers(f"https://{badge}") == f"https://{edition}"
        assert (badge in text) != (edition in text)


def test_what_the_badges_lead_to_is_what_the_workflow_publishes():
    jobs = yaml.safe_load(read(".github/workflows/tests.yml"))["jobs"]
    made = [step for step in jobs["book"]["steps"] if step.get("with", {}).get("name") == "colab"]
    assert [step["with"]["path"] for step in made] == ["dist/kit/colab"]
    assert any(step.get("run") == "make editions" for step in jobs["book"]["steps"])
    fetched, pushed = jobs["colab"]["steps"]
    assert fetched["with"]["name"] == "colab" and "checkout" not in str(jobs["colab"])
    assert jobs["colab"]["permissions"] == {"contents": "write"}
    assert re.search(
        rf"git push --force .*GITHUB_REPOSITORY\S* {set_repository.COLAB}$", pushed["run"], re.M
    )


def test_the_address_can_be_set_and_set_again(tmp_path):
    for path in set_repository.files(ROOT):
        copy = tmp_path / path.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, copy)
    first = set_repository.current(ROOT)
    for slug in ("some-one/a.book", "other/bpc", first):
        changed = set_repository.replace(tmp_path, slug)
        assert set_repository.current(tmp_path) == slug
        assert {"_config.yml", "CITATION.cff", "README.md"} <= {path.name for path in changed}
        left = [p for p in set_repository.files(tmp_path) if f"/{first}" in p.read_text("utf-8")]
        assert (not left) == (slug != first)
    for path in set_repository.files(ROOT):
        assert (tmp_path / path.relative_to(ROOT)).read_bytes() == path.read_bytes()


@pytest.mark.parametrize(
    "address",
    ["", "bpc-book", "http://github.com/a/b", "https://github.com/a", "https://x.org/a/b"],
)
def test_an_address_that_is_none_is_refused(address):
    tool = ROOT / "tools" / "set_repository.py"
    found = subprocess.run([sys.executable, tool, address], capture_output=True, text=True)
    assert found.returncode == 2 and "https://github.com/USER/NAME expected" in found.stderr
