# Everything a contributor types. It needs make and Python 3.11 or newer, nothing else: the first
# target that wants it makes a virtual environment, with the exact versions of the lock file.

PYTHON ?= python3
VENV ?= .venv
NPM ?= npm
PYTEST_ARGS ?=

BIN := $(VENV)/bin
READY := $(VENV)/.ready
VSCODE := editors/vscode
VSCODE_READY := $(VSCODE)/node_modules/.ready

.DEFAULT_GOAL := help
.PHONY: help setup demo test check check-vscode vscode test-all eval playground bench fmt lock generate clean

help: ## what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(READY) ## make the virtual environment, if it is not fresh

$(READY): requirements/dev.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed; name one with make PYTHON=python3.12"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || \
	  { rm -rf $(VENV); echo "$(PYTHON) cannot make environments; on Debian: apt install python3-venv"; exit 1; }
	@echo "installing into $(VENV) …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

demo: $(READY) ## a question, its SQL, its rows, and a mistake explained
	@$(BIN)/smq demo

test: $(READY) ## the tests, without the long ones
	@$(BIN)/python -m pytest -m "not long" $(PYTEST_ARGS)

check: $(READY) ## format, lint, types, import directions, generated files, tests
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/python examples/make_data.py --check > /dev/null
	@$(BIN)/python docs/make_picture.py --check
	@$(BIN)/python docs/readme.py --check
	@$(BIN)/python docs/generate.py --check
	@$(BIN)/smq check --quiet examples/bank examples/shop
	@$(BIN)/smq fmt --quiet --check examples/bank examples/shop
	@if command -v $(NPM) >/dev/null; then $(MAKE) --no-print-directory check-vscode; \
	  else echo "npm is not here: the extension for Visual Studio Code is not checked"; fi
	@$(MAKE) --no-print-directory test

check-vscode: $(VSCODE_READY) ## types, grammars and unit tests of the extension; needs npm
	@cd $(VSCODE) && $(NPM) run --silent check

vscode: $(READY) $(VSCODE_READY) ## editors/vscode/smq.vsix, the extension to install; needs npm
	@cd $(VSCODE) && PYTHON="$(abspath $(BIN)/python)" $(NPM) run --silent package

$(VSCODE_READY): $(VSCODE)/package-lock.json
	@echo "installing into $(VSCODE)/node_modules …"
	@cd $(VSCODE) && $(NPM) ci --ignore-scripts --no-audit --no-fund --silent
	@touch $@

test-all: $(READY) ## every test, the long property runs too, on all cores
	@if command -v $(NPM) >/dev/null; then $(MAKE) --no-print-directory $(VSCODE_READY) || \
	  echo "the extension for Visual Studio Code is not tested in a window"; fi
	@$(BIN)/python -m pytest -n auto $(PYTEST_ARGS)

playground: $(READY) server/smq_server/playground/static/index.html ## an editor with the examples, in the browser
	@$(BIN)/smq playground

server/smq_server/playground/static/index.html: $(wildcard editors/playground/src/*) editors/playground/build.mjs editors/playground/package-lock.json
	@cd editors/playground && npm ci --no-audit --no-fund --silent && npm run --silent build

eval: $(READY) ## how well questions find their models and, with SMQ_LLM_MODEL set, become queries
	@$(BIN)/python -m tests.eval selection
	@$(BIN)/python -m tests.eval selection --held-out
	@test -z "$(SMQ_LLM_MODEL)" || $(BIN)/python -m tests.eval strategies $(EVAL_ARGS)

bench: $(READY) ## how long starting, compiling and what an editor asks for take here
	@$(BIN)/python bench/compile.py
	@$(BIN)/python bench/start.py
	@$(BIN)/python bench/lsp.py

fmt: $(READY) ## format the code, and cure what the linter can cure
	@$(BIN)/ruff check --fix --quiet . || true
	@$(BIN)/ruff format .

generate: $(READY) ## write the files that are made from others
	@$(BIN)/python examples/make_data.py
	@$(BIN)/python docs/generate.py
	@$(BIN)/python docs/make_picture.py
	@$(BIN)/python docs/readme.py

lock: $(READY) ## resolve the newest versions that pyproject.toml allows
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	@$(BIN)/uv pip compile pyproject.toml --group dev --universal --python-version 3.11 \
	  --upgrade --generate-hashes --no-emit-index-url --no-header --no-annotate --quiet \
	  --output-file requirements/dev.lock
	@echo "requirements/dev.lock is new; run make check"

clean: ## remove the environment and what the tools left behind
	rm -rf $(VENV) $(VSCODE)/node_modules $(VSCODE)/dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build dist
