"""What is set aside and used under caps, and what calls and predictions cost."""
