# Needs git, make and Python 3.11 or newer; everything else is installed into $(VENV).
# Choose an interpreter with PYTHON=..., pass arguments to a command with ARGS="...".

VENV ?= .venv
PYTHON ?=
ARGS ?=

READY := $(VENV)/ready
BIN := $(VENV)/bin
GENERATED := src/palmbot/ctrader/generated
PROTOC = $(BIN)/python -m grpc_tools.protoc -I proto $$(find proto -name '*.proto' | sort)
COMPILE = $(BIN)/uv --no-config --quiet pip compile pyproject.toml --universal --python-version 3.11 \
	--generate-hashes --no-emit-index-url --no-emit-find-links --custom-compile-command "make lock"

.DEFAULT_GOAL := help
.PHONY: help setup demo fuzz test check format bench bench-research verdicts agreement conformance \
	sigkill soak simulate mutants \
	proto proto-check lock wheel wheel-check sbom audit clean

help:  ## print this list
	@sed -n 's/^\([a-z-]*\):.*  ## /\1\t/p' Makefile | while IFS='	' read -r target what; do \
		printf '  make %-14s %s\n' "$$target" "$$what"; done

setup: $(READY)  ## make .venv with everything in it; the other targets do it by themselves
	@:

$(READY): requirements/dev.txt pyproject.toml tools/set_up.sh
	@PYTHON="$(PYTHON)" sh tools/set_up.sh $(VENV)

demo: $(READY)  ## a simulated month of trading over real TLS, with a report at the end
	@$(BIN)/palmbot demo $(ARGS)

test: check  ## all checks and the whole test suite
	@$(BIN)/pytest -n auto --maxprocesses 4 --dist worksteal $(ARGS)

check: $(READY) proto-check  ## format, lint, types, import rules, generated code
	@$(BIN)/ruff format --check --quiet . || { echo "check: run 'make format'" >&2; exit 1; }
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy --no-error-summary
	@$(BIN)/lint-imports --no-logo >build/imports.log || { cat build/imports.log >&2; exit 1; }
	@echo "check: format, lint, types, imports and generated code are in order"

format: $(READY)  ## rewrite the sources in the one format
	@$(BIN)/ruff format --quiet .
	@$(BIN)/ruff check --quiet --fix-only .

bench: $(READY)  ## run every script in bench/ and print its figures
	@set -e; for script in bench/*.py; do echo "== $$script"; $(BIN)/python "$$script" $(ARGS); done

BENCH := build/bench-venv
$(BENCH)/ready: requirements/bench.txt $(READY)
	@rm -rf $(BENCH) && $(BIN)/python -m venv $(BENCH)
	@$(BENCH)/bin/python -m pip --disable-pip-version-check --no-input --quiet --quiet \
		install --require-hashes --requirement requirements/bench.txt
	@touch $@

# On a quiet machine, some ten minutes; the table of docs/BENCHMARKS.md.
bench-research: $(READY) $(BENCH)/ready  ## time the sweep beside vectorbt and backtesting.py, and its scaling
	@PYTHONPATH=src $(BENCH)/bin/python bench/research/peers.py $(ARGS)
	@$(BIN)/python bench/research/scaling.py --large
	@$(BIN)/python bench/research/exact_engine.py

verdicts: $(READY)  ## count the verdicts on 100 series of noise and 100 with a planted edge
	@$(BIN)/python bench/research/verdicts.py $(ARGS)

agreement: $(READY)  ## hold the sweep against the exact engine on 3,000 wild series, breakers on and off
	@$(BIN)/python bench/research/agreement.py $(ARGS)

conformance: $(READY)  ## hold our wire against the official client package
	@$(BIN)/python conformance/run.py $(ARGS)

mutants: $(READY)  ## plant small mistakes in gate, breakers, orders and reconciliation, one by one
	@$(BIN)/python tools/mutants $(ARGS)

SEEDS ?= 300
simulate: $(READY)  ## the whole bot under seeded faults; SEEDS=20000, or CANARIES=1 for planted bugs
	@$(BIN)/python tests/simulation/simulate.py --seeds $(SEEDS) $(if $(CANARIES),--canaries) $(ARGS)

sigkill: $(READY)  ## kill the real bot 500 times and hold its books against the broker's
	@PYTHONPATH=tests $(BIN)/python -m harness.sigkill $(ARGS)

soak: $(READY)  ## 2,000 prices a second for 20 minutes; ARGS='--minutes 3' for fewer
	@PYTHONPATH=tests $(BIN)/python -m harness.soak $(ARGS)

fuzz: $(READY)  ## 100,000 strange session documents and reports; nothing raises, nothing is invented
	@ORCHESTRATE_PARTS=40 ORCHESTRATE_EXAMPLES=2500 $(BIN)/pytest -q -n 2 \
		tests/property/orchestrator/test_documents.py $(ARGS)

proto: $(READY)  ## write the message classes anew from proto/
	@$(PROTOC) --python_out=src --pyi_out=src

proto-check: $(READY)
	@rm -rf build/proto && mkdir -p build/proto
	@$(PROTOC) --python_out=build/proto --pyi_out=build/proto
	@diff -r -x __init__.py -x __pycache__ build/proto/palmbot/ctrader/generated $(GENERATED) \
		>build/proto.diff || { echo "check: $(GENERATED) is not what proto/ gives: run 'make proto'" \
		"(differences in build/proto.diff)" >&2; exit 1; }

# The runtime pins follow the development pins, so that what was tested is what trades.
lock: $(READY)  ## pin all packages anew, with hashes (ARGS=--upgrade for newer releases)
	@$(COMPILE) --extra research --group dev -o requirements/dev.txt $(ARGS)
	@$(COMPILE) --constraint requirements/dev.txt -o requirements/live.txt
	@$(COMPILE) --constraint requirements/dev.txt --extra research -o requirements/research.txt
	@$(subst pyproject.toml ,--group pyproject.toml:audit ,$(COMPILE)) -o requirements/audit.txt $(ARGS)
	@$(COMPILE) --constraint requirements/dev.txt --extra research --group bench \
		-o requirements/bench.txt $(ARGS)

wheel: $(READY)  ## build dist/palm_oil_bot-VERSION-py3-none-any.whl
	@rm -rf dist && $(BIN)/python -m hatchling build -t wheel -d dist

wheel-check: wheel  ## install the wheel into an empty environment and trade a simulated day with it
	@sh tools/check_wheel.sh $(BIN)/python

sbom: wheel-check  ## write dist/sbom.json: every package that trades, CycloneDX 1.6, validated
	@sh tools/audit.sh sbom $(BIN)/python

audit: $(READY)  ## look for known vulnerabilities of every pinned package; needs their public database
	@sh tools/audit.sh audit $(BIN)/python

clean:  ## remove what make made
	@rm -rf $(VENV) build dist .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	@find src tests bench bench-research verdicts conformance -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true
