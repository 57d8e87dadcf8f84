# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory
.PHONY: help demo test checks lint sanity unit fuzz cores docs page molecule scenario bench chaos image hosts reset destroy clean env prometheus

# The image of the test hosts: the one that WHPG_IMAGE names, or that of the simulated engine.
image_name = $${WHPG_IMAGE:-$$(tests/engine/build-image)}
with_env = . .ci/env.sh;
with_hosts = $(with_env) export WHPG_TEST_IMAGE="$$(cat .cache/image)";

help: ## Show this list
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' Makefile | while IFS=$$'\t' read -r target what; do \
		printf '  make %-10s %s\n' "$$target" "$$what"; done
	@echo
	@echo "  WHPG_IMAGE=<image> makes any of them use a real engine instead of the simulated one."

demo: image ## Mirror a coordinator between containers on this machine, and look at it
	@$(with_env) .ci/demo.sh

test: ## Everything that must pass: lint, sanity, unit, cores, molecule
test: checks molecule

checks: env ## What needs no hosts: lint, sanity, unit, cores, two at a time
	@$(MAKE) --jobs=2 --output-sync=target --keep-going lint sanity unit cores

lint: env ## Style, types, licences, documentation
	@$(with_env) .ci/lint.sh

sanity: env ## ansible-test sanity, on a copy of the work tree
	@$(with_env) .ci/sanity.sh

unit: env prometheus ## Unit tests, with the coverage of plugins/module_utils
	@$(with_env) .ci/unit.sh

fuzz: env ## Bad input for FUZZ_SECONDS (600): files, WAL, results of hosts, options, names
	@$(with_env) .ci/fuzz.sh

cores: env ## The tests of options and conditions on each supported ansible-core
	@$(with_env) .ci/cores.sh

docs: env ## The documentation as a site, its links and examples checked
	@$(with_env) .ci/docs.sh

page: env ## The page of status in Chromium: axe-core, keyboard, sizes, seconds; leaves screenshots in .cache/page
	@$(with_env) .ci/page.sh

molecule: hosts ## All scenarios
	@$(with_hosts) .ci/scenarios.sh

scenario: hosts ## One scenario: make scenario S=default
	@$(with_hosts) .ci/scenarios.sh "$(S)"

bench: hosts ## Time our playbooks beside the bare commands; RUNS=3 SIZES="small 2g" ROWS="pair activate rejoin copy switchover load controller", or beside another checkout: AGAINST=<path>
	@$(with_hosts) PYTHONPATH=molecule python tests/bench/bench.py

chaos: hosts ## Run playbooks while something fails, and see that nothing is lost: CHAOS_CELLS=10 CHAOS_SEED=<number that was printed>, CHAOS_ONLY=<part of a cell's name>
	@$(with_hosts) PYTHONPATH=molecule python tests/chaos/chaos.py

image: env ## Build the image of the test hosts, unless it is there
	@$(with_env) name="$(image_name)"; echo "$$name" > .cache/image; echo "image of the test hosts: $$name"

hosts: image ## Start the test hosts and make a cluster on them, unless they are there
	@$(with_hosts) rm -rf "$$MOLECULE_EPHEMERAL_DIRECTORY"; molecule create

reset: hosts ## Back to a cluster without a standby
	@$(with_hosts) molecule cleanup

destroy: env ## Remove the test hosts
	@for set in $${WHPG_SET:-1 2}; do export WHPG_SET=$$set; $(with_env) molecule destroy; done

clean: destroy ## Remove the test hosts and everything that was generated
	@rm -rf .cache

env:
	@.ci/setup.sh

prometheus: env
	@.ci/prometheus.sh
