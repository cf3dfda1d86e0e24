"""Steps: one file, one story; they talk to the store and the transport, and ask the rules what to do."""
