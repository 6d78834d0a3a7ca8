# `make demo` and `make test` do everything on a fresh machine; `make help` lists the rest.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

export PATH := $(CURDIR)/.venv/bin:$(CURDIR)/node_modules/.native:$(CURDIR)/node_modules/.bin:$(PATH)
# ape-solidity looks for solc-v0.8.30 there instead of downloading it.
export SOLCX_BINARY_PATH := $(CURDIR)/tools/solc

PYTHON_READY := .venv/.ready
NODE_READY := node_modules/.ready
BUILD_READY := .build/.ready
VENDOR_READY := offchain/liqpass/entrypoints/web/pages/static/vendor/merkle-tree.js
SOURCES := $(shell find contracts -path contracts/.cache -prune -o -name '*.sol' -print) ape-config.yaml

.PHONY: help setup demo example test bench bench-api bench-x402 campaign campaign-service campaign-x402 fmt lint abi docs clean

help: ## show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 20

setup: $(PYTHON_READY) $(NODE_READY) $(BUILD_READY) $(VENDOR_READY) ## install everything and compile (the targets below do it themselves)

demo: setup ## the three stories on a local chain: liquidations, insured x402 payments, flight delays
	python -m demo

example: setup ## insured x402 payments on a local chain: NAME=provider, jobs or node
	python -m examples $(NAME)

test: setup ## every test
	tools/run_tests

bench: setup ## gas of every operation beside the bare USDC operation, against the goals
	python -m benchmarks.gas

bench-api: setup ## load on the web service with 100,000 policies, on SQLite and PostgreSQL
	PYTHONPATH=tests/offchain python -m benchmarks.api

bench-x402: setup ## insured settlements beside the stock facilitator's: time, throughput, gas
	python -m benchmarks.x402

campaign: setup ## the stateful tests for longer (LIQPASS_CAMPAIGN_RUNS, LIQPASS_CAMPAIGN_STEPS)
	LIQPASS_CAMPAIGN=1 ape test tests/contracts/invariants -q -s --network ethereum:local:foundry

campaign-service: setup ## 200 kills of the web service (LIQPASS_CAMPAIGN_KILLS), and generated requests for longer (half an hour)
	LIQPASS_CAMPAIGN=1 python -m pytest -q -s -p no:ape_test tests/e2e/web/test_web_kill.py tests/offchain/web/test_web_contract.py

campaign-x402: setup ## 100 kills of facilitator and provider under paying clients (LIQPASS_CAMPAIGN_KILLS; some two minutes)
	LIQPASS_CAMPAIGN=1 python -m pytest -q -s -p no:ape_test tests/e2e/x402/test_x402_random_kills.py

fmt: setup ## format Python and Solidity
	ruff check --fix --select I .
	ruff format .
	forge fmt

lint: setup ## ruff, mypy, import-linter, forge fmt --check, forge lint
	ruff check .
	ruff format --check .
	mypy
	lint-imports
	forge fmt --check
	forge lint -D warnings

abi: setup ## write offchain/liqpass/abi from the build
	python tools/write_abi.py

docs: setup ## write docs/parameters.md from settings and rules
	python tools/write_parameters.py

clean: ## remove everything that the targets made
	rm -rf .venv node_modules .build contracts/.cache offchain/*.egg-info .pytest_cache .mypy_cache .ruff_cache \
	  $(dir $(VENDOR_READY)) .hypothesis var deployments/local.json deployments/local.*.json
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/.locked: requirements.lock tools/find_python
	python="$$(tools/find_python)" && rm -rf .venv && "$$python" -m venv .venv
	@echo "installing the locked Python packages (two or three minutes the first time)"
	.venv/bin/pip install --quiet --disable-pip-version-check --no-deps --require-hashes --requirement requirements.lock
	touch $@

$(PYTHON_READY): .venv/.locked pyproject.toml
	.venv/bin/pip install --quiet --disable-pip-version-check --no-deps --editable .
	touch $@

$(NODE_READY): package.json package-lock.json tools/postinstall.cjs tools/check_node
	tools/check_node
	@echo "installing the locked npm packages (half a minute the first time)"
	npm ci --loglevel=error
	touch $@

$(VENDOR_READY): tools/bundle_vendor.cjs $(NODE_READY)
	node tools/bundle_vendor.cjs

# A data folder of its own: ape keeps Solidity libraries under ~/.ape by name, where another project's settings for the
# same library break our imports. --force, because ape does not recompile what imports a changed library.
$(BUILD_READY): $(PYTHON_READY) $(NODE_READY) $(SOURCES)
	@echo "compiling the contracts (about a minute the first time)"
	rm -rf node_modules/.cache/ape
	APE_DATA_FOLDER=$(CURDIR)/node_modules/.cache/ape ape compile --force > .build.log 2>&1 || { cat .build.log; rm -f .build.log; exit 1; }
	rm -f .build.log
	touch $@
