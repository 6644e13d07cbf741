"""Taking a log out in other forms."""
