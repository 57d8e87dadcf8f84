-- Copyright (c) 2026 The warehousepg.coordinator authors
-- GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
-- SPDX-License-Identifier: GPL-3.0-or-later

-- On the coordinator: tables that a dispatch-mode session creates live on the segments. Each becomes a table partitioned by a hash
-- of its first column, and its partitions are foreign tables, in a schema for each segment. One in a tablespace stays local. Fed
-- to a single-user server, as catalog.sql.

CREATE EXTENSION postgres_fdw SCHEMA pg_catalog;

CREATE FUNCTION pg_catalog.gp_dispatch(server text, command text) RETURNS void
LANGUAGE c STRICT AS '/usr/local/greenplum-db/lib/engine';

-- A segment that user tables have a part on.
CREATE FUNCTION pg_catalog.gp_internal_add_segment(content integer, address text, port integer)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    own text;
BEGIN
    EXECUTE format('CREATE SERVER seg%s FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host %L, port %L, dbname ''postgres'','
        ' application_name ''gp_dispatcher'', options ''-c %s=execute'', connect_timeout ''10'', async_capable ''true'')', content,
        address, port::text, CASE current_setting('gp_internal_names') WHEN '6' THEN 'gp_session_role' ELSE 'gp_role' END);
    EXECUTE format('CREATE USER MAPPING FOR PUBLIC SERVER seg%s OPTIONS (user ''gpadmin'', password_required ''false'')', content);
    EXECUTE format('GRANT USAGE ON FOREIGN SERVER seg%s TO PUBLIC', content);
    EXECUTE format('CREATE SCHEMA gp_seg%s', content);
    EXECUTE format('GRANT ALL ON SCHEMA gp_seg%s TO PUBLIC', content);
    FOREACH own IN ARRAY ARRAY['gp_internal_own_replication', 'gp_id'] LOOP
        EXECUTE format('CREATE FOREIGN TABLE gp_seg%s.%I (%s) SERVER seg%s OPTIONS (schema_name ''pg_catalog'')', content, own,
            (SELECT string_agg(format('%I %s', attname, format_type(atttypid, atttypmod)), ', ' ORDER BY attnum)
             FROM pg_attribute WHERE attrelid = ('pg_catalog.' || own)::regclass AND attnum > 0), content);
    END LOOP;
END $$;

CREATE FUNCTION pg_catalog.gp_internal_distribute(original regclass) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    schema text;
    name text;
    columns text;
    key text;
    segment record;
BEGIN
    SELECT nspname, relname INTO schema, name FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace WHERE c.oid = original;
    SELECT string_agg(format('%I %s', attname, format_type(atttypid, atttypmod)), ', ' ORDER BY attnum),
            min(quote_ident(attname)) FILTER (WHERE attnum = 1)
        INTO columns, key FROM pg_attribute WHERE attrelid = original AND attnum > 0 AND NOT attisdropped;
    EXECUTE format('ALTER TABLE %I.%I RENAME TO gp_internal_original', schema, name);
    EXECUTE format('CREATE TABLE %I.%I (LIKE %I.gp_internal_original INCLUDING DEFAULTS INCLUDING CONSTRAINTS'
        ' INCLUDING IDENTITY INCLUDING GENERATED INCLUDING COMMENTS) PARTITION BY HASH (%s)', schema, name, schema, key);
    FOR segment IN
        SELECT srvname, substr(srvname, 4)::integer AS content, count(*) OVER () AS number
        FROM pg_foreign_server WHERE srvname LIKE 'seg%'
    LOOP
        PERFORM pg_catalog.gp_dispatch(segment.srvname, format('CREATE SCHEMA IF NOT EXISTS %I', schema));
        PERFORM pg_catalog.gp_dispatch(segment.srvname, format('CREATE TABLE %I.%I (%s)', schema, name, columns));
        EXECUTE format('CREATE FOREIGN TABLE gp_seg%s.%I PARTITION OF %I.%I FOR VALUES WITH (MODULUS %s, REMAINDER %s)'
            ' SERVER %I OPTIONS (schema_name %L, table_name %L)', segment.content, schema || '.' || name, schema, name,
            segment.number, segment.content, segment.srvname, schema, name);
    END LOOP;
    EXECUTE format('INSERT INTO %I.%I SELECT * FROM %I.gp_internal_original', schema, name, schema);
    EXECUTE format('DROP TABLE %I.gp_internal_original', schema);
END $$;

CREATE FUNCTION pg_catalog.gp_internal_on_create() RETURNS event_trigger LANGUAGE plpgsql AS $$
DECLARE
    original regclass;
BEGIN
    IF pg_catalog.gp_internal_role() = 'dispatch' THEN
        FOR original IN
            SELECT c.oid FROM pg_event_trigger_ddl_commands() d JOIN pg_class c ON c.oid = d.objid
            WHERE d.object_type = 'table' AND c.relkind = 'r' AND c.relpersistence <> 't' AND NOT c.relispartition
                AND c.reltablespace = 0
        LOOP
            PERFORM pg_catalog.gp_internal_distribute(original);
        END LOOP;
    END IF;
END $$;

CREATE FUNCTION pg_catalog.gp_internal_on_drop() RETURNS event_trigger LANGUAGE plpgsql AS $$
DECLARE
    part record;
BEGIN
    IF pg_catalog.gp_internal_role() = 'dispatch' THEN
        FOR part IN
            SELECT substr(schema_name, 4) AS server, object_name FROM pg_event_trigger_dropped_objects()
            WHERE object_type = 'foreign table' AND schema_name LIKE 'gp\_seg%'
        LOOP
            PERFORM pg_catalog.gp_dispatch(part.server, format('DROP TABLE %I.%I',
                split_part(part.object_name, '.', 1), split_part(part.object_name, '.', 2)));
        END LOOP;
    END IF;
END $$;

CREATE EVENT TRIGGER gp_internal_on_create ON ddl_command_end
    WHEN TAG IN ('CREATE TABLE', 'CREATE TABLE AS', 'SELECT INTO') EXECUTE FUNCTION pg_catalog.gp_internal_on_create();

CREATE EVENT TRIGGER gp_internal_on_drop ON sql_drop
    WHEN TAG IN ('DROP TABLE', 'DROP SCHEMA', 'DROP OWNED') EXECUTE FUNCTION pg_catalog.gp_internal_on_drop();

