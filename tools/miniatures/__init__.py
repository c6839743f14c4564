"""Makes the zoo's miniatures: narrow networks with seeded weights."""
