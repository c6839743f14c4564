"""What a photo may be, and where photos are found."""
