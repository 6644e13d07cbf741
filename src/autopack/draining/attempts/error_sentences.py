"""
What providers and their clients say of a failure, in sentences.

A sentence is the last evidence. It counts where it begins a line, at most after what a program puts
before an error, so that a test, a path or a page about rate limits is none.
"""

import re
from typing import Any, Final

from autopack.draining.attempts.error_words import BY_EXCEPTION, BY_WORD, as_word

_SENTENCES: Final = tuple(
    (name, re.compile(pattern, re.IGNORECASE))
    for name, pattern in (
        (
            "usage_limit",
            r"you[’']?(?:ve|\shave) (?:hit|reached) your (?:[\w-]+ ){0,3}limit\b"
            r"|(?:claude )?(?:ai )?(?:usage|session|weekly|5-hour|five-hour|opus|sonnet"
            r"|daily) (?:weekly )?"
            r"limit (?:reached|exceeded|hit)\b",
        ),
        (
            "quota",
            r"(?:your )?credit balance (?:is )?too low|insufficient[ _](?:quota|balance|credits?"
            r"|funds)"
            r"|payment required|(?:you[’']?(?:ve|\shave)?"
            r"|your account has) (?:run )?out of credits?"
            r"|quota exceeded\. check your plan and billing"
            r"|(?:monthly |hard |spend(?:ing)? |billing )+limit (?:has been )?reached",
        ),
        (
            "rate_limited",
            r"rate[ _-]?limit(?:ed|s|[ _]error|[ _]exceeded|[ _]reached)?(?!\.\w|[\w/])"
            r"|too many requests\b"
            r"|(?:request )?rate exceeded|resource[_ ](?:has been )?exhausted"
            r"|too many tokens, please wait|(?:you )?exceeded your (?:current )?quota"
            r"|quota exceeded|(?:request )?(?:was )?throttled|throttling",
        ),
        (
            "overloaded",
            r"(?:server |model |engine )?(?:is )?(?:currently )?overloaded|internal server error"
            r"|service (?:temporarily )?unavailable|bad gateway|gateway time-?out|server[_ ]error"
            r"|(?:we[’']?re |we are )?(?:currently )?experiencing high demand"
            r"|(?:the )?(?:selected )?(?:model|engine|server) is (?:currently )?(?:overloaded"
            r"|at capacity)"
            r"|at capacity\b|the engine is currently overloaded",
        ),
        (
            "connection",
            r"connection (?:error|failed|refused|reset|aborted|closed|timed out|to \S+ failed)"
            r"|could(?:n['’]t| not) (?:resolve|connect)|failed to connect|connect(?:ion)? ?error"
            r"|(?:read |write |connect |getaddrinfo |fetch failed\W{1,4}"
            r"|request to \S+ failed, reason: )*"
            r"(?:ECONNRESET|ECONNREFUSED|ENOTFOUND|ETIMEDOUT|EAI_AGAIN|EPIPE|ECONNABORTED"
            r"|ENETUNREACH"
            r"|EHOSTUNREACH)\b|fetch failed\b|socket hang up|network (?:error|is unreachable)"
            r"|no route to host"
            r"|temporary failure in name resolution|name or service not known|nodename nor servname"
            r"|(?:the )?(?:server|peer|remote end|other side|host) (?:disconnected|closed)"
            r"|broken pipe"
            r"|stream (?:disconnected|closed|ended) before|incomplete (?:chunked )?read"
            r"|terminated \(cause"
            r"|error sending request|(?:tls|ssl)[ \w]{0,20}(?:handshake|error|eof|closed)"
            r"|\(?\d{1,2}\) (?:could not resolve|failed to connect|connection|recv failure"
            r"|operation timed out"
            r"|ssl|empty reply|openssl)|unexpected eof|waiting for network",
        ),
        (
            "boundary",
            r"(?:the )?(?:prompt|input|request|conversation) (?:is )?too (?:long|large)"
            r"|(?:your )?input exceeds the context|this model[’']s maximum context"
            r"|maximum context length"
            r"|context[_ ](?:length|window) (?:is )?exceeded|context_length_exceeded"
            r"|codex ran out of room|reached maximum number of turns|max(?:imum)? turns",
        ),
        (
            "truncated",
            r"claude[’']s response exceeded the [\d,]+ output token"
            r"|incomplete response returned, reason: max_output_tokens"
            r"|(?:the )?(?:output|response|answer|completion|message|reply) (?:was |is |got )?"
            r"(?:truncated|cut (?:off|short))"
            r"|finished with stop_reason\W{1,3}(?:length|max_tokens)"
            r"|(?:reached|exceeded|hit) (?:the )?max_?(?:output_)?tokens"
            r"|max_?(?:output_)?tokens (?:was |is )?(?:reached|exceeded|hit)"
            r"|output token (?:maximum|limit)",
        ),
        (
            "refused",
            r"[\w. ]{0,30}safeguards flagged|[\w ]{0,40}violates? (?:our |the )?(?:usage"
            r"|content) polic"
            r"|(?:response|prompt|content) (?:was )?(?:blocked|filtered) (?:by|due to) (?:the )?"
            r"(?:safety|content)|claude code is unable to respond to this request",
        ),
        (
            "auth",
            r"(?:invalid|incorrect|missing|no) (?:x-)?api[ -]?key\b|not logged in\b"
            r"|please run /login"
            r"|authentication[ _](?:error|failed|required)|failed to authenticate"
            r"|missing environment variable: `?\w*(?:KEY|TOKEN)|oauth token (?:has )?(?:expired"
            r"|revoked)"
            r"|(?:token|credentials?) (?:has |have )?expired|you do not have access to this model",
        ),
        (
            "invalid_request",
            r"there[’']s an issue with the selected model|the model `?[\w.:/-]+`? does not exist"
            r"|invalid[ _]request(?:[ _]error)?|bad request|unsupported parameter",
        ),
        (
            "timeout",
            r"(?:the )?(?:request|operation|read|api|call)?\s?timed? ?out|deadline exceeded",
        ),
    )
)
_ELEMENT: Final = re.compile(
    r"[\W_]{0,6}(?:\d{4}-\d\d-\d\dT?\S*|\d\d:\d\d\S*|[45]\d\d|errno -?\d{1,3}|error|err!?"
    r"|warn(?:ing)?|fatal|critical|npm|api|request|exception|uncaught|unexpected|code|llm|openai|anthropic|claude"
    r"|codex|gemini|google|litellm|httpx|requests|curl|groq|mistral|bedrock|azure|ollama|provider"
    r"|reconnecting\W{1,5}\d/\d"
    r"|(?:\w{1,40}\.){0,6}\w{0,40}(?:Error|Exception|Exhausted|Unavailable|Timeout))[\W_]{1,6}",
    re.IGNORECASE,
)
"""What a program may put before an error's sentence: a time, a level, a name, a class, a code."""

_ELEMENTS_MOST: Final = 6
_RAISED: Final = re.compile(
    r"\s*(?:\w{1,40}\.){0,6}(\w{1,40}(?:Error|Exception|Exhausted|Unavailable|Timeout\w{0,10}"
    r"|gaierror|Requests))(?::|$)"
)
_STATUS: Final = re.compile(
    r"(?:(?:error|(?:unexpected |last )?status|http|code|rejected)[\s:=(\"'/]{1,4}"
    r"(?:[\d.]{3}\s)?(?:(?:status|code)[\s:=\"']{1,3})*)?"
    r"\(?(?P<status>[45]\d\d)\b(?=[\s:,;)}\-\"'.]|$)(?!\s*(?:passed|failed|tests?|s\b|ms\b|lines?"
    r"|tokens?))",
    re.IGNORECASE,
)
_NAMED_STATUS: Final = re.compile(
    r"(?:http(?:/[\d.]+)?|status|error code|last status|status code|request rejected)"
    r"[\s:=(\"']{1,4}(?:code[\s:=\"']{1,3})?(?P<status>[45]\d\d)\b",
    re.IGNORECASE,
)
_CODE: Final = re.compile(r"\"(?:type|code|status|reason)\"\s*:\s*\"([A-Za-z_]{3,60})\"")


def by_sentence(text: str, *, anywhere: bool = False) -> tuple[str, str] | None:
    """
    Return the class of what a provider says, and the words that say it; None if none does.

    Args:
        text: At most some thousand characters; each line is looked at.
        anywhere: Whether it is known that a provider speaks, so that a sentence may stand anywhere.
    """
    for line in text.splitlines():
        starts = _starts(line)
        for name, pattern in _SENTENCES:
            looked = (
                [pattern.search(line)] if anywhere else (pattern.match(line, n) for n in starts)
            )
            found = next((one for one in looked if one is not None and one[0].strip()), None)
            if found is not None:
                return name, found[0].strip()
        raised = _RAISED.match(line)
        if raised and (kind := BY_EXCEPTION.get(raised[1])):
            return kind, raised[0].strip(" :")
    return None


def facts_in(text: str, *, anywhere: bool = False) -> dict[str, Any]:
    """
    Return the status and the words for an error that stand in what a provider says.

    Args:
        text: A sentence such as ``API Error: 529 {"error": {"type": "overloaded_error"}}``.
        anywhere: As for :func:`by_sentence`.
    """
    for line in text.splitlines():
        found = next(filter(None, (_STATUS.match(line, n) for n in _starts(line))), None)
        is_told = anywhere or (line.lstrip(" [(").startswith("{") and '"error"' in line)
        if found is None and is_told:
            found = _NAMED_STATUS.search(line)
        words = [word for word in _CODE.findall(line) if as_word(word) in BY_WORD]
        status = {"http_status": int(found["status"])} if found else {}
        if status or (words and is_told):
            return status | ({"error": words[-1]} if words else {})
    return {}


def _starts(line: str) -> list[int]:
    """Return where a sentence may begin: at the line's first word, and after what is before it."""
    starts = [len(line) - len(line.lstrip())]
    while len(starts) <= _ELEMENTS_MOST and (found := _ELEMENT.match(line, starts[-1])):
        starts.append(found.end())
    return starts
