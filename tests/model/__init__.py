"""A model of the claim protocol of the Redis layout, searched state by state."""
