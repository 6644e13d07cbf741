"""The trial of real clients: its plan's window, and what it calls a fault."""

import time

from tests.clients.real import Window, faults_of, refusal

GOOD = {"phases": 2, "tokens_in_log": [9, 8], "tokens_at_server": [9, 8], "requests_refused": 1}


def test_a_window_closes_in_the_midst_and_opens_again():
    """Once, after so many answers, for so long."""
    window = Window(after=2, lasts_s=0.2)
    begun = [window.is_closed() for _ in range(4)]
    time.sleep(0.3)
    after = [window.is_closed() for _ in range(4)]

    assert ([False, False, True, True], [False] * 4) == (begun, after)
    assert (6, 2) == (window.answered, window.refused)


def test_a_vendor_tells_when_it_opens():
    """Each in its own way."""
    resets_at = round(time.time()) + 20
    _error, headers = refusal("anthropic", resets_at)
    error, _headers = refusal("responses", resets_at)

    assert str(resets_at) == dict(headers)["anthropic-ratelimit-unified-reset"]
    assert resets_at == error["error"]["resets_at"]


def test_what_is_not_as_it_should_be_is_named():
    """Phases that did not complete, other tokens than the server's, a limit that nobody met."""
    odd = {**GOOD, "phases": 1, "tokens_in_log": [9, 7], "requests_refused": 0}

    assert [] == faults_of(GOOD, 2)
    assert [
        "1 of 2 phases completed", "the log has [9, 7] tokens, not [9, 8]",
        "the limit was never met",
    ] == faults_of(odd, 2)  # fmt: skip
