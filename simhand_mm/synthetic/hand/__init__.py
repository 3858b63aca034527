"""The hand: its mesh, its poses, its skin, and what it holds."""
