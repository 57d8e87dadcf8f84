# shellcheck shell=bash disable=SC2154
# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

on scdw "sed -i '1i host all gpadmin 10.203.19.11/32 trust\nhost replication gpadmin 10.203.19.11/32 trust' $standby/pg_hba.conf; pg_ctl -D $standby reload" > /dev/null
utility scdw CHECKPOINT
is 'the next standby gets the next dbid' 7 utility scdw "SELECT gp_add_master_standby('cdw', 'cdw', '$primary')"
rewind="pg_rewind -D $primary -P -R -S again --source-server"
source='host=scdw user=gpadmin dbname=postgres'
if simulated; then
    gives 'rewind in dispatch mode is refused, loudly' 'connect in utility mode' on cdw "$rewind '$source'"
    gives 'a dry run is refused' 'pg_control' on cdw "pg_rewind -D $primary -n --source-server '$source'"
fi
gives 'rewind in utility mode' 'Done!' on cdw "PGOPTIONS='-c gp_role=utility' $rewind '$source'"
is 'it keeps internal.auto.conf' 'gp_dbid=1' on cdw "cat $primary/internal.auto.conf"
gives 'and writes the recovery configuration' "application_name=gp_walreceiver'.*primary_slot_name = 'again'" on cdw "cat $primary/postgresql.auto.conf"
utility scdw "SELECT pg_create_physical_replication_slot('again')" > /dev/null
on cdw "echo gp_dbid=7 > $primary/internal.auto.conf; mkdir -p $primary/log"
gives 'the rewound one starts' 'server started' start cdw "$primary"
until_is 'streaming|sync|1' streams scdw
is 'and streams in sync' 'streaming|sync|1' streams scdw
if simulated; then
    on cdw "pg_ctl -D $primary -m fast stop; rm $primary/standby.signal; echo gp_dbid=9 > $primary/internal.auto.conf" > /dev/null
    gives 'a primary with a wrong dbid does not start' 'could not start server' start cdw "$primary"
    gives 'and names both' 'gp_dbid 9 is not that of a coordinator in gp_segment_configuration .(6, 7|7, 6)' on cdw "grep -h gp_dbid $primary/log/*"
fi
