#!/usr/bin/env bash
# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

. "$(dirname "$0")/results.sh"
cd "$WHPG_REPO" || exit
begin lint

documentation() (
  # From inside a collections tree, so that the collection's own name is found.
  cd .cache/collections/ansible_collections/warehousepg/coordinator &&
    antsibull-docs lint-collection-docs --plugin-docs --validate-collection-refs=self --disallow-unknown-collection-refs .
)

types() (
  cd .cache/collections && mypy --config-file "$WHPG_REPO/pyproject.toml" -p ansible_collections.warehousepg.coordinator.plugins
)

shell_scripts() {
  git ls-files -co --exclude-standard | xargs grep -lE '^#!.*\b(ba)?sh$|^# shellcheck shell=' | xargs shellcheck -x -S warning
}

check ansible-lint ansible-lint --offline --strict -q
check yamllint yamllint --strict .
check ruff ruff check .
check ruff-format ruff format --check .
check mypy types
check reuse reuse lint --quiet
check documentation documentation
check shellcheck shell_scripts
finish
