"""The CDK app of environments whose workers are services instead of functions: `python -m tools.services -c env=NAME`.

The tests of the real environments must also pass for `services`. `make upgrade-check` deploys `dev`: its workers are
processes that it can stop.
"""

import sys
from dataclasses import replace

from infra.environments import ENVIRONMENTS
from shared.stages.engines import ENGINES
from tools.elsewhere import synth

ENVIRONMENT = replace(ENVIRONMENTS["staging"], name="services", cpu_functions_mb=0, deletion_protection=False)
DEV = replace(ENVIRONMENTS["dev"], cpu_functions_mb=0)

if __name__ == "__main__":
    synth(DEV if "env=dev" in sys.argv else ENVIRONMENT, ENGINES)
