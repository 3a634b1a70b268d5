"""A simulated cluster around the real core, engine, store and agent logic, and its judge."""
