"""The drain itself: takes queued phases through an executor until nothing is left."""
