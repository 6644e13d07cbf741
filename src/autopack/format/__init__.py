"""What is stored, byte by byte: events to text and back, the hash chain, CloudEvents."""
