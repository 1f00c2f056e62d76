#!/bin/sh
# The worker's part of the sample's tests: package and image are the API's. Arguments go to pytest.
set -eu
exec "$(dirname -- "$0")/../api/test.sh" tests/unit/test_jobs.py tests/integration/test_work.py "$@"
