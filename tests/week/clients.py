"""What the vendors' clients print, read by the presets: the shapes of real sessions."""

import json
from datetime import UTC, datetime
from typing import Any

from tests.week.vendors import Plan, Window

from autopack.draining.executors.claude import ClaudeReader
from autopack.draining.executors.codex import CodexReader
from autopack.draining.executors.codex_rollouts import windows_of
from autopack.draining.executors.json_lines import ProgramReader
from autopack.ports.work import Outcome

_NONE: dict[str, int] = {"input_tokens": 0, "output_tokens": 0}
_USED: dict[str, int] = {"input_tokens": 900, "output_tokens": 300}


class Session:
    """One session of a client of a plan: what it prints, and what its preset makes of that."""

    def __init__(self, plan: Plan, token: str, model: str) -> None:
        self._is_claude = plan.account == "claude"
        self._plan, self._token, self._model = plan, token, model
        self.reader: ProgramReader = ClaudeReader(token) if self._is_claude else CodexReader(token)
        if self._is_claude:
            self._tell({"type": "system", "subtype": "init", "session_id": token, "model": model})
        else:
            self._tell({"type": "thread.started", "thread_id": token})

    def used_up(self, window: Window) -> Outcome | None:
        """Meet a window that is used up."""
        at = datetime.fromtimestamp(window.told_s, UTC)
        if not self._is_claude:
            return self._turn_failed(
                "You've hit your usage limit. Upgrade to Pro (https://chatgpt.com/explore/pro), or "
                f"try again at {at:%b} {at.day}th, {at.year} {at:%I:%M %p} UTC."
            )
        info = {"status": "rejected", "resetsAt": int(window.told_s), "rateLimitType": window.name}
        self._tell({"type": "rate_limit_event", "rate_limit_info": info})
        # Its own words would say that the phase is to blame: they are the last to be asked.
        said = f"Prompt is too long for what is left · resets {at:%I:%M%p} (UTC)"
        return self._refused(said, 429, "usage_limit_reached", "rate_limit_error")

    def overloaded(self) -> Outcome | None:
        """Meet a vendor that is overloaded."""
        if self._is_claude:
            return self._refused("API Error: 529 Overloaded.", 529, "overloaded_error")
        return self._turn_failed(
            "unexpected status 503 Service Unavailable: The engine is currently overloaded, "
            "please try again later, url: https://chatgpt.com/backend-api/codex/responses"
        )

    def limited(self) -> Outcome | None:
        """Meet a limit of requests a minute."""
        if self._is_claude:
            return self._refused("API Error: Request rejected (429)", 429, "rate_limit_error")
        return self._turn_failed(
            "exceeded retry limit, last status: 429 Too Many Requests, request id: x"
        )

    def without_credit(self) -> Outcome | None:
        """Meet an empty account."""
        if self._is_claude:
            return self._refused("Credit balance is too low", 400, "invalid_request_error")
        return self._turn_failed("Quota exceeded. Check your plan and billing details.")

    def done(self) -> Outcome | None:
        """Do the work, and say how much of each window is used."""
        windows = {
            window.name: {
                "utilization": window.used / window.most, "resetsAt": int(window.told_s),
            }
            for window in self._plan.windows
        }  # fmt: skip
        if not self._is_claude:
            self.reader.limits += windows_of(
                {
                    name: {"used_percent": one["utilization"] * 100, "resets_at": one["resetsAt"]}
                    for name, one in windows.items()
                }
            )
            self._tell({"type": "turn.started"})
            self._tell({"type": "turn.completed", "usage": _USED})
            return self._end()
        info = {"status": "allowed", "unifiedWindows": windows}
        self._tell({"type": "rate_limit_event", "rate_limit_info": info})
        usage = {self._model: {"inputTokens": 900, "outputTokens": 300, "costUSD": 0.01}}
        self._result("done", is_error=False, usage=_USED, modelUsage=usage, total_cost_usd=0.01)
        return self._end()

    def _refused(self, said: str, status: int, *errors: str) -> Outcome | None:
        told = {"type": "assistant", "error": "rate_limit", "api_error_status": status,
                "message": {"id": "x", "model": "<synthetic>", "usage": _NONE,
                            "content": [{"type": "text", "text": said}]}}  # fmt: skip
        self._tell(told)
        facts = {"api_error_status": status, "api_error": errors[0], "api_error_type": errors[-1]}
        self._result(said, is_error=True, usage=_NONE, modelUsage={}, total_cost_usd=0, **facts)
        return self._end()

    def _result(self, said: str, **more: Any) -> None:
        self._tell({"type": "result", "subtype": "success", "result": said, **more})

    def _turn_failed(self, said: str) -> Outcome | None:
        self._tell({"type": "turn.started"})
        self._tell({"type": "error", "message": said})
        self._tell({"type": "turn.failed", "error": {"message": said}})
        return self._end()

    def _tell(self, line: dict[str, Any]) -> None:
        self.reader.line(json.dumps(line))

    def _end(self) -> Outcome | None:
        self.reader.finish(None)
        return self.reader.outcome
