# shellcheck shell=bash disable=SC2154
# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

row="SELECT dbid, content, role, preferred_role, mode, status, port, hostname, address, datadir FROM gp_segment_configuration"
is 'catalog: coordinator' "1|-1|p|p|n|u|5432|cdw|cdw|$primary" dispatch cdw "$row WHERE dbid = 1"
is 'catalog: primaries and mirrors' $'2|0|p\n3|1|p\n4|0|m\n5|1|m' \
    utility cdw 'SELECT dbid, content, role FROM pg_catalog.gp_segment_configuration WHERE content >= 0 ORDER BY 1'
add="SELECT gp_add_master_standby('scdw', 'scdw', '$standby', 5432)"
gives 'registration needs utility mode' 'must be run in utility mode' dispatch cdw "$add"
if simulated; then # the engine at hand may be laxer than its documentation
    gives 'and a superuser' 'can only be run by a superuser' utility cdw "CREATE ROLE r; SET ROLE r; $add"
    utility cdw 'DROP ROLE r'
fi
is 'a standby gets the next dbid' 6 utility cdw "$add"
is 'its row' "6|-1|m|m|s|u|5432|scdw|scdw|$standby" dispatch cdw "$row WHERE dbid = 6"
gives 'a second one is refused' 'only a single (coordinator|master) standby may be defined' utility cdw "$add"
is 'unregistering' t utility cdw 'SELECT gp_remove_master_standby()'
gives 'twice' 'no (coordinator|master) standby defined' utility cdw 'SELECT gp_remove_master_standby()'
if simulated; then
    is 'the names of WarehousePG 7' $'6\nt' utility cdw \
        "SELECT gp_add_coordinator_standby('scdw', 'scdw', '$standby', 5432); SELECT gp_remove_coordinator_standby()"
fi
is 'registering without a port' $'6\n5432' utility cdw \
    "SELECT gp_add_master_standby('scdw', 'scdw', '$standby'); SELECT port FROM gp_segment_configuration WHERE dbid = 6"
gives 'the catalog is not written directly' 'permission denied: "gp_segment_configuration" is a system catalog' \
    utility cdw 'DELETE FROM gp_segment_configuration'
