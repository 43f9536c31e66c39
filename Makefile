# make demo | test | slow | lint | types | docs | clean      PYTHON=python3.12  STACK=tf2.12
#
# Each target creates or renews .venv first: from PYTHON if given, else from the .venv that
# is there, else from python3. STACK forces one of the two pinned stacks (see CONTRIBUTING).

PYTHON ?= $(if $(wildcard .venv/bin/nengo-spikecost),.venv/bin/python,python3)
STACK ?=
BIN = .venv/bin
ARGS ?=

.PHONY: demo test slow lint types docs venv clean

demo: venv
	$(BIN)/nengo-spikecost demo $(ARGS)

test: venv
	$(BIN)/python -m pytest -m "not slow" $(ARGS)

slow: venv
	$(BIN)/python -m pytest -m slow $(ARGS)

lint: venv
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: venv
	$(BIN)/mypy

docs: venv
	$(BIN)/python -m pip install --quiet -c constraints/$$(sed -n 's/.* stack //p' .venv/nengo-spikecost-stamp.txt).txt -e ".[docs]"
	$(BIN)/python -m sphinx -b html docs docs/_build/html

venv:
	@$(PYTHON) tools/setup_venv.py --stack "$(STACK)"

clean:
	rm -rf .venv build dist *.egg-info docs/_build .pytest_cache .mypy_cache .ruff_cache .hypothesis
