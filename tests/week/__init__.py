"""A week of drains on two plans, in seconds: the real engine, and a world whose time is virtual."""
