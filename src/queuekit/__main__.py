"""``python -m queuekit`` is the command ``queuekit``."""

import sys

from .cli.main import main

sys.exit(main())
