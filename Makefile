# `make help` lists what can be made.

PYTHON ?= python3
VERSIONS ?=
VENV ?= .venv$(VERSIONS:%=-%)
CONSTRAINTS = $(VERSIONS:%=scripts/constraints-%.txt)
PORT ?= 8888
IP ?= localhost
START ?= README.md
ONLY ?= test
NET ?= shapes classes touching nuclei ensemble drawing skips
TIME_BUDGET ?= 240
DOCS ?= .venv-docs
PY = $(VENV)/bin/python
export TIME_BUDGET

.PHONY: help env lab test unit check notebooks weights experiments bench site slides lint publish habits clean
.DEFAULT_GOAL := help

help:  ## list these targets
	@sed -nE 's/^([a-z]+):.*## (.*)/  make \1|\2/p' $(MAKEFILE_LIST) | awk -F'|' '{printf "%-19s%s\n", $$1, $$2}'
	@echo
	@echo 'Variables, for example `make lab PORT=9000`:'
	@echo '  NB="01 03"         the notebooks to run (all)'
	@echo '  ONLY=compare       for make test: the notebooks without the unit tests'
	@echo '  WHAT=colab         for make check: binder, colab, offline, read-only, sections, two-at-once or one-core'
	@echo '  VERSIONS=oldest    for test and check: in .venv-oldest with the oldest supported versions; or colab, with Colab'"'"'s'
	@echo '  CHECK=1            for make site: open the built pages in Chromium; PDF=1 also prints the book to a PDF'
	@echo '  NET=nuclei         for make weights: shapes, classes, touching, nuclei, ensemble, drawing or skips (all)'
	@echo '  STUDY="skips loss" for make experiments: the tables to make (all); seeds for data/seeds.json'
	@echo '  TABLE="peer limit" for make bench: the tables to measure (all); QUICK=1 for fewer sizes and rounds'
	@echo '  REPO=owner/name    for make publish: where the series is on GitHub; REF=main is the branch or tag'
	@echo '  TIME_BUDGET=240    seconds a notebook may take on two cores; named if over, failed at twice as many, 0 for no limit'
	@echo '  PORT=8888          port of JupyterLab; the next free one is taken if it is in use'
	@echo '  IP=localhost       address that JupyterLab listens on; in a container IP=0.0.0.0'
	@echo '  PYTHON=python3     the Python that makes the environment: 3.11, 3.12 or 3.13'
	@echo '  VENV=.venv         where the environment is; DOCS=.venv-docs: where that of make site is'

lab: env  ## open the series in JupyterLab (makes the environment first)
	@flags=; [ "$$(id -u)" != 0 ] || flags=--allow-root; \
	[ -n "$$BROWSER$$DISPLAY$$WAYLAND_DISPLAY" ] || [ "$$(uname)" = Darwin ] || flags="$$flags --no-browser"; \
	mkdir -p $(VENV)/share/jupyter/lab/settings && cp .binder/overrides.json $(VENV)/share/jupyter/lab/settings/; \
	echo "JupyterLab starts. Its address follows; open it in a browser if none opens. Control-C stops it."; \
	JUPYTER_PREFER_ENV_PATH=1 exec $(PY) -m jupyterlab $$flags --log-level=CRITICAL --ip=$(IP) --port=$(PORT) \
	  --ServerApp.root_dir=. --LabApp.default_url=/lab/tree/$(START) --LabApp.news_url=None \
	  --LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate

test: env  ## run everything: unit tests, checks of the notebooks, every notebook with its outputs compared
	@$(PY) -m scripts.run_notebooks $(ONLY) $(NB)

unit: env  ## run the unit tests and the checks of the notebooks, not the notebooks
	@$(PY) -m scripts.run_notebooks unit

check: env  ## run the notebooks as elsewhere, outputs compared: make check WHAT=colab
	@$(PY) -m scripts.launch $(WHAT) $(NB)

notebooks: env  ## execute the notebooks and store their outputs
	@$(PY) -m scripts.run_notebooks execute $(NB)

weights: env  ## train the networks whose weights are in data/ again
	@for net in $(NET); do $(PY) -m scripts.make_weights $$net || exit 1; done

experiments: env  ## make the tables of the experiments; runs that are there already are kept
	@$(PY) -m scripts.experiments $(STUDY)

bench: env  ## measure learning, drawing, speed and memory: eight tables
	@$(PY) -m scripts.bench $(TABLE) $(if $(QUICK),--quick)

site: $(DOCS)/.complete  ## build the site, the book and the Playground, in docs/_build/html
	@$(DOCS)/bin/python -m scripts.site $(if $(CHECK),--check) $(if $(PDF),--pdf)

slides: env  ## make slides for an instructor from the notebooks, in slides/
	@$(PY) -m scripts.slides $(NB)

lint: env  ## check style; FIX=1 also puts code and notebooks into the agreed form
	@$(PY) -m ruff check $(if $(FIX),--fix) utils scripts tests notebooks docs
	@$(PY) -m ruff format $(if $(FIX),,--check) utils scripts tests notebooks docs
	@$(if $(FIX),$(PY) -m scripts.run_notebooks tidy)

publish: env  ## write the public address into every badge, setup cell and text: make publish REPO=owner/name
	@$(PY) -m scripts.publish $(if $(REPO),--repo "$(REPO)") $(if $(REF),--ref "$(REF)")

habits: env  ## for those who change something: checks before each commit, readable differences of notebooks
	@$(PY) -m pip install --quiet --disable-pip-version-check "pre-commit>=3.5" "nbdime>=4"
	@$(PY) -m pre_commit install
	@git config diff.jupyternotebook.command '"$(abspath $(PY))" -m nbdime.vcs.git.diffdriver diff'
	@git config merge.jupyternotebook.name 'cells of Jupyter notebooks'
	@git config merge.jupyternotebook.driver '"$(abspath $(PY))" -m nbdime.vcs.git.mergedriver merge %O %A %B %L %P'

clean:  ## remove what make made: the environments .venv*, nothing else
	rm -rf .venv .venv-oldest .venv-colab .venv-docs

env: $(VENV)/.complete  ## make the environment, or bring it up to date with requirements.txt

$(VENV)/.complete: requirements.txt pyproject.toml $(CONSTRAINTS)
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null || { \
	  echo "Python 3.11, 3.12 or 3.13 is needed, and $(PYTHON) is: $$($(PYTHON) --version 2>&1 | head -1)."; \
	  echo "If you have one of them, name it: make $(MAKECMDGOALS) PYTHON=python3.12"; exit 1; }
	@asked='import sys; print("%d.%d" % sys.version_info[:2])'; \
	[ ! -e $(PY) ] || [ "$$($(PY) -c "$$asked" 2>&1)" = "$$($(PYTHON) -c "$$asked")" ] || { \
	  echo "$(VENV) was made with another Python ($$($(PY) --version 2>&1 | head -1)) than $(PYTHON) ($$($(PYTHON) --version))."; \
	  echo "Remove the folder $(VENV) and try again, or name that Python: make $(MAKECMDGOALS) PYTHON=..."; exit 1; }
	@echo "Making $(VENV), or bringing it up to date: about 2.6 GB, some minutes the first time."
	@$(PYTHON) -m venv $(VENV)
	@$(PY) -m pip install --quiet --disable-pip-version-check $(if $(CONSTRAINTS),-c $(CONSTRAINTS)) -r requirements.txt \
	  $$($(PY) -c 'import tomllib; print(*sum(tomllib.load(open("pyproject.toml", "rb"))["dependency-groups"].values(), []))') || { \
	  echo "The packages could not be installed. TensorFlow needs 64 bit and, here, $$($(PY) --version);"; \
	  echo "otherwise look at the message above: no connection, or no space left?"; exit 1; }
	@touch $@

$(DOCS)/.complete: docs/requirements.txt
	@echo "Making $(DOCS), or bringing it up to date: about 260 MB, half a minute the first time."
	@$(PYTHON) -m venv $(DOCS)
	@$(DOCS)/bin/python -m pip install --quiet --disable-pip-version-check -r docs/requirements.txt || { \
	  echo "The packages could not be installed; look at the message above: no connection, or no space left?"; exit 1; }
	@touch $@
