# The front door. `make` alone says what there is.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin/python
BUILD := $(BIN) -m llm_finetuning.build
export PYTHONUNBUFFERED := 1
# Where this is set (many images do), each of some hundred processes would compile all that it imports anew.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help book test record checkpoint checkpoints serve refresh translate portable benchmark lighthouse lock clean

help: ## this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1\t/' | expand -t 20

book: $(VENV)/.done ## environment, data, every notebook executed, the site built (LANGS="en zh_CN": in Chinese too)
	@$(BUILD) make book

test: export LANGS ?= en zh_CN
test: $(VENV)/.done ## the same, then everything that must hold
	@$(BUILD) make test

record: $(VENV)/.done ## NAME=...: repeat a recorded run and say how far it is from the committed one
	@$(BUILD) record "$(NAME)"

checkpoint: $(VENV)/.done ## NAME=...: train one of the shipped models anew (an hour or two)
	@$(BUILD) checkpoint "$(NAME)"

checkpoints: ## train all of them, one after the other
	@$(MAKE) checkpoint NAME=all

serve: book ## the site on localhost
	@$(BIN) -m llm_finetuning.build.server 8000

lighthouse: book ## scores of the site's pages, or of PAGES="...", for "How this book was built" (Node.js, Chromium)
	@$(BIN) -m llm_finetuning.build.lighthouse $(PAGES)

refresh: $(VENV)/.done ## after editing: execute and store the fresh outputs in book/
	@$(BUILD) make executed && $(BUILD) refresh

translate: $(VENV)/.done ## after editing: bring the catalogues in book/locale up to date with the pages
	@$(BUILD) translate

portable: $(VENV)/.done ## the same outputs with other vector instructions?
	@$(BUILD) portable

benchmark: $(VENV)/.done ## make book against jupyter-book's own sequential execution
	@$(BIN) -m llm_finetuning.build.benchmark

lock: $(VENV)/.done ## requirements.lock from the newest releases that pyproject.toml admits
	@$(BIN) -m llm_finetuning.build.lock

clean: ## remove what was built; the environment and the downloads stay
	rm -rf _build .snakemake

# A marker is touched last, so that an interrupted installation is taken up again. Modules are compiled when they are
# first imported: most of what is installed never is.
$(VENV)/.done: pyproject.toml requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed: make PYTHON=python3.12 ..." if sys.version_info < (3, 11) else 0)'
	@echo "making the environment in $(VENV) (some minutes the first time) ..."
	@$(PYTHON) -m venv $(VENV)
	@$(BIN) -m pip install --quiet --disable-pip-version-check --no-compile --constraint requirements.lock --editable '.[book,test]'
	@touch $@
