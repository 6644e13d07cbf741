"""The report's page: every number is one of the JSON, nothing is fetched, bytes are stable."""

import json
import re
from datetime import UTC, datetime
from html.parser import HTMLParser

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autopack.ports.prediction import Sample
from autopack.prediction.calibration.backtesting import Backtest, judged, rows_of
from autopack.prediction.calibration.calibrator_fold import run_calibrator
from autopack.prediction.calibration.estimator_state import ProposalRecord, Taught
from autopack.prediction.calibration.median_ratio import MedianRatio
from autopack.prediction.calibration.shrinkage import ShrinkageQuantile
from autopack.prediction.mixture.calibrator import Mixture
from autopack.report.backtest_text import between
from autopack.report.charts import pictures_of
from autopack.report.evaluation import Evaluation, evaluation_json, headline
from autopack.report.evaluation_page import page
from autopack.report.evaluation_summary import summary
from autopack.report.report_values import ReportValues, factor, value_table

AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def samples(n=60):
    """Return samples of two groups, of which some failed and some were cut off."""
    return [
        Sample(
            position=i + 1,
            run_id="r",
            phase_id=f"p{i}",
            attempt=1,
            category="docs" if i % 2 else "<tests>",
            complexity="low",
            predicted_output_tokens=1000,
            actual_output_tokens=400 + 37 * (i % 13),
            estimator="deliverables",
            estimator_version="v2",
            success=i % 11 != 0,
            truncated=i % 17 == 3,
            deliverables=1 + i % 7,
            ended_position=i + 1,
        )
        for i in range(n)
    ]


def evaluation(found):
    """Return an evaluation of samples, with a history of one applied proposal."""
    rows, aside = rows_of(found)
    calibrators = {"mixture": Mixture(), "shrinkage-quantile": ShrinkageQuantile()}
    judgement = judged(rows, calibrators, 0.9)
    multipliers = {"docs/low": 0.75}
    return Evaluation(
        target="/logs/<a>.db",
        log_id="01a2",
        position=len(found),
        made_at=AT,
        estimator="deliverables",
        samples=found,
        proposal=run_calibrator(MedianRatio(old=multipliers, estimator_version="v2"), found),
        taught=(
            Taught(proposal_id="", version="v1"),
            Taught(proposal_id="a1", version="v2", multipliers=multipliers),
        ),
        proposals=(
            ProposalRecord(
                proposal_id="a1",
                estimator="deliverables",
                status="applied",
                estimator_version="v2",
                decided_at=AT,
                by="ann",
                is_current=True,
            ),
        ),
        backtest=Backtest(
            source="01a2",
            tau=0.9,
            rows=len(rows),
            set_aside=aside,
            scores=judgement.scores,
            guarantees=judgement.guarantees,
            without_guarantee=judgement.without_guarantee,
            courses=judgement.courses,
        ),
    )


@pytest.fixture(scope="module")
def data():
    """Return the report's values."""
    return evaluation_json(attrs.evolve(evaluation(samples()), measures=measures()))


def measures():
    """Return backtests of what phases took: costs of all, totals of a few."""
    found = []
    for by, n in (("cost_usd", 60), ("total_tokens", 9)):
        costs = [attrs.evolve(one, truncated=False) for one in samples()[:n]]
        rows, _aside = rows_of(costs)
        judgement = judged(rows, {"mixture": Mixture()}, 0.9, by)
        found.append(
            Backtest(
                source="01a2", by=by, tau=0.9, rows=len(rows), scores=judgement.scores,
                set_aside={"no_measurement": 3},
            )
        )  # fmt: skip
    return found


class Reader(HTMLParser):
    """Takes a page apart: what it shows of the JSON, by path, and all its other text."""

    def __init__(self, text):
        super().__init__()
        self.shown, self.other, self._inside, self._data = [], [], [], None
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        if tag in ("svg", "style"):
            self._inside.append(tag)
        if tag == "data":
            self._data = [dict(attributes), ""]

    def handle_endtag(self, tag):
        if self._inside and tag == self._inside[-1]:
            self._inside.pop()
        if tag == "data":
            self.shown.append(tuple(self._data))
            self._data = None

    def handle_data(self, text):
        if self._data is not None:
            self._data[1] += text
        elif not self._inside:
            self.other.append(text)


def at(data, path):
    """Return the value at a path of the JSON."""
    steps = path.split(".")
    if path.startswith("/"):
        steps = [one.replace("~1", "/").replace("~0", "~") for one in path[1:].split("/")]
    for step in steps:
        data = data[int(step)] if isinstance(data, list) else data[step]
    return data


def figure(text):
    """Return the number that a text shows, and half of its last digit; percent are shares."""
    plain = text.replace(",", "").removesuffix(" %")
    digits, scale = len(plain.partition(".")[2]), 100 if text.endswith(" %") else 1
    return float(plain) / scale, 0.5 * 10**-digits / scale


def test_every_number_is_one_of_the_json(data):
    """What is shown is what its path holds, to the digits that are shown; no other digit is."""
    found = Reader(page(data))

    assert len(found.shown) > 100
    for attributes, text in found.shown:
        value = at(data, attributes["data-path"])
        assert ("" if value is None else str(value)) == attributes["value"]
        if value is None:
            assert "-" == text
        elif isinstance(value, str):
            assert value == text
        else:
            number, half = figure(text)
            assert abs(number - value) <= half + 1e-9
    assert [] == [text for text in found.other if re.search(r"\d", text)]


def test_measures_have_a_row_each(data):
    """Their coverage stands beside how many phases did not tell them; a few get no figures."""
    text, costs = page(data), data["measures"][0]

    assert ["cost_usd", "total_tokens"] == [one["measure"] for one in data["measures"]]
    assert (60, 3) == (costs["phases"], costs["untold"])
    assert 0 < costs["coverage_least"] == costs["coverage_most"]
    for path in ("measures.0.coverage_most", "measures.0.untold", "measures.1.note"):
        assert f'data-path="{path}"' in text
    assert f"| cost_usd | 60 | 3 | {100 * costs['coverage_most']:.1f} %" in summary(data)


outcomes = st.lists(
    st.tuples(
        st.sampled_from([0, 0, 0, 0, 3]),
        st.one_of(st.integers(1, 3000), st.just(90_000)),
        st.sampled_from([False] * 19 + [True]),
    ),
    min_size=1,
    max_size=60,
)
in_time = st.lists(
    st.tuples(st.just(0), st.integers(1, 3000), st.just(False)), min_size=1, max_size=60
)


@given(drawn=st.one_of(outcomes, in_time))
@settings(max_examples=20, deadline=None)
def test_what_the_page_says_is_never_more_than_it_promises(drawn):
    """With outputs that were cut, late and huge; nothing that was missing is left unsaid."""
    (kind,) = samples(1)
    found = [
        attrs.evolve(
            kind,
            position=2 * number + 1,
            ended_position=2 * (number + late) + 2,
            phase_id=f"p{number}",
            actual_output_tokens=size,
            truncated=is_cut,
            success=not is_cut,
        )
        for number, (late, size, is_cut) in enumerate(drawn)
    ]
    values = evaluation_json(evaluation(found))
    told = values["backtest"]["guarantees"]
    text = re.sub(r"<[^>]*>", "", page(values))
    said = re.findall(
        r"prediction is at most ([\d.]+) %, whatever they are; it is ([\d.]+) %", text
    )
    too_few = text.count("rows are too few for a promise")
    open_ones = sum(score["cut"] - score["cut_above"] for score in values["backtest"]["scores"]
                    if (score["calibrator"], score["group"]) == ("mixture", "all"))  # fmt: skip

    assert len(told) == len(said) + too_few
    assert all(float(it_is) <= float(most) for most, it_is in said)
    assert all(one["missed"] <= one["at_most"] for one in told)
    assert 1 == len(told) + len(values["backtest"]["without_guarantee"])
    assert not told or 0 == open_ones == sum(late for late, *_ in drawn[:-1])


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0.0, "0.00"), (1.5, "1.50"), (0.1, "0.10"), (0.017, "0.017"), (0.00113, "0.0011"),
     (1e-9, "0.000000")],
)  # fmt: skip
def test_small_factors_are_told_apart(value, shown):
    """Two digits that count are shown of them, and no more than six places."""
    assert shown == factor(value)


def test_nothing_is_fetched(data):
    """No element names anything outside the page, and there is no script."""
    text = page(data)
    links = re.findall(r'(?:src|href|srcset|action|data)\s*=\s*"([^"]*)"', text)

    assert [] == [link for link in links if not link.startswith("#")]
    assert [] == re.findall(r"<script|<link|@import|url\((?!#)", text)


def test_what_no_row_tells_has_no_column():
    """A column of names stays, whatever they are."""
    shown = ReportValues({"a": None, "b": 2.0, "name": None})
    told = value_table(
        ("group", "coverage", "waste", "its interval"),
        [[shown("name"), shown("b", factor), shown("a", factor), ""]] * 2,
    )

    assert re.findall("<th[^>]*>([^<]*)</th>", told) == ["group", "coverage"]
    assert told.count("2.00") == 2


def test_texts_are_escaped(data):
    """A group's name is text, not markup."""
    text = page(data)

    assert "&lt;tests&gt;" in text
    assert "<tests>" not in text


def test_pictures(data):
    """Each picture is there once, in the page's colours, and the same bytes every time."""
    found = pictures_of(data)

    assert ["pairs", "wastes", "groups", "history", "courses"] == list(found)
    assert found == pictures_of(json.loads(json.dumps(data)))
    assert all("var(--c" in one and one.startswith("<svg ") for one in found.values())
    assert 5 == page(data).count("<details>")


def test_a_picture_of_nothing_is_left_out():
    """Without samples the page says what to do, and no picture is drawn."""
    data = evaluation_json(
        attrs.evolve(evaluation([]), taught=(Taught(proposal_id="", version="v1"),))
    )
    text = page(data)

    assert {} == pictures_of(data)
    assert "drain some phases" in text


def test_markdown(data):
    """It tells the same: the headline, the tiers, the groups, the calibrators."""
    text = summary(data)

    assert headline(data) in text
    for tier in data["tiers"]:
        told = between(tier["underestimated"], tier["underestimated_most"])
        assert f"| {tier['n']} | {told} |" in text
    for group in data["groups"]:
        assert group["advice"] in text


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"truncated": 0.03}, "cut off"),
        ({"underestimated_most": 0.06}, "larger than predicted"),
        ({"waste_p50": 3.0}, "lower them"),
        ({}, "Both targets are met"),
    ],
)
def test_headlines(changes, said):
    """What is said first is the costliest fault."""
    tier = {"stratum": "all", "truncated": 0.0, "underestimated_most": 0.0, "waste_p50": 1.2}
    targets = {"truncated": 0.02, "underestimated": 0.05}

    assert said in headline({"tiers": [{**tier, **changes}], "targets": targets, "history": [{}]})


def test_a_correction_that_nothing_was_measured_since_comes_first():
    """What was just corrected is not asked for again."""
    found = evaluation([attrs.evolve(one, estimator_version="v1") for one in samples()])
    before = headline(evaluation_json(found))
    once = attrs.evolve(found, samples=[*found.samples, *samples(1)])

    assert before.startswith("The estimates were corrected, to version v2, and nothing")
    assert "corrected" not in headline(evaluation_json(once))
