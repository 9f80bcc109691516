#!/usr/bin/env bash
# Runs all tests: first it installs what the image tests need (an X server and a software renderer), if it may; then `cargo test`;
# then hostile input for FIELDSCOPE_HOSTILE_SECONDS (default 180; 0 leaves it out).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# command or file that must be there : Debian package
needed=(
    "cc:gcc"
    "pkg-config:pkg-config"
    "Xvfb:xvfb"
    "/usr/share/vulkan/icd.d/lvp_icd.*json:mesa-vulkan-drivers"
    "libvulkan.so.1:libvulkan1"
    "libEGL.so.1:libegl1"
    "libGL.so.1:libgl1"
    "swrast_dri.so:libgl1-mesa-dri"
    "libxkbcommon-x11.so.0:libxkbcommon-x11-0"
    "libxcursor.so.1|libXcursor.so.1:libxcursor1"
    "libXi.so.6:libxi6"
    "libX11-xcb.so.1:libx11-xcb1"
)

libraries=$(PATH=$PATH:/sbin:/usr/sbin ldconfig -p 2>/dev/null || true)

is_there() {
    local what
    IFS='|' read -ra alternatives <<<"$1"
    for what in "${alternatives[@]}"; do
        case $what in
            /*) compgen -G "$what" >/dev/null && return 0 ;;
            *_dri.so) [ -n "$(find /usr/lib /usr/lib64 -path "*/dri/$what" -print -quit 2>/dev/null)" ] && return 0 ;;
            *.so*) [[ $libraries == *"$what"* ]] && return 0 ;;
            *) command -v "$what" >/dev/null && return 0 ;;
        esac
    done
    return 1
}

missing() {
    local entry
    for entry in "${needed[@]}"; do
        is_there "${entry%%:*}" || echo "${entry#*:}"
    done | sort -u
}

mapfile -t packages < <(missing)
if [ ${#packages[@]} -gt 0 ]; then
    if [ "$(id -u)" = 0 ]; then as_root=(); elif sudo -n true 2>/dev/null; then as_root=(sudo -n); else as_root=(none); fi
    if command -v apt-get >/dev/null && [ "${as_root[0]:-}" != none ]; then
        echo "installing: ${packages[*]}"
        "${as_root[@]}" apt-get update -qq
        "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${packages[@]}" >/dev/null
    else
        echo "test.sh: the image tests need what these Debian packages hold: ${packages[*]}" >&2
        echo "         install them and run this again; without images: cargo test --no-default-features" >&2
        exit 2
    fi
fi

step() {
    local started=$SECONDS
    echo "== $1"
    shift
    "$@"
    echo "== $((SECONDS - started)) s"
}

step "cargo test" cargo test "$@"

seconds=${FIELDSCOPE_HOSTILE_SECONDS:-180}
if [ "$seconds" -gt 0 ] && [ -f tests/hostile.rs ]; then
    export FIELDSCOPE_HOSTILE_SECONDS=$seconds
    # The build that is there already: an optimised one (scripts/check.sh hostile) takes a quarter of an hour of CPU first.
    step "hostile input, $seconds s" cargo test --test hostile -- --nocapture
fi
