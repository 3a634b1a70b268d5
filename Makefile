# `make` alone lists the targets. Everything runs in .venv, which every target sets up when it has to.

PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready

# What `make chaos` plays: rounds of each kind, or of this kind, from this seed on.
ROUNDS ?= 20
KIND ?= all
SEED ?= 0

.DEFAULT_GOAL := help
.PHONY: help setup demo test check format fuzz sim chaos bench hotpath many dag docs clean

help:  ## List the targets
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 10

setup: $(READY)  ## Set up .venv with everything in uv.lock

$(READY): uv.lock pyproject.toml tools/set_up.sh
	PYTHON="$(PYTHON)" tools/set_up.sh
	touch $@

demo: $(READY)  ## Run the JobPrepRelease sample against a server of its own
	$(BIN)/python examples/demo.py

test: $(READY)  ## Run all tests, side by side; those of the core must cover it branch by branch
	$(BIN)/pytest tests/core --cov=batchyard.core --cov-branch --cov-fail-under=100
	$(BIN)/pytest --ignore=tests/core --numprocesses=auto --maxprocesses=4 --dist=loadfile

check: $(READY)  ## Check format, lint, types and layers
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(READY)  ## Format the code and repair what the linter can
	$(BIN)/ruff check --fix-only
	$(BIN)/ruff format

fuzz: $(READY)  ## Send two minutes of bad requests to every operation
	FUZZ_SECONDS=120 $(BIN)/pytest tests/fuzz --timeout=600

sim: $(READY)  ## Live through 5,000 simulated worlds with faults
	$(BIN)/python -m batchyard.sim --seeds 0-4999

chaos: $(READY)  ## Kill and stop real servers and nodes, cut the power: ROUNDS=20 KIND=all SEED=0
	$(BIN)/python -m tests.chaos --rounds $(ROUNDS) --kind $(KIND) --seed $(SEED)

bench: $(READY)  ## Measure speed beside a bare C loop
	$(BIN)/python -m benchmarks.bench

hotpath: $(READY)  ## Show where each microsecond of a task goes
	$(BIN)/python -m benchmarks.hotpath

many: $(READY)  ## Measure with a million tasks, ten thousand jobs and 64 nodes
	$(BIN)/python -m benchmarks.many

dag: $(READY)  ## Run a hundred thousand tasks in a random graph
	$(BIN)/python -m benchmarks.dag

docs: $(READY)  ## Build the documentation into site/
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

clean:  ## Remove .venv and everything else that can be made again
	rm -rf .venv site dist .coverage .hypothesis .*_cache
