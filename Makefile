# What a person types. Each target says what it does; `make help` lists them.
.DEFAULT_GOAL := help
.PHONY: help install run test faults check types format bench audit verify-record-drill manage

PYTHON ?= python3
PORT ?= 8000
WORKERS ?= 2
py := .venv/bin/python
export PORT

# Settings that let the tools read the code; nothing is connected to.
checking := DJANGO_SETTINGS_MODULE=config.settings_test DATABASE_URL=postgres://check@localhost/check REDIS_URL=redis://localhost/0
deploying = secret=$$($(py) -c 'import secrets; print(secrets.token_urlsafe(64))'); export SECRET_KEY=$$secret \
	DATABASE_URL=postgres://check:$$secret@localhost/check REDIS_URL=redis://:$$secret@localhost/0 \
	SITE_URL=https://portal.example TRUSTED_PROXY_COUNT=1 RECORD_ROOTS_FILE=/srv/record/roots.jsonl;
pages := find templates demonstration -name '*.html' -print0 | xargs -0r

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-22s %s\n", $$1, $$2}' Makefile

install: ## Make .venv from the lock, by hash; quick when nothing changed
	@$(PYTHON) bin/bootstrap.py --for run

run: install ## Start the whole portal with demonstration data; PORT=8000, Ctrl-C stops it
	@$(py) manage.py up

test: ## Run all tests on real servers and in a real browser; WORKERS=2, ARGS="..." for pytest
	@$(PYTHON) bin/bootstrap.py --for test
	@$(py) -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder $(ARGS)

faults: ## Faults in real time: workers killed, broker and scanner away, slow uploads; half an hour
	@$(PYTHON) bin/bootstrap.py --for test
	@$(py) -m pytest -m realtime -n 4 --dist worksteal -rP --show-capture=stdout $(ARGS)

check: install ## Linters, types, import contracts, templates, migrations, deployment checks
	$(py) -m ruff check .
	$(py) -m ruff format --check .
	@$(MAKE) --no-print-directory types
	.venv/bin/lint-imports
	$(pages) .venv/bin/djade --check --target-version 5.2
	$(pages) $(py) -m djhtml --check --tabwidth 2
	$(checking) $(py) -W ignore::RuntimeWarning manage.py makemigrations --check --dry-run
	$(deploying) $(py) manage.py check --deploy --fail-level WARNING

types: ## mypy with Django's and the REST framework's plugins
	$(checking) $(py) -m mypy

format: install ## Rewrite code and templates in the house style
	$(py) -m ruff check --fix .
	$(py) -m ruff format .
	$(pages) .venv/bin/djade --target-version 5.2
	$(pages) $(py) -m djhtml --tabwidth 2

bench: install ## Measure the portal at size, against an empty one; table here, JSON in .local/bench/
	@$(py) manage.py up --folder .local/bench/portal --run $(py) -m bench $(ARGS)

audit: install ## Ask the advisory services about the locked libraries, write .local/sbom.json (needs the network)
	$(py) -m pip_audit --strict --require-hashes --disable-pip -r requirements.lock
	$(py) -m pip_audit --strict --require-hashes --disable-pip -r requirements-dev.lock
	$(py) -m pip_audit --strict --require-hashes --disable-pip -r requirements.lock --format cyclonedx-json --output .local/sbom.json

verify-record-drill: install ## Alter the record behind the portal's back and demand that the verification finds it
	@$(py) manage.py up --folder .local/drill --run $(py) manage.py verify_record_drill

manage: install ## Run a manage.py command against the portal's servers: make manage ARGS="verify_record"
	@$(py) manage.py up --run $(py) manage.py $(ARGS)
