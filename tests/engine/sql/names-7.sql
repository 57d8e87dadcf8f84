-- Copyright (c) 2026 The warehousepg.coordinator authors
-- GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
-- SPDX-License-Identifier: GPL-3.0-or-later

-- What WarehousePG 6 does not have. Fed to a single-user server, as catalog.sql.

CREATE FUNCTION pg_catalog.gp_add_coordinator_standby(hostname text, address text, datadir text, port integer DEFAULT NULL)
RETURNS smallint LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_catalog.gp_internal_check_registration('gp_add_coordinator_standby');
    RETURN pg_catalog.gp_internal_add_standby(hostname, address, datadir, port);
END $$;

CREATE FUNCTION pg_catalog.gp_remove_coordinator_standby() RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_catalog.gp_internal_check_registration('gp_remove_coordinator_standby');
    RETURN pg_catalog.gp_internal_remove_standby();
END $$;

