#!/usr/bin/env bash
# Tries the packages that scripts/package.sh made, by installing, running and removing them.
#   scripts/verify-package.sh deb     in a fresh Debian 12 (root, debootstrap, lintian)
#   scripts/verify-package.sh tar     in a folder
#   scripts/verify-package.sh msi     under Wine and Xvfb
# Pictures of the windows are left in target/packages/pictures: look at them.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

out=${CARGO_TARGET_DIR:-target}/packages
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -1)
pictures=$out/pictures

kinds=("$@")
[ ${#kinds[@]} -gt 0 ] || kinds=(deb tar msi)
(cd "$out" && sha256sum --check --quiet SHA256SUMS)
for kind in "${kinds[@]}"; do
    case $kind in
        deb) packaging/linux/verify-deb.sh "$out/fieldscope_${version/-/\~}_$(dpkg --print-architecture).deb" "$version" "$pictures" ;;
        tar) packaging/linux/verify-tar.sh "$out/fieldscope-$version-linux-$(uname -m).tar.gz" "$version" "$pictures" ;;
        msi) packaging/windows/verify.sh "$out/fieldscope-$version-windows-x86_64.msi" "$out/fieldscope-$version-windows-x86_64-user.msi" "$version" "$pictures" ;;
        *) echo "verify-package.sh: no package '$kind'; there are: deb tar msi" >&2; exit 2 ;;
    esac
done
