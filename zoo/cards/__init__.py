"""What is known of each file of weights: one card, as JSON, per file."""
