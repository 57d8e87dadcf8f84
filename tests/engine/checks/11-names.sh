# shellcheck shell=bash disable=SC2154
# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later


simulated || return 0
here_is=/data/whpg/six/gpseg-1 there=/data/whpg/six/standby
session() { on cdw "PGOPTIONS='-c gp_session_role=$1' psql -XAtq -p 5434 -d postgres <<'SQL'"$'\n'"$2"$'\n'SQL; } # role SQL
configuration six 5434 6200 7200
gives 'gpinitsystem makes a cluster of WarehousePG 6' 'successfully created' on cdw 'WHPG_NAMES=6 gpinitsystem -a -c six.conf -h six.hosts'
gives 'its command line is that of 7' "postgres -D $here_is -p 5434 -c gp_role=dispatch" on cdw 'pgrep -af "postgres -D"'
gives 'clients may not say gp_role' 'FATAL:  unrecognized configuration parameter "gp_role"' utility cdw 'SELECT 1' 5434
is 'but gp_session_role' $'utility\ndispatch' \
    bash -c "$(declare -f on session dispatch); here=$here
    session utility 'SHOW gp_session_role'; dispatch cdw 'SHOW gp_session_role' 5434"
gives 'once' 'parameter "gp_session_role" cannot be set after connection start' dispatch cdw 'SET gp_session_role = utility' 5434
is 'it takes data' 20 dispatch cdw 'CREATE TABLE t (n int); INSERT INTO t SELECT generate_series(1, 20); SELECT count(*) FROM t' 5434
gives 'gp_add_coordinator_standby is unknown' 'function gp_add_coordinator_standby.* does not exist' \
    session utility "SELECT gp_add_coordinator_standby('scdw', 'scdw', '$there', 5434)"
is 'gp_add_master_standby is not' $'6\nt' \
    session utility "SELECT gp_add_master_standby('scdw', 'scdw', '$there', 5434); SELECT gp_remove_master_standby()"
gives 'gpinitstandby' 'Successfully created standby master on scdw' on cdw "PGPORT=5434 gpinitstandby -a -s scdw -S $there"
state="SELECT state, sync_state FROM pg_stat_replication"
until_is 'streaming|sync' session utility "$state"
is 'the standby streams' 'streaming|sync' session utility "$state"
on cdw "pg_ctl -D $here_is -m immediate stop; rm /tmp/.s.PGSQL.5434*" > /dev/null
gives 'and is promoted' 'completed successfully.*scdw is now the new primary master' \
    on scdw "PGPORT=5434 gpactivatestandby -a -d $there | tr '\n' ' '"
is 'with its names' $'dispatch\n20' dispatch scdw 'SHOW gp_session_role; SELECT count(*) FROM t' 5434
gives 'rewind in dispatch mode is refused' 'over a connection in dispatch mode' \
    on scdw "pg_rewind -D $there --source-server 'host=scdw port=5434 user=gpadmin dbname=postgres'"
