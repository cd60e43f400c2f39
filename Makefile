# Everything starts from here: `make run` opens the app, `make test` runs every check.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin

# How many tests `make quick` runs side by side.
JOBS ?= 2

.PHONY: run dev test check quick lint types unit pages reliability browser setup requirements audit chromium clean

run: $(VENV)/run.stamp
	$(BIN)/streamlit run app.py

# Runs a page again when its code is saved. Polling asks for the app's own files only; the other
# watcher takes the whole folder with .venv, and has no way to leave that out.
dev: $(VENV)/run.stamp
	$(BIN)/streamlit run app.py --server.fileWatcherType poll --server.runOnSave true

test: $(VENV)/dev.stamp chromium
	$(MAKE) check

check: lint types
	$(BIN)/pytest tests

# What is worth running before each commit; the tests that are marked slow stay out.
quick: $(VENV)/dev.stamp
	$(MAKE) lint types
	$(BIN)/pytest tests/unit tests/contract -m "not slow" -n $(JOBS) --dist loadfile

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

$(VENV)/dev.stamp: $(VENV)/run.stamp
	$(BIN)/pip install -q -c requirements.txt -e '.[dev]'
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

# Writes requirements.txt from what is installed for running the app.
requirements:
	rm -rf build/lock && $(PYTHON) -m venv build/lock
	build/lock/bin/pip install -q -e .
	build/lock/bin/pip freeze --exclude-editable --exclude emosense > requirements.txt

# Looks all packages of requirements.txt up among known vulnerabilities; needs the internet.
audit:
	test -x build/audit/bin/pip-audit || { $(PYTHON) -m venv build/audit && build/audit/bin/pip install -q pip-audit; }
	build/audit/bin/pip-audit -r requirements.txt --no-deps --disable-pip --strict

clean:
	rm -rf $(VENV) build .pytest_cache .mypy_cache .ruff_cache
