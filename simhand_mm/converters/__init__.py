"""Converters of labelled data sets and of hand boxes, one source per file."""
