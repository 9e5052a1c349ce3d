# Every command a developer needs; `make` alone lists them. CI runs the same ones (.ci/run).

PYTHON ?= python3

# The developer's shell must not change a result (PYTHONDONTWRITEBYTECODE, PYTEST_ADDOPTS, AWS_PROFILE ...).
FOREIGN := $(filter PYTHON% PYTEST% COVERAGE% HYPOTHESIS% MYPY% RUFF% AWS% SAM% LAMBDA% STREAMIFY% _HANDLER,$(.VARIABLES))
unexport $(filter-out STREAMIFY_REQUIRE_DOCKER,$(FOREIGN))
export SAM_CLI_TELEMETRY := 0

# The demo needs the emulator only, which installs in seconds; a development environment serves it just as well.
DEMO_ENV := $(if $(wildcard .venv/.dev),.venv/.dev,.venv/.emulator)

.PHONY: help demo test test-commands test-ecosystem test-sam bench bench-emulator layer publish-layer lint format clean

help: ## list these commands
	@awk -F ':.*## ' '/^[a-z/.-]+:.*## / { printf "make %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(DEMO_ENV) ## stream from the two sample functions on this machine, without Docker or AWS
	.venv/bin/streamify serve --only hello --only story --port 0 --exec ".venv/bin/streamify invoke hello && .venv/bin/streamify invoke story"

test: .venv/.dev ## run the tests; each of the two packages must be covered to 95 %
	.venv/bin/coverage erase
	.venv/bin/coverage run -m pytest -n auto --dist loadfile --no-loadscope-reorder tests/integration tests/packaging tests/unit
	.venv/bin/coverage combine --quiet
	.venv/bin/coverage report --include="*/lambda_streamify/*"
	.venv/bin/coverage report --include="*/lambda_streamify_emulator/*"

# pytest's exit 5 means that it collected no test: nothing has failed.
no-tests-yet = { test $$? -eq 5 && echo "$(1): there are no tests here yet"; }

test-commands: .venv/.dev ## run the tests of the commands and of what is large, in processes that are watched from outside
	@.venv/bin/python -m pytest -n auto --dist loadfile tests/commands

test-ecosystem: .venv/.dev ## run the tests with AWS's own runtimes and the libraries that handlers are wrapped in
	@.venv/bin/python -m pytest tests/ecosystem || $(call no-tests-yet,tests/ecosystem)

test-sam: .venv/.dev ## run the tests with the real SAM CLI; without Docker, those of sam local are skipped
	@.venv/bin/python -m pytest tests/sam || $(call no-tests-yet,tests/sam)

bench: .venv/.dev ## measure (BENCH=--quick: only see that it works)
	.venv/bin/python benchmarks/run.py $(BENCH)

bench-emulator: .venv/.dev ## measure the emulator and the replay (BENCH=--quick likewise)
	.venv/bin/python benchmarks/emulator.py $(BENCH)

lint: .venv/.dev ## check style, types and the template
	.venv/bin/ruff check
	.venv/bin/ruff format --check
	.venv/bin/mypy
	.venv/bin/sam validate --lint

format: .venv/.dev ## rewrite the code in the project's style
	.venv/bin/ruff check --fix
	.venv/bin/ruff format

# dist/ is where `python -m build` puts the wheel. The version is the package's.
DIST ?= dist
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

docs/cli.md: .venv/.dev emulator/lambda_streamify_emulator/commands/cli.py ## write the reference of the commands
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

.venv/.emulator: pyproject.toml | .venv/bin/python
	.venv/bin/python -m pip install --quiet --editable '.[emulator]'
	@touch $@

.venv/.dev: pyproject.toml | .venv/bin/python
	.venv/bin/python -m pip install --quiet --editable '.[dev,ecosystem]'
	@touch $@
