import sys; sys.path.insert(0,".")
from tests.benchmarks import studies_classes as s
from utils import classes, shapes
import numpy as np
m=s.build(4); t=classes.draw(40,split="test"); print(s.score(m,t,classes.NAMES))
f=s.few(300); g=classes.draw(300); print(np.bincount(f.classes.ravel(),minlength=4)/f.classes.size, np.bincount(g.classes.ravel(),minlength=4)/g.classes.size)
from tests.benchmarks import experiments
print([ (k,list(v.conditions)) for k,v in experiments.studies().items() if 'class' in k])
