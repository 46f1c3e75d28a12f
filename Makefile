# What a person types. Each target says what it does; `make help` lists them.
.DEFAULT_GOAL := help
.PHONY: help install run test check format bench audit verify-record-drill manage

PYTHON ?= python3
PORT ?= 8000
WORKERS ?= 2
py := .venv/bin/python
export PORT

# Settings that let the tools read the code; nothing is connected to.
checking := DJANGO_SETTINGS_MODULE=config.settings_test DATABASE_URL=postgres://check@localhost/check REDIS_URL=redis://localhost/0
templates := templates demonstration/templates

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-22s %s\n", $$1, $$2}' Makefile

install: ## Make .venv from the lock, by hash; quick when nothing changed
	@$(PYTHON) bin/bootstrap.py --for run

run: install ## Start the whole portal with demonstration data; PORT=8000, Ctrl-C stops it
	@$(py) manage.py up

test: ## Run all tests on real servers and in a real browser; WORKERS=2, ARGS="..." for pytest
	@$(PYTHON) bin/bootstrap.py --for test
	@$(py) -m pytest -n $(WORKERS) --dist loadfile $(ARGS)

check: install ## Linters, types, import contracts, templates, migrations, deployment checks
	$(py) -m ruff check .
	$(py) -m ruff format --check .
	$(checking) $(py) -m mypy
	.venv/bin/lint-imports
	$(py) bin/check_templates.py
	$(checking) $(py) -W ignore::RuntimeWarning manage.py makemigrations --check --dry-run
	$(py) bin/check_deployment.py

format: install ## Rewrite code and templates in the house style
	$(py) -m ruff check --fix .
	$(py) -m ruff format .
	$(py) bin/check_templates.py --write

bench: install ## Measure the portal at size, against an empty one; table here, JSON in .local/bench/
	@$(py) manage.py up --folder .local/bench/portal --run bench $(ARGS)

audit: install ## Ask the advisory services about the locked libraries (needs the network)
	$(py) -m pip_audit --strict --require-hashes --disable-pip -r requirements.lock
	$(py) -m pip_audit --strict --require-hashes --disable-pip -r requirements-dev.lock

verify-record-drill: install ## Alter the record behind the portal's back and demand that the verification finds it
	@$(py) manage.py up --folder .local/drill --run verify_record_drill

manage: install ## Run a manage.py command against the portal's servers: make manage ARGS="verify_record"
	@$(py) manage.py up --run $(ARGS)
