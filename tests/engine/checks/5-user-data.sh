# shellcheck shell=bash disable=SC2154
# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

is 'tables of dispatch sessions live on the segments' '20' dispatch cdw \
    'CREATE TABLE t (id bigint, at timestamptz DEFAULT now()); INSERT INTO t SELECT generate_series(1, 20); SELECT count(*) FROM t'
gives 'on each of them' $'^(8\n12|12\n8)$' bash -c "$(declare -f on utility); here=$here; utility sdw1 'SELECT count(*) FROM t' 6000; utility sdw1 'SELECT count(*) FROM t' 6001"
is 'CREATE TABLE AS' 3 dispatch cdw 'CREATE TABLE u AS SELECT generate_series(1, 3) AS n; SELECT count(*) FROM u; DROP TABLE u'
is 'a transaction is one on all segments' 20 dispatch cdw \
    'BEGIN; INSERT INTO t SELECT generate_series(1, 20); CREATE TABLE gone (n int); ROLLBACK; CREATE TABLE gone (n int); DROP TABLE gone; SELECT count(*) FROM t'
every="SELECT gp_segment_id FROM gp_dist_random('gp_id') ORDER BY 1"
is 'every segment is asked' $'0\n1' dispatch cdw "$every"
is 'in utility mode only the instance itself' -1 utility cdw "$every"
gives 'an orphan on a segment stops CREATE TABLE' 'relation "orphan" already exists' bash -c "$(declare -f on dispatch utility); here=$here
    utility sdw1 'CREATE TABLE orphan (n int)' 6000; dispatch cdw 'CREATE TABLE orphan (n int)'"
on sdw1 "sudo nft 'add table inet fence; add chain inet fence in { type filter hook input priority 0; };
    add rule inet fence in ip saddr 10.203.19.11 tcp dport { 6000-6001, 7000-7001 } reject with tcp reset'" > /dev/null
gives 'a packet filter on the segments stops writes' 'ERROR' dispatch cdw 'INSERT INTO t SELECT generate_series(1, 20)'
gives 'and reads' 'failed to acquire resources on one or more segments' dispatch cdw 'SELECT count(*) FROM t'
gives 'and CREATE TABLE' 'failed to acquire resources on one or more segments' dispatch cdw 'CREATE TABLE v (id int)'
gives 'and the question to every segment' 'failed to acquire resources on one or more segments' dispatch cdw "$every"
is 'utility mode goes on' 1 utility cdw 'SELECT 1'
on sdw1 'sudo nft delete table inet fence'
until_is 20 dispatch cdw 'SELECT count(*) FROM t'
is 'without the filter all is there' 20 dispatch cdw 'SELECT count(*) FROM t'
is 'DROP TABLE removes it everywhere' 0 bash -c "$(declare -f on dispatch utility); here=$here
    dispatch cdw 'DROP TABLE t'; utility sdw1 \"SELECT count(*) FROM pg_class WHERE relname = 't'\" 6000"
