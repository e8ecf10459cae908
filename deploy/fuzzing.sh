# Shared by test.sh: libFuzzer over the targets of Tests/Fuzzing. What it makes and finds is in .build-fuzz.
fuzzing=$root/.build-fuzz

# Builds the program of all targets, optimised, but with the assertions and bounds checks of a debug build.
build_fuzzers() {
  say "building the fuzzers"
  # The linker has much to say about symbols of the sanitizer that matter to nobody.
  GATEHOUSE_FUZZERS=1 swift build --package-path "$root" --scratch-path "$fuzzing" -c release --product fuzz --sanitize fuzzer \
    -Xswiftc -sanitize=fuzzer,address -Xswiftc -enable-testing -Xswiftc -assert-config -Xswiftc Debug "${flags[@]}" 2>&1 |
    { grep -v 'Cannot export local symbol' || true; } >&2 || die "the fuzzers don't build; what the compiler said stands above"
}

# fuzz_target TARGET SECONDS: counts as one test. Inputs that reach something new stay in .build-fuzz/corpus.
fuzz_target() {
  local corpus=$fuzzing/corpus/$1 crashes=$fuzzing/crashes/$1 log=$fuzzing/$1.log status=0
  mkdir -p "$corpus" "$crashes"
  # Regular expressions, which only what the targets are compared with uses, are not freed.
  printf 'leak:libswift_%s\n' RegexParser StringProcessing >"$fuzzing/leaks"
  LSAN_OPTIONS=suppressions=$fuzzing/leaks:print_suppressions=0 \
    GATEHOUSE_FUZZ_TARGET=$1 SWIFT_BACKTRACE=enable=no "$fuzzing/release/fuzz" "$corpus" "$root/Tests/Fuzzing/Corpus/$1" \
    -max_total_time="$2" -max_len=4096 -timeout=10 -rss_limit_mb=3000 -artifact_prefix="$crashes/" </dev/null >"$log" 2>&1 ||
    status=$?
  printf '%-14s %s runs, coverage %s, %s new crashes\n' "$1" "$(sed -nE 's/^#([0-9]+)\t.*/\1/p' "$log" | tail -n 1)" \
    "$(sed -nE 's/.* cov: ([0-9]+) .*/\1/p' "$log" | tail -n 1)" "$(grep -c 'Test unit written to' "$log" || true)"
  [ "$status" -eq 0 ] && { passed=$((passed + 1)); return; }
  failed=$((failed + 1))
  grep -aE -A 2 'Fatal error|ERROR: ' "$log" | cut -c 1-500
  sed -nE "s|.*Test unit written to (.*)|replay: GATEHOUSE_FUZZ_TARGET=$1 $fuzzing/release/fuzz \1|p" "$log"
}

# fuzz_targets [MINUTES [TARGET...]]: so many minutes for each of these targets, or of all.
fuzz_targets() {
  local minutes=${1:-1} target
  [ $# -gt 0 ] && shift
  [ $# -gt 0 ] || set -- $(ls "$root/Tests/Fuzzing/Corpus")
  for target in "$@"; do
    [ -d "$root/Tests/Fuzzing/Corpus/$target" ] || die "no target is called '$target'; there are $(ls "$root/Tests/Fuzzing/Corpus" | xargs)"
  done
  build_fuzzers
  for target in "$@"; do fuzz_target "$target" "$((minutes * 60))"; done
}
