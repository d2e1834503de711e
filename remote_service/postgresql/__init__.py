"""Django's backend for PostgreSQL, with an end to all waiting: a server that hangs is one that does not answer."""
