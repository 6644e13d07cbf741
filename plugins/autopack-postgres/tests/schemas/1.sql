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
-- Name: append_events(text[], bigint[], bytea[], bytea[], text[], text[], bigint[], bigint[], bigint[], text[], text[]); Type: FUNCTION; Schema: older; Owner: -
--

CREATE FUNCTION older.append_events(asserted text[], at_versions bigint[], absent bytea[], ids bytea[], streams text[], types text[], schemas bigint[], occurred bigint[], recorded bigint[], metas text[], datas text[], OUT after bigint, OUT versions bigint[], OUT hashes bytea[], OUT now bigint) RETURNS record
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'older', 'pg_temp'
    SET enable_seqscan TO 'off'
    SET enable_bitmapscan TO 'off'
    SET jit TO 'off'
    SET plan_cache_mode TO 'force_generic_plan'
    SET "autopack.appends" TO 'yes'
    AS $$
DECLARE
    last record;
    at bigint;
    version bigint;
    chain bytea;
BEGIN
    SELECT * INTO last FROM hold_head();
    now := last.now;
    IF asserted IS NOT NULL THEN
        -- Whatever is not plain is left to the caller, who says what it is: NULL, and no event.
        IF now < last.as_of THEN RETURN; END IF;
        IF absent <> '{}' AND EXISTS (SELECT 1 FROM events WHERE event_id = ANY (absent)) THEN
            RETURN;
        END IF;
        FOR i IN 1 .. cardinality(asserted) LOOP
            SELECT coalesce(max(events.version), 0) INTO version
                FROM events WHERE events.stream = asserted[i];
            IF version <> at_versions[i] THEN RETURN; END IF;
        END LOOP;
    END IF;
    after := last.position;
    chain := CASE WHEN after = 0 THEN (SELECT seed FROM log_identity) ELSE last.hash END;
    at := after;
    versions := '{}';
    hashes := '{}';
    -- One statement an event: each costs more to begin than to run.
    FOR i IN 1 .. cardinality(ids) LOOP
        at := at + 1;
        INSERT INTO events SELECT at, ids[i], streams[i], next, types[i], schemas[i],
            happened, moment, metas[i], datas[i],
            sha256(chain || int8send(at) || int8send(next) || int4send(schemas[i]::int)
                || int8send(happened) || int8send(moment)
                || int4send(octet_length(streams[i])) || int4send(octet_length(types[i]))
                || int4send(octet_length(metas[i])) || int4send(octet_length(datas[i])) || ids[i]
                || convert_to(streams[i] || types[i] || metas[i] || datas[i], 'UTF8'))
            FROM (SELECT 1 + coalesce((SELECT events.version FROM events
                    WHERE events.stream = streams[i] ORDER BY events.version DESC LIMIT 1), 0),
                coalesce(recorded[i], now), coalesce(occurred[i], recorded[i], now)
                OFFSET 0) placed(next, moment, happened)
            RETURNING events.version, events.hash INTO version, chain;
        versions := versions || version;
        hashes := hashes || chain;
    END LOOP;
    IF at > after THEN
        -- A row that each append changes would be slow while a long backup keeps its old states.
        UPDATE head SET position = at, hash = chain, marked_at = now
            WHERE marked_at NOT BETWEEN now - 1000000 AND now;
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
    EXECUTE format('GRANT EXECUTE ON FUNCTION lock_head(), append_events(text[], bigint[], bytea[],'
        ' bytea[], text[], text[], bigint[], bigint[], bigint[], text[], text[]),'
        ' hold_clock(bigint, bigint, bigint, boolean), adopt_origin(text, bytea) TO %s', role);
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
$_$;


--
-- Name: hold_head(); Type: FUNCTION; Schema: older; Owner: -
--

CREATE FUNCTION older.hold_head(OUT "position" bigint, OUT hash bytea, OUT recorded_at bigint, OUT as_of bigint, OUT now bigint) RETURNS record
    LANGUAGE plpgsql
    AS $$
DECLARE marked bigint;
BEGIN
    LOCK TABLE append_lock IN EXCLUSIVE MODE;
    SELECT coalesce(last.position, 0), coalesce(last.hash, ''), coalesce(last.recorded_at, 0),
            coalesce(CASE WHEN held.last >= last.position THEN held.as_of END,
                last.recorded_at, 0), head.position
        INTO hold_head.position, hold_head.hash, hold_head.recorded_at, hold_head.as_of, marked
        FROM head
        LEFT JOIN (SELECT events.position, events.hash, events.recorded_at FROM events
            ORDER BY events.position DESC LIMIT 1) last ON true
        LEFT JOIN LATERAL (SELECT clock_holds.last, clock_holds.as_of FROM clock_holds
            WHERE first <= last.position ORDER BY first DESC LIMIT 1) held ON true;
    IF marked > hold_head.position THEN
        RAISE EXCEPTION 'position % was given, but the last event is %', marked,
            hold_head.position USING ERRCODE = 'AP001';
    END IF;
    hold_head.now := extract(epoch FROM clock_timestamp()) * 1000000;
    -- Others know this clock a little less well: what they recorded a moment ahead of it was now.
    IF hold_head.as_of BETWEEN hold_head.now AND hold_head.now + 1000000 THEN
        hold_head.now := hold_head.as_of;
    END IF;
END $$;


--
-- Name: keep_head(); Type: FUNCTION; Schema: older; Owner: -
--

CREATE FUNCTION older.keep_head() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    IF NEW.position <= OLD.position THEN RAISE EXCEPTION 'the head of a log only grows'; END IF;
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
-- Name: lock_head(); Type: FUNCTION; Schema: older; Owner: -
--

CREATE FUNCTION older.lock_head(OUT "position" bigint, OUT hash bytea, OUT recorded_at bigint, OUT as_of bigint, OUT now bigint) RETURNS record
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'older', 'pg_temp'
    SET enable_seqscan TO 'off'
    SET enable_bitmapscan TO 'off'
    SET jit TO 'off'
    SET plan_cache_mode TO 'force_generic_plan'
    SET "autopack.appends" TO 'yes'
    AS $$
BEGIN
    SELECT * INTO lock_head.position, lock_head.hash, lock_head.recorded_at, lock_head.as_of,
        lock_head.now FROM hold_head();
END $$;


--
-- Name: refuse(); Type: FUNCTION; Schema: older; Owner: -
--

CREATE FUNCTION older.refuse() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN RAISE EXCEPTION '%', TG_ARGV[0]; END $$;


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
    marked_at bigint NOT NULL
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
1	\\x01a2273c779d768793b800ffe5a41484	run-r1	1	run.created	4	1795954603933228	1795954603933228		{"run_id":"r1"}	\\xcfc9858a5f3b0dec1d86a385d3b826d2f154aa061b246e8560c841fb7be66b24
2	\\x01a2273c779d768793b800ffe5a41485	run-r1	2	phase.queued	4	1795954603933228	1795954603933228		{"run_id":"r1","phase_id":"a","index":0,"category":"uncategorised","complexity":"medium"}	\\xc6c616c63e11982843a9b75d5c171d94e7a4aa361668346244f07347ffe9abb1
3	\\x01a2273c779d768793b800ffe5a41486	run-r1	3	phase.queued	4	1795954603933228	1795954603933228		{"run_id":"r1","phase_id":"b","index":1,"category":"uncategorised","complexity":"medium"}	\\xcdfc53bbe59fe5b1cc73b6e5410ca4fbf05ebd9098a4081907a24c5daa3a61b7
4	\\x01a2273c77a87bf08cf1acb3ff96cfc9	s	1	run.paused	1	1795954603945520	1795954603945520		{"run_id":"r1","why":"lunch","actor":"ann"}	\\xce859e8f64d73418298bcac6b6449d6519dd6e7eaa0c9a777ef3882e7fd0caf9
5	\\x01a2273c77a87bf08cf1acb3ff96cfca	s	2	run.paused	1	1795954603945520	1795954603945520		{"run_id":"r1","why":"again","actor":"ann"}	\\x9cdfeee524961cfaf3dc5e549fd81425775aa81994660c23d276811bc934a7d5
\.


--
-- Data for Name: head; Type: TABLE DATA; Schema: older; Owner: -
--

COPY older.head ("position", hash, marked_at) FROM stdin;
3	\\xcdfc53bbe59fe5b1cc73b6e5410ca4fbf05ebd9098a4081907a24c5daa3a61b7	1795954603934860
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
01a2273c-76d3-780f-8af4-ee94b1f7f0bc	01a2273c-76d3-7a3f-ae48-2143d7cc05be	1795954603731164	2	\N	\N	\N	\\x434972d17886f2f01c7c8d56b060d3d009a8126726aa1320d1aebbf8c12fabe5	1
\.


--
-- Data for Name: outcomes; Type: TABLE DATA; Schema: older; Owner: -
--

COPY older.outcomes (writer, token, written_at) FROM stdin;
c847774c-3dc6-858f-c5a0-14993af9314e	b8e35c63-f7f5-2300-17c5-2b06b8b6da3b	2026-11-29 12:16:43.985954+00
\.


--
-- Data for Name: view_checkpoints; Type: TABLE DATA; Schema: older; Owner: -
--

COPY older.view_checkpoints (view, version, "position", total) FROM stdin;
runs	6	5	{"created":1,"implied":0}
phases	10	5	{"by_run":{"r1":{"QUEUED":2}},"live":[],"ordered":{}}
attempts	5	5	{"all":{"assumed_pico_usd":0,"assumed_tokens":0,"attempts":0,"denied":0,"endings":{},"estimates":0,"failures":{},"samples":0,"samples_won":0,"unmetered":0,"unreadable":0,"use":{"by_split":{},"calls":0,"calls_without_cost":0,"calls_without_total":0,"computed_pico_usd":0,"cost_pico_usd":0,"cut_calls":0,"inferred_output_tokens":0,"input_tokens":0,"late_calls":0,"measured_calls":0,"measured_output_tokens":0,"output_tokens":0,"total_tokens":0},"worked_us":0,"zero_yield":{}},"by_drain":{},"by_quarter":{},"by_run":{}}
accounts	1	5	0
freezes	1	5	\N
\.


--
-- Data for Name: view_rows; Type: TABLE DATA; Schema: older; Owner: -
--

COPY older.view_rows (view, key, data) FROM stdin;
runs	\\x7231	{"caps":{},"created":true,"created_at":"2026-11-29T12:16:43.933228Z","forked_at":null,"forked_from":null,"goal":null,"is_paused":true,"is_prepared":null,"labels":{},"order":1,"outcome":null,"run_id":"r1","settings":{},"status":"PAUSED","workspace":null}
phases	\\x72312f61	{"after":[],"artifacts":{},"attempts":0,"attempts_spent":0,"budget_tokens":null,"calls":0,"calls_this_attempt":0,"category":"uncategorised","checks":null,"complexity":"medium","deliverables":[],"duration_s":null,"escalated_tokens":null,"failure_class":null,"feedback":null,"fingerprint":null,"goal":null,"handle":null,"index":0,"inputs":{},"is_right":null,"judged_by":null,"labels":{},"last_executor":null,"last_model":null,"lease_token":null,"max_attempts":3,"max_tokens":null,"max_usd":null,"model":null,"not_before":null,"order":2,"outputs":{},"payload":null,"phase_id":"a","poll_at":null,"predicted_output_tokens":null,"priority":0,"prompt_tokens":null,"reason":null,"reason_code":null,"requires":{},"run_id":"r1","since":null,"status":"QUEUED","summary":null,"tier":null,"timeout_s":null,"touches":[],"wait_s":null,"worker":null,"zero_yield_reason":null}
phases	\\x72312f62	{"after":[],"artifacts":{},"attempts":0,"attempts_spent":0,"budget_tokens":null,"calls":0,"calls_this_attempt":0,"category":"uncategorised","checks":null,"complexity":"medium","deliverables":[],"duration_s":null,"escalated_tokens":null,"failure_class":null,"feedback":null,"fingerprint":null,"goal":null,"handle":null,"index":1,"inputs":{},"is_right":null,"judged_by":null,"labels":{},"last_executor":null,"last_model":null,"lease_token":null,"max_attempts":3,"max_tokens":null,"max_usd":null,"model":null,"not_before":null,"order":3,"outputs":{},"payload":null,"phase_id":"b","poll_at":null,"predicted_output_tokens":null,"priority":0,"prompt_tokens":null,"reason":null,"reason_code":null,"requires":{},"run_id":"r1","since":null,"status":"QUEUED","summary":null,"tier":null,"timeout_s":null,"touches":[],"wait_s":null,"worker":null,"zero_yield_reason":null}
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

CREATE TRIGGER events_are_appended BEFORE INSERT ON older.events FOR EACH STATEMENT WHEN ((current_setting('autopack.appends'::text, true) IS DISTINCT FROM 'yes'::text)) EXECUTE FUNCTION older.refuse('events are written by append_events alone');


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
-- Name: FUNCTION hold_head(OUT "position" bigint, OUT hash bytea, OUT recorded_at bigint, OUT as_of bigint, OUT now bigint); Type: ACL; Schema: older; Owner: -
--

REVOKE ALL ON FUNCTION older.hold_head(OUT "position" bigint, OUT hash bytea, OUT recorded_at bigint, OUT as_of bigint, OUT now bigint) FROM PUBLIC;


--
-- Name: FUNCTION lock_head(OUT "position" bigint, OUT hash bytea, OUT recorded_at bigint, OUT as_of bigint, OUT now bigint); Type: ACL; Schema: older; Owner: -
--

REVOKE ALL ON FUNCTION older.lock_head(OUT "position" bigint, OUT hash bytea, OUT recorded_at bigint, OUT as_of bigint, OUT now bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION older.lock_head(OUT "position" bigint, OUT hash bytea, OUT recorded_at bigint, OUT as_of bigint, OUT now bigint) TO older_writer;


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


