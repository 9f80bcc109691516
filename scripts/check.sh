#!/usr/bin/env bash
# All that CI checks, fast first.
#   scripts/check.sh               every stage but the long ones
#   scripts/check.sh STAGE..       these stages; long ones only by name
# Stages: fmt icons sample-data sdk deny layers clippy no-gui docs msi-tables test packages | long: hostile kill9 msi screenshots
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

short=(fmt icons sample-data sdk deny layers clippy no-gui docs msi-tables test packages)
long=(hostile kill9 msi screenshots)

# The integration test tests/NAME.rs, which must exist: a stage that checks nothing may not pass.
test_target() {
    local name=$1
    shift
    if [ ! -f "tests/$name.rs" ]; then
        echo "check.sh: tests/$name.rs is missing" >&2
        return 1
    fi
    cargo test --test "$name" "$@"
}

stage_fmt() { cargo fmt --check; }
stage_icons() { scripts/make-icons check; }
stage_sample_data() {
    if ! command -v python3 >/dev/null; then
        echo "python3 is not installed: the sample data were not checked"
        return
    fi
    scripts/make-sample-data check
    scripts/make-sdk-fixtures check
}
# The device-side SDK with every compiler that is installed; gcc at least.
stage_sdk() {
    if ! command -v python3 >/dev/null; then
        echo "python3 is not installed: the SDK was not tested"
        return
    fi
    scripts/sdk-test
    if command -v arm-none-eabi-gcc >/dev/null && command -v qemu-system-arm >/dev/null; then
        test_target sdk_two_lines -- --include-ignored
        test_target monitor -- --include-ignored --skip unasked
        test_target gdb_server -- --include-ignored
        test_target live_watch -- --include-ignored
        test_target probe -- --include-ignored
    else
        echo "gcc-arm-none-eabi and qemu-system-arm are not both installed: that a metric is two lines was not tried, nor a live board"
    fi
    if command -v strace >/dev/null; then
        test_target monitor -- --ignored unasked
    else
        echo "strace is not installed: that no device is opened unasked was not tried"
    fi
}
stage_deny() {
    if ! cargo deny --version >/dev/null 2>&1; then
        echo "cargo-deny is not installed (cargo install --locked cargo-deny): licences were not checked"
        return
    fi
    cargo deny --offline check licenses bans sources
}
stage_layers() { test_target layers; }
# In a test a failed unwrap or index is the failure that it should be.
stage_clippy() {
    cargo clippy --lib --bins -- -D warnings
    cargo clippy --all-targets --features bench -- -D warnings -A clippy::unwrap_used -A clippy::expect_used -A clippy::panic \
        -A clippy::indexing_slicing -A clippy::string_slice -A clippy::print_stdout -A clippy::print_stderr \
        -A clippy::cast_possible_truncation -A clippy::cast_sign_loss -A clippy::too_many_lines -A clippy::disallowed_methods \
        -A clippy::format_collect -A clippy::format_push_string -A clippy::type_complexity -A clippy::redundant_clone -A clippy::doc_markdown
}
stage_no_gui() { cargo check --no-default-features; }
stage_docs() { RUSTDOCFLAGS="-D warnings" cargo doc --no-deps --document-private-items; }
stage_test() { cargo test; }
# The tables of the Windows installers, with a program that stands in for the real one.
stage_msi_tables() {
    if ! command -v wixl >/dev/null || ! command -v msiinfo >/dev/null || ! command -v x86_64-w64-mingw32-gcc >/dev/null; then
        echo "wixl, msitools and gcc-mingw-w64-x86-64-win32 are not all installed: the tables of the .msi were not checked"
        return
    fi
    packaging/windows/check-tables.sh
}
# The packages of Linux: made, and tried where that is possible.
stage_packages() {
    if ! command -v dpkg-shlibdeps >/dev/null || ! command -v python3 >/dev/null; then
        echo "dpkg-dev and python3 are not both installed: no package was made"
        return
    fi
    scripts/package.sh deb tar
    scripts/verify-package.sh tar
    if [ "$(id -u)" = 0 ] && command -v debootstrap >/dev/null && command -v lintian >/dev/null; then
        local status=0
        scripts/verify-package.sh deb || status=$?
        # 3: no fresh Debian can be made here, which was said.
        [ $status -eq 0 ] || [ $status -eq 3 ]
    else
        echo "not root, or debootstrap and lintian are not both installed: the .deb was not installed anywhere"
    fi
}
# The Windows installers: a cross build of a quarter of an hour, then Wine.
stage_msi() {
    scripts/package.sh msi
    scripts/verify-package.sh msi
}
# Every fixture cut at every 64 bytes and 1,000 bit flips each; scripts/test.sh runs a seeded part of it. Built in the
# package of the fuzz targets: optimised with overflow checks, and without what only the window's tests need.
stage_hostile() { FIELDSCOPE_HOSTILE=all cargo test --manifest-path fuzz/Cargo.toml --release --test hostile -- --nocapture; }
stage_kill9() { FIELDSCOPE_KILL9=50 test_target kill9 --profile fast -- --include-ignored --nocapture; }
# The README's pictures, drawn by the real window (under Xvfb if there is no display).
stage_screenshots() {
    cargo build --release
    local program=${CARGO_TARGET_DIR:-target}/release/fieldscope picture panel theme workspace show
    mkdir -p docs/images
    for picture in crash-dark crash-light home-dark symbolizer-dark issues-dark logs-dark; do
        panel=${picture%-*} theme=${picture#*-} show=()
        [ "$panel" != issues ] || show=(--show first)
        # A workspace of its own each: pictures show the demo, not what the user keeps.
        workspace=$(mktemp -d)
        "$program" screenshot "$panel" --theme "$theme" --workspace "$workspace/demo.fieldscope" --no-cache \
            --import sample-data/demo-bundle.zip "${show[@]}" --out "docs/images/$picture.png"
        rm -r "$workspace"
    done
    if command -v qemu-system-arm >/dev/null; then screenshot_of_a_board "$program"; fi
    workspace=$(mktemp -d)
    "$program" demo --out "$workspace/demo.fieldscope" > /dev/null
    for panel in fleet device; do
        "$program" screenshot "$panel" --theme dark --workspace "$workspace/demo.fieldscope" --no-cache --size 1280x800 \
            --out "docs/images/$panel-dark.png"
    done
    rm -r "$workspace"
}

# The picture of a board that runs: its UART is a pseudo terminal, its memory is read through QEMU's GDB server.
screenshot_of_a_board() {
    local folder elf=tests/fixtures/qemu-freertos/an386.elf port=3418 qemu uart
    folder=$(mktemp -d)
    qemu-system-arm -M mps2-an386 -display none -monitor none -nic none -serial pty -gdb "tcp:127.0.0.1:$port" \
        -icount shift=6,align=off,sleep=on -kernel "$elf" </dev/null >"$folder/qemu" 2>&1 &
    qemu=$!
    until uart=$(grep -o '/dev/pts/[0-9]*' "$folder/qemu"); do sleep 0.1; done
    "$1" screenshot live --theme dark --size 1280x800 --workspace "$folder/board.fieldscope" --no-cache --import "$elf" \
        --connect "uart:$uart" --connect "gdb:127.0.0.1:$port" --watch xTickCount@10 --watch uxCurrentNumberOfTasks \
        --watch 'pxReadyTasksLists[0].uxNumberOfItems@10' --watch xDelayedTaskList1.uxNumberOfItems@20 \
        --watch xFreeBytesRemaining --watch xMinimumEverFreeBytesRemaining --seconds 6 --out docs/images/live-dark.png
    kill "$qemu"
    rm -r "$folder"
}

stages=("$@")
[ ${#stages[@]} -gt 0 ] || stages=("${short[@]}")
failed=()
for stage in "${stages[@]}"; do
    if ! declare -F "stage_${stage//-/_}" >/dev/null; then
        echo "check.sh: no stage '$stage'; there are: ${short[*]} ${long[*]}" >&2
        exit 2
    fi
    started=$SECONDS
    echo "== $stage"
    # Not as the condition of an `if`: bash would ignore `set -e` inside the stage.
    set +e
    (set -e; "stage_${stage//-/_}")
    status=$?
    set -e
    if [ $status -eq 0 ]; then
        echo "== $stage: ok, $((SECONDS - started)) s"
    else
        echo "== $stage: FAILED, $((SECONDS - started)) s"
        failed+=("$stage")
    fi
done
if [ ${#failed[@]} -gt 0 ]; then
    echo "failed: ${failed[*]}" >&2
    exit 1
fi
