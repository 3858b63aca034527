"""Write an HTML report on a hand pool: statistics, drop reasons, random and worst hands.

simhand browse-pool data/pool -o pool.html
"""

from simhand_mm.cli import run
from simhand_mm.visualization.pool_report import write_pool_report

if __name__ == "__main__":
    print(run(write_pool_report, __doc__))
