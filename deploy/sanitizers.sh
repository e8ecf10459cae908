# Shared by test.sh: every test with the thread sanitizer, or with the address and leak sanitizers, watching.

# sanitize KIND: what a sanitizer reports of any process counts as a failed test, beside what fails by itself.
sanitize() {
  local kind=$1 scratch=$root/.build-$1 reports=$root/.build-$1/reports report
  rm -rf "$reports"
  mkdir -p "$reports"
  # Reports go to files of their own, so that they are seen whoever started the process and whatever reads its output.
  export TSAN_OPTIONS="log_path=$reports/thread suppressions=$root/deploy/thread-sanitizer.supp"
  export ASAN_OPTIONS="log_path=$reports/address detect_leaks=1 quarantine_size_mb=4"
  export LSAN_OPTIONS="suppressions=$root/deploy/leak-sanitizer.supp print_suppressions=0"
  # Sanitized code is slow: whoever waits for it waits longer, and fewer worlds are simulated.
  export PATIENCE=60 SEEDS=${SEEDS:-2} SWIFT_BACKTRACE=enable=no
  flags=("${plain_flags[@]}" --scratch-path "$scratch" --sanitize "$kind")
  unit_tests
  gatehouse=$scratch/debug/gatehouse
  end_to_end_suite
  for report in "$reports"/*; do
    [ -e "$report" ] || continue
    echo "failed: the $kind sanitizer says in $report:"
    head -n 40 "$report"
    failed=$((failed + 1))
  done
}
