# Two commands from a fresh clone: `make quickstart` and `make test`. Both set up .venv first, and only once.
PYTHON ?= python3
BIN    := .venv/bin
READY  := .venv/.ready

.PHONY: quickstart test fast check setup lock

quickstart: setup  ## Run the smallest real study, then read it.
	$(BIN)/ablate run search_spaces/quickstart.yaml
	$(BIN)/ablate summarize runs/quickstart

test: check  ## Everything: lint, types, all tests, the slow ones last.
	$(BIN)/python -m pytest -m "not slow and not ray" -n 2
	$(BIN)/python -m pytest -m "slow and not ray" -n 2 --durations=5
	$(BIN)/python -m pytest -m "ray" --durations=10

fast: check  ## Lint, types, and the tests that need no other process: some three minutes.
	$(BIN)/python -m pytest -m "not slow and not ray" -n 2

check: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

setup: $(READY)

# uv comes from the same lock as everything else. Bytecode is compiled here once: without it every Ray process compiles torch
# and Ray anew, and the first epoch comes after 20 seconds instead of 8.
$(READY): requirements.lock pyproject.toml
	test -x $(BIN)/uv || $(MAKE) uv
	$(BIN)/uv pip sync --quiet --python $(BIN)/python --require-hashes --compile-bytecode requirements.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	-$(BIN)/python -m compileall -q ablate
	touch $(READY)

.PHONY: uv
uv:
	$(PYTHON) -m venv --clear .venv
	sed -n '/^uv==/,/[^\\]$$/p' requirements.lock > .venv/uv.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r .venv/uv.txt

lock:  ## Compile requirements.lock anew from pyproject.toml, and what the MLflow server of cluster/ has beside it.
	$(BIN)/uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 \
	  --generate-hashes --no-emit-index-url --no-header --quiet --output-file requirements.lock
	printf 'boto3\npsycopg2-binary\n' | $(BIN)/uv pip compile - --constraint requirements.lock --universal --python-version 3.11 \
	  --generate-hashes --no-emit-index-url --no-annotate --no-header --quiet --output-file cluster/mlflow.lock
