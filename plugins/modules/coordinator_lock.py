#!/usr/bin/python
# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lock a pair of coordinators against other runs."""

from __future__ import annotations

DOCUMENTATION = r"""
module: coordinator_lock
short_description: Lock a pair of coordinators against other runs
version_added: 0.1.0
description:
  - Takes or releases a lock on a pair of coordinators, a file on the host of each, so that two runs never change one pair at the same
    time. Whoever wants to change a pair needs the lock of both hosts, of those that can be reached.
  - The run is the C(ansible-playbook) that executes the task. It is told from others by its user, its controller with the start of that
    host's kernel and its process namespace, its process and when that started. It may take the lock several times.
  - A lock that another run holds is refused, with its holder named. The lock of a run that was started by this controller and has ended
    is taken over at once. As long as a run lives, its lock is renewed every 60 s by a process on its controller; a lock that was not
    renewed for 300 s is taken over by anybody.
  - Modules that are given the lock see before each change whether their run still holds it, and note beside it what the run begins. Such a
    note outlives the lock, until it is released with this as O(finished).
  - Runs on the controller, as an action plugin that sends commands to the host. A lock leaves nothing behind, so it is never a change.
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
  idempotent:
    support: full
extends_documentation_fragment:
  - warehousepg.coordinator.attributes
options:
  file:
    description:
      - The file; C(~/) is the home directory of the user that the task becomes. Its directory is made if it is missing.
    type: str
    required: true
  state:
    description:
      - Whether this run is to hold the lock. The lock of another run is never removed by V(absent).
      - In check mode V(present) only tells who holds it, and V(absent) does nothing.
    type: str
    choices: [present, absent]
    default: present
  purpose:
    description:
      - What the run does. Required with O(state=present).
    type: str
  wait:
    description:
      - Seconds to wait for a lock that another run holds. Of two runs that begin at once each may get the lock of one host; where they do
        not wait for the same host, one of them gets both.
    type: float
    default: 0
  finished:
    description:
      - With O(state=absent), what is no longer noted as begun.
    type: list
    elements: str
    default: []
  cluster:
    description:
      - The cluster that a line is about which is printed when the lock cannot be released.
    type: str
  timeout:
    description: Seconds that the host has for an answer; past it the host is unreachable.
    type: float
    default: 300
author:
  - The warehousepg.coordinator authors (@warehousepg)
"""

EXAMPLES = r"""
- name: Lock the pair
  warehousepg.coordinator.coordinator_lock:
    file: ~/.whpg/demo.lock
    purpose: upgrade of the operating system
    wait: "{{ 10 if whpg_role == 'standby' else 0 }}"
  become: true
  become_user: gpadmin
  register: lock

- name: Stop the standby
  warehousepg.coordinator.coordinator_instance:
    data_directory: /data/whpg/v7/standby/gpseg-1
    state: stopped
    lock: "{{ lock.held }}"
  become: true
  become_user: gpadmin

- name: Unlock the pair
  warehousepg.coordinator.coordinator_lock:
    file: ~/.whpg/demo.lock
    state: absent
  become: true
  become_user: gpadmin
"""

RETURN = r"""
held:
  description: The option C(lock) of modules that change the pair.
  returned: when this run holds the lock
  type: dict
  sample:
    file: /home/gpadmin/.whpg/demo.lock
    holder: {user: operator, controller: control1, boot: 5e1c…, namespace: "pid:[4026531836]", pid: 4711, started: "1834512"}
file:
  description: The file with its whole path.
  returned: with O(state=present), unless it could not be looked at
  type: str
  sample: /home/gpadmin/.whpg/demo.lock
lock:
  description: The lock that is there, V(null) without one; also the other run's when it is refused.
  returned: unless it could not be looked at
  type: dict
  sample:
    holder: {user: operator, controller: control1, boot: 5e1c…, namespace: "pid:[4026531836]", pid: 4711, started: "1834512"}
    since: 1795392000.0
    purpose: activate_standby
former:
  description: The lock of a run that is gone, which was taken over, V(null) without one.
  returned: with O(state=present), unless it could not be looked at
  type: dict
  sample: null
"""
