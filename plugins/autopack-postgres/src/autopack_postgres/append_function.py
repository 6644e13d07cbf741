"""The functions through which alone events are written; who calls them needs no other."""

from typing import Final

FUNCTIONS: Final = """
CREATE FUNCTION lock_head(OUT "position" bigint, OUT hash bytea, OUT recorded_at bigint,
    OUT as_of bigint, OUT now bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = {schema}, pg_temp AS $body$
DECLARE last events%ROWTYPE;
BEGIN
    SELECT head.position, head.hash INTO lock_head.position, lock_head.hash
        FROM head FOR UPDATE;
    SELECT * INTO last FROM events ORDER BY events.position DESC LIMIT 1;
    IF coalesce(last.position, 0) <> lock_head.position
            OR coalesce(last.hash, '') <> lock_head.hash THEN
        RAISE EXCEPTION 'position % was given, but the last event is %',
            lock_head.position, coalesce(last.position, 0) USING ERRCODE = 'AP001';
    END IF;
    lock_head.recorded_at := coalesce(last.recorded_at, 0);
    lock_head.as_of := coalesce(as_of(last.position, last.recorded_at), 0);
    lock_head.now := extract(epoch FROM clock_timestamp()) * 1000000;
    -- Others know this clock a little less well: what they recorded a moment ahead of it was now.
    IF lock_head.as_of BETWEEN lock_head.now AND lock_head.now + 1000000 THEN
        lock_head.now := lock_head.as_of;
    END IF;
END $body$;

CREATE FUNCTION as_of("position" bigint, recorded_at bigint) RETURNS bigint
LANGUAGE sql STABLE SET search_path = {schema}, pg_temp AS $body$
    SELECT coalesce((SELECT CASE WHEN last >= $1 THEN clock_holds.as_of END FROM clock_holds
        WHERE first <= $1 ORDER BY first DESC LIMIT 1), $2)
$body$;

CREATE FUNCTION append_events(asserted text[], at_versions bigint[], absent bytea[],
    ids bytea[], streams text[], types text[], schemas bigint[], occurred bigint[],
    recorded bigint[], metas text[], datas text[],
    OUT after bigint, OUT versions bigint[], OUT hashes bytea[], OUT now bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = {schema}, pg_temp AS $body$
DECLARE
    last record;
    at bigint;
    moment bigint;
    happened bigint;
    version bigint;
    stream text := NULL;
    chain bytea;
BEGIN
    SELECT * INTO last FROM lock_head();
    now := last.now;
    IF asserted IS NOT NULL THEN
        -- Whatever is not plain is left to the caller, who says what it is: NULL, and no event.
        IF now < last.as_of THEN RETURN; END IF;
        IF EXISTS (SELECT 1 FROM events WHERE event_id = ANY (absent)) THEN RETURN; END IF;
        FOR i IN 1 .. cardinality(asserted) LOOP
            SELECT coalesce(max(events.version), 0) INTO version
                FROM events WHERE events.stream = asserted[i];
            IF version <> at_versions[i] THEN RETURN; END IF;
        END LOOP;
    END IF;
    after := last.position;
    chain := CASE WHEN after = 0 THEN (SELECT seed FROM log_identity) ELSE last.hash END;
    at := after;
    versions := '{{}}';
    hashes := '{{}}';
    FOR i IN 1 .. cardinality(ids) LOOP
        IF stream IS NOT DISTINCT FROM streams[i] THEN
            version := version + 1;
        ELSE
            stream := streams[i];
            SELECT coalesce(max(events.version), 0) + 1 INTO version
                FROM events WHERE events.stream = streams[i];
        END IF;
        at := at + 1;
        moment := coalesce(recorded[i], now);
        happened := coalesce(occurred[i], moment);
        chain := sha256(chain || int8send(at) || int8send(version) || int4send(schemas[i]::int)
            || int8send(happened) || int8send(moment)
            || int4send(octet_length(streams[i])) || int4send(octet_length(types[i]))
            || int4send(octet_length(metas[i])) || int4send(octet_length(datas[i])) || ids[i]
            || convert_to(streams[i] || types[i] || metas[i] || datas[i], 'UTF8'));
        INSERT INTO events VALUES (at, ids[i], streams[i], version, types[i], schemas[i],
            happened, moment, metas[i], datas[i], chain);
        versions := versions || version;
        hashes := hashes || chain;
    END LOOP;
    IF at > after THEN
        UPDATE head SET position = at, hash = chain;
        PERFORM pg_notify('{channel}', at::text);
    END IF;
END $body$;

CREATE FUNCTION hold_clock(first bigint, last bigint, as_of bigint, is_left_out boolean)
RETURNS void LANGUAGE sql SECURITY DEFINER SET search_path = {schema}, pg_temp AS $body$
    DELETE FROM clock_holds WHERE clock_holds.first >= $1;
    INSERT INTO clock_holds VALUES ($1, $2, $3, $4);
$body$;

CREATE FUNCTION adopt_origin(origin_id text, seed bytea)
RETURNS void LANGUAGE sql SECURITY DEFINER SET search_path = {schema}, pg_temp AS $body$
    UPDATE log_identity SET origin_id = $1, seed = $2;
$body$;
"""
