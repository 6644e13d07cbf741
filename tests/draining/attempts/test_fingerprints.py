"""Which failures are alike, whatever their times, paths and figures are."""

from hypothesis import given
from hypothesis import strategies as st

from autopack.draining.attempts.fingerprints import fingerprint, normalise


@given(st.text(max_size=300))
def test_a_normal_form_stays_as_it_is(text):
    """Normalising is idempotent, and case makes no difference to it."""
    normal = normalise(text)

    assert normal == normalise(normal)
    assert normal == normalise(text.lower())


_ODD = st.text(alphabet="1a:/\\-. <>ez", max_size=40)


@given(_ODD)
def test_odd_marks_have_a_normal_form_too(text):
    """What looks half like a path, a time or a number is calm after one pass as well."""
    assert normalise(text) == normalise(normalise(text))


_names = st.text(alphabet="abcdefgh_-XYZ0123456789", min_size=1, max_size=8)
_paths = st.one_of(
    st.lists(_names, min_size=1, max_size=4).map(lambda parts: "/" + "/".join(parts) + ".py"),
    st.lists(_names, min_size=1, max_size=4).map(lambda parts: "C:\\" + "\\".join(parts) + ".py"),
    st.lists(_names, min_size=2, max_size=4).map(lambda parts: "/".join(parts) + ".py"),
)
_numbers = st.one_of(st.integers(), st.floats(allow_nan=False, allow_infinity=False))
_times = st.datetimes(timezones=st.none() | st.timezones()).filter(lambda at: at.year >= 1000)
_ids = st.uuids()
_urls = st.builds(
    "https://{}.example:{}/{}?q={}".format, _names, st.integers(1, 9999), _names, _names
)


@given(st.tuples(_paths, _numbers, _ids, _urls), st.tuples(_paths, _numbers, _ids, _urls))
def test_failures_that_differ_in_figures_are_alike(one, other):
    """Other paths, numbers, ids and URLs give an equal fingerprint."""
    said = "cannot open {} after {} tries of job {} from {} (see above)"

    assert fingerprint("io", said.format(*one)) == fingerprint("io", said.format(*other))


@given(_times, _times)
def test_failures_at_other_times_are_alike(one, other):
    """An ISO time is one word, with and without zone, fraction and T."""
    offset = "%H:%M:%S"
    said = [f"at {at.replace(tzinfo=None).isoformat()}: gone" for at in (one, other)]
    plain = [f"at {at.strftime(f'{at.year:04}-%m-%d {offset}')}: gone" for at in (one, other)]

    assert fingerprint("x", said[0]) == fingerprint("x", said[1]) == fingerprint("x", plain[0])
    assert fingerprint("x", plain[0]) == fingerprint("x", plain[1])


def test_a_url_and_an_iso_time_are_one_word_each():
    """What the old system took apart is kept together."""
    text = "GET http://host:80/runs/x failed at 2025-12-28T16:22:03.5Z"

    assert "get <url> failed at <time>" == normalise(text)


def test_different_failures_stay_apart():
    """Words and codes tell failures apart."""
    failures = (("a", "disk full"), ("b", "disk full"), ("a", "no net"))
    prints = {fingerprint(*one) for one in failures}

    assert 3 == len(prints)
