"""Requests, responses, files, and what a view may return. Werkzeug's attributes on lean objects."""
