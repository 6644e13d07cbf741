"""
What providers and their clients call a failure: words, HTTP statuses, exceptions, sentences.

Each table goes from what is told to the class of the failure. Words and statuses are facts; names
of exceptions are those of the clients of OpenAI, Anthropic and Google, of httpx, requests, aiohttp,
urllib3, botocore and Python itself.
"""

import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final


def _table(rows: Iterable[tuple[str, str]]) -> Mapping[str, str]:
    return MappingProxyType({word: name for name, words in rows for word in words.split()})


BY_WORD: Final = _table(
    (
        (
            "usage_limit",
            "usage_limit_reached usage_limit usage_limit_exceeded rate_limit_event five_hour"
            " seven_day"
            " plan_limit_reached",
        ),
        (
            "quota",
            "insufficient_quota billing_error billing_hard_limit_reached credit_balance_too_low"
            " insufficient_balance insufficient_credits insufficient_funds payment_required"
            " billing_not_active budget_exceeded",
        ),
        (
            "rate_limited",
            "rate_limit_error rate_limit rate_limited rate_limit_exceeded rate_limit_reached"
            " too_many_requests resource_exhausted throttling throttled throttlingexception"
            " requests_limit_reached tokens_limit_reached slow_down",
        ),
        (
            "overloaded",
            "overloaded_error overloaded server_error internal_server_error internal_error"
            " api_error"
            " service_unavailable serviceunavailable unavailable bad_gateway model_overloaded"
            " engine_overloaded server_overloaded internal serviceunavailableexception"
            " internalserverexception modelnotreadyexception modelerrorexception",
        ),
        (
            "connection",
            "connection_failed connection_error network_error econnreset econnrefused enotfound"
            " etimedout eai_again epipe econnaborted enetunreach ehostunreach und_err_socket"
            " und_err_connect_timeout stream_error stream_disconnected",
        ),
        (
            "timeout",
            "timeout timeout_error request_timeout deadline_exceeded modeltimeoutexception",
        ),
        (
            "boundary",
            "context_length_exceeded context_window_exceeded prompt_too_long request_too_large"
            " string_above_max_length max_turns model_context_window_exceeded",
        ),
        ("truncated", "max_output_tokens max_tokens output_truncated"),
        (
            "refused",
            "refusal content_filter content_policy_violation responsible_ai_policy_violation safety"
            " prohibited_content recitation",
        ),
        (
            "auth",
            "authentication_error authentication_failed invalid_api_key incorrect_api_key"
            " permission_error permission_denied unauthenticated unauthorized forbidden"
            " invalid_authentication account_deactivated access_terminated accessdeniedexception"
            " unrecognizedclientexception expiredtokenexception invalidsignatureexception"
            " oauth_token_expired token_expired",
        ),
        (
            "invalid_request",
            "invalid_request_error invalid_request not_found_error not_found model_not_found"
            " invalid_argument bad_request unsupported_parameter invalid_value unknown_model"
            " resourcenotfoundexception",
        ),
    )
)
"""Words for the kind of an error: lower case, underscores where a source has other signs."""

_STATUSES: Final = MappingProxyType(
    {
        402: "quota", 401: "auth", 403: "auth", 407: "auth", 408: "timeout", 413: "boundary",
        429: "rate_limited",
    }
)  # fmt: skip

BY_EXCEPTION: Final = _table(
    (
        ("quota", "BudgetExceededError InsufficientQuotaError"),
        (
            "rate_limited",
            "RateLimitError TooManyRequests TooManyRequestsError TooManyRequestsException"
            " ResourceExhausted ThrottlingException RateLimitException",
        ),
        (
            "overloaded",
            "InternalServerError ServiceUnavailableError ServiceUnavailable OverloadedError"
            " BadGateway BadGatewayError GatewayTimeout ServerError ServiceUnavailableException"
            " InternalServerException",
        ),
        (
            "timeout",
            "APITimeoutError TimeoutError ReadTimeout WriteTimeout PoolTimeout TimeoutException"
            " Timeout ServerTimeoutError SocketTimeoutError ReadTimeoutError DeadlineExceeded",
        ),
        (
            "connection",
            "APIConnectionError ConnectionError ConnectionResetError ConnectionRefusedError"
            " ConnectionAbortedError BrokenPipeError ConnectError ReadError WriteError CloseError"
            " RemoteProtocolError ProtocolError NetworkError ProxyError ConnectTimeout"
            " ConnectTimeoutError gaierror herror SSLError SSLZeroReturnError SSLEOFError"
            " ClientConnectionError ClientConnectorError ClientOSError ClientPayloadError"
            " ServerDisconnectedError EndpointConnectionError ConnectionClosedError"
            " ChunkedEncodingError ContentDecodingError NewConnectionError MaxRetryError"
            " NameResolutionError IncompleteRead RemoteDisconnected URLError HTTPClientError"
            " TransportError",
        ),
        (
            "auth",
            "AuthenticationError PermissionDeniedError PermissionDenied Unauthenticated"
            " Unauthorized"
            " Forbidden NoCredentialsError CredentialRetrievalError RefreshError",
        ),
        ("boundary", "ContextWindowExceededError"),
        ("truncated", "LengthFinishReasonError"),
        (
            "refused",
            "ContentPolicyViolationError ContentFilterFinishReasonError BlockedPromptException"
            " StopCandidateException",
        ),
        (
            "invalid_request",
            "BadRequestError UnprocessableEntityError InvalidRequestError InvalidArgument"
            " UnsupportedParamsError NotFoundError",
        ),
    )
)
"""Names of exception classes; of an exception, the nearest of its classes that is here counts."""

OWN_FAULTS: Final = frozenset(
    {
        "ArithmeticError", "AssertionError", "AttributeError", "FileExistsError",
        "FileNotFoundError", "FloatingPointError", "ImportError", "IndexError",
        "IsADirectoryError", "JSONDecodeError", "KeyError", "LookupError", "ModuleNotFoundError",
        "NameError", "NotADirectoryError", "NotImplementedError", "OverflowError",
        "PermissionError", "RecursionError", "SyntaxError", "TypeError", "UnboundLocalError",
        "UnicodeDecodeError", "UnicodeEncodeError", "UnicodeError", "ValidationError", "ValueError",
        "ZeroDivisionError",
    }
)  # fmt: skip
"""Errors of a program about itself: no provider raises them, whatever their words are."""


def by_word(word: object) -> str | None:
    """Return the class that a source's own word for an error stands for, or None."""
    return BY_WORD.get(as_word(word)) if isinstance(word, str) else None


def as_word(word: str) -> str:
    """Return a word as it stands in the table: ``RESOURCE_EXHAUSTED`` and ``rate-limit`` too."""
    return re.sub(r"[\s.-]+", "_", word[:100].strip().lower())


def by_status(status: object) -> str | None:
    """Return the class of an HTTP status, or None of one that is no error."""
    if isinstance(status, bool) or not isinstance(status, int) or not 400 <= status < 600:
        return None
    return _STATUSES.get(status, "overloaded" if status >= 500 else "invalid_request")
