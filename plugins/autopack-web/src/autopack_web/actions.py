"""What can be done in a page: each by the library's own function, which records who and why."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl

import attrs
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

import autopack
from autopack import AutopackError
from autopack.errors import InvalidInputError
from autopack_web.answers import Page, json_answer, refusal, wants_json
from autopack_web.pages import acted
from autopack_web.security import why_refused
from autopack_web.templating import link

if TYPE_CHECKING:
    from autopack import Log

_BODY_MOST: Final = 64 * 1024
_ANSWERS_S: Final = 2.0
_SHOWN_MOST: Final = 20


@attrs.frozen
class Form:
    """The fields of a form that was sent."""

    fields: Mapping[str, str]

    def text(self, name: str) -> str | None:
        """Return a field, or None if it was left empty."""
        return self.fields.get(name, "").strip() or None

    def needed(self, name: str) -> str:
        """
        Return a field.

        Raises:
            InvalidInputError: It is empty.
        """
        found = self.text(name)
        if found is None:
            raise InvalidInputError(f"The form has no {name}.", name=name, value=None)
        return found

    @property
    def why(self) -> str:
        """The reason, which the library refuses where it needs one and there is none."""
        return self.text("why") or ""

    @property
    def actor(self) -> str:
        """Who does it, by their own word."""
        return self.text("actor") or "user"

    @property
    def phase(self) -> tuple[str, str]:
        """Which phase is meant."""
        return self.needed("run"), self.needed("phase")

    def amounts(self, kinds: "Mapping[str, Callable[[str], Any]]") -> dict[str, Any]:
        """
        Return the fields that are filled in, by name; ``none`` is None.

        Raises:
            InvalidInputError: One is no number.
        """
        found: dict[str, Any] = {}
        for name, kind in kinds.items():
            told = self.text(name)
            if told is None:
                continue
            try:
                found[name] = None if told.lower() == "none" else kind(told)
            except ValueError as fault:
                raise InvalidInputError(
                    f"{name} is {told!r}: give a number, or none for no limit.",
                    name=name,
                    value=told,
                ) from fault
        return found


_CAPS: Final[Mapping[str, Callable[[str], Any]]] = {
    "usd": str, "tokens": int, "attempts": int, "minutes": float,
}  # fmt: skip
_SETTINGS: Final[Mapping[str, Callable[[str], Any]]] = {
    "workers": int, "timeout_s": float, "max_usd": str, "max_tokens": int, "max_phases": int,
    "max_minutes": float, "requests_per_minute": float, "tokens_per_minute": float,
}  # fmt: skip


def _decide_gate(log: "Log", form: Form) -> None:
    decision: Any = form.needed("decision")
    autopack.decide_gate(log, form.phase, decision=decision, why=form.why, actor=form.actor)


def _requeue(log: "Log", form: Form) -> None:
    is_fresh = form.text("fresh") is not None
    autopack.requeue(log, form.phase, why=form.why, actor=form.actor, fresh=is_fresh)


def _cancel(log: "Log", form: Form) -> None:
    autopack.cancel(log, form.phase, why=form.why, actor=form.actor)


def _skip(log: "Log", form: Form) -> None:
    autopack.skip(log, form.phase, why=form.why, actor=form.actor)


def _pause_run(log: "Log", form: Form) -> None:
    autopack.pause_run(log, form.needed("run"), why=form.why, actor=form.actor)


def _resume_run(log: "Log", form: Form) -> None:
    autopack.resume_run(log, form.needed("run"), why=form.why, actor=form.actor)


def _set_caps(log: "Log", form: Form) -> None:
    caps = form.amounts(_CAPS)
    autopack.set_caps(log, form.needed("run"), caps, why=form.why, actor=form.actor)


def _decide_cap(log: "Log", form: Form) -> None:
    decision: Any = form.needed("decision")
    raised = form.amounts(_CAPS) if decision == "approve" else {}
    scope = form.needed("scope")
    autopack.decide_cap(
        log, scope, decision=decision, raise_to=raised, why=form.why, actor=form.actor
    )


def _set_drain(log: "Log", form: Form) -> None:
    changes = form.amounts(_SETTINGS)
    autopack.set_drain(
        log, drain=form.text("drain"), why=form.why, actor=form.actor, wait_s=_ANSWERS_S, **changes
    )


def _pause_drain(log: "Log", form: Form) -> None:
    is_now = form.text("now") is not None
    autopack.pause_drain(
        log,
        drain=form.text("drain"),
        now=is_now,
        why=form.text("why"),
        actor=form.actor,
        wait_s=_ANSWERS_S,
    )


def _resume_drain(log: "Log", form: Form) -> None:
    autopack.resume_drain(
        log,
        drain=form.text("drain"),
        why=form.text("why"),
        actor=form.actor,
        wait_s=_ANSWERS_S,
    )


def _open_account(log: "Log", form: Form) -> None:
    account, model = form.needed("account"), form.text("model")
    autopack.open_account(log, account, model=model, why=form.why, actor=form.actor)


def _apply(log: "Log", form: Form) -> None:
    autopack.apply(log, _proposal(log, form), actor=form.actor, force_why=form.text("force_why"))


def _reject(log: "Log", form: Form) -> None:
    autopack.reject(log, _proposal(log, form), why=form.why, actor=form.actor)


def _proposal(log: "Log", form: Form) -> Any:
    """Return the proposal that was looked at: of the log as it stood on that page."""
    told = form.needed("position")
    if not (told.isdecimal() and len(told) < 19):
        raise InvalidInputError(f"{told!r} is no position.", name="position", value=told)
    return autopack.calibrate(log.as_of(int(told)))


ACTIONS: Final[Mapping[str, Callable[["Log", Form], None]]] = {
    "decide-gate": _decide_gate,
    "requeue": _requeue,
    "cancel": _cancel,
    "skip": _skip,
    "pause-run": _pause_run,
    "resume-run": _resume_run,
    "set-caps": _set_caps,
    "decide-cap": _decide_cap,
    "set-drain": _set_drain,
    "pause-drain": _pause_drain,
    "resume-drain": _resume_drain,
    "open-account": _open_account,
    "apply": _apply,
    "reject": _reject,
}
"""Every action, by the last part of its path."""


def action_routes() -> list[Route]:
    """Return the route that writes, and answers 403 unless it may, and what it leads to."""
    shown = Page(path="/acted", name="acted", read=acted.read)
    return [
        Route("/act/{action}", _act, name="act", methods=["POST"]),
        Route(shown.path, shown.endpoint(), name=shown.name, methods=["GET"]),
    ]


async def _act(request: Request) -> Response:
    form = Form(await _fields(request))
    refused = why_refused(request, form.fields.get("token", ""))
    if refused is not None:
        fault = InvalidInputError(refused, name="token", value=None)
        return refusal(request, fault, 403)
    action = ACTIONS.get(request.path_params["action"])
    if action is None:
        return refusal(request, InvalidInputError("There is no such action."), 404)
    log: Log = request.app.state.log
    try:
        positions = await log.acall(_done, action, form)
    except AutopackError as fault:
        return refusal(request, fault)
    if wants_json(request):
        return json_answer({"recorded": positions})
    told = ",".join(map(str, positions))
    return RedirectResponse(
        link("acted", events=told, back=acted.own_page(form.text("back") or "/")), 303
    )


async def _fields(request: Request) -> dict[str, str]:
    """Return a small form's fields; what is none, or too long, has none."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        return {}
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > _BODY_MOST:
            return {}
    return dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))


def _done(log: "Log", action: "Callable[[Log, Form], None]", form: Form) -> list[int]:
    """Do it, and return the positions of what it recorded: what names its doer and reason."""
    before = log.head().position
    action(log, form)
    found: list[int] = []
    for recorded in log.read_all(after=before):
        event = recorded.event
        by = getattr(event, "by", None) or getattr(event, "actor", None)
        if by == form.actor and len(found) < _SHOWN_MOST:
            found.append(recorded.position)
    return found
