"""What the service and its nodes say to each other, and how it travels."""
