"""Lines that are printed above a live view: whole, and each thread's own."""

import io
import threading

import pytest

from autopack.cli.lines_above_view import LinesAbove


@pytest.fixture
def above():
    """A stand-in, and what was shown of it."""
    lines = []
    return LinesAbove(io.StringIO(), lines.append), lines


def test_pieces_become_lines(above):
    """As print() writes them, piece by piece; what was begun comes at the end."""
    stands, lines = above
    for piece in ("one", "\n", "two\nthree\nfo", "ur"):
        stands.write(piece)
    before = list(lines)
    stands.finish()
    stands.finish()

    assert ["one", "two\nthree"] == before
    assert ["four"] == lines[2:]


def test_the_last_of_a_line_that_is_written_over_is_kept(above):
    """A progress bar is one line, and holds no memory."""
    stands, lines = above
    for n in range(1000):
        stands.write(f"\r{n} %")
    stands.writelines(["\r\n", "next\r\n"])

    assert ["999 %", "next"] == lines


def test_threads_do_not_mix_their_lines(above):
    """A piece of one goes on where the same thread left off."""
    stands, lines = above
    stands.write("mine ")
    other = threading.Thread(target=lambda: stands.write("theirs\n"))
    other.start()
    other.join()
    stands.write("too\n")

    assert ["theirs", "mine too"] == lines


def test_it_answers_for_its_stream(above):
    """What else is asked of a stream is the stream's; bytes are refused, as by any text."""
    stands, _lines = above
    stands.flush()

    assert not stands.isatty()
    with pytest.raises(TypeError, match="not bytes"):
        stands.write(b"x")
