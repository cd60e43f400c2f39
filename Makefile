# Everything starts from here: `make run` opens the app, `make test` runs every check.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin

LOCK := --quiet --generate-hashes --no-strip-extras --no-annotate --python-version 3.11 \
	--custom-compile-command "make requirements"

# How many tests `make quick` runs side by side.
JOBS ?= 2

.PHONY: run dev test check quick fix lint types unit pages reliability browser setup requirements audit chromium clean

run: $(VENV)/run.stamp
	EMOSENSE_OPEN_BROWSER=yes $(BIN)/streamlit run app.py

# Runs a page again when its code is saved. Polling asks for the app's own files only; the other
# watcher takes the whole folder with .venv, and has no way to leave that out.
dev: $(VENV)/run.stamp
	EMOSENSE_OPEN_BROWSER=yes $(BIN)/streamlit run app.py --server.fileWatcherType poll --server.runOnSave true

test: $(VENV)/dev.stamp chromium
	$(MAKE) check

# Tests of units and pages run side by side, those with servers have the machine to themselves. Files
# go in the order in which they are named: the last ones are short, so that no process ends alone.
# Coverage is measured over what runs in the tests' own processes.
check: lint types
	$(BIN)/pytest tests/pages tests/contract tests/unit -n $(JOBS) --dist loadfile --no-loadscope-reorder --cov --cov-report= --cov-fail-under=0
	$(BIN)/pytest tests/reliability tests/browser --cov --cov-append --cov-report=term:skip-covered

# What is worth running before each commit; the tests that are marked slow stay out.
quick: $(VENV)/dev.stamp
	$(MAKE) lint types
	$(BIN)/pytest tests/unit tests/contract -m "not slow" -n $(JOBS) --dist loadfile

# Mends what can be mended without thinking: imports, format, simple findings.
fix: $(VENV)/dev.stamp
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lint:
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types:
	$(BIN)/mypy

unit:
	$(BIN)/pytest tests/unit tests/contract

pages:
	$(BIN)/pytest tests/pages

reliability: chromium
	$(BIN)/pytest tests/reliability

browser: chromium
	$(BIN)/pytest tests/browser

setup: $(VENV)/dev.stamp

$(VENV)/run.stamp: requirements.txt pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install -q -r requirements.txt
	$(BIN)/pip install -q --no-deps -e .
	touch $@

$(VENV)/dev.stamp: $(VENV)/run.stamp requirements-dev.txt
	$(BIN)/pip install -q -r requirements-dev.txt
	touch $@

# Browser tests drive Debian's Chromium; CHROMIUM may name another one.
chromium:
	@if [ -z "$$CHROMIUM" ] && ! command -v chromium >/dev/null 2>&1; then \
	  if command -v apt-get >/dev/null 2>&1 && [ "$$(id -u)" = 0 ]; then \
	    apt-get update -qq && apt-get install -y -qq chromium; \
	  else \
	    echo "Browser tests need chromium: install it (apt-get install chromium)" \
	         "or set CHROMIUM to a Chromium or Chrome executable." >&2; exit 1; \
	  fi; \
	fi

# Writes both locks, with the hashes of all packages. Versions change only where pyproject.toml asks
# for others; to take newer ones, remove the locks before.
requirements:
	test -x build/lock/bin/uv || { $(PYTHON) -m venv build/lock && build/lock/bin/pip install -q uv; }
	build/lock/bin/uv pip compile $(LOCK) pyproject.toml -o requirements.txt
	build/lock/bin/uv pip compile $(LOCK) pyproject.toml --extra dev -c requirements.txt -o requirements-dev.txt

# Looks all packages of requirements.txt up among known vulnerabilities; needs the internet.
audit:
	test -x build/audit/bin/pip-audit || { $(PYTHON) -m venv build/audit && build/audit/bin/pip install -q pip-audit; }
	build/audit/bin/pip-audit -r requirements.txt --no-deps --disable-pip --strict

clean:
	rm -rf $(VENV) build .pytest_cache .mypy_cache .ruff_cache
