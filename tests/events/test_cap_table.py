"""Caps by unit, as the first event of a run holds them."""

import copy
import pickle
from decimal import Decimal

import pytest

from autopack.errors import InvalidEventError, InvalidInputError, StoredEventError
from autopack.events import RunCreated
from autopack.events.cap_table import CapTable
from autopack.format.codec import Codec
from autopack.values.money import Usd

CODEC = Codec()


def read(caps):
    """Read a run's first event with such caps."""
    return CODEC.decode("run.created", 1, f'{{"run_id":"r","caps":{caps}}}', 1)


@pytest.mark.parametrize("given", [0.1, "0.10", Decimal("0.100"), "1e-1"])
def test_usd_are_kept_as_their_text(given):
    """However they were given; the other units stay numbers, tokens and attempts whole ones."""
    caps = {"usd": given, "tokens": 5.0, "attempts": 2, "minutes": 1.5}
    event = RunCreated(run_id="r", caps=caps)
    _type, _schema, data = CODEC.encode(event)

    assert '{"run_id":"r","caps":{"usd":"0.1","tokens":5,"attempts":2,"minutes":1.5}}' == data
    assert event == CODEC.decode("run.created", 1, data, 1)
    assert CapTable is type(event.caps) is type(read('{"usd":"0.1"}').caps)
    assert Usd is type(read('{"usd":"0.1"}').caps["usd"])


@pytest.mark.parametrize(
    ("stored", "said"),
    [
        ('{"usd":0.1}', "0.1 is no canonical text"),
        ('{"usd":"0.10"}', "'0.10' is no canonical text"),
        ('{"usd":"0"}', "above 0"),
        ('{"usd":null}', "no canonical text"),
        ('{"tokens":"5"}', "the cap in tokens is '5'"),
        ('{"tokens":1.5}', "whole number"),
        ('{"tokens":true}', "the cap in tokens is True"),
        ('{"minutes":-1}', "the cap in minutes is -1"),
        ('{"euros":5}', "no cap is called 'euros'"),
        ("[]", "no table of caps"),
        ('"usd"', "no table of caps"),
    ],
)
def test_what_is_stored_otherwise_is_refused(stored, said):
    """By position, with the cap that is wrong."""
    with pytest.raises(StoredEventError, match=said):
        read(stored)


def test_the_largest_caps_are_kept():
    """Whole numbers up to what any reader of JSON tells apart."""
    most = {"tokens": 2**53, "attempts": 2.0**53, "minutes": 1e12}

    assert {"tokens": 2**53, "attempts": 2**53, "minutes": 1e12} == CapTable.of(most)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"usd": 0}, "the cap in usd is 0; it must be a number above 0"),
        ({"usd": 1e-13}, "above 0"),
        ({"usd": "0.0000000000001"}, "at most 12 decimals"),
        ({"usd": -1}, "below 0"),
        ({"usd": 10**7}, "above 9223372"),
        ({"usd": float("nan")}, "no amount"),
        ({"usd": None}, "no amount"),
        ({"tokens": 2**53 + 1}, "up to 9,007,199,254,740,992"),
        ({"tokens": Decimal(5)}, "the cap in tokens"),
        ({"minutes": 1e13}, "below 1e12"),
        ({"token": 1}, "Did you mean 'tokens'"),
        ("usd", "no table of caps"),
    ],
)
def test_what_is_no_cap_is_refused(given, said):
    """With what was given, before anything is recorded."""
    with pytest.raises(InvalidInputError, match=said):
        CapTable.of(given)
    with pytest.raises(InvalidEventError, match="caps"):
        RunCreated(run_id="r", caps=given)


@pytest.mark.parametrize(
    "change",
    [
        lambda caps: caps.update(usd=0.5),
        lambda caps: caps.__setitem__("usd", float("nan")),
        lambda caps: caps.__delitem__("usd"),
        lambda caps: caps.__ior__({"tokens": 1}),
        lambda caps: caps.setdefault("tokens", 1),
        lambda caps: caps.pop("usd"),
        lambda caps: caps.popitem(),
        lambda caps: caps.clear(),
    ],
)
def test_it_cannot_be_changed(change):
    """So that what is stored is what was checked."""
    event = RunCreated(run_id="r", caps={"usd": 1})

    with pytest.raises(TypeError, match="set_caps"):
        change(event.caps)
    assert {"usd": Usd.of(1)} == event.caps


def test_it_is_copied_as_it_is():
    """Pickled, copied, and as a plain dict."""
    caps = CapTable.of({"usd": 0.1, "tokens": 5})

    assert caps == pickle.loads(pickle.dumps(caps)) == copy.deepcopy(caps) == {**caps}
    assert CapTable is type(copy.copy(caps))


def test_no_caps_leave_no_trace():
    """An event without caps says nothing of them."""
    data = CODEC.encode(RunCreated(run_id="r", caps={}))[2]

    assert '{"run_id":"r"}' == data
    assert {} == CODEC.decode("run.created", 1, data, 1).caps
