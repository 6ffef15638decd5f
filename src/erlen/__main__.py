"""``python -m erlen`` is the same as the ``erlen`` command."""

from __future__ import annotations

from erlen.cli import main

if __name__ == "__main__":
    main()
