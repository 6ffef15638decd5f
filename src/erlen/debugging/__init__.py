"""The page about an unhandled exception in debug mode. It is loaded when the first one happens, and never in production."""
