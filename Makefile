# What one does with this book. Every target sets itself up: it needs Python 3.11 or newer, make, and
# a connection the first time. `make PYTHON=python3.12` picks another Python; ARGS goes to `train`, `best`, `live`,
# `notebooks`, `exam`, `bench`, `arena` and `mutants`; COURSE is the folder of the assignments.

PYTHON ?= python3
ARGS ?=
COURSE ?= course
BIN := .venv/bin
OLDEST := .venv-oldest/bin
PYTEST := -m pytest -q -rfER -n auto --dist loadfile
# What a test compiles runs for a moment, so that optimising it takes longer than it saves, and XLA's older
# emitters compile in half the time. The notebooks and the slow tests compile as a reader does.
QUICK := XLA_FLAGS="$$XLA_FLAGS --xla_backend_optimization_level=0 --xla_cpu_use_fusion_emitters=false"
NBVAL := $(PYTEST) --nbval --nbval-current-env --nbval-sanitize-with book/sanitize.cfg book

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help book pdf editions student-book slides exam test test-slow test-avx2 test-oldest train best live notebooks lint format bench links audit mutants release constraints set-repository pages-report kernels assignments preflight experiments arena clean

help: ## list the targets
	@sed -n 's/^##@ \(.*\)/|\1/p; s/^\([a-z][a-z0-9-]*\):.*## \(.*\)/\1|\2/p' Makefile | \
	  while IFS='|' read -r name text; do \
	    if [ "$$name" ]; then printf '  make %-14s %s\n' "$$name" "$$text"; else printf '\n%s\n' "$$text:"; fi; done

##@ to read

book: .venv/installed ## render the book to _build/html
	$(BIN)/jupyter-book build . --all -W --keep-going
	@echo "The book is in _build/html: open _build/html/index.html in a browser."

pdf: book ## print the rendered book into dist/bpc-book.pdf (needs Chromium)
	$(BIN)/python tools/pdf.py

##@ to teach

editions: .venv-kit/installed ## make the notebooks of readers, students and instructors: dist/kit
	.venv-kit/bin/python tools/editions.py

assignments: .venv-kit/installed ## make graded exercises, six weeks and more, in course/ (SEED="12 letters or more")
	.venv-kit/bin/python tools/assignments.py "$(SEED)" "$(COURSE)"

preflight: .venv-kit/installed ## repair or name what would go wrong in grading what students handed in
	.venv-kit/bin/python tools/preflight.py "$(COURSE)"

student-book: .venv/installed ## render the book without solutions: dist/kit/student-book, and a PDF
	$(BIN)/python tools/student_book.py

slides: .venv-kit/installed ## make a deck of slides of each chapter, and its PDF: dist/kit/slides
	.venv-kit/bin/python tools/slides.py

exam: .venv-kit/installed ## write an exam with the numbers of a seed, in dist/kit (SEED="12 letters or more")
	.venv-kit/bin/python tools/write_exam.py "$(SEED)" $(ARGS)

set-repository: ## set the repository's address everywhere (URL=https://github.com/USER/NAME)
	$(python)
	@$(PYTHON) tools/set_repository.py "$(URL)"

##@ to build on it

train: .venv/trains ## train a network on MNIST (ARGS="--preset best")
	$(BIN)/python -m bpc_minimal train $(ARGS)

best: .venv/trains ## train `best`, store it in the package, draw the welcome page's figure
	$(BIN)/python tools/best.py $(ARGS)

live: .venv/trains ## train the networks of the page to play with, and write what it loads
	$(BIN)/python tools/live.py $(ARGS)
	$(BIN)/python tools/learn.py
	$(BIN)/python tools/live_figures.py

kernels: .venv-zig/installed ## compile the hot loops of the page that learns
	.venv-zig/bin/python tools/kernels.py $(ARGS)

##@ to change it

# XLA complains on stderr of a busy machine, and a chapter's outputs would not be those that are stored.
test test-avx2 test-oldest: export TF_CPP_MIN_LOG_LEVEL := 3

test: .venv/installed ## run every fast test, and compare each notebook's outputs with a fresh run
	$(QUICK) $(BIN)/python $(PYTEST) -m "not slow"
	$(BIN)/python $(NBVAL)

test-slow: .venv/installed .venv-kit/installed .venv-zig/installed ## run the slow tests
	$(BIN)/python $(PYTEST) -m slow

test-avx2: .venv/installed ## compare the notebooks' outputs as another processor computes them
	XLA_FLAGS=--xla_cpu_max_isa=AVX2 $(BIN)/python $(NBVAL)

# Coverage is measured here, as it takes a tenth of the time, and `make test` is what one waits for.
test-oldest: .venv-oldest/installed ## test with the oldest JAX, Equinox and Optax allowed; measure coverage
	$(QUICK) $(OLDEST)/python $(PYTEST) -m "not slow" --cov --cov-report=term:skip-covered
	$(OLDEST)/python $(NBVAL)

notebooks: .venv/installed ## execute the chapters and store their outputs (ARGS=book/05_*.ipynb)
	$(BIN)/python tools/execute_notebooks.py $(ARGS)
	$(BIN)/python tools/pages.py
	$(BIN)/python tools/guide.py

lint: .venv/installed ## check style and types, of the notebooks too
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python tools/execute_notebooks.py --check
	$(BIN)/python tools/pages.py --check
	$(BIN)/python tools/guide.py --check
	$(BIN)/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.dependabot .github/dependabot.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.citation-file-format CITATION.cff
	$(BIN)/zizmor --quiet --offline .github
	$(BIN)/actionlint

format: .venv/installed ## bring the code into the house format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

##@ to measure

bench: .venv/installed ## measure; results go to benchmarks/results (ARGS=--guard: a short look)
	$(BIN)/python benchmarks/run.py $(ARGS)

arena: .venv/installed ## measure what one would install instead (ARGS="--rounds 1 --only torch-loop")
	$(BIN)/python benchmarks/arena.py $(ARGS)
	$(BIN)/python tools/pages.py

experiments: .venv/installed ## run what book/claims.toml asks for and is not stored yet, and judge it
	$(BIN)/python benchmarks/experiments.py --jobs 2 $(ARGS)
	$(BIN)/python tools/pages.py

pages-report: book ## measure the pages: weight, speed, Lighthouse (needs Chromium and npm)
	$(BIN)/python tools/pages_report.py $(ARGS)

##@ to publish and to keep

links: .venv/installed ## ask for every address outside the book (needs a connection)
	$(BIN)/python tools/links.py

audit: .venv-audit/installed ## ask whether a pinned dependency has a known weakness (needs a connection)
	.venv-audit/bin/pip-audit -r constraints.txt --require-hashes --disable-pip --strict --progress-spinner off

mutants: .venv/installed ## test the tests: change the package, see whether they notice (an hour)
	$(BIN)/python $(PIP) cosmic-ray==8.7.0
	$(BIN)/python tools/mutate.py $(ARGS)

release: pdf ## put the wheel, the PDF and an archive of the book into dist/
	$(BIN)/python -m pip --quiet --disable-pip-version-check wheel --no-deps --no-build-isolation --wheel-dir dist .
	$(BIN)/python -c "import shutil; shutil.make_archive('dist/bpc-book-html', 'zip', '_build/html')"
	@ls -l dist

# One version of each package for every Python and system, with the digests of all its files.
LOCK := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --fork-strategy fewest \
  --generate-hashes --no-annotate --custom-compile-command "make constraints"

constraints: .venv/installed ## pin what requirements.txt asks for (ARGS=--upgrade: at the newest versions)
	$(LOCK) requirements.txt -o constraints.txt $(ARGS)
	echo setuptools | $(LOCK) pyproject.toml - -c constraints.txt -o constraints-train.txt
	$(LOCK) pyproject.toml --extra kit -c constraints.txt -o requirements-kit.txt
	echo ziglang | $(LOCK) - -o constraints-zig.txt
	echo pip-audit | $(LOCK) - -c constraints.txt --no-emit-package pip -o constraints-audit.txt $(ARGS)

clean: ## remove what a build or a test left; the environments stay
	rm -rf _build build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -not -path './.venv*' -prune -exec rm -rf {} +

# The environments. A stamp says that one is complete; it is older than a file that changed the needs.
# Every file that comes from outside is checked against its digest, and only wheels are taken, since building
# a package runs what it brings; the lists are complete, so that pip need not look for more. Python compiles
# a module when it is first imported: to compile all of them here would take half the time.

PIP := -m pip --quiet --disable-pip-version-check install --no-compile
LOCKED := $(PIP) --no-deps --require-hashes --only-binary :all: -r

define python
@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
  { echo "Python 3.11 or newer is needed; $(PYTHON) is $$($(PYTHON) --version 2>&1)." \
         "Name another one: make PYTHON=python3.12" >&2; exit 1; }
endef

# What trains, draws and classifies: a tenth of the whole, and the first part of it.
.venv/trains: constraints-train.txt pyproject.toml
	$(python)
	@echo "Setting up .venv, once: fetching what trains, which can take minutes."
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python $(LOCKED) constraints-train.txt
	$(BIN)/python $(PIP) --no-deps --no-build-isolation -e .
	@touch $@

.venv/installed: constraints.txt .venv/trains
	@echo "Setting up .venv, once: fetching the rest, torch and what renders and tests."
	$(BIN)/python $(LOCKED) constraints.txt
	$(BIN)/python -m pip --disable-pip-version-check check
	@touch $@

# The package's lower bounds, as exact versions; whatever else the tests need is new.
.venv-oldest/installed: pyproject.toml
	$(python)
	@test -x $(OLDEST)/python || $(PYTHON) -m venv .venv-oldest
	@$(OLDEST)/python -c 'import tomllib; p = tomllib.load(open("pyproject.toml", "rb")); \
	  print("\n".join(p["project"]["dependencies"]).replace(">=", "=="))' > .venv-oldest/oldest.txt
	$(OLDEST)/python $(PIP) -r .venv-oldest/oldest.txt -e ".[test]"
	@touch $@

# What makes the editions: notebooks, without torch and without the page.
.venv-kit/installed: requirements-kit.txt pyproject.toml
	$(python)
	@test -x .venv-kit/bin/python || $(PYTHON) -m venv .venv-kit
	.venv-kit/bin/python $(LOCKED) requirements-kit.txt
	.venv-kit/bin/python $(PIP) --no-deps --no-build-isolation -e .
	@touch $@

.venv-audit/installed: constraints-audit.txt
	$(python)
	@test -x .venv-audit/bin/python || $(PYTHON) -m venv .venv-audit
	.venv-audit/bin/python $(LOCKED) constraints-audit.txt
	@touch $@

# The compiler of the page's hot loops. Another version of it gives other bytes.
.venv-zig/installed: constraints-zig.txt
	$(python)
	@test -x .venv-zig/bin/python || $(PYTHON) -m venv .venv-zig
	.venv-zig/bin/python $(LOCKED) constraints-zig.txt
	@touch $@
