"""The vocabulary: commands, outcomes, deliveries, problems and configuration, as msgspec Structs."""
