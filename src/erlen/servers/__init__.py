"""How a server program is started: the development server and the production server, both on granian."""

from __future__ import annotations
