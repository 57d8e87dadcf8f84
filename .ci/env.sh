# shellcheck shell=bash
# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# The environment of everything that runs here. Source it: . .ci/env.sh

WHPG_REPO=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
export WHPG_REPO
export WHPG_CACHE=$WHPG_REPO/.cache
case :$PATH: in
  *":$WHPG_CACHE/venv/bin:"*) ;;
  *) export PATH=$WHPG_CACHE/venv/bin:$WHPG_CACHE/prometheus/usr/bin:$PATH ;;
esac
export ANSIBLE_COLLECTIONS_PATH=$WHPG_CACHE/collections
export CONTAINERS_CONF=$WHPG_CACHE/containers.conf
export MOLECULE_COMMAND_BORDERS=false
export MOLECULE_GLOB='molecule/*/molecule.yml'
export MOLECULE_PROJECT_DIRECTORY=$WHPG_REPO
# Where Python may not keep what it compiled, each run of Ansible compiles all of Ansible: two seconds of a processor.
unset PYTHONDONTWRITEBYTECODE
# Which set of test hosts (1 to 9): what their containers' names begin with, and their network.
export WHPG_SET=${WHPG_SET:-1}
export WHPG_HOSTS=whpg${WHPG_SET#1}
export WHPG_NET=10.203.${WHPG_SET}7
export MOLECULE_EPHEMERAL_DIRECTORY=$WHPG_CACHE/molecule/$WHPG_HOSTS
