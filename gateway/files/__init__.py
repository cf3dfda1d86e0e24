"""Configuration files, read strictly: every mistake is found, with its line, before anything is used."""
