# `make demo` and `make test` set themselves up in .venv; Python 3.11 or newer is all they need.

PYTHON ?= python3
BIN := .venv/bin
PORT ?= 8080
PORT_BASE ?= 9100
STORIES ?= compare webhooks fanout stream recovery start clinics stored

.PHONY: help setup demo test lint types imports tests browser chaos kills replicas clients simulate fuzz throughput timing deployment capacity screenshots bench newcomer soak

help:  ## what there is
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/'

setup: .venv/ready  ## everything that is needed, in .venv

.venv/ready: pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	touch .venv/ready

demo: setup  ## sandbox vendors and gateway, one of everything sent through them; other ports: make demo PORT=9000
	$(BIN)/task-gateway demo --port $(PORT) --port-base $(PORT_BASE)

test: lint types imports tests  ## lint, types, import contracts, all tests

lint: setup
	$(BIN)/ruff check
	$(BIN)/ruff format --check

types: setup
	$(BIN)/mypy

imports: setup
	$(BIN)/lint-imports

tests: setup browser
	$(BIN)/pytest --numprocesses auto

browser:  ## Chromium, for the console's tests; where it cannot be installed they are skipped
	@command -v chromium >/dev/null || command -v google-chrome >/dev/null || { \
		[ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null \
		&& apt-get update --quiet && apt-get install --yes --no-install-recommends chromium; \
	} || echo "no Chromium: the console's tests in a browser will be skipped"

screenshots: setup browser  ## the console's pages as pictures, into docs/screenshots; two minutes
	$(BIN)/python tests/console/screenshots.py

newcomer: setup browser  ## from a fresh clone to a settled unknown and an added clinic, as README and docs say, with times
	$(BIN)/python tests/newcomer.py

chaos: kills replicas simulate  ## everything at release size: kill -9 a thousand times, 5,000 deliveries through three replicas, ten thousand seeds; about two hours

kills: setup  ## kill -9 a thousand times under load, and at every point of a delivery's path; about 10 minutes
	CHAOS_KILLS=1000 $(BIN)/pytest --numprocesses auto tests/chaos

replicas: setup  ## three replicas killed, asleep, their PostgreSQL restarted, 5,000 deliveries; CHAOS_DELIVERIES=n: others
	CHAOS_DELIVERIES=$${CHAOS_DELIVERIES:-5000} $(BIN)/pytest tests/chaos/test_replicas.py

clients: setup  ## a TypeScript and a Python client generated from the OpenAPI document; needs npm
	GENERATORS=1 $(BIN)/pytest tests/generators

simulate: setup  ## ten thousand seeds of the engine, two thousand paths of its lifecycle; SIMULATION_SEED=n: one seed
	SIMULATION_SEEDS=10000 LIFECYCLE_EXAMPLES=2000 $(BIN)/pytest tests/simulation

fuzz: setup  ## every operation of the OpenAPI document, a thousand examples each; FUZZ_SEED=n: others; about an hour
	FUZZ_EXAMPLES=1000 $(BIN)/pytest tests/journeys/test_fuzz.py

deployment: setup  ## what deploy/ holds, against published schemas and linters; needs npm
	DEPLOY=1 $(BIN)/pytest tests/deploy

bench: .venv/bench  ## the gateway beside nginx, FastAPI, Node-RED and n8n, into BENCHMARKS.md; half an hour; STORIES=compare: that alone
	for story in $(STORIES); do $(BIN)/python tests/bench/$$story.py || exit; done

soak: setup  ## whether memory stays flat under half an hour of work, into BENCHMARKS.md; SOAK_MINUTES=n: another time
	$(BIN)/python tests/bench/soak.py

.venv/bench: .venv/ready
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev,bench]'
	touch .venv/bench

throughput: setup  ## what one, two and three replicas carry beside each other; COUNT=n: so many deliveries each
	$(BIN)/python tests/bench/replicas.py --count $${COUNT:-3000}

capacity: setup  ## ten million deliveries on PostgreSQL beside next to none; CAPACITY_DELIVERIES=n: fewer; half an hour
	$(BIN)/python tests/bench/capacity.py

timing: setup  ## what the time of a refusal tells about a key
	$(BIN)/python tests/bench/key_timing.py
