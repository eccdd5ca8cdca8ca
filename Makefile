# The one interface to the project; .ci/run calls the same targets.

PYTHON ?= python3
VENV ?= .venv
JOBS ?= 4
EXTRA ?=
FUZZ_REQUESTS ?= 100000
BENCHMARKS ?= queries subscriptions watched processes rest latency page hub
FUZZ_OPERATIONS ?= 100000
SOAK_SECONDS ?= 900

BIN = $(VENV)/bin
BUNDLE = static/bundle/LICENCES.txt
INSTALL = $(BIN)/python -m pip install --quiet --disable-pip-version-check

.PHONY: help run hub test lint types bench fuzz pictures schema assets try-assets wheel clean

help:  ## print this list
	@echo 'make TARGET [PYTHON=python3] [VENV=.venv] [EXTRA=arguments]'
	@sed -n 's/^\([a-z]*\):.*## /  \1\t/p' Makefile | expand -t 12

run: $(VENV)/.run try-assets  ## play a demo workflow with the web server inside
	@$(BIN)/cylc flask demo $(EXTRA)

hub: $(VENV)/.run try-assets  ## run the hub, with a demo workflow in it
	@$(BIN)/cylc flask hub --demo $(EXTRA)

test: $(VENV)/.test try-assets  ## run all tests (EXTRA goes to pytest)
	$(BIN)/python -m pytest -n $(JOBS) --dist loadscope $(EXTRA)

lint: $(VENV)/.lint  ## look for mistakes and style
	$(BIN)/ruff check .

types: $(VENV)/.lint  ## check the types
	$(BIN)/mypy

bench: $(VENV)/.bench  ## measure BENCHMARKS beside all peers (briefly: BENCH_QUICK=1)
	for name in $(BENCHMARKS); do \
		$(BIN)/python -m benchmarks.$$name $(EXTRA) || exit 1; done
	$(BIN)/python -m benchmarks.summary

fuzz: $(VENV)/.test  ## compare FUZZ_OPERATIONS with graphql-core, send FUZZ_REQUESTS bad ones
	FUZZ_OPERATIONS=$(FUZZ_OPERATIONS) FUZZ_SEED=$${FUZZ_SEED:-$$RANDOM$$$$} \
		$(BIN)/python -m pytest --timeout 36000 \
		tests/unit/query/test_differential.py $(EXTRA)
	FUZZ_REQUESTS=$(FUZZ_REQUESTS) $(BIN)/python -m pytest --timeout 7200 \
		tests/integration/test_fuzz.py $(EXTRA)

soak: $(VENV)/.test  ## let workflows and clients come and go at a hub for SOAK_SECONDS
	SOAK_SECONDS=$(SOAK_SECONDS) SOAK_SEED=$${SOAK_SEED:-$$RANDOM$$$$} \
		$(BIN)/python -m pytest -s --timeout 0 \
		tests/integration/test_hub_life.py $(EXTRA)

pictures: $(VENV)/.test try-assets  ## take the pictures in the README, docs/images
	$(BIN)/python -m tests.pictures

schema: $(VENV)/.run  ## write docs/schema-X.Y.graphql for the cylc-flow here
	$(BIN)/python docs/make_schema.py

assets: $(BUNDLE)  ## bundle what the web page takes from the npm registry

wheel: $(BIN)/pip $(BUNDLE)  ## build dist/*.whl, with the assets
	$(BIN)/python -m pip wheel --quiet --no-deps --wheel-dir dist .

clean:  ## remove what these targets made
	rm -rf $(VENV) .venv-bench .venv-modern build dist *.egg-info .pytest_cache .mypy_cache \
		.ruff_cache .hypothesis static/bundle assets/node_modules
	find . -name __pycache__ -prune -exec rm -rf {} +

# A stamp says what is installed, so that the next call starts at once.
$(VENV)/.run: setup.cfg pyproject.toml | $(BIN)/pip
	@echo 'Installing cylc-flask into $(VENV) (once)...'
	@$(INSTALL) --editable .
	@touch $@

$(VENV)/.test $(VENV)/.lint $(VENV)/.bench: $(VENV)/.%: \
		setup.cfg pyproject.toml | $(BIN)/pip
	$(INSTALL) --editable '.[$*]'
	@touch $(VENV)/.run $@

assets/node_modules/.package-lock.json: assets/package.json assets/package-lock.json
	@echo 'Getting the packages of the web page...'
	@cd assets && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error \
		--no-update-notifier \
		--fetch-retries=1 --fetch-retry-mintimeout=1000 >/dev/null
	@touch $@

$(BUNDLE): assets/node_modules/.package-lock.json $(wildcard assets/*.js assets/*.jsx assets/*.css assets/queries/*)
	@cd assets && node build.js

# All but GraphiQL and the graph works without: a lack of npm, or of a way to
# its registry, only costs these.
try-assets:
	@if [ "$$CI" = true ] || command -v npm >/dev/null; then \
		$(MAKE) -s --no-print-directory assets || { \
		echo 'The page goes without GraphiQL, and its graph is a rough one.'; \
		[ "$$CI" != true ]; }; fi

$(BIN)/pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and \
		"cylc-flask needs Python 3.11 or later: make PYTHON=...")'
	@$(PYTHON) -m venv $(VENV)
