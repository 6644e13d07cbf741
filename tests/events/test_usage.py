"""A call's figures: which can stand beside each other, and which say that its output was cut."""

import pytest

from autopack.events.usage import figure_fault, is_cut_off, says_cut

CUT_WORDS = [
    "max_tokens", "length", "MAX_TOKENS", "Max-Tokens", "max_output_tokens", "incomplete",
    "max_completion_tokens", "max_new_tokens", "model_context_window_exceeded", "model_length",
    "token_limit", "FinishReason.MAX_TOKENS", "FINISH_REASON_MAX_TOKENS", "StopReason.length",
    "<FinishReason.MAX_TOKENS:2>",
]  # fmt: skip


@pytest.mark.parametrize("word", CUT_WORDS)
def test_a_word_for_a_cut_output_is_known_in_every_spelling(word):
    """Of each provider, as a word or as an enumeration prints it."""
    assert says_cut(word)


@pytest.mark.parametrize("word", ["stop", "end_turn", "tool_use", "STOP", "", None, 2, "maximum"])
def test_other_words_say_nothing_of_a_cut(word):
    """Whatever they are."""
    assert not says_cut(word)


@pytest.mark.parametrize(
    ("figures", "is_cut"),
    [
        ({"stop_reason": "stop", "output_tokens": 2048, "max_tokens": 2048}, True),
        ({"output_tokens": 2049, "max_tokens": 2048}, True),
        ({"stop_reason": "stop", "output_tokens": 2047, "max_tokens": 2048}, False),
        ({"output_tokens": 2047, "max_tokens": 2048}, None),
        ({"output_tokens": 2048}, None),
        ({"output_tokens": 0, "max_tokens": 0}, None),
        ({"stop_reason": "length"}, True),
    ],
)
def test_an_output_as_long_as_it_was_allowed_to_be_was_cut(figures, is_cut):
    """Whatever reason was given; where nothing says, nobody knows."""
    assert is_cut is is_cut_off(figures)


@pytest.mark.parametrize(
    ("name", "figures", "meant"),
    [
        ("input_tokens", {"input_tokens": 25, "cache_read_tokens": 41_000}, "give 41025"),
        (
            "input_tokens",
            {"input_tokens": 100, "cache_read_tokens": 70, "cache_write_tokens": 70},
            "give 240",
        ),
        ("output_tokens", {"output_tokens": 60, "reasoning_tokens": 280}, "give 340"),
        ("total_tokens", {"input_tokens": 100, "output_tokens": 60, "total_tokens": 20}, "Leave"),
        ("total_tokens", {"input_tokens": 100, "output_tokens": 60, "total_tokens": 200}, "Leave"),
        ("total_tokens", {"input_tokens": 100, "total_tokens": 90}, "Leave"),
        (
            "total_tokens",
            {"input_tokens": 99, "output_tokens": 9, "cache_read_tokens": 5, "total_tokens": 113},
            "input_tokens is 104",
        ),
        (
            "total_tokens",
            {"input_tokens": 9, "output_tokens": 9, "reasoning_tokens": 7, "total_tokens": 25},
            "give 16",
        ),
    ],
)
def test_figures_that_cannot_be_so_together_are_named(name, figures, meant):
    """With what was probably meant."""
    fault = figure_fault(figures)

    assert fault is not None
    assert (name, True) == (fault[0], meant in fault[1])


@pytest.mark.parametrize(
    "figures",
    [
        {},
        {"total_tokens": 20},
        {"input_tokens": 100, "total_tokens": 160},
        {"input_tokens": 100, "output_tokens": 60, "total_tokens": 160},
        {"input_tokens": 140, "cache_read_tokens": 70, "cache_write_tokens": 70},
        {"output_tokens": 60, "reasoning_tokens": 60},
        {"cache_read_tokens": 70},
        {"input_tokens": None, "output_tokens": 60, "total_tokens": None},
    ],
)
def test_figures_that_can_be_so_pass(figures):
    """What is unknown contradicts nothing."""
    assert figure_fault(figures) is None
