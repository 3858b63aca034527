"""From 2D keypoints of hands to 3D poses with an uncertainty, trained on poses alone."""
