"""An Arduino library holds all models' files in one folder: those of one name replaced each other in silence."""

import numpy as np
from models import small_graph

from mcuq import archive
from mcuq.archive import Archive


def test_models_whose_files_have_one_name(run, tmp_path):
    """``small`` has its tables where ``small_tables`` has its header."""
    model, project, zipped = tmp_path / "small.mcuq", tmp_path / "project", tmp_path / "library.zip"
    model.write_bytes(archive.dump(Archive(small_graph(np.random.default_rng(0)))))
    build = ("build", model, "--board", "esp32-c3-devkitm-1", "--out", project)
    assert run(*build)[0] == 0
    status, _, error = run(*build, "--name", "small_tables", "--arduino-zip", zipped)
    said = "two models have a file small_tables.h each, which cannot lie in one folder; rename one of them"
    assert (status, error) == (2, f"mcuq: error: {said}\n") and not zipped.exists()
