# Two commands: `make demo` and `make test`. Both set up .venv on first use;
# nothing outside this folder is touched. PYTHON=/path/to/python3 chooses.
PYTHON ?= $(shell .ci/python)
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
WORKERS ?= 2

export TF_CPP_MIN_LOG_LEVEL ?= 3

.PHONY: help demo test test-slow docs test-pythons test-package lint format weights sample clean

help:
	@echo 'make demo          the three jobs on real input; pictures in ./demo-output'
	@echo 'make test          the tests (under 10 minutes on 2 cores, no network)'
	@echo 'make test-slow     the tests that take minutes each'
	@echo 'make test-pythons  the tests on the lowest and the newest Python here'
	@echo 'make test-package  sdist, wheel, install, demo from the bare wheel'
	@echo 'make lint          ruff; `make format` mends what it can'
	@echo 'make docs          the guides and the API as HTML in build/docs'
	@echo 'make weights       makes zoo/weights/ again from the published file'
	@echo 'make sample        trains the Caffe sample of tools/samples/ again'

demo: $(VENV)/.demo
	$(BIN)/keras-hypersphere demo -o demo-output

test: $(VENV)/.test
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile $(ARGS)

test-slow: $(VENV)/.test
	$(BIN)/python -m pytest -m slow $(ARGS)

docs: $(VENV)/.docs
	$(BIN)/sphinx-build --quiet --fail-on-warning docs build/docs
	@echo 'open build/docs/index.html'

test-pythons:
	.ci/pythons $(ARGS)

test-package: $(VENV)/.dev
	.ci/package $(BIN)/python

lint: $(VENV)/.dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check

format: $(VENV)/.dev
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

weights: $(VENV)/.demo
	$(BIN)/python -m keras_hypersphere.tools.dlib

sample: $(VENV)/.demo
	$(BIN)/python -m keras_hypersphere.tools.samples.train

clean:
	rm -rf .venv .venv-* build dist *.egg-info demo-output

# One stamp an extra: `make demo` does not wait for what only tests need.
$(VENV)/.demo $(VENV)/.test $(VENV)/.dev $(VENV)/.docs: $(VENV)/.%: $(VENV)/pyvenv.cfg setup.cfg constraints.txt
	$(PIP) install --quiet --constraint constraints.txt --editable '.[demo,$*]'
	touch $@

$(VENV)/pyvenv.cfg:
	@test -n '$(PYTHON)' # .ci/python has said what is missing
	$(PYTHON) -m venv $(VENV)
