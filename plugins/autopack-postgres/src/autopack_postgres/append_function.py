"""The functions through which alone events are written; who calls them needs no other."""

from typing import Final

FUNCTIONS: Final = """
CREATE FUNCTION hold_head(OUT "position" bigint, OUT hash bytea, OUT recorded_at bigint,
    OUT as_of bigint, OUT now bigint)
LANGUAGE plpgsql AS $body$
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
END $body$;

CREATE FUNCTION lock_head(OUT "position" bigint, OUT hash bytea, OUT recorded_at bigint,
    OUT as_of bigint, OUT now bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = {schema}, pg_temp SET enable_seqscan = off
SET enable_bitmapscan = off SET jit = off
SET plan_cache_mode = force_generic_plan SET autopack.appends = 'yes' AS $body$
BEGIN
    SELECT * INTO lock_head.position, lock_head.hash, lock_head.recorded_at, lock_head.as_of,
        lock_head.now FROM hold_head();
END $body$;

CREATE FUNCTION append_events(asserted text[], at_versions bigint[], absent bytea[],
    ids bytea[], streams text[], types text[], schemas bigint[], occurred bigint[],
    recorded bigint[], metas text[], datas text[],
    OUT after bigint, OUT versions bigint[], OUT hashes bytea[], OUT now bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = {schema}, pg_temp SET enable_seqscan = off
SET enable_bitmapscan = off SET jit = off
SET plan_cache_mode = force_generic_plan SET autopack.appends = 'yes' AS $body$
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
        IF absent <> '{{}}' AND EXISTS (SELECT 1 FROM events WHERE event_id = ANY (absent)) THEN
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
    versions := '{{}}';
    hashes := '{{}}';
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
