"""The work of Autopack as OpenTelemetry spans and metrics, live or from a log's history."""
