# Two targets matter to a newcomer: `make demo` and `make test`.  Each makes .venv by itself; nothing else needs setting up.
PYTHON ?= python3
BIN := .venv/bin
DEMO := runs/demo

.PHONY: demo test lint bench clean

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

bench: .venv/.dev
	$(BIN)/python -m benchmarks.rehearsal

clean:
	rm -rf .venv build *.egg-info .mypy_cache .ruff_cache .pytest_cache
