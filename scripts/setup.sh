#!/bin/sh
# Finds a Python that is new enough and lets scripts/setup.py do the rest. PYTHON=/path/to/python chooses another one.
set -eu
cd "$(dirname "$0")/.."

# Asked by running it: pyenv, for one, puts names on PATH that only say that they are not there. The environment's own Python
# comes first, so that set-up does not start anew because PATH has changed; one without pip is a leftover of a broken-off start.
usable() {
    "$1" -c "import sys, $2; sys.exit(sys.version_info < (3, 11))" >/dev/null 2>&1
}

if usable .venv/bin/python pip; then
    exec .venv/bin/python -m scripts.setup
fi
for candidate in ${PYTHON:-python3.13 python3.12 python3.11 python3}; do
    if usable "$candidate" sys; then
        exec "$candidate" -m scripts.setup
    fi
done
cat >&2 <<END
there is no Python to set up with
  got:      ${PYTHON:-python3} $("${PYTHON:-python3}" -c 'import platform; print(platform.python_version())' 2>/dev/null || echo 'that does not run')
  expected: Python 3.11 or newer, as python3.13, python3.12, python3.11 or python3
  next:     install one (Debian and Ubuntu: apt-get install python3 python3-venv), or name one: make PYTHON=/path/to/python3 ...
END
exit 1
