import sys; sys.path.insert(0,".")
from tests.benchmarks import experiments as e
from utils import project
import keras
project.start()
args = sys.argv[1:]
for name, cond, seed in zip(args[::3], args[1::3], args[2::3]):
    s = e.studies()[name]
    e.run(name, e.Study({cond: s.conditions[cond]}, (int(seed),)))
    keras.backend.clear_session()
