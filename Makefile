PYTHON ?= python3
BIN := .venv/bin
ARGS ?=

.PHONY: venv demo test lint bench lock clean

venv: .venv/.ready

.venv/.ready: requirements/dev.txt pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and f"Payguard needs Python 3.11 or newer; {sys.executable} is {sys.version.split()[0]}. Name another with make PYTHON=...")'
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $@

lock: # needs uv; run after editing the dependencies in pyproject.toml
	uv pip compile --quiet --universal --generate-hashes --python-version 3.11 --no-annotate --no-header pyproject.toml -o requirements/run.txt
	uv pip compile --quiet --universal --generate-hashes --python-version 3.11 --no-annotate --no-header pyproject.toml --group dev -c requirements/run.txt -o requirements/dev.txt

bench: venv # e.g. make bench ARGS="--rounds 5 --only nginx,payguard"; names and skips the peers that are not installed
	$(BIN)/python -m bench $(ARGS)
