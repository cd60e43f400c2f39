"""``python -m emosense``."""

import sys

from emosense.cli.main import main

sys.exit(main())
