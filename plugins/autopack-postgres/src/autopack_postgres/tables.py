"""The tables of a log's schema, and the triggers that keep its history as it was written."""

from typing import Final

SCHEMA_VERSION: Final = 3
"""How the tables and functions stand; what is stored in them is the log format's."""

APPENDING: Final = "pg_catalog, {schema}, pg_temp"
"""The search_path under which alone events are inserted."""

# Texts are compared by their bytes, as in every other log, whatever the database's language is.
TABLES: Final = """
CREATE TABLE log_identity (
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
CREATE TABLE head (
    "position" bigint NOT NULL,
    hash bytea NOT NULL,
    marked_at bigint NOT NULL,
    held_to bigint NOT NULL DEFAULT 0 -- no event after it is in one of clock_holds
) WITH (fillfactor = 10);
CREATE TABLE append_lock ();
CREATE TABLE events (
    "position" bigint PRIMARY KEY,
    event_id bytea NOT NULL UNIQUE,
    stream text COLLATE "C" NOT NULL,
    version bigint NOT NULL,
    type text COLLATE "C" NOT NULL,
    schema bigint NOT NULL,
    occurred_at bigint NOT NULL,
    recorded_at bigint NOT NULL,
    meta text NOT NULL,
    data text NOT NULL,
    hash bytea NOT NULL,
    UNIQUE (stream, version)
);
CREATE TABLE clock_holds (
    first bigint PRIMARY KEY,
    last bigint NOT NULL,
    as_of bigint NOT NULL,
    is_left_out boolean NOT NULL
);
CREATE TABLE leases (
    key text COLLATE "C" PRIMARY KEY,
    token text NOT NULL,
    worker text NOT NULL,
    expires_at bigint NOT NULL,
    step text,
    deadline_at bigint,
    boot text,
    renewed_uptime bigint,
    expires_uptime bigint
) WITH (fillfactor = 50);
CREATE TABLE artifacts (
    digest text COLLATE "C" PRIMARY KEY,
    content bytea NOT NULL
);
CREATE TABLE view_checkpoints (
    view text COLLATE "C" PRIMARY KEY,
    version bigint NOT NULL,
    "position" bigint NOT NULL,
    total text
);
CREATE TABLE view_rows (
    view text COLLATE "C" NOT NULL,
    key bytea NOT NULL, -- UTF-8, in which a text here could not hold the byte 0
    data text NOT NULL,
    PRIMARY KEY (view, key)
);
CREATE TABLE outcomes (
    writer uuid PRIMARY KEY,
    token uuid NOT NULL,
    written_at timestamptz NOT NULL DEFAULT clock_timestamp()
) WITH (fillfactor = 50);
"""

# It is not the trigger's WHEN that compares: a condition is read from its text at each statement.
TRIGGER_FUNCTIONS: Final = f"""
CREATE OR REPLACE FUNCTION refuse_others() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    IF pg_catalog.current_setting('search_path') OPERATOR(pg_catalog.<>) '{APPENDING}' THEN
        RAISE EXCEPTION 'events are written by append_events alone';
    END IF;
    RETURN NULL;
END $body$;

CREATE OR REPLACE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN RAISE EXCEPTION '%', TG_ARGV[0]; END $body$;

CREATE OR REPLACE FUNCTION keep_identity() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    IF NEW.log_id <> OLD.log_id OR NEW.created_at <> OLD.created_at
            OR (NEW.origin_id <> OLD.origin_id AND EXISTS (SELECT 1 FROM {{schema}}.events)) THEN
        RAISE EXCEPTION 'the identity of a log never changes';
    END IF;
    RETURN NEW;
END $body$;

CREATE OR REPLACE FUNCTION keep_head() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    IF NEW.position < OLD.position OR NEW.held_to < OLD.held_to
            OR (NEW.position = OLD.position AND NEW.hash <> OLD.hash) THEN
        RAISE EXCEPTION 'the head of a log only grows';
    END IF;
    RETURN NEW;
END $body$;
"""

APPENDED: Final = """
CREATE TRIGGER events_are_appended BEFORE INSERT ON events
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_others();
"""

TRIGGERS: Final = f"""
CREATE TRIGGER events_are_never_changed BEFORE UPDATE OR DELETE OR TRUNCATE ON events
    FOR EACH STATEMENT EXECUTE FUNCTION refuse('events are never updated and never deleted');
{APPENDED}CREATE TRIGGER identity_is_never_deleted BEFORE DELETE OR TRUNCATE ON log_identity
    FOR EACH STATEMENT EXECUTE FUNCTION refuse('the identity of a log never changes');
CREATE TRIGGER identity_is_never_changed BEFORE UPDATE ON log_identity
    FOR EACH ROW EXECUTE FUNCTION keep_identity();
CREATE TRIGGER head_is_never_deleted BEFORE DELETE OR TRUNCATE ON head
    FOR EACH STATEMENT EXECUTE FUNCTION refuse('the head of a log only grows');
CREATE TRIGGER head_only_grows BEFORE UPDATE ON head
    FOR EACH ROW EXECUTE FUNCTION keep_head();
"""

_WRITERS: Final = """
    lock_head(), append_event(bigint, bytea, text, text, bigint, bigint, text, text),
    append_events(text[], bigint[], bytea[], bytea[], text[], text[], bigint[], bigint[],
    bigint[], text[], text[]), hold_clock(bigint, bigint, bigint, boolean),
    adopt_origin(text, bytea), show_view(text, text, text[], text[])"""

ROLES: Final = f"""
REVOKE ALL ON FUNCTION {_WRITERS} FROM PUBLIC;

CREATE FUNCTION grant_reader(role regrole) RETURNS void LANGUAGE plpgsql
SET search_path = {{schema}}, pg_temp AS $body$
BEGIN
    EXECUTE format('GRANT USAGE ON SCHEMA {{schema}} TO %s', role);
    EXECUTE format('GRANT SELECT ON ALL TABLES IN SCHEMA {{schema}} TO %s', role);
END $body$;

CREATE FUNCTION grant_writer(role regrole) RETURNS void LANGUAGE plpgsql
SET search_path = {{schema}}, pg_temp AS $body$
BEGIN
    PERFORM grant_reader(role);
    EXECUTE format('GRANT INSERT, UPDATE, DELETE ON leases, artifacts, view_checkpoints, view_rows,'
        ' outcomes TO %s', role);
    EXECUTE format('GRANT EXECUTE ON FUNCTION {_WRITERS} TO %s', role);
END $body$;
"""
