-- Copyright (c) 2026 The warehousepg.coordinator authors
-- GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
-- SPDX-License-Identifier: GPL-3.0-or-later

-- The engine's catalog, in database postgres of every instance. Fed to a single-user server, which takes a semicolon and an empty
-- line as the end of a statement: none inside a function.

CREATE TABLE pg_catalog.gp_segment_configuration (
    dbid smallint NOT NULL PRIMARY KEY,
    content smallint NOT NULL,
    role "char" NOT NULL,
    preferred_role "char" NOT NULL,
    mode "char" NOT NULL,
    status "char" NOT NULL,
    port integer NOT NULL,
    hostname text,
    address text,
    datadir text,
    UNIQUE (content, preferred_role)
);

GRANT SELECT ON pg_catalog.gp_segment_configuration TO PUBLIC;

-- The role of the session, by the name that WarehousePG 7 or 6 has for it.
CREATE FUNCTION pg_catalog.gp_internal_role() RETURNS text STABLE
LANGUAGE sql AS 'SELECT coalesce(current_setting(''gp_role'', true), current_setting(''gp_session_role'', true))';

-- The conditions under which the engine lets the standby's registration be changed.
CREATE FUNCTION pg_catalog.gp_internal_check_registration(name text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF current_setting('gp_contentid') <> '-1' THEN
        RAISE EXCEPTION '% must be run on the coordinator', name;
    ELSIF pg_catalog.gp_internal_role() <> 'utility' THEN
        RAISE EXCEPTION '% must be run in utility mode', name;
    ELSIF NOT (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) THEN
        RAISE EXCEPTION '% can only be run by a superuser', name;
    END IF;
END $$;

CREATE FUNCTION pg_catalog.gp_internal_add_standby(hostname text, address text, datadir text, port integer)
RETURNS smallint LANGUAGE plpgsql SET allow_system_table_mods = on AS $$
DECLARE
    new_dbid smallint;
BEGIN
    LOCK pg_catalog.gp_segment_configuration;
    IF EXISTS (SELECT FROM pg_catalog.gp_segment_configuration WHERE content = -1 AND role = 'm') THEN
        RAISE EXCEPTION 'only a single coordinator standby may be defined';
    END IF;
    INSERT INTO pg_catalog.gp_segment_configuration
        SELECT (SELECT max(dbid) + 1 FROM pg_catalog.gp_segment_configuration), -1, 'm', 'm', 's', 'u',
            coalesce($4, p.port), $1, $2, $3
        FROM pg_catalog.gp_segment_configuration p WHERE p.content = -1 AND p.role = 'p'
        RETURNING dbid INTO new_dbid;
    RETURN new_dbid;
END $$;

CREATE FUNCTION pg_catalog.gp_internal_remove_standby()
RETURNS boolean LANGUAGE plpgsql SET allow_system_table_mods = on AS $$
BEGIN
    DELETE FROM pg_catalog.gp_segment_configuration WHERE content = -1 AND role = 'm';
    IF NOT FOUND THEN
        RAISE EXCEPTION 'no coordinator standby defined';
    END IF;
    RETURN true;
END $$;

-- The names of WarehousePG 6, which 7 keeps as aliases.
CREATE FUNCTION pg_catalog.gp_add_master_standby(hostname text, address text, datadir text, port integer DEFAULT NULL)
RETURNS smallint LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_catalog.gp_internal_check_registration('gp_add_master_standby');
    RETURN pg_catalog.gp_internal_add_standby(hostname, address, datadir, port);
END $$;

CREATE FUNCTION pg_catalog.gp_remove_master_standby() RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_catalog.gp_internal_check_registration('gp_remove_master_standby');
    RETURN pg_catalog.gp_internal_remove_standby();
END $$;

CREATE VIEW pg_catalog.gp_internal_own_replication AS
    SELECT current_setting('gp_contentid')::integer AS gp_segment_id, r.*, 'none'::text AS sync_error
    FROM pg_catalog.pg_stat_replication r;

-- What the engine asks the segments for; a coordinator in utility mode gives its own rows a second time.
CREATE FUNCTION pg_catalog.gp_internal_segment_replication() RETURNS SETOF pg_catalog.gp_internal_own_replication LANGUAGE plpgsql AS $$
DECLARE
    segment name;
BEGIN
    IF pg_catalog.gp_internal_role() = 'dispatch' THEN
        FOR segment IN SELECT srvname FROM pg_foreign_server WHERE srvname LIKE 'seg%' LOOP
            RETURN QUERY EXECUTE format('SELECT * FROM gp_%s.gp_internal_own_replication', segment);
        END LOOP;
    ELSIF current_setting('gp_contentid') = '-1' THEN
        RETURN QUERY SELECT * FROM pg_catalog.gp_internal_own_replication;
    END IF;
END $$;

CREATE VIEW pg_catalog.gp_stat_replication AS
    SELECT * FROM pg_catalog.gp_internal_own_replication UNION ALL SELECT * FROM pg_catalog.gp_internal_segment_replication();

GRANT SELECT ON pg_catalog.gp_stat_replication TO PUBLIC;

-- A row on every instance; gp_segment_id is a system column of the engine's.
CREATE VIEW pg_catalog.gp_id AS
    SELECT current_setting('gp_contentid')::integer AS gp_segment_id, 'Greenplum'::name AS gpname, (-1)::smallint AS numsegments,
        (-1)::smallint AS dbid, (-1)::smallint AS content;

GRANT SELECT ON pg_catalog.gp_id TO PUBLIC;

-- The rows that all segments have, in utility mode the instance's own. The engine takes any relation.
CREATE FUNCTION pg_catalog.gp_dist_random(relation text) RETURNS SETOF pg_catalog.gp_id LANGUAGE plpgsql AS $$
DECLARE
    segment name;
BEGIN
    IF relation <> 'gp_id' THEN
        RAISE EXCEPTION 'gp_dist_random(''%'') is not simulated', relation;
    ELSIF pg_catalog.gp_internal_role() = 'dispatch' THEN
        FOR segment IN SELECT srvname FROM pg_foreign_server WHERE srvname LIKE 'seg%' LOOP
            RETURN QUERY EXECUTE format('SELECT * FROM gp_%s.gp_id', segment);
        END LOOP;
    ELSE
        RETURN QUERY SELECT * FROM pg_catalog.gp_id;
    END IF;
END $$;

