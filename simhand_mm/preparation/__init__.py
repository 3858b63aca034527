"""From videos and images to a hand pool."""
