"""What an OpenAI-compatible endpoint streams, for the tests."""

from loopback_models import Reply

KEY = "sk-test-0123456789"
DONE = "data: [DONE]\n\n"


def piece(text=None, *, reason=None, call="chatcmpl-0123456789abcdef", **more):
    """Return a chunk with a piece of an answer."""
    delta = {} if text is None else {"content": text}
    choice = {"index": 0, "delta": delta, "finish_reason": reason}
    return chunk(call, choices=[choice], **more)


def figures(given, written, *, call="chatcmpl-0123456789abcdef", **more):
    """Return the chunk with the figures of a call."""
    total = given + written
    usage = {"prompt_tokens": given, "completion_tokens": written, "total_tokens": total, **more}
    return chunk(call, choices=[], usage=usage)


def chunk(call, **more):
    return {"id": call, "object": "chat.completion.chunk", "created": 1, "model": "m-1", **more}


def answered(*texts, given=7, written=5, reason="stop", call="chatcmpl-0123456789abcdef", **more):
    """Return a whole answer with its figures."""
    pieces = [piece(text, call=call) for text in texts]
    end = piece(reason=reason, call=call)
    return Reply(events=[*pieces, end, figures(given, written, call=call, **more), DONE])


def refused(status, *, kind=None, code=None, said="no", headers=(), **more):
    """Return an error as OpenAI tells it."""
    error = {"message": said, "type": kind, "code": code, "param": None, **more}
    return Reply(status=status, headers=dict(headers), body={"error": error})
