import os
import sys

from .main import main

# Nothing is buffered here, and a normal interpreter shutdown would cost the job two milliseconds.
os._exit(main(sys.argv[1:]))
