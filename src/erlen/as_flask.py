"""Importing this module has Erlen stand for Flask: for programs that can load a module by its name before others.

A test suite that is written for Flask runs on Erlen by ``pytest -p erlen.as_flask``: pytest imports it before its
other plugins and before the tests.
"""

from __future__ import annotations

from erlen.alias import install_as_flask

install_as_flask()
