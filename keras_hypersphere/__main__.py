"""`python -m keras_hypersphere`: the command line."""

import sys

from keras_hypersphere.tools.cli import main

if __name__ == "__main__":
    sys.exit(main())
