"""The clients of a simulated world: one module for each subject that they ask about."""
