# shellcheck shell=sh disable=SC2034
# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# What a person who looks around, and the engine's utilities, expect in the environment; older engines say MASTER.

case $(hostname) in
  scdw) COORDINATOR_DATA_DIRECTORY=/data/whpg/v7/standby/gpseg-1 ;;
  *) COORDINATOR_DATA_DIRECTORY=/data/whpg/v7/coordinator/gpseg-1 ;;
esac
MASTER_DATA_DIRECTORY=$COORDINATOR_DATA_DIRECTORY
PGPORT=5432
PGDATABASE=postgres
export COORDINATOR_DATA_DIRECTORY MASTER_DATA_DIRECTORY PGPORT PGDATABASE
. /usr/local/greenplum-db/greenplum_path.sh
