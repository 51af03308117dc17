# What one does with this book. Every target sets itself up: it needs Python 3.11 or newer, make, and
# a connection the first time. `make PYTHON=python3.12` picks another Python; ARGS goes to `train`, `best`,
# `notebooks`, `bench` and `mutants`.

PYTHON ?= python3
ARGS ?=
BIN := .venv/bin
OLDEST := .venv-oldest/bin
PYTEST := -m pytest -q -n auto --dist loadfile
# What a test compiles runs for a moment, so that optimising it takes longer than it saves, and XLA's older
# emitters compile in half the time. The notebooks and the slow tests compile as a reader does.
QUICK := XLA_FLAGS="$$XLA_FLAGS --xla_backend_optimization_level=0 --xla_cpu_use_fusion_emitters=false"
NBVAL := $(PYTEST) --nbval --nbval-current-env --nbval-sanitize-with book/sanitize.cfg book

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help book pdf test test-slow test-avx2 test-oldest train best notebooks lint format bench links audit mutants release constraints set-repository clean

help: ## list the targets
	@sed -n 's/^\([a-z][a-z0-9-]*\):.*## \(.*\)/\1|\2/p' Makefile | \
	  while IFS='|' read -r name text; do printf '  make %-14s %s\n' "$$name" "$$text"; done

book: .venv/installed ## render the book to _build/html
	$(BIN)/jupyter-book build . --all -W --keep-going
	@echo "The book is in _build/html: open _build/html/index.html in a browser."

pdf: book ## print the rendered book into dist/bpc-book.pdf (needs Chromium)
	$(BIN)/python tools/pdf.py

test: .venv/installed ## run every fast test, and compare each notebook's outputs with a fresh run
	$(QUICK) $(BIN)/python $(PYTEST) -m "not slow"
	$(BIN)/python $(NBVAL)

test-slow: .venv/installed ## run the slow tests
	$(BIN)/python $(PYTEST) -m slow

test-avx2: .venv/installed ## compare the notebooks' outputs as another processor computes them
	XLA_FLAGS=--xla_cpu_max_isa=AVX2 $(BIN)/python $(NBVAL)

# Coverage is measured here, as it takes a tenth of the time, and `make test` is what one waits for.
test-oldest: .venv-oldest/installed ## test with the oldest JAX, Equinox and Optax allowed; measure coverage
	$(QUICK) $(OLDEST)/python $(PYTEST) -m "not slow" --cov --cov-report=term:skip-covered
	$(OLDEST)/python $(NBVAL)

train: .venv/installed ## train a network on MNIST (ARGS="--preset best")
	$(BIN)/python -m bpc_minimal train $(ARGS)

best: .venv/installed ## train `best`, store it in the package, draw the welcome page's figure
	$(BIN)/python tools/best.py $(ARGS)

notebooks: .venv/installed ## execute the chapters and store their outputs (ARGS=book/05_*.ipynb)
	$(BIN)/python tools/execute_notebooks.py $(ARGS)
	$(BIN)/python tools/pages.py

lint: .venv/installed ## check style and types, of the notebooks too
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python tools/execute_notebooks.py --check
	$(BIN)/python tools/pages.py --check
	$(BIN)/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.citation-file-format CITATION.cff

format: .venv/installed ## bring the code into the house format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: .venv/installed ## measure; results go to benchmarks/results (ARGS=--guard: a short look)
	$(BIN)/python benchmarks/run.py $(ARGS)

links: .venv/installed ## ask for every address outside the book (needs a connection)
	$(BIN)/python tools/links.py

audit: ## ask whether a pinned dependency has a known weakness (needs a connection)
	@test -x .venv-audit/bin/pip-audit || ($(PYTHON) -m venv .venv-audit && \
	  .venv-audit/bin/python -m pip install --quiet --disable-pip-version-check pip-audit)
	.venv-audit/bin/pip-audit -r constraints.txt --no-deps --disable-pip --progress-spinner off

mutants: .venv/installed ## test the tests: change the package, see whether they notice (an hour)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt "cosmic-ray>=8.7"
	$(BIN)/python tools/mutate.py $(ARGS)

release: pdf ## put the wheel, the PDF and an archive of the book into dist/
	$(BIN)/python -m pip wheel --quiet --disable-pip-version-check --no-deps --wheel-dir dist .
	$(BIN)/python -c "import shutil; shutil.make_archive('dist/bpc-book-html', 'zip', '_build/html')"
	@ls -l dist

constraints: .venv/installed ## write the installed versions to constraints.txt
	@head -1 constraints.txt > .venv/constraints.txt
	@$(BIN)/pip freeze --all --exclude-editable --exclude bpc-minimal --exclude pip >> .venv/constraints.txt
	@cp .venv/constraints.txt constraints.txt && touch .venv/installed

set-repository: .venv/installed ## set the repository's address everywhere (URL=https://github.com/USER/NAME)
	$(BIN)/python tools/set_repository.py "$(URL)"

clean: ## remove what a build or a test left; the environments stay
	rm -rf _build build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -not -path './.venv*' -prune -exec rm -rf {} +

# The environments. A stamp says that one is complete; it is older than a file that changed the needs.
# Python compiles a module when it is first imported: to compile all of them here would take half the time.

define create
@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
  { echo "Python 3.11 or newer is needed; $(PYTHON) is $$($(PYTHON) --version 2>&1)." \
         "Name another one: make PYTHON=python3.12" >&2; exit 1; }
@test -x $(1)/bin/python || $(PYTHON) -m venv $(1)
endef

.venv/installed: requirements.txt constraints.txt pyproject.toml
	$(call create,.venv)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile \
	  -r requirements.txt -c constraints.txt -e .
	@touch $@

# The package's lower bounds, as exact versions; whatever else the tests need is new.
.venv-oldest/installed: pyproject.toml
	$(call create,.venv-oldest)
	@.venv-oldest/bin/python -c 'import tomllib; p = tomllib.load(open("pyproject.toml", "rb")); \
	  print("\n".join(p["project"]["dependencies"]).replace(">=", "=="))' > .venv-oldest/oldest.txt
	$(OLDEST)/python -m pip install --quiet --disable-pip-version-check --no-compile \
	  -r .venv-oldest/oldest.txt -e ".[test]"
	@touch $@
