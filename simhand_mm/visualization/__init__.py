"""HTML reports and images of the results of each stage. Reads files; imports no stage."""
