"""What the workspace ``worktree`` can be asked for, checked."""

import re
from pathlib import Path
from typing import Any, Final, Literal, get_args

import attrs

Integrate = Literal["branch", "fast-forward", "rebase", "ask"]
OnConflict = Literal["retry", "ask"]
Submodules = Literal["init", "empty"]

_SECRET: Final = re.compile(r"https?://[^/@]*@|\w+://[^/@:]*:[^/@]*@")
KEEP_S: Final = 3 * 86_400.0


def _one_of(kind: Any) -> Any:
    words = get_args(kind)

    def check(_self: object, field: "attrs.Attribute[Any]", value: object) -> None:
        if value is not None and value not in words:
            raise ValueError(f"{field.name} is {value!r}; it is one of {', '.join(words)}.")

    return check


def _seconds(_self: object, field: "attrs.Attribute[Any]", value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not value >= 0:
        raise ValueError(f"{field.name} is {value!r}; give seconds, from 0.")


def _remote(_self: object, field: "attrs.Attribute[Any]", value: object) -> None:
    if not isinstance(value, str) or not value or value.startswith("-"):
        raise ValueError(f"{field.name} is {value!r}; give an address, as `git clone` takes it.")
    if _SECRET.match(value):
        raise ValueError(
            f"{field.name} has a user or a password in it, and the log would keep that: leave it "
            "out, and let git's credential helper tell it."
        )


def _folder(value: str | Path | None) -> Path | None:
    return None if value is None else Path(value).expanduser().absolute()


@attrs.frozen(kw_only=True)
class Options:
    """The options of ``worktree``; :class:`autopack_git.Worktrees` says what each means."""

    integrate: Integrate = attrs.field(default="branch", validator=_one_of(Integrate))
    repository: Path | None = attrs.field(default=None, converter=_folder)
    remote: str | None = attrs.field(default=None, validator=attrs.validators.optional(_remote))
    target: str | None = attrs.field(
        default=None, validator=attrs.validators.optional(attrs.validators.instance_of(str))
    )
    trees: Path | None = attrs.field(default=None, converter=_folder)
    keep_failed_s: float = attrs.field(default=KEEP_S, validator=_seconds)
    on_conflict: OnConflict = attrs.field(default="retry", validator=_one_of(OnConflict))
    submodules: Submodules | None = attrs.field(default=None, validator=_one_of(Submodules))

    def plain(self) -> dict[str, Any]:
        """Return those that were given, as JSON has them."""
        told = attrs.asdict(self)
        return {n: str(v) if isinstance(v, Path) else v for n, v in told.items() if v is not None}
