# Shared by the scripts beside it: where the project is, what it needs, and one-line answers when something is missing.
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)

say() { printf '%s\n' "gatehouse: $*" >&2; }
die() { say "$*"; exit 1; }

# as_root COMMAND...: runs it as root, with sudo when that is needed and there.
as_root() {
  if [ "$(id -u)" -eq 0 ]; then "$@"
  elif command -v sudo >/dev/null 2>&1; then sudo "$@"
  else return 1
  fi
}

# need_packages PACKAGE...: installs the Debian packages that are missing; does nothing when all are there.
need_packages() {
  local missing=() package log
  for package in "$@"; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
  done
  [ ${#missing[@]} -eq 0 ] && return 0
  command -v apt-get >/dev/null 2>&1 || die "please install the equivalents of these Debian packages and run this again: ${missing[*]}"
  say "installing ${missing[*]}"
  log=$(mktemp)
  if ! as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${missing[@]}" >"$log" 2>&1 &&
     ! { as_root env DEBIAN_FRONTEND=noninteractive apt-get update >"$log" 2>&1 &&
         as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${missing[@]}" >"$log" 2>&1; }; then
    die "could not install ${missing[*]} (apt's words are in $log): check the network, or run as root: apt-get install ${missing[*]}"
  fi
  rm -f "$log"
}

# need_swift: puts a Swift 6.1 or newer on PATH, or says where to get it.
need_swift() {
  local directory version
  if ! command -v swift >/dev/null 2>&1; then
    for directory in "${SWIFTLY_BIN_DIR:-}" "$HOME/.local/share/swiftly/bin" /usr/libexec/swift/bin; do
      [ -n "$directory" ] && [ -x "$directory/swift" ] && PATH="$directory:$PATH" && break
    done
  fi
  command -v swift >/dev/null 2>&1 || die "a Swift 6.1 or newer toolchain is needed: install it from https://www.swift.org/install/linux and run this again"
  version=$(swift --version 2>/dev/null | sed -n 's/.*Swift version \([0-9]*\)\.\([0-9]*\).*/\1 \2/p' | head -n 1)
  set -- $version
  [ "${1:-0}" -gt 6 ] || { [ "${1:-0}" -eq 6 ] && [ "${2:-0}" -ge 1 ]; } ||
    die "Swift ${1:-?}.${2:-?} is too old, 6.1 or newer is needed: https://www.swift.org/install/linux"
}

# this_commit: the commit of the tree, with `-dirty` behind it when something has changed since; nothing outside of git.
this_commit() { git -C "$root" describe --always --abbrev=12 --exclude '*' --dirty 2>/dev/null || true; }

# build_release [FLAG...]: builds the binary that is shipped; its path is then in $gatehouse. `gatehouse version` tells
# $GATEHOUSE_COMMIT, by default that of the tree: it is given to the linker, in hexadecimal, as the id of the build.
build_release() {
  local commit=${GATEHOUSE_COMMIT:-$(this_commit)} id=()
  [ -z "$commit" ] || id=(-Xlinker "--build-id=0x$(printf 'commit:%s' "$commit" | od -An -v -tx1 | tr -d ' \n')")
  gatehouse="$root/.build/release/gatehouse"
  swift build --package-path "$root" -c release --static-swift-stdlib --product gatehouse "${id[@]}" "$@" >&2 ||
    die "the release build failed; what the compiler said stands above"
}
