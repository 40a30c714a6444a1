# The commands that people use while they work on odqa. `make demo` and `make test` need Python >= 3.11 and nothing else.

PYTHON ?= python3
BIN := .venv/bin
export HF_HUB_OFFLINE ?= 1

.PHONY: demo test axe lint format docs bench lock clean

demo: .venv/ready  ## index this project's own documents and ask them a question
	$(BIN)/odqa index README.md docs --index indexes/demo
	$(BIN)/odqa ask "How many passages does the reader read by default?" --index indexes/demo

test: lint  ## lint, then the whole suite, on up to four cores
	$(BIN)/python -m pytest -n auto --maxprocesses 4 --dist loadfile

axe:  ## fetch axe-core by npm, so that `make test` also tries the page's accessibility in chromium
	npm install --prefix . --no-save --no-package-lock --no-audit --no-fund --fetch-retries=1 --fetch-timeout=20000 axe-core@4.14.1

lint: .venv/ready  ## ruff and mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: .venv/ready  ## let ruff fix what it can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: .venv/ready  ## write the documentation as a site, into site/
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

bench: .venv/ready  ## measure speed, beside peers (hours; STEPS=cold,warm for some): make bench DATA=../shared/data
	$(BIN)/python benchmarks/speed.py --data $(or $(DATA),$(error where are the datasets? make bench DATA=folder)) $(if $(INDEX),--index $(INDEX)) $(if $(STEPS),--steps $(STEPS))

# The virtual environment, from the pinned versions of requirements.lock.
.venv/ready: pyproject.toml requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "odqa needs Python 3.11 or newer; this is " + sys.version.split()[0] + ". Name another with: make PYTHON=python3.12 demo")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c requirements.lock torch==2.13.0 -e ".[cpu,dev,docs]"
	touch $@

lock:  ## rewrite requirements.lock from what pip finds today
	rm -rf .lock && $(PYTHON) -m venv .lock
	.lock/bin/python -m pip install --quiet torch==2.13.0 -e ".[cpu,dev,docs]"
	(grep '^#' requirements.lock; .lock/bin/python -m pip freeze --exclude-editable | sed 's/+cpu//' | grep -v '^nvidia-\|^triton\|^cuda-') > requirements.lock.new
	mv requirements.lock.new requirements.lock && rm -rf .lock

clean:  ## remove what make made
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache indexes/demo site node_modules
