# Two targets matter to a newcomer: `make demo` and `make test`.  Each makes .venv by itself; nothing else needs setting up.
# `make test-local` adds torch and transformers, and tests the local: backend with a model that it makes.
PYTHON ?= python3
BIN := .venv/bin
DEMO := runs/demo

.PHONY: demo test test-local lint bench clean

.venv/.core: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	touch $@

.venv/.dev: .venv/.core
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[dev]"
	touch $@

demo: .venv/.core
	$(BIN)/holdspace simulate --episodes 60 --seed 1 --out $(DEMO)
	$(BIN)/holdspace show $(DEMO) --html $(DEMO)/talks.html
	$(BIN)/holdspace show $(DEMO) --pick
	@echo
	@echo "The dialogue above is one of 60. The rest: $(DEMO)/episodes.jsonl, and as a page: $(DEMO)/talks.html"

lint: .venv/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test: lint
	$(BIN)/pytest

.venv/.train: .venv/.dev
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[dev,train]"
	touch $@

test-local: .venv/.train
	$(BIN)/pytest tests/agents/test_local_chat.py tests/agents/test_drawing.py

bench: .venv/.train
	$(BIN)/python -m benchmarks.rehearsal
	$(BIN)/python -m benchmarks.served --flat --profile
	$(BIN)/python -m benchmarks.local

clean:
	rm -rf .venv build *.egg-info .mypy_cache .ruff_cache .pytest_cache
