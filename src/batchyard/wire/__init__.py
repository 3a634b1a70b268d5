"""Azure Batch's JSON: structs, values, errors, api-versions, and both ways to the engine."""
