# Every command of the project. Each sets up `.venv` (or `.venv-client`) when it has to; a second call loses no time on it.
.DEFAULT_GOAL := help
try = $(shell $(1) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $(1))
PYTHON ?= $(or $(call try,.venv/bin/python),$(call try,python3),$(call try,python3.14),$(call try,python3.13),\
  $(call try,python3.12),$(call try,python3.11),python3)
COMPOSE ?= docker compose
UV ?= uv
BIN := .venv/bin
LOCK = $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header

.PHONY: help run where-mcp test test-unit check fmt bench up down logs smoke migrate lock audit clean
.PHONY: env-run env-standalone env-test env-client

##@ Run
run: env-standalone ## Start everything here, in one process: needs Python alone
	@exec $(BIN)/python -m services.standalone
where-mcp: env-client ## Print the command that starts the MCP server from this checkout
	@.venv-client/bin/python scripts/where_mcp.py
up: ## Start everything in containers, and wait until it is healthy
	$(COMPOSE) up --build --wait -d
down: ## Stop the containers; their data stays
	$(COMPOSE) down
logs: ## Follow the containers' logs
	@exec $(COMPOSE) logs --follow --tail 100
smoke: env-test ## Try the running containers from outside
	INVOKER_CONTRACT_URL=$${INVOKER_CONTRACT_URL:-http://localhost:8080} $(BIN)/python -m pytest tests/contract
migrate: env-run ## Bring the database of DATABASE_URL to this version
	@for service in auth deploy mailer; do $(BIN)/python -m services.$$service migrate || exit; done

##@ Check
test: env-test ## Run all tests on real servers, on all cores; ARGS goes to pytest
	@exec $(BIN)/python -m tests $(ARGS)
test-unit: env-test ## Run the tests that need no server: seconds
	@exec $(BIN)/python -m pytest -m "not server" $(ARGS)
check: env-test ## Lint, format, types and architecture
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
fmt: env-test ## Format, and mend what the linter can
	$(BIN)/ruff format
	$(BIN)/ruff check --fix
bench: env-test ## Measure the figures of the README
	@exec $(BIN)/python -m bench

##@ Maintain
lock: ## Resolve requirements/*.in again; ARGS=--upgrade takes newer versions (needs uv)
	$(LOCK) $(ARGS) requirements/test.in -o requirements-test.txt
	cp requirements-test.txt requirements-standalone.txt
	cp requirements-test.txt requirements.txt
	$(LOCK) requirements/standalone.in -o requirements-standalone.txt
	$(LOCK) requirements/run.in -o requirements.txt
	cp requirements-test.txt requirements-client.txt
	$(LOCK) clients/python/pyproject.toml --extra keyring -o requirements-client.txt
audit: ## Ask the advisory database about every pinned package (needs uv and a network that has it)
	$(UV) tool run pip-audit --strict --disable-pip --require-hashes -r requirements-test.txt
clean: ## Remove both environments and every cache; data in .invoker stays
	rm -rf .venv .venv-client .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
help: ## List these commands
	@awk 'BEGIN {FS = ":.*## "} /^##@ / {printf "\n\033[1m%s\033[0m\n", substr($$0, 5)} \
	  /^[a-z-]+:.*## / {printf "  \033[36mmake %-10s\033[0m %s\n", $$1, $$2}' $(MAKEFILE_LIST)

env-run env-standalone env-test env-client:
	@$(PYTHON) scripts/bootstrap.py $(@:env-%=%)
