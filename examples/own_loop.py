"""Your own loop around your own client: claims, usage and ends are recorded, nothing is drained."""

from pathlib import Path

import autopack
from autopack import PhaseSpec


class Client:
    """Stands for a provider's client: it answers with a text and what it used."""

    def ask(self, prompt: str, max_tokens: int) -> dict:
        """Return an answer in the shape that many providers use."""
        usage = {"prompt_tokens": len(prompt), "completion_tokens": min(300, max_tokens)}
        return {"id": f"resp-{prompt[-5:]}", "model": "m-1", "text": "...", "usage": usage}


def main(path: Path) -> None:
    """Work through a list of phases, one after the other."""
    client = Client()
    with autopack.create_log(path) as log:
        names = ("cache", "retry", "parser")
        phases = [
            PhaseSpec(n, category="implementation", complexity="low", deliverables=f"src/{n}.py")
            for n in names
        ]
        autopack.create_run(log, "loop", phases)
        for name in names:
            try:
                with autopack.attempt(log, ("loop", name)) as attempt:
                    attempt.progress("asking the model")
                    answer = client.ask(f"Write {name}", max_tokens=attempt.budget_tokens)
                    attempt.record_usage(
                        call_id=answer["id"],
                        provider="example",
                        model=answer["model"],
                        input_tokens=answer["usage"]["prompt_tokens"],
                        output_tokens=answer["usage"]["completion_tokens"],
                    )
                    if name == "retry":
                        raise ValueError("the answer holds no code")
                    attempt.complete({"answer": answer["text"]}, summary="one file")
            except ValueError as fault:
                print(f"{name}: {fault}; recorded, going on")
        counts = autopack.status(log).phases_by_state
        print(", ".join(f"{n} {state}" for state, n in counts.items()))


if __name__ == "__main__":
    main(Path("own_loop.db"))
