"""A compiler that is being started while another one fails, or everything is stopped, is ended like those that run."""

import subprocess
import time

import pytest
from processes import needs_proc

from mcuq.engines import sources
from mcuq.errors import McuqError

SCRIPT = '#!/bin/sh\ncase "$*" in *bad.c*) exit 1;; esac\nexec sleep 20\n'


@needs_proc
def test_it_does_not_run_on(tmp_path, monkeypatch):
    """Starting takes half a second here, as it may on a busy machine; the bad file fails meanwhile."""
    compiler, begin, begun = tmp_path / "cc", subprocess.Popen, []
    compiler.write_text(SCRIPT)
    compiler.chmod(0o755)

    def slowly(command, **options):
        if not any("bad.c" in part for part in command):
            time.sleep(0.5)
        begun.append(begin(command, **options))
        return begun[-1]

    monkeypatch.setattr(sources.os, "cpu_count", lambda: 2)
    monkeypatch.setattr(sources.subprocess, "Popen", slowly)
    start = time.monotonic()
    with pytest.raises(McuqError, match="failed"):
        sources.compile_and_link(str(compiler), [], [tmp_path / "bad.c", tmp_path / "good.c"], tmp_path / "program")
    assert time.monotonic() - start < 15
    assert all(process.poll() is not None for process in begun)
