#!/bin/sh
# `audit.sh audit PYTHON`: known vulnerabilities of the pinned packages, by pip-audit.
# `audit.sh sbom PYTHON`: the bill of materials of build/live-venv, by cyclonedx-py.
# Both tools live in an environment of their own, held to the hashes of requirements/audit.txt.
set -eu

what=$1
python=$2
tools=build/audit-venv
log=build/audit.log

say() { echo "$what: $*" >&2; }
refuse() { say "$*"; exit 1; }

mkdir -p build dist
: >"$log"
if ! cmp -s requirements/audit.txt "$tools/installed.txt"; then
    say "installing the tools of requirements/audit.txt"
    rm -rf "$tools"
    "$python" -m venv "$tools" >>"$log" 2>&1
    "$tools/bin/python" -m pip --disable-pip-version-check --no-input install \
        --require-hashes --requirement requirements/audit.txt >>"$log" 2>&1 ||
        refuse "the tools could not be installed; details are in $log"
    cp requirements/audit.txt "$tools/installed.txt"
fi

case $what in
audit)
    # What could not be looked up counts as bad: silence is no proof of health.
    failed=
    for file in live research dev; do
        if "$tools/bin/pip-audit" --strict --require-hashes --disable-pip --progress-spinner off \
            --requirement "requirements/$file.txt" >"build/audit-$file.txt" 2>&1; then
            say "requirements/$file.txt: no known vulnerability"
        elif grep -qi "found .*known vulnerabilit" "build/audit-$file.txt"; then
            say "requirements/$file.txt: known vulnerabilities, see build/audit-$file.txt;" \
                "raise the pins with 'make lock ARGS=--upgrade', test, and look again"
            failed=yes
        else
            say "requirements/$file.txt was NOT audited: $(tail -n 1 "build/audit-$file.txt");" \
                "the public database of vulnerabilities did not answer, run this where it can be reached"
            failed=yes
        fi
    done
    [ -z "$failed" ] || exit 1
    ;;
sbom)
    PYTHONWARNINGS=ignore "$tools/bin/cyclonedx-py" environment build/live-venv \
        --pyproject pyproject.toml --mc-type application --output-reproducible --of JSON --sv 1.6 \
        --validate -o dist/sbom.json >>"$log" 2>&1 ||
        refuse "the bill of materials could not be written or is not valid; details are in $log"
    "$python" tools/check_sbom.py dist/sbom.json requirements/live.txt || exit 1
    ;;
*)
    refuse "say audit or sbom"
    ;;
esac
