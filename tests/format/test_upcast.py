"""Old event shapes are brought to today's when they are read; stored bytes stay."""

import sqlite3
from contextlib import closing

import pytest

from autopack.errors import InvalidEventError, NewerEventError, StoredEventError
from autopack.events import event
from autopack.format.codec import Codec
from autopack.format.upcast import upcast
from autopack.log import views
from autopack.log.backends.sqlite.store import SqliteBackend
from autopack.log.log import Log, journal_of
from autopack.ports.log import UnrecognisedEvent
from autopack.ports.projection import projection


@event("shop.sold")
class SoldV1:
    """A sale as it was first written: a price in whole euros, as a text with its unit."""

    article: str
    price: str


@event("shop.sold", schema=3)
class SoldV3:
    """A sale as it is written now: cents as a number, a currency, a number of pieces."""

    article: str
    cents: int
    currency: str
    pieces: int = 1


def _price_in_cents(fields):
    amount, currency = fields.pop("price").split()
    return {**fields, "cents": int(amount) * 100, "currency": currency}


def _codec(cls, **upcasters):
    codec = Codec()
    codec.register(cls, **upcasters)
    return codec


def _stored(path):
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute("SELECT * FROM events ORDER BY position").fetchall()


@projection(initial=0, types=(SoldV3,))
def cents_sold(view, recorded):
    return view + recorded.event.cents * recorded.event.pieces


@pytest.fixture
def old_log(log_path):
    """A file written when the event had its first shape."""
    with Log(SqliteBackend(log_path), codec=_codec(SoldV1)) as log:
        log.append(
            "shop-1",
            [SoldV1(article="pen", price="2 EUR"), SoldV1(article="ink", price="7 EUR")],
            expected_version=0,
        )
    return log_path


def test_an_old_log_is_read_and_folded_in_todays_shape(old_log):
    """A file of schema 1 is read as schema 3, whose fields are others, and folded with new ones."""
    codec = _codec(SoldV3, upcasters={1: _price_in_cents})
    with Log(SqliteBackend(old_log), codec=codec) as log:
        log.append(
            "shop-1",
            [SoldV3(article="pad", cents=150, currency="EUR", pieces=2)],
            expected_version=2,
        )
        read = [(r.schema, r.event) for r in log.read("shop-1")]
        total = views.replay(journal_of(log), cents_sold).value

    assert [
        (1, SoldV3(article="pen", cents=200, currency="EUR")),
        (1, SoldV3(article="ink", cents=700, currency="EUR")),
        (3, SoldV3(article="pad", cents=150, currency="EUR", pieces=2)),
    ] == read
    assert total == 200 + 700 + 300


def test_reading_leaves_the_stored_bytes_alone(old_log):
    """Upcasting happens in memory: rows and hash chain are as they were."""
    before = _stored(old_log)
    with Log(SqliteBackend(old_log), codec=_codec(SoldV3, upcasters={1: _price_in_cents})) as log:
        list(log.read_all())
        is_clean = log.verify().is_clean

    assert is_clean
    assert before == _stored(old_log)


def test_an_older_program_says_upgrade_and_reads_the_rest(log_path):
    """A program that knows schema 1 stops at schema 3 by name, while the log stays verifiable."""
    with Log(SqliteBackend(log_path), codec=_codec(SoldV3)) as log:
        log.append("shop-1", [SoldV3(article="pen", cents=1, currency="EUR")], expected_version=0)
    with Log(SqliteBackend(log_path), codec=_codec(SoldV1)) as log:
        with pytest.raises(NewerEventError) as refused:
            list(log.read_all())
        is_clean = log.verify().is_clean

    assert (3, 1, 1) == (refused.value.found, refused.value.known, refused.value.position)
    assert is_clean


def test_without_its_plugin_the_event_is_kept(old_log):
    """A program that does not know the type reads it as it is stored."""
    with Log(SqliteBackend(old_log)) as log:
        first = next(log.read_all()).event

    assert UnrecognisedEvent("shop.sold", 1, '{"article":"pen","price":"2 EUR"}') == first


@pytest.mark.parametrize("fault", [KeyError("x"), ValueError("x"), AttributeError("x")])
def test_a_step_that_fails_names_event_and_position(old_log, fault):
    """Whatever an upcaster raises comes as an error of the stored event."""

    def broken(_fields):
        raise fault

    with (
        Log(SqliteBackend(old_log), codec=_codec(SoldV3, upcasters={1: broken})) as log,
        pytest.raises(StoredEventError) as refused,
    ):
        list(log.read_all())

    assert ("shop.sold", 1) == (refused.value.event_type, refused.value.position)
    assert refused.value.__cause__ is fault


def test_a_step_with_a_wrong_result_is_refused(old_log):
    """What an upcaster returns is checked as strictly as what is stored."""
    with (
        Log(SqliteBackend(old_log), codec=_codec(SoldV3)) as log,
        pytest.raises(StoredEventError, match="price"),
    ):
        list(log.read_all())


def test_steps_run_in_order_and_missing_ones_change_nothing():
    """Each step starts from the schema it is named by; an added field needs none."""
    steps = {1: lambda f: {**f, "a": 1}, 3: lambda f: {**f, "b": f["a"] + 1}}

    assert {"a": 1, "b": 2} == upcast({}, schema=1, known=4, steps=steps)
    assert {"a": 5, "b": 6} == upcast({"a": 5}, schema=2, known=4, steps=steps)
    assert {} == upcast({}, schema=4, known=4, steps=steps)


def test_the_same_class_can_be_registered_twice():
    """Registering a class again is no conflict."""
    codec = _codec(SoldV1)
    codec.register(SoldV1)

    with pytest.raises(InvalidEventError, match="taken"):
        codec.register(SoldV3)
