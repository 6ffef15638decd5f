"""The page about an unhandled exception in debug mode: loaded by the first one, and never in production."""
