"""Settings of all tests: where all must pass (CI=true) the drawn examples are the same in every run.

A gate that draws anew each time passes and fails by chance; searching goes on wherever the tests are run by hand.
"""

import os

from hypothesis import settings

settings.register_profile("gate", derandomize=True)
if os.environ.get("CI") == "true":
    settings.load_profile("gate")
