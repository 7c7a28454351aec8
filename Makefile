# Everything a fresh clone needs: `make demo` or `make test` alone sets up .venv and runs.

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/installed
SUITABLE := import sys; sys.exit(not (3, 12) <= sys.version_info[:2] < (3, 15))
CANDIDATES := python3.12 python3.13 python3.14 python3 python
PYTHON ?= $(shell for each in $(CANDIDATES); do $$each -c '$(SUITABLE)' >/dev/null 2>&1 && echo $$each && break; done)
PYTEST := $(BIN)/python -m pytest
WORKERS ?= 2

.PHONY: setup demo test fast lint bench reference golden docs warm constraints clean

demo: $(STAMP)
	$(BIN)/python examples/demo.py

test: $(STAMP) warm
	$(PYTEST) -n $(WORKERS) --dist worksteal -q

fast: $(STAMP)
	$(PYTEST) -q -m "not slow"

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(STAMP)
	$(BIN)/python benchmarks/startup.py --write
	$(BIN)/python benchmarks/regression.py --write
	$(BIN)/python benchmarks/growth.py --write
	$(BIN)/python benchmarks/published.py --write
	$(BIN)/python benchmarks/ordinal.py --write
	$(BIN)/python benchmarks/mixing.py --write
	$(BIN)/python benchmarks/factor_scores.py --write

# Every supported script of ../shared/reference at its own length; `make test` runs them shorter.
reference: $(STAMP) warm
	BLIMP2PYMC_REFERENCE=full $(PYTEST) -q tests/reference -rA

# Write the recorded outputs of the tests anew; read the diff before committing it.
golden: $(STAMP)
	BLIMP2PYMC_GOLDEN=write $(PYTEST) -q -m "not slow"

docs: $(STAMP)
	$(BIN)/python -m pip install -q -c constraints.txt -e '.[docs]'
	$(BIN)/python -m sphinx -W -q -b html docs build/docs
	@echo "build/docs/index.html"

# Compile the kernels once, so that the workers of the tests share numba's cache.
warm: $(STAMP)
	@$(BIN)/blimp2pymc run examples/interaction.imp --burn 5 --iter 20 --cores 1 --quiet >/dev/null 2>&1 || true

setup: $(STAMP)

$(STAMP): pyproject.toml constraints.txt
	@test -n "$(PYTHON)" || { echo "blimp2pymc needs Python 3.12, 3.13 or 3.14; none of $(CANDIDATES) is one."; exit 1; }
	@test -x $(BIN)/python || { echo "Setting up $(VENV) with $(PYTHON) ..."; $(PYTHON) -m venv $(VENV); }
	@$(BIN)/python -m pip install -qq --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@

# Pin anew: what a clean environment gets today from the ranges in pyproject.toml.
constraints:
	$(PYTHON) -m venv --clear build/clean
	build/clean/bin/python -m pip install -q '.[dev,docs]'
	build/clean/bin/python -m pip freeze --exclude blimp2pymc | grep -E '^[A-Za-z0-9._-]+==[^ ]+$$' > constraints.txt

clean:
	rm -rf build dist demo_output .pytest_cache .ruff_cache .mypy_cache .hypothesis
	find . -name __pycache__ -not -path './$(VENV)/*' -prune -exec rm -rf {} +
