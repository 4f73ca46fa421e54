"""Turn a test run's report into a record, and all records into one table."""

import json
from xml.etree import ElementTree as ET

HEAD = """# Soak runs

What the oracles saw at their full size. `make soak` runs them and adds a record and a row here;
CI runs seeded samples of the same tests on the same three servers. Rows are written by the run,
never by hand; a run that failed stays, as failed.

| when (UTC) | topic | test | server | result | seen | took | commit |
|---|---|---|---|---|---|---|---|
"""
#: Noted with every case, and shown in a column of its own.
SERVER = "server"


def outcome(report, code):
    """Return what a JUnit report says: passed only where something ran and all of it passed.

    `code` is pytest's own: a run that was broken off has none but good cases, perhaps.
    """
    found = ET.fromstring(report).iter("testcase") if report else ()
    cases = [case_of(each) for each in found]
    results = [each["result"] for each in cases]
    return {
        "outcome": "passed" if set(results) == {"passed"} and code == 0 else "failed",
        "cases": {word: results.count(word) for word in ("passed", "failed", "skipped")},
        "tests": [of_test(name, cases) for name in dict.fromkeys(each["test"] for each in cases)],
    }


def case_of(element):
    failed = any(each.tag in {"failure", "error"} for each in element)
    skipped = element.find("skipped") is not None
    name = element.get("name", "broken off")
    return {
        "test": name.partition("[")[0],
        "case": name,
        "result": "failed" if failed else "skipped" if skipped else "passed",
        "took_s": round(float(element.get("time", 0)), 1),
        "noted": {each.get("name"): number(each.get("value")) for each in element.iter("property")},
    }


def number(text):
    return int(text) if text.removeprefix("-").isdigit() else text


def of_test(name, cases):
    """Return a test's cases in sum, and one by one where they noted something or went wrong."""
    of_it = [each for each in cases if each["test"] == name]
    return {
        "test": name,
        "cases": len(of_it),
        "result": "passed" if all(each["result"] == "passed" for each in of_it) else "failed",
        "took_s": round(sum(each["took_s"] for each in of_it), 1),
        "runs": [
            {key: each[key] for key in ("case", "result", "took_s", "noted")}
            for each in of_it
            if each["noted"] or each["result"] != "passed"
        ],
    }


def write(folder, name, record):
    """Keep a record, and write the table of all of them anew."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.json").write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    records = [json.loads(path.read_text("utf-8")) for path in sorted(folder.glob("*.json"))]
    (folder / "README.md").write_text(table(records), encoding="utf-8")


def table(records):
    """Return the table, the newest run first."""
    rows = [row for record in sorted(records, key=newest, reverse=True) for row in rows_of(record)]
    return HEAD + "".join(f"| {' | '.join(row)} |\n" for row in rows)


def newest(record):
    return record["when"]


def rows_of(record):
    """Yield a row for each run that noted something or went wrong, and one for all the others."""
    commit = record["commit"] + (" and changes" if record["changed_since_commit"] else "")
    first = record["when"][:16].replace("T", " "), record["topic"]
    for test in record["tests"]:
        name = test["test"].removeprefix("test_").replace("_", " ")
        for run in test["runs"]:
            seen = {key: value for key, value in run["noted"].items() if key != SERVER}
            said = ", ".join(f"{key.replace('_', ' ')} {value}" for key, value in seen.items())
            server = str(run["noted"].get(SERVER, ""))
            yield *first, name, server, run["result"], said, f"{run['took_s']:.0f} s", commit
    others = [each for each in record["tests"] if not each["runs"]]
    if others or not record["tests"]:
        cases, took_s = (sum(each[key] for each in others) for key in ("cases", "took_s"))
        result = "passed" if others else "nothing ran"
        said = f"{len(others)} tests, {cases} cases"
        yield *first, "all others", "", result, said, f"{took_s:.0f} s", commit
