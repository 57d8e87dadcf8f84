#!/usr/bin/env bash
# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Runs the tests of options, conditions and the callback on each supported ansible-core that a Python of this machine can run, in an environment of its own, which is
# kept. Ansible types options, so each of its versions has to type them alike.

. "$(dirname "$0")/results.sh"
cd "$WHPG_REPO" || exit
begin cores
tests=(tests/unit/plugins/plugin_utils/_desired/test_options.py tests/unit/plugins/lookup/test_progress.py tests/unit/plugins/lookup/test_unconfigured.py
  tests/unit/plugins/callback tests/unit/roles)

# core:Python, the newest that it runs on of those that are usual
cores=(2.16:3.11 2.17:3.11 2.18:3.11 2.19:3.12 2.20:3.12 2.21:3.12)

# python_of <version>: a Python of this version, on the path or of pyenv.
python_of() {
  command -v "python$1" 2> /dev/null | grep -v /shims/ || compgen -G "$HOME/.pyenv/versions/$1.*/bin/python" | tail -n 1
}

# make_environment <core> <python>: unless it is there.
make_environment() {
  local where=$WHPG_CACHE/cores/$1
  [ "$(cat "$where/.made-from" 2> /dev/null)" != "$1 $2" ] || return 0
  rm -rf "$where"
  "$2" -m venv "$where" &&
    "$where/bin/pip" install --quiet --no-compile "ansible-core==$1.*" pytest hypothesis &&
    echo "$1 $2" > "$where/.made-from"
}

# run_on <core>
run_on() {
  PYTHONPATH=$WHPG_CACHE/collections "$WHPG_CACHE/cores/$1/bin/python" -m pytest -q -p no:cacheprovider "${tests[@]}"
}

for pair in "${cores[@]}"; do
  core=${pair%%:*}
  python=$(python_of "${pair##*:}")
  if [ -z "$python" ]; then
    echo "== cores: ansible-core $core is left out, there is no Python ${pair##*:}"
  elif hear "$core" make_environment "$core" "$python"; then
    check "ansible-core-$core" run_on "$core"
  else
    record 1 failed "ansible-core-$core"
  fi
done
finish
