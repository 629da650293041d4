# `make help` lists what can be made.

PYTHON ?= python3
VENV ?= .venv
PORT ?= 8888
IP ?= localhost
NB ?=
CONSTRAINTS ?=
STUDY ?=
TABLE ?=
QUICK ?=
TIMES ?= 10
TIME_BUDGET ?= 240
START ?= README.md
REPO =
REF =
PY = $(VENV)/bin/python
ONE_THREAD = OMP_NUM_THREADS=1 TF_NUM_INTRAOP_THREADS=1 TF_NUM_INTEROP_THREADS=1 TIME_BUDGET=0
export TIME_BUDGET

.PHONY: help env lab test test-oldest test-colab unit compare test-one-thread notebooks weights seeds experiments bench slides lint format clean publish colab-check binder-check offline-check read-only-check section-check two-at-once repeat habits
.DEFAULT_GOAL := help

help:  ## list these targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1|\2/' | awk -F'|' '{printf "%-24s%s\n", $$1, $$2}'
	@echo
	@echo 'Variables, for example `make lab PORT=9000`:'
	@echo '  NB="01 03"            the notebooks to run (all)'
	@echo '  STUDY="skips loss"    the experiments to make (all)'
	@echo '  TABLE="peer limit"    the tables to measure (all)'
	@echo '  TIMES=10              how often make repeat tests everything'
	@echo '  PORT=8888             port of JupyterLab; the next free one is taken if it is in use'
	@echo '  IP=localhost          address that JupyterLab listens on; in a container IP=0.0.0.0'
	@echo '  TIME_BUDGET=240       seconds a notebook may take on two cores; named if over, failed at twice as many, 0 for no limit'
	@echo '  REPO=owner/name       for make publish: where the series is on GitHub; REF=main is the branch or tag'
	@echo '  PYTHON=python3        the Python that makes the environment: 3.11, 3.12 or 3.13'
	@echo '  VENV=.venv            where the environment is'

lab: env  ## open the series in JupyterLab (makes the environment first)
	@flags=; [ "$$(id -u)" != 0 ] || flags=--allow-root; \
	[ -n "$$BROWSER$$DISPLAY$$WAYLAND_DISPLAY" ] || [ "$$(uname)" = Darwin ] || flags="$$flags --no-browser"; \
	mkdir -p $(VENV)/share/jupyter/lab/settings && cp .binder/overrides.json $(VENV)/share/jupyter/lab/settings/; \
	echo "JupyterLab starts. Its address follows; open it in a browser if none opens. Control-C stops it."; \
	JUPYTER_PREFER_ENV_PATH=1 exec $(PY) -m jupyterlab $$flags --log-level=CRITICAL --ip=$(IP) --port=$(PORT) \
	  --ServerApp.root_dir=. --LabApp.default_url=/lab/tree/$(START) --LabApp.news_url=None \
	  --LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate

test: env  ## run everything: unit tests, checks of the notebooks, every notebook with its outputs compared
	@$(PY) -m tests.run_notebooks test $(NB)

unit: env  ## run the unit tests and the checks of the notebooks, not the notebooks
	@$(PY) -m pytest -q --numprocesses=2 --dist=loadfile tests

compare: env  ## run the notebooks only, outputs compared
	@$(PY) -m tests.run_notebooks compare $(NB)

test-oldest:  ## the same as test with the oldest supported versions, in .venv-oldest
	@$(MAKE) --no-print-directory test VENV=.venv-oldest CONSTRAINTS=tests/constraints-oldest.txt

test-colab:  ## the same as test with Colab's versions, in .venv-colab
	@$(MAKE) --no-print-directory test VENV=.venv-colab CONSTRAINTS=tests/constraints-colab.txt

test-one-thread: env  ## the same on one processor core, without a limit of time
	@$(ONE_THREAD) $$(command -v taskset >/dev/null && echo taskset -c 0) $(PY) -m tests.run_notebooks compare $(NB)

notebooks: env  ## execute the notebooks and store their outputs
	@$(PY) -m tests.run_notebooks execute $(NB)

weights: env  ## train the networks whose weights are in data/ again
	@for network in weights class_weights paper_weights nuclei_weights; do \
	  $(PY) -m tests.benchmarks.make_$$network || exit 1; done

seeds: env  ## train with three seeds and print the scores and their spread
	@$(PY) -m tests.benchmarks.seeds

experiments: env  ## make the tables of the experiments; runs that are there already are kept
	@$(PY) -m tests.benchmarks.experiments $(STUDY)

bench: env  ## measure learning, drawing, speed and memory: seven tables (QUICK=1: fewer sizes and rounds)
	@$(PY) -m tests.benchmarks.bench $(TABLE) $(if $(QUICK),--quick)

slides: env  ## make slides for an instructor from the notebooks, in slides/
	@$(PY) -m tests.slides $(NB)

lint: env  ## check style: utils, tests, notebooks
	@$(PY) -m ruff check utils tests notebooks && $(PY) -m ruff format --check utils tests notebooks

format: env  ## put code into the agreed form
	@$(PY) -m ruff check --fix utils tests notebooks; $(PY) -m ruff format utils tests notebooks; $(PY) -m tests.run_notebooks tidy

publish: env  ## write the public address into every badge, setup cell and text: make publish REPO=owner/name
	@$(PY) -m tests.publish --repo "$(REPO)" --ref "$(REF)"

colab-check: env  ## run each notebook alone in an empty folder, as Colab does, outputs compared
	@$(PY) -m tests.launch $(NB)

offline-check: env  ## run everything without a network: unit tests, and the notebooks with their outputs compared
	@$(PY) -m tests.confine offline $(PY) -m tests.run_notebooks test $(NB)

read-only-check: env  ## run the notebooks while nothing can be written in the project's folder, outputs compared
	@$(PY) -m tests.confine read-only $(PY) -m tests.run_notebooks compare $(NB)

section-check: env  ## run each part of a notebook that says it can be started, in a kernel of its own, outputs compared
	@$(PY) -m tests.sections $(NB)

two-at-once: env  ## run the notebooks two at a time in this folder, outputs compared
	@$(PY) -m tests.at_once $(NB)

repeat: env  ## make test again and again, up to the first failure (TIMES=10)
	@[ "$(TIMES)" -ge 1 ] || { echo "TIMES is '$(TIMES)'; give a whole number, 1 or more."; exit 1; }
	@for run in $$(seq $(TIMES)); do \
	  $(MAKE) --no-print-directory test || { echo "run $$run of $(TIMES) failed"; exit 1; }; \
	  echo "run $$run of $(TIMES) passed"; done

binder-check:  ## do what Binder does in an environment of its own: one processor core, 2 GB for a kernel
	@$(PYTHON) -m tests.binder_check $(NB)

habits: env  ## for those who change something: checks before each commit, readable differences of notebooks
	@$(PY) -m pip install --quiet --disable-pip-version-check "pre-commit>=3.5" "nbdime>=4"
	@$(PY) -m pre_commit install
	@git config diff.jupyternotebook.command '"$(abspath $(PY))" -m nbdime.vcs.git.diffdriver diff'
	@git config merge.jupyternotebook.name 'cells of Jupyter notebooks'
	@git config merge.jupyternotebook.driver '"$(abspath $(PY))" -m nbdime.vcs.git.mergedriver merge %O %A %B %L %P'

clean:  ## remove what make made: the environments .venv*, nothing else
	rm -rf .venv .venv-oldest .venv-colab

env: $(VENV)/.complete  ## make the environment, or bring it up to date with requirements.txt

$(VENV)/.complete: requirements.txt $(CONSTRAINTS)
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null || { \
	  echo "Python 3.11, 3.12 or 3.13 is needed, and $(PYTHON) is: $$($(PYTHON) --version 2>&1 | head -1)."; \
	  echo "If you have one of them, name it: make $(MAKECMDGOALS) PYTHON=python3.12"; exit 1; }
	@asked='import sys; print("%d.%d" % sys.version_info[:2])'; \
	[ ! -e $(PY) ] || [ "$$($(PY) -c "$$asked" 2>&1)" = "$$($(PYTHON) -c "$$asked")" ] || { \
	  echo "$(VENV) was made with another Python ($$($(PY) --version 2>&1 | head -1)) than $(PYTHON) ($$($(PYTHON) --version))."; \
	  echo "Remove the folder $(VENV) and try again, or name that Python: make $(MAKECMDGOALS) PYTHON=..."; exit 1; }
	@echo "Making $(VENV), or bringing it up to date: about 2.6 GB, some minutes the first time."
	@$(PYTHON) -m venv $(VENV)
	@$(PY) -m pip install --quiet --disable-pip-version-check $(if $(CONSTRAINTS),-c $(CONSTRAINTS)) -r requirements.txt || { \
	  echo "The packages could not be installed. TensorFlow needs 64 bit and, here, $$($(PY) --version);"; \
	  echo "otherwise look at the message above: no connection, or no space left?"; exit 1; }
	@touch $@
