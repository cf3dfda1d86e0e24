"""Task Gateway: one canonical task in, the right vendor's request out, its answer back."""
