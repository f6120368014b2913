# MailIt. `make help` lists the targets.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# The SAM command line and the emulator have environments of their own: their versions are not ours.
SAM := .venv-sam
EMULATOR := .venv-emulator
RUNTIME := $(VENV)/.runtime
DEV := $(VENV)/.dev
NODE_TESTS := tests/sdk/node

.DEFAULT_GOAL := help
.PHONY: help run test check bench format lock openapi template sam emulator deploy deploy-local undeploy-local clean

help: ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-15s %s\n", $$1, $$2}'

$(RUNTIME): requirements/runtime.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "MailIt needs Python 3.11 or newer")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -qq --disable-pip-version-check --require-hashes -r requirements/runtime.txt
	@$(BIN)/python -c 'import pathlib, sysconfig; here = pathlib.Path.cwd(); \
	  paths = [here / "layers/mailit/python", here / "smtp-edge", here / "infra", here]; \
	  pathlib.Path(sysconfig.get_path("purelib"), "mailit.pth").write_text("".join(f"{p}\n" for p in paths))'
	@touch $@

$(DEV): $(RUNTIME) requirements/dev.txt
	$(BIN)/python -m pip install -qq --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@touch $@

$(NODE_TESTS)/node_modules/.ready: $(NODE_TESTS)/package-lock.json
	cd $(NODE_TESTS) && npm ci --no-audit --no-fund --loglevel=error
	@touch $@

run: $(RUNTIME) ## Start everything on this machine, mail caught in the sandbox mailbox
	@exec $(BIN)/python -m gateway up

check: $(DEV) ## Format, lint, types, imports, unit tests, generated files: under a minute
	$(BIN)/ruff format --check --quiet .
	$(BIN)/ruff check --quiet .
	$(BIN)/mypy --no-error-summary
	$(BIN)/lint-imports > $(VENV)/imports.log || { cat $(VENV)/imports.log; exit 1; }
	$(BIN)/python tools/openapi.py --check
	$(BIN)/python tools/sam.py --check
	$(BIN)/python tools/openfaas.py --check
	$(BIN)/pytest tests/unit tests/contract

test: check $(NODE_TESTS)/node_modules/.ready $(SAM)/.ready $(EMULATOR)/.ready ## All tests, with real servers where they are installed
	$(BIN)/pytest tests/contract --engines moto,ministack,dynalite --ignore-glob '*embedded*'
	$(BIN)/pytest tests/system

bench: $(DEV) ## Measure on this machine, beside Postfix and OpenDKIM; ONLY=dispatch,edge for some of it
	$(BIN)/python -m tools.bench $(ONLY)

format: $(DEV) ## Format, and mend what the linter can
	$(BIN)/ruff check --quiet --fix . ; $(BIN)/ruff format --quiet .

openapi: $(DEV) ## Write openapi.yaml anew from the routes
	$(BIN)/python tools/openapi.py

template: $(DEV) ## Write template.yaml and OpenFaaS's stack.yaml anew from the functions
	$(BIN)/python tools/sam.py
	$(BIN)/python tools/openfaas.py

$(SAM)/.ready $(EMULATOR)/.ready: .venv-%/.ready: requirements/%.txt
	@test -x $(@D)/bin/python || $(PYTHON) -m venv $(@D)
	$(@D)/bin/python -m pip install -qq --disable-pip-version-check --require-hashes --no-deps -r $<
	@touch $@

sam: $(SAM)/.ready ## Set up the SAM command line in .venv-sam

emulator: $(EMULATOR)/.ready ## Set up MiniStack, the emulator of AWS, in .venv-emulator

deploy: $(SAM)/.ready ## Deploy template.yaml to AWS; asks for the parameters
	$(SAM)/bin/sam build
	$(SAM)/bin/sam deploy --guided --stack-name mailit --capabilities CAPABILITY_IAM

deploy-local: $(RUNTIME) $(SAM)/.ready $(EMULATOR)/.ready ## Deploy template.yaml to an emulator on this machine
	@$(BIN)/python -m localstack up

undeploy-local: $(RUNTIME) $(SAM)/.ready ## Delete that deployment, and end the emulator it started
	@$(BIN)/python -m localstack down

PIN := $(VENV)-lock/bin/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-header \
  --no-emit-index-url --no-emit-find-links
# What Chalice's command line needs and its functions do not.
COMMAND_LINE := ansicon blessed click editor inquirer jinxed packaging pip pyyaml readchar runs setuptools wcwidth wheel xmod

lock: ## Pin the newest versions of all dependencies, with hashes
	@test -x $(VENV)-lock/bin/uv || { $(PYTHON) -m venv $(VENV)-lock && $(VENV)-lock/bin/pip install --quiet uv; }
	$(PIN) requirements/runtime.in -o requirements/runtime.txt
	$(PIN) -c requirements/runtime.txt requirements/dev.in -o requirements/dev.txt
	$(PIN) -c requirements/runtime.txt $(COMMAND_LINE:%=--no-emit-package %) \
	  layers/deps/requirements.in -o layers/deps/requirements.txt
	$(PIN) requirements/sam.in -o requirements/sam.txt
	$(PIN) requirements/emulator.in -o requirements/emulator.txt

clean: ## Remove what was set up, not the data folder
	rm -rf $(VENV) $(VENV)-lock $(SAM) $(EMULATOR) .aws-sam $(NODE_TESTS)/node_modules .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
