"""Reports that a person wants to look at."""
