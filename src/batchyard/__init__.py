"""A self-hosted service that speaks the Azure Batch REST API."""
