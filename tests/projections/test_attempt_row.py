"""What an attempt's row says of its attempt, whatever its events were."""

import pytest

from autopack.projections.attempt_row import AttemptRow, work_of
from autopack.projections.call_use import Use
from autopack.values.money import Usd

TOLD = Use(calls=1, measured_calls=1, total_tokens=5, measured_output_tokens=5)
NO_TOTAL = Use(calls=2, total_tokens=5, calls_without_total=1)
NO_PRICE = Use(calls=2, total_tokens=5, calls_without_cost=1)
HALF = Use(calls=2, measured_calls=1, measured_output_tokens=5)


def row(**said):
    """Return a row that says so."""
    return AttemptRow(position=1, **said)


@pytest.mark.parametrize(
    ("said", "is_unmetered"),
    [
        ({"ending": "completed", "use": TOLD}, False),
        ({"ending": "completed"}, True),
        ({"ending": "reclaimed"}, True),
        ({"ending": "released"}, False),
        ({"ending": "cancelled"}, False),
        ({"ending": None}, False),
        ({"ending": "completed", "capped": ()}, False),
        ({"ending": "failed", "use": NO_TOTAL}, True),
        ({"ending": "failed", "use": TOLD, "is_misread": True}, True),
        ({"ending": "cancelled", "use": NO_TOTAL}, True),
        ({"ending": "failed", "failure_class": "rate_limited"}, False),
        ({"ending": "failed", "failure_class": "rate_limited", "is_misread": True}, True),
        ({"ending": "failed", "failure_class": "execution"}, True),
        ({"ending": "failed", "use": NO_PRICE}, False),
        ({"ending": "failed", "use": NO_PRICE, "capped": ("tokens", "usd")}, True),
    ],
)
def test_what_ended_under_a_cap_without_telling_all_is_unmetered(said, is_unmetered):
    """One that was given back or called off has told what it could."""
    assert is_unmetered is row(**{"capped": ("tokens",), **said}).is_unmetered


@pytest.mark.parametrize(
    ("said", "tokens", "usd"),
    [
        ({"ending": "completed", "use": TOLD}, 5, "0"),
        ({"ending": "completed"}, 100, "0.2"),
        ({"ending": "released"}, 0, "0"),
        ({"ending": "failed", "failure_class": "auth"}, 0, "0"),
        ({"use": NO_TOTAL}, 105, "0"),
        ({"use": Use(calls=3, calls_without_total=3, calls_without_cost=3)}, 300, "0.6"),
        ({"use": NO_PRICE, "assumed_usd": Usd("0.05")}, 5, "0.05"),
        ({"use": NO_PRICE, "reserved_usd": None}, 5, "0"),
    ],
)
def test_what_was_set_aside_stands_for_each_call_that_did_not_tell(said, tokens, usd):
    """Tokens and price apart; one that was refused, or given back, is known to have used none."""
    found = row(**{"reserved_tokens": 100, "reserved_usd": Usd("0.2"), **said})

    assert (tokens, Usd(usd)) == (found.charged_tokens, found.charged_usd)


@pytest.mark.parametrize(
    ("said", "actual"),
    [
        ({"built": TOLD}, 5),
        ({"built": HALF}, None),
        ({"built": Use()}, None),
        ({"built": TOLD, "is_misread": True}, None),
        ({"is_imported": True, "paired_output_tokens": 7, "built": HALF}, 7),
    ],
)
def test_an_output_is_known_if_all_of_it_was_measured(said, actual):
    """An import brings its own figure."""
    assert actual == row(**said).actual_output_tokens


@pytest.mark.parametrize(
    ("said", "is_met", "is_won"),
    [
        ({"built": TOLD, "success": True}, True, True),
        ({"built": TOLD, "success": False}, True, False),
        ({"built": TOLD, "success": None}, True, False),
        ({"built": HALF, "success": True}, False, False),
        ({"built": TOLD, "success": True, "predicted_output_tokens": None}, False, False),
    ],
)
def test_a_sample_is_won_by_a_measured_output_and_a_completion(said, is_met, is_won):
    """Of an attempt that was predicted; what nobody judged yet teaches nothing."""
    found = row(**{"predicted_output_tokens": 9, **said})

    assert (is_met, is_won) == (found.is_met, found.is_won)


@pytest.mark.parametrize(
    ("said", "is_sample"),
    [
        ({"built": HALF}, True),
        ({"built": Use()}, False),
        ({"is_imported": True}, True),
        ({"built": TOLD, "predicted_output_tokens": None}, False),
    ],
)
def test_a_calibrator_is_shown_what_was_predicted_and_tried(said, is_sample):
    """One without a call tells nothing of sizes."""
    assert is_sample is row(**{"predicted_output_tokens": 9, **said}).is_sample


@pytest.mark.parametrize(
    ("duration_s", "worked_us"), [(1.5, 1_500_000), (0.25, 250_000), (None, 0)]
)
def test_time_at_work_is_counted_to_the_microsecond(duration_s, worked_us):
    """Parts of a second add up."""
    assert worked_us == work_of(row(lease_token="t", duration_s=duration_s)).worked_us
