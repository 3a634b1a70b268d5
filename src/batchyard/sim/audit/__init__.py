"""The auditor's memory, and its judges: one module for each subject."""
