"""The service as one process: its folder, its accounts, and everything plugged together."""
