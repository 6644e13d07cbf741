"""Facts of a subscription's stream, ``subscription-<name>``: what it was told to leave out."""

from autopack.events.schema import Key, ReasonText, event


@event("subscription.event_skipped")
class SubscriptionEventSkipped:
    """A person let a subscription go on past an event that it could not take, and why."""

    subscription: Key
    position: int
    by: str
    why: ReasonText


SubscriptionEvent = SubscriptionEventSkipped
