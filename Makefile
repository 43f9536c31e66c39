# make demo | test | slow | soak | lint | types | docs | links | clean      PYTHON=python3.12  STACK=tf2.12  WORKERS=2
#
# Each target creates or renews .venv first: from PYTHON if given, else from the .venv that
# is there, else from python3. STACK forces one of the two pinned stacks (see CONTRIBUTING).

PYTHON ?= $(if $(wildcard .venv/bin/nengo-spikecost),.venv/bin/python,python3)
STACK ?=
BIN = .venv/bin
ARGS ?=
# processes that share the tests, file by file; WORKERS=0 runs them in one
WORKERS ?= 2

.PHONY: demo test slow soak lint types docs links venv clean

demo: venv
	$(BIN)/nengo-spikecost demo $(ARGS)

test: venv
	$(BIN)/python -m pytest -m "not slow" -n $(WORKERS) --dist loadfile $(ARGS)

slow: venv
	$(BIN)/python -m pytest -m slow $(ARGS)

# random networks through everything, for an hour: make soak ARGS="--minutes 5 --seed 7"
soak: venv
	$(BIN)/python -m tests.soak $(ARGS)

lint: venv
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: venv
	$(BIN)/mypy

# the pins of the documentation are for the Pythons of TensorFlow 2.21
docs: venv
	@grep -q "stack tf2.21" .venv/nengo-spikecost-stamp.txt || \
	    { echo "make docs needs Python 3.11, 3.12 or 3.13, without STACK=tf2.12."; exit 1; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check \
	    -c constraints/tf2.21.txt -r constraints/docs.txt
	$(BIN)/python -m sphinx -W --keep-going -b html docs docs/_build/html
	$(BIN)/python tools/check_links.py docs/_build/html

# the addresses of others, after `make docs`; needs the network
links:
	$(BIN)/python -m sphinx -b linkcheck docs docs/_build/links

venv:
	@$(PYTHON) tools/setup_venv.py --stack "$(STACK)"

clean:
	rm -rf .venv build dist *.egg-info docs/_build .pytest_cache .mypy_cache .ruff_cache .hypothesis
