# What a newcomer needs: Python 3.11 or newer and make. Everything else is put into .venv.
#
#   make demo            a made-up hotel group's two years of stays, then a running service (ARGS=--once stops it)
#   make test            all tests but the long runs; ARGS="-k embedded" passes on to pytest
#   make serve           the service on its embedded database
#   make lint            style and types
#   make nightly         the long runs that `make test` leaves out
#   make clean           remove .venv

.DEFAULT_GOAL := help
.PHONY: help demo test serve lint nightly clean
ARGS ?=
BIN := .venv/bin

help:
	@sed -n '3,8s/^#   //p' Makefile

demo: .venv/ready
	@$(BIN)/loyalty demo $(ARGS)

serve: .venv/ready
	@$(BIN)/loyalty serve $(ARGS)

test: .venv/ready
	$(BIN)/pytest $(ARGS)

nightly: .venv/nightly
	$(BIN)/pytest -m nightly $(ARGS)

lint: .venv/ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/basedpyright

clean:
	rm -rf .venv

# Made once, and again when pyproject.toml changes. With uv or without, the result is the same to us.
.venv/ready: pyproject.toml
	@scripts/make-venv
	@touch $@

# What only the long runs need is added to it.
.venv/nightly: .venv/ready
	@scripts/make-venv nightly
	@touch $@
