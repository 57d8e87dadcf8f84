# shellcheck shell=bash disable=SC2154
# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later


# More clusters on the same hosts. This one has no checksums, and its segments are on the coordinator's host.
configuration() { # name coordinator-port segments'-port mirrors'-port
    on cdw "cat > $1.conf; echo cdw > $1.hosts" << END
ARRAY_NAME=$1
SEG_PREFIX=gpseg
PORT_BASE=$3
declare -a DATA_DIRECTORY=(/data/whpg/$1 /data/whpg/$1)
COORDINATOR_HOSTNAME=cdw
COORDINATOR_DIRECTORY=/data/whpg/$1
COORDINATOR_PORT=$2
MASTER_HOSTNAME=cdw
MASTER_DIRECTORY=/data/whpg/$1
MASTER_PORT=$2
TRUSTED_SHELL=ssh
ENCODING=UNICODE
MIRROR_PORT_BASE=$4
declare -a MIRROR_DATA_DIRECTORY=(/data/whpg/$1/mirror /data/whpg/$1/mirror)
${5-}
END
    for host in cdw scdw; do
        on $host "sudo install -d -o gpadmin /data/whpg/$1{,/mirror,/tablespaces,/tablespaces/one,/tablespaces/two}"
    done
}

configuration beta 5433 6100 7100 HEAP_CHECKSUM=off
gives 'gpinitsystem makes a second cluster' 'successfully created' on cdw 'gpinitsystem -a -c beta.conf -h beta.hosts'
is 'its segments are on the coordinators host' $'1|-1|cdw|5433\n2|0|cdw|6100\n3|1|cdw|6101\n4|0|cdw|7100\n5|1|cdw|7101' \
    dispatch cdw 'SELECT dbid, content, hostname, port FROM gp_segment_configuration ORDER BY 1' 5433
is 'it has no checksums' 'off' dispatch cdw 'SHOW data_checksums' 5433
gives 'nor have its segments' 'Data page checksum version: +0' on cdw 'pg_controldata /data/whpg/beta/gpseg0'
is 'it takes data' 20 dispatch cdw 'CREATE TABLE t (n int); INSERT INTO t SELECT generate_series(1, 20); SELECT count(*) FROM t' 5433
if on cdw 'hostname -I' | grep -q fd00; then
    gives 'instances listen to IPv6' 'tcp.*\[::\]:6000 ' on sdw1 'ss -ltn | sed s/^/tcp/'
    is 'segments let the coordinator in over IPv6' 1 utility 'cdw' 'SELECT 1' '6000 -h fd00:203:19::21'
fi
