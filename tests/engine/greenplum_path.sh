# shellcheck shell=bash
# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

GPHOME=/usr/local/greenplum-db
PATH=$GPHOME/bin:$PATH
LD_LIBRARY_PATH=$GPHOME/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
export GPHOME PATH LD_LIBRARY_PATH
