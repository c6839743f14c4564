"""How the weights of dlib-resnet were made: `python -m` this package."""
