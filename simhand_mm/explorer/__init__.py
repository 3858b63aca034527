"""A page in the browser to look through a pool: a map of its hands, pairs, an exclude list."""
