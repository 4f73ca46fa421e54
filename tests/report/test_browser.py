"""A real browser opens the page: no error on its console, and its script may run, no other."""

import os
import shutil
import signal
import subprocess

import pytest

from tests.needing import not_tested
from tests.report.pages import Page

#: Seconds for what takes two.
LIMIT = 120


@pytest.fixture(scope="module")
def chromium():
    found = shutil.which("chromium")
    return found or not_tested("the report in a browser: there is no chromium")


def opened(chromium, folder, page, *words):
    """Return what the browser says on stdout and on stderr."""
    (folder / "page.html").write_text(page)
    command = [
        chromium, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
        "--disable-background-networking", "--no-first-run", "--enable-logging=stderr",
        f"--user-data-dir={folder / 'profile'}", *words, (folder / "page.html").as_uri(),
    ]  # fmt: skip
    # its own session, so that what it starts can be ended with it
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "HOME": str(folder)}, start_new_session=True,
    )  # fmt: skip
    try:
        return process.communicate(timeout=LIMIT)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        raise


def complaints(said):
    return [line for line in said.splitlines() if "CONSOLE" in line]


def test_the_page_opens_without_a_complaint_and_its_script_runs(chromium, ill, tmp_path):
    page = ill.page
    assert '<p id="finder" hidden>' in page
    seen, said = opened(chromium, tmp_path, page, "--dump-dom")
    assert complaints(said) == []
    assert '<p id="finder">' in seen  # the script took `hidden` away: its hash is the right one
    assert Page(seen).text == Page(page).text  # nothing of it is made by the script


def test_a_script_that_is_not_ours_is_refused_and_complained_about(chromium, ill, tmp_path):
    page = ill.page.replace("</body>", "<script>document.title = 'taken over'</script></body>")
    seen, said = opened(chromium, tmp_path, page, "--dump-dom")
    assert complaints(said)
    assert "<title>taken over" not in seen
