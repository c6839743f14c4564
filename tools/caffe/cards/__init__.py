"""What a conversion says of itself: cards, the zoo's entries, the outcome."""
