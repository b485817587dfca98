# Every target works in a fresh checkout; PYTHON names the interpreter that makes the environment.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin

.DEFAULT_GOAL := help
.PHONY: help install check fix test minutes histories cover soak demo bench quality docs kernels asan fuzz aarch64

help: ## List the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  %-9s %s\n", $$1, $$2}'

install: $(VENV)/.installed ## Make the environment with everything for development

$(VENV)/.installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --editable '.[dev]'
	touch $@

check: install ## Format, lint, types, import directions, generated docs
	$(BIN)/ruff format --check src tests tools bench
	$(BIN)/ruff check src tests tools bench
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python tools/make_cli_reference.py --check
	$(BIN)/python tools/make_config_reference.py --check
	$(BIN)/tocsin standard check

fix: install ## Format, and mend what can be mended
	$(BIN)/ruff check --fix src tests tools bench
	$(BIN)/ruff format src tests tools bench

test: install ## The default suite, just under three minutes on two cores
	$(BIN)/pytest --numprocesses 2

minutes: install ## The runs of a minute or two: kill -9 with several writers, the bench's own inputs, scanners without kernels, the bars of quality
	$(BIN)/pytest --numprocesses 2 -m minutes --durations=8

histories: install ## 2,000 random histories of a coalition, by both folds; CASES of them for each of four processes, if given
	TOCSIN_CASES=$(CASES) $(BIN)/pytest -m minutes --numprocesses 2 tests/coalition/test_coalition_properties.py
	TOCSIN_CASES=$(or $(CASES),500) $(BIN)/pytest --numprocesses 2 tests/coalition/test_coalition_follow.py \
		tests/coalition/test_coalition_view_naive.py

cover: install ## The ledger's tests, which must take every branch
	$(BIN)/pytest tests/ledger --cov=tocsin.ledger --cov-branch --cov-report=term-missing:skip-covered --cov-fail-under=100

soak: install ## The long runs
	$(BIN)/pytest -m soak

demo: install ## Screen the shipped sample and compare with what was planted
	$(BIN)/tocsin demo

bench: install ## Speed and memory against the machine's limit and peers; writes bench/results/
	$(BIN)/python bench/run.py
	$(BIN)/python bench/ledger.py
	$(BIN)/python bench/intake.py
	$(BIN)/python bench/coalition.py && $(BIN)/python bench/coalition_table.py --write
	$(BIN)/python bench/exercise.py
	$(BIN)/python bench/check.py && $(BIN)/python bench/check_table.py --write
	$(BIN)/python bench/node.py && $(BIN)/python bench/node_table.py --write

quality: install ## Measure the rules on labelled prompts; writes docs/quality.md
	$(BIN)/python tools/measure_quality.py

docs: install ## Write the generated pages
	$(BIN)/python tools/make_cli_reference.py
	$(BIN)/python tools/make_config_reference.py

kernels: install ## Build the kernels anew in place, after a change of their source
	$(BIN)/python setup.py -q build_ext --inplace --force

asan: install ## Kernel tests and a short fuzz under AddressSanitizer and UndefinedBehaviorSanitizer
	rm -rf build/asan && mkdir -p build/asan && cp -r src build/asan/src && rm -f build/asan/src/tocsin/text/_kernels*.so
	CFLAGS='-fsanitize=address,undefined -fno-sanitize-recover=undefined -g' $(BIN)/python setup.py -q build_ext --force \
		--build-temp build/asan/objects --build-lib build/asan/src
	$(SANITIZED) -c 'from tocsin.text import _kernels as k; assert "build/asan" in k.__file__, k.__file__'
	$(SANITIZED) -m pytest -p no:cacheprovider tests/text/test_kernels.py tests/text/test_kernels_tables.py \
		tests/text/test_text_demands.py tests/text/test_text_utf8.py tests/fingerprint/test_fingerprint_kernels.py
	$(SANITIZED) tests/fuzz/fuzz_kernels.py --random --seconds 10

SANITIZED = ASAN_OPTIONS=detect_leaks=0 PYTHONPATH=build/asan/src \
	LD_PRELOAD="$$(cc -print-file-name=libasan.so) $$(cc -print-file-name=libstdc++.so)" $(BIN)/python

fuzz: install ## Kernels against their references on hostile bytes, a minute each; guided where atheris installs
	$(BIN)/pip install --quiet --editable '.[fuzz]' || echo 'atheris is not to be had here; bytes are drawn at random'
	$(BIN)/python tests/fuzz/fuzz_kernels.py --seconds 60

aarch64: install ## Kernel tests and a short fuzz on AArch64, under emulation; needs Debian's cross compiler and qemu-user
	PYTHON=$(BIN)/python tools/check_aarch64.sh
