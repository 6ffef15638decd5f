"""CPU time of a request over real servers, Erlen beside other frameworks: ``python3 dev.py bench served``."""
