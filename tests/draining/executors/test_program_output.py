"""Captures and lines: bounded, and independent of how a stream is cut into pieces."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from autopack.draining.executors import program_output
from autopack.draining.executors.program_output import Capture, Lines


def pieces(data, cuts):
    places = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    return [data[a:b] for a, b in itertools.pairwise(places)] or [b""]


@given(st.binary(max_size=300), st.lists(st.integers(0, 300), max_size=8), st.integers(1, 120))
def test_a_capture_keeps_both_ends(data, cuts, cap):
    """However it comes, what is kept is the start and the end; all of it where there is room."""
    capture = Capture(cap)
    for piece in pieces(data, cuts):
        capture.feed(piece)
    half = max(1, cap // 2)
    text = capture.text()
    kept = [part.decode("utf-8", "replace").replace("\x00", "\ufffd") for part in
            (data[:half], data[len(data) - half :], data)]  # fmt: skip
    head, cut, tail = text.partition("\n[... ")

    assert len(data) == capture.n_bytes
    assert (len(data) <= 2 * half) == capture.is_whole
    if capture.is_whole:
        assert kept[2] == text
    else:
        assert cut
        assert kept[0].startswith(head)
        assert kept[1].endswith(tail.partition(" bytes cut ...]\n")[2])


@given(st.text(alphabet='ab ,"', max_size=300), st.integers(1, 120))
def test_a_capture_tells_how_much_is_missing(data, cap):
    """What was kept and what was cut are all of it."""
    capture = Capture(cap)
    capture.feed(data.encode())
    head, cut, rest = capture.text().partition("\n[... ")
    n_cut, _, tail = rest.partition(" bytes cut ...]\n")

    assert len(data) == len(head) + (int(n_cut) if cut else 0) + len(tail)


def test_a_capture_cuts_where_a_word_ends():
    """Half a key is none to whoever looks for keys; what is longer than any is cut where it is."""
    key, long = "sk-ant-api03-Xb4nDf7kQ2mZ8rLw", Capture(100)
    long.feed(b"x" * 9_000)
    texts = []
    for cap in range(40, 140):
        capture = Capture(cap)
        capture.feed(f'first {key}, then {"y " * 90}"{key}" and last'.encode())
        texts.append(capture.text().replace(key, ""))

    assert [] == [text for text in texts if "Xb4n" in text or "8rLw" in text]
    assert f"{'x' * 50}\n[... 8900 bytes cut ...]\n{'x' * 50}" == long.text()


_WORDS = st.text(alphabet="ab ", max_size=9)


@given(st.lists(st.tuples(st.booleans(), _WORDS), max_size=9), st.integers(1, 20))
def test_last_words_leave_out_what_is_mute(lines, n_chars):
    """They are the end of the other lines, joined, whatever stands between them."""
    capture = Capture(10_000)
    capture.feed("\n".join(f"#{text}" if is_mute else text for is_mute, text in lines).encode())
    words = " ".join(text for is_mute, text in lines if not is_mute).split()
    found = capture.last_words(n_chars, lambda line: line.startswith("#"))

    if words and len(words[-1]) > n_chars:
        assert f"a word of {len(words[-1])} characters" == found
    else:
        assert found == " ".join(words[len(words) - len(found.split()) :])
        assert len(found) <= n_chars
        assert bool(words) == bool(found)


def test_last_words_leave_out_half_a_line():
    """What a bound cut in two cannot be told from what is mute; alone, it is all there is."""
    cut, alone = Capture(20), Capture(20)
    cut.feed(b"begin\n" + b"x" * 30 + b"\nend")
    alone.feed(b"x" * 30)

    assert "begin end" == cut.last_words(50, lambda _line: False)
    assert "x" * 10 == alone.last_words(50, lambda _line: False)


@given(st.lists(st.text(alphabet="ab{}\"é", max_size=9), max_size=9), st.booleans(),
       st.lists(st.integers(0, 300), max_size=8))  # fmt: skip
def test_lines_are_whole_however_they_come(texts, has_end, cuts):
    """Multi-byte characters and lines may be cut anywhere; a last line needs no end."""
    data = "\n".join(texts).encode() + (b"\n" if has_end else b"")
    lines = Lines()
    found = [line for piece in pieces(data, cuts) for line in lines.feed(piece)]
    found += lines.finish()
    expected = data.decode().split("\n")

    assert (expected[:-1] if expected[-1] == "" else expected) == found


def test_a_line_that_is_too_long_is_dropped_and_counted(monkeypatch):
    """Memory stays bounded, and the next line is read."""
    monkeypatch.setattr(program_output, "LONGEST_LINE_BYTES", 10)
    lines = Lines()
    found = [line for _ in range(3) for line in lines.feed(b"123456")]
    found += [*lines.feed(b"789\nok\n"), *lines.finish()]

    assert (["ok"], 1) == (found, lines.n_dropped)


def test_a_capture_of_gigabytes_stays_small():
    """What is held does not grow with what was fed."""
    capture = Capture(1000)
    for _ in range(2000):
        capture.feed(b"x" * 65_536)

    assert 131_072_000 == capture.n_bytes
    assert len(capture.text()) < 1100
    assert sum(len(piece) for piece in capture._tail) < 2000
