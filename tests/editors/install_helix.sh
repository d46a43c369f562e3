#!/usr/bin/env bash
# Helix on a Debian that has no package of it yet: unpacks that of a newer release, with the
# libraries it needs, beside this system instead of into it. Prints the program's path.
#
#   install_helix.sh DIRECTORY [RELEASE]
set -euo pipefail
directory=$(mkdir -p "$1" && cd "$1" && pwd)
release=${2:-trixie}
apt=$directory/apt
mkdir -p "$apt/lists/partial" "$apt/packages"
# The mirror is the one that this machine already uses.
mirror=$(apt-get indextargets --format '$(SITE)' | grep -m1 '/debian$')
keys=/usr/share/keyrings/debian-archive-keyring.gpg
echo "deb [signed-by=$keys] $mirror $release main" >"$apt/sources.list"
options=(
  -q -o Dir::Etc::sourcelist="$apt/sources.list" -o Dir::Etc::sourceparts=-
  -o Dir::State::lists="$apt/lists" -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache=
  -o APT::Sandbox::User=root
)
apt-get "${options[@]}" update >"$apt/log"
(cd "$apt/packages" && apt-get "${options[@]}" download hx libc6 libgcc-s1 >>"$apt/log")
for package in "$apt"/packages/*.deb; do
  dpkg-deb -x "$package" "$directory"
done
rm -rf "$apt"
loader=$(find "$directory" -name 'ld-linux-*.so.*' -not -type d | head -n 1)
libraries=$(find "$directory" -name 'libc.so.6' -printf '%h:')$(find "$directory" -name 'libgcc_s.so.1' -printf '%h')
program=$directory/hx
printf '#!/bin/sh\nexec %q --library-path %q %q "$@"\n' \
  "$loader" "$libraries" "$directory/usr/bin/hx" >"$program"
chmod +x "$program"
"$program" --version >&2
echo "$program"
