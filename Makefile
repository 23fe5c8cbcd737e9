# `make demo` and `make test` are all that a newcomer needs: each makes .venv by itself, nothing else needs setting up.
# `make test-train` adds torch and trl, and tests training and local models; `make test-ui` adds NiceGUI, and needs Debian's chromium.
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt
DEMO := runs/demo
TRAIN_TESTS := tests/training tests/agents/test_local_chat.py tests/agents/test_drawing.py tests/graphs/test_real_server.py
LONG_TESTS := tests/training/test_processes.py
UI_TESTS := tests/ui

.PHONY: demo test test-train test-ui check-training lint bench clean

.venv/.core: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(PIP) -e .
	touch $@

.venv/.dev: .venv/.core
	$(PIP) -e ".[dev,studio]"
	touch $@

.venv/.train: .venv/.core
	$(PIP) -e ".[train]"
	touch $@

# Two rounds of self-evolution from nothing, on two cores, with a report; then pairs and a score table of its own talks.
demo: .venv/.train
	$(BIN)/holdspace evolve recipes/demo.yaml --out $(DEMO)
	$(BIN)/holdspace report $(DEMO)
	$(BIN)/holdspace pairs $(DEMO)/rounds/0
	$(BIN)/holdspace score outcome $(DEMO)/scores/m0/people-0 $$(ls -d $(DEMO)/scores/m*/people-0 | tail -1)
	$(BIN)/holdspace show $$(ls -d $(DEMO)/scores/m*/people-0 | tail -1) --beside $(DEMO)/scores/m0/people-0
	@echo
	@echo "Above: one seeker with M0 and with the last model. The whole story: $(DEMO)/report.html"

lint: .venv/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test: lint
	$(BIN)/pytest -n auto --ignore=$(UI_TESTS) --ignore=$(LONG_TESTS)

test-train: .venv/.dev .venv/.train
	$(BIN)/pytest -n auto $(TRAIN_TESTS) --ignore=$(LONG_TESTS)

# The long checks of training: kills and resumes, throughput and equality against trl.
check-training: .venv/.dev .venv/.train
	$(BIN)/pytest $(LONG_TESTS)
	$(BIN)/python -m benchmarks.training

test-ui: .venv/.dev
	$(BIN)/pytest $(UI_TESTS)

bench: .venv/.dev .venv/.train
	$(BIN)/python -m benchmarks.rehearsal
	$(BIN)/python -m benchmarks.served --flat --profile
	$(BIN)/python -m benchmarks.local
	$(BIN)/python -m benchmarks.training

clean:
	rm -rf .venv build *.egg-info .mypy_cache .ruff_cache .pytest_cache
