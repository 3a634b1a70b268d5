"""The statements of a transaction, by what they are about."""
