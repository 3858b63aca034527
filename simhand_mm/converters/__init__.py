"""One labelled or detection source per file, turned into the project's records."""
