# Two commands are all a newcomer needs: `make demo` and `make test`.
# Every target does its own set-up: python3 (3.11 or newer, with venv) and make are enough.

PYTHON ?= python3
BIN    := .venv/bin
REQ    := requirements

.PHONY: help demo test check soak bench setup lock clean
.DEFAULT_GOAL := help

help:
	@echo "make demo    deploy, prove, break and roll back on this machine (no root needed)"
	@echo "make test    everything this machine can test; CI=true: nothing may be skipped"
	@echo "make check   ruff, mypy --strict, import-linter"
	@echo "make setup   create .venv and nothing more"
	@echo "make soak    the oracles at full size; takes an hour and leaves records under docs/soak/"
	@echo "make bench   ratios against a C reader and other libraries"

setup: .venv/ready

demo: .venv/ready
	@$(BIN)/invoke demo

check: .venv/ready-dev
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo

test: .venv/ready-dev
	@.ci/needs-lab
	@$(MAKE) --no-print-directory check
	@$(BIN)/pytest

soak: .venv/ready-dev
	@$(BIN)/python -m tests.oracles.soak

bench: .venv/ready-dev
	@$(BIN)/python -m bench $(BENCH)

.venv/ready: $(REQ)/controller.txt $(REQ)/embedded.txt
	@$(PYTHON) .ci/setup.py controller embedded
	@touch $@

.venv/ready-dev: .venv/ready $(REQ)/dev.txt
	@$(PYTHON) .ci/setup.py dev
	@touch $@

lock: .venv/ready-dev
	@$(BIN)/pip install --quiet uv==0.13.8
	@$(REQ)/lock.sh

clean:
	rm -rf .venv .cache
