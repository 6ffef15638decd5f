"""The views, a blueprint in each file."""
