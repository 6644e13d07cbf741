"""What attempts in work will still use, and which of them are past what others used."""
