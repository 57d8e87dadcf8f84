# shellcheck shell=bash disable=SC2154
# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

gives 'coordinator runs as the engine does' "postgres -D $primary -p 5432 -c gp_role=dispatch" on cdw 'pgrep -af "postgres -D"'
gives 'segments run as the engine does' '/primary/gpseg0 -p 6000 -c gp_role=execute' on sdw1 'pgrep -af "postgres -D"'
is 'postmaster.opts holds the command line' \
    "/usr/local/greenplum-db/bin/postgres \"-D\" \"$primary\" \"-p\" \"5432\" \"-c\" \"gp_role=dispatch\"" \
    on cdw "cat $primary/postmaster.opts"
is 'internal.auto.conf holds gp_dbid only' 'gp_dbid=1' on cdw "cat $primary/internal.auto.conf"
is 'it is included' "include = 'internal.auto.conf'" on cdw "grep -o '^include = .*conf.' $primary/postgresql.conf"
is 'coordinator says dtmready' dtmready on cdw "sed -n 8p $primary/postmaster.pid"
is 'primary segment says ready' 'ready   ' on sdw1 'sed -n 8p /data/whpg/v7/primary/gpseg0/postmaster.pid'
is 'mirror says standby' 'standby ' on sdw1 'sed -n 8p /data/whpg/v7/mirror/gpseg0/postmaster.pid'
is 'gp_role, gp_dbid and gp_contentid are settings' $'dispatch\n1\n-1' dispatch cdw 'SHOW gp_role; SHOW gp_dbid; SHOW gp_contentid'
gives 'gp_session_role is unknown' 'unrecognized configuration parameter "gp_session_role"' \
    on cdw "PGOPTIONS='-c gp_session_role=utility' psql postgres"
gives 'gp_role cannot be set once connected' 'parameter "gp_role" cannot be set after connection start' dispatch cdw 'SET gp_role = utility'
gives 'a client may ask for utility mode only' 'invalid value for parameter "gp_role": "execute"' \
    on sdw1 "PGOPTIONS='-c gp_role=execute' psql -p 6000 postgres"
is 'defaults' $'on\nreplica\n10\n10\n64MB\noff\n5min\n1min\noff\nmd5' dispatch cdw 'SHOW data_checksums; SHOW wal_level;
    SHOW max_wal_senders; SHOW max_replication_slots; SHOW wal_segment_size; SHOW wal_log_hints; SHOW wal_sender_timeout;
    SHOW wal_receiver_timeout; SHOW hot_standby; SHOW password_encryption; SHOW synchronous_standby_names'
gives 'segments refuse dispatch mode' 'connections to primary segments are not allowed' on sdw1 'psql -p 6000 postgres'
is 'segments accept utility mode' 1 utility sdw1 'SELECT 1' 6000
gives 'mirrors refuse every connection' 'in recovery mode.*last replayed record at [0-9A-F]+/[0-9A-F]+' \
    on sdw1 "PGOPTIONS='-c gp_role=utility' psql -p 7000 postgres"
gives 'restart waits for dtmready' 'server started.*dtmready' on cdw "pg_ctl -w -D $primary -m fast restart; sed -n 8p $primary/postmaster.pid"
gives 'restart of a segment works' 'server started' on sdw1 "pg_ctl -w -D /data/whpg/v7/primary/gpseg0 -m fast restart"
gives 'gpinitsystem refuses existing directories' 'exist' on cdw 'gpinitsystem -a -c init.conf -h hosts'
is 'gpsegconfig_dump lists the instances' '1 -1 p p n u 5432 cdw cdw' on cdw "head -1 $primary/gpsegconfig_dump"
on cdw "psql -XAtq -d postgres -c 'SELECT pg_sleep(60)' > /dev/null 2>&1 & sleep 0.5; pkill -KILL -f 'postgres:.*idle|postgres:.*SELECT'" > /dev/null
until_is 1 dispatch cdw 'SELECT 1'
is 'after the crash of a session the coordinator recovers' $'dtmready\n1' on cdw "sed -n 8p $primary/postmaster.pid; psql -XAtq -d postgres -c 'SELECT 1'"
