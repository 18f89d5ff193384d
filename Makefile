# `make help` lists the commands. Each does its own set-up in .venv and may be run again at any time.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/pip --disable-pip-version-check --quiet
export PIP_NO_INPUT := 1

.PHONY: help demo serve test lint bench clean
.DEFAULT_GOAL := help

help:  ## List the commands
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/  make \1\t\2/'

demo: $(VENV)/.runtime  ## Read, tag, search and compare the sample plans in the terminal
	@$(BIN)/kehoach demo

serve: $(VENV)/.runtime  ## Load the sample plans and serve the web page at http://127.0.0.1:8000/
	@$(BIN)/kehoach ingest corpus/samples
	@$(BIN)/kehoach serve --local

test: $(VENV)/.development  ## Run all tests, a file at a time on each processor
	@OMP_NUM_THREADS=1 $(BIN)/pytest -n auto --dist loadfile

lint: $(VENV)/.development  ## Check style and types
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

bench: $(VENV)/.development  ## Measure speed and write results/speed.md
	@$(BIN)/python bench/speed.py

clean:  ## Remove the virtual environment and everything built
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "kehoach needs Python 3.11 or newer, found " + sys.version.split()[0] + "; set PYTHON=python3.11")'
	$(PYTHON) -m venv $(VENV)

# A stamp is written only after an installation that succeeded, so an interrupted one is done again.
$(VENV)/.runtime: pyproject.toml constraints.txt | $(BIN)/python
	@echo "Installing kehoach into $(VENV) ..."
	@$(PIP) install -c constraints.txt -e .
	@touch $@

$(VENV)/.development: pyproject.toml constraints.txt | $(BIN)/python
	@echo "Installing kehoach with its development tools into $(VENV) ..."
	@$(PIP) install -c constraints.txt -e '.[test,transformers,ocr,dask]'
	@touch $(VENV)/.runtime $@
