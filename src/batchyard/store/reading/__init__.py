"""Reads for callers, by what they show."""
