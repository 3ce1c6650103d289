# shellcheck shell=bash
# What scripts/run and scripts/test share; to be sourced. Messages go to standard error.

# fail MESSAGE...: one line each, then exit 1.
fail() {
    printf '%s\n' "$@" >&2
    exit 1
}

# usage_error MESSAGE: the caller's command line makes no sense; exit 2.
usage_error() {
    printf '%s: %s; see %s --help\n' "$0" "$1" "$0" >&2
    exit 2
}

# packages PURPOSE...: the names in deploy/packages/PURPOSE.txt, one a line.
packages() {
    local purpose
    for purpose in "$@"; do
        awk '{ sub(/#.*/, "") } NF { print $1 }' "deploy/packages/$purpose.txt"
    done
}

# missing_packages PURPOSE...: those of them that are not installed.
missing_packages() {
    local wanted
    mapfile -t wanted < <(packages "$@" | sort -u)
    # dpkg-query fails when it does not know one of them: that one is missing, no error.
    comm -23 <(printf '%s\n' "${wanted[@]}") \
        <(dpkg-query -W -f '${Package} ${db:Status-Status}\n' "${wanted[@]}" 2>/dev/null |
            awk '$2 == "installed" { print $1 }' | sort -u)
}

# ensure_packages YES PURPOSE...: installs what is missing. Asks first on a terminal, unless YES is
# true; where it may not install and cannot ask, it says what to do and exits 1.
ensure_packages() {
    local yes=$1 missing become=() answer
    shift
    command -v apt-get >/dev/null ||
        fail "this script needs Debian 12; elsewhere, install by hand what deploy/packages/ lists" \
            "and build with: cmake --preset release && cmake --build --preset release"
    mapfile -t missing < <(missing_packages "$@")
    [[ ${#missing[@]} -gt 0 ]] || return 0

    local by_hand="apt-get install --no-install-recommends ${missing[*]}"
    if [[ $(id -u) -ne 0 ]]; then
        command -v sudo >/dev/null || fail "packages are missing; as root, run:" "  $by_hand"
        become=(sudo)
    fi
    printf '%d packages are missing: %s\n' "${#missing[@]}" "${missing[*]}" >&2
    if [[ $yes != true ]]; then
        [[ -t 0 && -t 2 ]] || fail "run this again with --yes to install them, or run, as root:" \
            "  $by_hand"
        read -r -p "Install them now? [y/N] " answer
        [[ $answer == [yY] || $answer == [yY][eE][sS] ]] || fail "nothing was installed"
    fi
    # One unreachable source among several need not matter; the installation shows whether it does.
    "${become[@]}" apt-get -q update >&2 || printf 'apt-get update had problems\n' >&2
    "${become[@]}" env DEBIAN_FRONTEND=noninteractive \
        apt-get -q install -y --no-install-recommends "${missing[@]}" >&2 ||
        fail "apt-get could not install what is missing"
}

# Compilers are called through ccache where it is installed.
use_ccache() {
    command -v ccache >/dev/null || return 0
    export CMAKE_C_COMPILER_LAUNCHER=${CMAKE_C_COMPILER_LAUNCHER-ccache}
    export CMAKE_CXX_COMPILER_LAUNCHER=${CMAKE_CXX_COMPILER_LAUNCHER-ccache}
}
