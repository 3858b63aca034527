"""Write an HTML contact sheet of mined pairs: query and Top-1, 2, 3, 10, 50, 100.

simhand browse-pairs data/pool --pairs similar -o pairs.html
"""

from simhand_mm.cli import run
from simhand_mm.visualization.pairs_report import write_pairs_report

if __name__ == "__main__":
    print(run(write_pairs_report, __doc__))
