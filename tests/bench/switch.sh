#!/usr/bin/env bash
# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# The least that has to be done to swap the coordinators, with nothing checked: stop the primary, promote the standby. Runs as gpadmin on
# the primary's host; the connection to the other one is made before.

set -euo pipefail
. /usr/local/greenplum-db/greenplum_path.sh
exec {standby}> >(exec ssh scdw '. /usr/local/greenplum-db/greenplum_path.sh; read -r _
  pg_ctl -D /data/whpg/v7/standby/gpseg-1 promote > /dev/null')
sleep 2
pg_ctl -D /data/whpg/v7/coordinator/gpseg-1 -m fast -w stop > /dev/null
echo go >&"$standby"
exec {standby}>&-
wait
