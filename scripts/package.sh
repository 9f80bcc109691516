#!/usr/bin/env bash
# Makes packages from a clean clone, into target/packages, with their checksums.
#   scripts/package.sh deb     Debian package, of this computer's architecture
#   scripts/package.sh tar     archive for Linux that runs wherever it is unpacked
#   scripts/package.sh msi     Windows installers, for all users and for one, by cross-compiling on Debian 12
#   scripts/package.sh         all of them
# packaging/README.md says what each needs; scripts/verify-package.sh tries what was made.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

target_folder=${CARGO_TARGET_DIR:-target}
out=$target_folder/packages
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -1)
linux_target=$(rustc -vV | sed -n 's/^host: //p')

# The program and its licences, once for every package of Linux.
linux_program() {
    [ ! "${linux_is_built:-}" ] || return 0
    cargo build --locked --profile dist --bin fieldscope
    packaging/licences.py "$linux_target" "$out/THIRD-PARTY-LICENSES-$linux_target.txt"
    linux_is_built=yes
}
package_deb() {
    linux_program
    # In Debian's order of versions a pre-release comes before its release.
    packaging/linux/build-deb.sh "$target_folder/dist/fieldscope" "$out/THIRD-PARTY-LICENSES-$linux_target.txt" "${version/-/\~}" \
        "$out/fieldscope_${version/-/\~}_$(dpkg --print-architecture).deb"
}
package_tar() {
    linux_program
    packaging/linux/build-tar.sh "$target_folder/dist/fieldscope" "$out/THIRD-PARTY-LICENSES-$linux_target.txt" "$version" \
        "$out/fieldscope-$version-linux-$(uname -m).tar.gz"
}
package_msi() {
    local work=$target_folder/windows scope name
    packaging/windows/build-exe.sh "$work"
    packaging/licences.py x86_64-pc-windows-gnu "$out/THIRD-PARTY-LICENSES-windows.txt"
    rm -rf "$work/staged"
    packaging/windows/stage.sh "$work/staged" "$work/x86_64-pc-windows-gnu/dist/fieldscope.exe" "$out/THIRD-PARTY-LICENSES-windows.txt"
    for scope in machine user; do
        name=fieldscope-$version-windows-x86_64
        [ "$scope" = machine ] || name+=-user
        packaging/windows/pack.sh "$work/staged" "$version" "$scope" "$out/$name.msi"
        echo "$out/$name.msi"
    done
}

kinds=("$@")
[ ${#kinds[@]} -gt 0 ] || kinds=(deb tar msi)
for kind in "${kinds[@]}"; do
    declare -F "package_$kind" >/dev/null || { echo "package.sh: no package '$kind'; there are: deb tar msi" >&2; exit 2; }
done
mkdir -p "$out"
for kind in "${kinds[@]}"; do "package_$kind"; done
(cd "$out" && find . -maxdepth 1 \( -name '*.deb' -o -name '*.tar.gz' -o -name '*.msi' \) -printf '%P\n' | LC_ALL=C sort | xargs sha256sum >SHA256SUMS)
cat "$out/SHA256SUMS"
