"""The REST API of the service: authentication, routes and answers."""
