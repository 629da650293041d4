import sys, json, time, os
sys.path.insert(0, ".")
from utils import project
with project.quiet():
    import tensorflow as tf
import numpy as np, keras, dataclasses
from utils import shapes, pipeline, unet, training, weights, metrics
cfg = dict(kinds=3, images=1000, epochs=7, transfer=False, filled=True, level="standard", single=False, radius=None, base=8, depth=4, peak=1e-2, seed=0, cw=None, batch=8, angle=None, freeze=False)
cfg.update(json.loads(sys.argv[1]))
print(cfg, flush=True)
K = cfg["kinds"]
kinds = shapes.KINDS[:K]
from utils import classes
def make(n, split, seed=0):
    return classes.draw(n, split=split, seed=seed, level=cfg["level"], kinds=kinds, scale=cfg.get("scale",.7), outlined=not cfg["filled"], overlaps=cfg.get("overlaps",False))
train, val = make(cfg["images"], "train"), make(200, "validation")
def ious(truth, out):
    pred = out.argmax(-1); truth = truth[...,0] if truth.ndim==4 else truth
    return [((truth==k)&(pred==k)).sum()/max(1,((truth==k)|(pred==k)).sum()) for k in range(1,K+1)]
data = pipeline.dataset(train.images, train.classes[...,None], classes=K+1, batch_size=cfg["batch"], shuffle=True, augment=True, seed=cfg["seed"])
keras.utils.set_random_seed(cfg["seed"])
net = dict(depth=cfg["depth"], base=cfg["base"], norm="batch", upsampling="nearest")
model = unet.build_unet(classes=K+1, **net)
if cfg["transfer"]:
    src = weights.load_shipped()
    for l in model.layers[:-1]:
        l.set_weights(src.get_layer(l.name).get_weights())
steps = cfg["epochs"]*(cfg["images"]//cfg["batch"])
training.compile_model(model, steps, peak=cfg["peak"], loss="sparse_categorical_crossentropy")
h = training.train(model, data, (val.images, val.classes[...,None]), cfg["epochs"], score=lambda t,o: float(np.mean(ious(t,o))))
out = training.predict(model, val.images)
pred = out.argmax(-1)
print("per class", np.round(ious(val.classes,out),3), "mean", np.mean(ious(val.classes,out)).round(3), "fg", round(metrics.iou(val.masks[...,0], (pred>0).astype(np.uint8)),3))
print("confusion"); 
c = np.array([[((val.classes==a)&(pred==b)).sum() for b in range(K+1)] for a in range(K+1)]); print((c/c.sum(1,keepdims=True)).round(2))
print("RESULT", json.dumps(cfg), round(float(np.mean(ious(val.classes,out))),3), round(h.seconds[-1],1), flush=True)
