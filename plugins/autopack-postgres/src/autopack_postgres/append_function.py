"""
The functions through which alone events are written; who calls them needs no other.

What an append costs is the number of statements in them and of names in those, more than what
they do: each is made ready anew. So one event, as most appends have, is written by a function of
its own, whose parameters are no arrays, and what both begin with is written out in both. Where
nothing is odd, one statement does all that has to be done while others wait.
"""

from typing import Final

from autopack_postgres.tables import APPENDING

# By where they look for names, and nobody else does, the trigger on events knows these functions.
_SETTINGS: Final = f"""LANGUAGE plpgsql SECURITY DEFINER SET search_path = {APPENDING}
SET enable_seqscan = off SET enable_bitmapscan = off SET jit = off
SET plan_cache_mode = force_generic_plan"""

_HELD: Final = "recorded_at bigint; as_of bigint; marked bigint; marked_at bigint; held_to bigint;"

# Of the modes that are their own enemies the weakest: a stronger one has whoever takes it look
# through the locks of every connection of the server first.
LOCK: Final = """
    LOCK TABLE append_lock IN SHARE UPDATE EXCLUSIVE MODE;
"""
"""Takes the log's lock."""

READ: Final = """
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
"""
"""Reads the last event off the events' own index, once the lock is held."""

_SEED: Final = """
    IF after = 0 THEN
        SELECT seed INTO chain FROM log_identity;
    END IF;
"""

_TOLD: Final = """
    -- A row that each append changes would be slow while a long backup keeps its old states.
    IF marked_at NOT BETWEEN now - 1000000 AND now THEN
        UPDATE head SET position = at, hash = chain, marked_at = now;
    END IF;
    PERFORM pg_notify('{channel}', at::text);
"""


def _chained(after: str, at: str, version: str, schema: str, moments: str, body: str) -> str:
    return (
        f"sha256({after} || int8send({at}) || int8send({version}) || int4send({schema}::int)"
        f" || {moments} || {body})"
    )


def _moments(happened: str, moment: str) -> str:
    return f"int8send({happened}) || int8send({moment})"


def _body(event_id: str, *texts: str) -> str:
    lengths = " || ".join(f"int4send(octet_length({text}))" for text in texts)
    return f"{lengths} || {event_id} || convert_to({' || '.join(texts)}, 'UTF8')"


_ONE: Final = _chained("chain", "at", "version", "schema", _moments("occurred", "now"), "body")
_EACH: Final = _chained(
    "chain", "at", "version", "schemas[i]", _moments("happened", "moment"),
    _body("ids[i]", "stream", "types[i]", "metas[i]", "datas[i]"),
)  # fmt: skip
_NEXT: Final = _chained(
    "last.hash", "last.at", "expected + 1", "schema",
    _moments("coalesce(occurred, last.now)", "last.now"), "body",
)  # fmt: skip

AT_ONCE: Final = f"""
    INSERT INTO events AS made
        SELECT last.at, id, append_event.stream, expected + 1, append_event.type,
            append_event.schema, coalesce(occurred, last.now), last.now, append_event.meta,
            append_event.data, {_NEXT}
        FROM head, (SELECT events.position + 1 AS at, events.hash, events.recorded_at,
            (date_part('epoch', clock_timestamp()) * 1000000)::bigint AS now
            FROM events ORDER BY events.position DESC LIMIT 1) last
        WHERE last.recorded_at <= last.now
            AND head.position < last.at AND head.held_to < last.at - 1
            AND head.marked_at BETWEEN last.now - 1000000 AND last.now
            AND expected = coalesce((SELECT events.version FROM events
                WHERE events.stream = append_event.stream AND events.version >= expected
                ORDER BY events.version DESC LIMIT 1), 0)
        RETURNING made.position - 1, made.version, made.hash, made.recorded_at,
            pg_notify('{{channel}}', made.position::text)
        INTO after, version, chain, now, told;
    IF FOUND THEN
        RETURN;
    END IF;
"""
"""Appends one event, if the lock is held and nothing is odd; else it does nothing."""

FUNCTIONS: Final = f"""
CREATE OR REPLACE FUNCTION lock_head(OUT after bigint, OUT chain bytea, OUT recorded_at bigint,
    OUT as_of bigint, OUT now bigint)
{_SETTINGS} AS $body$
DECLARE
    marked bigint; marked_at bigint; held_to bigint;
BEGIN
{LOCK}{READ}
    chain := coalesce(chain, '');
    recorded_at := coalesce(recorded_at, 0);
END $body$;

CREATE OR REPLACE FUNCTION append_event(expected bigint, id bytea, stream text, type text,
    schema bigint, occurred bigint, meta text, data text,
    OUT after bigint, OUT version bigint, OUT chain bytea, OUT now bigint)
{_SETTINGS} AS $body$
DECLARE
    {_HELD}
    at bigint;
    told text;
    body bytea := {_body("id", "stream", "type", "meta", "data")};
BEGIN
{LOCK}{AT_ONCE}{READ}
    SELECT last.version INTO version FROM events last
        WHERE last.stream = append_event.stream AND last.version >= coalesce(expected, 0)
        ORDER BY last.version DESC LIMIT 1;
    version := coalesce(version, 0);
    -- Whatever is not plain is left to the caller, who says what it is: NULL, and no event.
    IF now < as_of OR version <> expected THEN
        after := NULL;
        RETURN;
    END IF;
{_SEED}
    at := after + 1;
    version := version + 1;
    occurred := coalesce(occurred, now);
    chain := {_ONE};
    INSERT INTO events
        VALUES (at, id, stream, version, type, schema, occurred, now, meta, data, chain);
{_TOLD}
END $body$;

CREATE OR REPLACE FUNCTION append_events(asserted text[], at_versions bigint[], absent bytea[],
    ids bytea[], streams text[], types text[], schemas bigint[], occurred bigint[],
    recorded bigint[], metas text[], datas text[],
    OUT after bigint, OUT versions bigint[], OUT hashes bytea[], OUT now bigint)
{_SETTINGS} AS $body$
DECLARE
    {_HELD}
    chain bytea;
    at bigint;
    stream text;
    version bigint;
    happened bigint;
    moment bigint;
    is_plain boolean := true;
BEGIN
{LOCK}{READ}
    IF asserted IS NOT NULL THEN
        is_plain := now >= as_of AND (absent = '{{{{}}}}'
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
{_SEED}
    at := after;
    versions := '{{{{}}}}';
    hashes := '{{{{}}}}';
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
        chain := {_EACH};
        INSERT INTO events VALUES (at, ids[i], stream, version, types[i], schemas[i],
            happened, moment, metas[i], datas[i], chain);
        versions[i] := version;
        hashes[i] := chain;
    END LOOP;
    IF at > after THEN
{_TOLD}
    END IF;
END $body$;

CREATE OR REPLACE FUNCTION hold_clock(first bigint, last bigint, as_of bigint, is_left_out boolean)
RETURNS void LANGUAGE sql SECURITY DEFINER SET search_path = {{schema}}, pg_temp AS $body$
    DELETE FROM clock_holds WHERE clock_holds.first >= $1;
    INSERT INTO clock_holds VALUES ($1, $2, $3, $4);
    UPDATE head SET held_to = $2 WHERE held_to < $2;
$body$;

CREATE OR REPLACE FUNCTION adopt_origin(origin_id text, seed bytea)
RETURNS void LANGUAGE sql SECURITY DEFINER SET search_path = {{schema}}, pg_temp AS $body$
    UPDATE log_identity SET origin_id = $1, seed = $2;
$body$;
"""
