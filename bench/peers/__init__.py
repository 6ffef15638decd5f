"""Erlen beside other frameworks, in process: ``python3 dev.py bench peers``."""
