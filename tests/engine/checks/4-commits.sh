# shellcheck shell=bash disable=SC2154
# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

suspend() { on scdw "pgrep -x postgres | xargs kill -STOP"; }
resume() { on scdw "pgrep -x postgres | xargs kill -CONT"; }
timed() { on cdw "PGOPTIONS='${2--c gp_role=utility}' timeout 3 psql -XAtq -d postgres -c \"$1\" > /dev/null 2>&1; echo \$?"; }
restart="pg_ctl -w -m fast -D $standby -l $standby/log/startup.log restart"
message="SELECT pg_logical_emit_message(true, 'probe', '')"

is 'commits go on while the standby streams' 0 timed "$message"
dispatch cdw 'CREATE TABLE t (id bigint)'
dispatch cdw 'INSERT INTO t VALUES (0)' # makes the statistics that the engine wants at the first insertion
suspend
is 'read-only transactions do not wait for a suspended standby' 0 timed 'SELECT count(*) FROM pg_class'
is 'a message waits' 124 timed "$message"
is 'DDL in utility mode waits' 124 timed 'CREATE ROLE waits'
is 'a write to one segment does not' 0 timed 'INSERT INTO t VALUES (1)' ''
is 'a write to two segments does' 124 timed 'INSERT INTO t SELECT generate_series(1, 20)' ''
on cdw "(PGOPTIONS='-c gp_role=utility' psql -d postgres -c \"$message\" > waiting 2>&1; echo \$? >> waiting) &"
sleep 0.5
utility cdw "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE query LIKE '%emit_message%' AND pid <> pg_backend_pid()" > /dev/null
sleep 0.5
is 'a cancel does not end the wait' '' on cdw 'grep -vE "^(WARNING|DETAIL)" waiting'
utility cdw "SELECT pg_terminate_backend(pid) FROM pg_stat_replication" > /dev/null
sleep 1
gives 'the end of the walsender does' '0$' on cdw 'cat waiting'
is 'without a standby nothing waits' 0 timed "$message"
resume
until_is 'streaming|sync|1' streams cdw
is 'the standby comes back' 'streaming|sync|1' streams cdw
utility cdw "ALTER SYSTEM SET wal_sender_timeout = '1s'; SELECT pg_reload_conf()" > /dev/null
sleep 1
suspend
is 'a suspended standby is given up after wal_sender_timeout' 0 timed "$message"
resume
utility cdw "ALTER SYSTEM RESET wal_sender_timeout; SELECT pg_reload_conf()" > /dev/null
on scdw "sed -i s/gp_walreceiver/another/ $standby/postgresql.auto.conf; $restart" > /dev/null
until_is 'streaming|async' utility cdw "SELECT state, sync_state FROM pg_stat_replication WHERE application_name = 'another'"
is 'with a receiver of another name only, commits wait for ever' 124 timed "$message"
on scdw "sed -i s/another/gp_walreceiver/ $standby/postgresql.auto.conf; $restart" > /dev/null
until_is 'streaming|sync|1' streams cdw
dispatch cdw 'DROP TABLE t'
on scdw "pg_ctl -m fast -D $standby stop" > /dev/null
for method in stream fetch; do
    on cdw "(pg_basebackup -h cdw -D /tmp/$method -X $method -c fast -r 2M --target-gp-dbid 99 > /dev/null 2>&1 &)" > /dev/null
    sleep 2
    is "while a base backup with -X $method runs" "$([ $method = stream ] && echo 124 || echo 0)" timed "$message"
    on cdw "pkill -x pg_basebackup; sleep 0.5; rm -rf /tmp/$method"
done
start scdw "$standby" > /dev/null
until_is 'streaming|sync|1' streams cdw
