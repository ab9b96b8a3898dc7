"""The page beside a project: what is known of a model when it is built."""

from __future__ import annotations

import shlex

from mcuq.archive import Archive
from mcuq.fit import FitReport
from mcuq.page.gathering import Absent, Origin, gather, html
from mcuq.plan import Plan
from mcuq.target.record import Record

ASK = "mcuq report {model} --data D.npz"
JUDGED = f"Answers are not judged when a model is built: `{ASK}` does it, and says what layers lose."
COUNTED = "Instructions are estimated when a model is built: `mcuq report {model}` counts them where the emulator is."
SAMPLES = f"No samples were given, so outputs of layers are not known: `{ASK}`."


def project_page(model: Archive, plan: Plan, fit: FitReport, record: Record) -> dict[str, bytes]:
    """Return the page of a model in a project, by its path.

    Args:
        model: the model; samples that it was calibrated with are those whose activations are shown.
        plan: it, lowered.
        fit: what the plan needs of the board.
        record: what was decided.
    """
    name = plan.graph.name
    words = ["mcuq", "build", record.file or f"{name}.mcuq", "--board", record.board, "--framework", record.framework]
    options = [word for option in (*record.setup.options, *record.forms) for word in option.split()]
    words += [*options, "--out", "."]
    chosen = tuple((f"quantization, {key}", str(value)) for key, value in record.quantization.items())
    texts = (text.format(model=f"{name}.mcuq") for text in ("" if model.samples else SAMPLES, JUDGED, COUNTED))
    origin = Origin(shlex.join(words), (("framework", f"{record.framework} {fit.sdk}"), *chosen))
    page = gather(model, plan, fit, origin, inputs=model.samples or None, absent=Absent(*texts))
    return {f"lib/{name}/report.html": html(page)}
