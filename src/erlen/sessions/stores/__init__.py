"""The stores that keep sessions, a file each. Which one is used is said by ``SESSION_TYPE``."""
