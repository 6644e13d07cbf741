"""Columns are written alike in all rows, and are not there where nothing is known."""

import re
from decimal import Decimal

import pytest
from starlette.testclient import TestClient

import autopack
from autopack_web import create_app
from autopack_web.columns import UsdColumn


@pytest.mark.parametrize(
    ("amounts", "told"),
    [
        (("1.22", "0.9935", "0.003"), ["1.22", "0.99", "< 0.01"]),
        (("0.758", "0.5449", None), ["0.7580", "0.5449", None]),
        (("0.5", "0.25"), ["0.50", "0.25"]),
        (("1204.1", "-3.456", "0"), ["1,204.10", "-3.46", "0.00"]),
    ],
)
def test_amounts_below_each_other_have_as_many_places(amounts, told):
    """To the cent as soon as one is a dollar; else to what the finest of them needs."""
    known = [None if one is None else Decimal(one) for one in amounts]
    column = UsdColumn(known)

    assert [column.amount(one) for one in known] == told
    assert (column.is_known, UsdColumn([None]).is_known) == (True, False)


@pytest.mark.parametrize("path", ["/runs", "/run/one", "/usage"])
def test_a_column_that_tells_nothing_is_left_out(imported, path):
    """No cost and no attempt is known: nothing is said of them row by row."""
    titles = re.findall('<th scope="col"[^>]*>([^<]*)</th>', imported.get(path).text)

    assert {"calls", "tokens"} <= set(titles)
    assert not {"USD", "attempts", "seconds", "cached"} & set(titles)


def test_a_run_and_a_phase_tell_what_they_used(imported):
    """The run model by model, each with its share; the phase in all, attempts or none."""
    run = imported.get("/run/one?format=json").json()
    page = imported.get("/run/one").text
    phase = imported.get("/phase/one/p?format=json").json()

    assert [one["group"]["model"] for one in run["by_model"]] == ["big", "small"]
    assert [one["use"]["total_tokens"] for one in run["by_model"]] == [20, 10]
    assert re.findall(r"<span>(\d+ %)</span>", page) == ["67 %", "33 %"]
    assert phase["work"]["use"]["total_tokens"] == 30


def test_what_stands_failed_without_an_attempt_is_told_newest_first():
    """As what has attempts is."""
    with autopack.create_log("memory:") as log:
        autopack.create_run(log, "r", [autopack.PhaseSpec(name) for name in ("a", "b")])
        for name in ("a", "b"):
            event = autopack.events.PhaseFailed(run_id="r", phase_id=name, code="x", message="no")
            log.append(f"phase-r/{name}", [event], expected_version=autopack.ANY)
        client = TestClient(create_app(log), base_url="http://127.0.0.1:8642")
        found = client.get("/failures?kind=x&format=json").json()["failed"]

    assert [one["phase"] for one in found] == ["r/b", "r/a"]
