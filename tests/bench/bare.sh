#!/usr/bin/env bash
# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# The least that has to be done to make a standby, with nothing checked: what the playbook's time is compared with.
# Runs as gpadmin on the primary's host, which reaches the others by ssh.

# shellcheck disable=SC2087  # the values are this host's
set -euo pipefail
. /usr/local/greenplum-db/greenplum_path.sh
primary=/data/whpg/v7/coordinator/gpseg-1
standby=/data/whpg/v7/standby/gpseg-1
standby_address=$(getent hosts scdw | cut -d' ' -f1)

sql() {
  PGOPTIONS='-c gp_role=utility' psql -X -At -h /tmp -d postgres -v ON_ERROR_STOP=1 -c "$1"
}

# The coordinator's first rules, the segments' last ones: both as gpinitstandby does, and the mirrors', which it forgets.
let_in() {
  printf '%s\n' "host all gpadmin $standby_address/32 trust" "host replication gpadmin $standby_address/32 trust" \
    | cat - $primary/pg_hba.conf > /tmp/pg_hba.conf
  cat /tmp/pg_hba.conf > $primary/pg_hba.conf
  pg_ctl -D $primary reload > /dev/null
  ssh sdw1 bash -s > /dev/null << END
. /usr/local/greenplum-db/greenplum_path.sh
for instance in /data/whpg/v7/*/gpseg*; do
  echo 'host all gpadmin $standby_address/32 trust' >> \$instance/pg_hba.conf
  pg_ctl -D \$instance reload
done
END
}

# WarehousePG 7 has both names of the function, its ancestors only the older one.
add=$(sql "SELECT min(proname) FROM pg_proc WHERE proname ~ '^gp_add_(coordinator|master)_standby$'")
dbid=$(sql "SELECT $add('scdw', 'scdw', '$standby', 5432)")
sql "SELECT pg_create_physical_replication_slot('standby_coordinator')" > /dev/null
let_in
ssh scdw bash -s > /dev/null << END
set -e
. /usr/local/greenplum-db/greenplum_path.sh
pg_basebackup -h cdw -p 5432 -U gpadmin -D $standby -c fast -X stream -S standby_coordinator -R --target-gp-dbid $dbid \
  -E ./db_dumps -E ./promote -E ./db_analyze
pg_ctl -D $standby -l $standby/log/startup.log -o '-p 5432 -c gp_role=dispatch' start
END
until [ "$(sql 'SELECT state, sync_state FROM pg_stat_replication')" = 'streaming|sync' ]; do sleep 0.02; done
