# Liaison Gateway. `make` says what there is. A machine needs git, make, python3 (3.11 or newer) and its venv module;
# everything else is installed into .venv, from lock files with hashes.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --no-header

# A test run starts `liaison` hundreds of times: compiled once, not at each start.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup demo browser test check soak fuzz audit bench container recipes format catalogue screenshots reference lock wheel clean

help:  ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(READY)  ## Build .venv with the `liaison` command in it

# The stamp is written last, so an interrupted set-up starts again; an environment whose Python is gone is made anew.
$(READY): pyproject.toml requirements.lock requirements-dev.lock
	@command -v $(PYTHON) >/dev/null || { echo "$(PYTHON) is missing: install Python 3.11 or newer." >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "$$($(PYTHON) --version 2>&1) is too old: Python 3.11 or newer is needed; name it with make PYTHON=..." >&2; \
		exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
		echo "Python's venv module is missing: on Debian and Ubuntu, apt install python3-venv." >&2; exit 1; }
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || { \
		echo "Making $(VENV) ..."; $(PYTHON) -m venv --clear $(VENV); }
	@echo "Installing what the lock files name into $(VENV) ..."
	@$(PIP) install --require-hashes -r requirements-dev.lock
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

demo: setup  ## See it work on this machine alone; EXIT=1 ends after the last message
	@$(BIN)/liaison demo $(if $(filter-out 0,$(EXIT)),--no-browser --exit)

browser: setup  ## Have a Chromium for the console's tests; installs one where there is none
	@$(BIN)/python -m tests.support.chromium

test: browser  ## Run every test, on SQLite and on a PostgreSQL that comes with the packages
	@$(BIN)/python -m pytest

check: setup  ## Lint, format, types, and who may import whom
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

soak: setup  ## Kill it under load for MINUTES=10 and account for every message; then half an hour of `make fuzz`
	@$(BIN)/python -m tests.soak --minutes $(or $(MINUTES),10)
	@$(MAKE) --no-print-directory fuzz

fuzz: setup  ## The property tests with dice instead of a seed, and two hundred times as many tries
	@$(BIN)/python -m pytest -q tests/properties --hypothesis-profile=long --timeout=3600 --show-capture=no

audit: setup  ## Ask a vulnerability service about every locked package; needs the network
	@$(BIN)/uv tool run --from 'pip-audit==2.10.1' pip-audit --strict --disable-pip --require-hashes -r requirements.lock

bench: setup  ## Measure it beside Postfix, in about ten minutes; as root, with Debian's postfix package
	@$(BIN)/python -m bench.performance --write docs/performance.md

container: setup  ## Build the image and pass mail through it; ENGINE, BASE, BUILD and RUN say how (docs/installation.md)
	@$(BIN)/python -m tests.container --engine '$(ENGINE)' --base '$(BASE)' --build-options '$(BUILD)' --run-options '$(RUN)'

recipes: setup  ## Follow docs/recipes.md with a real Postfix and HAProxy; as root, with Debian's packages of them
	@$(BIN)/python -m tests.recipes

format: setup  ## Format the code
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format .

screenshots: setup browser  ## Take the pictures of docs/console.md anew
	@$(BIN)/python -m tests.support.screenshots

catalogue: setup  ## Bring the console's French up to date with the code; what is new is empty
	@$(BIN)/python -m tests.support.catalogue

reference: setup  ## Write config/gateway.toml and docs/configuration.md anew, from the settings in the code
	@$(BIN)/python -c 'from gateway.settings import render_defaults; print(render_defaults(), end="")' >config/gateway.toml
	@$(BIN)/python -m gateway.settings.reference >docs/configuration.md

lock: setup  ## Renew the lock files from pyproject.toml
	$(COMPILE) --upgrade pyproject.toml --output-file requirements.lock
	$(COMPILE) --upgrade pyproject.toml --group dev --output-file requirements-dev.lock
	$(COMPILE) --upgrade --group build --constraint requirements-dev.lock --output-file requirements-build.lock

wheel: setup  ## Build the wheel into dist/
	$(BIN)/python -m hatchling build -t wheel

clean:  ## Remove what was built; .venv too
	rm -rf $(VENV) dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
