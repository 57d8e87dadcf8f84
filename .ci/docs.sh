#!/usr/bin/env bash
# Copyright (c) 2026 The warehousepg.coordinator authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Builds the documentation as a site: the guides, and the options of all roles and modules. A link that leads nowhere fails, and so does
# an example that is wrong. Needs no network: what links to Ansible's own documentation is text.

. "$(dirname "$0")/results.sh"
cd "$WHPG_REPO" || exit
begin docs
collection=warehousepg.coordinator
site=$WHPG_CACHE/docs

make_site() {
  rm -rf "$site" && mkdir -m 700 "$site" &&
    antsibull-docs sphinx-init --use-current --squash-hierarchy --fail-on-error --dest-dir "$site" --sphinx-theme alabaster \
      --project "$collection" --title "Ansible collection $collection" --html-short-title "$collection" \
      --copyright "The $collection authors" "$collection" > /dev/null &&
    cat >> "$site/conf.py" << 'END'

intersphinx_mapping = {}
nitpick_ignore = [('std:ref', label) for label in ('action_plugins', 'ansible_configuration_settings', 'common_return_values')]
html_theme_options = {'page_width': '1200px', 'sidebar_width': '240px', 'fixed_sidebar': True}
html_sidebars = {'**': ['about.html', 'searchfield.html', 'localtoc.html', 'relations.html']}
END
}

pages() {
  "$site/build.sh"
}

examples() {
  PYTHONPATH=$WHPG_CACHE/collections pytest tests/unit/test_documents.py
}

check site make_site
check pages pages
check examples examples
echo "== docs: $site/build/html/index.html"
finish
