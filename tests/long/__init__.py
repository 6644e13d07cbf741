"""What takes too long for every day: the same properties as in the tests, looked at for longer."""
