# shellcheck shell=bash disable=SC2154
# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later


here_is=/data/whpg/beta/gpseg-1 spc=/data/whpg/beta/tablespaces copy='/data/whpg/beta/a link/gpseg-1'
link() { on "$1" "readlink '$2'/pg_tblspc/*"; }
is 'a tablespace is made' '' dispatch cdw "CREATE TABLESPACE one LOCATION '$spc/one'" 5433
is 'it is in a directory of the dbid' "$spc/one/1" link cdw $here_is
is 'its location is told without' "$spc/one" \
    dispatch cdw "SELECT pg_tablespace_location(oid) FROM pg_tablespace WHERE spcname = 'one'" 5433
gives 'a location is used once' 'already in use as a tablespace' dispatch cdw "CREATE TABLESPACE again LOCATION '$spc/one'" 5433
gives 'and must exist' 'directory ".*/missing" does not exist' dispatch cdw "CREATE TABLESPACE missing LOCATION '$spc/missing'" 5433
gives 'it holds data' 'pg_tblspc/' utility cdw "CREATE TABLE kept TABLESPACE one AS SELECT generate_series(1, 1000) AS n;
    SELECT pg_relation_filepath('kept')" 5433
is 'also of dispatch mode' 3 \
    dispatch cdw 'CREATE TABLE l (n int) TABLESPACE one; INSERT INTO l VALUES (1), (2), (3); SELECT count(*) FROM l' 5433

on cdw "sed -i '1i host all gpadmin 10.203.19.12/32 trust\nhost replication gpadmin 10.203.19.12/32 trust' $here_is/pg_hba.conf
    pg_ctl -D $here_is reload" > /dev/null
is 'registration of a standby behind a link, with spaces' 6 utility cdw "SELECT gp_add_master_standby('scdw', 'scdw', '$copy', 5433)" 5433
on scdw "mkdir -p '/data/whpg/beta/a place'; ln -s 'a place' '/data/whpg/beta/a link'"
backup="pg_basebackup -h cdw -p 5433 -D '$copy' -X stream -c fast --target-gp-dbid 6"
gives 'a base backup where it may not write' 'could not create directory "/nowhere.*Permission denied' \
    on scdw "$backup -T $spc/one=/nowhere/x"
gives 'to a path that is relative' 'new directory is not an absolute path' on scdw "$backup -T $spc/one=x"
gives 'by the location with the dbid' "$spc/one/6" \
    on scdw "$backup -T $spc/one/1=/data/whpg/beta/wrong; readlink '$copy'/pg_tblspc/*; rm -r '$copy'"
gives 'where another has been' 'directory "[^"]*/one/6[^"]*" exists but is not empty' on scdw "$backup"
is 'which is nothing that --force-overwrite minds' "$spc/one/6" on scdw "$backup --force-overwrite; readlink '$copy'/pg_tblspc/*"
is 'to another location' $'/data/whpg/beta/else where/6\n0' on scdw "rm -r '$copy' $spc/one/6
    $backup -R -T $spc/one='/data/whpg/beta/else where'; readlink '$copy'/pg_tblspc/*; ls $spc/one | wc -l"
on scdw "sed -i 's/^port *=.*/port = 5433/' '$copy/postgresql.conf'"
start_copy() { on scdw "pg_ctl -w -D '$copy' -l '$copy/log/startup.log' -o '-p 5433 -c gp_role=dispatch' $1"; }
gives 'the standby starts' 'server started' start_copy start
until_is 'streaming|sync|1' streams cdw 5433
is 'and streams' 'streaming|sync|1' streams cdw 5433
is 'a later tablespace comes to it' "" dispatch cdw "CREATE TABLESPACE two LOCATION '$spc/two'" 5433
until_is 2 on scdw "ls '$copy/pg_tblspc' | wc -l"
gives 'where its dbid says' "$spc/two/6" link scdw "$copy"
dispatch cdw 'DROP TABLESPACE two' 5433
is 'dropped, it leaves nothing' '' on cdw "ls $spc/two"
until_is 1 on scdw "ls '$copy/pg_tblspc' | wc -l"
is 'nor on the standby' 0 on scdw "ls $spc/two | wc -l"
on scdw "pg_ctl -D '$copy' -m fast stop; chmod -R g+rX '$copy/'" > /dev/null
gives 'a standby whose files the group may read starts' 'server started' start_copy start
until_is 'streaming|sync|1' streams cdw 5433
is 'and streams as before' 'streaming|sync|1' streams cdw 5433
on scdw "pg_ctl -D '$copy' -m fast stop; rm -r '/data/whpg/beta/a place/gpseg-1' '/data/whpg/beta/else where'" > /dev/null
utility cdw 'SELECT gp_remove_master_standby()' 5433 > /dev/null
