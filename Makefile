PYTHON ?= python3
BIN := .venv/bin
ARGS ?=

.PHONY: venv demo test lint bench bench-ledger chaos lock clean

venv: .venv/.ready

.venv/.ready: requirements/dev.txt pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and f"Payguard needs Python 3.11 or newer; {sys.executable} is {sys.version.split()[0]}. Name another with make PYTHON=...")'
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $@

demo: venv # make demo ARGS=--once ends by itself
	$(BIN)/payguard demo $(ARGS)

test: venv # make test ARGS=tests/examples
	$(BIN)/pytest $(ARGS)

lint: venv
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: venv
	$(BIN)/python -m bench $(ARGS)

bench-ledger: venv # fills ledgers of ten thousand and five million payments: 6 GB for ten minutes
	$(BIN)/python -m bench.ledger $(ARGS)

chaos: venv # make chaos ARGS=--full takes twenty to forty minutes
	$(BIN)/python -m chaos $(ARGS)

lock: # needs uv; run after editing the dependencies in pyproject.toml
	uv pip compile --quiet --universal --generate-hashes --python-version 3.11 --no-annotate --no-header pyproject.toml -o requirements/run.txt
	uv pip compile --quiet --universal --generate-hashes --python-version 3.11 --no-annotate --no-header pyproject.toml --group dev -c requirements/run.txt -o requirements/dev.txt

clean: # caches and build results; .venv and payguard-data stay
	rm -rf .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis dist
	find . -name __pycache__ -type d -not -path './.venv/*' -prune -exec rm -rf {} +
