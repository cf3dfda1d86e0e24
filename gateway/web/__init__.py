"""The face: HTTP in, flows behind, problems out."""
