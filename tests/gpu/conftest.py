"""Leave these tests out where torch is not installed: `make test-gpu` has an environment with it."""

import os
from importlib.util import find_spec

os.environ["OMP_NUM_THREADS"] = "1"  # tiny models gain nothing from several threads, which wait for each other
collect_ignore_glob = [] if find_spec("torch") else ["*.py"]
