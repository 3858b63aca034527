"""Check this machine: requirements of training, and whether the GPU agrees with the CPU.

simhand doctor --json doctor.json
"""

import sys
from pathlib import Path

from simhand_mm.cli import run

KINDS = ("ok", "differs", "fails", "untested")


def main(device: str | None = None, json: Path | None = None) -> None:
    """Print one line per check: ok, differs, fails, or untested (not possible on this machine).

    Takes about a minute. The exit code is 1 if a check differs or fails. The data are random;
    reading from your disks is not checked.

    Args:
        device: Device to compare with the CPU; by default the first GPU.
        json: JSON file for the results; not written by default.
    """
    import torch
    from mmengine.logging import MMLogger

    from simhand_mm.doctor import CHECKS, FACTS, examine, run_check
    from simhand_mm.pool import write_json

    if device is not None:
        try:
            torch.empty(1, device=device)
        except (RuntimeError, AssertionError) as error:
            reason = str(error).splitlines()[0]
            raise ValueError(
                f"device must be one that torch can use, but got {device!r} ({reason}). Choose "
                "another device."
            ) from error
    MMLogger.get_current_instance().setLevel("ERROR")
    findings = [examine(name, ask) for name, ask in FACTS.items()]
    if device is None and torch.cuda.is_available():
        device = "cuda:0"
    findings += [examine(name, run_check, check, device) for name, check in CHECKS.items()]
    print(*findings, sep="\n")
    counts = {kind: sum(f.status == kind for f in findings) for kind in KINDS}
    print(", ".join(f"{count} {kind}" for kind, count in counts.items()))
    if json is not None:
        answers = [finding.to_json() for finding in findings]
        write_json(json, {"device": device, "counts": counts, "answers": answers})
    if counts["differs"] or counts["fails"]:
        sys.exit(1)


if __name__ == "__main__":
    run(main, __doc__)
