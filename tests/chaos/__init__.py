"""Real servers, agents, supervisors and tasks, struck under load and judged like simulated ones."""
