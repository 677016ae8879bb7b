# Everything a fresh machine needs: Python 3.11, pip and make.
PYTHON ?= python3
BIN := .venv/bin
UV_VERSION := 0.13.9

# The local cloud and the tests start hundreds of processes: what one has compiled the next one reads.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: setup demo test check bench simulate simulate-submission chaos package deploy checkov clean

setup: .venv/.ready

.venv/.ready: pyproject.toml uv.lock
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	test -x $(BIN)/uv || $(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	$(BIN)/uv sync --frozen --all-extras --quiet
	touch $@

demo: setup
	$(BIN)/hydrobid demo

test: setup
	$(BIN)/pytest -n auto --dist loadgroup

check: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	for function in functions/*/main.py; do $(BIN)/mypy $$function || exit 1; done
	$(BIN)/mypy functions/package.py terraform/deploy.py
	$(BIN)/lint-imports

bench: setup
	$(BIN)/uv sync --frozen --all-extras --group bench --quiet
	for benchmark in tests/benchmarks/*.py; do $(BIN)/python $$benchmark || exit 1; done

# 100,000 simulated days of faults; a failing seed is told, shrunk and worth keeping.
simulate: setup
	PYTHONPATH=tests $(BIN)/python -m simulation --schedules 100000

# 10,000 schedules of submission alone, whose bids come ready: minutes, with the time in the JSON.
simulate-submission: setup
	PYTHONPATH=tests $(BIN)/python -m simulation --alone --schedules 10000

# 25 days on real processes that are killed at seeded moments.
chaos: setup
	PYTHONPATH=tests $(BIN)/python -m chaos --runs 25 --json

# An archive of each function in dist/, named by its content, with its size and time to import.
package: setup
	$(BIN)/python functions/package.py

# The release into a project: make deploy PROJECT=... STATE=BUCKET [SMOKE=CLIENT] [SHARD=NAME].
# DRY_RUN=1 plans it without Google.
deploy: setup
	$(BIN)/python terraform/deploy.py --project "$(PROJECT)" $(if $(DRY_RUN),--dry-run) \
		$(if $(STATE),--state "$(STATE)") $(if $(SMOKE),--smoke "$(SMOKE)") $(if $(SHARD),--shard "$(SHARD)")

# Checkov's rules over the plan of the example clients; the exceptions have their reasons in its file.
# Apart from `make test`: its packages weigh 200 MB and cannot be locked with ours.
checkov: setup
	TF_VAR_repository=example/hydrobid $(BIN)/python terraform/deploy.py --project example --dry-run \
		--plan out/plan.json --release out/release
	$(BIN)/uv tool run --quiet --constraints terraform/checkov.constraints.txt checkov -f out/plan.json \
		--config-file terraform/checkov.yaml

clean:
	rm -rf .venv .hydrobid out dist
