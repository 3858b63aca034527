"""Hand model: mesh, poses, skin, and objects in the hand."""
