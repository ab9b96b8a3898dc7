# Two commands are all that is needed: `make quickstart` and `make test`. Nothing here needs root.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin

DIGITS  := examples/digits
BOARD   ?= esp32dev
PROJECT := build/digits

PYTEST_FLAGS ?= -n auto
# What a dependency does for mcuq: numbers, templates, tables, TFLite, ELF and serial lines, the search, the exact solver.
LOWEST_TESTS := mcuq $(addprefix tests/,test_archive.py test_cli.py test_data.py test_device.py test_elf.py::test_facts_replace_estimates \
    test_locks.py test_placement.py test_plan.py quantization/test_arrays.py quantization/test_calibration.py quantization/test_schemes.py \
    search/test_journal.py search/test_strategy.py search/test_search_cli.py::test_the_table)

# What is installed: what pyproject.toml allows; with LOCKED=1 exactly locks/dev.txt, checked by its hashes.
ifdef LOCKED
define install
$(BIN)/python -m pip install --quiet --require-hashes --requirement locks/dev.txt
$(BIN)/python -m pip install --quiet --no-index --no-deps --no-build-isolation --editable .
endef
define install-dev
$(install)
endef
else
define install
$(BIN)/python -m pip install --quiet --editable .
endef
define install-dev
$(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1' # --group
$(BIN)/python -m pip install --quiet --editable . --group dev
endef
endif

OTHER_PYTHONS ?= $(wildcard $(HOME)/.pyenv/versions/3.12*/bin/python $(HOME)/.pyenv/versions/3.13*/bin/python)
FUZZ := $(if $(MUTANTS),--mutants $(MUTANTS),--seconds $(or $(SECONDS),600))

.PHONY: site dist extras pythons help quickstart frameworks esphome test test-all fuzz lowest lint format readme lock bench optional clean

help: ## list the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))
	@echo
	@echo "  PYTHON=$(PYTHON) (3.11 or newer) makes $(VENV); MCUQ_REQUIRE_ALL=1 forbids skipping optional tests"

quickstart: $(VENV)/installed ## the main job on the digits model: fits, same bytes, accuracy
	$(BIN)/mcuq build $(DIGITS)/digits.tflite --board $(BOARD) --out $(PROJECT)
	$(BIN)/mcuq verify $(PROJECT) --engine host --data $(DIGITS)/holdout.npz
	$(BIN)/mcuq simulate $(DIGITS)/digits.tflite --input $(DIGITS)/holdout.npz --output $(PROJECT)-outputs.npy --engine host

frameworks: $(VENV)/installed-frameworks ## PyTorch, TensorFlow and ONNX (3 GB): what the tests of the front ends need

esphome: build/esphome/installed ## ESPHome in an environment of its own: what the tests of its component need

test: lint ## lint, then the tests (slow sweeps: a fixed sample)
	$(BIN)/python -m pytest $(PYTEST_FLAGS) -m "not slow"

lowest: build/lowest/installed ## a part of the tests with the lowest versions that pyproject.toml allows (locks/lowest.txt)
	PYTHONPATH=. build/lowest/bin/python -m pytest $(PYTEST_FLAGS) -m "not slow" $(LOWEST_TESTS)

test-all: lint ## lint, then the tests with every slow sweep
	$(BIN)/python -m pytest $(PYTEST_FLAGS)

fuzz: $(VENV)/installed-dev ## mutants of every kind of file that mcuq reads: SECONDS=600, or MUTANTS=100000
	PYTHONPATH=tests:. $(BIN)/python -m fuzz $(FUZZ) $(READERS)

lint: optional ## style, types and C formatting
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	@if command -v clang-format >/dev/null; then \
	    echo "clang-format --dry-run"; \
	    find firmware tests esphome examples \( -name '*.c' -o -name '*.cpp' -o -name '*.h' \) -exec clang-format --dry-run -Werror {} +; \
	fi

format: $(VENV)/installed-dev ## rewrite Python and C in the project's style
	$(BIN)/ruff check --fix
	$(BIN)/ruff format
	find firmware tests esphome examples \( -name '*.c' -o -name '*.cpp' -o -name '*.h' \) -exec clang-format -i {} +

readme: $(VENV)/installed-dev ## renew what is generated in the papers (the operators alone: tools/readme.py --operators)
	$(BIN)/python tools/readme.py

site: build/pages/installed ## docs/, README.md and the API as a site: build/site
	NO_MKDOCS_2_WARNING=1 build/pages/bin/mkdocs build --strict --quiet

dist: build/release/installed ## the source archive and the wheel, checked as PyPI does: build/dist
	rm -rf build/dist
	build/release/bin/python -m build --quiet --outdir build/dist
	build/release/bin/python -m twine check --strict build/dist/*

pythons: dist ## the wheel and a part of the tests with the other Pythons of pyenv; for 3.14 its packages are only looked up
	@for python in $(OTHER_PYTHONS); do tools/other_python $$python build/dist/*.whl $(LOWEST_TESTS) || exit 1; done
	build/release/bin/python -m pip download --quiet --python-version 3.14 --only-binary=:all: --dest build/3.14 build/dist/*.whl

extras: dist ## the wheel with each extra alone, in environments of their own (EXTRAS="search onnx")
	$(PYTHON) tools/each_extra.py build/dist/*.whl $(EXTRAS)

lock: build/uv ## resolve locks/*.txt and the bill of materials anew (LOCK=--upgrade: at the newest versions)
	$(PYTHON) tools/lock.py $(LOCK)

bench: $(VENV)/installed-dev build/bakenn ## instructions on the emulated chips next to BakeNN and ESP-NN: benchmarks/results
	$(BIN)/python benchmarks/bench.py $(BENCH)

optional: $(VENV)/installed-dev ## what the tests would use but this machine lacks
	@$(BIN)/python tests/requirements.py

clean: ## remove build results and the virtual environment
	rm -rf build dist $(VENV)

$(BIN)/pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	    { echo "mcuq needs Python 3.11 or newer: make PYTHON=/path/to/python3.11 ..." >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

build/lowest/installed: locks/lowest.txt
	@$(PYTHON) -m venv build/lowest
	build/lowest/bin/python -m pip install --quiet --require-hashes --requirement locks/lowest.txt
	@touch $@

build/pages/installed: pyproject.toml # an environment of its own, without mcuq: the API is read, not imported
	@$(PYTHON) -m venv build/pages
	build/pages/bin/python -m pip install --quiet --upgrade 'pip>=25.1'
	build/pages/bin/python -m pip install --quiet --group site
	@touch $@

build/release/installed: pyproject.toml
	@$(PYTHON) -m venv build/release
	build/release/bin/python -m pip install --quiet --upgrade 'pip>=25.1'
	build/release/bin/python -m pip install --quiet --group release
	@touch $@

build/esphome/installed: pyproject.toml # it pins PlatformIO and most of what it needs
	@$(PYTHON) -m venv build/esphome
	build/esphome/bin/python -m pip install --quiet --upgrade 'pip>=25.1'
	build/esphome/bin/python -m pip install --quiet --editable . --group esphome
	@touch $@

build/uv: | $(BIN)/pip # resolves the locks, nothing else
	$(BIN)/python -m pip install --quiet --no-deps --target $@ uv

build/bakenn: | $(VENV)/installed-dev # only measured, never part of mcuq
	$(BIN)/python -m pip install --quiet --no-deps --target $@ bakenn==1.0.0

$(VENV)/installed: pyproject.toml | $(BIN)/pip
	$(install)
	@touch $@

$(VENV)/installed-dev: pyproject.toml | $(BIN)/pip
	$(install-dev)
	@touch $@

$(VENV)/installed-frameworks: pyproject.toml | $(VENV)/installed-dev
	$(BIN)/python -m pip install --quiet --group frameworks
	@touch $@
