import sys; sys.path.insert(0,".")
import numpy as np
from utils import nuclei as N, instances as I
from scipy import ndimage
im,lab=N.load()
for tag in sys.argv[1:]:
    z=np.load(f"./h9/{tag}.npz")
    for k in z.files:
        o=z[k].astype(np.float32); T=N.quadrant(lab,k.replace("_"," ")); f=o.shape[0]//256
        fg=o[...,0]<.5
        def sc(name,L): s=N.score(T,L[::f,::f] if f>1 else L); print(f"{tag} {k:12s} {name:22s} IoU {s['iou']:.3f} ap50 {s['ap50']:.3f} ap {s['ap']:.3f}", (np.unique(L).size-1))
        sc("argmax",N.objects(o,20*f*f))
        for th in (.5,.7,.85): sc(f"inside>{th}",I.watershed(N.without_small(I.label(o[...,1]>th),10*f*f),fg))
        M=N.without_small(I.label(fg),30*f*f)>0
        for d in (5,7): sc(f"dist ws {d}",I.split_touching(M.astype(float),min_distance=d*f,smooth=1.*f))
        # distance of the inside mask
        ins=o[...,1]>.5
        D=ndimage.gaussian_filter(ndimage.distance_transform_edt(ins),1.*f)
        from skimage import feature
        for d in (4,5):
            p=feature.peak_local_max(D,min_distance=d*f,labels=I.label(ins),exclude_border=False,threshold_abs=1.5*f)
            s=np.zeros(ins.shape,np.int32); s[tuple(p.T)]=np.arange(1,len(p)+1)
            sc(f"inside dist {d}",I.watershed(s,fg))
