"""`python -m blimp2pymc` is the command `blimp2pymc`."""

import sys

from blimp2pymc.cli import main

if __name__ == "__main__":
    sys.exit(main())
