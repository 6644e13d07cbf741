"""What Anthropic's Messages API streams, for the tests."""

from loopback_models import Reply

KEY = "sk-ant-test-0123456789"
CALL = "msg_0123456789abcdef"


def begun(given=7, *, call=CALL, **more):
    """Return the event with which a message begins: what came in is known, and little else."""
    usage = {"input_tokens": given, "output_tokens": 1, **more}
    head = {"id": call, "type": "message", "role": "assistant", "model": "m-1", "content": []}
    message = {**head, "stop_reason": None, "stop_sequence": None, "usage": usage}
    return {"type": "message_start", "message": message}


def piece(text):
    """Return a piece of an answer."""
    delta = {"type": "text_delta", "text": text}
    return {"type": "content_block_delta", "index": 0, "delta": delta}


def ended(written=5, *, reason="end_turn", **more):
    """Return the events with which a message ends."""
    delta = {"stop_reason": reason, "stop_sequence": None, **more}
    usage = {"output_tokens": written}
    return [{"type": "message_delta", "delta": delta, "usage": usage}, {"type": "message_stop"}]


def answered(*texts, given=7, written=5, reason="end_turn", call=CALL, **more):
    """Return a whole answer with its figures."""
    block = {"type": "text", "text": ""}
    opened = {"type": "content_block_start", "index": 0, "content_block": block}
    closed = {"type": "content_block_stop", "index": 0}
    pieces = [opened, {"type": "ping"}, *map(piece, texts), closed]
    return Reply(events=[begun(given, call=call, **more), *pieces, *ended(written, reason=reason)])


def refused(status, kind, *, said="no", headers=()):
    """Return an error as Anthropic tells it."""
    error = {"type": "error", "error": {"type": kind, "message": said}}
    return Reply(status=status, headers=dict(headers), body=error)
