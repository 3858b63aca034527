"""Which parts of the recipe for one's own videos help."""
