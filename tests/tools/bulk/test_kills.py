"""Processes that are killed lose nothing, and leave nothing half done."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from keras_hypersphere.tools.bulk.embed_folder import embed_folder
from keras_hypersphere.tools.bulk.shard_folder import RECORD
from keras_hypersphere.zoo import BulkEmbedder

pq = pytest.importorskip("pyarrow.parquet")
COUNT = 120
WORKER = "ray::MapWorker"


@pytest.fixture
def job(write_crops, tmp_path):
    """The words of a command, where it writes, and what should be there."""
    folder = write_crops(tmp_path / "crops", COUNT)
    (folder / "bad.png").write_bytes(b"broken")
    embed = BulkEmbedder(runtime="opencv", aligned=True)
    embed_folder(folder, tmp_path / "wanted", embed, shard_size=4)
    words = [sys.executable, "-m", "keras_hypersphere", "embed", str(folder)]
    words += ["-o", f"{tmp_path / 'out'}/", "--shard-size", "4", "--json"]
    words += ["--aligned", "--runtime", "opencv"]
    return words, tmp_path / "out", shards(tmp_path / "wanted")


def shards(out):
    return {path.name: path.read_bytes() for path in out.glob("*.parquet")}


def wait_for(happened, running, seconds=120):
    end = time.monotonic() + seconds
    while not happened():
        assert running is None or running.poll() is None, running.communicate()
        assert time.monotonic() < end, "nothing happens"
        time.sleep(0.02)


def processes_below(ancestor):
    """Those that a process started, with their command lines."""
    parents, words = {}, {}
    for folder in Path("/proc").iterdir():
        try:
            pid, status = int(folder.name), (folder / "stat").read_text()
            words[pid] = (folder / "cmdline").read_bytes().decode()
        except (ValueError, OSError):
            continue
        # The name, in parentheses, may hold anything.
        parents[pid] = int(status.rpartition(")")[2].split()[1])
    below, found = {ancestor}, {}
    while more := {p for p, up in parents.items() if up in below} - set(found):
        found |= {pid: words[pid] for pid in more}
        below |= more
    return found


def result(done):
    document = json.loads(done.stdout)
    assert done.returncode == 0 and document["error"] is None, done.stderr
    [told] = document["results"]
    return told


def kill_after_shards(words, out, count=3):
    """Kills the command when so many shards are there."""
    running = subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    wait_for(lambda: len(shards(out)) >= count, running)
    below = processes_below(running.pid)
    running.send_signal(signal.SIGKILL)
    running.communicate()
    return {pid for pid, command in below.items() if WORKER in command}


def require_part(out, wanted):
    """Some shards, each whole; and a record that says that more are due."""
    there = shards(out)
    assert 0 < len(there) < len(wanted)
    assert there == {name: wanted[name] for name in there}
    assert json.loads((out / RECORD).read_text())["complete"] is False
    return len(there)


@pytest.mark.slow
def test_a_killed_process(job):
    words, out, wanted = job
    kill_after_shards(words, out)
    there = require_part(out, wanted)
    told = result(subprocess.run(words, capture_output=True, text=True))
    assert told["skipped"] >= there and told["photos"] == COUNT + 1
    assert shards(out) == wanted


@pytest.mark.slow
def test_ctrl_c(job):
    words, out, wanted = job
    running = subprocess.Popen(
        [word for word in words if word != "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    wait_for(lambda: len(shards(out)) >= 3, running)
    running.send_signal(signal.SIGINT)
    said, errors = running.communicate()
    assert running.returncode == 1 and said == ""
    there = require_part(out, wanted)
    assert errors.splitlines()[-1] == (
        f"error: interrupted: {there} new shards are in {out}/; the same "
        "command goes on"
    )
    result(subprocess.run(words, capture_output=True, text=True))
    assert shards(out) == wanted


@pytest.mark.ray
def test_a_killed_driver_of_ray(job):
    """Its workers end with it; either engine goes on, with the same rows."""
    words, out, wanted = job
    workers = kill_after_shards([*words, "--engine", "ray"], out)
    assert workers
    wait_for(
        lambda: not any(os.path.exists(f"/proc/{pid}") for pid in workers), None
    )
    there = require_part(out, wanted)
    told = result(subprocess.run(words, capture_output=True, text=True))
    assert told["skipped"] >= there
    assert shards(out) == wanted


@pytest.mark.ray
def test_a_killed_worker_of_ray(job):
    """Ray starts another, with the shard that was in work."""
    words, out, wanted = job
    words = [*words, "--engine", "ray", "--workers", "2"]
    running = subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    wait_for(lambda: len(shards(out)) >= 2, running)
    workers = [
        pid
        for pid, command in processes_below(running.pid).items()
        if command.startswith(WORKER)
    ]
    assert workers and len(shards(out)) < len(wanted)
    for pid in workers:
        os.kill(pid, signal.SIGKILL)
    stdout, stderr = running.communicate(timeout=200)
    done = subprocess.CompletedProcess(
        words, running.returncode, stdout, stderr
    )
    told = result(done)
    assert told["photos"] == COUNT + 1 and told["embeddings"] == COUNT
    assert told["failed"] == 1 and told["engine"] == "ray"
    assert shards(out) == wanted
    assert not list(out.glob("*.part"))
