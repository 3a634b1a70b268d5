#!/bin/sh
# Set up .venv with exactly what uv.lock names. Needs Python 3.11 or later and a package registry.
set -eu

PYTHON="${PYTHON:-python3}"
"$PYTHON" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
    echo "batchyard needs Python 3.11 or later; name one: make PYTHON=python3.11" >&2
    exit 1
}

"$PYTHON" -m venv .venv
.venv/bin/python -m pip install --quiet --disable-pip-version-check 'uv==0.13.9'

# The lock file holds the addresses of the public registry. Where pip is told to use another one,
# pip gets the same files, checked by the same hashes, from there.
if .venv/bin/python -m pip config list | grep '\.index-url=' > /dev/null; then
    .venv/bin/uv export --quiet --frozen --no-emit-project --output-file .venv/locked.txt
    .venv/bin/python -m pip install --quiet --require-hashes --requirement .venv/locked.txt
    .venv/bin/python -m pip install --quiet --no-deps --editable .
else
    .venv/bin/uv sync --quiet --frozen
fi
