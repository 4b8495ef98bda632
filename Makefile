PYTHON ?= python3
BIN := .venv/bin
ARGS ?=
WORKERS ?= 3

ENGINE ?= $(shell command -v docker || command -v podman)
IMAGE ?= payguard
VERSION := $(shell sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml)

.PHONY: venv demo test lint bench bench-ledger cache-tests waf-report chaos chart-test chart-docs image image-test sbom lock clean

venv: .venv/.ready

.venv/.ready: requirements/dev.txt pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and f"Payguard needs Python 3.11 or newer; {sys.executable} is {sys.version.split()[0]}. Name another with make PYTHON=...")'
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $@

demo: venv # make demo ARGS=--once ends by itself
	$(BIN)/payguard demo $(ARGS)

test: venv # make test ARGS=tests/examples; most tests wait, so WORKERS may be more than there are processors
	$(BIN)/pytest -n $(WORKERS) --dist loadfile $(ARGS)

lint: venv
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: venv
	$(BIN)/python -m bench $(ARGS)

bench-ledger: venv # fills ledgers of ten thousand and five million payments: 6 GB for ten minutes
	$(BIN)/python -m bench.ledger $(ARGS)

cache-tests: venv # needs Node and npm; nginx and Varnish where they are installed
	$(BIN)/python -m bench.cache_tests $(ARGS)

waf-report: venv # what the detection engine finds and refuses; make waf-report ARGS=--json
	$(BIN)/python -m waf $(ARGS)

chaos: venv # make chaos ARGS=--full takes twenty to forty minutes
	$(BIN)/python -m chaos $(ARGS)

chart-test: venv # the chart as a real Helm renders it, and what it renders as it runs
	$(BIN)/pytest tests/deploy $(ARGS)

chart-docs: venv # after editing the chart's values.yaml or the gateway's settings
	$(BIN)/python -m deploy.chart

image: # needs docker or podman; make image IMAGE=registry.example.com/payguard
	@test -n "$(ENGINE)" || { echo 'make image needs docker or podman; name another with ENGINE=...' >&2; exit 2; }
	$(ENGINE) build --target gateway --tag $(IMAGE):$(VERSION) --build-arg VERSION=$(VERSION) --build-arg REVISION=$$(git rev-parse HEAD) .
	$(ENGINE) build --target example --tag $(IMAGE)-example:$(VERSION) .

image-test: venv # what the image does, without an engine: installs from the package index, runs as its user
	$(BIN)/pytest tests/deploy/image -m install $(ARGS)

sbom: venv # dist/sbom.json: the Python packages of the image, as CycloneDX
	mkdir -p dist
	$(BIN)/python -W ignore -m cyclonedx_py requirements requirements/run.txt --pyproject pyproject.toml --mc-type application --output-reproducible --of JSON -o dist/sbom.json

lock: # needs uv; run after editing the dependencies in pyproject.toml
	uv pip compile --quiet --universal --generate-hashes --python-version 3.11 --no-annotate --no-header pyproject.toml -o requirements/run.txt
	uv pip compile --quiet --universal --generate-hashes --python-version 3.11 --no-annotate --no-header pyproject.toml --group dev --extra train -c requirements/run.txt -o requirements/dev.txt
	uv pip compile --quiet --universal --generate-hashes --python-version 3.11 --no-annotate --no-header pyproject.toml --group example -c requirements/run.txt -o requirements/example.txt
	uv pip compile --quiet --universal --generate-hashes --python-version 3.11 --no-annotate --no-header --group build -c requirements/dev.txt -o requirements/build.txt

clean: # caches and build results; .venv and payguard-data stay
	rm -rf .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis dist
	find . -name __pycache__ -type d -not -path './.venv/*' -prune -exec rm -rf {} +
