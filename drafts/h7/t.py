import sys; sys.path.insert(0,".")
from utils import project
project.start()
import numpy as np, keras
from utils import classes, pipeline
# out of bounds
logits = np.zeros((1,2,2,3),np.float32)+1/3
t = np.array([[[0,1],[2,3]]])
try:
    print(keras.losses.sparse_categorical_crossentropy(t, logits))
except Exception as e: print(type(e).__name__, str(e)[:300])
m = keras.Sequential([keras.Input((2,2,3)), keras.layers.Conv2D(3,1,activation="softmax")])
m.compile("adam","sparse_categorical_crossentropy", jit_compile=True)
try:
    print(m.train_on_batch(logits, t))
    print(m.train_on_batch(logits, t))
except Exception as e: print(type(e).__name__, str(e)[:300])
for bad in (t[...,None]/3, ):
    try: pipeline.check_arrays(np.zeros((1,2,2,3),np.float32), bad, classes=4)
    except Exception as e: print(type(e).__name__, e)
try: pipeline.check_arrays(np.zeros((1,2,2,3),np.float32), t[...,None], classes=3)
except Exception as e: print(type(e).__name__, e)
test = classes.draw(500, split="test")
print(np.bincount(test.classes.ravel())/test.classes.size)
