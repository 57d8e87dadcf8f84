#!/usr/bin/env bash
# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

set -euo pipefail
cd "$WHPG_REPO"
log=.cache/demo.log
echo "starting the test hosts and a cluster on them, a minute or two; $log tells more"
if ! make hosts > "$log" 2>&1; then
  tail -n 40 "$log" >&2
  echo "the test hosts could not be started: see above, and $log" >&2
  exit 1
fi
export ANSIBLE_STDOUT_CALLBACK=warehousepg.coordinator.pairs ANSIBLE_INVENTORY=molecule/inventory,.ci/demo.yml
ansible-playbook warehousepg.coordinator.enable_mirroring
ansible-playbook warehousepg.coordinator.status
cat << END

Look around:
  podman exec -it $WHPG_HOSTS-cdw su - gpadmin     the primary's host (scdw: the standby's, sdw1: the segments')
  psql -c 'TABLE gp_stat_replication'       there
  ssh -F .cache/ssh/$WHPG_HOSTS.config scdw        the same without podman
  export WHPG_SET=$WHPG_SET ANSIBLE_INVENTORY=$ANSIBLE_INVENTORY ANSIBLE_STDOUT_CALLBACK=$ANSIBLE_STDOUT_CALLBACK; . .ci/env.sh
  ansible-playbook warehousepg.coordinator.status     then, or any other playbook
Tear down:
  make destroy
END
