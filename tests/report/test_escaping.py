"""What others wrote is shown in a terminal and in Markdown, and never carried out."""

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autopack.report.escaping import in_code, in_markdown, on_line, visible

OBEYED = (
    "\x00\x07\x08\r\x1b\x7f\x85\x9b\u061c\u200e\u200f\u202a\u202e\u2066\u2069\u2028\u2029\ufeff"
)
texts = st.text(alphabet=st.sampled_from(f"ab \n\t<&>[]()`*_|#-1.\\:/w{OBEYED}é✓"), max_size=40)


def test_control_characters_are_shown_as_escapes():
    """Line ends and tabs stand, but where a text is one line."""
    assert "\\x1b[31m\n\t\\u202e\\x9bé✓" == visible("\x1b[31m\n\t\u202e\x9bé✓")
    assert "\\x1b[31m\\n\\t\\u202e\\x9bé✓" == on_line("\x1b[31m\n\t\u202e\x9bé✓")


@given(texts)
def test_nothing_is_left_to_obey(text):
    """No control character, nor any that turns or hides what follows; the rest stays."""
    for shown, kept in ((visible(text), "\n\t"), (on_line(text), "")):
        unseen = {mark for mark in shown if unicodedata.category(mark) in ("Cc", "Cf", "Zl", "Zp")}
        assert unseen <= set(kept)
        assert [mark for mark in text if mark.isalnum()] == [
            mark for mark in re.sub(r"\\(x..|u....|[nrt])", "", shown) if mark.isalnum()
        ]


@given(st.text())
def test_once_is_enough(text):
    """What was shown is shown as it is."""
    assert visible(text) == visible(visible(text))
    assert on_line(text) == visible(on_line(text))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;"),
        ("R&D &lt;", "R&amp;D &amp;lt;"),
        ("a | b", r"a \| b"),
        ("`rm`", r"\`rm\`"),
        ("[x](javascript:1)", r"\[x\](javascript:1)"),
        ("![x](y)", r"!\[x\](y)"),
        ("https://evil.example www.evil.example", r"https:\/\/evil.example www\.evil.example"),
        ("# a", r"\# a"),
        ("- a", r"\- a"),
        ("1. a", r"1\. a"),
        ("*a* _b_ c_d ~~e~~", r"\*a\* \_b\_ c_d \~\~e\~\~"),
        ("two\nlines", "two lines"),
        ("C:\\x", "C:\\\\x"),
        (5, "5"),
    ],
)
def test_markdown_shows_a_text_as_it_is(text, shown):
    """No HTML, link, picture, heading, item, table or code is made of it."""
    assert shown == in_markdown(text)


@given(texts)
def test_markdown_of_any_text_is_one_line_without_marks(text):
    """Each sign that Markdown obeys has a backslash before it, or is an entity."""
    shown = in_markdown(text)

    assert "\n" not in shown
    assert not re.search(r"(?<!\\)(?:\\\\)*[<>`|\[\]*]", shown)
    assert not re.search(r"://|^#|^[-+] ", shown)


@given(texts)
def test_code_ends_where_the_text_does(text):
    """However many backticks it holds, the fence is longer than any row of them."""
    shown = in_code(text)
    fence = re.match("`+", shown)[0]

    assert shown.endswith(fence)
    assert "\n" not in shown
    assert fence not in re.sub(f"^{fence}|{fence}$", "", shown) or not text
