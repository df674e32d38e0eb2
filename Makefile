# Everything a newcomer needs: `make demo` and `make test`. Each does its own set-up.
.DEFAULT_GOAL := help
SHELL := /bin/bash
NPM := npm --silent

.PHONY: help
help: ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 24

node_modules/.package-lock.json: package.json package-lock.json
	@npm ci --no-audit --no-fund --loglevel=error
	@touch $@

.PHONY: setup
setup: node_modules/.package-lock.json ## install the pinned toolchain

.PHONY: build
build: setup ## compile
	@$(NPM) run build

.PHONY: plugin
plugin: build ## kubectl sluice, as an npm package to install: out/kubectl-sluice-VERSION.tgz
	@$(NPM) run plugin

.PHONY: lint
lint: setup ## lint, format, types and import rules
	@$(NPM) run lint && $(NPM) run format && $(NPM) run types && $(NPM) run cycles

.PHONY: test-conformance
test-conformance: setup ## EMQX conformance: against EMQX_URLS and MQTT_HOSTS (with API=4 or 5), else stand-ins on loopback
	@$(NPM) run test:conformance -- $(if $(API),test/conformance/v$(API)/)

.PHONY: cluster-up cluster-down cluster-status
cluster-up cluster-down cluster-status: build ## the local cluster
	@$(NPM) run cluster -- $(subst cluster-,,$@)

.PHONY: bench
bench: build ## what Sluice costs beside its goals: webhook, sidecar, controller, reaction; more: npm run bench -- --help
	@$(NPM) run bench

.PHONY: test
test: build ## every check and test
	@$(NPM) run test:all

.PHONY: test-long
test-long: build ## the end-to-end tests that take longer
	@$(NPM) run test:all -- long

.PHONY: demo
demo: build ## one upgrade under 3,000 clients and its report; STRATEGY=rolling: the baseline; more: npm run demo -- --help
	@$(NPM) run demo
