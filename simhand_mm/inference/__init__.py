"""From images and videos to 3D hands: detection, tracking and the models in the package."""
