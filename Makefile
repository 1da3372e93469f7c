# The targets are the contract: people and CI call the same.
# PYTHON is the interpreter of an environment that `pip install -e '.[dev]'` has filled.
PYTHON ?= python3
RUN := $(PYTHON) -m
PLACE := $(shell $(PYTHON) -c 'import sys; print(sys.executable)')
SCRIPTS := $(shell $(PYTHON) -c 'import sysconfig; print(sysconfig.get_path("scripts"))')
PACKAGES := ezmsg_core ezmsg_tui
SOURCES := $(PACKAGES) tests $(wildcard benchmarks docs examples screenshots)

.PHONY: help fix check style types layers dependencies rooms test cover cover-core deep bench screenshots docs demo clean

help:  ## this list
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

fix:  ## format, and mend what can be mended
	$(RUN) ruff format $(SOURCES)
	$(RUN) ruff check --fix $(SOURCES)
	$(RUN) ruff format $(SOURCES)

check: style types layers dependencies rooms  ## all that is known without running the packages

style:  ## format, rules, and how complex and how long a function is
	$(RUN) ruff check $(SOURCES)
	$(RUN) ruff format --check $(SOURCES)

types:  ## strict in the packages, standard in the tests
	$(RUN) basedpyright --pythonpath $(PLACE)
	$(RUN) basedpyright --pythonpath $(PLACE) --project tests

layers:  ## who may import whom
	$(PYTHON) -c 'from importlinter.cli import lint_imports_command as run; run()' --no-logo --no-cache

dependencies:  ## what is imported is declared, and the other way round
	$(RUN) deptry $(PACKAGES)

rooms:  ## how long modules are, what they are called, what they may not do
	$(RUN) pytest -q tests/house/test_modules.py tests/house/test_received_bytes_run_nothing.py

test:  ## all tests but the long ones
	$(RUN) pytest

cover: cover-core  ## what the tests cover; wire and graph to the last branch, by their own tests
	$(RUN) coverage run -m pytest -q
	$(RUN) coverage combine -q
	$(RUN) coverage report

cover-core:
	$(RUN) coverage erase
	$(RUN) coverage run -m pytest -q tests/wire tests/graph
	$(RUN) coverage combine -q
	$(RUN) coverage report --include='ezmsg_core/wire/*,ezmsg_core/graph/*' --fail-under=100

deep:  ## the long tests: soak, chaos, fuzz
	$(RUN) pytest -m 'soak or chaos or fuzz'

bench:  ## measure against the budgets; benchmarks/*.py --help tells how to measure beside ezmsg
	$(PYTHON) benchmarks/inspector_frames.py
	$(PYTHON) benchmarks/channels.py --rounds 1

screenshots:  ## draw the pictures of the README from a real run
	$(PYTHON) screenshots/make.py

docs:  ## write the pages that are made from the code
	$(PYTHON) docs/make_protocol.py

demo:  ## the inspector on the demo graph
	$(SCRIPTS)/ezmsg-tui --demo

clean:  ## remove what tools leave behind
	rm -rf .coverage .coverage.* .hypothesis .import_linter_cache .pytest_cache .ruff_cache build dist *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
