"""What the SQL views read events and kept rows with, and what shows a projection's rows."""

from typing import Final

from autopack.values.money import PICO

# Bodies that begin with RETURN are bound when they are made: nobody's search_path changes them.
VIEW_FUNCTIONS: Final = f"""
CREATE FUNCTION json_of(data text) RETURNS jsonb LANGUAGE plpgsql IMMUTABLE STRICT AS $body$
BEGIN
    RETURN data::jsonb;
EXCEPTION WHEN OTHERS THEN
    BEGIN -- jsonb has not the character 0
        RETURN regexp_replace(
            data, '(?<!\\\\)((?:\\\\\\\\)*)\\\\u0000', '\\1\\\\ufffd', 'g')::jsonb;
    EXCEPTION WHEN OTHERS THEN
        RETURN NULL;
    END;
END $body$;

CREATE FUNCTION number_of(value jsonb) RETURNS double precision LANGUAGE sql IMMUTABLE
RETURN CASE WHEN jsonb_typeof(value) <> 'number' OR abs(value::numeric) > 1e300 THEN NULL
    WHEN abs(value::numeric) < 1e-300 THEN 0 ELSE value::double precision END;

CREATE FUNCTION whole_of(value jsonb) RETURNS bigint LANGUAGE sql IMMUTABLE
RETURN CASE WHEN jsonb_typeof(value) = 'number' AND abs(value::numeric) < 9223372036854775807
    THEN trunc(value::numeric)::bigint END;

CREATE FUNCTION truth_of(value jsonb) RETURNS bigint LANGUAGE sql IMMUTABLE
RETURN CASE value WHEN 'true' THEN 1 WHEN 'false' THEN 0 END;

CREATE FUNCTION text_of(value jsonb) RETURNS text LANGUAGE sql IMMUTABLE
RETURN value #>> '{{{{}}}}';

CREATE FUNCTION amount_of(value jsonb) RETURNS text LANGUAGE sql IMMUTABLE
RETURN CASE WHEN jsonb_typeof(value) = 'string'
        AND value #>> '{{{{}}}}' ~ '^\\d{{{{1,50}}}}(\\.\\d*)?$'
    THEN value #>> '{{{{}}}}' END;

CREATE FUNCTION pico_of(amount text) RETURNS bigint LANGUAGE sql IMMUTABLE
RETURN CASE WHEN amount::numeric * {PICO} < 9223372036854775808
    THEN trunc(amount::numeric * {PICO})::bigint END;

-- To the nearest millisecond, as SQLite rounds.
CREATE FUNCTION utc_of(moment bigint) RETURNS text LANGUAGE sql IMMUTABLE
RETURN CASE WHEN moment BETWEEN -62135596800000000 AND 253402300799999999
    THEN to_char(timestamp 'epoch' + interval '1 millisecond' * (floor(moment::double precision
        / 1000000.0 * 1000.0 + 210866760000000.0 + 0.5) - 210866760000000.0),
    'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') END;

CREATE FUNCTION key_of(key bytea) RETURNS text LANGUAGE sql IMMUTABLE
RETURN convert_from(CASE WHEN position('\\x00'::bytea IN key) = 0 THEN key
    ELSE decode(regexp_replace(regexp_replace(encode(key, 'hex'), '(..)', '\\1 ', 'g'),
        '\\m00 ', 'efbfbd ', 'g'), 'hex') END, 'UTF8');
"""

SHOW_VIEW: Final = """
CREATE FUNCTION show_view(name text, view text, fields text[], kinds text[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = {schema}, pg_temp AS $body$
DECLARE
    told text[] := ARRAY['key_of(key) COLLATE "C" AS key'];
    made text;
    there text := obj_description(to_regclass(quote_ident(name)), 'pg_class');
    field text;
    role text;
BEGIN
    IF name !~ '^v_\\w+$' OR name IN ('v_events', 'v_runs', 'v_phases', 'v_llm_usage', 'v_samples')
    THEN
        RAISE EXCEPTION '% is no name for the view of a projection', name;
    END IF;
    FOR i IN 1 .. cardinality(fields) LOOP
        field := fields[i];
        told := told || CASE kinds[i]
            WHEN 'usd' THEN format('amount_of(json -> %L)::double precision AS %I,'
                ' pico_of(amount_of(json -> %L)) AS %I', field, regexp_replace(field, '_usd$', '')
                || '_usd', field, regexp_replace(field, '_usd$', '') || '_pico_usd')
            WHEN 'moment' THEN format('text_of(json -> %L) AS %I', field,
                regexp_replace(field, '_utc$', '') || '_utc')
            WHEN 'json' THEN format('view_rows.data::json ->> %L AS %I', field,
                regexp_replace(field, '_json$', '') || '_json')
            WHEN 'integer' THEN format('whole_of(json -> %L) AS %I', field, field)
            WHEN 'boolean' THEN format('truth_of(json -> %L) AS %I', field, field)
            WHEN 'real' THEN format('number_of(json -> %L) AS %I', field, field)
            ELSE format('text_of(json -> %L) COLLATE "C" AS %I', field, field)
        END;
    END LOOP;
    made := format('SELECT %s, (SELECT position FROM view_checkpoints WHERE view = %L)'
        ' AS as_of_position FROM view_rows LEFT JOIN LATERAL json_of(data) AS json ON true'
        ' WHERE view = %L', array_to_string(told, ', '), view, view);
    IF there IS NOT DISTINCT FROM made THEN
        RETURN;
    ELSIF to_regclass(quote_ident(name)) IS NOT NULL
            AND coalesce(there, '') NOT LIKE 'SELECT key_of(key)%' THEN
        RAISE EXCEPTION '% is there, and is no view of a projection', name;
    END IF;
    EXECUTE format('DROP VIEW IF EXISTS %I', name);
    EXECUTE format('CREATE VIEW %I AS %s', name, made);
    EXECUTE format('COMMENT ON VIEW %I IS %L', name, made);
    FOR role IN SELECT DISTINCT grantee::regrole::text FROM pg_class, aclexplode(relacl)
        WHERE oid = 'view_rows'::regclass AND privilege_type = 'SELECT'
            AND grantee NOT IN (0, relowner)
    LOOP
        EXECUTE format('GRANT SELECT ON %I TO %s', name, role);
    END LOOP;
END $body$;
"""
"""Makes or renews a view of a projection's rows; what it is made of is the view's comment."""
