"""A photo in which no face was found."""


class NoFaceError(ValueError):
    """No face was found in a photo; the message names the photo."""
