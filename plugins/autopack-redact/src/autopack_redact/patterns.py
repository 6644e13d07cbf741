"""What keys look like. Each pattern has a mark: a text without the mark need not be searched."""

import re
from typing import Final

BLANK: Final = "[redacted]"

PATTERNS: Final[tuple[tuple[str, re.Pattern[str], str], ...]] = tuple(
    (mark, re.compile(pattern), replacement)
    for mark, pattern, replacement in (
        # A private key in PEM, also one that is cut off.
        (
            "PRIVATE KEY",
            r"-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(-----END [A-Z ]*PRIVATE KEY-----|\Z)",
            BLANK,
        ),
        # The password of a URL; a user without a password is no secret.
        ("://", r"(://[^/\s:@]*:)[^/\s@]+(?=@)", rf"\1{BLANK}"),
        # An HTTP header.
        ("earer ", r"\b([Bb]earer +)[\w.~+/=-]{16,}", rf"\1{BLANK}"),
        ("asic ", r"\b([Bb]asic +)[A-Za-z0-9+/=]{16,}", rf"\1{BLANK}"),
        # Keys that say whose they are.
        ("sk-", r"\bsk-[A-Za-z0-9_-]{20,}", BLANK),
        ("gh", r"\bgh[opsur]_[A-Za-z0-9]{30,}", BLANK),
        ("github_pat_", r"\bgithub_pat_[A-Za-z0-9_]{20,}", BLANK),
        ("glpat-", r"\bglpat-[A-Za-z0-9_-]{20,}", BLANK),
        ("AKIA", r"\bAKIA[0-9A-Z]{16}\b", BLANK),
        ("ASIA", r"\bASIA[0-9A-Z]{16}\b", BLANK),
        ("AIza", r"\bAIza[A-Za-z0-9_-]{35}", BLANK),
        ("xox", r"\bxox[abeoprs]-[A-Za-z0-9-]{10,}", BLANK),
        ("hf_", r"\bhf_[A-Za-z0-9]{30,}", BLANK),
        # A JSON web token.
        ("eyJ", r"\beyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]*", BLANK),
    )
)
