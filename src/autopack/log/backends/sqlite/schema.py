"""The tables of a log file, and the triggers that keep its history as it was written."""

from typing import Final

APPLICATION_ID: Final = 0x41504B31  # "APK1"; marks the file as ours in its header
SQLITE_LEAST: Final = (3, 37, 0)  # the first with STRICT tables

TABLES: Final = """
CREATE TABLE log_identity (
    log_id TEXT NOT NULL,
    origin_id TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    parent_log_id TEXT,
    parent_position INTEGER,
    parent_hash TEXT
) STRICT;
CREATE TABLE events (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    event_id BLOB NOT NULL UNIQUE,
    stream TEXT NOT NULL,
    version INTEGER NOT NULL,
    type TEXT NOT NULL,
    schema INTEGER NOT NULL,
    occurred_at INTEGER NOT NULL,
    recorded_at INTEGER NOT NULL,
    meta TEXT NOT NULL,
    data TEXT NOT NULL,
    hash BLOB NOT NULL,
    UNIQUE (stream, version)
) STRICT;
CREATE TABLE clock_holds (
    first INTEGER PRIMARY KEY,
    last INTEGER NOT NULL,
    as_of INTEGER NOT NULL,
    is_left_out INTEGER NOT NULL
) STRICT;
CREATE TABLE leases (
    key TEXT PRIMARY KEY,
    token TEXT NOT NULL,
    worker TEXT NOT NULL,
    expires_at INTEGER NOT NULL,
    step TEXT,
    deadline_at INTEGER,
    boot TEXT,
    renewed_uptime INTEGER,
    expires_uptime INTEGER
) STRICT, WITHOUT ROWID;
CREATE TABLE artifacts (
    digest TEXT PRIMARY KEY,
    content BLOB NOT NULL
) STRICT;
CREATE TABLE view_checkpoints (
    view TEXT PRIMARY KEY,
    version INTEGER NOT NULL,
    position INTEGER NOT NULL,
    total TEXT
) STRICT, WITHOUT ROWID;
CREATE TABLE view_rows (
    view TEXT NOT NULL,
    key TEXT NOT NULL,
    data TEXT NOT NULL,
    PRIMARY KEY (view, key)
) STRICT, WITHOUT ROWID;
"""

# INSERT OR REPLACE removes the rows it collides with without firing DELETE triggers, so the
# insert trigger itself refuses every collision. `<>` against a NULL is no refusal, hence IS NOT.
# The sequence remembers a tail that was cut off, but lags behind within a statement of many rows.
TRIGGERS: Final = """
CREATE TRIGGER events_are_never_updated BEFORE UPDATE ON events
BEGIN SELECT RAISE(ABORT, 'events are never updated'); END;
CREATE TRIGGER events_are_never_deleted BEFORE DELETE ON events
BEGIN SELECT RAISE(ABORT, 'events are never deleted'); END;
CREATE TRIGGER events_take_the_next_position BEFORE INSERT ON events
WHEN NEW.position IS NOT 1 + max(
        coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'events'), 0),
        coalesce((SELECT max(position) FROM events), 0))
    OR EXISTS (SELECT 1 FROM events WHERE event_id = NEW.event_id)
    OR EXISTS (SELECT 1 FROM events WHERE stream = NEW.stream AND version = NEW.version)
BEGIN SELECT RAISE(ABORT, 'events take the next position, and none is replaced'); END;
CREATE TRIGGER identity_is_never_updated BEFORE UPDATE ON log_identity
WHEN NEW.log_id IS NOT OLD.log_id OR NEW.created_at IS NOT OLD.created_at
    OR EXISTS (SELECT 1 FROM events) OR EXISTS (SELECT 1 FROM sqlite_sequence WHERE seq > 0)
BEGIN SELECT RAISE(ABORT, 'the identity of a log never changes'); END;
CREATE TRIGGER identity_is_never_deleted BEFORE DELETE ON log_identity
BEGIN SELECT RAISE(ABORT, 'the identity of a log never changes'); END;
"""
