"""Changes src/engine and src/wire in every way that cargo-mutants knows, one change at a time, and looks whether a test
notices: run.py [--shard K/N] [--only REGEX] [--again] [--jobs N] [--report]

First the fast tests meet each change (.cargo/mutants.toml); what gets past them meets all (second.toml). What was found
is kept in the target folder, also of a run that was interrupted: the next one goes on with what was not tried or was
missed without a reason, unless it is to try all --again. REPORT.md is written from it. Fails where a change is missed
that explained.tsv does not explain, or one that is explained there is noticed or gone.
"""

import argparse
import collections
import datetime
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

VERSION = "27.1.0"
HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
WORK = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "mutation"
KEPT = WORK / "results.json"

# Backtraces cost more than most tests. Few seeds at first, and then as many as `make unit` takes.
FAST = {"RUST_BACKTRACE": "0", "CONFD_SEEDS": "50"}
ALL = {"RUST_BACKTRACE": "0"}

WORDS = {"CaughtMutant": "caught", "Timeout": "timeout", "MissedMutant": "missed", "Unviable": "unviable"}


def git(*arguments):
    return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True).stdout.strip()


def cargo_mutants(more, *arguments, **options):
    """Each copy of the tree that it makes has a target folder of its own."""
    own = ("CARGO_TARGET_DIR", "CONFD_SEED", "CONFD_SEEDS")
    kept = {name: value for name, value in os.environ.items() if name not in own}
    return subprocess.run(["cargo", "mutants", *arguments], cwd=ROOT, env=kept | more, **options)


def listed():
    """Every change by the name that cargo-mutants has for it, with one that stays while its line does: the file, the
    change, the line's text, and which of several that are alike."""
    found = cargo_mutants(FAST, "--list", "--json", stdout=subprocess.PIPE, check=True).stdout
    lines, seen, keys = {}, collections.Counter(), {}
    for change in json.loads(found):
        file = change["file"]
        if file not in lines:
            lines[file] = (ROOT / file).read_text(encoding="utf-8").splitlines()
        key = (file, change["name"].split(": ", 1)[1], lines[file][change["span"]["start"]["line"] - 1].strip())
        seen[key] += 1
        keys[change["name"]] = "\t".join(key) + (f"\t{seen[key]}" if seen[key] > 1 else "")
    return keys


def stage(name, more, *arguments):
    """Runs cargo-mutants; gives the outcome and the seconds of each change, and whether it came to its end."""
    folder = WORK / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        done = cargo_mutants(more, "--output", folder, "--annotations", "none", *arguments).returncode in (0, 2, 3)
    except KeyboardInterrupt:
        done = False
    file = folder / "mutants.out/outcomes.json"
    return (outcomes(file) if file.exists() else {}), done


def outcomes(file):
    found = {}
    for outcome in json.loads(file.read_text(encoding="utf-8"))["outcomes"]:
        if outcome["scenario"] != "Baseline":
            seconds = sum(phase["duration"] for phase in outcome["phase_results"])
            found[outcome["scenario"]["Mutant"]["name"]] = (WORDS[outcome["summary"]], seconds)
    return found


def run(options, names, results):
    """The outcomes of the wanted changes, and whether all of them were tried."""
    reasons = explained()
    wanted = [name for name in names if re.search(options.only, name)]
    if options.shard:
        index, count = (int(part) for part in options.shard.split("/"))
        wanted = wanted[index::count]
    if not options.again:
        settled = {key for key, entry in results.items() if entry["outcome"] != "missed" or key in reasons}
        wanted = [name for name in wanted if names[name] not in settled]
    if not wanted:
        return {}, True
    jobs = ["--jobs", str(options.jobs)]
    exactly = lambda names: [f"--re=^{re.escape(name)}$" for name in names]
    found, done = stage("first", FAST, *jobs, *exactly(wanted))
    missed = [name for name, (word, _) in found.items() if word == "missed"]
    if not (done and missed):
        return found, done
    print(f"mutants: {len(missed)} got past the fast tests; now all of them", flush=True)
    again, done = stage("second", ALL, *jobs, "--config", HERE / "second.toml", *exactly(missed))
    for name in missed:
        # What was not tried again is not known to be missed.
        word, seconds = again.get(name, (None, 0))
        found[name] = (word, seconds + found[name][1])
    return {name: result for name, result in found.items() if result[0]}, done


def kept():
    return json.loads(KEPT.read_text(encoding="utf-8")) if KEPT.exists() else {}


def explained():
    lines = (HERE / "explained.tsv").read_text(encoding="utf-8").splitlines()
    rows = [line.rsplit("\t", 1) for line in lines if line and not line.startswith("#")]
    return dict(rows)


def report(keys, results, reasons):
    """Writes REPORT.md: a table by file, and what is missed with the reasons."""
    columns = (*WORDS.values(), "not run")
    rows = collections.defaultdict(collections.Counter)
    for key in keys:
        rows[key.split("\t")[0]][results.get(key, {}).get("outcome", "not run")] += 1
    total = sum(rows.values(), collections.Counter())
    noticed = total["caught"] + total["timeout"]
    viable = noticed + total["missed"]
    ran = [results[key] for key in keys if key in results]
    left = [key for key in keys if results.get(key, {}).get("outcome") == "missed"]
    seconds = sum(entry["seconds"] for entry in ran) / max(len(ran), 1)
    dates = sorted({entry["date"] for entry in ran})
    text = [
        "# What changes of the code say of the tests",
        "",
        f"Written by `make mutants`: each change of `src/engine` and `src/wire` that cargo-mutants {VERSION} knows, one at",
        "a time, against the unit tests of both, and where these missed it against `tests/query_figures`, too.",
        "",
        "A change that was noticed once is not tried again while its line stays as it is.",
        "",
        f"{dates[-1] if dates else 'Never'}, at commit {git('rev-parse', '--short', 'HEAD')}: {viable} "
        f"changes that compile, {noticed} noticed ({100 * noticed / max(viable, 1):.1f} %),",
        f"{total['timeout']} of these by a loop without an end; {total['missed']} missed, "
        f"{sum(key in reasons for key in left)} of them explained below; {total['not run']} not run.",
        f"Each took {seconds:.1f} s, two at a time, on a machine with two cores that did other things, too.",
        "",
        "| file | " + " | ".join(columns) + " |",
        "|---|" + "---:|" * len(columns),
    ]
    for file, row in [*sorted(rows.items()), ("all", total)]:
        text.append(f"| {file} | " + " | ".join(str(row[column]) for column in columns) + " |")
    text += ["", "## Missed, and why", ""]
    for key in left:
        file, change, line = key.split("\t")[:3]
        text.append(f"- {file}: `{change}`, in `{line}`: {reasons.get(key, '**not explained**')}")
    (HERE / "REPORT.md").write_text("\n".join(text) + "\n", encoding="utf-8")
    print(f"mutants: {viable} viable, {total['caught']} caught, {total['timeout']} timeouts, {total['missed']} missed, "
          f"{total['not run']} not run")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shard", default="", help="K/N: each Nth change, from the Kth on")
    parser.add_argument("--only", default="", help="changes whose names, as `cargo mutants --list` has them, match")
    parser.add_argument("--again", action="store_true", help="those whose outcome is known, too")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--report", action="store_true", help="try nothing, write the report anew")
    options = parser.parse_args()
    if VERSION not in cargo_mutants({}, "--version", capture_output=True, text=True).stdout:
        sys.exit(f"mutants: needs cargo-mutants: cargo install --locked cargo-mutants@{VERSION}")

    names = listed()
    today = datetime.date.today().isoformat()
    found, done = ({}, True) if options.report else run(options, names, kept())
    # Another run may have ended in the meantime.
    results = kept()
    for name, (word, seconds) in found.items():
        results[names[name]] = {"outcome": word, "seconds": round(seconds, 1), "date": today}
    WORK.mkdir(parents=True, exist_ok=True)
    KEPT.write_text(json.dumps(results, indent=1, sort_keys=True), encoding="utf-8")

    reasons, keys = explained(), list(names.values())
    report(keys, results, reasons)
    outcome = lambda key: results.get(key, {}).get("outcome")
    bad = [] if done else ["cargo mutants came to no good end"]
    bad += [f"missed: {key}" for key in keys if outcome(key) == "missed" and key not in reasons]
    bad += [f"explained, and noticed: {key}" for key in reasons if outcome(key) in ("caught", "timeout", "unviable")]
    bad += [f"explained, and gone: {key}" for key in reasons if key not in set(keys)]
    for line in bad:
        print("mutants:", line, file=sys.stderr)
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
