#!/bin/sh
# bubblewrap isolates the programs we run, with libseccomp's help; graphviz lays out the pictures.
# Installs what is missing where that needs no question (root on a Debian-like system); otherwise says how.
# The arguments are the python to ask for libraries, python3 by default, and further programs that are needed.
python=${1:-python3}
[ $# -gt 0 ] && shift
missing=""
command -v bwrap >/dev/null 2>&1 || missing="$missing bubblewrap"
command -v dot >/dev/null 2>&1 || missing="$missing graphviz"
"$python" -c 'import ctypes; ctypes.CDLL("libseccomp.so.2")' >/dev/null 2>&1 || missing="$missing libseccomp2"
for program in "$@"; do
    command -v "$program" >/dev/null 2>&1 || missing="$missing $program"
done
[ -z "$missing" ] && exit 0
exec sh "$(dirname "$0")/install.sh" $missing
