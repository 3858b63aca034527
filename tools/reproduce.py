"""Show, print, run or collect the experiments of a plan: the paper, SynthHands, or your own.

simhand reproduce synthhands methods --seeds 0 1 2 --run

simhand reproduce synthhands methods --seeds 0 1 2 --collect

simhand reproduce simhand_paper table4 --print

Finished commands are not run again. An interrupted run continues from its last checkpoint. Several
processes, or machines with a shared disk, can run the same plan at the same time.
"""

from simhand_mm.cli import run
from simhand_mm.experiments.reproduction import reproduce

if __name__ == "__main__":
    run(reproduce, __doc__)
