"""Prices calls by a dated table, for caps in USD, forecasts, and a look at what a log cost."""
