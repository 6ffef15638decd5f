"""``python -m erlen.servers.rerun``: the process that ``app.run()`` becomes where it reloads."""

from __future__ import annotations

import sys

from erlen.servers.script import main

if __name__ == "__main__":
    main(sys.argv[1])
