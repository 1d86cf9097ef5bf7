# shellcheck shell=bash
# unpacked.sh - servers of newer Debian suites than the machine's own, unpacked into the cache and run there by their own
# loader and C library: nothing is installed, and neither root nor a chroot is needed.
#
# The packages come from the mirror that the machine's own apt is configured with, another suite of it; whatever is the
# candidate there is taken, for those suites move on. Caller's contract: `cache` may be set (see common.sh).

cache="${cache:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/sluice}"
unpacked_cache="$cache/servers"
unpacked_refresh_minutes=720 # for how long a suite's lists of packages are good

unpacked_known='mysql mariadb11'

# unpacked_what NAME: sets `suite`, `package` and `title`.
unpacked_what()
{
    case $1 in
    mysql)
        suite=sid package=mysql-server-core title=MySQL
        ;;
    mariadb11)
        suite=trixie package=mariadb-server-core title=MariaDB
        ;;
    *)
        echo "no such server: $1; there are: $unpacked_known" >&2
        return 2
        ;;
    esac
}

# The address of the mirror that the machine has its own suite from.
unpacked_mirror()
{
    local own
    # shellcheck disable=SC1091
    own=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
    [ -n "$own" ] || return 1
    apt-get indextargets --format '$(REPO_URI)' "Identifier: Packages" "Release: $own" "Component: main" | head -n 1
}

# apt on state of its own, which knows no installed package, so that a package's whole closure is chosen.
unpacked_apt()
{
    local state=$1
    shift
    apt-get -q -o "Dir::Etc::sourcelist=$state/sources.list" -o Dir::Etc::sourceparts=- -o Dir::Etc::preferences=/dev/null \
        -o Dir::Etc::preferencesparts=- -o "Dir::State=$state" -o "Dir::State::status=$state/status" -o "Dir::Cache=$state/cache" \
        -o APT::Install-Recommends=0 -o APT::Sandbox::User= -o Debug::NoLocking=1 -o Acquire::Languages=none \
        -o Acquire::Retries=2 -o Acquire::http::Timeout=20 "$@"
}

unpacked_update()
{
    local state=$1 suite=$2 mirror options=target=Packages keyring=/usr/share/keyrings/debian-archive-keyring.gpg
    mkdir -p "$state/lists/partial" "$state/cache/archives/partial"
    [ ! -r "$keyring" ] || options="$options signed-by=$keyring"
    mirror=$(unpacked_mirror)
    if [ -z "$mirror" ]; then
        echo "apt has no mirror of this machine's own suite to derive another suite's from"
        return 1
    fi
    echo "deb [$options] $mirror $suite main" >"$state/sources.list"
    : >"$state/status"
    unpacked_apt "$state" -o APT::Update::Error-Mode=any update && touch "$state/updated"
}

# What is needed to run the server, "package=version" a line, the server itself last; scripts' interpreters are left out.
unpacked_closure()
{
    unpacked_apt "$1" -qq -s install "$2" |
        awk '$1 == "Inst" { print $2 "=" substr($3, 2) }' | grep -vE '^(perl|libperl|libgdbm|libdb5|libc-gconv|openssl-provider)'
}

unpacked_version()
{
    sed -n "s/^$2=\(.*\)/\1/p" "$1"
}

unpacked_unpack()
{
    local state=$1 list=$2 root=$3 scratch
    scratch=$(mktemp -d "$unpacked_cache/unpack.XXXXXX") || return 1
    if (
        cd "$scratch" || exit 1
        # shellcheck disable=SC2046 # the list is to be split
        unpacked_apt "$state" download $(cat "$list") || exit 1
        mkdir root
        for file in *.deb; do
            dpkg-deb -x "$file" root || exit 1
        done
    ); then
        mv "$scratch/root" "$root"
    fi
    rm -rf "$scratch"
    [ -d "$root" ]
}

# unpacked_fetch NAME: the server's candidate is in the cache afterwards; `unpacked_root` and `unpacked_candidate` are set.
# A suite that cannot be reached is made good by what is in the cache, and that is said. Fails, with the reason on stderr,
# when there is nothing.
unpacked_fetch()
{
    local suite package title state log list old
    unpacked_what "$1" || return 2
    mkdir -p "$unpacked_cache"
    state="$unpacked_cache/apt-$suite"
    log="$unpacked_cache/$1.log"
    list="$unpacked_cache/$1.list"
    # Two scripts may come here at once: the second finds what the first one fetched.
    exec 8>"$unpacked_cache/lock"
    flock 8
    if [ -z "$(find "$state/updated" -mmin "-$unpacked_refresh_minutes" 2>/dev/null)" ] || [ ! -s "$list" ]; then
        if { unpacked_update "$state" "$suite" && unpacked_closure "$state" "$package" >"$list.new"; } >"$log" 2>&1 &&
            [ -n "$(unpacked_version "$list.new" "$package")" ]; then
            mv "$list.new" "$list"
        elif [ -s "$list" ]; then
            echo "Debian's suite $suite cannot be reached: $title is taken from the cache and may be behind it" >&2
        fi
    fi
    unpacked_candidate=$(unpacked_version "$list" "$package" 2>/dev/null)
    unpacked_root="$unpacked_cache/$1-${unpacked_candidate##*:}" # no colon: it parts the loader's paths
    if [ -n "$unpacked_candidate" ] && [ ! -d "$unpacked_root" ]; then
        if unpacked_unpack "$state" "$list" "$unpacked_root" >>"$log" 2>&1; then
            for old in "$unpacked_cache/$1"-*; do # what a run that goes on uses stays: a day
                [ "$old" = "$unpacked_root" ] || find "$old" -maxdepth 0 -mmin +1440 -exec rm -rf {} +
            done
        else
            rm -f "$list" # perhaps of packages that are gone from the mirror: looked up anew the next time
        fi
    fi
    exec 8>&-
    if [ -z "$unpacked_candidate" ] || [ ! -d "$unpacked_root" ]; then
        tail -n 5 "$log" >&2
        echo "$title of Debian's suite $suite could not be fetched; $log has all of it" >&2
        return 1
    fi
}

# unpacked_loader ROOT: sets the array `run`: what to put before a program of the unpacked root to run it.
unpacked_loader()
{
    local file
    run=()
    for file in "$1"/usr/lib/*/ld-linux*.so.*; do
        [ ! -e "$file" ] || run=("$file" --library-path "$(dirname "$file")")
    done
    [ "${#run[@]}" -gt 0 ] || { echo "$1 holds no loader" >&2 && return 1; }
}

# A free port of the loopback, below the range that the kernel takes ports of outgoing connections from.
unpacked_port()
{
    local port
    while :; do
        port=$((15000 + RANDOM % 15000))
        if ! (: <"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
            echo "$port"
            return
        fi
    done
}
