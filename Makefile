# `make run` and `make test` are all one needs; each does its own set-up, which tools/setup.py describes.
# The one that is running gets Ctrl-C and SIGTERM itself: no shell stands between make and it.

.PHONY: help run setup test lint fuzz crash-test clean
.DEFAULT_GOAL := help

help: ## list what make can do
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' $(firstword $(MAKEFILE_LIST)) | expand -t 18

run: ## set up and serve (HOST=127.0.0.1 PORT=8000; SYSTEM_PACKAGES=0 leaves apt-get alone)
	@sh tools/setup.sh run

setup: ## do the set-up of `make run` and stop
	@sh tools/setup.sh setup

test: ## set up and run linters, types and all tests, with coverage
	@sh tools/setup.sh test

lint: ## run linters and types only
	@sh tools/setup.sh lint

fuzz: ## look for bytes that break the reading of RFB (FUZZ_SECONDS=60)
	@sh tools/setup.sh fuzz

crash-test: ## set up and kill processes of a site that is in use (KILLS=200 USERS=30 SEED=1)
	@sh tools/setup.sh crash-test

clean: ## remove .venv and all caches; var/ (database, logs) stays
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
