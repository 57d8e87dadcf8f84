# shellcheck shell=bash
# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Keeps what was checked and how it went, one line a check, for the sum at the end of .ci/run, and what failed ones said. Source it.

set -uo pipefail
results=$WHPG_CACHE/results
reasons=$WHPG_CACHE/reasons
mkdir -p "$results" "$reasons"

# begin <stage>: forget an earlier run of this stage.
begin() {
  stage=$1
  : > "$results/$stage"
  : > "$reasons/$stage"
}

# record <count> passed|failed <name>
record() {
  echo "$stage $1 $2 $3" >> "$results/$stage"
}

# check <name> <command ...>
check() {
  echo "== $stage: $1"
  if hear "$@"; then record 1 passed "$1"; else record 1 failed "$1"; fi
}

# hear <name> <command ...>: run it, and keep why it failed.
hear() {
  local name=$1 output code
  shift
  output=$(mktemp)
  "$@" 2>&1 | tee "$output"
  code=${PIPESTATUS[0]}
  [ "$code" = 0 ] || give_reasons "$name" < "$output"
  rm "$output"
  return "$code"
}

# give_reasons <name>: keep what of an output says why, of Ansible's tasks and pytest's tests, or else its end.
give_reasons() {
  local said
  said=$(sed 's/\x1b\[[0-9;]*m//g')
  {
    grep -E '^(fatal: |failed: |FAILED |ERROR:? |E   )|Idempotence test failed' <<< "$said" || tail -n 5 <<< "$said"
  } | cut -c 1-400 | tail -n 12 | sed "s/^/$stage $1: /" >> "$reasons/$stage"
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
  cat "$reasons/$stage"
  ! grep ' failed ' "$results/$stage" && [ -s "$results/$stage" ]
}
