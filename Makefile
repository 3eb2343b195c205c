# The few commands a person types; continuous integration runs the same ones.
# `make lab` is the main job, `make test` all tests, `make check` all that needs no stack. All work on
# a fresh machine.

.DEFAULT_GOAL := help
.PHONY: help setup images images-broken build lab peer check page test tests fuzz down

# Compose believes the shell before it believes compose/.env, and what is run must not depend on who runs it:
# as in compose/lib/common.sh.
unexport $(filter COMPOSE_% PHASE% %_IMAGE BATCH BROKEN CACHE QUEUE REPLICA DOCKER_SOCKET \
	IMAGES_PULL PROGRAM_DOCKERFILE OFFICIAL_PROFILE \
	PUBLIC_PORT PROMETHEUS_PORT RUNS_PORT CONTAINER_EXPORTER_PORT CADVISOR_PORT GRAFANA_PORT,$(.VARIABLES))

help: ## List these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## Make this machine able to build and run the lab (IMAGES=official|local overrides the choice)
	@compose/setup.sh

images: setup ## Make the images: of the lab's own programs, and those they stand on
	@compose/build.sh

build: setup ## The same, and the lab itself (target/release/lab)
	@compose/build.sh lab

images-broken: images ## Also build phase 1 with the defects the ledger must convict
	@compose/build.sh broken

lab: build ## Run the main job: every phase at its own scale, capped, verified, with a report
	@$${CARGO_TARGET_DIR:-target}/release/lab main

peer: build ## Find out how much each phase carries, and what it costs, beside a server in Go (half an hour)
	@compose/build.sh peer
	@$${CARGO_TARGET_DIR:-target}/release/lab capacity --peer --repeats 1

check: setup ## Find what is wrong without starting a stack: code, documents, scripts, configuration, dependencies
	@compose/check.sh

page: images ## Test the page in a real browser (Chromium; it is got on Debian, elsewhere you are told)
	@compose/page.sh

test: images-broken ## Run all tests, ending with a smoke run of the real thing
	@compose/with-test-services.sh $(MAKE) --no-print-directory tests

# Needs the test services. The stack tests come last and one at a time: each of them has the
# whole machine, because it measures.
tests:
	cargo test --locked --workspace --lib --bins --tests
	cargo test --locked --package lab --test stack -- --test-threads=1

SECONDS_EACH ?= 60
fuzz: build ## Look for inputs that break a promise, in code and in each running phase (SECONDS_EACH=60)
	@compose/fuzz.sh $(SECONDS_EACH)

down: ## Stop everything of the lab and remove its volumes
	@docker compose --profile '*' down --volumes --remove-orphans
