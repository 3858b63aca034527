"""Drawing surfaces: cameras, rasterizer, light and backgrounds. Knows nothing about hands."""
