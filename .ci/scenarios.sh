#!/usr/bin/env bash
# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Runs the scenarios that are named, or all of them, those two at a time, on two sets of hosts. One that fails does not keep the
# others from running.

. "$(dirname "$0")/results.sh"
cd "$WHPG_REPO" || exit
begin molecule

# run <scenario>: on the hosts of this set.
run() {
  local started=$SECONDS
  check "$1" molecule test --scenario-name "$1" --destroy never
  echo "== molecule: $1 took $((SECONDS - started)) s"
}

# run_beside <scenario>: on a set of hosts that no other scenario uses meanwhile; its output comes when it has ended.
run_beside() {
  local output
  output=$(
    # shellcheck disable=SC2153  # xargs numbers what runs at once
    WHPG_SET=$((WHPG_SLOT + 1))
    . .ci/env.sh
    run "$1" 2>&1
  )
  printf '%s\n' "$output"
}

if [ -n "${1-}" ]; then
  for scenario; do run "$scenario"; done
else
  WHPG_SET=2 make hosts || exit
  # Those that take longest come first, so that none of them is waited for at the end.
  longest=(secrets drill chaos hooks disable_mirroring rejoin move switchover status adopt fleet incomplete_pair repeated_failovers salvage bad_input
    maintenance failover_refused cluster_layouts tablespaces standby_outage)
  mapfile -t others < <(printf '%s\n' molecule/*/molecule.yml | cut -d/ -f2 | grep -vxF "$(printf '%s\n' "${longest[@]}")")
  # Of the tests marked as drawn, which are variations of others, a share, other ones each time.
  export WHPG_SHARE=${WHPG_SHARE:-0.1} WHPG_SEED=${WHPG_SEED:-$RANDOM}
  export -f run run_beside check hear record give_reasons
  export stage results reasons
  printf '%s\n' "${longest[@]}" "${others[@]}" |
    xargs --process-slot-var=WHPG_SLOT --max-procs=2 --replace bash -c 'run_beside {}'
  echo "== molecule: of the tests marked as drawn $WHPG_SHARE were run, by WHPG_SEED=$WHPG_SEED; all of them: make molecule WHPG_SHARE=1"
fi
finish
