"""Values that everything else is made of: ids, US dollars, bounds, JSON."""
