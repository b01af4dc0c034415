# `make demo` and `make test` are all a newcomer needs: both prepare .venv and the system parts first.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
FOLDERS := backedge engine nodes providers checkpoints
CODE := $(FOLDERS) tests examples benchmarks

# One more than there are cores: now and then a test waits for a process or a disk.
WORKERS := $(shell expr 1 '+' $$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2))

.DEFAULT_GOAL := help
.PHONY: help demo test check types format bench soak clean

help:  ## what there is to make
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*##/\t/' | expand -t 10

$(VENV)/installed: pyproject.toml Makefile tools/environment.sh
	@sh tools/environment.sh $(PYTHON) $(VENV)
	@echo "installing backedge and its development tools into $(VENV) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]' >$(VENV)/install.log 2>&1 || { cat $(VENV)/install.log; exit 1; }
	@touch $@

.PHONY: system system-for-tests mock-server
system: $(VENV)/installed
	@sh tools/system-parts.sh $(BIN)/python

system-for-tests: $(VENV)/installed
	@sh tools/system-parts.sh $(BIN)/python strace

mock-server: $(VENV)/installed
	@sh tools/mock-server.sh $(VENV)/node

demo: $(VENV)/installed system  ## watch a loop repair a defective program
	@mkdir -p demo
	$(BIN)/backedge repair examples/repair/parking.py --function fee --cases examples/repair/parking.jsonl --journal demo/runs.db

test: $(VENV)/installed system-for-tests mock-server  ## run all tests
	env -u PYTHONDONTWRITEBYTECODE $(BIN)/python -m pytest -q --workers $(WORKERS)

check: $(VENV)/installed types  ## lint, formatting and types
	$(BIN)/ruff check $(CODE)
	$(BIN)/ruff format --check $(CODE)

# mypy sees the package as it is installed: folders mapped under one name.
types: $(VENV)/installed
	@rm -rf .typecheck && mkdir -p .typecheck/backedge
	@for part in backedge/* $(filter-out backedge,$(FOLDERS)); do ln -s "../../$$part" .typecheck/backedge/ || exit 1; done
	cd .typecheck && ../$(BIN)/mypy --config-file ../pyproject.toml -p backedge
	MYPYPATH=.typecheck $(BIN)/mypy tests/typing_api.py examples/*.py

format: $(VENV)/installed  ## rewrite the code in the project's format
	$(BIN)/ruff check --fix $(CODE)
	$(BIN)/ruff format $(CODE)

bench: $(VENV)/installed system  ## measure what docs/performance.md claims
	$(BIN)/python -m benchmarks

soak: $(VENV)/installed system-for-tests  ## the long tests, and properties with many more examples
	BACKEDGE_SOAK=1 $(BIN)/python -m pytest -q -m "soak or hypothesis"

clean:  ## remove what make made
	rm -rf $(VENV) .typecheck build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache demo
