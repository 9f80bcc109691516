#!/usr/bin/env bash
# Fuzzes the parsers.
#   scripts/fuzz.sh [-j N] [SECONDS] [TARGET..]    SECONDS each (default 60), all targets or the named ones, N at a time
# Needs the nightly toolchain and cargo-fuzz (cargo install cargo-fuzz). Seeds are the fixtures of the tests; what is
# found is in fuzz/artifacts/TARGET/. The numbers go to docs/fuzzing.md.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
seconds=60 jobs=1
if [ "${1:-}" = -j ]; then
    jobs=$2
    shift 2
fi
if [[ ${1:-} =~ ^[0-9]+$ ]]; then
    seconds=$1
    shift
fi
targets=("$@")
[ ${#targets[@]} -gt 0 ] || mapfile -t targets < <(cd fuzz/fuzz_targets && ls -- *.rs | sed 's/\.rs$//')
fixtures=tests/fixtures

# Copies fixtures as seeds: seed TARGET FILE.. ; equal names of different folders stay apart.
seed() {
    local target=$1 file name
    shift
    for file in "$@"; do
        [ -f "$file" ] || continue
        name=${file#"$fixtures"/}
        cp -n "$file" "fuzz/corpus/$target/${name//\//_}"
    done
}

seeds_of() {
    local target=$1
    mkdir -p "fuzz/corpus/$target"
    # What once was found is the best seed.
    seed "$target" "$fixtures/regressions/$target"/*
    case $target in
        archive_*) seed "$target" sample-data/*.zip $(find "$fixtures" -name '*.zip' -o -name '*.tar' -o -name '*.tar.*') ;;
        elf_core) seed "$target" "$fixtures"/qemu-*/*.core "$fixtures"/*/*-c3*.core ;;
        esp_*) seed "$target" $(find "$fixtures" -path '*esp*' -type f -size -300k) ;;
        manifest) printf '{"schema": "fieldscope.bundle/1", "device": {"serial": "1"}, "files": [{"path": "a", "kind": "log"}]}' \
            >"fuzz/corpus/$target/manifest.json" ;;
        probe_rs) seed "$target" $(find "$fixtures" -path '*probe*' -type f -size -300k) ;;
        symbol_file) seed "$target" "$fixtures"/symbols/*.elf "$fixtures"/types/*.elf ;;
        debug_sections | expressions | symbol_index | unwinder) printf '\0\1\2\3\4\5\6\7' >"fuzz/corpus/$target/numbers" ;;
        *) seed "$target" "$fixtures"/qemu-*/*.uart "$fixtures"/sample/*.uart $(find "$fixtures" -path "*${target%%_*}*" -type f -size -300k) ;;
    esac
}

cargo +nightly fuzz build --sanitizer none || exit 1

# Runs one target and prints its line of the table.
run_target() {
    local target=$1 log=fuzz/artifacts/$1.log ended executed rate found= cpu
    mkdir -p "fuzz/artifacts/$target"
    { time nice -n 19 cargo +nightly fuzz run --sanitizer none "$target" -- -max_total_time="$seconds" -timeout=20 \
        -rss_limit_mb=4096 -max_len=300000 -print_final_stats=1 >"$log" 2>&1; } 2>"$log.time"
    ended=$?
    executed=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
    rate=$(sed -n 's/^stat::average_exec_per_sec: *//p' "$log")
    cpu=$(sed -n 's/^user *//p' "$log.time")
    if [ $ended -ne 0 ]; then
        found=$(grep -oE 'artifacts/[^ ]+/(crash|timeout|oom|slow)[^ ]*' "$log" | tail -n 1)
        found="${found:-ended with $ended, see $log}: $(grep -m 1 'panicked at' "$log")"
    fi
    printf '| %s | %s | %s | %s | %s | %s |\n' "$target" "${executed:-?}" "${rate:-?}" "${cpu:-?}" \
        "$(find "fuzz/corpus/$target" -type f | wc -l)" "$found"
    return $ended
}

echo '| target | executions | executions a second | processor time | corpus | found |'
echo '|---|---|---|---|---|---|'
for target in "${targets[@]}"; do
    seeds_of "$target"
done
export seconds
export -f run_target
printf '%s\n' "${targets[@]}" | xargs -P "$jobs" -I{} bash -c 'run_target {}'
