"""Measure whether a million of something costs as much each as a thousand of it."""
