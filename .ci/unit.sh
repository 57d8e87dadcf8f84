#!/usr/bin/env bash
# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

. "$(dirname "$0")/results.sh"
cd "$WHPG_REPO" || exit
begin unit
junit=$WHPG_CACHE/unit.xml
rm -f "$junit"
# The collection's modules are imported by their full names.
export PYTHONPATH=$WHPG_CACHE/collections
# The same examples each time, so that a change is judged by what it changes; make fuzz draws others.
export FUZZ_SEED=${FUZZ_SEED:-1}
hear pytest pytest tests/unit tests/fuzz tests/model tests/chaos --hypothesis-seed="$FUZZ_SEED" --junitxml="$junit" --cov --cov-report= --cov-fail-under=0
code=$?
record_junit pytest "$junit"
account "$code" pytest
check coverage coverage report --skip-covered
finish
