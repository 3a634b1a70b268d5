"""What runs on a node: the agent, and the supervisor of its processes."""
