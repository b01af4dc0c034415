#!/bin/sh
# Installs the mock server of model APIs that some tests talk to, once, into a folder: mock-server.sh FOLDER.
# It runs on Node; without Node 20 and npm, or without a network, those tests are skipped, and nothing fails.
folder=$1
version=1.43.0
package="$folder/node_modules/@copilotkit/aimock/package.json"
grep -q "\"version\": \"$version\"" "$package" 2>/dev/null && exit 0
command -v npm >/dev/null 2>&1 || exit 0
node -e 'const [major, minor] = process.versions.node.split(".").map(Number); process.exit(major > 20 || (major == 20 && minor >= 15) ? 0 : 1)' 2>/dev/null || exit 0
mkdir -p "$folder"
echo "installing a mock server for tests into $folder ..."
npm install --prefix "$folder" --silent --no-audit --no-fund --no-package-lock --ignore-scripts --fetch-retries=1 --fetch-timeout=30000 \
    "@copilotkit/aimock@$version" >"$folder/install.log" 2>&1 ||
    echo "the mock server could not be installed, tests that need it are skipped; why: $folder/install.log"
exit 0
