"""How the files of SFace and YuNet were made: `python -m` this package."""
