"""The app of this project: its stages and jobs become Terraform stacks."""

import sys

from batchtab.app import main

sys.exit(main())
