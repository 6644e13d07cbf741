"""What a log is put through: random damage, kills, and many processes at once."""
