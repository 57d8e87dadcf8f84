#!/usr/bin/env bash
# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Brings a machine to where everything here runs; does nothing where that is so already.

set -euo pipefail
. "$(dirname "$0")/env.sh"
cd "$WHPG_REPO"

install_system_packages() {
  local missing=() pair
  # command:package
  for pair in podman:podman runc:runc catatonit:catatonit iptables:iptables ip:iproute2 mmdebstrap:mmdebstrap ssh:openssh-client git:git \
    curl:curl openssl:openssl; do
    command -v "${pair%%:*}" > /dev/null || missing+=("${pair##*:}")
  done
  [ -x /usr/lib/podman/netavark ] || [ -x /usr/libexec/podman/netavark ] || missing+=(netavark)
  [ ${#missing[@]} -gt 0 ] || return 0
  echo "installing: ${missing[*]}"
  if ! command -v apt-get > /dev/null || [ "$(id -u)" != 0 ]; then
    echo "missing: ${missing[*]}; install them, or run this as root on Debian" >&2
    return 1
  fi
  export DEBIAN_FRONTEND=noninteractive
  apt-get -qq update
  apt-get -qq -y install --no-install-recommends "${missing[@]}" > /dev/null
}

make_virtual_environment() {
  local desired python
  desired=$(cat requirements-dev.txt constraints-dev.txt | sha256sum)
  [ "$(cat .cache/venv/.made-from 2> /dev/null)" != "$desired" ] || return 0
  for python in python3.11 python3.12 python3.13 python3; do
    "$python" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2> /dev/null && break
  done
  echo "making .cache/venv with $python (a minute or two)"
  rm -rf .cache/venv
  "$python" -m venv .cache/venv
  .cache/venv/bin/pip install --quiet --no-compile -r requirements-dev.txt -c constraints-dev.txt
  echo "$desired" > .cache/venv/.made-from
}

# So that playbooks run by their full names from this very work tree.
link_collection() {
  mkdir -p .cache/collections/ansible_collections/warehousepg
  # The ansible package in the virtual environment has an ansible_collections too; Python's own import shall find both.
  echo '__path__ = __import__("pkgutil").extend_path(__path__, __name__)' > .cache/collections/ansible_collections/__init__.py
  ln -sfn ../../../.. .cache/collections/ansible_collections/warehousepg/coordinator
}

make_ssh_key() {
  [ -f .cache/ssh/id_ed25519 ] && return
  mkdir -p .cache/ssh
  ssh-keygen -q -t ed25519 -N '' -C test-hosts -f .cache/ssh/id_ed25519
}

# crun of Debian 12 wants cgroup features that not every machine has; runc does not.
write_containers_conf() {
  if command -v runc > /dev/null; then
    printf '[engine]\nruntime = "runc"\n'
  fi > .cache/containers.conf
}

mkdir -p .cache
install_system_packages
make_virtual_environment
link_collection
make_ssh_key
write_containers_conf
