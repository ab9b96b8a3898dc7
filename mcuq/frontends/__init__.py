"""Readers: files to graphs."""
