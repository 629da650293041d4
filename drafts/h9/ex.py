import sys; sys.path.insert(0,".")
from utils import project
project.start()
import numpy as np, keras, time, json
from utils import nuclei as N, instances as I, unet, pipeline, training, weights, elastic
im,lab=N.load()
TEST="lower left"; VAL="upper left"
def run(train_q, val_q, seed=0, size=64, count=800, epochs=4, depth=4, base=8, start=None, width=1, bend=2., zoom=1.2, light=.2, peak=1e-2, tag=""):
    x=N.stretch(im)
    t=time.time()
    I_,L_=N.crops([N.quadrant(x,q) for q in train_q],[N.quadrant(lab,q) for q in train_q],count,size=size,seed=seed,bend=bend,zoom=zoom,light=light)
    masks=np.stack([I.border_classes(l,width) for l in L_])[...,None]
    tc=time.time()-t
    keras.utils.set_random_seed(seed)
    m=unet.build_unet((size,size,3),depth=depth,base=base,classes=3)
    if start:
        src=weights.load_shipped()
        for l in src.layers:
            if l.name!="head" and l.weights: m.get_layer(l.name).set_weights(l.get_weights())
    data=pipeline.dataset(I_,masks,classes=3,shuffle=True,augment=True,seed=seed)
    training.compile_model(m,epochs*int(data.cardinality()),peak=peak,loss="sparse_categorical_crossentropy")
    vi,vl=N.crops([N.quadrant(x,val_q)],[N.quadrant(lab,val_q)],16,size=size,seed=99,bend=0,zoom=1,light=0)
    vm=np.stack([I.border_classes(l,width) for l in vl])[...,None]
    h=training.train(m,data,(vi,vm),epochs,score=lambda t,o:((t>0)&(o[...,:1]<.5)).sum()/((t>0)|(o[...,:1]<.5)).sum())
    big=unet.build_unet((256,256,3),depth=depth,base=base,classes=3); big.set_weights(m.get_weights())
    out={}
    for q in N.QUADRANTS:
        if q in train_q: continue
        o=training.predict(big,N.as_input(N.quadrant(x,q))[None])[0]
        s=N.score(N.quadrant(lab,q),N.objects(o)); out[q]=s
        print(tag,q,{k:round(v,3) for k,v in s.items()},flush=True)
    print("crops %.1fs train %.1fs"%(tc,h.seconds[-1]), project.peak_memory() if hasattr(project,"peak_memory") else "",flush=True)
    return m,out
if __name__=="__main__":
    two=["upper right","lower right"]
    run(two,VAL,tag="scratch 2q")
    run(two,VAL,start=True,tag="shapes 2q")
