"""Leave these tests out where torch is not installed: `make test-gpu` has an environment with it."""

from importlib.util import find_spec

collect_ignore_glob = [] if find_spec("torch") else ["*.py"]
