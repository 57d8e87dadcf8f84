#!/usr/bin/env bash
# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

set -euo pipefail
cd "$WHPG_REPO"
export ANSIBLE_STDOUT_CALLBACK=warehousepg.coordinator.pairs
ansible-playbook warehousepg.coordinator.enable_mirroring -i molecule/inventory
ansible-playbook warehousepg.coordinator.status -i molecule/inventory
cat << END

Look around:
  podman exec -it $WHPG_HOSTS-cdw su - gpadmin     the primary's host (scdw: the standby's, sdw1: the segments')
  psql -c 'TABLE gp_stat_replication'       there
  ssh -F .cache/ssh/$WHPG_HOSTS.config scdw        the same without podman
  export WHPG_SET=$WHPG_SET; . .ci/env.sh           then ansible-playbook warehousepg.coordinator.status -i molecule/inventory
Tear down:
  make destroy
END
