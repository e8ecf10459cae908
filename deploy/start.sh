#!/usr/bin/env bash
# Builds Gatehouse and starts it: without arguments the demo, else the command given, e.g. deploy/start.sh run -c my.conf
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

need_swift
need_packages libssl-dev
build_release

if [ $# -eq 0 ]; then
  cd "$root"
  set -- demo
fi
exec "$gatehouse" "$@"
