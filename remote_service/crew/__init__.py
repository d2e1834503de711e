"""`serve --workers`: one process that keeps the others, each of which does one thing."""
