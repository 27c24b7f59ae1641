#!/bin/sh
# Installs the wheel in dist/ into empty environments, as a person would, and uses it.
# Called by `make wheel-check` with an interpreter. build/live-venv stays: `make sbom` reads it.
set -eu

python=$1
log=build/wheel-check.log
work=build/wheel-check

say() { echo "wheel-check: $*" >&2; }
refuse() { say "$*; details are in $log"; exit 1; }

# Makes environment $1 from requirement file $2 and the wheel, with wheels and hashes alone.
install() {
    rm -rf "$1"
    "$python" -m venv "$1" >>"$log" 2>&1 || refuse "cannot make $1"
    pip="$1/bin/python -m pip --disable-pip-version-check --no-input"
    $pip install --require-hashes --only-binary :all: --requirement "$2" >>"$log" 2>&1 ||
        refuse "the packages of $2 could not be installed as wheels with these hashes"
    $pip install --no-deps --no-index dist/palm_oil_bot-*.whl >>"$log" 2>&1 ||
        refuse "the wheel could not be installed"
    $pip check >>"$log" 2>&1 || refuse "the wheel wants packages that $2 does not pin"
}

mkdir -p build
rm -rf "$work"
mkdir -p "$work"
: >"$log"

say "installing with requirements/live.txt"
install build/live-venv requirements/live.txt
palmbot=$PWD/build/live-venv/bin/palmbot
cd "$work"  # away from the sources, so that only what is installed can be found
log=../../$log
"$palmbot" --version >>"$log" 2>&1 || refuse "palmbot --version failed"
"$palmbot" run --help >>"$log" 2>&1 || refuse "palmbot run --help failed"
# Nobody is logged in there, and the doctor has to say so (1) instead of failing itself.
"$palmbot" doctor --offline >>"$log" 2>&1 && code=0 || code=$?
[ "$code" -le 1 ] || refuse "palmbot doctor --offline failed"
# Without research the demo cannot draw; one sentence has to say so.
if "$palmbot" demo --days 1 >demo.txt 2>&1; then refuse "the demo ran without its tools"; fi
grep -q "requirements/research.txt" demo.txt || refuse "the demo did not say what it lacks"
cd ../..
log=${log#../../}

say "installing with requirements/research.txt"
install build/research-venv requirements/research.txt
palmbot=$PWD/build/research-venv/bin/palmbot
cd "$work"
"$palmbot" demo --days 1 --json >demo.json 2>>../../"$log" ||
    { log=../../$log; refuse "the demo of the installed wheel failed"; }
cd ../..
rm -rf build/research-venv
say "$(ls dist/palm_oil_bot-*.whl) installs, trades and draws"
