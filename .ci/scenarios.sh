#!/usr/bin/env bash
# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Runs the scenarios that are named, or all of them. One that fails does not keep the others from running.

. "$(dirname "$0")/results.sh"
cd "$WHPG_REPO" || exit
begin molecule
if [ -n "${1-}" ]; then scenarios=("$@"); else mapfile -t scenarios < <(printf '%s\n' molecule/*/molecule.yml | cut -d/ -f2); fi

for scenario in "${scenarios[@]}"; do
  started=$SECONDS
  check "$scenario" molecule test --scenario-name "$scenario" --destroy never
  echo "== molecule: $scenario took $((SECONDS - started)) s"
done
finish
