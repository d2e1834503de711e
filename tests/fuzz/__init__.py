"""Fuzzing of what reads bytes of strangers: `make fuzz`."""
