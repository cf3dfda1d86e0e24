"""Memory: one interface, behind it a database; every method is one durable transaction."""
