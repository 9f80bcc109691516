#!/usr/bin/env bash
# Fuzzes the parsers.
#   scripts/fuzz.sh [-j N] [-n] [SECONDS] [TARGET..]
#       SECONDS each (default 60), all targets or the named ones, N at a time; -n: as they were built last time
#   scripts/fuzz.sh table
#       what all runs so far come to: the table of docs/fuzzing.md
# Needs the nightly toolchain and cargo-fuzz (cargo install cargo-fuzz). Seeds are the fixtures of the tests and what is
# made of them (tests/hostile). What is found is in fuzz/artifacts/TARGET/, each run is a line of fuzz/artifacts/runs.tsv:
# day, target, seconds, seconds of processor time, executions, what was found.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
runs=fuzz/artifacts/runs.tsv
fixtures=tests/fixtures

# One line a target: the runs added up, and the inputs that are kept because of it.
table() {
    local target kept
    echo '| target | executions | a second of processor time | minutes | processor minutes | found |'
    echo '|---|---:|---:|---:|---:|---|'
    cut -f 2 "$runs" | LC_ALL=C sort -u | while read -r target; do
        kept=$(find "$fixtures/regressions/$target" -type f -printf '%f\n' 2>/dev/null | LC_ALL=C sort | paste -sd, | sed 's/,/, /g')
        awk -F'\t' -v target="$target" -v kept="$kept" '
            $2 == target { wall += $3; cpu += $4; n += $5 }
            END { printf "| %s | %d | %d | %.1f | %.1f | %s |\n", target, n, cpu ? n / cpu : 0, wall / 60, cpu / 60, kept }' "$runs"
    done
}
if [ "${1:-}" = table ]; then
    table
    exit
fi

seconds=60 jobs=1 builds=true
while getopts j:n option; do
    case $option in
        j) jobs=$OPTARG ;;
        n) builds=false ;;
        *) exit 2 ;;
    esac
done
shift $((OPTIND - 1))
if [[ ${1:-} =~ ^[0-9]+$ ]]; then
    seconds=$1
    shift
fi
targets=("$@")
[ ${#targets[@]} -gt 0 ] || mapfile -t targets < <(cd fuzz/fuzz_targets && ls -- *.rs | sed 's/\.rs$//')

# Copies files as seeds: seed TARGET FILE.. ; equal names of different folders stay apart.
seed() {
    local target=$1 file name
    shift
    for file in "$@"; do
        [ -f "$file" ] || continue
        name=${file#"$fixtures"/}
        cp -n "$file" "fuzz/corpus/$target/${name//\//_}"
    done
}

made=fuzz/made
seeds_of() {
    local target=$1
    mkdir -p "fuzz/corpus/$target"
    # What once was found is the best seed.
    seed "$target" "$fixtures/regressions/$target"/*
    case $target in
        archive) seed "$target" $(find sample-data "$made" -name '*.zip' -o -name '*.tar' -o -name '*.gz' -o -name '*.zst') ;;
        archive_tar) seed "$target" "$made"/*.tar ;;
        crashcatcher*) seed "$target" "$made"/*.crash $(find "$fixtures" -name '*crash*' -name '*.uart') ;;
        elf_core) seed "$target" "$fixtures"/qemu-*/*.core ;;
        esp_*) seed "$target" "$made"/*esp_* ;;
        log_defmt) seed "$target" "$fixtures"/defmt/*.bin ;;
        log_tokens) seed "$target" "$fixtures"/tokens/console.log ;;
        log_esp) seed "$target" "$fixtures"/esp-binary-log/*.bin ;;
        log_sdk | sdk_lines) seed "$target" "$fixtures"/sdk/*.uart ;;
        sdk_cobs) seed "$target" "$fixtures"/sdk/*-cobs.uart ;;
        log_zephyr) seed "$target" "$fixtures"/zephyr-dictionary/*.bin "$fixtures"/zephyr-dictionary/*.hex ;;
        zephyr_database) seed "$target" "$fixtures"/zephyr-dictionary/*.json ;;
        table_csv) seed "$target" "$fixtures"/tables/*.csv ;;
        table_json_lines) seed "$target" "$fixtures"/tables/*.jsonl ;;
        table_parquet) seed "$target" "$fixtures"/tables/*.parquet ;;
        token_database) seed "$target" "$fixtures"/tokens/tokens.csv "$fixtures"/tokens/tokens.bin ;;
        manifest) printf '{"schema": "fieldscope.bundle/1", "device": {"serial": "1"}, "files": [{"path": "a", "kind": "log"}]}' \
            >"fuzz/corpus/$target/manifest.json" ;;
        probe_rs) seed "$target" "$made"/*.coredump ;;
        symbol_file) seed "$target" "$fixtures"/symbols/*.elf "$fixtures"/types/*.elf ;;
        debug_sections | expressions | split_file | symbol_index | unwinder) printf '\0\1\2\3\4\5\6\7' >"fuzz/corpus/$target/numbers" ;;
        zephyr) seed "$target" "$made"/*.zephyr ;;
        *) seed "$target" "$fixtures"/qemu-*/*.uart "$fixtures"/sample/*.uart "$fixtures"/zephyr/*.uart "$made"/*.uart ;;
    esac
}

# The longest input that is tried. What is read as numbers needs no seeds that grow slowly to it.
options_of() {
    case $1 in
        debug_sections) echo -max_len=16000 -len_control=0 ;;
        expressions | symbol_index | unwinder) echo -max_len=2000 -len_control=0 ;;
        log_*) echo -max_len=20000 ;;
        *) echo -max_len=300000 ;;
    esac
}

# The processor time of a command, in seconds.
processor_time() {
    local TIMEFORMAT=%U
    { time "$@" >/dev/null 2>&1; } 2>&1
}

# Runs one target, writes down what came of it and prints it.
run_target() {
    local target=$1 program=$programs/$1 artifacts=fuzz/artifacts/$1 log=fuzz/artifacts/$1.log
    local ended executed wall user system input found=
    local TIMEFORMAT='%R %U %S'
    mkdir -p "$artifacts"
    touch "$log.started"
    { time nice -n 19 ionice -c 3 "$program" "fuzz/corpus/$target" -artifact_prefix="$artifacts/" -max_total_time="$seconds" \
        $(options_of "$target") -timeout=60 -rss_limit_mb=4096 -print_final_stats=1 >"$log" 2>&1; } 2>"$log.time"
    ended=$?
    read -r wall user system <"$log.time"
    executed=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log" | tail -n 1)
    # A busy machine makes inputs slow that are not.
    for input in "$artifacts"/{slow-unit,timeout}-*; do
        [ -f "$input" ] || continue
        awk -v used="$(processor_time timeout 300 "$program" -timeout=200 "$input")" 'BEGIN { exit !(used < 1) }' && rm "$input"
    done
    found=$(find "$artifacts" -type f -newer "$log.started" -printf '%f ')
    [ $ended -eq 0 ] || found="ended with $ended: $found$(grep -m 1 '^thread .* panicked at' "$log")"
    printf '%s\t%s\t%s\t%s\t%s\t%s\n' "$(date +%F)" "$target" "$wall" "$(awk "BEGIN { print $user + $system }")" "${executed:-0}" \
        "${found//$'\n'/ }" | tee -a "$runs"
}

if $builds; then
    cargo +nightly fuzz build --sanitizer none || exit 1
fi
# Dumps and archives that no fixture has as a file.
if [ ! -d "$made" ]; then
    FIELDSCOPE_HOSTILE_SEEDS=$PWD/$made cargo test --manifest-path fuzz/Cargo.toml --release --test hostile seeds || exit 1
fi
mkdir -p fuzz/artifacts
for target in "${targets[@]}"; do
    seeds_of "$target"
done
programs=fuzz/target/$(rustc +nightly -vV | sed -n 's/^host: //p')/release
export seconds programs runs
export -f run_target options_of processor_time
printf '%s\n' "${targets[@]}" | xargs -P "$jobs" -I{} bash -c 'run_target {}'
