# shellcheck shell=bash
# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Keeps what was checked and how it went, one line a check, for the sum at the end of .ci/run. Source it.

set -uo pipefail
results=$WHPG_CACHE/results
mkdir -p "$results"

# begin <stage>: forget an earlier run of this stage.
begin() {
  stage=$1
  : > "$results/$stage"
}

# record <count> passed|failed <name>
record() {
  echo "$stage $1 $2 $3" >> "$results/$stage"
}

# check <name> <command ...>
check() {
  local name=$1
  shift
  echo "== $stage: $name"
  if "$@"; then record 1 passed "$name"; else record 1 failed "$name"; fi
}

# record_junit <name> <file ...>: the tests in JUnit files.
record_junit() {
  local name=$1
  shift
  while read -r count outcome; do
    record "$count" "$outcome" "$name"
  done < <(python "$WHPG_REPO/.ci/junit.py" "$@")
}

# account <exit code> <name>: a command that failed although no test of its did is recorded as a failure of its own.
account() {
  [ "$1" = 0 ] || grep -q ' failed ' "$results/$stage" || record 1 failed "$2"
}

# The exit code of the stage.
finish() {
  ! grep ' failed ' "$results/$stage" && [ -s "$results/$stage" ]
}
