"""What a drain is asked to do: each setting by name and type, resolved and checked."""
