import sys; sys.path.insert(0,".")
from utils import project; project.start()
import numpy as np
from utils import *
from utils import classes, shapes, training, weights
m=weights.load_shipped("unet_classes")
crossing = classes.plan(300, split="test", overlaps=True); crossed = shapes.paint(crossing)
hard=training.predict(m,crossed.images); largest=hard.max(-1); right=classes.class_of(hard)==crossed.classes; sp=crossed.classes>0
for e in ([0,.6,.8,1.01],[0,.6,.9,1.01],[0,.75,.95,1.01],[0,.8,.95,1.01],[0,.5,.7,.9,.99,1.01]):
    print(e,[((i:=sp&(largest>a)&(largest<=b)).sum()/sp.sum()*100, right[i].mean()*100) for a,b in zip(e,e[1:])])
