#!/usr/bin/env bash
# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Prometheus for the tests of alerts and dashboard, unless it is there. Unpacked, not installed: that would start a service.

set -euo pipefail
. "$(dirname "$0")/env.sh"
cd "$WHPG_REPO"

! command -v promtool > /dev/null || exit 0
echo "unpacking prometheus"
if ! command -v apt-get > /dev/null; then
  echo "missing: prometheus; install it, or run this on Debian" >&2
  exit 1
fi
rm -rf .cache/prometheus && mkdir .cache/prometheus
cd .cache/prometheus
apt-get -qq download prometheus 2> /dev/null || { apt-get -qq update && apt-get -qq download prometheus; }
dpkg-deb --extract prometheus_*.deb .
rm prometheus_*.deb
