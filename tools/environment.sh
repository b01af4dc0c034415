#!/bin/sh
# Makes a virtual environment with pip in it, or mends one: environment.sh PYTHON FOLDER.
# Debian's python3 cannot do so without another package.
python=$1
folder=$2
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 || {
    found="no $python"
    command -v "$python" >/dev/null 2>&1 && found=$("$python" -V 2>&1 | head -n 1)
    echo "backedge needs Python 3.11 or newer, found $found: install it, or name one: make PYTHON=python3.12 ..."
    exit 1
}
clear=--clear
if "$folder/bin/python" -c '' >/dev/null 2>&1; then
    "$folder/bin/python" -m pip --version >/dev/null 2>&1 && exit 0
    clear=
fi
"$python" -c 'import ensurepip, venv' >/dev/null 2>&1 || {
    version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    sh "$(dirname "$0")/install.sh" "python$version-venv" || exit 1
}
"$python" -m venv $clear "$folder"
