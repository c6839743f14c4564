"""The three jobs of the demo, one a file."""
