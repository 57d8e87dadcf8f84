#!/usr/bin/env bash
# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# ansible-test wants a collections tree, and takes every file in it for the collection's: hence a copy of what git knows.

. "$(dirname "$0")/results.sh"
cd "$WHPG_REPO" || exit
begin sanity
tree=$WHPG_CACHE/sanity/ansible_collections/warehousepg/coordinator

copy_work_tree() {
  rm -rf "$tree" && mkdir -p "$tree" &&
    git ls-files -co --exclude-standard -z | while IFS= read -r -d '' file; do [ ! -e "$file" ] || printf '%s\0' "$file"; done |
      tar --null --files-from=- -c | tar -x -C "$tree" &&
    # A repository of its own: in the outer one all of this is ignored.
    git -C "$tree" init --quiet && git -C "$tree" add --all
}

# ansible-test downloads get-pip.py for its environments, by this name in its cache; Python brings a pip of its own.
spare_get_pip() {
  local cached=~/.ansible/test/cache/get_pip_24_2.py
  mkdir -p "$(dirname "$cached")"
  [ -e "$cached" ] || echo 'import ensurepip; ensurepip.bootstrap(upgrade=False, default_pip=True)' > "$cached"
}

# Shims of pyenv only find what its configuration names; ansible-test looks for python3.x on the path.
show_interpreters() {
  local bin
  for bin in ~/.pyenv/versions/3.*/bin; do
    [ ! -d "$bin" ] || PATH=$PATH:$bin
  done
  PATH=$WHPG_CACHE/venv/bin:$(echo "$PATH" | tr : '\n' | grep -v '/\.pyenv/shims$' | paste -sd :)
}

copy_work_tree || { record 1 failed copy; finish; exit; }
spare_get_pip
show_interpreters
hear ansible-test env --chdir="$tree" ansible-test sanity --color no --junit "$@"
code=$?
shopt -s nullglob
record_junit ansible-test "$tree"/tests/output/junit/*.xml
account "$code" ansible-test
finish
