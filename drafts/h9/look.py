import sys; sys.path.insert(0,".")
import numpy as np
from PIL import Image
from skimage import filters, measure
from utils import instances as I
im=np.asarray(Image.open("data/nuclei/image.png")).astype(np.float32)/255; lab=np.asarray(Image.open("data/nuclei/labels.png")).astype(np.int32)
print(im.shape, im.dtype, im.min(), im.max(), np.percentile(im*255,[0,1,5,25,50,75,95,99,100]), lab.max(), len(np.unique(lab))-1)
areas=np.bincount(lab.ravel())[1:]; print("areas", np.percentile(areas,[0,5,25,50,75,95,100]))
dup=[i for i in np.unique(lab)[1:] if measure.label(lab==i,connectivity=1).max()>1]; print("disconnected ids", dup)
def iou(a,b): return (a&b).sum()/(a|b).sum()
def base(im):
    yield "otsu", im>filters.threshold_otsu(im)
    yield "li", im>filters.threshold_li(im)
    yield "local", im>filters.threshold_local(im,101,offset=5/255)
    yield "local-5", im>filters.threshold_local(im,101,offset=-5/255)
    lg=np.log(im+1/255); yield "logotsu", lg>filters.threshold_otsu(lg)
full=list(base(im))
for q,(y,x) in {"TL":(0,0),"TR":(0,1),"BL":(1,0),"BR":(1,1)}.items():
    s=(slice(256*y,256*y+256),slice(256*x,256*x+256)); L=lab[s]
    mean=[im[lab==i].mean() for i in np.unique(L)[1:]]
    print(q,"nuclei",len(np.unique(L))-1,"fg %.3f"%(L>0).mean(),"comps",I.label(L>0).max(),"brightness %.2f..%.2f med %.2f"%(min(mean),max(mean),np.median(mean)), "ground %.3f"%np.median(im[s][L==0]), "cross cut", len([i for i in np.unique(L)[1:] if (lab==i).sum()>(L==i).sum()]))
    for n,m in base(im[s]):
        for k,l in (("cc",I.label(m)),("ws",I.split_touching(m.astype(float)))):
            ap=I.average_precision(L,l,(.5,.7,.9)); print("   %-8s %s IoU %.3f whole-cut %.3f AP %s"%(n,k,iou(L>0,m),iou(L>0,dict(full)[n][s]),ap.round(2)))
