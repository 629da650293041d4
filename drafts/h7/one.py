import sys; sys.path.insert(0,".")
from tests.benchmarks import experiments as e
from utils import project
project.start()
name, cond, seed = sys.argv[1:4]
s = e.studies()[name]
e.run(name, e.Study({cond: s.conditions[cond]}, (int(seed),)))
