# Every command a developer needs; `make` alone lists them. CI runs the same ones (.ci/run).

PYTHON ?= python3

# The developer's shell must not change a result (PYTHONDONTWRITEBYTECODE, PYTEST_ADDOPTS, AWS_PROFILE ...).
FOREIGN := $(filter PYTHON% PYTEST% COVERAGE% HYPOTHESIS% MYPY% RUFF% AWS% SAM% LAMBDA% STREAMIFY% _HANDLER,$(.VARIABLES))
unexport $(filter-out STREAMIFY_REQUIRE_DOCKER STREAMIFY_BUILD_COLLECTOR,$(FOREIGN))
export SAM_CLI_TELEMETRY := 0
export NO_MKDOCS_2_WARNING := 1

# The demo needs the emulator only, which installs in seconds; a development environment serves it just as well.
DEMO_ENV := $(if $(wildcard .venv/.dev),.venv/.dev,.venv/.emulator)

# dist/ is where `python -m build` puts the wheel.
DIST ?= dist

# What installing others' tools costs lies in one cache outside the clone.
CACHE := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/lambda-streamify
TEXTLINT_VERSION := 15.8.0
PRH_VERSION := 6.1.0
TEXTLINT := $(CACHE)/textlint-$(TEXTLINT_VERSION)-prh-$(PRH_VERSION)

.PHONY: build coverage docs docs-serve docs-version pictures lint-prose help demo demo-web \
	test test-commands test-ecosystem test-operate test-sam test-lowest test-robustness \
	reliability soak fuzz bench bench-emulator layer publish-layer lint format clean

help: ## list these commands
	@awk -F ':.*## ' '/^[a-z/.-]+:.*## / { printf "make %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(DEMO_ENV) ## stream from the two sample functions on this machine, without Docker or AWS
	.venv/bin/streamify serve --only hello --only story --port 0 --exec ".venv/bin/streamify invoke hello && .venv/bin/streamify invoke story"

demo-web: $(DEMO_ENV) ## talk to the sample agent in a browser, with a script in place of its model
	.venv/bin/streamify serve --only agent --parameter AuthType=NONE --port 0 --quiet --exec ".venv/bin/python functions/open_page.py agent"

TESTS := tests/integration tests/unit
IN_PARALLEL := -n auto --dist loadfile --no-loadscope-reorder

test: .venv/.dev ## run the tests but the slow ones, and name the ten that take longest
	.venv/bin/python -m pytest $(IN_PARALLEL) --durations=10 -m "not slow" $(TESTS)

coverage: .venv/.dev ## run them all, and the tests of the built layer, the wheel and attach; each package must be covered to 95 %
	.venv/bin/coverage erase
	.venv/bin/coverage run -m pytest $(IN_PARALLEL) --hypothesis-profile=ci $(TESTS) tests/packaging tests/aws
	.venv/bin/coverage combine --quiet
	.venv/bin/coverage report --include="*/lambda_streamify/*"
	.venv/bin/coverage report --include="*/lambda_streamify_emulator/*"

# pytest's exit 5 means that it collected no test: nothing has failed.
no-tests-yet = { test $$? -eq 5 && echo "$(1): there are no tests here yet"; }

test-commands: .venv/.dev ## run the tests of the commands and of what is large, in processes that are watched from outside
	@.venv/bin/python -m pytest -n auto --dist loadfile tests/commands

test-ecosystem: .venv/.dev ## run the tests with AWS's own runtimes and the libraries that handlers are wrapped in
	@.venv/bin/python -m pytest tests/ecosystem || $(call no-tests-yet,tests/ecosystem)

test-operate: .venv/.dev ## run the configurations of deploy/ with the programs that they are for
	@.venv/bin/python -m pytest tests/operate || $(call no-tests-yet,tests/operate)

test-sam: .venv/.dev ## run the tests with the real SAM CLI; without Docker, those of sam local are skipped
	@.venv/bin/python -m pytest tests/sam || $(call no-tests-yet,tests/sam)

LOWEST_TESTS := tests/unit/emulator $(addprefix tests/integration/test_emulator_,connections.py function_url.py streaming.py)

test-lowest: .venv/lowest/.installed ## run the emulator's tests with the lowest versions that its extras allow
	.venv/lowest/bin/python -m pytest -n auto --dist loadfile $(LOWEST_TESTS)

test-robustness: .venv/.dev ## have each fault strike at each place of a stream, and see what comes of it
	.venv/bin/python -m pytest tests/robustness

reliability: .venv/.dev ## the same, and write the results into docs/reference/reliability.md
	.venv/bin/python -m pytest tests/robustness --reliability-page

# The report is kept of a run that is long enough to tell a slow leak.
soak: .venv/.dev ## send good and failing streams for MINUTES=30, and see what grows
	.venv/bin/python tests/robustness/soak.py --minutes $(or $(MINUTES),30) \
		$(if $(filter 30,$(or $(MINUTES),30)),--report tests/robustness/soak-report.md)

fuzz: .venv/.dev ## feed each parser what nobody has thought of, for MINUTES=10
	.venv/bin/python tests/robustness/fuzz.py --minutes $(or $(MINUTES),10)

bench: .venv/.dev ## measure (BENCH=--quick: only see that it works)
	.venv/bin/python benchmarks/run.py $(BENCH)

bench-emulator: .venv/.dev ## measure the emulator and the replay (BENCH=--quick likewise)
	.venv/bin/python benchmarks/emulator.py $(BENCH)

lint: .venv/.dev lint-prose ## check style, types, the templates, and the documents with their links
	.venv/bin/ruff check
	.venv/bin/ruff format --check
	.venv/bin/mypy
	.venv/bin/python -m pytest -q tests/typing
	.venv/bin/sam validate --lint
	.venv/bin/sam validate --lint --template functions/websocket/template.yaml
	.venv/bin/sam validate --lint --template deploy/dashboard.yaml
	.venv/bin/sam validate --lint --template deploy/cloudfront.yaml
	.venv/bin/python -m pytest -q tests/site

# Without npm the words are not checked, and a line says so.
lint-prose:
	@if command -v npm >/dev/null; then $(MAKE) --no-print-directory "$(TEXTLINT)/.installed" && \
		"$(TEXTLINT)/node_modules/.bin/textlint" --rules-base-directory "$(TEXTLINT)/node_modules" \
			--config docs/_site/textlintrc.json --format unix README.md CONTRIBUTING.md docs/*.md docs/*/*.md docs/*/*/*.md; \
	else echo "npm is missing: the words of the documents are not checked"; fi

$(TEXTLINT)/.installed:
	npm install --silent --no-audit --no-fund --no-package-lock --prefix "$(TEXTLINT)" \
		textlint@$(TEXTLINT_VERSION) textlint-rule-prh@$(PRH_VERSION)
	@touch "$@"

docs: .venv/.dev ## build the documentation as a site, into dist/site
	.venv/bin/mkdocs build --strict --site-dir "$(DIST)/site"

pictures: .venv/.dev ## draw the pictures of docs/explanation/architecture.md from the code
	.venv/bin/python docs/_site/pictures.py

# `make docs-version PUSH=--push` publishes it too. The branch gh-pages holds all versions, in folders of their own.
docs-version: .venv/.dev ## add it as this version, and as "latest", to the local branch gh-pages
	.venv/bin/mike deploy --update-aliases $(PUSH) $(basename $(VERSION)) latest
	.venv/bin/mike set-default $(PUSH) latest

docs-serve: .venv/.dev ## show it at http://127.0.0.1:8000, and again after each change
	.venv/bin/mkdocs serve --strict

format: .venv/.dev ## rewrite the code in the project's style
	.venv/bin/ruff check --fix
	.venv/bin/ruff format

# The same parameter for both: what is built stays a reference to it.
build: .venv/.dev ## build what `sam deploy` deploys, with bytecode for a fast cold start (RUNTIME=python3.12)
	.venv/bin/sam build $(if $(RUNTIME),--parameter-overrides PythonRuntime=$(RUNTIME))
	.venv/bin/streamify precompile --no-measure $(if $(RUNTIME),--parameter PythonRuntime=$(RUNTIME))

# The version is the package's.
VERSION = $(shell sed -n 's/^__version__ = "\(.*\)"/\1/p' layers/streamify/lambda_streamify/__init__.py)
LAYER_ZIP = $(DIST)/streamify-layer-$(VERSION).zip

layer: ## build the layer's zip, the same bytes each time, and its checksum
	@rm -rf "$(DIST)/layer"
	@$(MAKE) --silent -C layers/streamify build-StreamifyLayer ARTIFACTS_DIR="$(abspath $(DIST))/layer"
	@$(PYTHON) layers/pack.py "$(DIST)/layer" "$(LAYER_ZIP)" >&2

publish-layer: layer ## print the commands that publish it (REGIONS="us-east-1 eu-west-1")
	@for region in $(or $(REGIONS),""); do \
		echo aws lambda publish-layer-version --layer-name streamify $${region:+--region $$region} \
			--description "'Response streaming for Python'" --license-info Apache-2.0 \
			--compatible-runtimes python3.10 python3.11 python3.12 python3.13 python3.14 \
			--compatible-architectures x86_64 arm64 --zip-file "fileb://$(LAYER_ZIP)"; \
	done

docs/reference/cli.md: .venv/.dev emulator/lambda_streamify_emulator/commands/cli.py ## write the reference of the commands
	.venv/bin/typer lambda_streamify_emulator.commands.cli utils docs --name streamify --title Commands --output $@

clean: ## remove everything that was built, the environment too
	rm -rf .venv .aws-sam dist .coverage .coverage.* .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || \
		{ echo "lambda-streamify needs Python 3.10 or newer, and $(PYTHON) is not: make PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
		{ echo "$(PYTHON) cannot make virtual environments: install your system's python3-venv package"; exit 1; }
	$(PYTHON) -m venv .venv
	.venv/bin/python -m pip install --quiet --upgrade 'pip>=25.1'  # the first that knows dependency groups (PEP 735)

.venv/.emulator: pyproject.toml | .venv/bin/python
	.venv/bin/python -m pip install --quiet --editable '.[emulator]'
	@touch $@

.venv/.dev: pyproject.toml | .venv/bin/python
	.venv/bin/python -m pip install --quiet --editable . --group dev --group ecosystem
	@touch $@

# An environment of its own: the versions in it are older than those that the other tests pin.
.venv/lowest/.installed: pyproject.toml tests/robustness/lowest_versions.py | .venv/.dev
	$(PYTHON) -m venv --clear .venv/lowest
	.venv/bin/python tests/robustness/lowest_versions.py >.venv/lowest/requirements.txt
	.venv/lowest/bin/python -m pip install --quiet --requirement .venv/lowest/requirements.txt --editable .
	@touch $@
