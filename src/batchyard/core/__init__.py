"""Pure decisions: every rule of the service, without clock, store, network or random source."""
