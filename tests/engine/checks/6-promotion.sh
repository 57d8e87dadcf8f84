# shellcheck shell=bash disable=SC2154
# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

row='SELECT dbid, role, preferred_role FROM gp_segment_configuration WHERE content = -1'
dispatch cdw 'CREATE TABLE t (id bigint); INSERT INTO t SELECT generate_series(1, 20)' > /dev/null
on cdw "(psql -d postgres -c 'INSERT INTO t SELECT generate_series(21, 40)' -c 'SELECT count(*), pg_sleep(60) FROM t' > /dev/null 2>&1 &)
    (echo 'BEGIN; INSERT INTO t SELECT generate_series(1, 20);'; sleep 60) | psql -d postgres > /dev/null 2>&1 &" > /dev/null
sleep 1
sessions="SELECT count(*) FROM pg_stat_activity WHERE client_addr = '10.203.19.11'"
is 'sessions of the former coordinator on a segment' 2 utility sdw1 "$sessions" 6000
is 'promotion' 'server promoted' on scdw "pg_ctl promote -w -D $standby | tail -1 | sed 's/.*server/server/'"
until_is 'dtmready' on scdw "sed -n 8p $standby/postmaster.pid"
is 'its end: the catalog' '6|p|p' dispatch scdw "$row"
is 'the sessions of the former coordinator are gone' 0 utility sdw1 "$sessions" 6000
is 'the data is there, without what was open' 40 dispatch scdw 'SELECT count(*) FROM t'
gives 'two primaries: this one and the old' '^1.p.p
6.m.m$' dispatch cdw "$row ORDER BY 1"
gives 'duplicate tables' 'already exists' bash -c "$(declare -f on dispatch); here=$here; dispatch scdw 'CREATE TABLE twice (id int)'; dispatch cdw 'CREATE TABLE twice (id int)'"
utility cdw 'CREATE ROLE diverged' > /dev/null
on cdw "pgrep -xo postgres | xargs kill -KILL; sleep 0.5" > /dev/null
