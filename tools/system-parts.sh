#!/bin/sh
# bubblewrap isolates the programs we run, graphviz lays out the pictures.
# Installs what is missing where that needs no question (root on a Debian-like system); otherwise says how.
missing=""
command -v bwrap >/dev/null 2>&1 || missing="$missing bubblewrap"
command -v dot >/dev/null 2>&1 || missing="$missing graphviz"
ldconfig -p 2>/dev/null | grep -q libseccomp.so.2 || missing="$missing libseccomp2"
[ -z "$missing" ] && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo "installing$missing ..."
    log=$(mktemp)
    if { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $missing; } >"$log" 2>&1; then
        rm -f "$log"
        exit 0
    fi
    tail -n 5 "$log"
    rm -f "$log"
fi
echo "missing:$missing. Install with your system's package manager, for example: sudo apt-get install$missing"
exit 1
