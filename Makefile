# One line a target; the work is in scripts/ and xtask/. `make help` lists them.
# A shell that is older than the Rust installation does not know its folder yet.
export PATH := $(PATH):$(or $(CARGO_HOME),$(HOME)/.cargo)/bin
.DEFAULT_GOAL := help
.PHONY: help run test test-browser test-deploy test-packages test-scale release chaos fuzz pictures eval bench lint fmt assets notices

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | expand -t 14
run: ## install what is missing, build, start `ids serve` (ARGS="--port 8080")
	@scripts/run.sh $(ARGS)
test: ## install what tests need, run everything
	@scripts/test.sh
test-browser: ## the page alone, in a real browser
	@scripts/test-browser.sh
test-deploy: ## what is deployed, on a real Docker engine (as root; ARGS="20-stack")
	@scripts/test-deploy.sh $(ARGS)
test-packages: ## archives and the Debian package, installed in a machine that boots (as root)
	@scripts/test-packages.sh $(ARGS)
test-scale: ## several servers on this one, two of each killed (ARGS="--seconds 60")
	@scripts/test-scale.sh $(ARGS)
release: ## cut a release (ARGS="0.1.0 --dry-run")
	@scripts/release.sh $(ARGS)
chaos: ## break everything while it works, count what is lost (ARGS="--minutes N --seed S")
	@scripts/chaos.sh $(ARGS)
fuzz: ## damaged inputs for every parser (ARGS="SECONDS_A_TARGET")
	@scripts/fuzz.sh $(ARGS)
pictures: ## take the pictures of the README
	@scripts/pictures.sh
eval: ## measure search quality into docs/quality.md
	@scripts/eval.sh
bench: ## list what was measured, and with which program
	@scripts/bench.sh
lint: ## format check, clippy and tidy
	@cargo fmt --all --check && cargo clippy --workspace --all-targets -- -D warnings && cargo run -q -p xtask -- tidy
fmt: ## format the code
	@cargo fmt --all
assets: ## fetch the third-party files of assets.lock
	@scripts/bootstrap.sh && cargo run -q -p xtask -- assets
notices: ## write THIRD_PARTY.md
	@scripts/bootstrap.sh && cargo run -q -p xtask -- assets && cargo run -q -p xtask -- notices
