#!/bin/sh
# Makes the environment in $1 from requirements/dev.txt. Called by make; needs Python 3.11 or newer.
#
# The stamp $1/ready is written last: an environment without it was broken off half-way and is made
# anew, one with it is brought up to date in place. PYTHON names the only interpreter to try.
set -eu

environment=$1
requirements=requirements/dev.txt
stamp=$environment/ready
log=build/set-up.log

say() { echo "set-up: $*" >&2; }
refuse() { say "$*"; exit 1; }

is_new_enough() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >>"$log" 2>&1; }
can_make_environments() { "$1" -c 'import venv, ensurepip' >>"$log" 2>&1; }
version_of() { "$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>>"$log"; }

# Prints the interpreter to use, or says in one sentence why there is none.
find_python() {
    new_but_bare=
    for candidate in ${PYTHON:-python3.13 python3.12 python3.11 python3}; do
        is_new_enough "$candidate" || continue
        if can_make_environments "$candidate"; then
            echo "$candidate"
            return
        fi
        new_but_bare=${new_but_bare:-$candidate}
    done
    if [ -n "$new_but_bare" ]; then
        refuse "$new_but_bare lacks the modules venv or ensurepip;" \
            "install them (Debian, Ubuntu: apt install python$(version_of "$new_but_bare")-venv)" \
            "and run make again."
    fi
    found=$(version_of "${PYTHON:-python3}") || found=
    refuse "Python 3.11 or newer is needed, but ${PYTHON:-python3} is ${found:-missing};" \
        "install a newer one or name it: make PYTHON=/path/to/python3."
}

# Says in one sentence why pip failed, and leaves nothing that a later run could take for good.
refuse_installation() {
    if [ ! -e "$stamp" ]; then rm -rf "$environment"; fi
    if grep -q 'DO NOT MATCH THE HASHES' "$log"; then
        refuse "a package differs from its hash in $requirements; do not use it," \
            "see which in $log, and check the package index that pip is set up to use."
    elif grep -qi 'no space left' "$log"; then
        refuse "the disk is full; free about 1 GB and run make again."
    elif grep -qE 'from versions: none|Connection|[Tt]imed out|ProxyError|SSLError' "$log"; then
        refuse "the packages could not be downloaded; check the network (and pip's proxy or" \
            "index settings) and run make again; details are in $log."
    fi
    refuse "pip failed: $(grep -i error "$log" | tail -n 1); details are in $log."
}

mkdir -p build
: >"$log"
if [ ! -e "$stamp" ]; then
    python=$(find_python)
    say "making $environment with Python $(version_of "$python")"
    rm -rf "$environment"
    "$python" -m venv "$environment" >>"$log" 2>&1 || refuse_installation
fi
say "installing the packages of $requirements (a minute or two the first time)"
pip="$environment/bin/python -m pip --disable-pip-version-check --no-input"
$pip install --require-hashes --requirement "$requirements" >>"$log" 2>&1 || refuse_installation
say "installing palm-oil-bot itself"
$pip install --no-deps --no-build-isolation --no-index --editable . >>"$log" 2>&1 ||
    refuse_installation
touch "$stamp"
say "ready"
