# Every command a developer needs; `make` alone lists them. CI runs the same ones (.ci/run).

PYTHON ?= python3

# The developer's shell must not change a result (PYTHONDONTWRITEBYTECODE, PYTEST_ADDOPTS, AWS_PROFILE ...).
FOREIGN := $(filter PYTHON% PYTEST% COVERAGE% HYPOTHESIS% MYPY% RUFF% AWS% SAM% LAMBDA% STREAMIFY% _HANDLER,$(.VARIABLES))
# One target acts on AWS, and needs the credentials.
KEPT := STREAMIFY_REQUIRE_DOCKER STREAMIFY_BUILD_COLLECTOR $(if $(filter publish-layers,$(MAKECMDGOALS)),AWS%)
unexport $(filter-out $(KEPT),$(FOREIGN))
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
ACTIONLINT_VERSION := 1.7.12
ACTIONLINT := $(CACHE)/actionlint-$(ACTIONLINT_VERSION)

.PHONY: build coverage docs docs-serve docs-version pictures reference lint-prose lint-workflows help demo demo-web \
	test test-commands test-ecosystem test-operate test-sam test-lowest test-newest test-robustness test-wheel \
	reliability soak fuzz bench bench-emulator bench-concurrency layer publish-layer starters docs/reference/contract.txt lint format clean \
	test-release release release-artifacts release-draft release-layer changelog-section publish-layers

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
	.venv/bin/coverage run -m pytest $(IN_PARALLEL) --durations=10 --hypothesis-profile=ci $(TESTS) tests/packaging tests/aws
	.venv/bin/coverage combine --quiet
	.venv/bin/coverage report --include="*/lambda_streamify/*"
	.venv/bin/coverage report --include="*/lambda_streamify_emulator/*"

# pytest's exit 5 means that it collected no test: nothing has failed.
no-tests-yet = { test $$? -eq 5 && echo "$(1): there are no tests here yet"; }

test-commands: .venv/.dev ## run the tests of the commands and of what is large, in processes that are watched from outside
	@.venv/bin/python -m pytest -n auto --dist loadfile tests/commands

test-ecosystem: .venv/.dev ## run the tests with AWS's own runtimes and the libraries that handlers are wrapped in
	@.venv/bin/python -m pytest --durations=10 tests/ecosystem || $(call no-tests-yet,tests/ecosystem)

test-operate: .venv/.dev ## run the configurations of deploy/ with the programs that they are for
	@.venv/bin/python -m pytest tests/operate || $(call no-tests-yet,tests/operate)

test-release: .venv/.dev ## make a release in a clone, and publish its layer to moto
	@.venv/bin/python -m pytest tests/release

test-sam: .venv/.dev ## run the tests with the real SAM CLI; without Docker, those of sam local are skipped
	@.venv/bin/python -m pytest tests/sam || $(call no-tests-yet,tests/sam)

LOWEST_TESTS := tests/unit/emulator $(addprefix tests/integration/test_emulator_,connections.py function_url.py streaming.py)

test-lowest: .venv/lowest/.installed ## run the emulator's tests with the lowest versions that its extras allow
	.venv/lowest/bin/python -m pytest -n auto --dist loadfile $(LOWEST_TESTS)

# The parts of `make coverage` that are about the wheel.
test-wheel: .venv/.dev ## build the wheel, install it, and test it where the sources are removed
	.venv/bin/python -m pytest tests/packaging/test_wheel.py tests/packaging/test_installed_wheel.py

test-newest: .venv/newest/.installed ## run the tests with the newest versions of everything; those of today are fetched
	.venv/newest/bin/python -m pytest $(IN_PARALLEL) $(TESTS) tests/ecosystem

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

bench-concurrency: .venv/.dev ## measure several invocations at a time (BENCH=--quick likewise)
	.venv/bin/python benchmarks/concurrency.py $(BENCH)

lint: .venv/.dev lint-prose lint-workflows ## check style, types, the templates, and the documents with their links
	.venv/bin/ruff check
	.venv/bin/ruff format --check
	.venv/bin/mypy
	.venv/bin/python -m pytest -q tests/typing
	.venv/bin/sam validate --lint
	.venv/bin/sam validate --lint --template functions/websocket/template.yaml
	.venv/bin/sam validate --lint --template deploy/dashboard.yaml
	.venv/bin/sam validate --lint --template deploy/cloudfront.yaml
	.venv/bin/sam validate --lint --template deploy/layer.yaml
	.venv/bin/python -m pytest -q tests/site

# Without npm the words are not checked, and a line says so.
lint-prose:
	@if command -v npm >/dev/null; then $(MAKE) --no-print-directory "$(TEXTLINT)/.installed" && \
		"$(TEXTLINT)/node_modules/.bin/textlint" --rules-base-directory "$(TEXTLINT)/node_modules" \
			--config docs/_site/textlintrc.json --format unix \
			README.md CONTRIBUTING.md RELEASING.md SECURITY.md CODE_OF_CONDUCT.md docs/*.md docs/*/*.md docs/*/*/*.md; \
	else echo "npm is missing: the words of the documents are not checked"; fi

$(TEXTLINT)/.installed:
	npm install --silent --no-audit --no-fund --no-package-lock --prefix "$(TEXTLINT)" \
		textlint@$(TEXTLINT_VERSION) textlint-rule-prh@$(PRH_VERSION)
	@touch "$@"

# zizmor looks for what an attacker could use, actionlint for mistakes. Without Go the latter does not run, and a line
# says so.
lint-workflows: .venv/.dev
	.venv/bin/zizmor --offline --quiet --persona=pedantic .github/workflows
	@if command -v go >/dev/null; then $(MAKE) --no-print-directory "$(ACTIONLINT)/actionlint" && \
		"$(ACTIONLINT)/actionlint" .github/workflows/*.yml; \
	else echo "go is missing: actionlint does not check the workflows"; fi

$(ACTIONLINT)/actionlint:
	@mkdir -p "$(ACTIONLINT)"
	GOBIN="$(ACTIONLINT)" go install github.com/rhysd/actionlint/cmd/actionlint@v$(ACTIONLINT_VERSION)

docs: .venv/.dev ## build the documentation as a site, into dist/site
	.venv/bin/mkdocs build --strict --site-dir "$(DIST)/site"

reference: .venv/.dev docs/reference/cli.md ## write the reference pages that are made from data and from the commands' help
	PYTHONPATH=docs/_site .venv/bin/python -m reference

pictures: .venv/.dev ## draw the pictures of the documents, from the code and from recordings
	PYTHONPATH=docs/_site:tests/support .venv/bin/python -m pictures

# `make docs-version PUSH=--push` publishes it too. The branch gh-pages holds all versions, in folders of their own.
docs-version: .venv/.dev ## add it as this version, and as "latest", to the local branch gh-pages
	.venv/bin/mike deploy --update-aliases $(PUSH) $(basename $(PACKAGE_VERSION)) latest
	.venv/bin/mike set-default $(PUSH) latest

docs-serve: .venv/.dev ## show it at http://127.0.0.1:8000, and again after each change
	.venv/bin/mkdocs serve --strict

format: .venv/.dev ## rewrite the code in the project's style
	.venv/bin/ruff check --fix
	.venv/bin/ruff format

# Cookiecutter walks each starter and follows links to files, not to folders: what they have in common is linked, file by
# file, to `generator`, and the agent to functions/. Its questions are copied, and .gitignore, which git reads only as a file.
STARTER = {{cookiecutter.project_name}}
STARTERS_SHARE := Makefile layers requirements-dev.txt samconfig.toml

starters: ## link what the starters of `sam init` have in common into each of them
	for starter in fastapi agent; do \
		cp templates/generator/cookiecutter.json "templates/$$starter"; \
		cp "templates/generator/$(STARTER)/.gitignore" "templates/$$starter/$(STARTER)"; \
		(cd "templates/generator/$(STARTER)" && find $(STARTERS_SHARE) -type f) | while read -r file; do \
			ln -srf "templates/generator/$(STARTER)/$$file" "templates/$$starter/$(STARTER)/$$file"; \
		done; \
	done
	(cd functions && find agent -type f -not -path '*/__pycache__/*') | while read -r file; do \
		mkdir -p "templates/agent/$(STARTER)/functions/$$(dirname "$$file")"; \
		ln -srf "functions/$$file" "templates/agent/$(STARTER)/functions/$$file"; \
	done

# The same parameter for both: what is built stays a reference to it.
build: .venv/.dev ## build what `sam deploy` deploys, with bytecode for a fast cold start (RUNTIME=python3.12)
	.venv/bin/sam build $(if $(RUNTIME),--parameter-overrides PythonRuntime=$(RUNTIME))
	.venv/bin/streamify precompile --no-measure $(if $(RUNTIME),--parameter PythonRuntime=$(RUNTIME))

# The version is the package's.
PACKAGE_VERSION = $(shell sed -n 's/^__version__ = "\(.*\)"/\1/p' layers/streamify/lambda_streamify/__init__.py)
LAYER_ZIP = $(DIST)/streamify-layer-$(PACKAGE_VERSION).zip

layer: ## build the layer's zip, the same bytes each time, and its checksum (PYTHONS="python3.12": with this bytecode)
	@rm -rf "$(DIST)/layer"
	@$(MAKE) --silent -C layers/streamify build-StreamifyLayer ARTIFACTS_DIR="$(abspath $(DIST))/layer" >&2
	@$(PYTHON) layers/pack.py "$(DIST)/layer" "$(LAYER_ZIP)" >&2

publish-layer: layer ## print the commands that publish it (REGIONS="us-east-1 eu-west-1")
	@for region in $(or $(REGIONS),""); do \
		echo aws lambda publish-layer-version --layer-name streamify $${region:+--region $$region} \
			--description "'Response streaming for Python'" --license-info Apache-2.0 \
			--compatible-runtimes python3.10 python3.11 python3.12 python3.13 python3.14 \
			--compatible-architectures x86_64 arm64 --zip-file "fileb://$(LAYER_ZIP)"; \
	done

# What a release consists of. The workflows of a tag run these targets too, one by one; with little else installed.
RELEASED = $(DIST)/release
RELEASE_ENV := $(if $(wildcard .venv/.dev),.venv/.dev,.venv/.release)

release: .venv/.dev ## commit, tag, build and rehearse VERSION=0.2.0 (DRY_RUN=1: keep no commit and no tag)
	.venv/bin/python -m release prepare "$(VERSION)" --out "$(RELEASED)" --pythons "$(PYTHONS)" $(if $(DRY_RUN),--dry-run)

release-artifacts: $(RELEASE_ENV) ## build what a release publishes, twice, and compare (TAG=v0.2.0: the version it must be)
	.venv/bin/python -m release artifacts --out "$(RELEASED)" --pythons "$(PYTHONS)" $(if $(TAG),--tag "$(TAG)")

changelog-section: $(RELEASE_ENV) ## print what the changelog says of VERSION=0.2.0
	@.venv/bin/python -m release notes "$(VERSION)"

IS_TRIAL = $(or $(findstring a,$(TAG)),$(findstring b,$(TAG)),$(findstring rc,$(TAG)))

# These two need GitHub's program, gh. A person reads the draft and publishes it.
release-draft: ## make a draft of the release TAG=v0.2.0 from what release-artifacts has built
	gh release create "$(TAG)" --draft $(if $(IS_TRIAL),--prerelease) --verify-tag --title "$(TAG)" --notes-file "$(RELEASED)/NOTES.md" \
		"$(RELEASED)"/packages/* "$(RELEASED)"/layer/* "$(RELEASED)/SHA256SUMS" "$(RELEASED)"/*.cdx.json

release-layer: ## fetch the layer's zip of the release TAG=v0.2.0, and check its checksum
	gh release download "$(TAG)" --dir "$(RELEASED)/layer" --pattern "*.zip" --pattern SHA256SUMS --clobber
	cd "$(RELEASED)/layer" && sha256sum --check --ignore-missing SHA256SUMS

publish-layers: $(RELEASE_ENV) ## publish the layer of dist/release in each region, for everybody (REGIONS="us-east-1 eu-west-1")
	.venv/bin/python -m release publish-layer "$(RELEASED)/layer/streamify-layer-$(PACKAGE_VERSION).zip" --regions "$(REGIONS)"

docs/reference/contract.txt: .venv/.dev ## write what docs/reference/stability.md promises, from the code
	PYTHONPATH=tests/support .venv/bin/python tests/support/contract.py >$@

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
	@echo "installing the development environment: some minutes, once"
	.venv/bin/python -m pip install --quiet --editable . --group dev --group ecosystem
	@touch $@

.venv/.release: pyproject.toml | .venv/bin/python
	.venv/bin/python -m pip install --quiet --group release
	@touch $@

# An environment of its own: the versions in it are older than those that the other tests pin.
.venv/lowest/.installed: pyproject.toml tests/robustness/lowest_versions.py | .venv/.dev
	$(PYTHON) -m venv --clear .venv/lowest
	.venv/bin/python tests/robustness/lowest_versions.py >.venv/lowest/requirements.txt
	.venv/lowest/bin/python -m pip install --quiet --requirement .venv/lowest/requirements.txt --editable .
	@touch $@

# Always anew: the newest versions are other ones each day.
.PHONY: .venv/newest/.installed
.venv/newest/.installed: | .venv/.dev
	$(PYTHON) -m venv --clear .venv/newest
	.venv/bin/python tests/robustness/newest_versions.py >.venv/newest/requirements.txt
	.venv/bin/uv pip install --quiet --python .venv/newest/bin/python \
		--requirement .venv/newest/requirements.txt --editable '.[emulator,load,tls]'
