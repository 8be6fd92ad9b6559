# Everything runs in .venv, which the targets make themselves.
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed

.PHONY: demo test test-spark soak bench ui sync docs lint audit clean

demo: $(STAMP)  ## a simulated tenant, the whole job, the result
	$(BIN)/m365-usage demo

test: $(STAMP)  ## everything that is checked
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/sqlfmt --check --quiet dbt_project
	$(BIN)/mypy
	$(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder -m "not soak"

KILLS ?= 200
soak: $(STAMP)  ## hours: whole jobs killed and side by side, months of daily runs, two hundred kills
	$(BIN)/python -m pytest -m "soak or story"
	CRASH_KILLS=$(KILLS) $(BIN)/python -m pytest tests/crash/test_kill_fetch_and_load.py

bench: .venv-bench/.installed  ## side by side with other tools, into benchmarks/results.md: SIZES="10000 100000" ROUNDS=5
	.venv-bench/bin/python -m benchmarks.run

test-spark: .venv-spark/.installed  ## the same models on a local Spark, every mart equal to DuckDB's; wants Java 17
	.venv-spark/bin/python -m pytest tests/spark --timeout 3600

sync: $(STAMP)  ## fetch, load, transform, publish, for the tenant in .env
	$(BIN)/m365-usage sync

ui: $(STAMP)  ## the Dagster UI and the daemon that runs the schedule, on 127.0.0.1:3000
	$(BIN)/m365-usage ui

docs: $(STAMP)  ## docs/data-dictionary.md and build/models.html, from the descriptions of the dbt project
	$(BIN)/dbt --quiet parse --project-dir dbt_project --profiles-dir dbt_project --target-path target/docs
	$(BIN)/python -m pipelines.publish.dictionary dbt_project/target/docs/manifest.json docs/data-dictionary.md
	mkdir -p build && $(BIN)/python -m pipelines.publish.dbt_docs dbt_project/target/docs/manifest.json build/models.html

lint: $(STAMP)  ## format, then check style and types
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	$(BIN)/sqlfmt --quiet dbt_project
	$(BIN)/mypy

audit: .venv-audit/.installed  ## known vulnerabilities of all pinned packages; asks the internet
	.venv-audit/bin/pip-audit --strict --no-deps --disable-pip --requirement constraints.txt

clean:  ## remove the environment and what tools left; data/ stays
	rm -rf .venv .venv-bench .venv-spark .venv-audit build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis dbt_project/target dbt_project/logs
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	touch $(STAMP)

.venv-bench/.installed .venv-spark/.installed: .venv-%/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv-$*
	.venv-$*/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[$*]'
	touch $@

.venv-audit/.installed:
	$(PYTHON) -m venv .venv-audit
	.venv-audit/bin/python -m pip install --quiet --disable-pip-version-check pip-audit
	touch $@
