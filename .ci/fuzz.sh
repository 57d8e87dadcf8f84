#!/usr/bin/env bash
# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Bad input for FUZZ_SECONDS: the properties of tests/fuzz by one seed after another, and what reads bytes guided by what it came to.

. "$(dirname "$0")/results.sh"
cd "$WHPG_REPO" || exit
begin fuzz
tools=$WHPG_CACHE/fuzz/tools
export PYTHONPATH=$WHPG_CACHE/collections:$WHPG_REPO/tests
seconds=${FUZZ_SECONDS:-600}
mkdir -p "$WHPG_CACHE/fuzz"
export FUZZ_COUNTS=$WHPG_CACHE/fuzz/counts FUZZ_EXAMPLES=${FUZZ_EXAMPLES:-250}
: > "$FUZZ_COUNTS"

install_tools() {
  [ "$(cat "$tools/.made-from" 2> /dev/null)" != "$(cat tests/fuzz/requirements.txt)" ] || return 0
  rm -rf "$tools"
  pip install --quiet --no-compile --target "$tools" -r tests/fuzz/requirements.txt && cp tests/fuzz/requirements.txt "$tools/.made-from"
}

# round <seed>: all properties, as far as there is time.
round() {
  FUZZ_SEED=$1 pytest tests/fuzz
}

# guided <target> <seconds>
guided() {
  mkdir -p "$WHPG_CACHE/fuzz/$1"
  PYTHONPATH=$PYTHONPATH:$tools python -m fuzz.guided "$1" "$WHPG_CACHE/fuzz/$1" \
    -max_total_time="$2" -timeout=10 -rss_limit_mb=1024 -print_final_stats=1 -verbosity=0 -artifact_prefix="$WHPG_CACHE/fuzz/$1-"
}

check tools install_tools
targets=$(python -m fuzz.guided)
share=$((seconds / 3 / $(wc -w <<< "$targets")))
for target in $targets; do
  check "guided $target" guided "$target" "$((share > 0 ? share : 1))"
done
export FUZZ_UNTIL=$(($(date +%s) + seconds * 2 / 3))
seed=${FUZZ_SEED:-$RANDOM$RANDOM}
while check "seed $seed" round "$seed"; do
  [ "$(date +%s)" -lt "$FUZZ_UNTIL" ] || break
  seed=$((seed + 1))
done
echo "== fuzz: examples of each property"
awk '{ sum[$2] += $1; all += $1 } END { for (name in sum) printf "%9d %s\n", sum[name], name; printf "%9d in all\n", all }' "$FUZZ_COUNTS" | sort -k 2
finish
