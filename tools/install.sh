#!/bin/sh
# Installs packages of the system where that needs no question (root on a Debian-like system); otherwise says how.
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo "installing $* ..."
    log=$(mktemp)
    if { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$@"; } >"$log" 2>&1; then
        rm -f "$log"
        exit 0
    fi
    tail -n 5 "$log"
    rm -f "$log"
fi
echo "missing: $*. Install with your system's package manager, for example: sudo apt-get install $*"
exit 1
