# Every target makes sure of what it needs, so that any of them can be the first. The work is done in toolchain/setup.
.DEFAULT_GOAL := help
.PHONY: help dev test test-ssh test-cloud check status env down clean image bench

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

dev: ## bring up the dev stack, and say how to release, flip and roll back
test: ## types, lint, format, workflows, unit with coverage, toolchain, host, sample, end to end, the first of it over SSH
test-ssh: ## all that runs on a test machine, over SSH
test-cloud: ## the real AWS and Cloudflare providers against local clouds; builds them once, about half an hour
check: ## the quick ones: types, lint, format, workflows, unit with coverage; needs no Docker
status: ## both slots, the live colour, health, releases, ages and memory
env: ## shell exports: eval "$(make -s env)" makes `pulumi` work as usual
image: ## build a release of the sample application: make image RELEASE=3
bench: ## measure against what people do today, into docs/benchmarks.md
down: ## remove the dev stack and its data
clean: ## remove all that was made: stacks, images, caches, state

dev test test-ssh test-cloud check status env down clean image bench:
	@toolchain/setup/bootstrap.sh $@
