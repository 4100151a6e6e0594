# Two commands set everything up: `make demo` and `make test`. `make help` lists the rest.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
TEST_TOOLS := $(VENV)/.test-tools
CLIENTS := $(VENV)/clients
CLIENT_TOOLS := $(VENV)/.client-tools
PEERS := $(VENV)/peers
PEER_STACKS := $(VENV)/.peers
SOURCES := activities api bench catalogue demo docs documents domain embedded ocpp_server runtime simulator storage temporal tests workflows \
           cli.py worker.py
# More than two cores have: a good part of a test is waiting.
WORKERS ?= 3
NPM := PATH="$(CURDIR)/$(BIN):$$PATH" npm

# Without bytecode each process compiles for three seconds before it starts, and the tests start hundreds.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help demo test chaos storm attack fuzz mutants check release-check up clean format lock bench bench-engine docs

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

$(STAMP): requirements/bootstrap.lock requirements/dev.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; set PYTHON=python3.11")'
	@echo "Setting up $(VENV) (once)"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/pip install --quiet --quiet --disable-pip-version-check --require-hashes -r requirements/bootstrap.lock
	@$(BIN)/uv pip sync --quiet --python $(BIN)/python --require-hashes requirements/bootstrap.lock requirements/dev.lock
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $@

demo: $(STAMP) ## Play the whole guide against real parts, in about a minute (ARGS="--keep" leaves it running)
	@$(BIN)/dynamo demo $(ARGS)

up: $(STAMP) ## Run everything on this machine; data in ./.dynamo (ARGS="--api-port 8080")
	@$(BIN)/dynamo up $(ARGS)

# What some tests need beside Python. Where it is not there and cannot be installed, they are skipped.
$(TEST_TOOLS): $(STAMP)
	@missing=$$(for tool in chromium curl openssl; do \
		command -v $$tool >/dev/null || command -v $$tool-browser >/dev/null || printf ' %s' $$tool; done); \
	if [ "$$missing" ] && [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		echo "Installing$$missing for the tests (once)"; \
		{ apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $$missing; } \
			>$@.log 2>&1 && missing= || echo "That failed, see $@.log"; \
	fi; \
	if [ "$$missing" ]; then echo "Tests that need$$missing will be skipped: install it to run them"; else touch $@; fi

# Ends an `if` that installs from npm: only where npm cannot be reached are tests skipped; any other failure is one.
define or_skip
then touch $@; \
	elif $(NPM) ping --silent --fetch-retries=1 >/dev/null 2>&1; then cat $@.log; exit 1; \
	else echo "npm cannot be reached: the tests of $(1) will be skipped"; fi
endef

# What generates clients from the OpenAPI document: a tool from PyPI, whose pins are not ours, and some from npm.
$(CLIENT_TOOLS): $(STAMP) requirements/clients.lock tests/clients/package.json tests/clients/package-lock.json
	@echo "Installing the generators of clients for the tests (once)"
	@rm -rf $(CLIENTS) && mkdir -p $(CLIENTS) && cp tests/clients/package.json tests/clients/package-lock.json $(CLIENTS)
	@if { $(BIN)/uv venv --quiet --python $(BIN)/python $(CLIENTS)/venv && \
		$(BIN)/uv pip sync --quiet --python $(CLIENTS)/venv/bin/python --require-hashes requirements/clients.lock && \
		$(NPM) ci --prefix $(CLIENTS) --ignore-scripts --no-audit --no-fund; } >$@.log 2>&1; \
	$(call or_skip,tests/clients/)

# OCPP stacks of others, of which the tests make charge points.
$(PEER_STACKS): $(STAMP) tests/peers/package.json tests/peers/package-lock.json
	@echo "Installing OCPP stacks of others for the tests (once)"
	@rm -rf $(PEERS) && mkdir -p $(PEERS) && cp tests/peers/package.json tests/peers/package-lock.json $(PEERS)
	@if $(NPM) ci --prefix $(PEERS) --ignore-scripts --no-audit --no-fund >$@.log 2>&1; \
	$(call or_skip,"tests/peers/ with stacks from npm")

test: $(STAMP) $(TEST_TOOLS) $(CLIENT_TOOLS) $(PEER_STACKS) ## Run the tests (ARGS="tests/domain -k meter")
	@$(BIN)/pytest -n $(WORKERS) $(ARGS)

chaos: $(STAMP) ## Kill processes and disturb links for minutes, then count (ARGS="--seconds 180 --seed 7")
	@$(BIN)/python -m tests.chaos $(ARGS)

attack: $(STAMP) ## Attack a running engine for minutes, beside honest ones (ARGS="--only answers --seconds 6")
	@$(BIN)/python -m tests.attack $(ARGS)

storm: $(STAMP) ## Kill a node whose charge points have a past of years, and look at the API (ARGS="--chargers 500 --on-sqlite")
	@$(BIN)/python -m tests.chaos.storm $(ARGS)

fuzz: $(STAMP) ## Mutate messages of charge points as firmware does; none may be lost (ARGS="--count 100000 --seed 1")
	@$(BIN)/python -m tests.ocpp_server.fuzz $(ARGS)

mutants: $(STAMP) ## Change single operators of the rules, and list what no test notices (20 minutes; ARGS="--seed 7")
	@$(BIN)/python -m tests.mutants $(ARGS)

check: $(STAMP) ## Check format, lint, types, import direction, and that all code is reached
	@$(BIN)/ruff format --check --quiet . || { echo "Run 'make format'."; exit 1; }
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy $(SOURCES)
	@report=$$($(BIN)/lint-imports --no-logo 2>&1) || { echo "$$report"; exit 1; }
	@$(BIN)/vulture $(filter-out bench tests,$(SOURCES))

release-check: $(STAMP) ## Run the gates of a release, and say which are not armed yet
	@$(BIN)/python -m tests.release

format: $(STAMP) ## Format the code and apply the safe fixes
	@$(BIN)/ruff format --quiet . && $(BIN)/ruff check --quiet --fix .

bench: $(STAMP) ## Measure the OCPP server against the stock library (minutes)
	@$(BIN)/python bench/ocpp_server.py $(ARGS)

bench-engine: $(STAMP) ## Measure a run against a bare workflow (minutes; ARGS="--quick")
	@$(BIN)/python bench/engine.py $(ARGS)

docs: $(STAMP) ## Bring the tables of docs/reference up to date with the code
	@$(BIN)/python -m docs.generate

$(BIN)/uv:
	@$(MAKE) --silent $(STAMP)

lock: | $(BIN)/uv ## Resolve the lock files anew
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header pyproject.toml -o requirements/runtime.lock
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header pyproject.toml --group dev -c requirements/runtime.lock -o requirements/dev.lock
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header requirements/bootstrap.in -c requirements/dev.lock -o requirements/bootstrap.lock
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header requirements/clients.in -o requirements/clients.lock
	@for tools in tests/clients tests/peers; do $(NPM) install --prefix $$tools --package-lock-only \
		--omit-lockfile-registry-resolved --ignore-scripts --no-audit --no-fund --silent || exit 1; done

clean: ## Remove what was built (.venv and caches; data in ./.dynamo stays)
	@rm -rf $(VENV) build dist .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
