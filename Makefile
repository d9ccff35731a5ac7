# Everything is set up from bare Python 3.11+ and make: a virtual environment and the locked, hashed dependencies.
PYTHON ?= python3
BIN := .venv/bin
LOCKED := --generate-hashes --python-version 3.11 --no-emit-index-url --no-emit-find-links --no-annotate --no-header --quiet
export TOUCHPOINT_HOME ?= $(CURDIR)/.touchpoint

.PHONY: demo test browser spark check format bench lock clean

demo: .venv/installed  ## real data in, a running service and a recommendation out; ARGS="--once --json" passes through
	@$(BIN)/touchpoint demo $(ARGS)

test: .venv/installed browser spark check  ## the gate: format, lint, types, architecture, tests
	$(BIN)/pytest $(ARGS)

browser:  ## Chromium for the console's tests: installed where root has apt-get; elsewhere, without one, they are skipped
	@for name in chromium chromium-browser google-chrome; do command -v $$name > /dev/null && exit 0; done; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get > /dev/null; then \
		echo "Installing Chromium for the console's tests …" >&2; \
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium > /dev/null; \
	fi || echo "Chromium could not be installed: the console's tests in a browser are skipped" >&2

spark: .venv/installed  ## Spark and Java for the tests of features/spark, half a gigabyte: likewise
	@if command -v java > /dev/null && $(BIN)/python -c 'import pyspark' 2> /dev/null; then exit 0; fi; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get > /dev/null; then \
		echo "Installing Spark for the tests that run on it …" >&2; \
		{ command -v java > /dev/null || { apt-get update -qq && \
			DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends default-jre-headless > /dev/null; }; } && \
		$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements-spark.lock >&2; \
	fi || echo "Spark could not be installed: the tests that run on it are skipped" >&2

check: .venv/installed
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: .venv/installed
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: .venv/installed  ## one table of ratios, and the same as JSON
	$(BIN)/python -m benchmarks $(ARGS)

lock:  ## resolve again after a change of the dependencies; needs uv
	uv pip compile pyproject.toml $(LOCKED) $(foreach extra,demo postgres redis splink test,--extra $(extra)) --output-file requirements.lock
	echo "pyspark>=4,<4.1" | uv pip compile - $(LOCKED) --output-file requirements-spark.lock

clean:
	rm -rf .venv .touchpoint

# The messages go to standard error, so that `make demo ARGS="--once --json"` leaves clean JSON on standard output.
.venv/installed: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; pass another as PYTHON=…")'
	@echo "Setting up .venv with the locked dependencies (a minute or two, once) …" >&2
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv >&2
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements.lock >&2
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable . >&2
	@touch $@
