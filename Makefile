# The commands of the house by their short names. Each is a script that can be called as well.
.PHONY: run test check bench boards compile cluster-demo pictures lock clean

run: ## guard on a made-up switch, with its page
	scripts/demo

test: ## lint, types, tests: what decides about a change
	scripts/test

check: ## lint and types only
	scripts/check

bench: ## what the machine does: a report, no judgement; without a compiler of the interpreted core only
	scripts/setup dev
	scripts/compile || true
	mkdir -p build
	.venv/bin/python -m tests.bench --json build/bench.json --markdown build/bench.md

boards: ## Grafana's boards and docs/metrics.md from their code
	scripts/setup dev
	.venv/bin/python -m dashboards.boards

compile: ## the core as machine code: the same decisions in half the time
	scripts/compile

cluster-demo: ## a cluster of NATS, PostgreSQL and three workers, each killed in turn
	scripts/cluster-demo

pictures: ## the README's pictures of the page, by Chromium
	scripts/pictures

lock: ## requirements/*.txt from pyproject.toml
	scripts/lock

clean: ## everything that can be made again
	rm -rf .venv build dist htmlcov .coverage .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find guard tests -name __pycache__ -type d -prune -exec rm -rf {} +
