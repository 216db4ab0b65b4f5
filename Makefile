# Two commands from a fresh clone: `make quickstart` and `make test`. Both set up .venv first, and only once.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin

.PHONY: quickstart test fast setup lock clean
