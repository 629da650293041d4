import sys; sys.path.insert(0,".")
import numpy as np, itertools, time
from skimage import filters
from utils import instances as I, nuclei as N
im,lab=N.load(); t=time.time()
def seg(im,method,sigma,small,ws,smooth=1.):
    g=filters.gaussian(im,sigma) if sigma else im
    if method=="otsu": m=g>filters.threshold_otsu(g)
    if method=="li": m=g>filters.threshold_li(g)
    if method=="local": m=g>filters.threshold_local(g,101,offset=-5/255)
    if method=="log": l=np.log(g+1/255); m=l>filters.threshold_otsu(l)
    l=N.without_small(I.label(m),small)
    if ws: l=I.split_touching((l>0).astype(float),min_distance=ws,smooth=smooth)
    return l
res={}
for method,sigma,small,ws,sm in itertools.product(["otsu","li","local","log"],[0,1,2],[0,30],[0,5,7],[1.,2.]):
    if not ws and sm>1: continue
    L=seg(im,method,sigma,small,ws,sm)
    r={q:N.score(N.quadrant(lab,q),N.quadrant(L,q)) for q in N.QUADRANTS}
    res[method,sigma,small,ws,sm]=r
print(time.time()-t)
for key in ("iou","ap50","ap"):
    print(key)
    for k,r in sorted(res.items(),key=lambda kr:-np.mean([x[key] for x in kr[1].values()]))[:8]:
        print(k,[round(r[q][key],3) for q in N.QUADRANTS], "ap",[round(r[q]["ap"],2) for q in N.QUADRANTS])
for k in (("log",0,0,0,1.),("log",0,0,5,1.),("otsu",0,0,0,1.)): print(k,[round(res[k][q]["ap50"],3) for q in N.QUADRANTS])
