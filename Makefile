# make demo | test | faults | soak | check | gen | bench        PYTHON=python3.12 make test chooses the interpreter
VENV ?= .venv
BIN = $(VENV)/bin
PY := $(shell for p in $(PYTHON) python3.14 python3.13 python3.12 python3.11 python3 python; do \
  $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && { echo $$p; break; }; done)

.PHONY: demo test faults faults-kills faults-rest faults-beside soak check gen bench clean

demo: $(VENV)/stamp
	$(BIN)/queuekit demo

test: $(VENV)/stamp-test
	$(BIN)/python -m pytest

# Three runs side by side, since all wait most of the time: kills, the disk and signals; the other
# faults; and what stands beside them. SEED=... repeats the choices of an earlier run; the tables of
# accounts are left in build/.
T2 = $(BIN)/python -m pytest -m t2 $(if $(SEED),--seed $(SEED))
KILLS = $(wildcard tests/faults/test_s[qw]*.py) tests/faults/test_storm.py

faults: $(VENV)/stamp-test
	$(MAKE) --output-sync --jobs=3 faults-kills faults-rest faults-beside
	cat build/faults-*.md > build/faults.md

faults-kills: $(VENV)/stamp-test
	$(T2) --accounts build/faults-kills.md $(KILLS)

faults-rest: $(VENV)/stamp-test
	$(T2) --accounts build/faults-rest.md tests/faults $(KILLS:%=--ignore=%)

faults-beside: $(VENV)/stamp-test
	$(T2) tests --ignore=tests/faults

soak: $(VENV)/stamp-test
	$(BIN)/python -m pytest tests/faults -m t3 --accounts build/soak.md $(if $(SEED),--seed $(SEED))

check: $(VENV)/stamp-dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/python tools/unasync.py --check
	$(BIN)/mypy
	$(BIN)/pyright
	$(BIN)/python -m pytest tests/test_architecture.py

gen: $(VENV)/stamp-dev
	$(BIN)/python tools/unasync.py

# BENCH="--quick --only raw,queuekit,hotqueue" measures a part; see benchmarks/README.md.
bench: $(VENV)/stamp-test
	$(BIN)/python benchmarks/bench.py $(BENCH)

$(VENV)/stamp: pyproject.toml
	@test -n "$(PY)" || { echo "queuekit needs Python 3.11 or newer (set PYTHON=...)"; exit 1; }
	@$(PY) -m venv $(VENV) || { echo "on Debian and Ubuntu: sudo apt install python3-venv"; exit 1; }
	$(BIN)/python -m pip install --quiet --upgrade "pip>=25.1"
	$(BIN)/python -m pip install --quiet --editable .
	@touch $@

$(VENV)/stamp-test: $(VENV)/stamp
	$(BIN)/python -m pip install --quiet --group test
	@touch $@

$(VENV)/stamp-dev: $(VENV)/stamp-test
	$(BIN)/python -m pip install --quiet --group dev
	@touch $@

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis
