"""A pytest plugin: writes what was collected and how each test ended, one JSON line each, to S3_TESTS_REPORT.

A line is written as soon as it is known, so that a process that hangs or dies loses nothing but its own test.
"""

import json
import os


def write(entry):
    with open(os.environ["S3_TESTS_REPORT"], "a", encoding="utf-8") as report:
        report.write(json.dumps(entry) + "\n")


def pytest_collection_finish(session):
    if session.config.option.collectonly:
        for item in session.items:
            write({"test": item.nodeid, "markers": sorted({marker.name for marker in item.iter_markers()})})


def pytest_runtest_logreport(report):
    if report.when == "call" or report.outcome != "passed":
        entry = {"test": report.nodeid, "phase": report.when, "outcome": report.outcome,
                 "seconds": round(report.duration, 3)}
        if report.failed:
            entry["error"] = str(report.longrepr).strip().splitlines()[-12:]
        write(entry)
