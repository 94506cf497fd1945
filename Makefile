# What a developer or a curious visitor needs; everything happens in .venv, which is made when first needed.
# `make PYTHON=/path/to/python3.12 test` takes another Python for it.

.DEFAULT_GOAL := help
.PHONY: help run test kafka torture newer-prometheus lint types ci clean
.DELETE_ON_ERROR:

VENV := .venv
PY := $(VENV)/bin/python
PIP := $(PY) -m pip --disable-pip-version-check --quiet
COMPILED := $(wildcard streams/*.h streams/*/*.h streams/*/*.c)

help:  ## show this list
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-8s %s\n", $$1, $$2}'

run: $(VENV)/.trial  ## see it work: broker, topics, worker and real data on this machine; Ctrl-C ends it
	@$(PY) -m agents.commands.main run $(ARGS)

test: $(VENV)/.dev  ## unit, property and embedded-broker tests; needs nothing but Python
	@$(PY) -m pytest -q -m "not shared and not kafka and not torture and not observability and not browser" tests $(ARGS)

kafka: $(VENV)/.dev  ## Apache Kafka on this machine (Java 17 or newer, Maven) until Ctrl-C; prints its address
	@$(PY) -m tests.kafka.broker $(ARGS)

torture: $(VENV)/.dev  ## the crash suite, long: SCHEDULES=20 SEED=1 KIND=zombie; half an hour or more (Java 17 and Maven)
	@$(PY) -m tests.kafka.torture $(if $(SCHEDULES),--schedules $(SCHEDULES)) $(if $(SEED),--seed $(SEED)) $(if $(KIND),--kind $(KIND)) $(ARGS)

newer-prometheus: $(VENV)/.dev  ## the tests of alerts with a newer Debian's Prometheus and Alertmanager (apt)
	@PYTHON=$(PY) tests/observability/newer-prometheus $(ARGS)

lint: $(VENV)/.dev  ## style and common faults (ruff)
	@$(PY) -m ruff check .

types: $(VENV)/.dev  ## type hints (mypy --strict)
	@$(PY) -m mypy

ci:  ## all that must pass before a change is taken, with Apache Kafka and Prometheus
	@.ci/run

clean:  ## take away .venv, caches and the records of trials
	rm -rf $(VENV) .trial .kafka build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Installed anew only when pyproject.toml or a compiled piece changed. The Python sources are used where they lie.
$(VENV)/.trial: pyproject.toml $(COMPILED) | $(PY)
	@echo "Installing netgrowth's dependencies into $(VENV), once ..."
	@$(PIP) install --editable '.[trial]'
	@touch $@

$(VENV)/.dev: pyproject.toml $(COMPILED) | $(PY)
	@echo "Installing netgrowth's dependencies and the tools for its tests into $(VENV), once ..."
	@$(PIP) install --editable '.[trial,dev]'
	@touch $@ $(VENV)/.trial

$(PY):
	@python='$(PYTHON)'; \
	if [ -z "$$python" ]; then \
		for name in python3 python3.13 python3.12 python3.11; do \
			if $$name -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then python=$$name; break; fi; \
		done; \
	fi; \
	if [ -z "$$python" ] || ! $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then \
		echo "netgrowth needs Python 3.11 or newer; none was found. On Debian or Ubuntu:"; \
		echo "    apt-get install python3 python3-venv"; \
		echo "or name one: make PYTHON=/path/to/python3.12 $(MAKECMDGOALS)"; exit 1; \
	fi; \
	if ! $$python -c 'import venv, ensurepip' 2>/dev/null; then \
		version=$$($$python -c 'import sys; print("%d.%d" % sys.version_info[:2])'); \
		echo "This Python can make no environment (venv or ensurepip is missing). On Debian or Ubuntu:"; \
		echo "    apt-get install python3-venv        # or python$$version-venv"; exit 1; \
	fi; \
	rm -rf $(VENV) && $$python -m venv $(VENV) || { rm -rf $(VENV); exit 1; }
