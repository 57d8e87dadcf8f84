# shellcheck shell=bash disable=SC2154
# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

backup="pg_basebackup -h cdw -D $standby -X stream -c fast"
on cdw "sed -i '1i host all gpadmin 10.203.19.12/32 trust\nhost replication gpadmin 10.203.19.12/32 trust' $primary/pg_hba.conf
    mkdir $primary/db_dumps; touch $primary/db_dumps/x; pg_ctl -D $primary reload" > /dev/null
on sdw1 "for d in /data/whpg/v7/*/*; do echo 'host all gpadmin 10.203.19.12/32 trust' >> \$d/pg_hba.conf; pg_ctl -D \$d reload; done" > /dev/null
gives 'base backup needs --target-gp-dbid' 'target dbid' on scdw "$backup"
gives 'and plain format' 'tar backups are not supported' on scdw "$backup --target-gp-dbid 6 -Ft; rm -rf $standby"
is 'base backup' 0 on scdw "$backup --target-gp-dbid 6 -E ./db_dumps; echo \$?"
is 'it has its own dbid' 'gp_dbid=6' on scdw "cat $standby/internal.auto.conf"
is 'excluded content is left out, standby.signal not written' 0 on scdw "ls $standby/db_dumps $standby/standby.signal 2> /dev/null | grep -c -e x -e signal"
is 'base backup over what is there, with recovery configuration and slot' 0 \
    on scdw "$backup --target-gp-dbid 6 --force-overwrite -R -C -S standby_coordinator --no-verify-checksums > log 2>&1; echo \$?"
gives 'recovery configuration' "application_name=gp_walreceiver'.*primary_slot_name = 'standby_coordinator'" on scdw "cat $standby/postgresql.auto.conf"
gives 'standby starts' 'server started' start scdw "$standby"
until_is 'streaming|sync|1' streams cdw
is 'it streams, sync, priority 1' 'streaming|sync|1' streams cdw
is 'gp_stat_replication in utility mode says it twice' $'-1|gp_walreceiver|streaming|sync|none\n-1|gp_walreceiver|streaming|sync|none' utility cdw \
    'SELECT gp_segment_id, application_name, state, sync_state, sync_error FROM pg_catalog.gp_stat_replication'
is 'standby says standby' 'standby ' on scdw "sed -n 8p $standby/postmaster.pid"
gives 'it refuses SQL' 'FATAL:  the database system is in recovery mode.*last replayed record at' on scdw 'psql postgres'
gives 'and libpq tries no other host then' 'FATAL:  the database system is in recovery mode' \
    on cdw "psql 'host=scdw,cdw port=5432,5432 dbname=postgres target_session_attrs=read-write' -c 'SELECT 1'"
gives 'and replication' 'FATAL:  the database system is in recovery mode.*last replayed record at' on scdw "psql 'replication=1'"
gives 'pg_controldata of the standby' 'in archive recovery' on scdw "pg_controldata $standby"
is 'and in dispatch mode tells of the segments too' $'-1|1\n0|1\n1|1' dispatch cdw \
    'SELECT gp_segment_id, count(*) FROM gp_stat_replication GROUP BY 1 ORDER BY 1'
