--
-- PostgreSQL database dump
--


-- Dumped from database version 15.18 (Debian 15.18-0+deb12u1)
-- Dumped by pg_dump version 15.18 (Debian 15.18-0+deb12u1)

SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;

--
-- Name: older; Type: SCHEMA; Schema: -; Owner: -
--

CREATE SCHEMA older;


--
-- Name: adopt_origin(text, bytea); Type: FUNCTION; Schema: older; Owner: -
--

CREATE FUNCTION older.adopt_origin(origin_id text, seed bytea) RETURNS void
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'older', 'pg_temp'
    AS $_$
    UPDATE log_identity SET origin_id = $1, seed = $2;
$_$;


--
-- Name: amount_of(jsonb); Type: FUNCTION; Schema: older; Owner: -
--

CREATE FUNCTION older.amount_of(value jsonb) RETURNS text
    LANGUAGE sql IMMUTABLE
    RETURN CASE WHEN ((jsonb_typeof(value) = 'string'::text) AND ((value #>> '{}'::text[]) ~ '^\d{1,50}(\.\d*)?$'::text)) THEN (value #>> '{}'::text[]) ELSE NULL::text END;


--
-- Name: append_event(bigint, bytea, text, text, bigint, bigint, text, text); Type: FUNCTION; Schema: older; Owner: -
--

CREATE FUNCTION older.append_event(expected bigint, id bytea, stream text, type text, schema bigint, occurred bigint, meta text, data text, OUT after bigint, OUT version bigint, OUT chain bytea, OUT now bigint) RETURNS record
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'older', 'pg_temp'
    SET enable_seqscan TO 'off'
    SET enable_bitmapscan TO 'off'
    SET jit TO 'off'
    SET plan_cache_mode TO 'force_generic_plan'
    AS $$
DECLARE
    recorded_at bigint; as_of bigint; marked bigint; marked_at bigint; held_to bigint;
    at bigint;
BEGIN

    LOCK TABLE append_lock IN EXCLUSIVE MODE;
    SELECT last.position, last.hash, last.recorded_at, head.position, head.marked_at, head.held_to
        INTO after, chain, recorded_at, marked, marked_at, held_to
        FROM head LEFT JOIN (SELECT events.position, events.hash, events.recorded_at FROM events
            ORDER BY events.position DESC LIMIT 1) last ON true;
    after := coalesce(after, 0);
    as_of := coalesce(recorded_at, 0);
    IF held_to >= after AND after > 0 THEN
        SELECT CASE WHEN held.last >= after THEN held.as_of ELSE recorded_at END INTO as_of
            FROM clock_holds held WHERE held.first <= after ORDER BY held.first DESC LIMIT 1;
        as_of := coalesce(as_of, recorded_at);
    END IF;
    IF marked > after THEN
        RAISE EXCEPTION 'position % was given, but the last event is %', marked, after
            USING ERRCODE = 'AP001';
    END IF;
    now := date_part('epoch', clock_timestamp()) * 1000000;
    -- Others know this clock a little less well: what they recorded a moment ahead of it was now.
    IF as_of BETWEEN now AND now + 1000000 THEN
        now := as_of;
    END IF;

    SELECT last.version INTO version FROM events last
        WHERE last.stream = append_event.stream AND last.version >= coalesce(expected, 0)
        ORDER BY last.version DESC LIMIT 1;
    version := coalesce(version, 0);
    -- Whatever is not plain is left to the caller, who says what it is: NULL, and no event.
    IF now < as_of OR version <> expected THEN
        after := NULL;
        RETURN;
    END IF;

    IF after = 0 THEN
        SELECT seed INTO chain FROM log_identity;
    END IF;

    at := after + 1;
    version := version + 1;
    occurred := coalesce(occurred, now);
    chain := sha256(chain || int8send(at) || int8send(version) || int4send(schema::int) || int8send(occurred) || int8send(now) || int4send(octet_length(stream)) || int4send(octet_length(type)) || int4send(octet_length(meta)) || int4send(octet_length(data)) || id || convert_to(stream || type || meta || data, 'UTF8'));
    INSERT INTO events
        VALUES (at, id, stream, version, type, schema, occurred, now, meta, data, chain);

    -- A row that each append changes would be slow while a long backup keeps its old states.
    IF marked_at NOT BETWEEN now - 1000000 AND now THEN
        UPDATE head SET position = at, hash = chain, marked_at = now;
    END IF;
    PERFORM pg_notify('autopack_older', at::text);

END $$;


--
-- Name: append_events(text[], bigint[], bytea[], bytea[], text[], text[], bigint[], bigint[], bigint[], text[], text[]); Type: FUNCTION; Schema: older; Owner: -
--

CREATE FUNCTION older.append_events(asserted text[], at_versions bigint[], absent bytea[], ids bytea[], streams text[], types text[], schemas bigint[], occurred bigint[], recorded bigint[], metas text[], datas text[], OUT after bigint, OUT versions bigint[], OUT hashes bytea[], OUT now bigint) RETURNS record
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'older', 'pg_temp'
    SET enable_seqscan TO 'off'
    SET enable_bitmapscan TO 'off'
    SET jit TO 'off'
    SET plan_cache_mode TO 'force_generic_plan'
    AS $$
DECLARE
    recorded_at bigint; as_of bigint; marked bigint; marked_at bigint; held_to bigint;
    chain bytea;
    at bigint;
    stream text;
    version bigint;
    happened bigint;
    moment bigint;
    is_plain boolean := true;
BEGIN

    LOCK TABLE append_lock IN EXCLUSIVE MODE;
    SELECT last.position, last.hash, last.recorded_at, head.position, head.marked_at, head.held_to
        INTO after, chain, recorded_at, marked, marked_at, held_to
        FROM head LEFT JOIN (SELECT events.position, events.hash, events.recorded_at FROM events
            ORDER BY events.position DESC LIMIT 1) last ON true;
    after := coalesce(after, 0);
    as_of := coalesce(recorded_at, 0);
    IF held_to >= after AND after > 0 THEN
        SELECT CASE WHEN held.last >= after THEN held.as_of ELSE recorded_at END INTO as_of
            FROM clock_holds held WHERE held.first <= after ORDER BY held.first DESC LIMIT 1;
        as_of := coalesce(as_of, recorded_at);
    END IF;
    IF marked > after THEN
        RAISE EXCEPTION 'position % was given, but the last event is %', marked, after
            USING ERRCODE = 'AP001';
    END IF;
    now := date_part('epoch', clock_timestamp()) * 1000000;
    -- Others know this clock a little less well: what they recorded a moment ahead of it was now.
    IF as_of BETWEEN now AND now + 1000000 THEN
        now := as_of;
    END IF;

    IF asserted IS NOT NULL THEN
        is_plain := now >= as_of AND (absent = '{}'
            OR NOT EXISTS (SELECT 1 FROM events WHERE event_id = ANY (absent)));
        FOR i IN 1 .. cardinality(asserted) LOOP
            SELECT last.version INTO version FROM events last
                WHERE last.stream = asserted[i] AND last.version >= at_versions[i]
                ORDER BY last.version DESC LIMIT 1;
            is_plain := is_plain AND coalesce(version, 0) = at_versions[i];
        END LOOP;
    END IF;
    IF NOT is_plain THEN
        after := NULL;
        RETURN;
    END IF;

    IF after = 0 THEN
        SELECT seed INTO chain FROM log_identity;
    END IF;

    at := after;
    versions := '{}';
    hashes := '{}';
    FOR i IN 1 .. cardinality(ids) LOOP
        at := at + 1;
        IF streams[i] IS DISTINCT FROM stream THEN
            stream := streams[i];
            SELECT last.version INTO version FROM events last
                WHERE last.stream = streams[i] ORDER BY last.version DESC LIMIT 1;
            version := coalesce(version, 0);
        END IF;
        version := version + 1;
        moment := coalesce(recorded[i], now);
        happened := coalesce(occurred[i], moment);
        chain := sha256(chain || int8send(at) || int8send(version) || int4send(schemas[i]::int) || int8send(happened) || int8send(moment) || int4send(octet_length(stream)) || int4send(octet_length(types[i])) || int4send(octet_length(metas[i])) || int4send(octet_length(datas[i])) || ids[i] || convert_to(stream || types[i] || metas[i] || datas[i], 'UTF8'));
        INSERT INTO events VALUES (at, ids[i], stream, version, types[i], schemas[i],
            happened, moment, metas[i], datas[i], chain);
        versions[i] := version;
        hashes[i] := chain;
    END LOOP;
    IF at > after THEN

    -- A row that each append changes would be slow while a long backup keeps its old states.
    IF marked_at NOT BETWEEN now - 1000000 AND now THEN
        UPDATE head SET position = at, hash = chain, marked_at = now;
    END IF;
    PERFORM pg_notify('autopack_older', at::text);

    END IF;
END $$;


--
-- Name: grant_reader(regrole); Type: FUNCTION; Schema: older; Owner: -
--

CREATE FUNCTION older.grant_reader(role regrole) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'older', 'pg_temp'
    AS $$
BEGIN
    EXECUTE format('GRANT USAGE ON SCHEMA older TO %s', role);
    EXECUTE format('GRANT SELECT ON ALL TABLES IN SCHEMA older TO %s', role);
END $$;


--
-- Name: grant_writer(regrole); Type: FUNCTION; Schema: older; Owner: -
--

CREATE FUNCTION older.grant_writer(role regrole) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'older', 'pg_temp'
    AS $$
BEGIN
    PERFORM grant_reader(role);
    EXECUTE format('GRANT INSERT, UPDATE, DELETE ON leases, artifacts, view_checkpoints, view_rows,'
        ' outcomes TO %s', role);
    EXECUTE format('GRANT EXECUTE ON FUNCTION 
    lock_head(), append_event(bigint, bytea, text, text, bigint, bigint, text, text),
    append_events(text[], bigint[], bytea[], bytea[], text[], text[], bigint[], bigint[],
    bigint[], text[], text[]), hold_clock(bigint, bigint, bigint, boolean),
    adopt_origin(text, bytea), show_view(text, text, text[], text[]) TO %s', role);
END $$;


--
-- Name: hold_clock(bigint, bigint, bigint, boolean); Type: FUNCTION; Schema: older; Owner: -
--

CREATE FUNCTION older.hold_clock(first bigint, last bigint, as_of bigint, is_left_out boolean) RETURNS void
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'older', 'pg_temp'
    AS $_$
    DELETE FROM clock_holds WHERE clock_holds.first >= $1;
    INSERT INTO clock_holds VALUES ($1, $2, $3, $4);
    UPDATE head SET held_to = $2 WHERE held_to < $2;
$_$;


--
-- Name: json_of(text); Type: FUNCTION; Schema: older; Owner: -
--

CREATE FUNCTION older.json_of(data text) RETURNS jsonb
    LANGUAGE plpgsql IMMUTABLE STRICT
    AS $$
BEGIN
    RETURN data::jsonb;
EXCEPTION WHEN OTHERS THEN
    BEGIN -- jsonb has not the character 0
        RETURN regexp_replace(
            data, '(?<!\\)((?:\\\\)*)\\u0000', '\1\\ufffd', 'g')::jsonb;
    EXCEPTION WHEN OTHERS THEN
        RETURN NULL;
    END;
END $$;


--
-- Name: keep_head(); Type: FUNCTION; Schema: older; Owner: -
--

CREATE FUNCTION older.keep_head() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    IF NEW.position < OLD.position OR NEW.held_to < OLD.held_to
            OR (NEW.position = OLD.position AND NEW.hash <> OLD.hash) THEN
        RAISE EXCEPTION 'the head of a log only grows';
    END IF;
    RETURN NEW;
END $$;


--
-- Name: keep_identity(); Type: FUNCTION; Schema: older; Owner: -
--

CREATE FUNCTION older.keep_identity() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    IF NEW.log_id <> OLD.log_id OR NEW.created_at <> OLD.created_at
            OR (NEW.origin_id <> OLD.origin_id AND EXISTS (SELECT 1 FROM older.events)) THEN
        RAISE EXCEPTION 'the identity of a log never changes';
    END IF;
    RETURN NEW;
END $$;


--
-- Name: key_of(bytea); Type: FUNCTION; Schema: older; Owner: -
--

CREATE FUNCTION older.key_of(key bytea) RETURNS text
    LANGUAGE sql IMMUTABLE
    RETURN convert_from(CASE WHEN (POSITION(('\x00'::bytea) IN (key)) = 0) THEN key ELSE decode(regexp_replace(regexp_replace(encode(key, 'hex'::text), '(..)'::text, '\1 '::text, 'g'::text), '\m00 '::text, 'efbfbd '::text, 'g'::text), 'hex'::text) END, 'UTF8'::name);


--
-- Name: lock_head(); Type: FUNCTION; Schema: older; Owner: -
--

CREATE FUNCTION older.lock_head(OUT after bigint, OUT chain bytea, OUT recorded_at bigint, OUT as_of bigint, OUT now bigint) RETURNS record
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'older', 'pg_temp'
    SET enable_seqscan TO 'off'
    SET enable_bitmapscan TO 'off'
    SET jit TO 'off'
    SET plan_cache_mode TO 'force_generic_plan'
    AS $$
DECLARE
    marked bigint; marked_at bigint; held_to bigint;
BEGIN

    LOCK TABLE append_lock IN EXCLUSIVE MODE;
    SELECT last.position, last.hash, last.recorded_at, head.position, head.marked_at, head.held_to
        INTO after, chain, recorded_at, marked, marked_at, held_to
        FROM head LEFT JOIN (SELECT events.position, events.hash, events.recorded_at FROM events
            ORDER BY events.position DESC LIMIT 1) last ON true;
    after := coalesce(after, 0);
    as_of := coalesce(recorded_at, 0);
    IF held_to >= after AND after > 0 THEN
        SELECT CASE WHEN held.last >= after THEN held.as_of ELSE recorded_at END INTO as_of
            FROM clock_holds held WHERE held.first <= after ORDER BY held.first DESC LIMIT 1;
        as_of := coalesce(as_of, recorded_at);
    END IF;
    IF marked > after THEN
        RAISE EXCEPTION 'position % was given, but the last event is %', marked, after
            USING ERRCODE = 'AP001';
    END IF;
    now := date_part('epoch', clock_timestamp()) * 1000000;
    -- Others know this clock a little less well: what they recorded a moment ahead of it was now.
    IF as_of BETWEEN now AND now + 1000000 THEN
        now := as_of;
    END IF;

    chain := coalesce(chain, '');
    recorded_at := coalesce(recorded_at, 0);
END $$;


--
-- Name: number_of(jsonb); Type: FUNCTION; Schema: older; Owner: -
--

CREATE FUNCTION older.number_of(value jsonb) RETURNS double precision
    LANGUAGE sql IMMUTABLE
    RETURN CASE WHEN ((jsonb_typeof(value) <> 'number'::text) OR (abs((value)::numeric) > '1000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000'::numeric)) THEN NULL::double precision WHEN (abs((value)::numeric) < 0.000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000001) THEN (0)::double precision ELSE (value)::double precision END;


--
-- Name: pico_of(text); Type: FUNCTION; Schema: older; Owner: -
--

CREATE FUNCTION older.pico_of(amount text) RETURNS bigint
    LANGUAGE sql IMMUTABLE
    RETURN CASE WHEN (((amount)::numeric * ('1000000000000'::bigint)::numeric) < '9223372036854775808'::numeric) THEN (trunc(((amount)::numeric * ('1000000000000'::bigint)::numeric)))::bigint ELSE NULL::bigint END;


--
-- Name: refuse(); Type: FUNCTION; Schema: older; Owner: -
--

CREATE FUNCTION older.refuse() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN RAISE EXCEPTION '%', TG_ARGV[0]; END $$;


--
-- Name: show_view(text, text, text[], text[]); Type: FUNCTION; Schema: older; Owner: -
--

CREATE FUNCTION older.show_view(name text, view text, fields text[], kinds text[]) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'older', 'pg_temp'
    AS $_$
DECLARE
    told text[] := ARRAY['key_of(key) COLLATE "C" AS key'];
    made text;
    there text := obj_description(to_regclass(quote_ident(name)), 'pg_class');
    field text;
    role text;
BEGIN
    IF name !~ '^v_\w+$' OR name IN ('v_events', 'v_runs', 'v_phases', 'v_llm_usage', 'v_samples')
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
END $_$;


--
-- Name: text_of(jsonb); Type: FUNCTION; Schema: older; Owner: -
--

CREATE FUNCTION older.text_of(value jsonb) RETURNS text
    LANGUAGE sql IMMUTABLE
    RETURN (value #>> '{}'::text[]);


--
-- Name: truth_of(jsonb); Type: FUNCTION; Schema: older; Owner: -
--

CREATE FUNCTION older.truth_of(value jsonb) RETURNS bigint
    LANGUAGE sql IMMUTABLE
    RETURN CASE value WHEN 'true'::jsonb THEN 1 WHEN 'false'::jsonb THEN 0 ELSE NULL::integer END;


--
-- Name: utc_of(bigint); Type: FUNCTION; Schema: older; Owner: -
--

CREATE FUNCTION older.utc_of(moment bigint) RETURNS text
    LANGUAGE sql IMMUTABLE
    RETURN CASE WHEN ((moment >= '-62135596800000000'::bigint) AND (moment <= '253402300799999999'::bigint)) THEN to_char(('1970-01-01 00:00:00'::timestamp without time zone + ('00:00:00.001'::interval * (floor((((((moment)::double precision / (1000000.0)::double precision) * (1000.0)::double precision) + (210866760000000.0)::double precision) + (0.5)::double precision)) - (210866760000000.0)::double precision))), 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'::text) ELSE NULL::text END;


--
-- Name: whole_of(jsonb); Type: FUNCTION; Schema: older; Owner: -
--

CREATE FUNCTION older.whole_of(value jsonb) RETURNS bigint
    LANGUAGE sql IMMUTABLE
    RETURN CASE WHEN ((jsonb_typeof(value) = 'number'::text) AND (abs((value)::numeric) < ('9223372036854775807'::bigint)::numeric)) THEN (trunc((value)::numeric))::bigint ELSE NULL::bigint END;


SET default_tablespace = '';

SET default_table_access_method = heap;

--
-- Name: append_lock; Type: TABLE; Schema: older; Owner: -
--

CREATE TABLE older.append_lock (
);


--
-- Name: artifacts; Type: TABLE; Schema: older; Owner: -
--

CREATE TABLE older.artifacts (
    digest text NOT NULL COLLATE pg_catalog."C",
    content bytea NOT NULL
);


--
-- Name: clock_holds; Type: TABLE; Schema: older; Owner: -
--

CREATE TABLE older.clock_holds (
    first bigint NOT NULL,
    last bigint NOT NULL,
    as_of bigint NOT NULL,
    is_left_out boolean NOT NULL
);


--
-- Name: events; Type: TABLE; Schema: older; Owner: -
--

CREATE TABLE older.events (
    "position" bigint NOT NULL,
    event_id bytea NOT NULL,
    stream text NOT NULL COLLATE pg_catalog."C",
    version bigint NOT NULL,
    type text NOT NULL COLLATE pg_catalog."C",
    schema bigint NOT NULL,
    occurred_at bigint NOT NULL,
    recorded_at bigint NOT NULL,
    meta text NOT NULL,
    data text NOT NULL,
    hash bytea NOT NULL
);


--
-- Name: head; Type: TABLE; Schema: older; Owner: -
--

CREATE TABLE older.head (
    "position" bigint NOT NULL,
    hash bytea NOT NULL,
    marked_at bigint NOT NULL,
    held_to bigint DEFAULT 0 NOT NULL
)
WITH (fillfactor='10');


--
-- Name: leases; Type: TABLE; Schema: older; Owner: -
--

CREATE TABLE older.leases (
    key text NOT NULL COLLATE pg_catalog."C",
    token text NOT NULL,
    worker text NOT NULL,
    expires_at bigint NOT NULL,
    step text,
    deadline_at bigint,
    boot text,
    renewed_uptime bigint,
    expires_uptime bigint
)
WITH (fillfactor='50');


--
-- Name: log_identity; Type: TABLE; Schema: older; Owner: -
--

CREATE TABLE older.log_identity (
    log_id text NOT NULL,
    origin_id text NOT NULL,
    created_at bigint NOT NULL,
    format integer NOT NULL,
    parent_log_id text,
    parent_position bigint,
    parent_hash text,
    seed bytea NOT NULL,
    schema_version integer NOT NULL
);


--
-- Name: outcomes; Type: TABLE; Schema: older; Owner: -
--

CREATE TABLE older.outcomes (
    writer uuid NOT NULL,
    token uuid NOT NULL,
    written_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL
)
WITH (fillfactor='50');


--
-- Name: v_events; Type: VIEW; Schema: older; Owner: -
--

CREATE VIEW older.v_events AS
 SELECT events."position",
    encode(events.event_id, 'hex'::text) AS event_id,
    events.stream,
    events.version,
    events.type,
    events.schema,
    older.utc_of(events.occurred_at) AS occurred_at_utc,
    older.utc_of(events.recorded_at) AS recorded_at_utc,
    (older.text_of((json.json -> 'run_id'::text)) COLLATE "C") AS run_id,
    (older.text_of((json.json -> 'phase_id'::text)) COLLATE "C") AS phase_id,
    older.whole_of((json.json -> 'attempt'::text)) AS attempt,
    events.data AS data_json,
    events.meta AS meta_json,
    encode(events.hash, 'hex'::text) AS hash
   FROM (older.events
     LEFT JOIN LATERAL older.json_of(events.data) json(json) ON (true));


--
-- Name: v_llm_usage; Type: VIEW; Schema: older; Owner: -
--

CREATE VIEW older.v_llm_usage AS
 WITH said AS MATERIALIZED (
         SELECT events.type,
            events."position",
            events.occurred_at,
            json.json,
            jsonb_build_array((json.json -> 'run_id'::text), (json.json -> 'phase_id'::text), (json.json -> 'attempt'::text), (json.json -> 'provider'::text), (json.json -> 'call_id'::text)) AS call
           FROM (older.events
             CROSS JOIN LATERAL older.json_of(events.data) json(json))
          WHERE (events.type = ANY (ARRAY['llm.usage_recorded'::text, 'llm.usage_amended'::text]))
        ), amended AS (
         SELECT said.call,
            (array_agg(older.whole_of((said.json -> 'input_tokens'::text)) ORDER BY said."position" DESC) FILTER (WHERE ((said.json ->> 'input_tokens'::text) IS NOT NULL)))[1] AS input_tokens,
            (array_agg(older.whole_of((said.json -> 'cache_read_tokens'::text)) ORDER BY said."position" DESC) FILTER (WHERE ((said.json ->> 'cache_read_tokens'::text) IS NOT NULL)))[1] AS cache_read_tokens,
            (array_agg(older.whole_of((said.json -> 'cache_write_tokens'::text)) ORDER BY said."position" DESC) FILTER (WHERE ((said.json ->> 'cache_write_tokens'::text) IS NOT NULL)))[1] AS cache_write_tokens,
            (array_agg(older.whole_of((said.json -> 'output_tokens'::text)) ORDER BY said."position" DESC) FILTER (WHERE ((said.json ->> 'output_tokens'::text) IS NOT NULL)))[1] AS output_tokens,
            (array_agg(older.whole_of((said.json -> 'reasoning_tokens'::text)) ORDER BY said."position" DESC) FILTER (WHERE ((said.json ->> 'reasoning_tokens'::text) IS NOT NULL)))[1] AS reasoning_tokens,
            (array_agg(older.whole_of((said.json -> 'total_tokens'::text)) ORDER BY said."position" DESC) FILTER (WHERE ((said.json ->> 'total_tokens'::text) IS NOT NULL)))[1] AS total_tokens,
            (array_agg(older.amount_of((said.json -> 'cost_usd'::text)) ORDER BY said."position" DESC) FILTER (WHERE ((said.json ->> 'cost_usd'::text) IS NOT NULL)))[1] AS cost,
            (array_agg(COALESCE((said.json ->> 'cost_source'::text), 'unknown'::text) ORDER BY said."position" DESC) FILTER (WHERE ((said.json ->> 'cost_usd'::text) IS NOT NULL)))[1] AS cost_source,
            (array_agg(COALESCE((said.json ->> 'split'::text), 'measured'::text) ORDER BY said."position" DESC) FILTER (WHERE true))[1] AS split,
            max(said."position") FILTER (WHERE ((said.json ->> 'total_tokens'::text) IS NOT NULL)) AS total_at,
            max(said."position") FILTER (WHERE (((said.json ->> 'total_tokens'::text) IS NULL) AND (COALESCE((said.json ->> 'input_tokens'::text), (said.json ->> 'output_tokens'::text)) IS NOT NULL))) AS undone_at
           FROM said
          WHERE (said.type = 'llm.usage_amended'::text)
          GROUP BY said.call
        ), calls AS (
         SELECT DISTINCT ON (said.call) said.type,
            said."position",
            said.occurred_at,
            said.json,
            said.call
           FROM said
          WHERE (said.type = 'llm.usage_recorded'::text)
          ORDER BY said.call, said."position"
        ), told AS (
         SELECT calls."position",
            calls.occurred_at,
            calls.json,
            COALESCE(amended.split, (calls.json ->> 'split'::text), 'measured'::text) AS split,
            COALESCE(amended.input_tokens, older.whole_of((calls.json -> 'input_tokens'::text))) AS input_tokens,
            COALESCE(amended.cache_read_tokens, older.whole_of((calls.json -> 'cache_read_tokens'::text))) AS cache_read_tokens,
            COALESCE(amended.cache_write_tokens, older.whole_of((calls.json -> 'cache_write_tokens'::text))) AS cache_write_tokens,
            COALESCE(amended.output_tokens, older.whole_of((calls.json -> 'output_tokens'::text))) AS output_tokens,
            COALESCE(amended.reasoning_tokens, older.whole_of((calls.json -> 'reasoning_tokens'::text))) AS reasoning_tokens,
                CASE
                    WHEN ((amended.undone_at IS NULL) OR (amended.total_at > amended.undone_at)) THEN COALESCE(amended.total_tokens, older.whole_of((calls.json -> 'total_tokens'::text)))
                    ELSE NULL::bigint
                END AS said_total,
            COALESCE(amended.cost, older.amount_of((calls.json -> 'cost_usd'::text))) AS cost,
            COALESCE(amended.cost_source, (calls.json ->> 'cost_source'::text), 'unknown'::text) AS cost_source,
            ((amended.split IS NOT NULL))::integer AS is_amended
           FROM (calls
             LEFT JOIN amended USING (call))
        )
 SELECT told."position",
    older.utc_of(told.occurred_at) AS occurred_at_utc,
    (older.text_of((told.json -> 'run_id'::text)) COLLATE "C") AS run_id,
    (older.text_of((told.json -> 'phase_id'::text)) COLLATE "C") AS phase_id,
    older.whole_of((told.json -> 'attempt'::text)) AS attempt,
    (older.text_of((told.json -> 'call_id'::text)) COLLATE "C") AS call_id,
    COALESCE((told.json ->> 'role'::text), 'builder'::text) AS role,
    (older.text_of((told.json -> 'provider'::text)) COLLATE "C") AS provider,
    (COALESCE((told.json ->> 'response_model'::text), (told.json ->> 'request_model'::text)) COLLATE "C") AS model,
    told.split,
    COALESCE(older.truth_of((told.json -> 'late'::text)), (0)::bigint) AS is_late,
    told.input_tokens,
    told.cache_read_tokens,
    told.cache_write_tokens,
    told.output_tokens,
    told.reasoning_tokens,
    COALESCE(told.said_total, (told.input_tokens + told.output_tokens)) AS total_tokens,
    older.whole_of((told.json -> 'max_tokens'::text)) AS max_tokens,
    (older.text_of((told.json -> 'stop_reason'::text)) COLLATE "C") AS stop_reason,
    older.truth_of((told.json -> 'truncated'::text)) AS is_truncated,
    older.number_of((told.json -> 'duration_s'::text)) AS duration_s,
    (told.cost)::double precision AS cost_usd,
    told.cost_source,
    told.is_amended,
    COALESCE(told.said_total, (COALESCE(told.input_tokens, (0)::bigint) + COALESCE(told.output_tokens, (0)::bigint))) AS known_tokens,
    older.pico_of(told.cost) AS cost_pico_usd,
    (older.text_of((told.json -> 'account'::text)) COLLATE "C") AS account
   FROM told;


--
-- Name: v_phases; Type: VIEW; Schema: older; Owner: -
--

CREATE VIEW older.v_phases AS
 WITH named AS MATERIALIZED (
         SELECT events."position",
            events.type,
            events.occurred_at,
            json.json,
            (older.text_of((json.json -> 'run_id'::text)) COLLATE "C") AS run_id,
            (older.text_of((json.json -> 'phase_id'::text)) COLLATE "C") AS phase_id
           FROM (older.events
             CROSS JOIN LATERAL older.json_of(events.data) json(json))
          WHERE ((events.type ~~ 'phase.%'::text) OR (events.type = 'llm.usage_recorded'::text))
        ), queued AS (
         SELECT DISTINCT ON (named.run_id, named.phase_id) named.run_id,
            named.phase_id,
            named."position" AS queued_position,
            named.occurred_at,
            (older.text_of((named.json -> 'category'::text)) COLLATE "C") AS category,
            (older.text_of((named.json -> 'complexity'::text)) COLLATE "C") AS complexity,
            (older.text_of((named.json -> 'tier'::text)) COLLATE "C") AS tier,
            older.whole_of((named.json -> 'priority'::text)) AS priority,
            (older.text_of((named.json -> 'model'::text)) COLLATE "C") AS model,
            (older.text_of((named.json -> 'goal'::text)) COLLATE "C") AS goal
           FROM named
          WHERE (named.type = 'phase.queued'::text)
          ORDER BY named.run_id, named.phase_id, named."position"
        ), told AS (
         SELECT named."position",
            named.type,
            named.occurred_at,
            named.json,
            named.run_id,
            named.phase_id
           FROM (named
             JOIN queued queued_1 USING (run_id, phase_id))
          WHERE (named."position" >= queued_1.queued_position)
        ), moved AS (
         SELECT DISTINCT ON (told.run_id, told.phase_id) told.run_id,
            told.phase_id,
            told."position",
            told.occurred_at,
                CASE told.type
                    WHEN 'phase.gate_decided'::text THEN
                    CASE (told.json ->> 'decision'::text)
                        WHEN 'approve'::text THEN 'COMPLETE'::text
                        WHEN 'reject'::text THEN 'FAILED'::text
                        WHEN 'requeue'::text THEN 'QUEUED'::text
                        ELSE NULL::text
                    END
                    WHEN 'phase.inherited'::text THEN (told.json ->> 'state'::text)
                    ELSE
                    CASE told.type
                        WHEN 'phase.queued'::text THEN 'QUEUED'::text
                        WHEN 'phase.claimed'::text THEN 'CLAIMED'::text
                        WHEN 'phase.started'::text THEN 'RUNNING'::text
                        WHEN 'phase.submitted'::text THEN 'SUBMITTED'::text
                        WHEN 'phase.completed'::text THEN 'COMPLETE'::text
                        WHEN 'phase.failed'::text THEN 'FAILED'::text
                        WHEN 'phase.timed_out'::text THEN 'TIMED_OUT'::text
                        WHEN 'phase.gated'::text THEN 'GATED'::text
                        WHEN 'phase.released'::text THEN 'QUEUED'::text
                        WHEN 'phase.reclaimed'::text THEN 'QUEUED'::text
                        WHEN 'phase.requeued'::text THEN 'QUEUED'::text
                        WHEN 'phase.skipped'::text THEN 'SKIPPED'::text
                        WHEN 'phase.cancelled'::text THEN 'CANCELLED'::text
                        ELSE NULL::text
                    END
                END AS state,
            COALESCE((told.json ->> 'code'::text), (told.json ->> 'reason_code'::text)) AS code,
            COALESCE((told.json ->> 'message'::text), (told.json ->> 'why'::text), (told.json ->> 'question'::text), (told.json ->> 'reason'::text)) AS reason
           FROM told
          WHERE (told.type = ANY (ARRAY['phase.queued'::text, 'phase.claimed'::text, 'phase.started'::text, 'phase.submitted'::text, 'phase.completed'::text, 'phase.failed'::text, 'phase.timed_out'::text, 'phase.gated'::text, 'phase.released'::text, 'phase.reclaimed'::text, 'phase.requeued'::text, 'phase.skipped'::text, 'phase.cancelled'::text, 'phase.gate_decided'::text, 'phase.inherited'::text]))
          ORDER BY told.run_id, told.phase_id, told."position" DESC
        ), ended AS (
         SELECT DISTINCT ON (told.run_id, told.phase_id) told.run_id,
            told.phase_id,
            COALESCE(older.number_of((told.json -> 'duration_s'::text)), older.number_of((told.json -> 'timeout_s'::text))) AS duration_s
           FROM told
          WHERE (told.type = ANY (ARRAY['phase.completed'::text, 'phase.failed'::text, 'phase.timed_out'::text, 'phase.gated'::text]))
          ORDER BY told.run_id, told.phase_id, told."position" DESC
        ), estimated AS (
         SELECT DISTINCT ON (told.run_id, told.phase_id) told.run_id,
            told.phase_id,
            older.whole_of((told.json -> 'predicted_output_tokens'::text)) AS predicted_output_tokens,
            older.whole_of((told.json -> 'budget_tokens'::text)) AS budget_tokens
           FROM told
          WHERE (told.type = 'phase.estimated'::text)
          ORDER BY told.run_id, told.phase_id, told."position" DESC
        ), claimed AS (
         SELECT DISTINCT ON (told.run_id, told.phase_id) told.run_id,
            told.phase_id,
            (told.json ->> 'model'::text) AS last_model,
            (told.json ->> 'executor'::text) AS executor
           FROM told
          WHERE (told.type = 'phase.claimed'::text)
          ORDER BY told.run_id, told.phase_id, told."position" DESC
        ), counted AS (
         SELECT told.run_id,
            told.phase_id,
            count(*) FILTER (WHERE (told.type = 'phase.claimed'::text)) AS attempts,
            count(*) FILTER (WHERE (told.type = 'llm.usage_recorded'::text)) AS calls
           FROM told
          GROUP BY told.run_id, told.phase_id
        )
 SELECT queued.run_id,
    queued.phase_id,
    moved.state,
    queued.category,
    queued.complexity,
    queued.tier,
    queued.priority,
    queued.model,
    queued.goal,
    counted.attempts,
    counted.calls,
    estimated.predicted_output_tokens,
    estimated.budget_tokens,
    ended.duration_s,
    moved.code AS reason_code,
    moved.reason,
    older.utc_of(queued.occurred_at) AS queued_at_utc,
    older.utc_of(moved.occurred_at) AS state_since_utc,
    moved."position" AS last_position,
    claimed.last_model,
    claimed.executor AS last_executor
   FROM (((((queued
     JOIN moved USING (run_id, phase_id))
     JOIN counted USING (run_id, phase_id))
     LEFT JOIN estimated USING (run_id, phase_id))
     LEFT JOIN ended USING (run_id, phase_id))
     LEFT JOIN claimed USING (run_id, phase_id));


--
-- Name: v_runs; Type: VIEW; Schema: older; Owner: -
--

CREATE VIEW older.v_runs AS
 WITH named AS MATERIALIZED (
         SELECT events."position",
            events.type,
            events.occurred_at,
            json.json,
            (older.text_of((json.json -> 'run_id'::text)) COLLATE "C") AS run_id
           FROM (older.events
             CROSS JOIN LATERAL older.json_of(events.data) json(json))
          WHERE ((events.type ~~ 'run.%'::text) OR (events.type ~~ 'phase.%'::text) OR (events.type = ANY (ARRAY['llm.usage_recorded'::text, 'sample.recorded'::text, 'budget.escalated'::text])))
        ), created AS (
         SELECT DISTINCT ON (named.run_id) named.run_id,
            named.occurred_at,
            (older.text_of((named.json -> 'goal'::text)) COLLATE "C") AS goal
           FROM named
          WHERE (named.type = 'run.created'::text)
          ORDER BY named.run_id, named."position"
        ), moved AS (
         SELECT DISTINCT ON (named.run_id) named.run_id,
            named.type,
            (older.text_of((named.json -> 'outcome'::text)) COLLATE "C") AS outcome
           FROM named
          WHERE (named.type = ANY (ARRAY['run.created'::text, 'run.paused'::text, 'run.resumed'::text, 'run.reopened'::text, 'run.finished'::text]))
          ORDER BY named.run_id, named."position" DESC
        ), counted AS (
         SELECT named.run_id,
            count(*) FILTER (WHERE (named.type = 'phase.queued'::text)) AS phases,
            min(named."position") AS first_position,
            max(named."position") AS last_position,
            max(named.occurred_at) AS last_at
           FROM named
          WHERE (named.run_id IS NOT NULL)
          GROUP BY named.run_id
        )
 SELECT counted.run_id,
    ((created.run_id IS NOT NULL))::integer AS is_created,
        CASE moved.type
            WHEN 'run.paused'::text THEN 'PAUSED'::text
            WHEN 'run.finished'::text THEN 'FINISHED'::text
            ELSE 'OPEN'::text
        END AS status,
    moved.outcome,
    created.goal,
    older.utc_of(created.occurred_at) AS created_at_utc,
    counted.phases,
    counted.first_position,
    counted.last_position,
    older.utc_of(counted.last_at) AS last_event_at_utc
   FROM ((counted
     LEFT JOIN created USING (run_id))
     LEFT JOIN moved USING (run_id));


--
-- Name: v_samples; Type: VIEW; Schema: older; Owner: -
--

CREATE VIEW older.v_samples AS
 WITH named AS MATERIALIZED (
         SELECT events."position",
            events.type,
            json.json,
            (older.text_of((json.json -> 'run_id'::text)) COLLATE "C") AS run_id,
            (older.text_of((json.json -> 'phase_id'::text)) COLLATE "C") AS phase_id,
            older.whole_of((json.json -> 'attempt'::text)) AS attempt
           FROM (older.events
             CROSS JOIN LATERAL older.json_of(events.data) json(json))
          WHERE ((events.type ~~ 'phase.%'::text) OR (events.type = 'sample.recorded'::text))
        ), calls AS (
         SELECT v_llm_usage.run_id,
            v_llm_usage.phase_id,
            v_llm_usage.attempt,
            min(v_llm_usage."position") AS first_call,
            (sum(v_llm_usage.output_tokens))::bigint AS output_tokens,
            (count(v_llm_usage.output_tokens) = count(*)) AS is_known,
            bool_or((v_llm_usage.split <> 'measured'::text)) AS is_guessed,
            max(v_llm_usage.is_truncated) AS is_truncated,
            (array_agg(v_llm_usage.model ORDER BY v_llm_usage."position"))[1] AS model
           FROM older.v_llm_usage
          WHERE ((v_llm_usage.role = 'builder'::text) AND (v_llm_usage.is_late = 0) AND (v_llm_usage.attempt IS NOT NULL))
          GROUP BY v_llm_usage.run_id, v_llm_usage.phase_id, v_llm_usage.attempt
        ), predicted AS (
         SELECT DISTINCT ON (named.run_id, named.phase_id, named.attempt) named."position",
            named.run_id,
            named.phase_id,
            named.attempt,
            named.json,
            calls.output_tokens,
            calls.is_known,
            calls.is_guessed,
            calls.is_truncated,
            calls.model
           FROM (named
             LEFT JOIN calls USING (run_id, phase_id, attempt))
          WHERE (named.type = 'phase.estimated'::text)
          ORDER BY named.run_id, named.phase_id, named.attempt,
                CASE
                    WHEN ((calls.first_call IS NULL) OR (named."position" < calls.first_call)) THEN named."position"
                    ELSE (- named."position")
                END DESC
        ), own_ends AS (
         SELECT named.run_id,
            named.phase_id,
            named.attempt,
            min(named."position") AS end_position
           FROM named
          WHERE ((named.type = ANY (ARRAY['phase.completed'::text, 'phase.failed'::text, 'phase.timed_out'::text, 'phase.gated'::text])) AND ((named.json ->> 'code'::text) IS DISTINCT FROM 'lease_lost'::text))
          GROUP BY named.run_id, named.phase_id, named.attempt
        ), verdicts AS (
         SELECT named."position",
            named.run_id,
            named.phase_id,
            named.attempt,
            COALESCE(older.truth_of((named.json -> 'right'::text)), ((((named.json ->> 'verdict'::text) = 'passed'::text))::integer)::bigint) AS is_success
           FROM named
          WHERE ((named.type = 'phase.judged'::text) OR ((named.type = 'phase.checked'::text) AND ((named.json ->> 'verdict'::text) = ANY (ARRAY['passed'::text, 'failed'::text]))))
        ), outcomes AS (
         SELECT named."position",
            named.run_id,
            named.phase_id,
            named.attempt,
            (((named.type = 'phase.completed'::text) OR (NOT ((named.json ->> 'decision'::text) IS DISTINCT FROM 'approve'::text))))::integer AS is_success
           FROM named
          WHERE ((named.type = ANY (ARRAY['phase.completed'::text, 'phase.failed'::text, 'phase.timed_out'::text])) OR ((named.type = 'phase.gate_decided'::text) AND ((named.json ->> 'decision'::text) = ANY (ARRAY['approve'::text, 'reject'::text]))))
        UNION ALL
         SELECT verdicts."position",
            verdicts.run_id,
            verdicts.phase_id,
            verdicts.attempt,
            verdicts.is_success
           FROM (verdicts
             JOIN own_ends USING (run_id, phase_id, attempt))
          WHERE (verdicts."position" > own_ends.end_position)
        ), ended AS (
         SELECT DISTINCT ON (outcomes.run_id, outcomes.phase_id, outcomes.attempt) outcomes.run_id,
            outcomes.phase_id,
            outcomes.attempt,
            outcomes.is_success
           FROM outcomes
          ORDER BY outcomes.run_id, outcomes.phase_id, outcomes.attempt, outcomes."position" DESC
        ), misread AS (
         SELECT DISTINCT named.run_id,
            named.phase_id,
            named.attempt,
            1 AS is_misread
           FROM named
          WHERE ((named.type = ANY (ARRAY['phase.completed'::text, 'phase.failed'::text, 'phase.timed_out'::text, 'phase.gated'::text])) AND ((named.json #>> '{artifacts,usage-problems}'::text[]) IS NOT NULL))
        )
 SELECT predicted."position",
    predicted.run_id,
    predicted.phase_id,
    predicted.attempt,
    (predicted.json #>> '{features,category}'::text[]) AS category,
    (predicted.json #>> '{features,complexity}'::text[]) AS complexity,
    older.whole_of((predicted.json -> 'predicted_output_tokens'::text)) AS predicted_output_tokens,
        CASE
            WHEN (predicted.is_known AND (NOT predicted.is_guessed) AND (misread.is_misread IS NULL)) THEN predicted.output_tokens
            ELSE NULL::bigint
        END AS actual_output_tokens,
    older.whole_of((predicted.json -> 'budget_tokens'::text)) AS budget_tokens,
    (older.text_of((predicted.json -> 'estimator'::text)) COLLATE "C") AS estimator,
    (older.text_of((predicted.json -> 'estimator_version'::text)) COLLATE "C") AS estimator_version,
    ended.is_success,
    COALESCE(predicted.is_truncated, (0)::bigint) AS is_truncated,
    predicted.model,
    0 AS is_imported
   FROM ((predicted
     LEFT JOIN ended USING (run_id, phase_id, attempt))
     LEFT JOIN misread USING (run_id, phase_id, attempt))
UNION ALL
 SELECT named."position",
    named.run_id,
    named.phase_id,
    NULL::bigint AS attempt,
    (older.text_of((named.json -> 'category'::text)) COLLATE "C") AS category,
    (older.text_of((named.json -> 'complexity'::text)) COLLATE "C") AS complexity,
    older.whole_of((named.json -> 'predicted_output_tokens'::text)) AS predicted_output_tokens,
        CASE
            WHEN (COALESCE((named.json ->> 'split'::text), 'measured'::text) = 'measured'::text) THEN older.whole_of((named.json -> 'actual_output_tokens'::text))
            ELSE NULL::bigint
        END AS actual_output_tokens,
    older.whole_of((named.json -> 'budget_tokens'::text)) AS budget_tokens,
    (older.text_of((named.json -> 'estimator'::text)) COLLATE "C") AS estimator,
    (older.text_of((named.json -> 'estimator_version'::text)) COLLATE "C") AS estimator_version,
    older.truth_of((named.json -> 'success'::text)) AS is_success,
    COALESCE(older.truth_of((named.json -> 'truncated'::text)), (0)::bigint) AS is_truncated,
    (older.text_of((named.json -> 'model'::text)) COLLATE "C") AS model,
    1 AS is_imported
   FROM named
  WHERE (named.type = 'sample.recorded'::text);


--
-- Name: view_checkpoints; Type: TABLE; Schema: older; Owner: -
--

CREATE TABLE older.view_checkpoints (
    view text NOT NULL COLLATE pg_catalog."C",
    version bigint NOT NULL,
    "position" bigint NOT NULL,
    total text
);


--
-- Name: view_rows; Type: TABLE; Schema: older; Owner: -
--

CREATE TABLE older.view_rows (
    view text NOT NULL COLLATE pg_catalog."C",
    key bytea NOT NULL,
    data text NOT NULL
);


--
-- Data for Name: append_lock; Type: TABLE DATA; Schema: older; Owner: -
--

COPY older.append_lock  FROM stdin;
\.


--
-- Data for Name: artifacts; Type: TABLE DATA; Schema: older; Owner: -
--

COPY older.artifacts (digest, content) FROM stdin;
\.


--
-- Data for Name: clock_holds; Type: TABLE DATA; Schema: older; Owner: -
--

COPY older.clock_holds (first, last, as_of, is_left_out) FROM stdin;
\.


--
-- Data for Name: events; Type: TABLE DATA; Schema: older; Owner: -
--

COPY older.events ("position", event_id, stream, version, type, schema, occurred_at, recorded_at, meta, data, hash) FROM stdin;
1	\\x01a2280e058975658bb192221a00acd2	run-r1	1	run.created	4	1795968337289582	1795968337289582		{"run_id":"r1"}	\\x3516365194a6b3f6b67829aba06f3e082ee518cbfe6ef3fc24571ce31d70259f
2	\\x01a2280e058975658bb192221a00acd3	run-r1	2	phase.queued	4	1795968337289582	1795968337289582		{"run_id":"r1","phase_id":"ä","index":0,"category":"tests","complexity":"low"}	\\x24ab56489a9c3a634fd24422e9a684b019b7d4716d994c5422e56c4ae108c348
3	\\x01a2280e058975658bb192221a00acd4	run-r1	3	run.paused	1	1795968337289582	1795968337289582		{"run_id":"r1","why":"lunch","actor":"ann"}	\\x62b814d4722d0567d7a42c5a6d195a917784e782bb92686eb114b60f28ff0881
4	\\x01a2280e05c676c09fa39cce5b043dc7	s	1	run.paused	1	1795968337353053	1795968337353053		{"run_id":"r1","why":"lunch","actor":"ann"}	\\xe86364267fed803f7748a87f7e51aa6bc66fc9e81809e6d618d2735d452ee534
5	\\x01a2280e05d57694929cc54acc59be00	s	2	run.paused	1	1795968337366477	1795968337366477		{"run_id":"r1","why":"again","actor":"ann"}	\\x45351346ffb43d68289018d90c2ae5c81f176d9af53048b97aa8b93ad8618776
\.


--
-- Data for Name: head; Type: TABLE DATA; Schema: older; Owner: -
--

COPY older.head ("position", hash, marked_at, held_to) FROM stdin;
3	\\x62b814d4722d0567d7a42c5a6d195a917784e782bb92686eb114b60f28ff0881	1795968337302964	0
\.


--
-- Data for Name: leases; Type: TABLE DATA; Schema: older; Owner: -
--

COPY older.leases (key, token, worker, expires_at, step, deadline_at, boot, renewed_uptime, expires_uptime) FROM stdin;
\.


--
-- Data for Name: log_identity; Type: TABLE DATA; Schema: older; Owner: -
--

COPY older.log_identity (log_id, origin_id, created_at, format, parent_log_id, parent_position, parent_hash, seed, schema_version) FROM stdin;
01a2280e-0498-7b03-9f12-e0b7fff851e2	01a2280e-0498-7294-ace2-e820c1905c30	1795968337048529	2	\N	\N	\N	\\x0fcb5d98d990a929b4aa652db0b97b70d8f4a2980f2cc5e780d9179b060c8ad4	2
\.


--
-- Data for Name: outcomes; Type: TABLE DATA; Schema: older; Owner: -
--

COPY older.outcomes (writer, token, written_at) FROM stdin;
3c89dabd-d21f-c19b-93d1-24986c16b616	c705129c-3e6d-1839-c868-0840f47aa849	2026-11-29 16:05:42.07448+00
\.


--
-- Data for Name: view_checkpoints; Type: TABLE DATA; Schema: older; Owner: -
--

COPY older.view_checkpoints (view, version, "position", total) FROM stdin;
runs	6	5	{"created":1,"implied":0}
phases	10	5	{"by_run":{"r1":{"QUEUED":1}},"live":[],"ordered":{}}
attempts	6	5	{"all":{"assumed_pico_usd":0,"assumed_tokens":0,"attempts":0,"denied":0,"endings":{},"estimates":0,"failures":{},"samples":0,"samples_won":0,"unmetered":0,"unreadable":0,"use":{"by_split":{},"calls":0,"calls_without_cost":0,"calls_without_total":0,"computed_pico_usd":0,"cost_pico_usd":0,"cut_calls":0,"inferred_output_tokens":0,"input_tokens":0,"late_calls":0,"measured_calls":0,"measured_output_tokens":0,"output_tokens":0,"total_tokens":0},"worked_us":0,"zero_yield":{}},"by_account":{},"by_drain":{},"by_model":{},"by_quarter":{},"by_run":{}}
accounts	1	5	0
freezes	1	5	\N
\.


--
-- Data for Name: view_rows; Type: TABLE DATA; Schema: older; Owner: -
--

COPY older.view_rows (view, key, data) FROM stdin;
runs	\\x7231	{"caps":{},"created":true,"created_at":"2026-11-29T16:05:37.289582Z","forked_at":null,"forked_from":null,"goal":null,"is_paused":true,"is_prepared":null,"labels":{},"order":1,"outcome":null,"run_id":"r1","settings":{},"status":"PAUSED","workspace":null}
phases	\\x72312fc3a4	{"after":[],"artifacts":{},"attempts":0,"attempts_spent":0,"budget_tokens":null,"calls":0,"calls_this_attempt":0,"category":"tests","checks":null,"complexity":"low","deliverables":[],"duration_s":null,"escalated_tokens":null,"failure_class":null,"feedback":null,"fingerprint":null,"goal":null,"handle":null,"index":0,"inputs":{},"is_right":null,"judged_by":null,"labels":{},"last_executor":null,"last_model":null,"lease_token":null,"max_attempts":3,"max_tokens":null,"max_usd":null,"model":null,"not_before":null,"order":2,"outputs":{},"payload":null,"phase_id":"ä","poll_at":null,"predicted_output_tokens":null,"priority":0,"prompt_tokens":null,"reason":null,"reason_code":null,"requires":{},"run_id":"r1","since":null,"status":"QUEUED","summary":null,"tier":null,"timeout_s":null,"touches":[],"wait_s":null,"worker":null,"zero_yield_reason":null}
\.


--
-- Name: artifacts artifacts_pkey; Type: CONSTRAINT; Schema: older; Owner: -
--

ALTER TABLE ONLY older.artifacts
    ADD CONSTRAINT artifacts_pkey PRIMARY KEY (digest);


--
-- Name: clock_holds clock_holds_pkey; Type: CONSTRAINT; Schema: older; Owner: -
--

ALTER TABLE ONLY older.clock_holds
    ADD CONSTRAINT clock_holds_pkey PRIMARY KEY (first);


--
-- Name: events events_event_id_key; Type: CONSTRAINT; Schema: older; Owner: -
--

ALTER TABLE ONLY older.events
    ADD CONSTRAINT events_event_id_key UNIQUE (event_id);


--
-- Name: events events_pkey; Type: CONSTRAINT; Schema: older; Owner: -
--

ALTER TABLE ONLY older.events
    ADD CONSTRAINT events_pkey PRIMARY KEY ("position");


--
-- Name: events events_stream_version_key; Type: CONSTRAINT; Schema: older; Owner: -
--

ALTER TABLE ONLY older.events
    ADD CONSTRAINT events_stream_version_key UNIQUE (stream, version);


--
-- Name: leases leases_pkey; Type: CONSTRAINT; Schema: older; Owner: -
--

ALTER TABLE ONLY older.leases
    ADD CONSTRAINT leases_pkey PRIMARY KEY (key);


--
-- Name: outcomes outcomes_pkey; Type: CONSTRAINT; Schema: older; Owner: -
--

ALTER TABLE ONLY older.outcomes
    ADD CONSTRAINT outcomes_pkey PRIMARY KEY (writer);


--
-- Name: view_checkpoints view_checkpoints_pkey; Type: CONSTRAINT; Schema: older; Owner: -
--

ALTER TABLE ONLY older.view_checkpoints
    ADD CONSTRAINT view_checkpoints_pkey PRIMARY KEY (view);


--
-- Name: view_rows view_rows_pkey; Type: CONSTRAINT; Schema: older; Owner: -
--

ALTER TABLE ONLY older.view_rows
    ADD CONSTRAINT view_rows_pkey PRIMARY KEY (view, key);


--
-- Name: events events_are_appended; Type: TRIGGER; Schema: older; Owner: -
--

CREATE TRIGGER events_are_appended BEFORE INSERT ON older.events FOR EACH STATEMENT WHEN ((current_setting('search_path'::text) <> 'pg_catalog, older, pg_temp'::text)) EXECUTE FUNCTION older.refuse('events are written by append_events alone');


--
-- Name: events events_are_never_changed; Type: TRIGGER; Schema: older; Owner: -
--

CREATE TRIGGER events_are_never_changed BEFORE DELETE OR UPDATE OR TRUNCATE ON older.events FOR EACH STATEMENT EXECUTE FUNCTION older.refuse('events are never updated and never deleted');


--
-- Name: head head_is_never_deleted; Type: TRIGGER; Schema: older; Owner: -
--

CREATE TRIGGER head_is_never_deleted BEFORE DELETE OR TRUNCATE ON older.head FOR EACH STATEMENT EXECUTE FUNCTION older.refuse('the head of a log only grows');


--
-- Name: head head_only_grows; Type: TRIGGER; Schema: older; Owner: -
--

CREATE TRIGGER head_only_grows BEFORE UPDATE ON older.head FOR EACH ROW EXECUTE FUNCTION older.keep_head();


--
-- Name: log_identity identity_is_never_changed; Type: TRIGGER; Schema: older; Owner: -
--

CREATE TRIGGER identity_is_never_changed BEFORE UPDATE ON older.log_identity FOR EACH ROW EXECUTE FUNCTION older.keep_identity();


--
-- Name: log_identity identity_is_never_deleted; Type: TRIGGER; Schema: older; Owner: -
--

CREATE TRIGGER identity_is_never_deleted BEFORE DELETE OR TRUNCATE ON older.log_identity FOR EACH STATEMENT EXECUTE FUNCTION older.refuse('the identity of a log never changes');


--
-- Name: SCHEMA older; Type: ACL; Schema: -; Owner: -
--

GRANT USAGE ON SCHEMA older TO older_writer;
GRANT USAGE ON SCHEMA older TO older_reader;


--
-- Name: FUNCTION adopt_origin(origin_id text, seed bytea); Type: ACL; Schema: older; Owner: -
--

REVOKE ALL ON FUNCTION older.adopt_origin(origin_id text, seed bytea) FROM PUBLIC;
GRANT ALL ON FUNCTION older.adopt_origin(origin_id text, seed bytea) TO older_writer;


--
-- Name: FUNCTION append_event(expected bigint, id bytea, stream text, type text, schema bigint, occurred bigint, meta text, data text, OUT after bigint, OUT version bigint, OUT chain bytea, OUT now bigint); Type: ACL; Schema: older; Owner: -
--

REVOKE ALL ON FUNCTION older.append_event(expected bigint, id bytea, stream text, type text, schema bigint, occurred bigint, meta text, data text, OUT after bigint, OUT version bigint, OUT chain bytea, OUT now bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION older.append_event(expected bigint, id bytea, stream text, type text, schema bigint, occurred bigint, meta text, data text, OUT after bigint, OUT version bigint, OUT chain bytea, OUT now bigint) TO older_writer;


--
-- Name: FUNCTION append_events(asserted text[], at_versions bigint[], absent bytea[], ids bytea[], streams text[], types text[], schemas bigint[], occurred bigint[], recorded bigint[], metas text[], datas text[], OUT after bigint, OUT versions bigint[], OUT hashes bytea[], OUT now bigint); Type: ACL; Schema: older; Owner: -
--

REVOKE ALL ON FUNCTION older.append_events(asserted text[], at_versions bigint[], absent bytea[], ids bytea[], streams text[], types text[], schemas bigint[], occurred bigint[], recorded bigint[], metas text[], datas text[], OUT after bigint, OUT versions bigint[], OUT hashes bytea[], OUT now bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION older.append_events(asserted text[], at_versions bigint[], absent bytea[], ids bytea[], streams text[], types text[], schemas bigint[], occurred bigint[], recorded bigint[], metas text[], datas text[], OUT after bigint, OUT versions bigint[], OUT hashes bytea[], OUT now bigint) TO older_writer;


--
-- Name: FUNCTION hold_clock(first bigint, last bigint, as_of bigint, is_left_out boolean); Type: ACL; Schema: older; Owner: -
--

REVOKE ALL ON FUNCTION older.hold_clock(first bigint, last bigint, as_of bigint, is_left_out boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION older.hold_clock(first bigint, last bigint, as_of bigint, is_left_out boolean) TO older_writer;


--
-- Name: FUNCTION lock_head(OUT after bigint, OUT chain bytea, OUT recorded_at bigint, OUT as_of bigint, OUT now bigint); Type: ACL; Schema: older; Owner: -
--

REVOKE ALL ON FUNCTION older.lock_head(OUT after bigint, OUT chain bytea, OUT recorded_at bigint, OUT as_of bigint, OUT now bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION older.lock_head(OUT after bigint, OUT chain bytea, OUT recorded_at bigint, OUT as_of bigint, OUT now bigint) TO older_writer;


--
-- Name: FUNCTION show_view(name text, view text, fields text[], kinds text[]); Type: ACL; Schema: older; Owner: -
--

REVOKE ALL ON FUNCTION older.show_view(name text, view text, fields text[], kinds text[]) FROM PUBLIC;
GRANT ALL ON FUNCTION older.show_view(name text, view text, fields text[], kinds text[]) TO older_writer;


--
-- Name: TABLE append_lock; Type: ACL; Schema: older; Owner: -
--

GRANT SELECT ON TABLE older.append_lock TO older_writer;
GRANT SELECT ON TABLE older.append_lock TO older_reader;


--
-- Name: TABLE artifacts; Type: ACL; Schema: older; Owner: -
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE older.artifacts TO older_writer;
GRANT SELECT ON TABLE older.artifacts TO older_reader;


--
-- Name: TABLE clock_holds; Type: ACL; Schema: older; Owner: -
--

GRANT SELECT ON TABLE older.clock_holds TO older_writer;
GRANT SELECT ON TABLE older.clock_holds TO older_reader;


--
-- Name: TABLE events; Type: ACL; Schema: older; Owner: -
--

GRANT SELECT ON TABLE older.events TO older_writer;
GRANT SELECT ON TABLE older.events TO older_reader;


--
-- Name: TABLE head; Type: ACL; Schema: older; Owner: -
--

GRANT SELECT ON TABLE older.head TO older_writer;
GRANT SELECT ON TABLE older.head TO older_reader;


--
-- Name: TABLE leases; Type: ACL; Schema: older; Owner: -
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE older.leases TO older_writer;
GRANT SELECT ON TABLE older.leases TO older_reader;


--
-- Name: TABLE log_identity; Type: ACL; Schema: older; Owner: -
--

GRANT SELECT ON TABLE older.log_identity TO older_writer;
GRANT SELECT ON TABLE older.log_identity TO older_reader;


--
-- Name: TABLE outcomes; Type: ACL; Schema: older; Owner: -
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE older.outcomes TO older_writer;
GRANT SELECT ON TABLE older.outcomes TO older_reader;


--
-- Name: TABLE v_events; Type: ACL; Schema: older; Owner: -
--

GRANT SELECT ON TABLE older.v_events TO older_writer;
GRANT SELECT ON TABLE older.v_events TO older_reader;


--
-- Name: TABLE v_llm_usage; Type: ACL; Schema: older; Owner: -
--

GRANT SELECT ON TABLE older.v_llm_usage TO older_writer;
GRANT SELECT ON TABLE older.v_llm_usage TO older_reader;


--
-- Name: TABLE v_phases; Type: ACL; Schema: older; Owner: -
--

GRANT SELECT ON TABLE older.v_phases TO older_writer;
GRANT SELECT ON TABLE older.v_phases TO older_reader;


--
-- Name: TABLE v_runs; Type: ACL; Schema: older; Owner: -
--

GRANT SELECT ON TABLE older.v_runs TO older_writer;
GRANT SELECT ON TABLE older.v_runs TO older_reader;


--
-- Name: TABLE v_samples; Type: ACL; Schema: older; Owner: -
--

GRANT SELECT ON TABLE older.v_samples TO older_writer;
GRANT SELECT ON TABLE older.v_samples TO older_reader;


--
-- Name: TABLE view_checkpoints; Type: ACL; Schema: older; Owner: -
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE older.view_checkpoints TO older_writer;
GRANT SELECT ON TABLE older.view_checkpoints TO older_reader;


--
-- Name: TABLE view_rows; Type: ACL; Schema: older; Owner: -
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE older.view_rows TO older_writer;
GRANT SELECT ON TABLE older.view_rows TO older_reader;


--
-- PostgreSQL database dump complete
--


