# shellcheck shell=sh disable=SC2034
# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# What a person who looks around, and the engine's utilities, expect in the environment, for the cluster that WHPG_CLUSTER names.
# Older engines say MASTER.

WHPG_UTILITY_SETTING=gp_role WHPG_PREFIX=gpseg
case ${WHPG_CLUSTER:=demo} in
  demo) WHPG_DIRECTORY=/data/whpg/v7 PGPORT=5432 ;;
  beta) WHPG_DIRECTORY=/data/beta/v7 PGPORT=5433 ;;
  gamma) WHPG_DIRECTORY=/data/gamma/v7 PGPORT=5434 ;;
  single) WHPG_DIRECTORY=/data/single/v7 PGPORT=5432 WHPG_PREFIX=gpsne ;;
  two) WHPG_DIRECTORY=/data/two/v7 PGPORT=5432 ;;
  six) WHPG_DIRECTORY=/data/six/v6 PGPORT=5435 WHPG_UTILITY_SETTING=gp_session_role ;;
esac
case $(hostname) in
  scdw) COORDINATOR_DATA_DIRECTORY=$WHPG_DIRECTORY/standby/gpseg-1 ;;
  *) COORDINATOR_DATA_DIRECTORY=$WHPG_DIRECTORY/coordinator/$WHPG_PREFIX-1 ;;
esac
MASTER_DATA_DIRECTORY=$COORDINATOR_DATA_DIRECTORY
PGDATABASE=postgres
export COORDINATOR_DATA_DIRECTORY MASTER_DATA_DIRECTORY PGPORT PGDATABASE
. /usr/local/greenplum-db/greenplum_path.sh
