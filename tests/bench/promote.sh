#!/usr/bin/env bash
# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# The least that has to be done to activate a standby, with nothing checked: promote it, and ask until every segment has answered
# through it. Runs as gpadmin on the standby's host, and prints the seconds.

set -euo pipefail
. /usr/local/greenplum-db/greenplum_path.sh
began=${EPOCHREALTIME/./}
pg_ctl -D /data/whpg/v7/standby/gpseg-1 -w promote > /dev/null
until psql -X -At -h /tmp -d postgres -c "SELECT count(*) FROM gp_dist_random('gp_id')" > /dev/null 2>&1; do sleep 0.02; done
microseconds=$((${EPOCHREALTIME/./} - began))
printf '%d.%06d\n' $((microseconds / 1000000)) $((microseconds % 1000000))
