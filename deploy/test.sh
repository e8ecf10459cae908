#!/usr/bin/env bash
# Builds and runs every test; the last line is `N passed, N failed`.
#
#   deploy/test.sh                     unit tests and simulations, the end-to-end suite, the budget of instructions
#   deploy/test.sh unit | end-to-end | budget     one of the three
#   deploy/test.sh soak [MINUTES]      simulated worlds by seed on all processors, until interrupted or for so long
#   deploy/test.sh endurance [MINUTES]      the real binary under mixed load, reloads and dying backends (default 30); leaks, counts
#   deploy/test.sh neighbours [OPTION...]   good tenants beside a hog, beside haproxy and nginx; options of Tests/Benchmarks/neighbour.py
#   deploy/test.sh PATTERN...          end-to-end tests whose name contains one of the patterns
#   deploy/test.sh fuzz [MINUTES [TARGET...]]     libFuzzer, MINUTES (default 1) for each of these targets, or of all
#   deploy/test.sh sanitize [thread|address]      unit and end-to-end tests under this sanitizer, or under one after the other
#
# A soak begins at seed FIRST, by default the second it is started in; a seed that fails is told with the line that
# replays it and the trace of the smallest world that fails the same way.
# GATEHOUSE_BUILD_FLAGS: more flags for every build.
# GATEHOUSE_COMMIT: what `gatehouse version` is to tell. JOBS: end-to-end processes at a time (default 4).
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
. "$root/deploy/fuzzing.sh"
. "$root/deploy/sanitizers.sh"

# Asked once: what is built and what is tested for is the same, though the tree may change meanwhile.
export GATEHOUSE_COMMIT="${GATEHOUSE_COMMIT:-$(this_commit)}"
read -ra plain_flags <<<"${GATEHOUSE_BUILD_FLAGS:-}"
flags=("${plain_flags[@]}")
passed=0
failed=0

# Adds the counts of the tests that `swift test` ran.
unit_tests() {
  local log=$root/.build/unit-tests.log status=0 ran broken
  mkdir -p "$root/.build"
  swift test --package-path "$root" "${flags[@]}" 2>&1 | tee "$log" | filter_noise || status=${PIPESTATUS[0]}
  ran=$(sed -nE 's/.*Test run with ([0-9]+) tests?.*/\1/p' "$log" | awk '{n += $1} END {print n + 0}')
  broken=$(grep -cE '^(✘|.) Test ("|[^ ]+\().* failed after' "$log" || true)
  [ "$status" -ne 0 ] && [ "$broken" -eq 0 ] && broken=1
  [ "$ran" -eq 0 ] && [ "$broken" -eq 0 ] && { say "no unit test ran"; broken=1; }
  [ "$ran" -lt "$broken" ] && ran=$broken
  passed=$((passed + ran - broken))
  failed=$((failed + broken))
}

# Shows what the build says and what failed; lets the long list of what passed go.
filter_noise() { grep -vE '^(◇|✔|➜|􀟈|􁁛)' || true; }

# Adds the counts of the end-to-end suite, run against the binary that is shipped.
end_to_end_tests() {
  build_release "${flags[@]}"
  end_to_end_suite "$@"
}

# Adds the counts of the end-to-end suite, run against $gatehouse.
end_to_end_suite() {
  local log=$root/.build/end-to-end.log status=0 summary
  # What others wrote, to see that it understands us; only where such tests are to run.
  case "$*" in "" | *interop*) need_packages python3-httpx python3-h2 python3-grpcio python3-websockets prometheus ;; esac
  mkdir -p "$root/.build"
  GATEHOUSE="$gatehouse" python3 "$root/Tests/EndToEnd/run.py" --jobs "${JOBS:-4}" "$@" | tee "$log" || status=${PIPESTATUS[0]}
  summary=$(grep -E '^[0-9]+ passed, [0-9]+ failed$' "$log" | tail -n 1)
  if [ -z "$summary" ]; then
    say "the end-to-end suite did not come to its end"
    failed=$((failed + 1))
    return
  fi
  passed=$((passed + ${summary%% *}))
  summary=${summary#*, }
  failed=$((failed + ${summary%% *}))
  [ "$status" -eq 0 ] || [ "${summary%% *}" -gt 0 ] || failed=$((failed + 1))
}

# Counts as one test: instructions per request within their budget.
budget_test() {
  need_packages valgrind
  build_release "${flags[@]}"
  if GATEHOUSE="$gatehouse" python3 "$root/Tests/Benchmarks/instructions.py"; then
    passed=$((passed + 1))
  else
    echo "failed: instructions per request"
    failed=$((failed + 1))
  fi
}

# Counts as one test: a long mixed load that leaks nothing and whose counts agree.
endurance_test() {
  build_release "${flags[@]}"
  if GATEHOUSE="$gatehouse" python3 "$root/Tests/Benchmarks/endurance.py" "${1:-30}"; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
  fi
}

# Counts as one test: the bars for good tenants beside a hog.
neighbours_test() {
  need_packages haproxy nginx
  build_release "${flags[@]}"
  if GATEHOUSE="$gatehouse" python3 "$root/Tests/Benchmarks/neighbour.py" "$@"; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
  fi
}

# Runs simulated worlds in a quick build that keeps its assertions, and a million idle clients; counts them as tests.
soak() {
  local directory=$root/.build/soak processes process pids=() last
  swift build --package-path "$root" --scratch-path "$directory" --build-tests -c release -Xswiftc -enable-testing \
    -Xswiftc -assert-config -Xswiftc Debug -Xswiftc -enforce-exclusivity=unchecked "${flags[@]}" >&2 ||
    die "the build of the soak failed; what the compiler said stands above"
  processes=$(nproc)
  export SOAK=1 MINUTES=${1:-0} STEP=$processes STOP=$directory/stop
  rm -f "$STOP"
  soak_process laws 'CrowdTests|FragmentationTests' && passed=1 || failed=1
  FIRST=${FIRST:-$(date +%s)000}
  say "worlds from seed $FIRST on, $processes at a time"
  trap 'touch "$STOP"' INT TERM
  for ((process = 0; process < processes; process++)); do
    FIRST=$((FIRST + process)) soak_process "$process" SoakTests &
    pids+=($!)
  done
  for process in "${pids[@]}"; do
    while kill -0 "$process" 2>/dev/null; do wait "$process" || true; done
  done
  trap - INT TERM
  for ((process = 0; process < processes; process++)); do
    last=$(sed -n 's/^soak: \([0-9]* passed, [0-9]* failed\).*/\1/p' "$directory/soak-$process.log" | tail -n 1)
    last=${last:-0 passed, 1 failed}
    passed=$((passed + ${last%% *}))
    last=${last#*, }
    failed=$((failed + ${last%% *}))
  done
}

# soak_process NAME FILTER: runs the tests of the soak's build that match; shows what matters and keeps all of it.
soak_process() {
  "$root/.build/soak/release/gatehousePackageTests.xctest" --testing-library swift-testing --filter "$2" 2>&1 |
    tee "$root/.build/soak/soak-$1.log" | sed -un '/^FAILED seed/,/^END of seed/p; /^soak:/p; /Fatal error/p'
  return "${PIPESTATUS[0]}"
}

need_swift
need_packages libssl-dev curl openssl wrk nghttp2-client python3

case "${1:-all}" in
  all) unit_tests; end_to_end_tests; budget_test ;;
  unit) unit_tests ;;
  end-to-end) shift; end_to_end_tests "$@" ;;
  budget) budget_test ;;
  soak) soak "${2:-}" ;;
  endurance) endurance_test "${2:-}" ;;
  neighbours) shift; neighbours_test "$@" ;;
  fuzz) shift; fuzz_targets "$@" ;;
  sanitize) shift; [ $# -gt 0 ] || set -- thread address; for kind in "$@"; do sanitize "$kind"; done ;;
  *) end_to_end_tests "$@" ;;
esac

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
