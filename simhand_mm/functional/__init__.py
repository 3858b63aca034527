"""Pure maths on tensors and arrays: no registry, files, environment, globals or printing."""
