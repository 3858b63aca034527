"""From folders of videos to a hand pool."""
