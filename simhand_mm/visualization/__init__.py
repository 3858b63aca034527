"""Pages and pictures that show what the stages made. Reads files; imports no stage."""
