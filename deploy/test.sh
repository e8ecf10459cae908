#!/usr/bin/env bash
# Builds and runs every test; the last line is `N passed, N failed`.
#
#   deploy/test.sh                     unit tests and simulations, the end-to-end suite, the budget of instructions
#   deploy/test.sh unit | end-to-end | budget     one of the three
#   deploy/test.sh PATTERN...          end-to-end tests whose name contains one of the patterns
#
# GATEHOUSE_BUILD_FLAGS: more flags for every build. JOBS: end-to-end processes at a time (default 4).
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

read -ra flags <<<"${GATEHOUSE_BUILD_FLAGS:-}"
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
  local log=$root/.build/end-to-end.log status=0 summary
  mkdir -p "$root/.build"
  build_release "${flags[@]}"
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

need_swift
need_packages libssl-dev curl openssl wrk nghttp2-client python3

case "${1:-all}" in
  all) unit_tests; end_to_end_tests; budget_test ;;
  unit) unit_tests ;;
  end-to-end) shift; end_to_end_tests "$@" ;;
  budget) budget_test ;;
  *) end_to_end_tests "$@" ;;
esac

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
