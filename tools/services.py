"""The CDK app of a test environment whose workers are services instead of functions: `python -m tools.services`.

The tests of the real environments must also pass for this one.
"""

from dataclasses import replace

from infra.environments import ENVIRONMENTS
from shared.stages.engines import ENGINES
from tools.elsewhere import synth

ENVIRONMENT = replace(ENVIRONMENTS["staging"], name="services", cpu_functions_mb=0, deletion_protection=False)

if __name__ == "__main__":
    synth(ENVIRONMENT, ENGINES)
