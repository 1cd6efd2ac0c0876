# Every target does its own set-up first (scripts/setup.sh), which is over in a moment when nothing that it depends on has changed.
# Variables: make serve HOST=0.0.0.0 PORT=8080, make test PYTEST_ARGS="-k manifest", make demo DEMO_BROWSERS=chromium,firefox

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help setup demo test test-all serve lint clean lock zoo

PY := .venv/bin/python
# Plain `=`, so that a shell which exports HOST as the machine's name does not open the server to the network.
HOST = 127.0.0.1
PORT = 8000
PYTEST_ARGS ?=
# Two files of tests at a time: they wait for browsers and processes much of the time. 0: one test after another, as a debugger wants it.
PYTEST_WORKERS ?= 2
PYTEST = $(PY) -m pytest -n $(PYTEST_WORKERS) --dist loadfile --browser chromium --browser firefox
UV := uv==0.13.8

help:
	@echo 'make demo    build six of the models, time them in a browser on this machine, show the table'
	@echo 'make test    run everything that must pass: ruff, mypy, tsc, pytest in Chromium and Firefox'
	@echo 'make test-all  the same, and every model in every browser (hours on two cores)'
	@echo 'make serve   build the models if need be and serve the page until stopped (HOST=, PORT=)'
	@echo 'make lint    only ruff, mypy and tsc'
	@echo 'make setup   only the set-up that the others do: Python and npm packages, browsers'
	@echo 'make clean   remove what set-up, builds and tests made; results/, the measurements, stay'
	@echo 'make lock    turn requirements.in into requirements.lock'

setup:
	@scripts/setup.sh

zoo: setup
	@$(if $(ZOO_TEST_MODELS),echo 'using the models in $(ZOO_TEST_MODELS)',$(PY) -m builder all --jobs 2)

demo: setup
	@$(PY) -m scripts.demo

serve: setup
	@$(PY) -m builder all
	@exec $(PY) server.py --host $(HOST) --port $(PORT)

lint: setup
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy
	node_modules/.bin/tsc -p tsconfig.json

test: lint zoo
	$(PYTEST) -m "not exhaustive" $(PYTEST_ARGS)

test-all: lint zoo
	ZOO_TEST_HEAVY=1 $(PYTEST) $(PYTEST_ARGS)

# The stamps go first, so that set-up starts anew even if this is broken off.
clean:
	rm -rf .setup
	rm -rf .venv node_modules models test-results .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# One lock for every platform and every Python from 3.11, so it is made by a resolver that knows them all.
lock: setup
	$(PY) -m venv --clear .setup/resolver
	.setup/resolver/bin/pip install --quiet --disable-pip-version-check $(UV)
	.setup/resolver/bin/uv pip compile requirements.in --universal --python-version 3.11 --upgrade --no-header --no-annotate --quiet --output-file requirements.lock
