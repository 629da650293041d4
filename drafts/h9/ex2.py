import sys; sys.path.insert(0,"./h9"); 
from ex import *
from PIL import Image
def up(a,f,label=False):
    if f==1: return a
    return np.asarray(Image.fromarray(a).resize((a.shape[1]*f,a.shape[0]*f), Image.NEAREST if label else Image.BICUBIC)).clip(0, None if label else 1)
def tta(big,x):
    outs=0
    for k in range(4):
        for fl in (0,1):
            z=np.rot90(x,k); z=z[:,::-1] if fl else z
            o=np.asarray(big(z[None].copy(),training=False))[0]; o=o[:,::-1] if fl else o
            outs=outs+np.rot90(o,-k)
    return outs/8
def run2(train_q, seed=0, f=1, size=64, count=800, epochs=4, depth=4, base=8, start=None, width=1, bend=2., zoom=1.2, light=.2, peak=1e-2, tag="", touch=0, batch=8):
    x=N.stretch(im); X={q:up(N.quadrant(x,q).copy(),f) for q in N.QUADRANTS}; Y={q:up(N.quadrant(lab,q).copy(),f,True) for q in N.QUADRANTS}
    I_,L_=N.crops([X[q] for q in train_q],[Y[q] for q in train_q],count,size=size,seed=seed,bend=bend*f,zoom=zoom,light=light)
    masks=np.stack([I.border_classes(l,width) for l in L_])[...,None]
    w=None
    if touch:
        w=np.stack([1+touch*((I.gaps(l)==0)&(l>0)) for l in L_]).astype("float32")[...,None]
        from scipy.ndimage import grey_dilation
        w=np.stack([grey_dilation(a[...,0],3) for a in w])[...,None]
    keras.utils.set_random_seed(seed)
    m=unet.build_unet((size,size,3),depth=depth,base=base,classes=3)
    if start:
        src=weights.load_shipped()
        for l in src.layers:
            if l.name!="head" and l.weights: m.get_layer(l.name).set_weights(l.get_weights())
    data=pipeline.dataset(I_,masks,classes=3,weights=w,shuffle=True,augment=True,seed=seed,batch_size=batch)
    training.compile_model(m,epochs*int(data.cardinality()),peak=peak,loss="sparse_categorical_crossentropy")
    h=training.train(m,data,(I_[:8],masks[:8]),epochs,score=lambda t,o:((t>0)&(o[...,:1]<.5)).sum()/((t>0)|(o[...,:1]<.5)).sum())
    big=unet.build_unet((256*f,256*f,3),depth=depth,base=base,classes=3); big.set_weights(m.get_weights())
    out={}
    for q in N.QUADRANTS:
        if q in train_q: continue
        o=tta(big,N.as_input(X[q])); out[q.replace(" ","_")]=o
    np.savez_compressed(f"./h9/{tag}.npz",**{k:v.astype("float16") for k,v in out.items()})
    print(tag,"train %.1fs"%h.seconds[-1],flush=True)
if __name__=="__main__":
    tags=sys.argv[1:]
    two=["upper right","lower right"]; three=["upper left"]+two
    for tag in tags:
        if tag=="A": run2(two,f=2,size=96,count=400,epochs=4,width=2,tag=tag)
        if tag=="B": run2(two,f=1,tag=tag,touch=5)
        if tag=="C": run2(three,f=2,size=96,count=400,epochs=4,width=2,tag=tag)
        if tag=="D": run2(two,f=2,size=96,count=400,epochs=4,width=2,start=1,tag=tag)
        if tag=="E": run2(two,f=2,size=96,count=400,epochs=4,width=2,touch=5,tag=tag)
        if tag=="F": run2(three,f=2,size=96,count=400,epochs=4,width=3,touch=5,tag=tag,depth=3,base=12)
