# shellcheck shell=bash
# packages.sh - brings what is missing, by apt; looks for programs, libraries and modules, never for package names, which
# differ between distributions. Needs common.sh.
: "${cache:?source common.sh first}"

# What `missing` prints are the packages that Debian 12 and Ubuntu give them in.
missing_build()
{
    local pair
    for pair in gcc:gcc make:make autoconf:autoconf automake:automake; do
        command -v "${pair%%:*}" >/dev/null || printf '%s\n' "${pair#*:}"
    done
    [ -f /usr/include/stdlib.h ] || printf 'libc6-dev\n'
    if ! command -v pkg-config >/dev/null; then
        printf '%s\n' pkg-config
    fi
    for pair in glib-2.0:libglib2.0-dev libmariadb:libmariadb-dev libcurl:libcurl4-openssl-dev sqlite3:libsqlite3-dev \
        jansson:libjansson-dev libzstd:libzstd-dev liblz4:liblz4-dev zlib:zlib1g-dev libmicrohttpd:libmicrohttpd-dev \
        ncursesw:libncurses-dev; do
        pkg-config --exists "${pair%%:*}" 2>/dev/null || printf '%s\n' "${pair#*:}"
    done
}

missing_servers()
{
    find_program mariadbd >/dev/null || printf 'mariadb-server-core\n'
    command -v mariadb-install-db >/dev/null || printf 'mariadb-server-core\n'
    command -v mariadb >/dev/null || printf 'mariadb-client-core\n'
    command -v curl >/dev/null || printf 'curl\n'
    [ -e /etc/ssl/certs/ca-certificates.crt ] || printf 'ca-certificates\n'
    if ! libchdb_here && ! libchdb_packed && ! command -v npm >/dev/null; then
        printf 'npm\n'
    fi
}

# The tests are run by Debian's own Python: another one earlier in PATH has not Debian's modules.
missing_tests()
{
    local module
    if [ ! -x /usr/bin/python3 ]; then
        printf '%s\n' python3
    fi
    for module in pytest pymysql pyte pexpect; do
        /usr/bin/python3 -c "import $module" 2>/dev/null || printf 'python3-%s\n' "$module"
    done
    /usr/bin/python3 -c 'import xdist' 2>/dev/null || printf 'python3-pytest-xdist\n'
    command -v node >/dev/null || printf 'nodejs\n'
    command -v pt-online-schema-change >/dev/null || printf 'percona-toolkit\n'
    command -v npm >/dev/null || printf 'npm\n'
    command -v tmux >/dev/null || printf 'tmux\n'
    command -v zsh >/dev/null || printf 'zsh\n'
    command -v fish >/dev/null || printf 'fish\n'
}

# Targets are built by clang, with libFuzzer and what makes addresses readable; plain C files: no C++ is compiled.
missing_fuzz()
{
    command -v clang >/dev/null || printf 'clang\n'
    [ -n "$(find /usr/lib/llvm* /usr/lib/clang* -name 'libclang_rt.fuzzer-*.a' 2>/dev/null | head -n 1)" ] || printf 'libclang-rt-dev\n'
    command -v llvm-symbolizer >/dev/null || printf 'llvm\n'
}

# find_program NAME: its path, also in the folders that an ordinary user's PATH lacks.
find_program()
{
    PATH="$PATH:/usr/sbin:/usr/local/sbin:/sbin" command -v "$1"
}

# need GROUP...: installs what is missing of build, servers, tests, fuzz. Without root and sudo it goes on only when nothing is.
need()
{
    local group packages sudo=''
    packages=$(for group in "$@"; do "missing_$group"; done | sort -u | tr '\n' ' ')
    packages=${packages% }
    [ -n "$packages" ] || return 0
    command -v apt-get >/dev/null || die "missing: $packages (these are Debian's names; install them and start again)"
    if [ "$(id -u)" -ne 0 ]; then
        if command -v sudo >/dev/null && { [ -t 0 ] || sudo -n true 2>/dev/null; }; then
            sudo=sudo
        else
            printf 'Missing packages, and neither root nor sudo is at hand. As root, run:\n' >&2
            printf '    apt-get update && apt-get install -y --no-install-recommends %s\n' "$packages" >&2
            exit 1
        fi
    fi
    step "installing $packages"
    # shellcheck disable=SC2086 # the list is to be split
    if ! { $sudo env DEBIAN_FRONTEND=noninteractive apt-get -q update &&
        $sudo env DEBIAN_FRONTEND=noninteractive apt-get -qy install --no-install-recommends $packages; } >"$cache/apt.log" 2>&1; then
        tail -n 20 "$cache/apt.log" >&2
        die "the packages could not be installed; $cache/apt.log has all of it"
    fi
    packages=$(for group in "$@"; do "missing_$group"; done | sort -u | tr '\n' ' ')
    [ -z "$packages" ] || die "installed, but still not found: $packages"
}
