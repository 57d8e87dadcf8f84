#!/usr/bin/env bash
# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Looks at the page of status as people do: in Chromium, narrow and wide, light and dark, by the keyboard, and by axe-core.

. "$(dirname "$0")/results.sh"
cd "$WHPG_REPO" || exit
begin page
tools=$WHPG_CACHE/page/tools

install_chromium() {
  command -v chromium > /dev/null && return
  export DEBIAN_FRONTEND=noninteractive
  apt-get -qq update && apt-get -qq -y install --no-install-recommends chromium fonts-dejavu-core > /dev/null
}

install_tools() {
  [ "$(cat "$tools/.made-from" 2> /dev/null)" != "$(cat tests/page/requirements.txt)" ] || return 0
  rm -rf "$tools"
  pip install --quiet --no-compile --target "$tools" -r tests/page/requirements.txt && cp tests/page/requirements.txt "$tools/.made-from"
}

look() {
  PYTHONPATH=$WHPG_CACHE/collections:$tools pytest -rP tests/page
}

check chromium install_chromium
check tools install_tools
check look look
echo "== page: screenshots are in $WHPG_CACHE/page"
finish
