"""Mutants of every kind of file that mcuq reads; see ``python -m fuzz --help``."""
